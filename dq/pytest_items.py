"""The tests that a ruleset is: one for each rule and analyzer, over one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from dq.diagnostics import DqError
from dq.evaluation import evaluate, load
from dq.names import PRIMARY
from dq.outcomes import FAIL_ON, Evaluation, Verdict
from dq.render import words
from dq.sources.options import NO_DATA

if TYPE_CHECKING:
    from dq.project.project import Project
    from dq.syntax import Ruleset

Judge = Callable[[], Evaluation]

CODES = {Verdict.FAILED: 1, Verdict.ERROR: 3}
"""The exit code that stands for a verdict in `fail_on`."""


class RulesetFile(pytest.File):
    """A ruleset, evaluated once, when its first test runs.

    Its tables are those that `--dq-data` or `dq_data` give. Else each check of dq.toml that judges by it is evaluated,
    as `dq evaluate` does it; and without one, the ruleset on the tables that it says it is for.
    """

    def collect(self) -> Iterator[RuleItem]:
        """A test for each rule, then one for each analyzer, once for each check."""
        try:
            ruleset = load(self.path)
            runs = list(self._runs(ruleset))
        except DqError as error:
            raise self.CollectError(str(error)) from None
        for judge, check, fail_on in runs:
            beside = f" ({check})" if len(runs) > 1 else ""
            for at, rule in enumerate(ruleset.rules):
                yield self._item(f"{rule}{beside}", judge, fail_on, rule=at, line=_line(ruleset, rule))
            for at, analyzer in enumerate(ruleset.analyzers):
                yield self._item(f"{analyzer}{beside}", judge, fail_on, analyzer=at, line=_line(ruleset, analyzer))

    def _item(self, name: str, judge: Judge, fail_on: str, **place: int) -> RuleItem:
        return RuleItem.from_parent(self, name=words.visible(name), judge=judge, fail_on=fail_on, **place)

    def _runs(self, ruleset: Ruleset) -> Iterator[tuple[Judge, str, str]]:
        """How the ruleset is evaluated, the name of the check, and what fails it."""
        from dq.project.project import current, locate

        project = current(found) if (found := locate(self.path.parent)) else None
        given = dict(self._given(project))
        if given:
            yield _once(lambda: evaluate(ruleset, given)), "", "failed"
            return
        checks = [project.check(name) for name in project.judging(self.path)] if project else []
        for check in checks:
            yield _once(_of_check(project, check, self.path)), check.name, check.fail_on
        if not checks:
            yield _once(lambda: evaluate(ruleset, _said(ruleset, project))), "", "failed"

    def _given(self, project: Project | None) -> Iterable[tuple[str, Any]]:
        config = self.config
        for said, folder in (
            (config.getoption("--dq-data"), config.invocation_params.dir),
            (config.getini("dq_data"), config.rootpath),
        ):
            if said:
                return [_table(each, folder, project) for each in said]
        return []


class RuleItem(pytest.Item):
    """A rule that passes or fails, or an analyzer that can be measured; what could not be measured is an error."""

    def __init__(
        self,
        *,
        judge: Judge,
        fail_on: str,
        line: int,
        rule: int | None = None,
        analyzer: int | None = None,
        **known: Any,
    ) -> None:
        super().__init__(**known)
        self._judge = judge
        self._fail_on = fail_on
        self._line = line
        self._rule = rule
        self._analyzer = analyzer

    def setup(self) -> None:
        """Evaluate, unless that is done. An error here is an error of the test, no failure."""
        problem = ""
        try:
            verdict, reason = self._found()
        except DqError as error:
            problem = str(error)  # told behind the `except`, else pytest shows both errors
        if problem:
            self._stop(problem, counts=True)
        if verdict is Verdict.ERROR:
            self._stop(reason, counts=CODES[verdict] in FAIL_ON[self._fail_on])

    def runtest(self) -> None:
        """Fail with the reason of the rule; what `fail_on` of its check does not count is an expected failure."""
        verdict, reason = self._found()
        if verdict is not Verdict.PASSED:
            self._stop(reason, counts=CODES[verdict] in FAIL_ON[self._fail_on])

    def _found(self) -> tuple[Verdict, str]:
        evaluation = self._judge()
        if self._rule is not None:
            outcome = evaluation.outcomes[self._rule]
            return outcome.verdict, "\n".join(words.reasons(outcome))
        assert self._analyzer is not None
        analyzer = evaluation.ruleset.analyzers[self._analyzer]
        reasons = [each.reason for each in evaluation.statistics if each.error and each.analyzer == analyzer]
        return (Verdict.ERROR, words.visible("; ".join(reasons))) if reasons else (Verdict.PASSED, "")

    def _stop(self, reason: str, *, counts: bool) -> NoReturn:
        if not counts:
            pytest.xfail(reason)
        pytest.fail(f"{reason}\n{self.path.name}:{self._line}", pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the rule stands."""
        return self.path, self._line - 1, self.name


def _once(judge: Judge) -> Judge:
    """What is evaluated once, errors included."""

    @cache
    def held() -> Evaluation | DqError:
        try:
            return judge()
        except DqError as error:
            return error

    def found() -> Evaluation:
        result = held()
        if isinstance(result, DqError):
            raise result
        return result

    return found


def _of_check(project: Any, check: Any, ruleset: Path) -> Judge:
    from dq.project.checks import evaluated

    return lambda: evaluated(project, check, str(ruleset))


def _said(ruleset: Ruleset, project: Project | None) -> Any:
    """The tables that a ruleset says it is for."""
    from dq.project.resolving import tables_of

    return tables_of(ruleset, project) or NO_DATA


def _table(said: str, folder: Path, project: Project | None) -> tuple[str, Any]:
    """The alias and the table of `[ALIAS=]TABLE`; what is no path may be a name of the project."""
    from dq.cli.tables import may_be_name

    alias, equals, word = said.partition("=")
    if not equals or (folder / said).exists() or "/" in alias:
        alias, word = PRIMARY, said
    if project is not None and may_be_name(word) and not (folder / word).exists():
        return alias, project.table(word)
    return alias, word if "://" in word else str(folder / word)


def _line(ruleset: Ruleset, node: Any) -> int:
    return ruleset.source.position(node.span.start)[0]
