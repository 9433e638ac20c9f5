"""Mistakes as people make them: what is said, where, and that it is said once."""

from __future__ import annotations

from pathlib import Path

import pytest

import dq
from dq.diagnostics import Severity

MISTAKES = [
    line.replace("⏎", "\n")
    for line in (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8").splitlines()
]
"""Documents with one mistake each."""

TWO_MISTAKES = (
    """Rules = [ ColumnValues "s" in ['a', 'b'] ]""",  # two texts in quotes of another kind
    "Rules = [ RowCount > 1 # at least one ]",  # the comment swallows the bracket, and Glue wants its line end
)


def told(text: str) -> str:
    """All diagnostics of a text, compact."""
    lines = ["> " + text.replace("\n", "⏎")]
    for each in dq.check(text):
        shown = text[each.span.start : each.span.end].replace("\n", "⏎")
        lines.append(f"  {each.severity.value}[{each.code}] «{shown}» {each.message}")
        lines.append(f"      {each.label}; help: {each.help}")
    return "\n".join(lines) + "\n"


def test_what_is_said_is_as_the_golden_file_shows(golden) -> None:
    golden("diagnostics/mistakes.txt", "\n".join(told(text) for text in MISTAKES))


@pytest.mark.parametrize("text", MISTAKES)
def test_one_mistake_is_told_once(text: str) -> None:
    assert len(dq.check(text)) == (2 if text in TWO_MISTAKES else 1)


@pytest.mark.parametrize("text", [each for each in MISTAKES if each.startswith("Rules = [ ") and each.endswith(" ]")])
def test_a_broken_rule_does_not_hide_the_next(text: str) -> None:
    if "Analyzers" in text or text.count('"') % 2 or "# " in text or text.count("]") > text.count("["):
        return  # the list of rules is over where the mistake stands
    behind = f"{text[:-2]}, RowCount ]"
    assert any(each.code == "DQ104" and "RowCount" in each.message for each in dq.check(behind))


def test_all_problems_of_a_document_come_in_one_run() -> None:
    text = """
Metadata = { "version": "1" }
x = "a" x = "b"
Rules = [
    Completness "a" > 0.9,
    Completeness "b",
    IsComplete "c" > 1,
    RowCount > ,
    ColumnValues "d" > "x" with treshold = 0.5,
    IsComplete $y
]
Analyzers = [ IsComplete "a", Bogus ]
"""
    codes = [each.code for each in dq.check(text)]
    assert codes == ["DQ130", "DQ120", "DQ102", "DQ104", "DQ105", "DQ003", "DQ107", "DQ201", "DQ123", "DQ101", "DQ102"]


def test_diagnostics_come_in_the_order_of_the_text() -> None:
    spans = [each.span for each in dq.check("Rules = [ Foo, Bar, @ , Baz ] Rules = [ Qux ]")]
    assert spans == sorted(spans)


def test_a_refused_text_raises_with_all_diagnostics_and_a_count() -> None:
    with pytest.raises(dq.DqError, match="the ruleset has 2 errors") as caught:
        dq.parse("Rules = [ Foo, Bar ]", name="x.dqdl")
    assert [each.source.name for each in caught.value.diagnostics] == ["x.dqdl", "x.dqdl"]
    assert "x.dqdl:1:11: error[DQ102]" in str(caught.value)


def test_warnings_alone_refuse_nothing() -> None:
    text = "Rules = [ RowCount between 5 and 1 ]"
    assert [each.severity for each in dq.check(text)] == [Severity.WARNING]
    assert len(dq.parse(text).rules) == 1


def test_each_mistake_in_a_calculation_is_told() -> None:
    told = [each.message for each in dq.check('Rules = [ ColumnValues "d" > last(now() + 2 hours) ]')]
    assert told == ["`last(now() + 2 hours)` is a list", "`now()` in a calculation", "`2 hours` in a calculation"]
