"""From facts to outcomes, on an engine that answers from a table of facts: composites, faults, samples, progress."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count, product
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from dq.diagnostics import DqError
from dq.engines.base import EngineError, SourceError, TimeLimitError
from dq.evaluation import run
from dq.history import HistoryError, MemoryHistory
from dq.language import parse
from dq.measuring import leaves, prepare
from dq.metrics import Compliance, Count, Extremes, Measured, Metric, Occurrences, Ratio, Size, Total
from dq.options import Options
from dq.outcomes import Evaluation, FailingRows, Outcome, TableRead, Verdict
from dq.planning import Scan
from dq.rows.composites import RowsJudged
from dq.schema import Column, Schema, Type

NOW = datetime(2026, 3, 9, tzinfo=UTC)
COLUMNS = Schema(
    (
        Column("a", Type.INTEGER, "BIGINT"),
        Column("b", Type.INTEGER, "BIGINT"),
        Column("s", Type.STRING, "VARCHAR"),
    )
)
FACTS: dict[str, Any] = {
    "Size": Count(4),
    "Compliance": Ratio(3, 4),
    "GroupCounts": Occurrences(4, 4, 4),
    "Sum": Total(4, 6.0),
    "Bounds": Extremes(1.0, 3.0),
    "RowsJudged": Ratio(3, 4),
}


@dataclass
class Facts:
    """An engine that knows one answer to each kind of metric, and cannot measure what is `broken`."""

    tables: Sequence[str] = ("primary",)
    answers: Mapping[str, Any] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    cause: Exception | None = None
    empty: bool = False
    unreadable: bool = False
    name: str = "facts"
    scans: list[Scan] = field(default_factory=list)
    sampled: list[tuple[str, str, int]] = field(default_factory=list)
    expected: list[Scan] = field(default_factory=list)
    gone: type[EngineError] = EngineError
    changed: tuple[str, ...] = ()

    def schemas(self) -> Mapping[str, Schema]:
        return dict.fromkeys(self.tables, COLUMNS)

    def measure(self, scan: Scan) -> dict[Metric, Measured]:
        self.scans.append(scan)
        if any(type(metric).__name__ in self.broken for metric in scan.metrics):
            raise self.gone("it overflows", help="use less") from self.cause
        return {metric: self.answer(metric) for metric in scan.metrics}

    def answer(self, metric: Metric) -> Any:
        if isinstance(metric, Size | Compliance) and (self.empty or getattr(metric, "scope", None)):
            return Count(0) if isinstance(metric, Size) else Ratio()
        return {**FACTS, **self.answers}[type(metric).__name__]

    def expect(self, scans: Sequence[Scan]) -> None:
        self.expected += scans

    def evidence(self, metric: Metric) -> str:
        return self.name

    def outdated(self) -> dict[Metric, str]:
        measured = [metric for scan in self.scans for metric in scan.metrics]
        return {metric: "`x` changed" for metric in measured if type(metric).__name__ in self.changed}

    def share_done(self) -> float:
        return 0.5

    def sample(self, alias: str, condition: Any, limit: int) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        self.sampled.append((alias, condition.sql(), limit))
        if self.unreadable:
            raise EngineError("line 7 is no row", help="look at it")
        return ("a", "s"), [(1, "Abc")][:limit]

    def read(self, alias: str) -> TableRead:
        return TableRead(alias, "made up", len(COLUMNS), 99 if alias == "ref" else None)


def evaluated(rules: str, engine: Facts | None = None, **options: Any) -> Evaluation:
    text = rules if "Rules" in rules else f"Rules = [ {rules} ]"
    return run(parse(text), engine or Facts(), Options(now=NOW, **options))  # type: ignore[arg-type]


def one(rules: str, engine: Facts | None = None, **options: Any) -> Outcome:
    (outcome,) = evaluated(rules, engine, **options).outcomes
    return outcome


# -- composites ----------------------------------------------------------------------------------------

PASSING, FAILING, BROKEN = "RowCount > 0", "RowCount > 9", 'Sum "s" > 0'
PARTS = {Verdict.PASSED: PASSING, Verdict.FAILED: FAILING, Verdict.ERROR: BROKEN}
REASON = {
    Verdict.PASSED: "",
    Verdict.FAILED: "RowCount is 4, expected > 9",
    Verdict.ERROR: "column `s` is string, and a number column is needed",
}
ORDER = (Verdict.FAILED, Verdict.ERROR, Verdict.PASSED)
"""What an `and` is: the first of its parts' verdicts in this order; an `or` the last of them, in that of its own."""


