"""What tables in blocks on Ray are said to be is what the slow evaluator says."""

from __future__ import annotations

import pytest
import rays
from differential.comparing import evaluated, wrong_outcomes, wrong_rows, wrong_samples, wrong_statistics
from differential.oracle import World, outcome
from differential.worlds import analyzers, arrow, rulesets, worlds, written
from examples import examples
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st


@pytest.mark.ray
@settings(max_examples=examples(15, small=3, night=10), suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), worlds())
def test_verdicts_metrics_counts_and_rows(data: st.DataObject, world: World) -> None:
    ruleset, gathered = data.draw(rulesets(world)), data.draw(analyzers(world))
    note(written(ruleset, gathered))
    wanted = [outcome(rule, world) for rule in ruleset]
    primary, ref = (rays.in_blocks(arrow(each), blocks=3) for each in (world.primary, world.ref))
    found = evaluated(world, ruleset, primary, ref, analyzers=gathered)
    wrong = [
        *wrong_statistics(gathered, world, found),
        *wrong_outcomes(ruleset, wanted, found),
        *wrong_samples(world, wanted, found),
        *wrong_rows(world, wanted, found),
    ]
    assert not wrong, "\n".join(wrong[:20])
    assert found.engine == "ray"
