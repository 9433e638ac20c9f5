"""Metrics and states: what to ask the data, and what to remember of it.

A metric is a frozen value; equal metrics are measured once. It names its grain, and the aggregates that its
state is made of. A state is what one part of the data must remember of itself; merging states is associative
and commutative, so partitions, days and blocks are one problem. Values are what rules judge.

States of row grain merge in constant size. Metrics over groups, and quartiles, merge through the frequency
table of their columns: `Frequencies`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Context, Decimal
from functools import reduce
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from dq.lazy import casts, exp
from dq.schema import Column, Type
from dq.scope import EVERYTHING, Scope
from dq.tree import (
    call,
    column,
    conjunction,
    count_where,
    disjunction,
    given,
    is_null,
    literal,
    negation,
    present_any,
    table,
)

if TYPE_CHECKING:
    import pyarrow as pa

    Tree: TypeAlias = exp.Expr


@dataclass(frozen=True, slots=True)
class Undefined:
    """A metric without a value: neither NaN, nor 0, nor an exception."""

    reason: str


NO_VALUES = Undefined("no value to measure: every row in scope is NULL, or there is none")
Value: TypeAlias = float | int | Undefined


class Measured(Protocol):
    """What was measured, ready to be judged."""

    def value(self) -> Value:
        """The metric's number, or why there is none."""


class State(Measured, Protocol):
    """A measurement of a part of the data that merges with those of other parts."""

    def merge(self, other: Any, /) -> Any:
        """The state of both parts together."""


# -- grains --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rows:
    """The grain of aggregates over rows: all of a table share one scan, whatever their scope."""

    table: str = "primary"


@dataclass(frozen=True, slots=True)
class Groups:
    """The grain of aggregates over the frequency table of some columns within a scope."""

    columns: tuple[Column, ...]
    scope: Scope = EVERYTHING
    table: str = "primary"


@dataclass(frozen=True, slots=True)
class Statement:
    """The grain of a user's own SQL: a query by itself. `aliases` are the tables it reads."""

    query: Tree
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Returning:
    """The grain of a semi-join of the primary with a query of the user."""

    query: Tree
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilesBelow:
    """The grain of the files at or below a path; without one, of the files that the primary was read from."""

    path: str | None = None


Grain: TypeAlias = Rows | Groups | Statement | Returning | FilesBelow


class Metric(Protocol):
    """What a scan can answer. Implementations are frozen dataclasses: equality is identity."""

    @property
    def grain(self) -> Grain:
        """Which scan can answer it."""

    def aggregates(self) -> tuple[Tree, ...]:
        """The cells its state is made of."""

    def state(self, cells: Sequence[Any], /) -> Measured:
        """The state that these cells are."""


