"""Delta tables for tests: logs by hand, as the protocol of Delta describes them, for what deltalake does not write."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

PLAIN = {"minReaderVersion": 1, "minWriterVersion": 2}


def features(*names: str) -> dict[str, Any]:
    """A protocol that needs features of readers."""
    return {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": names, "writerFeatures": names}


def field(name: str, kind: Any, number: int = 0, physical: str = "") -> dict[str, Any]:
    """A field of a schema; with a number, mapped to another name in the files."""
    mapped = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": physical} if number else {}
    return {"name": name, "type": kind, "nullable": True, "metadata": mapped}


def create(
    folder: Path,
    fields: Sequence[Mapping[str, Any]],
    *actions: Mapping[str, Any],
    protocol: Mapping[str, Any] = PLAIN,
    configuration: Mapping[str, str] | None = None,
    partitions: Sequence[str] = (),
) -> None:
    """The first version of a table."""
    metadata = {
        "id": "7d1e8a3c-0000-4000-8000-000000000000",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": json.dumps({"type": "struct", "fields": list(fields)}),
        "partitionColumns": list(partitions),
        "configuration": dict(configuration or {}),
        "createdTime": 1700000000000,
    }
    commit(folder, 0, {"protocol": dict(protocol)}, {"metaData": metadata}, *actions)


def commit(folder: Path, version: int, *actions: Mapping[str, Any]) -> None:
    log = folder / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020}.json").write_text("\n".join(map(json.dumps, actions)))


def add(
    folder: Path, name: str, data: pa.Table, *, partition: Mapping[str, str | None] | None = None, **more: Any
) -> dict[str, Any]:
    """Write a file, and the action that adds it; `counted` says whether the log has its statistics."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(data, folder / name)
    counted = more.pop("counted", True)
    return {
        "add": {
            "path": name,
            "partitionValues": dict(partition or {}),
            "size": (folder / name).stat().st_size,
            "modificationTime": 1700000000000,
            "dataChange": True,
            **({"stats": json.dumps({"numRecords": data.num_rows})} if counted else {}),
            **more,
        }
    }


def vector(rows: Sequence[int]) -> dict[str, Any]:
    """A deletion vector that stands in the log itself."""
    from pyroaring import BitMap

    body = struct.pack("<IQI", 1681511377, 1, 0) + BitMap(rows).serialize()
    return {
        "storageType": "i",
        "pathOrInlineDv": _z85(body + b"\0" * (-len(body) % 4)),
        "sizeInBytes": len(body),
        "cardinality": len(rows),
    }


_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def _z85(data: bytes) -> str:
    text = ""
    for (value,) in struct.iter_unpack(">I", data):
        text += "".join(_Z85[value // 85**power % 85] for power in (4, 3, 2, 1, 0))
    return text


def _map(kind: Any, numbers: Iterator[int]) -> None:
    for each in kind.get("fields", ()) if isinstance(kind, dict) else ():
        each["metadata"] |= field(each["name"], None, next(numbers), each["name"])["metadata"]
        _map(each["type"], numbers)


def mapped(folder: Path) -> None:
    """Rewrite the log of a table as if its columns were mapped by name, each to itself."""
    path = folder / "_delta_log" / f"{0:020}.json"
    actions = [json.loads(line) for line in path.read_text().splitlines()]
    for action in actions:
        if "protocol" in action:
            action["protocol"] = features("columnMapping", "timestampNtz")
        if metadata := action.get("metaData"):
            schema = json.loads(metadata["schemaString"])
            _map(schema, count(1))
            metadata["schemaString"] = json.dumps(schema)
            metadata["configuration"] |= {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "99"}
    path.write_text("\n".join(map(json.dumps, actions)))
