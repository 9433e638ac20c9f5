"""A scan → one query, as a sqlglot tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from dq.lazy import exp
from dq.metrics import Groups, Returning, Rows, Statement
from dq.planning import Scan
from dq.schema import Column, Schema
from dq.tree import column, conjunction, count_where, table

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
        tuple(places.setdefault(aggregate, len(places)) for aggregate in metric.aggregates()) for metric in scan.metrics
    )
    select = exp.select(*(exp.alias_(each.copy(), f"a{at}") for each, at in places.items()))
    source = table(scan.grain.table) if isinstance(scan.grain, Rows) else frequency_table(scan.grain).subquery("g")
    return Query(select.from_(source), cells)


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


def is_returned(query: Tree, columns: Sequence[str]) -> exp.Exists:
    """True for rows of the primary that a query returns: equal on these columns, NULL equal to NULL."""
    same = [
        exp.NullSafeEQ(
            this=exp.column(name, table="answer", quoted=True),
            expression=exp.column(name, table="primary", quoted=True),
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