# -- counts and shares ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are."""

    n: int = 0

    def merge(self, other: Count) -> Count:
        """The sum."""
        return Count(self.n + other.n)

    def value(self) -> Value:
        """The count: 0 for nothing."""
        return self.n


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many of the rows in scope match."""

    matching: int = 0
    total: int = 0

    def merge(self, other: Ratio) -> Ratio:
        """The sums."""
        return Ratio(self.matching + other.matching, self.total + other.total)

    def value(self) -> Value:
        """The share, in [0, 1]; Undefined for no rows."""
        return self.matching / self.total if self.total else Undefined("no rows in scope")


@dataclass(frozen=True, slots=True)
class Size:
    """The number of rows in scope."""

    scope: Scope = EVERYTHING
    table: str = "primary"

    @property
    def grain(self) -> Grain:
        """The rows of the table."""
        return Rows(self.table)

    def aggregates(self) -> tuple[Tree, ...]:
        """One count."""
        return (count_where(self.scope.predicate),)

    def state(self, cells: Sequence[Any], /) -> Count:
        """The count."""
        return Count(int(cells[0]))


@dataclass(frozen=True, slots=True)
class CountWhere:
    """The number of rows in scope for which a predicate is true."""

    predicate: Tree
    scope: Scope = EVERYTHING
    grain: ClassVar[Grain] = Rows()

    def aggregates(self) -> tuple[Tree, ...]:
        """One count."""
        return (count_where(self.scope.predicate, self.predicate),)

    def state(self, cells: Sequence[Any], /) -> Count:
        """The count."""
        return Count(int(cells[0]))


@dataclass(frozen=True, slots=True)
class Compliance:
    """The share of rows in scope for which a predicate is true: a ratio in [0, 1].

    A predicate that is NULL is not true.
    """

    predicate: Tree
    scope: Scope = EVERYTHING
    grain: ClassVar[Grain] = Rows()

    def aggregates(self) -> tuple[Tree, ...]:
        """Rows that match, rows in scope."""
        return count_where(self.scope.predicate, self.predicate), count_where(self.scope.predicate)

    def state(self, cells: Sequence[Any], /) -> Ratio:
        """The ratio of the two."""
        return Ratio(int(cells[0]), int(cells[1]))


# -- extremes ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Extremes:
    """The least and the greatest value; None where there is no value."""

    low: float | None = None
    high: float | None = None

    def merge(self, other: Extremes) -> Extremes:
        """The outer ones; a NaN is greater than every number, as in the scan."""
        lows = [each for each in (self.low, other.low) if each is not None]
        highs = [each for each in (self.high, other.high) if each is not None]
        return Extremes(min(lows, key=_nan_last, default=None), max(highs, key=_nan_last, default=None))

    def value(self) -> Value:
        """The range: greatest minus least."""
        if self.low is None or self.high is None:
            return NO_VALUES
        return self.high - self.low


def _nan_last(value: float) -> tuple[bool, float]:
    return math.isnan(value), value


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the greatest number of a column, or of its text lengths; NULLs left out.

    A NaN is greater than every number. `low` and `high` say which of the two is asked for.
    """

    column: Column
    scope: Scope = EVERYTHING
    of_length: bool = False
    low: bool = True
    high: bool = True
    grain: ClassVar[Grain] = Rows()

    def aggregates(self) -> tuple[Tree, ...]:
        """Minimum, maximum, and for the maximum of floats how many values there are and how many are NaN.

        The NaNs are counted, since a maximum may be answered by the statistics of a Parquet file, and those
        leave NaN out.
        """
        held = column(self.column)
        value = given(self.scope.predicate, call("DQ_LENGTH", held) if self.of_length else held)
        cells = [as_written(self.column, exp.Min(this=value.copy()))] if self.low else []
        if self.high:
            cells.append(as_written(self.column, exp.Max(this=value.copy())))
        if self._counts_nan():
            cells += [count_where(self.scope.predicate, exp.IsNan(this=held)), exp.Count(this=value.copy())]
        return tuple(cells)

    def _counts_nan(self) -> bool:
        return self.high and self.column.type is Type.FLOAT

    def state(self, cells: Sequence[Any], /) -> Extremes:
        """The extremes as doubles; None for the one that was not asked for."""
        rest = list(cells)
        low = rest.pop(0) if self.low else None
        high = rest.pop(0) if self.high else None
        nans, values = rest or (0, 1)
        if nans == values:
            low = low if low is None else math.nan
        if nans:
            high = math.nan
        return Extremes(None if low is None else float(low), None if high is None else float(high))


def as_written(of: Column, value: Tree) -> Tree:
    """A 32-bit float as the double that its shortest decimal names: 0.1, not 0.10000000149011612."""
    if not is_single(of):
        return value
    return exp.cast(exp.cast(value, exp.DataType.Type.TEXT), exp.DataType.Type.DOUBLE)


def is_single(column: Column) -> bool:
    """Whether a column holds 32-bit floats."""
    return column.type is Type.FLOAT and column.native.upper() in ("FLOAT", "REAL", "FLOAT4")


# -- sums and moments ----------------------------------------------------------------------------------


_EXACT = Context(prec=100)
"""Of more digits than a sum of decimals can have."""


