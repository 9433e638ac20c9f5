"""Evaluate: the one function that users call."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dq import recall
from dq.catalog.base import NamedTable
from dq.diagnostics import DqError
from dq.engines.base import Engine, Frames
from dq.engines.opening import Opened, Request
from dq.engines.opening import opened as opened_on
from dq.files.measuring import FileScans
from dq.files.places import Roots
from dq.history import opened
from dq.judging import Samples, composites_by_row, detected_key, judge, outcome_of, redacted, remembered, samples_of
from dq.language import Dialect, parse
from dq.measuring import Facts, Prepared, measure
from dq.metrics import Count, Measured, Metric, Size
from dq.names import PRIMARY, find_column
from dq.options import Options
from dq.outcomes import Evaluation, TableRead, Verdict
from dq.redaction import in_sentence
from dq.rows.labels import Label, joined, leaf
from dq.rows.source import RowSource
from dq.rules.base import Judgement
from dq.schema import Schema
from dq.sources.options import NO_DATA
from dq.syntax import Ruleset

if TYPE_CHECKING:
    from dq.sources.options import ReadOptions


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
    if os.path.isfile(text):  # noqa: PTH113 - of a text that is too long for a name, Path.is_file raises
        return True
    return text.endswith(".dqdl") and not {"\n", "["} & set(text)


def evaluate(
    ruleset: Ruleset | str | os.PathLike[str],
    data: Any = NO_DATA,
    *,
    engine: str | None = None,
    read: ReadOptions | Mapping[str, ReadOptions] | None = None,
    options: Options | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    time_limit: float | None = None,
) -> Evaluation:
    """Evaluate a ruleset on data: the verdict on every rule, the score, and why.

    Args:
        ruleset: a path, the text of a ruleset, or a parsed one.
        data: a path, a table in memory (pandas, Polars, Arrow, DuckDB relation), a Ray Dataset, a table by name
            (`dq.table`), or a mapping from alias to any of them, where `primary` is the table under test. May be left
            out when all rules are about files, and when a project tells which tables the ruleset is for.
        engine: one of `dq.engines.opening.ENGINES`; by default the one for the data, which is `duckdb` for all
            but the tables of another engine.
        read: how files are read, for all or by alias.
        options: samples, the instant of evaluation, history, progress.
        memory_limit: how much memory the engine may use, such as `2GB`.
        threads: how many threads the engine may use.
        time_limit: how many seconds one scan may take; the rules of a scan that takes longer are ERROR outcomes.

    Raises:
        DqError: for a ruleset with errors, and (`DataError`) for data that cannot be read. A rule that cannot
            be measured does not raise: its outcome is ERROR.
    """
    parsed = load(ruleset)
    data = given_or_named(parsed, data)
    options = _by_name(data, options or Options())
    with opened_on(engine, Request(data, read, memory_limit, threads, time_limit, options.progress)) as on:
        evaluation = evaluate_on(parsed, on, options)
    return replace(evaluation, notes=(*evaluation.notes, *_nameless(data, options, evaluation)))


def evaluate_on(
    ruleset: Ruleset,
    on: Opened,
    options: Options,
    observe: Callable[[Prepared, Facts], None] = lambda prepared, facts: None,
) -> Evaluation:
    """Evaluate on an engine that is open; `observe` is told what was measured, before it is judged."""
    scans = FileScans(roots(on.folders, options), on.paths, on.engine, options.progress)
    evaluation = run(ruleset, on.engine, options, recover=on.recover, files=scans, observe=observe)
    source = evaluation.source
    return replace(evaluation, source=replace(source, open=on.again) if source else None)


def given_or_named(ruleset: Ruleset, data: Any) -> Any:
    """The data that is given, else the tables of the project that the ruleset is for, else no data."""
    if data is not NO_DATA:
        return data
    from dq.project.resolving import tables_of

    return tables_of(ruleset) or NO_DATA


def _by_name(data: Any, options: Options) -> Options:
    """Options in which a table that has a name goes by it in its history."""
    primary = data.get(PRIMARY) if isinstance(data, Mapping) else data
    if options.dataset is not None or not isinstance(primary, NamedTable):
        return options
    return replace(options, dataset=primary.name)


def roots(folders: Iterable[str], options: Options) -> Roots:
    """Where a ruleset may look for files."""
    given = options.allow_paths
    allowed = [given] if isinstance(given, str | os.PathLike) else given
    return Roots(folders, [os.fspath(each) for each in allowed])


def _nameless(data: Any, options: Options, evaluation: Evaluation) -> tuple[str, ...]:
    """A note when history goes by a name that other tables have too: only a path is one of its own."""
    primary = data.get(PRIMARY) if isinstance(data, Mapping) else data
    if options.history is None or options.dataset or isinstance(primary, str | os.PathLike):
        return ()
    names = [recall.without_file_count(table.description) for table in evaluation.tables if table.alias == PRIMARY]
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
    observe: Callable[[Prepared, Facts], None] = lambda prepared, facts: None,
) -> Evaluation:
    """Evaluate on an engine; scans of files are measured beside it.

    `recover` is asked when a scan fails: True means that the tables have changed so that it is worth another
    try, such as a CSV column that became text. `observe` is told what was measured, before it is judged.
    """
    started = datetime.now(UTC)
    clock = time.perf_counter()
    now = _aware(options.now) if options.now else started
    history = opened(options.history)
    if history is not None:
        history.check()
    files = files or FileScans(roots((), options), None, engine, options.progress)
    prepared, facts = measure(ruleset, engine, files, now, options, recover)
    observe(prepared, facts)
    schema = engine.schemas().get(PRIMARY, Schema(()))
    key = tuple(find_column(name, schema).name for name in options.key)
    judged = {rule: judge(bound, facts, options) for rule, bound in prepared.bound.items()}
    judged, statistics, notes = remembered(ruleset, prepared, judged, facts, history, now, engine, options)
    failures = {rule: Judgement(Verdict.ERROR, reason) for rule, reason in prepared.problems.items()}
    shown = Samples(engine, options, key or detected_key(judged))
    samples, hidden = samples_of(prepared, judged, facts.found, shown)
    judged = {**judged, **hidden}
    told = redacted({**judged, **failures}) if options.redact else {**judged, **failures}
    said = {
        rule: leaf(bound, facts.found, skip_filtered=options.filtered_rows == "skipped")
        for rule, bound in prepared.bound.items()
        if judged[rule].verdict is not Verdict.ERROR
    }
    by_row = composites_by_row(ruleset, judged, said, shown) if options.composites == "row" else {}
    outcomes = tuple(outcome_of(rule, ruleset, told, samples, by_row) for rule in ruleset.rules)
    rows = facts.found.get(Size())
    labels = tuple(Label(rule, joined(rule, said)) for rule in ruleset.rules)
    return Evaluation(
        ruleset,
        outcomes,
        tuple(_read(alias, engine, facts.found, options) for alias in engine.schemas()),
        started,
        time.perf_counter() - clock,
        len(prepared.plan.scans) + sum(each.measured for each in by_row.values()),
        engine.name,
        ruleset.source.name,
        notes,
        statistics,
        RowSource(
            labels,
            lambda: nullcontext(engine),
            rows.n if isinstance(rows, Count) else None,
            isinstance(engine, Frames),
        )
        if PRIMARY in engine.schemas()
        else None,
    )


def _read(alias: str, engine: Engine, facts: Mapping[Metric, Measured], options: Options) -> TableRead:
    """What is known of a table, its rows too where a scan has counted them."""
    read = engine.read(alias)
    size = Size(table=alias)
    rows = facts[size].value() if size in facts else read.rows
    notes = tuple(map(in_sentence, read.notes)) if options.redact else read.notes
    return replace(read, rows=rows if isinstance(rows, int) else None, notes=notes)


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
