"""docs/history.md: its rules judged, its statistics gathered, its file read."""

from __future__ import annotations

from pathlib import Path

import pages
import pyarrow as pa
import pytest
from remembered import NOW, remembered

import dq
from dq.history import JsonLinesHistory, Series

PAGE = pages.read("history.md")
DYNAMIC = pages.tables(PAGE, "rule", "evaluated", "verdict")
ANOMALIES = pages.tables(PAGE, "newest values", "value", "verdict")
ANALYZERS = pages.tables(PAGE, "analyzer", "statistics")


def test_its_functions_come_to_what_it_tells() -> None:
    history = remembered("Dataset.*.RowCount", [110, 100, 90, 120])
    options = dq.Options(history=history, dataset="t", now=NOW)
    rules = ", ".join(rule for rule, *_ in DYNAMIC)
    outcomes = dq.evaluate(f"Rules = [ {rules} ]", pa.table({"id": range(95)}), options=options).outcomes
    found = [[rule[0], str(each.evaluated), each.verdict.value] for rule, each in zip(DYNAMIC, outcomes, strict=True)]
    assert found == DYNAMIC


@pytest.mark.parametrize(("values", "value", "verdict"), ANOMALIES, ids=[" ".join(each) for each in ANOMALIES])
def test_its_anomalies_are_judged_as_it_tells(values: str, value: str, verdict: str) -> None:
    history = remembered("Dataset.*.RowCount", [float(each) for each in values.split(", ")])
    options = dq.Options(history=history, dataset="t", now=NOW)
    data = pa.table({"id": range(int(value))})
    (outcome,) = dq.evaluate('Rules = [ DetectAnomalies "RowCount" ]', data, options=options).outcomes
    assert outcome.verdict.value == verdict


@pytest.mark.parametrize(("analyzer", "names"), ANALYZERS, ids=[each[0] for each in ANALYZERS])
def test_its_analyzers_gather_what_it_tells(analyzer: str, names: str, tmp_path: Path) -> None:
    pages.write_files(PAGE, tmp_path)
    statistics = dq.evaluate(f"Analyzers = [ {analyzer} ]", tmp_path / "monday.csv").statistics
    assert [each.name for each in statistics if each.value is not None] == [
        each.strip("`") for each in names.split(", ")
    ]


def test_its_line_is_history(tmp_path: Path) -> None:
    (line,) = pages.blocks(PAGE, "json")
    (tmp_path / "history.jsonl").write_text(line)
    series = Series("orders", "default_context", "Column.amount.Mean")
    assert JsonLinesHistory(tmp_path / "history.jsonl").read({series: None}, NOW.replace(year=2030)).values(series) == (
        25,
    )


def test_every_table_of_examples_is_found() -> None:
    assert min(map(len, (DYNAMIC, ANOMALIES, ANALYZERS))) > 5
