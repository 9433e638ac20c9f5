"""`dq convert`: suites of Great Expectations to rulesets, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import click

from dq.cli.files import STDIN, File, replace, talk
from dq.diagnostics import DqError
from dq.gx.reports import Report

EXACT, LOSSY = 0, 1


class Converted(NamedTuple):
    """A conversion as text, and what it kept."""

    text: str
    report: Report


@click.command("convert")
@click.argument("source", type=click.Path(allow_dash=True))
@click.option("--to", type=click.Choice(["dqdl", "gx"]), help="What to make.  [default: the other of the two]")
@click.option("-o", "--output", metavar="FILE", help="Where to write it.  [default: standard output]")
@click.option("--name", metavar="NAME", help="The name of the suite.  [default: that of the ruleset's file]")
@click.option(
    "--report",
    "form",
    type=click.Choice(["text", "json", "none"]),
    default="text",
    show_default=True,
    help="How standard error tells what is approximate or lost; json tells of every rule.",
)
def command(source: str, to: str | None, output: str | None, name: str | None, form: str) -> int:
    """Convert a suite of Great Expectations to a ruleset, or a ruleset to a suite.

    SOURCE is the JSON file of an expectation suite, a .dqdl file, or - for standard input. What becomes of each
    expectation or rule is exact, approximate or lost; standard error says which, and why. `docs/gx.md` has the tables.

    \b
    dq convert suite.json -o rules.dqdl
    dq convert rules.dqdl --to gx -o suite.json
    dq convert suite.json --report json -o rules.dqdl 2> report.json

    Exit codes: 0 all of it is exact, 1 something is approximate or lost, 2 the source cannot be read, nothing of it
    is left, or the output cannot be written.
    """  # noqa: D301 - click reads the backspace
    file = File(source)
    text = file.read()
    is_suite = text.lstrip("\ufeff \t\r\n").startswith(("{", "["))
    if to == ("gx" if is_suite else "dqdl"):
        raise DqError(f"`{file.name}` is {'a suite' if is_suite else 'DQDL'} already")
    stem = "dqdl" if source == STDIN else Path(source).stem
    converted = _to_dqdl(text, file.name) if is_suite else _to_gx(text, file.name, name or stem)
    if output is None:
        click.echo(converted.text, nl=False)
    else:
        replace(output, converted.text.encode("utf-8", "backslashreplace"))
    _tell(converted.report, form)
    return EXACT if converted.report.is_exact else LOSSY


def _to_dqdl(text: str, name: str) -> Converted:
    from dq.gx import from_suite, read_suite

    ruleset, report = from_suite(read_suite(text.lstrip("\ufeff"), name=name))
    return Converted(ruleset.source.text, report)


def _to_gx(text: str, name: str, suite_name: str) -> Converted:
    from dq.gx import to_suite
    from dq.language import parse

    suite, report = to_suite(parse(text, name=name), name=suite_name)
    return Converted(json.dumps(suite, indent=2, ensure_ascii=False) + "\n", report)


def _tell(report: Report, form: str) -> None:
    if form == "json":
        talk(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    elif form == "text":
        talk(str(report))
