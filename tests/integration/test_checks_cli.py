"""`dq evaluate` with the checks and the tables of a project."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from dq.cli import cli
from dq.cli import run as command
from dq.render import checks as rendered
from dq.render import json as evaluations

PROJECT = """\
[catalog.lake]
kind = "files"
path = "data"

[table.orders]
from = "lake.sales.orders"
partition = "dt=latest"
delimiter = ";"

[check.orders]
ruleset = "orders.dqdl"
table = "orders"
tags = ["daily", "sales"]

[check.lenient]
ruleset = "three.dqdl"
table = "orders"
fail_on = "error"
samples = 0

[check.secret]
ruleset = "orders.dqdl"
table = "vault"
tags = "vault"

[table.vault]
path = "${NOT_SET_ANYWHERE}"

[check.broken]
ruleset = "wrong.dqdl"
table = "lake.customers"
fail_on = "never"
tags = "vault"

[check.missing]
ruleset = "orders.dqdl"
table = "lake.nowhere"
fail_on = "never"

[check.watched]
ruleset = "unmeasured.dqdl"
table = "lake.customers"
fail_on = "never"
tags = "watched"

[check.both]
ruleset = "[ot]*e*.dqdl"
table = "orders"
tags = "sales"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for day, text in (("01", "id;amount\n1;2\n2;\n"), ("02", "id;amount\n3;2\n")):
        part = tmp_path / f"data/sales/orders/dt=2026-11-{day}"
        part.mkdir(parents=True)
        (part / "part-0.csv").write_text(text)
    (tmp_path / "data/customers.csv").write_text("id\n1\n2\n3\n")
    (tmp_path / "orders.dqdl").write_text('Rules = [ RowCount = 1, IsComplete "amount" ]')
    (tmp_path / "three.dqdl").write_text("Rules = [ RowCount = 3 ]")
    (tmp_path / "unmeasured.dqdl").write_text('Rules = [ RowCount = 9, IsComplete "gone" ]')
    (tmp_path / "wrong.dqdl").write_text("Rules = [ RowCuont = 3 ]")
    (tmp_path / "dq.toml").write_text(PROJECT)
    (tmp_path / ".git").mkdir()
    return tmp_path


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


def valid(document: dict[str, Any]) -> dict[str, Any]:
    schemas = [(each["$id"], Resource.from_contents(each)) for each in (rendered.schema(), evaluations.schema())]
    Draft202012Validator(rendered.schema(), registry=Registry().with_resources(schemas)).validate(document)
    return document


def test_every_check_runs_in_order_and_none_stops_the_next(folder: Path) -> None:
    done = run(folder, "evaluate", "-o", "all.json", "-o", "all.html", "-o", "all.txt")
    assert done.returncode == 3, done.stderr  # the worst: a table is missing
    report = valid(json.loads((folder / "all.json").read_text()))
    assert [(each["name"], each["verdict"], each["exit_code"]) for each in report["checks"]] == [
        ("orders", "PASSED", 0),
        ("lenient", "FAILED", 0),
        ("secret", "ERROR", 2),
        ("broken", "ERROR", 2),
        ("missing", "ERROR", 3),
        ("watched", "ERROR", 0),
        ("both", "FAILED", 1),
    ]
    assert [len(each["evaluations"]) for each in report["checks"]] == [1, 1, 0, 0, 0, 1, 2]
    assert report["counts"] == {"checks": 7, "passed": 1, "failed": 2, "error": 4}
    for text in (done.stdout, (folder / "all.txt").read_text()):
        assert text.rstrip().endswith("1 of 7 checks passed, 2 failed, 4 in error")
    assert "no variable `NOT_SET_ANYWHERE`" in done.stderr
    assert "RowCuont" in done.stderr
    page = (folder / "all.html").read_text()
    assert "1 of 7 checks passed" in page
    assert page.count('class="dq-report"') == 5


