"""Tables by name, from a project on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

import dq
from dq.catalog.base import Entry
from dq.project.project import locate

PROJECT = """\
[catalog.lake]
kind = "files"
path = "${LAKE:-data}"

[table.orders]
from = "lake.sales.orders"
partition = "dt=latest"
delimiter = ";"

[table."crm.customers"]
path = "data/customers.csv"

[table.elsewhere]
path = "${NOT_SET_ANYWHERE}/x.csv"

[defaults]
samples = 1
history = "history.jsonl"

[check.orders]
ruleset = "orders.dqdl"
table = "orders"
references = { customers = "lake.customers" }
samples = 2
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for day, text in (("01", "id;amount\n1;2\n2;\n"), ("02", "id;amount\n3;2\n")):
        part = tmp_path / f"data/sales/orders/dt=2026-11-{day}"
        part.mkdir(parents=True)
        (part / "part-0.csv").write_text(text)
    (tmp_path / "data/customers.csv").write_text("id\n1\n2\n3\n")
    (tmp_path / "orders.dqdl").write_text('Rules = [ RowCount = 1, ReferentialIntegrity "id" "customers.id" = 1 ]')
    (tmp_path / "dq.toml").write_text(PROJECT)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_table_by_name_is_data(folder: Path) -> None:
    table = dq.table("orders")
    assert dq.evaluate("Rules = [ RowCount = 1 ]", table).passed
    assert dq.evaluate("Rules = [ RowCount = 2 ]", dq.table("orders", partition="dt=2026-11-01")).passed
    assert dq.evaluate("Rules = [ RowCount = 3 ]", dq.table("orders", partition=["dt>=2026-11-01"])).passed
    assert dq.evaluate("Rules = [ RowCount = 3 ]", {"primary": dq.table("CRM.customers")}).passed
    assert table.describe().partitions == ("dt",)


@pytest.mark.parametrize(("dataset", "goes_by"), [(None, "orders"), ("mine", "mine")])
def test_a_table_that_has_a_name_goes_by_it_in_its_history(folder: Path, dataset: str | None, goes_by: str) -> None:
    history = dq.MemoryHistory()
    options = dq.Options(history=history, dataset=dataset)
    for data in (dq.table("orders"), {"primary": dq.table("orders")}):
        assert dq.evaluate("Rules = [ RowCount = 1 ]", data, options=options).notes == ()
    assert {series.dataset for run in history.runs for series in run.values} == {goes_by}


def test_what_was_judged_is_told_by_its_name_and_its_part(folder: Path) -> None:
    (read,) = dq.evaluate("Rules = [ RowCount = 1 ]", dq.table("orders")).tables
    assert read.description == "orders, dt=latest: data/sales/orders"


def test_the_caller_says_how_files_are_read_before_the_project(folder: Path) -> None:
    result = dq.evaluate("Rules = [ ColumnCount = 2 ]", dq.table("orders"), read=dq.ReadOptions(delimiter="|"))
    assert result.passed, result
    assert dq.evaluate("Rules = [ ColumnCount = 3 ]", dq.table("orders"), read=dq.ReadOptions(header=True)).passed


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("ordrs", dq.DqError, "did you mean `orders`?"),
        ("lake", dq.DqError, "is a catalog, not a table"),
        ("nowhere.orders", dq.DqError, "no table `nowhere.orders`"),
        ("lake..orders", dq.DqError, "no name of a table"),
        ("lake.sales.ordrs", dq.DataError, "did you mean `orders`?"),
        ("lake.sale.orders", dq.DataError, "`lake` has no folder `sale`"),
        ("elsewhere", dq.DqError, "no variable `NOT_SET_ANYWHERE`, which dq.toml:14 needs"),
    ],
)
def test_a_name_that_means_nothing_is_told(folder: Path, name: str, kind: type[dq.DqError], words: str) -> None:
    with pytest.raises(dq.DqError) as error:
        dq.table(name)
    assert type(error.value) is kind
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("selection", "kind", "words"),
    [
        ({"partition": "dt=2027-01-01"}, dq.DataError, "its partitions are dt=2026-11-01, dt=2026-11-02"),
        ({"partition": "country=DE"}, dq.DqError, "partition columns: `dt`"),
        ({"partition": "2026"}, dq.DqError, "no partition filter"),
        ({"snapshot": "1"}, dq.DqError, "have no versions"),
        ({"as_of": "2026-11-01"}, dq.DqError, "have no versions"),
    ],
)
def test_a_selection_that_keeps_nothing_is_an_error(
    folder: Path, selection: dict[str, str], kind: type[dq.DqError], words: str
) -> None:
    with pytest.raises(dq.DqError) as error:
        dq.evaluate("Rules = [ RowCount > 0 ]", dq.table("orders", **selection))
    assert type(error.value) is kind
    assert words in str(error.value)


def test_what_is_left_out_is_not_even_opened(folder: Path) -> None:
    (folder / "data/sales/orders/dt=2026-11-01/part-0.csv").write_bytes(b"PAR1 and no CSV")
    assert dq.evaluate("Rules = [ RowCount = 1 ]", dq.table("orders")).passed


