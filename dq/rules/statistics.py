"""Rules about a number that sums a column up. NULLs are left out; no value at all fails the rule."""

from __future__ import annotations

from typing import ClassVar

from dq.lazy import dq_metrics, exp
from dq.rules.base import MetricRule, NumberCondition, OneColumn, WhenEmpty, number_problem, rule_type
from dq.scope import EVERYTHING, Scope
from dq.tree import column, literal


class _Numeric(MetricRule):
    """Judges a statistic of one number column."""

    def problem(self) -> str:
        """A column of another type cannot be measured."""
        return number_problem(self.column)  # type: ignore[attr-defined]


@rule_type(analyzer=True)
class Mean(_Numeric):
    """The arithmetic mean of a number column, in its unit.

    Example:
        Mean "amount" between 10 and 30
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    def metric(self) -> dq_metrics.Metric:
        """What is measured."""
        return dq_metrics.Sum(self.column, self.where)

    def value(self, measured: dq_metrics.Total) -> dq_metrics.Value:
        """Sum over count."""
        return measured.mean()


@rule_type(analyzer=True)
class Sum(_Numeric):
    """The sum of a number column, in its unit.

    Example:
        Sum "amount" > 0
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    def metric(self) -> dq_metrics.Metric:
        """What is measured."""
        return dq_metrics.Sum(self.column, self.where)


@rule_type(analyzer=True)
class StandardDeviation(_Numeric):
    """The population standard deviation of a number column, in its unit. One value: 0.

    Example:
        StandardDeviation "amount" < 20
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    def metric(self) -> dq_metrics.Metric:
        """What is measured."""
        return dq_metrics.Spread(self.column, self.where)

    def value(self, measured: dq_metrics.Deviations) -> dq_metrics.Value:
        """The root of the variance."""
        return measured.deviation()


@rule_type(analyzer=True)
class Variance(_Numeric):
    """The population variance of a number column, in its unit squared. One value: 0.

    Example:
        Variance "amount" < 400
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    def metric(self) -> dq_metrics.Metric:
        """What is measured."""
        return dq_metrics.Spread(self.column, self.where)


@rule_type(analyzer=True, published=False)
class Range(_Numeric):
    """The greatest value of a number column minus the least.

    Example:
        Range "qty" <= 4
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    def metric(self) -> dq_metrics.Metric:
        """What is measured."""
        return dq_metrics.Bounds(self.column, self.where)


@rule_type(analyzer=True, published=False)
class InterquartileRange(_Numeric):
    """The third quartile of a number column minus the first, interpolated linearly at q·(n − 1).

    Example:
        InterquartileRange "qty" < 3
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    def metric(self) -> dq_metrics.Metric:
        """What is measured."""
        return dq_metrics.InterquartileRange(self.column, self.where)


@rule_type(analyzer=True, published=False)
class Skewness(_Numeric):
    """The population skewness of a number column, without unit; 0 when the values do not vary.

    Example:
        Skewness "amount" between -1 and 1
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    def metric(self) -> dq_metrics.Metric:
        """What is measured."""
        return dq_metrics.Shape(self.column, self.where)

    def value(self, measured: dq_metrics.Moments) -> dq_metrics.Value:
        """The third standardised moment."""
        return measured.skewness()


@rule_type(analyzer=True, published=False)
class Kurtosis(_Numeric):
    """The excess kurtosis of the population of a number column; 0 when the values do not vary.

    Example:
        Kurtosis "amount" < 3
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    def metric(self) -> dq_metrics.Metric:
        """What is measured."""
        return dq_metrics.Shape(self.column, self.where)

    def value(self, measured: dq_metrics.Moments) -> dq_metrics.Value:
        """The fourth standardised moment, less 3."""
        return measured.kurtosis()


@rule_type(analyzer=True, published=False)
class ZerosCount(_Numeric):
    """The number of values of a number column that are 0. NULL is not 0.

    Example:
        ZerosCount "qty" = 0
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    filtered: ClassVar[WhenEmpty] = WhenEmpty.JUDGED

    def metric(self) -> dq_metrics.Metric:
        """A count."""
        return dq_metrics.CountWhere(exp.EQ(this=column(self.column), expression=literal(0)), self.where)


@rule_type(analyzer=True)
class ColumnCorrelation(MetricRule):
    """Pearson's correlation of two number columns over the rows where both hold a value, in [-1, 1].

    NaN, which meets no condition, when one of them does not vary.

    Example:
        ColumnCorrelation "qty" "amount" > 0.5
    """

    first: OneColumn
    second: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    def problem(self) -> str:
        """A column of another type cannot be measured."""
        return number_problem(self.first, self.second)

    def metric(self) -> dq_metrics.Metric:
        """What is measured."""
        return dq_metrics.Correlation(self.first, self.second, self.where)
