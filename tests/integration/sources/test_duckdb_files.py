"""Tables and views of DuckDB database files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import dq
from dq.catalog.base import Catalog, Entry, NamedTable
from dq.catalog.kinds import connect
from dq.catalog.selection import selection

MADE = """
CREATE TABLE orders AS SELECT range AS id, range % 3 AS customer FROM range(1000);
DELETE FROM orders WHERE id >= 10;
CREATE VIEW big AS SELECT * FROM orders WHERE id > 7;
CREATE VIEW reads AS SELECT * FROM read_csv('other.csv');
CREATE SCHEMA sales;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE sales."Order Items" (id UUID, felt mood, more STRUCT(a INTEGER));
INSERT INTO sales."Order Items" VALUES (uuid(), 'happy', {a: 1});
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "other.csv").write_text("id\n1\n")
    made = tmp_path / "shop.duckdb"
    with duckdb.connect(str(made)) as connection:
        # Two views are made as a writer in that folder would make them.
        connection.execute(MADE.replace("'other.csv'", f"'{tmp_path / 'other.csv'}'"))
    return made


@pytest.fixture
def shop(path: Path) -> Catalog:
    return connect("duckdb", "shop", {"path": path.name}, path.parent)


def named(shop: Catalog, *parts: str) -> NamedTable:
    return NamedTable(".".join(parts), shop.table(parts))


def test_schemas_are_namespaces_and_main_needs_no_name(shop: Catalog) -> None:
    main = [Entry("big", True), Entry("orders", True), Entry("reads", True)]
    assert shop.children(()) == [Entry("sales", False), *main]
    assert shop.children(("main",)) == main
    assert shop.children(("SALES",)) == [Entry("Order Items", True)]


@pytest.mark.parametrize(
    ("parts", "rules"),
    [
        (("orders",), 'RowCount = 10, IsUnique "id", ColumnValues "customer" in [0, 1, 2]'),
        (("main", "ORDERS"), "RowCount = 10"),
        (("big",), "RowCount = 2"),
        (("sales", "Order Items"), 'RowCount = 1, ColumnValues "felt" in ["happy"], ColumnExists "more"'),
    ],
)
def test_tables_and_views_are_judged_in_place(shop: Catalog, parts: tuple[str, ...], rules: str) -> None:
    result = dq.evaluate(f"Rules = [ {rules} ]", named(shop, *parts))
    assert result.passed, result
    assert result.rows().read_all().num_rows == result.tables[0].rows


def test_two_tables_of_one_file_and_a_frame_are_joined(shop: Catalog) -> None:
    data = {"primary": named(shop, "orders"), "big": named(shop, "big"), "customers": [{"id": 0}, {"id": 1}]}
    rules = 'ReferentialIntegrity "customer" "customers.id" > 0.6, ReferentialIntegrity "id" "big.id" = 0.2'
    assert dq.evaluate(f"Rules = [ {rules} ]", data).passed


def test_a_row_count_is_not_told_when_it_is_an_estimate(shop: Catalog) -> None:
    description = shop.table(("orders",)).describe()
    assert (description.kind, description.rows, description.properties) == ("table", None, {"rows, about": "1,000"})
    assert [column.name for column in description.schema.columns] == ["id", "customer"]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (("ordres",), "did you mean `orders`?"),
        (("sale", "orders"), "did you mean `sales`?"),
        (("sales", "orders"), "`shop.sales` has no table `orders`"),
        (("a", "b", "c"), "too many parts"),
    ],
)
def test_what_is_not_there_is_told(shop: Catalog, parts: tuple[str, ...], words: str) -> None:
    with pytest.raises(dq.DataError) as error:
        shop.table(parts)
    assert words in str(error.value)


def test_a_view_reads_no_files(shop: Catalog) -> None:
    with pytest.raises(dq.DataError, match=r"the view `main.reads` .* cannot be read: Cannot access file"):
        dq.evaluate("Rules = [ RowCount = 1 ]", named(shop, "reads"))


@pytest.mark.parametrize("wanted", [selection(["dt=1"]), selection(snapshot="1"), selection(as_of="2026-11-01")])
def test_it_has_no_partitions_and_no_versions(shop: Catalog, wanted: object) -> None:
    with pytest.raises(dq.DqError, match="no partitions and no versions"):
        dq.evaluate("Rules = [ RowCount = 1 ]", NamedTable("orders", shop.table(("orders",)), wanted))  # type: ignore[arg-type]


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("id,name\n")
    (tmp_path / "cut.duckdb").write_bytes(b"\0" * 8 + b"DUCK" + b"\xff" * 40)
    for name, words in (
        ("text", "not a valid DuckDB database"),
        ("cut", "cannot be opened"),
        ("nowhere", "there is no"),
    ):
        with pytest.raises(dq.DataError, match=words):
            connect("duckdb", "shop", {"path": f"{name}.duckdb"}, tmp_path).children(())


WRITER = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


def test_a_file_that_is_being_written_to_is_told_and_read_when_it_is_not(path: Path, shop: Catalog) -> None:
    table = named(shop, "orders")
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        writer.stdout.readline()
        with pytest.raises(dq.DataError, match="another process has it open for writing"):
            dq.evaluate("Rules = [ RowCount = 10 ]", table)
        writer.stdin.close()
        writer.wait(30)
    assert dq.evaluate("Rules = [ RowCount = 10 ]", table).passed
    with duckdb.connect(str(path)) as ours:
        with pytest.raises(dq.DataError, match="this process has it open for writing"):
            shop.children(())
        ours.execute("INSERT INTO orders VALUES (10, 1)")
    assert dq.evaluate("Rules = [ RowCount = 11 ]", table).passed
