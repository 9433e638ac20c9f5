"""Asset checks of Dagster from a ruleset: one for each rule. Needs the extra `dagster`."""

# Annotations are no texts here: Dagster looks at that of `context`.

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

try:
    import dagster as host
except ImportError as error:
    raise ImportError('`dq.dagster` needs Dagster: pip install "dq-rules[dagster]"') from error

from dq.diagnostics import DqError
from dq.evaluation import evaluate, load
from dq.gating import How
from dq.names import PRIMARY
from dq.outcomes import Evaluation, Outcome, Verdict
from dq.render import words
from dq.sources.options import NO_DATA
from dq.syntax import Ruleset

LONGEST = 80
"""How many characters of a rule the name of its check holds."""

ANALYZERS = "analyzers"
"""The check that the analyzers of a ruleset are together."""


def build_ruleset_checks(
    *,
    asset: Any,
    ruleset: Ruleset | str | os.PathLike[str],
    data: Any = NO_DATA,
    references: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]] | None = None,
    severity: host.AssetCheckSeverity = host.AssetCheckSeverity.ERROR,
    blocking: bool = False,
    required_resource_keys: set[str] | None = None,
    how: How | None = None,
) -> host.AssetChecksDefinition:
    """The asset checks of a ruleset: one for each rule, and one for its analyzers, measured together.

    A check is named after its rule, and described by it. Its metadata hold the reason, the metrics, and the rows that
    fail. Nothing but `severity` says how much a failed rule matters; what could not be measured is always an ERROR, and
    data that cannot be read fails the step.

    Args:
        asset: the asset that is checked: a definition or a key.
        ruleset: as for `dq.evaluate`; read when the checks are built.
        data: as for `dq.evaluate`, or a function from the context of the check to it.
        references: the other tables of the ruleset, by alias, or a function from the context to them.
        severity: how severe a failed rule is.
        blocking: whether assets downstream wait for the checks, and are not made where one of them fails with ERROR.
        required_resource_keys: the resources that the functions take from the context.
        how: what else `dq.evaluate` takes, by name.

    Raises:
        DqError: for a ruleset with errors.
    """
    parsed = load(ruleset)
    names = _names(parsed)
    specs = [
        host.AssetCheckSpec(name, asset=asset, description=description, blocking=blocking)
        for name, description in names.items()
    ]
    key = specs[0].asset_key

    @host.multi_asset_check(
        name="_".join(map(_plain, ["dq", *key.path, parsed.source.name])),
        specs=specs,
        can_subset=True,
        required_resource_keys=required_resource_keys,
    )
    def checks(context: host.AssetCheckExecutionContext) -> Iterator[host.AssetCheckResult]:
        try:
            table = data(context) if callable(data) else data
            others = (references(context) if callable(references) else references) or {}
            evaluation = evaluate(parsed, table if table is NO_DATA else {PRIMARY: table, **others}, **(how or {}))
        except DqError as error:
            raise host.Failure(str(error), allow_retries=error.exit_code == 3) from error
        wanted = {each.name for each in context.selected_asset_check_keys}
        for name, result in zip(names, _results(evaluation, severity), strict=True):
            if name in wanted:
                yield host.AssetCheckResult(asset_key=key, check_name=name, **result)

    return checks


def _names(ruleset: Ruleset) -> dict[str, str]:
    """The names of the checks, each with what it is; those that would be equal are counted."""
    named: dict[str, str] = {}
    for rule in map(str, ruleset.rules):
        base = name = _plain(rule)[:LONGEST].rstrip("_") or "rule"
        number = 1
        while name in named or name == ANALYZERS:
            number += 1
            name = f"{base}_{number}"
        named[name] = rule
    if ruleset.analyzers:
        named[ANALYZERS] = "; ".join(map(str, ruleset.analyzers))
    return named


def _plain(text: str) -> str:
    """A text in the characters that Dagster allows in names."""
    return re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower()


def _results(evaluation: Evaluation, severity: host.AssetCheckSeverity) -> Iterator[dict[str, Any]]:
    for outcome in evaluation.outcomes:
        yield {
            "passed": outcome.passed,
            "severity": host.AssetCheckSeverity.ERROR if outcome.verdict is Verdict.ERROR else severity,
            "description": "\n".join(words.reasons(outcome)) or None,
            "metadata": _metadata(outcome, evaluation),
        }
    if evaluation.ruleset.analyzers:
        errors = [each for each in evaluation.statistics if each.error]
        yield {
            "passed": not errors,
            "severity": host.AssetCheckSeverity.ERROR,
            "description": "\n".join(f"{words.statistic_name(each)}: {each.reason}" for each in errors) or None,
            "metadata": {
                each.name: each.value if isinstance(each.value, int | float) else words.statistic(each)
                for each in evaluation.statistics
                if each.value is not None
            },
        }


def _metadata(outcome: Outcome, evaluation: Evaluation) -> dict[str, Any]:
    failing = outcome.failing
    return {
        "verdict": outcome.verdict.value,
        **({"measured": words.measured(outcome)} if outcome.measured else {}),
        **({"expected": words.expected(outcome)} if outcome.expected else {}),
        **({"failing rows": failing.count, "rows in scope": failing.total} if failing else {}),
        **outcome.metrics,
        "score of the ruleset": evaluation.score,
        "engine": evaluation.engine,
    }
