"""`dq catalog` over a bucket: what is listed, found and declared, and how much is read for it."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers import s3
from test_catalog_cli import Done, run

from dq.catalog.files import listing
from dq.files.stores import Store


def parquet(**columns: list[Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


LONG = b"id,text\n" + b"".join(b"%d,%s\n" % (at, b"x" * 100) for at in range(40_000))

OBJECTS = {
    "raw/": b"",
    "raw/customers.parquet": parquet(id=[1, 2], email=["a", None]),
    "raw/sales/orders/dt=2026-11-01/part-0.parquet": parquet(id=[1], amount=[2.5]),
    "raw/sales/orders/dt=2026-11-02/part-0.parquet": parquet(id=[2, 3], amount=[2.5, 4.0]),
    "raw/logs/monday.csv": b"a,b\n1,2\n",
    "raw/logs/tuesday.csv": b"a,b\n1,\n",
    "raw/mixed/x.csv": b"a,b\n1,2\n",
    "raw/mixed/y.json": b'{"z": 1}\n',
    "raw/mixed/broken.parquet": b"PAR1",
    "raw/mixed/README": b"hello",
    "raw/changed/_delta_log/0.json": b"{}",
    "raw/changed/part-0.parquet": parquet(id=[1]),
    "raw/evolved/metadata/v1.metadata.json": b"{}",
    "raw/evolved/data/part-0.parquet": parquet(id=[1]),
    "raw/_tmp/part-0.parquet": parquet(id=[1]),
    "long/lines.csv": LONG,
    **{f"wide/part-{at:03d}.parquet": parquet(id=[at]) for at in range(60)},
}


@pytest.fixture(scope="module")
def between() -> Iterator[s3.Proxy]:
    with s3.moto() as server, s3.proxy(server) as state:
        s3.put(server, "catalogs", OBJECTS)
        yield state


@pytest.fixture
def wire(between: s3.Proxy, monkeypatch: pytest.MonkeyPatch) -> s3.Proxy:
    for name, value in {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL": between.address, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    between.reset()
    return between


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "dq.toml").write_text('[catalog.lake]\nkind = "files"\npath = "s3://catalogs/raw"\n')
    return tmp_path


TREE = """\
├─ changed
├─ customers
├─ evolved/
│  ├─ data
│  └─ metadata
├─ logs/
│  ├─ monday
│  └─ tuesday
├─ mixed/
│  ├─ broken
│  ├─ x
│  └─ y
└─ sales/
   └─ orders
