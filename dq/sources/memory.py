"""Tables in memory and Arrow files as Arrow, which DuckDB scans in place.

pandas and Polars are recognized by the module of their classes: neither is imported here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dq.diagnostics import DataError, DqError
from dq.sources.files import Files

ACCEPTED = (
    "a path, a list of paths, a pandas or Polars DataFrame, a pyarrow Table, RecordBatchReader or Dataset,"
    " a DuckDB relation, a list of dicts, or a dict of columns"
)


@dataclass(frozen=True, slots=True)
class Arrow:
    """Data that DuckDB can register: a pyarrow Table or Dataset, what it was, and remarks.

    `counted` is the number of rows of a Dataset, where metadata proves it.
    """

    data: Any
    description: str
    notes: tuple[str, ...] = ()
    counted: int | None = None

    @property
    def rows(self) -> int | None:
        """The number of rows, if it is known without reading."""
        rows: int | None = getattr(self.data, "num_rows", self.counted)
        return rows


def libraries(value: object) -> set[str]:
    """The packages that the classes of a value come from."""
    return {kind.__module__.partition(".")[0] for kind in type(value).__mro__}


def to_arrow(value: Any) -> Arrow:
    """A table in memory as Arrow, without a copy where its own memory has that layout.

    Raises:
        DqError: not a table of a known kind.
        DataError: no columns, or columns of different length.
    """
    kinds = libraries(value)
    name = type(value).__name__
    if "pandas" in kinds and name_of(value, "DataFrame"):
        return _from_pandas(value)
    if "polars" in kinds and name_of(value, "LazyFrame"):
        return _finish(value.collect().to_arrow(), "Polars LazyFrame", ["the LazyFrame was collected into memory"])
    if "polars" in kinds and name_of(value, "DataFrame"):
        return _finish(value.to_arrow(), "Polars DataFrame", [])
    if "pyarrow" in kinds:
        return _from_pyarrow(value)
    if kinds & {"duckdb", "_duckdb"} and hasattr(value, "to_arrow_table"):
        return _finish(_from_relation(value), "DuckDB relation", ["the relation was read into memory"])
    if isinstance(value, Mapping):
        return _from_columns(value)
    if isinstance(value, (list, tuple)) and all(isinstance(row, Mapping) for row in value):
        return _from_rows(value)
    if hasattr(value, "__arrow_c_stream__") and "pandas" not in kinds and "polars" not in kinds:
        import pyarrow

        return _finish(pyarrow.RecordBatchReader.from_stream(value).read_all(), name, ["read into memory"])
    raise DqError(f"data of type `{type(value).__module__}.{name}` cannot be read", help=f"give {ACCEPTED}")


def _from_relation(relation: Any) -> Any:
    """The rows of a DuckDB relation, which runs now, on its own connection."""
    import duckdb

    try:
        return relation.to_arrow_table()
    except duckdb.Error as error:
        raise DataError(f"the DuckDB relation cannot be read: {str(error).splitlines()[0]}") from error


def name_of(value: object, name: str) -> bool:
    """Whether a value is of a class of this name or of one derived from it."""
    return any(kind.__name__ == name for kind in type(value).__mro__)


def from_files(files: Files, served: Any = None) -> Arrow:
    """Arrow IPC files, the file or the stream form, mapped into memory rather than read.

    `served` is the file system of those that are of other machines.
    """
    import pyarrow
    from pyarrow import dataset, fs

    stream = [not file.head.startswith(b"ARROW1") for file in files.files]
    notes = list(files.notes)
    try:
        if not any(stream):
            partitioning = dataset.partitioning(flavor="hive") if files.partitions else None
            data = dataset.dataset(
                list(files.paths),
                filesystem=fs.PyFileSystem(fs.FSSpecHandler(served)) if files.files[0].is_served else None,
                format="ipc",
                partitioning=partitioning,
                partition_base_dir=files.root or None,
            )
            schemas = [fragment.physical_schema for fragment in data.get_fragments()]
            if any(not schema.equals(schemas[0]) for schema in schemas):
                notes.append("the files do not have the same columns, missing ones are NULL")
                schema = pyarrow.unify_schemas([data.schema, *schemas], promote_options="permissive")
                data = data.replace_schema(schema)
            return Arrow(data, files.description, tuple(notes))
        if files.partitions:
            raise DataError("Arrow streams in folders named key=value are not supported", help="use Arrow files")
        tables = [_read_stream(path) if s else _read_file(path) for path, s in zip(files.paths, stream, strict=True)]
    except (pyarrow.ArrowException, OSError) as error:
        damaged = (file.shown for file in files.files if not file.is_served and _is_damaged(file.path))
        name = next(damaged, files.description)
        raise DataError(f"`{name}` cannot be read as Arrow data: {_first(error)}") from error
    if any(not table.schema.equals(tables[0].schema) for table in tables):
        notes.append("the files do not have the same columns, missing ones are NULL")
    table = pyarrow.concat_tables(tables, promote_options="permissive") if len(tables) > 1 else tables[0]
    return _finish(table, files.description, notes)


def _is_damaged(path: str) -> bool:
    import pyarrow

    with Path(path).open("rb") as file:
        read = _read_file if file.read(6) == b"ARROW1" else _read_stream
    try:
        read(path)
    except (pyarrow.ArrowException, OSError):
        return True
    return False


def _read_stream(path: str) -> Any:
    import pyarrow

    return pyarrow.ipc.open_stream(pyarrow.memory_map(path)).read_all()


def _read_file(path: str) -> Any:
    import pyarrow

    return pyarrow.ipc.open_file(pyarrow.memory_map(path)).read_all()


def _first(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _from_pyarrow(value: Any) -> Arrow:
    import pyarrow
    from pyarrow import dataset

    if isinstance(value, pyarrow.Table):
        return _finish(value, "Arrow table", [])
    if isinstance(value, pyarrow.RecordBatch):
        return _finish(pyarrow.Table.from_batches([value]), "Arrow record batch", [])
    if isinstance(value, pyarrow.RecordBatchReader):
        return _finish(value.read_all(), "Arrow record batch reader", ["the reader was read into memory"])
    if isinstance(value, dataset.Dataset):
        if not len(value.schema):
            raise DataError("the Arrow dataset has no columns")
        return Arrow(value, "Arrow dataset")
    raise DqError(f"data of type `pyarrow.{type(value).__name__}` is not a table", help=f"give {ACCEPTED}")


def _from_pandas(frame: Any) -> Arrow:
    """Missing is NULL as pandas means it: NaN, NaT, None and NA alike."""
    import pyarrow

    notes = []
    if named := [str(name) for name in frame.index.names if name is not None]:
        notes.append(f"the index ({', '.join(named)}) is left out: use reset_index() to have it as columns")
    columns = [_pandas_column(frame.iloc[:, i], notes) for i in range(frame.shape[1])]
    names = [".".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    if not columns:
        raise DataError("the pandas DataFrame has no columns")
    return _finish(pyarrow.Table.from_arrays(columns, names=names), "pandas DataFrame", notes)


def _pandas_column(series: Any, notes: list[str]) -> Any:
    import pyarrow

    if str(series.dtype).startswith("Sparse"):
        series = series.sparse.to_dense()
    try:
        array = pyarrow.array(series, from_pandas=True)
        if not isinstance(array.type, pyarrow.ExtensionType):
            return array
        reason = f"its type is {series.dtype}"
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError):
        reason = "its values are of several types" if str(series.dtype) == "object" else f"its type is {series.dtype}"
    notes.append(f'column "{series.name}" is read as text: {reason}')
    missing = series.isna()
    return pyarrow.array([None if m else str(v) for v, m in zip(series, missing, strict=True)], pyarrow.string())


def _from_rows(rows: Sequence[Mapping[Any, Any]]) -> Arrow:
    """A key that a row lacks is NULL; the columns come in the order in which keys first appear."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return _from_columns({key: [row.get(key) for row in rows] for key in keys}, "list of dicts")


