"""Tables of other systems, which hand out their rows as Arrow: databases, lakes, key-value stores.

A query runs where the rows are, when a database says that it can answer it with the same meaning. Else the columns
that it reads are fetched, once, into the engine's own memory, from where they spill to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import duckdb

from dq.diagnostics import DataError, DqError
from dq.engines.base import SourceError
from dq.engines.connection import identifier
from dq.lazy import exp
from dq.sources.files import Files
from dq.sources.memory import Arrow
from dq.sources.remote import RemoteFiles

if TYPE_CHECKING:
    import pyarrow as pa

Rows = tuple[tuple[str, ...], list[tuple[Any, ...]]]
"""Column names and rows."""


class Stored(Protocol):
    """A table of another system, in the version and the part that was selected.

    Nothing is read before it is asked for, and each reading gives the same rows as the one before, or fails.
    """

    @property
    def description(self) -> str:
        """What it is, for people: no credential stands in it."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be assumed about it."""

    @property
    def rows(self) -> int | None:
        """How many rows it has, where the system knows without reading them."""

    @property
    def database(self) -> Database | None:
        """What can answer queries over it; None when it only hands out rows."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""

    def read(self, columns: Sequence[str], /) -> AbstractContextManager[pa.RecordBatchReader]:
        """Its rows, with these columns only, in this order.

        Raises:
            DataError: it cannot be read. What fails in the middle raises from the reader.
        """

    def close(self) -> None:
        """Give back what reading holds. Harmless when repeated; a later reading opens it again."""


class UnansweredError(Exception):
    """A database met a value that it takes otherwise than DuckDB, such as a sum that overflows there.

    The rows are fetched then, and the query is answered here.
    """


class Database(Protocol):
    """A system that answers queries. Tables of one database are told by its identity."""

    @property
    def name(self) -> str:
        """Its kind and name for people, such as "PostgreSQL `shop`"."""

    @property
    def spelling(self) -> str:
        """How sqlglot calls the SQL that `sql` gives."""

    def refusal(self, query: exp.Expr, tables: Mapping[str, Stored], /) -> str:
        """Why it cannot answer a query over tables by their aliases with the same meaning; empty if it can."""

    def sql(self, query: exp.Expr, tables: Mapping[str, Stored], /) -> str:
        """The text of the query that `answer` runs."""

    def answer(self, query: exp.Expr, tables: Mapping[str, Stored], /) -> Rows:
        """The rows that a query gives, as DuckDB would give them.

        Raises:
            SourceError: it failed.
            UnansweredError: it cannot answer after all.
        """

    def stream(self, query: exp.Expr, tables: Mapping[str, Stored], /) -> AbstractContextManager[pa.RecordBatchReader]:
        """The rows of a query that gives columns of one table as they are, as `Stored.read` gives them.

        `refusal` has found nothing. Raises as `Stored.read`.
        """

    def cancel(self) -> None:
        """Stop what runs there for this process, so that it ends with an error. Any thread may ask."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A table of a DuckDB database file, read in place.

    `parts` are its schema and its name there; `rows` is how many rows the database says it has.
    """

    path: str
    parts: tuple[str, ...]
    description: str
    rows: int | None = None

    @property
    def database(self) -> str:
        """What the database file is called on a connection that it is attached to."""
        return f"file {self.path}"

    @property
    def sql(self) -> str:
        """The table in a query."""
        return ".".join(map(identifier, (self.database, *self.parts)))


Ready: TypeAlias = Files | Arrow | Attached | Stored
"""What can be read from here."""

Source: TypeAlias = Ready | RemoteFiles
"""What data has become once it was found."""


_LISTED = 12
"""How many names of columns are told at most."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    """What has come of a table: the name under which it stands here, its columns, and how many rows.

    `listed` says that equal rows came once; `lists` are those for which alone it is enough, None: it is for all.
    """

    table: str
    columns: frozenset[str]
    lists: frozenset[exp.Expr] | None = None
    listed: bool = False
    rows: int = 0

    def holds(self, columns: frozenset[str], lists: frozenset[exp.Expr] | None) -> bool:
        """Whether it is enough for some columns of some lists, or of all rows where `lists` is None."""
        if not columns <= self.columns or (self.listed and lists is None):
            return False
        return self.lists is None or (lists is not None and bool(lists) and lists <= self.lists)

    @property
    def remark(self) -> str:
        """Which rows they are, for people."""
        if not self.listed:
            return ""
        return ", each once" if self.lists is None else ", those whose keys are looked for"


class StoredTable:
    """A stored table on a connection: what was fetched of it stands there as tables, of which a view shows one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, alias: str, source: Stored) -> None:
        self.source = source
        self.arriving = 0.0
        """How much of the rows that are being fetched has come, in [0, 1]; 0 if it cannot be told."""
        self._connection = connection
        self._alias = alias
        self._fetched: list[_Fetched] = []
        self._expected: frozenset[str] = frozenset()
        self._expected_listed: frozenset[str] = frozenset()
        with _told(source, DataError):
            self._schema = source.schema

    @property
    def empty(self) -> Any:
        """The columns without a row."""
        return self._schema.empty_table()

    @property
    def told(self) -> str:
        """What was fetched, for people."""
        if not self._fetched:
            return "no row was fetched"
        columns = frozenset[str]().union(*(each.columns for each in self._fetched))
        names = [name for name in self._schema.names if name in columns]
        listed = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else "")
        share = f"{len(names):,} of {len(self._schema.names):,} columns"
        last = self._fetched[-1]
        return f"{last.rows:,} rows of {share} were fetched{last.remark}: {listed}"

    def expect(self, columns: Iterable[str], *, listed: bool = False) -> None:
        """Tell which columns later queries will read, so that the first of them fetches them all.

        `listed` says that they are read for the lists of `bring_listed` only.
        """
        if listed:
            self._expected_listed |= frozenset(columns)
        else:
            self._expected |= frozenset(columns)

    def bring(self, names: Iterable[str]) -> None:
        """Make the view hold these columns, fetched unless they are there.

        Raises:
            SourceError: they cannot be fetched. Nothing of them is kept then.
        """
        columns = frozenset(names)
        held = next((each for each in self._fetched if each.holds(columns, None)), None)
        if held is None:
            wanted = self._ordered(columns | self._expected | self._expected_listed) or self._schema.names[:1]
            held = self._fetch(_Fetched(self._next, frozenset(wanted)), self.source.read(wanted))
        self._show(held)

    def bring_listed(
        self, names: Iterable[str], lists: frozenset[exp.Expr], condition: Callable[[], exp.Expr | None]
    ) -> None:
        """Make the view hold what these lists can be made of: each row once, if the database can tell them apart.

        Args:
            names: the columns of which they are made.
            lists: by what they are known.
            condition: what rows meet that can be in one of them, when it is asked for; None is all rows.

        Raises:
            SourceError: it cannot be fetched. Nothing of it is kept then.
        """
        columns = frozenset(names)
        held = next((each for each in self._fetched if each.holds(columns, lists)), None)
        if held is None:
            found = None if self.source.database is None or self._expected else self._listed(columns, lists, condition)
            if found is None:
                self.bring(columns)
                return
            held = self._fetch(*found)
        self._show(held)

    def _listed(
        self, columns: frozenset[str], lists: frozenset[exp.Expr], condition: Callable[[], exp.Expr | None]
    ) -> tuple[_Fetched, AbstractContextManager[pa.RecordBatchReader]] | None:
        """What to fetch for some lists; None if the rows must be fetched as they are."""
        meant = condition()
        wanted = self._ordered(columns if meant is not None else columns | self._expected_listed)
        query = self._query(wanted, meant)
        if query is None or self.source.database is None:
            return None
        part = _Fetched(self._next, frozenset(wanted), None if meant is None else lists, listed=True)
        return part, self.source.database.stream(query, {self._alias: self.source})

    def _query(self, names: Sequence[str], condition: exp.Expr | None) -> exp.Select | None:
        """Some columns of the rows that meet a condition, each once if that can be told; None: as the rows are."""
        columns = [exp.column(name, quoted=True) for name in names]
        read = exp.Table(this=exp.to_identifier(self._alias, quoted=True))
        query = exp.select(*columns).from_(read)
        if condition is not None:
            query = query.where(condition.copy())
        if all(_is_told_apart(self._schema.field(name).type) for name in names):
            query = query.group_by(*(each.copy() for each in columns))
        elif condition is None:
            return None
        database = self.source.database
        return None if database is None or database.refusal(query, {self._alias: self.source}) else query

    @property
    def _next(self) -> str:
        return f"{self._alias} fetched {len(self._fetched)}"

    def _ordered(self, columns: frozenset[str]) -> list[str]:
        return [name for name in self._schema.names if name in columns]

    def _show(self, held: _Fetched) -> None:
        self._connection.execute(
            f"CREATE OR REPLACE VIEW {identifier(self._alias)} AS SELECT * FROM {identifier(held.table)}"
        )

    def _fetch(self, what: _Fetched, reading: AbstractContextManager[pa.RecordBatchReader]) -> _Fetched:
        arriving = f"{what.table} arriving"
        failures: list[Exception] = []
        with _told(self.source), reading as reader:
            self._connection.register(arriving, self._counted(reader, failures))
            try:
                self._connection.execute(
                    f"CREATE OR REPLACE TABLE {identifier(what.table)} AS SELECT * FROM {identifier(arriving)}"
                )
            except duckdb.Error:
                if failures:  # DuckDB tells what came through it in words of its own
                    raise failures[0] from None
                raise
            finally:
                self.arriving = 0.0
                self._connection.unregister(arriving)
        ((rows,),) = self._connection.execute(f"SELECT count(*) FROM {identifier(what.table)}").fetchall()
        self._fetched.append(replace(what, rows=rows))
        return self._fetched[-1]

    def _counted(self, reader: pa.RecordBatchReader, failures: list[Exception]) -> pa.RecordBatchReader:
        import pyarrow as pa

        def batches() -> Iterator[pa.RecordBatch]:
            rows = 0
            try:
                for batch in reader:
                    rows += batch.num_rows
                    self.arriving = min(rows / self.source.rows, 1.0) if self.source.rows else 0.0
                    yield batch
            except Exception as error:
                failures.append(error)
                raise

        return pa.RecordBatchReader.from_batches(reader.schema, batches())


def _is_told_apart(of: pa.DataType) -> bool:
    """Whether two values of a type are equal in a database exactly when they are the same.

    Not floats, of which both zeros are equal, nor intervals, nor what a database may order in its own way.
    """
    import pyarrow as pa

    kinds = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_string, pa.types.is_date, pa.types.is_timestamp)
    return any(test(of) for test in (*kinds, pa.types.is_decimal))


@contextmanager
def _told(source: Stored, kind: type[DqError] = SourceError) -> Iterator[None]:
    """Turn what a source raises into an error of a kind, in the words of the source."""
    try:
        yield
    except kind:
        raise
    except DqError as error:
        raise kind(error.message, help=error.help) from error
    except duckdb.OutOfMemoryException:
        raise
    except (OSError, ValueError, duckdb.Error) as error:  # what fails in a stream reaches us as Arrow or DuckDB say it
        said = str(error).partition("\n")[0]
        raise kind(f"{source.description} cannot be read: {said}") from error
