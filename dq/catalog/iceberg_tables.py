"""An Iceberg table in one snapshot: what its metadata tells, and its rows.

Where every file is Parquet that holds the columns of the snapshot as they are, and nothing is deleted from it, DuckDB
scans the files in place. Else pyiceberg reads them: renamed and promoted columns, defaults, deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pyiceberg.expressions import (
    AlwaysFalse,
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
    NotEqualTo,
    NotNull,
    Or,
    Reference,
)
from pyiceberg.expressions.visitors import bind
from pyiceberg.io.pyarrow import ArrowScan, PyArrowFileIO, expression_to_pyarrow
from pyiceberg.manifest import FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import DataScan, FileScanTask
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.transforms import (
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    VoidTransform,
    YearTransform,
)
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

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
    schema_of,
    shown,
    stream,
    told,
)
from dq.catalog.names import find as find_name
from dq.catalog.selection import LATEST, PartitionFilter, Selection
from dq.diagnostics import DataError, DqError
from dq.files.names import hidden
from dq.names import listed
from dq.sources.memory import Arrow

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.io import FileIO
    from pyiceberg.partitioning import PartitionField
    from pyiceberg.table import Table as NativeTable
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.snapshots import Snapshot

    from dq.sources.options import ReadOptions
    from dq.sources.stored import Database, Source

FILES_AT_ONCE = 4
"""How many files pyiceberg may hold in memory: it reads each of them whole."""

FOOTERS_AT_ONCE = 16


class IcebergTable:
    """A table as `load` gives it; it is loaded once, so that all answers are about one state of it."""

    def __init__(self, name: str, load: Callable[[], NativeTable], secrets: Sequence[str] = ()) -> None:
        self.name = name
        self._load = load
        self._secrets = secrets

    @property
    def _called(self) -> str:
        return f"the Iceberg table `{self.name}`"

    @contextmanager
    def _told(self) -> Iterator[None]:
        with told(self._called, self._secrets):
            yield

    @cached_property
    def _table(self) -> NativeTable:
        with self._told():
            return self._load()

    def describe(self) -> Description:
        """What its metadata says; no file of rows is read.

        `rows` is None where rows are deleted by files of deletes, which may tell of one row twice.
        """
        metadata = self._table.metadata
        with self._told():
            snapshot = metadata.current_snapshot()
            summary = snapshot.summary if snapshot else None
            told_of = {key: summary.get(key) for key in _TOTALS} if summary else dict.fromkeys(_TOTALS)
            spec = metadata.spec()
            return Description(
                kind="iceberg table",
                schema=schema_of(readable(metadata.schema().as_arrow())),
                location=hidden(metadata.location),
                partitions=tuple(_partition(metadata, field) for field in spec.fields if not _is_void(field)),
                parts=_number(told_of["total-data-files"]) if snapshot else 0,
                rows=self._rows_told(told_of) if snapshot else 0,
                bytes=_number(told_of["total-files-size"]) if snapshot else 0,
                versions=_versions(metadata),
                properties={
                    "format version": str(metadata.format_version),
                    **{f"{ref.snapshot_ref_type} {name}": str(ref.snapshot_id) for name, ref in metadata.refs.items()},
                    **shown(metadata.properties),
                },
            )

    def _rows_told(self, summary: Mapping[str, str | None]) -> int | None:
        """How many rows a summary proves; where it does not speak of deletes, the manifests are asked."""
        if summary["total-delete-files"] is not None:
            return _number(summary["total-records"]) if summary["total-delete-files"] == "0" else None
        return Part.of(self._table, Version(self._table.metadata.current_snapshot()), (), self._called).rows

    def open(self, selection: Selection, options: ReadOptions, /) -> Source:
        """The rows of one snapshot that meet the partition filters, in the columns that it had.

        A branch is read in the columns that the table has now, as Iceberg says. `options` mean nothing here.
        """
        table = self._table
        with self._told():
            version = _version(table, selection, self._called)
            part = Part.of(table, version, selection.partitions, self._called)
            description = ", ".join(filter(None, (f"Iceberg table `{self.name}`", str(version), part.words)))
            if not part.tasks and selection.partitions:
                raise DataError(f"{self._called} has no partition with {part.words}", help=_columns_to_filter(part))
            if not part.tasks:
                notes = (*part.notes, "the table has no rows" if version.snapshot else "the table has no snapshot yet")
                return Arrow(part.arrow.empty_table(), description, notes)
            if (dataset := part.dataset()) is not None:
                return Arrow(dataset, description, part.notes, counted=part.rows)
            return IcebergRows(part, description, self._secrets)


_TOTALS = ("total-records", "total-data-files", "total-delete-files", "total-files-size")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None else None


def _versions(metadata: TableMetadata) -> tuple[tuple[str, str], ...]:
    newest = sorted(metadata.snapshots, key=lambda each: each.timestamp_ms, reverse=True)[:MOST_VERSIONS]
    return tuple((str(each.snapshot_id), iso(_moment(each.timestamp_ms))) for each in newest)


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _partition(metadata: TableMetadata, field: PartitionField) -> str:
    """A partition field as people write it: `region`, `day(ts)`, `bucket[16](id)`."""
    source = metadata.schema().find_column_name(field.source_id) or field.name
    return source if isinstance(field.transform, IdentityTransform) else f"{field.transform}({source})"


def _is_void(field: PartitionField) -> bool:
    return isinstance(field.transform, VoidTransform)


# -- versions ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Version:
    """A snapshot, None for a table without any, and whether its own columns are meant, rather than those of today."""

    snapshot: Snapshot | None
    own_columns: bool = False

    def __str__(self) -> str:
        return f"snapshot {self.snapshot.snapshot_id}" if self.snapshot else ""


def _version(table: NativeTable, selection: Selection, called: str) -> Version:
    metadata = table.metadata
    if selection.as_of is not None:
        return _as_of(table, selection.as_of, called)
    if (wanted := selection.snapshot) is None:
        return Version(metadata.current_snapshot())
    ref = metadata.refs.get(wanted)
    identity = ref.snapshot_id if ref else int(wanted) if wanted.isdecimal() else None
    snapshot = metadata.snapshot_by_id(identity) if identity is not None else None
    if snapshot is None:
        there = (*metadata.refs, *(identity for identity, _ in _versions(metadata)))
        raise DataError(
            f"{called} has no snapshot, tag or branch `{wanted}`: it may have expired",
            help=f"there is {listed(there)}" if there else "the table has no snapshot yet",
        )
    return Version(snapshot, own_columns=ref is None or ref.snapshot_ref_type != SnapshotRefType.BRANCH)


def _as_of(table: NativeTable, instant: datetime, called: str) -> Version:
    log = table.metadata.snapshot_log
    if not log:
        raise DataError(f"{called} has no snapshot yet")
    milliseconds = (instant - _EPOCH) // timedelta(milliseconds=1)
    entry = next((each for each in reversed(log) if each.timestamp_ms <= milliseconds), None)
    if entry is None:
        oldest = iso(_moment(log[0].timestamp_ms))
        raise DataError(
            f"{called} has no snapshot as old as {iso(instant)}",
            help=f"the oldest is {log[0].snapshot_id} of {oldest}; those before may have expired",
        )
    snapshot = table.metadata.snapshot_by_id(entry.snapshot_id)
    if snapshot is None:
        raise DataError(f"the snapshot {entry.snapshot_id} of {called}, current at {iso(instant)}, has expired")
    return Version(snapshot, own_columns=True)


# -- the part that is read -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """The files of a snapshot that may hold rows that meet a condition, and the condition."""

    metadata: TableMetadata
    """With the schema that is read as its current one."""
    io: FileIO
    snapshot_id: int | None
    condition: BooleanExpression
    tasks: tuple[FileScanTask, ...]
    words: str = ""

    @classmethod
    def of(cls, table: NativeTable, version: Version, filters: Sequence[PartitionFilter], called: str) -> Part:
        """The part that meets all filters; nothing but manifests is read."""
        metadata = table.metadata
        snapshot = version.snapshot
        if version.own_columns and snapshot is not None and snapshot.schema_id is not None:
            # pyiceberg binds conditions to the current schema, in which a name may mean another column by now.
            metadata = metadata.model_copy(update={"current_schema_id": snapshot.schema_id})
        identity = snapshot.snapshot_id if snapshot else None
        part = cls(metadata, table.io, identity, AlwaysTrue(), (), ", ".join(map(str, filters)))
        parted = _parted(metadata)
        names = {each: find_name(each.column, list(parted), "partition column", called) for each in filters}
        for each in (each for each in filters if each.operator != LATEST):
            part = part.narrowed(_expression(each, metadata.schema().find_field(parted[names[each]]), names[each]))
        part = part.planned()
        for each in (each for each in filters if each.operator == LATEST):
            part = part.narrowed(part.latest(parted[names[each]], names[each])).planned()
        return part

    def narrowed(self, condition: BooleanExpression) -> Part:
        """The same under one more condition, not yet planned."""
        return Part(self.metadata, self.io, self.snapshot_id, And(self.condition, condition), self.tasks, self.words)

    def planned(self) -> Part:
        """The same with the files that may hold what meets the condition."""
        tasks: Sequence[FileScanTask] = ()
        if self.snapshot_id is not None:
            scan = DataScan(self.metadata, self.io, self.condition, snapshot_id=self.snapshot_id)
            tasks = list(scan.plan_files())
        return Part(self.metadata, self.io, self.snapshot_id, self.condition, tuple(tasks), self.words)

    @property
    def schema(self) -> Schema:
        """Its columns as Iceberg has them."""
        return self.metadata.schema()

    @cached_property
    def arrow(self) -> pa.Schema:
        """Its columns as DuckDB will see them."""
        return readable(self.schema.as_arrow())

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth saying of its columns."""
        return renamed(self.schema.as_arrow())

    @property
    def rows(self) -> int | None:
        """How many rows it has, where the manifests prove it: nothing deleted, and whole files selected."""
        if any(task.delete_files or task.residual != AlwaysTrue() for task in self.tasks):
            return None
        return sum(task.file.record_count for task in self.tasks)

    def latest(self, source: int, name: str) -> BooleanExpression:
        """What the rows of the partitions with the greatest value of a column meet.

        Raises:
            DataError: the files are not all partitioned by it in one way that has an order, or all values are NULL.
        """
        specs = self.metadata.specs()
        found = [_ordered(specs[task.file.spec_id].fields, source) for task in self.tasks]
        ways = {str(field.transform) if field else "" for _, field in found}
        if ways - {str(field.transform) for _, field in found if field} or len(ways) > 1:
            told_ways = ", ".join(sorted(way or "no transform with an order" for way in ways))
            raise DataError(f"the latest `{name}` is not told by the partitions: {told_ways}", help="give its value")
        values = [task.file.partition[at] for task, (at, _) in zip(self.tasks, found, strict=True)]
        if not (known := [value for value in values if value is not None and value == value]):
            raise DataError(f"there is no latest `{name}`: no partition has a value of it")
        transform = found[0][1].transform  # type: ignore[union-attr]
        column = self.schema.find_field(source)
        bounds = _PERIODS[type(transform)](max(known), column.field_type)
        return _both(name, [("=", bounds.low)] if bounds.high is None else [(">=", bounds.low), ("<", bounds.high)])

    def dataset(self) -> Any:
        """The files as a dataset that DuckDB can scan in place; None if only pyiceberg reads them rightly."""
        from pyarrow import dataset

        if not isinstance(self.io, PyArrowFileIO) or self.notes:
            return None
        if any(task.delete_files or task.file.file_format != FileFormat.PARQUET for task in self.tasks):
            return None
        kind = dataset.ParquetFileFormat(
            default_fragment_scan_options=dataset.ParquetFragmentScanOptions(pre_buffer=True)
        )
        systems: dict[tuple[str, str], Any] = {}
        with ThreadPoolExecutor(FOOTERS_AT_ONCE) as pool:
            fragments = list(pool.map(lambda task: self._fragment(kind, task, systems), self.tasks))
        wanted = self.schema.as_arrow()
        filled = self._filled_in()
        if len(systems) != 1 or not all(self._as_wanted(each.physical_schema, wanted, filled) for each in fragments):
            return None
        (system,) = systems.values()
        found = dataset.FileSystemDataset(fragments, self.arrow, kind, system)
        if self.condition == AlwaysTrue():
            return found
        return found.filter(expression_to_pyarrow(bind(self.schema, self.condition, case_sensitive=True), self.schema))

    def _fragment(self, kind: Any, task: FileScanTask, systems: dict[tuple[str, str], Any]) -> Any:
        """A file whose footer has been read."""
        assert isinstance(self.io, PyArrowFileIO)
        scheme, netloc, path = PyArrowFileIO.parse_location(task.file.file_path, self.io.properties)
        system = systems.setdefault((scheme, netloc), self.io.fs_by_scheme(scheme, netloc))
        fragment = kind.make_fragment(path, filesystem=system)
        fragment.ensure_complete_metadata()
        return fragment

    def _filled_in(self) -> frozenset[int]:
        """The columns that may have values in files without them: partition columns, and those with a default."""
        identities = {
            field.source_id
            for spec in self.metadata.specs().values()
            for field in spec.fields
            if isinstance(field.transform, IdentityTransform)
        }
        return frozenset(identities | {field.field_id for field in self.schema.fields if _has_default(field)})

    def _as_wanted(self, there: pa.Schema, wanted: pa.Schema, filled: frozenset[int]) -> bool:
        """Whether a file holds each column under its name, number and type, or not at all where NULL stands for it."""
        names = {_field_id(field): field.name for field in there}
        if None in names or len(names) != len(there.names) or len(set(there.names)) != len(there.names):
            return False
        for field in wanted:
            identity = _field_id(field)
            if identity not in names:
                if field.name in there.names or identity in filled:
                    return False
                continue
            if names[identity] != field.name or _kind(there.field(field.name)) != _kind(field):
                return False
            if field.type.num_fields and len(self.metadata.schemas) > 1:  # fields within it may have been renamed
                return False
        return True


