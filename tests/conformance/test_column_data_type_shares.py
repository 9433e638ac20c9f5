"""What can be cast to what, against recorded answers of the reference implementation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dq import casts
from dq.engines.functions import DUCKDB, lower
from dq.lazy import exp
from dq.schema import Column, Schema, Type
from dq.sqltext import parse_where

DATA = Path(__file__).parent / "data" / "casts"
CASES = [json.loads(line) for line in (DATA / "recorded.jsonl").read_text("utf-8").splitlines()]
TYPES = {
    "BIGINT": Type.INTEGER,
    "INTEGER": Type.INTEGER,
    "VARCHAR": Type.STRING,
    "DOUBLE": Type.FLOAT,
    "DATE": Type.DATE,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['case']}-{case['column']}-{case['type']}")
def test_the_share_that_can_be_cast_is_the_recorded_one(case: dict[str, Any]) -> None:
    con = duckdb.connect()
    con.execute("create view t as select * from read_parquet(?)".replace("?", f"'{DATA / case['table']}'"))
    schema = Schema(
        tuple(Column(row[0], TYPES.get(row[1], Type.OTHER)) for row in con.execute("describe t").fetchall())
    )
    column = schema.exact(case["column"])
    assert column is not None
    castable = casts.castable(exp.column(column.name, quoted=True), column.type, case["type"], case["format"])
    able = lower(castable, DUCKDB).sql("duckdb")
    where = lower(parse_where(case["where"], schema), DUCKDB).sql("duckdb") if case["where"] else "true"
    found = con.execute(f"select count(case when {able} then 1 end) / count(*) from t where {where}").fetchone()
    assert found is not None
    assert found[0] == pytest.approx(case["castable"], abs=1e-9)
