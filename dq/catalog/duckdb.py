"""Catalogs of the kind `duckdb`: the tables and views of a DuckDB database file, which is never written to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dq.catalog import names
from dq.catalog.base import Description, Entry
from dq.catalog.base import Path as TablePath
from dq.catalog.selection import Selection
from dq.diagnostics import DataError, DqError
from dq.engines.connection import LOCK_DOWN, identifier, literal
from dq.schema import Column, Schema
from dq.sources.options import ReadOptions
from dq.sources.stored import Attached
from dq.sources.types import type_of

MAIN = "main"
"""The schema that needs not be named."""

_LISTED = """
SELECT schema_name, table_name, false, estimated_size FROM duckdb_tables() WHERE database_name = 'file' AND NOT internal
UNION ALL
SELECT schema_name, view_name, true, NULL FROM duckdb_views() WHERE database_name = 'file' AND NOT internal
ORDER BY ALL
"""


class DatabaseFile:
    """The tables and views of a database file: `schema.table`, or `table` for those of the schema `main`.

    The file is open only while something is asked, so that others can write to it in between.
    """

    kind = "duckdb"

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path

    def children(self, path: TablePath, /) -> list[Entry]:
        """At the top the schemas beside `main`, and the tables of `main`."""
        held = self._listed()
        if path:
            (schema,) = path if len(path) == 1 else ("",)
            found = names.find(schema, held, "schema", f"`{self.name}`")
            return [Entry(table, True) for table in held[found]]
        schemas = [Entry(schema, False) for schema in held if schema != MAIN]
        return [*schemas, *(Entry(table, True) for table in held.get(MAIN, {}))]

    def table(self, path: TablePath, /) -> DatabaseTable:
        """A table or a view."""
        *above, last = path
        held = self._listed()
        if len(above) > 1:
            shown = names.join((self.name, *path))
            raise DataError(f"`{shown}` has too many parts", help=f"write {self.name}.schema.table")
        schema = names.find(above[0], {MAIN: {}, **held}, "schema", f"`{self.name}`") if above else MAIN
        place = f"`{names.join((self.name, *above))}`"
        found = names.find(last, held.get(schema, {}), "table", place)
        is_view, estimate = held[schema][found]
        return DatabaseTable(self.path, (schema, found), is_view, estimate)

    def close(self) -> None:
        """It holds nothing."""

    def _listed(self) -> dict[str, dict[str, tuple[bool, int | None]]]:
        """Schema → table → whether it is a view, and about how many rows it has."""
        held: dict[str, dict[str, tuple[bool, int | None]]] = {}
        with opened(self.path) as connection:
            for schema, table, is_view, estimate in connection.execute(_LISTED).fetchall():
                held.setdefault(schema, {})[table] = (is_view, estimate)
        return held


@dataclass(frozen=True, slots=True)
class DatabaseTable:
    """A table or a view of a database file, by its schema and its name."""

    path: str
    parts: tuple[str, str]
    is_view: bool
    estimate: int | None = None
    """About how many rows it has: rows that were deleted are counted until the file is rewritten."""

    def describe(self) -> Description:
        """Its columns. How many rows it has, only a scan tells for certain."""
        about = {} if self.estimate is None else {"rows, about": f"{self.estimate:,}"}
        return Description("view" if self.is_view else "table", self._schema(), self.path, properties=about)

    def open(self, selection: Selection, options: ReadOptions, /) -> Attached:
        """The table, to be read in place.

        Raises:
            DqError: a partition or a version is selected: it has none.
            DataError: the file cannot be opened, or the view not be read.
        """
        if selection:
            raise DqError(
                f"`{'.'.join(self.parts)}` is a {'view' if self.is_view else 'table'} of a DuckDB database,"
                " which has no partitions and no versions",
                help="filter in the rules, with a where clause",
            )
        self._schema()
        shown = ".".join(self.parts[1:] if self.parts[0] == MAIN else self.parts)
        return Attached(self.path, self.parts, f"DuckDB {shown} ({Path(self.path).name})")

    def _schema(self) -> Schema:
        with opened(self.path) as connection:
            try:
                rows = connection.execute(f'DESCRIBE "file".{".".join(map(identifier, self.parts))}').fetchall()
            except duckdb.Error as error:
                raise DataError(
                    f"the {'view' if self.is_view else 'table'} `{'.'.join(self.parts)}` of `{self.path}`"
                    f" cannot be read: {_first_line(error)}",
                    help="a view may read tables of its own database only, and needs no extension",
                ) from error
        return Schema(tuple(Column(row[0], type_of(row[1]), row[1]) for row in rows))


@contextmanager
def opened(path: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection on which the database is attached as `file`, for reading only; nothing else can be reached.

    Raises:
        DataError: it is not there, is no database, is written by a newer DuckDB, or is being written to.
    """
    if not Path(path).is_file():
        raise DataError(f"there is no DuckDB database `{path}`", help="say where it is: path = …")
    connection = duckdb.connect(":memory:")
    try:
        try:
            connection.execute(f'ATTACH {literal(path)} AS "file" (READ_ONLY)')
        except duckdb.Error as error:
            raise DataError(f"`{path}` cannot be opened: {_first_line(error)}", help=_advice(error)) from error
        for name, value in LOCK_DOWN:
            connection.execute(f"SET {name} = {value}")
        yield connection
    finally:
        connection.close()


def _first_line(error: duckdb.Error) -> str:
    """What DuckDB says, without the kind of error in front and the way to other programs behind."""
    return str(error).partition("\n")[0].partition(": ")[2].partition(". However")[0].partition(". See also")[0]


def _advice(error: duckdb.Error) -> str:
    said = str(error)
    if "lock" in said:
        return "another process has it open for writing: wait until it is done, or read a copy"
    if "already attached" in said:
        return "this process has it open for writing: close that connection first"
    if "version number" in said:
        return "it was written by another version of DuckDB: install that one, or export the tables to Parquet"
    return "give a database file that DuckDB has written"


def connect(name: str, settings: Mapping[str, Any], root: Path) -> DatabaseFile:
    """The catalog of a database file, which is meant from `root`."""
    # Not absolute(), which keeps `..`, nor resolve(), which would follow links.
    return DatabaseFile(name, os.path.abspath(root / Path(settings["path"]).expanduser()))  # noqa: PTH100
