"""History without a database: what is asked of a store, what is remarked, and what is left behind."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dq.analysis import Analysis
from dq.diagnostics import DqError
from dq.dynamics import before
from dq.gauges import Reading
from dq.history import Found, HistoryError, MemoryHistory, Point, Run, Series
from dq.language import parse
from dq.metrics import Metric, Size
from dq.outcomes import Distribution, Remembered, Statistic, Verdict
from dq.recall import Place, cold_starts, keep, observed, statistics, without_file_count
from dq.rules.base import Facts, Judgement
from dq.syntax import Analyzer, Rule

NOW = datetime(2026, 3, 9, tzinfo=UTC)
PLACE = Place("orders", "nightly", NOW)


def rule_of(text: str) -> Rule:
    (rule,) = parse(f"Rules = [ {text} ]", dialect="glue").rules
    assert isinstance(rule, Rule)
    return rule


def analyzer_of(text: str) -> Analyzer:
    (analyzer,) = parse(f"Analyzers = [ {text} ]").analyzers
    return analyzer


@pytest.mark.parametrize(
    ("read", "dataset"),
    [
        ("data/*.csv (2 files)", "data/*.csv"),
        ("data/*.csv (12,345 files)", "data/*.csv"),
        ("data/*.csv", "data/*.csv"),
        ("a (2 files).csv", "a (2 files).csv"),
        ("a (two files)", "a (two files)"),
    ],
)
def test_the_number_of_files_is_no_part_of_the_name_of_a_dataset(read: str, dataset: str) -> None:
    assert without_file_count(read) == dataset


SERIES = [
    ("RowCount > 1", "Dataset.*.RowCount", "", ""),
    ('RowCount > 1 where " id > 1 "', "Dataset.*.RowCount", "id > 1", ""),
    ('Completeness "a" > 0.5', "Column.a.Completeness", "", ""),
    ('DetectAnomalies "Completeness" "a"', "Column.a.Completeness", "", ""),
    ('DetectAnomalies "ReferentialIntegrity" "a" "ref.b"', "Column.ref.ReferentialIntegrity", "", '"a" "ref.b"'),
    ('CustomSql "select 1" = 1', "Dataset.*.CustomSQL", "", '"select 1"'),
    ('CustomSql "select a from primary" with threshold > 0.5', "Dataset.*.CustomSQL.Compliance", "", '"select a from primary"'),
    ('ReferentialIntegrity "a" "ref.b" = 1.0', "Column.ref.ReferentialIntegrity", "", '"a" "ref.b"'),
    ('DatasetMatch "ref" "a" "b" = 1.0', "Dataset.ref.DatasetMatch", "", '"ref" "a" "b"'),
    ('ColumnDataType "a" = "Date" with threshold > 0.5', "Column.a.ColumnDataType.Compliance", "", '= "Date"'),
    ('ColumnDataType "a" = "Date" with format = "dd-MM-yyyy" with threshold > 0.5', "Column.a.ColumnDataType.Compliance", "", '= "Date" with format = "dd-MM-yyyy"'),
    ('ColumnValues "a" matches "x" with ignoreCase = "true"', "Column.a.PatternMatch", "", 'matches "x" with ignoreCase = "true"'),
    ('ColumnValues "a" > 1', "Column.a.Minimum", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "metric", "where", "detail"), SERIES)
def test_what_tells_series_of_one_metric_apart(rule: str, metric: str, where: str, detail: str) -> None:
    assert PLACE.series(rule_of(rule), metric) == Series("orders", "nightly", metric, where, detail)


def cold(values: int) -> Judgement:
    return Judgement(Verdict.PASSED, "", "1", "> 1", history=(Remembered("m", values, enough=values > 2),))


@pytest.mark.parametrize(
    ("rules", "remark"),
    [
        (0, ()),
        (1, ("cold start: 1 rule found too little history to compare with; the notes of each tell",)),
        (1234, ("cold start: 1,234 rules found too little history to compare with; the notes of each tell",)),
    ],
)
def test_rules_that_found_too_little_history_are_counted(rules: int, remark: tuple[str, ...]) -> None:
    judged = {rule_of(f"RowCount > {number}"): cold(2 if number < rules else 3) for number in range(rules + 2)}
    assert cold_starts(judged) == remark


# -- statistics ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A gauge that reads one number under each of its names, cannot be measured, or cannot be read."""

    names: tuple[str, ...] = ()
    unmeasured: str = ""
    unreadable: str = ""

    def metrics(self) -> tuple[Metric, ...]:
        return (Size(table=self.unmeasured),)

    def read(self, facts: Facts) -> Iterator[Reading]:
        if self.unreadable:
            raise DqError(self.unreadable)
        yield from (Reading(name, (), 7) for name in self.names)


