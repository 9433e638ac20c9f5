"""A connection to PostgreSQL that reads one snapshot, and says in the server's words what went wrong.

All that a run reads is read in one transaction, which is read only and repeatable, so what the server answers and what
is fetched are of one moment. A statement that fails takes nothing else with it: each has a savepoint. When the
connection is lost in the middle of a run, the rest of the run fails too, since another one would see another moment.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import adbc_driver_manager as adbc
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_postgresql import dbapi

from dq.diagnostics import DataError, DqError
from dq.engines.base import SourceError
from dq.engines.connection import literal
from dq.sources.stored import UnansweredError

CONNECTING = 10
"""Seconds until a connection must stand."""

PAUSES = (0.2, 0.8)
"""Seconds before each further try to connect, where the server may be about to answer."""

_SOON = ("refused", "starting up", "shutting down", "too many clients", "remaining connection slots")

_WIRE = {
    "application_name": "dq",
    "connect_timeout": str(CONNECTING),
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "40000",
}
"""What libpq is told, unless the URL says otherwise: a server that is gone is noticed within a minute."""

_SETTINGS = {
    "search_path": "",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "default_transaction_read_only": "on",
}

_LOOK = "client_connection_check_interval"


class Address:
    """Where a database is, and with which words it must never be told."""

    def __init__(self, url: str, user: str | None, password: str | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("postgres", "postgresql"):
            raise DqError(
                "the `url` of a PostgreSQL database begins with postgresql://",
                help="write postgresql://host:5432/database; user and password can stand apart",
            )
        before, _, self.host = parts.netloc.rpartition("@")
        name, _, secret = before.partition(":")
        self._secrets = {each for each in (secret, unquote(secret), password, quote(password or "", safe="")) if each}
        self._secrets |= {value for key, value in parse_qsl(parts.query) if key in ("password", "sslpassword")}
        user = quote(user, safe="") if user else name
        secret = quote(password, safe="") if password else secret
        before = f"{user}:{secret}@" if secret else f"{user}@" if user else ""
        query = urlencode({**_WIRE, **dict(parse_qsl(parts.query))}, quote_via=quote)
        self.url = urlunsplit(("postgresql", before + self.host, parts.path, query, ""))
        self.database = unquote(parts.path.strip("/")) or unquote(user) or "default"
        self.shown = f"postgresql://{self.host}{parts.path}"

    def without_secrets(self, text: str) -> str:
        """A text in which no password stands."""
        for each in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(each, "…")
        return text


class Session:
    """One connection, opened when it is needed and kept; its transaction lasts until all who use it have left."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
        self.name = f"PostgreSQL `{address.database}`"
        self.encoding = "UTF8"
        self._timeout = timeout
        self._connection: Any = None
        self._users: set[int] = set()
        self._lost = ""
        self._failure = ""
        self._reading = False
        self._closed = False
        self._lock = threading.RLock()

    # -- life -------------------------------------------------------------------------------------------------------

    def enter(self, user: object) -> None:
        """Keep the transaction for someone who reads."""
        self._users.add(id(user))

    def leave(self, user: object) -> None:
        """End the transaction when the last one leaves. Harmless when repeated."""
        with self._lock:
            self._users.discard(id(user))
            if self._users or self._connection is None:
                return
            if self._closed or self._lost:
                self.close()
            elif self._reading:
                self._run("ROLLBACK")
                self._reading = False

    def close(self) -> None:
        """End the transaction and the connection; who reads later opens another one until they leave."""
        with self._lock:
            connection, self._connection = self._connection, None
            self._lost, self._failure, self._reading, self._closed = "", "", False, True
            self._users.clear()
            if connection is not None:
                with suppress(adbc.Error):
                    connection.close()

    def cancel(self) -> None:
        """Make the server stop the statement that runs. Any thread may ask."""
        connection = self._connection
        if connection is not None:
            with suppress(adbc.Error):
                connection.adbc_cancel()

    # -- statements -------------------------------------------------------------------------------------------------

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement about the server itself.

        Raises:
            DataError: the server cannot be reached, or refuses.
        """
        try:
            table = self.table(sql)
        except UnansweredError as error:
            raise DataError(f"{self.name}: {error}") from error
        except SourceError as error:
            raise DataError(error.message, help=error.help) from error
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def table(self, sql: str) -> pa.Table:
        """All that a statement gives, which is not much.

        Raises:
            UnansweredError: the server met a value that it cannot calculate with.
            SourceError: it cannot be reached, or failed.
        """
        with self.stream(sql, copy=False) as reader:
            return reader.read_all()

    @contextmanager
    def stream(self, sql: str, *, copy: bool = True) -> Iterator[pa.RecordBatchReader]:
        """What a statement gives; types that Arrow lacks arrive as texts, infinite days as DuckDB writes them.

        With `copy` rows arrive while the server makes them, and what it says of a failure has no code.

        Raises:
            SourceError: it cannot be reached, or failed; also while the rows are read.
        """
        with self._lock:
            cursor = self._begun().cursor()
            try:
                with self._told():
                    cursor.execute("SAVEPOINT statement")
                    cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": str(copy).lower()})
                    cursor.execute(sql)
                    reader = cursor.fetch_record_batch()
                    schema = pa.schema([(each.name, _arrives(each.type)) for each in reader.schema])
                yield pa.RecordBatchReader.from_batches(schema, self._batches(reader, schema))
            finally:
                self._settle(cursor)

    def _batches(self, reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        while True:
            with self._told():
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
            columns = [_plain(column) for column in batch.columns]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _settle(self, cursor: Any) -> None:
        """Leave the transaction as it was before the statement; end it when nobody reads any table."""
        with suppress(adbc.Error):
            cursor.close()
        if self._connection is None or self._lost:
            return
        self._run("ROLLBACK TO SAVEPOINT statement" if self._users else "ROLLBACK")
        self._reading = bool(self._users)

    def _run(self, statement: str) -> None:
        """A statement that can only fail when the connection is lost."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
        except adbc.Error as error:
            self._lost = self._failure or self._words(error)

    # -- connecting -------------------------------------------------------------------------------------------------

    def _begun(self) -> Any:
        """The connection, in a transaction."""
        if self._lost:
            raise SourceError(f"{self.name}: {self._lost}")
        if self._connection is None:
            self._connection = self._connected()
        if not self._reading:
            with self._told(), self._connection.cursor() as cursor:
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._reading = True
        return self._connection

    def _connected(self) -> Any:
        for pause in (*PAUSES, None):
            try:
                return self._open()
            except adbc.Error as error:
                words = self._words(error)
                if pause is None or not any(each in words for each in _SOON):
                    raise SourceError(f"{self.name} cannot be reached: {words}") from None
                time.sleep(pause)
        raise AssertionError

    def _open(self) -> Any:
        connection = dbapi.connect(self.address.url, autocommit=True)
        try:
            settings = {**_SETTINGS, "statement_timeout": str(round(self._timeout * 1000))}
            chosen = [f"set_config({literal(key)}, {literal(value)}, false)" for key, value in settings.items()]
            # A client that has gone is noticed while a statement runs; servers before 14 cannot.
            chosen.append(f"(SELECT set_config(name, '5s', false) FROM pg_settings WHERE name = {literal(_LOOK)})")
            with connection.cursor() as cursor:
                listed = ", ".join(f"{each} AS c{at}" for at, each in enumerate(chosen))
                cursor.execute(f"SELECT {listed}, current_setting('server_encoding') AS encoding")
                self.encoding = str(cursor.fetchall()[0][-1])
        except BaseException:
            connection.close()
            raise
        return connection

    # -- errors -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except adbc.Error as error:
            self._tell(error, str(error.sqlstate or ""))
        except (OSError, pa.ArrowException) as error:  # what fails in a stream reaches us as Arrow says it
            self._tell(error, "")

    def _tell(self, error: BaseException, state: str) -> NoReturn:
        words = self._failure = self._words(error)
        if state.startswith("22"):
            raise UnansweredError(words) from None
        help = "raise the `timeout` of the catalog, in seconds" if "statement timeout" in words else ""
        raise SourceError(f"{self.name}: {words}", help=help) from None

    def _words(self, error: BaseException) -> str:
        """What the server or the driver says, in one line and without a secret."""
        said = str(error).partition("\n\nQuery was")[0]
        found = re.findall(r"(?:ERROR|FATAL|PANIC):\s+(.*)", said)
        words = found[-1] if found else re.sub(r"^[A-Z_]+: (\[libpq\] )?", "", said).partition("\n")[0]
        return self.address.without_secrets(re.sub(r"\. SQLSTATE: \w+$", "", words.strip()))


