"""Constructs that databases say alike. A dialect takes those into its list that it has been proven to answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from dq.casts import digits_of
from dq.databases.translating import NULL, Builder, Construct, RefusedError, Translation, Value, only
from dq.lazy import exp
from dq.schema import Type

BOOLEAN, BIGINT, DOUBLE, TEXT = "BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR"

WIDTHS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
"""The integers that databases have, the narrowest first."""

ORDERED = frozenset({Type.INTEGER, Type.DECIMAL, Type.FLOAT, Type.STRING, Type.DATE, Type.TIMESTAMP, Type.TIMESTAMP_TZ})
"""Types whose values are ordered alike: texts by their code points, NaN behind every number."""

EXACT_DIGITS = 15
"""So many decimal digits does a double hold: a longer decimal may become another double there than here."""


# -- pairs of types ------------------------------------------------------------------------------------


def compared(translation: Translation, values: Sequence[Value]) -> list[exp.Expr]:
    """Values of types that compare alike, cast where the one database could choose otherwise than the other.

    Raises:
        RefusedError: there is no such comparison.
    """
    natives = {value.native for value in values} - {NULL}
    kinds = {value.type for value in values if value.native != NULL}
    if len(natives) <= 1:
        if kinds - ORDERED - {Type.BOOLEAN}:
            raise RefusedError(f"comparisons of {_named(kinds)}")
        return [value.node for value in values]
    if kinds <= {Type.INTEGER, Type.DECIMAL}:
        return [value.node for value in values]
    if kinds <= {Type.INTEGER, Type.DECIMAL, Type.FLOAT} and ("FLOAT" not in natives or natives == {"FLOAT", DOUBLE}):
        return [as_double(translation, value).node for value in values]
    raise RefusedError(f"comparisons of {_named(kinds)}{' of 32 bits' if 'FLOAT' in natives else ''}")


def as_double(translation: Translation, value: Value) -> Value:
    """A number as a double: the same one that DuckDB makes of it.

    Raises:
        RefusedError: a decimal with more digits than a double has.
    """
    precision, _ = (digits_of(value.native) or (0, 0)) if value.type is Type.DECIMAL else (0, 0)
    if precision > EXACT_DIGITS:
        raise RefusedError(f"decimals of more than {EXACT_DIGITS} digits as doubles")
    return translation.cast(value, DOUBLE)


def in_common(translation: Translation, values: Sequence[Value]) -> tuple[list[exp.Expr], str]:
    """Alternatives of one expression in the type that holds them all, and DuckDB's name of that.

    Raises:
        RefusedError: there is no such type.
    """
    natives = {value.native for value in values} - {NULL}
    kinds = {value.type for value in values if value.native != NULL}
    if len(natives) <= 1:
        return [value.node for value in values], next(iter(natives), NULL)
    if kinds == {Type.INTEGER}:
        return [value.node for value in values], max(natives, key=WIDTHS.index)
    if kinds == {Type.INTEGER, Type.DECIMAL} and len(decimals := [n for n in natives if n.startswith("DECIMAL")]) == 1:
        return [value.node for value in values], f"DECIMAL(38,{(digits_of(decimals[0]) or (0, 0))[1]})"
    if kinds <= {Type.INTEGER, Type.FLOAT} and "FLOAT" not in natives:
        return [as_double(translation, value).node for value in values], DOUBLE
    raise RefusedError(f"{_named(kinds)} as alternatives of one expression")


def demand(value: Value, *kinds: Type) -> Value:
    """The value, if it holds one of these.

    Raises:
        RefusedError: it holds something else.
    """
    if value.native != NULL and value.type not in kinds:
        raise RefusedError(f"a {value.type.value} where {' or '.join(each.value for each in kinds)} is needed")
    return value


def _named(kinds: set[Type]) -> str:
    return " with ".join(sorted(each.value for each in kinds))


# -- values --------------------------------------------------------------------------------------------


def _column(translation: Translation, node: exp.Column) -> Value:
    only(node, "this", "table")
    return translation.column(node)


def _literal(translation: Translation, node: exp.Literal) -> Value:
    spelled = str(node.this)
    if node.is_string:
        if "\0" in spelled:
            raise RefusedError("a text with a NUL character")
        return Value(node.copy(), TEXT)
    if re.fullmatch(r"[0-9]+", spelled):
        size = int(spelled)
        bits = next((bits for bits in (31, 63, 127) if size < 2**bits), 0)
        native = {31: "INTEGER", 63: BIGINT, 127: "HUGEINT"}.get(bits, DOUBLE)
        return Value(node.copy(), native) if bits else translation.cast(Value(node.copy(), BIGINT), native)
    whole, _, fraction = spelled.partition(".")
    if re.fullmatch(r"[0-9]*\.[0-9]+", spelled) and len(whole + fraction) <= 38:
        return Value(node.copy(), f"DECIMAL({len(whole) + len(fraction)},{len(fraction)})")
    return translation.cast(Value(node.copy(), BIGINT), DOUBLE)


def _negative(translation: Translation, node: exp.Neg) -> Value:
    only(node, "this")
    value = demand(translation.value(node.this), Type.INTEGER, Type.DECIMAL, Type.FLOAT)
    return Value(exp.Neg(this=within(value.node)), value.native)


def _in_parentheses(translation: Translation, node: exp.Paren) -> Value:
    only(node, "this")
    value = translation.value(node.this)
    return Value(within(value.node), value.native)


def within(node: exp.Expr) -> exp.Expr:
    """In parentheses where an operator beside it could bind tighter."""
    loose = isinstance(node, exp.Binary | exp.Not | exp.In | exp.Neg | exp.Between)
    return exp.Paren(this=node) if loose else node


def condition(translation: Translation, node: exp.Expr) -> exp.Expr:
    """An expression that is true, false or NULL."""
    return demand(translation.value(node), Type.BOOLEAN).node


def _connected(kind: type[exp.Expr]) -> Builder:
    def build(translation: Translation, node: Any) -> Value:
        only(node, "this", "expression")
        left, right = (within(condition(translation, each)) for each in (node.this, node.expression))
        return Value(kind(this=left, expression=right), BOOLEAN)

    return build


def _negated(translation: Translation, node: exp.Not) -> Value:
    only(node, "this")
    return Value(exp.Not(this=within(condition(translation, node.this))), BOOLEAN)


def _is(translation: Translation, node: exp.Is) -> Value:
    only(node, "this", "expression")
    if not isinstance(node.expression, exp.Null):
        raise RefusedError("IS with something else than NULL")
    return Value(exp.Is(this=within(translation.value(node.this).node), expression=exp.Null()), BOOLEAN)


def comparison(kind: type[exp.Expr]) -> Builder:
    """A comparison of two values."""

    def build(translation: Translation, node: Any) -> Value:
        only(node, "this", "expression")
        left, right = compared(translation, [translation.value(node.this), translation.value(node.expression)])
        return Value(kind(this=within(left), expression=within(right)), BOOLEAN)

    return build


def _listed(translation: Translation, node: exp.In) -> Value:
    only(node, "this", "expressions", "query")
    if node.args.get("query"):
        return _listed_by_query(translation, node)
    value, *members = compared(translation, list(map(translation.value, (node.this, *node.expressions))))
    return Value(exp.In(this=within(value), expressions=members), BOOLEAN)


def list_of(translation: Translation, node: exp.In) -> tuple[list[Value], exp.Select]:
    """The values on the left of `IN`, and the query on the right, which gives values of the same types."""
    only(node.args["query"], "this")
    left = node.this.expressions if isinstance(node.this, exp.Tuple) else [node.this]
    values = list(map(translation.value, left))
    select, columns = translation.query(node.args["query"].this)
    if [each.native for each in values] != [each.native for each in columns.values()]:
        raise RefusedError("values of unlike types in a list made by a query")
    for value in values:
        compared(translation, [value])
    return values, select


def only_truth_matters(node: exp.Expr) -> bool:
    """Whether a condition stands where NULL is as good as false."""
    around = node.parent
    if isinstance(around, exp.Paren | exp.And | exp.Or):
        return only_truth_matters(around)
    if isinstance(around, exp.Coalesce):
        return around.expressions == [exp.false()]
    return isinstance(around, exp.Where) or (isinstance(around, exp.If) and around.this is node)


def _listed_by_query(translation: Translation, node: exp.In) -> Value:
    values, select = list_of(translation, node)
    left = values[0].node if len(values) == 1 else exp.Tuple(expressions=[each.node for each in values])
    return Value(exp.In(this=within(left), query=exp.Subquery(this=select)), BOOLEAN)


def _case(translation: Translation, node: exp.Case) -> Value:
    only(node, "ifs", "default")
    for each in node.args["ifs"]:
        only(each, "this", "true")
    tests = [condition(translation, each.this) for each in node.args["ifs"]]
    default = node.args.get("default")
    given = [translation.value(each.args["true"]) for each in node.args["ifs"]]
    nodes, native = in_common(translation, [*given, *([translation.value(default)] if default else [])])
    ifs = [exp.If(this=test, true=value) for test, value in zip(tests, nodes, strict=False)]
    return Value(exp.Case(ifs=ifs, default=nodes[-1] if default else None), native)


def _coalesce(translation: Translation, node: exp.Coalesce) -> Value:
    only(node, "this", "expressions")
    nodes, native = in_common(translation, list(map(translation.value, (node.this, *node.expressions))))
    return Value(exp.Coalesce(this=nodes[0], expressions=nodes[1:]), native)


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_SPELLED = {"DATE": _DAY, "TIMESTAMP": _INSTANT}


def _cast(translation: Translation, node: exp.Cast | exp.TryCast) -> Value:
    """A cast of the list, a day or an instant as written, or a 32-bit float by its shortest digits."""
    only(node, "this", "to", "safe")
    native = node.to.sql(dialect="duckdb").replace(", ", ",").replace("TEXT", TEXT)
    native = {"INT": "INTEGER", "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE", "INT128": "HUGEINT"}.get(native, native)
    held = node.this
    if isinstance(held, exp.Literal) and held.is_string and native in _SPELLED:
        if not _SPELLED[native].fullmatch(str(held.this)):
            raise RefusedError(f"{held.this!r} as a {native.lower()}")
        return Value(exp.Cast(this=held.copy(), to=exp.DataType.build(native, dialect="duckdb")), native)
    if isinstance(held, exp.Cast) and held.to.this is exp.DataType.Type.TEXT and native == DOUBLE:
        value = translation.value(held.this)
        if value.native == "FLOAT":
            return Value(translation.spelled(translation.spelled(value.node, TEXT), DOUBLE), DOUBLE)
        raise RefusedError("casts of text")
    value = translation.value(held)
    if value.native not in (native, NULL):
        _demand_wider(value, native)
    if native == DOUBLE and not isinstance(node.find_ancestor(exp.Avg, exp.VariancePop, exp.Select), _ROUNDED):
        return as_double(translation, value)
    return translation.cast(value, native)


_ROUNDED = (exp.Avg, exp.VariancePop)
"""What rounds anyway, so that it does not matter how a decimal becomes a double."""


def _demand_wider(value: Value, native: str) -> None:
    """Refuse casts of numbers that may not hold each value."""
    if value.type is Type.STRING:
        raise RefusedError("casts of text")
    if value.native in WIDTHS and native in WIDTHS and WIDTHS.index(native) < WIDTHS.index(value.native):
        raise RefusedError("casts to narrower integers")
    new, old = digits_of(native) if native.startswith("DECIMAL") else None, digits_of(value.native)
    if new and (old is None or new[1] < old[1] or new[0] - new[1] < old[0] - old[1]):
        raise RefusedError("casts to narrower decimals")


# -- aggregates ----------------------------------------------------------------------------------------


def _count(translation: Translation, node: Any) -> Value:
    counted = _argument(node)
    if isinstance(counted, exp.Star):
        return Value(exp.Count(this=exp.Star()), BIGINT)
    if isinstance(counted, exp.Distinct):
        only(counted, "expressions")
        (member,) = counted.expressions
        value = translation.value(member)
        compared(translation, [value])
        return Value(exp.Count(this=exp.Distinct(expressions=[value.node])), BIGINT)
    return Value(exp.Count(this=translation.value(counted).node), BIGINT)


def _argument(node: Any) -> exp.Expr:
    """The one argument of a function, which may be a node of its own class or a call by name."""
    if isinstance(node, exp.Anonymous):
        (argument,) = node.expressions
        return argument  # type: ignore[no-any-return]
    only(node, "this")
    return node.this  # type: ignore[no-any-return]


def _sum(translation: Translation, node: Any) -> Value:
    value = demand(translation.value(_argument(node)), Type.INTEGER, Type.DECIMAL, Type.FLOAT)
    if value.type is Type.FLOAT:
        return Value(exp.Sum(this=translation.cast(value, DOUBLE).node), DOUBLE)
    digits = digits_of(value.native) if value.type is Type.DECIMAL else None
    return Value(exp.Sum(this=value.node), f"DECIMAL(38,{digits[1]})" if digits else "HUGEINT")


def _mean(kind: type[exp.Expr]) -> Builder:
    """An aggregate of numbers that is a double."""

    def build(translation: Translation, node: Any) -> Value:
        value = demand(translation.value(_argument(node)), Type.INTEGER, Type.DECIMAL, Type.FLOAT)
        if value.type is Type.FLOAT:
            return Value(kind(this=translation.cast(value, DOUBLE).node), DOUBLE)
        return translation.cast(Value(kind(this=value.node), "DECIMAL(38,10)"), DOUBLE)

    return build


def _extreme(kind: type[exp.Expr]) -> Builder:
    def build(translation: Translation, node: Any) -> Value:
        value = demand(translation.value(_argument(node)), *ORDERED)
        return Value(kind(this=value.node), value.native)

    return build


# -- functions -----------------------------------------------------------------------------------------


def function(name: str, arguments: Sequence[Type], native: str) -> Builder:
    """A function that the database has under a name and that means the same; NULL where an argument is."""
    return called(lambda *nodes: exp.Anonymous(this=name, expressions=list(nodes)), arguments, native)


def called(build: Callable[..., exp.Expr], arguments: Sequence[Type], native: str) -> Builder:
    """What a function of so many arguments of these types becomes; doubles are made of numbers."""

    def spell(translation: Translation, node: exp.Anonymous) -> Value:
        if len(node.expressions) != len(arguments):
            raise RefusedError(f"the function {node.this} with {len(node.expressions)} arguments")
        nodes = []
        for each, kind in zip(node.expressions, arguments, strict=True):
            value = translation.value(each)
            if kind is Type.FLOAT and value.type.is_number:
                value = as_double(translation, value)
            nodes.append(demand(value, kind).node)
        return Value(build(*nodes), native)

    return spell


def _unless_equal(translation: Translation, node: exp.Anonymous) -> Value:
    """`nullif(a, b)`."""
    value, other = map(translation.value, node.expressions)
    left, right = compared(translation, [value, other])
    same = exp.EQ(this=left, expression=right)
    return Value(exp.Case(ifs=[exp.If(this=same, true=exp.Null())], default=value.node.copy()), value.native)


def arithmetic(kind: type[exp.Expr]) -> Builder:
    """`+`, `-` or `*` of integers of one width at most as wide as 64 bits, or of doubles; overflow is an error."""

    def build(translation: Translation, node: Any) -> Value:
        only(node, "this", "expression")
        values = [demand(translation.value(each), Type.INTEGER, Type.FLOAT) for each in (node.this, node.expression)]
        nodes, native = in_common(translation, values)
        if native not in ("INTEGER", BIGINT, DOUBLE):
            raise RefusedError(f"arithmetic on {native}")
        return Value(kind(this=within(nodes[0]), expression=within(nodes[1])), native)

    return build


def _quotient(translation: Translation, node: exp.Div) -> Value:
    """`/` of doubles."""
    only(node, "this", "expression", "typed", "safe")
    left, right = (
        as_double(translation, demand(translation.value(each), Type.INTEGER, Type.DECIMAL, Type.FLOAT)).node
        for each in (node.this, node.expression)
    )
    return Value(exp.Div(this=within(left), expression=within(right), typed=False, safe=False), DOUBLE)


CONSTRUCTS: dict[Any, Construct] = {
    # values
    exp.Column: Construct(_column, "columns"),
    exp.Literal: Construct(_literal, "numbers and texts as written"),
    exp.Boolean: Construct(lambda _, node: Value(node.copy(), BOOLEAN), "`true`, `false`"),
    exp.Null: Construct(lambda _, node: Value(exp.Null(), NULL), "`NULL`"),
    exp.Neg: Construct(_negative, "`-` before a number"),
    exp.Paren: Construct(_in_parentheses, "parentheses"),
    exp.Cast: Construct(_cast, "casts that cannot fail; days and instants as written"),
    exp.TryCast: Construct(_cast, "casts that cannot fail; days and instants as written"),
    # conditions
    exp.And: Construct(_connected(exp.And), "`and`, `or`, `not`"),
    exp.Or: Construct(_connected(exp.Or), "`and`, `or`, `not`"),
    exp.Not: Construct(_negated, "`and`, `or`, `not`"),
    exp.Is: Construct(_is, "`is null`"),
    exp.EQ: Construct(comparison(exp.EQ), "`=`, `!=` of values of one kind"),
    exp.NEQ: Construct(comparison(exp.NEQ), "`=`, `!=` of values of one kind"),
    exp.LT: Construct(comparison(exp.LT), "`<`, `<=`, `>`, `>=` of values of one kind; texts by code points"),
    exp.LTE: Construct(comparison(exp.LTE), "`<`, `<=`, `>`, `>=` of values of one kind; texts by code points"),
    exp.GT: Construct(comparison(exp.GT), "`<`, `<=`, `>`, `>=` of values of one kind; texts by code points"),
    exp.GTE: Construct(comparison(exp.GTE), "`<`, `<=`, `>`, `>=` of values of one kind; texts by code points"),
    exp.NullSafeEQ: Construct(comparison(exp.NullSafeEQ), "`<=>`"),
    exp.In: Construct(_listed, "`in` a list, or in the values of another table of the database"),
    exp.Case: Construct(_case, "`case`, `coalesce`, `nullif`"),
    exp.Coalesce: Construct(_coalesce, "`case`, `coalesce`, `nullif`"),
    "coalesce": Construct(
        lambda t, node: _coalesce(t, exp.Coalesce(this=node.expressions[0], expressions=node.expressions[1:])),
        "`case`, `coalesce`, `nullif`",
    ),
    "nullif": Construct(_unless_equal, "`case`, `coalesce`, `nullif`"),
    # aggregates
    exp.Count: Construct(_count, "`count`, also of distinct values"),
    "count": Construct(_count, "`count`, also of distinct values"),
    exp.Min: Construct(_extreme(exp.Min), "`min`, `max`"),
    exp.Max: Construct(_extreme(exp.Max), "`min`, `max`"),
    "min": Construct(_extreme(exp.Min), "`min`, `max`"),
    "max": Construct(_extreme(exp.Max), "`min`, `max`"),
    exp.Sum: Construct(_sum, "`sum`"),
    "sum": Construct(_sum, "`sum`"),
    exp.Avg: Construct(_mean(exp.Avg), "`avg`"),
    "avg": Construct(_mean(exp.Avg), "`avg`"),
    exp.VariancePop: Construct(_mean(exp.VariancePop), "population variance"),
    # arithmetic
    exp.Add: Construct(arithmetic(exp.Add), "`+`, `-`, `*` of integers or doubles"),
    exp.Sub: Construct(arithmetic(exp.Sub), "`+`, `-`, `*` of integers or doubles"),
    exp.Mul: Construct(arithmetic(exp.Mul), "`+`, `-`, `*` of integers or doubles"),
    exp.Div: Construct(_quotient, "`/`"),
}
"""What databases say alike, where they say it at all."""

REASONS: dict[Any, str] = {
    **dict.fromkeys(("DQ_FULL_MATCH", "DQ_FIND", "regexp_matches", "regexp_extract", "regexp_replace"),
                    "regular expressions are matched otherwise"),
    **dict.fromkeys((exp.Lower, "lower", "upper"), "letters beyond ASCII change their case otherwise"),
    exp.PercentileCont: "quantiles are computed otherwise",
    exp.Window: "windows",
    exp.Exists: "a subquery for each row",
    exp.Star: "all columns",
}  # fmt: skip
"""Why some constructs are missing, in words."""
