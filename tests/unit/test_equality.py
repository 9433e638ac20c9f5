"""In which type values of two tables are compared, for every pair of types: `golden/equality.txt`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dq.engines.functions import DUCKDB, lower
from dq.equality import null_safe, sides
from dq.names import BindingError
from dq.schema import Column, Type
from dq.sources.types import type_of

Golden = Callable[[str, str], None]
NATIVE = (
    *("BOOLEAN", "TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "BIGINT", "UBIGINT"),
    *("HUGEINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL(5,2)", "DECIMAL(38,10)", "VARCHAR", "DATE", "TIMESTAMP"),
    *("DECIMAL(5,0)", "ENUM('a', 'b')"),
    *("TIMESTAMP WITH TIME ZONE", "TIME", "BLOB", "BIGINT[]"),
)


def column_of(name: str, native: str) -> Column:
    return Column(name, type_of(native), native)


def written(tree: Any) -> str:
    """The SQL; of a text that is read as Spark reads it, the type alone."""
    sql = lower(tree, DUCKDB).sql(dialect="duckdb").replace('"', "")
    return sql if len(sql) < 80 else f"read as {(re.findall(r' AS ([A-Z]+)', sql) or ['BOOLEAN'])[-1]}"


def compared(left: str, right: str) -> str:
    try:
        ours, theirs = sides(column_of("a", left), column_of("b", right), "t")
    except BindingError as error:
        return error.message
    assert ours.kind is theirs.kind
    assert [ours.column.sql(), theirs.column.sql()] == ['"a"', '"t"."b"']
    return f"{ours.kind.value}: {written(ours.value)} = {written(theirs.value)}"


def test_the_types_in_which_values_are_compared(golden: Golden) -> None:
    def lines() -> Iterator[str]:
        for at, left in enumerate(NATIVE):
            yield f"{left} beside"
            yield from (f"  {right}: {compared(left, right)}" for right in NATIVE[at:])

    golden("equality.txt", "\n".join(lines()) + "\n")


@pytest.mark.parametrize("left", NATIVE)
def test_the_type_does_not_depend_on_the_order(left: str) -> None:
    for right in NATIVE:
        there, back = (re.sub(r"\b(a|t\.b)\b", "x", compared(*pair)) for pair in ((left, right), (right, left)))
        if "cannot be compared" in there:
            assert "cannot be compared" in back
        else:
            (kind, _, values), (other_kind, _, turned) = (each.partition(": ") for each in (there, back))
            assert (kind, values.split(" = ")) == (other_kind, turned.split(" = ")[::-1])


def test_a_type_without_a_name_of_its_own_is_told_by_its_kind() -> None:
    with pytest.raises(BindingError, match=r"^`a` \(date\) cannot be compared with `b` of `t` \(bigint\)$"):
        sides(Column("a", Type.DATE, ""), column_of("b", "BIGINT"), "t")


@pytest.mark.parametrize(
    ("left", "right", "expressions"),
    [
        (
            "DOUBLE",
            "BIGINT",
            (
                ["COALESCE(a, 0)", "a IS NULL", "a IS NULL"],
                ["COALESCE(TRY_CAST(t.b AS DOUBLE), 0)", "TRY_CAST(t.b AS DOUBLE) IS NULL", "t.b IS NULL"],
            ),
        ),
        ("BIGINT", "BIGINT", (["COALESCE(a, 0)", "a IS NULL"], ["COALESCE(t.b, 0)", "t.b IS NULL"])),
        ("VARCHAR", "VARCHAR", (["COALESCE(a, '')", "a IS NULL"], ["COALESCE(t.b, '')", "t.b IS NULL"])),
        ("BOOLEAN", "BOOLEAN", (["COALESCE(a, FALSE)", "a IS NULL"], ["COALESCE(t.b, FALSE)", "t.b IS NULL"])),
        ("DOUBLE", "DOUBLE", (["COALESCE(a, 0)", "a IS NULL"], ["COALESCE(t.b, 0)", "t.b IS NULL"])),
        ("DECIMAL(5,2)", "DECIMAL(5,2)", (["COALESCE(a, 0)", "a IS NULL"], ["COALESCE(t.b, 0)", "t.b IS NULL"])),
        (
            "DATE",
            "DATE",
            (
                ["COALESCE(a, CAST('1970-01-01' AS DATE))", "a IS NULL"],
                ["COALESCE(t.b, CAST('1970-01-01' AS DATE))", "t.b IS NULL"],
            ),
        ),
        (
            "TIMESTAMP",
            "TIMESTAMP",
            (
                ["COALESCE(a, CAST('1970-01-01 00:00:00' AS TIMESTAMP))", "a IS NULL"],
                ["COALESCE(t.b, CAST('1970-01-01 00:00:00' AS TIMESTAMP))", "t.b IS NULL"],
            ),
        ),
        (
            "BIGINT",
            "DOUBLE",
            (
                ["COALESCE(TRY_CAST(a AS DOUBLE), 0)", "TRY_CAST(a AS DOUBLE) IS NULL", "a IS NULL"],
                ["COALESCE(t.b, 0)", "t.b IS NULL", "t.b IS NULL"],
            ),
        ),
    ],
)
def test_nulls_are_equal_beside_a_key(left: str, right: str, expressions: tuple[list[str], list[str]]) -> None:
    """A value that the common type cannot hold is told apart from a NULL by the column itself."""
    found = null_safe(*sides(column_of("a", left), column_of("b", right), "t"))
    assert (
        tuple([lower(each, DUCKDB).sql(dialect="duckdb").replace('"', "") for each in side] for side in found)
        == expressions
    )
