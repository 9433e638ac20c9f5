"""The job of a script: it begins, and commits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Job:
    """Remembers nothing between runs: there are no bookmarks here."""

    def __init__(self, glue_context: Any) -> None:
        self.glue_context = glue_context

    def init(self, job_name: str, args: Mapping[str, Any] | None = None) -> None:
        """Begin."""

    def commit(self) -> None:
        """End; raises where data that was loaded did not pass, and the options of the call asked to stop then."""
        from dq.glue.transform import stop_if_asked

        stop_if_asked()
