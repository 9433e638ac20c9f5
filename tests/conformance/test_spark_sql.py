"""The SQL of rules against recorded answers of Spark 3.5.7 (ANSI mode off, UTC): the same, or an error with a reason.

`data/spark_sql.jsonl` holds a query a line: `spark` are the rows that Spark returned (null: it refused the query), and
`ours` says how we stand: `same` rows, `refused` when read, `stopped` by an error while running, `answered` where Spark
refuses, and `other` for the differences that are left. Numbers are `["n", value]`, lists `["L", …]`, days `D…`,
instants `T…`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dq.diagnostics import DqError
from dq.engines.base import EngineError
from dq.engines.duckdb import DuckDBEngine
from dq.sources.tables import Tables
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


@cache
def recorded() -> tuple[dict[str, Any], ...]:
    return tuple(map(json.loads, (DATA / "spark_sql.jsonl").read_text("utf-8").splitlines()))


def expression(row: dict[str, Any]) -> str:
    return str(row["sql"]).removeprefix("select id, ").removesuffix(" as v from primary order by id")


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    with Tables({"primary": DATA / "tables/spark.parquet", "ref": DATA / "tables/spark_ref.parquet"}) as tables:
        yield DuckDBEngine(tables)


@pytest.mark.parametrize("row", recorded(), ids=expression)
def test_rows_are_sparks_or_the_query_is_an_error(row: dict[str, Any], engine: DuckDBEngine) -> None:
    found = standing(row, engine)
    assert found == row["ours"] or {found, row["ours"]} == {
        "same",
        "stopped",
    }  # DuckDB 1.5 and 2.0 stop at different sums
    assert row["ours"] != "other" or expression(row) in OTHER


def standing(row: dict[str, Any], engine: DuckDBEngine) -> str:
    try:
        query = parse_select(row["sql"], engine.schemas()).tree
    except DqError as error:
        assert error.message
        return "refused"
    try:
        _, rows = engine._fetch(query)
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
