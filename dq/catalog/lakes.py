"""What Iceberg and Delta tables share: conditions on typed columns, names, types as DuckDB gives them, errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dq.catalog.selection import PartitionFilter
from dq.diagnostics import DataError, DqError
from dq.files.names import hidden
from dq.schema import Column, Schema
from dq.sources.memory import unique_names
from dq.sources.types import type_of

if TYPE_CHECKING:
    import pyarrow as pa

MOST_VERSIONS = 20
"""How many snapshots or versions a description tells."""

_SECRET = re.compile(r"(?i)key|secret|token|password|credential|signature")


@contextmanager
def told(what: str, secrets: Iterable[str] = (), *, help: str = "") -> Iterator[None]:
    """Turn whatever a library raises into an error about `what`, in its words and without a credential."""
    try:
        yield
    except DqError:
        raise
    except Exception as error:  # noqa: BLE001 - libraries of libraries; what they say may hold a credential, so no cause
        raise DataError(f"{what} cannot be read: {said(error, secrets)}", help=help) from None


def said(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """The words of a library in one line, without a credential."""
    driver = getattr(error, "orig", None) or error  # SQLAlchemy adds its query to what the driver says
    text = re.sub(r"\x1b\[[\d;]*m|↳", "", str(driver)) or type(error).__name__
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return hidden(text)


def secrets_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of settings that may be credentials."""
    named = [str(value) for name, value in settings.items() if _SECRET.search(name) and value]
    urls = (urlsplit(str(value)) for value in settings.values() if "://" in str(value))
    return (*named, *(url.password for url in urls if url.password))


def shown(properties: Mapping[str, Any]) -> dict[str, str]:
    """Properties that may be shown: none whose name says that it is a credential."""
    return {name: hidden(str(value)) for name, value in properties.items() if not _SECRET.search(name)}


# -- names ---------------------------------------------------------------------------------------------


# -- types ---------------------------------------------------------------------------------------------


def schema_of(schema: pa.Schema) -> Schema:
    """The columns of Arrow data in the terms of a rule."""
    import duckdb

    with duckdb.connect() as connection:
        connection.register("empty", schema.empty_table())
        rows = connection.execute("DESCRIBE empty").fetchall()
    return Schema(tuple(Column(row[0], type_of(row[1]), row[1]) for row in rows))


def readable(schema: pa.Schema) -> pa.Schema:
    """A schema with names of their own, in letters of any case, and types that DuckDB takes.

    A decimal of more than 38 digits keeps 38, and a column of nothing but NULLs is text.
    """
    import pyarrow as pa

    def type_for(kind: Any) -> Any:
        if pa.types.is_decimal256(kind):
            return pa.decimal128(38, kind.scale)
        return pa.float32() if pa.types.is_float16(kind) else pa.string() if pa.types.is_null(kind) else kind

    names = unique_names(schema.names)
    return pa.schema([pa.field(name, type_for(field.type)) for name, field in zip(names, schema, strict=True)])


def renamed(schema: pa.Schema) -> tuple[str, ...]:
    """A note about columns that differ in letter case only; none where there are none."""
    pairs = zip(schema.names, unique_names(schema.names), strict=True)
    new = [f'"{old}" to "{name}"' for old, name in pairs if old != name]
    return (f"renamed, as letters of any case are equal: {', '.join(new[:5])}",) if new else ()


@contextmanager
def stream(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, what: str, secrets: Iterable[str]
) -> Iterator[pa.RecordBatchReader]:
    """Batches as a reader; their columns stand in the order of a schema and become of its names and types.

    What fails in the middle of it is told once more in our words when the reading ends, since whoever pulls the stream
    wraps the error in words of their own.
    """
    import pyarrow as pa

    failed: list[DqError] = []

    def made() -> Iterator[pa.RecordBatch]:
        try:
            with told(what, secrets):
                for batch in batches:
                    columns = [
                        column if column.type == field.type else column.cast(field.type)
                        for column, field in zip(batch.columns, schema, strict=True)
                    ]
                    yield pa.RecordBatch.from_arrays(columns, schema=schema)
        except DqError as error:
            failed.append(error)
            raise

    try:
        yield pa.RecordBatchReader.from_batches(schema, made())
    except Exception:
        if failed:
            raise failed[0] from None
        raise


# -- conditions ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a text means of a typed column: one value, or all from `low` up to and without `high`."""

    low: Any
    high: Any = None


Condition = tuple[str, Any]
"""A comparison with a value: `=`, `!=`, `<`, `<=`, `>`, `>=`."""


