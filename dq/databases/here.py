"""DuckDB beside the engine: what is computed of an answer that has arrived, and of constants."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb

from dq.engines.connection import LOCK_DOWN

if TYPE_CHECKING:
    import pyarrow as pa

    from dq.sources.stored import Rows


def run(sql: str, tables: dict[str, pa.Table]) -> Rows:
    """The rows of a query over tables of memory and nothing else."""
    with _connection().cursor() as cursor:
        for name, table in tables.items():
            cursor.register(name, table)
        result = cursor.execute(sql)
        rows: list[tuple[Any, ...]] = result.fetchall()
        return tuple(each[0] for each in result.description or ()), rows


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """One for the process, since opening one takes longer than most answers; nothing is kept in it."""
    connection = duckdb.connect(":memory:")
    for name, value in LOCK_DOWN:
        connection.execute(f"SET {name} = {value}")
    return connection
