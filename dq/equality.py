"""When a value of one table equals a value of another whose column may have another type.

Two columns are compared in a common type, as Spark's `=` with its implicit casts does, but numbers are equal by
value: an integer beside a 32-bit float is compared as a double, and no decimal is rounded. A value that the
common type cannot hold, such as a text that spells no number, has no equal. Both sides are cast explicitly,
so that no database decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dq.casts import TARGETS, Target, cast, fn, text, try_to
from dq.lazy import exp
from dq.names import BindingError
from dq.schema import Column, Type
from dq.tree import column, is_null, literal

if TYPE_CHECKING:
    from dq.tree import Tree


@dataclass(frozen=True, slots=True)
class Side:
    """A column as it is compared: as it stands, and its value in the common type.

    The value is NULL where the column is, and where the common type cannot hold it.
    """

    column: Tree
    value: Tree
    kind: Type


def null_safe(left: Side, right: Side) -> tuple[list[Tree], list[Tree]]:
    """Expressions of both sides that are never NULL, and equal when the values are equal or both columns are NULL."""
    exact = all(each.value == each.column for each in (left, right))
    return _filled(left, exact), _filled(right, exact)


def _filled(side: Side, exact: bool) -> list[Tree]:
    filled = exp.Coalesce(this=side.value.copy(), expressions=[_DEFAULTS[side.kind]()])
    return [filled, is_null(side.value), *([] if exact else [is_null(side.column)])]


def sides(left: Column, right: Column, table: str) -> tuple[Side, Side]:
    """A column of the primary and one of another table, ready to be compared.

    Raises:
        BindingError: types that cannot be compared.
    """
    common = _common(left, right)
    if common is None:
        raise BindingError(
            f"`{left.name}` ({_named(left)}) cannot be compared with `{right.name}` of `{table}` ({_named(right)})"
        )
    return (
        _side(left, column(left), common),
        _side(right, exp.column(right.name, table=table, quoted=True), common),
    )


def _side(of: Column, node: Tree, common: Target) -> Side:
    return Side(node, _as(of, node, common), common.type)


def _named(of: Column) -> str:
    return of.native.lower() or of.type.value


def _as(of: Column, node: Tree, common: Target) -> Tree:
    """The value in the common type, NULL where that cannot hold it."""
    if of.native == common.native:
        return node.copy()
    if of.type is Type.STRING:
        return cast(node, Type.STRING, common)
    if of.type is Type.TIMESTAMP_TZ:
        node = fn("timezone", text("UTC"), node)
    return try_to(node, common.native)


def _day(written: str, kind: str) -> Callable[[], Tree]:
    return lambda: exp.cast(literal(written), kind)


def _zero() -> Tree:
    return literal(0)


_DEFAULTS: dict[Type, Callable[[], Tree]] = {
    Type.BOOLEAN: lambda: exp.Boolean(this=False),
    Type.STRING: lambda: literal(""),
    Type.INTEGER: _zero,
    Type.FLOAT: _zero,
    Type.DECIMAL: _zero,
    Type.DATE: _day("1970-01-01", "DATE"),
    Type.TIMESTAMP: _day("1970-01-01 00:00:00", "TIMESTAMP"),
}
"""A value of each type in which values are compared."""

_DIGITS = {
    **dict.fromkeys(("TINYINT", "UTINYINT"), 3),
    **dict.fromkeys(("SMALLINT", "USMALLINT"), 5),
    **dict.fromkeys(("INTEGER", "UINTEGER"), 10),
    "BIGINT": 19,
    "UBIGINT": 20,
}
"""How many digits the integers of a type have at most; the rest has 38."""


def _common(left: Column, right: Column) -> Target | None:
    """The type in which two columns are compared; None when they cannot be."""
    kinds = {left.type, right.type}
    if left.native == right.native and left.type in _DEFAULTS and left.type is not Type.STRING:
        return Target(left.type, left.native)
    if left.type.is_number and right.type.is_number:
        return _number(left, right)
    if kinds == {Type.STRING} or (left.native == right.native and left.type is not Type.TIMESTAMP_TZ):
        return TARGETS["string"]
    if left.type.is_temporal and right.type.is_temporal:
        return TARGETS["timestamp"]
    if Type.BOOLEAN in kinds and any(kind.is_number for kind in kinds):
        flag = Column("", Type.INTEGER, "INTEGER")
        return _number(*(flag if each.type is Type.BOOLEAN else each for each in (left, right)))
    if Type.STRING in kinds:
        return _beside_text(left if right.type is Type.STRING else right)
    return None


def _number(left: Column, right: Column) -> Target:
    kinds = {left.type, right.type}
    if Type.FLOAT in kinds:
        return TARGETS["double"]
    digits, scales = zip(_size(left), _size(right), strict=True)
    if Type.DECIMAL not in kinds:
        return TARGETS["bigint"] if max(digits) <= 19 else Target(Type.INTEGER, "HUGEINT")
    precision = min(38, max(digits) + max(scales))
    return Target(Type.DECIMAL, f"DECIMAL({precision},{max(scales)})", precision, max(scales))


def _size(of: Column) -> tuple[int, int]:
    """The digits before and behind the point."""
    read = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", of.native)
    if read:
        return int(read[1]) - int(read[2]), int(read[2])
    return _DIGITS.get(of.native, 38), 0


def _beside_text(other: Column) -> Target | None:
    """What Spark reads a text as that is compared with this column."""
    if other.native == "FLOAT":
        return TARGETS["float"]
    name = {
        Type.BOOLEAN: "boolean",
        Type.INTEGER: "bigint",
        Type.FLOAT: "double",
        Type.DECIMAL: "double",
        Type.DATE: "date",
        Type.TIMESTAMP: "timestamp",
        Type.TIMESTAMP_TZ: "timestamp",
    }.get(other.type)
    return TARGETS[name] if name else None
