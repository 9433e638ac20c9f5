"""Our portable queries in the SQL of a database, by allow-list.

A query is walked once and built anew. Each node is looked up in the constructs of the dialect, by its class, or by its
name when it is a function; what has no row there is refused with a reason in words, and so is an argument of a node
that its row does not know. Values carry the name that DuckDB gives their type: rows of the list say with them
for which types they hold. So a database answers only what has been spelled for it and proven.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

import duckdb

from dq.databases.here import run
from dq.engines.functions import CASTS, DUCKDB, lower, spelled
from dq.lazy import exp
from dq.schema import Type
from dq.sources.types import type_of
from dq.tree import literal

NULL = "NULL"
"""The type of a bare NULL, which goes with every other."""


class RefusedError(Exception):
    """What a database would not answer with the same meaning; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Value:
    """An expression of the database, and DuckDB's name of the type that it has there and here."""

    node: exp.Expr
    native: str

    @property
    def type(self) -> Type:
        """What it holds."""
        return type_of(self.native)


Builder: TypeAlias = Callable[["Translation", Any], Value]


@dataclass(frozen=True, slots=True)
class Construct:
    """A construct that a database answers with DuckDB's meaning: how it is said there, and what it covers, in words."""

    build: Builder
    about: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a database can say.

    Attributes:
        name: how sqlglot calls its SQL.
        constructs: what it answers, by the class of a node, or by the name of a function.
        casts: casts between kinds of types that mean the same; integers and decimals never become narrower.
        types: the database's name of a type by DuckDB's, for casts; decimals are added.
        reasons: why some constructs that people expect are missing, by the same keys.
        sent: a column of an answer in a form that arrives exactly, such as a decimal as text; it is cast back here.
        longest_name: how many bytes of a name the database keeps.
    """

    name: str
    constructs: Mapping[Any, Construct]
    casts: frozenset[tuple[Type, Type]]
    types: Mapping[str, str]
    reasons: Mapping[Any, str]
    sent: Callable[[Value], exp.Expr]
    longest_name: int = 63


class Relation(Protocol):
    """A table of a database as queries see it: columns that hold what would arrive here, of these types."""

    natives: Mapping[str, str]
    """DuckDB's name of the type of each column."""

    def select(self, columns: Sequence[str], /) -> exp.Select:
        """The rows that are selected, with these columns, in the database's own SQL; one constant without columns."""


@dataclass(frozen=True, slots=True)
class Output:
    """A column of an answer: its name, and DuckDB's name of the type that it is cast to when it has arrived."""

    name: str
    native: str


@dataclass(frozen=True, slots=True)
class Translated:
    """A query in the SQL of a database, and the columns that come back."""

    tree: exp.Select
    outputs: tuple[Output, ...]


@dataclass
class _Source:
    """What a SELECT reads: its columns, and which of them are used."""

    natives: Mapping[str, str]
    used: dict[str, None] = field(default_factory=dict)


def translate(query: exp.Expr, relations: Mapping[str, Relation], dialect: Dialect) -> Translated:
    """A query of ours as one of a database.

    Raises:
        RefusedError: it would not be answered with the same meaning.
    """
    translation = Translation(relations, dialect)
    select, values = translation.query(spelled(query, CASTS))  # a copy: what is built of its nodes takes them from it
    for each, value in zip(select.expressions, values.values(), strict=True):
        each.set("this", dialect.sent(Value(each.this, value.native)))
    return Translated(select, tuple(Output(name, value.native) for name, value in values.items()))