@dataclass(frozen=True, slots=True)
class Total:
    """How many values there are, and their sum: exact for integers and decimals."""

    n: int = 0
    total: float | Decimal = 0.0

    def merge(self, other: Total) -> Total:
        """The sums."""
        if not self.n or not other.n:
            return self if self.n else other
        if isinstance(self.total, Decimal) and isinstance(other.total, Decimal):
            return Total(self.n + other.n, _EXACT.add(self.total, other.total))
        if isinstance(self.total, Decimal) or isinstance(other.total, Decimal):
            return Total(self.n + other.n, float(self.total) + float(other.total))
        return Total(self.n + other.n, self.total + other.total)

    def value(self) -> Value:
        """The sum; Undefined without a value."""
        return float(self.total) if self.n else NO_VALUES

    def mean(self) -> Value:
        """The mean; Undefined without a value."""
        return float(self.total) / self.n if self.n else NO_VALUES


@dataclass(frozen=True, slots=True)
class Sum:
    """The count and the sum of a number column; NULLs left out.

    Of a text column, those of the numbers that its texts spell, as Spark casts them.
    """

    column: Column
    scope: Scope = EVERYTHING
    table: str = "primary"

    @property
    def grain(self) -> Grain:
        """The rows of the table."""
        return Rows(self.table)

    def aggregates(self) -> tuple[Tree, ...]:
        """Count of values, sum."""
        held: Tree = column(self.column)
        if self.column.type is Type.STRING:
            held = casts.cast(held, Type.STRING, casts.TARGETS["double"])
        value = given(self.scope.predicate, held)
        return exp.Count(this=value), exp.Sum(this=value.copy())

    def state(self, cells: Sequence[Any], /) -> Total:
        """The sum as the engine gives it: an integer, a decimal or a double."""
        return Total(int(cells[0]), 0.0 if cells[1] is None else cells[1])


@dataclass(frozen=True, slots=True)
class Deviations:
    """Count, mean, and `m2`, the sum of squared deviations from the mean.

    Merging follows Chan, Golub & LeVeque (1979).
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0

    def merge(self, other: Deviations) -> Deviations:
        """The deviations of both parts, equal to those of the whole up to rounding."""
        if not self.n or not other.n:
            return self if self.n else other
        n, delta = self.n + other.n, other.mean - self.mean
        return Deviations(n, self.mean + delta * other.n / n, self.m2 + other.m2 + delta * delta * self.n * other.n / n)

    def value(self) -> Value:
        """The population variance; Undefined without a value."""
        return max(self.m2, 0.0) / self.n if self.n else NO_VALUES

    def deviation(self) -> Value:
        """The population standard deviation; Undefined without a value."""
        variance = self.value()
        return variance if isinstance(variance, Undefined) else math.sqrt(variance)


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean, and the sums of the second to fourth powers of deviations from the mean.

    Merging follows Pébay (2008).
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0
    m3: float = 0.0
    m4: float = 0.0

    def merge(self, other: Moments) -> Moments:
        """The moments of both parts, equal to those of the whole up to rounding."""
        if not self.n or not other.n:
            return self if self.n else other
        a, b, n = self.n, other.n, self.n + other.n
        delta = other.mean - self.mean
        step = delta / n
        return Moments(
            n,
            self.mean + step * b,
            self.m2 + other.m2 + delta * step * a * b,
            self.m3 + other.m3 + delta * step * step * a * b * (a - b) + 3 * step * (a * other.m2 - b * self.m2),
            self.m4
            + other.m4
            + delta * step**3 * a * b * (a * a - a * b + b * b)
            + 6 * step * step * (a * a * other.m2 + b * b * self.m2)
            + 4 * step * (a * other.m3 - b * self.m3),
        )

    def value(self) -> Value:
        """The skewness."""
        return self.skewness()

    def skewness(self) -> Value:
        """√n·m3 ÷ m2^1.5; 0 when the values do not vary."""
        if not self.n:
            return NO_VALUES
        return math.sqrt(self.n) * self.m3 / self.m2**1.5 if self.m2 else 0.0

    def kurtosis(self) -> Value:
        """n·m4 ÷ m2² − 3, the excess kurtosis; 0 when the values do not vary."""
        if not self.n:
            return NO_VALUES
        return self.n * self.m4 / self.m2**2 - 3 if self.m2 else 0.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Count, mean and squared deviations of a number column; NULLs left out, a NaN or infinity gives NaN."""

    column: Column
    scope: Scope = EVERYTHING
    grain: ClassVar[Grain] = Rows()

    def aggregates(self) -> tuple[Tree, ...]:
        """Count, mean, population variance of the finite values, and how many those are.

        DuckDB 1.5 refuses to take the variance of an infinity where 2.0 answers NaN: leave them out of the
        aggregate and put the NaN back in `state`.
        """
        value = given(self.scope.predicate, column(self.column))
        # The sum behind a mean of wide decimals overflows.
        finite = value if self.column.type is not Type.DECIMAL else exp.cast(value, exp.DataType.Type.DOUBLE)
        if self.column.type is Type.FLOAT:
            finite = given(
                conjunction(self.scope.predicate, call("DQ_IS_FINITE", column(self.column))), column(self.column)
            )
        return (
            exp.Count(this=value.copy()),
            exp.Avg(this=finite.copy()),
            exp.VariancePop(this=finite.copy()),
            exp.Count(this=finite.copy()),
        )

    def state(self, cells: Sequence[Any], /) -> Deviations:
        """The deviations of all values; NaN where one of them is not finite."""
        n, mean, variance, finite = cells
        if not n:
            return Deviations()
        if n != finite:
            return Deviations(int(n), math.nan, math.nan)
        return Deviations(int(n), float(mean), float(variance) * int(n))


