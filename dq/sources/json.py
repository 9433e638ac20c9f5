"""JSON: one object per line, or an array of objects. Types are found once and pinned, as for CSV."""

from __future__ import annotations

import re
from difflib import get_close_matches

import duckdb

from dq.diagnostics import DataError, DqError
from dq.engines.connection import identifier, literal
from dq.sources.csv import _SQL_TYPE, _arguments, _patterns, _plain, _struct
from dq.sources.files import Files
from dq.sources.options import ReadOptions

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
        self._declare(options)

    def view(self) -> str:
        """The query behind the table."""
        return self._scan(self._columns)

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
        options = self._options() | {"columns": _struct(columns)}
        star = (
            f"* EXCLUDE ({', '.join(map(identifier, self.files.outer))})"
            if self.files.outer and self.files.partitions
            else "*"
        )
        return f"SELECT {star} FROM read_json({_patterns(self.files.files)}, {_arguments(options)})"

    def _options(self) -> dict[str, str]:
        kinds = {file.compression for file in self.files.files}
        if len(kinds) > 1:
            raise DataError("JSON files of one table must all be compressed in the same way, or not at all")
        return {
            "compression": literal(next(iter(kinds)).replace("none", "uncompressed")),
            "hive_partitioning": str(bool(self.files.partitions)).lower(),
        }

    def _sniff(self, connection: duckdb.DuckDBPyConnection, options: ReadOptions, size: int) -> dict[str, str]:
        arguments = self._options() | {
            "records": "true",
            # By default objects with many or rare keys become one column of type MAP.
            "map_inference_threshold": "-1",
            "field_appearance_threshold": "0",
            "union_by_name": "true",
            "hive_partitioning": "false",
            "sample_size": "-1" if size < _WHOLE_BELOW else str(_SAMPLE),
        }
        query = f"DESCRIBE FROM read_json({_patterns(self.files.files)}, {_arguments(arguments)})"
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
        return {row[0]: _plain(row[1]) for row in described}

    def _declare(self, options: ReadOptions) -> None:
        folded = {name.casefold(): name for name in self._columns}
        for name, native in options.types.items():
            if name.casefold() not in folded:
                near = get_close_matches(name, list(self._columns), n=1)
                raise DqError(
                    f"`types` names a column `{name}` that the file does not have",
                    help=f"did you mean `{near[0]}`?" if near else "",
                )
            if not _SQL_TYPE.fullmatch(native):
                raise DqError(f"`types` gives column `{name}` the type `{native}`, which is no SQL type")
            self._columns[name if name in self._columns else folded[name.casefold()]] = native
