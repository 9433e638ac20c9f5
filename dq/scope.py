"""Which rows of a table take part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dq.tree import Tree


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows that take part: those for which the predicate is true; all when there is none.

    A row for which the predicate is false or NULL is out of scope (REFERENCE A.4).
    """

    predicate: Tree | None = None

    def __bool__(self) -> bool:
        return self.predicate is not None


EVERYTHING = Scope()
