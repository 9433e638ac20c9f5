"""Distributions: the engine finds what counting by hand finds, and parts merge to the whole."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from dq.distributions import FrequentValues, NumberBins, Spreading
from dq.engines.duckdb import DuckDBEngine
from dq.outcomes import Distribution
from dq.partials import finish, merge, states
from dq.planning import plan
from dq.schema import Column, Type
from dq.sources.tables import Tables

X = Column("x", Type.FLOAT, "DOUBLE")
S = Column("s", Type.STRING, "VARCHAR")
NUMBERS, KEPT, WORDS = NumberBins(X, 4), NumberBins(X, 4, -1.0, 3.0), FrequentValues(S, 3)
METRICS = (NUMBERS, KEPT, WORDS)

rows = st.lists(
    st.tuples(
        st.none() | st.floats(width=32) | st.integers(-3, 9).map(float),
        st.none() | st.sampled_from(["", "a", "b", "é", "NULL", "  "]),
    ),
    max_size=12,
)
Rows = list[tuple[float | None, str | None]]


def measured(data: Rows) -> dict[object, Distribution]:
    found: dict[object, Distribution] = {}
    with Tables(table(data)) as tables:
        for scan in plan(METRICS).scans:
            for metric, each in DuckDBEngine(tables).measure(scan).items():
                assert isinstance(each, Spreading)
                found[metric] = each.distribution
    return found


def table(data: Rows) -> pa.Table:
    numbers, words = pa.array([x for x, _ in data], pa.float64()), pa.array([s for _, s in data], pa.string())
    return pa.table({"x": numbers, "s": words})


@settings(max_examples=examples(60, night=5))
@given(rows)
def test_every_value_stands_in_one_bin(data: Rows) -> None:
    found = measured(data)
    numbers = [x for x, _ in data if x is not None]
    finite = [x for x in numbers if abs(x) < float("inf")]
    assert sum(found[NUMBERS].counts) == len(finite)
    assert found[NUMBERS].others == len(numbers) - len(finite)
    if finite:
        edges = [float(edge) for edge in found[NUMBERS].edges]
        assert (edges[0], edges[-1], len(edges)) == (min(finite), max(finite), len(found[NUMBERS].counts) + 1)
        assert edges == sorted(edges)
        assert sum(found[KEPT].counts) == len(finite)
        assert found[KEPT].beyond == sum(not -1 <= x <= 3 for x in finite)
        assert found[KEPT].edges == ("-1", "0", "1", "2", "3")
        if any(0 < abs(x - edge) < 1e-6 for x in finite for edge in (0, 2)):
            return  # so near to an edge that the double of its distance is that of the edge
        low, high = sum(x < 0 for x in finite), sum(x >= 2 for x in finite)
        assert (found[KEPT].counts[0], found[KEPT].counts[-1]) == (low, high)


@settings(max_examples=examples(60, night=5))
@given(rows)
def test_words_are_counted_the_most_frequent_first(data: Rows) -> None:
    counted = sorted(Counter(s for _, s in data if s is not None).items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(n for _, n in counted[3:])
    words = Distribution("string", tuple(s for s, _ in counted[:3]), tuple(n for _, n in counted[:3]), rest)
    assert measured(data)[WORDS] == words


@settings(max_examples=examples(60, night=5))
@given(st.lists(rows, min_size=1, max_size=3))
def test_parts_merge_to_the_whole(parts: list[Rows]) -> None:
    found = []
    for part in parts:
        with Tables(table(part)) as tables:
            found.append(states(DuckDBEngine(tables), METRICS))
    merged = finish(merge(found))
    whole = measured([row for part in parts for row in part])
    for metric in METRICS:
        each = merged[metric]
        assert isinstance(each, Spreading)
        assert each.distribution == whole[metric]
