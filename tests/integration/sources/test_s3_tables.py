"""Tables on S3, over the wire: what they mean, what is read of them, and who may."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from servers import s3

import dq
from dq.cli import run as cli
from dq.diagnostics import DataError
from dq.files.places import Glob, Place
from dq.files.stores import Store, system
from dq.sources import remote
from dq.sources.tables import Tables

DQ = Path(sys.executable).parent / "dq"
P, F, E = dq.Verdict.PASSED, dq.Verdict.FAILED, dq.Verdict.ERROR
TIMES = pa.table(
    {
        "at": pa.array([datetime(2024, 1, 1), None], pa.timestamp("ns")),
        "zoned": pa.array([datetime(2024, 1, 1), None], pa.timestamp("us", "Europe/Berlin")),
        "kind": pa.array(["a", "b"]).dictionary_encode(),
        "x": [1.0, float("nan")],
    }
)
ROWS = 40_000


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def wide() -> pa.Table:
    numbers = np.random.default_rng(1)
    return pa.table({"id": np.arange(ROWS), **{f"c{at}": numbers.random(ROWS) for at in range(9)}})


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same files on this machine."""
    folder = tmp_path_factory.mktemp("lake")
    types = """
        SELECT uuid() u, '{}'::JSON j, 'a'::ENUM('a', 'b') e, 1::UTINYINT small, 1.5::DECIMAL(30, 3) d, now() tz,
            TIME '10:00' t, [1] l, {'a': 1} s, 'x'::BLOB b, INTERVAL 1 DAY i, 'nan'::DOUBLE n"""
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({types}) TO '{folder}/types.parquet'")
    extra = pa.table({"x": ["text"], "new": [1]})
    files = {
        "int96.parquet": parquet(TIMES, use_deprecated_int96_timestamps=True),
        "nan.parquet": parquet(TIMES.select(["x"])),
        "wide.parquet": parquet(wide(), row_group_size=4_000),
        "days/dt=2024-01-01/a.parquet": parquet(TIMES),
        "days/dt=2024-01-02/a.parquet": parquet(TIMES),
        "days/dt=2024-01-02/b.parquet": parquet(extra),
        "days/_SUCCESS": b"",
        "days/dt=2024-01-01/.a.parquet.crc": b"crc",
        "text/zip=0%201/a.csv": b"id,when\n1,2024-01-01\n",
        "text/zip=02/b.csv.gz": gzip.compress(b"id,when,more\nx,2024-01-01,1\n"),
        "lines/a [1].jsonl": b'{"a": 1, "b": {"c": 2}}\n',
        "lines/b.jsonl": b'{"a": "x"}\n',
        "hive/000000_0": parquet(TIMES),
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    feather.write_feather(TIMES, folder / "t.arrow", compression="uncompressed")
    with pa.OSFile(str(folder / "stream.arrows"), "wb") as out, pa.ipc.new_stream(out, TIMES.schema) as writer:
        writer.write_table(TIMES)
    return folder


@pytest.fixture(scope="module")
def server(lake: Path) -> Iterator[str]:
    with s3.moto() as address:
        objects = {str(path.relative_to(lake)): path.read_bytes() for path in lake.rglob("*") if path.is_file()}
        s3.put(address, "lake", objects)
        yield address


@pytest.fixture(scope="module")
def middle(server: str) -> Iterator[s3.Proxy]:
    with s3.proxy(server) as between:
        yield between


@pytest.fixture
def wire(middle: s3.Proxy, monkeypatch: pytest.MonkeyPatch) -> s3.Proxy:
    """What passes between the client and the server, and an environment as real clients find it."""
    middle.reset()
    for name, value in s3.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", middle.address)
    return middle


def evaluated(rules: str, data: Any, **options: Any) -> dq.Evaluation:
    return dq.evaluate(f"Rules = [ {rules} ]", data, **options)


# -- the same meaning as on this machine -------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "types.parquet",
        "int96.parquet",
        "t.arrow",
        "stream.arrows",
        "days",
        "days/",
        "days/**/*.parquet",
        "days/dt=2024-01-02/*",
        "days/**",
        "text/**",
        "lines/*",
        "lines/a [[]1].jsonl",
        "hive",
    ],
)
def test_columns_types_rows_and_notes_are_those_of_files_of_this_machine(path: str, lake: Path, wire: s3.Proxy) -> None:
    def read(place: str) -> Any:
        with Tables(f"{place}/{path}") as tables:
            rows = tables.connection.execute('SELECT columns(*)::VARCHAR FROM "primary" ORDER BY ALL').fetchall()
            known = tables.read("primary")
            notes = [each.replace(place, "") for each in known.notes if not each.startswith("fetched")]
            return [(each.name, each.native) for each in tables.schemas["primary"]], rows, known.rows, notes

    assert read("s3://lake") == read(str(lake))


