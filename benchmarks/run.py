"""CPU seconds of whole processes, in pairs: `dq evaluate` over 6 M rows beside hand-written, fused SQL.

ReferentialIntegrity is not measured by this version; the hand-written side leaves it out too.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE.parent / ".bench" / "data"
PAIRS = 3


def cpu(*command: str | Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(each) for each in command], stdout=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    data = DATA / "lineitem_6m.parquet"
    if not data.exists():
        subprocess.run([sys.executable, HERE / "gen.py", "--out", DATA, "--sets", "6m"], check=True)
    dq = Path(sys.executable).parent / "dq"
    for samples in ("0", "5"):
        ours, theirs = [], []
        for _ in range(PAIRS):
            ours.append(cpu(dq, "evaluate", HERE / "lineitem.dqdl", data, "--samples", samples))
            theirs.append(cpu(sys.executable, HERE / "lineitem_fused.py", data))
        ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
        print(
            f"samples {samples}: dq {statistics.median(ours):.1f} s, fused SQL {statistics.median(theirs):.1f} s, ratio {ratio:.2f}"
        )


if __name__ == "__main__":
    main()
