"""What catalogs of databases share: names, the rows that are selected, and rows of Python as Arrow."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import pyarrow as pa

from dq.catalog.names import find as find_name
from dq.catalog.selection import LATEST, PartitionFilter, Selection
from dq.diagnostics import DataError, DqError
from dq.lazy import exp
from dq.schema import Column, Schema
from dq.sources.types import type_of

T = TypeVar("T")
Filter = TypeVar("Filter", "Condition", PartitionFilter)

BATCH_ROWS = 20_000
"""Rows that are asked of a driver at once, and become one batch."""

TIMEOUT = 300.0
"""Seconds that one statement may take, unless the catalog says otherwise."""


def seconds(settings: Mapping[str, Any]) -> float:
    """How long one statement may take.

    Raises:
        DqError: no time at all.
    """
    timeout = float(settings.get("timeout", TIMEOUT))
    if not timeout > 0:
        raise DqError(f"`timeout` cannot be {timeout:g}", help="give a number of seconds above 0")
    return timeout


# -- names ---------------------------------------------------------------------------------------------


def named(name: str, among: Mapping[str, T], what: str, where: str) -> T:
    """What has a name, letters exactly so, else the only one that differs in letter case.

    Raises:
        DataError: there is none, with the nearest names; or several, which differ in letter case.
    """
    return among[find_name(name, among, what, where)]


# -- who reads -----------------------------------------------------------------------------------------


class Shared(ABC):
    """What stays open while somebody holds it, such as a connection within its one transaction."""

    def __init__(self) -> None:
        self._users: set[int] = set()

    def hold(self, user: object) -> None:
        """Keep it open until this user, too, lets it go."""
        self._users.add(id(user))

    def let_go(self, user: object) -> None:
        """Close it, unless others hold it."""
        self._users.discard(id(user))
        if not self._users:
            self.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep it open inside."""
        user = object()
        self.hold(user)
        try:
            yield
        finally:
            self.let_go(user)

    @abstractmethod
    def close(self) -> None:
        """Close it. Harmless when repeated."""


# -- columns -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """A column as it arrives here: its name, its type, and what makes an array of the values that a driver gives."""

    name: str
    type: pa.DataType
    convert: Callable[[Sequence[Any]], pa.Array]


def schema_of(fields: Iterable[Field]) -> pa.Schema:
    """The columns as Arrow knows them."""
    return pa.schema([(each.name, each.type) for each in fields])


def natives(schema: pa.Schema) -> dict[str, str]:
    """DuckDB's names of the types of columns, by the names of the columns."""
    import duckdb

    with duckdb.connect() as connection:
        relation = connection.from_arrow(schema.empty_table())
        return dict(zip(schema.names, map(str, relation.types), strict=True))


def described(schema: pa.Schema) -> Schema:
    """The columns as rules know them."""
    return Schema(tuple(Column(name, type_of(native), native) for name, native in natives(schema).items()))


def plain(of: pa.DataType) -> Callable[[Sequence[Any]], pa.Array]:
    """Makes an array of a type of values that Arrow takes as they are."""
    return lambda values: pa.array(values, of)


def parsed(of: pa.DataType, held: pa.DataType | None = None) -> Callable[[Sequence[Any]], pa.Array]:
    """Makes an array of a type of values that arrive as texts, or as another type than they have in the end."""
    return lambda values: pa.array(values, held or pa.string()).cast(of)


def as_reader(fields: Sequence[Field], batches: Iterable[Sequence[tuple[Any, ...]]]) -> pa.RecordBatchReader:
    """Rows of a driver as Arrow. A value that does not fit its column raises, with the column's name."""
    schema = schema_of(fields)

    def converted() -> Iterator[pa.RecordBatch]:
        for rows in batches:
            arrays = [_array(field, values) for field, values in zip(fields, zip(*rows, strict=True), strict=True)]
            yield pa.record_batch(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, converted())


def _array(field: Field, values: Sequence[Any]) -> pa.Array:
    try:
        return field.convert(values)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise DataError(f"column `{field.name}`: {str(error).partition(chr(10))[0]}") from error


# -- the rows that are selected ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter whose values have the type of its column; `latest` has none."""

    column: str
    operator: str
    values: tuple[Any, ...]


