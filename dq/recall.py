"""What an evaluation does with history: verdicts that rest on it, observations, and what this run leaves behind."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from dq import dynamics
from dq.analysis import Analysis
from dq.conditions import ConditionError
from dq.diagnostics import DqError
from dq.distributions import NumberBins
from dq.gauges import MUCH, Spread, beyond
from dq.history import Found, HistoryError, MetricHistory, Run, Series
from dq.lazy import dq_metrics
from dq.outcomes import Distribution, Remembered, Statistic, Verdict
from dq.rules import SIGNATURES
from dq.rules.base import BoundRule, Facts, Judgement, Parameters, show
from dq.rules.history import LEAST, WINDOW, DetectAnomalies, forecast
from dq.syntax import Rule, Ruleset

if TYPE_CHECKING:
    from dq.engines.base import Engine
    from dq.gauges import Gauge, Reading

OBSERVED = frozenset(
    {
        "RowCount",
        "ColumnCount",
        "Completeness",
        "DistinctValuesCount",
        "MinimumLength",
        "MaximumLength",
        "Minimum",
        "Maximum",
    }
)
"""The statistics of analyzers that are compared with their history (REFERENCE E.2)."""

MOST_OBSERVATIONS = 50
"""Observations of one evaluation (REFERENCE E.2)."""


def dataset_name(ruleset: Ruleset, engine: Engine) -> str:
    """What is under test, as history calls it unless told: what was read, or the ruleset where there is no table."""
    if "primary" not in engine.schemas():
        return ruleset.source.name
    return without_file_count(engine.read("primary").description)


def without_file_count(description: str) -> str:
    """What was read without how many files that were: one more file behind a glob is no other dataset."""
    return re.sub(r" \([\d,]+ files\)$", "", description)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an evaluation stands in history: its dataset, its context and its instant."""

    dataset: str
    context: str
    now: datetime

    def series(self, rule: Rule, metric: str) -> Series:
        """The series of a metric of a rule; what DetectAnomalies watches is the series of the watched."""
        if rule.name == DetectAnomalies.__name__:
            rule = Rule(rule.parameters[0].value, rule.parameters[1:])
        where = rule.where.value.strip() if rule.where else ""
        return Series(self.dataset, self.context, metric, where, _detail(rule, metric))


def _detail(rule: Rule, metric: str) -> str:
    """What decides the metric of a rule and is not in its name: parameters that are no columns, a condition on rows."""
    words: list[str] = []
    if any(slot.kind not in (Parameters.COLUMN, Parameters.COLUMN_NAME) for slot in SIGNATURES[rule.name].slots):
        words += [f'"{parameter.value}"' for parameter in rule.parameters]
    if metric.endswith(("Compliance", "PatternMatch")):
        words += [str(rule.condition)] if rule.condition else []
        words += [str(tag) for tag in rule.tags if tag.name != "threshold"]
    return " ".join(words)


# -- verdicts ------------------------------------------------------------------------------------------


def judge(
    bound: Mapping[Rule, BoundRule],
    judged: Mapping[Rule, Judgement],
    facts: Facts,
    history: MetricHistory | None,
    place: Place,
    *,
    fail_cold_start: bool,
) -> tuple[dict[Rule, Judgement], tuple[str, ...]]:
    """The judgements of all rules, those that ask for history judged by it, and remarks about the store.

    `judged` is what rules say without history: which metric they are about, and what it is.

    Raises:
        HistoryError: when the history cannot be read.
    """
    asked = {rule: dict(_asked(rule, bound[rule], first)) for rule, first in judged.items()}
    wanted = _together(
        (place.series(rule, name), most) for rule, names in asked.items() for name, most in names.items()
    )
    found = _read(history, wanted, place)
    result = dict(judged)
    for rule, names in asked.items():
        if names:
            past = {name: found.values(place.series(rule, name)) for name in names}
            judgement = _by_history(rule, bound[rule], judged[rule], facts, past)
            watches = isinstance(bound[rule], DetectAnomalies)
            result[rule] = _cold(judgement, watches=watches, is_kept=history is not None, fail=fail_cold_start)
    return result, found.notes


def _read(history: MetricHistory | None, wanted: Mapping[Series, int | None], place: Place) -> Found:
    return history.read(wanted, place.now) if history is not None and wanted else Found()


