"""One Spark session for all tests of a process, small and quick to start."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="SPARK IS NOT TESTED: install Java (make java)")

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # No test may depend on the zone of the session.
    "spark.sql.session.timeZone": "America/New_York",
}


@functools.cache
def session() -> Any:
    """The session of this process."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.config("spark.sql.warehouse.dir", tempfile.mkdtemp()).getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def frames(tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    """Arrow tables as DataFrames."""
    return {alias: frame(table) for alias, table in tables.items()}


def frame(table: pa.Table) -> Any:
    """An Arrow table as a DataFrame; instants without a zone stay such."""
    from pyspark.sql import types as t
    from pyspark.sql.pandas.types import from_arrow_schema

    assert t
    schema = from_arrow_schema(table.schema, prefer_timestamp_ntz=True)
    return session().createDataFrame(table, schema=schema)
