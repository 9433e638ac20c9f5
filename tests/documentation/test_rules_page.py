"""docs/rules.md is what the declarations of the rule types say, and the metrics are those their examples report."""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from rule_examples import DATA, EXAMPLES, examples_of, make_files

import dq
from dq.cli.rules import facts, form, is_measured
from dq.dynamics import DYNAMIC
from dq.rules import RULE_TYPES, SIGNATURES, Signature
from dq.rules.base import BoundRule
from dq.syntax import Rule, Where

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"

HEAD = """# Rule types

Written from the declarations of the rule types by `tests/documentation/test_rules_page.py` with `--update-golden`; do
not edit. The same is told by `dq rules`, one rule type by `dq rules Completeness`.

In the form of a rule, `<…>` is a parameter or a condition, `[…]` may be left out, and `…` may be repeated. What
conditions, `where`, `threshold` and labels mean is told in [language.md](language.md), what SQL may say in
[sql.md](sql.md).

| column | means |
|---|---|
| measured | this version measures it; a rule that it cannot measure has the outcome ERROR |
| Glue | AWS Glue knows the rule type; the others are extensions of dq, and Glue refuses a ruleset that holds them |
| where, threshold | the clause is accepted |
| analyzer | it may stand in `Analyzers`, where it gathers [statistics](history.md#analyzers) |
| functions | its condition or threshold may ask for the [history](history.md) of its metric |
| rows | the rows that make it fail are counted and shown |

Beside each example stand the metrics that it reports, and what becomes of it without rows: in an empty table, and when
its `where` keeps none. "Judged" means that there is a value even then, such as a row count of 0. A rule that passes
without rows says so in its reason; `dq evaluate --fail-empty-scope` makes it fail.
"""


def page() -> str:
    lines = [
        *HEAD.splitlines(),
        "",
        "| rule type | measured | Glue | where | threshold | analyzer | functions | rows |",
    ]
    lines += ["|---|---|---|---|---|---|---|---|", *map(row, SIGNATURES.values())]
    measured = examples()
    for module, names in groupby(SIGNATURES, key=lambda name: RULE_TYPES[name].__module__):
        title, _, more = (inspect.getdoc(sys.modules[module]) or "").partition(".")
        lines += ["", f"## {title}", *(["", more.strip()] if more.strip() else [])]
        for name in names:
            lines += section(SIGNATURES[name], measured)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def examples() -> dict[str, str]:
    """A line of a table for each example: what it reports, and what becomes of it without rows."""
    ruleset = dq.parse(f"Rules = [ {', '.join(example for _, example in EXAMPLES)} ]")
    nothing = {alias: table.slice(0, 0) for alias, table in DATA.items()}
    filtered = [
        replace(rule, where=Where("1 = 0", "1 = 0")) if SIGNATURES[rule.name].where else rule
        for rule in ruleset.rules
        if isinstance(rule, Rule)
    ]
    full, empty = dq.evaluate(ruleset, DATA), dq.evaluate(ruleset, nothing)
    without = dq.evaluate(replace(ruleset, rules=tuple(filtered)), DATA)
    return {
        example: f"| `{cell(example)}` | {names(ours)} | {fate(bare)} | {fate(none) if SIGNATURES[name].where else ''} |"
        for (name, example), ours, bare, none in zip(
            EXAMPLES, full.outcomes, empty.outcomes, without.outcomes, strict=True
        )
    }


def names(outcome: dq.Outcome) -> str:
    return "<br>".join(f"`{name}`" for name in outcome.metrics)


def fate(outcome: dq.Outcome) -> str:
    if outcome.verdict is dq.Verdict.ERROR:
        return "error"
    return outcome.verdict.value.lower() if outcome.reason.startswith("no rows") else "judged"


def row(signature: Signature) -> str:
    says = [
        is_measured(signature),
        signature.published,
        signature.where,
        signature.threshold,
        signature.analyzer,
        signature.name in DYNAMIC,
        tells_rows(signature),
    ]
    return f"| [{signature.name}](#{signature.name.lower()}) | {' | '.join('yes' if each else '' for each in says)} |"


def tells_rows(signature: Signature) -> bool:
    rule_type = RULE_TYPES[signature.name]
    return issubclass(rule_type, BoundRule) and rule_type.failing_rows is not BoundRule.failing_rows


def section(signature: Signature, measured: dict[str, str]) -> list[str]:
    documentation = (inspect.getdoc(RULE_TYPES[signature.name]) or "").partition("Example:")[0].strip()
    lines = ["", f"### {signature.name}", "", f"    {form(signature)}", "", documentation, "", "| | |", "|---|---|"]
    lines += [f"| {name} | {cell(value)} |" for name, value in facts(signature)]
    if examples_of(signature.name):
        lines += ["", "| example | reports | empty table | `where` keeps none |", "|---|---|---|---|"]
        lines += [measured[each] for each in examples_of(signature.name)]
    return lines


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def test_the_page_is_what_the_rule_types_say(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    text = page()
    if request.config.getoption("--update-golden"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "run pytest --update-golden and read the diff"
