"""What 40 rules cost on Spark: fused, as `dq` plans them, against a query for each rule.

    .venv/bin/python benchmarks/spark.py --rows 5_000_000 --cores 2

Prints jobs, stages, rows and bytes read from the table and seconds of each, and how long scans with many aggregates take.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

import dq

COLUMNS = {
    "id": "id",
    "part": "id % 200000",
    "price": "cast(rand(1) * 100000 as decimal(12,2))",
    "tax": "rand(2)",
    "quantity": "cast(rand(3) * 50 as int)",
    "flag": "element_at(array('A', 'N', 'R'), cast(id % 3 + 1 as int))",
    "comment": "concat('order ', cast(id as string), ' of ', cast(id % 97 as string))",
    "shipped": "date_add(date '2020-01-01', cast(id % 2500 as int))",
    "email": "if(id % 50 = 0, null, concat('user', cast(id % 1000000 as string), '@example.com'))",
    "code": "lpad(cast(id % 90000 as string), 5, '0')",
}
RULES = (
    [f'Completeness "{name}" > 0.9' for name in COLUMNS]
    + [f'Mean "{name}" > 0' for name in ("price", "tax", "quantity", "part")]
    + [f'StandardDeviation "{name}" > 0' for name in ("price", "tax", "quantity", "part")]
    + [f'Sum "{name}" > 0' for name in ("price", "tax", "quantity", "id")]
    + [f'ColumnValues "{name}" >= 0' for name in ("price", "tax", "quantity", "part")]
    + ['ColumnValues "flag" in ["A", "N", "R"]', r'ColumnValues "email" matches "[a-z0-9]+@example\.com"']
    + ['ColumnValues "code" matches "[0-9]{5}"', 'ColumnValues "shipped" > "2019-12-31"']
    + ['ColumnLength "code" = 5', 'ColumnLength "comment" between 5 and 60', 'ColumnDataType "code" = "INTEGER"']
    + [
        "RowCount > 0",
        'ColumnCorrelation "price" "tax" between -1 and 1',
        'Completeness "email" > 0.5 where "flag = \'A\'"',
    ]
    + ['Uniqueness "part" < 1', 'Entropy "flag" > 0.5', 'DistinctValuesCount "flag" = 3', 'UniqueValueRatio "code" < 1']
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--wide", action="store_true", help="also scans with many aggregates, to find where they break")
    given = parser.parse_args()
    spark = session(given.cores)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "orders")
        rows = spark.range(given.rows).selectExpr(*(f"{made} as {name}" for name, made in COLUMNS.items()))
        rows.repartition(2 * given.cores).write.parquet(path)
        frame = spark.read.parquet(path)
        print(f"{given.rows:,} rows, {len(RULES)} rules, Spark {spark.version}, {given.cores} cores")
        options = dq.Options(samples=0)
        dq.evaluate(f"Rules = [ {RULES[0]} ]", frame, options=options)  # what is warm is warm for both
        print("plan\tscans\tjobs\tstages\tmillion rows read\tMB read\tseconds")
        measured(spark, "fused", lambda: dq.evaluate(f"Rules = [ {', '.join(RULES)} ]", frame, options=options).scans)
        measured(
            spark,
            "one each",
            lambda: sum(dq.evaluate(f"Rules = [ {each} ]", frame, options=options).scans for each in RULES),
        )
        for count in (40, 80, 160, 320, 640) if given.wide else ():
            rules = ", ".join(f'ColumnValues "quantity" >= {at} with threshold > 0.0' for at in range(count))
            started = time.perf_counter()
            found = dq.evaluate(f"Rules = [ {rules} ]", frame, options=options)
            seconds = time.perf_counter() - started
            print(f"{count} compliances in {found.scans} scan: {seconds:.1f} s, {1000 * seconds / count:.0f} ms each")
    spark.stop()


def session(cores: int) -> Any:
    return (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.ui.enabled", "true")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", "4g")
        .config("spark.sql.shuffle.partitions", str(cores))
        .config("spark.hadoop.parquet.hadoop.vectored.io.enabled", "false")  # whose bytes Spark does not count
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )


def measured(spark: Any, name: str, run: Any) -> None:
    before = stages(spark)
    started = time.perf_counter()
    scans = run()
    seconds = time.perf_counter() - started
    time.sleep(2)  # the listener of the UI is behind
    new = [each for key, each in stages(spark).items() if key not in before]
    done = [each for each in new if each["status"] == "COMPLETE"]
    jobs = len(
        {
            job
            for each in asked(spark, "jobs")
            for job in [each["jobId"]]
            if set(each["stageIds"]) & {s["stageId"] for s in new}
        }
    )
    read, size = (sum(each[what] for each in done) / 1e6 for what in ("inputRecords", "inputBytes"))
    print(f"{name}\t{scans}\t{jobs}\t{len(done)}\t{read:.1f}\t{size:.1f}\t{seconds:.1f}")


def stages(spark: Any) -> dict[tuple[int, int], Any]:
    return {(each["stageId"], each["attemptId"]): each for each in asked(spark, "stages")}


def asked(spark: Any, what: str) -> Any:
    context = spark.sparkContext
    with urllib.request.urlopen(f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/{what}") as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
