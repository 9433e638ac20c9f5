"""What the cells of a scan become, and what a state says when there is nothing, or no number, in it."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from dq.metrics import (
    NO_VALUES,
    Answer,
    Bounds,
    Coefficient,
    CoMoments,
    Compliance,
    Correlation,
    Count,
    CountWhere,
    Deviations,
    Extremes,
    FileFound,
    Files,
    FilesBelow,
    FileSet,
    Frequencies,
    GroupCounts,
    Groups,
    InterquartileRange,
    Metric,
    Moments,
    Names,
    NamesMatching,
    Occurrences,
    Quartiles,
    Query,
    Ratio,
    Returned,
    Returning,
    RowsReturned,
    Shape,
    Size,
    Spread,
    State,
    Statement,
    Sum,
    Total,
    Undefined,
    entropy,
    is_single,
)
from dq.schema import Column, Type
from dq.scope import Scope
from dq.tree import column, is_present, literal

INF, NAN = math.inf, math.nan
D, N, S = Column("d", Type.FLOAT, "DOUBLE"), Column("i", Type.INTEGER, "BIGINT"), Column("s", Type.STRING, "VARCHAR")
HELD = is_present(column("i"))
FILE = FileFound("/x/a.csv", "a.csv", 3, None)

STATES: list[tuple[Metric, tuple[Any, ...], object]] = [
    (Size(), (3,), Count(3)),
    (CountWhere(HELD), (2,), Count(2)),
    (Compliance(HELD), (2, 3), Ratio(2, 3)),
    (Bounds(N), (1, 5), Extremes(1.0, 5.0)),
    (Bounds(N), (0, 0), Extremes(0.0, 0.0)),
    (Bounds(N), (None, None), Extremes()),
    (Bounds(N, high=False), (1,), Extremes(1.0, None)),
    (Bounds(N, low=False), (5,), Extremes(None, 5.0)),
    # floats: least, greatest, how many are NaN, how many there are
    (Bounds(D), (1.0, 5.0, 0, 3), Extremes(1.0, 5.0)),
    (Bounds(D), (1.0, 5.0, 1, 3), Extremes(1.0, NAN)),
    (Bounds(D), (1.0, None, 3, 3), Extremes(NAN, NAN)),
    (Bounds(D), (None, None, 0, 0), Extremes()),
    (Bounds(D, low=False), (5.0, 1, 3), Extremes(None, NAN)),
    (Bounds(D, low=False), (5.0, 3, 3), Extremes(None, NAN)),
    (Bounds(D, high=False), (1.0,), Extremes(1.0, None)),
    (Sum(N), (2, 7), Total(2, 7)),
    (Sum(N), (0, None), Total()),
    (Sum(N), (2, Decimal("0.00")), Total(2, Decimal("0.00"))),
    # count, mean, variance and count of the finite
    (Spread(D), (4, 2.5, 1.25, 4), Deviations(4, 2.5, 5.0)),
    (Spread(D), (0, None, None, 0), Deviations()),
    (Spread(D), (4, 2.5, 1.25, 3), Deviations(4, NAN, NAN)),
    (Spread(D), (1, None, None, 0), Deviations(1, NAN, NAN)),
    # count, mean, sums of powers of deviations, least, greatest
    (Shape(D), (3, 2.0, 2.0, 1.0, 3.0, 1.0, 4.0), Moments(3, 2.0, 2.0, 1.0, 3.0)),
    (Shape(D), (3, 0.1000001, 1e-17, 1e-17, 1e-17, 0.1, 0.1), Moments(3, 0.1)),
    (Shape(D), (2, INF, NAN, NAN, NAN, INF, INF), Moments(2, INF, NAN, NAN, NAN)),
    (Shape(D), (0, None, None, None, None, None, None), Moments()),
    # pairs, finite pairs, then the coefficient, or what parts are asked for
    (Correlation(D, N), (3, 3, 0.5), Coefficient(3, 0.5)),
    (Correlation(D, N), (3, 2, 0.5), Coefficient(3, NAN)),
    (Correlation(D, N), (3, 3, None), Coefficient(3, NAN)),
    (Correlation(D, N), (0, 0, None), Coefficient()),
    (InterquartileRange(D), (1, 3), Quartiles(1.0, 3.0)),
    (InterquartileRange(D), (None, None), Quartiles()),
    # rows, groups, singles, NULLs, then what was asked for: gaps, sizes, repeated keys
    (GroupCounts((D,)), (5, 3, 2, 1), Occurrences(5, 3, 2, 1)),
    (GroupCounts((D,)), (None, 0, 0, None), Occurrences()),
    (GroupCounts((D,), weigh=True), (2, 2, 2, 0, {1: 2}), Occurrences(2, 2, 2, entropy=math.log(2))),
    (GroupCounts((D,), weigh=True), (None, 0, 0, 3, None), Occurrences(nulls=3, entropy=0.0)),
    (GroupCounts((D, N)), (5, 3, 2, 1, 1), Occurrences(5, 3, 2, 1, 1)),
    (Query(column("i"), ()), (["n"], [[3]]), Answer(("n",), ((3,),))),
    (RowsReturned(column("i"), ()), (1, 2, ["i"], ""), Returned(1, 2, ("i",))),
    (
        NamesMatching("a", "a", ("a", "ab", "c")),
        (["name", "whole", "partly"], [("a", True, True), ("ab", False, True), ("c", False, False)]),
        Names(("a",), ("a", "ab"), 3),
    ),
    # the files, how many were listed, single, missing, remarks
    (Files("x"), ((FILE,), 2, True, False, ("a link",)), FileSet((FILE,), 2, single=True, notes=("a link",))),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "cells", "state"), STATES)
def test_the_state_that_cells_are(metric: Metric, cells: tuple[Any, ...], state: object) -> None:
    assert repr(metric.state(cells)) == repr(state)  # NaN is not equal to itself


def test_keys_that_repeat_come_with_their_counts() -> None:
    found = GroupCounts((S, N), weigh=True).state(
        (4, 2, 0, 0, 0, {2: 2}, [{"k0": "a", "k1": 1}, {"k0": "b", "k1": None}])
    )
    assert isinstance(found, Occurrences)
    assert found.repeated == (("a", 1), ("b", None))
    assert found.entropy == pytest.approx(math.log(2))
    assert GroupCounts((S,)).state((1, 1, 1, 0, None)) == Occurrences(1, 1, 1)


VALUES: list[tuple[Any, float | str]] = [
    (Count(3), 3),
    (Ratio(1, 4), 0.25),
    (Ratio(), "no rows in scope"),
    (Extremes(1, 5), 4),
    (Extremes(0.0, 0.0), 0),
    (Extremes(None, 5), NO_VALUES.reason),
    (Extremes(5, None), NO_VALUES.reason),
    (Total(2, 7.0), 7.0),
    (Total(2, 0.0), 0.0),
    (Total(), NO_VALUES.reason),
    (Deviations(4, 0.0, 1.0), 0.25),
    (Deviations(4, 0.0, -1e-20), 0.0),
    (Deviations(), "no value to measure: every row in scope is NULL, or there is none"),
    (CoMoments(3, 0, 0, 4.0, 9.0, 3.0), 0.5),
    (CoMoments(3, 0, 0, 4.0, 9.0, -6.0), -1.0),
    (CoMoments(3, 0, 0, 0.25, 0.0625, 0.0625), 0.5),
    (CoMoments(3, 0, 0, 0.0, 9.0, 0.0), NAN),
    (CoMoments(3, 0, 0, 9.0, 0.0, 0.0), NAN),
    (CoMoments(3, 0, 0, -1e-20, 9.0, 3.0), NAN),
    (CoMoments(3, 0, 0, 9.0, -1e-20, 3.0), NAN),
    (CoMoments(), NO_VALUES.reason),
    (Coefficient(3, 0.5), 0.5),
    (Coefficient(3), NAN),
    (Coefficient(), NO_VALUES.reason),
    (Quartiles(1.0, 3.5), 2.5),
    (Quartiles(0.0, 0.0), 0.0),
    (Quartiles(None, 3.0), NO_VALUES.reason),
    (Quartiles(3.0, None), NO_VALUES.reason),
    (Occurrences(5, 4, 3), 0.6),
    (Occurrences(nulls=2), NO_VALUES.reason),
    (Returned(1, 4), 0.25),
    (Returned(), "no rows"),
    (Returned(problem="no column is shared"), "no column is shared"),
    (Names(("a",), (), 4), 0.25),
    (Names((), (), 0), "no columns"),
    (FileSet((FILE, FILE), 3), 2),
    (FileSet(), 0),
]


@pytest.mark.parametrize(("state", "expected"), VALUES)
def test_the_number_of_a_state_or_why_there_is_none(state: State, expected: float | str) -> None:
    value = state.value()
    assert str(value.reason if isinstance(value, Undefined) else float(value)) == str(
        expected if isinstance(expected, str) else float(expected)
    )


def test_statistics_of_one_state() -> None:
    assert Total(4, 6.0).mean() == 1.5
    assert Total().mean() == NO_VALUES
    assert Deviations(4, 0.0, 16.0).deviation() == 2.0
    assert Deviations().deviation() == NO_VALUES
    moments = Moments(4, 2.0, 3.0, 5.0, 9.0)
    assert moments.value() == moments.skewness() == pytest.approx(2 * 5 / 3**1.5)
    assert moments.kurtosis() == 4 * 9 / 9 - 3
    assert (Moments(3, 2.0).skewness(), Moments(3, 2.0).kurtosis()) == (0.0, 0.0)
    assert (Moments().skewness(), Moments().kurtosis()) == (NO_VALUES, NO_VALUES)


def test_statistics_of_groups() -> None:
    found = Occurrences(rows=5, groups=4, singles=3, nulls=2, entropy=1.5)
    assert (found.uniqueness(), found.unique_value_ratio()) == (0.6, 0.75)
    assert (found.distinct(), found.duplicates(), found.information()) == (5, 2, 1.5)
    assert Occurrences(rows=5, groups=4, singles=3).distinct() == 4
    assert Occurrences(rows=5).information() == NO_VALUES
    nothing = Occurrences(nulls=3, entropy=0.0)
    assert nothing.uniqueness() == nothing.unique_value_ratio() == nothing.information() == NO_VALUES


@pytest.mark.parametrize(
    ("sizes", "nats"), [({3: 1}, 0.0), ({1: 4}, math.log(4)), ({}, 0.0), ({1: 2, 2: 1}, 1.5 * math.log(2))]
)
def test_entropy_of_groups_by_their_sizes(sizes: dict[int, int], nats: float) -> None:
    found = entropy(sizes)
    assert found == pytest.approx(nats)
    assert math.copysign(1, found) == 1


LONG = Decimal("12345678901234567890123456789012345678.01")
FAR = 1e200
"""So far from 0 that its square is no number."""

MERGED: list[tuple[Any, Any, Any]] = [
    (Count(2), Count(3), Count(5)),
    (Ratio(1, 2), Ratio(3, 7), Ratio(4, 9)),
    (Extremes(1, 5), Extremes(2, 9), Extremes(1, 9)),
    (Extremes(None, 5), Extremes(2, None), Extremes(2, 5)),
    (Total(2, 5.5), Total(1, 2.0), Total(3, 7.5)),
    (Total(2, 5), Total(1, 2), Total(3, 7)),
    (Total(2, LONG), Total(1, Decimal("0.01")), Total(3, Decimal("12345678901234567890123456789012345678.02"))),
    (Total(2, Decimal("1.50")), Total(1, 2.0), Total(3, 3.5)),
    (Total(2, Decimal("1.50")), Total(), Total(2, Decimal("1.50"))),
    (Deviations(1, FAR, 0.0), Deviations(), Deviations(1, FAR, 0.0)),
    (Moments(1, FAR), Moments(), Moments(1, FAR)),
    (Moments(3, 2.0), Moments(2, 2.0, 2.0, 0.0, 2.0), Moments(5, 2.0, 2.0, 0.0, 2.0)),
    (CoMoments(1, FAR, FAR), CoMoments(), CoMoments(1, FAR, FAR)),
    *((nothing, nothing, nothing) for nothing in (Total(), Deviations(), Moments(), CoMoments())),
]


@pytest.mark.parametrize(("one", "other", "merged"), MERGED)
def test_the_state_of_two_parts(one: State, other: State, merged: State) -> None:
    assert repr(one.merge(other)) == repr(other.merge(one)) == repr(merged)


def test_a_nan_is_the_greatest_extreme_of_both_parts() -> None:
    assert repr(Extremes(1.0, NAN).merge(Extremes(0.0, 9.0))) == repr(Extremes(0.0, NAN))
    assert repr(Extremes(NAN, NAN).merge(Extremes(INF, INF))) == repr(Extremes(INF, NAN))
    assert repr(Extremes(INF, INF).merge(Extremes(NAN, NAN))) == repr(Extremes(INF, NAN))
    assert Extremes(None, None).merge(Extremes(2.0, 3.0)) == Extremes(2.0, 3.0)


ANSWERS: list[tuple[tuple[str, ...], tuple[tuple[Any, ...], ...], float | str]] = [
    (("n",), ((3,),), 3.0),
    (("n",), (("  -1.5e1\t",),), -15.0),
    (("n",), (("x",),), "the query returned 'x', which is no number"),
    (("n",), (("1_0",),), "the query returned '1_0', which is no number"),
    (("n",), (([1],),), "the query returned [1], which is no number"),
    (("n",), ((None,),), "the query returned NULL, which is no number"),
    (("n",), (), "the query returned no row, and exactly 1 is needed"),
    (("n",), ((1,), (2,)), "the query returned more than 1 row, and exactly 1 is needed"),
    ((), ((),), "the query returned 0 columns, and exactly 1 is needed"),
    (("a", "b"), ((1, 2),), "the query returned 2 columns, and exactly 1 is needed"),
]


@pytest.mark.parametrize(("columns", "rows", "expected"), ANSWERS)
def test_the_answer_of_a_query(
    columns: tuple[str, ...], rows: tuple[tuple[Any, ...], ...], expected: float | str
) -> None:
    value = Answer(columns, rows).value()
    assert (value.reason if isinstance(value, Undefined) else value) == expected


def frequencies(*counts: tuple[Any, int]) -> Frequencies:
    keys, n = zip(*counts, strict=True) if counts else ((), ())
    return Frequencies(pa.table({"k0": pa.array(keys, pa.int64()), "n": pa.array(n, pa.int64())}))


@pytest.mark.parametrize(
    ("counts", "quartiles"),
    [
        ([(9, 1), (1, 2), (5, 1), (None, 3), (0, 1)], Quartiles(1.0, 5.0)),
        ([(1, 1), (2, 1), (6, 1), (9, 1)], Quartiles(1.75, 6.75)),
        ([(7, 1)], Quartiles(7.0, 7.0)),
        ([(None, 2)], Quartiles()),
        ([], Quartiles()),
    ],
)
def test_quartiles_of_a_frequency_table(counts: list[tuple[Any, int]], quartiles: Quartiles) -> None:
    assert InterquartileRange(N).summarise(frequencies(*counts)) == quartiles


def test_frequencies_of_floats_are_those_of_their_values() -> None:
    def of(*keys: float) -> Frequencies:
        return Frequencies(pa.table({"k0": keys, "n": [1] * len(keys)}))

    merged = of(-0.0, 1.5, NAN).merge(of(0.0, 2.5, NAN))
    assert sorted((str(key), n) for (key,), n in merged) == [("0.0", 2), ("1.5", 1), ("2.5", 1), ("nan", 2)]


EIGHT, SEVEN, SIX, FIVE = ({"k0": key} for key in (8, 7, 6, 5))
NAMED = {"k0": 1, "k1": "a"}
JOINED: list[tuple[GroupCounts, list[tuple[Any, ...]], Occurrences, list[tuple[Any, ...]]]] = [
    (GroupCounts((N,)), [(4, 3, 2, 1, [EIGHT]), (3, 2, 1, None, None), (None, 0, 0, 2, [])], Occurrences(7, 5, 3, 3), [(8,)]),
    (GroupCounts((N,)), [(4, 2, 0, 0, [EIGHT, SEVEN]), (4, 2, 0, 0, [SIX, FIVE])], Occurrences(8, 4), [(8,), (7,), (6,)]),
    (GroupCounts((D,)), [(4, 3, 2, 1), (3, 2, 1, 0)], Occurrences(7, 5, 3, 1), []),
    (GroupCounts((N, S)), [(4, 3, 2, 1, 2, [NAMED]), (3, 2, 1, 0, None, None)], Occurrences(7, 5, 3, 1, 2), [(1, "a")]),
    (
        GroupCounts((D,), weigh=True),
        [(4, 2, 1, 0, {1: 1, 3: 1}), (3, 1, 0, 0, {3: 1}), (None, 0, 0, 1, None)],
        Occurrences(7, 3, 1, 1, entropy=entropy({1: 1, 3: 2})),
        [],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "parts", "joined", "repeated"), JOINED)
def test_groups_that_were_counted_in_parts(
    metric: GroupCounts, parts: list[tuple[Any, ...]], joined: Occurrences, repeated: list[tuple[Any, ...]]
) -> None:
    found = metric.joined(parts)
    assert found == joined
    assert found.repeated == tuple(repeated)


def test_metrics_that_merge_through_frequency_tables_say_which() -> None:
    scope = Scope(HELD)
    assert InterquartileRange(N, scope).frequencies == Groups((N,), scope, "primary")
    assert GroupCounts((N, D), scope, table="ref").frequencies == Groups((N, D), scope, "ref")
    table = frequencies((1, 1), (2, 3), (None, 2))
    assert GroupCounts((N,)).summarise(table) == Occurrences(4, 2, 1, 2)
    assert GroupCounts((N,), weigh=True).summarise(table).entropy == pytest.approx(entropy({1: 1, 3: 1}))


def test_statements_are_scans_of_their_own() -> None:
    query = literal(1)
    assert Query(query, ("a",)).grain == Statement(query, ("a",))
    assert RowsReturned(query, ("a",)).grain == Returning(query, ("a",))
    assert (Files("x").grain, Files().grain) == (FilesBelow("x"), FilesBelow())
    for metric in (Query(query, ()), RowsReturned(query, ()), NamesMatching("a", "a", ("a",)), Files()):
        assert metric.aggregates() == ()


@pytest.mark.parametrize(
    ("type_", "native", "single"),
    [
        (Type.FLOAT, "FLOAT", True),
        (Type.FLOAT, "real", True),
        (Type.FLOAT, "float4", True),
        (Type.FLOAT, "DOUBLE", False),
        (Type.STRING, "FLOAT", False),
    ],
)
def test_which_columns_hold_single_floats(type_: Type, native: str, single: bool) -> None:
    assert is_single(Column("x", type_, native)) is single
