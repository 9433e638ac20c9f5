import sys

import pandas as pd
import pytest
from evaluations import evaluation, orders

from dq.diagnostics import DqError


def test_one_row_per_rule_in_source_order() -> None:
    frame = orders().to_pandas()
    assert list(frame["line"]) == list(range(2, 12))
    failed = frame[frame["verdict"] == "FAILED"]
    assert list(failed["failing_rows"].fillna(-1)) == [60216, 2, -1]
    assert frame["type"][2] == "Completeness"
    assert pd.isna(frame["type"][1])
    assert frame["metrics"][2] == {"Column.email.Completeness": 0.9499999}
    assert frame["labels"][2] == {"team": "crm", "severity": "high"}


def test_a_ruleset_without_rules_gives_an_empty_frame_with_all_columns() -> None:
    frame = evaluation([]).to_pandas()
    assert len(frame) == 0
    assert list(frame.columns) == list(orders().to_pandas().columns)


def test_without_pandas_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DqError, match=r'pip install "dq-rules\[pandas\]"'):
        orders().to_pandas()
