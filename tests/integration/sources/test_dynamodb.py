"""DynamoDB tables over the wire: moto's server, boto3 as the client."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from servers import s3

import dq
from dq.catalog.base import NamedTable
from dq.catalog.kinds import connect
from dq.catalog.selection import selection
from dq.diagnostics import DataError, DqError
from dq.sources.options import ReadOptions

SETTINGS: dict[str, Any] = {"region": "us-east-1", "access_key": "AKIATESTKEY", "secret_key": "topsecretvalue"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3.moto() as address:
        yield address


@pytest.fixture(scope="module")
def client(endpoint: str) -> Any:
    return boto3.client(
        "dynamodb", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )


def make(client: Any, name: str, items: list[dict[str, Any]], sort: str | None = None) -> None:
    keys = [("id", "S", "HASH"), *([(sort, "N", "RANGE")] if sort else [])]
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, _, kind in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": tag} for key, tag, _ in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    for item in items:
        client.put_item(TableName=name, Item=item)


@pytest.fixture(scope="module")
def orders(client: Any) -> str:
    make(
        client,
        "orders",
        [
            {"id": {"S": "a"}, "qty": {"N": "3"}, "price": {"N": "10.50"}, "paid": {"BOOL": True}, "code": {"N": "7"}},
            {
                "id": {"S": "b"},
                "qty": {"N": "-4"},
                "price": {"N": "0.125"},
                "paid": {"BOOL": False},
                "code": {"S": "x"},
            },
            {"id": {"S": "c"}, "qty": {"NULL": True}, "tags": {"SS": ["z", "y"]}, "note": {"S": ""}},
            {"id": {"S": "d"}, "to": {"M": {"zip": {"S": "0ü"}, "n": {"N": "12345678901234567890.5"}}}},
        ],
    )
    return "orders"


def table(endpoint: str, name: str, *filters: str, **settings: Any) -> NamedTable:
    catalog = connect("dynamodb", "app", {**SETTINGS, "endpoint": endpoint, **settings}, Path())
    return NamedTable(f"app.{name}", catalog.table((name,)), selection(filters))


def rows(named: NamedTable) -> dict[str, dict[str, Any]]:
    source: Any = named.open(ReadOptions())
    with source.read(source.schema.names) as reader:
        found = reader.read_all().to_pylist()
    source.close()
    return {row["id"]: row for row in found}


def test_rules_read_items_as_rows(endpoint: str, orders: str) -> None:
    rules = """Rules = [
        RowCount = 4, IsPrimaryKey "id", Completeness "qty" = 0.5, Sum "price" = 10.625,
        ColumnValues "qty" < 0 where "id = 'b'", ColumnExists "note", ColumnValues "to" matches ".*0ü.*" with threshold > 0.2
    ]"""
    result = dq.evaluate(rules, table(endpoint, orders))
    assert [outcome.reason for outcome in result.outcomes if not outcome.passed] == []
    assert result.tables[0].description == "app.orders: DynamoDB table `orders`"
    assert result.tables[0].rows == 4


def test_attributes_become_columns_of_the_type_that_holds_them_all(endpoint: str, orders: str) -> None:
    found = rows(table(endpoint, orders, segments=3))
    assert list(found["a"]) == ["id", "code", "note", "paid", "price", "qty", "tags", "to"]
    assert [found[key]["qty"] for key in "abcd"] == [3, -4, None, None]
    assert [found[key]["price"] for key in "ab"] == [Decimal("10.500"), Decimal("0.125")]
    assert [found[key]["paid"] for key in "abc"] == [True, False, None]
    assert [found[key]["code"] for key in "abc"] == ["7", "x", None]
    assert found["c"]["note"] == ""
    assert found["c"]["tags"] == '["y", "z"]'
    assert found["d"]["to"] == '{"zip": "0ü", "n": 12345678901234567890.5}'


def test_what_was_assumed_is_told(endpoint: str, orders: str) -> None:
    notes = dq.evaluate("Rules = [ RowCount = 4 ]", table(endpoint, orders)).tables[0].notes
    assert 'column "code" is read as text: it holds numbers and text' in notes
    assert 'column "tags" is read as JSON text: it holds sets of texts' in notes
    assert any("no snapshots" in note for note in notes)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (["9223372036854775807", "0"], [Decimal("9223372036854775807"), Decimal(0)]),
        (["999999999999999999", "-1"], [999999999999999999, -1]),
        (["1E+5", "1"], [100000, 1]),
        (["1E-130", "1"], [1e-130, 1.0]),
        (["0.1", "1E-3"], [Decimal("0.100"), Decimal("0.001")]),
        (["99999999999999999999999999999999999999", "0.1"], [1e38, 0.1]),
    ],
)
def test_numbers_keep_their_digits_as_far_as_a_decimal_has_them(
    endpoint: str, client: Any, numbers: list[str], expected: list[Any]
) -> None:
    name = f"numbers{abs(hash(tuple(numbers)))}"
    make(client, name, [{"id": {"S": str(at)}, "n": {"N": number}} for at, number in enumerate(numbers)])
    found = rows(table(endpoint, name))
    assert [found[str(at)]["n"] for at in range(len(numbers))] == expected


def test_declared_types_win(endpoint: str, orders: str) -> None:
    types = {"orders": {"code": "VARCHAR", "price": "DOUBLE", "shipped": "DATE"}}
    source: Any = table(endpoint, orders, types=types).open(ReadOptions())
    assert str(source.schema.field("price").type) == "double"
    assert str(source.schema.field("shipped").type) == "date32[day]"
    assert 'column "shipped" is declared, and no item has it' in source.notes
    source.close()


def test_a_value_that_does_not_fit_its_declared_type_is_no_pass(endpoint: str, orders: str) -> None:
    wrong = table(endpoint, orders, types={"orders": {"code": "BIGINT"}})
    (outcome,) = dq.evaluate('Rules = [ Completeness "code" > 0 ]', wrong).outcomes
    assert outcome.verdict == dq.Verdict.ERROR
    assert "attribute `code` is declared int64" in outcome.reason


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        (["id=a"], "a"),
        (["id=a,c"], "ac"),
        (["id>=b", "id!=d"], "bc"),
        (["qty=-4..0"], "b"),
        (["qty>0"], "a"),
        (["code=7"], "a"),
        (["code=x"], "b"),
    ],
)
def test_filters_leave_items_on_the_server(endpoint: str, orders: str, filters: list[str], kept: str) -> None:
    assert "".join(sorted(rows(table(endpoint, orders, *filters)))) == kept


def test_a_filter_that_keeps_nothing_is_no_pass(endpoint: str, orders: str) -> None:
    with pytest.raises(DataError, match=r"no item of DynamoDB table `orders` \(id=nobody\) meets its filter"):
        dq.evaluate('Rules = [ IsComplete "id" ]', table(endpoint, orders, "id=nobody"))


def test_an_empty_table_has_its_keys(endpoint: str, client: Any) -> None:
    make(client, "empty", [], sort="at")
    result = dq.evaluate('Rules = [ RowCount = 0, ColumnExists "id", ColumnExists "at" ]', table(endpoint, "empty"))
    assert result.passed


@pytest.mark.parametrize("filters", [["id=latest"]])
def test_what_only_a_scan_could_tell_is_refused(endpoint: str, orders: str, filters: list[str]) -> None:
    with pytest.raises(DqError, match="without reading every item"):
        table(endpoint, orders, *filters).open(ReadOptions())


def test_there_are_no_versions(endpoint: str, orders: str) -> None:
    catalog = connect("dynamodb", "app", {**SETTINGS, "endpoint": endpoint}, Path())
    with pytest.raises(DqError, match="no versions"):
        catalog.table((orders,)).open(selection(snapshot="1"), ReadOptions())


def test_many_pages_and_segments_lose_nothing(endpoint: str, client: Any) -> None:
    make(client, "many", [], sort="at")
    wide = "x" * 9_000
    for start in range(0, 300, 25):
        puts = [
            {"id": {"S": f"k{at % 7}"}, "at": {"N": str(at)}, "wide": {"S": wide}} for at in range(start, start + 25)
        ]
        client.batch_write_item(RequestItems={"many": [{"PutRequest": {"Item": item}} for item in puts]})
    rules = 'Rules = [ RowCount = 300, IsPrimaryKey "id" "at", Sum "at" = 44850, ColumnLength "wide" = 9000 ]'
    assert dq.evaluate(rules, table(endpoint, "many", segments=3)).passed


def test_tables_are_listed_and_described(endpoint: str, orders: str) -> None:
    catalog = connect("dynamodb", "app", {**SETTINGS, "endpoint": endpoint}, Path())
    assert orders in [entry.name for entry in catalog.children(()) if entry.is_table]
    described = catalog.table((orders,)).describe()
    assert described.schema.names == ("id",)
    assert described.partitions == ("id",)


@pytest.mark.parametrize(("written", "advice"), [("order", "did you mean `orders`?"), ("zzzz", "there are `")])
def test_a_table_that_is_not_there_has_a_neighbour(endpoint: str, orders: str, written: str, advice: str) -> None:
    with pytest.raises(DataError, match=f"has no table `{written}`") as error:
        table(endpoint, written)
    assert error.value.help.startswith(advice)


def test_letters_of_another_case_find_the_only_table(endpoint: str, orders: str) -> None:
    assert dq.evaluate("Rules = [ RowCount = 4 ]", table(endpoint, "Orders")).passed


def test_a_server_that_is_not_there_is_told_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    from dq.catalog import aws

    monkeypatch.setattr(aws, "ATTEMPTS", 2)
    with pytest.raises(DataError, match="Could not connect to the endpoint URL") as error:
        table("http://127.0.0.1:9", "orders")
    assert "topsecret" not in f"{error.value} {error.value.__cause__!r}"


def test_a_table_that_goes_away_is_no_pass(endpoint: str, client: Any) -> None:
    make(client, "short", [{"id": {"S": "a"}}])
    named = table(endpoint, "short")
    client.delete_table(TableName="short")
    with pytest.raises(DataError, match=r"DynamoDB table `short`: .*ResourceNotFoundException"):
        dq.evaluate('Rules = [ IsComplete "id" ]', named)
