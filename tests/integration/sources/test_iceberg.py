"""Iceberg tables: partitions, versions, schema evolution, deletes, types, faults, and catalogs over their wires."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import icebergs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table as Native
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    IdentityTransform,
    MonthTransform,
    TruncateTransform,
)
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)
from servers import iceberg_rest

import dq
from dq.catalog.base import NamedTable
from dq.catalog.iceberg import IcebergCatalog, table_at
from dq.catalog.iceberg_tables import IcebergTable
from dq.catalog.kinds import connect
from dq.catalog.selection import selection
from dq.diagnostics import DataError, DqError
from dq.outcomes import Evaluation

DAY = timedelta(days=1)


def opened(folder: Path, **settings: Any) -> IcebergCatalog:
    catalog = connect("iceberg", "lake", {"warehouse": str(folder), **settings}, folder)
    assert isinstance(catalog, IcebergCatalog)
    return catalog


def evaluated(rules: str, table: IcebergTable, *partitions: str, **version: Any) -> Evaluation:
    return dq.evaluate(f"Rules = [ {rules} ]", NamedTable("t", table, selection(partitions, **version)))


def rows_of(table: IcebergTable, *partitions: str, **version: Any) -> list[dict[str, Any]]:
    """The rows that a selection gives, without what a rule says of them."""
    read = evaluated("RowCount >= 0", table, *partitions, **version).rows().read_all()
    return [{name: value for name, value in row.items() if "DataQuality" not in name} for row in read.to_pylist()]


def ids(table: IcebergTable, *partitions: str, **version: Any) -> list[int]:
    return sorted(row["id"] for row in rows_of(table, *partitions, **version))


# -- partitions ----------------------------------------------------------------------------------------

EVENTS = Schema(
    NestedField(1, "id", LongType()),
    NestedField(2, "ts", TimestampType()),
    NestedField(3, "country", StringType()),
    NestedField(4, "price", DecimalType(9, 2)),
)
SPEC = PartitionSpec(
    PartitionField(2, 1000, DayTransform(), "ts_day"),
    PartitionField(3, 1001, IdentityTransform(), "country"),
    PartitionField(1, 1002, BucketTransform(2), "id_bucket"),
    PartitionField(4, 1003, TruncateTransform(100), "price_trunc"),
)
ROWS = [
    (
        number,
        datetime(2026, 11, 1 + number % 3, number),
        (None, "DE", "FR")[number % 3],
        Decimal(number * 25).scaleb(-2),
    )
    for number in range(12)
]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with one file for each day and country, and each of them in the buckets of its ids."""
    folder = tmp_path_factory.mktemp("lake")
    catalog = icebergs.catalog(folder)
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.Events", EVENTS, partition_spec=SPEC)
    bucket = BucketTransform(2).transform(LongType())
    truncated = TruncateTransform(100).transform(DecimalType(9, 2))
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in ROWS:
        key = ((row[1] - datetime(1970, 1, 1)) // DAY, row[2], bucket(row[0]), truncated(row[3]))
        groups.setdefault(key, []).append(row)
    for key, group in groups.items():
        icebergs.put(table, key, **dict(zip(EVENTS.column_names, map(list, zip(*group, strict=True)), strict=True)))
    catalog.close()
    return folder


FILTERS: list[tuple[tuple[str, ...], Callable[[Any], bool]]] = [
    (("ts=2026-11-01",), lambda row: row[1].day == 1),
    (("ts!=2026-11-01",), lambda row: row[1].day != 1),
    (("ts>=2026-11-02",), lambda row: row[1].day >= 2),
    (("ts>2026-11-02",), lambda row: row[1].day > 2),
    (("ts<2026-11-02T04",), lambda row: row[1] < datetime(2026, 11, 2, 4)),
    (("ts<=2026-11-02T04:00",), lambda row: row[1] <= datetime(2026, 11, 2, 4)),
    (("ts=2026-11-01T03..2026-11-02T04",), lambda row: datetime(2026, 11, 1, 3) <= row[1] < datetime(2026, 11, 2, 5)),
    (("ts=2026-11",), lambda row: True),
    (("ts=latest",), lambda row: row[1].day == 3),
    (("country=DE",), lambda row: row[2] == "DE"),
    (("country!=DE",), lambda row: row[2] == "FR"),
    (("country=DE,FR", "TS=latest"), lambda row: row[1].day == 3),
    (("country=DE", "ts=latest"), lambda row: row[1].day == 2),
    (("country=latest",), lambda row: row[2] == "FR"),
    (("id=5",), lambda row: row[0] == 5),
    (("id=5,7", "ts>=2026-11-02"), lambda row: row[0] in (5, 7)),
    (("id>=9",), lambda row: row[0] >= 9),
    (("price=1.5",), lambda row: row[3] == Decimal("1.5")),
    (("price<1",), lambda row: row[3] < 1),
]


@pytest.mark.parametrize(("filters", "meets"), FILTERS, ids=[" ".join(each) for each, _ in FILTERS])
def test_a_filter_leaves_exactly_the_rows_that_meet_it(
    events: Path, filters: tuple[str, ...], meets: Callable[[Any], bool]
) -> None:
    table = opened(events).table(("sales", "Events"))
    assert ids(table, *filters) == [row[0] for row in ROWS if meets(row)]


@pytest.mark.parametrize("filters", [("ts=2026-11-02",), ("country=DE",), ("ts=latest",), ("price<1", "ts<2026-11-02")])
def test_files_of_other_partitions_are_not_read(events: Path, filters: tuple[str, ...], tmp_path: Path) -> None:
    table = opened(events).table(("sales", "Events"))
    before = ids(table, *filters)
    hidden = [path for path in (events / "sales/Events/data").rglob("*.parquet") if not holds(path, before)]
    assert len(hidden) > 3
    for path in hidden:
        shutil.move(path, tmp_path / path.name)
    try:
        assert ids(opened(events).table(("sales", "Events")), *filters) == before
    finally:
        for path in hidden:
            shutil.move(tmp_path / path.name, path)


def holds(path: Path, wanted: Sequence[int]) -> bool:
    return bool(set(pq.read_table(path)["id"].to_pylist()) & set(wanted))


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ("amount=1", "`lake.sales.Events` has no partition column `amount`"),
        ("ts=2027", "has no partition with ts=2027"),
        ("country=XX", "has no partition with country=XX"),
        ("ts=yesterday", "`ts` is timestamp: `yesterday` is no date or instant"),
        ("ts=2026-11-01T00:00Z", "has a zone, and the column has none"),
        ("id=1.5", "`1.5` is no whole number"),
        ("price=1.555", "`1.555` is no number with 2 decimals"),
        ("id=latest", "the latest `id` is not told by the partitions"),
        ("price=latest", "the latest `price` is not told by the partitions"),
    ],
)
def test_a_filter_that_cannot_be_met_is_an_error(events: Path, filters: str, words: str) -> None:
    with pytest.raises(DqError) as told:
        evaluated("RowCount >= 0", opened(events).table(("sales", "Events")), filters)
    assert words in told.value.message


