"""`dq evaluate`: the main job."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from dq.cli import WRONG, files
from dq.cli.files import STDIN, SUFFIX, File
from dq.cli.headings import Command, option
from dq.cli.options import (
    CSV,
    DATA,
    DELIMITER,
    IN_HISTORY,
    INPUT_FORMAT,
    JUDGING,
    MEMORY_LIMIT,
    REDACT,
    REPORT,
    SAMPLES,
    THREADS,
    column_type,
    together,
)
from dq.cli.tables import OPTIONS, Wanted, complete_check, complete_table, complete_tag, resolve
from dq.cli.terminal import wants_color
from dq.diagnostics import DqError
from dq.engines.opening import ENGINES
from dq.files.names import without_query
from dq.gx.suites import Suite, evaluator, is_suite_file, read_suite
from dq.sources.files import format_of_name, is_remote
from dq.sources.options import NO_DATA

if TYPE_CHECKING:
    from dq.options import Progress
    from dq.outcomes import Evaluation
    from dq.sources.options import ReadOptions

FORMATS = ("text", "json", "html", "gx")
SUFFIXES = {".txt": "text", ".json": "json", ".html": "html", ".htm": "html"}
CHECKS, ENGINE, ROWS = "Checks of dq.toml", "Engine", "Rows, to .parquet or .csv files"


def data_options(command: Any) -> Any:
    """The options that say what is read and how; `dq evaluate` and `dq explain` share them."""
    options = [
        click.argument("words", nargs=-1, metavar="[RULESET] [DATA]", type=click.Path(allow_dash=True)),
        option(
            "--data",
            "-d",
            multiple=True,
            metavar="[ALIAS=]PATH",
            heading=DATA,
            shell_complete=complete_table,
            help="A table: a file, folder or glob, or a name. Without an alias it is `primary`, the table under test.",
        ),
        option(
            "--rule",
            "-r",
            multiple=True,
            metavar="RULE",
            heading=DATA,
            help="A rule to evaluate; no RULESET is needed then.",
        ),
        *OPTIONS,
        INPUT_FORMAT,
        option(
            "--type",
            "types",
            multiple=True,
            metavar="[ALIAS.]COLUMN=TYPE",
            heading=DATA,
            help="The SQL type of a column of a CSV or JSON table, such as zip=VARCHAR.",
        ),
        option(
            "--hive/--no-hive",
            default=None,
            heading=DATA,
            help="Whether folders named key=value are columns.  [default: those below a folder or glob are]",
        ),
        DELIMITER,
        option("--quote", metavar="CHAR", heading=CSV, help="What quotes a field; '' for nothing."),
        option("--escape", metavar="CHAR", heading=CSV, help="What stands before a quote inside of a quoted field."),
        option("--header/--no-header", default=None, heading=CSV, help="Whether the first line names the columns."),
        option(
            "--skip",
            type=click.IntRange(min=0),
            metavar="N",
            heading=CSV,
            help="How many lines stand before the table.",
        ),
        option(
            "--null",
            multiple=True,
            metavar="TEXT",
            heading=CSV,
            help="An unquoted text that means NULL, such as NA. May be repeated.",
        ),
        option("--encoding", metavar="NAME", heading=CSV, help="utf-8, utf-16 or latin-1."),
        option("--date-format", metavar="FORMAT", heading=CSV, help="How dates are written, such as %d/%m/%Y."),
        option(
            "--timestamp-format",
            metavar="FORMAT",
            heading=CSV,
            help="How timestamps are written, such as '%d/%m/%Y %H:%M'.",
        ),
        option("--all-text", is_flag=True, heading=CSV, help="Read every column as text."),
        option(
            "--engine",
            type=click.Choice(list(ENGINES)),
            heading=ENGINE,
            help="What measures.  [default: duckdb]",
        ),
        option(
            "--master",
            metavar="URL",
            heading=ENGINE,
            help="Where Spark runs, such as local[4], yarn, or sc://host:15002 for Spark Connect.",
        ),
    ]
    return together(*options)(command)


@click.command(short_help="Judge data by a ruleset.", cls=Command)
@data_options
@option(
    "--check",
    "checks",
    multiple=True,
    metavar="NAME",
    heading=CHECKS,
    shell_complete=complete_check,
    help="A check to run, by its name. May be repeated.  [default: all]",
)
@option(
    "--tag",
    "tags",
    multiple=True,
    metavar="TAG",
    heading=CHECKS,
    shell_complete=complete_tag,
    help="Run the checks that have this tag. May be repeated.",
)
@option(
    "--fail-empty-scope",
    is_flag=True,
    heading=JUDGING,
    help="Fail rules whose where clause keeps no row, instead of passing.",
)
@option(
    "--allow-path",
    "allow_paths",
    multiple=True,
    metavar="ROOT",
    heading=JUDGING,
    help="A folder or URL prefix below which the ruleset may name files, beside the data's folders and this one.",
)
@option(
    "--composites",
    type=click.Choice(["column", "row"]),
    default="column",
    show_default=True,
    heading=JUDGING,
    help="Judge composite rules by the verdicts of their parts, or row by row.",
)
@option(
    "--now",
    metavar="TIME",
    heading=JUDGING,
    help="The instant that now() means, ISO 8601; UTC without a zone.  [default: the present]",
)
@MEMORY_LIMIT
@option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    heading=JUDGING,
    help="How long one scan may take; the rules of one that takes longer are in error.",
)
@THREADS
@option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    heading=REPORT,
    help="The format on standard output, and of a FILE whose suffix does not say it.  [default: text]",
)
@option(
    "--output",
    "-o",
    multiple=True,
    type=click.Path(dir_okay=False),
    metavar="FILE",
    heading=REPORT,
    help="Write a report to a file too, by its suffix: .txt, .json, .html or .gx.json. May be repeated.",
)
@SAMPLES
@option(
    "--key",
    metavar="COLUMN,…",
    heading=REPORT,
    help="The columns that tell rows apart; samples show them first.  [default: those of a passed IsPrimaryKey]",
)
@REDACT
@option(
    "--rows",
    metavar="FILE",
    heading=ROWS,
    help="Write every row with the rules that it passes and fails, and those that say nothing of it.",
)
@option("--passed", metavar="FILE", heading=ROWS, help="Write the rows that fail no rule.")
@option("--failed", metavar="FILE", heading=ROWS, help="Write the rows that fail a rule: a quarantine.")
@option(
    "--filtered-rows",
    type=click.Choice(["passed", "skipped"]),
    default="passed",
    show_default=True,
    heading=ROWS,
    help="Whether rows outside of a rule's where clause have passed it.",
)
@option("--quiet", "-q", is_flag=True, heading=REPORT, help="Only the rules that did not pass, and the score.")
@option(
    "--verbose",
    "-v",
    is_flag=True,
    heading=REPORT,
    help="All metrics, parts of composites, samples of failing rows.",
)
@together(*IN_HISTORY)
def command(
    words: Sequence[str],
    data: Sequence[str],
    rule: Sequence[str],
    form: str | None,
    output: Sequence[str],
    samples: int,
    key: str | None,
    redact: bool,
    rows: str | None,
    passed: str | None,
    failed: str | None,
    composites: Literal["column", "row"],
    filtered_rows: Literal["passed", "skipped"],
    now: str | None,
    fail_empty_scope: bool,
    allow_paths: Sequence[str],
    history: str | None,
    context: str,
    dataset: str | None,
    fail_cold_start: bool,
    quiet: bool,
    verbose: bool,
    memory_limit: str | None,
    threads: int | None,
    time_limit: float | None,
    checks: Sequence[str],
    tags: Sequence[str],
    **reading: Any,
) -> int:
    """Judge data by a ruleset: a verdict and a reason for every rule, and a score.

    RULESET is a .dqdl file, the JSON of a suite of Great Expectations, or - for standard input. DATA is a file, a
    folder or a glob of Parquet, CSV, JSON lines or Arrow files, compressed and hive-partitioned ones too, here or at a
    URL such as s3://bucket/orders/, or the name of a table of dq.toml. Types and dialects of CSV files are found by
    looking; the options overrule that. A ruleset of nothing but rules about files needs no DATA, nor does one that
    says which table it is for.

    Without RULESET, the checks of dq.toml are run, in their order; options given here come before what it says.

    \b
    dq evaluate
    dq evaluate --tag daily -o report.json
    dq evaluate orders.dqdl --table lake.sales.orders --partition dt=latest
    dq evaluate orders.dqdl orders.parquet
    dq evaluate --rule 'IsComplete "email"' --rule 'RowCount > 0' orders.csv
    dq evaluate orders.dqdl 'orders/**/*.parquet' -o report.html -o report.json
    dq evaluate orders.dqdl --data orders.csv --data customers=customers.csv
    dq evaluate orders.dqdl orders.csv --delimiter ';' --date-format %d/%m/%Y
    dq evaluate orders.dqdl orders.parquet --passed good.parquet --failed bad.parquet
    dq evaluate arrived.dqdl --allow-path s3://landing/orders

    \b
    Exit codes: 0 all passed
                1 a rule failed
                2 the ruleset or the command is wrong, or a report cannot be written
                3 something could not be measured or read
    """  # noqa: D301 - click reads the backspace
    from dq.options import Options

    wanted = Wanted.of(reading)
    places = destinations(output, form)
    _check_rows(rows, passed, failed)
    if checks or tags or not (words or data or rule or wanted.table):
        if words or data or rule or wanted.table:
            raise click.UsageError(
                "checks have their rulesets and tables in dq.toml: name either, or --check and --tag"
            )
        if form == "gx" or "gx" in (kind for _, kind in places):
            raise click.UsageError("a result for Data Docs is for one evaluation: name a ruleset, or a suite")
        from dq.cli.checks import Report, run_checks

        return run_checks(wanted, checks, tags, reading, Report(tuple(places), form, verbose, quiet), _instant(now))
    ruleset, named = sort_words(words, data, rule)
    if isinstance(ruleset, Suite) and not (named or wanted.table):
        raise click.UsageError("a suite does not say which table it is for: name DATA")
    ruleset, tables = resolve(ruleset, named, wanted)
    with progress_bar(quiet) as progress:
        options = Options(
            samples=samples,
            fail_empty_scope=fail_empty_scope,
            now=_instant(now),
            progress=progress,
            composites=composites,
            filtered_rows=filtered_rows,
            key=tuple(each.strip() for each in (key or "").split(",") if each.strip()),
            redact=redact,
            allow_paths=allow_paths,
            history=history,
            context=context,
            dataset=dataset,
            fail_cold_start=fail_cold_start,
        )
        evaluation = evaluator(ruleset)(
            ruleset,
            tables,
            read=read_options(reading, tables),
            options=options,
            engine=chosen_engine(reading),
            memory_limit=memory_limit,
            threads=threads,
            time_limit=time_limit,
        )
        written_rows = write_rows(evaluation, {"rows": rows, "passed": passed, "failed": failed}, progress)
    written = [write(path, rendered(evaluation, kind, verbose=verbose, quiet=quiet)) for path, kind in places]
    if form is None or form not in {kind for _, kind in places}:
        print_report(evaluation, form or "text", verbose=verbose, quiet=quiet)
    return evaluation.exit_code if all([*written, written_rows]) else WRONG


# -- what is read --------------------------------------------------------------------------------------


def sort_words(words: Sequence[str], data: Sequence[str], rules: Sequence[str]) -> tuple[Any, dict[str, str]]:
    """The ruleset, and what names each table by its alias, from the words of the command line."""
    rest = list(words)
    if named := [word for word in rest if _is_ruleset(word)]:
        if rules:
            raise click.UsageError(f"the rules come from `{named[0]}` or from --rule, not from both")
        if not _is_ruleset(rest[0]):
            raise click.UsageError(f"the ruleset comes first: dq evaluate {named[0]} {without_query(rest[0])}")
    if rules:
        ruleset: Any = parse_rules(rules)
    elif rest and (named or not (len(rest) == 1 and (is_remote(rest[0]) or format_of_name(rest[0])))):
        ruleset = ruleset_of(rest.pop(0))
    else:
        found = f", and `{without_query(rest[0])}` is data" if rest else ""
        raise click.UsageError(f"no ruleset: name a .dqdl file, or give rules with --rule{found}")
    if len(rest) > 1:
        raise click.UsageError(
            f"one DATA is enough, and {len(rest)} are given; use --data ALIAS=PATH for references,"
            " and for a table of many files a glob in quotes, so that the shell leaves it alone"
        )
    tables: dict[str, str] = {}
    for alias, path in [*(("primary", word) for word in rest), *map(_alias, data)]:
        if alias in tables:
            raise click.UsageError(f"the alias `{alias}` is given twice")
        tables[alias] = path
    return ruleset, tables


def _is_ruleset(word: str) -> bool:
    return word == STDIN or (not is_remote(word) and (word.lower().endswith(SUFFIX) or is_suite_file(word)))


def ruleset_of(word: str) -> Any:
    """A path, a suite of Great Expectations, or what standard input holds of either."""
    if is_remote(word):
        raise click.UsageError(f"`{without_query(word)}` cannot be a ruleset: that is a file of this machine")
    if word != STDIN:
        return read_suite(word) if word.lower().endswith(".json") else Path(word)
    from dq.language import parse

    file = File(word)
    text = file.read()
    return read_suite(text, name=file.name) if text.lstrip().startswith("{") else parse(text, name=file.name)


def parse_rules(rules: Sequence[str]) -> Any:
    """The rules of `--rule` as one ruleset; a complete ruleset text is taken as it is."""
    from dq.language import parse, parse_rule

    if len(rules) == 1 and rules[0].lstrip().startswith(("Rules", "Analyzers", "Metadata")):
        return parse(rules[0], name="--rule")
    if len(rules) == 1:
        return parse_rule(rules[0], name="--rule")
    for each in rules:
        parse_rule(each, name="--rule")
    return parse("Rules = [\n    {}\n]\n".format(",\n    ".join(rules)), name="--rule")


def _alias(word: str) -> tuple[str, str]:
    alias, equals, path = word.partition("=")
    if not equals or Path(word).exists() or "/" in alias:
        return "primary", word
    return alias, path


def read_options(reading: dict[str, Any], tables: Any) -> dict[str, ReadOptions]:
    """How the files of each table are read: its own types, and the rest as for all tables."""
    from dq.sources.options import ReadOptions

    aliases = () if tables is NO_DATA else tuple(tables)
    options = ReadOptions(
        format=reading["input_format"],
        hive_partitioning=reading["hive"],
        delimiter=reading["delimiter"],
        quote=reading["quote"],
        escape=reading["escape"],
        nullstr=reading["null"],
        header=reading["header"],
        skip=reading["skip"],
        encoding=reading["encoding"],
        date_format=reading["date_format"],
        timestamp_format=reading["timestamp_format"],
        all_text=reading["all_text"],
    )
    types: dict[str, dict[str, str]] = {alias: {} for alias in aliases}
    for each in reading["types"]:
        name, kind = column_type(each)
        alias, dot, column = name.partition(".")
        of_alias = dot and alias in aliases
        types.setdefault(alias if of_alias else "primary", {})[column if of_alias else name] = kind
    return {alias: replace(options, types=types[alias]) for alias in aliases}


def chosen_engine(reading: Mapping[str, Any]) -> str | None:
    """The engine that is asked for; Spark is started where it shall run."""
    engine: str | None = reading["engine"]
    if reading["master"] is not None:
        if engine != "spark":
            raise click.UsageError("--master says where Spark runs: add --engine spark")
        from dq.spark.session import start

        start(reading["master"])
    return engine


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--now wants an ISO 8601 time such as 2024-01-31T12:00:00Z, not `{text}`") from None


# -- what is written -----------------------------------------------------------------------------------


def destinations(output: Sequence[str], form: str | None) -> list[tuple[Path, str]]:
    """Each file with its format, asked before anything is read."""
    places: list[tuple[Path, str]] = []
    for each in output:
        path = Path(each)
        kind = "gx" if path.name.lower().endswith(".gx.json") else SUFFIXES.get(path.suffix.lower(), form)
        if kind is None:
            raise click.UsageError(f"`{each}` does not say its format: end it in .txt, .json or .html, or use --format")
        if not path.parent.is_dir():
            raise click.UsageError(f"the folder of `{each}` does not exist")
        if path in (other for other, _ in places):
            raise click.UsageError(f"`{each}` is given twice: a report would replace the other")
        places.append((path, kind))
    return places


def _check_rows(rows: str | None, passed: str | None, failed: str | None) -> None:
    """Refuse files of rows that cannot be written, before anything is read."""
    if rows or passed or failed:
        from dq.rows.files import wanted

        wanted(rows, passed, failed)


def write_rows(evaluation: Evaluation, wanted: Mapping[str, str | None], progress: Progress) -> bool:
    """Write the files of rows that were asked for; False, with a message, if that failed."""
    if not any(wanted.values()):
        return True
    total = next((table.rows for table in evaluation.tables if table.alias == "primary"), None) or 0
    try:
        written = evaluation.write_rows(**wanted, progress=lambda done: progress("writing rows", done, total))
    except DqError as error:  # the reports are worth having all the same
        files.tell(error)
        return False
    for name, count in written.items():
        files.talk(f"wrote {name} ({count:,} {'row' if count == 1 else 'rows'})")
    return True


def rendered(evaluation: Evaluation, form: str, *, verbose: bool, quiet: bool, to_stdout: bool = False) -> str:
    """The report as text, ended by a line feed."""
    if form == "json":
        return evaluation.to_json() + "\n"
    if form == "html":
        return evaluation.to_html()
    if form == "gx":
        from dq.render import gx

        return gx.render(evaluation) + "\n"
    from dq.render import text

    signs = text.signs_for(sys.stdout.encoding if to_stdout else "utf-8")
    return text.render(evaluation, verbose=verbose, quiet=quiet, signs=signs) + "\n"


def print_report(evaluation: Evaluation, form: str, *, verbose: bool, quiet: bool) -> None:
    """Write the report to standard output, in colour if that is wanted."""
    if form != "text":
        click.echo(rendered(evaluation, form, verbose=verbose, quiet=quiet, to_stdout=True), nl=False)
    elif sys.stdout.isatty() or wants_color(sys.stdout):
        from rich.console import Console

        from dq.render import text

        text.print_report(evaluation, Console(), verbose=verbose, quiet=quiet)
    else:
        click.echo(rendered(evaluation, form, verbose=verbose, quiet=quiet, to_stdout=True), nl=False)


def write(path: Path, text: str) -> bool:
    """Write a report, and say so; one that cannot be written does not keep the others from it."""
    try:
        files.replace(str(path), text.encode("utf-8", "backslashreplace"))
    except DqError as error:
        files.tell(error)
        return False
    click.echo(f"wrote {path}", err=True)
    return True


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """Shows on a terminal what is being done, and nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda step, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def update(step: str, done: float, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total or None)

        yield update
