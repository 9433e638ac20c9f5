"""Metrics → the fewest scans that answer them, as a list of small passes over a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dq.metrics import Grain, Metric


@dataclass(frozen=True, slots=True)
class Scan:
    """One query: a grain, and the metrics that are answered together."""

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


PASSES: tuple[Callable[[Plan], Plan], ...] = (fuse,)
"""What turns the plain plan into the one that runs, in this order."""


def plan(metrics: Iterable[Metric]) -> Plan:
    """The scans that answer these metrics."""
    result = one_scan_each(metrics)
    for each in PASSES:
        result = each(result)
    return result
