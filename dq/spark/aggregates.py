"""Aggregates and windows in Spark. Sums of integers and decimals are exact, and never overflow in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dq.lazy import exp
from dq.schema import Type
from dq.spark import dialect
from dq.spark.casting import NUMBERS, converted, demand
from dq.spark.conditions import condition
from dq.spark.translating import Spelling, Translation, derived
from dq.spark.types import BIGINT, DOUBLE, HUGEINT, INTEGER, NULL, SMALLINT, TINYINT, decimal, digits
from dq.spark.values import Value, case, cast, fn, is_present, name, number, over, plus, text, times, within


def argument(node: Any) -> exp.Expr:
    """The first argument of a function, which may be a node of its own class or a call by name."""
    found: exp.Expr = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
    return found


def arguments(node: exp.Expr) -> list[exp.Expr]:
    """The arguments of a function, which may be a node of its own class or a call by name."""
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    return [each for each in (node.this, node.args.get("expression"), *node.expressions) if each is not None]


def _aggregated(translation: Translation, node: Any) -> tuple[Value, Callable[[exp.Expr], exp.Expr]]:
    """What is aggregated, and what makes an argument of it: each value counts once after DISTINCT."""
    given = argument(node)
    if isinstance(given, exp.Distinct):
        return translation.value(given.expressions[0]), lambda each: exp.Distinct(expressions=[each.copy()])
    return translation.value(given), lambda each: each.copy()


def count(translation: Translation, node: Any) -> Value:
    """`COUNT`."""
    if isinstance(argument(node), exp.Star):
        return Value(exp.Count(this=exp.Star()), BIGINT)
    value, given = _aggregated(translation, node)
    return Value(exp.Count(this=given(value.node)), BIGINT)


def total(translation: Translation, node: Any) -> Value:
    """`SUM`: of integers and decimals with 38 digits, since 64 bits overflow in silence where ANSI mode is off."""
    value, given = _aggregated(translation, node)
    value = converted(value, INTEGER) if value.native == NULL else demand(value, *NUMBERS)
    if value.type is Type.FLOAT:
        return Value(exp.Sum(this=given(cast(value.node, DOUBLE))), DOUBLE)
    if value.native in (TINYINT, SMALLINT, INTEGER):
        return Value(cast(exp.Sum(this=given(cast(value.node, BIGINT))), HUGEINT), HUGEINT)
    if value.native == BIGINT and not isinstance(argument(node), exp.Distinct):
        return Value(_by_halves(value.node), HUGEINT)
    native = HUGEINT if value.type is Type.INTEGER else decimal(38, digits(value.native)[1])
    wide = dialect.cast(value.node, "DECIMAL(20,0)") if value.native == BIGINT else value.node
    return Value(cast(exp.Sum(this=given(wide)), native), native)


def _by_halves(node: exp.Expr) -> exp.Expr:
    """The sum of 64-bit integers from those of their halves: exact, and much faster than one of decimals."""
    high = exp.Sum(this=fn("shiftright", node, number(32)))
    low = exp.Sum(this=exp.BitwiseAnd(this=within(node), expression=exp.Literal.number(2**32 - 1)))
    wide = times(dialect.cast(high, "DECIMAL(20,0)"), dialect.cast(number(2**32), "DECIMAL(10,0)"))
    return cast(plus(wide, dialect.cast(low, "DECIMAL(20,0)")), HUGEINT)


def mean(translation: Translation, node: Any) -> Value:
    """`AVG`: of integers and decimals the exact sum over the count."""
    value, given = _aggregated(translation, node)
    demand(value, *NUMBERS)
    if value.type is Type.FLOAT:
        return Value(exp.Avg(this=given(cast(value.node, DOUBLE))), DOUBLE)
    summed = cast(total(translation, node).node, DOUBLE)
    counted = fn("nullif", exp.Count(this=given(value.node)), number(0))
    return Value(over(summed, counted), DOUBLE)


def of_doubles(name_there: str, native: str = DOUBLE) -> Spelling:
    """An aggregate of doubles that Spark has under a name."""

    def build(translation: Translation, node: Any) -> Value:
        if isinstance(argument(node), exp.Distinct):
            value, given = _aggregated(translation, node)
            call = exp.Anonymous(this=name_there, expressions=[given(converted(value, DOUBLE).node)])
            return Value(call, native)
        nodes = [converted(translation.value(each), DOUBLE).node for each in arguments(node)]
        return Value(fn(name_there, *nodes), native)

    return build


def of_any(name_there: str, native: str = "=") -> Spelling:
    """An aggregate of values of any type that gives one of them, or something of the type said."""

    def build(translation: Translation, node: Any) -> Value:
        values = [translation.value(each) for each in arguments(node) if not isinstance(each, exp.Distinct)]
        if isinstance(argument(node), exp.Distinct):
            values = [_aggregated(translation, node)[0]]
        return Value(fn(name_there, *(each.node for each in values)), values[0].native if native == "=" else native)

    return build


def quantile(translation: Translation, node: Any) -> Value:
    """The exact quantile, interpolated between its neighbours."""
    value, share = (translation.value(each) for each in arguments(node))
    return Value(fn("percentile", converted(value, DOUBLE).node, converted(share, DOUBLE).node), DOUBLE)


def quantile_of_values(translation: Translation, node: Any) -> Value:
    """The exact quantile that is one of the values."""
    value, share = (translation.value(each) for each in arguments(node))
    order = exp.Order(expressions=[exp.Ordered(this=converted(value, DOUBLE).node)])
    call = exp.WithinGroup(this=fn("percentile_disc", converted(share, DOUBLE).node), expression=order)
    return Value(call, DOUBLE)


def gathered(translation: Translation, node: Any) -> Value:
    """A list of values."""
    value, _ = _aggregated(translation, node)
    distinct = isinstance(argument(node), exp.Distinct)
    return Value(fn("collect_set" if distinct else "collect_list", value.node), f"{value.native}[]")


# -- windows, filters ----------------------------------------------------------------------------------

_WINDOWED = frozenset({
    "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "nth_value",
    "first_value", "last_value", "first", "last", "max_by", "min_by", "collect_list", "collect_set",
    "stddev_samp", "stddev_pop", "var_samp", "var_pop", "corr", "covar_samp", "covar_pop", "percentile", "min", "max",
    "bool_and", "bool_or", "count_if",
})  # fmt: skip


def _around_calls(tree: exp.Expr, wrap: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """A tree with something around each aggregate in it: one of ours may be made of several of Spark's."""

    def visit(node: exp.Expr) -> exp.Expr:
        named = isinstance(node, exp.Anonymous) and str(node.this) in _WINDOWED
        if named or isinstance(node, exp.AggFunc | exp.WithinGroup | exp.Filter):
            return wrap(node)
        return node

    return tree.copy().transform(visit)


