"""What needs Great Expectations says which extra to install where it is missing."""

from __future__ import annotations

import sys

import pytest

import dq
from dq import gx


@pytest.mark.parametrize("name", ["EvaluateDqdlRulesetAction", "ExpectDqdlRulesetToPass"])
def test_a_missing_library_names_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "great_expectations.execution_engine", None)
    for module in ("dq.gx.plugin", "dq.gx.actions"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(dq.DqError, match="great_expectations is not installed") as raised:
        getattr(gx, name)
    assert raised.value.help == "pip install 'dq-rules[gx]'"