def _has_default(field: NestedField) -> bool:
    return getattr(field, "initial_default", None) is not None


def _field_id(field: pa.Field) -> int | None:
    text = (field.metadata or {}).get(b"PARQUET:field_id")
    return int(text) if text is not None else None


def _kind(field: pa.Field) -> str:
    return str(field.type).replace("large_", "")


def _parted(metadata: TableMetadata) -> dict[str, int]:
    """The columns by which the files of a table are or were partitioned, and their numbers."""
    fields = [field for spec in metadata.specs().values() for field in spec.fields if not _is_void(field)]
    named = {metadata.schema().find_column_name(field.source_id): field.source_id for field in fields}
    return {name: identity for name, identity in named.items() if name is not None}


def _columns_to_filter(part: Part) -> str:
    named = _parted(part.metadata)
    return f"partition columns: {listed(named)}" if named else "it has no partition columns"


def _ordered(fields: Sequence[PartitionField], source: int) -> tuple[int, PartitionField | None]:
    """Where a spec keeps values of a column in its order."""
    found = (
        (at, each) for at, each in enumerate(fields) if each.source_id == source and type(each.transform) in _PERIODS
    )
    return next(found, (0, None))


# -- conditions ----------------------------------------------------------------------------------------

_NOT_NULL: Callable[..., BooleanExpression] = NotNull
_NOT_EQUAL: Callable[..., BooleanExpression] = NotEqualTo
_ALL: BooleanExpression = AlwaysTrue()
_NONE: BooleanExpression = AlwaysFalse()

