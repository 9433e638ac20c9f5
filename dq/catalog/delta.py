"""Delta tables below a folder or a bucket, through deltalake.

A table of plain files is scanned by DuckDB in place, each query reading only its columns. Where columns have other
names in the files (column mapping) or rows are deleted by vectors, deltalake's own reader hands out the rows.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, reduce
from operator import and_, eq, ge, gt, le, lt, ne, or_
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from deltalake import DeltaTable as NativeTable
from deltalake.exceptions import TableNotFoundError

from dq.catalog import base, stores
from dq.catalog.base import Description
from dq.catalog.lakes import (
    MOST_VERSIONS,
    Bounds,
    Condition,
    boolean,
    conditions,
    dates,
    decimal,
    in_zone,
    instants,
    iso,
    number,
    readable,
    renamed,
    said,
    schema_of,
    secrets_of,
    shown,
    stream,
    told,
)
from dq.catalog.names import find as find_name
from dq.catalog.selection import LATEST, PartitionFilter, Selection
from dq.diagnostics import DataError, DqError
from dq.files.names import hidden
from dq.files.stores import s3_system, store_of
from dq.lazy import exp
from dq.names import listed
from dq.sources.memory import Arrow

if TYPE_CHECKING:
    import pyarrow as pa

    from dq.sources.options import ReadOptions
    from dq.sources.stored import Database, Source

LOG = "_delta_log"

MAPPING, VECTORS = "columnMapping", "deletionVectors"

READABLE = frozenset({MAPPING, VECTORS, "timestampNtz", "v2Checkpoint"})
"""The reader features with which rows are proven to be read rightly; a table that needs another one is an error."""


def connect(name: str, settings: Mapping[str, Any], root: Path) -> DeltaCatalog:
    """The Delta tables below `path`; nothing is looked for yet."""
    path = str(settings["path"])
    if "://" not in path:
        path = str((root / Path(path).expanduser()).resolve())
    return DeltaCatalog(name, path.rstrip("/") or "/", settings)


class DeltaCatalog:
    """Tables by their paths: a folder that holds a `_delta_log` is one, every other a namespace."""

    kind = "delta"

    def __init__(self, name: str, path: str, settings: Mapping[str, Any]) -> None:
        self.name = name
        self._path = path
        self._settings = settings
        self._secrets = secrets_of(settings)

    @cached_property
    def _system(self) -> tuple[Any, str]:
        """The file system, and the folder in its words."""
        from pyarrow import fs

        scheme, _, below = self._path.partition("://")
        if not below:
            return fs.LocalFileSystem(), self._path
        if scheme in ("s3", "s3a"):
            return s3_system(store_of(self._settings), below.partition("/")[0]), below
        system, folder = fs.FileSystem.from_uri(self._path)
        return system, str(folder)

    @contextmanager
    def _told(self) -> Iterator[None]:
        with told(f"the Delta catalog `{self.name}`", self._secrets):
            yield

    def children(self, path: base.Path, /) -> Sequence[base.Entry]:
        """The folders below a folder; names that begin with a dot or an underscore are none."""
        with self._told():
            if self._is_table(path):
                return []
            found = self._folders(path)
            if found is None:
                raise DataError(f"there is no folder `{'/'.join((hidden(self._path), *path))}`")
            return [base.Entry(name, is_table=self._is_table((*path, name))) for name in found]

    def _folders(self, path: base.Path) -> list[str] | None:
        """The folders below a folder; None where that is not one."""
        from pyarrow import fs

        system, _ = self._system
        folder = self._folder(path)
        infos = system.get_file_info(fs.FileSelector(folder, allow_not_found=True))
        names = sorted(each.base_name for each in infos if each.type == fs.FileType.Directory)
        if not infos and system.get_file_info(folder).type != fs.FileType.Directory:
            return None
        return [name for name in names if not name.startswith((".", "_"))]

    def _is_table(self, path: base.Path) -> bool:
        from pyarrow import fs

        system, _ = self._system
        return bool(system.get_file_info(f"{self._folder(path)}/{LOG}").type == fs.FileType.Directory)

    def _folder(self, path: base.Path) -> str:
        """A folder in the words of the file system. A name leads nowhere but down: rulesets may hold names."""
        if strange := [part for part in path if part in ("", ".", "..") or "/" in part or "\\" in part]:
            raise DataError(f"`{strange[0]}` is no name of a folder")
        return "/".join((self._system[1], *path))

    def table(self, path: base.Path, /) -> DeltaTable:
        """A table by the folders that lead to it."""
        with self._told():
            if not self._is_table(path):
                path = self._settled(path)
            options = stores.delta(store_of(self._settings)) if "://" in self._path else {}
        return DeltaTable(".".join((self.name, *path)), "/".join((self._path, *path)), options, self._secrets)

    def _settled(self, path: base.Path) -> base.Path:
        """A path that is not there exactly so, in the letters that are meant."""
        found: base.Path = ()
        for part in path:
            names = self._folders(found)
            if names is None:
                raise DataError(f"there is no folder `{'/'.join((hidden(self._path), *found))}`")
            what = "table" if len(found) == len(path) - 1 else "folder"
            found = (*found, find_name(part, names, what, f"`{'.'.join((self.name, *found))}`"))
        if not self._is_table(found):
            raise DataError(
                f"`{'/'.join((hidden(self._path), *found))}` is no Delta table: it has no `{LOG}`",
                help=f"below it is {listed(below)}" if (below := self._folders(found)) else "",
            )
        return found

    def close(self) -> None:
        """Nothing is held."""


# -- a table -------------------------------------------------------------------------------------------


class DeltaTable:
    """A Delta table at a path or URL; each question is about its newest version, unless another one is selected."""

    def __init__(self, name: str, uri: str, options: Mapping[str, str], secrets: Sequence[str]) -> None:
        self.name = name
        self._uri = uri
        self._options = dict(options)
        self._secrets = secrets

    @property
    def _called(self) -> str:
        return f"the Delta table `{self.name}`"

    @contextmanager
    def _told(self) -> Iterator[None]:
        with told(self._called, self._secrets):
            yield

    def _at(self, version: int | None = None) -> NativeTable:
        """A version of the table.

        Raises:
            DataError: it is not there, or needs a reader feature that is not supported.
        """
        try:
            table = NativeTable(self._uri, version=version, storage_options=self._options or None)
        except TableNotFoundError:
            if version is not None:
                raise
            raise DataError(f"there is no Delta table at `{hidden(self._uri)}`") from None
        if missing := set(table.protocol().reader_features or ()) - READABLE:
            raise DataError(
                f"{self._called} needs the reader feature {listed(sorted(missing))}, which cannot be read",
                help="read it with the engine that wrote it, or drop the feature",
            )
        return table

    def describe(self) -> Description:
        """What its log says; no file of rows is read.

        `rows` is None where a file has no statistics, or rows may be deleted by vectors.
        """
        with self._told():
            table = self._at()
            part = Part.of(table, (), self._called)
            metadata = table.metadata()
            protocol = table.protocol()
            features = ", ".join(table.protocol().reader_features or ())
            return Description(
                kind="delta table",
                schema=schema_of(readable(part.schema)),
                location=hidden(self._uri),
                partitions=tuple(metadata.partition_columns),
                parts=part.actions.num_rows,
                rows=part.rows,
                bytes=sum(part.actions["size_bytes"].to_pylist()),
                versions=self._log.newest(MOST_VERSIONS),
                properties={
                    "version": str(table.version()),
                    "reader": f"{protocol.min_reader_version}{f' with {features}' if features else ''}",
                    **({"description": metadata.description} if metadata.description else {}),
                    **shown(metadata.configuration),
                },
            )

    def open(self, selection: Selection, options: ReadOptions, /) -> Source:
        """The rows of one version that meet the partition filters; `options` mean nothing here."""
        with self._told():
            table = self._version(selection)
            part = Part.of(table, selection.partitions, self._called)
            words = ", ".join(map(str, selection.partitions))
            description = ", ".join(filter(None, (f"Delta table `{self.name}`", f"version {table.version()}", words)))
            if not part.actions.num_rows and selection.partitions:
                columns = table.metadata().partition_columns
                help = f"partition columns: {listed(columns)}" if columns else "it has no partition columns"
                raise DataError(f"{self._called} has no partition with {words}", help=help)
            if not part.actions.num_rows:
                return Arrow(readable(part.schema).empty_table(), description, (*part.notes, "the table has no rows"))
            if part.is_plain:
                return Arrow(part.dataset(), description, part.notes, counted=part.rows)
            part.check_names(_system(self._uri, self._options), self._called)
            return DeltaRows(part, description, self._secrets)

    def _version(self, selection: Selection) -> NativeTable:
        if selection.as_of is not None:
            return self._as_of(selection.as_of)
        if selection.snapshot is None:
            return self._at()
        if not selection.snapshot.isdecimal():
            raise DataError(
                f"`{selection.snapshot}` is no version of a Delta table", help="versions are numbers from 0"
            )
        newest = self._at()
        wanted = int(selection.snapshot)
        if wanted > newest.version():
            raise DataError(f"{self._called} has no version {wanted}", help=f"the newest is {newest.version()}")
        return self._earlier(newest, wanted)

    def _earlier(self, newest: NativeTable, version: int) -> NativeTable:
        try:
            return self._at(version)
        except DqError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the library finds where the log has been cleaned up
            raise DataError(
                f"{self._called} has no version {version} any more: {said(error, self._secrets)}",
                help=f"the newest is {newest.version()}",
            ) from None

    def _as_of(self, instant: datetime) -> NativeTable:
        """The version that was current at an instant: the last one committed until then."""
        newest = self._at()
        log = self._log
        versions = [version for version in log.versions if version <= newest.version()]
        until = bisect_right(versions, instant, key=self._made)
        if not until:
            oldest = [f"the oldest that the log tells of is {each} of {iso(self._made(each))}" for each in versions[:1]]
            raise DataError(f"{self._called} has no version as old as {iso(instant)}", help="".join(oldest))
        return self._earlier(newest, versions[until - 1])

    def _made(self, version: int) -> datetime:
        if (made := self._log.made(version)) is None:
            raise DataError(
                f"the log of {self._called} does not tell when version {version} was made", help="give a version"
            )
        return made

    @cached_property
    def _log(self) -> Log:
        return Log(_system(self._uri, self._options))


def _system(uri: str, options: Mapping[str, str]) -> Any:
    """The files of a table as a file system of Arrow."""
    from deltalake.fs import DeltaStorageHandler
    from pyarrow.fs import PyFileSystem

    return PyFileSystem(DeltaStorageHandler(uri, dict(options) or None))


@dataclass(frozen=True)
class Log:
    """The commits of a table. deltalake tells of them too, but misnumbers them where one says nothing of itself."""

    system: Any

    @cached_property
    def versions(self) -> list[int]:
        """The versions whose commits are kept, the oldest first."""
        from pyarrow.fs import FileSelector

        names = (each.base_name for each in self.system.get_file_info(FileSelector(LOG)))
        return sorted(int(read[1]) for name in names if (read := _COMMIT.fullmatch(name)))

    def made(self, version: int) -> datetime | None:
        """When a version was made; None where its commit does not say."""
        with self.system.open_input_file(f"{LOG}/{version:020}.json") as file:
            actions = map(json.loads, filter(None, file.read().splitlines()))
            told_of: Mapping[str, Any] = next(
                (action["commitInfo"] for action in actions if "commitInfo" in action), {}
            )
        made = told_of.get("inCommitTimestamp", told_of.get("timestamp"))
        return None if made is None else datetime.fromtimestamp(made / 1000, UTC)

    def newest(self, limit: int) -> tuple[tuple[str, str], ...]:
        """The newest versions and when they were made, the newest first."""
        made = ((version, self.made(version)) for version in self.versions[::-1][:limit])
        return tuple((str(version), iso(at) if at else "") for version, at in made)


_COMMIT = re.compile(r"(\d{20})\.json")


# -- the part that is read -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """The files of one version whose partitions meet all filters."""

    table: NativeTable
    actions: pa.Table
    """What the log says of each file: `path`, `size_bytes`, `num_records`, and `partition.*` in their types."""
    filters: tuple[Filter, ...]

    @classmethod
    def of(cls, table: NativeTable, filters: Sequence[PartitionFilter], called: str) -> Part:
        """The part that meets all filters, those for the latest after the others; nothing but the log is read."""
        import pyarrow as pa

        part = cls(table, pa.table(table.get_add_actions(flatten=True)), ())
        for each in sorted(filters, key=lambda each: each.operator == LATEST):
            column = find_name(each.column, table.metadata().partition_columns, "partition column", called)
            if part.actions.num_rows:
                part = part.narrowed(part.filter(each, part.schema.field(column)))
        return part

    def filter(self, wanted: PartitionFilter, field: pa.Field) -> Filter:
        """A filter in the type of its column."""
        if wanted.operator == LATEST:
            values = self.actions[f"partition.{field.name}"].to_pylist()
            if not (known := [value for value in values if value is not None and value == value]):
                raise DataError(f"there is no latest `{field.name}`: no partition has a value of it")
            return Filter(field, [[("=", max(known))]])
        try:
            return Filter(field, conditions(wanted, lambda text: _bounds(text, field.type)))
        except DqError as error:
            raise DqError(f"`{field.name}` is {field.type}: {error.message}", help=error.help) from None

    def narrowed(self, by: Filter) -> Part:
        """The files of partitions that meet one more filter."""
        return Part(self.table, self.actions.filter(by.arrow(f"partition.{by.field.name}")), (*self.filters, by))

    @cached_property
    def schema(self) -> pa.Schema:
        """Its columns."""
        import pyarrow as pa

        return pa.schema(self.table.schema().to_arrow())

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth saying of its columns."""
        return renamed(self.schema)

    @property
    def _features(self) -> frozenset[str]:
        return frozenset(self.table.protocol().reader_features or ())

    @property
    def _mapping(self) -> str:
        """How the columns of the files are found: by `name` or `id` of the mapping, or `none`, by their own names."""
        return str(self.table.metadata().configuration.get("delta.columnMapping.mode", "none"))

    @property
    def is_plain(self) -> bool:
        """Whether the files hold the rows as they are, under the names of the columns."""
        return self._mapping == "none" and self._features <= {"timestampNtz"} and not self.notes

    @property
    def rows(self) -> int | None:
        """How many rows it has, where the log proves it: statistics for each file, and no deletion vectors."""
        counts = self.actions["num_records"].to_pylist()
        return None if VECTORS in self._features or None in counts else sum(counts)

    def dataset(self) -> Any:
        """The files as a dataset that DuckDB can scan in place.

        Of what the log says only the values of partitions are kept with a file: its minima and maxima leave out NaN,
        which is greater than all numbers.
        """
        from pyarrow import dataset

        kind = dataset.ParquetFileFormat(
            default_fragment_scan_options=dataset.ParquetFragmentScanOptions(pre_buffer=True)
        )
        kept = {unquote(path) for path in self.actions["path"].to_pylist()}
        found = self.table.to_pyarrow_dataset()
        fragments = [
            kind.make_fragment(each.path, filesystem=found.filesystem, partition_expression=self._values(each))
            for each in found.get_fragments()
            if each.path in kept
        ]
        if len(fragments) != self.actions.num_rows:
            raise DataError("the log names files by paths that deltalake does not tell apart")
        return dataset.FileSystemDataset(fragments, readable(self.schema), kind, found.filesystem)

    def _values(self, fragment: Any) -> Any:
        """The values of the partition columns in a file, as an expression; None where there are none."""
        import pyarrow as pa
        from pyarrow import dataset

        keys = dataset.get_partition_keys(fragment.partition_expression)
        told_of = [
            dataset.field(name).is_null()
            if keys[name] is None
            else dataset.field(name) == pa.scalar(keys[name], self.schema.field(name).type)
            for name in self.table.metadata().partition_columns
        ]
        return reduce(and_, told_of) if told_of else None

    def check_names(self, system: Any, called: str) -> None:
        """Whether deltalake reads the columns of the files rightly: it looks for their names, not for their numbers.

        Raises:
            DataError: the columns are mapped by number, and in a file they have other names than the log gives them.
        """
        if self._mapping != "id":
            return
        import pyarrow.parquet as pq

        expected = _physical(json.loads(self.table.schema().to_json()))
        for path in self.actions["path"].to_pylist():
            with system.open_input_file(unquote(path)) as file:
                names = _numbered(pq.read_schema(file))
            if any(expected[number] != name for number, name in names.items() if number in expected):
                raise DataError(
                    f"{called} maps its columns by number, and `{path}` names them otherwise than the log",
                    help="read it with the engine that wrote it, or map its columns by name",
                )


