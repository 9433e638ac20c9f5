"""Random tables and rulesets on a PostgreSQL server have the outcomes that they have in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pyarrow as pa
import pytest
from differential.oracle import World
from differential.test_laws import alike, as_it_is
from differential.worlds import arrow, count, rulesets, worlds, written
from examples import MADE, examples
from hypothesis import given, note, settings
from hypothesis import strategies as st
from servers.postgres import postgres
from servers.postgres_tables import Shop

NEAREST = {pa.int8(): pa.int16(), pa.uint8(): pa.int16(), pa.uint64(): pa.decimal128(20, 0)}
"""What is stored of types that PostgreSQL does not have."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with postgres() as server, closing(Shop(server)) as shop:
        yield shop


def storable(table: pa.Table) -> pa.Table:
    return table.cast(pa.schema([(each.name, NEAREST.get(each.type, each.type)) for each in table.schema]))


@pytest.mark.slow
@settings(max_examples=examples(40, small=10))
@given(data=st.data(), world=worlds())
def test_what_a_server_answers_is_what_memory_answers(shop: Shop, data: st.DataObject, world: World) -> None:
    ruleset = data.draw(rulesets(world))
    note(written(ruleset))
    MADE.update({"rulesets": 1, "rules": count(ruleset)})
    tables = {"primary": storable(arrow(world.primary)), "ref": storable(arrow(world.ref))}
    here = replace(as_it_is(world, ruleset), **tables)
    there = replace(here, **shop.open(tables, shop.answering))
    for rule, first, second in zip(ruleset, here.answer().outcomes, there.answer().outcomes, strict=True):
        assert not list(alike(rule, world, first, second)), (rule, first.reason, second.reason)
