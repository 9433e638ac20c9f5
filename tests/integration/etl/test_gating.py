"""Gates stop a job whose data does not pass, say why, and let nothing pass in silence."""

from __future__ import annotations

import asyncio
import inspect
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import dq
from dq.rules.base import RULE_TYPES, SIGNATURES, BoundRule, Kind
from dq.splitting import WITHOUT_FAILING_ROWS

GOOD = {"id": [1, 2, 3], "email": ["a", "b", "c"]}
BAD = {"id": [1, 2, 3], "email": ["a", None, "c"]}

PASSES = 'Rules = [ IsComplete "email" ]'
FAILS = 'Rules = [ IsComplete "email", RowCount = 3, RowCount > 9 ]'
ERRS = 'Rules = [ RowCount = 3, IsComplete "phone" ]'
BOTH = 'Rules = [ RowCount > 9, IsComplete "phone" ]'
UNGATHERED = 'Rules = [ RowCount = 3 ] Analyzers = [ Completeness "phone" ]'

STOPS = {
    "failed": (FAILS, ERRS, BOTH, UNGATHERED),
    "error": (ERRS, BOTH, UNGATHERED),
    "never": (),
}


def test_what_passes_is_returned() -> None:
    evaluation = dq.gate(PASSES, pd.DataFrame(GOOD))
    assert isinstance(evaluation, dq.Evaluation)
    assert evaluation.passed


@pytest.mark.parametrize("rules", [FAILS, ERRS, BOTH, UNGATHERED])
@pytest.mark.parametrize("fail_on", STOPS)
def test_what_counts_stops_and_what_does_not_is_logged(
    rules: str, fail_on: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="dq"):
        if rules in STOPS[fail_on]:
            with pytest.raises(dq.QualityError):
                dq.gate(rules, BAD, fail_on=fail_on)
            assert not caplog.records
        else:
            assert dq.gate(rules, BAD, fail_on=fail_on).exit_code
            assert "of" in caplog.records[0].getMessage()


def test_the_message_names_the_rules_and_why() -> None:
    with pytest.raises(dq.QualityError) as caught:
        dq.gate(FAILS, BAD)
    assert str(caught.value).splitlines() == [
        "1 of 3 rules passed, 2 failed",
        '  FAILED IsComplete "email": completeness of `email` is 0.666667, expected = 1.0 (1 of 3 rows without a value)',
        "  FAILED RowCount > 9: RowCount is 3, expected > 9",
    ]
    assert [str(each.verdict) for each in caught.value.evaluation.outcomes] == ["FAILED", "PASSED", "FAILED"]


def test_an_analyzer_that_could_not_be_measured_is_named() -> None:
    with pytest.raises(dq.QualityError, match=r"ERROR .*phone.*: column `phone` does not exist"):
        dq.gate(UNGATHERED, BAD)


def test_the_message_stays_short() -> None:
    rules = ", ".join(f"RowCount > {n}" for n in range(10, 40))
    with pytest.raises(dq.QualityError) as caught:
        dq.gate(f"Rules = [ {rules} ]", BAD)
    lines = str(caught.value).splitlines()
    assert len(lines) == 12
    assert lines[-1] == "  and 20 more"


def test_a_long_rule_is_cut_in_the_message() -> None:
    listed = ", ".join(f'"{n:040}"' for n in range(100))
    with pytest.raises(dq.QualityError) as caught:
        dq.gate(f'Rules = [ ColumnValues "email" in [{listed}] ]', BAD)
    assert all(len(line) < 410 for line in str(caught.value).splitlines())
    assert str(caught.value).endswith("…")


def test_no_value_in_the_message_of_redacted_data() -> None:
    frame = pd.DataFrame({"email": ["secret@x.io"]})
    with pytest.raises(dq.QualityError) as caught:
        dq.gate('Rules = [ ColumnValues "email" in ["x"] ]', frame, options=dq.Options(redact=True))
    assert "secret" not in str(caught.value)


