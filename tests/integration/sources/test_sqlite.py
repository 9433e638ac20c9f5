"""SQLite files as catalogs: what their values become, and what is said when they cannot be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import dq
from dq.catalog.base import Catalog, NamedTable
from dq.catalog.kinds import connect
from dq.catalog.selection import Selection, selection
from dq.diagnostics import DataError, DqError
from dq.sources.options import ReadOptions

EVERYTHING = Selection()


class Shop:
    """A database file, written through a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer = sqlite3.connect(path, isolation_level=None)
        self.catalogs: list[Catalog] = []

    def make(self, sql: str) -> None:
        self.writer.executescript(sql)

    def catalog(self, **settings: Any) -> Catalog:
        self.catalogs.append(connect("sqlite", "shop", {"path": self.path.name, **settings}, self.path.parent))
        return self.catalogs[-1]

    def open(self, name: str, chosen: Selection = EVERYTHING, **settings: Any) -> Any:
        return self.catalog(**settings).table((name,)).open(chosen, ReadOptions())

    def rows(self, name: str, chosen: Selection = EVERYTHING) -> list[dict[str, Any]]:
        source = self.open(name, chosen)
        try:
            with source.read(source.schema.names) as reader:
                return list(reader.read_all().to_pylist())
        finally:
            source.close()

    def evaluate(self, rules: str, name: str, **settings: Any) -> dq.Evaluation:
        return dq.evaluate(f"Rules = [ {rules} ]", NamedTable(name, self.catalog(**settings).table((name,))))

    def close(self) -> None:
        self.writer.close()
        for each in self.catalogs:
            each.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(Shop(tmp_path / "shop.db")) as made:
        yield made


MOMENT = datetime(2024, 1, 5, 10, 0, 0, 500000)


@pytest.mark.parametrize(
    ("declared", "values", "kind", "read", "note"),
    [
        ("INTEGER", ["1", "-9223372036854775808"], "int64", [1, -(2**63)], ""),
        ("VARCHAR(20)", ["'a'", "5"], "string", ["a", "5"], ""),
        ("DOUBLE PRECISION", ["1", "2.5", "9e999"], "double", [1.0, 2.5, float("inf")], ""),
        ("DECIMAL(10,2)", ["1", "2.5"], "double", [1.0, 2.5], ""),
        ("DECIMAL(10,2)", ["1", "2"], "double", [1.0, 2.0], ""),
        ("NUMERIC", ["1", "2"], "int64", [1, 2], ""),
        ("NUMERIC", ["1", "2.5"], "double", [1.0, 2.5], ""),
        ("BLOB", ["x'00ff'"], "binary", [b"\x00\xff"], ""),
        ("", ["'a'"], "string", ["a"], ""),
        ("", ["1", "'a'"], "string", ["1", "a"], "it holds 1 integers and 1 texts"),
        ("BOOLEAN", ["1", "0", "NULL"], "bool", [True, False, None], ""),
        ("BOOLEAN", ["1", "2"], "int64", [1, 2], "read as INTEGER: it holds 2 integers, and not what BOOLEAN says"),
        ("DATE", ["'2024-01-05'", "NULL"], "date32[day]", [date(2024, 1, 5), None], ""),
        ("DATE", ["'2024-01-05'", "'2024-02-30'"], "string", ["2024-01-05", "2024-02-30"], "not what DATE says"),
        ("DATE", ["'2024-01-05'", "'0000-00-00'"], "string", ["2024-01-05", "0000-00-00"], "not what DATE says"),
        ("DATE", ["1704412800"], "int64", [1704412800], "not what DATE says"),
        ("DATETIME", ["'2024-01-05T10:00:00.5'"], "timestamp[us]", [MOMENT], ""),
        ("DATETIME", ["'2024-01-05'", "'2024-01-05 10:00'"], "timestamp[us]", [datetime(2024, 1, 5), datetime(2024, 1, 5, 10)], ""),
        ("DATETIME", ["'2024-01-05 24:00:00'"], "string", ["2024-01-05 24:00:00"], "not what DATETIME says"),
        ("DATETIME", ["'2024-01-05 10:00:00.5+02:00'"], "timestamp[us, tz=UTC]", [MOMENT.replace(hour=8, tzinfo=UTC)], ""),
        ("TIMESTAMP", ["1704412800.5"], "double", [1704412800.5], "not what TIMESTAMP says"),
        ("INTEGER", ["1", "'abc'"], "string", ["1", "abc"], "1 integers and 1 texts, and not what INTEGER says"),
        ("INTEGER", ["1", "1.5"], "double", [1.0, 1.5], "not what INTEGER says"),
        ("INTEGER", ["9007199254740993", "1.5"], "string", ["9007199254740993", "1.5"], "not what INTEGER says"),
        ("TEXT", ["'a'", "x'41'"], "string", ["a", "X'41'"], "1 texts and 1 BLOBs"),
        ("INTEGER", [], "int64", [], ""),
        ("", ["NULL"], "string", [None], ""),
    ],
)  # fmt: skip
def test_values_decide_what_a_column_is_read_as(
    shop: Shop, declared: str, values: list[str], kind: str, read: list[Any], note: str
) -> None:
    shop.make(f"CREATE TABLE t (c {declared});" + "".join(f"INSERT INTO t VALUES ({each});" for each in values))
    source = shop.open("t")
    assert str(source.schema.field("c").type) == kind
    assert [row["c"] for row in shop.rows("t")] == read
    assert source.rows == len(read)
    assert len(source.notes) == bool(note)
    assert note in "".join(source.notes)
    source.close()


