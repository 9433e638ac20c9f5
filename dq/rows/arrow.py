"""Labelled rows as Arrow: the original columns, untouched and in order, and Glue's four outcome columns.

An engine gives batches whose last column holds, for each row, a list of as many booleans as there are rules. The
texts of the rules stand once in a dictionary, and a row holds their numbers: all of this is work on whole batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dq.diagnostics import DataError
from dq.rows.labels import ADDED, FAIL, FAILED, PASS, PASSED, RESULT, SKIP

CELLS = 1 << 20
"""How many outcomes a batch may hold: rows times rules."""


def batch_rows(rules: int) -> int:
    """How many rows a batch should have, so that its outcomes take little memory."""
    return max(1, min(1 << 16, CELLS // max(1, rules)))


def refuse_outcome_columns(names: Iterable[str]) -> None:
    """Refuse a table that has an outcome column already, in any letter case: readers of the result tell none apart.

    Raises:
        DataError: names it.
    """
    added = {name.lower() for name in ADDED}
    for name in (name for name in names if name.lower() in added):
        raise DataError(f"the table has a column `{name}` already", help="drop it, or give it another name")


class Labeller:
    """Turns an engine's batches, of at most `rows` rows each, into labelled ones."""

    def __init__(self, rules: Sequence[str], rows: int) -> None:
        self._texts = pa.array(rules, pa.string())
        self._width = len(rules)
        self._numbers = pa.array(list(range(self._width)) * rows, pa.int32())
        self._ends = pa.array([self._width * (row + 1) for row in range(rows)], pa.int64())

    def schema(self, original: pa.Schema) -> pa.Schema:
        """The schema of the labelled batches of an engine's batches."""
        lists = [pa.field(name, pa.list_(pa.string())) for name in (PASS, FAIL, SKIP)]
        return pa.schema([*list(original)[:-1], *lists, pa.field(RESULT, pa.string())])

    def label(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Each batch with the outcome columns in place of its last one."""
        for batch in batches:
            *original, outcomes = batch.columns
            flat = outcomes.flatten()
            passing, failing = pc.fill_null(flat, False), pc.fill_null(pc.invert(flat), False)
            lists = [self._lists(mask, batch.num_rows) for mask in (passing, failing, pc.is_null(flat))]
            result = pc.if_else(pc.greater(pc.list_value_length(lists[1]), 0), FAILED, PASSED)
            yield pa.RecordBatch.from_arrays([*original, *lists, result], schema=self.schema(batch.schema))

    def _lists(self, mask: pa.BooleanArray, rows: int) -> pa.ListArray:
        """The rules for which the mask is true, row by row."""
        numbers = self._numbers.slice(0, len(mask)).filter(mask)
        counts = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(mask.cast(pa.int32()))])
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), counts.take(self._ends.slice(0, rows))])
        return pa.ListArray.from_arrays(offsets, self._texts.take(numbers))