@pytest.mark.parametrize(("left", "right"), [*product(PARTS, PARTS)])
def test_a_composite_joins_the_verdicts_of_its_parts(left: Verdict, right: Verdict) -> None:
    both = one(f"({PARTS[left]}) and ({PARTS[right]})")
    either = one(f"({PARTS[left]}) or ({PARTS[right]})")
    assert both.verdict is next(verdict for verdict in ORDER if verdict in (left, right))
    passing_first = (Verdict.PASSED, Verdict.ERROR, Verdict.FAILED)
    assert either.verdict is next(verdict for verdict in passing_first if verdict in (left, right))
    assert (both.expected, either.expected) == ("all parts", "any part")
    passed = (left, right).count(Verdict.PASSED)
    reasons = "\n".join(dict.fromkeys(REASON[each] for each in (left, right) if REASON[each]))
    for outcome in (both, either):
        assert [part.verdict for part in outcome.parts] == [left, right]
        assert [part.reason for part in outcome.parts] == [REASON[left], REASON[right]]
        assert outcome.measured == f"{passed} of 2 parts passed"
        assert outcome.reason == ("" if outcome.passed else reasons)


def test_what_a_passing_part_notes_is_no_reason_of_a_failure() -> None:
    outcome = one(f'(IsComplete "a" where "b > 1") and ({FAILING})')
    assert outcome.parts[0].reason == "no rows in scope: the where clause keeps none"
    assert outcome.reason == REASON[Verdict.FAILED]


NO_ROWS_IN_SCOPE = "no rows in scope: the where clause keeps none"
EMPTY_A, EMPTY_B = 'IsComplete "a" where "b > 1"', 'IsComplete "b" where "b > 1"'
"""Rules that pass, since there is no row to look at."""


def test_a_composite_remarks_which_part_passed_without_a_row_to_look_at() -> None:
    remark = f"{EMPTY_A}: {NO_ROWS_IN_SCOPE}"
    assert one(f"({EMPTY_A}) and ({PASSING})").notes == (remark,)
    assert one(f"(({EMPTY_A}) and ({PASSING})) or ({FAILING})").notes == (remark,), "however deep it stands"


def test_what_a_part_found_of_its_history_stands_once_at_the_composite() -> None:
    cold = "RowCount > last()"
    (note,) = one(cold).notes
    assert one(f"({cold}) and ({PASSING})").notes == (note,)
    assert one(f"({EMPTY_A}) and (({cold}) or ({cold}))").notes == (f"{EMPTY_A}: {NO_ROWS_IN_SCOPE}", note)


def test_a_composite_has_the_metrics_of_its_parts_in_order() -> None:
    outcome = one(f'(RowCount > 0) and ((Mean "a" > 1) or ({BROKEN}))')
    assert outcome.metrics == {"Dataset.*.RowCount": 4.0, "Column.a.Mean": 1.5}
    assert [part.measured for part in outcome.parts] == ["4", "1 of 2 parts passed"]
    assert [part.measured for part in outcome.parts[1].parts] == ["1.5", ""]


def test_the_leaves_are_the_rules_inside_in_order_each_once() -> None:
    rules = parse(f"Rules = [ ({PASSING}) and (({FAILING}) or ({PASSING})), {BROKEN}, {FAILING} ]").rules
    assert [str(rule) for rule in leaves(rules)] == [PASSING, FAILING, BROKEN]


