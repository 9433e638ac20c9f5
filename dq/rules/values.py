"""Rules about each value of a column: one predicate, true for the rows that comply."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo

from dq.conditions import ConditionError
from dq.conditions import number as evaluated
from dq.lazy import casts, dq_metrics, exp, regex
from dq.outcomes import Verdict
from dq.rules.base import (
    BoundRule,
    DurationCondition,
    Facts,
    Judgement,
    NumberCondition,
    OneColumn,
    ShareRule,
    TagValue,
    TextCondition,
    ValuesCondition,
    WhenEmpty,
    number_problem,
    rule_type,
    text_problem,
    wrong_type,
)
from dq.schema import Column, Type
from dq.scope import EVERYTHING, Scope
from dq.syntax import (
    Condition,
    Date,
    Duration,
    Keyword,
    Kind,
    Now,
    Null,
    Number,
    Operand,
    Operator,
    Text,
    Time,
    Variable,
)
from dq.tree import call, column, conjunction, disjunction, is_null, is_present, literal, negation, number

if TYPE_CHECKING:
    from dq.tree import Tree

ORDERING = frozenset({Operator.GT, Operator.GE, Operator.LT, Operator.LE})
NEGATIVE = frozenset({Operator.NE, Operator.NOT_IN})


def compare(value: Tree, operator: Operator, operands: Sequence[Tree]) -> Tree:
    """A value against operands; NULL where the value is NULL. `between` leaves both ends out (A.3)."""
    return _COMPARE[operator](value, operands)


def _binary(node: Callable[[], type[exp.Binary]]) -> Callable[[Tree, Sequence[Tree]], Tree]:
    return lambda value, operands: node()(this=value.copy(), expression=operands[0].copy())


def _in(value: Tree, operands: Sequence[Tree]) -> Tree:
    return exp.In(this=value.copy(), expressions=[each.copy() for each in operands])


def _inside(value: Tree, ends: Sequence[Tree]) -> Tree:
    inside = conjunction(
        exp.GT(this=value.copy(), expression=ends[0].copy()), exp.LT(this=value.copy(), expression=ends[1].copy())
    )
    assert inside is not None
    return inside


def _outside(value: Tree, ends: Sequence[Tree]) -> Tree:
    return disjunction(
        exp.LTE(this=value.copy(), expression=ends[0].copy()), exp.GTE(this=value.copy(), expression=ends[1].copy())
    )


_COMPARE: dict[Operator, Callable[[Tree, Sequence[Tree]], Tree]] = {
    Operator.EQ: _binary(lambda: exp.EQ),
    Operator.NE: _binary(lambda: exp.NEQ),
    Operator.GT: _binary(lambda: exp.GT),
    Operator.GE: _binary(lambda: exp.GTE),
    Operator.LT: _binary(lambda: exp.LT),
    Operator.LE: _binary(lambda: exp.LTE),
    Operator.BETWEEN: _inside,
    Operator.NOT_BETWEEN: _outside,
    Operator.IN: _in,
    Operator.NOT_IN: lambda value, operands: negation(_in(value, operands)),
}


def judge_value(held: Tree, value: Tree, operator: Operator, operands: Sequence[Tree], *, null_listed: bool) -> Tree:
    """The predicate of a condition on a column, by the NULL rules of REFERENCE B.21.1.

    `held` is the column, `value` what is compared. A NULL passes `!=` and `not in`, fails everything else,
    and the reverse of both when NULL itself is an operand.
    """
    tests = [compare(value, operator, operands)] if operands else []
    if operator in NEGATIVE:
        return conjunction(is_present(held), *tests) if null_listed else disjunction(is_null(held), *tests)  # type: ignore[return-value]
    return disjunction(is_null(held), *tests) if null_listed else tests[0]


@rule_type(analyzer=True, tags={"timeZone": TagValue.ZONE, "ignoreCase": TagValue.BOOLEAN})
class ColumnValues(ShareRule):
    """Whether every value of a column meets a condition, or with a threshold, a share of them.

    The kind of the condition decides the comparison: numbers, text, or dates. A NULL fails every condition
    except `!=` and `not in`, which it passes, unless NULL itself is an operand. Regular expressions are
    Java's and match the whole value. Text is compared with letter case unless `ignoreCase = "true"`. `timeZone`
    is the zone of times of day such as "9:30 AM", UTC by default.

    Example:
        ColumnValues "qty" between 0 and 100
        ColumnValues "qty" <= 5
        ColumnValues "status" in ["paid", "open"] with threshold > 0.9
        ColumnValues "code" matches "[A-Z]{2}[0-9]+"
        ColumnValues "placed" > (now() - 7 days)
    """

    column: OneColumn
    condition: ValuesCondition
    where: Scope = EVERYTHING
    threshold: NumberCondition | None = None

    statistic: ClassVar[str] = "ColumnValues.Compliance"

    def problem(self) -> str:
        """A comparison that the column's type does not allow."""
        if self._null_listed() and self.condition.operator not in _TAKES_NULL:
            return f"NULL has no meaning behind `{self.condition.operator.value}`"
        problem = _PROBLEMS[self.condition.kind](self)
        if not problem:
            self.predicate()  # whatever the operands refuse is refused now
        return problem

    def _null_listed(self) -> bool:
        return any(isinstance(each, Null) and each.keyword is Keyword.NULL for each in flat(self.condition))

    def predicate(self) -> Tree:
        """By the kind of the condition."""
        return _PREDICATES[self.condition.kind](self)

    def compares_numbers_as_text(self) -> bool:
        """Whether a list of numbers is compared with a text column: as texts, as Spark compares them (B.0.5)."""
        listed = self.condition.operator in (Operator.IN, Operator.NOT_IN)
        return listed and self.condition.kind is Kind.NUMBER and self.column.type is Type.STRING

    def judge(self, facts: Facts) -> Judgement:
        """As every share of rows; a comparison that may surprise is noted."""
        judgement = super().judge(facts)
        if (
            self.threshold is None
            and judgement.verdict is Verdict.PASSED
            and math.isnan(judgement.metrics.get(self.name_of("Minimum"), 0))
        ):
            # Each NaN is greater than every number, but a minimum that is NaN meets no condition (A.3).
            reason = f"every value of {self.subject()} is NaN, which meets no condition"
            return replace(judgement, verdict=Verdict.FAILED, reason=reason, failing=None)
        numbers = [each for each in self.condition.operands if not isinstance(each, Null)]
        if not numbers or not self.compares_numbers_as_text():
            return judgement
        shown = text_of_double(evaluated(numbers[0]))
        note = f'{self.subject()} is text, compared with "{shown}" as Spark does; quote the operands to choose'
        return replace(judgement, notes=(note,))

    def extremes(self) -> dq_metrics.Metric | None:
        """Minimum and maximum, where the condition orders numbers."""
        ordered = self.condition.kind is Kind.NUMBER and self.column.type.is_number
        names = self._bound_names()
        if not ordered or not names:
            return None
        return dq_metrics.Bounds(self.column, self.where, low="Minimum" in names, high="Maximum" in names)

    def _bound_names(self) -> tuple[str, ...]:
        return _BOUNDS.get(self.condition.operator, ())

    def others(self, facts: Facts) -> dict[str, float]:
        """Minimum, maximum, or the share that matches a pattern, as the guide names them."""
        if self.condition.operator in (Operator.MATCHES, Operator.NOT_MATCHES):
            return {self.name_of("PatternMatch"): float(facts[self.compliance()].value())}  # type: ignore[arg-type]
        beside = self.extremes()
        return bounds(self, facts[beside], self._bound_names()) if beside else {}  # type: ignore[arg-type]


