"""The README does what it shows: its files are written, its commands and programs run, its outputs compared."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def write_files(folder: Path) -> None:
    for name, text in re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", README, re.DOTALL):
        (folder / name).write_text(text)


def without_time(text: str) -> str:
    return re.sub(r"\d[\d.]* m?s ·", "TIME ·", text).strip()


def test_its_commands_print_what_it_shows(tmp_path: Path) -> None:
    write_files(tmp_path)
    shown = re.findall(r"```console\n\$ (.*?)\n(.*?)```", README, re.DOTALL)
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


def test_its_programs_run(tmp_path: Path) -> None:
    write_files(tmp_path)
    for program in re.findall(r"<!-- run -->\n```python\n(.*?)```", README, re.DOTALL):
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, timeout=60, check=True)
