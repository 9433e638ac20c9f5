"""What a stream has come to: the states of its batches, merged, and the verdicts on all of them.

A batch is judged as every table is. Beside that, each metric of each rule leaves its state, and the states of all
batches together are judged once more, so that nothing that has come is read again. What could not be measured in some
batch is lost for the rest of the stream: an ERROR with the reason, never a verdict on a part of the data. SQL of the
user has no state: a rule with it passes when it has passed in every batch. Source of the states: `dq.partials`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dq.diagnostics import DqError
from dq.engines.base import Answerer, Engine, EngineError
from dq.evaluation import run
from dq.measuring import Facts, Prepared, leaves, sentence
from dq.metrics import Count, FilesBelow, Frequencies, Groups, Measured, Metric, Rows, Size, Statement
from dq.names import PRIMARY
from dq.options import Options
from dq.outcomes import Evaluation, Outcome, TableRead, Verdict
from dq.partials import finish, states
from dq.planning import Scan
from dq.powers import in_parts
from dq.schema import Schema
from dq.sql import columns_read, compile_scan
from dq.syntax import Rule, Ruleset

if TYPE_CHECKING:
    import pyarrow as pa

    from dq.lazy import exp


@dataclass(frozen=True, slots=True)
class Lost:
    """A metric that not every batch could tell, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stateless:
    """A metric without a state that merges: the user's own SQL, or what is known of the files of a batch."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """In how many batches a rule failed and could not be measured, and the first of these, with the reason there."""

    failed: int = 0
    errors: int = 0
    first: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a metric.

    Attributes:
        state: the states of all batches, merged, or why there is none.
        types: the columns that it reads, and how the engine calls their types: a batch with others does not fit.
    """

    state: Any
    types: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cumulative:
    """The states of all batches by the place of their metric: which rule, and which of its metrics.

    Metrics hold the instant of their batch, so it is their place that tells which are the same.

    Attributes:
        batches: how many have come.
        rows: how many rows they had; None where not every batch could tell.
        kept: what is kept by place.
        verdicts: what became of each rule in the batches, in the order of the ruleset.
    """

    batches: int = 0
    rows: int | None = 0
    kept: Mapping[str, Kept] = field(default_factory=dict)
    verdicts: tuple[Verdicts, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What a batch adds: the states of its metrics, and what was measured that is the same in every batch."""

    batch: str
    rows: int | None
    metrics: Mapping[Rule, tuple[Metric, ...]]
    places: Mapping[Metric, str]
    kept: Mapping[str, Kept]
    same: Mapping[Metric, Measured]
    failed: Mapping[Metric, str]
    schemas: Mapping[str, Schema]
    tables: Mapping[str, TableRead]


def part(batch: str, ruleset: Ruleset, prepared: Prepared, facts: Facts, engine: Engine) -> Part:
    """What a batch adds to what came before it; its engine is asked for the states that were not measured yet."""
    metrics = {rule: tuple(bound.metrics()) for rule, bound in prepared.bound.items()}
    places: dict[Metric, str] = {}
    for at, rule in enumerate(leaves(ruleset.rules)):  # one that cannot be bound keeps its number
        for number, metric in enumerate(metrics.get(rule, ())):
            places.setdefault(metric, f"{at}.{number}")
    kept: dict[str, Kept] = {}
    same: dict[Metric, Measured] = {}
    tables: dict[Groups, Any] = {}
    for metric, place in places.items():
        if metric in facts.failed:
            kept[place] = Kept(Lost(f"{batch}: {facts.failed[metric]}"), {})
        elif not _is_of_stream(metric):
            same[metric] = facts.found[metric]
        else:
            kept[place] = Kept(_state(metric, facts.found[metric], engine, tables, batch), _types(metric, engine))
    reads = {alias: engine.read(alias) for alias in engine.schemas()}
    size = facts.found.get(Size())
    rows = size.n if isinstance(size, Count) else reads[PRIMARY].rows if PRIMARY in reads else 0
    return Part(batch, rows, metrics, places, kept, same, facts.failed, dict(engine.schemas()), reads)


def _is_of_stream(metric: Metric) -> bool:
    """Whether it is about the batches: not about a reference alone, the schema, or files that a rule names."""
    grain = metric.grain
    if isinstance(grain, Statement):
        return bool(grain.aliases)
    if isinstance(grain, FilesBelow):
        return grain.path is None
    return getattr(grain, "table", PRIMARY) == PRIMARY


def _state(metric: Metric, found: Measured, engine: Engine, tables: dict[Groups, Any], batch: str) -> Any:
    """The state of a metric in a batch. Those of rows are what was measured; the engine is asked for the others."""
    groups = getattr(metric, "frequencies", None)
    try:
        if isinstance(groups, Groups):
            if groups not in tables:
                tables[groups] = engine.frequencies(groups)
            return tables[groups]
        if isinstance(metric.grain, Rows):
            return found if in_parts(metric) is metric else states(engine, (metric,))[metric]
    except DqError as error:
        return Lost(f"{batch}: {sentence(error)}")
    return Stateless()


def _types(metric: Metric, engine: Engine) -> Mapping[str, str]:
    if not isinstance(metric.grain, Rows | Groups):
        return {}
    read = columns_read(compile_scan(Scan(metric.grain, (metric,))).tree, engine.schemas()).get(PRIMARY, ())
    return {column.name: column.native for column in engine.schemas()[PRIMARY] if column.name in read}


def merged(before: Cumulative, new: Part, evaluation: Evaluation) -> Cumulative:
    """What came before, and a batch more, with the verdicts on it."""
    rows = None if before.rows is None or new.rows is None else before.rows + new.rows
    kept = {
        place: _both(before.kept.get(place), each, new.batch, first=not before.batches)
        for place, each in new.kept.items()
    }
    # A rule that could not be bound to this batch, such as one whose column is missing, has no metrics in it.
    gone = {
        place: Kept(Lost(f"{new.batch}: the rule could not be measured"), each.types)
        for place, each in before.kept.items()
        if place not in kept and not isinstance(each.state, Stateless)
    }
    verdicts = before.verdicts or (Verdicts(),) * len(evaluation.outcomes)
    counted = tuple(_counted(*each, new.batch) for each in zip(verdicts, evaluation.outcomes, strict=True))
    return Cumulative(before.batches + 1, rows, kept | gone, counted)


def _counted(before: Verdicts, outcome: Outcome, batch: str) -> Verdicts:
    if outcome.passed:
        return before
    failed = outcome.verdict is Verdict.FAILED
    first = before.first or f"{batch}: {outcome.reason}"
    return Verdicts(before.failed + failed, before.errors + (not failed), first)


def _both(before: Kept | None, new: Kept, batch: str, *, first: bool) -> Kept:
    if before is None:
        return (
            new
            if first or isinstance(new.state, Stateless)
            else Kept(Lost(f"it was not measured in the batches before {batch}"), new.types)
        )
    if isinstance(before.state, Lost):
        return before
    if isinstance(new.state, Lost | Stateless):
        return new
    for name, native in before.types.items():
        if new.types.get(name, native) != native:
            reason = f"{batch}: `{name}` is {new.types[name]} and was {native} before; give all batches one type"
            return Kept(Lost(reason), before.types)
    return Kept(before.state.merge(new.state), before.types)


def judged(ruleset: Ruleset, total: Cumulative, new: Part, options: Options) -> Evaluation:
    """The verdicts on all batches, the last of which is `new`; `options.now` is the instant at which that was judged.

    Failing rows are counted and not shown, since none is kept, and what a rule remembers of earlier runs stands under
    a context of its own. Analyzers speak of batches alone.
    """
    states = {metric: total.kept[place].state for metric, place in new.places.items() if place in total.kept}
    lost = {metric: state.reason for metric, state in states.items() if isinstance(state, Lost)}
    stateless = {metric for metric, state in states.items() if isinstance(state, Stateless)}
    found = {metric: state for metric, state in states.items() if not isinstance(state, Lost | Stateless)}
    engine = _Merged({**finish(found), **new.same}, {**lost, **new.failed}, new, total)
    told = replace(options, samples=0, composites="column", context=f"{options.context}, all batches")
    evaluation = run(replace(ruleset, analyzers=()), engine, told)
    by_batch = {rule for rule, metrics in new.metrics.items() if stateless & set(metrics)}
    outcomes = (
        _by_batch(outcome, verdicts, total.batches) if by_batch & set(leaves([outcome.rule])) else outcome
        for outcome, verdicts in zip(evaluation.outcomes, total.verdicts, strict=True)
    )
    return replace(evaluation, outcomes=tuple(outcomes), source=None)


def _by_batch(outcome: Outcome, found: Verdicts, batches: int) -> Outcome:
    """The outcome of a rule that has no states: FAILED if it failed in a batch, else ERROR if it was one in some."""
    verdict = Verdict.FAILED if found.failed else Verdict.ERROR if found.errors else Verdict.PASSED
    passed = batches - found.failed - found.errors
    return replace(
        outcome,
        verdict=verdict,
        reason=found.first,
        measured=f"{passed} of {batches} batches passed",
        expected="all batches",
        metrics={},
        failing=None,
        notes=("judged batch by batch: SQL of one's own, and rules about files, have no state that merges",),
        parts=(),
    )


class _Merged:
    """States as an engine that has measured them."""

    name = "states"

    def __init__(
        self, found: Mapping[Metric, Measured], lost: Mapping[Metric, str], last: Part, total: Cumulative
    ) -> None:
        self.found = found
        self.lost = lost
        self.last = last
        self.total = total

    def schemas(self) -> Mapping[str, Schema]:
        return self.last.schemas

    def expect(self, scans: Sequence[Scan], /) -> None:
        pass

    def measure(self, scan: Scan, /) -> Mapping[Metric, Measured]:
        for metric in scan.metrics:
            if metric not in self.found:
                raise EngineError(self.lost.get(metric, "it was not measured in every batch"))
        return {metric: self.found[metric] for metric in scan.metrics}

    def outdated(self) -> Mapping[Metric, str]:
        return {}

    def evidence(self, metric: Metric, /) -> str:
        return self.name

    def share_done(self) -> float:
        return 0.0

    def frequencies(self, groups: Groups, /) -> Frequencies:
        raise _not_kept()

    def sample(self, alias: str, condition: exp.Expr, limit: int, /) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        raise _not_kept()

    def rows(self, alias: str, outcomes: Sequence[exp.Expr | None], batch: int, /) -> pa.RecordBatchReader:
        raise _not_kept()

    def sql(self, scan: Scan, /) -> str:
        return ""

    def answerer(self, scan: Scan, /) -> Answerer:
        return Answerer(self.name, "")

    def read(self, alias: str, /) -> TableRead:
        read = self.last.tables[alias]
        if alias != PRIMARY:
            return read
        return replace(read, description=f"all {self.total.batches} batches", rows=self.total.rows, fetched="")


def _not_kept() -> EngineError:
    return EngineError("the rows of earlier batches are not kept")
