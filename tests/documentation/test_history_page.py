"""docs/history.md: its days are run, its rules judged, its statistics gathered, its file read."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
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


def without_time(text: str) -> str:
    return re.sub(r"\d[\d.]* m?s ·", "TIME ·", text).strip()


def test_its_commands_print_what_it_shows_and_its_program_runs(tmp_path: Path) -> None:
    pages.write_files(PAGE, tmp_path)
    shown = re.findall(r"```console\n\$ (.*?)\n(.*?)```", PAGE, re.DOTALL)
    for command, output in shown:
        program, *arguments = shlex.split(command)
        done = subprocess.run(
            [Path(sys.executable).parent / program, *arguments],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert without_time(done.stdout) == without_time(output), done.stderr
    (program,) = re.findall(r"<!-- run -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, timeout=60, check=True)
    assert len((tmp_path / "orders.jsonl").read_text().splitlines()) == len(shown) == 2


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