_COMPARISONS: Mapping[str, Callable[..., BooleanExpression]] = {
    "=": EqualTo,
    "!=": lambda column, value: And(_NOT_NULL(column), _NOT_EQUAL(column, value)),
    "<": LessThan,
    "<=": LessThanOrEqual,
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
}


def _both(name: str, comparisons: Sequence[Condition]) -> BooleanExpression:
    return reduce(And, (_COMPARISONS[sign](Reference(name), value) for sign, value in comparisons), _ALL)


def _expression(wanted: PartitionFilter, column: NestedField, name: str) -> BooleanExpression:
    """A filter on a column of a type; a NULL meets none."""
    read = _BOUNDS.get(type(column.field_type))
    if read is None:
        raise DqError(f"`{name}` cannot be filtered by: its type is {column.field_type}")
    try:
        alternatives = conditions(wanted, lambda text: read(text, column.field_type))
    except DqError as error:
        raise DqError(f"`{name}` is {column.field_type}: {error.message}", help=error.help) from None
    return reduce(Or, (_both(name, each) for each in alternatives), _NONE)


def _text(bounds: Bounds) -> Bounds:
    """Days and instants as pyiceberg reads them."""
    low, high = bounds.low, bounds.high
    return Bounds(low.isoformat(), None if high is None else high.isoformat())


