from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dq.cli import COMMANDS

FAULTY = """
import sys
from dq.cli import COMMANDS, Entry, main
COMMANDS["faulty"] = Entry("faulty", "Test", "Raises.")
main()
"""


def faulty(tmp_path: Path, raises: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `dq faulty`, a command that raises."""
    (tmp_path / "faulty.py").write_text(
        f"import click\nfrom dq.diagnostics import DqError, DataError\n"
        f"@click.command('faulty')\ndef command():\n    raise {raises}\n"
    )
    return subprocess.run(
        [sys.executable, "-c", FAULTY, *arguments, "faulty"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
    )


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_teaches_the_commands_examples_and_exit_codes(flag: str, golden, dq) -> None:
    shown = dq(flag)
    assert shown.returncode == 0
    golden("cli/help.txt", shown.stdout)


def test_help_imports_no_command(tmp_path: Path) -> None:
    code = "import sys; from dq.cli import run; run(['--help']); print([m for m in sys.modules if m in set(sys.argv)])"
    modules = [entry.module for entry in COMMANDS.values()]
    shown = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True, check=True)
    assert shown.stdout.endswith("[]\n")


@pytest.mark.parametrize("command", ["lint", "fmt", "rules", "completion"])
def test_every_command_has_help(command: str, dq) -> None:
    for flag in ("-h", "--help"):
        shown = dq(command, flag)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert f"Usage: dq {command}" in shown.stdout


def test_no_command_shows_the_help_and_is_a_usage_error(dq) -> None:
    shown = dq()
    assert shown.returncode == 2
    assert "Exit codes" in shown.stderr


def test_version(dq) -> None:
    shown = dq("--version")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("dq ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["lnt"], "Did you mean `dq lint`?"),
        (["zzz"], "No such command `zzz`."),
        (["lint", "--nope"], "--nope"),
        (["--nope"], "--nope"),
        (["completion", "tcsh"], "tcsh"),
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments: list[str], told: str, dq) -> None:
    shown = dq(*arguments)
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert told in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_mistake_is_a_message_with_its_exit_code(tmp_path: Path) -> None:
    shown = faulty(tmp_path, "DataError('there is no `x.csv`', help='look again')")
    assert (shown.returncode, shown.stdout) == (3, "")
    assert shown.stderr == "error: there is no `x.csv`\n  = help: look again\n"
    assert faulty(tmp_path, "DqError('wrong')").returncode == 2


def test_debug_shows_the_traceback_of_a_mistake(tmp_path: Path) -> None:
    shown = faulty(tmp_path, "DataError('there is no `x.csv`')", "--debug")
    assert shown.returncode == 3
    assert shown.stderr.startswith("Traceback")


def test_a_bug_says_that_it_is_one_and_where_to_report_it(tmp_path: Path) -> None:
    shown = faulty(tmp_path, "ZeroDivisionError('by zero')")
    assert (shown.returncode, shown.stdout) == (4, "")
    assert "this is a bug in dq (ZeroDivisionError: by zero)" in shown.stderr
    assert "dq --debug" in shown.stderr
    assert "https://" in shown.stderr
    assert "Traceback" not in shown.stderr
    debug = faulty(tmp_path, "ZeroDivisionError('by zero')", "--debug")
    assert debug.returncode == 4
    assert debug.stderr.startswith("Traceback")


def test_an_interrupt_is_quiet(command) -> None:
    with subprocess.Popen(
        [*command, "lint", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        _wait_until_it_reads(run.pid)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert (run.returncode, out, err.strip()) == (130, b"", b"")


def _wait_until_it_reads(pid: int) -> None:
    """Wait until the process sleeps in a read of its standard input."""
    wchan = Path(f"/proc/{pid}/wchan")
    if not wchan.exists():
        time.sleep(3)
        return
    for _ in range(600):
        if "pipe" in wchan.read_text():
            return
        time.sleep(0.05)
    time.sleep(1)


def test_a_reader_that_leaves_is_no_error(command) -> None:
    with subprocess.Popen([*command, "rules"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        told = run.stderr.read()
    assert (run.returncode, told) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, the device that is always full")
def test_a_full_disk_is_told(command) -> None:
    with Path("/dev/full").open("wb") as full:
        shown = subprocess.run([*command, "rules"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert shown.returncode == 2
    assert shown.stderr.startswith("error: cannot write the output: No space left")


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": ""}, False),
    ],
)
def test_colour_is_for_terminals_and_those_who_ask(env: dict[str, str], coloured: bool, dq) -> None:
    unset = {"NO_COLOR": "", "FORCE_COLOR": ""}
    shown = dq("lint", "nowhere.dqdl", env={**unset, **env})
    assert ("\x1b[" in shown.stderr) is coloured


def test_a_console_that_cannot_show_a_character_gets_its_escape(dq) -> None:
    shown = dq("lint", "nowhere→.dqdl", env={"PYTHONIOENCODING": "latin-1"})
    assert shown.returncode == 2
    assert "nowhere\\u2192.dqdl" in shown.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_the_shell(shell: str, dq) -> None:
    shown = dq("completion", shell)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"_DQ_COMPLETE={shell}_complete" in shown.stdout
    if program := shutil.which(shell):
        assert subprocess.run([program, "-n"], input=shown.stdout, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [("dq l", ["lint"]), ("dq ", list(COMMANDS)), ("dq lint --for", ["--format"]), ("dq --ver", ["--version"])],
)
def test_the_shell_is_given_the_words_that_fit(words: str, expected: list[str], dq) -> None:
    shown = dq(env={"_DQ_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))})
    assert shown.returncode == 0
    assert [line.partition(",")[2] for line in shown.stdout.splitlines()] == expected


def test_a_terminal_gets_colour_and_a_dumb_one_does_not(command: list[str], tmp_path: Path) -> None:
    pty = pytest.importorskip("pty", reason="needs pseudo terminals, which Windows has not")
    for kind, coloured in (("xterm", True), ("dumb", False)):
        ours, theirs = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
        subprocess.run(
            [*command, "lint", "nowhere.dqdl"],
            stderr=theirs,
            cwd=tmp_path,
            env={**environment, "TERM": kind},
            check=False,
        )
        os.close(theirs)
        assert (b"\x1b[" in os.read(ours, 4096)) is coloured
        os.close(ours)
