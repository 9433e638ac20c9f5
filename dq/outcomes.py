"""What an evaluation found: plain, frozen data. Renderers read it, nothing writes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from dq.diagnostics import DqError

if TYPE_CHECKING:
    from dq.rows.source import RowSource
    from dq.syntax import Analyzer, RuleExpression, Ruleset


class Verdict(StrEnum):
    """`ERROR`: the rule could not be measured, which is never a pass."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    ERROR = "ERROR"


FailOn: TypeAlias = Literal["failed", "error", "never"]

FAIL_ON: Mapping[str, tuple[int, ...]] = {"failed": (1, 2, 3), "error": (2, 3), "never": (2,)}
"""The exit codes that count, by what fails a check or a gate. A mistake in a ruleset or a project always does."""


@dataclass(frozen=True, slots=True)
class FailingRows:
    """The rows that make a row rule fail.

    `count` of `total` rows in scope fail; `sample` holds some of them, in no promised order, each a tuple of
    the values of `columns`. `sample` is empty when samples are off. `key` names the columns that tell rows apart,
    if any are known; they come first in `columns`, then those of the rule.
    """

    count: int
    total: int
    columns: tuple[str, ...] = ()
    sample: tuple[tuple[Any, ...], ...] = ()
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """The earlier values of a metric that a verdict rests on.

    `values` is how many were found, `enough` whether they suffice: a condition needs one, an anomaly three.
    `predicted`, `lower` and `upper` are given where the value was compared with what its history predicts.
    """

    metric: str
    values: int
    enough: bool
    predicted: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on one rule of the ruleset.

    `reason` says in words what was found and what was expected; it is given for FAILED and ERROR, and for a
    PASSED rule only as a note, such as "no rows in scope". `measured` and `expected` are the judged number
    and the condition it met or missed, as text for a table. `metrics` maps metric names (REFERENCE B.0.7) to
    numbers. `parts` holds the outcomes of a composite's operands, in order. `seconds` is not per rule:
    rules share scans. `evaluated` is the rule with its functions replaced by what they came to, None when it has
    none; `history` tells what they rest on. `evidence` names what measured it: the engine, a database that answered
    in its place; nothing where the schema was enough.
    """

    rule: RuleExpression
    verdict: Verdict
    reason: str = ""
    measured: str = ""
    expected: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failing: FailingRows | None = None
    parts: tuple[Outcome, ...] = ()
    line: int = 0
    evaluated: RuleExpression | None = None
    history: tuple[Remembered, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the verdict is PASSED."""
        return self.verdict is Verdict.PASSED


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the values of a column are spread over bins. Source: REFERENCE B.34.

    Of numbers, `edges` are the ends of bins of equal width, one more than `counts`; a bin holds its lower end, the
    last one both. Of other values, `edges` are the most frequent ones, the most frequent first. `others` counts the
    values in no bin: rarer ones, and numbers that are not finite. NULLs are left out. `beyond` counts the numbers that
    lie outside of the bins of an earlier run, and stand in the first or the last one.
    """

    kind: str
    edges: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    others: int = 0
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class Statistic:
    """What an analyzer has gathered, without a verdict.

    Attributes:
        name: the metric name, such as `Column.amount.Mean`; empty when the analyzer could not be asked at all.
        analyzer: the analyzer as written.
        value: the number or the distribution; None when there is none.
        columns: the columns that were looked at.
        reason: why there is no value.
        error: whether it could not be measured, as an ERROR of a rule; no rows to measure is none.
        notes: observations: how the value stands to its history.
        line: where the analyzer stands.
    """

    name: str
    analyzer: Analyzer
    value: float | Distribution | None = None
    columns: tuple[str, ...] = ()
    reason: str = ""
    error: bool = False
    notes: tuple[str, ...] = ()
    line: int = 0

    @property
    def level(self) -> str:
        """`Dataset`, `Column` or `Multicolumn`; empty without a name."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table that took part: its alias, what was read, its size, and what had to be assumed about it.

    `rows` is None when nothing needed to count them. `notes` holds remarks such as a CSV column that fell
    back to text. `fetched` says what was brought here of a table that is stored in another system.
    """

    alias: str
    description: str
    columns: int
    rows: int | None = None
    notes: tuple[str, ...] = ()
    fetched: str = ""


@dataclass(frozen=True)
class Evaluation:
    """The result of `dq.evaluate`: one outcome per rule and the statistics of the analyzers, and what it took."""

    ruleset: Ruleset
    outcomes: tuple[Outcome, ...]
    tables: tuple[TableRead, ...]
    started: datetime
    seconds: float
    scans: int
    engine: str
    ruleset_name: str = ""
    notes: tuple[str, ...] = ()
    statistics: tuple[Statistic, ...] = ()
    source: RowSource | None = field(default=None, repr=False, compare=False)

    @property
    def passed(self) -> bool:
        """Whether every rule passed. A ruleset without rules passes: it asked for nothing."""
        return all(outcome.passed for outcome in self.outcomes)

    @property
    def score(self) -> float:
        """Passed rules over judged rules, in [0, 1]; an ERROR counts as not passed. 1.0 without rules."""
        if not self.outcomes:
            return 1.0
        return self.count(Verdict.PASSED) / len(self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 all passed, 1 a rule failed, 3 something could not be measured, be it for an analyzer."""
        if self.count(Verdict.ERROR) or any(each.error for each in self.statistics):
            return 3
        return 0 if self.passed else 1

    def count(self, verdict: Verdict) -> int:
        """How many outcomes have this verdict."""
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data, in the shape of the published JSON Schema."""
        from dq.render import json

        return json.report(self)

    def to_json(self, *, indent: int | None = 2) -> str:
        """The report as JSON text: strict JSON, numbers that are not finite as strings."""
        from dq.render import json

        return json.render(self, indent=indent)

    def to_html(self) -> str:
        """The report as one self-contained HTML page."""
        from dq.render import html

        return html.render(self)

    def to_text(self, *, width: int = 100) -> str:
        """The report as plain text, without colour."""
        from dq.render import text

        return text.render(self, width=width)

    def rows(self) -> Any:
        """The rows of the table under test, each with the rules that it passes, fails, and that skip it.

        The original columns, untouched and in order, then `DataQualityRulesPass`, `DataQualityRulesFail`,
        `DataQualityRulesSkip` (lists of rule texts) and `DataQualityEvaluationResult` (`Passed` or `Failed`), as
        Glue's rowLevelOutcomes. An Arrow reader (`pyarrow.RecordBatchReader`): the data is read again, as the reader
        is, and nothing is held in memory. Of the engine `spark` a DataFrame of the session, computed when it is used.

        Raises:
            DataError: an outcome column is there already; data that cannot be read or has changed since.
        """
        return self._rows().table()

    def split(self) -> tuple[Any, Any]:
        """The rows that pass and the rows that fail, as `rows` gives them; each of the two reads the data by itself.

        Raises:
            DataError: as `rows`.
        """
        from dq.rows.labels import FAILED, PASSED

        source = self._rows()
        return source.table(PASSED), source.table(FAILED)

    def write_rows(
        self,
        *,
        rows: str | os.PathLike[str] | None = None,
        passed: str | os.PathLike[str] | None = None,
        failed: str | os.PathLike[str] | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> dict[str, int]:
        """Write all labelled rows, those that pass and those that fail to .parquet or .csv files, in one pass.

        Returns how many rows each file holds, by its path. Files appear whole or not at all.

        Raises:
            DqError: a file that cannot be written.
            DataError: as `rows`.
        """
        from dq.rows.files import write

        return write(self._rows(), rows=rows, passed=passed, failed=failed, progress=progress)

    def _rows(self) -> RowSource:
        if self.source is None:
            raise DqError("this evaluation does not know where its rows are", help="evaluate the data again")
        return self.source

    def to_pandas(self) -> Any:
        """One row per rule as a pandas DataFrame. Needs the extra `pandas`."""
        from dq.render import frame

        return frame.to_pandas(self)

    def _repr_html_(self) -> str:
        from dq.render import html

        return html.render_fragment(self)

    def __str__(self) -> str:
        return self.to_text()
