"""A GlueContext over a Spark session: reading and writing tables and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from awsglue.dynamicframe import DynamicFrame

from dq.diagnostics import DataError, DqError

FORMATS = {"glueparquet": "parquet", "grokLog": "text"}
"""Formats that Spark calls by another name."""

OPTIONS: Mapping[str, str] = {
    "withHeader": "header",
    "separator": "sep",
    "quoteChar": "quote",
    "multiLine": "multiLine",
}
"""Options of formats by the names that Spark has for them; others mean speed, and are left out."""


class GlueContext:
    """What a job reads and writes by."""

    def __init__(self, sparkContext: Any, **options: Any) -> None:  # noqa: N803 - as it is called
        from pyspark.sql import SparkSession

        self.spark_session = SparkSession.builder.getOrCreate()
        self.create_dynamic_frame = Reading(self)
        self.write_dynamic_frame = Writing()

    def get_logger(self) -> Any:
        """A logger of Python."""
        import logging

        return logging.getLogger("awsglue")

    def create_dynamic_frame_from_catalog(self, database: str, table_name: str, **options: Any) -> DynamicFrame:
        """As `create_dynamic_frame.from_catalog`."""
        return self.create_dynamic_frame.from_catalog(database, table_name, **options)

    def create_dynamic_frame_from_options(self, connection_type: str, **options: Any) -> DynamicFrame:
        """As `create_dynamic_frame.from_options`."""
        return self.create_dynamic_frame.from_options(connection_type, **options)


class Reading:
    """What `create_dynamic_frame` can do."""

    def __init__(self, context: GlueContext) -> None:
        self.context = context

    def from_catalog(self, database: str, table_name: str, **options: Any) -> DynamicFrame:
        """A table that Spark knows as `database.table`, or one of this name that dq.toml declares.

        Raises:
            DqError: neither knows it.
        """
        from pyspark.errors import AnalysisException

        spark, name = self.context.spark_session, f"{database}.{table_name}"
        try:
            data = spark.table(f"`{database}`.`{table_name}`")
            data.schema  # noqa: B018 - a session of Spark Connect looks only now
        except AnalysisException:
            data = _declared(spark, name)
        predicate = options.get("push_down_predicate")
        return DynamicFrame(data.where(predicate) if predicate else data, self.context, table_name)

    def from_options(
        self,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,  # noqa: A002
        format_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> DynamicFrame:
        """Files at `paths`, of this machine or wherever this Spark can read.

        Raises:
            DqError: a kind of connection that is not about files.
        """
        if connection_type not in ("s3", "file", "hdfs"):
            raise DqError(
                f"`connection_type` = {connection_type} is not part of dq: it reads files",
                help="read the table with Spark, and give DynamicFrame.fromDF(df, glueContext, name)",
            )
        paths = (connection_options or {}).get("paths") or [(connection_options or {}).get("path")]
        reader = self.context.spark_session.read.format(FORMATS.get(format or "parquet", format or "parquet"))
        if format == "csv":
            reader = reader.option("inferSchema", True)
        for name, value in (format_options or {}).items():
            if name in OPTIONS:
                reader = reader.option(OPTIONS[name], value)
        if (connection_options or {}).get("recurse"):
            reader = reader.option("recursiveFileLookup", True)
        return DynamicFrame(reader.load(list(paths)), self.context, str(paths[0]))

    def from_rdd(self, *arguments: Any, **options: Any) -> DynamicFrame:
        """Not here."""
        raise DqError("`from_rdd` is not part of dq", help="give DynamicFrame.fromDF(df, glueContext, name)")


def _declared(spark: Any, name: str) -> Any:
    """A table of the project of the working directory, read here and handed to Spark."""
    import dq
    from dq.engines.duckdb import DuckDBEngine
    from dq.names import PRIMARY
    from dq.sources.tables import Tables

    try:
        table = dq.table(name)
    except DqError as error:
        raise DataError(
            f"neither Spark nor dq.toml has a table `{name}`: {error.message}",
            help=f'register it with Spark, or declare [table."{name}"] in dq.toml',
        ) from error
    with Tables(table) as tables:
        rows = DuckDBEngine(tables).rows(PRIMARY, (), 65_536).read_all()
    return spark.createDataFrame(rows.drop_columns(rows.column_names[-1:]))


class Writing:
    """What `write_dynamic_frame` can do."""

    def from_options(
        self,
        frame: Any,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str = "parquet",  # noqa: A002
        format_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """Add the rows to the files at `path`, in folders of `partitionKeys`."""
        where = connection_options or {}
        writer = frame.toDF().write.format(FORMATS.get(format, format)).mode("append")
        for name, value in (format_options or {}).items():
            if name in OPTIONS:
                writer = writer.option(OPTIONS[name], value)
        if where.get("partitionKeys"):
            writer = writer.partitionBy(*where["partitionKeys"])
        writer.save(where["path"])
        return frame
