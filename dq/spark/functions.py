"""Values and functions of single rows in Spark."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from dq import casts
from dq.lazy import exp
from dq.schema import Type
from dq.spark import dialect
from dq.spark.aggregates import argument, arguments
from dq.spark.casting import (
    NUMBERS,
    SPARKS,
    at_utc,
    compared,
    converted,
    decoded,
    demand,
    in_common,
    microseconds,
    microseconds_of_minute,
)
from dq.spark.conditions import condition
from dq.spark.translating import Spelling, Translation, key_of
from dq.spark.types import (
    BIGINT,
    BLOB,
    BOOLEAN,
    DATE,
    DOUBLE,
    HUGEINT,
    INTEGER,
    INTERVAL,
    NULL,
    SMALLINT,
    TEXT,
    TIMESTAMP,
    TIMESTAMP_TZ,
    TINYINT,
    decimal,
    digits,
    members,
    said,
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
    is_null,
    is_present,
    name,
    negated,
    number,
    once,
    over,
    plus,
    stop,
    text,
    times,
    within,
)

# -- values --------------------------------------------------------------------------------------------


def literal(translation: Translation, node: exp.Literal) -> Value:
    """A text or a number as written, of the type that DuckDB gives it."""
    spelled = str(node.this)
    if node.is_string:
        return Value(text(spelled), TEXT)
    if re.fullmatch(r"[0-9]+", spelled):
        size = int(spelled)
        if size >= 10**38:
            return Value(double(spelled), DOUBLE)
        native = INTEGER if size < 2**31 else BIGINT if size < 2**63 else HUGEINT
        return Value(exp.Literal.number(size), native)
    whole, _, fraction = spelled.partition(".")
    if re.fullmatch(r"[0-9]*\.[0-9]*", spelled) and len(whole + fraction) <= 38:
        size = max(len((whole + fraction).lstrip("0")), len(fraction), 1)
        native = decimal(size, len(fraction))
        return Value(cast(exp.Literal.number(f"{whole or '0'}.{fraction or '0'}"), native), native)
    return Value(double(spelled), DOUBLE)


def negative(translation: Translation, node: exp.Neg) -> Value:
    """`-` before a number; the least integer ends the query."""
    value = demand(translation.value(node.this), *NUMBERS)
    if value.type is Type.INTEGER and value.native != HUGEINT and not isinstance(node.this.unnest(), exp.Literal):
        zero = cast(number(0), value.native)
        return Value(_or_stop("try_subtract", [zero, value.node], value.native), value.native)
    return Value(exp.Paren(this=exp.Neg(this=within(value.node))), value.native)


def parentheses(translation: Translation, node: exp.Paren) -> Value:
    """Parentheses, where they are needed."""
    value = translation.value(node.this)
    return Value(within(value.node), value.native)


def casted(translation: Translation, node: exp.Cast | exp.TryCast) -> Value:
    """`CAST` and `TRY_CAST`; days and instants as written."""
    native, safe = said(node.to), isinstance(node, exp.TryCast)
    held = node.this
    if isinstance(held, exp.Literal) and held.is_string and native in (DATE, TIMESTAMP, HUGEINT) and not safe:
        if native == HUGEINT and abs(int(held.this)) >= 10**38:
            return Value(double(str(held.this)), DOUBLE)
        return Value(cast(text(str(held.this)), native), native)
    value = translation.value(held)
    if value.native.endswith("[]") and native.endswith("[]"):
        return Value(cast(value.node, native), native)
    return converted(value, native, safe=safe)


def leniently(translation: Translation, node: exp.Anonymous) -> Value:
    """A cast with Spark's meaning where ANSI mode is off: `dq.casts`."""
    held, source, wanted, day = casts.parts_of(node.expressions)
    build = SPARKS.get((source, wanted.type))
    if build is None:
        return converted(translation.value(casts.spelled(held, source, wanted)), wanted.native)
    value = translation.value(held)
    if source is Type.STRING:
        value = converted(value, TEXT)
    return Value(build(value.node, wanted.native, day), wanted.native)


def today(translation: Translation, node: exp.Expr) -> Value:
    """The day that it is in UTC."""
    return Value(cast(text(datetime.now(UTC).date().isoformat()), DATE), DATE)


