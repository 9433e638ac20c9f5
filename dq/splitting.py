"""Good rows and bad rows: a job goes on with those that pass, and sets the others aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from dq.conditions import requirement
from dq.evaluation import evaluate
from dq.gating import How, QualityError
from dq.outcomes import Evaluation, Outcome
from dq.rows.labels import ADDED
from dq.sources.options import NO_DATA
from dq.syntax import Rule, Ruleset

if TYPE_CHECKING:
    import os

    import pyarrow as pa


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
        QualityError: something could not be measured, or a rule failed that would fail without the bad rows too, such
            as one about the number of rows.
        DqError: as `dq.evaluate` and `Evaluation.rows`.
    """
    evaluation = evaluate(ruleset, data, **how)
    if evaluation.exit_code == 3:
        raise QualityError(evaluation, help="rows cannot be set aside for what could not be measured")
    labels = evaluation.source.labels if evaluation.source else ()
    labelled = {each.rule for each in labels if each.outcome is not None}
    failed = [each for each in evaluation.outcomes if not each.passed]
    if unanswered := [str(each.rule) for each in failed if each.rule not in labelled or not _answered(each)]:
        raise QualityError(evaluation, help=f"no rows can be set aside for `{unanswered[0]}`")
    good, bad = evaluation.split()
    return Split(_without_outcomes(good), bad, evaluation)


WITHOUT_FAILING_ROWS: Mapping[str, float] = {
    "Completeness": 1.0,
    "DatasetMatch": 1.0,
    "DuplicateRowCount": 0.0,
    "ReferentialIntegrity": 1.0,
    "UniqueValueRatio": 1.0,
    "Uniqueness": 1.0,
}
"""What rule types that judge rows by a number measure where no row fails; the others judge single rows, or a share."""


def _answered(outcome: Outcome) -> bool:
    """Whether a rule passed, or would pass without the rows that fail it; of an `and`, every part.

    An `or` that failed may have no row that fails it: its parts fail for different ones.
    """
    if outcome.passed:
        return True
    if getattr(outcome.rule, "operator", "") == "and" and outcome.parts:
        return all(map(_answered, outcome.parts))
    return outcome.failing is not None and outcome.failing.count > 0 and _is_met_without(outcome)


def _is_met_without(outcome: Outcome) -> bool:
    """Whether the condition of a rule holds where no row fails: `between 0.4 and 0.6` may fail for too few of them."""
    rule = outcome.evaluated or outcome.rule
    if not isinstance(rule, Rule):
        return True
    asked = rule.condition if rule.name in WITHOUT_FAILING_ROWS else rule.threshold
    return asked is None or requirement(asked).holds(WITHOUT_FAILING_ROWS.get(rule.name, 1.0))


def _without_outcomes(rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    import pyarrow as pa

    schema = pa.schema(list(rows.schema)[: -len(ADDED)])
    return pa.RecordBatchReader.from_batches(schema, (batch.select(schema.names) for batch in rows))
