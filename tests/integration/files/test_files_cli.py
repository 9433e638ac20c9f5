"""File rules on the command line: data or none, allowed paths, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DQ = Path(sys.executable).parent / "dq"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DQ, *arguments], cwd=folder, capture_output=True, encoding="utf-8", timeout=120, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("work/data/a.csv", "data/a.csv", "secret/key"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("id\n1\n")
    (tmp_path / "work" / "link").symlink_to(tmp_path / "secret")
    return tmp_path / "work"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (['--rule=FileSize "data/" > 0 B'], 0, "1 of 1"),
        (['--rule=FileSize "data/" > 1 KB'], 1, "1 of 1 file fails, expected > 1 KB: `a.csv` (5 B)"),
        (["--rule=FileSize > 0 B"], 3, "names no path"),
        (["--rule=FileSize > 0 B", "data/a.csv"], 0, "1 of 1"),
        (["--rule=FileSize > 0 B", "--rule=RowCount = 1"], 2, "no data: only rules about files can do without"),
        (['--rule=FileSize "../data/" > 0 B'], 3, "it may, allow it: --allow-path"),
        (['--rule=FileSize "../data/" > 0 B', "../data"], 0, "1 of 1"),
        (['--rule=FileSize "../data/" > 0 B', "../data/a.csv"], 0, "1 of 1"),
        (['--rule=FileSize "../data/" > 0 B', "--allow-path=../data"], 0, "1 of 1"),
        (['--rule=FileSize "link/" > 0 B'], 3, "it may, allow it: --allow-path"),
        (['--rule=FileSize "link/key" > 0 B', "--allow-path", "../secret", "--allow-path=s3://b"], 0, "1 of 1"),
        (['--rule=FileSize "s3://b/x" > 0 B'], 3, "--allow-path s3://b"),
        (['--rule=FileSize "data/" > 0 B', "--allow-path="], 2, "a path to allow: the path is empty"),
        (['--rule=FileMatch "data" "../data/a.csv"'], 3, "may not read"),
    ],
)
def test_evaluate(folder: Path, arguments: list[str], code: int, words: str) -> None:
    done = run(folder, "evaluate", *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stdout + done.stderr
    assert words in " ".join((done.stdout + done.stderr).split())


def test_explain_needs_no_data_either(folder: Path) -> None:
    rules = ['--rule=FileUniqueness "data/" = 1.0', "--rule=FileSize > 0 B"]
    done = run(folder, "explain", *rules, "--sql")
    assert done.returncode == 0, done.stderr
    assert "scan 1  list files below data/, hash them with SHA-256, 1 rule" in done.stdout
    plan = json.loads(run(folder, "explain", *rules, "--format", "json").stdout)
    assert [(scan["kind"], scan["sql"]) for scan in plan["scans"]][1] == ("list the files of primary", "")
    without = run(folder, "explain", "--rule=RowCount > 0")
    assert (without.returncode, "no data" in without.stderr) == (2, True)
    alias = run(folder, "explain", "--rule=RowCount > 0", "--data", "other=data/a.csv")
    assert (alias.returncode, "no table has the alias `primary`" in alias.stderr) == (2, True)


def test_a_report_holds_the_metrics(folder: Path) -> None:
    done = run(folder, "evaluate", '--rule=FileSize "data/" > 0 B', "--format", "json")
    report = json.loads(done.stdout)
    assert report["tables"] == []
    assert report["outcomes"][0]["metrics"] == {
        "Dataset.*.FileSize.Compliance": 1,
        "Dataset.*.FileCount": 1,
        "Dataset.*.MinimumFileSize": 5,
        "Dataset.*.MaximumFileSize": 5,
    }
