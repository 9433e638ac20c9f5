"""A slow evaluator of rules over lists of rows, written from REFERENCE parts A.3, B, C and F.5 and from nothing else.

It says of a rule its verdict, its metrics, how many rows fail, and what each row of the primary is labelled: True where
it passes, False where it fails, None where the rule says nothing about it.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from functools import cache
from typing import Any

import spark_text

NOW = dt.datetime(2024, 3, 1, 12, 30, 45, tzinfo=dt.UTC)
Row = Mapping[str, Any]
Labels = tuple[bool | None, ...]

# -- data -------------------------------------------------------------------------------------------------------------

INTEGERS = {"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"}
FLOATS = {"f32", "f64"}
NUMBERS = INTEGERS | FLOATS | {"dec", "dec38"}
TIMED = {"ts", "ts_s", "ts_ms", "tz", "paris"}
TEMPORAL = {"date", *TIMED}
NESTED = {"list", "struct"}


@dataclass(frozen=True)
class Table:
    """Columns with their kinds, and rows."""

    kinds: Mapping[str, str]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        assert all(set(row) == set(self.kinds) for row in self.rows)


@dataclass(frozen=True)
class World:
    """The table under test, a reference with the alias `ref`, and how the evaluation is done."""

    primary: Table
    ref: Table
    by_row: bool = False
    skip_filtered: bool = False
    fail_empty_scope: bool = False


# -- conditions (A.3) -------------------------------------------------------------------------------------------------


class Keyword(Enum):
    NULL = "NULL"
    EMPTY = "EMPTY"
    WHITESPACES_ONLY = "WHITESPACES_ONLY"


@dataclass(frozen=True)
class Duration:
    amount: int
    unit: str

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"

    @property
    def length(self) -> dt.timedelta:
        return dt.timedelta(**{self.unit: self.amount})


@dataclass(frozen=True)
class Ago:
    """`(now() - 3 hours)` and `(now() + 3 hours)`: the instant with its seconds cut, moved; `now()` without a duration."""

    by: Duration | None
    sign: str = "-"

    def __str__(self) -> str:
        return f"(now() {self.sign} {self.by})" if self.by else "now()"

    @property
    def finer(self) -> bool:
        return self.by is not None and self.by.unit != "days"

    @property
    def instant(self) -> dt.datetime:
        moved = self.by.length if self.by else dt.timedelta()
        return NOW.replace(second=0, tzinfo=None) + (moved if self.sign == "+" else -moved)


@dataclass(frozen=True)
class Clock:
    """`"13:00"`: a time of today, in UTC."""

    hour: int
    minute: int
    finer = True

    def __str__(self) -> str:
        return f'"{self.hour:02}:{self.minute:02}"'

    @property
    def instant(self) -> dt.datetime:
        return NOW.replace(hour=self.hour, minute=self.minute, second=0, tzinfo=None)


class Sum(Decimal):
    """A whole number, written as a difference of two."""

    def __str__(self) -> str:
        return f"{int(self) + 7} - 7"


def spelled(operand: Any) -> str:
    if isinstance(operand, Sum):
        return str(operand)
    if isinstance(operand, Decimal):
        return f"{operand:f}"
    if isinstance(operand, Keyword):
        return operand.value
    if isinstance(operand, dt.date):
        return f'"{operand}"'
    if isinstance(operand, str):
        return '"' + operand.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(operand)


@dataclass(frozen=True)
class Condition:
    """An operator and its operands, which a variable may stand for."""

    operator: str
    operands: tuple[Any, ...]
    variable: str = ""

    def __str__(self) -> str:
        if self.variable:
            return f"{self.operator} ${self.variable}"
        words = [spelled(each) for each in self.operands]
        if self.operator.endswith("between"):
            return f"{self.operator} {words[0]} and {words[1]}"
        return (
            f"{self.operator} [{', '.join(words)}]" if self.operator.endswith("in") else f"{self.operator} {words[0]}"
        )

    @property
    def values(self) -> tuple[Any, ...]:
        return tuple(each for each in self.operands if not isinstance(each, Keyword))

    @property
    def lists_null(self) -> bool:
        return Keyword.NULL in self.operands

    @property
    def negative(self) -> bool:
        return self.operator in ("!=", "not in")


def order(value: Any) -> Any:
    """NaN is greater than every number (B.0.3)."""
    return (1, 0) if isinstance(value, float) and math.isnan(value) else (0, value)


def compare(operator: str, value: Any, operands: Sequence[Any]) -> bool:
    """A value that is there against operands; both ends of `between` are out."""
    first, last = operands[0], operands[-1]
    return {
        "=": lambda: value == first,
        "!=": lambda: value != first,
        ">": lambda: order(value) > order(first),
        ">=": lambda: order(value) >= order(first),
        "<": lambda: order(value) < order(first),
        "<=": lambda: order(value) <= order(first),
        "between": lambda: order(first) < order(value) < order(last),
        "not between": lambda: order(value) <= order(first) or order(value) >= order(last),
        "in": lambda: value in operands,
        "not in": lambda: value not in operands,
    }[operator]()


# -- rules ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Where:
    """A condition in SQL, and what it says of a row: true, false, or NULL."""

    sql: str
    truth: Callable[[Row], bool | None] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.sql


@dataclass(frozen=True)
class Rule:
    """One use of a rule type; `about` is what its parameters mean, where they are no columns."""

    name: str
    columns: tuple[str, ...] = ()
    condition: Condition | None = None
    where: Where | None = None
    threshold: Condition | None = None
    about: Any = None
    tag: str = ""
    spelling: tuple[str, ...] = ()
    """The columns as they are written, where that is in another letter case."""

    @property
    def written(self) -> tuple[str, ...]:
        return self.spelling or self.columns

    def __str__(self) -> str:
        words = self.about.words(self) if hasattr(self.about, "words") else self.written
        parts = [self.name, *map(spelled, words)]
        if self.condition:
            parts.append(str(self.condition))
        if self.where:
            parts.append(f"where {spelled(str(self.where))}")
        if self.threshold:
            parts.append(f"with threshold {self.threshold}")
        if self.tag:
            parts.append(f"with {self.tag}")
        return " ".join(parts)


@dataclass(frozen=True)
class Composite:
    operator: str
    parts: tuple[Rule | Composite, ...]

    def __str__(self) -> str:
        return f" {self.operator} ".join(f"({part})" for part in self.parts)


@dataclass(frozen=True)
class Returned:
    """CustomSql without a condition: some columns of the rows that a filter keeps."""

    columns: tuple[str, ...]
    keep: Where

    def words(self, rule: Rule) -> tuple[str, ...]:
        return (f"select {', '.join(map(quoted, self.columns))} from primary where {self.keep}",)


@dataclass(frozen=True)
class Answer:
    """CustomSql with a condition: an aggregate of a column, over rows that a filter keeps."""

    aggregate: str
    column: str
    keep: Where

    def words(self, rule: Rule) -> tuple[str, ...]:
        call = (
            f"{self.aggregate} {quoted(self.column)})"
            if "(" in self.aggregate
            else f"{self.aggregate}({quoted(self.column)})"
        )
        return (f"select {call} from primary where {self.keep}",)


@dataclass(frozen=True)
class Partner:
    """Columns of `ref`, paired with the rule's by position; the first `keys` of them are the key of DatasetMatch."""

    columns: tuple[str, ...]
    keys: int = 0

    def words(self, rule: Rule) -> tuple[str, ...]:
        if not self.keys:
            return (",".join(rule.columns), f"ref.{{{','.join(self.columns)}}}")
        pairs = [f"{ours}->{theirs}" for ours, theirs in zip(rule.columns, self.columns, strict=True)]
        return ("ref", ",".join(pairs[: self.keys]), ",".join(pairs[self.keys :]))


