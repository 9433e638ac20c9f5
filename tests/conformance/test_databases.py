"""Every case of our own on tables of SQLite and MariaDB: what the database answers, and what is fetched.

A database that cannot hold some values, such as MariaDB a NaN, holds the table without their columns; the embedded
engine over that same table says then what is right.
"""

from __future__ import annotations

import itertools
import math
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from examples import MADE
from own_cases import tables_of
from servers.mariadb import shared
from test_cases import Run, difference, files, options, ruleset, runs, said

import dq
from dq.catalog.base import Catalog, NamedTable
from dq.catalog.kinds import connect
from dq.databases.answering import SqlDatabase

Values = list[Any]


class Sqlite:
    """Tables in a file."""

    def __init__(self, stack: ExitStack) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.writer = sqlite3.connect(self.folder / "cases.db", isolation_level=None)
        stack.callback(self.writer.close)
        self.names = map("t{}".format, itertools.count())
        self.stored: dict[str, str] = {}

    def held(self, kind: pa.DataType, values: Values) -> pa.DataType | None:
        """What a column becomes; None for one that cannot be stored."""
        if pa.types.is_integer(kind):
            return pa.int64()
        if pa.types.is_floating(kind):
            negative_zero = any(each == 0 and math.copysign(1, each) < 0 for each in values if each is not None)
            return None if any(map(_is_nan, values)) or negative_zero else pa.float64()
        return None if pa.types.is_decimal(kind) or _has_no_type(kind) else kind

    def named(self, name: str) -> bool:
        """Whether a column can have a name."""
        return True

    def declared(self, kind: pa.DataType) -> str:
        if pa.types.is_timestamp(kind):
            return "TIMESTAMPTZ" if kind.tz else "DATETIME"
        return {
            pa.int64(): "INTEGER",
            pa.float64(): "REAL",
            pa.bool_(): "BOOLEAN",
            pa.date32(): "DATE",
            pa.binary(): "BLOB",
        }.get(kind, "TEXT")

    def store(self, table: pa.Table) -> str:
        key = repr((table.schema, table.to_pylist()))
        if key not in self.stored:
            self.stored[key] = name = next(self.names)
            columns = ", ".join(f"{_quoted(each.name)} {self.declared(each.type)}" for each in table.schema)
            self.writer.execute(f"CREATE TABLE {name} ({columns})")
            places = ", ".join("?" * table.num_columns)
            rows = [tuple(map(_plain, row.values())) for row in table.to_pylist()]
            self.writer.executemany(f"INSERT INTO {name} VALUES ({places})", rows)
        return self.stored[key]

    def catalog(self, pushdown: bool) -> Catalog:
        return connect("sqlite", "cases", {"path": "cases.db", "pushdown": pushdown}, self.folder)


class Mariadb:
    """Tables on a server."""

    def __init__(self, stack: ExitStack) -> None:
        self.server = shared()
        self.server.run("DROP DATABASE IF EXISTS cases", "CREATE DATABASE cases COLLATE utf8mb4_general_ci")
        self.connection = stack.enter_context(self.server.connect("cases"))
        self.names = map("t{}".format, itertools.count())
        self.stored: dict[str, str] = {}

    def held(self, kind: pa.DataType, values: Values) -> pa.DataType | None:
        present = [each for each in values if each is not None]
        if pa.types.is_floating(kind):
            return None if not all(map(math.isfinite, present)) else kind
        if pa.types.is_timestamp(kind) and kind.tz:
            inside = all(datetime(1971, 1, 1, tzinfo=UTC) < each < datetime(2037, 1, 1, tzinfo=UTC) for each in present)
            return kind if inside else None
        return None if _has_no_type(kind) else kind

    def named(self, name: str) -> bool:
        return len(name) <= 64 and max(map(ord, name)) < 0x10000

    def declared(self, kind: pa.DataType) -> str:
        if pa.types.is_decimal(kind):
            return f"DECIMAL({kind.precision},{kind.scale})"
        if pa.types.is_timestamp(kind):
            return "TIMESTAMP(6) NULL" if kind.tz else "DATETIME(6)"
        return {
            pa.int32(): "INT", pa.int64(): "BIGINT", pa.float32(): "FLOAT", pa.float64(): "DOUBLE", pa.bool_(): "BIT(1)",
            pa.date32(): "DATE", pa.binary(): "LONGBLOB",
        }.get(kind, "LONGTEXT")  # fmt: skip

    def store(self, table: pa.Table) -> str:
        key = repr((table.schema, table.to_pylist()))
        if key not in self.stored:
            self.stored[key] = name = next(self.names)
            columns = ", ".join(f"`{each.name.replace('`', '``')}` {self.declared(each.type)}" for each in table.schema)
            with self.connection.cursor() as cursor:
                cursor.execute(f"CREATE TABLE {name} ({columns})")
                places = ", ".join(["%s"] * table.num_columns)
                rows = [tuple(row.values()) for row in table.to_pylist()]
                if rows:
                    cursor.execute("SET time_zone = '+00:00'")
                    cursor.executemany(f"INSERT INTO {name} VALUES ({places})", rows)
        return self.stored[key]

    def catalog(self, pushdown: bool) -> Catalog:
        return connect("mysql", "cases", {"url": self.server.url("cases"), "pushdown": pushdown}, Path.cwd())