def bounds(rule: ShareRule, found: dq_metrics.Extremes, names: Iterable[str]) -> dict[str, float]:
    """The extremes under their metric names; nothing for a column without values."""
    ends = {"Minimum": found.low, "Maximum": found.high, "MinimumLength": found.low, "MaximumLength": found.high}
    return {rule.name_of(name): float(end) for name in names if (end := ends[name]) is not None}


_BOUNDS: dict[Operator, tuple[str, ...]] = {
    Operator.GT: ("Minimum",),
    Operator.GE: ("Minimum",),
    Operator.LT: ("Maximum",),
    Operator.LE: ("Maximum",),
    Operator.EQ: ("Minimum", "Maximum"),
}
_TAKES_NULL = frozenset({Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN})
_NEEDS_NUMBERS = ORDERING | {Operator.EQ, Operator.BETWEEN}


def flat(condition: Condition) -> list[Operand]:
    """The operands with variables replaced by what they stand for."""
    return [
        member for each in condition.operands for member in (each.values if isinstance(each, Variable) else (each,))
    ]


# -- numbers -------------------------------------------------------------------------------------------


def _number_problem(rule: ColumnValues) -> str:
    only_null = all(isinstance(each, Null) for each in rule.condition.operands)
    if rule.condition.operator in _NEEDS_NUMBERS and not only_null:
        return number_problem(rule.column)
    return ""


