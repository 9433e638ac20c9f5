"""Rules about a number that sums a column up."""

from __future__ import annotations

from dq.rules.base import NumberCondition, OneColumn, Where, rule_type


@rule_type(analyzer=True)
class Mean:
    """The arithmetic mean of a number column."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True)
class Sum:
    """The sum of a number column."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True)
class StandardDeviation:
    """The population standard deviation of a number column."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True)
class Variance:
    """The population variance of a number column."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True, published=False)
class Range:
    """Maximum minus minimum of a number column."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True, published=False)
class InterquartileRange:
    """The third quartile minus the first of a number column."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True, published=False)
class Skewness:
    """The population skewness of a number column."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True, published=False)
class Kurtosis:
    """The population excess kurtosis of a number column."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True, published=False)
class ZerosCount:
    """The number of zeros in a number column."""

    column: OneColumn
    condition: NumberCondition
    where: Where | None = None


@rule_type(analyzer=True)
class ColumnCorrelation:
    """Pearson's correlation of two number columns."""

    first: OneColumn
    second: OneColumn
    condition: NumberCondition
    where: Where | None = None
