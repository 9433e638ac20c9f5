"""Formatting is idempotent, keeps every comment and never changes what a ruleset means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from dq.diagnostics import DqError
from dq.language import parse
from dq.language.formatting import format_text
from dq.language.lexer import COMMENT, tokenize

EXAMPLES = Path(__file__).parents[1] / "conformance" / "data" / "examples"


def _text(path: Path) -> str:
    return path.read_bytes().decode()


def _is_valid(path: Path) -> bool:
    try:
        parse(_text(path))
    except (DqError, UnicodeDecodeError):
        return False
    return True


VALID = [path for path in sorted(EXAMPLES.rglob("*.dqdl")) if _is_valid(path)]


def _name(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


def _comments(text: str) -> list[str]:
    return [each.text.rstrip() for each in tokenize(text) if each.kind == COMMENT]


def _check(text: str) -> None:
    once = format_text(text)
    assert format_text(once) == once
    assert parse(once) == parse(text)
    assert _comments(once) == _comments(text)
    assert once.endswith("\n")
    assert not once.endswith("\n\n")
    assert not once.startswith(("\ufeff", "\n", " "))


def test_the_examples_are_there() -> None:
    assert len(VALID) > 80


@pytest.mark.parametrize("path", VALID, ids=_name)
def test_every_valid_example_keeps_its_meaning(path: Path) -> None:
    _check(_text(path))


@pytest.mark.parametrize("dialect", ["dq", "glue"])
def test_every_recorded_document_keeps_its_meaning(dialect: str) -> None:
    lines = (EXAMPLES.parent / "parse_cases.jsonl").read_text(encoding="utf-8").splitlines()
    formatted = 0
    for text in (json.loads(line)["ruleset"] for line in lines):
        try:
            before = parse(text, dialect=dialect)
        except DqError:
            continue
        once = format_text(text, dialect=dialect)
        assert format_text(once, dialect=dialect) == once
        assert parse(once, dialect=dialect) == before
        formatted += 1
    assert formatted > 300


SPACES = st.sampled_from(
    ["", " ", "\n", "\n\n\n", "\t", "\r\n", " # note\n", "\n# own\n", "\n\n# apart\n\n", '#\n# "quoted\n']
)


@settings(max_examples=examples(300), deadline=None)
@given(st.sampled_from(VALID), st.data())
def test_white_space_and_comments_anywhere_change_nothing(path: Path, data: st.DataObject) -> None:
    """Comments and white space are put between any tokens of an example."""
    text = _text(path)
    tokens = [each for each in tokenize(text) if each.kind != COMMENT]
    places = data.draw(st.sets(st.integers(0, len(tokens) - 1), max_size=6))
    parts: list[str] = []
    end = 0
    for number, token in enumerate(tokens):
        parts.append(text[end : token.start])
        if number in places:
            parts.append(data.draw(SPACES))
        parts.append(token.text)
        end = token.end
    changed = "".join(parts) + text[end:]
    try:
        same = parse(changed) == parse(text)
    except DqError:
        same = False  # such as a comment with a quote before an unclosed one
    if same:
        _check(changed)


NAMES = st.sampled_from(["a", "status", "x" * 40])
RULES = st.sampled_from(
    [
        "RowCount > 0",
        'IsComplete "{0}"',
        'Completeness "{0}" between 0.1 and 0.5 where "{0} > 1"',
        'ColumnValues "{0}" in ["{0}", "b", NULL] with threshold > 0.5',
        'IsUnique "{0}" and "b"',
        "RowCount > avg(last(10)) * -2",
        'CustomSql "select\n  {0}" = 1',
        'IsComplete "{0}" labels = ["k" = "{0}", "l" = "m"]',
    ]
)


@st.composite
def _expressions(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(RULES).format(draw(NAMES))
    joint = draw(st.sampled_from([" and ", " or ", " AND\n", "\n# why\nOR "]))
    return joint.join(f"({draw(_expressions(depth - 1))})" for _ in range(draw(st.integers(1, 4))))


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(_expressions(), min_size=1, max_size=5), st.sampled_from([",", ", # c\n", " # c\n,\n\n", "\n# c\n,"]))
def test_rules_of_any_shape_keep_their_meaning(rules: list[str], comma: str) -> None:
    text = f"Rules = [{comma.join(rules)}]"
    _check(text)
    code = [line.partition("  #")[0] for line in format_text(text).split("\n")]
    assert all(len(line) <= 100 for line in code)