def _number_predicate(rule: ColumnValues) -> Tree:
    given = [each for each in rule.condition.operands if not isinstance(each, Null)]
    if rule.compares_numbers_as_text():
        value: Tree = column(rule.column)
        operands: list[Tree] = [literal(text_of_double(evaluated(each))) for each in given]
    else:
        value = as_number(rule.column, rule.condition.operator)
        operands = [numeric(each) for each in given]
        if _overflows(rule.column, given):
            value = exp.cast(value, exp.DataType.Type.DOUBLE)
            operands = [exp.cast(each, exp.DataType.Type.DOUBLE) for each in operands]
    return judge_value(column(rule.column), value, rule.condition.operator, operands, null_listed=rule._null_listed())


def text_of_double(value: float) -> str:
    """A double as Java spells it: plain from 0.001 up to 10 million, else with an exponent; `1.0`, `1.5E10`."""
    if value == 0 or 1e-3 <= abs(value) < 1e7 or not math.isfinite(value):
        return f"{Decimal(repr(value)):f}" if math.isfinite(value) else repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    spelled = "".join(map(str, digits))
    return f"{'-' if sign else ''}{spelled[0]}.{spelled[1:] or '0'}E{int(exponent) + len(spelled) - 1}"


def _overflows(of: Column, given: Sequence[Operand]) -> bool:
    """Whether the digits of the column and those behind an operand's point are more than a decimal has."""
    behind = max((len(each.text.partition(".")[2]) for each in given if isinstance(each, Number)), default=0)
    if of.native.upper() in ("HUGEINT", "UHUGEINT"):
        return behind > 0
    precision, scale = casts.digits_of(of.native) or (0, 0)
    return precision - scale + max(behind, scale) > 38


def as_number(of: Column, operator: Operator) -> Tree:
    """The column as numbers: as it is, or cast, NULL where the cast fails; text is read as Spark reads it.

    A 32-bit float counts as its shortest decimal where it is equated or ordered, as its extremes are
    reported; in lists and ranges it is widened, so that 0.1 is not in [0.1]. Both as Glue's open engine.
    """
    if of.type in (Type.INTEGER, Type.DECIMAL):
        return column(of)
    if operator in ORDERING or operator is Operator.EQ:
        return dq_metrics.as_written(of, column(of))
    if of.type is Type.STRING:
        return casts.cast(column(of), of.type, casts.TARGETS["double"])
    return exp.TryCast(this=column(of), to=exp.DataType.build("double"))


def numeric(operand: Operand) -> Tree:
    """A number operand as a literal, written as it stands; arithmetic is evaluated."""
    if isinstance(operand, Number) and sum(each.isdigit() for each in operand.text) <= 38:
        return number(operand.text)
    value = evaluated(operand)
    if not math.isfinite(value):
        raise ConditionError("the condition divides by zero")
    return exp.cast(number(repr(value)), exp.DataType.Type.DOUBLE)


# -- text ----------------------------------------------------------------------------------------------


def _text_problem(rule: ColumnValues) -> str:
    if rule.condition.operator in (Operator.MATCHES, Operator.NOT_MATCHES):
        return text_problem(rule.column)
    return ""


