"""AST + schema → bound rules, or the reason why a rule cannot be measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dq.names import BindingError, find_column, flat
from dq.rules import RULE_TYPES, SIGNATURES
from dq.rules.base import BoundRule, Context, Parameters, Slot, construct
from dq.schema import Schema
from dq.scope import Scope
from dq.sqltext import parse_where
from dq.syntax import Number, Operand, Parameter, Rule, Tag, Text


def bind(rule: Rule, schemas: Mapping[str, Schema], now: datetime, *, primary: str = "primary") -> BoundRule:
    """The rule with its words resolved against the tables.

    Args:
        rule: a rule that the language accepted.
        schemas: the columns of every table by its alias.
        now: the instant of evaluation, aware.
        primary: the alias of the table under test; rules about files do without it.

    Raises:
        DqError: why it cannot be measured, in one line.
    """
    rule_class = RULE_TYPES.get(rule.name)
    if rule_class is None or not issubclass(rule_class, BoundRule):
        raise BindingError(f"{rule.name} is not supported yet: this version does not measure it")
    context = Context(schemas.get(primary, Schema(())), now, schemas=schemas)
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
        if slot.most != 1:
            return tuple(word.value for word in words)
        return words[0].value if words else None
    if slot.most == 1:
        return find_column(words[0].value, schema)
    if not words:
        return tuple(flat(column) for column in schema)
    return tuple(find_column(word.value, schema) for word in words)


def _tag_value(tag: Tag) -> str:
    """The value of a tag as text; that of a list has a comma between its members."""
    return ",".join(_tag_text(operand) for operand in tag.condition.operands)


def _tag_text(operand: Operand) -> str:
    if isinstance(operand, Text):
        return operand.value
    return operand.text if isinstance(operand, Number) else str(operand)
