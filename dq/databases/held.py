"""The columns of a database's table: how each is read, so that what arrives and what queries see is the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from dq.casts import digits_of
from dq.lazy import exp
from dq.schema import Column, Schema
from dq.sources.types import type_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Held:
    """A column: its name here, DuckDB's name of the type in which it arrives, and its value in the database's SQL.

    The value gives texts a collation that compares code points. `note` says what a user should know of how it is read.
    """

    name: str
    native: str
    value: exp.Expr
    note: str = ""


@dataclass(frozen=True)
class HeldTable:
    """The rows of a table that are selected, as queries see them.

    `source` is the table in the database's SQL, `where` the condition of a selection.
    """

    held: tuple[Held, ...]
    source: exp.Table
    where: exp.Expr | None = None
    _by_name: dict[str, Held] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name.update((each.name, each) for each in self.held)

    @cached_property
    def natives(self) -> Mapping[str, str]:
        """DuckDB's name of the type of each column."""
        return {each.name: each.native for each in self.held}

    @cached_property
    def columns(self) -> Schema:
        """The columns, in DuckDB's types."""
        return Schema(tuple(Column(each.name, type_of(each.native), each.native) for each in self.held))

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns, in Arrow's types."""
        import pyarrow as pa

        return pa.schema([(each.name, arrow_type(each.native)) for each in self.held])

    def select(self, columns: Sequence[str], /) -> exp.Select:
        """The rows that are selected, with these columns; one constant without columns."""
        named = [(self._by_name[name].value.copy(), name) for name in columns] or [(exp.Literal.number(1), "one")]
        select = exp.select(*(exp.alias_(value, name, quoted=True) for value, name in named)).from_(self.source.copy())
        return select if self.where is None else select.where(self.where.copy())


def arrow_type(native: str) -> pa.DataType:
    """Arrow's type that DuckDB reads as the type of this name."""
    import pyarrow as pa

    if native.endswith("[]"):
        return pa.list_(arrow_type(native[:-2]))
    if digits := digits_of(native) if native.startswith("DECIMAL") else None:
        return pa.decimal128(*digits)
    return {
        "BOOLEAN": pa.bool_(),
        "SMALLINT": pa.int16(),
        "INTEGER": pa.int32(),
        "BIGINT": pa.int64(),
        "UBIGINT": pa.uint64(),
        "FLOAT": pa.float32(),
        "DOUBLE": pa.float64(),
        "VARCHAR": pa.string(),
        "BLOB": pa.binary(),
        "DATE": pa.date32(),
        "TIME": pa.time64("us"),
        "TIMESTAMP": pa.timestamp("us"),
        "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
        "INTERVAL": pa.month_day_nano_interval(),
    }[native]


def distinct_names(names: Sequence[str]) -> list[str]:
    """Names of which no two differ in letter case only, as DuckDB makes them: of `a` and `A`, `A` becomes `A_1`."""
    found: dict[str, None] = {}
    for name in names:
        other, at = name, 0
        while other.lower() in {each.lower() for each in found} or (at and other in names):
            at += 1
            other = f"{name}_{at}"
        found[other] = None
    return list(found)
