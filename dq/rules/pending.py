"""Rule types that the language knows and this version cannot measure yet."""

from __future__ import annotations

from dq.rules.base import (
    ColumnName,
    DateCondition,
    MaybePath,
    MaybePaths,
    MetricColumns,
    MetricName,
    NumberCondition,
    SizeCondition,
    TagValue,
    TextCondition,
    rule_type,
)

FILTERS = {
    "recentFiles": TagValue.NUMBER,
    "uriRegex": TagValue.TEXT,
    "filterOrder": TagValue.NAMES,
    "failFast": TagValue.BOOLEAN,
}
"""Tags that every File rule takes (REFERENCE B.29)."""


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


@rule_type(analyzer=True, tags={**FILTERS, "timeZone": TagValue.ZONE})
class FileFreshness:
    """The share of files whose modification time meets a condition."""

    path: MaybePath
    condition: DateCondition
    threshold: NumberCondition | None = None


@rule_type(
    analyzer=True,
    unconditional_with=2,
    tags={**FILTERS, "hashAlgorithm": TagValue.ALGORITHM, "matchFileName": TagValue.BOOLEAN},
)
class FileMatch:
    """Whether files have the expected checksums, or two paths the same contents."""

    paths: MaybePaths
    condition: TextCondition


@rule_type(analyzer=True, tags={**FILTERS, "hashAlgorithm": TagValue.ALGORITHM})
class FileUniqueness:
    """The share of files whose content no other file has."""

    path: MaybePath
    condition: NumberCondition


@rule_type(analyzer=True, tags=FILTERS)
class FileSize:
    """The share of files whose size meets a condition."""

    path: MaybePath
    condition: SizeCondition
    threshold: NumberCondition | None = None
