"""Catalogs of the kind `files`: a folder in which names are paths, and tables of files in general."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from dq.catalog import names
from dq.catalog.base import Description, Entry
from dq.catalog.base import Path as TablePath
from dq.catalog.selection import EVERYTHING, Selection
from dq.diagnostics import DataError, DqError
from dq.files.stores import ENVIRONMENT, Store, store_of
from dq.outcomes import TableRead
from dq.schema import Schema
from dq.sources import remote
from dq.sources.files import COMPRESSION_SUFFIXES, NULL_FOLDER, Files, find, format_of_name, is_remote, partition_of
from dq.sources.options import ReadOptions
from dq.sources.remote import RemoteFiles

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class Listing(NamedTuple):
    """What a folder holds that can be data: names in order, those that begin with `_` or `.` are not in it."""

    folders: tuple[str, ...]
    files: tuple[str, ...]


def listing(folder: str) -> Listing:
    """What a folder holds.

    Raises:
        DataError: it is not there or cannot be read.
    """
    if _URL.match(folder):
        scheme = folder.partition("://")[0]
        raise DataError(f"folders of `{scheme}://` cannot be listed in this version", help="name its tables by path")
    try:
        with os.scandir(folder) as entries:
            found = sorted((each.name, each.is_dir()) for each in entries)
    except FileNotFoundError:
        raise DataError(f"there is no folder `{folder}`") from None
    except OSError as error:
        raise DataError(f"the folder `{folder}` cannot be read: {error.strerror}") from error
    shown = [(name, is_folder) for name, is_folder in found if not name.startswith(("_", ".")) or "=" in name]
    return Listing(
        tuple(name for name, is_folder in shown if is_folder),
        tuple(name for name, is_folder in shown if not is_folder),
    )


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

    def describe(self) -> Description:
        """What footers, headers and first rows tell."""
        from dq.sources.tables import PRIMARY, Tables

        options = self.options or ReadOptions()
        found = self._found(EVERYTHING, options)
        with Tables(found, options=options) as tables:
            schema, read = tables.schemas[PRIMARY], tables.read(PRIMARY)
        if isinstance(found, RemoteFiles):
            return _described_elsewhere(found, schema, read)
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
        held = listing(folder)
        entries = [Entry(name, self._is_table(f"{folder}/{name}")) for name in held.folders if "=" not in name]
        named = _by_name(held)
        data = [name for name in held.files if format_of_name(name)]
        return sorted(
            [*entries, *(Entry(stem(name) if len(named[stem(name)]) == 1 else name, True) for name in data)],
            key=lambda entry: (entry.name, entry.is_table),
        )

    def table(self, path: TablePath, /) -> PathTable:
        """A file by its name, with or without its suffix, or a folder, whatever it holds.

        On another machine a name is the path below the root as it is written: nothing is listed to find it.
        """
        if _URL.match(self.root):
            return PathTable(("/".join((self.root, *path)),), store=self.store)
        *above, last = path
        folder = self._folder(tuple(above))
        held = listing(folder)
        named = _by_name(held)
        if last in held.files:
            return PathTable((f"{folder}/{last}",))
        candidates = named[names.find(last, named, "table", f"`{names.join((self.name, *above))}`")]
        if len(candidates) > 1:
            shown = " or ".join(f"`{names.join((self.name, *above, each))}`" for each in candidates)
            raise DataError(f"`{names.join((self.name, *path))}` may be {shown}", help="name it with its suffix")
        return PathTable((f"{folder}/{candidates[0]}",))

    def close(self) -> None:
        """It holds nothing."""

    def _folder(self, path: TablePath) -> str:
        folder = self.root
        for at, part in enumerate(path):
            place = f"`{names.join((self.name, *path[:at]))}`"
            folder = f"{folder}/{names.find(part, listing(folder).folders, 'folder', place)}"
        return folder

    def _is_table(self, folder: str) -> bool:
        held = listing(folder)
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
    if not _URL.match(path):
        path = os.path.abspath(root / Path(path).expanduser())  # noqa: PTH100 -- links keep the names that users know
    return FolderCatalog(name, path.rstrip("/"), store_of(settings))


__all__ = ["NULL_FOLDER", "FolderCatalog", "Listing", "PathTable", "are_parts", "connect", "listing", "stem"]
