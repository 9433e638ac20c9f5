"""An evaluation as one self-contained HTML page, and as a fragment for notebooks.

The page asks the network for nothing and its security policy forbids it to: style and script are inline and
allowed by their hashes, everything else is refused. It can be read without the script, which only filters and
switches colours. All text is escaped by Jinja2, and characters that cannot be seen are shown as escapes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import islice, pairwise
from numbers import Number
from typing import TYPE_CHECKING, Any

from dq.outcomes import Distribution, Evaluation, Outcome, Statistic, Verdict
from dq.render import facts, resource, words

if TYPE_CHECKING:
    from jinja2 import Environment

    from dq.project.checks import Checked

OPEN_DETAILS = 20
"""The details of rules that did not pass are open, unless there are more of them than this."""

PARTS_SHOWN = 200
DEEPEST_INDENT = 8
FRAGMENT_RULES = 100

_RIGHT_TO_LEFT = re.compile("([\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]+)")
"""Words of the scripts that are written from right to left: Hebrew, Arabic and their kin."""

PRINTED_COLUMNS = 8
"""Columns of a sample that fit on paper; the style knows this number too."""

CELL_CHARACTERS = 500
"""Of a longer value of a sample row the beginning is shown; the JSON report has all of it."""

SIGNS = {Verdict.PASSED.value: "✓", Verdict.FAILED.value: "✗", Verdict.ERROR.value: "!"}
FAVICON = {Verdict.PASSED: "%2318794b", Verdict.FAILED: "%23bf2a24", Verdict.ERROR: "%238f5500"}
OVERALL = {
    Verdict.PASSED: "All rules passed",
    Verdict.FAILED: "Some rules failed",
    Verdict.ERROR: "Not everything could be measured",
}


def render(evaluation: Evaluation) -> str:
    """The report as a page that needs no other file."""
    style, script = _inline("page.css"), _inline("page.js")
    page = _environment().get_template("page.html")
    return page.render(
        **_common(evaluation),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        **_head(evaluation),
        **_body(evaluation),
    )


def render_fragment(evaluation: Evaluation, *, most: int = FRAGMENT_RULES) -> str:
    """The report as a fragment for a notebook: no script, no ids, styles that reach nothing else.

    Of more rules than `most` those that did not pass come first, and the rest are counted.
    """
    outcomes = evaluation.outcomes
    if len(outcomes) > most:
        outcomes = tuple(sorted(outcomes, key=lambda outcome: outcome.passed))[:most]
    left = len(evaluation.outcomes) - len(outcomes)
    return (
        _environment()
        .get_template("fragment.html")
        .render(
            **_common(evaluation),
            style=_inline("fragment.css"),
            rules=[_judged(outcome) | {"text": _shown(str(outcome.rule))} for outcome in outcomes],
            statistics=[_statistic(each) for each in evaluation.statistics[:most]],
            more=f"{words.count(left, 'more rule')} in the full report: evaluation.to_html()" if left else "",
            signs=SIGNS,
        )
    )


def render_checks(checks: Sequence[Checked], project: str) -> str:
    """The results of several checks as one page that needs no other file: a table of them, then each in full."""
    style = _inline("checks.css")
    page = _environment().get_template("checks.html")
    return page.render(
        style=style,
        hashes=[_hash(style), _hash(_inline("fragment.css"))],
        project=words.visible(project),
        signs=SIGNS,
        passed=sum(each.verdict is Verdict.PASSED for each in checks),
        checks=[_check(each) for each in checks],
    )


def _check(check: Checked) -> dict[str, Any]:
    from markupsafe import Markup

    rules = sum(len(each.outcomes) for each in check.evaluations)
    return {
        "name": words.visible(check.name),
        "table": words.visible(check.table),
        "verdict": check.verdict.value,
        "score": words.share(check.count(Verdict.PASSED), rules) if rules else "–",
        "time": words.duration(check.seconds),
        "errors": [_shown(str(error)) for error in check.errors],
        "evaluations": [Markup(render_fragment(each, most=len(each.outcomes) + 1)) for each in check.evaluations],
    }


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(lambda name: resource(f"templates/{name}")),
        autoescape=True,
        finalize=_isolated,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _isolated(value: Any) -> Any:
    """Text whose right-to-left words do not turn what stands around them: `"عمود" > 1` keeps its order."""
    if not isinstance(value, str) or hasattr(value, "__html__") or not _RIGHT_TO_LEFT.search(value):
        return value
    from markupsafe import Markup, escape

    pieces = _RIGHT_TO_LEFT.split(value)
    return Markup("").join(
        Markup("<bdi>{}</bdi>").format(each) if odd % 2 else escape(each) for odd, each in enumerate(pieces)
    )


@cache
def _inline(name: str) -> Any:
    """A style or a script of ours, marked as needing no escape."""
    from markupsafe import Markup

    return Markup(_environment().get_template(name).render())


def _hash(text: str) -> str:
    """The hash by which the page's security policy allows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(text: str) -> str:
    """Text whose lines and tabs a page can show."""
    return words.visible(text.replace("\r\n", "\n"), keep="\n\t")


