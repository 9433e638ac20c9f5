"""What can be said of data on the command line, and what is answered when the data is wrong."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from report_schema import assert_valid_report

from dq.cli import run

Dq = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    pq.write_table(pa.table({"id": [1, 2, 2], "email": ["a", None, "c"]}), "orders.parquet")
    pq.write_table(pa.table({"id": [1]}), "other.parquet")
    for name, text in {
        "ok.dqdl": "Rules = [ RowCount > 0 ]\n",
        "wrong.dqdl": 'Rules = [ Completness "id" > 0.5, IsComplet "id" ]\n',
        "nothing.dqdl": "",
        "empty.csv": "",
        "header.csv": "id,email\n",
        "twice.csv": "id,id,email\n1,2,a\n",
        "french.csv": "id;date;at\n1;31/12/2024;31/12/2024 23:59\n2;01/02/2023;01/02/2023 00:00\n",
        "escaped.csv": 'id,name\n1,"a \\" b"\n2,"c"\n',
        "nulls.csv": "id,n\n1,NA\n2,-\n3,4\n",
        "headless.csv": "x,y\np,q\n",
        "quoted.csv": "id,name\n1,'a,b'\n",
        "words.txt": "id|name\n1|a\n",
        "utf.csv": "id,name\n1,Zoë\n",
        "plain.parquet": "id,email\n1,a\n",
        "ragged.csv": "id,n\n1,2\n3\n4,5,6\n",
        "open.csv": 'id,n\n1,"open\n2,x\n',
        "titled.csv": "Sales, first quarter\n\nid,n,x\n1,2,3\n",
    }.items():
        Path(name).write_text(text, encoding="utf-8")
    Path("latin.csv").write_bytes("id,name\n1,Zoë\n".encode("latin-1"))
    Path("torn.parquet").write_bytes(Path("orders.parquet").read_bytes()[:200])
    for name in ("bare", "mixed", "hive/year=2023", "hive/year=2024"):
        Path(name).mkdir(parents=True)
    Path("mixed/a.csv").write_text("id\n1\n")
    pq.write_table(pa.table({"id": [1]}), "mixed/b.parquet")
    for year in ("2023", "2024"):
        pq.write_table(pa.table({"id": [1, 2]}), f"hive/year={year}/a.parquet")
    return tmp_path


@pytest.fixture
def dq(folder: Path, capsys: pytest.CaptureFixture[str]) -> Dq:
    """Run `dq evaluate` in the folder: its exit code, standard output and standard error, blanks made one."""

    def evaluate(*arguments: str, command: str = "evaluate") -> tuple[int, str, str]:
        code = run([command, *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, " ".join(err.split())

    return evaluate


@pytest.fixture
def report(dq: Dq) -> Callable[..., dict[str, Any]]:
    """The JSON report of a run."""

    def evaluate(*arguments: str) -> dict[str, Any]:
        _, out, err = dq(*arguments, "--format=json")
        assert out, err
        found: dict[str, Any] = json.loads(out)
        assert_valid_report(found)
        return found

    return evaluate


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ok.dqdl", "nothing.parquet"], 3, "no file `nothing.parquet`"),
        (["ok.dqdl", "nowhere/a.parquet"], 3, "there is no folder"),
        (["ok.dqdl", "plain.parquet"], 3, "is not a Parquet file: its first bytes are text"),
        (["ok.dqdl", "torn.parquet"], 3, "is a truncated Parquet file"),
        (["ok.dqdl", "empty.csv"], 3, "is empty (0 bytes)"),
        (["ok.dqdl", "bare"], 3, "holds no data files"),
        (["ok.dqdl", "mixed"], 3, "one table cannot mix formats"),
        (["ok.dqdl", "nix*.csv"], 3, "no file matches `nix*.csv`"),
        (["ok.dqdl", "words.txt"], 3, "say `--input-format csv` (in Python `format='csv'`)"),
        (["ok.dqdl", "latin.csv", "--rule=IsComplete \"name\""], 2, "not from both"),
        (["--rule=IsComplete \"name\"", "latin.csv"], 3, "line 2 is not UTF-8: byte 0xeb = help: say `--encoding latin-1`"),
        (["ok.dqdl", "ragged.csv"], 3, "line 3 has 1 field where 2 are expected"),
        (["ok.dqdl", "open.csv"], 3, "line 2 opens a quote that is never closed"),
        (["ok.dqdl", "titled.csv"], 3, "`--skip` (in Python `skip`) if they were not recognized"),
        (["ok.dqdl", "-d", "other=orders.parquet"], 2, "no table has the alias `primary` (given: `other`)"),
        (["ok.dqdl", "orders.parquet", "-d", "ref=nothing.csv"], 3, "no file `nothing.csv`"),
        (["ok.dqdl", "orders.parquet", "other.parquet"], 2, "for a table of many files a glob in quotes"),
        (["orders.parquet", "ok.dqdl"], 2, "the ruleset comes first: dq evaluate ok.dqdl orders.parquet"),
        (["orders.parquet"], 2, "no ruleset: name a .dqdl file, or give rules with --rule, and `orders.parquet` is data"),
        (["wrong.dqdl", "orders.parquet"], 2, "2 errors in 1 file"),
        (["nothing.dqdl", "orders.parquet"], 2, "the document has no rules and no analyzers"),
        (["--rule=IsComplete \"id", "orders.parquet"], 2, "text without a closing quote"),
        (["ok.dqdl", "orders.parquet", "-o", "nowhere/a.json"], 2, "the folder of `nowhere/a.json` does not exist"),
        (["ok.dqdl", "orders.parquet", "-o", "a.json", "-o", "a.json"], 2, "`a.json` is given twice"),
        (["ok.dqdl", "orders.parquet", "-o", "hive"], 2, "directory"),
        (["ok.dqdl", "orders.parquet", "--type", "id=DATE"], 2, "types can be given for CSV and JSON only"),
        (["ok.dqdl", "utf.csv", "--type", "id=NOPE"], 2, "`NOPE`, given for column `id`, is no SQL type"),
        (["ok.dqdl", "utf.csv", "--type", "id=INT) FROM x"], 2, "is no SQL type"),
        (["ok.dqdl", "utf.csv", "--type", "nmae=DATE"], 2, "did you mean `name`?"),
        (["ok.dqdl", "utf.csv", "--type", "id"], 2, "--type wants COLUMN=TYPE"),
        (["ok.dqdl", "utf.csv", "--encoding", "cp1252"], 2, "use utf-8, utf-16 or latin-1"),
        (["ok.dqdl", "utf.csv", "--quote", "ab"], 2, "the quote `ab` is not one character"),
        (["ok.dqdl", "utf.csv", "--escape", "ab"], 2, "the escape `ab` is not one character"),
        (["ok.dqdl", "utf.csv", "--delimiter", ""], 2, "does not have 1 to 4 bytes"),
        (["ok.dqdl", "utf.csv", "--date-format", "%Q"], 2, "`%Q` is no format of a DATE"),
        (["ok.dqdl", "utf.csv", "--timestamp-format", ""], 2, "`` is no format of a TIMESTAMP"),
        (["ok.dqdl", "orders.parquet", "--memory-limit", "lots"], 2, "give a size such as `2GB`"),
        (["ok.dqdl", "orders.parquet", "--threads", "0"], 2, "--threads"),
    ],
)  # fmt: skip
def test_bad_input_is_answered(dq: Dq, arguments: list[str], code: int, words: str) -> None:
    found = dq(*arguments)
    assert (found[0], found[1]) == (code, "")
    assert words in found[2]


def test_a_damaged_arrow_file_among_others_is_named(dq: Dq, folder: Path) -> None:
    table = pa.table({"id": [1]})
    for name in ("a.arrow", "b.arrow"):
        with pa.ipc.new_file(name, table.schema) as file:
            file.write_table(table)
    (folder / "b.arrow").write_bytes((folder / "b.arrow").read_bytes()[:100])
    code, _, err = dq("ok.dqdl", "*.arrow")
    assert code == 3
    assert "b.arrow` cannot be read as Arrow data" in err


def test_a_file_that_may_not_be_read(dq: Dq, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the refusal is played."""
    real = Path.open

    def refuse(path: Path, *arguments: Any, **more: Any) -> Any:
        if path.name == "orders.parquet":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", refuse)
    code, _, err = dq("ok.dqdl", "orders.parquet")
    assert code == 3
    assert "no permission to read" in err
    assert "check the owner and mode" in err


