"""Iceberg tables in Glue and Delta tables, with their data on S3, over the wire."""

from __future__ import annotations

from collections.abc import Iterator
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
from servers import aws

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
