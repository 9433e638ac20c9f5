"""What a person at a terminal sees of a run that takes a while, and what a signal leaves behind: nothing."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dq
from dq.sources.tables import Tables

ENDLESS = 'CustomSql "select count(*) from primary a, primary b, primary c where a.id * b.id + c.id = 1234567" = 0'


class Terminal:
    """`dq` at a terminal of 80 columns: what it has drawn so far, and its exit code."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.drawn = ""
        self.pid, self._screen = pty.fork()
        if not self.pid:
            os.chdir(folder)
            environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
            environment["TMPDIR"] = str(folder / "spilled")
            os.execve(sys.executable, [sys.executable, "-m", "dq", *arguments], environment)

    def read_until(self, pattern: str) -> None:
        while not re.search(pattern, self.drawn):
            assert self._read(), f"the run ended without {pattern!r}: {self.drawn!r}"

    def press_ctrl_c(self) -> None:
        os.write(self._screen, b"\x03")

    def exit_code(self) -> int:
        while self._read():
            pass
        os.close(self._screen)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> bool:
        try:
            found = os.read(self._screen, 65536)
        except OSError:  # how Linux says that nobody is at the other end
            return False
        self.drawn += found.decode(errors="replace")
        return bool(found)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    pq.write_table(pa.table({"id": list(range(3_000))}), tmp_path / "ids.parquet")
    (tmp_path / "spilled").mkdir()
    yield tmp_path
    assert list((tmp_path / "spilled").iterdir()) == []


def frames(drawn: str) -> list[str]:
    """What stood on the line of the progress bar, one time after the other, without colours."""
    return [re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", each).strip() for each in re.split(r"\x1b\[2K", drawn)]


def test_the_progress_bar_moves_and_vanishes(folder: Path) -> None:
    table = pa.table({"id": range(2_000_000)})
    pq.write_table(table, folder / "many.parquet", row_group_size=50_000)
    rules = [f'Uniqueness "id" > 0.{at} where "id > {at}"' for at in range(1, 9)]
    terminal = Terminal(folder, "evaluate", *[f"--rule={rule}" for rule in rules], "many.parquet", "--threads=1")
    assert terminal.exit_code() == 0
    bars = [frame for frame in frames(terminal.drawn) if frame.startswith("scanning")]
    assert len({re.sub(r"\d:\d\d:\d\d", "", bar) for bar in bars}) > 3, bars
    report = frames(terminal.drawn)[-1]
    assert "scanning" not in report
    assert "Score 100%" in report
    assert terminal.drawn.rindex("\x1b[?25h") > terminal.drawn.rindex("\x1b[?25l")


def test_quiet_and_a_pipe_draw_no_bar(folder: Path) -> None:
    terminal = Terminal(folder, "evaluate", "--rule=RowCount > 0", "ids.parquet", "--quiet")
    assert terminal.exit_code() == 0
    assert "scanning" not in terminal.drawn
    done = subprocess.run(
        [sys.executable, "-m", "dq", "evaluate", "--rule=RowCount > 0", "ids.parquet"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stderr, "\x1b" in done.stdout) == ("", False)


def test_a_scan_that_takes_too_long_is_an_error_and_keeps_no_other_back(folder: Path) -> None:
    rules = f'Rules = [ {ENDLESS}, RowCount = 3000, IsUnique "id" ]'
    found = dq.evaluate(rules, folder / "ids.parquet", time_limit=1.5)
    assert [each.verdict.value for each in found.outcomes] == ["ERROR", "PASSED", "PASSED"]
    assert found.outcomes[0].reason == "the scan took longer than 1.5 s, the limit"


def test_ctrl_c_ends_a_long_query(folder: Path) -> None:
    terminal = Terminal(folder, "evaluate", f"--rule={ENDLESS}", "ids.parquet")
    terminal.read_until("scanning")
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130
    assert "Traceback" not in terminal.drawn
    assert "error" not in terminal.drawn
    assert terminal.drawn.rindex("\x1b[?25h") > terminal.drawn.rindex("\x1b[?25l")


def test_ctrl_c_leaves_no_part_of_a_file_of_rows(folder: Path) -> None:
    pq.write_table(pa.table({"id": range(3_000_000)}), folder / "many.parquet")
    before = sorted(each.name for each in folder.iterdir())
    rules = [f'--rule=ColumnValues "id" > {at}' for at in range(40)]
    files = ["--rows=all.csv", "--failed=bad.parquet"]
    terminal = Terminal(folder, "evaluate", *rules, "many.parquet", *files)
    terminal.read_until("writing rows")
    terminal.press_ctrl_c()
    assert terminal.exit_code() == 130
    assert sorted(each.name for each in folder.iterdir()) == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_that_does_not_listen(folder: Path, number: signal.Signals, code: int) -> None:
    """Native code may swallow the exception that Python raises for a signal: the process ends all the same."""
    script = """
import sys, time
from dq import stopping
stopping.watch()
from dq.sources.tables import Tables
with Tables("ids.parquet"):
    try:
        print("open", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder / "spilled")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout
        assert run.stdout.readline() == "open\n"
        assert list((folder / "spilled").iterdir())
        run.send_signal(number)
        assert run.wait(timeout=30) == code
        assert run.stderr
        assert run.stderr.read() == ""


def test_a_signal_that_is_switched_off_stays_so(folder: Path) -> None:
    script = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from dq import stopping
stopping.watch()
signal.raise_signal(signal.SIGINT)
print(stopping.received())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"


def test_an_interrupt_of_the_library_is_a_keyboard_interrupt(folder: Path) -> None:
    """DuckDB tells it as a RuntimeError of these words."""
    (folder / "t.csv").write_text("a\n1\n")
    tables = Tables(folder / "t.csv", temp_directory=folder / "spilled")
    assert list((folder / "spilled").iterdir())
    with pytest.raises(KeyboardInterrupt), tables:
        raise RuntimeError("Query interrupted")
