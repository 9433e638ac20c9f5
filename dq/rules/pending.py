"""Rule types that the language knows and this version cannot measure yet."""

from __future__ import annotations

from dq.rules.base import (
    Aggregate,
    Alias,
    ColumnList,
    ColumnName,
    Mapped,
    MaybeMapped,
    MetricColumns,
    MetricName,
    NumberCondition,
    Reference,
    TagValue,
    rule_type,
)


@rule_type(analyzer=True, row_excluded=True)
class ReferentialIntegrity:
    """The share of rows whose values occur in a reference dataset."""

    columns: ColumnList
    reference: Reference
    condition: NumberCondition


@rule_type(analyzer=True, row_excluded=True)
class DatasetMatch:
    """The share of rows that have an equal row in a reference dataset."""

    alias: Alias
    keys: Mapped
    matches: MaybeMapped
    condition: NumberCondition


@rule_type(analyzer=True)
class SchemaMatch:
    """The share of columns that a reference dataset has with the same name and type."""

    alias: Alias
    condition: NumberCondition


@rule_type(analyzer=True)
class RowCountMatch:
    """The rows of the primary over the rows of a reference dataset."""

    alias: Alias
    condition: NumberCondition


@rule_type(analyzer=True)
class AggregateMatch:
    """An aggregate over another."""

    first: Aggregate
    second: Aggregate
    condition: NumberCondition


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
