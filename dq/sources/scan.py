"""What the readers of all formats say to DuckDB in the same words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import duckdb

from dq.diagnostics import DqError
from dq.engines.connection import identifier, literal
from dq.sources.files import File, Files

_SQL_TYPE = re.compile(r"[A-Za-z_][\w ]*(\([\w, ]+\))?(\[\d*\])*")


def columns_of(files: Files) -> str:
    """The select list: everything but the keys of folders above the place that the user named."""
    if files.outer and files.partitions:
        return f"* EXCLUDE ({', '.join(map(identifier, files.outer))})"
    return "*"


def hive(files: Files) -> dict[str, str]:
    """How the keys of folders `key=value` are read: as what they look like, or as text where a catalog has types."""
    options = {"hive_partitioning": str(bool(files.partitions)).lower()}
    if files.key_types:
        return options | {"hive_types": struct(dict(files.key_types))}
    return options | {"hive_types_autocast": "false"} if files.partitions and files.declared else options


def check_declared(connection: duckdb.DuckDBPyConnection, types: Mapping[str, str], columns: Sequence[str]) -> None:
    """Refuse a declared type of a column that is not there, or a text that is no type.

    Raises:
        DqError: with the nearest column name.
    """
    known = {name.casefold() for name in columns}
    for name, native in types.items():
        if name.casefold() not in known:
            near = get_close_matches(name, columns, n=1)
            raise DqError(
                f"a type is given for the column `{name}`, which the file does not have",
                help=f"did you mean `{near[0]}`?" if near else f"columns are {', '.join(columns[:10])}",
            )
        if not _is_type(connection, native):
            raise DqError(
                f"`{native}`, given for column `{name}`, is no SQL type",
                help="types are VARCHAR, BIGINT, DOUBLE, DECIMAL(18, 2), BOOLEAN, DATE, TIMESTAMP and others",
            )


def _is_type(connection: duckdb.DuckDBPyConnection, native: str) -> bool:
    if not _SQL_TYPE.fullmatch(native):
        return False
    try:
        connection.execute(f"SELECT NULL::{native}")
    except duckdb.Error:
        return False
    return True


def declared(types: Mapping[str, str], columns: Iterable[str]) -> dict[str, str]:
    """The declared types under the names that the columns have; letters of any case are equal."""
    exact = {name.casefold(): name for name in columns}
    return {exact[name.casefold()]: native for name, native in types.items() if name.casefold() in exact}


def plain(native: str) -> str:
    """The type to pin: text where DuckDB found values of several types, or none at all."""
    return "VARCHAR" if native in ("JSON", '"NULL"') else native


def struct(columns: dict[str, str]) -> str:
    """Names and types as a SQL struct."""
    return "{" + ", ".join(f"{literal(name)}: {literal(native)}" for name, native in columns.items()) + "}"


def patterns(files: Sequence[File]) -> str:
    """A SQL list of the files."""
    return f"[{', '.join(literal(file.pattern) for file in files)}]"


def arguments(options: dict[str, str]) -> str:
    """Named arguments of a table function."""
    return ", ".join(f"{name}={value}" for name, value in options.items())
