"""A ruleset in a checkpoint of Great Expectations itself: `EvaluateDqdlRulesetAction`."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlparse

import pandas as pd
import pyarrow as pa
import pytest
import sparks

import dq
from dq import gx

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning:great_expectations"
    ),
]

FRAME = pd.DataFrame({"id": [1, 2, 2], "status": ["paid", None, "open"]})
GOOD, BAD = 'Rules = [ IsComplete "id" ]', 'Rules = [ IsComplete "id", IsUnique "id" ]'
UNMEASURED = 'Rules = [ IsComplete "nowhere" ]'
ANALYZED = 'Rules = [ RowCount > 0, RowCount > 1 ] Analyzers = [ Completeness "nowhere" ]'


@pytest.fixture(scope="module")
def library() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GX_ANALYTICS_ENABLED", "false")
        import great_expectations

        yield great_expectations


@pytest.fixture
def project(library: Any, tmp_path: Path) -> Any:
    """A project in files, as a project is."""
    context = library.get_context(mode="file", project_root_dir=tmp_path)
    context.variables.progress_bars = {"globally": False}
    return context


def frames(project: Any) -> Any:
    return (
        project.data_sources.add_pandas("memory")
        .add_dataframe_asset("orders")
        .add_batch_definition_whole_dataframe("all")
    )


def definition(library: Any, project: Any, batches: Any, name: str = "columns") -> Any:
    suite = library.ExpectationSuite(name=name, expectations=[library.expectations.ExpectColumnToExist(column="id")])
    made = library.ValidationDefinition(name=name, data=batches, suite=project.suites.add(suite))
    return project.validation_definitions.add(made)


def checkpoint(library: Any, project: Any, definitions: Any, actions: Any) -> Any:
    made = library.Checkpoint(name="daily", validation_definitions=definitions, actions=actions)
    return project.checkpoints.add(made)


def suites(result: Any) -> dict[str, bool]:
    """The results of a checkpoint: whether each suite, or ruleset, was met."""
    return {each.suite_name: each.success for each in result.run_results.values()}


class Told:
    """What actions have told, as an action that comes after them sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.results: list[dict[Any, Any]] = []
        run = gx.EvaluateDqdlRulesetAction.run

        def seen(action: Any, **given: Any) -> Any:
            self.results.append(run(action, **given))
            return self.results[-1]

        monkeypatch.setattr(gx.EvaluateDqdlRulesetAction, "run", seen)


@pytest.mark.parametrize(
    ("ruleset", "fail_on", "success", "results"),
    [
        (GOOD, "failed", True, {"columns": True, "rules": True}),
        (BAD, "failed", False, {"columns": True, "rules": False}),
        (BAD, "error", True, {"columns": True}),
        (UNMEASURED, "error", False, {"columns": True, "rules": False}),
        (UNMEASURED, "never", True, {"columns": True}),
        (ANALYZED, "error", False, {"columns": True, "rules": False}),
    ],
)
def test_the_checkpoint_fails_with_its_ruleset_unless_that_does_not_count(
    library: Any,
    project: Any,
    caplog: pytest.LogCaptureFixture,
    ruleset: str,
    fail_on: str,
    success: bool,
    results: dict[str, bool],
) -> None:
    action = gx.EvaluateDqdlRulesetAction(name="rules", ruleset=ruleset, fail_on=fail_on)
    made = checkpoint(library, project, [definition(library, project, frames(project))], [action])
    with caplog.at_level(logging.WARNING, "dq"):
        result = made.run(batch_parameters={"dataframe": FRAME})
    assert result.success is success
    assert result.describe_dict()["success"] is success
    assert suites(result) == results
    assert ("rules passed" in caplog.text or "rule passed" in caplog.text) == (ruleset != GOOD)


