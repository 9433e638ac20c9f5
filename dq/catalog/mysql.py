"""MySQL and MariaDB, read in one transaction that may change nothing, with the clock in UTC.

Values travel as the texts that the server sends and become Arrow's values here, without Python's objects in between.
"""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow as pa
import pymysql
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

from dq.catalog.base import Description, Entry
from dq.catalog.base import Path as Names
from dq.catalog.relational import (
    BATCH_ROWS,
    Field,
    Shared,
    as_reader,
    check_version,
    conditions,
    described,
    named,
    parsed,
    plain,
    seconds,
    where,
)
from dq.catalog.selection import Selection
from dq.databases.answering import SqlDatabase
from dq.databases.held import Held, HeldTable, arrow_type, distinct_names
from dq.databases.mysql import MYSQL
from dq.diagnostics import DataError, DqError
from dq.engines.base import SourceError
from dq.lazy import exp, sqlglot
from dq.sources.options import ReadOptions
from dq.sources.stored import Stored, UnansweredError

CONNECTING = 10.0
"""Seconds that connecting may take."""

LOCKED = 10
"""Seconds to wait for somebody who has locked a table."""

PAUSES = (0.2, 0.6)
"""Seconds between attempts to connect."""

GRACE = 15.0
"""Seconds beyond the limit of a statement after which a silent server counts as gone."""

SYSTEM = ("information_schema", "performance_schema", "mysql", "sys")
"""Databases of the server itself."""


def connect(name: str, settings: Mapping[str, Any], root: Path) -> MysqlCatalog:
    """The catalog of a server, or of one database of it. Touches no network.

    Raises:
        DqError: the URL is none of these.
    """
    session = Session(address(settings, root))
    return MysqlCatalog(MysqlDatabase(session, pushdown=bool(settings.get("pushdown", True))))


# -- where the server is -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, and who reads; only `user` and what is needed to connect are secrets, and not shown."""

    host: str
    port: int
    database: str
    timeout: float
    options: Mapping[str, Any] = field(repr=False, default_factory=dict)
    """What the driver needs beyond."""

    def __str__(self) -> str:
        return f"mysql://{self.host}:{self.port}/{self.database}"


_SCHEMES = ("mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql")
_MODES = ("disabled", "preferred", "required", "verify_ca", "verify_identity")
_PARAMETERS = ("ssl_mode", "ssl_ca", "ssl_cert", "ssl_key", "unix_socket")


def address(settings: Mapping[str, Any], root: Path) -> Address:
    """An address from the settings of a catalog; files are meant from `root`.

    Raises:
        DqError: the URL is of another form, or says something unknown.
    """
    try:
        url = urlsplit(str(settings["url"]))
        port = url.port or 3306
    except ValueError:
        raise DqError("the URL of the catalog cannot be read", help=_FORM) from None
    query = {name.replace("-", "_"): value for name, value in parse_qsl(url.query)}
    if url.scheme not in _SCHEMES or not (url.hostname or query.get("unix_socket")):
        raise DqError(f"the URL of the catalog begins with `{url.scheme}:` or names no host", help=_FORM)
    if unknown := [name for name in query if name not in _PARAMETERS]:
        raise DqError(f"the URL has an unknown parameter `{unknown[0]}`", help=f"known are {', '.join(_PARAMETERS)}")
    user = settings.get("user") or unquote(url.username or "")
    password = settings.get("password") or unquote(url.password or "")
    options = {"user": user or None, "password": password.encode(), **_tls(query, root)}
    if "unix_socket" in query:
        options["unix_socket"] = str(root / query["unix_socket"])
    timeout = seconds(settings)
    return Address(url.hostname or "localhost", port, unquote(url.path.strip("/")), timeout, options)


_FORM = "write mysql://user:password@host:3306/database, a password with signs in it as %40, %2F, …"


