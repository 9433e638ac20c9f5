"""`dq catalog` and `dq init`."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import tomllib
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dq.cli import run as command
from dq.project.reading import check


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(folder: Path, *arguments: str) -> Done:
    """Run `dq` in this process, in a folder."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command(arguments)
    shown = []
    for each in (out, err):
        each.seek(0)
        shown.append(each.read())
    assert "Traceback" not in shown[1]
    return Done(code, *shown)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    files = {
        "data/sales/orders/dt=2026-11-01/part-0.csv": "id,amount\n1,2\n",
        "data/sales/orders/dt=2026-11-02/part-0.csv": "id,amount\n3,2\n",
        "data/customers.csv": "id,email\n1,a\n",
        "data/logs/monday.csv": "a,b\n1,2\n",
        "data/logs/tuesday.csv": "a,b\n1,\n",
        "data/mixed/x.csv": "a,b\n1,2\n",
        "data/mixed/y.json": '{"z": 1}\n',
        "data/mixed/broken.parquet": "PAR1",
        "data/mixed/README": "hello",
        "rules/orders.dqdl": "Rules = [ RowCount = 2 ]",
        "rules/said.dqdl": "# dq: table = customers\nRules = [ RowCount = 1 ]",
        "rules/other.dqdl": "Rules = [ RowCount = 1 ]",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_first_project_is_written_from_what_lies_around(folder: Path) -> None:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE items AS SELECT 1 AS id")
    with contextlib.closing(sqlite3.connect(folder / "app.db")) as database:
        database.execute("CREATE TABLE x (a)")
        database.commit()
    (folder / "empty.db").touch()
    done = run(folder, "init")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("wrote dq.toml\nnext: dq evaluate\n")
    assert "left out  data/mixed/broken.parquet" in done.stdout
    text = (folder / "dq.toml").read_text()
    assert check(text, "dq.toml", folder) == []
    written = tomllib.loads(text)
    assert {name: each["kind"] for name, each in written["catalog"].items()} == {"shop": "duckdb", "app": "sqlite"}
    assert {name: each["path"] for name, each in written["table"].items()} == {
        "customers": "data/customers.csv",
        "logs": "data/logs",
        "x": "data/mixed/x.csv",
        "y": "data/mixed/y.json",
        "orders": "data/sales/orders",
    }
    assert {name: each.get("table") for name, each in written["check"].items()} == {"orders": "orders", "said": None}
    assert '# ruleset = "rules/other.dqdl"' in text
    assert run(folder, "evaluate").returncode == 0


def test_a_project_is_not_overwritten_unasked(folder: Path) -> None:
    (folder / "dq.toml").write_text("# mine\n")
    done = run(folder, "init")
    assert (done.returncode, "--force" in done.stderr) == (2, True)
    assert (folder / "dq.toml").read_text() == "# mine\n"
    assert run(folder, "init", "--force").returncode == 0
    assert (folder / "dq.toml").read_text() != "# mine\n"


def test_an_empty_folder_gets_an_example(tmp_path: Path) -> None:
    assert run(tmp_path, "init").returncode == 0
    text = (tmp_path / "dq.toml").read_text()
    assert "# [check.orders]" in text
    assert check(text) == []


def test_a_folder_is_crawled_into_tables(folder: Path) -> None:
    shown = json.loads(run(folder, "catalog", "crawl", "data", "--dry-run", "--format", "json").stdout)
    assert not (folder / "dq.toml").exists()
    assert {each["name"]: (each["format"], each["partitions"]) for each in shown["tables"]} == {
        "customers": ("csv", []),
        "logs": ("csv", []),
        "x": ("csv", []),
        "y": ("json", []),
        "orders": ("csv", ["dt"]),
    }
    assert {each["path"] for each in shown["skipped"]} == {"data/mixed", "data/mixed/broken.parquet"}
    done = run(folder, "catalog", "crawl", "data")
    assert done.returncode == 0, done.stderr
    text = (folder / "dq.toml").read_text()
    assert list(tomllib.loads(text)["table"]) == ["customers", "logs", "x", "y", "orders"]
    again = run(folder, "catalog", "crawl", "data")
    assert again.stdout.count("(declared already)") == 5
    assert (folder / "dq.toml").read_text() == text


@pytest.mark.parametrize(
    ("one", "other", "tables"),
    [
        ({"a": [1], "b": ["x"]}, {"a": [1.5], "b": ["y"]}, 1),
        ({"a": [1], "b": ["x"]}, {"a": ["1"], "b": ["y"]}, 2),
        ({"a": [1], "b": ["x"]}, {"c": [1], "d": ["y"]}, 2),
        ({"a": [1], "b": ["x"], "c": [1]}, {"A": [1], "b": ["y"], "c": [1], "d": [None]}, 1),
    ],
)
def test_files_of_one_table_have_the_same_columns(
    tmp_path: Path, one: dict[str, list[object]], other: dict[str, list[object]], tables: int
) -> None:
    for name, columns in (("one", one), ("other", other)):
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    shown = json.loads(run(tmp_path, "catalog", "crawl", ".", "--dry-run", "--format", "json").stdout)
    assert len(shown["tables"]) == tables


def test_names_of_tables_need_no_quotes_and_differ(tmp_path: Path) -> None:
    for name in ("a/my file.csv", "b/my file.csv", "b/c.d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{name[0]}{len(name)}\n1\n")
    run(tmp_path, "catalog", "crawl", ".")
    assert list(tomllib.loads((tmp_path / "dq.toml").read_text())["table"]) == ["my_file", "c_d", "b_my_file"]


@pytest.mark.parametrize(
    ("arguments", "section", "declared"),
    [
        (["lake", "kind=files", "path=data"], "catalog", {"kind": "files", "path": "data"}),
        (["s", "kind=postgres", "url=${U}", "timeout=5"], "catalog", {"kind": "postgres", "url": "${U}", "timeout": 5}),
        (["c", "data/customers.csv", "delimiter=;"], "table", {"path": "data/customers.csv", "delimiter": ";"}),
        (["c", "a.csv", "b.csv", "header=true"], "table", {"path": ["a.csv", "b.csv"], "header": True}),
        (
            ["c", "a.csv", "types.zip=VARCHAR", "skip=2"],
            "table",
            {"path": "a.csv", "types": {"zip": "VARCHAR"}, "skip": 2},
        ),
        (["a.b", "a.csv", 'quote="'], "table", {"path": "a.csv", "quote": '"'}),
    ],
)
def test_a_section_is_added_and_the_rest_stays(
    folder: Path, arguments: list[str], section: str, declared: dict[str, object]
) -> None:
    before = "# mine\n[table.old]   # kept\r\npath = 'old.csv'"
    (folder / "dq.toml").write_bytes(before.encode())
    done = run(folder, "catalog", "add", *arguments)
    assert done.returncode == 0, done.stderr
    text = (folder / "dq.toml").read_bytes().decode()
    assert text.startswith(before)
    assert tomllib.loads(text)[section][arguments[0]] == declared


def test_a_path_is_meant_from_where_it_is_typed(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.dq.table.old]\npath = 'old.csv'\n")
    assert run(folder / "data", "catalog", "add", "customers", "customers.csv").returncode == 0
    written = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["dq"]
    assert written["table"]["customers"] == {"path": "data/customers.csv"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["old", "x.csv"], "declared already"),
        (["OLD", "x.csv"], "DQ409"),
        (["lake", "kind=filez", "path=x"], "did you mean `files`?"),
        (["lake", "kind=files"], "needs `path`"),
        (["x", "a.csv", "skip=two"], "a whole number"),
        (["x", "a.csv", "delimeter=;"], "did you mean `delimiter`?"),
        (["x", "from=lake.orders"], "no catalog `lake`"),
    ],
)
def test_what_would_be_wrong_is_not_added(folder: Path, arguments: list[str], words: str) -> None:
    before = "[table.old]\npath = 'old.csv'\n"
    (folder / "dq.toml").write_text(before)
    done = run(folder, "catalog", "add", *arguments)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert (folder / "dq.toml").read_text() == before


