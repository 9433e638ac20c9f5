"""The parameters of rules over several datasets, read: column lists, `alias.{a,b}`, `a->b`, `sum(alias.a)`.

They are texts inside of the rule language, read by hand and resolved against the schemas, so that nothing of
them but columns that exist reaches a query. Blanks around a name do not count, unless a column's name has
them. A column whose name has a comma or an arrow cannot be written in a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from dq.names import PRIMARY, BindingError, find_column, find_reference, listed
from dq.schema import Column, Schema

Schemas: TypeAlias = Mapping[str, Schema]


@dataclass(frozen=True, slots=True)
class Pair:
    """A column of the primary, and the column of the reference that it is compared with."""

    primary: Column
    reference: Column


def column_pairs(columns: str, reference: str, schemas: Schemas) -> tuple[str, tuple[Pair, ...]]:
    """The alias, and the columns of both sides paired by position (ReferentialIntegrity, REFERENCE B.24).

    Args:
        columns: columns of the primary, with commas between them.
        reference: `alias.column`, or `alias.{column,column}`; the alias may hold dots.
        schemas: the columns of every table by its alias.

    Raises:
        BindingError: a text of another form, an alias or a column that does not exist, unequal numbers of columns.
    """
    alias, names = _reference_columns(reference, schemas)
    schema = find_reference(alias, schemas)
    left = [_named(each, schemas[PRIMARY]) for each in _pieces(columns, "columns of the primary")]
    right = [_named(each, schema, alias) for each in names]
    if len(left) != len(right):
        raise BindingError(
            f"{_columns(len(left))} of the primary cannot be paired with {_columns(len(right))} of `{alias}`"
        )
    return alias, tuple(map(Pair, left, right))


def _columns(count: int) -> str:
    return f"{count} column{'' if count == 1 else 's'}"


def _reference_columns(text: str, schemas: Schemas) -> tuple[str, list[str]]:
    if text.endswith("}") and ".{" in text:
        alias, inside = _known_prefix(text[:-1], ".{", schemas)
        return alias, _pieces(inside, f"columns of `{alias}`")
    if "." not in text:
        raise BindingError(
            f"`{text}` names no column of a reference; write `alias.column` or `alias.{{column, column}}`"
        )
    alias, name = _known_prefix(text, ".", schemas)
    return alias, [name]


def _known_prefix(text: str, separator: str, schemas: Schemas) -> tuple[str, str]:
    """The text cut at the last separator before which an alias stands that was given, else at the last one."""
    cuts = list(_cuts(text, separator))
    return next(((alias, rest) for alias, rest in cuts if alias in schemas), cuts[0])


def _cuts(text: str, separator: str) -> Iterator[tuple[str, str]]:
    """The text cut at each separator, the last one first."""
    at = text.rfind(separator)
    while at >= 0:
        yield text[:at], text[at + len(separator) :]
        at = text.rfind(separator, 0, at)


def mapping_pairs(mapping: str, alias: str, schemas: Schemas) -> tuple[Pair, ...]:
    """The pairs of a mapping `a, b->c`: a column without an arrow has the same name on both sides (REFERENCE B.25).

    Raises:
        BindingError: an empty name, two arrows, a column that does not exist.
    """
    schema = find_reference(alias, schemas)
    pairs = []
    for piece in _pieces(mapping, "mapping"):
        left, arrow, right = piece.partition("->")
        if "->" in right or (arrow and not (left.strip() and right.strip())):
            raise BindingError(f"`{piece.strip()}` is no mapping; write `column` or `primaryColumn->referenceColumn`")
        pairs.append(Pair(_named(left, schemas[PRIMARY]), _named(right if arrow else left, schema, alias)))
    return tuple(pairs)


def remaining_pairs(keys: tuple[Pair, ...], alias: str, schemas: Schemas) -> tuple[Pair, ...]:
    """Every column of the primary that is no key, with the column of the same name in the reference.

    Raises:
        BindingError: columns that the reference does not have.
    """
    schema = find_reference(alias, schemas)
    taken = {pair.primary.name for pair in keys}
    rest = [column.name for column in schemas[PRIMARY] if column.name not in taken]
    missing = [name for name in rest if not schema.find(name)]
    if missing:
        raise BindingError(
            f"`{alias}` lacks the {'column' if len(missing) == 1 else 'columns'} {listed(missing)}, and without a"
            " third parameter every column that is no key is compared; name there the columns to compare"
        )
    return tuple(Pair(find_column(name, schemas[PRIMARY]), find_column(name, schema, alias)) for name in rest)


def _pieces(text: str, what: str) -> list[str]:
    pieces = text.split(",")
    if not all(piece.strip() for piece in pieces):
        raise BindingError(f"an empty name in the {what} `{text}`" if text.strip() else f"the {what} is empty")
    return pieces


def _named(name: str, schema: Schema, alias: str = PRIMARY) -> Column:
    return find_column(name if schema.exact(name) else name.strip(), schema, alias)


AGGREGATES = ("sum", "avg", "SUM", "AVG")
"""The functions of AggregateMatch, spelled exactly so (REFERENCE B.27)."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate of a column of a table.

    `written` is the column as the ruleset spells it: metric names show it so.
    """

    function: str
    alias: str
    column: Column
    written: str

    @property
    def is_mean(self) -> bool:
        """Whether it is the mean; else it is the sum."""
        return self.function.lower() == "avg"

    def __str__(self) -> str:
        return f"{self.function}({'' if self.alias == PRIMARY else self.alias + '.'}{self.written})"


def aggregate(text: str, schemas: Schemas) -> Aggregate:
    """An aggregate `sum(column)` of the primary, or `avg(alias.column)` of the table of that alias.

    Raises:
        BindingError: a text of another form, a function that is not known, an alias or a column that does not exist.
    """
    read = re.fullmatch(r"(\w+)\((.+)\)", text, re.DOTALL)
    if read is None:
        raise BindingError(f"`{text}` is no aggregate; write `sum(column)` or `avg(alias.column)`")
    function, inside = read.groups()
    if function not in AGGREGATES:
        near = f"; write `{function.lower()}`" if function.lower() in AGGREGATES else ""
        raise BindingError(f"AggregateMatch knows `sum` and `avg`, and `{function}` is neither{near}")
    alias, name = (PRIMARY, inside)
    if "." in inside:
        alias, name = _known_prefix(inside, ".", schemas)
        if alias not in schemas and schemas[PRIMARY].exact(inside):
            alias, name = PRIMARY, inside
    schema = schemas[PRIMARY] if alias == PRIMARY else find_reference(alias, schemas)
    return Aggregate(function, alias, find_column(name, schema, alias), name)
