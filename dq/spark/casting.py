"""DuckDB's casts and common types, said in Spark so that they mean the same with and without ANSI mode.

A naive instant is a TIMESTAMP_NTZ throughout. Spark takes several functions of naive instants through the time zone of
the session, where an hour of each spring does not exist: those are not used here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime

from dq.lazy import exp
from dq.schema import Type
from dq.spark import dialect
from dq.spark.types import (
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    NULL,
    SMALLINT,
    TEXT,
    TIMESTAMP,
    TIMESTAMP_TZ,
    TINYINT,
    WIDTHS,
    decimal,
    digits,
)
from dq.spark.values import (
    RefusedError,
    Value,
    binary,
    case,
    cast,
    double,
    every,
    fn,
    is_present,
    minus,
    name,
    negated,
    number,
    once,
    plus,
    stop,
    text,
    times,
    within,
)

NUMBERS = frozenset({Type.INTEGER, Type.DECIMAL, Type.FLOAT})
_MOMENTS = frozenset({Type.DATE, Type.TIMESTAMP, Type.TIMESTAMP_TZ})


def demand(value: Value, *kinds: Type) -> Value:
    """The value, if it holds one of these.

    Raises:
        RefusedError: it holds something else.
    """
    if value.native != NULL and value.type not in kinds:
        raise RefusedError(f"a {value.type.value} where {' or '.join(each.value for each in kinds)} is needed")
    return value


# -- types that meet -----------------------------------------------------------------------------------


def common_type(natives: Sequence[str]) -> str:
    """The type in which values of these types meet, as DuckDB chooses it.

    Raises:
        RefusedError: there is none.
    """
    found = {each for each in natives if each != NULL}
    if len(found) <= 1:
        return next(iter(found), NULL)
    kinds = {Value(exp.Null(), each).type for each in found}
    if all(each.endswith("[]") for each in found):
        return common_type([each[:-2] for each in found]) + "[]"
    if kinds == {Type.INTEGER}:
        return max(found, key=list(WIDTHS).index)
    if kinds <= NUMBERS:
        if Type.FLOAT in kinds:
            return DOUBLE if DOUBLE in found else FLOAT
        sizes = [digits(each) for each in found]
        scale = max(scale for _, scale in sizes)
        return decimal(max(precision - scale for precision, scale in sizes) + scale, scale)
    if kinds <= _MOMENTS:
        return TIMESTAMP
    raise RefusedError(f"{' and '.join(sorted(each.value for each in kinds))} have no common type")


def in_common(values: Sequence[Value]) -> tuple[list[exp.Expr], str]:
    """Values in the type in which they meet, and that type."""
    native = common_type([each.native for each in values])
    return [each.node if each.native == NULL else converted(each, native).node for each in values], native


def compared(values: Sequence[Value]) -> list[exp.Expr]:
    """Values as they are compared; integers and decimals as they stand, since Spark compares them exactly.

    Those that have no common decimal end the query where a value does not fit: Spark would round them.
    """
    kinds = {each.type for each in values if each.native != NULL}
    if kinds and kinds <= {Type.INTEGER, Type.DECIMAL}:
        sizes = [digits(each.native) for each in values if each.native != NULL]
        scale = max(scale for _, scale in sizes)
        if kinds == {Type.INTEGER} or max(size - behind for size, behind in sizes) + scale <= 38:
            return [each.node for each in values]
        return [each.node if each.native == NULL else converted(each, decimal(38, scale)).node for each in values]
    return in_common(values)[0]


# -- casts ---------------------------------------------------------------------------------------------


def converted(value: Value, native: str, *, safe: bool = False) -> Value:
    """A value as one of another type, as DuckDB casts it; a safe cast is NULL where that fails.

    Raises:
        RefusedError: no such cast is made.
    """
    if value.native == native:
        return value
    if value.native == NULL:
        return Value(cast(exp.Null(), native), native)
    if native.endswith("[]") and value.native.endswith("[]"):
        return Value(cast(value.node, native), native)
    wanted = Value(exp.Null(), native).type
    build = _CASTS.get((value.type, wanted))
    if build is not None:
        return Value(build(value, native, safe), native)
    if safe and wanted in (*NUMBERS, *_MOMENTS, Type.BOOLEAN):
        return Value(cast(exp.Null(), native), native)
    raise RefusedError(f"casts from {value.type.value} to {wanted.value}")


def _plainly(value: Value, native: str, safe: bool) -> exp.Expr:
    """A cast that cannot fail."""
    return cast(value.node, native)


def _checked(value: Value, native: str, safe: bool) -> exp.Expr:
    """A cast that may fail, and then is NULL or ends the query."""
    if safe:
        return cast(value.node, native, safe=True)
    if _fits(value.native, native):
        return cast(value.node, native)
    reason = f"a value of type {value.native} does not fit {native}"

    def build(node: exp.Expr) -> exp.Expr:
        return fn("coalesce", cast(node, native, safe=True), case((is_present(node), stop(native, reason))))

    return once(value.node, build, "cast")


def _fits(source: str, native: str) -> bool:
    """Whether a number of one type always is one of another."""
    if native == DOUBLE:
        return source == FLOAT or source in WIDTHS
    if native == FLOAT:
        return source in (TINYINT, SMALLINT)
    exact = all(each in WIDTHS or each.startswith("DECIMAL") for each in (source, native))
    if not exact:
        return False
    (p1, s1), (p2, s2) = digits(source), digits(native)
    # An integer type holds more than all numbers of one digit less.
    return p2 - s2 >= p1 - s1 + (native in WIDTHS and source not in WIDTHS) and s2 >= s1


def _to_float(value: Value, native: str, safe: bool) -> exp.Expr:
    return cast(value.node, native)


def _rounded(value: Value, native: str, safe: bool) -> exp.Expr:
    """A decimal or a double as an integer: DuckDB rounds, where Spark cuts."""
    if value.type is Type.FLOAT:
        return _checked(Value(fn("rint", value.node), DOUBLE), native, safe)
    precision, _ = digits(value.native)
    return _checked(Value(fn("round", value.node, number(0)), decimal(precision + 1, 0)), native, safe)


def _float_to_text(value: Value, native: str, safe: bool) -> exp.Expr:
    """As DuckDB spells it where Java takes an exponent: `1.0e+10`; both read the same digits."""
    spelled = cast(value.node, TEXT)
    signed = fn("replace", fn("replace", spelled, text("E-"), text("e-")), text("E"), text("e+"))
    return case(
        (exp.EQ(this=within(value.node), expression=double("NaN")), text("nan")),
        (exp.EQ(this=within(value.node), expression=double("Infinity")), text("inf")),
        (exp.EQ(this=within(value.node), expression=double("-Infinity")), text("-inf")),
        default=signed,
    )


def _float_to_decimal(value: Value, native: str, safe: bool) -> exp.Expr:
    return _checked(value, native, safe)


def _decimal_to_text(value: Value, native: str, safe: bool) -> exp.Expr:
    """All digits: Spark writes small numbers with an exponent where ANSI mode is off."""
    _, scale = digits(value.native)
    if scale <= 6:
        return cast(value.node, TEXT)

    def build(node: exp.Expr) -> exp.Expr:
        plain = fn("replace", fn("format_number", fn("abs", node), number(scale)), text(","), text(""))
        sign = case((exp.LT(this=within(node), expression=number(0)), text("-")), default=text(""))
        return fn("concat", sign, plain)

    return once(value.node, build, "decimal")


def _to_boolean(value: Value, native: str, safe: bool) -> exp.Expr:
    return exp.NEQ(this=within(value.node), expression=number(0))


def _from_boolean(value: Value, native: str, safe: bool) -> exp.Expr:
    return case((value.node, cast(number(1), native)), (negated(value.node), cast(number(0), native)))


def _bytes_to_text(value: Value, native: str, safe: bool) -> exp.Expr:
    r"""As DuckDB spells bytes: printable ASCII as it is, `\xFF` for the rest."""
    at = name("byte_at")
    byte = fn("substring", value.node, at, number(1))
    code = fn("ascii", cast(byte, TEXT))
    hidden = exp.In(this=code, expressions=[number(34), number(39), number(92)])
    printable = every(
        exp.GTE(this=code, expression=number(32)), exp.LTE(this=code, expression=number(126)), negated(hidden)
    )
    spelled = case((printable, cast(byte, TEXT)), default=fn("concat", text("\\x"), fn("hex", byte)))
    each = exp.Lambda(this=spelled, expressions=[exp.to_identifier("byte_at", quoted=True)])
    places = fn("sequence", number(1), fn("octet_length", value.node))
    listed = exp.Anonymous(this="transform", expressions=[places, each])
    empty = exp.EQ(this=fn("octet_length", value.node), expression=number(0))
    return case((empty, text("")), default=fn("array_join", listed, text("")))


def _instant_to_text(value: Value, native: str, safe: bool) -> exp.Expr:
    return fn("concat", cast(at_utc(value.node), TEXT), text("+00"))


_CASTS: Mapping[tuple[Type, Type], Callable[[Value, str, bool], exp.Expr]] = {
    **{(each, Type.FLOAT): _to_float for each in NUMBERS},
    **{(each, Type.DECIMAL): _checked for each in (Type.INTEGER, Type.DECIMAL)},
    **{(each, Type.STRING): _plainly for each in (Type.BOOLEAN, Type.INTEGER, Type.DATE, Type.TIMESTAMP, Type.TIME)},
    **{(Type.STRING, each): _checked for each in (*NUMBERS, *_MOMENTS, Type.BOOLEAN)},
    **{(Type.BOOLEAN, each): _from_boolean for each in NUMBERS},
    **{(each, Type.BOOLEAN): _to_boolean for each in NUMBERS},
    (Type.INTEGER, Type.INTEGER): _checked,
    (Type.DECIMAL, Type.INTEGER): _rounded,
    (Type.FLOAT, Type.INTEGER): _rounded,
    (Type.FLOAT, Type.DECIMAL): _float_to_decimal,
    (Type.FLOAT, Type.STRING): _float_to_text,
    (Type.DECIMAL, Type.STRING): _decimal_to_text,
    (Type.BINARY, Type.STRING): _bytes_to_text,
    (Type.NESTED, Type.STRING): lambda value, native, safe: fn("to_json", value.node),
    (Type.OTHER, Type.STRING): _plainly,
    (Type.DATE, Type.TIMESTAMP): _plainly,
    (Type.TIMESTAMP, Type.DATE): _plainly,
    (Type.TIMESTAMP_TZ, Type.TIMESTAMP): lambda value, native, safe: at_utc(value.node),
    (Type.TIMESTAMP_TZ, Type.DATE): lambda value, native, safe: cast(at_utc(value.node), DATE),
    (Type.TIMESTAMP_TZ, Type.STRING): _instant_to_text,
}


def decoded(node: exp.Expr) -> exp.Expr:
    """Bytes read as UTF-8; NULL where they are none.

    Java puts U+FFFD for what is none, and not into the text itself, which is searched by its bytes.
    """
    as_text = dialect.cast(node.copy(), "STRING")
    replaced = fn("regexp_like", as_text, text(r"\x{FFFD}"))
    written = fn("contains", as_text, dialect.cast(exp.Var(this="X'EFBFBD'"), "STRING"))
    return case((exp.or_(negated(replaced), written), as_text))


# -- naive instants ------------------------------------------------------------------------------------

_START = "TIMESTAMP_NTZ '1970-01-01 00:00:00'"
_DAY = 86_400_000_000


def at_utc(node: exp.Expr) -> exp.Expr:
    """An instant as the naive one in UTC."""
    counted = fn("unix_micros", node)
    made = naive(counted)
    made.meta[_COUNTED] = counted
    return made


_COUNTED = "microseconds"
"""Where a naive instant keeps what it was made of, which is shorter than what it can be taken apart to."""


def naive(microseconds: exp.Expr) -> exp.Expr:
    """The naive instant so many microseconds after the beginning of 1970."""

    def build(node: exp.Expr) -> exp.Expr:
        within_day = fn("pmod", node, number(_DAY))
        days = cast(binary(exp.IntDiv, minus(node, within_day), number(_DAY)), INTEGER)
        rest = times(dialect.cast(within_day, "DECIMAL(12,0)"), number("0.000001"))
        seconds = dialect.cast(rest, "DECIMAL(18,6)")
        return plus(exp.Var(this=_START), fn("make_dt_interval", days, number(0), number(0), seconds))

    return once(microseconds, build, "micros") if not isinstance(microseconds, exp.Anonymous) else build(microseconds)


def microseconds(node: exp.Expr) -> exp.Expr:
    """How many microseconds after the beginning of 1970 a naive instant is."""
    if _COUNTED in node.unnest().meta or _COUNTED in node.meta:
        counted: exp.Expr = (node.meta.get(_COUNTED) or node.unnest().meta[_COUNTED]).copy()
        return counted
    days = dialect.cast(fn("unix_date", cast(node, DATE)), "BIGINT")
    return plus(times(days, number(_DAY)), microseconds_of_day(node))


def microseconds_of_day(node: exp.Expr) -> exp.Expr:
    """How many microseconds of its day a naive instant is."""
    minutes = plus(times(fn("hour", node), number(60)), fn("minute", node))
    return plus(times(dialect.cast(minutes, "BIGINT"), number(60_000_000)), microseconds_of_minute(node))


def microseconds_of_minute(node: exp.Expr) -> exp.Expr:
    """How many microseconds of its minute a naive instant is."""
    seconds = exp.Extract(this=exp.Var(this="SECOND"), expression=node.copy())
    return dialect.cast(times(seconds, number(1_000_000)), "BIGINT")


# -- casts as Spark has them ---------------------------------------------------------------------------

_BARE = r"[\x00-\x20\x7f]*"
_NUMBERED = rf"\A{_BARE}([+-]?[0-9]+)\.[0-9]*{_BARE}\z"
_FRACTION = rf"\A{_BARE}[+-]?\.[0-9]*{_BARE}\z"
_TIME = rf"(?s)\A{_BARE}T?([0-9]{{1,2}}:.*|(?<=T)[0-9]{{1,2}}{_BARE})\z"
_ZONED = rf":[0-9]{{1,2}}:[0-9]{{1,2}}(?:\.[0-9]*)?{_BARE}[^0-9.\x00-\x20\x7f]"


def _text_to_integer(node: exp.Expr, native: str, today: date | None) -> exp.Expr:
    """Spark's cast reads no fraction in ANSI mode, and so does TRY_CAST: it is cut off before."""
    cut = cast(fn("regexp_extract", node, text(_NUMBERED), number(1)), native, safe=True)
    nothing = case((fn("regexp_like", node, text(_FRACTION)), cast(number(0), native)))
    return fn("coalesce", cast(node, native, safe=True), cut, nothing)


