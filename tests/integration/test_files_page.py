"""docs/files.md does what it shows: its files are written, its commands run, their output compared."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "files.md"
FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"```console\n\$ (.*?)\n(.*?)```", re.DOTALL)


def without_time(text: str) -> str:
    return re.sub(r"\d[\d.]* m?s ·", "TIME ·", text).strip()


def printed(command: str, folder: Path) -> str:
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [Path(sys.executable).parent / program, *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.stdout


def test_its_commands_print_what_it_shows(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, content in FILE.findall(text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    if request.config.getoption("--update-golden"):
        text = COMMAND.sub(lambda shown: f"```console\n$ {shown[1]}\n{printed(shown[1], tmp_path)}```", text)
        PAGE.write_text(text, encoding="utf-8")
    shown = COMMAND.findall(text)
    assert shown
    for command, output in shown:
        assert without_time(printed(command, tmp_path)) == without_time(output)
