"""What a conversion has kept: exact, approximate or lost, and why, one line for each construct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Fidelity(StrEnum):
    """How much of the meaning a conversion keeps.

    EXACT: the same verdict, and for expectations on rows the same number of unexpected rows, on every table that
    gives the rule something to measure. APPROXIMATE: near to it, with a reason. LOST: there is no counterpart.
    """

    EXACT = "exact"
    APPROXIMATE = "approximate"
    LOST = "lost"


class Lost(Exception):  # noqa: N818 - an outcome of one conversion, told in the report
    """A construct without a counterpart; the message says why."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of one expectation or rule.

    Attributes:
        source: the expectation or the rule, as text.
        targets: the rules or expectations it became, as text; none when it is lost.
        fidelity: how much of its meaning they keep.
        reason: why that is not all of it.
    """

    source: str
    targets: tuple[str, ...]
    fidelity: Fidelity
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready data."""
        return {
            "source": self.source,
            "targets": list(self.targets),
            "fidelity": self.fidelity.value,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """One conversion for each expectation of a suite, or each rule and analyzer of a ruleset, in their order."""

    conversions: tuple[Conversion, ...]

    def count(self, fidelity: Fidelity) -> int:
        """How many conversions have this fidelity."""
        return sum(each.fidelity is fidelity for each in self.conversions)

    @property
    def counts(self) -> Mapping[str, int]:
        """The numbers of conversions by fidelity."""
        return {each.value: self.count(each) for each in Fidelity}

    @property
    def is_exact(self) -> bool:
        """Whether nothing is approximate or lost."""
        return self.count(Fidelity.EXACT) == len(self.conversions)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready data."""
        return {"counts": dict(self.counts), "conversions": [each.to_dict() for each in self.conversions]}

    def __str__(self) -> str:
        """What is not exact, a line and its reason each, and the numbers."""
        told = [each for each in self.conversions if each.fidelity is not Fidelity.EXACT]
        lines = [f"{each.fidelity.value}: {each.source}\n    {each.reason}" for each in told]
        numbers = ", ".join(f"{number} {name}" for name, number in self.counts.items())
        return "\n".join([*lines, numbers])
