"""Tables of the Glue Data Catalog over the wire: moto's Glue and S3, boto3 and Arrow as the clients."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers import s3

import dq
from dq.catalog.base import NamedTable
from dq.catalog.kinds import connect
from dq.catalog.selection import selection
from dq.diagnostics import DataError, DqError

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
TEXT = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
JSON = "org.openx.data.jsonserde.JsonSerDe"
KEYS = {"region": "us-east-1", "access_key": "AKIATESTKEY", "secret_key": "topsecretvalue"}


class Aws:
    """A data lake: a bucket, a database, and what the tests put into them."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        given: dict[str, Any] = {
            "endpoint_url": endpoint,
            "region_name": "us-east-1",
            "aws_access_key_id": "k",
            "aws_secret_access_key": "s",
        }
        self.s3 = boto3.client("s3", **given)
        self.glue = boto3.client("glue", **given)
        self.s3.create_bucket(Bucket="glue-lake")
        self.glue.create_database(DatabaseInput={"Name": "sales"})

    def put(self, key: str, content: bytes | pa.Table) -> None:
        if isinstance(content, pa.Table):
            buffer = io.BytesIO()
            pq.write_table(content, buffer)
            content = buffer.getvalue()
        self.s3.put_object(Bucket="glue-lake", Key=key, Body=content)

    def make(
        self,
        name: str,
        columns: dict[str, str],
        serde: str,
        keys: dict[str, str] | None = None,
        settings: dict[str, str] | None = None,
        location: str = "",
        **parameters: str,
    ) -> None:
        self.glue.create_table(
            DatabaseName="sales",
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": parameters,
                "PartitionKeys": [{"Name": key, "Type": kind} for key, kind in (keys or {}).items()],
                "StorageDescriptor": {
                    "Columns": [{"Name": column, "Type": kind} for column, kind in columns.items()],
                    "Location": location or f"s3://glue-lake/{name}/",
                    "SerdeInfo": {"SerializationLibrary": serde, "Parameters": settings or {}},
                },
            },
        )

    def part(self, name: str, values: list[str], location: str) -> None:
        self.glue.create_partition(
            DatabaseName="sales",
            TableName=name,
            PartitionInput={"Values": values, "StorageDescriptor": {"Location": location}},
        )

    def table(self, name: str, *filters: str) -> NamedTable:
        catalog = connect("glue", "aws", {**KEYS, "endpoint": self.endpoint}, Path())
        return NamedTable(f"aws.sales.{name}", catalog.table(("sales", name)), selection(filters))

    def judge(self, name: str, rules: str, *filters: str) -> list[str]:
        result = dq.evaluate(f"Rules = [ {rules} ]", self.table(name, *filters))
        return [outcome.reason or str(outcome.verdict) for outcome in result.outcomes]

    def rows(self, name: str, *filters: str) -> list[dict[str, Any]]:
        rows = dq.evaluate("Rules = [ RowCount >= 0 ]", self.table(name, *filters)).rows().read_all()
        return [{key: value for key, value in row.items() if "DataQuality" not in key} for row in rows.to_pylist()]


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with s3.moto() as address:
        yield Aws(address)


@pytest.fixture(scope="module")
def orders(aws: Aws) -> Aws:
    """A partitioned table; its files spell columns as they like, one partition lies elsewhere, one has an odd value."""
    columns = {"order_id": "bigint", "amount": "decimal(10,2)", "late": "string"}
    aws.make("orders", columns, PARQUET, {"dt": "string", "y": "int"})
    first = pa.table({"Order_ID": pa.array([1, 2], pa.int32()), "amount": pa.array([1, 2], pa.decimal128(10, 2))})
    second = pa.table({"amount": pa.array([3], pa.decimal128(8, 1)), "Order_ID": pa.array([3], pa.int64())})
    aws.put("orders/dt=2026-11-01/y=2026/1.parquet", first)
    aws.put("orders/dt=2026-11-01/y=2026/_SUCCESS", b"")
    aws.put("elsewhere/x/2.parquet", second)
    aws.put("orders/dt=007/y=1999/3.parquet", second)
    aws.put("orders/odd/4.parquet", second)
    aws.part("orders", ["2026-11-01", "2026"], "s3://glue-lake/orders/dt=2026-11-01/y=2026/")
    aws.part("orders", ["2026-11-02", "2026"], "s3://glue-lake/elsewhere/x")
    aws.part("orders", ["007", "1999"], "s3://glue-lake/orders/dt=007/y=1999/")
    aws.part("orders", ["a/b c=d", "2000"], "s3://glue-lake/orders/odd/")
    return aws


