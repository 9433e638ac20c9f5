"""An evaluation as Great Expectations writes its own: the JSON of an `ExpectationSuiteValidationResult`.

The library loads it, and Data Docs show it. Of a suite each result has the configuration of its expectation; of a
ruleset it is `expect_dqdl_ruleset_to_pass` with the text of the rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dq.gx.evaluating import OF_ALL_COLUMNS, Counts, Judged, SuiteEvaluation
from dq.gx.suites import SEVERITIES, Expectation
from dq.outcomes import Evaluation, FailingRows, Outcome, Verdict
from dq.render import facts
from dq.render.json import value

RULE_TYPE = "expect_dqdl_ruleset_to_pass"
"""The expectation of dq's own that stands for a rule; `dq.gx.ExpectDqdlRulesetToPass` registers it."""

PARTIAL = 20
"""How many unexpected values GX shows."""


def render(evaluation: Evaluation, *, indent: int | None = 2) -> str:
    """The result as JSON text."""
    return json.dumps(validation_result(evaluation), indent=indent, allow_nan=False, ensure_ascii=False)


def validation_result(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation in the shape of `ExpectationSuiteValidationResult.to_json_dict()`.

    Results are in GX's order: those with an exception first, then by column, in the order in which columns appear. An
    ERROR outcome is an exception with its reason, which is no success.
    """
    if isinstance(evaluation, SuiteEvaluation):
        name, judged, columns, more = evaluation.suite.name, evaluation.judged, evaluation.columns, {}
    else:
        name, judged, columns = facts.name(evaluation), tuple(map(_of_rule, evaluation.outcomes)), ()
        more = {"dqdl": evaluation.ruleset.source.text}
    ordered = _in_order(judged)
    passed = sum(each.outcome.passed for each in ordered)
    return {
        "success": evaluation.passed,
        "results": [_result(each, columns) for each in ordered],
        "suite_name": name.strip("<>") or "suite",
        "suite_parameters": {},
        "statistics": {
            "evaluated_expectations": len(ordered),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(ordered) - passed,
            "success_percent": passed / len(ordered) * 100 if ordered else None,
        },
        "meta": {**_meta(evaluation), **more},
        "id": None,
    }


def _meta(evaluation: Evaluation) -> dict[str, Any]:
    read = next((table.description for table in evaluation.tables if table.alias == "primary"), "")
    started = evaluation.started.isoformat()
    return {
        "dq_version": _version(),
        "run_id": {"run_name": None, "run_time": started},
        "validation_time": started,
        "active_batch_definition": {
            "datasource_name": evaluation.engine,
            "data_connector_name": "dq",
            "data_asset_name": read,
            "batch_identifiers": {},
        },
    }


def _version() -> str:
    from importlib.metadata import version

    return version("dq-rules")


def _of_rule(outcome: Outcome) -> Judged:
    """A rule of a ruleset as an expectation of our own."""
    labels = dict(outcome.labels)
    severity = labels.pop("severity", "") if labels.get("severity") in SEVERITIES else ""
    kwargs = {"ruleset": f"Rules = [ {outcome.rule} ]"}
    return Judged(Expectation(RULE_TYPE, kwargs, labels, severity), outcome, None)


def _in_order(judged: Sequence[Judged]) -> list[Judged]:
    columns: dict[Any, int] = {}
    for each in judged:
        columns.setdefault(_column(each), len(columns))
    return sorted(judged, key=lambda each: (each.outcome.verdict is not Verdict.ERROR, columns[_column(each)]))


def _column(judged: Judged) -> str | None:
    column = judged.expectation.kwargs.get("column")
    return column if isinstance(column, str) else None


def _result(judged: Judged, columns: Sequence[str]) -> dict[str, Any]:
    outcome = judged.outcome
    error = outcome.reason if outcome.verdict is Verdict.ERROR else None
    described = {"description": f"must pass {outcome.rule}"} if judged.expectation.type == RULE_TYPE else {}
    config = judged.expectation.to_dict() | described
    return {
        "success": outcome.passed,
        "expectation_config": value(config),
        "result": {} if error else _found(judged, columns),
        "meta": {"dqdl": str(outcome.rule), **({"reason": outcome.reason} if outcome.reason and not error else {})},
        "exception_info": {
            "raised_exception": bool(error),
            "exception_traceback": error,  # Data Docs want a text here
            "exception_message": error,
        },
    }


def _found(judged: Judged, columns: Sequence[str]) -> dict[str, Any]:
    if judged.expectation.type in OF_ALL_COLUMNS:
        return {"observed_value": list(columns)}
    if judged.counts is not None:
        return _counted(judged, judged.counts)
    if judged.made is None:
        return _of_outcome(judged.outcome)
    return {"observed_value": _observed(judged.outcome)} if judged.made.observed else {}


def _of_outcome(outcome: Outcome) -> dict[str, Any]:
    """What a rule of a ruleset found: the number that it judges, and the rows that fail it."""
    rows = outcome.failing
    counts = {} if rows is None else _shares(Counts(rows.total, None, rows.count))
    return {"observed_value": _observed(outcome), **counts, "details": {"reason": outcome.reason}}


def _observed(outcome: Outcome) -> Any:
    number = next(iter(outcome.metrics.values()), None)
    return int(number) if isinstance(number, float) and number.is_integer() else value(number)


def _counted(judged: Judged, counts: Counts) -> dict[str, Any]:
    shown = _unexpected_values(judged)
    return {**_shares(counts), **({} if shown is None else {"partial_unexpected_list": shown})}


def _shares(counts: Counts) -> dict[str, Any]:
    """GX's counts and percentages; those of nothing are null."""
    looked_at = counts.elements - (counts.ignored or 0)
    found = {
        "element_count": counts.elements,
        "unexpected_count": counts.unexpected,
        "unexpected_percent": _percent(counts.unexpected, looked_at),
    }
    if counts.ignored is None:
        return found
    return found | {
        "missing_count": counts.ignored,
        "missing_percent": _percent(counts.ignored, counts.elements),
        "unexpected_percent_total": _percent(counts.unexpected, counts.elements),
        "unexpected_percent_nonmissing": found["unexpected_percent"],
    }


def _percent(part: int | None, of: int) -> float | None:
    return None if part is None or not of else part / of * 100


def _unexpected_values(judged: Judged) -> list[Any] | None:
    """Values of the failing rows, as GX shows them; None where no row was fetched, though there are some."""
    counts, rows = judged.counts, judged.outcome.failing
    if counts is not None and counts.unexpected == 0:
        return []
    samples = [rows] if rows is not None else [part.failing for part in judged.outcome.parts if part.failing]
    shown = [found for each in samples for row in each.sample if (found := _shown(judged, each, row)) is not None]
    return shown[:PARTIAL] or None


def _shown(judged: Judged, rows: FailingRows, row: Sequence[Any]) -> Any:
    cells = dict(zip((name.casefold() for name in rows.columns), row, strict=True))
    kwargs: Mapping[str, Any] = judged.expectation.kwargs
    names = [kwargs.get("column"), kwargs.get("column_A"), kwargs.get("column_B"), *(kwargs.get("column_list") or ())]
    found = {name: cells[name.casefold()] for name in names if isinstance(name, str) and name.casefold() in cells}
    if "column" in kwargs:
        return value(found.get(kwargs["column"]))
    return {name: value(cell) for name, cell in found.items()} or None
