"""Delta tables: partitions, versions, column mapping, deletion vectors, features, types, faults, and data on S3."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable as Native
from deltalake import write_deltalake
from servers import aws

import dq
from dq.catalog.base import NamedTable
from dq.catalog.delta import DeltaCatalog, DeltaTable
from dq.catalog.kinds import connect
from dq.catalog.selection import selection
from dq.diagnostics import DataError, DqError
from dq.outcomes import Evaluation


def opened(folder: Path) -> DeltaCatalog:
    catalog = connect("delta", "lake", {"path": str(folder)}, folder)
    assert isinstance(catalog, DeltaCatalog)
    return catalog


def evaluated(rules: str, table: DeltaTable, *partitions: str, **version: Any) -> Evaluation:
    return dq.evaluate(f"Rules = [ {rules} ]", NamedTable("t", table, selection(partitions, **version)))


def rows_of(table: DeltaTable, *partitions: str, **version: Any) -> list[dict[str, Any]]:
    """The rows that a selection gives, without what a rule says of them."""
    read = evaluated("RowCount >= 0", table, *partitions, **version).rows().read_all()
    return [{name: value for name, value in row.items() if "DataQuality" not in name} for row in read.to_pylist()]


def ids(table: DeltaTable, *partitions: str, **version: Any) -> list[int]:
    return sorted(row["id"] for row in rows_of(table, *partitions, **version))


# -- partitions ----------------------------------------------------------------------------------------

ROWS = [
    {
        "id": number,
        "day": date(2026, 11, 1 + number % 3),
        "country": (None, "DE", "it's")[number % 3],
        "hour": number // 3,
    }
    for number in range(12)
]

FILTERS: list[tuple[tuple[str, ...], Callable[[Any], bool]]] = [
    (("day=2026-11-01",), lambda row: row["day"].day == 1),
    (("day!=2026-11-01",), lambda row: row["day"].day != 1),
    (("day>2026-11-01",), lambda row: row["day"].day > 1),
    (("day<=2026-11-02",), lambda row: row["day"].day <= 2),
    (("day=2026-11",), lambda row: True),
    (("day=2026-11-02..2026-11-03", "HOUR<2"), lambda row: row["day"].day > 1 and row["hour"] < 2),
    (("day=latest",), lambda row: row["day"].day == 3),
    (("hour=latest", "country=DE"), lambda row: row["country"] == "DE" and row["hour"] == 3),
    (("country=latest",), lambda row: row["country"] == "it's"),
    (("country=it's",), lambda row: row["country"] == "it's"),
    (("country!=DE",), lambda row: row["country"] == "it's"),
    (("country=DE,it's",), lambda row: row["country"] is not None),
    (("hour>=2",), lambda row: row["hour"] >= 2),
]


def partitioned(folder: Path, *, mapped: bool) -> DeltaCatalog:
    data = pa.Table.from_pylist(ROWS)
    write_deltalake(folder / "sales" / "Events", data, partition_by=["day", "country", "hour"])
    if mapped:
        deltas.mapped(folder / "sales" / "Events")
    return opened(folder)


@pytest.fixture(scope="module", params=[False, True], ids=["in place", "by deltalake"])
def events(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DeltaCatalog:
    return partitioned(tmp_path_factory.mktemp("delta"), mapped=request.param)


@pytest.mark.parametrize(("filters", "meets"), FILTERS, ids=[" ".join(each) for each, _ in FILTERS])
def test_a_filter_leaves_exactly_the_rows_that_meet_it(
    events: DeltaCatalog, filters: tuple[str, ...], meets: Callable[[Any], bool]
) -> None:
    assert ids(events.table(("sales", "Events")), *filters) == [row["id"] for row in ROWS if meets(row)]


@pytest.mark.parametrize("mapped", [False, True], ids=["in place", "by deltalake"])
@pytest.mark.parametrize("filters", [("day=2026-11-02",), ("country=DE", "hour=latest"), ("day=latest",)])
def test_files_of_other_partitions_are_not_read(tmp_path: Path, filters: tuple[str, ...], mapped: bool) -> None:
    table = partitioned(tmp_path, mapped=mapped).table(("sales", "Events"))
    wanted = ids(table, *filters)
    others = [
        path
        for path in tmp_path.rglob("*.parquet")
        if not set(pq.ParquetFile(path).read()["id"].to_pylist()) & set(wanted)
    ]
    assert len(others) > 5
    for path in others:
        path.unlink()
    assert ids(table, *filters) == wanted


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("id=1", "`lake.sales.Events` has no partition column `id`"),
        ("day=2027", "has no partition with day=2027"),
        ("day=x", "`day` is date32[day]: `x` is no date or instant"),
        ("hour=x", "`hour` is int64: `x` is no whole number"),
    ],
)
def test_a_filter_that_cannot_be_met_is_an_error(events: DeltaCatalog, wanted: str, words: str) -> None:
    with pytest.raises(DqError) as told:
        ids(events.table(("sales", "Events")), wanted)
    assert words in told.value.message


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        (pa.timestamp("us"), [datetime(2026, 11, 1, 5), datetime(2026, 11, 2)], "key=2026-11-01"),
        (
            pa.timestamp("us", "UTC"),
            [datetime(2026, 11, 1, 5, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)],
            "key<2026-11-01T06:00",
        ),
        (pa.decimal128(9, 2), [Decimal("1.50"), Decimal("10.00")], "key=1.5"),
        (pa.bool_(), [True, False], "key=TRUE"),
        (pa.float64(), [0.5, 7.0], "key<=0.5"),
    ],
    ids=str,
)
@pytest.mark.parametrize("mapped", [False, True], ids=["in place", "by deltalake"])
def test_partition_columns_of_each_type_are_compared_in_it(
    tmp_path: Path, kind: pa.DataType, values: list[Any], wanted: str, mapped: bool
) -> None:
    data = pa.table({"id": [1, 2], "key": pa.array(values, kind)})
    write_deltalake(tmp_path / "t", data, partition_by=["key"])
    if mapped:
        deltas.mapped(tmp_path / "t")
    table = opened(tmp_path).table(("t",))
    assert ids(table, wanted) == [1]
    assert ids(table, "key=latest") == [1 + (max(values) == values[1])]


@pytest.mark.parametrize("mapped", [False, True], ids=["in place", "by deltalake"])
def test_a_nan_is_no_greatest_partition(tmp_path: Path, mapped: bool) -> None:
    data = pa.table({"id": [1, 2, 3], "key": [1.0, float("nan"), None]})
    write_deltalake(tmp_path / "t", data, partition_by=["key"])
    if mapped:
        deltas.mapped(tmp_path / "t")
    table = opened(tmp_path).table(("t",))
    assert [ids(table, wanted) for wanted in ("key>0", "key>=1", "key=latest", "key!=1")] == [[1], [1], [1], [2]]
    with pytest.raises(DqError, match="`nan` is no number"):
        ids(table, "key=nan")


def test_paths_are_found_as_the_log_writes_them(tmp_path: Path) -> None:
    data = pa.table({"id": [1, 2]})
    write_deltalake(tmp_path / "t", data.append_column("key", pa.array(["a b/c%20", "ü=ö"])), partition_by=["key"])
    assert ids(opened(tmp_path).table(("t",)), "key=a b/c%20") == [1]


# -- versions ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three versions, the second a day after the first."""
    folder = tmp_path_factory.mktemp("history")
    start = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)
    for version in range(3):
        added = deltas.add(folder / "t", f"{version}.parquet", pa.table({"id": [version]}))
        made = {
            "commitInfo": {"timestamp": start + version * 86_400_000, "operation": "WRITE", "operationParameters": {}}
        }
        if version:
            deltas.commit(folder / "t", version, made, added)
        else:
            deltas.create(folder / "t", [deltas.field("id", "long")], made, added)
    return folder


