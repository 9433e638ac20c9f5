"""Parts measured and merged equal the whole, on the engine, for every metric that merges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from dq.engines.duckdb import DuckDBEngine
from dq.lazy import exp
from dq.metrics import (
    Bounds,
    Compliance,
    Correlation,
    CountWhere,
    GroupCounts,
    Groups,
    InterquartileRange,
    Metric,
    Rows,
    Scope,
    Shape,
    Size,
    Spread,
    Sum,
    Undefined,
)
from dq.partials import finish, merge, states
from dq.planning import plan
from dq.schema import Column, Type
from dq.sources.tables import Tables
from dq.tree import column, is_present, literal

X = Column("x", Type.FLOAT, "DOUBLE")
N = Column("a b", Type.INTEGER, "BIGINT")
S = Column('s"', Type.STRING, "VARCHAR")
D = Column("d", Type.DECIMAL, "DECIMAL(9,2)")
SCOPE = Scope(exp.GT(this=column(N), expression=literal(0)))

METRICS: tuple[Metric, ...] = (
    Size(),
    Size(SCOPE),
    Compliance(is_present(column(S)), SCOPE),
    CountWhere(exp.EQ(this=column(N), expression=literal(0))),
    Bounds(X),
    Bounds(S, of_length=True),
    Sum(N, SCOPE),
    Sum(D),
    Spread(X),
    Spread(D, SCOPE),
    Shape(X),
    Correlation(X, N),
    InterquartileRange(X),
    GroupCounts((N,)),
    GroupCounts((N, S), SCOPE),
    GroupCounts((S,), weigh=True),
)

rows = st.lists(
    st.tuples(
        st.none() | st.floats(-1e3, 1e3, allow_nan=False, width=32),
        st.none() | st.integers(-2, 3),
        st.none() | st.sampled_from(["", "a", "é", "  "]),
        st.none() | st.integers(-500, 500).map(lambda n: Decimal(n) / 4),
    ),
    max_size=12,
)


def table(data: Sequence[tuple[Any, ...]]) -> pa.Table:
    types = (pa.float64(), pa.int64(), pa.string(), pa.decimal128(9, 2))
    columns = [pa.array([row[at] for row in data], kind) for at, kind in enumerate(types)]
    return pa.table(columns, names=[each.name for each in (X, N, S, D)])


def numbers(measured: Any) -> list[float]:
    value = measured.value()
    fields = [getattr(measured, name) for name in getattr(measured, "__slots__", ()) if name != "repeated"]
    values = [value, *fields]
    return [math.nan if isinstance(each, Undefined) or each is None else float(each) for each in values]


@settings(max_examples=examples(40, night=5))
@given(st.lists(rows, min_size=1, max_size=3))
def test_parts_measured_and_merged_equal_the_whole(parts: list[list[tuple[Any, ...]]]) -> None:
    found = []
    for part in parts:
        with Tables(table(part)) as tables:
            found.append(states(DuckDBEngine(tables), METRICS))
    merged = finish(merge(found))
    whole: dict[Metric, Any] = {}
    with Tables(table([row for part in parts for row in part])) as tables:
        for scan in plan(METRICS).scans:
            whole.update(DuckDBEngine(tables).measure(scan))
    for metric in METRICS:
        if isinstance(metric, Correlation):  # its parts are asked for more than the whole
            a, b = merged[metric].value(), whole[metric].value()
            assert a == b if isinstance(a, Undefined) else a == pytest.approx(b, rel=1e-6, abs=1e-6, nan_ok=True)
            continue
        assert numbers(merged[metric]) == pytest.approx(numbers(whole[metric]), rel=1e-9, abs=1e-6, nan_ok=True), metric


def test_the_plan_asks_each_grain_once() -> None:
    scans = plan(METRICS * 2).scans
    in_groups = {scan.grain: len(scan.metrics) for scan in scans if isinstance(scan.grain, Groups)}
    moved = {METRICS[1], METRICS[3], METRICS[5]}  # these read only a column that is grouped anyway
    assert in_groups == {Groups((N,)): 3, Groups((N, S), SCOPE): 1, Groups((S,)): 2}
    (row_scan,) = (scan for scan in scans if isinstance(scan.grain, Rows))
    assert set(row_scan.metrics) == set(METRICS[:13]) - moved
    assert len({scan.grain for scan in scans}) == len(scans)
