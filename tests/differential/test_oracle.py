"""What DuckDB says of generated rulesets over generated tables is what the slow evaluator says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from differential.census import census
from differential.comparing import (
    FORMS,
    evaluated,
    given_as,
    wrong_outcomes,
    wrong_rows,
    wrong_samples,
    wrong_statistics,
)
from differential.oracle import RULES, World, outcome
from differential.worlds import FAMILIES, analyzers, arrow, rulesets, worlds, written
from examples import MADE, examples
from hypothesis import given, note, settings
from hypothesis import strategies as st

from dq.rules.base import SIGNATURES


@settings(max_examples=examples(200, small=25, night=15))
@given(st.data(), worlds(), st.sampled_from(FORMS))
def test_verdicts_metrics_counts_and_rows(folder: Path, data: st.DataObject, world: World, form: str) -> None:
    ruleset, gathered = data.draw(rulesets(world)), data.draw(analyzers(world))
    note(written(ruleset, gathered))
    wanted = [outcome(rule, world) for rule in ruleset]
    MADE.update(census(ruleset, world, wanted, form) + Counter({"analyzers": len(gathered)}))
    primary, ref = (given_as(form, arrow(each), folder) for each in (world.primary, world.ref))
    found = evaluated(world, ruleset, primary, ref, analyzers=gathered)
    wrong = [
        *wrong_statistics(gathered, world, found),
        *wrong_outcomes(ruleset, wanted, found),
        *wrong_samples(world, wanted, found),
        *wrong_rows(world, wanted, found),
    ]
    assert not wrong, "\n".join(wrong[:20])


def test_every_measured_rule_type_is_written_twice() -> None:
    measured = {name for name, each in SIGNATURES.items() if each.rule and not each.reads_files} - {"DetectAnomalies"}
    assert measured == set(RULES) == set(FAMILIES)
