"""Gates: data that does not pass its ruleset stops the job that made it."""

from __future__ import annotations

import functools
import inspect
import logging
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypedDict, TypeVar, Unpack, cast

from dq.diagnostics import DqError
from dq.evaluation import evaluate, load
from dq.names import PRIMARY, listed
from dq.outcomes import FAIL_ON, Evaluation, FailOn, Verdict
from dq.render import words
from dq.sources.memory import name_of
from dq.sources.options import NO_DATA
from dq.spans import UNNAMED

if TYPE_CHECKING:
    from dq.options import Options
    from dq.sources.options import ReadOptions
    from dq.syntax import Ruleset

    AnyRuleset: TypeAlias = Ruleset | str | os.PathLike[str]

P = ParamSpec("P")
T = TypeVar("T")

MOST_RULES = 10
"""How many rules the message of an error names."""

LONGEST_LINE = 400
"""How many characters of a rule and its reason that message holds."""

_log = logging.getLogger("dq")


class How(TypedDict, total=False):
    """How data is evaluated: the arguments of `dq.evaluate` of the same names."""

    engine: str | None
    read: ReadOptions | Mapping[str, ReadOptions] | None
    options: Options | None
    memory_limit: str | None
    threads: int | None
    time_limit: float | None


class QualityError(Exception):
    """Data that did not pass its ruleset.

    `evaluation` is the result; the message names the rules that did not pass, and why, at most ten of them. `help`
    says what became of the data, where somebody has to know. It is no `DqError`: nobody has made a mistake.

    It can be pickled, so that it crosses processes; what arrives no longer knows where the rows are.
    """

    def __init__(self, evaluation: Evaluation, *, help: str = "") -> None:
        super().__init__(told(evaluation))
        self.evaluation = evaluation
        self.help = help

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message}\nhelp: {self.help}" if self.help else message

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(type(self), help=self.help), (replace(self.evaluation, source=None),)


def told(evaluation: Evaluation) -> str:
    """What did not pass, and why: a line that counts, and one for each rule or analyzer, at most ten."""
    found = [
        f"{each.verdict.value} {words.visible(str(each.rule))}: {'; '.join(words.reasons(each))}"
        for each in evaluation.outcomes
        if not each.passed
    ] + [
        f"{Verdict.ERROR.value} {words.statistic_name(each)}: {words.visible(each.reason)}"
        for each in evaluation.statistics
        if each.error
    ]
    more = [f"and {len(found) - MOST_RULES:,} more"] if len(found) > MOST_RULES else []
    return "\n  ".join([headline(evaluation), *map(_short, found[:MOST_RULES]), *more])


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def headline(evaluation: Evaluation) -> str:
    """`orders.dqdl: 4 of 6 rules passed, 2 failed`; a ruleset given as a text has no name to tell."""
    summary = words.summary(evaluation)
    if evaluation.ruleset_name in ("", UNNAMED):
        return summary
    return f"{words.visible(evaluation.ruleset_name)}: {summary}"


def gate(ruleset: AnyRuleset, data: Any = NO_DATA, *, fail_on: FailOn = "failed", **how: Unpack[How]) -> Evaluation:
    """Evaluate a ruleset on data, and stop unless it passes.

    Args:
        ruleset: as for `dq.evaluate`.
        data: as for `dq.evaluate`.
        fail_on: what stops, as in dq.toml: `failed` rules and errors, an `error` alone, or `never`. What does not
            stop is logged as a warning of the logger `dq`.
        how: what else `dq.evaluate` takes.

    Raises:
        QualityError: a rule failed, or something could not be measured; the error has the evaluation.
        DqError: as `dq.evaluate`, whatever `fail_on` says: there is no evaluation then.
    """
    refuse_unknown(fail_on)
    return demanded(evaluate(ruleset, data, **how), fail_on)


def refuse_unknown(fail_on: str) -> None:
    """Refuse a `fail_on` that is none.

    Raises:
        DqError: it is none.
    """
    if fail_on not in FAIL_ON:
        raise DqError(f"`fail_on` cannot be {fail_on!r}", help=f"give {listed(FAIL_ON)}")


def demanded(evaluation: Evaluation, fail_on: str) -> Evaluation:
    """An evaluation that may go on; what it has against that without stopping is logged.

    Raises:
        QualityError: it has to stop.
    """
    if evaluation.exit_code in FAIL_ON[fail_on]:
        raise QualityError(evaluation)
    if evaluation.exit_code:
        _log.warning("%s", told(evaluation))
    else:
        _log.info("%s", headline(evaluation))
    return evaluation


def gated(
    ruleset: AnyRuleset,
    *,
    references: Mapping[str, Any] | None = None,
    arguments: Collection[str] = (),
    fail_on: FailOn = "failed",
    on_evaluation: Callable[[Evaluation], object] = lambda evaluation: None,
    **how: Unpack[How],
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A decorator of functions that return a table: what they return has to pass a gate.

    The function returns what it returned, or raises. An asynchronous function is evaluated beside its event loop. The
    ruleset is read before the function runs, so that a mistake in it costs no work.

    Args:
        ruleset: as for `dq.evaluate`.
        references: the other tables of the ruleset, by alias.
        arguments: the parameters of the function whose values are references, by their names.
        fail_on: as for `dq.gate`.
        on_evaluation: told each evaluation, before anything is raised.
        how: what else `dq.evaluate` takes.

    Raises:
        DqError: when it decorates: the function has no parameter of that name, or returns no table but a generator.
        QualityError: when the function is called: as `dq.gate`.
    """
    refuse_unknown(fail_on)

    def judge(parsed: Ruleset, table: object, given: Mapping[str, Any]) -> None:
        if name_of(table, "RecordBatchReader"):
            raise DqError(
                "a function returned a RecordBatchReader, which can be read once: its reader would find nothing",
                help="return a table, such as reader.read_all()",
            )
        evaluation = evaluate(parsed, {PRIMARY: table, **(references or {}), **given}, **how)
        on_evaluation(evaluation)
        demanded(evaluation, fail_on)

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)
        called = getattr(function, "__qualname__", repr(function))
        if strange := [name for name in arguments if name not in signature.parameters]:
            raise DqError(f"`{called}` has no parameter `{strange[0]}`", help=f"it has {listed(signature.parameters)}")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise DqError(f"`{called}` is a generator, which returns no table", help="return the table as a whole")

        def given(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return {name: bound.arguments[name] for name in arguments}

        @functools.wraps(function)
        def gated(*args: P.args, **kwargs: P.kwargs) -> T:
            parsed, held = load(ruleset), given(*args, **kwargs)
            table = function(*args, **kwargs)
            judge(parsed, table, held)
            return table

        @functools.wraps(function)
        async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
            parsed, held = load(ruleset), given(*args, **kwargs)
            import asyncio

            table = await cast("Any", function)(*args, **kwargs)
            await asyncio.to_thread(judge, parsed, table, held)
            return table

        return cast("Callable[P, T]", awaited) if inspect.iscoroutinefunction(function) else gated

    return decorate