@dataclass(frozen=True)
class Aggregates:
    """Two aggregates, each a function and whether its column, in the rule's order, is that of `ref`."""

    first: tuple[str, bool]
    second: tuple[str, bool]

    @property
    def both(self) -> tuple[tuple[str, bool], tuple[str, bool]]:
        return self.first, self.second

    def words(self, rule: Rule) -> tuple[str, ...]:
        pairs = zip(self.both, rule.columns, strict=True)
        return tuple(f"{name}({'ref.' if theirs else ''}{column})" for (name, theirs), column in pairs)


@dataclass(frozen=True)
class Words:
    """Parameters as they are written."""

    text: tuple[str, ...]

    def words(self, rule: Rule) -> tuple[str, ...]:
        return self.text


def quoted(name: str) -> str:
    return f"`{name}`"


# -- what is expected --------------------------------------------------------------------------------------------------

PASSED, FAILED, ERROR = "PASSED", "FAILED", "ERROR"


@dataclass(frozen=True)
class Expected:
    """What a rule should say. More than one verdict: rounding decides. More than one value of a metric: any of them.

    `vacuous`: no row is in scope, which passes where the switch does not say otherwise.
    """

    verdicts: frozenset[str]
    metrics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    failing: tuple[int, int] | None = None
    labels: Labels | None = None
    vacuous: bool = False


def one(verdict: str) -> frozenset[str]:
    return frozenset({verdict})


def named(**values: float) -> dict[str, tuple[float, ...]]:
    return {name: (value,) for name, value in values.items()}


def verdicts(value: float, condition: Condition | None, *, exact: bool) -> frozenset[str]:
    """The judgement of a number; NaN meets no condition (A.3). No condition: it must be 1."""
    if math.isnan(value):
        return one(FAILED)
    asked = condition or Condition("=", (Decimal(1),))
    operands = [float(each) for each in asked.values]
    near = 1e-9 * max(abs(value), 1e-3)
    tried = [value]
    if not exact and math.isfinite(value):  # the rounded value may lie on either side of an operand, or on it
        tried += [value - near, value + near, *(each for each in operands if abs(each - value) <= near)]
    return frozenset(PASSED if compare(asked.operator, each, operands) else FAILED for each in tried)


