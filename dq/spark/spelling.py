"""How each construct of our queries is said in Spark: the allow-list of `dq.spark.translating`.

Everything here means the same with ANSI mode on and off: casts that may fail are TRY_CAST, integers that overflow end
the query, divisors are never 0, and instants do not pass through the time zone of the session.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dq.casts import STOPPED
from dq.lazy import exp
from dq.schema import Type
from dq.spark import dialect
from dq.spark.translating import RefusedError, Spelling, Translation, Value, derived, key_of
from dq.spark.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    FLOAT,
    HUGEINT,
    INTEGER,
    INTERVAL,
    NULL,
    TEXT,
    TIMESTAMP,
    TIMESTAMP_TZ,
    WIDTHS,
    decimal_digits,
    members,
    said,
    spark_type,
)

_NUMBERS = frozenset({Type.INTEGER, Type.DECIMAL, Type.FLOAT})


# -- small words ---------------------------------------------------------------------------------------


def fn(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A function of Spark; the arguments are copied."""
    return exp.Anonymous(this=name, expressions=[each.copy() for each in arguments])


def number(value: int | str) -> exp.Expr:
    """A number as written."""
    spelled = str(value)
    return (
        exp.paren(exp.Neg(this=exp.Literal.number(spelled[1:]))) if spelled[0] == "-" else exp.Literal.number(spelled)
    )


def text(value: str) -> exp.Expr:
    """A text."""
    return dialect.quoted(value)


def within(node: exp.Expr) -> exp.Expr:
    """In parentheses where an operator beside it could bind tighter."""
    loose = isinstance(node, exp.Binary | exp.Not | exp.In | exp.Neg | exp.Between)
    return exp.Paren(this=node.copy()) if loose else node.copy()


def case(*branches: tuple[exp.Expr, exp.Expr], default: exp.Expr | None = None) -> exp.Case:
    """The value behind the first condition that is true."""
    ifs = [exp.If(this=condition.copy(), true=value.copy()) for condition, value in branches]
    return exp.Case(ifs=ifs, default=default.copy() if default is not None else None)


def is_null(node: exp.Expr) -> exp.Expr:
    """Whether a value is missing."""
    return exp.Is(this=within(node), expression=exp.Null())


def cast(node: exp.Expr, native: str, *, safe: bool = False) -> exp.Expr:
    """A cast by DuckDB's name of the type, whatever it means."""
    name = spark_type(native)
    if not name:
        raise RefusedError(f"Spark has no type {native}")
    return dialect.cast(node.copy(), name, safe=safe)


def stop(native: str, reason: str) -> exp.Expr:
    """What ends the query when it is reached, as a value of some type."""
    return cast(fn("raise_error", text(reason)), native)


