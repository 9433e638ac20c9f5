"""Values as rules compare them: numbers as Java spells them, instants, zones, durations, and what is refused."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import pytest

from dq.binding import bind
from dq.diagnostics import DqError
from dq.engines.functions import DUCKDB, lower
from dq.language import parse
from dq.metrics import Bounds
from dq.rules.base import show
from dq.rules.values import as_number, as_text, instant, numeric, text_of_double
from dq.schema import Column, Schema, Type
from dq.sources.types import type_of
from dq.syntax import Operator, Rule

# 23:30 in UTC, when the next day has begun in Berlin
NOW = datetime(2026, 3, 9, 18, 30, 12, 345, timezone(timedelta(hours=-5)))
TABLE = Schema(
    (
        Column("s", Type.STRING, "VARCHAR"),
        Column("i", Type.INTEGER, "BIGINT"),
        Column("f", Type.FLOAT, "FLOAT"),
        Column("d", Type.FLOAT, "DOUBLE"),
        Column("huge", Type.INTEGER, "HUGEINT"),
        Column("uhuge", Type.INTEGER, "UHUGEINT"),
        Column("dec", Type.DECIMAL, "DECIMAL(38,10)"),
        Column("at", Type.TIMESTAMP, "TIMESTAMP"),
        Column("tz", Type.TIMESTAMP_TZ, "TIMESTAMP WITH TIME ZONE"),
        Column("day", Type.DATE, "DATE"),
        Column("b", Type.BOOLEAN, "BOOLEAN"),
        Column("list", Type.NESTED, "BIGINT[]"),
    )
)

DOUBLES = [
    (0.0, "0.0"),
    (-0.0, "-0.0"),
    (1.0, "1.0"),
    (-1.5, "-1.5"),
    (0.001, "0.001"),
    (0.00099, "9.9E-4"),
    (9999999.0, "9999999.0"),
    (1e7, "1.0E7"),
    (12345678.5, "1.23456785E7"),
    (-12345678.5, "-1.23456785E7"),
    (1.5e10, "1.5E10"),
    (5e-324, "5.0E-324"),
    (123456789012345680.0, "1.2345678901234568E17"),
    (math.inf, "inf"),
    (math.nan, "nan"),
]


@pytest.mark.parametrize(("value", "text"), DOUBLES)
def test_doubles_as_java_spells_them(value: float, text: str) -> None:
    assert text_of_double(value) == text


SHOWN = [
    (3, (), "3"),
    (9999, (), "9999"),
    (10000, (), "10,000"),
    (-10000, (), "-10,000"),
    (3.0, (), "3"),
    (1234567.0, (), "1,234,567"),
    (1e15, (), "1e+15"),
    (10**15, (), "1,000,000,000,000,000"),
    (999999999999999.0, (), "999,999,999,999,999"),
    (0.1234567, (), "0.123457"),
    (12345.678, (), "12345.7"),
    (0.9999999, (), "1"),
    (0.9999999, (1.0,), "0.9999999"),
    (0.9999999999, (1.0,), "0.9999999999"),
    (0.99999999949, (1.0,), "0.999999999"),
    (0.9999999999949, (1.0,), "0.999999999995"),
    (0.9999999999996001, (1.0,), "0.9999999999996001"),
    (0.99999999999999, (1.0,), "0.99999999999999"),
    (0.9999999, (0.5, 1.0), "0.9999999"),
    (0.95, (0.95,), "0.95"),
    (math.nan, (), "nan"),
    (math.inf, (), "inf"),
]


@pytest.mark.parametrize(("value", "bounds", "text"), SHOWN)
def test_numbers_for_people(value: float, bounds: tuple[float, ...], text: str) -> None:
    assert show(value, bounds) == text


INSTANTS = [
    ('"2026-03-09"', "", datetime(2026, 3, 9)),
    ("now()", "", datetime(2026, 3, 9, 23, 30)),
    ("(now() - 2 days)", "", datetime(2026, 3, 7, 23, 30)),
    ("(now() + 3 hours)", "", datetime(2026, 3, 10, 2, 30)),
    ("(now() - 45 minutes)", "", datetime(2026, 3, 9, 22, 45)),
    ('"9:30 AM"', "", datetime(2026, 3, 9, 9, 30)),
    ('"9:30 PM"', "", datetime(2026, 3, 9, 21, 30)),
    ('"12:05 AM"', "", datetime(2026, 3, 9, 0, 5)),
    ('"21:30"', "", datetime(2026, 3, 9, 21, 30)),
    ('"9:30 AM"', "Europe/Berlin", datetime(2026, 3, 10, 8, 30)),
    ('"9:30 AM"', "Z", datetime(2026, 3, 9, 9, 30)),
    ('"9:30 AM"', "+02:00", datetime(2026, 3, 10, 7, 30)),
    ('"9:30 AM"', "UTC-5", datetime(2026, 3, 9, 14, 30)),
    ('"9:30 AM"', "GMT+1030", datetime(2026, 3, 9, 23, 0)),
    ('"9:30 AM"', "UT+1", datetime(2026, 3, 10, 8, 30)),
]  # fmt: skip


@pytest.mark.parametrize(("operand", "zone", "expected"), INSTANTS)
def test_the_instant_of_an_operand(operand: str, zone: str, expected: datetime) -> None:
    tag = f' with timeZone = "{zone}"' if zone else ""
    rule = rule_of(f'ColumnValues "at" > {operand}{tag}')
    assert rule.condition is not None
    assert instant(rule.condition.operands[0], bind(rule, {"primary": TABLE}, NOW)) == expected


REFUSED = [
    ('ColumnValues "at" > (now() - 999999999 days)', "`(now() - 999999999 days)` lies outside of the calendar, which has the years 1 to 9999"),
    ('ColumnValues "at" > (now() + 9999999 hours) ', None),
    ('ColumnValues "at" > "9:30 AM" with timeZone = "+24:00"', "there is no time zone `+24:00`: a day has 24 hours"),
    ('ColumnValues "i" > NULL', "NULL has no meaning behind `>`"),
    ('ColumnValues "i" between NULL and 2', "NULL has no meaning behind `between`"),
    ('ColumnValues "i" > 1 / 0', "the condition divides by zero"),
    ('ColumnValues "s" > 1', "column `s` is string, and a number column is needed"),
    ('ColumnValues "s" = 1', "column `s` is string, and a number column is needed"),
    ('ColumnValues "s" between 1 and 2', "column `s` is string, and a number column is needed"),
    ('ColumnValues "i" matches "a"', "column `i` is integer, and a text column is needed"),
    ('ColumnValues "i" not matches "a"', "column `i` is integer, and a text column is needed"),
    ('ColumnValues "i" > "2026-01-01"', "column `i` is integer, and a date, timestamp or text column is needed"),
    ('ColumnLength "i" = 1', "column `i` is integer, and a text column is needed"),
    ('ColumnLength "s" = NULL', "NULL has no meaning here: a length is always a number"),
    ('ColumnDataType "s" in ["Integer"]', "ColumnDataType takes `=` or `!=`, not `in`"),
    ('ColumnDataType "s" = EMPTY', "ColumnDataType compares with the name of a type"),
    ('DataFreshness "i" < 1 days', "column `i` is integer, and a date, timestamp or text column is needed"),
    ('DataFreshness "b" < 1 days', "column `b` is boolean, and a date, timestamp or text column is needed"),
    ('ColumnCorrelation "i" "s" > 0', "column `s` is string, and a number column is needed"),
    ('ColumnCorrelation "b" "i" > 0', "column `b` is boolean, and a number column is needed"),
    ('Mean "b" > 0', "column `b` is boolean, and a number column is needed"),
    ('ColumnValues "s" = NULL', None),
    ('ColumnValues "s" in [1]', None),
    ('ColumnValues "s" != 1', None),
    ('ColumnValues "s" not between 1 and 2', None),
    ('ColumnDataType "s" != "Integer"', None),
    ('DataFreshness "s" < 1 days', None),
    ('DataFreshness "day" < 1 days', None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_cannot_be_compared(text: str, message: str | None) -> None:
    if message is None:
        bind(rule_of(text), {"primary": TABLE}, NOW)
        return
    with pytest.raises(DqError) as refused:
        bind(rule_of(text), {"primary": TABLE}, NOW)
    assert refused.value.message == message


NUMBERS = [
    ("f", Operator.EQ, "CAST(CAST(f AS TEXT) AS DOUBLE)"),
    ("f", Operator.GT, "CAST(CAST(f AS TEXT) AS DOUBLE)"),
    ("f", Operator.GE, "CAST(CAST(f AS TEXT) AS DOUBLE)"),
    ("f", Operator.LT, "CAST(CAST(f AS TEXT) AS DOUBLE)"),
    ("f", Operator.LE, "CAST(CAST(f AS TEXT) AS DOUBLE)"),
    ("f", Operator.IN, "TRY_CAST(f AS DOUBLE)"),
    ("f", Operator.NE, "TRY_CAST(f AS DOUBLE)"),
    ("d", Operator.EQ, "d"),
    ("i", Operator.EQ, "i"),
    ("i", Operator.IN, "i"),
    ("dec", Operator.IN, "dec"),
]


@pytest.mark.parametrize(("name", "operator", "sql"), NUMBERS)
def test_a_column_as_numbers(name: str, operator: Operator, sql: str) -> None:
    (found,) = TABLE.find(name)
    assert lower(as_number(found, operator), DUCKDB).sql(dialect="duckdb").replace('"', "") == sql


def test_a_text_as_numbers_is_read_as_spark_reads_it() -> None:
    """`10d` is ten and `1_0` is no number: more than a database's cast."""
    (found,) = TABLE.find("s")
    assert "[dDfF]" in lower(as_number(found, Operator.NE), DUCKDB).sql(dialect="duckdb")


