"""Any other database that SQLAlchemy knows: rows are fetched, in one transaction, and nothing is left to it."""

from __future__ import annotations

import json
import operator
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any, cast

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import exc

from dq.catalog.base import Description, Entry
from dq.catalog.base import Path as Names
from dq.catalog.relational import (
    BATCH_ROWS,
    Condition,
    Field,
    Shared,
    as_reader,
    check_version,
    conditions,
    described,
    named,
    plain,
    schema_of,
    seconds,
)
from dq.catalog.selection import LATEST, Selection
from dq.databases.held import distinct_names
from dq.diagnostics import DataError, DqError
from dq.sources.options import ReadOptions
from dq.sources.stored import Database

ISOLATION = ("SNAPSHOT", "REPEATABLE READ", "SERIALIZABLE")
"""The levels that show the data as they were at one moment, the cheapest first."""


def connect(name: str, settings: Mapping[str, Any], root: Path) -> SqlalchemyCatalog:
    """The catalog of a URL. Touches no network.

    Raises:
        DqError: the URL is none, or its driver is not installed.
    """
    try:
        url = sa.make_url(str(settings["url"]))
    except exc.ArgumentError:
        raise DqError(
            "the URL of the catalog cannot be read", help="write dialect+driver://user:password@host/database"
        ) from None
    if given := {each: settings[each] for each in ("user", "password") if settings.get(each)}:
        url = url.set(username=given.get("user", url.username), password=given.get("password", url.password))
    try:
        engine = sa.create_engine(url, hide_parameters=True, poolclass=sa.pool.NullPool)
    except (exc.ArgumentError, ImportError) as error:
        said = str(error).partition("\n")[0] if isinstance(error, ImportError) else "its dialect is not known"
        raise DqError(
            f"`{url.drivername}` cannot be used: {said}", help="install the package of its driver, or name another one"
        ) from None
    return SqlalchemyCatalog(Session(engine, seconds(settings)))


