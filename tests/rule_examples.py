"""The examples in the documentation of the rule types, and data that they can be asked of."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from dq.rules import RULE_TYPES

ORDERS = pa.table(
    {
        "order_id": [1, 2, 3],
        "line": [1, 1, 1],
        "id": [1, 2, 3],
        "qty": [1, 2, 5],
        "amount": [1.5, 2.5, None],
        "email": ["a@x.io", None, "b@x.io"],
        "status": ["paid", "open", "open"],
        "country": ["US", None, "CA"],
        "code": ["AB1", "AB2", "01-02-2024"],
        "placed": [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3)],
    }
)

DATA = {"primary": ORDERS, "customers": ORDERS, "countries": pa.table({"iso": ["US", "CA"]})}


def make_files(folder: Path) -> None:
    """The files that the examples of rules about files name."""
    for name in ("day", "copy"):
        (folder / name).mkdir()
        (folder / name / "a.csv").write_text("a")


def examples_of(name: str) -> list[str]:
    """The rules behind `Example:` in the documentation of a rule type."""
    behind = re.sub(r".*?(Example:|\Z)", "", RULE_TYPES[name].__doc__ or "", count=1, flags=re.DOTALL)
    return [line.strip() for line in behind.splitlines() if line.strip()]


EXAMPLES = [(name, example) for name in RULE_TYPES for example in examples_of(name)]
