"""An expectation while its rule is made of it: its kwargs, its scope, and what a rule made of it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dq.gx.conditions import row_condition
from dq.gx.reports import Fidelity, Lost
from dq.gx.suites import Expectation
from dq.gx.words import is_number, literal, numeral, quoted, sql
from dq.lazy import exp
from dq.tree import column, comply, conjunction, disjunction, is_null, negation

if TYPE_CHECKING:
    from dq.tree import Tree

RUNTIME = frozenset(
    {"batch_id", "catch_exceptions", "include_config", "result_format", "auto", "profiler_config", "condition_parser"}
)
"""Kwargs that say nothing of the meaning."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What GX counts of an expectation on rows, as conditions on rows.

    `scope` keeps the rows that it looks at, None for all; `ignored` is true for those of them that it skips because
    values are missing, None where it skips none; `unexpected` is true for unexpected rows, None where the
    outcome of the rule counts them.
    """

    scope: Tree | None = None
    ignored: Tree | None = None
    unexpected: Tree | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """The rule that an expectation became, as text without labels.

    `counted` is given for expectations on rows; `observed` says whether the first metric of the rule is the number
    that GX calls the observed value.
    """

    rule: str
    fidelity: Fidelity
    reason: str = ""
    counted: Counted | None = None
    observed: bool = False


@dataclass(slots=True)
class Reading:
    """Hands out the kwargs of an expectation, and remembers which of them were asked for."""

    expectation: Expectation
    counted: Counted | None = None
    observed: bool = False
    _reasons: dict[str, None] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    def made(self, rule: str) -> Made:
        """The rule, with what keeps it from being exact; kwargs that nobody asked for are told."""
        for key, value in self.expectation.kwargs.items():
            if key not in self._asked and key not in RUNTIME and value not in (None, False):
                self.approximate(f"`{key}` is not converted")
        fidelity = Fidelity.APPROXIMATE if self._reasons else Fidelity.EXACT
        return Made(rule, fidelity, "; ".join(self._reasons), self.counted, self.observed)

    def approximate(self, reason: str) -> None:
        """Remembers why the rule is not exactly the expectation."""
        self._reasons[reason] = None

    # -- kwargs ----------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        """A kwarg; the default where it is missing or null.

        Raises:
            Lost: a suite parameter, whose value the suite does not hold.
        """
        self._asked.add(key)
        value = self.expectation.kwargs.get(key)
        if isinstance(value, dict) and "$PARAMETER" in value:
            raise Lost(f"`{key}` is the suite parameter `{value['$PARAMETER']}`, which gets its value at run time")
        return default if value is None else value

    def text(self, key: str) -> str:
        """A kwarg that must be a text."""
        value = self.get(key)
        if not isinstance(value, str):
            raise Lost(f"`{key}` is no text")
        return value

    def texts(self, key: str) -> list[str]:
        """A kwarg that must be a list of texts, each once."""
        values = self.get(key)
        if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
            raise Lost(f"`{key}` is no list of texts")
        return list(dict.fromkeys(values))

    def number(self, key: str) -> str:
        """A kwarg that must be a number, as DQDL writes it."""
        return numeral(self.get(key))

    @property
    def name(self) -> str:
        """The column, between quotes."""
        return quoted(self.text("column"))

    def values(self) -> list[Any]:
        """The members of `value_set` that are values, each once: a NULL is never looked at."""
        found = self.get("value_set")
        if not isinstance(found, list):
            raise Lost("`value_set` is missing, and GX passes without looking")
        for each in found:
            if each is not None:
                literal(each)
        values = list({(isinstance(each, bool), each): each for each in found if each is not None}.values())
        if not values:
            raise Lost("`value_set` is empty")
        if len({bool if isinstance(each, bool) else str if isinstance(each, str) else float for each in values}) > 1:
            raise Lost("`value_set` mixes kinds of values, which no column of a table holds")
        return values

    def bounds(self) -> list[tuple[str, Any]]:
        """The operators and bounds of `min_value` and `max_value`, one or two of them."""
        low, high = self.get("min_value"), self.get("max_value")
        strict = self.get("strict_min", False), self.get("strict_max", False)
        found = [
            (f"{sign}{'' if is_strict else '='}", bound)
            for sign, bound, is_strict in ((">", low, strict[0]), ("<", high, strict[1]))
            if bound is not None
        ]
        if not found:
            raise Lost("neither `min_value` nor `max_value` is given")
        return found

    # -- rows ------------------------------------------------------------------------------------------

    def scope(self, *skipped: str) -> Tree | None:
        """The rows of `row_condition`; `skipped` are columns whose NULLs take no part anyway."""
        found = self.get("row_condition")
        return row_condition(found, self.get("condition_parser"), frozenset(skipped), self.approximate)

    def mostly(self) -> float:
        """The share of rows that must comply."""
        share = self.get("mostly", 1.0)
        if not is_number(share) or not 0 <= share <= 1:
            raise Lost("`mostly` is no share between 0 and 1")
        return float(share)

    def threshold(self) -> str:
        """`mostly` as a threshold, with a blank in front; nothing where every row must comply."""
        share = self.mostly()
        return "" if share == 1 else f" with threshold >= {numeral(share)}"


def conditions(subject: str, bounds: list[tuple[str, Any]], after: str = "") -> str:
    """A rule whose number lies within bounds: DQDL's `between` leaves its ends out, so closed ones are two rules."""
    (first, low), (last, high) = bounds[0], bounds[-1]
    if len(bounds) == 1:
        return f"{subject} {first} {numeral(low)}{after}"
    if (first, last) == (">", "<"):
        return f"{subject} between {numeral(low)} and {numeral(high)}{after}"
    if (first, last) == (">=", "<=") and low == high:
        return f"{subject} = {numeral(low)}{after}"
    return f"({subject} {first} {numeral(low)}{after}) and ({subject} {last} {numeral(high)}{after})"