def test_labels_are_the_defaults_with_those_of_the_rule_on_top() -> None:
    default = 'DefaultLabels = [ "team" = "crm", "tier" = "1" ]'
    own = 'labels = [ "tier" = "2", "x" = "y" ]'
    rules = f"RowCount > 0,\n  RowCount > 0 {own},\n\n  ((RowCount > 0) or (RowCount > 9)) {own}"
    found = evaluated(f"{default}\nRules = [\n  {rules}\n]").outcomes
    assert [dict(outcome.labels) for outcome in found] == [
        {"team": "crm", "tier": "1"},
        {"team": "crm", "tier": "2", "x": "y"},
        {"team": "crm", "tier": "2", "x": "y"},
    ]
    assert [outcome.line for outcome in found] == [3, 4, 6]


# -- what cannot be measured ---------------------------------------------------------------------------


def test_a_fault_of_one_metric_leaves_its_neighbours_measured() -> None:
    engine = Facts(broken=("Sum",))
    found = evaluated('Mean "a" > 1, IsComplete "a", RowCount = 4, Sum "b" > 1, Range "a" < 3', engine).outcomes
    assert [each.verdict.value for each in found] == ["ERROR", "FAILED", "PASSED", "ERROR", "PASSED"]
    assert (found[0].reason, found[0].metrics, found[0].measured) == ("it overflows; use less", {}, "")
    measured = [metric for scan in engine.scans for metric in scan.metrics if "Sum" in type(metric).__name__]
    assert measured, "the fault was looked for"
    assert [len(scan.metrics) for scan in engine.scans][-1] < 5


def test_tables_that_change_are_measured_again_from_the_start() -> None:
    engine, told = Facts(broken=("Sum",), cause=ValueError("a misfit")), []

    def recover(error: Exception) -> bool:
        told.append(str(error))
        engine.broken = ()
        return True

    evaluation = run(parse('Rules = [ Mean "a" > 1 ]'), engine, Options(now=NOW), recover=recover)  # type: ignore[arg-type]
    assert told == ["a misfit"]
    assert evaluation.passed
    assert len(engine.scans) == 2


def test_only_what_an_engine_gives_as_the_cause_can_be_helped() -> None:
    def recover(error: Exception) -> bool:
        raise AssertionError(error)

    (outcome,) = run(
        parse('Rules = [ Mean "a" > 1 ]'), Facts(broken=("Sum",)), Options(now=NOW), recover=recover
    ).outcomes  # type: ignore[arg-type]
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "it overflows; use less")


def test_a_fault_that_cannot_be_helped_is_an_error_of_the_rule() -> None:
    engine = Facts(broken=("Sum", "Size"), cause=ValueError("a misfit"))
    outcome = one('Mean "a" > 1', engine)
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "it overflows; use less")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('Mean "a" > index(last(3), 5)', "index"),
        ('Mean "a" = NULL', "NULL has no meaning here: a metric is always a number"),
    ],
)
def test_a_condition_that_cannot_be_decided_is_an_error(rule: str, words: str) -> None:
    outcome = one(rule)
    assert outcome.verdict is Verdict.ERROR
    assert words in outcome.reason


def test_a_condition_without_history_counts_as_0_and_says_so() -> None:
    outcome = one('Mean "a" > avg(last(3))')
    assert outcome.verdict is Verdict.PASSED
    assert any(note.startswith("no history") for note in outcome.notes)


@pytest.mark.parametrize(
    ("tables", "rules", "message", "help_"),
    [
        ((), "RowCount > 0", "no data: only rules about files can do without", "give the table under test"),
        ((), 'FileSize "x" > 1 B, RowCount > 0', "no data: only rules about files can do without", "give the table under test"),
        ((), "Rules = [ ] Analyzers = [ RowCount ]", "no data: only rules about files can do without", "give the table under test"),
        (("a", "b"), "RowCount > 0", "no table has the alias `primary` (given: `a`, `b`)", "name the table under test `primary`"),
    ],
)  # fmt: skip
def test_rules_about_a_table_need_one(tables: tuple[str, ...], rules: str, message: str, help_: str) -> None:
    with pytest.raises(DqError) as refused:
        evaluated(rules, Facts(tables=tables))
    assert (refused.value.message, refused.value.help) == (message, help_)


