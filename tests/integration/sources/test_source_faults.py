"""What fails while files are read: an ERROR in the source's own words, in bounded time, and no verdict from a part."""

from __future__ import annotations

import io
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers import s3

import dq
from dq.diagnostics import DataError, DqError
from dq.engines.duckdb import DuckDBEngine
from dq.files import stores
from dq.sources import remote

E = dq.Verdict.ERROR
RULES = 'Rules = [ Mean "c1" > 0.4, RowCount > 0, IsUnique "id" ]'


def parquet(rows: int = 20_000, seed: int = 1) -> bytes:
    numbers = np.random.default_rng(seed)
    out = io.BytesIO()
    table = pa.table({"id": np.arange(rows), "c1": numbers.random(rows), "c2": numbers.random(rows)})
    pq.write_table(table, out, row_group_size=2_000)
    return out.getvalue()


WHOLE = parquet()
TEXT = b"id,c1\n" + b"".join(b"%d,0.%d\n" % (at, at % 10) for at in range(5_000))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3.moto() as address:
        yield address


@pytest.fixture(scope="module")
def middle(server: str) -> Iterator[s3.Proxy]:
    with s3.proxy(server) as between:
        yield between


@pytest.fixture
def wire(middle: s3.Proxy, server: str, monkeypatch: pytest.MonkeyPatch) -> s3.Proxy:
    middle.reset()
    s3.put(server, "shop", {"orders/a.parquet": WHOLE, "orders/b.parquet": parquet(seed=2), "text/a.csv": TEXT})
    for name, value in s3.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", middle.address)
    monkeypatch.setattr(stores, "REQUEST_SECONDS", 1)
    monkeypatch.setattr(stores, "CONNECT_SECONDS", 1)
    monkeypatch.setattr(stores, "ATTEMPTS", 2)
    return middle


def opened(request: s3.Request) -> bool:
    return request.method == "HEAD"


def in_scan() -> Callable[[s3.Request], bool]:
    """Whether a request is for what lies before the footers, which a scan reads."""
    begun: set[str] = set()

    def meant(request: s3.Request) -> bool:
        if not request.ranged or request.method != "GET":
            return False
        again = request.path in begun
        begun.add(request.path)
        return again

    return meant


def everything(request: s3.Request) -> bool:
    return True


# -- the server fails --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (s3.Fault(503, "SlowDown"), "SLOW_DOWN|SERVICE_UNAVAILABLE|HTTP status 503"),
        (s3.Fault(403, "AccessDenied"), "ACCESS_DENIED"),
        (s3.Fault(400, "ExpiredToken"), "ExpiredToken|HTTP status 400"),
        (s3.Fault(delay=30), "Timeout was reached"),
    ],
)
@pytest.mark.parametrize("data", ["s3://shop/orders/a.parquet", "s3://shop/text/"])
def test_a_server_that_fails_before_the_scan_is_an_error(
    fault: s3.Fault, words: str, data: str, wire: s3.Proxy
) -> None:
    wire.fails(fault, everything)
    with pytest.raises(DataError, match=words) as raised:
        dq.evaluate(RULES, data)
    assert raised.value.exit_code == 3
    assert len(wire.requests) <= 6


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (s3.Fault(503, "SlowDown"), "try again later"),
        (s3.Fault(403, "AccessDenied"), "ACCESS_DENIED"),
        (s3.Fault(400, "ExpiredToken"), "credentials expired|credentials have expired"),
        (s3.Fault(404, "NoSuchKey"), "NO_SUCH_KEY|RESOURCE_NOT_FOUND|NoSuchKey"),
        (s3.Fault(delay=30), "Timeout was reached"),
        (s3.Fault(cut=1_000), "Transferred a partial file"),
    ],
)
def test_a_server_that_fails_in_the_middle_makes_errors_and_is_not_asked_again(
    fault: s3.Fault, words: str, wire: s3.Proxy
) -> None:
    wire.fails(fault, in_scan())
    evaluation = dq.evaluate(RULES, "s3://shop/orders/")
    assert {each.verdict for each in evaluation.outcomes if "RowCount" not in str(each.rule)} == {E}
    for outcome in evaluation.outcomes:
        if outcome.verdict is E:
            assert re.search(words, outcome.reason), outcome.reason
            assert "`s3://shop/orders/" in outcome.reason
    assert evaluation.exit_code == 3
    assert sum(each.ranged for each in wire.requests) < 30


@pytest.mark.parametrize("fault", [s3.Fault(503, "SlowDown"), s3.Fault(500, "InternalError"), s3.Fault(cut=100)])
@pytest.mark.parametrize("data", ["s3://shop/orders/a.parquet", "s3://shop/text/a.csv"])
def test_a_server_that_fails_once_is_asked_again(fault: s3.Fault, data: str, wire: s3.Proxy) -> None:
    wire.fails(fault, lambda request: request.method == "GET", times=1)
    assert dq.evaluate('Rules = [ Mean "c1" > 0.4, IsUnique "id" ]', data).passed


