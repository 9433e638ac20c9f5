"""What Iceberg and Delta tables share: what a filter's text means of a typed column, names, and what may be shown."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from dq.catalog import lakes
from dq.catalog.lakes import Bounds, conditions, dates, decimal, instants
from dq.catalog.selection import partition_filter
from dq.diagnostics import DqError
from dq.schema import Type

FIRST, SECOND = datetime(2026, 11, 1), datetime(2026, 11, 2)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2026", datetime(2026, 1, 1), datetime(2027, 1, 1)),
        ("2026-11", FIRST, datetime(2026, 12, 1)),
        ("2026-12", datetime(2026, 12, 1), datetime(2027, 1, 1)),
        ("2026-11-01", FIRST, SECOND),
        ("2026-11-01T05", datetime(2026, 11, 1, 5), datetime(2026, 11, 1, 6)),
        ("2026-11-01 23", datetime(2026, 11, 1, 23), SECOND),
        ("2026-11-01T05:30", datetime(2026, 11, 1, 5, 30), None),
        ("2026-11-01T05:30:00Z", datetime(2026, 11, 1, 5, 30, tzinfo=UTC), None),
    ],
)
def test_a_text_means_an_instant_or_a_whole_period(text: str, low: datetime, high: datetime | None) -> None:
    assert instants(text) == Bounds(low, high)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2026-11-01", date(2026, 11, 1), None),
        ("2026-11", date(2026, 11, 1), date(2026, 12, 1)),
        ("2024", date(2024, 1, 1), date(2025, 1, 1)),
    ],
)
def test_a_text_means_days(text: str, low: date, high: date | None) -> None:
    assert dates(text) == Bounds(low, high)


@pytest.mark.parametrize(
    "text", ["2026-11-01T05", "2026-11-01T05:30", "2026-13", "2026-02-30", "today", "", "20261101x"]
)
def test_what_is_no_day_is_an_error(text: str) -> None:
    with pytest.raises(DqError, match="is no date"):
        dates(text)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("ts=2026-11-01", [[(">=", FIRST), ("<", SECOND)]]),
        ("ts!=2026-11-01", [[("<", FIRST)], [(">=", SECOND)]]),
        ("ts<2026-11-01", [[("<", FIRST)]]),
        ("ts<=2026-11-01", [[("<", SECOND)]]),
        ("ts>2026-11-01", [[(">=", SECOND)]]),
        ("ts>=2026-11-01", [[(">=", FIRST)]]),
        ("ts=2026-11-01..2026-11-01", [[(">=", FIRST), ("<", SECOND)]]),
        ("ts=2026-11-01,2026-11-02T00:00", [[(">=", FIRST), ("<", SECOND)], [("=", SECOND)]]),
        ("ts=2026-11-02T00:00", [[("=", SECOND)]]),
        ("ts!=2026-11-02T00:00", [[("!=", SECOND)]]),
        ("ts<=2026-11-02T00:00", [[("<=", SECOND)]]),
        ("ts>2026-11-02T00:00", [[(">", SECOND)]]),
    ],
)
def test_a_filter_becomes_comparisons(wanted: str, expected: Any) -> None:
    assert conditions(partition_filter(wanted), instants) == expected


def test_numbers_keep_the_decimals_of_their_column() -> None:
    assert decimal("1.5", 2) == Bounds(Decimal("1.50"))
    for text in ("1.555", "NaN", "Infinity", "x", "9" * 40):
        with pytest.raises(DqError, match="is no number"):
            decimal(text, 2)


def test_a_zone_is_no_part_of_a_column_without_one() -> None:
    assert lakes.in_zone(instants("2026-11-01T05:30"), aware=True).low.tzinfo is UTC
    with pytest.raises(DqError, match="has a zone"):
        lakes.in_zone(instants("2026-11-01T05:30+02:00"), aware=False)


def test_columns_have_names_and_types_that_duckdb_takes() -> None:
    given = pa.schema([("a", pa.decimal256(50, 2)), ("A", pa.null()), ("h", pa.float16()), ("n", pa.int8())])
    found = lakes.readable(given)
    assert found.names == ["a", "A_1", "h", "n"]
    assert [each.type for each in lakes.schema_of(found)] == [Type.DECIMAL, Type.STRING, Type.FLOAT, Type.INTEGER]
    assert lakes.renamed(given) == ('renamed, as letters of any case are equal: "A" to "A_1"',)


def test_credentials_are_not_shown() -> None:
    secrets = lakes.secrets_of(
        {"secret_key": "hush1", "uri": "postgresql://me:hush2@host/db", "token": "hush3", "x": 1}
    )
    error = ValueError("hush1 of postgresql://me:hush2@host/db was refused, as hush3\nis wrong")
    assert lakes.said(error, secrets) == "… of postgresql://host/db was refused, as … is wrong"
    assert lakes.shown({"owner": "me", "s3.secret-access-key": "hush"}) == {"owner": "me"}
