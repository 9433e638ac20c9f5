"""Spark's types by DuckDB's names of them, and the other way round."""

from __future__ import annotations

from typing import Any

from dq.lazy import exp
from dq.schema import Type
from dq.sources.types import type_of

NULL = "NULL"
"""The type of a bare NULL, which goes with every other."""

BOOLEAN, INTEGER, BIGINT, HUGEINT = "BOOLEAN", "INTEGER", "BIGINT", "HUGEINT"
FLOAT, DOUBLE, TEXT, DATE = "FLOAT", "DOUBLE", "VARCHAR", "DATE"
TIMESTAMP, TIMESTAMP_TZ = "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"
INTERVAL = "INTERVAL"

WIDTHS = ("TINYINT", "SMALLINT", INTEGER, BIGINT, HUGEINT)
"""The integers, the narrowest first."""

_NAMES = {
    BOOLEAN: "BOOLEAN",
    "TINYINT": "TINYINT",
    "SMALLINT": "SMALLINT",
    INTEGER: "INT",
    BIGINT: "BIGINT",
    HUGEINT: "DECIMAL(38,0)",
    FLOAT: "FLOAT",
    DOUBLE: "DOUBLE",
    TEXT: "STRING",
    DATE: "DATE",
    TIMESTAMP: "TIMESTAMP_NTZ",
    TIMESTAMP_TZ: "TIMESTAMP_LTZ",
    "BLOB": "BINARY",
}

_NATIVES = {
    "boolean": BOOLEAN,
    "byte": "TINYINT",
    "short": "SMALLINT",
    "integer": INTEGER,
    "long": BIGINT,
    "float": FLOAT,
    "double": DOUBLE,
    "string": TEXT,
    "char": TEXT,
    "varchar": TEXT,
    "date": DATE,
    "timestamp": TIMESTAMP_TZ,
    "timestamp_ntz": TIMESTAMP,
    "time": "TIME",
    "binary": "BLOB",
    "void": NULL,
}


def spark_type(native: str) -> str:
    """Spark's name of what a DuckDB type holds; empty for a type that it lacks."""
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


def members(native: str) -> tuple[dict[str, str], str]:
    """The fields of a struct by their names, and the type of the members of a list; empty for what is none."""
    if type_of(native) is not Type.NESTED:
        return {}, ""
    tree = exp.DataType.build(native, dialect="duckdb")
    parts = tree.expressions
    if tree.this is exp.DataType.Type.STRUCT:
        return {each.name: said(each.args["kind"]) for each in parts}, ""
    if tree.this in (exp.DataType.Type.ARRAY, exp.DataType.Type.LIST):
        return {}, said(parts[0])
    return {}, ""


def said(tree: exp.DataType) -> str:
    """DuckDB's own name of a type that a tree names."""
    text = tree.sql(dialect="duckdb").replace(", ", ",")
    return _ALIASES.get(text, text)


_ALIASES = {
    "TEXT": TEXT, "INT": INTEGER, "REAL": FLOAT, "INT128": HUGEINT, "TIMESTAMPTZ": TIMESTAMP_TZ,
    "DATETIME": TIMESTAMP,
}  # fmt: skip


def decimal_digits(native: str) -> tuple[int, int]:
    """Precision and scale of a decimal."""
    precision, scale = native.removeprefix("DECIMAL(").removesuffix(")").split(",")
    return int(precision), int(scale)
