"""DQDL to Great Expectations: one row for each rule type that has a counterpart.

A row makes expectations of a rule, all of which must hold where the rule does; its example shows it in docs/gx.md.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from dq.conditions import ConditionError, number
from dq.gx.patterns import anchored
from dq.gx.reports import Fidelity, Lost
from dq.gx.scopes import scope_of
from dq.gx.suites import Expectation
from dq.lazy import exp, sqlglot
from dq.syntax import Condition, Date, Keyword, Kind, Null, Number, Operand, Operator, Rule, Text, Variable

if TYPE_CHECKING:
    from dq.tree import Tree

Wanted = list[tuple[str, dict[str, Any]]]
"""Expectations as their types and kwargs."""


@dataclass(frozen=True, slots=True)
class Row:
    """How the rules of a type become expectations: `build` makes them; `example` is a rule to show it with."""

    build: Callable[[Writing], Wanted]
    example: str


@dataclass(frozen=True, slots=True)
class Written:
    """The expectations that a rule became, and what keeps them from being exact."""

    expectations: tuple[Expectation, ...]
    fidelity: Fidelity
    reason: str = ""


@dataclass(slots=True)
class Writing:
    """A rule while expectations are made of it."""

    rule: Rule
    _reasons: dict[str, None] = field(default_factory=dict)

    def approximate(self, reason: str) -> None:
        """Remembers why the expectations are not exactly the rule."""
        self._reasons[reason] = None

    @property
    def reason(self) -> str:
        """Why the expectations are not exactly the rule; empty when they are."""
        return "; ".join(self._reasons)

    @property
    def words(self) -> list[str]:
        """The parameters."""
        return [each.value for each in self.rule.parameters]

    @property
    def condition(self) -> Condition:
        """The condition, which rule types that ask for it have."""
        assert self.rule.condition is not None
        return self.rule.condition

    def scope(self, *columns: str) -> tuple[dict[str, Any], bool]:
        """The where clause as kwargs, and whether it leaves out the rows in which one of the columns is NULL."""
        if self.rule.where is None:
            return {}, False
        condition, present = scope_of(self.rule.where.value)
        skips = bool(columns) and {each.casefold() for each in columns} <= {each.casefold() for each in present}
        kept = condition(leaving_out=columns if skips else ())
        return ({} if kept is None else {"row_condition": kept}), skips


def convert(rule: Rule) -> Written:
    """The expectations that say what a rule says, without what its labels say.

    Raises:
        Lost: there are none.
    """
    row = ROWS.get(rule.name)
    if row is None:
        raise Lost("Great Expectations has nothing like this rule type")
    ignored = [tag.name for tag in rule.tags if tag.name != "threshold"]
    if ignored:
        raise Lost(f"`with {ignored[0]}` has no counterpart")
    writing = Writing(rule)
    wanted = row.build(writing)
    fidelity = Fidelity.APPROXIMATE if writing.reason else Fidelity.EXACT
    return Written(tuple(Expectation(kind, kwargs) for kind, kwargs in wanted), fidelity, writing.reason)


# -- conditions ----------------------------------------------------------------------------------------


def _constant(operand: Operand) -> float | int:
    """A number; whole ones as such."""
    try:
        value = number(operand)
    except ConditionError as error:
        raise Lost(error.message) from None
    if isinstance(operand, Number) and "." not in operand.text:
        return int(operand.text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _bounds(condition: Condition, read: Callable[[Operand], Any] = _constant) -> dict[str, Any]:
    """The kwargs of an expectation on a number: what lies between bounds, which are strict or not."""
    first, last = read(condition.operands[0]), read(condition.operands[-1])
    found: dict[Operator, dict[str, Any]] = {
        Operator.EQ: {"min_value": first, "max_value": first},
        Operator.GT: {"min_value": first, "strict_min": True},
        Operator.GE: {"min_value": first},
        Operator.LT: {"max_value": first, "strict_max": True},
        Operator.LE: {"max_value": first},
        Operator.BETWEEN: {"min_value": first, "max_value": last, "strict_min": True, "strict_max": True},
    }
    if condition.operator is Operator.IN and len(condition.operands) == 1:
        return found[Operator.EQ]
    if condition.operator not in found:
        raise Lost(f"no expectation judges a number by `{condition.operator.value}`")
    return found[condition.operator]


def _whole_bounds(condition: Condition) -> dict[str, Any]:
    """The same of a count, as whole numbers that are both taken in."""
    bounds = _bounds(condition)
    found: dict[str, Any] = {}
    if "min_value" in bounds:
        low = bounds["min_value"]
        found["min_value"] = math.floor(low) + 1 if bounds.get("strict_min") else math.ceil(low)
    if "max_value" in bounds:
        high = bounds["max_value"]
        found["max_value"] = math.ceil(high) - 1 if bounds.get("strict_max") else math.floor(high)
    if found.get("min_value", -math.inf) > found.get("max_value", math.inf):
        raise Lost("no count can meet the condition")
    return found


def _least(condition: Condition | None) -> float | None:
    """The share that must be reached, one above a bound that is left out; None where the condition is another."""
    if condition is None:
        return 1.0
    if condition.operator not in (Operator.GE, Operator.GT, Operator.EQ):
        return None
    share = float(_constant(condition.operands[0]))
    if condition.operator is Operator.EQ:
        return 1.0 if share == 1 else None
    least = math.nextafter(share, math.inf) if condition.operator is Operator.GT else share
    return least if 0 <= least <= 1 else None


def _mostly(share: float) -> dict[str, Any]:
    return {} if share == 1 else {"mostly": share}


# -- the table as a whole ------------------------------------------------------------------------------


def _row_count(w: Writing) -> Wanted:
    try:
        scope, _ = w.scope()
    except Lost:
        none = w.condition.operator is Operator.EQ and _constant(w.condition.operands[0]) == 0
        if not none or w.rule.where is None:
            raise
        tree = sqlglot.parse_one(w.rule.where.value, dialect="spark", into=exp.Condition)
        return _unexpected(w, exp.select("*").from_("primary").where(tree))
    bounds = _whole_bounds(w.condition)
    if bounds.get("min_value") == bounds.get("max_value") and not scope:
        return [("expect_table_row_count_to_equal", {"value": bounds["min_value"]})]
    return [("expect_table_row_count_to_be_between", bounds | scope)]


def _row_count_match(w: Writing) -> Wanted:
    if _least(w.condition) != 1 or w.condition.operator is not Operator.EQ:
        raise Lost("GX only compares two numbers of rows for equality")
    w.approximate("GX looks for the other table in the data source of the batch")
    return [("expect_table_row_count_to_equal_other_table", {"other_table_name": w.words[0]})]


def _column_count(w: Writing) -> Wanted:
    bounds = _whole_bounds(w.condition)
    if bounds.get("min_value") == bounds.get("max_value"):
        return [("expect_table_column_count_to_equal", {"value": bounds["min_value"]})]
    return [("expect_table_column_count_to_be_between", bounds)]


def _column_exists(w: Writing) -> Wanted:
    return [("expect_column_to_exist", {"column": w.words[0]})]


def _custom_sql(w: Writing) -> Wanted:
    condition = w.rule.condition
    if condition is None or condition.operator is not Operator.EQ or _constant(condition.operands[0]) != 0:
        raise Lost("only a query that counts rows, which must be 0, has a counterpart")
    try:
        tree = sqlglot.parse_one(w.words[0], dialect="spark")
    except (sqlglot.errors.SqlglotError, RecursionError):
        raise Lost("the query is not read as Spark SQL") from None
    counted = isinstance(tree, exp.Select) and [each.sql().upper() for each in tree.expressions] == ["COUNT(*)"]
    if not counted or any(tree.args.get(clause) for clause in ("group", "having", "limit", "with_", "distinct")):
        raise Lost("only a query that counts rows, which must be 0, has a counterpart")
    if any(each.name.casefold() != "primary" for each in tree.find_all(exp.Table)):
        raise Lost("the query reads other tables")
    tree.set("expressions", [exp.Star()])
    return _unexpected(w, tree)


_BATCH = "__batch__"


def _unexpected(w: Writing, query: Tree) -> Wanted:
    """The rows that must not be there; GX writes the name of the table in by `str.format`."""
    w.approximate("the query is Spark's, and GX hands it to the data source as it is; on pandas it cannot run it")
    for each in list(query.find_all(exp.Table)):
        each.set("this", exp.to_identifier(_BATCH))
    text = query.sql(dialect="spark").replace("{", "{{").replace("}", "}}").replace(_BATCH, "{batch}")
    return [("unexpected_rows_expectation", {"unexpected_rows_query": text})]


# -- missing and repeated values -----------------------------------------------------------------------


def _complete(w: Writing) -> Wanted:
    scope, _ = w.scope()
    least = _least(w.rule.condition)
    if least is not None:
        return [("expect_column_values_to_not_be_null", {"column": w.words[0], **_mostly(least), **scope})]
    bounds = _bounds(w.condition)
    return [("expect_column_proportion_of_non_null_values_to_be_between", {"column": w.words[0], **bounds, **scope})]


def _unique(w: Writing) -> Wanted:
    least = _least(w.rule.condition)
    if least is None:
        raise Lost("GX only asks for at least a share of rows whose values are unique")
    if len(w.words) == 1:
        scope, _ = w.scope(w.words[0])
        return [("expect_column_values_to_be_unique", {"column": w.words[0], **_mostly(least), **scope})]
    scope, _ = w.scope()
    return [("expect_compound_columns_to_be_unique", {"column_list": w.words, **_mostly(least), **scope})]


def _primary_key(w: Writing) -> Wanted:
    scope, _ = w.scope()
    return [
        *(("expect_column_values_to_not_be_null", {"column": name, **scope}) for name in w.words),
        *_unique(w),
    ]


def _distinct_values(w: Writing) -> Wanted:
    scope, skips = w.scope(w.words[0])
    if not skips:
        w.approximate("DQDL counts NULL as a value, GX does not")
    return [("expect_column_unique_value_count_to_be_between", {"column": w.words[0], **_bounds(w.condition), **scope})]


# -- statistics ----------------------------------------------------------------------------------------


def _statistic(kind: str, reason: str, w: Writing) -> Wanted:
    scope, _ = w.scope()
    if reason:
        w.approximate(reason)
    return [(kind, {"column": w.words[0], **_bounds(w.condition), **scope})]


# -- values --------------------------------------------------------------------------------------------


def _values(w: Writing, kind: str, kwargs: Mapping[str, Any], *, null_passes: bool) -> Wanted:
    """An expectation on values, and one that they are there where a NULL fails the rule, which GX skips."""
    column = w.words[0]
    scope, skips = w.scope(column)
    least = _least(w.rule.threshold)
    if least is None:
        raise Lost("GX only asks for at least a share of rows")
    if least < 1 and not skips:
        w.approximate("`mostly` is a share of the rows with a value, the threshold one of all rows")
    wanted = [(kind, {"column": column, **kwargs, **_mostly(least), **scope})]
    if null_passes or skips or least < 1:
        return wanted
    return [("expect_column_values_to_not_be_null", {"column": column, **scope}), *wanted]


def _column_values(w: Writing) -> Wanted:
    operands = list(_flat(w.condition.operands))
    given = [each for each in operands if not (isinstance(each, Null) and each.keyword is Keyword.NULL)]
    listed = len(given) < len(operands)
    operator = w.condition.operator
    negative = operator in (Operator.NE, Operator.NOT_IN)
    if not given:
        if negative:
            return [("expect_column_values_to_not_be_null", {"column": w.words[0], **_share(w), **w.scope()[0]})]
        return [("expect_column_values_to_be_null", {"column": w.words[0], **_share(w), **w.scope()[0]})]
    if operator in (Operator.MATCHES, Operator.NOT_MATCHES):
        word = "not_match" if operator is Operator.NOT_MATCHES else "match"
        pattern = {"regex": _python(anchored(_value(given[0])))}
        return _values(w, f"expect_column_values_to_{word}_regex", pattern, null_passes=False)
    if operator in (Operator.EQ, Operator.IN, Operator.NE, Operator.NOT_IN):
        if w.condition.kind is Kind.DATE:
            raise Lost("GX compares a list of dates differently on each of its engines")
        word = "not_be" if negative else "be"
        kwargs = {"value_set": [_value(each) for each in given]}
        return _values(w, f"expect_column_values_to_{word}_in_set", kwargs, null_passes=listed != negative)
    if w.condition.kind is Kind.DATE:
        w.approximate("DQDL compares days, GX the time of day too")
    return _values(w, "expect_column_values_to_be_between", _bounds(w.condition, _value), null_passes=False)


def _python(pattern: str) -> str:
    """A pattern that Python reads as Java does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
    except (re.error, FutureWarning, DeprecationWarning, RecursionError):
        raise Lost("the regular expression is Java's, and Python's has no such construct") from None
    return pattern