def _has_no_type(kind: pa.DataType) -> bool:
    """Whether what a database makes of a type is another one: a time of day may be days there."""
    return bool(pa.types.is_nested(kind) or pa.types.is_time(kind))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


Store = Sqlite | Mariadb
STORES: dict[str, Callable[[ExitStack], Store]] = {"sqlite": Sqlite, "mariadb": Mariadb}


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with ExitStack() as stack:
        yield STORES[request.param](stack)


def stored(store: Store, table: pa.Table) -> pa.Table:
    """The table as the database can hold it."""
    for field in table.schema:
        at = table.schema.get_field_index(field.name)
        kind = store.held(field.type, table.column(at).to_pylist())
        if kind is None or "\0" in field.name or not field.name.strip() or not store.named(field.name):
            table = table.remove_column(at)
        elif kind != field.type:
            table = table.set_column(at, field.name, table.column(at).cast(kind))
    return table


ON_TABLES = [each for each in runs() if each.cases[0].group.data and any(one.case.judged for one in each.cases)]


@pytest.mark.slow
@pytest.mark.parametrize("run", ON_TABLES, ids=lambda run: run.name)
def test_the_cases_hold(store: Store, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    file, group, _ = run.cases[0]
    judged = [each for each in run.cases if each.case.judged]
    whole = {alias: table.arrow() for alias, table in tables_of(file, group).items()}
    tables = {alias: stored(store, table) for alias, table in whole.items()}
    if not all(table.num_columns for table in tables.values()):
        pytest.skip("no column of a table can be stored")
    text = ruleset(*(each.case for each in judged))
    right = None if tables == whole else evaluated(text, tables, file, group)
    names = {alias: store.store(table) for alias, table in tables.items()}
    for pushdown in (True, False) if run.name in FETCHED_TOO else (True,):  # the rows below are fetched in any case
        answers: list[None] = []
        with opened(store, names, pushdown) as data, monkeypatch.context() as patch:
            patch.setattr(SqlDatabase, "answer", counted(SqlDatabase.answer, answers))
            found = evaluated(text, data, file, group)
        evaluation, rows = found
        MADE[f"scans answered by {type(store).__name__}"] += len(answers)
        MADE[f"scans over {type(store).__name__}"] += evaluation.scans if pushdown else 0
        assert pushdown or not answers
        if right is not None:
            assert judgements(*found) == judgements(*right)
            continue
        told = [
            (case.rule, words)
            for (file, group, case), outcome in zip(judged, evaluation.outcomes, strict=True)
            if not case.xfail
            and (words := difference(file, group, case, outcome, [row[str(outcome.rule)] for row in rows]))
        ]
        assert not told, "answered" if pushdown else "fetched"


FETCHED_TOO = frozenset({"orders", "kinds", "nans", "orders customers"})
"""Runs that are evaluated without the help of the database as well."""


def evaluated(text: str, data: Any, file: Any, group: Any) -> tuple[dq.Evaluation, list[dict[str, str]]]:
    with files(file, group):
        evaluation = dq.evaluate(text, data, options=options(group))
        return evaluation, list(said(evaluation.rows().read_all().to_pylist()))


def judgements(evaluation: dq.Evaluation, rows: list[dict[str, str]]) -> list[Any]:
    """Of each rule its verdict, metrics, failing rows, and what it says of each row."""
    return [
        (
            str(each.rule),
            each.verdict.value,
            each.reason if each.verdict.value == "ERROR" else "",
            {name: pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True) for name, value in each.metrics.items()},
            each.failing.count if each.failing else 0,
            [row[str(each.rule)] for row in rows],
        )
        for each in evaluation.outcomes
    ]


@contextmanager
def opened(store: Store, names: dict[str, str], pushdown: bool) -> Iterator[dict[str, NamedTable]]:
    catalog = store.catalog(pushdown)
    try:
        yield {alias: NamedTable(alias, catalog.table((name,))) for alias, name in names.items()}
    finally:
        catalog.close()


def counted(answer: Any, answers: list[None]) -> Any:
    def ask(self: SqlDatabase, *arguments: Any) -> Any:
        rows = answer(self, *arguments)
        answers.append(None)
        return rows

    return ask
