"""What a database is asked, and what it is not: trees of ours in its SQL, by allow-list."""

from __future__ import annotations

import pytest

from dq.databases.held import Held, HeldTable
from dq.databases.postgres import POSTGRES
from dq.databases.translating import RefusedError, translate
from dq.lazy import casts, exp, sqlglot
from dq.metrics import Bounds, Compliance, GroupCounts, Groups, Metric, Rows, Size, Spread, Sum
from dq.planning import Scan
from dq.schema import Column, Schema
from dq.scope import Scope
from dq.sources.types import type_of
from dq.sql import columns_read, compile_scan, is_among
from dq.sqltext import parse_select, parse_where

NATIVES = {
    "n": "INTEGER",
    "big": "BIGINT",
    "x": "DOUBLE",
    "f": "FLOAT",
    "m": "DECIMAL(10,2)",
    "wide": "DECIMAL(20,2)",
    "t": "VARCHAR",
    "d": "DATE",
    "at": "TIMESTAMP",
    "z": "TIMESTAMP WITH TIME ZONE",
    "b": "BOOLEAN",
    "l": "INTEGER[]",
}


def _held(name: str, native: str) -> Held:
    value: exp.Expr = exp.column(name, quoted=True)
    if native == "VARCHAR":
        value = exp.Collate(this=value, expression=exp.to_identifier("C", quoted=True))
    return Held(name, native, value)


def relation(name: str) -> HeldTable:
    return HeldTable(tuple(_held(*each) for each in NATIVES.items()), exp.table_(name, db="shop", quoted=True))


RELATIONS = {"primary": relation("orders"), "ref": relation("people")}


def column(name: str) -> Column:
    return Column(name, type_of(NATIVES[name]), NATIVES[name])


def said(query: exp.Expr) -> str:
    return translate(query, RELATIONS, POSTGRES).tree.sql(dialect="postgres")


def asked(*metrics: Metric) -> str:
    return said(compile_scan(Scan(metrics[0].grain, metrics)).tree)


def where(clause: str) -> exp.Expr:
    return parse_where(clause, RELATIONS["primary"].columns)


def counted(clause: str) -> str:
    """What becomes of a `where` clause."""
    return asked(Size(Scope(where(clause)))).removeprefix("SELECT COUNT(CASE WHEN ").partition(" THEN 1 END)")[0]


def test_a_table_is_seen_as_it_would_arrive() -> None:
    assert asked(Size(), Sum(column("n")), Bounds(column("t"))) == (
        'SELECT COUNT(*) AS "a0", COUNT("primary"."n") AS "a1", SUM("primary"."n") AS "a2", MIN("primary"."t") AS "a3", '
        'MAX("primary"."t") AS "a4" FROM (SELECT "n" AS "n", "t" COLLATE "C" AS "t" FROM "shop"."orders") AS "primary"'
    )
    assert asked(Size()) == 'SELECT COUNT(*) AS "a0" FROM (SELECT 1 AS "one" FROM "shop"."orders") AS "primary"'


@pytest.mark.parametrize(
    ("clause", "sql"),
    [
        ("n > -1 and t = 'it\\'s'", """("primary"."n" > (-1)) AND ("primary"."t" = 'it''s')"""),
        ("x > 1", '"primary"."x" > CAST(1 AS DOUBLE PRECISION)'),
        ("x > 0.5", '"primary"."x" > CAST(0.5 AS DOUBLE PRECISION)'),
        ("m >= 1.255", '"primary"."m" >= 1.255'),
        ("d < date '2024-01-01'", """"primary"."d" < CAST('2024-01-01' AS DATE)"""),
        ("t in ('a', 'b')", """"primary"."t" IN ('a', 'b')"""),
        ("length(t) = 3", 'CHAR_LENGTH("primary"."t") = 3'),
        ("not b or b is null", '(NOT "primary"."b") OR ("primary"."b" IS NULL)'),
    ],
)
def test_conditions_are_said_with_their_types(clause: str, sql: str) -> None:
    assert sql.lower() in counted(clause).lower()


