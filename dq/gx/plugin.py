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
    from great_expectations.execution_engine import (
        PandasExecutionEngine,
        SparkDFExecutionEngine,
        SqlAlchemyExecutionEngine,
    )
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
    def _pandas(cls, execution_engine: Any, **asked: Any) -> dict[str, Any]:  # noqa: N805 - it becomes a class method
        return _measured(execution_engine, **asked)

    @metric_value(engine=SqlAlchemyExecutionEngine)  # type: ignore[untyped-decorator]
    def _sqlalchemy(cls, execution_engine: Any, **asked: Any) -> dict[str, Any]:  # noqa: N805
        return _measured(execution_engine, **asked)

    @metric_value(engine=SparkDFExecutionEngine)  # type: ignore[untyped-decorator]
    def _spark(cls, execution_engine: Any, **asked: Any) -> dict[str, Any]:  # noqa: N805
        return _measured(execution_engine, **asked)


def _measured(
    execution_engine: Any,
    metric_domain_kwargs: Mapping[str, Any],
    metric_value_kwargs: Mapping[str, Any],
    **_: Any,
) -> dict[str, Any]:
    return findings(evaluate(metric_value_kwargs["ruleset"], rows_of(execution_engine, metric_domain_kwargs)))


def rows_of(execution_engine: Any, domain: Mapping[str, Any]) -> Any:
    """The rows of a batch: the DataFrame of pandas or Spark that it is, else what its SQL selects, read whole.

    Args:
        execution_engine: an execution engine of GX in which the batch is loaded.
        domain: what tells the batch, `batch_id` at least.

    Raises:
        DqError: an execution engine of another kind.
    """
    if isinstance(execution_engine, PandasExecutionEngine | SparkDFExecutionEngine):
        return execution_engine.get_domain_records(domain_kwargs=dict(domain))
    if not isinstance(execution_engine, SqlAlchemyExecutionEngine):
        raise DqError(
            f"a batch of {type(execution_engine).__name__} cannot be read",
            help="batches of pandas, Spark and SQL data sources can",
        )
    import pandas as pd
    import sqlalchemy as sa

    selectable = execution_engine.get_domain_records(domain_kwargs=dict(domain))
    result = execution_engine.execute_query(sa.select(sa.text("*")).select_from(selectable))
    return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


def findings(evaluation: Evaluation) -> dict[str, Any]:
    """What the expectation and the action report, as plain data: GX copies it."""
    return {
        "passed": evaluation.exit_code == 0,
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

    The batch is judged by dq, one of Spark there and any other on DuckDB; its table is `primary`. Batches of SQL data
    sources are read whole. A rule or analyzer that cannot be measured is no success.

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