def test_the_error_crosses_processes() -> None:
    with pytest.raises(dq.QualityError) as caught:
        dq.gate(FAILS, BAD)
    arrived = pickle.loads(pickle.dumps(caught.value))
    assert str(arrived) == str(caught.value)
    assert arrived.evaluation == caught.value.evaluation
    with pytest.raises(dq.DqError, match="does not know where its rows are"):
        arrived.evaluation.rows()


@pytest.mark.parametrize("gate", [dq.gate, dq.gated])
def test_a_fail_on_that_is_none(gate: Callable[..., Any]) -> None:
    with pytest.raises(dq.DqError, match="`fail_on` cannot be 'sometimes'"):
        gate(PASSES, fail_on="sometimes")


def test_data_that_cannot_be_read_is_never_let_through() -> None:
    with pytest.raises(dq.DataError):
        dq.gate(PASSES, "nowhere.parquet", fail_on="never")


# -- functions -----------------------------------------------------------------------------------------

TABLES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "lazy": pl.LazyFrame,
    "arrow": pa.table,
    "duckdb": lambda columns: duckdb.connect().from_arrow(pa.table(columns)),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_function_returns_its_table_or_raises(table: Callable[[dict[str, Any]], Any]) -> None:
    @dq.gated(PASSES)
    def made(columns: dict[str, Any]) -> Any:
        return made_tables.setdefault(len(made_tables), table(columns))

    made_tables: dict[int, Any] = {}
    assert made(GOOD) is made_tables[0]
    with pytest.raises(dq.QualityError):
        made(BAD)


def test_an_asynchronous_function_is_awaited() -> None:
    @dq.gated(PASSES)
    async def made(columns: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0)
        return columns

    assert inspect.iscoroutinefunction(made)
    assert asyncio.run(made(GOOD)) is GOOD
    with pytest.raises(dq.QualityError):
        asyncio.run(made(BAD))


def test_a_function_keeps_its_name_and_signature() -> None:
    def made(columns: dict[str, Any], *, often: int = 1) -> pd.DataFrame:
        """Make it."""
        return pd.DataFrame(columns)

    held = dq.gated(PASSES)(made)
    assert (held.__name__, held.__doc__) == ("made", "Make it.")
    assert inspect.signature(held) == inspect.signature(made)


REFERS = 'Rules = [ ReferentialIntegrity "id" "known.id" = 1.0 ]'


def test_references_are_given_or_are_arguments() -> None:
    @dq.gated(REFERS, references={"known": pd.DataFrame(GOOD)})
    def fixed(ids: list[int]) -> pd.DataFrame:
        return pd.DataFrame({"id": ids})

    @dq.gated(REFERS, arguments=["known"])
    def passed(ids: list[int], known: dict[str, Any] = GOOD) -> pd.DataFrame:
        return pd.DataFrame({"id": ids})

    for made in (fixed, passed):
        made([1, 3])
        with pytest.raises(dq.QualityError):
            made([1, 4])
    passed([7], known={"id": [7]})


def test_each_evaluation_is_told_before_anything_is_raised() -> None:
    told: list[dq.Evaluation] = []
    made = dq.gated(PASSES, on_evaluation=told.append)(lambda columns: columns)
    made(GOOD)
    with pytest.raises(dq.QualityError):
        made(BAD)
    assert [each.passed for each in told] == [True, False]


def test_a_mistake_in_the_ruleset_costs_no_work(tmp_path: Path) -> None:
    path = tmp_path / "rules.dqdl"
    ran: list[int] = []

    @dq.gated(path)
    def made() -> dict[str, Any]:
        ran.append(1)
        return GOOD

    with pytest.raises(dq.DqError, match="does not exist"):
        made()
    path.write_text("Rules = [ Complete ]")
    with pytest.raises(dq.DqError, match="unknown rule type"):
        made()
    assert not ran
    path.write_text(PASSES)
    assert made() is GOOD


def test_what_could_be_read_only_once_is_refused() -> None:
    made = dq.gated(PASSES)(lambda: pa.table(GOOD).to_reader())
    with pytest.raises(dq.DqError, match="can be read once"):
        made()


