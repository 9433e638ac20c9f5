"""CPU seconds of whole processes, with what a first run leaves behind kept in a folder of their own.

pip writes bytecode when it installs, so both sides of a comparison find theirs; `cold` leaves none.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path


def surroundings(folder: str, *, cold: bool = False) -> dict[str, str]:
    """The environment of the runs: bytecode and parser tables kept in a folder of their own, or nowhere."""
    if cold:
        return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": folder, "DQ_CACHE": "off"}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": folder, "XDG_CACHE_HOME": folder}


def seconds(command: Sequence[str | Path], environment: dict[str, str], *, codes: Sequence[int] = (0,)) -> float:
    """User and system seconds of one run of a command, which must end with one of the exit codes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [str(each) for each in command]
    done = subprocess.run(words, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    if done.returncode not in codes:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr.decode(errors='replace')}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