@dataclass(frozen=True, slots=True)
class Shape:
    """Moments up to the fourth of a number column; NULLs left out, a NaN or infinity gives NaN.

    Two passes in one statement: deviations are taken from the mean that a subquery finds, since power sums
    of the raw values cancel where the mean is far from zero.
    """

    column: Column
    scope: Scope = EVERYTHING
    table: str = "primary"
    grain: ClassVar[Grain] = Rows()

    def aggregates(self) -> tuple[Tree, ...]:
        """Count, mean, sums of the second to fourth powers of deviations, least, greatest."""
        value = given(self.scope.predicate, exp.cast(column(self.column), exp.DataType.Type.DOUBLE))
        mean = exp.select(exp.Avg(this=value.copy())).from_(table(self.table))
        deviation = exp.paren(exp.Sub(this=value.copy(), expression=mean.subquery()))
        square = exp.Mul(this=deviation, expression=deviation.copy())
        cube = exp.Mul(this=square.copy(), expression=deviation.copy())
        fourth = exp.Mul(this=cube.copy(), expression=deviation.copy())
        return (
            exp.Count(this=value.copy()),
            exp.Avg(this=value.copy()),
            *(exp.Sum(this=power.copy()) for power in (square, cube, fourth)),
            exp.Min(this=value.copy()),
            exp.Max(this=value.copy()),
        )

    def state(self, cells: Sequence[Any], /) -> Moments:
        """The moments; exactly zero deviation where all values are equal, whatever the mean's rounding."""
        n, mean, m2, m3, m4, low, high = cells
        if not n:
            return Moments()
        if low == high and math.isfinite(low):
            return Moments(int(n), float(low))
        return Moments(int(n), float(mean), float(m2), float(m3), float(m4))


@dataclass(frozen=True, slots=True)
class CoMoments:
    """Count, means, squared deviations and co-deviation of pairs."""

    n: int = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    yy: float = 0.0
    xy: float = 0.0

    def merge(self, other: CoMoments) -> CoMoments:
        """The co-moments of both parts, equal to those of the whole up to rounding."""
        if not self.n or not other.n:
            return self if self.n else other
        n = self.n + other.n
        dx, dy, weight = other.x - self.x, other.y - self.y, self.n * other.n / n
        return CoMoments(
            n,
            self.x + dx * other.n / n,
            self.y + dy * other.n / n,
            self.xx + other.xx + dx * dx * weight,
            self.yy + other.yy + dy * dy * weight,
            self.xy + other.xy + dx * dy * weight,
        )

    def value(self) -> Value:
        """Pearson's r; NaN when a side does not vary, Undefined without a pair."""
        if not self.n:
            return NO_VALUES
        varies = self.xx > 0 and self.yy > 0
        return self.xy / (math.sqrt(self.xx) * math.sqrt(self.yy)) if varies else math.nan