@pytest.mark.parametrize(("pattern", "stops"), [(r"\bx", True), ("x", False), (r"[\\w]x", False)])
def test_a_pattern_with_a_word_boundary_stops_at_letters_beyond_ascii(pattern: str, stops: bool) -> None:
    predicate = bind(rule_of(f'ColumnValues "s" matches "{pattern}"'), {"primary": TABLE}, NOW).predicate()  # type: ignore[attr-defined]
    assert ("DQ_STOP" in predicate.sql()) is stops


@pytest.mark.parametrize(
    ("native", "sql"),
    [
        ("VARCHAR", "a"),
        ("BIGINT", "CAST(a AS TEXT)"),
        ("DATE", "CAST(a AS TEXT)"),
        ("TIMESTAMP WITH TIME ZONE", "TRY_CAST(TIMEZONE('UTC', a) AS TEXT)"),
        ("BLOB", "COALESCE(TRY(DECODE(a)), TRY_CAST(a AS TEXT))"),
    ],
)
def test_a_column_as_text(native: str, sql: str) -> None:
    found = as_text(Column("a", type_of(native), native))
    assert lower(found, DUCKDB).sql(dialect="duckdb").replace('"', "") == sql


OPERANDS = [
    ("1", "1"),
    ("-1.50", "(-1.50)"),
    ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ("123456789012345678901234567890123456789", "CAST(1.2345678901234568e+38 AS DOUBLE)"),
    ("1 + 2", "CAST(3.0 AS DOUBLE)"),
]


