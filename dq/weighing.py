"""Aggregates over rows, told over a frequency table: a value is judged once, and weighs as often as it occurs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dq.lazy import exp
from dq.schema import Column, Type
from dq.tree import column, condition_counted, given, is_present, literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dq.tree import Tree

SAME = frozenset({Type.BOOLEAN, Type.INTEGER, Type.DECIMAL, Type.STRING, Type.DATE, Type.TIMESTAMP})
"""Types in which equal values are the same value: any of a group stands for all. 0.0 and -0.0 are not."""


def weighable(aggregates: Sequence[Tree], by: Column) -> bool:
    """Whether all of the aggregates can be told from how often each value of one column occurs."""
    return by.type in SAME and all(_weighed(each, by) is not None for each in aggregates)


def weighed(aggregate: Tree, by: Column) -> Tree:
    """An aggregate over rows as one over the table of `k0`, the values, and `n`, how often each occurs."""
    found = _weighed(aggregate, by)
    assert found is not None, aggregate
    return found


def _weighed(aggregate: Tree, by: Column) -> Tree | None:
    if not _reads_only(aggregate, by):
        return None
    on_keys = aggregate.transform(lambda node: column("k0") if isinstance(node, exp.Column) else node)
    if isinstance(on_keys, exp.Min | exp.Max):
        return on_keys
    if not isinstance(on_keys, exp.Count) or isinstance(on_keys.this, exp.Distinct):
        return None
    counted = on_keys.this
    n = column("n") if isinstance(counted, exp.Star) else given(_counts(counted), column("n"))
    return exp.Coalesce(this=exp.Sum(this=n), expressions=[literal(0)])


def _reads_only(aggregate: Tree, by: Column) -> bool:
    """Whether it reads that column at most, and no other table."""
    columns = aggregate.find_all(exp.Column)
    return aggregate.find(exp.Query) is None and all(each.name == by.name and not each.table for each in columns)


def _counts(value: Tree) -> Tree:
    """When a counted value counts: its condition when it is 1 or nothing, and when it is not NULL else."""
    condition = condition_counted(value) if isinstance(value, exp.Case) else None
    return is_present(value) if condition is None else condition