def statistics(analyzer: Rule, world: World) -> Expected:
    """What an analyzer gathers (E.1): the metrics of a rule that would judge them, of ColumnValues its extremes."""
    conditions = [Condition(operator, (Decimal(0),)) for operator in (">", "<")]
    found = [single(replace(analyzer, condition=each), world) for each in conditions]
    metrics = {name: values for each in found for name, values in each.metrics.items()}
    extremes = analyzer.name in ("ColumnValues", "ColumnLength")
    return replace(
        found[0], metrics={name: metrics[name] for name in metrics if not (extremes and "Compliance" in name)}
    )


def outcome(rule: Rule | Composite, world: World) -> Expected:
    """What is expected of a rule of a ruleset."""
    return whole(rule, world) if isinstance(rule, Composite) else single(rule, world)


# -- scope and emptiness (A.4, B.0.4) ----------------------------------------------------------------------------------

JUDGED_WITHOUT_ROWS = {"RowCount", "DistinctValuesCount", "DuplicateRowCount"}
PASSED_WITHOUT_ROWS = {"ColumnDataType", "DataFreshness"}
SCHEMA_ONLY = {
    "ColumnCount",
    "ColumnExists",
    "ColumnNamesMatchPattern",
    "SchemaMatch",
    "RowCountMatch",
    "AggregateMatch",
}


def in_scope(rule: Rule, row: Row) -> bool:
    return rule.where is None or rule.where.truth(row) is True


def single(rule: Rule, world: World) -> Expected:
    rows = world.primary.rows
    if problem(rule, world):
        return Expected(one(ERROR))
    if rule.name in SCHEMA_ONLY or isinstance(rule.about, Answer):
        return RULES[rule.name](rule, rows, world)
    inside = [row for row in rows if in_scope(rule, row)]
    found = RULES[rule.name](rule, inside, world)
    labels = None if found.labels is None else spread(rule, rows, found.labels, world)
    if inside or rule.name in JUDGED_WITHOUT_ROWS or (rows and rule.name == "ZerosCount"):
        return replace(found, labels=labels)
    passes = rule.name != "UniqueValueRatio" if rows else rule.name in PASSED_WITHOUT_ROWS
    return Expected(one(PASSED if passes and not world.fail_empty_scope else FAILED), labels=labels, vacuous=passes)


def spread(rule: Rule, rows: Sequence[Row], labels: Labels, world: World) -> Labels:
    """The labels of the rows in scope among those of all rows: rows out of scope have passed or are skipped (F.5)."""
    remaining = iter(labels)
    outside = None if world.skip_filtered else True
    return tuple(next(remaining) if in_scope(rule, row) else outside for row in rows)


def problem(rule: Rule, world: World) -> bool:
    """Whether the columns do not allow the rule: one is missing, or its type is another (B.0.5)."""
    if rule.name == "AggregateMatch" or isinstance(rule.about, Partner):
        return reference_problem(rule, world)
    if rule.name in ("SchemaMatch", "RowCountMatch"):
        return rule.about.text != ("ref",)
    if isinstance(rule.about, Returned):
        return not set(rule.about.columns) <= set(world.primary.kinds)
    if rule.name in SCHEMA_ONLY or rule.name == "CustomSql":
        return False
    named = world.primary.kinds if rule.name == "DuplicateRowCount" and not rule.columns else rule.columns
    kinds = [world.primary.kinds.get(each) for each in named]
    if None in kinds or NESTED & set(kinds):
        return True
    numeric = all(kind in NUMBERS for kind in kinds)
    if rule.name in STATISTICS or rule.name == "ColumnCorrelation":
        return not numeric
    if rule.name == "ColumnLength":
        return kinds != ["text"] or (rule.condition is not None and rule.condition.lists_null)
    if rule.name == "DataFreshness":
        return not set(kinds) <= {*TEMPORAL, "text"}
    if rule.name != "ColumnValues":
        return False
    assert rule.condition is not None
    if rule.condition.operator in ("matches", "not matches"):
        return kinds != ["text"]
    sample = next(iter(rule.condition.values), None)
    if isinstance(sample, (dt.date, Ago, Clock)):
        return not set(kinds) <= {*TEMPORAL, "text"}
    ordered = rule.condition.operator in ("=", ">", ">=", "<", "<=", "between")
    return ordered and isinstance(sample, Decimal) and not numeric


def reference_problem(rule: Rule, world: World) -> bool:
    """Whether a column is missing on its side, or nested (B.24 to B.27)."""
    if rule.name == "AggregateMatch":
        sides = [(column, theirs) for column, (_, theirs) in zip(rule.columns, rule.about.both, strict=True)]
    else:
        sides = [*((each, False) for each in rule.columns), *((each, True) for each in rule.about.columns)]
    kinds = [(world.ref if theirs else world.primary).kinds.get(column) for column, theirs in sides]
    return None in kinds or bool(NESTED & set(kinds))


# -- shares of rows ----------------------------------------------------------------------------------------------------


def shared(
    rule: Rule, rows: Sequence[Row], metric: str, complies: Callable[[Row], bool], asked: Condition | None
) -> Expected:
    labels = tuple(complies(row) for row in rows)
    if not rows:
        return Expected(one(FAILED), labels=labels)
    share = sum(labels) / len(labels)
    return Expected(verdicts(share, asked, exact=True), {metric: (share,)}, (labels.count(False), len(labels)), labels)


