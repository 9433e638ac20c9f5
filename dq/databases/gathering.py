"""Frequency tables that a database gathers into one JSON text, for databases that have functions for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dq.databases.constructs import BIGINT, demand, within
from dq.databases.translating import Builder, Translation, Value
from dq.lazy import exp
from dq.schema import Type


def fn(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A function of a database."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def histogram(packed: Callable[[exp.Expr, exp.Expr], exp.Expr]) -> Builder:
    """How often each value occurs, as a JSON object; `packed` makes an object of all rows' names and values."""

    def build(translation: Translation, node: Any) -> Value:
        value = demand(translation.value(node.expressions[0]), Type.INTEGER)
        sizes = (
            exp.select(exp.alias_(value.node, "size"), exp.alias_(exp.Count(this=exp.Star()), "groups"))
            .from_(_groups(translation))
            .where(_present(value.node))
            .group_by(value.node.copy())
        )
        made = exp.select(packed(_column("size"), _column("groups"))).from_(sizes.subquery(_name("sizes")))
        return Value(made.subquery(), f"MAP({BIGINT}, {BIGINT})")

    return build


def top_keys(
    text: Callable[[Value], exp.Expr], gathered: Callable[[exp.Expr], exp.Expr], packing: str = "JSON_OBJECT"
) -> Builder:
    """The three keys with the greatest count, as a JSON list of objects of texts.

    `text` writes a key so that DuckDB reads it as it was; `gathered` makes a list of the JSON of all rows, and the
    function `packing` an object of names and values.
    """

    def build(translation: Translation, node: Any) -> Value:
        count, *keys = map(translation.value, node.expressions)
        named = [(f"k{at}", key) for at, key in enumerate(keys)]
        texts = [part for name, key in named for part in (exp.Literal.string(name), text(key))]
        rows = (
            exp.select(exp.alias_(fn(packing, *texts), "row", quoted=True))
            .from_(_groups(translation))
            .where(_present(count.node))
            .order_by(exp.Ordered(this=count.node, desc=True))
            .limit(3)
        )
        fields = ", ".join(f"{name} {key.native}" for name, key in named)
        made = exp.select(gathered(_column("row"))).from_(rows.subquery(_name("rows")))
        return Value(made.subquery(), f"STRUCT({fields})[]")

    return build


def _name(of: str) -> exp.Identifier:
    return exp.to_identifier(of, quoted=True)


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _groups(translation: Translation) -> exp.Table:
    return exp.Table(this=exp.to_identifier(translation.grouped, quoted=True))


def _present(node: exp.Expr) -> exp.Expr:
    return exp.Is(this=within(node.copy()), expression=exp.Null()).not_()
