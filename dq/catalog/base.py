"""What a catalog must be able to do, and a table of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Protocol

from dq.catalog.selection import EVERYTHING, Selection

if TYPE_CHECKING:
    from dq.schema import Schema
    from dq.sources.options import ReadOptions
    from dq.sources.stored import Source

Path = tuple[str, ...]
"""The parts of a name below a catalog: namespaces, then the table."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a listing: a namespace, or a table."""

    name: str
    is_table: bool


@dataclass(frozen=True, slots=True)
class Description:
    """What a catalog knows of a table without reading its rows.

    Attributes:
        kind: the kind of thing, such as `parquet files`, `iceberg table`, `view`.
        schema: its columns.
        location: where it lies, without credentials.
        partitions: the columns by which it is parted.
        parts: how many partitions or files it has; None if unknown.
        rows: how many rows; None if only a scan would tell.
        bytes: how large it is; None if unknown.
        versions: the newest snapshots or versions that can be selected, the newest first, with when they were made.
        properties: what else is worth showing, by name.
    """

    kind: str
    schema: Schema
    location: str = ""
    partitions: tuple[str, ...] = ()
    parts: int | None = None
    rows: int | None = None
    bytes: int | None = None
    versions: tuple[tuple[str, str], ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


class Table(Protocol):
    """A table of a catalog. Made without reading anything; each question may go to the network."""

    def describe(self) -> Description:
        """What is known of it without reading its rows."""

    def open(self, selection: Selection, options: ReadOptions, /) -> Source:
        """The part and the version that is selected, ready to be read. What is not selected is not read.

        Raises:
            DataError: it is not there, cannot be read, has no such partition or version, or none at all.
        """


class Catalog(Protocol):
    """Tables by name. Made without touching the network."""

    kind: str

    def children(self, path: Path, /) -> Sequence[Entry]:
        """The namespaces and tables below a namespace; `()` is the top.

        Raises:
            DataError: there is no such namespace, or the catalog cannot be reached.
        """

    def table(self, path: Path, /) -> Table:
        """A table by the parts of its name, letters exactly so, else the only one that differs in letter case.

        Raises:
            DataError: there is none, with the nearest names; or the catalog cannot be reached.
        """

    def close(self) -> None:
        """Give back what it holds. Harmless when repeated."""


@dataclass(frozen=True, slots=True)
class NamedTable:
    """A table under the name by which a ruleset or a user means it, in the part and version that was selected.

    It can be given to `dq.evaluate` wherever data can.
    """

    name: str
    table: Table
    selection: Selection = EVERYTHING
    options: ReadOptions | None = None
    """How its files are read, as the project says; what the caller of `open` gives comes before it."""

    def describe(self) -> Description:
        """What is known of it without reading its rows."""
        return self.table.describe()

    def open(self, options: ReadOptions, /) -> Source:
        """The table, ready to be read.

        Raises:
            DataError: as `Table.open`.
        """
        return self.table.open(self.selection, self.reading(options))

    def reading(self, options: ReadOptions) -> ReadOptions:
        """How its files are read: as the caller says, else as the project says; types of columns add up."""
        if self.options is None:
            return options
        said = {each.name: getattr(options, each.name) for each in fields(options)}
        given = {name: value for name, value in said.items() if value not in (None, False, (), {}) or name == "header"}
        if said["header"] is None:
            del given["header"]
        return replace(self.options, **{**given, "types": {**self.options.types, **options.types}})
