"""How names, numbers and values are put into words for people, the same in every format."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from dq.outcomes import Distribution, Evaluation, FailingRows, Outcome, Statistic, Verdict
from dq.render import facts

DIGITS = 6
"""Significant digits of a number, unless a bound is so near that more are needed."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def visible(text: str, *, keep: str = "") -> str:
    r"""Text in which every character can be seen: an escape sequence is shown as `\x1b`, never executed.

    Escapes control and format characters (direction marks, zero-width ones), line ends, lone surrogates and
    blanks other than the ordinary one, except those in `keep`.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in text)


def count(amount: int, singular: str, plural: str = "") -> str:
    """An amount of things: `1 row`, `1,000 rows`."""
    return f"{amount:,} {singular if amount == 1 else plural or singular + 's'}"


def number(value: float | str, expected: str = "") -> str:
    """A number with thousands separators and six significant digits, more where a bound is near.

    `expected` is the condition it was judged by: the shortened number stands to each number in there as the
    exact one does, so 0.9499999 is never shown as 0.95 beside `> 0.95`. Text that is no number is made visible.
    """
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return visible(str(value))
    if not exact.is_finite():
        return str(value)
    bounds = [Decimal(bound) for bound in _NUMBER.findall(expected)]
    for digits in range(DIGITS, len(exact.as_tuple().digits)):
        short = _rounded(exact, digits)
        if all(_side(Decimal(short.replace(",", "")), bound) == _side(exact, bound) for bound in bounds):
            return short
    return _rounded(exact, len(exact.as_tuple().digits))


def _side(value: Decimal, bound: Decimal) -> int:
    """-1, 0 or 1: below, at or above the bound."""
    return (value > bound) - (value < bound)


def _rounded(value: Decimal, digits: int) -> str:
    """A number with this many significant digits; whole ones and whole parts are never cut."""
    exponent = value.adjusted() if value else 0
    if exponent < -5 or exponent > 20:
        return f"{value:.{digits}g}".replace("E", "e")
    text = f"{value:,.{max(0, digits - 1 - exponent)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def measured(outcome: Outcome) -> str:
    """The judged number of an outcome; empty when nothing could be measured."""
    return number(outcome.measured, outcome.expected) if outcome.measured else ""


def expected(outcome: Outcome) -> str:
    """The condition that the judged number met or missed."""
    return visible(outcome.expected)


def failing(rows: FailingRows | None) -> str:
    """`1 of 6 rows`; empty for a rule without a row meaning."""
    return f"{rows.count:,} of {count(rows.total, 'row')}" if rows else ""


def reasons(outcome: Outcome) -> list[str]:
    """The reason of an outcome; that of a composite has a line for each part that did not pass."""
    return [visible(line) for line in outcome.reason.split("\n") if line]


def judged(outcome: Outcome, dot: str = "·") -> str:
    """`0.94, expected > 0.95 · 1 of 6 rows`, as far as there is something to say."""
    condition = expected(outcome)
    found = ", ".join(filter(None, (measured(outcome), condition and f"expected {condition}")))
    return f" {dot} ".join(filter(None, (found, failing(outcome.failing))))


def evaluated(outcome: Outcome) -> str:
    """The rule with what its functions came to; empty when it has none."""
    return "" if outcome.evaluated is None else visible(str(outcome.evaluated))


def statistic_name(statistic: Statistic) -> str:
    """The metric name of a statistic, or the analyzer when it could not be asked."""
    return visible(statistic.name or str(statistic.analyzer))


def statistic(statistic: Statistic) -> str:
    """What a statistic is; a distribution in a few words, nothing when there is no value."""
    if isinstance(statistic.value, Distribution):
        return visible(_distribution(statistic.value))
    return "" if statistic.value is None else number(statistic.value)


def _distribution(found: Distribution, most: int = 3) -> str:
    if found.kind == "number":
        first, last = found.edges[0], found.edges[-1]
        return f"{count(sum(found.counts), 'value')} in {count(len(found.counts), 'bin')} from {first} to {last}"
    shown = [f"{value(edge)} {n:,}" for edge, n in zip(found.edges[:most], found.counts, strict=False)]
    rest = sum(found.counts[most:]) + found.others
    return ", ".join([*shown, *([f"others {rest:,}"] if rest else [])])


OPERATORS = {"and": "all of these", "or": "any of these"}
"""How a composite without its text is called."""


def part(outcome: Outcome) -> str:
    """The text of a part of a composite: of a rule its own, of a composite what it asks of its parts."""
    text = facts.part_text(outcome)
    return visible(text) if text is not None else OPERATORS[facts.operator(outcome) or "and"]


def value(cell: Any) -> str:
    """A value of a sample row: NULL and an empty text can be told from the words."""
    if cell is None:
        return "NULL"
    if isinstance(cell, bytes | bytearray | memoryview):
        return "0x" + bytes(cell).hex()
    if not isinstance(cell, str):
        return visible(str(cell))
    quoted = not cell or cell != cell.strip() or cell == "NULL"
    return visible(f'"{cell}"' if quoted else cell)


def percent(evaluation: Evaluation) -> str:
    """The score, rounded down to a tenth: 100% means that every rule passed."""
    return share(evaluation.count(Verdict.PASSED), len(evaluation.outcomes))


def share(passed: int, rules: int) -> str:
    """How many of the rules passed, rounded down to a tenth; all of none."""
    tenths = 1000 * passed // rules if rules else 1000
    if passed and not tenths:
        return "<0.1%"
    return f"{tenths // 10}.{tenths % 10}%".replace(".0%", "%")


def summary(evaluation: Evaluation) -> str:
    """`7 of 10 rules passed, 2 failed, 1 error`, and a warning when nothing was judged or gathered."""
    unmeasured = sum(each.error for each in evaluation.statistics)
    beside = f"; {count(unmeasured, 'analyzer')} could not be measured" if unmeasured else ""
    if not evaluation.outcomes:
        gathered = len(evaluation.statistics) - unmeasured
        numbers = f"; {count(gathered, 'statistic')} gathered" if gathered else ""
        return f"nothing was judged: the ruleset has no rules{numbers}{beside}"
    failed, errors = evaluation.count(Verdict.FAILED), evaluation.count(Verdict.ERROR)
    words = f"{evaluation.count(Verdict.PASSED):,} of {count(len(evaluation.outcomes), 'rule')} passed"
    if failed:
        words += f", {failed:,} failed"
    return (f"{words}, {count(errors, 'error')}" if errors else words) + beside


def duration(seconds: float) -> str:
    """How long it took: `8 ms`, `1.24 s`, `2 min 5 s`."""
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"


def size(rows: int | None, columns: int) -> str:
    """The size of a table; rows that nothing had to count are not made up."""
    return f"{count(rows, 'row') if rows is not None else 'rows not counted'}, {count(columns, 'column')}"


def rows_read(evaluation: Evaluation) -> str:
    """The rows of all tables together; empty when no table was counted."""
    known = [table.rows for table in evaluation.tables if table.rows is not None]
    return count(sum(known), "row") if known else ""


def cost(evaluation: Evaluation) -> list[str]:
    """What the evaluation took: time, rows, scans, engine."""
    rows = rows_read(evaluation)
    return [
        duration(evaluation.seconds),
        *([rows] if rows else []),
        count(evaluation.scans, "scan"),
        visible(evaluation.engine),
    ]
