"""Great Expectations to DQDL: one row for each type of expectation.

A row makes a rule of an expectation, or says why there is none; its example shows it in docs/gx.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from dq.gx.patterns import any_of, like, whole
from dq.gx.reading import (
    Counted,
    Made,
    Reading,
    all_missing,
    answer,
    conditions,
    inside,
    rows,
    same,
)
from dq.gx.reading import listed as among
from dq.gx.reports import Lost
from dq.gx.suites import Expectation
from dq.gx.words import is_number, listed, literal, missing, numeral, present, quoted, reads_as_time, sql, where
from dq.lazy import exp, sqlglot
from dq.tree import column, comply, conjunction, disjunction, negation

if TYPE_CHECKING:
    from dq.tree import Tree


@dataclass(frozen=True, slots=True)
class Row:
    """How a type of expectation becomes a rule: `build` gives its text; `example` are kwargs to show it with.

    `lost` is why there is no rule; there is no `build` then.
    """

    build: Callable[[Reading], str] | None = None
    example: Mapping[str, Any] = field(default_factory=dict)
    lost: str = ""


def convert(expectation: Expectation) -> Made:
    """The rule that says what an expectation says.

    Raises:
        Lost: there is none.
    """
    row = ROWS.get(expectation.type)
    if row is None:
        raise Lost("this type of expectation is none of GX's own, or newer than this version of dq")
    if row.build is None:
        raise Lost(row.lost)
    if expectation.kwargs.get("windows"):
        raise Lost("`windows` compares with earlier runs in GX Cloud")
    reading = Reading(expectation)
    return reading.made(row.build(reading))


# -- the table as a whole ------------------------------------------------------------------------------


def _row_count(e: Reading) -> str:
    e.observed = True
    return conditions("RowCount", e.bounds(), where(e.scope()))


def _row_count_equal(e: Reading) -> str:
    e.observed = True
    return f"RowCount = {e.number('value')}{where(e.scope())}"


def _row_count_of_other(e: Reading) -> str:
    e.approximate("the other table must be given under its name as an alias; two tables without rows fail")
    return f"RowCountMatch {quoted(e.text('other_table_name'))} = 1.0"


def _column_count(e: Reading) -> str:
    e.observed = True
    return conditions("ColumnCount", e.bounds())


def _column_count_equal(e: Reading) -> str:
    e.observed = True
    return f"ColumnCount = {e.number('value')}"


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else " and ".join(f"({each})" for each in parts)


def _column_set(e: Reading) -> str:
    names = e.texts("column_set")
    exact = e.get("exact_match", True)
    return _joined([*([f"ColumnCount = {len(names)}"] if exact else []), *(f"ColumnExists {quoted(n)}" for n in names)])


def _column_list(e: Reading) -> str:
    e.approximate("the order of the columns is not looked at")
    names = e.texts("column_list")
    return _joined([f"ColumnCount = {len(names)}", *(f"ColumnExists {quoted(name)}" for name in names)])


def _column_exists(e: Reading) -> str:
    if e.get("column_index"):
        e.approximate("the position of the column is not looked at")
    return f"ColumnExists {e.name}"


_BRACES = re.compile(r"\{\{|\}\}|\{batch\}|[{}]")
"""What `str.format`, by which GX writes the table into a query, would look at."""


def _filled(found: re.Match[str]) -> str:
    if found[0] in "{}":
        raise Lost("`unexpected_rows_query` has a placeholder that is not {batch}")
    return "primary" if found[0] == "{batch}" else found[0][0]


def _unexpected_rows(e: Reading) -> str:
    query = _BRACES.sub(_filled, e.text("unexpected_rows_query").strip().rstrip(";"))
    if e.get("row_condition"):
        raise Lost("`row_condition` beside a query")
    try:
        tree = sqlglot.parse_one(query, dialect="spark")
    except (sqlglot.errors.SqlglotError, RecursionError):
        raise Lost("`unexpected_rows_query` is not read as Spark SQL") from None
    if not isinstance(tree, exp.Query):
        raise Lost("`unexpected_rows_query` is no SELECT")
    e.observed = True
    counted = exp.select(exp.Count(this=exp.Star())).from_(exp.Subquery(this=tree, alias=exp.to_identifier("rows")))
    return f"CustomSql {quoted(sql(counted))} = 0"


# -- missing and repeated values -----------------------------------------------------------------------


def _not_null(e: Reading) -> str:
    scope = e.scope()
    e.counted = Counted(scope)
    share = e.mostly()
    if share == 1:
        return f"IsComplete {e.name}{where(scope)}"
    return f"Completeness {e.name} >= {numeral(share)}{where(scope)}"


def _null(e: Reading) -> str:
    scope = e.scope()
    e.counted = Counted(scope)
    return f"ColumnValues {e.name} = NULL{where(scope)}{e.threshold()}"


def _looked_at(e: Reading) -> tuple[Tree | None, str]:
    """The scope of an expectation on the values of a column, and the clause that leaves NULL out of it too."""
    name = e.text("column")
    scope = e.scope(name)
    e.counted = Counted(scope, missing(name))
    return scope, where(scope, present(name))


def _unique(e: Reading) -> str:
    _, clause = _looked_at(e)
    share = e.mostly()
    return f"IsUnique {e.name}{clause}" if share == 1 else f"Uniqueness {e.name} >= {numeral(share)}{clause}"


def _compound_unique(e: Reading) -> str:
    names = e.texts("column_list")
    skip = e.get("ignore_row_if", "all_values_are_missing")
    scope = e.scope()
    words = " ".join(map(quoted, names))
    ignored = _ignored(skip, names)
    share = e.mostly()
    if ignored is None:
        if share < 1:
            raise Lost("`ignore_row_if` is never, and `mostly` less than 1: no rule counts these rows")
        return _never_ignored(e, names, scope)
    e.counted = Counted(scope, ignored)
    clause = where(scope, negation(ignored))
    return f"IsUnique {words}{clause}" if share == 1 else f"Uniqueness {words} >= {numeral(share)}{clause}"


def _never_ignored(e: Reading, names: list[str], scope: Tree | None) -> str:
    """Rows of nothing but NULLs repeat each other, which no rule type says."""
    groups = exp.select(exp.Count(this=exp.Star()).as_("n")).from_("primary").group_by(*(column(n) for n in names))
    groups = groups.where(scope) if scope is not None else groups
    repeated = exp.select(exp.Count(this=exp.Star())).from_(exp.Subquery(this=groups, alias=exp.to_identifier("g")))
    return f"CustomSql {quoted(sql(repeated.where('n > 1')))} = 0"


_EITHER = ("any_value_is_missing", "either_value_is_missing")
_BOTH = ("all_values_are_missing", "both_values_are_missing")


def _ignored(skip: Any, names: list[str]) -> Tree | None:
    """The rows that `ignore_row_if` leaves out; None for none."""
    if skip in _BOTH:
        return all_missing(names)
    if skip in _EITHER:
        return disjunction(*(missing(name) for name in names))
    if skip in ("never", "neither"):
        return None
    raise Lost(f"`ignore_row_if` is `{skip}`")


# -- values --------------------------------------------------------------------------------------------


def _between(e: Reading) -> str:
    bounds = e.bounds()
    name = e.text("column")
    scope, clause = _looked_at(e)
    value = column(name)
    if not all(is_number(bound) for _, bound in bounds) or (len(bounds) == 2 and e.mostly() < 1 and not _open(bounds)):
        return rows(e, inside(value, bounds), scope, missing(name))
    if len(bounds) == 2 and not _open(bounds):
        e.counted = Counted(scope, missing(name), negation(comply(inside(value, bounds))))
        return conditions(f"ColumnValues {e.name}", bounds, clause)
    return conditions(f"ColumnValues {e.name}", bounds, clause) + e.threshold()


def _open(bounds: list[tuple[str, Any]]) -> bool:
    return [sign for sign, _ in bounds] == [">", "<"]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return quoted(str(value).lower())
    return quoted(value) if isinstance(value, str) else numeral(value)


def _in_set(e: Reading, *, word: str = "in") -> str:
    values = e.values()
    name = e.text("column")
    scope, clause = _looked_at(e)
    if any(isinstance(each, str) and reads_as_time(each) for each in values):
        inside_set = among(column(name), values)
        return rows(e, inside_set if word == "in" else negation(inside_set), scope, missing(name))
    return f"ColumnValues {e.name} {word} {listed(map(_word, values))}{clause}{e.threshold()}"


def _not_in_set(e: Reading) -> str:
    return _in_set(e, word="not in")


def _pattern(e: Reading, pattern: str, *, word: str = "matches") -> str:
    _, clause = _looked_at(e)
    return f"ColumnValues {e.name} {word} {quoted(pattern)}{clause}{e.threshold()}"


def _regex(e: Reading) -> str:
    return _pattern(e, whole(e.text("regex")))


def _not_regex(e: Reading) -> str:
    return _pattern(e, whole(e.text("regex")), word="not matches")


def _patterns(e: Reading, patterns: list[str]) -> str:
    """Values that match any of the patterns, or all of them."""
    match_on = e.get("match_on", "any")
    if match_on not in ("any", "all"):
        raise Lost(f"`match_on` is `{match_on}`")
    if match_on == "any" or len(patterns) == 1:
        return _pattern(e, any_of(patterns))
    if e.mostly() < 1:
        raise Lost("`match_on` is all, and `mostly` less than 1: no rule says how many rows match all of them")
    name = e.text("column")
    scope, clause = _looked_at(e)
    met = conjunction(*(exp.RegexpLike(this=column(name), expression=literal(f"^(?:{each})$")) for each in patterns))
    assert met is not None
    e.counted = Counted(scope, missing(name), negation(comply(met)))
    return _joined([f"ColumnValues {e.name} matches {quoted(each)}{clause}" for each in patterns])


def _regexes(e: Reading) -> str:
    return _patterns(e, [whole(each) for each in e.texts("regex_list")])


def _not_regexes(e: Reading) -> str:
    return _pattern(e, any_of([whole(each) for each in e.texts("regex_list")]), word="not matches")


def _like(e: Reading) -> str:
    return _pattern(e, like(e.text("like_pattern")))


def _not_like(e: Reading) -> str:
    return _pattern(e, like(e.text("like_pattern")), word="not matches")


def _likes(e: Reading) -> str:
    return _patterns(e, [like(each) for each in e.texts("like_pattern_list")])


def _not_likes(e: Reading) -> str:
    return _pattern(e, any_of([like(each) for each in e.texts("like_pattern_list")]), word="not matches")


def _lengths(e: Reading, bounds: list[tuple[str, Any]]) -> str:
    name = e.text("column")
    scope, clause = _looked_at(e)
    for _, bound in bounds:
        numeral(bound)
    within = inside(exp.Length(this=column(name)), bounds)
    if e.mostly() < 1:
        return rows(e, within, scope, missing(name))
    e.counted = Counted(scope, missing(name), negation(comply(within)))
    return conditions(f"ColumnLength {e.name}", bounds, clause)


def _length(e: Reading) -> str:
    value = e.get("value")
    return _lengths(e, [(">=", value), ("<=", value)])


def _lengths_between(e: Reading) -> str:
    return _lengths(e, e.bounds())


_TYPES = {
    "Boolean": ("bool", "boolean", "booleantype", "bool_"),
    "Integer": ("int32", "int16", "int8", "smallint", "integertype", "shorttype", "bytetype"),
    "Long": ("int", "int64", "integer", "bigint", "longtype", "long", "int_"),
    "Float": ("float32", "real", "floattype"),
    "Double": ("float", "float64", "double", "double_precision", "doubletype", "float_", "number"),
    "Date": ("date", "datetype"),
    "Timestamp": ("timestamp", "datetime", "datetime64", "timestamptype", "datetime64[ns]", "datetime64[us]"),
}
_TYPE_OF = {word: name for name, words in _TYPES.items() for word in words}


def _of_types(e: Reading, names: list[str]) -> str:
    kinds = list(dict.fromkeys(_TYPE_OF.get(name.lower(), "") for name in names))
    if "" in kinds:
        raise Lost(f"{', '.join(f'`{name}`' for name in names)}: the declared type of a column has no rule type")
    e.approximate("GX looks at the declared type, the rule at whether every value can be cast to it")
    _, clause = _looked_at(e)
    if len(kinds) > 1 and e.threshold():
        raise Lost("`mostly` over several types")
    return " or ".join(
        f"(ColumnDataType {e.name} = {quoted(each)}{clause})"
        if len(kinds) > 1
        else f"ColumnDataType {e.name} = {quoted(each)}{clause}{e.threshold()}"
        for each in kinds
    )


def _of_type(e: Reading) -> str:
    return _of_types(e, [e.text("type_")])


def _in_types(e: Reading) -> str:
    return _of_types(e, e.texts("type_list"))


def _dateutil(e: Reading) -> str:
    e.approximate("dateutil reads more forms of dates than a cast to a timestamp does")
    _, clause = _looked_at(e)
    return f'ColumnDataType {e.name} = "Timestamp"{clause}{e.threshold()}'


# -- statistics ----------------------------------------------------------------------------------------


def _statistic(rule_type: str, value: Callable[[Tree], Tree]) -> Callable[[Reading], str]:
    """A rule type of one column, or with a row_condition SQL: a scope without rows must not pass."""

    def build(e: Reading) -> str:
        scope = e.scope()
        e.observed = True
        if scope is None and rule_type:
            return conditions(f"{rule_type} {e.name}", e.bounds())
        return conditions(answer(value(column(e.text("column"))), scope), e.bounds())

    return build


def _extreme(value: Callable[[Tree], Tree]) -> Callable[[Reading], str]:
    """The least or the greatest value: a number, or for other bounds whether it is inside of them."""

    def build(e: Reading) -> str:
        bounds, scope = e.bounds(), e.scope()
        found = value(column(e.text("column")))
        if all(is_number(bound) for _, bound in bounds):
            e.observed = True
            return conditions(answer(found, scope), bounds)
        one, zero = exp.Literal.number(1), exp.Literal.number(0)
        return f"{answer(exp.case().when(inside(found, bounds), one).else_(zero), scope)} = 1"

    return build


def _over(part: Tree, of: Tree) -> Tree:
    """A ratio, 0 where there is nothing to divide by."""
    ratio = exp.Div(this=part, expression=exp.Nullif(this=of, expression=exp.Literal.number(0)))
    return exp.Coalesce(this=ratio, expressions=[exp.Literal.number(0)])


def _total(value: Tree) -> Tree:
    """A sum, 0 of nothing, as GX has it."""
    return exp.Coalesce(this=exp.Sum(this=value), expressions=[exp.Literal.number(0)])


def _distinct(value: Tree) -> Tree:
    return exp.Count(this=exp.Distinct(expressions=[value.copy()]))


def _call(name: str, *arguments: Tree) -> Tree:
    return exp.Anonymous(this=name, expressions=[each.copy() for each in arguments])


def _distinct_count(e: Reading) -> str:
    e.observed = True
    name = e.text("column")
    return conditions(f"DistinctValuesCount {e.name}", e.bounds(), where(e.scope(name), present(name)))


def _quantiles(e: Reading) -> str:
    e.get("allow_relative_error")
    e.approximate("GX takes the value nearest to a quantile, the rule a value between its neighbours")
    name, scope = e.text("column"), e.scope()
    parts = []
    for quantile, ends in _quantile_ranges(e):
        bounds = [(sign, bound) for sign, bound in zip((">=", "<="), ends, strict=True) if bound is not None]
        if bounds:
            parts.append(conditions(answer(_call("PERCENTILE", column(name), literal(quantile)), scope), bounds))
    if not parts:
        raise Lost("`quantile_ranges` has no bounds")
    return _joined(parts)


def _quantile_ranges(e: Reading) -> list[tuple[Any, list[Any]]]:
    found = e.get("quantile_ranges")
    quantiles, ranges = (
        (found.get("quantiles"), found.get("value_ranges")) if isinstance(found, Mapping) else (None, None)
    )
    if not isinstance(quantiles, list) or not isinstance(ranges, list) or len(quantiles) != len(ranges):
        raise Lost("`quantile_ranges` is not as many quantiles as ranges")
    if not all(isinstance(each, list) and len(each) == 2 for each in ranges):
        raise Lost("`quantile_ranges` has a range that is no pair")
    return list(zip(quantiles, ranges, strict=True))


_ROUNDING = "at the very bound, rounding may decide otherwise"


def _spread(e: Reading, unexpected: str, *statistics: Tree) -> str:
    """How many values lie too far out, by SQL: `unexpected` is a condition on the value `v` and on `a` and `b`."""
    e.approximate(_ROUNDING)
    name = e.text("column")
    met = conjunction(e.scope(name), present(name))
    assert met is not None
    named = [value.as_(alias) for value, alias in zip(statistics, ("a", "b"), strict=True)]
    found = exp.select(*named).from_("primary").where(met)
    far = exp.Count(this=exp.case().when(unexpected, exp.Literal.number(1)))
    count = _share_within(far) if e.mostly() < 1 else far
    values = exp.select(column(name).as_("v")).from_("primary").where(met)
    query = (
        exp.select(count)
        .from_(exp.Subquery(this=values, alias=exp.to_identifier("x")))
        .join("bounds", join_type="cross")
    )
    limit = f">= {numeral(e.mostly())}" if e.mostly() < 1 else "= 0"
    return f"CustomSql {quoted(sql(query.with_('bounds', as_=found)))} {limit}"


def _share_within(far: Tree) -> Tree:
    """The share of rows that are not counted, 1 where there are none."""
    out = exp.Div(this=far, expression=exp.Nullif(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(0)))
    share = exp.Sub(this=exp.Literal.number(1), expression=out)
    return exp.Coalesce(this=share, expressions=[exp.Literal.number(1)])


def _z_scores(e: Reading) -> str:
    limit = e.number("threshold")
    distance = "ABS(v - a)" if e.get("double_sided", True) else "(v - a)"
    value = column(e.text("column"))
    limit = limit.removeprefix("-") if e.get("double_sided", True) else limit
    return _spread(e, f"{distance} / b >= {limit}", exp.Avg(this=value), _call("STDDEV_SAMP", value))


def _outliers(e: Reading) -> str:
    method, factor = e.get("method", "iqr"), e.get("multiplier", 1.5)
    if not is_number(factor) or factor < 0 or method not in ("iqr", "std"):
        raise Lost("`method` and `multiplier` are none that the rule can say")
    value, by = column(e.text("column")), numeral(factor)
    if method == "iqr":
        quartiles = (_call("PERCENTILE", value, literal(q)) for q in (0.25, 0.75))
        return _spread(e, f"v < a - {by} * (b - a) OR v > b + {by} * (b - a)", *quartiles)
    statistics = exp.Avg(this=value), _call("STDDEV_SAMP", value)
    return _spread(e, f"(b > 0 AND ABS(v - a) >= {by} * b) OR (b = 0 AND v <> a)", *statistics)


def _distinct_in_set(e: Reading) -> str:
    rule = _in_set(e)
    e.counted = None
    return rule


def _distinct_contain(e: Reading) -> str:
    values, name = e.values(), e.text("column")
    scope = conjunction(e.scope(name), among(column(name), values))
    return f"{answer(_distinct(column(name)), scope)} = {len(values)}"


def _distinct_equal(e: Reading) -> str:
    values, name = e.values(), e.text("column")
    count = f"DistinctValuesCount {e.name} = {len(values)}{where(e.scope(name), present(name))}"
    rule = f"({_in_set(e)}) and ({count})"
    e.counted = None
    return rule


def _most_common(e: Reading) -> str:
    values, name = e.values(), e.text("column")
    counts = exp.select(column(name).as_("v"), exp.Count(this=exp.Star()).as_("n")).from_("primary")
    met = conjunction(e.scope(name), present(name))
    assert met is not None
    counts = counts.where(met).group_by(column(name))
    inside_set = exp.Count(this=exp.case().when(among(exp.column("v"), values), exp.Literal.number(1)))
    ties = e.get("ties_okay", False)
    found = (
        inside_set.copy()
        if ties
        else exp.case()
        .when(
            exp.and_(
                exp.EQ(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1)),
                exp.EQ(this=inside_set, expression=exp.Literal.number(1)),
            ),
            exp.Literal.number(1),
        )
        .else_(exp.Literal.number(0))
    )
    query = exp.select(found).from_("counts").where("n = (SELECT MAX(n) FROM counts)").with_("counts", as_=counts)
    return f"CustomSql {quoted(sql(query))} {'> 0' if ties else '= 1'}"


# -- columns beside each other -------------------------------------------------------------------------


def _pair(expected: Callable[[Reading, Tree, Tree], Tree]) -> Callable[[Reading], str]:
    def build(e: Reading) -> str:
        names = [e.text("column_A"), e.text("column_B")]
        ignored = _ignored(e.get("ignore_row_if", "both_values_are_missing"), names)
        return rows(e, expected(e, column(names[0]), column(names[1])), e.scope(), ignored)

    return build


def _greater(e: Reading, left: Tree, right: Tree) -> Tree:
    kind = exp.GTE if e.get("or_equal", False) else exp.GT
    return kind(this=left, expression=right)


def _pair_in_set(e: Reading, left: Tree, right: Tree) -> Tree:
    pairs = e.get("value_pairs_set")
    if not isinstance(pairs, list) or not pairs or not all(isinstance(p, list) and len(p) == 2 for p in pairs):
        raise Lost("`value_pairs_set` is no list of pairs")
    if e.get("row_condition"):
        e.approximate("GX 1.24 on pandas forgets ignore_row_if where this expectation has a row_condition")
    return disjunction(*(_both(left, pair[0], right, pair[1]) for pair in pairs))


def _both(left: Tree, first: Any, right: Tree, second: Any) -> Tree:
    met = conjunction(_is(left, first), _is(right, second))
    assert met is not None
    return met


def _is(value: Tree, to: Any) -> Tree:
    if to is None:
        return exp.Is(this=value.copy(), expression=exp.Null())
    return exp.EQ(this=value.copy(), expression=literal(to))


def _columns(expected: Callable[[Reading, list[str]], Tree]) -> Callable[[Reading], str]:
    def build(e: Reading) -> str:
        names = e.texts("column_list")
        if len(names) < 2:
            raise Lost("`column_list` names fewer than two columns")
        ignored = _ignored(e.get("ignore_row_if", "all_values_are_missing"), names)
        return rows(e, expected(e, names), e.scope(), ignored)

    return build


def _sum_equals(e: Reading, names: list[str]) -> Tree:
    total: Tree = column(names[0])
    for name in names[1:]:
        total = exp.Add(this=total, expression=column(name))
    return exp.EQ(this=total, expression=literal(e.get("sum_total")))


def _all_equal(e: Reading, names: list[str]) -> Tree:
    met = conjunction(*(same(names[0], name) for name in names[1:]))
    assert met is not None
    return met


def _all_different(e: Reading, names: list[str]) -> Tree:
    met = conjunction(*(negation(same(left, right)) for left, right in combinations(names, 2)))
    assert met is not None
    return met


_ORDER = "the rows of a table have no order"
_TEST = "no rule type and no SQL of rules tests a distribution"
_C = {"column": "amount"}
_ENDS = {"min_value": 1, "max_value": 5}
_AB = {"column_A": "paid", "column_B": "due"}
_LIST = {"column_list": ["a", "b"]}

ROWS: dict[str, Row] = {
    "expect_table_row_count_to_equal": Row(_row_count_equal, {"value": 4}),
    "expect_table_row_count_to_be_between": Row(_row_count, {"min_value": 1, "max_value": 100}),
    "expect_table_row_count_to_equal_other_table": Row(_row_count_of_other, {"other_table_name": "orders_old"}),
    "expect_table_column_count_to_equal": Row(_column_count_equal, {"value": 8}),
    "expect_table_column_count_to_be_between": Row(_column_count, {"min_value": 8}),
    "expect_table_columns_to_match_set": Row(_column_set, {"column_set": ["id", "email"]}),
    "expect_table_columns_to_match_ordered_list": Row(_column_list, {"column_list": ["id", "email"]}),
    "expect_column_to_exist": Row(_column_exists, {"column": "id"}),
    "unexpected_rows_expectation": Row(
        _unexpected_rows, {"unexpected_rows_query": "SELECT * FROM {batch} WHERE amount < 0"}
    ),
    "expect_column_values_to_not_be_null": Row(_not_null, {"column": "email", "mostly": 0.9}),
    "expect_column_values_to_be_null": Row(_null, {"column": "deleted"}),
    "expect_column_values_to_be_unique": Row(_unique, {"column": "id"}),
    "expect_compound_columns_to_be_unique": Row(_compound_unique, _LIST),
    "expect_column_values_to_be_between": Row(_between, {**_C, **_ENDS}),
    "expect_column_values_to_be_in_set": Row(
        _in_set, {"column": "status", "value_set": ["paid", "open"], "mostly": 0.9}
    ),
    "expect_column_values_to_not_be_in_set": Row(_not_in_set, {"column": "qty", "value_set": [0, 99]}),
    "expect_column_values_to_match_regex": Row(_regex, {"column": "code", "regex": "^[A-Z]{2}"}),
    "expect_column_values_to_not_match_regex": Row(_not_regex, {"column": "code", "regex": "^[0-9]+$"}),
    "expect_column_values_to_match_regex_list": Row(_regexes, {"column": "code", "regex_list": ["^A", "^B"]}),
    "expect_column_values_to_not_match_regex_list": Row(_not_regexes, {"column": "code", "regex_list": ["x", "y"]}),
    "expect_column_values_to_match_like_pattern": Row(_like, {"column": "code", "like_pattern": "AB%"}),
    "expect_column_values_to_not_match_like_pattern": Row(_not_like, {"column": "code", "like_pattern": "AB%"}),
    "expect_column_values_to_match_like_pattern_list": Row(
        _likes, {"column": "code", "like_pattern_list": ["AB%", "_C"]}
    ),
    "expect_column_values_to_not_match_like_pattern_list": Row(
        _not_likes, {"column": "code", "like_pattern_list": ["AB%", "_C"]}
    ),
    "expect_column_value_lengths_to_equal": Row(_length, {"column": "country", "value": 2}),
    "expect_column_value_lengths_to_be_between": Row(_lengths_between, {"column": "code", "max_value": 6}),
    "expect_column_values_to_be_of_type": Row(_of_type, {"column": "qty", "type_": "int64"}),
    "expect_column_values_to_be_in_type_list": Row(_in_types, {"column": "qty", "type_list": ["int64", "float64"]}),
    "expect_column_type_to_be": Row(_of_type, {"column": "qty", "type_": "BIGINT"}),
    "expect_column_values_to_be_dateutil_parseable": Row(_dateutil, {"column": "placed"}),
    "expect_column_proportion_of_non_null_values_to_be_between": Row(
        _statistic("Completeness", lambda value: _over(exp.Count(this=value.copy()), exp.Count(this=exp.Star()))),
        {"column": "email", "min_value": 0.5, "max_value": 0.9},
    ),
    "expect_column_proportion_of_unique_values_to_be_between": Row(
        _statistic("", lambda value: _over(_distinct(value), exp.Count(this=value.copy()))),
        {"column": "email", "min_value": 0.5},
    ),
    "expect_column_unique_value_count_to_be_between": Row(_distinct_count, {"column": "status", "max_value": 3}),
    "expect_column_min_to_be_between": Row(_extreme(lambda value: exp.Min(this=value)), {**_C, "min_value": 0}),
    "expect_column_max_to_be_between": Row(_extreme(lambda value: exp.Max(this=value)), {**_C, "max_value": 100}),
    "expect_column_mean_to_be_between": Row(_statistic("Mean", lambda value: exp.Avg(this=value)), {**_C, **_ENDS}),
    "expect_column_sum_to_be_between": Row(_statistic("Sum", _total), {**_C, **_ENDS}),
    "expect_column_median_to_be_between": Row(
        _statistic("", lambda value: _call("MEDIAN", value)), {**_C, "min_value": 1}
    ),
    "expect_column_stdev_to_be_between": Row(
        _statistic("", lambda value: _call("STDDEV_SAMP", value)), {**_C, "max_value": 5}
    ),
    "expect_column_quantile_values_to_be_between": Row(
        _quantiles, {**_C, "quantile_ranges": {"quantiles": [0.9], "value_ranges": [[None, 100]]}}
    ),
    "expect_column_distinct_values_to_be_in_set": Row(
        _distinct_in_set, {"column": "status", "value_set": ["paid", "open"]}
    ),
    "expect_column_distinct_values_to_contain_set": Row(
        _distinct_contain, {"column": "status", "value_set": ["paid", "open"]}
    ),
    "expect_column_distinct_values_to_equal_set": Row(
        _distinct_equal, {"column": "status", "value_set": ["paid", "open"]}
    ),
    "expect_column_most_common_value_to_be_in_set": Row(
        _most_common, {"column": "status", "value_set": ["paid"], "ties_okay": True}
    ),
    "expect_column_pair_values_to_be_equal": Row(
        _pair(lambda e, left, right: exp.EQ(this=left, expression=right)), _AB
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": Row(_pair(_greater), {**_AB, "or_equal": True}),
    "expect_column_pair_values_to_be_in_set": Row(_pair(_pair_in_set), {**_AB, "value_pairs_set": [[1, 2], [3, 4]]}),
    "expect_multicolumn_sum_to_equal": Row(_columns(_sum_equals), {**_LIST, "sum_total": 10}),
    "expect_multicolumn_values_to_be_equal": Row(_columns(_all_equal), _LIST),
    "expect_select_column_values_to_be_unique_within_record": Row(_columns(_all_different), _LIST),
    "expect_multicolumn_values_to_be_unique": Row(lost="GX itself cannot run it"),
    "expect_column_values_to_be_increasing": Row(lost=_ORDER),
    "expect_column_values_to_be_decreasing": Row(lost=_ORDER),
    "expect_column_values_to_match_strftime_format": Row(lost="no rule reads a text by such a format"),
    "expect_column_values_to_be_json_parseable": Row(lost="the SQL of rules does not read JSON"),
    "expect_column_values_to_match_json_schema": Row(lost="the SQL of rules does not read JSON"),
    "expect_column_value_z_scores_to_be_less_than": Row(_z_scores, {**_C, "threshold": 3, "double_sided": True}),
    "expect_column_values_to_not_be_outliers": Row(_outliers, {**_C, "method": "iqr", "multiplier": 1.5}),
    "expect_column_kl_divergence_to_be_less_than": Row(lost=_TEST),
    "expect_column_bootstrapped_ks_test_p_value_to_be_greater_than": Row(lost=_TEST),
    "expect_column_chisquare_test_p_value_to_be_greater_than": Row(lost=_TEST),
    "expect_column_pair_cramers_phi_value_to_be_less_than": Row(lost=_TEST),
    "expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than": Row(lost=_TEST),
    "expect_query_results_to_match_comparison": Row(lost="it compares with a query on another data source"),
}
"""Every type of expectation that GX 1.24 has, and what becomes of it."""
