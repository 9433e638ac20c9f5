import re
from dataclasses import replace

import pytest
from evaluations import FAILED, PASSED, evaluation, many, said
from hypothesis import given
from hypothesis import strategies as st

from dq.outcomes import Outcome
from dq.render import words


@pytest.mark.parametrize(
    ("value", "expected", "shown"),
    [
        ("1204310", "> 0", "1,204,310"),
        (1204310, "", "1,204,310"),
        ("0.9499999", "> 0.95", "0.9499999"),
        ("0.9499999", "> 0.9", "0.95"),
        ("0.95", "> 0.95", "0.95"),
        ("0.95000000000001", "= 0.95", "0.95000000000001"),
        ("0.99999999", "= 1.0", "0.99999999"),
        ("0.333333333333", "> 0.5", "0.333333"),
        ("39.99999999", "between 40 and 60", "39.99999999"),
        ("-0.00000012345678", "< 1", "-1.23457e-7"),
        ("1234567.891", "> 5", "1,234,568"),
        ("123456789012345678901234567890", "> 5", "1.23457e+29"),
        ("100", "", "100"),
        ("0", "= 0", "0"),
        (0.0, "", "0"),
        (1e-300, "> 0", "1e-300"),
        (float("nan"), "> 0", "nan"),
        (float("inf"), "> 0", "inf"),
        ("2024-01-01", "> 2023-12-31", "2024-01-01"),
        ("1,2", "in [1,2]", "1,2"),
        ("a\x1b[2J", "", "a\\x1b[2J"),
    ],
)
def test_numbers_are_short_and_never_lie_about_their_bound(value: str | float, expected: str, shown: str) -> None:
    assert words.number(value, expected) == shown


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, finite)
def test_a_shown_number_stands_to_its_bound_as_the_exact_one_does(value: float, bound: float) -> None:
    shown = float(words.number(value, f"> {bound!r}").replace(",", ""))
    assert (shown > bound, shown == bound) == (value > bound, value == bound)


@given(st.text())
def test_visible_text_is_printable_and_keeps_what_was_printable(text: str) -> None:
    shown = words.visible(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\tb", "a\\tb"), ("a\u202eb", "a\\u202eb"), ("\x9b", "\\x9b"), ("a\xa0b", "a\\xa0b"), ("日本", "日本")],
)
def test_visible(text: str, shown: str) -> None:
    assert words.visible(text) == shown


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (None, "NULL"),
        ("NULL", '"NULL"'),
        ("", '""'),
        (" de", '" de"'),
        ("de", "de"),
        (b"\x00\xff", "0x00ff"),
        (True, "True"),
        (1.5, "1.5"),
    ],
)
def test_a_missing_value_can_be_told_from_its_name(cell: object, shown: str) -> None:
    assert words.value(cell) == shown


@pytest.mark.parametrize(
    ("passed", "rules", "percent"),
    [
        (10, 10, "100%"),
        (2, 3, "66.6%"),
        (1999, 2000, "99.9%"),
        (99999, 100000, "99.9%"),
        (1, 2000, "<0.1%"),
        (0, 5, "0%"),
    ],
)
def test_the_score_never_rounds_up_to_success(passed: int, rules: int, percent: str) -> None:
    outcomes = [Outcome(said("RowCount > 0"), PASSED if number < passed else FAILED) for number in range(rules)]
    assert words.percent(evaluation(outcomes)) == percent


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "1 ms"), (0.0421, "42 ms"), (1.2345, "1.23 s"), (59.99, "60 s"), (125.2, "2 min 5 s")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert words.duration(seconds) == shown


def test_a_summary_counts_every_verdict() -> None:
    assert words.summary(many(300)) == "297 of 300 rules passed, 3 failed"
    assert words.summary(evaluation([])) == "nothing was judged: the ruleset has no rules"


def test_rows_that_nothing_counted_are_not_made_up() -> None:
    counted = evaluation([])
    table = counted.tables[0]
    assert words.rows_read(replace(counted, tables=(replace(table, rows=None),))) == ""
    assert re.search("not counted", words.size(None, 3))
