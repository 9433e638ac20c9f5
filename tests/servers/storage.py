"""As much of Google Cloud Storage's JSON API as reading needs: one bucket, `landing`.

A program: it is told its objects in a line of JSON, names to hexadecimal digits, and answers with its address.
"""

from __future__ import annotations

import http.server
import json
import sys
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit


class Storage(http.server.BaseHTTPRequestHandler):
    objects: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        name = unquote(url.path.partition("/o/")[2])
        if name and name not in self.objects:
            self.answer(404, b"{}")
        elif query.get("alt") == "media":
            start, _, end = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            self.answer(206, self.objects[name][int(start) : int(end) + 1 if end else None])
        elif name:
            self.answer(200, json.dumps(self.described(name)).encode())
        else:
            names = [each for each in self.objects if each.startswith(query.get("prefix", ""))]
            self.answer(200, json.dumps({"items": [self.described(each) for each in names]}).encode())

    def described(self, name: str) -> dict[str, str]:
        size, made = str(len(self.objects[name])), "2024-06-01T10:00:00.000Z"
        return {"name": name, "bucket": "landing", "size": size, "timeCreated": made, "updated": made, "etag": "CJ=="}

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        pass


if __name__ == "__main__":
    Storage.objects.update({name: bytes.fromhex(digits) for name, digits in json.loads(sys.stdin.readline()).items()})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
