"""Metrics → the fewest scans that answer them, as a list of small passes over a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from dq.lazy import exp
from dq.metrics import Grain, Groups, Metric, Rows
from dq.schema import Column
from dq.weighing import weighable


@dataclass(frozen=True, slots=True)
class Scan:
    """One query: a grain, and the metrics that are answered together.

    Metrics over rows may stand in a scan of groups: their aggregates are weighed there.
    """

    grain: Grain
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The scans of an evaluation, in the order in which they run."""

    scans: tuple[Scan, ...]


def one_scan_each(metrics: Iterable[Metric]) -> Plan:
    """The plan without a thought: equal metrics once, each by itself."""
    return Plan(tuple(Scan(metric.grain, (metric,)) for metric in dict.fromkeys(metrics)))


def fuse(plan: Plan) -> Plan:
    """All metrics of one grain in one scan, in order of first use."""
    fused: dict[Grain, list[Metric]] = {}
    for scan in plan.scans:
        fused.setdefault(scan.grain, []).extend(scan.metrics)
    return Plan(tuple(Scan(grain, tuple(metrics)) for grain, metrics in fused.items()))


def judge_groups(plan: Plan) -> Plan:
    """Metrics over rows that read one column move to the scan that groups that column anyway.

    A value is then judged once, however many rows hold it, and the column is read once.
    """
    grouped = {grain.columns[0]: grain for scan in plan.scans if _is_whole_column(grain := scan.grain)}
    grains: dict[Grain, list[Metric]] = {}
    for scan in plan.scans:
        for metric in scan.metrics:
            grains.setdefault(_group_for(metric, grouped) or scan.grain, []).append(metric)
    ordered = [scan.grain for scan in plan.scans if scan.grain in grains]
    return Plan(tuple(Scan(grain, tuple(grains[grain])) for grain in ordered))


def _is_whole_column(grain: Grain) -> TypeGuard[Groups]:
    """Whether a grain groups one column over all rows."""
    return isinstance(grain, Groups) and len(grain.columns) == 1 and not grain.scope


def _group_for(metric: Metric, grouped: Mapping[Column, Groups]) -> Groups | None:
    """The groups of the only column that a metric over rows reads; None when none can answer it."""
    rows = metric.grain
    if not isinstance(rows, Rows) or not grouped:
        return None
    aggregates = metric.aggregates()
    names = {column.name for aggregate in aggregates for column in aggregate.find_all(exp.Column)}
    candidates = (groups for column, groups in grouped.items() if {column.name} == names and groups.table == rows.table)
    return next((groups for groups in candidates if weighable(aggregates, groups.columns[0])), None)


PASSES: tuple[Callable[[Plan], Plan], ...] = (fuse, judge_groups)
"""What turns the plain plan into the one that runs, in this order."""


def plan(metrics: Iterable[Metric]) -> Plan:
    """The scans that answer these metrics."""
    result = one_scan_each(metrics)
    for each in PASSES:
        result = each(result)
    return result