def _text_predicate(rule: ColumnValues) -> Tree:
    if rule.condition.operator in (Operator.MATCHES, Operator.NOT_MATCHES):
        return _pattern_predicate(rule)
    held = column(rule.column)
    fold = _ignores_case(rule)
    value = as_text(rule.column)
    if fold:
        value = exp.Lower(this=value)
    words = [
        literal(each.value.lower() if fold else each.value) for each in flat(rule.condition) if isinstance(each, Text)
    ]
    keywords = [each.keyword for each in flat(rule.condition) if isinstance(each, Null)]
    members = [_KEYWORDS[keyword](as_text(rule.column)) for keyword in keywords if keyword is not Keyword.NULL]
    if words:
        members.insert(0, _in(value, words))
    null_listed = Keyword.NULL in keywords
    if rule.condition.operator in NEGATIVE:
        absent = [negation(member) for member in members]
        met = conjunction(*absent)
        if null_listed:
            return conjunction(is_present(held), met)  # type: ignore[return-value]
        return disjunction(is_null(held), met) if met is not None else is_null(held)
    return disjunction(*members, *([is_null(held)] if null_listed else []))


_KEYWORDS: dict[Keyword, Callable[[Tree], Tree]] = {
    Keyword.EMPTY: lambda value: exp.EQ(this=value.copy(), expression=literal("")),
    Keyword.WHITESPACES_ONLY: lambda value: conjunction(  # type: ignore[dict-item,return-value]
        exp.NEQ(this=value.copy(), expression=literal("")),
        exp.EQ(this=call("DQ_TRIM_BLANKS", value), expression=literal("")),
    ),
}


def as_text(of: Column) -> Tree:
    """The column as text, as Spark spells it: 1.0 is the text `1.0`, an instant is told in UTC and without a zone."""
    if of.type is Type.STRING:
        return column(of)
    if of.type in _SPELLED_BY_SPARK:
        return casts.cast(column(of), of.type, casts.TARGETS["string"])
    return exp.cast(column(of), exp.DataType.Type.TEXT)


_SPELLED_BY_SPARK = frozenset({Type.FLOAT, Type.TIMESTAMP_TZ, Type.BINARY})
"""Types whose values DuckDB would spell otherwise."""


def _ignores_case(rule: ColumnValues) -> bool:
    return rule.tags.get("ignoreCase", "").lower() == "true"


def _pattern_predicate(rule: ColumnValues) -> Tree:
    (operand,) = flat(rule.condition)
    assert isinstance(operand, Text)  # the parser takes nothing else
    pattern = regex.java_regex(operand.value)
    if _ignores_case(rule):
        pattern = f"(?i){pattern}"
    matched: Tree = call("DQ_FULL_MATCH", column(rule.column), literal(pattern))
    if regex.has_boundary(pattern):
        stop = call("DQ_STOP", literal(casts.STOPPED + casts.BOUNDARY))
        beyond = call("DQ_FIND", column(rule.column), literal(regex.BEYOND_ASCII))
        matched = exp.case().when(beyond, stop).else_(matched)
    return matched if rule.condition.operator is Operator.MATCHES else negation(matched)


# -- dates ---------------------------------------------------------------------------------------------


def _date_problem(rule: ColumnValues) -> str:
    if rule.column.type.is_temporal or rule.column.type is Type.STRING:
        return ""
    return wrong_type(rule.column, "a date, timestamp or text column")


def _date_predicate(rule: ColumnValues) -> Tree:
    operands = [each for each in flat(rule.condition) if not isinstance(each, Null)]
    by_time = rule.column.type in (Type.TIMESTAMP, Type.TIMESTAMP_TZ) and any(_names_time(each) for each in operands)
    instants = [instant(each, rule) for each in operands]
    if by_time:
        value = casts.to_timestamp(column(rule.column), rule.column.type)
        literals = [literal(each) for each in instants]
    else:
        value = casts.to_date(column(rule.column), rule.column.type)
        literals = [literal(each.date()) for each in instants]
    return judge_value(column(rule.column), value, rule.condition.operator, literals, null_listed=rule._null_listed())