def _tls(query: Mapping[str, str], root: Path) -> dict[str, Any]:
    mode = query.get("ssl_mode", "verify_identity" if "ssl_ca" in query else "preferred").lower()
    if mode not in _MODES:
        raise DqError(f"`{mode}` is no ssl_mode", help=f"modes are {', '.join(_MODES)}")
    if mode == "disabled":
        return {"ssl_disabled": True}
    if mode == "preferred":
        return {}
    import ssl

    files = {name: str(root / query[name]) for name in ("ssl_ca", "ssl_cert", "ssl_key") if name in query}
    try:
        context = ssl.create_default_context(cafile=files.get("ssl_ca"))
        if "ssl_cert" in files:
            context.load_cert_chain(files["ssl_cert"], files.get("ssl_key"))
    except (OSError, ssl.SSLError) as error:
        raise DqError(f"the certificates of the URL cannot be read: {error.strerror or error}") from None
    context.check_hostname = mode == "verify_identity"
    context.verify_mode = ssl.CERT_NONE if mode == "required" else ssl.CERT_REQUIRED
    return {"ssl": context}


# -- the connection ------------------------------------------------------------------------------------

_LOST = (2006, 2013, 2014, 2055, 1927, 1053)
_TRIED_AGAIN = (2003, 2013, 1040, 1203, 2002)
_ADVICE = {
    1045: "the user or the password is wrong, or this host may not connect",
    1044: "the user needs the privilege SELECT",
    1049: "the URL names a database that is not there",
    1142: "the user needs the privilege SELECT on the table",
    1143: "the user needs the privilege SELECT on the column",
    1205: "somebody has locked the table: try again later",
    1969: "raise the setting `timeout` of the catalog",
    3024: "raise the setting `timeout` of the catalog",
    2003: "is it running, and reachable from here?",
    2026: "say ssl_mode and ssl_ca in the URL as the server needs them",
}
"""What to do about an error, by its number."""


