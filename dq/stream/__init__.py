"""Data that keeps coming: a verdict on every batch, and one on all that has come.

    from dq.stream import watch

    for batch in watch("orders.dqdl", "landing/", state="orders.state"):
        print(batch.files, batch.evaluation.passed, batch.total.score)

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dq.stream.spark import StreamBatch, Windows, gate
    from dq.stream.watching import Batch, Settings, Watcher, watch

_HOMES = {
    "Batch": "dq.stream.watching",
    "StreamBatch": "dq.stream.spark",
    "Settings": "dq.stream.watching",
    "Watcher": "dq.stream.watching",
    "Windows": "dq.stream.spark",
    "gate": "dq.stream.spark",
    "watch": "dq.stream.watching",
}

__all__ = ["Batch", "Settings", "StreamBatch", "Watcher", "Windows", "gate", "watch"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dq.stream' has no attribute {name!r}")
