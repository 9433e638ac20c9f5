"""A Ray of the tests' own: one at a time for a process, and tables as Datasets of several blocks."""

from __future__ import annotations

import atexit
import logging
import os
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import pyarrow as pa

from dq.engines import ray as engine
from dq.engines.cluster import Cluster

BLOCKS = 2
"""How many blocks a table is handed over in, if it has as many rows."""


@cache
def begun() -> None:
    """Begin Ray, which ends with the process; each block is a part from now on, however small."""
    os.environ.pop("RAY_ADDRESS", None)
    Cluster(threads=2).put(None)
    quieten()
    engine.BLOCK_BYTES = 0


def quieten() -> None:
    """Keep Ray Data from talking, and from showing progress."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.data import DataContext

        DataContext.get_current().enable_progress_bars = False
    for name in ("ray.data", "ray"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@atexit.register
def ended() -> None:
    """End the Ray of this process, if there is one; the next test that needs one begins another."""
    import ray

    if ray.is_initialized():
        ray.shutdown()
    begun.cache_clear()


def in_blocks(table: pa.Table, blocks: int = BLOCKS) -> Any:
    """A table as a Ray Dataset."""
    begun()
    import ray.data

    rows = -(-table.num_rows // blocks) or 1
    return ray.data.from_arrow([table.slice(at, rows) for at in range(0, max(table.num_rows, 1), rows)])


def as_datasets(tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    """Tables as Ray Datasets."""
    return {alias: in_blocks(table) for alias, table in tables.items()}
