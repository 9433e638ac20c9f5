"""Keys between sources: of a list that `IN` compares with, only what can matter travels.

Nothing but which values there are counts of such a list. So of a table in a database each row comes once; and if few
keys are compared with many rows, the keys travel the other way, as a condition there or as the list itself. Only keys
do of which the values are equal there when they are equal here: whole numbers, decimals of one type, texts, days.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

from dq.databases.constructs import only_truth_matters
from dq.databases.translating import OF_VALUES, key_of
from dq.engines.functions import DUCKDB, lower
from dq.lazy import exp
from dq.schema import Type
from dq.sources.stored import UnansweredError
from dq.sources.types import type_of
from dq.sql import columns_read
from dq.tree import disjunction, literal, number, table

if TYPE_CHECKING:
    from dq.schema import Schema
    from dq.sources.stored import Database, StoredTable
    from dq.sources.tables import Tables
    from dq.tree import Tree

MOST = 10_000
"""Keys that are sent to a database at most."""

LONGEST = 1 << 20
"""Letters that they have at most, all together."""

ENOUGH = 2 * MOST
"""Rows that make it worth while: of fewer, all may as well come."""

SKIPPED = 4
"""How many times more rows files elsewhere must have than those that are read once more to skip some of them."""

WIDEST = 100 * MOST
"""Rows of a table that are looked through at most to find whether it has few keys."""


# -- lists in a query ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeyList:
    """A list of `IN` that is made of the rows of one table, each by itself: the condition, the query, the table."""

    node: exp.In
    select: exp.Select
    alias: str

    @property
    def left(self) -> list[Tree]:
        """What is compared with it."""
        return list(self.node.this.expressions) if isinstance(self.node.this, exp.Tuple) else [self.node.this]


_SIMPLE = (
    exp.Alias, exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Cast, exp.DataType,
    exp.DataTypeParam, exp.Coalesce, exp.Case, exp.If, exp.Is, exp.Not, exp.Neg, exp.Paren, exp.Binary,
)  # fmt: skip
"""Of what an expression is made that gives one value for each row."""


def lists_in(query: Tree, tables: Collection[str]) -> list[KeyList]:
    """The lists of a query that are made of one of these tables."""
    made = {each.alias: each.this for each in query.ctes} if isinstance(query, exp.Query) else {}
    named = set(tables) - {each.alias for each in query.find_all(exp.CTE)}  # a list of that name hides the table
    found = []
    for node in query.find_all(exp.In):
        held = node.args["query"].this if isinstance(node.args.get("query"), exp.Subquery) else None
        select = made.get(_table_of(held), held)
        if isinstance(select, exp.Select) and (alias := _table_of(select)) in named and _is_simple(select):
            found.append(KeyList(node, select, alias))
    return found


def _table_of(select: Any) -> str:
    """The only table that a query reads, all rows of it; empty if there is none."""
    if not isinstance(select, exp.Select) or {key for key, value in select.args.items() if value} - _PLAIN:
        return ""
    read = select.args["from_"].this if select.args.get("from_") else None
    return read.name if isinstance(read, exp.Table) and not read.alias else ""


_PLAIN = {"expressions", "from_"}


def _is_simple(select: exp.Select) -> bool:
    return all(
        isinstance(each, _SIMPLE) or (isinstance(each, exp.Anonymous) and key_of(each) in OF_VALUES)
        for member in select.expressions
        for each in member.walk()
    )


# -- keys ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """The values of an expression, each once and without NULL, and DuckDB's name of their type."""

    native: str
    values: tuple[Any, ...]

    def among(self, value: Tree) -> Tree:
        """That an expression is one of them; false where there is none."""
        return exp.In(this=value.copy(), expressions=self._written) if self.values else exp.false()

    def between(self, value: Tree) -> Tree:
        """That an expression lies between the first and the last of them; false where there is none."""
        if not self.values:
            return exp.false()
        low, *_, high = self._written
        return exp.Between(this=value.copy(), low=low, high=high)

    @property
    def _written(self) -> list[Tree]:
        return [number(f"{each:f}") if isinstance(each, Decimal) else literal(each) for each in self.values]


