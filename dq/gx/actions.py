"""`EvaluateDqdlRulesetAction`: a ruleset in a checkpoint of a Great Expectations project. Needs the extra `gx`."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

from dq.diagnostics import DqError
from dq.evaluation import evaluate
from dq.evaluation import load as load_ruleset
from dq.gating import told
from dq.gx.plugin import findings, rows_of  # it imports the library, or says which extra to install
from dq.outcomes import FAIL_ON, Evaluation
from dq.render.gx import validation_result

# isort: split
from great_expectations.checkpoint import UpdateDataDocsAction
from great_expectations.checkpoint.actions import ActionContext, ValidationAction
from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResult,
    ExpectationSuiteValidationResultSchema,
)
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)

OF_THE_BATCH = (
    "active_batch_definition",
    "batch_markers",
    "batch_parameters",
    "batch_spec",
    "checkpoint_id",
    "run_id",
    "validation_id",
    "validation_time",
)
"""What the result of a ruleset says as GX's own result of the same batch does."""

_log = logging.getLogger("dq")


class EvaluateDqdlRulesetAction(ValidationAction):  # type: ignore[misc]
    """Evaluate a DQDL ruleset on every batch that a checkpoint has validated.

    A batch is judged once, as the checkpoint has loaded it; what is read, and where, is as for
    `ExpectDqdlRulesetToPass`. Its result is stored as that of a suite by the action's name, with a page in each site
    of Data Docs that the checkpoint updates, and is a further result of the checkpoint, which fails with it. What did
    not pass is a warning of the logger `dq` too.

    GX finds the class of a stored action by its type: a program that loads a checkpoint with it imports it first.

    Attributes:
        name: of the action, and of the suite in results.
        ruleset: the text of a ruleset, or the path of a .dqdl file.
        fail_on: what makes the checkpoint fail: `failed` rules and errors, an `error` alone, or `never`. What does not
            count is stored and no result of the checkpoint.

    Raises:
        DqError: when it is made, for a ruleset with errors; when it runs, for a batch that cannot be read, and where
            the checkpoint has a result by this name already.

    Example:
        EvaluateDqdlRulesetAction(name="orders rules", ruleset="orders.dqdl")
    """

    type: Literal["evaluate_dqdl_ruleset"] = "evaluate_dqdl_ruleset"
    ruleset: str
    fail_on: Literal["failed", "error", "never"] = "failed"

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        load_ruleset(self.ruleset)  # a mistake in it is told here, and not when the checkpoint runs

    def run(self, checkpoint_result: Any, action_context: ActionContext | None = None) -> dict[Any, dict[str, Any]]:
        """Evaluate, store and count.

        Returns:
            What was found in each batch, by the identifier of its result: `passed`, `score`, `outcomes` with the
            verdict, reason and metrics of each rule, and `pages`, the addresses of its Data Docs by site.
        """
        results, reported = checkpoint_result.run_results, {}
        for definition, theirs in _validated(checkpoint_result):
            key = ValidationResultIdentifier(
                ExpectationSuiteIdentifier(self.name), checkpoint_result.run_id, theirs.batch_id
            )
            if key in results:
                raise DqError(
                    f"the checkpoint has a result of a suite `{self.name}` already",
                    help="give the action a name that no suite and no other action of the checkpoint has",
                )
            evaluation = evaluate(self.ruleset, _batch(definition, theirs))
            ours = self._result(evaluation, theirs)
            pages = _kept(definition.asset.datasource.data_context, key, ours, checkpoint_result.checkpoint_config)
            reported[key] = {**findings(evaluation), "pages": pages}
            if evaluation.exit_code:
                _log.warning("%s", told(evaluation))
            if ours.success or evaluation.exit_code in FAIL_ON[self.fail_on]:
                results[key] = ours
        # A checkpoint hands its result to its actions and then to its caller: the verdict on the ruleset belongs in it.
        checkpoint_result.success = all(each.success for each in results.values())
        return reported

    def _result(self, evaluation: Evaluation, theirs: ExpectationSuiteValidationResult) -> Any:
        """The result as an object of GX, of the same batch and run as its own."""
        data = json.loads(json.dumps(validation_result(evaluation)))
        ours = ExpectationSuiteValidationResultSchema().load(data | {"suite_name": self.name})
        ours.meta |= {name: theirs.meta[name] for name in OF_THE_BATCH if name in theirs.meta}
        ours.batch_id = theirs.batch_id
        ours.success = not evaluation.exit_code  # an analyzer that was not measured is no rule, and no success
        return ours


def _validated(checkpoint_result: Any) -> Iterator[tuple[Any, ExpectationSuiteValidationResult]]:
    """Each batch once, by a validation definition that looked at it and the result of that."""
    definitions = {each.id: each for each in checkpoint_result.checkpoint_config.validation_definitions}
    results = {
        result.batch_id: (definitions[result.meta["validation_id"]], result)
        for result in checkpoint_result.run_results.values()
        if result.meta.get("validation_id") in definitions  # not those that other actions have added
    }
    if not results:
        raise DqError("the checkpoint has validated no batch that its validation definitions tell")
    yield from results.values()


def _batch(definition: Any, result: ExpectationSuiteValidationResult) -> Any:
    """The rows that the checkpoint has validated: those that its execution engine still holds."""
    engine = definition.asset.datasource.get_execution_engine()
    if result.batch_id not in engine.batch_manager.loaded_batch_ids:
        raise DqError(
            f"the batch `{result.batch_id}` that the checkpoint validated is not loaded any more",
            help="run the checkpoint in the process, and with the data source, that its validation definitions have",
        )
    return rows_of(engine, {"batch_id": result.batch_id})


def _kept(context: Any, key: Any, result: Any, checkpoint: Any) -> dict[str, str]:
    """Store a result, and make its page in the sites of Data Docs that the checkpoint updates; their addresses."""
    context.validation_results_store.store_validation_results(result, key, key.expectation_suite_identifier)
    pages: dict[str, str] = {}
    for action in checkpoint.actions:
        if isinstance(action, UpdateDataDocsAction):  # GX runs it before all others, so it has not seen this result
            context.build_data_docs(site_names=action.site_names, resource_identifiers=[key])
            sites = context.get_docs_sites_urls(resource_identifier=key, site_names=action.site_names)
            pages |= {each["site_name"]: each["site_url"] for each in sites}
    return pages
