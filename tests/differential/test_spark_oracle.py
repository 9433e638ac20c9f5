"""What DataFrames of Spark are said to be is what the slow evaluator says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import sparks
from differential.comparing import evaluated, wrong_outcomes, wrong_rows, wrong_samples, wrong_statistics
from differential.oracle import Table, World, leaves, outcome
from differential.worlds import analyzers, arrow, rulesets, worlds, written
from examples import MADE, examples
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

STORED: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "u8": ("i16", int),
    "u16": ("i32", int),
    "u32": ("i64", int),
    "u64": ("i64", lambda value: min(value, 2**63 - 1)),
}
"""What stands for kinds that Spark does not have."""


def storable(table: Table) -> Table:
    """The table in kinds that Spark has."""
    stored = STORED if sparks.has_times() else {**STORED, "time": ("text", str)}
    changed = {name: stored[kind] for name, kind in table.kinds.items() if kind in stored}
    kinds = {name: changed[name][0] if name in changed else kind for name, kind in table.kinds.items()}

    def held(name: str, value: Any) -> Any:
        return value if value is None or name not in changed else changed[name][1](value)

    return Table(kinds, tuple({name: held(name, value) for name, value in row.items()} for row in table.rows))


def on_spark(world: World) -> World:
    """The world in kinds that Spark has."""
    return replace(world, primary=storable(world.primary), ref=storable(world.ref))


WITHOUT_SHRINKING = set(Phase) - {Phase.shrink, Phase.explain}
"""A world takes a second: making it smaller takes minutes."""


@pytest.mark.spark
@settings(
    max_examples=examples(5, small=3, night=30), suppress_health_check=[HealthCheck.too_slow], phases=WITHOUT_SHRINKING
)
@given(st.data(), worlds().map(on_spark))
def test_verdicts_metrics_counts_and_rows(data: st.DataObject, world: World) -> None:
    ruleset, gathered = data.draw(rulesets(world)), data.draw(analyzers(world))
    note(written(ruleset, gathered))
    MADE.update({"rulesets on Spark": 1, "rules on Spark": sum(len(leaves(each)) for each in ruleset)})
    wanted = [outcome(rule, world) for rule in ruleset]
    primary, ref = (sparks.frame(arrow(each)) for each in (world.primary, world.ref))
    found = evaluated(world, ruleset, primary, ref, analyzers=gathered)
    wrong = [
        *wrong_statistics(gathered, world, found),
        *wrong_outcomes(ruleset, wanted, found),
        *wrong_samples(world, wanted, found),
        *wrong_rows(world, wanted, found),
    ]
    assert not wrong, "\n".join(wrong[:20])
    assert found.engine == "spark"
