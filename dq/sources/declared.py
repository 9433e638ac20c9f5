"""The columns of a table as a catalog declares them, whatever its files say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dq.diagnostics import DataError
from dq.engines.connection import identifier
from dq.sources.options import ReadOptions
from dq.sources.types import type_of


@dataclass(frozen=True, slots=True)
class Declared:
    """What a catalog says of the files of a table.

    Attributes:
        columns: the SQL types of the columns, in order, without the partition keys.
        keys: the SQL types of the partition keys.
        options: how the files are read. CSV columns stand in the order of `columns`.
    """

    columns: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)
    options: ReadOptions = field(default_factory=ReadOptions)

    def view(self, query: str, held: Sequence[tuple[str, str]], notes: list[str]) -> str:
        """A query with the declared columns, over one with columns that are `held`: names and types.

        A column that no file has is NULL, with a note, as in Hive; letters of any case are equal. One of another kind
        than declared is cast. A declared number that is text in a CSV file stays text, as its reader has noted.

        Raises:
            DataError: two columns of the files go by one name.
        """
        by_name: dict[str, list[tuple[str, str]]] = {}
        for name, native in held:
            by_name.setdefault(name.casefold(), []).append((name, native))
        shown = [
            self._column(name, kind, by_name.get(name.casefold(), []), notes) for name, kind in self.columns.items()
        ]
        keys = [f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in self.keys.items()]
        return f"SELECT {', '.join([*shown, *keys])} FROM ({query})"

    def _column(self, name: str, kind: str, found: Sequence[tuple[str, str]], notes: list[str]) -> str:
        if len(found) > 1:
            listed = " and ".join(f"`{each}`" for each, _ in found)
            raise DataError(f"the files call the column `{name}` {listed}", help="write them alike")
        if not found:
            note = f'column "{name}" stands in the catalog and in no file: it is NULL'
            if note not in notes:
                notes.append(note)
            return f"NULL::{kind} AS {identifier(name)}"
        ((spelled, native),) = found
        value = identifier(spelled)
        if type_of(native) is not type_of(kind) and self.options.format != "csv":
            value = f"CAST({value} AS {kind})"
        return f"{value} AS {identifier(name)}"
