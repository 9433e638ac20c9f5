"""How DuckDB spells the functions that trees name `DQ_…`. One row per function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from dq import casts
from dq.lazy import exp
from dq.tree import condition_counted

if TYPE_CHECKING:
    Tree: TypeAlias = exp.Expr
    Builder: TypeAlias = Callable[..., Tree]


def _named(name: str) -> Builder:
    return lambda *arguments: exp.Anonymous(this=name, expressions=list(arguments))


def _top_keys(n: Tree, *keys: Tree) -> Tree:
    """The three keys with the greatest `n`, as structs; keys whose `n` is NULL do not count."""
    fields = [exp.PropertyEQ(this=exp.to_identifier(f"k{at}"), expression=key) for at, key in enumerate(keys)]
    return exp.Anonymous(this="ARG_MAX", expressions=[exp.Struct(expressions=fields), n, exp.Literal.number(3)])


def _top_values(n: Tree, value: Tree, most: Tree) -> Tree:
    """The values with the greatest `n` as structs of `v` and `n`, ties by value; a NULL `n` does not count."""
    named = {"v": value, "n": n}
    fields = [exp.PropertyEQ(this=exp.to_identifier(key), expression=each.copy()) for key, each in named.items()]
    place = exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier("n"), expression=exp.Neg(this=n.copy())),
            exp.PropertyEQ(this=exp.to_identifier("v"), expression=value.copy()),
        ]
    )
    top = exp.Anonymous(this="ARG_MIN", expressions=[exp.Struct(expressions=fields), place, most])
    return exp.Filter(this=top, expression=exp.Where(this=exp.Not(this=exp.Is(this=n.copy(), expression=exp.Null()))))


def _cast(*arguments: Tree) -> Tree:
    return casts.spelled(*casts.parts_of(arguments))


DUCKDB: dict[str, Builder] = {
    casts.CAST: _cast,
    "DQ_LENGTH": _named("LENGTH"),
    "DQ_BYTES": _named("STRLEN"),
    "DQ_IS_FINITE": _named("ISFINITE"),
    "DQ_FULL_MATCH": _named("REGEXP_FULL_MATCH"),
    "DQ_FIND": _named("REGEXP_MATCHES"),
    "DQ_EPOCH": lambda value: exp.Floor(this=exp.Anonymous(this="EPOCH", expressions=[value])),
    "DQ_HISTOGRAM": _named("HISTOGRAM"),
    "DQ_SIGN_BIT": _named("SIGNBIT"),
    "DQ_TOP_KEYS": _top_keys,
    "DQ_STOP": _named("ERROR"),
    "DQ_TOP_VALUES": _top_values,
    "DQ_TRIM_BLANKS": lambda value: exp.Anonymous(this="TRIM", expressions=[value, exp.Literal.string(" ")]),
}


def _count_if(node: Tree) -> Tree:
    """`COUNT(CASE WHEN c THEN 1 END)` as DuckDB counts fastest: half the time, and NULL on no rows becomes 0."""
    counted = node.this if isinstance(node, exp.Count) else None
    condition = condition_counted(counted) if isinstance(counted, exp.Case) else None
    if condition is None:
        return node
    return exp.Coalesce(
        this=exp.Anonymous(this="COUNT_IF", expressions=[condition.copy()]), expressions=[exp.Literal.number("0")]
    )


def lower(tree: Tree, functions: dict[str, Builder]) -> Tree:
    """The tree with every `DQ_…` call spelled as an engine spells it, and counts of conditions as `COUNT_IF`."""
    # Two walks: what takes a node's place is not walked again.
    return spelled(tree, functions).transform(_count_if)


def spelled(tree: Tree, functions: Mapping[str, Builder]) -> Tree:
    """The tree with the calls of these functions spelled."""

    def spell(node: Tree) -> Tree:
        if isinstance(node, exp.Anonymous) and isinstance(node.this, str) and node.this in functions:
            return functions[node.this](*(spelled(argument, functions) for argument in node.expressions))
        return node

    return tree.transform(spell)


CASTS: Mapping[str, Builder] = {casts.CAST: _cast}
"""Casts alone."""
