"""Rules about how often values occur. All of them read one frequency table per set of columns and scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from dq.conditions import ALL, Requirement
from dq.lazy import dq_metrics, exp, sql
from dq.names import PRIMARY
from dq.outcomes import Verdict
from dq.rules.base import (
    AnyColumns,
    Columns,
    Facts,
    Judgement,
    MetricRule,
    NumberCondition,
    OneColumn,
    WhenEmpty,
    judge_emptiness,
    rule_type,
    show,
)
from dq.schema import Column, Type
from dq.scope import EVERYTHING, Scope
from dq.tree import (
    call,
    column,
    conjunction,
    count_where,
    disjunction,
    is_null,
    is_present,
    literal,
    negation,
    present_any,
)

if TYPE_CHECKING:
    from dq.tree import Tree


class _GroupRule(MetricRule):
    """Judges a frequency table."""

    weigh: ClassVar[bool] = False

    def keys(self) -> tuple[Column, ...]:
        """The columns that are grouped."""
        columns: tuple[Column, ...] | None = getattr(self, "columns", None)
        return columns if columns is not None else (self.column,)  # type: ignore[attr-defined]

    def metric(self) -> dq_metrics.Metric:
        """The frequency table, summed up."""
        return dq_metrics.GroupCounts(self.keys(), self.where, weigh=self.weigh)  # type: ignore[attr-defined]

    def counts(self, facts: Facts) -> dq_metrics.Occurrences:
        """The measurement."""
        found = facts[self.metric()]
        assert isinstance(found, dq_metrics.Occurrences)
        return found


class _Repeated(_GroupRule):
    """Rows fail when their combination occurs twice; rows whose columns are all NULL are left out."""

    def failing(self, facts: Facts) -> tuple[int, int] | None:
        counts = self.counts(facts)
        return counts.duplicates(), counts.rows

    def example_rows(self, facts: Facts) -> Tree | None:
        examples = one_of(self.keys(), self.counts(facts).repeated)
        return self.failing_rows(facts) if examples is None else conjunction(self.where.predicate, examples)  # type: ignore[attr-defined]

    def unjudged_rows(self) -> Tree | None:
        return negation(present_any(self.keys()))

    def failing_rows(self, facts: Facts) -> Tree | None:
        return conjunction(
            self.where.predicate,  # type: ignore[attr-defined]
            present_any(self.keys()),
            repeated(self.keys(), self.where),  # type: ignore[attr-defined]
        )


def repeated(columns: tuple[Column, ...], scope: Scope) -> Tree:
    """True for rows whose combination of values occurs more than once within the scope; NULLs are equal."""
    twice = sql.frequency_table(dq_metrics.Groups(columns, scope)).having(
        exp.GT(this=count_where(), expression=literal(1))
    )
    same = [
        exp.NullSafeEQ(this=column(f"k{at}", "again"), expression=column(each, PRIMARY))
        for at, each in enumerate(columns)
    ]
    return exp.Exists(this=exp.select(exp.Star()).from_(twice.subquery("again")).where(conjunction(*same)))


def one_of(columns: tuple[Column, ...], keys: tuple[tuple[Any, ...], ...]) -> Tree | None:
    """True for rows that have one of the keys; None when there is no key."""
    rows = [
        conjunction(
            *(
                is_null(column(each)) if value is None else exp.EQ(this=column(each), expression=literal(value))
                for each, value in zip(columns, key, strict=True)
            )
        )
        for key in keys
    ]
    return disjunction(*rows) if rows else None  # type: ignore[arg-type]


@rule_type(analyzer=True, row_excluded=True)
class Uniqueness(_Repeated):
    """The combinations that occur exactly once, over the rows that hold a value: a share in [0, 1].

    Rows whose columns are all NULL are in neither number; a NULL in some of them groups like a value.

    Example:
        Uniqueness "email" > 0.9
        Uniqueness "order_id" "line" = 1.0
    """

    columns: Columns
    condition: NumberCondition
    where: Scope = EVERYTHING

    def value(self, measured: dq_metrics.Occurrences) -> dq_metrics.Value:
        """Singles over rows."""
        return measured.uniqueness()


@rule_type()
class IsUnique(_Repeated):
    """Whether no combination of values occurs twice: Uniqueness = 1.0.

    NULLs are not counted, so any number of them passes; a column of NULLs alone fails.

    Example:
        IsUnique "email"
    """

    columns: Columns
    where: Scope = EVERYTHING

    statistic: ClassVar[str] = "Uniqueness"

    def asked(self) -> Requirement:
        """Every row."""
        return ALL

    def value(self, measured: dq_metrics.Occurrences) -> dq_metrics.Value:
        """Singles over rows."""
        return measured.uniqueness()

    def quantity(self) -> str:
        """What the number is."""
        return f"uniqueness of {self.subject()}"


@rule_type()
class IsPrimaryKey(_GroupRule):
    """Whether the columns are unique together, and each holds a value in every row.

    Example:
        IsPrimaryKey "order_id"
        IsPrimaryKey "order_id" "line"
    """

    columns: Columns
    where: Scope = EVERYTHING

    def _presence(self) -> tuple[dq_metrics.Compliance, ...]:
        return tuple(dq_metrics.Compliance(is_present(column(each)), self.where) for each in self.columns)

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """The frequency table, and the completeness of each column."""
        return (*_GroupRule.metrics(self), *self._presence())

    def example_rows(self, facts: Facts) -> Tree | None:
        """Those with a repeated key that is known, or with a NULL in the key."""
        examples = one_of(self.columns, self.counts(facts).repeated)
        if examples is None and self.counts(facts).duplicates():
            return self.failing_rows(facts)
        gaps = [
            is_null(column(each))
            for each, presence in zip(self.columns, self._presence(), strict=True)
            if facts[presence].value() != 1  # a column without gaps would only keep the scan from skipping row groups
        ]
        return conjunction(self.where.predicate, disjunction(*([] if examples is None else [examples]), *gaps))

    def failing_rows(self, facts: Facts) -> Tree | None:
        """Repeated, or with a NULL in the key."""
        gaps = [is_null(column(each)) for each in self.columns]
        return conjunction(self.where.predicate, disjunction(repeated(self.columns, self.where), *gaps))

    def judge(self, facts: Facts) -> Judgement:
        """PASSED when unique and complete."""
        expected = "unique and complete"
        empty = judge_emptiness(self, facts, expected)
        if empty:
            return empty
        counts = self.counts(facts)
        uniqueness = counts.uniqueness()
        if isinstance(uniqueness, dq_metrics.Undefined):
            return Judgement(Verdict.FAILED, uniqueness.reason, "no value", expected)
        completeness = [facts[each].value() for each in self._presence()]
        metrics = {self.name_of("Uniqueness"): float(uniqueness)}
        for name, share in zip(self.written, completeness, strict=True):
            assert not isinstance(share, dq_metrics.Undefined), "a scope without rows is judged by its emptiness"
            metrics[f"Column.{name}.Completeness"] = float(share)
        reasons = [f"{counts.duplicates():,} rows repeat a key"] if uniqueness != 1 else []
        gaps = [name for name in self.written if metrics[f"Column.{name}.Completeness"] != 1]
        if gaps:
            reasons.append(f"{', '.join(f'`{name}`' for name in gaps)} lacks values")
        shown = show(uniqueness, (1.0,)) + (" unique" if not gaps else " unique, incomplete")
        failing = (counts.duplicates() + counts.gapped + counts.nulls, counts.rows + counts.nulls)
        verdict = Verdict.FAILED if reasons else Verdict.PASSED
        reason = f"{self.subject()} is no primary key: {' and '.join(reasons)}" if reasons else ""
        return Judgement(verdict, reason, shown, expected, metrics, failing)


@rule_type(analyzer=True)
class UniqueValueRatio(_Repeated):
    """The values that occur exactly once, over the distinct values: a share in [0, 1]. NULL is no value here.

    Example:
        UniqueValueRatio "email" >= 0.75
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    filtered: ClassVar[WhenEmpty] = WhenEmpty.FAILED

    def value(self, measured: dq_metrics.Occurrences) -> dq_metrics.Value:
        """Singles over groups."""
        return measured.unique_value_ratio()