class Translation:
    """One walk over a query."""

    def __init__(self, relations: Mapping[str, Relation], dialect: Dialect) -> None:
        self.dialect = dialect
        self.relations = relations
        self.grouped: str = ""
        """The name of the table of groups that the SELECT around reads, when several queries read it."""
        self._scopes: list[tuple[str, _Source]] = []
        self._joins: list[list[exp.Join]] = []
        self._named: dict[str, Mapping[str, str]] = {}

    # -- values -----------------------------------------------------------------------------------------------------

    def value(self, node: exp.Expr) -> Value:
        """An expression; one without a column is computed here."""
        if _is_constant(node):
            node = _computed(node)
        key = key_of(node)
        construct = self.dialect.constructs.get(key)
        if construct is None:
            raise RefusedError(self.dialect.reasons.get(key) or f"{_said(key)} has not been proven there")
        return construct.build(self, node)

    def column(self, node: exp.Column) -> Value:
        """A column of what the SELECTs around it read, the innermost first."""
        for alias, source in reversed(self._scopes):
            if node.name in source.natives and node.table in ("", alias):
                source.used[node.name] = None
                return Value(_column(node.name, alias), source.natives[node.name])
        raise RefusedError(f"`{node.name}` is no column there")

    def cast(self, value: Value, native: str) -> Value:
        """A value in another type.

        Raises:
            RefusedError: the cast has not been proven.
        """
        if value.native == native:
            return value
        if (value.type, type_of(native)) not in self.dialect.casts and value.native != NULL:
            raise RefusedError(f"casts from {value.type.value} to {type_of(native).value}")
        return Value(self.spelled(value.node, native), native)

    def spelled(self, node: exp.Expr, native: str) -> exp.Expr:
        """A cast, whatever it means."""
        name = self.dialect.types.get(native) or (native if native.startswith("DECIMAL(") else "")
        if not name:
            raise RefusedError(f"there is no type {native}")
        return exp.Cast(this=node, to=exp.DataType.build(name, dialect=self.dialect.name, udt=True))

    # -- queries ----------------------------------------------------------------------------------------------------

    def query(self, node: exp.Expr) -> tuple[exp.Select, dict[str, Value]]:
        """A SELECT, and its columns by their names."""
        if not isinstance(node, exp.Select):
            raise RefusedError(f"{_said(type(node))} has not been proven there")
        only(node, "expressions", "from_", "where", "group", "having", "limit", "with_")
        lists = [self._list(each) for each in _members(node.args.get("with_"))]
        alias, source, place, within = self._from(node)
        with self.reading(alias, source):
            names = [each.alias_or_name or f"column{at}" for at, each in enumerate(node.expressions)]
            values = {name: self.value(each) for name, each in zip(names, map(_bare, node.expressions), strict=True)}
            if len(values) < len(names):
                raise RefusedError("two columns of one name")
            select = exp.select(*(exp.alias_(v.node, n, quoted=True) for n, v in values.items()))
            for key in ("where", "having"):
                if node.args.get(key):
                    select.set(key, type(node.args[key])(this=self.value(node.args[key].this).node))
            if node.args.get("group"):
                only(node.args["group"], "expressions")
                keys = [self.value(each).node for each in node.args["group"].expressions]
                select.set("group", exp.Group(expressions=keys))
            joins = self._joins[-1]
        select = select.from_(place(source))
        select.set("joins", joins)
        if node.args.get("limit"):
            only(node.args["limit"], "expression")
            select = select.limit(self.value(node.args["limit"].expression).node)
        for name, made in [*lists, *within]:
            select = select.with_(exp.to_identifier(name, quoted=True), as_=made, materialized=True)
        return select, values

    @contextmanager
    def reading(self, alias: str, source: _Source) -> Iterator[None]:
        """What columns inside mean."""
        self._scopes.append((alias, source))
        self._joins.append([])
        try:
            yield
        finally:
            self._scopes.pop()
            self._joins.pop()

    def join(self, select: exp.Select, on: Callable[[str], exp.Expr]) -> str:
        """Join rows to what the SELECT around reads, each of its rows to one of them at most; gives their alias.

        `on` is the condition by that alias. Equal rows are joined once.
        """
        joins = self._joins[-1]
        for at, each in enumerate(joins):
            if each.this.this == select and each.args["on"] == on(each.this.alias):
                return f"joined{at}"
        alias = f"joined{len(joins)}"
        joins.append(exp.Join(this=_derived(select, alias), on=on(alias), side="LEFT"))
        return alias

    def _list(self, cte: exp.CTE) -> tuple[str, exp.Select]:
        select, values = self.query(cte.this)
        self._named[cte.alias] = {name: value.native for name, value in values.items()}
        return cte.alias, select

    def _from(
        self, node: exp.Select
    ) -> tuple[str, _Source, Callable[[_Source], exp.Expr], list[tuple[str, exp.Select]]]:
        """The alias of what a SELECT reads, its columns, how it stands behind FROM, and what is made before."""
        read = node.args["from_"].this if node.args.get("from_") else None
        if isinstance(read, exp.Subquery):
            only(read, "this", "alias")
            select, values = self.query(read.this)
            source = _Source({name: value.native for name, value in values.items()})
            if any(key_of(each) in GATHERED for each in node.find_all(exp.Anonymous)):
                self.grouped = read.alias
                return read.alias, source, lambda _: _table(read.alias), [(read.alias, select)]
            return read.alias, source, lambda _: _derived(select, read.alias), []
        if not isinstance(read, exp.Table) or not isinstance(read.this, exp.Identifier):
            raise RefusedError("a query that reads no table")
        only(read, "this", "alias")
        name, alias = read.name, read.alias or read.name
        if len(alias.encode()) > self.dialect.longest_name:
            raise RefusedError(f"the name `{alias}` is too long")
        if name in self._named:
            return alias, _Source(self._named[name]), lambda _: exp.alias_(_table(name), alias, table=True), []
        relation = self.relations[name]
        return alias, _Source(relation.natives), lambda used: _derived(relation.select(tuple(used.used)), alias), []


