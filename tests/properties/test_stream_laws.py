"""Laws of streams: however rows are cut into batches, the verdicts on all of them are those on the whole."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

import dq
from dq.engines.opening import Request, opened
from dq.evaluation import evaluate_on
from dq.measuring import Facts, Prepared
from dq.options import Options
from dq.stream.cumulative import Cumulative, Part, judged, merged, part
from dq.stream.keeping import Snapshot, from_bytes, to_bytes

# No bound of a statistic is one that small tables hit: there the rounding of parts would decide.
RULESET = dq.parse(
    """Rules = [
    RowCount between 1 and 8, ColumnCount = 3, ColumnNamesMatchPattern "[a-z]", ColumnExists "t",
    IsComplete "n", Completeness "x" > 0.4, Completeness "t" > 0.5 where "n > 0",
    IsUnique "n", Uniqueness "n" "t" > 0.5, IsPrimaryKey "n" "t", UniqueValueRatio "t" > 0.2, DistinctValuesCount "t" < 4,
    DuplicateRowCount = 0, Entropy "t" > 0.517,
    ColumnValues "n" in [1, 2, 3] with threshold > 0.5, ColumnValues "t" matches "[ab]+", ColumnValues "n" > -2,
    ColumnLength "t" <= 1, ColumnDataType "t" = "Integer" with threshold > 0.1,
    Mean "x" between -1 and 1, Sum "n" > 0, StandardDeviation "x" < 1.937, Variance "x" < 1.913, Range "n" > 1,
    InterquartileRange "x" < 1, Skewness "x" < 0.117, Kurtosis "x" < 0.0173, ZerosCount "n" = 0, ColumnCorrelation "n" "x" > 0.0173,
    (IsComplete "n") or (IsComplete "t"), (Sum "n" > 0) and (IsUnique "t"),
    ReferentialIntegrity "n" "other.n" = 1.0, RowCountMatch "other" > 0.5, AggregateMatch "sum(n)" "sum(other.n)" >= 0.5
]"""
)
OTHER = pa.table({"n": pa.array([1, 2, None], pa.int64())})
OPTIONS = Options(samples=0, now=datetime(2026, 1, 1, tzinfo=UTC))

rows = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 3),
        st.none() | st.floats(-2, 2, allow_nan=False, width=16),
        st.none() | st.sampled_from(["", "a", "b", "ab", "7"]),
    ),
    min_size=1,
    max_size=10,
)


def table(data: list[tuple[Any, ...]]) -> pa.Table:
    kinds = {"n": pa.int64(), "x": pa.float64(), "t": pa.string()}
    return pa.table(
        [pa.array([row[at] for row in data], kind) for at, kind in enumerate(kinds.values())], names=[*kinds]
    )


def batch(data: pa.Table, ruleset: dq.Ruleset = RULESET) -> tuple[dq.Evaluation, Part]:
    added: list[Part] = []
    with opened(None, Request({"primary": data, "other": OTHER})) as on:

        def keep(prepared: Prepared, facts: Facts) -> None:
            added.append(part("batch", ruleset, prepared, facts, on.engine))

        evaluation = evaluate_on(ruleset, on, OPTIONS, keep)
    return evaluation, added[-1]


def in_batches(tables: list[pa.Table], ruleset: dq.Ruleset = RULESET) -> dq.Evaluation:
    total = Cumulative()
    for each in tables:
        evaluation, added = batch(each, ruleset)
        total = from_bytes(to_bytes(Snapshot("", {"": merged(total, added, evaluation)})), "").totals[""]
    return judged(ruleset, total, added, OPTIONS)


@settings(max_examples=examples(25))
@given(rows, st.lists(st.integers(0, 10), max_size=3))
def test_all_batches_are_judged_as_the_whole(data: list[tuple[Any, ...]], cuts: list[int]) -> None:
    ends = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    parts = [table(data[low:high]) for low, high in itertools.pairwise(ends)]
    whole, streamed = batch(table(data))[0], in_batches(parts)
    for one, all_ in zip(whole.outcomes, streamed.outcomes, strict=True):
        about = f"{one.rule}: {one.reason} / {all_.reason}"
        assert one.verdict == all_.verdict, about
        assert one.metrics.keys() == all_.metrics.keys(), about
        for name, value in one.metrics.items():
            found = all_.metrics[name]
            assert (value is None) == (found is None), about
            assert value is None or found == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True), about
        assert (one.failing and one.failing.count) == (all_.failing and all_.failing.count), about
    assert streamed.score == whole.score
    assert streamed.tables[0].rows == len(data)


def test_an_empty_batch_changes_nothing() -> None:
    data = table([(1, 0.5, "a"), (None, math.nan, None)])
    told = [str(each) for each in in_batches([data]).outcomes]
    assert [str(each) for each in in_batches([table([]), data, table([])]).outcomes] == told


def outcome(rule: str, *tables: pa.Table) -> dq.Outcome:
    (found,) = in_batches(list(tables), dq.parse(f"Rules = [ {rule} ]")).outcomes
    return found


GOOD, BAD = table([(1, 1.0, "a")]), table([(-1, 1.0, "a"), (-2, 1.0, "b")])


def test_sql_of_a_rule_is_judged_batch_by_batch() -> None:
    rule = 'CustomSql "select count(*) from primary where n < 0" = 0'
    assert outcome(rule, GOOD, GOOD).passed
    failed = outcome(rule, GOOD, BAD, GOOD)
    assert failed.verdict is dq.Verdict.FAILED
    assert failed.measured == "2 of 3 batches passed"
    assert failed.reason.startswith("batch: ")
    assert "judged batch by batch" in failed.notes[0]


def test_sql_that_failed_once_and_erred_once_has_failed() -> None:
    rule = 'CustomSql "select count(x) from primary" = 1'
    without = GOOD.drop_columns(["x"])
    assert outcome(rule, GOOD, BAD, GOOD).verdict is dq.Verdict.FAILED
    for tables in ([GOOD, without, GOOD], [without, GOOD]):
        assert outcome(rule, *tables).verdict is dq.Verdict.ERROR
    assert outcome(rule, BAD, without, GOOD).verdict is dq.Verdict.FAILED


def test_a_composite_with_sql_is_judged_batch_by_batch_as_a_whole() -> None:
    rule = '(RowCount = 1) and (CustomSql "select count(*) from primary" > 0)'
    assert outcome(rule, GOOD, GOOD).passed
    assert outcome(rule, GOOD, BAD).measured == "1 of 2 batches passed"


LOST = {
    "a column that a batch lacks": (GOOD.drop_columns(["x"]), "`x`"),
    "a column of another type": (GOOD.set_column(1, "x", pa.array(["1"])), "column `x` is string"),
    "a column of another width": (GOOD.set_column(1, "x", pa.array([1], pa.int64())), "was DOUBLE before"),
}


@pytest.mark.parametrize(("odd", "words"), LOST.values(), ids=LOST)
def test_a_batch_that_does_not_fit_leaves_no_verdict_on_a_part(odd: pa.Table, words: str) -> None:
    for tables in ([GOOD, odd], [GOOD, odd, GOOD], [odd, GOOD, GOOD]):
        if "before" in words and tables[0] is odd:
            continue  # what came first says what the type is
        found = outcome('Mean "x" > 0', *tables)
        assert found.verdict is dq.Verdict.ERROR
        assert outcome('IsComplete "n"', *tables).passed
    assert words in outcome('Mean "x" > 0', GOOD, odd).reason


def test_what_a_rule_keeps_of_history_stands_apart() -> None:
    history = dq.MemoryHistory()
    options = replace(OPTIONS, history=history, dataset="orders")
    ruleset = dq.parse("Rules = [ RowCount >= avg(last(3)) ]")
    total, added = Cumulative(), []
    for data in (BAD, GOOD):
        with opened(None, Request(data)) as on:

            def keep(prepared: Prepared, facts: Facts, on: Any = on) -> None:
                added.append(part("batch", ruleset, prepared, facts, on.engine))

            evaluation = evaluate_on(ruleset, on, options, keep)
        total = merged(total, added[-1], evaluation)
        whole = judged(ruleset, total, added[-1], options)
    assert evaluation.outcomes[0].verdict is dq.Verdict.FAILED  # one row after two
    assert whole.outcomes[0].passed  # three rows after two
