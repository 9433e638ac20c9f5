"""Rules that a SQL statement defines."""

from __future__ import annotations

from dq.rules.base import NumberCondition, Sql, rule_type


@rule_type(analyzer=True)
class CustomSql:
    """A number that a query returns, or the share of rows that a query returns."""

    sql: Sql
    condition: NumberCondition | None = None
    threshold: NumberCondition | None = None
