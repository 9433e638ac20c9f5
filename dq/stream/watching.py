"""Files that arrive in a folder, a glob or a bucket, judged as they come."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, Self

from dq.diagnostics import DataError, DqError, NoFilesError
from dq.engines.opening import Request, opened
from dq.evaluation import evaluate_on, load
from dq.files.names import without_query
from dq.measuring import Facts, Prepared
from dq.names import PRIMARY
from dq.options import Options
from dq.outcomes import Evaluation
from dq.sources import files as local
from dq.sources import remote
from dq.sources.options import ReadOptions
from dq.stream import keeping
from dq.stream.cumulative import Cumulative, Part, judged, merged, part
from dq.stream.keeping import Snapshot
from dq.stream.locking import alone
from dq.syntax import Ruleset

Stamp = list[Any]
"""What tells a file from what it was, ready for JSON."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Files that have come, and what became of them.

    Attributes:
        number: the batches before it, and this one.
        files: their names.
        evaluation: the verdicts on them; None if they could not be read.
        total: the verdicts on everything that has come; None if nothing could be read yet.
        error: why the files could not be read. They count for nothing, and are tried again when they change.
    """

    number: int
    files: tuple[str, ...]
    evaluation: Evaluation | None
    total: Evaluation | None
    error: DqError | None = None

    @property
    def exit_code(self) -> int:
        """The worse of the two evaluations; 3 where the files could not be read."""
        codes = [each.exit_code for each in (self.evaluation, self.total) if each is not None]
        return max([*codes, 3 if self.error else 0])


@dataclass(frozen=True, slots=True)
class Settings:
    """How arriving files are judged.

    Attributes:
        references: the other tables by their aliases; each is read anew for every batch.
        engine: as for `dq.evaluate`.
        read: how the files are read.
        options: how they are judged.
        memory_limit: as for `dq.evaluate`.
        threads: as for `dq.evaluate`.
        time_limit: as for `dq.evaluate`.
        settled: for how many seconds a file must not have changed to be taken as complete.
        singly: whether each file is a batch by itself.
    """

    references: Mapping[str, Any] = field(default_factory=dict)
    engine: str | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    options: Options = field(default_factory=Options)
    memory_limit: str | None = None
    threads: int | None = None
    time_limit: float | None = None
    settled: float = 1.0
    singly: bool = False


class _Place(Protocol):
    """Where files arrive."""

    def look(self) -> Mapping[str, tuple[Stamp, float]]:
        """What is there by its address: what tells it, and when it last changed, in seconds since 1970."""

    def table(self, chosen: list[str], /) -> Any:
        """Some of the files that the last look found, as a table."""


class Watcher:
    """What has come to a place, judged by a ruleset: call `look` as often as you like.

    With `state`, the path of a file, a later watcher goes on where this one stood: every file counts once, whenever
    the process ends. A watcher is the only one that uses its state, until it is closed, as at the end of a `with`, or
    its process ends.

    With a history in its options, a batch is compared with earlier batches, and all that has come with what had come
    after each of them; the latter stands under a context of its own. History calls the data by the place where it
    arrives, unless the options give it another name.

    Raises:
        DqError: a ruleset with errors, or a state of another ruleset.
        DataError: a state that cannot be read, or that another watcher uses.
    """

    def __init__(
        self,
        ruleset: Ruleset | str | os.PathLike[str],
        source: str | os.PathLike[str],
        settings: Settings | None = None,
        *,
        state: str | os.PathLike[str] | None = None,
    ) -> None:
        self.ruleset = load(ruleset)
        self.settings = _named(settings or Settings(), os.fspath(source))
        self.state = Path(state) if state is not None else None
        self._place = _place(os.fspath(source), self.settings.read)
        self._text = self.ruleset.document()
        self._let_go = weakref.finalize(self, alone(self.state) if self.state else lambda: None)
        try:
            snapshot = self._snapshot()
        except DqError:
            self.close()
            raise
        self._total = snapshot.totals.get("", Cumulative())
        self._seen: dict[str, Stamp] = dict(snapshot.seen)
        self._refused: dict[str, Stamp] = {}

    def _snapshot(self) -> Snapshot:
        """What an earlier watcher has left."""
        found = keeping.load(self.state) if self.state else None
        if found is not None and found.ruleset != self._text:
            raise DqError(
                f"`{self.state}` is the state of another ruleset", help="give each ruleset a state of its own"
            )
        return found or Snapshot(self._text)

    def close(self) -> None:
        """Let others use the state; this one looks no more. May be called again."""
        self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def batches(self) -> int:
        """How many batches count."""
        return self._total.batches

    def look(self) -> Iterator[Batch]:
        """Judge what has come since the last look; nothing comes of a look that finds nothing new.

        Raises:
            DqError: the place cannot be looked at, the state cannot be written, or the watcher is closed.
            DataError: a file that counts already has changed: what was measured of it is not what it holds.
        """
        if not self._let_go.alive:
            raise DqError("the watcher is closed: others may use its state", help="make a new one")
        now = time.time()
        found = self._place.look()
        for path, (stamp, _) in found.items():
            if path in self._seen and self._seen[path] != stamp:
                raise DataError(
                    f"`{path}` has changed after it was judged",
                    help="files must arrive once, under a name of their own: begin again with a new state",
                )
        new = {
            path: stamp
            for path, (stamp, changed) in found.items()
            if path not in self._seen and self._refused.get(path) != stamp and now - changed >= self.settings.settled
        }
        if new:
            yield from self._batch(new)

    def _batch(self, new: Mapping[str, Stamp]) -> Iterator[Batch]:
        """One batch of all files, or one of each where that is wanted or they cannot be read together."""
        if self.settings.singly and len(new) > 1:
            yield from self._each(new)
            return
        try:
            evaluation, added = self._judge(list(new))
        except DqError as error:
            if len(new) > 1:
                yield from self._each(new)
                return
            self._refused.update(new)
            yield Batch(self.batches, tuple(new), None, None, error)
            return
        total = merged(self._total, added, evaluation)
        seen = {**self._seen, **new}
        if self.state:
            keeping.save(self.state, Snapshot(self._text, {"": total}, seen))
        self._total, self._seen = total, seen
        options = replace(self.settings.options, now=evaluation.started)
        yield Batch(self.batches, tuple(new), evaluation, judged(self.ruleset, total, added, options))

    def _each(self, new: Mapping[str, Stamp]) -> Iterator[Batch]:
        for path, stamp in new.items():
            yield from self._batch({path: stamp})

    def _judge(self, paths: list[str]) -> tuple[Evaluation, Part]:
        held = self.settings
        data = {PRIMARY: self._place.table(paths), **held.references}
        read = {alias: held.read if alias == PRIMARY else ReadOptions() for alias in data}
        options = replace(held.options, now=held.options.now or datetime.now(UTC))
        request = Request(data, read, held.memory_limit, held.threads, held.time_limit, options.progress)
        name = Path(paths[0]).name if len(paths) == 1 else f"{len(paths):,} files from {Path(paths[0]).name} on"
        added: list[Part] = []

        with opened(held.engine, request) as on:

            def keep(prepared: Prepared, facts: Facts) -> None:
                added.append(part(name, self.ruleset, prepared, facts, on.engine))

            evaluation = evaluate_on(self.ruleset, on, options, keep)
        assert options.now is not None
        return replace(evaluation, started=options.now), added[-1]


def _named(settings: Settings, source: str) -> Settings:
    """Settings in which the history of all batches has one name: that of the place, not of the files of a batch."""
    dataset = settings.options.dataset or without_query(source)
    return replace(settings, options=replace(settings.options, dataset=dataset))


def _place(source: str, read: ReadOptions) -> _Place:
    return _Remote(source, read) if local.is_remote(source) else _Local(source, read)


@dataclass
class _Local:
    source: str
    read: ReadOptions

    def look(self) -> Mapping[str, tuple[Stamp, float]]:
        try:
            paths = local.listed(self.source)
        except NoFilesError:  # nothing has come yet
            return {}
        marks = ((path, local.mark(path)) for path in paths)
        return {path: ([mark.size, mark.modified, mark.place], mark.modified / 1e9) for path, mark in marks if mark}

    def table(self, chosen: list[str], /) -> Any:
        return local.find(self.source, self.read.format, self.read.hive_partitioning, only=frozenset(chosen))


@dataclass
class _Remote:
    source: str
    read: ReadOptions
    found: remote.RemoteFiles | None = None

    def look(self) -> Mapping[str, tuple[Stamp, float]]:
        try:
            self.found = remote.find(self.source, self.read.format, self.read.hive_partitioning)
        except NoFilesError:
            return {}
        return {
            each.shown: (
                [each.size, each.tag or (each.modified.isoformat() if each.modified else "")],
                each.modified.timestamp() if each.modified else 0.0,
            )
            for each in self.found.objects
        }

    def table(self, chosen: list[str], /) -> Any:
        assert self.found is not None
        wanted = set(chosen)
        objects = tuple(each for each in self.found.objects if each.shown in wanted)
        return replace(self.found, objects=objects, searched=())


def watch(
    ruleset: Ruleset | str | os.PathLike[str],
    source: str | os.PathLike[str],
    settings: Settings | None = None,
    *,
    state: str | os.PathLike[str] | None = None,
    every: float = 5.0,
    once: bool = False,
) -> Iterator[Batch]:
    """Judge files as they arrive: those that are there first, then what comes; it ends only where `once` is asked for.

    Args:
        ruleset: a path, the text of a ruleset, or a parsed one.
        source: a folder, a glob, or the URL of a prefix of a bucket; the files in it are one table.
        settings: how they are judged.
        state: a file that remembers what has been judged, so that a later call goes on where this one stood; None for
            memory alone.
        every: how many seconds lie between two looks.
        once: whether one look is all.

    Raises:
        DqError: as `Watcher` and `Watcher.look`.
    """
    with Watcher(ruleset, source, settings, state=state) as watcher:
        while True:
            yield from watcher.look()
            if once:
                return
            time.sleep(every)
