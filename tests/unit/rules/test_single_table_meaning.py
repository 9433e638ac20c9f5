"""What single-table rules say of values that are easy to get wrong. Expectations by hand, from REFERENCE part B."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

import dq
from dq import Verdict
from dq.engines.base import EngineError
from dq.engines.duckdb import DuckDBEngine

PASSED, FAILED, ERROR = Verdict.PASSED, Verdict.FAILED, Verdict.ERROR
COLUMNS = {
    "n": "select * from (values (1, '1', '1.0', 1.0::double, 1.10::decimal(10,2), 0.1::float), (null, null, null, null, null, null)) t(i, s, t, d, dec, f)",
    "wide": "select 170141183460469231731687303715884105727::hugeint huge, 9999999999999999999999999999.9999999999::decimal(38,10) \"dec\" from range(2)",
    "nan": """select * from (values ('nan'::double, 'nan'::double), ('nan', 1)) t("all", "some")""",
    "words": "select * from (values ('a cat', 'a cat'), ('cats', 'écat')) t(a, u)",
    "small": "select 100::tinyint tiny, 30000::smallint short, 99999999.99::decimal(10,2) \"dec\"",
    "zeros": """select * from (values ('0'::double, '-0'::double, '0'::double), ('0', '-0', '-0'), ('1', '1', '1')) t(plus, minus, "both")""",
}  # fmt: skip
CASES = [
    # A list of numbers beside text is compared as Spark compares it: with the text of a double (B.0.5).
    ("n", 'ColumnValues "s" in [1, NULL]', FAILED, 0.5),
    ("n", 'ColumnValues "t" in [1, NULL]', PASSED, 1.0),
    ("n", 'ColumnValues "s" not in [1]', PASSED, 1.0),
    ("n", 'ColumnValues "t" not in [1, 20000000]', FAILED, 0.5),
    ("n", 'ColumnValues "s" != 1', FAILED, 0.5),
    ("n", 'ColumnValues "s" in ["1", NULL]', PASSED, 1.0),
    # Text beside a number column is compared with Spark's text of the number.
    ("n", 'ColumnValues "i" in ["1", NULL]', PASSED, 1.0),
    ("n", 'ColumnValues "i" in ["1.0", NULL]', FAILED, 0.5),
    ("n", 'ColumnValues "d" in ["1.0", NULL]', PASSED, 1.0),
    ("n", 'ColumnValues "d" in ["1", NULL]', FAILED, 0.5),
    ("n", 'ColumnValues "dec" in ["1.10", NULL]', PASSED, 1.0),
    ("n", 'ColumnValues "f" in ["0.1", NULL]', PASSED, 1.0),
    ("n", 'ColumnValues "d" != "x"', PASSED, 1.0),
    # Numbers at the edge of their types have a verdict.
    ("wide", 'IsUnique "huge"', FAILED, 0.0),
    ("wide", 'ColumnValues "huge" > 0.5', PASSED, 1.0),
    ("wide", 'ColumnValues "huge" in [0.1]', FAILED, 0.0),
    ("wide", 'ColumnValues "huge" < 1000000000000000000000000000000000000000000', PASSED, 1.0),
    ("wide", 'ColumnValues "dec" > 0.00000000000000000001', PASSED, 1.0),
    ("wide", 'StandardDeviation "dec" = 0', PASSED, 0.0),
    # NaN is greater than every number, but a column of nothing else meets no condition.
    ("nan", 'ColumnValues "some" > 0', PASSED, 1.0),
    ("nan", 'ColumnValues "all" > 0', FAILED, 1.0),
    ("nan", 'ColumnValues "some" < 9', FAILED, 0.5),
    # An operation is done in Spark's types: a literal is no byte, a product has the digits of both factors.
    ("small", 'RowCount = 1 where "tiny * 2 = 200 and short + 30000 = 60000"', PASSED, 1),
    ("small", 'RowCount = 1 where "dec * dec > 9999999998000000"', PASSED, 1),
    ("small", 'CustomSql "select -7.5D % 2" = -1.5', PASSED, -1.5),
    ("small", 'CustomSql "select count(*) from (select distinct tiny from primary)" = 1', PASSED, 1),
    ("small", 'CustomSql "select max(c) from (select count(*) c from primary)" = 1', PASSED, 1),
    # As texts, which DQDL compares, the two zeros of a float differ.
    ("zeros", 'DistinctValuesCount "plus" = 2', PASSED, 2),
    ("zeros", 'DistinctValuesCount "minus" = 2', PASSED, 2),
    ("zeros", 'DistinctValuesCount "both" = 3', PASSED, 3),
    # A word boundary is Java's among ASCII, and an error beside other letters.
    ("words", 'ColumnValues "a" matches ".*\\bcat\\b.*"', FAILED, 0.5),
    ("words", 'ColumnValues "u" matches ".*\\bcat\\b.*"', ERROR, None),
    ("words", 'ColumnValues "u" matches ".*[a-z]"', PASSED, 1.0),
    ("words", "RowCount = 1 where \"a rlike '\\\\\\\\bcat\\\\\\\\b'\"", PASSED, 1),
    ("words", "RowCount = 1 where \"u rlike '\\\\\\\\bcat\\\\\\\\b'\"", ERROR, None),
    # A text that spells a number is one; what only Python reads as a number is none.
    ("small", "CustomSql \"select ' 1.5e1 '\" = 15", PASSED, 15.0),
    ("small", "CustomSql \"select '1_000'\" > 0", FAILED, None),
    ("small", "CustomSql \"select '١٢'\" > 0", FAILED, None),
    ("small", "CustomSql \"select 'nan'\" != 0", FAILED, None),
    # What cannot be calculated is an error of that rule alone.
    ("wide", 'Sum "huge" > 0', ERROR, None),
    ("small", 'CustomSql "select 2147483647 + 1" > 0', ERROR, None),
    ("small", "CustomSql \"select length(repeat('x', 1000000000))\" > 0", ERROR, None),
    ("small", "CustomSql \"select length(lpad('x', 2000000000, 'y'))\" > 0", ERROR, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize(("table", "rule", "verdict", "value"), CASES)
def test_verdict_and_value(
    table: str, rule: str, verdict: Verdict, value: float | None, connection: duckdb.DuckDBPyConnection
) -> None:
    outcome = outcome_of(connection, table, rule)
    assert outcome.verdict is verdict, outcome.reason
    if value is None:
        assert outcome.reason
        assert "cannot be read" not in outcome.reason
    else:
        assert value in outcome.metrics.values()


def test_a_list_of_numbers_beside_text_says_how_it_is_compared(connection: duckdb.DuckDBPyConnection) -> None:
    outcome = outcome_of(connection, "n", 'ColumnValues "s" in [12345678.5]')
    assert outcome.notes == ('`s` is text, compared with "1.23456785E7" as Spark does; quote the operands to choose',)


def test_rows_that_cannot_be_shown_do_not_end_the_run(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise EngineError("line 7 is no row")

    monkeypatch.setattr(DuckDBEngine, "sample", broken)
    outcome = outcome_of(connection, "n", 'ColumnValues "i" > 5')
    assert outcome.verdict is FAILED
    assert outcome.failing == dq.FailingRows(2, 2)
    assert outcome.notes == ("the failing rows cannot be shown: line 7 is no row",)


def test_all_rows_that_repeat_are_shown_while_there_is_room(connection: duckdb.DuckDBPyConnection) -> None:
    relation = connection.sql("FROM (VALUES (1), (2), (1), (2), (1), (3)) t(i)")
    failing = dq.evaluate('Rules = [ IsUnique "i" ]', relation).outcomes[0].failing
    assert failing is not None
    assert sorted(failing.sample) == [(1,), (1,), (1,), (2,), (2,)]


def test_a_pattern_is_looked_for_in_names_as_java_looks_for_it() -> None:
    """Its `$` stands before a last line break too."""
    outcome = dq.evaluate('Rules = [ ColumnNamesMatchPattern "a$" ]', {"a": [1], "xa\n": [2]}).outcomes[0]
    assert outcome.verdict is FAILED
    assert [note.partition(" too")[0] for note in outcome.notes] == ["the pattern occurs inside `xa\n`"]


def outcome_of(connection: duckdb.DuckDBPyConnection, table: str, rule: str) -> dq.Outcome:
    return dq.evaluate(f"Rules = [ {rule} ]", connection.sql(COLUMNS[table])).outcomes[0]
