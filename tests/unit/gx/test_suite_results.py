"""A suite judged by our engine: what is lost is an error, what GX counts is counted, what is empty is loud."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

import dq
from dq import gx
from dq.history import MemoryHistory

TABLE = pa.table({"n": [1, 2, None, 4, 9], "t": ["a", "a", "b", "b", "b"], "d": ["x"] * 5})
IN_SET = "expect_column_values_to_be_in_set"


def judged(*expectations: tuple[str, dict[str, Any]], table: pa.Table = TABLE, **how: Any) -> gx.evaluate:
    suite = {"name": "s", "expectations": [{"type": kind, "kwargs": kwargs} for kind, kwargs in expectations]}
    return gx.evaluate(suite, table, **how)


def result(kind: str, kwargs: dict[str, Any], table: pa.Table = TABLE) -> dict[str, Any]:
    (found,) = gx.validation_result(judged((kind, kwargs), table=table))["results"]
    return dict(found)


def test_an_expectation_that_is_lost_is_an_error_and_no_pass() -> None:
    evaluation = judged(
        ("expect_column_values_to_be_increasing", {"column": "n"}), ("expect_column_to_exist", {"column": "n"})
    )
    lost, kept = evaluation.outcomes
    assert (lost.verdict, kept.verdict, evaluation.exit_code) == (dq.Verdict.ERROR, dq.Verdict.PASSED, 3)
    assert "the rows of a table have no order" in lost.reason
    first = gx.validation_result(evaluation)["results"][0]
    assert (first["success"], first["exception_info"]["raised_exception"]) == (False, True)
    assert first["exception_info"]["exception_message"] == lost.reason
    for report in (evaluation.to_json(), evaluation.to_html(), evaluation.to_text()):
        assert "expect_column_values_to_be_increasing" in report


def test_a_suite_of_which_all_is_lost_has_errors_only() -> None:
    evaluation = judged(("expect_nothing", {}))
    assert [each.verdict for each in evaluation.outcomes] == [dq.Verdict.ERROR]


def test_rows_are_counted_as_gx_counts_them() -> None:
    kwargs = {"column": "n", "min_value": 2, "max_value": 4, "mostly": 0.5}
    kwargs["row_condition"] = {"type": "comparison", "column": {"name": "t"}, "operator": "==", "parameter": "b"}
    found = result("expect_column_values_to_be_between", kwargs)
    assert found["success"] is True
    assert found["result"] == {
        "element_count": 3,
        "unexpected_count": 1,
        "unexpected_percent": 50.0,
        "missing_count": 1,
        "missing_percent": pytest.approx(33.3333, abs=1e-3),
        "unexpected_percent_total": pytest.approx(33.3333, abs=1e-3),
        "unexpected_percent_nonmissing": 50.0,
    }


def test_unexpected_values_are_shown_but_not_where_samples_are_off() -> None:
    assert result(IN_SET, {"column": "n", "value_set": [1, 2]})["result"]["partial_unexpected_list"] == [4, 9]
    kwargs = {"column_A": "t", "column_B": "d"}
    found = result("expect_column_pair_values_to_be_equal", kwargs)["result"]["partial_unexpected_list"]
    assert {"t": "a", "d": "x"} in found
    off = judged((IN_SET, {"column": "n", "value_set": [1]}), options=dq.Options(samples=0))
    assert "partial_unexpected_list" not in gx.validation_result(off)["results"][0]["result"]


def test_a_table_without_rows_fails_where_gx_passes() -> None:
    found = result(IN_SET, {"column": "n", "value_set": [1]}, table=TABLE.slice(0, 0))
    assert found["success"] is False
    assert found["result"]["unexpected_count"] == found["result"]["element_count"] == 0
    assert found["meta"]["reason"] == "no rows: the table is empty"


def test_what_gx_observes_is_reported() -> None:
    assert result("expect_column_mean_to_be_between", {"column": "n", "max_value": 1})["result"] == {
        "observed_value": 4
    }
    assert result("expect_table_row_count_to_equal", {"value": 5})["result"] == {"observed_value": 5}
    found = result("expect_table_columns_to_match_set", {"column_set": ["n"]})
    assert (found["success"], found["result"]) == (False, {"observed_value": ["n", "t", "d"]})


def test_a_column_that_is_missing_is_an_exception() -> None:
    found = result(IN_SET, {"column": "nn", "value_set": [1]})
    assert found["exception_info"]["raised_exception"] is True
    assert "nn" in found["exception_info"]["exception_message"]


def test_the_rules_that_count_are_not_shown() -> None:
    evaluation = judged((IN_SET, {"column": "n", "value_set": [1]}))
    assert [each.rule.name for each in evaluation.outcomes] == ["ColumnValues"]
    assert len(evaluation.ruleset.rules) == 1
    assert (evaluation.score, evaluation.exit_code) == (0, 1)
    rows = evaluation.rows().read_all()
    assert rows["DataQualityRulesSkip"].to_pylist() == [[]] * 5
    assert rows["DataQualityEvaluationResult"].to_pylist() == ["Passed", "Failed", "Passed", "Failed", "Failed"]


def test_a_ruleset_has_a_result_too() -> None:
    found = gx.validation_result(dq.evaluate('Rules = [ IsComplete "n" labels=["severity"="info"] ]', TABLE))
    assert found["statistics"] == {
        "evaluated_expectations": 1,
        "successful_expectations": 0,
        "unsuccessful_expectations": 1,
        "success_percent": 0.0,
    }
    (only,) = found["results"]
    assert only["expectation_config"]["type"] == "expect_dqdl_ruleset_to_pass"
    assert only["expectation_config"]["severity"] == "info"
    assert (only["result"]["unexpected_count"], only["result"]["element_count"]) == (1, 5)
    assert dq.parse(only["expectation_config"]["kwargs"]["ruleset"]).rules
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ([], {("Column.n.Completeness", "")}),
        (
            [("expect_table_row_count_to_equal", {"value": 5})],
            {("Column.n.Completeness", ""), ("Dataset.*.RowCount", "")},
        ),
    ],
)
def test_the_history_is_told_what_the_suite_asks_and_nothing_else(
    asked: list[tuple[str, dict[str, Any]]], kept: set[tuple[str, str]]
) -> None:
    history = MemoryHistory()
    present = ("expect_column_values_to_not_be_null", {"column": "n", "mostly": 0.5})
    judged(present, *asked, options=dq.Options(history=history, dataset="orders"))
    (run,) = history.runs
    assert {(series.metric, series.where) for series in run.values} == kept
    assert {series.dataset for series in run.values} == {"orders"}
