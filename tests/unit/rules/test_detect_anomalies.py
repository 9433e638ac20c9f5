"""DetectAnomalies: what history predicts, and how too little of it is told."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from remembered import EXAMPLES, NOW, TABLES, remembered
from report_schema import assert_valid_report

import dq
from dq.history import MemoryHistory
from dq.rules.history import forecast

ROW_COUNT = "Dataset.*.RowCount"


def outcome(rule: str, rows: int, history: MemoryHistory | None, **options: object) -> dq.Outcome:
    settings = dq.Options(history=history, dataset="t", now=NOW, **options)  # type: ignore[arg-type]
    data = pa.table({"id": pa.array(range(rows), pa.int64()), "text": pa.array(["abc"] * rows, pa.string())})
    evaluation = dq.evaluate(f"Rules = [ {rule} ]", data, options=settings)
    assert_valid_report(evaluation.to_dict())
    return evaluation.outcomes[0]


@pytest.mark.parametrize(
    ("past", "rows", "verdict"),
    [
        ([100, 101, 99, 102, 100], 100, "PASSED"),
        ([100, 101, 99, 102, 100], 500, "FAILED"),
        ([100, 101, 99, 102, 100], 0, "FAILED"),
        ([100, 101, 99, 102, 100], 105, "PASSED"),
        ([100, 101, 99, 102, 100], 106, "FAILED"),
        ([100, 101, 99, 102, 5000], 5000, "FAILED"),
        ([5000, 101, 99, 102, 100], 5000, "FAILED"),
        ([100, 100, 100], 103, "PASSED"),
        ([100, 100, 100], 104, "FAILED"),
        ([0, 0, 0], 0, "PASSED"),
        ([0, 0, 0], 1, "FAILED"),
        ([130, 120, 110, 100], 140, "PASSED"),
        ([100, 101], 9999, "PASSED"),
    ],
)
def test_a_value_is_compared_with_what_its_history_predicts(past: list[float], rows: int, verdict: str) -> None:
    assert outcome('DetectAnomalies "RowCount"', rows, remembered(ROW_COUNT, past)).verdict.value == verdict


def test_bounds_and_prediction_are_told() -> None:
    found = outcome('DetectAnomalies "RowCount"', 500, remembered(ROW_COUNT, [100, 101, 99, 102, 100]))
    assert found.reason == "Dataset.*.RowCount is 500, expected 94.8109 to 105.189: its 5 earlier values predict 100"
    assert (found.measured, found.expected, found.metrics) == ("500", "94.8109 to 105.189", {ROW_COUNT: 500})
    (past,) = found.history
    assert (past.values, past.enough, past.predicted) == (5, True, 100)
    assert (past.lower, past.upper) == pytest.approx((100 - 3.5 * 1.4826, 100 + 3.5 * 1.4826))


@pytest.mark.parametrize("past", [[], [100], [100, 100]])
def test_too_little_history_passes_with_a_note_and_fails_on_request(past: list[float]) -> None:
    history = remembered(ROW_COUNT, past)
    found = outcome('DetectAnomalies "RowCount"', 9, history)
    note = f"not enough history: {len(past)} of the 3 earlier values of {ROW_COUNT} that are needed"
    assert (found.verdict, found.reason, found.notes) == (dq.Verdict.PASSED, "", (note,))
    assert (found.measured, found.expected) == ("9", "in line with its history")
    found = outcome('DetectAnomalies "RowCount"', 9, history, fail_cold_start=True)
    assert found.verdict is dq.Verdict.FAILED


def test_without_a_history_that_is_told_too() -> None:
    found = outcome('DetectAnomalies "RowCount"', 9, None)
    assert found.notes == ("no history: none is kept in this evaluation, so nothing is compared",)


@pytest.mark.parametrize(
    ("shortest", "expected", "reasons"),
    [
        ([3, 3, 3], "MinimumLength 2.895 to 3.105, MaximumLength 8.685 to 9.315", []),
        ([3, 3], "MaximumLength 8.685 to 9.315", []),
        (
            [1, 1, 1],
            "MinimumLength 0.965 to 1.035, MaximumLength 8.685 to 9.315",
            ["Column.text.MinimumLength is 3, expected 0.965 to 1.035: its 3 earlier values predict 1"],
        ),
    ],
)
def test_both_lengths_are_watched(shortest: list[float], expected: str, reasons: list[str]) -> None:
    history = remembered("Column.text.MinimumLength", shortest)
    history.runs += remembered("Column.text.MaximumLength", [9, 9, 9]).runs
    found = outcome('DetectAnomalies "ColumnLength" "text"', 2, history)
    longest = "Column.text.MaximumLength is 3, expected 8.685 to 9.315: its 3 earlier values predict 9"
    assert (found.verdict, found.reason) == (dq.Verdict.FAILED, "\n".join([*reasons, longest]))
    assert (found.measured, found.expected) == ("MinimumLength 3, MaximumLength 3", expected)


def test_every_metric_with_too_little_history_is_told() -> None:
    rule, shortest = 'DetectAnomalies "ColumnLength" "text"', "Column.text.MinimumLength"
    found = outcome(rule, 2, remembered(shortest, [3]))
    few = tuple(
        f"not enough history: {values} of the 3 earlier values of Column.text.{metric} that are needed"
        for metric, values in (("MinimumLength", 1), ("MaximumLength", 0))
    )
    assert (found.verdict, found.reason, found.notes) == (dq.Verdict.PASSED, "", few)
    failed = outcome(rule, 2, remembered(shortest, [3]), fail_cold_start=True)
    assert (failed.verdict, failed.reason, failed.notes) == (dq.Verdict.FAILED, "\n".join(few), ())


def test_only_the_newest_thirty_values_predict() -> None:
    found = outcome('DetectAnomalies "RowCount"', 3, remembered(ROW_COUNT, [1000] * 15 + [2000] * 16))
    assert [(each.values, each.predicted) for each in found.history] == [(30, 1500)]


@pytest.mark.parametrize("value", [0.96499999, 1.03500001])
def test_a_value_just_beyond_a_bound_is_told_apart_from_it(value: float) -> None:
    settings = dq.Options(history=remembered("Column.x.Mean", [1, 1, 1]), dataset="t", now=NOW)
    (found,) = dq.evaluate('Rules = [ DetectAnomalies "Mean" "x" ]', {"x": [value]}, options=settings).outcomes
    assert found.reason.startswith(f"Column.x.Mean is {value}, expected 0.965 to 1.035")


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ('DetectAnomalies "Rowcount"', "`Rowcount` is no rule type; did you mean `RowCount`?"),
        ('DetectAnomalies "Completeness"', "Completeness takes 1 parameters, and 0 are given"),
        ('DetectAnomalies "RowCount" "id"', "RowCount takes 0 parameters, and 1 are given"),
        ('DetectAnomalies "Completeness" "nope"', "column `nope` does not exist"),
        ('DetectAnomalies "Mean" "text"', "a number column is needed"),
        ('DetectAnomalies "IsComplete" "id"', "IsComplete has no statistic"),
        ('DetectAnomalies "Distribution" "id"', "Distribution is an analyzer of many statistics"),
        ('DetectAnomalies "AllStatistics" "id"', "AllStatistics is an analyzer of many statistics"),
        ('DetectAnomalies "DetectAnomalies" "RowCount"', "DetectAnomalies has no statistic"),
    ],
)
def test_what_has_no_metric_is_an_error(rule: str, reason: str) -> None:
    found = outcome(rule, 3, None)
    assert found.verdict is dq.Verdict.ERROR
    assert reason in found.reason


def test_a_metric_without_a_value_fails() -> None:
    found = outcome('DetectAnomalies "Mean" "id"', 0, None)
    assert (found.verdict, found.measured) == (dq.Verdict.FAILED, "no value")
    assert (found.expected, found.reason) == ("in line with its history", "no rows: the table is empty")


def test_its_example_passes_without_history_and_shares_the_series_of_its_metric() -> None:
    history = MemoryHistory()
    options = dq.Options(history=history)
    for _ in range(3):
        dq.evaluate(
            'Analyzers = [ RowCount, Completeness "email", ColumnCorrelation "id" "qty" ]', TABLES, options=options
        )
    evaluation = dq.evaluate(EXAMPLES / "rule_DetectAnomalies.dqdl", TABLES, options=options)
    assert [(each.verdict.value, each.history[0].values) for each in evaluation.outcomes] == [("PASSED", 3)] * 3


numbers = st.floats(-1e6, 1e6)


@given(st.lists(numbers, min_size=3, max_size=30), st.randoms())
def test_order_does_not_matter_and_the_prediction_lies_within(past: list[float], random: object) -> None:
    found = forecast(past)
    assert found
    assert found.lower <= found.predicted <= found.upper
    assert min(past) <= found.predicted <= max(past)
    shuffled = list(past)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert forecast(shuffled) == found


@given(st.lists(st.floats(99, 101), min_size=4, max_size=29), st.floats(1e4, 1e9), st.integers(0, 29))
def test_a_lone_outlier_does_not_hide_itself(past: list[float], outlier: float, at: int) -> None:
    found = forecast([*past[:at], outlier, *past[at:]])
    assert found
    assert not found.holds(outlier)
