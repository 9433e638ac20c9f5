"""Columns whose names differ in letter case only are never taken for each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dq

TABLE = pa.table({"a": [1, 2], "A": [1, None]})
RULES = """Rules = [
    IsComplete "a",
    IsComplete "A",
    IsUnique "A" where "a > 0",
    RowCount = 2 where "A = 1",
    CustomSql "select count(A) from primary" = 2,
    IsComplete "A_1"
]"""


@pytest.mark.parametrize("kind", ["arrow", "parquet", "csv"])
def test_a_rule_about_the_second_is_not_read_as_one_about_the_first(kind: str, tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("a,A\n1,1\n2,\n")
    data: Any = {"arrow": TABLE, "parquet": tmp_path / "t.parquet", "csv": tmp_path / "t.csv"}[kind]
    outcomes = dq.evaluate(RULES, data).outcomes
    assert [each.verdict.value for each in outcomes] == ["PASSED", "ERROR", "ERROR", "ERROR", "ERROR", "FAILED"]
    assert all("`A` is ambiguous" in each.reason and "A_1" in each.reason for each in outcomes[1:5])


def test_letter_case_is_that_of_single_letters() -> None:
    """As in Spark: the capital of `ß` is not two letters."""
    table = pa.table({"größe": [1], "STRASSE": [2]})
    found = dq.evaluate('Rules = [ IsComplete "GRÖßE", IsComplete "GRÖSSE", IsComplete "straße" ]', table).outcomes
    assert [each.verdict.value for each in found] == ["PASSED", "ERROR", "ERROR"]