def test_a_description_comes_from_metadata_alone(events: Path, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    shutil.move(events / "sales/Events/data", copy)
    try:
        told = opened(events).table(("SALES", "events")).describe()
    finally:
        shutil.move(copy, events / "sales/Events/data")
    assert told.kind == "iceberg table"
    assert [(each.name, each.native) for each in told.schema] == [
        ("id", "BIGINT"),
        ("ts", "TIMESTAMP"),
        ("country", "VARCHAR"),
        ("price", "DECIMAL(9,2)"),
    ]
    assert told.partitions == ("day(ts)", "country", "bucket[2](id)", "truncate[100](price)")
    assert told.rows == 12
    assert told.parts == len(list((events / "sales/Events/data").iterdir()))
    assert told.bytes == sum(path.stat().st_size for path in (events / "sales/Events/data").iterdir())
    assert told.properties["branch main"] == told.versions[0][0]


def test_the_count_of_rows_is_known_where_whole_files_are_selected(events: Path) -> None:
    table = opened(events).table(("sales", "Events"))
    counts = {each: opened_rows(table, each) for each in ("ts=2026-11-01", "country!=DE", "ts<=2026-11-02T04:00")}
    assert counts == {"ts=2026-11-01": 4, "country!=DE": 4, "ts<=2026-11-02T04:00": None}


def opened_rows(table: IcebergTable, *partitions: str) -> int | None:
    return table.open(selection(partitions), dq.ReadOptions()).rows  # type: ignore[union-attr]


def test_a_spec_that_has_changed_prunes_and_tells_no_latest_of_mixed_files(tmp_path: Path) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()), NestedField(2, "at", DateType()))
    icebergs.put(table, id=[1], at=[date(2026, 10, 5)])
    with table.update_spec() as update:
        update.add_field("at", MonthTransform(), "month")
    icebergs.put(table, (12 * 56 + 9,), id=[2], at=[date(2026, 10, 9)])
    icebergs.put(table, (12 * 56 + 10,), id=[3], at=[date(2026, 11, 9)])
    with table.update_spec() as update:
        update.remove_field("month")
        update.add_field("at", DayTransform(), "day")
    # A void transform keeps the place of what was removed.
    icebergs.put(table, ((date(2026, 11, 20) - date(1970, 1, 1)).days,), id=[4], at=[date(2026, 11, 20)])
    found = opened(tmp_path).table(("db", "t"))
    assert ids(found, "at=2026-10") == [1, 2]
    assert ids(found, "at>2026-10-05") == [2, 3, 4]
    with pytest.raises(DataError, match="the latest `at` is not told by the partitions: day, month, no transform"):
        ids(found, "at=latest")
    assert ids(found, "at>=2026-11-10") == [4]
    months = table.snapshots()[2].snapshot_id
    with pytest.raises(DataError, match="the latest `at`"):
        ids(found, "at=latest", snapshot=str(months))