def rows(reading: Reading, expected: Tree, scope: Tree | None, ignored: Tree | None) -> str:
    """A rule by SQL: the rows that comply, or where some may fail, the share of those that are looked at.

    All columns that are named are returned, so that a row has no partner which the query judged otherwise.
    """
    reading.counted = Counted(scope, ignored, negation(comply(expected)))
    if reading.mostly() < 1:
        return share_of(expected, scope, ignored, reading.mostly())
    passing = [expected, *([ignored] if ignored is not None else [])]
    if scope is not None:
        passing.append(negation(comply(scope)))
    names = dict.fromkeys(each.name for tree in passing for each in tree.find_all(exp.Column))
    query = exp.select(*(column(name) for name in names)).from_("primary").where(disjunction(*passing))
    return f"CustomSql {quoted(sql(query))}"


def share_of(expected: Tree, scope: Tree | None, ignored: Tree | None, least: float) -> str:
    """A rule on the share of rows that comply, 1 where there is none to look at, as GX counts."""
    complying = exp.Count(this=exp.case().when(expected.copy(), exp.Literal.number(1)))
    share = exp.Div(
        this=complying, expression=exp.Nullif(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(0))
    )
    query = exp.select(exp.Coalesce(this=share, expressions=[exp.Literal.number(1)])).from_("primary")
    met = conjunction(scope, None if ignored is None else negation(ignored))
    return f"CustomSql {quoted(sql(query.where(met) if met is not None else query))} >= {numeral(least)}"


def answer(value: Tree, scope: Tree | None) -> str:
    """A CustomSql without its condition: one number of the rows in scope."""
    query = exp.select(value.copy()).from_("primary")
    return f"CustomSql {quoted(sql(query.where(scope) if scope is not None else query))}"


def inside(value: Tree, bounds: list[tuple[str, Any]]) -> Tree:
    """A value within bounds, as SQL."""
    signs = {">": exp.GT, ">=": exp.GTE, "<": exp.LT, "<=": exp.LTE}
    met = conjunction(*(signs[sign](this=value.copy(), expression=literal(bound)) for sign, bound in bounds))
    assert met is not None
    return met


def listed(value: Tree, values: list[Any]) -> Tree:
    """A value among others, as SQL."""
    return exp.In(this=value.copy(), expressions=[literal(each) for each in values])


def same(left: str, right: str) -> Tree:
    """Two columns with equal values, or both without."""
    return exp.NullSafeEQ(this=column(left), expression=column(right))


def all_missing(names: list[str]) -> Tree:
    """No column holds a value."""
    met = conjunction(*(is_null(column(name)) for name in names))
    assert met is not None
    return met
