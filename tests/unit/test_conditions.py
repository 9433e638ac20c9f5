"""Number conditions decide as REFERENCE A.3 says, and what cannot be decided says why."""

from __future__ import annotations

import math

import pytest

from dq.conditions import ALL, ConditionError, requirement
from dq.language import parse
from dq.syntax import Condition, Rule

INF, NAN = math.inf, math.nan


def condition(text: str, rule: str = "RowCount") -> Condition:
    (found,) = parse(f"Rules = [ {rule} {text} ]").rules
    assert isinstance(found, Rule)
    assert found.condition is not None
    return found.condition


HOLDS = [
    # condition, values that meet it, values that do not
    ("= 2", (2, 2.0), (1, 3, 2.0000000000000004, NAN)),
    ("!= 2", (1, 3, INF), (2, 2.0, NAN)),
    ("> 2", (3, INF), (2, 1, NAN)),
    (">= 2", (2, 3), (1.9999999999999998, NAN)),
    ("< 2", (1, -INF), (2, 3, NAN)),
    ("<= 2", (2, 1), (2.0000000000000004, NAN)),
    ("between 1 and 3", (2, 1.0000000000000002), (1, 3, 0, 4, NAN)),
    ("not between 1 and 3", (1, 3, 0, 4), (2, NAN)),
    ("between 3 and 1", (), (1, 2, 3)),
    ("in [1,3]", (1, 3), (2, 0, NAN)),
    ("not in [1,3]", (2, 0), (1, 3, NAN)),
]


@pytest.mark.parametrize(("text", "met", "unmet"), HOLDS, ids=[text for text, *_ in HOLDS])
def test_what_meets_a_condition(text: str, met: tuple[float, ...], unmet: tuple[float, ...]) -> None:
    asked = requirement(condition(text))
    assert [value for value in (*met, *unmet) if asked.holds(value)] == list(met)
    assert str(asked) == text


def test_a_share_must_be_whole_when_nothing_is_asked() -> None:
    assert ALL.holds(1.0)
    assert not ALL.holds(0.9999999999999999)
    assert str(ALL) == "= 1.0"


ARITHMETIC = [
    ("7 - 2 - 1", 4),
    ("7 + 2 * 3", 27),
    ("7 - (2 - 1)", 6),
    ("2 * (3 + (4 - 1))", 12),
    ("8 / 2 / 2", 2),
    ("8 / (2 * 2) + 1", 3),
    ("((5))", 5),
    ("1 / 0", INF),
    ("(0 - 1) / 0", -INF),
    ("1 / (0 * (0 - 1))", -INF),
    ("(0 - 1) / (0 * (0 - 1))", INF),
    ("0 / 0", NAN),
    ("(0 / 0) / 0", NAN),
]


@pytest.mark.parametrize(("text", "value"), ARITHMETIC)
def test_arithmetic_is_that_of_doubles_from_left_to_right(text: str, value: float) -> None:
    (found,) = requirement(condition(f"= {text}")).numbers
    assert found == value or (math.isnan(found) and math.isnan(value))


UNDECIDABLE = [
    ("> avg(last(3))", "`avg(…)` asks for the history of a metric, and none is kept here"),
    ("> 2 * (avg(last(3)) + 1)", "`avg(…)` asks for the history of a metric, and none is kept here"),
    ("= NULL", "NULL has no meaning here: a metric is always a number"),
    ("in [1, NULL]", "NULL has no meaning here: a metric is always a number"),
]


@pytest.mark.parametrize(("text", "message"), UNDECIDABLE)
def test_what_no_metric_can_be_compared_with(text: str, message: str) -> None:
    with pytest.raises(ConditionError) as refused:
        requirement(condition(text, 'ColumnValues "a"'))
    assert refused.value.message == message


def test_a_text_is_no_number() -> None:
    with pytest.raises(ConditionError) as refused:
        requirement(condition('= "a"', 'ColumnValues "a"'))
    assert refused.value.message == "the condition does not compare with a number"
