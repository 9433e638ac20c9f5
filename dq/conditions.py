"""Number conditions as values that decide and print themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dq.diagnostics import DqError
from dq.syntax import Arithmetic, Call, Condition, Group, Null, Number, Operand, Operator


class ConditionError(DqError):
    """A condition that cannot be decided, such as one that asks for a history that is not there."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a metric must meet: an operator over numbers, IEEE doubles compared exactly (REFERENCE A.3).

    `between` leaves both ends out, `not between` takes them in. A NaN meets nothing, not even `!=`.
    """

    operator: Operator
    numbers: tuple[float, ...]
    text: str

    def holds(self, value: float) -> bool:
        """Whether the value meets the requirement."""
        return not math.isnan(value) and _HOLDS[self.operator](value, self.numbers)

    def __str__(self) -> str:
        return self.text


def _between(value: float, ends: Sequence[float]) -> bool:
    return ends[0] < value < ends[1]


_HOLDS: dict[Operator, Callable[[float, Sequence[float]], bool]] = {
    Operator.EQ: lambda value, to: value == to[0],
    Operator.NE: lambda value, to: value != to[0],
    Operator.GT: lambda value, to: value > to[0],
    Operator.GE: lambda value, to: value >= to[0],
    Operator.LT: lambda value, to: value < to[0],
    Operator.LE: lambda value, to: value <= to[0],
    Operator.BETWEEN: _between,
    Operator.NOT_BETWEEN: lambda value, to: not _between(value, to),
    Operator.IN: lambda value, to: value in to,
    Operator.NOT_IN: lambda value, to: value not in to,
}

ALL = Requirement(Operator.EQ, (1.0,), "= 1.0")
"""What a share of rows must meet when nothing else is asked for: every row complies."""


def requirement(condition: Condition) -> Requirement:
    """The requirement of a number condition on a metric; `resolve` comes before, where it asks for the history.

    Raises:
        ConditionError: for NULL, which no metric is, and for functions of the history.
    """
    return Requirement(condition.operator, tuple(number(each) for each in condition.operands), str(condition))


Numbers: TypeAlias = tuple[float, ...]
"""What an operand comes to: a list of numbers, of which one number is the shortest."""


def number(operand: Operand) -> float:
    """The number a constant stands for, evaluated in doubles from left to right (REFERENCE A.3).

    Raises:
        ConditionError: for NULL and for functions of the history.
    """
    return single(operand, evaluated(operand))


def evaluated(operand: Operand, call: Callable[[Call, Sequence[Numbers]], Numbers] | None = None) -> Numbers:
    """What an operand comes to; `call` answers for the functions of the history.

    Raises:
        ConditionError: for NULL, for a list in a calculation, and for functions when nothing answers for them.
    """
    results: list[Numbers] = []
    pending: list[tuple[Operand, bool]] = [(operand, False)]
    while pending:  # a stack, since parentheses nest without bound
        node, ready = pending.pop()
        if isinstance(node, Number):
            results.append((float(node.text),))
        elif isinstance(node, Group):
            pending.append((node.inner, False))
        elif not isinstance(node, Arithmetic | Call) or (isinstance(node, Call) and call is None):
            raise _undecidable(node)
        elif not ready:
            pending.append((node, True))
            pending.extend((each, False) for each in reversed(_parts(node)))
        else:
            parts = [results.pop() for _ in _parts(node)][::-1]
            if isinstance(node, Call):
                assert call is not None
                results.append(call(node, parts))
            else:
                numbers = [single(each, part) for each, part in zip(node.operands, parts, strict=True)]
                results.append((_left_to_right(numbers, node.operators),))
    return results[0]


def _parts(node: Arithmetic | Call) -> Sequence[Operand]:
    return node.operands if isinstance(node, Arithmetic) else node.arguments


def single(operand: Operand, values: Numbers) -> float:
    """The only number of a list, where one is needed (REFERENCE D.3).

    Raises:
        ConditionError: for a list of any other length.
    """
    if len(values) != 1:
        raise ConditionError(
            f"`{operand}` is a list of {len(values)} values, and a single value is needed",
            help=f"aggregate it, such as `avg({operand})`",
        )
    return values[0]


def _left_to_right(operands: Sequence[float], operators: Sequence[str]) -> float:
    value = operands[0]
    for operator, operand in zip(operators, operands[1:], strict=True):
        value = _ARITHMETIC[operator](value, operand)
    return value


def _divide(a: float, b: float) -> float:
    """As IEEE divides: a zero divisor gives an infinity, or NaN for 0 / 0."""
    if b:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
}


def _undecidable(operand: Operand) -> ConditionError:
    if isinstance(operand, Call):
        return ConditionError(f"`{operand.name}(…)` asks for the history of a metric, and none is kept here")
    if isinstance(operand, Null):
        return ConditionError(f"{operand.keyword.value} has no meaning here: a metric is always a number")
    return ConditionError("the condition does not compare with a number")
