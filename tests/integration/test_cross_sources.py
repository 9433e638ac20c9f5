"""One project over several systems: orders on S3, customers in PostgreSQL, a list in SQLite, a target in DynamoDB."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers import s3
from servers.postgres import PASSWORD, Server, postgres

import dq
from dq.cli import run

PROJECT = """
[catalog.lake]
kind = "files"
path = "s3://crossing"
endpoint = "${LAKE_ENDPOINT}"
region = "us-east-1"

[catalog.shop]
kind = "postgres"
url = "${SHOP_URL}"

[catalog.lists]
kind = "sqlite"
path = "lists.db"

[catalog.app]
kind = "dynamodb"
endpoint = "${LAKE_ENDPOINT}"
region = "us-east-1"

[check.orders]
table = "lake.orders"
ruleset = "orders.dqdl"
references = { customers = "shop.public.customers", statuses = "lists.statuses", totals = "app.crossing_totals" }
partition = ["dt=latest"]
"""

RULES = """Rules = [
    RowCount = 3,
    ReferentialIntegrity "customer" "customers.id" = 1,
    ReferentialIntegrity "status" "statuses.name" >= 0.5,
    AggregateMatch "sum(amount)" "sum(totals.amount)" = 1,
    RowCountMatch "customers" = 1,
    DatasetMatch "customers" "customer->id" "name->name" = 1
]"""


@pytest.fixture(scope="module")
def systems() -> Iterator[tuple[str, Server]]:
    with s3.moto() as endpoint, postgres() as server:
        yield endpoint, server


@pytest.fixture
def project(systems: tuple[str, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    endpoint, server = systems
    old = pa.table({"customer": [9], "name": ["z"], "status": ["lost"], "amount": [1000]})
    new = pa.table(
        {"customer": [1, 2, 3], "name": ["a", "b", "c"], "status": ["open", "paid", "odd"], "amount": [1, 2, 3]}
    )
    objects: dict[str, bytes] = {}
    for day, table in (("2026-11-01", old), ("2026-11-02", new)):
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        objects[f"orders/dt={day}/1.parquet"] = buffer.getvalue()
    s3.put(endpoint, "crossing", objects)
    server.run(
        "DROP TABLE IF EXISTS customers",
        "CREATE TABLE customers (id bigint, name text)",
        "INSERT INTO customers VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    )
    with closing(sqlite3.connect(tmp_path / "lists.db")) as lists:
        lists.execute("CREATE TABLE statuses (name TEXT)")
        lists.executemany("INSERT INTO statuses VALUES (?)", [("open",), ("paid",)])
        lists.commit()
    app: Any = boto3.client(
        "dynamodb", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    if "crossing_totals" not in app.list_tables()["TableNames"]:
        app.create_table(
            TableName="crossing_totals",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        app.put_item(TableName="crossing_totals", Item={"id": {"S": "x"}, "amount": {"N": "6"}})
    (tmp_path / "dq.toml").write_text(PROJECT)
    (tmp_path / "orders.dqdl").write_text(RULES)
    for name, value in {**s3.ENVIRONMENT, "LAKE_ENDPOINT": endpoint, "SHOP_URL": server.url()}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_check_joins_four_systems(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["evaluate", "--format", "json"])
    told = capsys.readouterr()
    assert code == 0, told.out + told.err
    (check,) = json.loads(told.out)["checks"]
    outcomes = check["evaluations"][0]["outcomes"]
    assert [outcome["verdict"] for outcome in outcomes] == ["PASSED"] * 6
    assert list(outcomes[2]["metrics"].values()) == [pytest.approx(2 / 3)]
    for secret in (PASSWORD, s3.SECRET):
        assert secret not in told.out + told.err


def test_tables_by_name_are_data(project: Path) -> None:
    data = {"primary": dq.table("lake.orders", partition=["dt=2026-11-02"]), "customers": dq.table("shop.customers")}
    result = dq.evaluate('Rules = [ ReferentialIntegrity "customer" "customers.id" = 1, RowCount = 3 ]', data)
    assert result.passed
    fetched = next(table for table in result.tables if table.alias == "customers")
    assert "customers" in fetched.description


def test_a_server_that_is_down_is_told_without_its_password(
    project: Path, systems: tuple[str, Server], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = urlsplit(systems[1].url())
    monkeypatch.setenv("SHOP_URL", url._replace(netloc=f"{url.netloc.rpartition(':')[0]}:9").geturl())
    code = run(["evaluate", "--check", "orders"])
    told = capsys.readouterr()
    assert code == 3
    assert "127.0.0.1" in told.out + told.err
    assert PASSWORD not in told.out + told.err


@pytest.mark.parametrize("down", [False, True])
def test_no_credential_is_shown_anywhere(
    project: Path,
    systems: tuple[str, Server],
    down: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if down:
        url = urlsplit(systems[1].url())
        monkeypatch.setenv("SHOP_URL", url._replace(netloc=f"{url.netloc.rpartition(':')[0]}:9").geturl())
        monkeypatch.setenv("LAKE_ENDPOINT", "http://127.0.0.1:9")
    reports = ["-o", "report.html", "-o", "report.json", "-o", "report.txt", "--history", "history.jsonl", "-v"]
    table = ["orders.dqdl", "--table", "shop.customers", *reports]
    for command in (
        ["evaluate", "-o", "all.html", "-o", "all.json"],
        ["--debug", "evaluate", *table],
        ["explain", "orders.dqdl", "--table", "shop.customers"],
        ["catalog", "ls"],
        ["catalog", "ls", "shop"],
        ["catalog", "show", "shop.public.customers"],
        ["catalog", "show", "app.crossing_totals"],
        ["--debug", "catalog", "show", "lake.orders"],
    ):
        run(command)
    told = capsys.readouterr()
    shown = {"standard output": told.out, "standard error": told.err}
    given = {"dq.toml", "orders.dqdl", "lists.db"}
    shown |= {path.name: path.read_text() for path in project.rglob("*") if path.is_file() and path.name not in given}
    assert told.out + told.err
    assert {name for name, text in shown.items() for secret in SECRETS if secret in text} == set()


SECRETS = (PASSWORD, quote(PASSWORD, safe=""), s3.SECRET, s3.TOKEN)
