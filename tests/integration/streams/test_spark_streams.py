"""Spark streams: each batch is judged and split, all batches together too, and a kill loses and repeats nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sparks import session

import dq
from dq.diagnostics import DqError
from dq.stream import gate

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.xdist_group("spark")]

JOB = Path(__file__).with_name("job.py")
FILES = (
    "id,at,amount\n1,2026-01-01T00:10:00Z,1\n2,2026-01-01T00:20:00Z,5\n",
    "id,at,amount\n3,2026-01-01T00:30:00Z,4\n4,2026-01-01T01:10:00Z,11\n",
    "id,at,amount\n2,2026-01-01T02:10:00Z,3\n5,2026-01-01T00:40:00Z,3\n,2026-01-01T02:40:00Z,3\n",
)


def arrive(folder: Path) -> None:
    (folder / "landing").mkdir(exist_ok=True)
    for at, text in enumerate(FILES):
        path = folder / "landing" / f"{at}.csv"
        path.write_text(text)
        os.utime(path, (1_700_000_000 + at,) * 2)  # Spark reads the oldest first


def run(folder: Path, die_in: int = -1, when: str = "") -> int:
    done = subprocess.run(
        [sys.executable, JOB, str(folder), str(die_in), when],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONPATH": str(JOB.parents[2]), "SPARK_LOCAL_IP": "127.0.0.1"},
    )
    assert done.returncode in (0, -9), done.stderr[-3000:]
    return done.returncode


def told(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "told.jsonl").read_text().splitlines()
    return list({line["number"]: line for line in map(json.loads, lines)}.values())


def ids(folder: Path, name: str) -> list[Any]:
    return [
        row["id"]
        for path in sorted((folder / name).rglob("*.parquet"))
        for row in pq.ParquetFile(path).read().to_pylist()
    ]


@pytest.mark.parametrize("when", ["before bad", "after states"])
def test_every_row_counts_once_though_it_is_killed(when: str, tmp_path: Path) -> None:
    arrive(tmp_path)
    assert run(tmp_path, 1, when) == -9
    assert run(tmp_path) == 0
    first, second, third = told(tmp_path)
    assert first["batch"] == first["total"] == ["PASSED"] * 6
    assert second["total"] == ["PASSED", "PASSED", "FAILED", "PASSED", "PASSED", "PASSED"]
    assert third["batch"] == ["PASSED"] * 5 + ["FAILED"], "its amounts do not vary"
    assert third["total"] == ["PASSED", "FAILED", "FAILED", "PASSED", "PASSED", "PASSED"], "the id 2 came twice"
    assert [each["rows"] for each in (first, second, third)] == [2, 4, 7]
    assert sorted(ids(tmp_path, "good"), key=str) == sorted([1, 2, 3, 2, 5, None], key=str)
    assert ids(tmp_path, "bad") == [4]
    assert first["windows"] == {"00:00": 2}
    assert second["windows"] == {"00:00": 3, "01:00": 1}
    assert third["windows"] == {"00:00": 4, "02:00": 2}


def stream(folder: Path, text: str) -> Any:
    (folder / "landing").mkdir()
    (folder / "landing" / "a.csv").write_text(text)
    return session().readStream.schema("id int, at timestamp, amount double").csv(str(folder / "landing"), header=True)


def test_rows_of_windows_that_are_gone_are_counted_as_late(tmp_path: Path) -> None:
    source = stream(tmp_path, "id,at,amount\n1,2026-01-01T05:00:00Z,1\n")
    found: list[dq.stream.StreamBatch] = []

    def go() -> None:
        gate(
            source,
            "Rules = [ RowCount > 0 ]",
            good=lambda rows, number: None,
            checkpoint=str(tmp_path / "checkpoint"),
            windows=dq.stream.Windows("at", "1 hour", kept=1),
            told=found.append,
            availableNow=True,
        ).awaitTermination()

    go()
    (tmp_path / "landing" / "b.csv").write_text(
        "id,at,amount\n1,2026-01-01T03:00:00Z,1\n2,2026-01-01T06:00:00Z,1\n3,,1\n"
    )
    go()
    assert found[-1].late == 1
    assert [f"{start:%H}" for start in found[-1].windows] == ["06"]


def test_a_function_takes_the_rows_and_the_number_of_their_batch(tmp_path: Path) -> None:
    kept: dict[int, list[Any]] = {}

    def keep(rows: Any, number: int) -> None:
        kept[number] = [row["id"] for row in rows.collect()]

    gate(
        stream(tmp_path, "id,at,amount\n1,2026-01-01T05:00:00Z,1\n2,2026-01-01T05:00:00Z,99\n"),
        'Rules = [ ColumnValues "amount" < 10 ]',
        good=keep,
        checkpoint=str(tmp_path / "checkpoint"),
        availableNow=True,
    ).awaitTermination()
    assert kept == {0: [1]}


def test_a_checkpoint_of_another_ruleset_ends_the_query(tmp_path: Path) -> None:
    from pyspark.errors import StreamingQueryException

    source = stream(tmp_path, "id,at,amount\n1,2026-01-01T05:00:00Z,1\n")
    arguments: dict[str, Any] = {
        "good": lambda rows, number: None,
        "checkpoint": str(tmp_path / "c"),
        "availableNow": True,
    }
    gate(source, "Rules = [ RowCount > 0 ]", **arguments).awaitTermination()
    (tmp_path / "landing" / "b.csv").write_text("id,at,amount\n1,2026-01-01T05:00:00Z,1\n")
    with pytest.raises(StreamingQueryException, match="the states of another ruleset"):
        gate(source, "Rules = [ RowCount > 1 ]", **arguments).awaitTermination()
    (tmp_path / "c" / "dq" / "even.state").unlink()
    with pytest.raises(StreamingQueryException, match="does not hold the states of batch 0"):
        gate(source, "Rules = [ RowCount > 0 ]", **arguments).awaitTermination()


def test_a_ruleset_with_errors_starts_nothing(tmp_path: Path) -> None:
    source = stream(tmp_path, "id,at,amount\n")
    with pytest.raises(DqError):
        gate(source, "Rules = [ Nonsense ]", good=str(tmp_path / "good"), checkpoint=str(tmp_path / "c"))
