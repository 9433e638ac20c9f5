"""What only Spark Connect can show, in a pytest of its own: the session of a process is either classic or not.

`tests/integration/test_spark.py` begins that pytest, with a share of the cases; `make test-connect` takes them all.
"""

from __future__ import annotations

import pytest
import sparks

import dq

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(not sparks.IS_CONNECT, reason="`make test-connect` runs this: it needs DQ_SPARK=connect"),
]

RULES = """Rules = [ IsComplete "id", IsUnique "name", ColumnValues "name" in ["a", "b"],
    CustomSql "select id from primary where id > 1" with threshold > 0.1,
    ColumnDataType "name" = "INTEGER" with threshold < 0.1, Entropy "name" > 0.1 ]"""


@pytest.fixture(scope="module")
def found() -> dq.Evaluation:
    frame = sparks.session().createDataFrame([(1, "a"), (2, "b"), (None, "b")], "id int, name string")
    return dq.evaluate(RULES, {"primary": frame})


def test_the_session_is_one_of_spark_connect() -> None:
    assert type(sparks.session()).__module__.startswith("pyspark.sql.connect")


def test_verdicts_and_reasons(found: dq.Evaluation) -> None:
    assert found.engine == "spark"
    assert [(each.verdict.value, each.reason) for each in found.outcomes] == [
        ("FAILED", "completeness of `id` is 0.666667, expected = 1.0 (1 of 3 rows without a value)"),
        ("FAILED", "uniqueness of `name` is 0.333333, expected = 1.0 (2 of 3 rows fail)"),
        *[("PASSED", "")] * 4,
    ]


def test_rows_are_dataframes_of_the_server(found: dq.Evaluation) -> None:
    passed, failed = found.split()
    assert passed.count() == 0
    assert sorted(str(row["id"]) for row in failed.select("id").collect()) == ["1", "2", "None"]


def test_a_scan_that_takes_too_long_is_interrupted() -> None:
    endless = sparks.session().range(0, 10**12, 1, 1)
    (outcome,) = dq.evaluate('Rules = [ Mean "id" > 0 ]', endless, time_limit=1).outcomes
    assert outcome.reason == "the scan took longer than 1 s, the limit"
