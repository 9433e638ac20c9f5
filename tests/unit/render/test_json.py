import json as standard
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from evaluations import EVALUATIONS, FAILED, HOSTILE, evaluation, hostile, nested, orders, said
from hypothesis import given
from hypothesis import strategies as st
from report_schema import assert_valid_report

from dq.outcomes import Evaluation, FailingRows, Outcome
from dq.render import json


def refused(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def read(evaluation: Evaluation) -> dict[str, object]:
    """The report as a strict parser reads it from UTF-8."""
    text = json.render(evaluation).encode("utf-8")
    loaded: dict[str, object] = standard.loads(text, parse_constant=refused)
    return loaded


@pytest.mark.parametrize("name", EVALUATIONS)
def test_reports_obey_the_schema_and_survive_a_strict_parser(name: str) -> None:
    report = json.report(EVALUATIONS[name]())
    assert_valid_report(report)
    assert read(EVALUATIONS[name]()) == report


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_data(text: str) -> None:
    assert_valid_report(read(hostile(text)))


@given(st.text())
def test_any_text_is_data(text: str) -> None:
    evaluation = hostile(text)
    assert_valid_report(read(evaluation))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, None),
        (True, True),
        (2**200, 2**200),
        (0.1, 0.1),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (Decimal("49.900"), "49.900"),
        (date(2026, 3, 9), "2026-03-09"),
        (datetime(2026, 3, 9, 8, 30, tzinfo=UTC), "2026-03-09T08:30:00+00:00"),
        (time(8, 30), "08:30:00"),
        (timedelta(hours=25), "1 day, 1:00:00"),
        (b"\x00\xff", "00ff"),
        (bytearray(b"a"), "61"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ([1, [math.nan]], [1, ["NaN"]]),
        ({"a": Decimal(1)}, {"a": "1"}),
        ({1: "a", "1": "b"}, [[1, "a"], ["1", "b"]]),
        (np.int64(5), 5),
        (np.float32(0.5), 0.5),
        ("\udc80", "\\udc80"),
    ],
)
def test_values_of_rows(cell: object, expected: object) -> None:
    outcome = Outcome(said("IsComplete"), FAILED, failing=FailingRows(1, 6, ("a",), ((cell,),)))
    report = read(evaluation([outcome]))
    assert_valid_report(report)
    assert report["outcomes"][0]["failing"]["sample"] == [[expected]]


@pytest.mark.parametrize(("metric", "expected"), [(math.nan, "NaN"), (np.int64(3), 3), (10**400, 10**400)])
def test_metrics_that_json_cannot_write_are_named(metric: float, expected: object) -> None:
    report = read(evaluation([Outcome(said("Mean"), FAILED, metrics={"Column.a.Mean": metric})]))
    assert_valid_report(report)
    assert report["outcomes"][0]["metrics"] == {"Column.a.Mean": expected}


def test_a_rule_says_where_it_stands() -> None:
    first = read(orders())["outcomes"][2]
    assert first["line"] == 4
    assert first["span"] == {"start": {"line": 4, "column": 5}, "end": {"line": 4, "column": 31}}


def test_a_rule_that_was_not_read_from_text_has_no_place() -> None:
    outcome = read(evaluation([Outcome(said("RowCount > 0"), FAILED)]))["outcomes"][0]
    assert (outcome["line"], outcome["span"]) == (None, None)


def test_parts_stand_in_order_with_their_depth() -> None:
    parts = read(orders())["outcomes"][5]["parts"]
    assert [(part["depth"], part["type"], part["operator"]) for part in parts] == [
        (1, "ColumnValues", None),
        (1, None, "and"),
        (2, "ColumnValues", None),
        (2, "ColumnValues", None),
    ]


def test_deep_composites_keep_every_part() -> None:
    parts = read(nested(10_000))["outcomes"][0]["parts"]
    assert len(parts) == 20_000
    assert max(part["depth"] for part in parts) == 10_000


@pytest.mark.parametrize(
    "change", [{"version": "2.0"}, {"extra": 1}, {"score": 1.5}, {"outcomes": None}, {"started": "yesterday"}]
)
def test_the_schema_refuses_what_is_not_a_report(change: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        assert_valid_report(json.report(orders()) | change)


def test_every_field_of_the_schema_is_described() -> None:
    def undescribed(node: object, path: str) -> list[str]:
        if not isinstance(node, dict):
            return []
        missing = [
            f"{path}.{name}"
            for name, field in node.get("properties", {}).items()
            if "description" not in field and "$ref" not in field
        ]
        return missing + [each for key, child in node.items() for each in undescribed(child, f"{path}.{key}")]

    assert undescribed(json.schema(), "$") == []
