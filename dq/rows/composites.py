"""Composite rules judged row by row. Source: REFERENCE C.1 and C.2.

COLUMN, the default, judges each part over the whole table and joins the verdicts. ROW joins the parts' booleans in
each row, and passes when no row fails. A composite with a part that says nothing about single rows, or that judges a
share, falls back to COLUMN as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dq.lazy import exp
from dq.metrics import Grain, Ratio, Statement
from dq.names import PRIMARY
from dq.outcomes import Verdict
from dq.rows.labels import joined
from dq.rules.base import SIGNATURES, Facts, Judgement, rows_fail, show
from dq.syntax import Composite, Rule
from dq.tree import column, count_where, negation, table

if TYPE_CHECKING:
    from dq.tree import Tree


@dataclass(frozen=True, slots=True)
class RowsJudged:
    """The share of rows of the primary that a label does not fail."""

    label: Tree

    @property
    def grain(self) -> Grain:
        """A query by itself: a label may look into groups, which an aggregate cannot."""
        judged = exp.select(exp.alias_(self.label.copy(), "label")).from_(table(PRIMARY)).subquery("judged")
        fails = count_where(negation(column("label")))
        return Statement(exp.select(fails, count_where()).from_(judged), (PRIMARY,))

    def aggregates(self) -> tuple[Tree, ...]:
        """None: the statement is the query."""
        return ()

    def state(self, cells: Sequence[Any], /) -> Ratio:
        """Cells are the column names and the one row: rows that fail, rows in all."""
        fails, rows = cells[1][0]
        return Ratio(int(rows) - int(fails), int(rows))


def refusal(composite: Composite, leaves: Sequence[Rule], labels: Mapping[Rule, Tree | None]) -> str:
    """Why a composite cannot be judged row by row; empty when it can."""
    for rule in leaves:
        signature = SIGNATURES[rule.name]
        if rule not in labels:
            return f"judged by column: `{rule}` could not be measured"
        if signature.row_excluded or rule.threshold is not None:
            return f"judged by column: `{rule}` is about a share of rows"
        if labels[rule] is None:
            return f"judged by column: `{rule}` says nothing about single rows"
    if joined(composite, labels) is None:
        return "judged by column: it nests too deep to be judged row by row"
    return ""


def metric(composite: Composite, labels: Mapping[Rule, Tree | None]) -> RowsJudged:
    """What must be measured of a composite that can be judged row by row."""
    label = joined(composite, labels)
    assert label is not None
    return RowsJudged(label)


EXPECTED = "true in every row"
"""What a composite that is judged row by row asks for."""


def judge(measured: RowsJudged, facts: Facts) -> Judgement:
    """PASSED when no row fails. A table without rows fails, as its parts do by themselves (REFERENCE B.0.4)."""
    ratio = facts[measured]
    assert isinstance(ratio, Ratio)
    expected = EXPECTED
    if not ratio.total:
        return Judgement(Verdict.FAILED, "no rows: the table is empty", "no rows", expected)
    failing = (ratio.total - ratio.matching, ratio.total)
    share = ratio.matching / ratio.total
    shown = "all rows" if share == 1 else f"{show(share, (1.0,))} of rows"
    if not failing[0]:
        return Judgement(Verdict.PASSED, "", shown, expected, failing=failing)
    return Judgement(Verdict.FAILED, f"{rows_fail(failing)}: expected {expected}", shown, expected, failing=failing)


def failing_rows(measured: RowsJudged) -> Tree:
    """True for the rows that fail, NULL where the label says nothing."""
    return negation(measured.label)
