"""Row-level outcomes: as streams, as files, in composites, and that they agree with the ratios."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

import dq
from dq.cli import cli
from dq.render.facts import arranged

ORDERS = pa.table(
    {
        "id": [1, 2, 3, 4, 5, 6],
        "email": ["a@x.io", "b@x.io", None, "d@x.io", "d@x.io", "f@x.io"],
        "country": ["US", "US", "CA", "CA", None, "MX"],
        "amount": [10.0, 20.0, 30.0, None, 50.0, -5.0],
        "qty": [1, 2, 3, 4, 5, 5],
        "code": ["AB1", "AB22", "", None, "  ", "AB333"],
        "status": ["paid", "paid", "open", "open", "void", "paid"],
    }
)
EXAMPLE = 'Rules = [ IsComplete "email", ColumnValues "qty" < 5, RowCount > 9 ]'
PASS, FAIL, SKIP, RESULT = (
    "DataQualityRulesPass",
    "DataQualityRulesFail",
    "DataQualityRulesSkip",
    "DataQualityEvaluationResult",
)


def rows_of(ruleset: str, data: Any = None, **options: Any) -> list[dict[str, Any]]:
    evaluation = dq.evaluate(ruleset, ORDERS if data is None else data, options=dq.Options(**options))
    found: list[dict[str, Any]] = evaluation.rows().read_all().to_pylist()
    return found


def said(rule: str, **options: Any) -> str:
    """What a rule says of each row, in order: p, f or s."""
    rows = rows_of(f"Rules = [ {rule} ]", **options)
    return "".join("p" if row[PASS] else "f" if row[FAIL] else "s" for row in rows)


def test_the_example_of_the_reference() -> None:
    complete, small, count = 'IsComplete "email"', 'ColumnValues "qty" < 5', "RowCount > 9"
    found = [(row["id"], row[PASS], row[FAIL], row[SKIP], row[RESULT]) for row in rows_of(EXAMPLE)]
    whole = ([complete, small], [], [count], "Passed")
    assert found == [
        (1, *whole),
        (2, *whole),
        (3, [small], [complete], [count], "Failed"),
        (4, *whole),
        (5, [complete], [small], [count], "Failed"),
        (6, [complete], [small], [count], "Failed"),
    ]


def test_the_original_columns_come_first_and_unchanged() -> None:
    table = ORDERS
    found = dq.evaluate(EXAMPLE, table).rows().read_all()
    assert found.select(table.column_names).equals(table)
    assert found.column_names == [*table.column_names, PASS, FAIL, SKIP, RESULT]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('Completeness "email" > 0.8', "ppfppp"),  # the rule passes, and lists its failing row all the same
        ('IsUnique "email"', "ppsffp"),
        ('IsUnique "country"', "ffffsp"),
        ('IsPrimaryKey "email"', "ppfffp"),
        ('DuplicateRowCount "status" < 9', "ffffpf"),
        ('ColumnLength "code" > 2', "ppfffp"),
        ('ColumnDataType "code" = "Integer"', "ffffff"),
        ('CustomSql "select id from primary where qty <= 4"', "ppppff"),
        ('CustomSql "select count(*) from primary" > 0', "ssssss"),
        ('Mean "amount" > 0', "ssssss"),
        ('IsComplete "nope"', "ssssss"),
        ('IsComplete "amount" where "country = \'CA\'"', "pppfpp"),
        ('IsUnique "status" where "country = \'US\'"', "ffpppp"),
    ],
)
def test_what_rules_say_of_rows(rule: str, expected: str) -> None:
    assert said(rule) == expected


def test_rows_outside_of_where_pass_or_are_skipped() -> None:
    rule = 'IsComplete "amount" where "country = \'CA\'"'
    assert said(rule, filtered_rows="passed") == "pppfpp"
    assert said(rule, filtered_rows="skipped") == "sspfss"


@pytest.mark.parametrize(
    ("rule", "column", "row", "rows"),
    [
        ('(ColumnValues "id" < 4) or (ColumnValues "qty" > 3)', "FAILED", "PASSED", "pppppp"),
        ('(ColumnValues "amount" >= -5) or (ColumnValues "amount" = NULL)', "FAILED", "PASSED", "pppppp"),
        ('(IsComplete "id") and (IsUnique "id")', "PASSED", "PASSED", "pppppp"),
        ('(IsComplete "email") or (IsComplete "country")', "FAILED", "PASSED", "pppppp"),
        ('(IsComplete "email") and (IsComplete "country")', "FAILED", "FAILED", "ppfpfp"),
        ("(RowCount = 7) or (ColumnCount = 7)", "PASSED", "PASSED", "ssssss"),
        ('(IsComplete "id") and ((IsComplete "email") or (ColumnValues "id" = 3))', "FAILED", "PASSED", "pppppp"),
        # a row that one part skips: `and` is unknown unless another part fails it, `or` unless another passes it
        ('(IsUnique "email") and (IsComplete "id")', "FAILED", "FAILED", "ppsffp"),
        ('(IsUnique "email") or (IsComplete "email")', "FAILED", "PASSED", "ppsppp"),
    ],
)
def test_composites_by_column_and_by_row(rule: str, column: str, row: str, rows: str) -> None:
    verdicts = [
        dq.evaluate(f"Rules = [ {rule} ]", ORDERS, options=dq.Options(composites=method)).outcomes[0].verdict.value
        for method in ("column", "row")
    ]
    assert verdicts == [column, row]
    assert said(rule) == rows


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ('Completeness "email" > 0.5', "about a share of rows"),
        ('ColumnValues "qty" > 1 with threshold > 0.5', "about a share of rows"),
        ("RowCount > 1", "says nothing about single rows"),
        ('IsComplete "nope"', "could not be measured"),
    ],
)
def test_what_cannot_be_judged_by_row_is_judged_by_column_and_says_so(part: str, why: str) -> None:
    rule = f'Rules = [ (IsComplete "id") and ({part}) ]'
    by_row = dq.evaluate(rule, ORDERS, options=dq.Options(composites="row")).outcomes[0]
    by_column = dq.evaluate(rule, ORDERS).outcomes[0]
    assert by_row.verdict is by_column.verdict
    assert any(note.startswith("judged by column") and why in note for note in by_row.notes)


def test_a_failing_composite_by_row_shows_its_rows() -> None:
    rule = 'Rules = [ (IsComplete "email") and (IsComplete "country") ]'
    outcome = dq.evaluate(rule, ORDERS, options=dq.Options(composites="row")).outcomes[0]
    assert outcome.failing is not None
    assert (outcome.failing.count, outcome.failing.total) == (2, 6)
    assert sorted(row[outcome.failing.columns.index("id")] for row in outcome.failing.sample) == [3, 5]


def test_split_gives_both_kinds_of_rows() -> None:
    passed, failed = dq.evaluate(EXAMPLE, ORDERS).split()
    assert [row["id"] for row in passed.read_all().to_pylist()] == [1, 2, 4]
    assert [row["id"] for row in failed.read_all().to_pylist()] == [3, 5, 6]


def test_an_empty_table_has_no_rows_and_all_columns() -> None:
    table = ORDERS.slice(0, 0)
    found = dq.evaluate(EXAMPLE, table).rows().read_all()
    assert (found.num_rows, found.column_names[-1]) == (0, RESULT)


def test_a_ruleset_without_rules_passes_every_row() -> None:
    found = rows_of('Analyzers = [ Mean "amount" ]')
    assert [(row[PASS], row[SKIP], row[RESULT]) for row in found] == [([], [], "Passed")] * 6


@pytest.mark.parametrize("name", [RESULT, PASS, FAIL.lower(), SKIP.upper()])
def test_a_table_with_an_outcome_column_is_refused(name: str) -> None:
    evaluation = dq.evaluate("Rules = [ RowCount > 0 ]", pa.table({name: ["x"]}))
    with pytest.raises(dq.DataError, match=name):
        evaluation.rows()


def test_columns_named_as_ours_do_not_mix_up() -> None:
    rows = rows_of('Rules = [ IsComplete "outcomes" ]', {"outcomes": [1, None], "label": [1, 2], "n": [3, 4]})
    assert [row[RESULT] for row in rows] == ["Passed", "Failed"]


def test_more_rows_than_a_batch_holds() -> None:
    many = pa.table({"x": pa.array([None if at % 1000 == 7 else at for at in range(200_000)], pa.int64())})
    _, failed = dq.evaluate('Rules = [ IsComplete "x", IsUnique "x" ]', many).split()
    assert failed.read_all().num_rows == 200


# -- files ---------------------------------------------------------------------------------------------


def test_files_of_rows(tmp_path: Path) -> None:
    counts = dq.evaluate(EXAMPLE, ORDERS).write_rows(
        rows=tmp_path / "rows.parquet", passed=tmp_path / "passed.csv", failed=tmp_path / "failed.parquet"
    )
    assert list(counts.values()) == [6, 3, 3]
    assert pq.read_table(tmp_path / "rows.parquet").num_rows == 6
    assert pq.read_table(tmp_path / "failed.parquet").column("id").to_pylist() == [3, 5, 6]
    with (tmp_path / "passed.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["1", "2", "4"]
    assert json.loads(rows[0][PASS]) == ['IsComplete "email"', 'ColumnValues "qty" < 5']
    assert sorted(each.name for each in tmp_path.iterdir()) == ["failed.parquet", "passed.csv", "rows.parquet"]


def test_a_file_read_back_has_the_types_it_had(tmp_path: Path) -> None:
    table = pa.table(
        {
            "big": pa.array([2**62, None], pa.int64()),
            "money": pa.array(["1.10", None], pa.string()).cast(pa.decimal128(9, 2)),
            "at": pa.array([1_700_000_000_000_000, None], pa.timestamp("us", "UTC")),
            "kind": pa.array(["x", None]),
            "raw": pa.array([b"\x00\xff", None]),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    dq.evaluate('Rules = [ IsComplete "big" ]', tmp_path / "in.parquet").write_rows(rows=tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").select(table.column_names).equals(table)


def test_a_csv_misfit_that_only_the_row_pass_meets(tmp_path: Path) -> None:
    lines = ["id,note", *(f"{at},{at}" for at in range(50_000)), "50000,late text"]
    (tmp_path / "late.csv").write_text("\n".join(lines) + "\n")
    evaluation = dq.evaluate('Rules = [ IsComplete "id" ]', tmp_path / "late.csv")
    found = evaluation.rows().read_all()
    assert found.num_rows == 50_001
    assert found.column("note").to_pylist()[-1] == "late text"


def test_data_that_has_changed_is_told_and_leaves_no_file(tmp_path: Path) -> None:
    data = tmp_path / "in.csv"
    data.write_text("x\n1\n2\n")
    evaluation = dq.evaluate("Rules = [ RowCount > 0 ]", data)
    data.write_text("x\n1\n2\n3\n")
    with pytest.raises(dq.DataError, match=r"the data has changed since it was judged: `.*in.csv` changed"):
        evaluation.write_rows(rows=tmp_path / "out.csv")
    assert [each.name for each in tmp_path.iterdir()] == ["in.csv"]


def test_rows_that_came_since_the_data_was_judged_are_told_at_their_end() -> None:
    evaluation = dq.evaluate("Rules = [ RowCount > 0 ]", ORDERS)
    assert evaluation.source
    assert evaluation.source.rows == 6
    changed = replace(evaluation, source=replace(evaluation.source, rows=1234))
    reader = changed.rows()
    with pytest.raises(dq.DataError) as told:
        reader.read_all()
    assert told.value.message == "the data has changed since it was judged: it had 1,234 rows and has 6 now"
    assert told.value.help == "evaluate it again"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "out.xlsx"], "does not say its format"),
        (["--rows", "nowhere/out.csv"], "folder of `nowhere/out.csv` does not exist"),
        (["--rows", "out.csv", "--failed", "./out.csv"], "the same file is given for two kinds of rows"),
    ],
)
def test_files_that_cannot_be_written(
    options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text("x\n1\n")
    with pytest.raises(dq.DqError, match=message):
        CliRunner().invoke(cli, ["evaluate", "-r", "RowCount > 0", "in.csv", *options], catch_exceptions=False)
    assert [each.name for each in tmp_path.iterdir()] == ["in.csv"]


def test_the_command_writes_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text("x,y\n1,a\n,b\n3,c\n")
    done = CliRunner().invoke(
        cli,
        [
            "evaluate",
            "-r",
            'IsComplete "x"',
            "in.csv",
            "--rows",
            "all.csv",
            "--passed",
            "good.csv",
            "--failed",
            "bad.csv",
        ],
        standalone_mode=False,
    )
    assert done.return_value == 1, done.output
    for line in ("wrote all.csv (3 rows)", "wrote good.csv (2 rows)", "wrote bad.csv (1 row)"):
        assert line in done.output
    assert (tmp_path / "bad.csv").read_text().splitlines()[1].startswith(',"b",')


# -- samples -------------------------------------------------------------------------------------------


def test_samples_show_the_key_and_the_column_of_the_rule_first() -> None:
    rules = 'Rules = [ IsPrimaryKey "id", ColumnValues "qty" < 5 ]'
    for options, first in (
        (dq.Options(), ("id", "qty", "email")),
        (dq.Options(key=("EMAIL", "country")), ("email", "country", "qty")),
    ):
        rows, named = arranged(dq.evaluate(rules, ORDERS, options=options).outcomes[1])
        assert rows is not None
        assert rows.columns[:3] == first
        assert named == 1 + len(rows.key)


def test_a_key_that_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(dq.DqError, match="`nope`"):
        dq.evaluate("Rules = [ RowCount > 0 ]", ORDERS, options=dq.Options(key=("nope",)))


def test_samples_hold_rows_in_scope_only() -> None:
    data = {"id": [1, 2, 3, 4, 5, 5], "a": [None, 2, None, 4, None, None], "x": [0.5, 0.5, 0.5, 1.5, 0.5, None]}
    for rule, shown in (
        ('IsComplete "a"', [3]),
        ('ColumnValues "a" > 9', [2, 3, 4]),
        ('IsPrimaryKey "a"', [3]),
        ('IsPrimaryKey "x"', [2, 3]),
        ('IsUnique "x"', [2, 3]),
    ):
        (outcome,) = dq.evaluate(f'Rules = [ {rule} where "id between 2 and 4" ]', data).outcomes
        assert outcome.failing is not None
        assert [row[outcome.failing.columns.index("id")] for row in outcome.failing.sample] == shown


def test_redacted_samples_show_shapes() -> None:
    failing = (
        dq.evaluate('Rules = [ ColumnValues "qty" < 5 ]', ORDERS, options=dq.Options(redact=True)).outcomes[0].failing
    )
    assert failing is not None
    assert dict(zip(failing.columns, failing.sample[0], strict=True)) == {
        "id": "9",
        "email": "a@a.aa",
        "country": None,
        "amount": "99.9",
        "qty": "9",
        "code": "  ",
        "status": "aaaa",
    }


def test_redacted_reports_hold_no_value_of_the_data(tmp_path: Path) -> None:
    lines = ["id,secret", *(f"{at},{at}" for at in range(30_000)), "30000,Nguyen-77"]
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n")
    rules = """Rules = [
        ColumnValues "secret" matches "[0-9]+",
        CustomSql "select secret from primary where id = 30000" > 0,
        CustomSql "select cast(max(secret) as decimal(3, 0)) from primary" > 0
    ]"""
    for redact, there in ((False, True), (True, False)):
        evaluation = dq.evaluate(rules, tmp_path / "in.csv", options=dq.Options(redact=redact))
        reports = (evaluation.to_json(), evaluation.to_html(), evaluation.to_text())
        assert [("Nguyen" in report) for report in reports] == [there, there, there]


# -- laws ----------------------------------------------------------------------------------------------

CELLS = {
    "a": st.none() | st.integers(-2, 3),
    "b": st.none() | st.sampled_from(["", " ", "x", "yy", "é"]),
    "c": st.none() | st.floats(-2, 2, width=32) | st.just(float("nan")),
}
TABLES = st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=12)
ROW_RULES = (
    'IsComplete "a"',
    'Completeness "b" > 0.5',
    'IsUnique "a"',
    'IsUnique "a" "b"',
    'Uniqueness "c" > 0.1',
    'UniqueValueRatio "b" > 0.1',
    'IsPrimaryKey "a"',
    'IsPrimaryKey "a" "b"',
    "DuplicateRowCount < 3",
    'DuplicateRowCount "b" < 3',
    'ColumnValues "a" > 0',
    'ColumnValues "a" not in [1, NULL]',
    'ColumnValues "c" between -1 and 1',
    'ColumnValues "b" in ["x", EMPTY]',
    'ColumnValues "b" not matches "x|y+"',
    'ColumnLength "b" != 1',
    'ColumnDataType "b" = "Integer"',
    'CustomSql "select a, b from primary where c > 0"',
)
WHERES = ("", ' where "a > 0"', ' where "b is null"', ' where "c < 1 or a = 2"')


@settings(max_examples=examples(60))
@given(TABLES, st.sampled_from(ROW_RULES), st.sampled_from(WHERES), st.booleans())
def test_the_rows_that_fail_are_as_many_as_the_rule_counts(
    rows: list[dict[str, Any]], rule: str, where: str, skipped: bool
) -> None:
    text = rule if rule.startswith("CustomSql") else rule + where
    columns = {name: [row[name] for row in rows] for name in CELLS}
    table = pa.table(
        {"a": pa.array(columns["a"], pa.int64()), "b": columns["b"], "c": pa.array(columns["c"], pa.float64())}
    )
    options = dq.Options(filtered_rows="skipped" if skipped else "passed")
    evaluation = dq.evaluate(f"Rules = [ {text} ]", table, options=options)
    failing = evaluation.outcomes[0].failing
    found = evaluation.rows().read_all().to_pylist()
    fails = sum(bool(row[FAIL]) for row in found)
    assert fails == (failing.count if failing else 0)
    if skipped and failing and not rule.startswith("DuplicateRowCount"):
        assert sum(bool(row[FAIL] or row[PASS]) for row in found) == failing.total
