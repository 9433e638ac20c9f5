"""What analyzers measure: gauges that name their metrics and read numbers off what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dq.lazy import dq_metrics
from dq.outcomes import Distribution
from dq.rules.base import BoundRule, Facts
from dq.schema import Column

if TYPE_CHECKING:
    from dq.metrics import Metric, Value


@dataclass(frozen=True, slots=True)
class Reading:
    """One statistic: its metric name (REFERENCE B.0.7), the columns it is about, what it is, and remarks."""

    name: str
    columns: tuple[str, ...]
    value: Value | Distribution
    notes: tuple[str, ...] = ()


class Gauge(Protocol):
    """Something to measure without judging it."""

    def metrics(self) -> tuple[Metric, ...]:
        """What has to be measured."""

    def read(self, facts: Facts) -> Iterator[Reading]:
        """What the measurements are, each under its name; Undefined where there is no value."""


@dataclass(frozen=True, slots=True)
class OfRule:
    """The metrics that a rule type reports; the rule has a stand-in for its condition."""

    rule: BoundRule

    def metrics(self) -> tuple[Metric, ...]:
        """Those of the rule."""
        return self.rule.metrics()

    def read(self, facts: Facts) -> Iterator[Reading]:
        """Whatever the rule would report, its verdict left aside."""
        judgement = self.rule.judge(facts)
        for name, value in judgement.metrics.items():
            yield Reading(name, self.rule.written, value)
        if not judgement.metrics:
            name = self.rule.name_of(_NAMES.get(type(self.rule).__name__, type(self.rule).__name__))
            yield Reading(name, self.rule.written, dq_metrics.Undefined(judgement.reason))


_NAMES = {"CustomSql": "CustomSQL"}
"""Metrics that are not called as their rule type is."""


@dataclass(frozen=True, slots=True)
class Extremes:
    """The least and the greatest number of a column, or the shortest and the longest text."""

    column: Column
    written: str
    of_length: bool = False

    def metric(self) -> dq_metrics.Bounds:
        """Both ends."""
        return dq_metrics.Bounds(self.column, of_length=self.of_length)

    def metrics(self) -> tuple[Metric, ...]:
        """Both ends."""
        return (self.metric(),)

    def read(self, facts: Facts) -> Iterator[Reading]:
        """The two ends."""
        found = facts[self.metric()]
        assert isinstance(found, dq_metrics.Extremes)
        for name, value in (("Minimum", found.low), ("Maximum", found.high)):
            statistic = f"{name}Length" if self.of_length else name
            yield Reading(
                f"Column.{self.written}.{statistic}",
                (self.written,),
                dq_metrics.NO_VALUES if value is None else value,
            )


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of a column."""

    metric: Metric
    written: str
    rebin: bool = True

    def metrics(self) -> tuple[Metric, ...]:
        """The bins."""
        return (self.metric,)

    @property
    def name(self) -> str:
        """The name of the metric."""
        return f"Column.{self.written}.Distribution"

    def read(self, facts: Facts) -> Iterator[Reading]:
        """The distribution."""
        found: Distribution = facts[self.metric].distribution  # type: ignore[attr-defined]
        value = found if found.counts else dq_metrics.NO_VALUES
        yield Reading(self.name, (self.written,), value, _moved(found))


def beyond(found: Distribution) -> float:
    """The share of the numbers that lie outside of the bins of an earlier run."""
    return found.beyond / sum(found.counts) if found.counts else 0.0


LITTLE, MUCH = 0.02, 0.05
"""Shares of numbers beyond the bins that are worth a remark, and that make the bins doubtful (REFERENCE B.34)."""


def _moved(found: Distribution) -> tuple[str, ...]:
    share = beyond(found)
    if share <= LITTLE:
        return ()
    words = f"{share:.1%} of the values lie beyond the bins of an earlier run"
    return (f"{words}: the distribution has changed" if share > MUCH else words,)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A column that an analyzer of all columns cannot look at: told, and no error."""

    name: str
    column: str
    reason: str

    def metrics(self) -> tuple[Metric, ...]:
        """None."""
        return ()

    def read(self, facts: Facts) -> Iterator[Reading]:
        """Why there is nothing."""
        yield Reading(self.name, (self.column,), dq_metrics.Undefined(self.reason))
