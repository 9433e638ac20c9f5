"""The cases of rule types over tables of common types, on Iceberg and Delta tables: as in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import deltas
import icebergs
import pyarrow as pa
import pytest
import test_cases
from deltalake import write_deltalake
from pyiceberg.catalog.sql import SqlCatalog
from test_cases import Judged, Run, runs
from test_cases import test_the_cases_hold as they_hold

from dq.catalog.base import Catalog, NamedTable
from dq.catalog.kinds import connect

IN_PLACE = frozenset({"Completeness", "CustomSql", "DatasetMatch", "IsUnique", "Mean", "ReferentialIntegrity", "Sum"})
BY_THE_LIBRARY = frozenset({"IsUnique", "Mean", "ReferentialIntegrity"})
"""The rule types whose cases are tried where DuckDB scans the files, and where the library reads them."""

VALUES_OF = frozenset({"kinds", "nans", "orders"})
"""The tables whose cases of ColumnValues are tried: there are more than can be tried here."""


def chosen(subjects: frozenset[str]) -> list[Run]:
    """The cases of some rule types, and some of ColumnValues, on tables."""

    def is_tried(each: Judged) -> bool:
        tables = set(each.group.data.values())
        return bool(tables) and (
            each.file.rule_type in subjects or (each.file.rule_type == "ColumnValues" and tables <= VALUES_OF)
        )

    found = (Run(run.name, tuple(filter(is_tried, run.cases))) for run in runs())
    return [run for run in found if run.cases]


class Lake:
    """Tables of cases in a lake, written when they are first asked for."""

    def __init__(self, write: Callable[[str, pa.Table], None], catalog: Catalog, space: tuple[str, ...]) -> None:
        self._write = write
        self._catalog = catalog
        self._space = space
        self._names: dict[str, str] = {}

    def __call__(self, tables: dict[str, pa.Table]) -> dict[str, NamedTable]:
        return {alias: self._named(alias, table) for alias, table in tables.items()}

    def _named(self, alias: str, table: pa.Table) -> NamedTable:
        key = f"{table.schema} {table.to_pydict()}"
        if key not in self._names:
            name = f"t{len(self._names)}"
            self._write(name, table)
            self._names[key] = name
        return NamedTable(alias, self._catalog.table((*self._space, self._names[key])))


def iceberg(folder: Path, *, library: bool) -> Lake:
    writer: SqlCatalog = icebergs.catalog(folder)
    writer.create_namespace("db")

    def write(name: str, data: pa.Table) -> None:
        table = writer.create_table(f"db.{name}", data.schema)
        rows = data.num_rows
        if rows:
            table.append(pa.concat_tables([data, data.slice(0, 1)]) if library else data)
        if rows and library:
            (task,) = table.scan().plan_files()
            icebergs.delete_positions(table, task.file.file_path, [rows])

    return Lake(write, connect("iceberg", "lake", {"warehouse": str(folder)}, folder), ("db",))


def delta(folder: Path, *, library: bool) -> Lake:
    def write(name: str, data: pa.Table) -> None:
        if any(map(pa.types.is_time, data.schema.types)):
            pytest.skip("Delta has no type for a time of day")
        write_deltalake(folder / name, data)
        if library:
            deltas.mapped(folder / name)

    return Lake(write, connect("delta", "lake", {"path": str(folder)}, folder), ())


LAKES = {"iceberg": iceberg, "delta": delta}


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, bool], Lake]:
    return {
        (name, library): make(tmp_path_factory.mktemp(name), library=library)
        for name, make in LAKES.items()
        for library in (False, True)
    }


@pytest.mark.parametrize("run", chosen(IN_PLACE), ids=lambda run: run.name)
@pytest.mark.parametrize("kind", LAKES)
def test_they_hold_where_duckdb_scans_the_files(
    kind: str, run: Run, lakes: dict[tuple[str, bool], Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_cases, "ENGINES", {"duckdb": lakes[kind, False]})
    they_hold("duckdb", run)


@pytest.mark.parametrize("run", chosen(BY_THE_LIBRARY), ids=lambda run: run.name)
@pytest.mark.parametrize("kind", LAKES)
def test_they_hold_where_the_library_reads_the_rows(
    kind: str, run: Run, lakes: dict[tuple[str, bool], Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_cases, "ENGINES", {"duckdb": lakes[kind, True]})
    they_hold("duckdb", run)
