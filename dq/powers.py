"""Moments of a table in parts: sums of powers that merge without rounding.

A part tells the sums of the powers of its values' distances from one of them, its pivot. Distances of whole numbers,
and of equal values, are exact, and so are their sums; and since every double is a fraction, the sums of one part are
told about the pivot of another exactly. So what is said of the whole does not depend on how it was cut, but for the
rounding that a part has done by itself. Sources: Chan, Golub & LeVeque (1979) and Pébay (2008), whose formulas round
at every merge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

from dq.lazy import exp
from dq.metrics import (
    NO_VALUES,
    CoMoments,
    Correlation,
    Deviations,
    Grain,
    Measured,
    Metric,
    Moments,
    Rows,
    Shape,
    Spread,
    Value,
)
from dq.schema import Column, Type
from dq.scope import EVERYTHING, Scope
from dq.tree import call, column, conjunction, given, is_present, literal, table

if TYPE_CHECKING:
    from dq.tree import Tree

LOOKED_AT = 1000
"""How many values of a part its pivot is chosen from: their median, which is near the mean as a rule."""


@dataclass(frozen=True, slots=True)
class Powers:
    """Sums of powers of the distances of pairs of values from a pair of pivots; of single values the second is 0.

    Attributes:
        n: how many there are.
        pivot: from which the distances are taken.
        sums: by the exponents of both distances; without those of a total exponent of 0, which is `n`.
        finite: whether all of them are.
    """

    n: int = 0
    pivot: tuple[Fraction, Fraction] = (Fraction(), Fraction())
    sums: tuple[tuple[tuple[int, int], Fraction], ...] = ()
    finite: bool = True

    def merge(self, other: Powers) -> Powers:
        """The sums of both parts about the pivot of the first."""
        if not self.n or not other.n:
            return self if self.n else other
        if not (self.finite and other.finite):
            return Powers(self.n + other.n, finite=False)
        moved = other.about(self.pivot)
        both = tuple((exponents, value + moved[exponents]) for exponents, value in self.sums)
        return Powers(self.n + other.n, self.pivot, both)

    def about(self, pivot: tuple[Fraction, Fraction]) -> dict[tuple[int, int], Fraction]:
        """The sums for another pivot, by the binomial theorem."""
        dx, dy = (own - given for own, given in zip(self.pivot, pivot, strict=True))
        held = {(0, 0): Fraction(self.n), **dict(self.sums)}
        return {
            (a, b): sum(
                (
                    math.comb(a, i) * math.comb(b, j) * dx ** (a - i) * dy ** (b - j) * held[i, j]
                    for i in range(a + 1)
                    for j in range(b + 1)
                ),
                Fraction(),
            )
            for (a, b), _ in self.sums
        }

    def central(self) -> tuple[tuple[float, float], dict[tuple[int, int], float]]:
        """The means, and the sums about them; there must be values, all finite."""
        sums = dict(self.sums)
        means = tuple(
            pivot + sums.get(first, Fraction()) / self.n
            for pivot, first in zip(self.pivot, ((1, 0), (0, 1)), strict=True)
        )
        about = self.about((means[0], means[1]))
        return (_double(means[0]), _double(means[1])), {at: _double(value) for at, value in about.items()}

    def value(self) -> Value:
        """The mean of the first values."""
        return self.central()[0][0] if self.n else NO_VALUES


def _double(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def _powers(n: int, finite: int, pivots: Sequence[Any], sums: dict[tuple[int, int], Any]) -> Powers:
    """What a part answered; NaN where a value, or a sum of them, is not finite."""
    if not n:
        return Powers()
    if n != finite or not all(math.isfinite(each) for each in (*pivots, *sums.values())):
        return Powers(int(n), finite=False)
    x, y = (Fraction(each) for each in pivots)
    return Powers(int(n), (x, y), tuple((at, Fraction(each)) for at, each in sums.items()))


@dataclass(frozen=True, slots=True)
class PowersOf:
    """The sums of the powers, up to a `degree`, of a number column; NULLs left out. `whole` is what they become."""

    whole: Spread | Shape
    degree: int
    grain: ClassVar[Grain] = Rows()

    @property
    def scope(self) -> Scope:
        """The rows that count."""
        return self.whole.scope

    def aggregates(self) -> tuple[Tree, ...]:
        """Count of values, of finite ones, the pivot, the sums."""
        value, finite = _values(self.whole.scope, self.whole.column)
        pivot = _pivot(finite)
        distance = exp.paren(exp.Sub(this=finite.copy(), expression=pivot.copy()))
        sums = [_sum(_product([distance] * power)) for power in range(1, self.degree + 1)]
        return (exp.Count(this=value), exp.Count(this=finite.copy()), exp.Min(this=pivot), *sums)

    def state(self, cells: Sequence[Any], /) -> Powers:
        """The sums."""
        n, finite, pivot, *sums = cells
        return _powers(n, finite, (pivot or 0, 0), {(at, 0): each for at, each in enumerate(sums, 1)})

    def finished(self, powers: Powers) -> Measured:
        """What the rules judge."""
        rest = [0.0] * (self.degree - 1)
        mean = 0.0
        if powers.n and powers.finite:
            (mean, _), sums = powers.central()
            rest = [sums[at, 0] for at in range(2, self.degree + 1)]
        elif powers.n:
            mean, rest = math.nan, [math.nan] * len(rest)
        return (Deviations if isinstance(self.whole, Spread) else Moments)(powers.n, mean, *rest)


@dataclass(frozen=True, slots=True)
class PowersOfPairs:
    """What two number columns have in common over the rows where both hold a value."""

    whole: Correlation
    grain: ClassVar[Grain] = Rows()

    @property
    def scope(self) -> Scope:
        """The rows that count."""
        return self.whole.scope

    def aggregates(self) -> tuple[Tree, ...]:
        """Count of pairs, of finite ones, both pivots, the sums."""
        (x, finite_x), (y, finite_y) = (_values(EVERYTHING, each) for each in (self.whole.x, self.whole.y))
        pairs = conjunction(self.whole.scope.predicate, is_present(x), is_present(y))
        finite = conjunction(self.whole.scope.predicate, is_present(finite_x), is_present(finite_y))
        both = [given(finite, each) for each in (finite_x, finite_y)]
        pivots = [_pivot(each) for each in both]
        dx, dy = (
            exp.paren(exp.Sub(this=each, expression=pivot.copy())) for each, pivot in zip(both, pivots, strict=True)
        )
        products = [_product(each) for each in ([dx], [dy], [dx, dx], [dy, dy], [dx, dy])]
        return (
            exp.Count(this=given(pairs, literal(1))),
            exp.Count(this=given(finite, literal(1))),
            *(exp.Min(this=each) for each in pivots),
            *map(_sum, products),
        )

    def state(self, cells: Sequence[Any], /) -> Powers:
        """The sums."""
        n, finite, x, y, *sums = cells
        exponents = ((1, 0), (0, 1), (2, 0), (0, 2), (1, 1))
        return _powers(n, finite, (x or 0, y or 0), dict(zip(exponents, sums, strict=True)))

    def finished(self, powers: Powers) -> Measured:
        """What the rules judge."""
        if not powers.n:
            return CoMoments()
        if not powers.finite:
            return CoMoments(powers.n, *[math.nan] * 5)
        (x, y), sums = powers.central()
        return CoMoments(powers.n, x, y, sums[2, 0], sums[0, 2], sums[1, 1])


def _values(scope: Scope, of: Column) -> tuple[Tree, Tree]:
    """The values of a column as doubles, and the finite ones among them."""
    held = exp.cast(column(of), exp.DataType.Type.DOUBLE)
    finite = (
        conjunction(scope.predicate, call("DQ_IS_FINITE", column(of))) if of.type is Type.FLOAT else scope.predicate
    )
    return given(scope.predicate, held), given(finite, held)


def _pivot(value: Tree) -> Tree:
    """The median of the first values of the part that is asked."""
    every = exp.select(exp.alias_(value.copy(), "v")).from_(table("primary")).subquery("every")
    some = exp.select(column("v")).from_(every).where(is_present(column("v"))).limit(LOOKED_AT).subquery("some")
    median = exp.Anonymous(this="QUANTILE_DISC", expressions=[column("v"), literal(0.5)])
    return exp.select(median).from_(some).subquery()


def _product(factors: Sequence[Tree]) -> Tree:
    whole = factors[0].copy()
    for each in factors[1:]:
        whole = exp.Mul(this=whole, expression=each.copy())
    return whole


def _sum(value: Tree) -> Tree:
    """A sum that keeps what rounding would lose."""
    return exp.Anonymous(this="FSUM", expressions=[value])


def in_parts(metric: Metric) -> Metric:
    """What a part is asked in place of a metric whose own state does not merge, or not without rounding."""
    if isinstance(metric, Spread):
        return PowersOf(metric, 2)
    if isinstance(metric, Shape):
        return PowersOf(metric, 4)
    return PowersOfPairs(metric) if isinstance(metric, Correlation) else metric
