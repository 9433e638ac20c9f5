"""Each rule type is declared once, and its own documentation is true: its examples parse, bind and are judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from rule_examples import DATA, EXAMPLES, make_files

import dq
from dq.rules import RULE_TYPES
from dq.rules.base import BoundRule
from dq.rules.unjudged import AnalyzerOnly


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_the_examples_of_a_rule_type_are_judged(
    name: str, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    (outcome,) = dq.evaluate(f"Rules = [\n{example}\n]", DATA).outcomes
    assert outcome.verdict is not dq.Verdict.ERROR, outcome.reason


def test_every_measured_rule_type_has_an_example() -> None:
    measured = {name for name, rule_type in RULE_TYPES.items() if issubclass(rule_type, BoundRule)}
    assert measured == {name for name, _ in EXAMPLES}


def test_every_rule_type_can_be_measured() -> None:
    assert all(issubclass(each, BoundRule | AnalyzerOnly) for each in RULE_TYPES.values())


def test_the_front_door_opens() -> None:
    for name in dq.__all__:
        assert getattr(dq, name) is not None
    assert set(dq.__all__) <= set(dir(dq))
    with pytest.raises(AttributeError):
        dq.nothing  # noqa: B018