def chosen(translation: Translation, node: exp.Case) -> Value:
    """`CASE`."""
    tests = [condition(translation, each.this) for each in node.args["ifs"]]
    default = node.args.get("default")
    given = [translation.value(each.args["true"]) for each in node.args["ifs"]]
    nodes, native = in_common([*given, *([translation.value(default)] if default is not None else [])])
    ifs = [exp.If(this=test, true=value) for test, value in zip(tests, nodes, strict=False)]
    return Value(exp.Case(ifs=ifs, default=nodes[-1] if default is not None else None), native)


def alternatives(name_there: str) -> Spelling:
    """A function that gives one of its arguments."""

    def build(translation: Translation, node: Any) -> Value:
        nodes, native = in_common([translation.value(each) for each in arguments(node)])
        return Value(nodes[0] if len(nodes) == 1 else fn(name_there, *nodes), native)

    return build


def unless_equal(translation: Translation, node: Any) -> Value:
    """`nullif(a, b)`."""
    value, other = map(translation.value, arguments(node))
    left, right = compared([value, other])
    same = exp.EQ(this=within(left), expression=within(right))
    return Value(case((same, cast(exp.Null(), value.native)), default=value.node), value.native)


def scalar(translation: Translation, node: exp.Subquery) -> Value:
    """A query as a value."""
    select, columns = translation.query(node.this)
    return Value(exp.Subquery(this=select), next(iter(columns.values())))


# -- calls ---------------------------------------------------------------------------------------------


def called(build: Callable[..., exp.Expr], natives: Sequence[str], native: str) -> Spelling:
    """What a function of arguments of these types becomes; `=` takes any type, and gives that of the first."""

    def spell(translation: Translation, node: Any) -> Value:
        values = [translation.value(each) for each in arguments(node)]
        if len(values) != len(natives):
            raise RefusedError(f"{key_of(node)} with {len(values)} arguments")
        given = [
            each if wanted == "=" else whole(each) if wanted == INTEGER else converted(each, wanted)
            for each, wanted in zip(values, natives, strict=True)
        ]
        return Value(build(*(each.node for each in given)), given[0].native if native == "=" else native)

    return spell


def function(name_there: str, natives: Sequence[str], native: str) -> Spelling:
    """A function that Spark has under a name and that means the same."""
    return called(lambda *nodes: fn(name_there, *nodes), natives, native)


def whole(value: Value) -> Value:
    """A number of characters or days, as 32 bits: what is beyond them is beyond every text."""
    if value.native in (NULL, INTEGER):
        return converted(value, INTEGER)
    least, most = number(-(2**31)), number(2**31 - 1)
    wide = converted(value, BIGINT).node
    return Value(cast(fn("least", fn("greatest", wide, least), most), INTEGER), INTEGER)


# -- arithmetic ----------------------------------------------------------------------------------------


def arithmetic(kind: type[exp.Expr], tried: str) -> Spelling:
    """`+`, `-` or `*`: what overflows ends the query."""

    def build(translation: Translation, node: Any) -> Value:
        left, right = (translation.value(each) for each in (node.this, node.expression))
        if INTERVAL in (left.native, right.native):
            nodes = [
                each.node if each.native == INTERVAL else converted(each, TIMESTAMP).node for each in (left, right)
            ]
            return Value(binary(kind, *nodes), TIMESTAMP)
        values = [demand(each, *NUMBERS) for each in (left, right)]
        kinds = {each.type for each in values}
        if Type.FLOAT in kinds:
            nodes, native = in_common(values)
            return Value(binary(kind, *nodes), native)
        if Type.DECIMAL in kinds or HUGEINT in {each.native for each in values}:
            return _of_decimals(kind, tried, values)
        nodes, native = in_common(values)
        return Value(_or_stop(tried, nodes, native), native)

    return build


def _or_stop(tried: str, operands: Sequence[exp.Expr], native: str) -> exp.Expr:
    """What a function comes to, but the end of the query where it comes to nothing and no operand is NULL."""
    reason = f"a calculation does not fit its type: an overflow of {native}"

    def build(*nodes: exp.Expr) -> exp.Expr:
        present = [is_present(each) for each in nodes if not isinstance(each.unnest(), exp.Literal)]
        stopped = stop(native, reason)
        return fn("coalesce", fn(tried, *nodes), case((every(*present), stopped)) if present else stopped)

    left, right = operands
    return once(left, lambda one: once(right, lambda two: build(one, two), "right"), "left")