@pytest.mark.parametrize(("text", "sql"), OPERANDS)
def test_an_operand_as_a_number(text: str, sql: str) -> None:
    condition = rule_of(f'ColumnValues "i" = {text}').condition
    assert condition is not None
    assert numeric(condition.operands[0]).sql(dialect="duckdb") == sql


WIDE = [
    # the digits of the column and those behind the point of an operand are more than the 38 of a decimal
    ('ColumnValues "huge" > 5', False),
    ('ColumnValues "huge" > 0.5', True),
    ('ColumnValues "huge" > 5.0', True),
    ('ColumnValues "huge" > 1 + 1', True),
    ('ColumnValues "uhuge" > 5', False),
    ('ColumnValues "uhuge" > 0.5', True),
    ('ColumnValues "dec" > 0.1234567890', False),
    ('ColumnValues "dec" > 0.12345678901', True),
    ('ColumnValues "dec" > 5', False),
    ('ColumnValues "i" > 0.5', False),
    ('ColumnValues "dec" in [1, 0.12345678901]', True),
]


@pytest.mark.parametrize(("text", "doubles"), WIDE)
def test_digits_that_no_decimal_has_are_compared_as_doubles(text: str, doubles: bool) -> None:
    predicate = bind(rule_of(text), {"primary": TABLE}, NOW).predicate()  # type: ignore[attr-defined]
    assert ("DOUBLE" in predicate.sql(dialect="duckdb")) is doubles