class Session(Shared):
    """The connection to a server and its one transaction, while somebody reads."""

    def __init__(self, address: Address) -> None:
        super().__init__()
        self.address = address
        self.product = "MySQL"
        self.version: tuple[int, ...] = ()
        self._connection: Any = None

    @property
    def name(self) -> str:
        """The product and the database, for people."""
        return f"{self.product} `{self.address.database or self.address.host}`"

    @property
    def collation(self) -> str:
        """A collation that compares texts by their code points, blanks at the end included; empty if there is none."""
        if self.product == "MariaDB":
            return "utf8mb4_nopad_bin"
        return "utf8mb4_0900_bin" if self.version >= (8, 0, 17) else ""

    # -- queries --------------------------------------------------------------------------------------

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query, each value as text.

        Raises:
            DataError: it failed.
        """
        with self.batches(sql) as batches:
            return [tuple(map(_text, row)) for rows in batches for row in rows]

    def answer(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns and all rows of a query, each value as the bytes that the server sends.

        Raises:
            DataError: it failed.
        """
        cursor = self.opened().cursor()
        done = False
        try:
            cursor.execute(sql)
            done = True
            return [each[0] for each in cursor.description], list(cursor.fetchall())
        except pymysql.Error as error:
            done = error.args[:1] not in [(code,) for code in _LOST]
            raise self.told(error) from error
        finally:
            if not done:
                self._abandon(cursor)

    @contextmanager
    def batches(self, sql: str) -> Iterator[Iterator[Sequence[tuple[Any, ...]]]]:
        """The rows of a query as they come, each value as the bytes that the server sends.

        Whatever goes wrong here while rows are still to come ends the query on the server, too.

        Raises:
            DataError: it failed.
        """
        cursor = self.opened().cursor(SSCursor)
        done = False
        try:
            cursor.execute(sql)

            def fetched() -> Iterator[Sequence[tuple[Any, ...]]]:
                nonlocal done
                try:
                    while rows := cursor.fetchmany(BATCH_ROWS):
                        yield rows
                except pymysql.Error as error:
                    raise self.told(error) from error
                done = True
                cursor.close()

            yield fetched()
        except pymysql.Error as error:
            done = error.args[:1] not in [(code,) for code in _LOST]
            raise self.told(error) from error
        finally:
            if not done:
                self._abandon(cursor)

    def opened(self) -> Any:
        """The connection, in a transaction that shows the data as they were when it began.

        Raises:
            DataError: there is no way to connect.
        """
        if self._connection is None:
            try:
                self._connection = self._connected()
                with self._connection.cursor() as cursor:
                    for each in self._settings():
                        cursor.execute(each)
            except pymysql.Error as error:
                self.close()
                raise self.told(error) from error
        return self._connection

    def _connected(self) -> Any:
        for pause in (*PAUSES, None):
            try:
                return self._connect(CONNECTING)
            except pymysql.OperationalError as error:
                if pause is None or error.args[0] not in _TRIED_AGAIN:
                    raise
                time.sleep(pause)
        raise AssertionError

    def _connect(self, patience: float) -> Any:
        address = self.address
        try:
            connection = pymysql.connect(
                host=address.host,
                port=address.port,
                database=address.database or None,
                charset="utf8mb4",
                use_unicode=False,
                conv=encoders,
                connect_timeout=patience,
                read_timeout=address.timeout + GRACE,
                write_timeout=patience,
                program_name="dq",
                **address.options,
            )
        except (OSError, RuntimeError) as error:  # TLS, and authentication that needs a package
            raise pymysql.OperationalError(2026, str(error)) from error
        except pymysql.OperationalError as error:
            if "[SSL" in str(error):
                raise pymysql.OperationalError(2026, error.args[1]) from error
            raise
        version = connection.get_server_info()
        self.product = "MariaDB" if "mariadb" in version.lower() else "MySQL"
        numbers = re.search(r"(\d+)\.(\d+)\.(\d+)", version.removeprefix("5.5.5-"))
        self.version = tuple(map(int, numbers.groups())) if numbers else ()
        return connection

    def _settings(self) -> Iterator[str]:
        """What is said to the server before anything else: what its administrator set must not change an answer."""
        seconds = self.address.timeout
        maria = self.product == "MariaDB"
        yield (
            f"SET SESSION max_statement_time = {seconds:g}"
            if maria
            else (f"SET SESSION max_execution_time = {max(int(seconds * 1000), 1)}")
        )
        if self.collation:
            yield f"SET NAMES utf8mb4 COLLATE {self.collation}"
        yield "SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,ONLY_FULL_GROUP_BY,STRICT_ALL_TABLES'"
        yield "SET SESSION time_zone = '+00:00'"
        yield f"SET SESSION lock_wait_timeout = {LOCKED}"
        yield f"SET SESSION net_write_timeout = {max(int(seconds), 60)}"
        yield "SET SESSION sql_select_limit = 18446744073709551615, sql_big_selects = 1"
        yield "SET SESSION group_concat_max_len = 1048576"
        if not maria and self.version >= (8,):
            yield "SET SESSION information_schema_stats_expiry = 0"
        yield "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"
        yield "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
        if "ssl" in self.address.options:
            yield from self._demand_tls()

    def _demand_tls(self) -> Iterator[str]:
        yield "SHOW SESSION STATUS LIKE 'Ssl_cipher'"
        if not self._connection._result.rows[0][1]:
            raise pymysql.OperationalError(2026, "the server does not encrypt")

    def interrupt(self) -> None:
        """End the query that runs. Any thread may ask."""
        if self._connection is not None:
            self._kill("QUERY ", self._connection.thread_id())

    def _kill(self, what: str, number: int) -> None:
        with suppress(Exception), self._connect(2.0) as other, other.cursor() as cursor:
            cursor.execute(f"KILL {what}{int(number)}")

    def _abandon(self, cursor: Any) -> None:
        """End what runs on the server, and the connection."""
        connection, self._connection = self._connection, None
        if cursor._result is not None:
            cursor._result.unbuffered_active = False  # else it reads what is left when it is collected
        cursor.connection = None
        if connection is None:
            return
        number = connection.thread_id()
        with suppress(Exception):
            connection.close()
        self._kill("", number)

    def told(self, error: pymysql.Error) -> DataError:
        """An error of the server or the driver, in its words, with an advice."""
        code, *words = error.args or (0, "")
        said = " ".join(map(str, words)) or str(error)
        return DataError(f"{self.name}: {said} ({code})", help=_ADVICE.get(code, ""))

    def close(self) -> None:
        """End the transaction. Harmless when repeated."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(pymysql.Error):
                connection.close()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


# -- the catalog ---------------------------------------------------------------------------------------


class MysqlDatabase(SqlDatabase):
    """Answers within the transaction in which tables are read too."""

    dialect = MYSQL

    def __init__(self, session: Session, *, pushdown: bool) -> None:
        self.session = session
        self.pushdown = pushdown

    @property
    def name(self) -> str:  # type: ignore[override]
        """The product and the database; which product it is, is known once there is a connection."""
        return self.session.name

    def refusal(self, query: exp.Expr, tables: Mapping[str, Stored], /) -> str:
        """Why it cannot answer; before MySQL 8.0.17 no collation tells texts apart by the blanks at their end."""
        if self.pushdown and not self.session.collation:
            return "MySQL 8.0.17 or later is needed"
        return super().refusal(query, tables)

    def text(self, tree: exp.Expr) -> str:
        """A query as its text; nothing can be said of what is made once."""
        for each in tree.find_all(exp.CTE):
            each.set("materialized", None)
        return super().text(tree)

    def arrive(self, sql: str) -> pa.Table:
        """All rows of an answer, each value as text."""
        try:
            names, rows = self.session.answer(sql)
        except DataError as error:
            if isinstance(error.__cause__, pymysql.Error) and error.__cause__.args[:1] in _OTHERWISE:
                raise UnansweredError(error.message) from error
            raise SourceError(error.message, help=error.help) from error
        columns = zip(*rows, strict=True) if rows else ([] for _ in names)
        return pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)})

    def cancel(self) -> None:
        """End the query that runs."""
        self.session.interrupt()


_OTHERWISE = [(1690,), (1264,), (1365,)]
"""Errors of values that the server takes otherwise: out of range, division by zero."""


class MysqlCatalog:
    """The databases of a server, or the tables of one when the URL names it."""

    kind = "mysql"

    def __init__(self, database: MysqlDatabase) -> None:
        self._database = database
        self._session = database.session

    def children(self, path: Names, /) -> Sequence[Entry]:
        """The databases, or the tables and views of one, by name.

        Raises:
            DataError: the server cannot be reached, or there is no such database.
        """
        database = self._session.address.database
        if not path and not database:
            return [Entry(name, is_table=False) for name in self._databases()]
        if len(path) > 1:
            raise DataError(f"{self._session.name} has no namespace `{'.'.join(path)}`")
        with self._session.held():
            return [Entry(name, is_table=True) for name in self._tables(path[0] if path else database)]

    def table(self, path: Names, /) -> MysqlTable:
        """A table or a view: its name, behind that of its database unless the URL names one.

        Raises:
            DataError: there is none, or the server cannot be reached.
        """
        database = self._session.address.database
        if len(path) not in ((1, 2) if database else (2,)):
            raise DataError(f"`{'.'.join(path)}` names no table of {self._session.name}", help="write database.table")
        with self._session.held():
            database = path[0] if len(path) == 2 else database
            listed = self._tables(database)
            name = named(
                path[-1], {name: name for name in listed}, "table", f"{self._session.name}, as the user sees it,"
            )
            found, kind = listed[name]
            return MysqlTable(self._database, found, name, kind)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _databases(self) -> list[str]:
        with self._session.held():
            found = self._session.rows("SELECT schema_name FROM information_schema.schemata ORDER BY 1")
        return [str(name) for (name,) in found if str(name).lower() not in SYSTEM]

    def _tables(self, database: str) -> dict[str, tuple[str, str]]:
        """The tables of a database, each with the exact name of that and its kind."""
        exact = named(
            database, {name: name for name in self._databases_with_system()}, "database", str(self._session.address)
        )
        found = self._session.rows(
            "SELECT table_name, table_schema, table_type FROM information_schema.tables"
            f" WHERE table_schema = {_literal(exact)} AND table_type <> 'SEQUENCE' ORDER BY 1"
        )
        return {str(name): (str(schema), "view" if "VIEW" in str(kind) else "table") for name, schema, kind in found}

    def _databases_with_system(self) -> list[str]:
        return [str(name) for (name,) in self._session.rows("SELECT schema_name FROM information_schema.schemata")]


def _literal(text: str) -> str:
    return exp.Literal.string(text).sql(dialect="mysql")


@dataclass(frozen=True, slots=True)
class MysqlTable:
    """A table or a view of a server."""

    server: MysqlDatabase
    database: str
    name: str
    kind: str

    @property
    def session(self) -> Session:
        """The connection."""
        return self.server.session

    @property
    def source(self) -> exp.Table:
        """The table in a query."""
        return exp.Table(
            this=exp.to_identifier(self.name, quoted=True), db=exp.to_identifier(self.database, quoted=True)
        )

    def describe(self) -> Description:
        """What the server's own tables say of it. Days and moments are shown as declared."""
        with self.session.held():
            held, notes = self._columns()
            ((engine, rows, size, collation, comment),) = self.session.rows(
                "SELECT engine, table_rows, data_length, table_collation, table_comment"
                f" FROM information_schema.tables WHERE {self._this}"
            )
            parts = self.session.rows(
                "SELECT partition_name, partition_expression FROM information_schema.partitions"
                f" WHERE {self._this} AND partition_name IS NOT NULL"
            )
        exact = engine in ("MyISAM", "Aria", "MEMORY")
        about = {"engine": engine, "rows, as estimated": "" if exact else rows, "collation": collation}
        about |= {"comment": "" if comment == "VIEW" else comment, "note": "; ".join(notes)}
        return Description(
            f"{self.session.product} {self.kind}",
            described(HeldTable(tuple(held), self.source).schema),
            location=f"mysql://{self.session.address.host}:{self.session.address.port}/{self.database}",
            partitions=tuple(each.name for each in held if parts and _named(each.name, parts[0][1] or "")),
            parts=len(parts) or None,
            rows=int(rows) if exact and rows else None,
            bytes=int(size) if size else None,
            properties={name: value for name, value in about.items() if value},
        )

    def open(self, selection: Selection, options: ReadOptions, /) -> MysqlRows:
        """The rows that are selected. Where there are days or moments, one query counts those that no calendar has.

        Raises:
            DataError: it cannot be read, or has no such column.
            DqError: a snapshot or an instant is selected, or a value is none of its column.
        """
        check_version(selection, f"tables of {self.session.product}")
        with self.session.held():
            rows = self._opened(selection)
            self.session.hold(rows)
            return rows

    def _opened(self, selection: Selection) -> MysqlRows:
        what = f"{self.session.product} {self.kind} {self.database}.{self.name}"
        state = self._state()
        held, notes = self._columns()
        if not held:
            raise DataError(f"{what} has no column that the user may read", help="the user needs the privilege SELECT")
        schema = HeldTable(tuple(held), self.source).schema
        filters = conditions(selection, {each.name: schema.field(each.name).type for each in held}, what)
        by_name = {each.name: each for each in held}
        condition = where(
            filters,
            self.source,
            lambda name: by_name[name].value.copy(),
            lambda value, name: _value(value, by_name[name].native),
        )
        if condition is not None:
            one = exp.select("1").from_(self.source).where(condition.copy()).limit(1)
            if not self.session.rows(one.sql(dialect="mysql")):
                raise DataError(f"no row of {what} meets {selection}")
        held = self._with_dates(held, condition)
        if (engine := state[0]) in ("MyISAM", "Aria", "MEMORY", "CSV", "ARCHIVE"):
            notes.append(f"the engine {engine} has no transactions: what is written meanwhile can be seen")
        notes.extend(each.note for each in held if each.note)
        parted = f", {selection}" if selection else ""
        return MysqlRows(
            tuple(held), self.source, condition, database=self.server, description=f"{what}{parted}",
            notes=tuple(notes), table=self, state=state,
        )  # fmt: skip

    @property
    def _this(self) -> str:
        return f"table_schema = {_literal(self.database)} AND table_name = {_literal(self.name)}"

    def _state(self) -> tuple[Any, ...]:
        """The engine, and what tells that the table has been changed, as far as the server knows."""
        found = self.session.rows(
            f"SELECT engine, create_time, update_time FROM information_schema.tables WHERE {self._this}"
        )
        if not found:
            raise DataError(f"{self.session.name} has no table `{self.name}` any more")
        return found[0]

    def _columns(self) -> tuple[list[Held], list[str]]:
        """The columns that a star would show and the user may read, and remarks."""
        found = self.session.rows(
            "SELECT column_name, data_type, column_type, numeric_precision, numeric_scale, extra, privileges"
            f" FROM information_schema.columns WHERE {self._this} ORDER BY ordinal_position"
        )
        hidden = [row[0] for row in found if "INVISIBLE" in row[5].upper()]
        secret = [row[0] for row in found if "select" not in row[6].lower() and row[0] not in hidden]
        shown = [row for row in found if row[0] not in (*hidden, *secret)]
        notes = [
            f"{words}, and left out: {', '.join(names)}"
            for words, names in (("invisible columns", hidden), ("columns that the user may not read", secret))
            if names
        ]
        names = distinct_names([row[0] for row in shown])
        return [_held(name, row, self.session.collation) for name, row in zip(names, shown, strict=True)], notes

    def _with_dates(self, held: Sequence[Held], condition: exp.Expr | None) -> list[Held]:
        """The columns, with those as texts that hold a day which no calendar has, such as 0000-00-00."""
        dated = [each for each in held if each.native in _DATED]
        if not dated:
            return list(held)
        asked = exp.select(*(_not_in_calendar(each.value) for each in dated)).from_(self.source)
        if condition is not None:
            asked = asked.where(condition.copy())
        (counts,) = self.session.rows(asked.sql(dialect="mysql"))
        wrong = {each.name: int(count) for each, count in zip(dated, counts, strict=True) if count and int(count)}
        return [
            _as_text(each, wrong[each.name], self.session.collation) if each.name in wrong else each for each in held
        ]