def _of_decimals(kind: type[exp.Expr], tried: str, values: Sequence[Value]) -> Value:
    (p1, s1), (p2, s2) = (digits(each.native) for each in values)
    if kind is exp.Mul:
        precision, scale = p1 + p2 + 1, s1 + s2
    else:
        scale = max(s1, s2)
        precision = max(p1 - s1, p2 - s2) + scale + 1
    if scale > 38:
        raise RefusedError("decimals of more than 38 digits behind the point")
    native = decimal(precision, scale)
    calculated = Value(_or_stop(tried, [each.node for each in values], native), decimal(38, scale))
    return Value(dialect.cast(calculated.node, native), native)


def quotient(translation: Translation, node: exp.Div) -> Value:
    """`/` of doubles; NULL for a zero divisor."""
    left, right = (
        converted(demand(translation.value(each), *NUMBERS), DOUBLE) for each in (node.this, node.expression)
    )
    constant = isinstance(node.expression.unnest(), exp.Literal)
    divisor = right.node if constant else fn("nullif", right.node, double(0))
    return Value(over(left.node, divisor), DOUBLE)


def whole_quotient(translation: Translation, node: Any) -> Value:
    """`divide`: the quotient of 64-bit integers without its fraction; NULL for a zero divisor."""
    left, right = (converted(translation.value(each), BIGINT).node for each in node.expressions)
    less = exp.EQ(this=within(right), expression=number(-1))
    turned = _or_stop("try_subtract", [cast(number(0), BIGINT), left], BIGINT)
    divided = binary(exp.IntDiv, left, fn("nullif", right, cast(number(0), BIGINT)))
    return Value(case((less, turned), default=divided), BIGINT)


def remainder(translation: Translation, node: Any) -> Value:
    """`mod`, with the sign of the dividend; NULL for a zero divisor."""
    values = [demand(translation.value(each), *NUMBERS) for each in arguments(node)]
    nodes, native = in_common(values)
    divisor = fn("nullif", nodes[1], cast(number(0), native))
    return Value(cast(binary(exp.Mod, nodes[0], divisor), native), native)


def bitwise(kind: type[exp.Expr]) -> Spelling:
    """`&`, `|` and `xor` of integers."""

    def build(translation: Translation, node: Any) -> Value:
        nodes, native = in_common([demand(translation.value(each), Type.INTEGER) for each in arguments(node)])
        return Value(binary(kind, *nodes), native)

    return build


def bitwise_not(translation: Translation, node: exp.BitwiseNot) -> Value:
    """`~`."""
    value = demand(translation.value(node.this), Type.INTEGER)
    return Value(exp.Paren(this=exp.BitwiseNot(this=within(value.node))), value.native)


def size_of(translation: Translation, node: Any) -> Value:
    """`abs`; that of the least integer ends the query."""
    value = demand(translation.value(argument(node)), *NUMBERS)
    if value.type is not Type.INTEGER or value.native == HUGEINT:
        return Value(fn("abs", value.node), value.native)
    bits = {TINYINT: 7, SMALLINT: 15, INTEGER: 31}.get(value.native, 63)
    lowest = cast(text(str(-(2**bits))), value.native)
    stopped = stop(value.native, f"a calculation does not fit its type: an overflow of {value.native}")
    return Value(
        case((exp.EQ(this=within(value.node), expression=lowest), stopped), default=fn("abs", value.node)), value.native
    )


def is_finite(node: exp.Expr) -> exp.Expr:
    """Whether a double is neither NaN nor infinite."""
    return negated(exp.In(this=within(node), expressions=[double(each) for each in ("NaN", "Infinity", "-Infinity")]))


def is_infinite(node: exp.Expr) -> exp.Expr:
    """Whether a double is infinite."""
    return exp.Paren(this=exp.In(this=within(node), expressions=[double("Infinity"), double("-Infinity")]))


