"""Every single-table rule against a slow evaluator in plain Python, written from REFERENCE part B and from nothing else.

Tables are small and full of NULL, NaN, infinities, blanks, duplicates and wide numbers; every rule type meets every
operator, with and without `where` and `threshold`.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from statistics import quantiles
from typing import Any

import pyarrow as pa
import pytest

import dq

NOW = dt.datetime(2024, 3, 1, 12, 30, 45, tzinfo=dt.UTC)
Row = dict[str, Any]
Test = Callable[[Any], bool]
MIDNIGHT = dt.time()


def tables() -> dict[str, pa.Table]:
    chosen = random.Random(4)
    values: dict[str, tuple[pa.DataType, list[Any]]] = {
        "i8": (pa.int8(), [-128, 0, 1, 127]),
        "i64": (pa.int64(), [-5, 0, 1, 9007199254740993, 2**63 - 1]),
        "u64": (pa.uint64(), [0, 1, 2**64 - 1]),
        "f64": (pa.float64(), [-0.0, 0.0, 0.1, 1.0, 2.5, math.inf, -math.inf]),
        "nan": (pa.float64(), [math.nan, 1.0, 3.0]),
        "dec": (pa.decimal128(38, 4), [Decimal("-0.0001"), Decimal("1.0000"), Decimal("99999999999999999999.5")]),
        "s": (pa.string(), ["", " ", "\t", "a", "A", "a ", "é", "e\u0301", "🙂", "it's", 'say "x"', "NULL"]),
        "d": (pa.date32(), [dt.date(2024, 1, 1), dt.date(2024, 2, 29), dt.date(1969, 12, 31)]),
        "ts": (pa.timestamp("us"), [dt.datetime(2024, 2, 29, 23, 59, 59), dt.datetime(2024, 1, 1), dt.datetime(2024, 3, 1, 11)]),
        "tz": (pa.timestamp("ms", "UTC"), [dt.datetime(2024, 2, 29, 23, tzinfo=dt.UTC), dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)]),
        "b": (pa.bool_(), [True, False]),
    }  # fmt: skip

    def made(rows: int, gaps: float) -> pa.Table:
        columns = {
            name: pa.array([None if chosen.random() < gaps else chosen.choice(those) for _ in range(rows)], kind)
            for name, (kind, those) in values.items()
        }
        return pa.table({"id": pa.array(range(rows), pa.int32()), **columns})

    return {"mixed": made(12, 0.2), "full": made(12, 0), "nulls": made(3, 1), "one": made(1, 0)}


TABLES = tables()


# What rows mean ------------------------------------------------------------------------------------------------------


def order(value: Any) -> Any:
    """NaN is greater than every number (B.0.3)."""
    return (1, 0) if isinstance(value, float) and math.isnan(value) else (0, value)


def condition_on(operator: str, operands: Sequence[Any]) -> Test:
    """A condition on a value that is not NULL; both ends of `between` are out (A.3)."""
    first, last = operands[0], operands[-1]
    return {
        "=": lambda v: v == first,
        "!=": lambda v: v != first,
        ">": lambda v: order(v) > order(first),
        ">=": lambda v: order(v) >= order(first),
        "<": lambda v: order(v) < order(first),
        "<=": lambda v: order(v) <= order(first),
        "between": lambda v: order(first) < order(v) < order(last),
        "not between": lambda v: order(v) <= order(first) or order(v) >= order(last),
        "in": lambda v: v in operands,
        "not in": lambda v: v not in operands,
    }[operator]


def judged(value: Any, operator: str, test: Test, *, null: bool) -> bool:
    """The NULL rules of B.21.1."""
    if value is None:
        return null if operator in ("=", "in") else not null if operator in ("!=", "not in") else False
    return test(value)


# Rules and what they should say --------------------------------------------------------------------------------------

Expected = tuple[bool, float]
SCOPES: dict[str, Callable[[Row], bool]] = {
    "": lambda row: True,
    ' where "id % 2 = 0"': lambda row: row["id"] % 2 == 0,
    ' where "b"': lambda row: row["b"] is True,
    ' where "i64 > 0 or s is null"': lambda row: (row["i64"] is not None and row["i64"] > 0) or row["s"] is None,
}
THRESHOLDS: dict[str, Callable[[float], bool]] = {
    "": lambda share: share == 1,
    " with threshold > 0.5": lambda share: share > 0.5,
    " with threshold between 0.1 and 0.9": lambda share: 0.1 < share < 0.9,
}
NUMBERS = ["0", "1", "-5", "0.1", "2.5", "127", "9007199254740993", "9223372036854775807"]
TEXTS = ["", " ", "a", "A", "é", "🙂", "it's", 'say \\"x\\"', "NULL", "none"]
DAYS = ["2024-01-01", "2024-02-29", "2024-03-01"]


def conditions(spelled: Sequence[str], *, ordered: bool) -> list[tuple[str, list[str]]]:
    chosen = random.Random(len(spelled))
    ones = ["=", "!="] + [">", ">=", "<", "<="] * ordered
    found = [(each, [operand]) for each in ones for operand in spelled]
    found += [
        (each, chosen.sample(list(spelled), 2)) for each in ["between", "not between"] * ordered for _ in range(4)
    ]
    return found + [(each, chosen.sample(list(spelled), 3)) for each in ("in", "not in") for _ in range(4)]


def written(operator: str, operands: Sequence[str], *, null: bool) -> str:
    if operator.endswith("between"):
        return f"{operator} {operands[0]} and {operands[1]}"
    if operator.endswith("in"):
        return f"{operator} [{', '.join([*operands, *['NULL'] * null])}]"
    return f"{operator} {operands[0]}"


def value_rules(rows: list[Row]) -> list[tuple[str, Expected]]:
    found = []
    for column in ("i8", "i64", "u64", "f64", "nan", "dec"):
        for operator, operands in conditions(NUMBERS, ordered=True):
            meant = [number(each, column) for each in operands]
            found += shares(rows, column, operator, operands, meant, lambda value: value)
    for operator, operands in conditions([f'"{each}"' for each in TEXTS], ordered=False):
        meant = [each[1:-1].replace('\\"', '"') for each in operands]
        found += shares(rows, "s", operator, operands, meant, lambda value: value)
    for column in ("d", "ts", "tz"):
        for operator, operands in conditions([f'"{each}"' for each in DAYS], ordered=True):
            meant = [dt.date.fromisoformat(each[1:-1]) for each in operands]
            found += shares(rows, column, operator, operands, meant, day)
    return found


def number(spelled: str, column: str) -> Any:
    return float(spelled) if column in ("f64", "nan") else Decimal(spelled)


def day(value: Any) -> Any:
    return value.date() if isinstance(value, dt.datetime) else value


def shares(
    rows: list[Row], column: str, operator: str, operands: list[str], meant: list[Any], read: Callable[[Any], Any]
) -> list[tuple[str, Expected]]:
    found: list[tuple[str, Expected]] = []
    test = condition_on(operator, meant)
    for null in (False, True) if operator.endswith("in") else (False,):
        scope = list(SCOPES)[len(found) % 2 + 2 * (len(operands[0]) % 2)]
        threshold = list(THRESHOLDS)[(len(operands[0]) + len(operator)) % 3]
        inside = [row for row in rows if SCOPES[scope](row)]
        if not inside:
            continue
        passing = [judged(row[column], operator, lambda value: test(read(value)), null=null) for row in inside]
        share = sum(passing) / len(inside)
        text = f'ColumnValues "{column}" {written(operator, operands, null=null)}{scope}{threshold}'
        found.append((text, (THRESHOLDS[threshold](share), share)))
    return found


def group_rules(rows: list[Row]) -> list[tuple[str, Expected]]:
    """What frequencies say; NaN equals itself, a row of NULLs is in no group (B.8)."""
    found: list[tuple[str, Expected]] = []
    for columns in (["i8"], ["s"], ["f64"], ["nan"], ["d"], ["dec"], ["b"], ["i8", "b"], ["s", "d"], ["nan", "f64"]):
        for scope, keeps in SCOPES.items():
            inside = [row for row in rows if keeps(row)]
            keys = [tuple(key(row[each]) for each in columns) for row in inside]
            counts = Counter(each for each in keys if any(part is not None for part in each))
            if not counts:
                continue
            names = " ".join(f'"{each}"' for each in columns)
            total, singles = sum(counts.values()), sum(n == 1 for n in counts.values())
            uniqueness = singles / total
            found.append((f"Uniqueness {names} > 0.5{scope}", (uniqueness > 0.5, uniqueness)))
            found.append((f"IsUnique {names}{scope}", (uniqueness == 1, uniqueness)))
            complete = all(row[each] is not None for row in inside for each in columns)
            found.append((f"IsPrimaryKey {names}{scope}", (uniqueness == 1 and complete, uniqueness)))
            repeated = sum(n for n in counts.values() if n > 1)
            found.append((f"DuplicateRowCount {names} < 4{scope}", (repeated < 4, repeated)))
            if len(columns) == 1:
                ratio = singles / len(counts)
                found.append((f"UniqueValueRatio {names} >= 0.5{scope}", (ratio >= 0.5, ratio)))
                entropy = -math.fsum(n / total * math.log(n / total) for n in counts.values())
                found.append((f"Entropy {names} > 1{scope}", (entropy > 1, entropy)))
                present = sum(row[columns[0]] is not None for row in inside) / len(inside)
                found.append((f"Completeness {names} > 0.8{scope}", (present > 0.8, present)))
    return found


def key(value: Any) -> Any:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value + 0.0
    return value


def statistic_rules(rows: list[Row]) -> list[tuple[str, Expected]]:
    found: list[tuple[str, Expected]] = []
    for scope, keeps in SCOPES.items():
        values = [float(row["i8"]) for row in rows if keeps(row) and row["i8"] is not None]
        if not values:
            continue
        n, mean = len(values), math.fsum(values) / len(values)
        moments = [math.fsum((value - mean) ** power for value in values) for power in (2, 3, 4)]
        flat = moments[0] == 0
        q1, _, q3 = quantiles(values, n=4, method="inclusive") if n > 1 else (values * 3)
        figures = {
            "Mean": mean, "Sum": math.fsum(values), "Variance": moments[0] / n, "StandardDeviation": math.sqrt(moments[0] / n),
            "Range": max(values) - min(values), "InterquartileRange": q3 - q1,
            "Skewness": 0.0 if flat else math.sqrt(n) * moments[1] / moments[0] ** 1.5,
            "Kurtosis": 0.0 if flat else n * moments[2] / moments[0] ** 2 - 3, "ZerosCount": sum(value == 0 for value in values),
        }  # fmt: skip
        found += [(f'{name} "i8" > 1{scope}', (value > 1, value)) for name, value in figures.items()]
    return found


@pytest.mark.parametrize("table", TABLES)
def test_verdicts_and_shares(table: str) -> None:
    rows = TABLES[table].to_pylist()
    asked = [*value_rules(rows), *group_rules(rows), *statistic_rules(rows)]
    ruleset = "Rules = [\n" + ",\n".join(text for text, _ in asked) + "\n]"
    outcomes = dq.evaluate(ruleset, TABLES[table], options=dq.Options(samples=0, now=NOW)).outcomes
    wrong = []
    for (text, expected), outcome in zip(asked, outcomes, strict=True):
        passes, value = expected
        near = any(math.isclose(each, value, rel_tol=1e-9, abs_tol=1e-9) for each in outcome.metrics.values())
        if outcome.passed != passes or not near:
            wrong.append((text, expected, outcome.verdict.value, dict(outcome.metrics), outcome.reason))
    assert wrong == []
    assert table != "mixed" or len(asked) > 500
