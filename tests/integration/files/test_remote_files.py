"""File rules over the wire: S3 from a server on this machine, and what fsspec knows."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

import boto3
import fsspec
import pytest
from moto.server import ThreadedMotoServer

import dq

SHA_A = hashlib.sha256(b"a").hexdigest()
P, F, E = dq.Verdict.PASSED, dq.Verdict.FAILED, dq.Verdict.ERROR


def judge(rule: str, *allowed: str) -> dq.Outcome:
    return dq.evaluate(f"Rules = [ {rule} ]", options=dq.Options(allow_paths=allowed)).outcomes[0]


# -- S3 --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 that lives as long as this module."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        moto.stop()


@pytest.fixture
def landing(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket with objects, and an environment as real clients find it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecretvalue")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    s3 = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    s3.create_bucket(Bucket="landing")
    objects = {
        "day/a.csv": b"a",
        "day/sub/b c.csv": b"bb",
        "day/sub/ü.csv": b"a",
        "day/folder/": b"",
        "day2/a.csv": b"a",
        "copy/1.csv": b"bb",
        "copy/2.csv": b"a",
        "zero/empty": b"",
    }
    for key, body in objects.items():
        s3.put_object(Bucket="landing", Key=key, Body=body)
    return "s3://landing"


@pytest.mark.parametrize(
    ("rule", "verdict", "files"),
    [
        ('FileSize "s3://landing/day/" > 0 B', P, 3),
        ('FileSize "s3://landing/day" > 1 B with threshold > 0.3', P, 3),
        ('FileSize "s3a://landing/day/a.csv" = 1 B', P, 1),
        ('FileSize "s3://landing" >= 0 B', P, 7),
        ('FileSize "s3://landing/*/a.csv" = 1 B', P, 2),
        ('FileSize "s3://landing/day/**/*c.csv" = 2 B', P, 1),
        ('FileSize "s3://landing/zero/" > 0 B', F, 1),
        ('FileSize "s3://landing/missing/" > 0 B', F, 0),
        ('FileSize "s3://nobucket-here/x" > 0 B', F, 0),
        ('FileFreshness "s3://landing/day/" > (now() - 1 hours)', P, 3),
        ('FileFreshness "s3://landing/day/" > (now() + 1 hours) with recentFiles = 1', F, 1),
        ('FileUniqueness "s3://landing/day/" > 0.3', P, 3),
        ('FileUniqueness "s3://landing/day/" = 1.0 with uriRegex = "^s3://landing/day/sub/"', P, 2),
        (f'FileMatch "s3://landing/day/a.csv" in ["{SHA_A}"]', P, 1),
        ('FileMatch "s3://landing/day/" "s3://landing/copy/"', P, 5),
        ('FileMatch "s3://landing/day/" "s3://landing/day2/"', F, 4),
    ],
)
def test_objects_of_s3(landing: str, rule: str, verdict: dq.Verdict, files: int) -> None:
    outcome = judge(rule, landing, "s3://nobucket-here")
    assert outcome.verdict is verdict, outcome.reason
    assert outcome.metrics["Dataset.*.FileCount"] == files


def test_compressed_objects_are_compared_as_they_are(landing: str, server: str) -> None:
    body = gzip.compress(b"a" * 1_000)
    s3 = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    s3.put_object(Bucket="landing", Key="packed/a.csv.gz", Body=body)
    assert judge(f'FileMatch "s3://landing/packed/" in ["{hashlib.sha256(body).hexdigest()}"]', landing).passed


def test_s3_against_this_machine(landing: str, tmp_path: Path) -> None:
    for name, content in {"x": "a", "y": "bb"}.items():
        (tmp_path / name).write_text(content)
    assert judge(f'FileMatch "s3://landing/day/" "{tmp_path}"', landing, str(tmp_path)).passed


@pytest.mark.parametrize("allowed", [[], ["s3://landing/day2"], ["/"], ["s3://other"]])
def test_a_bucket_is_not_asked_unless_it_is_allowed(
    landing: str, allowed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    outcome = judge('FileSize "s3://landing/day/" > 0 B', *allowed)
    assert outcome.verdict is E
    assert "it lies below no allowed path; if it may, allow it: --allow-path s3://landing" in outcome.reason


def test_a_server_that_is_away_is_an_error_without_credentials(landing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    evaluation = dq.evaluate(
        'Rules = [ FileSize "s3://landing/day/" > 0 B, FileUniqueness "s3://landing/day/" = 1.0 ]',
        options=dq.Options(allow_paths=[landing]),
    )
    assert [outcome.verdict for outcome in evaluation.outcomes] == [E, E]
    assert "`s3://landing/day` cannot be read: " in evaluation.outcomes[0].reason
    assert "AKIATESTKEY" not in evaluation.to_json()
    assert "topsecretvalue" not in evaluation.to_json()


def test_an_object_that_vanishes_is_an_error(landing: str, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from dq.files.remote import RemoteFiles

    opened = RemoteFiles.open

    def open_(self: Any, file: Any) -> Any:
        boto3.client("s3", endpoint_url=server, region_name="us-east-1").delete_object(
            Bucket="landing", Key="day2/a.csv"
        )
        return opened(self, file)

    monkeypatch.setattr(RemoteFiles, "open", open_)
    outcome = judge(f'FileMatch "s3://landing/day2/" in ["{SHA_A}"]', landing)
    assert (outcome.verdict, "`s3://landing/day2/a.csv` cannot be read" in outcome.reason) == (E, True)


# -- Google Cloud Storage --------------------------------------------------------------------------------


class Storage(http.server.BaseHTTPRequestHandler):
    """As much of the JSON API as reading needs: one bucket, `landing`."""

    objects: ClassVar[dict[str, bytes]] = {"day/a.csv": b"a", "day/sub/b c.csv": b"bb", "day2/a.csv": b"a"}

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        name = unquote(url.path.partition("/o/")[2])
        if name and name not in self.objects:
            self.answer(404, b"{}")
        elif query.get("alt") == "media":
            self.answer(200, self.objects[name])
        elif name:
            self.answer(200, json.dumps(self.described(name)).encode())
        else:
            names = [each for each in self.objects if each.startswith(query.get("prefix", ""))]
            self.answer(200, json.dumps({"items": [self.described(each) for each in names]}).encode())

    def described(self, name: str) -> dict[str, str]:
        size = str(len(self.objects[name]))
        return {"name": name, "bucket": "landing", "size": size, "timeCreated": "2024-06-01T10:00:00.000Z"}

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        pass


@contextmanager
def serving(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a web server that lives as long as the block."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with serving(Storage) as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        yield


@pytest.mark.parametrize(
    ("rule", "verdict", "files"),
    [
        ('FileSize "gs://landing/day/" > 0 B', P, 2),
        ('FileSize "gcs://landing/day/a.csv" = 1 B', P, 1),
        ('FileSize "gs://landing/none" = 1 B', F, 0),
        ('FileSize "gs://landing/day/**/b*" = 2 B', P, 1),
        ('FileFreshness "gs://landing/day" = "2024-06-01"', P, 2),
        ('FileMatch "gs://landing/day/a.csv" "gs://landing/day2/a.csv"', P, 2),
    ],
)
def test_objects_of_google(google: None, rule: str, verdict: dq.Verdict, files: int) -> None:
    outcome = judge(rule, "gs://landing")
    assert outcome.verdict is verdict, outcome.reason
    assert outcome.metrics["Dataset.*.FileCount"] == files


# -- fsspec ----------------------------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    for name, content in {"day/a.csv": b"a", "day/sub/b c.csv": b"bb", "other/a.csv": b"a"}.items():
        system.pipe_file(f"/files/{name}", content)
    yield "memory://files"
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.mark.parametrize(
    ("rule", "verdict", "files"),
    [
        ('FileSize "memory://files/day/" > 0 B', P, 2),
        ('FileSize "memory://files/day/a.csv" = 1 B', P, 1),
        ('FileSize "memory://files/**/a.csv" = 1 B', P, 2),
        ('FileSize "memory://files/none" = 1 B', F, 0),
        ('FileFreshness "memory://files/day" > (now() - 1 hours)', P, 2),
        ('FileFreshness "memory://files/day" > (now() + 1 hours) with recentFiles = 1', F, 1),
        (f'FileMatch "memory://files/day/a.csv" in ["{SHA_A}"]', P, 1),
        ('FileMatch "memory://files/day/a.csv" "memory://files/other/a.csv" with matchFileName = "true"', P, 2),
        ('FileUniqueness "memory://files/" = 1.0', F, 3),
    ],
)
def test_files_of_fsspec(memory: str, rule: str, verdict: dq.Verdict, files: int) -> None:
    outcome = judge(rule, memory)
    assert outcome.verdict is verdict, outcome.reason
    assert outcome.metrics["Dataset.*.FileCount"] == files


def test_a_listing_is_not_remembered_from_run_to_run(memory: str) -> None:
    assert judge('FileSize "memory://files/day/" > 0 B', memory).metrics["Dataset.*.FileCount"] == 2
    fsspec.filesystem("memory").pipe_file("/files/day/new.csv", b"n")
    assert judge('FileSize "memory://files/day/" > 0 B', memory).metrics["Dataset.*.FileCount"] == 3


def test_without_fsspec_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    outcome = judge('FileSize "memory://files/day/" > 0 B', "memory://files")
    assert outcome.verdict is E
    assert outcome.reason == '`memory://` needs fsspec, which is not installed; pip install "dq-rules[fsspec]"'


@pytest.mark.parametrize("url", ["nosuch://x/y", "sftp://host/x"])
def test_a_scheme_without_a_driver_is_an_error(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)
    outcome = judge(f'FileSize "{url}" > 0 B', url)
    assert outcome.verdict is E
    assert f"`{url}` cannot be read: " in outcome.reason


# -- the web ---------------------------------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "a.csv").write_text("a")
    with serving(functools.partial(Quiet, directory=str(tmp_path))) as address:
        yield address


def test_files_of_a_web_server(web: str) -> None:
    assert judge(f'FileSize "{web}/a.csv" = 1 B', web).passed
    assert judge(f'FileMatch "{web}/a.csv?signature=s3cr3t" in ["{SHA_A}"]', web).passed
    missing = judge(f'FileSize "{web}/b.csv?signature=s3cr3t" = 1 B', web)
    told = f"no files: there is nothing at `{web}/b.csv`; check the path and whether the files have arrived"
    assert (missing.verdict, missing.reason) == (F, told)
    differs = judge(f'FileMatch "{web}/a.csv?signature=s3cr3t" in ["00"]', web)
    assert differs.verdict is F
    assert "s3cr3t" not in differs.reason


def test_a_server_that_tells_no_time_is_an_error_of_freshness(web: str) -> None:
    for rule in (f'FileFreshness "{web}/a.csv" > now()', f'FileSize "{web}/a.csv" > 0 B with recentFiles = 1'):
        outcome = judge(rule, web)
        assert outcome.verdict is E
        assert "its server does not say when it was modified" in outcome.reason


# -- the examples of the language ------------------------------------------------------------------------

EXAMPLES = Path(__file__).parents[2] / "conformance" / "data" / "examples"


@pytest.mark.parametrize(
    ("name", "verdicts"),
    [
        ("rule_FileFreshness.dqdl", [P, P, P, F]),
        ("rule_FileMatch.dqdl", [F, F, P, F]),
        ("rule_FileSize.dqdl", [P, P, F]),
        ("rule_FileUniqueness.dqdl", [F, P]),
        ("conditions_size.dqdl", [F, F, P, P]),
        ("extensions/filterOrder_list.dqdl", [F]),
    ],
)
def test_the_examples_of_the_language(
    server: str, landing: str, tmp_path: Path, name: str, verdicts: list[dq.Verdict]
) -> None:
    s3 = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    s3.create_bucket(Bucket="bucket")
    for key in ("day/file.csv", "day/same.csv", "a/1.csv", "b/2.csv", "a.csv", "b.csv"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"id\n1\n")
    (tmp_path / "data.csv").write_text("id\n1\n")
    soon = datetime.now(UTC) + timedelta(minutes=2)  # now() has its seconds cut, and the objects are newer than that
    options = dq.Options(allow_paths=["s3://bucket"], now=soon)
    evaluation = dq.evaluate(EXAMPLES / name, tmp_path / "data.csv", options=options)
    assert [outcome.verdict for outcome in evaluation.outcomes] == verdicts, evaluation.to_text()
