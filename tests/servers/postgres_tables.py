"""Tables of memory on a PostgreSQL server, as catalogs that answer and that do not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from dq.catalog.base import Catalog, NamedTable
from dq.catalog.kinds import connect
from servers.postgres import Server

TYPES = {
    pa.bool_(): "boolean",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", "UTC"): "timestamptz",
    pa.list_(pa.int32()): "integer[]",
    pa.binary(): "bytea",
    pa.time64("us"): "time",
}


class UnstorableError(Exception):
    """What no table of PostgreSQL can be."""


class Shop:
    """The tables of the cases on a server, each stored once, as a catalog that answers and as one that does not."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._stored: dict[str, str] = {}
        self._names = map("t{}".format, itertools.count())
        settings = {"url": server.url()}
        self.answering = connect("postgres", "shop", settings, Path.cwd())
        self.fetching = connect("postgres", "shop", {**settings, "pushdown": False}, Path.cwd())

    def store(self, table: pa.Table) -> str:
        """The name under which it stands."""
        key = repr((table.schema, table.to_pylist()))
        if key not in self._stored:
            name = next(self._names)
            self.server.run(*statements(name, table))
            self._stored[key] = name
        return self._stored[key]

    def open(self, tables: dict[str, pa.Table], catalog: Catalog) -> dict[str, NamedTable]:
        return {alias: NamedTable(alias, catalog.table((self.store(table),))) for alias, table in tables.items()}

    def close(self) -> None:
        self.answering.close()
        self.fetching.close()


def statements(name: str, table: pa.Table) -> Iterator[str]:
    """What makes a table of a server equal to one of memory."""
    columns = [f"{identifier(each.name)} {type_of(each.type)}" for each in table.schema]
    yield f"CREATE TABLE {name} ({', '.join(columns)})"
    rows = [
        ", ".join(
            f"{literal(value)}::{type_of(field.type)}" for value, field in zip(row.values(), table.schema, strict=True)
        )
        for row in table.to_pylist()
    ]
    if rows:
        yield f"INSERT INTO {name} VALUES {', '.join(f'({each})' for each in rows)}"


def type_of(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    return TYPES[kind]


def identifier(name: str) -> str:
    if not name or len(name.encode()) > 63:
        raise UnstorableError("a name of no byte or of more than 63")
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        value = "{" + ",".join("NULL" if each is None else str(each) for each in value) + "}"
    text = "\\x" + value.hex() if isinstance(value, bytes) else str(value)
    if "\0" in text:
        raise UnstorableError("a text with a NUL character")
    return "'" + text.replace("'", "''") + "'"
