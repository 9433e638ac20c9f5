"""Rules about how often values occur."""

from __future__ import annotations

from dq.rules.base import AnyColumns, Columns, NumberCondition, OneColumn, Where, rule_type


@rule_type(analyzer=True, row_excluded=True)
class Uniqueness:
    """Values that occur exactly once over rows that hold a value."""

    columns: Columns
    condition: NumberCondition
    where: Where | None = None


@rule_type()
class IsUnique:
    """Whether no value occurs twice."""

    columns: Columns
    where: Where | None = None


@rule_type()
class IsPrimaryKey:
    """Whether the columns are unique together and each complete."""

    columns: Columns
    where: Where | None = None


@rule_type(analyzer=True)
class UniqueValueRatio:
    """Values that occur exactly once over distinct values."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True)
class DistinctValuesCount:
    """The number of distinct values, NULL being one."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True, published=False)
class DuplicateRowCount:
    """The number of rows that are not unique."""

    columns: AnyColumns
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True)
class Entropy:
    """The entropy of the values of a column, in nats."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None
