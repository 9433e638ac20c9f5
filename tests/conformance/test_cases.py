"""Every case of our own on every engine: verdict, metrics, and what the rule says of each row."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from own_cases import OF_ANALYZERS, OTHER_SUBJECTS, Case, CaseError, CaseFile, Group, case_files, read_file, tables_of
from rays import as_datasets
from sparks import frames, has_times, told

import dq
from dq.history import DEFAULT_CONTEXT, MemoryHistory, Series
from dq.history import Run as PastRun
from dq.outcomes import Distribution, Statistic
from dq.rules.base import RULE_TYPES
from dq.sources.options import NO_DATA

ENGINES: Mapping[str, Callable[[dict[str, pa.Table]], Any]] = {
    "duckdb": lambda tables: tables,
    "spark": frames,
    "ray": as_datasets,
}
"""How each engine is handed tables by their aliases. An engine is one line here."""

MARKS: Mapping[str, pytest.MarkDecorator] = {"ray": pytest.mark.ray}

SAYINGS = {"DataQualityRulesPass": "passes", "DataQualityRulesFail": "fails", "DataQualityRulesSkip": "skips"}


MOST = 300
"""Cases that are judged by one evaluation: so many that opening a database costs little beside them."""


class Judged(NamedTuple):
    """A case with where it stands."""

    file: CaseFile
    group: Group
    case: Case


class Run(NamedTuple):
    """Cases that share data and options, of whatever rule types: their rules are evaluated together."""

    name: str
    cases: tuple[Judged, ...]


def runs() -> Iterator[Run]:
    found: dict[tuple[Any, ...], list[Judged]] = {}
    for file in case_files().values():
        for group in file.groups:
            tables = tables_of(file, group)
            files_of = (file.rule_type, group.folder) if group.folder else ()
            setting = (*tables.items(), *files_of, repr(group.options), repr(group.history))
            found.setdefault(setting, []).extend(Judged(file, group, case) for case in group.cases)
    for cases in found.values():
        group = cases[0].group
        told = {**group.options, **group.history}
        words = [*group.data.values(), group.folder, *(f"{key}={value}" for key, value in told.items())]
        for at in range(0, len(cases), MOST):
            yield Run(" ".join(filter(None, words)), tuple(cases[at : at + MOST]))


@pytest.mark.parametrize("engine", [pytest.param(each, marks=MARKS.get(each, ())) for each in ENGINES])
@pytest.mark.parametrize("run", list(runs()), ids=lambda run: run.name)
def test_the_cases_hold(engine: str, run: Run) -> None:
    if engine == "spark" and not has_times():
        run = Run(run.name, tuple(each for each in run.cases if "clock" not in each.case.rule))
    told = differences(engine, run)
    different = [
        f"{case.rule}\n    {words}\n    {file.rule_type}: {group.about}; {case.source or group.source}"
        for (file, group, case), words in zip(run.cases, told, strict=True)
        if words and not case.xfail
    ]
    assert not different, "\n" + "\n".join(different)
    gaps = [(case, words) for (_, _, case), words in zip(run.cases, told, strict=True) if case.xfail]
    closed = [case.rule for case, words in gaps if not words]
    assert not closed, "these hold by now, drop their `xfail`:\n" + "\n".join(closed)
    if gaps:
        pytest.xfail("\n".join(f"{case.rule}: {case.xfail}" for case, _ in gaps))


def differences(engine: str, run: Run) -> list[str]:
    """How each case of a run differs from what is expected, in words; empty when it does not."""
    outcomes, statistics = evaluated(engine, run)
    judged = iter(outcomes)
    found = []
    for file, group, case in run.cases:
        if case.verdict == "REFUSED":
            found.append(refusal(case))
        elif case.verdict in OF_ANALYZERS:
            found.append(deviation(group, case, statistics))
        else:
            found.append(difference(file, group, case, *next(judged)))
    return found


def refusal(case: Case) -> str:
    """How a ruleset that should be refused is not, or for another reason."""
    problems = [each.message for each in dq.check(ruleset(case)) if each.severity is dq.Severity.ERROR]
    return "" if any(case.reason in each for each in problems) else f"refused for {problems or 'nothing'}"


def difference(file: CaseFile, group: Group, case: Case, outcome: dq.Outcome, rows: list[str]) -> str:
    metrics = expected_metrics(group, case)
    if outcome.verdict.value != case.verdict:
        return f"{outcome.verdict.value}, expected {case.verdict}: {outcome.reason}"
    if case.reason not in outcome.reason:
        return f"the reason lacks {case.reason!r}: {outcome.reason}"
    if not same(outcome.metrics, metrics):
        return f"{dict(outcome.metrics)}, expected {metrics}"
    if rows != expected_rows(file, case, len(rows)):
        return f"rows {rows}, expected {expected_rows(file, case, len(rows))}"
    if outcome.failing is not None and outcome.failing.count != rows.count("fails"):
        return f"{outcome.failing.count} rows are said to fail, and {rows.count('fails')} do"
    return ""


def deviation(group: Group, case: Case, statistics: Sequence[Statistic]) -> str:
    """How what an analyzer gathers differs from what is expected; a metric of two analyzers is told once."""
    own = [each for each in statistics if str(each.analyzer) == case.rule]
    errors = [each.reason for each in own if each.error]
    if (case.verdict == "UNMEASURED") != bool(errors) or not all(case.reason in each for each in errors):
        return f"{errors or 'no error'}, expected {case.verdict} {case.reason}"
    expected = expected_metrics(group, case)
    spread = [(each.value.edges, each.value.counts) for each in own if isinstance(each.value, Distribution)]
    if spread != ([(case.edges, case.counts)] if case.counts else []):
        return f"{spread}, expected {case.edges}, {case.counts}"
    told = {each.name: each.value for each in statistics if each.name in expected}
    found = told | {each.name: each.value for each in own if each.name and not isinstance(each.value, Distribution)}
    return "" if same(found, expected) else f"{found}, expected {expected}"


def same(found: Mapping[str, Any], expected: Mapping[str, float | None]) -> bool:
    """Whether there are the same metrics, and the same of them without a value."""
    if found.keys() != expected.keys() or any((found[name] is None) != (expected[name] is None) for name in found):
        return False
    numbers = {name: value for name, value in expected.items() if value is not None}
    return bool({name: found[name] for name in numbers} == pytest.approx(numbers, rel=1e-9, abs=1e-9, nan_ok=True))


def expected_metrics(group: Group, case: Case) -> dict[str, float | None]:
    return {**case.metrics, **({} if case.value is None else {group.metric: case.value})}


def expected_rows(file: CaseFile, case: Case, rows: int) -> list[str]:
    """What the rule should say of each row."""
    if file.rows == "none" or case.verdict == "ERROR" or case.skips == "all":
        assert not case.fails, "what fails no row cannot name one"
        return ["skips"] * rows
    assert max([0, *case.fails, *case.skips]) <= rows, "there is no such row"  # type: ignore[list-item]
    return ["fails" if at in case.fails else "skips" if at in case.skips else "passes" for at in range(1, rows + 1)]


def ruleset(*cases: Case, section: str = "Rules") -> str:
    return f"{section} = [\n" + ",\n".join(case.rule for case in cases) + "\n]"


def options(group: Group) -> dq.Options:
    """Those of a group. Samples of failing rows would ask for a query per rule, and no case is about them."""
    given: dict[str, Any] = {"samples": 0, **group.options}
    if group.history:
        given |= {"now": NOW, "dataset": "t", "history": past(group.history)}
    return dq.Options(**given)


NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def past(history: Mapping[str, Sequence[float]]) -> MemoryHistory:
    """Earlier runs, each a day after the one before; the values are given the newest first."""
    return MemoryHistory(
        PastRun(f"{name} {day}", NOW - timedelta(days=day), {Series("t", DEFAULT_CONTEXT, name): value})
        for name, values in history.items()
        for day, value in enumerate(values, 1)
    )


def evaluated(engine: str, run: Run) -> tuple[list[tuple[dq.Outcome, list[str]]], Sequence[Statistic]]:
    """The outcome of each case that is evaluated with what it says of each row, and what the analyzers gathered."""
    file, group, _ = run.cases[0]
    rules = [case for _, _, case in run.cases if case.judged]
    analyzers = [case for _, _, case in run.cases if case.verdict in OF_ANALYZERS]
    tables = {alias: table.arrow() for alias, table in tables_of(file, group).items()}
    data = ENGINES[engine](tables) if tables else NO_DATA

    def evaluate(text: str) -> dq.Evaluation:
        return dq.evaluate(text, data, engine=engine, options=options(group))

    outcomes: list[tuple[dq.Outcome, list[str]]] = []
    with files(file, group):
        if rules:
            evaluation = evaluate(ruleset(*rules))
            labelled = list(said(dictionaries(evaluation.rows()))) if tables else []
            outcomes = [(outcome, [row[str(outcome.rule)] for row in labelled]) for outcome in evaluation.outcomes]
        # By themselves: an analyzer beside a rule of the same metric adds nothing (E.1).
        statistics = evaluate(ruleset(*analyzers, section="Analyzers")).statistics if analyzers else ()
    return outcomes, statistics


def dictionaries(rows: Any) -> list[dict[str, Any]]:
    """What the rules say of the rows that an engine gives."""
    if not isinstance(rows, pa.RecordBatchReader):
        return told(rows, list(SAYINGS))
    found: list[dict[str, Any]] = rows.read_all().select(list(SAYINGS)).to_pylist()
    return found


def said(rows: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """What each rule says of each row; exactly one thing."""
    for row in rows:
        words = {(rule, word) for column, word in SAYINGS.items() for rule in row[column]}
        found = dict(words)
        assert len(found) == len(words), "a rule says two things of one row"
        yield found


@contextlib.contextmanager
def files(file: CaseFile, group: Group) -> Iterator[None]:
    """The files of a group, below the working directory."""
    if not group.folder:
        yield
        return
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        for path, content in file.folders[group.folder].items():
            target = Path(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.endswith("/"):
                target.mkdir(exist_ok=True)
                continue
            target.write_bytes(content.text.encode() or b"\0" * content.size)
            if content.modified is not None:
                os.utime(target, (content.modified.timestamp(),) * 2)
        yield


def test_a_known_gap_must_be_one() -> None:
    """A case with `xfail` is expected to differ, and fails when it does not."""
    group = Group(about="", source="", cases=(), data={"primary": "orders"}, metric="Column.amount.Mean")
    file = CaseFile(rule_type="Mean", groups=(), rows="none")
    for verdict, raised in (("FAILED", pytest.xfail.Exception), ("PASSED", AssertionError)):
        case = Case(rule='Mean "amount" = 21', verdict=verdict, value=21, xfail="for this test")
        with pytest.raises(raised, match="for this test" if verdict == "FAILED" else "hold by now"):
            test_the_cases_hold("duckdb", Run("orders", (Judged(file, group, case),)))


# -- the files themselves ------------------------------------------------------------------------------


def test_every_rule_type_has_a_file_and_every_file_a_rule_type() -> None:
    import dq.rules

    assert dq.rules
    assert set(case_files()) == {*RULE_TYPES, *OTHER_SUBJECTS}


def test_no_case_stands_twice() -> None:
    for file in case_files().values():
        for group in file.groups:
            rules = [case.rule for case in group.cases]
            assert not {rule for rule in rules if rules.count(rule) > 1}, (file.rule_type, group.about)


HEAD = "rule_type: Mean\ngroups:\n- about: a\n  source: 'B.15: the mean'\n  data: orders\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "  cases: [{rule: x, verdict: PASSED, verdct: y}]", "unknown key verdct"),
        (HEAD + "  cases: [{rule: x, verdict: PASSED, rule: y}]", "rule stands twice"),
        (HEAD + "  cases: [{rule: x, verdict: passed}]", "no verdict passed"),
        (HEAD + "  cases: [{rule: x}]", "missing key verdict"),
        (HEAD + "  cases: [{rule: x, verdict: ERROR}]", "needs some words of its reason"),
        (HEAD + "  cases: []\n  table: x", "unknown key table"),
        (HEAD.replace("B.15: the mean", "B.15") + "  cases: []", "does not say what stands there"),
        ("rule_type: Sum\ngroups: []", "a wrong head"),
        ("rule_type: Mean\ngroups: []\nrow: none", "unknown key row"),
        ("rule_type: Mean\ngroups: []\ntables: {a: {columns: {}, row: []}}", "unknown key row"),
    ],
)
def test_a_case_file_that_says_something_unknown_is_refused(text: str, words: str) -> None:
    with pytest.raises(CaseError, match=words):
        read_file(text, "Mean.yaml")
