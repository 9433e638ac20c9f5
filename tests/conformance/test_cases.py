"""Every case of our own on every engine: verdict, metrics, and what the rule says of each row."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from own_cases import OTHER_SUBJECTS, Case, CaseError, CaseFile, Group, case_files, read_file, tables_of

import dq
from dq.rules.base import RULE_TYPES
from dq.sources.options import NO_DATA

ENGINES: Mapping[str, Callable[[dict[str, pa.Table]], Any]] = {"duckdb": lambda tables: tables}
"""How each engine is handed tables by their aliases. An engine is one line here."""

PASS, FAIL, SKIP = "DataQualityRulesPass", "DataQualityRulesFail", "DataQualityRulesSkip"


class Run(NamedTuple):
    """The cases of a file that share data and options: their rules are evaluated together."""

    subject: str
    data: str
    cases: tuple[tuple[Group, Case], ...]

    def __str__(self) -> str:
        return f"{self.subject}-{self.data}"


def runs() -> Iterator[Run]:
    for subject, file in case_files().items():
        found: dict[str, list[tuple[Group, Case]]] = {}
        for group in file.groups:
            setting = (*group.data.values(), group.folder, *(f"{key}={value}" for key, value in group.options.items()))
            found.setdefault(" ".join(filter(None, setting)), []).extend((group, case) for case in group.cases)
        for data, cases in found.items():
            yield Run(subject, data, tuple(cases))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("run", list(runs()), ids=str)
def test_the_cases_hold(engine: str, run: Run) -> None:
    told = differences(engine, run)
    different = [
        f"{case.rule}\n    {words}\n    {group.about}; {case.source or group.source}"
        for (group, case), words in zip(run.cases, told, strict=True)
        if words and not case.xfail
    ]
    assert not different, "\n" + "\n".join(different)
    gaps = [(case, words) for (_, case), words in zip(run.cases, told, strict=True) if case.xfail]
    closed = [case.rule for case, words in gaps if not words]
    assert not closed, "these hold by now, drop their `xfail`:\n" + "\n".join(closed)
    if gaps:
        pytest.xfail("\n".join(f"{case.rule}: {case.xfail}" for case, _ in gaps))


def differences(engine: str, run: Run) -> list[str]:
    """How each case of a run differs from what is expected, in words; empty when it does not."""
    found = iter(evaluated(engine, run))
    return [
        refusal(case) if case.verdict == "REFUSED" else difference(case_files()[run.subject], group, case, *next(found))
        for group, case in run.cases
    ]


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
    if dict(outcome.metrics) != pytest.approx(metrics, rel=1e-9, abs=1e-9, nan_ok=True):
        return f"{dict(outcome.metrics)}, expected {metrics}"
    if rows != expected_rows(file, case, len(rows)):
        return f"rows {rows}, expected {expected_rows(file, case, len(rows))}"
    if outcome.failing is not None and outcome.failing.count != rows.count("fails"):
        return f"{outcome.failing.count} rows are said to fail, and {rows.count('fails')} do"
    return ""


def expected_metrics(group: Group, case: Case) -> dict[str, float]:
    return {**case.metrics, **({} if case.value is None else {group.metric: case.value})}


def expected_rows(file: CaseFile, case: Case, rows: int) -> list[str]:
    """What the rule should say of each row."""
    if file.rows == "none" or case.verdict == "ERROR" or case.skips == "all":
        assert not case.fails, "what fails no row cannot name one"
        return ["skips"] * rows
    assert max([0, *case.fails, *case.skips]) <= rows, "there is no such row"  # type: ignore[list-item]
    return ["fails" if at in case.fails else "skips" if at in case.skips else "passes" for at in range(1, rows + 1)]


def ruleset(*cases: Case) -> str:
    return "Rules = [\n" + ",\n".join(case.rule for case in cases) + "\n]"


def evaluated(engine: str, run: Run) -> list[tuple[dq.Outcome, list[str]]]:
    """The outcome of each case that is evaluated, and what it says of each row."""
    file = case_files()[run.subject]
    group, _ = run.cases[0]
    judged = [case for _, case in run.cases if case.verdict != "REFUSED"]
    if not judged:
        return []
    tables = {alias: table.arrow() for alias, table in tables_of(file, group).items()}
    data = ENGINES[engine](tables) if tables else NO_DATA
    with files(file, group):
        evaluation = dq.evaluate(ruleset(*judged), data, engine=engine, options=dq.Options(**group.options))
        rows = evaluation.rows().read_all().to_pylist() if tables else []
    return [(outcome, [said(row, str(outcome.rule)) for row in rows]) for outcome in evaluation.outcomes]


def said(row: Mapping[str, Any], rule: str) -> str:
    """What a rule says of a row; exactly one thing."""
    (word,) = {word for column, word in ((PASS, "passes"), (FAIL, "fails"), (SKIP, "skips")) if rule in row[column]}
    return word


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
    for verdict, raised in (("FAILED", pytest.xfail.Exception), ("PASSED", AssertionError)):
        case = Case(rule='Mean "amount" = 21', verdict=verdict, value=21, xfail="for this test")
        with pytest.raises(raised, match="for this test" if verdict == "FAILED" else "hold by now"):
            test_the_cases_hold("duckdb", Run("Mean", "orders", ((group, case),)))


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
