"""Analyzers bound to tables: which gauges answer them. DetectAnomalies watches through the same gauges."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from dq import dynamics
from dq.binding import bind
from dq.distributions import MOST_BINS, FrequentValues, NumberBins
from dq.gauges import Extremes, Gauge, OfRule, PassedOver, Spread
from dq.names import BindingError, find_column
from dq.rules import SIGNATURES
from dq.rules.base import BoundRule, number_problem, text_problem
from dq.rules.history import DetectAnomalies
from dq.schema import Column, Schema, Type
from dq.syntax import Analyzer, Call, Condition, Kind, Operator, Parameter, Rule, Tag

if TYPE_CHECKING:
    from dq.metrics import Metric

Schemas: TypeAlias = Mapping[str, Schema]

ALL_COLUMNS = "AllColumns"
"""The word for every column, without quotes (REFERENCE E.1)."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analyzer with the gauges that answer it."""

    analyzer: Analyzer
    gauges: tuple[Gauge, ...]

    def metrics(self) -> tuple[Metric, ...]:
        """What has to be measured."""
        return tuple(metric for gauge in self.gauges for metric in gauge.metrics())


def bind_rule(rule: Rule, schemas: Schemas, now: datetime) -> BoundRule:
    """As `binding.bind`, with stand-ins for what the history has to tell, and gauges for what is watched.

    Raises:
        DqError: why it cannot be measured, in one line.
    """
    bound = bind(dynamics.before(rule), schemas, now)
    if not isinstance(bound, DetectAnomalies):
        return bound
    watched, *words = rule.parameters
    if watched.value in SIGNATURES and not SIGNATURES[watched.value].rule:
        raise BindingError(f"{watched.value} is an analyzer of many statistics; name the rule type of one of them")
    fields: dict[str, Any] = {"gauges": gauges_of(watched.value, words, (), schemas, now)}
    return replace(bound, **fields)


def bind_analyzer(analyzer: Analyzer, schemas: Schemas, now: datetime) -> Analysis:
    """The gauges of an analyzer.

    Raises:
        DqError: why it cannot be measured, in one line.
    """
    return Analysis(analyzer, gauges_of(analyzer.name, analyzer.parameters, analyzer.tags, schemas, now))


def gauges_of(
    name: str, words: Sequence[Parameter], tags: Sequence[Tag], schemas: Schemas, now: datetime
) -> tuple[Gauge, ...]:
    """What measures the statistics of a rule type.

    Raises:
        DqError: for an unknown rule type, one without a number of its own, wrong parameters, missing columns.
    """
    signature = SIGNATURES.get(name)
    if signature is None:
        near = difflib.get_close_matches(name, SIGNATURES, n=1)
        raise BindingError(f"`{name}` is no rule type" + (f"; did you mean `{near[0]}`?" if near else ""))
    if not signature.takes(len(words)):
        wanted = str(signature.least) if signature.least == signature.most else f"{signature.least} or more"
        raise BindingError(f"{name} takes {wanted} parameters, and {len(words)} are given")
    special = _SPECIAL.get(name)
    if special is not None:
        return tuple(special(words, tags, schemas, now))
    if signature.kinds != {Kind.NUMBER}:
        raise BindingError(f"{name} has no statistic: it measures nothing without a condition")
    return (_of_rule(name, words, schemas, now),)


def _of_rule(name: str, words: Sequence[Parameter], schemas: Schemas, now: datetime) -> Gauge:
    """A rule that would judge the statistic, with a stand-in for what it would judge it by."""
    nothing = dynamics.stand_in(Condition(Kind.NUMBER, Operator.GE, (Call("last", ()),)))
    return OfRule(bind(Rule(name, tuple(words), nothing), schemas, now))


def _primary(schemas: Schemas) -> Schema:
    if "primary" not in schemas:
        raise BindingError("there is no table under test, whose columns could be looked at")
    return schemas["primary"]


def _lengths(words: Sequence[Parameter], tags: Sequence[Tag], schemas: Schemas, now: datetime) -> list[Gauge]:
    column = find_column(words[0].value, _primary(schemas))
    _refuse(text_problem(column))
    return [Extremes(column, words[0].value, of_length=True)]


def _values(words: Sequence[Parameter], tags: Sequence[Tag], schemas: Schemas, now: datetime) -> list[Gauge]:
    column = find_column(words[0].value, _primary(schemas))
    _refuse(number_problem(column))
    return [Extremes(column, words[0].value)]


def _refuse(problem: str) -> None:
    if problem:
        raise BindingError(problem)


def _everything(words: Sequence[Parameter], tags: Sequence[Tag], schemas: Schemas, now: datetime) -> list[Gauge]:
    """The union of what the guide lists in its overview and on the analyzer's page (REFERENCE J 34)."""
    gauges = [_of_rule(name, (), schemas, now) for name in ("RowCount", "ColumnCount")]
    for column, written, problem in _columns(words[0], _primary(schemas)):
        if problem:
            gauges.append(PassedOver(f"Column.{written}.AllStatistics", written, problem))
            continue
        word = Parameter(written, written)
        kinds = ["Completeness", "Uniqueness"]
        if column.type.is_number:
            gauges.append(Extremes(column, written))
            kinds += ["Mean", "Sum", "StandardDeviation", "Entropy"]
        elif column.type is Type.STRING:
            gauges.append(Extremes(column, written, of_length=True))
        gauges += [_of_rule(kind, (word,), schemas, now) for kind in kinds]
    return gauges


def _distributions(words: Sequence[Parameter], tags: Sequence[Tag], schemas: Schemas, now: datetime) -> list[Gauge]:
    bins = _bins(tags)
    rebin = _tag(tags, "rebin", "true").lower() != "false"
    gauges: list[Gauge] = []
    for column, written, problem in _columns(words[0], _primary(schemas)):
        if problem:
            gauges.append(PassedOver(f"Column.{written}.Distribution", written, problem))
        else:
            metric = NumberBins(column, bins) if column.type.is_number else FrequentValues(column, bins)
            gauges.append(Spread(metric, written, rebin))
    return gauges


def _bins(tags: Sequence[Tag]) -> int:
    written = _tag(tags, "bins", str(MOST_BINS))
    bins = int(written) if written.isdigit() and len(written) < 5 else 0
    if not 1 <= bins <= MOST_BINS:
        raise BindingError(f"a distribution has 1 to {MOST_BINS} bins, not {written}")
    return bins


def _tag(tags: Sequence[Tag], name: str, default: str) -> str:
    return next((str(tag.condition.operands[0]).strip('"') for tag in tags if tag.name == name), default)


def _columns(word: Parameter, schema: Schema) -> list[tuple[Column, str, str]]:
    """The columns that a word means, each with its name as written and why it cannot be looked at, if so."""
    if word.quoted or word.variable or word.value != ALL_COLUMNS:
        return [(find_column(word.value, schema), word.value, "")]
    nested = "a nested column, which is not looked at"
    return [(column, column.name, nested if column.type is Type.NESTED else "") for column in schema]


_SPECIAL: dict[str, Callable[[Sequence[Parameter], Sequence[Tag], Schemas, datetime], list[Gauge]]] = {
    "ColumnLength": _lengths,
    "ColumnValues": _values,
    "AllStatistics": _everything,
    "Distribution": _distributions,
}
"""The rule types whose statistics are not the number that a condition of theirs would judge (REFERENCE E.1)."""