def _named(column: str, expression: str) -> bool:
    """Whether an expression of the server is about a column."""
    return any(f"{quote}{column}{quote}" in expression for quote in '`"')


_DATED = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")


def _tree(sql: str, **places: exp.Expr) -> exp.Expr:
    tree = sqlglot.parse_one(sql, dialect="mysql")
    return tree.transform(lambda node: places[node.name].copy() if isinstance(node, exp.Column) else node)


def _not_in_calendar(value: exp.Expr) -> exp.Expr:
    day = "COALESCE(DAYOFMONTH(x) BETWEEN 1 AND DAYOFMONTH(LAST_DAY(x)), FALSE)"
    return _tree(f"COUNT(CASE WHEN NOT x IS NULL AND NOT {day} THEN 1 END)", x=value)


def _as_text(held: Held, count: int, collation: str) -> Held:
    note = f'column "{held.name}" is read as text: {count:,} of its values are days that no calendar has, as 0000-00-00'
    return Held(held.name, "VARCHAR", _collated(_tree("CAST(x AS CHAR)", x=held.value), collation), note)


# -- types ---------------------------------------------------------------------------------------------


def _held(name: str, row: Sequence[Any], collation: str) -> Held:
    """A column by its line in `information_schema.columns`."""
    there, kind, full, precision, scale = row[:5]
    column = exp.column(there, quoted=True)
    unsigned = "unsigned" in full.lower()
    signed = _tree("CAST(x AS SIGNED)", x=column)
    match kind.lower():
        case "tinyint" | "smallint" | "mediumint" | "int" | "integer" if unsigned:
            return Held(
                name, {"tinyint": "SMALLINT", "smallint": "INTEGER", "mediumint": "INTEGER"}.get(kind, "BIGINT"), signed
            )
        case "tinyint" | "smallint":
            return Held(name, "SMALLINT", column)
        case "mediumint" | "int" | "integer":
            return Held(name, "INTEGER", column)
        case "bigint":
            return (
                Held(name, "DECIMAL(20,0)", _tree("CAST(x AS DECIMAL(20, 0))", x=column))
                if unsigned
                else Held(name, "BIGINT", column)
            )
        case "decimal" | "numeric" if int(precision) <= 38:
            return Held(name, f"DECIMAL({precision},{scale})", column)
        case "decimal" | "numeric":
            note = f'column "{name}" is read as text: a decimal has 38 digits at most, and not {precision}'
            return Held(name, "VARCHAR", _collated(_tree("CAST(x AS CHAR)", x=column), collation), note)
        case "float":
            return Held(name, "FLOAT", _tree("x * 1e0", x=column))
        case "double" | "real":
            return Held(name, "DOUBLE", column)
        case "bit":
            return _bits(name, column, int(precision))
        case "year":
            return Held(name, "SMALLINT", signed)
        case "date":
            return Held(name, "DATE", column)
        case "datetime":
            return Held(name, "TIMESTAMP", column)
        case "timestamp":
            return Held(name, "TIMESTAMP WITH TIME ZONE", column)
        case "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "vector":
            return Held(name, "BLOB", column)
        case other if other in _GEOMETRIES:
            return Held(name, "VARCHAR", _collated(_tree("ST_AsText(x)", x=column), collation))
        case "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set":
            return Held(name, "VARCHAR", _collated(_tree("CONVERT(x USING utf8mb4)", x=column), collation))
        case _:  # JSON, TIME (which may be longer than a day), UUID, INET6 and what is to come
            return Held(name, "VARCHAR", _collated(_tree("CAST(x AS CHAR)", x=column), collation))


