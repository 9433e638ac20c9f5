"""Parquet files: DuckDB's own reader, nothing loaded until a rule asks."""

from __future__ import annotations

from copy import copy

import duckdb

from dq.sources.files import Files
from dq.sources.scan import arguments, columns_of, hive, patterns


class ParquetTable:
    """A table of Parquet files; files with different columns are united by name, with a note."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, files: Files) -> None:
        self.files = files
        self.notes = list(files.notes)
        self.rows: int | None = self._count(connection)
        self._by_name = len(files.files) > 1 and self._differ(connection)
        self._hides_nan = self._written_elsewhere(connection)
        self._within: range | None = None

    @property
    def hides_nan(self) -> bool:
        """Whether minima and maxima of floats may leave NaN out, as all writers but DuckDB do.

        DuckDB believes them, and would take `x < 100` for true of a NaN and skip the row groups that hold one.
        """
        return self._hides_nan

    def view(self) -> str:
        """The query behind the table."""
        by_name = str(self._by_name).lower()
        query = (
            f"SELECT {columns_of(self.files)} FROM read_parquet({patterns(self.files.files)},"
            f" {arguments(hive(self.files))}, union_by_name={by_name})"
        )
        if self._within is None:
            return query
        return f"{query} WHERE file_row_number >= {self._within.start} AND file_row_number < {self._within.stop}"

    def on(self, connection: duckdb.DuckDBPyConnection, files: Files) -> ParquetTable:
        """The same table for another connection, read from `files`, which hold the same."""
        again = copy(self)
        again.files = files
        return again

    def of(self, files: Files) -> ParquetTable:
        """Some of the files, read as all of them are."""
        part = copy(self)
        part.files = files
        return part

    def within(self, rows: range) -> ParquetTable:
        """Some rows of a single file, by their place: row groups without any of them are not read."""
        part = copy(self)
        part._within = rows
        return part

    def recover(self, message: str) -> bool:
        """Parquet has its types: there is nothing to fall back to."""
        return False

    def _count(self, connection: duckdb.DuckDBPyConnection) -> int:
        query = f"SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata({patterns(self.files.files)})"
        return int(connection.execute(query).fetchall()[0][0])

    def _written_elsewhere(self, connection: duckdb.DuckDBPyConnection) -> bool:
        query = (
            "SELECT count(*) FROM parquet_file_metadata"
            f"({patterns(self.files.files)}) WHERE created_by IS NULL OR NOT starts_with(created_by, 'DuckDB')"
        )
        return bool(connection.execute(query).fetchall()[0][0])

    def _differ(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Whether the files have different columns or types, which is noted."""
        files = patterns(self.files.files)
        types = "concat_ws(' ', type, type_length, converted_type, precision, scale, logical_type)"
        rows = connection.execute(
            f"SELECT name, count(DISTINCT file_name), count(DISTINCT {types}) FROM parquet_schema({files})"
            " WHERE num_children IS NULL GROUP BY name ORDER BY name"
        ).fetchall()
        total = len(self.files.files)
        missing = [f'"{name}" (in {count:,} of {total:,} files)' for name, count, _ in rows if count != total]
        retyped = [f'"{name}"' for name, _, types in rows if types > 1]
        if missing:
            self.notes.append(f"the files do not have the same columns, missing ones are NULL: {_few(missing)}")
        if retyped:
            self.notes.append(f"the type differs between files, read as one that holds all: {_few(retyped)}")
        return bool(missing or retyped) or self._orders(connection, files) > 1

    def _orders(self, connection: duckdb.DuckDBPyConnection, files: str) -> int:
        query = (
            f"SELECT count(DISTINCT names) FROM (SELECT list(name) AS names"
            f" FROM parquet_schema({files}) GROUP BY file_name)"
        )
        return int(connection.execute(query).fetchall()[0][0])


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
