"""What a folder holds: tables of files, their formats, partitions and columns, as a crawler finds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dq.catalog.base import Description
from dq.catalog.files import Listing, PathTable, listing, stem
from dq.diagnostics import DataError, DqError
from dq.schema import Schema
from dq.sources.files import format_of_name, is_remote

COMPARED = 50
"""Of the files of a folder so many are looked at, spread evenly; the others are taken to be like them."""

ALIKE = 0.7
"""Two files belong to one table if so many of their columns are the same, of all that either has."""

NO_DATA = "not data by name"
"""Why a file is left out that nobody would take for data."""

_PASSED_BY = ("node_modules", "__pycache__", "site-packages")


@dataclass(frozen=True, slots=True)
class Found:
    """A table that was found: a name that no other has, where it is, and what it is."""

    name: str
    paths: tuple[str, ...]
    format: str
    description: Description

    @property
    def about(self) -> str:
        """What it is, in a line."""
        kind = self.description.kind
        columns = [
            f"{column.name} {column.native}{' (partition)' if column.name in self.description.partitions else ''}"
            for column in self.description.schema.columns
        ]
        more = f" and {len(columns) - 12} more" if len(columns) > 12 else ""
        files = self.description.properties.get("files", "1")
        words = kind if files == "1" else f"{files} {kind}"
        return " ".join(f"{words}: {', '.join(columns[:12])}{more}".split())


@dataclass(slots=True)
class Crawled:
    """The tables of a folder, and what was left out and why."""

    tables: list[Found] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def crawl(folder: str, taken: Iterable[str] = (), *, deepest: int = 32) -> Crawled:
    """The tables in a folder and below it, one for each folder of files of one format with the same columns.

    Folders `key=value` are partitions of the table above them. Files of a folder that differ are tables of their own.
    `taken` are names that tables must not get. The folder may be a URL, such as `s3://bucket/prefix`.

    Raises:
        DataError: the folder is not there, or cannot be read.
    """
    crawler = _Crawler(taken, deepest)
    crawler.folder(folder.rstrip("/") or "/", 0)
    return crawler.found


class _Crawler:
    def __init__(self, taken: Iterable[str], deepest: int) -> None:
        self.found = Crawled()
        self._taken = {name.casefold() for name in taken}
        self._deepest = deepest

    def folder(self, folder: str, depth: int) -> None:
        held = listing(folder)
        if lake := held.lake or self._iceberg(folder, held):
            self.found.skipped.append(
                (folder, f"a table of {lake}, which is named through a catalog: `dq catalog add`")
            )
            return
        if any("=" in name for name in held.folders):
            self._table((folder,), Path(folder).name)
            return
        data = [f"{folder}/{name}" for name in held.files if format_of_name(name)]
        if others := [name for name in held.files if not format_of_name(name)]:
            what = f"`{others[0]}`" + (f" and {len(others) - 1:,} more" if len(others) > 1 else "")
            self.found.skipped.append((folder, f"{what}: {NO_DATA}"))
        inner = [name for name in held.folders if not self._is_passed_by(f"{folder}/{name}", name)]
        self._files(folder, data, bool(inner))
        for name in inner:
            if depth >= self._deepest:
                self.found.skipped.append((f"{folder}/{name}", f"deeper than {self._deepest} folders"))
                continue
            try:
                self.folder(f"{folder}/{name}", depth + 1)
            except DataError as error:
                self.found.skipped.append((f"{folder}/{name}", error.message))

    def _iceberg(self, folder: str, held: Listing) -> str:
        metadata = listing(f"{folder}/metadata").files if "metadata" in held.folders else ()
        return "Iceberg" if any(name.endswith(".metadata.json") for name in metadata) else ""

    def _is_passed_by(self, folder: str, name: str) -> bool:
        return name in _PASSED_BY or (not is_remote(folder) and (Path(folder) / "pyvenv.cfg").exists())

    def _files(self, folder: str, data: Sequence[str], has_folders: bool) -> None:
        if len(data) < 2:
            for path in data:
                self._table((path,), stem(Path(path).name))
            return
        groups = self._groups(data)
        if len(groups) == 1:
            (kept,) = groups
            complete = len(kept) == len(data) and not has_folders
            self._table((folder,) if complete else tuple(kept), Path(folder).name)
            return
        for group in groups:
            self._table(tuple(group), stem(Path(group[0]).name))

    def _groups(self, data: Sequence[str]) -> list[list[str]]:
        """Files that make one table, in order; those that cannot be read are left out."""
        step = max(1, -(-len(data) // COMPARED))
        looked = set(data[::step])
        groups: list[tuple[str, Schema, list[str]]] = []
        previous: list[str] | None = None
        for path in data:
            if path not in looked and previous is not None and format_of_name(path) == format_of_name(previous[0]):
                previous.append(path)
                continue
            schema = self._schema(path)
            if schema is None:
                continue
            kind = str(format_of_name(path))
            found = next((files for form, like, files in groups if form == kind and _alike(like, schema, kind)), None)
            if found is None:
                groups.append((kind, schema, found := []))
            found.append(path)
            previous = found
        return [files for _, _, files in groups]

    def _schema(self, path: str) -> Schema | None:
        try:
            return PathTable((path,)).describe(glimpse=True).schema
        except DqError as error:
            self.found.skipped.append((path, error.message))
            return None

    def _table(self, paths: tuple[str, ...], name: str) -> None:
        try:
            description = PathTable(paths).describe(glimpse=True)
        except DqError as error:
            self.found.skipped.append((paths[0], error.message))
            return
        kind = description.kind.split(" ", maxsplit=1)[0]
        self.found.tables.append(Found(self._named(name, paths[0]), paths, kind, description))

    def _named(self, name: str, path: str) -> str:
        """A name that needs no quotes: that of the file or folder, with the folder above where that is taken."""
        plain = "".join(each if (each.isalnum() and each.isascii()) or each in "_-" else "_" for each in name)
        above = [part for part in Path(path).parent.parts[::-1] if part.isidentifier()]
        wanted = plain.strip("_") or "table"
        for part in above:
            if wanted.casefold() not in self._taken:
                break
            wanted = f"{part}_{wanted}"
        number = 2
        free = wanted
        while free.casefold() in self._taken:
            free, number = f"{wanted}_{number}", number + 1
        self._taken.add(free.casefold())
        return free


def _alike(one: Schema, other: Schema, kind: str) -> bool:
    """Whether two files make one table. Types count where the format has them; all numbers are of one type."""
    ours = {column.name.casefold(): column.type for column in one.columns}
    theirs = {column.name.casefold(): column.type for column in other.columns}
    shared = ours.keys() & theirs.keys()
    if len(shared) < ALIKE * len(ours.keys() | theirs.keys()):
        return False
    if kind in ("csv", "json"):
        return True
    return all(ours[name] is theirs[name] or (ours[name].is_number and theirs[name].is_number) for name in shared)
