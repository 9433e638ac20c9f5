"""An operator of Apache Airflow 3 that evaluates a ruleset. Needs the extra `airflow`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

try:
    from airflow.sdk import BaseOperator
except ImportError as error:
    raise ImportError('`dq.airflow` needs Apache Airflow 3: pip install "dq-rules[airflow]"') from error
try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
except ImportError:  # before Airflow 3.2
    from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from dq.diagnostics import DqError
from dq.evaluation import evaluate, load
from dq.gating import MOST_RULES, How, refuse_unknown, told
from dq.names import PRIMARY
from dq.outcomes import FAIL_ON, Evaluation, FailOn, Verdict
from dq.project.project import Project
from dq.project.resolving import tables_of
from dq.sources.options import NO_DATA

if TYPE_CHECKING:
    from airflow.sdk import Context


class RulesetOperator(BaseOperator):
    """A task that succeeds when its data passes a ruleset.

    A rule that failed fails the task for good, since the same data fails again; what could not be measured or read
    leaves it to the task's `retries`. Whatever becomes of the task, it pushes `score`, from 0 to 1, and `summary`:
    counts, and the rules that did not pass with their reasons, at most ten. The summary is its return value too.

    Args:
        ruleset: a path, or the text of a ruleset. Templated, as `data`, `references` and `project` are.
        data: as for `dq.evaluate`: a path or URL, or the output of another task. None where the ruleset says which
            table it is for, or needs none.
        references: the other tables of the ruleset, by alias.
        project: a dq.toml whose tables `data` and `references` may name.
        fail_on: as for `dq.gate`.
        soft_fail: skip the task where rules failed, instead of failing it. What could not be measured fails.
        how: what else `dq.evaluate` takes, by name.
    """

    template_fields: Sequence[str] = ("ruleset", "data", "references", "project")
    ui_color = "#d5eadc"

    def __init__(
        self,
        *,
        ruleset: str | os.PathLike[str],
        data: Any = None,
        references: Mapping[str, Any] | None = None,
        project: str | None = None,
        fail_on: FailOn = "failed",
        soft_fail: bool = False,
        how: How | None = None,
        **task: Any,
    ) -> None:
        super().__init__(**task)
        refuse_unknown(fail_on)
        self.ruleset = ruleset
        self.data = data
        self.references = references
        self.project = project
        self.fail_on = fail_on
        self.soft_fail = soft_fail
        self.how = how

    def execute(self, context: Context) -> dict[str, Any]:
        """Evaluate, push what was found, and fail or skip the task where it has to."""
        try:
            evaluation = self._evaluated()
        except DqError as error:
            # What is wrong in the ruleset is wrong in the next try too; data may be there by then.
            raise (AirflowException if error.exit_code == 3 else AirflowFailException)(str(error)) from error
        self.log.info("%s", evaluation)
        found = summary(evaluation)
        context["ti"].xcom_push(key="score", value=evaluation.score)
        context["ti"].xcom_push(key="summary", value=found)
        self._stop_unless_passed(evaluation)
        return found

    def _stop_unless_passed(self, evaluation: Evaluation) -> None:
        code = evaluation.exit_code
        if code not in FAIL_ON[self.fail_on]:
            if code:
                self.log.warning("%s", told(evaluation))
            return
        if code == 3:
            raise AirflowException(told(evaluation))
        raise (AirflowSkipException if self.soft_fail else AirflowFailException)(told(evaluation))

    def _evaluated(self) -> Evaluation:
        how = self.how or {}
        ruleset = load(self.ruleset)
        if self.project is None:
            return evaluate(ruleset, self._tables(None), **how)
        with Project.load(self.project) as project:
            return evaluate(ruleset, tables_of(ruleset, project) if self.data is None else self._tables(project), **how)

    def _tables(self, project: Project | None) -> Any:
        if self.data is None:
            return NO_DATA
        given = {PRIMARY: self.data, **(self.references or {})}
        if project is None:
            return given
        return {
            alias: project.table(each) if isinstance(each, str) and project.knows(each) else each
            for alias, each in given.items()
        }


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """What an evaluation found, small and of plain values: for an XCom."""
    stopped = [each for each in evaluation.outcomes if not each.passed]
    return {
        "ruleset": evaluation.ruleset_name,
        "passed": evaluation.exit_code == 0,
        "score": evaluation.score,
        "rules": len(evaluation.outcomes),
        "failed": evaluation.count(Verdict.FAILED),
        "errors": evaluation.count(Verdict.ERROR) + sum(each.error for each in evaluation.statistics),
        "not_passed": [
            {"rule": str(each.rule), "verdict": each.verdict.value, "reason": each.reason}
            for each in stopped[:MOST_RULES]
        ],
    }
