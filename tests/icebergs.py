"""Iceberg tables for tests: files, partitions and deletes that pyiceberg's own writer does not make."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.conversions import to_bytes
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
)
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles
from pyiceberg.typedef import Record
from pyiceberg.types import StringType

PATH, POSITION = 2147483546, 2147483545
"""The numbers that Iceberg reserves for the columns of files of position deletes."""


def catalog(folder: Path) -> SqlCatalog:
    """A catalog in a SQLite file in its warehouse, under another name than a reader's."""
    return SqlCatalog("writer", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")


def local(location: str) -> Path:
    return Path(location.removeprefix("file://"))


def rows(table: Table, **columns: Any) -> pa.Table:
    return pa.table(columns, schema=pa.schema([table.schema().as_arrow().field(name) for name in columns]))


def put(table: Table, partition: Sequence[Any] = (), *, write: Mapping[str, Any] | None = None, **columns: Any) -> str:
    """Append one file of a partition, as its record has it; its columns may be fewer than those of the table."""
    data = rows(table, **columns)
    path = local(table.location()) / "data" / f"{uuid4()}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(data, path, **(write or {}))
    schema = table.schema()
    statistics = data_file_statistics_from_parquet_metadata(
        pq.read_metadata(path), compute_statistics_plan(schema, {}), parquet_path_to_id_mapping(schema)
    )
    file = data_file(table, path, FileFormat.PARQUET, partition, **statistics.to_serialized_dict())
    with table.transaction() as transaction, transaction.update_snapshot().fast_append() as update:
        update.append_data_file(file)
    return f"file://{path}"


def data_file(table: Table, path: Path, kind: FileFormat, partition: Sequence[Any], **fields: Any) -> DataFile:
    fields = {"content": DataFileContent.DATA, "sort_order_id": None, "equality_ids": None, **fields}
    file = DataFile.from_args(
        file_path=f"file://{path}",
        file_format=kind,
        partition=Record(*partition),
        file_size_in_bytes=path.stat().st_size,
        key_metadata=None,
        **fields,
    )
    file.spec_id = table.spec().spec_id
    return file


# -- deletes -------------------------------------------------------------------------------------------


def delete_positions(table: Table, file: str, positions: Sequence[int], partition: Sequence[Any] = ()) -> None:
    """Delete rows of a file by where they stand, in a file of position deletes."""
    kept = pa.schema(
        [
            pa.field("file_path", pa.string(), nullable=False, metadata={"PARQUET:field_id": str(PATH)}),
            pa.field("pos", pa.int64(), nullable=False, metadata={"PARQUET:field_id": str(POSITION)}),
        ]
    )
    path = _delete_path(table, "parquet")
    pq.write_table(pa.table({"file_path": [file] * len(positions), "pos": list(positions)}, schema=kept), path)
    _delete(table, path, FileFormat.PARQUET, partition, len(positions), file=file)


def delete_vector(table: Table, file: str, positions: Sequence[int], partition: Sequence[Any] = ()) -> None:
    """Delete rows of a file by where they stand, in a deletion vector."""
    from pyroaring import BitMap

    vector = struct.pack("<I", 1681511377) + struct.pack("<QI", 1, 0) + BitMap(positions).serialize()
    blob = struct.pack(">I", len(vector)) + vector + struct.pack(">I", zlib.crc32(vector))
    footer = (
        '{"blobs":[{"type":"deletion-vector-v1","fields":[2147483546],"snapshot-id":-1,"sequence-number":-1,'
        f'"offset":4,"length":{len(blob)},"properties":{{"referenced-data-file":"{file}","cardinality":"1"}}}}],'
        '"properties":{}}'
    ).encode()
    path = _delete_path(table, "puffin")
    magic = b"PFA1"
    path.write_bytes(magic + blob + magic + footer + struct.pack("<I", len(footer)) + b"\0" * 4 + magic)
    _delete(table, path, FileFormat.PUFFIN, partition, len(positions), file=file)


def delete_equal(table: Table, column: str, values: Sequence[Any], partition: Sequence[Any] = ()) -> None:
    """Delete all rows that hold one of some values, in a file of equality deletes."""
    path = _delete_path(table, "parquet")
    pq.write_table(rows(table, **{column: values}), path)
    fields = [table.schema().find_field(column).field_id]
    _delete(table, path, FileFormat.PARQUET, partition, len(values), equal=fields)


def _delete_path(table: Table, suffix: str) -> Path:
    return local(table.location()) / "data" / f"{uuid4()}-deletes.{suffix}"


def _delete(
    table: Table,
    path: Path,
    kind: FileFormat,
    partition: Sequence[Any],
    count: int,
    *,
    file: str = "",
    equal: Sequence[int] | None = None,
) -> None:
    bounds = {PATH: to_bytes(StringType(), file)} if file else {}
    content = DataFileContent.EQUALITY_DELETES if equal else DataFileContent.POSITION_DELETES
    deletes = data_file(
        table,
        path,
        kind,
        partition,
        content=content,
        record_count=count,
        equality_ids=equal,
        lower_bounds=bounds,
        upper_bounds=bounds,
    )
    with table.transaction() as transaction, _Deleting(deletes, Operation.DELETE, transaction, table.io):
        pass


class _DeleteManifest(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


class _Deleting(_FastAppendFiles):
    """A commit that adds one file of deletes."""

    def __init__(self, deletes: DataFile, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._deletes = deletes

    def _existing_manifests(self) -> list[Any]:
        metadata = self._transaction.table_metadata
        with _DeleteManifest(
            metadata.spec(), metadata.schema(), self.new_manifest_output(), self._snapshot_id, self._compression
        ) as writer:
            writer.add_entry(
                ManifestEntry.from_args(
                    status=ManifestEntryStatus.ADDED,
                    snapshot_id=self._snapshot_id,
                    sequence_number=None,
                    file_sequence_number=None,
                    data_file=self._deletes,
                )
            )
        return [*super()._existing_manifests(), writer.to_manifest_file()]

    def _summary(self, *arguments: Any, **options: Any) -> Any:
        self._added_data_files.append(self._deletes)
        return super()._summary(*arguments, **options)
