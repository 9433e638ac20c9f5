"""How many examples a property test takes: those it asks for at the gate, many more at night."""

from __future__ import annotations

import os
from collections import Counter

SIZE = os.environ.get("DQ_HYPOTHESIS", "gate")
"""`gate`, `nightly`, or `small`: while working, and on a second DuckDB."""


def examples(gate: int, *, small: int | None = None, night: int = 20) -> int:
    """How many examples: `small` where a test is too slow to run in full each time, `night` times as many at night."""
    if SIZE == "small" and small is not None:
        return small
    return gate * night if SIZE == "nightly" else gate


MADE: Counter[str] = Counter()
"""What the generated tests of this process evaluated, told at the end of a run: rulesets, rules, and what is in them."""
