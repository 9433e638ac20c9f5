"""Tables of web servers, of Google Cloud Storage and of what else fsspec knows."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers.web import web

import dq
from dq.diagnostics import DataError
from dq.engines.duckdb import DuckDBEngine
from dq.files import stores
from dq.sources.tables import Tables


def parquet(rows: int = 20_000) -> bytes:
    out = io.BytesIO()
    numbers = np.random.default_rng(1)
    table = pa.table({"id": np.arange(rows), **{f"c{at}": numbers.random(rows) for at in range(9)}})
    pq.write_table(table, out, row_group_size=2_000)
    return out.getvalue()


FILES = {
    "/d/a.parquet": parquet(),
    "/d/a.csv": b"id,x\n1,2\n",
    "/d/long.csv": b"id,x\n" + b"1,2\n" * 1_500_000,
    "/d/cut.parquet": parquet()[:-9],
}


def test_a_server_with_ranges_is_asked_for_parts() -> None:
    with web(FILES) as server:
        assert dq.evaluate('Rules = [ Mean "c1" > 0.4 ]', f"{server.address}/d/a.parquet?signature=s3cr3t").passed
        assert server.sent < 0.5 * len(FILES["/d/a.parquet"])


def test_of_a_server_without_ranges_a_file_is_fetched() -> None:
    with web(FILES, ranges=False) as server:
        evaluation = dq.evaluate('Rules = [ Mean "c1" > 0.4 ]', f"{server.address}/d/a.parquet?signature=s3cr3t")
    assert evaluation.passed
    assert evaluation.tables[0].description == f"{server.address}/d/a.parquet"
    assert evaluation.tables[0].notes == (f"fetched before it was read: 1 file, {len(FILES['/d/a.parquet']):,} bytes",)


@pytest.mark.parametrize("ranges", [True, False])
def test_text_of_a_server(ranges: bool) -> None:
    with web(FILES, ranges=ranges) as server:
        assert dq.evaluate("Rules = [ RowCount = 1500000 ]", f"{server.address}/d/long.csv").passed
        assert dq.evaluate('Rules = [ RowCount = 1, Sum "x" = 2 ]', f"{server.address}/d/a.csv").passed


@pytest.mark.parametrize(
    ("path", "words"),
    [("/d/none.csv", "there is nothing at"), ("/d/cut.parquet", "is a truncated Parquet file")],
)
def test_what_is_wrong_is_told_without_the_signature(path: str, words: str) -> None:
    with web(FILES) as server, pytest.raises(DataError) as raised:
        dq.evaluate("Rules = [ RowCount > 0 ]", f"{server.address}{path}?signature=s3cr3t")
    assert words in raised.value.message
    assert f"`{server.address}{path}`" in raised.value.message


def test_a_server_that_is_busy_is_asked_again_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "ATTEMPTS", 2)
    with web(FILES) as server:
        server.fails = 1
        assert dq.evaluate("Rules = [ RowCount = 1 ]", f"{server.address}/d/a.csv").passed
        server.fails = 1_000
        with pytest.raises(DataError, match="503"):
            dq.evaluate("Rules = [ RowCount = 1 ]", f"{server.address}/d/a.csv")
        assert server.fails > 980


def test_a_server_that_refuses_is_an_error() -> None:
    with web(FILES) as server:
        server.fails, server.status = 1_000, 403
        for name in ("a.csv", "a.parquet"):
            with pytest.raises(DataError, match=f"/d/{name}` cannot be read: .*403") as raised:
                dq.evaluate("Rules = [ RowCount = 1 ]", f"{server.address}/d/{name}?signature=s3cr3t")
            assert raised.value.exit_code == 3
            assert "s3cr3t" not in raised.value.message


def test_a_server_that_is_down_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "ATTEMPTS", 1)
    with pytest.raises(DataError, match=r"http://127\.0\.0\.1:1/a\.csv` cannot be read") as raised:
        dq.evaluate("Rules = [ RowCount = 1 ]", "http://127.0.0.1:1/a.csv")
    assert raised.value.exit_code == 3


def test_a_server_that_fails_between_the_plan_and_the_scan_makes_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "ATTEMPTS", 1)
    with web(FILES) as server:
        measure = DuckDBEngine.measure

        def failing(self: DuckDBEngine, scan: Any) -> Any:
            server.fails = 1_000
            return measure(self, scan)

        monkeypatch.setattr(DuckDBEngine, "measure", failing)
        result = dq.evaluate('Rules = [ Mean "c1" > 0.4, IsUnique "id" ]', f"{server.address}/d/a.parquet")
    assert {str(each.verdict) for each in result.outcomes} == {"ERROR"}
    assert all("503" in each.reason for each in result.outcomes)
    assert result.exit_code == 3


def test_a_file_that_changes_makes_errors() -> None:
    files = dict(FILES)
    with web(files) as server:
        url = f"{server.address}/d/a.parquet"
        with Tables(url) as tables:
            assert tables.changes() == {}
            files["/d/a.parquet"] = parquet(19_999)
            assert tables.changes() == {"primary": f"`{url}` changed while it was read"}
            del files["/d/a.parquet"]
            assert tables.changes() == {"primary": f"`{url}` vanished while it was read"}


# -- what else fsspec knows --------------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    for name, content in {
        "day/dt=2024-01-01/a.parquet": FILES["/d/a.parquet"],
        "day/dt=2024-01-02/a.parquet": FILES["/d/a.parquet"],
        "day/_SUCCESS": b"",
        "text/a.csv": b"id,x\n1,2\n",
    }.items():
        system.pipe_file(f"/files/{name}", content)
    yield "memory://files"
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.mark.parametrize(
    ("path", "rows"),
    [("day", 40_000), ("day/", 40_000), ("day/**/*.parquet", 40_000), ("day/dt=*-02/*", 20_000), ("text/a.csv", 1)],
)
def test_files_of_fsspec(memory: str, path: str, rows: int) -> None:
    evaluation = dq.evaluate(f"Rules = [ RowCount = {rows} ]", f"{memory}/{path}")
    assert evaluation.passed, evaluation.to_text()


def test_partitions_of_fsspec(memory: str) -> None:
    with Tables(f"{memory}/day") as tables:
        (column,) = tables.schemas["primary"].find("dt")
    assert column.native == "DATE"


@pytest.mark.parametrize("url", ["nosuch://x/y.csv", "sftp://host/x.csv"])
def test_a_scheme_without_a_driver_is_an_error(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)
    with pytest.raises(DataError, match=f"`{url}` cannot be read"):
        dq.evaluate("Rules = [ RowCount > 0 ]", url)


# -- Google Cloud Storage ----------------------------------------------------------------------------------

STORAGE = Path(__file__).parents[2] / "servers" / "storage.py"


@pytest.fixture(scope="module")
def google() -> Iterator[str]:
    """Its emulator is a process of its own: Arrow holds the interpreter while it waits for an answer."""
    served = {"day/a.parquet": FILES["/d/a.parquet"].hex(), "text/a.csv": FILES["/d/a.csv"].hex()}
    running = subprocess.Popen(
        [sys.executable, STORAGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        running.stdin.write(json.dumps(served) + "\n")
        running.stdin.flush()
        yield running.stdout.readline().strip()
    finally:
        running.kill()
        running.wait()
        running.stdin.close()
        running.stdout.close()


@pytest.mark.parametrize(
    ("path", "rules"),
    [
        ("day/a.parquet", 'RowCount = 20000, Mean "c1" > 0.4'),
        ("day/*.parquet", "RowCount = 20000"),
        ("text", "RowCount = 1"),
    ],
)
def test_tables_of_google(google: str, path: str, rules: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", google)
    evaluation: Any = dq.evaluate(f"Rules = [ {rules} ]", f"gs://landing/{path}")
    assert evaluation.passed, evaluation.to_text()
    assert evaluation.tables[0].description.startswith(f"gs://landing/{path}")
