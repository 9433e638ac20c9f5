"""The worked examples over several datasets: each rule with a `=>` has the verdict, and the number, that it says."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

import dq

EXAMPLES = Path(__file__).parent / "data" / "examples"
TYPES = {"int": pa.int32(), "string": pa.string(), "double": pa.float64(), "date": pa.date32()}


@cache
def tables() -> dict[str, pa.Table]:
    types = json.loads((EXAMPLES / "data" / "types.json").read_text())
    read = {alias: _table(alias, columns) for alias, columns in types.items()}
    return {**read, "same": read["primary"]}


def _table(alias: str, columns: dict[str, str]) -> pa.Table:
    rows = [json.loads(line) for line in (EXAMPLES / "data" / f"{alias}.jsonl").read_text("utf-8").splitlines()]
    arrays = []
    for name, kind in columns.items():
        values = pa.array([row.get(name) for row in rows], pa.string() if kind == "date" else TYPES[kind])
        arrays.append(values.cast(TYPES[kind]))
    return pa.table(arrays, names=list(columns))


EXPECTED = re.compile(r"#\s*=>\s*(Passed|Failed)\s*([0-9.]+)?")


@pytest.mark.parametrize(
    "name", ["AggregateMatch", "DatasetMatch", "ReferentialIntegrity", "RowCountMatch", "SchemaMatch"]
)
def test_an_example_has_the_verdict_that_stands_beside_it(name: str) -> None:
    text = (EXAMPLES / f"rule_{name}.dqdl").read_text("utf-8")
    lines = text.splitlines()
    said = 0
    for outcome in dq.evaluate(text, tables()).outcomes:
        expected = EXPECTED.search(lines[outcome.line - 1])
        if expected is None:
            assert outcome.verdict is not dq.Verdict.ERROR, outcome.reason
            continue
        said += 1
        assert outcome.verdict.value == expected[1].upper(), outcome
        if expected[2]:
            assert list(outcome.metrics.values()) == [pytest.approx(float(expected[2]), abs=5e-5)]
    assert said


@pytest.mark.parametrize(
    ("rule", "verdict", "value"),
    [
        ('ReferentialIntegrity "country" "countries.iso" >= 0.6', "PASSED", 4 / 6),
        ('ReferentialIntegrity "country" "countries.{iso}" = 1.0', "FAILED", 4 / 6),
        ('ReferentialIntegrity "id,email" "ref.{id,email}" = 0.5', "PASSED", 0.5),
        ('DatasetMatch "ref" "id" "email" >= 0.6', "PASSED", 4 / 6),
        ('DatasetMatch "ref" "id" "amount" = 1.0', "FAILED", 0.5),
        ('DatasetMatch "same" "id" = 1.0', "PASSED", 1.0),
        ('DatasetMatch "ref" "id" >= 0', "ERROR", None),
        ('SchemaMatch "same" = 1.0', "PASSED", 1.0),
        ('SchemaMatch "ref" > 0.4', "PASSED", 0.5),
        ('RowCountMatch "ref" >= 1.0', "PASSED", 1.2),
        ('RowCountMatch "ref" = 1.0', "FAILED", 1.2),
        ('RowCountMatch "same" = 1.0', "PASSED", 1.0),
        ('AggregateMatch "sum(amount)" "sum(ref.amount)" >= 0.9', "PASSED", 105 / 66),
        ('AggregateMatch "avg(amount)" "avg(ref.amount)" between 1 and 2', "PASSED", 21 / 16.5),
        ('AggregateMatch "sum(qty)" "sum(id)" = 1.0', "FAILED", 20 / 21),
    ],
)
def test_the_tables_of_the_reference_come_out(rule: str, verdict: str, value: float | None) -> None:
    (outcome,) = dq.evaluate(f"Rules = [ {rule} ]", tables()).outcomes
    assert outcome.verdict.value == verdict, outcome.reason
    assert list(outcome.metrics.values()) == ([] if value is None else [pytest.approx(value)])