"""


def test_a_bucket_is_listed_as_a_tree(wire: s3.Proxy, folder: Path) -> None:
    assert run(folder, "catalog", "ls", "s3://catalogs/raw").stdout == f"s3://catalogs/raw  (files)\n{TREE}"
    assert run(folder, "catalog", "ls").stdout == f"lake  (files)\n{TREE}"
    assert {each.method for each in wire.requests if not each.lists} == set(), "nothing is opened"
    assert run(folder, "catalog", "ls", "lake.sales").stdout == "lake.sales  (files)\n└─ orders\n"
    top = run(folder, "catalog", "ls", "s3://catalogs", "--depth", "1").stdout
    assert top == "s3://catalogs  (files)\n├─ long/\n├─ raw/ …\n└─ wide\n".replace("long/", "long/ …")


def test_names_below_a_bucket_are_found_without_their_suffix(wire: s3.Proxy, folder: Path) -> None:
    for name, rows in (("lake.customers", 2), ("lake.sales.orders", 3), ('lake."customers.parquet"', 2)):
        done = run(folder, "evaluate", "--rule", f"RowCount = {rows}", "--table", name)
        assert done.returncode == 0, done.stdout + done.stderr
    done = run(folder, "evaluate", "--rule", "RowCount > 0", "--table", "lake.custmers")
    assert (done.returncode, "did you mean `customers`?" in done.stderr) == (3, True)


def test_a_bucket_is_crawled_into_tables(wire: s3.Proxy, folder: Path) -> None:
    shown = json.loads(run(folder, "catalog", "crawl", "s3://catalogs/raw/", "--dry-run", "--format", "json").stdout)
    assert {each["name"]: (each["format"], each["partitions"]) for each in shown["tables"]} == {
        "customers": ("parquet", []),
        "logs": ("csv", []),
        "x": ("csv", []),
        "y": ("json", []),
        "orders": ("parquet", ["dt"]),
    }
    (orders,) = (each for each in shown["tables"] if each["name"] == "orders")
    assert [(each["name"], each["type"]) for each in orders["columns"]] == [
        ("id", "BIGINT"), ("amount", "DOUBLE"), ("dt", "DATE"),
    ]  # fmt: skip
    skipped = {each["path"].removeprefix("s3://catalogs/raw/"): each["reason"] for each in shown["skipped"]}
    assert set(skipped) == {"mixed", "mixed/broken.parquet", "changed", "evolved"}
    assert "a table of Delta" in skipped["changed"]
    assert "a table of Iceberg" in skipped["evolved"]
    assert run(folder, "catalog", "crawl", "s3://catalogs/raw").returncode == 0
    text = (folder / "dq.toml").read_text()
    assert tomllib.loads(text)["table"]["orders"] == {"path": "s3://catalogs/raw/sales/orders", "format": "parquet"}
    assert run(folder, "catalog", "crawl", "s3://catalogs/raw").stdout.count("(declared already)") == 5
    assert (folder / "dq.toml").read_text() == text
    rule = ("evaluate", "--rule", "RowCount = 2", "--table", "orders", "--partition", "dt=latest")
    assert run(folder, *rule).returncode == 0


def crawled(folder: Path, url: str) -> tuple[Done, Any]:
    done = run(folder, "catalog", "crawl", url, "--dry-run", "--format", "json")
    return done, json.loads(done.stdout)["tables"]


def test_of_long_text_the_first_lines_are_fetched(wire: s3.Proxy, folder: Path) -> None:
    _, (table,) = crawled(folder, "s3://catalogs/long")
    assert [(each["name"], each["type"]) for each in table["columns"]] == [("id", "BIGINT"), ("text", "VARCHAR")]
    assert wire.bytes < len(LONG) / 3
    assert run(folder, "evaluate", "--rule", "RowCount = 40000", "s3://catalogs/long/lines.csv").returncode == 0


def test_of_many_files_some_are_opened(wire: s3.Proxy, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dq.project.crawling.COMPARED", 5)
    _, (table,) = crawled(folder, "s3://catalogs/wide")
    assert (table["paths"], table["rows"]) == (["s3://catalogs/wide"], None)
    assert len({each.path for each in wire.requests if each.method == "GET" and not each.lists}) < 30
    assert "60 parquet files" in run(folder, "catalog", "crawl", "s3://catalogs/wide", "--dry-run").stdout


def test_whether_a_folder_is_a_table_is_told_by_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with s3.many_keys(50_000) as (address, pages):
        held = listing("s3://big/p", Store(endpoint=address), most=1_000)
    assert (len(held.files), pages) == (1_000, [1_000])


@pytest.mark.parametrize("command", [["ls"], ["crawl", "s3://catalogs/raw"], ["ls", "s3://catalogs/raw"]])
@pytest.mark.parametrize(
    ("fault", "words"),
    [(s3.Fault(403, "AccessDenied"), "AccessDenied"), (s3.Fault(503, "SlowDown"), "SlowDown")],
)
def test_a_bucket_that_cannot_be_listed_is_an_error(
    wire: s3.Proxy, folder: Path, command: list[str], fault: s3.Fault, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    wire.fails(fault, lambda request: True)
    done = run(folder, "catalog", *command)
    assert done.returncode == 3, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    for secret in (s3.SECRET, s3.TOKEN):
        assert secret not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("url", "words"), [("s3://nowhere-at-all", "nothing at"), ("s3://catalogs/raw/none", "nothing at")]
)
def test_nothing_is_no_empty_catalog(wire: s3.Proxy, folder: Path, url: str, words: str) -> None:
    for command in ("ls", "crawl"):
        done = run(folder, "catalog", command, url)
        assert (done.returncode, words in done.stdout + done.stderr) == (3, True), done.stdout + done.stderr


def test_files_of_a_delta_table_are_not_its_rows(wire: s3.Proxy, folder: Path) -> None:
    local = folder / "changed"
    for name in ("_delta_log/0.json", "part-0.parquet"):
        (local / name).parent.mkdir(parents=True, exist_ok=True)
        (local / name).write_bytes(OBJECTS[f"raw/changed/{name}"])
    for path in ("s3://catalogs/raw/changed", "changed"):
        done = run(folder, "evaluate", "--rule", "RowCount > 0", path)
        assert (done.returncode, "is a Delta table" in done.stderr) == (3, True), done.stderr
