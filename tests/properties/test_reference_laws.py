"""Rules over two datasets against a slow oracle in plain Python: verdict, share, and which rows fail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from differential.oracle import equal, null_safe, total
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

import dq

KINDS = {
    "i": (pa.int32(), st.integers(-1, 2)),
    "b": (pa.int64(), st.integers(-1, 2)),
    "d": (pa.float64(), st.sampled_from([-1.0, 0.0, -0.0, 1.0, 0.5, math.nan])),
    "c": (pa.decimal128(9, 2), st.sampled_from([Decimal("0"), Decimal("1.00"), Decimal("0.50")])),
    "s": (pa.string(), st.sampled_from(["", "0", "1", "0.5", "x", "X"])),
}
NUMBERS = ("i", "b", "d", "c")

Table = dict[str, tuple[str, list[Any]]]


@st.composite
def tables(draw: st.DrawFn, width: int) -> tuple[Table, Table]:
    """Two tables of the columns `c0`, `c1`, …; a column is text on both sides or a number on both, of any type."""
    left: Table = {}
    right: Table = {}
    sizes = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    for at in range(width):
        kinds = draw(st.sampled_from([("s", "s"), *((a, b) for a in NUMBERS for b in NUMBERS)]))
        for table, kind, size in zip((left, right), kinds, sizes, strict=True):
            values = st.lists(st.none() | KINDS[kind][1], min_size=size, max_size=size)
            table[f"c{at}"] = kind, draw(values)
    return left, right


def arrow(table: Table) -> pa.Table:
    return pa.table({name: pa.array(values, KINDS[kind][0]) for name, (kind, values) in table.items()})


def rows(table: Table, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name][1] for name in columns), strict=True))


def is_unique(keys: list[tuple[Any, ...]]) -> bool:
    return not any(null_safe(a, b) for at, a in enumerate(keys) for b in keys[:at])


def check(outcome: dq.Outcome, partner: list[bool], name: str) -> None:
    """The share and the failing rows are those of the oracle; the rows are told by their last column."""
    share = sum(partner) / len(partner)
    assert outcome.metrics == {name: share}
    assert outcome.verdict is (dq.Verdict.PASSED if share == 1 else dq.Verdict.FAILED)
    assert outcome.failing is not None
    assert (outcome.failing.count, outcome.failing.total) == (partner.count(False), len(partner))
    assert sorted(row[-1] for row in outcome.failing.sample) == [at for at, found in enumerate(partner) if not found]


def one(rule: str, left: pa.Table, right: pa.Table) -> dq.Outcome:
    numbered = left.append_column("row", pa.array(range(left.num_rows), pa.int64()))
    (outcome,) = dq.evaluate(
        f"Rules = [ {rule} ]", {"primary": numbered, "r": right}, options=dq.Options(samples=10)
    ).outcomes
    return outcome


@settings(max_examples=examples(40, night=5))
@given(tables(2), st.integers(1, 2))
def test_a_row_has_a_partner_when_its_values_occur_together(pair: tuple[Table, Table], width: int) -> None:
    left, right = pair
    columns = [f"c{at}" for at in range(width)]
    names = ",".join(columns)
    outcome = one(f'ReferentialIntegrity "{names}" "r.{{{names}}}" = 1.0', arrow(left), arrow(right))
    ours, theirs = rows(left, columns), rows(right, columns)
    if not ours:
        assert (outcome.verdict, outcome.metrics) == (dq.Verdict.FAILED, {})
        return
    check(outcome, [any(equal(a, b) for b in theirs) for a in ours], "Column.r.ReferentialIntegrity")


@settings(max_examples=examples(60, night=5))
@given(tables(3), st.integers(1, 2))
def test_a_row_matches_when_a_row_of_its_key_is_equal_beside_it(pair: tuple[Table, Table], width: int) -> None:
    left, right = pair
    keys, others = [f"c{at}" for at in range(width)], [f"c{at}" for at in range(width, 3)]
    outcome = one(f'DatasetMatch "r" "{",".join(keys)}" "{",".join(others)}" = 1.0', arrow(left), arrow(right))
    ours, theirs = rows(left, keys), rows(right, keys)
    if not ours or not is_unique(ours) or not is_unique(theirs):
        assert (outcome.verdict, outcome.metrics) == (dq.Verdict.FAILED, {})
        assert outcome.failing is None
        return
    values, wanted = rows(left, others), rows(right, others)
    partner = [
        any(equal(key, other_key) and null_safe(value, other) for other_key, other in zip(theirs, wanted, strict=True))
        for key, value in zip(ours, values, strict=True)
    ]
    check(outcome, partner, "Dataset.r.DatasetMatch")


def aggregate(values: list[Any], *, mean: bool) -> float:
    held = [value for value in values if value is not None]
    if not held:
        return 0.0
    return total(held) / len(held) if mean else total(held)


@settings(max_examples=examples(40, night=5))
@given(tables(1), st.booleans(), st.booleans())
def test_an_aggregate_over_another(pair: tuple[Table, Table], first: bool, second: bool) -> None:
    (kind, ours), (other, theirs) = (each["c0"] for each in pair)
    if "s" in (kind, other):
        return
    names = ("avg" if first else "sum"), ("avg" if second else "sum")
    rule = f'AggregateMatch "{names[0]}(c0)" "{names[1]}(r.c0)" >= 0.5'
    outcome = one(rule, arrow(pair[0]), arrow(pair[1]))
    above, below = aggregate(ours, mean=first), aggregate(theirs, mean=second)
    ratio = (1.0 if above == 0 else 0.0) if below == 0 else above / below
    (value,) = outcome.metrics.values()
    assert value == ratio or math.isclose(value, ratio, rel_tol=1e-9) or (math.isnan(value) and math.isnan(ratio))
    assert outcome.passed is (ratio >= 0.5)
