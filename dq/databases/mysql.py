"""What MySQL and MariaDB answer with the meaning that DuckDB has.

Texts stand under a collation that compares code points, blanks at the end included (see `dq.catalog.mysql`). There is
no NaN and no infinity: what overflows is an error there, and is then computed here.
"""

from __future__ import annotations

from typing import Any

from dq.databases.constructs import (
    BIGINT,
    BOOLEAN,
    CONSTRUCTS,
    DOUBLE,
    REASONS,
    TEXT,
    arithmetic,
    called,
    demand,
    function,
    within,
)
from dq.databases.gathering import fn, histogram, top_keys
from dq.databases.translating import Builder, Construct, Dialect, RefusedError, Translation, Value, only
from dq.lazy import exp
from dq.schema import Type

_NUMBERS = (Type.INTEGER, Type.DECIMAL, Type.FLOAT)


def _type(name: str) -> exp.DataType:
    return exp.DataType.build(name, dialect="mysql")


def _cast(translation: Translation, node: exp.Cast | exp.TryCast) -> Value:
    native = node.to.sql(dialect="duckdb")
    if native not in ("DATE", "TIMESTAMP"):
        return CONSTRUCTS[type(node)].build(translation, node)
    if isinstance(node.this, exp.Literal):
        value = CONSTRUCTS[type(node)].build(translation, node)
        value.node.set("to", _type("DATE" if native == "DATE" else "DATETIME(6)"))
        return value
    value = translation.value(node.this)
    if value.native == native:
        return value
    if value.native == "TIMESTAMP":  # a cast may round half a second before midnight to the next day
        return Value(fn("DATE", value.node), native)
    if value.native == "DATE":
        return Value(exp.Cast(this=value.node, to=_type("DATETIME(6)")), native)
    raise RefusedError(f"casts from {value.type.value} to {native.lower()}")


def _number(translation: Translation, node: Any) -> Value:
    """The number that is aggregated."""
    if not isinstance(node, exp.Anonymous):
        only(node, "this")
    argument = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
    return demand(translation.value(argument), *_NUMBERS)


def _mean(translation: Translation, node: Any) -> Value:
    """The mean: of integers and decimals the exact sum by the count, since `AVG` keeps four digits more only."""
    value = _number(translation, node)
    if value.type is Type.FLOAT:
        return Value(exp.Avg(this=translation.cast(value, DOUBLE).node), DOUBLE)
    total = translation.spelled(exp.Sum(this=value.node), DOUBLE)
    return Value(exp.Div(this=total, expression=exp.Count(this=value.node.copy()), typed=False, safe=True), DOUBLE)


def _variance(translation: Translation, node: Any) -> Value:
    return Value(exp.VariancePop(this=translation.cast(_number(translation, node), DOUBLE).node), DOUBLE)


def _arithmetic(kind: type[exp.Expr]) -> Builder:
    """Narrow integers are refused: they overflow here, and not there."""
    build = arithmetic(kind)

    def checked(translation: Translation, node: Any) -> Value:
        value = build(translation, node)
        if value.native not in (BIGINT, DOUBLE):
            raise RefusedError(f"arithmetic on {value.native}")
        return value

    return checked


def _constant(truth: bool, *kinds: Type) -> Builder:
    """A condition that holds for every value, or for none, and is NULL for NULL."""

    def build(value: exp.Expr) -> exp.Expr:
        absent = exp.Is(this=within(value), expression=exp.Null())
        return exp.Case(ifs=[exp.If(this=exp.Not(this=absent), true=exp.Boolean(this=truth))])

    return called(build, kinds, BOOLEAN)


def _is_nan(translation: Translation, node: exp.IsNan) -> Value:
    value = demand(translation.value(node.this), Type.FLOAT)
    return Value(_written_condition(value.node), BOOLEAN)


def _written_condition(value: exp.Expr) -> exp.Expr:
    return exp.NEQ(this=within(value), expression=within(value.copy()))


def _sign_bit(value: exp.Expr) -> exp.Expr:
    first = fn("LEFT", exp.Cast(this=value, to=_type("CHAR")), exp.Literal.number(1))
    return exp.EQ(this=first, expression=exp.Literal.string("-"))


def _epoch(value: exp.Expr) -> exp.Expr:
    """Whole seconds since 1970, reckoned from the year 0, whose seconds no fraction rounds."""
    since = exp.Sub(this=fn("TO_SECONDS", value), expression=exp.Literal.number(62167219200))
    return exp.Cast(this=since, to=_type("DOUBLE"))


