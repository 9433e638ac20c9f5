"""DuckDB's type names in the terms of `dq.schema`."""

from __future__ import annotations

from dq.schema import Type

_TYPES = {
    "BOOLEAN": Type.BOOLEAN,
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), Type.INTEGER),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), Type.INTEGER),
    **dict.fromkeys(("FLOAT", "DOUBLE"), Type.FLOAT),
    "DECIMAL": Type.DECIMAL,
    **dict.fromkeys(("VARCHAR", "ENUM", "UUID", "JSON"), Type.STRING),
    "DATE": Type.DATE,
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), Type.TIMESTAMP),
    **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"), Type.TIMESTAMP_TZ),
    **dict.fromkeys(("TIME", "TIME_NS", "TIME WITH TIME ZONE"), Type.TIME),
    "BLOB": Type.BINARY,
    **dict.fromkeys(("STRUCT", "MAP", "UNION", "VARIANT"), Type.NESTED),
}


def type_of(native: str) -> Type:
    """What a DuckDB type means to a rule; a type that no rule knows, such as INTERVAL or BIT, is OTHER."""
    if native.endswith("]"):
        return Type.NESTED
    return _TYPES.get(native.partition("(")[0].strip(), Type.OTHER)


_SPARK = {
    "TINYINT": "tinyint",
    **dict.fromkeys(("SMALLINT", "UTINYINT"), "smallint"),
    **dict.fromkeys(("INTEGER", "USMALLINT"), "int"),
    **dict.fromkeys(("BIGINT", "UINTEGER"), "bigint"),
    "UBIGINT": "decimal(20,0)",
    **dict.fromkeys(("HUGEINT", "UHUGEINT"), "decimal(38,0)"),
    **dict.fromkeys(("VARCHAR", "ENUM", "UUID", "JSON"), "string"),
    "BLOB": "binary",
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "timestamp_ntz"),
    **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"), "timestamp"),
}


def spark_name(native: str) -> str:
    """The short name that Spark gives to what a DuckDB type holds, as Spark reads it from a Parquet file.

    Lists are `array`, and nested types lose what they hold: `struct`, `map`. A type that Spark lacks keeps its name.
    """
    if native.endswith("]"):
        return "array"
    family = native.partition("(")[0].strip()
    if family == "DECIMAL":
        return native.lower()
    return _SPARK.get(family, family.lower())
