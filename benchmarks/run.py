"""CPU seconds of whole processes, in pairs: `dq evaluate` over 6 M rows beside hand-written, fused SQL.

    python benchmarks/run.py [--pairs N]

The hand-written side only measures: it gives no verdicts, reasons or failing rows. `dq` runs once without samples of
failing rows and once with the five per rule that it shows by default.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import seconds, surroundings

HERE = Path(__file__).parent
DATA = HERE.parent / ".bench" / "data"
AIM = 1.2


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=int, default=5)
    pairs = arguments.parse_args().pairs
    data = DATA / "lineitem_6m.parquet"
    if not data.exists():
        subprocess.run([sys.executable, HERE / "gen.py", "--out", DATA, "--sets", "6m"], check=True)
    dq = [Path(sys.executable).parent / "dq", "evaluate", HERE / "lineitem.dqdl", data]
    with tempfile.TemporaryDirectory() as folder:
        environment = surroundings(folder)
        by_hand = [sys.executable, HERE / "lineitem_fused.py", data]
        seconds(by_hand, environment)
        for samples in ("0", "5"):
            ours, theirs = [], []
            for _ in range(pairs):
                ours.append(seconds([*dq, "--samples", samples], environment, codes=(0, 1, 3)))
                theirs.append(seconds(by_hand, environment))
            ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
            print(
                f"{samples} samples: dq {statistics.median(ours):.2f} s, fused SQL {statistics.median(theirs):.2f} s, "
                f"ratio {ratio:.2f} (aim: at most {AIM})"
            )


if __name__ == "__main__":
    main()
