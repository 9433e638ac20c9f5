"""PostgreSQL over its real wire: types, names, selections, snapshots, limits and faults."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from servers.postgres import PASSWORD, Server, postgres

import dq
from dq.catalog.base import Entry, NamedTable
from dq.catalog.kinds import connect
from dq.catalog.selection import selection
from dq.diagnostics import DataError, DqError
from dq.explanation import explain

TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN price AS numeric(8,2);
CREATE DOMAIN fee AS price;
CREATE TABLE kinds (b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric(10,2),
    big numeric(40,2), loose numeric, tight numeric(3,-2), t text, v varchar(9), c char(5), m mood, p price, f fee, u uuid,
    j json, jb jsonb, bin bytea, d date, at timestamp, z timestamptz, clock time, span interval, money money, x xml, ip inet,
    li integer[], lt text[], ln numeric[], o oid);
INSERT INTO kinds VALUES (true, 1, 2, 3, 0.1, 0.1, 1.5, 12345678901234567890.25, 1.5, 1234, 'é', 'v', 'ab', 'ok', 1.25, 2.5,
    'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{"a": 1}', '{"a":1}', '\\x00ff', '2024-02-29', '2024-02-29 12:00:00.5',
    '2024-02-29 12:00:00+02', '23:59:59.5', '1 mon', 12.34, '<a/>', '10.0.0.1', '{1,NULL}', '{a,"b c"}', '{1.5}', 7);
INSERT INTO kinds (i4) VALUES (NULL);
CREATE TABLE forever (id integer, d date, at timestamp, z timestamptz);
INSERT INTO forever VALUES (1, 'infinity', 'infinity', '-infinity'), (2, '-infinity', '-infinity', 'infinity'),
    (3, '0044-03-15 BC', '0044-03-15 BC', '4000-01-01Z');
CREATE TABLE orders (id bigint PRIMARY KEY, qty integer, amount numeric(10,2), status text, day date);
INSERT INTO orders SELECT i, i % 7, i * 1.25, (ARRAY['paid', 'open', NULL])[i % 3 + 1], date '2024-01-01' + i
    FROM generate_series(1, 100) i;
COMMENT ON TABLE orders IS 'what was ordered';
CREATE TABLE people (id bigint, name text);
INSERT INTO people SELECT i, 'n' || i FROM generate_series(1, 90) i;
CREATE VIEW paid AS SELECT * FROM orders WHERE status = 'paid';
CREATE VIEW broken AS SELECT 1 / (id - 50) AS x FROM orders;
CREATE TABLE parted (day date, region text, v integer) PARTITION BY LIST (day);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN ('2024-01-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN ('2024-01-02');
INSERT INTO parted VALUES ('2024-01-01', 'a', 1), ('2024-01-02', 'a', 2), ('2024-01-02', 'b', NULL);
CREATE SCHEMA "Odd ""schema.1";
CREATE TABLE "Odd ""schema.1"."Tä.ble ""😀" ("A" integer, a integer, "b.c ""d" text, "é😀" text);
INSERT INTO "Odd ""schema.1"."Tä.ble ""😀" VALUES (1, 2, 'x', 'y'), (1, 3, NULL, 'ÿ');
CREATE TABLE deep (l integer[]);
INSERT INTO deep VALUES ('{{1,2},{3,4}}');
CREATE TABLE nans (n numeric(5,2));
INSERT INTO nans VALUES (1), ('NaN');
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE folded (t text COLLATE nocase, s text COLLATE "en-x-icu");
INSERT INTO folded VALUES ('a', 'b'), ('A', 'Z');
CREATE TABLE huge (x double precision);
INSERT INTO huge VALUES (1e308), (1e308);
CREATE SEQUENCE counter;
CREATE TABLE secret (id integer);
CREATE TABLE slow AS SELECT i AS id, md5(i::text) AS t FROM generate_series(1, 400000) i;
GRANT SELECT ON orders TO locked;
CREATE VIEW sleepy AS SELECT id, pg_sleep(0.2) IS NULL AS x FROM orders
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as server:
        server.run(*TABLES.split(";\n"))
        yield server


@pytest.fixture
def shop(server: Server) -> Iterator[Any]:
    with closing(catalog(server)) as opened:
        yield opened


def catalog(server: Server, **settings: Any) -> Any:
    return connect("postgres", "shop", {"url": server.url(), **settings}, Path.cwd())


def verdicts(rules: str, data: Any, **more: Any) -> list[str]:
    return [str(each.verdict) for each in dq.evaluate(f"Rules = [ {rules} ]", data, **more).outcomes]


def table(shop: Any, *path: str, partitions: tuple[str, ...] = ()) -> NamedTable:
    return NamedTable(".".join(path), shop.table(path), selection(partitions))


# -- the catalog ---------------------------------------------------------------------------------------


def test_schemas_and_tables_are_listed_without_partitions_and_systems(shop: Any) -> None:
    assert shop.children(()) == [Entry('Odd "schema.1', False), Entry("public", False)]
    names = [each.name for each in shop.children(("PUBLIC",))]
    assert {"orders", "paid", "parted"} <= set(names)
    assert "parted_1" not in names
    assert shop.table(("parted_1",)).describe().kind == "table"


def test_what_is_known_of_a_table(shop: Any) -> None:
    known = shop.table(("public", "Orders")).describe()
    assert (known.kind, known.rows, known.partitions) == ("table", None, ())
    assert [(each.name, each.native) for each in known.schema] == [
        ("id", "BIGINT"), ("qty", "INTEGER"), ("amount", "DECIMAL(10,2)"), ("status", "VARCHAR"), ("day", "DATE"),
    ]  # fmt: skip
    assert known.bytes > 0
    assert known.properties["primary key"] == "id"
    assert known.properties["comment"] == "what was ordered"
    parted = shop.table(("parted",)).describe()
    assert (parted.kind, parted.partitions, parted.parts) == ("partitioned table", ("day",), 2)
    assert shop.table(("paid",)).describe().kind == "view"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("order",), "schema `public` of PostgreSQL `postgres` has no table `order`; did you mean `orders`"),
        (("shop", "orders"), "has no schema `shop`"),
        (("a", "b", "c"), "names are schema.table"),
    ],
)
def test_a_name_that_is_not_there(shop: Any, path: tuple[str, ...], words: str) -> None:
    with pytest.raises(DataError) as raised:
        shop.table(path)
    assert words in f"{raised.value.message}; {raised.value.help}"


@pytest.mark.parametrize("pushdown", [True, False])
def test_odd_names(server: Server, pushdown: bool) -> None:
    with closing(catalog(server, pushdown=pushdown)) as shop:
        odd = table(shop, 'odd "schema.1', 'Tä.ble "😀')
        known = odd.describe().schema.names
        assert known == ("A", "a_1", 'b.c "d', "é😀")
        rules = 'Completeness "b.c \\"d" = 0.5, IsUnique "é😀", IsUnique "a_1"'
        assert verdicts(rules, odd) == ["PASSED"] * 3
        assert "`a` is called `a_1`" in dq.evaluate(f"Rules = [ {rules} ]", odd).tables[0].notes[0]


# -- types ---------------------------------------------------------------------------------------------

ROW = {
    "b": True, "i2": 1, "i4": 2, "i8": 3, "f4": pytest.approx(0.1), "f8": 0.1, "n": Decimal("1.50"),
    "big": 12345678901234567890.25, "loose": 1.5, "tight": Decimal(1200), "t": "é", "v": "v", "c": "ab", "m": "ok",
    "p": Decimal("1.25"), "f": Decimal("2.50"), "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "j": '{"a": 1}',
    "jb": '{"a": 1}', "bin": b"\x00\xff", "d": dt.date(2024, 2, 29), "at": dt.datetime(2024, 2, 29, 12, 0, 0, 500000),
    "z": dt.datetime(2024, 2, 29, 10, tzinfo=dt.UTC), "clock": dt.time(23, 59, 59, 500000), "money": Decimal("12.34"),
    "x": "<a/>", "ip": "10.0.0.1/32", "li": [1, None], "lt": ["a", "b c"], "ln": ["1.5"], "o": 7,
}  # fmt: skip


def test_each_type_arrives_as_one_that_holds_it(shop: Any) -> None:
    opened = table(shop, "kinds").open(dq.ReadOptions())
    try:
        with opened.read(opened.schema.names) as reader:
            first, second = reader.read_all().to_pylist()
    finally:
        opened.close()
    assert first.pop("span").months == 1
    assert first == ROW
    assert set(second.values()) == {None}
    noted = " ".join(opened.notes)
    assert all(f"`{name}` is " in noted for name in ("big", "loose", "x", "ip", "ln"))
    assert all(f"`{name}` is " not in noted for name in ("n", "t", "m", "p", "f", "u", "jb", "li", "lt"))


@pytest.mark.parametrize("pushdown", [True, False])
def test_days_without_end_and_before_our_era(server: Server, pushdown: bool) -> None:
    rules = """ColumnValues "d" > "2024-01-01" with threshold = 0.3333333333333333, ColumnValues "at" < "2024-01-01" with
        threshold > 0.6, ColumnValues "z" > "2024-01-01" with threshold > 0.6, IsUnique "d", IsUnique "at"
        """
    with closing(catalog(server, pushdown=pushdown)) as shop:
        assert verdicts(rules, table(shop, "forever")) == ["PASSED"] * 5


def test_what_would_arrive_changed_is_an_error(shop: Any) -> None:
    for name, words in (
        ("deep", "more than one dimension cannot be read: {{1,2},{3,4}}"),
        ("nans", "column `n` holds"),
    ):
        (column,) = table(shop, name).describe().schema.names
        rules = f"CustomSql \"select count(*) from primary where {column} is null or repeat(cast({column} as string), 2) = ''\" = 0"
        (outcome,) = dq.evaluate(f"Rules = [ {rules} ]", table(shop, name)).outcomes
        assert str(outcome.verdict) == "ERROR"
        assert words in outcome.reason


@pytest.mark.parametrize("pushdown", [True, False])
def test_texts_are_compared_by_their_code_points_whatever_the_collation(server: Server, pushdown: bool) -> None:
    rules = """IsUnique "t", ColumnValues "t" in ["a", "A"], DistinctValuesCount "t" = 2, Completeness "s" = 1 where "s < 'a'" """
    with closing(catalog(server, pushdown=pushdown)) as shop:
        result = dq.evaluate(f"Rules = [ {rules} ]", table(shop, "folded"))
        assert [str(each.verdict) for each in result.outcomes] == ["PASSED"] * 4
        assert {each.evidence for each in result.outcomes} == {(shop._database.name if pushdown else "duckdb",)}


def test_what_overflows_there_is_computed_here(shop: Any) -> None:
    result = dq.evaluate('Rules = [ Sum "x" > 0, RowCount = 2 ]', table(shop, "huge"))
    here = dq.evaluate('Rules = [ Sum "x" > 0, RowCount = 2 ]', {"x": [1e308, 1e308]})
    assert [(each.verdict, each.reason) for each in result.outcomes] == [(e.verdict, e.reason) for e in here.outcomes]
    assert result.outcomes[0].evidence == ("duckdb",)


# -- what is left to the server ------------------------------------------------------------------------

RULES = 'RowCount = 100, IsComplete "id", IsPrimaryKey "id", Completeness "status" > 0.6, Mean "amount" > 60, Entropy "status" > 0.6, ReferentialIntegrity "id" "people.id" = 0.9, ColumnValues "qty" between -1 and 7'


def test_common_rules_move_no_row_of_the_table(shop: Any) -> None:
    data = {"primary": table(shop, "orders"), "people": table(shop, "people")}
    result = dq.evaluate(f"Rules = [ {RULES} ]", data)
    assert result.passed, [each.reason for each in result.outcomes]
    assert {each.evidence for each in result.outcomes} == {("PostgreSQL `postgres`",)}
    assert [each.fetched for each in result.tables] == ["no row was fetched"] * 2


def test_pushdown_can_be_switched_off(server: Server) -> None:
    with closing(catalog(server, pushdown=False)) as shop:
        data = {"primary": table(shop, "orders"), "people": table(shop, "people")}
        result = dq.evaluate(f"Rules = [ {RULES} ]", data)
        assert result.passed
        assert {each.evidence for each in result.outcomes} == {("duckdb",)}
        assert result.tables[1].fetched == "90 rows of 1 of 2 columns were fetched: id"
        step = explain(f"Rules = [ {RULES} ]", data).steps[0]
        assert step.answerer is not None
        assert step.answerer.refusal == "PostgreSQL `postgres`: pushdown is switched off"


def test_the_plan_shows_the_sql_of_the_server_or_why_it_is_not_asked(shop: Any) -> None:
    plan = explain('Rules = [ IsUnique "id", ColumnValues "status" matches "p.*" ]', table(shop, "orders"))
    told = {step.answerer.name: step for step in plan.steps if step.answerer}
    assert 'FROM "public"."orders"' in told["PostgreSQL `postgres`"].sql
    assert "regular expressions are matched otherwise" in told["duckdb"].answerer.refusal  # type: ignore[union-attr]


def test_one_run_sees_one_moment(server: Server, shop: Any) -> None:
    server.run("CREATE TABLE moving AS SELECT i AS id, 'a' || i AS t FROM generate_series(1, 10) i")
    opened = table(shop, "moving").open(dq.ReadOptions())
    server.run("DELETE FROM moving WHERE id > 5")
    rules = 'Rules = [ RowCount = 10, ColumnValues "t" matches "a.*", IsUnique "id" ]'
    result = dq.evaluate(rules, opened)
    assert result.passed
    assert set().union(*(each.evidence for each in result.outcomes)) == {"duckdb", "PostgreSQL `postgres`"}
    assert verdicts("RowCount = 5", table(shop, "moving")) == ["PASSED"], "the next run sees what is there by then"


def test_nothing_is_written(server: Server, shop: Any) -> None:
    with pytest.raises(DataError, match="read-only transaction"):
        shop._session.rows("SELECT nextval('public.counter') AS x")


# -- selections ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        (("day=2024-01-02",), 1),
        (("day>=2024-04-09",), 2),
        (("day=2024-01-02..2024-01-04",), 3),
        (("day=latest",), 1),
        (("status=paid", "day=latest"), 1),
        (("Status=paid,open",), 67),
        (("amount=1.25",), 1),
        (("qty!=0", "id<=10"), 9),
    ],
)
@pytest.mark.parametrize("pushdown", [True, False])
def test_a_filter_may_be_on_any_column(server: Server, filters: tuple[str, ...], rows: int, pushdown: bool) -> None:
    with closing(catalog(server, pushdown=pushdown)) as shop:
        chosen = table(shop, "orders", partitions=filters)
        assert verdicts(f'RowCount = {rows}, IsUnique "id"', chosen) == ["PASSED", "PASSED"]


@pytest.mark.parametrize(
    ("filters", "raised", "words"),
    [
        (("day=2023-01-01",), DataError, "no row of public.orders of PostgreSQL `postgres` meets day=2023-01-01"),
        (("day=yesterday-ish",), DataError, "invalid input syntax for type date"),
        (("dai=2023-01-01",), DqError, "`dai` is no column to filter by"),
    ],
)
def test_a_filter_that_selects_nothing_is_told(
    shop: Any, filters: tuple[str, ...], raised: type[DqError], words: str
) -> None:
    with pytest.raises(raised, match=words):
        verdicts("RowCount > 0", table(shop, "orders", partitions=filters))


def test_there_are_no_versions(shop: Any) -> None:
    for chosen in (selection(snapshot="1"), selection(as_of="2024-01-01")):
        with pytest.raises(DqError, match="no snapshots"):
            dq.evaluate("Rules = [ RowCount > 0 ]", NamedTable("o", shop.table(("orders",)), chosen))


# -- faults --------------------------------------------------------------------------------------------


def outcome_of(data: Any, rules: str = "RowCount > 0", **more: Any) -> dq.Outcome:
    result = dq.evaluate(f"Rules = [ {rules} ]", data, **more)
    assert result.exit_code == 3
    return result.outcomes[0]


def test_a_server_that_is_not_there(server: Server) -> None:
    begun = time.monotonic()
    nowhere = connect("postgres", "shop", {"url": "postgresql://dq@127.0.0.1:1/x"}, Path.cwd())
    with pytest.raises(DataError, match=r"cannot be reached: .*Connection refused"):
        nowhere.table(("orders",))
    assert time.monotonic() - begun < 20


def test_a_wrong_password_is_told_and_never_shown(server: Server) -> None:
    url = server.url("locked")
    with closing(connect("postgres", "shop", {"url": url, "password": PASSWORD}, Path.cwd())) as shop:
        assert verdicts("RowCount = 100", table(shop, "orders")) == ["PASSED"]
    for settings in (
        {"url": url, "password": "hush-hush%"},
        {"url": url.replace("locked@", "locked:hush-hush%25@")},
        {"url": url.replace("locked@", "locked:hush-hush%zz@")},
    ):
        with closing(connect("postgres", "shop", settings, Path.cwd())) as shop, pytest.raises(DataError) as raised:
            shop.table(("orders",))
        assert "cannot be reached" in raised.value.message
        assert "hush" not in repr(raised.value) + str(raised.value) + raised.value.message + raised.value.help
        assert "hush" not in repr(raised.traceback[-1].frame.f_locals.get("self", ""))


def test_permission_denied(server: Server) -> None:
    settings = {"url": server.url("locked"), "password": PASSWORD}
    for pushdown in (True, False):
        with closing(connect("postgres", "shop", {**settings, "pushdown": pushdown}, Path.cwd())) as shop:
            assert "permission denied for table secret" in outcome_of(table(shop, "secret")).reason


def test_a_statement_that_takes_too_long_is_stopped_by_the_server(server: Server) -> None:
    for pushdown in (True, False):
        with closing(catalog(server, timeout=0.5, pushdown=pushdown)) as shop:
            reason = outcome_of(table(shop, "sleepy"), 'Completeness "x" > 0').reason
            assert "canceling statement due to statement timeout" in reason
            assert "raise the `timeout` of the catalog" in reason


def test_the_time_limit_of_a_scan_reaches_the_server(server: Server) -> None:
    for pushdown in (True, False):
        begun = time.monotonic()
        with closing(catalog(server, pushdown=pushdown)) as shop:
            outcome = outcome_of(table(shop, "sleepy"), 'Completeness "x" > 0', time_limit=0.5)
            assert "took longer than 0.5 s" in outcome.reason
        assert time.monotonic() - begun < 15
    assert running(server) == 0


def running(server: Server) -> int:
    """How many statements of ours run on the server, a moment later."""
    for _ in range(50):
        (found,) = server.run(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'dq' AND state = 'active'"
        )
        if not found[0]:
            break
        time.sleep(0.1)
    return int(found[0])


@pytest.mark.parametrize("pushdown", [True, False])
def test_a_connection_that_is_killed_in_the_middle(server: Server, pushdown: bool) -> None:
    with closing(catalog(server, pushdown=pushdown)) as shop:
        rules = 'Rules = [ Completeness "x" > 0, IsUnique "id", RowCount > 0 ]'
        killer = threading.Timer(0.7, kill, [server])
        killer.start()
        result = dq.evaluate(rules, table(shop, "sleepy"))
        killer.join()
        assert {str(each.verdict) for each in result.outcomes} == {"ERROR"}
        assert all("terminating connection" in e.reason or "closed the connection" in e.reason for e in result.outcomes)
        assert verdicts("RowCount = 100", table(shop, "orders")) == ["PASSED"], "the next run begins anew"


def kill(server: Server) -> None:
    server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dq'")


def test_a_server_that_restarts_between_the_plan_and_the_scan(server: Server) -> None:
    for pushdown in (True, False):
        with closing(catalog(server, pushdown=pushdown)) as shop:
            opened = table(shop, "orders").open(dq.ReadOptions())
            server.restart()
            result = dq.evaluate('Rules = [ RowCount = 100, IsComplete "status" ]', opened)
            assert {str(each.verdict) for each in result.outcomes} == {"ERROR"}
            assert verdicts("RowCount = 100", table(shop, "orders")) == ["PASSED"]


@pytest.mark.parametrize("change", ["DROP TABLE passing", "ALTER TABLE passing DROP COLUMN t"])
@pytest.mark.parametrize("pushdown", [True, False])
def test_a_table_that_goes_away_between_the_plan_and_the_scan(server: Server, change: str, pushdown: bool) -> None:
    server.run("DROP TABLE IF EXISTS passing", "CREATE TABLE passing AS SELECT 1 AS id, 'a' AS t")
    with closing(catalog(server, pushdown=pushdown)) as shop:
        opened = table(shop, "passing").open(dq.ReadOptions())
        server.run(change)
        result = dq.evaluate('Rules = [ RowCount = 1, IsComplete "t" ]', opened)
    assert {str(each.verdict) for each in result.outcomes} == {"ERROR"}
    assert all("does not exist" in each.reason for each in result.outcomes)
    assert result.exit_code == 3


def test_a_view_that_fails_is_an_error(server: Server) -> None:
    for pushdown in (True, False):
        with closing(catalog(server, pushdown=pushdown)) as shop:
            assert "division by zero" in outcome_of(table(shop, "broken"), 'Completeness "x" > 0').reason


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "mysql://x"}, "begins with postgresql://"),
        ({"url": "postgresql://x", "timeout": 0}, "`timeout` cannot"),
    ],
)
def test_a_wrong_setting(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(DqError, match=words):
        connect("postgres", "shop", settings, Path.cwd())
