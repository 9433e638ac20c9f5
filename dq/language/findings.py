"""Where the parts of the language put their findings, and how names are suggested."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from dq.diagnostics import Diagnostic, Note, Severity
from dq.language.codes import CODES
from dq.spans import Source, Span

Dialect = Literal["dq", "glue"]

_BLANK = r"[ \t\r\n]*"


@dataclass
class Findings:
    """The diagnostics of one document, gathered while it is read."""

    source: Source
    dialect: Dialect
    diagnostics: list[Diagnostic] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    """The offsets of characters that belong to no token, in order."""

    @property
    def is_glue(self) -> bool:
        """Whether the published parser decides what is valid."""
        return self.dialect == "glue"

    @property
    def has_errors(self) -> bool:
        """Whether the document is refused."""
        return any(each.severity is Severity.ERROR for each in self.diagnostics)

    def report(
        self,
        code: str,
        span: Span,
        message: str,
        label: str,
        help: str,
        notes: Sequence[Note] = (),
        severity: Severity | None = None,
    ) -> None:
        """Add a diagnostic with the severity of its code, or with another one."""
        chosen = severity or CODES[code][0]
        self.diagnostics.append(Diagnostic(code, chosen, message, self.source, span, label, help, tuple(notes)))

    def reject_in_dq(self, code: str, span: Span, message: str, label: str, help: str) -> None:
        """Add an error; only a warning in the dialect of Glue, which takes the text."""
        self.report(code, span, message, label, help, severity=Severity.WARNING if self.is_glue else Severity.ERROR)

    def not_in_glue(self, code: str, span: Span, message: str, help: str) -> None:
        """Add a warning that Glue refuses the text; an error in its dialect."""
        label = "Glue refuses this"
        self.report(code, span, message, label, help, severity=Severity.ERROR if self.is_glue else Severity.WARNING)

    def is_damaged(self, span: Span) -> bool:
        """Whether unknown characters stand in a span or right behind it: what else it lacks may come from them."""
        at = bisect_left(self.unreadable, span.start)
        if at == len(self.unreadable):
            return False
        offset = self.unreadable[at]
        blank = re.compile(_BLANK).match(self.source.text, span.end)
        return offset < span.end or (blank is not None and blank.end() >= offset)

    def sorted(self) -> list[Diagnostic]:
        """All diagnostics by place, each once."""
        return sorted(dict.fromkeys(self.diagnostics), key=lambda each: (each.span, each.code))


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant: the same but for case, else a similar one."""
    if len(name) > 100:  # comparing is quadratic, and nobody meant such a name
        return None
    folded = {each.casefold(): each for each in names}
    same = folded.get(name.casefold())
    if same is not None:
        return same
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.7)
    return folded[close[0]] if close else None


def shortened(text: str, limit: int = 40) -> str:
    """Text for a message: on one line and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 parameter`, `2 parameters`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
