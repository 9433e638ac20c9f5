"""What each dialect takes, refuses and warns about, one document a line."""

from __future__ import annotations

from pathlib import Path

import pytest

import dq
from dq.diagnostics import Severity

HERE = Path(__file__).parent
SIGNS = {"⏎": "\n", "␍": "\r", "␌": "\f", "␣": "\u00a0", "␀": "\ufeff"}
"""How the files show characters that cannot be seen."""


def verdicts(name: str) -> list[tuple[str, str]]:
    """Pairs of a verdict and a document."""
    pairs = []
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        verdict, text = line[:7].strip(), line[9:]
        for sign, character in SIGNS.items():
            text = text.replace(sign, character)
        pairs.append((verdict, text))
    return pairs


def verdict(text: str, dialect: str) -> str:
    severities = {each.severity for each in dq.check(text, dialect=dialect)}
    return "refuses" if Severity.ERROR in severities else "warns" if severities else "accepts"


@pytest.mark.parametrize(("expected", "text"), verdicts("glue_verdicts.txt"))
def test_dialect_glue_takes_what_the_published_grammar_takes(expected: str, text: str) -> None:
    assert (verdict(text, "glue") == "refuses") is (expected == "refuses")


@pytest.mark.parametrize(("expected", "text"), verdicts("dq_verdicts.txt"))
def test_dialect_dq_takes_refuses_and_warns(expected: str, text: str) -> None:
    assert verdict(text, "dq") == expected


GLUE_TEXTS = [
    # escapes are gone from the members of lists, and stay elsewhere
    (r'ColumnValues "a" in ["x\"y","a\.b"]', r'ColumnValues "a" in ["x"y","a.b"]'),
    (r'ColumnValues "a" = "x\"y"', r'ColumnValues "a" = "x\"y"'),
    ('((RowCount > 1) and (RowCount < 9)) labels=["k"="v"]', "(RowCount > 1) AND (RowCount < 9)"),
    ('(RowCount > 1) labels=["k"="v"]', 'RowCount > 1 labels=["k"="v"]'),
    (
        'ColumnValues "a" > 1 labels=["k"="v"] with a = 1 with threshold > 0.5',
        'ColumnValues "a" > 1 with threshold > 0.5 with a = 1 labels=["k"="v"]',
    ),
    ("FileSize in [1,2]", "FileSize in [1 B,2 B]"),
    ("RowCount > (5)-(- 3)", "RowCount > 5 - -3"),
    ('DataFreshness "a" > 007 days', 'DataFreshness "a" > 7 days'),
]


@pytest.mark.parametrize(("written", "shown"), GLUE_TEXTS)
def test_the_text_of_a_rule_in_dialect_glue_is_the_published_one(written: str, shown: str) -> None:
    ruleset = dq.parse(f"Rules = [ {written} ]", dialect="glue")
    assert str(ruleset.rules[0]) == shown
    assert dq.parse(ruleset.document(), dialect="glue") == ruleset


@pytest.mark.parametrize("written", [written for written, _ in GLUE_TEXTS])
def test_the_text_of_a_rule_in_dialect_dq_parses_to_an_equal_rule(written: str) -> None:
    (rule,) = dq.parse(f"Rules = [ {written} ]").rules
    assert dq.parse(f"Rules = [ {rule} ]").rules == (rule,)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('Metadata = { "Version": ["1","2"] }', '"Version": "[1,2]"'),
        ('DataSources = { "Primary": ["p"] }', '"Primary": "[p]"'),
        ('DataSources = { "AdditionalDataSources": ["a b","c,d",""] }', '"AdditionalDataSources": [ "ab", "c", "d" ]'),
    ],
)
def test_dictionaries_in_dialect_glue_are_read_as_the_published_parser_does(written: str, shown: str) -> None:
    ruleset = dq.parse(f"{written} Rules = [ RowCount > 1 ]", dialect="glue")
    assert shown in str(ruleset)
    assert dq.parse(ruleset.document(), dialect="glue") == ruleset


@pytest.mark.parametrize("ignored", ["'x", '"abc @ [', "foo @", "// x", "/* @ */", "Rules = [", "foo # c"])
def test_glue_ignores_what_follows_and_lint_says_so(ignored: str) -> None:
    text = f"Rules = [ RowCount > 1 ] {ignored}"
    assert [each.code for each in dq.check(text, dialect="glue")] == ["DQ211"]
    with pytest.raises(dq.DqError):
        dq.parse(text)


@pytest.mark.parametrize(
    "written",
    [
        r'ColumnValues "a" = 1 labels=["k"="v"] with format = "C:\"',
        r'ColumnValues "a" = 1 with format = "x" labels=["k"="C:\"]',
        r'ColumnValues "a" = "C:\"',
        r'IsComplete "C:\"',
    ],
)
def test_an_escaped_quote_that_closes_a_document_closes_the_text_elsewhere_too(written: str) -> None:
    ruleset = dq.parse(f"Rules = [ {written} ]")
    (rule,) = ruleset.rules
    assert dq.parse(f'Rules = [ {rule}, IsComplete "b" ]').rules[0] == rule
    assert dq.parse(ruleset.document()) == ruleset