@pytest.mark.parametrize(
    ("arguments", "code", "names"),
    [
        (["--check", "orders"], 0, ["orders"]),
        (["--check", "both", "--check", "orders"], 1, ["orders", "both"]),
        (["--check", "lenient"], 0, ["lenient"]),
        (["--check", "missing"], 3, ["missing"]),
        (["--check", "broken"], 2, ["broken"]),
        (["--tag", "sales"], 1, ["orders", "both"]),
        (["--tag", "daily", "--check", "missing"], 3, ["orders", "missing"]),
        (["--check", "orders", "--partition", "dt=2026-11-01"], 1, ["orders"]),
        (["--check", "orders", "--partition", "dt=2030-11-01"], 3, ["orders"]),
        (["--check", "orders", "--snapshot", "7"], 2, ["orders"]),
    ],
)
def test_checks_are_chosen_by_name_and_by_tag(folder: Path, arguments: list[str], code: int, names: list[str]) -> None:
    done = run(folder, "evaluate", *arguments, "--format", "json")
    assert done.returncode == code, done.stderr
    assert [each["name"] for each in valid(json.loads(done.stdout))["checks"]] == names


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--check", "ordres"], 2, "did you mean `orders`?"),
        (["--tag", "dayly"], 2, "tags are daily, sales, vault"),
        (["--check", "orders", "orders.dqdl"], 2, "name either"),
        (["--check", "orders", "--table", "orders"], 2, "name either"),
        (["--rows", "rows.csv"], 2, "choose one with --check"),
        (["--project", "nowhere.toml"], 2, "no project file `nowhere.toml`"),
        (["--check", "both", "--rows", "rows.csv"], 2, "write a check for each ruleset"),
        (["orders.dqdl", "ordres"], 2, "did you mean `orders`?"),
        (["orders.dqdl", "--table", "lake.sales.ordres"], 3, "did you mean `orders`?"),
        (["orders.dqdl", "orders", "--table", "orders"], 2, "not both"),
        (["orders.dqdl", "orders", "--partition", "customers.id=1"], 2, "no partition column"),
        (["orders.dqdl", "data/customers.csv", "--partition", "dt=1"], 2, "no partition column"),
        (["orders.dqdl", "data/sales/orders", "--partition", "dt>2030"], 3, "its partitions are dt=2026-11-01, dt="),
        (["orders.dqdl", "data/sales/orders", "--snapshot", "1"], 2, "have no versions"),
        (["orders.dqdl", "data/sales/orders", "--as-of", "now"], 2, "ISO 8601"),
        (["orders.dqdl", "orders", "--snapshot", "1", "--as-of", "2026-11-01"], 2, "one version at a time"),
    ],
)
def test_what_cannot_be_meant_is_told(folder: Path, arguments: list[str], code: int, words: str) -> None:
    done = run(folder, "evaluate", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["orders.dqdl", "orders"],
        ["orders.dqdl", "--table", "ORDERS"],
        ["orders.dqdl", "--table", "lake.sales.orders", "--partition", "dt=latest", "--delimiter", ";"],
        ["orders.dqdl", "-d", "orders"],
        ["orders.dqdl", "-d", "lake.sales.orders", "--partition", "dt>2026-11-01", "--delimiter", ";"],
        ["orders.dqdl", "data/sales/orders", "--partition", "dt=2026-11-02", "--delimiter", ";"],
        ["orders.dqdl", "-d", "primary=orders", "-d", "o=lake.sales.orders", "--partition", "o.dt=2026-11-01"],
    ],
)
def test_tables_are_meant_by_name_on_the_command_line(folder: Path, arguments: list[str]) -> None:
    done = run(folder, "evaluate", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_path_wins_over_a_name_and_that_is_told(folder: Path) -> None:
    (folder / "orders").mkdir()
    (folder / "orders/one.csv").write_text("id,amount\n1,\n")
    done = run(folder, "evaluate", "orders.dqdl", "orders")
    assert done.returncode == 1
    assert "the table of this name is meant by --table orders" in done.stderr
    assert run(folder, "evaluate", "orders.dqdl", "--table", "orders").returncode == 0


def test_a_broken_project_does_not_matter_to_paths(folder: Path) -> None:
    (folder / "dq.toml").write_text("[")
    arguments = ["data/sales/orders", "--partition", "dt=2026-11-02", "--delimiter", ";"]
    assert run(folder, "evaluate", "orders.dqdl", *arguments).returncode == 0
    assert "DQ401" in run(folder, "evaluate", "orders.dqdl", "orders").stderr


def test_a_ruleset_alone_finds_its_table(folder: Path) -> None:
    (folder / "said.dqdl").write_text("# dq: table = lake.customers\nRules = [ RowCount = 3 ]")
    assert run(folder, "evaluate", "said.dqdl").returncode == 0
    assert run(folder, "evaluate", "three.dqdl").returncode == 1
    done = run(folder, "explain", "said.dqdl")
    assert (done.returncode, "RowCount = 3" in done.stdout) == (0, True)


def test_options_come_before_what_a_check_says(folder: Path) -> None:
    with (folder / "dq.toml").open("a") as file:
        file.write('output = "out.json"\n')
    found = {}
    for arguments in ([], ["--samples", "3"]):
        done = run(folder, "evaluate", "--check", "lenient", "--format", "json", *arguments)
        (check,) = json.loads(done.stdout)["checks"]
        found[len(arguments)] = check
    assert found[0]["evaluations"][0]["outcomes"][0]["failing"] is None
    run(folder, "evaluate", "--check", "both")
    assert [each["name"] for each in valid(json.loads((folder / "out.json").read_text()))["checks"]] == ["both"]


def test_a_check_writes_the_rows_that_it_is_told_to(folder: Path) -> None:
    done = run(folder, "evaluate", "--check", "orders", "--failed", "bad.csv", "--partition", "dt=2026-11-01")
    assert done.returncode == 1
    assert len((folder / "bad.csv").read_text().splitlines()) == 2


def test_names_are_completed(folder: Path) -> None:
    def words(line: str) -> list[str]:
        *arguments, begun = line.split(" ")[1:]
        with contextlib.chdir(folder):
            return [each.value for each in ShellComplete(cli, {}, "dq", "").get_completions(arguments, begun)]

    assert words("dq evaluate --check o") == ["orders"]
    assert words("dq evaluate --tag d") == ["daily"]
    assert words("dq evaluate --table ") == ["orders", "vault", "lake."]
    assert words("dq evaluate --table lake.") == ["lake.customers", "lake.sales."]
    assert words("dq evaluate --table lake.sales.o") == ["lake.sales.orders"]
    (folder / "dq.toml").write_text("[")
    assert words("dq evaluate --check o") == []


def suite(*expectations: tuple[str, dict[str, Any]]) -> str:
    return json.dumps(
        {"name": "s", "expectations": [{"type": kind, "kwargs": kwargs} for kind, kwargs in expectations]}
    )


def test_a_check_judges_by_a_suite_of_great_expectations(folder: Path) -> None:
    present = ("expect_column_values_to_not_be_null", {"column": "amount"})
    (folder / "suite.json").write_text(suite(present, ("expect_table_row_count_to_equal", {"value": 2})))
    (folder / "wrong.json").write_text("{}")
    (folder / "dq.toml").write_text(
        PROJECT + '[check.suite]\nruleset = "suite.json"\ntable = "orders"\noutput = "of-suite.json"\n'
        '[check.homeless]\nruleset = "suite.json"\n'
        '[check.empty]\nruleset = "wrong.json"\ntable = "orders"\n'
    )
    done = run(folder, "evaluate", "--check", "suite")
    assert done.returncode == 1, done.stderr
    assert "1 of 2 rules passed, 1 failed" in done.stdout
    alone = run(folder, "evaluate", "suite.json", "orders", "--format", "json")
    (in_check,) = valid(json.loads((folder / "of-suite.json").read_text()))["checks"][0]["evaluations"]
    kept = ("ruleset", "rules", "counts", "score")
    assert {key: in_check.get(key) for key in kept} == {key: json.loads(alone.stdout).get(key) for key in kept}
    homeless = run(folder, "evaluate", "--check", "homeless")
    assert homeless.returncode == 2
    assert "`suite.json` does not say which table it is for" in homeless.stderr
    assert "give the check `homeless` a `table`" in homeless.stderr
    empty = run(folder, "evaluate", "--check", "empty")
    assert (empty.returncode, "`wrong.json` is no expectation suite" in empty.stderr) == (2, True)


def test_a_suite_that_is_not_there_is_found_by_its_name(folder: Path) -> None:
    (folder / "suite.json").write_text(suite(("expect_column_to_exist", {"column": "id"})))
    (folder / "dq.toml").write_text(PROJECT + '[check.suite]\nruleset = "siute.json"\ntable = "orders"\n')
    done = run(folder, "evaluate", "--check", "suite")
    assert (done.returncode, "did you mean `suite.json`?" in done.stderr) == (2, True)


def test_results_for_data_docs_are_of_one_evaluation(folder: Path) -> None:
    done = run(folder, "evaluate", "-o", "all.gx.json")
    assert (done.returncode, "is for one evaluation" in done.stderr) == (2, True)
    (folder / "dq.toml").write_text(
        PROJECT + '[check.of]\nruleset = "orders.dqdl"\ntable = "orders"\noutput = "a.gx.json"\n'
    )
    done = run(folder, "evaluate", "--check", "of")
    assert (done.returncode, "check `of`: an output of a check is .txt, .json or .html" in done.stderr) == (2, True)
    assert not (folder / "a.gx.json").exists()
