"""A Ray Dataset as a table: its columns, its blocks where they are, and its rows where they are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dq.catalog.lakes import readable, renamed
from dq.diagnostics import DataError
from dq.sources.memory import libraries, name_of

if TYPE_CHECKING:
    import pyarrow as pa


def is_ray_dataset(value: object) -> bool:
    """Whether a value is a Ray Dataset; Ray is not imported to find out."""
    return "ray" in libraries(value) and name_of(value, "Dataset")


class OtherColumnsError(DataError):
    """A block whose columns are not those of the blocks before it; without an alias where that is not known."""

    def __init__(self, alias: str, found: pa.Schema) -> None:
        super().__init__("a block of the Ray Dataset has other columns than those before it")
        self.alias = alias
        self.found = found

    def __reduce__(self) -> tuple[Any, ...]:
        return OtherColumnsError, (self.alias, self.found)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a Ray Dataset: its reference, its bytes, and which of its rows are meant; None for all."""

    ref: Any
    size: int
    rows: range | None = None


class RayDataset:
    """The rows of a Ray Dataset. Each reading runs it, unless it is materialized.

    Attributes:
        held: its columns as its blocks hold them; `schema` are those that DuckDB is given.
    """

    database = None

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self.held: pa.Schema = _schema(dataset)
        if not len(self.held):
            raise DataError("the Ray Dataset has no columns")
        self.notes: tuple[str, ...] = renamed(self.held)

    description = "Ray Dataset"

    @property
    def rows(self) -> int | None:
        """How many rows it has, where that is known without running it."""
        return int(self._dataset.count()) if self._is_materialized else None

    @property
    def _is_materialized(self) -> bool:
        return name_of(self._dataset, "MaterializedDataset")

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        return readable(self.held)

    def widen(self, found: pa.Schema) -> bool:
        """Take in the columns of a block that has others; False if they cannot be those of one table."""
        import pyarrow as pa

        try:
            wider = pa.unify_schemas([self.held, found], promote_options="permissive")
        except pa.ArrowException:
            return False
        if wider.equals(self.held):
            return False
        self.held = wider
        return True

    def blocks(self) -> Iterator[Block]:
        """Its blocks, as they are made.

        Raises:
            DataError: a step of the Dataset failed.
        """
        with _told():
            for bundle in self._dataset.iter_internal_ref_bundles():
                slices = getattr(bundle, "slices", None) or (None,) * len(bundle.block_refs)
                for ref, metadata, part in zip(bundle.block_refs, bundle.metadata, slices, strict=True):
                    rows = None if part is None else range(part.start_offset, part.end_offset)
                    yield Block(ref, int(metadata.size_bytes or 0), rows)

    @contextmanager
    def read(self, columns: Sequence[str], /) -> Iterator[pa.RecordBatchReader]:
        """Its rows, with these columns only, block by block."""
        import pyarrow as pa

        schema = pa.schema([self.schema.field(name) for name in columns])

        def batches() -> Iterator[pa.RecordBatch]:
            import ray

            for block in self.blocks():
                yield from conformed("", ray.get(block.ref), self.held, block.rows).select(columns).to_batches()

        yield pa.RecordBatchReader.from_batches(schema, batches())

    def close(self) -> None:
        """Nothing is held."""


def conformed(alias: str, block: Any, held: pa.Schema, rows: range | None = None) -> pa.Table:
    """A block, or some of its rows, as an Arrow table with the columns of the whole, in types that DuckDB takes.

    Raises:
        OtherColumnsError: it has columns that the whole does not have, or such that only a wider type holds.
        DataError: a value does not fit the type that holds all the others.
    """
    import pyarrow as pa

    table = block if isinstance(block, pa.Table) else _arrow(block)
    if rows is not None:
        table = table.slice(rows.start, len(rows))
    schema = readable(held)
    if not table.num_rows:
        return schema.empty_table()
    try:
        if not pa.unify_schemas([held, table.schema], promote_options="permissive").equals(held):
            raise OtherColumnsError(alias, table.schema)
        there = set(table.column_names)
        columns = [
            table[each.name].cast(field.type) if each.name in there else pa.nulls(len(table), field.type)
            for each, field in zip(held, schema, strict=True)
        ]
    except pa.ArrowException as error:
        said = str(error).partition("\n")[0]
        raise DataError(
            f"the blocks of the Ray Dataset do not have the same columns: {said}",
            help="give each column one type, such as with `map_batches`",
        ) from None
    return pa.table(columns, schema=schema)


def _arrow(block: Any) -> pa.Table:
    from ray.data.block import BlockAccessor

    return BlockAccessor.for_block(block).to_arrow()


_RAISED = re.compile(r"^(?!ray\b)[\w.]*(?:Error|Exception)\b.*", re.MULTILINE)


@contextmanager
def _told() -> Iterator[None]:
    """Turn whatever the steps of a Dataset raise into an error about it, in the words of who raised it first."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        text = str(error).strip()
        said = _RAISED.findall(text) or text.splitlines()[:1] or [type(error).__name__]
        raise DataError(f"the Ray Dataset cannot be read: {said[-1]}") from error


def _schema(dataset: Any) -> pa.Schema:
    """The columns of its first rows, without what is only written beside them."""
    import pyarrow as pa

    with _told():
        found = dataset.schema()
        if found is None:
            return pa.schema([])
        held = found.base_schema
        if not isinstance(held, pa.Schema):
            held = dataset.take_batch(1, batch_format="pyarrow").schema
    for field in held:
        if isinstance(field.type, pa.BaseExtensionType):
            raise DataError(
                f"column `{field.name}` of the Ray Dataset is {field.type}, which no rule can read",
                help="leave it out: dataset.drop_columns, or dataset.select_columns",
            )
    return held.remove_metadata()