def test_a_ruleset_that_may_not_be_read(dq: Dq, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    code, _, err = dq("ok.dqdl", "orders.parquet")
    assert code == 2
    assert "ruleset `ok.dqdl` cannot be read: Permission denied" in err


def test_a_table_without_columns(dq: Dq) -> None:
    pq.write_table(pa.table({}), "none.parquet")
    code, out, err = dq("--rule", "RowCount > 0", "none.parquet")
    assert code == 3, (out, err)
    assert "none.parquet` has no columns" in err


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        (["french.csv", "--date-format=%d/%m/%Y"], ['ColumnValues "date" between "2023-01-31" and "2025-01-01"']),
        (["french.csv", "--timestamp-format=%d/%m/%Y %H:%M"], ['CustomSql "select count(*) from primary where hour(at) = 23" = 1']),
        (["escaped.csv", "--escape=\\"], ['CustomSql "select count(*) from primary where length(name) = 5" = 1']),
        (["nulls.csv", "--null=NA", "--null=-"], ['Completeness "n" between 0.3 and 0.4', 'Mean "n" = 4']),
        (["headless.csv", "--no-header"], ["RowCount = 2", 'IsComplete "column1"']),
        (["headless.csv", "--header"], ["RowCount = 1", 'IsComplete "y"']),
        (["quoted.csv", "--quote='"], ['ColumnValues "name" = "a,b"']),
        (["words.txt", "--input-format=csv", "--delimiter=|"], ['ColumnValues "name" = "a"']),
        (["latin.csv", "--encoding=latin-1"], ['ColumnValues "name" = "Zoë"']),
        (["nulls.csv", "--all-text"], ['ColumnLength "id" = 1']),
        (["nulls.csv", "--type=id=VARCHAR"], ['ColumnLength "id" = 1']),
        (["-d", "orders.parquet", "-d", "ref=nulls.csv", "--type=ref.id=VARCHAR"],
         ['CustomSql "select min(length(id)) from ref" = 1']),
        (["titled.csv", "--skip=2"], ["RowCount = 1", 'IsComplete "x"']),
        (["open.csv", "--quote="], ["RowCount = 2"]),
        (["hive"], ['ColumnValues "year" between 2022 and 2025']),
        (["hive", "--no-hive"], ["ColumnCount = 1"]),
        (["hive/year=*/*.parquet"], ["RowCount = 4"]),
    ],
)  # fmt: skip
def test_the_options_say_how_data_is_read(dq: Dq, options: list[str], rules: list[str]) -> None:
    code, out, err = dq(*[f"--rule={rule}" for rule in rules], *options)
    assert code == 0, out + err


