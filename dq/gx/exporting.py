"""A ruleset as a suite of Great Expectations: `to_suite`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from dq.diagnostics import DqError
from dq.gx.reports import Conversion, Fidelity, Lost, Report
from dq.gx.rules import Written, convert
from dq.gx.suites import SEVERITIES, Expectation, Suite
from dq.syntax import Composite, RuleExpression, Ruleset


class ToSuite(NamedTuple):
    """The suite that a ruleset became, as JSON-ready data, and what the conversion kept."""

    suite: dict[str, Any]
    report: Report


def to_suite(ruleset: Ruleset, *, name: str = "dqdl") -> ToSuite:
    """The suite that says what a ruleset says, and a report of what is exact, approximate or lost.

    A rule becomes one expectation, or several that must all hold, such as that values are there where DQDL fails a
    NULL and GX skips it. A label `severity` that GX knows is the severity, other labels are `meta`. Analyzers judge
    nothing and are lost. The suite is what `gx.ExpectationSuite(**suite)` takes.

    Args:
        ruleset: what `dq.parse` returns.
        name: the name of the suite.

    Raises:
        DqError: nothing of the ruleset is left.
    """
    conversions: list[Conversion] = []
    expectations: dict[str, Expectation] = {}
    defaults = {label.key: label.value for label in ruleset.default_labels}
    for rule in ruleset.rules:
        try:
            written = _written(rule, defaults)
        except (Lost, RecursionError) as lost:
            reason = str(lost) if isinstance(lost, Lost) else "it is nested too deeply"
            conversions.append(Conversion(str(rule), (), Fidelity.LOST, reason))
            continue
        told = tuple(map(str, written.expectations))
        conversions.append(Conversion(str(rule), told, written.fidelity, written.reason))
        expectations |= {repr(each): each for each in written.expectations}
    for analyzer in ruleset.analyzers:
        reason = "an analyzer judges nothing, and a suite holds nothing else"
        conversions.append(Conversion(str(analyzer), (), Fidelity.LOST, reason))
    if not expectations:
        reasons = "; ".join(dict.fromkeys(each.reason for each in conversions))
        raise DqError(f"no rule has an expectation: {reasons}", help="`docs/gx.md` lists those that have")
    suite = Suite(name, tuple(expectations.values()))
    return ToSuite(suite.to_dict(), Report(tuple(conversions)))


def _written(expression: RuleExpression, labels: Mapping[str, str]) -> Written:
    """The expectations of a rule with what its labels say; those of all parts of an `and`."""
    own = {**labels, **{label.key: label.value for label in expression.labels}}
    if not isinstance(expression, Composite):
        written = convert(expression)
        single = len(written.expectations) == 1
        labelled = tuple(_labelled(each, own, is_single=single) for each in written.expectations)
        return replace(written, expectations=labelled)
    if expression.operator != "and":
        raise Lost("a suite joins its expectations by `and` only")
    parts = [_written(each, own) for each in expression.operands]
    reasons = "; ".join(dict.fromkeys(each.reason for each in parts if each.reason))
    fidelity = Fidelity.APPROXIMATE if reasons else Fidelity.EXACT
    return Written(tuple(found for each in parts for found in each.expectations), fidelity, reasons)


def _labelled(expectation: Expectation, labels: Mapping[str, str], *, is_single: bool) -> Expectation:
    meta = {_decoded(key): _decoded(value) for key, value in labels.items()}
    severity = meta.pop("severity") if meta.get("severity") in SEVERITIES else ""
    found = meta.pop("gx_id", "")
    return replace(expectation, meta=meta, severity=severity, id=found if is_single else "")


def _decoded(text: str) -> str:
    """What a label says, its escapes read."""
    return re.sub(r'\\(["\\])', r"\1", text)
