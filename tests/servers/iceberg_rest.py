"""An Iceberg REST catalog over loopback, as far as reading tables and committing to them goes, over a catalog here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchNamespaceError, NoSuchTableError
from pyiceberg.table import CommitTableRequest

TOKEN = "hush-rest-token"


@dataclass
class Rest:
    """The server: where it is, what it was asked, and how often it will say that it is busy before it answers.

    While it is `breaking`, it does what is posted and hangs up without an answer.
    """

    catalog: SqlCatalog
    uri: str = ""
    busy: int = 0
    breaking: bool = False
    asked: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def answer(self, path: str, query: dict[str, list[str]]) -> Any:
        parts = [tuple(unquote(part).split("\x1f")) for part in path.strip("/").split("/")]
        match parts:
            case [("v1",), ("config",)]:
                return {"defaults": {}, "overrides": {}}
            case [("v1",), ("namespaces",)]:
                parent = tuple(query["parent"][0].split("\x1f")) if "parent" in query else ()
                return {"namespaces": self.catalog.list_namespaces(parent)}
            case [("v1",), ("namespaces",), space]:
                return {"namespace": space, "properties": self.catalog.load_namespace_properties(space)}
            case [("v1",), ("namespaces",), space, ("tables",)]:
                found = self.catalog.list_tables(space)
                return {"identifiers": [{"namespace": each[:-1], "name": each[-1]} for each in found]}
            case [("v1",), ("namespaces",), space, ("tables",), (name,)]:
                table = self.catalog.load_table((*space, name))
                metadata = json.loads(table.metadata.model_dump_json())
                return {"metadata-location": table.metadata_location, "metadata": metadata, "config": {}}
        raise KeyError(path)

    def commit(self, path: str, request: CommitTableRequest) -> Any:
        table = self.catalog.load_table((*request.identifier.namespace.root, request.identifier.name))
        made = self.catalog.commit_table(table, request.requirements, request.updates)
        return json.loads(made.model_dump_json(by_alias=True))


@contextmanager
def serving(catalog: SqlCatalog) -> Iterator[Rest]:
    """A server on a free port; it answers to those who bring the token."""
    rest = Rest(catalog)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self.respond(parts.path, lambda: rest.answer(parts.path, parse_qs(parts.query)))

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            self.respond(self.path, lambda: rest.commit(self.path, CommitTableRequest.model_validate_json(sent)))

        def respond(self, path: str, answer: Callable[[], Any]) -> None:
            with rest.lock:
                rest.asked.append(path)
                status, body = self.judged(answer)
            if rest.breaking and self.command == "POST":
                return
            sent = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def judged(self, answer: Callable[[], Any]) -> tuple[int, Any]:
            if rest.busy:
                rest.busy -= 1
                return 503, error("SlowDownException", 503)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return 401, error("NotAuthorizedException", 401)
            try:
                return 200, answer()
            except CommitFailedException:
                return 409, error("CommitFailedException", 409)
            except NoSuchTableError:
                return 404, error("NoSuchTableException", 404)
            except (NoSuchNamespaceError, KeyError):
                return 404, error("NoSuchNamespaceException", 404)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class calls it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        rest.uri = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield rest
        finally:
            server.shutdown()
            thread.join(10)


def error(kind: str, code: int) -> Any:
    return {"error": {"message": f"{kind} of this server", "type": kind, "code": code}}
