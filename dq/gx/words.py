"""DQDL and SQL as text: quoted words, numerals, lists, and trees of SQL in the dialect of rules."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dq.gx.reports import Lost
from dq.lazy import exp
from dq.tree import column, conjunction, number

if TYPE_CHECKING:
    from dq.tree import Tree

_ESCAPED = re.compile(r'\\(?=["\\]|\Z)|"')
_TEMPORAL = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}:\d\d( [AP]M)?")


def quoted(text: str) -> str:
    """A text between quotes; backslashes are doubled only where DQDL would read them as an escape."""
    return '"{}"'.format(_ESCAPED.sub(r"\\\g<0>", text))


def reads_as_time(text: str) -> bool:
    """Whether DQDL takes this text, in quotes, for a date or a time of day (REFERENCE A.5)."""
    return _TEMPORAL.fullmatch(text) is not None


def is_number(value: Any) -> bool:
    """Whether a value of JSON is a number that a rule can be compared with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def numeral(value: Any) -> str:
    """A number as DQDL writes it: digits without an exponent, and no point that says nothing.

    Raises:
        Lost: no finite number.
    """
    if not is_number(value):
        raise Lost(f"`{value}` is no number that a rule can be compared with")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value) if isinstance(value, int) else f"{Decimal(repr(value)):f}"


def listed(words: Iterable[str]) -> str:
    """The operand of `in`."""
    return f"[{', '.join(words)}]"


def sql(tree: Tree) -> str:
    """A tree as the SQL of rules, which is Spark's."""
    return str(tree.sql(dialect="spark"))


def where(*conditions: Tree | None) -> str:
    """A where clause with a blank in front; nothing without conditions."""
    met = conjunction(*conditions)
    return "" if met is None else f" where {quoted(sql(met))}"


def literal(value: Any) -> Tree:
    """A value of JSON as a literal of SQL.

    Raises:
        Lost: a list, an object, or a number that is not finite.
    """
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    return number(numeral(value))


def present(*names: str) -> Tree | None:
    """All of the columns hold a value."""
    return conjunction(*(exp.Is(this=column(name), expression=exp.Not(this=exp.Null())) for name in names))


def missing(name: str) -> Tree:
    """The column holds no value."""
    return exp.Is(this=column(name), expression=exp.Null())
