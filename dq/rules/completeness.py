"""Rules about missing values."""

from __future__ import annotations

from dq.rules.base import NumberCondition, OneColumn, Where, rule_type


@rule_type(analyzer=True, row_excluded=True)
class Completeness:
    """The share of rows in which a column holds a value."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type()
class IsComplete:
    """Whether a column holds a value in every row."""

    column: OneColumn
    where: Where | None = None