def _from_columns(columns: Mapping[Any, Any], description: str = "dict of columns") -> Arrow:
    import pyarrow

    if not columns:
        raise DataError(f"the {description} has no columns")
    notes: list[str] = []
    arrays = {str(name): _column(str(name), values, notes) for name, values in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"`{name}` {length:,}" for name, length in list(lengths.items())[:5])
        raise DataError(f"the columns differ in length: {listed}")
    return _finish(pyarrow.Table.from_arrays(list(arrays.values()), names=list(arrays)), description, notes)


def _column(name: str, values: Any, notes: list[str]) -> Any:
    import pyarrow

    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise DqError(f"column `{name}` is {type(values).__name__}, not a list of values", help=f"give {ACCEPTED}")
    if isinstance(values, (pyarrow.Array, pyarrow.ChunkedArray)):
        return values
    listed = values if hasattr(values, "dtype") else list(values)
    try:
        return pyarrow.array(listed)
    except (pyarrow.ArrowException, TypeError, ValueError, OverflowError):
        notes.append(f'column "{name}" is read as text: its values are of several types')
        return pyarrow.array([None if value is None else str(value) for value in listed], pyarrow.string())


def _finish(table: Any, description: str, notes: list[str]) -> Arrow:
    """Give every column a name of its own, in letters of any case, and a type that DuckDB knows."""
    import pyarrow

    if not table.num_columns:
        raise DataError(f"the {description} has no columns")
    names = unique_names(table.column_names)
    if renamed := [f'"{old}" to "{new}"' for old, new in zip(table.column_names, names, strict=True) if old != new]:
        notes.append(f"renamed, as letters of any case are equal: {', '.join(renamed[:5])}")
        table = table.rename_columns(names)
    for i, field in enumerate(table.schema):
        wanted = _castable(field.type)
        if wanted is None:
            continue
        try:
            table = table.set_column(i, pyarrow.field(field.name, wanted), table.column(i).cast(wanted))
        except pyarrow.ArrowException as error:
            raise DataError(f"column `{field.name}` of type {field.type} cannot be read: {_first(error)}") from error
    return Arrow(table, description, tuple(notes))


def _castable(kind: Any) -> Any:
    """The type to turn a column into before DuckDB sees it, or None."""
    import pyarrow

    if pyarrow.types.is_float16(kind):
        return pyarrow.float32()
    if pyarrow.types.is_decimal256(kind):
        return pyarrow.decimal128(38, kind.scale)
    if pyarrow.types.is_null(kind):
        return pyarrow.string()
    return None


def unique_names(names: Sequence[str]) -> list[str]:
    """The names with `_1`, `_2`, … after those that were there before, and `columnN` for the empty ones."""
    taken: set[str] = set()
    unique: list[str] = []
    for i, name in enumerate(names):
        base = name or f"column{i}"
        new, number = base, 0
        while new.casefold() in taken:
            number += 1
            new = f"{base}_{number}"
        taken.add(new.casefold())
        unique.append(new)
    return unique


def is_path(value: object) -> bool:
    """Whether a value names a file."""
    return isinstance(value, (str, os.PathLike))
