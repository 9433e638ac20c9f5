"""Small words for building Spark's SQL. Builders copy what they are given: a node has one parent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dq.lazy import exp
from dq.schema import Type
from dq.sources.types import type_of
from dq.spark import dialect
from dq.spark.types import spark_type


class RefusedError(Exception):
    """What Spark would not answer with the same meaning; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Value:
    """An expression of Spark, and DuckDB's name of the type that it has."""

    node: exp.Expr
    native: str

    @property
    def type(self) -> Type:
        """What it holds."""
        return type_of(self.native)


def fn(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A function of Spark."""
    return exp.Anonymous(this=name, expressions=[each.copy() for each in arguments])


def number(value: int | str) -> exp.Expr:
    """A number as written."""
    spelled = str(value)
    negative = spelled.startswith("-")
    return exp.paren(exp.Neg(this=exp.Literal.number(spelled[1:]))) if negative else exp.Literal.number(spelled)


def text(value: str) -> exp.Expr:
    """A text."""
    return dialect.quoted(value)


def name(of: str, table: str | None = None) -> exp.Column:
    """A column by its name."""
    return exp.column(of, table=table, quoted=True)


def within(node: exp.Expr) -> exp.Expr:
    """In parentheses where an operator beside it could bind tighter."""
    loose = isinstance(node, exp.Binary | exp.Not | exp.In | exp.Neg | exp.Between | exp.Is | exp.Escape)
    return exp.Paren(this=node.copy()) if loose and not isinstance(node, exp.Dot) else node.copy()


def binary(kind: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """An operator between two values, in parentheses."""
    return exp.Paren(this=kind(this=within(left), expression=within(right)))


def plus(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """A sum."""
    return binary(exp.Add, left, right)


def minus(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """A difference."""
    return binary(exp.Sub, left, right)


def times(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """A product."""
    return binary(exp.Mul, left, right)


def over(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """A quotient; the divisor must not be 0."""
    return binary(exp.Div, left, right)


def case(*branches: tuple[exp.Expr, exp.Expr], default: exp.Expr | None = None) -> exp.Case:
    """The value behind the first condition that is true."""
    ifs = [exp.If(this=condition.copy(), true=value.copy()) for condition, value in branches]
    return exp.Case(ifs=ifs, default=default.copy() if default is not None else None)


def is_null(node: exp.Expr) -> exp.Expr:
    """Whether a value is missing."""
    return exp.Is(this=within(node), expression=exp.Null())


def is_present(node: exp.Expr) -> exp.Expr:
    """Whether there is a value."""
    return exp.Not(this=exp.Paren(this=is_null(node)))


def negated(node: exp.Expr) -> exp.Expr:
    """`NOT`."""
    return exp.Not(this=exp.Paren(this=node.copy()))


def every(*conditions: exp.Expr) -> exp.Expr:
    """All conditions."""
    return exp.and_(*(each.copy() for each in conditions))


def cast(node: exp.Expr, native: str, *, safe: bool = False) -> exp.Expr:
    """A cast by DuckDB's name of the type, whatever it means; a safe one is NULL where it fails.

    Raises:
        RefusedError: Spark has no such type.
    """
    kind = spark_type(native)
    if not kind:
        raise RefusedError(f"Spark has no type {native}")
    return dialect.cast(node.copy(), kind, safe=safe)


def double(value: int | str) -> exp.Expr:
    """A double as written."""
    return cast(text(str(value)), "DOUBLE")


def stop(native: str, reason: str) -> exp.Expr:
    """What ends the query when it is reached, as a value of some type."""
    return cast(fn("raise_error", text(reason)), native)


def once(node: exp.Expr, build: Callable[[exp.Expr], exp.Expr], variable: str = "once") -> exp.Expr:
    """What is built of a value that shall stand there once.

    A column or a constant may stand several times. For everything else SQL has no name but the variable of a lambda,
    into which Spark lets no query.
    """
    bare = node.unnest()
    if isinstance(bare, exp.Column | exp.Literal | exp.Var | exp.Null | exp.Boolean) or node.find(exp.Query):
        return build(node)
    each = exp.Lambda(this=build(name(variable)), expressions=[exp.to_identifier(variable, quoted=True)])
    listed = exp.Anonymous(this="transform", expressions=[fn("array", node), each])
    return exp.Anonymous(this="element_at", expressions=[listed, exp.Literal.number(1)])
