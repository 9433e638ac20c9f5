"""The files of a Hive table as one table: the columns of its catalog entry, keys from the entry of each partition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import dataset

from dq.catalog.hive import Partition
from dq.diagnostics import DataError
from dq.sources.memory import Arrow
from dq.sources.types import type_of

WORKERS = 8
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""The text of a key that is NULL."""


def parquet(
    partitions: Sequence[Partition],
    columns: Mapping[str, str],
    keys: Mapping[str, str],
    settings: Mapping[str, Any],
    description: str,
    notes: Sequence[str],
) -> Arrow:
    """Parquet files, read in place. `columns` are the SQL types of all columns, the keys among them.

    A column that a file lacks is NULL in its rows, as in Hive; letters of any case are equal.

    Raises:
        DataError: no files, files that are no Parquet, or whose columns differ in letter case from file to file.
    """
    kind = dataset.ParquetFileFormat()
    typed = _arrow_types(columns)
    with ThreadPoolExecutor(WORKERS) as pool:
        listed = list(pool.map(lambda each: _files(each.location, settings), partitions))
        fragments = [
            kind.make_fragment(path, filesystem, partition_expression=_key_values(partition, typed))
            for partition, (filesystem, paths) in zip(partitions, listed, strict=True)
            for path in paths
        ]
        if not fragments:
            raise DataError(f"{description} has no files", help=f"nothing lies below {partitions[0].location}")
        try:
            physical = list(pool.map(lambda each: each.physical_schema, fragments))
            rows = sum(pool.map(lambda each: each.metadata.num_rows, fragments))
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{description} cannot be read: {str(error).partition(chr(10))[0]}") from error
    names = _names([name for name in columns if name not in keys], physical, description)
    fields = [pa.field(names.get(name, name), _held(name, names, typed, physical)) for name in columns]
    data = dataset.FileSystemDataset(fragments, pa.schema(fields), kind, listed[0][0])
    lacking = [name for name in columns if name not in keys and name not in names]
    if lacking:
        shown = ", ".join(f"`{name}`" for name in lacking[:5])
        notes = [*notes, f"no file has the {'column' if len(lacking) == 1 else 'columns'} {shown}: read as NULL"]
    renamed = {held: name for name, held in names.items() if held != name}
    return Arrow(data, description, tuple(notes), renamed=renamed, count=rows)


def _arrow_types(columns: Mapping[str, str]) -> dict[str, pa.DataType]:
    """The Arrow types of SQL types, by column."""
    with duckdb.connect() as connection:
        listed = ", ".join(f"NULL::{kind} AS c{at}" for at, kind in enumerate(columns.values()))
        return dict(zip(columns, connection.sql(f"SELECT {listed}").to_arrow_table().schema.types, strict=True))


def _key_values(partition: Partition, typed: Mapping[str, pa.DataType]) -> Any:
    """What is true of every row of a partition, as an expression of Arrow."""
    held = dataset.scalar(True)
    for name, text in partition.values.items():
        if text == NO_VALUE:
            held = held & dataset.field(name).is_null()
            continue
        try:
            value = pa.scalar(text).cast(typed[name])
        except pa.ArrowException:
            raise DataError(f"the partition key `{name}` is {typed[name]}, and `{text}` is none") from None
        held = held & (dataset.field(name) == value)
    return held


def _names(columns: Sequence[str], physical: Sequence[pa.Schema], description: str) -> dict[str, str]:
    """What the files call each column; those that no file has are left out."""
    spelled: dict[str, dict[str, None]] = {}
    for name in dict.fromkeys(name for schema in physical for name in schema.names):
        spelled.setdefault(name.casefold(), {})[name] = None
    names: dict[str, str] = {}
    for column in columns:
        found = list(spelled.get(column.casefold(), ()))
        if len(found) > 1:
            listed = " and ".join(f"`{name}`" for name in found)
            raise DataError(f"{description}: its files call the column `{column}` {listed}", help="write them alike")
        if found:
            names[column] = found[0]
    return names


def _held(
    column: str, names: Mapping[str, str], typed: Mapping[str, pa.DataType], physical: Sequence[pa.Schema]
) -> pa.DataType:
    """The type to read a column as: that of the files where all have one of the kind that the catalog says."""
    found = {schema.field(names[column]).type for schema in physical if column in names and names[column] in schema.names}
    wanted = typed[column]
    if len(found) == 1 and _kind(next(iter(found))) is _kind(wanted):
        return next(iter(found))
    return wanted


def _kind(kind: pa.DataType) -> Any:
    with duckdb.connect() as connection:
        empty = pa.table({"c": pa.array([], kind)})
        connection.register("empty", empty)
        return type_of(str(connection.execute("DESCRIBE empty").fetchall()[0][1]))
