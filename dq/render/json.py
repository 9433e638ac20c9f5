"""An evaluation as JSON, in the shape of `reports/evaluation.schema.json`.

Strict JSON for any parser: numbers that are not finite are the texts "NaN", "Infinity" and "-Infinity",
decimals are texts that lose no digit, bytes are hexadecimal, dates and times ISO 8601. The parts of composites
are a flat list with a `depth`, so that no nesting of rules can exceed what a parser takes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from dq.outcomes import Distribution, Evaluation, FailingRows, Outcome, Remembered, Statistic, TableRead, Verdict
from dq.render import facts, resource

VERSION = "1.2"
"""The version of the shape: the first number changes when a reader must."""

SCHEMA_ID = f"urn:dq:schema:evaluation:{VERSION}"


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a report."""
    loaded: dict[str, Any] = json.loads(resource("evaluation.schema.json"))
    return loaded


def report(evaluation: Evaluation) -> dict[str, Any]:
    """The report as data that `json.dumps(..., allow_nan=False)` takes."""
    source = evaluation.ruleset.source
    return {
        "$schema": SCHEMA_ID,
        "version": VERSION,
        "ruleset": {
            "name": _text(facts.name(evaluation)),
            "dialect": evaluation.ruleset.dialect,
            "text": _text(source.text),
        },
        "started": evaluation.started.isoformat(),
        "seconds": _number(evaluation.seconds),
        "engine": _text(evaluation.engine),
        "scans": evaluation.scans,
        "passed": evaluation.passed,
        "score": evaluation.score,
        "counts": {"rules": len(evaluation.outcomes)}
        | {verdict.value.lower(): evaluation.count(verdict) for verdict in Verdict},
        "notes": [_text(note) for note in evaluation.notes],
        "tables": [_table(table) for table in evaluation.tables],
        "outcomes": [_rule(evaluation, outcome) for outcome in evaluation.outcomes],
        "statistics": [_statistic(statistic) for statistic in evaluation.statistics],
    }


def render(evaluation: Evaluation, *, indent: int | None = 2) -> str:
    """The report as JSON text in UTF-8; `indent=None` puts it on one line."""
    return json.dumps(report(evaluation), indent=indent, allow_nan=False, ensure_ascii=False)


def _table(table: TableRead) -> dict[str, Any]:
    return {
        "alias": _text(table.alias),
        "description": _text(table.description),
        "rows": table.rows,
        "columns": table.columns,
        "notes": [_text(note) for note in table.notes],
        **({"fetched": _text(table.fetched)} if table.fetched else {}),
    }


def _rule(evaluation: Evaluation, outcome: Outcome) -> dict[str, Any]:
    found = facts.place(evaluation.ruleset.source, outcome.rule.span)
    return {
        "rule": _text(str(outcome.rule)),
        "evaluated": None if outcome.evaluated is None else _text(str(outcome.evaluated)),
        **_judged(outcome),
        "line": facts.line(evaluation, outcome) or None,
        "span": found
        and {
            "start": {"line": found.line, "column": found.column},
            "end": {"line": found.end_line, "column": found.end_column},
        },
        "parts": [_part(part) for part in facts.parts(outcome)],
    }


def _part(part: facts.Part) -> dict[str, Any]:
    text = facts.part_text(part.outcome)
    return {"depth": part.depth, "rule": None if text is None else _text(text), **_judged(part.outcome)}


def _judged(outcome: Outcome) -> dict[str, Any]:
    return {
        "type": facts.rule_type(outcome),
        "operator": facts.operator(outcome),
        "verdict": outcome.verdict.value,
        "reason": _text(outcome.reason),
        "measured": _text(outcome.measured),
        "expected": _text(outcome.expected),
        "metrics": {_text(name): _number(metric) for name, metric in outcome.metrics.items()},
        "labels": {_text(key): _text(label) for key, label in outcome.labels.items()},
        "notes": [_text(note) for note in outcome.notes],
        "history": [_remembered(each) for each in outcome.history],
        "evidence": [_text(each) for each in outcome.evidence],
        "failing": outcome.failing and _failing(outcome.failing),
    }


def _remembered(remembered: Remembered) -> dict[str, Any]:
    forecast = {"predicted": remembered.predicted, "lower": remembered.lower, "upper": remembered.upper}
    return {
        "metric": _text(remembered.metric),
        "values": remembered.values,
        "enough": remembered.enough,
        **{name: number if number is None else _number(number) for name, number in forecast.items()},
    }


def _statistic(statistic: Statistic) -> dict[str, Any]:
    value = statistic.value
    return {
        "name": _text(statistic.name),
        "level": statistic.level or None,
        "columns": [_text(column) for column in statistic.columns],
        "analyzer": _text(str(statistic.analyzer)),
        "line": statistic.line or None,
        "value": None if value is None or isinstance(value, Distribution) else _number(value),
        "distribution": _distribution(value) if isinstance(value, Distribution) else None,
        "error": statistic.error,
        "reason": _text(statistic.reason),
        "notes": [_text(note) for note in statistic.notes],
    }


def _distribution(distribution: Distribution) -> dict[str, Any]:
    return {
        "type": _text(distribution.kind),
        "edges": [_text(edge) for edge in distribution.edges],
        "counts": list(distribution.counts),
        "others": distribution.others,
        "beyond": distribution.beyond,
    }


def _failing(rows: FailingRows) -> dict[str, Any]:
    return {
        "count": rows.count,
        "total": rows.total,
        "columns": [_text(column) for column in rows.columns],
        "sample": [[value(cell) for cell in row] for row in rows.sample],
    }


def value(cell: Any) -> Any:
    """A value of a row as JSON.

    Text, whole numbers, booleans and NULL are themselves; lists and dictionaries keep their shape, one whose
    keys are not text becomes a list of pairs; what JSON has no word for is its text.
    """
    if isinstance(cell, float):
        return _number(float(cell))
    if cell is None or isinstance(cell, bool | int):
        return cell
    if isinstance(cell, str):
        return _text(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, bytes | bytearray | memoryview):
        return bytes(cell).hex()
    if isinstance(cell, Mapping):
        return _mapping(cell)
    if isinstance(cell, list | tuple):
        return [value(each) for each in cell]
    if hasattr(cell, "item"):  # a number of numpy
        return value(cell.item())
    return _text(str(cell))


def _mapping(cell: Mapping[Any, Any]) -> Any:
    if all(isinstance(key, str) for key in cell):
        return {_text(key): value(each) for key, each in cell.items()}
    return [[value(key), value(each)] for key, each in cell.items()]


def _number(number: float) -> float | str:
    """A number, or the name of one that JSON cannot write."""
    if isinstance(number, int):
        return number
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return float(number)


def _text(text: str) -> str:
    r"""Text that UTF-8 can hold: half a surrogate pair, which strict parsers refuse, becomes `\udc80` in words."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
