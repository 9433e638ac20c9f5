"""`dq.evaluate` as a program calls it: what it takes, what it gives back, and what it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from report_schema import assert_valid_report

import dq
from dq.engines.opening import Request, opened
from dq.evaluation import evaluate_on, load
from dq.metrics import Size

COLUMNS: dict[str, list[Any]] = {"id": [1, 2, 2], "email": ["a", None, "c"]}
RULES = 'Rules = [ RowCount = 3, IsComplete "email" ]'


def relation() -> object:
    rows = "(VALUES (1, 'a'), (2, NULL), (2, 'c')) AS t(id, email)"
    return duckdb.connect().sql(f"FROM {rows}")


def parquet(folder: Path) -> Path:
    pq.write_table(pa.table(COLUMNS), folder / "t.parquet")
    return folder / "t.parquet"


DATA: dict[str, Callable[[Path], Any]] = {
    "path": parquet,
    "text": lambda folder: str(parquet(folder)),
    "list of paths": lambda folder: [parquet(folder)],
    "pandas": lambda folder: pd.DataFrame(COLUMNS),
    "polars": lambda folder: pl.DataFrame(COLUMNS),
    "lazy polars": lambda folder: pl.LazyFrame(COLUMNS),
    "arrow": lambda folder: pa.table(COLUMNS),
    "arrow reader": lambda folder: pa.table(COLUMNS).to_reader(),
    "duckdb": lambda folder: relation(),
    "columns": lambda folder: COLUMNS,
    "rows": lambda folder: pa.table(COLUMNS).to_pylist(),
    "aliases": lambda folder: {"primary": pd.DataFrame(COLUMNS), "ref": parquet(folder)},
}


@pytest.mark.parametrize("kind", DATA)
def test_every_kind_of_data_gives_the_same_result(kind: str, tmp_path: Path) -> None:
    result = dq.evaluate(RULES, DATA[kind](tmp_path))
    assert (result.passed, result.score, result.exit_code) == (False, 0.5, 1)
    assert [outcome.verdict.value for outcome in result.outcomes] == ["PASSED", "FAILED"]
    report = result.to_dict()
    assert_valid_report(report)
    assert json.loads(result.to_json()) == json.loads(json.dumps(report))
    assert result.to_html().startswith("<!doctype html>")
    assert "IsComplete" in result._repr_html_()
    assert "Score 50%" in str(result)
    assert list(result.to_pandas()["verdict"]) == ["PASSED", "FAILED"]
    assert report["tables"][0]["rows"] == 3


@pytest.mark.parametrize("ruleset", ["path", "text", "parsed"])
def test_a_ruleset_is_a_path_a_text_or_parsed(ruleset: str, tmp_path: Path) -> None:
    (tmp_path / "r.dqdl").write_text(RULES)
    given = {"path": tmp_path / "r.dqdl", "text": RULES, "parsed": dq.parse(RULES)}[ruleset]
    assert dq.evaluate(given, COLUMNS).score == 0.5


@pytest.mark.parametrize(
    ("ruleset", "data", "words"),
    [
        (RULES, 3, "data of type `builtins.int` cannot be read"),
        (RULES, None, "cannot be read"),
        (RULES, {}, "the mapping of aliases is empty"),
        (RULES, {"ref": COLUMNS}, "no table has the alias `primary` (given: `ref`)"),
        (RULES, pd.DataFrame(), "has no columns"),
        (RULES, pa.table({}), "has no columns"),
        (RULES, pd.Series([1]), "cannot be read"),
        (RULES, "nowhere.csv", "no file `nowhere.csv`"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(ruleset: Any, data: Any, words: str) -> None:
    with pytest.raises(dq.DqError) as caught:
        dq.evaluate(ruleset, data)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("ruleset", "message", "help_"),
    [
        (3, "a ruleset cannot be of type `int`", "give a path, a text, or what dq.parse returns"),
        (None, "a ruleset cannot be of type `NoneType`", "give a path, a text, or what dq.parse returns"),
        ("nowhere.dqdl", "ruleset `nowhere.dqdl` does not exist", "give the path of a .dqdl file"),
        ("latin1.dqdl", "ruleset `latin1.dqdl` is not UTF-8: byte 20 does not fit", "save it as UTF-8"),
        ("folder.dqdl", "ruleset `folder.dqdl` cannot be read: Is a directory", ""),
    ],
)
def test_a_ruleset_that_cannot_be_read_is_refused_with_what_to_do(
    ruleset: Any, message: str, help_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin1.dqdl").write_bytes('Rules = [ IsUnique "ü" ]'.encode("latin-1"))
    (tmp_path / "folder.dqdl").mkdir()
    with pytest.raises(dq.DqError) as refused:
        dq.evaluate(ruleset, COLUMNS)
    assert (refused.value.message, refused.value.help or "") == (message, help_)


@pytest.mark.parametrize("name", ["rules", "rules.txt", "rules[1].dqdl"])
def test_a_string_is_a_path_when_it_names_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(RULES)
    assert dq.evaluate(name, COLUMNS).score == 0.5
    assert dq.evaluate(name, COLUMNS).ruleset.source.name == name


@pytest.mark.parametrize("end", ["", " # of crm.dqdl", "\n# of crm.dqdl", " " * 5000])
def test_any_other_string_is_the_text(end: str) -> None:
    assert dq.evaluate(RULES + end, COLUMNS).score == 0.5


@pytest.mark.parametrize("text", ["no such file", "x" * 300, "x\0y", "x\n# of crm.dqdl", "x\n" * 3000])
def test_a_text_that_is_no_ruleset_is_told_as_one(text: str) -> None:
    with pytest.raises(dq.DqError, match="the ruleset has"):
        dq.evaluate(text, COLUMNS)


def test_a_ruleset_is_read_in_a_dialect(tmp_path: Path) -> None:
    """Glue's parser takes any arguments of a function."""
    (tmp_path / "r.dqdl").write_text("Rules = [ RowCount > avg() ]")
    for given in (tmp_path / "r.dqdl", "Rules = [ RowCount > avg() ]"):
        assert [str(rule) for rule in load(given, dialect="glue").rules] == ["RowCount > avg()"]
        with pytest.raises(dq.DqError):
            load(given)


