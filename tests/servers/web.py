"""A web server of files, which answers ranges or does not, and what was asked of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Web:
    """Files by their paths. `fails` is how many requests are answered by `status` first."""

    files: Mapping[str, bytes]
    ranges: bool = True
    fails: int = 0
    status: int = 503
    address: str = ""
    sent: int = 0
    asked: list[str] = field(default_factory=list)


@contextmanager
def web(files: Mapping[str, bytes], *, ranges: bool = True) -> Iterator[Web]:
    """The server, as long as the block lives."""
    state = Web(files, ranges)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            state.asked.append(f"{self.command} {path}")
            body = state.files.get(path)
            status, headers = 200, {"ETag": f'"{hash(body)}"'}
            if state.fails:
                state.fails -= 1
                body, status, headers = b"", state.status, {}
            elif body is None:
                body, status, headers = b"", 404, {}
            elif state.ranges and (asked := self.headers.get("Range")):
                start, _, end = asked.removeprefix("bytes=").partition("-")
                last = min(int(end or len(body)), len(body) - 1)
                headers["Content-Range"] = f"bytes {start}-{last}/{len(body)}"
                body, status = body[int(start) : last + 1], 206
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)
                state.sent += len(body)

        do_HEAD = do_GET  # noqa: N815 -- what http.server asks for

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
