"""Rules about files as such: how old, how large, what they hold, byte for byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from dq.conditions import ALL, ConditionError, Requirement, requirement
from dq.files.names import visible, without_query
from dq.lazy import dq_metrics, file_filters
from dq.outcomes import Verdict
from dq.rules.base import (
    BoundRule,
    DateCondition,
    Facts,
    Judgement,
    MaybePath,
    MaybePaths,
    NumberCondition,
    SizeCondition,
    TagValue,
    TextCondition,
    judge_number,
    rule_type,
    show,
)
from dq.rules.values import flat, instant
from dq.syntax import Condition, Date, Operand, Operator, Size, Text

FILTERS = {
    "recentFiles": TagValue.NUMBER,
    "uriRegex": TagValue.TEXT,
    "filterOrder": TagValue.NAMES,
    "failFast": TagValue.BOOLEAN,
}
"""Tags that every File rule takes (REFERENCE B.29)."""

NAMED = 3
"""How many files a reason names."""


@dataclass(frozen=True, kw_only=True)
class FileRule(BoundRule):
    """A rule about the files at or below a path; without one, about the files that the primary was read from."""

    def problem(self) -> str:
        """Why the filters cannot be applied."""
        order = self._order()
        if missing := [name for name in order if name not in self.tags]:
            return f"filterOrder names `{missing[0]}`, and the rule has no such tag"
        if not self.tags.get("recentFiles", "0").isdecimal():
            return f"recentFiles takes a whole number, not `{self.tags['recentFiles']}`"
        if self.algorithm() not in _DIGITS:
            return f"hashAlgorithm knows {', '.join(_DIGITS)}, not `{self.tags['hashAlgorithm']}`"
        if "uriRegex" in self.tags:
            file_filters.pattern_of(self.tags["uriRegex"])  # raises what is wrong with it
        return ""

    def _order(self) -> list[str]:
        return [name for name in self.tags.get("filterOrder", "").split(",") if name]

    def filter(self) -> dq_metrics.FileFilter:
        """The filters in the order in which they run: those of filterOrder, then recentFiles, then uriRegex."""
        names = dict.fromkeys([*self._order(), "recentFiles", "uriRegex"])
        return dq_metrics.FileFilter(tuple(_STEPS[name](self.tags[name]) for name in names if name in self.tags))

    def files(self, path: str | None, digests: dq_metrics.Digests | None = None) -> dq_metrics.Files:
        """What is asked of a path."""
        return dq_metrics.Files(path, self.filter(), digests)

    def is_on(self, tag: str) -> bool:
        """Whether a tag says `true`."""
        return self.tags.get(tag, "").lower() == "true"

    def algorithm(self) -> str:
        """The checksum to compare."""
        return self.tags.get("hashAlgorithm", "SHA-256").upper()

    def found(self, metric: dq_metrics.Metric, facts: Facts) -> dq_metrics.FileSet:
        """The files that a metric found."""
        found = facts[metric]
        assert isinstance(found, dq_metrics.FileSet)
        return found


_STEPS: dict[str, Callable[[str], int | str]] = {"recentFiles": int, "uriRegex": str}


def no_files(found: dq_metrics.FileSet, path: str | None, expected: str) -> Judgement:
    """The judgement of a rule that has no file to look at: FAILED, since nothing arrived."""
    place = "" if path is None else f"`{visible(without_query(path))}`"
    if found.listed:
        those = f"at {place}" if place else "that the primary was read from"
        reason = f"no files: the filters keep none of the {count(found.listed)} {those}"
    elif not place:
        reason = "no files: the primary was read from none; write the path to look at behind the rule type"
    elif found.missing:
        reason = f"no files: there is nothing at {place}; {_advice(path or '')}"
    else:
        reason = f"no files: {place} holds none; {_advice(path or '')}"
    return Judgement(Verdict.FAILED, reason, "no files", expected, {"Dataset.*.FileCount": 0.0}, notes=found.notes)


def _advice(path: str) -> str:
    """What to look at when a path has no files."""
    meant = "" if "://" in path or path.startswith(("/", "~")) else ", which is meant from the working directory,"
    return f"check the path{meant} and whether the files have arrived"


def count(files: int) -> str:
    """`1 file`, `1,000 files`."""
    return f"{files:,} {'file' if files == 1 else 'files'}"


def named(files: Sequence[tuple[dq_metrics.FileFound, str]]) -> str:
    """The first few files, each with what is wrong with it, and how many more there are."""
    shown = [f"`{visible(file.name)}` ({fault})" for file, fault in files[:NAMED]]
    more = f" and {len(files) - NAMED:,} more" if len(files) > NAMED else ""
    return ", ".join(shown) + more


# -- a condition on every file -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class EveryFileRule(FileRule):
    """A rule that judges the share of files that meet a condition: all of them, unless a threshold says else.

    With `failFast` the first file that does not meet it fails the rule, whatever the threshold, and no share is
    reported; when there is none, the threshold is judged as ever.
    """

    statistic: ClassVar[str]

    def judged_path(self) -> str | None:
        """The path of the rule."""
        return self.path  # type: ignore[attr-defined,no-any-return]

    def complies(self) -> Callable[[dq_metrics.FileFound], bool]:
        """Whether a file meets the condition."""
        raise NotImplementedError

    def describe(self, file: dq_metrics.FileFound) -> str:
        """What the condition looks at."""
        raise NotImplementedError

    def others(self, files: Sequence[dq_metrics.FileFound]) -> dict[str, float]:
        """Further metrics to report."""
        return {}

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """The files."""
        return (self.files(self.judged_path()),)

    def asked(self) -> Requirement:
        """What the share must meet."""
        threshold: Condition | None = getattr(self, "threshold", None)
        return ALL if threshold is None else requirement(threshold)

    def judge(self, facts: Facts) -> Judgement:
        """PASSED when the share meets what is asked."""
        asked, complies = self.asked(), self.complies()
        expected = self._asks() if asked is ALL else f"{self._asks()} in {asked} of files"
        found = self.found(self.metrics()[0], facts)
        if not found.files:
            return no_files(found, self.judged_path(), expected)
        total = len(found.files)
        counted = {"Dataset.*.FileCount": float(total), **self.others(found.files)}
        offenders = [file for file in found.files if not complies(file)]
        if offenders and self.is_on("failFast"):
            reason = f"{self._listed(offenders[:1])} fails, expected {self._asks()}; failFast stops there"
            return Judgement(Verdict.FAILED, reason, "a file fails", expected, counted, notes=found.notes)
        share = (total - len(offenders)) / total
        metrics = {f"Dataset.*.{self.statistic}": share, **counted}
        shown = f"{show(share, asked.numbers)} of files" if offenders else "all files"
        if asked.holds(share):
            return Judgement(Verdict.PASSED, "", shown, expected, metrics, notes=found.notes)
        reason = self._complaint(offenders, total, share, asked)
        return Judgement(Verdict.FAILED, reason, shown, expected, metrics, notes=found.notes)

    def _asks(self) -> str:
        return str(self.condition)  # type: ignore[attr-defined]

    def _listed(self, files: Sequence[dq_metrics.FileFound]) -> str:
        return named([(file, self.describe(file)) for file in files])

    def _complaint(
        self, offenders: Sequence[dq_metrics.FileFound], total: int, share: float, asked: Requirement
    ) -> str:
        fail = f"{len(offenders):,} of {count(total)} {'fails' if len(offenders) == 1 else 'fail'}"
        listed = f": {self._listed(offenders)}" if offenders else ""
        if asked is ALL:
            return f"{fail}, expected {self._asks()}{listed}"
        return f"the share of files {self._asks()} is {show(share, asked.numbers)}, expected {asked} ({fail}{listed})"


@rule_type(analyzer=True, tags={**FILTERS, "timeZone": TagValue.ZONE})
class FileFreshness(EveryFileRule):
    """The share of files whose modification time meets a condition.

    Must be all files, or what `with threshold` says. A date is its midnight in UTC, and a time of day is
    today's in `timeZone`, UTC without one; `now()` has its seconds cut. For `=`, `!=`, `in` and `not in` a date
    stands for its whole day, a time for its minute. No files: FAILED. A server that tells no time: ERROR.

    Example:
        FileFreshness "day/" > (now() - 3 days)
        FileFreshness "day/" > "2020-01-01" with threshold > 0.9
        FileFreshness "day/" not between "21:30" and "9:30 PM" with timeZone = "Europe/Berlin"
    """

    path: MaybePath
    condition: DateCondition
    threshold: NumberCondition | None = None

    statistic: ClassVar[str] = "FileFreshness.Compliance"

    def complies(self) -> Callable[[dq_metrics.FileFound], bool]:
        """Compares instants, or the days and minutes that operands stand for."""
        spans = [
            Span(instant(each, self).replace(tzinfo=UTC), timedelta(days=1) if isinstance(each, Date) else MINUTE)
            for each in flat(self.condition)
        ]
        meets = _TIMES[self.condition.operator]
        return lambda file: meets(file_filters.modified(file), spans)

    def describe(self, file: dq_metrics.FileFound) -> str:
        """When it was modified, to the second."""
        return f"{file_filters.modified(file).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Span:
    """What an operand stands for: an instant, and how long it lasts when something must be equal to it."""

    start: datetime
    length: timedelta

    def holds(self, instant: datetime) -> bool:
        """Whether an instant lies in it."""
        return timedelta() <= instant - self.start < self.length  # its end may lie behind the calendar's


def _between(when: datetime, ends: Sequence[Span]) -> bool:
    return ends[0].start < when < ends[1].start


_TIMES: Mapping[Operator, Callable[[datetime, Sequence[Span]], bool]] = {
    Operator.EQ: lambda when, to: to[0].holds(when),
    Operator.NE: lambda when, to: not to[0].holds(when),
    Operator.GT: lambda when, to: when > to[0].start,
    Operator.GE: lambda when, to: when >= to[0].start,
    Operator.LT: lambda when, to: when < to[0].start,
    Operator.LE: lambda when, to: when <= to[0].start,
    Operator.BETWEEN: _between,
    Operator.NOT_BETWEEN: lambda when, to: not _between(when, to),
    Operator.IN: lambda when, to: any(each.holds(when) for each in to),
    Operator.NOT_IN: lambda when, to: not any(each.holds(when) for each in to),
}


@rule_type(analyzer=True, tags=FILTERS)
class FileSize(EveryFileRule):
    """The share of files whose size meets a condition.

    Must be all files, or what `with threshold` says. Units are powers of 1024, a bare number is bytes. No files:
    FAILED. A server that tells no size: ERROR.

    Example:
        FileSize "day/" < 10 MB
        FileSize "day/" between 0 B and 1 GB with threshold > 0.8
    """

    path: MaybePath
    condition: SizeCondition
    threshold: NumberCondition | None = None

    statistic: ClassVar[str] = "FileSize.Compliance"

    def complies(self) -> Callable[[dq_metrics.FileFound], bool]:
        """Compares whole numbers of bytes."""
        asked = Requirement(
            self.condition.operator, tuple(_bytes(each) for each in self.condition.operands), str(self.condition)
        )
        return lambda file: asked.holds(_size(file))

    def describe(self, file: dq_metrics.FileFound) -> str:
        """Its size."""
        return f"{file.size:,} B"

    def others(self, files: Sequence[dq_metrics.FileFound]) -> dict[str, float]:
        """The extremes."""
        sizes = [_size(file) for file in files]
        return {"Dataset.*.MinimumFileSize": float(min(sizes)), "Dataset.*.MaximumFileSize": float(max(sizes))}


UNITS = ("B", "KB", "MB", "GB", "TB")


def _bytes(operand: Operand) -> int:
    assert isinstance(operand, Size)  # the parser takes nothing else
    return int(operand.amount * 1024 ** UNITS.index(operand.unit))


def _size(file: dq_metrics.FileFound) -> int:
    if file.size is None:
        raise ConditionError(f"`{visible(file.uri)}`: its server does not say how large it is")
    return file.size


# -- contents ------------------------------------------------------------------------------------------


@rule_type(
    analyzer=True,
    tags={**FILTERS, "hashAlgorithm": TagValue.ALGORITHM, "matchFileName": TagValue.BOOLEAN},
)
class FileUniqueness(FileRule):
    """The share of files whose content no other file has.

    Files are equal when their checksums are. With `matchFileName`, a file is not unique either when another has
    its name. With `failFast` the first file that is not unique fails the rule, whatever the condition. No files:
    FAILED.

    Example:
        FileUniqueness "day/" = 1.0
        FileUniqueness "day/" > 0.5 with hashAlgorithm = "MD5"
    """

    path: MaybePath
    condition: NumberCondition

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """The files, with the digests of those that may be equal to another."""
        return (self.files(self.path, dq_metrics.Digests(self.algorithm(), repeated_sizes=True)),)

    def judge(self, facts: Facts) -> Judgement:
        """PASSED when the share meets the condition."""
        asked = requirement(self.condition)
        found = self.found(self.metrics()[0], facts)
        if not found.files:
            return no_files(found, self.path, str(asked))
        total = len(found.files)
        counted = {"Dataset.*.FileCount": float(total)}
        repeated, why = self._repeated(found.files)
        if repeated and self.is_on("failFast"):
            reason = f"{named(why[:1])}, expected unique files; failFast stops there"
            return Judgement(Verdict.FAILED, reason, "a file is not unique", str(asked), counted, notes=found.notes)
        share = (total - repeated) / total
        metrics = {"Dataset.*.FileUniquenessRatio": share, **counted}
        judgement = judge_number(share, asked, "the share of unique files", metrics)
        reason = judgement.reason
        if reason and repeated:
            reason += f" ({repeated:,} of {count(total)} are not unique: {named(why)})"
        return replace(judgement, reason=reason, notes=found.notes)

    def _repeated(self, files: Sequence[dq_metrics.FileFound]) -> tuple[int, list[tuple[dq_metrics.FileFound, str]]]:
        """How many files are not unique, and all but the first of each group, with what they equal."""
        by_name = self.is_on("matchFileName")
        groups: dict[str, list[dq_metrics.FileFound]] = {}
        for file in files:
            if file.digest:
                groups.setdefault(f"content {file.digest}", []).append(file)
            if by_name:
                groups.setdefault(f"name {last_name(file)}", []).append(file)
        shared = {key: group for key, group in groups.items() if len(group) > 1}
        repeated = {file.uri for group in shared.values() for file in group}
        why = [
            (file, f"{_SAME[key.partition(' ')[0]]} {visible(group[0].name)}")
            for key, group in shared.items()
            for file in group[1:]
        ]
        return len(repeated), why


_SAME = {"content": "equal to", "name": "same name as"}


def same_names(files: Sequence[dq_metrics.FileFound]) -> dict[str, str]:
    """The URIs of files whose last name another file has too."""
    names = Counter(last_name(file) for file in files)
    return {file.uri: "its name comes twice" for file in files if names[last_name(file)] > 1}


def last_name(file: dq_metrics.FileFound) -> str:
    """The name without folders."""
    return file.name.rpartition("/")[2]


@rule_type(
    analyzer=True,
    unconditional_with=2,
    tags={**FILTERS, "hashAlgorithm": TagValue.ALGORITHM, "matchFileName": TagValue.BOOLEAN},
)
class FileMatch(FileRule):
    """Whether files have the expected checksums, or two paths the same contents.

    With `in` or `=`, every file must have one of the checksums; with `matchFileName`, no two may share a name
    either. With two paths, both must be files, or both folders, and hold the same contents, in any number and
    under any names; with `matchFileName` under the same names, folders left out. No files: FAILED.

    Example:
        FileMatch "day/a.csv" in ["ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]
        FileMatch "day/a.csv" = "0CC175B9C0F1B6A831C399E269772661" with hashAlgorithm = "MD5"
        FileMatch "day/" "copy/"
    """

    paths: MaybePaths
    condition: TextCondition | None = None

    def problem(self) -> str:
        """Operators other than `in` and `=` have no documented meaning, nor has a checksum that is no text."""
        if self.condition is not None:
            if self.condition.operator not in (Operator.IN, Operator.EQ):
                return f"FileMatch takes `in` or `=` with checksums, not `{self.condition.operator.value}`"
            if others := [each for each in flat(self.condition) if not isinstance(each, Text)]:
                return f"FileMatch takes `in` or `=` with checksums, not `{others[0]}`"
        return super().problem()

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """The files of each path, with their digests."""
        until = self._checksums() if self.condition is not None and self.is_on("failFast") else frozenset()
        digests = dq_metrics.Digests(self.algorithm(), until=until)
        return tuple(self.files(path, digests) for path in self.paths or (None,))

    def judge(self, facts: Facts) -> Judgement:
        """Against checksums, or path against path, as written."""
        sets = [self.found(metric, facts) for metric in self.metrics()]
        notes = tuple(dict.fromkeys(note for each in sets for note in each.notes))
        expected = f"equal {'files' if self.is_on('matchFileName') else 'contents'}"
        if self.condition is not None:
            expected = f"one of {len(self._checksums())} checksums" if len(self._checksums()) > 1 else "the checksum"
        for found, path in zip(sets, self.paths or (None,), strict=True):
            if not found.files:
                return no_files(found, path, expected)
        reason, shown = self._listed(sets[0]) if self.condition is not None else self._compared(*sets)
        metrics = {"Dataset.*.FileCount": float(sum(len(each.files) for each in sets))}
        return Judgement(Verdict.FAILED if reason else Verdict.PASSED, reason, shown, expected, metrics, notes=notes)

    def _checksums(self) -> frozenset[str]:
        assert self.condition is not None
        return frozenset(each.value.strip().lower() for each in flat(self.condition) if isinstance(each, Text))

    def _listed(self, found: dq_metrics.FileSet) -> tuple[str, str]:
        """Why files do not have the checksums, and what was found."""
        accepted = self._checksums()
        fast = self.is_on("failFast")
        faults = {file.uri: self._shown(file) for file in found.files if file.digest and file.digest not in accepted}
        if self.is_on("matchFileName") and not (fast and faults):
            faults |= {uri: fault for uri, fault in same_names(found.files).items() if uri not in faults}
        offenders = [(file, faults[file.uri]) for file in found.files if file.uri in faults][: 1 if fast else None]
        if not offenders:
            return "", "all files"
        if fast:
            return f"{named(offenders)} does not match; failFast stops there{self._hint(accepted)}", "a file fails"
        matching = len(found.files) - len(offenders)
        fail = f"{len(offenders):,} of {count(len(found.files))} {'does' if len(offenders) == 1 else 'do'} not match"
        return f"{fail}: {named(offenders)}{self._hint(accepted)}", f"{matching:,} of {count(len(found.files))}"

    def _shown(self, file: dq_metrics.FileFound) -> str:
        return f"{self.algorithm()} {file.digest}"

    def _hint(self, accepted: Iterable[str]) -> str:
        digits = _DIGITS[self.algorithm()]
        if any(len(each) == digits for each in accepted):
            return ""
        return f"; no given checksum has the {digits} digits of {self.algorithm()}, see hashAlgorithm"

    def _compared(self, first: dq_metrics.FileSet, second: dq_metrics.FileSet) -> tuple[str, str]:
        """Why two paths differ, and what was found."""
        if first.single is not second.single:
            alone, other = ("first", "second") if first.single else ("second", "first")
            return f"the {alone} path is a file, and the {other} is none: only like matches like", "file and folder"
        left, right = self._contents(first), self._contents(second)
        only = [(file, "only in the first path") for key, file in left.items() if key not in right]
        only += [(file, "only in the second path") for key, file in right.items() if key not in left]
        if not only:
            return "", "equal"
        if first.single:
            (one,), (two,) = first.files, second.files
            differ = "contents differ" if one.digest != two.digest else "names differ"
            return f"{differ}: {named([(one, self._shown(one)), (two, self._shown(two))])}", "different"
        if self.is_on("failFast"):
            return f"the contents differ: {named(only[:1])}; failFast stops there", "different"
        return f"the contents differ in {count(len(only))}: {named(only)}", "different"

    def _contents(self, found: dq_metrics.FileSet) -> dict[tuple[str, str], dq_metrics.FileFound]:
        names = self.is_on("matchFileName")
        contents: dict[tuple[str, str], dq_metrics.FileFound] = {}
        for file in found.files:
            contents.setdefault((file.digest, last_name(file) if names else ""), file)
        return contents


_DIGITS = {"MD5": 32, "SHA-1": 40, "SHA-256": 64}
