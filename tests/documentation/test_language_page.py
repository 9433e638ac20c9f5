"""docs/language.md: its rulesets are read, its verdicts judged, its problems reported."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pages
import pytest

import dq
from dq.syntax import Composite, Rule

PAGE = pages.read("language.md")
NOON = dq.Options(now=datetime(2024, 1, 11, 12, tzinfo=UTC))
VERDICTS = pages.tables(PAGE, "rule", "verdict")
READINGS = pages.tables(PAGE, "rule", "read as")
DIALECTS = pages.tables(PAGE, "ruleset", "in `dq`", "in `glue`")
TRAPS = pages.tables(PAGE, "rule", "what it says")
CANONICAL = pages.tables(PAGE, "rule", "canonical text")


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    pages.write_files(PAGE, folder)
    return folder / "orders.csv"


@pytest.mark.parametrize("ruleset", pages.blocks(PAGE, "dqdl"))
def test_its_rulesets_have_no_problems(ruleset: str) -> None:
    assert dq.check(ruleset) == []


def test_its_rules_have_the_verdicts_that_it_tells(orders: Path) -> None:
    rules = [rule for rule, *_ in VERDICTS]
    outcomes = dq.evaluate(f"Rules = [ {', '.join(rules)} ]", orders, options=NOON).outcomes
    found = [(rule, outcome.verdict.value) for rule, outcome in zip(rules, outcomes, strict=True)]
    assert found == [(rule, verdict) for rule, verdict, *_ in VERDICTS]


@pytest.mark.parametrize(("rule", "reading"), READINGS, ids=[each[0] for each in READINGS])
def test_its_rules_are_read_as_it_tells(rule: str, reading: str) -> None:
    (read,) = dq.parse(f"Rules = [ {rule} ]").rules
    assert isinstance(read, Composite) == reading.startswith("two rules")
    if isinstance(read, Rule):
        assert [each.value for each in read.parameters] == ["id", "IsUnique", "qty"]


@pytest.mark.parametrize(("ruleset", "ours", "glues"), DIALECTS, ids=[each[0] for each in DIALECTS])
def test_the_dialects_differ_as_it_tells(ruleset: str, ours: str, glues: str) -> None:
    assert problem(ruleset, "dq") == ours.partition(":")[0]
    assert problem(ruleset, "glue") == glues.partition(":")[0]


def problem(ruleset: str, dialect: str) -> str:
    (found,) = dq.check(ruleset, dialect="glue" if dialect == "glue" else "dq")
    return f"{found.severity.value} {found.code}"


@pytest.mark.parametrize("rule", [each[0] for each in TRAPS])
def test_its_traps_are_accepted_and_all_but_the_first_have_a_warning(rule: str) -> None:
    found = dq.check(f"Rules = [ {rule} ]")
    assert bool(found) == (rule != TRAPS[0][0])
    assert {each.severity for each in found} <= {dq.Severity.WARNING}


@pytest.mark.parametrize(("rule", "canonical"), CANONICAL, ids=[each[0] for each in CANONICAL])
def test_its_canonical_texts_are_printed(rule: str, canonical: str) -> None:
    (read,) = dq.parse(f"Rules = [ {rule} ]").rules
    assert str(read) == canonical


def test_labels_and_defaults_are_merged_as_it_tells(orders: Path) -> None:
    (ruleset,) = [each for each in pages.blocks(PAGE, "dqdl") if "crm" in each]
    single, composite = dq.evaluate(ruleset, orders).outcomes
    assert single.labels == {"team": "sales", "severity": "high"}
    assert composite.labels == {"team": "crm", "severity": "low"}


def test_every_table_of_examples_is_found() -> None:
    assert min(map(len, (VERDICTS, READINGS, DIALECTS, TRAPS, CANONICAL))) > 3