def test_a_format_that_nothing_is_written_in_is_noted(report: Callable[..., dict[str, Any]]) -> None:
    notes = report("--rule=RowCount > 0", "french.csv", "--date-format=%Y/%m/%d")["tables"][0]["notes"]
    assert "no column holds a DATE written %Y/%m/%d" in notes


def test_columns_of_the_same_name_are_renamed_and_noted(report: Callable[..., dict[str, Any]]) -> None:
    found = report("--rule", 'IsComplete "id_1"', "twice.csv")
    assert found["passed"]
    assert 'renamed in twice.csv: "id" to "id_1"' in found["tables"][0]["notes"]


def test_misfits_at_the_end_of_a_million_rows_make_their_columns_text(
    folder: Path, report: Callable[..., dict[str, Any]]
) -> None:
    rows = [f"{at},{at},2024-01-01,1.5,{at}\n" for at in range(1, 1_000_001)]
    rows[499_999] = "500000,500000.5,2024-01-01,1.5,500000\n"
    rows[999_998] = "999999,oops,2024-01-01,1.5,999999\n"
    rows[999_999] = "1000000,5,yesterday,much,007\n"
    (folder / "deep.csv").write_text("id,n,d,x,code\n" + "".join(rows))
    rules = [
        'ColumnValues "n" != "oops"',
        'ColumnValues "d" != "yesterday"',
        'ColumnValues "x" != "much"',
        'Sum "id" = 500000500000',
    ]
    found = report(*[f"--rule={rule}" for rule in rules], "deep.csv")
    assert [outcome["failing"] and outcome["failing"]["count"] for outcome in found["outcomes"]] == [1, 1, 1, None]
    assert [outcome["verdict"] for outcome in found["outcomes"]] == ["FAILED", "FAILED", "FAILED", "PASSED"]
    notes = "\n".join(found["tables"][0]["notes"])
    for line, column, value in (
        ("1,000,000", "n", "oops"),
        ("1,000,001", "d", "yesterday"),
        ("1,000,001", "x", "much"),
    ):
        assert f'column "{column}" is read as text: line {line} holds "{value}"' in notes


