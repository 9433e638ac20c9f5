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
