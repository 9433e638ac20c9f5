"""A database that answers queries in SQL, whichever it is: what is left to it, and what comes of its answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol, cast

import duckdb

from dq.databases.here import run
from dq.databases.translating import Dialect, RefusedError, Relation, Translated, Translation, translate
from dq.engines.connection import identifier
from dq.engines.functions import CASTS, DUCKDB, lower, spelled
from dq.lazy import exp
from dq.sources.stored import Stored, UnansweredError
from dq.sql import columns_read

if TYPE_CHECKING:
    import pyarrow as pa

    from dq.schema import Schema
    from dq.sources.stored import Rows


class SqlTable(Stored, Relation, Protocol):
    """A table of a database: what arrives of it, and what queries see of it, are the same columns."""

    @property
    def columns(self) -> Schema:
        """Its columns, in DuckDB's types."""

    def fetch(self, select: exp.Select, columns: Sequence[str], /) -> AbstractContextManager[pa.RecordBatchReader]:
        """What a query of the database gives, which has these columns of the table, as `read` gives it."""


class SqlDatabase(ABC):
    """Answers by its own SQL what `dialect` can say, unless pushdown is switched off."""

    name: str
    dialect: Dialect
    pushdown: bool = True

    @abstractmethod
    def arrive(self, sql: str) -> pa.Table:
        """All rows of an answer; each value as it is, or as a text that DuckDB casts to its type.

        Raises:
            UnansweredError: the database met a value that its SQL takes otherwise, such as a sum that overflows.
            SourceError: it failed.
        """

    @property
    def spelling(self) -> str:
        """How sqlglot calls its SQL."""
        return self.dialect.name

    def cancel(self) -> None:  # noqa: B027 - where nothing can be stopped, nothing is
        """Stop the query that runs, if the database can."""

    def refusal(self, query: exp.Expr, tables: Mapping[str, Stored], /) -> str:
        """Why it cannot answer a query with the same meaning; empty if it can."""
        if not self.pushdown:
            return "pushdown is switched off"
        try:
            self._asked(query, tables)
        except RefusedError as error:
            return str(error)
        return ""

    def sql(self, query: exp.Expr, tables: Mapping[str, Stored], /) -> str:
        """The text of the query that `answer` would run; `refusal` has found nothing."""
        asked = self._asked(query, tables)
        return self.text(asked.tree if isinstance(asked, Translated) else asked)

    def text(self, tree: exp.Expr) -> str:
        """A query in the database's SQL as its text."""
        return tree.sql(dialect=self.dialect.name)

    def answer(self, query: exp.Expr, tables: Mapping[str, Stored], /) -> Rows:
        """The rows that a query gives, as DuckDB would give them."""
        asked = self._asked(query, tables)
        if not isinstance(asked, Translated):
            return self._picked(query, asked, _table_of(query, tables))
        arrived = self.arrive(self.text(asked.tree))
        shown = (
            f"CAST({_from_json(name, each.native)} AS {each.native}) AS {identifier(each.name)}"
            for name, each in zip(map(identifier, arrived.column_names), asked.outputs, strict=True)
        )
        try:
            return run(f"SELECT {', '.join(shown)} FROM arrived", {"arrived": arrived})
        except duckdb.Error as error:  # such as a sum that no decimal of 38 digits holds
            raise UnansweredError(str(error).partition("\n")[0]) from error

    @contextmanager
    def stream(self, query: exp.Expr, tables: Mapping[str, Stored], /) -> Iterator[pa.RecordBatchReader]:
        """The rows of a query that gives columns of one table as they are."""
        asked = Translation(cast("Mapping[str, SqlTable]", tables), self.dialect).query(query)[0]
        with _table_of(query, tables).fetch(asked, [each.alias for each in asked.expressions]) as reader:
            yield reader

    def _asked(self, query: exp.Expr, tables: Mapping[str, Stored]) -> Translated | exp.Select:
        """The query of the database: a whole one, or the rows of a table of which DuckDB makes the answer."""
        relations = cast("Mapping[str, SqlTable]", tables)
        if _picks(query):
            table = _table_of(query, tables)
            columns = columns_read(query, {_read(query).name: table.columns})[_read(query).name]
            picked = exp.select(*(exp.column(each, quoted=True) for each in columns)).from_(_read(query).copy())
            for key in ("where", "limit"):
                if query.args.get(key):
                    picked.set(key, query.args[key].copy())
            return Translation(relations, self.dialect).query(spelled(picked, CASTS))[0]
        return translate(query, relations, self.dialect)

    def _picked(self, query: exp.Expr, asked: exp.Select, table: SqlTable) -> Rows:
        """Some rows as they are, and what a query makes of each, made here: no text of a value can differ."""
        columns = [each.alias for each in asked.expressions]
        with table.fetch(asked, columns) as reader:
            arrived = reader.read_all()
        rest = query.copy()
        rest.set("where", None)
        return run(lower(rest, DUCKDB).sql(dialect="duckdb"), {_read(query).name: arrived})


def _picks(query: exp.Expr) -> bool:
    """Whether a query takes some rows of a table and gives a value or more of each."""
    kept = {key for key, value in query.args.items() if value}
    if not isinstance(query, exp.Select) or kept - {"expressions", "from_", "where", "limit", "kind"}:
        return False
    plain = not any(each.find(exp.Query, exp.AggFunc, exp.Anonymous, exp.Star) for each in query.expressions)
    return "limit" in kept and plain and isinstance(_read(query), exp.Table)


def _read(query: exp.Expr) -> exp.Table:
    return cast("exp.Table", query.args["from_"].this)


def _table_of(query: exp.Expr, tables: Mapping[str, Stored]) -> SqlTable:
    return cast("SqlTable", tables[_read(query).name])


def _from_json(name: str, native: str) -> str:
    return f"CAST({name} AS JSON)" if native.endswith("]") or native.startswith("MAP(") else name