@dataclass(frozen=True, slots=True)
class Coefficient:
    """How many pairs there are, and Pearson's r of them: NaN when a side does not vary or a value is not finite."""

    n: int = 0
    r: float = math.nan

    def value(self) -> Value:
        """Pearson's r; Undefined without a pair."""
        return self.r if self.n else NO_VALUES


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pearson's correlation of two number columns over the rows where both hold a value; NaN if one is not finite."""

    x: Column
    y: Column
    scope: Scope = EVERYTHING
    grain: ClassVar[Grain] = Rows()

    def aggregates(self) -> tuple[Tree, ...]:
        """The complete pairs, those that are finite, and their coefficient."""
        return _over_pairs(self.x, self.y, self.scope, "REGR_COUNT", "CORR")

    def state(self, cells: Sequence[Any], /) -> Coefficient:
        """The coefficient; NaN where one of the values is not finite or a side does not vary."""
        n, finite, r = cells
        return Coefficient(int(n), math.nan if n != finite or r is None else float(r))


def _over_pairs(x: Column, y: Column, scope: Scope, *names: str) -> tuple[Tree, ...]:
    """The number of pairs, and aggregates over those that are finite: DuckDB 1.5 refuses others, see `Spread`."""
    first = exp.cast(column(x), exp.DataType.Type.DOUBLE)
    second = exp.cast(column(y), exp.DataType.Type.DOUBLE)
    finite = [call("DQ_IS_FINITE", column(each)) for each in (x, y) if each.type is Type.FLOAT]
    finite_pairs = given(conjunction(scope.predicate, *finite), second)
    return (
        exp.Anonymous(this="REGR_COUNT", expressions=[given(scope.predicate, second), first.copy()]),
        *(exp.Anonymous(this=name, expressions=[finite_pairs.copy(), first.copy()]) for name in names),
    )


@dataclass(frozen=True, slots=True)
class Quartiles:
    """The first and the third quartile, interpolated linearly at position q·(n − 1)."""

    q1: float | None = None
    q3: float | None = None

    def value(self) -> Value:
        """The interquartile range."""
        return NO_VALUES if self.q1 is None or self.q3 is None else self.q3 - self.q1


@dataclass(frozen=True, slots=True)
class InterquartileRange:
    """The exact quartiles of a number column; NULLs left out."""

    column: Column
    scope: Scope = EVERYTHING
    grain: ClassVar[Grain] = Rows()

    @property
    def frequencies(self) -> Groups:
        """The frequency table through which parts merge."""
        return Groups((self.column,), self.scope)

    def aggregates(self) -> tuple[Tree, ...]:
        """Two quantiles."""
        value = given(self.scope.predicate, exp.cast(column(self.column), exp.DataType.Type.DOUBLE))
        return tuple(exp.PercentileCont(this=value.copy(), expression=literal(q)) for q in (0.25, 0.75))

    def state(self, cells: Sequence[Any], /) -> Quartiles:
        """The quartiles."""
        return Quartiles(*(None if cell is None else float(cell) for cell in cells))

    def summarise(self, table: Frequencies) -> Quartiles:
        """The quartiles of a merged frequency table."""
        pairs = sorted((float(key[0]), n) for key, n in table if key[0] is not None)
        return Quartiles(_quantile(pairs, 0.25), _quantile(pairs, 0.75)) if pairs else Quartiles()


def _quantile(pairs: Sequence[tuple[float, int]], q: float) -> float:
    total = sum(n for _, n in pairs)
    position = q * (total - 1)
    low, high = _at(pairs, math.floor(position)), _at(pairs, math.ceil(position))
    return low + (high - low) * (position - math.floor(position))


def _at(pairs: Sequence[tuple[float, int]], rank: int) -> float:
    ends = accumulate(n for _, n in pairs)
    return next(value for (value, _), end in zip(pairs, ends, strict=True) if rank < end)