class Session(Shared):
    """The connection of an engine and its one transaction, while somebody reads."""

    def __init__(self, engine: sa.Engine, timeout: float) -> None:
        super().__init__()
        self.engine = engine
        self.timeout = timeout
        self._connection: sa.Connection | None = None

    @property
    def name(self) -> str:
        """The database for people, without credentials."""
        bare = self.engine.url.set(username=None, password=None, query={})
        return f"`{bare.render_as_string()}`"

    @contextmanager
    def opened(self) -> Iterator[sa.Connection]:
        """The connection, in its transaction. What SQLAlchemy raises inside is told in the database's words.

        Raises:
            DataError: there is no way to connect, or something failed inside.
        """
        try:
            if self._connection is None:
                self._connection = self._begun()
            yield self._connection
        except exc.SQLAlchemyError as error:
            raise self.told(error) from None

    def _begun(self) -> sa.Connection:
        connection = self.engine.connect()
        try:
            known = self.engine.dialect.get_isolation_level_values(connection.connection.dbapi_connection)  # type: ignore[arg-type]
        except NotImplementedError:
            known = ()
        with suppress(StopIteration):
            connection = connection.execution_options(isolation_level=next(each for each in ISOLATION if each in known))
        if self.engine.dialect.name == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
        connection.begin()
        return connection

    @contextmanager
    def batches(self, query: sa.Select[Any]) -> Iterator[Iterator[Sequence[Any]]]:
        """The rows of a query as they come.

        Raises:
            DataError: it failed, or took too long.
        """
        with self.opened() as connection:
            until = time.monotonic() + self.timeout
            timer = Timer(self.timeout, _stop, [connection.connection.dbapi_connection])
            timer.daemon = True
            timer.start()
            try:
                result = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS).execute(query)
                with result:
                    yield self._timely(result.partitions(), until)
            except exc.SQLAlchemyError:
                self._check(until)
                raise
            finally:
                timer.cancel()

    def _timely(self, batches: Iterator[Sequence[Any]], until: float) -> Iterator[Sequence[Any]]:
        try:
            for batch in batches:
                self._check(until)
                yield batch
        except exc.SQLAlchemyError as error:
            self._check(until)
            raise self.told(error) from None

    def _check(self, until: float) -> None:
        if time.monotonic() > until:
            raise DataError(
                f"{self.name}: the query took longer than {self.timeout:g} s, the limit",
                help="raise the setting `timeout` of the catalog",
            )

    def told(self, error: exc.SQLAlchemyError) -> DataError:
        """An error in the database's own words: SQLAlchemy's hold the query."""
        said = error.orig if isinstance(error, exc.DBAPIError) and error.orig else error
        return DataError(f"{self.name}: {str(said).partition(chr(10))[0]}")

    def close(self) -> None:
        """End the transaction. Harmless when repeated."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(exc.SQLAlchemyError):
                connection.close()


def _stop(connection: Any) -> None:
    """Ask a driver to end what runs, if it can."""
    for each in ("interrupt", "cancel"):
        if hasattr(connection, each):
            with suppress(Exception):
                getattr(connection, each)()
            return


# -- the catalog ---------------------------------------------------------------------------------------


class SqlalchemyCatalog:
    """The tables and views of the default schema, and the other schemas."""

    kind = "sqlalchemy"

    def __init__(self, session: Session) -> None:
        self._session = session

    def children(self, path: Names, /) -> Sequence[Entry]:
        """Tables and views, and at the top also the schemas.

        Raises:
            DataError: the database cannot be reached, or there is no such schema.
        """
        if len(path) > 1:
            raise DataError(f"{self._session.name} has no namespace `{'.'.join(path)}`")
        with self._session.held(), self._session.opened() as connection:
            found = sa.inspect(connection)
            schema = self._schema(found, path[0]) if path else None
            tables = [Entry(name, is_table=True) for name in self._tables(found, schema)]
            return [*([] if path else [Entry(each, is_table=False) for each in found.get_schema_names()]), *tables]

    def table(self, path: Names, /) -> SqlalchemyTable:
        """A table or a view: its name, behind that of its schema unless it is the default one.

        Raises:
            DataError: there is none, or the database cannot be reached.
        """
        if len(path) not in (1, 2):
            raise DataError(f"`{'.'.join(path)}` names no table of {self._session.name}", help="write schema.table")
        with self._session.held(), self._session.opened() as connection:
            found = sa.inspect(connection)
            schema = self._schema(found, path[0]) if len(path) == 2 else None
            tables = self._tables(found, schema)
            return SqlalchemyTable(self._session, schema, *named(path[-1], tables, "table", self._session.name))

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _schema(self, found: sa.Inspector, name: str) -> str:
        return named(name, {each: each for each in found.get_schema_names()}, "schema", self._session.name)

    def _tables(self, found: sa.Inspector, schema: str | None) -> dict[str, tuple[str, str]]:
        kinds = {"table": found.get_table_names(schema), "view": found.get_view_names(schema)}
        with suppress(NotImplementedError):
            kinds["materialized view"] = found.get_materialized_view_names(schema)
        return {name: (name, kind) for kind, names in kinds.items() for name in sorted(names)}


@dataclass(frozen=True, slots=True)
class SqlalchemyTable:
    """A table or a view."""

    session: Session
    schema: str | None
    name: str
    kind: str

    def describe(self) -> Description:
        """Its columns."""
        with self.session.held():
            columns = self._columns()
        return Description(
            f"{self.session.engine.dialect.name} {self.kind}",
            described(schema_of(field for _, field, _ in columns)),
            location=self.session.name.strip("`"),
        )

    def open(self, selection: Selection, options: ReadOptions, /) -> SqlalchemyRows:
        """The rows that are selected; a filter compares as the database does.

        Raises:
            DataError: it cannot be read, has no such column, or no row is selected.
            DqError: a snapshot or an instant is selected, or a value is none of its column.
        """
        check_version(selection, "tables behind SQLAlchemy")
        what = f"{self.session.engine.dialect.name} {self.kind} {'.'.join(filter(None, (self.schema, self.name)))}"
        with self.session.held():
            columns = self._columns()
            types = {field.name: field.type for _, field, _ in columns}
            query = self._query(conditions(selection, types, what), {f.name: c for c, f, _ in columns})
            if selection:
                with self.session.batches(query.add_columns(sa.literal(1)).limit(1)) as batches:
                    if not any(batches):
                        raise DataError(f"no row of {what} meets {selection}")
            rows = SqlalchemyRows(
                self.session,
                {field.name: (column, field) for column, field, _ in columns},
                query,
                f"{what}{f', {selection}' if selection else ''}",
                tuple(note for *_, note in columns if note),
            )
            self.session.hold(rows)
            return rows

    def _columns(self) -> list[tuple[sa.ColumnClause[Any], Field, str]]:
        with self.session.opened() as connection:
            found = sa.inspect(connection).get_columns(self.name, self.schema)
        if not found:
            raise DataError(f"{self.session.name}: `{self.name}` has no columns")
        columns = []
        for each, name in zip(found, distinct_names([each["name"] for each in found]), strict=True):
            of, convert, note = _read_as(each["type"], name)
            exact = sa.Float() if isinstance(each["type"], sa.Float) else each["type"]  # no decimals of ten digits
            column: sa.ColumnClause[Any] = sa.column(sa.quoted_name(each["name"], quote=True), exact)
            columns.append((column, Field(name, of, convert), note))
        sa.table(self._quoted, *(column for column, *_ in columns), schema=self.schema)
        return columns

    @property
    def _quoted(self) -> sa.quoted_name:
        return sa.quoted_name(self.name, quote=True)

    def _query(self, filters: Sequence[Condition], columns: Mapping[str, sa.ColumnClause[Any]]) -> sa.Select[Any]:
        table = next(iter(columns.values())).table
        query: sa.Select[Any] = sa.select().select_from(cast("sa.FromClause", table))
        for each in filters:
            column = columns[each.column]
            if each.operator == LATEST:
                newest = query.with_only_columns(sa.func.max(column)).scalar_subquery()
                query = query.where(column == newest)
            else:
                query = query.where(_OPERATORS[each.operator](column, *each.values))
        return query


_OPERATORS: Mapping[str, Callable[..., Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda column, *values: column.in_(values),
    "between": lambda column, low, high: column.between(low, high),
}


@dataclass(frozen=True, slots=True)
class SqlalchemyRows:
    """The rows of a table that are selected."""

    session: Session
    columns: Mapping[str, tuple[sa.ColumnClause[Any], Field]]
    query: sa.Select[Any]
    description: str
    notes: tuple[str, ...]
    rows: int | None = None
    database: Database | None = None

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        return schema_of(field for _, field in self.columns.values())

    @contextmanager
    def read(self, columns: Sequence[str], /) -> Iterator[pa.RecordBatchReader]:
        """Its rows.

        Raises:
            DataError: they cannot be read.
        """
        self.session.hold(self)
        chosen = [self.columns[name] for name in columns]
        with self.session.batches(self.query.add_columns(*(column for column, _ in chosen))) as batches:
            yield as_reader([field for _, field in chosen], batches)

    def close(self) -> None:
        """Let go of the connection, unless others read."""
        self.session.let_go(self)


# -- types ---------------------------------------------------------------------------------------------

Converted = tuple[pa.DataType, Callable[[Sequence[Any]], pa.Array]]


def _read_as(of: sa.types.TypeEngine[Any], name: str) -> tuple[pa.DataType, Callable[[Sequence[Any]], pa.Array], str]:
    """What a column of a type is read as, how, and a remark where that is not its own type."""
    if isinstance(of, sa.Numeric) and not isinstance(of, sa.Float):
        if of.precision is not None and of.precision <= 38 and (of.scale or 0) <= of.precision:
            kind = pa.decimal128(of.precision, of.scale or 0)
            return kind, plain(kind), ""
        return pa.string(), _texts, f'column "{name}" is read as text: {of} has no limit of digits, or one beyond 38'
    if isinstance(of, sa.Integer) and getattr(of, "unsigned", False):
        return pa.decimal128(20, 0), plain(pa.decimal128(20, 0)), ""
    if isinstance(of, sa.DateTime) and of.timezone:
        return pa.timestamp("us", "UTC"), plain(pa.timestamp("us", "UTC")), ""
    for kinds, kind in _TYPES:
        if isinstance(of, kinds):
            return kind, plain(kind), ""
    if isinstance(of, sa.JSON):
        return pa.string(), _documents, ""
    remark = "" if isinstance(of, sa.Uuid) else f'column "{name}" is read as text: its type is {_said(of)}'
    return pa.string(), _texts, remark


_TYPES: tuple[tuple[Any, pa.DataType], ...] = (
    (sa.Boolean, pa.bool_()),
    (sa.Integer, pa.int64()),
    (sa.Float, pa.float64()),
    (sa.Date, pa.date32()),
    (sa.DateTime, pa.timestamp("us")),
    ((sa.String, sa.Enum), pa.string()),
    (sa.LargeBinary, pa.binary()),
    (sa.types._Binary, pa.binary()),
)


def _said(of: sa.types.TypeEngine[Any]) -> str:
    with suppress(Exception):
        return str(of)
    return type(of).__name__


def _texts(values: Sequence[Any]) -> pa.Array:
    return pa.array([None if each is None else str(each) for each in values], pa.string())


def _documents(values: Sequence[Any]) -> pa.Array:
    return pa.array([None if each is None else json.dumps(each, ensure_ascii=False) for each in values], pa.string())
