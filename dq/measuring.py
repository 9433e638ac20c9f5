"""Bind, plan and measure: a ruleset and an engine to what was measured, and what could not be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event, Thread
from typing import TypeAlias

from dq import recall
from dq.analysis import Analysis, bind_analyzer, bind_rule
from dq.diagnostics import DqError
from dq.engines.base import Engine, EngineError, SourceError, TimeLimitError
from dq.files.measuring import FileScans
from dq.history import opened
from dq.metrics import FilesBelow, Measured, Metric
from dq.options import Options, Progress, silent
from dq.planning import Plan, Scan, plan
from dq.rules.base import SIGNATURES, BoundRule
from dq.syntax import Composite, Rule, RuleExpression, Ruleset

TOLD_EVERY = 0.2
"""Seconds between two looks at how far a scan is."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The leaf rules and the analyzers of a ruleset: those that are bound, why the others are not, and their plan.

    Analyzers go by their text.
    """

    bound: Mapping[Rule, BoundRule]
    problems: Mapping[Rule, str]
    plan: Plan
    analyses: Mapping[str, Analysis]
    analyzer_problems: Mapping[str, str]


Analyses: TypeAlias = Mapping[str, Analysis]
"""Analyzers by their text."""


def prepare(
    ruleset: Ruleset, engine: Engine, now: datetime, freeze: Callable[[Analyses], Analyses] = lambda each: each
) -> Prepared:
    """Bind every leaf rule and every analyzer, and plan the scans that answer them all.

    `freeze` gives analyzers what they keep from earlier runs.

    Raises:
        DqError: there is no table under test, and a rule needs one.
    """
    _demand_primary(ruleset, engine)
    bound: dict[Rule, BoundRule] = {}
    problems: dict[Rule, str] = {}
    metrics: list[Metric] = []
    for rule in leaves(ruleset.rules):
        try:
            each = bind_rule(rule, engine.schemas(), now)
            metrics += each.metrics()
            bound[rule] = each
        except DqError as error:
            problems[rule] = sentence(error)
    analyses: dict[str, Analysis] = {}
    analyzer_problems: dict[str, str] = {}
    for analyzer in ruleset.analyzers:
        try:
            analyses[str(analyzer)] = bind_analyzer(analyzer, engine.schemas(), now)
        except DqError as error:
            analyzer_problems[str(analyzer)] = sentence(error)
    kept = freeze(analyses)
    metrics += [metric for analysis in kept.values() for metric in analysis.metrics()]
    return Prepared(bound, problems, plan(metrics), kept, analyzer_problems)


def leaves(expressions: Iterable[RuleExpression]) -> Iterator[Rule]:
    """The rules inside composites, in source order, each equal one once."""
    seen: set[Rule] = set()
    pending = list(expressions)[::-1]
    while pending:
        each = pending.pop()
        if isinstance(each, Composite):
            pending.extend(reversed(each.operands))
        elif each not in seen:
            seen.add(each)
            yield each


def sentence(error: DqError) -> str:
    """What is wrong and what to do, in one line."""
    return f"{error.message}; {error.help}" if error.help else error.message


def _demand_primary(ruleset: Ruleset, engine: Engine) -> None:
    """Rules about files can do without a table under test, all others cannot."""
    if "primary" in engine.schemas():
        return
    rules = [*leaves(ruleset.rules)]
    if rules and all(SIGNATURES[rule.name].reads_files for rule in rules):
        return
    if not engine.schemas():
        raise DqError("no data: only rules about files can do without", help="give the table under test")
    given = ", ".join(f"`{alias}`" for alias in engine.schemas())
    raise DqError(f"no table has the alias `primary` (given: {given})", help="name the table under test `primary`")


# -- measure -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured by metric, why the rest could not be, and what measured it: an engine or a database."""

    found: Mapping[Metric, Measured]
    failed: Mapping[Metric, str]
    evidence: Mapping[Metric, str] = field(default_factory=dict)


def measure(
    ruleset: Ruleset,
    engine: Engine,
    files: FileScans,
    now: datetime,
    options: Options,
    recover: Callable[[Exception], bool],
) -> tuple[Prepared, Facts]:
    """Bind, plan and measure; again from the start whenever the tables had to change."""
    place, history = place_of(ruleset, engine, now, options), opened(options.history)
    while True:
        prepared = prepare(ruleset, engine, now, lambda analyses: recall.frozen(analyses, history, place))
        facts = _measure_all(prepared.plan, engine, files, options, recover)
        if facts is not None:
            return prepared, facts


def _measure_all(
    plan: Plan, engine: Engine, files: FileScans, options: Options, recover: Callable[[Exception], bool]
) -> Facts | None:
    found: dict[Metric, Measured] = {}
    failed: dict[Metric, str] = {}
    total = len(plan.scans)
    pending = list(plan.scans)[::-1]
    engine.expect([scan for scan in plan.scans if not isinstance(scan.grain, FilesBelow)])
    while pending:
        scan = pending.pop()
        try:
            with _told(engine, options.progress, total - len(pending) - 1, total):
                found.update((files if isinstance(scan.grain, FilesBelow) else engine).measure(scan))
        except EngineError as error:
            if isinstance(error.__cause__, Exception) and recover(error.__cause__):
                return None
            if len(scan.metrics) == 1 or isinstance(error, TimeLimitError | SourceError):  # parts would end as it did
                failed |= dict.fromkeys(scan.metrics, sentence(error))
            else:  # one expression spoils the whole query: find it, so that its neighbours are measured
                pending += halves(scan)
                total += 1
    if outdated := {metric: why for metric, why in engine.outdated().items() if metric in found}:
        failed |= {metric: f"{why}; evaluate it again" for metric, why in outdated.items()}
        found = {metric: measured for metric, measured in found.items() if metric not in outdated}
    by_engine = (metric for metric in found if not isinstance(metric.grain, FilesBelow))
    return Facts(found, failed, {metric: engine.evidence(metric) for metric in by_engine})


def halves(scan: Scan) -> list[Scan]:
    """The scan as two, of which the first stands last."""
    half = len(scan.metrics) // 2
    return [replace(scan, metrics=scan.metrics[half:]), replace(scan, metrics=scan.metrics[:half])]


@contextmanager
def _told(engine: Engine, progress: Progress, done: int, total: int) -> Iterator[None]:
    """Tells how far a scan is until it ends."""
    progress("scanning", done, total)
    if progress is silent:
        yield
        return
    ended = Event()

    def look() -> None:
        while not ended.wait(TOLD_EVERY):
            progress("scanning", done + engine.share_done(), total)

    looking = Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        ended.set()
        looking.join()


def place_of(ruleset: Ruleset, engine: Engine, now: datetime, options: Options) -> recall.Place:
    """Where in the history this evaluation stands: dataset, context and instant."""
    return recall.Place(options.dataset or recall.dataset_name(ruleset, engine), options.context, now)
