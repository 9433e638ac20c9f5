"""The command `dq`: what all of its commands share.

A command's module is imported when that command runs or is completed, and no sooner: `dq lint` must not pay
for a database, and `dq --help` pays for nothing. The table below therefore holds the short help.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from itertools import takewhile
from typing import NamedTuple, NoReturn, TextIO

import click
from click.shell_completion import CompletionItem

from dq import stopping
from dq.cli.terminal import wants_color
from dq.diagnostics import DqError

PASSED = 0
FAILED = 1
WRONG = 2
UNMEASURED = 3
BUG = 4
BROKEN_PIPE = 141

COMPLETE_VARIABLE = "_DQ_COMPLETE"


class Entry(NamedTuple):
    """A command in the table: the module that defines it as `command`, its heading and its line of help."""

    module: str
    heading: str
    help: str


COMMANDS = {
    "evaluate": Entry("dq.cli.evaluate", "Judge data", "Judge data by a ruleset."),
    "explain": Entry("dq.cli.explain", "Judge data", "Show how a ruleset would be measured, without measuring."),
    "watch": Entry("dq.cli.watch", "Judge data", "Judge files as they arrive."),
    "init": Entry("dq.cli.init", "Name tables", "Write a first dq.toml, from what lies around."),
    "catalog": Entry("dq.cli.catalog", "Name tables", "See which tables there are by name, and declare more."),
    "lint": Entry("dq.cli.lint", "Write rulesets", "Find mistakes in rulesets, without data."),
    "fmt": Entry("dq.cli.fmt", "Write rulesets", "Bring rulesets into one clear layout."),
    "convert": Entry("dq.cli.convert", "Write rulesets", "Convert suites of Great Expectations, and back."),
    "rules": Entry("dq.cli.rules", "Write rulesets", "List the rule types, or tell all about one."),
    "completion": Entry("dq.cli.completion", "Set up", "Print the completion script of a shell."),
}

EXAMPLES = (
    ("dq lint rulesets/", "find the mistakes of every ruleset in a folder"),
    ("dq evaluate orders.dqdl orders.parquet", "judge a file by a ruleset"),
    ("dq evaluate", "run the checks that dq.toml lists"),
)

EXIT_CODES = (
    ("0", "all passed"),
    ("1", "a rule failed, files would change, or a conversion is not exact"),
    ("2", "the ruleset or the command is wrong"),
    ("3", "something could not be measured"),
)

HELP = {"help_option_names": ["-h", "--help"]}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, its module imported; None if the table has no such name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = import_module(entry.module).command
        command.context_settings = {**HELP, **command.context_settings}
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown name comes with the nearest ones."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS)
            hint = f" Did you mean {' or '.join(f'`dq {each}`' for each in near)}?" if near else ""
            ctx.fail(f"No such command `{name}`.{hint}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names that begin so, without importing any of them, then the options."""
        names = [CompletionItem(name, help=each.help) for name, each in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, the commands under their headings, the exit codes, and then the options."""
        with formatter.section("Examples"):
            formatter.write_dl(EXAMPLES, col_max=40)
        for heading in dict.fromkeys(each.heading for each in COMMANDS.values()):
            with formatter.section(heading):
                formatter.write_dl([(name, each.help) for name, each in COMMANDS.items() if each.heading == heading])
        with formatter.section("Exit codes"):
            formatter.write_dl(EXIT_CODES)
        click.Command.format_options(self, ctx, formatter)


@click.group(cls=LazyGroup, context_settings=HELP, no_args_is_help=True, options_metavar="[--debug]")
@click.option("--debug", is_flag=True, help="Show a traceback instead of a message when something goes wrong.")
@click.version_option(package_name="dq-rules", message="dq %(version)s")
def cli(debug: bool) -> None:
    """Run DQDL, the rule language of AWS Glue Data Quality, anywhere.

    `dq COMMAND -h` tells more about a command.
    """


def main() -> NoReturn:
    """Run the command of this process and exit with its code."""
    gc.set_threshold(100_000)  # a short process makes many objects and hardly any garbage: looking costs a tenth
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A console that cannot show a character of the ruleset gets its escape, not a crash.
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    sys.exit(stopping.exit_code() if stopping.received() else _flushed(code))


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; every error becomes a message on standard error.

    A command gives its exit code by returning it (None is 0), or as click and Python know it.
    """
    debug = "--debug" in takewhile(lambda each: each.startswith("-"), arguments)
    try:
        return _invoke(list(arguments))
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return WRONG
    except (KeyboardInterrupt, click.Abort):
        return stopping.exit_code()
    except Exception as error:  # noqa: BLE001 - the last stop: nothing may end in a traceback unasked
        if stopping.received():
            return stopping.exit_code()
        if _is_broken_pipe(error):
            return _hush()
        if debug:
            _traceback(error)
        return _report(error, silent=debug)


def _invoke(arguments: list[str]) -> int:
    if instruction := os.environ.get(COMPLETE_VARIABLE):
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "dq", COMPLETE_VARIABLE, instruction)
    with cli.make_context("dq", arguments) as context:
        code = cli.invoke(context)
    return code if isinstance(code, int) else PASSED


def _report(error: Exception, *, silent: bool) -> int:
    """Say what went wrong, unless a traceback has, and give the exit code for it."""
    from dq.render.diagnostics import render_message, render_text

    color = wants_color(sys.stderr)
    if isinstance(error, DqError):
        code, text = error.exit_code, render_text(error.diagnostics, color=color)
        text = text or render_message(error.message, help=error.help, color=color)
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        code, text = WRONG, render_message(f"cannot write the output: {error.strerror}", color=color)
    else:
        kind = type(error).__name__
        code, text = (
            BUG,
            render_message(
                f"this is a bug in dq ({kind}: {error})",
                help=f"run `dq --debug …` for the traceback, and report it at {_tracker()}",
                color=color,
            ),
        )
    if not silent:
        click.echo(text, err=True, nl=False, color=color)
    return code


def _traceback(error: Exception) -> None:
    from traceback import format_exception

    click.echo("".join(format_exception(error)), err=True, nl=False)


def _tracker() -> str:
    """Where to report a bug: the project's address as its metadata has it."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        lines = metadata("dq-rules").get_all("Project-URL") or []
    except PackageNotFoundError:
        lines = []
    addresses: dict[str, str] = dict(line.split(", ", 1) for line in lines)
    for label in ("Issues", "Repository", "Homepage"):
        if label in addresses:
            return addresses[label]
    return next(iter(addresses.values()), "the project's page").partition("/tree/")[0]


def _is_broken_pipe(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ESHUTDOWN)


def _hush() -> int:
    """Nobody reads any more: let the last flush at exit go nowhere, and end as the signal would."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            _redirect(stream)
    return BROKEN_PIPE


def _redirect(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _flushed(code: int) -> int:
    """Flush what is still to be written while an error can be told; the exit code after that."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if _is_broken_pipe(error):
            return _hush()
        told = _report(error, silent=False)
        with suppress(OSError, ValueError, AttributeError):
            _redirect(sys.stdout)
        return told
    return code