@pytest.mark.parametrize("path", ["s3://lake/nan.parquet", "s3a://lake/nan.parquet", "s3n://lake/nan.parquet"])
def test_nan_is_above_every_number(path: str, wire: s3.Proxy) -> None:
    rules = 'RowCount = 1 where "x > 100", RowCount = 1 where "x < 100", ColumnValues "x" != 7'
    assert evaluated(rules, path).passed


def test_a_list_of_addresses_is_one_table(wire: s3.Proxy) -> None:
    paths = ["s3://lake/days/dt=2024-01-01/a.parquet", "s3://lake/days/dt=2024-01-02/a.parquet"]
    evaluation = evaluated("RowCount = 4", paths)
    assert evaluation.passed
    assert evaluation.tables[0].description == "2 paths (2 files)"


def test_tables_of_two_places_are_compared(lake: Path, wire: s3.Proxy) -> None:
    data = {"primary": "s3://lake/wide.parquet", "here": str(lake / "wide.parquet")}
    assert evaluated('ReferentialIntegrity "id" "here.id" = 1.0, RowCountMatch "here" = 1.0', data).passed


def test_several_tables_are_fetched_and_served_side_by_side(wire: s3.Proxy) -> None:
    data = {name: f"s3://lake/{path}" for name, path in (("primary", "text/"), ("b", "lines/"), ("c", "nan.parquet"))}
    data["d"] = "s3://lake/wide.parquet"
    rules = 'RowCount = 2, CustomSql "select count(a) from b" = 2, CustomSql "select count(x) from c" = 2'
    evaluation = evaluated(f'{rules}, CustomSql "select count(c1) from d" = {ROWS}', data)
    assert evaluation.passed, evaluation.to_text()
    assert evaluation.rows().read_all().num_rows == 2


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("s3://lake/none.parquet", "there is nothing at `s3://lake/none.parquet`"),
        ("s3://lake/days/*.csv", "no file matches `s3://lake/days/*.csv`"),
        ("s3://lake/*/*", "one table cannot mix formats"),
        ("s3://nobucket-here/x.parquet", "there is nothing at `s3://nobucket-here/x.parquet`"),
        ("s3://", "names no bucket"),
        ("s3://lake/../other/x.parquet", "climbs with `..`"),
        ("s3://user:secret@lake/x.parquet", "holds a user name or a password"),
        (["s3://lake/t.arrow", "/tmp/x.arrow"], "cannot mix files of this machine and of others"),
        (["s3://lake/t.arrow", "gs://lake/t.arrow"], "cannot mix files of several kinds of places"),
    ],
)
def test_what_is_not_there_is_an_error(path: Any, words: str, wire: s3.Proxy) -> None:
    with pytest.raises(DataError) as raised:
        evaluated("RowCount > 0", path)
    assert words in raised.value.message
    assert "secret" not in str(raised.value)


def test_what_is_not_what_its_name_says_is_told_by_its_address(server: str, wire: s3.Proxy) -> None:
    whole = parquet(TIMES)
    s3.put(server, "broken", {"cut.parquet": whole[:-20], "text.parquet": b"id\n1\n", "zero.csv": b"", "a.csv": whole})
    for name, words in {
        "cut.parquet": "is a truncated Parquet file",
        "text.parquet": "is not a Parquet file: its first bytes are text",
        "zero.csv": "is empty (0 bytes)",
        "a.csv": "is not a CSV file: by its first bytes it is a Parquet file",
    }.items():
        with pytest.raises(DataError) as raised:
            evaluated("RowCount > 0", f"s3://broken/{name}")
        assert f"`s3://broken/{name}` {words}" in raised.value.message


