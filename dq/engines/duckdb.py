"""The embedded engine: DuckDB in this process, over tables that `dq.sources` brought in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Event, Timer
from typing import TYPE_CHECKING, Any

import duckdb

from dq.diagnostics import DataError
from dq.engines.base import Answerer, Engine, EngineError, SourceError, TimeLimitError
from dq.engines.functions import DUCKDB, lower
from dq.engines.opening import Opened, Request
from dq.lazy import exp
from dq.metrics import Frequencies, Groups, Measured, Metric, Returning, Statement
from dq.names import PRIMARY
from dq.planning import Scan
from dq.schema import Type
from dq.sources.stored import UnansweredError
from dq.sources.tables import Tables
from dq.sql import columns_read, compile_scan, frequency_table, rows_returned, sample_rows, with_outcomes

if TYPE_CHECKING:
    import pyarrow as pa

    from dq.outcomes import TableRead
    from dq.schema import Schema

_AS_TEXT = frozenset({Type.TIMESTAMP_TZ, Type.NESTED, Type.OTHER})
"""Types of which a sample shows the text: Python has no value for them, or needs more packages for it."""


class DuckDBEngine:
    """Measures scans as single queries on one connection."""

    name = "duckdb"

    def __init__(self, tables: Tables, time_limit: float | None = None) -> None:
        """Measure `tables`; a scan may take `time_limit` seconds, or as long as it takes."""
        self.tables = tables
        self.time_limit = time_limit
        self._evidence: dict[Metric, str] = {}
        self.scans: list[Scan] = []
        """What was measured."""

    def schemas(self) -> Mapping[str, Schema]:
        """The columns of every table by its alias."""
        return self.tables.schemas

    def read(self, alias: str, /) -> TableRead:
        """What is known of a table that was read."""
        return self.tables.read(alias)

    def text(self, tree: exp.Expr) -> str:
        """A tree as DuckDB's SQL."""
        return lower(tree, DUCKDB).sql(dialect="duckdb")

    def sql(self, scan: Scan, /) -> str:
        """The text of the query that `measure` would run."""
        if isinstance(scan.grain, Returning):
            try:
                return self.text(rows_returned(scan.grain.query, self._columns(scan.grain.query)))
            except EngineError:
                return self.text(scan.grain.query)
        tree = compile_scan(scan).tree
        database = self.tables.able(tree)
        return self.text(tree) if database is None else database.sql(tree, self.tables.stored)

    def physical(self, scan: Scan, /) -> str:
        """DuckDB's plan; of tables that are stored in a database there is none before they are fetched."""
        if self.tables.stored:
            return ""
        try:
            rows = self.tables.connection.execute(f"EXPLAIN {self.sql(scan)}").fetchall()
        except duckdb.Error as error:
            raise self.translated(error) from error
        return "\n".join(str(plan).rstrip() for _, plan in rows)

    def answerer(self, scan: Scan, /) -> Answerer:
        """DuckDB, or the database that holds the tables."""
        if isinstance(scan.grain, Returning):
            return Answerer(self.name, "duckdb", "rows of a user's SQL" if self.tables.stored else "")
        database, refusal = self.tables.asked(compile_scan(scan).tree)
        if database is None or refusal:
            return Answerer(self.name, "duckdb", f"{database.name}: {refusal}" if database else "")
        return Answerer(database.name, database.spelling)

    def expect(self, scans: Sequence[Scan], /) -> None:
        """Of tables that are stored elsewhere, fetch the columns of all scans that must be answered here together."""
        if self.tables.stored:
            for scan in scans:
                self.tables.expect(compile_scan(scan).tree)

    def measure(self, scan: Scan, /) -> Mapping[Metric, Measured]:
        """What the scan answers."""
        with self._limited():
            measured, by = self._measure(scan)
        self._evidence |= dict.fromkeys(measured, by)
        self.scans.append(scan)
        return measured

    def outdated(self) -> Mapping[Metric, str]:
        """What was measured on files that have changed, by what happened to them."""
        changes = self.tables.changes() if self.scans else {}
        if not changes:
            return {}
        found: dict[Metric, str] = {}
        for scan in self.scans:
            for metric in scan.metrics:
                tree = compile_scan(replace(scan, metrics=(metric,))).tree
                read = [alias for alias in columns_read(tree, self.schemas()) if alias in changes]
                if read:
                    found[metric] = changes[read[0]]
        return found

    def evidence(self, metric: Metric, /) -> str:
        """What answered a metric: DuckDB, or the database that holds the tables."""
        return self._evidence.get(metric, self.name)

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Interrupt what runs inside when it takes too long."""
        if self.time_limit is None:
            yield
            return
        over = Event()

        def stop() -> None:
            over.set()
            self.tables.interrupt()

        timer = Timer(self.time_limit, stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (EngineError, duckdb.Error, RuntimeError) as error:
            if over.is_set():
                raise TimeLimitError(f"the scan took longer than {self.time_limit:g} s, the limit") from error
            raise
        finally:
            timer.cancel()

    def _measure(self, scan: Scan) -> tuple[Mapping[Metric, Measured], str]:
        """What the scan answers, and who gave the answer."""
        if isinstance(scan.grain, Returning):
            returned = self._returned(scan.grain)
            return {metric: metric.state(returned) for metric in scan.metrics}, self.name
        query = compile_scan(scan)
        (names, rows), by = self._answer(query.tree)
        if isinstance(scan.grain, Statement):
            return {metric: metric.state((names, rows)) for metric in scan.metrics}, by
        (row,) = rows
        states = (
            metric.state([row[at] for at in cells]) for metric, cells in zip(scan.metrics, query.cells, strict=True)
        )
        return dict(zip(scan.metrics, states, strict=True)), by

    def share_done(self) -> float:
        """How much of the running query, or of the reading before it, is done; 0 where it cannot be told."""
        return self.tables.arriving or max(self.tables.connection.query_progress(), 0.0) / 100

    def frequencies(self, groups: Groups, /) -> Frequencies:
        """The frequency table of a grain as an Arrow table."""
        try:
            relation = self.tables.connection.sql(self._ready(frequency_table(groups)))
            return Frequencies(relation.to_arrow_table())
        except duckdb.Error as error:
            raise self.translated(error) from error

    def sample(self, alias: str, condition: exp.Expr, limit: int, /) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Column names and up to `limit` rows that meet a condition."""
        with self._limited():
            return self._fetch(self.sampling(alias, condition, limit))

    def sampling(self, alias: str, condition: exp.Expr, limit: int) -> exp.Expr:
        """The query that gives up to `limit` rows that meet a condition."""
        schema = self.tables.schemas[alias]
        as_text = [column for column in schema if column.type in _AS_TEXT]
        return sample_rows(alias, schema, as_text, condition, limit)

    def rows(self, alias: str, outcomes: Sequence[exp.Expr | None], batch: int, /) -> pa.RecordBatchReader:
        """A stream; an error of DuckDB in the middle of it is told as every other."""
        import pyarrow as pa

        query = with_outcomes(alias, self.tables.schemas[alias], outcomes)
        try:
            reader = self.tables.connection.sql(self._ready(query)).to_arrow_reader(batch)
        except duckdb.Error as error:
            raise self.translated(error) from error
        return pa.RecordBatchReader.from_batches(reader.schema, self._told(reader))

    def _told(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        self.demand_same()
        try:
            yield from reader
            self.demand_same()
        except (duckdb.Error, OSError) as error:  # a failing stream reaches Arrow as an OSError with DuckDB's text
            raise self.translated(error) from error

    def demand_same(self) -> None:
        """Refuse files that are not what they were. Raises DataError."""
        for what in self.tables.changes().values():
            raise DataError(f"the data has changed since it was judged: {what}", help="evaluate it again")

    def _returned(self, grain: Returning) -> tuple[int, int, tuple[str, ...], str]:
        columns = self._columns(grain.query)
        schema = self.tables.schemas["primary"]
        strange = [name for name in columns if not schema.find(name)]
        if strange:
            problem = (
                "the query returns columns that the primary does not have: "
                f"{', '.join(f'`{name}`' for name in strange)}; return columns of the primary only"
            )
            return 0, 0, columns, problem
        _, rows = self._fetch(rows_returned(grain.query, columns))
        return int(rows[0][0]), int(rows[0][1]), columns, ""

    def _columns(self, query: exp.Expr) -> tuple[str, ...]:
        names, _ = self._fetch(_none_of(query))
        return names

    def _answer(self, tree: exp.Expr) -> tuple[tuple[tuple[str, ...], list[tuple[Any, ...]]], str]:
        """The rows of a query and who gave them: the database that holds its tables if it can, else DuckDB."""
        tree = self.tables.keys.written(tree)
        if (database := self.tables.able(tree)) is not None:
            with suppress(UnansweredError):
                return database.answer(tree, self.tables.stored), database.name
        return self._fetch_here(tree), self.name

    def _fetch(self, tree: exp.Expr) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        return self._answer(tree)[0]

    def _fetch_here(self, tree: exp.Expr) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        result = self._execute(tree)
        try:
            names = tuple(column[0] for column in result.description or ())
            return names, result.fetchall()
        except duckdb.Error as error:
            raise self.translated(error) from error

    def _execute(self, tree: exp.Expr) -> duckdb.DuckDBPyConnection:
        try:
            return self.tables.connection.execute(self._ready(tree))
        except duckdb.Error as error:
            raise self.translated(error) from error

    def _ready(self, tree: exp.Expr) -> str:
        """The text of a query whose columns are there."""
        self.tables.bring(tree)
        return self.text(self.tables.keys.narrowed(tree))

    def translated(self, error: Exception) -> EngineError:
        """What an error of DuckDB means for the person who owns the data."""
        explained = self.tables.explain_error(error)
        kind = SourceError if isinstance(explained, SourceError) else EngineError
        return kind(explained.message, help=explained.help)


def _none_of(query: exp.Expr) -> exp.Expr:
    return (
        exp.select("*")
        .from_(exp.Subquery(this=query.copy(), alias=exp.TableAlias(this=exp.to_identifier("q"))))
        .limit(0)
    )


@contextmanager
def opened(request: Request, /) -> Iterator[Opened]:
    """The tables of a run in an embedded DuckDB, until the context ends."""
    with Tables(
        request.data,
        options=request.read,
        memory_limit=request.memory_limit,
        threads=request.threads,
        progress=request.progress,
    ) as tables:

        @contextmanager
        def again() -> Iterator[Engine]:
            with tables.reopened() as reopened:
                reopened.settle(PRIMARY)
                yield DuckDBEngine(reopened)

        engine = DuckDBEngine(tables, request.time_limit)
        yield Opened(engine, again, tables.recover, tables.folders, tables.paths(PRIMARY))