def test_an_endpoint_that_is_down_is_an_error(wire: s3.Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    for data in ("s3://shop/orders/", "s3://shop/orders/a.parquet"):
        with pytest.raises(DataError, match="Could not connect"):
            dq.evaluate(RULES, data)


def test_a_fetched_file_that_is_cut_is_an_error(wire: s3.Proxy) -> None:
    wire.fails(s3.Fault(cut=100), lambda request: request.method == "GET" and request.path.endswith(".csv"))
    with pytest.raises(DataError, match=r"`s3://shop/text/a.csv` cannot be read: .*partial file"):
        dq.evaluate(RULES, "s3://shop/text/a.csv")


# -- the data changes --------------------------------------------------------------------------------------


def while_scanning(monkeypatch: pytest.MonkeyPatch, change: Callable[[], Any], *, before: bool = False) -> None:
    """Do something before or after the first scan."""
    measure, done = DuckDBEngine.measure, []

    def measured(self: Any, scan: Any) -> Any:
        first = not done
        done.append(scan)
        if first and before:
            change()
        found = measure(self, scan)
        if first and not before:
            change()
        return found

    monkeypatch.setattr(DuckDBEngine, "measure", measured)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("one_by_one", [100, 0])
def test_an_object_that_changes_makes_errors(
    before: bool, one_by_one: int, server: str, wire: s3.Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "ASKED_ONE_BY_ONE", one_by_one)
    assert len(parquet(seed=3)) == len(WHOLE), "only its tag tells"
    other = {"orders/a.parquet": parquet(seed=3)}
    while_scanning(monkeypatch, lambda: s3.put(server, "shop", other), before=before)
    evaluation = dq.evaluate(RULES, "s3://shop/orders/")
    assert {each.verdict for each in evaluation.outcomes} == {E}
    assert {each.reason for each in evaluation.outcomes} == {
        "`s3://shop/orders/a.parquet` changed while it was read; evaluate it again"
    }


def test_an_object_that_vanishes_makes_errors(server: str, wire: s3.Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    while_scanning(monkeypatch, lambda: s3.remove(server, "shop", "orders/b.parquet"))
    evaluation = dq.evaluate(RULES, "s3://shop/orders/")
    assert {each.verdict for each in evaluation.outcomes} == {E}
    assert "`s3://shop/orders/b.parquet` vanished while it was read" in evaluation.outcomes[0].reason


def test_what_changes_between_listing_and_opening_is_an_error(server: str, wire: s3.Proxy) -> None:
    for path, body in (("orders/a.parquet", parquet(100)), ("text/a.csv", b"id,c1\n")):
        found = remote.find(f"s3://shop/{path.partition('/')[0]}/")
        s3.put(server, "shop", {path: body})
        with pytest.raises(DataError, match=f"`s3://shop/{path}` changed while it was read"):
            dq.evaluate(RULES, found)


def test_a_table_that_did_not_change_keeps_its_verdicts(
    server: str, wire: s3.Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    while_scanning(monkeypatch, lambda: s3.put(server, "shop", {"orders/a.parquet": parquet(100)}))
    data = {"primary": "s3://shop/orders/b.parquet", "other": "s3://shop/orders/a.parquet"}
    rules = 'Rules = [ Mean "c1" > 0.4, ReferentialIntegrity "id" "other.id" = 1.0 ]'
    evaluation = dq.evaluate(rules, data)
    assert [str(each.verdict) for each in evaluation.outcomes] == ["PASSED", "ERROR"]


@pytest.mark.parametrize("path", ["orders/a.parquet", "text/a.csv"])
def test_rows_of_data_that_has_changed_are_not_given(path: str, server: str, wire: s3.Proxy) -> None:
    evaluation = dq.evaluate(RULES, f"s3://shop/{path}")
    s3.put(server, "shop", {path: parquet(100) if path.endswith("parquet") else b"id,c1\n1,1\n"})
    with pytest.raises(DqError, match="changed while it was read"):
        evaluation.rows().read_all()


def write(path: Path, body: bytes) -> None:
    path.write_bytes(body)


LOCAL = {
    "appended": lambda path: write(path, path.read_bytes() + path.read_bytes()[-20:]),
    "rewritten": lambda path: write(path, path.read_bytes()),
    "replaced": lambda path: shutil.move(shutil.copy(path, f"{path}.new"), path),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("how", LOCAL)
@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.arrow", "a.arrows"])
def test_a_file_of_this_machine_that_changes_makes_errors(
    name: str, how: str, before: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    path.write_bytes(TEXT if name.endswith("csv") else WHOLE)
    if "arrow" in name:
        table = pq.read_table(io.BytesIO(WHOLE))
        new = pa.ipc.new_file if name.endswith("w") else pa.ipc.new_stream
        with pa.OSFile(str(path), "wb") as out, new(out, table.schema) as writer:
            writer.write_table(table)
    while_scanning(monkeypatch, lambda: LOCAL[how](path), before=before)
    evaluation = dq.evaluate(RULES, path)
    assert {each.verdict for each in evaluation.outcomes} == {E}, evaluation.to_text()
    assert evaluation.exit_code == 3


def test_rows_of_a_file_that_has_changed_are_not_given(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT)
    evaluation = dq.evaluate(RULES, path)
    path.write_bytes(TEXT.replace(b"0.3", b"0.4"))
    with pytest.raises(DqError, match="changed while it was read"):
        evaluation.rows().read_all()


# -- no room -----------------------------------------------------------------------------------------------


def test_a_disk_that_is_full_is_told_as_what_it_is(wire: s3.Proxy, tmp_path: Path) -> None:
    environment = {**os.environ, **s3.ENVIRONMENT, "AWS_ENDPOINT_URL_S3": wire.address, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [Path(sys.executable).parent / "dq", "evaluate", "--rule", "RowCount > 0", "s3://shop/text/a.csv"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )
    assert done.returncode == 3, done.stderr
    assert "there is no room for what must be fetched, in " in done.stderr
    assert not list(tmp_path.iterdir())
