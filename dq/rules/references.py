"""Rules over several datasets: the primary beside a reference, which goes by its alias.

The rows of the primary that have no partner are found by one predicate, which also gives the share; it is
measured in the same scan as every other rule over rows. Sizes and sums of a reference share one scan of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from dq.conditions import Requirement, requirement
from dq.lazy import dq_metrics, equality, sql
from dq.names import PRIMARY, find_reference, listed
from dq.outcomes import Verdict
from dq.references import Pair, aggregate, column_pairs, mapping_pairs, remaining_pairs
from dq.rules.base import (
    Aggregate,
    Alias,
    BoundRule,
    ColumnList,
    Facts,
    Judgement,
    Mapped,
    MaybeMapped,
    NumberCondition,
    Reference,
    ShareRule,
    judge_emptiness,
    judge_number,
    rule_type,
    show,
)
from dq.schema import Column, Type
from dq.sources.types import spark_name

if TYPE_CHECKING:
    from dq.references import Aggregate as Aggregated
    from dq.tree import Tree


class _PartnerRule(ShareRule):
    """Judges the share of rows that have a partner in a reference."""

    def lacking(self, rows: int) -> str:
        """What is wrong with the failing rows, for a sentence."""
        raise NotImplementedError

    def asked(self) -> Requirement:
        """The condition."""
        return requirement(self.condition)  # type: ignore[attr-defined]

    def expected(self, asked: Requirement) -> str:
        """The condition."""
        return str(asked)

    def complaint(self, failing: tuple[int, int], share: float, asked: Requirement) -> str:
        """Why the rule failed."""
        rows = f"{failing[0]:,} of {failing[1]:,} rows {self.lacking(failing[0])}"
        return f"{self.quantity()} is {show(share, asked.numbers)}, expected {asked} ({rows})"

    def quantity(self) -> str:
        """What the share is, for a sentence."""
        raise NotImplementedError


@rule_type(analyzer=True, row_excluded=True)
class ReferentialIntegrity(_PartnerRule):
    """The share of rows whose values occur in a reference dataset, together in one row: a share in [0, 1].

    The columns are paired by position. A row with a NULL in one of them has no partner; how often a value
    occurs does not matter. An empty reference gives 0.

    Example:
        ReferentialIntegrity "country" "countries.iso" >= 0.6
        ReferentialIntegrity "id,email" "customers.{id,email}" = 1.0
    """

    columns: ColumnList
    reference: Reference
    condition: NumberCondition

    statistic: ClassVar[str] = "ReferentialIntegrity"

    @cached_property
    def _found(self) -> tuple[str, tuple[Pair, ...]]:
        return column_pairs(self.columns, self.reference, self.context.schemas)

    def problem(self) -> str:
        """An alias or a column that does not exist, or types that cannot be compared, are raised."""
        self.predicate()
        return ""

    def alias_of(self) -> str:
        """The reference."""
        return self._found[0]

    def predicate(self) -> Tree:
        """True for the rows that have a partner."""
        alias, pairs = self._found
        both = [equality.sides(pair.primary, pair.reference, alias) for pair in pairs]
        return sql.is_among([ours.value for ours, _ in both], [theirs.value for _, theirs in both], alias)

    def name_of(self, statistic: str) -> str:
        """Named by the reference."""
        return f"Column.{self.alias_of()}.{statistic}"

    def quantity(self) -> str:
        """What the share is."""
        return f"ReferentialIntegrity of {listed(pair.primary.name for pair in self._found[1])}"

    def lacking(self, rows: int) -> str:
        """No partner."""
        return f"without a partner in `{self.alias_of()}`"


@rule_type(analyzer=True, row_excluded=True)
class DatasetMatch(_PartnerRule):
    """The share of rows that have an equal row in a reference dataset: the same key, and equal values beside it.

    A mapping lists columns, `name` or `primaryName->referenceName`. Without the second one every column that is
    no key is compared with the one of its name; further columns of the reference do not matter. Beside the key,
    NULL equals NULL and numbers are compared by value; a row with a NULL in its key has no partner. A key that
    occurs twice, in either dataset, fails the rule.

    Example:
        DatasetMatch "customers" "id" "email" >= 0.6
        DatasetMatch "customers" "id->id" "country->country,email->email" >= 0.5
    """

    alias: Alias
    keys: Mapped
    matches: MaybeMapped
    condition: NumberCondition

    statistic: ClassVar[str] = "DatasetMatch"

    @cached_property
    def _keys(self) -> tuple[Pair, ...]:
        return mapping_pairs(self.keys, self.alias, self.context.schemas)

    @cached_property
    def _matches(self) -> tuple[Pair, ...]:
        if self.matches:
            return mapping_pairs(self.matches, self.alias, self.context.schemas)
        return remaining_pairs(self._keys, self.alias, self.context.schemas)

    def problem(self) -> str:
        """An alias or a column that does not exist, or types that cannot be compared, are raised."""
        self.predicate()
        return ""

    def predicate(self) -> Tree:
        """True for the rows that have an equal row."""
        ours: list[Tree] = []
        theirs: list[Tree] = []
        for pair in self._keys:
            left, right = equality.sides(pair.primary, pair.reference, self.alias)
            ours.append(left.value)
            theirs.append(right.value)
        for pair in self._matches:
            left_values, right_values = equality.null_safe(*equality.sides(pair.primary, pair.reference, self.alias))
            ours += left_values
            theirs += right_values
        return sql.is_among(ours, theirs, self.alias)

    def _key_counts(self) -> tuple[tuple[str, dq_metrics.GroupCounts], ...]:
        """How often each key occurs, by alias."""
        ours = tuple(dict.fromkeys(pair.primary for pair in self._keys))
        theirs = tuple(dict.fromkeys(pair.reference for pair in self._keys))
        return (
            (PRIMARY, dq_metrics.GroupCounts(ours)),
            (self.alias, dq_metrics.GroupCounts(theirs, table=self.alias)),
        )

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """The share, and how often the keys of both datasets occur."""
        return (*ShareRule.metrics(self), *(counts for _, counts in self._key_counts()))

    def _repeated(self, facts: Facts) -> list[str]:
        """The datasets in which a key occurs twice, each with how many of its rows do not stand alone."""
        found = []
        for alias, metric in self._key_counts():
            counts = facts[metric]
            assert isinstance(counts, dq_metrics.Occurrences)
            rows = counts.duplicates() + (counts.nulls if counts.nulls > 1 else 0)
            if rows:
                found.append(f"in {rows:,} rows of {'the primary' if alias == PRIMARY else f'`{alias}`'}")
        return found

    def judge(self, facts: Facts) -> Judgement:
        """FAILED when keys repeat, else by the share."""
        expected = str(self.asked())
        repeated = self._repeated(facts)
        if not repeated or judge_emptiness(self, facts, expected):
            return ShareRule.judge(self, facts)
        names = ", ".join(dict.fromkeys(f"`{pair.primary.name}`" for pair in self._keys))
        reason = f"rows cannot be paired: the key {names} occurs more than once, {' and '.join(repeated)}"
        return Judgement(Verdict.FAILED, reason, "repeated keys", expected)

    def failing_rows(self, facts: Facts) -> Tree | None:
        """Rows that differ or have no partner; None when keys repeat, since no row is then judged."""
        return None if self._repeated(facts) else ShareRule.failing_rows(self, facts)

    def name_of(self, statistic: str) -> str:
        """Named by the reference."""
        return f"Dataset.{self.alias}.{statistic}"

    def quantity(self) -> str:
        """What the share is."""
        return f"DatasetMatch with `{self.alias}`"

    def lacking(self, rows: int) -> str:
        """No partner, or another value."""
        return "differs or has no partner" if rows == 1 else "differ or have no partner"


@rule_type(analyzer=True)
class SchemaMatch(BoundRule):
    """The share of columns that a reference dataset has with the same name and type: a share in [0, 1].

    Names match without regard to letter case; types are those of Spark, such as `decimal(10,2)`, and all structs
    are alike, as are lists and maps. The order of the columns does not matter, nor do further ones of the
    reference, which are noted. Needs no data.

    Example:
        SchemaMatch "customers" > 0.4
    """

    alias: Alias
    condition: NumberCondition

    def problem(self) -> str:
        """An alias that was not given is raised."""
        find_reference(self.alias, self.context.schemas)
        return ""

    def _differences(self) -> Iterator[str]:
        reference = find_reference(self.alias, self.context.schemas)
        for ours in self.context.schema:
            found = reference.find(ours.name)
            if not found:
                yield f"`{ours.name}` is missing"
            elif all(_kind(theirs) != _kind(ours) for theirs in found):
                yield f"`{ours.name}` is {_kind(found[0])} instead of {_kind(ours)}"

    def judge(self, facts: Facts) -> Judgement:
        """Judged on the schemas alone; the differences are told, all but the first ten by their number."""
        asked = requirement(self.condition)
        differences = list(self._differences())
        columns = len(self.context.schema)
        share = (columns - len(differences)) / columns
        metrics = {f"Dataset.{self.alias}.SchemaMatch": share}
        shown = "all columns" if share == 1 else f"{show(share, asked.numbers)} of columns"
        told = f"in `{self.alias}`, {_first(differences)}" if differences else "every column agrees"
        if asked.holds(share):
            notes = (*((told,) if differences else ()), *self._remarks())
            return Judgement(Verdict.PASSED, "", shown, str(asked), metrics, notes=notes)
        reason = f"SchemaMatch with `{self.alias}` is {show(share, asked.numbers)}, expected {asked}: {told}"
        return Judgement(Verdict.FAILED, reason, shown, str(asked), metrics, notes=tuple(self._remarks()))

    def _remarks(self) -> Iterator[str]:
        """What does not count, but Glue's open engine would count: letter case, and columns of the reference alone."""
        ours, theirs = self.context.schema, find_reference(self.alias, self.context.schemas)
        respelled = [each.name for each in ours if theirs.find(each.name) and not theirs.exact(each.name)]
        if respelled:
            yield f"in `{self.alias}`, letter case differs: {listed(respelled)}"
        further = [each.name for each in theirs if not ours.find(each.name)]
        if further:
            yield f"only `{self.alias}` has {listed(further)}"