def filtered(translation: Translation, node: exp.Filter) -> Value:
    """An aggregate `FILTER (WHERE …)`."""
    value = translation.value(node.this)
    where = exp.Where(this=condition(translation, node.expression.this))
    wrapped = _around_calls(value.node, lambda each: exp.Filter(this=each.copy(), expression=where.copy()))
    return Value(wrapped, value.native)


def windowed(translation: Translation, node: exp.Window) -> Value:
    """A function `OVER (…)`."""
    value = translation.value(node.this)
    order = node.args.get("order")
    window = exp.Window(
        partition_by=[translation.value(each).node for each in node.args.get("partition_by") or []],
        order=translation.order(order) if order is not None else None,
        spec=node.args["spec"].copy() if node.args.get("spec") is not None else None,
        over="OVER",
    )

    def wrap(each: exp.Expr) -> exp.Expr:
        around = window.copy()
        around.set("this", each.copy())
        return around

    return Value(_around_calls(value.node, wrap), value.native)


# -- the table of groups -------------------------------------------------------------------------------


def histogram(translation: Translation, node: Any) -> Value:
    """How often each value occurs, as a map."""
    value = demand(translation.value(node.expressions[0]), Type.INTEGER, Type.FLOAT)
    sizes = (
        exp.select(
            exp.alias_(value.node.copy(), "size", quoted=True),
            exp.alias_(exp.Count(this=exp.Star()), "groups", quoted=True),
        )
        .from_(translation.read())
        .where(is_present(value.node))
        .group_by(value.node.copy())
    )
    rows = fn("collect_list", fn("struct", name("size"), name("groups")))
    packed = exp.select(fn("map_from_entries", rows)).from_(derived(sizes, "sizes"))
    return Value(exp.Subquery(this=packed), f"MAP({value.native}, {BIGINT})")


def _top(
    translation: Translation, n: Value, fields: Mapping[str, Value], most: exp.Expr, ties: Sequence[str] = ()
) -> exp.Expr:
    """The groups with the greatest `n`, as a list of structs."""
    items = [exp.alias_(each.node.copy(), field, quoted=True) for field, each in fields.items()]
    groups = exp.select(*items, exp.alias_(exp.Neg(this=within(n.node)), "place", quoted=True))
    groups = groups.from_(translation.read())
    groups = groups.where(is_present(n.node))
    order = [exp.Ordered(this=name(each), nulls_first=False) for each in ("place", *ties)]
    first = exp.select("*").from_(derived(groups, "groups"))
    first.set("order", exp.Order(expressions=order))
    row = fn("named_struct", *(part for field in fields for part in (text(field), name(field))))
    placed = fn("struct", name("place"), *map(name, ties), exp.alias_(row, "row", quoted=True))
    packed = fn("sort_array", fn("collect_list", placed))
    rows = exp.Dot(this=packed, expression=exp.to_identifier("row", quoted=True))
    return exp.Subquery(this=exp.select(rows).from_(derived(first.limit(most.copy()), "top")))


def top_keys(translation: Translation, node: Any) -> Value:
    """The key with the greatest `n`, as a list of one struct; keys whose `n` is NULL do not count.

    One, where DuckDB gives three: an aggregate gives it without grouping the table once more.
    """
    n, *keys = map(translation.value, node.expressions)
    fields = {f"k{at}": key for at, key in enumerate(keys)}
    native = ", ".join(f"{field} {key.native}" for field, key in fields.items())
    row = fn("named_struct", *(part for field, key in fields.items() for part in (text(field), key.node)))
    placed = case((is_present(n.node), fn("named_struct", text("n"), n.node, text("row"), row)))
    first = exp.Dot(this=fn("max", placed), expression=exp.to_identifier("row", quoted=True))
    return Value(case((is_present(fn("max", placed)), fn("array", first))), f"STRUCT({native})[]")


def top_values(translation: Translation, node: Any) -> Value:
    """The values with the greatest `n` as structs of `v` and `n`, ties by value; a NULL `n` does not count."""
    n, value, most = map(translation.value, node.expressions)
    top = _top(translation, n, {"v": value, "n": n}, most.node, ["v"])
    return Value(top, f"STRUCT(v {value.native}, n {n.native})[]")
