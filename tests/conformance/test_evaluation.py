"""Every recorded evaluation: the same verdicts and numbers, but for the differences that are listed with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from recorded import ENGINES, cases, differences, disagreements, evaluation, tables
from report_schema import assert_valid_report

import dq

EXTENSIONS = ("ColumnLength-09", "DuplicateRowCount-05")
"""A threshold on ColumnLength, and DuplicateRowCount, which [dq] accepts."""


def measured(case: dict[str, Any]) -> bool:
    return "expected" in case and case["id"] != "Structure-30"  # a blank where, which dialect dq refuses


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", [case for case in cases() if measured(case)], ids=lambda case: case["id"])
def test_verdicts_and_metrics_agree(case: dict[str, Any], engine: str) -> None:
    found = evaluation(case, engine)
    assert_valid_report(found.to_dict())
    outcomes = {recorded_text(outcome): outcome for outcome in found.outcomes}
    for expected in case["expected"]:
        outcome = outcomes[plain(expected["rule"])]
        known = differences().get((case["id"], expected["rule"]))
        different = disagreements(outcome, expected)
        if known:
            assert outcome.verdict.value == known.verdict
            assert different, f"agrees by now: {known}"
        else:
            assert not different, expected["rule"]


def plain(text: str) -> str:
    """A rule's text without what the published printer loses or reorders: escapes, blanks, labels."""
    return text.replace("\\", "").replace(" ", "").split("labels=")[0]


def recorded_text(outcome: dq.Outcome) -> str:
    return plain(str(outcome.rule))


@pytest.mark.parametrize("case", [case for case in cases() if not measured(case)], ids=lambda case: case["id"])
def test_runs_that_were_refused_as_a_whole(case: dict[str, Any]) -> None:
    """What aborts a run there is a refused ruleset or an ERROR of one rule here, or REFERENCE marks it [dq]."""
    if case["id"] in EXTENSIONS:
        assert dq.evaluate(case["ruleset"], tables(case)).outcomes[0].verdict is not dq.Verdict.ERROR
        return
    if any(each.severity is dq.Severity.ERROR for each in dq.check(case["ruleset"])):
        return
    outcomes = dq.evaluate(case["ruleset"], tables(case)).outcomes
    assert any(each.verdict is dq.Verdict.ERROR for each in outcomes)