def test_partitions_without_a_value_meet_no_filter(folder: Path) -> None:
    part = folder / "data/sales/orders/dt=__HIVE_DEFAULT_PARTITION__"
    part.mkdir()
    (part / "part-0.csv").write_text("id;amount\n9;9\n")
    assert dq.evaluate("Rules = [ RowCount = 1 ]", dq.table("orders")).passed
    assert dq.evaluate("Rules = [ RowCount = 1 ]", dq.table("orders", partition="dt!=2026-11-02")).exit_code == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("# a comment\n\n# dq: table = orders\nRules = [ RowCount = {} ]", 1),
        ('DataSources = {{ "Primary": "crm.customers" }}\nRules = [ RowCount = {} ]', 3),
        ('# dq: table = orders\nDataSources = {{ "Primary": "crm.customers" }}\nRules = [ RowCount = {} ]', 1),
        (
            'DataSources = {{ "Primary": "orders", "AdditionalDataSources": ["crm.customers"] }} Rules = [ RowCount = {}, RowCountMatch "crm.customers" > 0.1 ]',
            1,
        ),
    ],
)
def test_a_ruleset_says_which_table_it_is_for(folder: Path, text: str, count: int) -> None:
    (folder / "said.dqdl").write_text(text.format(count))
    result = dq.evaluate("said.dqdl")
    assert result.passed, result
    assert dq.explain("said.dqdl").problems == {}


def test_a_check_says_which_table_its_ruleset_is_for(folder: Path) -> None:
    assert dq.evaluate("orders.dqdl").passed
    with (folder / "dq.toml").open("a") as file:
        file.write('[check.others]\nruleset = "*.dqdl"\ntable = "crm.customers"\n')
    with pytest.raises(dq.DqError, match="the checks `orders`, `others` judge different tables"):
        dq.evaluate("orders.dqdl")


def test_data_that_is_given_comes_before_what_the_ruleset_says(folder: Path) -> None:
    assert not dq.evaluate(folder / "orders.dqdl", "data/customers.csv").passed


def test_a_comment_that_says_nothing_known_is_an_error(folder: Path) -> None:
    (folder / "said.dqdl").write_text("# dq: tabel = orders\nRules = [ RowCount = 1 ]")
    with pytest.raises(dq.DqError, match="says nothing that is known"):
        dq.evaluate("said.dqdl")


def test_without_a_project_a_named_table_is_told_to_be_missing(folder: Path) -> None:
    (folder / "dq.toml").unlink()
    (folder / "said.dqdl").write_text("# dq: table = orders\nRules = [ RowCount = 1 ]")
    with pytest.raises(dq.DqError, match="there is no project file"):
        dq.evaluate("said.dqdl")
    with pytest.raises(dq.DqError, match="there is no project file"):
        dq.table("orders")


def test_a_project_is_found_upward_to_the_repository(folder: Path) -> None:
    (folder / "a/b").mkdir(parents=True)
    assert locate(folder / "a/b") == folder / "dq.toml"
    (folder / "a/pyproject.toml").write_text("[project]\nname = 'dq'\n")
    assert locate(folder / "a/b") == folder / "dq.toml"
    (folder / "a/pyproject.toml").write_text("[tool.dq.table.x]\npath = 'x'\n")
    assert locate(folder / "a/b") == folder / "a/pyproject.toml"
    (folder / "a/b/.git").touch()
    assert locate(folder / "a/b") is None


def test_defaults_hold_where_a_check_says_nothing_else(folder: Path) -> None:
    check = dq.Project.find().check("orders")
    assert check.settings["samples"] == 2
    assert check.settings["history"] == str(folder / "history.jsonl")
    assert check.rulesets == (Path("orders.dqdl"),)


def test_a_broken_project_is_refused_whole(folder: Path) -> None:
    (folder / "dq.toml").write_text("[table.x]\n[chekc.y]\n")
    with pytest.raises(dq.DqError) as error:
        dq.Project.load(folder / "dq.toml")
    assert [each.code for each in error.value.diagnostics] == ["DQ406", "DQ402"]


def test_a_folder_is_a_catalog(folder: Path) -> None:
    with dq.Project.find() as project:
        lake = project.catalog("LAKE")
        assert lake is project.catalog("lake")
        assert lake.children(()) == [Entry("customers", True), Entry("sales", False)]
        assert lake.children(("sales",)) == [Entry("orders", True)]


def test_a_file_of_a_folder_is_named_with_its_suffix_where_it_must_be(folder: Path) -> None:
    (folder / "data/customers.json").write_text('{"id": 1}\n')
    assert dq.Project.find().catalog("lake").children(())[:2] == [
        Entry("customers.csv", True),
        Entry("customers.json", True),
    ]
    with pytest.raises(dq.DataError) as error:
        dq.table("lake.customers")
    assert '`lake."customers.csv"` or `lake."customers.json"`' in error.value.message
    assert dq.evaluate("Rules = [ RowCount = 1 ]", dq.table('lake."customers.json"')).passed
