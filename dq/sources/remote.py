"""Files of other machines as tables: listed first, then read.

Parquet and Arrow files stay where they are. DuckDB asks this process for the ranges that a query needs, under names
that mean nothing else to it: its own readers run, so that types and meanings are those of files on this machine.
Text is fetched once and read from here, since every query would read all of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePath, PurePosixPath
from threading import Lock
from typing import Any, TypeVar

from dq.catalog.selection import PartitionFilter
from dq.diagnostics import DataError, NoFilesError
from dq.files.places import EVERYTHING_BELOW, FilesError, Glob, NoneFoundError, Place, place
from dq.files.remote import FoundFiles, listing
from dq.files.stores import CHUNK, ENVIRONMENT, Handle, Object, Store, System, system, told
from dq.options import Progress, silent
from dq.sources.declared import Declared
from dq.sources.files import (
    HEAD,
    SERVED,
    SUPPORTED,
    File,
    Files,
    chosen_files,
    demand_one_format,
    format_of_head,
    format_of_name,
    is_visible,
    left_out,
    look,
    partition_of,
    partitions_of,
    peek,
    refuse_lake,
)

_ARROW_FILE, _PARQUET_END = b"ARROW1", b"PAR1"

AT_ONCE = 16
"""Requests that are under way at a time."""

ASKED_ONE_BY_ONE = 100
"""Up to so many files are asked for again one by one; more of them are listed again."""

TAIL = 64 * 1024
"""Bytes of the end of a Parquet file that are kept: its footer, as a rule, and the whole of a small file."""

TAILS = 64 << 20
"""Bytes of such ends that are kept at most, all files of a table together."""

GLIMPSED = 20
"""Files that are opened of a table to tell its columns."""

FIRST_LINES = 1 << 20
"""Bytes of a text file that are fetched to tell its columns."""

FETCHING = "fetching (MiB)"

Given = TypeVar("Given")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class RemoteFiles:
    """Files of another machine that make one table: listed, and nothing of them read.

    Attributes:
        system: where they are.
        objects: the files, ordered by their addresses.
        description: what was named, for people.
        base: the folder that was named or stands before the first wildcard; empty for files named one by one.
        searched: what was listed, to list it again.
        format: what they are, whatever they are called; None: by name or content.
        hive: whether folders named `key=value` are columns; None: those below `base` are.
        notes: remarks.
        declared: the columns as a catalog has them; the names of the objects begin with folders of its keys then,
            wherever the files lie.
        head: how many bytes of each text file are fetched; None: all, and no row of a table may be judged by less.
    """

    system: System = field(repr=False)
    objects: tuple[Object, ...]
    description: str
    base: str = ""
    searched: tuple[tuple[Place, Glob], ...] = ()
    format: str | None = None
    hive: bool | None = None
    notes: tuple[str, ...] = ()
    declared: Declared | None = None
    head: int | None = None
    _seen: dict[str, Object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def bytes(self) -> int:
        """How large they are together."""
        return sum(each.size or 0 for each in self.objects)

    def as_files(self) -> FoundFiles:
        """The same for rules about files."""
        return FoundFiles(self.system, self.objects)

    def check(self, before: Object, now: Object) -> None:
        """Refuse a file that is not what it was when it was listed, or first opened.

        Raises:
            DataError: it has changed.
        """
        if not self._seen.get(before.url, before).is_same(now):
            raise DataError(_changed(now.shown), help="evaluate it again")
        self._seen[now.url] = now

    def change(self) -> str:
        """Which file has changed since it was listed, in a sentence; empty if none has. Asks the server.

        Raises:
            FilesError: it does not answer.
        """
        if len(self.objects) > ASKED_ONE_BY_ONE and self.searched:
            now = {each.url: each for place, glob in self.searched for each in self.system.below(place, glob, _nothing)}
            found: Iterable[Object | None] = (now.get(each.url) for each in self.objects)
        else:
            found = _at_once(self._again, self.objects)
        for before, after in zip(self.objects, found, strict=True):
            if not self._seen.get(before.url, before).is_same(after):
                return _changed(before.shown) if after else f"`{before.shown}` vanished while it was read"
        return ""

    def _again(self, before: Object) -> Object | None:
        with told(before.shown):
            try:
                return self.system.open(before).object
            except FileNotFoundError:
                return None


def _changed(shown: str) -> str:
    return f"`{shown}` changed while it was read"


def _nothing(count: int) -> None:
    """Tells nobody."""


# -- from URLs to files ------------------------------------------------------------------------------------


def find(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    wanted: str | None = None,
    hive: bool | None = None,
    *,
    filters: Sequence[PartitionFilter] = (),
    store: Store = ENVIRONMENT,
    progress: Progress = silent,
) -> RemoteFiles:
    """The files that a URL, one with wildcards, one of a folder, or a list of these means. None of them is read.

    Args:
        source: the addresses, all of one scheme.
        wanted: the format, whatever the files are called.
        hive: whether folders named `key=value` are columns; None: those below the folder that is named are.
        filters: which folders `key=value` are meant; files in others are not opened.
        store: how S3 or Google Cloud Storage is reached.
        progress: told how many files have been listed.

    Raises:
        DataError: nothing is there, nothing meets the filters, or the server cannot be asked.
        DqError: a filter on what is no key of the folders.
    """
    given = [os.fspath(each) for each in ([source] if isinstance(source, (str, os.PathLike)) else source)]
    try:
        places = [place(each) for each in given]
        if len({each.scheme for each in places}) > 1:
            raise DataError("one table cannot mix files of several kinds of places", help="copy them to one")
        where = system(places[0].scheme, store)
        notes: list[str] = []
        looks = [_look(where, each, notes, progress) for each in places]
    except FilesError as error:
        kind = NoFilesError if isinstance(error, NoneFoundError) else DataError
        raise kind(error.message, help=error.help) from None
    objects = tuple(dict.fromkeys(each for one in looks for each in one.objects))
    description = places[0].shown if len(places) == 1 else f"{len(places)} paths"
    if filters:
        parts = [partition_of(f"/{each.name}", "/") for each in objects]
        objects = tuple(objects[at] for at in chosen_files(parts, filters, hive, description))
    if len(objects) > 1:
        description += f" ({len(objects):,} files)"
    searched = tuple(one.searched for one in looks if one.searched)
    again = searched if len(searched) == len(looks) else ()
    return RemoteFiles(where, objects, description, looks[0].base, again, wanted, hive, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Looked:
    objects: Sequence[Object]
    base: str = ""
    searched: tuple[Place, Glob] | None = None


def _look(where: System, named: Place, notes: list[str], progress: Progress) -> _Looked:
    progress(listing(0), 0, 0)
    with told(named.shown):
        found = where.look(named.path)
        if found is not None and not found.is_folder:
            return _Looked((found,))
        root, wanted = (named, EVERYTHING_BELOW) if found is not None else named.glob or (None, EVERYTHING_BELOW)
        if root is None:
            raise FilesError(f"there is nothing at `{named.shown}`", help="check the address, and who may list it")
        listed = where.below(root, wanted, lambda count: progress(listing(count), 0, 0))
        objects = sorted(_data_only(listed, root), key=_url)
    data = [each for each in objects if format_of_name(each.name) or (found is None and wanted.names(each.name))]
    data = data or [
        each for each, is_data in zip(objects, _at_once(partial(_is_binary, where), objects), strict=True) if is_data
    ]
    if not data and objects:
        raise NoneFoundError(f"`{named.shown}` holds no data files", help=SUPPORTED)
    if not data:
        raise NoneFoundError(f"no file matches `{named.shown}`" if found is None else f"`{named.shown}` is empty")
    taken = {each.url for each in data}
    if left := [each.name.rpartition("/")[2] for each in objects if each.url not in taken]:
        notes.append(left_out(left))
    return _Looked(data, root.path, (root, wanted))


def _data_only(listed: Iterable[Object], root: Place) -> Iterator[Object]:
    """The objects that can be data by their names; none where they are those of a lake."""
    for each in listed:
        *folders, name = each.name.split("/")
        refuse_lake(folders, "/".join((root.shown, *takewhile(is_visible, folders))))
        if all(map(is_visible, (*folders, name))):
            yield each


def _url(found: Object) -> str:
    return found.url


def glimpse(found: RemoteFiles) -> RemoteFiles:
    """As much of the files as tells the columns: some of them, spread evenly, and the first lines of text."""
    step = -(-len(found.objects) // GLIMPSED)
    return replace(found, objects=found.objects[::step], searched=(), head=FIRST_LINES)


def _is_binary(where: System, found: Object) -> bool:
    """Whether a file without a telling name holds a binary format, as Hive writes `000000_0`."""
    with told(found.shown):
        return bool(found.size) and format_of_head(where.open(found).read(0, 16))[0] is not None


# -- from files to what DuckDB reads -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Brought:
    """Files that can be read now; `served` is what DuckDB asks for them, None when they were fetched."""

    files: Files
    served: Served | None


def bring(found: RemoteFiles, folder: Path, number: int, progress: Progress = silent) -> Brought:
    """Make files readable: text and what cannot be read in parts is fetched into `folder`, the rest is served.

    `number` tells the table from others of the same run.

    Raises:
        DataError: a file cannot be read, is not what its name says, or has changed since it was listed.
    """
    try:
        known = zip(_at_once(lambda each: _kind(found, each), found.objects), found.objects, strict=True)
        kinds = {kind: each.shown for kind, each in known if kind}
        demand_one_format(kinds)
        kind = next(iter(kinds), "")
        if kind in ("parquet", "arrow"):
            served = Served(found, number, kind)
            if served.opened(progress):
                return Brought(served.files(folder), served)
        return Brought(_fetched(found, folder / str(number), progress), None)
    except FilesError as error:
        raise DataError(error.message, help=error.help) from None


def _kind(found: RemoteFiles, each: Object) -> str:
    """The format of a file by its name or first bytes; empty for what may be text of some kind."""
    if kind := found.format or format_of_name(each.shown):
        return kind
    with told(each.shown):
        return format_of_head(found.system.open(each).read(0, 16))[0] or ""


class Served:
    """Files that DuckDB reads in place, by ranges.

    The first fault is the answer to every reading after it, so that a server that fails is not asked by each scan.
    """

    def __init__(self, found: RemoteFiles, number: int, kind: str) -> None:
        self.found = found
        self.fault: DataError | None = None
        self._kind = kind
        self._number = number
        self._handles: dict[int, Handle] = {}
        self._tails: dict[int, bytes] = {}

    def opened(self, progress: Progress) -> bool:
        """Open all files and read their ends; False if they cannot be read in parts.

        That is so where the server gives whole files only, and for Arrow streams, or Arrow files in partitions.

        Raises:
            FilesError, DataError: one cannot be read, or has changed.
        """
        total = len(self.found.objects)
        if self._kind == "arrow" and _partitions(self.found)[0]:
            return False
        for at, (handle, tail) in enumerate(_at_once(self._open, self.found.objects)):
            progress("opening files", at, total)
            if handle.object.size is None or len(tail) > TAIL:
                return False
            if self._kind == "arrow" and handle.read(0, len(_ARROW_FILE)) != _ARROW_FILE:
                return False
            self._handles[at] = handle
            if at * TAIL < TAILS:
                self._tails[at] = tail
        return True

    def some(self, places: Sequence[int]) -> ServedPart:
        """Some of the files, for another machine."""
        return ServedPart(self.found.system, self._number, self._kind, {at: self.found.objects[at] for at in places})

    def _open(self, each: Object) -> tuple[Handle, bytes]:
        with told(each.shown):
            handle = self.found.system.open(each)
            self.found.check(each, handle.object)
            size = handle.object.size or 0
            return handle, handle.read(max(0, size - TAIL), min(TAIL, size)) if size else b""

    def files(self, folder: Path) -> Files:
        """The files as DuckDB is told of them.

        Raises:
            DataError: one is not what its name says.
        """
        notes = list(self.found.notes)
        several = len(self._handles) > 1 or bool(self.found.base)
        peeked = (self._peek(at, folder) for at in range(len(self._handles)))
        files, kind = look(peeked, self._kind, notes, several=several)
        partitions, outer = _partitions(self.found)
        return Files(
            files, kind, self.found.description, partitions, outer, self.found.base, tuple(notes), self.found.declared
        )

    def _peek(self, at: int, folder: Path) -> File:
        found = self._handles[at].object
        name = f"{SERVED}{self._number}/{at}/{found.name if self.found.declared else _path(found)}"
        end = self.read(at, max(0, (found.size or 0) - 4), 4)
        if self._kind == "arrow" or end == _PARQUET_END:
            return File(name, "none", _ARROW_FILE if self._kind == "arrow" else end, False, found.shown, end)
        stub = folder / f"head-{self._number}-{at}"  # what it is instead is told as of a file of this machine
        stub.write_bytes(self.read(at, 0, HEAD + 1))
        return replace(peek(str(stub), found.shown), path=name, end=end, mark=None)

    def size(self, at: int) -> int:
        """How large a file is."""
        return self._handles[at].object.size or 0

    def read(self, at: int, offset: int, length: int) -> bytes:
        """Bytes of a file. Any thread may ask.

        Raises:
            DataError: they cannot be had.
        """
        if self.fault is not None:
            raise self.fault
        handle = self._handles[at]
        size = self.size(at)
        length = max(0, min(length, size - offset))
        tail = self._tails.get(at, b"")
        if tail and offset >= (start := size - len(tail)):
            return tail[offset - start : offset - start + length]
        if not length:
            return b""
        try:
            with told(handle.object.shown):
                data = handle.read(offset, length)
        except FilesError as error:
            raise self._failed(DataError(error.message, help=error.help)) from None
        if len(data) != length:
            cut = f"`{handle.object.shown}` was cut while it was read: {len(data):,} bytes came of {length:,}"
            raise self._failed(DataError(cut, help="evaluate it again"))
        return data

    def _failed(self, fault: DataError) -> DataError:
        self.fault = self.fault or fault
        return self.fault


@dataclass(frozen=True)
class ServedPart:
    """Some of the files that are served, by their places, as another machine opens them for itself."""

    system: System = field(repr=False)
    number: int
    kind: str
    objects: Mapping[int, Object] = field(repr=False)

    def opened(self) -> Served:
        """The files under the names that they have.

        Raises:
            DataError: one cannot be read, or has changed since it was listed.
        """
        found = RemoteFiles(self.system, tuple(self.objects.values()), "")
        served = Served(found, self.number, self.kind)
        try:
            for at, (handle, tail) in zip(self.objects, _at_once(served._open, found.objects), strict=True):
                served._handles[at] = handle
                served._tails[at] = tail
        except FilesError as error:
            raise DataError(error.message, help=error.help) from None
        return served


def filesystem(tables: Sequence[Served]) -> Any:
    """What DuckDB asks for files that are served: it reads those and nothing else, and never writes."""
    from fsspec import AbstractFileSystem

    by_number = {each._number: each for each in tables}

    def told_apart(path: str) -> tuple[Served, int]:
        number, at = path.removeprefix(SERVED).split("/")[:2]
        return by_number[int(number)], int(at)

    class ServedFiles(AbstractFileSystem):  # type: ignore[misc]
        protocol = SERVED.removesuffix("://")
        cachable = False

        def open(self, path: str, mode: str = "rb", **options: Any) -> _Reader:
            if mode != "rb":
                raise PermissionError("files of other machines are not written to")
            return _Reader(*told_apart(path))

        def glob(self, path: str, **options: Any) -> list[str]:
            return [path]

        def exists(self, path: str, **options: Any) -> bool:
            return True

        def size(self, path: str) -> int:
            served, at = told_apart(path)
            return served.size(at)

        def info(self, path: str, **options: Any) -> dict[str, Any]:
            return {"name": path, "size": self.size(path), "type": "file"}

        def modified(self, path: str) -> Any:
            from datetime import UTC, datetime

            return datetime.fromtimestamp(0, UTC)

    return ServedFiles()


class _Reader:
    """A file as Python knows them, over ranges."""

    def __init__(self, served: Served, at: int) -> None:
        self._served = served
        self._at = at
        self._offset = 0

    def read(self, length: int = -1) -> bytes:
        length = self._served.size(self._at) if length < 0 else length
        data = self._served.read(self._at, self._offset, length)
        self._offset += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        start = (0, self._offset, self._served.size(self._at))[whence]
        self._offset = start + offset
        return self._offset

    def tell(self) -> int:
        return self._offset

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def close(self) -> None:
        """Others may still read the file."""

    @property
    def closed(self) -> bool:
        return False


def _path(found: Object) -> str:
    return found.shown.partition("://")[2]


def _partitions(found: RemoteFiles) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if found.declared:
        return tuple(found.declared.keys), ()
    names = [PurePosixPath(each.name if found.base else _path(each)) for each in found.objects]
    return partitions_of(names, found.base, found.hive)


# -- fetching ----------------------------------------------------------------------------------------------


def _fetched(found: RemoteFiles, folder: Path, progress: Progress) -> Files:
    """The files, copied to this machine."""
    total = found.bytes
    done = [0]
    lock = Lock()

    def came(count: int) -> None:
        with lock:
            done[0] += count
            progress(FETCHING, done[0] / 2**20, total >> 20)

    targets = [_target(folder, at, found) for at in range(len(found.objects))]
    with _room(folder.parent):
        for target in targets:  # here, so that no thread makes a folder anew that was removed after an interrupt
            target.parent.mkdir(parents=True, exist_ok=True)
    list(_at_once(lambda at: _fetch(found, found.objects[at], targets[at], folder.parent, came), range(len(targets))))
    notes = list(found.notes)
    several = len(targets) > 1 or bool(found.base)
    peeked = (peek(str(path), each.shown) for path, each in zip(targets, found.objects, strict=True))
    files, kind = look(peeked, found.format, notes, several=several)
    notes.append(f"fetched before it was read: {len(targets):,} {_plural(len(targets))}, {done[0]:,} bytes")
    partitions, _ = _partitions(found)
    outer = partitions_of([PurePath(targets[0])], "", True)[0] if partitions else ()
    kept = tuple(key for key in outer if key not in partitions)
    return Files(files, kind, found.description, partitions, kept, str(folder), tuple(notes), found.declared)


def _plural(count: int) -> str:
    return "file" if count == 1 else "files"


def _target(folder: Path, at: int, found: RemoteFiles) -> Path:
    """Where a file is copied to: below folders of the same keys, under the same name."""
    *above, name = (found.objects[at].name if found.base else _path(found.objects[at])).split("/")
    keys = [part for part in above if "=" in part]
    return Path(folder, str(at), *keys, name[-200:].lstrip("/") or "file")


def _fetch(found: RemoteFiles, each: Object, target: Path, folder: Path, came: Callable[[int], None]) -> None:
    found.check(each, _now(found, each))
    if found.head is not None and _has_lines(each) and (each.size or 0) > found.head:
        with told(each.shown), found.system.stream(each) as stream, _room(folder):
            target.write_bytes(stream.read(found.head).rpartition(b"\n")[0] + b"\n")
        return
    size = 0
    with target.open("wb") as copy, told(each.shown), found.system.stream(each) as stream:
        while chunk := stream.read(CHUNK):
            with _room(folder):
                copy.write(chunk)
            size += len(chunk)
            came(len(chunk))
    if each.size is not None and size != each.size:
        raise DataError(f"`{each.shown}` was cut while it was read: {size:,} bytes came of {each.size:,}")
    found.check(each, _now(found, each))


def _has_lines(each: Object) -> bool:
    """Whether the name of a file says that its first lines can be read without the rest."""
    return each.shown.lower().endswith((".csv", ".tsv", ".txt", ".jsonl", ".ndjson"))


def _now(found: RemoteFiles, each: Object) -> Object:
    with told(each.shown):
        return found.system.open(each).object


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    """Tell that the disk is full as what it is."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"there is no room for what must be fetched, in `{folder}`: {error.strerror}",
            help="free space there, or set TMPDIR to a folder that has it",
        ) from error


def _at_once(ask: Callable[[Given], Answer], many: Iterable[Given]) -> Iterator[Answer]:
    """The answers in order, several asked for at a time; after the first failure no further one is begun."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        yield from pool.map(ask, many)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
