"""What starting `dq lint` costs: CPU time beside that of importing the two libraries it needs.

    python benchmarks/lint_start.py [FILE] [--runs N]

Both are processes of their own, run in turns; the time is user plus system time of the child, the median of N
runs. `dq lint` should cost at most twice the imports. Both find their bytecode and the parser's tables where a
first run left them, as they do where pip has installed them; `--cold` leaves neither.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from processes import seconds, surroundings

RULESET = """\
Rules = [
    RowCount > 0,
    IsComplete "id",
    IsUnique "id",
    Completeness "email" > 0.95 where "status = 'open'",
    ColumnValues "status" in ["open", "paid"] with threshold > 0.9,
    (Mean "amount" between 10 and 20) or (Sum "amount" > 1000)
]
"""
AIM = 2.0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("file", nargs="?", help="a ruleset without errors; one of six rules by default")
    arguments.add_argument("--runs", type=int, default=15)
    arguments.add_argument("--cold", action="store_true", help="without bytecode and parser tables")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        example = Path(folder, "example.dqdl")
        example.write_text(RULESET)
        lint = [str(Path(sys.executable).with_name("dq")), "lint", given.file or str(example)]
        commands = {"import lark, click": [sys.executable, "-c", "import lark, click"], "dq lint": lint}
        environment = surroundings(folder, cold=given.cold)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for command in commands.values():
            seconds(command, environment)  # the first run writes what is kept
        for _ in range(given.runs):
            for name, command in commands.items():
                times[name].append(seconds(command, environment))
    medians = {name: statistics.median(each) for name, each in times.items()}
    for name, median in medians.items():
        print(f"{name:<20}{median:.3f} s CPU (median of {given.runs}, least {min(times[name]):.3f})")
    ratio = medians["dq lint"] / medians["import lark, click"]
    print(f"{'ratio':<20}{ratio:.2f} (aim: at most {AIM})")


if __name__ == "__main__":
    main()
