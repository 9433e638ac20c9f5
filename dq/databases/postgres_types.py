"""The types of PostgreSQL: in which of DuckDB's types a column arrives, and the expression that gives it so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dq.databases.held import Held
from dq.lazy import exp


@dataclass(frozen=True, slots=True)
class PostgresColumn:
    """A column as the server's catalog knows it.

    `said` is how the server writes its type; `base` is the type below all domains, and `modifier` that one's modifier,
    -1 for none. `member` is the type of the members of an array.
    """

    name: str
    said: str
    base: str
    modifier: int = -1
    kind: str = "b"
    member: str = ""


_AS_THEY_ARE = {
    "bool": "BOOLEAN",
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "bytea": "BLOB",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "interval": "INTERVAL",
}

_TEXTS = frozenset({"text", "varchar", "bpchar", "name", "char", "uuid", "json", "jsonb", "citext"})
"""Types that are texts to a rule: nothing is lost by saying them as text. A `char(n)` loses its blanks at the end."""

_MEMBERS = {each: _AS_THEY_ARE[each] for each in ("bool", "int2", "int4", "int8", "float4", "float8")}


def held(column: PostgresColumn, name: str) -> Held:
    """How a column is read, under the name that it has here."""
    value = exp.column(column.name, quoted=True)
    if column.base in _AS_THEY_ARE:
        return Held(name, _AS_THEY_ARE[column.base], value)
    if column.base in _TEXTS or column.kind == "e":
        return Held(name, "VARCHAR", _text(value))
    special = _SPECIAL.get(column.base)
    if special is not None:
        return special(name, value, column)
    if column.member:
        return _array(name, value, column)
    return Held(name, "VARCHAR", _text(value), f"`{name}` is {column.said}, read as text")


def _text(value: exp.Expr) -> exp.Expr:
    """A text whose collation compares code points."""
    return exp.Collate(this=_cast(value, "text"), expression=exp.to_identifier("C", quoted=True))


def _cast(value: exp.Expr, name: str) -> exp.Expr:
    return exp.Cast(this=value.copy(), to=exp.DataType.build(name, dialect="postgres", udt=True))


def digits(modifier: int) -> tuple[int, int] | None:
    """Precision and scale of a numeric; None where it has none. The scale may be negative, or above the precision."""
    if modifier < 4:
        return None
    scale = (modifier - 4) & 0x7FF
    return ((modifier - 4) >> 16) & 0xFFFF, scale - 0x800 if scale >= 0x400 else scale


def _numeric(name: str, value: exp.Expr, column: PostgresColumn) -> Held:
    """A decimal where one holds each value, else a double."""
    found = digits(column.modifier)
    if found is not None:
        precision, scale = max(found[0], found[1], found[0] - found[1]), max(found[1], 0)
        if precision <= 38:
            return Held(name, f"DECIMAL({precision},{scale})", value)
    note = f"`{name}` is {column.said}, which no decimal of 38 digits holds: read as double, exact to 15 digits"
    return Held(name, "DOUBLE", _cast(value, "double precision"), note)


def _money(name: str, value: exp.Expr, column: PostgresColumn) -> Held:
    return Held(name, "DECIMAL(21,2)", _cast(value, "decimal(21,2)"))


def _oid(name: str, value: exp.Expr, column: PostgresColumn) -> Held:
    return Held(name, "BIGINT", _cast(value, "bigint"))


_SPECIAL: dict[str, Callable[[str, exp.Expr, PostgresColumn], Held]] = {
    "numeric": _numeric,
    "money": _money,
    "oid": _oid,
}


def _array(name: str, value: exp.Expr, column: PostgresColumn) -> Held:
    """A list; of texts, where a member is no plain number. An array of more than one dimension is an error.

    The driver would make it flat without a word, so the server is made to fail by a cast, which tells the value.
    """
    plain = column.member in _MEMBERS
    wanted = f"{column.member if plain else 'text'}[]"
    words = exp.DPipe(
        this=exp.Literal.string("more than one dimension cannot be read: "), expression=_cast(value, "text")
    )
    deep = exp.GT(this=exp.Anonymous(this="array_ndims", expressions=[value.copy()]), expression=exp.Literal.number(1))
    node = exp.Case(ifs=[exp.If(this=deep, true=_cast(words, wanted))], default=_cast(value, wanted))
    note = "" if plain or column.member in _TEXTS else f"`{name}` is {column.said}, read as a list of texts"
    return Held(name, f"{_MEMBERS[column.member] if plain else 'VARCHAR'}[]", node, note)