def made(folder: Path, *fields: NestedField, **options: Any) -> tuple[SqlCatalog, Native]:
    catalog = icebergs.catalog(folder)
    catalog.create_namespace("db")
    return catalog, catalog.create_table("db.t", Schema(*fields), **options)


@pytest.mark.parametrize(
    ("kind", "transform", "values", "records"),
    [
        (DateType(), MonthTransform(), [date(2025, 12, 31), date(2026, 1, 1)], [671, 672]),
        (
            TimestamptzType(),
            DayTransform(),
            [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, 5, tzinfo=UTC)],
            [20454, 20455],
        ),
        (DateType(), IdentityTransform(), [date(2026, 1, 1), date(2026, 1, 2)], [20454, 20455]),
        (IntegerType(), IdentityTransform(), [9, 10], [9, 10]),
        (StringType(), IdentityTransform(), ["a", "b"], ["a", "b"]),
        (DoubleType(), IdentityTransform(), [0.5, 1.5], [0.5, 1.5]),
        (
            DecimalType(9, 2),
            IdentityTransform(),
            [Decimal("9.00"), Decimal("10.00")],
            [Decimal("9.00"), Decimal("10.00")],
        ),
    ],
    ids=str,
)
def test_the_latest_is_the_greatest_value_of_the_partitions(
    tmp_path: Path, kind: Any, transform: Any, values: list[Any], records: list[Any]
) -> None:
    spec = PartitionSpec(PartitionField(2, 1000, transform, "p"))
    _, table = made(tmp_path, NestedField(1, "id", LongType()), NestedField(2, "key", kind), partition_spec=spec)
    for number in (1, 0):
        icebergs.put(table, (records[number],), id=[number], key=[values[number]])
    icebergs.put(table, (None,), id=[7], key=[None])
    if kind == DoubleType():
        icebergs.put(table, (float("nan"),), id=[8], key=[float("nan")])
    assert ids(opened(tmp_path).table(("db", "t")), "key=latest") == [1]


def test_partitions_of_promoted_and_dropped_columns_are_told_apart(tmp_path: Path) -> None:
    spec = PartitionSpec(
        PartitionField(2, 1000, IdentityTransform(), "number"), PartitionField(3, 1001, IdentityTransform(), "word")
    )
    fields = (NestedField(1, "id", LongType()), NestedField(2, "n", IntegerType()), NestedField(3, "k", StringType()))
    _, table = made(tmp_path, *fields, partition_spec=spec)
    icebergs.put(table, (1, "x"), id=[1], n=[1], k=["x"])
    icebergs.put(table, (2, "y"), id=[2], n=[2], k=["y"])
    old = str(table.current_snapshot().snapshot_id)  # type: ignore[union-attr]
    with table.update_schema() as schema:
        schema.update_column("n", field_type=LongType())
    with table.update_spec() as update:
        update.remove_field("word")
    with table.update_schema() as schema:
        schema.delete_column("k")
    icebergs.put(table, (2**40,), id=[3], n=[2**40])
    found = opened(tmp_path).table(("db", "t"))
    assert ids(found, "n>1") == [2, 3]
    assert ids(found, "n=latest") == [3]
    assert ids(found, "n=latest", snapshot=old) == [2]
    assert ids(found, "k=x", snapshot=old) == [1]
    with pytest.raises(DataError, match="no partition column `k`"):
        ids(found, "k=x")


def test_tables_of_the_first_format_are_read(tmp_path: Path) -> None:
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "p"))
    fields = (NestedField(1, "id", LongType()), NestedField(2, "k", StringType()))
    _, table = made(tmp_path, *fields, partition_spec=spec, properties={"format-version": "1"})
    table.append(icebergs.rows(table, id=[1, 2], k=["x", "y"]))
    with table.update_spec() as update:
        update.remove_field("p")  # what was removed keeps its place as a void transform
    table.append(icebergs.rows(table, id=[3], k=["x"]))
    found = opened(tmp_path).table(("db", "t"))
    assert ids(found, "k=x") == [1, 3]
    assert ids(found, snapshot=str(table.snapshots()[0].snapshot_id)) == [1, 2]
    with pytest.raises(DataError, match="the latest `k` is not told by the partitions"):
        ids(found, "k=latest")


# -- versions ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Native]:
    """Three snapshots; the second has a tag, and a branch goes on from the first."""
    folder = tmp_path_factory.mktemp("history")
    _, table = made(folder, NestedField(1, "id", LongType()))
    for number in (1, 2, 3):
        icebergs.put(table, id=[number])
    first, second, _ = (each.snapshot_id for each in table.snapshots())
    table.manage_snapshots().create_tag(second, "release").create_branch(first, "audit").commit()
    table.append(icebergs.rows(table, id=[9]), branch="audit")
    return folder, table


