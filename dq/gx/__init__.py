"""Great Expectations, both ways: suites to rulesets and back, and results that its Data Docs show.

    from dq import gx

    ruleset, report = gx.from_suite("orders.json")
    suite, report = gx.to_suite(dq.parse(text))
    evaluation = gx.evaluate("orders.json", "orders.parquet")
    gx.validation_result(evaluation)

None of that imports `great_expectations`, which takes seconds: suites and results are JSON.
`ExpectDqdlRulesetToPass` and `EvaluateDqdlRulesetAction` do, and need the extra `gx`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dq.gx.actions import EvaluateDqdlRulesetAction
    from dq.gx.evaluating import evaluate
    from dq.gx.exporting import to_suite
    from dq.gx.importing import from_suite
    from dq.gx.plugin import ExpectDqdlRulesetToPass
    from dq.gx.reports import Conversion, Fidelity, Report
    from dq.gx.suites import Expectation, Suite, read_suite
    from dq.render.gx import validation_result

_HOMES = {
    "Conversion": "dq.gx.reports",
    "EvaluateDqdlRulesetAction": "dq.gx.actions",
    "ExpectDqdlRulesetToPass": "dq.gx.plugin",
    "Expectation": "dq.gx.suites",
    "Fidelity": "dq.gx.reports",
    "Report": "dq.gx.reports",
    "Suite": "dq.gx.suites",
    "evaluate": "dq.gx.evaluating",
    "from_suite": "dq.gx.importing",
    "read_suite": "dq.gx.suites",
    "to_suite": "dq.gx.exporting",
    "validation_result": "dq.render.gx",
}

__all__ = [
    "Conversion",
    "EvaluateDqdlRulesetAction",
    "ExpectDqdlRulesetToPass",
    "Expectation",
    "Fidelity",
    "Report",
    "Suite",
    "evaluate",
    "from_suite",
    "read_suite",
    "to_suite",
    "validation_result",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dq.gx' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
