"""AST + schema → bound rules, or the reason why a rule cannot be measured."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dq.diagnostics import DqError
from dq.rules import RULE_TYPES, SIGNATURES
from dq.rules.base import BoundRule, Context, Parameters, Slot, construct
from dq.schema import Column, Schema, Type
from dq.scope import Scope
from dq.sqltext import parse_where
from dq.syntax import Number, Parameter, Rule, Tag, Text, TextOperand


class BindingError(DqError):
    """A rule that cannot be measured on this data: a missing column, a wrong type, a filter that is no SQL."""

    exit_code = 3


def bind(rule: Rule, schemas: Mapping[str, Schema], now: datetime, *, primary: str = "primary") -> BoundRule:
    """The rule with its words resolved against the tables.

    Args:
        rule: a rule that the language accepted.
        schemas: the columns of every table by its alias.
        now: the instant of evaluation, aware.
        primary: the alias of the table under test.

    Raises:
        DqError: why it cannot be measured, in one line.
    """
    rule_class = RULE_TYPES.get(rule.name)
    if rule_class is None or not issubclass(rule_class, BoundRule):
        raise BindingError(f"{rule.name} is not supported yet: this version does not measure it")
    context = Context(schemas[primary], now, schemas=schemas)
    signature = SIGNATURES[rule.name]
    arguments: dict[str, Any] = {
        "context": context,
        "written": tuple(_column_words(signature.slots, rule.parameters)),
        "tags": {tag.name: _tag_value(tag) for tag in rule.tags if tag.name != "threshold"},
    }
    for slot, words in _distribute(signature.slots, rule.parameters):
        arguments[slot.name] = _resolve(slot, words, context.schema)
    if rule.condition is not None:
        arguments["condition"] = rule.condition
    if rule.threshold is not None:
        arguments["threshold"] = rule.threshold
    if rule.where is not None:
        arguments["where"] = Scope(parse_where(rule.where.value, context.schema, now=now))
    bound: BoundRule = construct(rule.name, **arguments)
    problem = bound.problem()
    if problem:
        raise BindingError(problem)
    return bound


def _distribute(slots: Sequence[Slot], words: Sequence[Parameter]) -> Iterator[tuple[Slot, Sequence[Parameter]]]:
    """Each slot with its words: one, or for the last of varying number all that are left."""
    at = 0
    for slot in slots:
        take = 1 if slot.most == slot.least == 1 else len(words) - at
        yield slot, words[at : at + take]
        at += take


def _column_words(slots: Sequence[Slot], words: Sequence[Parameter]) -> Iterator[str]:
    for slot, taken in _distribute(slots, words):
        if slot.kind is Parameters.COLUMN:
            yield from (word.value for word in taken)


def _resolve(slot: Slot, words: Sequence[Parameter], schema: Schema) -> Any:
    if slot.kind is Parameters.COLUMN_NAME and slot.most is None:
        return tuple(word.value for word in words)
    if slot.kind is not Parameters.COLUMN:
        return words[0].value
    if slot.most == 1:
        return find_column(words[0].value, schema)
    if not words:
        return tuple(_flat(column) for column in schema)
    return tuple(find_column(word.value, schema) for word in words)


def find_column(name: str, schema: Schema) -> Column:
    """The column a rule means: its exact name, else the only one that differs in letter case (REFERENCE B.0.5).

    Raises:
        BindingError: when there is none, when it is unclear which, and for nested columns.
    """
    found = schema.find(name)
    if len(found) == 1:
        return _flat(found[0])
    if found:
        names = ", ".join(f"`{column.name}`" for column in found)
        raise BindingError(f"column `{name}` is ambiguous: {names} differ in letter case only; write the exact name")
    raise BindingError(f"column `{name}` does not exist{_nearest(name, schema)}")


def _nearest(name: str, schema: Schema) -> str:
    near = difflib.get_close_matches(name, schema.names[:2000], n=1)
    if near:
        return f"; did you mean `{near[0]}`?"
    shown = ", ".join(f"`{each}`" for each in schema.names[:8])
    return f"; the table has {shown}{' and others' if len(schema) > 8 else ''}"


def _flat(column: Column) -> Column:
    if column.type is Type.NESTED:
        raise BindingError(
            f"column `{column.name}` is nested ({column.native}); rules read top-level scalar columns only"
        )
    return column


def _tag_value(tag: Tag) -> str:
    operand: TextOperand | Any = tag.condition.operands[0]
    if isinstance(operand, Text):
        return operand.value
    return operand.text if isinstance(operand, Number) else str(operand)
