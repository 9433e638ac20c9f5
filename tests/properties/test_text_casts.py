"""Casts of text against a plain reading of Spark's parsers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import duckdb
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from spark_text import BLANKS, day, decimal_of, instant, real, truth, whole

from dq import casts
from dq.engines.functions import DUCKDB, lower
from dq.lazy import exp
from dq.schema import Type

CON = duckdb.connect()
CON.execute("set timezone = 'UTC'")
SPELLED = st.one_of(
    st.text("0123456789+-. eE_dfxTZ:/\t\x01", max_size=12),
    st.from_regex(r"[ \t]?[+-]?[0-9]{1,20}(\.[0-9]{0,4})?([eE][+-]?[0-9]{1,3})?[dDfF ]?", fullmatch=True),
    st.from_regex(r"[ +-]?[0-9]{3,7}(-[0-9]{1,2}(-[0-9]{1,2}([ T].{0,6})?)?)?[ -]?", fullmatch=True),
    st.from_regex(
        r"20[0-2][0-9]-1?[0-9]-[0-3]?[0-9][ T][0-2]?[0-9](:[0-6]?[0-9](:[0-6]?[0-9](\.[0-9]{0,8})?)?)? ?",
        fullmatch=True,
    ),
    st.sampled_from(
        [
            "true",
            "FALSE",
            "t",
            "Y",
            "yes",
            "no",
            "1",
            "0",
            "nan",
            "NaN",
            "-NaN",
            "+nan",
            "inf",
            "-Infinity",
            "+INF",
            ".",
            "-.",
            "+.5",
            "1.",
            "1_0",
            "0x1F",
            "1e400",
            "infinity",
            "epoch",
            "2024-02-30",
        ]
    ),
    st.text(max_size=8).filter(lambda value: "\x00" not in value and value.isprintable()),
)


@lru_cache
def query(name: str) -> str:
    column = exp.column("v", quoted=True)
    built = lower(casts.cast(column, Type.STRING, casts.target(name)), DUCKDB).sql("duckdb")
    able = lower(casts.castable(column, Type.STRING, name), DUCKDB).sql("duckdb")
    return f"select {built}, {able} from (select unnest(?::varchar[]) as v)"


def cast_all(values: list[str], name: str) -> list[Any]:
    rows = CON.execute(query(name), [values]).fetchall()
    assert [row[1] for row in rows] == [row[0] is not None for row in rows]
    return [row[0] for row in rows]


READERS: dict[str, Callable[[str], Any]] = {
    "integer": lambda value: whole(value, 32),
    "long": lambda value: whole(value, 64),
    "double": real,
    "decimal(5,2)": lambda value: decimal_of(value, 5, 2),
    "boolean": truth,
    "date": day,
    "timestamp": instant,
}


def sayable(value: str) -> bool:
    """Whether Python has the year, and the reader above knows the form: no zone, no bare time of day."""
    year = re.match(rf"[{re.escape(BLANKS)}]*([+-]?)([0-9]+)", value)
    zoned = re.search(r":[0-9]+(?:\.[0-9]*)?\s*[A-Za-z+-]", value)
    clock = re.match(rf"[{re.escape(BLANKS)}]*(?:T|[0-9]{{1,2}}:)", value)
    return not zoned and not clock and not (year and (year[1] == "-" or int(year[2]) > 9999 or int(year[2]) == 0))


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=examples(25), deadline=None)
@given(values=st.lists(SPELLED, min_size=10, max_size=40))
def test_text_is_read_as_spark_reads_it(name: str, values: list[str]) -> None:
    if name in ("date", "timestamp"):
        values = [value for value in values if sayable(value)]
    expected = [READERS[name](value) for value in values]
    differences = [
        (value, was, is_)
        for value, was, is_ in zip(values, expected, cast_all(values, name), strict=True)
        if is_ != was and not (is_ != is_ and was != was)
    ]
    assert differences == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-01T10:00:00Z", "2024-01-01 10:00:00"),
        ("2024-01-01 10:00:00+02:00", "2024-01-01 08:00:00"),
        ("2024-01-01 10:00:00+2", "2024-01-01 08:00:00"),
        ("2024-01-01 10:00:00.5 UTC", "2024-01-01 10:00:00.5"),
        ("2024-07-01 10:00:00 Europe/Paris", "2024-07-01 08:00:00"),
        ("2024-01-01 10:00:00 Nowhere/Land", None),
        ("2024-01-01 10:00Z", None),
        ("2024-01-01 24:00:00", None),
        ("2024-01-01T", None),
        ("1704067200", None),
    ],
)
def test_zones(value: str, expected: str | None) -> None:
    (found,) = cast_all([value], "timestamp")
    assert found == (datetime.fromisoformat(expected) if expected else None)


@pytest.mark.parametrize(
    "value",
    [
        "2024-02-29", "2023-02-29", "2024-13-01", "0000-01-01", "0001-01-01", "9999-12-31", "2024-1-5", "2024-02-29 23:59:59",
        "2024-02-29T00:00:00", "2024-02-29 24:00:00", "2024-02-29 23:59:60", "2024-02-29 10:00:00.5", "2024-02-29 10:00:00.123456",
        "2024-02-29 10:00:00.1234567", "2024-02-29 10:00:00.", "2024-02-29 10:00", "2024-02-29 10:00:00Z", " 2024-02-29", "noon",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["date", "timestamp"])
def test_a_literal_is_read_as_a_value_of_a_column_is(name: str, value: str) -> None:
    built = lower(casts.cast(casts.text(value), Type.STRING, casts.target(name)), DUCKDB).sql("duckdb")
    assert CON.execute(f"select {built}").fetchall() == [(each,) for each in cast_all([value], name)]


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        ("1.5", "1.5"), ("100", "100.0"), ("0.001", "0.001"), ("1e7", "1.0E7"), ("12345678.9", "1.23456789E7"), ("1e-4", "1.0E-4"),
        ("1.5e-7", "1.5E-7"), ("-2.5e20", "-2.5E20"), ("123456789012", "1.23456789012E11"), ("0.00025", "2.5E-4"), ("nan", "NaN"),
        ("-inf", "-Infinity"), ("9999999", "9999999.0"), ("1e100", "1.0E100"), ("-0.0005", "-5.0E-4"),
    ],
)  # fmt: skip
def test_a_double_is_spelled_as_java_spells_it(spelled: str, expected: str) -> None:
    built = lower(casts.cast(exp.column("v", quoted=True), Type.FLOAT, casts.target("string")), DUCKDB).sql("duckdb")
    assert CON.execute(f"select {built} from (select ?::double as v)", [spelled]).fetchone() == (expected,)


@pytest.mark.parametrize(
    ("source", "spelled", "name", "expected"),
    [
        (Type.FLOAT, "1.9::double", "integer", 1), (Type.FLOAT, "-1.9::double", "integer", -1), (Type.FLOAT, "'nan'::double", "long", 0),
        (Type.FLOAT, "1e20::double", "long", 2**63 - 1), (Type.FLOAT, "-1e20::double", "integer", -(2**31)),
        (Type.INTEGER, "2147483648::bigint", "integer", -(2**31)), (Type.DECIMAL, "1.99::decimal(5,2)", "integer", 1),
        (Type.FLOAT, "1.005::double", "decimal(5,2)", Decimal("1.01")), (Type.FLOAT, "1e9::double", "decimal(5,2)", None),
        (Type.BOOLEAN, "true", "integer", 1), (Type.DATE, "date '2024-01-01'", "integer", None), (Type.INTEGER, "0", "boolean", False),
        (Type.TIMESTAMP, "timestamp '1970-01-02 00:00:01'", "long", 86401), (Type.INTEGER, "86401", "timestamp", datetime(1970, 1, 2, 0, 0, 1)),
        (Type.TIMESTAMP, "timestamp '2024-01-02 03:04:05'", "date", date(2024, 1, 2)), (Type.INTEGER, "5", "date", None),
    ],
)  # fmt: skip
def test_values_that_are_no_text(source: Type, spelled: str, name: str, expected: object) -> None:
    column = exp.column("v", quoted=True)
    built = lower(casts.cast(column, source, casts.target(name)), DUCKDB).sql("duckdb")
    able = lower(casts.castable(column, source, name), DUCKDB).sql("duckdb")
    assert CON.execute(f"select {built}, {able} from (select {spelled} as v)").fetchone() == (
        expected,
        expected is not None,
    )
