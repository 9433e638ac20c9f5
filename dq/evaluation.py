"""Bind, plan, measure, judge: the one function that users call, and the plan it would run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from dq import recall
from dq.analysis import Analysis, bind_analyzer, bind_rule
from dq.diagnostics import DqError
from dq.engines.base import Engine, EngineError
from dq.files.measuring import FileScans
from dq.files.places import Roots
from dq.history import DEFAULT_CONTEXT, MetricHistory, opened
from dq.language import Dialect, parse
from dq.metrics import Count, FilesBelow, Measured, Metric, Size
from dq.names import PRIMARY, find_column
from dq.outcomes import Evaluation, FailingRows, Outcome, Statistic, TableRead, Verdict
from dq.planning import Plan, Scan, plan
from dq.redaction import shape_of
from dq.rows import composites
from dq.rows.labels import Label, joined
from dq.rows.labels import leaf as leaf_label
from dq.rows.source import RowSource
from dq.rules.base import SIGNATURES, BoundRule, Judgement
from dq.sources.options import NO_DATA
from dq.syntax import Composite, Rule, RuleExpression, Ruleset
from dq.syntax import Label as RuleLabel

if TYPE_CHECKING:
    from dq.sources.options import ReadOptions
    from dq.tree import Tree

Progress = Callable[[str, float, int], None]
"""Told what is being done, how many steps are behind, parts of one included, and how many there are; 0 if unknown.