def _first(differences: list[str], most: int = 10) -> str:
    return ", ".join(differences[:most]) + (f" and {len(differences) - most:,} more" if len(differences) > most else "")


def _kind(column: Column) -> str:
    return spark_name(column.native)


@rule_type(analyzer=True)
class RowCountMatch(BoundRule):
    """The rows of the primary over the rows of a reference dataset: 1.2 when there are 6 and 5.

    A primary without rows gives 0; a reference without rows fails the rule.

    Example:
        RowCountMatch "customers" >= 0.9
    """

    alias: Alias
    condition: NumberCondition

    def problem(self) -> str:
        """An alias that was not given is raised."""
        find_reference(self.alias, self.context.schemas)
        return ""

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """Both sizes."""
        return dq_metrics.Size(), dq_metrics.Size(table=self.alias)

    def judge(self, facts: Facts) -> Judgement:
        """PASSED when the ratio meets the condition."""
        asked = requirement(self.condition)
        ours, theirs = (facts[metric].value() for metric in self.metrics())
        assert isinstance(ours, int)
        assert isinstance(theirs, int)
        if not theirs:
            return Judgement(Verdict.FAILED, f"the reference `{self.alias}` has no rows", "no rows", str(asked))
        ratio = ours / theirs
        judged = judge_number(
            ratio, asked, f"RowCountMatch with `{self.alias}`", {f"Dataset.{self.alias}.RowCountMatch": ratio}
        )
        return _beside(judged, f"{ours:,} over {theirs:,} rows")


