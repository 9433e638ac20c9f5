"""Suites become rulesets: what each expectation says, and what is told of what is not kept."""

from __future__ import annotations

from typing import Any

import pytest

import dq
from dq import gx
from dq.gx.expectations import ROWS
from dq.gx.patterns import whole
from dq.gx.reports import Fidelity
from dq.gx.words import numeral, quoted

IN_SET = {"column": "s", "value_set": ["a"]}


def suite(kind: str, kwargs: dict[str, Any], **beside: Any) -> dict[str, Any]:
    return {"name": "s", "expectations": [{"type": kind, "kwargs": kwargs, **beside}]}


def converted(kind: str, kwargs: dict[str, Any], **beside: Any) -> tuple[str, gx.Conversion]:
    """The rule as text, and the line of the report."""
    ruleset, report = gx.from_suite(suite(kind, kwargs, **beside))
    (rule,) = ruleset.rules
    return dq.Ruleset(rules=(rule,)).document()[14:-2], report.conversions[0]


def refused(kind: str, kwargs: dict[str, Any]) -> str:
    """Why an expectation is lost."""
    both = suite(kind, kwargs)["expectations"] + suite("expect_column_to_exist", {"column": "x"})["expectations"]
    report = gx.from_suite({"name": "s", "expectations": both}).report
    assert report.conversions[0].fidelity is Fidelity.LOST
    assert report.conversions[0].targets == ()
    return report.conversions[0].reason


@pytest.mark.parametrize("kind", [kind for kind, row in ROWS.items() if row.build])
def test_every_example_is_a_rule_without_problems(kind: str) -> None:
    ruleset, report = gx.from_suite(suite(kind, dict(ROWS[kind].example)))
    assert len(ruleset.rules) == 1
    assert dq.check(ruleset.source.text) == []
    assert bool(report.conversions[0].reason) == (report.conversions[0].fidelity is not Fidelity.EXACT)


SCOPES = [
    ('col("age") > 18', "great_expectations", "`age` > 18"),
    ('col("age") == "x y"', "great_expectations__experimental__", "`age` = 'x y'"),
    ('col("e").notNull()', "great_expectations", "`e` IS NOT NULL"),
    ("age > 3 and 5 >= n", "pandas", "(`age` > 3) AND (`n` <= 5)"),
    ("`a b` in ['x', 'y'] or b.isnull()", "pandas", "(`a b` IN ('x', 'y')) OR (`b` IS NULL)"),
    ("1 < n < 5", "pandas", "(`n` > 1) AND (`n` < 5)"),
    ("n != 5", "pandas", "NOT COALESCE(`n` = 5, FALSE)"),
    ("not (n > 5)", "pandas", "NOT COALESCE(`n` > 5, FALSE)"),
    ("a == b", "pandas", "`a` = `b`"),
    ("n > 5 AND m IS NOT NULL", "spark", "n > 5 AND NOT m IS NULL"),
    ({"type": "pass_through", "pass_through_filter": "n > 5"}, None, "`n` > 5"),
]


@pytest.mark.parametrize(("condition", "parser", "clause"), SCOPES, ids=[str(each[0]) for each in SCOPES])
def test_a_row_condition_is_the_scope(condition: Any, parser: str | None, clause: str) -> None:
    kwargs = {"column": "x", "row_condition": condition, "condition_parser": parser}
    text, line = converted("expect_column_values_to_not_be_null", kwargs)
    assert line.fidelity is Fidelity.EXACT
    (rule,) = dq.parse(f"Rules = [ {text} ]").rules
    assert rule.where.value == clause  # type: ignore[union-attr]


def test_braces_of_a_query_are_escaped_as_gx_wants_them() -> None:
    query = "SELECT * FROM {batch} WHERE code RLIKE '[A-Z]{{2}}'"
    text, _ = converted("unexpected_rows_expectation", {"unexpected_rows_query": query})
    assert "RLIKE '[A-Z]{2}'" in text
    rule = "CustomSql \"SELECT COUNT(*) FROM primary WHERE code RLIKE '[A-Z]{2}'\" = 0"
    (back,) = gx.to_suite(dq.parse(f"Rules = [ {rule} ]")).suite["expectations"]
    assert back["kwargs"]["unexpected_rows_query"] == query