_whole, _floating = number(int, "whole number"), number(float, "number")

_BOUNDS: Mapping[type[IcebergType], Callable[[str, Any], Bounds]] = {
    IntegerType: lambda text, _: _whole(text),
    LongType: lambda text, _: _whole(text),
    FloatType: lambda text, _: _floating(text),
    DoubleType: lambda text, _: _floating(text),
    DecimalType: lambda text, kind: decimal(text, kind.scale),
    StringType: lambda text, _: Bounds(text),
    BooleanType: lambda text, _: number(boolean, "truth value: write true or false")(text),
    UUIDType: lambda text, _: number(lambda each: str(UUID(each)), "UUID")(text),
    DateType: lambda text, _: _text(dates(text)),
    TimestampType: lambda text, _: _text(in_zone(instants(text), aware=False)),
    TimestamptzType: lambda text, _: _text(in_zone(instants(text), aware=True)),
    TimeType: lambda text, _: Bounds(text),
}
"""What a text means, by the type of the column."""


def _months(value: int, kind: IcebergType) -> Bounds:
    year, month = divmod(value, 12)
    following = value + 1
    return _typed(datetime(1970 + year, 1 + month, 1), datetime(1970 + following // 12, 1 + following % 12, 1), kind)


def _typed(low: datetime, high: datetime, kind: IcebergType) -> Bounds:
    """A period of a column of days or of instants."""
    if isinstance(kind, DateType):
        return Bounds(low.date().isoformat(), high.date().isoformat())
    return _text(in_zone(Bounds(low, high), aware=isinstance(kind, TimestamptzType)))


def _itself(value: Any, kind: IcebergType) -> Bounds:
    """A value as a partition record holds it."""
    naive = _EPOCH.replace(tzinfo=None)
    if isinstance(kind, DateType) and isinstance(value, int):
        return Bounds((naive + timedelta(days=value)).date().isoformat())
    if isinstance(kind, TimestampType | TimestamptzType) and isinstance(value, int):
        at = naive + timedelta(microseconds=value)
        return _text(in_zone(Bounds(at), aware=isinstance(kind, TimestamptzType)))
    if type(kind) not in _BOUNDS:
        raise DqError(f"the latest of a column of type {kind} cannot be told")
    return Bounds(value)


def _days(value: Any, kind: IcebergType) -> Bounds:
    low = datetime.combine(value, datetime.min.time()) if isinstance(value, date) else _day(value)
    return _typed(low, low + timedelta(days=1), kind)


def _day(value: int) -> datetime:
    return _EPOCH.replace(tzinfo=None) + timedelta(days=value)


def _hours(value: int, kind: IcebergType) -> Bounds:
    low = _EPOCH.replace(tzinfo=None) + timedelta(hours=value)
    return _typed(low, low + timedelta(hours=1), kind)


_PERIODS: Mapping[type, Callable[[Any, IcebergType], Bounds]] = {
    IdentityTransform: _itself,
    YearTransform: lambda value, kind: _typed(datetime(1970 + value, 1, 1), datetime(1971 + value, 1, 1), kind),
    MonthTransform: _months,
    DayTransform: _days,
    HourTransform: _hours,
}
"""The values of a column that a partition value stands for, for transforms that keep the order."""


# -- rows that pyiceberg reads -------------------------------------------------------------------------


class IcebergRows:
    """The rows of a part as pyiceberg reads them."""

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
        return self._part.arrow

    @contextmanager
    def read(self, columns: Sequence[str], /) -> Iterator[pa.RecordBatchReader]:
        """Its rows, with these columns only."""
        import pyarrow as pa

        named = dict(zip(self.schema.names, self._part.schema.as_arrow().names, strict=True))
        wanted = [named[column] for column in columns]
        schema = pa.schema([self.schema.field(column) for column in columns])
        with stream(self._batches(wanted), schema, self.description, self._secrets) as reader:
            yield reader

    def _batches(self, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        part = self._part
        projected = Schema(*(part.schema.find_field(name) for name in wanted))
        scan = ArrowScan(part.metadata, part.io, projected, part.condition)
        for at in range(0, len(part.tasks), FILES_AT_ONCE):
            for batch in scan.to_record_batches(part.tasks[at : at + FILES_AT_ONCE]):
                yield batch.select(wanted)

    def close(self) -> None:
        """Nothing is held."""


__all__ = ["IcebergRows", "IcebergTable"]