def _names_time(operand: Operand) -> bool:
    """Whether an operand is finer than a day (REFERENCE B.21.4)."""
    if isinstance(operand, Now):
        return operand.offset is not None and operand.offset.unit != "days"
    return isinstance(operand, Time)


def instant(operand: Operand, rule: BoundRule) -> datetime:
    """The instant an operand stands for, in UTC and without a zone.

    `now()` is the evaluation's instant with seconds cut to 0; a time of day is today's in the rule's zone.
    """
    if isinstance(operand, Date):
        return datetime.combine(date.fromisoformat(operand.text), datetime.min.time())
    now = rule.context.now.astimezone(UTC).replace(second=0, microsecond=0, tzinfo=None)
    if isinstance(operand, Now):
        try:
            offset = _length(operand.offset) if operand.offset else timedelta()
            return now - offset if operand.sign == "-" else now + offset
        except OverflowError:
            raise ConditionError(f"`{operand}` lies outside of the calendar, which has the years 1 to 9999") from None
    if isinstance(operand, Time):
        zone = _zone(rule.tags.get("timeZone", "UTC"))
        today = rule.context.now.astimezone(zone).date()
        return datetime.combine(today, _clock(operand.text), zone).astimezone(UTC).replace(tzinfo=None)
    raise ConditionError("the condition does not compare with a date")


def _zone(name: str) -> tzinfo:
    """A zone by its IANA name, or by its offset from UTC such as `+02:00`, `UTC-5` and `Z`."""
    offset = _OFFSET.fullmatch(name)
    if not offset:
        return ZoneInfo(name)
    hours, minutes = int(offset["hours"] or 0), int(offset["minutes"] or 0)
    ahead = timedelta(hours=hours, minutes=minutes)
    try:
        return timezone(-ahead if offset["sign"] == "-" else ahead)
    except ValueError:
        raise ConditionError(f"there is no time zone `{name}`: a day has 24 hours") from None


_OFFSET = re.compile(r"Z|(?:UTC|GMT|UT)?(?P<sign>[+-])(?P<hours>[0-9]{1,2})(?::?(?P<minutes>[0-9]{2}))?")


def _clock(text: str) -> datetime.time:  # type: ignore[valid-type]
    return datetime.strptime(text, "%I:%M %p" if text.endswith("M") else "%H:%M").time()


def _length(duration: Duration) -> timedelta:
    return timedelta(**{duration.unit: duration.amount})


_PROBLEMS: dict[Kind, Callable[[ColumnValues], str]] = {
    Kind.NUMBER: _number_problem,
    Kind.TEXT: _text_problem,
    Kind.DATE: _date_problem,
}
_PREDICATES: dict[Kind, Callable[[ColumnValues], Tree]] = {
    Kind.NUMBER: _number_predicate,
    Kind.TEXT: _text_predicate,
    Kind.DATE: _date_predicate,
}


# -- lengths, types, ages ------------------------------------------------------------------------------


@rule_type(analyzer=True, portable_threshold=False)
class ColumnLength(ShareRule):
    """Whether the length of every value of a text column meets a condition; in characters (code points).

    A NULL has length 0. The extremes that are reported leave NULLs out.

    Example:
        ColumnLength "country" = 2 where "country is not null"
        ColumnLength "code" between 1 and 10
    """

    column: OneColumn
    condition: NumberCondition
    where: Scope = EVERYTHING
    threshold: NumberCondition | None = None

    statistic: ClassVar[str] = "LengthCompliance"

    def problem(self) -> str:
        """Only text has a length, and only a number is one."""
        if any(isinstance(each, Null) for each in self.condition.operands):
            return "NULL has no meaning here: a length is always a number"
        return text_problem(self.column)

    def predicate(self) -> Tree:
        """The length, NULL counted as 0, meets the condition."""
        length = exp.Coalesce(this=call("DQ_LENGTH", column(self.column)), expressions=[literal(0)])
        return compare(length, self.condition.operator, [numeric(each) for each in self.condition.operands])

    def expectation(self) -> str:
        """A length."""
        return f"of length {self.condition}"

    def extremes(self) -> dq_metrics.Metric | None:
        """The shortest and the longest."""
        return dq_metrics.Bounds(self.column, self.where, of_length=True)

    def others(self, facts: Facts) -> dict[str, float]:
        """The shortest and the longest."""
        found = facts[dq_metrics.Bounds(self.column, self.where, of_length=True)]
        names = [f"{name}Length" for name in _BOUNDS.get(self.condition.operator, ("Minimum", "Maximum"))]
        return bounds(self, found, names)  # type: ignore[arg-type]


