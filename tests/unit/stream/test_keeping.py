"""States of a stream as bytes: what was written is read again, and nothing else is taken for it."""

from __future__ import annotations

import io
import json
import math
import zipfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dq.diagnostics import DataError
from dq.metrics import CoMoments, Count, Deviations, Extremes, Frequencies, Moments, Ratio, Total
from dq.powers import Powers
from dq.stream.cumulative import Cumulative, Kept, Lost, Stateless, Verdicts
from dq.stream.keeping import Snapshot, from_bytes, load, save, to_bytes

STATES = [
    Count(2**70),
    Ratio(1, 3),
    Extremes(None, math.inf),
    Extremes(-math.inf, 0.1),
    Total(3, 0.1 + 0.2),
    Total(3, Decimal("12345678901234567890123456789012345678.25")),
    Total(3, 2**80),
    Powers(2, (Fraction(1, 3), Fraction()), (((1, 0), Fraction(2, 7)), ((2, 0), Fraction(10**40)))),
    Powers(1, finite=False),
    Deviations(2, 1.5, 1e-300),
    Moments(4, -1.0, 2.0, 3.0, 4.0),
    CoMoments(2, 1.0, 2.0, 3.0, 4.0, 5.0),
    Lost("b.csv: `é` is \x00"),
    Stateless(),
]


def snapshot(state: Any) -> Snapshot:
    total = Cumulative(2, None, {"0.1": Kept(state, {"a b": "DOUBLE"})}, (Verdicts(1, 0, "a.csv: no"),))
    return Snapshot("Rules = [ RowCount > 0 ]", {"": total}, {"/é/a.csv": [1, 2, 3]})


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_what_was_written_is_read(state: Any) -> None:
    assert from_bytes(to_bytes(snapshot(state)), "s") == snapshot(state)


def test_a_nan_stays_one() -> None:
    read = from_bytes(to_bytes(snapshot(Deviations(1, math.nan, math.nan))), "s").totals[""].kept["0.1"].state
    assert read.n == 1
    assert math.isnan(read.mean)


def test_frequency_tables_keep_their_types_and_are_written_once() -> None:
    table = pa.table(
        {"k0": pa.array([None, 1.5, math.nan]), "k1": ["é", None, ""], "n": pa.array([1, 2, 3], pa.int64())}
    )
    state = Frequencies(table)
    kept = {place: Kept(state, {}) for place in ("0.0", "1.0")}
    data = to_bytes(Snapshot("r", {"": Cumulative(1, 6, kept)}))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert sum(name.endswith(".arrow") for name in archive.namelist()) == 1
    read = from_bytes(data, "s").totals[""].kept
    assert read["0.0"].state.table.schema == table.schema
    assert repr(list(read["1.0"].state)) == repr(list(state))


def changed(**fields: Any) -> bytes:
    with zipfile.ZipFile(io.BytesIO(to_bytes(snapshot(Count(1))))) as archive:
        document = json.loads(archive.read("stream.json"))
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("stream.json", json.dumps(document | fields))
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "does not hold the state of a stream"),
        (b"PK\x03\x04 cut", "does not hold the state of a stream"),
        (changed(totals={"": {"batches": 1}}), "does not hold the state of a stream"),
        (changed(version=99), "is of version 99"),
    ],
    ids=["empty", "cut", "a field is missing", "another version"],
)
def test_other_bytes_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        from_bytes(data, "orders.state")
    assert "orders.state" in caught.value.message
    assert caught.value.help == "begin a new one"


def test_a_file_is_written_whole_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.state"
    assert load(path) is None
    save(path, snapshot(Count(1)))
    save(path, snapshot(Count(2)))
    assert load(path) == snapshot(Count(2))
    assert [each.name for each in tmp_path.iterdir()] == ["a.state"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        save(tmp_path / "none" / "a.state", snapshot(Count(1)))
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path)