# -- groups --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frequencies:
    """A frequency table: how often each combination of values occurs; the mergeable state of groups.

    `table` holds the key columns, then their count as `n`. NULL and NaN are keys like any other.
    """

    table: pa.Table = field(repr=False)

    def __iter__(self) -> Iterator[tuple[tuple[Any, ...], int]]:
        columns = [chunk.to_pylist() for chunk in self.table.columns]
        for *key, n in zip(*columns, strict=True):
            yield tuple(key), n

    def merge(self, other: Frequencies) -> Frequencies:
        """Counts of equal keys added."""
        import pyarrow as pa
        import pyarrow.compute as pc

        keys = self.table.column_names[:-1]
        both = pa.concat_tables([self.table, other.table.cast(self.table.schema)])
        for at, each in enumerate(both.schema):
            if pa.types.is_floating(each.type):  # -0.0 and 0.0 are two keys to Arrow, and one to SQL
                both = both.set_column(at, each, pc.add(both.column(at), pa.scalar(0.0, each.type)))
        merged = both.group_by(keys).aggregate([("n", "sum")])
        return Frequencies(merged.select([*keys, "n_sum"]).rename_columns([*keys, "n"]))

    def summary(self) -> Occurrences:
        """What the metrics over groups ask of the table."""
        nulls, gapped, counts = 0, 0, []
        for key, n in self:
            if all(value is None for value in key):
                nulls += n
                continue
            counts.append(n)
            gapped += n == 1 and None in key
        return Occurrences(
            sum(counts), len(counts), sum(n == 1 for n in counts), nulls, gapped, entropy(Counter(counts))
        )


@dataclass(frozen=True, slots=True)
class Occurrences:
    """A frequency table summed up; rows whose columns are all NULL are counted apart (REFERENCE B.8).

    Attributes:
        rows: rows in scope with a value in at least one column.
        groups: distinct combinations among them.
        singles: combinations that occur exactly once.
        nulls: rows in scope whose columns are all NULL.
        gapped: combinations that occur once and have a NULL in some, not all, of their columns.
        entropy: −Σ p ln p over the groups, in nats; None when it was not asked for.
        repeated: some of the combinations that occur more than once, the most frequent first.
    """

    rows: int = 0
    groups: int = 0
    singles: int = 0
    nulls: int = 0
    gapped: int = 0
    entropy: float | None = None
    repeated: tuple[tuple[Any, ...], ...] = field(default=(), compare=False)

    def value(self) -> Value:
        """The uniqueness."""
        return self.uniqueness()

    def uniqueness(self) -> Value:
        """Combinations that occur once over rows with a value."""
        return self.singles / self.rows if self.rows else NO_VALUES

    def unique_value_ratio(self) -> Value:
        """Combinations that occur once over distinct combinations."""
        return self.singles / self.groups if self.groups else NO_VALUES

    def distinct(self) -> int:
        """Distinct combinations, NULL being one."""
        return self.groups + bool(self.nulls)

    def duplicates(self) -> int:
        """Rows that stand in a group of two or more."""
        return self.rows - self.singles

    def information(self) -> Value:
        """The entropy; Undefined without a value."""
        return NO_VALUES if self.entropy is None or not self.rows else self.entropy


def entropy(sizes: Mapping[int, int]) -> float:
    """−Σ p ln p, in nats, of groups given as how many there are of each size."""
    rows = sum(size * groups for size, groups in sizes.items())
    return math.fsum(-groups * (size / rows) * math.log(size / rows) for size, groups in sizes.items())


MOST_REPEATED = 3
"""How many repeated combinations are kept as examples."""

