"""The results of the checks of a project: as text, as JSON in the shape of `reports/checks.schema.json`, as a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dq.outcomes import Verdict
from dq.render import json as evaluations
from dq.render import resource, text, words

if TYPE_CHECKING:
    from dq.project.checks import Checked

VERSION = "1.0"
SCHEMA_ID = f"urn:dq:schema:checks:{VERSION}"

WIDTH = 100
HEAD = ("VERDICT", "CHECK", "SCORE", "TABLE", "TIME")


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the results of checks; it refers to that of an evaluation."""
    loaded: dict[str, Any] = json.loads(resource("checks.schema.json"))
    return loaded


def report(checks: Sequence[Checked], project: str) -> dict[str, Any]:
    """The results as data that `json.dumps(..., allow_nan=False)` takes."""
    return {
        "$schema": SCHEMA_ID,
        "version": VERSION,
        "project": project,
        "passed": all(each.verdict is Verdict.PASSED for each in checks),
        "exit_code": max((each.exit_code for each in checks), default=0),
        "counts": {"checks": len(checks)}
        | {verdict.value.lower(): sum(each.verdict is verdict for each in checks) for verdict in Verdict},
        "checks": [_check(each) for each in checks],
    }


def _check(check: Checked) -> dict[str, Any]:
    return {
        "name": check.name,
        "tags": list(check.tags),
        "table": check.table,
        "verdict": check.verdict.value,
        "score": check.score,
        "fail_on": check.fail_on,
        "exit_code": check.exit_code,
        "seconds": check.seconds,
        "errors": [{"message": _said(each), "help": each.help, "exit_code": each.exit_code} for each in check.errors],
        "evaluations": [evaluations.report(each) for each in check.evaluations],
    }


def _said(error: Any) -> str:
    """What an error says: the problems of a refused ruleset one by one."""
    return "\n".join([error.message, *map(str, error.diagnostics)])


def to_json(checks: Sequence[Checked], project: str) -> str:
    """The results as JSON text."""
    text = json.dumps(report(checks, project), indent=2, allow_nan=False, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def to_html(checks: Sequence[Checked], project: str) -> str:
    """The results as one self-contained page."""
    from dq.render import html

    return html.render_checks(checks, project)


def to_text(checks: Sequence[Checked], *, verbose: bool = False, quiet: bool = False) -> str:
    """The results as plain text: each check, and a summary."""
    parts: list[str] = []
    for each in checks:
        parts.append(f"check {each.name}")
        parts += [text.render(evaluation, verbose=verbose, quiet=quiet) for evaluation in each.evaluations]
        parts += [f"error: {error}" for error in each.errors]
        parts.append("")
    return "\n".join([*parts, *(line for line, _ in summary(checks, "utf-8"))]) + "\n"


def summary(checks: Sequence[Checked], encoding: str) -> list[tuple[str, str]]:
    """A line for each check and one that counts them, each with what it is, a key of `text.STYLES`."""
    signs = text.signs_for(encoding or "utf-8")
    rows = [
        (
            f"{signs.of(each.verdict)} {each.verdict.value}",
            words.visible(each.name),
            _score(each),
            words.visible(each.table) or "-",
            words.duration(each.seconds),
        )
        for each in checks
    ]
    widths = [max(len(row[at]) for row in (HEAD, *rows)) for at in range(len(HEAD))]
    lines = [(_line(HEAD, widths), "title"), (signs.line * WIDTH, "faint")]
    lines += [(_line(row, widths), each.verdict.value) for row, each in zip(rows, checks, strict=True)]
    counts = {verdict: sum(each.verdict is verdict for each in checks) for verdict in Verdict}
    told = [f"{counts[Verdict.PASSED]} of {words.count(len(checks), 'check')} passed"]
    told += [f"{counts[Verdict.FAILED]} failed"] if counts[Verdict.FAILED] else []
    told += [f"{counts[Verdict.ERROR]} in error"] if counts[Verdict.ERROR] else []
    return [*lines, ("", ""), (", ".join(told), "title")]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _score(check: Checked) -> str:
    rules = sum(len(each.outcomes) for each in check.evaluations)
    return words.share(check.count(Verdict.PASSED), rules) if rules else "-"
