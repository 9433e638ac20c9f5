"""Whatever stands in a suite, each expectation becomes a rule that parses, or is lost with a reason: nothing else ends."""

from __future__ import annotations

import json
from typing import Any

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

import dq
from dq import gx
from dq.gx.expectations import ROWS
from dq.gx.suites import Expectation
from dq.gx.words import quoted

KEYS = sorted({key for row in ROWS.values() for key in row.example} | {"mostly", "row_condition", "ignore_row_if"})
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["a", "and"])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CONDITIONS = st.recursive(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["comparison", "nullity", "x"]),
            "column": st.just({"name": "a"}) | JSON,
            "operator": st.sampled_from(["==", "!=", "IN", "NOT_IN", "<"]) | JSON,
            "parameter": JSON,
        }
    ),
    lambda inner: st.fixed_dictionaries(
        {"type": st.sampled_from(["and", "or"]), "conditions": st.lists(inner, max_size=3) | JSON}
    ),
    max_leaves=4,
)


@st.composite
def expectations(draw: st.DrawFn) -> Expectation:
    """An expectation like its example, with some kwargs replaced by anything."""
    kind = draw(st.sampled_from(sorted(ROWS)))
    changes = draw(st.dictionaries(st.sampled_from(KEYS), JSON | CONDITIONS, max_size=3))
    text = draw(st.text(max_size=12))
    named = {key: text for key, value in ROWS[kind].example.items() if isinstance(value, str) and draw(st.booleans())}
    return Expectation(kind, {**ROWS[kind].example, **named, **changes}, {text: draw(JSON)}, notes=(text,))


@settings(max_examples=examples(400, small=60))
@given(st.lists(expectations(), min_size=1, max_size=3))
def test_every_expectation_becomes_a_rule_or_is_lost(wanted: list[Expectation]) -> None:
    kept = Expectation("expect_column_to_exist", {"column": "a"})
    suite = gx.Suite("s\nt", (*wanted, kept), notes=("x\ry",))
    ruleset, report = gx.from_suite(suite)
    assert len(report.conversions) == len(wanted) + 1
    assert len(ruleset.rules) == len(wanted) + 1 - report.count(gx.Fidelity.LOST)
    for each in report.conversions:
        assert bool(each.targets) != (each.fidelity is gx.Fidelity.LOST)
        assert bool(each.reason) == (each.fidelity is not gx.Fidelity.EXACT)
    json.dumps(gx.to_suite(ruleset)[0])


@settings(max_examples=examples(300, small=60))
@given(st.text())
def test_a_quoted_text_says_what_it_quotes(text: str) -> None:
    (rule,) = dq.parse(f"Rules = [ ColumnExists {quoted(text)} ]").rules
    assert rule.parameters[0].value == text  # type: ignore[union-attr]


@settings(max_examples=examples(300, small=60))
@given(st.text(alphabet="ab^$|()[]\\*+?{}1,.", max_size=10))
def test_a_pattern_is_converted_or_lost(pattern: str) -> None:
    wanted = [
        Expectation("expect_column_values_to_match_regex", {"column": "x", "regex": pattern}),
        Expectation("expect_column_to_exist", {"column": "x"}),
    ]
    ruleset, report = gx.from_suite(gx.Suite("s", tuple(wanted)))
    assert len(ruleset.rules) == 2 - report.count(gx.Fidelity.LOST)


@settings(max_examples=examples(100, small=20))
@given(JSON | st.fixed_dictionaries({"expectations": JSON}) | st.fixed_dictionaries({"expectations": st.lists(JSON)}))
def test_what_is_no_suite_is_an_error_of_the_user(found: Any) -> None:
    try:
        gx.read_suite(json.dumps(found))
    except dq.DqError:
        return
    assert isinstance(found, dict)
