"""The README, and pages like it, do what they show: files are written, commands and programs run, outputs compared."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/references.md", "docs/rows.md")


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    return (ROOT / request.param).read_text(encoding="utf-8")


def write_files(page: str, folder: Path) -> None:
    for name, text in re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", page, re.DOTALL):
        (folder / name).write_text(text)


def without_time(text: str) -> str:
    return re.sub(r"\d[\d.]* m?s ·", "TIME ·", text).strip()


def test_its_commands_print_what_it_shows(page: str, tmp_path: Path) -> None:
    write_files(page, tmp_path)
    shown = re.findall(r"```console\n\$ (.*?)\n(.*?)```", page, re.DOTALL)
    assert shown
    for command, output in shown:
        program, *arguments = shlex.split(command)
        done = subprocess.run(
            [Path(sys.executable).parent / program, *arguments],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert without_time(done.stdout) == without_time(output), done.stderr


def test_its_programs_run(page: str, tmp_path: Path) -> None:
    write_files(page, tmp_path)
    for program in re.findall(r"<!-- run -->\n```python\n(.*?)```", page, re.DOTALL):
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, timeout=60, check=True)
