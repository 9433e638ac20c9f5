"""What a run has generated, so that its blind spots can be seen: `make nightly` ends with these numbers."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from differential.comparing import FORMS
from differential.oracle import (
    NESTED,
    RULES,
    Ago,
    Clock,
    Composite,
    Duration,
    Expected,
    Keyword,
    Rule,
    Sum,
    Table,
    World,
    leaves,
)
from differential.worlds import KINDS, ORDERED

CLASSES = {
    "NULL": lambda value: value is None,
    "empty text": lambda value: value == "",
    "blanks alone": lambda value: isinstance(value, str) and value != "" and not value.strip(),
    "text beyond ASCII": lambda value: isinstance(value, str) and not value.isascii(),
    "NaN": lambda value: isinstance(value, float) and math.isnan(value),
    "infinity": lambda value: isinstance(value, float) and math.isinf(value),
    "-0.0": lambda value: isinstance(value, float) and value == 0 and math.copysign(1, value) < 0,
    "integer beyond 2**53": lambda value: isinstance(value, int) and abs(value) > 2**53,
    "decimal": lambda value: isinstance(value, Decimal),
    "boolean": lambda value: isinstance(value, bool),
    "day": lambda value: type(value) is dt.date,
    "instant": lambda value: isinstance(value, dt.datetime) and value.tzinfo is None,
    "instant with a zone": lambda value: isinstance(value, dt.datetime) and value.tzinfo is not None,
    "time of day": lambda value: isinstance(value, dt.time),
    "bytes": lambda value: isinstance(value, bytes),
    "list": lambda value: isinstance(value, list),
    "struct": lambda value: isinstance(value, dict),
}
SHAPES = {
    "no rows": lambda table: not table.rows,
    "one row": lambda table: len(table.rows) == 1,
    "beyond one vector": lambda table: len(table.rows) > 2048,
    "column of NULLs": lambda table: any(holds_nothing(table, name) for name in table.kinds),
    "equal rows": lambda table: len({repr(row) for row in table.rows}) < len(table.rows),
    "nested column": lambda table: bool(NESTED & set(table.kinds.values())),
}
OPERANDS = {
    "number": lambda each: isinstance(each, Decimal) and not isinstance(each, Sum),
    "arithmetic": lambda each: isinstance(each, Sum),
    "text": lambda each: isinstance(each, str),
    "day": lambda each: isinstance(each, dt.date),
    "now()": lambda each: isinstance(each, Ago),
    "time of day": lambda each: isinstance(each, Clock),
    "duration": lambda each: isinstance(each, Duration),
    **{each.value: lambda operand, each=each: operand is each for each in Keyword},
}
CLAUSES = {
    "where": lambda rule: rule.where is not None,
    "with threshold": lambda rule: rule.threshold is not None,
    "with format": lambda rule: bool(rule.tag),
    "variable": lambda rule: bool(rule.condition and rule.condition.variable),
    "column in other letters": lambda rule: bool(rule.spelling),
}
COMPOSITES = ("and by column", "or by column", "and by row", "or by row", "nested")
LAWS = "law"
NAMES: Mapping[str, Sequence[str]] = {
    "rule type": [*RULES],
    "operator": [*ORDERED, "matches", "not matches"],
    "operand": [*OPERANDS],
    "clause": [*CLAUSES],
    "kind of column": [*KINDS],
    "value": [*CLASSES],
    "table": [*SHAPES],
    "form": [*FORMS],
    "composite": [*COMPOSITES],
    "verdict": ["PASSED", "FAILED", "ERROR", "one that rounding decides"],
}
"""All that can be generated, by what is counted: rules and, for values and tables, worlds."""


def holds_nothing(table: Table, name: str) -> bool:
    return bool(table.rows) and all(row[name] is None for row in table.rows)


def of_rule(rule: Rule, world: World) -> Iterator[tuple[str, str]]:
    yield "rule type", rule.name
    yield from (("clause", name) for name, has in CLAUSES.items() if has(rule))
    yield from (("kind of column", world.primary.kinds[each]) for each in rule.columns if each in world.primary.kinds)
    for condition in (rule.condition, rule.threshold):
        if condition:
            yield "operator", condition.operator
            yield from {
                ("operand", name) for each in condition.operands for name, is_it in OPERANDS.items() if is_it(each)
            }


def of_composite(rule: Rule | Composite, world: World) -> Iterator[tuple[str, str]]:
    if isinstance(rule, Composite):
        yield "composite", f"{rule.operator} by {'row' if world.by_row else 'column'}"
        if any(isinstance(part, Composite) for part in rule.parts):
            yield "composite", "nested"


def of_world(world: World) -> Iterator[tuple[str, str]]:
    values = [value for row in world.primary.rows[:50] for value in row.values()]
    yield from (("value", name) for name, is_it in CLASSES.items() if any(map(is_it, values)))
    yield from (("table", name) for name, is_it in SHAPES.items() if is_it(world.primary))


def census(
    ruleset: Sequence[Rule | Composite], world: World, wanted: Sequence[Expected] = (), form: str = "arrow"
) -> Counter[str]:
    """How many rulesets and rules one example evaluates, and what stands in them."""
    singles = [leaf for rule in ruleset for leaf in leaves(rule)]
    found: list[tuple[str, Any]] = [("form", form), *of_world(world)]
    for rule in ruleset:
        found += of_composite(rule, world)
    for leaf in singles:
        found += of_rule(leaf, world)
    for each in wanted:
        (only, *more) = each.verdicts
        found.append(("verdict", "one that rounding decides" if more else only))
    return Counter({"rulesets": 1, "rules": len(singles)}) + Counter(f"{what}: {name}" for what, name in found)


def told(made: Mapping[str, int]) -> Iterator[str]:
    """The numbers of a run, a line for each thing that is counted, and what was never made."""
    for what, names in NAMES.items():
        yield f"{what}: " + ", ".join(f"{name} {made.get(f'{what}: {name}', 0):,}" for name in names)
    never = [f"{what} {name}" for what, names in NAMES.items() for name in names if not made.get(f"{what}: {name}")]
    yield f"never: {', '.join(never) or 'nothing of these'}"