def _share(w: Writing) -> dict[str, Any]:
    least = _least(w.rule.threshold)
    if least is None:
        raise Lost("GX only asks for at least a share of rows")
    return _mostly(least)


def _flat(operands: Sequence[Operand]) -> Iterator[Operand]:
    for each in operands:
        yield from each.values if isinstance(each, Variable) else (each,)


def _value(operand: Operand) -> Any:
    """An operand as a value of JSON."""
    if isinstance(operand, Text):
        return operand.value
    if isinstance(operand, Date):
        return operand.text
    if isinstance(operand, Null) and operand.keyword is Keyword.EMPTY:
        return ""
    if isinstance(operand, Null) or not isinstance(operand, Number):
        return _constant(operand) if not isinstance(operand, Null) else _refuse(operand)
    return _constant(operand)


def _refuse(operand: Null) -> Any:
    raise Lost(f"{operand.keyword.value} is no value of GX")


def _column_length(w: Writing) -> Wanted:
    bounds = _bounds(w.condition)
    if w.condition.operator is Operator.EQ:
        kind, kwargs = "expect_column_value_lengths_to_equal", {"value": bounds["min_value"]}
    else:
        kind, kwargs = "expect_column_value_lengths_to_be_between", bounds
    low, high = bounds.get("min_value", -math.inf), bounds.get("max_value", math.inf)
    zero_passes = (low < 0 if bounds.get("strict_min") else low <= 0) and (
        high > 0 if bounds.get("strict_max") else high >= 0
    )
    return _values(w, kind, kwargs, null_passes=zero_passes)


