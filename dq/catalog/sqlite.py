"""SQLite database files, read only, in one transaction.

SQLite types values, not columns: a column declared INTEGER may hold text. So the values of a table are counted by their
kind before it is read; a column whose values do not fit its declared type is read as a type that holds them all.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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
    schema_of,
    where,
)
from dq.catalog.selection import EVERYTHING, Selection
from dq.diagnostics import DataError
from dq.engines.connection import identifier
from dq.lazy import exp, sqlglot
from dq.sources.memory import unique_names
from dq.sources.options import ReadOptions
from dq.sources.stored import Database

TIMEOUT = 300.0
"""Seconds that one statement may take, unless the catalog says otherwise."""

WAIT_FOR_LOCK = 5.0
"""Seconds to wait while another process writes."""

COUNTED_AT_ONCE = 200
"""Columns whose values are counted by one query: SQLite limits how many results a query has."""


def connect(name: str, settings: Mapping[str, Any], root: Path) -> SqliteCatalog:
    """The catalog of a database file. Touches no file."""
    return SqliteCatalog(Session(root / settings["path"], float(settings.get("timeout", TIMEOUT))))


# -- kinds of columns ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kind:
    """What a column is read as.

    Attributes:
        name: the type in words.
        fits: the SQL of a condition that is true of the values that it can hold.
        type: its type here.
        convert: makes an array of its values as SQLite gives them.
        compared: the SQL of a value in the form that is compared: one value has one form.
        literal: a Python value in that form.
    """

    name: str
    fits: Callable[[str], str]
    type: pa.DataType
    convert: Callable[[Sequence[Any]], pa.Array]
    compared: Callable[[str], str] = lambda column: column
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


_EXACT = "BETWEEN -9007199254740992 AND 9007199254740992"

INTEGER = Kind("INTEGER", _of("'integer'"), pa.int64(), plain(pa.int64()))
REAL = Kind(
    "REAL",
    lambda column: f"(typeof({column}) = 'real' OR typeof({column}) = 'integer' AND {column} {_EXACT})",
    pa.float64(),
    plain(pa.float64()),
    literal=lambda value: exp.Literal.number(repr(value)),
)
TEXT = Kind("TEXT", _of("'text'"), pa.string(), plain(pa.string()), lambda c: f"{c} COLLATE BINARY", exp.Literal.string)
BLOB = Kind("BLOB", _of("'blob'"), pa.binary(), plain(pa.binary()))
BOOLEAN = Kind(
    "BOOLEAN",
    lambda column: f"typeof({column}) = 'integer' AND {column} IN (0, 1)",
    pa.bool_(),
    parsed(pa.bool_(), pa.int8()),
    literal=lambda value: exp.Literal.number(int(value)),
)
DATE = Kind(
    "DATE",
    lambda column: f"typeof({column}) = 'text' AND {_is_day(column)}",
    pa.date32(),
    parsed(pa.date32()),
    lambda column: f"{column} COLLATE BINARY",
    lambda value: exp.Literal.string(value.isoformat()),
)
TIMESTAMP = Kind(
    "TIMESTAMP",
    _is_moment,
    pa.timestamp("us"),
    parsed(pa.timestamp("us")),
    _moment,
    lambda value: exp.Literal.string(value.isoformat(" ", "microseconds")),
)
INSTANT = Kind(
    "TIMESTAMP WITH TIME ZONE",
    _is_instant,
    pa.timestamp("us", "UTC"),
    parsed(pa.timestamp("us", "UTC")),
    _instant,
    TIMESTAMP.literal,
)


def _written(value: Any) -> str | None:
    """A value of any kind as text; a BLOB as SQLite writes it."""
    if isinstance(value, bytes):
        return f"X'{value.hex().upper()}'"
    return value if value is None or isinstance(value, str) else repr(value)


MIXED = Kind(
    "text", lambda _: "TRUE", pa.string(), lambda values: pa.array([_written(each) for each in values], pa.string())
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
    ("BLOB|^$", ()),
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
class Held:
    """A column: its name there and here, its declared type, and what it is read as."""

    there: str
    name: str
    declared: str
    kind: Kind

    @property
    def sql(self) -> str:
        """Its name in a query."""
        return identifier(self.there)


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


class SqliteCatalog:
    """The tables and views of a database file."""

    kind = "sqlite"

    def __init__(self, session: Session) -> None:
        self._session = session

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
        return SqliteTable(self._session, name, kind)

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

    session: Session
    name: str
    kind: str

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
            Held(there, here, declared, next(iter(declared_kinds(declared)), MIXED))
            for (there, declared), here in zip(listed, names, strict=True)
        ]
        wanted = {each.column.casefold() for each in selection.partitions}
        chosen, _, _ = self._settled([each for each in columns if each.name.casefold() in wanted], None)
        by_name = {each.name: each for each in columns} | {each.name: each for each in chosen}
        filters = conditions(selection, {name: each.kind.type for name, each in by_name.items()}, what)
        condition = self._condition(filters, by_name)
        settled, rows, notes = self._settled(columns, condition)
        if selection and not rows:
            raise DataError(f"no row of {what} meets {selection}")
        if names != [name for name, _ in listed]:
            notes = [*notes, "columns are renamed, as letters of any case are equal"]
        parted = f", {selection}" if selection else ""
        return SqliteRows(
            self.session, self.name, settled, condition, f"SQLite {self.kind} {self.name}{parted}", tuple(notes), rows
        )

    def _condition(self, filters: Sequence[Condition], columns: Mapping[str, Held]) -> exp.Expr | None:
        return where(
            filters,
            exp.Table(this=exp.to_identifier(self.name, quoted=True)),
            lambda name: _tree(columns[name].kind.compared(columns[name].sql)),
            lambda value, name: columns[name].kind.literal(value),
        )

    def _settled(self, columns: Sequence[Held], condition: exp.Expr | None) -> tuple[list[Held], int, list[str]]:
        """The columns as their values let them be read, the number of rows, and what is to be said of it."""
        found: list[Held] = []
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
                found.append(Held(each.there, each.name, each.declared, kind))
                notes.extend(note)
        return found, rows, notes

    def _by_values(self, column: Held, condition: exp.Expr | None) -> tuple[Kind, list[str]]:
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


@dataclass(frozen=True)
class SqliteRows:
    """The rows of a table that are selected, as they were when it was opened."""

    session: Session
    table: str
    columns: Sequence[Held]
    condition: exp.Expr | None
    description: str
    notes: tuple[str, ...]
    rows: int
    database: Database | None = None
    state: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", self.session.state)

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        return schema_of(map(_field, self.columns))

    @contextmanager
    def read(self, columns: Sequence[str], /) -> Iterator[pa.RecordBatchReader]:
        """Its rows.

        Raises:
            DataError: they cannot be read, or the file has been changed since it was opened.
        """
        by_name = {each.name: each for each in self.columns}
        held = [by_name[name] for name in columns]
        self.session.hold(self)
        sql = f"SELECT {', '.join(each.sql for each in held)} FROM {identifier(self.table)}{_where(self.condition)}"
        with self.session.query(sql) as cursor:
            if self.session.state != self.state:
                raise DataError(f"`{self.session.path}` has been changed since it was opened", help="evaluate it again")
            yield as_reader([_field(each) for each in held], self._batches(cursor))

    def _batches(self, cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
        try:
            while rows := cursor.fetchmany(BATCH_ROWS):
                yield rows
        except sqlite3.Error as error:
            raise self.session.told(error) from error

    def close(self) -> None:
        """Let go of the file, unless others read it."""
        self.session.let_go(self)


def _field(column: Held) -> Field:
    return Field(column.name, column.kind.type, column.kind.convert)
