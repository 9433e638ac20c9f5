"""A scan → one query, as a sqlglot tree."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from dq.lazy import exp
from dq.metrics import Groups, Metric, Returning, Rows, Statement
from dq.names import PRIMARY
from dq.planning import Scan
from dq.schema import Column, Schema
from dq.tree import column, conjunction, count_where, table
from dq.weighing import weighed

if TYPE_CHECKING:
    Tree: TypeAlias = exp.Expr


@dataclass(frozen=True, slots=True)
class Query:
    """A query and, for each metric of its scan, the positions of its cells in the one row it returns."""

    tree: Tree
    cells: tuple[tuple[int, ...], ...]


def compile_scan(scan: Scan) -> Query:
    """The query of a scan. Equal aggregates are asked once, whichever metrics want them."""
    if isinstance(scan.grain, Statement | Returning):
        return Query(scan.grain.query.copy(), ())
    assert isinstance(scan.grain, Rows | Groups), "files are no table"
    places: dict[Tree, int] = {}
    cells = tuple(
        tuple(places.setdefault(aggregate, len(places)) for aggregate in _aggregates(metric, scan.grain))
        for metric in scan.metrics
    )
    select = exp.select(*(exp.alias_(each.copy(), f"a{at}") for each, at in places.items()))
    source = table(scan.grain.table) if isinstance(scan.grain, Rows) else frequency_table(scan.grain).subquery("g")
    return Query(_read_once(select.from_(source)), cells)


def _read_once(query: exp.Select) -> exp.Select:
    """The query with each list of `IN` that stands in it several times made once, before the rest."""
    uses: dict[Tree, list[exp.In]] = {}
    for each in query.find_all(exp.In):
        if "query" in each.args and all(isinstance(value, exp.Alias) for value in each.args["query"].this.expressions):
            uses.setdefault(each.args["query"].this, []).append(each)
    shared = {made: places for made, places in uses.items() if len(places) > 1}
    taken = {each.name.casefold() for each in query.find_all(exp.Table)}
    names = (name for at in itertools.count() if (name := f"list{at}") not in taken)
    for (made, places), name in zip(shared.items(), names, strict=False):
        for place in places:
            values = [column(value.alias) for value in made.expressions]
            place.set("query", exp.select(*values).from_(table(name)).subquery())
        query = query.with_(exp.to_identifier(name, quoted=True), as_=made.copy(), materialized=True)
    return query


def _aggregates(metric: Metric, grain: Rows | Groups) -> tuple[Tree, ...]:
    """The cells of a metric on the grain of a scan, which may be the groups of the one column that it reads."""
    if isinstance(grain, Groups) and isinstance(metric.grain, Rows):
        return tuple(weighed(each, grain.columns[0]) for each in metric.aggregates())
    return metric.aggregates()


def frequency_table(groups: Groups) -> exp.Select:
    """The keys as `k0`, `k1`, … and how often each combination occurs as `n`."""
    keys = [column(each) for each in groups.columns]
    select = exp.select(
        *(exp.alias_(key.copy(), f"k{at}") for at, key in enumerate(keys)),
        exp.alias_(exp.Count(this=exp.Star()), "n"),
    ).from_(table(groups.table))
    if groups.scope.predicate is not None:
        select = select.where(groups.scope.predicate.copy())
    return select.group_by(*(key.copy() for key in keys))


def sample_rows(alias: str, schema: Schema, as_text: Sequence[Column], condition: Tree, limit: int) -> exp.Select:
    """Some rows of a table that meet a condition, whole; some columns as text."""
    shown = [
        exp.alias_(exp.cast(column(each), exp.DataType.Type.TEXT), each.name, quoted=True)
        if each in as_text
        else column(each)
        for each in schema
    ]
    return exp.select(*shown).from_(table(alias)).where(condition.copy()).limit(limit)


def with_outcomes(alias: str, schema: Schema, outcomes: Sequence[Tree | None]) -> exp.Select:
    """All rows of a table, and behind its columns the outcomes of each row as one list of booleans."""
    listed = exp.Array(expressions=[exp.Null() if each is None else each.copy() for each in outcomes])
    name = "outcomes"
    while schema.find(name):
        name += "_"
    held = exp.cast(listed, exp.DataType.build("BOOLEAN[]", dialect="duckdb"))
    return exp.select(*(column(each) for each in schema), exp.alias_(held, name, quoted=True)).from_(table(alias))


def is_returned(query: Tree, columns: Sequence[str]) -> exp.Exists:
    """True for rows of the primary that a query returns: equal on these columns, NULL equal to NULL."""
    same = [
        exp.NullSafeEQ(
            this=column(name, "answer"),
            expression=column(name, PRIMARY),
        )
        for name in columns
    ]
    answer = exp.select("*").from_(
        exp.Subquery(this=query.copy(), alias=exp.TableAlias(this=exp.to_identifier("answer", quoted=True)))
    )
    return exp.Exists(this=answer.where(conjunction(*same)))


def rows_returned(query: Tree, columns: Sequence[str]) -> exp.Select:
    """How many rows of the primary a query returns, and how many rows there are."""
    returned = exp.select(exp.alias_(is_returned(query, columns), "returned")).from_(table("primary"))
    return exp.select(count_where(column("returned")), count_where()).from_(returned.subquery("judged"))


def is_among(values: Sequence[Tree], others: Sequence[Tree], alias: str) -> exp.In:
    """True for rows whose values are those of some row of another table, compared by `=`: NULL equals nothing.

    The list on the right stands by itself: databases answer it by a hash of the other table, whatever the
    values are, and take the same list only once.
    """
    left = values[0].copy() if len(values) == 1 else exp.Tuple(expressions=[each.copy() for each in values])
    listed = exp.select(*(exp.alias_(each.copy(), f"k{at}") for at, each in enumerate(others))).from_(table(alias))
    return exp.In(this=left, query=listed.subquery())


# -- what a query reads --------------------------------------------------------------------------------


def columns_read(query: Tree, schemas: Mapping[str, Schema]) -> dict[str, tuple[str, ...]]:
    """The columns that a query reads, by the alias of their table, in the table's order.

    A column counts for the tables that its place can see and that have it, and a star for all columns of the tables
    that its SELECT reads itself.
    """
    tables = [each for each in query.find_all(exp.Table) if each.name in schemas]
    named: dict[str, set[str]] = {alias: set() for alias in dict.fromkeys(each.name for each in tables)}
    stars = [star.parent_select for star in query.find_all(exp.Star) if not _is_counted(star)]
    whole = {each.name for each in tables if each.parent_select in stars}
    read: dict[int, set[str]] = {}
    for source in tables:
        read.setdefault(id(source.parent_select), set()).add(source.name)
    for each in query.find_all(exp.Column):
        for alias in [each.table] if each.table in named else _visible(each, read):
            named[alias].add(each.name.casefold())
    return {
        alias: tuple(column.name for column in schemas[alias] if alias in whole or column.name.casefold() in names)
        for alias, names in named.items()
    }


def _is_counted(star: exp.Star) -> bool:
    """Whether a star is that of `count(*)`."""
    around = star.parent
    return isinstance(around, exp.Count) or (isinstance(around, exp.Anonymous) and around.name.lower() == "count")


def _visible(name: exp.Column, read: Mapping[int, set[str]]) -> set[str]:
    """The tables that the SELECT around a column, and those around that one, read themselves, as `read` says."""
    found: set[str] = set()
    around = name.parent_select
    while around is not None:
        found |= read.get(id(around), set())
        around = around.parent_select
    return found
