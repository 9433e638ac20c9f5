"""Our queries in Spark's SQL, by allow-list.

A query means what it means in DuckDB. It is walked once and built anew, each node by the row that `dq.spark.spelling`
has for its class, or for its name when it is a function; what has no row is refused with a reason. Values carry
DuckDB's name of their type, since Spark takes other decisions than DuckDB where types meet: rows cast by hand, and
in forms that mean the same with and without ANSI mode and in every time zone of a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from dq.lazy import exp
from dq.spark.casting import common_type, converted
from dq.spark.types import NULL, TEXT
from dq.spark.values import RefusedError, Value

Spelling: TypeAlias = Callable[["Translation", Any], Value]
"""How a construct is said in Spark."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table: the name of its view, and its columns by their names, as the view has them and with their types."""

    view: str
    columns: Mapping[str, Value]

    @property
    def is_plain(self) -> bool:
        """Whether the view has the columns as they stand."""
        return all(isinstance(each.node, exp.Column) and each.node.name == name for name, each in self.columns.items())


Columns: TypeAlias = dict[str, str]
"""DuckDB's names of the types of columns, by their names."""


@dataclass
class Source:
    """What a SELECT reads under an alias: columns by their names."""

    alias: str
    columns: Mapping[str, Value]


@dataclass
class _Level:
    """What names mean at a place: tables in sight, and the variables of lambdas."""

    sources: list[Source]
    variables: dict[str, str] = field(default_factory=dict)
    named: dict[str, Value] = field(default_factory=dict)
    items: dict[str, exp.Expr] = field(default_factory=dict)
    read: exp.Expr | None = None
    joins: list[exp.Join] = field(default_factory=list)
    merged: frozenset[str] = frozenset()


GATHERED = frozenset({"DQ_HISTOGRAM", "DQ_TOP_VALUES"})
"""Functions over the table of groups that give more than one value: they read it in queries of their own."""


def translate(query: exp.Expr, relations: Mapping[str, Relation], spellings: Mapping[Any, Spelling]) -> exp.Expr:
    """A query of ours in Spark's SQL; `spellings` say how constructs are said, by `key_of` them.

    Raises:
        RefusedError: it would not be answered with the same meaning.
    """
    tree, _ = Translation(relations, spellings).query(query)
    return tree