def _common(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "name": words.visible(facts.name(evaluation)),
        "percent": words.percent(evaluation) if evaluation.outcomes else "–",
        "summary": words.summary(evaluation),
        "notes": [words.visible(note) for note in evaluation.notes],
        "tables": [
            {
                "alias": words.visible(table.alias),
                "description": words.visible(table.description),
                "size": words.size(table.rows, table.columns),
                "notes": [words.visible(note) for note in table.notes],
            }
            for table in evaluation.tables
        ],
        "cost": " · ".join(words.cost(evaluation)),
    }


def _head(evaluation: Evaluation) -> dict[str, Any]:
    overall = _overall(evaluation)
    started = evaluation.started
    return {
        "overall": overall.value,
        "overall_word": _overall_word(evaluation, overall),
        "favicon": FAVICON[overall],
        "arcs": _arcs(evaluation),
        "started_iso": started.isoformat(),
        "started": f"{started:%d %B %Y, %H:%M:%S} {started.tzname() or ''}".strip(),
        "seconds": words.duration(evaluation.seconds),
        "rows": words.rows_read(evaluation),
        "scans": f"{evaluation.scans:,}",
        "engine": words.visible(evaluation.engine),
    }


def _overall(evaluation: Evaluation) -> Verdict:
    """The worst verdict; a ruleset without rules and analyzers is not a success."""
    asked = evaluation.outcomes or evaluation.statistics
    if evaluation.count(Verdict.ERROR) or any(each.error for each in evaluation.statistics) or not asked:
        return Verdict.ERROR
    return Verdict.FAILED if evaluation.count(Verdict.FAILED) else Verdict.PASSED


def _overall_word(evaluation: Evaluation, overall: Verdict) -> str:
    if evaluation.outcomes or any(each.error for each in evaluation.statistics):
        return OVERALL[overall]
    return "Statistics gathered" if evaluation.statistics else "Nothing was judged"