WRITABLE = frozenset({Type.BOOLEAN, Type.INTEGER, Type.DECIMAL, Type.STRING, Type.DATE, Type.TIMESTAMP})
"""Types whose values come back exactly when they are written as literals."""


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """How often the combinations of some columns occur within a scope; `weigh` asks for the entropy too."""

    columns: tuple[Column, ...]
    scope: Scope = EVERYTHING
    weigh: bool = False
    table: str = "primary"

    @property
    def grain(self) -> Grain:
        """The groups of these columns within this scope."""
        return self.frequencies

    @property
    def frequencies(self) -> Groups:
        """The frequency table through which parts merge."""
        return Groups(self.columns, self.scope, self.table)

    def aggregates(self) -> tuple[Tree, ...]:
        """Cells over the grouped table: its keys are `k0`, `k1`, …, their count is `n`."""
        keys = [f"k{at}" for at in range(len(self.columns))]
        held = present_any(keys)
        n = column("n")
        once = exp.EQ(this=n.copy(), expression=literal(1))
        cells = [
            exp.Sum(this=given(held, n)),
            count_where(held),
            count_where(held, once),
            exp.Sum(this=given(negation(held), n)),
        ]
        if len(keys) > 1:
            cells.append(count_where(held, once, disjunction(*(is_null(column(key)) for key in keys))))
        if self.weigh:
            cells.append(call("DQ_HISTOGRAM", given(held, n)))
        if self._writable():
            more = exp.GT(this=n.copy(), expression=literal(1))
            cells.append(call("DQ_TOP_KEYS", given(conjunction(held, more), n), *(column(key) for key in keys)))
        return tuple(cells)

    def _writable(self) -> bool:
        """Whether every key can be written as a literal, so that rows can be found by it."""
        return all(each.type in WRITABLE for each in self.columns)

    def state(self, cells: Sequence[Any], /) -> Occurrences:
        """The summary; nothing counts as 0."""
        rest: list[Any]
        rows, groups, singles, nulls, *rest = (cell or 0 for cell in cells)
        gapped = rest.pop(0) if len(self.columns) > 1 else 0
        sizes: Mapping[int, int] = (rest.pop(0) or {}) if self.weigh else {}
        repeated: Iterable[Mapping[str, Any]] = (rest.pop(0) or ()) if self._writable() else ()
        return Occurrences(
            int(rows),
            int(groups),
            int(singles),
            int(nulls),
            int(gapped),
            entropy(sizes) if self.weigh else None,
            tuple(tuple(key.values()) for key in repeated),
        )

    def joined(self, cells: Sequence[Sequence[Any]]) -> Occurrences:
        """The summary of several sets of groups, of which no two hold an equal one."""
        columns = list(zip(*cells, strict=True))
        counts = 5 if len(self.columns) > 1 else 4
        whole: list[Any] = [sum(cell or 0 for cell in column) for column in columns[:counts]]
        rest = columns[counts:]
        if self.weigh:
            whole.append(reduce(Counter.__add__, (Counter(cell) for cell in rest.pop(0))))
        whole.extend([key for keys in column for key in keys or ()][:MOST_REPEATED] for column in rest)
        return self.state(whole)

    def summarise(self, table: Frequencies) -> Occurrences:
        """The summary of a merged frequency table."""
        return table.summary() if self.weigh else replace(table.summary(), entropy=None)


# -- the user's own SQL --------------------------------------------------------------------------------


