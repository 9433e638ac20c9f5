"""What an engine must be able to do: three questions about tables that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dq.diagnostics import DqError

if TYPE_CHECKING:
    import pyarrow as pa

    from dq.lazy import exp
    from dq.metrics import Frequencies, Groups, Measured, Metric
    from dq.outcomes import TableRead
    from dq.planning import Scan
    from dq.schema import Schema


class EngineError(DqError):
    """A scan that an engine could not answer; the engine's own exception is the cause."""

    exit_code = 3


class TimeLimitError(EngineError):
    """A scan that took longer than it may."""


class SourceError(EngineError):
    """A source that cannot be read, or stopped in the middle: a part of the scan would end in the same way."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who answers a scan: an engine, or the database that holds its tables.

    `spelling` is how sqlglot calls its SQL; `refusal` says why the database that holds the tables does not answer.
    """

    name: str
    spelling: str
    refusal: str = ""


class Engine(Protocol):
    """Tables by alias, and the scans over them."""

    name: str

    def schemas(self) -> Mapping[str, Schema]:
        """The columns of every table by its alias."""

    def expect(self, scans: Sequence[Scan], /) -> None:
        """What will be measured, told before the first scan, so that one reading of a table can serve them all."""

    def measure(self, scan: Scan, /) -> Mapping[Metric, Measured]:
        """What the scan answers. Raises EngineError when it cannot."""

    def outdated(self) -> Mapping[Metric, str]:
        """What was measured on files that are not what they were when they were found, and what happened to them."""

    def evidence(self, metric: Metric, /) -> str:
        """What answered a metric that was measured: the engine by its name, or the database that it was left to."""

    def share_done(self) -> float:
        """How much of the running `measure` is done, in [0, 1]; 0 if it cannot be told. Any thread may ask."""

    def frequencies(self, groups: Groups, /) -> Frequencies:
        """The frequency table of a grain, the state through which metrics over groups merge."""

    def sample(self, alias: str, condition: exp.Expr, limit: int, /) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Column names, and up to `limit` rows of a table that meet a condition, in no promised order."""

    def rows(self, alias: str, outcomes: Sequence[exp.Expr | None], batch: int, /) -> pa.RecordBatchReader:
        """All rows of a table, streamed in batches of up to `batch`: its columns, then a list of their outcomes."""

    def sql(self, scan: Scan, /) -> str:
        """The text of the query that `measure` would run."""

    def answerer(self, scan: Scan, /) -> Answerer:
        """Who would run it."""

    def read(self, alias: str, /) -> TableRead:
        """What is known of a table that was read."""


@runtime_checkable
class Explaining(Protocol):
    """What an engine can do besides that runs whole queries: show how it would run one."""

    def physical(self, scan: Scan, /) -> str:
        """The physical plan of a scan, as EXPLAIN gives it without measuring; empty where another answers."""


@runtime_checkable
class Frames(Protocol):
    """What an engine can do besides whose tables are lazy: give its rows as such a table."""

    def labelled(self, alias: str, rules: Sequence[str], outcomes: Sequence[exp.Expr | None], /) -> Any:
        """All rows of a table with Glue's outcome columns, as a table of the engine that nothing was computed for."""
