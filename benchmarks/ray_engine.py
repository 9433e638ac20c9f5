"""Wall seconds of an evaluation over 6 M rows: the engine `ray` on this machine beside `duckdb`, in turns.

    python benchmarks/ray_engine.py [--pairs N] [--cpus N]

Ray is begun, and has done an evaluation, before the clock runs. The verdicts must be the same.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import dq
from dq.engines.cluster import Cluster

HERE = Path(__file__).parent
DATA = HERE.parent / ".bench" / "data"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=int, default=3)
    arguments.add_argument("--cpus", type=int, default=os.cpu_count())
    given = arguments.parse_args()
    data = DATA / "lineitem_6m.parquet"
    if not data.exists():
        subprocess.run([sys.executable, HERE / "gen.py", "--out", DATA, "--sets", "6m"], check=True)
    begun = time.perf_counter()
    Cluster(given.cpus).put(None)
    print(f"Ray begins in {time.perf_counter() - begun:.1f} s")

    def run(engine: str) -> tuple[float, list[str]]:
        clock = time.perf_counter()
        found = dq.evaluate(
            HERE / "lineitem.dqdl", data, engine=engine, threads=given.cpus, options=dq.Options(samples=0)
        )
        took = time.perf_counter() - clock
        return took, [each.verdict.value for each in found.outcomes]

    run("ray")
    pairs = [(run("ray"), run("duckdb")) for _ in range(given.pairs)]
    assert all(ours[1] == theirs[1] for ours, theirs in pairs), "the verdicts differ"
    ours, theirs = (statistics.median(pair[at][0] for pair in pairs) for at in (0, 1))
    ratio = statistics.median(mine[0] / other[0] for mine, other in pairs)
    print(f"{given.cpus} CPUs: ray {ours:.2f} s, duckdb {theirs:.2f} s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
