"""What a rule type is: one frozen class whose fields say everything that others need to know of it.

    @rule_type(analyzer=True)
    class Completeness(ShareRule):
        column: OneColumn
        condition: NumberCondition
        where: Scope = EVERYTHING

The field types carry the signature: how many parameters there are and of what kind, which conditions are
allowed, whether `where` and `threshold` are. `Signature` is derived from them for the checker, the binder,
the documentation and completion.

A bound rule answers four questions: what to measure (`metrics`), what the measurements mean (`judge`), which
rows fail (`failing_rows`), and why it cannot be asked of these columns at all (`problem`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    TypeAlias,
    TypeVar,
    cast,
    get_args,
    get_origin,
)

from dq.conditions import ALL, Requirement, requirement
from dq.lazy import dq_metrics
from dq.outcomes import Remembered, Verdict
from dq.schema import Column, Schema, Type
from dq.scope import EVERYTHING, Scope
from dq.syntax import Condition, Kind, Rule
from dq.tree import comply, conjunction, negation

if TYPE_CHECKING:
    from dq.tree import Tree


class Parameters(Enum):
    """What the words after a rule type's name stand for."""

    COLUMN = "column"
    COLUMN_NAME = "column name"
    REGEX = "regular expression"
    SQL = "SQL statement"
    ALIAS = "reference alias"
    COLUMN_LIST = "list of columns"
    REFERENCE = "reference columns"
    MAPPING = "column mapping"
    AGGREGATE = "aggregate"
    PATH = "path"
    METRIC = "rule type"


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter of a rule type: its field, its kind, and how many words it takes (`most` None: any number)."""

    name: str
    kind: Parameters
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class _Words:
    kind: Parameters
    least: int = 1
    most: int | None = 1


@dataclass(frozen=True, slots=True)
class _Kinds:
    kinds: frozenset[Kind]


Columns: TypeAlias = Annotated[tuple[Column, ...], _Words(Parameters.COLUMN, 1, None)]
AnyColumns: TypeAlias = Annotated[tuple[Column, ...], _Words(Parameters.COLUMN, 0, None)]
OneColumn: TypeAlias = Annotated[Column, _Words(Parameters.COLUMN)]
ColumnName: TypeAlias = Annotated[str, _Words(Parameters.COLUMN_NAME)]
Regex: TypeAlias = Annotated[str, _Words(Parameters.REGEX)]
Sql: TypeAlias = Annotated[str, _Words(Parameters.SQL)]
Alias: TypeAlias = Annotated[str, _Words(Parameters.ALIAS)]
ColumnList: TypeAlias = Annotated[str, _Words(Parameters.COLUMN_LIST)]
Reference: TypeAlias = Annotated[str, _Words(Parameters.REFERENCE)]
Mapped: TypeAlias = Annotated[str, _Words(Parameters.MAPPING)]
MaybeMapped: TypeAlias = Annotated[str, _Words(Parameters.MAPPING, 0, 1)]
Aggregate: TypeAlias = Annotated[str, _Words(Parameters.AGGREGATE)]
MaybePaths: TypeAlias = Annotated[tuple[str, ...], _Words(Parameters.PATH, 0, 2)]
MaybePath: TypeAlias = Annotated[str | None, _Words(Parameters.PATH, 0, 1)]
MetricName: TypeAlias = Annotated[str, _Words(Parameters.METRIC)]
MetricColumns: TypeAlias = Annotated[tuple[str, ...], _Words(Parameters.COLUMN_NAME, 0, None)]

NumberCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.NUMBER}))]
TextCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.TEXT}))]
DateCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.DATE}))]
DurationCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.DURATION}))]
SizeCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.SIZE}))]
ValuesCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.NUMBER, Kind.TEXT, Kind.DATE}))]


class TagValue(Enum):
    """What a tag other than `threshold` takes behind its equals sign."""

    TEXT = "text"
    NUMBER = "whole number"
    BOOLEAN = "true or false"
    ZONE = "IANA time zone"
    NAMES = "list of tag names"
    ALGORITHM = "MD5, SHA-1 or SHA-256"


@dataclass(frozen=True, slots=True)
class Signature:
    """How a rule type may be written. Source: REFERENCE A.7, A.4 and B.

    Attributes:
        name: the rule type.
        slots: its parameters in order; only the last may take a varying number of words.
        kinds: the conditions it accepts; empty when it takes none.
        condition_required: whether the condition must be there.
        where: whether it takes a `where` clause.
        threshold: whether it takes `with threshold`.
        portable_threshold: whether the published parser takes that threshold too.
        tags: its other tags.
        rule: whether it may stand among the rules.
        analyzer: whether it may stand among the analyzers.
        published: whether the published Glue parser knows it; the rest is [dq].
        row_excluded: whether ROW evaluation of composites leaves it out.
        unconditional_with: the number of parameters with which it takes no condition after all.
        summary: the first line of its documentation.
    """

    name: str
    slots: tuple[Slot, ...]
    kinds: frozenset[Kind]
    condition_required: bool
    where: bool
    threshold: bool
    portable_threshold: bool
    tags: Mapping[str, TagValue]
    rule: bool
    analyzer: bool
    published: bool
    row_excluded: bool
    unconditional_with: int | None
    summary: str

    @property
    def least(self) -> int:
        """The fewest parameters."""
        return sum(slot.least for slot in self.slots)

    @property
    def most(self) -> int | None:
        """The most parameters; None: any number."""
        limits = [slot.most for slot in self.slots if slot.most is not None]
        return sum(limits) if len(limits) == len(self.slots) else None

    @property
    def reads_files(self) -> bool:
        """Whether it looks at files as such, and not at a table."""
        return any(slot.kind is Parameters.PATH for slot in self.slots)

    def takes(self, parameters: int) -> bool:
        """Whether this many parameters fit."""
        return self.least <= parameters and (self.most is None or parameters <= self.most)

    def kinds_for(self, parameters: int) -> frozenset[Kind]:
        """The conditions accepted with this many parameters: FileMatch of two paths takes none."""
        return frozenset() if parameters == self.unconditional_with else self.kinds


RULE_TYPES: dict[str, type[Any]] = {}
"""Every rule type by its name, in the order of declaration. Filled by importing `dq.rules`."""

SIGNATURES: dict[str, Signature] = {}
"""The signature of every rule type by its name."""

T = TypeVar("T")


def rule_type(
    *,
    analyzer: bool = False,
    rule: bool = True,
    published: bool = True,
    row_excluded: bool = False,
    unconditional_with: int | None = None,
    portable_threshold: bool = True,
    tags: Mapping[str, TagValue] | None = None,
) -> Callable[[type[T]], type[T]]:
    """Register a class, and the signature its fields tell, under its name; `construct` makes its instances."""

    def register(cls: type[T]) -> type[T]:
        hints = _hints(cls)
        slots, kinds = _slots(hints)
        RULE_TYPES[cls.__name__] = cls
        SIGNATURES[cls.__name__] = Signature(
            cls.__name__,
            slots,
            kinds,
            condition_required="condition" in hints
            and (not hasattr(cls, "condition") or unconditional_with is not None),
            where="where" in hints,
            threshold="threshold" in hints,
            portable_threshold=portable_threshold,
            tags=MappingProxyType(dict(tags or {})),
            rule=rule,
            analyzer=analyzer,
            published=published,
            row_excluded=row_excluded,
            unconditional_with=unconditional_with,
            summary=(cls.__doc__ or "").strip().partition("\n")[0],
        )
        return cls

    return register


def construct(name: str, /, **fields: Any) -> Any:
    """A frozen instance of a rule type.

    Its class becomes a dataclass when the first one is made: `dq lint`, which only reads signatures, would pay
    a tenth of its time for forty of them.
    """
    cls = RULE_TYPES[name]
    if "__dataclass_fields__" not in vars(cls):
        dataclass(frozen=True)(cls)
    return cls(**fields)


def _hints(cls: type[Any]) -> dict[str, Any]:
    """What the class's own annotations mean. They are our own source text."""
    own: dict[str, str] = vars(cls).get("__annotations__", {})
    return {name: eval(text, vars(sys.modules[cls.__module__])) for name, text in own.items()}


