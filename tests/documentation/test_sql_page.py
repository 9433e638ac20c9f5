"""docs/sql.md: its conditions, queries, values and patterns are tried, those that are refused too."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import duckdb
import pages
import pyarrow as pa
import pytest

import dq
from dq.engines.lowering import FUNCTIONS
from dq.sqltext import MAX_DEPTH, MAX_LENGTH, MAX_TOKENS, parse_select

PAGE = pages.read("sql.md")
NOON = datetime(2024, 1, 11, 12, tzinfo=UTC)
VALUES = pages.tables(PAGE, "expression", "is")
LISTED = [(names, kind) for kind, names in pages.tables(PAGE, "kind", "names")]

Evaluate = Callable[[Sequence[str]], Sequence[dq.Outcome]]


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    """The outcomes of rules on the tables of the page."""
    folder = tmp_path_factory.mktemp("page")
    pages.write_files(PAGE, folder)
    data = {"primary": folder / "orders.csv", "countries": pa.table({"iso": ["US", "CA", "FR"]})}
    return lambda rules: dq.evaluate(f"Rules = [ {', '.join(rules)} ]", data, options=dq.Options(now=NOON)).outcomes


def quoted(sql: str) -> str:
    """A text of DQDL that says this."""
    escaped = sql.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def test_its_rulesets_find_rows(evaluate: Evaluate) -> None:
    (ruleset,) = pages.blocks(PAGE, "dqdl")
    rules = re.findall(r"^    (.*?),?$", ruleset, re.MULTILINE)
    assert [each.measured for each in evaluate(rules)] == ["2", "2", "2", "2"]


def test_its_conditions_keep_the_rows_that_it_tells(evaluate: Evaluate) -> None:
    shown = [each[:2] for each in pages.tables(PAGE, "where", "rows kept")]
    found = evaluate([f"RowCount >= 0 where {quoted(clause)}" for clause, _ in shown])
    assert [[clause, each.measured or each.reason] for (clause, _), each in zip(shown, found, strict=True)] == shown


def test_its_queries_measure_what_it_tells(evaluate: Evaluate) -> None:
    shown = pages.tables(PAGE, "CustomSql", "measured")
    rules = [f"CustomSql {quoted(query)}{'' if 'rows' in measured else ' != -1'}" for query, measured, _ in shown]
    for (query, measured, remark), outcome in zip(shown, evaluate(rules), strict=True):
        assert outcome.measured == measured, query
        assert measured != "no value" or outcome.reason == remark


def test_what_it_refuses_is_an_error_with_the_words_that_it_shows(evaluate: Evaluate) -> None:
    shown = [
        *((f"RowCount >= 0 where {quoted(clause)}", error) for clause, error in pages.tables(PAGE, "where", "error")),
        *((f"CustomSql {quoted(query)}", error) for query, error in pages.tables(PAGE, "CustomSql", "error")),
        *(
            (f'ColumnValues "code" matches {quoted(text)}', error)
            for text, error in pages.tables(PAGE, "pattern", "error")
        ),
    ]
    found = evaluate([rule for rule, _ in shown])
    assert [(rule, each.reason) for (rule, _), each in zip(shown, found, strict=True)] == shown
    assert {each.verdict for each in found} == {dq.Verdict.ERROR}


@pytest.mark.parametrize(("expression", "value"), [each[:2] for each in VALUES], ids=[each[0] for each in VALUES])
def test_its_expressions_have_the_values_that_it_tells(expression: str, value: str) -> None:
    with duckdb.connect() as connection:
        row = connection.execute(parse_select(f"select {expression}", {}, now=NOON).sql()).fetchone()
    assert row is not None
    assert spelled(row[0]) == value


def spelled(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value).lower() if isinstance(value, bool) else str(value).replace("\t", r"\t").strip()


def test_its_patterns_match_what_it_tells() -> None:
    shown = pages.tables(PAGE, "pattern", "matches", "but not")
    yes, no, at = [each[1] for each in shown], [each[2] for each in shown], range(len(shown))
    rules = [
        f'ColumnValues "{column}" {operator} {quoted(pattern)} where "row = {row}"'
        for row, (pattern, _, _) in enumerate(shown)
        for column, operator in (("yes", "matches"), ("no", "not matches"))
    ]
    outcomes = dq.evaluate(f"Rules = [ {', '.join(rules)} ]", pa.table({"yes": yes, "no": no, "row": at})).outcomes
    assert [(str(each.rule), each.verdict) for each in outcomes if not each.passed] == []


def test_it_lists_every_function() -> None:
    listed = [name for names, _ in LISTED for name in re.findall(r"`(\w+)`", names)]
    assert sorted(listed) == sorted(FUNCTIONS)
    for names, kind in LISTED:
        functions = [FUNCTIONS[name] for name in re.findall(r"`(\w+)`", names)]
        assert {each.aggregate for each in functions} == {kind.startswith("aggregates")}
        assert {each.window for each in functions if not each.aggregate} <= {kind.startswith("windows")}


def test_its_limits_are_those_of_the_reader() -> None:
    assert f"{MAX_LENGTH:,} characters long, have {MAX_TOKENS:,} words and signs, and nest {MAX_DEPTH} deep" in PAGE


def test_every_table_of_examples_is_found() -> None:
    heads = [("where", "rows kept"), ("CustomSql", "measured"), ("where", "error"), ("pattern", "error")]
    assert min(len(pages.tables(PAGE, *each)) for each in heads) > 5
