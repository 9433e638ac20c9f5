"""The tables of a run in a Spark session: a temporary view for each, and what is known of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from dq.diagnostics import DqError
from dq.lazy import exp
from dq.names import PRIMARY
from dq.outcomes import TableRead
from dq.schema import Column, Schema
from dq.sources.options import NO_DATA
from dq.sources.types import type_of
from dq.spark.translating import Relation
from dq.spark.types import native_type
from dq.spark.values import Value


@dataclass(frozen=True)
class Table:
    """A DataFrame under an alias.

    Attributes:
        frame: it, with columns of the names that rules know.
        description: what it was read from.
        schema: its columns.
        view: the name of the view on it.
    """

    frame: Any
    description: str
    schema: Schema
    view: str


class Tables:
    """DataFrames as views of one session, until the context ends."""

    def __init__(self, data: Any, session: Any = None) -> None:
        """Bring in a DataFrame, or a mapping from alias to DataFrames.

        Raises:
            DqError: something is no table that Spark can read.
        """
        named: Mapping[str, Any] = {} if data is NO_DATA else data if isinstance(data, Mapping) else {PRIMARY: data}
        self._session = session
        self._tables = {alias: self._table(alias, value) for alias, value in named.items()}
        self.schemas: Mapping[str, Schema] = {alias: table.schema for alias, table in self._tables.items()}
        self.relations = {alias: _relation(table) for alias, table in self._tables.items()}

    @property
    def session(self) -> Any:
        """The session that holds all tables."""
        if self._session is None:
            from pyspark.sql import SparkSession

            self._session = SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()
        return self._session

    def __enter__(self) -> Tables:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for table in self._tables.values():
            self.session.catalog.dropTempView(table.view)

    def __getitem__(self, alias: str) -> Table:
        return self._tables[alias]

    def read(self, alias: str) -> TableRead:
        """What is known of a table."""
        table = self._tables[alias]
        return TableRead(alias, table.description, len(table.schema))

    def _table(self, alias: str, value: Any) -> Table:
        if not is_frame(value):
            raise DqError(f"`{alias}`: Spark cannot read a {type(value).__name__}", help="give a Spark DataFrame")
        if value.isStreaming:
            raise DqError(f"`{alias}` is a stream, which has no end", help="use foreachBatch, and evaluate each batch")
        if self._session is None:
            self._session = value.sparkSession
        names = distinct_names(value.columns)
        frame = value.toDF(*names) if names != value.columns else value
        schema = _schema(names, frame.schema)
        view = f"dq_{uuid.uuid4().hex[:12]}_{''.join(each for each in alias if each.isalnum() and each.isascii())}"
        frame.createTempView(view)
        return Table(frame, "Spark DataFrame", schema, view)


def is_frame(value: Any) -> bool:
    """Whether something is a DataFrame of Spark, classic or of Spark Connect."""
    return any(
        kind.__module__.partition(".")[0] == "pyspark" and kind.__name__ == "DataFrame" for kind in type(value).__mro__
    )


def distinct_names(names: list[str]) -> list[str]:
    """Names that differ in more than the case of letters: of `a` and `A` the second becomes `A_1`, as in DuckDB."""
    taken: set[str] = set()
    found = []
    for name in names:
        new, number = name, 0
        while new.lower() in taken:
            number += 1
            new = f"{name}_{number}"
        taken.add(new.lower())
        found.append(new)
    return found


def _schema(names: list[str], struct: Any) -> Schema:
    natives = [native_type(field.dataType) for field in struct]
    return Schema(tuple(Column(name, type_of(native), native) for name, native in zip(names, natives, strict=True)))


def _relation(table: Table) -> Relation:
    return Relation(
        table.view, {each.name: Value(exp.column(each.name, quoted=True), each.native) for each in table.schema}
    )
