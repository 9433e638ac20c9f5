"""What our own cases leave out: a list, which must be empty."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import duckdb
import pytest
from own_cases import Case, CaseFile, Table, case_files, tables_of

import dq
import dq.rules
from dq.rules.base import SIGNATURES, Parameters, Signature
from dq.syntax import Composite, Kind, Operator, Rule, RuleExpression

COMPARING = frozenset(Operator) - {Operator.MATCHES, Operator.NOT_MATCHES}
OPERATORS = {
    Kind.TEXT: frozenset(
        {Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN, Operator.MATCHES, Operator.NOT_MATCHES}
    ),
    **dict.fromkeys((Kind.NUMBER, Kind.DATE, Kind.DURATION, Kind.SIZE), COMPARING),
}
"""What may stand between a rule and its operands, by the kind of the condition (the language, A.3)."""

NAMING_COLUMNS = {
    Parameters.COLUMN,
    Parameters.COLUMN_LIST,
    Parameters.MAPPING,
    Parameters.AGGREGATE,
}


class Used(NamedTuple):
    """A rule of a case, by itself or as a part of it, with the tables it is judged on."""

    rule: Rule
    case: Case
    composite: bool
    tables: dict[str, Table]

    @property
    def primary(self) -> Table | None:
        return self.tables.get("primary")


def leaves(rule: RuleExpression) -> Iterator[Rule]:
    if isinstance(rule, Composite):
        for operand in rule.operands:
            yield from leaves(operand)
    else:
        yield rule


def uses(file: CaseFile) -> Iterator[Used]:
    for group in file.groups:
        tables = tables_of(file, group)
        for case in group.cases:
            if case.verdict == "REFUSED":
                continue
            (whole,) = dq.parse(f"Rules = [ {case.rule} ]").rules
            for rule in leaves(whole):
                if rule.name == file.rule_type:
                    yield Used(rule, case, isinstance(whole, Composite), tables)


def all_null(table: Table) -> set[str]:
    """The columns that hold nothing, of a table that has rows."""
    return {name for at, name in enumerate(table.columns) if table.rows and all(row[at] is None for row in table.rows)}


def names_a_column_of_nulls(used: Used) -> bool:
    if used.primary is None:
        return False
    words = " ".join(str(parameter) for parameter in used.rule.parameters)
    return any(re.search(rf"\b{re.escape(name)}\b", words) for name in all_null(used.primary))


def filters_a_null(used: Used) -> bool:
    """Whether the rule has a where that leaves a row out in which a column of the rule, or any column, is NULL."""
    if used.rule.where is None or used.primary is None or used.case.verdict == "ERROR":
        return False
    table = used.primary
    named = [name for name in table.columns if f'"{name}"' in str(used.rule).split(" where ")[0]] or list(table.columns)
    null = " or ".join(f'"{name}" is null' for name in named)
    return bool(counted(table, f"({null}) and (({where(used)}) is not true)"))


def filters_all(used: Used) -> bool:
    if used.rule.where is None or used.primary is None or used.case.verdict == "ERROR":
        return False
    return bool(used.primary.rows) and not counted(used.primary, where(used))


def where(used: Used) -> str:
    """The clause of a rule as DuckDB understands it; the cases keep to what both dialects write alike."""
    found = re.search(r' where "((?:[^"\\]|\\.)*)"', str(used.rule))
    assert found
    return found[1]


def counted(table: Table, condition: str) -> int:
    data = table.arrow()
    with duckdb.connect() as connection:
        connection.register("data", data)
        found = connection.execute(f"select count(*) from data where {condition}").fetchone()
    assert found
    return int(found[0])


Need = Callable[[Used], bool]


def needs(signature: Signature) -> Iterator[tuple[str, Need]]:
    """What the cases of a rule type must hold, in words and as a test of one use."""
    for kind in sorted(signature.kinds, key=lambda each: each.value):
        for operator in sorted(OPERATORS[kind], key=lambda each: each.value):
            yield (
                f"{kind.value} {operator.value}",
                lambda used, kind=kind, operator=operator: (
                    used.rule.condition is not None
                    and (used.rule.condition.kind, used.rule.condition.operator) == (kind, operator)
                ),
            )
    yield "a composite", lambda used: used.composite
    yield "a verdict by itself", lambda used: not used.composite
    if not signature.reads_files:
        yield "an empty table", lambda used: used.primary is not None and not used.primary.rows
        yield "one row", lambda used: used.primary is not None and len(used.primary.rows) == 1
    if any(slot.kind in NAMING_COLUMNS for slot in signature.slots):
        yield "a column of NULLs", names_a_column_of_nulls
    if signature.where:
        yield "a where that leaves out a NULL", filters_a_null
        yield "a where that keeps no row", filters_all
    if signature.threshold:
        yield "a threshold that is met", lambda used: bool(used.rule.threshold) and used.case.verdict == "PASSED"
        yield "a threshold that is missed", lambda used: bool(used.rule.threshold) and used.case.verdict == "FAILED"
    if signature.name not in UNMEASURED:
        for verdict in ("PASSED", "FAILED"):
            yield verdict, lambda used, verdict=verdict: used.case.verdict == verdict


UNMEASURED = ("DetectAnomalies",)
"""Rule types that this version cannot measure: their cases say that they are an ERROR."""


def missing(file: CaseFile, signature: Signature) -> list[str]:
    found = list(uses(file))
    return [words for words, need in needs(signature) if not any(need(used) for used in found)]


@pytest.mark.parametrize("name", [name for name, each in SIGNATURES.items() if each.rule])
def test_the_cases_of_a_rule_type_leave_nothing_out(name: str) -> None:
    assert missing(case_files()[name], SIGNATURES[name]) == []


def test_what_is_missing_is_listed() -> None:
    file = case_files()["Completeness"]
    (first, *_) = file.groups
    few = CaseFile(rule_type="Completeness", groups=(first,), tables=file.tables)
    assert {"number not in", "a composite", "an empty table", "a where that keeps no row"} <= set(
        missing(few, SIGNATURES["Completeness"])
    )
