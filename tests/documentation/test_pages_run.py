"""Every page that shows commands or programs does what it shows: outputs are compared, or written with --update-golden."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pages
import pytest

ROOT = Path(__file__).parents[2]
COMMAND = re.compile(r"```console\n\$ (.*?)\n(.*?)```", re.DOTALL)
PROGRAM = re.compile(r"<!-- run -->\n```python\n(.*?)```", re.DOTALL)
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if COMMAND.search(page.read_text(encoding="utf-8")) or PROGRAM.search(page.read_text(encoding="utf-8"))
]


def without_time(text: str) -> str:
    return re.sub(r"\d[\d.]* m?s( ·|$)", r"TIME\1", text, flags=re.MULTILINE).strip()


def printed(command: str, folder: Path) -> str:
    """What a command of this environment prints on standard output."""
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_does_what_it_shows(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text(encoding="utf-8")
    pages.write_files(text, tmp_path)
    found = {command: printed(command, tmp_path) for command, _ in COMMAND.findall(text)}
    if request.config.getoption("--update-golden"):
        text = COMMAND.sub(lambda shown: f"```console\n$ {shown[1]}\n{found[shown[1]]}```", text)
        page.write_text(text, encoding="utf-8")
    for command, output in COMMAND.findall(text):
        assert without_time(found[command]) == without_time(output), command
    for program in PROGRAM.findall(text):
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, timeout=60, check=True)


def test_the_pages_that_show_commands_are_found() -> None:
    assert {"README.md", "etl.md", "files.md", "history.md", "project.md", "references.md", "rows.md"} <= {
        page.name for page in PAGES
    }
