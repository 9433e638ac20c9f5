"""Tables of other systems: what is asked of them, and what comes of it when they fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import dq
from dq.diagnostics import DataError
from dq.engines.base import SourceError
from dq.lazy import exp
from dq.sources.stored import Stored

ORDERS = pa.table({"id": [1, 2, 2], "amount": [10.0, None, 30.0], "note": ["a", "b", "c"]})


@dataclass
class Shop:
    """A database that answers what no `refused` function stands in."""

    name: str = "PostgreSQL `shop`"
    refused: tuple[type[exp.Expr], ...] = ()
    asked: list[str] = field(default_factory=list)
    fails: bool = False

    def refusal(self, query: exp.Expr, tables: Mapping[str, Stored]) -> str:
        return "it says it otherwise" if self.refused and query.find(*self.refused) else ""

    def answer(self, query: exp.Expr, tables: Mapping[str, Stored]) -> Any:
        self.asked.append(query.sql("duckdb"))
        if self.fails:
            raise SourceError("PostgreSQL `shop`: the connection was lost")
        with duckdb.connect() as connection:
            for alias, table in tables.items():
                with table.read(ORDERS.column_names) as reader:
                    connection.register(alias, reader.read_all())
            result = connection.execute(query.sql("duckdb"))
            return tuple(each[0] for each in result.description or ()), result.fetchall()

    @contextmanager
    def stream(self, query: exp.Expr, tables: Mapping[str, Stored]) -> Iterator[pa.RecordBatchReader]:
        names, rows = self.answer(query, tables)
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        yield pa.table(dict(zip(names, map(list, columns), strict=True))).to_reader()


@dataclass
class Orders:
    table: pa.Table = field(default_factory=lambda: ORDERS)
    database: Shop | None = None
    breaks_after: int | None = None
    description: str = "orders of a shop"
    notes: tuple[str, ...] = ("a note",)
    rows: int | None = 3
    readings: list[tuple[str, ...]] = field(default_factory=list)
    closed: int = 0

    @property
    def schema(self) -> pa.Schema:
        return self.table.schema

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[pa.RecordBatchReader]:
        self.readings.append(tuple(columns))
        if self.breaks_after == 0:
            raise DataError("no connection to the shop", help="start it")
        kept = self.table.select(list(columns))
        yield pa.RecordBatchReader.from_batches(kept.schema, self._batches(kept))

    def _batches(self, kept: pa.Table) -> Iterator[pa.RecordBatch]:
        for at, batch in enumerate(kept.to_batches(max_chunksize=1)):
            if at == self.breaks_after:
                raise OSError("connection reset by the shop")
            yield batch

    def close(self) -> None:
        self.closed += 1


def verdicts(rules: str, **data: Orders) -> list[str]:
    return [str(each.verdict) for each in dq.evaluate(f"Rules = [ {rules} ]", data).outcomes]


def test_one_reading_brings_the_columns_of_all_scans_and_no_others() -> None:
    orders = Orders()
    rules = 'RowCount = 3, IsUnique "id", Mean "amount" = 20'
    assert verdicts(rules, primary=orders) == ["PASSED", "FAILED", "PASSED"]
    assert orders.readings[0] == ("id", "amount")
    assert orders.closed >= 1


def test_failing_rows_are_shown_whole() -> None:
    orders = Orders()
    (outcome,) = dq.evaluate('Rules = [ IsComplete "amount" ]', orders).outcomes
    assert outcome.failing is not None
    assert dict(zip(outcome.failing.columns, outcome.failing.sample[0], strict=True)) == {
        "id": 2,
        "amount": None,
        "note": "b",
    }
    assert orders.readings == [("amount",), ("id", "amount", "note")]


@pytest.mark.parametrize("breaks_after", [0, 1, 2])
def test_a_source_that_fails_makes_errors_in_its_own_words_and_is_not_asked_again(breaks_after: int) -> None:
    orders = Orders(breaks_after=breaks_after)
    result = dq.evaluate('Rules = [ RowCount > 0, IsComplete "id", Mean "amount" > 1 ]', orders)
    assert {str(each.verdict) for each in result.outcomes} == {"ERROR"}
    words = "no connection to the shop; start it" if breaks_after == 0 else "connection reset by the shop"
    assert all(words in each.reason for each in result.outcomes)
    assert len(orders.readings) == 1
    assert result.exit_code == 3


def test_a_database_that_can_answer_is_asked_and_no_row_moves() -> None:
    shop = Shop()
    orders = Orders(database=shop)
    result = dq.evaluate('Rules = [ IsComplete "id", RowCount = 3 ]', orders)
    assert result.passed
    assert len(shop.asked) == 1
    assert [each.evidence for each in result.outcomes] == [("PostgreSQL `shop`",)] * 2
    assert orders.readings == [("id", "amount", "note")], "only the database itself has read"


def test_what_a_database_refuses_is_fetched() -> None:
    orders = Orders(database=Shop(refused=(exp.Sum,)))
    result = dq.evaluate('Rules = [ Mean "amount" = 20 ]', orders)
    assert result.outcomes[0].passed
    assert result.outcomes[0].evidence == ("duckdb",)
    assert orders.readings == [("amount",)]


def test_tables_of_one_database_are_joined_there_and_those_of_two_here() -> None:
    shop = Shop()
    rule = 'Rules = [ ReferentialIntegrity "id" "ref.id" = 1 ]'
    same = dq.evaluate(rule, {"primary": Orders(database=shop), "ref": Orders(database=shop)})
    other = dq.evaluate(rule, {"primary": Orders(database=shop), "ref": Orders(database=Shop(name="MySQL `crm`"))})
    assert same.outcomes[0].passed
    assert other.outcomes[0].passed
    assert same.outcomes[0].evidence == ("PostgreSQL `shop`",)
    assert other.outcomes[0].evidence == ("duckdb",)


def test_a_database_that_fails_is_an_error_of_every_rule() -> None:
    result = dq.evaluate('Rules = [ RowCount > 0, IsComplete "id" ]', Orders(database=Shop(fails=True)))
    assert [each.reason for each in result.outcomes] == ["PostgreSQL `shop`: the connection was lost"] * 2


@pytest.mark.parametrize("alias", ["primary", "PRIMARY", "Primary"])
def test_the_sql_of_a_user_finds_its_columns(alias: str) -> None:
    orders = Orders()
    assert verdicts(f'CustomSql "select count(*) from {alias} where amount > 5" = 2', primary=orders) == ["PASSED"]
    assert orders.readings == [("amount",)]


def test_rows_come_with_their_outcomes() -> None:
    rows = dq.evaluate('Rules = [ IsComplete "amount" ]', Orders()).rows().read_all()
    assert rows["DataQualityEvaluationResult"].to_pylist() == ["Passed", "Failed", "Passed"]
    assert rows["note"].to_pylist() == ["a", "b", "c"]


def test_a_table_without_rows_is_no_pass() -> None:
    assert verdicts('Mean "amount" > 0', primary=Orders(table=ORDERS.slice(0, 0), rows=0)) == ["FAILED"]
