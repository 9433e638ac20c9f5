"""Conditions that ask for the history of their metric: `RowCount > avg(last(10))`. Source: REFERENCE D.

History replaces each function by the number that it comes to; what is left is an ordinary condition, which is also how
results show the rule (D.4). Until then a stand-in holds the place, so that the rule can be bound and measured: only
its judgement tells which metric the condition is about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dq.conditions import ConditionError, Numbers, evaluated, single
from dq.syntax import Arithmetic, Call, Condition, Group, Number, Operand, Rule

DYNAMIC = frozenset(
    {
        "ColumnCorrelation",
        "ColumnCount",
        "ColumnDataType",
        "Completeness",
        "CustomSql",
        "DatasetMatch",
        "DistinctValuesCount",
        "DuplicateRowCount",
        "Entropy",
        "InterquartileRange",
        "Kurtosis",
        "Mean",
        "Range",
        "ReferentialIntegrity",
        "RowCount",
        "RowCountMatch",
        "SchemaMatch",
        "Skewness",
        "StandardDeviation",
        "Sum",
        "UniqueValueRatio",
        "Uniqueness",
        "Variance",
        "ZerosCount",
    }
)
"""The rule types whose condition or threshold may ask for the history (REFERENCE B.0.2, D.2).

The statistics that dq adds to Glue's are among them, as Variance is.
"""


def calls(condition: Condition | None) -> Iterator[Call]:
    """The functions of a condition, those inside of others too."""
    return _calls(condition.operands) if condition else iter(())


def _calls(operands: Iterable[Operand]) -> Iterator[Call]:
    pending = list(operands)
    while pending:
        node = pending.pop()
        if isinstance(node, Call):
            yield node
        pending.extend(_inside(node))


def _inside(node: Operand) -> Sequence[Operand]:
    if isinstance(node, Call):
        return node.arguments
    if isinstance(node, Arithmetic):
        return node.operands
    return (node.inner,) if isinstance(node, Group) else ()


def asks(condition: Condition | None) -> bool:
    """Whether a condition needs history."""
    return next(calls(condition), None) is not None


def depth(condition: Condition) -> int | None:
    """How many of the newest values a condition can look at; None when only its evaluation tells."""
    most = 0
    for call in calls(condition):
        if call.name != "last":
            continue
        amount = call.arguments[0] if call.arguments else Number("1")
        if not (isinstance(amount, Number) and amount.text.isdigit()):
            return None
        most = max(most, int(amount.text))
    return most


# -- the functions -------------------------------------------------------------------------------------


def resolve(condition: Condition, history: Sequence[float]) -> Condition:
    """The condition with every operand that asks for history replaced by its number.

    Args:
        condition: any number condition.
        history: earlier values of the metric, the newest first; without any, `last` comes to 0.0 (D.3).

    Raises:
        ConditionError: for a list where one number is needed, wrong arguments, and results that are no number.
    """
    return replace(condition, operands=tuple(_resolved(each, history) for each in condition.operands))


def _resolved(operand: Operand, history: Sequence[float]) -> Operand:
    if not _has_call(operand):
        return operand
    value = single(operand, evaluated(operand, lambda call, parts: _answer(call, parts, history)))
    if not math.isfinite(value):
        raise ConditionError(f"`{operand}` comes to no number: it divides by zero, or its result is too great")
    return Number(_written(value))


def _written(value: float) -> str:
    """A number as DQDL writes it, without an exponent."""
    from decimal import Decimal

    return format(Decimal(repr(value)), "f")


def _has_call(operand: Operand) -> bool:
    return next(_calls((operand,)), None) is not None


def _answer(call: Call, parts: Sequence[Numbers], history: Sequence[float]) -> Numbers:
    """What a function comes to. Its name and arguments are checked, since the dialect `glue` takes any."""
    if call.name == "last":
        return _last(call, parts, history)
    if call.name == "index":
        return _index(call, parts, history)
    function = _OF_ONE.get(call.name)
    if function is None:
        raise ConditionError(f"`{call.name}` is no function", help=f"the functions are {', '.join(FUNCTIONS)}")
    if len(parts) != 1:
        raise _wrong_number(call, "1 argument")
    if not all(map(math.isfinite, parts[0])):
        raise ConditionError(f"`{call}` comes to no number: something in it divides by zero, or is too great")
    try:
        return (function(parts[0] if call.name != "abs" else (single(call.arguments[0], parts[0]),)),)
    except OverflowError:
        raise ConditionError(f"`{call}` comes to no number: its result is too great") from None


def _last(call: Call, parts: Sequence[Numbers], history: Sequence[float]) -> Numbers:
    if len(parts) > 1:
        raise _wrong_number(call, "at most 1 argument")
    amount = single(call.arguments[0], parts[0]) if parts else 1.0
    if not (amount > 0 and amount.is_integer()):
        raise ConditionError(f"`{call}` takes a whole number above 0", help="write `last(10)`")
    return tuple(map(float, history[: int(amount)])) or (0.0,)


def _index(call: Call, parts: Sequence[Numbers], history: Sequence[float]) -> Numbers:
    if len(parts) != 2:
        raise _wrong_number(call, "2 arguments")
    values, at = parts[0], single(call.arguments[1], parts[1])
    if not (at >= 0 and at.is_integer()):
        raise ConditionError(f"the second argument of `{call}` is a whole number from 0")
    if at >= len(values):
        runs = f"{len(history)} earlier {'value' if len(history) == 1 else 'values'}"
        raise ConditionError(f"`{call}` is beyond the list: the history gives {runs}, and 0 is the newest")
    return (values[int(at)],)


def _wrong_number(call: Call, wanted: str) -> ConditionError:
    return ConditionError(f"`{call.name}` takes {wanted}, not {len(call.arguments)}")


def mean(values: Numbers) -> float:
    """The mean, rounded once: that of equal values is their value."""
    from fractions import Fraction

    return float(sum(map(Fraction, values)) / len(values))


def median(values: Numbers) -> float:
    """The middle value, or the mean of the two in the middle."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else mean((ordered[half - 1], ordered[half]))