def _beside(judgement: Judgement, told: str) -> Judgement:
    """The judgement with the two numbers of a ratio told, if there is a reason to tell them beside."""
    return replace(judgement, reason=judgement.reason and f"{judgement.reason} ({told})")


@rule_type(analyzer=True)
class AggregateMatch(BoundRule):
    """An aggregate over another: `sum` or `avg` of a column of the primary, or of `alias.column`.

    NULLs are left out, and an aggregate without a value counts as 0. 0 over 0 is 1, anything else over 0 is 0.
    A text column counts with the numbers that it spells.

    Example:
        AggregateMatch "sum(amount)" "sum(customers.amount)" >= 0.9
        AggregateMatch "avg(qty)" "avg(qty)" = 1.0
    """

    first: Aggregate
    second: Aggregate
    condition: NumberCondition

    @cached_property
    def _sides(self) -> tuple[Aggregated, ...]:
        return tuple(aggregate(each, self.context.schemas) for each in (self.first, self.second))

    def problem(self) -> str:
        """An alias or a column that does not exist is raised; other columns than numbers and texts have no sum."""
        for side in self._sides:
            if not side.column.type.is_number and side.column.type is not Type.STRING:
                return f"`{side}`: column `{side.column.name}` is {side.column.type.value}, and numbers are needed"
        return ""

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """Both sums, with how many values each has."""
        return tuple(dq_metrics.Sum(side.column, table=side.alias) for side in self._sides)

    def judge(self, facts: Facts) -> Judgement:
        """PASSED when the ratio meets the condition."""
        asked = requirement(self.condition)
        notes: list[str] = []
        first, second = (
            self._value(side, facts[metric], notes) for side, metric in zip(self._sides, self.metrics(), strict=True)
        )
        ratio = (1.0 if first == 0 else 0.0) if second == 0 else first / second
        names = ",".join(dict.fromkeys(side.written for side in self._sides))
        quantity = f"{self._sides[0]} over {self._sides[1]}"
        judged = judge_number(ratio, asked, quantity, {f"Column.{names}.AggregateMatch": ratio})
        return replace(_beside(judged, f"{show(first)} over {show(second)}"), notes=tuple(dict.fromkeys(notes)))

    def _value(self, side: Aggregated, found: dq_metrics.Measured, notes: list[str]) -> float:
        assert isinstance(found, dq_metrics.Total)
        if side.column.type is Type.STRING:
            notes.append(f"column `{side.column.name}` of `{side}` is text: what spells no number is left out")
        value = found.mean() if side.is_mean else found.value()
        if isinstance(value, dq_metrics.Undefined):
            notes.append(f"`{side}` has no value and counts as 0")
            return 0.0
        return float(value)