class Translation:
    """One walk over a query."""

    def __init__(self, relations: Mapping[str, Relation], spellings: Mapping[Any, Spelling]) -> None:
        self.relations = relations
        self.spellings = spellings
        self.grouped = ""
        """The name of the table of groups that the SELECT around reads, when several queries read it."""
        self._levels: list[_Level] = []
        self._named: dict[str, Columns] = {}
        self._counted = 0

    # -- values -----------------------------------------------------------------------------------------------------

    def value(self, node: exp.Expr) -> Value:
        """An expression."""
        key = key_of(node)
        spelling = self.spellings.get(key)
        if spelling is None:
            raise RefusedError(f"{_said(key)} is not spelled for Spark yet")
        return spelling(self, node)

    def column(self, node: exp.Column) -> Value:
        """A column of what the SELECTs around it read, the innermost first; or a variable, or a name of a result."""
        name, table = node.name, node.table
        for level in reversed(self._levels):
            if not table and name in level.variables:
                return Value(exp.column(name, quoted=True), level.variables[name])
            for source in level.sources:
                if table in ("", source.alias) and name in source.columns:
                    held = source.columns[name]
                    if name.casefold() in level.merged and not table:
                        return Value(exp.column(name, quoted=True), held.native)
                    return Value(held.node.copy(), held.native)
            if not table and name in level.named:
                return level.named[name]
        raise RefusedError(f"`{name}` is no column there")

    def fresh(self, name: str) -> str:
        """A name that nothing else has."""
        self._counted += 1
        return f"{name}_{self._counted}"

    @contextmanager
    def binding(self, variables: dict[str, str]) -> Iterator[None]:
        """Inside, the variables of a lambda are in sight, each with its type."""
        self._levels.append(_Level([], variables))
        try:
            yield
        finally:
            self._levels.pop()

    def read(self) -> exp.Expr:
        """What the SELECT around reads, to be read once more by a query in it."""
        if self.grouped:
            return exp.Table(this=_name(self.grouped))
        return next(each.read.copy() for each in reversed(self._levels) if each.read is not None)

    def join(self, select: exp.Expr, on: Callable[[str], exp.Expr]) -> str:
        """Join rows to what the SELECT around reads, each of its rows to one of them at most; gives their alias.

        Equal rows are joined once.
        """
        level = next(each for each in reversed(self._levels) if each.sources)
        for each in level.joins:
            if each.this.this == select and each.args["on"] == on(each.this.alias):
                return str(each.this.alias)
        alias = self.fresh("joined")
        level.joins.append(exp.Join(this=derived(select, alias), on=on(alias), side="LEFT"))
        return alias

    # -- queries ----------------------------------------------------------------------------------------------------

    def query(self, node: exp.Expr) -> tuple[exp.Expr, Columns]:
        """A query, and its columns with their types."""
        with_ = node.args.get("with_")
        lists = [self._list(each) for each in (with_.expressions if with_ is not None else [])]
        if isinstance(node, exp.Subquery):
            built, columns = self.query(node.this)
        elif isinstance(node, exp.Select):
            built, columns = self._select(node)
        elif isinstance(node, exp.Union | exp.Intersect | exp.Except):
            built, columns = self._combined(node)
        else:
            raise RefusedError(f"{_said(type(node))} is not spelled for Spark yet")
        for name, made in lists:
            built = with_list(built, name, made)
        return built, columns

    def _list(self, cte: exp.CTE) -> tuple[str, exp.Expr]:
        made, columns = self.query(cte.this)
        made, columns = _renamed(made, columns, cte.args["alias"])
        self._named[cte.alias] = columns
        return cte.alias, made

    def _combined(self, node: exp.Expr) -> tuple[exp.Expr, Columns]:
        left, columns = self.query(node.this)
        right, others = self.query(node.expression)
        natives = [_united(one, two) for one, two in zip(columns.values(), others.values(), strict=True)]
        sides = [_cast_columns(side, given, natives) for side, given in ((left, columns), (right, others))]
        built = type(node)(
            this=exp.Subquery(this=sides[0]), expression=exp.Subquery(this=sides[1]), distinct=node.args.get("distinct")
        )
        columns = dict(zip(columns, natives, strict=True))
        level = _Level([], named={name: Value(exp.column(name, quoted=True), n) for name, n in columns.items()})
        self._levels.append(level)
        self._tail(node, built)
        self._levels.pop()
        return built, columns

    def _select(self, node: exp.Select) -> tuple[exp.Select, Columns]:
        level = _Level([])
        self._levels.append(level)
        grouped = self.grouped
        try:
            select = exp.Select()
            within: list[tuple[str, exp.Expr]] = []
            if node.args.get("from_"):
                gathers = any(key_of(each) in GATHERED for each in node.find_all(exp.Anonymous))
                read, source, within = self._from(node.args["from_"].this, gathers)
                select.set("from_", exp.From(this=read))
                level.read = read
                level.sources.append(source)
            joins = [self._join(each, level) for each in node.args.get("joins") or []]
            columns: Columns = {}
            for place, each in enumerate(node.expressions):
                for name, value in self._items(each, place):
                    while name in columns:
                        name += "_"
                    columns[name] = value.native
                    select.append("expressions", exp.alias_(value.node, name, quoted=True, copy=False))
                    level.items[name] = value.node
                    level.named.setdefault(name, Value(exp.column(name, quoted=True), value.native))
            for key in ("where", "having"):
                if node.args.get(key):
                    select.set(key, type(node.args[key])(this=self.value(node.args[key].this).node))
            qualified = self.value(node.args["qualify"].this).node if node.args.get("qualify") else None
            if node.args.get("group"):
                keys = [self.value(each).node for each in node.args["group"].expressions]
                if node.args["group"].args.get("all"):
                    select.set("group", exp.Group(all=True))
                else:
                    select.set("group", exp.Group(expressions=keys))
            if node.args.get("distinct"):
                select.set("distinct", exp.Distinct())
            if qualified is None:
                self._tail(node, select)
            select.set("joins", [*joins, *level.joins])
            if qualified is not None:
                select = self._qualified(node, select, columns, qualified)
        finally:
            self._levels.pop()
            self.grouped = grouped
        for name, made in within:
            select = with_list(select, name, made)  # type: ignore[assignment]
        return select, columns

    def _qualified(self, node: exp.Select, select: exp.Select, columns: Columns, condition: exp.Expr) -> exp.Select:
        """QUALIFY, which Spark does not have."""
        if node.args.get("distinct"):
            raise RefusedError("QUALIFY of different rows")
        select.append("expressions", exp.alias_(condition, "qualified", quoted=True, copy=False))
        outer = exp.select(*(exp.column(each, quoted=True) for each in columns)).from_(derived(select, "windows"))
        outer = outer.where(exp.column("qualified", quoted=True))
        self._tail(node, outer)
        return outer

    def _items(self, node: exp.Expr, place: int) -> Iterator[tuple[str, Value]]:
        """The result columns of an item of a SELECT list: several for a star."""
        level = self._levels[-1]
        star = node if isinstance(node, exp.Star) else node.this if isinstance(node, exp.Column) else None
        if isinstance(star, exp.Star):
            table = node.table if isinstance(node, exp.Column) else ""
            seen: set[str] = set()
            for source in level.sources:
                if table in ("", source.alias):
                    for name in source.columns:
                        if name.casefold() in level.merged and name.casefold() in seen and not table:
                            continue
                        seen.add(name.casefold())
                        yield (
                            name,
                            self.column(
                                exp.column(
                                    name,
                                    table=source.alias
                                    if not table and name.casefold() not in level.merged
                                    else table or None,
                                )
                            ),
                        )
            return
        yield node.alias_or_name or f"column{place}", self.value(node.this if isinstance(node, exp.Alias) else node)

    def _tail(self, node: exp.Expr, built: exp.Expr) -> None:
        """ORDER BY, LIMIT and OFFSET."""
        if node.args.get("order"):
            built.set("order", self.order(node.args["order"]))
        for key in ("limit", "offset"):
            if node.args.get(key):
                built.set(key, node.args[key].copy())

    def order(self, node: exp.Expr) -> exp.Order:
        """ORDER BY, with the place of the NULLs said."""
        return exp.Order(expressions=[
            exp.Ordered(
                this=self._ordered(each.this),
                desc=bool(each.args.get("desc")),
                nulls_first=bool(each.args.get("nulls_first")),
            )
            for each in node.expressions
        ])  # fmt: skip

    def _ordered(self, node: exp.Expr) -> exp.Expr:
        """What is ordered by: a name of the result before one of a table."""
        level = self._levels[-1]
        if isinstance(node, exp.Column) and not node.table and node.name in level.named:
            return level.named[node.name].node.copy()
        value = self.value(node).node
        # Behind DISTINCT there are the columns of the result only.
        return next((exp.column(name, quoted=True) for name, item in level.items.items() if item == value), value)

    def _join(self, node: exp.Join, level: _Level) -> exp.Join:
        read, source, _ = self._from(node.this, gathers=False)
        using = [each.name for each in node.args.get("using") or []]
        kind = str(node.args.get("kind") or "").upper()
        held = {name.casefold() for each in level.sources for name in each.columns}
        if str(node.args.get("method") or "").upper() == "NATURAL":
            using = [name for name in source.columns if name.casefold() in held]
        built = exp.Join(this=read, side=node.args.get("side"), kind=node.args.get("kind"))
        level.sources.append(source)
        if using:
            built.set("using", [exp.to_identifier(each, quoted=True) for each in using])
            level.merged |= {each.casefold() for each in using}
        if node.args.get("on"):
            built.set("on", self.value(node.args["on"]).node)
        if kind in ("SEMI", "ANTI"):
            level.sources.remove(source)
            built.set("side", "LEFT")
        return built

    def _from(self, read: exp.Expr, gathers: bool) -> tuple[exp.Expr, Source, list[tuple[str, exp.Expr]]]:
        """How a table or a query stands behind FROM, its columns, and what is made before."""
        if isinstance(read, exp.Subquery):
            select, columns = self.query(read.this)
            select, columns = _renamed(select, columns, read.args.get("alias"))
            alias = read.alias or self.fresh("query")
            if gathers:
                self.grouped = alias
                return exp.Table(this=_name(alias)), _source(alias, columns), [(alias, select)]
            return derived(select, alias), _source(alias, columns), []
        if isinstance(read, exp.Values):
            return self._values(read)
        if not isinstance(read, exp.Table) or not isinstance(read.this, exp.Identifier):
            raise RefusedError("a query that reads no table")
        name, alias = read.name, read.alias or read.name
        if name in self._named:
            made: exp.Expr = exp.Select().select("*").from_(exp.Table(this=_name(name)))
            made, columns = _renamed(made, self._named[name], read.args.get("alias"))
            return derived(made, alias), _source(alias, columns), []
        relation = self.relations[name]
        if relation.is_plain and not (read.args.get("alias") and read.args["alias"].args.get("columns")):
            columns = {n: v.native for n, v in relation.columns.items()}
            return (
                exp.alias_(exp.Table(this=_name(relation.view)), alias, table=True, quoted=True),
                _source(alias, columns),
                [],
            )
        every = exp.select(*(exp.alias_(v.node.copy(), n, quoted=True) for n, v in relation.columns.items()))
        made = every.from_(exp.Table(this=_name(relation.view)))
        made, columns = _renamed(made, {n: v.native for n, v in relation.columns.items()}, read.args.get("alias"))
        return derived(made, alias), _source(alias, columns), []

    def _values(self, node: exp.Values) -> tuple[exp.Expr, Source, list[tuple[str, exp.Expr]]]:
        rows = [[self.value(each) for each in row.expressions] for row in node.expressions]
        names = [each.name for each in node.args["alias"].args["columns"]]
        made: exp.Expr | None = None
        for row in rows:
            one = exp.select(*(exp.alias_(v.node, n, quoted=True) for n, v in zip(names, row, strict=True)))
            made = one if made is None else exp.Union(this=made, expression=one, distinct=False)
        assert made is not None
        columns = {name: value.native for name, value in zip(names, rows[0], strict=True)}
        return derived(made, node.alias), _source(node.alias, columns), []


