"""Laws of states: merging is a commutative monoid, and parts measured and merged equal the whole."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dq.metrics import CoMoments, Count, Deviations, Extremes, Frequencies, Moments, Occurrences, Ratio, Total
from dq.metrics import entropy as entropy_of

counts = st.integers(0, 10**6)
numbers = st.floats(-1e6, 1e6, allow_nan=False)
samples = st.lists(numbers, min_size=0, max_size=20)
pairs = st.lists(st.tuples(numbers, numbers), max_size=20)
keys = st.lists(st.tuples(st.none() | st.integers(0, 3), st.none() | st.sampled_from("ab")), max_size=15)


def moments(values: Sequence[float]) -> Moments:
    if not values:
        return Moments()
    n, mean = len(values), math.fsum(values) / len(values)
    powers = [math.fsum((x - mean) ** k for x in values) for k in (2, 3, 4)]
    return Moments(n, mean, *powers)


def co_moments(points: Sequence[tuple[float, float]]) -> CoMoments:
    if not points:
        return CoMoments()
    n = len(points)
    x, y = (math.fsum(each) / n for each in zip(*points, strict=True))
    return CoMoments(
        n,
        x,
        y,
        math.fsum((a - x) ** 2 for a, _ in points),
        math.fsum((b - y) ** 2 for _, b in points),
        math.fsum((a - x) * (b - y) for a, b in points),
    )


def frequencies(rows: Sequence[tuple[Any, ...]]) -> Frequencies:
    table = Counter(rows)
    columns = [pa.array([key[at] for key in table], kind) for at, kind in enumerate((pa.int64(), pa.string()))]
    return Frequencies(pa.table([*columns, pa.array(table.values(), pa.int64())], names=["k0", "k1", "n"]))


exact = st.one_of(
    st.tuples(*[st.builds(Count, counts)] * 3),
    st.tuples(*[st.builds(Ratio, counts, counts)] * 3),
    st.tuples(*[samples.map(lambda xs: Extremes(min(xs, default=None), max(xs, default=None)))] * 3),
)


@given(exact)
def test_exact_states_are_a_commutative_monoid(states: tuple[Any, Any, Any]) -> None:
    a, b, c = states
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(type(a)()) == a == type(a)().merge(a)


@given(samples, samples)
def test_moments_of_parts_are_those_of_the_whole(left: list[float], right: list[float]) -> None:
    whole, merged, swapped = (
        moments(left + right),
        moments(left).merge(moments(right)),
        moments(right).merge(moments(left)),
    )
    scale = max((abs(x) for x in left + right), default=0.0) or 1.0
    for found in (merged, swapped):
        assert found.n == whole.n
        for power, name in enumerate(("mean", "m2", "m3", "m4"), 1):
            bound = 1e-9 * max(whole.n, 1) * scale**power
            assert math.isclose(getattr(found, name), getattr(whole, name), rel_tol=1e-9, abs_tol=max(bound, 1e-300)), (
                name
            )


@given(samples, samples)
def test_deviations_of_parts_are_those_of_the_whole(left: list[float], right: list[float]) -> None:
    def deviations(values: Sequence[float]) -> Deviations:
        found = moments(values)
        return Deviations(found.n, found.mean, found.m2)

    whole, merged = deviations(left + right), deviations(left).merge(deviations(right))
    assert (merged.n, merged.mean) == (whole.n, pytest.approx(whole.mean, rel=1e-9, abs=1e-6))
    assert merged.m2 == pytest.approx(whole.m2, rel=1e-9, abs=1e-2)


@given(pairs, pairs)
def test_co_moments_of_parts_are_those_of_the_whole(
    left: list[tuple[float, float]], right: list[tuple[float, float]]
) -> None:
    whole, merged = co_moments(left + right), co_moments(left).merge(co_moments(right))
    assert merged.n == whole.n
    for name in ("x", "y", "xx", "yy", "xy"):
        assert math.isclose(getattr(merged, name), getattr(whole, name), rel_tol=1e-9, abs_tol=1e-2), name


@given(st.tuples(keys, keys, keys))
def test_frequency_tables_merge_like_the_rows_they_count(parts: tuple[list[tuple[Any, ...]], ...]) -> None:
    a, b, c = map(frequencies, parts)
    whole = Counter(row for part in parts for row in part)
    assert dict(a.merge(b).merge(c)) == whole
    assert dict(c.merge(a.merge(b))) == whole


@given(keys)
def test_a_summary_counts_what_the_rows_say(rows: list[tuple[Any, ...]]) -> None:
    held = Counter(row for row in rows if row != (None, None))
    summary = frequencies(rows).summary()
    assert summary.rows == sum(held.values())
    assert summary.groups == len(held)
    assert summary.singles == sum(n == 1 for n in held.values())
    assert summary.nulls == len(rows) - summary.rows
    assert summary.gapped == sum(n == 1 and None in key for key, n in held.items())


@pytest.mark.parametrize(("counts", "entropy"), [([5], 0.0), ([1, 1], math.log(2)), ([3, 2, 1], 1.0114042647073518)])
def test_entropy_is_in_nats(counts: list[int], entropy: float) -> None:
    sizes = Counter(counts)
    occurrences = Occurrences(sum(counts), len(counts), counts.count(1), entropy=entropy_of(sizes))
    assert occurrences.information() == pytest.approx(entropy)


def test_a_total_without_values_has_no_sum() -> None:
    assert Total().value() == Total(0, 0.0).mean()
    assert not isinstance(Total(2, 3.0).mean(), str)
    assert Total(2, 3.0).merge(Total(1, 4.5)).mean() == 2.5
