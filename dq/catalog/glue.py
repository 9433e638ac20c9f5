"""The AWS Glue Data Catalog: databases, tables and partitions, over files on S3.

The catalog says which columns a table has, of which types, and where its partitions lie. Iceberg and Delta tables that
are registered there are read as those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dq.catalog import aws, base, hive
from dq.catalog.hive import Partition
from dq.catalog.kinds import connect as connect_to
from dq.catalog.kinds import need
from dq.catalog.names import find as find_name
from dq.catalog.selection import PartitionFilter, Selection, chosen
from dq.diagnostics import DataError, DqError
from dq.files.places import EVERYTHING_BELOW, FilesError, Place, place
from dq.files.stores import Object, System, store_of, system, told
from dq.schema import Column, Schema
from dq.sources.declared import Declared
from dq.sources.files import is_visible
from dq.sources.options import ReadOptions
from dq.sources.remote import RemoteFiles
from dq.sources.stored import Source
from dq.sources.types import type_of

LISTED_AT_ONCE = 8
"""How many partitions are listed at a time."""

MOST_COUNTED = 10_000
"""So many partitions are counted for a description; of more it does not say how many."""


def connect(name: str, settings: Mapping[str, Any], root: Path) -> Glue:
    """The catalog of an account and a region."""
    return Glue(name, settings)


class Glue:
    """Databases, and the tables in them. Names are in lower case, as Glue keeps them."""

    kind = "glue"

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self.name = name
        self.settings = settings
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The client, made when it is first asked for."""
        self._client = self._client or aws.client("glue", self.settings, self.settings.get("glue_endpoint"))
        return self._client

    def ask(self, operation: str, **request: Any) -> Iterator[Mapping[str, Any]]:
        """The pages of an answer."""
        if self.settings.get("catalog_id"):
            request["CatalogId"] = self.settings["catalog_id"]
        yield from self.client.get_paginator(operation).paginate(**request)

    def children(self, path: base.Path, /) -> Sequence[base.Entry]:
        """The databases, or the tables of one."""
        if len(path) > 1:
            raise DataError(f"`{'.'.join(path)}` holds nothing: Glue has databases and tables")
        with aws.told(f"`{'.'.join((self.name, *path))}` cannot be listed"):
            if not path:
                pages = self.ask("get_databases")
                return [
                    base.Entry(each["Name"], is_table=False)
                    for page in pages
                    for each in aws.held(page, "DatabaseList")
                ]
            pages = self.ask("get_tables", DatabaseName=path[0].lower())
            return [base.Entry(each["Name"], is_table=True) for page in pages for each in aws.held(page, "TableList")]

    def table(self, path: base.Path, /) -> GlueTable:
        """A table by its database and its name."""
        if len(path) != 2:
            raise DataError(f"`{'.'.join((self.name, *path))}` is no table", help=f"write {self.name}.database.table")
        database, name = (each.lower() for each in path)
        account = {"CatalogId": self.settings["catalog_id"]} if self.settings.get("catalog_id") else {}
        try:
            with aws.told(f"table `{database}.{name}` of `{self.name}`"):
                found = aws.held(self.client.get_table(DatabaseName=database, Name=name, **account), "Table")
        except DataError as error:
            if not aws.is_missing(error):
                raise
            raise self._missing(database, name) from error
        return GlueTable(self, database, name, found)

    def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _missing(self, database: str, name: str) -> DataError:
        """What is wrong with a name that Glue does not know."""
        try:
            find_name(database, [entry.name for entry in self.children(())], "database", f"`{self.name}`")
            tables = [entry.name for entry in self.children((database,))]
            find_name(name, tables, "table", f"`{self.name}.{database}`")
        except DataError as error:
            return error
        return DataError(f"table `{database}.{name}` of `{self.name}` is not there any more", help="evaluate again")


