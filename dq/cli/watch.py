"""`dq watch`: files judged as they arrive."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dq.cli import files
from dq.cli.evaluate import progress_bar, ruleset_of
from dq.cli.headings import Command, option
from dq.cli.options import (
    DATA,
    DELIMITER,
    IN_HISTORY,
    INPUT_FORMAT,
    MEMORY_LIMIT,
    REDACT,
    REPORT,
    SAMPLES,
    THREADS,
    column_type,
    together,
)
from dq.cli.terminal import wants_color
from dq.diagnostics import DqError
from dq.gx.suites import Suite

if TYPE_CHECKING:
    from dq.outcomes import Evaluation
    from dq.stream.watching import Batch

WATCHING = "Watching"


@click.command("watch", short_help="Judge files as they arrive.", cls=Command)
@click.argument("ruleset", metavar="RULESET", type=click.Path(allow_dash=True))
@click.argument("path", metavar="PATH")
@option(
    "--data",
    "-d",
    multiple=True,
    metavar="ALIAS=PATH",
    heading=DATA,
    help="Another table that rules compare with; it is read anew for every batch.",
)
@INPUT_FORMAT
@option(
    "--type",
    "types",
    multiple=True,
    metavar="COLUMN=TYPE",
    heading=DATA,
    help="The SQL type of a column of CSV or JSON files, so that every batch has the same.",
)
@DELIMITER
@option(
    "--state",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    heading=WATCHING,
    help="What has been judged is kept here, so that the next run goes on from there; made if it is not there.",
)
@option(
    "--every",
    type=click.FloatRange(min=0.05),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    heading=WATCHING,
    help="How long to wait between two looks.",
)
@option("--once", is_flag=True, heading=WATCHING, help="Look once, judge what is there, and end.")
@option(
    "--until",
    type=click.IntRange(min=1),
    metavar="N",
    heading=WATCHING,
    help="End after so many batches, those of earlier runs included.",
)
@option(
    "--settled",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    heading=WATCHING,
    help="Take a file when it has not changed for so long.",
)
@option("--singly", is_flag=True, heading=WATCHING, help="Judge each file by itself, not all new ones together.")
@option("--stop-on-fail", is_flag=True, heading=WATCHING, help="End at the first batch in which a rule does not pass.")
@option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    heading=REPORT,
    help="json: a line for each batch, with the full reports of the batch and of all batches.",
)
@option(
    "--metrics",
    "port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    heading=REPORT,
    help="Serve verdicts and metrics in Prometheus' format at http://127.0.0.1:PORT/metrics; 0 for any free port.",
)
@SAMPLES
@REDACT
@option("--quiet", "-q", is_flag=True, heading=REPORT, help="Only batches in which a rule does not pass.")
@MEMORY_LIMIT
@THREADS
@together(*IN_HISTORY)
def command(
    ruleset: str,
    path: str,
    data: Sequence[str],
    input_format: str | None,
    types: Sequence[str],
    delimiter: str | None,
    state: str | None,
    every: float,
    once: bool,
    until: int | None,
    settled: float,
    singly: bool,
    stop_on_fail: bool,
    form: str,
    port: int | None,
    samples: int,
    redact: bool,
    quiet: bool,
    memory_limit: str | None,
    threads: int | None,
    history: str | None,
    context: str,
    dataset: str | None,
    fail_cold_start: bool,
) -> int:
    """Judge files as they arrive, each batch by itself and all of them together.

    PATH is a folder, a glob or a URL such as s3://landing/orders/ in which Parquet, CSV, JSON lines or Arrow files
    arrive under names of their own. What is new since the last look is a batch: it is read once, gets its verdict, and
    the verdict on everything that has come is merged from the states of the batches, without reading a file again.

    A file that cannot be read counts for nothing, is told, and is tried again when it changes. A file that changes
    after it was judged ends the command, and so does a state that another watcher uses.

    With --history, rules compare a batch with earlier batches, and all that has come with what had come before.

    \b
    dq watch orders.dqdl landing/orders/
    dq watch orders.dqdl 'landing/*.parquet' --state orders.state --once
    dq watch orders.dqdl s3://landing/orders/ --state orders.state --metrics 9464 --format json

    \b
    Exit codes: 0 every batch, and all together, passed; or nothing came
                1 a rule failed
                2 the ruleset or the command is wrong
                3 something could not be measured or read, or another watcher uses the state
    """  # noqa: D301 - click reads the backspace
    from dq.options import Options
    from dq.sources.options import ReadOptions
    from dq.stream.exporting import exporting
    from dq.stream.watching import Settings, Watcher

    with progress_bar(quiet) as progress:
        settings = Settings(
            references=dict(map(_reference, data)),
            read=ReadOptions(
                format=input_format,
                types=dict(map(column_type, types)),
                delimiter=delimiter,
            ),
            options=Options(
                samples=samples,
                redact=redact,
                progress=progress,
                history=history,
                context=context,
                dataset=dataset,
                fail_cold_start=fail_cold_start,
            ),
            memory_limit=memory_limit,
            threads=threads,
            settled=settled,
            singly=singly,
        )
        with Watcher(_ruleset(ruleset), path, settings, state=state) as watcher, exporting(port) as exporter:
            if exporter.port is not None:
                files.talk(f"metrics at http://127.0.0.1:{exporter.port}/metrics", quiet=quiet)
            worst = 0
            while True:
                for batch in watcher.look():
                    worst = max(worst, batch.exit_code)
                    exporter.tell(batch)
                    _show(batch, form, quiet=quiet)
                    if stop_on_fail and batch.exit_code:
                        return batch.exit_code
                    if until is not None and watcher.batches >= until:
                        return worst
                if once:
                    return worst
                time.sleep(every)


def _ruleset(word: str) -> Any:
    found = ruleset_of(word)
    if isinstance(found, Suite):
        raise click.UsageError(f"dq watch judges by a ruleset, and a suite becomes one: dq convert {word}")
    return found


def _reference(word: str) -> tuple[str, str]:
    alias, equals, path = word.partition("=")
    if not equals or alias == "primary":
        raise click.UsageError(f"--data wants ALIAS=PATH for a table beside the one under test, not `{word}`")
    return alias, path


# -- what is shown -------------------------------------------------------------------------------------


def _show(batch: Batch, form: str, *, quiet: bool) -> None:
    if form == "json":
        click.echo(json.dumps(report(batch), allow_nan=False, ensure_ascii=False))
    else:
        if batch.error:
            files.tell(DqError(f"{_named(batch)}: {batch.error.message}", help=batch.error.help))
        for line in lines(batch):
            if not (quiet and batch.exit_code == 0):
                click.secho(line, color=wants_color(sys.stdout))
    sys.stdout.flush()


def report(batch: Batch) -> dict[str, Any]:
    """A batch as data that JSON takes: the reports of the batch and of all batches, or why it was not read."""
    return {
        "batch": batch.number,
        "files": list(batch.files),
        "exit_code": batch.exit_code,
        "error": None if batch.error is None else {"message": batch.error.message, "help": batch.error.help},
        "evaluation": batch.evaluation.to_dict() if batch.evaluation else None,
        "total": batch.total.to_dict() if batch.total else None,
    }


def lines(batch: Batch) -> list[str]:
    """A line for the batch, one for all batches, and below each what is to be said of its rules."""
    if batch.evaluation is None or batch.total is None:
        return []
    told = [f"batch {batch.number}  {_named(batch)}  {_scored(batch.evaluation)}"]
    told += _remarkable(batch.evaluation)
    if batch.number > 1:
        told += [f"all {batch.number}  {_scored(batch.total)}", *_remarkable(batch.total)]
    return told


def _named(batch: Batch) -> str:
    first = batch.files[0].removeprefix(f"{Path.cwd()}/")
    return first if len(batch.files) == 1 else f"{len(batch.files):,} files from {first} on"


def _scored(evaluation: Evaluation) -> str:
    from dq.outcomes import Verdict

    passed, rules = evaluation.count(Verdict.PASSED), len(evaluation.outcomes)
    (rows,) = [each.rows for each in evaluation.tables if each.alias == "primary"] or [None]
    counted = f"{rows:,} {'row' if rows == 1 else 'rows'}  " if rows is not None else ""
    return f"{counted}{passed} of {rules} rules passed"


def _remarkable(evaluation: Evaluation) -> Iterator[str]:
    """What did not pass or was not measured, and every note, such as that a rule has passed for want of history."""
    from dq.render import words

    for each in evaluation.outcomes:
        if not each.passed or each.notes:
            yield f"  {each.verdict.value}  {words.visible(str(each.rule))}"
        if not each.passed:
            yield from (f"    {words.visible(line)}" for line in each.reason.splitlines())
        yield from (f"    note: {words.visible(note)}" for note in each.notes)
    for statistic in evaluation.statistics:
        if statistic.error:
            yield from (f"  ERROR  {words.visible(str(statistic.analyzer))}", f"    {words.visible(statistic.reason)}")
    for note in (*evaluation.notes, *(note for table in evaluation.tables for note in table.notes)):
        yield f"  note: {words.visible(note)}"
