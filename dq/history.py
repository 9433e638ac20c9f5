"""What earlier runs measured: where it is kept, and what identifies the values that belong together.

`MetricHistory` is all that an evaluation needs of a store: it asks once for the newest values of some series, and
hands over once what a run has measured. A store says nothing of rules or verdicts.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from dq.diagnostics import DqError
from dq.outcomes import Distribution

DEFAULT_CONTEXT = "default_context"
"""The evaluation context when none is named, as in Glue (REFERENCE F.3)."""


class HistoryError(DqError):
    """A history that cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Series:
    """Which values belong together. Source: REFERENCE D.2.

    Attributes:
        dataset: what is under test.
        context: the name of this evaluation: two jobs over one dataset keep their histories apart by it.
        metric: the metric name, `Column.email.Completeness` (REFERENCE B.0.7).
        where: the filter as written; empty for all rows.
        detail: what else decides the number and is not in its name, such as the statement of CustomSql.
    """

    dataset: str
    context: str
    metric: str
    where: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a series: when it was true, aware, and in which run it was measured."""

    value: float
    at: datetime
    run: str


@dataclass(frozen=True, slots=True)
class Run:
    """What one run measured. Values are finite: a metric that has no number stores nothing."""

    id: str
    at: datetime
    values: Mapping[Series, float] = field(default_factory=dict)
    distributions: Mapping[Series, Distribution] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to store."""
        return not (self.values or self.distributions)


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of a store: what each series holds, the newest first, and remarks about the store."""

    points: Mapping[Series, Sequence[Point]] = field(default_factory=dict)
    distributions: Mapping[Series, Sequence[Distribution]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def values(self, series: Series) -> tuple[float, ...]:
        """The values of a series, the newest first; none when the store has none."""
        return tuple(point.value for point in self.points.get(series, ()))


Wanted: TypeAlias = Mapping[Series, int | None]
"""Series, and how many of their newest values are asked for: None for all."""


class MetricHistory(Protocol):
    """A store of metrics. An evaluation reads a few times, and appends once."""

    def check(self) -> None:
        """Raises HistoryError when the store cannot be read or written: told before anything is measured."""

    def read(self, wanted: Wanted, until: datetime, /) -> Found:
        """The newest values of each series that are not later than an instant and that nobody excluded."""

    def append(self, run: Run, /) -> None:
        """Stores a run whole or not at all. A run without values leaves nothing behind."""


def opened(history: MetricHistory | str | os.PathLike[str] | None) -> MetricHistory | None:
    """A history as it is, or the JSON-lines file that a path names."""
    return JsonLinesHistory(Path(history)) if isinstance(history, str | os.PathLike) else history


@dataclass(frozen=True, slots=True)
class _Stored:
    """A value with its series and its instant, in order of storing."""

    series: Series
    at: datetime
    value: Point | Distribution


def _newest(stored: Iterable[_Stored], wanted: Wanted, until: datetime) -> Found:
    """The newest first: by instant, and of equal instants what was stored last."""
    found: dict[Series, list[_Stored]] = {}
    for each in stored:
        if each.series in wanted and each.at <= until:
            found.setdefault(each.series, []).append(each)
    points: dict[Series, tuple[Point, ...]] = {}
    distributions: dict[Series, tuple[Distribution, ...]] = {}
    for series, values in found.items():
        newest = [each.value for each in sorted(values, key=lambda each: each.at)[::-1][: wanted[series]]]
        points[series] = tuple(each for each in newest if isinstance(each, Point))
        distributions[series] = tuple(each for each in newest if isinstance(each, Distribution))
    return Found(points, distributions)


class MemoryHistory:
    """A history that lives as long as the program: for notebooks and tests."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self.runs = list(runs)

    def check(self) -> None:
        """Always there."""

    def read(self, wanted: Wanted, until: datetime, /) -> Found:
        """The newest points."""
        return _newest((each for run in self.runs for each in _stored(run)), wanted, until)

    def append(self, run: Run, /) -> None:
        """Keeps the run."""
        if not run.is_empty:
            self.runs.append(run)


def _stored(run: Run) -> Iterator[_Stored]:
    for series, value in run.values.items():
        yield _Stored(series, run.at, Point(value, run.at, run.id))
    for series, distribution in run.distributions.items():
        yield _Stored(series, run.at, distribution)


# -- JSON lines ----------------------------------------------------------------------------------------

_VERSION = 1
_HEAD = f'{{"dq_history": {_VERSION}, "run": "'
"""How every line begins: by it a line that was cut off is told from a file that is no history."""


