"""What rules say when there is nothing to look at: REFERENCE B.0.4, row by row."""

from __future__ import annotations

import pyarrow as pa
import pytest

import dq

FULL = pa.table({"a": pa.array([None, None], pa.int64()), "b": [1, 2], "s": pa.array([None, None], pa.string())})
DAYS = FULL.append_column("day", pa.array([None, None], pa.date32()))
EMPTY = DAYS.slice(0, 0)
P, F = "PASSED", "FAILED"
NOTHING = {
    # rule: verdict on a table without rows, on a column of NULLs, and when `where` keeps no row
    "RowCount = 0": (P, F, P),
    "RowCount = 2": (F, P, F),
    'Completeness "a" >= 0': (F, P, P),
    'IsComplete "a"': (F, F, P),
    'Uniqueness "a" >= 0': (F, F, P),
    'IsUnique "a"': (F, F, P),
    'IsPrimaryKey "a"': (F, F, P),
    'UniqueValueRatio "a" >= 0': (F, F, F),
    'DistinctValuesCount "a" = 0': (P, F, P),
    'DistinctValuesCount "a" = 1': (F, P, F),
    'Mean "a" < 9': (F, F, P),
    'Sum "a" = 0': (F, F, P),
    'StandardDeviation "a" = 0': (F, F, P),
    'Variance "a" = 0': (F, F, P),
    'Entropy "a" = 0': (F, F, P),
    'ColumnCorrelation "a" "b" < 2': (F, F, P),
    'InterquartileRange "a" = 0': (F, F, P),
    'Kurtosis "a" = 0': (F, F, P),
    'Range "a" = 0': (F, F, P),
    'Skewness "a" = 0': (F, F, P),
    'ColumnValues "a" > 0': (F, F, P),
    'ColumnValues "a" != 0': (F, P, P),
    'ColumnValues "a" = NULL': (F, P, P),
    'ColumnValues "a" not in [1]': (F, P, P),
    'ColumnValues "a" not in [1, NULL]': (F, F, P),
    'ColumnValues "a" not between 1 and 2': (F, F, P),
    'ColumnValues "s" != EMPTY': (F, P, P),
    'ColumnValues "s" matches ".*"': (F, F, P),
    'ColumnValues "s" not matches "a"': (F, F, P),
    'ColumnValues "day" != "2024-01-01"': (F, P, P),
    'ColumnValues "day" not between "2024-01-01" and "2024-01-02"': (F, F, P),
    'ColumnLength "s" = 0': (F, P, P),
    'ColumnLength "s" > 0': (F, F, P),
    'ColumnDataType "s" = "Integer"': (P, F, P),
    'ColumnDataType "s" != "Integer"': (P, P, P),
    'DataFreshness "day" > 1 days': (P, F, P),
    'DataFreshness "day" != 1 days': (P, F, P),
    'DataFreshness "day" not in [1 days]': (P, F, P),
    'ZerosCount "a" = 0': (F, P, P),
    'ZerosCount "a" > 0': (F, F, F),
    'DuplicateRowCount "a" = 0': (P, P, P),
    'DuplicateRowCount "a" > 0': (F, F, F),
    "DuplicateRowCount = 0": (P, P, P),
}


@pytest.mark.parametrize("rule", NOTHING)
def test_verdicts(rule: str) -> None:
    filtered = f'{rule} where "b > 9"'
    found = (verdict(rule, EMPTY), verdict(rule, DAYS), verdict(filtered, DAYS))
    assert found == NOTHING[rule]


@pytest.mark.parametrize(
    "rule", [rule for rule in NOTHING if "ColumnDataType" not in rule and "DataFreshness" not in rule]
)
def test_a_table_without_rows_fails_with_where_as_without(rule: str) -> None:
    assert verdict(f'{rule} where "b > 9"', EMPTY) == verdict(rule, EMPTY)


@pytest.mark.parametrize("rule", [rule for rule in NOTHING if "RowCount" not in rule and "Count" not in rule])
def test_a_pass_without_rows_says_so_and_has_no_metric(rule: str) -> None:
    outcome = dq.evaluate(f'Rules = [ {rule} where "b > 9" ]', DAYS).outcomes[0]
    assert outcome.metrics == {}
    assert "no rows in scope" in outcome.reason


def test_columns_are_counted_without_rows() -> None:
    rules = 'Rules = [ ColumnCount = 4, ColumnExists "a", ColumnNamesMatchPattern "[a-z]+", CustomSql "select a from primary" ]'
    assert [each.verdict.value for each in dq.evaluate(rules, EMPTY).outcomes] == [P, P, P, F]


def verdict(rule: str, table: pa.Table) -> str:
    return dq.evaluate(f"Rules = [ {rule} ]", table).outcomes[0].verdict.value
