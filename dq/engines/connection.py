"""An embedded DuckDB that reads the declared files and nothing else.

What the lock-down refuses, DuckDB itself refuses: other files, the network, extensions, settings, Python
variables. One thing it cannot refuse: DuckDB has no read-only file permission, so a *statement* may write
over a file that it may read (`COPY … TO 'declared.csv' (USE_TMP_FILE false)`, since 2.0 even inside the WITH
of a SELECT). Text that comes from a user therefore runs as `one_select(text)` only, which DuckDB refuses to
bind unless it is a single SELECT that modifies nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from dq.diagnostics import DqError

# In this order: `allow_persistent_secrets` must come before anything looks for a secret, `lock_configuration` last.
LOCK_DOWN = (
    ("allow_persistent_secrets", "false"),
    ("autoinstall_known_extensions", "false"),
    ("autoload_known_extensions", "false"),
    ("allow_community_extensions", "false"),
    ("python_enable_replacements", "false"),
    ("python_scan_all_frames", "false"),
    ("enable_progress_bar", "true"),  # measured for whoever asks, but never printed
    ("enable_progress_bar_print", "false"),
    ("parquet_metadata_cache", "true"),
    ("TimeZone", "'UTC'"),
    ("enable_external_access", "false"),
    ("lock_configuration", "true"),
)


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def one_select(sql: str) -> str:
    """A query that gives the rows of `sql`, or does not bind unless `sql` is one SELECT that modifies nothing.

    The order of the rows is not promised. It may stand in FROM as `(…)`, but not inside a WITH of its own.
    """
    return f"SELECT * FROM query({literal(sql)})"


def connect(
    allowed_files: Iterable[str] = (),
    *,
    attached: Mapping[str, str] | None = None,
    served: Any = None,
    spill_to: Path,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB that can reach `allowed_files` (absolute paths) and the folder `spill_to`.

    `attached` are database files by the names that they get: they are opened for reading only. `served` is a file
    system of fsspec that this process answers for; its files too are those that are allowed.
    `memory_limit` is DuckDB's text such as `2GB`; `spill_to` should be private, as DuckDB may write there.
    Use this connection itself: a table of Python memory registered on it is invisible to its `cursor()`s.
    The time zone of the session is UTC.

    Raises:
        DqError: `memory_limit` or `threads` is not a size or a number that DuckDB takes.
    """
    connection = duckdb.connect(":memory:")
    try:
        _limit(connection, "memory_limit", memory_limit, "a size such as `2GB` or `500MB`")
        _limit(connection, "threads", threads, "a number from 1 up")
        connection.execute(f"SET temp_directory = {literal(str(spill_to))}")
        if served is not None:  # before its files are allowed: DuckDB 1.5 takes them for paths of this machine else
            connection.register_filesystem(served)
        connection.execute(f"SET allowed_paths = [{', '.join(map(literal, allowed_files))}]")
        for name, path in (attached or {}).items():
            connection.execute(f"ATTACH {literal(path)} AS {identifier(name)} (READ_ONLY)")
        for name, value in LOCK_DOWN:
            connection.execute(f"SET {name} = {value}")
    except BaseException:
        connection.close()
        raise
    return connection


def _limit(connection: duckdb.DuckDBPyConnection, name: str, value: str | int | None, wanted: str) -> None:
    if value is None:
        return
    try:
        connection.execute(f"SET {name} = {literal(str(value))}")
    except duckdb.Error as error:
        raise DqError(f"`{name}` cannot be `{value}`", help=f"give {wanted}") from error