def test_tables_views_and_odd_names(shop: Shop) -> None:
    shop.make(
        """CREATE TABLE "odd ""table" ("a ""b" INTEGER, "select" TEXT, "é" INTEGER, g INTEGER AS (1 + 1));
        INSERT INTO "odd ""table" VALUES (1, 'x', 2);
        CREATE TABLE keyed (k TEXT PRIMARY KEY, v INTEGER) WITHOUT ROWID;
        CREATE TABLE strict_one (k INTEGER, a ANY) STRICT;
        CREATE VIEW seen AS SELECT "a ""b" + 1 AS more FROM "odd ""table";"""
    )
    catalog = shop.catalog()
    assert [(each.name, each.is_table) for each in catalog.children(())] == [
        ("keyed", True),
        ('odd "table', True),
        ("seen", True),
        ("strict_one", True),
    ]
    assert shop.rows('odd "table') == [{'a "b': 1, "select": "x", "é": 2, "g": 2}]
    assert shop.rows("SEEN") == [{"more": 2}]
    described = catalog.table(("seen",)).describe()
    assert (described.kind, described.rows, described.schema.names) == ("SQLite view", 1, ("more",))
    with pytest.raises(DataError, match="has no table `sene`") as raised:
        catalog.table(("sene",))
    assert raised.value.help == "did you mean `seen`?"


def test_a_ruleset_over_a_table(shop: Shop) -> None:
    shop.make("CREATE TABLE t (id INTEGER, s TEXT COLLATE NOCASE); INSERT INTO t VALUES (1, 'a'), (2, 'A'), (3, NULL);")
    result = shop.evaluate('RowCount = 3, IsUnique "id", Completeness "s" > 0.6, ColumnValues "s" in ["a"]', "t")
    assert [str(each.verdict) for each in result.outcomes] == ["PASSED", "PASSED", "PASSED", "FAILED"]
    assert result.tables[0].description == "t: SQLite table t"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("day=2024-01-06", [2]),
        ("day=latest", [3, 4]),
        ("day>=2024-01-06", [2, 3, 4]),
        ("day!=2024-01-05", [2, 3, 4]),
        ("id=2..3", [2, 3]),
        ("name=a,b", [1, 2]),
        ("name=latest", [3]),
        ("at<2024-01-05T10:00:00.25", [1]),
        ("zoned=2024-01-05T08:00:00Z", [1]),
        ("zoned>2024-01-05T08:00:00Z", [2]),
        ("price=0.1", [1]),
        ("flag=true", [1]),
        ("mixed=5", [1]),
    ],
)
def test_rows_are_chosen_by_values_of_the_type_of_the_column(shop: Shop, text: str, ids: list[int]) -> None:
    shop.make(
        """CREATE TABLE t (id INTEGER, day DATE, name TEXT COLLATE NOCASE, at DATETIME, zoned TIMESTAMP, price NUMERIC,
                           flag BOOLEAN, mixed);
        INSERT INTO t VALUES (1, '2024-01-05', 'a', '2024-01-05', '2024-01-05 10:00:00+02:00', 0.1, 1, '5');
        INSERT INTO t VALUES (2, '2024-01-06', 'b', '2024-01-05T10:00:00.5', '2024-01-05 08:00:00.1Z', 1, 0, 'x');
        INSERT INTO t VALUES (3, '2024-01-07', 'c', NULL, NULL, NULL, NULL, NULL);
        INSERT INTO t VALUES (4, '2024-01-07', 'B', NULL, NULL, NULL, NULL, NULL);"""
    )
    assert [row["id"] for row in shop.rows("t", selection([text]))] == ids


def test_no_row_at_all_is_an_error(shop: Shop) -> None:
    shop.make("CREATE TABLE t (name VARCHAR(9))")
    shop.make("INSERT INTO t VALUES ('a')")
    with pytest.raises(DataError, match=r"no row of .* meets name=b'\\"):
        shop.open("t", selection(["name=b'\\"]))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (selection(["day=yesterday"]), "`yesterday` is no value of the column `day`"),
        (selection(["dya=2024-01-01"]), "no column `dya`"),
        (selection(["raw=1"]), "rows cannot be chosen by the column `raw`"),
        (selection(snapshot="1"), "have one version"),
        (selection(as_of="2024-01-01"), "have one version"),
    ],
)
def test_what_cannot_be_chosen_is_said(shop: Shop, chosen: Selection, words: str) -> None:
    shop.make("CREATE TABLE t (day DATE, raw BLOB); INSERT INTO t VALUES ('2024-01-05', x'00');")
    with pytest.raises(DqError, match=words):
        shop.open("t", chosen)