def binary(kind: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """An operator between two values."""
    return exp.Paren(this=kind(this=within(left), expression=within(right)))


# -- types ---------------------------------------------------------------------------------------------


def demand(value: Value, *kinds: Type) -> Value:
    """The value, if it holds one of these.

    Raises:
        RefusedError: it holds something else.
    """
    if value.native != NULL and value.type not in kinds:
        raise RefusedError(f"a {value.type.value} where {' or '.join(each.value for each in kinds)} is needed")
    return value


def common_type(natives: Sequence[str]) -> str:
    """The type in which values of these types meet, as DuckDB chooses it.

    Raises:
        RefusedError: there is none.
    """
    found = {each for each in natives if each != NULL}
    if len(found) <= 1:
        return next(iter(found), NULL)
    kinds = {Value(exp.Null(), each).type for each in found}
    if kinds == {Type.INTEGER}:
        return max(found, key=WIDTHS.index)
    if kinds <= _NUMBERS:
        if Type.FLOAT in kinds:
            return DOUBLE if DOUBLE in found else FLOAT
        return _wide_decimal(found)
    if kinds <= {Type.DATE, Type.TIMESTAMP, Type.TIMESTAMP_TZ}:
        return TIMESTAMP
    raise RefusedError(f"{' and '.join(sorted(each.value for each in kinds))} have no common type")


_DIGITS = {"TINYINT": 3, "SMALLINT": 5, INTEGER: 10, BIGINT: 19, HUGEINT: 38}


def _wide_decimal(natives: set[str]) -> str:
    digits = [decimal_digits(each) if each.startswith("DECIMAL") else (_DIGITS[each], 0) for each in natives]
    scale = max(scale for _, scale in digits)
    whole = max(precision - scale for precision, scale in digits)
    return f"DECIMAL({min(38, whole + scale)},{scale})"


def converted(value: Value, native: str, *, safe: bool = False) -> Value:
    """A value as one of another type, as DuckDB casts it; a safe cast is NULL where that fails.

    Raises:
        RefusedError: no such cast is made.
    """
    if value.native == native:
        return value
    if value.native == NULL:
        return Value(cast(exp.Null(), native), native)
    wanted = Value(exp.Null(), native).type
    build = _CASTS.get((value.type, wanted))
    if build is None:
        raise RefusedError(f"casts from {value.type.value} to {wanted.value}")
    return Value(build(value, native, safe), native)


def _exact(value: Value, native: str, safe: bool) -> exp.Expr:
    """A cast that cannot fail."""
    return cast(value.node, native)


def _checked(value: Value, native: str, safe: bool) -> exp.Expr:
    """A cast that may fail, and then is NULL or ends the query."""
    tried = cast(value.node, native, safe=True)
    if safe or _fits(value.native, native):
        return tried if safe else cast(value.node, native)
    present = exp.Not(this=is_null(value.node))
    words = f"Conversion Error: a value of type {value.native} is out of range for {native}"
    return fn("coalesce", tried, case((present, stop(native, words))))


def _fits(source: str, native: str) -> bool:
    """Whether a number of one type always is one of another."""
    if native == DOUBLE or (native == FLOAT and source in ("TINYINT", "SMALLINT")):
        return True
    sizes = [
        decimal_digits(each) if each.startswith("DECIMAL") else (_DIGITS.get(each, 99), 0) for each in (source, native)
    ]
    (p1, s1), (p2, s2) = sizes
    if native.startswith("DECIMAL"):
        return p2 - s2 >= p1 - s1 and s2 >= s1
    return s1 == 0 and _DIGITS.get(native, 0) > p1 if source.startswith("DECIMAL") else p2 >= p1 != 99


def _rounded(value: Value, native: str, safe: bool) -> exp.Expr:
    """A decimal or a double as an integer: DuckDB rounds, where Spark cuts."""
    rounded = fn("rint" if value.type is Type.FLOAT else "round", value.node)
    return _checked(Value(rounded, DOUBLE if value.type is Type.FLOAT else value.native), native, safe)


def _to_float(value: Value, native: str, safe: bool) -> exp.Expr:
    return cast(value.node, native)


def _read(value: Value, native: str, safe: bool) -> exp.Expr:
    """What a text spells."""
    return _checked(value, native, safe)


def _float_to_decimal(value: Value, native: str, safe: bool) -> exp.Expr:
    return _checked(value, native, safe)


def _float_to_text(value: Value, native: str, safe: bool) -> exp.Expr:
    return cast(value.node, TEXT)


def _decimal_to_text(value: Value, native: str, safe: bool) -> exp.Expr:
    """All digits: Spark writes small numbers with an exponent where ANSI mode is off."""
    if value.native == HUGEINT:
        return cast(value.node, TEXT)
    scale = decimal_digits(value.native)[1]
    if scale <= 6:
        return cast(value.node, TEXT)
    digits = fn("replace", fn("format_number", fn("abs", value.node), number(scale)), text(","), text(""))
    sign = case((exp.LT(this=within(value.node), expression=number(0)), text("-")), default=text(""))
    return fn("concat", sign, digits)


def _instant_to_naive(value: Value, native: str, safe: bool) -> exp.Expr:
    return at_utc(value.node)


def at_utc(node: exp.Expr) -> exp.Expr:
    """An instant as the naive one in UTC, whatever zone the session has."""
    return naive(fn("unix_micros", node))


EPOCH = "TIMESTAMP_NTZ '1970-01-01 00:00:00'"


def naive(microseconds: exp.Expr) -> exp.Expr:
    """The naive instant so many microseconds after the beginning of 1970."""
    seconds = dialect.cast(exp.Div(this=within(microseconds), expression=number(1000000)), "DECIMAL(18,6)")
    whole = dialect.cast(
        binary(exp.Mul, dialect.cast(microseconds.copy(), "DECIMAL(20,0)"), number("0.000001")), "DECIMAL(18,6)"
    )
    del seconds
    moved = exp.Add(this=exp.Var(this=EPOCH), expression=fn("make_dt_interval", number(0), number(0), number(0), whole))
    return exp.Paren(this=moved)


def microseconds(node: exp.Expr) -> exp.Expr:
    """How many microseconds after the beginning of 1970 a naive instant is."""
    return fn("timestampdiff", exp.Var(this="MICROSECOND"), exp.Var(this=EPOCH), node)


def _boolean_to_number(value: Value, native: str, safe: bool) -> exp.Expr:
    return cast(case((value.node, number(1)), (exp.Not(this=within(value.node)), number(0))), native)


def _number_to_boolean(value: Value, native: str, safe: bool) -> exp.Expr:
    return exp.NEQ(this=within(value.node), expression=number(0))


_CASTS: Mapping[tuple[Type, Type], Callable[[Value, str, bool], exp.Expr]] = {
    **{(each, Type.FLOAT): _to_float for each in _NUMBERS},
    **{(each, Type.DECIMAL): _checked for each in (Type.INTEGER, Type.DECIMAL)},
    **{(each, Type.STRING): _exact for each in (Type.BOOLEAN, Type.INTEGER, Type.DATE, Type.TIMESTAMP)},
    **{(Type.STRING, each): _read for each in (*_NUMBERS, Type.DATE, Type.TIMESTAMP, Type.TIMESTAMP_TZ, Type.BOOLEAN)},
    **{(Type.BOOLEAN, each): _boolean_to_number for each in _NUMBERS},
    **{(each, Type.BOOLEAN): _number_to_boolean for each in _NUMBERS},
    (Type.INTEGER, Type.INTEGER): _checked,
    (Type.DECIMAL, Type.INTEGER): _rounded,
    (Type.FLOAT, Type.INTEGER): _rounded,
    (Type.FLOAT, Type.DECIMAL): _float_to_decimal,
    (Type.FLOAT, Type.STRING): _float_to_text,
    (Type.DECIMAL, Type.STRING): _decimal_to_text,
    (Type.DATE, Type.TIMESTAMP): _exact,
    (Type.TIMESTAMP, Type.DATE): _exact,
    (Type.TIMESTAMP_TZ, Type.TIMESTAMP): _instant_to_naive,
    (Type.TIMESTAMP_TZ, Type.DATE): lambda value, native, safe: cast(at_utc(value.node), DATE),
    (Type.TIMESTAMP_TZ, Type.STRING): lambda value, native, safe: fn(
        "concat", cast(at_utc(value.node), TEXT), text("+00")
    ),
}


def in_common(values: Sequence[Value]) -> tuple[list[exp.Expr], str]:
    """Values in the type in which they meet, and that type."""
    native = common_type([each.native for each in values])
    if native == NULL:
        return [each.node for each in values], NULL
    return [each.node if each.native == NULL else converted(each, native).node for each in values], native


def compared(values: Sequence[Value]) -> list[exp.Expr]:
    """Values as they are compared; integers and decimals as they stand, since Spark compares them exactly."""
    kinds = {each.type for each in values if each.native != NULL}
    if kinds <= {Type.INTEGER, Type.DECIMAL} or len({each.native for each in values} - {NULL}) <= 1:
        return [each.node for each in values]
    return in_common(values)[0]


# -- values --------------------------------------------------------------------------------------------


def _literal(translation: Translation, node: exp.Literal) -> Value:
    spelled = str(node.this)
    if node.is_string:
        return Value(text(spelled), TEXT)
    if re.fullmatch(r"[0-9]+", spelled):
        size = int(spelled)
        bits = next((bits for bits in (31, 63) if size < 2**bits), 127)
        if size >= 10**38:
            return Value(cast(text(spelled), DOUBLE), DOUBLE)
        native = {31: INTEGER, 63: BIGINT}.get(bits, HUGEINT)
        return Value(exp.Literal.number(size), native)
    whole, _, fraction = spelled.partition(".")
    digits = (whole + fraction).lstrip("0")
    if re.fullmatch(r"[0-9]*\.[0-9]*", spelled) and len(whole + fraction) <= 38:
        scale = len(fraction)
        precision = max(len(digits), scale, 1)
        return Value(
            cast(exp.Literal.number(spelled.rstrip(".") or "0"), f"DECIMAL({precision},{scale})"),
            f"DECIMAL({precision},{scale})",
        )
    return Value(cast(text(spelled), DOUBLE), DOUBLE)


def _negative(translation: Translation, node: exp.Neg) -> Value:
    value = demand(translation.value(node.this), *_NUMBERS)
    return Value(exp.Paren(this=exp.Neg(this=within(value.node))), value.native)


def _paren(translation: Translation, node: exp.Paren) -> Value:
    value = translation.value(node.this)
    return Value(within(value.node), value.native)


def _cast(translation: Translation, node: exp.Cast | exp.TryCast) -> Value:
    native, safe = said(node.to), isinstance(node, exp.TryCast)
    held = node.this
    if isinstance(held, exp.Literal) and held.is_string and native in (DATE, TIMESTAMP, HUGEINT):
        return Value(cast(text(str(held.this)), native), native)
    value = translation.value(held)
    if value.native.endswith("[]") and native.endswith("[]"):
        return Value(dialect.cast(value.node, f"ARRAY<{spark_type(native[:-2])}>"), native)
    return converted(value, native, safe=safe)


# -- conditions ----------------------------------------------------------------------------------------


def condition(translation: Translation, node: exp.Expr) -> exp.Expr:
    """An expression that is true, false or NULL."""
    value = translation.value(node)
    return value.node if value.native == NULL else converted(value, BOOLEAN).node


def _connected(kind: type[exp.Expr]) -> Spelling:
    def build(translation: Translation, node: Any) -> Value:
        parts = [within(condition(translation, each)) for each in _chain(node, kind)]
        return Value(_balanced(parts, kind), BOOLEAN)

    return build


def _chain(node: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    """The operands of a chain of one operator, without recursion."""
    found, waiting = [], [node]
    while waiting:
        each = waiting.pop()
        bare = each.unnest()
        if isinstance(bare, kind):
            waiting += [bare.args["expression"], bare.args["this"]]
        else:
            found.append(each)
    return found


def _balanced(parts: list[exp.Expr], kind: Any) -> exp.Expr:
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    sides = [_balanced(parts[:half], kind), _balanced(parts[half:], kind)]
    tree: exp.Expr = kind(this=within(sides[0]), expression=within(sides[1]))
    return tree


def _negated(translation: Translation, node: exp.Not) -> Value:
    return Value(exp.Not(this=within(condition(translation, node.this))), BOOLEAN)


def _is(translation: Translation, node: exp.Is) -> Value:
    value = translation.value(node.this)
    if isinstance(node.expression, exp.Boolean):
        same = exp.NullSafeEQ(this=within(value.node), expression=node.expression.copy())
        return Value(exp.Paren(this=same), BOOLEAN)
    return Value(is_null(value.node), BOOLEAN)


def _comparison(kind: type[exp.Expr]) -> Spelling:
    def build(translation: Translation, node: Any) -> Value:
        left, right = compared([translation.value(node.this), translation.value(node.expression)])
        return Value(kind(this=within(left), expression=within(right)), BOOLEAN)

    return build


def _unlike(translation: Translation, node: Any) -> Value:
    left, right = compared([translation.value(node.this), translation.value(node.expression)])
    same = exp.NullSafeEQ(this=within(left), expression=within(right))
    return Value(exp.Not(this=exp.Paren(this=same)), BOOLEAN)


def _listed(translation: Translation, node: exp.In) -> Value:
    if node.args.get("query"):
        return _listed_by_query(translation, node)
    value, *others = compared([translation.value(each) for each in (node.this, *node.expressions)])
    return Value(exp.In(this=within(value), expressions=others), BOOLEAN)


def _listed_by_query(translation: Translation, node: exp.In) -> Value:
    """`IN` the values of a query: by a join, since Spark takes NULL for false where it stands in no WHERE."""
    left = node.this.unnest().expressions if isinstance(node.this.unnest(), exp.Tuple) else [node.this]
    values = [translation.value(each) for each in left]
    select, columns = translation.query(
        node.args["query"].this if isinstance(node.args["query"], exp.Subquery) else node.args["query"]
    )
    pairs = [
        compared([value, Value(exp.column(name, quoted=True), native)])
        for value, (name, native) in zip(values, columns.items(), strict=True)
    ]
    keys = [f"k{at}" for at in range(len(pairs))]
    listed = exp.select(
        *(exp.alias_(right.copy(), key, quoted=True) for key, (_, right) in zip(keys, pairs, strict=True))
    )
    listed = listed.from_(derived(select, "listed")).distinct()
    alias = translation.join(
        listed,
        lambda alias: exp.and_(*(
            exp.EQ(this=within(left), expression=exp.column(key, table=alias, quoted=True))
            for key, (left, _) in zip(keys, pairs, strict=True)
        )),
    )  # fmt: skip
    found = exp.Not(this=is_null(exp.column(keys[0], table=alias, quoted=True)))
    if only_truth_matters(node):
        return Value(found, BOOLEAN)
    if len(pairs) > 1:
        raise RefusedError("a list of several columns where NULL and false differ")
    summed = exp.select(
        exp.alias_(exp.Count(this=exp.Star()), "n", quoted=True),
        exp.alias_(fn("count_if", is_null(exp.column("k0", quoted=True))), "nulls", quoted=True),
    ).from_(derived(listed.copy(), "listed"))
    sizes = translation.join(summed, lambda alias: exp.true())
    empty = exp.EQ(this=exp.column("n", table=sizes, quoted=True), expression=number(0))
    gaps = exp.GT(this=exp.column("nulls", table=sizes, quoted=True), expression=number(0))
    truth = case(
        (found, exp.true()),
        (empty, exp.false()),
        (exp.or_(is_null(pairs[0][0]), gaps), cast(exp.Null(), BOOLEAN)),
        default=exp.false(),
    )
    return Value(truth, BOOLEAN)


def only_truth_matters(node: exp.Expr) -> bool:
    """Whether a condition stands where NULL is as good as false."""
    around = node.parent
    if isinstance(around, exp.Paren | exp.And | exp.Or):
        return only_truth_matters(around)
    if isinstance(around, exp.Coalesce):
        return bool(around.expressions == [exp.false()])
    return isinstance(around, exp.Where | exp.If)


def _exists(translation: Translation, node: exp.Exists) -> Value:
    """Whether a query has a row; one that equals the row around it on some columns becomes a join."""
    query = node.this
    where = query.args.get("where")
    read = query.args["from_"].this if isinstance(query, exp.Select) and query.args.get("from_") else None
    if isinstance(read, exp.Subquery) and where is not None and isinstance(query.expressions[0], exp.Star):
        pairs = [_pair(each, read.alias) for each in _chain(where.this, exp.And)]
        if all(pairs):
            return _joined(translation, read, [pair for pair in pairs if pair])
    select, _ = translation.query(query)
    return Value(exp.Exists(this=select), BOOLEAN)


def _pair(node: exp.Expr, alias: str) -> tuple[str, exp.Expr] | None:
    """The column of a query that is to equal a value of the row around it, NULL being equal to NULL."""
    bare = node.unnest()
    if isinstance(bare, exp.NullSafeEQ) and isinstance(bare.this, exp.Column) and bare.this.table == alias:
        return bare.this.name, bare.expression
    return None


def _joined(translation: Translation, read: exp.Subquery, pairs: list[tuple[str, exp.Expr]]) -> Value:
    select, columns = translation.query(read.this)
    folded = {name.casefold(): name for name in columns}
    sides = []
    for name, other in pairs:
        exact = name if name in columns else folded[name.casefold()]
        sides.append(compared([Value(exp.column(exact, quoted=True), columns[exact]), translation.value(other)]))
    keys = [f"k{at}" for at in range(len(sides))]
    listed = exp.select(
        *(exp.alias_(left.copy(), key, quoted=True) for key, (left, _) in zip(keys, sides, strict=True))
    )
    listed = exp.select("*", exp.alias_(exp.true(), "found", quoted=True)).from_(
        derived(listed.from_(derived(select, "inner")).distinct(), "listed")
    )
    alias = translation.join(
        listed,
        lambda alias: exp.and_(*(
            exp.NullSafeEQ(this=exp.column(key, table=alias, quoted=True), expression=within(right))
            for key, (_, right) in zip(keys, sides, strict=True)
        )),
    )  # fmt: skip
    found = exp.column("found", table=alias, quoted=True)
    return Value(exp.Not(this=is_null(found)), BOOLEAN)


def _case(translation: Translation, node: exp.Case) -> Value:
    tests = [condition(translation, each.this) for each in node.args["ifs"]]
    default = node.args.get("default")
    given = [translation.value(each.args["true"]) for each in node.args["ifs"]]
    nodes, native = in_common([*given, *([translation.value(default)] if default else [])])
    ifs = [exp.If(this=test, true=value) for test, value in zip(tests, nodes, strict=False)]
    return Value(exp.Case(ifs=ifs, default=nodes[-1] if default else None), native)


def _alternatives(name: str) -> Spelling:
    def build(translation: Translation, node: Any) -> Value:
        nodes, native = in_common([translation.value(each) for each in arguments(node)])
        return Value(nodes[0] if len(nodes) == 1 else fn(name, *nodes), native)

    return build


def arguments(node: exp.Expr) -> list[exp.Expr]:
    """The arguments of a function, which may be a node of its own class or a call by name."""
    first = (
        []
        if isinstance(node, exp.Anonymous)
        else [each for each in (node.this, node.args.get("expression")) if each is not None]
    )
    return [*first, *node.expressions]


def _unless_equal(translation: Translation, node: Any) -> Value:
    value, other = map(translation.value, arguments(node))
    left, right = compared([value, other])
    same = exp.EQ(this=within(left), expression=within(right))
    return Value(case((same, cast(exp.Null(), value.native)), default=value.node), value.native)


# -- aggregates ----------------------------------------------------------------------------------------


def _argument(node: Any) -> exp.Expr:
    found: exp.Expr = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
    return found


def _aggregated(translation: Translation, node: Any) -> tuple[Value, bool]:
    """What is aggregated, and whether each value counts once."""
    argument = _argument(node)
    if isinstance(argument, exp.Distinct):
        return translation.value(argument.expressions[0]), True
    return translation.value(argument), False


def _once(node: exp.Expr, distinct: bool) -> exp.Expr:
    return exp.Distinct(expressions=[node.copy()]) if distinct else node


def _count(translation: Translation, node: Any) -> Value:
    if isinstance(_argument(node), exp.Star):
        return Value(exp.Count(this=exp.Star()), BIGINT)
    value, distinct = _aggregated(translation, node)
    return Value(exp.Count(this=_once(value.node, distinct)), BIGINT)


def _sum(translation: Translation, node: Any) -> Value:
    """Of integers and decimals exact: 64 bits overflow, in silence where ANSI mode is off."""
    value, distinct = _aggregated(translation, node)
    value = demand(value, *_NUMBERS)
    if value.type is Type.FLOAT:
        return Value(exp.Sum(this=_once(cast(value.node, DOUBLE), distinct)), DOUBLE)
    return _exact_sum(value, distinct)


def _exact_sum(value: Value, distinct: bool) -> Value:
    if value.native in WIDTHS[:3]:
        total = exp.Sum(this=_once(cast(value.node, BIGINT), distinct))
        return Value(cast(total, HUGEINT), HUGEINT)
    if value.native == HUGEINT:
        return Value(exp.Sum(this=_once(value.node, distinct)), HUGEINT)
    if value.type is Type.INTEGER:
        if distinct:
            return Value(cast(exp.Sum(this=_once(dialect.cast(value.node, "DECIMAL(20,0)"), True)), HUGEINT), HUGEINT)
        return Value(_halves(value.node), HUGEINT)
    scale = decimal_digits(value.native)[1]
    return Value(cast(exp.Sum(this=_once(value.node, distinct)), f"DECIMAL(38,{scale})"), f"DECIMAL(38,{scale})")


def _halves(node: exp.Expr) -> exp.Expr:
    """The sum of 64-bit integers from those of their halves: exact, and much faster than with decimals."""
    high = exp.Sum(this=fn("shiftright", node, number(32)))
    low = exp.Sum(this=exp.BitwiseAnd(this=within(node), expression=exp.Literal.number(4294967295)))
    wide = binary(exp.Mul, dialect.cast(high, "DECIMAL(20,0)"), number(4294967296))
    return cast(binary(exp.Add, wide, dialect.cast(low, "DECIMAL(20,0)")), HUGEINT)


def _avg(translation: Translation, node: Any) -> Value:
    value, distinct = _aggregated(translation, node)
    value = demand(value, *_NUMBERS)
    if value.type is Type.FLOAT:
        return Value(exp.Avg(this=_once(cast(value.node, DOUBLE), distinct)), DOUBLE)
    total = cast(_exact_sum(value, distinct).node, DOUBLE)
    count = fn("nullif", exp.Count(this=_once(value.node, distinct)), number(0))
    return Value(binary(exp.Div, total, count), DOUBLE)


def _of_doubles(name: str, arity: int = 1) -> Spelling:
    """An aggregate of doubles that Spark has under a name."""

    def build(translation: Translation, node: Any) -> Value:
        if isinstance(_argument(node), exp.Distinct):
            value, _ = _aggregated(translation, node)
            return Value(fn(name, _once(converted(value, DOUBLE).node, True)), DOUBLE)
        values = [converted(translation.value(each), DOUBLE) for each in arguments(node)]
        assert len(values) == arity
        return Value(fn(name, *(each.node for each in values)), DOUBLE)

    return build


def _extreme(name: str) -> Spelling:
    def build(translation: Translation, node: Any) -> Value:
        value, _ = _aggregated(translation, node)
        return Value(fn(name, value.node), value.native)

    return build


def _quantile(translation: Translation, node: Any) -> Value:
    value, share = (translation.value(each) for each in arguments(node))
    return Value(fn("percentile", converted(value, DOUBLE).node, share.node), DOUBLE)


def _histogram(translation: Translation, node: Any) -> Value:
    """How often each value occurs, as a map."""
    value = demand(translation.value(node.expressions[0]), Type.INTEGER)
    inner = (
        exp.select(
            exp.alias_(value.node.copy(), "size", quoted=True),
            exp.alias_(exp.Count(this=exp.Star()), "groups", quoted=True),
        )
        .from_(exp.Table(this=exp.to_identifier(translation.grouped, quoted=True)))
        .where(exp.Not(this=is_null(value.node)))
        .group_by(value.node.copy())
    )
    rows = fn("collect_list", fn("struct", exp.column("size", quoted=True), exp.column("groups", quoted=True)))
    packed = exp.select(fn("map_from_entries", rows)).from_(derived(inner, "sizes"))
    return Value(exp.Subquery(this=packed), f"MAP({BIGINT}, {BIGINT})")


def _top(
    translation: Translation, count: Value, named: Mapping[str, Value], most: exp.Expr, ties: Sequence[str]
) -> exp.Expr:
    """The rows of the groups with the greatest counts, as a list of structs."""
    items = [exp.alias_(each.node.copy(), name, quoted=True) for name, each in named.items()]
    inner = exp.select(*items, exp.alias_(count.node.copy(), "place", quoted=True))
    inner = inner.from_(exp.Table(this=exp.to_identifier(translation.grouped, quoted=True)))
    inner = inner.where(exp.Not(this=is_null(count.node)))
    order = [exp.Ordered(this=exp.column("place", quoted=True), desc=True)]
    order += [exp.Ordered(this=exp.column(each, quoted=True), nulls_first=False) for each in ties]
    first = exp.select("*").from_(derived(inner, "groups"))
    first.set("order", exp.Order(expressions=order))
    first = first.limit(most.copy())
    fields = [part for name in named for part in (text(name), exp.column(name, quoted=True))]
    entry = fn("named_struct", text("place"), exp.Neg(this=exp.column("place", quoted=True)), *[
        part for name in ties for part in (text(f"tie_{name}"), exp.column(name, quoted=True))
    ], text("row"), fn("named_struct", *fields))  # fmt: skip
    gathered = fn("sort_array", fn("collect_list", entry))
    packed = exp.select(exp.Dot(this=gathered, expression=exp.to_identifier("row"))).from_(derived(first, "top"))
    return exp.Subquery(this=packed)


def _top_keys(translation: Translation, node: Any) -> Value:
    count, *keys = map(translation.value, node.expressions)
    named = {f"k{at}": key for at, key in enumerate(keys)}
    fields = ", ".join(f"{name} {key.native}" for name, key in named.items())
    return Value(_top(translation, count, named, number(3), ()), f"STRUCT({fields})[]")


def _top_values(translation: Translation, node: Any) -> Value:
    count, value, most = map(translation.value, node.expressions)
    top = _top(translation, count, {"v": value, "n": count}, most.node, ["v"])
    return Value(top, f"STRUCT(v {value.native}, n {count.native})[]")


# -- functions -----------------------------------------------------------------------------------------


def _called(build: Callable[..., exp.Expr], natives: Sequence[str], native: str) -> Spelling:
    """What a function of arguments of these types becomes; `=` takes any type, and as a result that of the first."""

    def spell(translation: Translation, node: Any) -> Value:
        values = [translation.value(each) for each in arguments(node)]
        if len(values) != len(natives):
            raise RefusedError(f"{key_of(node)} with {len(values)} arguments")
        given = [
            each if wanted == "=" else converted(each, wanted) for each, wanted in zip(values, natives, strict=True)
        ]
        return Value(build(*(each.node for each in given)), given[0].native if native == "=" else native)

    return spell


def _function(name: str, natives: Sequence[str], native: str) -> Spelling:
    """A function that Spark has under a name and that means the same."""
    return _called(lambda *nodes: fn(name, *nodes), natives, native)


def _arithmetic(kind: type[exp.Expr], tried: str) -> Spelling:
    """`+`, `-` or `*`: integers that overflow end the query."""

    def build(translation: Translation, node: Any) -> Value:
        left, right = (translation.value(each) for each in (node.this, node.expression))
        if INTERVAL in (left.native, right.native):
            moved = left if right.native == INTERVAL else right
            native = TIMESTAMP
            return Value(binary(kind, converted(moved, native).node, (right if moved is left else left).node), native)
        values = [demand(each, *_NUMBERS) for each in (left, right)]
        kinds = {each.type for each in values}
        if Type.FLOAT in kinds:
            nodes, native = in_common(values)
            return Value(binary(kind, *nodes), native)
        if Type.DECIMAL in kinds or HUGEINT in {each.native for each in values}:
            return _decimal_arithmetic(kind, tried, values)
        nodes, native = in_common(values)
        return Value(_or_stop(fn(tried, *nodes), nodes, native), native)

    return build


def _or_stop(tried: exp.Expr, operands: Sequence[exp.Expr], native: str) -> exp.Expr:
    """What was tried, but the end of the query where it came to nothing and no operand is NULL."""
    if any(isinstance(each.unnest(), exp.Literal) for each in operands):
        operands = [each for each in operands if not isinstance(each.unnest(), exp.Literal)]
    present = [exp.Not(this=is_null(each)) for each in operands]
    stopped = stop(native, f"Out of Range Error: an overflow of {native}")
    return fn("coalesce", tried, case((exp.and_(*present), stopped)) if present else stopped)


def _decimal_arithmetic(kind: type[exp.Expr], tried: str, values: Sequence[Value]) -> Value:
    digits = [decimal_digits(v.native) if v.native.startswith("DECIMAL") else (_DIGITS[v.native], 0) for v in values]
    (p1, s1), (p2, s2) = digits
    if kind is exp.Mul:
        precision, scale = p1 + p2 + 1, s1 + s2
    else:
        scale = max(s1, s2)
        precision = max(p1 - s1, p2 - s2) + scale + 1
    if precision > 38:  # Spark would round the digits behind the point
        if scale > 38:
            raise RefusedError("decimals of more than 38 digits")
        precision = 38
    native = f"DECIMAL({precision},{scale})"
    nodes = [each.node for each in values]
    return Value(cast(_or_stop(fn(tried, *nodes), nodes, native), native), native)


def _quotient(translation: Translation, node: exp.Div) -> Value:
    """`/` of doubles; NULL for a zero divisor."""
    left, right = (
        converted(demand(translation.value(each), *_NUMBERS), DOUBLE) for each in (node.this, node.expression)
    )
    divisor = (
        right.node if isinstance(node.expression, exp.Literal) else fn("nullif", right.node, cast(number(0), DOUBLE))
    )
    return Value(binary(exp.Div, left.node, divisor), DOUBLE)


def _pattern(node: exp.Expr) -> str:
    """An RE2 pattern of ours as Java reads it: they are made of what both have, but for the names of scripts."""
    if not (isinstance(node, exp.Literal) and node.is_string):
        raise RefusedError("a pattern that is no text as written")
    return re.sub(r"(\\[pP]\{)([A-Z][a-z][A-Za-z_]*\})", r"\1Is\2", str(node.this))


def _matches(whole: bool) -> Spelling:
    def build(translation: Translation, node: Any) -> Value:
        subject, pattern = node.expressions
        spelled = _pattern(pattern)
        value = converted(translation.value(subject), TEXT)
        return Value(fn("regexp_like", value.node, text(rf"\A(?:{spelled})\z" if whole else spelled)), BOOLEAN)

    return build


def _extracted(translation: Translation, node: Any) -> Value:
    subject, pattern, *rest = node.expressions
    value, spelled = converted(translation.value(subject), TEXT), text(_pattern(pattern))
    if rest and isinstance(rest[0], exp.Array):
        names = [str(each.this) for each in rest[0].expressions]
        parts = [
            part
            for at, name in enumerate(names, 1)
            for part in (text(name), fn("regexp_extract", value.node, spelled, number(at)))
        ]
        return Value(fn("named_struct", *parts), f"STRUCT({', '.join(f'{name} {TEXT}' for name in names)})")
    group = translation.value(rest[0]).node if rest else number(0)
    return Value(fn("regexp_extract", value.node, spelled, group), TEXT)


def _substituted(translation: Translation, node: Any) -> Value:
    """`regexp_replace`: the first match, or all of them."""
    subject, pattern, replacement, *options = node.expressions
    value, spelled = converted(translation.value(subject), TEXT), _pattern(pattern)
    new = _java_replacement(str(replacement.this))
    if not options:
        if not (spelled.startswith(r"\A")):
            raise RefusedError("the first match of a pattern")
        if not spelled.endswith(r"\z"):  # `\A` holds once only
            return Value(fn("regexp_replace", value.node, text(spelled), text(new)), TEXT)
    return Value(fn("regexp_replace", value.node, text(spelled), text(new)), TEXT)


def _java_replacement(replacement: str) -> str:
    r"""RE2's replacement (`\1`) as Java's (`$1`)."""
    out, at = [], 0
    while at < len(replacement):
        char = replacement[at]
        following = replacement[at + 1 : at + 2]
        if char == "\\" and following.isdigit():
            # Java reads as many digits as name a group.
            out.append(f"$\x7b{following}\x7d" if False else f"${following}")
            at += 2
            if replacement[at : at + 1].isdigit():
                out.append("\\")
        elif char == "\\" and following == "\\":
            out.append("\\\\")
            at += 2
        else:
            out.append("\\$" if char == "$" else char)
            at += 1
    return "".join(out)


def _zoned(translation: Translation, node: Any) -> Value:
    """`timezone('UTC', …)`: an instant as the naive one in UTC."""
    zone, moment = node.expressions
    value = translation.value(moment)
    if not (isinstance(zone, exp.Literal) and zone.this == "UTC") or value.native != TIMESTAMP_TZ:
        raise RefusedError("time zones")
    return Value(at_utc(value.node), TIMESTAMP)


def _epoch(translation: Translation, node: Any) -> Value:
    """Seconds since the beginning of 1970, as a double."""
    value = demand(translation.value(node.expressions[0]), Type.TIMESTAMP, Type.DATE)
    micros = microseconds(converted(value, TIMESTAMP).node)
    return Value(binary(exp.Div, cast(micros, DOUBLE), cast(number(1000000), DOUBLE)), DOUBLE)


def _whole_epoch(translation: Translation, node: Any) -> Value:
    value = demand(translation.value(node.expressions[0]), Type.TIMESTAMP)
    micros = microseconds(value.node)
    whole = fn("floor", binary(exp.Div, cast(micros, DOUBLE), cast(number(1000000), DOUBLE)))
    return Value(cast(whole, DOUBLE), DOUBLE)


def _is_finite(node: exp.Expr) -> exp.Expr:
    infinite = [cast(text(each), DOUBLE) for each in ("Infinity", "-Infinity", "NaN")]
    return exp.Not(this=exp.Paren(this=exp.In(this=within(node), expressions=infinite)))


def _is_infinite(node: exp.Expr) -> exp.Expr:
    infinite = [cast(text(each), DOUBLE) for each in ("Infinity", "-Infinity")]
    return exp.Paren(this=exp.In(this=within(node), expressions=infinite))


def _is_nan(translation: Translation, node: Any) -> Value:
    value = translation.value(_argument(node))
    double = converted(value, DOUBLE).node
    return Value(exp.EQ(this=within(double), expression=cast(text("NaN"), DOUBLE)), BOOLEAN)


def _sign_bit(node: exp.Expr) -> exp.Expr:
    """Whether a double is negative or `-0`."""
    zero = exp.EQ(this=within(node), expression=cast(number(0), DOUBLE))
    minus = exp.EQ(this=cast(node, TEXT), expression=text("-0.0"))
    return exp.Paren(
        this=exp.Or(
            this=exp.LT(this=within(node), expression=cast(number(0), DOUBLE)),
            expression=exp.Paren(this=exp.And(this=zero, expression=minus)),
        )
    )


def _round(translation: Translation, node: Any) -> Value:
    """Halves away from zero; a double by its binary value, as C rounds it."""
    parts = [node.this, node.args.get("decimals")] if isinstance(node, exp.Round) else node.expressions
    value = demand(translation.value(parts[0]), *_NUMBERS)
    digits = parts[1] if len(parts) > 1 and parts[1] is not None else exp.Literal.number(0)
    if value.type is Type.INTEGER:
        return Value(fn("round", value.node, translation.value(digits).node), value.native)
    if value.type is Type.DECIMAL:
        places = int(str(digits.this))
        precision, scale = decimal_digits(value.native)
        kept = min(scale, places)
        native = f"DECIMAL({min(38, precision + 1)},{kept})"
        return Value(cast(fn("round", value.node, number(places)), native), native)
    power = cast(number(10 ** int(str(digits.this))), DOUBLE)
    half = cast(number("0.5"), DOUBLE)
    double = converted(value, DOUBLE).node
    size = binary(exp.Mul, fn("abs", double), power)
    whole = cast(fn("floor", binary(exp.Add, size, half)), DOUBLE)
    huge = exp.Or(
        this=exp.Not(this=_is_finite(double)),
        expression=exp.GTE(this=within(size), expression=cast(text("9007199254740992"), DOUBLE)),
    )
    signed = binary(exp.Div, binary(exp.Mul, fn("signum", double), whole), power)
    return Value(case((huge, double), default=signed), DOUBLE)


def _trimmed(name: str) -> Spelling:
    """`trim(text, characters)`."""

    def build(translation: Translation, node: Any) -> Value:
        value, *characters = (converted(translation.value(each), TEXT) for each in arguments(node))
        removed = characters[0].node if characters else text(" ")
        side = {"trim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}[name]
        return Value(exp.Trim(this=value.node, expression=removed, position=side), TEXT)

    return build


def _field(translation: Translation, node: Any) -> Value:
    value, name = translation.value(node.expressions[0]), str(node.expressions[1].this)
    fields, _ = members(value.native)
    found = [each for each in fields if each == name] or [each for each in fields if each.lower() == name.lower()]
    if len(found) != 1:
        raise RefusedError(f"a field `{name}`")
    inner = exp.Paren(this=value.node) if not isinstance(value.node, exp.Column) else value.node
    return Value(exp.Dot(this=inner, expression=exp.to_identifier(found[0], quoted=True)), fields[found[0]])


def member_type(value: Value) -> str:
    """The type of the members of a list."""
    _, found = members(value.native)
    if not found and value.native != "[]":
        raise RefusedError(f"a list where a {value.type.value} is")
    return found


def _element(translation: Translation, node: Any) -> Value:
    """`list_extract`: counted from 1, or from the end; NULL where there is none."""
    value, position = map(translation.value, node.expressions)
    member = member_type(value)
    return Value(fn("try_element_at", value.node, converted(position, INTEGER).node), member)


def _each(name: str) -> Spelling:
    """`list_transform` and `list_filter`."""

    def build(translation: Translation, node: Any) -> Value:
        value = translation.value(node.expressions[0])
        function = node.expressions[1]
        names = [each.name for each in function.expressions]
        natives = [member_type(value), BIGINT][: len(names)]
        if len(names) == 1:
            with translation.binding(names[0], natives[0]):
                body = translation.value(function.this)
        else:
            with translation.binding(names[0], natives[0]), translation.binding(names[1], BIGINT):
                body = translation.value(function.this)
        written = exp.Lambda(this=body.node, expressions=[exp.to_identifier(each, quoted=True) for each in names])
        native = f"{body.native}[]" if name == "transform" else value.native
        return Value(exp.Anonymous(this=name, expressions=[value.node.copy(), written]), native)

    return build


def _array(translation: Translation, node: Any) -> Value:
    nodes, native = in_common([translation.value(each) for each in node.expressions])
    return Value(fn("array", *nodes), f"{native}[]")


SPELLINGS: dict[Any, Spelling] = {
    # values
    exp.Column: lambda translation, node: translation.column(node),
    exp.Literal: _literal,
    exp.Boolean: lambda translation, node: Value(node.copy(), BOOLEAN),
    exp.Null: lambda translation, node: Value(exp.Null(), NULL),
    exp.Neg: _negative,
    exp.Paren: _paren,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Array: _array,
    "list_value": _array,
    # conditions
    exp.And: _connected(exp.And),
    exp.Or: _connected(exp.Or),
    exp.Not: _negated,
    exp.Is: _is,
    **{each: _comparison(each) for each in (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ)},
    exp.NullSafeNEQ: _unlike,
    exp.In: _listed,
    exp.Exists: _exists,
    exp.Case: _case,
    **dict.fromkeys((exp.Coalesce, "coalesce"), _alternatives("coalesce")),
    **dict.fromkeys((exp.Greatest, "greatest"), _alternatives("greatest")),
    **dict.fromkeys((exp.Least, "least"), _alternatives("least")),
    **dict.fromkeys((exp.Nullif, "nullif"), _unless_equal),
    # aggregates
    **dict.fromkeys((exp.Count, "count"), _count),
    **dict.fromkeys((exp.Sum, "sum"), _sum),
    **dict.fromkeys((exp.Avg, "avg"), _avg),
    **dict.fromkeys((exp.Min, "min"), _extreme("min")),
    **dict.fromkeys((exp.Max, "max"), _extreme("max")),
    exp.VariancePop: _of_doubles("var_pop"),
    exp.PercentileCont: _quantile,
    "CORR": _of_doubles("corr", 2),
    **{name: _of_doubles(name.lower(), 2) for name in ("REGR_AVGX", "REGR_AVGY", "REGR_SXX", "REGR_SYY", "REGR_SXY")},
    "REGR_COUNT": lambda translation, node: Value(_of_doubles("regr_count", 2)(translation, node).node, BIGINT),
    "DQ_HISTOGRAM": _histogram,
    "DQ_TOP_KEYS": _top_keys,
    "DQ_TOP_VALUES": _top_values,
    # arithmetic
    exp.Add: _arithmetic(exp.Add, "try_add"),
    exp.Sub: _arithmetic(exp.Sub, "try_subtract"),
    exp.Mul: _arithmetic(exp.Mul, "try_multiply"),
    exp.Div: _quotient,
    # functions
    exp.IsNan: _is_nan,
    "isnan": _is_nan,
    "DQ_IS_FINITE": _called(_is_finite, (DOUBLE,), BOOLEAN),
    "isfinite": _called(_is_finite, (DOUBLE,), BOOLEAN),
    "isinf": _called(_is_infinite, (DOUBLE,), BOOLEAN),
    "DQ_SIGN_BIT": _called(_sign_bit, (DOUBLE,), BOOLEAN),
    **dict.fromkeys(("DQ_LENGTH", "length"), _function("char_length", (TEXT,), BIGINT)),
    **dict.fromkeys(("DQ_BYTES", "strlen"), _function("octet_length", (TEXT,), BIGINT)),
    **dict.fromkeys(("DQ_FULL_MATCH", "regexp_full_match"), _matches(whole=True)),
    **dict.fromkeys(("DQ_FIND", "regexp_matches"), _matches(whole=False)),
    "regexp_extract": _extracted,
    "regexp_replace": _substituted,
    "DQ_EPOCH": _whole_epoch,
    "epoch": _epoch,
    "DQ_TRIM_BLANKS": _trimmed("trim"),
    **{name: _trimmed(name) for name in ("trim", "ltrim", "rtrim")},
    **dict.fromkeys(("DQ_STOP", "error"), lambda translation, node: Value(
        fn("raise_error", translation.value(node.expressions[0]).node), NULL
    )),
    "timezone": _zoned,
    **dict.fromkeys((exp.Lower, "lower"), _function("lower", (TEXT,), TEXT)),
    **dict.fromkeys((exp.Upper, "upper"), _function("upper", (TEXT,), TEXT)),
    "contains": _function("contains", (TEXT, TEXT), BOOLEAN),
    "starts_with": _function("startswith", (TEXT, TEXT), BOOLEAN),
    "ends_with": _function("endswith", (TEXT, TEXT), BOOLEAN),
    exp.Round: _round,
    "round": _round,
    exp.Floor: _called(lambda value: cast(fn("floor", value), DOUBLE), (DOUBLE,), DOUBLE),
    exp.DPipe: _function("concat", (TEXT, TEXT), TEXT),
    "struct_extract": _field,
    "list_extract": _element,
    "list_transform": _each("transform"),
    "list_filter": _each("filter"),
}  # fmt: skip
"""How each construct is said, by the class of a node, or by the name of a function."""

assert STOPPED