class JsonLinesHistory:
    """A history in a file, one line per run: fit for one machine and some thousand runs.

    Any number of processes may append at once: a run is one write, behind a lock where the system has one. A line
    that was cut off by a crash is left out with a note. `"excluded": true` in a run, or in one of its values, keeps it
    from being used.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def check(self) -> None:
        """Reads the file whole, or sees that it can be made."""
        if self.path.exists():
            for _ in self._runs([]):
                pass
        with self._appending():
            pass

    def read(self, wanted: Wanted, until: datetime, /) -> Found:
        """The newest points; a file that does not exist holds none."""
        if not self.path.exists():
            return Found()
        torn: list[int] = []
        found = _newest(self._stored(wanted, torn), wanted, until)
        lines = "line" if len(torn) == 1 else "lines"
        cut = f"history `{self.path}`: {lines} {', '.join(map(str, torn))} cut off by a crash, left out"
        return replace(found, notes=(cut,)) if torn else found

    def append(self, run: Run, /) -> None:
        """One line, one write."""
        if run.is_empty:
            return
        with self._appending() as file:
            torn = b"\n" if _ends_in_a_torn_line(self.path) else b""
            _write(file, torn + _line(run).encode() + b"\n", self.path)

    def _stored(self, wanted: Wanted, torn: list[int]) -> Iterator[_Stored]:
        places = {(series.dataset, series.context) for series in wanted}
        metrics = {series.metric for series in wanted}
        for number, run in self._runs(torn):
            try:
                if run.get("excluded") is True or (run["dataset"], run["context"]) not in places:
                    continue
                at = _instant(run["at"])
                for each in run["values"]:
                    if each["metric"] not in metrics:
                        continue
                    series = Series(
                        run["dataset"], run["context"], each["metric"], each.get("where", ""), each.get("detail", "")
                    )
                    if each.get("excluded") is True:
                        continue
                    if "distribution" in each:
                        yield _Stored(series, at, _distribution(each["distribution"]))
                    else:
                        yield _Stored(series, at, Point(_finite(each["value"]), at, str(run["run"])))
            except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
                raise self._foreign(number) from error

    def _runs(self, torn: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each run with the number of its line; the lines that were cut off go into `torn`."""
        try:
            with self.path.open(encoding="utf-8", errors="backslashreplace", newline="\n") as lines:
                _lock(lines.fileno(), shared=True)
                for number, line in enumerate(lines, start=1):
                    run = self._run(number, line)
                    if run is None:
                        torn.append(number)
                    elif run:
                        yield number, run
        except OSError as error:
            raise HistoryError(f"history `{self.path}` cannot be read: {error.strerror}") from error

    def _run(self, number: int, line: str) -> dict[str, Any] | None:
        """A line as it was written; None for one that was cut off, empty for a blank one."""
        text = line.strip()
        if not text:
            return {}
        try:
            run = json.loads(text)
        except (ValueError, RecursionError):
            if text.startswith(_HEAD) or _HEAD.startswith(text):
                return None
            raise self._foreign(number) from None
        if not isinstance(run, dict) or "dq_history" not in run:
            raise self._foreign(number)
        if run["dq_history"] != _VERSION:
            raise HistoryError(
                f"history `{self.path}`, line {number}: version {run['dq_history']} is not known",
                help="it was written by another version of dq",
            )
        return run

    def _foreign(self, number: int) -> HistoryError:
        return HistoryError(
            f"`{self.path}` is no history: line {number} is not a run that dq has stored",
            help="name a new file, or one that `dq evaluate --history` has written",
        )

    @contextmanager
    def _appending(self) -> Iterator[int]:
        """The file, open at its end and locked."""
        try:
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise HistoryError(f"history `{self.path}` cannot be written: {error.strerror}") from error
        try:
            _lock(file)
            yield file
        finally:
            os.close(file)  # which also gives the lock back


def _line(run: Run) -> str:
    first = next(iter((*run.values, *run.distributions)))
    values = [_named(series) | {"value": value} for series, value in run.values.items()]
    values += [_named(series) | {"distribution": asdict(each)} for series, each in run.distributions.items()]
    record = {
        "dq_history": _VERSION,
        "run": run.id,
        "at": run.at.astimezone(UTC).isoformat(),
        "dataset": first.dataset,
        "context": first.context,
        "values": values,
    }
    return json.dumps(record, allow_nan=False)


def _named(series: Series) -> dict[str, Any]:
    optional = {"where": series.where, "detail": series.detail}
    return {"metric": series.metric, **{key: text for key, text in optional.items() if text}}


def _distribution(stored: Mapping[str, Any]) -> Distribution:
    edges, counts = tuple(map(str, stored["edges"])), tuple(map(int, stored["counts"]))
    if stored["kind"] == "number" and [math.isfinite(float(edge)) for edge in edges] != [True] * (len(counts) + 1):
        raise ValueError(edges)
    return Distribution(str(stored["kind"]), edges, counts, int(stored["others"]), int(stored["beyond"]))


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(value)
    return float(value)


def _lock(file: int, *, shared: bool = False) -> None:
    """Waits for the file; where the system knows no locks, O_APPEND alone keeps lines apart."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    except OSError:  # a file system without locks
        return


def _ends_in_a_torn_line(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _write(file: int, line: bytes, path: Path) -> None:
    try:
        while line:
            line = line[os.write(file, line) :]
    except OSError as error:
        raise HistoryError(f"history `{path}` cannot be written: {error.strerror}") from error