# -- what arrives --------------------------------------------------------------------------------------

_FIRST_DAY, _FIRST_INSTANT = -2_440_588, -210_866_803_200_000_000
"""The first day of PostgreSQL, 4714-11-24 BC, in days and in microseconds since 1970."""

_DAYS = {-2_147_472_692: 2**31 - 1, -2_147_472_691: 1 - 2**31, -(2**31): 1 - 2**31}
_INSTANTS = {
    -9_222_425_352_054_775_809: 2**63 - 1,
    -9_222_425_352_054_775_808: 1 - 2**63,
    -(2**63): 1 - 2**63,
}
"""Infinity and minus infinity as the driver makes them, whose sum with the days until 1970 overflows, and as DuckDB
writes them."""


def _arrives(kind: pa.DataType) -> pa.DataType:
    """The type in which a column is handed on."""
    if isinstance(kind, pa.BaseExtensionType):
        return pa.string() if kind.storage_type == pa.string() else kind.storage_type
    return pa.list_(_arrives(kind.value_type)) if pa.types.is_list(kind) else kind


def _plain(column: pa.Array) -> pa.Array:
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_date32(column.type):
        return _finite(column, pa.int32(), _FIRST_DAY, _DAYS)
    if pa.types.is_timestamp(column.type):
        return _finite(column, pa.int64(), _FIRST_INSTANT, _INSTANTS)
    return column


def _finite(column: pa.Array, whole: pa.DataType, first: int, infinite: dict[int, int]) -> pa.Array:
    """A column of days or instants, in which what lies before the first one has come by overflow."""
    numbers = column.view(whole)
    lowest = pc.min(numbers).as_py()
    if lowest is None or lowest >= first:
        return column
    for made, meant in infinite.items():
        numbers = pc.if_else(pc.equal(numbers, pa.scalar(made, whole)), pa.scalar(meant, whole), numbers)
    others = pc.and_(pc.less(numbers, first), pc.not_equal(numbers, pa.scalar(min(infinite.values()), whole)))
    if pc.any(others).as_py():
        raise DataError("a timestamp after the year 294246 cannot be read")
    return numbers.view(column.type)


def as_declared(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch in the types of a table: decimals are made of their texts.

    Raises:
        DataError: a NaN among the decimals.
    """
    columns = []
    for column, wanted in zip(batch.columns, schema, strict=True):
        try:
            columns.append(column if column.type == wanted.type else column.cast(wanted.type))
        except pa.ArrowInvalid as error:
            raise DataError(f"column `{wanted.name}` holds what is no {wanted.type}: {error}") from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def named(schema: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    """The columns of a schema by their names, in this order."""
    return pa.schema([schema.field(name) for name in columns])
