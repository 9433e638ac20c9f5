"""The recorded evaluation cases, and how our outcomes compare with them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import rays
import sparks

import dq

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Difference:
    """A rule of a case for which we answer otherwise on purpose: our verdict, and the row of REFERENCE J or B."""

    case: str
    rule: str
    verdict: str
    why: str


@cache
def cases() -> tuple[dict[str, Any], ...]:
    with (DATA / "cases.jsonl").open() as lines:
        return tuple(json.loads(line) for line in lines)


@cache
def differences() -> dict[tuple[str, str], Difference]:
    path = DATA / "differences.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    return {(row["case"], row["rule"]): Difference(**row) for row in rows}


def tables(case: dict[str, Any]) -> dict[str, Path]:
    return {alias: DATA / path for alias, path in case["tables"].items()}


ENGINES = ("duckdb", "spark", "ray")
"""What answers every recorded case; each reads the files itself."""

BEGIN = {"spark": sparks.session, "ray": rays.begun}
"""What starts the tests' own."""


def evaluation(case: dict[str, Any], engine: str) -> dq.Evaluation:
    """What an engine says of a case."""
    BEGIN.get(engine, lambda: None)()
    samples = 0 if engine == "spark" else 5  # they would ask for a job per rule, and none was recorded
    return dq.evaluate(case["ruleset"], tables(case), engine=engine, options=dq.Options(samples=samples))


def recorded(expected: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Outcome and metrics of a rule by itself: `alone` where a neighbour disturbed it."""
    alone = expected.get("alone", expected)
    return alone["outcome"], alone["metrics"]


def same_number(ours: float, theirs: Any) -> bool:
    wanted = float({"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}.get(theirs, theirs))
    return (math.isnan(ours) and math.isnan(wanted)) or math.isclose(ours, wanted, rel_tol=1e-9, abs_tol=1e-12)


def text(rule: Any) -> str:
    """The canonical text, labels in one order: the recorded one is that of a hash map."""
    return str(rule)


def disagreements(outcome: dq.Outcome, expected: dict[str, Any]) -> list[str]:
    """What differs, in words: the verdict, or a metric that both have."""
    verdict, metrics = recorded(expected)
    found = []
    if (verdict == "Passed") != outcome.passed:
        found.append(f"recorded {verdict}, ours {outcome.verdict.value} ({outcome.reason})")
    found += [
        f"{name}: recorded {metrics[name]}, ours {value}"
        for name, value in outcome.metrics.items()
        if name in metrics and not same_number(value, metrics[name])
    ]
    return found
