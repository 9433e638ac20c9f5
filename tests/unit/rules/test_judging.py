"""What a rule says of given measurements: verdict, reason, numbers and rows, for every rule type, without a database.

The measurements stand beside the rule in the order of its metrics; what it says of them is `golden/judgements.txt`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from dq.binding import bind
from dq.language import parse
from dq.metrics import (
    Answer,
    CoMoments,
    Count,
    Deviations,
    Extremes,
    Moments,
    Names,
    Occurrences,
    Quartiles,
    Ratio,
    Returned,
    Total,
)
from dq.rules import RULE_TYPES
from dq.rules.base import BoundRule, Judgement
from dq.schema import Column, Schema, Type
from dq.syntax import Rule

Golden = Callable[[str, str], None]
NAN = float("nan")
NOW = datetime(2026, 3, 9, 8, 30, 12, tzinfo=UTC)
PRIMARY = Schema(
    (
        Column("s", Type.STRING, "VARCHAR"),
        Column("i", Type.INTEGER, "BIGINT"),
        Column("d", Type.FLOAT, "DOUBLE"),
        Column("f", Type.FLOAT, "FLOAT"),
        Column("day", Type.DATE, "DATE"),
        Column("Up", Type.BOOLEAN, "BOOLEAN"),
    )
)
REFERENCE = Schema(
    (
        Column("s", Type.STRING, "VARCHAR"),
        Column("I", Type.INTEGER, "BIGINT"),
        Column("d", Type.STRING, "VARCHAR"),
        Column("x", Type.STRING, "VARCHAR"),
        Column("f", Type.FLOAT, "FLOAT"),
    )
)
CASES: list[tuple[Any, ...]] = [
    ('Completeness "s" > 0.75', Count(4), Ratio(3, 4)),
    ('Completeness "s" >= 0.75', Count(4), Ratio(3, 4)),
    ('Completeness "s" > 0.999999', Count(10**8), Ratio(10**8 - 100, 10**8)),
    ('Completeness "s" > 0.5 where "i > 0"', Count(4), Count(0), Ratio()),
    ('Completeness "s" > 0.5 where "i > 0"', Count(0), Count(0), Ratio()),
    ('Completeness "s" > 0.5 where "i > 0"', Count(4), Count(2), Ratio(2, 2)),
    ('IsComplete "s"', Count(4), Ratio(3, 4)),
    ('IsComplete "s"', Count(4), Ratio(4, 4)),
    ('IsComplete "s"', Count(0), Ratio()),
    ('Uniqueness "s" > 0.5', Count(4), Occurrences(4, 3, 2)),
    ('Uniqueness "s" "i" >= 0.5', Count(4), Occurrences(4, 3, 2)),
    ('Uniqueness "s" "i" < 0.5', Count(4), Occurrences(4, 4, 4)),
    ('Uniqueness "s" >= 0.5', Count(4), Occurrences(nulls=4)),
    ('IsUnique "s"', Count(5), Occurrences(4, 3, 2, 1)),
    ('IsUnique "s" "i"', Count(4), Occurrences(4, 4, 4)),
    ('IsPrimaryKey "s"', Count(5), Occurrences(4, 3, 2, 1), Ratio(4, 5)),
    ('IsPrimaryKey "s" "i"', Count(4), Occurrences(4, 4, 4, 0, 1), Ratio(3, 4), Ratio(4, 4)),
    ('IsPrimaryKey "s" "i"', Count(4), Occurrences(4, 4, 4, 0, 2), Ratio(3, 4), Ratio(3, 4)),
    ('IsPrimaryKey "s" "i"', Count(4), Occurrences(4, 3, 2), Ratio(4, 4), Ratio(4, 4)),
    ('IsPrimaryKey "s"', Count(4), Occurrences(4, 4, 4), Ratio(4, 4)),
    ('IsPrimaryKey "s"', Count(4), Occurrences(nulls=4), Ratio(0, 4)),
    ('IsPrimaryKey "s"', Count(10**7), Occurrences(10**7, 10**7 - 1, 10**7 - 2), Ratio(10**7, 10**7)),
    ('IsPrimaryKey "s"', Count(0), Occurrences(), Ratio()),
    ('UniqueValueRatio "s" > 0.75', Count(4), Occurrences(4, 3, 2)),
    ('DistinctValuesCount "s" = 4', Count(5), Occurrences(4, 3, 2, 1)),
    ('DistinctValuesCount "d" = 3', Count(5), Occurrences(4, 2, 0), Count(1), Count(2)),
    ('DistinctValuesCount "d" = 3', Count(5), Occurrences(4, 2, 0), Count(1), Count(0)),
    ('DistinctValuesCount "d" = 0 where "i > 0"', Count(5), Count(0), Occurrences(), Count(0), Count(0)),
    ("DuplicateRowCount = 0", Count(5), Occurrences(4, 3, 2, 1)),
    ('DuplicateRowCount "s" "i" > 0', Count(5), Occurrences(4, 3, 2, 1)),
    ('Entropy "s" > 1', Count(5), Occurrences(4, 2, 0, entropy=0.6931471805599453)),
    ('Mean "i" > 2', Count(3), Total(2, 3.0)),
    ('Mean "i" > 2', Count(3), Total()),
    ('Sum "i" > 2', Count(3), Total(2, 3.0)),
    ('StandardDeviation "i" = 2', Count(3), Deviations(4, 0.0, 16.0)),
    ('Variance "i" = 2', Count(3), Deviations(4, 0.0, 16.0)),
    ('Variance "d" != 2', Count(3), Deviations(4, NAN, NAN)),
    ('Range "i" < 10000', Count(3), Extremes(1.0, 12346.0)),
    ('InterquartileRange "i" < 2', Count(3), Quartiles(1.0, 3.5)),
    ('Skewness "i" < 0.6', Count(3), Moments(3, 2.0, 2.0, 1.0, 4.0)),
    ('Kurtosis "i" < -1', Count(3), Moments(3, 2.0, 2.0, 1.0, 4.0)),
    ('ZerosCount "i" < 2', Count(3), Count(2)),
    ('ColumnCorrelation "i" "d" < 0.25', Count(3), CoMoments(3, 0, 0, 4.0, 9.0, 3.0)),
    ("RowCount > 4", Count(4), Count(4)),
    ("RowCount = 0", Count(0), Count(0)),
    ('RowCount > 4 where "i > 0"', Count(14), Count(5), Count(5)),
    ("ColumnCount = 6",),
    ("ColumnCount > 6",),
    ('ColumnExists "Up"',),
    ('ColumnExists "UP"',),
    ('ColumnExists "nope"',),
    ('ColumnNamesMatchPattern "[a-z]+"', Names(("s", "i", "d", "f", "day"), ("s", "i", "d", "f", "day", "Up"), 6)),
    ('ColumnNamesMatchPattern ".+"', Names(PRIMARY.names, PRIMARY.names, 6)),
    ('ColumnValues "i" > 2', Count(4), Ratio(3, 4), Extremes(1.0, None)),
    ('ColumnValues "i" > 2', Count(4), Ratio(4, 4), Extremes(3.0, None)),
    ('ColumnValues "i" <= 2', Count(4), Ratio(3, 4), Extremes(None, 9.0)),
    ('ColumnValues "i" = 2', Count(4), Ratio(0, 4), Extremes(None, None)),
    ('ColumnValues "i" != 2', Count(4), Ratio(3, 4)),
    ('ColumnValues "i" > 2 with threshold > 0.75', Count(4), Ratio(3, 4), Extremes(1.0, None)),
    ('ColumnValues "i" > 2 with threshold >= 0.75', Count(4), Ratio(3, 4), Extremes(1.0, None)),
    ('ColumnValues "i" > 2 with threshold >= 1.0', Count(4), Ratio(4, 4), Extremes(3.0, None)),
    ('ColumnValues "d" > 2', Count(4), Ratio(4, 4), Extremes(NAN, None)),
    ('ColumnValues "d" > 2 with threshold > 0.5', Count(4), Ratio(4, 4), Extremes(NAN, None)),
    ('ColumnValues "d" < 2', Count(4), Ratio(3, 4), Extremes(None, NAN)),
    ('ColumnValues "d" > 2', Count(4), Ratio(0, 4), Extremes(NAN, None)),
    ('ColumnValues "s" matches "a.*"', Count(4), Ratio(3, 4)),
    ('ColumnValues "s" not matches "a.*"', Count(4), Ratio(4, 4)),
    ('ColumnValues "s" in ["a"]', Count(4), Ratio(4, 4)),
    ('ColumnValues "s" in [1, 2]', Count(4), Ratio(4, 4)),
    ('ColumnValues "s" in [NULL, 1.5]', Count(4), Ratio(3, 4)),
    ('ColumnValues "s" not in [1]', Count(4), Ratio(4, 4)),
    ('ColumnValues "s" != 1', Count(4), Ratio(4, 4)),
    ('ColumnValues "s" in [NULL]', Count(4), Ratio(4, 4)),
    ('ColumnValues "day" > "2026-01-01"', Count(4), Ratio(3, 4)),
    ('ColumnLength "s" = 2', Count(4), Ratio(3, 4), Extremes(1.0, 2.0)),
    ('ColumnLength "s" > 2', Count(4), Ratio(3, 4), Extremes(1.0, 2.0)),
    ('ColumnLength "s" < 2', Count(4), Ratio(3, 4), Extremes(1.0, 2.0)),
    ('ColumnLength "s" != 2 with threshold > 0.5', Count(4), Ratio(3, 4), Extremes(1.0, 2.0)),
    ('ColumnDataType "s" = "Integer"', Count(4), Ratio(3, 4)),
    ('ColumnDataType "s" != "Integer" with threshold > 0.8', Count(4), Ratio(3, 4)),
    ('ColumnDataType "s" = "Integer"', Count(0), Ratio()),
    ('DataFreshness "day" < 24 hours', Count(4), Ratio(3, 4)),
    ('CustomSql "select count(*) from primary" > 3', Answer(("n",), ((3,),))),
    ('CustomSql "select count(*) from primary" > 2', Answer(("n",), ((3,),))),
    ('CustomSql "select count(*) from primary" > 2', Answer(("n",), ())),
    ('CustomSql "select s from primary"', Count(4), Returned(3, 4, ("s",))),
    ('CustomSql "select s from primary"', Count(4), Returned(4, 4, ("s",))),
    ('CustomSql "select s from primary" with threshold > 0.8', Count(4), Returned(3, 4, ("s",))),
    ('CustomSql "select s from primary" with threshold > 0.7', Count(4), Returned(3, 4, ("s",))),
    ('CustomSql "select s from primary"', Count(4), Returned(problem="no column is shared")),
    ('CustomSql "select s from primary"', Count(0), Returned()),
    ('ReferentialIntegrity "s" "ref.s" > 0.75', Count(4), Ratio(3, 4)),
    ('ReferentialIntegrity "s,i" "ref.{s,I}" >= 0.75', Count(4), Ratio(3, 4)),
    ('DatasetMatch "ref" "s" "i" = 1.0', Count(4), Ratio(3, 4), Occurrences(4, 4, 4), Occurrences(4, 4, 4)),
    ('DatasetMatch "ref" "s" "i" = 1.0', Count(4), Ratio(2, 4), Occurrences(4, 4, 4), Occurrences(4, 4, 4)),
    ('DatasetMatch "ref" "s" "i" > 0.7', Count(4), Ratio(3, 4), Occurrences(3, 3, 3, 1), Occurrences(4, 4, 4)),
    ('DatasetMatch "ref" "s" "i" > 0.7', Count(4), Ratio(3, 4), Occurrences(4, 3, 2), Occurrences(2, 2, 2, 2)),
    ('DatasetMatch "ref" "s,s" "i" > 0.7', Count(4), Ratio(3, 4), Occurrences(4, 4, 4), Occurrences(1000, 999, 998)),
    ('DatasetMatch "ref" "s" "i" > 0.7', Count(0), Ratio(), Occurrences(4, 3, 2), Occurrences(4, 4, 4)),
    ('SchemaMatch "ref" > 0.5',),
    ('SchemaMatch "ref" >= 0.5',),
    ('RowCountMatch "ref" > 1', Count(5), Count(4)),
    ('RowCountMatch "ref" > 1.25', Count(5000), Count(4000)),
    ('RowCountMatch "ref" > 1.25', Count(5), Count(0)),
    ('RowCountMatch "ref" = 0', Count(0), Count(5)),
    ('AggregateMatch "sum(i)" "avg(ref.I)" > 2', Total(2, 6.0), Total(2, 6.0)),
    ('AggregateMatch "sum(i)" "avg(ref.I)" = 2', Total(2, 6.0), Total(2, 6.0)),
    ('AggregateMatch "sum(i)" "sum(ref.d)" = 0', Total(2, 6.0), Total()),
    ('AggregateMatch "sum(i)" "sum(ref.I)" = 1', Total(), Total()),
]

ELSEWHERE = {"DetectAnomalies", "FileFreshness", "FileMatch", "FileSize", "FileUniqueness"}
"""Rule types about history and about files, which have tests of their own."""


def test_judgements(golden: Golden) -> None:
    golden("judgements.txt", "\n\n".join("\n".join(told(*case)) for case in CASES) + "\n")


def told(text: str, *states: Any) -> Iterator[str]:
    (rule,) = parse(f"Rules = [ {text} ]").rules
    assert isinstance(rule, Rule)
    bound = bind(rule, {"primary": PRIMARY, "ref": REFERENCE}, NOW)
    judgement = bound.judge(dict(zip(bound.metrics(), states, strict=True)))
    yield text
    yield from (f"    {state}" for state in states)
    yield from (f"  {line}" for line in lines(judgement))


def lines(judgement: Judgement) -> Iterator[str]:
    vacuous = " without a row" if judgement.vacuous else ""
    yield f"{judgement.verdict.value}{vacuous}: {judgement.measured or 'nothing'}, expected {judgement.expected}"
    if judgement.reason:
        yield judgement.reason
    if judgement.failing:
        yield "{} of {} rows fail".format(*judgement.failing)
    yield from (f"{name} = {value!r}" for name, value in judgement.metrics.items())
    yield from (f"note: {note}" for note in judgement.notes)


def test_every_rule_type_is_judged() -> None:
    measured = {name for name, rule_type in RULE_TYPES.items() if issubclass(rule_type, BoundRule)}
    assert {text.split(" ")[0] for text, *_ in CASES} == measured - ELSEWHERE
