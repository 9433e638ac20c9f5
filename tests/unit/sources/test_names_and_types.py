from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dq.schema import Type
from dq.sources.files import format_of_name
from dq.sources.memory import unique_names
from dq.sources.types import type_of

TYPES = {
    Type.BOOLEAN: "BOOLEAN",
    Type.INTEGER: "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT",
    Type.FLOAT: "FLOAT DOUBLE",
    Type.DECIMAL: "DECIMAL(18,3)",
    Type.STRING: "VARCHAR UUID JSON ENUM('a','b[]')",
    Type.DATE: "DATE",
    Type.TIMESTAMP: "TIMESTAMP TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS",
    Type.TIME: "TIME TIME_NS",
    Type.BINARY: "BLOB",
    Type.NESTED: "INTEGER[] INTEGER[3] DECIMAL(4,2)[] MAP(VARCHAR,INTEGER) STRUCT(a) UNION(a) STRUCT(b)[]",
    Type.OTHER: "INTERVAL BIT GEOMETRY BIGNUM",
}
CASES = [(native, kind) for kind, natives in TYPES.items() for native in natives.split()]


@pytest.mark.parametrize(
    ("native", "kind"),
    [*CASES, ("TIMESTAMP WITH TIME ZONE", Type.TIMESTAMP_TZ), ("TIME WITH TIME ZONE", Type.TIME)],
)
def test_a_duckdb_type_means_one_of_ours(native: str, kind: Type) -> None:
    assert type_of(native) is kind


@pytest.mark.parametrize(
    ("path", "format"),
    [
        ("a.parquet", "parquet"),
        ("/x.y/A.CSV", "csv"),
        ("a.b.csv.gz", "csv"),
        ("a.jsonl.zst", "json"),
        ("a.gz", None),
        ("csv", None),
        (".csv", None),
        ("a.txt", None),
    ],
)
def test_a_name_promises_a_format(path: str, format: str | None) -> None:  # noqa: A002
    assert format_of_name(path) == format


@given(st.lists(st.sampled_from(["a", "A", "a_1", "", "b", "column1"])))
def test_unique_names_are_unique_and_change_only_what_they_must(names: list[str]) -> None:
    unique = unique_names(names)
    assert len({name.casefold() for name in unique}) == len(names)
    assert all(unique)
    if len({name.casefold() for name in names}) == len(names) and all(names):
        assert unique == names