@rule_type(analyzer=True, tags={"format": TagValue.TEXT})
class ColumnDataType(ShareRule):
    """The share of rows whose value can be cast to a type, by Spark's lenient rules.

    A NULL cannot be cast: it fails `=` and passes `!=`. The declared type of the column is not compared.
    Types: Boolean, Date, Timestamp, Integer, Long, Float, Double, Decimal(p,s), in any letter case. `format`
    tells how dates are written: day, month and year as dd, MM, yyyy with `-` or `/`, such as dd/MM/yyyy or MM-yyyy.

    Example:
        ColumnDataType "qty" = "Integer"
        ColumnDataType "code" = "Date" with threshold > 0.9 with format = "dd-MM-yyyy"
    """

    column: OneColumn
    condition: TextCondition
    where: Scope = EVERYTHING
    threshold: NumberCondition | None = None

    statistic: ClassVar[str] = "ColumnDataType.Compliance"
    no_rows: ClassVar[WhenEmpty] = WhenEmpty.PASSED

    def problem(self) -> str:
        """Only `=` and `!=` with a known type."""
        if self.condition.operator not in (Operator.EQ, Operator.NE):
            return f"ColumnDataType takes `=` or `!=`, not `{self.condition.operator.value}`"
        self.predicate()
        return ""

    def _target(self) -> str:
        (target,) = flat(self.condition)
        if not isinstance(target, Text):
            raise ConditionError("ColumnDataType compares with the name of a type")
        return target.value

    def predicate(self) -> Tree:
        """Castable, or not."""
        castable = casts.castable(column(self.column), self.column.type, self._target(), self.tags.get("format"))
        return castable if self.condition.operator is Operator.EQ else negation(castable)

    def expectation(self) -> str:
        """A type."""
        castable = f"castable to {self._target()}"
        return castable if self.condition.operator is Operator.EQ else f"not {castable}"


@rule_type(analyzer=True)
class DataFreshness(ShareRule):
    """Whether the age of every value of a date, timestamp or text column meets a condition.

    The age is the instant of evaluation minus the value, in hours rounded to 2 decimals; values in the
    future have a negative age. A NULL fails every condition.

    Example:
        DataFreshness "placed" <= 24 hours
    """

    column: OneColumn
    condition: DurationCondition
    where: Scope = EVERYTHING

    statistic: ClassVar[str] = "DataFreshness.Compliance"
    no_rows: ClassVar[WhenEmpty] = WhenEmpty.PASSED

    def problem(self) -> str:
        """Only what names an instant has an age."""
        if self.column.type.is_temporal or self.column.type is Type.STRING:
            return ""
        return wrong_type(self.column, "a date, timestamp or text column")

    def predicate(self) -> Tree:
        """The age meets the condition."""
        today = self.context.now.astimezone(UTC).date()
        seconds = call("DQ_EPOCH", casts.to_timestamp(column(self.column), self.column.type, today))
        now = literal(int(self.context.now.timestamp()))
        age = exp.Div(this=exp.paren(exp.Sub(this=now, expression=seconds)), expression=number("3600.0"))
        hours = exp.Round(this=age, decimals=literal(2))
        return compare(hours, self.condition.operator, [literal(_hours(each)) for each in self.condition.operands])

    def expectation(self) -> str:
        """An age."""
        return f"of age {self.condition}"


def _hours(operand: Operand) -> float:
    assert isinstance(operand, Duration)  # the parser takes nothing else
    return round(_length(operand) / timedelta(hours=1), 4)