def test_a_version_is_chosen_by_number_and_time(history: Path) -> None:
    table = opened(history).table(("t",))
    assert ids(table) == [0, 1, 2]
    assert ids(table, snapshot="0") == [0]
    assert ids(table, as_of="2026-11-01") == [0]
    assert ids(table, as_of="2026-11-02T23:59:59.999") == [0, 1]
    assert ids(table, as_of="2026-11-03T02:00+02:00") == [0, 1, 2]
    assert table.describe().versions == (
        ("2", "2026-11-03 00:00:00.000+00:00"),
        ("1", "2026-11-02 00:00:00.000+00:00"),
        ("0", "2026-11-01 00:00:00.000+00:00"),
    )


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ({"snapshot": "3"}, "has no version 3\nhelp: the newest is 2"),
        ({"snapshot": "release"}, "`release` is no version of a Delta table"),
        (
            {"as_of": "2026-10-31"},
            "has no version as old as 2026-10-31 00:00:00.000+00:00\nhelp: the oldest that the log tells of is 0",
        ),
    ],
)
def test_a_version_that_is_not_there_is_an_error(history: Path, version: dict[str, str], words: str) -> None:
    with pytest.raises(DataError) as told:
        ids(opened(history).table(("t",)), **version)
    assert words in str(told.value)