def test_rules_about_files_can_do_without_a_table() -> None:
    prepared = prepare(parse('Rules = [ FileSize "x" > 1 B ]'), Facts(tables=()), NOW)  # type: ignore[arg-type]
    assert len(prepared.bound) == len(prepared.plan.scans) == 1
    assert not prepared.problems


def test_files_below_the_working_directory_can_be_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("abc")
    monkeypatch.chdir(tmp_path)
    outcome = one('FileSize "a.csv" = 3 B', Facts(tables=()))
    assert outcome.passed, outcome.reason
    assert outcome.evidence == ()


# -- no rows -------------------------------------------------------------------------------------------


def test_a_filter_that_keeps_no_row_passes_or_fails_as_is_asked() -> None:
    rule = 'IsComplete "a" where "b > 1"'
    passed, failed = one(rule), one(rule, fail_empty_scope=True)
    assert (passed.verdict, failed.verdict) == (Verdict.PASSED, Verdict.FAILED)
    assert passed.reason == failed.reason == "no rows in scope: the where clause keeps none"
    assert one("RowCount = 4", fail_empty_scope=True).passed


# -- failing rows --------------------------------------------------------------------------------------


def test_a_rule_that_fails_shows_some_of_its_rows() -> None:
    engine = Facts()
    outcome = one('IsComplete "a"', engine)
    assert outcome.failing == FailingRows(1, 4, ("a", "s"), ((1, "Abc"),))
    assert [(alias, limit) for alias, _, limit in engine.sampled] == [("primary", 5)]
    assert one('IsComplete "a"', redact=True).failing == FailingRows(1, 4, ("a", "s"), (("9", "Aaa"),))


def test_rows_are_shown_behind_a_rule_that_has_none() -> None:
    count, complete = evaluated('RowCount > 9, IsComplete "a"').outcomes
    assert count.failing is None
    assert complete.failing == FailingRows(1, 4, ("a", "s"), ((1, "Abc"),))


@pytest.mark.parametrize(
    ("rule", "options", "answers"),
    [
        ('IsComplete "a"', {"samples": 0}, {}),
        ('Completeness "a" > 0.5', {}, {}),
        ('IsComplete "a"', {}, {"Compliance": Ratio(4, 4)}),
        ('Completeness "a" < 0.5', {}, {"Compliance": Ratio(4, 4)}),
    ],
)
def test_rows_are_looked_for_only_where_they_are_shown(
    rule: str, options: dict[str, Any], answers: dict[str, Any]
) -> None:
    engine = Facts(answers=answers)
    outcome = one(rule, engine, **options)
    assert outcome.failing is not None
    assert (outcome.failing.columns, outcome.failing.sample, engine.sampled) == ((), (), [])
    assert outcome.notes == ()


def test_rows_that_cannot_be_shown_are_a_note() -> None:
    outcome = one('IsComplete "a"', Facts(unreadable=True))
    assert (outcome.verdict, outcome.failing) == (Verdict.FAILED, FailingRows(1, 4))
    assert outcome.notes == ("the failing rows cannot be shown: line 7 is no row; look at it",)
    first, second = one('Completeness "a" > last() + 0.9', Facts(unreadable=True)).notes
    assert (first.partition(":")[0], second) == ("no history", *outcome.notes)


UNIQUE = {"GroupCounts": Occurrences(4, 4, 4)}


@pytest.mark.parametrize(
    ("keys", "options", "key"),
    [
        ('IsPrimaryKey "b"', {}, ("b",)),
        ('IsPrimaryKey "b" "s"', {}, ("b", "s")),
        ('IsPrimaryKey "b"', {"key": ("s",)}, ("s",)),
        ('IsPrimaryKey "b"', {"key": ("S",)}, ("s",)),
        ('IsPrimaryKey "b" where "s > \'\'"', {}, ()),
        ('IsUnique "b"', {}, ()),
    ],
)
def test_the_key_of_the_samples(keys: str, options: dict[str, Any], key: tuple[str, ...]) -> None:
    engine = Facts()
    engine.answer = lambda metric: (  # type: ignore[method-assign]
        Count(4) if isinstance(metric, Size) else UNIQUE["GroupCounts"] if "Group" in type(metric).__name__
        else Ratio(3 if '"a"' in metric.aggregates()[0].sql() else 4, 4)
    )  # fmt: skip
    found = evaluated(f'{keys}, IsComplete "a"', engine, **options).outcomes[1]
    assert found.failing is not None
    assert found.failing.key == key


