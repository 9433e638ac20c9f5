"""How many examples a property test takes: those it asks for at the gate, twenty times as many at night."""

from __future__ import annotations

import os
from collections import Counter

NIGHTLY = os.environ.get("DQ_HYPOTHESIS") == "nightly"


def examples(gate: int) -> int:
    return gate * 20 if NIGHTLY else gate


MADE: Counter[str] = Counter()
"""What the generated tests of this process evaluated, told at the end of a run: rulesets, and rules in them."""