def generator() -> Any:
    yield GOOD


async def asynchronous_generator() -> Any:
    yield GOOD


@pytest.mark.parametrize("function", [generator, asynchronous_generator])
def test_a_generator_is_refused_when_it_is_decorated(function: Callable[..., Any]) -> None:
    with pytest.raises(dq.DqError, match="is a generator, which returns no table"):
        dq.gated(PASSES)(function)


def test_a_parameter_that_is_not_there_is_refused_when_it_is_decorated() -> None:
    with pytest.raises(dq.DqError, match="has no parameter `knwon`"):

        @dq.gated(REFERS, arguments=["knwon"])
        def made(known: Any) -> Any:
            return known


def test_a_function_that_forgot_to_return_is_an_error() -> None:
    made = dq.gated(PASSES)(lambda: None)
    with pytest.raises(dq.DqError, match="NoneType"):
        made()


# -- good rows and bad rows ----------------------------------------------------------------------------


def test_rows_are_parted() -> None:
    good, bad = dq.split(PASSES, pd.DataFrame(BAD))
    assert good.read_all().to_pydict() == {"id": [1, 3], "email": ["a", "c"]}
    assert [(row["id"], row["DataQualityRulesFail"]) for row in bad.read_all().to_pylist()] == [
        (2, ['IsComplete "email"'])
    ]


def test_the_evaluation_goes_with_the_rows() -> None:
    assert dq.split(PASSES, BAD).evaluation.score == 0


ANSWERED = {
    'IsComplete "email"': True,
    'IsUnique "twice"': True,
    '(IsUnique "id") and (IsComplete "email")': True,
    '(RowCount = 3) and (IsComplete "email")': False,
    'Completeness "email" > 0.9': True,
    'Completeness "email" > avg(last(3)) + 0.9': True,
    'ColumnValues "id" < 3 with threshold > 0.9': True,
    'DuplicateRowCount "twice" = 0': True,
    'Uniqueness "twice" > 0.9': True,
    'Completeness "email" between 0.4 and 0.6': False,
    'Completeness "email" < 0.5': False,
    'ColumnValues "id" < 3 with threshold < 0.5': False,
    'DuplicateRowCount "twice" > 5': False,
    'UniqueValueRatio "twice" between 0.1 and 0.4': False,
    '(RowCount = 3) and (Completeness "email" < 0.5)': False,
    "RowCount > 9": False,
    'Mean "id" > 9': False,
    '(RowCount > 9) and (IsComplete "email")': False,
    '(IsComplete "email") or (ColumnValues "id" < 3)': False,
    'Completeness "id" < 0.5': False,
    'IsComplete "phone"': False,
    'ColumnExists "phone"': False,
}


@pytest.mark.parametrize(("rule", "answered"), ANSWERED.items(), ids=ANSWERED)
def test_what_no_row_answers_for_stops(rule: str, answered: bool) -> None:
    rules, data = f"Rules = [ {rule} ]", {**BAD, "twice": [1, 1, 2]}
    if answered:
        good, bad = dq.split(rules, data)
        assert good.read_all().num_rows == 3 - (1 if "twice" not in rule else 2)
        assert bad.read_all().num_rows == (1 if "twice" not in rule else 2)
    else:
        with pytest.raises(dq.QualityError, match=r"help: .*rows can"):
            dq.split(rules, data)


def test_every_rule_type_that_judges_rows_by_a_number_is_known() -> None:
    by_number = {
        name
        for name, signature in SIGNATURES.items()
        if signature.kinds == {Kind.NUMBER} and not signature.threshold and signature.rule
        if issubclass(RULE_TYPES[name], BoundRule) and RULE_TYPES[name].failing_rows is not BoundRule.failing_rows
    }
    assert by_number == set(WITHOUT_FAILING_ROWS)


def test_samples_that_are_off_change_nothing() -> None:
    good, _ = dq.split(PASSES, BAD, options=dq.Options(samples=0))
    assert good.read_all().num_rows == 2