def test_a_report_that_cannot_be_written_does_not_lose_the_others(dq: Dq, folder: Path) -> None:
    (folder / "pipe.json").mkdir()
    code, out, err = dq("ok.dqdl", "orders.parquet", "-o", "/proc/no.json", "-o", "a.html", "-o", "b.json")
    assert code == 2
    assert "cannot write `/proc/no.json`" in err
    assert "Score 100%" in out
    assert (folder / "a.html").read_text().startswith("<!doctype html>")
    assert_valid_report(json.loads((folder / "b.json").read_text()))


@pytest.mark.parametrize(
    ("arguments", "starts", "files"),
    [
        ([], "ok.dqdl", {}),
        (["--format=json"], "{", {}),
        (["-o", "a.json"], "ok.dqdl", {"a.json": "{"}),
        (["-o", "a.json", "--format=json"], "", {"a.json": "{"}),
        (["-o", "a.html", "--format=json"], "{", {"a.html": "<!doctype"}),
        (["-o", "a", "--format=html"], "", {"a": "<!doctype"}),
        (["-o", "a.HTM", "-o", "b.txt"], "ok.dqdl", {"a.HTM": "<!doctype", "b.txt": "ok.dqdl"}),
    ],
)
def test_the_suffix_says_the_format_of_a_file(
    dq: Dq, folder: Path, arguments: list[str], starts: str, files: dict[str, str]
) -> None:
    code, out, _ = dq("ok.dqdl", "orders.parquet", *arguments)
    assert code == 0
    assert out.startswith(starts) if starts else out == ""
    for name, beginning in files.items():
        assert (folder / name).read_text(encoding="utf-8").startswith(beginning)


def test_explain_shows_no_control_characters(dq: Dq) -> None:
    pq.write_table(pa.table({"a\x1b[2Jb\u202e": [1]}), "evil.parquet")
    code, out, _ = dq("--rule", 'IsComplete "a\x1b[2Jb\u202e"', "evil.parquet", "--sql", command="explain")
    assert code == 0
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_the_examples_of_the_pages_run(dq: Dq, folder: Path) -> None:
    (folder / "orders.csv").write_text("id;email;at\n1;a;31/12/2024\n")
    (folder / "customers.csv").write_text("id\n1\n")
    (folder / "orders.dqdl").write_text("Rules = [ RowCount > 0 ]\n")
    (folder / "arrived.dqdl").write_text('Rules = [ FileSize "orders/" > 0 B ]\n')
    (folder / "orders").mkdir()
    pq.write_table(pa.table({"id": [1]}), "orders/a.parquet")
    (folder / "lake/sales/orders/dt=2026-11-01").mkdir(parents=True)
    pq.write_table(pa.table({"id": [1]}), "lake/sales/orders/dt=2026-11-01/a.parquet")
    (folder / "dq.toml").write_text(
        '[catalog.lake]\nkind = "files"\npath = "lake"\n'
        '[check.orders]\nruleset = "orders.dqdl"\ntable = "lake.sales.orders"\ntags = "daily"\n'
    )
    docs = Path(__file__).parents[2] / "docs"
    page = (docs / "command-line.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    dq (evaluate|explain) (.*)$", page, re.MULTILINE)
    help_text = inspect.cleandoc(import_module("dq.cli.evaluate").command.help)
    shown += re.findall(r"^dq (evaluate|explain) (.*)$", help_text, re.MULTILINE)
    assert len(shown) > 8
    for command, arguments in shown:
        code, out, err = dq(*shlex.split(arguments), command=command)
        assert code == 0, f"{command} {arguments}: {out}{err}"
    (program,) = re.findall(r"^    (dq\.evaluate\(.*)$", (docs / "data.md").read_text(encoding="utf-8"), re.MULTILINE)
    script = f"import dq\nresult = {program}\nassert result.passed"
    subprocess.run([sys.executable, "-c", script], cwd=folder, timeout=60, check=True)
