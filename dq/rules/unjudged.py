"""Types that stand among the analyzers only: they gather statistics and judge nothing."""

from __future__ import annotations

from dq.rules.base import ColumnName, TagValue, rule_type


class AnalyzerOnly:
    """An analyzer that is no rule."""


@rule_type(analyzer=True, rule=False)
class AllStatistics(AnalyzerOnly):
    """Every statistic of a column, or with the word `AllColumns`, of all columns.

    Of the table RowCount and ColumnCount; of a column Completeness and Uniqueness; of numbers Minimum, Maximum, Mean,
    Sum, StandardDeviation and Entropy too; of text MinimumLength and MaximumLength. Each uniqueness needs a scan of
    its own unless a rule groups that column anyway.
    """

    column: ColumnName


@rule_type(analyzer=True, rule=False, published=False, tags={"bins": TagValue.NUMBER, "rebin": TagValue.BOOLEAN})
class Distribution(AnalyzerOnly):
    """How the values of a column, or with the word `AllColumns`, of all columns are spread.

    Numbers stand in bins of equal width between the least and the greatest, other values are counted one by one, the
    most frequent first; NULLs are left out. `bins` is how many there are, 20 by default and at most. With a
    history, the bins of numbers are those of the first run, and what lies beyond stands in the first or the last one;
    after three runs with more than 5 % there, new ones are found, unless `rebin = "false"`.
    """

    column: ColumnName
