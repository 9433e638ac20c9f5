"""What each metric finds in one small table: states counted by hand, over all rows and within a scope."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot

from dq.engines.duckdb import DuckDBEngine
from dq.lazy import exp
from dq.metrics import (
    Answer,
    Bounds,
    Coefficient,
    Compliance,
    Correlation,
    Count,
    CountWhere,
    Deviations,
    Extremes,
    GroupCounts,
    InterquartileRange,
    Metric,
    Moments,
    Names,
    NamesMatching,
    Occurrences,
    Quartiles,
    Query,
    Ratio,
    Returned,
    RowsReturned,
    Shape,
    Size,
    Spread,
    Sum,
    Total,
)
from dq.planning import Scan
from dq.schema import Column, Type
from dq.scope import Scope
from dq.sources.tables import Tables

N = Column("i", Type.INTEGER, "BIGINT")
F, R = Column("f", Type.FLOAT, "DOUBLE"), Column("r", Type.FLOAT, "FLOAT")
D, W = Column("d", Type.DECIMAL, "DECIMAL(9,2)"), Column("w", Type.DECIMAL, "DECIMAL(38,0)")
S, T = Column("s", Type.STRING, "VARCHAR"), Column("t", Type.STRING, "VARCHAR")
NO_NUMBER = Column("nan", Type.FLOAT, "DOUBLE")
NAN, INF, WIDE = math.nan, math.inf, Decimal(9 * 10**37)

PRIMARY = pa.table(
    {
        "g": [1, 1, 1, 1, 2, 2, 3, 3],
        "i": [1, 2, 6, None, 8, 8, None, None],
        "f": [0.5, 1.5, 2.5, 5.5, NAN, NAN, 9.0, INF],
        "r": pa.array([0.1, 0.2, 0.3, None, 7, 8, None, None], pa.float32()),
        "d": pa.array([Decimal("1.10"), Decimal("2.20"), Decimal("3.60"), None, Decimal("9"), Decimal("9.90"), None, None], pa.decimal128(9, 2)),
        "w": pa.array([WIDE, WIDE, WIDE, None, None, None, None, None], pa.decimal128(38, 0)),
        "s": ["1", " 2.5 ", "x", None, "7", "7", None, None],
        "t": ["a", "a", "b", "c", None, None, None, None],
        "nan": [NAN, None, NAN, None, NAN, NAN, NAN, NAN],
    }
)  # fmt: skip
TWICE: dict[Type, Any] = {
    Type.BOOLEAN: True,
    Type.DECIMAL: Decimal("1.50"),
    Type.STRING: "it's",
    Type.DATE: date(2026, 3, 9),
    Type.TIMESTAMP: datetime(2026, 3, 9, 8, 30, 0, 1),
}
"""A value of each type whose values can be written into a query, beside integers."""

REF = pa.table({"i": [1, 3, 3], **{kind.value: [None, value, value] for kind, value in TWICE.items()}})


def tree(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect="duckdb")


FIRST, LAST = Scope(tree('"g" = 1')), Scope(tree('"g" = 2'))
ABOVE_1 = tree('"i" > 1')
LOG = math.log

FOUND: list[tuple[Metric, object]] = [
    (Size(), Count(8)),
    (Size(FIRST), Count(4)),
    (Size(table="ref"), Count(3)),
    (CountWhere(ABOVE_1), Count(4)),
    (CountWhere(ABOVE_1, FIRST), Count(2)),
    (Compliance(ABOVE_1), Ratio(4, 8)),
    (Compliance(ABOVE_1, FIRST), Ratio(2, 4)),
    (Bounds(N), Extremes(1, 8)),
    (Bounds(N, FIRST), Extremes(1, 6)),
    (Bounds(N, high=False), Extremes(1, None)),
    (Bounds(N, low=False), Extremes(None, 8)),
    (Bounds(F), Extremes(0.5, NAN)),
    (Bounds(F, FIRST), Extremes(0.5, 5.5)),
    (Bounds(F, LAST), Extremes(NAN, NAN)),
    (Bounds(F, low=False), Extremes(None, NAN)),
    (Bounds(F, high=False), Extremes(0.5, None)),
    (Bounds(NO_NUMBER), Extremes(NAN, NAN)),
    (Bounds(R), Extremes(0.1, 8)),
    (Bounds(R, FIRST), Extremes(0.1, 0.3)),
    (Bounds(R, low=False), Extremes(None, 8)),
    (Bounds(S, of_length=True), Extremes(1, 5)),
    (Bounds(S, LAST, of_length=True), Extremes(1, 1)),
    (Sum(N), Total(5, 25)),
    (Sum(N, FIRST), Total(3, 9)),
    (Sum(D), Total(5, Decimal("25.80"))),
    (Sum(S), Total(4, 17.5)),
    (Sum(N, table="ref"), Total(3, 7)),
    (Spread(N), Deviations(5, 5, 44)),
    (Spread(N, FIRST), Deviations(3, 3, 14)),
    (Spread(F), Deviations(8, NAN, NAN)),
    (Spread(F, FIRST), Deviations(4, 2.5, 14)),
    (Spread(F, LAST), Deviations(2, NAN, NAN)),
    (Spread(F, Scope(tree('"g" = 3'))), Deviations(2, NAN, NAN)),
    (Spread(W), Deviations(3, 9e37, 0)),
    (Shape(N), Moments(5, 5, 44, -36, 500)),
    (Shape(N, FIRST), Moments(3, 3, 14, 18, 98)),
    (Shape(F), Moments(8, NAN, NAN, NAN, NAN)),
    (Shape(W), Moments(3, 9e37)),
    (Correlation(N, F), Coefficient(5, NAN)),
    (Correlation(F, N), Coefficient(5, NAN)),
    (Correlation(N, F, FIRST), Coefficient(3, 5 / math.sqrt(14 * 2))),
    (Correlation(F, N, FIRST), Coefficient(3, 5 / math.sqrt(14 * 2))),
    (Correlation(N, D, FIRST), Coefficient(3, 6.4 / math.sqrt(14 * 3.14))),
    (InterquartileRange(N), Quartiles(2, 8)),
    (InterquartileRange(N, FIRST), Quartiles(1.5, 4)),
    (GroupCounts((N,)), Occurrences(5, 4, 3, 3)),
    (GroupCounts((N,), FIRST), Occurrences(3, 3, 3, 1)),
    (GroupCounts((N,), table="ref"), Occurrences(3, 2, 1, 0)),
    (GroupCounts((N, T)), Occurrences(6, 5, 4, 2, 1)),
    (GroupCounts((N, T), FIRST), Occurrences(4, 4, 4, 0, 1)),
    (GroupCounts((N,), weigh=True), Occurrences(5, 4, 3, 3, 0, 3 / 5 * LOG(5) + 2 / 5 * LOG(5 / 2))),
    (GroupCounts((F,)), Occurrences(8, 7, 6, 0)),
    (Query(tree("select max(i) as top from ref"), ("ref",)), Answer(("top",), ((3,),))),
    (RowsReturned(tree("select i from ref"), ("primary", "ref")), Returned(1, 8, ("i",))),
    (
        NamesMatching("a.", "a", ("ab", "cad", "x")),
        Names(("ab",), ("ab", "cad"), 3),
    ),
]  # fmt: skip


@pytest.fixture(scope="module", params=["memory", "parquet"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    """The tables in memory, and as files whose statistics may answer in place of their rows, without NaNs."""
    given: dict[str, Any] = {"primary": PRIMARY, "ref": REF}
    if request.param == "parquet":
        folder = tmp_path_factory.mktemp("parquet")
        for alias, rows in given.items():
            pq.write_table(rows, folder / f"{alias}.parquet")
        given = {alias: str(folder / f"{alias}.parquet") for alias in given}
    with Tables(given) as tables:
        yield DuckDBEngine(tables)


def parts(state: Any) -> dict[str, Any]:
    """The fields of a state, numbers up to rounding."""
    found = {name: getattr(state, name) for name in state.__slots__ if name != "repeated"}
    numbers = {name: each for name, each in found.items() if isinstance(each, int | float)}
    return found | {name: pytest.approx(each, rel=1e-12, nan_ok=True) for name, each in numbers.items()}


@pytest.mark.parametrize(("metric", "state"), FOUND)
def test_what_a_metric_finds(metric: Metric, state: Any, engine: DuckDBEngine) -> None:
    found = engine.measure(Scan(metric.grain, (metric,)))[metric]
    assert type(found) is type(state)
    assert {name: getattr(found, name) for name in parts(state)} == parts(state)


@pytest.mark.parametrize(
    ("metric", "repeated"),
    [
        (GroupCounts((N,)), ((8,),)),
        (GroupCounts((N,), FIRST), ()),
        (GroupCounts((T,), weigh=True), (("a",),)),
        (GroupCounts((N, T)), ((8, None),)),
        (GroupCounts((F,)), ()),
        (GroupCounts((N, F)), ()),
        *((GroupCounts((Column(kind.value, kind, ""),), table="ref"), ((value,),)) for kind, value in TWICE.items()),
    ],
)
def test_which_keys_are_found_again(
    metric: Metric, repeated: tuple[tuple[Any, ...], ...], engine: DuckDBEngine
) -> None:
    found = engine.measure(Scan(metric.grain, (metric,)))[metric]
    assert isinstance(found, Occurrences)
    assert found.repeated == repeated
