"""S3 over the wire: moto's server, and a proxy before it that counts what passes, and can fail as servers do."""

from __future__ import annotations

import http.client
import io
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
from moto.server import ThreadedMotoServer

KEY, SECRET, TOKEN = "AKIATESTKEY", "topsecretvalue", "sessionsecret"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": TOKEN,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What clients of the servers of this module find in their environment; the address is not in it."""


@contextmanager
def moto() -> Iterator[str]:
    """The address of an S3 that lives as long as the block. All of one process hold the same buckets."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@cache
def _client(server: str) -> Any:
    keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
    return boto3.client("s3", endpoint_url=server, region_name="us-east-1", **keys)


def put(server: str, bucket: str, objects: Mapping[str, bytes]) -> None:
    """Store objects, in a bucket that is made if need be."""
    client = _client(server)
    client.create_bucket(Bucket=bucket)
    for key, body in objects.items():
        client.put_object(Bucket=bucket, Key=key, Body=body, ACL="public-read")


def remove(server: str, bucket: str, key: str) -> None:
    """Delete an object."""
    client = _client(server)
    client.delete_object(Bucket=bucket, Key=key)


@dataclass(frozen=True)
class Request:
    """What a client asked for. `ranged` says that it was a part of an object."""

    method: str
    path: str
    query: str
    ranged: bool
    signed: bool
    operation: str = ""
    """What a client of Glue or DynamoDB asks for."""

    @property
    def lists(self) -> bool:
        return "list-type" in self.query


@dataclass(frozen=True)
class Fault:
    """An answer that is not the server's: a status with an error code, a body cut after some bytes, a delay before it."""

    status: int = 0
    code: str = ""
    cut: int | None = None
    delay: float = 0.0


@dataclass
class Proxy:
    """A server in the middle. `fault` is asked for each request; `sent` counts the bytes of bodies by path."""

    address: str = ""
    fault: Callable[[Request], Fault | None] = lambda request: None
    requests: list[Request] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    connections: int = 0

    @property
    def bytes(self) -> int:
        return sum(self.sent.values())

    def fails(self, fault: Fault, when: Callable[[Request], bool], times: int = 1_000_000) -> None:
        """Answer the first requests that are meant with a fault."""
        left = [times]

        def chosen(request: Request) -> Fault | None:
            if not when(request) or not left[0]:
                return None
            left[0] -= 1
            return fault

        self.fault = chosen

    def reset(self) -> None:
        self.fault = lambda request: None
        self.requests.clear()
        self.sent.clear()
        self.connections = 0


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    """A proxy before a server, as long as the block lives."""
    state = Proxy()
    stopped = threading.Event()
    host = urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            state.connections += 1

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            request = Request(
                self.command,
                unquote(parts.path),
                parts.query,
                "Range" in self.headers,
                "Authorization" in self.headers or "X-Amz-Signature" in parts.query,
                self.headers.get("X-Amz-Target", "").rpartition(".")[2],
            )
            state.requests.append(request)
            fault = state.fault(request) or Fault()
            if fault.delay:
                stopped.wait(fault.delay)
            if fault.status:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if request.operation:
                    body = json.dumps({"__type": fault.code, "message": "as the test says"}).encode()
                else:
                    body = f"<Error><Code>{fault.code}</Code><Message>as the test says</Message></Error>".encode()
                self.answer(fault.status, {"Content-Type": "application/xml"}, body)
                return
            connection = http.client.HTTPConnection(host, timeout=30)
            try:
                length = int(self.headers.get("Content-Length", 0))
                connection.request(self.command, self.path, self.rfile.read(length), dict(self.headers))
                response = connection.getresponse()
                body = response.read()
                kept = response.getheaders()
                own = _HOP if self.command == "HEAD" else (*_HOP, "content-length")
                headers = {name: value for name, value in kept if name.lower() not in own}
                self.answer(response.status, headers, body, fault.cut)
            finally:
                connection.close()

        do_HEAD = do_POST = do_GET  # noqa: N815 -- what http.server asks for

        def answer(self, status: int, headers: Mapping[str, str], body: bytes, cut: int | None = None) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            path = unquote(urlsplit(self.path).path)
            given = body if cut is None else body[:cut]
            self.wfile.write(given)
            state.sent[path] = state.sent.get(path, 0) + len(given)
            if cut is not None and cut < len(body):
                self.close_connection = True

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients that go away are what is tested."""

    with _served(Server, Handler) as address:
        state.address = address
        try:
            yield state
        finally:
            stopped.set()


_HOP = ("connection", "transfer-encoding", "date", "server")


@contextmanager
def _served(kind: type[ThreadingHTTPServer], handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = kind(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def many_keys(count: int, page_seconds: float = 0.0) -> Iterator[tuple[str, list[int]]]:
    """The address of an S3 whose bucket `big` lists so many keys below `p/`, a thousand a page, and the pages given."""
    pages: list[int] = []
    line = (
        "<Contents><Key>p/{:07d}.parquet</Key><LastModified>2024-06-01T10:00:00.000Z</LastModified>"
        "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>{}</Size></Contents>"
    )

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            query = dict(each.partition("=")[::2] for each in urlsplit(self.path).query.split("&"))
            start = int(query.get("continuation-token", "0"))
            most = min(int(query.get("max-keys", "1000")), 1000)
            prefix = unquote(query.get("prefix", ""))
            wanted = (
                [at for at in range(start, min(start + most + 1, count)) if _begins(at, prefix)]
                if not prefix[2:]
                else [at for at in range(start, count) if _begins(at, prefix)]
            )
            given = wanted[:most]
            pages.append(len(given))
            time.sleep(page_seconds)
            more = len(wanted) > most
            token = f"<NextContinuationToken>{given[-1] + 1}</NextContinuationToken>" if more else ""
            out = io.StringIO()
            out.write('<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">')
            out.write(f"<Name>big</Name><IsTruncated>{str(more).lower()}</IsTruncated>{token}")
            out.writelines(line.format(at, at) for at in given)
            out.write("</ListBucketResult>")
            body = out.getvalue().encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """The client was interrupted."""

    with _served(Server, Handler) as address:
        yield address, pages


def _begins(at: int, prefix: str) -> bool:
    return f"p/{at:07d}.parquet".startswith(prefix)
