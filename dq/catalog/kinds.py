"""The kinds of catalogs: one row each. Adapters are imported when a catalog of their kind is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from dq.diagnostics import DqError

if TYPE_CHECKING:
    from dq.catalog.base import Catalog


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a catalog as dq.toml declares it.

    A `path` is meant from the folder of dq.toml; a `secret` is never shown, and should come from the environment.
    """

    name: str
    about: str
    type: Literal["text", "path", "number", "flag", "texts", "table"] = "text"
    required: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of catalog: where its adapter is, the extra that brings its library, and its settings.

    An adapter module has a function `connect(name, settings, root)`, which gives a `Catalog` without touching the
    network; `root` is the folder that paths are meant from. `open_settings` says that settings beyond the listed ones
    are handed to the library as they are.
    """

    module: str
    about: str
    settings: tuple[Setting, ...]
    extra: str = ""
    packages: tuple[str, ...] = ()
    open_settings: bool = False


_STORE = (
    Setting("endpoint", "The address of an S3-compatible server, such as http://127.0.0.1:9000."),
    Setting("region", "The region; AWS_REGION by default."),
    Setting("profile", "A profile of the AWS configuration files."),
    Setting("access_key", "An access key, instead of what the environment says.", secret=True),
    Setting("secret_key", "Its secret.", secret=True),
    Setting("session_token", "Its session token.", secret=True),
    Setting("anonymous", "Read without credentials.", "flag"),
)
"""How a catalog reaches S3, where its own settings do not say otherwise."""

_DATABASE = (
    Setting("url", "The address: a URL, credentials from the environment.", required=True, secret=True),
    Setting("user", "Who reads, instead of in the URL."),
    Setting("password", "Their password, instead of in the URL.", secret=True),
    Setting("timeout", "Seconds that one statement may take.  [default: 300]", "number"),
    Setting("pushdown", "Whether the database answers what it can by itself.  [default: true]", "flag"),
)

KINDS: dict[str, Kind] = {
    "files": Kind(
        "dq.catalog.files",
        "Files of a folder or a bucket, each name a path below it.",
        (Setting("path", "The folder, or a URL such as s3://bucket/prefix.", "path", required=True), *_STORE),
    ),
    "duckdb": Kind(
        "dq.catalog.duckdb",
        "A DuckDB database file, opened for reading only.",
        (Setting("path", "The database file.", "path", required=True),),
    ),
    "iceberg": Kind(
        "dq.catalog.iceberg",
        "Iceberg tables, through pyiceberg: a SQLite file by default, or REST, Glue, Hive.",
        (
            Setting("type", "sql, rest, glue or hive.  [default: sql]"),
            Setting("uri", "The address of the catalog.  [default: a SQLite file in the warehouse]"),
            Setting(
                "warehouse", "Where the tables lie: a folder meant from that of dq.toml, a URL, or a name in REST."
            ),
            Setting("catalog", "The name that a SQL database keeps its tables under, if it has several."),
            *_STORE,
        ),
        extra="iceberg",
        packages=("pyiceberg",),
        open_settings=True,
    ),
    "delta": Kind(
        "dq.catalog.delta",
        "Delta tables below a folder or a bucket.",
        (Setting("path", "The folder, or a URL such as s3://bucket/prefix.", "path", required=True), *_STORE),
        extra="delta",
        packages=("deltalake",),
    ),
    "glue": Kind(
        "dq.catalog.glue",
        "The AWS Glue Data Catalog, and the data on S3 that its tables describe.",
        (
            Setting("catalog_id", "The account of the catalog, if it is another one."),
            Setting("glue_endpoint", "The address of a server that speaks Glue's protocol."),
            *_STORE,
        ),
        extra="aws",
        packages=("boto3",),
    ),
    "postgres": Kind(
        "dq.catalog.postgres", "A PostgreSQL database.", _DATABASE, extra="sql", packages=("adbc_driver_postgresql",)
    ),
    "mysql": Kind("dq.catalog.mysql", "A MySQL or MariaDB database.", _DATABASE, extra="sql", packages=("pymysql",)),
    "sqlite": Kind(
        "dq.catalog.sqlite",
        "A SQLite database file, opened for reading only.",
        (Setting("path", "The database file.", "path", required=True), *_DATABASE[3:]),
    ),
    "sqlalchemy": Kind(
        "dq.catalog.sqlalchemy",
        "Any other database that SQLAlchemy knows; rows are fetched, nothing is left to it.",
        _DATABASE[:4],
        extra="sqlalchemy",
        packages=("sqlalchemy",),
    ),
    "dynamodb": Kind(
        "dq.catalog.dynamodb",
        "The tables of Amazon DynamoDB.",
        (
            Setting("segments", "How many parts of a table are read at once.  [default: 4]", "number"),
            Setting("types", "The SQL types of attributes, by table: they win over what is found.", "table"),
            *_STORE,
        ),
        extra="aws",
        packages=("boto3",),
    ),
}


def connect(kind: str, name: str, settings: Mapping[str, Any], root: Path) -> Catalog:
    """A catalog of a kind, by the name that the user gave it. Touches no network.

    Raises:
        DqError: the kind is not known, or its library is not installed: the message names the extra.
    """
    if kind not in KINDS:
        raise DqError(f"there is no kind of catalog `{kind}`", help=f"kinds are {', '.join(KINDS)}")
    need(kind)
    return cast("Catalog", import_module(KINDS[kind].module).connect(name, settings, root))


def need(kind: str) -> None:
    """Refuse a kind of catalog whose library is not installed.

    Raises:
        DqError: it is not; the message names the extra.
    """
    entry = KINDS[kind]
    try:
        for package in entry.packages:
            import_module(package)
    except ImportError:
        raise DqError(
            f"catalogs of the kind `{kind}` need {', '.join(entry.packages)}, which is not installed",
            help=f'pip install "dq-rules[{entry.extra}]"',
        ) from None
