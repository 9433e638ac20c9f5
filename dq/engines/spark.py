"""Spark: each scan is one query of the session that holds the tables, said in Spark's SQL."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dq.casts import STOPPED
from dq.diagnostics import DqError
from dq.engines.base import Answerer, Engine, EngineError
from dq.engines.opening import Opened, Request
from dq.lazy import exp
from dq.metrics import Frequencies, Groups, Measured, Metric, Returning, Statement
from dq.planning import Scan
from dq.schema import Type
from dq.spark import dialect
from dq.spark.arrow import batches as _batches
from dq.spark.reading import first_line
from dq.spark.rows import labelled
from dq.spark.session import is_connect, limited, share_done
from dq.spark.spelling import SPELLINGS
from dq.spark.tables import Tables
from dq.spark.translating import translate
from dq.spark.values import RefusedError
from dq.sql import compile_scan, frequency_table, rows_returned, sample_rows, with_outcomes

if TYPE_CHECKING:
    import pyarrow as pa

    from dq.outcomes import TableRead
    from dq.schema import Schema


_AS_TEXT = frozenset({Type.TIMESTAMP_TZ, Type.NESTED, Type.OTHER})
"""Types of which a sample shows the text: Python's values of them depend on the zone of the machine, or are rows."""


_NO_PLAN = "Error occurred during query planning:"
"""With what EXPLAIN begins for a query that cannot run."""


class SparkEngine:
    """Measures scans as single queries of one session."""

    name = "spark"

    def __init__(self, tables: Tables, time_limit: float | None = None) -> None:
        """Measure `tables`; a scan may take `time_limit` seconds, or as long as it takes."""
        self.tables = tables
        self.time_limit = time_limit

    def schemas(self) -> Mapping[str, Schema]:
        """The columns of every table by its alias."""
        return self.tables.schemas

    def read(self, alias: str, /) -> TableRead:
        """What is known of a table."""
        return self.tables.read(alias)

    def text(self, tree: exp.Expr) -> str:
        """A tree as Spark's SQL."""
        return self._said(self.tree(tree))

    def _said(self, tree: exp.Expr) -> str:
        escaped = self.tables.session.conf.get(dialect.ESCAPED, "false") == "true"
        return dialect.text(tree, escaped=escaped)

    def tree(self, tree: exp.Expr) -> exp.Expr:
        """A tree as one of Spark.

        Raises:
            EngineError: it would not mean the same there.
        """
        try:
            return translate(tree, self.tables.relations, SPELLINGS)
        except RefusedError as refused:
            raise EngineError(f"Spark does not answer this: {refused}") from refused

    def sql(self, scan: Scan, /) -> str:
        """The text of the query that `measure` would run."""
        if isinstance(scan.grain, Returning):
            return self.text(rows_returned(scan.grain.query, self._columns(scan.grain.query)))
        return self.text(compile_scan(scan).tree)

    def physical(self, scan: Scan, /) -> str:
        """Spark's plan before it adapts it to what it finds."""
        with _translated():
            rows = self.tables.session.sql(f"EXPLAIN FORMATTED {self.sql(scan)}").collect()
        plan = "\n".join(row[0] for row in rows).strip()
        if plan.startswith(_NO_PLAN):
            raise EngineError(first_line(Exception(plan.removeprefix(_NO_PLAN))))
        return plan

    def answerer(self, scan: Scan, /) -> Answerer:
        """Spark."""
        return Answerer(self.name, "spark")

    def expect(self, scans: Sequence[Scan], /) -> None:
        """Nothing: Spark reads for each query."""

    def outdated(self) -> Mapping[Metric, str]:
        """Nothing: Spark tells by itself when files go away."""
        return {}

    def evidence(self, metric: Metric, /) -> str:
        """Spark."""
        return self.name

    def share_done(self) -> float:
        """How much of the stages that run is done; 0 on Spark Connect, which does not tell."""
        return share_done(self.tables.session)

    def measure(self, scan: Scan, /) -> Mapping[Metric, Measured]:
        """What the scan answers."""
        with limited(self.tables.session, self.time_limit):
            return self._measure(scan)

    def _measure(self, scan: Scan) -> Mapping[Metric, Measured]:
        if isinstance(scan.grain, Returning):
            returned = self._returned(scan.grain)
            return {metric: metric.state(returned) for metric in scan.metrics}
        query = compile_scan(scan)
        names, rows = self._fetch(query.tree)
        if isinstance(scan.grain, Statement):
            return {metric: metric.state((names, rows)) for metric in scan.metrics}
        (row,) = rows
        states = (
            metric.state([row[at] for at in cells]) for metric, cells in zip(scan.metrics, query.cells, strict=True)
        )
        return dict(zip(scan.metrics, states, strict=True))

    def frequencies(self, groups: Groups, /) -> Frequencies:
        """The frequency table of a grain as an Arrow table."""
        import pyarrow as pa

        with _translated():
            (table,) = _batches(self._frame(frequency_table(groups)), None)
        return Frequencies(pa.Table.from_batches([table]))

    def sample(self, alias: str, condition: exp.Expr, limit: int, /) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Column names and up to `limit` rows that meet a condition."""
        schema = self.tables.schemas[alias]
        as_text = [column for column in schema if column.type in _AS_TEXT]
        with limited(self.tables.session, self.time_limit):
            return self._fetch(sample_rows(alias, schema, as_text, condition, limit))

    def rows(self, alias: str, outcomes: Sequence[exp.Expr | None], batch: int, /) -> pa.RecordBatchReader:
        """All rows of a table, which come through this process partition by partition."""
        import pyarrow as pa

        frame = self._frame(with_outcomes(alias, self.tables.schemas[alias], outcomes))
        batches = _batches(frame, batch)
        first = next(batches)
        return pa.RecordBatchReader.from_batches(first.schema, itertools.chain([first], batches))

    def labelled(self, alias: str, rules: Sequence[str], outcomes: Sequence[exp.Expr | None], /) -> Any:
        """All rows of a table with Glue's outcome columns, as a DataFrame that is computed when it is used."""
        table = self.tables[alias]
        tree = with_outcomes(alias, table.schema, outcomes)
        with _translated():
            text = self._said(labelled(self.tree(tree), table.schema.names, rules, tree.expressions[-1].alias))
            return self.tables.session.sql(text)

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
        return tuple(self._frame(query).columns)

    def _frame(self, tree: exp.Expr) -> Any:
        with _translated():
            return self.tables.session.sql(self.text(tree))

    def _fetch(self, tree: exp.Expr) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        with _translated():
            frame = self._frame(tree)
            rows = frame.collect()
        return tuple(frame.columns), [tuple(map(_plain, row)) for row in rows]


