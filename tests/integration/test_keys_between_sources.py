"""Rules between a database and another source: what travels, and that it changes no outcome."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers import mariadb, s3
from servers.postgres import postgres
from servers.postgres_tables import statements
from servers.relay import Relay, relay

import dq
from dq.catalog.base import Catalog, NamedTable
from dq.catalog.kinds import connect
from dq.explanation import explain
from dq.sources import keys

# -- databases -----------------------------------------------------------------------------------------


class Postgres:
    """Texts are compared without regard to letter case, unless a query says otherwise."""

    kind = "postgres"

    def __init__(self, server: Any) -> None:
        self.server = server
        server.run("CREATE COLLATION IF NOT EXISTS nocase (provider = icu, locale = 'und-u-ks-level2')")

    def settings(self, port: int | None = None) -> dict[str, Any]:
        return {"url": self.server.url().replace(f":{self.server.port}/", f":{port or self.server.port}/")}

    def store(self, name: str, table: pa.Table) -> None:
        self.server.run(f"DROP TABLE IF EXISTS {name}", *statements(name, table))


class Mariadb:
    """Texts are compared without regard to letter case and blanks at the end, unless a query says otherwise."""

    kind = "mysql"

    def __init__(self) -> None:
        self.server = mariadb.shared()
        self.server.run("DROP DATABASE IF EXISTS keys_", "CREATE DATABASE keys_ COLLATE utf8mb4_general_ci")

    def settings(self, port: int | None = None) -> dict[str, Any]:
        return {"url": self.server.url("keys_").replace(f":{self.server.port}/", f":{port or self.server.port}/")}

    def store(self, name: str, table: pa.Table) -> None:
        types = {pa.int32(): "INT", pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.date32(): "DATE"}
        kinds = {pa.timestamp("us", "UTC"): "TIMESTAMP(6) NULL", pa.decimal128(10, 2): "DECIMAL(10,2)", **types}
        columns = ", ".join(f"`{each.name}` {kinds.get(each.type, 'LONGTEXT')}" for each in table.schema)
        with self.server.connect("keys_") as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {name}")
            cursor.execute(f"CREATE TABLE {name} ({columns})")
            cursor.execute("SET time_zone = '+00:00'")
            places = ", ".join(["%s"] * table.num_columns)
            rows = [tuple(row.values()) for row in table.to_pylist()]
            cursor.executemany(f"INSERT INTO {name} VALUES ({places})", rows)


class Sqlite:
    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "keys.db"

    def settings(self, port: int | None = None) -> dict[str, Any]:
        return {"path": str(self.path)}

    def store(self, name: str, table: pa.Table) -> None:
        table = table.drop_columns([each.name for each in table.schema if pa.types.is_decimal(each.type)])
        types = {pa.int32(): "INTEGER", pa.int64(): "INTEGER", pa.float64(): "REAL", pa.date32(): "DATE"}
        columns = ", ".join(f'"{each.name}" {types.get(each.type, "TEXT")}' for each in table.schema)
        rows = [tuple(map(_plain, row.values())) for row in table.to_pylist()]
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute(f"DROP TABLE IF EXISTS {name}")
            connection.execute(f"CREATE TABLE {name} ({columns})")
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * table.num_columns)})", rows)
            connection.commit()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


Store = Postgres | Mariadb | Sqlite


@pytest.fixture(scope="module", params=["postgres", "mariadb", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    if request.param == "postgres":
        with postgres() as server:
            yield Postgres(server)
    else:
        yield Mariadb() if request.param == "mariadb" else Sqlite(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def shop(store: Store) -> Iterator[Catalog]:
    with closing(catalog(store)) as opened:
        yield opened


def catalog(store: Store, **settings: Any) -> Catalog:
    return connect(store.kind, "shop", {**store.settings(), **settings}, Path.cwd())


def named(shop: Catalog, name: str) -> NamedTable:
    return NamedTable(f"shop.{name}", shop.table((name,)))


# -- no outcome changes --------------------------------------------------------------------------------

TEXTS = ["a", "A", "a ", " a", "", "é", "e\u0301", "o'b\\c", "50%_", "😀", "1", "01", None]
HELD = pa.table(
    {
        "i": pa.array([1, 2, 2, 3, None, -5, 7, 8, 9, 10, 11, 12, 13], pa.int32()),
        "b": pa.array([1, 2, 2, 2**62, None, -5, 7, 8, 9, 10, 11, 12, 2**24 + 1], pa.int64()),
        "t": pa.array(TEXTS, pa.string()),
        "d": pa.array([Decimal("1.00"), Decimal("-2.50"), None, *map(Decimal, range(10))], pa.decimal128(10, 2)),
        "f": pa.array([1.0, -2.5, None, 0.1, 1e300, 0.0, *map(float, range(7))], pa.float64()),
        "y": pa.array([date(2026, 1, 1 + at) for at in range(11)] + [None, date(1, 1, 1)], pa.date32()),
    }
)
OTHER = pa.table(
    {
        "i": pa.array([1, 2, None, 5_000_000_000, -5, 40, 2**24], pa.int64()),
        "b": pa.array([1, 2, None, 3, -5, 40, 1], pa.int32()),
        "t": pa.array(["A", "é", "", None, "o'b\\c", "a ", "50%_"], pa.string()),
        "d": pa.array([*map(Decimal, ("1.00", "-3.00", "4.00", "77.77")), None, None, None], pa.decimal128(10, 2)),
        "f": pa.array([1.0, float("nan"), -0.0, None, float("inf"), 0.1, 1.0], pa.float64()),
        "y": pa.array([date(2026, 1, 3), date(1, 1, 1), None, *[date(2026, 5, 1)] * 4], pa.date32()),
    }
)
PAIRS = ["i", "b", "t", "d", "f", "y", "i=b", "i=t", "t=i", "d=f", "d=i", "y=t", "i,t", "t,y"]
"""Columns of the primary, and of the reference where those are others."""


def rules() -> list[str]:
    found = []
    for pair in PAIRS:
        ours, _, theirs = pair.partition("=")
        found.append(f'ReferentialIntegrity "{ours}" "ref.{{{theirs or ours}}}" between 0.01 and 0.99')
        found.append(f'ReferentialIntegrity "{ours}" "ref.{{{theirs or ours}}}" = 1.0')
    for negated in ("", "not "):
        for column in ("i", "t", "f"):
            inner = f"select {column} from ref"
            found.append(f'CustomSql "select count(*) from primary where {column} {negated}in ({inner})" = 0')
    for ours, theirs in (("i", "cast(b as float)"), ("d", "cast(d as decimal(10,0))"), ("t", "cast(y as string)")):
        found.append(f'CustomSql "select count(*) from primary where {ours} in (select {theirs} from ref)" = 0')
    shadow = "with ref as (select 40 as i) select * from primary where i in (select i from ref)"
    found.append(f'CustomSql "select count(*) from ({shadow})" = 0')
    found += ['DatasetMatch "ref" "y" "t,f" > 0.9', 'DatasetMatch "ref" "d" "t,i" > 0.1', 'RowCountMatch "ref" > 1']
    return [*found, 'AggregateMatch "sum(i)" "sum(ref.b)" > 0.5', "RowCount > 1"]


@dataclass(frozen=True)
class Told:
    """What a user sees of an outcome; of the rows in no order."""

    verdict: str
    reason: str
    metrics: tuple[tuple[str, float], ...]
    failing: tuple[str, ...]


def told(ruleset: str, data: Mapping[str, Any]) -> list[Told]:
    found = []
    for each in dq.evaluate(ruleset, data, options=dq.Options(samples=100)).outcomes:
        rows = (
            [dict(zip(each.failing.columns, row, strict=True)) for row in each.failing.sample] if each.failing else []
        )
        said = tuple(sorted(repr({name: _same(value) for name, value in row.items()}) for row in rows))
        found.append(Told(str(each.verdict), each.reason, tuple(each.metrics.items()), said))
    return found


def _same(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


LIMITS = {"keys are sent": (1000, 0), "keys are too many": (2, 0), "rows are too few": (1000, 10**9)}


@pytest.mark.slow
@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("side", ["primary", "ref"])
def test_no_outcome_depends_on_where_a_table_is(
    store: Store, shop: Catalog, side: str, limits: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "MOST", limits[0])
    monkeypatch.setattr(keys, "ENOUGH", limits[1])
    held = HELD if store.kind != "sqlite" else HELD.drop_columns(["d"])
    tables = {"primary": held, "ref": OTHER} if side == "primary" else {"primary": OTHER, "ref": held}
    store.store("held", held)
    texts = [each for each in rules() if store.kind != "sqlite" or not re.search(r"\bd\b", each)]
    data = {**tables, side: named(shop, "held")}
    alone = [f"Rules = [ {each} ]" for each in texts] if limits == LIMITS["keys are sent"] else []
    for ruleset in [*alone, f"Rules = [ {', '.join(texts)} ]"]:
        assert told(ruleset, data) == told(ruleset, tables), ruleset


def test_two_databases_and_a_snapshot_of_each(tmp_path: Path) -> None:
    lists = Sqlite(tmp_path)
    lists.store("held", OTHER.select(["i", "t"]))
    with postgres() as server, closing(catalog(Postgres(server))) as shop, closing(catalog(lists)) as other:
        Postgres(server).store("held", HELD)
        for names in (("primary", "ref"), ("ref", "primary")):
            data = dict(zip(names, (named(shop, "held"), named(other, "held")), strict=True))
            tables = dict(zip(names, (HELD, OTHER), strict=True))
            ruleset = 'Rules = [ ReferentialIntegrity "i" "ref.i" > 0.9, ReferentialIntegrity "t" "ref.t" > 0.9 ]'
            assert verdicts(ruleset, data) == verdicts(ruleset, tables)


def verdicts(ruleset: str, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(each.verdict, each.reason) for each in dq.evaluate(ruleset, data).outcomes]


# -- what travels --------------------------------------------------------------------------------------

ROWS = 60_000
CUSTOMERS = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int64()),
        "code": [f"customer {at:06d}" for at in range(ROWS)],
        "country": [f"country {at % 50}" for at in range(ROWS)],
    }
)
ORDERS = pa.table({"customer": [at * 7 % 500 for at in range(20_000)]})
CODES = pa.table({"code": [f"customer {at % 700:06d}" for at in range(20_000)] + [None, "nobody"]})
MANY = pa.table({"country": [f"country {at}" for at in range(keys.MOST + 500)]})
FEW = pa.table({"id": pa.array(range(300), pa.int64()), "code": [f"customer {at:06d}" for at in range(300)]})


@pytest.fixture
def wire(store: Store) -> Iterator[Relay]:
    if isinstance(store, Sqlite):
        pytest.skip("a file is read without a wire")
    store.store("customers", CUSTOMERS)
    with relay(store.server.port) as relayed:
        yield relayed


def measured(store: Store, wire: Relay, ruleset: str, tables: Mapping[str, Any], side: str, **more: Any) -> Any:
    """The evaluation with the table `customers` on the server, and the bytes that travel for it."""
    with closing(connect(store.kind, "shop", {**store.settings(wire.port), **more}, Path.cwd())) as shop:
        data = {**tables, side: named(shop, "customers")}
        wire.reset()
        return dq.evaluate(f"Rules = [ {ruleset} ]", data), wire.bytes


TRAVELS = {
    "keys of the primary ask for those of the reference": (
        'ReferentialIntegrity "customer" "ref.id" = 1', {"primary": ORDERS}, "ref", 0.1,
    ),
    "texts ask, too": ('ReferentialIntegrity "code" "ref.code" < 1', {"primary": CODES}, "ref", 0.1),
    "of many keys each one comes once": ('ReferentialIntegrity "country" "ref.country" < 1', {"primary": MANY}, "ref", 0.1),
    "keys of a small file are counted in the database": (
        'ReferentialIntegrity "id" "ref.id" < 1, Completeness "code" = 1, RowCount > 1', {"ref": FEW}, "primary", 0.05,
    ),
    "whole rows are asked for by their keys": (
        'DatasetMatch "ref" "id" "country" = 1', {"primary": CUSTOMERS.slice(300, 500)}, "ref", 0.1,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("ruleset", "tables", "side", "share"), TRAVELS.values(), ids=TRAVELS)
def test_little_travels(
    store: Store, wire: Relay, ruleset: str, tables: Mapping[str, Any], side: str, share: float
) -> None:
    found, little = measured(store, wire, ruleset, tables, side)
    whole, much = measured(store, wire, ruleset, tables, side, pushdown=False)
    assert [(each.verdict, each.reason) for each in found.outcomes] == [(e.verdict, e.reason) for e in whole.outcomes]
    assert found.passed, [each.reason for each in found.outcomes]
    assert little < share * much, f"{little:,} of {much:,} bytes"


def test_a_small_table_is_fetched_as_it_is(store: Store, shop: Catalog) -> None:
    store.store("held", HELD)
    data = {"primary": ORDERS, "ref": named(shop, "held")}
    found = dq.evaluate('Rules = [ ReferentialIntegrity "customer" "ref.b" > 0 ]', data)
    assert found.tables[1].fetched == f"12 rows of 1 of {found.tables[1].columns} columns were fetched, each once: b"


def test_the_plan_tells_that_keys_may_be_sent_and_reads_none(store: Store, shop: Catalog) -> None:
    store.store("held", HELD)
    (step,) = explain(
        'Rules = [ ReferentialIntegrity "b" "ref.id" = 1 ]', {"primary": named(shop, "held"), "ref": FEW}
    ).steps
    assert step.answerer is not None
    assert step.answerer.refusal.endswith(
        "its tables are in several places, and the keys of `ref` are sent if they are few"
    )


@pytest.mark.parametrize("at", [1, 2])
def test_a_server_that_is_gone_before_keys_are_asked_for_makes_errors(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres() as server:
        store = Postgres(server)
        store.store("customers", CUSTOMERS)
        with closing(catalog(store)) as shop:
            calls: list[str] = []
            stream = type(shop._session).stream  # type: ignore[attr-defined]

            def asked(self: Any, sql: str, **more: Any) -> Any:
                if "pg_class" not in sql and "pg_namespace" not in sql and "pg_attribute" not in sql:
                    calls.append(sql)
                    if len(calls) == at:
                        server.stop()
                return stream(self, sql, **more)

            monkeypatch.setattr(type(shop._session), "stream", asked)  # type: ignore[attr-defined]
            result = dq.evaluate(
                'Rules = [ ReferentialIntegrity "customer" "ref.id" = 1 ]',
                {"primary": ORDERS, "ref": named(shop, "customers")},
            )
        assert [str(each.verdict) for each in result.outcomes] == ["ERROR"]
        assert "PostgreSQL `postgres`" in result.outcomes[0].reason
        assert result.exit_code == 3


# -- files elsewhere -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bucket() -> Iterator[s3.Proxy]:
    buffer = io.BytesIO()
    pq.write_table(CUSTOMERS, buffer, row_group_size=5_000)
    with s3.moto() as server, s3.proxy(server) as between:
        s3.put(server, "keys", {"customers.parquet": buffer.getvalue()})
        yield between


@pytest.mark.parametrize(
    ("columns", "expected"),
    [('"id" "ref.id"', "= 1"), ('"code" "ref.code"', "= 1"), ('"id,code" "ref.{id,code}"', "= 1")],
)
def test_row_groups_beyond_the_keys_are_not_read(
    bucket: s3.Proxy, columns: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL": bucket.address, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    ruleset = f"Rules = [ ReferentialIntegrity {columns} {expected} ]"
    data = {"primary": CUSTOMERS.slice(31_000, 900), "ref": "s3://keys/customers.parquet"}
    found = []
    for worth in (keys.SKIPPED, 10**9):
        monkeypatch.setattr(keys, "SKIPPED", worth)
        monkeypatch.setattr(keys, "ENOUGH", 1 if worth < 10**9 else worth)
        bucket.reset()
        result = dq.evaluate(ruleset, data)
        found.append((verdicts(ruleset, data), bucket.bytes))
        assert result.passed
    (narrow, little), (whole, much) = found
    assert narrow == whole
    assert little < 0.5 * much