def check_version(selection: Selection, what: str) -> None:
    """Refuse a version of what has one only.

    Raises:
        DqError: a snapshot or an instant is selected.
    """
    if selection.snapshot is not None or selection.as_of is not None:
        raise DqError(
            f"{what} have one version, the present one: a snapshot or an instant cannot be chosen",
            help="leave out the snapshot and the instant; rows can be chosen by `column=value`",
        )


def conditions(selection: Selection, types: Mapping[str, pa.DataType], table: str) -> tuple[Condition, ...]:
    """The filters of a selection with values of the types of their columns, `latest` behind all others.

    Raises:
        DataError: there is no such column.
        DqError: a text is no value of the column's type, or the type cannot be compared.
    """
    found = []
    for each in selection.partitions:
        column = named(each.column, {name: name for name in types}, "column", table)
        values = tuple(typed(text, types[column], column) for text in each.values)
        if each.operator == LATEST:
            typed_name(types[column], column)
        found.append(Condition(column, each.operator, values))
    return in_order(found)


def in_order(filters: Iterable[Filter]) -> tuple[Filter, ...]:
    """Filters with `latest` behind all others, which come first in it."""
    return tuple(sorted(filters, key=lambda each: each.operator == LATEST))


def typed(text: str, of: pa.DataType, column: str) -> Any:
    """A text as a value of a type: dates and instants in ISO 8601, without a zone in UTC; `true` and `false`.

    Raises:
        DqError: it is none, or the type cannot be compared.
    """
    read = _READ[typed_name(of, column)]
    try:
        return read(text)
    except (ValueError, InvalidOperation):
        raise DqError(f"`{text}` is no value of the column `{column}`, which is {of}") from None


def typed_name(of: pa.DataType, column: str) -> str:
    """Which of the types that can be compared a type is.

    Raises:
        DqError: it is none of them.
    """
    for name, test in _TESTS.items():
        if test(of):
            return name
    raise DqError(f"rows cannot be chosen by the column `{column}`, which is {of}", help="use a column of another type")


_TESTS: dict[str, Callable[[pa.DataType], bool]] = {
    "boolean": pa.types.is_boolean,
    "integer": pa.types.is_integer,
    "decimal": pa.types.is_decimal,
    "float": pa.types.is_floating,
    "date": pa.types.is_date,
    "instant": lambda of: pa.types.is_timestamp(of) and of.tz is not None,
    "timestamp": pa.types.is_timestamp,
    "text": pa.types.is_string,
}


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError
    return value


def _in_utc(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def _boolean(text: str) -> bool:
    if text.casefold() not in ("true", "false"):
        raise ValueError
    return text.casefold() == "true"


_READ: dict[str, Callable[[str], Any]] = {
    "boolean": _boolean,
    "integer": int,
    "decimal": _decimal,
    "float": _finite,
    "date": date.fromisoformat,
    "instant": _in_utc,
    "timestamp": _in_utc,
    "text": str,
}


def where(
    filters: Iterable[Condition] | Iterable[PartitionFilter],
    table: exp.Expr,
    column: Callable[[str], exp.Expr],
    literal: Callable[[Any, str], exp.Expr],
) -> exp.Expr | None:
    """Filters in order as one condition in the SQL of a database; None if there is none. A NULL meets no filter.

    `column` gives what is compared of a column, and `literal` a value to compare it with.
    """
    made: exp.Expr | None = None
    for each in filters:
        values = [literal(value, each.column) for value in each.values]
        if each.operator == LATEST:
            newest = exp.select(exp.Max(this=column(each.column))).from_(table.copy())
            values = [exp.Subquery(this=newest.where(made.copy()) if made is not None else newest)]
        one = _compared(each.operator, column(each.column), values)
        made = one if made is None else exp.And(this=made, expression=one)
    return made


def _compared(operator: str, left: exp.Expr, values: list[exp.Expr]) -> exp.Expr:
    if operator == "in":
        return exp.In(this=left, expressions=values)
    if operator == "between":
        return exp.Between(this=left, low=values[0], high=values[1])
    comparison = {"!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}.get(operator, exp.EQ)
    return comparison(this=left, expression=values[0])
