"""The tables of a run in a Spark session: a temporary view for each, and what is known of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from dq.lazy import exp
from dq.names import PRIMARY
from dq.outcomes import TableRead
from dq.schema import Column, Schema
from dq.sources.options import NO_DATA, ReadOptions
from dq.sources.types import type_of
from dq.spark.reading import frame_of, is_frame, require_files
from dq.spark.session import is_connect, running_session, start
from dq.spark.translating import Relation
from dq.spark.types import has_collation, native_type
from dq.spark.values import Value


@dataclass(frozen=True)
class Table:
    """A DataFrame under an alias.

    Attributes:
        frame: it, with columns whose names differ in more than the case of letters.
        description: what it was read from.
        schema: its columns.
        view: the name of the view on it.
    """

    frame: Any
    description: str
    schema: Schema
    view: str

    @property
    def relation(self) -> Relation:
        """It, as queries see it: texts compare by their code points, whatever their collation."""
        binary = exp.Var(this="UTF8_BINARY")
        columns = {
            field.name: exp.Collate(this=_column(field.name), expression=binary.copy())
            if has_collation(field.dataType)
            else _column(field.name)
            for field in self.frame.schema
        }
        return Relation(self.view, {each.name: Value(columns[each.name], each.native) for each in self.schema})


class Tables:
    """DataFrames as views of one session, until the context ends."""

    def __init__(self, data: Any, options: ReadOptions | Mapping[str, ReadOptions] | None = None) -> None:
        """Bring in a table, or a mapping from alias to tables: DataFrames, paths, names of tables of the session.

        Raises:
            DqError: something is no table that Spark can read.
        """
        named: Mapping[str, Any] = {} if data is NO_DATA else data if isinstance(data, Mapping) else {PRIMARY: data}
        frames = [each for each in named.values() if is_frame(each)]
        running = frames[0].sparkSession if frames else running_session()
        if running is None or not is_connect(running):  # whose server has files of its own
            for value in named.values():
                require_files(value)
        self.session = running or start()
        self._tables: dict[str, Table] = {}
        try:
            for alias, value in named.items():
                given = options.get(alias) if isinstance(options, Mapping) else options
                self._tables[alias] = self._table(alias, value, given or ReadOptions())
        except BaseException:
            self.close()
            raise
        self.schemas: Mapping[str, Schema] = {alias: table.schema for alias, table in self._tables.items()}
        self.relations = {alias: table.relation for alias, table in self._tables.items()}

    def __enter__(self) -> Tables:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop the views; the DataFrames are the user's."""
        for table in self._tables.values():
            self.session.catalog.dropTempView(table.view)

    def __getitem__(self, alias: str) -> Table:
        return self._tables[alias]

    def read(self, alias: str) -> TableRead:
        """What is known of a table."""
        table = self._tables[alias]
        return TableRead(alias, table.description, len(table.schema))

    def _table(self, alias: str, value: Any, options: ReadOptions) -> Table:
        frame, description = frame_of(alias, value, self.session, options)
        names = _distinct(frame.columns)
        frame = frame.toDF(*names) if names != frame.columns else frame
        natives = [native_type(field.dataType) for field in frame.schema]
        columns = (Column(name, type_of(native), native) for name, native in zip(names, natives, strict=True))
        view = f"dq_{uuid.uuid4().hex[:12]}_{''.join(each for each in alias if each.isalnum() and each.isascii())}"
        frame.createTempView(view)
        return Table(frame, description, Schema(tuple(columns)), view)


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _distinct(names: list[str]) -> list[str]:
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