_GEOMETRIES = frozenset(
    ("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geomcollection",
     "geometrycollection")
)  # fmt: skip


def _bits(name: str, column: exp.Expr, length: int) -> Held:
    if length < 64:
        return Held(name, "BOOLEAN" if length == 1 else "BIGINT", _tree("CAST(x AS SIGNED)", x=column))
    return Held(name, "DECIMAL(20,0)", _tree("CAST(CAST(x AS UNSIGNED) AS DECIMAL(20, 0))", x=column))


def _collated(value: exp.Expr, collation: str) -> exp.Expr:
    return exp.Collate(this=value, expression=exp.Var(this=collation)) if collation else value


def _value(value: Any, native: str) -> exp.Expr:
    """A value of a filter in the server's SQL."""
    if native == "BOOLEAN":
        return exp.Literal.number(int(value))
    if native == "FLOAT":
        return exp.Literal.number(repr(struct.unpack("f", struct.pack("f", value))[0]))
    if native in _DATED:
        kind = "DATE" if native == "DATE" else "DATETIME(6)"
        text = value.isoformat() if native == "DATE" else value.isoformat(" ", "microseconds")
        return exp.Cast(this=exp.Literal.string(text), to=exp.DataType.build(kind, dialect="mysql"))
    return exp.Literal.string(value) if isinstance(value, str) else exp.Literal.number(str(value))


