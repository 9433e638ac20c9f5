"""What our own cases leave out: a list, which must be empty. `value_classes.py` says what is asked for, and why no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from own_cases import Case, CaseFile, Table, case_files
from value_classes import (
    CLASSES,
    COMPOSITE,
    OPERATORS,
    PLAIN,
    WHERE,
    Need,
    Used,
    classes,
    kept,
    met,
    spelled,
    uses,
    wanted,
)

import dq
import dq.rules
from dq.rules.base import SIGNATURES, Signature
from dq.syntax import Rule

Test = Callable[[Used], bool]


def filters_a_null(used: Used) -> bool:
    """Whether the rule has a where that leaves a row out in which a column of the rule, or any column, is NULL."""
    if used.rule.where is None or used.primary is None or used.case.verdict == "ERROR":
        return False
    table = used.primary
    named = [name for name in table.columns if f'"{name}"' in str(used.rule).split(" where ")[0]] or list(table.columns)
    null = " or ".join(f'"{name}" is null' for name in named)
    return bool(kept(table, f"({null}) and (({used.rule.where.value}) is not true)"))


def filters_all(used: Used) -> bool:
    if used.rule.where is None or used.primary is None or used.case.verdict == "ERROR":
        return False
    return bool(used.primary.rows) and not kept(used.primary, used.rule.where.value)


def needs(signature: Signature) -> Iterator[tuple[str, Test]]:
    """What the cases of a rule type must hold beside the product, in words and as a test of one use."""
    for kind in sorted(signature.kinds, key=lambda each: each.value):
        for operator in sorted(OPERATORS[kind], key=lambda each: each.value):
            yield (
                spelled(kind, operator),
                lambda used, kind=kind, operator=operator: (
                    used.rule.condition is not None
                    and (used.rule.condition.kind, used.rule.condition.operator) == (kind, operator)
                ),
            )
    yield "a composite", lambda used: used.composite
    yield "a verdict by itself", lambda used: not used.composite
    if signature.where:
        yield "a where that leaves out a NULL", filters_a_null
        yield "a where that keeps no row", filters_all
    if signature.threshold:
        yield "a threshold that is met", lambda used: bool(used.rule.threshold) and used.case.verdict == "PASSED"
        yield "a threshold that is missed", lambda used: bool(used.rule.threshold) and used.case.verdict == "FAILED"
    for verdict in ("PASSED", "FAILED"):
        yield verdict, lambda used, verdict=verdict: used.case.verdict == verdict


def missing(file: CaseFile, signature: Signature) -> list[str]:
    """What the cases of a rule type leave out, in words."""
    found = list(uses(file))
    lacking = [words for words, need in needs(signature) if not any(need(used) for used in found)]
    there = {need for used in found for need in met(signature, used)}
    return [*(lacking if signature.rule else ()), *map(str, sorted(set(wanted(signature)) - there))]


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_cases_of_a_rule_type_leave_nothing_out(name: str) -> None:
    assert missing(case_files()[name], SIGNATURES[name]) == []


def test_what_is_missing_is_listed() -> None:
    file = case_files()["Completeness"]
    (first, *_) = file.groups
    few = CaseFile(rule_type="Completeness", groups=(first,), tables=file.tables)
    assert {
        "number not in",
        "a composite",
        "any operator on empty table, by itself",
        "any operator on NaN, where",
        "number > on nothing but NULL, by itself",
        "any operator on struct, by itself: an ERROR",
        "a where that keeps no row",
    } <= set(missing(few, SIGNATURES["Completeness"]))


TABLE = Table(
    columns={"id": "int", "text": "string", "x": "double", "b": "bigint", "none": "date"},
    rows=((1, "", 1.5, 2**53 + 1, None), (2, " ", float("nan"), 1, None), (3, None, float("inf"), 1, None)),
)


@pytest.mark.parametrize(
    ("column", "rows", "held"),
    [
        ("text", (0, 1, 2), {"empty string", "whitespace", "NULL"}),
        ("text", (2,), {"nothing but NULL"}),
        ("x", (0, 1, 2), {"NaN"}),
        ("x", (0, 2), {"+inf"}),
        ("b", (0, 1, 2), {"big integer", "duplicate"}),
        ("none", (0, 1, 2), {"nothing but NULL"}),
        ("none", (), set()),
    ],
)
def test_the_classes_of_a_column_are_told_by_its_data(column: str, rows: tuple[int, ...], held: set[str]) -> None:
    assert classes(TABLE, column, rows) == held


def test_every_class_is_met_in_a_type_that_a_table_can_have() -> None:
    from own_cases import TYPES

    assert {each for types in CLASSES.values() for each in types} <= {*TYPES, "decimal"}


@pytest.mark.parametrize(
    ("rule", "clauses"),
    [
        ('Completeness "text" > 0', {PLAIN}),
        ('Completeness "text" > 0 where "id < 3"', {WHERE}),
        ('Completeness "text" > 0 where "id < 9"', set()),
        ('(Completeness "text" > 0 where "id < 3") and (RowCount > 0)', {WHERE, COMPOSITE}),
    ],
)
def test_a_where_that_leaves_out_no_row_is_no_case_of_one(rule: str, clauses: set[str]) -> None:
    signature = SIGNATURES["Completeness"]
    (whole,) = dq.parse(f"Rules = [ {rule} ]").rules
    leaf = whole if isinstance(whole, Rule) else whole.operands[0]
    assert isinstance(leaf, Rule)
    used = Used(leaf, Case(rule=rule, verdict="PASSED"), whole is not leaf, {"primary": TABLE})
    found = set(met(signature, used))
    assert {each.clause for each in found} == clauses
    if clauses:
        assert Need("number >", "empty string", min(clauses)) in found