def _slots(hints: Mapping[str, Any]) -> tuple[tuple[Slot, ...], frozenset[Kind]]:
    """The parameters, and the kinds of the condition."""
    slots: list[Slot] = []
    kinds: frozenset[Kind] = frozenset()
    for name, hint in hints.items():
        for mark in _marks(hint):
            if isinstance(mark, _Words):
                slots.append(Slot(name, mark.kind, mark.least, mark.most))
            elif name == "condition":
                kinds = mark.kinds
    return tuple(slots), kinds


def _marks(hint: Any) -> list[Any]:
    """The marks of an annotation, those inside `X | None` too."""
    if get_origin(hint) is Annotated:
        return list(hint.__metadata__)
    return [mark for arm in get_args(hint) for mark in _marks(arm)]


# -- bound rules ---------------------------------------------------------------------------------------

Facts: TypeAlias = "Mapping[dq_metrics.Metric, dq_metrics.Measured]"
"""What was measured, by metric."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may know besides its own words.

    `schema` is the primary's, `schemas` that of every alias; `now` is the instant of evaluation (aware).
    """

    schema: Schema
    now: datetime
    schemas: Mapping[str, Schema] = field(default_factory=dict)


class WhenEmpty(Enum):
    """What becomes of a rule that has no rows to look at. Source: REFERENCE B.0.4."""

    JUDGED = auto()
    FAILED = auto()
    PASSED = auto()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict of one rule and what it rests on.

    `failing` is how many rows of how many in scope fail. `vacuous` marks a rule that had
    no row to look at because its `where` keeps none. The first
    of the `metrics` is the one that the condition is about. `evaluated` is the rule with the numbers that its
    functions came to, `history` what they rest on. `evidence` names what measured it.
    """

    verdict: Verdict
    reason: str = ""
    measured: str = ""
    expected: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    failing: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    vacuous: bool = False
    evaluated: Rule | None = None
    history: tuple[Remembered, ...] = ()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BoundRule:
    """A rule whose words have found their columns.

    `written` holds the parameters as the ruleset spells them: metric names show them so.
    """

    context: Context = field(repr=False, compare=False)
    written: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)

    no_rows: ClassVar[WhenEmpty] = WhenEmpty.FAILED
    filtered: ClassVar[WhenEmpty] = WhenEmpty.PASSED

    def problem(self) -> str:
        """Why this rule cannot be measured on these columns; empty when it can."""
        return ""

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """What has to be measured."""
        return ()

    def judge(self, facts: Facts) -> Judgement:
        """What the measurements mean."""
        raise NotImplementedError

    def failing_rows(self, facts: Facts) -> Tree | None:
        """True for the rows in scope that fail; None where rows have no part in the verdict."""
        return None

    def unjudged_rows(self) -> Tree | None:
        """True for the rows in scope about which the rule says nothing; None when it judges them all."""
        return None

    def example_rows(self, facts: Facts) -> Tree | None:
        """True for some failing rows, which are cheaper to find than all of them."""
        return self.failing_rows(facts)

    def name_of(self, statistic: str) -> str:
        """The name of a metric of this rule's columns (REFERENCE B.0.7)."""
        if not self.written:
            return f"Dataset.*.{statistic}"
        entity = "Column" if len(self.written) == 1 else "Multicolumn"
        return f"{entity}.{','.join(self.written)}.{statistic}"

    def subject(self) -> str:
        """The columns, for a sentence."""
        return ", ".join(f"`{name}`" for name in self.written)


