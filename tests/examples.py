"""How many examples a property test takes: those it asks for at the gate, twenty times as many at night."""

from __future__ import annotations

import os
from collections import Counter

SIZE = os.environ.get("DQ_HYPOTHESIS", "gate")
"""`gate`, `nightly`, or `small`: while working, and on a second DuckDB."""


def examples(gate: int, *, small: int | None = None) -> int:
    """How many examples; `small` where a test is too slow to run in full each time."""
    if SIZE == "small" and small is not None:
        return small
    return gate * 20 if SIZE == "nightly" else gate


MADE: Counter[str] = Counter()
"""What the generated tests of this process evaluated, told at the end of a run: rulesets, and rules in them."""