def test_a_snapshot_is_chosen_by_number_tag_branch_and_time(history: tuple[Path, Native]) -> None:
    folder, native = history
    table = opened(folder).table(("db", "t"))
    made_at = [datetime.fromtimestamp(each.timestamp_ms / 1000, UTC) for each in native.history()]
    assert ids(table) == [1, 2, 3]
    assert ids(table, snapshot=str(native.snapshots()[0].snapshot_id)) == [1]
    assert ids(table, snapshot="release") == [1, 2]
    assert ids(table, snapshot="audit") == [1, 9]
    assert [ids(table, as_of=at) for at in made_at] == [[1], [1, 2], [1, 2, 3]]
    assert ids(table, as_of=made_at[2] - timedelta(milliseconds=1)) == [1, 2]
    assert ids(table, as_of="2100-01-01") == [1, 2, 3]


def test_a_version_that_is_not_there_names_those_that_are(history: tuple[Path, Native]) -> None:
    folder, native = history
    table = opened(folder).table(("db", "t"))
    oldest = str(native.history()[0].snapshot_id)
    with pytest.raises(DataError) as told:
        ids(table, snapshot="nope")
    assert "no snapshot, tag or branch `nope`" in told.value.message
    assert "`release`" in told.value.help
    with pytest.raises(DataError) as told:
        ids(table, as_of="2020-01-01")
    assert "no snapshot as old as 2020-01-01" in told.value.message
    assert oldest in told.value.help


def test_an_expired_snapshot_is_an_error(tmp_path: Path) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()))
    for number in (1, 2):
        icebergs.put(table, id=[number])
    first = table.snapshots()[0]
    table.maintenance.expire_snapshots().by_id(first.snapshot_id).commit()
    found = opened(tmp_path).table(("db", "t"))
    with pytest.raises(DataError, match="may have expired"):
        ids(found, snapshot=str(first.snapshot_id))
    with pytest.raises(DataError, match=r"expired|as old as"):
        ids(found, as_of=datetime.fromtimestamp(first.timestamp_ms / 1000, UTC))


def test_a_table_stays_what_it_was_when_it_was_opened(tmp_path: Path) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()))
    icebergs.put(table, id=[1])
    found = opened(tmp_path).table(("db", "t"))
    icebergs.put(table, id=[2])
    assert ids(found) == [1]
    assert ids(opened(tmp_path).table(("db", "t"))) == [1, 2]


def test_a_table_without_rows_is_judged_as_an_empty_one(tmp_path: Path) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()))
    result = evaluated('RowCount = 0, IsComplete "id"', opened(tmp_path).table(("db", "t")))
    assert [str(each.verdict) for each in result.outcomes] == ["PASSED", "FAILED"]
    assert result.tables[0].notes == ("the table has no snapshot yet",)
    icebergs.put(table, id=[1])
    table.delete("id = 1")
    result = evaluated('RowCount = 0, IsComplete "id"', opened(tmp_path).table(("db", "t")))
    assert [str(each.verdict) for each in result.outcomes] == ["PASSED", "FAILED"]
    assert result.tables[0].notes == ("the table has no rows",)
    assert result.tables[0].rows == 0


# -- schema evolution ----------------------------------------------------------------------------------


def test_columns_are_found_by_number_whatever_has_become_of_their_names(tmp_path: Path) -> None:
    _, table = made(
        tmp_path,
        NestedField(1, "id", LongType()),
        NestedField(2, "a", IntegerType()),
        NestedField(3, "b", FloatType()),
        NestedField(4, "gone", StringType()),
        NestedField(5, "s", StructType(NestedField(6, "x", IntegerType()))),
    )
    icebergs.put(table, id=[1], a=[2], b=[0.5], gone=["g"], s=[{"x": 1}])
    first = str(table.current_snapshot().snapshot_id)  # type: ignore[union-attr]
    with table.update_schema() as update:
        update.rename_column("a", "was_a")
        update.update_column("a", field_type=LongType())
        update.update_column("b", field_type=DoubleType())
        update.delete_column("gone")
        update.rename_column(("s", "x"), "y")
        update.move_first("b")
    with table.update_schema() as update:
        update.add_column("a", StringType())
        update.add_column("gone", IntegerType())
    icebergs.put(table, id=[2], was_a=[2**40], b=[0.25], a=["new"], gone=[7], s=[{"y": 2}])
    found = opened(tmp_path).table(("db", "t"))
    assert found.describe().schema.names == ("b", "id", "was_a", "s", "a", "gone")
    assert rows_of(found) == [
        {"b": 0.25, "id": 2, "was_a": 2**40, "s": {"y": 2}, "a": "new", "gone": 7},
        {"b": 0.5, "id": 1, "was_a": 2, "s": {"y": 1}, "a": None, "gone": None},
    ]
    assert rows_of(found, snapshot=first) == [{"id": 1, "a": 2, "b": 0.5, "gone": "g", "s": {"x": 1}}]
    assert [row["was_a"] for row in rows_of(found, snapshot="main")] == [2**40, 2]


