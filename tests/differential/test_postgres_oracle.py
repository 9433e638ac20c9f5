"""Random tables and rulesets on a PostgreSQL server have the outcomes that they have in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pyarrow as pa
import pytest
from differential.oracle import World, leaves
from differential.test_laws import alike, as_it_is
from differential.worlds import arrow, rulesets, worlds, written
from examples import MADE, examples
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st
from servers.postgres import postgres
from servers.postgres_tables import Shop

from dq.sources import keys

NEAREST = {
    pa.int8(): pa.int16(),
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
}
"""What is stored of types that PostgreSQL does not have."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with postgres() as server, closing(Shop(server)) as shop:
        yield shop


def storable(table: pa.Table) -> pa.Table:
    """The table in types of PostgreSQL; there are none for structs."""
    kept = table.select([each.name for each in table.schema if not pa.types.is_struct(each.type)])
    return kept.cast(pa.schema([(each.name, nearest(each.type)) for each in kept.schema]))


def nearest(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    return pa.time64("us") if pa.types.is_time(kind) else NEAREST.get(kind, kind)


@pytest.mark.slow
@pytest.mark.parametrize("there", [("primary", "ref"), ("primary",), ("ref",)], ids="+".join)
@settings(max_examples=examples(40, small=10))
@given(data=st.data(), world=worlds())
def test_what_a_server_answers_is_what_memory_answers(
    shop: Shop, there: tuple[str, ...], data: st.DataObject, world: World
) -> None:
    ruleset = data.draw(rulesets(world))
    note(written(ruleset))
    MADE.update({"rulesets": 1, "rules": sum(len(leaves(each)) for each in ruleset)})
    tables = {"primary": storable(arrow(world.primary)), "ref": storable(arrow(world.ref))}
    assume(all(each.column_names for each in tables.values()))  # a table of structs alone has none left
    here = replace(as_it_is(world, ruleset), **tables)
    stored = shop.open({alias: tables[alias] for alias in there}, shop.answering)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "ENOUGH", 1)
        answer = replace(here, **stored).answer()
    for rule, first, second in zip(ruleset, here.answer().outcomes, answer.outcomes, strict=True):
        assert not list(alike(rule, world, first, second)), (rule, first.reason, second.reason)
