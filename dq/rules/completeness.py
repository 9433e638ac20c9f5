"""Rules about missing values."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dq.conditions import Requirement, requirement
from dq.rules.base import NumberCondition, OneColumn, ShareRule, rule_type, show
from dq.scope import EVERYTHING, Scope
from dq.tree import column, is_present

if TYPE_CHECKING:
    from dq.tree import Tree


class _Presence(ShareRule):
    statistic: ClassVar[str] = "Completeness"
    column: OneColumn

    def predicate(self) -> Tree:
        return is_present(column(self.column))

    def expectation(self) -> str:
        return "present"

    def complaint(self, failing: tuple[int, int], share: float, asked: Requirement) -> str:
        rows = f"{failing[0]:,} of {failing[1]:,} rows without a value"
        return f"completeness of {self.subject()} is {show(share, asked.numbers)}, expected {asked} ({rows})"


@rule_type(analyzer=True, row_excluded=True)
class Completeness(_Presence):
    """The share of rows in which a column holds a value.

    NULL is the only missing value: an empty string, blanks and NaN are values. In [0, 1].

    Example:
        Completeness "email" > 0.95
        Completeness "email" >= 0.8 where "country = 'US'"
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    def asked(self) -> Requirement:
        """The condition is on the share itself."""
        return requirement(self.condition)

    def expected(self, asked: Requirement) -> str:
        """The condition."""
        return str(asked)


@rule_type()
class IsComplete(_Presence):
    """Whether a column holds a value in every row: Completeness = 1.0.

    Example:
        IsComplete "order_id"
    """

    column: OneColumn
    where: Scope = EVERYTHING
