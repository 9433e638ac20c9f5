"""Every case of our own on tables of a PostgreSQL server: what the server answers, and what is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa
import pytest
from examples import MADE
from own_cases import tables_of
from servers.postgres import postgres
from servers.postgres_tables import Shop, UnstorableError
from test_cases import Run, difference, files, options, ruleset, runs, said

import dq
from dq.databases.answering import SqlDatabase


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with postgres() as server, closing(Shop(server)) as shop:
        yield shop


ON_TABLES = [each for each in runs() if each.cases[0].group.data and any(one.case.judged for one in each.cases)]


@pytest.mark.slow
@pytest.mark.parametrize("run", ON_TABLES, ids=lambda run: run.name)
def test_the_cases_hold_on_postgresql(shop: Shop, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    file, first, _ = run.cases[0]
    judged = [each for each in run.cases if each.case.judged]
    whole = {alias: table.arrow() for alias, table in tables_of(file, first).items()}
    tables = {alias: storable(table) for alias, table in whole.items()}
    text = ruleset(*(each.case for each in judged))
    answers: list[None] = []
    monkeypatch.setattr(SqlDatabase, "answer", counted(SqlDatabase.answer, answers))
    with files(file, first):
        try:
            fetched = dq.evaluate(text, shop.open(tables, shop.fetching), options=options(first))
        except UnstorableError as why:
            pytest.skip(str(why))
        assert not answers
        answered = dq.evaluate(text, shop.open(tables, shop.answering), options=options(first))
        rows = list(said(fetched.rows().read_all().to_pylist()))
        right = None if tables == whole else dq.evaluate(text, tables, options=options(first))
    MADE["scans answered by PostgreSQL"] += len(answers)
    MADE["scans of PostgreSQL"] += answered.scans
    if right is not None:
        assert rows == list(said(right.rows().read_all().to_pylist()))
        assert list(map(judgement, fetched.outcomes)) == list(map(judgement, right.outcomes))
        assert list(map(judgement, answered.outcomes)) == list(map(judgement, right.outcomes))
        return
    told = [
        (how, case.rule, words)
        for how, evaluation in (("fetched", fetched), ("answered", answered))
        for (file, group, case), outcome in zip(judged, evaluation.outcomes, strict=True)
        if not case.xfail
        and (words := difference(file, group, case, outcome, [row[str(outcome.rule)] for row in rows]))
    ]
    assert not told


def storable(table: pa.Table) -> pa.Table:
    """The table without the columns that PostgreSQL has no type for; DuckDB says then what is right."""
    return table.select([field.name for field in table.schema if not pa.types.is_struct(field.type)])


def judgement(outcome: dq.Outcome) -> Any:
    """What must not depend on where a rule is judged."""
    metrics = {name: pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True) for name, value in outcome.metrics.items()}
    return str(outcome.rule), outcome.verdict, outcome.failing and outcome.failing.count, metrics


def counted(answer: Any, answers: list[None]) -> Any:
    def ask(self: SqlDatabase, *arguments: Any) -> Any:
        rows = answer(self, *arguments)
        if not arguments[0].args.get("limit"):  # samples of rows have one
            answers.append(None)
        return rows

    return ask
