"""Over Spark Connect, in a process of its own: the session of a process is either classic or not."""

from __future__ import annotations

import json

from pyspark.sql import SparkSession

import dq

spark = (
    SparkSession.builder.remote("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.connect.grpc.binding.address", "127.0.0.1")
    .config("spark.sql.shuffle.partitions", "1")
    .getOrCreate()
)
frame = spark.createDataFrame([(1, "a"), (2, "b"), (None, "b")], "id int, name string")
found = dq.evaluate(
    """Rules = [ IsComplete "id", IsUnique "name", ColumnValues "name" in ["a", "b"],
        CustomSql "select id from primary where id > 1" with threshold > 0.1,
        ColumnDataType "name" = "INTEGER" with threshold < 0.1, Entropy "name" > 0.1 ]""",
    {"primary": frame},
)
passed, failed = found.split()
endless = dq.evaluate('Rules = [ Mean "id" > 0 ]', spark.range(0, 10**12, 1, 1), time_limit=1)
answer = {
    "class": type(spark).__module__,
    "engine": found.engine,
    "verdicts": [each.verdict.value for each in found.outcomes],
    "reasons": [each.reason for each in found.outcomes],
    "failed": sorted(str(row["id"]) for row in failed.select("id").collect()),
    "passed": passed.count(),
    "limit": endless.outcomes[0].reason,
}
print(json.dumps(answer))  # noqa: T201 - what the test reads
spark.stop()