def _at_utc(translation: Translation, node: exp.Anonymous) -> Value:
    zone, value = node.expressions
    if not (isinstance(zone, exp.Literal) and zone.this == "UTC"):
        raise RefusedError("time zones")
    instant = demand(translation.value(value), Type.TIMESTAMP_TZ)
    return Value(exp.Cast(this=instant.node, to=_type("DATETIME(6)")), "TIMESTAMP")


def _found(first: bool) -> Builder:
    """Whether a text holds another, or begins with it."""

    def build(value: exp.Expr, part: exp.Expr) -> exp.Expr:
        kind = exp.EQ if first else exp.GTE
        return kind(this=fn("LOCATE", part, value), expression=exp.Literal.number(1))

    return called(build, (Type.STRING, Type.STRING), BOOLEAN)


def _written(value: Value) -> exp.Expr:
    """A key as a text that DuckDB reads as it was."""
    if value.type is Type.BINARY:
        raise RefusedError("BLOBs as keys")
    if value.type is Type.BOOLEAN:
        no = exp.If(this=exp.Not(this=within(value.node.copy())), true=exp.Literal.string("false"))
        return exp.Case(ifs=[exp.If(this=value.node, true=exp.Literal.string("true")), no])
    return exp.Cast(this=value.node, to=_type("CHAR"))


def _gathered(row: exp.Expr) -> exp.Expr:
    """A list of JSON texts; `JSON_ARRAYAGG` would take each for a text."""
    return fn("CONCAT", exp.Literal.string("["), fn("GROUP_CONCAT", row), exp.Literal.string("]"))


def _sent(value: Value) -> exp.Expr:
    if value.type is Type.BINARY:
        raise RefusedError("BLOBs in an answer")
    return value.node


_OWN: dict[Any, Construct] = {
    **dict.fromkeys((exp.Cast, exp.TryCast), Construct(_cast, CONSTRUCTS[exp.Cast].about)),
    **dict.fromkeys((exp.Avg, "avg"), Construct(_mean, "`avg`")),
    exp.VariancePop: Construct(_variance, "population variance"),
    **{each: Construct(_arithmetic(each), CONSTRUCTS[each].about) for each in (exp.Add, exp.Sub, exp.Mul)},
    exp.IsNan: Construct(_is_nan, "`isnan`, and which doubles are finite"),
    "DQ_IS_FINITE": Construct(_constant(True, Type.FLOAT), "`isnan`, and which doubles are finite"),
    "DQ_SIGN_BIT": Construct(called(_sign_bit, (Type.FLOAT,), BOOLEAN), "both zeros of a double"),
    **dict.fromkeys(
        ("DQ_LENGTH", "length"),
        Construct(function("CHAR_LENGTH", (Type.STRING,), BIGINT), "`length` of texts, in code points"),
    ),
    **dict.fromkeys(
        ("DQ_BYTES", "strlen"), Construct(function("OCTET_LENGTH", (Type.STRING,), BIGINT), "`octet_length`")
    ),
    "DQ_TRIM_BLANKS": Construct(function("TRIM", (Type.STRING,), TEXT), "`trim` of blanks"),
    "starts_with": Construct(_found(first=True), "`startswith`, `contains`"),
    "contains": Construct(_found(first=False), "`startswith`, `contains`"),
    "DQ_HISTOGRAM": Construct(
        histogram(lambda name, value: fn("JSON_OBJECTAGG", name, value)),
        "frequency tables: how many groups there are of each size",
    ),
    "DQ_TOP_KEYS": Construct(top_keys(_written, _gathered), "frequency tables: the most frequent keys"),
    "DQ_EPOCH": Construct(called(_epoch, (Type.TIMESTAMP,), DOUBLE), "seconds of an instant"),
    "timezone": Construct(_at_utc, "instants with a zone, in UTC"),
}

MYSQL = Dialect(
    name="mysql",
    constructs={key: each for key, each in CONSTRUCTS.items() if key is not exp.Div} | _OWN,
    casts=frozenset(
        {
            (Type.INTEGER, Type.INTEGER),
            (Type.INTEGER, Type.DECIMAL),
            (Type.DECIMAL, Type.DECIMAL),
            *((each, Type.FLOAT) for each in _NUMBERS),
            *((each, Type.STRING) for each in (Type.INTEGER, Type.DECIMAL, Type.DATE)),
        }
    ),
    types={
        **dict.fromkeys(("SMALLINT", "INTEGER", "BIGINT"), "SIGNED"),
        "HUGEINT": "DECIMAL(38,0)",
        DOUBLE: "DOUBLE",
        TEXT: "CHAR",
    },
    reasons={**REASONS, exp.Div: "a division by zero is NULL there"},
    sent=_sent,
    longest_name=64,
)