def deviation(values: Numbers) -> float:
    """The population standard deviation: that of equal values is 0."""
    from fractions import Fraction

    exact = [Fraction(each) for each in values]
    middle = sum(exact) / len(exact)
    return math.sqrt(sum((each - middle) ** 2 for each in exact) / len(exact))


_OF_ONE: dict[str, Callable[[Numbers], float]] = {
    "avg": mean,
    "median": median,
    "max": max,
    "min": min,
    "sum": math.fsum,
    "std": deviation,
    "abs": lambda values: abs(values[0]),
}
FUNCTIONS = ("last", "index", *_OF_ONE)
"""The functions of the history (REFERENCE D.1)."""


# -- rules before and after ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _StandIn(Number):
    """An operand that is not known yet: it prints as written and is no number, which nothing meets."""

    written: str = ""

    def _parts(self) -> tuple[str, ...]:
        return (self.written,)


def asking(rule: Rule) -> Condition | None:
    """The condition of a rule that asks for history: its own or its threshold; None when neither does."""
    return next((each for each in (rule.condition, rule.threshold) if asks(each)), None)


def before(rule: Rule) -> Rule:
    """The rule with stand-ins for what only the history knows.

    Raises:
        ConditionError: where the rule type has no such functions.
    """
    condition = asking(rule)
    if condition is None:
        return rule
    if rule.name not in DYNAMIC:
        call = next(calls(condition))
        raise ConditionError(
            f"`{call.name}(…)` asks for the history of a metric, and {rule.name} takes constants only",
            help="`dq rules` tells which rule types look at their history",
        )
    return _rewritten(rule, stand_in)


def after(rule: Rule, history: Sequence[float]) -> Rule:
    """The rule with the numbers that its functions come to. Raises what `resolve` raises."""
    return _rewritten(rule, lambda condition: resolve(condition, history))


def stand_in(condition: Condition) -> Condition:
    """The condition with what asks for history replaced by what prints the same and is no number."""
    return replace(
        condition,
        operands=tuple(_StandIn("nan", written=str(each)) if _has_call(each) else each for each in condition.operands),
    )


def _rewritten(rule: Rule, rewrite: Callable[[Condition], Condition]) -> Rule:
    """The rule with its condition and its threshold rewritten."""
    tags = tuple(
        replace(tag, condition=rewrite(tag.condition)) if tag.name == "threshold" else tag for tag in rule.tags
    )
    return replace(rule, condition=rule.condition and rewrite(rule.condition), tags=tags)


def conditions_of(rule: Rule) -> dict[str, Any]:
    """The fields of a bound rule that hold its conditions."""
    found = {"condition": rule.condition, "threshold": rule.threshold}
    return {name: each for name, each in found.items() if each is not None}
