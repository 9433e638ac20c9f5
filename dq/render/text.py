"""An evaluation as text: plain for files and pipes, in colour on a terminal. One layout serves both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, TypeAlias

from dq.outcomes import Evaluation, FailingRows, Outcome, Statistic, Verdict
from dq.render import facts, words

if TYPE_CHECKING:
    from rich.console import Console

Line: TypeAlias = list[tuple[str, str]]
"""A line in pieces: text and what it is, a key of `STYLES`."""

STYLES = {
    "": "",
    "PASSED": "green",
    "FAILED": "bold red",
    "ERROR": "bold yellow",
    "title": "bold",
    "faint": "dim",
    "warning": "yellow",
}

NARROWEST_RULE = 28
"""Room for a rule's text below which its facts stand under it instead of beside it."""

NARROW = 60
"""Columns of a terminal below which what belongs to a rule is hardly indented."""

_WORD = re.compile(r"(?:[^\s,]|(?<=\d),(?=\d{3}))+,?\s*|,\s*|\s+")
"""What a line is not broken within, and the blanks behind it: `1,000 rows, all` has three, `["a","b"]` two."""

RULE_LINES = 3
PARTS_SHOWN = 200
SAMPLE_ROWS = 10
CELL_WIDTH = 28
DEEPEST_INDENT = 8


@dataclass(frozen=True, slots=True)
class Signs:
    """The characters beyond letters that a report draws with."""

    passed: str
    failed: str
    error: str
    ellipsis: str
    dot: str
    line: str
    branch: str

    def of(self, verdict: Verdict) -> str:
        """The sign of a verdict."""
        return {Verdict.PASSED: self.passed, Verdict.FAILED: self.failed, Verdict.ERROR: self.error}[verdict]


UNICODE = Signs("✓", "✗", "!", "…", "·", "─", "└ ")
ASCII = Signs("+", "x", "!", "...", "-", "-", "- ")


def render(
    evaluation: Evaluation, *, width: int = 100, verbose: bool = False, quiet: bool = False, signs: Signs = UNICODE
) -> str:
    """The report as plain text, without colour and without a line end after the last line.

    `verbose` adds all metrics, the parts of composites and samples of failing rows; `quiet` leaves only the
    rules that did not pass and the score. No line is longer than `width`, of which 20 is the least.
    """
    lines = _Layout(evaluation, max(width, 20), signs, verbose).lines(quiet=quiet)
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def print_report(evaluation: Evaluation, console: Console, *, verbose: bool = False, quiet: bool = False) -> None:
    """Print the report to a console: colour if it has any, ASCII where its encoding knows no more."""
    from rich.text import Text

    encoding = console.encoding
    layout = _Layout(evaluation, max(console.width, 20), signs_for(encoding), verbose)
    for line in layout.lines(quiet=quiet):
        pieces = [(text.encode(encoding, "backslashreplace").decode(encoding), STYLES[style]) for text, style in line]
        text = Text.assemble(*pieces)
        text.rstrip()
        console.print(text, soft_wrap=True, highlight=False)


