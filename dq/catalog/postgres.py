"""The tables of a PostgreSQL database, by schema and name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path as Folder
from typing import Any

import pyarrow as pa

from dq.catalog.base import Description, Entry, Path
from dq.catalog.names import find as find_name
from dq.catalog.relational import in_order, seconds, where
from dq.catalog.selection import Selection
from dq.databases.answering import SqlDatabase
from dq.databases.held import HeldTable, distinct_names
from dq.databases.postgres import POSTGRES
from dq.databases.postgres_session import Address, Session, as_declared, named
from dq.databases.postgres_types import PostgresColumn, held
from dq.diagnostics import DataError, DqError
from dq.engines.connection import literal
from dq.lazy import exp
from dq.sources.options import ReadOptions
from dq.sources.stored import Stored

DEFAULT_SCHEMA = "public"

_KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
"""What a relation is, by `pg_class.relkind`."""


def connect(name: str, settings: Mapping[str, Any], root: Folder) -> PostgresCatalog:
    """A catalog of the database at `url`. Touches no network."""
    address = Address(str(settings["url"]), settings.get("user"), settings.get("password"))
    return PostgresCatalog(Session(address, seconds(settings)), pushdown=bool(settings.get("pushdown", True)))


class PostgresDatabase(SqlDatabase):
    """Answers what the dialect says, within the transaction in which tables are read too."""

    dialect = POSTGRES

    def __init__(self, session: Session, *, pushdown: bool) -> None:
        self.session = session
        self.name = session.name
        self.pushdown = pushdown

    def refusal(self, query: exp.Expr, tables: Mapping[str, Stored], /) -> str:
        """Why it cannot answer; only UTF-8 has texts in the order of their code points."""
        if self.pushdown and self.session.encoding != "UTF8":
            return f"its encoding is {self.session.encoding}, and only UTF8 has been proven"
        return super().refusal(query, tables)

    def arrive(self, sql: str) -> pa.Table:
        """All rows of an answer."""
        return self.session.table(sql)

    def cancel(self) -> None:
        """Make the server stop what runs."""
        self.session.cancel()


@dataclass(frozen=True, kw_only=True)
class Opened(HeldTable):
    """A table, ready to be read."""

    description: str
    notes: tuple[str, ...]
    database: PostgresDatabase
    session: Session
    rows: int | None = None

    @contextmanager
    def read(self, columns: Sequence[str], /) -> Iterator[pa.RecordBatchReader]:
        """Its rows, with these columns only."""
        with self.fetch(self.select(columns), columns) as reader:
            yield reader

    @contextmanager
    def fetch(self, select: exp.Select, columns: Sequence[str], /) -> Iterator[pa.RecordBatchReader]:
        """What a query gives, which has these columns."""
        self.session.enter(self)
        schema = named(self.schema, columns)
        with self.session.stream(select.sql(dialect="postgres")) as reader:
            batches = (as_declared(batch, schema) for batch in reader)
            yield pa.RecordBatchReader.from_batches(schema, batches)

    def close(self) -> None:
        """Leave the transaction."""
        self.session.leave(self)


@dataclass(frozen=True)
class PostgresTable:
    """A table by its schema and name, or the only one that is alike."""

    session: Session
    database: PostgresDatabase
    path: tuple[str, str]

    def describe(self) -> Description:
        """Its columns, size and partitions; the number of rows is an estimate of the server, and marked as one."""
        oid, kind = self._found()
        described = self._described(oid)
        (facts,) = self.session.rows(_FACTS.format(oid=oid))
        estimate, size, partitions, parts, key, comment = facts
        properties = {
            "rows (estimate)": f"{estimate:,}" if estimate >= 0 else "",
            "primary key": ", ".join(key or ()),
            "comment": comment or "",
        }
        return Description(
            _KINDS[kind],
            described.columns,
            f"{self.session.address.shown} {'.'.join(self.path)}",
            tuple(partitions or ()),
            parts if kind == "p" else None,
            None,
            size if kind in "rpm" else None,
            properties={key: value for key, value in properties.items() if value},
        )

    def open(self, selection: Selection, options: ReadOptions, /) -> Opened:
        """The rows that are selected; a filter may be on any column."""
        if selection.snapshot is not None or selection.as_of is not None:
            raise DqError(
                "PostgreSQL has no snapshots that can be selected: a table is read as it is now",
                help="leave out --snapshot and --as-of",
            )
        self.session.enter(self)
        try:
            opened = self._selected(selection)
            self.session.enter(opened)
        finally:
            self.session.leave(self)
        return opened

    def _selected(self, selection: Selection) -> Opened:
        oid, _ = self._found()
        opened = self._described(oid)
        if not selection.partitions:
            return opened
        condition = where(
            in_order(selection.partitions),
            opened.source,
            lambda name: _column(name, opened),
            lambda value, _: exp.Literal.string(value),  # the server reads it as one of the column's type
        )
        chosen = exp.select("1").from_(opened.source.copy()).where(condition).limit(1)
        if not self.session.rows(chosen.sql(dialect="postgres")):
            raise DataError(f"no row of {opened.description} meets {selection}")
        return replace(opened, where=condition, description=f"{opened.description} where {selection}")

    def _found(self) -> tuple[int, str]:
        schema, name = self.path
        rows = self.session.rows(
            "SELECT c.oid::bigint AS oid, c.relkind::text AS kind "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE n.nspname = {literal(schema)} AND c.relname = {literal(name)} AND c.relkind IN ({_LISTED})"
        )
        if not rows:
            raise DataError(f"there is no table `{schema}.{name}` any more in {self.session.name}")
        return rows[0][0], rows[0][1]

    def _described(self, oid: int) -> Opened:
        rows = self.session.rows(_COLUMNS.format(oid=oid))
        columns = [PostgresColumn(*row) for row in rows]
        names = distinct_names([each.name for each in columns])
        read = tuple(held(column, name) for column, name in zip(columns, names, strict=True))
        if not read:
            raise DataError(f"`{'.'.join(self.path)}` of {self.session.name} has no columns")
        renamed = [
            f"column `{column.name}` is called `{name}` here: names that differ in letter case only"
            for column, name in zip(columns, names, strict=True)
            if column.name != name
        ]
        schema, name = self.path
        return Opened(
            read,
            exp.table_(name, db=schema, quoted=True),
            description=f"{schema}.{name} of {self.session.name}",
            notes=(*renamed, *(each.note for each in read if each.note)),
            database=self.database,
            session=self.session,
        )


class PostgresCatalog:
    """Schemas, and the tables, views and foreign tables in them; partitions stand below their table only."""

    kind = "postgres"

    def __init__(self, session: Session, *, pushdown: bool) -> None:
        self._session = session
        self._database = PostgresDatabase(session, pushdown=pushdown)

    def children(self, path: Path, /) -> Sequence[Entry]:
        """The schemas, or the tables of one."""
        if not path:
            return [Entry(name, False) for name in self._schemas()]
        if len(path) > 1:
            raise DataError(f"`{'.'.join(path)}` holds no tables", help="names are schema.table")
        schema = find_name(path[0], self._schemas(), "schema", self._session.name)
        return [Entry(name, True) for name in self._tables(schema, partitions=False)]

    def table(self, path: Path, /) -> PostgresTable:
        """A table by `schema.table`; a bare name is one of `public`."""
        if len(path) not in (1, 2):
            raise DataError(f"`{'.'.join(path)}` names no table", help="names are schema.table")
        schema = find_name(path[0] if len(path) == 2 else DEFAULT_SCHEMA, self._schemas(), "schema", self._session.name)
        where = f"schema `{schema}` of {self._session.name}"
        name = find_name(path[-1], self._tables(schema, partitions=True), "table", where)
        return PostgresTable(self._session, self._database, (schema, name))

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _schemas(self) -> list[str]:
        rows = self._session.rows(
            "SELECT nspname::text AS name FROM pg_namespace "
            r"WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema' ORDER BY nspname"
        )
        return [name for (name,) in rows]

    def _tables(self, schema: str, *, partitions: bool) -> list[str]:
        rows = self._session.rows(
            "SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE n.nspname = {literal(schema)} AND c.relkind IN ({_LISTED})"
            f"{'' if partitions else ' AND NOT c.relispartition'} ORDER BY c.relname"
        )
        return [name for (name,) in rows]


_LISTED = ", ".join(map(literal, _KINDS))

_COLUMNS = """
WITH RECURSIVE base AS (
    SELECT attnum, attname, format_type(atttypid, atttypmod) AS said, atttypid AS type, atttypmod AS modifier
    FROM pg_attribute WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT attnum, attname, said, typbasetype, CASE WHEN modifier < 0 THEN typtypmod ELSE modifier END
    FROM base JOIN pg_type ON pg_type.oid = base.type AND typtype = 'd'
)
SELECT attname::text AS name, said, t.typname::text AS base, modifier, t.typtype::text AS kind,
    coalesce(CASE WHEN t.typcategory = 'A' THEN m.typname::text END, '') AS member