def test_a_key_that_does_not_hold_is_none() -> None:
    outcome = evaluated(
        'IsPrimaryKey "b", IsComplete "a"', Facts(answers={"GroupCounts": Occurrences(4, 3, 2)})
    ).outcomes[1]
    assert outcome.failing is not None
    assert outcome.failing.key == ()


# -- composites by row ---------------------------------------------------------------------------------

BY_ROW = '(IsComplete "a") or (ColumnValues "b" > 2)'


def test_a_composite_by_row_says_what_its_rows_say() -> None:
    engine = Facts()
    outcome = one(BY_ROW, engine, composites="row")
    assert outcome.verdict is Verdict.FAILED
    assert outcome.reason == "1 of 4 rows fails: expected true in every row"
    assert (outcome.measured, outcome.expected) == ("0.75 of rows", "true in every row")
    assert outcome.notes == ("judged row by row",)
    assert outcome.failing == FailingRows(1, 4, ("a", "s"), ((1, "Abc"),))
    assert isinstance(engine.scans[-1].metrics[0], RowsJudged)
    beside = f'{BY_ROW}, IsComplete "a"'
    assert evaluated(beside, Facts(), composites="row").scans == evaluated(beside, Facts()).scans + 1


def test_a_composite_by_row_keeps_what_its_parts_remark() -> None:
    remark = f"{EMPTY_A}: {NO_ROWS_IN_SCOPE}"
    assert one(f'({EMPTY_A}) and (IsComplete "a")', composites="row").notes == (remark, "judged row by row")
    assert one(f"({EMPTY_A}) and (RowCount > 0)", composites="row").notes == (
        remark,
        "judged by column: `RowCount > 0` says nothing about single rows",
    )


@pytest.mark.parametrize(("options", "verdict"), [({}, Verdict.PASSED), ({"fail_empty_scope": True}, Verdict.FAILED)])
def test_a_composite_by_row_whose_filters_keep_no_row_is_what_its_parts_are(
    options: dict[str, Any], verdict: Verdict
) -> None:
    outcome = one(f"({EMPTY_A}) or ({EMPTY_B})", composites="row", **options)
    assert (outcome.verdict, outcome.reason) == (verdict, "no rows in scope: no part's where clause keeps one")
    assert (outcome.measured, outcome.expected, outcome.failing) == ("no rows", "true in every row", None)
    assert outcome.notes[-1] == "judged row by row"


@pytest.mark.parametrize(
    ("judged", "verdict", "reason", "measured"),
    [
        (Ratio(4, 4), Verdict.PASSED, "", "all rows"),
        (Ratio(2, 4), Verdict.FAILED, "2 of 4 rows fail: expected true in every row", "0.5 of rows"),
        (Ratio(10**8 - 1, 10**8), Verdict.FAILED, "1 of 100,000,000 rows fails: expected true in every row", "0.99999999 of rows"),
        (Ratio(0, 0), Verdict.FAILED, "no rows: the table is empty", "no rows"),
    ],
)  # fmt: skip
def test_what_is_said_of_composites_by_row(judged: Ratio, verdict: Verdict, reason: str, measured: str) -> None:
    outcome = one(BY_ROW, Facts(answers={"RowsJudged": judged}), composites="row")
    assert (outcome.verdict, outcome.reason, outcome.measured) == (verdict, reason, measured)
    assert (outcome.failing is None) == (judged.total == 0)


def test_a_composite_by_row_that_cannot_be_measured_is_an_error() -> None:
    outcome = one(BY_ROW, Facts(broken=("RowsJudged",)), composites="row")
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "it overflows; use less")
    assert (outcome.failing, outcome.notes) == (None, ("judged row by row",))


