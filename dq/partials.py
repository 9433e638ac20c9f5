"""Measuring a table in parts: states of each part, merged, then summed up to what rules judge.

Partitions, days and blocks are one problem: `finish(merge(states(a), states(b)))` equals measuring a and b
together. Metrics over groups, and quartiles, keep the frequency table of their columns as their state; a
user's own SQL has no state and cannot be measured in parts.

Parts are parts of the primary. A reference is whole beside each of them: what is looked up in it is found from
every part, and what is measured of it alone is the same in all, so that one of its states is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any, TypeAlias

from dq.engines.base import Engine, EngineError
from dq.metrics import Frequencies, Groups, Measured, Metric, Rows
from dq.names import PRIMARY
from dq.planning import plan
from dq.powers import PowersOf, PowersOfPairs, in_parts

States: TypeAlias = Mapping[Metric, Any]
"""What a part must remember, by metric: a state with `merge`."""


def states(engine: Engine, metrics: Iterable[Metric]) -> States:
    """The states of the part of the data that the engine holds.

    Raises:
        EngineError: for a metric that is the user's own SQL, which has no meaning on a part, or of files.
    """
    found: dict[Metric, Any] = {}
    tables: dict[Groups, Frequencies] = {}
    in_rows: dict[Metric, Metric] = {}
    for metric in dict.fromkeys(metrics):
        groups = getattr(metric, "frequencies", None)
        if isinstance(groups, Groups):
            if groups not in tables:
                tables[groups] = engine.frequencies(groups)
            found[metric] = tables[groups]
        elif isinstance(metric.grain, Rows):
            in_rows[metric] = in_parts(metric)
        else:
            raise EngineError("SQL statements and files cannot be measured in parts")
    measured: dict[Metric, Any] = {}
    for scan in plan(in_rows.values()).scans:
        measured.update(engine.measure(scan))
    return found | {metric: measured[asked] for metric, asked in in_rows.items()}


def merge(parts: Iterable[States]) -> States:
    """The states of all parts together; at least one part is needed."""
    return reduce(_both, parts)


def _both(left: States, right: States) -> States:
    return {metric: state.merge(right[metric]) if _is_of_primary(metric) else state for metric, state in left.items()}


def _is_of_primary(metric: Metric) -> bool:
    return getattr(metric.grain, "table", PRIMARY) == PRIMARY


def finish(merged: States) -> dict[Metric, Measured]:
    """What the rules judge: states as they are, frequency tables summed up."""
    return {metric: _finished(metric, state) for metric, state in merged.items()}


def _finished(metric: Metric, state: Any) -> Measured:
    asked = in_parts(metric)
    if isinstance(asked, PowersOf | PowersOfPairs):
        return asked.finished(state)
    return metric.summarise(state) if isinstance(state, Frequencies) else state  # type: ignore[attr-defined,no-any-return]
