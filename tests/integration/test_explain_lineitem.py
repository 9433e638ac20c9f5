"""The plan of the benchmark's ruleset: one row scan for all row rules, one query per grouping, and no more."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import duckdb
import pytest

from dq.cli import run

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

SOURCE = """
SELECT
    i // 4 + 1 AS l_orderkey, i % 50 AS l_partkey, i % 7 AS l_suppkey, i % 4 + 1 AS l_linenumber,
    i % 50 + 1 AS l_quantity, 1000.0 + i AS l_extendedprice, 0.05 AS l_discount, 0.02 AS l_tax,
    ['R', 'A', 'N'][i % 3 + 1] AS l_returnflag, ['O', 'F'][i % 2 + 1] AS l_linestatus,
    DATE '1995-01-01' + i::INT AS l_shipdate, DATE '1995-02-01' + i::INT AS l_commitdate,
    DATE '1995-03-01' + i::INT AS l_receiptdate, 'NONE' AS l_shipinstruct, 'AIR' AS l_shipmode, 'words' AS l_comment
FROM range(400) AS r(i)
"""


@pytest.fixture
def tables(tmp_path: Path) -> list[str]:
    """A small table made by the benchmark's own generator, and the reference beside it."""
    lineitem = runpy.run_path(str(BENCHMARKS / "gen.py"))["LINEITEM"]
    source, primary, orders = (tmp_path / name for name in ("source.parquet", "lineitem.parquet", "orders.parquet"))
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({SOURCE}) TO '{source}'")
        connection.execute(lineitem.format(src=source, dst=primary))
        connection.execute(f"COPY (SELECT i + 1 AS o_orderkey FROM range(100) AS r(i)) TO '{orders}'")
    return ["--data", str(primary), "--data", f"orders={orders}"]


def test_one_row_scan_and_one_query_per_grouping(tables: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run(["explain", str(BENCHMARKS / "lineitem.dqdl"), *tables, "--format=json"])
    plan = json.loads(capsys.readouterr().out)
    kinds = [scan["kind"] for scan in plan["scans"]]
    assert [kind for kind in kinds if "row scan" in kind] == ["row scan (looks up orders)"]
    assert sorted(kind for kind in kinds if kind.startswith("group by")) == [
        "group by l_batch",
        "group by l_orderkey, l_linenumber",
        "group by l_partkey",
        "group by l_returnflag",
        "group by l_shipmode",
        "group by l_suppkey",
    ]
    assert kinds.count("the rule's own SQL") == 2
    rows = next(scan for scan in plan["scans"] if "row scan" in scan["kind"])
    assert len(rows["rules"]) >= 30
    assert plan["without_scan"] == ["ColumnCount = 19"]
    assert plan["problems"] == []
