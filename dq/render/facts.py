"""What several formats derive from an evaluation, so that they cannot disagree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dq.outcomes import Evaluation, FailingRows, Outcome
from dq.spans import Source, Span
from dq.syntax import Composite


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a composite, `depth` levels below the rule (1: an operand of the rule itself)."""

    depth: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule stands: first and last character, lines and columns counted from 1."""

    line: int
    column: int
    end_line: int
    end_column: int


def parts(outcome: Outcome) -> Iterator[Part]:
    """All parts at all depths, each before its own parts. Iterative: composites nest as deep as text is long."""
    pending = [Part(1, each) for each in reversed(outcome.parts)]
    while pending:
        part = pending.pop()
        yield part
        pending.extend(Part(part.depth + 1, each) for each in reversed(part.outcome.parts))


def name(evaluation: Evaluation) -> str:
    """What the ruleset is called."""
    return evaluation.ruleset_name or evaluation.ruleset.source.name


def operator(outcome: Outcome) -> str | None:
    """`and` or `or` of a composite, None of any other rule."""
    return outcome.rule.operator if isinstance(outcome.rule, Composite) else None


def rule_type(outcome: Outcome) -> str | None:
    """The name of the rule type, None of a composite."""
    return None if isinstance(outcome.rule, Composite) else outcome.rule.name


def part_text(outcome: Outcome) -> str | None:
    """The canonical text of a part; None of a composite, whose operator and own parts say it.

    To repeat the text of nested composites at every level would cost the square of their depth.
    """
    return None if isinstance(outcome.rule, Composite) else str(outcome.rule)


def arranged(outcome: Outcome) -> tuple[FailingRows | None, int]:
    """The failing rows with the key and the columns that the rule names in front, and how many those are.

    A reader looks for them, and a wide table does not show its last columns.
    """
    rows = outcome.failing
    if rows is None:
        return rows, 0
    own = () if isinstance(outcome.rule, Composite) else (each.value for each in outcome.rule.parameters)
    at = {name.casefold(): number for number, name in reversed(list(enumerate(rows.columns)))}
    named = list(dict.fromkeys(at[name.casefold()] for name in (*rows.key, *own) if name.casefold() in at))
    order = [*named, *(number for number in range(len(rows.columns)) if number not in set(named))]
    columns = tuple(rows.columns[number] for number in order)
    sample = tuple(tuple(row[number] for number in order) for row in rows.sample)
    return replace(rows, columns=columns, sample=sample), len(named)


def place(source: Source, span: Span) -> Place | None:
    """Where a span stands in the text; None for a rule that was not read from it."""
    if not 0 <= span.start < span.end <= len(source.text):
        return None
    return Place(*source.position(span.start), *source.position(span.end - 1))


def line(evaluation: Evaluation, outcome: Outcome) -> int:
    """The line of the ruleset on which a rule begins, counted from 1; 0 when it is not known."""
    if outcome.line:
        return outcome.line
    found = place(evaluation.ruleset.source, outcome.rule.span)
    return found.line if found else 0