def scope_of(rule: BoundRule) -> Scope:
    """The rows that the rule looks at."""
    return getattr(rule, "where", EVERYTHING)


def emptiness(rule: BoundRule, facts: Facts) -> WhenEmpty:
    """JUDGED when there are rows in scope, else what the rule type says.

    It says one thing of a table without rows, and another of a filter that keeps none.
    """
    scope = scope_of(rule)
    if facts[dq_metrics.Size(scope)].value():
        return WhenEmpty.JUDGED
    return rule.filtered if facts[dq_metrics.Size()].value() else rule.no_rows


def judge_emptiness(rule: BoundRule, facts: Facts, expected: str) -> Judgement | None:
    """The judgement of a rule that has no rows to look at; None when it has some."""
    fate = emptiness(rule, facts)
    if fate is WhenEmpty.JUDGED:
        return None
    filtered = bool(facts[dq_metrics.Size()].value())
    reason = "no rows in scope: the where clause keeps none" if filtered else "no rows: the table is empty"
    passed = fate is WhenEmpty.PASSED
    return Judgement(Verdict.PASSED if passed else Verdict.FAILED, reason, "no rows", expected, vacuous=passed)


def sizes(rule: BoundRule) -> tuple[dq_metrics.Metric, ...]:
    """What tells the three kinds of emptiness apart."""
    return (dq_metrics.Size(), dq_metrics.Size(scope_of(rule))) if scope_of(rule) else (dq_metrics.Size(),)