def is_nan(translation: Translation, node: Any) -> Value:
    """`isnan`, NULL for NULL."""
    value = converted(translation.value(argument(node)), DOUBLE)
    return Value(exp.EQ(this=within(value.node), expression=double("NaN")), BOOLEAN)


def sign_bit(node: exp.Expr) -> exp.Expr:
    """Whether a double is negative or `-0`."""
    minus_zero = exp.EQ(this=cast(node, TEXT), expression=text("-0.0"))
    return exp.Paren(this=exp.or_(exp.LT(this=within(node), expression=double(0)), minus_zero))


_EXACT = 2**53
"""Doubles from here on are whole."""


def _to_whole(direction: Callable[[exp.Expr], exp.Expr]) -> Spelling:
    def build(translation: Translation, node: Any) -> Value:
        value = demand(translation.value(argument(node)), *NUMBERS)
        if value.type is Type.INTEGER:
            return value
        if value.type is Type.DECIMAL:
            precision, scale = digits(value.native)
            native = decimal(precision - scale + 1, 0)
            return Value(cast(direction(value.node), native), native)
        small = exp.LT(this=fn("abs", value.node), expression=double(_EXACT))
        return Value(case((small, cast(direction(value.node), DOUBLE)), default=cast(value.node, DOUBLE)), DOUBLE)

    return build


def _cut(node: exp.Expr) -> exp.Expr:
    below = exp.LT(this=within(node), expression=number(0))
    return case((below, fn("ceil", node)), default=fn("floor", node))


ceiling = _to_whole(lambda node: fn("ceil", node))
floor = _to_whole(lambda node: fn("floor", node))
truncated = _to_whole(_cut)


def rounded(translation: Translation, node: Any) -> Value:
    """Halves away from zero; a double by its binary value, as C rounds it."""
    parts = [node.this, node.args.get("decimals")] if isinstance(node, exp.Round) else node.expressions
    value = demand(translation.value(parts[0]), *NUMBERS)
    places = _places(parts[1] if len(parts) > 1 else None)
    if value.type is Type.INTEGER:
        return Value(value.node if places >= 0 else fn("round", value.node, number(places)), value.native)
    if value.type is Type.DECIMAL:
        precision, scale = digits(value.native)
        native = decimal(precision + 1, max(0, min(scale, places)))
        return Value(cast(fn("round", value.node, number(places)), native), native)
    power = double(repr(10.0**places))

    def build(node: exp.Expr) -> exp.Expr:
        size = times(fn("abs", node), power)
        nearest = cast(fn("floor", plus(size, double("0.5"))), DOUBLE)
        huge = negated(exp.LT(this=within(size), expression=double(_EXACT)))
        return case((huge, node), default=over(times(fn("signum", node), nearest), power))

    return Value(once(converted(value, DOUBLE).node, build, "rounded"), DOUBLE)


def _places(node: exp.Expr | None) -> int:
    bare = exp.Literal.number(0) if node is None else node.unnest()
    inner = bare.this if isinstance(bare, exp.Neg) else bare
    if not isinstance(inner, exp.Literal):
        raise RefusedError("rounding to a calculated number of digits")
    return int(str(inner.this)) * (-1 if isinstance(bare, exp.Neg) else 1)


# -- texts ---------------------------------------------------------------------------------------------


def _pattern(node: exp.Expr) -> str:
    """An RE2 pattern of ours as Java reads it: they are made of what both have, but for the names of scripts."""
    if not (isinstance(node, exp.Literal) and node.is_string):
        raise RefusedError("a pattern that is no text as written")
    return re.sub(r"(\\[pP]\{)([A-Z][a-z][A-Za-z_]*\})", r"\1Is\2", str(node.this))


def matches(*, entirely: bool) -> Spelling:
    """Whether a pattern matches all of a text, or is found in it."""

    def build(translation: Translation, node: Any) -> Value:
        subject, pattern = node.expressions
        spelled = _pattern(pattern)
        value = converted(translation.value(subject), TEXT)
        return Value(fn("regexp_like", value.node, text(rf"\A(?:{spelled})\z" if entirely else spelled)), BOOLEAN)

    return build