def _arcs(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The shares of the verdicts on a ring of length 100; no verdict is too rare to be seen."""
    counts = {verdict: evaluation.count(verdict) for verdict in Verdict}
    shares = {verdict: max(100 * count / len(evaluation.outcomes), 1.2) for verdict, count in counts.items() if count}
    scale = 100 / sum(shares.values()) if shares else 0
    arcs, start = [], 0.0
    for verdict, share in shares.items():
        arcs.append({"verdict": verdict.value.lower(), "length": f"{share * scale:.2f}", "start": f"{start:.2f}"})
        start += share * scale
    return arcs


def _body(evaluation: Evaluation) -> dict[str, Any]:
    lines = _lines(evaluation)
    open_details = len(evaluation.outcomes) - evaluation.count(Verdict.PASSED) <= OPEN_DETAILS
    numbered = list(enumerate(evaluation.outcomes, start=1))
    groups = []
    for name, title, passed in (("attention", "Did not pass", False), ("passed", "Passed", True)):
        rules = [
            _rule(number, outcome, _anchor(evaluation, outcome, len(lines)), open_details=open_details and not passed)
            for number, outcome in numbered
            if outcome.passed is passed
        ]
        if rules:
            groups.append({"id": name, "title": title, "count": f"{len(rules):,}", "rules": rules})
    return {
        "groups": groups,
        "chips": _chips(evaluation),
        "lines": lines,
        "statistics": [_statistic(each) for each in evaluation.statistics],
    }


def _statistic(statistic: Statistic) -> dict[str, Any]:
    found = statistic.value if isinstance(statistic.value, Distribution) else None
    return {
        "name": words.statistic_name(statistic),
        "value": words.statistic(statistic),
        "reason": words.visible(statistic.reason),
        "error": statistic.error,
        "notes": [words.visible(note) for note in statistic.notes],
        "bins": _bins(found) if found else [],
    }


def _bins(found: Distribution) -> list[dict[str, str]]:
    """Each bin of numbers with its ends, each other value by itself, and how many there are of it."""
    shown = [words.value(edge) for edge in found.edges]
    if found.kind == "number":
        shown = [f"{words.number(low)} to {words.number(high)}" for low, high in pairwise(found.edges)]
    bins = [{"name": name, "count": f"{n:,}"} for name, n in zip(shown, found.counts, strict=True)]
    return [*bins, {"name": "others", "count": f"{found.others:,}"}] if found.others else bins


def _chips(evaluation: Evaluation) -> list[dict[str, str]]:
    chips = [{"verdict": "", "word": "All", "count": f"{len(evaluation.outcomes):,}"}]
    for verdict in (Verdict.FAILED, Verdict.ERROR, Verdict.PASSED):
        count = evaluation.count(verdict)
        if count:
            chips.append({"verdict": verdict.value, "word": verdict.value.capitalize(), "count": f"{count:,}"})
    return chips


def _anchor(evaluation: Evaluation, outcome: Outcome, lines: int) -> int:
    """The line of the ruleset to which a rule links; 0 when the page does not show it."""
    line = facts.line(evaluation, outcome)
    return line if 0 < line <= lines else 0


def _lines(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The lines of the ruleset, and the verdicts of the rules that begin on each."""
    text = evaluation.ruleset.source.text
    if not text.strip():
        return []
    marks: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for number, outcome in enumerate(evaluation.outcomes, start=1):
        marks[facts.line(evaluation, outcome)].append({"number": number, "verdict": outcome.verdict.value})
    return [
        {"number": number, "text": words.visible(line.removesuffix("\r"), keep="\t"), "marks": marks.get(number, [])}
        for number, line in enumerate(text.rstrip("\n").split("\n"), start=1)
    ]


def _rule(number: int, outcome: Outcome, line: int, *, open_details: bool) -> dict[str, Any]:
    pending = facts.parts(outcome)
    parts = [_part(part) for part in islice(pending, PARTS_SHOWN)]
    more = sum(1 for _ in pending)
    rows = _rows(outcome)
    return _judged(outcome) | {
        "number": number,
        "line": line,
        "text": _shown(str(outcome.rule)),
        "labels": [{"key": words.visible(key), "value": words.visible(label)} for key, label in outcome.labels.items()],
        "metrics": [
            {"name": words.visible(name), "value": words.number(metric, outcome.expected)}
            for name, metric in outcome.metrics.items()
        ],
        "parts": parts,
        "more_parts": f"{more:,} more parts are in the JSON report" if more else "",
        "rows": rows,
        "details": _details(len(parts) + more, len(outcome.metrics), len(rows["sample"]) if rows else 0),
        "open": open_details and (bool(parts) or rows is not None),
    }


def _details(parts: int, metrics: int, rows: int) -> str:
    """What the details of a rule hold; empty when there are none."""
    found = ((parts, "part"), (metrics, "metric"), (rows, "sample row"))
    return ", ".join(words.count(amount, thing) for amount, thing in found if amount)


def _judged(outcome: Outcome) -> dict[str, Any]:
    return {
        "verdict": outcome.verdict.value,
        "reasons": words.reasons(outcome),
        "notes": [words.visible(note) for note in outcome.notes],
        "evaluated": words.evaluated(outcome),
        "measured": words.measured(outcome),
        "expected": words.expected(outcome),
        "failing": words.failing(outcome.failing),
    }


def _part(part: facts.Part) -> dict[str, Any]:
    return _judged(part.outcome) | {
        "depth": part.depth,
        "indent": min(part.depth, DEEPEST_INDENT),
        "operator": facts.operator(part.outcome),
        "text": words.part(part.outcome),
        "judged": words.judged(part.outcome),
    }


def _rows(outcome: Outcome) -> dict[str, Any] | None:
    """Some failing rows as a table; `named` columns, those of the rule, come first."""
    rows, named = facts.arranged(outcome)
    if not rows or not rows.sample:
        return None
    more = rows.count - len(rows.sample)
    beyond = len(rows.columns) - PRINTED_COLUMNS
    return {
        "columns": [words.visible(column) for column in rows.columns],
        "sample": [[_cell(cell) for cell in row] for row in rows.sample],
        "named": named,
        "more": words.count(more, "more failing row") if more > 0 else "",
        "beyond": f"{words.count(beyond, 'more column')} on the screen" if beyond > 0 else "",
    }


def _cell(cell: Any) -> dict[str, Any]:
    text = words.value(cell)
    return {
        "text": text if len(text) <= CELL_CHARACTERS else text[:CELL_CHARACTERS] + "…",
        "null": cell is None,
        "amount": isinstance(cell, Number) and not isinstance(cell, bool),
    }
