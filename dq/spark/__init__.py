"""Spark: DataFrames as tables, and our queries in Spark's SQL."""
