"""Random expressions over random histories come to what a slow and simple reading of REFERENCE D says."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

import dq
from dq.conditions import ConditionError
from dq.dynamics import FUNCTIONS, after
from dq.syntax import Number, Rule


class WrongError(Exception):
    """No number, by the words of the reference."""


@dataclass(frozen=True)
class Said:
    """An expression: how it is written, and what it comes to given a history (a list, or one number)."""

    text: str
    means: object  # Callable[[list[float]], list[float]]

    def list(self, history: list[float]) -> list[float]:
        return self.means(history)  # type: ignore[operator,no-any-return]

    def one(self, history: list[float]) -> float:
        values = self.list(history)
        if len(values) != 1:
            raise WrongError("a list where a number is needed")
        return values[0]


def literal(n: float) -> Said:
    return Said(repr(n), lambda history: [n])


def last(k: int) -> Said:
    def means(history: list[float]) -> list[float]:
        if k < 1:
            raise WrongError("a positive whole number")
        if not history:
            return [0.0]
        return [history[at] for at in range(len(history)) if at < k]

    return Said(f"last({k})", means)


def index(of: Said, at: int) -> Said:
    def means(history: list[float]) -> list[float]:
        values = of.list(history)
        if at >= len(values):
            raise WrongError("beyond the list")
        return [values[at]]

    return Said(f"index({of.text}, {at})", means)


AGGREGATES = {
    "avg": lambda values: statistics.mean(values),
    "median": lambda values: statistics.median(values),
    "max": lambda values: sorted(values)[-1],
    "min": lambda values: sorted(values)[0],
    "sum": lambda values: math.fsum(values),
    "std": lambda values: statistics.pstdev(values),
}


def aggregate(name: str, of: Said) -> Said:
    def means(history: list[float]) -> list[float]:
        values = of.list(history)
        if not all(map(math.isfinite, values)):
            raise WrongError("only numbers have an aggregate")
        return [AGGREGATES[name](values)]

    return Said(f"{name}({of.text})", means)


def absolute(of: Said) -> Said:
    def means(history: list[float]) -> list[float]:
        value = of.one(history)
        if not math.isfinite(value):
            raise WrongError("only a number has a magnitude")
        return [math.fabs(value)]

    return Said(f"abs({of.text})", means)


def grouped(of: Said) -> Said:
    return Said(f"({of.text})", of.list)


def chain(first: Said, rest: list[tuple[str, Said]]) -> Said:
    """All operators have one precedence, from left to right; parentheses around the parts keep it unambiguous."""

    def means(history: list[float]) -> list[float]:
        value = first.one(history)
        others = [(sign, each.one(history)) for sign, each in rest]
        for sign, other in others:
            if sign == "/" and other == 0:
                value = (
                    math.nan
                    if value == 0 or math.isnan(value)
                    else math.copysign(math.inf, value * math.copysign(1, other))
                )
            else:
                value = {"+": value + other, "-": value - other, "*": value * other, "/": value / (other or 1)}[sign]
        return [value]

    return Said(" ".join([first.text, *(f"{sign} {each.text}" for sign, each in rest)]), means)


atoms = st.one_of(
    st.integers(-5, 5).map(literal),
    st.just(Said("last()", lambda history: [history[0] if history else 0.0])),
    st.integers(0, 6).map(last),
)
SIGNS = st.sampled_from("+-*/")


def bigger(inner: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    parts = inner.map(lambda each: grouped(each) if " " in each.text else each)
    return st.one_of(
        st.builds(aggregate, st.sampled_from(sorted(AGGREGATES)), inner),
        st.builds(index, inner, st.integers(0, 4)),
        inner.map(absolute),
        inner.map(grouped),
        st.builds(chain, parts, st.lists(st.tuples(SIGNS, parts), min_size=1, max_size=3)),
    )


expressions = st.recursive(atoms, bigger, max_leaves=8)
histories = st.lists(st.one_of(st.integers(-10, 10).map(float), st.floats(-1e6, 1e6)), max_size=8)


@settings(max_examples=examples(300))
@given(expressions, histories)
def test_an_expression_comes_to_what_the_reference_says(said: Said, history: list[float]) -> None:
    (rule,) = dq.parse(f"Rules = [ RowCount > {said.text} ]", dialect="glue").rules
    assert isinstance(rule, Rule)
    try:
        wanted = said.one(history)
    except WrongError:
        with pytest.raises(ConditionError):
            after(rule, history)
        return
    has_function = any(f"{name}(" in said.text for name in FUNCTIONS)
    if has_function and not math.isfinite(wanted):
        with pytest.raises(ConditionError):
            after(rule, history)
        return
    condition = after(rule, history).condition
    assert condition
    (operand,) = condition.operands
    if has_function:
        assert isinstance(operand, Number)
        assert float(operand.text) == pytest.approx(wanted, rel=1e-9, abs=1e-6)
        assert "e" not in operand.text
        again = dq.parse(f"Rules = [ {after(rule, history)} ]", dialect="glue").rules
        assert str(again[0]) == str(after(rule, history))
    else:
        assert str(condition) == str(rule.condition)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=9), st.integers(1, 12))
def test_a_history_of_equal_values_is_its_value(history: list[float], k: int) -> None:
    same = [history[0]] * len(history)
    (rule,) = dq.parse(f"Rules = [ RowCount in [avg(last({k})), median(last({k})), std(last({k}))] ]").rules
    assert isinstance(rule, Rule)
    condition = after(rule, same).condition
    assert condition
    assert [float(each.text) for each in condition.operands if isinstance(each, Number)] == [same[0], same[0], 0]
