"""Catalogs of the kind `files`: a folder in which names are paths, and tables of files in general."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from dq.catalog import names
from dq.catalog.base import Description, Entry
from dq.catalog.base import Path as TablePath
from dq.catalog.selection import EVERYTHING, Selection
from dq.diagnostics import DataError, DqError
from dq.files.places import FilesError, place
from dq.files.stores import ENVIRONMENT, Store, store_of, system, told
from dq.outcomes import TableRead
from dq.schema import Schema
from dq.sources import remote
from dq.sources.files import (
    COMPRESSION_SUFFIXES,
    LOGS,
    NULL_FOLDER,
    Files,
    find,
    format_of_name,
    is_remote,
    partition_of,
)
from dq.sources.options import ReadOptions
from dq.sources.remote import RemoteFiles

LOOKED = 1000
"""Names of a folder on another machine that are looked at to tell whether it is a table."""


class Listing(NamedTuple):
    """What a folder holds that can be data: names in order, those that begin with `_` or `.` are not in it.

    `lake` is the kind of lake whose table it is, such as `Delta`.
    """

    folders: tuple[str, ...]
    files: tuple[str, ...]
    lake: str = ""


def listing(folder: str, store: Store = ENVIRONMENT, *, begins: str = "", most: int | None = None) -> Listing:
    """What a folder holds: of names that begin so, and no more than `most` of a folder on another machine.

    Raises:
        DataError: it is not there or cannot be read.
    """
    found = sorted(islice(_elsewhere(folder, store, begins), most)) if is_remote(folder) else _here(folder)
    shown = [(name, is_folder) for name, is_folder in found if not name.startswith(("_", ".")) or "=" in name]
    return Listing(
        tuple(name for name, is_folder in shown if is_folder),
        tuple(name for name, is_folder in shown if not is_folder),
        next((LOGS[name] for name, _ in found if name in LOGS), ""),
    )


def _here(folder: str) -> list[tuple[str, bool]]:
    """The names in a folder of this machine, each with whether it is a folder."""
    try:
        with os.scandir(folder) as entries:
            return sorted((each.name, each.is_dir()) for each in entries)
    except FileNotFoundError:
        raise DataError(f"there is no folder `{folder}`") from None
    except OSError as error:
        raise DataError(f"the folder `{folder}` cannot be read: {error.strerror}") from error


def _elsewhere(folder: str, store: Store, begins: str) -> Iterator[tuple[str, bool]]:
    """The same on another machine, as its listing arrives. There, a folder without a name in it is none."""
    is_empty = True
    try:
        named = place(folder)
        with told(named.shown):
            for each in system(named.scheme, store).inside(named, begins):
                is_empty = False
                yield each.name, each.is_folder
    except FilesError as error:
        raise DataError(error.message, help=error.help) from None
    if is_empty and not begins:
        raise DataError(f"there is nothing at `{named.shown}`", help="check the address, and who may list it")


def stem(name: str) -> str:
    """The name of a file without the suffixes of its compression and its format."""
    for suffix in COMPRESSION_SUFFIXES:
        name = name.removesuffix(suffix)
    return name.rpartition(".")[0] if format_of_name(name) and "." in name else name


def are_parts(files: Sequence[str], folders: Sequence[str]) -> bool:
    """Whether a folder with this content is one table: it has folders `key=value`, or its files differ in number only.

    `part-0001.parquet` and `part-0002.parquet` are parts, so are `2026-11-01.csv` and `2026-11-02.csv`, and a file
    without a telling name; `orders.csv` beside `customers.csv` is a table of its own.
    """
    if any("=" in name for name in folders):
        return True
    data = [name for name in files if format_of_name(name)]
    stems = [re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+", "0", stem(name).lower()) for name in data]
    shapes = {re.sub(r"[-_.]", "", each) for each in stems}
    return len(shapes) == 1 and "0" in next(iter(shapes)) and len({format_of_name(name) for name in data}) == 1


@dataclass(frozen=True, slots=True)
class PathTable:
    """Files as a table: a file, folder, glob, or several of these. What partition filters leave out is not opened."""

    paths: tuple[str, ...]
    options: ReadOptions | None = None
    store: Store = ENVIRONMENT

    def describe(self, *, glimpse: bool = False) -> Description:
        """What footers, headers and first rows tell; of files on another machine with `glimpse` those of some."""
        from dq.sources.tables import PRIMARY, Tables

        options = self.options or ReadOptions()
        found = self._found(EVERYTHING, options)
        looked = remote.glimpse(found) if glimpse and isinstance(found, RemoteFiles) else found
        with Tables(looked, options=options) as tables:
            schema, read = tables.schemas[PRIMARY], tables.read(PRIMARY)
        if isinstance(found, RemoteFiles):
            is_whole = looked.objects == found.objects if isinstance(looked, RemoteFiles) else True
            return _described_elsewhere(found, schema, read if is_whole else replace(read, rows=None, notes=()))
        folders = {tuple(partition_of(path, found.root).items()) for path in found.paths} if found.partitions else set()
        where = found.root or (found.paths[0] if len(found.paths) == 1 else "")
        return Description(
            f"{found.format} {'file' if len(found.files) == 1 else 'files'}",
            schema,
            where,
            found.partitions,
            len(folders) or len(found.files),
            read.rows,
            sum(Path(path).stat().st_size for path in found.paths),
            properties={"files": f"{len(found.files):,}"} | ({"notes": "; ".join(read.notes)} if read.notes else {}),
        )

    def open(self, selection: Selection, options: ReadOptions, /) -> Files | RemoteFiles:
        """The files that the selection leaves.

        Raises:
            DqError: a version is selected, or a filter is on no key of the folders.
            DataError: as `dq.sources.files.find`; nothing is left.
        """
        if selection.snapshot is not None or selection.as_of is not None:
            raise DqError(
                f"`{self.paths[0]}` is files, which have no versions: no snapshot can be chosen",
                help="tables of Iceberg and Delta have versions; name one through its catalog",
            )
        return self._found(selection, options)

    def _found(self, selection: Selection, options: ReadOptions) -> Files | RemoteFiles:
        if all(map(is_remote, self.paths)):
            return remote.find(
                self.paths,
                options.format,
                options.hive_partitioning,
                filters=selection.partitions,
                store=self.store,
            )
        if len(self.paths) > 1:
            return find(self.paths, options.format, options.hive_partitioning, selection.partitions)
        (path,) = self.paths
        found = find(path, options.format, options.hive_partitioning, selection.partitions)
        return replace(found, description=found.description.replace(path, _from_here(path), 1))


def _described_elsewhere(found: RemoteFiles, schema: Schema, read: TableRead) -> Description:
    """Files of another machine, of which only what was listed and opened is known."""
    keys = [tuple(partition_of(f"/{each.name}", "/").items()) for each in found.objects] if found.base else []
    form = found.format or format_of_name(found.objects[0].shown) or "data"
    return Description(
        f"{form} {'file' if len(found.objects) == 1 else 'files'}",
        schema,
        found.base or found.objects[0].shown,
        tuple(name for name, _ in keys[0]) if keys else (),
        len(set(keys)) if keys and keys[0] else len(found.objects),
        read.rows,
        found.bytes,
        properties={"files": f"{len(found.objects):,}"} | ({"notes": "; ".join(read.notes)} if read.notes else {}),
    )


def _from_here(path: str) -> str:
    """A path as people read it: from the working directory where it lies below."""
    here = os.getcwd() + os.sep  # noqa: PTH109 -- a text is wanted
    return path.removeprefix(here)


class FolderCatalog:
    """A folder whose tables are files and folders below it, by name."""

    kind = "files"

    def __init__(self, name: str, root: str, store: Store = ENVIRONMENT) -> None:
        self.name = name
        self.root = root
        self.store = store

    def children(self, path: TablePath, /) -> list[Entry]:
        """Folders that are no table are namespaces; a file goes by its name without its suffix, if that tells it."""
        folder = self._folder(path)
        held = listing(folder, self.store)
        entries = [Entry(name, self._is_table(f"{folder}/{name}")) for name in held.folders if "=" not in name]
        named = _by_name(held)
        data = [name for name in held.files if format_of_name(name)]
        return sorted(
            [*entries, *(Entry(stem(name) if len(named[stem(name)]) == 1 else name, True) for name in data)],
            key=lambda entry: (entry.name, entry.is_table),
        )

    def table(self, path: TablePath, /) -> PathTable:
        """A file by its name, with or without its suffix, or a folder, whatever it holds.

        Where a folder on another machine cannot be listed, a name is the path as it is written.
        """
        *above, last = path
        folder = self._folder(tuple(above))
        if is_remote(folder):
            with suppress(DataError):  # other names are told when there is no such one
                return self._named(folder, tuple(above), last, listing(folder, self.store, begins=last))
        try:
            held = listing(folder, self.store)
        except DataError:
            if not is_remote(folder):
                raise
            return PathTable((f"{folder}/{last}",), store=self.store)
        return self._named(folder, tuple(above), last, held)

    def close(self) -> None:
        """It holds nothing."""

    def _named(self, folder: str, above: TablePath, last: str, held: Listing) -> PathTable:
        """The table that a name means in a folder of this content."""
        if last in held.files:
            return PathTable((f"{folder}/{last}",), store=self.store)
        named = _by_name(held)
        candidates = named[names.find(last, named, "table", f"`{names.join((self.name, *above))}`")]
        if len(candidates) > 1:
            shown = " or ".join(f"`{names.join((self.name, *above, each))}`" for each in candidates)
            raise DataError(f"`{names.join((self.name, *above, last))}` may be {shown}", help="name it with its suffix")
        return PathTable((f"{folder}/{candidates[0]}",), store=self.store)

    def _folder(self, path: TablePath) -> str:
        """The folder of a namespace; on another machine its name as it is written, since letter case counts there."""
        if is_remote(self.root):
            return "/".join((self.root, *path))
        folder = self.root
        for at, part in enumerate(path):
            where = f"`{names.join((self.name, *path[:at]))}`"
            folder = f"{folder}/{names.find(part, listing(folder).folders, 'folder', where)}"
        return folder

    def _is_table(self, folder: str) -> bool:
        held = listing(folder, self.store, most=LOOKED)
        return are_parts(held.files, held.folders)


def _by_name(held: Listing) -> dict[str, list[str]]:
    """What each short name may mean."""
    named: dict[str, list[str]] = {name: [name] for name in held.folders}
    for name in held.files:
        if format_of_name(name):
            named.setdefault(stem(name), []).append(name)
    return named


def connect(name: str, settings: Mapping[str, Any], root: Path) -> FolderCatalog:
    """The catalog of a folder, which is meant from `root`."""
    path = str(settings["path"])
    if not is_remote(path):
        path = os.path.abspath(root / Path(path).expanduser())  # noqa: PTH100 -- links keep the names that users know
    return FolderCatalog(name, path.rstrip("/"), store_of(settings))


__all__ = ["NULL_FOLDER", "FolderCatalog", "Listing", "PathTable", "are_parts", "connect", "listing", "stem"]