def test_a_filter_means_the_column_that_had_the_name_in_the_snapshot(tmp_path: Path) -> None:
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "p"))
    fields = (NestedField(1, "id", LongType()), NestedField(2, "a", StringType()))
    _, table = made(tmp_path, *fields, partition_spec=spec)
    icebergs.put(table, ("x",), id=[1], a=["x"])
    icebergs.put(table, ("y",), id=[2], a=["y"])
    old = str(table.current_snapshot().snapshot_id)  # type: ignore[union-attr]
    with table.update_schema() as update:
        update.rename_column("a", "b")
    with table.update_schema() as update:
        update.add_column("a", StringType())
    icebergs.put(table, ("x",), id=[3], b=["x"], a=["y"])
    found = opened(tmp_path).table(("db", "t"))
    assert ids(found, "a=x", snapshot=old) == [1]
    assert ids(found, "b=x") == [1, 3]
    with pytest.raises(DataError, match="no partition column `a`"):
        ids(found, "a=x")


def test_files_without_a_column_have_nulls_and_those_imported_by_name_are_read(tmp_path: Path) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()), NestedField(2, "name", StringType()))
    icebergs.put(table, id=[1])
    path = tmp_path / "foreign.parquet"
    pq.write_table(pa.table({"id": pa.array([2]), "name": pa.array(["n"])}), path)
    table.add_files([f"file://{path}"])
    rows = sorted(rows_of(opened(tmp_path).table(("db", "t"))), key=lambda row: row["id"])
    assert rows == [{"id": 1, "name": None}, {"id": 2, "name": "n"}]


def test_partition_columns_that_the_files_lack_have_the_values_of_their_partitions(tmp_path: Path) -> None:
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "p"))
    fields = (NestedField(1, "id", LongType()), NestedField(2, "key", StringType()))
    _, table = made(tmp_path, *fields, partition_spec=spec)
    icebergs.put(table, ("k",), id=[1])
    assert rows_of(opened(tmp_path).table(("db", "t"))) == [{"id": 1, "key": "k"}]


def test_names_that_differ_in_letter_case_only_are_kept_apart(tmp_path: Path) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()), NestedField(2, "ID", LongType()))
    icebergs.put(table, id=[1], ID=[2])
    found = opened(tmp_path).table(("db", "t"))
    assert rows_of(found) == [{"id": 1, "ID_1": 2}]
    assert evaluated("RowCount = 1", found).tables[0].notes == (
        'renamed, as letters of any case are equal: "ID" to "ID_1"',
    )


def test_odd_names_of_columns_are_read(tmp_path: Path) -> None:
    names = ("a.b", "with space", 'quo"te', "ünïcode", "select")
    fields = [NestedField(number, name, LongType()) for number, name in enumerate(names, 1)]
    _, table = made(tmp_path, *fields)
    table.append(icebergs.rows(table, **{name: [number] for number, name in enumerate(names)}))
    assert rows_of(opened(tmp_path).table(("db", "t"))) == [{name: number for number, name in enumerate(names)}]


# -- deletes -------------------------------------------------------------------------------------------

Delete = Callable[[Native, str, Sequence[int]], None]


@pytest.mark.parametrize("delete", [icebergs.delete_positions, icebergs.delete_vector], ids=["positions", "vector"])
def test_deleted_rows_are_gone(tmp_path: Path, delete: Delete) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()), NestedField(2, "v", DoubleType()))
    file = icebergs.put(table, id=[1, 2, 3, 4], v=[1.0, 2.0, 3.0, 4.0], write={"row_group_size": 2})
    icebergs.put(table, id=[5, 6], v=[5.0, 6.0])
    before = str(table.current_snapshot().snapshot_id)  # type: ignore[union-attr]
    delete(table, file, [0, 2])
    icebergs.put(table, id=[1], v=[7.0])
    found = opened(tmp_path).table(("db", "t"))
    assert ids(found) == [1, 2, 4, 5, 6]
    assert ids(found, snapshot=before) == [1, 2, 3, 4, 5, 6]
    result = evaluated('RowCount = 5, Sum "v" = 24, IsUnique "id"', found)
    assert result.passed, [each.reason for each in result.outcomes]
    assert found.describe().rows is None


def test_deleted_rows_are_gone_from_a_filtered_partition(tmp_path: Path) -> None:
    spec = PartitionSpec(PartitionField(2, 1000, DayTransform(), "day"))
    fields = (NestedField(1, "id", LongType()), NestedField(2, "ts", TimestampType()))
    _, table = made(tmp_path, *fields, partition_spec=spec)
    hours = [datetime(2026, 11, 1, hour) for hour in range(4)]
    file = icebergs.put(table, (20758,), id=[0, 1, 2, 3], ts=hours)
    icebergs.put(table, (20759,), id=[9], ts=[datetime(2026, 11, 2)])
    icebergs.delete_positions(table, file, [1], (20758,))
    found = opened(tmp_path).table(("db", "t"))
    assert ids(found, "ts=2026-11-01") == [0, 2, 3]
    assert ids(found, "ts>=2026-11-01T02", "ts<2026-11-02") == [2, 3]
    assert ids(found, "ts=latest") == [9]


