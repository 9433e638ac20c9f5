"""Rules about the table as a whole: its rows, columns and names."""

from __future__ import annotations

from dq.rules.base import ColumnName, NumberCondition, Regex, Where, rule_type


@rule_type(analyzer=True)
class RowCount:
    """The number of rows in scope."""

    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True)
class ColumnCount:
    """The number of top-level columns."""

    condition: NumberCondition


@rule_type()
class ColumnExists:
    """Whether a column has exactly this name."""

    name: ColumnName


@rule_type()
class ColumnNamesMatchPattern:
    """Whether every column name matches a regular expression as a whole."""

    pattern: Regex