_PLAIN = re.compile(r"[\x00-\x20]*[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?[\x00-\x20]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query returned: its columns, and at most two of its rows (more than one is too many)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def value(self) -> Value:
        """The single number, or why the answer is none."""
        if len(self.columns) != 1:
            return Undefined(f"the query returned {len(self.columns)} columns, and exactly 1 is needed")
        if len(self.rows) != 1:
            return Undefined(
                f"the query returned {'no row' if not self.rows else 'more than 1 row'}, and exactly 1 is needed"
            )
        cell = self.rows[0][0]
        if cell is None:
            return Undefined("the query returned NULL, which is no number")
        try:
            # Python reads `1_000` and digits of other scripts, which no engine does.
            return float(cell if not isinstance(cell, str) or _PLAIN.fullmatch(cell) else "")
        except (TypeError, ValueError):
            return Undefined(f"the query returned {cell!r}, which is no number")


@dataclass(frozen=True, slots=True)
class Query:
    """The answer of a SQL statement of the user."""

    query: Tree
    aliases: tuple[str, ...]

    @property
    def grain(self) -> Grain:
        """A query by itself."""
        return Statement(self.query, self.aliases)

    def aggregates(self) -> tuple[Tree, ...]:
        """None: the statement is the query."""
        return ()

    def state(self, cells: Sequence[Any], /) -> Answer:
        """Cells are the column names and the rows."""
        return Answer(tuple(cells[0]), tuple(tuple(row) for row in cells[1]))


@dataclass(frozen=True, slots=True)
class Returned:
    """How many rows of the primary a query returned, and by which columns they were found.

    `problem` says why the rows could not be found; the counts are then 0.
    """

    matching: int = 0
    total: int = 0
    columns: tuple[str, ...] = ()
    problem: str = ""

    def value(self) -> Value:
        """The share of rows returned."""
        return self.matching / self.total if self.total else Undefined(self.problem or "no rows")


@dataclass(frozen=True, slots=True)
class RowsReturned:
    """The share of primary rows that a query returns: rows equal on every returned column, NULL equal to NULL.

    The engine finds out which columns those are.
    """

    query: Tree
    aliases: tuple[str, ...]

    @property
    def grain(self) -> Grain:
        """A semi-join of the primary with the query."""
        return Returning(self.query, self.aliases)

    def aggregates(self) -> tuple[Tree, ...]:
        """Rows returned, rows in all."""
        return ()

    def state(self, cells: Sequence[Any], /) -> Returned:
        """Cells are the counts, the columns, and the problem, if any."""
        matching, total, columns, problem = cells
        return Returned(int(matching), int(total), tuple(columns), problem)


# -- names ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Names:
    """The names that match a pattern as a whole, and those in which it occurs."""

    whole: tuple[str, ...]
    partly: tuple[str, ...]
    total: int

    def value(self) -> Value:
        """The share of names that match as a whole."""
        return len(self.whole) / self.total if self.total else Undefined("no columns")


@dataclass(frozen=True, slots=True)
class NamesMatching:
    """Which of some names match a regular expression; `find` is the pattern for a match anywhere."""

    pattern: str
    find: str
    names: tuple[str, ...]

    @property
    def grain(self) -> Grain:
        """A query over the names alone: no table is read."""
        rows = [exp.Tuple(expressions=[literal(name)]) for name in self.names]
        values = exp.Values(
            expressions=rows, alias=exp.TableAlias(this=exp.to_identifier("names"), columns=[exp.to_identifier("name")])
        )
        name = column("name")
        return Statement(
            exp.select(
                name, call("DQ_FULL_MATCH", name, literal(self.pattern)), call("DQ_FIND", name, literal(self.find))
            ).from_(values),
            (),
        )

    def aggregates(self) -> tuple[Tree, ...]:
        """None: the statement is the query."""
        return ()

    def state(self, cells: Sequence[Any], /) -> Names:
        """Cells are the column names of the answer and its rows."""
        rows = cells[1]
        return Names(tuple(r[0] for r in rows if r[1]), tuple(r[0] for r in rows if r[2]), len(rows))


# -- files ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileFound:
    """A file.

    Attributes:
        uri: its absolute path, or its URL.
        name: its path below the place that was looked at.
        size: in bytes; None where the file system does not say.
        modified: when it was last modified, aware; None where the file system does not say.
        digest: its checksum in hexadecimal digits; empty when none was asked for.
        target: what to open, links resolved.
    """

    uri: str
    name: str
    size: int | None
    modified: datetime | None
    digest: str = ""
    target: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class FileSet:
    """Files that were found and passed the filters, ordered by their URIs.

    Attributes:
        files: the files.
        listed: how many there were before the filters.
        single: whether the path names one file.
        missing: whether there is nothing at the path.
        notes: what was left out of the listing.
    """

    files: tuple[FileFound, ...] = ()
    listed: int = 0
    single: bool = False
    missing: bool = False
    notes: tuple[str, ...] = ()

    def value(self) -> Value:
        """How many files passed the filters."""
        return len(self.files)


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which of the files of a listing take part.

    `steps` are the filters in the order in which they run: a whole number keeps so many of the newest files,
    the earlier URI first among equally new ones; a text is a Java regular expression, and keeps the files in
    whose URI it occurs.
    """

    steps: tuple[int | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Digests:
    """Which checksums are needed.

    `repeated_sizes` leaves out files whose size no other file has: their content cannot be another's. With
    `until`, hashing ends at the first file whose digest is not among these.
    """

    algorithm: str
    repeated_sizes: bool = False
    until: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Files:
    """The files at or below a path that pass the filters, with their sizes, times, and digests if needed."""

    path: str | None = None
    filter: FileFilter = FileFilter()
    digests: Digests | None = None

    @property
    def grain(self) -> Grain:
        """The listing of the path."""
        return FilesBelow(self.path)

    def aggregates(self) -> tuple[Tree, ...]:
        """None: files are no table."""
        return ()

    def state(self, cells: Sequence[Any], /) -> FileSet:
        """Cells are the fields of the set."""
        return FileSet(*cells)
