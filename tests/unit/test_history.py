"""Stores of metrics: the newest first, whole runs or nothing, and files that are none are told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from remembered import NOW

import dq
from dq.history import HistoryError, JsonLinesHistory, MemoryHistory, MetricHistory, Run, Series

ROWS = Series("t", "default_context", "Dataset.*.RowCount")
SQL = Series("t", "default_context", "Dataset.*.CustomSQL", "a > 'é\n'", '"select 1"')


@pytest.fixture(params=["memory", "json lines"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MetricHistory:
    return MemoryHistory() if request.param == "memory" else JsonLinesHistory(tmp_path / "history.jsonl")


def days(*days: int) -> list[Run]:
    return [Run(f"run {day}", NOW + timedelta(days=day), {ROWS: float(day), SQL: -float(day)}) for day in days]


def test_the_newest_come_first_whatever_the_order_of_storing(store: MetricHistory) -> None:
    store.check()
    for run in days(1, 4, 2, 3):
        store.append(run)
    found = store.read({ROWS: 2, SQL: None}, NOW + timedelta(days=3))
    assert found.values(ROWS) == (3, 2)
    assert found.values(SQL) == (-3, -2, -1)
    newest = found.points[ROWS][0]
    assert (newest.run, newest.at) == ("run 3", NOW + timedelta(days=3))
    assert store.read({Series("t", "other", "Dataset.*.RowCount"): None}, NOW).points == {}


def test_of_one_instant_the_last_stored_is_the_newest(store: MetricHistory) -> None:
    for value in (1.0, 2.0):
        store.append(Run(str(value), NOW, {ROWS: value}))
    assert store.read({ROWS: 1}, NOW).values(ROWS) == (2,)


def test_a_run_without_values_leaves_nothing_behind(store: MetricHistory) -> None:
    store.append(Run("empty", NOW, {}))
    assert store.read({ROWS: None}, NOW).points == {}


# -- JSON lines ----------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    history = JsonLinesHistory(tmp_path / "history.jsonl")
    for run in days(-3, -2, -1):
        history.append(run)
    return history.path


def values(file: Path) -> tuple[float, ...]:
    return JsonLinesHistory(file).read({ROWS: None}, NOW).values(ROWS)


@pytest.mark.parametrize("cut", [1, 2, 15, 40, 200])
def test_a_torn_last_line_is_left_out_with_a_note_and_keeps_nothing_from_being_added(file: Path, cut: int) -> None:
    whole = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(whole[:2]) + whole[2][:cut])
    history = JsonLinesHistory(file)
    history.check()
    found = history.read({ROWS: None}, NOW)
    assert found.values(ROWS) == (-2, -3)
    assert found.notes == (f"history `{file}`: line 3 cut off by a crash, left out",)
    history.append(days(0)[0])
    assert values(file) == (0, -2, -3)
    assert "line 3 cut off" in history.read({ROWS: None}, NOW).notes[0]


def test_a_last_line_without_its_line_feed_is_whole(file: Path) -> None:
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    JsonLinesHistory(file).append(days(0)[0])
    assert values(file) == (0, -1, -2, -3)


ODD_BINS = '{"kind": "number", "edges": ["low", "high"], "counts": [1], "others": 0, "beyond": 0}'
LINE = '{"dq_history": 1, "run": "r", "at": "2026-01-01", "dataset": "t", "context": "default_context", "values": []}'


@pytest.mark.parametrize(
    "text",
    [
        "id,email\n1,a\n",
        "id,email",
        "{}\n",
        "[]\n",
        '{"id": 1}\n',
        '{"dq_history": 1}\n',
        LINE.replace("2026-01-01", "soon"),
        LINE.replace("[]", '[{"metric": "Dataset.*.RowCount", "value": "many"}]'),
        LINE.replace("[]", '[{"value": 1}]'),
        LINE.replace("[]", "1"),
        LINE.replace("[]", f'[{{"metric": "Dataset.*.RowCount", "value": 1{"0" * 400}}}]'),
        LINE.replace("[]", '[{"metric": "Dataset.*.RowCount", "value": NaN}]'),
        LINE.replace("[]", '[{"metric": "Dataset.*.RowCount", "value": true}]'),
        LINE.replace("[]", '[{"metric": "Dataset.*.RowCount", "distribution": ' + ODD_BINS + "}]"),
        LINE.replace("[]", '[{"metric": "Dataset.*.RowCount", "distribution": {"edges": [1]}}]'),
        "\x00\x01\n",
        "[" * 100_000,
    ],
)
def test_a_file_that_is_no_history_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(text)
    with pytest.raises(HistoryError, match="is no history: line 1"):
        JsonLinesHistory(file).read({ROWS: None}, NOW)
    assert file.read_text() == text


def test_binary_is_no_history(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"PAR1\xff\xfe\x80")
    with pytest.raises(HistoryError, match="is no history"):
        JsonLinesHistory(tmp_path / "x").check()


def test_another_version_is_told(file: Path) -> None:
    file.write_text(file.read_text().replace('"dq_history": 1', '"dq_history": 2'))
    with pytest.raises(HistoryError, match="line 1: version 2 is not known"):
        JsonLinesHistory(file).check()


@pytest.mark.parametrize("path", ["", "no such folder/history.jsonl"])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(tmp_path: Path, path: str) -> None:
    with pytest.raises(HistoryError, match="cannot be"):
        dq.evaluate("Rules = [ RowCount > 0 ]", pa.table({"a": [1]}), options=dq.Options(history=tmp_path / path))


def test_a_result_is_not_lost_when_it_cannot_be_remembered(tmp_path: Path) -> None:
    class Full(MemoryHistory):
        def append(self, run: Run, /) -> None:
            raise HistoryError("the disk is full")

    options = dq.Options(history=Full(), dataset="t")
    evaluation = dq.evaluate("Rules = [ RowCount > 0 ]", pa.table({"a": [1]}), options=options)
    assert evaluation.passed
    assert evaluation.notes == ("this run is not remembered: the disk is full",)


def test_excluded_runs_and_values_are_not_used(file: Path) -> None:
    runs = [json.loads(line) for line in file.read_text().splitlines()]
    runs[1]["excluded"] = True
    runs[2]["values"][0]["excluded"] = True
    file.write_text("".join(json.dumps(run) + "\n" for run in runs))
    assert values(file) == (-3,)
    runs[2]["values"][0]["excluded"] = False
    file.write_text("\n".join(json.dumps(run) + "\n" for run in runs))
    assert values(file) == (-1, -3)


def test_an_instant_without_a_zone_is_utc(file: Path) -> None:
    file.write_text(file.read_text().replace("+00:00", ""))
    assert values(file) == (-1, -2, -3)
    assert JsonLinesHistory(file).read({ROWS: None}, datetime.fromisoformat("2026-01-29T12:00Z")).values(ROWS) == (
        -2,
        -3,
    )
