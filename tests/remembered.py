"""Histories to evaluate with: the values of one metric, the newest first, as documentation writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dq.history import DEFAULT_CONTEXT, MemoryHistory, Run, Series

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
EXAMPLES = Path(__file__).parent / "conformance" / "data" / "examples"
TABLES = {alias: EXAMPLES / "data" / f"{alias}.jsonl" for alias in ("primary", "ref", "countries")}


def remembered(metric: str, newest_first: Sequence[float], **series: str) -> MemoryHistory:
    """A history of the dataset `t` in which each value was measured a day after the one behind it."""
    names = {"dataset": "t", "context": DEFAULT_CONTEXT, "metric": metric} | series
    days = range(1, len(newest_first) + 1)
    runs = [
        Run(f"run {-day}", NOW - timedelta(days=day), {Series(**names): value})
        for day, value in zip(days, newest_first, strict=True)
    ]
    return MemoryHistory(reversed(runs))
