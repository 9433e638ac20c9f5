"""The tables of Amazon DynamoDB: items as rows, attributes as columns.

A table declares the type of its keys only. A scan therefore reads all items once, in parallel segments, keeps them in
a private folder as they came, and knows then what each attribute holds: an attribute that an item lacks is NULL, whole
numbers are BIGINT, others decimals as wide as they need, sets, lists and maps JSON text, and an attribute of several
types is text.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dq import leftovers
from dq.catalog import aws, base
from dq.catalog.names import find as find_name
from dq.catalog.selection import LATEST, PartitionFilter, Selection
from dq.diagnostics import DataError, DqError
from dq.schema import Column, Schema, Type
from dq.sources.options import ReadOptions
from dq.sources.stored import Source

ITEMS_KEPT = 20_000
"""How many items a segment holds in memory before it writes them down."""

Item = Mapping[str, Mapping[str, Any]]
"""Attributes by name, each a mapping from the tag of its type to its value."""


def connect(name: str, settings: Mapping[str, Any], root: Path) -> DynamoDb:
    """The tables of an account and a region."""
    return DynamoDb(name, settings)


class DynamoDb:
    """The tables that the credentials see; there are no namespaces."""

    kind = "dynamodb"

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self._name = name
        self._settings = settings
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The client, made when it is first asked for."""
        self._client = self._client or aws.client("dynamodb", self._settings)
        return self._client

    def children(self, path: base.Path, /) -> Sequence[base.Entry]:
        """The tables."""
        if path:
            raise DataError(f"`{'.'.join(path)}` holds nothing: DynamoDB has no namespaces")
        with aws.told(f"the tables of `{self._name}` cannot be listed"):
            pages = self.client.get_paginator("list_tables").paginate()
            return [base.Entry(name, is_table=True) for page in pages for name in aws.held(page, "TableNames")]

    def table(self, path: base.Path, /) -> DynamoTable:
        """A table by its name."""
        if len(path) != 1:
            raise DataError(f"`{'.'.join(path)}` is no table of DynamoDB", help="its tables have names of one part")
        try:
            return DynamoTable(self, path[0], self._described(path[0]), self._settings)
        except DataError as error:
            if not aws.is_missing(error):
                raise
            name = find_name(path[0], [entry.name for entry in self.children(())], "table", f"`{self._name}`")
            return DynamoTable(self, name, self._described(name), self._settings)

    def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _described(self, name: str) -> Mapping[str, Any]:
        with aws.told(f"DynamoDB table `{name}`"):
            found: Mapping[str, Any] = aws.held(self.client.describe_table(TableName=name), "Table")
            return found


