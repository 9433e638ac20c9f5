"""`dq lint`: the mistakes of rulesets, without data."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from dq.cli.files import STDIN, File, replace, rulesets, talk, tell
from dq.cli.terminal import wants_color
from dq.diagnostics import Diagnostic, DqError, Severity
from dq.language import Dialect, check
from dq.render.diagnostics import count, plural, render_github, render_json, render_text

FORMATS: dict[str, Callable[[list[Diagnostic]], str]] = {
    "json": render_json,
    "github": render_github,
}


class Findings(NamedTuple):
    """What linting found: the diagnostics, how many files were read and how many were not."""

    diagnostics: list[Diagnostic]
    read: int
    unread: int

    def exit_code(self, *, strict: bool) -> int:
        """2: an error, or a file that could not be read; 1: warnings, if they count; else 0."""
        if self.unread or any(each.severity is Severity.ERROR for each in self.diagnostics):
            return 2
        return 1 if strict and self.diagnostics else 0


@click.command("lint")
@click.argument("paths", nargs=-1, type=click.Path(allow_dash=True))
@click.option(
    "--dialect",
    type=click.Choice(["dq", "glue"]),
    default="dq",
    show_default=True,
    help="glue: accept only what AWS Glue accepts.",
)
@click.option("--format", "form", type=click.Choice(["text", *FORMATS]), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write the problems to a file, not to stdout.")
@click.option("--strict", is_flag=True, help="Exit with 1 if there are warnings.")
@click.option("-q", "--quiet", is_flag=True, help="Leave out the closing count.")
def command(paths: tuple[str, ...], dialect: Dialect, form: str, output: str | None, strict: bool, quiet: bool) -> int:
    """Find mistakes in rulesets, without data.

    PATHS are files, folders (every *.dqdl file below them) or - for standard input; without any, the current
    folder. All problems of all files are shown. The project file is checked when it is named: dq lint dq.toml.

    \b
    dq lint rulesets/ orders.dqdl
    dq lint --strict --format github rulesets/
    cat orders.dqdl | dq lint --dialect glue -

    Exit codes: 0 no errors, 1 warnings (with --strict), 2 errors, or a file that cannot be read.
    """  # noqa: D301 - click reads the backspace
    findings = lint(paths or (".",), dialect)
    _write(findings.diagnostics, form, output, summary=not quiet)
    if not findings.diagnostics and findings.read:
        talk(f"no problems in {plural(findings.read, 'file')}", quiet=quiet)
    elif output is not None or form != "text":
        talk(count(findings.diagnostics), quiet=quiet or not findings.read)
    return findings.exit_code(strict=strict)


def lint(paths: tuple[str, ...], dialect: Dialect) -> Findings:
    """Check every ruleset; a file that cannot be read is told at once and does not keep the others from it."""
    diagnostics: list[Diagnostic] = []
    read = unread = 0
    for file in rulesets(paths):
        try:
            if isinstance(file, DqError):
                raise file
            diagnostics += _check(file, dialect)
            read += 1
        except DqError as error:
            tell(error)
            unread += 1
    return Findings(diagnostics, read, unread)


def _check(file: File, dialect: Dialect) -> list[Diagnostic]:
    if Path(file.name).name in ("dq.toml", "pyproject.toml"):
        from dq.project import reading

        return reading.check(file.read(), file.name, Path(file.name).parent)
    found = check(file.read(), dialect=dialect, name=file.name)
    return sorted(found, key=lambda each: (each.span, each.code))


def _write(diagnostics: list[Diagnostic], form: str, output: str | None, *, summary: bool) -> None:
    to_stdout = output in (None, STDIN)
    color = to_stdout and wants_color(sys.stdout)
    render = FORMATS.get(form, partial(render_text, color=color, summary=summary))
    text = render(diagnostics)
    if output is None or to_stdout:
        click.echo(text, nl=False, color=color)
    else:
        replace(output, text.encode("utf-8", "backslashreplace"))
