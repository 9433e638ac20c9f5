"""dq: data quality rules in DQDL, on any data, with Glue's verdicts.

    import dq

    result = dq.evaluate("orders.dqdl", "orders.parquet")
    result.passed, result.score, result.outcomes

Names are imported when they are first used: `dq lint` must not pay for a database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dq.diagnostics import DataError, Diagnostic, DqError, Severity
    from dq.evaluation import evaluate
    from dq.explanation import Explanation, explain
    from dq.gating import QualityError, gate, gated
    from dq.history import JsonLinesHistory, MemoryHistory, MetricHistory
    from dq.language import check, parse
    from dq.language.formatting import format_text
    from dq.outcomes import Distribution, Evaluation, FailingRows, Outcome, Statistic, Verdict
    from dq.project.project import Project, table
    from dq.publishing import Branch, ConflictError, write_audit_publish
    from dq.sources.options import ReadOptions
    from dq.splitting import Split, split
    from dq.syntax import Ruleset

_HOMES = {
    "Branch": "dq.publishing",
    "ConflictError": "dq.publishing",
    "DataError": "dq.diagnostics",
    "Diagnostic": "dq.diagnostics",
    "DqError": "dq.diagnostics",
    "Distribution": "dq.outcomes",
    "Evaluation": "dq.outcomes",
    "Explanation": "dq.explanation",
    "FailingRows": "dq.outcomes",
    "JsonLinesHistory": "dq.history",
    "MemoryHistory": "dq.history",
    "MetricHistory": "dq.history",
    "Options": "dq.options",
    "Outcome": "dq.outcomes",
    "Project": "dq.project.project",
    "QualityError": "dq.gating",
    "ReadOptions": "dq.sources.options",
    "Ruleset": "dq.syntax",
    "Severity": "dq.diagnostics",
    "Split": "dq.splitting",
    "Statistic": "dq.outcomes",
    "Verdict": "dq.outcomes",
    "check": "dq.language",
    "evaluate": "dq.evaluation",
    "explain": "dq.explanation",
    "format_text": "dq.language.formatting",
    "gate": "dq.gating",
    "gated": "dq.gating",
    "parse": "dq.language",
    "split": "dq.splitting",
    "table": "dq.project.project",
    "write_audit_publish": "dq.publishing",
}
"""Where each public name lives."""

__all__ = [
    "Branch",
    "ConflictError",
    "DataError",
    "Diagnostic",
    "Distribution",
    "DqError",
    "Evaluation",
    "Explanation",
    "FailingRows",
    "JsonLinesHistory",
    "MemoryHistory",
    "MetricHistory",
    "Options",
    "Outcome",
    "Project",
    "QualityError",
    "ReadOptions",
    "Ruleset",
    "Severity",
    "Split",
    "Statistic",
    "Verdict",
    "check",
    "evaluate",
    "explain",
    "format_text",
    "gate",
    "gated",
    "parse",
    "split",
    "table",
    "write_audit_publish",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("dq-rules")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dq' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
