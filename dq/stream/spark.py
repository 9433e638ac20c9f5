"""Spark Structured Streaming: every micro-batch is judged and split, and all of them together are.

Spark may run a batch again after a failure, always under the same number. So what a batch leaves is named by its
number: the rows that it writes replace those of an earlier attempt, and the states after it are made of those before
it. That is exactly once, over a kill and a restart, for files; a sink that is a function of the user is told the
number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from dq.diagnostics import DqError
from dq.engines.opening import Request, opened
from dq.evaluation import evaluate_on, load
from dq.measuring import Facts, Prepared
from dq.names import PRIMARY
from dq.options import Options
from dq.outcomes import Evaluation
from dq.sources.files import is_remote
from dq.stream import keeping
from dq.stream.cumulative import Cumulative, Part, judged, merged, part
from dq.stream.keeping import Snapshot
from dq.syntax import Ruleset

log = logging.getLogger("dq.stream")

Sink: TypeAlias = str | Callable[[Any, int], None]
"""Where rows of a batch go: a folder, in which each batch is a Parquet folder `batch=NUMBER`, or a function of the rows
and the number of the batch."""

SLOTS = ("even", "odd")
"""The states of the last two batches: those of the last may have to be made again of those before it."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of event time, each judged by itself over all batches that bring rows of it.

    Attributes:
        column: the timestamp of a row; rows without one belong to no window.
        length: how long a window is, as Spark says it: `1 hour`.
        kept: how many windows are kept, the newest ones. Rows of older ones are late: they are counted, and judged with
            their batch alone.
    """

    column: str
    length: str
    kept: int = 168


@dataclass(frozen=True, slots=True)
class StreamBatch:
    """A micro-batch that was judged.

    Attributes:
        number: what Spark calls it; one that is run again keeps its number.
        evaluation: the verdicts on it.
        total: the verdicts on everything that has come.
        windows: the verdicts on each window of which rows came, by its start.
        late: how many rows came for windows that are not kept any more.
    """

    number: int
    evaluation: Evaluation
    total: Evaluation
    windows: Mapping[datetime, Evaluation] = field(default_factory=dict)
    late: int = 0


@dataclass(frozen=True, slots=True)
class _Gate:
    ruleset: Ruleset
    text: str
    place: str
    good: Sink
    bad: Sink | None
    references: Mapping[str, Any]
    windows: Windows | None
    options: Options
    told: Callable[[StreamBatch], None]
    cache: bool

    def __call__(self, batch: Any, number: int) -> None:
        """What Spark calls for each micro-batch."""
        if self.cache:
            batch = batch.persist()
        try:
            self._judge(batch, number)
        finally:
            if self.cache:
                batch.unpersist()

    def _judge(self, batch: Any, number: int) -> None:
        before = self._before(number)
        now = self.options.now or datetime.now(UTC)
        options = replace(self.options, now=now)
        with self._judged(batch, f"batch {number}", options) as (evaluation, added):
            total = merged(before.totals.get("", Cumulative()), added, evaluation)
            whole = judged(self.ruleset, total, added, options)
            good, bad = evaluation.split()
            _write(good, self.good, number)
            if self.bad is not None:
                _write(bad, self.bad, number)
            totals, windows, late = self._by_window(batch, number, before, options)
            oldest = min(totals, default=before.seen.get("oldest", ""))
            snapshot = Snapshot(self.text, {"": total, **totals}, {"batch": number, "oldest": oldest})
            keeping.save(self._slot(number), snapshot)
            self.told(StreamBatch(number, evaluation, whole, windows, late))

    def _slot(self, number: int) -> str:
        return f"{self.place}/{SLOTS[number % 2]}.state"

    def _before(self, number: int) -> Snapshot:
        """The states before a batch, whether or not it was begun already.

        Raises:
            DqError: they are of another ruleset, or not there.
        """
        if number == 0:
            return Snapshot(self.text)
        snapshot = keeping.load(self._slot(number - 1))
        if snapshot is None or snapshot.seen.get("batch") != number - 1:
            raise DqError(
                f"`{self.place}` does not hold the states of batch {number - 1}",
                help="a query is judged from its first batch on: begin with a new checkpoint",
            )
        if snapshot.ruleset != self.text:
            raise DqError(
                f"`{self.place}` holds the states of another ruleset", help="give each ruleset a checkpoint of its own"
            )
        return snapshot

    @contextmanager
    def _judged(self, data: Any, name: str, options: Options) -> Iterator[tuple[Evaluation, Part]]:
        added: list[Part] = []
        request = Request({PRIMARY: data, **self.references}, progress=options.progress)
        with opened("spark", request) as on:

            def keep(prepared: Prepared, facts: Facts) -> None:
                added.append(part(name, self.ruleset, prepared, facts, on.engine))

            yield evaluate_on(self.ruleset, on, options, keep), added[-1]

    def _by_window(
        self, batch: Any, number: int, before: Snapshot, options: Options
    ) -> tuple[dict[str, Cumulative], dict[datetime, Evaluation], int]:
        """The states of the windows after a batch, the verdicts on those of which rows came, and how many were late."""
        if self.windows is None:
            return {}, {}, 0
        from pyspark.sql import functions

        totals = {key: total for key, total in before.totals.items() if key}
        start = _seconds(batch, self.windows)
        counted = batch.groupBy(start.alias("start")).count().collect()
        oldest = str(before.seen.get("oldest", ""))
        found: dict[datetime, Evaluation] = {}
        late = 0
        for second, rows in sorted((row[0], row[1]) for row in counted if row[0] is not None):
            begins = datetime.fromtimestamp(second, UTC)
            key = begins.isoformat()
            if key < oldest and key not in totals:
                late += rows
                continue
            with self._judged(batch.where(start == functions.lit(second)), f"batch {number}", options) as (one, added):
                totals[key] = merged(totals.get(key, Cumulative()), added, one)
                found[begins] = judged(self.ruleset, totals[key], added, options)
        newest = sorted(totals)[-self.windows.kept :]
        return {key: totals[key] for key in newest}, found, late


def gate(
    stream: Any,
    ruleset: Ruleset | str,
    *,
    good: Sink,
    bad: Sink | None = None,
    checkpoint: str,
    references: Mapping[str, Any] | None = None,
    windows: Windows | None = None,
    options: Options | None = None,
    told: Callable[[StreamBatch], None] | None = None,
    cache: bool = True,
    **trigger: Any,
) -> Any:
    """Judge a streaming DataFrame batch by batch: good rows go on, bad rows aside. Gives the running StreamingQuery.

    Args:
        stream: a streaming DataFrame.
        ruleset: a path, the text of a ruleset, or a parsed one.
        good: where the rows that fail no rule go.
        bad: where the rows that fail a rule go; None for nowhere.
        checkpoint: the folder or URL of the query's checkpoint; states are kept in `dq` below it.
        references: other tables by their aliases, as they are when a batch is judged.
        windows: windows of event time that are judged too.
        options: how batches are judged.
        told: called with every judged batch, after its rows and states were written; by default the log is told.
        cache: whether a batch is kept in Spark while it is judged, so that its source is read once.
        trigger: as Spark's `trigger` takes it, such as `availableNow=True` or `processingTime="1 minute"`.

    Raises:
        DqError: a ruleset with errors.
    """
    parsed = load(ruleset)
    place = f"{checkpoint.rstrip('/').removeprefix('file://')}/dq"
    if not is_remote(place):
        Path(place).mkdir(parents=True, exist_ok=True)
    run = _Gate(
        parsed,
        parsed.document(),
        place,
        good,
        bad,
        dict(references or {}),
        windows,
        options or Options(samples=0),
        told or _log,
        cache,
    )
    writer = stream.writeStream.foreachBatch(run.__call__).option("checkpointLocation", checkpoint)
    return (writer.trigger(**trigger) if trigger else writer).start()


def _seconds(batch: Any, windows: Windows) -> Any:
    """When the window of a row begins, in seconds since 1970; an instant without a zone is one in UTC."""
    from pyspark.sql import functions

    start = functions.window(functions.col(windows.column), windows.length)["start"]
    if batch.schema[windows.column].dataType.typeName() == "timestamp_ntz":
        since = functions.expr("timestamp_ntz'1970-01-01 00:00:00'")
        return functions.timestamp_diff("SECOND", since, start)
    return start.cast("bigint")


def _write(rows: Any, sink: Sink, number: int) -> None:
    if isinstance(sink, str):
        rows.write.mode("overwrite").parquet(f"{sink.rstrip('/')}/batch={number}")
    else:
        sink(rows, number)


def _log(batch: StreamBatch) -> None:
    for name, each in (("batch", batch.evaluation), ("all batches", batch.total)):
        log.log(
            logging.INFO if each.passed else logging.WARNING, "batch %d, %s: score %.3f", batch.number, name, each.score
        )
