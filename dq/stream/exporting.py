"""The last verdicts and metrics of a stream for Prometheus, in its text format (version 0.0.4)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from dq.diagnostics import DqError
from dq.outcomes import Evaluation
from dq.stream.watching import Batch

TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Exporter:
    """What is served, and where; `port` is None where nothing is."""

    def __init__(self) -> None:
        self.port: int | None = None
        self.text = ""
        self._unread = 0
        self._batches = 0
        self._evaluations: dict[str, Evaluation] = {}

    def tell(self, batch: Batch) -> None:
        """Serve a batch from now on."""
        self._unread += batch.error is not None
        if batch.evaluation is not None and batch.total is not None:
            self._evaluations = {"batch": batch.evaluation, "all": batch.total}
            self._batches = batch.number
        self.text = exposition(self._evaluations, self._batches, self._unread)


def exposition(evaluations: Mapping[str, Evaluation], batches: int, unread: int) -> str:
    """Scores, verdicts and metrics by what they are about: the last `batch`, or `all` batches."""
    told = [
        _family("dq_batches_total", "counter", "Batches that were judged.", [({}, batches)]),
        _family("dq_unread_batches_total", "counter", "Batches that could not be read.", [({}, unread)]),
        _family(
            "dq_score",
            "gauge",
            "Passed rules over judged rules.",
            [({"of": of}, each.score) for of, each in evaluations.items()],
        ),
        _family(
            "dq_rule_passed",
            "gauge",
            "1 if the rule passed, 0 if it failed, NaN if it could not be measured.",
            [
                ({"of": of, "rule": str(outcome.rule)}, _PASSED[outcome.verdict.value])
                for of, each in evaluations.items()
                for outcome in each.outcomes
            ],
        ),
        _family(
            "dq_metric",
            "gauge",
            "What was measured, by the names of AWS Glue.",
            [
                ({"of": of, "name": name}, math.nan if value is None else value)
                for of, each in evaluations.items()
                for name, value in {k: v for outcome in each.outcomes for k, v in outcome.metrics.items()}.items()
            ],
        ),
    ]
    return "".join(told)


_PASSED = {"PASSED": 1.0, "FAILED": 0.0, "ERROR": math.nan}


def _family(name: str, kind: str, about: str, samples: list[tuple[dict[str, str], Any]]) -> str:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
    for labels, value in {tuple(labels.items()): value for labels, value in samples}.items():
        told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        lines.append(f"{name}{{{told}}} {_number(value)}" if told else f"{name} {_number(value)}")
    return "\n".join(lines) + "\n" if samples else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return repr(value)


@contextmanager
def exporting(port: int | None) -> Iterator[Exporter]:
    """Serve what is told at `/metrics` of this machine alone, as long as the context is; without a port, nowhere.

    Raises:
        DqError: the port is taken.
    """
    exporter = Exporter()
    if port is None:
        yield exporter
        return

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.partition("?")[0] == "/metrics"
            body = exporter.text.encode() if found else b"see /metrics\n"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", TYPE if found else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise DqError(f"metrics cannot be served at port {port}: {error.strerror}", help="choose another") from error
    exporter.port = server.server_address[1]
    exporter.text = exposition({}, 0, 0)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield exporter
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
