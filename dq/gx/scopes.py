"""A where clause as GX's condition objects: comparisons of a column with a value, joined by `and`, or by `or`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from dq.gx.reports import Lost
from dq.lazy import exp, sqlglot

if TYPE_CHECKING:
    from dq.tree import Tree


class _Condition(Protocol):
    def __call__(self, *, leaving_out: Sequence[str]) -> dict[str, Any] | None: ...


def scope_of(clause: str) -> tuple[_Condition, frozenset[str]]:
    """A where clause as a condition, and the columns that it asks to hold a value.

    The condition is a function of the columns of which that need not be said, since GX skips their NULLs anyway; it
    gives None when nothing else is said.

    Raises:
        Lost: here or by the function, where GX has no such condition.
    """
    try:
        tree = sqlglot.parse_one(clause, dialect="spark", into=exp.Condition)
    except (sqlglot.errors.SqlglotError, RecursionError):
        raise Lost("the where clause is not read as Spark SQL") from None
    parts = list(_conjuncts(tree))
    present = frozenset(name for each in parts if (name := _present(each)))

    def condition(*, leaving_out: Sequence[str]) -> dict[str, Any] | None:
        out = {each.casefold() for each in leaving_out}
        kept = [each for each in parts if _present(each).casefold() not in out or not _present(each)]
        return _joined("and", [_object(each, within="and") for each in kept]) if kept else None

    return condition, present


def _conjuncts(tree: Tree) -> list[Tree]:
    inner = tree.unnest()
    if isinstance(inner, exp.And):
        return [*_conjuncts(inner.left), *_conjuncts(inner.right)]
    return [inner]


def _disjuncts(tree: Tree) -> list[Tree]:
    inner = tree.unnest()
    if isinstance(inner, exp.Or):
        return [*_disjuncts(inner.left), *_disjuncts(inner.right)]
    return [inner]


def _present(tree: Tree) -> str:
    """The column that must hold a value; empty when the condition says something else."""
    inner = tree.unnest()
    if isinstance(inner, exp.Not):
        asked = inner.this.unnest()
        is_null = isinstance(asked, exp.Is) and isinstance(asked.expression, exp.Null)
        return _name(asked.this) if is_null else ""
    negated = isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Not)
    return _name(inner.this) if negated and isinstance(inner.expression.this, exp.Null) else ""


def _name(tree: Tree) -> str:
    inner = tree.unnest()
    return inner.name if isinstance(inner, exp.Column) and inner.table.casefold() in ("", "primary") else ""


def _joined(kind: str, conditions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Conditions joined; groups of the same kind become one, since GX nests them only so."""
    flat = [inner for each in conditions for inner in (each["conditions"] if each["type"] == kind else [each])]
    if len(flat) == 1:
        return flat[0]
    if kind == "and" and any(each["type"] == "or" for each in flat):
        raise Lost("the where clause has an `or` inside of an `and`, which row_condition cannot hold")
    return {"type": kind, "conditions": flat}


_SIGNS: dict[str, str] = {"EQ": "==", "NEQ": "!=", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _object(tree: Tree, *, within: str) -> dict[str, Any]:
    inner = tree.unnest()
    if name := _present(inner):
        return {"type": "nullity", "column": {"name": name}, "is_null": False}
    if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null) and (name := _name(inner.this)):
        return {"type": "nullity", "column": {"name": name}, "is_null": True}
    if isinstance(inner, exp.And):
        return _joined("and", [_object(each, within="and") for each in _conjuncts(inner)])
    if isinstance(inner, exp.Or):
        return _joined("or", [_object(each, within="or") for each in _disjuncts(inner)])
    negated = isinstance(inner, exp.Not) and isinstance(inner.this.unnest(), exp.In)
    member = inner.this.unnest() if negated else inner
    if isinstance(member, exp.In) and member.expressions and (name := _name(member.this)):
        values = [_value(each) for each in member.expressions]
        return _comparison(name, "NOT_IN" if negated else "IN", values)
    sign = _SIGNS.get(type(inner).__name__)
    if sign is None:
        raise Lost(f"`{inner.sql(dialect='spark')}` in the where clause has no row_condition")
    left, right = inner.this, inner.expression
    if not _name(left):
        left, right, sign = right, left, _MIRRORED.get(sign, sign)
    if not _name(left):
        raise Lost(f"`{inner.sql(dialect='spark')}` in the where clause compares no column with a value")
    return _comparison(_name(left), sign, _value(right))


def _comparison(name: str, operator: str, parameter: Any) -> dict[str, Any]:
    """A comparison; the negative ones say too that there is a value, which GX on pandas would not ask for."""
    column = {"name": name}
    found = {"type": "comparison", "column": column, "operator": operator, "parameter": parameter}
    if operator not in ("!=", "NOT_IN"):
        return found
    return {"type": "and", "conditions": [found, {"type": "nullity", "column": column, "is_null": False}]}


def _value(tree: Tree) -> Any:
    inner = tree.unnest()
    if isinstance(inner, exp.Neg):
        value = _value(inner.this)
        if isinstance(value, int | float):
            return -value
    if isinstance(inner, exp.Boolean):
        return bool(inner.this)
    if isinstance(inner, exp.Literal):
        if inner.is_string:
            return inner.name
        return int(inner.name) if inner.name.isdigit() else float(inner.name)
    if isinstance(inner, exp.Column):
        raise Lost("the where clause compares two columns")
    raise Lost(f"`{inner.sql(dialect='spark')}` in the where clause is no value")
