"""One Spark session for all tests of a process, small and quick to start, and tables for it.

It is a classic one. With `DQ_SPARK=connect` it is one of Spark Connect, with a server in this process.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from datetime import time
from typing import Any

import pyarrow as pa
import pytest

from dq.spark.arrow import batches

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    # Tables of a few rows: compiling a query takes longer than answering it.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # What was run is kept for nobody: the plans of queries with hundreds of aggregates fill the memory.
    "spark.sql.ui.retainedExecutions": "1",
    "spark.ui.retainedJobs": "1",
    "spark.ui.retainedStages": "1",
    "spark.ui.retainedTasks": "1",
    "spark.sql.maxPlanStringLength": "1000",
    # No test may depend on the zone of the session.
    "spark.sql.session.timeZone": "America/New_York",
    # Times of day are a preview: without this Spark has them in DataFrames, and refuses a query that makes one.
    "spark.sql.timeType.enabled": "true",
}


IS_CONNECT = os.environ.get("DQ_SPARK") == "connect"
"""Whether the session of this process is one of Spark Connect."""


@functools.cache
def session() -> Any:
    """The session of this process; without what it needs, the test is skipped with what would bring it."""
    pyspark = pytest.importorskip(
        "pyspark",
        reason="SPARK IS NOT TESTED: `uv pip install 'dq-rules[spark]'`, or `make .venv/ok`, installs PySpark",
    )
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("SPARK IS NOT TESTED: there is no Java; `make java` installs it")
    given = {**SETTINGS, "spark.sql.warehouse.dir": tempfile.mkdtemp()}
    if IS_CONNECT:
        return _remote(pyspark, given)
    spark = _configured(pyspark.sql.SparkSession.builder.master("local[1]"), given).getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def _remote(pyspark: Any, given: Mapping[str, str]) -> Any:
    if int(pyspark.__version__.partition(".")[0]) < 4:
        pytest.skip(NO_SERVER)
    os.environ["SPARK_TESTING"] = "1"  # a port that is free
    address = {"spark.connect.grpc.binding.address": "127.0.0.1"}
    builder = _configured(pyspark.sql.SparkSession.builder.remote("local[1]"), {**given, **address})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the client too sets what only the server can be given
        return builder.getOrCreate()


NO_SERVER = "SPARK CONNECT IS NOT TESTED: PySpark 3.5 comes without its server; `make test-connect` tests it on the Spark of .venv"


def _configured(builder: Any, given: Mapping[str, str]) -> Any:
    for name, value in given.items():
        builder = builder.config(name, value)
    return builder


def frames(tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    """Arrow tables as DataFrames."""
    return {alias: frame(table) for alias, table in tables.items()}


def frame(table: pa.Table) -> Any:
    """An Arrow table as a DataFrame, in each version of Spark; instants without a zone stay such."""
    from pyspark.sql import types

    spark = session()
    fields = [types.StructField(each.name, spark_type(each.type)) for each in table.schema]
    rows = list(zip(*(map(_held, column.to_pylist()) for column in table.columns), strict=True))
    return spark.createDataFrame(rows, types.StructType(fields))


def has_times() -> bool:
    """Whether this version of Spark has times of day; texts stand for them where it has none."""
    from pyspark.sql import types

    session()
    return hasattr(types, "TimeType")


def _held(value: Any) -> Any:
    return str(value) if isinstance(value, time) and not has_times() else value


def spark_type(kind: pa.DataType) -> Any:
    """Spark's type of what an Arrow column holds."""
    from pyspark.sql import types

    if pa.types.is_decimal(kind):
        return types.DecimalType(kind.precision, kind.scale)
    if pa.types.is_list(kind):
        return types.ArrayType(spark_type(kind.value_type))
    if pa.types.is_struct(kind):
        return types.StructType([types.StructField(each.name, spark_type(each.type)) for each in kind])
    if pa.types.is_timestamp(kind):
        return types.TimestampType() if kind.tz else types.TimestampNTZType()
    if pa.types.is_time(kind):
        return types.TimeType() if has_times() else types.StringType()
    return {
        pa.bool_(): types.BooleanType,
        pa.int8(): types.ByteType,
        pa.int16(): types.ShortType,
        pa.int32(): types.IntegerType,
        pa.int64(): types.LongType,
        pa.float32(): types.FloatType,
        pa.float64(): types.DoubleType,
        pa.string(): types.StringType,
        pa.binary(): types.BinaryType,
        pa.date32(): types.DateType,
        pa.null(): types.NullType,
    }[kind]()


def told(rows: Any, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a DataFrame as dictionaries."""
    chosen = rows.select(*columns) if columns else rows
    return [row.asDict(recursive=True) for row in chosen.collect()]


def dictionaries(rows: Any) -> list[dict[str, Any]]:
    """The rows of an Arrow reader, or of a DataFrame with its instants in UTC, as dictionaries."""
    table = rows.read_all() if isinstance(rows, pa.RecordBatchReader) else pa.Table.from_batches(batches(rows, None))
    found: list[dict[str, Any]] = table.to_pylist()
    return found
