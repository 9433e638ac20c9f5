"""What the tests of this folder share: the forms in which a table is handed over, and when two things are the same."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

NUMBERS = itertools.count()


def by_pyarrow(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, row_group_size=3)


def by_duckdb(table: pa.Table, path: Path) -> None:
    with duckdb.connect() as connection:
        connection.register("t", table)
        connection.execute(f"copy t to '{path}' (format parquet, row_group_size 2048)")


WRITERS = {"pyarrow": by_pyarrow, "duckdb": by_duckdb}
FORMS = ("arrow", *WRITERS)


def given_as(form: str, table: pa.Table, folder: Path) -> Any:
    """The table itself, or a file that holds it."""
    if form == "arrow":
        return table
    path = folder / f"{next(NUMBERS)}.parquet"
    WRITERS[form](table, path)
    return path


def near(found: float, wanted: float) -> bool:
    return (math.isnan(found) and math.isnan(wanted)) or math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


def shown(values: Iterable[Any]) -> str:
    """The values of a row, comparable: NaN is equal to itself and -0.0 is another zero."""
    return repr(
        [value.astimezone(dt.UTC) if isinstance(value, dt.datetime) and value.tzinfo else value for value in values]
    )
