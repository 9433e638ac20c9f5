"""Diagnostic values: what is wrong with a ruleset, where, why, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from dq.spans import Source, Span


class Severity(Enum):
    """How much a diagnostic matters: an error refuses the ruleset, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Note:
    """A second place that explains the first, such as the declaration that a name repeats."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of a ruleset.

    `message` says in one line what is; `label` says under the caret why *here*; `help` is an action.
    """

    code: str
    severity: Severity
    message: str
    source: Source = field(repr=False)
    span: Span
    label: str = ""
    help: str = ""
    notes: tuple[Note, ...] = ()

    def __str__(self) -> str:
        line, column = self.source.position(self.span.start)
        text = f"{self.source.name}:{line}:{column}: {self.severity.value}[{self.code}]: {self.message}"
        return f"{text} (help: {self.help})" if self.help else text


class DqError(Exception):
    """A mistake of the user, told without a traceback.

    `diagnostics` carries every problem of a refused ruleset; it is empty for any other mistake, such as
    a file that is not there. `exit_code` is what the command line answers with: 2 for a wrong ruleset or
    command, 3 for data that could not be measured.
    """

    exit_code = 2

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = (), *, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.diagnostics = tuple(diagnostics)
        self.help = help

    def __str__(self) -> str:
        lines = [self.message] + [str(d) for d in self.diagnostics]
        if self.help:
            lines.append(f"help: {self.help}")
        return "\n".join(lines)


class DataError(DqError):
    """Data that cannot be read: a missing or broken file, a wrong format, an unknown alias."""

    exit_code = 3


class NoFilesError(DataError):
    """A place that can be looked at, and in which there is no data file."""
