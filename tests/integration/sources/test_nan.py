"""NaN is greater than every number, wherever the data comes from: statistics of files leave it out, rules must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import dq

VALUES = [1.0, float("nan"), 3.0, None]
EXPECTED = {
    'ColumnValues "x" < 100 with threshold = 0.5': True,
    'ColumnValues "x" > 100 with threshold = 0.25': True,
    'ColumnValues "x" between 0 and 100 with threshold = 0.5': True,
    'ColumnValues "x" != 7': True,
    'RowCount = 1 where "x > 100"': True,
    'RowCount = 2 where "x < 100"': True,
    'CustomSql "select count(*) from primary where x >= 3" = 2': True,
    'Mean "x" > 0': False,
}


def sources(folder: Path) -> dict[str, Any]:
    table = pa.table({"x": VALUES, "y": pa.array([1.0, None, 2.0, 3.0], pa.float32()), "id": [1, 2, 3, 4]})
    pq.write_table(table, folder / "arrow.parquet")
    pl.DataFrame({"x": VALUES, "id": [1, 2, 3, 4]}).write_parquet(folder / "polars.parquet")
    return {
        "parquet of arrow": folder / "arrow.parquet",
        "parquet of polars": folder / "polars.parquet",
        "arrow": table,
        "dataset": ds.dataset(folder / "arrow.parquet"),
        "polars": pl.DataFrame({"x": VALUES}),
    }


@pytest.mark.parametrize("source", ["parquet of arrow", "parquet of polars", "arrow", "dataset", "polars"])
def test_nan_is_above_every_number(source: str, tmp_path: Path) -> None:
    evaluation = dq.evaluate(f"Rules = [ {', '.join(EXPECTED)} ]", sources(tmp_path)[source])
    assert {str(each.rule): each.passed for each in evaluation.outcomes} == EXPECTED
    failing = [each.failing.count for each in evaluation.outcomes[:3] if each.failing]
    assert failing == [2, 3, 2]
