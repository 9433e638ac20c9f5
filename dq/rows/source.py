"""The labelled rows of an evaluation: read again when they are asked for, and streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dq.diagnostics import DataError
from dq.engines.base import Frames
from dq.names import PRIMARY
from dq.rows.labels import RESULT, Label

if TYPE_CHECKING:
    import pyarrow as pa

    from dq.engines.base import Engine


@dataclass(frozen=True)
class RowSource:
    """Where the rows of an evaluation come from.

    Attributes:
        labels: what each rule says of a row.
        open: opens the data again, as it was judged.
        rows: how many rows were judged; None if nothing counted them.
        lazy: whether the engine gives rows as a table of its own.
    """

    labels: tuple[Label, ...]
    open: Callable[[], AbstractContextManager[Engine]]
    rows: int | None
    lazy: bool

    @contextmanager
    def stream(self) -> Iterator[pa.RecordBatchReader]:
        """All rows with their outcomes, in batches; the data is open as long as the context is.

        Raises:
            DataError: an outcome column is there already; data that cannot be read or has changed.
        """
        import pyarrow as pa

        from dq.rows.arrow import Labeller, batch_rows, refuse_outcome_columns

        with self.open() as engine:
            refuse_outcome_columns(engine.schemas()[PRIMARY].names)
            size = batch_rows(len(self.labels))
            labeller = Labeller([str(label.rule) for label in self.labels], size)
            batches = engine.rows(PRIMARY, [label.outcome for label in self.labels], size)
            schema = labeller.schema(batches.schema)
            yield pa.RecordBatchReader.from_batches(schema, self._counted(labeller.label(batches)))

    def _counted(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = 0
        for batch in batches:
            rows += batch.num_rows
            yield batch
        if self.rows is not None and rows != self.rows:
            raise DataError(
                f"the data has changed since it was judged: it had {self.rows:,} rows and has {rows:,} now",
                help="evaluate it again",
            )

    def table(self, keep: str | None = None) -> Any:
        """All rows, or those whose result is `keep`: a table of the engine, else a reader."""
        if not self.lazy:
            return self.reader(keep)
        from dq.rows.arrow import refuse_outcome_columns

        with self.open() as engine:
            assert isinstance(engine, Frames)
            refuse_outcome_columns(engine.schemas()[PRIMARY].names)
            rows = engine.labelled(
                PRIMARY, [str(label.rule) for label in self.labels], [label.outcome for label in self.labels]
            )
        return rows if keep is None else rows.where(rows[RESULT] == keep)

    def reader(self, keep: str | None = None) -> pa.RecordBatchReader:
        """All rows, or those whose result is `keep`, read as they are asked for."""
        import pyarrow as pa

        batches = self._batches(keep)
        schema: pa.Schema = next(batches)
        return pa.RecordBatchReader.from_batches(schema, batches)

    def _batches(self, keep: str | None) -> Iterator[pa.Schema | pa.RecordBatch]:
        with self.stream() as reader:
            yield reader.schema
            for batch in reader:
                yield batch if keep is None else only(batch, keep)


def only(batch: pa.RecordBatch, result: str) -> pa.RecordBatch:
    """The rows of a labelled batch that have this result."""
    import pyarrow.compute as pc

    return batch.filter(pc.equal(batch[RESULT], result))
