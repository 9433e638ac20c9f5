"""Rule types that the language knows and this version cannot measure yet."""

from __future__ import annotations

from dq.rules.base import (
    Aggregate,
    Alias,
    ColumnList,
    DateCondition,
    Mapped,
    MaybeMapped,
    MaybePath,
    MaybePaths,
    NumberCondition,
    Reference,
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