def _can_travel(found: Found) -> bool:
    """Whether a database takes the values for the same, and there are not too many."""
    if len(found.values) > MOST or not (found.native == "VARCHAR" or type_of(found.native) in _EXACT):
        return False
    if found.native == "VARCHAR":
        return sum(map(len, found.values)) <= LONGEST
    return not {date.min, date.max} & set(found.values)  # days without end, to Python


_EXACT = (Type.INTEGER, Type.DECIMAL, Type.DATE)


def _are_equal_alike(held: str, keys: str) -> bool:
    """Whether values of two types are equal in a database when they are equal here, beyond doubt."""
    return held == keys or {type_of(held), type_of(keys)} == {Type.INTEGER}


def _as_held(member: Tree, schema: Schema) -> tuple[exp.Column, str] | None:
    """The column whose values a member of a list has as they are, and DuckDB's name of its type; None for all else.

    A cast of whole numbers to whole numbers leaves each as it is, or fails.
    """
    value = member.this if isinstance(member, exp.Alias) else member
    to_whole = isinstance(value, exp.Cast) and value.to.is_type("tinyint", "smallint", "int", "bigint", "int128")
    column = value.this if to_whole else value
    held = schema.find(column.name) if isinstance(column, exp.Column) else ()
    if not isinstance(column, exp.Column) or len(held) != 1:
        return None
    native = held[0].native
    return None if to_whole and type_of(native) is not Type.INTEGER else (column, native)


# -- what is done about them ---------------------------------------------------------------------------