GRAINS = [
    ("(now() - 2 days)", "2026-03-07", "2026-03-07"),
    ("(now() - 2 hours)", "2026-03-09 21:30:00", "2026-03-09"),
    ("(now() + 45 minutes)", "2026-03-10 00:15:00", "2026-03-10"),
    ("now()", "2026-03-09", "2026-03-09"),
    ('"9:30 AM"', "2026-03-09 09:30:00", "2026-03-09"),
    ('"2026-03-09"', "2026-03-09", "2026-03-09"),
]


@pytest.mark.parametrize(("operand", "instant", "day"), GRAINS)
def test_instants_are_compared_by_day_unless_an_operand_is_finer(operand: str, instant: str, day: str) -> None:
    for name, expected in (("at", instant), ("tz", instant), ("day", day), ("s", day)):
        predicate = bind(rule_of(f'ColumnValues "{name}" > {operand}'), {"primary": TABLE}, NOW).predicate()  # type: ignore[attr-defined]
        finer = "TIMESTAMP" if ":" in expected else "DATE"
        assert predicate.expression.sql(dialect="duckdb") == f"CAST('{expected}' AS {finer})", name


def test_no_text_is_a_date_in_a_format_that_is_none() -> None:
    rule = bind(rule_of('ColumnDataType "s" = "Date" with format = "yy"'), {"primary": TABLE}, NOW)
    assert rule.predicate().sql() == "FALSE"  # type: ignore[attr-defined]


EXTREMES = [
    ('ColumnValues "i" > 1', (True, False)),
    ('ColumnValues "i" >= 1', (True, False)),
    ('ColumnValues "i" < 1', (False, True)),
    ('ColumnValues "i" <= 1', (False, True)),
    ('ColumnValues "i" = 1', (True, True)),
    ('ColumnValues "i" = NULL', (True, True)),
    ('ColumnValues "s" = NULL', None),
    ('ColumnValues "i" != 1', None),
    ('ColumnValues "i" in [1]', None),
    ('ColumnValues "i" between 1 and 2', None),
    ('ColumnValues "i" = "1"', None),
    ('ColumnValues "s" = "a"', None),
    ('ColumnValues "at" > "2026-01-01"', None),
]


@pytest.mark.parametrize(("text", "ends"), EXTREMES)
def test_which_extremes_are_measured_beside_a_share(text: str, ends: tuple[bool, bool] | None) -> None:
    """The least value where it must not be too small, the greatest where it must not be too great."""
    metrics = bind(rule_of(text), {"primary": TABLE}, NOW).metrics()
    found = [(each.low, each.high) for each in metrics if isinstance(each, Bounds)]
    assert found == ([] if ends is None else [ends])


def rule_of(text: str) -> Rule:
    (rule,) = parse(f"Rules = [ {text} ]").rules
    assert isinstance(rule, Rule)
    return rule
