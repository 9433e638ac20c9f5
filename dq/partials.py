"""Measuring a table in parts: states of each part, merged, then summed up to what rules judge.

Partitions, days and blocks are one problem: `finish(merge(states(a), states(b)))` equals measuring a and b
together. Metrics over groups, and quartiles, keep the frequency table of their columns as their state; a
user's own SQL has no state and cannot be measured in parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any, TypeAlias

from dq.engines.base import Engine, EngineError
from dq.metrics import Frequencies, Groups, Measured, Metric, Rows
from dq.planning import plan

States: TypeAlias = Mapping[Metric, Any]
"""What a part must remember, by metric: a state with `merge`."""


def states(engine: Engine, metrics: Iterable[Metric]) -> States:
    """The states of the part of the data that the engine holds.

    Raises:
        EngineError: for a metric that is the user's own SQL, which has no meaning on a part, or of files.
    """
    found: dict[Metric, Any] = {}
    tables: dict[Groups, Frequencies] = {}
    in_rows = []
    for metric in dict.fromkeys(metrics):
        groups = getattr(metric, "frequencies", None)
        if isinstance(groups, Groups):
            if groups not in tables:
                tables[groups] = engine.frequencies(groups)
            found[metric] = tables[groups]
        elif isinstance(metric.grain, Rows):
            in_rows.append(metric)
        else:
            raise EngineError("SQL statements and files cannot be measured in parts")
    for scan in plan(in_rows).scans:
        found.update(engine.measure(scan))
    return found


def merge(parts: Iterable[States]) -> States:
    """The states of all parts together; at least one part is needed."""
    return reduce(lambda left, right: {metric: left[metric].merge(right[metric]) for metric in left}, parts)


def finish(merged: States) -> dict[Metric, Measured]:
    """What the rules judge: states as they are, frequency tables summed up."""
    return {
        metric: metric.summarise(state) if isinstance(state, Frequencies) else state  # type: ignore[attr-defined]
        for metric, state in merged.items()
    }
