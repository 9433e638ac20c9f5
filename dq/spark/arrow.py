"""Rows of a DataFrame as Arrow, whole or partition by partition, in every version of Spark and over Spark Connect."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pyarrow as pa

_TYPES = {
    "boolean": pa.bool_(),
    "byte": pa.int8(),
    "short": pa.int16(),
    "integer": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "timestamp_ntz": pa.timestamp("us"),
    "time": pa.time64("us"),
    "void": pa.null(),
}


def arrow_type(kind: Any) -> pa.DataType:
    """What Arrow calls a type of Spark; text for what it has no name for."""
    name = kind.typeName().partition("(")[0]
    if name == "array":
        return pa.list_(arrow_type(kind.elementType))
    if name == "map":
        return pa.map_(arrow_type(kind.keyType), arrow_type(kind.valueType))
    if name == "struct":
        return pa.struct([pa.field(each.name, arrow_type(each.dataType)) for each in kind])
    if name.startswith("decimal"):
        return pa.decimal128(kind.precision, kind.scale)
    return _TYPES.get(name, pa.string())


def batches(frame: Any, rows: int | None) -> Iterator[pa.RecordBatch]:
    """All rows in batches of up to so many, or by one job in one batch; the first comes also when there is no row.

    Instants with a zone arrive as their microseconds: Python would move them by the zone of this machine.
    """
    schema = pa.schema([pa.field(each.name, arrow_type(each.dataType)) for each in frame.schema])
    instants = [each.name for each in frame.schema if each.dataType.typeName() == "timestamp"]
    if instants:
        frame = frame.withColumns({each: _microseconds(each) for each in instants})
    pending = map(tuple, frame.collect() if rows is None else frame.toLocalIterator())
    first = True
    while (chunk := list(islice(pending, rows))) or first:
        first = False
        columns = zip(*chunk, strict=True) if chunk else ([] for _ in schema)
        arrays = [_array(list(column), field.type) for column, field in zip(columns, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _microseconds(name: str) -> Any:
    from pyspark.sql import functions

    return functions.unix_micros(functions.col("`" + name.replace("`", "``") + "`"))


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind) and kind.tz:
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array([_plain(each) for each in values], kind)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return [(_plain(key), _plain(each)) for key, each in value.items()]
    return value.asDict(recursive=True) if hasattr(value, "asDict") else value