def test_equality_deletes_are_an_error_and_never_rows(tmp_path: Path) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()))
    icebergs.put(table, id=[1, 2])
    icebergs.delete_equal(table, "id", [1])
    found = opened(tmp_path).table(("db", "t"))
    assert found.describe().rows is None
    with pytest.raises(DataError, match=r"`lake.db.t` cannot be read: PyIceberg does not yet support equality deletes"):
        ids(found)


# -- types ---------------------------------------------------------------------------------------------

TYPES: list[tuple[Any, str, Any]] = [
    (BooleanType(), "BOOLEAN", True),
    (IntegerType(), "INTEGER", 5),
    (LongType(), "BIGINT", 2**40),
    (FloatType(), "FLOAT", 0.5),
    (DoubleType(), "DOUBLE", float("inf")),
    (DecimalType(38, 4), "DECIMAL(38,4)", Decimal("1.2345")),
    (DateType(), "DATE", date(2026, 1, 2)),
    (TimeType(), "TIME", time(1, 2, 3, 4)),
    (TimestampType(), "TIMESTAMP", datetime(2026, 1, 2, 3, 4, 5, 6)),
    (TimestamptzType(), "TIMESTAMP WITH TIME ZONE", datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)),
    (StringType(), "VARCHAR", "text"),
    (UUIDType(), "UUID", UUID(int=7)),
    (FixedType(4), "BLOB", b"abcd"),
    (BinaryType(), "BLOB", b"\0x"),
    (ListType(101, IntegerType()), "INTEGER[]", [1, 2]),
    (MapType(102, StringType(), 103, LongType()), "MAP(VARCHAR, BIGINT)", [("k", 1)]),
    (StructType(NestedField(104, "x", IntegerType())), "STRUCT(x INTEGER)", {"x": 1}),
]


@pytest.mark.parametrize("deleted", [False, True], ids=["in place", "by pyiceberg"])
def test_each_type_is_what_duckdb_makes_of_it(tmp_path: Path, deleted: bool) -> None:
    fields = [NestedField(number, f"c{number}", kind) for number, (kind, *_) in enumerate(TYPES, 1)]
    _, table = made(tmp_path, *fields)
    columns = {f"c{number}": value for number, (*_, value) in enumerate(TYPES, 1)}
    stored = {name: value.bytes if isinstance(value, UUID) else value for name, value in columns.items()}
    one = pa.Table.from_pylist([stored, stored, dict.fromkeys(stored)], schema=table.schema().as_arrow())
    table.append(one)
    if deleted:
        (task,) = table.scan().plan_files()
        icebergs.delete_positions(table, task.file.file_path, [0])
    found = opened(tmp_path).table(("db", "t"))
    assert [each.native for each in found.describe().schema] == [native for _, native, _ in TYPES]
    result = evaluated("RowCount > 0", found)
    first, *_, last = result.rows().read_all().to_pylist()
    wanted = {name: str(value) if isinstance(value, UUID) else value for name, value in columns.items()}
    assert {name: first[name] for name in columns} == wanted
    assert {name: last[name] for name in columns} == dict.fromkeys(columns)


def test_a_nan_is_no_small_number(tmp_path: Path) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()), NestedField(2, "v", DoubleType()))
    table.append(icebergs.rows(table, id=[1, 2], v=[1.0, float("nan")]))
    rules = 'ColumnValues "v" < 100, CustomSql "select count(*) from primary where v > 100" = 1'
    result = evaluated(rules, opened(tmp_path).table(("db", "t")))
    assert [str(each.verdict) for each in result.outcomes] == ["FAILED", "PASSED"]


# -- what is read --------------------------------------------------------------------------------------


def bytes_read() -> int:
    """Bytes that this process has asked the system for."""
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the system does not count the bytes that are read")
@pytest.mark.parametrize("deleted", [False, True], ids=["in place", "by pyiceberg"])
def test_only_the_columns_of_the_rules_and_the_selected_files_are_read(tmp_path: Path, deleted: bool) -> None:
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "p"))
    fields = [NestedField(1, "part", LongType()), *(NestedField(n, f"c{n}", LongType()) for n in range(2, 10))]
    _, table = made(tmp_path, *fields, partition_spec=spec)
    rows = 40_000
    for part in (1, 2):
        # multiplied by large primes, so that nothing compresses
        columns = {f"c{n}": [i * 2_654_435_761 * n % 2**61 for i in range(rows)] for n in range(2, 10)}
        file = icebergs.put(table, (part,), part=[part] * rows, **columns)
        if deleted:
            icebergs.delete_positions(table, file, [0], (part,))
    whole = sum(path.stat().st_size for path in tmp_path.rglob("*.parquet"))
    found = opened(tmp_path).table(("db", "t"))

    def cost(*partitions: str) -> float:
        before = bytes_read()
        assert evaluated('IsComplete "c2"', found, *partitions).passed
        return (bytes_read() - before) / whole

    cost()  # what is loaded once
    assert cost() < 0.3
    assert cost("part=1") < 0.17