def extracted(translation: Translation, node: Any) -> Value:
    """`regexp_extract`: a group of the first match, or several as a struct; empty where there is none."""
    subject, pattern, *rest = node.expressions
    value, spelled = converted(translation.value(subject), TEXT), text(_pattern(pattern))
    if rest and isinstance(rest[0], exp.Array):
        names = [str(each.this) for each in rest[0].expressions]
        parts = [
            part
            for at, each in enumerate(names, 1)
            for part in (text(each), fn("regexp_extract", value.node, spelled, number(at)))
        ]
        return Value(fn("named_struct", *parts), f"STRUCT({', '.join(f'{each} {TEXT}' for each in names)})")
    group = translation.value(rest[0]).node if rest else number(0)
    return Value(fn("regexp_extract", value.node, spelled, group), TEXT)


def substituted(translation: Translation, node: Any) -> Value:
    """`regexp_replace`: all matches, or the first one of a pattern that can match once only."""
    subject, pattern, replacement, *options = node.expressions
    value, spelled = converted(translation.value(subject), TEXT), _pattern(pattern)
    if not options and not spelled.startswith(r"\A"):
        raise RefusedError("the first match of a pattern")
    return Value(fn("regexp_replace", value.node, text(spelled), text(_in_java(str(replacement.this)))), TEXT)


def _in_java(replacement: str) -> str:
    r"""RE2's replacement (`\1`) as Java's (`$1`); a digit behind a group is escaped, lest it name another."""
    out = []
    for kind, char in re.findall(r"(\\?)(.)", replacement, re.DOTALL):
        if kind and char.isdigit():
            out.append(f"${char}")
        elif char in "\\$" or (char.isdigit() and out and re.fullmatch(r"\$[0-9]", out[-1])):
            out.append(f"\\{char}")
        else:
            out.append(char)
    return "".join(out)


def trimmed(side: str) -> Spelling:
    """`trim(text, characters)`, `ltrim`, `rtrim`."""

    def build(translation: Translation, node: Any) -> Value:
        value, *characters = (converted(translation.value(each), TEXT) for each in arguments(node))
        removed = characters[0].node if characters else text(" ")
        return Value(exp.Trim(this=value.node, expression=removed, position=side), TEXT)

    return build


def joined(translation: Translation, node: exp.DPipe) -> Value:
    """`||` of texts: NULL if one is NULL."""
    parts: list[exp.Expr] = []
    waiting: list[exp.Expr] = [node]
    while waiting:
        each = waiting.pop().unnest()
        if isinstance(each, exp.DPipe):
            waiting += [each.expression, each.this]
        else:
            parts.append(converted(translation.value(each), TEXT).node)
    return Value(fn("concat", *parts), TEXT)


def joined_with(translation: Translation, node: Any) -> Value:
    """`concat_ws`: NULLs are left out."""
    return Value(fn("concat_ws", *(converted(translation.value(each), TEXT).node for each in node.expressions)), TEXT)


def split(translation: Translation, node: Any) -> Value:
    """A text cut where a pattern matches."""
    subject, pattern = node.expressions
    value = converted(translation.value(subject), TEXT)
    return Value(fn("split", value.node, text(_pattern(pattern)), number(-1)), f"{TEXT}[]")


def read_bytes(translation: Translation, node: Any) -> Value:
    """`try(decode(bytes))`: a text, NULL where the bytes are none."""
    inner = node.expressions[0]
    if key_of(inner) != "decode":
        raise RefusedError("try")
    value = translation.value(inner.expressions[0])
    if value.native != BLOB:
        raise RefusedError("a decoded text")
    return Value(decoded(value.node), TEXT)


def stopped(translation: Translation, node: Any) -> Value:
    """What ends the query with a reason."""
    return Value(fn("raise_error", translation.value(node.expressions[0]).node), NULL)


# -- days and instants ---------------------------------------------------------------------------------


def zoned(translation: Translation, node: Any) -> Value:
    """`timezone('UTC', …)`: an instant as the naive one in UTC."""
    zone, moment = node.expressions
    value = translation.value(moment)
    if not (isinstance(zone, exp.Literal) and zone.this == "UTC") or value.native not in (TIMESTAMP_TZ, NULL):
        raise RefusedError("time zones")
    return Value(at_utc(value.node), TIMESTAMP)