def test_a_secret_that_is_added_is_warned_of_and_not_shown(folder: Path) -> None:
    done = run(folder, "catalog", "add", "shop", "kind=postgres", "url=${U}", "password=swordfish")
    assert (done.returncode, "DQ412" in done.stderr) == (0, True)
    assert "swordfish" not in done.stdout + done.stderr


CATALOGS = """\
[catalog.lake]
kind = "files"
path = "data"
[catalog.gone]
kind = "files"
path = "nowhere"
[table.today]
from = "lake.sales.orders"
partition = "dt=latest"
"""


def test_tables_are_listed_as_a_tree(folder: Path, golden) -> None:
    (folder / "dq.toml").write_text(CATALOGS)
    done = run(folder, "catalog", "ls")
    assert done.returncode == 3
    golden("project/tree.txt", done.stdout.replace(str(folder), "…"))
    assert run(folder, "catalog", "ls", "lake.sales").stdout == "lake.sales  (files)\n└─ orders\n"
    assert "sales/ …" in run(folder, "catalog", "ls", "lake", "--depth", "1").stdout
    listed = json.loads(run(folder, "catalog", "ls", "--format", "json").stdout)
    assert [(each["name"], bool(each["error"])) for each in listed["catalogs"]] == [("lake", False), ("gone", True)]
    assert listed["tables"] == [{"name": "today", "from": "lake.sales.orders"}]
    assert "did you mean `lake`?" in run(folder, "catalog", "ls", "lak").stderr


def test_a_table_is_shown_without_its_rows(folder: Path) -> None:
    (folder / "dq.toml").write_text(CATALOGS)
    shown = json.loads(run(folder, "catalog", "show", "today", "--format", "json").stdout)
    assert shown["columns"] == [
        {"name": "id", "type": "BIGINT"},
        {"name": "amount", "type": "BIGINT"},
        {"name": "dt", "type": "DATE"},
    ]
    assert (shown["kind"], shown["partitions"], shown["parts"], shown["rows"]) == ("csv files", ["dt"], 2, None)
    assert "only a scan would tell" in run(folder, "catalog", "show", "data/customers.csv").stdout
    done = run(folder, "catalog", "show", "lake.sales.ordres")
    assert (done.returncode, "did you mean `orders`?" in done.stderr) == (3, True)