# -- catalogs ------------------------------------------------------------------------------------------


def test_namespaces_are_a_tree(tmp_path: Path) -> None:
    catalog = icebergs.catalog(tmp_path)
    for space in ("sales", "sales.eu", "sales2"):
        catalog.create_namespace(space)
    schema = Schema(NestedField(1, "id", LongType()))
    for name in ("sales.orders", "sales.eu.Orders", "sales.eu.orders"):
        catalog.create_table(name, schema)
    lake = opened(tmp_path)
    listed = {
        path: [(each.name, each.is_table) for each in lake.children(path)] for path in ((), ("SALES",), ("sales", "eu"))
    }
    assert listed == {
        (): [("sales", False), ("sales2", False)],
        ("SALES",): [("eu", False), ("orders", True)],
        ("sales", "eu"): [("Orders", True), ("orders", True)],
    }
    assert lake.table(("Sales", "EU", "orders")).name == "lake.sales.eu.orders"
    for path, words in (
        (("sales", "eu", "ORDERS"), "`ORDERS` may be `Orders` or `orders` of `lake.sales.eu`"),
        (("sales", "order"), "`lake.sales` has no table `order`"),
        (("sale", "orders"), "`lake` has no namespace `sale`"),
        (("sales",), "names no table: an Iceberg table lies in a namespace"),
    ):
        with pytest.raises(DataError, match=words):
            lake.table(path)
    with pytest.raises(DataError, match="has no namespace `nope`"):
        lake.children(("nope",))
    lake.close()
    lake.close()
    assert lake.children(("sales2",)) == [], "what was closed opens again"


def test_the_database_may_be_elsewhere_and_keep_several_catalogs(tmp_path: Path) -> None:
    (tmp_path / "warehouse").mkdir()
    uri = f"sqlite:///{tmp_path}/many.sqlite"
    for name in ("one", "two"):
        catalog = SqlCatalog(name, uri=uri, warehouse=f"file://{tmp_path}/warehouse")
        catalog.create_namespace(f"of_{name}")
        catalog.close()

    def spaces(**settings: Any) -> list[str]:
        catalog = connect("iceberg", "lake", {"uri": "sqlite:///many.sqlite", **settings}, tmp_path)
        return [each.name for each in catalog.children(())]

    assert spaces(catalog="two") == ["of_two"]
    with pytest.raises(DataError, match="the database keeps no catalog `lake`, but `one`, `two`"):
        spaces()


def test_reading_changes_nothing_of_the_catalog(tmp_path: Path, events: Path) -> None:
    before = (events / "catalog.db").read_bytes()
    ids(opened(events).table(("sales", "Events")))
    assert (events / "catalog.db").read_bytes() == before
    with pytest.raises(DataError, match=r"there is no catalog database `.*/catalog.db`"):
        opened(tmp_path).children(())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"type": "nope"}, "there is no type `nope`"),
        ({"type": "sql"}, "needs `uri`, or a `warehouse`"),
        ({"type": "sql", "warehouse": "s3://bucket"}, "needs `uri`, or a `warehouse`"),
        ({"type": "rest"}, "needs the setting `uri`"),
    ],
)
def test_a_wrong_setting_is_told(settings: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(DqError, match=words) as told:
        connect("iceberg", "lake", settings, tmp_path)
    assert told.value.exit_code == 2


def test_a_table_is_found_by_its_metadata_file(tmp_path: Path) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()))
    icebergs.put(table, id=[1, 2])
    found = table_at(table.metadata_location, {})
    assert ids(found) == [1, 2]
    assert found.describe().rows == 2
    with pytest.raises(DataError, match=r"the Iceberg table `/nowhere/x.metadata.json` cannot be read"):
        table_at("/nowhere/x.metadata.json", {}).describe()


# -- over the wire -------------------------------------------------------------------------------------


def test_a_rest_catalog_is_read(events: Path) -> None:
    with iceberg_rest.serving(icebergs.catalog(events)) as server:
        lake = connect("iceberg", "lake", {"type": "rest", "uri": server.uri, "token": iceberg_rest.TOKEN}, events)
        assert [each.name for each in lake.children(())] == ["sales"]
        assert [each.name for each in lake.children(("sales",))] == ["Events"]
        server.busy = 2
        table = lake.table(("sales", "events"))
        assert isinstance(table, IcebergTable)
        assert ids(table, "ts=latest") == [row[0] for row in ROWS if row[1].day == 3]
        assert table.describe().rows == 12
        with pytest.raises(DataError, match=r"`lake.sales` has no table `nope`"):
            lake.table(("sales", "nope"))
        server.busy = 100
        with pytest.raises(DataError, match="503") as told:
            lake.children(())
        assert iceberg_rest.TOKEN not in str(told.value)
        server.busy = 0
        with pytest.raises(DataError, match="NotAuthorizedException") as told:
            connect("iceberg", "lake", {"type": "rest", "uri": server.uri, "token": "hush-wrong"}, events).children(())
        assert "hush" not in str(told.value)
        lake.close()


