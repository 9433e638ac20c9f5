"""Rules that compare with earlier runs: the operands come to what the slow evaluator measures of the earlier tables."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from differential.census import census
from differential.comparing import NUMBERS, evaluated, wrong_outcomes
from differential.oracle import ERROR, NOW, STATISTICS, Condition, Expected, Rule, World, one, outcome
from differential.worlds import FAMILIES, NEEDED, ORDERED, arrow, tables, worlds, written
from examples import MADE, examples
from hypothesis import given, note, settings
from hypothesis import strategies as st

DYNAMIC = (
    "RowCount", "ColumnCount", "Completeness", "Uniqueness", "UniqueValueRatio", "DistinctValuesCount", "Entropy",
    "ColumnCorrelation", "ReferentialIntegrity", "RowCountMatch", *STATISTICS,
)  # fmt: skip
"""Rule types whose condition may look back (D.2)."""

History = Sequence[float]
"""The values of a metric, newest first; 0 where there is none (D.3)."""


@dataclass(frozen=True)
class Function:
    """What an operand comes to; None where it is an error."""

    text: str
    means: Callable[[History], float | None]

    def __str__(self) -> str:
        return self.text


AGGREGATES: dict[str, Callable[[History], float]] = {
    "avg": statistics.fmean, "median": statistics.median, "max": max, "min": min, "sum": math.fsum, "std": statistics.pstdev,
}  # fmt: skip


def functions() -> st.SearchStrategy[Function]:
    def of_last(name: str, size: int, factor: str) -> Function:
        means = AGGREGATES[name]
        if factor:
            return Function(f"({name}(last({size})) * {factor})", lambda held: means(held[:size]) * float(factor))
        return Function(f"{name}(last({size}))", lambda held: means(held[:size]))

    def at(size: int, index: int) -> Function:
        return Function(f"index(last({size}), {index})", lambda held: dict(enumerate(held[:size])).get(index))

    sizes = st.integers(1, 4)
    return st.one_of(
        st.sampled_from(
            [
                Function("last()", lambda held: held[0]),
                Function("last(1)", lambda held: held[0]),
                Function("abs(last())", lambda held: abs(held[0])),
            ]
        ),
        st.builds(of_last, st.sampled_from(sorted(AGGREGATES)), sizes, st.sampled_from(["", "", "0.5", "2"])),
        st.builds(at, sizes, st.integers(0, 2)),
    )


@st.composite
def dynamic_rules(draw: st.DrawFn, world: World) -> Rule:
    there = set(world.primary.kinds.values())
    name = draw(st.sampled_from([each for each in DYNAMIC if NEEDED.get(each, there) & there]))
    rule = draw(FAMILIES[name](world, name))
    operator = draw(st.sampled_from(ORDERED))
    size = 2 if operator.endswith("between") else 1
    return replace(rule, condition=Condition(operator, tuple(draw(functions()) for _ in range(size))))


@st.composite
def earlier_tables(draw: st.DrawFn, world: World) -> list[World]:
    """The same columns in up to three earlier runs, the newest last."""
    numbered = "id" in world.primary.kinds
    kinds = {name: kind for name, kind in world.primary.kinds.items() if name != "id"}
    drawn = draw(st.lists(tables([*kinds], [*kinds.values()], numbered=numbered), max_size=3))
    return [replace(world, primary=each) for each in drawn]


def measured(rule: Rule, world: World) -> list[float]:
    """What a run stores of a rule: its number, if it is finite."""
    found = outcome(replace(rule, condition=Condition(">", (0,))), world).metrics
    return [value for values in found.values() for value in values if math.isfinite(value)]


def expected(rule: Rule, world: World, history: History) -> Expected:
    """The outcome against what the functions come to; either verdict where rounding can decide.

    A function without a number is an error as soon as there is a metric to compare it with.
    """
    assert rule.condition
    operands: list[Any] = [each.means(history or [0.0]) for each in rule.condition.operands]
    if None in operands:
        found = outcome(replace(rule, condition=Condition(">", (0,))), world)
        return replace(found, verdicts=one(ERROR)) if found.metrics else found
    moved = [[each + by * max(abs(each), 1e-3) for each in operands] for by in (0, 1e-9, -1e-9)]
    tried = [outcome(replace(rule, condition=replace(rule.condition, operands=tuple(each))), world) for each in moved]
    return replace(tried[0], verdicts=frozenset().union(*(each.verdicts for each in tried)))


@settings(max_examples=examples(10, small=3))
@given(st.data(), worlds())
def test_operands_come_to_what_earlier_runs_measured(folder: Path, data: st.DataObject, world: World) -> None:
    ruleset = data.draw(st.lists(dynamic_rules(world), min_size=1, max_size=8))
    runs = [*data.draw(earlier_tables(world)), world]
    note(written(ruleset))
    options = {"history": folder / f"history-{next(NUMBERS)}.jsonl", "dataset": "of the test"}
    for at, run in enumerate(runs):
        now = NOW + dt.timedelta(milliseconds=at - len(runs) + 1)
        found = evaluated(run, ruleset, arrow(run.primary), arrow(run.ref), now=now, **options)
    newest_first = runs[-2::-1]
    wanted = [
        expected(rule, world, [value for each in newest_first for value in measured(rule, each)]) for rule in ruleset
    ]
    MADE.update({"dynamic rulesets": 1, "dynamic rules": len(ruleset), **census(ruleset, world, wanted)})
    wrong = wrong_outcomes(ruleset, wanted, found)
    assert not wrong, "\n".join(wrong)
