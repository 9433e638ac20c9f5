"""What PostgreSQL answers with the meaning that DuckDB has.

Texts stand under the collation "C" in every query (see `dq.catalog.postgres`), so that they compare by their code
points; NaN equals NaN and is the greatest number in both. What overflows is an error there, and is then computed here.
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
    called,
    demand,
    function,
    list_of,
    only_truth_matters,
)
from dq.databases.gathering import fn, histogram, top_keys
from dq.databases.translating import Construct, Dialect, RefusedError, Translation, Value
from dq.lazy import exp
from dq.schema import Type


def _is_nan(translation: Translation, node: exp.IsNan) -> Value:
    value = demand(translation.value(node.this), Type.FLOAT)
    nan = exp.Cast(this=exp.Literal.string("NaN"), to=exp.DataType.build("double"))
    return Value(exp.EQ(this=translation.cast(value, DOUBLE).node, expression=nan), BOOLEAN)


def _is_finite(translation: Translation, node: exp.Anonymous) -> Value:
    value = demand(translation.value(node.expressions[0]), Type.FLOAT)
    words = [exp.Cast(this=exp.Literal.string(each), to=exp.DataType.build("double")) for each in _NOT_FINITE]
    return Value(exp.Not(this=exp.In(this=translation.cast(value, DOUBLE).node, expressions=words)), BOOLEAN)


_NOT_FINITE = ("NaN", "Infinity", "-Infinity")


def _sign_bit(translation: Translation, node: exp.Anonymous) -> Value:
    """Whether a double is negative or `-0`, by the first bit of its eight bytes."""
    value = demand(translation.value(node.expressions[0]), Type.FLOAT)
    sent = fn("float8send", translation.cast(value, DOUBLE).node)
    bit = fn("get_bit", sent, exp.Literal.number(7))
    return Value(exp.EQ(this=bit, expression=exp.Literal.number(1)), BOOLEAN)


def _listed(translation: Translation, node: exp.In) -> Value:
    """`IN` the values of another table: a join, since a list that is too large to hash takes a walk for each row."""
    if not node.args.get("query"):
        return CONSTRUCTS[exp.In].build(translation, node)
    if not only_truth_matters(node):
        raise RefusedError("a list made by a query where NULL and false differ")
    values, select = list_of(translation, node)
    names = [each.alias for each in select.expressions]
    listed = exp.select(*(exp.column(name, quoted=True) for name in names)).distinct()
    listed = listed.from_(exp.Subquery(this=select, alias=exp.TableAlias(this=exp.to_identifier("listed"))))
    alias = translation.join(
        listed,
        lambda alias: exp.and_(
            *(
                exp.EQ(this=value.node.copy(), expression=exp.column(name, table=alias, quoted=True))
                for value, name in zip(values, names, strict=True)
            )
        ),
    )
    held = exp.column(names[0], table=alias, quoted=True)
    return Value(exp.Is(this=held, expression=exp.Null()).not_(), BOOLEAN)


def _as_text(node: exp.Expr) -> exp.Expr:
    return exp.Cast(this=node, to=exp.DataType.build("text"))


def _hours(translation: Translation, node: exp.Round) -> Value:
    """A double rounded to digits as C does it: PostgreSQL itself rounds halves to even."""
    digits = node.args.get("decimals")
    value = demand(translation.value(node.this), Type.FLOAT)
    if not isinstance(digits, exp.Literal) or set(node.args) - {"this", "decimals"}:
        raise RefusedError("rounding")
    power = exp.Cast(this=exp.Literal.number(10 ** int(str(digits.this))), to=exp.DataType.build("double"))
    half = exp.Cast(this=exp.Literal.number("0.5"), to=exp.DataType.build("double"))
    size = exp.Mul(this=fn("abs", value.node), expression=power)
    whole = fn("floor", exp.Add(this=size, expression=half))
    signed = exp.Mul(this=fn("sign", value.node.copy()), expression=whole)
    return Value(exp.Div(this=signed, expression=power.copy(), typed=False, safe=False), DOUBLE)


def _epoch(value: exp.Expr) -> exp.Expr:
    seconds = exp.Extract(this=exp.Var(this="EPOCH"), expression=value)
    return exp.Cast(this=fn("floor", seconds), to=exp.DataType.build("double"))


def _at_utc(translation: Translation, node: exp.Anonymous) -> Value:
    zone, value = node.expressions
    if not (isinstance(zone, exp.Literal) and zone.this == "UTC"):
        raise RefusedError("time zones")
    instant = demand(translation.value(value), Type.TIMESTAMP_TZ)
    return Value(fn("timezone", exp.Literal.string("UTC"), instant.node), "TIMESTAMP")


def _positive(node: exp.Expr) -> exp.Expr:
    return exp.GT(this=node, expression=exp.Literal.number(0))


_TRIM = called(lambda value: fn("btrim", value, exp.Literal.string(" ")), (Type.STRING,), TEXT)

_OWN: dict[Any, Construct] = {
    exp.In: Construct(_listed, CONSTRUCTS[exp.In].about),
    exp.IsNan: Construct(_is_nan, "`isnan`, and which doubles are finite"),
    "DQ_IS_FINITE": Construct(_is_finite, "`isnan`, and which doubles are finite"),
    "DQ_SIGN_BIT": Construct(_sign_bit, "both zeros of a double"),
    "DQ_LENGTH": Construct(function("char_length", (Type.STRING,), BIGINT), "`length` of texts, in code points"),
    "length": Construct(function("char_length", (Type.STRING,), BIGINT), "`length` of texts, in code points"),
    "DQ_BYTES": Construct(function("octet_length", (Type.STRING,), BIGINT), "`octet_length`"),
    "strlen": Construct(function("octet_length", (Type.STRING,), BIGINT), "`octet_length`"),
    "DQ_TRIM_BLANKS": Construct(_TRIM, "`trim` of blanks"),
    "starts_with": Construct(function("starts_with", (Type.STRING, Type.STRING), BOOLEAN), "`startswith`, `contains`"),
    "contains": Construct(
        called(lambda value, part: _positive(fn("strpos", value, part)), (Type.STRING, Type.STRING), BOOLEAN),
        "`startswith`, `contains`",
    ),
    "DQ_HISTOGRAM": Construct(
        histogram(lambda name, value: _as_text(fn("json_object_agg", name, value))),
        "frequency tables: how many groups there are of each size",
    ),
    "DQ_TOP_KEYS": Construct(
        top_keys(
            lambda key: _as_text(key.node), lambda row: _as_text(fn("json_agg", row)), packing="json_build_object"
        ),
        "frequency tables: the most frequent keys",
    ),
    "DQ_EPOCH": Construct(called(_epoch, (Type.TIMESTAMP,), DOUBLE), "seconds of an instant"),
    exp.Round: Construct(_hours, "`round` of doubles to some digits"),
    "timezone": Construct(_at_utc, "instants with a zone, in UTC"),
}

_NUMBERS = (Type.INTEGER, Type.DECIMAL, Type.FLOAT)

POSTGRES = Dialect(
    name="postgres",
    constructs={**CONSTRUCTS, **_OWN},
    casts=frozenset(
        {
            (Type.INTEGER, Type.INTEGER),
            (Type.INTEGER, Type.DECIMAL),
            (Type.DECIMAL, Type.DECIMAL),
            *((each, Type.FLOAT) for each in _NUMBERS),
            *((each, Type.STRING) for each in (Type.INTEGER, Type.DECIMAL, Type.DATE, Type.TIMESTAMP, Type.BOOLEAN)),
            (Type.DATE, Type.TIMESTAMP),
            (Type.TIMESTAMP, Type.DATE),
        }
    ),
    types={
        "SMALLINT": "smallint",
        "INTEGER": "integer",
        "BIGINT": "bigint",
        "FLOAT": "real",
        DOUBLE: "double precision",
        TEXT: "text",
        "DATE": "date",
        "TIMESTAMP": "timestamp",
    },
    reasons=REASONS,
    sent=lambda value: value.node,
)