def conditions(wanted: PartitionFilter, bounds: Callable[[str], Bounds]) -> list[list[Condition]]:
    """A filter as alternatives, each of which is comparisons that must all hold. NULL meets none of them."""
    first = bounds(wanted.values[0])
    match wanted.operator:
        case "=" | "in":
            return [_within(bounds(value)) for value in wanted.values]
        case "!=":
            return [[("!=", first.low)]] if first.high is None else [[("<", first.low)], [(">=", first.high)]]
        case "between":
            return [[(">=", first.low), _up_to(bounds(wanted.values[1]))]]
        case "<" | ">=":
            return [[(wanted.operator, first.low)]]
        case "<=":
            return [[_up_to(first)]]
        case _:
            return [[(">", first.low) if first.high is None else (">=", first.high)]]


def _within(bounds: Bounds) -> list[Condition]:
    return [("=", bounds.low)] if bounds.high is None else [(">=", bounds.low), ("<", bounds.high)]


def _up_to(bounds: Bounds) -> Condition:
    return ("<=", bounds.low) if bounds.high is None else ("<", bounds.high)


_PERIODS = (
    (re.compile(r"\d{4}"), "-01-01"),
    (re.compile(r"\d{4}-\d{2}"), "-01"),
    (re.compile(r"\d{4}-\d{2}-\d{2}"), ""),
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}"), ":00"),
)


def dates(text: str) -> Bounds:
    """The days that a text means: a year, a month or a day.

    Raises:
        DqError: it means none.
    """
    period = instants(text)
    if period.high is None or period.high - period.low < timedelta(days=1):
        raise DqError(f"`{text}` is no date", help="write a day, a month or a year: 2026-11-01, 2026-11, 2026")
    low, high = period.low.date(), period.high.date()
    return Bounds(low) if high - low == timedelta(days=1) else Bounds(low, high)


def instants(text: str) -> Bounds:
    """The instants that a text means: a year, a month, a day or an hour as a whole, else one instant.

    Without a zone they have none.

    Raises:
        DqError: it means none.
    """
    try:
        for length, (pattern, rest) in enumerate(_PERIODS):
            if pattern.fullmatch(text):
                low = datetime.fromisoformat(text + rest)
                return Bounds(low, _after(low, length))
        return Bounds(datetime.fromisoformat(text))
    except ValueError:
        raise DqError(
            f"`{text}` is no date or instant", help="write ISO 8601, such as 2026-11-01 or 2026-11-01T12:00:00"
        ) from None


def _after(low: datetime, length: int) -> datetime:
    """Where the period that begins at `low` ends: a year, a month, a day or an hour."""
    if length == 0:
        return low.replace(year=low.year + 1)
    if length == 1:
        return low.replace(year=low.year + low.month // 12, month=low.month % 12 + 1)
    return low + (timedelta(days=1) if length == 2 else timedelta(hours=1))


def in_zone(bounds: Bounds, *, aware: bool) -> Bounds:
    """The same with instants in UTC, or without a zone.

    Raises:
        DqError: a zone is given where the column has none.
    """

    def moved(value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        if aware:
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if value.tzinfo is not None:
            raise DqError(f"`{value.isoformat()}` has a zone, and the column has none", help="leave the zone out")
        return value

    return Bounds(moved(bounds.low), moved(bounds.high))


def number(kind: Callable[[str], Any], called: str) -> Callable[[str], Bounds]:
    """A reader of texts that mean one value, which is not NaN."""

    def read(text: str) -> Bounds:
        try:
            value = kind(text)
        except (ValueError, ArithmeticError):
            value = None
        if value is None or value != value:
            raise DqError(f"`{text}` is no {called}")
        return Bounds(value)

    return read


def decimal(text: str, scale: int) -> Bounds:
    """The number of a text in the decimals of a column.

    Raises:
        DqError: it is none, or has more decimals.
    """
    value = number(Decimal, "number")(text).low
    try:
        exact = value.quantize(Decimal(1).scaleb(-scale))
    except ArithmeticError:
        exact = None
    if exact != value:
        raise DqError(f"`{text}` is no number with {scale} decimals")
    return Bounds(exact)


def boolean(text: str) -> bool:
    """The truth value of a text.

    Raises:
        ValueError: it is none.
    """
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def iso(value: date | datetime) -> str:
    """A day or an instant as a person reads it."""
    return value.isoformat(sep=" ", timespec="milliseconds") if isinstance(value, datetime) else value.isoformat()