def test_a_broken_line_is_told_by_its_address(server: str, wire: s3.Proxy) -> None:
    s3.put(server, "lines", {"day/a.csv": b"id,x\n1,2\n" * 1 + b"1,2\n" * 30_000 + b"1\n"})
    (outcome,) = evaluated('IsComplete "x"', "s3://lines/day/").outcomes
    assert outcome.verdict is E
    assert outcome.reason.startswith("`s3://lines/day/a.csv`: line 30,003 has 1 field")


# -- what is read ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "share"),
    [
        (f"RowCount = {ROWS}", 0.05),
        ('Mean "c1" > 0.4', 0.15),
        ('CustomSql "select count(c3) from primary where id < 4000" = 4000', 0.08),
    ],
)
def test_only_what_a_rule_needs_is_read(rules: str, share: float, lake: Path, wire: s3.Proxy) -> None:
    assert evaluated(rules, "s3://lake/wide.parquet").passed
    size = (lake / "wide.parquet").stat().st_size
    assert wire.sent["/lake/wide.parquet"] < share * size


def test_everything_is_read_once_for_all_columns(lake: Path, wire: s3.Proxy) -> None:
    assert evaluated(", ".join(f'Mean "c{at}" > 0.4' for at in range(9)), "s3://lake/wide.parquet").passed
    size = (lake / "wide.parquet").stat().st_size
    assert 0.5 * size < wire.sent["/lake/wide.parquet"] < 1.2 * size


def test_arrow_files_stay_where_they_are_too(lake: Path, server: str, wire: s3.Proxy, tmp_path: Path) -> None:
    feather.write_feather(wide(), tmp_path / "wide.arrow", compression="uncompressed")
    s3.put(server, "arrows", {"wide.arrow": (tmp_path / "wide.arrow").read_bytes()})
    evaluation = evaluated('Mean "c1" > 0.4', "s3://arrows/wide.arrow")
    assert evaluation.passed
    assert not evaluation.tables[0].notes
    assert wire.sent["/arrows/wide.arrow"] < 0.3 * (tmp_path / "wide.arrow").stat().st_size


def test_text_is_fetched_once_and_a_note_says_so(wire: s3.Proxy) -> None:
    steps: list[str] = []
    options = dq.Options(progress=lambda step, done, total: steps.append(step))
    evaluation = evaluated('RowCount = 2, IsComplete "when", IsUnique "id"', "s3://lake/text/", options=options)
    assert evaluation.passed
    assert evaluation.tables[0].notes[0].startswith("fetched before it was read: 2 files, ")
    bodies = Counter(each.path for each in wire.requests if each.method == "GET" and not each.lists)
    assert set(bodies.values()) == {1}
    assert {"listing files", remote.FETCHING} <= set(steps)


def test_rows_come_again_as_they_were_judged(wire: s3.Proxy) -> None:
    for path, rows in (("s3://lake/text/", 2), ("s3://lake/nan.parquet", 2)):
        table = evaluated("RowCount > 0, ColumnCount > 0", path).rows().read_all()
        assert table.num_rows == rows
        assert set(table["DataQualityEvaluationResult"].to_pylist()) == {"Passed"}


def test_many_small_files_need_few_requests_and_connections(server: str, wire: s3.Proxy) -> None:
    small = parquet(TIMES.select(["x"]))
    s3.put(server, "small", {f"day/{at:04d}.parquet": small for at in range(150)})
    wire.reset()
    assert evaluated("RowCount = 300", "s3://small/day/").passed
    made = Counter((each.method, each.lists) for each in wire.requests)
    assert made["GET", False] == 150
    assert made["HEAD", False] <= 152
    assert wire.connections <= 20


# -- long listings -----------------------------------------------------------------------------------------


