"""Catalogs of Iceberg tables, through pyiceberg: SQL (a SQLite file by default), REST, Glue and Hive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

from dq.catalog import base, stores
from dq.catalog.iceberg_tables import IcebergTable
from dq.catalog.lakes import secrets_of, told
from dq.catalog.names import find as find_name
from dq.diagnostics import DataError, DqError
from dq.files.names import hidden
from dq.files.stores import CONNECT_SECONDS, REQUEST_SECONDS, STORE_SETTINGS, store_of
from dq.names import listed

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog as NativeCatalog

_OURS = frozenset({"type", "uri", "warehouse", "catalog", *STORE_SETTINGS})
"""The settings that are ours; all others are pyiceberg's."""

DATABASE = "catalog.db"
"""The SQLite file in the warehouse, unless another one is the only one there."""

LOCK_SECONDS = 1
"""How long a SQLite file may stay locked by a writer."""


def connect(name: str, settings: Mapping[str, Any], root: Path) -> IcebergCatalog:
    """A catalog as its settings say; nothing is opened yet.

    Raises:
        DqError: a type that is not known, or a setting that it needs is missing.
    """
    kind = settings.get("type", "sql")
    if kind not in _TYPES:
        raise DqError(f"there is no type `{kind}` of Iceberg catalogs", help=f"types are {', '.join(_TYPES)}")
    given = {key: value for key, value in settings.items() if value is not None}
    if (warehouse := given.get("warehouse")) and "://" not in str(warehouse) and kind in ("sql", "hive"):
        given["warehouse"] = str((root / Path(warehouse).expanduser()).resolve())
    if kind == "sql":
        given["uri"] = _sql_uri(given, root)
    elif kind in ("rest", "hive") and "uri" not in given:
        raise DqError(f"an Iceberg catalog of the type `{kind}` needs the setting `uri`: its address")
    return IcebergCatalog(name, kind, given)


def table_at(metadata_location: str, store_settings: Mapping[str, Any]) -> IcebergTable:
    """A table by its metadata file, as other catalogs keep it; the settings say how S3 is reached."""
    from pyiceberg.table import StaticTable

    def load() -> StaticTable:
        return StaticTable.from_metadata(metadata_location, properties(store_settings))

    return IcebergTable(hidden(metadata_location), load, secrets_of(store_settings))