def test_the_tables_of_a_run_are_read_as_they_were_together(shop: Shop) -> None:
    shop.make("PRAGMA journal_mode = WAL; CREATE TABLE a (x INTEGER); CREATE TABLE b (x INTEGER);")
    shop.make("INSERT INTO a VALUES (1); INSERT INTO b VALUES (1);")
    catalog = shop.catalog()
    first = catalog.table(("a",)).open(EVERYTHING, ReadOptions())
    shop.make("INSERT INTO a VALUES (2); INSERT INTO b VALUES (2);")
    second = catalog.table(("b",)).open(EVERYTHING, ReadOptions())
    for each in (first, second):
        with each.read(["x"]) as reader:
            assert reader.read_all().to_pylist() == [{"x": 1}]
    first.close()
    second.close()
    with pytest.raises(DataError, match="has been changed since it was opened"), first.read(["x"]):
        pass
    first.close()


def test_a_writer_in_the_middle_does_not_keep_a_reader_of_a_log_out(shop: Shop) -> None:
    shop.make("PRAGMA journal_mode = WAL; CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1); BEGIN IMMEDIATE;")
    shop.writer.execute("INSERT INTO a VALUES (2)")
    assert shop.rows("a") == [{"x": 1}]


def test_a_locked_file_is_an_error_after_a_while(shop: Shop) -> None:
    shop.make("CREATE TABLE a (x INTEGER); BEGIN EXCLUSIVE;")
    with pytest.raises(DataError, match="database is locked") as raised:
        shop.open("a", timeout=0.2)
    assert "another process writes" in raised.value.help


def test_nothing_is_written(shop: Shop) -> None:
    shop.make("CREATE TABLE t (c INTEGER); INSERT INTO t VALUES (1);")
    shop.writer.close()
    before = (shop.path.read_bytes(), shop.path.stat().st_mtime_ns)
    assert shop.evaluate('IsComplete "c"', "t").passed
    assert (shop.path.read_bytes(), shop.path.stat().st_mtime_ns) == before
    assert [each.name for each in shop.path.parent.iterdir()] == ["shop.db"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no file"),
        (b"id,name\n1,a\n" * 100, "file is not a database"),
        (bytes(range(256)) * 16, "file is not a database"),
    ],
    ids=["missing", "csv", "encrypted"],
)
def test_what_is_no_database_is_an_error(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "other.db"
    if content is not None:
        path.write_bytes(content)
    catalog = connect("sqlite", "other", {"path": "other.db"}, tmp_path)
    with pytest.raises(DataError, match=words):
        catalog.children(())
    assert path.exists() == (content is not None)


def test_a_damaged_file_is_an_error_and_no_verdict(shop: Shop) -> None:
    shop.make("CREATE TABLE t (c TEXT);")
    shop.writer.execute("BEGIN")
    shop.writer.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 1000)
    shop.writer.execute("COMMIT")
    shop.writer.close()
    content = bytearray(shop.path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = b"\xff" * 8192
    shop.path.write_bytes(content)
    with pytest.raises(DataError, match="malformed"):
        shop.evaluate("RowCount > 0", "t")


def test_text_that_is_no_utf_8_is_an_error_of_the_rules_that_read_it(shop: Shop) -> None:
    shop.make("CREATE TABLE t (id INTEGER, c TEXT); INSERT INTO t VALUES (1, CAST(x'ff' AS TEXT));")
    result = shop.evaluate('ColumnLength "c" = 1, RowCount = 1', "t", pushdown=False)
    assert {str(each.verdict) for each in result.outcomes} == {"ERROR"}
    assert "UTF-8" in result.outcomes[0].reason


def test_a_view_that_does_not_end_runs_into_the_limit(shop: Shop) -> None:
    shop.make("CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n;")
    with pytest.raises(DataError, match=r"longer than 0\.3 s"):
        shop.open("v", timeout=0.3)


def test_a_view_over_a_table_that_is_gone_is_an_error(shop: Shop) -> None:
    shop.make("CREATE TABLE t (c INTEGER); CREATE VIEW v AS SELECT c FROM t; DROP TABLE t;")
    with pytest.raises(DataError, match=r"no such table: main\.t"):
        shop.open("v")


def test_no_time_at_all_is_a_mistake(shop: Shop) -> None:
    with pytest.raises(DqError, match="`timeout` cannot be 0"):
        shop.catalog(timeout=0)
