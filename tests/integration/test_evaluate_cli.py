"""`dq evaluate` and `dq explain` as a user runs them: exit codes, messages, no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from report_schema import assert_valid_report

DQ = Path(sys.executable).parent / "dq"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DQ, *arguments], cwd=folder, capture_output=True, encoding="utf-8", timeout=120, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"id": [1, 2, 2], "email": ["a", None, "c"]}), tmp_path / "orders.parquet")
    pq.write_table(
        pa.table({"id": pa.array([], pa.int64()), "email": pa.array([], pa.string())}), tmp_path / "empty.parquet"
    )
    pq.write_table(pa.table({f"c{at}": [at] for at in range(10_000)}), tmp_path / "wide.parquet")
    (tmp_path / "nested.parquet").write_bytes(b"")
    pq.write_table(pa.table({"tags": [[1], [2]]}), tmp_path / "nested.parquet")
    (tmp_path / "torn.parquet").write_bytes((tmp_path / "orders.parquet").read_bytes()[:200])
    (tmp_path / "text.parquet").write_text("id,email\n1,a\n")
    (tmp_path / "latin.csv").write_bytes("id,name\n1,Zoë\n".encode("latin-1"))
    (tmp_path / "late.csv").write_text("id,n\n" + "".join(f"{at},{at}\n" for at in range(60_000)) + "60000,unknown\n")
    (tmp_path / "ok.dqdl").write_text("Rules = [ RowCount > 0 ]\n")
    return tmp_path


@pytest.mark.parametrize(
    ("rules", "data", "code", "words"),
    [
        (["RowCount = 3"], "orders.parquet", 0, "1 of 1"),
        (['IsUnique "id"'], "orders.parquet", 1, "FAILED"),
        (['IsComplete "emial"'], "orders.parquet", 3, "did you mean `email`?"),
        (['IsComplete "EMAIL" where "id = 1"'], "orders.parquet", 0, "PASSED"),
        (['Mean "email" > 1'], "orders.parquet", 3, "a number column is needed"),
        (['IsComplete "email" where "id >"'], "orders.parquet", 3, "where"),
        (["CustomSql \"select count(*) from read_csv('/etc/passwd')\" > 0"], "orders.parquet", 3, "ERROR"),
        (['CustomSql "select count(*) from nothing" > 0'], "orders.parquet", 3, "nothing"),
        (["RowCount > avg(last(3))"], "orders.parquet", 0, "no history"),
        (['ColumnValues "id" > last()'], "orders.parquet", 3, "constants only"),
        (['IsComplete "id"'], "empty.parquet", 1, "the table is empty"),
        (["ColumnCount = 10000"], "wide.parquet", 0, "PASSED"),
        (['IsComplete "tags"'], "nested.parquet", 3, "nested"),
        (['Mean "id" > 0 where "id > 99"'], "orders.parquet", 0, "no rows in scope"),
    ],
)
def test_rules_on_files(folder: Path, rules: list[str], data: str, code: int, words: str) -> None:
    done = run(folder, "evaluate", *[f"--rule={rule}" for rule in rules], data)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stdout + done.stderr
    assert words in " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ok.dqdl", "ordres.parquet"], 3, "orders.parquet"),
        (["ok.dqdl", "torn.parquet"], 3, "torn.parquet"),
        (["ok.dqdl", "text.parquet"], 3, "text.parquet"),
        (["ok.dqdl", "latin.csv"], 3, "encoding"),
        (["missing.dqdl", "orders.parquet"], 2, "missing.dqdl"),
        (["ok.dqdl"], 2, "no data"),
        ([], 2, "no ruleset"),
        (["ok.dqdl", "--data", "other=orders.parquet"], 2, "primary"),
        (["ok.dqdl", "orders.parquet", "-d", "primary=orders.parquet"], 2, "twice"),
        (["ok.dqdl", "orders.parquet", "-o", "report.pdf"], 2, ".html"),
        (["ok.dqdl", "orders.parquet", "--now", "yesterday"], 2, "ISO 8601"),
        (["--rule", "Completness", "orders.parquet"], 2, "did you mean `Completeness`?"),
    ],
)
def test_bad_input_is_told_without_a_traceback(folder: Path, arguments: list[str], code: int, words: str) -> None:
    done = run(folder, "evaluate", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert words in done.stderr


def test_a_value_deep_in_a_csv_makes_its_column_text(folder: Path) -> None:
    done = run(folder, "evaluate", "--rule", 'ColumnValues "n" != "unknown"', "late.csv", "--format", "json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert_valid_report(report)
    assert "unknown" in json.dumps(report["tables"])
    assert report["outcomes"][0]["failing"]["count"] == 1


def test_one_bad_expression_does_not_spoil_its_neighbours(folder: Path) -> None:
    rules = ['IsComplete "id"', 'RowCount > 0 where "id / 0 > "', 'Sum "id" = 5']
    done = run(folder, "evaluate", *[f"--rule={rule}" for rule in rules], "orders.parquet", "--format", "json")
    assert [each["verdict"] for each in json.loads(done.stdout)["outcomes"]] == ["PASSED", "ERROR", "PASSED"]


def test_reports_are_written_beside_the_table(folder: Path) -> None:
    done = run(folder, "evaluate", "ok.dqdl", "orders.parquet", "-o", "a.html", "-o", "a.json")
    assert done.returncode == 0
    assert "PASSED" in done.stdout
    assert_valid_report(json.loads((folder / "a.json").read_text()))
    assert (folder / "a.html").read_text().lstrip().lower().startswith("<!doctype html>")


def test_explain_shows_one_row_scan_and_one_query_per_grouping(folder: Path) -> None:
    rules = [
        "RowCount > 0",
        'IsComplete "email" where "id > 1"',
        'Mean "id" > 0',
        'IsUnique "id"',
        'Uniqueness "id" > 0.1',
        'IsUnique "id" where "id > 1"',
        'CustomSql "select count(*) from primary" > 0',
        "ColumnCount = 2",
    ]
    done = run(folder, "explain", *[f"--rule={rule}" for rule in rules], "orders.parquet", "--format", "json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert [scan["kind"] for scan in plan["scans"]] == [
        "row scan",
        "group by id",
        "group by id (filtered)",
        "the rule's own SQL",
    ]
    assert plan["without_scan"] == ["ColumnCount = 2"]
    assert plan["scans"][0]["columns"] == {"primary": ["id", "email"]}
    assert "SELECT" in run(folder, "explain", "--rule", "RowCount > 0", "orders.parquet", "--sql").stdout


def test_explain_shows_the_physical_plan_of_every_scan_when_asked(folder: Path) -> None:
    asked = ["explain", "--rule", 'Mean "id" > 0', "--rule", 'IsUnique "id"', "orders.parquet"]
    told, plain = run(folder, *asked, "--physical"), run(folder, *asked)
    assert told.returncode == 0, told.stderr
    assert "PARQUET" in told.stdout.upper()
    assert "PARQUET" not in plain.stdout.upper()
    scans = json.loads(run(folder, *asked, "--physical", "--format", "json").stdout)["scans"]
    assert ["PARQUET" in scan["physical"].upper() for scan in scans] == [True, True]
    refused = run(folder, *asked, "--physical", "--engine", "ray")
    assert refused.returncode == 2
    assert "no physical plan" in refused.stderr
