"""What the tests of this folder share: the forms in which a table is handed over, and how an evaluation differs."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from differential.oracle import NESTED, NOW, Composite, Expected, Rule, World, statistics
from differential.worlds import written
from sparks import dictionaries

import dq

NUMBERS = itertools.count()


def by_pyarrow(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, row_group_size=3)


def by_duckdb(table: pa.Table, path: Path) -> None:
    with duckdb.connect() as connection:
        connection.register("t", table)
        connection.execute(f"copy t to '{path}' (format parquet, row_group_size 2048)")


WRITERS = {"pyarrow": by_pyarrow, "duckdb": by_duckdb}


def as_polars(table: pa.Table) -> Any:
    import polars

    return polars.from_arrow(table)


def as_relation(table: pa.Table) -> Any:
    return duckdb.connect().from_arrow(table)


def as_dictionaries(table: pa.Table) -> pa.Table:
    """Texts by their place in a dictionary, in chunks of two rows."""
    columns = [each.dictionary_encode() if pa.types.is_string(each.type) else each for each in table.columns]
    encoded = pa.table(columns, table.column_names)
    return pa.Table.from_batches(encoded.to_batches(max_chunksize=2), encoded.schema)


IN_MEMORY = {
    "arrow": lambda table: table,
    "polars": as_polars,
    "relation": as_relation,
    "dictionaries": as_dictionaries,
}
FORMS = (*IN_MEMORY, *WRITERS)


def given_as(form: str, table: pa.Table, folder: Path) -> Any:
    """The table itself, or a file that holds it."""
    if form in IN_MEMORY:
        return IN_MEMORY[form](table)
    path = folder / f"{next(NUMBERS)}.parquet"
    WRITERS[form](table, path)
    return path


def near(found: float, wanted: float) -> bool:
    return (math.isnan(found) and math.isnan(wanted)) or math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


def shown(values: Iterable[Any]) -> str:
    """The values of a row, comparable: NaN is equal to itself and -0.0 is another zero."""
    return repr(
        [value.astimezone(dt.UTC) if isinstance(value, dt.datetime) and value.tzinfo else value for value in values]
    )


Ruleset = Sequence[Rule | Composite]
SAMPLES = 3


def evaluated(
    world: World, ruleset: Ruleset, primary: Any, ref: Any, *, analyzers: Sequence[Rule] = (), **options: Any
) -> dq.Evaluation:
    """The ruleset as the world says, with further options."""
    said = {
        "samples": SAMPLES,
        "now": NOW,
        "composites": "row" if world.by_row else "column",
        "filtered_rows": "skipped" if world.skip_filtered else "passed",
        "fail_empty_scope": world.fail_empty_scope,
    }
    return dq.evaluate(
        written(ruleset, analyzers), {"primary": primary, "ref": ref}, options=dq.Options(**{**said, **options})
    )


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


AS_TEXT = {"tz", "paris", *NESTED}
"""Kinds of which a sample shows the text."""


def strange_samples(world: World, expected: Expected, found: dq.Outcome) -> Iterator[str]:
    """What is shown as text is not compared."""
    if found.failing is None or expected.failing is None or found.verdict is not dq.Verdict.FAILED:
        return
    if len(found.failing.sample) != min(SAMPLES, expected.failing[0]):
        yield f"{len(found.failing.sample)} samples of {expected.failing[0]} failing rows"
    names = [name for name in found.failing.columns if world.primary.kinds[name] not in AS_TEXT]
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


def wrong_outcomes(ruleset: Ruleset, wanted: Sequence[Expected], found: dq.Evaluation) -> list[str]:
    """What each rule should have said and did not."""
    return [
        f"{rule}: {difference}"
        for rule, expected, each in zip(ruleset, wanted, found.outcomes, strict=True)
        for difference in differences(expected, each)
    ]


def wrong_samples(world: World, wanted: Sequence[Expected], found: dq.Evaluation) -> list[str]:
    """Samples that are no failing rows, or too few of them."""
    return [
        f"{each.rule}: {difference}"
        for expected, each in zip(wanted, found.outcomes, strict=True)
        for difference in strange_samples(world, expected, each)
    ]


def wrong_statistics(analyzers: Sequence[Rule], world: World, found: dq.Evaluation) -> list[str]:
    """What each analyzer should have gathered and did not: the metrics of a rule, an error where that would be one."""
    return [
        f"{analyzer}: {difference}"
        for analyzer in analyzers
        for difference in strange_statistics(
            statistics(analyzer, world), [each for each in found.statistics if str(each.analyzer) == str(analyzer)]
        )
    ]


def strange_statistics(expected: Expected, found: Sequence[dq.Statistic]) -> Iterator[str]:
    if any(each.error for each in found) != (expected.verdicts == {"ERROR"}):
        yield f"{[each.reason for each in found]}, expected {expected.verdicts}"
    values = {each.name: each.value for each in found if isinstance(each.value, int | float)}
    if set(values) != set(expected.metrics):
        yield f"statistics {sorted(values)}, expected {sorted(expected.metrics)}"
    for name in set(values) & set(expected.metrics):
        if not any(near(values[name], wanted) for wanted in expected.metrics[name]):
            yield f"{name} is {values[name]}, expected {expected.metrics[name]}"


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
    there = Counter(shown(row.values()) for row in dictionaries(found.rows()))
    return [
        f"row {row}: {word}"
        for word, rows in (("unexpected", there - expected), ("missing", expected - there))
        for row in rows
    ]
