"""Rules about the table as a whole: its rows, columns and names."""

from __future__ import annotations

from typing import ClassVar

from dq.conditions import requirement
from dq.lazy import dq_metrics, regex
from dq.names import listed
from dq.outcomes import Verdict
from dq.rules.base import (
    BoundRule,
    ColumnName,
    Facts,
    Judgement,
    MetricRule,
    NumberCondition,
    Regex,
    WhenEmpty,
    judge_number,
    rule_type,
    show,
)
from dq.scope import EVERYTHING, Scope


@rule_type(analyzer=True)
class RowCount(MetricRule):
    """The number of rows in scope. NULLs do not matter; no rows count as 0 and are judged.

    Example:
        RowCount > 1000
        RowCount between 10 and 100 where "status = 'open'"
    """

    condition: NumberCondition
    where: Scope = EVERYTHING

    no_rows: ClassVar[WhenEmpty] = WhenEmpty.JUDGED
    filtered: ClassVar[WhenEmpty] = WhenEmpty.JUDGED

    def metric(self) -> dq_metrics.Metric:
        """The size of the scope."""
        return dq_metrics.Size(self.where)


@rule_type(analyzer=True)
class ColumnCount(BoundRule):
    """The number of top-level columns. Needs no data.

    Example:
        ColumnCount = 8
    """

    condition: NumberCondition

    def judge(self, facts: Facts) -> Judgement:
        """Judged on the schema alone."""
        count = len(self.context.schema)
        return judge_number(count, requirement(self.condition), "ColumnCount", {"Dataset.*.ColumnCount": float(count)})


@rule_type()
class ColumnExists(BoundRule):
    """Whether a column has exactly this name, letter case included.

    Example:
        ColumnExists "email"
    """

    name: ColumnName

    def judge(self, facts: Facts) -> Judgement:
        """Judged on the schema alone; a name that differs in case only is told."""
        exists = self.context.schema.exact(self.name) is not None
        metrics = {f"Dataset.{self.name}.ColumnExists": float(exists)}
        if exists:
            return Judgement(Verdict.PASSED, "", "exists", "exists", metrics)
        near = [column.name for column in self.context.schema.find(self.name)]
        hint = f"; `{near[0]}` differs in letter case only" if near else ""
        return Judgement(Verdict.FAILED, f"no column is named `{self.name}`{hint}", "missing", "exists", metrics)


@rule_type()
class ColumnNamesMatchPattern(BoundRule):
    """Whether every column name matches a regular expression as a whole.

    The regular expression is Java's. Glue's open engine looks for it anywhere in the name; the outcome notes
    where the two readings differ.

    Example:
        ColumnNamesMatchPattern "[a-z_]+"
    """

    pattern: Regex

    def _matching(self) -> dq_metrics.NamesMatching:
        return dq_metrics.NamesMatching(
            regex.java_regex(self.pattern), regex.java_regex(self.pattern, whole=False), self.context.schema.names
        )

    def problem(self) -> str:
        """An unsupported pattern is raised as the error it is."""
        regex.java_regex(self.pattern)
        return "" if len(self.context.schema) else "the table has no columns"

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """The names that match."""
        return (self._matching(),)

    def judge(self, facts: Facts) -> Judgement:
        """PASSED when no name is left over."""
        found = facts[self._matching()]
        assert isinstance(found, dq_metrics.Names)
        share = len(found.whole) / found.total
        metrics = {"Dataset.*.ColumnNamesPatternMatchRatio": share}
        shown = "all names" if share == 1 else f"{show(share)} of names"
        partly = [name for name in found.partly if name not in found.whole]
        notes = (
            (f"the pattern occurs inside {listed(partly)} too, which Glue's open engine would accept",)
            if partly
            else ()
        )
        others = [name for name in self.context.schema.names if name not in found.whole]
        if not others:
            return Judgement(Verdict.PASSED, "", shown, "all names match", metrics)
        reason = f"columns that do not match the pattern: {listed(others)}"
        return Judgement(Verdict.FAILED, reason, shown, "all names match", metrics, notes=notes)
