"""Suites of Great Expectations as plain data, read from their JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dq.diagnostics import DqError

if TYPE_CHECKING:
    from dq.outcomes import Evaluation

SEVERITIES = ("critical", "warning", "info")
"""What GX knows as the severity of a failure; the first is its default."""


WANTED = "give a suite as ExpectationSuite.to_json_dict() writes it"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation: its type, such as `expect_column_to_exist`, its kwargs, and what stands beside them.

    `severity` is empty where none is written, which means critical to GX. `notes` are lines of text.
    """

    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    severity: str = ""
    notes: tuple[str, ...] = ()
    id: str = ""

    def __str__(self) -> str:
        """As a call: `expect_column_to_exist(column="id")`."""
        words = (f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in self.kwargs.items())
        return f"{self.type}({', '.join(words)})"

    def to_dict(self) -> dict[str, Any]:
        """The configuration as GX writes it."""
        return {
            "type": self.type,
            "kwargs": dict(self.kwargs),
            "meta": dict(self.meta),
            "severity": self.severity or SEVERITIES[0],
            **({"notes": list(self.notes)} if self.notes else {}),
            **({"id": self.id} if self.id else {}),
        }


@dataclass(frozen=True, slots=True)
class Suite:
    """An expectation suite; `id` is empty outside of GX Cloud."""

    name: str
    expectations: tuple[Expectation, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    id: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The suite as `ExpectationSuite.to_json_dict()` gives it."""
        return {
            "name": self.name,
            "id": self.id or None,
            "expectations": [each.to_dict() for each in self.expectations],
            "meta": dict(self.meta),
            "notes": list(self.notes) or None,
        }


def read_suite(suite: Suite | Mapping[str, Any] | str | os.PathLike[str], *, name: str = "") -> Suite:
    """A suite from a file, from JSON text, from what `to_json_dict()` gives, or as it is.

    The form before GX 1.0 is read too: `expectation_type` for `type`, `expectation_suite_name` for `name`. A text
    that begins with a brace is JSON, any other a path. `name` is what messages call it.

    Raises:
        DqError: a file that cannot be read, and JSON that is no suite.
    """
    if isinstance(suite, Suite):
        return suite
    if isinstance(suite, Mapping):
        return _suite(suite, name or "the suite")
    if isinstance(suite, str) and suite.lstrip().startswith(("{", "[")):
        text, told = suite, name or "the suite"
    else:
        text, told = _read(Path(suite)), name or os.fspath(suite)
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DqError(
            f"`{told}` is not JSON: {error}", help="give a suite as ExpectationSuite.to_json_dict() writes it"
        ) from None
    except RecursionError:
        raise DqError(f"`{told}` is nested too deeply") from None
    return _suite(found, told)


def evaluator(ruleset: object) -> Callable[..., Evaluation]:
    """What judges a ruleset, or a suite."""
    if isinstance(ruleset, Suite):
        from dq.gx.evaluating import evaluate as evaluate_suite

        return evaluate_suite
    from dq.evaluation import evaluate

    return evaluate


def is_suite_file(path: str) -> bool:
    """Whether a path names a JSON file that is a suite by its looks."""
    if not path.lower().endswith(".json"):
        return False
    try:
        with Path(path).open("rb") as file:
            if b'"expectations"' not in file.read(4096):
                return False
        found = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("expectations"), list)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise DqError(f"suite `{path}` does not exist", help="give the JSON file of an expectation suite") from None
    except OSError as error:
        raise DqError(f"suite `{path}` cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DqError(f"suite `{path}` is not UTF-8: byte {error.start} does not fit") from error


def _suite(found: Any, told: str) -> Suite:
    if not isinstance(found, Mapping) or not isinstance(found.get("expectations"), list):
        raise DqError(
            f"`{told}` is no expectation suite: it has no list `expectations`",
            help=WANTED,
        )
    if not found["expectations"]:
        raise DqError(f"`{told}` has no expectations", help="an empty suite asks for nothing")
    return Suite(
        str(found.get("name") or found.get("expectation_suite_name") or ""),
        tuple(_expectation(each, number, told) for number, each in enumerate(found["expectations"], 1)),
        _mapping(found.get("meta")),
        _lines(found.get("notes")),
        _text(found.get("id") or found.get("ge_cloud_id")),
    )


def _expectation(found: Any, number: int, told: str) -> Expectation:
    kind = (found.get("type") or found.get("expectation_type")) if isinstance(found, Mapping) else None
    if not isinstance(kind, str):
        raise DqError(
            f"expectation {number} of `{told}` has no `type`", help='write {"type": "expect_…", "kwargs": {…}}'
        )
    kwargs = found.get("kwargs", {})
    if not isinstance(kwargs, Mapping):
        raise DqError(f"the `kwargs` of expectation {number} of `{told}` are no object")
    meta = dict(_mapping(found.get("meta")))
    notes = _lines(found.get("notes")) or _lines(_content(meta.pop("notes", None)))
    described = _lines(found.get("description"))
    severity = _text(found.get("severity"))
    if severity and severity not in SEVERITIES:
        raise DqError(
            f"the severity of expectation {number} of `{told}` is `{severity}`",
            help=f"GX knows {', '.join(SEVERITIES)}",
        )
    return Expectation(kind, dict(kwargs), meta, severity, (*described, *notes), _text(found.get("id")))


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _content(notes: Any) -> Any:
    """Notes in `meta`, as before GX 1.0: a text, a list, or an object with a `content`."""
    return notes.get("content") if isinstance(notes, Mapping) else notes


def _lines(found: Any) -> tuple[str, ...]:
    texts = found if isinstance(found, list) else [found]
    return tuple(line for text in texts if isinstance(text, str) for line in text.splitlines() if line.strip())


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""