def key_of(node: exp.Expr) -> Any:
    """By what a node is looked up in the list of spellings."""
    return str(node.this) if isinstance(node, exp.Anonymous) else type(node)


def derived(select: exp.Expr, alias: str) -> exp.Subquery:
    """A query behind FROM."""
    return exp.Subquery(this=select, alias=exp.TableAlias(this=_name(alias)))


def with_list(query: exp.Expr, name: str, made: exp.Expr) -> exp.Expr:
    """A query with a named one before it."""
    cte = exp.CTE(this=made, alias=exp.TableAlias(this=_name(name)))
    around = query.args.get("with_")
    query.set("with_", exp.With(expressions=[*(around.expressions if around is not None else []), cte]))
    return query


def _said(key: Any) -> str:
    return f"the function {key}" if isinstance(key, str) else f"the construct {key.__name__}"


def _name(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _source(alias: str, columns: Columns) -> Source:
    return Source(
        alias,
        {name: Value(exp.column(name, table=alias, quoted=True), native) for name, native in columns.items()},
    )


def _renamed(query: exp.Expr, columns: Columns, alias: exp.Expr | None) -> tuple[exp.Expr, Columns]:
    """A query whose first columns have the names that an alias gives them."""
    names = [each.name for each in (alias.args.get("columns") or [])] if alias is not None else []
    if not names:
        return query, columns
    new = [*names, *list(columns)[len(names) :]]
    select = exp.select(*(
        exp.alias_(exp.column(old, quoted=True), name, quoted=True) for old, name in zip(columns, new, strict=True)
    ))  # fmt: skip
    return select.from_(derived(query, "renamed")), dict(zip(new, columns.values(), strict=True))


def _united(one: str, two: str) -> str:
    """The type of a column of a combined query: text wins over all others."""
    if TEXT in (one, two) and {one, two} != {TEXT} and not {one, two} & {NULL}:
        return TEXT
    return common_type([one, two])


def _cast_columns(query: exp.Expr, columns: Columns, natives: Sequence[str]) -> exp.Expr:
    """A query whose columns have these types."""
    if list(columns.values()) == list(natives):
        return query
    select = exp.select(*(
        exp.alias_(converted(Value(exp.column(name, quoted=True), native), wanted).node, name, quoted=True)
        for (name, native), wanted in zip(columns.items(), natives, strict=True)
    ))  # fmt: skip
    return select.from_(derived(query, "side"))
