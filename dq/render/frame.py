"""An evaluation as a data frame: one row per rule."""

from __future__ import annotations

from typing import Any

from dq.diagnostics import DqError
from dq.outcomes import Evaluation
from dq.render import facts


def to_pandas(evaluation: Evaluation) -> Any:
    """One row per rule in source order; `metrics` and `labels` hold dictionaries.

    `failing_rows` and `total_rows` are <NA> for a rule without a row meaning, `type` is None for a composite, `line` is
    0 for a rule that was not read from text, `evaluated` is None for one without functions of the history. Raises
    DqError when pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise DqError(
            "pandas is not installed, so there is no data frame to put the outcomes in",
            help='pip install "dq-rules[pandas]"',
        ) from error
    columns: dict[str, list[Any]] = {
        "rule": [str(outcome.rule) for outcome in evaluation.outcomes],
        "type": [facts.rule_type(outcome) for outcome in evaluation.outcomes],
        "verdict": [outcome.verdict.value for outcome in evaluation.outcomes],
        "reason": [outcome.reason for outcome in evaluation.outcomes],
        "measured": [outcome.measured for outcome in evaluation.outcomes],
        "expected": [outcome.expected for outcome in evaluation.outcomes],
        "metrics": [dict(outcome.metrics) for outcome in evaluation.outcomes],
        "labels": [dict(outcome.labels) for outcome in evaluation.outcomes],
        "evaluated": [None if each.evaluated is None else str(each.evaluated) for each in evaluation.outcomes],
        "line": [facts.line(evaluation, outcome) for outcome in evaluation.outcomes],
    }
    failing = [outcome.failing for outcome in evaluation.outcomes]
    counts = {
        "failing_rows": pd.array([rows.count if rows else None for rows in failing], dtype="Int64"),
        "total_rows": pd.array([rows.total if rows else None for rows in failing], dtype="Int64"),
    }
    frame = pd.DataFrame({**columns, **counts})
    order = ["rule", "type", "verdict", "reason", "measured", "expected", "failing_rows", "total_rows"]
    return frame[[*order, "metrics", "labels", "line", "evaluated"]]
