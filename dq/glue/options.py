"""The options of a Glue job's `EvaluateDataQuality`: which are honoured, which mean nothing here, which are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

from dq.diagnostics import DqError

TIMINGS = ("Immediate", "AfterDataLoad")


@dataclass(frozen=True, slots=True)
class GlueOptions:
    """What the options of a call come to.

    Attributes:
        context: the name of the evaluation, which keeps its history apart.
        results: where result files go: a folder, or the URL of a prefix; empty for nowhere.
        best_effort: whether a failure to write them is a warning.
        composites: how composite rules are judged.
        filtered_rows: whether rows outside of a rule's `where` have passed it.
        cache: whether the input is cached in Spark before it is read.
        totals: whether rows are counted by rule.
        stop: when a rule that did not pass ends the job; None for never.
        ignored: what means nothing outside of AWS, for the log.
    """

    context: str = "default_context"
    results: str = ""
    best_effort: bool = False
    composites: Literal["column", "row"] = "column"
    filtered_rows: Literal["passed", "skipped"] = "passed"
    cache: bool = False
    totals: bool = False
    stop: str | None = None
    ignored: tuple[str, ...] = field(default=(), compare=False)


PUBLISHING = (
    "dataQualityEvaluationContext",
    "enableDataQualityResultsPublishing",
    "enableDataQualityCloudWatchMetrics",
    "resultsS3Prefix",
)

ADDITIONAL: Mapping[str, tuple[str, ...]] = {
    "compositeRuleEvaluation.method": ("COLUMN", "ROW"),
    "observations.scope": ("ALL", "NONE"),
    "observations.mode": ("LINEAR", "FIXED"),
    "performanceTuning.caching": ("CACHE_NOTHING", "CACHE_INPUT"),
    "rowLevelConfiguration.filteredRowLabel": ("PASSED", "SKIPPED"),
    "rowLevelConfiguration.ruleWithLabels": ("ENABLED", "DISABLED"),
    "publishAggregatedMetrics.status": ("ENABLED", "DISABLED"),
    "dataQualityResultsPublishing.strategy": ("BEST_EFFORT", "STRICT"),
    "stopJobOnFailureOptions.stopJobOnFailureTiming": TIMINGS,
}
"""Additional options and their values, the default first (REFERENCE F.3; of timings there is none)."""

REFUSED = {("rowLevelConfiguration.ruleWithLabels", "ENABLED"): "labels are not part of the texts of rules in rows"}
"""What would change the result and cannot be done, with the reason."""

_STOP = "stopJobOnFailureOptions"


def read(publishing: Mapping[str, Any] | None, additional: Mapping[str, Any] | None) -> GlueOptions:
    """The options of a call.

    Raises:
        DqError: one that is not known, has no such value, or cannot be honoured.
    """
    published, more = dict(publishing or {}), dict(additional or {})
    stop = more.pop(_STOP, published.pop(_STOP, None))  # as the shape of jobs nests it
    if isinstance(stop, Mapping):
        more |= {f"{_STOP}.{key}": value for key, value in stop.items()}
    elif stop is not None:
        raise DqError(f"`{_STOP}` cannot be {stop!r}", help="give {'stopJobOnFailureTiming': 'Immediate'}")
    _known(published, PUBLISHING, "publishing option")
    _known(more, ADDITIONAL, "additional option")
    for name, value in more.items():
        if str(value) not in ADDITIONAL[name]:
            raise DqError(f"`{name}` cannot be {value!r}", help=f"it is {' or '.join(ADDITIONAL[name])}")
        if reason := REFUSED.get((name, str(value))):
            raise DqError(f"`{name}` = {value} cannot be honoured: {reason}", help="leave the option out")
    ignored = []
    if _on(published, "enableDataQualityCloudWatchMetrics"):
        ignored.append("enableDataQualityCloudWatchMetrics: there is no CloudWatch here, metrics are in ruleOutcomes")
    if more.get("observations.mode") == "FIXED":
        ignored.append("observations.mode: observations come of DetectAnomalies rules alone here")
    return GlueOptions(
        context=str(published.get("dataQualityEvaluationContext") or "default_context"),
        results=str(published.get("resultsS3Prefix") or ""),
        best_effort=more.get("dataQualityResultsPublishing.strategy") == "BEST_EFFORT",
        composites="row" if more.get("compositeRuleEvaluation.method") == "ROW" else "column",
        filtered_rows="skipped" if more.get("rowLevelConfiguration.filteredRowLabel") == "SKIPPED" else "passed",
        cache=more.get("performanceTuning.caching") == "CACHE_INPUT",
        totals=more.get("publishAggregatedMetrics.status") == "ENABLED",
        stop=more.get("stopJobOnFailureOptions.stopJobOnFailureTiming"),
        ignored=tuple(ignored),
    )


def _on(options: Mapping[str, Any], name: str) -> bool:
    return str(options.get(name, False)).lower() == "true"


def _known(options: Mapping[str, Any], names: Any, what: str) -> None:
    for name in options:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            raise DqError(
                f"`{name}` is no {what}",
                help=f"did you mean `{near[0]}`?" if near else f"{what}s are {', '.join(names)}",
            )
