"""SQLite database files, read only, in one transaction.

SQLite types values, not columns: a column declared INTEGER may hold text. So the values of a table are counted by their
kind before it is read; a column whose values do not fit its declared type is read as a type that holds them all.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Timer
from typing import Any

import pyarrow as pa

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
    parsed,
    plain,
    seconds,
    where,
)
from dq.catalog.selection import EVERYTHING, Selection
from dq.databases import sqlite as dialect
from dq.databases.answering import SqlDatabase
from dq.databases.held import Held, HeldTable, arrow_type
from dq.diagnostics import DataError
from dq.engines.base import SourceError
from dq.engines.connection import identifier
from dq.lazy import exp, sqlglot
from dq.sources.memory import unique_names
from dq.sources.options import ReadOptions
from dq.sources.stored import Stored as Source
from dq.sources.stored import UnansweredError

WAIT_FOR_LOCK = 5.0
"""Seconds to wait while another process writes."""

COUNTED_AT_ONCE = 200
"""Columns whose values are counted by one query: SQLite limits how many results a query has."""


def connect(name: str, settings: Mapping[str, Any], root: Path) -> SqliteCatalog:
    """The catalog of a database file. Touches no file."""
    session = Session(root / settings["path"], seconds(settings))
    return SqliteCatalog(SqliteDatabase(session, pushdown=bool(settings.get("pushdown", True))))


# -- kinds of columns ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """What a column is read as.

    Attributes:
        name: the type in words.
        fits: the SQL of a condition that is true of the values that it can hold.
        native: DuckDB's name of its type.
        value: the SQL of a value in its one form, in which it is read and compared.
        convert: makes an array of values in that form.
        literal: a Python value in that form.
    """

    name: str
    fits: Callable[[str], str]
    native: str
    value: Callable[[str], str]
    convert: Callable[[Sequence[Any]], pa.Array]
    literal: Callable[[Any], exp.Expr] = lambda value: exp.Literal.number(str(value))


_MOMENT = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]"
_LENGTHS = "10, 16, 19, 21, 22, 23, 24, 25, 26"
"""How long a timestamp is: a day, with minutes, with seconds, with one to six digits behind them."""


def _is_day(column: str) -> str:
    """Whether a text is a day: reckoning with it moves the 30th of February to March."""
    return f"{column} = date({column}, '+0 days')"


def _moment(column: str) -> str:
    """A timestamp in the longest form, `2024-01-05 10:00:00.000000`."""
    padded = f"{column} || substr('0000-00-00 00:00:00.000000', length({column}) + 1)"
    return f"(substr({padded}, 1, 10) || ' ' || substr({padded}, 12))"


def _is_moment(column: str) -> str:
    moment = _moment(column)
    return (
        f"typeof({column}) = 'text' AND length({column}) IN ({_LENGTHS}) AND substr({column}, 11, 1) IN ('', ' ', 'T')"
        f" AND {moment} GLOB '{_MOMENT}' AND substr({moment}, 12, 2) < '24'"
        f" AND {_is_day(f'substr({column}, 1, 10)')}"
    )


def _zone_at(column: str) -> str:
    """Where the zone of an instant begins, behind its seconds."""
    return (
        f"CASE WHEN substr({column}, -1) = 'Z' THEN length({column})"
        f" WHEN substr({column}, -6) GLOB '[+-][0-2][0-9]:[0-5][0-9]' THEN length({column}) - 5 END"
    )


def _bare(column: str) -> str:
    """An instant without its zone."""
    return f"substr({column}, 1, {_zone_at(column)} - 1)"


def _instant(column: str) -> str:
    """An instant as a timestamp in UTC, in the longest form."""
    moment = _moment(_bare(column))
    zoned = f"substr({moment}, 1, 19) || substr({column}, {_zone_at(column)})"
    return f"(strftime('%Y-%m-%d %H:%M:%S', {zoned}) || substr({moment}, 20))"


def _is_instant(column: str) -> str:
    bare = _bare(column)
    return (
        f"typeof({column}) = 'text' AND length({bare}) > 10 AND {_is_moment(bare)} AND {_instant(column)} IS NOT NULL"
    )


def _of(kinds: str) -> Callable[[str], str]:
    return lambda column: f"typeof({column}) IN ({kinds})"


def _as_it_is(column: str) -> str:
    return column


def _by_code_points(column: str) -> str:
    return f"{column} COLLATE BINARY"


_EXACT = "BETWEEN -9007199254740992 AND 9007199254740992"

INTEGER = Kind("INTEGER", _of("'integer'"), "BIGINT", _as_it_is, plain(pa.int64()))
REAL = Kind(
    "REAL",
    lambda column: f"(typeof({column}) = 'real' OR typeof({column}) = 'integer' AND {column} {_EXACT})",
    "DOUBLE",
    lambda column: f"CAST({column} AS REAL)",
    plain(pa.float64()),
    lambda value: exp.Literal.number(repr(value)),
)
TEXT = Kind("TEXT", _of("'text'"), "VARCHAR", _by_code_points, plain(pa.string()), exp.Literal.string)
BLOB = Kind("BLOB", _of("'blob'"), "BLOB", _as_it_is, plain(pa.binary()))
BOOLEAN = Kind(
    "BOOLEAN",
    lambda column: f"typeof({column}) = 'integer' AND {column} IN (0, 1)",
    "BOOLEAN",
    _as_it_is,
    parsed(pa.bool_(), pa.int8()),
    lambda value: exp.Literal.number(int(value)),
)
DATE = Kind(
    "DATE",
    lambda column: f"typeof({column}) = 'text' AND {_is_day(column)}",
    "DATE",
    _by_code_points,
    parsed(pa.date32()),
    lambda value: exp.Literal.string(value.isoformat()),
)
TIMESTAMP = Kind(
    "TIMESTAMP",
    _is_moment,
    "TIMESTAMP",
    _moment,
    parsed(pa.timestamp("us")),
    lambda value: exp.Literal.string(value.isoformat(" ", "microseconds")),
)
INSTANT = Kind(
    "TIMESTAMP WITH TIME ZONE",
    _is_instant,
    "TIMESTAMP WITH TIME ZONE",
    _instant,
    lambda values: TIMESTAMP.convert(values).cast(pa.timestamp("us", "UTC")),
    TIMESTAMP.literal,
)


def written(value: Any) -> str | None:
    """A value of any kind as text; a BLOB as SQLite writes it."""
    if isinstance(value, bytes):
        return f"X'{value.hex().upper()}'"
    return value if value is None or isinstance(value, str) else repr(value)


MIXED = Kind(
    "text", lambda _: "TRUE", "VARCHAR", lambda column: f"dq_written({column})", plain(pa.string()), exp.Literal.string
)
"""Values of several kinds, as texts."""

_BY_VALUES = (INTEGER, REAL, TEXT, BLOB)

_DECLARED: Mapping[str, tuple[Kind, ...]] = {
    **dict.fromkeys(("BOOLEAN", "BOOL"), (BOOLEAN,)),
    "DATE": (DATE,),
    **dict.fromkeys(("DATETIME", "TIMESTAMP"), (TIMESTAMP, INSTANT)),
    **dict.fromkeys(("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"), (INSTANT, TIMESTAMP)),
}

_AFFINITIES: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("INT", (INTEGER,)),
    ("CHAR|CLOB|TEXT", (TEXT,)),
    ("BLOB", (BLOB,)),
    ("^$", ()),
    ("REAL|FLOA|DOUB", (REAL,)),
    (r"^(DECIMAL|NUMERIC)\([^,]*,\s*[1-9]", (REAL,)),
)
"""What SQLite makes of a declared type: the first pattern that it contains."""


def declared_kinds(declared: str) -> tuple[Kind, ...]:
    """What a declared type says that a column holds, the likeliest first; nothing when it leaves that open."""
    upper = declared.upper().strip()
    if (found := _DECLARED.get(re.sub(r"\s*\(.*?\)", "", upper))) is not None:
        return found
    return next((kinds for pattern, kinds in _AFFINITIES if re.search(pattern, upper)), ())


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name there and here, its declared type, and what it is read as."""

    there: str
    name: str
    declared: str
    kind: Kind

    @property
    def sql(self) -> str:
        """Its name in a query."""
        return identifier(self.there)

    @property
    def held(self) -> Held:
        """As queries see it."""
        return Held(self.name, self.kind.native, _tree(self.kind.value(self.sql)))

    @property
    def field(self) -> Field:
        """How it arrives."""
        return Field(self.name, arrow_type(self.kind.native), self.kind.convert)