def epoch(translation: Translation, node: Any) -> Value:
    """Seconds since the beginning of 1970, as a double."""
    micros = microseconds(converted(translation.value(node.expressions[0]), TIMESTAMP).node)
    return Value(over(cast(micros, DOUBLE), double(1_000_000)), DOUBLE)


def whole_epoch(translation: Translation, node: Any) -> Value:
    """Whole seconds since the beginning of 1970, as a double."""
    return Value(cast(fn("floor", epoch(translation, node).node), DOUBLE), DOUBLE)


def interval(build: Callable[[exp.Expr], exp.Expr]) -> Spelling:
    """`to_days(n)` and the like."""

    def spell(translation: Translation, node: Any) -> Value:
        return Value(build(converted(translation.value(node.expressions[0]), INTEGER).node), INTERVAL)

    return spell


def of_days(*, hours: int = 0, minutes: int = 0, days: int = 0, seconds: int = 0) -> Spelling:
    """An interval of a fixed length, so many times."""
    parts = (days, hours, minutes, seconds)
    return interval(
        lambda n: fn("make_dt_interval", *(times(n, number(each)) if each else number(0) for each in parts))
    )


def of_months(months: int) -> Spelling:
    """An interval of so many months, so many times."""
    return interval(lambda n: fn("make_ym_interval", number(0), times(n, number(months))))


def part(
    name_there: str, native: str = TIMESTAMP, build: Callable[[exp.Expr], exp.Expr] = lambda node: node
) -> Spelling:
    """A part of a day or an instant, as a 64-bit integer."""
    return called(lambda node: cast(build(fn(name_there, node)), BIGINT), (native,), BIGINT)


def cut_to(translation: Translation, node: Any) -> Value:
    """`date_trunc`, by parts: Spark's goes through the zone of the session."""
    unit, moment = str(node.expressions[0].this), translation.value(node.expressions[1])
    instant, day = converted(moment, TIMESTAMP).node, converted(moment, DATE).node
    if unit in ("year", "quarter", "month", "week"):
        return Value(cast(fn("trunc", day, text(unit)), TIMESTAMP), TIMESTAMP)
    if unit == "day":
        return Value(cast(day, TIMESTAMP), TIMESTAMP)
    if unit not in ("hour", "minute", "second"):
        raise RefusedError(f"date_trunc to {unit}")
    dated = [fn(each, day) for each in ("year", "month", "day")]
    timed = [fn(each, instant) for each in ("hour", "minute", "second")][: ("hour", "minute", "second").index(unit) + 1]
    return Value(fn("make_timestamp_ntz", *dated, *timed, *[number(0)] * (3 - len(timed))), TIMESTAMP)


def _padded(node: exp.Expr, width: int) -> exp.Expr:
    return fn("lpad", dialect.cast(node.copy(), "STRING"), number(width), text("0"))


def _plain(node: exp.Expr) -> exp.Expr:
    return dialect.cast(node.copy(), "STRING")


def _hour_of_twelve(node: exp.Expr) -> exp.Expr:
    return plus(
        exp.Paren(this=exp.Mod(this=exp.Paren(this=plus(fn("hour", node), number(11))), expression=number(12))),
        number(1),
    )