def _physical(kind: Any) -> dict[int, str]:
    """What the fields of a Delta type are called in its files, by their numbers."""
    if not isinstance(kind, dict):
        return {}
    found: dict[int, str] = {}
    for field in kind.get("fields", ()):
        metadata = field["metadata"]
        found[metadata["delta.columnMapping.id"]] = metadata["delta.columnMapping.physicalName"]
        found |= _physical(field["type"])
    for part in ("elementType", "keyType", "valueType"):
        found |= _physical(kind.get(part))
    return found


def _numbered(fields: Iterable[pa.Field]) -> dict[int, str]:
    """What the fields of a Parquet file are called, by their numbers."""
    found: dict[int, str] = {}
    for field in fields:
        number = (field.metadata or {}).get(b"PARQUET:field_id")
        found |= {int(number): field.name} if number is not None else {}
        found |= _numbered(field.type.field(at) for at in range(field.type.num_fields))
    return found


# -- filters -------------------------------------------------------------------------------------------

_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}

_SQL: Mapping[str, type[exp.Binary]] = {
    "=": exp.EQ,
    "!=": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}


@dataclass(frozen=True)
class Filter:
    """A filter on a partition column: alternatives of comparisons that must all hold."""

    field: pa.Field
    alternatives: list[list[Condition]]

    def arrow(self, name: str) -> Any:
        """It as an expression of Arrow over a column of this name."""
        import pyarrow as pa
        from pyarrow import dataset

        def compared(sign: str, value: Any) -> Any:
            exact = None if isinstance(value, int | float) else self.field.type
            return _COMPARISONS[sign](dataset.field(name), pa.scalar(value, exact))

        return reduce(or_, (reduce(and_, (compared(*each) for each in all_of)) for all_of in self.alternatives))

    @property
    def sql(self) -> exp.Expr:
        """It as a condition in the SQL of deltalake."""

        def compared(sign: str, value: Any) -> exp.Expr:
            column = exp.column(exp.to_identifier(self.field.name, quoted=True))
            found = _SQL[sign](this=column.copy(), expression=_sql(value))
            # To deltalake NaN is greater than all numbers, to Arrow it compares with none.
            ordered = isinstance(value, float) and sign in (">", ">=")
            return exp.and_(found, exp.not_(exp.Anonymous(this="isnan", expressions=[column]))) if ordered else found

        return exp.or_(*(exp.and_(*(compared(*each) for each in all_of)) for all_of in self.alternatives))


