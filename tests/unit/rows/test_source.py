"""The rows of an engine whose tables are lazy: its own table, all of it or what has one result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dq.diagnostics import DataError
from dq.language import parse
from dq.lazy import exp
from dq.names import PRIMARY
from dq.rows.labels import RESULT, Label
from dq.rows.source import RowSource
from dq.schema import Column, Schema, Type
from dq.tree import literal

RULES = parse('Rules = [ IsComplete "i", RowCount > 0 ]').rules
LABELS = tuple(Label(rule, outcome) for rule, outcome in zip(RULES, (literal(1), None), strict=True))


class Frame:
    """As much of a DataFrame as is asked of it: the results of its rows."""

    def __init__(self, *results: str) -> None:
        self.results = np.array(results)

    def __getitem__(self, name: str) -> Any:
        return {RESULT: self.results}[name]

    def where(self, mask: Any) -> Frame:
        return Frame(*self.results[mask])


@dataclass
class LazyEngine:
    """An engine that gives its rows as a table of its own, and remembers what for."""

    column: str = "i"
    asked: tuple[Any, ...] = ()

    def schemas(self) -> Mapping[str, Schema]:
        return {PRIMARY: Schema((Column(self.column, Type.INTEGER, "BIGINT"),))}

    def labelled(self, alias: str, rules: Sequence[str], outcomes: Sequence[exp.Expr | None], /) -> Frame:
        self.asked = (alias, rules, outcomes)
        return Frame("Passed", "Failed", "Passed")


def source_of(engine: LazyEngine) -> RowSource:
    return RowSource(LABELS, lambda: nullcontext(engine), 3, lazy=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("keep", "results"),
    [(None, ["Passed", "Failed", "Passed"]), ("Passed", ["Passed", "Passed"]), ("Failed", ["Failed"])],
)
def test_the_rows_of_one_result(keep: str | None, results: list[str]) -> None:
    engine = LazyEngine()
    assert list(source_of(engine).table(keep).results) == results
    assert engine.asked == (PRIMARY, ['IsComplete "i"', "RowCount > 0"], [literal(1), None])


def test_a_table_with_an_outcome_column_is_refused() -> None:
    with pytest.raises(DataError, match=f"the table has a column `{RESULT.upper()}` already"):
        source_of(LazyEngine(RESULT.upper())).table()