NO_TABLE, NO_ROWS, NO_SIZE = Told(unmeasured="no table"), Told(unmeasured="no rows"), Told(unreadable="no size")
SEVEN, EIGHT = 'CustomSql "select 7"', 'CustomSql "select 8"'


@pytest.mark.parametrize(
    ("gauges", "found"),
    [
        ({SEVEN: [Told(("m",))], EIGHT: [Told(("m",))]}, [(SEVEN, "m", ""), (EIGHT, "m", "")]),
        ({"RowCount": [Told(("m",))], "ColumnCount": [Told(("m", "n"))]}, [("RowCount", "m", ""), ("ColumnCount", "n", "")]),
        ({SEVEN: [NO_TABLE], EIGHT: [NO_TABLE]}, [(SEVEN, "", "no table"), (EIGHT, "", "no table")]),
        ({SEVEN: [NO_TABLE, NO_ROWS, NO_ROWS, Told(("m",))]}, [(SEVEN, "", "no table"), (SEVEN, "", "no rows"), (SEVEN, "m", "")]),
        ({SEVEN: [NO_SIZE], EIGHT: [NO_SIZE, Told(("m",))]}, [(SEVEN, "", "no size"), (EIGHT, "", "no size"), (EIGHT, "m", "")]),
        ({SEVEN: [NO_SIZE, NO_SIZE, Told(unreadable="no rows")]}, [(SEVEN, "", "no size"), (SEVEN, "", "no rows")]),
        ({SEVEN: "no column", EIGHT: "no column"}, [(SEVEN, "", "no column"), (EIGHT, "", "no column")]),
    ],
)  # fmt: skip
def test_each_statistic_and_each_reason_why_there_is_none_is_told_once(
    gauges: dict[str, Any], found: list[tuple[str, str, str]]
) -> None:
    ruleset = parse(f"Analyzers = [ {', '.join(gauges)} ]")
    analyses = {str(each): Analysis(each, tuple(gauges[str(each)])) for each in ruleset.analyzers}
    problems = {text: why for text, why in gauges.items() if isinstance(why, str)}
    failed: dict[Metric, str] = {Size(table=reason): reason for reason in ("no table", "no rows")}
    told = statistics(ruleset, analyses, problems, {}, failed)
    assert [(str(each.analyzer), each.name, each.reason) for each in told] == found
    assert [(each.value, each.error, each.line) for each in told] == [
        (None, True, 1) if reason else (7.0, False, 1) for _, _, reason in found
    ]


# -- statistics beside their history -------------------------------------------------------------------


@dataclass
class Always:
    """A history in which every series that is asked for holds the same values."""

    values: Sequence[float]
    asked: list[tuple[Mapping[Series, int | None], datetime]] = field(default_factory=list)

    def check(self) -> None:
        """Always there."""

    def read(self, wanted: Mapping[Series, int | None], until: datetime, /) -> Found:
        self.asked.append((wanted, until))
        points = [Point(value, NOW - timedelta(days=1), "run") for value in self.values]
        return Found(dict.fromkeys(wanted, points), notes=("line 3 is cut off",))

    def append(self, run: Run, /) -> None:
        raise HistoryError("the disk is full", help="make room")


COMPLETENESS = Statistic("Column.a.Completeness", analyzer_of('Completeness "a"'), 0.5, ("a",), line=1)
OFF = "off its history: 0.5, expected 0.965 to 1.035, predicted 1"


