from __future__ import annotations

import pytest

from dq.catalog.selection import chosen, partition_filter

DAYS = [{"dt": "2026-10-31"}, {"dt": "2026-11-01"}, {"dt": "2026-11-02"}]
NUMBERS = [{"n": "9"}, {"n": "10"}, {"n": "011"}]


@pytest.mark.parametrize(
    ("partitions", "text", "kept"),
    [
        (DAYS, "dt=2026-11-01", [1]),
        (DAYS, "dt>2026-11-01", [2]),
        (DAYS, "dt=2026-10-31..2026-11-01", [0, 1]),
        (DAYS, "dt>2030", []),
        (DAYS, "dt<2030", [0, 1, 2]),
        (DAYS, "dt>=2026-11", [1, 2]),
        (DAYS, "DT=latest", [2]),
        (NUMBERS, "n>9", [1, 2]),
        (NUMBERS, "n=11", [2]),
        (NUMBERS, "n!=10", [0, 2]),
        (NUMBERS, "n=9,10", [0, 1]),
        (NUMBERS, "n=latest", [2]),
    ],
)
def test_partitions_meet_a_filter(partitions: list[dict[str, str]], text: str, kept: list[int]) -> None:
    assert chosen(partitions, [partition_filter(text)]) == kept
