"""What each rule says of each row: passes, fails, or nothing. Source: REFERENCE F.5 and C.3.

A label is a SQL expression over a row: true where the row passes, false where it fails, NULL where the rule says
nothing about it. It is made of the same predicate that gives the share, so rows and ratio cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dq.lazy import exp
from dq.rules.base import BoundRule, Facts, scope_of
from dq.syntax import Composite, Rule, RuleExpression
from dq.tree import comply, conjunction, disjunction, negation

if TYPE_CHECKING:
    from dq.tree import Tree

PASS, FAIL, SKIP = "DataQualityRulesPass", "DataQualityRulesFail", "DataQualityRulesSkip"
RESULT = "DataQualityEvaluationResult"
ADDED = (PASS, FAIL, SKIP, RESULT)
PASSED, FAILED = "Passed", "Failed"

DEEPEST = 100
"""How deep composites may nest before their rows are left out: engines bound the depth of an expression."""


@dataclass(frozen=True, slots=True)
class Label:
    """A rule of the ruleset and its label; `outcome` is None where the rule has no row meaning."""

    rule: RuleExpression
    outcome: Tree | None


def leaf(rule: BoundRule, facts: Facts, *, skip_filtered: bool) -> Tree | None:
    """The label of one rule; None when rows have no part in its verdict."""
    failing = rule.failing_rows(facts)
    if failing is None:
        return None
    label = exp.case()
    scope = scope_of(rule).predicate
    if scope is not None:
        label = label.when(negation(comply(scope)), exp.Null() if skip_filtered else exp.true())
    label = label.when(comply(failing), exp.false())
    unjudged = rule.unjudged_rows()
    if unjudged is not None:
        label = label.when(comply(unjudged), exp.Null())
    return label.else_(exp.true())


def joined(rule: RuleExpression, leaves: Mapping[Rule, Tree | None]) -> Tree | None:
    """The label of a composite: those of its parts, joined by SQL's three-valued logic; None if a part has none."""
    done: list[Tree | None] = []
    pending: list[tuple[RuleExpression, int, bool]] = [(rule, 0, False)]
    while pending:
        each, depth, ready = pending.pop()
        if depth > DEEPEST:
            return None
        if isinstance(each, Rule):
            done.append(leaves.get(each))
        elif ready:
            done[-len(each.operands) :] = [_join(each, done[-len(each.operands) :])]
        else:
            pending.append((each, depth, True))
            pending.extend((operand, depth + 1, False) for operand in reversed(each.operands))
    return done[0]


def _join(composite: Composite, parts: Sequence[Tree | None]) -> Tree | None:
    there = [part for part in parts if part is not None]
    if len(there) < len(parts):
        return None
    return conjunction(*there) if composite.operator == "and" else disjunction(*there)
