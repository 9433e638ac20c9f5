"""Good rows and bad rows: a job goes on with those that pass, and sets the others aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from dq.evaluation import evaluate
from dq.gating import How, QualityError
from dq.outcomes import Evaluation, Outcome
from dq.rows.labels import ADDED
from dq.sources.options import NO_DATA

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from dq.syntax import Ruleset


@dataclass(frozen=True)
class Split:
    """The rows that fail no rule, those that fail one, and the evaluation: `good, bad = dq.split(…)`.

    `good` has the columns of the data, `bad` also the outcome columns that `Evaluation.rows` adds, which say why. Each
    reads the data again when it is read, once, and holds none of it in memory; rows come in no promised order.
    """

    good: pa.RecordBatchReader
    bad: pa.RecordBatchReader
    evaluation: Evaluation

    def __iter__(self) -> Iterator[Any]:
        return iter((self.good, self.bad))


def split(ruleset: Ruleset | str | os.PathLike[str], data: Any = NO_DATA, **how: Unpack[How]) -> Split:
    """Evaluate a ruleset on data, and part its rows into good and bad ones.

    A rule that failed because of rows does not stop: the rows are set aside. What no row can answer for does.

    Args:
        ruleset: as for `dq.evaluate`.
        data: as for `dq.evaluate`.
        how: what else `dq.evaluate` takes.

    Raises:
        QualityError: something could not be measured, or a rule failed that no row fails, such as one about the
            number of rows.
        DqError: as `dq.evaluate` and `Evaluation.rows`.
    """
    evaluation = evaluate(ruleset, data, **how)
    if evaluation.exit_code == 3:
        raise QualityError(evaluation, help="rows cannot be set aside for what could not be measured")
    if unanswered := [str(each.rule) for each in evaluation.outcomes if not _answered(each)]:
        raise QualityError(evaluation, help=f"no rows can be set aside for `{unanswered[0]}`")
    good, bad = evaluation.split()
    return Split(_without_outcomes(good), bad, evaluation)


def _answered(outcome: Outcome) -> bool:
    """Whether a rule passed, or failed because of rows: of `and` every part that failed; `or` may fail with none."""
    if outcome.passed or (outcome.failing is not None and outcome.failing.count > 0):
        return True
    return getattr(outcome.rule, "operator", "") == "and" and all(map(_answered, outcome.parts))


def _without_outcomes(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    import pyarrow as pa

    schema = pa.schema(list(rows.schema)[: -len(ADDED)])
    return pa.RecordBatchReader.from_batches(schema, (batch.select(schema.names) for batch in rows))
