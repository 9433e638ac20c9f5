"""`EvaluateDataQuality`, as Glue jobs call it."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dq.diagnostics import DqError
from dq.evaluation import evaluate
from dq.glue import frames
from dq.glue.options import GlueOptions, read
from dq.names import PRIMARY
from dq.options import Options
from dq.outcomes import Evaluation

log = logging.getLogger("dq.glue")


class JobStoppedError(DqError):
    """The job must end, since a rule did not pass and `stopJobOnFailureOptions` asked for it."""

    exit_code = 1


_stops: list[JobStoppedError] = []
"""What `Job.commit` raises: failures of calls that asked to stop after the data was loaded."""


class EvaluateDataQuality:
    """Evaluates a ruleset on a frame, with the parameters and the results of AWS Glue's transform of this name.

    Frames are Spark DataFrames, or have `toDF` and a class method `fromDF` as DynamicFrames do; results are of the
    kind of the frame that was given.
    """

    @classmethod
    def apply(
        cls,
        frame: Any,
        ruleset: str,
        publishing_options: Mapping[str, Any] | None = None,
        additional_data_sources: Mapping[str, Any] | None = None,
        additional_options: Mapping[str, Any] | None = None,
    ) -> Any:
        """The rule outcomes: `Rule`, `Outcome`, `FailureReason`, `EvaluatedMetrics`, `EvaluatedRule` (REFERENCE F.2).

        A rule that could not be measured has `Failed`, and the reason says why.

        Raises:
            DqError: a ruleset with errors, an option that is not known or cannot be honoured.
            JobStoppedError: a rule did not pass, and the options ask for it.
        """
        return cls().process_rows(frame, ruleset, additional_data_sources, publishing_options, additional_options)[
            "ruleOutcomes"
        ]

    def process_rows(
        self,
        frame: Any,
        ruleset: str,
        additional_data_sources: Mapping[str, Any] | None = None,
        publishing_options: Mapping[str, Any] | None = None,
        additional_options: Mapping[str, Any] | None = None,
    ) -> Any:
        """A collection of `originalData`, `ruleOutcomes` and `rowLevelOutcomes`, and of `aggregatedMetrics` if enabled.

        Rows are labelled when their frame is read (REFERENCE F.3, F.5). Raises as `apply`.
        """
        from awsglue.dynamicframe import DynamicFrameCollection

        options = read(publishing_options, additional_options)
        for each in options.ignored:
            log.warning("ignored: %s", each)
        data = frames.data_frame(frame)
        if options.cache:
            data = data.cache()
        others = {alias: frames.data_frame(each) for alias, each in (additional_data_sources or {}).items()}
        started = datetime.now(UTC)
        evaluation = evaluate(
            ruleset,
            {PRIMARY: data, **others},
            options=Options(
                samples=0,
                composites=options.composites,
                filtered_rows=options.filtered_rows,
                context=options.context,
                dataset="frame",
            ),
        )
        for line in evaluation.to_text().splitlines():
            log.info("%s", line)
        _write(evaluation, options, started)
        spark = data.sparkSession
        rows = _rows(spark, evaluation)
        counts, (passed, failed) = frames.counted(rows, evaluation) if options.totals else (None, (0, 0))
        found = {
            "ruleOutcomes": frames.rule_outcomes(spark, evaluation, counts),
            "rowLevelOutcomes": rows,
        }
        if options.totals:
            found["aggregatedMetrics"] = frames.aggregated(spark, evaluation, passed, failed)
        _stop(evaluation, options)
        collected = {name: frames.like(frame, each, name) for name, each in found.items()}
        return DynamicFrameCollection({"originalData": frame, **collected}, getattr(frame, "glue_ctx", None))


def _rows(spark: Any, evaluation: Evaluation) -> Any:
    rows: Any = evaluation.rows()
    return rows if hasattr(rows, "sparkSession") else spark.createDataFrame(rows.read_all())


def _write(evaluation: Evaluation, options: GlueOptions, started: datetime) -> None:
    """Leave the result file below `resultsS3Prefix`, in folders by year, month and day."""
    if not options.results:
        return
    ended = datetime.now(UTC)
    found = frames.lines(evaluation, started.isoformat(), ended.isoformat())
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in found)
    folder = f"{options.results.rstrip('/')}/{ended:year=%Y/month=%m/day=%d}"
    try:
        _put(f"{folder}/{options.context}_{ended:%H%M%S}_{uuid.uuid4().hex[:8]}.jsonl", text.encode())
    except DqError as error:
        if not options.best_effort:
            raise
        log.warning("the results were not written: %s", error.message)


def _put(place: str, data: bytes) -> None:
    from dq.files.stores import put
    from dq.sources.files import is_remote

    if is_remote(place):
        put(place, data)
        return
    path = Path(place)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise DqError(f"`{path}` cannot be written: {error.strerror}") from error


def _stop(evaluation: Evaluation, options: GlueOptions) -> None:
    """End the job where a rule did not pass: now, or when it commits."""
    if options.stop is None or evaluation.passed:
        return
    failed = [f"{each.rule}: {each.reason}" for each in evaluation.outcomes if not each.passed]
    error = JobStoppedError(
        f"the job stops, since {len(failed)} of {len(evaluation.outcomes)} rules of `{options.context}` did not pass:"
        f" {'; '.join(failed)}"
    )
    if options.stop == "Immediate":
        raise error
    _stops.append(error)


def stop_if_asked() -> None:
    """What the end of a job calls: raises the first failure that asked to stop after the data was loaded."""
    found = _stops[:]
    _stops.clear()
    if found:
        raise found[0]
