"""Files of other machines for the rules about files: below the roots, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from dq.files.base import Files, Listing
from dq.files.places import EVERYTHING_BELOW, Glob, Place, Roots
from dq.files.stores import Object, System, system, told
from dq.metrics import FileFound

Told = Callable[[str, float, int], None]


def remote(scheme: str, roots: Roots, progress: Told = lambda *step: None) -> Files:
    """The file system of a URL scheme."""
    return RemoteFiles(system(scheme), roots, progress)


class RemoteFiles:
    """Files of a store that a ruleset names."""

    def __init__(self, system: System, roots: Roots, progress: Told = lambda *step: None) -> None:
        self.roots = roots
        self._system = system
        self._progress = progress

    def find(self, place: Place, /) -> Listing:
        """The file, or the files below the folder or glob."""
        self.roots.admit(place)
        with told(place.shown):
            return self._find(place)

    def _find(self, place: Place) -> Listing:
        found = self._system.look(place.path)
        if found is not None and not found.is_folder:
            return Listing((_file(found),), single=True)
        if found is not None:
            return self._below(place, EVERYTHING_BELOW)
        if glob := place.glob:
            self.roots.admit(glob[0])
            return self._below(*glob)
        return Listing(missing=True)

    def _below(self, folder: Place, wanted: Glob) -> Listing:
        objects = self._system.below(folder, wanted, lambda count: self._progress(listing(count), 0, 0))
        found = sorted(map(_file, objects), key=lambda file: file.uri)
        return Listing(found, missing=not found)

    @contextmanager
    def open(self, file: FileFound, /) -> Iterator[BinaryIO]:
        """The bytes of a file."""
        with told(file.uri), self._system.stream(Object(file.target, file.name)) as stream:
            yield stream


class FoundFiles:
    """The files that a table was read from: they are known, and no root is asked."""

    def __init__(self, system: System, objects: Sequence[Object]) -> None:
        self._system = system
        self._objects = objects

    def find(self, place: Place | None = None, /) -> Listing:
        """All of them, as they were listed."""
        return Listing([_file(each) for each in self._objects], single=len(self._objects) == 1)

    @contextmanager
    def open(self, file: FileFound, /) -> Iterator[BinaryIO]:
        """The bytes of a file."""
        with told(file.uri), self._system.stream(Object(file.target, file.name)) as stream:
            yield stream


def listing(count: int) -> str:
    """What a listing that has come so far is called."""
    return f"listing files ({count:,})" if count else "listing files"


def _file(found: Object) -> FileFound:
    return FileFound(found.shown, found.name, found.size, found.modified, target=found.url)
