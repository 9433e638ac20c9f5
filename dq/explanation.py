"""The plan of an evaluation before anything runs: which rules share which scan, and what each reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dq.diagnostics import DqError
from dq.engines.base import Answerer, Engine, EngineError, Explaining, SourceError
from dq.engines.opening import Request, opened
from dq.evaluation import given_or_named, load
from dq.files.measuring import describe
from dq.measuring import halves, prepare, sentence
from dq.metrics import FilesBelow, Groups, Metric, Returning, Rows
from dq.names import PRIMARY
from dq.planning import Scan
from dq.sources.options import NO_DATA
from dq.sql import columns_read, compile_scan
from dq.syntax import Analyzer, Rule, Ruleset

if TYPE_CHECKING:
    from dq.sources.options import ReadOptions


@dataclass(frozen=True, slots=True)
class Step:
    """One scan of a plan: the rules and analyzers it serves, the columns it reads by alias, its SQL, and who runs that.

    `physical` is how the engine would run it, in its own words, where that was asked for. The SQL of a scan of files is
    empty, and nobody runs it.
    """

    scan: Scan
    rules: tuple[Rule | Analyzer, ...]
    columns: Mapping[str, tuple[str, ...]]
    sql: str
    answerer: Answerer | None = None
    physical: str = ""

    @property
    def kind(self) -> str:
        """What the scan does, in a few words."""
        grain = self.scan.grain
        if isinstance(grain, FilesBelow):
            return describe(self.scan)
        if isinstance(grain, Rows):
            others = [alias for alias in self.columns if alias != grain.table]
            looks_up = f" (looks up {', '.join(others)})" if others else ""
            return f"row scan{_of(grain.table)}{looks_up}"
        if isinstance(grain, Groups):
            names = ", ".join(column.name for column in grain.columns)
            return f"group by {names}{_of(grain.table)}{' (filtered)' if grain.scope else ''}"
        return "semi-join with the rule's SQL" if isinstance(grain, Returning) else "the rule's own SQL"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an evaluation would do: its scans, the rules and analyzers that need none, and what cannot be measured."""

    steps: tuple[Step, ...]
    without_scan: tuple[Rule | Analyzer, ...]
    problems: Mapping[Rule | Analyzer, str]
    engine: str


def explain(
    ruleset: Ruleset | str | os.PathLike[str],
    data: Any = NO_DATA,
    *,
    engine: str | None = None,
    read: ReadOptions | Mapping[str, ReadOptions] | None = None,
    physical: bool = False,
) -> Explanation:
    """The plan of `dq.evaluate(ruleset, data)`, without running it. Takes and raises the same.

    With `physical` also the physical plan of each scan, as EXPLAIN of DuckDB or of Spark gives it.

    Raises:
        DqError: a physical plan is asked of an engine that has none.
    """
    parsed = load(ruleset)
    with opened(engine, Request(given_or_named(parsed, data), read)) as on:
        return explain_on(parsed, on.engine, physical=physical)


def explain_on(ruleset: Ruleset, engine: Engine, *, physical: bool = False) -> Explanation:
    """The plan on an engine."""
    if physical and not isinstance(engine, Explaining):
        raise DqError(f"the engine `{engine.name}` has no physical plan", help="`duckdb` and `spark` have one")
    prepared = prepare(ruleset, engine, datetime.now(UTC))
    users: dict[Rule | Analyzer, set[Metric]] = {rule: set(bound.metrics()) for rule, bound in prepared.bound.items()}
    users |= {analysis.analyzer: set(analysis.metrics()) for analysis in prepared.analyses.values()}
    problems: dict[Rule | Analyzer, str] = dict(prepared.problems.items())
    problems |= {
        each: prepared.analyzer_problems[str(each)]
        for each in ruleset.analyzers
        if str(each) in prepared.analyzer_problems
    }
    steps: list[Step] = []
    pending = list(reversed(prepared.plan.scans))
    while pending:
        scan = pending.pop()
        rules = tuple(rule for rule, metrics in users.items() if metrics & set(scan.metrics))
        try:
            steps.append(_step(scan, rules, engine, physical))
        except EngineError as error:
            if len(scan.metrics) == 1 or isinstance(error, SourceError):
                problems |= dict.fromkeys(rules, sentence(error))
            else:  # one expression spoils the whole query: its neighbours are measured without it
                pending += halves(scan)
    without = tuple(rule for rule, metrics in users.items() if not metrics)
    return Explanation(tuple(steps), without, problems, engine.name)


def _step(scan: Scan, rules: tuple[Rule | Analyzer, ...], engine: Engine, physical: bool) -> Step:
    if isinstance(scan.grain, FilesBelow):
        return Step(scan, rules, {}, "")
    columns = columns_read(compile_scan(scan).tree, engine.schemas())
    plan = engine.physical(scan) if physical and isinstance(engine, Explaining) else ""
    return Step(scan, rules, columns, engine.sql(scan), engine.answerer(scan), plan)


def _of(table: str) -> str:
    return "" if table == PRIMARY else f" of {table}"
