"""The SQL of rules against recorded answers of Spark 3.5.7 (ANSI mode off, UTC): the same, or an error with a reason.

Each query is answered by DuckDB, and by the Spark that is installed, in ANSI mode and with another zone.

`data/spark_sql.jsonl` holds a query a line: `spark` are the rows that Spark returned (null: it refused the query), and
`ours` says how we stand: `same` rows, `refused` when read, `stopped` by an error while running, `answered` where Spark
refuses, and `other` for the differences that are left. Numbers are `["n", value]`, lists `["L", …]`, days `D…`,
instants `T…`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sparks

from dq.diagnostics import DqError
from dq.engines.base import EngineError
from dq.engines.duckdb import DuckDBEngine
from dq.engines.spark import SparkEngine
from dq.lazy import exp
from dq.schema import Schema
from dq.sources.tables import Tables
from dq.spark.tables import Tables as SparkTables
from dq.sqltext import parse_select

DATA = Path(__file__).parent / "data"
PROJECTED = "Spark answers false, not NULL, where an IN over a query stands in the SELECT list"
OTHER = {
    "i in (select id from ref)": PROJECTED,
    "s in (select code from ref)": PROJECTED,
    "i not in (select id from ref)": PROJECTED,
    "i not in (select id from ref where id is not null)": PROJECTED,
    "select corr(i, id) from primary where id = 1": "NULL in Spark, NaN here; neither meets a condition",
    "select upper('straße'), lower('İ'), upper('ß'), lower('ÀÉ')": "one letter stays one letter here",
    "select amount / 3 from (select decm amount from primary where id = 1)": "decimals of a subquery divide as doubles",
    "with q as (select decm from primary where id < 4) select avg(decm) from q": "as above",
}
"""The differences that are left, by the expression."""

TOO_LATE = "Python has no year 10000, which stopped the recorded Spark too"
ON_SPARK = {
    **dict.fromkeys(
        ("date_add(dt, 1)", "dt + 1", "add_months(dt, 1)", "dt + interval 1 month", "dateadd(dt, 1)"),
        ("stopped", TOO_LATE),
    ),
    "select corr(i, id) from primary where id = 1": ("same", "NULL, as it was recorded"),
    "select upper('straße'), lower('İ'), upper('ß'), lower('ÀÉ')": ("same", "Spark's letters are Spark's"),
    "select count(*) from primary where i + 1 = 2": ("stopped", "i + 1 overflows; DuckDB compares i with 1"),
}
"""How we stand on Spark where that is not how we stand on DuckDB, by the expression, and why."""


@cache
def recorded() -> tuple[dict[str, Any], ...]:
    return tuple(map(json.loads, (DATA / "spark_sql.jsonl").read_text("utf-8").splitlines()))


def expression(row: dict[str, Any]) -> str:
    return str(row["sql"]).removeprefix("select id, ").removesuffix(" as v from primary order by id")


class Answering(NamedTuple):
    """The recorded tables on an engine: their columns, and what answers a query over them."""

    schemas: Mapping[str, Schema]
    fetch: Callable[[exp.Expr], Sequence[Sequence[Any]]]


TABLES = {
    alias: str(DATA / "tables" / name) for alias, name in (("primary", "spark.parquet"), ("ref", "spark_ref.parquet"))
}


@contextmanager
def on_duckdb() -> Iterator[Answering]:
    with Tables(TABLES) as tables:
        engine = DuckDBEngine(tables)
        yield Answering(engine.schemas(), lambda query: engine._fetch(query)[1])


@contextmanager
def on_spark() -> Iterator[Answering]:
    sparks.session()
    with SparkTables(TABLES) as tables:
        engine = SparkEngine(tables)
        yield Answering(engine.schemas(), lambda query: engine._fetch(query)[1])


ENGINES = {"duckdb": on_duckdb, "spark": on_spark}


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[str], Answering]]:
    """The tables on an engine, from when they are asked for until the last query."""
    with ExitStack() as stack:
        yield cache(lambda engine: stack.enter_context(ENGINES[engine]()))


QUERIES = [
    pytest.param(engine, row, id=f"{engine}: {expression(row)}")
    for engine in ENGINES
    for row in recorded()
    if engine == "duckdb" or row["ours"] != "refused"
]
"""What is refused when it is read reaches no engine."""


@pytest.mark.parametrize(("engine", "row"), QUERIES)
def test_rows_are_sparks_or_the_query_is_an_error(
    engine: str, row: dict[str, Any], opened: Callable[[str], Answering]
) -> None:
    found = standing(row, opened(engine))
    wanted = ON_SPARK.get(expression(row), (row["ours"],))[0] if engine == "spark" else row["ours"]
    # DuckDB 1.5 and 2.0 stop at different sums
    assert found == wanted or (engine == "duckdb" and {found, wanted} == {"same", "stopped"})
    assert wanted != "other" or expression(row) in OTHER


def standing(row: dict[str, Any], on: Answering) -> str:
    try:
        query = parse_select(row["sql"], on.schemas).tree
    except DqError as error:
        assert error.message
        return "refused"
    try:
        rows = on.fetch(query)
    except EngineError as error:
        assert "cannot be read" not in error.message
        return "stopped"
    if row["spark"] is None:
        return "answered"
    return "same" if same(row["spark"], [[told(value) for value in each] for each in rows]) else "other"


def told(value: Any) -> Any:
    """A value in the words of the record."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | Decimal | float):
        return ["n", float(value)]
    if isinstance(value, datetime):
        return "T" + value.isoformat(" ")
    if isinstance(value, date):
        return "D" + value.isoformat()
    if isinstance(value, dict):
        return {key: told(each) for key, each in value.items()}
    return ["L", *map(told, value)] if isinstance(value, list) else repr(value)


def same(theirs: Any, ours: Any) -> bool:
    if isinstance(theirs, list) and isinstance(ours, list):
        if theirs[:1] == ["n"] == ours[:1] and not isinstance(theirs[1], list):
            one, two = float(theirs[1]), float(ours[1])
            return (math.isnan(one) and math.isnan(two)) or math.isclose(one, two, rel_tol=1e-12, abs_tol=1e-15)
        return len(theirs) == len(ours) and all(map(same, theirs, ours))
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return theirs.keys() == ours.keys() and all(same(theirs[key], ours[key]) for key in theirs)
    return type(theirs) is type(ours) and bool(theirs == ours)
