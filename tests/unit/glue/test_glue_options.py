"""The options of a Glue job's call: what they mean here, and what is refused instead of ignored."""

from __future__ import annotations

from typing import Any

import pytest

from dq.diagnostics import DqError
from dq.glue.options import GlueOptions, read

MEANT: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}, {}),
    "what Glue Studio writes": (
        {"dataQualityEvaluationContext": "node_1", "enableDataQualityResultsPublishing": True},
        {"dataQualityResultsPublishing.strategy": "BEST_EFFORT", "observations.scope": "ALL"},
        {"context": "node_1", "best_effort": True},
    ),
    "where results go": ({"resultsS3Prefix": "s3://bucket/dq"}, {}, {"results": "s3://bucket/dq"}),
    "composites by row": ({}, {"compositeRuleEvaluation.method": "ROW"}, {"composites": "row"}),
    "filtered rows": ({}, {"rowLevelConfiguration.filteredRowLabel": "SKIPPED"}, {"filtered_rows": "skipped"}),
    "caching": ({}, {"performanceTuning.caching": "CACHE_INPUT"}, {"cache": True}),
    "totals": ({}, {"publishAggregatedMetrics.status": "ENABLED"}, {"totals": True}),
    "stopping, nested": (
        {},
        {"stopJobOnFailureOptions": {"stopJobOnFailureTiming": "Immediate"}},
        {"stop": "Immediate"},
    ),
    "stopping, flat": (
        {},
        {"stopJobOnFailureOptions.stopJobOnFailureTiming": "AfterDataLoad"},
        {"stop": "AfterDataLoad"},
    ),
}


@pytest.mark.parametrize(("publishing", "additional", "meant"), MEANT.values(), ids=MEANT)
def test_options_mean(publishing: dict[str, Any], additional: dict[str, Any], meant: dict[str, Any]) -> None:
    assert read(publishing, additional) == GlueOptions(**meant)


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "an option that is misspelled": ({}, {"observation.scope": "ALL"}, "observation.scope", "observations.scope"),
    "one of the other kind": ({"performanceTuning.caching": "CACHE_INPUT"}, {}, "publishing option", "resultsS3Prefix"),
    "a value that is none": ({}, {"performanceTuning.caching": "ALWAYS"}, "ALWAYS", "CACHE_NOTHING or CACHE_INPUT"),
    "what cannot be done": ({}, {"rowLevelConfiguration.ruleWithLabels": "ENABLED"}, "cannot be honoured", "leave"),
    "a timing that is none": (
        {},
        {"stopJobOnFailureOptions": {"stopJobOnFailureTiming": "Later"}},
        "Later",
        "Immediate",
    ),
    "no timing": ({}, {"stopJobOnFailureOptions": "Immediate"}, "stopJobOnFailureOptions", "stopJobOnFailureTiming"),
}


@pytest.mark.parametrize(("publishing", "additional", "said", "advice"), REFUSED.values(), ids=REFUSED)
def test_options_are_refused(publishing: dict[str, Any], additional: dict[str, Any], said: str, advice: str) -> None:
    with pytest.raises(DqError) as caught:
        read(publishing, additional)
    assert said in caught.value.message
    assert advice in caught.value.help


@pytest.mark.parametrize("value", [True, "true"])
def test_what_means_nothing_here_is_told(value: Any) -> None:
    (told,) = read({"enableDataQualityCloudWatchMetrics": value}, {}).ignored
    assert "CloudWatch" in told
    assert read({"enableDataQualityCloudWatchMetrics": False}, {}).ignored == ()