@pytest.mark.parametrize(
    ("clause", "reason"),
    [
        ("t rlike 'a+'", "regular expressions are matched otherwise"),
        ("upper(t) = 'A'", "letters beyond ASCII change their case otherwise"),
        ("cast(t as int) = 1", "regular expressions are matched otherwise|casts of text"),
        ("t > 5", "casts of text|regular expressions"),
        ("wide > x", "decimals of more than 15 digits as doubles"),
        ("f > 1", "comparisons of float with integer of 32 bits"),
        ("l = array(1)", "the function list_value has not been proven there|comparisons of nested"),
        ("t like 'a%'", "the construct Escape has not been proven there"),
        ("soundex(t) = 'x'", "soundex"),
    ],
)
def test_what_is_not_listed_is_refused_in_words(clause: str, reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        counted(clause)


def test_every_argument_of_a_node_must_be_known() -> None:
    for sql in (
        'SELECT count(*) AS c FROM "primary" ORDER BY 1',
        'SELECT DISTINCT count(*) AS c FROM "primary"',
        'SELECT count(*) AS c FROM "primary" LIMIT 1 OFFSET 1',
        'SELECT count(*) AS c FROM "primary" TABLESAMPLE (10)',
        'SELECT sum(n) OVER () AS c FROM "primary"',
        'SELECT count(*) AS c FROM "primary", "ref"',
        'SELECT * FROM "primary"',
        'SELECT 1 AS c',
        'SELECT n AS c, t AS c FROM "primary"',
        'SELECT 1 AS c FROM "primary" UNION ALL SELECT 1 AS c FROM "primary"',
    ):  # fmt: skip
        with pytest.raises(RefusedError):
            said(sqlglot.parse_one(sql, read="duckdb"))


def test_frequency_tables_are_made_once() -> None:
    sql = asked(GroupCounts((column("t"), column("m")), weigh=True))
    assert sql.startswith(
        'WITH "g" AS MATERIALIZED (SELECT "primary"."t" AS "k0", "primary"."m" AS "k1", COUNT(*) AS "n" FROM '
    )
    outputs = translate(
        compile_scan(Scan(Groups((column("t"),)), (GroupCounts((column("t"),), weigh=True),))).tree, RELATIONS, POSTGRES
    ).outputs
    assert [each.native for each in outputs][-2:] == ["MAP(BIGINT, BIGINT)", "STRUCT(k0 VARCHAR)[]"]


def test_partners_are_found_by_a_join() -> None:
    held = is_among([exp.column("n", quoted=True)], [exp.column("n", table="ref", quoted=True)], "ref")
    sql = asked(Compliance(held))
    assert 'LEFT JOIN (SELECT DISTINCT "k0" FROM (SELECT "ref"."n" AS "k0" FROM' in sql
    assert sql.count("JOIN") == 1
    with pytest.raises(RefusedError, match="NULL and false differ"):
        asked(Compliance(exp.Not(this=held)))


def test_types_of_answers_are_those_of_duckdb() -> None:
    tree = compile_scan(
        Scan(Rows(), (Sum(column("big")), Sum(column("m")), Spread(column("n")), Sum(column("x"))))
    ).tree
    natives = [each.native for each in translate(tree, RELATIONS, POSTGRES).outputs]
    assert natives == ["BIGINT", "HUGEINT", "BIGINT", "DECIMAL(38,2)", "BIGINT", "DOUBLE", "DOUBLE", "BIGINT", "DOUBLE"]


def test_the_sql_of_a_user_is_translated_where_it_is_plain() -> None:
    schemas = {"primary": RELATIONS["primary"].columns}
    assert "COALESCE(COUNT(1), 0)" in said(parse_select("select coalesce(count(1), 0) from primary", schemas).tree)
    assert "COUNT" in said(parse_select("select count(*) from primary where n > 1", schemas).tree)
    with pytest.raises(RefusedError):
        said(parse_select("select count(*) from primary a join primary b on a.n = b.n", schemas).tree)


def test_a_query_that_is_refused_can_still_be_asked_here() -> None:
    """The columns of a query are found by their places in it, which a translation must not take away."""
    binary = Column("bytes", type_of("BLOB"), "BLOB")
    relations = {"primary": HeldTable((_held("bytes", "BLOB"),), exp.table_("orders", quoted=True))}
    rule = exp.EQ(
        this=casts.cast(exp.column("bytes", quoted=True), binary.type, casts.TARGETS["string"]),
        expression=exp.Literal.string("true"),
    )
    query = compile_scan(Scan(Rows(), (Compliance(rule),))).tree
    with pytest.raises(RefusedError):
        translate(query, relations, POSTGRES)
    assert columns_read(query, {"primary": Schema((binary,))}) == {"primary": ("bytes",)}
