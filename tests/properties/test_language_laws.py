"""No text of any kind gives anything but a ruleset or diagnostics, and what is parsed prints back to itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

import dq
from dq.diagnostics import Severity
from dq.language import parse_rule
from dq.render.diagnostics import render_github, render_json, render_text

DATA = Path(__file__).parents[1] / "conformance" / "data"
VALID = sorted({path.read_text() for path in (DATA / "examples").rglob("*.dqdl")})
RECORDED = [json.loads(line)["ruleset"] for line in (DATA / "parse_cases.jsonl").read_text().splitlines()]
WORDS = [
    *[
        "Rules",
        "Analyzers",
        "Metadata",
        "DataSources",
        "DefaultLabels",
        "RowCount",
        "IsComplete",
        "ColumnValues",
        "CustomSql",
        "FileMatch",
    ],
    *[
        "Completeness",
        "and",
        "or",
        "AND",
        "OR",
        "of",
        "where",
        "with",
        "labels",
        "threshold",
        "not",
        "in",
        "between",
        "matches",
        "NULL",
        "EMPTY",
        "days",
        "KB",
    ],
    *[
        "=",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ",",
        ":",
        "$",
        "!",
        ">",
        "<",
        ">=",
        "-",
        "+",
        "*",
        "/",
        "now()",
        '"',
        "#",
        "\n",
    ],
    *[
        '"a"',
        '"2024-01-01"',
        '"9:30 AM"',
        '"25:99"',
        "1",
        "1.5",
        "0",
        "x",
        "avg",
        "last",
        "é",
        "\x00",
        "\ud800",
        "\\",
        "\r",
    ],
]
dialects = st.sampled_from(["dq", "glue"])


def outcome(text: str, dialect: str) -> None:
    """Either a ruleset that prints back to itself, or diagnostics at places inside the text."""
    diagnostics = dq.check(text, dialect=dialect)
    for each in diagnostics:
        assert 0 <= each.span.start <= each.span.end <= len(text)
        assert each.message
        assert str(each)
    assert all(render(diagnostics) or not diagnostics for render in (render_text, render_json, render_github))
    errors = [each for each in diagnostics if each.severity is Severity.ERROR]
    try:
        ruleset = dq.parse(text, dialect=dialect)
    except dq.DqError as error:
        assert errors
        assert list(error.diagnostics) == diagnostics
        return
    assert not errors
    again = dq.parse(ruleset.document(), dialect=dialect)
    assert again == ruleset
    assert hash(again) == hash(ruleset)
    assert str(again) == str(ruleset)
    if dialect == "dq" and not ruleset.variables:
        assert [each for rule in ruleset.rules for each in parse_rule(str(rule)).rules] == list(ruleset.rules)


@settings(max_examples=examples(300))
@given(st.text(max_size=60), dialects)
def test_any_text(text: str, dialect: str) -> None:
    outcome(text, dialect)
    outcome(f"Rules = [ {text} ]", dialect)


@settings(max_examples=examples(200))
@given(
    st.binary(max_size=80),
    st.sampled_from(["latin-1", "utf-16-le", "cp1252", "utf-8", "cp037"]),
    st.sampled_from(["surrogateescape", "replace", "surrogatepass"]),
    dialects,
)
def test_bytes_decoded_in_odd_ways(data: bytes, encoding: str, errors: str, dialect: str) -> None:
    try:
        text = data.decode(encoding, errors)
    except UnicodeDecodeError:
        return
    outcome(text, dialect)
    outcome(f'Rules = [ IsComplete "{text}" ]', dialect)
    outcome(f"Rules = [ RowCount > {text} ]", dialect)


@settings(max_examples=examples(500))
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join), dialects)
def test_words_in_any_order(text: str, dialect: str) -> None:
    outcome(text, dialect)
    outcome(f"Rules = [ {text} ]", dialect)


@settings(max_examples=examples(500))
@given(st.sampled_from([*VALID, *RECORDED]), st.data(), dialects)
def test_a_text_with_a_part_lost_doubled_or_put_in(text: str, data: st.DataObject, dialect: str) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    piece = data.draw(st.sampled_from(["", text[start:end] * 2, *WORDS]))
    outcome(text[:start] + piece + text[end:], dialect)


@pytest.mark.parametrize("dialect", ["dq", "glue"])
@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000 + "RowCount > 0" + ")" * 100_000,
        "(" * 50_000,
        ")" * 50_000,
        "RowCount > " + "(" * 50_000 + "1" + ")" * 50_000,
        "RowCount > " + "avg(" * 20_000 + "last(3)" + ")" * 20_000,
        "RowCount > 1" + " + 1" * 50_000,
        " and ".join(["(RowCount > 0)"] * 50_000),
        "(RowCount > 0) and ((RowCount > 1) or (" * 10_000 + "RowCount > 2" + "))" * 10_000,
        'ColumnValues "a" in [' + ",".join(['"x"'] * 50_000) + "]",
        'IsUnique "' + "a" * 1_000_000 + '"',
        'IsUnique "' * 20_000,
        "[" * 50_000,
        "RowCount > 0," * 20_000,
        "RowCount ! " * 5_000,
        "(" * 50_000 + "RowCount > 0" + ') labels=["k"="v"]' * 50_000,
        "RowCount > 1 " * 20_000,
        "RowCount > 1, " * 50_000 + "@",
        'IsUnique [ "a", ' * 20_000,
    ],
    ids=lambda text: text[:24],
)
def test_depth_and_length_have_no_bound(text: str, dialect: str) -> None:
    for document in (f"Rules = [ {text} ]", f"Rules = [ {text}"):
        try:
            ruleset = dq.parse(document, dialect=dialect)
        except dq.DqError as error:
            assert error.diagnostics
        else:
            (rule,) = ruleset.rules
            assert hash(rule) == hash(dq.parse(str(ruleset), dialect=dialect).rules[0])


@pytest.mark.parametrize(
    "text",
    [
        "# a comment that holds the whole text, and // in it",  # no token is left beside a C comment
        'Rules = [ ColumnValues "d" > now() - 1 days ]',  # a date that is calculated with
        'Rules = [ IsComplete [a] ]"',  # what Glue ignores behind the document hid the mistake inside
        'DefaultLabels = [ "k"="v" ] Rules = [ RowCount > ]',  # labels beside a rule that cannot be read
    ],
)
@pytest.mark.parametrize("dialect", ["dq", "glue"])
def test_texts_that_once_crashed(text: str, dialect: str) -> None:
    outcome(text, dialect)