def test_a_version_whose_log_was_cleaned_up_is_an_error(history: Path, tmp_path: Path) -> None:
    shutil.copytree(history / "t", tmp_path / "t")
    Native(tmp_path / "t").create_checkpoint()
    for version in (0, 1):
        (tmp_path / f"t/_delta_log/{version:020}.json").unlink()
    table = opened(tmp_path).table(("t",))
    assert ids(table) == [0, 1, 2]
    with pytest.raises(DataError, match="has no version 0 any more"):
        ids(table, snapshot="0")
    assert ids(table, as_of="2026-11-03") == [0, 1, 2]
    with pytest.raises(DataError, match="has no version as old as"):
        ids(table, as_of="2026-11-02")


def test_a_log_that_does_not_say_when_answers_no_question_about_time(history: Path, tmp_path: Path) -> None:
    shutil.copytree(history / "t", tmp_path / "t")
    log = tmp_path / f"t/_delta_log/{1:020}.json"
    log.write_text("\n".join(line for line in log.read_text().splitlines() if "commitInfo" not in line))
    with pytest.raises(DataError, match="does not tell when version 1 was made"):
        ids(opened(tmp_path).table(("t",)), as_of="2026-11-02")


def test_a_table_without_rows_is_judged_as_an_empty_one(tmp_path: Path) -> None:
    deltas.create(tmp_path / "t", [deltas.field("id", "long")])
    result = evaluated('RowCount = 0, IsComplete "id"', opened(tmp_path).table(("t",)))
    assert [str(each.verdict) for each in result.outcomes] == ["PASSED", "FAILED"]
    assert result.tables[0].notes == ("the table has no rows",)


# -- schemas -------------------------------------------------------------------------------------------