def _asked(rule: Rule, bound: BoundRule, first: Judgement) -> Iterator[tuple[str, int | None]]:
    """The metrics whose history a rule asks for, and how many values; none when there is nothing to compare."""
    condition = dynamics.asking(rule)
    if isinstance(bound, DetectAnomalies):
        yield from ((name, WINDOW) for name in first.metrics)
    elif condition is not None and first.metrics:
        yield next(iter(first.metrics)), dynamics.depth(condition)


def _together(asked: Iterator[tuple[Series, int | None]]) -> dict[Series, int | None]:
    wanted: dict[Series, int | None] = {}
    for series, most in asked:
        known = wanted.get(series, 0)
        wanted[series] = None if most is None or known is None else max(most, known)
    return wanted


def _by_history(
    rule: Rule, bound: BoundRule, first: Judgement, facts: Facts, past: Mapping[str, Sequence[float]]
) -> Judgement:
    if isinstance(bound, DetectAnomalies):
        return bound.against(first, past)
    ((metric, values),) = past.items()
    asked = dynamics.asking(rule)
    assert asked is not None
    asks_nothing = dynamics.depth(asked) == 0  # such as `abs(-5)`
    remembered = () if asks_nothing else (Remembered(metric, len(values), enough=bool(values)),)
    try:
        resolved = dynamics.after(rule, values)
    except ConditionError as error:
        reason = f"{error.message}; {error.help}" if error.help else error.message
        return replace(first, verdict=Verdict.ERROR, reason=reason, history=remembered)
    judgement = replace(bound, **dynamics.conditions_of(resolved)).judge(facts)
    return replace(judgement, evaluated=resolved, history=remembered)


def _cold(judgement: Judgement, *, watches: bool, is_kept: bool, fail: bool) -> Judgement:
    """A judgement that tells when there was too little history, and fails if that is asked for."""
    cold = [each for each in judgement.history if not each.enough]
    if not cold:
        return judgement
    told = tuple(_too_little(each, watches=watches, is_kept=is_kept) for each in cold)
    if fail and judgement.verdict is Verdict.PASSED:
        return replace(judgement, verdict=Verdict.FAILED, reason="\n".join(told))
    return replace(judgement, notes=(*judgement.notes, *told))


def _too_little(remembered: Remembered, *, watches: bool, is_kept: bool) -> str:
    if not is_kept:
        what = "nothing is compared" if watches else "its functions count as 0"
        return f"no history: none is kept in this evaluation, so {what}"
    if not watches:
        return f"no history: no earlier run has measured {remembered.metric}, so its functions count as 0"
    return (
        f"not enough history: {remembered.values} of the {LEAST} earlier values of {remembered.metric} that are needed"
    )


def cold_starts(judged: Mapping[Rule, Judgement]) -> tuple[str, ...]:
    """A remark for the whole evaluation when rules found too little history."""
    count = sum(any(not each.enough for each in judgement.history) for judgement in judged.values())
    if not count:
        return ()
    rules = "1 rule" if count == 1 else f"{count:,} rules"
    return (f"cold start: {rules} found too little history to compare with; the notes of each tell",)


# -- bins ----------------------------------------------------------------------------------------------


def frozen(analyses: Mapping[str, Analysis], history: MetricHistory | None, place: Place) -> dict[str, Analysis]:
    """The analyzers with the bins of earlier runs, so that distributions can be compared (REFERENCE B.34)."""
    series = {
        gauge: Series(place.dataset, place.context, gauge.name)
        for analysis in analyses.values()
        for gauge in analysis.gauges
        if isinstance(gauge, Spread) and isinstance(gauge.metric, NumberBins)
    }
    found = _read(history, dict.fromkeys(series.values(), RUNS_BEYOND), place).distributions
    kept = {gauge: _with_bins(gauge, found.get(each, ())) for gauge, each in series.items()}
    return {
        text: replace(
            each, gauges=tuple(kept.get(gauge, gauge) if isinstance(gauge, Spread) else gauge for gauge in each.gauges)
        )
        for text, each in analyses.items()
    }


RUNS_BEYOND = 3
"""Runs in a row with much beyond the bins, after which new bins are found (REFERENCE B.34)."""


def _with_bins(gauge: Spread, newest: Sequence[Distribution]) -> Spread:
    metric = gauge.metric
    assert isinstance(metric, NumberBins)
    if not newest or len(newest[0].counts) != metric.bins:
        return gauge
    moved = len(newest) == RUNS_BEYOND and all(beyond(each) > MUCH for each in newest)
    if moved and gauge.rebin:
        return gauge
    edges = newest[0].edges
    return replace(gauge, metric=replace(metric, low=float(edges[0]), high=float(edges[-1])))


