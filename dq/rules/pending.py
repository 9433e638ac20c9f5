"""Rule types that the language knows and this version cannot measure yet."""

from __future__ import annotations

from dq.rules.base import (
    ColumnName,
    MetricColumns,
    MetricName,
    TagValue,
    rule_type,
)


@rule_type()
class DetectAnomalies:
    """Whether a metric is in line with its history."""

    metric: MetricName
    columns: MetricColumns


@rule_type(analyzer=True, rule=False)
class AllStatistics:
    """Every statistic of a column, or of all columns."""

    column: ColumnName


@rule_type(analyzer=True, rule=False, published=False, tags={"bins": TagValue.NUMBER, "rebin": TagValue.BOOLEAN})
class Distribution:
    """The distribution of the values of a column, or of all columns."""

    column: ColumnName