class Keys:
    """What travels between the tables of a run."""

    def __init__(self, tables: Tables, stored: Mapping[str, StoredTable]) -> None:
        self._tables = tables
        self._stored = stored
        self._found: dict[Tree, Found | None] = {}
        self._ends: dict[Tree, Found | None] = {}
        self._counts: dict[tuple[str, int], int] = {}

    def forget(self) -> None:
        """Find keys again, since columns have changed their types."""
        self._found.clear()
        self._ends.clear()

    # -- a list of the rows of a database ---------------------------------------------------------------

    def lists_only(self, query: Tree, alias: str) -> list[KeyList]:
        """The lists of a table in a database, if a query reads it for nothing else; else nothing."""
        if self._stored[alias].source.database is None:
            return []
        found = lists_in(query, {alias})
        read = sum(each.name == alias for each in query.find_all(exp.Table))
        return found if read == len({id(each.select) for each in found}) else []

    def bring(self, alias: str, columns: Sequence[str], lists: Sequence[KeyList]) -> None:
        """Fetch of a table what can be in one of these lists."""
        nodes = frozenset(each.node for each in lists)
        self._stored[alias].bring_listed(columns, nodes, lambda: self._condition(alias, lists))

    def _condition(self, alias: str, lists: Sequence[KeyList]) -> Tree | None:
        """What rows must meet that can be in one of the lists; None where asking for it is not worth while."""
        sources = {each.name for one in lists for each in _source(one).find_all(exp.Table)}
        again = [self._tables.read(name).rows or 0 for name in sources if self._tables.is_served(name)]
        wanted = max([ENOUGH, *again])
        if self._count(alias, wanted) < wanted:
            return None
        conditions = [self._compared(each) for each in lists]
        found = [each for each in conditions if each is not None]
        return disjunction(*found) if len(found) == len(lists) else None

    def _compared(self, each: KeyList) -> Tree | None:
        """That a row has a key that is compared with the list; None if that cannot be said there."""
        for column, native, query in self._asked(each):
            self._tables.bring(query)
            found = self._keys(query)
            if found is not None and _are_equal_alike(native, found.native):
                return found.among(column)
        return None

    def _asked(self, each: KeyList) -> Iterator[tuple[exp.Column, str, exp.Select]]:
        """The columns of a list, the names of their types, and queries of what is compared with them, as `k0`.

        Nothing where rows that are compared with nothing matter, too.
        """
        around = each.node.parent_select
        if around is None or around.args.get("joins") or not only_truth_matters(each.node):
            return
        schema = self._tables.schemas[each.alias]
        for value, member in zip(each.left, each.select.expressions, strict=True):
            held = _as_held(member, schema)
            if held is not None:
                yield *held, exp.select(exp.alias_(value.copy(), "k0")).from_(_source(each).copy())

    # -- a list of the rows of files elsewhere ----------------------------------------------------------

    def narrowed(self, query: Tree) -> Tree:
        """The query in which lists of files on other machines hold no more than the range of what is compared.

        What lies outside of it is then skipped by the statistics of the files.
        """
        served = {alias for alias in self._tables.schemas if self._tables.is_served(alias)}
        conditions: dict[int, list[Tree | None]] = {}
        for each in lists_in(query, served) if served else ():
            conditions.setdefault(id(each.select), []).append(self._range(each))
        ranges = {key: [each for each in found if each is not None] for key, found in conditions.items()}
        kept = {key: found for key, found in ranges.items() if found and len(found) == len(conditions[key])}
        if not kept:
            return query
        made = query.copy()
        for old, new in zip(list(query.walk()), list(made.walk()), strict=True):
            if id(old) in kept:
                new.set("where", exp.Where(this=disjunction(*kept[id(old)])))
        return made

    def _range(self, each: KeyList) -> Tree | None:
        """That a row lies between the least and the greatest key that is compared with it; None if that is unknown."""
        rows = self._tables.read(each.alias).rows or 0
        sources = {table.name for table in _source(each).find_all(exp.Table)}
        read = sum(self._tables.read(name).rows or 0 for name in sources if self._tables.is_served(name))
        if rows < max(ENOUGH, SKIPPED * read):
            return None
        for column, native, query in self._asked(each):
            self._tables.bring(query)
            found = self._extremes(query)
            if found is not None and _are_equal_alike(native, found.native) and _can_travel(found):
                return found.between(column)
        return None

    def _extremes(self, query: exp.Select) -> Found | None:
        """The least and the greatest value of a query of one column over what is here; None for one that fails."""
        if query not in self._ends:
            key = exp.column(query.expressions[0].alias, quoted=True)
            ends = exp.select(exp.Min(this=key), exp.Max(this=key.copy())).from_(query.copy().subquery("keys"))
            self._ends[query.copy()] = self._values(ends)
        return self._ends[query]

    # -- a list that a database is given ----------------------------------------------------------------

    def candidate(self, query: Tree) -> tuple[Database, list[KeyList]] | None:
        """The database that could answer a query if it were given the lists of other tables. Reads nothing."""
        database, lists = self._elsewhere(query)
        if database is None or not lists or not all(len(e.left) == 1 and only_truth_matters(e.node) for e in lists):
            return None
        asked = _written(query, lambda each: each.node.this.isin(exp.Null()), lists)
        return None if database.refusal(asked, self._tables.stored) else (database, lists)

    def written(self, query: Tree) -> Tree:
        """The query with the lists of other tables written out, if a database can answer it so; else as it is."""
        found = self.candidate(query)
        if found is None:
            return query
        database, lists = found
        aliases = {each.name for each in query.find_all(exp.Table)} - {each.alias for each in lists}
        if max(self._count(each, ENOUGH) for each in aliases if each in self._stored) < ENOUGH:
            return query
        keys = {id(each.node): self._members(each) for each in lists}
        if None in keys.values():
            return query
        asked = _written(query, lambda each: keys[id(each.node)].among(each.node.this), lists)  # type: ignore[union-attr]
        return query if database.refusal(asked, self._tables.stored) else asked

    def _elsewhere(self, query: Tree) -> tuple[Database | None, list[KeyList]]:
        """The database in which a query reads, and the lists of tables outside of it, which are all else it reads."""
        if not self._stored or not isinstance(query, exp.Query):
            return None, []
        read = {each.name for each in query.find_all(exp.Table)} & set(self._tables.schemas)
        lists = lists_in(query, read)
        inner = {id(each) for one in lists for each in one.select.find_all(exp.Table)}
        outer = {each.name for each in query.find_all(exp.Table) if id(each) not in inner} & read
        databases = {id(each): each for each in map(self._database, outer)}
        if len(databases) != 1 or (database := next(iter(databases.values()))) is None:
            return None, []
        return database, [each for each in lists if self._database(each.alias) is not database]

    def _database(self, alias: str) -> Database | None:
        return self._stored[alias].source.database if alias in self._stored else None

    def _members(self, each: KeyList) -> Found | None:
        """The values of a list; None if there are too many."""
        if (self._tables.read(each.alias).rows or 0) > WIDEST or self._count(each.alias, WIDEST) == WIDEST:
            return None
        if each.alias in self._stored:
            columns = columns_read(each.select, self._tables.schemas)[each.alias]
            self._stored[each.alias].bring_listed(columns, frozenset(), lambda: None)
        return self._keys(each.select)

    # -- reading ----------------------------------------------------------------------------------------

    def _keys(self, query: exp.Select) -> Found | None:
        """The values of a query of one column over what is here; None if they cannot be sent to a database."""
        if query not in self._found:
            found = self._read(query)
            self._found[query.copy()] = found if found is not None and _can_travel(found) else None
        return self._found[query]

    def _read(self, query: exp.Select) -> Found | None:
        key = exp.column(query.expressions[0].alias, quoted=True)
        keys = exp.select(key).distinct().from_(query.copy().subquery("keys"))
        return self._values(keys.where(exp.Is(this=key.copy(), expression=exp.Null()).not_()).limit(MOST + 1))

    def _values(self, query: exp.Select) -> Found | None:
        """All values of an answer but NULLs; None for a query that fails, as the one will that it is made for."""
        try:
            relation = self._tables.connection.sql(lower(query, DUCKDB).sql(dialect="duckdb"))
            values = (value for row in relation.fetchall() for value in row if value is not None)
            return Found(str(relation.types[0]), tuple(values))
        except duckdb.InterruptException:
            raise
        except duckdb.Error:
            return None

    def _count(self, alias: str, most: int) -> int:
        """How many rows a table has that is stored elsewhere, counted no further than `most`; 0 if it cannot tell."""
        database = self._database(alias)
        if database is None:
            return 0
        source = self._stored[alias].source
        if source.rows is not None:
            return min(source.rows, most)
        if (alias, most) not in self._counts:
            some = exp.select(exp.alias_(literal(1), "one")).from_(table(alias)).limit(most)
            count = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(some.subquery("some"))
            self._counts[alias, most] = _answered(database, count, {alias: source})
        return self._counts[alias, most]


def _answered(database: Database, query: Tree, tables: Mapping[str, Any]) -> int:
    """A number that a database answers; 0 where it does not."""
    if database.refusal(query, tables):
        return 0
    try:
        _, ((number,),) = database.answer(query, tables)
    except UnansweredError:
        return 0
    return int(number)


def _source(each: KeyList) -> Tree:
    """What the SELECT reads in which a list stands."""
    around = each.node.parent_select
    read: Tree = around.args["from_"].this if around is not None else exp.Table()
    return read


def _written(query: Tree, spell: Callable[[KeyList], Tree], lists: Sequence[KeyList]) -> Tree:
    """A query in which lists are spelled in another way; those that were made before it are left out."""
    places = {id(each.node): each for each in lists}
    gone = {id(each.select) for each in lists}
    made: Tree = query.copy()
    for old, new in zip(list(query.walk()), list(made.walk()), strict=True):
        if id(old) in places:
            new.replace(spell(places[id(old)]))
        elif isinstance(old, exp.CTE) and id(old.this) in gone:
            new.pop()
    if made.args.get("with_") and not made.args["with_"].expressions:
        made.set("with_", None)
    return made