class GlueTable:
    """A table; `found` is what Glue says of it."""

    def __init__(self, catalog: Glue, database: str, name: str, found: Mapping[str, Any]) -> None:
        self._catalog = catalog
        self._database = database
        self._name = f"{database}.{name}"
        self._table = name
        self._found = found
        self._parameters: Mapping[str, str] = found.get("Parameters") or {}
        self._location: str = (found.get("StorageDescriptor") or {}).get("Location") or ""

    # -- what it is

    def describe(self) -> base.Description:
        """What the catalog says; counts that crawlers left are called what they are."""
        other = self._other()
        if other is not None:
            return other.describe()
        rows = self._parameters.get("recordCount")
        size = self._parameters.get("sizeKey")
        return base.Description(
            kind=f"Glue table of {hive.storage(self._found, self._name).format} files",
            schema=Schema(tuple(Column(name, type_of(kind), kind) for name, kind in self._columns().items())),
            location=self._location,
            partitions=tuple(self._keys()),
            parts=self._count(),
            bytes=int(size) if size and size.isdigit() else None,
            properties={"rows": f"{int(rows):,}, as the crawler counted"} if rows and rows.isdigit() else {},
        )

    def _columns(self) -> dict[str, str]:
        """The SQL types of all columns, those of the partition keys last."""
        columns = (self._found.get("StorageDescriptor") or {}).get("Columns") or []
        return {each["Name"]: hive.sql_type(each.get("Type", "")) for each in columns} | {
            name: hive.sql_type(kind) for name, kind in self._keys().items()
        }

    def _keys(self) -> dict[str, str]:
        """The Hive types of the partition keys."""
        return {each["Name"]: each.get("Type", "string") for each in self._found.get("PartitionKeys") or []}

    def _count(self) -> int | None:
        if not self._keys() or hive.is_projected(self._parameters):
            return None
        counted = 0
        with aws.told(f"partitions of `{self._name}`"):
            for page in self._pages(""):
                counted += len(aws.held(page, "Partitions"))
                if counted > MOST_COUNTED:
                    return None
        return counted

    def _other(self) -> base.Table | None:
        """The Iceberg or Delta table that this is an entry for."""
        if self._parameters.get("table_type", "").upper() == "ICEBERG":
            if "metadata_location" not in self._parameters:
                raise DataError(f"`{self._name}` is an Iceberg table whose entry does not say where its metadata lies")
            need("iceberg")
            from dq.catalog.iceberg import table_at

            return table_at(self._parameters["metadata_location"], self._catalog.settings)
        provider = self._parameters.get("spark.sql.sources.provider", "").lower()
        if "delta" in (provider, self._parameters.get("classification", "").lower()):
            need("delta")
            folder, _, name = self._location.rstrip("/").rpartition("/")
            settings = {**self._catalog.settings, "path": folder}
            return connect_to("delta", self._catalog.name, settings, Path()).table((name,))
        return None

    # -- what is read

    def open(self, selection: Selection, options: ReadOptions, /) -> Source:
        """The files of the partitions that are selected, with the columns of the catalog."""
        other = self._other()
        if other is not None:
            return other.open(selection, options)
        if self._found.get("TableType") == "VIRTUAL_VIEW":
            raise DataError(
                f"`{self._name}` is a view: its SQL is that of another engine", help="name its tables instead"
            )
        if selection.snapshot is not None or selection.as_of is not None:
            raise DqError(f"`{self._name}` is a table of files, which has no versions to choose from")
        storage = hive.storage(self._found, self._name)
        if not self._location:
            raise DataError(f"`{self._name}` has no location")
        return self._files(self._selected(selection.partitions), storage, selection)

    def _files(self, partitions: Sequence[Partition], storage: hive.Storage, selection: Selection) -> RemoteFiles:
        """The files of partitions, each under the folders of its keys, wherever it lies."""
        places = [(place(each.location), each.values) for each in partitions]
        store = store_of(self._catalog.settings)
        systems = {scheme: system(scheme, store) for scheme in {each.scheme for each, _ in places}}
        if len(systems) != 1:
            raise DataError(f"the partitions of `{self._name}` lie in several kinds of places: {', '.join(systems)}")
        (files,) = systems.values()
        with ThreadPoolExecutor(LISTED_AT_ONCE) as pool:
            listed = pool.map(lambda each: _listed(files, *each), places)
            objects = tuple(found for part in listed for found in part)
        description = f"Glue table `{self._name}`" + (f", {selection}" if selection else "")
        if not objects:
            raise DataError(f"{description} has no files", help=f"nothing lies below {places[0][0].shown}")
        keys = self._keys()
        notes = (f"{len(partitions):,} {'partition' if len(partitions) == 1 else 'partitions'}",) if keys else ()
        return RemoteFiles(
            files,
            objects,
            f"{description} ({len(objects):,} {'file' if len(objects) == 1 else 'files'})",
            base=self._location,
            format=storage.format,
            hive=bool(keys),
            notes=notes,
            declared=self._declared(storage),
        )

    def _declared(self, storage: hive.Storage) -> Declared:
        keys = {name: hive.sql_type(kind) for name, kind in self._keys().items()}
        columns = {name: kind for name, kind in self._columns().items() if name not in keys}
        options = (
            replace(storage.options, names=tuple(columns), types=columns)
            if storage.format == "csv"
            else storage.options
        )
        return Declared(columns, keys, options)

    def _selected(self, filters: Sequence[PartitionFilter]) -> list[Partition]:
        """The partitions that meet the filters; the whole table is one without keys."""
        keys = self._keys()
        if not keys:
            if filters:
                raise DqError(f"`{self._name}` is not partitioned, and `{filters[0]}` filters a partition")
            return [hive.Partition({}, self._location)]
        known = {name.casefold() for name in keys}
        if strange := [each for each in filters if each.column.casefold() not in known]:
            listed = ", ".join(f"`{name}`" for name in keys)
            raise DqError(f"`{strange[0].column}` is no partition key of `{self._name}`", help=f"its keys are {listed}")
        found = list(self._partitions(filters, keys))
        kept = [found[at] for at in chosen([each.values for each in found], filters)]
        if not kept:
            raise DataError(
                f"`{self._name}` has no partition that meets {', '.join(map(str, filters))}"
                if filters
                else f"`{self._name}` has no partitions",
                help="load its partitions, or crawl it again",
            )
        return kept

    def _partitions(self, filters: Sequence[PartitionFilter], keys: Mapping[str, str]) -> Iterator[Partition]:
        if hive.is_projected(self._parameters):
            now = datetime.now(UTC).replace(tzinfo=None)
            yield from hive.projected(keys, self._parameters, self._location, filters, now)
            return
        with aws.told(f"partitions of `{self._name}`"):
            for page in self._pages(hive.expression(filters, keys)):
                for each in aws.held(page, "Partitions"):
                    values = dict(zip(keys, each["Values"], strict=True))
                    yield hive.Partition(values, each["StorageDescriptor"]["Location"])

    def _pages(self, expression: str) -> Iterator[Mapping[str, Any]]:
        wanted = {"Expression": expression} if expression else {}
        return self._catalog.ask(
            "get_partitions",
            DatabaseName=self._database,
            TableName=self._table,
            ExcludeColumnSchema=True,
            **wanted,
        )


def _listed(files: System, folder: Place, values: Mapping[str, str]) -> list[Object]:
    """The data files below the location of a partition, each called by the keys of the partition and its name."""
    keys = [f"{name}={quote(value, safe='')}" for name, value in values.items()]
    try:
        with told(folder.shown):
            found = sorted(files.below(folder, EVERYTHING_BELOW, lambda count: None), key=lambda each: each.url)
    except FilesError as error:
        raise DataError(error.message, help=error.help) from None
    data = [each for each in found if each.size and all(map(is_visible, each.name.split("/")))]
    return [
        replace(each, name="/".join([*keys, f"{at}-{each.name.rpartition('/')[2]}"])) for at, each in enumerate(data)
    ]