def test_a_condition_on_which_gx_disagrees_with_itself_is_told() -> None:
    condition = {"type": "comparison", "column": {"name": "n"}, "operator": "!=", "parameter": 1}
    _, line = converted("expect_column_values_to_not_be_null", {"column": "x", "row_condition": condition})
    assert (line.fidelity, "keeps rows with NULL on pandas" in line.reason) == (Fidelity.APPROXIMATE, True)
    there = {"type": "nullity", "column": {"name": "n"}, "is_null": False}
    both = {"type": "and", "conditions": [condition, there]}
    assert converted("expect_column_values_to_not_be_null", {"column": "x", "row_condition": both})[1].reason == ""
    assert converted("expect_column_values_to_be_unique", {"column": "n", "row_condition": condition})[1].reason == ""


LOST = [
    ("expect_column_values_to_be_increasing", {"column": "x"}, "no order"),
    ("expect_column_kl_divergence_to_be_less_than", {"column": "x"}, "distribution"),
    ("expect_something_new", {}, "none of GX's own"),
    ("expect_column_values_to_be_between", {"column": "x"}, "neither `min_value` nor `max_value`"),
    (
        "expect_column_values_to_be_between",
        {"column": "x", "min_value": {"$PARAMETER": "low"}},
        "suite parameter `low`",
    ),
    ("expect_column_values_to_be_in_set", {"column": "x", "value_set": [1, "a"]}, "mixes kinds"),
    ("expect_column_values_to_be_in_set", {"column": "x", "value_set": []}, "is empty"),
    ("expect_column_values_to_be_in_set", {"column": "x"}, "passes without looking"),
    ("expect_column_values_to_be_in_set", {**IN_SET, "mostly": 2}, "no share"),
    ("expect_column_values_to_be_in_set", {**IN_SET, "row_condition": "f(x)"}, "no comparison"),
    ("expect_column_values_to_be_in_set", {**IN_SET, "windows": [{}]}, "GX Cloud"),
    ("expect_column_values_to_match_regex", {"column": "x", "regex": "(?=a)b"}, "lookahead"),
    ("expect_column_values_to_match_regex", {"column": "x", "regex": "(?m)^b"}, "flags"),
    ("expect_column_values_to_be_of_type", {"column": "x", "type_": "object"}, "declared type"),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "DELETE FROM {batch}"}, "no SELECT"),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT (("}, "not read as Spark SQL"),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT {x} FROM {batch}"}, "not {batch}"),
    ("expect_column_to_exist", {}, "`column` is no text"),
]


@pytest.mark.parametrize(("kind", "kwargs", "reason"), LOST, ids=[f"{k}: {r}" for k, _, r in LOST])
def test_what_is_lost_says_why(kind: str, kwargs: dict[str, Any], reason: str) -> None:
    assert reason in refused(kind, kwargs)


def test_kwargs_that_are_not_converted_make_a_rule_approximate() -> None:
    _, line = converted("expect_column_values_to_be_in_set", {**IN_SET, "parse_strings_as_datetimes": True})
    assert line.reason == "`parse_strings_as_datetimes` is not converted"
    _, line = converted("expect_column_values_to_be_in_set", {**IN_SET, "result_format": "BASIC", "mostly": 1.0})
    assert line.fidelity is Fidelity.EXACT


def test_what_stands_beside_an_expectation_is_kept() -> None:
    meta = {"team": 'sa"les\\', "n": 3, "nested": {"a": 1}, "long": "x" * 300}
    beside = {"severity": "warning", "meta": meta, "notes": "first\nsecond", "id": "abc"}
    ruleset, report = gx.from_suite(suite("expect_column_values_to_be_in_set", {**IN_SET, "mostly": 0.5}, **beside))
    text = ruleset.source.text
    assert report.is_exact
    for line in ("# first", "# second", "# nested: {'a': 1}", f"# long: {'x' * 300}"):
        assert line in text
    suite_again, _ = gx.to_suite(ruleset)
    (back,) = suite_again["expectations"]
    assert (back["severity"], back["id"]) == ("warning", "abc")
    assert back["meta"] == {"team": 'sa"les\\', "n": "3"}
    assert back["kwargs"] == {**IN_SET, "mostly": 0.5}


