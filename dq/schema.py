"""Columns and their types, in terms that every engine shares."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property


class Type(Enum):
    """What a column holds, as far as a rule cares."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    STRING = "string"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIMESTAMP_TZ = "timestamp with time zone"
    TIME = "time"
    BINARY = "binary"
    NESTED = "nested"
    OTHER = "other"

    @property
    def is_number(self) -> bool:
        """Whether arithmetic makes sense; a boolean is not a number."""
        return self in (Type.INTEGER, Type.FLOAT, Type.DECIMAL)

    @property
    def is_temporal(self) -> bool:
        """Whether a value names a day."""
        return self in (Type.DATE, Type.TIMESTAMP, Type.TIMESTAMP_TZ)


@dataclass(frozen=True, slots=True)
class Column:
    """A top-level column: its exact name, its type, and the engine's own name of that type."""

    name: str
    type: Type
    native: str = ""


@dataclass(frozen=True)
class Schema:
    """The columns of a table in their order."""

    columns: tuple[Column, ...]
    _exact: dict[str, Column] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._exact.update((column.name, column) for column in self.columns)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """All column names in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def _folded(self) -> dict[str, list[str]]:
        folded: dict[str, list[str]] = {}
        for column in self.columns:
            folded.setdefault(column.name.lower(), []).append(column.name)
        return folded

    def exact(self, name: str) -> Column | None:
        """The column with exactly this name."""
        return self._exact.get(name)

    def find(self, name: str) -> list[Column]:
        """The columns a name can mean: the exact one, else all that differ in letter case only (B.0.5)."""
        exact = self._exact.get(name)
        if exact:
            return [exact]
        return [self._exact[each] for each in meant(name, self._folded.get(name.lower(), ()), self._exact)]


MOST_RENAMED = 9
"""How many columns of one name an engine is taken to have renamed."""


def meant(name: str, alike: Sequence[str], names: Container[str]) -> list[str]:
    """The columns that a name can mean which no column has exactly: those alike, and what it may have become.

    DuckDB keeps no two names that differ in letter case only: of `a` and `A` the second becomes `A_1`. A rule about
    `A` must not be read as one about `a`, so both are meant, and the name is ambiguous.
    """
    renamed = (f"{name}_{number}" for number in range(1, MOST_RENAMED + 1))
    return [*alike, *(each for each in renamed if each in names)] if alike else []
