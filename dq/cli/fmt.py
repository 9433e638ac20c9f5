"""`dq fmt`: rulesets in one clear layout."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from difflib import unified_diff
from typing import NamedTuple

import click

from dq.cli.files import STDIN, File, decode, replace, rulesets, talk, tell
from dq.cli.terminal import wants_color
from dq.diagnostics import DqError
from dq.language import Dialect
from dq.language.formatting import format_text
from dq.render.diagnostics import plural

DIFF_STYLES = (("+++", "\x1b[1m"), ("---", "\x1b[1m"), ("@@", "\x1b[36m"), ("+", "\x1b[32m"), ("-", "\x1b[31m"))
RESET = "\x1b[0m"


class Change(NamedTuple):
    """What formatting makes of a file, as the bytes that it holds and should hold."""

    file: File
    before: bytes
    after: bytes

    @property
    def is_needed(self) -> bool:
        """Whether the file is not yet in the layout."""
        return self.before != self.after


@click.command("fmt")
@click.argument("paths", nargs=-1, type=click.Path(allow_dash=True))
@click.option("--check", is_flag=True, help="Write nothing; name the files that would change and exit with 1.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change and exit with 1.")
@click.option(
    "--dialect",
    type=click.Choice(["dq", "glue"]),
    default="dq",
    show_default=True,
    help="glue: accept only what AWS Glue accepts.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def command(paths: tuple[str, ...], check: bool, diff: bool, dialect: Dialect, quiet: bool) -> int:
    """Bring rulesets into one clear layout, in place.

    PATHS are files, folders (every *.dqdl file below them) or - for standard input, which goes to standard
    output; without any, the current folder. Comments stay where they are, and the meaning never changes.
    A ruleset with errors is left alone.

    \b
    dq fmt rulesets/
    dq fmt --check --diff rulesets/
    cat orders.dqdl | dq fmt -

    Exit codes: 0 done, 1 files would change (with --check or --diff), 2 a ruleset with errors, or a file that
    cannot be read or written.
    """  # noqa: D301 - click reads the backspace
    dry = check or diff
    seen = changed = failed = code = 0
    for file in rulesets(paths or (".",)):
        try:
            change = _change(file, dialect)
            seen += 1
            changed += change.is_needed
            if diff:
                _show(change)
            if check and change.is_needed and not diff:
                click.echo(f"would reformat {change.file.name}")
            if not dry:
                _apply(change, quiet=quiet)
        except DqError as error:
            tell(error)
            failed += 1
            code = max(code, error.exit_code)
    if STDIN not in paths or dry:
        _summarize(seen, changed, failed, dry=dry, quiet=quiet)
    return code or (1 if dry and changed else 0)


def _change(file: File | DqError, dialect: Dialect) -> Change:
    """Format one file.

    Raises:
        DqError: it cannot be read, or has errors.
    """
    if isinstance(file, DqError):
        raise file
    before = file.read_bytes()
    after = format_text(decode(before, file.name), dialect=dialect, name=file.name)
    return Change(file, before, after.encode("utf-8"))


def _apply(change: Change, *, quiet: bool) -> None:
    if change.file.path == STDIN:
        sys.stdout.buffer.write(change.after)  # bytes: line ends stay line feeds on every system
    elif change.is_needed:
        replace(change.file.path, change.after)
        talk(f"reformatted {change.file.name}", quiet=quiet)


def _summarize(seen: int, changed: int, failed: int, *, dry: bool, quiet: bool) -> None:
    verb = "would change" if dry else "reformatted"
    parts = [f"{plural(changed, 'file')} {verb}"] if changed else []
    if same := seen - changed:
        parts.append(f"{plural(same, 'file')} already in shape")
    if failed:
        parts.append(f"{plural(failed, 'file')} left alone")
    talk(", ".join(parts), quiet=quiet)


def _show(change: Change) -> None:
    color = wants_color(sys.stdout)
    for line in diff_lines(change.before.decode("utf-8"), change.after.decode("utf-8"), change.file.name):
        click.echo(_paint(line) if color else line, color=color)


def diff_lines(before: str, after: str, name: str) -> Iterator[str]:
    """A unified diff, without line ends, that `patch` can apply."""
    for line in unified_diff(_lines(before), _lines(after), name, name):
        if line.endswith("\n"):
            yield line[:-1]
        else:
            yield line
            yield "\\ No newline at end of file"


def _lines(text: str) -> list[str]:
    """Lines with their line feeds; no other character ends a line of a ruleset."""
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _paint(line: str) -> str:
    style = next((style for sign, style in DIFF_STYLES if line.startswith(sign)), "")
    return f"{style}{line}{RESET}" if style else line
