"""The tables of a run: opened once, read through one locked-down DuckDB, closed together."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import starmap
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, cast

import duckdb

from dq import leftovers
from dq.catalog.base import NamedTable
from dq.diagnostics import DataError, DqError
from dq.engines.base import SourceError
from dq.engines.connection import connect, identifier
from dq.files.remote import FoundFiles
from dq.files.stores import ArrowFiles
from dq.lazy import exp
from dq.names import listed
from dq.options import Progress, silent
from dq.outcomes import TableRead
from dq.schema import Column, Schema
from dq.sources import files as found_files
from dq.sources import remote
from dq.sources.csv import CsvTable
from dq.sources.errors import explain
from dq.sources.files import SERVED, File, Files
from dq.sources.json import JsonTable
from dq.sources.keys import Keys
from dq.sources.memory import ACCEPTED, Arrow, from_files, is_path, to_arrow
from dq.sources.options import NO_DATA, ReadOptions
from dq.sources.parquet import ParquetTable
from dq.sources.ray_data import OtherColumnsError, RayDataset, is_ray_dataset
from dq.sources.remote import RemoteFiles, Served, ServedPart
from dq.sources.stored import Attached, Database, Ready, Source, Stored, StoredTable
from dq.sources.types import type_of
from dq.sql import columns_read

PRIMARY = "primary"

ARROW_HIDES_NAN = duckdb.__version__.startswith("1.")
"""Whether filters that DuckDB leaves to Arrow lose NaN: `x > 1` is true of it in DuckDB and Spark, false in Arrow."""


class _FileTable(Protocol):
    """Files behind a view."""

    files: Files
    notes: list[str]
    rows: int | None

    def view(self) -> str: ...
    def recover(self, message: str) -> bool: ...
    def on(self, connection: duckdb.DuckDBPyConnection, files: Files) -> _FileTable: ...
    def of(self, files: Files) -> _FileTable: ...
    @property
    def hides_nan(self) -> bool: ...


class Tables:
    """The user's data as tables of a locked-down DuckDB, each under its alias.

    `data` is a path, a list of paths or a table in memory, which is called `primary`, or a mapping alias →
    one of these; NO_DATA is no table at all. Files stay where they are: each table is a view, and only what a
    query asks for is read.

    `connection` belongs to this object and closes with it; do not use its `cursor()`s, which do not see
    tables of Python memory. Text that comes from a user must run through `connection.one_select`.

    `options` are for all files, or a mapping alias → options. `memory_limit` is a text such as `2GB`. Spilled
    data goes to a private folder below `temp_directory`, removed at the end, and so does what is fetched from other
    machines; `progress` is told of it.

    Raises:
        DqError: a wrong alias or option, or an object that is no table.
        DataError: data that cannot be read.
    """

    def __init__(
        self,
        data: Any,
        *,
        options: ReadOptions | Mapping[str, ReadOptions] | None = None,
        memory_limit: str | None = None,
        threads: int | None = None,
        temp_directory: Path | None = None,
        progress: Progress = silent,
    ) -> None:
        named = _named(data)
        chosen = _options(options, named)
        chosen |= {alias: each.reading(chosen[alias]) for alias, each in named.items() if isinstance(each, NamedTable)}
        self._names = {alias: each for alias, each in named.items() if isinstance(each, NamedTable)}
        found = {alias: _resolve(alias, value, chosen[alias], progress) for alias, value in named.items()}
        chosen |= {
            alias: each.declared.options
            for alias, each in found.items()
            if isinstance(each, RemoteFiles) and each.declared
        }
        self._reopen = partial(
            Tables, found, options=chosen, memory_limit=memory_limit, threads=threads, temp_directory=temp_directory
        )
        self._spill = Path(tempfile.mkdtemp(prefix="dq-", dir=temp_directory))
        leftovers.watch(self._spill)
        self._remote = {alias: source for alias, source in found.items() if isinstance(source, RemoteFiles)}
        self._served: dict[str, Served] = {}
        try:
            resolved = {a: self._brought(a, at, source, progress) for at, (a, source) in enumerate(found.items())}
            self._files: dict[str, tuple[File, ...]] = {
                alias: source.files if isinstance(source, Files) else () for alias, source in resolved.items()
            }
            for alias, source in resolved.items():
                _refuse_types(source, chosen[alias])
        except BaseException:
            self._clear()
            raise
        self._sources = {alias: source for alias, source in found.items() if isinstance(source, Files)}
        attached = {each.database: each.path for each in resolved.values() if isinstance(each, Attached)}
        allowed = dict.fromkeys(p for fs in self._files.values() for f in fs for p in (f.path, f.pattern))
        self._filesystem = remote.filesystem(tuple(self._served.values())) if self._served else None
        self._views: dict[str, _FileTable] = {}
        self._arrow: dict[str, Arrow] = {}
        self._stored: dict[str, StoredTable] = {}
        self.keys = Keys(self, self._stored)
        self._attached: dict[str, Attached] = {}
        self.schemas: dict[str, Schema] = {}
        try:
            self.connection = connect(
                allowed,
                attached=attached,
                served=self._filesystem,
                spill_to=self._spill,
                memory_limit=memory_limit,
                threads=threads,
            )
        except BaseException:
            self._clear()
            raise
        try:
            for alias, source in resolved.items():
                self._open(alias, source, chosen[alias])
        except BaseException as error:
            self.close()
            _raise_interrupt(error)
            raise

    def __enter__(self) -> Tables:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        _raise_interrupt(error)

    def close(self) -> None:
        """Close the database and remove what it spilled. Harmless when repeated."""
        try:
            self.connection.close()
        finally:
            for table in self._stored.values():
                table.source.close()
            self._clear()

    def _clear(self) -> None:
        shutil.rmtree(self._spill, ignore_errors=True)
        leftovers.settle(self._spill)

    def interrupt(self) -> None:
        """Make whatever runs end with an error, here and in databases. Any thread may ask."""
        self.connection.interrupt()
        for database in {id(each.database): each.database for each in self.stored.values()}.values():
            if database is not None:
                database.cancel()

    def reopened(self) -> Tables:
        """The same tables, opened again, in which every column has the type that it has come to have here."""
        again = self._reopen()
        for alias, table in self._views.items():
            again._views[alias] = table.on(again.connection, again._views[alias].files)
            again._create(alias, again._views[alias])
        return again

    def settle(self, alias: str) -> None:
        """Read every value of a CSV or JSON table once, so that no type changes in the middle of a stream.

        Raises:
            DataError: values that cannot be read as any type.
        """
        if alias not in self._views or self._views[alias].files.format == "parquet":
            return
        while True:
            try:
                self.connection.execute(f"SELECT count(COLUMNS(*)) FROM {identifier(alias)}").fetchall()
            except duckdb.Error as error:
                if not self.recover(error):
                    raise self.explain_error(error) from error
            else:
                return

    def read(self, alias: str) -> TableRead:
        """What is known of a table without scanning it; `rows` is None if that would take a scan."""
        read = self._read(alias)
        return replace(read, description=_called(self._names[alias], read)) if alias in self._names else read

    def _read(self, alias: str) -> TableRead:
        columns = len(self.schemas[alias])
        if alias in self._attached:
            return TableRead(alias, self._attached[alias].description, columns, self._attached[alias].rows)
        if alias in self._stored:
            stored = self._stored[alias].source
            return TableRead(alias, stored.description, columns, stored.rows, stored.notes, self._stored[alias].told)
        if alias in self._arrow:
            arrow = self._arrow[alias]
            return TableRead(alias, arrow.description, columns, arrow.rows, arrow.notes)
        table = self._views[alias]
        return TableRead(alias, table.files.description, columns, table.rows, tuple(table.notes))

    def paths(self, alias: str) -> tuple[str, ...] | FoundFiles | None:
        """The files that a table is read from: paths, or files of another machine.

        None for a table in memory, and where there is none.
        """
        if alias in self._remote:
            return self._remote[alias].as_files()
        return self._sources[alias].paths if alias in self._sources else None

    @property
    def folders(self) -> tuple[str, ...]:
        """Where the files of all tables lie on this machine: the folders that were named, and those of named files."""
        found = [
            folder
            for source in self._sources.values()
            for folder in (source.root, *(str(Path(path).parent) for path in source.paths))
        ]
        return tuple(dict.fromkeys(folder for folder in found if folder))

    # -- tables in parts ----------------------------------------------------------------------------------------------

    def splittable(self, alias: str) -> Files | None:
        """The files that a table is read from, if other machines can read them too; None for what is read otherwise.

        Of files of other machines those are meant that Arrow reads in place: what was fetched is here alone, and what
        fsspec reads may be.
        """
        if alias not in self._views or (
            alias in self._remote and not (alias in self._served and isinstance(self._remote[alias].system, ArrowFiles))
        ):
            return None
        return self._views[alias].files

    def served(self, alias: str, files: Sequence[File]) -> ServedPart | None:
        """How another machine opens files of a table that are of other machines; None for those of this one."""
        if alias not in self._served:
            return None
        return self._served[alias].some([int(file.path.removeprefix(SERVED).split("/")[1]) for file in files])

    def size(self, alias: str, file: File) -> int:
        """How many bytes a file of a table has; 0 if that is not known."""
        if alias not in self._served:
            return file.mark.size if file.mark else 0
        part = self._served[alias].some([int(file.path.removeprefix(SERVED).split("/")[1])])
        return next(iter(part.objects.values())).size or 0

    def query_of(self, alias: str, files: Sequence[File], rows: range | None = None) -> str:
        """The query that reads some of the files of a table, with the columns and the types of the whole.

        `rows` are those that are meant of a single Parquet file; one without a column of the name `file_row_number`.
        """
        table, schema = self._views[alias], self.schemas[alias]
        keys = (
            ()
            if table.files.declared
            else ((key.name, key.native) for key in schema if key.name in table.files.partitions)
        )
        part = table.of(replace(table.files, files=tuple(files), key_types=tuple(keys)))
        query = self._query(part.within(rows) if isinstance(part, ParquetTable) and rows is not None else part)
        if len(table.files.files) > 1:  # columns that only other files have, and types that only they make necessary
            head = ", ".join(f"NULL::{each.native} AS {identifier(each.name)}" for each in schema)
            query = f"SELECT * FROM (SELECT {head} WHERE false) UNION ALL BY NAME ({query})"
        return with_nan(query, schema) if table.hides_nan else query

    def _widen(self, error: OtherColumnsError) -> bool:
        """Take in the columns of a block of a Ray Dataset that has others than those before it."""
        changed = False
        for alias, table in list(self._stored.items()):
            if error.alias in ("", alias) and isinstance(table.source, RayDataset) and table.source.widen(error.found):
                self._keep(alias, table.source)
                changed = True
        return changed

    # -- files that change ------------------------------------------------------------------------------------------

    def changes(self) -> dict[str, str]:
        """What has happened to the files of tables since they were found, by alias; nothing where they are the same.

        The server of files that are read in place is asked. What was fetched does not change.
        """
        found: dict[str, str] = {}
        for alias, files in self._files.items():
            if alias in self._served:
                try:
                    found[alias] = self._remote[alias].change()
                except DqError as error:
                    found[alias] = f"whether it changed while it was read cannot be told: {error.message}"
                continue
            changed = next((file for file in files if file.has_changed), None)
            if changed is not None:
                gone = found_files.mark(changed.path) is None
                found[alias] = f"`{changed.shown}` {'vanished' if gone else 'changed'} while it was read"
        return {alias: what for alias, what in found.items() if what}

    # -- tables that are stored elsewhere ---------------------------------------------------------------------------

    @property
    def stored(self) -> Mapping[str, Stored]:
        """The tables that are stored in other systems, by alias."""
        return {alias: table.source for alias, table in self._stored.items()}

    @property
    def arriving(self) -> float:
        """How much of the rows that are being fetched has come, in [0, 1]."""
        return max((table.arriving for table in self._stored.values()), default=0.0)

    def able(self, query: exp.Expr) -> Database | None:
        """The database that holds every table of a query and can answer it; None if there is none."""
        database, reason = self.asked(query)
        return None if reason else database

    def asked(self, query: exp.Expr) -> tuple[Database | None, str]:
        """The database that holds tables of a query, and why it does not answer it; no reason means that it does."""
        if not self._stored or not isinstance(query, exp.Query):
            return None, ""
        aliases = columns_read(query, self.schemas).keys()
        found = {id(each.database): each.database for alias, each in self.stored.items() if alias in aliases}
        databases = [each for each in found.values() if each is not None]
        if not databases:
            return None, ""
        if len(found) > 1 or not aliases <= set(self._stored):
            given = self.keys.candidate(query)
            sent = (
                f", and the keys of {listed(each.alias for each in given[1])} are sent if they are few" if given else ""
            )
            return databases[0], f"its tables are in several places{sent}"
        return databases[0], databases[0].refusal(query, self.stored)

    def expect(self, query: exp.Expr) -> None:
        """Tell of a query to come, so that the columns of all of them are fetched at once."""
        if self.able(query) is None and self.keys.candidate(query) is None:
            for alias, columns in self._reads(query).items():
                self._stored[alias].expect(columns, listed=bool(self.keys.lists_only(query, alias)))

    def bring(self, query: exp.Expr) -> None:
        """Fetch what a query reads of tables that are stored elsewhere.

        Raises:
            SourceError: it cannot be fetched.
        """
        read = self._reads(query)
        lists = {alias: self.keys.lists_only(query, alias) for alias in read}
        for alias in read:
            if lists[alias]:  # first, since finding keys may read other tables
                self.keys.bring(alias, read[alias], lists[alias])
        for alias in read:
            if not lists[alias]:
                self._stored[alias].bring(read[alias])

    def _reads(self, query: exp.Expr) -> dict[str, tuple[str, ...]]:
        """What a query reads of tables that are stored elsewhere, by alias."""
        read = columns_read(query, self.schemas) if self._stored else {}
        return {alias: columns for alias, columns in read.items() if alias in self._stored}

    def is_served(self, alias: str) -> bool:
        """Whether the files of a table are read in place on another machine, anew by each query."""
        return alias in self._served

    def recover(self, error: BaseException) -> bool:
        """After a failed query: True if a column has a wider type now, or a table more columns: it should run again.

        Schemas and notes have changed then. Each call settles at least one column, so this ends.
        """
        if isinstance(error, OtherColumnsError):
            return self._widen(error)
        if not isinstance(error, duckdb.Error):
            return False
        changed = False
        for alias, table in self._views.items():
            if table.recover(str(error)):
                self._create(alias, table)
                self.keys.forget()
                changed = True
        return changed

    def explain_error(self, error: BaseException) -> DqError:
        """What a failed query means for the person who owns the data; a SourceError where a server failed."""
        for served in self._served.values():
            if served.fault and served.fault.message in str(error):
                return SourceError(served.fault.message, help=served.fault.help)
        return explain(error, [file for files in self._files.values() for file in files])

    # -- opening ----------------------------------------------------------------------------------------------------

    def _brought(self, alias: str, number: int, source: Source, progress: Progress) -> Ready:
        """A source whose files can be read from here."""
        if not isinstance(source, RemoteFiles):
            return source
        brought = remote.bring(source, self._spill, number, progress)
        if brought.served is not None:
            self._served[alias] = brought.served
        return brought.files

    def _open(self, alias: str, source: Ready, options: ReadOptions) -> None:
        try:
            if isinstance(source, Attached):
                self._attached[alias] = source
                self._view(alias, f"SELECT * FROM {source.sql}", hides_nan=False)
            elif not isinstance(source, Arrow | Files):
                self._keep(alias, source)
            elif isinstance(source, Arrow):
                self._register(alias, source)
            elif source.format == "arrow":
                self._register(alias, from_files(source, self._filesystem))
            else:
                self._views[alias] = self._table(source, options)
                self._create(alias, self._views[alias])
        except (duckdb.Error, DataError) as error:
            if (served := self._served.get(alias)) is not None and served.fault:
                raise served.fault from None
            if isinstance(error, DataError):
                raise
            raise explain(error, self._files[alias]) from error

    def _table(self, files: Files, options: ReadOptions) -> _FileTable:
        for file in files.files:
            found_files.verify(file)
        if files.format == "parquet":
            return ParquetTable(self.connection, files)
        if files.format == "csv":
            return CsvTable(self.connection, files, options)
        return JsonTable(self.connection, files, options, sum(Path(path).stat().st_size for path in files.paths))

    def _create(self, alias: str, table: _FileTable) -> None:
        self._view(alias, self._query(table), hides_nan=table.hides_nan)

    def _query(self, table: _FileTable) -> str:
        """The query behind files, with the columns that a catalog declares."""
        query, declared = table.view(), table.files.declared
        if declared is None:
            return query
        held = self.connection.execute(f"DESCRIBE {query}").fetchall()
        return declared.view(query, [(row[0], row[1]) for row in held], table.notes)

    def _register(self, alias: str, arrow: Arrow) -> None:
        held = f"{alias} in memory"
        self.connection.register(held, arrow.data)
        self._arrow[alias] = arrow
        self._view(alias, f"SELECT * FROM {identifier(held)}", hides_nan=ARROW_HIDES_NAN)

    def _keep(self, alias: str, source: Stored) -> None:
        """Know the columns of a stored table; there is no view of it until rows are brought."""
        table = StoredTable(self.connection, alias, source)
        empty = f"{alias} without rows"
        self.connection.register(empty, table.empty)
        self._describe(alias, f"SELECT * FROM {identifier(empty)}")
        self.connection.unregister(empty)
        self._stored[alias] = table

    def _describe(self, alias: str, query: str) -> None:
        rows = self.connection.execute(f"DESCRIBE {query}").fetchall()
        self.schemas[alias] = Schema(tuple(Column(row[0], type_of(row[1]), row[1]) for row in rows))

    def _view(self, alias: str, query: str, *, hides_nan: bool) -> None:
        self._describe(alias, query)
        if hides_nan:
            query = with_nan(query, self.schemas[alias])
        self.connection.execute(f"CREATE OR REPLACE VIEW {identifier(alias)} AS {query}")


def _called(table: NamedTable, read: TableRead) -> str:
    """What people read of a table that has a name: the name, what is selected of it, and what that is."""
    name = f"{table.name}, {table.selection}" if table.selection else table.name
    return read.description if name == read.description else f"{name}: {read.description}"


def with_nan(query: str, schema: Schema) -> str:
    """A query of whose floats DuckDB must assume that they can be NaN, whatever is said of their extremes."""
    floats = [(each.name, each.native) for each in schema if each.native in ("FLOAT", "DOUBLE")]
    return f"SELECT * REPLACE ({', '.join(starmap(_maybe_nan, floats))}) FROM ({query})" if floats else query


def _maybe_nan(name: str, native: str) -> str:
    """A column of floats as an expression of which DuckDB must assume that it can be NaN."""
    held = identifier(name)
    return f"CASE WHEN isnan({held}) THEN 'nan'::{native} ELSE {held} END AS {held}"


def _raise_interrupt(error: BaseException | None) -> None:
    """DuckDB tells Ctrl-C as a RuntimeError: raise what it is."""
    if isinstance(error, RuntimeError) and str(error) == "Query interrupted":
        raise KeyboardInterrupt from error


def _named(data: Any) -> dict[str, Any]:
    """Alias → data. A mapping of which no value can be a table is itself a table of columns."""
    if data is NO_DATA:
        return {}
    if not isinstance(data, Mapping):
        return {PRIMARY: data}
    if not data:
        raise DqError("no data was given: the mapping of aliases is empty")
    if not any(_may_be_table(value) for value in data.values()):
        return {PRIMARY: data}
    folded: dict[str, str] = {}
    for alias in data:
        if not isinstance(alias, str) or not alias or "\0" in alias:
            raise DqError(f"{alias!r} cannot be an alias", help="an alias is a text of one or more characters")
        other = folded.setdefault(alias.casefold(), alias)
        if other != alias:
            raise DataError(
                f"the aliases `{other}` and `{alias}` differ in letter case only, which SQL cannot tell apart",
                help="rename one of them",
            )
    return dict(data)


def is_stored(value: object) -> bool:
    """Whether a value is a table of another system."""
    return all(hasattr(value, name) for name in ("read", "database", "schema"))


def _may_be_table(value: Any) -> bool:
    """False for what can only be a column: a list of something else than rows and paths."""
    if isinstance(value, (list, tuple)):
        return not value or all(is_path(item) or isinstance(item, Mapping) for item in value)
    return "numpy" not in type(value).__module__ and type(value).__name__ != "Series"


def _options(
    options: ReadOptions | Mapping[str, ReadOptions] | None, named: Mapping[str, Any]
) -> dict[str, ReadOptions]:
    if options is None or isinstance(options, ReadOptions):
        return dict.fromkeys(named, options or ReadOptions())
    if unknown := [alias for alias in options if alias not in named]:
        raise DqError(f"options are given for `{unknown[0]}`, but no data is", help=f"aliases are {', '.join(named)}")
    return {alias: options.get(alias, ReadOptions()) for alias in named}


def _refuse_types(source: Ready, options: ReadOptions) -> None:
    if isinstance(source, Files) and options.types and source.format not in ("csv", "json"):
        raise DqError(
            f"types can be given for CSV and JSON only: `{source.description}` has its own",
            help="remove the type, or cast in the rule",
        )


def _found(value: Any, options: ReadOptions, progress: Progress) -> Files | RemoteFiles:
    given = [value] if is_path(value) else list(value)
    elsewhere = [each for each in given if found_files.is_remote(each)]
    if not elsewhere:
        return found_files.find(value, options.format, options.hive_partitioning)
    if len(elsewhere) < len(given):
        raise DataError("one table cannot mix files of this machine and of others", help="copy them to one place")
    return remote.find(given, options.format, options.hive_partitioning, progress=progress)


def _resolve(alias: str, value: Any, options: ReadOptions, progress: Progress) -> Source:
    if isinstance(value, Files | RemoteFiles | Arrow | Attached) or is_stored(value):
        return cast("Source", value)
    if isinstance(value, NamedTable):
        return value.open(options)
    if is_path(value) or (isinstance(value, (list, tuple)) and value and all(map(is_path, value))):
        return _found(value, options, progress)
    if is_ray_dataset(value):
        return RayDataset(value)
    try:
        return to_arrow(value)
    except DqError as error:
        error.message = f"`{alias}`: {error.message}" if alias != PRIMARY else error.message
        raise


__all__ = ["ACCEPTED", "PRIMARY", "ReadOptions", "Tables"]