def _plain(value: Any) -> Any:
    """A value with rows as dictionaries, and bytes that cannot be changed."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bytearray):
        return bytes(value)
    return value.asDict(recursive=True) if hasattr(value, "asDict") else value


@contextmanager
def _translated() -> Iterator[None]:
    """Spark's exceptions as ours."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise EngineError(_told(error)) from error
    except (ValueError, OverflowError) as error:  # such as a day of the year 10000
        raise EngineError(f"a value of the answer does not fit Python: {error}") from error


def _told(error: Exception) -> str:
    message = str(error)
    if STOPPED in message:
        return message[message.index(STOPPED) :].partition("\n")[0].partition(" SQLSTATE")[0].rstrip(".")[:300]
    return first_line(error)


@contextmanager
def opened(request: Request, /) -> Iterator[Opened]:
    """The tables of a run in a Spark session, until the context ends."""
    try:
        import pyspark
    except ImportError as error:
        raise DqError("Spark is not installed", help="pip install 'dq-rules[spark]'") from error
    assert pyspark

    with Tables(request.data, request.read) as tables:

        @contextmanager
        def again() -> Iterator[Engine]:
            reopened = Tables(request.data, request.read)
            try:
                yield SparkEngine(reopened)
            finally:
                if not is_connect(reopened.session):  # there, a DataFrame looks for its views when it is used
                    reopened.close()

        yield Opened(SparkEngine(tables, request.time_limit), again)
