"""Analyzers gather statistics without judging: their values, what cannot be measured, and what it costs."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from remembered import EXAMPLES, NOW, TABLES, remembered
from report_schema import assert_valid_report

import dq
from dq.cli.explain import as_text
from dq.explanation import explain


def gathered(analyzers: str, data: object = TABLES, **options: object) -> dict[str, dq.Statistic]:
    settings = dq.Options(dataset="t", now=NOW, **options)  # type: ignore[arg-type]
    evaluation = dq.evaluate(f"Analyzers = [ {analyzers} ]", data, options=settings)
    assert_valid_report(evaluation.to_dict())
    assert evaluation.to_html()
    assert evaluation._repr_html_()
    assert len({each.name for each in evaluation.statistics}) == len(evaluation.statistics)
    return {each.name: each for each in evaluation.statistics}


@pytest.mark.parametrize(
    ("analyzer", "found"),
    [
        ("RowCount", {"Dataset.*.RowCount": 6}),
        ("ColumnCount", {"Dataset.*.ColumnCount": 8}),
        ('Completeness "email"', {"Column.email.Completeness": 5 / 6}),
        ('Uniqueness "email"', {"Column.email.Uniqueness": 0.6}),
        ('Uniqueness "status" "qty"', {"Multicolumn.status,qty.Uniqueness": 1}),
        ('UniqueValueRatio "email"', {"Column.email.UniqueValueRatio": 0.75}),
        ('DistinctValuesCount "status"', {"Column.status.DistinctValuesCount": 3}),
        ('Entropy "status"', {"Column.status.Entropy": 1.0114042647073518}),
        ('Mean "amount"', {"Column.amount.Mean": 21}),
        ('Sum "amount"', {"Column.amount.Sum": 105}),
        ('StandardDeviation "amount"', {"Column.amount.StandardDeviation": math.sqrt(344)}),
        ('Variance "amount"', {"Column.amount.Variance": 344}),
        ('Range "qty"', {"Column.qty.Range": 4}),
        ('ColumnLength "code"', {"Column.code.MinimumLength": 0, "Column.code.MaximumLength": 5}),
        ('ColumnValues "qty"', {"Column.qty.Minimum": 1, "Column.qty.Maximum": 5}),
        ('ColumnCorrelation "id" "qty"', {"Multicolumn.id,qty.ColumnCorrelation": 0.9819805060619657}),
        ('CustomSql "select count(*) from ref"', {"Dataset.*.CustomSQL": 5}),
        (
            'AllStatistics "amount"',
            {
                "Dataset.*.RowCount": 6,
                "Dataset.*.ColumnCount": 8,
                "Column.amount.Minimum": -5,
                "Column.amount.Maximum": 50,
                "Column.amount.Completeness": 5 / 6,
                "Column.amount.Uniqueness": 1,
                "Column.amount.Mean": 21,
                "Column.amount.Sum": 105,
                "Column.amount.StandardDeviation": math.sqrt(344),
                "Column.amount.Entropy": math.log(5),
            },
        ),
        (
            'AllStatistics "code"',
            {
                "Dataset.*.RowCount": 6,
                "Dataset.*.ColumnCount": 8,
                "Column.code.MinimumLength": 0,
                "Column.code.MaximumLength": 5,
                "Column.code.Completeness": 5 / 6,
                "Column.code.Uniqueness": 1,
            },
        ),
    ],
)
def test_the_statistics_of_an_analyzer(analyzer: str, found: dict[str, float]) -> None:
    statistics = gathered(analyzer)
    assert {name: each.value for name, each in statistics.items()} == pytest.approx(found)
    assert list(statistics) == list(found)
    for name, each in statistics.items():
        assert name.startswith(f"{each.level}.{','.join(each.columns) or '*'}.")


def test_every_kind_of_analyzer_is_gathered_once() -> None:
    evaluation = dq.evaluate(EXAMPLES / "analyzers_all_kinds.dqdl", TABLES)
    assert (evaluation.exit_code, evaluation.score, evaluation.outcomes) == (0, 1.0, ())
    names = [each.name for each in evaluation.statistics]
    assert len(names) == len(set(names)) == 48
    assert {each.name.split(".")[1] for each in evaluation.statistics} >= {
        "id",
        "email",
        "country",
        "amount",
        "qty",
        "code",
    }
    assert all(isinstance(each.value, float) and not each.reason for each in evaluation.statistics)


def test_a_ruleset_of_analyzers_alone_says_that_nothing_was_judged() -> None:
    evaluation = dq.evaluate("Analyzers = [ RowCount ]", TABLES)
    assert "nothing was judged: the ruleset has no rules; 1 statistic gathered" in evaluation.to_text()
    assert "Statistics gathered" in evaluation.to_html()


@pytest.mark.parametrize(
    ("analyzer", "reason"),
    [
        ('Mean "nope"', "column `nope` does not exist"),
        ('AllStatistics "nope"', "column `nope` does not exist"),
        ('AllStatistics "AllColumns"', "column `AllColumns` does not exist"),
        ('Mean "email"', "a number column is needed"),
        ('ColumnLength "qty"', "a text column is needed"),
        ('ColumnValues "email"', "a number column is needed"),
        ('ColumnDataType "qty"', "measures nothing without a condition"),
        ('DataFreshness "placed"', "measures nothing without a condition"),
        ('CustomSql "select count(*) from nothing"', "nothing"),
        ('Distribution "qty" with bins = 21', "1 to 20 bins, not 21"),
        ('Distribution "qty" with bins = 0', "1 to 20 bins, not 0"),
        ('CustomSql "select 9223372036854775807 * max(id) from primary"', "Overflow"),
    ],
)
def test_what_cannot_be_measured_is_an_error_and_exit_code_3(analyzer: str, reason: str) -> None:
    evaluation = dq.evaluate(f"Rules = [ RowCount > 0 ] Analyzers = [ {analyzer}, RowCount ]", TABLES)
    assert evaluation.exit_code == 3
    broken, whole = evaluation.statistics
    assert (broken.error, broken.value, whole.value) == (True, None, 6)
    assert reason in broken.reason
    assert_valid_report(evaluation.to_dict())
    text = evaluation.to_text()
    assert "1 of 1 rule passed; 1 analyzer could not be measured" in text
    assert broken.reason[:30] in " ".join(text.split())
    assert "ERROR" in evaluation.to_html()


def test_a_statistic_stands_on_the_line_of_its_analyzer() -> None:
    evaluation = dq.evaluate('Analyzers = [\n    RowCount,\n\n    Mean "nope", ColumnCount ]', TABLES)
    assert [each.line for each in evaluation.statistics] == [2, 4, 4]


def test_no_value_is_told_and_is_no_error() -> None:
    nothing = pa.table({"a": pa.array([], pa.float64()), "b": pa.array([], pa.string())})
    evaluation = dq.evaluate('Analyzers = [ AllStatistics AllColumns, Distribution "a" ]', nothing)
    assert evaluation.exit_code == 0
    empty = {each.name for each in evaluation.statistics if each.value is None and each.reason}
    assert {each.name for each in evaluation.statistics} - empty == {"Dataset.*.RowCount", "Dataset.*.ColumnCount"}


def test_nested_columns_are_passed_over_aloud() -> None:
    data = pa.table({"tags": [[1], [2]], "a": [1, 2]})
    statistics = gathered("AllStatistics AllColumns, Distribution AllColumns", data)
    assert statistics["Column.tags.AllStatistics"].reason == "a nested column, which is not looked at"
    assert statistics["Column.a.Mean"].value == 1.5
    (named,) = dq.evaluate('Analyzers = [ AllStatistics "tags" ]', data).statistics
    assert named.error
    assert "nested" in named.reason


def test_analyzers_share_the_scans_of_the_rules() -> None:
    rules = 'RowCount > 0, IsUnique "email", Mean "amount" > 0'
    analyzers = 'Uniqueness "email", Entropy "email", Mean "amount", AllStatistics "email", Distribution "amount"'
    alone = explain(f"Rules = [ {rules} ]", TABLES)
    both = explain(f"Rules = [ {rules} ] Analyzers = [ {analyzers} ]", TABLES)
    assert len(both.steps) == len(alone.steps) == 2
    assert 'Entropy "email"' in map(str, both.steps[1].rules)
    assert dq.evaluate(f"Rules = [ {rules} ] Analyzers = [ {analyzers} ]", TABLES).scans == 2


def test_explain_counts_rules_and_analyzers() -> None:
    plan = as_text(explain("Rules = [ RowCount > 0 ] Analyzers = [ RowCount, ColumnCount ]", TABLES), with_sql=False)
    assert "scan 1  row scan, 1 rule, 1 analyzer" in plan
    assert plan.endswith("1 scan on duckdb for 1 rule, 2 analyzers")


def test_explain_tells_what_no_analyzer_can_measure() -> None:
    assert [str(each) for each in explain('Analyzers = [ Mean "nope" ]', TABLES).problems] == ['Mean "nope"']


# -- distributions -------------------------------------------------------------------------------------


def distribution(analyzer: str, data: object) -> dq.Distribution:
    (statistic,) = gathered(analyzer, data).values()
    assert isinstance(statistic.value, dq.Distribution)
    return statistic.value


def test_numbers_stand_in_bins_of_equal_width() -> None:
    found = distribution('Distribution "a" with bins = 4', pa.table({"a": [0, 1, 2, 3, 4, 5, 6, 7, 8, None]}))
    assert found == dq.Distribution("number", ("0", "2", "4", "6", "8"), (2, 2, 2, 3))


@pytest.mark.parametrize(
    ("values", "edges", "counts", "others"),
    [
        ([7.5, 7.5], ("7.5", "7.5"), (2,), 0),
        ([1.0, float("nan"), float("inf"), 3.0], ("1", "2", "3"), (1, 1), 2),
        ([-1.7e308, 1.7e308], ("-1.7e+308", "0", "1.7e+308"), (1, 1), 0),
    ],
)
def test_bins_of_odd_numbers(values: list[float], edges: tuple[str, ...], counts: tuple[int, ...], others: int) -> None:
    found = distribution('Distribution "a" with bins = 2', pa.table({"a": values}))
    assert found == dq.Distribution("number", edges, counts, others)


def test_other_values_are_counted_the_most_frequent_first() -> None:
    words = ["b"] * 3 + ["a"] * 3 + ["c"] * 2 + [""] + [None] * 4 + [f"rare {at}" for at in range(5)]
    found = distribution('Distribution "a" with bins = 4', pa.table({"a": words}))
    assert found == dq.Distribution("string", ("a", "b", "c", ""), (3, 3, 2, 1), 5)


def test_all_columns_have_distributions_of_twenty_bins_at_most() -> None:
    data = pa.table({"n": range(100), "s": [str(at) for at in range(100)], "d": [True] * 100})
    found = gathered("Distribution AllColumns", data)
    assert {
        name: len(each.value.counts) for name, each in found.items() if isinstance(each.value, dq.Distribution)
    } == {
        "Column.n.Distribution": 20,
        "Column.s.Distribution": 20,
        "Column.d.Distribution": 1,
    }


def days(
    history: dq.MetricHistory, analyzer: str, runs: list[list[float]], first: int = 0
) -> list[tuple[dq.Distribution, int]]:
    """The distribution and the number of remarks of each run."""
    found = []
    for at, values in enumerate(runs, start=first):
        options = dq.Options(history=history, dataset="t", now=NOW + timedelta(days=at))
        (each,) = dq.evaluate(f"Analyzers = [ {analyzer} ]", pa.table({"a": values}), options=options).statistics
        assert isinstance(each.value, dq.Distribution)
        found.append((each.value, len(each.notes)))
    return found


FIRST: list[float] = list(range(100))
A_LITTLE_OFF: list[float] = [*range(97), 150, 160, -20]
OFF: list[float] = [*range(90), *[500] * 10]


def stores(folder: Path) -> list[dq.MetricHistory]:
    return [dq.MemoryHistory(), dq.JsonLinesHistory(folder / "history.jsonl")]


def test_the_bins_of_the_first_run_are_those_of_later_ones(tmp_path: Path) -> None:
    for history in stores(tmp_path):
        first, later, off = days(history, 'Distribution "a" with bins = 4', [FIRST, A_LITTLE_OFF, OFF])
        edges = ("0", "24.75", "49.5", "74.25", "99")
        assert first == (dq.Distribution("number", edges, (25, 25, 25, 25)), 0)
        assert later == (dq.Distribution("number", edges, (26, 25, 25, 24), beyond=3), 1)
        assert off == (dq.Distribution("number", edges, (25, 25, 25, 25), beyond=10), 1)


@pytest.mark.parametrize(("rebin", "last"), [("true", "500"), ("false", "99")])
def test_three_runs_far_off_find_new_bins_unless_that_is_forbidden(tmp_path: Path, rebin: str, last: str) -> None:
    for history in stores(tmp_path):
        found = days(history, f'Distribution "a" with rebin = "{rebin}"', [FIRST, OFF, OFF, OFF, OFF])
        assert [each.edges[-1] for each, _ in found] == ["99", "99", "99", "99", last]


def test_bins_stay_while_no_more_than_a_twentieth_is_beyond() -> None:
    at_the_limit = [*range(95), *[500] * 5]
    found = days(dq.MemoryHistory(), 'Distribution "a"', [FIRST, *[at_the_limit] * 4])
    assert {each.edges[-1] for each, _ in found} == {"99"}


def test_bins_stay_while_a_history_is_shorter_than_three_runs() -> None:
    history = dq.MemoryHistory()
    days(history, 'Distribution "a"', [FIRST, OFF, OFF])
    del history.runs[0]
    ((found, _),) = days(history, 'Distribution "a"', [OFF], first=3)
    assert (found.edges[-1], found.beyond) == ("99", 10)


def test_other_bins_are_found_anew(tmp_path: Path) -> None:
    history = dq.MemoryHistory()
    days(history, 'Distribution "a" with bins = 4', [FIRST])
    ((found, notes),) = days(history, 'Distribution "a" with bins = 5', [OFF])
    assert (found.edges[-1], found.beyond, notes) == ("500", 0, 0)


def test_a_strong_remark_tells_that_the_distribution_has_changed() -> None:
    history = dq.MemoryHistory()
    days(history, 'Distribution "a"', [FIRST])
    statistics = gathered('Distribution "a"', pa.table({"a": OFF}), history=history)
    assert statistics["Column.a.Distribution"].notes == (
        "10.0% of the values lie beyond the bins of an earlier run: the distribution has changed",
    )


# -- history -------------------------------------------------------------------------------------------


def test_statistics_are_remembered_for_rules_of_the_same_metric() -> None:
    history = remembered("nothing", [])
    gathered('Mean "amount", AllStatistics "qty", Distribution "qty"', history=history)
    assert (len(history.runs[0].values), len(history.runs[0].distributions)) == (11, 1)
    options = dq.Options(history=history, dataset="t", now=NOW)
    rules = 'Rules = [ Mean "amount" = last(), Completeness "qty" = last() ]'
    assert [each.notes for each in dq.evaluate(rules, TABLES, options=options).outcomes] == [(), ()]


@pytest.mark.parametrize(
    ("past", "notes"),
    [
        ([100, 101, 99], ("off its history: 6, expected 94.8109 to 105.189, predicted 100",)),
        ([6, 7, 5], ()),
        ([100, 100], ()),
    ],
)
def test_a_statistic_off_its_history_is_remarked_and_fails_nothing(past: list[float], notes: tuple[str, ...]) -> None:
    statistics = gathered("RowCount", history=remembered("Dataset.*.RowCount", past))
    assert statistics["Dataset.*.RowCount"].notes == notes
