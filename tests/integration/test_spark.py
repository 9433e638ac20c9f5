"""DataFrames of Spark: the same verdicts in every setting of a session, few jobs, and rows as DataFrames."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sparks
from click.testing import CliRunner

import dq
from dq.cli import cli
from dq.engines.opening import Request, opened
from dq.metrics import Groups

ORDERS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4, 2**31 - 1], pa.int32()),
        "email": ["a@example.com", "b@example.com", None, "b@example.com", "it's \\d ${x}\n"],
        "amount": pa.array([Decimal("1.50"), Decimal("-2.25"), None, Decimal("99.99"), Decimal("0.00")]),
        "share": [0.1, float("nan"), float("inf"), None, -0.0],
        "text": ["12", " 7 ", "1.5", "x", "2024-03-10 02:30:00"],
        "placed": pa.array([datetime(2024, 3, 10, 2, 30), None, *[datetime(2024, 7, 1)] * 3], pa.timestamp("us")),
        "sent": pa.array([datetime(2024, 3, 10, 7, 30, tzinfo=UTC), *[None] * 4], pa.timestamp("us", "UTC")),
        "day": pa.array([date(2024, 2, 29)] * 4 + [None], pa.date32()),
        "big": pa.array([2**63 - 1, 2**63 - 1, 1, None, 0], pa.int64()),
    }
)
RULES = r"""Rules = [
    RowCount = 5,
    IsComplete "id",
    IsPrimaryKey "id",
    Completeness "email" > 0.7,
    Uniqueness "email" > 0.4,
    Entropy "email" > 0.5,
    Mean "amount" between 20 and 30,
    Sum "big" > 18446744073709551614,
    StandardDeviation "share" > 1,
    ColumnValues "share" >= 0,
    ColumnValues "email" matches "[a-z]@example\.com",
    ColumnValues "text" in ["12", "x"],
    ColumnDataType "text" = "INTEGER",
    ColumnDataType "text" = "DOUBLE" with threshold > 0.9,
    ColumnValues "placed" > "2024-03-10",
    ColumnValues "sent" > "2024-03-10",
    ColumnValues "day" = "2024-02-29",
    ColumnLength "text" between 0 and 30,
    Kurtosis "id" > -5,
    InterquartileRange "id" > 0,
    CustomSql "select count(*) from primary where cast(text as int) > 6" = 2,
    CustomSql "select id from primary where id / 0 is null and hour(placed) = 2" with threshold > 0.1,
    CustomSql "select sum(id + 1) from primary where id < 5" = 14,
    CustomSql "select max(id + 1) from primary" > 0,
    IsComplete "email" where "date_format(placed, 'HH:mm') = '02:30'",
    ColumnCorrelation "id" "amount" between -1 and 1
]"""


def outcomes(data: Any, rules: str = RULES, **options: Any) -> list[tuple[str, str, dict[str, float | None]]]:
    """Rules, verdicts and metrics; a metric that is no number is None."""
    found = dq.evaluate(rules, data, **options)
    return [
        (str(each.rule), each.verdict.value, {name: _told(value) for name, value in each.metrics.items()})
        for each in found.outcomes
    ]


def _told(value: float) -> float | None:
    return None if value != value else round(value, 9)


@contextmanager
def settings(values: Mapping[str, str]) -> Iterator[None]:
    """Settings of the session, until the context ends."""
    conf = sparks.session().conf
    before = {name: conf.get(name) for name in values}
    try:
        for name, value in values.items():
            conf.set(name, value)
        yield
    finally:
        for name, value in before.items():
            conf.set(name, value)


SETTINGS = [
    {"spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "America/New_York"},
    {"spark.sql.ansi.enabled": "false", "spark.sql.session.timeZone": "Asia/Kolkata"},
    {"spark.sql.ansi.enabled": "true", "spark.sql.parser.escapedStringLiterals": "true"},
    {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"},
    {"spark.sql.timestampType": "TIMESTAMP_NTZ"},
]


@pytest.mark.parametrize("values", SETTINGS, ids=lambda values: " ".join(values.values()))
def test_no_setting_of_the_session_changes_a_verdict(values: dict[str, str]) -> None:
    with settings(values):
        assert outcomes(sparks.frame(ORDERS)) == outcomes(ORDERS)


def test_a_plan_is_a_query_for_each_scan_and_a_job_reads_a_table_once() -> None:
    spark = sparks.session()
    frame = sparks.frame(ORDERS)
    columns = ("id", "email", "text", "placed")
    rules = ", ".join(f'Completeness "{each}" > 0.1, Completeness "{each}" > 0.2' for each in columns)
    tracker = spark.sparkContext.statusTracker()
    spark.sparkContext.setJobGroup("counted", "")
    try:
        found = dq.evaluate(f"Rules = [{rules}]", frame, options=dq.Options(samples=0))
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
    assert found.scans == 1
    assert found.engine == "spark"
    assert len(tracker.getJobIdsForGroup("counted")) <= 2, "one for the partitions, one for the whole"


def number_of_next_job() -> int:
    """Jobs are numbered as they come, from whatever thread."""
    context = sparks.session().sparkContext
    group = uuid.uuid4().hex
    context.setJobGroup(group, "")
    try:
        sparks.session().range(1).collect()
    finally:
        context.setLocalProperty("spark.jobGroup.id", None)
    (job,) = context.statusTracker().getJobIdsForGroup(group)
    return int(job) + 1


def test_a_frequency_table_is_one_job_however_many_partitions_it_has() -> None:
    """A cumulative stream asks for one with every batch."""
    values = {"spark.sql.shuffle.partitions": "7", "spark.sql.adaptive.enabled": "false"}
    with settings(values), opened("spark", Request(sparks.frame(ORDERS))) as on:
        before = number_of_next_job()
        found = on.engine.frequencies(Groups(tuple(on.engine.schemas()["primary"])[:1]))
        assert number_of_next_job() - before == 2, "the other one counts"
    assert found.table.num_rows == 5


def test_names_of_columns_may_hold_everything() -> None:
    table = pa.table({"a.b": [1, None], "c`d": [1, 2], 'e"f': ["x", "y"], "g h": [None, 1.5], "Ünï": [True, None]})
    rules = ", ".join(f'Completeness "{name}" > 0.5' for name in ("a.b", "c`d", r"e\"f", "g h", "Ünï"))
    assert outcomes(sparks.frame(table), f"Rules = [{rules}]") == outcomes(table, f"Rules = [{rules}]")


def test_names_that_differ_in_the_case_of_letters_are_two_columns() -> None:
    frame = sparks.session().createDataFrame([(1, None), (2, 3)], "a int, A int")
    found = dq.evaluate('Rules = [ Completeness "a" = 1, Completeness "A_1" = 0.5, Completeness "A" = 1 ]', frame)
    assert [each.verdict.value for each in found.outcomes] == ["PASSED", "PASSED", "ERROR"]
    assert "A_1" in found.outcomes[2].reason


def test_rows_are_a_dataframe_that_nothing_was_computed_for() -> None:
    found = dq.evaluate('Rules = [ IsComplete "email", ColumnValues "id" < 4, RowCount > 0 ]', sparks.frame(ORDERS))
    rows = found.rows()
    assert rows.columns[: len(ORDERS.column_names)] == ORDERS.column_names
    labelled = {row["id"]: row for row in sparks.told(rows.drop("sent"))}
    assert labelled[3]["DataQualityRulesFail"] == ['IsComplete "email"']
    assert labelled[3]["DataQualityRulesPass"] == ['ColumnValues "id" < 4']
    assert labelled[3]["DataQualityRulesSkip"] == ["RowCount > 0"]
    assert labelled[1]["DataQualityEvaluationResult"] == "Passed"
    passed, failed = found.split()
    assert [row["id"] for row in passed.select("id").collect()] == [1, 2]
    assert failed.count() == 3


def test_rows_can_be_written_to_a_file_of_this_machine(tmp_path: Path) -> None:
    found = dq.evaluate('Rules = [ IsComplete "email" ]', sparks.frame(ORDERS))
    path = tmp_path / "failed.parquet"
    assert found.write_rows(failed=path) == {str(path): 1}
    (row,) = pq.read_table(path).to_pylist()
    assert (row["id"], row["placed"], row["day"]) == (3, datetime(2024, 7, 1), date(2024, 2, 29))


def test_an_instant_keeps_its_moment_on_the_way_into_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    dq.evaluate("Rules = [ RowCount > 0 ]", sparks.frame(ORDERS)).write_rows(rows=path)
    sent = pq.read_table(path)["sent"].to_pylist()
    assert sent[0] == datetime(2024, 3, 10, 7, 30, tzinfo=UTC)


def test_samples_show_failing_rows() -> None:
    (outcome,) = dq.evaluate('Rules = [ IsComplete "email" ]', sparks.frame(ORDERS)).outcomes
    assert outcome.failing is not None
    assert len(outcome.failing.sample) == 1


def test_samples_hold_what_those_of_the_same_table_hold_here() -> None:
    table = pa.table(
        {
            "id": pa.array([1], pa.int32()), "none": pa.array([None], pa.string()), "bytes": [b"\x00\xff"],
            "share": [0.5], "amount": [Decimal("1.50")], "day": [date(2024, 2, 29)], "placed": [datetime(2024, 3, 10, 2, 30)],
            "sent": pa.array([datetime(2024, 3, 10, 7, 30, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        }
    )  # fmt: skip
    here, there = (
        dq.evaluate('Rules = [ IsComplete "none" ]', each).outcomes[0].failing for each in (table, sparks.frame(table))
    )
    assert here is not None
    assert here == there


def test_no_view_is_left_behind() -> None:
    dq.evaluate(RULES, sparks.frame(ORDERS)).rows()
    assert not [each.name for each in sparks.session().catalog.listTables() if each.name.startswith("dq_")]


def test_what_overflows_is_an_error_and_no_wrong_number() -> None:
    for ansi in ("true", "false"):
        with settings({"spark.sql.ansi.enabled": ansi}):
            (outcome,) = dq.evaluate(
                'Rules = [ CustomSql "select max(id + 1) from primary" > 0 ]', sparks.frame(ORDERS)
            ).outcomes
            assert (outcome.verdict, "overflow" in outcome.reason) == (dq.Verdict.ERROR, True)


def test_an_error_of_spark_is_told_in_its_own_words_and_without_a_trace() -> None:
    (outcome,) = dq.evaluate(
        'Rules = [ CustomSql "select row_number() over () from primary" > 0 ]', sparks.frame(ORDERS)
    ).outcomes
    assert outcome.verdict is dq.Verdict.ERROR
    assert "ORDER BY" in outcome.reason
    assert "\n" not in outcome.reason
    assert "org.apache" not in outcome.reason


def test_a_scan_that_takes_too_long_is_cancelled() -> None:
    endless = sparks.session().range(0, 10**12, 1, 1)
    (outcome,) = dq.evaluate('Rules = [ Mean "id" > 0 ]', endless, time_limit=0.5).outcomes
    assert outcome.verdict is dq.Verdict.ERROR
    assert "longer than 0.5 s" in outcome.reason


def test_references_are_tables_beside_the_primary() -> None:
    ref = pa.table({"id": pa.array([1, 2, None], pa.int32()), "email": ["a@example.com", "c@example.com", None]})
    rules = """Rules = [
        ReferentialIntegrity "id" "ref.id" >= 0.4, DatasetMatch "ref" "id" "email" > 0.1,
        RowCountMatch "ref" > 0.1, AggregateMatch "sum(id)" "sum(ref.id)" > 0.0,
        CustomSql "select count(*) from primary where id not in (select id from ref)" = 0,
        CustomSql "select count(*) from primary p join ref r on p.id = r.id" = 2
    ]"""
    tables = {"primary": ORDERS, "ref": ref}
    assert outcomes(sparks.frames(tables), rules) == outcomes(tables, rules)


# -- what is no DataFrame ------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pq.write_table(ORDERS, tmp_path / "orders.parquet")
    (tmp_path / "orders.csv").write_text("id,name\n1,a\n2,\n")
    (tmp_path / "orders.jsonl").write_text('{"id": 1}\n{"id": 2}\n')
    return tmp_path


@pytest.mark.parametrize(("name", "rows"), [("orders.parquet", 5), ("orders.csv", 2), ("orders.jsonl", 2)])
def test_files_are_read_by_spark(folder: Path, name: str, rows: int) -> None:
    sparks.session()
    found = dq.evaluate(f'Rules = [ RowCount = {rows}, IsComplete "id" ]', folder / name, engine="spark")
    assert found.passed
    assert found.engine == "spark"


def test_a_table_of_the_session_goes_by_its_name() -> None:
    sparks.frame(ORDERS).createOrReplaceTempView("orders_of_test")
    try:
        assert dq.evaluate("Rules = [ RowCount = 5 ]", "orders_of_test", engine="spark").passed
    finally:
        sparks.session().catalog.dropTempView("orders_of_test")


def test_what_spark_cannot_read_is_told() -> None:
    session = sparks.session()
    stream = session.readStream.format("rate").load()
    for data, words in (
        ("no_such_table", "there is no table `no_such_table`"),
        ("no/such.parquet", "no file `no/such.parquet`: there is no folder"),
        (stream, "is a stream"),
        ({"primary": sparks.frame(ORDERS), "ref": ORDERS}, "`ref`: Spark cannot read a Table"),
    ):
        with pytest.raises(dq.DqError, match=words):
            dq.evaluate("Rules = [ RowCount > 0 ]", data, engine="spark")


def test_the_command_line_measures_and_explains(folder: Path) -> None:
    sparks.session()
    path = str(folder / "orders.parquet")
    rule = ["--rule", 'IsComplete "id"', "--engine", "spark"]
    told = CliRunner().invoke(cli, ["evaluate", *rule, path, "--format", "json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["engine"] == "spark"
    told = CliRunner().invoke(cli, ["explain", *rule, path, "--sql"])
    assert told.exit_code == 0, told.output
    assert "COUNT(" in told.stdout
    assert "on spark" in told.stdout
    told = CliRunner().invoke(cli, ["explain", *rule, path, "--physical", "--format", "json"])
    (scan,) = json.loads(told.stdout)["scans"]
    assert scan["physical"].startswith("== Physical Plan ==")
    assert "ReadSchema: struct<id:int>" in scan["physical"]
    told = CliRunner().invoke(cli, ["evaluate", "--rule", "RowCount > 0", path, "--master", "local[1]"])
    assert told.exit_code == 2


def run_alone(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process of Python of its own, in an environment that says nothing of Spark but this."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK", "PYSPARK"))}
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True, text=True, timeout=180, check=False, env={**inherited, **environment},
    )  # fmt: skip


def test_a_missing_file_is_told_before_spark_is_started(folder: Path) -> None:
    words = ("-m", "dq", "evaluate", "--rule", "RowCount > 0", str(folder / "order.parquet"), "--engine", "spark")
    told = run_alone(*words, JAVA_HOME="/nowhere", PATH="/nowhere")
    assert told.returncode == 3
    assert "orders.parquet" in told.stderr, "the name that is near"
    assert "Spark cannot be started" not in told.stderr


SETTINGS_OF_A_RUN = """
import sys, dq
assert dq.evaluate("Rules = [ RowCount = 5 ]", sys.argv[1], engine="spark").passed
from pyspark.sql import SparkSession
for name in ("spark.driver.bindAddress", "spark.ui.enabled"):
    print(SparkSession.getActiveSession().sparkContext.getConf().get(name, "unset"))
