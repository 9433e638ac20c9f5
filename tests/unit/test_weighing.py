"""Which aggregates over rows can be told from how often each value occurs, and that they then say the same."""

from __future__ import annotations

import duckdb
import pytest

from dq.engines.functions import DUCKDB, lower
from dq.lazy import exp, sqlglot
from dq.metrics import Groups
from dq.schema import Column, Type
from dq.sql import frequency_table
from dq.tree import column, count_where, is_present, literal
from dq.weighing import weighable, weighed

TEXT = Column("s", Type.STRING, "VARCHAR")
ROWS = (None, "", "a", "a", "bb", None, "bb", "bb")
LONG = exp.GT(this=exp.Length(this=column("s")), expression=literal(1))
TOLD = {
    "rows": count_where(),
    "values": count_where(is_present(column("s"))),
    "condition": count_where(LONG),
    "condition and values": count_where(LONG, is_present(column("s"))),
    "least length": exp.Min(this=exp.Length(this=column("s"))),
    "greatest": exp.Max(this=column("s")),
}
NOT_TOLD = {
    "sum": exp.Sum(this=column("s")),
    "distinct": exp.Count(this=exp.Distinct(expressions=[column("s")])),
    "another column": count_where(is_present(column("other"))),
    "another table": count_where(is_present(exp.column("s", table="ref", quoted=True))),
    "subquery": count_where(exp.EQ(this=column("s"), expression=exp.select("s").from_("ref").subquery())),
}


def text(tree: exp.Expr) -> str:
    return lower(tree, DUCKDB).sql(dialect="duckdb")


@pytest.mark.parametrize("rows", [ROWS, (), (None, None)], ids=["some", "none", "nulls"])
@pytest.mark.parametrize("name", TOLD)
def test_weighed_over_groups_says_what_the_rows_say(name: str, rows: tuple[str | None, ...]) -> None:
    aggregate = TOLD[name]
    assert weighable([aggregate], TEXT)
    connection = duckdb.connect()
    connection.execute('CREATE TABLE "primary"(s VARCHAR)')
    connection.executemany('INSERT INTO "primary" VALUES (?)', [[row] for row in rows] or [["x"]])
    if not rows:
        connection.execute('DELETE FROM "primary"')
    over_rows = exp.select(aggregate.copy()).from_(exp.to_table("primary", quoted=True))
    over_groups = exp.select(weighed(aggregate, TEXT)).from_(frequency_table(Groups((TEXT,))).subquery("g"))
    assert connection.execute(text(over_groups)).fetchall() == connection.execute(text(over_rows)).fetchall()


@pytest.mark.parametrize("name", NOT_TOLD)
def test_what_groups_cannot_tell_stays_with_the_rows(name: str) -> None:
    assert not weighable([NOT_TOLD[name]], TEXT)


def test_only_where_equal_values_are_the_same_value() -> None:
    """Both zeros of a float are one group, and so are two spellings of a time with zone."""
    weighed_types = {each for each in Type if weighable([count_where()], Column("s", each))}
    assert weighed_types == {
        Type.BOOLEAN,
        Type.INTEGER,
        Type.DECIMAL,
        Type.STRING,
        Type.DATE,
        Type.TIMESTAMP,
    }


def test_counts_of_conditions_are_spelled_so_that_no_rows_count_as_zero() -> None:
    assert text(sqlglot.parse_one("SELECT COUNT(CASE WHEN x THEN 1 END)")) == "SELECT COALESCE(COUNT_IF(x), 0)"
    for kept in (
        "COUNT(CASE WHEN x THEN y END)",
        "COUNT(CASE WHEN x THEN 1 ELSE 2 END)",
        "COUNT(CASE x WHEN 1 THEN 1 END)",
    ):
        assert text(sqlglot.parse_one(f"SELECT {kept}")) == f"SELECT {kept}"