# -- statistics ----------------------------------------------------------------------------------------


def statistics(
    ruleset: Ruleset,
    analyses: Mapping[str, Analysis],
    problems: Mapping[str, str],
    facts: Facts,
    failed: Mapping[dq_metrics.Metric, str],
) -> tuple[Statistic, ...]:
    """What the analyzers of a ruleset have gathered, in source order, each statistic once."""
    found: dict[tuple[str, str], Statistic] = {}
    for analyzer in ruleset.analyzers:
        text = str(analyzer)
        blank = Statistic("", analyzer, line=ruleset.source.position(analyzer.span.start)[0])
        detail = _detail(Rule(analyzer.name, analyzer.parameters), "")
        gauges = () if text in problems else analyses[text].gauges
        for each in _gathered(blank, problems.get(text, ""), gauges, facts, failed):
            found.setdefault((each.name, detail) if each.name else (text, each.reason), each)
    return tuple(found.values())


def _gathered(
    blank: Statistic, problem: str, gauges: Sequence[Gauge], facts: Facts, failed: Mapping[dq_metrics.Metric, str]
) -> Iterator[Statistic]:
    """The statistics of an analyzer, and one without a name for each reason why there are not more."""
    if problem:
        yield replace(blank, reason=problem, error=True)
    for gauge in gauges:
        reason = next((failed[metric] for metric in gauge.metrics() if metric in failed), "")
        if reason:
            yield replace(blank, reason=reason, error=True)
            continue
        try:
            yield from (_statistic(blank, reading) for reading in gauge.read(facts))
        except DqError as error:
            yield replace(blank, reason=error.message, error=True)


def _statistic(blank: Statistic, reading: Reading) -> Statistic:
    value = reading.value
    named = replace(blank, name=reading.name, columns=reading.columns, notes=reading.notes)
    if isinstance(value, dq_metrics.Undefined):
        return replace(named, reason=value.reason)
    return replace(named, value=value if isinstance(value, Distribution) else float(value))


def observed(
    statistics: Sequence[Statistic], history: MetricHistory | None, place: Place
) -> tuple[tuple[Statistic, ...], tuple[str, ...]]:
    """The statistics, those off their history with a note that says so: it changes no verdict (REFERENCE E.2)."""
    watched = {each: _series_of(place, each) for each in statistics if each.name.rpartition(".")[2] in OBSERVED}
    found = _read(history, dict.fromkeys(watched.values(), WINDOW), place)
    result, observations = [], 0
    for each in statistics:
        note = _observation(each, found.values(watched[each])) if each in watched else ""
        observations += bool(note)
        told = note and observations <= MOST_OBSERVATIONS
        result.append(replace(each, notes=(*each.notes, note)) if told else each)
    return tuple(result), found.notes


def _observation(statistic: Statistic, history: Sequence[float]) -> str:
    expected = forecast(history)
    value = statistic.value
    if expected is None or not isinstance(value, float) or expected.holds(value):
        return ""
    return f"off its history: {show(value)}, expected {expected}, predicted {show(expected.predicted)}"


def _series_of(place: Place, statistic: Statistic) -> Series:
    return place.series(Rule(statistic.analyzer.name, statistic.analyzer.parameters), statistic.name)


# -- what is left behind -------------------------------------------------------------------------------


def keep(
    history: MetricHistory | None, place: Place, judged: Mapping[Rule, Judgement], statistics: Sequence[Statistic]
) -> tuple[str, ...]:
    """Store what this run has measured, whatever the verdicts; a remark when that failed.

    The evaluation is done by then: its result is not thrown away because it could not be remembered.
    """
    if history is None:
        return ()
    measured = {
        place.series(rule, name): value
        for rule, judgement in judged.items()
        for name, value in judgement.metrics.items()
    }
    measured |= {_series_of(place, each): each.value for each in statistics if isinstance(each.value, float)}
    values = {series: float(value) for series, value in measured.items() if math.isfinite(value)}
    distributions = {
        _series_of(place, each): each.value
        for each in statistics
        if isinstance(each.value, Distribution) and each.value.kind == "number"
    }
    try:
        history.append(Run(uuid.uuid4().hex, place.now, values, distributions))
    except HistoryError as error:
        return (f"this run is not remembered: {error.message}",)
    return ()