def test_options_decide_how_it_is_evaluated() -> None:
    shown = dq.evaluate(RULES, COLUMNS, engine="duckdb", time_limit=0.9, options=dq.Options(samples=0)).outcomes[1]
    assert shown.failing is None or shown.failing.sample == ()


@pytest.mark.parametrize(("redact", "told"), [(False, "'Ann Lee 7'"), (True, "'Aaa Aaa 9'")])
def test_values_of_the_data_are_told_by_their_shape_on_request(redact: bool, told: str) -> None:
    options = dq.Options(redact=redact)
    (found,) = dq.evaluate("""Rules = [ CustomSql "select 'Ann Lee 7'" = 1 ]""", COLUMNS, options=options).outcomes
    assert found.reason == f"the query returned {told}, which is no number"


def test_a_column_that_stops_to_be_a_number_is_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id\n" + "7\n" * 30_000 + "x\n")
    (found,) = dq.evaluate('Rules = [ DistinctValuesCount "id" = 2 ]', tmp_path / "t.csv").outcomes
    assert found.verdict is dq.Verdict.PASSED


def test_files_beside_the_data_can_be_judged_and_those_of_the_data_need_no_path(tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("twelve bytes")
    data = parquet(tmp_path)
    rules = f'Rules = [ FileSize "{tmp_path / "other.txt"}" = 12 B, FileSize > 12 B ]'
    assert [each.verdict for each in dq.evaluate(rules, data).outcomes] == [dq.Verdict.PASSED] * 2


def test_tables_tell_their_own_rows_and_the_data_is_read_again_for_labels(tmp_path: Path) -> None:
    data = {"primary": parquet(tmp_path), "ref": pa.table({"id": [1]})}
    rules = 'Rules = [ RowCountMatch "ref" > 1, Completeness "email" > last() / 0 ]'
    found = dq.evaluate(dq.parse(rules, dialect="glue"), data)
    assert [(each.alias, each.rows) for each in found.tables] == [("primary", 3), ("ref", 1)]
    rows = found.rows().read_all()
    assert rows["id"].to_pylist() == COLUMNS["id"]
    assert rows["DataQualityRulesSkip"].to_pylist() == [[str(each) for each in found.ruleset.rules]] * 3


def test_what_was_measured_is_shown_before_it_is_judged() -> None:
    seen: list[Any] = []
    with opened(None, Request(COLUMNS)) as on:
        evaluate_on(dq.parse(RULES), on, dq.Options(), lambda prepared, facts: seen.append(facts.found[Size()].value()))
    assert seen == [3]


@pytest.mark.parametrize("missing", ["pandas", "polars"])
def test_it_works_without_the_extras(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert dq.evaluate(RULES, COLUMNS).score == 0.5


def test_a_relation_that_fails_is_told() -> None:
    with duckdb.connect() as connection:
        relation = connection.sql("SELECT CAST(x AS INTEGER) AS x FROM (VALUES ('a')) t(x)")
        with pytest.raises(dq.DataError, match="the DuckDB relation cannot be read: Conversion Error"):
            dq.evaluate("Rules = [ RowCount > 0 ]", relation)


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_time_limit_is_a_number_of_seconds(limit: float) -> None:
    with pytest.raises(dq.DqError) as refused:
        dq.evaluate("Rules = [ RowCount > 0 ]", {"x": [1]}, time_limit=limit)
    assert refused.value.message == f"`time_limit` cannot be {limit!r}"
    assert refused.value.help == "give a number of seconds above 0"


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_instants_of_every_unit_are_formatted_from_the_first_year_on(unit: str) -> None:
    days = pa.array([datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)], pa.timestamp(unit))
    clause = "date_format(day, 'yyyy-MM-dd') = '0001-01-01'"
    rule = f'Completeness "day" = 1 where "{clause}"'
    (outcome,) = dq.evaluate(f"Rules = [ {rule} ]", pa.table({"day": days})).outcomes
    assert outcome.passed
    assert not outcome.notes, "the clause keeps a row"
