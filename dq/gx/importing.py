"""A suite of Great Expectations as a ruleset: `from_suite`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dq.diagnostics import DqError
from dq.gx.expectations import convert
from dq.gx.reading import Made
from dq.gx.reports import Conversion, Fidelity, Lost, Report
from dq.gx.suites import SEVERITIES, Expectation, Suite, read_suite
from dq.gx.words import quoted
from dq.language import parse, parse_rule
from dq.language.formatting import format_text
from dq.syntax import Ruleset

MOST_LABELS, LONGEST_KEY, LONGEST_VALUE = 10, 128, 256
"""What a rule's labels may hold (REFERENCE A.4)."""


class FromSuite(NamedTuple):
    """The ruleset that a suite became, and what the conversion kept; `ruleset.source.text` has the comments."""

    ruleset: Ruleset
    report: Report


@dataclass(frozen=True, slots=True)
class Translated:
    """An expectation with the rule that it became; `made` is None when it is lost, and `reason` says why."""

    expectation: Expectation
    made: Made | None
    reason: str = ""

    @property
    def conversion(self) -> Conversion:
        """The line of the report."""
        if self.made is None:
            return Conversion(str(self.expectation), (), Fidelity.LOST, self.reason)
        return Conversion(str(self.expectation), (self.made.rule,), self.made.fidelity, self.made.reason)


def from_suite(suite: Suite | Mapping[str, Any] | str | os.PathLike[str]) -> FromSuite:
    """The ruleset that says what a suite says, and a report of what is exact, approximate or lost.

    An expectation becomes one rule, in the suite's order. Its severity and the plain values of its `meta` become
    labels; notes, and why a rule is not exact, become comments of `ruleset.source.text`. GX skips NULLs, so most
    rules leave them out of their scope.

    Args:
        suite: a path, JSON text, or what `ExpectationSuite.to_json_dict()` gives; the form before GX 1.0 too.

    Raises:
        DqError: no suite, or one of which nothing is left.
    """
    read = read_suite(suite)
    translated = translate(read)
    report = Report(tuple(each.conversion for each in translated))
    if not any(each.made for each in translated):
        reasons = "; ".join(dict.fromkeys(each.reason for each in translated))
        raise DqError(f"no expectation of the suite has a rule: {reasons}", help="`docs/gx.md` lists those that have")
    return FromSuite(parse(document(read, translated), name=name_of(read)), report)


def name_of(suite: Suite) -> str:
    """What messages and reports call the ruleset of a suite."""
    return f"{_one_line(suite.name) or 'suite'} (converted)"


def translate(suite: Suite) -> tuple[Translated, ...]:
    """Each expectation of a suite with its rule, or why it is lost."""
    return tuple(map(_translated, suite.expectations))


def _translated(expectation: Expectation) -> Translated:
    try:
        made = convert(expectation)
        parse_rule(made.rule)
    except Lost as lost:
        return Translated(expectation, None, str(lost))
    except DqError as error:
        told = error.diagnostics[0].message if error.diagnostics else error.message
        return Translated(expectation, None, f"DQDL refuses the rule: {told}")
    except RecursionError:
        return Translated(expectation, None, "it is nested too deeply")
    return Translated(expectation, made)


# -- the document --------------------------------------------------------------------------------------


def document(suite: Suite, translated: Sequence[Translated]) -> str:
    """The text of the ruleset, formatted, with comments."""
    said = any(each.expectation.severity for each in translated)
    default = f'DefaultLabels = ["severity"="{SEVERITIES[0]}"]\n\n' if said else ""
    title = [f"Converted from the suite `{suite.name}` of Great Expectations."] if suite.name else []
    heading = _comments([*title, *suite.notes], indent="")
    last = max(number for number, each in enumerate(translated) if each.made)
    entries = "".join(_entry(each, is_last=number >= last) for number, each in enumerate(translated))
    return format_text(f"{heading}{default}Rules = [\n{entries}]\n")


def _entry(translated: Translated, *, is_last: bool) -> str:
    expectation, made = translated.expectation, translated.made
    labels, rest = _labels(expectation)
    comments = [*expectation.notes, *rest]
    if made is None:
        comments += [f"lost: {expectation}", f"why: {translated.reason}"]
        return _comments(comments)
    if made.reason:
        comments.append(f"{made.fidelity.value}: {made.reason}")
    return f"{_comments(comments)}    {_labelled(made.rule, labels)}{'' if is_last else ','}\n"


def _comments(lines: Sequence[str], *, indent: str = "    ") -> str:
    """A comment for each text; none of them ends before its line does, whatever stands in it."""
    return "".join(f"{indent}# {_one_line(line)}\n" for line in lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _labelled(rule: str, labels: Sequence[str]) -> str:
    """The rule with labels, which stand in front of its threshold."""
    if not labels:
        return rule
    written = f" labels=[{', '.join(labels)}]"
    if rule.startswith("("):
        return f"({rule}){written}"
    head, threshold = _THRESHOLD.fullmatch(rule).groups()  # type: ignore[union-attr]
    return f"{head}{written}{threshold}"


_THRESHOLD = re.compile(r"(.*?)((?: with threshold >= [0-9.]+)?)", re.DOTALL)


def _labels(expectation: Expectation) -> tuple[list[str], list[str]]:
    """What stands beside an expectation as labels, and as comments where a label cannot hold it."""
    found = {key: value for key, value in _beside(expectation) if isinstance(value, str | int | float | bool)}
    fitting = {key: value for key, value in found.items() if _fits(key, str(value))}
    kept = dict(list(fitting.items())[: MOST_LABELS - 1])
    rest = {key: value for key, value in _beside(expectation) if key not in kept}
    return (
        [f"{quoted(key)}={quoted(_label_text(value))}" for key, value in kept.items()],
        [f"{key}: {value}" for key, value in rest.items()],
    )


def _label_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _beside(expectation: Expectation) -> Iterator[tuple[str, Any]]:
    """Severity where it is not the default, the entries of meta, and the id."""
    if expectation.severity not in ("", SEVERITIES[0]):
        yield "severity", expectation.severity
    for key, held in expectation.meta.items():
        yield ("meta.severity" if key == "severity" else str(key)), held
    if expectation.id:
        yield "gx_id", expectation.id


def _fits(key: str, value: str) -> bool:
    return 1 <= len(key) <= LONGEST_KEY and 1 <= len(value) <= LONGEST_VALUE and "\n" not in key + value