@dataclass(frozen=True, kw_only=True)
class MetricRule(BoundRule):
    """A rule that judges one number by its condition."""

    statistic: ClassVar[str] = ""

    def metric(self) -> dq_metrics.Metric:
        """What is measured."""
        raise NotImplementedError

    def value(self, measured: Any) -> dq_metrics.Value:
        """The number that one measurement holds."""
        return cast(dq_metrics.Value, measured.value())

    def judged(self, facts: Facts) -> dq_metrics.Value:
        """The number that the condition judges, from everything that was measured."""
        return self.value(facts[self.metric()])

    def failing(self, facts: Facts) -> tuple[int, int] | None:
        """How many rows of how many fail, where rows have a part in the verdict."""
        return None

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """The number, and the sizes that tell why there may be none."""
        return (*sizes(self), self.metric())

    def asked(self) -> Requirement:
        """What the number must meet."""
        return requirement(self.condition)  # type: ignore[attr-defined]

    def judge(self, facts: Facts) -> Judgement:
        """PASSED when the number meets the condition."""
        asked = self.asked()
        empty = judge_emptiness(self, facts, str(asked))
        if empty:
            return empty
        value = self.judged(facts)
        if isinstance(value, dq_metrics.Undefined):
            return Judgement(Verdict.FAILED, value.reason, "no value", str(asked))
        name = self.statistic or type(self).__name__
        named = {self.name_of(name): float(value)}
        return judge_number(value, asked, self.quantity(), named, self.failing(facts))

    def quantity(self) -> str:
        """What the number is, for a sentence."""
        of = f" of {self.subject()}" if self.written else ""
        return f"{type(self).__name__}{of}"


def judge_number(
    value: float,
    asked: Requirement,
    quantity: str,
    metrics: Mapping[str, float],
    failing: tuple[int, int] | None = None,
) -> Judgement:
    """PASSED when the value meets the requirement; the reason of a failure says what is and what should be."""
    shown = show(value, asked.numbers)
    if asked.holds(value):
        return Judgement(Verdict.PASSED, "", shown, str(asked), metrics, failing)
    rows = f" ({rows_fail(failing)})" if failing and failing[0] else ""
    nan = ", which meets no condition" if value != value else ""
    return Judgement(
        Verdict.FAILED, f"{quantity} is {shown}{nan}, expected {asked}{rows}", shown, str(asked), metrics, failing
    )