def _sql(value: Any) -> exp.Expr:
    if isinstance(value, date):
        kind = "date" if not isinstance(value, datetime) else "timestamptz" if value.tzinfo else "timestamp"
        return exp.cast(exp.Literal.string(value.isoformat()), kind)
    return exp.convert(value)


def _bounds(text: str, kind: pa.DataType) -> Bounds:
    """What a text means of a partition column of a type."""
    from pyarrow import types

    if types.is_string(kind) or types.is_large_string(kind):
        return Bounds(text)
    if types.is_integer(kind):
        return number(int, "whole number")(text)
    if types.is_floating(kind):
        return number(float, "number")(text)
    if types.is_decimal(kind):
        return decimal(text, kind.scale)
    if types.is_boolean(kind):
        return number(boolean, "truth value: write true or false")(text)
    if types.is_date(kind):
        return dates(text)
    if types.is_timestamp(kind):
        return in_zone(instants(text), aware=kind.tz is not None)
    raise DqError("a column of this type cannot be filtered by")


# -- rows that deltalake reads -------------------------------------------------------------------------


class DeltaRows:
    """The rows of a part as deltalake reads them."""

    database: Database | None = None

    def __init__(self, part: Part, description: str, secrets: Sequence[str]) -> None:
        self.description = description
        self.notes = part.notes
        self.rows = part.rows
        self._part = part
        self._secrets = secrets

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        return readable(self._part.schema)

    @contextmanager
    def read(self, columns: Sequence[str], /) -> Iterator[pa.RecordBatchReader]:
        """Its rows, with these columns only."""
        import pyarrow as pa

        named = dict(zip(self.schema.names, self._part.schema.names, strict=True))
        wanted = [named[column] for column in columns]
        schema = pa.schema([self.schema.field(column) for column in columns])
        with stream(self._batches(wanted), schema, self.description, self._secrets) as reader:
            yield reader

    def _batches(self, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        # Only partition columns stand in the condition: deltalake takes a column whose minimum is its maximum for
        # constant where the condition speaks of it, and loses NaN, which neither of them tells of.
        condition = exp.and_(*(each.sql for each in self._part.filters)).sql() if self._part.filters else None
        scan = self._part.table.scan(columns=wanted, predicate=condition)
        for batch in pa.RecordBatchReader.from_stream(scan):
            yield batch.select(wanted)

    def close(self) -> None:
        """Nothing is held."""
