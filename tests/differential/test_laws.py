"""Laws that need no oracle: what may change of a ruleset, its data or the way it is evaluated, without another outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from differential.census import census
from differential.comparing import NUMBERS, Ruleset, near, shown
from differential.oracle import NOW, Composite, Rule, Table, Where, World, leaves, outcome
from differential.worlds import arrow, rules, rulesets, worlds, written
from examples import MADE, examples
from hypothesis import given, note, settings
from hypothesis import strategies as st

import dq


@dataclass(frozen=True)
class Asked:
    """One evaluation: a ruleset, two tables in any form, and how."""

    ruleset: str
    primary: Any
    ref: Any
    options: dict[str, Any] = field(default_factory=dict)
    threads: int | None = None

    def answer(self) -> dq.Evaluation:
        options = dq.Options(**{"samples": 0, "now": NOW, **self.options})
        data = {"primary": self.primary, "ref": self.ref}
        return dq.evaluate(self.ruleset, data, options=options, threads=self.threads)


Law = Callable[[st.DrawFn, Path, World, Ruleset], Asked]
LAWS: dict[str, Law] = {}


def law(made: Law) -> Law:
    LAWS[made.__name__] = made
    return made


def as_it_is(world: World, ruleset: Ruleset) -> Asked:
    return Asked(written(ruleset), arrow(world.primary), arrow(world.ref))


@law
def rules_beside_it_do_not_matter(draw: st.DrawFn, folder: Path, world: World, ruleset: Ruleset) -> Asked:
    return as_it_is(world, [*ruleset, *draw(st.lists(rules(world), min_size=1, max_size=6))])


@law
def the_order_of_rows_does_not_matter(draw: st.DrawFn, folder: Path, world: World, ruleset: Ruleset) -> Asked:
    def shuffled(table: Table) -> Table:
        return Table(table.kinds, tuple(draw(st.permutations(table.rows[:20]))) + table.rows[:19:-1])

    return as_it_is(replace(world, primary=shuffled(world.primary), ref=shuffled(world.ref)), ruleset)


@law
def the_order_of_columns_does_not_matter(draw: st.DrawFn, folder: Path, world: World, ruleset: Ruleset) -> Asked:
    primary = arrow(world.primary).select(draw(st.permutations(list(world.primary.kinds))))
    return replace(as_it_is(world, ruleset), primary=primary)


@law
def files_do_not_matter(draw: st.DrawFn, folder: Path, world: World, ruleset: Ruleset) -> Asked:
    """One file of all rows, and the same rows in several, each with row groups of its own."""
    table = arrow(world.primary)
    ends = sorted(draw(st.lists(st.integers(0, table.num_rows), max_size=3)))
    here = folder / f"parts-{next(NUMBERS)}"
    here.mkdir()
    for at, (start, end) in enumerate(zip([0, *ends], [*ends, table.num_rows], strict=True)):
        pq.write_table(table.slice(start, end - start), here / f"{at}.parquet", row_group_size=draw(st.integers(1, 4)))
    return replace(as_it_is(world, ruleset), primary=here)


@law
def a_filter_that_keeps_all_rows_is_none(draw: st.DrawFn, folder: Path, world: World, ruleset: Ruleset) -> Asked:
    everything = Where(draw(st.sampled_from(["true", "1 = 1", "not false", "null is null"])), lambda row: True)

    def filtered(rule: Rule | Composite) -> Rule | Composite:
        if isinstance(rule, Composite):
            return replace(rule, parts=tuple(map(filtered, rule.parts)))
        return replace(rule, where=everything) if rule.where is None and rule.name in FILTERED else rule

    return as_it_is(world, list(map(filtered, ruleset)))


FILTERED = {
    "RowCount", "Completeness", "IsComplete", "Uniqueness", "IsUnique", "IsPrimaryKey", "UniqueValueRatio", "ColumnDataType",
    "DistinctValuesCount", "Entropy", "Mean", "Sum", "StandardDeviation", "Variance", "ColumnCorrelation", "ColumnLength",
    "ColumnValues", "DataFreshness", "DuplicateRowCount", "InterquartileRange", "Kurtosis", "Range", "Skewness", "ZerosCount",
}  # fmt: skip


@law
def samples_change_nothing(draw: st.DrawFn, folder: Path, world: World, ruleset: Ruleset) -> Asked:
    return replace(
        as_it_is(world, ruleset), options={"samples": draw(st.integers(1, 9)), "redact": draw(st.booleans())}
    )


@law
def composites_by_row_change_composites_only(draw: st.DrawFn, folder: Path, world: World, ruleset: Ruleset) -> Asked:
    return replace(as_it_is(world, [each for each in ruleset if isinstance(each, Rule)]), options={"composites": "row"})


@law
def threads_do_not_matter(draw: st.DrawFn, folder: Path, world: World, ruleset: Ruleset) -> Asked:
    return replace(as_it_is(world, ruleset), threads=draw(st.sampled_from([1, 2, 4])))


def alike(rule: Rule | Composite, world: World, first: dq.Outcome, second: dq.Outcome) -> Iterator[str]:
    """How two outcomes of a rule differ; where rounding decides, the verdict may."""
    if first.verdict is not second.verdict and len(outcome(rule, world).verdicts) == 1:
        yield f"{first.verdict.value} ({first.reason}) and {second.verdict.value} ({second.reason})"
    if list(first.metrics) != list(second.metrics):
        yield f"metrics {list(first.metrics)} and {list(second.metrics)}"
    elif not all(map(near, first.metrics.values(), second.metrics.values())):
        yield f"metrics {dict(first.metrics)} and {dict(second.metrics)}"
    counts = [each.failing and (each.failing.count, each.failing.total) for each in (first, second)]
    if counts[0] != counts[1]:
        yield f"failing rows {counts[0]} and {counts[1]}"


@pytest.mark.parametrize("name", LAWS)
@settings(max_examples=examples(3, small=2))
@given(data=st.data(), world=worlds())
def test_an_outcome_stays(name: str, folder: Path, data: st.DataObject, world: World) -> None:
    ruleset = data.draw(rulesets(world))
    changed = LAWS[name](data.draw, folder, world, ruleset)
    if name == "composites_by_row_change_composites_only":
        ruleset = [each for each in ruleset if isinstance(each, Rule)]
    if not ruleset:
        return
    note(written(ruleset))
    MADE.update({"examples of laws": 1, **census(ruleset, world)})
    note(changed.ruleset)
    first, second = as_it_is(world, ruleset).answer(), changed.answer()
    wrong = [
        f"{rule}: {difference}"
        for rule, left, right in zip(ruleset, first.outcomes, second.outcomes, strict=False)
        for difference in alike(rule, world, left, right)
    ]
    assert not wrong, "\n".join(wrong)
    if name != "rules_beside_it_do_not_matter":
        assert labels(first, world) == labels(second, world)


def labels(evaluation: dq.Evaluation, world: World) -> list[str]:
    """The rows with their labels, rules told by their place, in one order."""
    places = {str(each.rule): str(at) for at, each in enumerate(evaluation.outcomes)}
    said = ["DataQualityRulesPass", "DataQualityRulesFail", "DataQualityRulesSkip"]
    rows = evaluation.rows().read_all().to_pylist()
    return sorted(
        shown([*(row[name] for name in world.primary.kinds), *([places[text] for text in row[name]] for name in said)])
        for row in rows
    )


RATIOS = {
    "Completeness", "IsComplete", "ColumnValues", "ColumnLength", "ColumnDataType", "DataFreshness", "ReferentialIntegrity",
    "Mean", "StandardDeviation", "Variance", "Range", "Skewness", "Kurtosis", "ColumnCorrelation", "Entropy",
    "DistinctValuesCount",
}  # fmt: skip
"""The rule types that do not see how often the table is repeated. Counts, sums and quartiles do, and so does uniqueness."""


@settings(max_examples=examples(4, small=2))
@given(data=st.data(), world=worlds())
def test_rows_that_come_twice_keep_the_ratios(data: st.DataObject, world: World) -> None:
    ruleset = [each for each in data.draw(rulesets(world)) if isinstance(each, Rule) and each.name in RATIOS]
    if not ruleset:
        return
    note(written(ruleset))
    MADE.update({"examples of laws": 1, **census(ruleset, world)})
    table = arrow(world.primary)
    once = as_it_is(world, ruleset)
    twice = replace(once, primary=pa.concat_tables([table, table]))
    for rule, first, second in zip(ruleset, once.answer().outcomes, twice.answer().outcomes, strict=True):
        if first.failing:
            first = replace(
                first, failing=replace(first.failing, count=2 * first.failing.count, total=2 * first.failing.total)
            )
        assert not list(alike(rule, world, first, second)), rule


NEW_NAMES = ["order id", "x.y", "Größe", "select", "it's", 'say "x"', "a-b", "日本", "A", "1", "primary", "where"]
NAMELESS = {"ColumnExists", "ColumnNamesMatchPattern", "SchemaMatch"}
"""Rule types whose verdict is about names."""


@settings(max_examples=examples(5, small=2))
@given(data=st.data(), world=worlds(names=["col_1", "col_2", "col_3", "col_4"]))
def test_the_names_of_columns_do_not_matter(data: st.DataObject, world: World) -> None:
    """Of one that has no special sign, and of one that has: only the metrics are named otherwise."""
    ruleset = [
        each
        for each in data.draw(rulesets(world))
        if not any(leaf.name in NAMELESS or leaf.spelling for leaf in leaves(each))
    ]
    names = [name for name in world.primary.kinds if name != "id"]
    chosen = data.draw(st.lists(st.sampled_from(NEW_NAMES), min_size=len(names), max_size=len(names), unique=True))
    new = dict(zip(names, chosen, strict=True))
    if not ruleset:
        return
    text = written(ruleset)
    MADE.update({"examples of laws": 1, **census(ruleset, world)})
    for name, other in new.items():
        spelled = other.replace('"', '\\"')
        text = text.replace(name, spelled).replace(name.upper(), spelled)
    note(text)
    renamed = [
        arrow(table).rename_columns([new.get(name.lower(), name) for name in table.kinds])
        for table in (world.primary, world.ref)
    ]
    first, second = as_it_is(world, ruleset).answer(), Asked(text, *renamed).answer()
    for rule, left, right in zip(ruleset, first.outcomes, second.outcomes, strict=True):
        metrics = dict(zip(left.metrics, right.metrics.values(), strict=True))
        assert not list(alike(rule, world, left, replace(right, metrics=metrics))), (rule, right.reason)


@settings(max_examples=examples(3, small=2))
@given(data=st.data(), world=worlds())
def test_a_split_parts_the_rows(data: st.DataObject, world: World) -> None:
    ruleset = data.draw(rulesets(world))
    note(written(ruleset))
    MADE.update({"examples of laws": 1, **census(ruleset, world)})
    evaluation = as_it_is(world, ruleset).answer()
    rows = evaluation.rows().read_all()
    parts = [reader.read_all() for reader in evaluation.split()]
    assert [
        set(part["DataQualityEvaluationResult"].to_pylist()) - {word}
        for part, word in zip(parts, ("Passed", "Failed"), strict=True)
    ] == [set(), set()]
    together = [shown(row.values()) for part in parts for row in part.to_pylist()]
    assert sorted(together) == sorted(shown(row.values()) for row in rows.to_pylist())
    assert all(part.schema == rows.schema for part in parts)