def test_a_comment_cannot_end_and_become_a_rule() -> None:
    evil = "a\n] Rules = [ RowCount > 0 ]\r\u2028b"
    made = {"type": "expect_column_to_exist", "kwargs": {"column": evil}, "notes": evil, "meta": {evil: [evil]}}
    lost = {"type": evil, "kwargs": {"row_condition": evil}}
    refused = {"type": "expect_column_values_to_be_null", "kwargs": {"column": "x", "row_condition": f"f({evil})"}}
    found = {"name": evil, "notes": [evil], "expectations": [lost, made, refused]}
    ruleset, report = gx.from_suite(found)
    assert [each.name for each in dq.parse(ruleset.source.text).rules] == ["ColumnExists"]
    assert report.count(Fidelity.LOST) == 2


def test_the_form_before_1_0_is_read() -> None:
    old = {
        "expectation_suite_name": "old",
        "expectations": [
            {
                "expectation_type": "expect_column_to_exist",
                "kwargs": {"column": "x"},
                "meta": {"notes": {"content": ["n"]}},
            }
        ],
    }
    text = gx.from_suite(old).ruleset.source.text
    assert "`old`" in text
    assert "# n\n" in text


WRONG = [
    ("{", "is not JSON"),
    ("[1]", "no list `expectations`"),
    ('{"expectations": 1}', "no list `expectations`"),
    ('{"expectations": []}', "has no expectations"),
    ('{"expectations": [1]}', "expectation 1 of `the suite` has no `type`"),
    ('{"expectations": [{"type": "t", "kwargs": 1}]}', "are no object"),
    ('{"expectations": [{"type": "t", "severity": "high"}]}', "GX knows critical, warning, info"),
    ('{"expectations": [{"type": "t"}]}', "no expectation of the suite has a rule"),
    ("nowhere.json", "does not exist"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[each[0] for each in WRONG])
def test_what_is_no_suite_says_so(text: str, message: str) -> None:
    with pytest.raises(dq.DqError) as raised:
        gx.from_suite(text)
    assert message in str(raised.value)


PATTERNS = [
    ("^a$", "a"),
    ("a", r"[\s\S]*a[\s\S]*"),
    ("^a", r"a[\s\S]*"),
    (r"a\$", r"[\s\S]*a\$[\s\S]*"),
    (r"a\\$", r"[\s\S]*a\\"),
    ("^a$|b", r"a|[\s\S]*b[\s\S]*"),
    ("^(a|b)$", "(a|b)"),
    ("[|]", r"[\s\S]*[|][\s\S]*"),
    ("(?i)^a", r"(?i)a[\s\S]*"),
    ("(?P<y>a)", r"[\s\S]*(?<y>a)[\s\S]*"),
]


@pytest.mark.parametrize(("searched", "matched"), PATTERNS, ids=[each[0] for each in PATTERNS])
def test_a_searched_pattern_becomes_a_whole_one(searched: str, matched: str) -> None:
    assert whole(searched) == matched


@pytest.mark.parametrize("text", ["", "a", '"', "\\", '\\"', "\\\\", "a\\", "\\d", "\\\\d", 'a"b\\"c', "it's", '\\\\"'])
def test_a_quoted_text_is_read_as_itself(text: str) -> None:
    (rule,) = dq.parse(f'Rules = [ ColumnValues "x" in [{quoted(text)}, "z"] ]').rules
    assert rule.condition.operands[0].value == text  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (-0.5, "-0.5"), (1e-7, "0.0000001"), (10**20, "1" + "0" * 20), (1e300, "1" + "0" * 300)],
)
def test_a_numeral_has_no_exponent(value: float, text: str) -> None:
    assert numeral(value) == text