# -- the catalog ---------------------------------------------------------------------------------------


class Session(Shared):
    """The connection to a file and its one transaction, while somebody reads."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__()
        self.path = path
        self.timeout = timeout
        self.state: Any = None
        """By what can be seen that the file has been changed."""
        self._connection: sqlite3.Connection | None = None

    @property
    def name(self) -> str:
        """The file for people."""
        return f"SQLite `{self.path.name}`"

    @contextmanager
    def query(self, sql: str) -> Iterator[sqlite3.Cursor]:
        """The cursor of a query, within the transaction.

        Raises:
            DataError: it failed, or took too long.
        """
        connection = self._opened()
        timer = Timer(self.timeout, connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield connection.execute(sql)
        except sqlite3.Error as error:
            raise self.told(error) from error
        finally:
            timer.cancel()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query.

        Raises:
            DataError: it failed, or took too long.
        """
        with self.query(sql) as cursor:
            return cursor.fetchall()

    def interrupt(self) -> None:
        """End the query that runs. Any thread may ask."""
        if self._connection is not None:
            self._connection.interrupt()

    def close(self) -> None:
        """End the transaction. Harmless when repeated."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.rollback()
            connection.close()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        if not self.path.is_file():
            raise DataError(
                f"there is no file `{self.path}`" if not self.path.exists() else f"`{self.path}` is no file"
            )
        self.state = self._state()
        try:
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=ro",
                uri=True,
                timeout=min(WAIT_FOR_LOCK, self.timeout),
                isolation_level=None,
                check_same_thread=False,  # the engine fetches rows in threads of its own, one at a time
            )
        except sqlite3.Error as error:
            raise self.told(error) from error
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            for function, (arguments, body) in {**dialect.FUNCTIONS, "dq_written": (1, written)}.items():
                connection.create_function(function, arguments, body, deterministic=True)
            for aggregate, (arguments, steps) in dialect.AGGREGATES.items():
                connection.create_aggregate(aggregate, arguments, steps)
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()  # takes the snapshot
        except sqlite3.Error as error:
            connection.close()
            raise self.told(error) from error
        self._connection = connection
        return connection

    def _state(self) -> Any:
        """The size and time of the file and of its write-ahead log, as far as that holds anything."""
        files = [self.path, self.path.with_name(f"{self.path.name}-wal")]
        found = [each.stat() for each in files if each.exists()]
        return [(each.st_mtime_ns, each.st_size) for each in found if each.st_size]

    def told(self, error: sqlite3.Error) -> DataError:
        """An error of SQLite, with the file and an advice."""
        said = str(error)
        help = next((advice for words, advice in _ADVICE.items() if words in said), "")
        if "interrupted" in said:
            said = f"the query took longer than {self.timeout:g} s, the limit"
        return DataError(f"`{self.path}` cannot be read: {said}", help=help)


_ADVICE = {
    "file is not a database": "the file is of another kind, or encrypted",
    "malformed": "the file is damaged: `PRAGMA integrity_check` tells more",
    "locked": "another process writes to it: try again when it has finished",
    "unable to open": "its folder must be writable when the file is in WAL mode and nobody else has it open",
    "readonly database": "a writer has left it unfinished: open it once with write permission to recover it",
    "decode to UTF-8": "a text is not UTF-8: read the column as BLOB in a view, CAST(column AS BLOB)",
    "interrupted": "raise the setting `timeout` of the catalog",
}
"""What to do about an error, by words of its text."""


class SqliteDatabase(SqlDatabase):
    """Answers within the transaction in which tables are read too."""

    dialect = dialect.SQLITE

    def __init__(self, session: Session, *, pushdown: bool) -> None:
        self.session = session
        self.name = session.name
        self.pushdown = pushdown

    @cached_property
    def _encoding(self) -> str:
        ((encoding,),) = self.session.rows("PRAGMA encoding")
        return str(encoding)

    def refusal(self, query: exp.Expr, tables: Mapping[str, Source], /) -> str:
        """Why it cannot answer; only texts in UTF-8 are in the order of their code points."""
        if self.pushdown and sqlite3.sqlite_version_info < dialect.OLDEST:
            return f"SQLite is {sqlite3.sqlite_version}, and {'.'.join(map(str, dialect.OLDEST))} is needed"
        if self.pushdown and self._encoding != "UTF-8":
            return f"its encoding is {self._encoding}"
        return super().refusal(query, tables)

    def arrive(self, sql: str) -> pa.Table:
        """All rows of an answer, each value as text."""
        try:
            with self.session.query(sql) as cursor:
                rows = cursor.fetchall()
                names = [each[0] for each in cursor.description]
        except DataError as error:
            if any(words in error.message for words in ("user-defined", "integer overflow")):
                raise UnansweredError(error.message) from error
            raise SourceError(error.message, help=error.help) from error
        columns = zip(*rows, strict=True) if rows else ([] for _ in names)
        return pa.table({name: _texts(column) for name, column in zip(names, columns, strict=True)})

    def cancel(self) -> None:
        """End the query that runs."""
        self.session.interrupt()


def _texts(values: Sequence[Any]) -> pa.Array:
    return pa.array([written(each) for each in values], pa.string())


class SqliteCatalog:
    """The tables and views of a database file."""

    kind = "sqlite"

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._session = database.session

    def children(self, path: Names, /) -> Sequence[Entry]:
        """Its tables and views, by name.

        Raises:
            DataError: the file cannot be read, or a path below the top is asked for.
        """
        if path:
            raise DataError(
                f"{self._session.name} has no namespace `{'.'.join(path)}`", help="its tables are at the top"
            )
        return [Entry(name, is_table=True) for name in self._listed()]

    def table(self, path: Names, /) -> SqliteTable:
        """A table or a view.

        Raises:
            DataError: there is none, or the file cannot be read.
        """
        if len(path) != 1:
            raise DataError(
                f"`{'.'.join(path)}` names no table of {self._session.name}", help="its tables are at the top"
            )
        listed = self._listed()
        name, kind = named(path[0], {name: (name, kind) for name, kind in listed.items()}, "table", self._session.name)
        return SqliteTable(self._database, name, kind)

    def close(self) -> None:
        """Close the file."""
        self._session.close()

    def _listed(self) -> dict[str, str]:
        with self._session.held():
            found = self._session.rows(
                "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"
                " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
            )
        return dict(found)


@dataclass(frozen=True, slots=True)
class SqliteTable:
    """A table or a view of a database file."""

    database: SqliteDatabase
    name: str
    kind: str

    @property
    def session(self) -> Session:
        """The connection."""
        return self.database.session

    def describe(self) -> Description:
        """Its columns, whose types take one reading of it, and its rows."""
        opened = self.open(EVERYTHING, ReadOptions())
        try:
            return Description(
                f"SQLite {self.kind}", described(opened.schema), location=str(self.session.path), rows=opened.rows
            )
        finally:
            opened.close()

    def open(self, selection: Selection, options: ReadOptions, /) -> SqliteRows:
        """The rows that are selected. The types of the columns take one reading of them.

        Raises:
            DataError: it cannot be read, or has no such column.
            DqError: a snapshot or an instant is selected, or a value is none of its column.
        """
        check_version(selection, "tables of SQLite")
        with self.session.held():
            rows = self._opened(selection)
            self.session.hold(rows)
            return rows

    def _opened(self, selection: Selection) -> SqliteRows:
        what = f"{self.kind} `{self.name}` of {self.session.name}"
        listed = [
            (row[1], row[2])
            for row in self.session.rows(f"PRAGMA table_xinfo({identifier(self.name)})")
            if row[6] != 1  # hidden columns of virtual tables
        ]
        if not listed:
            raise DataError(f"{what} has no columns")
        names = unique_names([name for name, _ in listed])
        columns = [
            Column(there, here, declared, next(iter(declared_kinds(declared)), MIXED))
            for (there, declared), here in zip(listed, names, strict=True)
        ]
        wanted = {each.column.casefold() for each in selection.partitions}
        chosen, _, _ = self._settled([each for each in columns if each.name.casefold() in wanted], None)
        by_name = {each.name: each for each in columns} | {each.name: each for each in chosen}
        filters = conditions(selection, {name: each.field.type for name, each in by_name.items()}, what)
        condition = self._condition(filters, by_name)
        settled, rows, notes = self._settled(columns, condition)
        if selection and not rows:
            raise DataError(f"no row of {what} meets {selection}")
        if names != [name for name, _ in listed]:
            notes = [*notes, "columns are renamed, as letters of any case are equal"]
        parted = f", {selection}" if selection else ""
        return SqliteRows(
            tuple(each.held for each in settled),
            self._source,
            condition,
            database=self.database,
            fields={each.name: each.field for each in settled},
            description=f"SQLite {self.kind} {self.name}{parted}",
            notes=tuple(notes),
            rows=rows,
            state=self.session.state,
        )

    @property
    def _source(self) -> exp.Table:
        return exp.Table(this=exp.to_identifier(self.name, quoted=True))

    def _condition(self, filters: Sequence[Condition], columns: Mapping[str, Column]) -> exp.Expr | None:
        return where(
            filters,
            self._source,
            lambda name: columns[name].held.value,
            lambda value, name: columns[name].kind.literal(value),
        )

    def _settled(self, columns: Sequence[Column], condition: exp.Expr | None) -> tuple[list[Column], int, list[str]]:
        """The columns as their values let them be read, the number of rows, and what is to be said of it."""
        found: list[Column] = []
        notes: list[str] = []
        rows = 0
        for at in range(0, max(len(columns), 1), COUNTED_AT_ONCE):
            some = columns[at : at + COUNTED_AT_ONCE]
            asked = [f"count({each.sql}), total({each.kind.fits(each.sql)})" for each in some]
            ((rows, *counts),) = self.session.rows(self._counting(["count(*)", *asked], condition))
            for each, there, fitting in zip(some, counts[::2], counts[1::2], strict=True):
                if each.kind is not MIXED and there == fitting:
                    found.append(each)
                    continue
                kind, note = self._by_values(each, condition)
                found.append(Column(each.there, each.name, each.declared, kind))
                notes.extend(note)
        return found, rows, notes

    def _by_values(self, column: Column, condition: exp.Expr | None) -> tuple[Kind, list[str]]:
        """What a column is read as whose declared type says nothing, or is not that of its values."""
        declared = declared_kinds(column.declared)
        kinds = tuple(dict.fromkeys((*declared, *_BY_VALUES)))
        asked = [f"total({kind.fits(column.sql)})" for kind in kinds]
        by_type = [f"total(typeof({column.sql}) = '{name}')" for name in _STORED_AS]
        ((there, *counts),) = self.session.rows(self._counting([f"count({column.sql})", *asked, *by_type], condition))
        if not there:
            return (declared[0] if declared else TEXT), []
        kind = next((kind for kind, fitting in zip(kinds, counts, strict=False) if fitting == there), MIXED)
        if kind in declared or (kind is not MIXED and not declared):
            return kind, []
        stored = zip(_STORED_AS.values(), counts[len(kinds) :], strict=True)
        held = " and ".join(f"{int(count):,} {words}" for words, count in stored if count)
        said = f", and not what {column.declared} says" if declared else ""
        return kind, [f'column "{column.name}" is read as {kind.name}: it holds {held}{said}']

    def _counting(self, asked: Sequence[str], condition: exp.Expr | None) -> str:
        return f"SELECT {', '.join(asked)} FROM {identifier(self.name)}{_where(condition)}"


_STORED_AS = {"integer": "integers", "real": "floats", "text": "texts", "blob": "BLOBs"}


def _tree(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, dialect="sqlite")


def _where(condition: exp.Expr | None) -> str:
    return "" if condition is None else f" WHERE {condition.sql(dialect='sqlite')}"


@dataclass(frozen=True, kw_only=True)
class SqliteRows(HeldTable):
    """The rows of a table that are selected, as they were when it was opened."""

    database: SqliteDatabase
    fields: Mapping[str, Field]
    description: str
    notes: tuple[str, ...]
    rows: int
    state: Any

    def read(self, columns: Sequence[str], /) -> AbstractContextManager[pa.RecordBatchReader]:
        """Its rows, as `Stored.read`."""
        return self.fetch(self.select(columns), columns)

    @contextmanager
    def fetch(self, select: exp.Select, columns: Sequence[str], /) -> Iterator[pa.RecordBatchReader]:
        """What a query gives, which has these columns of the table.

        Raises:
            DataError: it cannot be read, or the file has been changed since it was opened.
        """
        session = self.database.session
        session.hold(self)
        with session.query(select.sql(dialect="sqlite")) as cursor:
            if session.state != self.state:
                raise DataError(f"`{session.path}` has been changed since it was opened", help="evaluate it again")
            yield as_reader([self.fields[name] for name in columns], self._batches(cursor))

    def _batches(self, cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
        try:
            while rows := cursor.fetchmany(BATCH_ROWS):
                yield rows
        except sqlite3.Error as error:
            raise self.database.session.told(error) from error

    def close(self) -> None:
        """Let go of the file, unless others read it."""
        self.database.session.let_go(self)