class DynamoTable:
    """A table; `described` is what DynamoDB says of it."""

    def __init__(self, catalog: DynamoDb, name: str, described: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self._catalog = catalog
        self._name = name
        self._described = described
        self._settings = settings

    def describe(self) -> base.Description:
        """Its keys; what else its items hold only a scan tells."""
        keys = _keys(self._described)
        types = {"S": (Type.STRING, "VARCHAR"), "N": (Type.DECIMAL, "NUMBER"), "B": (Type.BINARY, "BLOB")}
        items = self._described.get("ItemCount")
        return base.Description(
            kind="DynamoDB table",
            schema=Schema(tuple(Column(name, *types[tag]) for name, tag in keys.items())),
            location=self._described.get("TableArn", ""),
            partitions=tuple(keys)[:1],
            bytes=self._described.get("TableSizeBytes"),
            properties={
                "columns": "the keys; the other attributes are found by a scan",
                **({"items": f"about {items:,}, counted every six hours"} if items is not None else {}),
            },
        )

    def open(self, selection: Selection, options: ReadOptions, /) -> Source:
        """The items, or those that meet filters on their attributes."""
        if selection.snapshot is not None or selection.as_of is not None:
            raise DqError(
                f"`{self._name}` is a DynamoDB table, which has no versions to choose from",
                help="restore a point in time to a table of its own, and evaluate that",
            )
        declared = self._settings.get("types", {})
        if not isinstance(declared, Mapping) or not all(isinstance(each, Mapping) for each in declared.values()):
            raise DqError("`types` wants the types of attributes by table", help='types.orders = { total = "DOUBLE" }')
        return Items(
            self._catalog,
            self._name,
            _keys(self._described),
            selection.partitions,
            {**declared.get(self._name, {}), **options.types},
            int(self._settings.get("segments") or 4),
        )


def _keys(described: Mapping[str, Any]) -> dict[str, str]:
    """The key attributes with the tags of their types, the partition key first."""
    tags = {each["AttributeName"]: each["AttributeType"] for each in described.get("AttributeDefinitions", [])}
    return {each["AttributeName"]: tags[each["AttributeName"]] for each in described.get("KeySchema", [])}


# -- what an attribute holds ---------------------------------------------------------------------------


@dataclass
class Held:
    """What the values of an attribute were: their tags, and how wide its numbers are."""

    tags: set[str] = field(default_factory=set)
    whole: int = 1
    scale: int = 0
    is_exact: bool = True

    def add(self, other: Held) -> None:
        """What both were."""
        self.tags |= other.tags
        self.whole, self.scale = max(self.whole, other.whole), max(self.scale, other.scale)
        self.is_exact = self.is_exact and other.is_exact

    def see(self, number: str) -> str:
        """A number as plain digits; its width is remembered."""
        if not _PLAIN.fullmatch(number):
            exact = Decimal(number)
            number = f"{exact:f}" if -38 <= exact.adjusted() <= 38 else number
        if not _PLAIN.fullmatch(number):
            self.is_exact = False
            return number
        whole, _, fraction = number.lstrip("-").partition(".")
        self.whole, self.scale = max(self.whole, len(whole)), max(self.scale, len(fraction))
        return number

    @property
    def type(self) -> pa.DataType:
        """The type of the column."""
        if self.tags == {"BOOL"}:
            return pa.bool_()
        if self.tags == {"B"}:
            return pa.binary()
        if self.tags != {"N"}:
            return pa.string()
        if not self.scale and self.is_exact and self.whole < 19:
            return pa.int64()
        if self.is_exact and self.whole + self.scale <= 38:
            return pa.decimal128(max(self.whole + self.scale, 1), self.scale)
        return pa.float64()

    def note(self, name: str) -> str:
        """What a reader should know of the column; empty for nothing."""
        if self.tags <= {"S"} or self.tags in ({"B"}, {"BOOL"}):
            return ""
        if self.tags == {"N"}:
            wide = self.type == pa.float64()
            return f'column "{name}" is read as DOUBLE: its numbers need more than 38 digits' if wide else ""
        if self.tags <= _NESTED:
            return f'column "{name}" is read as JSON text: it holds {_listed(_WORDS[tag] for tag in self.tags)}'
        return f'column "{name}" is read as text: it holds {_listed(_WORDS[tag] for tag in self.tags)}'


_PLAIN = re.compile(r"-?\d+(\.\d+)?")
_NESTED = {"M", "L", "SS", "NS", "BS"}
_WORDS = {
    "S": "text",
    "N": "numbers",
    "B": "bytes",
    "BOOL": "booleans",
    "M": "maps",
    "L": "lists",
    "SS": "sets of texts",
    "NS": "sets of numbers",
    "BS": "sets of bytes",
}


def _listed(words: Iterator[str]) -> str:
    *most, last = sorted(words)
    return f"{', '.join(most)} and {last}" if most else last


def as_json(tag: str, value: Any) -> str:
    """A value as JSON on one line: numbers keep every digit, bytes are base64, sets are in order."""
    match tag:
        case "N":
            return str(value)
        case "NULL":
            return "null"
        case "M":
            return f"{{{', '.join(f'{_quoted(name)}: {as_json(*_only(inner))}' for name, inner in value.items())}}}"
        case "L":
            return f"[{', '.join(as_json(*_only(inner)) for inner in value)}]"
        case "NS":
            return f"[{', '.join(sorted(value, key=Decimal))}]"
        case "SS" | "BS":
            return f"[{', '.join(as_json(tag[0], each) for each in sorted(value))}]"
    return _quoted(base64.b64encode(value).decode() if tag == "B" else value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _only(value: Mapping[str, Any]) -> tuple[str, Any]:
    """The tag and the value of what stands alone in a mapping."""
    (found,) = value.items()
    return found


# -- reading -------------------------------------------------------------------------------------------


class Items:
    """The items of a table, scanned once when the columns are first asked for."""

    database = None

    def __init__(
        self,
        catalog: DynamoDb,
        name: str,
        keys: Mapping[str, str],
        filters: Sequence[PartitionFilter],
        declared: Mapping[str, str],
        segments: int,
    ) -> None:
        self.description = f"DynamoDB table `{name}`" + (f" ({', '.join(map(str, filters))})" if filters else "")
        self.rows: int | None = None
        self._catalog = catalog
        self._name = name
        self._keys = keys
        self._request = {"TableName": name, **_conditions(filters, keys)}
        self._declared = {attribute: _arrow_type(sql, attribute) for attribute, sql in declared.items()}
        self._segments = max(segments, 1)
        self._folder: Path | None = None
        self._files: list[Path] = []
        self._held: dict[str, Held] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """How attributes were read, and that a scan is no snapshot."""
        self._scan()
        how = [self._held[name].note(name) for name in self.schema.names if name in self._held]
        lacking = [name for name in self._declared if name not in self._held]
        return (
            *(note for note in how if note),
            *(f'column "{name}" is declared, and no item has it' for name in lacking if name not in self._keys),
            "DynamoDB has no snapshots: items that were written during the scan may or may not be among the rows",
        )

    @property
    def schema(self) -> pa.Schema:
        """The keys, then the other attributes by name."""
        self._scan()
        tags = {name: Held({tag}) for name, tag in self._keys.items()}
        held = {**tags, **self._held}
        names = [*self._keys, *sorted({*self._held, *self._declared} - set(self._keys))]
        return pa.schema([(name, self._declared.get(name) or held[name].type) for name in names])

    @contextmanager
    def read(self, columns: Sequence[str], /) -> Iterator[pa.RecordBatchReader]:
        """The items as they were scanned."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        yield pa.RecordBatchReader.from_batches(schema, self._batches(schema))

    def close(self) -> None:
        """Forget the items."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            leftovers.settle(self._folder)
        self._folder, self._files, self._held, self.rows = None, [], {}, None

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for path in self._files:
            with pa.memory_map(str(path)) as mapped:
                kept = pa.ipc.open_file(mapped).read_all()
                arrays = [self._column(kept, field) for field in schema]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _column(self, kept: pa.Table, wanted: pa.Field) -> pa.Array:
        if wanted.name not in kept.column_names:
            return pa.nulls(kept.num_rows, wanted.type)
        array = kept[wanted.name].combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # what combine_chunks gives of nothing
            array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.nulls(0, wanted.type)
        try:
            if pa.types.is_binary(array.type) and not pa.types.is_binary(wanted.type):
                array = pa.array([v if v is None else base64.b64encode(v).decode() for v in array.to_pylist()])
            return pc.cast(array, wanted.type)
        except pa.ArrowException as error:
            raise DataError(
                f"{self.description}: attribute `{wanted.name}` is declared {wanted.type}, and a value does not fit: "
                f"{str(error).partition(chr(10))[0]}",
                help="declare a wider type, or VARCHAR",
            ) from error

    # -- the scan

    def _scan(self) -> None:
        if self._folder is not None:
            return
        folder = Path(tempfile.mkdtemp(prefix="dq-"))
        leftovers.watch(folder)
        stop = Event()
        try:
            with ThreadPoolExecutor(self._segments) as pool:
                parts = [pool.submit(self._segment, at, self._segments, folder, stop) for at in range(self._segments)]
                try:
                    done = [part.result() for part in parts]
                finally:
                    stop.set()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            leftovers.settle(folder)
            raise
        self._folder = folder
        self._files = sorted(folder.iterdir())
        self.rows = sum(rows for rows, _ in done)
        if "FilterExpression" in self._request and not self.rows:
            self.close()
            raise DataError(f"no item of {self.description} meets its filter")
        for _, found in done:
            for name, held in found.items():
                self._held.setdefault(name, Held()).add(held)

    def _segment(self, segment: int, segments: int, folder: Path, stop: Event) -> tuple[int, dict[str, Held]]:
        """Scan a part of the table: how many items it has, and what their attributes hold."""
        held: dict[str, Held] = {}
        waiting: list[Item] = []
        rows = written = 0

        def write() -> None:
            nonlocal written
            path = folder / f"{segment:03}-{written:06}.arrow"
            with pa.OSFile(str(path), "wb") as sink:
                table = _table(waiting, held)
                with pa.ipc.new_file(sink, table.schema) as writer:
                    writer.write_table(table)
            written += 1
            waiting.clear()

        for items in self._pages(segment, segments):
            if stop.is_set():
                break
            rows += len(items)
            waiting += items
            if len(waiting) >= ITEMS_KEPT:
                write()
        if waiting:
            write()
        return rows, held

    def _pages(self, segment: int, segments: int) -> Iterator[list[Item]]:
        parallel = {"Segment": segment, "TotalSegments": segments} if segments > 1 else {}
        request: dict[str, Any] = {**self._request, **parallel}
        while True:
            with aws.told(self.description):
                page = self._catalog.client.scan(**request)
            yield aws.held(page, "Items")
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _table(items: Sequence[Item], held: dict[str, Held]) -> pa.Table:
    """Items as columns; what their attributes hold is added to `held`."""
    values: dict[str, list[Any]] = {}
    seen: dict[str, Held] = {}
    for at, item in enumerate(items):
        for name, value in item.items():
            tag, inner = _only(value)
            if tag == "NULL":
                tag, inner = "", None
            column = values.setdefault(name, [])
            column += [None] * (at - len(column))
            each = seen.setdefault(name, Held())
            if tag:
                each.tags.add(tag)
            column.append((tag, each.see(inner) if tag == "N" else inner) if tag else None)
    arrays = {}
    for name, column in values.items():
        column += [None] * (len(items) - len(column))
        arrays[name] = _array(column, seen[name].tags)
        held.setdefault(name, Held()).add(seen[name])
    if not arrays:
        return pa.table({"": pa.nulls(len(items))})
    return pa.table(arrays)


def _array(column: Sequence[tuple[str, Any] | None], tags: set[str]) -> pa.Array:
    if tags in ({"BOOL"}, {"B"}):
        kind = pa.bool_() if tags == {"BOOL"} else pa.binary()
        return pa.array([each and each[1] for each in column], kind)
    return pa.array([None if each is None else _AS_TEXT.get(each[0], as_json)(*each) for each in column], pa.string())


_AS_TEXT: dict[str, Callable[[str, Any], str]] = {
    "S": lambda tag, value: str(value),
    "N": lambda tag, value: str(value),
    "B": lambda tag, value: base64.b64encode(value).decode(),
    "BOOL": lambda tag, value: "true" if value else "false",
}


def _arrow_type(sql: str, attribute: str) -> pa.DataType:
    """The Arrow type of a SQL type."""
    fault = DqError(f"`{sql}`, declared for attribute `{attribute}`, is no SQL type", help="such as DECIMAL(18, 2)")
    if not re.fullmatch(r"[A-Za-z_][\w ]*(\([\d, ]+\))?", sql):
        raise fault
    with duckdb.connect() as connection:
        try:
            kind = connection.sql(f"SELECT NULL::{sql} AS typed").to_arrow_table().schema.field(0).type
        except duckdb.Error:
            raise fault from None
    return pa.string() if pa.types.is_null(kind) else kind


# -- filters -------------------------------------------------------------------------------------------


def _conditions(filters: Sequence[PartitionFilter], keys: Mapping[str, str]) -> dict[str, Any]:
    """The filter of a scan. What a filter compares is a number or a text, as the item has it."""
    if not filters:
        return {}
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    clauses = []
    for at, each in enumerate(filters):
        if each.operator == LATEST:
            raise DqError(
                f"`{each}`: DynamoDB cannot tell the greatest value of an attribute without reading every item",
                help=f"name it, as in `{each.column}>=2026-11-01`",
            )
        name = f"#c{at}"
        names[name] = each.column
        tag = keys.get(each.column)
        tags = [tag] if tag else ["S", "N"] if all(map(_is_number, each.values)) else ["S"]
        alternatives = []
        for kind in tags:
            held = [f":v{len(values) + offset}" for offset in range(len(each.values))]
            values |= {place: {kind: value} for place, value in zip(held, each.values, strict=True)}
            values[f":{kind}"] = {"S": kind}
            alternatives.append(f"attribute_type({name}, :{kind}) AND {_clause(name, each.operator, held)}")
        clauses.append(alternatives[0] if len(alternatives) == 1 else "(({}) OR ({}))".format(*alternatives))
    return {
        "FilterExpression": " AND ".join(clauses),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _clause(name: str, operator: str, values: Sequence[str]) -> str:
    if operator == "between":
        return f"{name} BETWEEN {values[0]} AND {values[1]}"
    if operator == "in":
        return f"{name} IN ({', '.join(values)})"
    return f"{name} {'<>' if operator == '!=' else operator} {values[0]}"


def _is_number(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text))
