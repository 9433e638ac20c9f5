"""What each rule says of each row of one small table: p passes, f fails, s says nothing. By hand, from REFERENCE B and F.5."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from dq.binding import bind
from dq.engines.functions import DUCKDB, lower
from dq.language import parse
from dq.lazy import exp
from dq.metrics import GroupCounts, Occurrences, Ratio, Returned, Size
from dq.rows.labels import joined, leaf
from dq.schema import Column, Schema, Type
from dq.syntax import Rule, RuleExpression
from dq.tree import column, literal, table

NOW = datetime(2026, 3, 9, 8, 30, 12, tzinfo=UTC)
TABLE = Schema(
    (
        Column("s", Type.STRING, "VARCHAR"),
        Column("i", Type.INTEGER, "BIGINT"),
        Column("d", Type.FLOAT, "DOUBLE"),
        Column("f", Type.FLOAT, "FLOAT"),
        Column("n", Type.DECIMAL, "DECIMAL(5,2)"),
        Column("day", Type.DATE, "DATE"),
        Column("at", Type.TIMESTAMP, "TIMESTAMP"),
        Column("u", Type.STRING, "VARCHAR"),
        Column("b", Type.BOOLEAN, "BOOLEAN"),
    )
)
ROWS: list[tuple[Any, ...]] = [
    ("a", 1, 1.0, 0.1, "1.10", "2026-03-09", "2026-03-09 08:30:00", "1", True),
    ("A", 2, float("nan"), 0.5, "2.00", "2026-03-08", "2026-03-09 08:29:59", "1.0", False),
    ("", 0, -0.0, 0.0, "0.00", "2026-03-10", "2026-03-10 08:30:00", "x", True),
    ("  ", -1, float("inf"), 1.5, "-1.00", "2026-03-02", "2026-03-02 08:30:00", "2026-03-09", False),
    (None,) * 9,
    ("ab", 3, 2.5, 2.5, "1.00", "0001-01-01", "2025-03-09 00:00:00", "1", True),
]
SAID: list[tuple[str, str | None]] = [
    ('IsComplete "s"', 'ppppfp'),
    ('IsComplete "s" where "i > 0"', 'pppppp'),
    ('Completeness "s" > 0.5', 'ppppfp'),
    ('IsUnique "u"', 'fpppsf'),
    ('IsUnique "b"', 'ffffsf'),
    ('IsUnique "s" "u"', 'ppppsp'),
    ('IsUnique "u" where "i > 1"', 'pppppp'),
    ('IsPrimaryKey "s"', 'ppppfp'),
    ('IsPrimaryKey "u"', 'fpppff'),
    ('IsPrimaryKey "u" where "i > 1"', 'pppppp'),
    ('Uniqueness "u" > 0.5', 'fpppsf'),
    ('UniqueValueRatio "u" > 0.5', 'fpppsf'),
    ('DuplicateRowCount "u" = 0', 'fpppsf'),
    ('DistinctValuesCount "u" = 0', None),
    ('RowCount > 0', None),
    ('ColumnValues "i" = 1', 'pfffff'),
    ('ColumnValues "i" != 1', 'fppppp'),
    ('ColumnValues "i" > 1', 'fpfffp'),
    ('ColumnValues "i" >= 1', 'ppfffp'),
    ('ColumnValues "i" < 1', 'ffppff'),
    ('ColumnValues "i" <= 1', 'pfppff'),
    ('ColumnValues "i" between 0 and 2', 'pfffff'),
    ('ColumnValues "i" not between 0 and 2', 'fpppfp'),
    ('ColumnValues "i" in [1, 2]', 'ppffff'),
    ('ColumnValues "i" not in [1, 2]', 'ffpppp'),
    ('ColumnValues "i" = NULL', 'ffffpf'),
    ('ColumnValues "i" != NULL', 'ppppfp'),
    ('ColumnValues "i" in [1, NULL]', 'pfffpf'),
    ('ColumnValues "i" not in [1, NULL]', 'fpppfp'),
    ('ColumnValues "i" in [NULL]', 'ffffpf'),
    ('ColumnValues "i" not in [NULL]', 'ppppfp'),
    ("ColumnValues \"i\" > 1 where \"s = 'a' or s = 'A'\"", 'fppppp'),
    ('ColumnValues "i" = 3 - 1', 'fpffff'),
    ('ColumnValues "i" > -1', 'pppffp'),
    ('ColumnValues "d" > 1', 'fpfpfp'),
    ('ColumnValues "d" = 0', 'ffpfff'),
    ('ColumnValues "d" in [0, 2.5]', 'ffpffp'),
    ('ColumnValues "d" between 0 and 3', 'pffffp'),
    ('ColumnValues "f" = 0.1', 'pfffff'),
    ('ColumnValues "f" in [0.1, 0.5]', 'fpffff'),
    ('ColumnValues "f" < 0.1', 'ffpfff'),
    ('ColumnValues "f" <= 0.1', 'pfpfff'),
    ('ColumnValues "f" between 0.1 and 1', 'ppffff'),
    ('ColumnValues "f" != 0.1', 'pppppp'),
    ('ColumnValues "n" = 1.1', 'pfffff'),
    ('ColumnValues "n" > 1.0000000000000000000000000000000000001', 'ppffff'),
    ('ColumnValues "n" in [1.1, 2]', 'ppffff'),
    ('ColumnValues "u" in [1, 2]', 'fpffff'),
    ('ColumnValues "u" not in [1]', 'pfpppp'),
    ('ColumnValues "u" in [NULL]', 'ffffpf'),
    ('ColumnValues "u" != 1', 'ffffpf'),
    ('ColumnValues "s" = "a"', 'pfffff'),
    ('ColumnValues "s" != "a"', 'fppppp'),
    ('ColumnValues "s" = "a" with ignoreCase = "true"', 'ppffff'),
    ('ColumnValues "s" = "A" with ignoreCase = "TRUE"', 'ppffff'),
    ('ColumnValues "s" = "a" with ignoreCase = "false"', 'pfffff'),
    ('ColumnValues "s" in ["a", "ab"]', 'pffffp'),
    ('ColumnValues "s" not in ["a", "ab"]', 'fppppf'),
    ('ColumnValues "s" in ["A", EMPTY, NULL]', 'fppfpf'),
    ('ColumnValues "s" in ["A", WHITESPACES_ONLY] with ignoreCase = "true"', 'ppfpff'),
    ('ColumnValues "s" not in ["A", EMPTY] with ignoreCase = "true"', 'fffppp'),
    ('ColumnValues "s" not in ["a", NULL]', 'fpppfp'),
    ('ColumnValues "s" = EMPTY', 'ffpfff'),
    ('ColumnValues "s" != EMPTY', 'ppfppp'),
    ('ColumnValues "s" = WHITESPACES_ONLY', 'fffpff'),
    ('ColumnValues "s" != WHITESPACES_ONLY', 'pppfpp'),
    ('ColumnValues "s" = NULL', 'ffffpf'),
    ('ColumnValues "s" != NULL', 'ppppfp'),
    ('ColumnValues "s" in [NULL, EMPTY, WHITESPACES_ONLY]', 'ffpppf'),
    ('ColumnValues "s" not in [NULL, EMPTY, WHITESPACES_ONLY]', 'ppfffp'),
    ('ColumnValues "s" matches "a"', 'pfffff'),
    ('ColumnValues "s" matches "[ab]+"', 'pffffp'),
    ('ColumnValues "s" not matches "[ab]+"', 'fpppff'),
    ('ColumnValues "s" matches "A.?" with ignoreCase = "true"', 'ppfffp'),
    (r'ColumnValues "s" matches "\\ba\\b"', 'pfffff'),
    ('ColumnValues "i" = "1"', 'pfffff'),
    ('ColumnValues "d" = "1.0"', 'pfffff'),
    ('ColumnValues "d" in ["Infinity", "NaN"]', "fpfpff"),
    ('ColumnValues "d" in ["1.0", "2.5"]', 'pffffp'),
    ('ColumnValues "f" = "0.1"', 'pfffff'),
    ('ColumnValues "n" = "1.10"', 'pfffff'),
    ('ColumnValues "b" = "true"', 'pfpffp'),
    ('ColumnValues "i" = EMPTY', 'ffffff'),
    ('ColumnValues "day" = "2026-03-09"', 'pfffff'),
    ('ColumnValues "day" != "2026-03-09"', 'fppppp'),
    ('ColumnValues "day" > "2026-03-08"', 'pfpfff'),
    ('ColumnValues "day" >= (now() - 7 days)', 'ppppff'),
    ('ColumnValues "day" < now()', 'fpfpfp'),
    ('ColumnValues "day" <= now()', 'ppfpfp'),
    ('ColumnValues "day" > (now() + 0 days)', 'ffpfff'),
    ('ColumnValues "day" between "2026-03-02" and "2026-03-09"', 'fpffff'),
    ('ColumnValues "day" not between "2026-03-02" and "2026-03-09"', 'pfppfp'),
    ('ColumnValues "day" in ["2026-03-09", "2026-03-08"]', 'ppffff'),
    ('ColumnValues "day" in ["2026-03-09", NULL]', 'pfffpf'),
    ('ColumnValues "day" not in ["2026-03-09", NULL]', 'fpppfp'),
    ('ColumnValues "day" = NULL', 'ffffpf'),
    ('ColumnValues "at" = "2026-03-09"', 'ppffff'),
    ('ColumnValues "at" > (now() - 30 minutes)', 'pppfff'),
    ('ColumnValues "at" >= (now() - 0 minutes)', 'pfpfff'),
    ('ColumnValues "at" > now()', 'ffpfff'),
    ('ColumnValues "at" < "8:30 AM"', 'fpfpfp'),
    ('ColumnValues "at" <= "08:30"', 'ppfpfp'),
    ('ColumnValues "at" < "9:30 AM" with timeZone = "Europe/Berlin"', 'fpfpfp'),
    ('ColumnValues "at" <= "9:30 AM" with timeZone = "+01:00"', 'ppfpfp'),
    ('ColumnValues "at" <= "3:30 AM" with timeZone = "UTC-5"', 'ppfpfp'),
    ('ColumnValues "at" <= "8:30 PM"', 'ppfpfp'),
    ('ColumnValues "day" < "8:30 AM"', 'fpfpfp'),
    ('ColumnValues "u" = "2026-03-09"', 'fffpff'),
    ('ColumnValues "u" > "2026-03-08"', 'fffpff'),
    ('ColumnLength "s" = 1', 'ppffff'),
    ('ColumnLength "s" = 0', 'ffpfpf'),
    ('ColumnLength "s" != 1', 'ffpppp'),
    ('ColumnLength "s" > 1', 'fffpfp'),
    ('ColumnLength "s" between 0 and 2', 'ppffff'),
    ('ColumnLength "s" not between 0 and 2', 'ffpppp'),
    ('ColumnLength "s" in [1, 2]', 'ppfpfp'),
    ('ColumnLength "s" not in [1, 2]', 'ffpfpf'),
    ('ColumnDataType "u" = "Integer"', 'ppfffp'),
    ('ColumnDataType "u" != "Integer"', 'ffpppf'),
    ('ColumnDataType "u" = "Date"', 'fffpff'),
    ('ColumnDataType "u" = "Date" with format = "yyyy-MM-dd"', 'fffpff'),
    ('DataFreshness "at" < 24 hours', 'pppfff'),
    ('DataFreshness "at" <= 0 hours', 'pppfff'),
    ('DataFreshness "at" = 0 hours', 'ppffff'),
    ('DataFreshness "at" > 7 days', 'fffffp'),
    ('DataFreshness "at" >= 7 days', 'fffpfp'),
    ('DataFreshness "at" between 6 days and 8 days', 'fffpff'),
    ('DataFreshness "at" not between 6 days and 8 days', 'pppffp'),
    ('DataFreshness "at" in [7 days, 0 minutes]', 'ppfpff'),
    ('DataFreshness "at" not in [7 days]', 'pppffp'),
    ('DataFreshness "at" < 0 days', 'ffpfff'),
    ('DataFreshness "day" < 9 hours', 'pfpfff'),
    ('DataFreshness "day" > 8 hours', 'ppfpfp'),
]  # fmt: skip
SKIPPED = [
    ('IsComplete "s" where "i > 0"', "ppsssp"),
    ('IsUnique "u" where "i > 1"', "spsssp"),
    ("ColumnValues \"i\" > 1 where \"s = 'a' or s = 'A'\"", "fpssss"),
    ('IsComplete "s"', "ppppfp"),
]
COMPOSITES = [
    # a row about which one part says nothing: SQL's three-valued logic
    ('(IsUnique "u") and (IsComplete "i")', "fpppff"),
    ('(IsUnique "u") or (IsComplete "i")', "ppppsp"),
    ('(IsUnique "u") or (ColumnValues "i" = NULL)', "fppppf"),
    ('(IsUnique "u") and ((ColumnValues "i" > 1) or (ColumnValues "i" = NULL))', "fpffsf"),
    ('(IsUnique "u") and (RowCount > 0)', None),
    ('(RowCount > 0) or (IsUnique "u")', None),
]  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        columns = ", ".join(f'"{each.name}" {each.native}' for each in TABLE)
        connection.execute(f'CREATE TABLE "primary" (at_ INTEGER, {columns})')
        for number, row in enumerate(ROWS):
            connection.execute(f'INSERT INTO "primary" VALUES ({", ".join("?" * (len(row) + 1))})', [number, *row])
        yield connection


@pytest.mark.parametrize(("text", "expected"), SAID)
def test_what_a_rule_says_of_rows(connection: duckdb.DuckDBPyConnection, text: str, expected: str | None) -> None:
    assert said(connection, label(rule_of(text))) == expected


@pytest.mark.parametrize(("text", "expected"), SKIPPED)
def test_rows_outside_of_where_can_be_skipped(connection: duckdb.DuckDBPyConnection, text: str, expected: str) -> None:
    assert said(connection, label(rule_of(text), skip_filtered=True)) == expected


@pytest.mark.parametrize(("text", "expected"), COMPOSITES)
def test_what_a_composite_says_of_rows(connection: duckdb.DuckDBPyConnection, text: str, expected: str | None) -> None:
    composite = rule_of(text)
    parts: dict[Rule, Any] = {}

    def collect(each: RuleExpression) -> None:
        if isinstance(each, Rule):
            parts[each] = label(each)
        else:
            for operand in each.operands:
                collect(operand)

    collect(composite)
    assert said(connection, joined(composite, parts)) == expected


@pytest.mark.parametrize(("depth", "labelled"), [(100, True), (101, False)])
def test_rows_are_left_out_of_composites_that_nest_too_deep(depth: int, labelled: bool) -> None:
    """100 composites inside each other still have a row meaning: an engine bounds the depth of an expression."""
    opened = "".join(f"(RowCount > 0) {('and', 'or')[level % 2]} (" for level in range(depth))
    text = opened + "RowCount > 0" + ")" * depth
    rule = parse("Rules = [ RowCount > 0 ]").rules[0]
    assert isinstance(rule, Rule)
    assert (joined(rule_of(text), {rule: literal(1)}) is not None) is labelled


def rule_of(text: str) -> RuleExpression:
    (rule,) = parse(f"Rules = [ {text} ]").rules
    return rule


def label(rule: RuleExpression, *, skip_filtered: bool = False) -> Any:
    assert isinstance(rule, Rule)
    return leaf(bind(rule, {"primary": TABLE}, NOW), {}, skip_filtered=skip_filtered)


def said(connection: duckdb.DuckDBPyConnection, tree: Any) -> str | None:
    if tree is None:
        return None
    query = exp.select(tree).from_(table("primary")).order_by(column("at_"))
    found = connection.execute(lower(query, DUCKDB).sql(dialect="duckdb")).fetchall()
    return "".join({True: "p", False: "f", None: "s"}[cell] for (cell,) in found)


def test_columns_named_as_our_own_do_not_mix_up_and_nulls_are_left_out() -> None:
    names = Schema((Column("k0", Type.INTEGER, "BIGINT"), Column("n", Type.INTEGER, "BIGINT")))
    rule = rule_of('IsUnique "n" "k0"')
    assert isinstance(rule, Rule)
    tree = leaf(bind(rule, {"primary": names}, NOW), {}, skip_filtered=False)
    with duckdb.connect() as connection:
        rows = "(1, 5, 0), (1, 5, 1), (5, 1, 2), (NULL, NULL, 3), (NULL, NULL, 4)"
        connection.execute(f'CREATE TABLE "primary" AS FROM (VALUES {rows}) t(k0, n, at_)')
        assert said(connection, tree) == "ffpss"


# -- examples of failing rows ----------------------------------------------------------------------------

EXAMPLES: list[tuple[str, Mapping[str, Any], str]] = [
    # rows that have a known repeated key, and not all that repeat
    ('IsUnique "u"', {"GroupCounts": Occurrences(5, 4, 3, 1, repeated=(("1",),))}, "x....x"),
    ('IsUnique "u"', {"GroupCounts": Occurrences(5, 4, 3, 1)}, "x....x"),
    ('IsUnique "u" where "i > 1"', {"GroupCounts": Occurrences(2, 2, 2, repeated=(("1",),))}, ".....x"),
    ('IsUnique "s" "i"', {"GroupCounts": Occurrences(5, 4, 3, 1, repeated=(("a", 1), ("b", 2), ("", None)))}, "x....."),
    ('IsUnique "s" "i"', {"GroupCounts": Occurrences(5, 4, 3, 1, repeated=((None, None),))}, "....x."),
]


@pytest.mark.parametrize(("text", "answers", "expected"), EXAMPLES)
def test_rows_that_are_shown_as_examples(
    connection: duckdb.DuckDBPyConnection, text: str, answers: Mapping[str, Any], expected: str
) -> None:
    rule = rule_of(text)
    assert isinstance(rule, Rule)
    bound = bind(rule, {"primary": TABLE}, NOW)
    facts = {metric: answers.get(type(metric).__name__) for metric in bound.metrics()}
    assert shown(connection, bound.example_rows(facts)) == expected  # type: ignore[arg-type]


def shown(connection: duckdb.DuckDBPyConnection, condition: Any) -> str:
    found = said(connection, condition)
    assert found is not None
    return "".join("x" if each == "p" else "." for each in found)


@pytest.mark.parametrize(
    ("groups", "whole", "expected"),
    [
        # `u` lacks values and `i` does not: only the gaps of `u` are looked for, beside the known repeated keys
        (Occurrences(5, 4, 3, 1, repeated=(("1", 3),)), (False, True), "....xx"),
        (Occurrences(5, 5, 5, 1), (False, True), "....x."),
        (Occurrences(5, 5, 5, 1), (True, False), "....x."),
        (Occurrences(5, 4, 3, 1, repeated=(("1", 3),)), (True, True), ".....x"),
        # keys repeat, and none is known: all of them are looked for
        (Occurrences(5, 4, 3, 1), (False, True), "....x."),
    ],
)
def test_examples_of_a_primary_key_are_repeated_or_lack_a_value(
    connection: duckdb.DuckDBPyConnection, groups: Occurrences, whole: tuple[bool, bool], expected: str
) -> None:
    rule = rule_of('IsPrimaryKey "u" "i" where "i is null or i > 0"')
    assert isinstance(rule, Rule)
    bound = bind(rule, {"primary": TABLE}, NOW)
    presence = iter(Ratio(6 if each else 5, 6) for each in whole)
    facts = {
        metric: groups if isinstance(metric, GroupCounts) else next(presence)
        for metric in bound.metrics()
        if not isinstance(metric, Size)
    }
    assert shown(connection, bound.example_rows(facts)) == expected


def test_rows_that_a_query_did_not_return_fail(connection: duckdb.DuckDBPyConnection) -> None:
    rule = rule_of('CustomSql "select s, i from primary where i > 0"')
    assert isinstance(rule, Rule)
    bound = bind(rule, {"primary": TABLE}, NOW)
    metric = bound.metrics()[-1]
    assert said(connection, leaf(bound, {metric: Returned(3, 6, ("s", "i"))}, skip_filtered=False)) == "ppfffp"
    assert leaf(bound, {metric: Returned(problem="no column is shared")}, skip_filtered=False) is None
    number = rule_of('CustomSql "select 1" = 1')
    assert isinstance(number, Rule)
    assert leaf(bind(number, {"primary": TABLE}, NOW), {}, skip_filtered=False) is None
