"""Glue and DynamoDB that fail as they do: throttled, expired, cut, gone in the middle. Real clients over the wire."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers import s3

import dq
from dq.catalog import aws
from dq.catalog.base import NamedTable
from dq.catalog.kinds import connect
from dq.diagnostics import DataError

SETTINGS = {"region": "us-east-1", "access_key": s3.KEY, "secret_key": s3.SECRET, "session_token": s3.TOKEN}
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3.moto() as address:
        given: dict[str, Any] = {
            "endpoint_url": address,
            "region_name": "us-east-1",
            "aws_access_key_id": "k",
            "aws_secret_access_key": "s",
        }
        dynamo = boto3.client("dynamodb", **given)
        dynamo.create_table(
            TableName="faulty",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for name in "abc":
            dynamo.put_item(TableName="faulty", Item={"id": {"S": name}})
        glue = boto3.client("glue", **given)
        glue.create_database(DatabaseInput={"Name": "faults"})
        buffer = io.BytesIO()
        pq.write_table(pa.table({"id": [1, 2, 3]}), buffer)
        s3.put(address, "glue-faults", {"t/dt=1/x.parquet": buffer.getvalue()})
        descriptor = {
            "Columns": [{"Name": "id", "Type": "bigint"}],
            "Location": "s3://glue-faults/t/",
            "SerdeInfo": {"SerializationLibrary": PARQUET},
        }
        keys = [{"Name": "dt", "Type": "int"}]
        glue.create_table(
            DatabaseName="faults",
            TableInput={"Name": "faulty", "PartitionKeys": keys, "StorageDescriptor": descriptor},
        )
        part = {"Values": ["1"], "StorageDescriptor": {**descriptor, "Location": "s3://glue-faults/t/dt=1/"}}
        glue.create_partition(DatabaseName="faults", TableName="faulty", PartitionInput=part)
        yield address


@pytest.fixture(scope="module")
def between(server: str) -> Iterator[s3.Proxy]:
    with s3.proxy(server) as proxy:
        yield proxy


@pytest.fixture
def proxy(between: s3.Proxy, monkeypatch: pytest.MonkeyPatch) -> s3.Proxy:
    between.reset()
    monkeypatch.setattr(aws, "ATTEMPTS", 2)
    monkeypatch.setattr(aws, "READ_SECONDS", 2)
    return between


PATHS = {"dynamodb": ("faulty",), "glue": ("faults", "faulty")}
READING = {"dynamodb": "Scan", "glue": "GetPartitions"}


def judge(proxy: s3.Proxy, kind: str) -> dq.Evaluation:
    settings = {**SETTINGS, "endpoint": proxy.address, "segments": 1}
    if kind == "glue":
        del settings["segments"]
    catalog = connect(kind, "app", settings, Path())
    named = NamedTable("app.faulty", catalog.table(PATHS[kind]))
    return dq.evaluate('Rules = [ RowCount = 3, IsPrimaryKey "id" ]', named)


@pytest.mark.parametrize("kind", PATHS)
def test_a_request_that_is_throttled_once_is_made_again(proxy: s3.Proxy, kind: str) -> None:
    code = "ProvisionedThroughputExceededException" if kind == "dynamodb" else "ThrottlingException"
    proxy.fails(s3.Fault(400, code), lambda request: request.operation == READING[kind], times=1)
    assert judge(proxy, kind).passed
    assert sum(request.operation == READING[kind] for request in proxy.requests) >= 2


@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ThrottlingException"),
        (400, "ExpiredTokenException"),
        (400, "AccessDeniedException"),
        (503, "InternalFailure"),
    ],
)
def test_what_keeps_failing_ends_in_its_own_words(proxy: s3.Proxy, kind: str, status: int, code: str) -> None:
    proxy.fails(s3.Fault(status, code), lambda request: request.operation == READING[kind])
    with pytest.raises(DataError, match="as the test says") as error:
        judge(proxy, kind)
    assert code in str(error.value)
    assert error.value.exit_code == 3
    assert not any(secret in f"{error.value!r} {error.value.__cause__!r}" for secret in (s3.SECRET, s3.TOKEN))


@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize("fault", [s3.Fault(cut=40), s3.Fault(delay=4)])
def test_an_answer_that_is_cut_or_stalls_is_no_answer(proxy: s3.Proxy, kind: str, fault: s3.Fault) -> None:
    proxy.fails(fault, lambda request: request.operation == READING[kind])
    with pytest.raises(DataError):
        judge(proxy, kind)


def test_a_page_of_items_that_is_cut_once_is_asked_for_again(proxy: s3.Proxy) -> None:
    proxy.fails(s3.Fault(cut=40), lambda request: request.operation == "Scan", times=1)
    assert judge(proxy, "dynamodb").passed


def test_data_of_glue_that_may_not_be_read_is_an_error(proxy: s3.Proxy) -> None:
    proxy.fails(s3.Fault(403, "AccessDenied"), lambda request: request.path.endswith(".parquet"))
    with pytest.raises(DataError, match=r"x\.parquet"):
        judge(proxy, "glue")
