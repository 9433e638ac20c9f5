"""Ranks of a table in piles: the value that sorting all of it would give."""

from __future__ import annotations

import math

import duckdb
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from dq.engines import quantiles
from dq.engines.quantiles import MARKS, Marks, order, ranked

values = st.integers(-5, 5).map(float) | st.floats(width=32) | st.sampled_from([math.inf, -math.inf, math.nan, -0.0])


def asked(piles: list[list[float]], query: str) -> list[list[tuple[float, ...]]]:
    found = []
    for pile in piles:
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE g (k0 DOUBLE, n BIGINT)")
            connection.executemany("INSERT INTO g VALUES (?, 1)", [[each] for each in (*pile, None)])
            found.append(connection.execute(query).fetchall())
    return found


@pytest.mark.parametrize("told", [2, 1000])
@settings(max_examples=examples(20))
@given(st.lists(st.lists(values, max_size=12), min_size=1, max_size=4).filter(any), st.data())
def test_the_value_of_a_rank(told: int, piles: list[list[float]], data: st.DataObject) -> None:
    whole = sorted((each for pile in piles for each in pile), key=order)
    rank = data.draw(st.integers(0, len(whole) - 1))
    marks = Marks(asked(piles, MARKS.replace(str(quantiles.TOLD), str(told))))  # type: ignore[arg-type]
    assert marks.total == len(whole)
    below, between = (asked(piles, query) for query in marks.around(rank).queries)
    found = ranked(rank, sum(int(n) for ((n,),) in below), [pair for pile in between for pair in pile])  # type: ignore[misc]
    assert order(found) == order(whole[rank])
