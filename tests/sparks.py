"""A Spark of this machine, one for all tests of a process."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from typing import Any

import pytest

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="SPARK IS NOT TESTED: install Java (make java)")


@cache
def session() -> Any:
    """A session that listens to nobody else, and ends with the process."""
    import atexit

    from pyspark.sql import SparkSession

    folder = tempfile.mkdtemp(prefix="dq-spark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": folder,
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    atexit.register(made.stop)
    return made
