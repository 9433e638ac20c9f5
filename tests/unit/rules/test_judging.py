"""What a rule says of given measurements: verdict, reason, numbers and rows, for every rule type, without a database.

The measurements stand beside the rule in the order of its metrics; what it says of them is `golden/judgements.txt`,
of files `golden/file_judgements.txt`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from dq.binding import bind
from dq.diagnostics import DqError
from dq.language import Dialect, parse
from dq.metrics import (
    Answer,
    CoMoments,
    Count,
    Deviations,
    Digests,
    Extremes,
    FileFilter,
    FileFound,
    Files,
    FileSet,
    Moments,
    Names,
    Occurrences,
    Quartiles,
    Query,
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
    ('DatasetMatch "ref" "s,i->I" "d" > 0.7', Count(4), Ratio(3, 4), Occurrences(4, 3, 2), Occurrences(4, 4, 4)),
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


def file(name: str, size: int | None = 10, modified: str | None = "2026-03-08T12:00:00", digest: str = "") -> FileFound:
    """A file below `/in`; times are told in UTC."""
    when = None if modified is None else datetime.fromisoformat(modified).replace(tzinfo=UTC)
    return FileFound(f"/in/{name}", name, size, when, digest)


FILES: dict[str, FileSet] = {
    "nothing there": FileSet(missing=True),
    "an empty folder": FileSet(notes=("2 links are left out",)),
    "1 file filtered out": FileSet(listed=1),
    "1,000 files filtered out": FileSet(listed=1000),
    "a file of noon": FileSet((file("a"),), 1, single=True, notes=("2 links are left out",)),
    "a file of midnight": FileSet((file("a", modified="2026-03-08T00:00:00"),), 1),
    "a file of the last microsecond": FileSet((file("a", modified="2026-03-08T23:59:59.999999"),), 1),
    "a file of the minute after noon": FileSet((file("a", modified="2026-03-09T12:01:00"),), 1),
    "a file of noon today": FileSet((file("a", modified="2026-03-09T12:00:00"),), 1),
    "a file of the end of the minute": FileSet((file("a", modified="2026-03-09T12:00:59.999999"),), 1),
    "a new file and an old one": FileSet((file("new"), file("sub/old", modified="2025-01-01T00:00:00")), 2),
    "two old files": FileSet(tuple(file(name, modified="2025-01-01T00:00:00") for name in "ab"), 2),
    "a file without a time": FileSet((file("a", modified=None),), 1),
    "1, 2 and 3 bytes": FileSet((file("a", 1), file("b", 2), file("c", 3)), 3, notes=("2 links are left out",)),
    "3 large files": FileSet(tuple(file(name, 2048) for name in "abc"), 3),
    "4 large files": FileSet(
        tuple(file(name, 2048) for name in ("a", "b\n", "c", "d")), 4, notes=("2 links are left out",)
    ),
    "1,100 large files": FileSet(tuple(file(f"{n}", 2048) for n in range(1100)), 1100),
    "a file without a size": FileSet((file("a"), file("b", None)), 2),
    "a file of 1 TB": FileSet((file("a", 1024**4),), 1),
    "a file of 1 GB": FileSet((file("a", 1024**3),), 1),
    "a file of 1 MB": FileSet((file("a", 1024**2),), 1),
    "a file of 1 KB": FileSet((file("a", 1024),), 1),
    "all unique": FileSet((file("x/a"), file("y/b", digest="d2")), 2, notes=("2 links are left out",)),
    "two of a kind and one": FileSet((file("x/a", digest="d1"), file("y/b", digest="d1"), file("z/a")), 3),
    "three of a kind": FileSet(tuple(file(name, digest="d1") for name in "abc"), 3, notes=("2 links are left out",)),
    "a1": FileSet((file("x/a", digest="d1"),), 1, single=True),
    "b1": FileSet((file("y/b", digest="d1"),), 1, single=True, notes=("2 links are left out",)),
    "a2": FileSet((file("y/a", digest="d2"),), 1, single=True),
    "folder of a1": FileSet((file("x/a", digest="d1"),), 1),
    "folder of b1, c1": FileSet((file("b", digest="d1"), file("c", digest="d1")), 2),
    "folder of a1, b2": FileSet((file("x/a", digest="d1"), file("b", digest="d2")), 2),
    "folder of a1, a2": FileSet((file("x/a", digest="d1"), file("y/a", digest="d2")), 2),
    "folder of a1, a2, b3": FileSet(
        (file("x/a", digest="d1"), file("y/a", digest="d2"), file("b", digest="d3")), 3, notes=("2 links are left out",)
    ),
    "hashed until the first fault": FileSet((file("x/a", digest="d1"), file("y/a", digest="d2"), file("b")), 3),
}
AGE, SIZE, MATCH = 'FileFreshness "in"', 'FileSize "in"', 'FileMatch "in"'
FAST, BY_NAME = 'with failFast = "true"', 'with matchFileName = "true"'
FILE_CASES: list[tuple[str, ...]] = [
    (f"{SIZE} > 0 B", "nothing there"),
    (f"{SIZE} > 0 B", "an empty folder"),
    (f"{SIZE} > 0 B", "1 file filtered out"),
    (f"{SIZE} > 0 B with threshold > 0.5", "1,000 files filtered out"),
    ("FileSize > 0 B", "nothing there"),
    ('FileSize "https://host/in?sig=1" > 0 B', "an empty folder"),
    ('FileUniqueness "in" = 1.0', "an empty folder"),
    ('FileUniqueness > 0.5', "nothing there"),
    (f'{MATCH} = "d1"', "an empty folder"),
    ('FileMatch "in" "out"', "a1", "nothing there"),
    ('FileMatch in ["d1", "d2"]', "1 file filtered out"),
    *(
        (f'{AGE} {condition}', files)
        for condition in ('= "2026-03-08"', '!= "2026-03-08"', 'in ["2026-03-01", "2026-03-08"]', 'not in ["2026-03-08"]')
        for files in ("a file of noon", "a file of midnight", "a file of the last microsecond", "a file of noon today")
    ),
    *(
        (f'{AGE} {condition} "12:00"', files)
        for condition in ("=", "!=", ">", ">=", "<", "<=")
        for files in ("a file of noon today", "a file of the end of the minute", "a file of the minute after noon")
    ),
    *(
        (f'{AGE} {condition}', files)
        for condition in ('between "12:00" and "12:01"', 'not between "12:00" and "12:01"')
        for files in ("a file of noon today", "a file of the end of the minute", "a file of the minute after noon")
    ),
    (f"{AGE} < now()", "a file without a time"),
    (f'{AGE} in ["2026-03-08", NULL]', "a file of noon"),
    (f"{AGE} > (now() - 3 days)", "a new file and an old one"),
    (f"{AGE} > (now() - 3 days)", "two old files"),
    (f"{AGE} > (now() - 3 days) with threshold > 0.5", "a new file and an old one"),
    (f"{AGE} > (now() - 3 days) with threshold >= 0.5", "a new file and an old one"),
    (f"{AGE} > (now() - 3 days) with threshold < 0.5", "a file of noon"),
    (f"{AGE} > (now() - 3 days) {FAST}", "two old files"),
    (f"{AGE} > (now() - 3 days) {FAST}", "a file of noon"),
    (f'{AGE} > "12:00" with timeZone = "+13:00"', "a file of noon"),
    *((f"{SIZE} {condition}", "1, 2 and 3 bytes") for condition in (
        "> 0 B", "> 1 B", ">= 1", "< 3", "<= 3 B", "= 2 B", "!= 2 B", "in [1, 2, 3]", "not in [1]",
        "between 0 B and 4 B", "between 1 B and 3 B", "not between 1 B and 3 B",
    )),
    (f"{SIZE} < 1 KB", "3 large files"),
    (f"{SIZE} < 1 KB", "4 large files"),
    (f"{SIZE} < 1 KB with threshold > 0.1", "1,100 large files"),
    (f"{SIZE} < 1 KB {FAST} with threshold >= 0.0", "4 large files"),
    (f"{SIZE} < 1 KB", "a file without a size"),
    *((f"{SIZE} = 1 {unit}", f"a file of 1 {unit}") for unit in ("KB", "MB", "GB", "TB")),
    ('FileUniqueness "in" = 1.0', "all unique"),
    ('FileUniqueness "in" < 0.5', "all unique"),
    ('FileUniqueness "in" = 1.0', "two of a kind and one"),
    ('FileUniqueness "in" > 0.3', "two of a kind and one"),
    ('FileUniqueness "in" < 0.3', "two of a kind and one"),
    (f'FileUniqueness "in" = 1.0 {BY_NAME}', "two of a kind and one"),
    (f'FileUniqueness "in" = 1.0 {BY_NAME}', "all unique"),
    (f'FileUniqueness "in" = 1.0 {BY_NAME}', "a1"),
    ('FileUniqueness "in" = 1.0', "three of a kind"),
    (f'FileUniqueness "in" < 0.5 {FAST}', "three of a kind"),
    (f'FileUniqueness "in" = 1.0 {FAST}', "all unique"),
    (f'{MATCH} = "D1 "', "a1"),
    (f'{MATCH} in ["d1", "d2"]', "folder of a1, b2"),
    (f'{MATCH} = "d1"', "folder of a1, b2"),
    (f'{MATCH} = "d3"', "folder of a1, b2"),
    (f'{MATCH} = "{"0" * 64}"', "folder of a1, b2"),
    (f'{MATCH} in ["d3", "{"0" * 32}"] with hashAlgorithm = "md5"', "a1"),
    (f'{MATCH} = "{"0" * 32}" with hashAlgorithm = "SHA-1"', "a1"),
    (f'{MATCH} in ["d1", "d2"]', "folder of a1, a2"),
    (f'{MATCH} in ["d1", "d2"] {BY_NAME}', "folder of a1, a2"),
    (f'{MATCH} in ["d1", "d2"] {BY_NAME}', "folder of a1, b2"),
    (f'{MATCH} in ["d1", "d3"] {BY_NAME}', "folder of a1, a2, b3"),
    (f'{MATCH} = "d1" {FAST}', "hashed until the first fault"),
    (f'{MATCH} = "d1" {FAST} {BY_NAME}', "hashed until the first fault"),
    (f'{MATCH} in ["d1", "d2"] {FAST} {BY_NAME}', "hashed until the first fault"),
    (f'{MATCH} in ["d1", "d2"] {FAST}', "folder of a1, b2"),
    ('FileMatch "in" "out"', "a1", "b1"),
    ('FileMatch "in" "out"', "a1", "a2"),
    (f'FileMatch "in" "out" {BY_NAME}', "a1", "b1"),
    (f'FileMatch "in" "out" {BY_NAME}', "a1", "folder of a1"),
    ('FileMatch "in" "out"', "folder of a1", "a1"),
    ('FileMatch "in" "out"', "folder of a1", "folder of b1, c1"),
    (f'FileMatch "in" "out" {BY_NAME}', "folder of a1", "folder of b1, c1"),
    ('FileMatch "in" "out"', "folder of a1", "folder of a1, b2"),
    ('FileMatch "in" "out"', "folder of a1, b2", "folder of b1, c1"),
    (f'FileMatch "in" "out" {FAST}', "folder of a1, a2, b3", "folder of a1"),
    ('FileMatch "in" "out"', "folder of a1, a2, b3", "folder of b1, c1"),
]  # fmt: skip

ELSEWHERE = {"DetectAnomalies"}
"""Rule types about history, which have tests of their own."""


def test_judgements(golden: Golden) -> None:
    golden("judgements.txt", "\n\n".join("\n".join(told(*case)) for case in CASES) + "\n")


def told(text: str, *states: Any) -> Iterator[str]:
    yield text
    yield from (f"    {state}" for state in states)
    yield from (f"  {line}" for line in lines(judged(text, *states)))


def test_judgements_of_files(golden: Golden) -> None:
    golden("file_judgements.txt", "\n\n".join("\n".join(told_of_files(*case)) for case in FILE_CASES) + "\n")


def told_of_files(text: str, *sets: str) -> Iterator[str]:
    yield f"{text}: {', '.join(sets)}"
    try:
        judgement = judged(text, *(FILES[each] for each in sets))
    except DqError as error:
        yield f"  ERROR: {error.message}"
    else:
        yield from (f"  {line}" for line in lines(judgement))


@pytest.mark.parametrize(
    ("rule", "metrics"),
    [
        (f"{SIZE} > 0 B", [Files("in")]),
        ("FileSize > 0 B", [Files(None)]),
        (f'{SIZE} > 0 B with uriRegex = "a" with recentFiles = 2', [Files("in", FileFilter((2, "a")))]),
        (f'{SIZE} > 0 B with recentFiles = 2 with uriRegex = "a"', [Files("in", FileFilter((2, "a")))]),
        (f'{SIZE} > 0 B with recentFiles = 2 with uriRegex = "a" with filterOrder = ["uriRegex"]', [Files("in", FileFilter(("a", 2)))]),
        (f'{SIZE} > 0 B with recentFiles = 2 with uriRegex = "a" with filterOrder = ["recentFiles", "uriRegex"]', [Files("in", FileFilter((2, "a")))]),
        ('FileUniqueness "in" = 1.0', [Files("in", digests=Digests("SHA-256", repeated_sizes=True))]),
        ('FileUniqueness = 1.0 with hashAlgorithm = "md5"', [Files(digests=Digests("MD5", repeated_sizes=True))]),
        (f'{MATCH} = "d1" with hashAlgorithm = "sha-1"', [Files("in", digests=Digests("SHA-1"))]),
        (f'{MATCH} in [" D1", "d2"] {FAST}', [Files("in", digests=Digests("SHA-256", until=frozenset({"d1", "d2"})))]),
        ('FileMatch "in" "out"', [Files("in", digests=Digests("SHA-256")), Files("out", digests=Digests("SHA-256"))]),
        (f'FileMatch "in" "out" {FAST}', [Files("in", digests=Digests("SHA-256")), Files("out", digests=Digests("SHA-256"))]),
    ],
)  # fmt: skip
def test_which_files_are_asked_for(rule: str, metrics: list[Files]) -> None:
    assert list(bound_to(rule).metrics()) == metrics


@pytest.mark.parametrize(
    "asked",
    ["select count(*) from primary where day < current_date()", "select count(*) from primary where day < now()"],
)
def test_the_instant_in_a_query_is_that_of_the_evaluation(asked: str) -> None:
    (answer,) = bound_to(f'CustomSql "{asked}" = 0').metrics()
    assert isinstance(answer, Query)
    assert "2026-03-09" in answer.query.sql()


def bound_to(text: str, dialect: Dialect = "dq") -> BoundRule:
    (rule,) = parse(f"Rules = [ {text} ]", dialect=dialect).rules
    assert isinstance(rule, Rule)
    return bind(rule, {"primary": PRIMARY, "ref": REFERENCE}, NOW)


def judged(text: str, *states: Any) -> Judgement:
    bound = bound_to(text)
    return bound.judge(dict(zip(bound.metrics(), states, strict=True)))


NO_REFERENCE = "no data was given for the reference `nope`; there is `ref`"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (f'{SIZE} > 0 B with filterOrder = "uriRegex,recentFiles" with recentFiles = "1"', "filterOrder names `uriRegex`, and the rule has no such tag"),
        (f'{SIZE} > 0 B with recentFiles = "1.5"', "recentFiles takes a whole number, not `1.5`"),
        (f'{SIZE} > 0 B with hashAlgorithm = "md4"', "hashAlgorithm knows MD5, SHA-1, SHA-256, not `md4`"),
        (f'{MATCH} = "d1" with recentFiles = "many"', "recentFiles takes a whole number, not `many`"),
        (f'{MATCH} not in ["d1"]', "FileMatch takes `in` or `=` with checksums, not `not in`"),
        (f'{MATCH} != "d1"', "FileMatch takes `in` or `=` with checksums, not `!=`"),
        (f'{MATCH} in ["d1", NULL]', "FileMatch takes `in` or `=` with checksums, not `NULL`"),
        (f"{MATCH} = EMPTY", "FileMatch takes `in` or `=` with checksums, not `EMPTY`"),
        (f'{SIZE} > 0 B with uriRegex = "a(?=b)"', "regular expression: lookahead `(?=…)` cannot be said in RE2 (at character 2)"),
        ('ReferentialIntegrity "s" "nope.s" = 1.0', NO_REFERENCE),
        ('ReferentialIntegrity "day" "ref.I" = 1.0', "`day` (date) cannot be compared with `I` of `ref` (bigint)"),
        ('DatasetMatch "nope" "s" "i" = 1.0', NO_REFERENCE),
        ('DatasetMatch "ref" "s" "day->I" = 1.0', "`day` (date) cannot be compared with `I` of `ref` (bigint)"),
        ('SchemaMatch "nope" > 0.5', NO_REFERENCE),
        ('RowCountMatch "nope" > 1', NO_REFERENCE),
        ('AggregateMatch "sum(day)" "sum(i)" = 1.0', "`sum(day)`: column `day` is date, and numbers are needed"),
        ('AggregateMatch "sum(i)" "sum(nope.i)" = 1.0', NO_REFERENCE),
        ('CustomSql "select 1" = 1 with threshold > 0.5', "CustomSql takes a condition or a threshold, not both"),
    ],
)  # fmt: skip
def test_what_a_rule_cannot_judge_is_refused_with_the_reason(rule: str, message: str) -> None:
    """Also when the ruleset was read as Glue's, whose parser lets more pass."""
    with pytest.raises(DqError) as refused:
        bound_to(rule, "glue")
    assert refused.value.message == message


def test_names_of_a_table_without_columns_are_refused() -> None:
    (rule,) = parse('Rules = [ ColumnNamesMatchPattern ".*" ]').rules
    assert isinstance(rule, Rule)
    with pytest.raises(DqError) as refused:
        bind(rule, {"primary": Schema(())}, NOW)
    assert refused.value.message == "the table has no columns"


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
    assert {text.split(" ")[0] for text, *_ in [*CASES, *FILE_CASES]} == measured - ELSEWHERE