def _day_word(pattern: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: fn("date_format", cast(node, DATE), text(pattern))


_PARTS: dict[str, Callable[[exp.Expr], exp.Expr]] = {
    "%Y": lambda node: _padded(fn("year", node), 4),
    "%y": lambda node: _padded(fn("pmod", fn("year", node), number(100)), 2),
    "%m": lambda node: _padded(fn("month", node), 2),
    "%d": lambda node: _padded(fn("day", node), 2),
    "%H": lambda node: _padded(fn("hour", node), 2),
    "%I": lambda node: _padded(_hour_of_twelve(node), 2),
    "%M": lambda node: _padded(fn("minute", node), 2),
    "%S": lambda node: _padded(fn("second", node), 2),
    "%j": lambda node: _padded(fn("dayofyear", node), 3),
    "%f": lambda node: _padded(fn("pmod", microseconds_of_minute(node), number(1_000_000)), 6),
    "%g": lambda node: _padded(
        binary(exp.IntDiv, fn("pmod", microseconds_of_minute(node), number(1_000_000)), number(1000)), 3
    ),
    "%p": lambda node: case((exp.LT(this=fn("hour", node), expression=number(12)), text("AM")), default=text("PM")),
    "%A": _day_word("EEEE"),
    "%a": _day_word("EEE"),
    "%B": _day_word("MMMM"),
    "%b": _day_word("MMM"),
    "%-m": lambda node: _plain(fn("month", node)),
    "%-d": lambda node: _plain(fn("day", node)),
    "%-H": lambda node: _plain(fn("hour", node)),
    "%-I": lambda node: _plain(_hour_of_twelve(node)),
    "%-M": lambda node: _plain(fn("minute", node)),
    "%-S": lambda node: _plain(fn("second", node)),
}
"""The directives of strftime that `dq.engines.lowering` writes."""

_DIRECTIVE = re.compile(r"%-?[A-Za-z]|%%|[^%]+")


def formatted(translation: Translation, node: Any) -> Value:
    """`strftime`, by parts: Spark's `date_format` goes through the zone of the session."""
    value = converted(translation.value(node.expressions[0]), TIMESTAMP).node
    parts = []
    for each in _DIRECTIVE.findall(str(node.expressions[1].this)):
        if each in _PARTS:
            parts.append(_PARTS[each](value))
        elif each == "%%" or not each.startswith("%"):
            parts.append(text(each.replace("%%", "%")))
        else:
            raise RefusedError(f"the directive {each} of a date pattern")
    return Value(case((is_present(value), fn("concat", *parts or [text("")]))), TEXT)


_READ = {
    "%Y": "[0-9]{4}",
    "%m": "[0-9]{2}",
    "%d": "[0-9]{2}",
    "%H": "[0-9]{2}",
    "%M": "[0-9]{2}",
    "%S": "[0-9]{2}",
    "%f": "[0-9]{6}",
}


def parsed(translation: Translation, node: Any) -> Value:
    """`try_strptime` of a pattern with fixed widths: NULL for a text that is not exactly so."""
    value = converted(translation.value(node.expressions[0]), TEXT).node
    groups: dict[str, int] = {}
    pattern = ""
    for each in _DIRECTIVE.findall(str(node.expressions[1].this)):
        if each in _READ and each not in groups:
            groups[each] = len(groups) + 1
            pattern += f"({_READ[each]})"
        elif each == "%%" or not each.startswith("%"):
            pattern += "".join(f"\\x{{{ord(char):X}}}" for char in each.replace("%%", "%"))
        else:
            raise RefusedError(f"the directive {each} of a date pattern")
    spelled = text(rf"\A{pattern}\z")

    def read(directive: str, default: str) -> exp.Expr:
        group = groups.get(directive)
        return text(default) if group is None else fn("regexp_extract", value, spelled, number(group))

    written = fn(
        "concat",
        read("%Y", "1900"), text("-"), read("%m", "01"), text("-"), read("%d", "01"), text(" "),
        read("%H", "00"), text(":"), read("%M", "00"), text(":"), read("%S", "00"), text("."), read("%f", "000000"),
    )  # fmt: skip
    return Value(case((fn("regexp_like", value, spelled), cast(written, TIMESTAMP, safe=True))), TIMESTAMP)


# -- lists and structs ---------------------------------------------------------------------------------


def field(translation: Translation, node: Any) -> Value:
    """`struct_extract`, by the name of a field in any letter case."""
    value, wanted = translation.value(node.expressions[0]), str(node.expressions[1].this)
    fields, _ = members(value.native)
    found = [each for each in fields if each == wanted] or [each for each in fields if each.lower() == wanted.lower()]
    if len(found) != 1:
        raise RefusedError(f"a field `{wanted}` of a {value.native}")
    inner = value.node if isinstance(value.node, exp.Column | exp.Dot) else exp.Paren(this=value.node)
    return Value(exp.Dot(this=inner, expression=exp.to_identifier(found[0], quoted=True)), fields[found[0]])


def member_type(value: Value) -> str:
    """The type of the members of a list.

    Raises:
        RefusedError: it is none.
    """
    if value.native == NULL:
        return NULL
    if not value.native.endswith("[]"):
        raise RefusedError(f"a list where a {value.type.value} is")
    return value.native[:-2]


def element(translation: Translation, node: Any) -> Value:
    """`list_extract`: counted from 1, or from the end; NULL where there is none."""
    value, position = map(translation.value, node.expressions)
    member = member_type(value)
    return Value(fn("try_element_at", value.node, converted(position, INTEGER).node), member)


def each_member(name_there: str) -> Spelling:
    """`list_transform` and `list_filter`."""

    def build(translation: Translation, node: Any) -> Value:
        value, lambda_ = translation.value(node.expressions[0]), node.expressions[1]
        variables = [each.name for each in lambda_.expressions]
        with translation.binding(dict(zip(variables, (member_type(value), INTEGER), strict=False))):
            body = translation.value(lambda_.this)
        held = body.node
        if len(variables) > 1:  # DuckDB counts from 1, Spark from 0
            place = name(variables[1])
            held = held.transform(lambda each: plus(place, number(1)) if each == place else each)
        named = [exp.to_identifier(each, quoted=True) for each in variables]
        written = exp.Lambda(this=held, expressions=named)
        native = f"{body.native}[]" if name_there == "transform" else value.native
        return Value(exp.Anonymous(this=name_there, expressions=[value.node.copy(), written]), native)

    return build


def array(translation: Translation, node: Any) -> Value:
    """A list of values."""
    nodes, native = in_common([translation.value(each) for each in node.expressions])
    return Value(fn("array", *nodes), f"{native}[]")


def struct(translation: Translation, node: Any) -> Value:
    """`row(…)`."""
    values = [translation.value(each) for each in node.expressions]
    fields = ", ".join(f"f{at} {each.native}" for at, each in enumerate(values))
    parts = [part for at, each in enumerate(values) for part in (text(f"f{at}"), each.node)]
    return Value(fn("named_struct", *parts), f"STRUCT({fields})")


def of_list(build: Callable[[exp.Expr], exp.Expr], native: str = "") -> Spelling:
    """A function of one list; without a type it gives a member."""

    def spell(translation: Translation, node: Any) -> Value:
        value = translation.value(node.expressions[0])
        member = member_type(value)
        held = value if value.native != NULL else Value(cast(value.node, "BOOLEAN[]"), "BOOLEAN[]")
        return Value(build(held.node), native or member)

    return spell


def _present_members(node: exp.Expr) -> exp.Expr:
    present = exp.Lambda(this=is_present(name("member")), expressions=[exp.to_identifier("member", quoted=True)])
    return fn("array_size", exp.Anonymous(this="filter", expressions=[node.copy(), present]))


def gathered_members(translation: Translation, node: Any) -> Value:
    """`list_aggregate(list, 'count')`."""
    if str(node.expressions[1].this) != "count":
        raise RefusedError(f"list_aggregate {node.expressions[1].this}")
    return of_list(_present_members, BIGINT)(translation, node)


def held_in(translation: Translation, node: Any) -> Value:
    """`list_contains`: false where the member is not there, also beside a NULL; NULL for a NULL."""
    value, member = map(translation.value, node.expressions)
    kind = member_type(value)
    if member.native == NULL:
        return Value(cast(exp.Null(), BOOLEAN), BOOLEAN)
    if kind != member.native and NULL not in (kind, member.native):
        (_, wanted), native = in_common([Value(exp.Null(), kind), member])
        value = Value(cast(value.node, f"{native}[]"), f"{native}[]")
        member = Value(wanted, native)
    there = is_present(fn("array_size", value.node))
    found = fn("coalesce", fn("array_contains", value.node, member.node), exp.false())
    return Value(case((every(there, is_present(member.node)), found)), BOOLEAN)


def place_in(translation: Translation, node: Any) -> Value:
    """`list_position`: a NULL is found too."""
    value, member = map(translation.value, node.expressions)
    gap = exp.Lambda(this=is_null(name("other")), expressions=[exp.to_identifier("other", quoted=True)])
    gaps = exp.Anonymous(this="transform", expressions=[value.node.copy(), gap])
    first_gap = fn("array_position", gaps, exp.true())
    return Value(
        cast(case((is_null(member.node), first_gap), default=fn("array_position", value.node, member.node)), INTEGER),
        INTEGER,
    )