def _text_to_timestamp(node: exp.Expr, native: str, today: date | None) -> exp.Expr:
    """A text without a zone is meant in UTC, whatever the session has; a bare time of day is today's."""
    day = (today or datetime.now(UTC).date()).isoformat()
    clock = fn("regexp_extract", node, text(_TIME), number(1))
    dated = fn("concat", text(f"{day}T"), clock)

    def read(written: exp.Expr) -> exp.Expr:
        zoned = fn("regexp_like", written, text(_ZONED))
        return case(
            (zoned, at_utc(cast(written, TIMESTAMP_TZ, safe=True))), default=cast(written, TIMESTAMP, safe=True)
        )

    timed = fn("regexp_like", node, text(_TIME))
    return case((timed, read(dated)), default=read(node))


def _text_to(node: exp.Expr, native: str, today: date | None) -> exp.Expr:
    return cast(node, native, safe=True)


def _float_to_java(node: exp.Expr, native: str, today: date | None) -> exp.Expr:
    return cast(node, TEXT)


SPARKS: Mapping[tuple[Type, Type], Callable[[exp.Expr, str, date | None], exp.Expr]] = {
    **{(Type.STRING, each): _text_to for each in (Type.BOOLEAN, Type.FLOAT, Type.DECIMAL, Type.DATE)},
    (Type.STRING, Type.INTEGER): _text_to_integer,
    (Type.STRING, Type.TIMESTAMP): _text_to_timestamp,
    (Type.FLOAT, Type.STRING): _float_to_java,
}
"""Spark's lenient casts, where Spark says them itself; `dq.casts` says the others in DuckDB."""