def test_a_long_listing_comes_in_pages_and_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    told: list[int] = []
    with s3.many_keys(4_000) as (address, pages):
        files = system("s3", Store(endpoint=address))
        found = files.below(Place("s3://big/p", "s3"), Glob(("*77.parquet",)), told.append)
        first = next(found)
        assert (first.name, len(pages)) == ("0000077.parquet", 1), (
            "the first is there before the second page is asked for"
        )
        assert len(list(found)) == 39
        assert told == [1_000, 2_000, 3_000, 4_000]
        pages.clear()
        assert len(list(files.below(Place("s3://big/p", "s3"), Glob(("00001*.parquet",)), told.append))) == 100
        assert pages == [100], "what stands before the first wildcard is left to the server"


def test_ctrl_c_ends_a_listing_of_a_million(tmp_path: Path) -> None:
    import signal

    with s3.many_keys(1_000_000, page_seconds=0.05) as (address, pages):
        environment = {**os.environ, **s3.ENVIRONMENT, "AWS_ENDPOINT_URL_S3": address, "TMPDIR": str(tmp_path)}
        command = [DQ, "evaluate", "--rule", "RowCount > 0", "s3://big/p/**/*.parquet"]
        running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            for _ in range(600):
                if len(pages) > 3:
                    break
                time.sleep(0.05)
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=20)
        finally:
            running.kill()
            running.wait()
    assert running.returncode == 130
    assert b"Traceback" not in told
    assert 3 < len(pages) < 900
    assert not list(tmp_path.iterdir())