def test_its_result_tells_each_rule(library: Any, project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(monkeypatch)
    action = gx.EvaluateDqdlRulesetAction(name="rules", ruleset=BAD)
    result = checkpoint(library, project, [definition(library, project, frames(project))], [action]).run(
        batch_parameters={"dataframe": FRAME}
    )
    ((key, found),) = told.results[0].items()
    assert (found["passed"], found["score"], found["pages"]) == (False, 0.5, {})
    assert [each["verdict"] for each in found["outcomes"]] == ["PASSED", "FAILED"]
    ours = result.run_results[key]
    assert ours.statistics["successful_expectations"] == 1
    assert ours.results[1].result["unexpected_count"] == 2
    theirs = next(each for each in result.run_results.values() if each.suite_name == "columns")
    assert ours.batch_id == theirs.batch_id
    assert ours.meta["run_id"] == theirs.meta["run_id"]
    assert project.validation_results_store.get(key).suite_name == "rules"


def test_data_docs_get_a_page_of_it(
    library: Any, project: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = Told(monkeypatch)
    actions = [
        gx.EvaluateDqdlRulesetAction(name="rules", ruleset=BAD),
        library.checkpoint.UpdateDataDocsAction(name="docs"),
    ]
    made = checkpoint(library, project, [definition(library, project, frames(project))], actions)
    made.run(batch_parameters={"dataframe": FRAME})
    ((_, found),) = told.results[0].items()
    page = Path(unquote(urlparse(found["pages"]["local_site"]).path))
    assert "IsUnique" in page.read_text(encoding="utf-8")
    index = tmp_path / "gx" / "uncommitted" / "data_docs" / "local_site" / "index.html"
    assert page.name in index.read_text(encoding="utf-8")
    project.build_data_docs()  # from what is stored, as `context.build_data_docs()` does after a loss
    assert "IsUnique" in page.read_text(encoding="utf-8")


def test_a_stored_checkpoint_has_it(library: Any, project: Any, tmp_path: Path) -> None:
    (tmp_path / "orders.dqdl").write_text(BAD, encoding="utf-8")
    action = gx.EvaluateDqdlRulesetAction(name="rules", ruleset=str(tmp_path / "orders.dqdl"))
    checkpoint(library, project, [definition(library, project, frames(project))], [action])
    again = library.get_context(mode="file", project_root_dir=tmp_path)
    result = again.checkpoints.get("daily").run(batch_parameters={"dataframe": FRAME})
    assert suites(result) == {"columns": True, "rules": False}


def files(project: Any, folder: Path) -> Any:
    """Two files, the second of which is the batch."""
    FRAME.head(1).to_csv(folder / "1.csv", index=False)
    FRAME.to_csv(folder / "2.csv", index=False)
    source = project.data_sources.add_pandas_filesystem("files", base_directory=folder)
    return source.add_csv_asset("orders").add_batch_definition_path("second", path="2.csv")


def sqlite(project: Any, folder: Path) -> Any:
    with closing(sqlite3.connect(folder / "t.db")) as connection:
        FRAME.to_sql("t", connection, index=False)
    source = project.data_sources.add_sqlite("sql", connection_string=f"sqlite:///{folder / 't.db'}")
    return source.add_query_asset("orders", query="SELECT * FROM t WHERE id > 1").add_batch_definition_whole_table("b")


@pytest.mark.parametrize(("made", "rows"), [(files, 3), (sqlite, 2)])
def test_it_sees_the_batch_that_the_checkpoint_has_validated(
    library: Any, project: Any, tmp_path: Path, made: Callable[..., Any], rows: int
) -> None:
    batches = made(project, tmp_path)
    action = gx.EvaluateDqdlRulesetAction(name="rules", ruleset=f'Rules = [ RowCount = {rows}, IsUnique "id" ]')
    result = checkpoint(library, project, [definition(library, project, batches)], [action]).run()
    found = next(each for each in result.run_results.values() if each.suite_name == "rules")
    assert [each.success for each in found.results] == [True, False]


@pytest.mark.spark
def test_a_batch_of_spark_is_judged_there(library: Any, project: Any) -> None:
    spark = sparks.session()
    batches = (
        project.data_sources.add_spark("spark")
        .add_dataframe_asset("orders")
        .add_batch_definition_whole_dataframe("all")
    )
    frame = sparks.frame(pa.table({"id": [1, 2, 2]}))
    actions = [gx.EvaluateDqdlRulesetAction(name="rules", ruleset=BAD)]
    made = checkpoint(library, project, [definition(library, project, batches)], actions)
    result = made.run(batch_parameters={"dataframe": frame})
    assert suites(result) == {"columns": True, "rules": False}
    batch = batches.get_batch({"dataframe": frame})
    assert batch.validate(gx.ExpectDqdlRulesetToPass(ruleset=GOOD)).success
    assert spark.version


def test_batches_are_judged_once_each(library: Any, project: Any, tmp_path: Path) -> None:
    first = frames(project)
    second = files(project, tmp_path)
    definitions = [
        definition(library, project, batches, name)
        for batches, name in ((first, "one"), (first, "two"), (second, "three"))
    ]
    actions = [gx.EvaluateDqdlRulesetAction(name="rules", ruleset=GOOD)]
    memory = checkpoint(library, project, definitions[:2], actions)
    assert len(memory.run(batch_parameters={"dataframe": FRAME}).run_results) == 3
    both = library.Checkpoint(name="both", validation_definitions=[definitions[2]], actions=actions)
    assert len(project.checkpoints.add(both).run().run_results) == 2


def test_mistakes_are_told(library: Any, project: Any) -> None:
    with pytest.raises(dq.DqError, match="1 error"):
        gx.EvaluateDqdlRulesetAction(name="rules", ruleset="Rules = [ RowCoun = 3 ]")
    with pytest.raises(ValueError, match="fail_on"):
        gx.EvaluateDqdlRulesetAction(name="rules", ruleset=GOOD, fail_on="sometimes")
    action = gx.EvaluateDqdlRulesetAction(name="columns", ruleset=GOOD)
    made = checkpoint(library, project, [definition(library, project, frames(project))], [action])
    with pytest.raises(dq.DqError, match="has a result of a suite `columns` already") as raised:
        made.run(batch_parameters={"dataframe": FRAME})
    assert "give the action a name" in raised.value.help


def test_a_batch_that_is_gone_is_told(library: Any, project: Any) -> None:
    class Forgetting(library.checkpoint.actions.ValidationAction):  # type: ignore[misc,name-defined]
        type: Literal["forgetting"] = "forgetting"

        def run(self, checkpoint_result: Any, action_context: Any = None) -> dict[str, Any]:
            project.data_sources.get("memory").get_execution_engine().batch_manager.batch_data_cache.clear()
            return {}

    actions = [Forgetting(name="forget"), gx.EvaluateDqdlRulesetAction(name="rules", ruleset=GOOD)]
    made = checkpoint(library, project, [definition(library, project, frames(project))], actions)
    with pytest.raises(dq.DqError, match="`memory-orders` that the checkpoint validated is not loaded any more"):
        made.run(batch_parameters={"dataframe": FRAME})


def test_a_batch_of_another_kind_is_refused() -> None:
    from dq.gx.plugin import rows_of

    with pytest.raises(dq.DqError, match="a batch of object cannot be read"):
        rows_of(object(), {"batch_id": "b"})