def _single(values: Sequence[Any]) -> pa.Array:
    return pa.array(values, pa.string()).cast(pa.float64()).cast(pa.float32(), safe=False)


def _zoned(values: Sequence[Any]) -> pa.Array:
    return pa.array(values, pa.string()).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))


_CONVERTED: Mapping[str, Callable[[Sequence[Any]], pa.Array]] = {
    "VARCHAR": plain(pa.string()),
    "BLOB": plain(pa.binary()),
    "FLOAT": _single,
    "TIMESTAMP WITH TIME ZONE": _zoned,
}


def _field(held: Held) -> Field:
    of = arrow_type(held.native)
    return Field(held.name, of, _CONVERTED.get(held.native) or parsed(of))


# -- rows ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class MysqlRows(HeldTable):
    """The rows of a table that are selected."""

    database: MysqlDatabase
    table: MysqlTable
    description: str
    notes: tuple[str, ...]
    state: tuple[Any, ...]
    rows: int | None = None

    @property
    def session(self) -> Session:
        """The connection."""
        return self.database.session

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """How each column arrives."""
        return {each.name: _field(each) for each in self.held}

    def read(self, columns: Sequence[str], /) -> Any:
        """Its rows, as `Stored.read`."""
        return self.fetch(self.select(columns), columns)

    @contextmanager
    def fetch(self, select: exp.Select, columns: Sequence[str], /) -> Iterator[pa.RecordBatchReader]:
        """What a query gives, which has these columns of the table.

        Raises:
            DataError: it cannot be read, or the server knows that it has been changed since it was opened.
        """
        again = self.session._connection is None
        self.session.hold(self)
        if again and self.table._state() != self.state:
            raise DataError(f"{self.description} has been changed since it was opened", help="evaluate it again")
        with self.session.batches(select.sql(dialect="mysql")) as batches:
            yield as_reader([self.fields[name] for name in columns], batches)

    def close(self) -> None:
        """Let go of the connection, unless others read."""
        self.session.let_go(self)
