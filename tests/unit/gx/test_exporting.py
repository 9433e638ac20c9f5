"""Rulesets become suites: what each rule asks of GX, and what is told of what is not kept."""

from __future__ import annotations

from typing import Any

import pytest

import dq
from dq import gx
from dq.gx.reports import Fidelity
from dq.gx.rules import ROWS

BETWEEN, IN, NOT_NULL = (
    "expect_column_values_to_be_between",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_not_be_null",
)


def exported(rule: str) -> tuple[list[tuple[str, dict[str, Any]]], gx.Conversion]:
    suite, report = gx.to_suite(dq.parse(f"Rules = [ {rule} ]"))
    return [(each["type"], each["kwargs"]) for each in suite["expectations"]], report.conversions[0]


@pytest.mark.parametrize("name", ROWS)
def test_every_example_is_converted(name: str) -> None:
    found, line = exported(ROWS[name].example)
    assert found
    assert bool(line.reason) == (line.fidelity is not Fidelity.EXACT)


CASES = [
    ("RowCount between 1 and 5", [("expect_table_row_count_to_be_between", {"min_value": 2, "max_value": 4})]),
    ("RowCount > 2.5", [("expect_table_row_count_to_be_between", {"min_value": 3})]),
    ('ColumnValues "x" >= 1 where "x is not null"', [(BETWEEN, {"column": "x", "min_value": 1})]),
    ('ColumnValues "x" >= 1', [(NOT_NULL, {"column": "x"}), (BETWEEN, {"column": "x", "min_value": 1})]),
    ('ColumnValues "x" in [1, NULL]', [(IN, {"column": "x", "value_set": [1]})]),
    ('ColumnValues "x" = NULL', [("expect_column_values_to_be_null", {"column": "x"})]),
    ('ColumnValues "x" != NULL with threshold >= 0.5', [(NOT_NULL, {"column": "x", "mostly": 0.5})]),
    (
        'ColumnLength "x" < 5',
        [("expect_column_value_lengths_to_be_between", {"column": "x", "max_value": 5, "strict_max": True})],
    ),
    ('Completeness "x" = 1.0', [(NOT_NULL, {"column": "x"})]),
    (
        '(IsComplete "x") and (IsUnique "x")',
        [(NOT_NULL, {"column": "x"}), ("expect_column_values_to_be_unique", {"column": "x"})],
    ),
]


@pytest.mark.parametrize(("rule", "expectations"), CASES, ids=[each[0] for each in CASES])
def test_a_rule_asks_of_gx_what_it_says(rule: str, expectations: list[tuple[str, dict[str, Any]]]) -> None:
    found, line = exported(rule)
    assert found == expectations
    assert line.fidelity is Fidelity.EXACT


APPROXIMATE = [
    ('ColumnValues "x" >= 1 with threshold >= 0.5', "a share of the rows with a value"),
    ('ColumnValues "d" > "2024-01-01"', "DQDL compares days"),
    ('DistinctValuesCount "x" = 3', "counts NULL"),
    ('StandardDeviation "x" < 3', "population"),
]


@pytest.mark.parametrize(("rule", "reason"), APPROXIMATE, ids=[each[0] for each in APPROXIMATE])
def test_what_is_approximate_says_why(rule: str, reason: str) -> None:
    _, line = exported(rule)
    assert line.fidelity is Fidelity.APPROXIMATE
    assert reason in line.reason


LOST = [
    ('Entropy "x" > 1', "nothing like this rule type"),
    ('(IsComplete "x") or (IsUnique "x")', "joins its expectations by `and` only"),
    ("RowCount > avg(last(3))", "history"),
    ("RowCount in [1, 2]", "by `in`"),
    ('ColumnValues "x" not between 1 and 2', "`not between`"),
    ('ColumnValues "x" in [WHITESPACES_ONLY]', "WHITESPACES_ONLY is no value"),
    ('ColumnValues "x" in ["2024-01-01"]', "list of dates"),
    ('ColumnValues "x" matches "\\p{L}+"', "Java's"),
    ('ColumnValues "x" in ["a"] with ignoreCase = "true"', "`with ignoreCase`"),
    ('ColumnValues "x" > 1 with threshold < 0.5', "at least a share"),
    ('IsComplete "x" where "length(y) > 2"', "compares no column with a value"),
    ('IsComplete "x" where "y like \'a%\'"', "has no row_condition"),
    ('IsComplete "x" where "y > z"', "compares two columns"),
    ('IsComplete "x" where "(a = 1 or b = 2) and c = 3"', "an `or` inside of an `and`"),
    ('CustomSql "select max(x) from primary" = 0', "counts rows"),
    ('CustomSql "select x from primary where x > 1"', "counts rows"),
    ('CustomSql "select count(*) from other" = 0', "other tables"),
]


@pytest.mark.parametrize(("rule", "reason"), LOST, ids=[each[0] for each in LOST])
def test_what_is_lost_says_why(rule: str, reason: str) -> None:
    _, report = gx.to_suite(dq.parse(f'Rules = [ ColumnExists "x", {rule} ]'))
    assert report.conversions[1].fidelity is Fidelity.LOST
    assert reason in report.conversions[1].reason


def test_analyzers_are_lost_and_labels_kept() -> None:
    text = 'DefaultLabels = ["severity"="info", "team"="x"] Rules = [ IsComplete "a" labels=["team"="y"] ] Analyzers = [ RowCount ]'
    suite, report = gx.to_suite(dq.parse(text), name="n")
    (found,) = suite["expectations"]
    assert (suite["name"], found["severity"], found["meta"]) == ("n", "info", {"team": "y"})
    assert report.conversions[1].fidelity is Fidelity.LOST
    assert str(report).endswith("1 exact, 0 approximate, 1 lost")


def test_a_ruleset_of_which_nothing_is_left_is_an_error() -> None:
    with pytest.raises(dq.DqError, match="no rule has an expectation"):
        gx.to_suite(dq.parse('Rules = [ Entropy "x" > 1 ]'))
