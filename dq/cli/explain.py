"""`dq explain`: the plan before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import click

from dq.cli.evaluate import chosen_engine, data_options, read_options, sort_words
from dq.cli.headings import Command, option
from dq.cli.tables import Wanted, resolve
from dq.gx.suites import Suite
from dq.render.words import visible
from dq.syntax import Analyzer

if TYPE_CHECKING:
    from dq.explanation import Explanation, Step
    from dq.syntax import Rule

FORMATS = ("text", "json")
PLAN = "Plan"


@click.command(short_help="Show how a ruleset would be measured, without measuring.", cls=Command)
@data_options
@option("--sql", "with_sql", is_flag=True, heading=PLAN, help="Show the SQL of every scan; JSON always holds it.")
@option(
    "--physical",
    is_flag=True,
    heading=PLAN,
    help="Show the physical plan of every scan, as EXPLAIN of DuckDB or of Spark gives it.",
)
@option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    heading=PLAN,
    help="The format on standard output.",
)
def command(
    words: Sequence[str],
    data: Sequence[str],
    rule: Sequence[str],
    with_sql: bool,
    physical: bool,
    form: str,
    **reading: Any,
) -> int:
    """Show which rules share which scan, and the columns and SQL of each, without running them.

    RULESET and DATA are as for `dq evaluate`. Of the data only what tells columns and types is read: the footer
    of a Parquet file, the first rows of a CSV file.

    \b
    dq explain orders.dqdl orders.parquet
    dq explain orders.dqdl orders.parquet --sql
    dq explain orders.dqdl orders.parquet --physical
    dq explain --rule 'IsUnique "id"' orders.csv --format json

    \b
    Exit codes: 0 every rule can be measured
                2 the ruleset or the command is wrong
                3 a rule cannot be measured, or data cannot be read
    """  # noqa: D301 - click reads the backspace
    from dq.explanation import explain

    wanted = Wanted.of(reading)
    ruleset, named = sort_words(words, data, rule)
    if isinstance(ruleset, Suite):
        from dq.gx.importing import from_suite

        ruleset = from_suite(ruleset).ruleset
    ruleset, tables = resolve(ruleset, named, wanted)
    read = read_options(reading, tables)
    plan = explain(ruleset, tables, engine=chosen_engine(reading), read=read, physical=physical)
    click.echo(as_json(plan) if form == "json" else as_text(plan, with_sql=with_sql))
    return 3 if plan.problems else 0


def as_text(plan: Explanation, *, with_sql: bool) -> str:
    """The plan for people."""
    lines = []
    for at, step in enumerate(plan.steps, 1):
        lines.append(f"scan {at}  {step.kind}, {_served(step.rules)}")
        lines += [f"    reads {visible(alias)}: {_names(names)}" for alias, names in step.columns.items()]
        lines += [f"    - {visible(str(rule))}" for rule in step.rules]
        lines += [f"    {visible(line)}" for line in _answered(step, plan.engine)]
        if with_sql and step.sql:
            lines += ["", *(f"    {visible(line)}" for line in _pretty(step).split("\n"))]
        if step.physical:
            lines += ["", *(f"    {visible(line)}".rstrip() for line in step.physical.split("\n"))]
        lines.append("")
    if plan.without_scan:
        lines += ["no scan  the schema is enough", *(f"    - {visible(str(rule))}" for rule in plan.without_scan), ""]
    if plan.problems:
        problems = (f"    - {visible(str(rule))}\n      {visible(why)}" for rule, why in plan.problems.items())
        lines += ["cannot be measured", *problems, ""]
    scans = _plural(len(plan.steps), "scan")
    served = {rule for step in plan.steps for rule in step.rules} | set(plan.without_scan)
    return "\n".join([*lines, f"{scans} on {plan.engine} for {_served(served)}"])


def _answered(step: Step, engine: str) -> list[str]:
    """Who answers a scan, where that is not the engine, or why who could does not."""
    by = step.answerer
    if by is None or (by.name == engine and not by.refusal):
        return []
    if by.refusal.startswith(f"{engine}: "):
        return [f"measured by {by.name}, not on {by.refusal}"]
    return [f"fetched, not left to {by.refusal}" if by.refusal else f"answered by {by.name}"]


def _served(served: Collection[Rule | Analyzer]) -> str:
    """How many rules and how many analyzers."""
    analyzers = sum(isinstance(each, Analyzer) for each in served)
    words = [_plural(len(served) - analyzers, "rule")] if len(served) > analyzers or not analyzers else []
    return ", ".join([*words, *([_plural(analyzers, "analyzer")] if analyzers else [])])


def as_json(plan: Explanation) -> str:
    """The plan for programs: `scans`, `without_scan`, `problems`, `engine`."""
    import json

    scans = [
        {
            "kind": step.kind,
            "rules": [str(rule) for rule in step.rules],
            "columns": {alias: list(names) for alias, names in step.columns.items()},
            "sql": step.sql,
            **({"physical": step.physical} if step.physical else {}),
            **_answered_by(step),
        }
        for step in plan.steps
    ]
    problems = [{"rule": str(rule), "reason": reason} for rule, reason in plan.problems.items()]
    document = {
        "engine": plan.engine,
        "scans": scans,
        "without_scan": [str(rule) for rule in plan.without_scan],
        "problems": problems,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _answered_by(step: Step) -> dict[str, str]:
    """Who answers a scan, and why a database that could does not."""
    if step.answerer is None:
        return {}
    return {"answered_by": step.answerer.name, **({"refusal": step.answerer.refusal} if step.answerer.refusal else {})}


def _pretty(step: Step) -> str:
    from dq.lazy import sqlglot

    spelling = step.answerer.spelling if step.answerer else "duckdb"
    return sqlglot.transpile(step.sql, read=spelling, write=spelling, pretty=True)[0]


def _names(names: Sequence[str], most: int = 12) -> str:
    if not names:
        return "no column, only its number of rows"
    shown = ", ".join(map(visible, names[:most]))
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
