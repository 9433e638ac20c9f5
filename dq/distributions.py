"""Distributions of the values of a column: numbers in bins of equal width, other values by their frequency."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from dq.lazy import exp
from dq.metrics import Extremes, Frequencies, Grain, Groups, Rows, Undefined
from dq.outcomes import Distribution
from dq.schema import Column, Type
from dq.tree import call, column, count_where, disjunction, given, is_present, literal, number, table

if TYPE_CHECKING:
    from dq.tree import Tree

MOST_BINS = 20
"""The bins of a distribution unless told, and the most there can be (REFERENCE B.34)."""


@dataclass(frozen=True, slots=True)
class Spreading:
    """A measured distribution."""

    distribution: Distribution

    def value(self) -> Undefined:
        """None: a distribution is no number."""
        return Undefined("a distribution is no number")


@dataclass(frozen=True, slots=True)
class Ends:
    """The least and the greatest finite number of a column."""

    column: Column
    grain: ClassVar[Grain] = Rows()

    def aggregates(self) -> tuple[Tree, ...]:
        """Both."""
        value = _finite(self.column)
        return exp.Min(this=value), exp.Max(this=value.copy())

    def state(self, cells: Sequence[Any], /) -> Extremes:
        """Both; None without a finite number."""
        return Extremes(*cells)


def _finite(of: Column) -> Tree:
    """The finite numbers of a column as doubles."""
    value: Tree = exp.cast(column(of), exp.DataType.Type.DOUBLE)
    return given(call("DQ_IS_FINITE", column(of)), value) if of.type is Type.FLOAT else value


@dataclass(frozen=True, slots=True)
class NumberBins:
    """The numbers of a column in bins of equal width; finite ones only.

    The bins reach from `low` to `high`, and what lies beyond them stands in the first or the last one; without these,
    from the least to the greatest number. Those are found by subqueries over the same table, so that it all stays in
    the scan of the rows. Parts have other ends, so they merge through the frequency table.
    """

    column: Column
    bins: int = MOST_BINS
    low: float | None = None
    high: float | None = None
    grain: ClassVar[Grain] = Rows()

    @property
    def frequencies(self) -> Groups:
        """The frequency table through which parts merge."""
        return Groups((self.column,))

    def ends(self) -> Ends:
        """What tells the ends of the bins, where they are not given: bins between given ends merge by adding."""
        return Ends(self.column)

    def joined(self, cells: Sequence[Sequence[Any]]) -> Spreading:
        """The distribution of several parts, measured between the same ends."""
        lows, highs, found, *counts = zip(*cells, strict=True)
        counted: Counter[float] = sum((Counter(each or {}) for each in found), Counter())
        low = min((each for each in lows if each is not None), default=None)
        high = max((each for each in highs if each is not None), default=None)
        return self.state((low, high, counted, *map(sum, counts)))

    def summarise(self, table: Frequencies) -> Spreading:
        """The distribution of a merged frequency table."""
        pairs = [(float(key[0]), n) for key, n in table if key[0] is not None]
        finite = [(value, n) for value, n in pairs if math.isfinite(value)]
        low, high = (end((value for value, _ in finite), default=None) for end in (min, max))
        ends = (low or 0.0, high or 0.0) if self.low is None or self.high is None else (self.low, self.high)
        found: Counter[float] = Counter()
        for value, n in finite:
            found[self._bin(value, *ends)] += n
        beyond = sum(n for value, n in finite if not ends[0] <= value <= ends[1])
        return self.state((low, high, found, sum(n for _, n in pairs), sum(n for _, n in finite), beyond))

    def _bin(self, value: float, low: float, high: float) -> float:
        """The bin of a value, as the query finds it."""
        width = high * 0.5 - low * 0.5
        if not width:
            return 0.0
        return max(min(math.floor((value * 0.5 - low * 0.5) / width * self.bins), self.bins - 1.0), 0.0)

    def _ends(self, value: Tree) -> tuple[Tree, Tree]:
        if self.low is not None and self.high is not None:
            double = exp.DataType.Type.DOUBLE
            return exp.cast(number(repr(self.low)), double), exp.cast(number(repr(self.high)), double)
        low, high = (
            exp.select(end(this=value.copy())).from_(table("primary")).subquery() for end in (exp.Min, exp.Max)
        )
        return low, high

    def aggregates(self) -> tuple[Tree, ...]:
        """Least, greatest, how many values in which bin, how many values, finite ones, and ones beyond the bins."""
        held = column(self.column)
        value = _finite(self.column)
        low, high = self._ends(value)
        # Halves, since the width of a range may be more than a double can hold.
        half = [exp.Mul(this=each.copy(), expression=literal(0.5)) for each in (value, low, high)]
        past = exp.paren(exp.Sub(this=half[0], expression=half[1].copy()))
        width = exp.func("NULLIF", exp.paren(exp.Sub(this=half[2], expression=half[1].copy())), literal(0.0))
        share = exp.paren(exp.Div(this=past, expression=width))
        at = exp.Floor(this=exp.Mul(this=share, expression=literal(self.bins)))
        inside = exp.func("LEAST", exp.Coalesce(this=at, expressions=[literal(0.0)]), literal(float(self.bins - 1)))
        return (
            exp.Min(this=value.copy()),
            exp.Max(this=value.copy()),
            call("DQ_HISTOGRAM", given(is_present(value), exp.func("GREATEST", inside, literal(0.0)))),
            exp.Count(this=held.copy()),
            exp.Count(this=value.copy()),
            self._beyond(value),
        )

    def _beyond(self, value: Tree) -> Tree:
        if self.low is None or self.high is None:
            return literal(0)
        low, high = self._ends(value)
        return count_where(
            disjunction(exp.LT(this=value.copy(), expression=low), exp.GT(this=value.copy(), expression=high))
        )

    def state(self, cells: Sequence[Any], /) -> Spreading:
        """The distribution; without a finite value it has no bins."""
        low, high, found, values, finite, beyond = cells
        others = int(values) - int(finite)
        if not finite:
            return Spreading(Distribution("number", others=others))
        counted: Mapping[float, int] = found
        if self.low is not None and self.high is not None:
            low, high = self.low, self.high
        if low == high:
            return Spreading(Distribution("number", (_written(low),) * 2, (int(finite),), others, int(beyond)))
        edges = [low + (high / self.bins - low / self.bins) * at for at in range(self.bins)] + [high]
        counts = tuple(int(counted.get(float(at), 0)) for at in range(self.bins))
        return Spreading(Distribution("number", tuple(map(_written, edges)), counts, others, int(beyond)))


def _written(number: float) -> str:
    return repr(int(number)) if math.isfinite(number) and number.is_integer() and abs(number) < 1e15 else repr(number)


@dataclass(frozen=True, slots=True)
class FrequentValues:
    """The most frequent values of a column as text, and how often each occurs."""

    column: Column
    bins: int = MOST_BINS

    @property
    def grain(self) -> Grain:
        """The groups of the column."""
        return Groups((self.column,))

    @property
    def frequencies(self) -> Groups:
        """The frequency table through which parts merge."""
        return Groups((self.column,))

    def summarise(self, table: Frequencies) -> Spreading:
        """The distribution of a merged frequency table; of a value that is no text, its text is Python's."""
        found = sorted(((n, str(key[0])) for key, n in table if key[0] is not None), key=_frequent)
        return self.state(([{"v": text, "n": n} for n, text in found[: self.bins]], sum(n for n, _ in found)))

    def joined(self, cells: Sequence[Sequence[Any]]) -> Spreading:
        """The distribution of several sets of groups, of which no two hold an equal one."""
        top = [each for found, _ in cells for each in found or ()]
        top.sort(key=lambda each: _frequent((int(each["n"]), str(each["v"]))))
        return self.state((top[: self.bins], sum(n or 0 for _, n in cells)))

    def aggregates(self) -> tuple[Tree, ...]:
        """The values with the greatest counts, and how many values there are."""
        key, n = column("k0"), column("n")
        text = exp.cast(key, exp.DataType.Type.TEXT)
        return (
            call("DQ_TOP_VALUES", given(is_present(key), n), text, literal(self.bins)),
            exp.Sum(this=given(is_present(key), n)),
        )

    def state(self, cells: Sequence[Any], /) -> Spreading:
        """The distribution, the most frequent first, equally frequent ones in order of their text."""
        top = [(int(each["n"]), str(each["v"])) for each in cells[0] or ()]
        top.sort(key=_frequent)
        others = int(cells[1] or 0) - sum(n for n, _ in top)
        edges, counts = tuple(text for _, text in top), tuple(n for n, _ in top)
        return Spreading(Distribution(self.column.type.value, edges, counts, others))


def _frequent(pair: tuple[int, str]) -> tuple[int, str]:
    """The most frequent first, equally frequent ones in order of their text."""
    return -pair[0], pair[1]
