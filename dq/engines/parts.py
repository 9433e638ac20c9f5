"""What a task does with a part of a table: DuckDB reads the part, and answers queries about it.

Nothing here knows of a cluster. Each function is pure: asked again, after a machine was lost, it gives the same.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb

from dq.catalog.lakes import readable
from dq.diagnostics import DataError
from dq.engines.connection import connect, identifier
from dq.sources.ray_data import conformed
from dq.sources.remote import ServedPart, filesystem

if TYPE_CHECKING:
    import pyarrow as pa

Row: TypeAlias = tuple[Any, ...]
Answer: TypeAlias = "list[Row] | Exception"
"""The rows that a query gave, or why it gave none."""

Piles: TypeAlias = "list[pa.Buffer | None]"
"""A share of the keys of several frequency tables, each packed; None for one that could not be made."""

INCOMING = "incoming"
"""What the frequency tables of several parts are called where they are added up."""


def versions() -> tuple[str, str]:
    """What must be the same on all machines: another version may read, or hash, a value otherwise."""
    from importlib.metadata import version

    return version("dq-rules"), duckdb.__version__


@dataclass(frozen=True, slots=True)
class Setting:
    """What every task of a run needs.

    Attributes:
        schemas: the columns of tables that come as blocks, by alias.
        views: the queries behind the tables that each part reads whole, by alias.
        files: the files that these read.
        served: those of them that lie on other machines.
        memory_limit: how much memory DuckDB may use in a task; what needs more goes to disk.
        seconds: how long a task may take; None for as long as it takes.
        versions: those of the machine that asks.
    """

    schemas: Mapping[str, pa.Schema] = field(default_factory=dict)
    views: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    served: tuple[ServedPart, ...] = ()
    memory_limit: str | None = None
    seconds: float | None = None
    versions: tuple[str, str] = field(default_factory=versions)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a table: the query that reads it, and the files that it reads, with those that lie on other machines.

    `blocks` says of each block beside it to which alias it belongs, and which of its rows are meant; None for all.
    """

    alias: str = ""
    view: str = ""
    files: tuple[str, ...] = ()
    served: ServedPart | None = None
    blocks: tuple[tuple[str, range | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of each part.

    Attributes:
        rows: queries whose rows are the answer.
        groups: queries of frequency tables: keys `k0`, `k1`, … and `n`, and the `pile` that a key goes to.
        piles: how many piles there are.
    """

    rows: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    piles: int = 0


def measure(setting: Setting, piece: Piece, asked: Asked, *blocks: Any) -> Any:
    """The answers of a part, then its piles: pile by pile, so that each can go another way.

    A query of groups answers with no row. What goes wrong before any query is the answer of all of them.
    """
    answers: list[Answer] = []
    tables: list[list[pa.Buffer] | None] = []
    try:
        with reading(setting, piece, blocks) as connection:
            answers = [_rows(connection, query) for query in asked.rows]
            for query in asked.groups:
                answer, table = _piles(connection, query, asked.piles)
                answers.append(answer)
                tables.append(table)
    except (duckdb.Error, DataError) as error:
        answers = [error for _ in (*asked.rows, *asked.groups)]
        tables = [None for _ in asked.groups]
    if not asked.piles:
        return answers
    return (answers, *([None if table is None else table[at] for table in tables] for at in range(asked.piles)))


def add(setting: Setting, queries: Sequence[str], *incoming: Piles) -> Piles:
    """Piles of the same keys as one: equal keys are added up. A frequency table without a query has no piles."""
    with _empty(setting) as connection:
        return [_added(connection, query, at, incoming) if query else None for at, query in enumerate(queries)]


def sum_up(setting: Setting, adding: Sequence[str], queries: Sequence[tuple[str, ...]], *incoming: Piles) -> Any:
    """Of each frequency table the answers of its queries, which read its added up groups as `g`."""
    answers: list[list[Answer]] = []
    with _empty(setting) as connection:
        for at, (query, asked) in enumerate(zip(adding, queries, strict=True)):
            if not asked:
                answers.append([])
                continue
            try:
                _register(connection, at, incoming)
                connection.execute(f"CREATE OR REPLACE TEMP TABLE g AS {query}")
                answers.append([_rows(connection, each) for each in asked])
            except duckdb.Error as error:
                answers.append([error for _ in asked])
    return answers


def stream(setting: Setting, piece: Piece, query: str, *blocks: Any) -> pa.Table | Exception:
    """The rows that a query gives of a part, in their order."""
    try:
        with reading(setting, piece, blocks) as connection:
            return connection.sql(query).to_arrow_table()
    except (duckdb.Error, DataError) as error:
        return error


# -- reading -------------------------------------------------------------------------------------------


@contextmanager
def reading(setting: Setting, piece: Piece, blocks: Sequence[Any]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked-down DuckDB in which the part goes by the alias of its table, and others by theirs."""
    import pyarrow as pa

    parts = [*setting.served, *([piece.served] if piece.served else [])]
    served = [part.opened() for part in parts]
    with _empty(setting, (*setting.files, *piece.files), filesystem(served) if served else None) as connection:
        held: dict[str, list[pa.Table]] = {alias: [] for alias in setting.schemas}
        for (alias, rows), block in zip(piece.blocks, blocks, strict=True):
            held[alias].append(conformed(alias, block, setting.schemas[alias], rows))
        for alias, tables in held.items():
            empty = readable(setting.schemas[alias]).empty_table()
            connection.register(in_memory(alias), pa.concat_tables([empty, *tables]))
        for alias, view in (*setting.views.items(), *([(piece.alias, piece.view)] if piece.alias else [])):
            connection.execute(f"CREATE VIEW {identifier(alias)} AS {view}")
        yield connection
        for fault in (each.fault for each in served if each.fault):
            raise fault


def in_memory(alias: str) -> str:
    """What the rows of a table are called that come as blocks; a view of the alias reads it."""
    return f"{alias} in memory"


@contextmanager
def _empty(setting: Setting, files: Sequence[str] = (), served: Any = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB without tables. One thread: as many tasks run as there are CPUs."""
    if setting.versions != versions():
        ours, theirs = (
            " and ".join((f"dq-rules {own}", f"duckdb {base}")) for own, base in (versions(), setting.versions)
        )
        raise DataError(
            f"a machine of the cluster has {ours} where {theirs} asks", help="install the same on all of them"
        )
    spill = Path(tempfile.mkdtemp(prefix="dq-"))
    try:
        connection = connect(files, served=served, spill_to=spill, memory_limit=setting.memory_limit, threads=1)
        timer = Timer(setting.seconds or 0, connection.interrupt)
        timer.daemon = True
        if setting.seconds is not None:
            timer.start()
        try:
            yield connection
        finally:
            timer.cancel()
            connection.close()
    finally:
        shutil.rmtree(spill, ignore_errors=True)


# -- answering -----------------------------------------------------------------------------------------


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> Answer:
    try:
        return connection.execute(query).fetchall()
    except duckdb.Error as error:
        return error


def _piles(connection: duckdb.DuckDBPyConnection, query: str, piles: int) -> tuple[Answer, list[pa.Buffer] | None]:
    """A frequency table in piles: what is in which is told by the key alone, on every machine."""
    try:
        table = connection.sql(f"SELECT * FROM ({query}) ORDER BY pile").to_arrow_table()
    except duckdb.Error as error:
        return error, None
    keys = table.drop_columns(["pile"])
    sizes = dict(
        zip(*(column.to_pylist() for column in table["pile"].combine_chunks().value_counts().flatten()), strict=True)
    )
    packed, start = [], 0
    for at in range(piles):
        size = sizes.get(at, 0)
        packed.append(pack(keys.slice(start, size)))
        start += size
    return [], packed


def _added(connection: duckdb.DuckDBPyConnection, query: str, at: int, incoming: Sequence[Piles]) -> pa.Buffer:
    _register(connection, at, incoming)
    return pack(connection.sql(query).to_arrow_table())


def _register(connection: duckdb.DuckDBPyConnection, at: int, incoming: Sequence[Piles]) -> None:
    import pyarrow as pa

    tables = [unpack(buffer) for piles in incoming if (buffer := piles[at]) is not None]
    connection.register(INCOMING, pa.concat_tables(tables))


def pack(table: pa.Table) -> pa.Buffer:
    """A table as one buffer: no more than its own rows, where a slice of one would bring the whole along."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def unpack(buffer: pa.Buffer) -> pa.Table:
    """The table that was packed, read in place."""
    import pyarrow as pa

    return pa.ipc.open_stream(buffer).read_all()
