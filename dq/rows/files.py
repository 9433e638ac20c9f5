"""Labelled rows as files: all of them, those that pass, those that fail, in one pass.

A file is written beside its name and renamed when every file is complete, so nobody ever sees a part of one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from dq import leftovers
from dq.diagnostics import DqError
from dq.rows.labels import FAILED, PASSED
from dq.rows.source import RowSource, only

if TYPE_CHECKING:
    import pyarrow as pa


class _Sink(Protocol):
    def write(self, batch: pa.RecordBatch) -> None: ...
    def close(self) -> None: ...


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


class _Csv:
    """Lists, those of rules too, are written as JSON, since CSV has no form for them."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow as pa
        import pyarrow.csv as pc

        flat = [pa.field(each.name, pa.string() if pa.types.is_nested(each.type) else each.type) for each in schema]
        self._schema = pa.schema(flat)
        self._writer = pc.CSVWriter(path, self._schema)

    def write(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa

        columns = [_as_json(each) if pa.types.is_nested(each.type) else each for each in batch.columns]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


def _as_json(values: pa.Array) -> pa.Array:
    """Each value as JSON text; equal ones are written once, as the lists of rules repeat."""
    import pyarrow as pa

    known: dict[str, str] = {}

    def text(value: object) -> str | None:
        if value is None:
            return None
        key = repr(value)
        return known.get(key) or known.setdefault(key, json.dumps(value, ensure_ascii=False, default=str))

    return pa.array([text(value) for value in values.to_pylist()], pa.string())


_SINKS: dict[str, Callable[[Path, Any], _Sink]] = {".parquet": _Parquet, ".csv": _Csv}


Wanted: TypeAlias = list[tuple[Path, str | None]]
"""Files, each with the result of the rows that go there; None: all rows."""


def wanted(
    rows: str | os.PathLike[str] | None, passed: str | os.PathLike[str] | None, failed: str | os.PathLike[str] | None
) -> Wanted:
    """The files that are asked for, if they can be files of rows.

    Raises:
        DqError: an ending that is neither .parquet nor .csv, a folder that does not exist, or one file for two kinds.
    """
    found = [(_path(each), keep) for each, keep in ((rows, None), (passed, PASSED), (failed, FAILED)) if each]
    if len({path.resolve() for path, _ in found}) < len(found):
        raise DqError("the same file is given for two kinds of rows", help="give each its own")
    return found


def _path(given: str | os.PathLike[str]) -> Path:
    path = Path(given)
    if path.suffix.lower() not in _SINKS:
        raise DqError(f"`{path}` does not say its format", help=f"end it in {' or '.join(_SINKS)}")
    if not path.parent.is_dir():
        raise DqError(f"the folder of `{path}` does not exist", help="make it first")
    return path


def write(
    source: RowSource,
    *,
    rows: str | os.PathLike[str] | None = None,
    passed: str | os.PathLike[str] | None = None,
    failed: str | os.PathLike[str] | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, int]:
    """Write all labelled rows, those that pass and those that fail, each to a .parquet or .csv file, in one pass.

    Args:
        source: the rows.
        rows: where all rows go.
        passed: where the rows go whose result is `Passed`.
        failed: where those go whose result is `Failed`.
        progress: told how many rows are done.

    Returns:
        How many rows each of the files holds, by its path.

    Raises:
        DqError: a file that cannot be written.
        DataError: data that cannot be read or has changed; no file is changed then.
    """
    places = wanted(rows, passed, failed)
    counts = {str(path): 0 for path, _ in places}
    with source.stream() as reader, _drafts([path for path, _ in places], reader.schema) as sinks:
        done = 0
        for batch in reader:
            for (path, keep), sink in zip(places, sinks, strict=True):
                kept = batch if keep is None else only(batch, keep)
                sink.write(kept)
                counts[str(path)] += kept.num_rows
            done += batch.num_rows
            progress(done)
    return counts


@contextmanager
def _drafts(paths: list[Path], schema: pa.Schema) -> Iterator[list[_Sink]]:
    """A writer for each path, to a draft beside it; the drafts take the names when all of them are complete."""
    drafts = [path.resolve().with_name(f".{path.name}.{os.getpid()}.tmp") for path in paths]
    sinks: list[_Sink] = []
    for draft in drafts:
        leftovers.watch(draft)
    try:
        for path, draft in zip(paths, drafts, strict=True):
            sinks.append(_SINKS[path.suffix.lower()](draft, schema))
        yield sinks
        while sinks:
            sinks.pop().close()
        for path, draft in zip(paths, drafts, strict=True):
            draft.replace(path.resolve())
    except OSError as error:
        raise DqError(f"cannot write the rows: {error.strerror or error}") from error
    finally:
        for sink in sinks:
            with suppress(Exception):  # the file is thrown away
                sink.close()
        for draft in drafts:
            draft.unlink(missing_ok=True)
            leftovers.settle(draft)
