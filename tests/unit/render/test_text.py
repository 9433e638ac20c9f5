import io

import pytest
from evaluations import EVALUATIONS, FAILED, HOSTILE, evaluation, hostile, many, orders, said
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from dq.outcomes import FailingRows, Outcome
from dq.render import text


def printed(
    evaluation: object, *, encoding: str = "utf-8", terminal: bool = False, width: int = 100, **options: bool
) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    color = "truecolor" if terminal else None
    console = Console(file=file, width=width, force_terminal=terminal, color_system=color, legacy_windows=False)
    text.print_report(evaluation, console, **options)
    file.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("name", EVALUATIONS)
@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("verbose", [False, True])
def test_no_line_is_wider_than_the_page(name: str, width: int, verbose: bool) -> None:
    lines = text.render(EVALUATIONS[name](), width=width, verbose=verbose).split("\n")
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("hostility", HOSTILE)
@pytest.mark.parametrize("width", [20, 80])
def test_hostile_text_is_shown_and_never_executed(hostility: str, width: int) -> None:
    shown = text.render(hostile(hostility), width=width, verbose=True)
    assert all(line.isprintable() and cell_len(line) <= width for line in shown.split("\n"))


@given(st.text(), st.integers(20, 120))
def test_any_text_stays_on_the_page(hostility: str, width: int) -> None:
    shown = text.render(hostile(hostility), width=width, verbose=True)
    assert all(line.isprintable() and cell_len(line) <= width for line in shown.split("\n"))


@pytest.mark.parametrize("hostility", HOSTILE)
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_pipe_gets_what_its_encoding_can_hold(hostility: str, encoding: str) -> None:
    shown = printed(hostile(hostility), encoding=encoding, verbose=True)
    assert "\x1b" not in shown
    assert ("✗ FAILED" if encoding == "utf-8" else "x FAILED") in shown


def test_a_terminal_gets_colour_and_the_same_words() -> None:
    shown = printed(orders(), terminal=True)
    assert "\x1b[" in shown
    assert printed(orders()).rstrip("\n") == text.render(orders())


def test_markup_of_rich_is_only_text() -> None:
    assert "[bold red]markup[/] :smile:" in printed(hostile("[bold red]markup[/] :smile:"), terminal=True)


def test_quiet_leaves_what_did_not_pass_and_the_score() -> None:
    shown = text.render(many(300), quiet=True)
    assert shown.count("FAILED") == 3
    assert "PASSED" not in shown
    assert shown.endswith("Score 99%  297 of 300 rules passed, 3 failed")


def test_a_value_that_fails_is_not_shown_as_its_bound() -> None:
    assert "0.9499999  > 0.95" in text.render(orders())


def test_an_empty_ruleset_is_not_praised() -> None:
    shown = text.render(evaluation([]))
    assert "nothing was judged" in shown
    assert "100%" not in shown


def test_parts_that_are_left_out_are_counted() -> None:
    assert "19,800 more parts are in the JSON report" in text.render(EVALUATIONS["nested"](), verbose=True)


@pytest.mark.parametrize("width", range(20, 60))
def test_a_number_is_not_broken_at_its_commas(width: int) -> None:
    found = evaluation([Outcome(said('IsUnique "id"'), FAILED, failing=FailingRows(20_000_000, 20_000_000))])
    assert text.render(found, width=width).count("20,000,000") == 2
