"""Every recorded row-level outcome: the same rows pass, fail and are skipped, but for reasons that are listed."""

from __future__ import annotations

from typing import Any

import pytest
from recorded import ENGINES
from recorded_rows import COLUMNS, REASONS, compared, evaluated, reason, with_rows


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", with_rows(), ids=lambda case: case["id"])
def test_rows_agree_and_a_rule_says_one_thing_of_each(case: dict[str, Any], engine: str) -> None:
    for each in compared(case, engine):
        if each.different:
            assert reason(each.rule, case["id"]), (each.rule, each.different[:3])
    for row in evaluated(case["id"], engine):
        said = [text for column in COLUMNS for text in row[column]]
        assert len(said) == len(set(said))
        assert row["DataQualityEvaluationResult"] == ("Failed" if row["DataQualityRulesFail"] else "Passed")


def test_every_reason_is_needed() -> None:
    needed = {reason(each.rule, case["id"]) for case in with_rows() for each in compared(case) if each.different}
    pending = {"J20: the guide gives it rows"}
    assert {each.why for each in REASONS} - pending <= needed
