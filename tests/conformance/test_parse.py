"""Every recorded parser verdict and canonical text, and every example of the language."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import dq
from dq.diagnostics import Severity

DATA = Path(__file__).parent / "data"
EXAMPLES = DATA / "examples"

REFUSED_IN_DQ = {
    "analyzers_before_rules",
    "impossible_date",
    "matchpattern_where",
    "second_rules_section",
    "text_after_document",
    "threshold_and_condition_customsql",
    "threshold_string",
    "unknown_function",
    "variable_undefined_in_analyzer",
    "where_blank",
}
"""What the published parser lets pass, or only the guide shows, and REFERENCE tells us to refuse."""


@cache
def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / "parse_cases.jsonl").read_text().splitlines()]


def sorted_labels(text: str) -> str:
    """The labels of each list in one order: the recorded one is that of a hash map."""
    return re.sub(r"labels=\[(.*?)\]", lambda m: "labels=[" + ", ".join(sorted(m[1].split(", "))) + "]", text)


def agrees(case: dict[str, Any]) -> bool:
    try:
        ruleset = dq.parse(case["ruleset"], dialect="glue")
    except dq.DqError:
        return not case["accept"]
    texts = (str(ruleset), [str(rule) for rule in ruleset.rules], [str(each) for each in ruleset.analyzers])
    recorded = (case.get("normalised"), case.get("rules"), case.get("analyzers"))
    return case["accept"] and sorted_labels(repr(texts)) == sorted_labels(repr(recorded))


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_the_published_parser_agrees(case: dict[str, Any]) -> None:
    assert agrees(case)


@pytest.mark.parametrize("case", [case for case in cases() if case["accept"]], ids=lambda case: case["id"])
def test_the_canonical_text_of_a_rule_parses_to_an_equal_rule(case: dict[str, Any]) -> None:
    try:
        ruleset = dq.parse(case["ruleset"])
    except dq.DqError:
        return  # dialect dq refuses what it must; the round trip is about what it takes
    again = dq.parse(ruleset.document())
    assert again == ruleset
    assert [str(rule) for rule in again.rules] == [str(rule) for rule in ruleset.rules]


ONLY_INVALID_IN_GLUE = {
    "labels_after_threshold",
    "parameters_looks_like_date",
    "ruletype_customsql_case",
    "tag_with_list",
}
"""What the published parser refuses and REFERENCE tells us to take."""


def examples(folder: str) -> list[Path]:
    return sorted((EXAMPLES / folder).glob("*.dqdl"))


def read(path: Path) -> str:
    with path.open(newline="") as file:
        return file.read()


@pytest.mark.parametrize(
    "path", [*examples("."), *examples("extensions"), *examples("quirks")], ids=lambda path: path.stem
)
def test_valid_examples_parse(path: Path) -> None:
    if path.stem in REFUSED_IN_DQ:
        with pytest.raises(dq.DqError):
            dq.parse(read(path))
    else:
        assert dq.parse(read(path)).source.text


PLACES = dict(line.split("\t") for line in (Path(__file__).parent / "invalid_places.tsv").read_text().splitlines())
"""Where the first error of each invalid example stands, and its code: `line:column code`."""


@pytest.mark.parametrize("path", examples("invalid"), ids=lambda path: path.stem)
def test_invalid_examples_are_refused_at_their_place(path: Path) -> None:
    with pytest.raises(dq.DqError) as caught:
        dq.parse(read(path), dialect="glue" if path.stem in ONLY_INVALID_IN_GLUE else "dq")
    first = next(each for each in caught.value.diagnostics if each.severity is Severity.ERROR)
    line, column = first.source.position(first.span.start)
    assert f"{line}:{column} {first.code}" == PLACES[path.stem]


@pytest.mark.parametrize("path", examples("invalid"), ids=lambda path: path.stem)
def test_invalid_examples_are_refused_in_the_dialect_of_glue(path: Path) -> None:
    with pytest.raises(dq.DqError):
        dq.parse(read(path), dialect="glue")


@pytest.mark.parametrize("path", examples("extensions"), ids=lambda path: path.stem)
def test_extensions_are_refused_in_the_dialect_of_glue_and_lint_says_so(path: Path) -> None:
    with pytest.raises(dq.DqError):
        dq.parse(read(path), dialect="glue")
    assert dq.check(read(path))


@pytest.mark.parametrize("path", examples("quirks"), ids=lambda path: path.stem)
def test_lint_tells_what_glue_would_misread(path: Path) -> None:
    assert dq.check(read(path))
    assert dq.check(read(path), dialect="glue")
    assert dq.parse(read(path), dialect="glue").source.text


@pytest.mark.parametrize("path", examples("."), ids=lambda path: path.stem)
def test_examples_that_glue_takes_are_not_called_unportable(path: Path) -> None:
    assert not [each for each in dq.check(read(path)) if each.code.startswith("DQ3")]


@pytest.mark.parametrize("case", [case for case in cases() if case["accept"]], ids=lambda case: case["id"])
def test_the_document_round_trips_in_the_dialect_of_glue(case: dict[str, Any]) -> None:
    ruleset = dq.parse(case["ruleset"], dialect="glue")
    again = dq.parse(ruleset.document(), dialect="glue")
    assert again == ruleset
    assert str(again) == str(ruleset)