def test_a_table_has_the_columns_of_the_catalog(orders: Aws) -> None:
    found = sorted(orders.rows("orders"), key=lambda row: (row["dt"], row["order_id"]))
    assert list(found[0]) == ["order_id", "amount", "late", "dt", "y"]
    assert [(row["dt"], row["y"], row["order_id"]) for row in found] == [
        ("007", 1999, 3),
        ("2026-11-01", 2026, 1),
        ("2026-11-01", 2026, 2),
        ("2026-11-02", 2026, 3),
        ("a/b c=d", 2000, 3),
    ]
    assert {row["late"] for row in found} == {None}


def test_rules_are_judged_and_what_was_assumed_is_told(orders: Aws) -> None:
    rules = (
        'RowCount = 5, IsComplete "order_id", Completeness "late" = 0, ColumnValues "dt" in ["007"] where "y = 1999"'
    )
    result = dq.evaluate(f"Rules = [ {rules} ]", orders.table("orders"))
    assert [outcome.reason for outcome in result.outcomes if not outcome.passed] == []
    (table,) = result.tables
    assert "Glue table `sales.orders`" in table.description
    assert "4 partitions" in table.notes
    assert 'column "late" stands in the catalog and in no file: it is NULL' in table.notes


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (["dt=2026-11-01"], [1, 2]),
        (["dt=2026-11-01..2026-11-30"], [1, 2, 3]),
        (["y>=2000"], [1, 2, 3, 3]),
        (["Y=2026", "dt=latest"], [3]),
        (["dt=007"], [3]),
        (["dt=a/b c=d"], [3]),
        (["dt!=007", "y=1999,2000"], [3]),
    ],
)
def test_partitions_are_chosen_before_anything_is_read(orders: Aws, filters: list[str], ids: list[int]) -> None:
    assert sorted(row["order_id"] for row in orders.rows("orders", *filters)) == ids


def test_a_filter_that_keeps_no_partition_is_no_pass(orders: Aws) -> None:
    with pytest.raises(DataError, match="no partition that meets dt=2020-01-01"):
        orders.judge("orders", "RowCount = 0", "dt=2020-01-01")
    with pytest.raises(DqError, match="`amount` is no partition key"):
        orders.judge("orders", "RowCount = 0", "amount=1")


def test_text_files_are_read_by_the_order_and_the_types_of_the_catalog(aws: Aws) -> None:
    columns = {"id": "string", "qty": "int", "day": "date"}
    aws.make("texts", columns, TEXT, {"c": "string"}, {"field.delim": ";"}, **{"skip.header.line.count": "1"})
    aws.put("texts/c=de/a.csv", b"x;y;z\n007;1;2026-01-01\n\\N;2;\\N\n")
    aws.put("texts/c=fr/b.csv", b"x;y;z\n9;3;2026-01-03\n")
    for country in ("de", "fr"):
        aws.part("texts", [country], f"s3://glue-lake/texts/c={country}/")
    found = sorted(aws.rows("texts"), key=lambda row: row["qty"])
    assert found == [
        {"id": "007", "qty": 1, "day": date(2026, 1, 1), "c": "de"},
        {"id": None, "qty": 2, "day": None, "c": "de"},
        {"id": "9", "qty": 3, "day": date(2026, 1, 3), "c": "fr"},
    ]
    aws.put("texts/c=fr/b.csv", b"x;y;z\n9;many;2026-01-03\n")
    result = dq.evaluate('Rules = [ Sum "qty" > 0 ]', aws.table("texts"))
    assert result.outcomes[0].verdict == dq.Verdict.ERROR
    assert any('column "qty" is read as text' in note for note in result.tables[0].notes)


def test_json_files_are_read_by_the_names_of_the_catalog(aws: Aws) -> None:
    aws.make("events", {"id": "string", "n": "bigint", "more": "double"}, JSON)
    aws.put("events/1.json", b'{"id": "007", "N": 5, "left": 1}\n{"id": "8", "N": 6}\n')
    assert aws.rows("events") == [{"id": "007", "n": 5, "more": None}, {"id": "8", "n": 6, "more": None}]


def test_projected_partitions_need_no_listing(aws: Aws) -> None:
    settings = {
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": "2026-01-01,2026-01-04",
        "storage.location.template": "s3://glue-lake/days/${dt}/",
    }
    aws.make("days", {"n": "bigint"}, PARQUET, {"dt": "date"}, **settings)
    for day in (2, 3):
        aws.put(f"days/2026-01-0{day}/x.parquet", pa.table({"n": [day]}))
    assert sorted(row["n"] for row in aws.rows("days")) == [2, 3]
    assert aws.rows("days", "dt>2026-01-02") == [{"n": 3, "dt": date(2026, 1, 3)}]


