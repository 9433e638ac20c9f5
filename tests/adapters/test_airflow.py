"""The operator in a real Airflow: on its own, and in DAGs that run."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HOME = tempfile.mkdtemp(prefix="airflow")
os.environ.update(
    AIRFLOW_HOME=HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=f"{HOME}/dags",
    AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
)

import pytest  # noqa: E402
from airflow.sdk import DAG  # noqa: E402

import dq  # noqa: E402
from dq.airflow import AirflowException, AirflowFailException, AirflowSkipException, RulesetOperator  # noqa: E402

PASSES = "Rules = [ RowCount = 2 ]"
FAILS = 'Rules = [ RowCount = 2, IsComplete "email" ]'
ERRS = 'Rules = [ RowCount = 2, IsComplete "phone" ]'


class Instance:
    """What a task instance takes of an operator."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


@pytest.fixture
def orders(tmp_path: Path) -> str:
    path = tmp_path / "orders.csv"
    path.write_text("id,email\n1,a@x.io\n2,\n")
    return str(path)


def execute(**arguments: Any) -> tuple[Any, dict[str, Any]]:
    instance = Instance()
    try:
        return RulesetOperator(task_id="check", **arguments).execute({"ti": instance}), instance.pushed
    except AirflowException as error:
        return error, instance.pushed


def test_what_passes_succeeds_with_its_summary(orders: str) -> None:
    found, pushed = execute(ruleset=PASSES, data=orders)
    assert found == {
        "ruleset": "<string>",
        "passed": True,
        "score": 1.0,
        "rules": 1,
        "failed": 0,
        "errors": 0,
        "not_passed": [],
    }
    assert pushed == {"score": 1.0, "summary": found}


def test_a_failed_rule_fails_the_task_for_good(orders: str) -> None:
    error, pushed = execute(ruleset=FAILS, data=orders)
    assert type(error) is AirflowFailException
    assert "completeness of `email` is 0.5" in str(error)
    assert pushed["score"] == 0.5
    assert pushed["summary"]["not_passed"][0]["rule"] == 'IsComplete "email"'


@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.parametrize("data", ["orders", "nowhere.csv"])
def test_what_could_not_be_measured_may_be_tried_again(orders: str, data: str, soft_fail: bool) -> None:
    error, _ = execute(ruleset=ERRS, data=orders if data == "orders" else data, soft_fail=soft_fail)
    assert type(error) is AirflowException


def test_a_wrong_ruleset_is_not_tried_again(orders: str) -> None:
    error, _ = execute(ruleset="Rules = [ Complete ]", data=orders)
    assert type(error) is AirflowFailException
    assert "unknown rule type" in str(error)


def test_a_task_that_fails_softly_is_skipped(orders: str) -> None:
    error, pushed = execute(ruleset=FAILS, data=orders, soft_fail=True)
    assert type(error) is AirflowSkipException
    assert pushed["score"] == 0.5


def test_what_does_not_count_succeeds(orders: str) -> None:
    found, _ = execute(ruleset=FAILS, data=orders, fail_on="error")
    assert (found["passed"], found["failed"]) == (False, 1)


def test_a_fail_on_that_is_none_is_refused_with_the_dag() -> None:
    with pytest.raises(dq.DqError, match="`fail_on` cannot be"):
        RulesetOperator(task_id="check", ruleset=PASSES, fail_on="sometimes")


def test_tables_by_name(orders: str, tmp_path: Path) -> None:
    project = tmp_path / "dq.toml"
    project.write_text('[table.orders]\npath = "orders.csv"\n')
    refers = 'Rules = [ ReferentialIntegrity "id" "known.id" = 1.0 ]'
    found, _ = execute(ruleset=refers, data="orders", references={"known": "orders"}, project=str(project))
    assert found["passed"]
    (tmp_path / "rules.dqdl").write_text(f"# dq: table = orders\n{PASSES}")
    found, _ = execute(ruleset=str(tmp_path / "rules.dqdl"), project=str(project))
    assert found["passed"]


def test_no_data_at_all() -> None:
    error, _ = execute(ruleset=PASSES)
    assert "no data" in str(error)


def test_the_page_shows_a_dag() -> None:
    page = Path(__file__).parents[2] / "docs" / "etl.md"
    (shown,) = re.findall(r"<!-- airflow -->\n```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    held: dict[str, Any] = {}
    exec(shown, held)
    (task,) = held["dag"].tasks
    task.render_template_fields({"ds": "2026-11-01"})
    assert task.data == "s3://lake/orders/dt=2026-11-01/"


# -- DAGs that run -------------------------------------------------------------------------------------


PIPELINE = """
from airflow.sdk import DAG

from dq.airflow import RulesetOperator

with DAG("pipeline", schedule=None, params={{"name": "orders.csv"}}) as dag:
    checked = RulesetOperator(task_id="checked", ruleset={passes!r}, data="{folder}/{{{{ params.name }}}}")
    failed = RulesetOperator(task_id="failed", ruleset={fails!r}, data="{folder}/orders.csv", retries=3)
    skipped = RulesetOperator(task_id="skipped", ruleset={fails!r}, data="{folder}/orders.csv", soft_fail=True)
    checked >> [failed, skipped]
"""


@pytest.fixture
def pipeline(orders: str) -> DAG:
    """A DAG in the folder of DAGs of an Airflow that has its database."""
    folder = Path(HOME, "dags")
    folder.mkdir()
    (folder / "pipeline.py").write_text(PIPELINE.format(folder=Path(orders).parent, passes=PASSES, fails=FAILS))
    command = [str(Path(sys.executable).parent / "airflow"), "db", "migrate"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return runpy.run_path(str(folder / "pipeline.py"))["dag"]


def test_a_dag_runs_with_templates_and_xcoms(pipeline: DAG) -> None:
    run = pipeline.test()
    tasks = {each.task_id: each for each in run.get_task_instances()}
    assert {name: str(each.state) for name, each in tasks.items()} == {
        "checked": "success",
        "failed": "failed",
        "skipped": "skipped",
    }
    scores = {name: each.xcom_pull(task_ids=name, key="score") for name, each in tasks.items()}
    assert scores == {"checked": 1.0, "failed": 0.5, "skipped": 0.5}