_WRITTEN = (exp.Literal, exp.Boolean, exp.Null, exp.Cast, exp.Neg, exp.Paren)
_OF_ROWS = (exp.Column, exp.Query, exp.AggFunc, exp.Star)
OF_VALUES = frozenset(
    (
        "coalesce", "contains", "epoch", "isfinite", "length", "lower", "lpad", "make_timestamp",
        "nullif", "regexp_extract", "regexp_matches", "regexp_replace", "replace", "round",
        "strlen", "substring", "timezone", "trim", "trunc",
    )
)  # fmt: skip
"""Functions of single values, of which casts of texts are made; nothing of this name is an aggregate."""


def _is_constant(node: exp.Expr) -> bool:
    """Whether an expression is the same for every row, and not written as its value."""
    calls = node.find_all(exp.Anonymous)
    return not (isinstance(node, _WRITTEN) or node.find(*_OF_ROWS)) and all(key_of(each) in OF_VALUES for each in calls)


def _computed(node: exp.Expr) -> exp.Expr:
    """The value of a constant expression, as it is written."""
    try:
        _, ((value,),) = run(f"SELECT {lower(node, DUCKDB).sql(dialect='duckdb')}", {})
    except duckdb.Error as error:
        raise RefusedError("an expression without a column that fails") from error
    if value is None:
        return exp.Null()
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RefusedError(f"the number {value}")
        return exp.cast(literal(value), "DOUBLE")
    if not isinstance(value, str | bool | int | Decimal | date):
        raise RefusedError(f"a constant {type(value).__name__}")
    return literal(value)


GATHERED = frozenset({"DQ_HISTOGRAM", "DQ_TOP_KEYS", "DQ_TOP_VALUES"})
"""Functions over the table of groups that give more than one value: they read it in queries of their own."""


def key_of(node: exp.Expr) -> Any:
    """By what a node is looked up in the list of constructs."""
    return str(node.this) if isinstance(node, exp.Anonymous) else type(node)


def only(node: exp.Expr, *allowed: str) -> None:
    """Refuse what else is said of a node.

    Raises:
        RefusedError: it has an argument that is not among those.
    """
    for key, value in node.args.items():
        if key not in allowed and value not in (None, False, []):
            raise RefusedError(f"{_said(type(node))} with {key.rstrip('_')} has not been proven there")


def _said(key: Any) -> str:
    return f"the function {key}" if isinstance(key, str) else f"the construct {key.__name__}"


def _bare(node: exp.Expr) -> exp.Expr:
    found: exp.Expr = node.this if isinstance(node, exp.Alias) else node
    return found


def _members(node: exp.With | None) -> list[exp.CTE]:
    if node is None:
        return []
    only(node, "expressions")
    return list(node.expressions)


def _column(name: str, table: str) -> exp.Column:
    return exp.column(name, table=table, quoted=True)


def _table(name: str) -> exp.Table:
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def _derived(select: exp.Select, alias: str) -> exp.Subquery:
    return exp.Subquery(this=select, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