def test_rows_of_a_composite_that_cannot_be_shown_are_a_note() -> None:
    notes = one(BY_ROW, Facts(unreadable=True), composites="row").notes
    assert notes[-2:] == ("judged row by row", "the failing rows cannot be shown: line 7 is no row; look at it")


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (BROKEN, f"judged by column: `{BROKEN}` could not be measured"),
        ('Completeness "a" > 0.5', 'judged by column: `Completeness "a" > 0.5` is about a share of rows'),
        (
            'ColumnValues "a" > 1 with threshold > 0.5',
            'judged by column: `ColumnValues "a" > 1 with threshold > 0.5` is about a share of rows',
        ),
        ("RowCount > 0", "judged by column: `RowCount > 0` says nothing about single rows"),
    ],
)
def test_a_composite_that_rows_cannot_judge_is_judged_by_column(part: str, why: str) -> None:
    outcome = one(f'(IsComplete "a") or ({part})', composites="row")
    assert outcome.notes == (why,)
    assert (outcome.measured, outcome.expected, outcome.failing) == (outcome.measured, "any part", None)
    assert "parts passed" in outcome.measured


def test_a_composite_that_nests_too_deep_is_judged_by_column() -> None:
    rule = 'IsComplete "a"'
    for operator in ("and", "or") * 51:
        rule = f'({rule}) {operator} (IsComplete "b")'
    assert one(rule, composites="row").notes == ("judged by column: it nests too deep to be judged row by row",)


# -- the evaluation ------------------------------------------------------------------------------------


def test_tables_tell_the_rows_that_were_counted() -> None:
    engine = Facts(tables=("primary", "ref"))
    found = evaluated('RowCount > 0, RowCountMatch "ref" > 0', engine)
    assert [(each.alias, each.rows) for each in found.tables] == [("primary", 4), ("ref", 4)]
    assert [(each.alias, each.rows) for each in evaluated("ColumnCount = 3", engine).tables] == [
        ("primary", None),
        ("ref", 99),
    ]
    assert (found.engine, found.scans) == ("facts", 2)


def test_analyzers_are_measured_in_the_scans_of_the_rules() -> None:
    engine = Facts()
    found = evaluated('Rules = [ RowCount > 0 ] Analyzers = [ Completeness "a" ]', engine)
    assert [(each.name, each.value) for each in found.statistics] == [("Column.a.Completeness", 0.75)]
    assert len(engine.scans) == 1


def test_each_scan_is_told_before_it_runs() -> None:
    told: list[tuple[str, float, int]] = []
    engine = Facts(broken=("Sum",))
    evaluated('Mean "a" > 1, IsUnique "s"', engine, progress=lambda *step: told.append(step))
    assert told == [("scanning", 0, 2), ("scanning", 0, 3), ("scanning", 1, 3), ("scanning", 2, 3)]
    assert len(engine.scans) == 4
    told.clear()
    evaluated('IsComplete "a"', Facts(), progress=lambda *step: told.append(step))
    assert told == [("scanning", 0, 1), ("fetching failing rows", 0, 0)]


def test_how_far_a_scan_is_is_told_while_it_runs() -> None:
    told: list[tuple[str, float, int]] = []
    halfway = Event()

    class Slow(Facts):
        def measure(self, scan: Scan) -> dict[Metric, Measured]:
            assert halfway.wait(60)
            halfway.clear()
            return super().measure(scan)

    def progress(what: str, done: float, total: int) -> None:
        told.append((what, done, total))
        if done % 1:
            halfway.set()

    evaluated('IsUnique "s", RowCount > 0', Slow(), progress=progress)
    assert list(dict.fromkeys(told)) == [
        ("scanning", 0, 2),
        ("scanning", 0.5, 2),
        ("scanning", 1, 2),
        ("scanning", 1.5, 2),
    ]


def test_history_goes_by_what_was_read_unless_it_is_given_a_name() -> None:
    history = MemoryHistory()
    evaluated("RowCount > 0", history=history)
    evaluated("RowCount > 0", history=history, dataset="orders")
    assert [series.dataset for each in history.runs for series in each.values] == ["made up", "orders"]


