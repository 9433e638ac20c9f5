"""The rulesets of the project are in shape, portable to Glue, and judge the data they are for."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from report_schema import assert_valid_report

import dq

ROOT = Path(__file__).parents[2]
RULESETS = sorted((ROOT / "rulesets").glob("*.dqdl"))


@pytest.mark.parametrize("path", RULESETS, ids=lambda path: path.name)
def test_a_ruleset_is_in_shape_and_portable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert dq.format_text(text) == text
    assert dq.check(text) == []
    assert dq.check(text, dialect="glue") == []


def test_the_flights_have_the_faults_that_are_known(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "rulesets" / "demo.py"))["unpack"](tmp_path)
    data = {"primary": "flights", "airlines": "airlines", "airports": "airports", "planes": "planes"}
    tables = {alias: tmp_path / f"{name}.csv" for alias, name in data.items()}
    found = dq.evaluate(ROOT / "rulesets" / "flights.dqdl", tables, read=dq.ReadOptions(nullstr="NA"))
    assert_valid_report(found.to_dict())
    failed = {
        str(each.rule).split(" labels")[0]: each.failing and each.failing.count
        for each in found.outcomes
        if not each.passed
    }
    assert failed == {
        'IsComplete "tailnum"': 2_512,
        'Completeness "arr_delay" > 0.98': 9_430,
        'ColumnValues "tailnum" matches "N[0-9]{1,5}[A-Z]{0,2}" with threshold > 0.99': 25_266,
        'ColumnValues "dep_delay" < 1000 where "dep_delay is not null"': 5,
        'ReferentialIntegrity "tailnum" "planes.tailnum" = 1.0': 52_606,
    }
    assert found.score == pytest.approx(24 / 29)
    assert found.exit_code == 1
