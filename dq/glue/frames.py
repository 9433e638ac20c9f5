"""Results as the frames that Glue gives, and DynamicFrames as what Spark reads."""

from __future__ import annotations

import math
from typing import Any

from dq.outcomes import Evaluation, Outcome
from dq.rows.labels import FAIL, PASS, RESULT, SKIP

OUTCOMES = (
    "Rule string, Outcome string, FailureReason string, EvaluatedMetrics map<string, double>, EvaluatedRule string"
)
"""The columns of `ruleOutcomes` (REFERENCE F.2)."""

COUNTS = "PassedCount bigint, FailedCount bigint, SkippedCount bigint, TotalCount bigint"
TOTALS = (
    "TotalRowsProcessed double, TotalRowsPassed double, TotalRowsFailed double,"
    " TotalRulesProcessed double, TotalRulesPassed double, TotalRulesFailed double"
)
"""The columns of `aggregatedMetrics` (REFERENCE F.4)."""


def data_frame(frame: Any) -> Any:
    """A frame as a Spark DataFrame: a DynamicFrame, or whatever else has `toDF`, without reading it."""
    if hasattr(frame, "toDF") and not hasattr(frame, "createOrReplaceTempView"):
        return frame.toDF()
    return frame


def like(frame: Any, found: Any, name: str) -> Any:
    """A Spark DataFrame as the kind of frame that was given."""
    if data_frame(frame) is frame:
        return found
    return type(frame).fromDF(found, getattr(frame, "glue_ctx", None), name)


def rule_outcomes(spark: Any, evaluation: Evaluation, counts: dict[str, tuple[int, int, int]] | None) -> Any:
    """One row for each rule; with labels where a rule has some, and with counts of rows where they were taken."""
    labelled = any(outcome.labels for outcome in evaluation.outcomes)
    schema = OUTCOMES + (", Labels map<string, string>" if labelled else "") + (f", {COUNTS}" if counts else "")
    rows = []
    for outcome in evaluation.outcomes:
        row: list[Any] = [
            str(outcome.rule),
            "Passed" if outcome.passed else "Failed",
            None if outcome.passed else outcome.reason,
            metrics(outcome),
            str(outcome.evaluated or outcome.rule),
        ]
        if labelled:
            row.append(dict(outcome.labels))
        if counts:
            found = counts.get(str(outcome.rule), (0, 0, 0))
            row += [*found, sum(found)]
        rows.append(tuple(row))
    return spark.createDataFrame(rows, schema)


def metrics(outcome: Outcome) -> dict[str, float]:
    """The metrics that have a value, as doubles."""
    return {name: float(value) for name, value in outcome.metrics.items() if value is not None}


def counted(rows: Any, evaluation: Evaluation) -> tuple[dict[str, tuple[int, int, int]], tuple[int, int]]:
    """How many rows pass, fail and are skipped by each rule, and how many pass and fail at all: one more job."""
    from pyspark.sql import functions as F  # noqa: N812 - as everybody calls it

    texts = list(dict.fromkeys(str(outcome.rule) for outcome in evaluation.outcomes))
    cells = [
        F.count_if(F.array_contains(F.col(kind), text)).alias(f"c{at}_{kind}")
        if hasattr(F, "count_if")
        else F.sum(F.array_contains(F.col(kind), text).cast("bigint")).alias(f"c{at}_{kind}")
        for at, text in enumerate(texts)
        for kind in (PASS, FAIL, SKIP)
    ]
    both = [F.sum((F.col(RESULT) == each).cast("bigint")).alias(each) for each in ("Passed", "Failed")]
    found = [value or 0 for value in rows.agg(*both, *cells).first()]
    each = {
        text: (found[at], found[at + 1], found[at + 2]) for at, text in zip(range(2, len(found), 3), texts, strict=True)
    }
    return each, (found[0], found[1])


def aggregated(spark: Any, evaluation: Evaluation, passed: int, failed: int) -> Any:
    """One row of totals."""
    rules = len(evaluation.outcomes)
    good = sum(outcome.passed for outcome in evaluation.outcomes)
    row = tuple(map(float, (passed + failed, passed, failed, rules, good, rules - good)))
    return spark.createDataFrame([row], TOTALS)


def lines(evaluation: Evaluation, started: str, completed: str) -> list[dict[str, Any]]:
    """The result file: a line for each rule (REFERENCE F.7); the names of AWS's catalog are not known here."""
    return [
        {
            "catalogId": None,
            "databaseName": None,
            "tableName": None,
            "dqRunId": None,
            "evaluationStartedOn": started,
            "evaluationCompletedOn": completed,
            "rule": str(outcome.rule),
            "outcome": "Passed" if outcome.passed else "Failed",
            "failureReason": None if outcome.passed else outcome.reason,
            "evaluatedMetrics": {
                name: value if math.isfinite(value) else str(value) for name, value in metrics(outcome).items()
            },
        }
        for outcome in evaluation.outcomes
    ]
