"""Every case of our own on tables of a PostgreSQL server: what the server answers, and what is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from examples import MADE
from own_cases import case_files, tables_of
from servers.postgres import Server, postgres
from test_cases import Run, difference, files, ruleset, runs, said

import dq
from dq.catalog.base import Catalog, NamedTable
from dq.catalog.kinds import connect
from dq.databases.answering import SqlDatabase

TYPES = {
    pa.bool_(): "boolean",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", "UTC"): "timestamptz",
    pa.list_(pa.int32()): "integer[]",
}


class UnstorableError(Exception):
    """What no table of PostgreSQL can be."""


class Shop:
    """The tables of the cases on a server, each stored once, as a catalog that answers and as one that does not."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._stored: dict[str, str] = {}
        settings = {"url": server.url()}
        self.answering = connect("postgres", "shop", settings, Path.cwd())
        self.fetching = connect("postgres", "shop", {**settings, "pushdown": False}, Path.cwd())

    def store(self, table: pa.Table) -> str:
        """The name under which it stands."""
        key = repr((table.schema, table.to_pylist()))
        if key not in self._stored:
            name = f"t{len(self._stored)}"
            self.server.run(*statements(name, table))
            self._stored[key] = name
        return self._stored[key]

    def open(self, tables: dict[str, pa.Table], catalog: Catalog) -> dict[str, NamedTable]:
        return {alias: NamedTable(alias, catalog.table((self.store(table),))) for alias, table in tables.items()}

    def close(self) -> None:
        self.answering.close()
        self.fetching.close()


def statements(name: str, table: pa.Table) -> Iterator[str]:
    """What makes a table of a server equal to one of memory."""
    columns = [f"{identifier(each.name)} {type_of(each.type)}" for each in table.schema]
    yield f"CREATE TABLE {name} ({', '.join(columns)})"
    rows = [
        ", ".join(
            f"{literal(value)}::{type_of(field.type)}" for value, field in zip(row.values(), table.schema, strict=True)
        )
        for row in table.to_pylist()
    ]
    if rows:
        yield f"INSERT INTO {name} VALUES {', '.join(f'({each})' for each in rows)}"


def type_of(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    return TYPES[kind]


def identifier(name: str) -> str:
    if not name or len(name.encode()) > 63:
        raise UnstorableError("a name of no byte or of more than 63")
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        value = "{" + ",".join("NULL" if each is None else str(each) for each in value) + "}"
    text = str(value)
    if "\0" in text:
        raise UnstorableError("a text with a NUL character")
    return "'" + text.replace("'", "''") + "'"


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with postgres() as server, closing(Shop(server)) as shop:
        yield shop


ON_TABLES = [each for each in runs() if each.cases[0][0].data and any(c.verdict != "REFUSED" for _, c in each.cases)]


@pytest.mark.slow
@pytest.mark.parametrize("run", ON_TABLES, ids=str)
def test_the_cases_hold_on_postgresql(shop: Shop, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    file, (first, _) = case_files()[run.subject], run.cases[0]
    judged = [(group, case) for group, case in run.cases if case.verdict != "REFUSED"]
    tables = {alias: table.arrow() for alias, table in tables_of(file, first).items()}
    text, options = ruleset(*(case for _, case in judged)), dq.Options(**first.options)
    answers: list[None] = []
    monkeypatch.setattr(SqlDatabase, "answer", counted(SqlDatabase.answer, answers))
    with files(file, first):
        try:
            fetched = dq.evaluate(text, shop.open(tables, shop.fetching), options=options)
        except UnstorableError as why:
            pytest.skip(str(why))
        assert not answers
        answered = dq.evaluate(text, shop.open(tables, shop.answering), options=options)
        rows = fetched.rows().read_all().to_pylist()
    MADE["scans answered by PostgreSQL"] += len(answers)
    MADE["scans of PostgreSQL"] += answered.scans
    told = [
        (how, case.rule, words)
        for how, evaluation in (("fetched", fetched), ("answered", answered))
        for (group, case), outcome in zip(judged, evaluation.outcomes, strict=True)
        if not case.xfail
        and (words := difference(file, group, case, outcome, [said(row, str(outcome.rule)) for row in rows]))
    ]
    assert not told


def counted(answer: Any, answers: list[None]) -> Any:
    def ask(self: SqlDatabase, *arguments: Any) -> Any:
        rows = answer(self, *arguments)
        if not arguments[0].args.get("limit"):  # samples of rows have one
            answers.append(None)
        return rows

    return ask