_POPULATION = "StandardDeviation is that of the population, GX's that of a sample"

ROWS: dict[str, Row] = {
    "RowCount": Row(_row_count, "RowCount > 10"),
    "RowCountMatch": Row(_row_count_match, 'RowCountMatch "orders_old" = 1.0'),
    "ColumnCount": Row(_column_count, "ColumnCount = 8"),
    "ColumnExists": Row(_column_exists, 'ColumnExists "id"'),
    "IsComplete": Row(_complete, 'IsComplete "email" where "country = \'US\'"'),
    "Completeness": Row(_complete, 'Completeness "email" >= 0.9'),
    "IsUnique": Row(_unique, 'IsUnique "email"'),
    "Uniqueness": Row(_unique, 'Uniqueness "email" > 0.9'),
    "IsPrimaryKey": Row(_primary_key, 'IsPrimaryKey "id"'),
    "DistinctValuesCount": Row(_distinct_values, 'DistinctValuesCount "status" <= 3'),
    "ColumnValues": Row(_column_values, 'ColumnValues "qty" between 0 and 10'),
    "ColumnLength": Row(_column_length, 'ColumnLength "country" = 2'),
    "Mean": Row(partial(_statistic, "expect_column_mean_to_be_between", ""), 'Mean "amount" between 10 and 30'),
    "Sum": Row(partial(_statistic, "expect_column_sum_to_be_between", ""), 'Sum "amount" > 100'),
    "StandardDeviation": Row(
        partial(_statistic, "expect_column_stdev_to_be_between", _POPULATION), 'StandardDeviation "amount" < 5'
    ),
    "CustomSql": Row(_custom_sql, 'CustomSql "SELECT COUNT(*) FROM primary WHERE amount < 0" = 0'),
}
"""Every rule type that has expectations like it; the others are lost."""
