"""`dq evaluate`: the main job."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dq.cli.terminal import wants_color
from dq.diagnostics import DqError

if TYPE_CHECKING:
    from dq.evaluation import Progress
    from dq.outcomes import Evaluation
    from dq.sources.options import ReadOptions

FORMATS = ("text", "json", "html")
SUFFIXES = {".txt": "text", ".json": "json", ".html": "html", ".htm": "html"}


def data_options(command: Any) -> Any:
    """The options that say what is read and how; `dq evaluate` and `dq explain` share them."""
    options = [
        click.argument("words", nargs=-1, metavar="[RULESET] [DATA]", type=click.Path()),
        click.option(
            "--data",
            "-d",
            multiple=True,
            metavar="[ALIAS=]PATH",
            help="A table: a file, folder or glob. Without an alias it is `primary`, the table under test.",
        ),
        click.option(
            "--rule", "-r", multiple=True, metavar="RULE", help="A rule to evaluate; no RULESET is needed then."
        ),
        click.option(
            "--input-format",
            type=click.Choice(["parquet", "csv", "json", "arrow"]),
            help="The format of the files, where name and content do not tell.",
        ),
        click.option("--delimiter", metavar="CHAR", help="CSV: what separates the fields."),
        click.option("--quote", metavar="CHAR", help="CSV: what quotes a field."),
        click.option("--null", metavar="TEXT", help="CSV: text that means NULL, such as NA."),
        click.option("--header/--no-header", default=None, help="CSV: whether the first line names the columns."),
        click.option("--encoding", metavar="NAME", help="CSV: the encoding, such as latin-1."),
        click.option("--all-text", is_flag=True, help="CSV: read every column as text."),
        click.option("--type", "types", multiple=True, metavar="COLUMN=TYPE", help="The SQL type of a column."),
        click.option("--memory-limit", metavar="SIZE", help="How much memory the engine may use, such as 2GB."),
        click.option("--threads", type=click.IntRange(min=1), metavar="N", help="How many threads it may use."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command(short_help="Judge data by a ruleset.")
@data_options
@click.option("--format", "form", type=click.Choice(FORMATS), help="The format on standard output.  [default: text]")
@click.option(
    "--output",
    "-o",
    multiple=True,
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write a report here too; .txt, .json or .html says which. With --format, in that format, and only here.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="N",
    help="Failing rows shown per rule.",
)
@click.option("--now", metavar="TIME", help="The instant that now() means, ISO 8601; UTC without a zone.")
@click.option(
    "--fail-empty-scope", is_flag=True, help="Fail rules whose where clause keeps no row, instead of passing."
)
@click.option(
    "--history",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="What earlier runs measured, and where this one leaves its metrics; made if it is not there.",
)
@click.option(
    "--context",
    default="default_context",
    show_default=True,
    metavar="NAME",
    help="The name of this evaluation, which keeps its history apart.",
)
@click.option("--dataset", metavar="NAME", help="What the history calls the table under test.  [default: its path]")
@click.option(
    "--fail-cold-start", is_flag=True, help="Fail rules that find too little history, instead of passing with a note."
)
@click.option("--quiet", "-q", is_flag=True, help="Only the rules that did not pass, and the score.")
@click.option("--verbose", "-v", is_flag=True, help="All metrics, parts of composites, samples of failing rows.")
def command(
    words: Sequence[str],
    data: Sequence[str],
    rule: Sequence[str],
    form: str | None,
    output: Sequence[str],
    samples: int,
    now: str | None,
    fail_empty_scope: bool,
    history: str | None,
    context: str,
    dataset: str | None,
    fail_cold_start: bool,
    quiet: bool,
    verbose: bool,
    **reading: Any,
) -> int:
    r"""Judge data by a ruleset: a verdict and a reason for every rule, and a score.

    \b
    dq evaluate orders.dqdl orders.parquet
    dq evaluate orders.dqdl --data primary=orders.csv --data customers=customers.csv
    dq evaluate --rule 'IsComplete "email"' --rule 'RowCount > 0' orders.parquet
    dq evaluate orders.dqdl 'orders/**/*.parquet' -o report.html -o report.json

    Parquet, CSV, JSON lines and Arrow files, folders and globs of them, with hive partitions. The exit code
    is 0 if all rules passed, 1 if a rule failed, 2 if the ruleset or the command is wrong, 3 if something
    could not be measured.
    """
    from dq.evaluation import Options, evaluate

    ruleset, tables = sort_words(words, data, rule)
    places = destinations(output, form)
    with progress_bar(quiet) as progress:
        options = Options(
            samples=samples,
            fail_empty_scope=fail_empty_scope,
            now=_instant(now),
            progress=progress,
            history=history,
            context=context,
            dataset=dataset,
            fail_cold_start=fail_cold_start,
        )
        evaluation = evaluate(
            ruleset,
            tables,
            read=read_options(reading),
            options=options,
            memory_limit=reading["memory_limit"],
            threads=reading["threads"],
        )
    for path, kind in places:
        _write(path, rendered(evaluation, kind, verbose=verbose, quiet=quiet))
        click.echo(f"wrote {path}", err=True)
    if not (form and output):
        _print(evaluation, form or "text", verbose=verbose, quiet=quiet)
    return evaluation.exit_code


# -- what is read --------------------------------------------------------------------------------------


def sort_words(words: Sequence[str], data: Sequence[str], rules: Sequence[str]) -> tuple[Any, dict[str, Any]]:
    """The ruleset and the tables by alias, from the words of the command line."""
    rest = list(words)
    if rules:
        ruleset: Any = parse_rules(rules)
    elif rest:
        ruleset = Path(rest.pop(0))
    else:
        raise click.UsageError("no ruleset: name a .dqdl file, or give rules with --rule")
    if len(rest) > 1:
        raise click.UsageError(f"one DATA is enough, and {len(rest)} are given; use --data ALIAS=PATH for references")
    tables: dict[str, Any] = {}
    for alias, path in [*(("primary", word) for word in rest), *map(_alias, data)]:
        if alias in tables:
            raise click.UsageError(f"the alias `{alias}` is given twice")
        tables[alias] = path
    if not tables:
        raise click.UsageError("no data: name a file, or use --data PATH")
    return ruleset, tables


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


def read_options(reading: dict[str, Any]) -> ReadOptions:
    """How files are read, as the options of the command say."""
    from dq.sources.options import ReadOptions

    types = {}
    for each in reading["types"]:
        name, equals, kind = each.rpartition("=")
        if not equals:
            raise click.UsageError(f"--type wants COLUMN=TYPE, and `{each}` has no equals sign")
        types[name] = kind
    return ReadOptions(
        format=reading["input_format"],
        delimiter=reading["delimiter"],
        quote=reading["quote"],
        nullstr=reading["null"],
        header=reading["header"],
        encoding=reading["encoding"],
        all_text=reading["all_text"],
        types=types,
    )


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
    places = []
    for each in output:
        path = Path(each)
        kind = form or SUFFIXES.get(path.suffix.lower())
        if kind is None:
            raise click.UsageError(f"`{each}` does not say its format: end it in .txt, .json or .html, or use --format")
        if not path.parent.is_dir():
            raise click.UsageError(f"the folder of `{each}` does not exist")
        places.append((path, kind))
    return places


def rendered(evaluation: Evaluation, form: str, *, verbose: bool, quiet: bool, to_stdout: bool = False) -> str:
    """The report as text, ended by a line feed."""
    if form == "json":
        return evaluation.to_json() + "\n"
    if form == "html":
        return evaluation.to_html()
    from dq.render import text

    signs = text.signs_for(sys.stdout.encoding if to_stdout else "utf-8")
    return text.render(evaluation, verbose=verbose, quiet=quiet, signs=signs) + "\n"


def _print(evaluation: Evaluation, form: str, *, verbose: bool, quiet: bool) -> None:
    if form != "text":
        click.echo(rendered(evaluation, form, verbose=verbose, quiet=quiet, to_stdout=True), nl=False)
    elif sys.stdout.isatty() or wants_color(sys.stdout):
        from rich.console import Console

        from dq.render import text

        text.print_report(evaluation, Console(), verbose=verbose, quiet=quiet)
    else:
        click.echo(rendered(evaluation, form, verbose=verbose, quiet=quiet, to_stdout=True), nl=False)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DqError(f"cannot write `{path}`: {error.strerror}") from error


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """Shows on a terminal what is being done, and nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda step, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def update(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total or None)

        yield update
