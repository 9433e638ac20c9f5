"""Every operator of every rule type over one table, on four fixed tables, against the slow evaluator.

Tables are small and full of NULL, NaN, infinities, blanks, duplicates and wide numbers. What generated rulesets meet by
chance is met here on every run.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from differential.comparing import evaluated, wrong_outcomes, wrong_rows
from differential.oracle import STATISTICS, Condition, Keyword, Rule, Table, Where, World, outcome
from differential.worlds import ORDERED, PLAIN

VALUES: dict[str, tuple[str, pa.DataType, list[Any]]] = {
    "i8": ("i8", pa.int8(), [-128, 0, 1, 127]),
    "i64": ("i64", pa.int64(), [-5, 0, 1, 9007199254740993, 2**63 - 1]),
    "u64": ("u64", pa.uint64(), [0, 1, 2**64 - 1]),
    "f64": ("f64", pa.float64(), [-0.0, 0.0, 0.1, 1.0, 2.5, math.inf, -math.inf]),
    "nan": ("f64", pa.float64(), [math.nan, 1.0, 3.0]),
    "dec": ("dec38", pa.decimal128(38, 4), [Decimal("-0.0001"), Decimal("1.0000"), Decimal("99999999999999999999.5000")]),
    "s": ("text", pa.string(), ["", " ", "\t", "a", "A", "a ", "é", "e\u0301", "🙂", "it's", 'say "x"', "NULL"]),
    "d": ("date", pa.date32(), [dt.date(2024, 1, 1), dt.date(2024, 2, 29), dt.date(1969, 12, 31)]),
    "ts": ("ts", pa.timestamp("us"), [dt.datetime(2024, 2, 29, 23, 59, 59), dt.datetime(2024, 1, 1), dt.datetime(2024, 3, 1, 11)]),
    "tz": ("tz", pa.timestamp("ms", "UTC"), [dt.datetime(2024, 2, 29, 23, tzinfo=dt.UTC), dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)]),
    "b": ("bool", pa.bool_(), [True, False]),
}  # fmt: skip
KINDS = {"id": "i32", **{name: kind for name, (kind, _, _) in VALUES.items()}}


def tables() -> dict[str, Table]:
    chosen = random.Random(4)

    def made(rows: int, gaps: float) -> Table:
        cells = {
            name: [None if chosen.random() < gaps else chosen.choice(those) for _ in range(rows)]
            for name, (_, _, those) in VALUES.items()
        }
        columns = {"id": list(range(rows)), **cells}
        return Table(KINDS, tuple(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)))

    return {"mixed": made(12, 0.2), "full": made(12, 0), "nulls": made(3, 1), "one": made(1, 0)}


TABLES = tables()
SCOPES = (
    None,
    Where("id % 2 = 0", lambda row: row["id"] % 2 == 0),
    Where("b", lambda row: row["b"]),
    Where("i64 > 0 or s is null", lambda row: row["s"] is None or (row["i64"] is not None and row["i64"] > 0)),
)
HALF = Condition(">", (Decimal("0.5"),))
THRESHOLDS = (None, HALF, Condition("between", (Decimal("0.1"), Decimal("0.9"))))
NUMBERS = [Decimal(each) for each in ("0", "1", "-5", "0.1", "2.5", "127", "9007199254740993", "9223372036854775807")]
TEXTS = ["", " ", "a", "A", "é", "🙂", "it's", 'say "x"', "NULL", "none"]
DAYS = [dt.date(2024, 1, 1), dt.date(2024, 2, 29), dt.date(2024, 3, 1)]


def conditions(operands: Sequence[Any], operators: Sequence[str]) -> Iterator[Condition]:
    """Each operator with each operand; four draws of those that take several, lists with NULL and without."""
    chosen = random.Random(len(operands))
    for operator in operators:
        if operator.endswith("between"):
            yield from (Condition(operator, tuple(chosen.sample(operands, 2))) for _ in range(4))
        elif operator.endswith("in"):
            lists = [tuple(chosen.sample(operands, 3)) for _ in range(4)]
            yield from (Condition(operator, (*each, *null)) for each in lists for null in ((), (Keyword.NULL,)))
        else:
            yield from (Condition(operator, (operand,)) for operand in operands)


def value_rules() -> Iterator[Rule]:
    asked = [
        *itertools.product(("i8", "i64", "u64", "f64", "nan", "dec"), conditions(NUMBERS, ORDERED)),
        *itertools.product(("s",), conditions([*TEXTS, Keyword.EMPTY, Keyword.WHITESPACES_ONLY], PLAIN)),
        *itertools.product(("d", "ts", "tz"), conditions(DAYS, ORDERED)),
    ]
    for at, (column, condition) in enumerate(asked):
        yield Rule("ColumnValues", (column,), condition, SCOPES[at % 4], THRESHOLDS[at % 3])
    for at, condition in enumerate(conditions([Decimal(each) for each in range(4)], ORDERED)):
        yield Rule("ColumnLength", ("s",), condition, SCOPES[at % 4], THRESHOLDS[at % 3])


GROUPED = [(name,) for name in ("i8", "s", "f64", "nan", "d", "dec", "b")] + [("i8", "b"), ("s", "d"), ("nan", "f64")]


def other_rules() -> Iterator[Rule]:
    for where in SCOPES:
        for columns in GROUPED:
            yield from (Rule(name, columns, HALF, where) for name in ("Uniqueness", "DuplicateRowCount"))
            yield from (Rule(name, columns, where=where) for name in ("IsUnique", "IsPrimaryKey"))
            if len(columns) == 1:
                single = ("UniqueValueRatio", "Entropy", "Completeness", "DistinctValuesCount")
                yield from (Rule(name, columns, HALF, where) for name in single)
        yield from (Rule(name, ("i8",), HALF, where) for name in STATISTICS)
        yield Rule("ColumnCorrelation", ("i8", "id"), HALF, where)


@pytest.mark.parametrize("table", TABLES)
def test_verdicts_metrics_and_rows(table: str) -> None:
    world = World(TABLES[table], TABLES["one"])
    wrong, rules = [], [*value_rules(), *other_rules()]
    assert len(rules) > 700
    for ruleset in batches(rules, 200):
        wanted = [outcome(rule, world) for rule in ruleset]
        found = evaluated(world, ruleset, arrow(world.primary), arrow(world.ref), samples=0)
        wrong += wrong_outcomes(ruleset, wanted, found)
        if table == "mixed":  # rows cost as much again
            wrong += wrong_rows(world, wanted, found)
    assert wrong == []


def batches(rules: Sequence[Rule], size: int) -> Iterable[Sequence[Rule]]:
    return (rules[start : start + size] for start in range(0, len(rules), size))


def arrow(table: Table) -> pa.Table:
    cells = {name: pa.array([row[name] for row in table.rows], kind) for name, (_, kind, _) in VALUES.items()}
    return pa.table({"id": pa.array([row["id"] for row in table.rows], pa.int32()), **cells})
