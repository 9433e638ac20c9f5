"""Diagnostics as text for people, JSON for programs and annotations for GitHub.

This module is on the path of `dq lint`, so it imports nothing heavy and writes its few colours itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from unicodedata import category, combining, east_asian_width

from dq.diagnostics import Diagnostic, Severity
from dq.spans import Source, Span

LINE_WIDTH = 120
"""The most columns of a source line that are shown; a longer line is cut around its span."""

TAB = "    "
"""What a tab is shown as."""

ELLIPSIS = "…"

RESET = "\x1b[0m"
STYLES = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "note": "\x1b[1;36m",
    "help": "\x1b[1;32m",
    "frame": "\x1b[1;34m",
    "title": "\x1b[1m",
}


# -- text ----------------------------------------------------------------------------------------------


def render_text(diagnostics: Sequence[Diagnostic], *, color: bool = False, summary: bool = True) -> str:
    """The diagnostics in the order given, each with its place, and a last line that counts them.

    `color` adds ANSI codes. No diagnostics give the empty text. Control characters of the ruleset are shown
    as pictures, so that no ruleset can command the terminal that shows it.
    """
    paint = _paint if color else _plain
    blocks = [_block(each, paint) for each in diagnostics]
    if blocks and summary:
        blocks.append(count(diagnostics) + "\n")
    return "\n".join(blocks)


def render_message(message: str, *, help: str = "", color: bool = False) -> str:
    """A mistake that has no place in a ruleset: `error: …` and what to do about it."""
    paint = _paint if color else _plain
    lines = [paint("error", "error") + ": " + _visible_lines(message, "       ")]
    if help:
        lines.append("  = " + paint("help", "help") + ": " + _visible_lines(help, "          "))
    return "\n".join(lines) + "\n"


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """How many errors and warnings there are, in how many files: `2 errors, 1 warning in 1 file`."""
    numbers = dict.fromkeys(Severity, 0)
    names = set()
    for each in diagnostics:
        numbers[each.severity] += 1
        names.add(each.source.name)
    parts = [plural(number, severity.value) for severity, number in numbers.items() if number]
    return f"{', '.join(parts) or 'no problems'} in {plural(len(names), 'file')}"


def plural(number: int, noun: str) -> str:
    """A counted noun: `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _plain(style: str, text: str) -> str:
    return text


def _paint(style: str, text: str) -> str:
    return f"{STYLES[style]}{text}{RESET}" if text else ""


class _Mark(NamedTuple):
    """An underline below one line: columns count from 0 and are half-open."""

    line: int
    start: int
    end: int
    sign: str
    style: str
    label: str


def _block(diagnostic: Diagnostic, paint: Any) -> str:
    """One diagnostic with its snippet, which shows the places of its notes too."""
    source, kind = diagnostic.source, diagnostic.severity.value
    marks = _marks(source, diagnostic.span, "^", kind, diagnostic.label)
    for note in diagnostic.notes:
        marks += _marks(source, note.span, "-", "note", note.message)
    width = len(str(max(mark.line for mark in marks)))
    line, column = source.position(diagnostic.span.start)
    title = paint("title", ": " + _visible_lines(diagnostic.message, "  "))
    rows = [
        paint(kind, f"{kind}[{diagnostic.code}]") + title,
        f"{' ' * (width + 1)}{paint('frame', '-->')} {_visible(source.name)[0]}:{line}:{column}",
        _gutter("", width, paint),
        *_snippet(source, marks, width, paint),
    ]
    if diagnostic.help:
        indent = " " * (width + 2)
        text = _visible_lines(diagnostic.help, indent + " " * 8)
        rows.append(f"{indent}{paint('frame', '=')} {paint('help', 'help')}: {text}")
    return "\n".join(rows) + "\n"


def _marks(source: Source, span: Span, sign: str, style: str, label: str) -> list[_Mark]:
    """The underlines of a span: one, or those of its first and last line with the label below the last."""
    line, column = source.position(span.start)
    last_line, last_column = source.position(max(span.start, span.end - 1))
    if line == last_line:
        return [_Mark(line, column - 1, max(column, last_column), sign, style, label)]
    last = source.line(last_line)
    indent = len(last) - len(last.lstrip())
    return [
        _Mark(line, column - 1, max(column, len(source.line(line))), sign, style, ""),
        _Mark(last_line, min(indent, last_column - 1), last_column, sign, style, label),
    ]


def _snippet(source: Source, marks: list[_Mark], width: int, paint: Any) -> list[str]:
    """The marked lines in the order of the source, `...` where lines are left out."""
    rows: list[str] = []
    previous: int | None = None
    for line, group in _lines(source, marks):
        if previous is not None and line > previous + 1:
            rows.append(paint("frame", "..."))
        text, lead, start, tail = _window(source.line(line), min(group, key=lambda mark: mark.start))
        shown = _visible(text)
        rows.append(_gutter(str(line), width, paint) + f" {lead}{shown[0]}{tail}".rstrip())
        for mark in group:
            before = len(lead) + _width(shown, 0, mark.start - start)
            under = max(1, _width(shown, mark.start - start, min(mark.end, start + len(text)) - start))
            label = _visible_lines(mark.label, "")
            drawn = paint(mark.style, mark.sign * under + (f" {label}" if label else ""))
            rows.append(f"{_gutter('', width, paint)} {' ' * before}{drawn}")
        previous = line
    return rows


def _lines(source: Source, marks: list[_Mark]) -> list[tuple[int, list[_Mark]]]:
    """The marks by line. A line too long to be shown whole is shown once for each of its marks."""
    groups: list[tuple[int, list[_Mark]]] = []
    for mark in sorted(marks, key=lambda mark: mark.line):
        whole = len(source.line(mark.line)) <= LINE_WIDTH
        if groups and groups[-1][0] == mark.line and whole:
            groups[-1][1].append(mark)
        else:
            groups.append((mark.line, [mark]))
    return groups


def _window(line: str, mark: _Mark) -> tuple[str, str, int, str]:
    """The part of a line to show: its text, what stands for the cut before, where it starts, the cut behind."""
    if len(line) <= LINE_WIDTH:
        return line, "", 0, ""
    room = LINE_WIDTH - min(mark.end - mark.start, LINE_WIDTH)
    start = max(0, min(mark.start - room // 2, len(line) - LINE_WIDTH))
    if mark.start - start < 0 or mark.end - mark.start >= LINE_WIDTH:
        start = min(mark.start, len(line))
    end = min(len(line), start + LINE_WIDTH)
    return line[start:end], ELLIPSIS if start else "", start, ELLIPSIS if end < len(line) else ""


def _gutter(number: str, width: int, paint: Any) -> str:
    return str(paint("frame", f" {number:>{width}} |"))


def _visible(text: str) -> tuple[str, list[int]]:
    """A line as it is shown, and the columns that each character of the original takes there."""
    if text.isascii() and text.isprintable():
        return text, [1] * len(text)
    shown = [_character(each) for each in text]
    return "".join(each for each, _ in shown), [columns for _, columns in shown]


def _character(character: str) -> tuple[str, int]:
    if character == "\t":
        return TAB, len(TAB)
    kind = category(character)
    if kind == "Cc":
        code = ord(character)
        return (chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "�"), 1
    if kind in ("Cf", "Cs", "Zl", "Zp"):
        return "�", 1
    if combining(character) or kind in ("Mn", "Me"):
        return character, 0
    return character, 2 if east_asian_width(character) in "WF" else 1


def _visible_lines(text: str, indent: str) -> str:
    """Prose with its line breaks kept and indented."""
    return ("\n" + indent).join(_visible(line)[0] for line in text.split("\n"))


def _width(shown: tuple[str, list[int]], start: int, end: int) -> int:
    return sum(shown[1][max(0, start) : max(0, end)])


# -- JSON ----------------------------------------------------------------------------------------------


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """A list of objects, one a diagnostic, and a line end.

    Each has `code`, `severity` (`error` or `warning`), `message`, `label`, `help`, `file`, `line`, `column`,
    `end_line`, `end_column` and `notes`; a note has `message`, `line`, `column`, `end_line`, `end_column`, in
    the same file. Lines and columns count from 1, columns in characters; the end is behind the last one.
    `label` and `help` may be empty.
    """
    return json.dumps([_object(each) for each in diagnostics], indent=2, ensure_ascii=False) + "\n"


def _object(diagnostic: Diagnostic) -> dict[str, Any]:
    source = diagnostic.source
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "label": diagnostic.label,
        "help": diagnostic.help,
        "file": source.name,
        **_place(source, diagnostic.span),
        "notes": [{"message": note.message, **_place(source, note.span)} for note in diagnostic.notes],
    }


def _place(source: Source, span: Span) -> dict[str, int]:
    (line, column), (end_line, end_column) = source.position(span.start), source.position(span.end)
    return {"line": line, "column": column, "end_line": end_line, "end_column": end_column}


# -- GitHub --------------------------------------------------------------------------------------------


def render_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Workflow commands, one a line, that GitHub shows as annotations of the file."""
    return "".join(_command(each) for each in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    place = _place(diagnostic.source, diagnostic.span)
    properties = {
        "file": diagnostic.source.name,
        "line": place["line"],
        "col": place["column"],
        "endLine": place["end_line"],
        "endColumn": place["end_column"],
        "title": diagnostic.code,
    }
    told = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    message = diagnostic.message + (f" ({diagnostic.label})" if diagnostic.label else "")
    if diagnostic.help:
        message += f"\nhelp: {diagnostic.help}"
    return f"::{diagnostic.severity.value} {told}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
