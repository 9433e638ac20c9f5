"""Rules about each value of a column."""

from __future__ import annotations

from dq.rules.base import (
    DurationCondition,
    NumberCondition,
    OneColumn,
    TagValue,
    TextCondition,
    ValuesCondition,
    Where,
    rule_type,
)


@rule_type(analyzer=True, tags={"timeZone": TagValue.ZONE, "ignoreCase": TagValue.BOOLEAN})
class ColumnValues:
    """Whether every value of a column meets a condition."""

    column: OneColumn
    condition: ValuesCondition
    where: Where | None = None
    threshold: NumberCondition | None = None


@rule_type(analyzer=True, portable_threshold=False)
class ColumnLength:
    """Whether the length of every value of a text column meets a condition."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None
    threshold: NumberCondition | None = None


@rule_type(analyzer=True, tags={"format": TagValue.TEXT})
class ColumnDataType:
    """The share of rows whose value can be cast to a type."""

    column: OneColumn
    condition: TextCondition
    where: Where | None = None
    threshold: NumberCondition | None = None


@rule_type(analyzer=True)
class DataFreshness:
    """Whether the age of every value of a date column meets a condition."""

    column: OneColumn
    condition: DurationCondition
    where: Where | None = None
