"""Checks of a project: evaluated one after the other, none of which stops the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dq.catalog.selection import EVERYTHING, Selection
from dq.diagnostics import DqError
from dq.gx.suites import Suite, evaluator, read_suite
from dq.names import PRIMARY
from dq.options import Options, Progress, silent
from dq.outcomes import FAIL_ON, Evaluation, Verdict
from dq.project.project import Check, Project, narrowed
from dq.project.resolving import tables_of, tables_of_check
from dq.sources.options import NO_DATA

if TYPE_CHECKING:
    from dq.sources.options import ReadOptions

_OPTIONS = (
    "samples",
    "fail_empty_scope",
    "composites",
    "filtered_rows",
    "redact",
    "allow_paths",
    "history",
    "context",
    "dataset",
    "fail_cold_start",
)
"""The settings that `Options` has under the same names."""


@dataclass(frozen=True)
class Checked:
    """What became of a check: an evaluation for each of its rulesets, and what kept it from any."""

    name: str
    fail_on: str
    tags: tuple[str, ...]
    table: str
    evaluations: tuple[Evaluation, ...]
    errors: tuple[DqError, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """ERROR if something could not be measured, else FAILED if a rule failed, else PASSED."""
        codes = {each.exit_code for each in self.evaluations}
        if self.errors or 3 in codes:
            return Verdict.ERROR
        return Verdict.FAILED if 1 in codes else Verdict.PASSED

    @property
    def score(self) -> float:
        """Passed rules over judged rules, in [0, 1]; 0 if nothing could be judged, 1 without rules."""
        rules = sum(len(each.outcomes) for each in self.evaluations)
        if not rules:
            return 0.0 if self.errors else 1.0
        return self.count(Verdict.PASSED) / rules

    @property
    def exit_code(self) -> int:
        """The worst code of its errors, and of those of its evaluations that `fail_on` counts."""
        judged = [each.exit_code for each in self.evaluations if each.exit_code in FAIL_ON[self.fail_on]]
        return max([*judged, *(each.exit_code for each in self.errors)], default=0)

    def count(self, verdict: Verdict) -> int:
        """How many rules have this verdict."""
        return sum(each.count(verdict) for each in self.evaluations)


def run(
    project: Project,
    name: str,
    *,
    overrides: Mapping[str, Any] | None = None,
    selected: Selection = EVERYTHING,
    read: Callable[[Mapping[str, Any]], Mapping[str, ReadOptions]] = lambda tables: {},
    now: datetime | None = None,
    progress: Progress = silent,
    done: Callable[[Check, Evaluation], None] = lambda check, evaluation: None,
) -> Checked:
    """Run a check. What keeps it from being evaluated becomes part of the result and raises nothing.

    Args:
        project: where it is declared.
        name: its name.
        overrides: settings that come before its own, paths as they are.
        selected: the part or version of its table that comes before its own.
        read: how files are read, for the tables by alias.
        now: the instant of evaluation; None for the present.
        progress: told what is being done.
        done: told each evaluation, while its rows can still be read.
    """
    clock = time.perf_counter()
    evaluations: list[Evaluation] = []
    errors: list[DqError] = []
    check: Check | None = None
    try:
        ready = project.check(name)
        check = replace(ready, settings={**ready.settings, **(overrides or {})})
        _refuse_shared_files(check)
    except DqError as error:
        errors.append(error)
    for ruleset in check.rulesets if check and not errors else ():
        try:
            assert check is not None
            evaluation = evaluated(project, check, str(ruleset), selected, read, now, progress)
            evaluations.append(evaluation)
            done(check, evaluation)
        except DqError as error:
            errors.append(error)
    declared = project.checks[name].settings if name in project.checks else {}
    tags = declared.get("tags", ())
    return Checked(
        name,
        check.fail_on if check else str(declared.get("fail_on", "failed")),
        (tags,) if isinstance(tags, str) else tuple(tags),
        _tables(check, evaluations),
        tuple(evaluations),
        tuple(errors),
        time.perf_counter() - clock,
    )


def evaluated(
    project: Project,
    check: Check,
    ruleset: str,
    selected: Selection = EVERYTHING,
    read: Callable[[Mapping[str, Any]], Mapping[str, ReadOptions]] = lambda tables: {},
    now: datetime | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """One ruleset of a check, evaluated as the check says; a `.json` file is a suite of Great Expectations.

    Raises:
        DqError: as `dq.evaluate`, and for tables that are not there.
    """
    from dq.evaluation import load

    parsed = read_suite(ruleset) if ruleset.lower().endswith(".json") else load(ruleset)
    tables = tables_of_check(project, check, selected)
    if PRIMARY not in tables:
        if isinstance(parsed, Suite):
            raise DqError(
                f"the suite `{ruleset}` does not say which table it is for",
                help=f"give the check `{check.name}` a `table`",
            )
        tables = {**tables_of(parsed, project, narrowed(check.selection, selected)), **tables}
    held = check.settings
    options = Options(
        **{key: held[key] for key in _OPTIONS if key in held},
        key=tuple(held.get("key", ())),
        now=now,
        progress=progress,
    )
    return evaluator(parsed)(
        parsed,
        tables or NO_DATA,
        engine=held.get("engine"),
        read=read(tables),
        options=options,
        memory_limit=held.get("memory_limit"),
        threads=held.get("threads"),
        time_limit=held.get("time_limit"),
    )


def _refuse_shared_files(check: Check) -> None:
    for key in ("rows", "passed", "failed"):
        if key in check.settings and len(check.rulesets) > 1:
            raise DqError(
                f"`{key}` of the check `{check.name}` is one file, and it has {len(check.rulesets)} rulesets",
                help="write a check for each ruleset",
            )


def _tables(check: Check | None, evaluations: list[Evaluation]) -> str:
    """The table under test as the check names it, else as it was found; empty if there is none."""
    if check is not None and check.table is not None:
        return check.table
    found = dict.fromkeys(table.description for each in evaluations for table in each.tables if table.alias == PRIMARY)
    return ", ".join(name.partition(": ")[0] for name in found)