def test_a_hive_catalog_is_read(events: Path) -> None:
    from servers import hive

    with hive.serving(icebergs.catalog(events)) as uri:
        lake = connect("iceberg", "lake", {"type": "hive", "uri": uri}, events)
        assert [each.name for each in lake.children(())] == ["sales"]
        assert [each.name for each in lake.children(("sales",))] == ["Events"]
        table = lake.table(("sales", "events"))
        assert isinstance(table, IcebergTable)
        assert ids(table, "ts=latest") == [row[0] for row in ROWS if row[1].day == 3]
        assert table.describe().rows == 12
        with pytest.raises(DataError, match=r"`lake.sales` has no table `nope`"):
            lake.table(("sales", "nope"))
        lake.close()
    with pytest.raises(DataError, match=r"cannot be reached|cannot be read|refused"):
        connect("iceberg", "lake", {"type": "hive", "uri": uri}, events).children(())


# -- faults --------------------------------------------------------------------------------------------


def without_metadata(table: Native) -> None:
    icebergs.local(table.metadata_location).unlink()


def with_broken_metadata(table: Native) -> None:
    path = icebergs.local(table.metadata_location)
    path.write_text(path.read_text()[:200])


def without_manifest_list(table: Native) -> None:
    icebergs.local(table.current_snapshot().manifest_list).unlink()  # type: ignore[union-attr]


def with_broken_manifest(table: Native) -> None:
    (manifest, *_) = table.current_snapshot().manifests(table.io)  # type: ignore[union-attr]
    icebergs.local(manifest.manifest_path).write_bytes(b"Obj\x01 and no more")


def without_data(table: Native) -> None:
    (task, *_) = table.scan().plan_files()
    icebergs.local(task.file.file_path).unlink()


def with_truncated_data(table: Native) -> None:
    (task, *_) = table.scan().plan_files()
    path = icebergs.local(task.file.file_path)
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize(
    "break_it",
    [
        without_metadata,
        with_broken_metadata,
        without_manifest_list,
        with_broken_manifest,
        without_data,
        with_truncated_data,
    ],
)
@pytest.mark.parametrize("deleted", [False, True], ids=["in place", "by pyiceberg"])
def test_what_is_lost_or_broken_is_an_error_in_the_words_of_the_library(
    tmp_path: Path, break_it: Callable[[Native], None], deleted: bool
) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()))
    file = icebergs.put(table, id=[1, 2])
    if deleted:
        icebergs.delete_positions(table, file, [0])
    break_it(table)
    try:
        result = evaluated('RowCount > 0, IsComplete "id"', opened(tmp_path).table(("db", "t")))
    except DataError as error:
        told = [error.message]
    else:
        assert {str(each.verdict) for each in result.outcomes} == {"ERROR"}
        told = [each.reason for each in result.outcomes]
    assert all("cannot be read: " in words and "Traceback" not in words and "\n" not in words for words in told)


@pytest.mark.parametrize("deleted", [False, True], ids=["in place", "by pyiceberg"])
def test_a_file_that_vanishes_after_the_table_was_opened_is_an_error(tmp_path: Path, deleted: bool) -> None:
    _, table = made(tmp_path, NestedField(1, "id", LongType()))
    file = icebergs.put(table, id=[1, 2])
    if deleted:
        icebergs.delete_positions(table, file, [0])
    source = opened(tmp_path).table(("db", "t")).open(selection(), dq.ReadOptions())
    icebergs.local(file).unlink()
    result = dq.evaluate('Rules = [ IsComplete "id" ]', source)
    assert str(result.outcomes[0].verdict) == "ERROR"
    assert Path(file).name in result.outcomes[0].reason


def test_a_locked_database_is_an_error_after_a_bounded_time(tmp_path: Path) -> None:
    made(tmp_path, NestedField(1, "id", LongType()))[0].close()
    with contextlib.closing(sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DataError, match="the Iceberg catalog `lake` cannot be read: database is locked"):
            opened(tmp_path).children(())


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100], ids=["empty", "garbage"])
def test_what_is_no_catalog_database_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "catalog.db").write_bytes(content)
    with pytest.raises(DataError, match=r"the Iceberg catalog `lake` cannot be read: (no such table|file is not)"):
        opened(tmp_path).children(())


def test_a_server_that_is_down_is_an_error(tmp_path: Path) -> None:
    settings = {"type": "rest", "uri": "http://127.0.0.1:9/catalog?key=hush", "token": "hush"}
    with pytest.raises(DataError, match=r"the Iceberg catalog `lake` cannot be read: .*refused") as told:
        connect("iceberg", "lake", settings, tmp_path).children(())
    assert "hush" not in str(told.value)
