"""DQDL: text to a syntax tree, with every problem at its place.

    parse(text)        the ruleset, or a `DqError` that carries all diagnostics
    parse_rule(text)   a ruleset of one rule, written without a section
    check(text)        all diagnostics, warnings too

The dialect `glue` takes exactly what the parser that AWS published takes; `dq` adds what REFERENCE.md marks
and refuses what would be misread. Importing this package loads no data engine.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dq.diagnostics import Diagnostic, DqError, Severity
from dq.language.checking import Checker
from dq.language.codes import CODES
from dq.language.findings import Dialect, Findings
from dq.language.lexer import Token, tokenize
from dq.language.parser import RawDocument
from dq.language.reading import Reader
from dq.rules import SIGNATURES
from dq.spans import UNNAMED, Source
from dq.syntax import Ruleset

__all__ = ["CODES", "Dialect", "Token", "check", "parse", "parse_rule", "tokenize"]


def parse(text: str, *, dialect: Dialect = "dq", name: str = UNNAMED) -> Ruleset:
    """The ruleset that a document says.

    `dialect` is `dq`, or `glue` for a text that must run there: it takes and refuses what the published parser
    does, and `str()` of a rule is then its canonical text. `name` is what diagnostics call the text.

    Raises:
        DqError: if it has errors; the error carries all diagnostics, warnings too.
    """
    return _accepted(*_read(text, dialect, name, Reader.document))


def parse_rule(text: str, *, dialect: Dialect = "dq", name: str = UNNAMED) -> Ruleset:
    """A ruleset of one rule that is written without `Rules = [ ]`.

    Raises:
        DqError: as `parse`.
    """
    return _accepted(*_read(text, dialect, name, Reader.rule))


def check(text: str, *, dialect: Dialect = "dq", name: str = UNNAMED) -> list[Diagnostic]:
    """All errors and warnings of a document, sorted by place; empty if there are none. Raises nothing.

    Warnings say what Glue would refuse or misread, what is ignored, and what can never hold.
    """
    return _read(text, dialect, name, Reader.document)[1]


def _read(
    text: str, dialect: Dialect, name: str, read: Callable[[Reader], RawDocument]
) -> tuple[Ruleset, list[Diagnostic]]:
    findings = Findings(Source(text, name), dialect)
    with _without_collection():
        raw = read(Reader(findings, SIGNATURES))
        ruleset = Checker(findings, SIGNATURES).ruleset(raw)
    return ruleset, findings.sorted()


def _accepted(ruleset: Ruleset, diagnostics: list[Diagnostic]) -> Ruleset:
    errors = sum(each.severity is Severity.ERROR for each in diagnostics)
    if errors:
        raise DqError(f"the ruleset has {errors} {'error' if errors == 1 else 'errors'}", diagnostics)
    return ruleset


@contextmanager
def _without_collection() -> Iterator[None]:
    """Pause the collection of cycles: a syntax tree has none, and looking for them costs a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
