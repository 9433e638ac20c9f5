"""Exact quantiles of a frequency table in piles, of which no machine holds all.

Each pile tells some of its values, and how many are not greater: between two of all these lies the value of a rank.
Then each pile tells what it has there. All is exact, and of a pile of a million values some thousands are told.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

TOLD = 1000
"""How many values a pile tells of itself, or a few more."""

_VALUES = "SELECT k0::DOUBLE AS v, sum(n) AS n FROM g WHERE k0 IS NOT NULL GROUP BY v"

MARKS = (
    f"SELECT v, upto::BIGINT FROM (SELECT v, sum(n) OVER (ORDER BY v) AS upto, row_number() OVER (ORDER BY v) AS place,"
    f" count(*) OVER () AS m FROM ({_VALUES})) WHERE place % greatest(1, m // {TOLD}) = 0 OR place = m ORDER BY v"
)
"""Some of the values of a pile `g` in order, its greatest among them, and how many are not greater than each."""


@dataclass(frozen=True, slots=True)
class Between:
    """Values that are greater than `low`, if there is one, and not greater than `high`."""

    low: float | None
    high: float

    @property
    def queries(self) -> tuple[str, str]:
        """How many values of a pile are below, and those that lie between, with how often each occurs."""
        below = "false" if self.low is None else f"v <= {_written(self.low)}"
        return (
            f"SELECT coalesce(sum(n), 0)::BIGINT FROM ({_VALUES}) WHERE {below}",
            f"SELECT v, n::BIGINT FROM ({_VALUES}) WHERE NOT ({below}) AND v <= {_written(self.high)}",
        )


def _written(value: float) -> str:
    return f"'{value!r}'::DOUBLE"


def order(value: float) -> tuple[bool, float]:
    """What values are sorted by: NaN is greater than all others."""
    return (True, 0.0) if math.isnan(value) else (False, value)


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of all piles; of a pile without a value there is none."""

    piles: Sequence[Sequence[tuple[float, int]]]

    @property
    def total(self) -> int:
        """How many values there are."""
        return sum(pile[-1][1] for pile in self.piles if pile)

    def around(self, rank: int) -> Between:
        """Where the value of a rank lies, counted from 0; there must be more values than that."""
        keys = [[order(value) for value, _ in pile] for pile in self.piles]
        counts = [[upto for _, upto in pile] for pile in self.piles]
        places = sorted({key for pile in keys for key in pile})

        def at_least(place: tuple[bool, float]) -> int:
            found = ((bisect_right(key, place), count) for key, count in zip(keys, counts, strict=True))
            return sum(count[at - 1] if at else 0 for at, count in found)

        def at_most(place: tuple[bool, float]) -> int:
            found = ((bisect_left(key, place), count) for key, count in zip(keys, counts, strict=True))
            return sum(count[min(at, len(count) - 1)] for at, count in found if count)

        high = _first(len(places), lambda at: at_least(places[at]) > rank)
        low = _first(len(places), lambda at: at_most(places[at]) > rank) - 1
        return Between(None if low < 0 else _value(places[low]), _value(places[high]))


def _value(place: tuple[bool, float]) -> float:
    return math.nan if place[0] else place[1]


def _first(size: int, holds: Callable[[int], bool]) -> int:
    """The first place from which on something holds; the size if it never does."""
    return bisect_left(range(size), True, key=holds)


def ranked(rank: int, below: int, between: Sequence[tuple[float, int]]) -> float:
    """The value of a rank, from how many are below and those that lie around it, in any order."""
    seen = below
    for value, n in sorted(between, key=lambda pair: order(pair[0])):
        seen += n
        if rank < seen:
            return value
    raise IndexError(rank)
