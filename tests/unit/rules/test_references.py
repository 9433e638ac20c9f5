"""Rules over several datasets: what they mean, what they refuse, and names that would break out of SQL."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import dq
from dq.binding import bind
from dq.engines.duckdb import DuckDBEngine
from dq.explanation import explain
from dq.metrics import Undefined
from dq.names import BindingError
from dq.partials import finish, merge, states
from dq.references import aggregate, column_pairs, mapping_pairs
from dq.schema import Column, Schema, Type
from dq.sources.tables import Tables
from dq.sources.types import spark_name

PASSED, FAILED, ERROR = dq.Verdict.PASSED, dq.Verdict.FAILED, dq.Verdict.ERROR

ORDERS = pa.table(
    {
        "id": [1, 2, 3, 4],
        "country": ["US", "CA", None, "FR"],
        "city": ["x", "y", "z", None],
        "amount": [1.5, 2.5, None, 4.0],
        "tags": [[1], [2], [3], [4]],
    }
)
COUNTRIES = pa.table(
    {"iso": ["US", "CA", None, "US"], "city": ["x", "q", "z", "x"], "total": [2.0, None, 6.0, 0.0], "id": [1, 2, 3, 4]}
)
TABLES = {"primary": ORDERS, "countries": COUNTRIES, "we.st": COUNTRIES, "empty": COUNTRIES.slice(0, 0)}


def one(rule: str, data: Any = TABLES) -> dq.Outcome:
    (outcome,) = dq.evaluate(f"Rules = [ {rule} ]", data).outcomes
    return outcome


@pytest.mark.parametrize(
    ("rule", "verdict", "reason"),
    [
        (
            'ReferentialIntegrity "country" "countries.iso" = 1.0',
            FAILED,
            "ReferentialIntegrity of `country` is 0.5, expected = 1.0 (2 of 4 rows without a partner in `countries`)",
        ),
        ('ReferentialIntegrity "country,city" "countries.{iso,city}" = 0.25', PASSED, ""),
        ('ReferentialIntegrity "country , city" "countries.{ iso, city }" = 0.25', PASSED, ""),
        ('ReferentialIntegrity "COUNTRY" "countries.ISO" = 0.5', PASSED, ""),
        ('ReferentialIntegrity "country" "we.st.iso" = 0.5', PASSED, ""),
        ('ReferentialIntegrity "country" "empty.iso" = 0', PASSED, ""),
        (
            'ReferentialIntegrity "country" "countries.is" = 1',
            ERROR,
            "column `is` does not exist in `countries`; did you mean `iso`?",
        ),
        (
            'ReferentialIntegrity "contry" "countries.iso" = 1',
            ERROR,
            "column `contry` does not exist; did you mean `country`?",
        ),
        (
            'ReferentialIntegrity "country" "contries.iso" = 1',
            ERROR,
            (
                "no data was given for the reference `contries`; there is `countries`, `we.st`, `empty`;"
                " did you mean `countries`?"
            ),
        ),
        (
            'ReferentialIntegrity "country" "countries.{iso,city}" = 1',
            ERROR,
            "1 column of the primary cannot be paired with 2 columns of `countries`",
        ),
        (
            'ReferentialIntegrity "country" "countries" = 1',
            ERROR,
            "`countries` names no column of a reference; write `alias.column` or `alias.{column, column}`",
        ),
        ('ReferentialIntegrity "country," "countries.{iso}" = 1', ERROR, "an empty name in the columns of the primary"),
        ('ReferentialIntegrity "country" "countries.{}" = 1', ERROR, "the columns of `countries` is empty"),
        ('ReferentialIntegrity "tags" "countries.id" = 1', ERROR, "column `tags` is nested"),
        (
            'ReferentialIntegrity "id" "primary.id" = 1',
            ERROR,
            "`primary` is the table under test and no reference; give the same data under a second alias",
        ),
        (
            'DatasetMatch "countries" "id" "city" = 1.0',
            FAILED,
            "DatasetMatch with `countries` is 0.5, expected = 1.0 (2 of 4 rows differ or have no partner)",
        ),
        ('DatasetMatch "countries" "id->id" "country -> iso" = 0.75', PASSED, ""),
        ('DatasetMatch "empty" "id" "city" = 0', PASSED, ""),
        (
            'DatasetMatch "countries" "id" = 1.0',
            ERROR,
            "`countries` lacks the columns `country`, `amount`, `tags`, and without a third parameter every column",
        ),
        (
            'DatasetMatch "countries" "country->iso" "city" = 1.0',
            FAILED,
            "rows cannot be paired: the key `country` occurs more than once, in 2 rows of `countries`",
        ),
        ('DatasetMatch "countries" "id->iso->id" = 1', ERROR, "`id->iso->id` is no mapping"),
        ('DatasetMatch "countries" "id->" = 1', ERROR, "`id->` is no mapping"),
        ('DatasetMatch "countries" "" = 1', ERROR, "the mapping is empty"),
        ('DatasetMatch "countries" "id" "amount->iso" >= 0', PASSED, ""),
        (
            'SchemaMatch "countries" = 1.0',
            FAILED,
            (
                "SchemaMatch with `countries` is 0.4, expected = 1.0: in `countries`, `country` is missing,"
                " `amount` is missing, `tags` is missing"
            ),
        ),
        (
            'RowCountMatch "countries" > 1.0',
            FAILED,
            "RowCountMatch with `countries` is 1, expected > 1.0 (4 over 4 rows)",
        ),
        ('RowCountMatch "empty" >= 0', FAILED, "the reference `empty` has no rows"),
        (
            'AggregateMatch "sum(amount)" "sum(countries.total)" > 1',
            FAILED,
            "sum(amount) over sum(countries.total) is 1, expected > 1 (8 over 8)",
        ),
        ('AggregateMatch "AVG(amount)" "avg(we.st.total)" = 1', PASSED, ""),
        ('AggregateMatch "sum(empty.total)" "sum(empty.total)" = 1', PASSED, ""),
        ('AggregateMatch "sum(amount)" "sum(empty.total)" = 0', PASSED, ""),
        (
            'AggregateMatch "Sum(amount)" "sum(amount)" = 1',
            ERROR,
            "AggregateMatch knows `sum` and `avg`, and `Sum` is neither; write `sum`",
        ),
        ('AggregateMatch "max(amount)" "sum(amount)" = 1', ERROR, "`max` is neither"),
        ('AggregateMatch "sum( amount)" "sum(amount)" = 1', ERROR, "column ` amount` does not exist"),
        ('AggregateMatch "amount" "sum(amount)" = 1', ERROR, "`amount` is no aggregate"),
        ('AggregateMatch "sum(tags)" "sum(amount)" = 1', ERROR, "column `tags` is nested"),
        ('AggregateMatch "sum(nope.x)" "sum(amount)" = 1', ERROR, "no data was given for the reference `nope`"),
        ('AggregateMatch "sum(amount) or 1" "sum(amount)" = 1', ERROR, "is no aggregate"),
        ('AggregateMatch "sum(amount), sum(id)" "sum(amount)" = 1', ERROR, "column `amount), sum(id` does not exist"),
    ],
)
def test_what_a_rule_over_several_datasets_says(rule: str, verdict: dq.Verdict, reason: str) -> None:
    outcome = one(rule)
    assert outcome.verdict is verdict, outcome.reason
    assert reason in outcome.reason


@pytest.mark.parametrize(
    "rule",
    [
        'ReferentialIntegrity "country" "empty.iso" = 1.0',
        'DatasetMatch "countries" "id" "city" >= 0',
    ],
)
def test_a_primary_without_rows_fails(rule: str) -> None:
    outcome = one(rule, {**TABLES, "primary": ORDERS.slice(0, 0)})
    assert (outcome.verdict, outcome.reason) == (FAILED, "no rows: the table is empty")


def test_a_primary_without_rows_is_no_rows_of_the_reference() -> None:
    data = {**TABLES, "primary": ORDERS.slice(0, 0)}
    assert one('RowCountMatch "countries" = 0', data).verdict is PASSED
    outcome = one('AggregateMatch "sum(amount)" "sum(countries.total)" = 0', data)
    assert outcome.verdict is PASSED
    assert outcome.notes == ("`sum(amount)` has no value and counts as 0",)


def test_without_any_reference_the_reason_says_so() -> None:
    outcome = one('RowCountMatch "ref" = 1', ORDERS)
    assert outcome.reason == "no data was given for the reference `ref`: only the primary is there"
    assert outcome.verdict is ERROR


# -- NULL ----------------------------------------------------------------------------------------------

LEFT = pa.table({"k": [1, 2, 3, None], "v": ["a", None, "c", None]})
RIGHT = pa.table({"k": [1, 2, 3, None], "v": ["a", None, None, None]})


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ('ReferentialIntegrity "k" "r.k" = 1', 0.75),
        ('ReferentialIntegrity "k,v" "r.{k,v}" = 1', 0.25),
        ('DatasetMatch "r" "k" = 1', 0.5),
        ('DatasetMatch "r" "k,v" = 1', 0.25),
        ('DatasetMatch "r" "k" "k" = 1', 0.75),
    ],
)
def test_null_equals_null_only_beside_the_key(rule: str, value: float) -> None:
    outcome = one(rule, {"primary": LEFT, "r": RIGHT})
    assert list(outcome.metrics.values()) == [value]
    assert outcome.failing is not None
    assert outcome.failing.count == 4 - 4 * value
    assert len(outcome.failing.sample) == outcome.failing.count


def test_one_null_key_is_a_key_and_two_are_none() -> None:
    nulls = pa.table({"k": pa.array([None, None, 1], pa.int64()), "v": ["a", "a", "a"]})
    outcome = one('DatasetMatch "r" "k" = 1', {"primary": nulls, "r": RIGHT})
    assert outcome.verdict is FAILED
    assert "the key `k` occurs more than once, in 2 rows of the primary" in outcome.reason


def test_a_key_of_two_columns_repeats_when_both_do() -> None:
    keys = pa.table({"a": [1, 1, 1, 1], "b": [None, 1, 2, None], "v": [1, 1, 1, 1]})
    outcome = one('DatasetMatch "r" "a,b" "v" = 1', {"primary": keys, "r": keys.slice(0, 3)})
    assert "the key `a`, `b` occurs more than once, in 2 rows of the primary" in outcome.reason
    matched = one('DatasetMatch "r" "a,b" "v" = 1', {"primary": keys.slice(0, 3), "r": keys.slice(0, 3)})
    assert matched.metrics == {"Dataset.r.DatasetMatch": 2 / 3}


# -- types ---------------------------------------------------------------------------------------------

NOON = datetime(2024, 1, 1, 12)
DAY = date(2024, 1, 1)
MIDNIGHT = datetime(2024, 1, 1)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (pa.array([1], pa.int32()), pa.array([1], pa.int64()), True),
        (pa.array([1], pa.int8()), pa.array([1], pa.uint64()), True),
        (pa.array([-1], pa.int64()), pa.array([2**64 - 1], pa.uint64()), False),
        (pa.array([1], pa.int64()), pa.array([1.0]), True),
        (pa.array([1], pa.int64()), pa.array(["1"]), True),
        (pa.array([1], pa.int64()), pa.array([" 1 "]), True),
        (pa.array(["01"]), pa.array([1], pa.int64()), True),
        (pa.array([" 1.7 "]), pa.array([1], pa.int64()), True),
        (pa.array(["x"]), pa.array([0], pa.int64()), False),
        (pa.array([None], pa.string()), pa.array([0], pa.int64()), False),
        (pa.array(["x"]), pa.array([None], pa.int64()), False),
        (pa.array([Decimal("1.50")]), pa.array([1.5]), True),
        (pa.array([Decimal("1.50")]), pa.array(["1.5"]), True),
        (pa.array([Decimal("1.50")], pa.decimal128(9, 2)), pa.array([Decimal("1.5")], pa.decimal128(30, 20)), True),
        (pa.array([10**12], pa.int64()), pa.array([Decimal("1")], pa.decimal128(38, 30)), False),
        (pa.array([Decimal("0.1")]), pa.array([0.1], pa.float32()), False),
        (pa.array([0.1], pa.float32()), pa.array([0.1], pa.float64()), False),
        (pa.array([0.1], pa.float32()), pa.array(["0.1"]), True),
        (pa.array([0.5], pa.float32()), pa.array([0.5], pa.float64()), True),
        (pa.array([16777217], pa.int64()), pa.array([16777216.0], pa.float32()), False),
        (pa.array([float("nan")]), pa.array([float("nan")]), True),
        (pa.array([0.0]), pa.array([-0.0]), True),
        (pa.array([True]), pa.array([1], pa.int64()), True),
        (pa.array([True]), pa.array([1.0]), True),
        (pa.array([True]), pa.array([Decimal("1.00")]), True),
        (pa.array([False]), pa.array([Decimal("1.00")]), False),
        (pa.array([True]), pa.array(["true"]), True),
        (pa.array([DAY]), pa.array([MIDNIGHT]), True),
        (pa.array([DAY]), pa.array([NOON]), False),
        (pa.array([DAY]), pa.array(["2024-01-01"]), True),
        (pa.array([DAY]), pa.array(["2024-1-1"]), True),
        (pa.array([NOON], pa.timestamp("ns")), pa.array([datetime(9999, 12, 31)], pa.timestamp("us")), False),
        (pa.array([NOON], pa.timestamp("ns")), pa.array([NOON], pa.timestamp("us")), True),
        (pa.array([NOON]), pa.array([NOON.replace(tzinfo=UTC)], pa.timestamp("us", "UTC")), True),
        (pa.array([NOON]), pa.array(["2024-01-01 12:00:00"]), True),
        (pa.array([time(12)]), pa.array([time(12)]), True),
        (pa.array([timedelta(days=1)]), pa.array([timedelta(days=2)]), False),
        (pa.array([b"a\\"]), pa.array([b"a\\"]), True),
        (pa.array(["a"]), pa.array(["A"]), False),
        (pa.array(["a"]), pa.array(["a "]), False),
        (pa.array(["a"]).dictionary_encode(), pa.array(["a"]), True),
    ],
)
def test_equality_across_types(left: pa.Array, right: pa.Array, equal: bool) -> None:
    """As a key and as a value beside it; the other direction is the same."""
    for ours, theirs in ((left, right), (right, left)):
        data = {"primary": pa.table({"i": [1], "v": ours}), "r": pa.table({"i": [1], "v": theirs})}
        integrity = one('ReferentialIntegrity "v" "r.v" = 1.0', data)
        match = one('DatasetMatch "r" "i" "v" = 1.0', data)
        assert (integrity.verdict, match.verdict) == (PASSED if equal else FAILED,) * 2, integrity.reason


@pytest.mark.parametrize(
    ("left", "right", "ours", "theirs"),
    [
        (pa.array([1]), pa.array([DAY]), "bigint", "date"),
        (pa.array([1.5]), pa.array([NOON]), "double", "timestamp"),
        (pa.array([b"a"]), pa.array(["a"]), "blob", "varchar"),
        (pa.array([True]), pa.array([DAY]), "boolean", "date"),
    ],
)
def test_what_cannot_be_compared_is_an_error_with_both_types(
    left: pa.Array, right: pa.Array, ours: str, theirs: str
) -> None:
    data = {"primary": pa.table({"i": [1], "v": left}), "r": pa.table({"i": [1], "w": right})}
    for rule in ('ReferentialIntegrity "v" "r.w" >= 0', 'DatasetMatch "r" "i" "v->w" >= 0'):
        outcome = one(rule, data)
        assert outcome.verdict is ERROR
        assert outcome.reason == f"`v` ({ours}) cannot be compared with `w` of `r` ({theirs})"


def test_a_text_column_sums_the_numbers_that_it_spells_and_says_so() -> None:
    data = {"primary": pa.table({"n": ["1.5", "x", " 2 ", None]}), "r": pa.table({"n": [3.5]})}
    outcome = one('AggregateMatch "sum(n)" "sum(r.n)" = 1.0', data)
    assert outcome.verdict is PASSED
    assert outcome.notes == ("column `n` of `sum(n)` is text: what spells no number is left out",)


@pytest.mark.parametrize(
    ("native", "spark"),
    [
        ("INTEGER", "int"),
        ("BIGINT", "bigint"),
        ("UINTEGER", "bigint"),
        ("UBIGINT", "decimal(20,0)"),
        ("DECIMAL(10,2)", "decimal(10,2)"),
        ("VARCHAR", "string"),
        ("ENUM('a', 'b')", "string"),
        ("STRUCT(a INTEGER)", "struct"),
        ("MAP(VARCHAR, INTEGER)", "map"),
        ("INTEGER[]", "array"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp"),
        ("TIMESTAMP_NS", "timestamp_ntz"),
        ("BLOB", "binary"),
        ("INTERVAL", "interval"),
    ],
)
def test_types_have_sparks_names(native: str, spark: str) -> None:
    assert spark_name(native) == spark


def test_schemas_agree_in_any_order_and_letter_case() -> None:
    primary = pa.table({"a": pa.array([1], pa.int32()), "B": ["x"], "s": [{"x": 1}]})
    reference = pa.table({"s": [{"y": "z"}], "b": ["x"], "A": pa.array([1], pa.int32()), "more": [1]})
    outcome = one('SchemaMatch "r" = 1.0', {"primary": primary, "r": reference})
    assert outcome.verdict is PASSED
    assert outcome.notes == ("in `r`, letter case differs: `a`, `B`", "only `r` has `more`")
    outcome = one('SchemaMatch "r" < 1.0', {"primary": primary, "r": reference})
    assert outcome.reason == "SchemaMatch with `r` is 1, expected < 1.0: every column agrees"
    assert outcome.measured == "all columns"


@pytest.mark.parametrize(("columns", "more"), [(10, ""), (11, " and 1 more"), (1110, " and 1,100 more")])
def test_many_differences_of_schemas_are_counted(columns: int, more: str) -> None:
    primary = pa.table({f"c{at}": [1] for at in range(columns)})
    outcome = one('SchemaMatch "r" > 0', {"primary": primary, "r": pa.table({"x": [1]})})
    missing = ", ".join(f"`c{at}` is missing" for at in range(10))
    assert outcome.reason == f"SchemaMatch with `r` is 0, expected > 0: in `r`, {missing}{more}"


# -- names ---------------------------------------------------------------------------------------------

HOSTILE = [
    '"; drop table primary; --',
    "' or 1=1 --",
    "select",
    "a b",
    " lead",
    "dot.ted",
    "ünïcödé 日本 🙂",
    "{x}",
    "back\\slash",
    "list0",
    "other.csv",
    "k0",
    "$tag$",
    "x\ny",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_tables_and_columns_are_only_names(name: str) -> None:
    """Quoted in DQDL, quoted in SQL: a table and a column of any name are compared like others."""
    data = {"primary": pa.table({name: [1, 2], "o": [1, 9]}), name: pa.table({name: [1, 3], "o": [1, 2]})}
    word = name.replace("\\", "\\\\").replace('"', '\\"')
    rules = [
        f'ReferentialIntegrity "{word}" "{word}.{{{word}}}" = 0.5',
        f'ReferentialIntegrity "o" "{word}.{{{word}}}" = 0.5',
        f'ReferentialIntegrity "{word}" "{word}.o" = 1.0',
        f'DatasetMatch "{word}" "{word}" "o" = 0.5',
        f'DatasetMatch "{word}" "o->{word}" "{word}->o" = 0.5',
        f'RowCountMatch "{word}" = 1.0',
        f'AggregateMatch "sum({word})" "sum({word}.o)" = 1.0',
        f'AggregateMatch "sum(o)" "sum({word}.{word})" = 2.5',
        f'SchemaMatch "{word}" = 1.0',
    ]
    outcomes = dq.evaluate("Rules = [ " + ",\n".join(rules) + " ]", data).outcomes
    assert [(str(each.rule), each.reason) for each in outcomes if not each.passed] == []


@pytest.mark.parametrize("alias", ["/etc/passwd", "information_schema.tables", "duckdb_settings()", "", "Countries"])
def test_an_alias_is_only_what_was_given(alias: str) -> None:
    """What a database would find by that name, such as a file or a system table, is no reference."""
    for rule in (
        f'RowCountMatch "{alias}" > 0',
        f'ReferentialIntegrity "id" "{alias}.id" >= 0',
        f'SchemaMatch "{alias}" >= 0',
    ):
        outcome = one(rule)
        assert outcome.verdict is ERROR
        assert "no data was given for the reference" in outcome.reason


@pytest.mark.parametrize(
    "text",
    [
        "sum(amount) from primary; drop table primary --",
        "sum(amount)) from primary --",
        'sum(amount") from secret --',
        "sum((select 1))",
        "sum(1)",
        "sum(*)",
        "sum(amount + 1)",
        "pg_sleep(amount)",
        "sum(read_csv('/etc/passwd'))",
        "",
        "sum()",
        "sum(amount) ",
    ],
)
def test_an_aggregate_is_never_sql(text: str) -> None:
    schemas = {"primary": Schema((Column("amount", Type.FLOAT, "DOUBLE"),))}
    with pytest.raises(BindingError):
        aggregate(text, schemas)


def test_the_last_dot_decides_unless_only_another_makes_sense() -> None:
    column = Schema((Column("x", Type.INTEGER, "BIGINT"), Column("b.x", Type.INTEGER, "BIGINT")))
    schemas = {"primary": column, "a": column, "a.b": column}
    assert column_pairs("x", "a.b.x", schemas)[0] == "a.b"
    assert aggregate("sum(a.b.x)", schemas).alias == "a.b"
    del schemas["a.b"]
    alias, (pair,) = column_pairs("x", "a.b.x", schemas)
    assert (alias, pair.reference.name) == ("a", "b.x")
    assert aggregate("sum(b.x)", schemas).column.name == "b.x"
    assert [pair.reference.name for pair in mapping_pairs("x->b.x, x", "a", schemas)] == ["b.x", "x"]


def test_many_columns_are_paired_by_position() -> None:
    names = list("gfedcba")
    data = {
        "primary": pa.table({name: [at] for at, name in enumerate(names)}),
        "r": pa.table({name: [at] for at, name in enumerate(reversed(names))}),
    }
    reference = ",".join(reversed(names))
    assert one(f'ReferentialIntegrity "{",".join(names)}" "r.{{{reference}}}" = 1.0', data).passed
    assert not one(f'ReferentialIntegrity "{",".join(names)}" "r.{{{",".join(names)}}}" = 1.0', data).passed


def test_renamed_columns_are_compared_as_written() -> None:
    """Not sorted by name on each side, which would pair v with bk (REFERENCE J13)."""
    data = {
        "primary": pa.table({"id": [1, 2], "v": ["a", "b"], "k": ["c", "d"]}),
        "r": pa.table({"id": [1, 2], "av": ["a", "b"], "bk": ["c", "d"]}),
    }
    assert one('DatasetMatch "r" "id" "k->bk, v->av" = 1.0', data).passed


# -- the plan ------------------------------------------------------------------------------------------


def test_the_plan_reads_each_table_as_rarely_as_it_can() -> None:
    ruleset = """Rules = [
        RowCount > 0,
        ReferentialIntegrity "country" "countries.iso" > 0,
        ReferentialIntegrity "city" "countries.iso" >= 0,
        ReferentialIntegrity "country" "countries.iso" < 1,
        DatasetMatch "countries" "id" "city" > 0,
        RowCountMatch "countries" > 0,
        AggregateMatch "sum(amount)" "avg(countries.total)" > 0,
        SchemaMatch "countries" > 0
    ]"""
    plan = explain(ruleset, TABLES)
    assert [step.kind for step in plan.steps] == [
        "row scan (looks up countries)",
        "group by id",
        "group by id of countries",
        "row scan of countries",
    ]
    assert plan.steps[0].columns == {
        "primary": ("id", "country", "city", "amount"),
        "countries": ("iso", "city", "id"),
    }
    assert plan.steps[3].columns == {"countries": ("total",)}
    assert plan.steps[0].sql.count('"countries"."iso"') == 1, "a list that rules share is made once"
    assert [str(rule) for rule in plan.without_scan] == ['SchemaMatch "countries" > 0']
    together = dq.evaluate(ruleset, TABLES)
    assert together.scans == 4
    for outcome in together.outcomes:
        alone = one(str(outcome.rule))
        assert (outcome.verdict, outcome.metrics) == (alone.verdict, alone.metrics)


def test_composites_take_them_as_parts() -> None:
    outcome = one('(RowCountMatch "countries" > 1) or (ReferentialIntegrity "country" "countries.iso" >= 0.5)')
    assert outcome.verdict is PASSED
    assert set(outcome.metrics) == {"Dataset.countries.RowCountMatch", "Column.countries.ReferentialIntegrity"}


def test_a_reference_that_is_broken_far_down_spoils_no_other_rule(tmp_path: Path) -> None:
    """Every rule that reads it is an ERROR; a value of another type only makes its column text."""
    lines = "id,n\n" + "".join(f"{at},{at}\n" for at in range(30_000))
    rules = 'Rules = [ RowCount = 4, ReferentialIntegrity "id" "ref.id" = 1.0, RowCountMatch "ref" > 0 ]'
    path = tmp_path / "ref.csv"
    path.write_text(lines + "5\n", encoding="utf-8")
    outcomes = dq.evaluate(rules, {"primary": ORDERS, "ref": path}).outcomes
    assert [each.verdict for each in outcomes] == [PASSED, ERROR, ERROR]
    assert "line 30,002 has 1 field" in outcomes[1].reason
    path.write_text(lines + "x,5\n", encoding="utf-8")
    assert dq.evaluate(rules, {"primary": ORDERS, "ref": path}).passed


def test_a_report_holds_them() -> None:
    evaluation = dq.evaluate(
        'Rules = [ ReferentialIntegrity "country" "countries.iso" = 1.0, RowCountMatch "countries" = 1 ]', TABLES
    )
    report = json.loads(evaluation.to_json())
    assert report
    assert {table.alias: table.rows for table in evaluation.tables}["countries"] == 4


# -- parts ---------------------------------------------------------------------------------------------


def test_parts_of_the_primary_beside_the_whole_reference_merge_to_the_whole() -> None:
    rules = dq.parse("""Rules = [
        ReferentialIntegrity "country" "countries.iso" > 0,
        DatasetMatch "countries" "id" "city" > 0,
        RowCountMatch "countries" > 0,
        AggregateMatch "sum(amount)" "avg(countries.total)" > 0
    ]""").rules

    def measured(tables: list[pa.Table]) -> list[Any]:
        parts, metrics = [], []
        for part in tables:
            with Tables({**TABLES, "primary": part}) as opened:
                engine = DuckDBEngine(opened)
                bound = [bind(rule, engine.schemas(), NOON.replace(tzinfo=UTC)) for rule in rules]  # type: ignore[arg-type]
                metrics = [metric for each in bound for metric in each.metrics()]
                parts.append(states(engine, metrics))
        merged = finish(merge(parts))
        return [merged[metric].value() for metric in metrics]

    whole = measured([ORDERS])
    assert not any(isinstance(value, Undefined) for value in whole)
    assert measured([ORDERS.slice(0, 1), ORDERS.slice(1, 2), ORDERS.slice(3)]) == pytest.approx(whole)