def test_columns_that_were_added_are_null_in_older_files(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", pa.table({"id": [1]}))
    write_deltalake(tmp_path / "t", pa.table({"id": [2], "more": ["m"]}), mode="append", schema_mode="merge")
    rows = sorted(rows_of(opened(tmp_path).table(("t",))), key=lambda row: row["id"])
    assert rows == [{"id": 1, "more": None}, {"id": 2, "more": "m"}]
    assert rows_of(opened(tmp_path).table(("t",)), snapshot="0") == [{"id": 1}]


NESTED = {"type": "struct", "fields": [deltas.field("x", "integer", 4, "c4")]}
MAPPED = [deltas.field("id", "long", 1, "c1"), deltas.field("day", "date", 2, "c2"), deltas.field("s", NESTED, 3, "c3")]


def numbered(name: str, kind: Any, number: int) -> pa.Field:
    return pa.field(name, kind, metadata={"PARQUET:field_id": str(number)})


def mapped_rows(names: Sequence[str]) -> pa.Table:
    one, three, four = names
    nested = pa.struct([numbered(four, pa.int32(), 4)])
    schema = pa.schema([numbered(one, pa.int64(), 1), numbered(three, nested, 3)])
    return pa.table({one: [1, 2], three: [{four: 10}, None]}, schema=schema)


@pytest.mark.parametrize("protocol", [{"minReaderVersion": 2, "minWriterVersion": 5}, deltas.features("columnMapping")])
@pytest.mark.parametrize("mode", ["name", "id"])
def test_mapped_columns_have_their_names_of_today(tmp_path: Path, mode: str, protocol: dict[str, Any]) -> None:
    folder = tmp_path / "t"
    options: dict[str, Any] = {
        "protocol": protocol,
        "configuration": {"delta.columnMapping.mode": mode, "delta.columnMapping.maxColumnId": "4"},
        "partitions": ["day"],
    }
    files = [
        deltas.add(folder, f"{day}.parquet", mapped_rows(("c1", "c3", "c4")), partition={"c2": f"2026-11-0{day}"})
        for day in (1, 2)
    ]
    deltas.create(folder, MAPPED, *files, **options)
    table = opened(tmp_path).table(("t",))
    first = [{"id": number, "day": date(2026, 11, 1), "s": s} for number, s in ((1, {"x": 10}), (2, None))]
    assert rows_of(table, "day=2026-11-01") == first
    assert ids(table) == [1, 1, 2, 2]
    assert evaluated('Completeness "day" = 1', table).passed
    assert table.describe().rows == 4


def test_columns_mapped_by_number_whose_names_do_not_agree_are_an_error_and_never_nulls(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    deltas.create(
        folder,
        MAPPED,
        deltas.add(folder, "1.parquet", mapped_rows(("other", "c3", "c4")), partition={"c2": None}),
        protocol=deltas.features("columnMapping"),
        configuration={"delta.columnMapping.mode": "id", "delta.columnMapping.maxColumnId": "4"},
        partitions=["day"],
    )
    with pytest.raises(DataError, match=r"maps its columns by number, and `1.parquet` names them otherwise"):
        ids(opened(tmp_path).table(("t",)))


def test_rows_deleted_by_vectors_are_gone(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    deltas.create(
        folder,
        [deltas.field("id", "long")],
        deltas.add(folder, "1.parquet", pa.table({"id": [1, 2, 3, 4]}), deletionVector=deltas.vector([0, 2])),
        deltas.add(folder, "2.parquet", pa.table({"id": [5]})),
        protocol=deltas.features("deletionVectors"),
    )
    table = opened(tmp_path).table(("t",))
    assert ids(table) == [2, 4, 5]
    assert evaluated('RowCount = 3, Sum "id" = 11', table).passed
    assert table.describe().rows is None, "the statistics of a file count the rows that are deleted"


def test_a_deletion_vector_that_is_lost_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    lost = {
        "storageType": "p",
        "pathOrInlineDv": f"file://{folder}/lost.bin",
        "offset": 1,
        "sizeInBytes": 40,
        "cardinality": 1,
    }
    deltas.create(
        folder,
        [deltas.field("id", "long")],
        deltas.add(folder, "1.parquet", pa.table({"id": [1, 2]}), deletionVector=lost),
        protocol=deltas.features("deletionVectors"),
    )
    result = evaluated('RowCount > 0, IsComplete "id"', opened(tmp_path).table(("t",)))
    assert {str(each.verdict) for each in result.outcomes} == {"ERROR"}
    assert all(
        "`lake.t`, version 0 cannot be read" in each.reason and "lost.bin" in each.reason for each in result.outcomes
    )


@pytest.mark.parametrize("feature", ["timestampNtz", "v2Checkpoint"])
def test_features_that_are_known_are_read(tmp_path: Path, feature: str) -> None:
    folder = tmp_path / "t"
    added = deltas.add(folder, "1.parquet", pa.table({"id": [1, 2]}))
    deltas.create(folder, [deltas.field("id", "long")], added, protocol=deltas.features(feature))
    assert ids(opened(tmp_path).table(("t",))) == [1, 2]


@pytest.mark.parametrize("feature", ["typeWidening", "variantType", "vacuumProtocolCheck", "ofTomorrow"])
def test_features_that_are_not_known_are_an_error_that_names_them(tmp_path: Path, feature: str) -> None:
    folder = tmp_path / "t"
    added = deltas.add(folder, "1.parquet", pa.table({"id": [1, 2]}))
    deltas.create(folder, [deltas.field("id", "long")], added, protocol=deltas.features(feature))
    for question in (lambda table: table.describe(), ids):
        with pytest.raises(DataError, match=feature):
            question(opened(tmp_path).table(("t",)))


def test_rows_without_statistics_are_counted_by_reading(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    added = deltas.add(folder, "1.parquet", pa.table({"id": [1, 2]}), counted=False)
    deltas.create(folder, [deltas.field("id", "long")], added)
    table = opened(tmp_path).table(("t",))
    assert table.describe().rows is None
    assert evaluated("RowCount = 2", table).passed


TYPES = {
    "tiny": (pa.int8(), "TINYINT", 5),
    "decimal": (pa.decimal128(38, 4), "DECIMAL(38,4)", Decimal("1.2345")),
    "day": (pa.date32(), "DATE", date(2026, 1, 2)),
    "at": (pa.timestamp("us"), "TIMESTAMP", datetime(2026, 1, 2, 3, 4, 5, 6)),
    "zoned": (pa.timestamp("us", "UTC"), "TIMESTAMP WITH TIME ZONE", datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)),
    "binary": (pa.binary(), "BLOB", b"\0x"),
    "text": (pa.string(), "VARCHAR", "text of more than twelve bytes"),
    "flag": (pa.bool_(), "BOOLEAN", True),
    "single": (pa.float32(), "FLOAT", 0.5),
    "list": (pa.list_(pa.int32()), "INTEGER[]", [1, 2]),
    "map": (pa.map_(pa.string(), pa.int64()), "MAP(VARCHAR, BIGINT)", [("k", 1)]),
    "struct": (pa.struct([("x", pa.int32())]), "STRUCT(x INTEGER)", {"x": 1}),
}


@pytest.mark.parametrize("mapped", [False, True], ids=["in place", "by deltalake"])
def test_each_type_is_what_duckdb_makes_of_it(tmp_path: Path, mapped: bool) -> None:
    values = {name: value for name, (*_, value) in TYPES.items()}
    schema = pa.schema([(name, kind) for name, (kind, *_) in TYPES.items()])
    write_deltalake(tmp_path / "t", pa.Table.from_pylist([values, dict.fromkeys(values)], schema=schema))
    if mapped:
        deltas.mapped(tmp_path / "t")
    table = opened(tmp_path).table(("t",))
    assert [each.native for each in table.describe().schema] == [native for _, native, _ in TYPES.values()]
    assert rows_of(table) == [values, dict.fromkeys(values)]


@pytest.mark.parametrize("mapped", [False, True], ids=["in place", "by deltalake"])
def test_a_nan_is_no_small_number(tmp_path: Path, mapped: bool) -> None:
    write_deltalake(tmp_path / "t", pa.table({"p": ["a", "a"], "v": [1.0, float("nan")]}), partition_by=["p"])
    if mapped:
        deltas.mapped(tmp_path / "t")
    rules = 'ColumnValues "v" < 100, CustomSql "select count(*) from primary where v > 100" = 1, ColumnValues "v" > 0'
    for partitions in ((), ("p=a",)):
        result = evaluated(rules, opened(tmp_path).table(("t",)), *partitions)
        assert [str(each.verdict) for each in result.outcomes] == ["FAILED", "PASSED", "PASSED"]


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the system does not count the bytes that are read")
def test_only_the_columns_of_the_rules_and_the_selected_files_are_read(tmp_path: Path) -> None:
    rows = 40_000
    # multiplied by large primes, so that nothing compresses
    columns = {f"c{n}": [i * 2_654_435_761 * n % 2**61 for i in range(rows)] for n in range(2, 10)}
    for part in (1, 2):
        write_deltalake(
            tmp_path / "t", pa.table({"part": [part] * rows, **columns}), partition_by=["part"], mode="append"
        )
    whole = sum(path.stat().st_size for path in tmp_path.rglob("*.parquet"))
    table = opened(tmp_path).table(("t",))

    def cost(*partitions: str) -> float:
        before = int(Path("/proc/self/io").read_text().split()[1])
        assert evaluated('IsComplete "c2"', table, *partitions).passed
        return (int(Path("/proc/self/io").read_text().split()[1]) - before) / whole

    cost()  # what is loaded once
    assert cost() < 0.3
    assert cost("part=1") < 0.17


# -- the catalog ---------------------------------------------------------------------------------------


def test_folders_are_a_tree_and_those_with_a_log_are_tables(tmp_path: Path) -> None:
    for path in ("sales/eu/Orders", "sales/eu/orders", "events"):
        write_deltalake(tmp_path / path, pa.table({"id": [1]}))
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "file.txt").write_text("no folder")
    lake = opened(tmp_path)
    assert [(each.name, each.is_table) for each in lake.children(())] == [("events", True), ("sales", False)]
    assert [(each.name, each.is_table) for each in lake.children(("sales", "eu"))] == [
        ("Orders", True),
        ("orders", True),
    ]
    assert lake.children(("events",)) == []
    assert ids(lake.table(("SALES", "eu", "orders"))) == [1]
    for path, words in (
        (("sales", "eu", "ORDERS"), "`ORDERS` may be `Orders` or `orders` of `lake.sales.eu`"),
        (("sales", "eu", "order"), "`lake.sales.eu` has no table `order`"),
        (("sale", "eu"), "`lake` has no folder `sale`"),
        (("sales", "eu"), "/sales/eu` is no Delta table: it has no `_delta_log`"),
        (("sales", "..", "events"), "`..` is no name of a folder"),
        (("sales/eu", "orders"), "`sales/eu` is no name of a folder"),
        (("",), "`` is no name of a folder"),
    ):
        with pytest.raises(DataError) as told:
            lake.table(path)
        assert words in told.value.message
    with pytest.raises(DataError, match="there is no folder"):
        lake.children(("nope",))
    with pytest.raises(DataError, match="there is no folder"):
        opened(tmp_path / "nowhere").table(("t",))
    lake.close()
    lake.close()


def test_the_folder_itself_may_be_a_table(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "orders", pa.table({"id": [1]}))
    assert ids(opened(tmp_path / "orders").table(())) == [1]


def test_a_store_that_is_down_is_an_error_without_credentials(tmp_path: Path) -> None:
    settings = {"path": "s3://lakes/root", "endpoint": "http://127.0.0.1:9", **aws.KEYS}
    with pytest.raises(DataError, match="the Delta catalog `lake` cannot be read: ") as told:
        connect("delta", "lake", settings, tmp_path).children(())
    assert "hush" not in str(told.value)


# -- faults --------------------------------------------------------------------------------------------


def without_log(folder: Path) -> None:
    (folder / f"_delta_log/{0:020}.json").unlink()


def with_broken_log(folder: Path) -> None:
    path = folder / f"_delta_log/{0:020}.json"
    path.write_text(path.read_text()[:-40])


def without_data(folder: Path) -> None:
    next(iter(folder.glob("*.parquet"))).unlink()


def with_truncated_data(folder: Path) -> None:
    path = next(iter(folder.glob("*.parquet")))
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize("break_it", [without_log, with_broken_log, without_data, with_truncated_data])
@pytest.mark.parametrize("mapped", [False, True], ids=["in place", "by deltalake"])
def test_what_is_lost_or_broken_is_an_error(tmp_path: Path, break_it: Callable[[Path], None], mapped: bool) -> None:
    write_deltalake(tmp_path / "t", pa.table({"id": [1, 2]}))
    if mapped:
        deltas.mapped(tmp_path / "t")
    break_it(tmp_path / "t")
    try:
        result = evaluated('RowCount > 0, IsComplete "id"', opened(tmp_path).table(("t",)))
    except DataError as error:
        told = [error.message]
    else:
        assert str(result.outcomes[1].verdict) == "ERROR"
        told = [each.reason for each in result.outcomes if str(each.verdict) == "ERROR"]
    assert all("Traceback" not in words and "\n" not in words for words in told)
    assert all("t" in words for words in told)
