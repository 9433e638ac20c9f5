"""`ExpectDqdlRulesetToPass`: a ruleset as an expectation of a Great Expectations project. Needs the extra `gx`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dq.diagnostics import DqError
from dq.evaluation import evaluate
from dq.evaluation import load as load_ruleset
from dq.outcomes import Evaluation, Verdict
from dq.render.json import value

try:
    from great_expectations.execution_engine import PandasExecutionEngine, SqlAlchemyExecutionEngine
    from great_expectations.expectations.expectation import BatchExpectation
    from great_expectations.expectations.metrics.metric_provider import metric_value
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
except ImportError as error:
    raise DqError("great_expectations is not installed", help="pip install 'dq-rules[gx]'") from error

METRIC = "table.dqdl_ruleset"


class _RulesetMetric(TableMetricProvider):  # type: ignore[misc]
    """What a ruleset finds in a batch."""

    metric_name = METRIC
    value_keys = ("ruleset",)

    @metric_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(
        cls,  # noqa: N805 - the decorator makes it a class method
        execution_engine: Any,
        metric_domain_kwargs: Mapping[str, Any],
        metric_value_kwargs: Mapping[str, Any],
        metrics: Mapping[str, Any],
        runtime_configuration: Mapping[str, Any],
    ) -> dict[str, Any]:
        frame = execution_engine.get_domain_records(domain_kwargs=metric_domain_kwargs)
        return _found(evaluate(metric_value_kwargs["ruleset"], frame))

    @metric_value(engine=SqlAlchemyExecutionEngine)  # type: ignore[untyped-decorator]
    def _sqlalchemy(
        cls,  # noqa: N805
        execution_engine: Any,
        metric_domain_kwargs: Mapping[str, Any],
        metric_value_kwargs: Mapping[str, Any],
        metrics: Mapping[str, Any],
        runtime_configuration: Mapping[str, Any],
    ) -> dict[str, Any]:
        import pandas as pd
        import sqlalchemy as sa

        selectable = execution_engine.get_domain_records(domain_kwargs=metric_domain_kwargs)
        found = execution_engine.execute_query(sa.select(sa.text("*")).select_from(selectable))
        frame = pd.DataFrame(found.fetchall(), columns=list(found.keys()))
        return _found(evaluate(metric_value_kwargs["ruleset"], frame))


def _found(evaluation: Evaluation) -> dict[str, Any]:
    """What the expectation reports, as plain data: GX copies it."""
    return {
        "passed": evaluation.passed,
        "score": evaluation.score,
        "outcomes": [
            {
                "rule": str(each.rule),
                "verdict": each.verdict.value,
                "reason": each.reason,
                "metrics": value(each.metrics),
            }
            for each in evaluation.outcomes
        ],
    }


class ExpectDqdlRulesetToPass(BatchExpectation):  # type: ignore[misc]
    """Expect every rule of a DQDL ruleset to pass on the batch.

    The batch is judged by dq, on DuckDB; its table is `primary`. Batches of pandas and of SQL data sources are read,
    the latter whole. A rule that cannot be measured is no success.

    Attributes:
        ruleset: the text of a ruleset, or the path of a .dqdl file.

    Example:
        ExpectDqdlRulesetToPass(ruleset='Rules = [ IsComplete "id", Mean "amount" < 100 ]')
    """

    ruleset: str

    domain_keys = ("batch_id",)
    success_keys = ("ruleset",)
    metric_dependencies = (METRIC,)
    args_keys = ("ruleset",)

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        load_ruleset(self.ruleset)  # a mistake in it is told here, and not when the checkpoint runs

    def _validate(
        self,
        metrics: Mapping[str, Any],
        runtime_configuration: Mapping[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        found = metrics[METRIC]
        failed = [each for each in found["outcomes"] if each["verdict"] != Verdict.PASSED.value]
        return {
            "success": found["passed"],
            "result": {
                "observed_value": f"{len(found['outcomes']) - len(failed)} of {len(found['outcomes'])} rules passed",
                "details": {"score": found["score"], "outcomes": found["outcomes"]},
            },
        }

    @classmethod
    def _prescriptive_template(cls, renderer_configuration: Any) -> Any:
        from great_expectations.render.renderer_configuration import RendererValueType

        renderer_configuration.add_param(name="ruleset", param_type=RendererValueType.STRING)
        renderer_configuration.template_str = "must pass the DQDL ruleset $ruleset"
        return renderer_configuration
