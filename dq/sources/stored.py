"""Tables of other systems, which hand out their rows as Arrow: databases, lakes, key-value stores.

A query runs where the rows are, when a database says that it can answer it with the same meaning. Else the columns
that it reads are fetched, once, into the engine's own memory, from where they spill to disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import duckdb

from dq.diagnostics import DataError, DqError
from dq.engines.base import SourceError
from dq.engines.connection import identifier
from dq.sources.files import Files
from dq.sources.memory import Arrow
from dq.sources.remote import RemoteFiles

if TYPE_CHECKING:
    import pyarrow as pa

    from dq.lazy import exp

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


class StoredTable:
    """A stored table on a connection: what was fetched of it stands there as tables, of which a view shows one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, alias: str, source: Stored) -> None:
        self.source = source
        self.arriving = 0.0
        """How much of the rows that are being fetched has come, in [0, 1]; 0 if it cannot be told."""
        self._connection = connection
        self._alias = alias
        self._fetched: dict[frozenset[str], str] = {}
        self._rows_fetched = 0
        self._expected: frozenset[str] = frozenset()
        with _told(source, DataError):
            self._schema = source.schema

    @property
    def empty(self) -> Any:
        """The columns without a row."""
        return self._schema.empty_table()

    @property
    def told(self) -> str:
        """What was fetched, for people."""
        columns: frozenset[str] = frozenset().union(*self._fetched)
        if not columns:
            return "no row was fetched"
        names = [name for name in self._schema.names if name in columns]
        listed = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else "")
        share = f"{len(names):,} of {len(self._schema.names):,} columns"
        return f"{self._rows_fetched:,} rows of {share} were fetched: {listed}"

    def expect(self, columns: Iterable[str]) -> None:
        """Tell which columns later queries will read, so that the first of them fetches them all."""
        self._expected |= frozenset(columns)

    def bring(self, names: Iterable[str]) -> None:
        """Make the view hold these columns, fetched unless they are there.

        Raises:
            SourceError: they cannot be fetched. Nothing of them is kept then.
        """
        columns = frozenset(names)
        held = next((table for there, table in self._fetched.items() if columns <= there), None)
        if held is None:
            columns |= self._expected
            held = f"{self._alias} fetched {len(self._fetched)}"
            fetched = [name for name in self._schema.names if name in columns] or self._schema.names[:1]
            self._fetch(fetched, held)
            self._fetched[frozenset(fetched)] = held
        view = f"CREATE OR REPLACE VIEW {identifier(self._alias)} AS SELECT * FROM {identifier(held)}"
        self._connection.execute(view)

    def _fetch(self, names: Sequence[str], held: str) -> None:
        arriving = f"{held} arriving"
        failures: list[Exception] = []
        with _told(self.source), self.source.read(names) as reader:
            self._connection.register(arriving, self._counted(reader, failures))
            try:
                self._connection.execute(
                    f"CREATE OR REPLACE TABLE {identifier(held)} AS SELECT * FROM {identifier(arriving)}"
                )
            except duckdb.Error:
                if failures:  # DuckDB tells what came through it in words of its own
                    raise failures[0] from None
                raise
            finally:
                self.arriving = 0.0
                self._connection.unregister(arriving)

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
            self._rows_fetched = rows

        return pa.RecordBatchReader.from_batches(reader.schema, batches())


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