def test_without_boto3_the_listing_is_arrows(wire: s3.Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert evaluated("RowCount = 5", "s3://lake/days/").passed
    with pytest.raises(DataError, match="AWS profiles need boto3"):
        remote.find("s3://lake/days/", store=Store(profile="work"))


# -- who may read ------------------------------------------------------------------------------------------


def test_a_store_says_what_the_environment_does_not(middle: s3.Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*s3.ENVIRONMENT, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    middle.reset()
    store = Store(middle.address, "eu-central-1", access_key=s3.KEY, secret_key=s3.SECRET, session_token=s3.TOKEN)
    assert evaluated("RowCount = 5", remote.find("s3://lake/days/", store=store)).passed
    assert all(each.signed for each in middle.requests)
    for secret in (s3.KEY, s3.SECRET, s3.TOKEN):
        assert secret not in repr(store)


@pytest.mark.parametrize("how", ["store", "environment"])
def test_a_public_bucket_is_read_without_credentials(how: str, wire: s3.Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "environment":
        monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "true")
    found = remote.find("s3://lake/days/", store=Store(anonymous=how == "store"))
    assert evaluated("RowCount = 5", found).passed
    assert not any(each.signed for each in wire.requests)


def test_a_profile_brings_its_credentials(middle: s3.Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in s3.ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / "credentials").write_text(
        f"[work]\naws_access_key_id = {s3.KEY}\naws_secret_access_key = {s3.SECRET}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    middle.reset()
    found = remote.find("s3://lake/nan.parquet", store=Store(middle.address, profile="work"))
    assert evaluated("RowCount = 2", found).passed
    assert all(each.signed for each in middle.requests)


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from read_parquet('s3://lake/wide.parquet')",
        "select count(*) from read_parquet('served://0/1/lake/wide.parquet')",
        "select count(*) from read_parquet('served://0/0/*')",
        "select count(*) from read_csv('http://127.0.0.1:1/x.csv')",
    ],
)
def test_sql_of_a_ruleset_reaches_nothing_more(sql: str, wire: s3.Proxy) -> None:
    (outcome,) = evaluated(f'CustomSql "{sql}" > 0', "s3://lake/nan.parquet").outcomes
    assert outcome.verdict is E
    assert not any("wide" in each.path for each in wire.requests)


def test_a_served_file_is_never_written(wire: s3.Proxy) -> None:
    with Tables("s3://lake/nan.parquet") as tables:
        (file,) = tables._files["primary"]
        with pytest.raises(duckdb.Error, match="not written to"):
            tables.connection.execute(f"COPY (SELECT 1) TO '{file.path}' (USE_TMP_FILE false)")


# -- rules about the files of the primary ------------------------------------------------------------------


def test_a_rule_without_a_path_means_the_files_of_the_primary(wire: s3.Proxy) -> None:
    rules = "FileSize > 0 B, FileUniqueness > 0.3, FileFreshness > (now() - 1 days)"
    evaluation = evaluated(rules, "s3://lake/days/")
    assert evaluation.passed, evaluation.to_text()
    assert [each.metrics["Dataset.*.FileCount"] for each in evaluation.outcomes] == [3, 3, 3]
    (compressed,) = evaluated("FileUniqueness = 1.0", "s3://lake/text/zip=02/b.csv.gz").outcomes
    assert compressed.passed


def test_the_place_of_the_data_allows_no_other_place(wire: s3.Proxy) -> None:
    (outcome,) = evaluated('FileSize "s3://lake/days/" > 0 B', "s3://lake/days/").outcomes
    assert outcome.verdict is E
    assert "it lies below no allowed path" in outcome.reason


# -- on the command line -----------------------------------------------------------------------------------


def test_the_command_line_names_the_address(wire: s3.Proxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli(arguments)
        return code, *capsys.readouterr()

    rules = str(tmp_path / "r.dqdl")
    Path(rules).write_text('Rules = [ RowCount = 5, IsComplete "dt" ]')
    code, out, _ = run("evaluate", rules, "s3a://lake/days/**/*.parquet", "--format", "json")
    assert code == 0
    assert json.loads(out)["tables"][0]["description"] == "s3://lake/days/**/*.parquet (3 files)"
    code, out, _ = run("explain", rules, "s3://lake/days/")
    assert (code, "scan 1  row scan" in out) == (0, True)
    code, _, err = run("evaluate", rules, "s3://lake/none/")
    assert (code, "there is nothing at `s3://lake/none`" in err) == (3, True)
    code, _, err = run("evaluate", "s3://lake/days/")
    assert (code, "and `s3://lake/days/` is data" in err) == (2, True)
    code, _, err = run("evaluate", "https://lake.example/r.dqdl?signature=s3cr3t", "s3://lake/days/")
    assert (code, "cannot be a ruleset" in err, "s3cr3t" in err) == (2, True, False)


def test_no_credential_is_shown_anywhere(
    wire: s3.Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    client = boto3.client("s3", endpoint_url=wire.address, region_name="us-east-1")
    signed = client.generate_presigned_url("get_object", Params={"Bucket": "lake", "Key": "nan.parquet"})
    (tmp_path / "r.dqdl").write_text('Rules = [ RowCount = 2, IsComplete "y", CustomSql "select error(\'x\')" = 1 ]')
    reports = ["-o", "r.html", "-o", "r.json", "-o", "r.txt", "--history", "h.jsonl"]
    for data, fault in (
        (signed, None),
        ("s3://lake/nan.parquet", None),
        (signed, s3.Fault(403, "AccessDenied")),
        (signed.replace("nan.parquet", "none.parquet"), None),
        ("s3://lake/nan.parquet", s3.Fault(403, f"AccessDenied secret_key={s3.SECRET}")),
        ("s3://lake/days/", s3.Fault(400, "ExpiredToken")),
    ):
        wire.fault = lambda request, fault=fault: fault
        assert cli(["--debug", "evaluate", "r.dqdl", data, *reports]) == 3
        assert cli(["evaluate", "r.dqdl", data]) == 3
    wire.fault = lambda request: None
    assert cli(["explain", "--rule", 'IsComplete "x"', signed, "--sql"]) == 0
    assert cli(["evaluate", signed]) == 2
    out, err = capsys.readouterr()
    said = out + err + "".join((tmp_path / name).read_text() for name in ("r.html", "r.json", "r.txt", "h.jsonl"))
    assert f"{wire.address}/lake/nan.parquet" in said
    for secret in (s3.KEY, s3.SECRET, s3.TOKEN, "Signature=", "X-Amz"):
        assert secret not in said, said[max(0, said.index(secret) - 300) : said.index(secret) + 100]


def test_the_day_of_a_partition_is_a_date(wire: s3.Proxy) -> None:
    now = datetime(2024, 1, 3, tzinfo=UTC)
    options = dq.Options(now=now)
    assert evaluated('ColumnValues "dt" > (now() - 3 days)', "s3://lake/days/", options=options).passed
