"""JSON: one object per line, or an array of objects. Types are found once and pinned, as for CSV."""

from __future__ import annotations

import re
from copy import copy

import duckdb

from dq.diagnostics import DataError
from dq.engines.connection import identifier, literal
from dq.sources.files import Files
from dq.sources.options import ReadOptions
from dq.sources.scan import arguments, check_declared, columns_of, declared, hive, patterns, plain, struct

_MISFIT = re.compile(r'JSON transform error in file "(.*?)", in (?:line|record/value) (\d+): (.*?)\n', re.DOTALL)

# Looking at every object finds late keys and leaves no surprise; beyond this size it would cost too much.
_WHOLE_BELOW = 64 * 1024 * 1024
_SAMPLE = 200_000


class JsonTable:
    """A table of JSON files. A key that an object lacks is NULL; a value of mixed types is text."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, files: Files, options: ReadOptions, size: int) -> None:
        self.files = files
        self.notes = list(files.notes)
        self.rows: int | None = None
        self._connection = connection
        self._columns = self._sniff(connection, options, size)
        check_declared(connection, options.types, list(self._columns))
        self._columns |= declared(options.types, self._columns)

    hides_nan = False

    def view(self) -> str:
        """The query behind the table."""
        return self._scan(self._columns)

    def on(self, connection: duckdb.DuckDBPyConnection, files: Files) -> JsonTable:
        """The same table for another connection, read from `files`, which hold the same."""
        again = copy(self)
        again.files = files
        again._connection = connection
        return again

    def of(self, files: Files) -> JsonTable:
        """Some of the files, read as all of them are."""
        part = copy(self)
        part.files = files
        return part

    def recover(self, message: str) -> bool:
        """Read as text the columns that hold a value which does not fit; False if the message is about other things.

        The message does not name the column, so one pass over the files tries them all.
        """
        found = _MISFIT.search(message + "\n")
        if not found or found[1] not in self.files.paths:
            return False
        typed = [name for name, native in self._columns.items() if native != "VARCHAR"]
        if not typed:
            return False
        misfits = self._misfits(typed)
        for name in misfits:
            native = self._columns[name]
            self._columns[name] = "VARCHAR"
            self.notes.append(f'column "{name}" is read as text: line {int(found[2]):,} or a later one is not {native}')
        return bool(misfits)

    def _misfits(self, typed: list[str]) -> list[str]:
        tests = ", ".join(
            f"count(*) FILTER (json_type({identifier(name)}) <> 'NULL'"
            f" AND TRY_CAST({identifier(name)} AS {self._columns[name]}) IS NULL)"
            for name in typed
        )
        scan = self._scan(dict.fromkeys(typed, "JSON"))
        try:
            counts = self._connection.execute(f"SELECT {tests} FROM ({scan})").fetchall()[0]
        except duckdb.Error:  # the fault is in the JSON, not in a type: the first error tells it
            return []
        return [name for name, count in zip(typed, counts, strict=True) if count]

    def _scan(self, columns: dict[str, str]) -> str:
        options = self._options() | {"columns": struct(columns)}
        return f"SELECT {columns_of(self.files)} FROM read_json({patterns(self.files.files)}, {arguments(options)})"

    def _options(self) -> dict[str, str]:
        kinds = {file.compression for file in self.files.files}
        if len(kinds) > 1:
            raise DataError("JSON files of one table must all be compressed in the same way, or not at all")
        return {
            "compression": literal(next(iter(kinds)).replace("none", "uncompressed")),
            **hive(self.files),
        }

    def _sniff(self, connection: duckdb.DuckDBPyConnection, options: ReadOptions, size: int) -> dict[str, str]:
        wanted = self._options() | {
            "records": "true",
            # By default objects with many or rare keys become one column of type MAP.
            "map_inference_threshold": "-1",
            "field_appearance_threshold": "0",
            "union_by_name": "true",
            "hive_partitioning": "false",
            "sample_size": "-1" if size < _WHOLE_BELOW else str(_SAMPLE),
        }
        query = f"DESCRIBE FROM read_json({patterns(self.files.files)}, {arguments(wanted)})"
        try:
            described = connection.execute(query).fetchall()
        except duckdb.BinderException as error:
            raise DataError(
                f"`{self.files.description}` holds no JSON objects with keys",
                help="a table is one object per line, or an array of objects",
            ) from error
        for row in described:
            if row[1] == "JSON":
                self.notes.append(f'column "{row[0]}" is read as text: its values are of several types')
        if options.all_text:
            return {row[0]: "VARCHAR" for row in described}
        return {row[0]: plain(row[1]) for row in described}