Called before each step and, from another thread, while it lasts."""

TOLD_EVERY = 0.2
"""Seconds between two looks at how far a scan is."""


def _silent(step: str, done: float, total: int) -> None:
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
        redact: whether samples show the shape of values instead of values.
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
    progress: Progress = _silent
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


def load(ruleset: Ruleset | str | os.PathLike[str], *, dialect: Dialect = "dq") -> Ruleset:
    """A ruleset from a path, from its text, or as it is.

    A string is a path when it names a file or ends in `.dqdl`, else the text itself.

    Raises:
        DqError: for a file that cannot be read, and for a ruleset with errors.
    """
    if isinstance(ruleset, Ruleset):
        return ruleset
    if isinstance(ruleset, str) and not _is_path(ruleset):
        return parse(ruleset, dialect=dialect)
    if not isinstance(ruleset, (str, os.PathLike)):
        raise DqError(
            f"a ruleset cannot be of type `{type(ruleset).__name__}`",
            help="give a path, a text, or what dq.parse returns",
        )
    path = Path(ruleset)
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise DqError(f"ruleset `{path}` does not exist", help="give the path of a .dqdl file") from None
    except OSError as error:
        raise DqError(f"ruleset `{path}` cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DqError(
            f"ruleset `{path}` is not UTF-8: byte {error.start} does not fit", help="save it as UTF-8"
        ) from error
    return parse(text, dialect=dialect, name=str(path))


def _is_path(text: str) -> bool:
    if "\n" in text or "[" in text:
        return False
    return text.endswith(".dqdl") or Path(text).is_file()


def evaluate(
    ruleset: Ruleset | str | os.PathLike[str],
    data: Any = NO_DATA,
    *,
    engine: str | None = None,
    read: ReadOptions | Mapping[str, ReadOptions] | None = None,
    options: Options | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> Evaluation:
    """Evaluate a ruleset on data: the verdict on every rule, the score, and why.

    Args:
        ruleset: a path, the text of a ruleset, or a parsed one.
        data: a path, a table in memory (pandas, Polars, Arrow, DuckDB relation), or a mapping from alias to
            either, where `primary` is the table under test. May be left out when all rules are about files.
        engine: `duckdb`, which is also the default.
        read: how files are read, for all or by alias.
        options: samples, the instant of evaluation, history, progress.
        memory_limit: how much memory the engine may use, such as `2GB`.
        threads: how many threads the engine may use.

    Raises:
        DqError: for a ruleset with errors, and (`DataError`) for data that cannot be read. A rule that cannot
            be measured does not raise: its outcome is ERROR.
    """
    parsed = load(ruleset)
    options = options or Options()
    from dq.engines.duckdb import DuckDBEngine
    from dq.sources.tables import Tables

    if engine not in (None, "duckdb"):
        raise DqError(f"engine `{engine}` is not known", help="this version has `duckdb`")
    with Tables(data, options=read, memory_limit=memory_limit, threads=threads) as tables:
        on = DuckDBEngine(tables)
        scans = FileScans(roots(tables.folders, options), tables.paths("primary"), on, options.progress)
        evaluation = run(parsed, on, options, recover=tables.recover, files=scans)

    @contextmanager
    def again() -> Iterator[Engine]:
        with tables.reopened() as reopened:
            reopened.settle("primary")
            yield DuckDBEngine(reopened)

    source = evaluation.source
    return replace(
        evaluation,
        source=replace(source, open=again) if source else None,
        notes=(*evaluation.notes, *_nameless(data, options, evaluation)),
    )


def roots(folders: Iterable[str], options: Options) -> Roots:
    """Where a ruleset may look for files."""
    given = options.allow_paths
    allowed = [given] if isinstance(given, str | os.PathLike) else given
    return Roots(folders, [os.fspath(each) for each in allowed])


def _nameless(data: Any, options: Options, evaluation: Evaluation) -> tuple[str, ...]:
    """A note when history goes by a name that other tables have too: only a path is one of its own."""
    primary = data.get("primary") if isinstance(data, Mapping) else data
    if options.history is None or options.dataset or isinstance(primary, str | os.PathLike):
        return ()
    names = [recall.without_file_count(table.description) for table in evaluation.tables if table.alias == "primary"]
    return tuple(
        f"the history of the data goes by the name `{name}`; give it one of its own with `dataset`" for name in names
    )


def run(
    ruleset: Ruleset,
    engine: Engine,
    options: Options,
    *,
    recover: Callable[[Exception], bool] = lambda error: False,
    files: FileScans | None = None,
) -> Evaluation:
    """Evaluate on an engine; scans of files are measured beside it.

    `recover` is asked when a scan fails: True means that the tables have changed so that it is worth another
    try, such as a CSV column that became text.
    """
    started = datetime.now(UTC)
    clock = time.perf_counter()
    now = _aware(options.now) if options.now else started
    history = opened(options.history)
    if history is not None:
        history.check()
    files = files or FileScans(roots((), options), None, engine, options.progress)
    prepared, facts = _measured(ruleset, engine, files, now, options, recover)
    key = tuple(find_column(name, engine.schemas()[PRIMARY]).name for name in options.key)
    judged = {rule: _judge(bound, facts, options) for rule, bound in prepared.bound.items()}
    judged, statistics, notes = _remembered(ruleset, prepared, judged, facts, history, now, engine, options)
    failures = {rule: Judgement(Verdict.ERROR, reason) for rule, reason in prepared.problems.items()}
    shown = _Samples(engine, options, key or _detected_key(judged))
    samples, hidden = _samples(prepared, judged, facts.found, shown)
    judged = {**judged, **hidden}
    said = {
        rule: leaf_label(bound, facts.found, skip_filtered=options.filtered_rows == "skipped")
        for rule, bound in prepared.bound.items()
        if judged[rule].verdict is not Verdict.ERROR
    }
    by_row = _composites_by_row(ruleset, said, shown) if options.composites == "row" else {}
    outcomes = tuple(_outcome(rule, ruleset, {**judged, **failures}, samples, by_row) for rule in ruleset.rules)
    rows = facts.found.get(Size())
    labels = tuple(Label(rule, joined(rule, said)) for rule in ruleset.rules)
    return Evaluation(
        ruleset,
        outcomes,
        tuple(_read(alias, engine, facts.found) for alias in engine.schemas()),
        started,
        time.perf_counter() - clock,
        len(prepared.plan.scans) + sum(each.measured for each in by_row.values()),
        engine.name,
        ruleset.source.name,
        notes,
        statistics,
        RowSource(labels, lambda: nullcontext(engine), rows.n if isinstance(rows, Count) else None)
        if PRIMARY in engine.schemas()
        else None,
    )


def _read(alias: str, engine: Engine, facts: Mapping[Metric, Measured]) -> TableRead:
    """What is known of a table, its rows too where a scan has counted them."""
    read = engine.read(alias)
    size = Size(table=alias)
    rows = facts[size].value() if size in facts else read.rows
    return replace(read, rows=rows if isinstance(rows, int) else None)


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _demand_primary(ruleset: Ruleset, engine: Engine) -> None:
    """Rules about files can do without a table under test, all others cannot."""
    if "primary" in engine.schemas():
        return
    known = [SIGNATURES.get(rule.name) for rule in leaves(ruleset.rules)]
    if known and all(each and each.reads_files for each in known):
        return
    if not engine.schemas():
        raise DqError("no data: only rules about files can do without", help="give the table under test")
    given = ", ".join(f"`{alias}`" for alias in engine.schemas())
    raise DqError(f"no table has the alias `primary` (given: {given})", help="name the table under test `primary`")


# -- bind and plan -------------------------------------------------------------------------------------


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
            problems[rule] = _sentence(error)
    analyses: dict[str, Analysis] = {}
    analyzer_problems: dict[str, str] = {}
    for analyzer in ruleset.analyzers:
        try:
            analyses[str(analyzer)] = bind_analyzer(analyzer, engine.schemas(), now)
        except DqError as error:
            analyzer_problems[str(analyzer)] = _sentence(error)
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


def _sentence(error: DqError) -> str:
    return f"{error.message}; {error.help}" if error.help else error.message


# -- measure -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Facts:
    found: Mapping[Metric, Measured]
    failed: Mapping[Metric, str]


def _measured(
    ruleset: Ruleset,
    engine: Engine,
    files: FileScans,
    now: datetime,
    options: Options,
    recover: Callable[[Exception], bool],
) -> tuple[Prepared, _Facts]:
    """Bind, plan and measure; again from the start whenever the tables had to change."""
    place, history = _place(ruleset, engine, now, options), opened(options.history)
    while True:
        prepared = prepare(ruleset, engine, now, lambda analyses: recall.frozen(analyses, history, place))
        facts = _measure_all(prepared.plan, engine, files, options, recover)
        if facts is not None:
            return prepared, facts


def _measure_all(
    plan: Plan, engine: Engine, files: FileScans, options: Options, recover: Callable[[Exception], bool]
) -> _Facts | None:
    found: dict[Metric, Measured] = {}
    failed: dict[Metric, str] = {}
    total = len(plan.scans)
    pending = list(plan.scans)[::-1]
    while pending:
        scan = pending.pop()
        try:
            with _told(engine, options.progress, total - len(pending) - 1, total):
                found.update((files if isinstance(scan.grain, FilesBelow) else engine).measure(scan))
        except EngineError as error:
            if error.__cause__ is not None and isinstance(error.__cause__, Exception) and recover(error.__cause__):
                return None
            if len(scan.metrics) == 1:
                failed[scan.metrics[0]] = _sentence(error)
            else:  # one expression spoils the whole query: find it, so that its neighbours are measured
                half = len(scan.metrics) // 2
                pending += [replace(scan, metrics=scan.metrics[half:]), replace(scan, metrics=scan.metrics[:half])]
                total += 1
    return _Facts(found, failed)


@contextmanager
def _told(engine: Engine, progress: Progress, done: int, total: int) -> Iterator[None]:
    """Tells how far a scan is until it ends."""
    progress("scanning", done, total)
    if progress is _silent:
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


# -- judge ---------------------------------------------------------------------------------------------


def _judge(bound: BoundRule, facts: _Facts, options: Options) -> Judgement:
    reasons = [facts.failed[metric] for metric in bound.metrics() if metric in facts.failed]
    if reasons:
        return Judgement(Verdict.ERROR, reasons[0])
    try:
        judgement = bound.judge(facts.found)
    except DqError as error:
        return Judgement(Verdict.ERROR, _sentence(error))
    if judgement.vacuous and options.fail_empty_scope:
        return replace(judgement, verdict=Verdict.FAILED, vacuous=False)
    return judgement


@dataclass(frozen=True, slots=True)
class _Samples:
    """Where failing rows are fetched, how many, and the columns that tell them apart."""

    engine: Engine
    options: Options
    key: tuple[str, ...]

    def of(self, judgement: Judgement, condition: Tree | None) -> tuple[FailingRows, str]:
        """The count of failing rows, some of them where the rule did not pass, and why they cannot be shown."""
        rows = FailingRows(*(judgement.failing or (0, 0)))
        failed = judgement.verdict is Verdict.FAILED
        if not (rows.count and self.options.samples and failed) or condition is None:
            return rows, ""
        self.options.progress("fetching failing rows", 0, 0)
        try:
            columns, sample = self.engine.sample(PRIMARY, condition, self.options.samples)
        except EngineError as error:  # a row may hold what no query can read
            return rows, f"the failing rows cannot be shown: {_sentence(error)}"
        if self.options.redact:
            sample = [tuple(map(shape_of, row)) for row in sample]
        return replace(rows, columns=columns, sample=tuple(sample), key=self.key), ""


def _detected_key(judged: Mapping[Rule, Judgement]) -> tuple[str, ...]:
    """The columns that tell rows apart: those of an IsPrimaryKey rule that passed on all rows."""
    passed = (rule for rule, each in judged.items() if rule.name == "IsPrimaryKey" and each.verdict is Verdict.PASSED)
    return next((tuple(word.value for word in rule.parameters) for rule in passed if not rule.where), ())


def _samples(
    prepared: Prepared, judged: Mapping[Rule, Judgement], facts: Mapping[Metric, Measured], shown: _Samples
) -> tuple[dict[Rule, FailingRows], dict[Rule, Judgement]]:
    """Failing rows by rule: their count, and some of them for rules that did not pass.

    And the judgements, with a note, of rules whose rows cannot be shown.
    """
    samples: dict[Rule, FailingRows] = {}
    hidden: dict[Rule, Judgement] = {}
    for rule, judgement in judged.items():
        if judgement.failing is None:
            continue
        bound = prepared.bound[rule]
        fetched = judgement.failing[0] and judgement.verdict is Verdict.FAILED
        samples[rule], note = shown.of(judgement, bound.example_rows(facts) if fetched else None)
        if note:
            hidden[rule] = replace(judgement, notes=(*judgement.notes, note))
    return samples, hidden


# -- composites by row ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _ByRow:
    """A composite judged row by row, or why it was not."""

    judgement: Judgement | None
    failing: FailingRows | None = None
    note: str = ""

    @property
    def measured(self) -> bool:
        """Whether it took a scan."""
        return self.judgement is not None


def _composites_by_row(ruleset: Ruleset, said: Mapping[Rule, Tree | None], shown: _Samples) -> dict[Composite, _ByRow]:
    """The composites at the top of a ruleset, judged row by row where that is possible."""
    found: dict[Composite, _ByRow] = {}
    for rule in ruleset.rules:
        if isinstance(rule, Composite):
            note = composites.refusal(rule, list(leaves([rule])), said)
            found[rule] = _ByRow(None, note=note) if note else _judge_by_row(composites.metric(rule, said), shown)
    return found


def _judge_by_row(metric: composites.RowsJudged, shown: _Samples) -> _ByRow:
    try:
        judgement = composites.judge(metric, shown.engine.measure(Scan(metric.grain, (metric,))))
    except EngineError as error:
        return _ByRow(Judgement(Verdict.ERROR, _sentence(error)))
    rows, note = shown.of(judgement, composites.failing_rows(metric))
    return _ByRow(judgement, rows if judgement.failing else None, note)


# -- history -------------------------------------------------------------------------------------------


def _place(ruleset: Ruleset, engine: Engine, now: datetime, options: Options) -> recall.Place:
    return recall.Place(options.dataset or recall.dataset_name(ruleset, engine), options.context, now)


def _remembered(
    ruleset: Ruleset,
    prepared: Prepared,
    judged: Mapping[Rule, Judgement],
    facts: _Facts,
    history: MetricHistory | None,
    now: datetime,
    engine: Engine,
    options: Options,
) -> tuple[dict[Rule, Judgement], tuple[Statistic, ...], tuple[str, ...]]:
    """Judgements that rest on history, the statistics of the analyzers, and notes; what was measured is kept."""
    place = _place(ruleset, engine, now, options)
    found, torn = recall.judge(
        prepared.bound, judged, facts.found, history, place, fail_cold_start=options.fail_cold_start
    )
    gathered = recall.statistics(ruleset, prepared.analyses, prepared.analyzer_problems, facts.found, facts.failed)
    gathered, more = recall.observed(gathered, history, place)
    notes = (*torn, *more, *recall.cold_starts(found), *recall.keep(history, place, found, gathered))
    return found, gathered, tuple(dict.fromkeys(notes))


# -- outcomes ------------------------------------------------------------------------------------------


def _outcome(
    expression: RuleExpression,
    ruleset: Ruleset,
    judged: Mapping[Rule, Judgement],
    samples: Mapping[Rule, FailingRows],
    by_row: Mapping[Composite, _ByRow],
) -> Outcome:
    """The outcome of a rule, or of a composite from those of its operands; a stack, since they nest without bound."""
    done: list[Outcome] = []
    pending: list[tuple[RuleExpression, bool]] = [(expression, False)]
    while pending:
        each, ready = pending.pop()
        if isinstance(each, Rule):
            done.append(_leaf(each, ruleset, judged[each], samples.get(each)))
        elif ready:
            parts = tuple(done[-len(each.operands) :])
            del done[-len(each.operands) :]
            done.append(_joined(each, ruleset, parts))
        else:
            pending.append((each, True))
            pending.extend((operand, False) for operand in reversed(each.operands))
    whole = _with_cold_notes(done[0])
    return _with_rows(whole, by_row[expression]) if isinstance(expression, Composite) and by_row else whole


def _with_rows(outcome: Outcome, by_row: _ByRow) -> Outcome:
    """The outcome of a composite with what its rows say in place of what its parts say."""
    judgement = by_row.judgement
    if judgement is None:
        return replace(outcome, notes=(*outcome.notes, by_row.note))
    return replace(
        outcome,
        verdict=judgement.verdict,
        reason=judgement.reason,
        measured=judgement.measured,
        expected=judgement.expected,
        failing=by_row.failing,
        notes=(*outcome.notes, "judged row by row", *([by_row.note] if by_row.note else ())),
    )


def _with_cold_notes(outcome: Outcome) -> Outcome:
    """A composite with what its parts say that found too little history: it must not hide it."""
    notes: dict[str, None] = {}
    pending = list(outcome.parts)
    while pending:
        part = pending.pop()
        pending += part.parts
        if not all(each.enough for each in part.history):
            notes |= dict.fromkeys(part.notes)
    return replace(outcome, notes=(*outcome.notes, *notes)) if notes else outcome


def _leaf(rule: Rule, ruleset: Ruleset, judgement: Judgement, failing: FailingRows | None) -> Outcome:
    return Outcome(
        rule,
        judgement.verdict,
        judgement.reason,
        judgement.measured,
        judgement.expected,
        judgement.metrics,
        labels_of(rule.labels, ruleset),
        judgement.notes,
        failing,
        line=ruleset.source.position(rule.span.start)[0],
        evaluated=judgement.evaluated,
        history=judgement.history,
    )


def _joined(composite: Composite, ruleset: Ruleset, parts: Sequence[Outcome]) -> Outcome:
    """`and`: fails if a part fails, else errs if one errs. `or`: passes if a part passes, else errs if one errs.

    Source: REFERENCE C.4. A part that failed says why; a composite that passed needs no reason.
    """
    deciding = Verdict.FAILED if composite.operator == "and" else Verdict.PASSED
    verdicts = {part.verdict for part in parts}
    if deciding in verdicts:
        verdict = deciding
    elif Verdict.ERROR in verdicts:
        verdict = Verdict.ERROR
    else:
        verdict = Verdict.PASSED if deciding is Verdict.FAILED else Verdict.FAILED
    reasons = [part.reason for part in parts if part.reason and not part.passed]
    return Outcome(
        composite,
        verdict,
        "" if verdict is Verdict.PASSED else "\n".join(dict.fromkeys(reasons)),
        f"{sum(part.passed for part in parts)} of {len(parts)} parts passed",
        "all parts" if composite.operator == "and" else "any part",
        {name: value for part in parts for name, value in part.metrics.items()},
        labels_of(composite.labels, ruleset),
        parts=tuple(parts),
        line=ruleset.source.position(composite.span.start)[0],
        evaluated=_evaluated(composite, parts),
    )


def _evaluated(composite: Composite, parts: Sequence[Outcome]) -> Composite | None:
    """The composite with what the functions of its parts came to; None when no part has any."""
    if all(part.evaluated is None for part in parts):
        return None
    return replace(composite, operands=tuple(part.evaluated or part.rule for part in parts))


def labels_of(own: Sequence[RuleLabel], ruleset: Ruleset) -> dict[str, str]:
    """The default labels with the rule's own on top (REFERENCE A.4)."""
    return {label.key: label.value for label in (*ruleset.default_labels, *own)}