@pytest.mark.parametrize(
    ("statistic", "past", "notes"),
    [
        (COMPLETENESS, (1, 1, 1), (OFF,)),
        (COMPLETENESS, (1, 1), ()),
        (COMPLETENESS, (0.5, 0.5, 0.5), ()),
        (replace(COMPLETENESS, value=None), (1, 1, 1), ()),
        (replace(COMPLETENESS, notes=("before",)), (1, 1, 1), ("before", OFF)),
        (replace(COMPLETENESS, notes=("before",)), (0.5, 0.5, 0.5), ("before",)),
        *(
            (replace(COMPLETENESS, name=f"Column.a.{name}"), (1, 1, 1), (OFF,))
            for name in ("RowCount", "ColumnCount", "DistinctValuesCount", "MinimumLength", "MaximumLength", "Minimum", "Maximum")
        ),
        *((replace(COMPLETENESS, name=f"Column.a.{name}"), (1, 1, 1), ()) for name in ("Mean", "Entropy", "Uniqueness")),
    ],
)  # fmt: skip
def test_a_statistic_off_its_history_is_remarked(
    statistic: Statistic, past: tuple[float, ...], notes: tuple[str, ...]
) -> None:
    (found,), remarks = observed((statistic,), Always(past), PLACE)
    assert found == replace(statistic, notes=notes)
    assert remarks == (("line 3 is cut off",) if statistic.name.rpartition(".")[2] not in UNWATCHED else ())


UNWATCHED = {"Mean", "Entropy", "Uniqueness"}


def test_the_newest_thirty_values_of_a_statistic_are_asked_for() -> None:
    history = Always((1, 1, 1))
    observed((COMPLETENESS,), history, PLACE)
    assert history.asked == [({Series("orders", "nightly", "Column.a.Completeness"): 30}, NOW)]


def test_without_a_history_nothing_is_remarked() -> None:
    assert observed((COMPLETENESS,), None, PLACE) == ((COMPLETENESS,), ())


def test_fifty_statistics_are_remarked_at_most() -> None:
    many = [replace(COMPLETENESS, name=f"Column.c{number}.Completeness") for number in range(52)]
    found, _ = observed(many, Always((1, 1, 1)), PLACE)
    assert [bool(each.notes) for each in found] == [True] * 50 + [False] * 2


# -- what is left behind -------------------------------------------------------------------------------

NUMBERS = Distribution("number", ("0", "1"), (3,), 0)
TEXTS = replace(NUMBERS, kind="text")


def test_what_has_a_number_is_kept_whatever_the_verdict() -> None:
    history = MemoryHistory()
    judged = {
        rule_of("RowCount > 1"): Judgement(Verdict.FAILED, "", "", "", {"Dataset.*.RowCount": 2}),
        rule_of('Mean "a" > 1'): Judgement(Verdict.ERROR, "", "", "", {"Column.a.Mean": math.nan}),
    }
    gathered = [
        COMPLETENESS,
        replace(COMPLETENESS, name="Column.a.Entropy", value=math.inf),
        replace(COMPLETENESS, name="Column.a.Mean", value=None),
        replace(COMPLETENESS, name="Column.a.Distribution", value=NUMBERS),
        replace(COMPLETENESS, name="Column.b.Distribution", value=TEXTS),
    ]
    assert keep(history, PLACE, judged, gathered) == ()
    (run,) = history.runs
    assert run.at == NOW
    assert {each.metric: value for each, value in run.values.items()} == {
        "Dataset.*.RowCount": 2.0,
        "Column.a.Completeness": 0.5,
    }
    assert {each.metric: value for each, value in run.distributions.items()} == {"Column.a.Distribution": NUMBERS}


def test_every_run_has_a_name_of_its_own() -> None:
    history = MemoryHistory()
    for _ in range(2):
        keep(history, PLACE, {}, [COMPLETENESS])
    first, second = history.runs
    assert first.id != second.id


def test_a_run_that_cannot_be_kept_is_a_remark() -> None:
    assert keep(Always(()), PLACE, {}, [COMPLETENESS]) == ("this run is not remembered: the disk is full",)
    assert keep(None, PLACE, {}, [COMPLETENESS]) == ()


def test_a_condition_that_asks_for_history_stands_as_it_is_written_until_then() -> None:
    assert str(before(rule_of("RowCount > avg(last(3)) + 1"))) == "RowCount > avg(last(3)) + 1"