def properties(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of pyiceberg for our settings; those that are not ours are handed over and win."""
    others = {key: value for key, value in settings.items() if key not in _OURS}
    return {**stores.iceberg(store_of(settings)), **{key: _written(value) for key, value in others.items()}}


def _written(value: Any) -> Any:
    """A setting as pyiceberg wants it: texts, but for tables of settings."""
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, Mapping) else str(value)


class IcebergCatalog:
    """Namespaces, which may be nested, and tables."""

    kind = "iceberg"

    def __init__(self, name: str, type_: str, settings: Mapping[str, Any]) -> None:
        self.name = name
        self._type = type_
        self._settings = settings
        self._secrets = secrets_of(settings)

    @contextmanager
    def _told(self) -> Iterator[None]:
        with told(f"the Iceberg catalog `{self.name}`", self._secrets):
            yield

    @cached_property
    def _native(self) -> NativeCatalog:
        with self._told():
            given = properties(self._settings)
            given |= {key: str(self._settings[key]) for key in ("uri", "warehouse") if key in self._settings}
            return _TYPES[self._type](self.name, given, self._settings.get("catalog"))

    def children(self, path: base.Path, /) -> Sequence[base.Entry]:
        """The namespaces and tables below a namespace."""
        native = self._native
        with self._told():
            try:
                namespaces, tables = self._listed(native, self._namespace(path))
            except NoSuchNamespaceError:
                raise DataError(f"there is no namespace `{'.'.join(path)}` in the catalog `{self.name}`") from None
        return [
            *(base.Entry(each, is_table=False) for each in namespaces),
            *(base.Entry(each, is_table=True) for each in tables),
        ]

    def _listed(self, native: NativeCatalog, path: base.Path) -> tuple[list[str], list[str]]:
        below = [each for each in native.list_namespaces(path) if each[: len(path)] == path]
        namespaces = sorted({each[len(path)] for each in below if len(each) > len(path)})
        return namespaces, sorted(each[-1] for each in native.list_tables(path)) if path else []

    def _namespace(self, path: base.Path) -> base.Path:
        """A namespace as it is written."""
        found: base.Path = ()
        for part in path:
            names, _ = self._listed(self._native, found)
            found = (*found, find_name(part, names, "namespace", f"`{'.'.join((self.name, *found))}`"))
        return found

    def table(self, path: base.Path, /) -> IcebergTable:
        """A table by its namespaces and its name."""
        native = self._native
        if len(path) < 2:
            raise DataError(
                f"`{'.'.join((self.name, *path))}` names no table: an Iceberg table lies in a namespace",
                help=f"namespaces: {listed(each.name for each in self.children(()))}",
            )
        with self._told():
            try:
                found = native.load_table(path)
            except (NoSuchTableError, NoSuchNamespaceError):
                path = self._settled(path)
                found = native.load_table(path)
        return IcebergTable(".".join((self.name, *path)), lambda: found, self._secrets)

    def _settled(self, path: base.Path) -> base.Path:
        """A path that is not there exactly so, in the letters that are meant."""
        space = self._namespace(path[:-1])
        _, tables = self._listed(self._native, space)
        return (*space, find_name(path[-1], tables, "table", f"`{'.'.join((self.name, *space))}`"))

    def close(self) -> None:
        """Give back connections."""
        if native := self.__dict__.pop("_native", None):
            native.close()


# -- types ---------------------------------------------------------------------------------------------


def _sql_uri(settings: Mapping[str, Any], root: Path) -> str:
    """The address of a SQL catalog; a SQLite file is opened for reading only."""
    uri = str(settings.get("uri", ""))
    if uri and not uri.startswith("sqlite:///"):
        return uri
    if uri:
        path = root / uri.removeprefix("sqlite:///")
    else:
        warehouse = str(settings.get("warehouse", ""))
        if not warehouse or "://" in warehouse:
            raise DqError(
                "an Iceberg catalog of the type `sql` needs `uri`, or a `warehouse` that is a local folder",
                help='write uri = "sqlite:///catalog.db", or the address of a database',
            )
        path = _database_in(Path(warehouse))
    return f"sqlite:///file:{quote(str(path))}?mode=ro&uri=true&timeout={LOCK_SECONDS}"


def _database_in(warehouse: Path) -> Path:
    found = [*warehouse.glob("*.db"), *warehouse.glob("*.sqlite")]
    return found[0] if len(found) == 1 else warehouse / DATABASE


def _sql(name: str, given: dict[str, Any], catalog: str | None) -> NativeCatalog:
    from pyiceberg.catalog.sql import SqlCatalog

    path = given["uri"].partition("file:")[2].partition("?")[0]
    if given["uri"].startswith("sqlite:") and not Path(path).is_file():
        raise DataError(f"there is no catalog database `{path}`", help="say where it is with `uri` or `warehouse`")
    native = SqlCatalog(name, init_catalog_tables="false", **given)
    native.name = _kept_under(native, catalog or name, required=catalog is not None)
    return native


def _kept_under(native: Any, wanted: str, *, required: bool) -> str:
    """The name under which a database keeps the tables of one catalog: what the writer called it."""
    from sqlalchemy import text

    query = "SELECT catalog_name FROM iceberg_tables UNION SELECT catalog_name FROM iceberg_namespace_properties"
    with native.engine.connect() as connection:
        names = [str(row[0]) for row in connection.execute(text(query))]
    if wanted in names or not names:
        return wanted
    if len(names) == 1 and not required:
        return names[0]
    raise DataError(
        f"the database keeps no catalog `{wanted}`, but {listed(names)}", help="say which with the setting `catalog`"
    )


def _rest(name: str, given: dict[str, Any], catalog: str | None) -> NativeCatalog:
    from pyiceberg.catalog.rest import RestCatalog
    from requests import Session
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    class Bounded(HTTPAdapter):
        """Requests that wait for a bounded time, and those that only read come again when a server is busy."""

        def __init__(self) -> None:
            super().__init__(max_retries=Retry(3, backoff_factor=0.2, status_forcelist=(429, 502, 503, 504)))

        def send(self, *arguments: Any, **options: Any) -> Any:
            options["timeout"] = options.get("timeout") or (CONNECT_SECONDS, REQUEST_SECONDS)
            return super().send(*arguments, **options)

    def bound(session: Session) -> None:
        for scheme in ("http://", "https://"):
            session.mount(scheme, Bounded())

    class BoundedRestCatalog(RestCatalog):
        def _create_session(self) -> Session:
            session = super()._create_session()
            bound(session)
            return session

        def _create_legacy_oauth2_auth_manager(self, session: Session) -> Any:
            bound(session)  # it asks for a token at once
            return super()._create_legacy_oauth2_auth_manager(session)

    return BoundedRestCatalog(name, **given)


def _glue(name: str, given: dict[str, Any], catalog: str | None) -> NativeCatalog:
    try:
        import boto3
        from botocore.config import Config
        from pyiceberg.catalog.glue import GlueCatalog
    except ImportError:
        raise DqError(
            "Iceberg tables in Glue need boto3, which is not installed", help='pip install "dq-rules[aws]"'
        ) from None
    client = boto3.client(
        "glue",
        endpoint_url=given.get("glue.endpoint"),
        region_name=given.get("glue.region") or given.get("client.region"),
        aws_access_key_id=given.get("glue.access-key-id") or given.get("client.access-key-id"),
        aws_secret_access_key=given.get("glue.secret-access-key") or given.get("client.secret-access-key"),
        aws_session_token=given.get("glue.session-token") or given.get("client.session-token"),
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=REQUEST_SECONDS,
            retries={"max_attempts": 3, "mode": "standard"},
        ),
    )
    return GlueCatalog(name, client, **given)


def _hive(name: str, given: dict[str, Any], catalog: str | None) -> NativeCatalog:
    try:
        from pyiceberg.catalog.hive import HiveCatalog
    except ImportError:
        raise DqError(
            "Iceberg tables in a Hive metastore need thrift, which is not installed",
            help="pip install thrift, or pyiceberg[hive] for Kerberos too",
        ) from None
    return HiveCatalog(name, **given)


_TYPES: Mapping[str, Callable[[str, dict[str, Any], str | None], NativeCatalog]] = {
    "sql": _sql,
    "rest": _rest,
    "glue": _glue,
    "hive": _hive,
}
