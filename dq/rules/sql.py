"""Rules that a SQL statement of the user defines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dq.conditions import ALL, requirement
from dq.lazy import dq_metrics, exp, sql, sqltext
from dq.outcomes import Verdict
from dq.rules.base import (
    BoundRule,
    Facts,
    Judgement,
    NumberCondition,
    Sql,
    WhenEmpty,
    judge_emptiness,
    judge_number,
    rule_type,
    share_of_rows,
    sizes,
    unmet,
)
from dq.tree import negation

if TYPE_CHECKING:
    from dq.tree import Tree


@rule_type(analyzer=True)
class CustomSql(BoundRule):
    """A number that a query returns, or the share of rows of the primary that a query returns.

    With a condition, the query must return one row with one column, and the condition judges that number.
    Without one, the rows it returns are the rows that pass: they are found in the primary by all returned
    columns, NULL equal to NULL. The primary is the table `primary`; references go by their aliases. The
    dialect is Spark SQL; DuckDB's is understood too.

    Example:
        CustomSql "select count(*) from primary where amount < 0" = 0
        CustomSql "select id from primary where qty <= 4" with threshold > 0.6
    """

    sql: Sql
    condition: NumberCondition | None = None
    threshold: NumberCondition | None = None

    no_rows: ClassVar[WhenEmpty] = WhenEmpty.FAILED

    def _select(self) -> sqltext.Select:
        return sqltext.parse_select(self.sql, self.context.schemas, now=self.context.now)

    def problem(self) -> str:
        """A statement that may not run raises the reason; returned columns must be the primary's."""
        if self.condition is not None and self.threshold is not None:
            return "CustomSql takes a condition or a threshold, not both"
        self._select()
        return ""

    def _metric(self) -> dq_metrics.Metric:
        select = self._select()
        if self.condition is not None:
            limited = (
                exp.select("*")
                .from_(exp.Subquery(this=select.tree.copy(), alias=exp.TableAlias(this=exp.to_identifier("q"))))
                .limit(2)
            )
            return dq_metrics.Query(limited, tuple(sorted(select.tables)))
        return dq_metrics.RowsReturned(select.tree, tuple(sorted(select.tables)))

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """The answer, or the share; the rows of the primary tell an empty table apart."""
        return (self._metric(),) if self.condition is not None else (*sizes(self), self._metric())

    def judge(self, facts: Facts) -> Judgement:
        """Scalar or rows, as written."""
        return self._judge_number(facts) if self.condition is not None else self._judge_rows(facts)

    def _judge_number(self, facts: Facts) -> Judgement:
        assert self.condition is not None
        asked = requirement(self.condition)
        value = facts[self._metric()].value()
        if isinstance(value, dq_metrics.Undefined):
            return Judgement(Verdict.FAILED, value.reason, "no value", str(asked))
        return judge_number(value, asked, "the query's answer", {"Dataset.*.CustomSQL": float(value)})

    def _judge_rows(self, facts: Facts) -> Judgement:
        asked = ALL if self.threshold is None else requirement(self.threshold)
        expected = "every row returned" if asked is ALL else f"returned in {asked} of rows"
        empty = judge_emptiness(self, facts, expected)
        if empty:
            return empty
        found = self._returned(facts)
        if found.problem:
            return Judgement(Verdict.ERROR, found.problem, "", expected)
        share = found.matching / found.total
        metrics = {"Dataset.*.CustomSQL.Compliance": share}
        failing = (found.total - found.matching, found.total)
        shown = share_of_rows(share, asked)
        if asked.holds(share):
            return Judgement(Verdict.PASSED, "", shown, expected, metrics, failing)
        reason = unmet(failing, "each row among those the query returns", share, asked)
        return Judgement(Verdict.FAILED, reason, shown, expected, metrics, failing)

    def _returned(self, facts: Facts) -> dq_metrics.Returned:
        found = facts[self._metric()]
        assert isinstance(found, dq_metrics.Returned)
        return found

    def failing_rows(self, facts: Facts) -> Tree | None:
        """Rows of the primary that the query did not return."""
        if self.condition is not None or self._returned(facts).problem:
            return None
        return negation(sql.is_returned(self._select().tree, self._returned(facts).columns))
