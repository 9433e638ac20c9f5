"""Files of this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from dq.files.base import Listing
from dq.files.places import EVERYTHING_BELOW, FilesError, Glob, Place, Roots
from dq.metrics import FileFound

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LocalFiles:
    """Files of this machine below the roots.

    A link to a file counts as that file, if it lies below a root too; links to folders are not followed, so
    that no loop is walked and nothing is counted twice. Pipes, sockets and devices are no files.
    """

    def __init__(self, roots: Roots) -> None:
        self.roots = roots

    def find(self, place: Place, /) -> Listing:
        """The file, or the files below the folder or glob. Raises FilesError for what cannot be looked at."""
        real = self.roots.admit(place)
        if not os.path.lexists(place.path) and (glob := place.glob):
            root, wanted = glob
            return self._below(root.path, self.roots.admit(root), wanted)
        if os.path.isdir(real):  # noqa: PTH112 -- a name that is too long is no crash
            return self._below(place.path, real, EVERYTHING_BELOW)
        if not os.path.lexists(real):
            return Listing(missing=True)
        file = _found(place.path, Path(place.path).name, real)
        if file is None:
            raise FilesError(f"`{place.path}` is neither a file nor a folder")
        return Listing((file,), single=True)

    def named(self, paths: Iterable[str]) -> Listing:
        """Files that are known by their paths: those that the data was read from."""
        files = []
        for path in dict.fromkeys(paths):
            file = _found(path, Path(path).name, os.path.realpath(path))
            if file is None:
                raise FilesError(f"`{path}` is no file any more")
            files.append(file)
        return Listing(files, single=len(files) == 1)

    def open(self, file: FileFound, /) -> AbstractContextManager[BinaryIO]:
        """The bytes of a file."""
        return Path(file.target).open("rb")

    def _below(self, folder: str, real: str, wanted: Glob) -> Listing:
        if not Path(real).is_dir():
            return Listing(missing=True)
        walk = _Walk(self.roots, folder)
        walk.run(real, wanted)
        return Listing(sorted(walk.files, key=lambda file: file.uri), notes=walk.notes())


@dataclass
class _Walk:
    """One walk through a folder; a stack, since folders nest without bound."""

    roots: Roots
    folder: str
    files: list[FileFound] = field(default_factory=list)
    links: int = 0
    others: int = 0

    def run(self, real: str, wanted: Glob) -> None:
        pending = [(real, "", wanted.start)]
        while pending:
            path, above, positions = pending.pop()
            for entry in _entries(path):
                name = f"{above}{entry.name}"
                behind = wanted.step(positions, entry.name)
                if entry.is_symlink() and Path(entry.path).is_dir():
                    self.links += bool(behind)
                elif entry.is_dir(follow_symlinks=False):
                    if behind:
                        pending.append((entry.path, f"{name}/", behind))
                elif wanted.wants(behind):
                    self._take(entry, name)

    def _take(self, entry: os.DirEntry[str], name: str) -> None:
        target = self.roots.admit(Place(entry.path)) if entry.is_symlink() else entry.path
        file = _found(str(Path(self.folder, name)), name, target)
        if file is None:
            self.others += 1
        else:
            self.files.append(file)

    def notes(self) -> tuple[str, ...]:
        notes = []
        if self.links:
            notes.append(f"not followed: {self.links:,} {'link' if self.links == 1 else 'links'} to folders")
        if self.others:
            notes.append(
                f"left out: {self.others:,} that {'is no regular file' if self.others == 1 else 'are no files'}"
            )
        return tuple(notes)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise FilesError(f"the folder `{folder}` cannot be listed: {error.strerror}") from error


def _found(uri: str, name: str, target: str) -> FileFound | None:
    """A file with its size and time; None for what is no regular file."""
    try:
        facts = Path(target).stat()
    except FileNotFoundError as error:
        link = Path(uri).is_symlink()
        what = "is a link that leads nowhere" if link else "vanished while files were listed"
        raise FilesError(f"`{uri}` {what}", help="remove it" if link else "run again") from error
    except OSError as error:
        raise FilesError(f"`{uri}` cannot be looked at: {error.strerror}") from error
    if not stat.S_ISREG(facts.st_mode):
        return None
    modified = _EPOCH + timedelta(microseconds=facts.st_mtime_ns // 1000)
    return FileFound(uri, name, facts.st_size, modified, target=target)
