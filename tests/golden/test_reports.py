from collections.abc import Callable

import pytest
from evaluations import EVALUATIONS, HOSTILE, hostile, orders
from report_schema import assert_valid_report

from dq.render import json, text

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("name", ["orders", "small", "empty", "history"])
def test_text(name: str, golden: Golden) -> None:
    golden(f"reports/{name}.txt", text.render(EVALUATIONS[name]()) + "\n")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("verbose", {"verbose": True}),
        ("quiet", {"quiet": True}),
        ("narrow", {"width": 40}),
        ("ascii-72", {"width": 72, "signs": text.ASCII}),
    ],
)
def test_text_of_orders(name: str, options: dict[str, object], golden: Golden) -> None:
    golden(f"reports/orders-{name}.txt", text.render(orders(), **options) + "\n")


def test_text_of_a_terminal_attack(golden: Golden) -> None:
    golden("reports/escapes.txt", text.render(hostile(HOSTILE[7]), verbose=True) + "\n")


@pytest.mark.parametrize("name", ["orders", "small", "empty", "history"])
def test_json(name: str, golden: Golden) -> None:
    evaluation = EVALUATIONS[name]()
    assert_valid_report(json.report(evaluation))
    golden(f"reports/{name}.json", json.render(evaluation) + "\n")
