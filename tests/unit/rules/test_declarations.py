"""Each rule type is declared once, and its own documentation is true: its examples parse, bind and are judged."""

from __future__ import annotations

import pytest
from rule_examples import DATA, EXAMPLES

import dq
from dq.rules import RULE_TYPES, SIGNATURES
from dq.rules.base import BoundRule
from dq.rules.unjudged import AnalyzerOnly


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_the_examples_of_a_rule_type_are_judged(name: str, example: str) -> None:
    (outcome,) = dq.evaluate(f"Rules = [\n{example}\n]", DATA).outcomes
    assert outcome.verdict is not dq.Verdict.ERROR, outcome.reason


TO_COME = [name for name, each in RULE_TYPES.items() if not issubclass(each, BoundRule | AnalyzerOnly)]


def test_every_measured_rule_type_has_an_example() -> None:
    measured = {name for name, rule_type in RULE_TYPES.items() if issubclass(rule_type, BoundRule)}
    assert measured == {name for name, _ in EXAMPLES}


@pytest.mark.parametrize("name", TO_COME)
def test_a_rule_type_still_to_come_is_an_error_that_says_so(name: str) -> None:
    example = {
        "ReferentialIntegrity": 'ReferentialIntegrity "id" "ref.id" = 1.0',
        "DatasetMatch": 'DatasetMatch "ref" "id" = 1.0',
        "SchemaMatch": 'SchemaMatch "ref" = 1.0',
        "RowCountMatch": 'RowCountMatch "ref" = 1.0',
        "AggregateMatch": 'AggregateMatch "sum(qty)" "sum(ref.qty)" = 1.0',
        "FileFreshness": 'FileFreshness "x" > now()',
        "FileMatch": 'FileMatch "x" "y"',
        "FileUniqueness": 'FileUniqueness "x" = 1.0',
        "FileSize": 'FileSize "x" > 1 MB',
    }.get(name)
    if example is None:
        assert not SIGNATURES[name].rule, "only analyzers have no place among the rules"
        return
    evaluation = dq.evaluate(f"Rules = [ {example}, RowCount = 3 ]", DATA)
    assert [outcome.verdict for outcome in evaluation.outcomes] == [dq.Verdict.ERROR, dq.Verdict.PASSED]
    assert f"{name} is not supported yet" in evaluation.outcomes[0].reason
    assert evaluation.exit_code == 3


def test_the_front_door_opens() -> None:
    for name in dq.__all__:
        assert getattr(dq, name) is not None
    assert set(dq.__all__) <= set(dir(dq))
    with pytest.raises(AttributeError):
        dq.nothing  # noqa: B018
