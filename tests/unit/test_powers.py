"""Moments of parts: whatever the cut, what exact arithmetic says of the whole."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from itertools import pairwise

import pyarrow as pa
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from dq.engines.duckdb import DuckDBEngine
from dq.metrics import CoMoments, Correlation, Deviations, Metric, Moments, Shape, Spread, Total
from dq.partials import finish, merge, states
from dq.powers import LOOKED_AT
from dq.schema import Column, Type
from dq.sources.tables import Tables

X, Y = Column("x", Type.FLOAT, "DOUBLE"), Column("y", Type.INTEGER, "BIGINT")
METRICS: tuple[Metric, ...] = (Spread(X), Shape(X), Correlation(X, Y), Spread(Y))

whole_numbers = st.integers(-1000, 1000)
rows = st.lists(st.tuples(st.none() | whole_numbers.map(float), st.none() | whole_numbers), min_size=1, max_size=20)


def measured(parts: list[list[tuple[float | None, int | None]]]) -> dict[Metric, object]:
    found = []
    for part in parts:
        x, y = pa.array([row[0] for row in part], pa.float64()), pa.array([row[1] for row in part], pa.int64())
        with Tables(pa.table({"x": x, "y": y})) as tables:
            found.append(states(DuckDBEngine(tables), METRICS))
    return dict(finish(merge(found)))


def central(values: list[float], power: int) -> float:
    mean = Fraction(sum(map(Fraction, values)), len(values))
    return float(sum((Fraction(each) - mean) ** power for each in values))


@settings(max_examples=examples(30, night=10))
@given(rows, st.lists(st.integers(0, 20), max_size=3))
def test_whole_numbers_have_exact_moments_however_they_are_cut(
    data: list[tuple[float | None, int | None]], cuts: list[int]
) -> None:
    parts = [data[start:end] for start, end in pairwise(sorted([0, *cuts, len(data)]))]
    found = measured([*parts, []])
    x = [each for each, _ in data if each is not None]
    if not x:
        assert found[Spread(X)] == Deviations()
        return
    mean = float(Fraction(sum(map(Fraction, x)), len(x)))
    assert found[Spread(X)] == Deviations(len(x), mean, central(x, 2))
    assert found[Shape(X)] == Moments(len(x), mean, central(x, 2), central(x, 3), central(x, 4))
    pairs = [(first, float(second)) for first, second in data if first is not None and second is not None]
    if pairs:
        together = found[Correlation(X, Y)]
        assert isinstance(together, CoMoments)
        assert (together.xx, together.yy) == (central([p[0] for p in pairs], 2), central([p[1] for p in pairs], 2))


@pytest.mark.parametrize("value", [0.1, 1e-300, 1 / 3, 1e17])
def test_equal_values_do_not_vary(value: float) -> None:
    parts = [[(value, 1)] * size for size in (3, 7, LOOKED_AT + 1)]
    found = measured(parts)
    assert found[Spread(X)] == Deviations(LOOKED_AT + 11, value, 0.0)
    assert found[Shape(X)] == Moments(LOOKED_AT + 11, value)
    assert math.isnan(found[Correlation(X, Y)].value())  # type: ignore[attr-defined]


@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf])
def test_one_value_that_is_not_finite_makes_all_nan(strange: float) -> None:
    found = measured([[(1.0, 1), (2.0, 2)], [(strange, 3)], [(None, None)]])
    assert math.isnan(found[Spread(X)].value())  # type: ignore[attr-defined]
    assert math.isnan(found[Correlation(X, Y)].value())  # type: ignore[attr-defined]
    assert found[Spread(Y)] == Deviations(3, 2.0, 2.0)


def test_values_far_from_zero_keep_their_spread() -> None:
    parts = [[(1e9 + at / 8, None) for at in range(start, start + 100)] for start in (0, 100)]
    values = [row[0] for part in parts for row in part]
    assert reduce(max, map(abs, values)) > 1e9  # type: ignore[type-var, arg-type]
    found = measured(parts)
    assert found[Spread(X)].m2 == central(values, 2)  # type: ignore[attr-defined, arg-type]


def test_sums_of_decimals_and_integers_are_exact() -> None:
    tenth, none = Total(1, Decimal("0.10")), Total()
    assert tenth.merge(Total(1, Decimal("0.20"))).merge(none).value() == 0.3
    assert none.merge(Total(2, Decimal("0.00"))).merge(tenth).mean() == 0.1 / 3
    wide = Total(1, Decimal("9" * 36 + ".01"))
    assert wide.merge(wide).total == Decimal("1" + "9" * 35 + "8.02")
    assert Total(1, 2**53).merge(Total(1, 1)).total == 2**53 + 1
