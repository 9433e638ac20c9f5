"""How an evaluation is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dq.diagnostics import DqError
from dq.history import DEFAULT_CONTEXT, MetricHistory

Progress = Callable[[str, float, int], None]
"""Told what is being done, how many steps are behind, parts of one included, and how many there are; 0 if unknown.

Called before each step and, from another thread, while it lasts."""


def silent(step: str, done: float, total: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Options:
    """How an evaluation is done.

    Attributes:
        samples: how many failing rows each outcome shows; 0 for none.
        fail_empty_scope: whether a rule whose `where` keeps no row fails instead of passing with a note.
        now: the instant of evaluation; None for the present. A naive one is meant in UTC.
        progress: told what is being done.
        composites: how composite rules are judged: `column` joins the verdicts of the parts, `row` joins the parts
            in each row (REFERENCE C.1).
        filtered_rows: whether a row outside of a rule's `where` has `passed` that rule or is `skipped` by it, in
            row-level outcomes and in composites judged by row.
        key: the columns that tell rows apart, shown first in samples; by default those of an IsPrimaryKey rule
            that passed.
        redact: whether samples, reasons and notes show the shape of values of the data instead of values.
        allow_paths: folders and URL prefixes below which a ruleset may name files, beside the folders of the
            data and the working directory.
        history: what earlier runs measured, and where this one leaves its metrics: a store, the path of a JSON-lines
            file, or None for no history.
        context: the name of this evaluation; two jobs over one dataset keep their histories apart by it.
        dataset: what is under test, as its history calls it; None for what the primary was read from.
        fail_cold_start: whether a rule that finds too little history fails instead of passing with a note.
    """

    samples: int = 5
    fail_empty_scope: bool = False
    now: datetime | None = None
    progress: Progress = silent
    composites: Literal["column", "row"] = "column"
    filtered_rows: Literal["passed", "skipped"] = "passed"
    key: tuple[str, ...] = ()
    redact: bool = False
    allow_paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = ()
    history: MetricHistory | str | os.PathLike[str] | None = None
    context: str = DEFAULT_CONTEXT
    dataset: str | None = None
    fail_cold_start: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (("composites", ("column", "row")), ("filtered_rows", ("passed", "skipped"))):
            if getattr(self, name) not in allowed:
                raise DqError(f"`{name}` cannot be {getattr(self, name)!r}", help=f"give {' or '.join(allowed)}")