FROM base JOIN pg_type t ON t.oid = base.type AND t.typtype <> 'd' LEFT JOIN pg_type m ON m.oid = t.typelem
ORDER BY attnum
"""
"""The columns of a table, with the types below their domains."""

_FACTS = """
SELECT c.reltuples::bigint AS estimate,
    (SELECT sum(pg_total_relation_size(relid))::bigint
        FROM (SELECT c.oid AS relid UNION SELECT relid FROM pg_partition_tree(c.oid)) parts) AS size,
    (SELECT array_agg(a.attname::text ORDER BY k.place) FROM pg_partitioned_table p
        CROSS JOIN unnest(p.partattrs::int2[]) WITH ORDINALITY AS k(number, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number WHERE p.partrelid = c.oid) AS partitions,
    (SELECT count(*) FROM pg_partition_tree(c.oid) WHERE isleaf) AS parts,
    (SELECT array_agg(a.attname::text ORDER BY k.place) FROM pg_index i
        CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
        WHERE i.indrelid = c.oid AND i.indisprimary) AS key,
    obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c WHERE c.oid = {oid}
"""


# -- selections ----------------------------------------------------------------------------------------


def _column(name: str, table: HeldTable) -> exp.Expr:
    """A column as a filter compares it: a text by its code points, everything else as the server has it."""
    names = [each.name for each in table.held]
    found = [name] if name in names else [each for each in names if each.casefold() == name.casefold()]
    if len(found) != 1:
        known = ", ".join(f"`{each}`" for each in names)
        raise DqError(
            f"`{name}` is no column to filter by" if not found else f"`{name}` is ambiguous", help=f"columns: {known}"
        )
    (each,) = (each for each in table.held if each.name == found[0])
    if each.native == "VARCHAR":
        return each.value.copy()
    column: exp.Expr = next(iter(each.value.find_all(exp.Column))).copy()
    return column
