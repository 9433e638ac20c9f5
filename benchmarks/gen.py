#!/usr/bin/env python3
"""Generate the benchmark data (nothing is stored in the repository).

    python gen.py --out DIR [--sets 6m,60m,csv,wide]

Needs the packages duckdb and tpchgen-cli in the running interpreter's environment.
  lineitem_6m.parquet  orders_6m.parquet    TPC-H SF1 + injected faults, 19 columns
  lineitem_60m.parquet orders_60m.parquet   TPC-H SF10, same
  lineitem_6m.csv                            the same rows as CSV
  wide_1m.parquet                            1M rows x 200 columns
Everything is deterministic: faults are chosen by hash(l_orderkey, l_linenumber).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

# h = a stable pseudo-random 0..999999 per row (arithmetic only, so it does not depend on a
# duckdb version's hash function); each fault takes its own slice of it.
LINEITEM = """
COPY (
WITH b AS (
  SELECT *, ((l_orderkey::HUGEINT * 2654435761 + l_linenumber * 40503) % 1000003)::INT AS h
  FROM read_parquet('{src}')
), f AS (
  SELECT
    l_orderkey::BIGINT AS l_orderkey, l_partkey::BIGINT AS l_partkey, l_suppkey::BIGINT AS l_suppkey,
    l_linenumber::INTEGER AS l_linenumber,
    CASE WHEN h < 1000 THEN NULL WHEN h < 1100 THEN -1.0 ELSE l_quantity::DOUBLE END AS l_quantity,
    l_extendedprice::DOUBLE AS l_extendedprice,
    CASE WHEN h BETWEEN 2000 AND 2100 THEN 0.99 ELSE l_discount::DOUBLE END AS l_discount,
    l_tax::DOUBLE AS l_tax,
    CASE WHEN h BETWEEN 3000 AND 3200 THEN 'X' ELSE l_returnflag::VARCHAR END AS l_returnflag,
    l_linestatus::VARCHAR AS l_linestatus,
    l_shipdate::DATE AS l_shipdate, l_commitdate::DATE AS l_commitdate,
    CASE WHEN h BETWEEN 4000 AND 4500 THEN l_shipdate - 3 ELSE l_receiptdate END::DATE AS l_receiptdate,
    CASE WHEN h BETWEEN 5000 AND 10000 THEN NULL ELSE l_shipinstruct::VARCHAR END AS l_shipinstruct,
    CASE WHEN h BETWEEN 11000 AND 11100 THEN 'Drone' ELSE l_shipmode::VARCHAR END AS l_shipmode,
    CASE WHEN h BETWEEN 20000 AND 40000 THEN NULL ELSE l_comment::VARCHAR END AS l_comment,
    CASE WHEN h BETWEEN 50000 AND 50300 THEN 'batch?' || l_orderkey || '/' || l_linenumber
         ELSE 'B-' || lpad(l_orderkey::VARCHAR, 9, '0') || '-' || lpad(l_linenumber::VARCHAR, 2, '0') END AS l_batch,
    CASE WHEN h BETWEEN 60000 AND 61000 THEN 'n/a' WHEN h BETWEEN 61001 AND 70000 THEN NULL
         ELSE l_tax::VARCHAR END AS l_taxcode,
    CASE WHEN h BETWEEN 80000 AND 80100 THEN 'unknown' ELSE l_shipdate::VARCHAR END AS l_shipdate_s,
    h
  FROM b
)
SELECT * EXCLUDE (h) FROM f
UNION ALL
SELECT * EXCLUDE (h) FROM f WHERE h BETWEEN 90000 AND 90100      -- ~0.01% duplicated rows
) TO '{dst}' (FORMAT parquet, COMPRESSION snappy)
"""

ORDERS = """
COPY (
  SELECT o_orderkey::BIGINT AS o_orderkey, o_custkey::BIGINT AS o_custkey, o_orderstatus::VARCHAR AS o_orderstatus,
         o_totalprice::DOUBLE AS o_totalprice, o_orderdate::DATE AS o_orderdate, o_orderpriority::VARCHAR AS o_orderpriority
  FROM read_parquet('{src}') WHERE o_orderkey % 9973 <> 0          -- ~0.01% orders missing
) TO '{dst}' (FORMAT parquet, COMPRESSION snappy)
"""


def wide_sql(dst, rows):
    cols = []
    for i in range(100):  # doubles, column k has nulls when k % 10 == 0
        e = f"round(((r * {i * 7919 + 104729}) % 1000003) / 1000.0, 2)"
        cols.append((f"CASE WHEN r % 997 = {i} THEN NULL ELSE {e} END" if i % 10 == 0 else e) + f" AS d{i:03d}")
    for i in range(50):  # ints
        cols.append(f"((r * {i * 6007 + 15485863}) % {1000 * (i + 1)})::INTEGER AS i{i:03d}")
    for i in range(50):  # strings, 3..~1000 distinct values
        e = f"'v' || ((r * {i * 31 + 17}) % {3 + i * 20})::VARCHAR"
        cols.append((f"CASE WHEN r % 991 = {i} THEN NULL ELSE {e} END" if i % 10 == 0 else e) + f" AS s{i:03d}")
    return (
        f"COPY (SELECT {', '.join(cols)} FROM (SELECT range::BIGINT AS r FROM range({rows}))) "
        f"TO '{dst}' (FORMAT parquet, COMPRESSION snappy)"
    )


def tpch(scale, tmp):
    exe = shutil.which("tpchgen-cli", path=os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])
    if not exe:
        sys.exit("tpchgen-cli not found: pip install tpchgen-cli")
    subprocess.run([exe, "parquet", "-s", str(scale), "--tables", "lineitem,orders", "-o", str(tmp)], check=True)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", default=os.environ.get("DQ_BENCH_DATA", ".bench/data"))
    ap.add_argument("--sets", default="6m,60m,csv,wide")
    a = ap.parse_args()
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    con.execute("SET memory_limit='8GB'")
    con.execute("SET preserve_insertion_order=true")
    sets = a.sets.split(",")
    for name, scale in (("6m", 1), ("60m", 10)):
        if name not in sets:
            continue
        t = time.time()
        with tempfile.TemporaryDirectory(dir=out) as tmp:
            tpch(scale, tmp)
            con.execute(LINEITEM.format(src=f"{tmp}/lineitem.parquet", dst=out / f"lineitem_{name}.parquet"))
            con.execute(ORDERS.format(src=f"{tmp}/orders.parquet", dst=out / f"orders_{name}.parquet"))
        n = con.execute(f"SELECT count(*) FROM '{out}/lineitem_{name}.parquet'").fetchone()[0]
        print(
            f"lineitem_{name}: {n} rows, {(out / f'lineitem_{name}.parquet').stat().st_size / 1e6:.0f} MB, {time.time() - t:.0f}s"
        )
    if "csv" in sets:
        con.execute(f"COPY (FROM '{out}/lineitem_6m.parquet') TO '{out}/lineitem_6m.csv' (FORMAT csv, HEADER)")
        print(f"lineitem_6m.csv: {(out / 'lineitem_6m.csv').stat().st_size / 1e6:.0f} MB")
    if "wide" in sets:
        con.execute(wide_sql(out / "wide_1m.parquet", 1_000_000))
        print(f"wide_1m.parquet: {(out / 'wide_1m.parquet').stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
