"""Rules about a metric and its own past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dq.dynamics import median
from dq.lazy import dq_metrics
from dq.outcomes import Distribution, Remembered, Verdict
from dq.rules.base import BoundRule, Facts, Judgement, MetricColumns, MetricName, rule_type, show

if TYPE_CHECKING:
    from dq.gauges import Gauge

LEAST = 3
"""Values that a prediction needs (REFERENCE E.3)."""

WINDOW = 30
"""The newest values that a prediction looks at."""

FACTOR = 3.5
"""Modified z-scores beyond this are outliers. Source: Iglewicz & Hoaglin, How to Detect and Handle Outliers (1993)."""

SCALE = 1.4826
"""Makes the median absolute deviation of a normal distribution its standard deviation."""

FLOOR = 0.01
"""The least spread, as a share of the median: a metric that never moved may still move a little."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a metric should be next: a prediction and the bounds around it, both included."""

    predicted: float
    lower: float
    upper: float

    def holds(self, value: float) -> bool:
        """Whether the value is no anomaly; NaN always is one."""
        return self.lower <= value <= self.upper

    def __str__(self) -> str:
        return f"{show(self.lower)} to {show(self.upper)}"


def forecast(history: Sequence[float]) -> Forecast | None:
    """The median of the history ± 3.5 · max(1.4826 · MAD, 1 % of the median); None of fewer than three values.

    Median and MAD, the median distance from it, do not move with a lone outlier, early or late. The value that is
    judged is not part of the history. Order does not matter; seasons are not known.
    """
    if len(history) < LEAST:
        return None
    values = tuple(history[:WINDOW])
    middle = median(values)
    spread = median(tuple(abs(each - middle) for each in values))
    reach = FACTOR * max(SCALE * spread, FLOOR * abs(middle))
    return Forecast(middle, middle - reach, middle + reach)


@rule_type()
class DetectAnomalies(BoundRule):
    """Whether a metric is in line with its history: within the bounds that its earlier values predict.

    The metric is that of a rule type with its parameters. The bounds are the median of the newest 30 values
    ± 3.5 · max(1.4826 · MAD, 1 % of the median), where MAD is the median distance from the median. With fewer than
    three earlier values it passes with a note. Glue's own model is not published, so its verdicts can differ.

    Example:
        DetectAnomalies "RowCount"
        DetectAnomalies "Completeness" "email"
        DetectAnomalies "ColumnCorrelation" "id" "qty"
    """

    metric: MetricName
    columns: MetricColumns
    gauges: tuple[Any, ...] = ()

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """Those of the metric that is watched."""
        watched: tuple[Gauge, ...] = self.gauges
        return tuple(metric for gauge in watched for metric in gauge.metrics())

    def judge(self, facts: Facts) -> Judgement:
        """The metrics alone; a metric without a value fails. `against` goes on with the history."""
        readings = [reading for gauge in self.gauges for reading in gauge.read(facts)]
        for each in readings:
            if isinstance(each.value, dq_metrics.Undefined):
                return Judgement(Verdict.FAILED, each.value.reason, "no value", "in line with its history")
        values = {each.name: float(each.value) for each in readings if not isinstance(each.value, Distribution)}
        return Judgement(Verdict.PASSED, "", _each(values, values), "in line with its history", values)

    def against(self, judgement: Judgement, history: Mapping[str, Sequence[float]]) -> Judgement:
        """PASSED when every metric lies within its bounds, or while there is too little history."""
        forecasts = {name: forecast(history[name]) for name in judgement.metrics}
        remembered = tuple(_remembered(name, history[name], each) for name, each in forecasts.items())
        reasons = []
        for name, each in forecasts.items():
            value, known = judgement.metrics[name], min(len(history[name]), WINDOW)
            if each and not each.holds(value):
                why = f"its {known} earlier values predict {show(each.predicted)}"
                reasons.append(f"{name} is {show(value, (each.lower, each.upper))}, expected {each}: {why}")
        known_forecasts = {name: each for name, each in forecasts.items() if each}
        return replace(
            judgement,
            verdict=Verdict.FAILED if reasons else Verdict.PASSED,
            reason="\n".join(reasons),
            expected=_each(known_forecasts, judgement.metrics) or judgement.expected,
            history=remembered,
        )


def _remembered(name: str, history: Sequence[float], found: Forecast | None) -> Remembered:
    if found is None:
        return Remembered(name, len(history), enough=False)
    return Remembered(name, len(history), True, found.predicted, found.lower, found.upper)


def _each(values: Mapping[str, float | Forecast], metrics: Mapping[str, float]) -> str:
    """Values of a lone metric as they are, those of several with the last part of their names."""
    shown = {name: show(each) if isinstance(each, float) else str(each) for name, each in values.items()}
    alone = len(metrics) == 1
    return ", ".join(text if alone else f"{name.rpartition('.')[2]} {text}" for name, text in shown.items())
