from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dq.diagnostics import Diagnostic, Note, Severity
from dq.render.diagnostics import count, render_github, render_json, render_message, render_text
from dq.spans import Source, Span

ORDERS = 'x = "a"\nRules = [\n    Completness "email" > 0.95,\n    RowCount > 0\n]\n'
LONG = "Rules = [ " + ", ".join(f'IsComplete "column{number}"' for number in range(40)) + " ]"


def diagnostic(text: str, part: str, *, name: str = "rulesets/orders.dqdl", **more: object) -> Diagnostic:
    """A diagnostic at the first place where `part` stands; the empty part is the end of the text."""
    start = text.index(part) if part else len(text)
    known: dict[str, object] = {
        "code": "DQ102",
        "severity": Severity.ERROR,
        "message": "unknown rule type `Completness`",
        "label": "no rule type has this name",
        "help": "did you mean `Completeness`?",
    }
    return Diagnostic(source=Source(text, name), span=Span(start, start + len(part)), **{**known, **more})  # type: ignore[arg-type]


def note(text: str, part: str, message: str) -> Note:
    start = text.rindex(part)
    return Note(Span(start, start + len(part)), message)


CASES = {
    "one": [diagnostic(ORDERS, "Completness")],
    "no_label_no_help": [diagnostic(ORDERS, "Completness", label="", help="")],
    "warning_and_errors": [
        diagnostic(ORDERS, "x", severity=Severity.WARNING, code="DQ301", message="unused", label="", help=""),
        diagnostic(ORDERS, "Completness"),
        diagnostic(ORDERS, "RowCount", name="other.dqdl"),
    ],
    "note_before": [diagnostic(ORDERS, "RowCount", notes=(note(ORDERS, "x", "declared here"),), label="used here")],
    "note_on_the_same_line": [diagnostic(ORDERS, '"email"', notes=(note(ORDERS, "0.95", "because of this"),))],
    "note_on_the_next_line": [diagnostic(ORDERS, "Completness", notes=(note(ORDERS, "RowCount", "and this"),))],
    "end_of_text": [diagnostic("Rules = [\n", "", label="expected `]`")],
    "end_without_line_feed": [diagnostic("Rules = [", "", label="expected `]`")],
    "empty_text": [diagnostic("", "", label="nothing here")],
    "tabs": [diagnostic('\tRowCount\t"a\tb" > 0', '"a\tb"')],
    "wide_characters": [diagnostic('IsComplete "顧客名" "né\u0301e" "x"', '"x"')],
    "wide_span": [diagnostic('IsComplete "顧客名"', "顧客名")],
    "many_lines": [
        diagnostic('Rules = [\n  CustomSql "select\n    1\n    from x" > 5\n]', '"select\n    1\n    from x"')
    ],
    "two_lines": [diagnostic('IsComplete\n    "a"', 'IsComplete\n    "a"')],
    "only_a_line_feed": [diagnostic("Rules\n= []", "\n")],
    "long_line_begin": [diagnostic(LONG, "Rules")],
    "long_line_middle": [diagnostic(LONG, '"column20"', notes=(note(LONG, '"column30"', "as here"),))],
    "long_line_end": [diagnostic(LONG, '"column39"')],
    "long_span": [diagnostic(LONG, LONG[10:-2])],
    "line_1000": [diagnostic("\n" * 999 + "Completness", "Completness", notes=(Note(Span(4, 4), "first"),))],
    "carriage_return": [diagnostic("Rules = [\r\n  Nope > 1\r\n]\r\n", "Nope")],
    "control_characters": [diagnostic("Rules \x1b[31m = \u202e [", "=", message="odd \x1b[0m", help="two\nlines")],
}


@pytest.mark.parametrize("name", CASES)
def test_text_is_as_the_golden_file_shows(name: str, golden) -> None:
    golden(f"diagnostics/{name}.txt", render_text(CASES[name]))


def test_colour_adds_codes_and_nothing_else(golden) -> None:
    text = render_text(CASES["note_before"], color=True)
    golden("diagnostics/colour.txt", text)
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == render_text(CASES["note_before"])


def test_json_is_as_the_golden_file_shows(golden) -> None:
    golden("diagnostics/json.json", render_json(CASES["note_before"] + CASES["many_lines"]))


def test_json_of_nothing_is_an_empty_list() -> None:
    assert json.loads(render_json([])) == []


def test_github_commands_are_as_the_golden_file_shows(golden) -> None:
    odd = diagnostic(ORDERS, "x", name="a,b:c%.dqdl", message="100% wrong:\r\n::error::x", severity=Severity.WARNING)
    golden("diagnostics/github.txt", render_github([*CASES["one"], *CASES["many_lines"], odd]))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ("", "no problems in 0 files"),
        ("e", "1 error in 1 file"),
        ("eew", "2 errors, 1 warning in 1 file"),
        ("ww", "2 warnings in 1 file"),
    ],
)
def test_the_last_line_counts(parts: str, expected: str) -> None:
    severities = {"e": Severity.ERROR, "w": Severity.WARNING}
    found = [diagnostic(ORDERS, "x", severity=severities[each]) for each in parts]
    assert count(found) == expected
    assert render_text(found).endswith(expected + "\n" if parts else "")
    assert expected not in render_text(found, summary=False)


def test_no_diagnostics_are_no_text() -> None:
    assert render_text([]) == ""


def test_a_message_without_a_place_has_its_help() -> None:
    assert render_message("cannot read `x`\nat all", help="try") == (
        "error: cannot read `x`\n       at all\n  = help: try\n"
    )


@given(st.text(max_size=300), st.data())
def test_any_span_of_any_text_is_shown_on_lines_of_limited_width(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = Diagnostic("DQ1", Severity.ERROR, "m", Source(text), Span(start, end), label="here")
    shown = render_text([found])
    assert "^ here" in shown
    assert all(each.isprintable() or each in "\n" or not each.isascii() for each in shown)
    assert all(len(line) < 4 * 120 + 20 for line in shown.split("\n"))
    render_json([found])
    assert render_github([found]).count("\n") == 1
