"""A Glue job script, unchanged, on this machine; and the call by itself on DataFrames."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sparks import session

from dq.diagnostics import DqError

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.xdist_group("spark")]

JOB = Path(__file__).with_name("job.py")
CSV = "id,customer,email,qty\n1,1,a@b.c,1\n2,2,,2\n3,3,c@d.e,9\n4,1,x@y.z,4\n"
SCHEMA = """root
 |-- Rule: string (nullable = true)
 |-- Outcome: string (nullable = true)
 |-- FailureReason: string (nullable = true)
 |-- EvaluatedMetrics: map (nullable = true)
 |    |-- key: string
 |    |-- value: double (valueContainsNull = true)
 |-- EvaluatedRule: string (nullable = true)
"""


def test_a_job_script_of_glue_runs_unchanged(tmp_path: Path) -> None:
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "a.csv").write_text(CSV)
    arguments = ["--JOB_NAME", "orders", "--SOURCE", "orders", "--TARGET", "good", "--RESULTS", "results"]
    done = subprocess.run(
        [sys.executable, JOB, *arguments],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=180,
        check=False,
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert SCHEMA in done.stdout
    assert "|-- DataQualityRulesPass: array" in done.stdout
    assert "|-- DataQualityEvaluationResult: string" in done.stdout
    outcomes = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith(("Passed |", "Failed |"))]
    assert [each[:2] for each in outcomes] == [
        ["Passed", "RowCount > 2"],
        ["Failed", 'IsComplete "email"'],
        ["Failed", 'ColumnValues "qty" < 5'],
        ["Failed", 'ReferentialIntegrity "customer" "customers.id" = 1.0'],
        ["Failed", '(IsUnique "id") AND (ColumnLength "email" > 3)'],
    ]
    assert outcomes[0][2] == "None"
    assert "'Dataset.*.RowCount': 4.0" in outcomes[0][3]
    assert "'Column.email.Completeness': 0.75" in outcomes[1][3]
    kept = pq.read_table(tmp_path / "good").to_pylist()
    assert {each["id"] for each in kept} == {1, 4}
    assert all(each["DataQualityRulesFail"] == [] for each in kept)
    (file,) = (tmp_path / "results").rglob("*.jsonl")
    assert [part.partition("=")[0] for part in file.relative_to(tmp_path / "results").parts[:-1]] == [
        "year",
        "month",
        "day",
    ]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each["outcome"] for each in lines] == ["Passed", "Failed", "Failed", "Failed", "Failed"]


@pytest.fixture(scope="module")
def spark() -> Any:
    return session()


RULES = 'Rules = [ IsComplete "s", ColumnValues "n" < 3 where "s is not null" ]'


def frame(spark: Any) -> Any:
    return spark.createDataFrame([(1, "a"), (5, None), (4, "b")], "n int, s string")


def apply(spark: Any, rules: str = RULES, **options: Any) -> Any:
    from awsgluedq.transforms import EvaluateDataQuality

    return EvaluateDataQuality.apply(frame=frame(spark), ruleset=rules, **options)


def test_a_dataframe_gives_dataframes(spark: Any) -> None:
    from awsgluedq.transforms import EvaluateDataQuality

    data = frame(spark)
    found = EvaluateDataQuality().process_rows(data, RULES)
    assert found["originalData"] is data
    assert list(found.keys()) == ["originalData", "ruleOutcomes", "rowLevelOutcomes"]
    rows = {row["n"]: row for row in found["rowLevelOutcomes"].collect()}
    assert {n: row["DataQualityEvaluationResult"] for n, row in rows.items()} == {1: "Passed", 5: "Failed", 4: "Failed"}
    assert rows[5]["DataQualityRulesFail"] == ['IsComplete "s"']
    skipped = {"rowLevelConfiguration.filteredRowLabel": "SKIPPED"}
    rows = {
        r["n"]: r
        for r in EvaluateDataQuality()
        .process_rows(data, RULES, additional_options=skipped)["rowLevelOutcomes"]
        .collect()
    }
    assert rows[5]["DataQualityRulesSkip"] == ['ColumnValues "n" < 3 where "s is not null"']


def test_rows_are_counted_where_it_is_asked(spark: Any) -> None:
    from awsgluedq.transforms import EvaluateDataQuality

    found = EvaluateDataQuality().process_rows(
        frame(spark), RULES, additional_options={"publishAggregatedMetrics.status": "ENABLED"}
    )
    counts = [tuple(row)[-4:] for row in found["ruleOutcomes"].collect()]
    assert counts == [(2, 1, 0, 3), (2, 1, 0, 3)]
    (totals,) = found["aggregatedMetrics"].collect()
    assert totals.asDict() == {
        "TotalRowsProcessed": 3.0,
        "TotalRowsPassed": 1.0,
        "TotalRowsFailed": 2.0,
        "TotalRulesProcessed": 2.0,
        "TotalRulesPassed": 0.0,
        "TotalRulesFailed": 2.0,
    }


def test_what_cannot_be_measured_has_failed_and_says_why(spark: Any) -> None:
    (row,) = apply(spark, 'Rules = [ IsComplete "none" ]').collect()
    assert row["Outcome"] == "Failed"
    assert "`none`" in row["FailureReason"]
    assert row["EvaluatedMetrics"] == {}


def test_labels_stand_in_a_column_of_their_own(spark: Any) -> None:
    rules = 'DefaultLabels = ["team"="a"]\nRules = [ RowCount > 0 labels=["k"="v"], RowCount > 1 ]'
    labels = [row["Labels"] for row in apply(spark, rules).collect()]
    assert labels == [{"team": "a", "k": "v"}, {"team": "a"}]


def test_a_job_stops_when_it_is_asked_to(spark: Any) -> None:
    from awsglue.job import Job

    stop = {"stopJobOnFailureOptions": {"stopJobOnFailureTiming": "Immediate"}}
    with pytest.raises(DqError, match="did not pass"):
        apply(spark, additional_options=stop)
    later = {"stopJobOnFailureOptions": {"stopJobOnFailureTiming": "AfterDataLoad"}}
    job = Job(None)
    job.init("job")
    apply(spark, additional_options=later)
    with pytest.raises(DqError, match='IsComplete "s"'):
        job.commit()
    job.commit()


def test_results_that_cannot_be_written_are_an_error_unless_best_effort(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    publishing = {"resultsS3Prefix": str(tmp_path / "file")}
    with pytest.raises(DqError, match="cannot be written"):
        apply(spark, publishing_options=publishing)
    best = {"dataQualityResultsPublishing.strategy": "BEST_EFFORT"}
    assert apply(spark, publishing_options=publishing, additional_options=best).count() == 2


def test_results_are_written_to_a_bucket(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from servers import s3

    with s3.moto() as server:
        for name, value in {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL": server, "AWS_REGION": "us-east-1"}.items():
            monkeypatch.setenv(name, value)
        s3.put(server, "glue-results", {})
        apply(spark, publishing_options={"resultsS3Prefix": "s3://glue-results/dq/"})
        client = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
        (found,) = client.list_objects_v2(Bucket="glue-results")["Contents"]
        assert found["Key"].startswith("dq/year=")
        text = client.get_object(Bucket="glue-results", Key=found["Key"])["Body"].read().decode()
        assert [json.loads(line)["outcome"] for line in text.splitlines()] == ["Failed", "Failed"]
