"""`dq rules`: the rule types, as their declarations tell them."""

from __future__ import annotations

import inspect
import json
from difflib import get_close_matches
from typing import Any

import click

from dq.diagnostics import DqError
from dq.dynamics import DYNAMIC
from dq.rules import RULE_TYPES, SIGNATURES, Signature
from dq.rules.base import BoundRule, Slot
from dq.rules.unjudged import AnalyzerOnly
from dq.syntax import Kind

CONDITIONS = {
    Kind.NUMBER: "> 0.9",
    Kind.TEXT: 'in ["a", "b"]',
    Kind.DATE: '> "2024-01-31"',
    Kind.DURATION: "<= 24 hours",
    Kind.SIZE: "< 10 MB",
}
"""One condition of each kind, to show what it looks like."""


@click.command("rules")
@click.argument("name", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(name: str | None, form: str) -> None:
    """List the rule types, or tell all about the one that is named.

    \b
    dq rules
    dq rules ColumnValues
    dq rules --format json

    Exit codes: 0 done, 2 no rule type has this name.
    """  # noqa: D301 - click reads the backspace
    if name is None:
        signatures = list(SIGNATURES.values())
        text = _table(signatures) if form == "text" else _json([describe(each) for each in signatures])
    else:
        signature = find(name)
        text = _page(signature) if form == "text" else _json(describe(signature))
    click.echo(text, nl=False)


def find(name: str) -> Signature:
    """The signature of a rule type.

    Raises:
        DqError: no rule type has this name; names the nearest.
    """
    if name in SIGNATURES:
        return SIGNATURES[name]
    lowered = {each.lower(): each for each in SIGNATURES}
    near = [lowered[each] for each in get_close_matches(name.lower(), lowered)]
    hint = f"did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else "`dq rules` lists them all"
    raise DqError(f"no rule type is named `{name}`", help=hint)


def describe(signature: Signature) -> dict[str, Any]:
    """All that is declared of a rule type, as plain data."""
    return {
        "name": signature.name,
        "form": form(signature),
        "summary": signature.summary,
        "documentation": inspect.getdoc(RULE_TYPES[signature.name]) or "",
        "parameters": [
            {"name": slot.name, "kind": slot.kind.value, "least": slot.least, "most": slot.most}
            for slot in signature.slots
        ],
        "conditions": [kind.value for kind in Kind if kind in signature.kinds],
        "condition_required": signature.condition_required,
        "unconditional_with": signature.unconditional_with,
        "where": signature.where,
        "threshold": signature.threshold,
        "tags": {name: value.value for name, value in signature.tags.items()},
        "rule": signature.rule,
        "analyzer": signature.analyzer,
        "functions": signature.name in DYNAMIC,
        "measured": is_measured(signature),
        "glue": signature.published,
        "glue_threshold": signature.threshold and signature.portable_threshold,
    }


def is_measured(signature: Signature) -> bool:
    """Whether this version can measure the type; otherwise the outcome of a rule is ERROR."""
    return issubclass(RULE_TYPES[signature.name], BoundRule | AnalyzerOnly)


def form(signature: Signature) -> str:
    """How the rule type is written, what may be left out in square brackets: `Completeness <column> <number>`."""
    parts = [signature.name, *(_slot(slot) for slot in signature.slots)]
    if signature.kinds:
        kinds = "|".join(kind.value for kind in Kind if kind in signature.kinds)
        parts.append(f"<{kinds}>" if signature.condition_required else f"[<{kinds}>]")
    if signature.where:
        parts.append("[where]")
    if signature.threshold:
        parts.append("[threshold]")
    return " ".join(parts)


def _slot(slot: Slot) -> str:
    word = f"<{slot.kind.value}>"
    if slot.most is None:
        word += "…"
    elif slot.most > 1:
        return " ".join([word] * slot.least + [f"[{word}]"] * (slot.most - slot.least))
    return word if slot.least else f"[{word}]"


def _origin(signature: Signature) -> str:
    return "Glue" if signature.published else "dq"


def _table(signatures: list[Signature]) -> str:
    rows = [("NAME", "FROM", "WHAT IT IS", "FORM")]
    rows += [(each.name, _origin(each), each.summary, form(each)) for each in signatures]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _page(signature: Signature) -> str:
    lines = [signature.name, "", "    " + form(signature), ""]
    lines += (inspect.getdoc(RULE_TYPES[signature.name]) or "").splitlines()
    lines += ["", *(f"{name + ':':<13}{value}" for name, value in facts(signature))]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def facts(signature: Signature) -> list[tuple[str, str]]:
    """What is declared of a rule type beside its form and its documentation: names and values, for people."""
    facts = [("Parameters", "; ".join(_parameter(slot) for slot in signature.slots) or "none")]
    facts.append(("Condition", _condition(signature)))
    facts.append(("where", "yes" if signature.where else "no"))
    facts.append(("threshold", _threshold(signature)))
    if signature.kinds:
        facts.append(("Functions", _functions(signature)))
    if signature.tags:
        facts.append(("Other tags", "; ".join(f"{name} ({value.value})" for name, value in signature.tags.items())))
    places = [name for name, may in (("Rules", signature.rule), ("Analyzers", signature.analyzer)) if may]
    facts.append(("Stands in", " and ".join(places)))
    glue = "known to AWS Glue" if signature.published else "an extension of dq: AWS Glue refuses it"
    facts.append(("Portable", glue))
    if not is_measured(signature):
        facts.append(("Measured", "not yet: the outcome of such a rule is ERROR" if signature.rule else "not yet"))
    return facts


def _parameter(slot: Slot) -> str:
    if slot.most is None:
        number = f"{slot.least} or more"
    else:
        number = str(slot.least) if slot.least == slot.most else f"{slot.least} to {slot.most}"
    return f"{slot.name}: {slot.kind.value} ({number})"


def _condition(signature: Signature) -> str:
    if not signature.kinds:
        return "none"
    kinds = ", ".join(f"{kind.value} ({CONDITIONS[kind]})" for kind in Kind if kind in signature.kinds)
    need = "required" if signature.condition_required else "optional"
    if signature.unconditional_with is not None:
        need += f", none with {signature.unconditional_with} parameters"
    return f"{kinds}; {need}"


def _threshold(signature: Signature) -> str:
    if not signature.threshold:
        return "no"
    return "yes" if signature.portable_threshold else "yes, but AWS Glue refuses it here"


def _functions(signature: Signature) -> str:
    """Whether the condition or the threshold may ask for history."""
    if signature.name not in DYNAMIC:
        return "no"
    return "yes" if Kind.NUMBER in signature.kinds else "in the threshold"


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