@rule_type(analyzer=True)
class DistinctValuesCount(_GroupRule):
    """The number of distinct values; NULL, where it occurs, is one of them.

    Example:
        DistinctValuesCount "status" = 3
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    no_rows: ClassVar[WhenEmpty] = WhenEmpty.JUDGED
    filtered: ClassVar[WhenEmpty] = WhenEmpty.JUDGED

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """The groups, and for floats both zeros: as text, which DQDL compares, 0.0 and -0.0 differ."""
        return (*_GroupRule.metrics(self), *self._zeros())

    def _zeros(self) -> tuple[dq_metrics.CountWhere, ...]:
        if self.column.type is not Type.FLOAT:
            return ()
        zero = exp.EQ(this=column(self.column), expression=literal(0))
        negative = call("DQ_SIGN_BIT", column(self.column))
        return tuple(
            dq_metrics.CountWhere(conjunction(zero, sign), self.where)  # type: ignore[arg-type]
            for sign in (negative, negation(negative))
        )

    def judged(self, facts: Facts) -> dq_metrics.Value:
        """Groups, NULL included."""
        zeros = [facts[each].value() for each in self._zeros()]
        return self.counts(facts).distinct() + (len(zeros) == 2 and all(zeros))


@rule_type(analyzer=True, published=False)
class DuplicateRowCount(_Repeated):
    """The number of rows that stand in a group of two or more equal rows, all of them.

    Without columns, all columns are compared. Rows whose columns are all NULL are left out.

    Example:
        DuplicateRowCount = 0
        DuplicateRowCount "email" < 10
    """

    columns: AnyColumns
    condition: NumberCondition
    where: Scope = EVERYTHING

    no_rows: ClassVar[WhenEmpty] = WhenEmpty.JUDGED
    filtered: ClassVar[WhenEmpty] = WhenEmpty.JUDGED

    def value(self, measured: dq_metrics.Occurrences) -> dq_metrics.Value:
        """Rows that are not alone."""
        return measured.duplicates()


@rule_type(analyzer=True)
class Entropy(_GroupRule):
    """The entropy −Σ p ln p of the values of a column, in nats; NULLs are left out. One value only: 0.

    Example:
        Entropy "status" > 1.0
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING

    weigh: ClassVar[bool] = True

    def value(self, measured: dq_metrics.Occurrences) -> dq_metrics.Value:
        """In nats."""
        return measured.information()
