"""What a name in a rule means: a column of a table, or the table that goes by an alias."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from dq.diagnostics import DqError
from dq.schema import Column, Schema, Type

PRIMARY = "primary"
"""The alias of the table under test."""


class BindingError(DqError):
    """A rule that cannot be measured on this data: a missing column, a wrong type, a filter that is no SQL."""

    exit_code = 3


def find_column(name: str, schema: Schema, alias: str = PRIMARY) -> Column:
    """The column a rule means: its exact name, else the only one that differs in letter case (REFERENCE B.0.5).

    Raises:
        BindingError: when there is none, when it is unclear which, and for nested columns.
    """
    found = schema.find(name)
    where = "" if alias == PRIMARY else f" in `{alias}`"
    if len(found) == 1:
        return flat(found[0])
    if found:
        names = listed(column.name for column in found)
        raise BindingError(f"column `{name}` is ambiguous{where}: it may be any of {names}; write the exact name")
    raise BindingError(f"column `{name}` does not exist{where}{_nearest_column(name, schema)}")


def _nearest_column(name: str, schema: Schema) -> str:
    near = difflib.get_close_matches(name, schema.names[:2000], n=1)
    if near:
        return f"; did you mean `{near[0]}`?"
    shown = ", ".join(f"`{each}`" for each in schema.names[:8])
    return f"; the table has {shown}{' and others' if len(schema) > 8 else ''}"


def flat(column: Column) -> Column:
    """The column.

    Raises:
        BindingError: when it is nested.
    """
    if column.type is Type.NESTED:
        raise BindingError(
            f"column `{column.name}` is nested ({column.native}); rules read top-level scalar columns only"
        )
    return column


def find_reference(alias: str, schemas: Mapping[str, Schema]) -> Schema:
    """The schema of a reference dataset by its exact alias.

    Raises:
        BindingError: when no data was given under it, and for the primary, which is no reference.
    """
    if alias == PRIMARY:
        raise BindingError(
            "`primary` is the table under test and no reference; give the same data under a second alias"
            " to compare the table with itself"
        )
    if alias in schemas:
        return schemas[alias]
    given = [each for each in schemas if each != PRIMARY]
    if not given:
        raise BindingError(f"no data was given for the reference `{alias}`: only the primary is there")
    near = difflib.get_close_matches(alias, given, n=1, cutoff=0.5) or [
        each for each in given if each.casefold() == alias.casefold()
    ]
    hint = f"; did you mean `{near[0]}`?" if near else ""
    raise BindingError(f"no data was given for the reference `{alias}`; there is {listed(given)}{hint}")


def listed(names: Iterable[str], most: int = 10) -> str:
    """Names for a sentence: `a`, `b` and 3 more."""
    every = list(names)
    shown = ", ".join(f"`{name}`" for name in every[:most])
    return f"{shown} and {len(every) - most:,} more" if len(every) > most else shown
