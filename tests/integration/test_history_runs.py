"""History as a user meets it: three runs of the command, two at once, and files that are none."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from remembered import EXAMPLES, NOW, TABLES
from report_schema import assert_valid_report

import dq
from dq.history import JsonLinesHistory, Series

DQ = Path(sys.executable).parent / "dq"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [DQ, "evaluate", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=120, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.dqdl").write_text(
        'Rules = [ RowCount >= avg(last(10)), DetectAnomalies "RowCount" ]\nAnalyzers = [ Mean "id" ]\n'
    )
    return tmp_path


def day(folder: Path, number: int, rows: int, *more: str) -> tuple[int, dict[str, object]]:
    """One run of one day."""
    (folder / "orders.csv").write_text("id\n" + "".join(f"{at}\n" for at in range(rows)))
    now = f"2026-01-{number:02}T06:00:00Z"
    words = ("rules.dqdl", "orders.csv", "--history", "history.jsonl", "--now", now, "--format", "json", *more)
    done = run(folder, *words)
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert_valid_report(report)
    return done.returncode, report


def test_three_runs_and_a_day_that_is_off(folder: Path) -> None:
    found = []
    for number, rows in enumerate((100, 104, 102, 3), start=1):
        code, report = day(folder, number, rows)
        outcomes = report["outcomes"]
        assert isinstance(outcomes, list)
        found.append(
            (code, outcomes[0]["evaluated"], [each["verdict"] for each in outcomes], len(outcomes[1]["notes"]))
        )
    assert found == [
        (0, "RowCount >= 0.0", ["PASSED", "PASSED"], 1),
        (0, "RowCount >= 100.0", ["PASSED", "PASSED"], 1),
        (0, "RowCount >= 102.0", ["PASSED", "PASSED"], 1),
        (1, "RowCount >= 102.0", ["FAILED", "FAILED"], 0),
    ]
    assert len((folder / "history.jsonl").read_text().splitlines()) == 4


def test_a_cold_start_fails_on_request_and_contexts_are_apart(folder: Path) -> None:
    assert day(folder, 1, 10)[0] == 0
    assert day(folder, 2, 10, "--fail-cold-start")[0] == 1, "the anomaly has two values only"
    code, report = day(folder, 3, 10, "--context", "nightly", "--fail-cold-start")
    assert code == 1
    assert "no earlier run" in json.dumps(report["outcomes"])
    assert "cold start" in str(report["notes"])
    code, report = day(folder, 4, 10, "--dataset", "another")
    assert "cold start: 2 rules" in str(report["notes"])


def test_without_history_the_text_tells_so(folder: Path) -> None:
    (folder / "orders.csv").write_text("id\n1\n")
    done = run(folder, "rules.dqdl", "orders.csv")
    assert done.returncode == 0
    assert "cold start: 2 rules found too little history" in done.stdout
    assert "evaluated: RowCount >= 0.0" in done.stdout
    assert "no history: none is kept in this evaluation" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("orders.csv", "`orders.csv` is no history: line 1 is not a run that dq has stored"),
        (".", "is a directory"),
        ("nowhere/history.jsonl", "cannot be written: No such file or directory"),
    ],
)
def test_what_is_no_history_is_told_and_left_alone(folder: Path, file: str, words: str) -> None:
    (folder / "orders.csv").write_text("id\n1\n")
    done = run(folder, "rules.dqdl", "orders.csv", "--history", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "orders.csv").read_text() == "id\n1\n"


WRITER = """
import sys
from datetime import UTC, datetime
from dq.history import JsonLinesHistory, Run, Series
history = JsonLinesHistory(sys.argv[1])
wide = {Series("t", "c", f"Column.{sys.argv[2]}{at}.Mean"): float(at) for at in range(300)}
print("ready", flush=True)
sys.stdin.read()
for at in range(60):
    history.append(Run(f"{sys.argv[2]} {at}", datetime.now(UTC), wide))
    history.read(dict.fromkeys(wide), datetime.now(UTC)).notes == () or sys.exit("a torn line was seen")
"""


def test_two_processes_append_at_once(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.close()
        writer.stdin = None
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors
    wanted = {Series("t", "c", f"Column.{name}299.Mean"): None for name in "ab"}
    found = JsonLinesHistory(file).read(wanted, NOW.replace(year=2999))
    assert [len(found.values(series)) for series in wanted] == [60, 60]
    assert len(file.read_bytes().splitlines()) == 120


SIMPLE = ["PASSED"] * 3
DYNAMIC: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "dynamic_last": (SIMPLE, ["PASSED", "FAILED", "PASSED"]),
    "dynamic_index": (["ERROR", "ERROR"], ["ERROR", "ERROR"]),
    "dynamic_aggregates": (
        ["PASSED", "PASSED", "FAILED", "PASSED", "FAILED", "FAILED"],
        ["FAILED", "FAILED", "PASSED", "PASSED", "FAILED", "FAILED"],
    ),
    "dynamic_arithmetic": (["FAILED", "PASSED", "FAILED", "FAILED"], ["PASSED", "PASSED", "FAILED", "PASSED"]),
    "dynamic_threshold": (["PASSED", "PASSED"], ["PASSED", "PASSED"]),
    "rule_DetectAnomalies": (SIMPLE, SIMPLE),
}
"""The verdicts of the examples on the same data twice: without history, and with one earlier run."""


@pytest.mark.parametrize("name", DYNAMIC)
def test_the_examples_of_the_language(name: str, tmp_path: Path) -> None:
    options = dq.Options(history=tmp_path / "history.jsonl", now=NOW)
    found = []
    for _ in range(2):
        evaluation = dq.evaluate(EXAMPLES / f"{name}.dqdl", TABLES, options=options)
        assert_valid_report(evaluation.to_dict())
        found.append([each.verdict.value for each in evaluation.outcomes])
    assert tuple(found) == DYNAMIC[name]


@pytest.mark.parametrize(
    "name", ["analyzers_all_kinds", "document_analyzers_only", "document_empty_rules_with_analyzers"]
)
def test_the_examples_with_analyzers(name: str) -> None:
    evaluation = dq.evaluate(EXAMPLES / f"{name}.dqdl", TABLES)
    assert evaluation.exit_code == 0
    assert all(each.value is not None for each in evaluation.statistics)
