"""Conditions that ask for history: what they come to, what is an error, and how loudly a first run is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pyarrow as pa
import pytest
from remembered import EXAMPLES, NOW, TABLES, remembered

import dq
from dq.conditions import ConditionError
from dq.dynamics import DYNAMIC, FUNCTIONS, before, depth
from dq.history import MemoryHistory
from dq.language import checking
from dq.rules import SIGNATURES
from dq.sources.options import NO_DATA
from dq.syntax import Call, Condition, Kind, Operator, Rule

ROWS = pa.table({"id": range(95)})
ROW_COUNT = "Dataset.*.RowCount"


def outcome(rule: str, history: MemoryHistory | None, **options: object) -> dq.Outcome:
    settings = dq.Options(history=history, dataset="t", now=NOW, **options)  # type: ignore[arg-type]
    return dq.evaluate(dq.parse(f"Rules = [ {rule} ]", dialect="glue"), ROWS, options=settings).outcomes[0]


@pytest.mark.parametrize(
    ("rule", "becomes", "verdict"),
    [
        ("RowCount > last()", "RowCount > 110.0", "FAILED"),
        ("RowCount >= min(last(3))", "RowCount >= 90.0", "PASSED"),
        ("RowCount > avg(last(2)) * 0.9", "RowCount > 94.5", "PASSED"),
        ("RowCount between min(last(4)) and max(last(4))", "RowCount between 90.0 and 120.0", "PASSED"),
        ("RowCount > index(last(4), 3)", "RowCount > 120.0", "FAILED"),
        ("RowCount > median(last(4))", "RowCount > 105.0", "FAILED"),
        ("RowCount > avg(last(10))", "RowCount > 105.0", "FAILED"),
        ("RowCount in [95, last(), index(last(2), 1)]", "RowCount in [95,110.0,100.0]", "PASSED"),
        ("RowCount < sum(last(2))", "RowCount < 210.0", "PASSED"),
        ("RowCount > std(last(4))", "RowCount > 11.180339887498949", "PASSED"),
        ("RowCount > abs(last() - 200)", "RowCount > 90.0", "PASSED"),
        ("RowCount > 2 + avg(last(2)) * 1", "RowCount > 107.0", "FAILED"),
        ("RowCount > (last() - 20)", "RowCount > 90.0", "PASSED"),
        ("RowCount > last(1)", "RowCount > 110.0", "FAILED"),
        ("RowCount in [95, 1 + 2, last()]", "RowCount in [95,1 + 2,110.0]", "PASSED"),
        ("RowCount not in [last()]", "RowCount not in [110.0]", "PASSED"),
        ("RowCount < last() * 100000000000000000000", "RowCount < 11000000000000000000000", "PASSED"),
    ],
)
def test_functions_are_replaced_by_what_they_come_to(rule: str, becomes: str, verdict: str) -> None:
    found = outcome(rule, remembered(ROW_COUNT, [110, 100, 90, 120]))
    assert (str(found.evaluated), found.verdict.value, found.notes) == (becomes, verdict, ())
    assert str(found.rule) != becomes
    assert [(each.metric, each.enough) for each in found.history] == [(ROW_COUNT, True)]


FOUR = (110, 100, 90, 120)
NO_NUMBER = [
    ("last(2)", FOUR, "`last(2)` is a list of 2 values, and a single value is needed; aggregate it, such as `avg(last(2))`"),
    ("last(3) + 1", FOUR, "`last(3)` is a list of 3 values, and a single value is needed; aggregate it, such as `avg(last(3))`"),
    ("abs(last(2))", FOUR, "`last(2)` is a list of 2 values, and a single value is needed; aggregate it, such as `avg(last(2))`"),
    ("index(last(9), 4)", FOUR, "`index(last(9),4)` is beyond the list: the history gives 4 earlier values, and 0 is the newest"),
    ("index(last(9), 1)", (110,), "`index(last(9),1)` is beyond the list: the history gives 1 earlier value, and 0 is the newest"),
    ("index(last(3), 0.5)", FOUR, "the second argument of `index(last(3),0.5)` is a whole number from 0"),
    ("index(last(3), -1)", FOUR, "the second argument of `index(last(3),-1)` is a whole number from 0"),
    ("avg(last(0))", FOUR, "`last(0)` takes a whole number above 0; write `last(10)`"),
    ("avg(last(-1))", FOUR, "`last(-1)` takes a whole number above 0; write `last(10)`"),
    ("avg(last(1.5))", FOUR, "`last(1.5)` takes a whole number above 0; write `last(10)`"),
    ("average(last(3))", FOUR, "`average` is no function; the functions are last, index, avg, median, max, min, sum, std, abs"),
    ("avg()", FOUR, "`avg` takes 1 argument, not 0"),
    ("avg(last(), last())", FOUR, "`avg` takes 1 argument, not 2"),
    ("last(1, 2)", FOUR, "`last` takes at most 1 argument, not 2"),
    ("index(last(3))", FOUR, "`index` takes 2 arguments, not 1"),
    ("index(last(3), 1, 2)", FOUR, "`index` takes 2 arguments, not 3"),
    ("last() / 0", FOUR, "`last() / 0` comes to no number: it divides by zero, or its result is too great"),
    ("(last() - 110) / (last() - 110)", FOUR, "`(last() - 110) / (last() - 110)` comes to no number: it divides by zero, or its result is too great"),
    ("abs(last() / 0)", FOUR, "`abs(last() / 0)` comes to no number: something in it divides by zero, or is too great"),
    ("sum(last(2))", (1e308, 1e308), "`sum(last(2))` comes to no number: its result is too great"),
    ("std(last(2))", (1e308, -1e308), "`std(last(2))` comes to no number: its result is too great"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "past", "reason"), NO_NUMBER)
def test_what_comes_to_no_number_is_an_error_that_says_why(asked: str, past: tuple[float, ...], reason: str) -> None:
    found = outcome(f"RowCount > {asked}", remembered(ROW_COUNT, past))
    assert (found.verdict, found.reason) == (dq.Verdict.ERROR, reason)
    assert found.metrics == {ROW_COUNT: 95}, "it is remembered all the same"
    assert found.evaluated is None


def test_a_list_of_one_value_is_taken_as_the_number() -> None:
    found = outcome("RowCount > last(3) - 20", remembered(ROW_COUNT, [110]))
    assert str(found.evaluated) == "RowCount > 90.0"


@pytest.mark.parametrize(
    ("rule", "becomes", "verdict"),
    [
        ("RowCount > avg(last(10))", "RowCount > 0.0", "PASSED"),
        ("RowCount = last()", "RowCount = 0.0", "FAILED"),
        ("RowCount >= index(last(3), 0)", "RowCount >= 0.0", "PASSED"),
        ("RowCount > last(3) + 1", "RowCount > 1.0", "PASSED"),
    ],
)
@pytest.mark.parametrize("history", [MemoryHistory, lambda: None], ids=["empty", "none"])
def test_without_history_functions_count_as_0_and_a_note_says_so(
    rule: str, becomes: str, verdict: str, history: Callable[[], MemoryHistory | None]
) -> None:
    found = outcome(rule, history())
    assert (str(found.evaluated), found.verdict.value) == (becomes, verdict)
    why = "none is kept in this evaluation" if history() is None else f"no earlier run has measured {ROW_COUNT}"
    assert found.notes == (f"no history: {why}, so its functions count as 0",)
    assert [each.enough for each in found.history] == [False]


def test_functions_of_constants_ask_for_no_history() -> None:
    found = outcome("RowCount > abs(-5)", None, fail_cold_start=True)
    assert (str(found.evaluated), found.verdict, found.notes, found.history) == (
        "RowCount > 5.0",
        dq.Verdict.PASSED,
        (),
        (),
    )


def test_index_beyond_no_history_is_an_error() -> None:
    found = outcome("RowCount > index(last(3), 2)", None)
    assert found.verdict is dq.Verdict.ERROR
    assert "0 earlier values" in found.reason
    assert found.notes[0].startswith("no history")


def test_one_switch_makes_a_cold_start_fail() -> None:
    found = outcome("RowCount > avg(last(10))", MemoryHistory(), fail_cold_start=True)
    assert found.verdict is dq.Verdict.FAILED
    assert found.reason.startswith("no history: no earlier run has measured Dataset.*.RowCount")
    assert outcome("RowCount > last()", remembered(ROW_COUNT, [1]), fail_cold_start=True).passed


@pytest.mark.parametrize(
    ("condition", "verdict", "reason"),
    [
        ("< avg(last(10))", dq.Verdict.FAILED, "RowCount is 95, expected < 0.0"),
        ("> last() / 0", dq.Verdict.ERROR, "`last() / 0` comes to no number: it divides by zero, or its result is too great"),
    ],
)  # fmt: skip
def test_a_cold_start_hides_no_failure_of_another_cause(condition: str, verdict: dq.Verdict, reason: str) -> None:
    found = outcome(f"RowCount {condition}", MemoryHistory(), fail_cold_start=True)
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.notes == (f"no history: no earlier run has measured {ROW_COUNT}, so its functions count as 0",)


@pytest.mark.parametrize("rules", list(permutations(("avg(last(1 + 1))", "last()", "sum(last(3))"))))
def test_rules_look_at_one_history_as_deep_as_each_asks(rules: tuple[str, ...]) -> None:
    ruleset = dq.parse(f"Rules = [ {', '.join(f'RowCount > {each}' for each in rules)} ]")
    options = dq.Options(history=remembered(ROW_COUNT, FOUR), dataset="t", now=NOW)
    becomes = {"avg(last(1 + 1))": "105.0", "last()": "110.0", "sum(last(3))": "300.0"}
    found = dq.evaluate(ruleset, ROWS, options=options).outcomes
    assert [str(each.evaluated) for each in found] == [f"RowCount > {becomes[each]}" for each in rules]


def test_a_cold_start_is_told_behind_what_the_rule_remarks() -> None:
    data = {"primary": ROWS, "ref": pa.table({"id": [1], "more": ["x"]})}
    (found,) = dq.evaluate('Rules = [ SchemaMatch "ref" > last() ]', data).outcomes
    assert found.notes == (
        "only `ref` has `more`",
        "no history: none is kept in this evaluation, so its functions count as 0",
    )


def test_a_cold_start_is_told_of_the_whole_evaluation_and_of_a_composite_that_hides_it() -> None:
    rules = "Rules = [ ((RowCount > avg(last(10))) and (RowCount > 1)) or (RowCount > 2), RowCount > 3 ]"
    evaluation = dq.evaluate(rules, ROWS)
    assert evaluation.passed
    assert evaluation.notes == ("cold start: 1 rule found too little history to compare with; the notes of each tell",)
    assert evaluation.outcomes[0].notes[0].startswith("no history")
    assert str(evaluation.outcomes[0].evaluated) == "((RowCount > 0.0) AND (RowCount > 1)) OR (RowCount > 2)"
    assert evaluation.outcomes[1].evaluated is None


@pytest.mark.parametrize(
    "rule",
    [
        'ColumnValues "id" > last()',
        'ColumnValues "id" > 1 with threshold > avg(last(3))',
        'ColumnLength "id" > last()',
    ],
)
def test_rule_types_that_judge_rows_take_constants_only(rule: str) -> None:
    (found,) = dq.evaluate(f"Rules = [ {rule} ]", ROWS).outcomes
    name, call = rule.partition(" ")[0], "avg" if "avg" in rule else "last"
    asks = f"`{call}(…)` asks for the history of a metric, and {name} takes constants only"
    help_ = "`dq rules` tells which rule types look at their history"
    assert (found.verdict, found.reason) == (dq.Verdict.ERROR, f"{asks}; {help_}")


def test_every_function_that_may_be_written_has_a_meaning() -> None:
    assert set(FUNCTIONS) == set(checking.FUNCTIONS)


CONSTANTS_ONLY = {"AggregateMatch", "ColumnLength", "ColumnValues", "FileFreshness", "FileSize", "FileUniqueness"}


def takes_history(name: str) -> bool:
    asks = Condition(Kind.NUMBER, Operator.GT, (Call("last", ()),))
    try:
        before(Rule(name, (), asks))
    except ConditionError:
        return False
    return True


def test_every_other_rule_type_with_a_number_to_compare_may_ask_for_its_history() -> None:
    judged = {name: signature for name, signature in SIGNATURES.items() if signature.rule}
    numbers = {name for name, signature in judged.items() if Kind.NUMBER in signature.kinds or signature.threshold}
    assert {name for name in numbers if not takes_history(name)} == CONSTANTS_ONLY
    assert {name for name in judged if takes_history(name)} == numbers - CONSTANTS_ONLY == DYNAMIC


@pytest.mark.parametrize(
    ("condition", "most"),
    [
        ("> 5", 0),
        ("> last()", 1),
        ("> avg(last(7)) + max(last(3))", 7),
        ("in [last(), avg(last(12))]", 12),
        ("> avg(last(1 + 1))", None),
    ],
)
def test_how_many_values_a_condition_looks_at(condition: str, most: int | None) -> None:
    (rule,) = dq.parse(f"Rules = [ RowCount {condition} ]", dialect="glue").rules
    assert isinstance(rule, Rule)
    assert rule.condition
    assert depth(rule.condition) == most


# -- which history -------------------------------------------------------------------------------------


def test_the_same_metric_of_other_datasets_contexts_and_filters_is_another_series() -> None:
    history = remembered(ROW_COUNT, [1])
    history.runs += remembered(ROW_COUNT, [2], dataset="u").runs
    history.runs += remembered(ROW_COUNT, [3], context="nightly").runs
    history.runs += remembered(ROW_COUNT, [4], where="id > 3").runs
    assert str(outcome("RowCount > sum(last(9))", history).evaluated) == "RowCount > 1.0"
    assert str(outcome("RowCount > sum(last(9))", history, context="nightly").evaluated) == "RowCount > 3.0"
    filtered = outcome('RowCount > sum(last(9)) where "id > 3"', history)
    assert str(filtered.evaluated) == 'RowCount > 4.0 where "id > 3"'


def test_metrics_of_one_name_that_are_not_the_same_number_are_kept_apart() -> None:
    history = MemoryHistory()
    first = ['CustomSql "select 7" > 0', 'CustomSql "select 8" > 0', 'ColumnDataType "id" = "DATE" with threshold >= 0']
    options = dq.Options(history=history, dataset="t", now=NOW)
    dq.evaluate(f"Rules = [ {', '.join(first)} ]", ROWS, options=options)
    later = [
        'CustomSql "select id from primary" with threshold > last()',
        'CustomSql "select 7" = last()',
        'CustomSql "select 8" = last()',
        'ColumnDataType "id" = "INTEGER" with threshold > last()',
    ]
    found = dq.evaluate(f"Rules = [ {', '.join(later)} ]", ROWS, options=options).outcomes
    assert [(each.verdict.value, each.history[0].values) for each in found] == [
        ("PASSED", 0),
        ("PASSED", 1),
        ("PASSED", 1),
        ("PASSED", 0),
    ]


def test_values_are_kept_of_failed_rules_and_of_rules_in_error_but_not_of_metrics_without_a_number() -> None:
    rules = [
        "RowCount > 1000",
        "ColumnCount > last(0)",
        'Mean "nothing" > 1',
        'Mean "nan" > 1',
        'IsComplete "no such column"',
        'IsUnique "id"',
    ]
    data = pa.table({"id": [1, 1], "nothing": pa.array([None, None], pa.float64()), "nan": [float("nan"), 1.0]})
    history = MemoryHistory()
    ruleset = dq.parse(f"Rules = [ {', '.join(rules)} ]", dialect="glue")
    dq.evaluate(ruleset, data, options=dq.Options(history=history, dataset="t"))
    (run,) = history.runs
    assert {series.metric: value for series, value in run.values.items()} == {
        ROW_COUNT: 2,
        "Dataset.*.ColumnCount": 3,
        "Column.id.Uniqueness": 0,
    }


def test_a_run_is_not_among_its_own_history_and_later_ones_are_not_earlier() -> None:
    history = MemoryHistory()
    found = []
    for day, rows in ((3, 30), (1, 10), (2, 20)):
        options = dq.Options(history=history, dataset="t", now=NOW + timedelta(days=day))
        (each,) = dq.evaluate("Rules = [ RowCount >= last() ]", ROWS.slice(0, rows), options=options).outcomes
        found.append(str(each.evaluated))
    assert found == ["RowCount >= 0.0", "RowCount >= 0.0", "RowCount >= 10.0"]


@pytest.mark.parametrize(
    ("ruleset", "data", "dataset"),
    [
        ("Rules = [ RowCount > 0 ]", ROWS, "Arrow table"),
        ("Rules = [ RowCount > 0 ]", TABLES, str(TABLES["primary"])),
        ("Rules = [ RowCount > 0 ]", {"primary": str(TABLES["ref"].with_name("r*.jsonl"))}, str(TABLES["ref"].with_name("r*.jsonl"))),
        (f'Rules = [ FileSize "{TABLES["ref"].name}" > 0 ]', NO_DATA, "files.dqdl"),
    ],
)  # fmt: skip
def test_history_goes_by_what_was_read_or_by_the_ruleset(ruleset: str, data: object, dataset: str) -> None:
    history = MemoryHistory()
    options = dq.Options(history=history, allow_paths=EXAMPLES)
    dq.evaluate(dq.parse(ruleset, name="files.dqdl"), data, options=options)
    (run,) = history.runs
    assert {series.dataset for series in run.values} == {dataset}


def test_data_without_a_path_is_told_the_name_of_its_history() -> None:
    options = dq.Options(history=MemoryHistory())
    note = "the history of the data goes by the name `Arrow table`; give it one of its own with `dataset`"
    for data in (ROWS, {"ref": ROWS, "primary": ROWS}):
        assert dq.evaluate("Rules = [ RowCount > 0 ]", data, options=options).notes == (note,)
    assert dq.evaluate("Rules = [ RowCount > 0 ]", TABLES, options=options).notes == ()
    named = dq.Options(history=MemoryHistory(), dataset="orders")
    assert dq.evaluate("Rules = [ RowCount > 0 ]", ROWS, options=named).notes == ()


def test_more_files_behind_a_glob_are_the_same_dataset(tmp_path: Path) -> None:
    history = MemoryHistory()
    found = []
    for name in "abc":
        (tmp_path / f"{name}.csv").write_text("id\n1\n")
        options = dq.Options(history=history)
        (each,) = dq.evaluate("Rules = [ RowCount > last() ]", str(tmp_path / "*.csv"), options=options).outcomes
        found.append((str(each.evaluated), each.passed))
    assert found == [("RowCount > 0.0", True), ("RowCount > 1.0", True), ("RowCount > 2.0", True)]


def test_no_rows_fail_as_they_do_without_history() -> None:
    nothing = pa.table({"id": pa.array([], pa.int64())})
    (found,) = dq.evaluate('Rules = [ Mean "id" > last() ]', nothing).outcomes
    assert (found.verdict, found.expected) == (dq.Verdict.FAILED, "> last()")
    assert found.history == ()
