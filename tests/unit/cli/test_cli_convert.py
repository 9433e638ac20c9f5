"""`dq convert`: both ways, what is told on standard error, exit codes; and a suite where a ruleset can stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

EXACT = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}}
LOST = {"type": "expect_column_values_to_be_increasing", "kwargs": {"column": "id"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, expectations in (("exact", [EXACT]), ("lossy", [EXACT, LOST]), ("lost", [LOST])):
        suite = {"name": name, "expectations": expectations}
        (tmp_path / f"{name}.json").write_text(json.dumps(suite), encoding="utf-8")
    (tmp_path / "rules.dqdl").write_text('Rules = [ IsComplete "id" ]\n')
    (tmp_path / "broken.dqdl").write_text("Rules = [ IsComplete ]\n")
    (tmp_path / "torn.json").write_text('{"expectations": [')
    (tmp_path / "data.json").write_text('{"id": 1}\n{"id": null}\n')
    (tmp_path / "ids.csv").write_text("id\n1\n2\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["exact.json"], 0, "1 exact, 0 approximate, 0 lost"),
        (["lossy.json"], 1, "the rows of a table have no order"),
        (["lost.json"], 2, "no expectation of the suite has a rule"),
        (["rules.dqdl"], 0, "1 exact"),
        (["rules.dqdl", "--to", "gx"], 0, "1 exact"),
        (["rules.dqdl", "--to", "dqdl"], 2, "is DQDL already"),
        (["exact.json", "--to", "gx"], 2, "is a suite already"),
        (["broken.dqdl"], 2, "IsComplete"),
        (["torn.json"], 2, "is not JSON"),
        (["nowhere.json"], 2, "no such file"),
        (["exact.json", "-o", "no/where.dqdl"], 2, "cannot write"),
    ],
)
def test_exit_codes_and_messages(folder: Path, arguments: list[str], code: int, words: str, dq: Any) -> None:
    done = dq("convert", *arguments, cwd=folder)
    assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr


def test_a_suite_becomes_a_ruleset_and_a_suite_again(folder: Path, dq: Any) -> None:
    assert dq("convert", "lossy.json", "-o", "made.dqdl", cwd=folder).returncode == 1
    assert dq("lint", "--strict", "made.dqdl", cwd=folder).returncode == 0
    assert dq("fmt", "--check", "made.dqdl", cwd=folder).returncode == 0
    done = dq("convert", "made.dqdl", "--name", "orders", cwd=folder)
    suite = json.loads(done.stdout)
    assert (done.returncode, suite["name"]) == (0, "orders")
    assert [{"type": each["type"], "kwargs": each["kwargs"]} for each in suite["expectations"]] == [EXACT]


def test_the_report_as_json_tells_of_everything(folder: Path, dq: Any) -> None:
    report = json.loads(dq("convert", "lossy.json", "--report", "json", cwd=folder).stderr)
    assert report["counts"] == {"exact": 1, "approximate": 0, "lost": 1}
    assert [each["fidelity"] for each in report["conversions"]] == ["exact", "lost"]
    assert dq("convert", "lossy.json", "--report", "none", cwd=folder).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["evaluate", "exact.json", "ids.csv"], 0, "1 of 1 rule passed"),
        (["evaluate", "exact.json", "data.json"], 1, "1 of 2 rows"),
        (["evaluate", "exact.json", "--data", "ids.csv"], 0, "1 of 1 rule passed"),
        (["evaluate", "lossy.json", "ids.csv"], 3, "the expectation has no rule"),
        (["evaluate", "lost.json", "ids.csv"], 3, "the expectation has no rule"),
        (["evaluate", "exact.json"], 2, "name DATA"),
        (["evaluate", "ids.csv", "exact.json"], 2, "the ruleset comes first"),
        (["evaluate", "torn.json", "ids.csv"], 2, "is not JSON"),
        (["explain", "exact.json", "ids.csv"], 0, "1 scan"),
    ],
)
def test_a_suite_stands_where_a_ruleset_can(folder: Path, arguments: list[str], code: int, words: str, dq: Any) -> None:
    done = dq(*arguments, cwd=folder)
    assert (done.returncode, words in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_suite_from_standard_input_and_results_in_the_form_of_gx(folder: Path, dq: Any) -> None:
    suite = (folder / "exact.json").read_text()
    done = dq("evaluate", "-", "ids.csv", "--format", "gx", "-o", "x.gx.json", cwd=folder, input=suite)
    assert (done.returncode, done.stdout) == (0, "")
    found = json.loads((folder / "x.gx.json").read_text())
    assert (found["success"], found["suite_name"]) == (True, "exact")
    assert found["results"][0]["result"]["element_count"] == 2
    (folder / "dq.toml").write_text('[check.a]\nruleset = "rules.dqdl"\ntable = "ids.csv"\n')
    refused = dq("evaluate", "--format", "gx", cwd=folder)
    assert (refused.returncode, "is for one evaluation" in refused.stderr) == (2, True)


def test_none_of_it_imports_great_expectations(folder: Path, dq: Any) -> None:
    import subprocess
    import sys

    program = "import sys; from dq.cli import run; run(sys.argv[1:]); print('great_expectations' in sys.modules)"
    for arguments in (["convert", "exact.json"], ["evaluate", "exact.json", "ids.csv", "--format", "gx"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout.splitlines()[-1] == "False"
