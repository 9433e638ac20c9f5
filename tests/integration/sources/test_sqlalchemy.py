"""Any database through SQLAlchemy: here SQLite and MariaDB."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from servers.mariadb import PASSWORD, shared

import dq
from dq.catalog.base import Catalog, NamedTable
from dq.catalog.kinds import connect
from dq.catalog.selection import Selection, selection
from dq.diagnostics import DataError, DqError
from dq.sources.options import ReadOptions

EVERYTHING = Selection()
SECRET = "hunter2"

TABLE = """CREATE TABLE t (id INTEGER, name VARCHAR(20), price DECIMAL(10,2), ratio DOUBLE, day DATE, at DATETIME,
    raw BLOB, huge DECIMAL(65,30))"""
ROWS = """INSERT INTO t VALUES (1, 'ünï', 1.10, 0.5, '2024-01-05', '2024-01-05 10:00:00', x'00ff', 1.5),
    (2, 'b', NULL, NULL, '2024-01-06', NULL, NULL, NULL), (3, NULL, 3, 1, '2024-01-06', NULL, NULL, NULL)"""


@pytest.fixture(params=["sqlite", "mysql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    if request.param == "sqlite":
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.executescript(
                f'{TABLE}; {ROWS}; CREATE VIEW v AS SELECT id FROM t; CREATE TABLE "odd ""one" ("a b" INTEGER);'
            )
        connection.close()
        url = f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        server = shared()
        server.run("DROP DATABASE IF EXISTS alchemy", "CREATE DATABASE alchemy")
        server.run(
            TABLE,
            ROWS,
            "CREATE VIEW v AS SELECT id FROM t",
            'CREATE TABLE `odd "one` (`a b` INTEGER)',
            database="alchemy",
        )
        url = server.url("alchemy").replace("mysql:", "mysql+pymysql:")
    made = connect("sqlalchemy", "shop", {"url": url}, tmp_path)
    yield made
    made.close()


def rows(catalog: Catalog, name: str, chosen: Selection = EVERYTHING) -> list[dict[str, Any]]:
    source: Any = catalog.table((name,)).open(chosen, ReadOptions())
    with source.read(source.schema.names) as reader:
        return list(reader.read_all().to_pylist())


def test_types_and_names(catalog: Catalog) -> None:
    assert [each.name for each in catalog.children(()) if each.is_table] == ['odd "one', "t", "v"]
    assert rows(catalog, "V") == [{"id": 1}, {"id": 2}, {"id": 3}]
    assert rows(catalog, 'odd "one') == []
    described = catalog.table(("t",)).describe()
    assert described.schema.names == ("id", "name", "price", "ratio", "day", "at", "raw", "huge")
    assert described.kind.endswith(" table")
    source: Any = catalog.table(("t",)).open(EVERYTHING, ReadOptions())
    assert ['"huge" is read as text' in note for note in source.notes] == [True]
    first = rows(catalog, "t")[0]
    assert Decimal(first.pop("huge")) == Decimal("1.5")
    assert first == {
        "id": 1,
        "name": "ünï",
        "price": Decimal("1.10"),
        "ratio": 0.5,
        "day": date(2024, 1, 5),
        "at": datetime(2024, 1, 5, 10),
        "raw": b"\x00\xff",
    }
    with pytest.raises(DataError, match="no table `tt`"):
        catalog.table(("tt",))


@pytest.mark.parametrize(
    ("text", "ids"),
    [("day=latest", [2, 3]), ("id=1..2", [1, 2]), ("name=b", [2]), ("day>=2024-01-06", [2, 3]), ("id=1,3", [1, 3]), ("price!=3", [1])],
)  # fmt: skip
def test_rows_are_chosen(catalog: Catalog, text: str, ids: list[int]) -> None:
    assert [row["id"] for row in rows(catalog, "t", selection([text]))] == ids


def test_what_cannot_be_chosen_is_said(catalog: Catalog) -> None:
    for chosen, words in (
        (selection(["id=9"]), "no row of"),
        (selection(["id=x"]), "no value"),
        (selection(snapshot="1"), "one version"),
    ):
        with pytest.raises(DqError, match=words):
            catalog.table(("t",)).open(chosen, ReadOptions())


def test_a_ruleset_over_a_table(catalog: Catalog) -> None:
    result = dq.evaluate(
        'Rules = [ RowCount = 3, Sum "price" = 4.1, IsComplete "name", ColumnValues "day" > "2024-01-04" ]',
        NamedTable("t", catalog.table(("t",))),
    )
    assert [str(each.verdict) for each in result.outcomes] == ["PASSED", "PASSED", "FAILED", "PASSED"]
    assert {each.evidence for each in result.outcomes} == {("duckdb",)}


def said(error: BaseException) -> str:
    shown = "".join(traceback.format_exception(error))
    assert PASSWORD not in shown
    assert SECRET not in shown
    return str(error)


def test_a_query_that_takes_too_long(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute(
            "CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS x FROM n"
        )
    connection.close()
    catalog = connect("sqlalchemy", "shop", {"url": f"sqlite:///{tmp_path / 'shop.db'}", "timeout": 0.3}, tmp_path)
    with pytest.raises(DataError, match=r"longer than 0\.3 s"):
        rows(catalog, "v")
    catalog.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "cannot be read"),
        (f"nosuch://dq:{SECRET}@host/db", "`nosuch` cannot be used"),
        (f"mysql+pymysql://dq:{SECRET}@127.0.0.1:1/db", "Can't connect"),
        (f"sqlite:////no/such/{SECRET[:0]}folder/x.db", "unable to open"),
    ],
)
def test_what_cannot_be_reached(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(DqError, match=words) as raised:
        connect("sqlalchemy", "shop", {"url": url}, tmp_path).children(())
    said(raised.value)


def test_a_wrong_password_is_shown_nowhere() -> None:
    url = shared().url(password=SECRET).replace("mysql:", "mysql+pymysql:")
    with pytest.raises(DataError, match="Access denied") as raised:
        connect("sqlalchemy", "shop", {"url": url}, Path()).children(())
    said(raised.value)
