"""Iceberg tables in Glue and Delta tables, with their data on S3, over the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import icebergs
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType
from servers import aws, s3

import dq
from dq.catalog.base import NamedTable, Table
from dq.catalog.iceberg import table_at
from dq.catalog.kinds import connect
from dq.catalog.selection import selection
from dq.diagnostics import DataError

WRITER = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "y"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that speaks Glue and S3, with a bucket."""
    with aws.serving() as address:
        boto3.client("s3", endpoint_url=address, **WRITER).create_bucket(Bucket="lakes")
        yield address


def ids(table: Table, *partitions: str) -> list[Any]:
    rows = dq.evaluate("Rules = [ RowCount >= 0 ]", NamedTable("t", table, selection(partitions))).rows().read_all()
    return sorted(rows["id"].to_pylist())


def test_iceberg_tables_of_glue_are_read(server: str, tmp_path: Path) -> None:
    store = {"s3.endpoint": server, "s3.region": "us-east-1", "s3.access-key-id": "x", "s3.secret-access-key": "y"}
    client = boto3.client("glue", endpoint_url=server, **WRITER)
    writer = GlueCatalog("w", client, warehouse="s3://lakes/wh", **store)
    writer.create_namespace("sales")
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "region", StringType()))
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "region"))
    native = writer.create_table("sales.orders", schema, partition_spec=spec)
    native.append(icebergs.rows(native, id=[1, 2, 3], region=["eu", "us", "eu"]))
    settings = {"type": "glue", "endpoint": server, "glue.endpoint": server, "warehouse": "s3://lakes/wh", **aws.KEYS}
    lake = connect("iceberg", "lake", settings, tmp_path)
    assert [(each.name, each.is_table) for each in lake.children(())] == [("sales", False)]
    table = lake.table(("Sales", "Orders"))
    assert ids(table, "region=eu") == [1, 3]
    assert table.describe().location == "s3://lakes/wh/sales.db/orders"
    assert ids(table_at(native.metadata_location, {"endpoint": server, **aws.KEYS})) == [1, 2, 3]
    with pytest.raises(DataError, match=r"`lake.sales` has no table `order`"):
        lake.table(("sales", "order"))
    file = next(iter(native.scan().plan_files())).file.file_path
    boto3.client("s3", endpoint_url=server, **WRITER).delete_object(
        Bucket="lakes", Key=file.removeprefix("s3://lakes/")
    )
    with pytest.raises(DataError, match=r"`lake.sales.orders` cannot be read") as told:
        ids(table)
    assert "hush" not in str(told.value)


def test_delta_tables_are_read(server: str, tmp_path: Path) -> None:
    options = {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_REGION": "us-east-1",
        "allow_http": "true",
    }
    data = pa.table({"id": [1, 2, 3], "region": ["eu", "us", "eu"]})
    write_deltalake("s3://lakes/root/sales/Orders", data, partition_by=["region"], storage_options=options)
    lake = connect("delta", "lake", {"path": "s3://lakes/root", "endpoint": server, **aws.KEYS}, tmp_path)
    assert [(each.name, each.is_table) for each in lake.children(())] == [("sales", False)]
    table = lake.table(("sales", "orders"))
    told = table.describe()
    assert (told.rows, told.location, len(told.versions)) == (3, "s3://lakes/root/sales/Orders", 1)
    assert ids(table, "region=eu") == [1, 3]
    with pytest.raises(DataError, match=r"`lake.sales` has no table `nope`"):
        lake.table(("sales", "nope"))


# -- faults --------------------------------------------------------------------------------------------

STORE = {"s3.endpoint": "", "s3.region": "us-east-1", "s3.access-key-id": "x", "s3.secret-access-key": "y"}


@pytest.fixture(scope="module")
def lakes(server: str) -> Iterator[tuple[s3.Proxy, dict[str, Callable[[], Table]]]]:
    """A proxy before the server, and by its kind what opens a table through it."""
    writer = GlueCatalog(
        "w",
        boto3.client("glue", endpoint_url=server, **WRITER),
        warehouse="s3://lakes/f",
        **{**STORE, "s3.endpoint": server},
    )
    writer.create_namespace("faults")
    native = writer.create_table(
        "faults.t", Schema(NestedField(1, "id", LongType()), NestedField(2, "text", StringType()))
    )
    native.append(icebergs.rows(native, id=list(range(500)), text=[f"{at:050d}" for at in range(500)]))
    options = {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_REGION": "us-east-1",
    }
    data = pa.table({"id": range(500), "text": [f"{at:050d}" for at in range(500)]})
    write_deltalake("s3://lakes/faults/t", data, storage_options={**options, "allow_http": "true"})
    with s3.proxy(server) as between:
        settings = {"endpoint": between.address, **aws.KEYS}
        yield (
            between,
            {
                "iceberg": lambda: table_at(native.metadata_location, settings),
                "delta": lambda: connect("delta", "lake", {"path": "s3://lakes/faults", **settings}, Path()).table(
                    ("t",)
                ),
            },
        )


FAULTS = {
    "throttled": s3.Fault(503, "SlowDown"),
    "denied": s3.Fault(403, "AccessDenied"),
    "expired": s3.Fault(400, "ExpiredToken"),
    "gone": s3.Fault(404, "NoSuchKey"),
    "cut": s3.Fault(cut=100),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("kind", ["iceberg", "delta"])
@pytest.mark.parametrize("when", ["before it is opened", "between the plan and the scan"])
def test_a_store_that_fails_gives_no_verdict(
    lakes: tuple[s3.Proxy, dict[str, Callable[[], Table]]], kind: str, fault: s3.Fault, when: str
) -> None:
    between, tables = lakes
    between.reset()
    rules = 'Rules = [ RowCount = 500, IsUnique "id", ColumnLength "text" = 50 ]'
    try:
        if when == "before it is opened":
            between.fails(fault, lambda request: request.method != "HEAD")
            with pytest.raises(DataError) as raised:
                dq.evaluate(rules, NamedTable("t", tables[kind]()))
            told, code = str(raised.value), raised.value.exit_code
        else:
            opened = NamedTable("t", tables[kind]()).open(dq.ReadOptions())
            between.fails(fault, lambda request: request.path.endswith(".parquet"))
            result = dq.evaluate(rules, opened)
            assert {str(each.verdict) for each in result.outcomes[1:]} == {"ERROR"}
            told, code = " ".join(each.reason for each in result.outcomes), result.exit_code
    finally:
        between.reset()
    assert code == 3
    assert "hush" not in told
    assert len(told) > 20


def test_a_store_that_is_busy_once_is_asked_again(lakes: tuple[s3.Proxy, dict[str, Callable[[], Table]]]) -> None:
    between, tables = lakes
    for each in tables.values():
        between.reset()
        between.fails(s3.Fault(503, "SlowDown"), lambda request: request.path.endswith(".parquet"), times=1)
        assert dq.evaluate('Rules = [ IsUnique "id" ]', NamedTable("t", each())).passed
