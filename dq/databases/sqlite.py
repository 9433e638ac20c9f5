"""What SQLite answers with the meaning that DuckDB has.

Its columns are integers of 64 bits, doubles, texts and BLOBs; days and moments are texts of one form each, and what
is true is 1 (see `dq.catalog.sqlite`). It has no decimals and no NaN: where a NaN would come out, it says NULL, so an
aggregate that is NULL in spite of values ends the query, which is then answered here. Some functions are Python's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from dq.databases.constructs import (
    BIGINT,
    BOOLEAN,
    CONSTRUCTS,
    DOUBLE,
    EXACT_DIGITS,
    REASONS,
    TEXT,
    called,
    demand,
    within,
)
from dq.databases.gathering import fn, histogram, top_keys
from dq.databases.translating import Builder, Construct, Dialect, RefusedError, Translation, Value, only
from dq.lazy import exp
from dq.schema import Type

OLDEST = (3, 38, 0)
"""The first version that has all of it: JSON, and lists that are made once."""


# -- functions of Python -------------------------------------------------------------------------------


class OtherwiseError(ValueError):
    """A value that SQLite takes otherwise than DuckDB; it ends the query."""


def stop() -> None:
    """End the query."""
    raise OtherwiseError


def whole(value: Any) -> Any:
    """An integer or NULL: a sum of two that became a float has overflowed."""
    if isinstance(value, float):
        raise OtherwiseError
    return value


class Variance:
    """The population variance, by Welford; NULL for no value."""

    def __init__(self) -> None:
        self._n = 0
        self._mean = 0.0
        self._squares = 0.0

    def step(self, value: float | None) -> None:
        """Take a value."""
        if value is not None:
            self._n += 1
            away = value - self._mean
            self._mean += away / self._n
            self._squares += away * (value - self._mean)

    def finalize(self) -> float | None:
        """The variance of what was taken."""
        if self._n == 0:
            return None
        if not math.isfinite(self._squares):
            raise OtherwiseError
        return self._squares / self._n


FUNCTIONS: Mapping[str, tuple[int, Any]] = {
    "dq_stop": (0, stop),
    "dq_whole": (1, whole),
    "dq_length": (1, lambda text: None if text is None else len(text)),
}
AGGREGATES: Mapping[str, tuple[int, Any]] = {"dq_variance": (1, Variance)}
"""What a connection must know, by name: how many arguments, and what it is."""


# -- constructs ----------------------------------------------------------------------------------------


def _literal(translation: Translation, node: exp.Literal) -> Value:
    spelled = str(node.this)
    if not node.is_string and "." in spelled and len(re.sub(r"\D", "", spelled)) > EXACT_DIGITS:
        raise RefusedError(f"numbers of more than {EXACT_DIGITS} digits")
    return CONSTRUCTS[exp.Literal].build(translation, node)


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_MIDNIGHT = " 00:00:00.000000"


def _cast(translation: Translation, node: exp.Cast | exp.TryCast) -> Value:
    native = node.to.sql(dialect="duckdb")
    held = node.this
    if isinstance(held, exp.Literal) and held.is_string and native in ("DATE", "TIMESTAMP"):
        text = str(held.this)
        if native == "DATE" and _DAY.fullmatch(text):
            return Value(held.copy(), native)
        if native == "TIMESTAMP" and _MOMENT.fullmatch(text):
            return Value(exp.Literal.string((text if "." in text else f"{text}.").ljust(26, "0")), native)
        raise RefusedError(f"{text!r} as a {native.lower()}")
    if native in ("DATE", "TIMESTAMP"):
        value = translation.value(held)
        if value.native == native:
            return value
        if value.native == "DATE":
            return Value(exp.DPipe(this=within(value.node), expression=exp.Literal.string(_MIDNIGHT)), native)
        if value.native == "TIMESTAMP":
            return Value(fn("SUBSTR", value.node, exp.Literal.number(1), exp.Literal.number(10)), native)
    return CONSTRUCTS[type(node)].build(translation, node)


def _number(translation: Translation, node: Any) -> Value:
    """The number that is aggregated."""
    argument = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
    if not isinstance(node, exp.Anonymous):
        only(node, "this")
    value = demand(translation.value(argument), Type.INTEGER, Type.FLOAT)
    if value.type is Type.DECIMAL:
        raise RefusedError("sums of decimals")
    return value


def _unless_nan(made: exp.Expr, of: exp.Expr) -> exp.Expr:
    """An aggregate of doubles; if it is NULL although there are values, the query ends."""
    nothing = exp.Is(this=made, expression=exp.Null())
    some = exp.GT(this=exp.Count(this=of.copy()), expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=exp.And(this=nothing, expression=some), true=fn("dq_stop"))], default=made.copy())


def _sum(translation: Translation, node: Any) -> Value:
    value = _number(translation, node)
    if value.type is Type.FLOAT:
        return Value(_unless_nan(exp.Sum(this=value.node), value.node), DOUBLE)
    return Value(exp.Sum(this=value.node), "HUGEINT")


def _mean(translation: Translation, node: Any) -> Value:
    value = _number(translation, node)
    if value.type is Type.FLOAT:
        return Value(_unless_nan(exp.Avg(this=value.node), value.node), DOUBLE)
    total = translation.spelled(exp.Sum(this=value.node), DOUBLE)
    return Value(exp.Div(this=total, expression=exp.Count(this=value.node.copy()), typed=True, safe=True), DOUBLE)


def _variance(translation: Translation, node: Any) -> Value:
    return Value(fn("dq_variance", _number(translation, node).node), DOUBLE)


def _arithmetic(kind: type[exp.Expr]) -> Builder:
    """`+`, `-` or `*` of integers of 64 bits: an overflow ends the query."""

    def build(translation: Translation, node: Any) -> Value:
        only(node, "this", "expression")
        values = [demand(translation.value(each), Type.INTEGER) for each in (node.this, node.expression)]
        if BIGINT not in {each.native for each in values} or "HUGEINT" in {each.native for each in values}:
            raise RefusedError("arithmetic on integers of other than 64 bits")
        made = kind(this=within(values[0].node), expression=within(values[1].node))
        return Value(fn("dq_whole", made), BIGINT)

    return build


def _is_nan(translation: Translation, node: exp.IsNan) -> Value:
    value = demand(translation.value(node.this), Type.FLOAT)
    return Value(exp.NEQ(this=within(value.node), expression=within(value.node.copy())), BOOLEAN)


def _is_finite(value: exp.Expr) -> exp.Expr:
    most = exp.Literal.number("1.7976931348623157e308")
    return exp.LTE(this=fn("ABS", value), expression=most)


def _length(value: exp.Expr) -> exp.Expr:
    """Code points. SQLite counts up to a NUL character, which the bytes betray; there Python counts."""
    short = fn("LENGTH", value)
    same = exp.EQ(this=short, expression=_bytes(value))
    return exp.Case(ifs=[exp.If(this=same, true=short.copy())], default=fn("dq_length", value.copy()))


def _bytes(value: exp.Expr) -> exp.Expr:
    return fn("LENGTH", exp.Cast(this=value.copy(), to=exp.DataType.build("BLOB", dialect="sqlite")))


def _epoch(value: exp.Expr) -> exp.Expr:
    seconds = fn("SUBSTR", value, exp.Literal.number(1), exp.Literal.number(19))
    unix = fn("STRFTIME", exp.Literal.string("%s"), seconds)
    return exp.Cast(this=unix, to=exp.DataType.build("REAL", dialect="sqlite"))


def _at_utc(translation: Translation, node: exp.Anonymous) -> Value:
    zone, value = node.expressions
    if not (isinstance(zone, exp.Literal) and zone.this == "UTC"):
        raise RefusedError("time zones")
    return Value(demand(translation.value(value), Type.TIMESTAMP_TZ).node, "TIMESTAMP")


def _found(first: bool) -> Builder:
    """Whether a text holds another, or begins with it."""

    def build(value: exp.Expr, part: exp.Expr) -> exp.Expr:
        kind = exp.EQ if first else exp.GTE
        return kind(this=fn("INSTR", value, part), expression=exp.Literal.number(1))

    return called(build, (Type.STRING, Type.STRING), BOOLEAN)


def _written(value: Value) -> exp.Expr:
    """A key as a text that DuckDB reads as it was."""
    match value.type:
        case Type.FLOAT:
            return fn("PRINTF", exp.Literal.string("%!.17g"), value.node)
        case Type.BOOLEAN:
            return _true_or_false(value.node)
        case Type.BINARY:
            raise RefusedError("BLOBs as keys")
        case _:
            return exp.Cast(this=value.node, to=exp.DataType.build("TEXT", dialect="sqlite"))


def _true_or_false(value: exp.Expr) -> exp.Expr:
    ifs = [
        exp.If(this=value, true=exp.Literal.string("true")),
        exp.If(this=exp.Not(this=value.copy()), true=exp.Literal.string("false")),
    ]
    return exp.Case(ifs=ifs)


def _packed(name: exp.Expr, value: exp.Expr) -> exp.Expr:
    return fn("NULLIF", fn("JSON_GROUP_OBJECT", name, value), exp.Literal.string("{}"))


def _gathered(row: exp.Expr) -> exp.Expr:
    return fn("NULLIF", fn("JSON_GROUP_ARRAY", fn("JSON", row)), exp.Literal.string("[]"))


def _sent(value: Value) -> exp.Expr:
    if value.type is Type.BINARY:
        raise RefusedError("BLOBs in an answer")
    return value.node


def _text(build: Any) -> Builder:
    return called(build, (Type.STRING,), BIGINT)


_OWN: dict[Any, Construct] = {
    exp.Literal: Construct(_literal, CONSTRUCTS[exp.Literal].about),
    **dict.fromkeys((exp.Cast, exp.TryCast), Construct(_cast, CONSTRUCTS[exp.Cast].about)),
    **dict.fromkeys((exp.Sum, "sum"), Construct(_sum, "`sum`")),
    **dict.fromkeys((exp.Avg, "avg"), Construct(_mean, "`avg`")),
    exp.VariancePop: Construct(_variance, "population variance"),
    **{each: Construct(_arithmetic(each), "`+`, `-`, `*` of integers") for each in (exp.Add, exp.Sub, exp.Mul)},
    exp.IsNan: Construct(_is_nan, "`isnan`, and which doubles are finite"),
    "DQ_IS_FINITE": Construct(called(_is_finite, (Type.FLOAT,), BOOLEAN), "`isnan`, and which doubles are finite"),
    "DQ_SIGN_BIT": Construct(
        called(lambda value: exp.LT(this=within(value), expression=exp.Literal.number(0)), (Type.FLOAT,), BOOLEAN),
        "both zeros of a double, which SQLite stores as one",
    ),
    **dict.fromkeys(("DQ_LENGTH", "length"), Construct(_text(_length), "`length` of texts, in code points")),
    **dict.fromkeys(("DQ_BYTES", "strlen"), Construct(_text(_bytes), "`octet_length`")),
    "DQ_TRIM_BLANKS": Construct(
        called(lambda value: fn("TRIM", value, exp.Literal.string(" ")), (Type.STRING,), TEXT), "`trim` of blanks"
    ),
    "starts_with": Construct(_found(first=True), "`startswith`, `contains`"),
    "contains": Construct(_found(first=False), "`startswith`, `contains`"),
    "DQ_HISTOGRAM": Construct(histogram(_packed), "frequency tables: how many groups there are of each size"),
    "DQ_TOP_KEYS": Construct(top_keys(_written, _gathered), "frequency tables: the most frequent keys"),
    "DQ_EPOCH": Construct(called(_epoch, (Type.TIMESTAMP,), DOUBLE), "seconds of an instant"),
    "timezone": Construct(_at_utc, "instants with a zone, in UTC"),
}

SQLITE = Dialect(
    name="sqlite",
    constructs={key: each for key, each in CONSTRUCTS.items() if key is not exp.Div} | _OWN,
    casts=frozenset(
        {
            (Type.INTEGER, Type.INTEGER),
            *((each, Type.FLOAT) for each in (Type.INTEGER, Type.DECIMAL, Type.FLOAT)),
            *((each, Type.STRING) for each in (Type.INTEGER, Type.DATE)),
        }
    ),
    types={
        **dict.fromkeys(("SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), "INTEGER"),
        **dict.fromkeys(("FLOAT", DOUBLE), "REAL"),
        TEXT: "TEXT",
    },
    reasons={
        **REASONS,
        exp.Div: "a division by zero is NULL there",
    },
    sent=_sent,
    longest_name=1000,
)