"""


@pytest.mark.slow
def test_a_session_of_our_own_keeps_to_itself(folder: Path) -> None:
    sparks.session()  # or it is skipped
    told = run_alone("-c", SETTINGS_OF_A_RUN, str(folder / "orders.parquet"))
    assert told.stdout.splitlines() == ["127.0.0.1", "false"], told.stderr
    lines = [line for line in told.stderr.splitlines() if "incubator modules" not in line]  # which Java itself says
    assert lines == [], "no log, no warning, no progress bar of Spark"


@pytest.mark.slow
def test_the_settings_of_the_user_are_kept(folder: Path, tmp_path: Path) -> None:
    sparks.session()
    conf = tmp_path / "conf"
    conf.mkdir()
    settings = {"spark.ui.enabled": "false", "spark.driver.bindAddress": "localhost", "spark.driver.host": "localhost"}
    (conf / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    told = run_alone("-c", SETTINGS_OF_A_RUN, str(folder / "orders.parquet"), SPARK_CONF_DIR=str(conf))
    assert told.stdout.splitlines() == ["localhost", "false"], told.stderr


REFUSED = {
    'CustomSql "select distinct id from primary qualify row_number() over (order by id) = 1" = 1': "QUALIFY of different",
    'CustomSql "select row_number() over () from primary" > 0': "ORDER BY",
}
"""What Spark does not answer: by our allow-list, and by its own words."""


def test_explain_tells_what_cannot_be_measured_and_shows_the_others() -> None:
    rules = ", ".join(['Mean "id" > 0', *REFUSED])
    found = dq.explain(f"Rules = [ {rules} ]", sparks.frame(ORDERS), physical=True)
    assert [step.physical.partition("\n")[0] for step in found.steps] == ["== Physical Plan =="]
    assert [str(rule) for rule in found.problems] == list(REFUSED)
    for told, words in zip(found.problems.values(), REFUSED.values(), strict=True):
        assert words in told
        assert "\n" not in told


def test_the_page_of_spark_does_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "spark.md").read_text(encoding="utf-8")
    orders = sparks.session().createDataFrame(
        [(1, "a", 1.5), (2, "b", -1.0), (3, "b", 2.0), (4, "c", 0.0)], "id int, email string, amount double"
    )
    orders.createOrReplaceTempView("orders_view")
    names: dict[str, Any] = {"orders": orders, "customers": orders}
    for program in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        exec(program, names)
    assert "DataQualityRulesFail" in capsys.readouterr().out
    sparks.session().catalog.dropTempView("orders_view")


CASES = [f"tests/conformance/test_{name}.py" for name in ("cases", "evaluation", "rows", "spark_sql")]


@pytest.mark.slow
def test_spark_connect_gives_the_same_verdicts_and_rows() -> None:
    """In a process of its own, since the session of a process is either classic or not."""
    import pyspark

    sparks.session()  # skips without Java
    if int(pyspark.__version__.partition(".")[0]) < 4:
        pytest.skip(sparks.NO_SERVER)
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "spark", "tests/spark_connect.py", *CASES],
        env={**outside, "DQ_SPARK": "connect", "DQ_ENGINES": "few"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    found = re.search(r"^([0-9]+) passed", done.stdout, re.MULTILINE)
    assert found
    assert int(found[1]) > 15, "one in eighty of the cases, and what only Spark Connect can show"
