"""Spark's types by DuckDB's names of them, and the other way round."""

from __future__ import annotations

from typing import Any

from dq.lazy import exp
from dq.schema import Type
from dq.sources.types import type_of

NULL = "NULL"
"""The type of a bare NULL, which goes with every other."""

BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, HUGEINT = "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"
FLOAT, DOUBLE, TEXT, BLOB = "FLOAT", "DOUBLE", "VARCHAR", "BLOB"
DATE, TIME, TIMESTAMP, TIMESTAMP_TZ, INTERVAL = "DATE", "TIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "INTERVAL"

WIDTHS = {TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19, HUGEINT: 38}
"""The integers, the narrowest first, and how many digits they have at most."""

_NAMES = {
    NULL: "VOID",
    BOOLEAN: "BOOLEAN",
    TINYINT: "TINYINT",
    SMALLINT: "SMALLINT",
    INTEGER: "INT",
    BIGINT: "BIGINT",
    HUGEINT: "DECIMAL(38,0)",
    FLOAT: "FLOAT",
    DOUBLE: "DOUBLE",
    TEXT: "STRING",
    BLOB: "BINARY",
    DATE: "DATE",
    TIME: "TIME",
    TIMESTAMP: "TIMESTAMP_NTZ",
    TIMESTAMP_TZ: "TIMESTAMP_LTZ",
}

_NATIVES = {
    "boolean": BOOLEAN,
    "byte": TINYINT,
    "short": SMALLINT,
    "integer": INTEGER,
    "long": BIGINT,
    "float": FLOAT,
    "double": DOUBLE,
    "string": TEXT,
    "char": TEXT,
    "varchar": TEXT,
    "binary": BLOB,
    "date": DATE,
    "time": TIME,
    "timestamp": TIMESTAMP_TZ,
    "timestamp_ntz": TIMESTAMP,
    "void": NULL,
}


def spark_type(native: str) -> str:
    """Spark's name of what a DuckDB type holds; empty for a type that it lacks."""
    if native.endswith("[]"):
        member = spark_type(native[:-2])
        return f"ARRAY<{member}>" if member else ""
    return native if native.startswith("DECIMAL(") else _NAMES.get(native, "")


def native_type(kind: Any) -> str:
    """DuckDB's name of a Spark type, as Spark would give the column to DuckDB in a Parquet file."""
    name: str = kind.typeName()
    if name == "array":
        return f"{native_type(kind.elementType)}[]"
    if name == "map":
        return f"MAP({native_type(kind.keyType)}, {native_type(kind.valueType)})"
    if name == "struct":
        fields = (f"{exp.to_identifier(each.name, quoted=True).sql()} {native_type(each.dataType)}" for each in kind)
        return f"STRUCT({', '.join(fields)})"
    if name.startswith("decimal"):
        return f"DECIMAL({kind.precision},{kind.scale})"
    return _NATIVES.get(name.partition("(")[0].partition(" ")[0], name.upper())


def has_collation(kind: Any) -> bool:
    """Whether texts of a Spark type compare otherwise than by their code points."""
    return bool(getattr(kind, "collation", "UTF8_BINARY") != "UTF8_BINARY")


def members(native: str) -> tuple[dict[str, str], str]:
    """The fields of a struct by their names, and the type of the members of a list; empty for what is none."""
    if type_of(native) is not Type.NESTED:
        return {}, ""
    if native.endswith("[]"):
        return {}, native[:-2]
    tree = exp.DataType.build(native, dialect="duckdb")
    if tree.this is exp.DataType.Type.STRUCT:
        return {each.name: said(each.args["kind"]) for each in tree.expressions}, ""
    return {}, ""


def said(tree: exp.DataType) -> str:
    """DuckDB's own name of a type that a tree names."""
    if tree.this in (exp.DataType.Type.ARRAY, exp.DataType.Type.LIST) and tree.expressions:
        return f"{said(tree.expressions[0])}[]"
    written = tree.sql(dialect="duckdb")
    return _ALIASES.get(written, written.replace(", ", ",") if written.startswith("DECIMAL") else written)


_ALIASES = {
    "TEXT": TEXT, "INT": INTEGER, "REAL": FLOAT, "INT128": HUGEINT, "TIMESTAMPTZ": TIMESTAMP_TZ, "DATETIME": TIMESTAMP,
}  # fmt: skip


def digits(native: str) -> tuple[int, int]:
    """Precision and scale of an integer or a decimal."""
    if native in WIDTHS:
        return WIDTHS[native], 0
    precision, scale = native.removeprefix("DECIMAL(").removesuffix(")").split(",")
    return int(precision), int(scale)


def decimal(precision: int, scale: int) -> str:
    """A decimal by precision and scale, of which there are 38 digits at most."""
    return f"DECIMAL({min(38, precision)},{min(38, scale)})"
