"""What DuckDB says of generated rulesets over generated tables is what the slow evaluator says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from differential.comparing import FORMS, given_as, near, shown
from differential.oracle import NOW, Composite, Expected, Rule, World, outcome
from differential.worlds import arrow, count, rulesets, worlds, written
from examples import MADE, examples
from hypothesis import given, note, settings
from hypothesis import strategies as st

import dq


def evaluated(world: World, ruleset: Sequence[Rule | Composite], primary: Any, ref: Any) -> dq.Evaluation:
    options = dq.Options(
        samples=SAMPLES,
        now=NOW,
        composites="row" if world.by_row else "column",
        filtered_rows="skipped" if world.skip_filtered else "passed",
        fail_empty_scope=world.fail_empty_scope,
    )
    return dq.evaluate(written(ruleset), {"primary": primary, "ref": ref}, options=options)


def differences(expected: Expected, found: dq.Outcome) -> Iterator[str]:
    """What an outcome should have said and did not."""
    if found.verdict.value not in expected.verdicts:
        yield f"{found.verdict.value} ({found.reason}), expected {', '.join(sorted(expected.verdicts))}"
    if set(found.metrics) != set(expected.metrics):
        yield f"metrics {sorted(found.metrics)}, expected {sorted(expected.metrics)}"
    for name in set(found.metrics) & set(expected.metrics):
        if not any(near(found.metrics[name], wanted) for wanted in expected.metrics[name]):
            yield f"{name} is {found.metrics[name]}, expected {expected.metrics[name]}"
    failing = found.failing and (found.failing.count, found.failing.total)
    if failing != expected.failing:
        yield f"failing rows {failing}, expected {expected.failing}"


SAMPLES = 3


def wrong_samples(world: World, expected: Expected, found: dq.Outcome) -> Iterator[str]:
    """Samples that are no failing rows, or too few of them; a time with a zone is shown as text and not compared."""
    if found.failing is None or expected.failing is None or found.verdict is not dq.Verdict.FAILED:
        return
    if len(found.failing.sample) != min(SAMPLES, expected.failing[0]):
        yield f"{len(found.failing.sample)} samples of {expected.failing[0]} failing rows"
    names = [name for name in found.failing.columns if world.primary.kinds[name] != "tz"]
    labels = expected.labels or ()
    fails = {
        shown(row[name] for name in names)
        for row, label in zip(world.primary.rows, labels, strict=True)
        if label is False
    }
    for sample in found.failing.sample:
        row = dict(zip(found.failing.columns, sample, strict=True))
        if shown(row[name] for name in names) not in fails:
            yield f"{row} is a sample, and does not fail"


def wrong_outcomes(
    world: World, ruleset: Sequence[Rule | Composite], wanted: Sequence[Expected], found: dq.Evaluation
) -> list[str]:
    return [
        f"{rule}: {difference}"
        for rule, expected, each in zip(ruleset, wanted, found.outcomes, strict=True)
        for difference in (*differences(expected, each), *wrong_samples(world, expected, each))
    ]


COLUMNS = {"DataQualityRulesPass": True, "DataQualityRulesFail": False, "DataQualityRulesSkip": None}


def wrong_rows(world: World, wanted: Sequence[Expected], found: dq.Evaluation) -> list[str]:
    """Rows whose values or labels are not what they should be; Parquet is read by several threads, in no one order."""
    texts = [str(each.rule) for each in found.outcomes]
    expected: Counter[str] = Counter()
    for at, row in enumerate(world.primary.rows):
        labels = [None if each.labels is None else each.labels[at] for each in wanted]
        said = [
            [text for text, label in zip(texts, labels, strict=True) if label is each] for each in (True, False, None)
        ]
        expected[shown((*row.values(), *said, "Failed" if False in labels else "Passed"))] += 1
    labelled = found.rows().read_all().to_pylist()
    there = Counter(shown(row.values()) for row in labelled)
    return [
        f"row {row}: {word}"
        for word, rows in (("unexpected", there - expected), ("missing", expected - there))
        for row in rows
    ]


@settings(max_examples=examples(150, small=40))
@given(st.data(), worlds(), st.sampled_from(FORMS))
def test_verdicts_metrics_counts_and_rows(folder: Path, data: st.DataObject, world: World, form: str) -> None:
    ruleset = data.draw(rulesets(world))
    note(written(ruleset))
    MADE.update({"rulesets": 1, "rules": count(ruleset)})
    wanted = [outcome(rule, world) for rule in ruleset]
    primary, ref = (given_as(form, arrow(each), folder) for each in (world.primary, world.ref))
    found = evaluated(world, ruleset, primary, ref)
    wrong = [*wrong_outcomes(world, ruleset, wanted, found), *wrong_rows(world, wanted, found)]
    assert not wrong, "\n".join(wrong[:20])
