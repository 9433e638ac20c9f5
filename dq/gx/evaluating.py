"""A suite judged by our engine: converted, with the counts that GX reports, and an ERROR for what is lost."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dq.evaluation import evaluate as evaluate_ruleset
from dq.gx.importing import Translated, document, name_of, translate
from dq.gx.reading import Counted, Made
from dq.gx.suites import Expectation, Suite, read_suite
from dq.gx.words import quoted, where
from dq.history import Found, MetricHistory, Run, Series, Wanted, opened
from dq.language import parse
from dq.measuring import leaves
from dq.names import PRIMARY
from dq.options import Options
from dq.outcomes import Evaluation, Outcome, Verdict
from dq.recall import Place
from dq.sources.options import NO_DATA
from dq.syntax import Parameter, Rule, RuleExpression, Ruleset
from dq.tree import conjunction, negation

if TYPE_CHECKING:
    from dq.tree import Tree


OF_ALL_COLUMNS = frozenset({"expect_table_columns_to_match_set", "expect_table_columns_to_match_ordered_list"})
"""Expectations that observe the names of all columns."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What GX counts of an expectation on rows: those in scope, those of them it skips, those that are unexpected.

    `ignored` is None for an expectation that skips none; `unexpected` is None where nothing could count it.
    """

    elements: int
    ignored: int | None
    unexpected: int | None


@dataclass(frozen=True, slots=True)
class Judged:
    """An expectation with its outcome; `counts` is None where rows have no part in it, or nothing was measured."""

    expectation: Expectation
    outcome: Outcome
    made: Made | None
    counts: Counts | None = None


@dataclass(frozen=True)
class SuiteEvaluation(Evaluation):
    """The evaluation of a suite: an outcome for each expectation, in the suite's order.

    `columns` are the names of those of the table, where an expectation asks for all of them.
    """

    suite: Suite = field(default_factory=lambda: Suite("", ()))
    judged: tuple[Judged, ...] = ()
    columns: tuple[str, ...] = ()


def evaluate(
    suite: Suite | Mapping[str, Any] | str | os.PathLike[str], data: Any = NO_DATA, **how: Any
) -> SuiteEvaluation:
    """Evaluate a suite of Great Expectations on data, without Great Expectations.

    Each expectation is converted as `from_suite` does; one that is lost has an ERROR outcome that says why. What GX
    counts beside a verdict is counted in the same scan.

    Args:
        suite: as `from_suite` takes it.
        data: as `dq.evaluate` takes it.
        how: further arguments of `dq.evaluate`, such as `options`.

    Raises:
        DqError: no suite; and (`DataError`) data that cannot be read.
    """
    read = read_suite(suite)
    translated = translate(read)
    rules = _ruleset(read, translated)
    counters = list(dict.fromkeys(_counters(translated)))
    counting = parse("Rules = [ {} ]".format(", ".join(f"RowCount >= 0{each}" for each in counters)))
    how["options"] = _forgetting(counting, rules, how.get("options") or Options())
    found = evaluate_ruleset(replace(rules, rules=(*rules.rules, *counting.rules)), data, **how)
    outcomes = iter(found.outcomes[: len(rules.rules)])
    counted = dict(zip(counters, found.outcomes[len(rules.rules) :], strict=True))
    judged = tuple(
        Judged(each.expectation, outcome := next(outcomes), each.made, _counts(each.made, outcome, counted))
        if each.made
        else Judged(each.expectation, _lost(each), None)
        for each in translated
    )
    known = {each.name: getattr(found, each.name) for each in fields(Evaluation)}
    known |= {"ruleset": rules, "outcomes": tuple(each.outcome for each in judged)}
    if found.source is not None:  # the rules that count say nothing of rows
        known["source"] = replace(found.source, labels=found.source.labels[: len(rules.rules)])
    asked = any(each.expectation.type in OF_ALL_COLUMNS for each in translated)
    return SuiteEvaluation(**known, suite=read, judged=judged, columns=_columns(found) if asked else ())


def _columns(evaluation: Evaluation) -> tuple[str, ...]:
    """The names of the columns of the table under test."""
    if evaluation.source is None:
        return ()
    with evaluation.source.open() as engine:
        return tuple(engine.schemas()[PRIMARY].names)


def _ruleset(suite: Suite, translated: Iterable[Translated]) -> Ruleset:
    """The rules of a suite; none when all of it is lost."""
    made = tuple(translated)
    if not any(each.made for each in made):
        return Ruleset()
    return parse(document(suite, made), name=name_of(suite))


def _lost(translated: Translated) -> Outcome:
    """The outcome of an expectation without a rule: it was not measured, and that is no pass."""
    expectation = translated.expectation
    column = expectation.kwargs.get("column")
    words = (Parameter(quoted(column)[1:-1], column),) if isinstance(column, str) else ()
    reason = f"the expectation has no rule: {translated.reason}"
    severity = {"severity": expectation.severity} if expectation.severity else {}
    return Outcome(Rule(expectation.type, words), Verdict.ERROR, reason, labels=severity)


# -- history -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Forgetting:
    """A history that is not handed the values of some series; of each the dataset and the context are left blank."""

    history: MetricHistory
    forgotten: frozenset[Series]

    def check(self) -> None:
        self.history.check()

    def read(self, wanted: Wanted, until: datetime, /) -> Found:
        return self.history.read(wanted, until)

    def append(self, run: Run, /) -> None:
        kept = {
            series: number
            for series, number in run.values.items()
            if replace(series, dataset="", context="") not in self.forgotten
        }
        self.history.append(replace(run, values=kept))


def _forgetting(counting: Ruleset, rules: Ruleset, options: Options) -> Options:
    """Options whose history is not told what only counts: nobody has asked for it, and no result shows it."""
    history = opened(options.history)
    if history is None:
        return options
    asked = (each for each in leaves(rules.rules) if each.name == "RowCount")
    return replace(options, history=_Forgetting(history, _row_counts(counting.rules) - _row_counts(asked)))


def _row_counts(rules: Iterable[RuleExpression]) -> frozenset[Series]:
    place = Place("", "", datetime.now(UTC))
    return frozenset(place.series(each, "Dataset.*.RowCount") for each in leaves(rules))


# -- counts --------------------------------------------------------------------------------------------


def _counters(translated: Iterable[Translated]) -> Iterable[str]:
    """The where clauses whose rows have to be counted; that of all rows at least."""
    yield ""
    for each in translated:
        if each.made and each.made.counted:
            yield from (clause for clause in _clauses(each.made.counted) if clause is not None)


def _clauses(counted: Counted) -> tuple[str, str | None, str | None]:
    """The where clauses of the rows in scope, the ignored and the unexpected ones; None where none is counted."""
    looked_at = conjunction(counted.scope, None if counted.ignored is None else negation(counted.ignored))
    return (
        where(counted.scope),
        _clause(counted.scope, counted.ignored),
        _clause(looked_at, counted.unexpected),
    )


def _clause(scope: Tree | None, condition: Tree | None) -> str | None:
    return None if condition is None else where(scope, condition)


def _counts(made: Made, outcome: Outcome, counted: Mapping[str, Outcome]) -> Counts | None:
    """The counts of an expectation on rows; None where something was not measured."""
    if made.counted is None or outcome.verdict is Verdict.ERROR:
        return None
    elements, ignored, unexpected = (
        None if clause is None else _rows(counted[clause]) for clause in _clauses(made.counted)
    )
    if elements is None:
        return None
    if unexpected is None and outcome.failing is not None:
        unexpected = outcome.failing.count
    elif unexpected is None and (outcome.passed or not elements):  # there was nothing to look at
        unexpected = 0
    return Counts(elements, ignored, unexpected)


def _rows(outcome: Outcome) -> int | None:
    return next((int(number) for number in outcome.metrics.values()), None)