class Unusable(MemoryHistory):
    """A history that says before anything is measured that it cannot be used."""

    def check(self) -> None:
        raise HistoryError("no room", help="make some")


def test_a_history_is_looked_at_before_anything_is_measured() -> None:
    engine = Facts()
    with pytest.raises(HistoryError, match="no room"):
        evaluated("RowCount > 0", engine, history=Unusable())
    assert engine.scans == []


def test_how_long_it_took_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count(100, 3)
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    assert evaluated("RowCount > 0").seconds == 3


@pytest.mark.parametrize(("redact", "note"), [(False, 'column `s` holds "Ann 7"'), (True, 'column `s` holds "Aaa 9"')])
def test_what_is_remarked_of_a_table_is_told_with_it(redact: bool, note: str) -> None:
    (table,) = evaluated("RowCount > 0", Remarking(), redact=redact).tables
    assert (table.rows, table.notes) == (4, (note,))


class Remarking(Facts):
    """An engine whose table is remarked on."""

    def read(self, alias: str) -> TableRead:
        return replace(super().read(alias), notes=('column `s` holds "Ann 7"',))


def test_an_instant_without_a_zone_is_meant_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the machine stands."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        engine = Facts()
        run(parse('Rules = [ DataFreshness "s" < 1 hours ]'), engine, Options(now=datetime(2026, 3, 9, 12, 30)))  # type: ignore[arg-type]
    finally:
        monkeypatch.undo()
        time.tzset()
    (compliance,) = (each for scan in engine.scans for each in scan.metrics if isinstance(each, Compliance))
    assert str(int(datetime(2026, 3, 9, 12, 30, tzinfo=UTC).timestamp())) in compliance.predicate.sql()


@pytest.mark.parametrize(
    ("name", "help_"), [("composites", "give column or row"), ("filtered_rows", "give passed or skipped")]
)
def test_options_are_what_they_can_be(name: str, help_: str) -> None:
    with pytest.raises(DqError) as refused:
        Options(**{name: "x"})
    assert (refused.value.message, refused.value.help) == (f"`{name}` cannot be 'x'", help_)


# -- tables that lie elsewhere -------------------------------------------------------------------------


def test_an_engine_hears_of_all_scans_of_tables_before_the_first_and_of_none_of_files() -> None:
    engine = Facts()
    evaluated('Mean "a" > 1, IsUnique "s", FileSize "nowhere/*.csv" > 0 B', engine)
    assert engine.expected == engine.scans
    assert len(engine.expected) == 2


@pytest.mark.parametrize(("kind", "scans"), [(SourceError, 1), (TimeLimitError, 1), (EngineError, 3)])
def test_a_source_that_fails_is_not_asked_again_for_parts_of_a_scan(kind: type[EngineError], scans: int) -> None:
    engine = Facts(broken=("Sum",), gone=kind)
    verdicts = [outcome.verdict for outcome in evaluated('Sum "a" > 1, RowCount > 0', engine).outcomes]
    assert len(engine.scans) == scans
    assert verdicts == [Verdict.ERROR, Verdict.PASSED if kind is EngineError else Verdict.ERROR]


def test_what_was_measured_on_data_that_changed_is_an_error_and_the_rest_is_not() -> None:
    mean, rows = evaluated('Sum "a" > 1, RowCount > 0', Facts(changed=("Sum",))).outcomes
    assert (mean.verdict, mean.reason) == (Verdict.ERROR, "`x` changed; evaluate it again")
    assert (rows.verdict, rows.evidence) == (Verdict.PASSED, ("facts",))
    assert mean.evidence == ()


def test_a_count_of_rows_that_have_changed_is_not_told() -> None:
    found = evaluated("RowCount > 0", Facts(changed=("Size",)))
    assert (found.outcomes[0].reason, found.tables[0].rows) == ("`x` changed; evaluate it again", None)


def test_what_could_not_be_measured_has_its_own_reason_also_when_the_data_changed() -> None:
    assert one('Sum "a" > 1', Facts(broken=("Sum",), changed=("Sum",))).reason == "it overflows; use less"