def signs_for(encoding: str) -> Signs:
    """The signs that an output of this encoding can show."""
    try:
        f"{UNICODE}".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def _width(text: str) -> int:
    """Cells of a terminal, of which some characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _pad(text: str, width: int, *, right: bool = False) -> str:
    fill = " " * (width - _width(text))
    return fill + text if right else text + fill


def _clip(text: str, width: int, ellipsis: str) -> str:
    """The text, cut with an ellipsis to fit into so many cells."""
    if _width(text) <= width:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, max(width - len(ellipsis), 0)).rstrip() + ellipsis


def _wrap(text: str, width: int, *, most: int = 0, ellipsis: str = "…") -> list[str]:
    """Lines of at most `width` cells, broken at blanks where possible; `most` lines when it is given."""
    if _width(text) <= width:
        return [text]
    if most:
        text = text[: width * (most + 1)]
    lines, line = [], ""
    for word in _WORD.findall(text):
        if _width((line + word).rstrip()) <= width:
            line += word
            continue
        if line:
            lines.append(line.rstrip())
        *full, line = _chop(word, width)
        lines += full
    lines.append(line.rstrip())
    if most and len(lines) > most:
        lines = [*lines[: most - 1], _clip(lines[most - 1] + " " * width, width, ellipsis)]
        last = lines[-1].removesuffix(ellipsis).rstrip()
        lines[-1] = _clip(last, width - len(ellipsis), "") + ellipsis
    return lines


def _chop(word: str, width: int) -> list[str]:
    if _width(word.rstrip()) <= width:
        return [word]
    from rich.cells import chop_cells

    return chop_cells(word, width)


@dataclass(frozen=True, slots=True)
class _Widths:
    """The cells of the columns of the table of rules."""

    rule: int
    measured: int
    expected: int
    failing: int


GAP = 2
VERDICT = len("! PASSED") + GAP
HEADINGS = ("RULE", "MEASURED", "EXPECTED", "FAILING ROWS")


class _Layout:
    """One evaluation on paper of one width."""

    def __init__(self, evaluation: Evaluation, width: int, signs: Signs, verbose: bool) -> None:
        self.evaluation = evaluation
        self.width = width
        self.signs = signs
        self.verbose = verbose
        self.indent = VERDICT if width >= NARROW else 2

    def lines(self, *, quiet: bool) -> Iterator[Line]:
        shown = [each for each in self.evaluation.outcomes if not (quiet and each.passed)]
        if not quiet:
            yield from self.header()
        if shown:
            yield from self.rules(shown)
            yield []
        yield from self.statistics(quiet=quiet)
        yield from self.score(quiet=quiet)

    # -- header and score ------------------------------------------------------------------------------

    def header(self) -> Iterator[Line]:
        yield from self.paragraph(words.visible(facts.name(self.evaluation)), 0, "title")
        aliases = [_clip(words.visible(table.alias), 24, self.signs.ellipsis) for table in self.evaluation.tables]
        widest = max(map(_width, aliases), default=0) + GAP
        for alias, table in zip(aliases, self.evaluation.tables, strict=True):
            size = words.size(table.rows, table.columns)
            text = f"{words.visible(table.description)} ({size})"
            yield from self.hanging(_pad(alias, widest), "", text, "faint")
            for note in table.notes:
                yield from self.note(note, widest)
            if self.verbose and table.fetched:
                yield from self.hanging(" " * widest, "", words.visible(table.fetched), "faint")
        for note in self.evaluation.notes:
            yield from self.note(note, 0)
        yield []

    def note(self, text: str, indent: int) -> Iterator[Line]:
        yield from self.hanging(" " * indent + "note: ", "warning", words.visible(text), "warning")

    def score(self, *, quiet: bool) -> Iterator[Line]:
        evaluation = self.evaluation
        style = "PASSED" if evaluation.passed else "FAILED"
        if not evaluation.outcomes and evaluation.statistics:
            yield from self.paragraph(words.summary(evaluation), 0, "title")
        elif not evaluation.outcomes:
            yield from self.hanging("note: ", "warning", words.summary(evaluation), "warning")
        else:
            yield from self.hanging(f"Score {words.percent(evaluation)}  ", style, words.summary(evaluation), "title")
        if not quiet:
            yield from self.paragraph(f" {self.signs.dot} ".join(words.cost(evaluation)), 0, "faint")

    # -- statistics ------------------------------------------------------------------------------------

    def statistics(self, *, quiet: bool) -> Iterator[Line]:
        """One line for each statistic; when quiet, only those that could not be measured."""
        shown = [each for each in self.evaluation.statistics if each.error or not quiet]
        if not shown:
            return
        yield [("STATISTICS", "faint")]
        yield [(self.signs.line * self.width, "faint")]
        widest = _widest((words.statistic_name(each) for each in shown), "", self.width // 2)
        for each in shown:
            yield from self.statistic(each, widest)
        yield []

    def statistic(self, statistic: Statistic, widest: int) -> Iterator[Line]:
        sign = f"{self.signs.of(Verdict.ERROR)} " if statistic.error else ""
        name = _clip(sign + words.statistic_name(statistic), widest, self.signs.ellipsis)
        style = "ERROR" if statistic.error else ""
        found = words.statistic(statistic) or words.visible(statistic.reason)
        yield from self.hanging(_pad(name, widest + GAP), style, found, "" if words.statistic(statistic) else "faint")
        for note in statistic.notes:
            yield from self.note(note, GAP)

    # -- rules -----------------------------------------------------------------------------------------

    def rules(self, shown: Sequence[Outcome]) -> Iterator[Line]:
        widths = self.widths(shown)
        if widths:
            yield self.headings(widths)
            yield [(self.signs.line * self.width, "faint")]
        for outcome in shown:
            yield from self.row(outcome, widths) if widths else self.stacked(outcome)
            yield from self.below(outcome)

    def widths(self, shown: Sequence[Outcome]) -> _Widths | None:
        """As wide as what they hold, within limits; the rule takes the rest. None when that is too narrow."""
        measured = _widest((words.measured(each) for each in shown), HEADINGS[1], 16)
        expected = _widest((words.expected(each) for each in shown), HEADINGS[2], max(20, self.width // 5))
        failing = _widest((words.failing(each.failing) for each in shown), HEADINGS[3], 30)
        rest = self.width - VERDICT - measured - expected - failing - 3 * GAP
        if rest < NARROWEST_RULE:
            return None
        rule = _widest((str(each.rule)[: rest + 1] for each in shown), HEADINGS[0], rest)
        return _Widths(rule, measured, expected, failing)

    def headings(self, widths: _Widths) -> Line:
        rule, measured, expected, failing = HEADINGS
        text = _pad("VERDICT", VERDICT) + _pad(rule, widths.rule + GAP)
        text += _pad(measured, widths.measured, right=True) + " " * GAP + _pad(expected, widths.expected + GAP)
        return [(text + failing, "faint")]

    def row(self, outcome: Outcome, widths: _Widths) -> Iterator[Line]:
        ellipsis = self.signs.ellipsis
        cells = (
            self.rule_lines(outcome, widths.rule),
            _wrap(words.measured(outcome), widths.measured, most=RULE_LINES, ellipsis=ellipsis),
            _wrap(words.expected(outcome), widths.expected, most=RULE_LINES, ellipsis=ellipsis),
            _wrap(words.failing(outcome.failing), widths.failing),
        )
        for number, (rule, measured, expected, failing) in enumerate(zip_longest(*cells, fillvalue="")):
            yield [
                (_pad(self.verdict(outcome), VERDICT) if not number else " " * VERDICT, outcome.verdict.value),
                (_pad(rule, widths.rule + GAP), ""),
                (_pad(measured, widths.measured, right=True) + " " * GAP, "" if outcome.passed else "title"),
                (_pad(expected, widths.expected + GAP), ""),
                (failing, ""),
            ]

    def stacked(self, outcome: Outcome) -> Iterator[Line]:
        """The rule, and its facts under it, for a narrow terminal."""
        first, *more = self.rule_lines(outcome, self.width - VERDICT, self.width - self.indent)
        yield [(_pad(self.verdict(outcome), VERDICT), outcome.verdict.value), (first, "")]
        for line in more:
            yield [(" " * self.indent + line, "")]
        yield from self.paragraph(words.judged(outcome, self.signs.dot), self.indent)

    def rule_lines(self, outcome: Outcome, width: int, rest: int = 0) -> list[str]:
        text = words.visible(str(outcome.rule))
        most = 10 * RULE_LINES if self.verbose else RULE_LINES
        if not rest or _width(text) <= width:
            return _wrap(text, width, most=most, ellipsis=self.signs.ellipsis)
        first = _wrap(text, width)[0]
        return [first, *_wrap(text[len(first) :].lstrip(), rest, most=most - 1, ellipsis=self.signs.ellipsis)]

    def verdict(self, outcome: Outcome) -> str:
        return f"{self.signs.of(outcome.verdict)} {outcome.verdict.value}"

    # -- below a rule ----------------------------------------------------------------------------------

    def below(self, outcome: Outcome) -> Iterator[Line]:
        for reason in words.reasons(outcome):
            yield from self.paragraph(reason, self.indent, "faint" if outcome.passed else "")
        if outcome.evaluated is not None:
            yield from self.hanging(" " * self.indent + "evaluated: ", "faint", self.evaluated(outcome), "faint")
        for note in outcome.notes:
            yield from self.note(note, self.indent)
        if self.verbose:
            yield from self.details(outcome)

    def evaluated(self, outcome: Outcome) -> str:
        """The rule as evaluated, no longer than a rule may be."""
        room = max(self.width - self.indent - len("evaluated: "), 1)
        most = 10 * RULE_LINES if self.verbose else RULE_LINES
        return _clip(words.evaluated(outcome), room * most, self.signs.ellipsis)

    def details(self, outcome: Outcome) -> Iterator[Line]:
        for key, label in outcome.labels.items():
            yield from self.paragraph(f"label {words.visible(key)}: {words.visible(label)}", self.indent, "faint")
        others = [each for each in outcome.evidence if each != self.evaluation.engine]
        if others:
            yield from self.paragraph(f"measured by {words.visible(', '.join(others))}", self.indent, "faint")
        for name, metric in outcome.metrics.items():
            text = f"{words.visible(name)} = {words.number(metric, outcome.expected)}"
            yield from self.paragraph(text, self.indent, "faint")
        yield from self.parts(outcome)
        rows, _ = facts.arranged(outcome)
        if rows and rows.sample:
            yield from self.sample(rows)

    def parts(self, outcome: Outcome) -> Iterator[Line]:
        parts = facts.parts(outcome)
        for part in islice(parts, PARTS_SHOWN):
            yield from self.part(part)
        left = sum(1 for _ in parts)
        if left:
            yield from self.paragraph(f"{left:,} more parts are in the JSON report", self.indent, "warning")

    def part(self, part: facts.Part) -> Iterator[Line]:
        outcome = part.outcome
        indent = " " * (self.indent + 2 * min(part.depth - 1, DEEPEST_INDENT)) + self.signs.branch
        if len(indent) > self.width // 2:
            indent = " " * self.indent + self.signs.branch
        head = f"{indent}{self.verdict(outcome)} "
        rule = words.part(outcome)
        judged = words.judged(outcome, self.signs.dot)
        yield from self.hanging(head, outcome.verdict.value, f"{rule}: {judged}" if judged else rule, "")

    def sample(self, rows: FailingRows) -> Iterator[Line]:
        """Some failing rows as a small table; columns that do not fit are counted."""
        shown = rows.sample[:SAMPLE_ROWS]
        columns = [
            [words.visible(name), *(words.value(row[at]) for row in shown)] for at, name in enumerate(rows.columns)
        ]
        most = min(CELL_WIDTH, self.width - self.indent)
        fitting: list[list[str]] = []
        room = self.width - self.indent
        for column in columns:
            cells = [_clip(cell, most, self.signs.ellipsis) for cell in column]
            room -= max(map(_width, cells)) + GAP
            if room < -GAP:
                break
            fitting.append(cells)
        for number, row in enumerate(zip(*fitting, strict=True)):
            widths = [max(map(_width, column)) + GAP for column in fitting]
            text = "".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True))
            yield [(" " * self.indent + text, "" if number else "faint")]
        yield from self.left_out(len(columns) - len(fitting), rows.count - len(shown))

    def left_out(self, columns: int, rows: int) -> Iterator[Line]:
        left = [words.count(columns, "more column")] if columns else []
        left += [words.count(rows, "more failing row")] if rows > 0 else []
        if left:
            yield from self.paragraph(self.signs.ellipsis + " " + ", ".join(left), self.indent, "faint")

    # -- paragraphs ------------------------------------------------------------------------------------

    def paragraph(self, text: str, indent: int, style: str = "") -> Iterator[Line]:
        for line in _wrap(text, self.width - indent) if text else ():
            yield [(" " * indent + line, style)]

    def hanging(self, head: str, head_style: str, text: str, style: str) -> Iterator[Line]:
        """Text behind a head; its further lines are indented as far, or a little where room is short."""
        indent = _width(head)
        if indent > self.width // 2:
            lines = _wrap(head.rstrip() + " " + text, self.width)
            yield from ([(line, style)] for line in lines)
            return
        for number, line in enumerate(_wrap(text, self.width - indent)):
            yield [(" " * indent if number else head, head_style), (line, style)]


def _widest(cells: Iterable[str], heading: str, most: int) -> int:
    """The width of a column: its widest cell, at least its heading, at most what is allowed."""
    return min(max(max(map(_width, cells), default=0), len(heading)), most)