@dataclass(frozen=True, kw_only=True)
class ShareRule(BoundRule):
    """A rule that judges the share of rows in scope for which a predicate is true.

    One predicate gives the share and the failing rows, so they cannot disagree.
    """

    statistic: ClassVar[str]

    def predicate(self) -> Tree:
        """True for the rows that comply; NULL counts as not true."""
        raise NotImplementedError

    def asked(self) -> Requirement:
        """What the share must meet: the threshold, else every row complies."""
        threshold: Condition | None = getattr(self, "threshold", None)
        return ALL if threshold is None else requirement(threshold)

    def expectation(self) -> str:
        """What each row should be, for a sentence."""
        return str(self.condition)  # type: ignore[attr-defined]

    def compliance(self) -> dq_metrics.Compliance:
        """The share."""
        return dq_metrics.Compliance(self.predicate(), scope_of(self))

    def extremes(self) -> dq_metrics.Metric | None:
        """A metric to report beside the share."""
        return None

    def others(self, facts: Facts) -> dict[str, float]:
        """Further metrics to report."""
        return {}

    def metrics(self) -> tuple[dq_metrics.Metric, ...]:
        """The share, the sizes, and what is reported beside."""
        beside = self.extremes()
        return (*sizes(self), self.compliance(), *((beside,) if beside else ()))

    def failing_rows(self, facts: Facts) -> Tree | None:
        """In scope and not true."""
        scope = scope_of(self).predicate
        return conjunction(scope, negation(comply(self.predicate())))

    def judge(self, facts: Facts) -> Judgement:
        """PASSED when the share meets what is asked."""
        asked = self.asked()
        expected = self.expected(asked)
        empty = judge_emptiness(self, facts, expected)
        if empty:
            return empty
        ratio = facts[self.compliance()]
        assert isinstance(ratio, dq_metrics.Ratio)
        share = ratio.matching / ratio.total
        metrics = {self.name_of(self.statistic): share, **self.others(facts)}
        failing = (ratio.total - ratio.matching, ratio.total)
        shown = share_of_rows(share, asked)
        if asked.holds(share):
            return Judgement(Verdict.PASSED, "", shown, expected, metrics, failing)
        return Judgement(Verdict.FAILED, self.complaint(failing, share, asked), shown, expected, metrics, failing)

    def expected(self, asked: Requirement) -> str:
        """The condition of a row, and the share that must meet it unless that is every row."""
        return self.expectation() if asked is ALL else f"{self.expectation()} in {asked} of rows"

    def complaint(self, failing: tuple[int, int], share: float, asked: Requirement) -> str:
        """Why the rule failed."""
        return unmet(failing, f"{self.subject()} {self.expectation()}", share, asked)


def share_of_rows(share: float, asked: Requirement) -> str:
    """A share of rows, for a table."""
    return "all rows" if share == 1 else f"{show(share, asked.numbers)} of rows"


def rows_fail(failing: tuple[int, int]) -> str:
    """How many rows of how many fail."""
    return f"{failing[0]:,} of {failing[1]:,} rows {'fails' if failing[0] == 1 else 'fail'}"


def unmet(failing: tuple[int, int], expected: str, share: float, asked: Requirement) -> str:
    """Why a share of rows is not what was asked for."""
    if asked is ALL:
        return f"{rows_fail(failing)}: expected {expected}"
    return f"the share of rows with {expected} is {show(share, asked.numbers)}, expected {asked} ({rows_fail(failing)})"


def show(value: float, bounds: tuple[float, ...] = ()) -> str:
    """A number for people: 6 significant digits, more where fewer would make it look equal to a bound."""
    if isinstance(value, int) or (abs(value) < 1e15 and value == int(value)):
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    for digits in (6, 9, 12):
        text = f"{value:.{digits}g}"
        if all((float(text) == bound) == (value == bound) for bound in bounds):
            return text
    return repr(value)


def wrong_type(column: Column, wanted: str) -> str:
    """The complaint about a column whose type does not fit."""
    return f"column `{column.name}` is {column.type.value}, and {wanted} is needed"


def number_problem(*columns: Column) -> str:
    """Complains about the first column that holds no numbers."""
    return next((wrong_type(each, "a number column") for each in columns if not each.type.is_number), "")


def text_problem(column: Column) -> str:
    """Complains about a column that holds no text."""
    return "" if column.type is Type.STRING else wrong_type(column, "a text column")