def test_a_table_without_partitions(aws: Aws) -> None:
    aws.make("plain", {"n": "bigint"}, PARQUET)
    with pytest.raises(DataError, match=r"Glue table `sales\.plain` has no files"):
        aws.judge("plain", "RowCount = 0")
    aws.put("plain/deep/1.parquet", pa.table({"n": [1, 2]}))
    assert aws.judge("plain", "RowCount = 2") == ["PASSED"]


def test_files_that_spell_a_column_in_two_ways_have_one(aws: Aws) -> None:
    aws.make("mixed", {"id": "bigint"}, PARQUET)
    aws.put("mixed/1.parquet", pa.table({"Id": [1]}))
    aws.put("mixed/2.parquet", pa.table({"ID": [2]}))
    assert sorted(row["id"] for row in aws.rows("mixed")) == [1, 2]


def test_iceberg_and_delta_tables_are_read_as_those(aws: Aws, tmp_path: Path) -> None:
    from pyiceberg.catalog import load_catalog

    properties = {
        "type": "glue",
        "glue.endpoint": aws.endpoint,
        "s3.endpoint": aws.endpoint,
        "client.region": "us-east-1",
        "client.access-key-id": "k",
        "client.secret-access-key": "s",
        "warehouse": "s3://glue-lake/warehouse",
    }
    catalog = load_catalog("made", **properties)
    made = catalog.create_table("sales.ice", schema=pa.schema([("n", pa.int64())]))
    made.append(pa.table({"n": [1, 2, 3]}))
    assert aws.judge("ice", 'RowCount = 3, Sum "n" = 6') == ["PASSED", "PASSED"]

    import deltalake

    options = {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
    }
    deltalake.write_deltalake("s3://glue-lake/delta", pa.table({"n": [1, 2]}), storage_options=options)
    aws.make("delta", {"n": "bigint"}, TEXT, location="s3://glue-lake/delta", **{"spark.sql.sources.provider": "delta"})
    assert aws.judge("delta", 'RowCount = 2, Sum "n" = 3') == ["PASSED", "PASSED"]


def test_a_view_and_an_unknown_format_are_told(aws: Aws) -> None:
    aws.glue.create_table(DatabaseName="sales", TableInput={"Name": "seen", "TableType": "VIRTUAL_VIEW"})
    with pytest.raises(DataError, match=r"`sales\.seen` is a view"):
        aws.judge("seen", "RowCount = 0")
    aws.make("orc", {"n": "bigint"}, "org.apache.hadoop.hive.ql.io.orc.OrcSerde")
    with pytest.raises(DataError, match="is written as ORC"):
        aws.judge("orc", "RowCount = 0")


def test_databases_and_tables_are_listed_and_described(orders: Aws) -> None:
    catalog = connect("glue", "aws", {**KEYS, "endpoint": orders.endpoint}, Path())
    assert "sales" in [entry.name for entry in catalog.children(())]
    assert "orders" in [entry.name for entry in catalog.children(("sales",)) if entry.is_table]
    described = catalog.table(("Sales", "Orders")).describe()
    assert described.schema.names == ("order_id", "amount", "late", "dt", "y")
    assert (described.partitions, described.parts) == (("dt", "y"), 4)


@pytest.mark.parametrize(
    ("path", "message", "advice"),
    [
        (("sale", "orders"), "has no database `sale`", "did you mean `sales`?"),
        (("sales", "order"), "has no table `order`", "did you mean `orders`?"),
    ],
)
def test_a_name_that_is_not_there_has_a_neighbour(
    orders: Aws, path: tuple[str, str], message: str, advice: str
) -> None:
    catalog = connect("glue", "aws", {**KEYS, "endpoint": orders.endpoint}, Path())
    with pytest.raises(DataError, match=message) as error:
        catalog.table(path)
    assert error.value.help == advice


def test_a_server_that_is_not_there_is_told_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    from dq.catalog import aws as clients

    monkeypatch.setattr(clients, "ATTEMPTS", 2)
    catalog = connect("glue", "aws", {**KEYS, "endpoint": "http://127.0.0.1:9"}, Path())
    with pytest.raises(DataError, match="Could not connect to the endpoint URL") as error:
        catalog.table(("sales", "orders"))
    assert "topsecret" not in f"{error.value} {error.value.__cause__!r}"
