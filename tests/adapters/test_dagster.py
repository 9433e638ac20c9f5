"""Asset checks in a real Dagster, executed in process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dagster as host
import pytest

import dq
from dq.dagster import build_ruleset_checks

RULES = 'Rules = [ RowCount = 2, IsComplete "email", IsComplete "phone" ]'
GOOD = {"id": [1, 2], "email": [1, 2]}
BAD = {"id": [1, 2], "email": [1, None]}


@host.asset
def orders() -> None:
    """Something to be checked."""


def run(*checks: Any, **options: Any) -> dict[str, Any]:
    result = host.materialize([orders, *checks], raise_on_error=False, **options)
    return {each.check_name: each for each in result.get_asset_check_evaluations()}


def test_each_rule_is_a_check_with_metadata() -> None:
    found = run(build_ruleset_checks(asset=orders, ruleset=RULES, data=BAD, severity=host.AssetCheckSeverity.WARN))
    assert {name: each.passed for name, each in found.items()} == {
        "rowcount_2": True,
        "iscomplete_email": False,
        "iscomplete_phone": False,
    }
    email, phone = found["iscomplete_email"], found["iscomplete_phone"]
    assert (email.severity, phone.severity) == (host.AssetCheckSeverity.WARN, host.AssetCheckSeverity.ERROR)
    assert email.description == "completeness of `email` is 0.5, expected = 1.0 (1 of 2 rows without a value)"
    told = {name: each.value for name, each in email.metadata.items()}
    assert (told["verdict"], told["failing rows"], told["rows in scope"]) == ("FAILED", 1, 2)
    assert told["Column.email.Completeness"] == 0.5
    assert told["score of the ruleset"] == pytest.approx(1 / 3)


def test_checks_are_described_by_their_rules() -> None:
    checks = build_ruleset_checks(asset=orders, ruleset=RULES, data=GOOD)
    assert [each.description for each in checks.check_specs] == [
        "RowCount = 2",
        'IsComplete "email"',
        'IsComplete "phone"',
    ]


def test_names_are_unique_and_never_empty() -> None:
    rules = (
        'Rules = [ IsComplete "a.b", IsComplete "a b", IsComplete "a b", ColumnExists "é" ] Analyzers = [ RowCount ]'
    )
    checks = build_ruleset_checks(asset=orders, ruleset=rules, data=GOOD)
    assert [each.name for each in checks.check_specs] == [
        "iscomplete_a_b",
        "iscomplete_a_b_2",
        "iscomplete_a_b_3",
        "columnexists",
        "analyzers",
    ]


def test_the_data_may_come_from_the_context() -> None:
    checks = build_ruleset_checks(
        asset=orders,
        ruleset='Rules = [ ReferentialIntegrity "id" "known.id" = 1.0 ]',
        data=lambda context: context.resources.lake["orders"],
        references=lambda context: {"known": context.resources.lake["known"]},
        required_resource_keys={"lake"},
    )
    found = run(checks, resources={"lake": {"orders": GOOD, "known": {"id": [1]}}})
    (only,) = found.values()
    assert not only.passed


def test_some_checks_can_be_run_alone() -> None:
    checks = build_ruleset_checks(asset=orders, ruleset=RULES, data=GOOD)
    key = host.AssetCheckKey(orders.key, "rowcount_2")
    job = host.define_asset_job("one", selection=host.AssetSelection.checks(key))
    definitions = host.Definitions(assets=[orders], asset_checks=[checks], jobs=[job])
    result = definitions.resolve_job_def("one").execute_in_process()
    assert [each.check_name for each in result.get_asset_check_evaluations()] == ["rowcount_2"]


def test_analyzers_are_one_check() -> None:
    rules = 'Analyzers = [ Completeness "email", Completeness "phone" ]'
    (only,) = run(build_ruleset_checks(asset=orders, ruleset=rules, data=BAD)).values()
    assert not only.passed
    assert "column `phone` does not exist" in only.description
    assert only.metadata["Column.email.Completeness"].value == 0.5


def test_a_blocking_check_keeps_assets_downstream_from_being_made() -> None:
    made: list[str] = []

    @host.asset(deps=[orders])
    def report() -> None:
        made.append("report")

    checks = build_ruleset_checks(asset=orders, ruleset=RULES, data=BAD, blocking=True)
    host.materialize([orders, report, checks], raise_on_error=False)
    assert made == []


def test_data_that_cannot_be_read_fails_the_step(tmp_path: Path) -> None:
    checks = build_ruleset_checks(asset=orders, ruleset=RULES, data=str(tmp_path / "nowhere.csv"))
    result = host.materialize([orders, checks], raise_on_error=False)
    assert not result.success
    assert result.get_asset_check_evaluations() == []
    (failed,) = [each for each in result.all_events if each.is_step_failure]
    assert "nowhere.csv" in str(failed.event_specific_data)


def test_a_wrong_ruleset_is_told_when_checks_are_built() -> None:
    with pytest.raises(dq.DqError, match="unknown rule type"):
        build_ruleset_checks(asset=orders, ruleset="Rules = [ Complete ]", data=GOOD)


def test_the_page_shows_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "etl.md").read_text("utf-8")
    for name, text in re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", page, re.DOTALL):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    (shown,) = re.findall(r"<!-- dagster -->\n```python\n(.*?)```", page, re.DOTALL)
    held: dict[str, Any] = {}
    exec(shown, held)
    result = host.materialize([held["orders"], held["checks"]])
    found = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
    assert found == {"isprimarykey_id": True, "iscomplete_email": False}