def of_column(rule: Rule, statistic: str) -> str:
    if not rule.columns:
        return f"Dataset.*.{statistic}"
    return f"{'Column' if len(rule.columns) == 1 else 'Multicolumn'}.{','.join(rule.written)}.{statistic}"


def presence(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    """B.6, B.7."""
    (column,) = rule.columns
    name = of_column(rule, "Completeness")
    return shared(rule, rows, name, lambda row: row[column] is not None, rule.condition)


def values(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    """B.21: each value against the condition, by the condition's kind."""
    (column,) = rule.columns
    assert rule.condition is not None
    condition, kind = rule.condition, world.primary.kinds[column]
    meets = kind_of_condition(condition)(condition, kind)

    def complies(row: Row) -> bool:
        value = row[column]
        if value is None:
            return condition.negative != condition.lists_null if condition.operator in TAKES_NULL else False
        return meets(value)

    found = shared(rule, rows, of_column(rule, "ColumnValues.Compliance"), complies, rule.threshold)
    metrics = dict(found.metrics)
    if condition.operator.endswith("matches") and metrics:
        metrics[of_column(rule, "PatternMatch")] = metrics[of_column(rule, "ColumnValues.Compliance")]
    numeric = all(isinstance(each, (Decimal, Keyword)) for each in condition.operands) and not (
        {Keyword.EMPTY, Keyword.WHITESPACES_ONLY} & set(condition.operands)
    )
    held = [row[column] for row in rows if row[column] is not None]
    if numeric and kind in NUMBERS and held:
        for statistic in EXTREMES.get(condition.operator, ()):
            extreme = (min if statistic == "Minimum" else max)(held, key=order)
            metrics[of_column(rule, statistic)] = (float(extreme),)
    (low,) = metrics.get(of_column(rule, "Minimum"), (0.0,))
    if math.isnan(low) and rule.threshold is None and PASSED in found.verdicts:
        # Every value is NaN: a minimum that is NaN meets no condition (A.3), though no row fails.
        return Expected(one(FAILED), metrics, labels=found.labels)
    return replace(found, metrics=metrics)


TAKES_NULL = ("=", "!=", "in", "not in")
EXTREMES = {">": ("Minimum",), ">=": ("Minimum",), "<": ("Maximum",), "<=": ("Maximum",), "=": ("Minimum", "Maximum")}
Meets = Callable[[Any], bool]


def kind_of_condition(condition: Condition) -> Callable[[Condition, str], Meets]:
    sample = next(iter(condition.values), None)
    if condition.operator.endswith("matches"):
        return by_pattern
    if isinstance(sample, (dt.date, Ago, Clock)):
        return by_date
    texts = isinstance(sample, str) or {Keyword.EMPTY, Keyword.WHITESPACES_ONLY} & set(condition.operands)
    return by_text if texts else by_number


def by_number(condition: Condition, kind: str) -> Meets:
    """By value; a list beside a text by the text of a double, and what is no number meets nothing (B.0.5)."""
    if not condition.values:
        return lambda value: condition.negative
    if kind == "text" and condition.operator.endswith("in"):
        texts = [repr(float(each)) for each in condition.values]
        return lambda value: compare(condition.operator, value, texts)
    read = READ_AS_NUMBER.get(kind, Decimal if kind in NUMBERS else nothing)
    operands = [Decimal(each) if read is Decimal else float(each) for each in condition.values]

    def meets(value: Any) -> bool:
        number = read(value)
        return number is not None and compare(condition.operator, number, operands)

    return meets


READ_AS_NUMBER: dict[str, Callable[[Any], Any]] = {"f32": float, "f64": float, "bool": float, "text": spark_text.real}


def nothing(value: Any) -> None:
    return None


def by_text(condition: Condition, kind: str) -> Meets:
    def among(text: str) -> bool:
        blank = text != "" and text.strip(" ") == ""
        keywords = {Keyword.EMPTY: text == "", Keyword.WHITESPACES_ONLY: blank, Keyword.NULL: False}
        return any(keywords[each] if isinstance(each, Keyword) else text == each for each in condition.operands)

    return lambda value: among(as_text(value)) != condition.negative


def as_text(value: Any) -> str:
    """As Spark writes it: an instant in UTC without its zone."""
    if isinstance(value, dt.datetime):
        return str(as_instant(value))
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float):
        return JAVA_SPELLS.get(repr(value), repr(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


JAVA_SPELLS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "1000000000.0": "1.0E9"}


def by_pattern(condition: Condition, kind: str) -> Meets:
    """The whole value; NULL fails both `matches` and `not matches` (J9, J10)."""
    pattern = re.compile(condition.operands[0], re.ASCII)
    return lambda value: (pattern.fullmatch(value) is not None) == (condition.operator == "matches")


def by_date(condition: Condition, kind: str) -> Meets:
    """By day; by time where the column has one and an operand is finer than a day (B.21.4)."""
    finer = any(getattr(each, "finer", False) for each in condition.values) and kind in TIMED
    instants = [at_midnight(each) if isinstance(each, dt.date) else each.instant for each in condition.values]
    operands: list[Any] = instants if finer else [each.date() for each in instants]

    def meets(value: Any) -> bool:
        moment = as_instant(value) if finer else as_day(value)
        return moment is not None and compare(condition.operator, moment, operands)

    return meets


def at_midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time())


def as_instant(value: Any) -> dt.datetime | None:
    """In UTC and without a zone; None for a text that is no date."""
    if isinstance(value, str):
        return spark_text.instant(value, NOW.date())
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    return at_midnight(value)


def as_day(value: Any) -> dt.date | None:
    """The day in UTC; the day of a text is what it says, whatever its zone."""
    moment = spark_text.day(value) if isinstance(value, str) else as_instant(value)
    return moment.date() if isinstance(moment, dt.datetime) else moment


def length(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    """B.20: in code points, NULL is 0; the extremes leave NULL out."""
    (column,) = rule.columns
    assert rule.condition is not None
    operator, operands = rule.condition.operator, rule.condition.values
    found = shared(
        rule, rows, of_column(rule, "LengthCompliance"),
        lambda row: compare(operator, Decimal(len(row[column] or "")), operands), rule.threshold,
    )  # fmt: skip
    metrics = dict(found.metrics)
    lengths = [len(row[column]) for row in rows if row[column] is not None]
    for statistic in EXTREMES.get(operator, ("Minimum", "Maximum")) if lengths else ():
        metrics[of_column(rule, f"{statistic}Length")] = (
            float(min(lengths) if statistic == "Minimum" else max(lengths)),
        )
    return replace(found, metrics=metrics)


CASTS: dict[str, Callable[[str], Any]] = {
    "Integer": lambda value: spark_text.whole(value, 32),
    "Long": lambda value: spark_text.whole(value, 64),
    "Double": spark_text.real,
    "Float": spark_text.real,
    "Boolean": spark_text.truth,
    "Date": spark_text.day,
    "Timestamp": lambda value: spark_text.instant(value, NOW.date()),
    "DECIMAL(5,2)": lambda value: spark_text.decimal_of(value, 5, 2),
}
"""How Spark reads a text as each type, None for NULL (B.12)."""


def castable(value: Any, target: str, kind: str, pattern: str) -> bool:
    """Whether a cast gives a value; numbers and instants are no dates, and days are no numbers."""
    if value is None:
        return False
    if pattern and target == "Date" and (kind == "text" or pattern not in FORMATS):
        return pattern in FORMATS and in_format(value, pattern)
    if kind == "text":
        return CASTS[target](value) is not None
    if target == "DECIMAL(5,2)":
        return abs(value) < 1000
    if kind in TEMPORAL:
        return kind != "date" or target in ("Date", "Timestamp")
    if target == "Timestamp":
        return kind == "bool" or (kind in NUMBERS and math.isfinite(value))
    return target != "Date" and (kind == "bool" or kind in NUMBERS)


FORMATS = {"dd-MM-yyyy", "MM/dd/yyyy", "yyyy-MM-dd", "yyyy-MM", "MM/yyyy", "dd-MM"}
"""Some of those that B.12 lists."""


def in_format(value: str, pattern: str) -> bool:
    """Exactly as the pattern says; the day is 01 and the year 2000 where it says none."""
    groups = {"yyyy": "(?P<y>[0-9]{4})", "MM": "(?P<m>[0-9]{2})", "dd": "(?P<d>[0-9]{2})"}
    found = re.fullmatch(re.sub("yyyy|MM|dd", lambda part: groups[part[0]], pattern), value, re.ASCII)
    parts = {"y": "2000", "m": "01", "d": "01", **(found.groupdict() if found else {})}
    return found is not None and spark_text.day(f"{parts['y']}-{parts['m']}-{parts['d']}") is not None


def data_type(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    (column,) = rule.columns
    assert rule.condition is not None
    (target,) = rule.condition.operands
    equal, kind, pattern = rule.condition.operator == "=", world.primary.kinds[column], rule.tag[len('format = "') : -1]

    def complies(row: Row) -> bool:
        return castable(row[column], target, kind, pattern) == equal

    return shared(rule, rows, of_column(rule, "ColumnDataType.Compliance"), complies, rule.threshold)


def freshness(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    """B.22: ages in hours, rounded to 2 decimals; NULL fails every operator."""
    (column,) = rule.columns
    assert rule.condition is not None
    operator = rule.condition.operator
    operands = [Decimal(str(round(each.length / dt.timedelta(hours=1), 4))) for each in rule.condition.operands]

    def complies(row: Row) -> bool:
        moment = None if row[column] is None else as_instant(row[column])
        return moment is not None and compare(operator, age(moment), operands)

    return shared(rule, rows, of_column(rule, "DataFreshness.Compliance"), complies, None)


def age(moment: dt.datetime) -> Decimal:
    seconds = (NOW.replace(tzinfo=None) - moment) // dt.timedelta(seconds=1)
    return (Decimal(seconds) / 3600).quantize(Decimal("0.01"), ROUND_HALF_UP)


# -- groups (B.8 to B.14, B.35) ----------------------------------------------------------------------------------------


def key(value: Any) -> Any:
    """A value as groups see it: NaN is equal to itself, and both zeros are equal."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    return value


def grouped(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    columns = rule.columns or tuple(world.primary.kinds)
    keys = [tuple(key(row[each]) for each in columns) for row in rows]
    empty = (None,) * len(columns)
    counts = Counter(each for each in keys if each != empty)
    total, singles = sum(counts.values()), sum(n == 1 for n in counts.values())
    primary = rule.name == "IsPrimaryKey"
    labels: Labels = tuple(
        False if primary and None in each else None if each == empty else counts[each] == 1 for each in keys
    )
    failing = (labels.count(False), len(rows) if primary else total)
    if rule.name == "DuplicateRowCount":
        repeated = total - singles
        metrics = {of_column(rule, rule.name): (float(repeated),)}
        return Expected(verdicts(repeated, rule.condition, exact=True), metrics, failing, labels)
    if not counts:
        return Expected(one(FAILED), labels=labels)
    if rule.name == "UniqueValueRatio":
        metrics = {of_column(rule, rule.name): (singles / len(counts),)}
        return Expected(verdicts(singles / len(counts), rule.condition, exact=True), metrics, failing, labels)
    uniqueness = singles / total
    metrics = {of_column(rule, "Uniqueness"): (uniqueness,)}
    judged = verdicts(uniqueness, rule.condition, exact=True)
    if primary:
        shares = {
            written: sum(row[each] is not None for row in rows) / len(rows)
            for each, written in zip(columns, rule.written, strict=True)
        }
        metrics |= {f"Column.{each}.Completeness": (share,) for each, share in shares.items()}
        judged = judged if all(share == 1 for share in shares.values()) else one(FAILED)
    return Expected(judged, metrics, failing, labels)


def distinct(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    """B.13: as text, so 0.0 and -0.0 differ; NULL is one of them."""
    found = len({repr(row[rule.columns[0]]) for row in rows})
    metrics = {of_column(rule, rule.name): (float(found),)}
    return Expected(verdicts(found, rule.condition, exact=True), metrics)


def entropy(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    """B.14: in nats."""
    counts = Counter(key(row[rule.columns[0]]) for row in rows if row[rule.columns[0]] is not None)
    if not counts:
        return Expected(one(FAILED))
    total = sum(counts.values())
    value = abs(math.fsum(n / total * math.log(n / total) for n in counts.values()))
    metrics = {of_column(rule, rule.name): (value,)}
    return Expected(verdicts(value, rule.condition, exact=len(counts) == 1), metrics)


# -- statistics (B.15 to B.19, B.36 to B.40) ---------------------------------------------------------------------------


def total(held: Sequence[Any]) -> float:
    """The sum as a double: exact for integers and decimals."""
    if not all(isinstance(each, float) for each in held):
        return float(sum(held))
    if all(map(math.isfinite, held)):
        return math.fsum(held)
    return sum(each for each in held if not math.isfinite(each))


def moment(held: Sequence[float], power: int) -> float:
    """The sum of the distances from the mean to a power; NaN where a value is not finite."""
    mean = total(held) / len(held)
    return math.fsum((each - mean) ** power for each in held) if math.isfinite(mean) else math.nan


def quantile(held: Sequence[float], share: float) -> float:
    """With linear interpolation at position q·(n − 1); NaN is above every number."""
    ordered = sorted(held, key=order)
    position = share * (len(ordered) - 1)
    low, high = ordered[math.floor(position)], ordered[math.ceil(position)]
    return low if low == high or position == int(position) else low + (high - low) * (position - int(position))


def shape(held: Sequence[float], power: int) -> float:
    """The standardised moment; 0 where the values do not vary."""
    variance = moment(held, 2) / len(held)
    return (
        0.0 if variance == 0 else moment(held, power) / len(held) / variance ** (power / 2) - (3 if power == 4 else 0)
    )


STATISTICS: dict[str, Callable[[Sequence[Any], Sequence[float]], float]] = {
    "Mean": lambda held, doubles: total(held) / len(held),
    "Sum": lambda held, doubles: total(held),
    "Variance": lambda held, doubles: moment(doubles, 2) / len(held),
    "StandardDeviation": lambda held, doubles: math.sqrt(moment(doubles, 2) / len(held)),
    "Range": lambda held, doubles: float(max(held, key=order) - min(held, key=order)),
    "InterquartileRange": lambda held, doubles: quantile(doubles, 0.75) - quantile(doubles, 0.25),
    "Skewness": lambda held, doubles: shape(doubles, 3),
    "Kurtosis": lambda held, doubles: shape(doubles, 4),
    "ZerosCount": lambda held, doubles: float(sum(each == 0 for each in held)),
}
EXACT = {"Sum", "Range", "ZerosCount"}


def statistic(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    (column,) = rule.columns
    held = [row[column] for row in rows if row[column] is not None]
    if not held and rule.name != "ZerosCount":
        return Expected(one(FAILED))
    value = STATISTICS[rule.name](held, [float(each) for each in held])
    exact = rule.name in EXACT and (rule.name == "ZerosCount" or world.primary.kinds[column] in INTEGERS)
    return Expected(verdicts(value, rule.condition, exact=exact), {of_column(rule, rule.name): (value,)})


def correlation(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    """Pearson's, over rows with both values; NaN where a column does not vary."""
    both = [
        tuple(float(row[each]) for each in rule.columns)
        for row in rows
        if None not in (row[each] for each in rule.columns)
    ]
    if not both:
        return Expected(one(FAILED))
    xs, ys = zip(*both, strict=True)
    value = math.nan
    if moment(xs, 2) > 0 and moment(ys, 2) > 0:
        x, y = total(xs) / len(xs), total(ys) / len(ys)
        together = math.fsum((a - x) * (b - y) for a, b in both)
        value = together / math.sqrt(moment(xs, 2)) / math.sqrt(moment(ys, 2))
    return Expected(verdicts(value, rule.condition, exact=False), {of_column(rule, rule.name): (value,)})


# -- the table as a whole (B.1 to B.5) ---------------------------------------------------------------------------------


def row_count(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    return Expected(verdicts(len(rows), rule.condition, exact=True), {"Dataset.*.RowCount": (len(rows),)})


def column_count(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    count = len(world.primary.kinds)
    return Expected(verdicts(count, rule.condition, exact=True), {"Dataset.*.ColumnCount": (count,)})


def column_exists(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    (name,) = rule.about.text
    exists = name in world.primary.kinds
    return Expected(one(PASSED if exists else FAILED), {f"Dataset.{name}.ColumnExists": (float(exists),)})


def names_match(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    (pattern,) = rule.about.text
    matching = sum(re.fullmatch(pattern, name, re.ASCII) is not None for name in world.primary.kinds)
    share = matching / len(world.primary.kinds)
    return Expected(verdicts(share, None, exact=True), {"Dataset.*.ColumnNamesPatternMatchRatio": (share,)})


def schema_match(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    """Names without regard to letter case (B.0.5)."""
    theirs = {(name.lower(), SPARK.get(kind, kind)) for name, kind in world.ref.kinds.items()}
    ours = [(name.lower(), SPARK.get(kind, kind)) in theirs for name, kind in world.primary.kinds.items()]
    share = sum(ours) / len(ours)
    return Expected(verdicts(share, rule.condition, exact=True), {"Dataset.ref.SchemaMatch": (share,)})


SPARK = {"u8": "i16", "u16": "i32", "u32": "i64", "paris": "tz", "ts_s": "ts", "ts_ms": "ts"}
"""Kinds that Spark reads as another."""


# -- SQL (B.23) --------------------------------------------------------------------------------------------------------


def custom_sql(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    if isinstance(rule.about, Answer):
        return answer(rule, rows)
    columns, keep = rule.about.columns, rule.about.keep
    kept = {tuple(key(row[each]) for each in columns) for row in rows if keep.truth(row) is True}
    name = "Dataset.*.CustomSQL.Compliance"
    return shared(rule, rows, name, lambda row: tuple(key(row[each]) for each in columns) in kept, rule.threshold)


def answer(rule: Rule, rows: Sequence[Row]) -> Expected:
    """One number; NULL fails the rule (J15)."""
    asked = rule.about
    held = [row[asked.column] for row in rows if asked.keep.truth(row) is True and row[asked.column] is not None]
    aggregates: dict[str, Callable[[], Any]] = {
        "count": lambda: len(held),
        "count(distinct": lambda: len({key(each) for each in held}),
        "sum": lambda: total(held) if held else None,
        "avg": lambda: total(held) / len(held) if held else None,
        "max": lambda: max(held, key=order, default=None),
        "min": lambda: min(held, key=order, default=None),
    }
    value = aggregates[asked.aggregate]()
    if value is None:
        return Expected(one(FAILED))
    exact = asked.aggregate not in ("sum", "avg") or not any(isinstance(each, float) for each in held)
    return Expected(verdicts(float(value), rule.condition, exact=exact), {"Dataset.*.CustomSQL": (float(value),)})


# -- references (B.24 to B.27) -----------------------------------------------------------------------------------------


def same(left: Any, right: Any) -> bool:
    """`=` of two values that are there: as doubles where one is a double, and NaN equals itself."""
    if isinstance(left, float) or isinstance(right, float):
        left, right = float(left), float(right)
        return left == right or (math.isnan(left) and math.isnan(right))
    return bool(left == right)


def equal(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return all(a is not None and b is not None and same(a, b) for a, b in zip(left, right, strict=True))


def null_safe(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return all((a is None and b is None) or equal([a], [b]) for a, b in zip(left, right, strict=True))


def tuples(rows: Iterable[Row], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    return [tuple(row[each] for each in columns) for row in rows]


def integrity(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    theirs = tuples(world.ref.rows, rule.about.columns)

    @cache
    def found(ours: tuple[Any, ...]) -> bool:
        return any(equal(ours, each) for each in theirs)

    name = "Column.ref.ReferentialIntegrity"
    return shared(rule, rows, name, lambda row: found(tuple(row[each] for each in rule.columns)), rule.condition)


def dataset_match(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    """Keys must be unique in both; beside the key NULL equals NULL."""
    width = rule.about.keys
    ours, theirs = tuples(rows, rule.columns), tuples(world.ref.rows, rule.about.columns)
    if rows and any(len({tuple(map(key, each[:width])) for each in side}) < len(side) for side in (ours, theirs)):
        return Expected(one(FAILED))

    def found(row: Row) -> bool:
        mine = tuple(row[each] for each in rule.columns)
        return any(equal(mine[:width], each[:width]) and null_safe(mine[width:], each[width:]) for each in theirs)

    return shared(rule, rows, "Dataset.ref.DatasetMatch", found, rule.condition)


def row_count_match(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    if not world.ref.rows:
        return Expected(one(FAILED))
    ratio = len(rows) / len(world.ref.rows)
    return Expected(verdicts(ratio, rule.condition, exact=True), {"Dataset.ref.RowCountMatch": (ratio,)})


def aggregate_match(rule: Rule, rows: Sequence[Row], world: World) -> Expected:
    """0 over 0 is 1, anything else over 0 is 0; an aggregate without a value counts as 0."""

    def aggregate(name: str, theirs: bool, column: str) -> float:
        held = [row[column] for row in (world.ref.rows if theirs else rows) if row[column] is not None]
        return total(held) / (len(held) if name == "avg" else 1) if held else 0.0

    pairs = zip(rule.about.both, rule.columns, strict=True)
    above, below = (aggregate(name, theirs, column) for (name, theirs), column in pairs)
    ratio = (1.0 if above == 0 else 0.0) if below == 0 else above / below
    name = f"Column.{','.join(dict.fromkeys(rule.columns))}.AggregateMatch"
    return Expected(verdicts(ratio, rule.condition, exact=False), {name: (ratio,)})


RULES: dict[str, Callable[[Rule, Sequence[Row], World], Expected]] = {
    "RowCount": row_count, "ColumnCount": column_count, "ColumnExists": column_exists,
    "ColumnNamesMatchPattern": names_match, "SchemaMatch": schema_match,
    "Completeness": presence, "IsComplete": presence, "ColumnValues": values, "ColumnLength": length,
    "ColumnDataType": data_type, "DataFreshness": freshness,
    **dict.fromkeys(("Uniqueness", "IsUnique", "IsPrimaryKey", "UniqueValueRatio", "DuplicateRowCount"), grouped),
    "DistinctValuesCount": distinct, "Entropy": entropy, "ColumnCorrelation": correlation,
    **dict.fromkeys(STATISTICS, statistic),
    "CustomSql": custom_sql, "ReferentialIntegrity": integrity, "DatasetMatch": dataset_match,
    "RowCountMatch": row_count_match, "AggregateMatch": aggregate_match,
}  # fmt: skip


# -- composites (C) ----------------------------------------------------------------------------------------------------

NOT_BY_ROW = {"Completeness", "Uniqueness", "ReferentialIntegrity", "DatasetMatch"}


def leaves(rule: Rule | Composite) -> list[Rule]:
    return [rule] if isinstance(rule, Rule) else [each for part in rule.parts for each in leaves(part)]


def whole(composite: Composite, world: World) -> Expected:
    found = by_column(composite, world)
    singles = leaves(composite)
    shares = any(each.name in NOT_BY_ROW or each.threshold for each in singles)
    if not world.by_row or shares or found.labels is None:
        return found
    if all(single(each, world).vacuous for each in singles):  # no part has a row to look at: as the parts
        return replace(found, verdicts=one(FAILED if world.fail_empty_scope else PASSED))
    rows = len(world.primary.rows)
    fails = found.labels.count(False)
    passed = rows > 0 and not fails
    return replace(found, verdicts=one(PASSED if passed else FAILED), failing=(fails, rows) if rows else None)


def by_column(composite: Composite, world: World) -> Expected:
    parts = [by_column(each, world) if isinstance(each, Composite) else single(each, world) for each in composite.parts]
    join = all_of if composite.operator == "and" else any_of
    possible = frozenset(join(each) for each in itertools.product(*(part.verdicts for part in parts)))
    metrics: dict[str, tuple[float, ...]] = {}
    for part in parts:
        for name, held in part.metrics.items():
            metrics[name] = metrics.get(name, ()) + held
    if any(part.labels is None for part in parts):
        return Expected(possible, metrics)
    three_valued = logical_and if composite.operator == "and" else logical_or
    labels = tuple(map(three_valued, zip(*(part.labels or () for part in parts), strict=True)))
    return Expected(possible, metrics, labels=labels)


def all_of(parts: Sequence[str]) -> str:
    return FAILED if FAILED in parts else ERROR if ERROR in parts else PASSED


def any_of(parts: Sequence[str]) -> str:
    return PASSED if PASSED in parts else ERROR if ERROR in parts else FAILED


def logical_and(parts: Sequence[bool | None]) -> bool | None:
    return False if False in parts else None if None in parts else True


def logical_or(parts: Sequence[bool | None]) -> bool | None:
    return True if True in parts else None if None in parts else False
