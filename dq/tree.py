"""Small builders of SQL trees, in forms that mean the same on every engine.

A node of sqlglot has one parent: every builder copies what it is given. Functions that engines spell
differently are written as `DQ_…` calls, which `dq.engines.lowering` replaces for each dialect.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from dq.lazy import exp
from dq.schema import Column

if TYPE_CHECKING:
    Tree: TypeAlias = exp.Expr


def column(of: Column | str, alias: str = "") -> exp.Column:
    """A column by its exact name, quoted; that of one table where `alias` names it."""
    name = of if isinstance(of, str) else of.name
    return exp.column(name, table=alias or None, quoted=True)


def table(name: str) -> exp.Table:
    """A table by its exact name, quoted."""
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def literal(value: str | int | float | Decimal | date | datetime) -> Tree:
    """A value as a literal of its type; text is quoted, never pasted."""
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int) and abs(value) >= 10**38:
        return exp.cast(exp.Literal.string(str(value)), exp.DataType.Type.INT128)
    if isinstance(value, int | float | Decimal):
        return number(str(value))
    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.isoformat(" ")), exp.DataType.Type.TIMESTAMP)
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), exp.DataType.Type.DATE)
    return exp.Literal.string(value)


def number(text: str) -> Tree:
    """A number as written; a negative one in parentheses, so that `- -1` never becomes a comment."""
    return exp.paren(exp.Neg(this=exp.Literal.number(text[1:]))) if text.startswith("-") else exp.Literal.number(text)


def call(name: str, *arguments: Tree) -> exp.Anonymous:
    """A function that each engine spells in its own way."""
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def is_null(value: Tree) -> Tree:
    """`value IS NULL`."""
    return exp.Is(this=value.copy(), expression=exp.Null())


def is_present(value: Tree) -> Tree:
    """`NOT value IS NULL`."""
    return exp.Not(this=is_null(value))


def comply(condition: Tree) -> Tree:
    """Whether the condition is true: false, never NULL, where it is NULL."""
    return exp.Coalesce(this=condition.copy(), expressions=[exp.false()])


def present_any(columns: Sequence[Column | str]) -> Tree:
    """Whether at least one of the columns holds a value."""
    return disjunction(*(is_present(column(each)) for each in columns))


def conjunction(*conditions: Tree | None) -> Tree | None:
    """All of the conditions that are given; None when none is."""
    there = [each.copy() for each in conditions if each is not None]
    return (
        functools.reduce(lambda left, right: exp.And(this=_operand(left), expression=_operand(right)), there)
        if there
        else None
    )


def disjunction(*conditions: Tree) -> Tree:
    """Any of the conditions."""
    return functools.reduce(
        lambda left, right: exp.Or(this=_operand(left), expression=_operand(right)),
        [each.copy() for each in conditions],
    )


def negation(condition: Tree) -> Tree:
    """`NOT (condition)`."""
    return exp.Not(this=_operand(condition.copy()))


def _operand(condition: Tree) -> Tree:
    """In parentheses where an operator beside it could bind tighter."""
    return (
        exp.Paren(this=condition) if isinstance(condition, exp.Binary | exp.Not | exp.Between | exp.In) else condition
    )


def given(condition: Tree | None, value: Tree) -> Tree:
    """The value where the condition is true, NULL elsewhere; the value itself when there is no condition."""
    return value.copy() if condition is None else exp.case().when(condition.copy(), value.copy())


def count_where(*conditions: Tree | None) -> Tree:
    """Count rows where all conditions are true: 0 on no rows, where `COUNT_IF` gives NULL.

    `COUNT(x)` stands for `x IS NOT NULL`: a tenth of the cost, and file statistics can answer it.
    """
    there = [each for each in conditions if each is not None]
    if not there:
        return exp.Count(this=exp.Star())
    *others, last = there
    value = _presence_of(last)
    if value is None:
        return exp.Count(this=given(conjunction(*there), literal(1)))
    return exp.Count(this=given(conjunction(*others), value))


def _presence_of(condition: Tree) -> exp.Column | None:
    if isinstance(condition, exp.Not) and isinstance(condition.this, exp.Is):
        test = condition.this
        if isinstance(test.this, exp.Column) and isinstance(test.expression, exp.Null):
            return test.this
    return None


def condition_counted(value: exp.Case) -> Tree | None:
    """The condition of a `CASE WHEN … THEN 1 END`, which `count_where` counts; None for any other case."""
    if len(value.args["ifs"]) != 1 or value.this or value.args.get("default"):
        return None
    (branch,) = value.args["ifs"]
    condition: Tree = branch.this
    return condition if isinstance(branch.args["true"], exp.Literal) else None
