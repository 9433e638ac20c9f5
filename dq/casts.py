"""Spark's lenient casts (3.5, ANSI mode off) as DuckDB expressions.

A cast that Spark answers with NULL is NULL here; nothing raises while a query runs. Text is parsed as Spark
parses it: blanks and control characters around the value do not count, `"1.5"` is the integer 1, `"2024-1"`
is a date. Most values are plain, so each cast tries DuckDB's own TRY_CAST first and takes the regular
expressions only for the values on which the two could differ.

Instants are naive timestamps in UTC throughout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from dq.diagnostics import DqError
from dq.lazy import exp
from dq.schema import Type

STOPPED = "the rule stops: "
"""How the message begins with which an expression of ours ends a query on purpose."""

BOUNDARY = r"`\b` and `\B` of a regular expression meet text beyond ASCII, where they differ from Java's"
"""Why a pattern with word boundaries gives no answer on some texts."""

SPACE = r"[\x00-\x20\x7f]*"
"""What Spark trims around a value before it parses it: blanks and ASCII control characters."""

_SIGNED = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_HOUR, _SIXTY = "(?:[01]?[0-9]|2[0-3])", "[0-5]?[0-9]"
_CLOCK_TAIL = rf":({_SIXTY})(?::({_SIXTY})(?:\.([0-9]*))?{SPACE}([^0-9.\x00-\x20\x7f].*?)?)?"
_DAY = r"\+?(-?[0-9]{4,6})(?:-([0-9]{1,2})(?:-([0-9]{1,2})"
_INSTANT = rf"(?s)\A{SPACE}{_DAY}(?:[ T]({_HOUR})(?:{_CLOCK_TAIL})?)?)?)?{SPACE}\z"
_CLOCK = rf"(?s)\A{SPACE}(?:T({_HOUR})|T?({_HOUR}){_CLOCK_TAIL}){SPACE}\z"
_OFFSET = r"(?:UTC|GMT|UT)?([+-][0-9]{1,2})(?::?([0-9]{1,2}))?(?::?([0-9]{2}))?"
_REGION = r"[A-Za-z][A-Za-z0-9~/._+-]+"
_PLAIN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?)?")
"""Days and instants that DuckDB reads as Spark does, where there is such a day."""


@dataclass(frozen=True, slots=True)
class Target:
    """A type to cast to: how the result behaves, DuckDB's name of it, and the digits of a decimal."""

    type: Type
    native: str
    precision: int = 0
    scale: int = 0


TARGETS = {
    "boolean": Target(Type.BOOLEAN, "BOOLEAN"),
    "tinyint": Target(Type.INTEGER, "TINYINT"),
    "byte": Target(Type.INTEGER, "TINYINT"),
    "smallint": Target(Type.INTEGER, "SMALLINT"),
    "short": Target(Type.INTEGER, "SMALLINT"),
    "int": Target(Type.INTEGER, "INTEGER"),
    "integer": Target(Type.INTEGER, "INTEGER"),
    "bigint": Target(Type.INTEGER, "BIGINT"),
    "long": Target(Type.INTEGER, "BIGINT"),
    "float": Target(Type.FLOAT, "FLOAT"),
    "real": Target(Type.FLOAT, "FLOAT"),
    "double": Target(Type.FLOAT, "DOUBLE"),
    "string": Target(Type.STRING, "VARCHAR"),
    "date": Target(Type.DATE, "DATE"),
    "timestamp": Target(Type.TIMESTAMP, "TIMESTAMP"),
}
"""Every type name a cast knows, in lower case; decimals are built by `target`."""

_BY_NATIVE = {each.native: each for each in TARGETS.values()}

COLUMN_DATA_TYPES = ("Boolean", "Date", "Timestamp", "Integer", "Long", "Double", "Float")
"""The types that ColumnDataType can name besides DECIMAL(p,s) (B.12)."""

DATE_FORMATS = {
    f"{first}{sign}{second}{sign}{third}"
    for sign in "-/"
    for first, second, third in (("dd", "MM", "yyyy"), ("MM", "dd", "yyyy"), ("yyyy", "MM", "dd"))
} | {
    f"{first}{sign}{second}"
    for sign in "-/"
    for first, second in (("MM", "yyyy"), ("yyyy", "MM"), ("dd", "MM"), ("MM", "dd"))
}
"""The values of `with format` (B.12); a partial one is completed with day 01 or year 2000."""

_BITS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
_DECIMAL = re.compile(r"decimal\s*(?:\(\s*([0-9]{1,3})\s*(?:,\s*([0-9]{1,3})\s*)?\))?", re.IGNORECASE)


def target(name: str) -> Target:
    """The type of this name, in any letter case.

    Raises:
        DqError: no cast to such a type; the message lists what there is.
    """
    found = TARGETS.get(name.strip().lower())
    if found:
        return found
    decimal = _DECIMAL.fullmatch(name.strip())
    if decimal:
        precision, scale = int(decimal[1] or 10), int(decimal[2] or 0)
        if 1 <= precision <= 38 and scale <= precision:
            return Target(Type.DECIMAL, f"DECIMAL({precision},{scale})", precision, scale)
        raise DqError(
            f"{name} is no type: a decimal has 1 to 38 digits, at most all of them behind the point",
            help="write DECIMAL(p,s) with s <= p <= 38",
        )
    known = ", ".join((*COLUMN_DATA_TYPES, "DECIMAL(p,s)"))
    raise DqError(f"unknown data type `{name}`", help=f"one of {known}")


_INTEGER_DIGITS = {
    "TINYINT": 3, "SMALLINT": 5, "UTINYINT": 5, "INTEGER": 10, "USMALLINT": 10,
    "BIGINT": 20, "UINTEGER": 20, "UBIGINT": 20,
}  # fmt: skip
_NATIVE_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def digits_of(native: str) -> tuple[int, int] | None:
    """Precision and scale of a column of this native type, as Spark counts them; None where it has none."""
    found = _NATIVE_DECIMAL.fullmatch(native.upper())
    if found:
        return int(found[1]), int(found[2])
    size = _INTEGER_DIGITS.get(native.upper())
    return None if size is None else (size, 0)


def castable(column: exp.Expr, source: Type, target_name: str, date_format: str | None = None) -> exp.Expr:
    """Whether Spark's cast of a value gives a value: true or false, never NULL; a NULL cannot be cast.

    A `date_format` outside of B.12 makes every row false, as documented; an empty one counts as none.

    Raises:
        DqError: unknown type, or one that ColumnDataType does not offer.
    """
    if target_name.strip().lower() not in {each.lower() for each in COLUMN_DATA_TYPES} and not _DECIMAL.fullmatch(
        target_name.strip()
    ):
        known = ", ".join((*COLUMN_DATA_TYPES, "DECIMAL(p,s)"))
        raise DqError(f"ColumnDataType has no type `{target_name}`", help=f"one of {known}")
    wanted = target(target_name)
    if date_format and wanted.type is Type.DATE:
        if date_format not in DATE_FORMATS:
            return exp.false()
        if source is Type.STRING:
            return present(date_of_format(column, date_format))
    if _always(source, wanted):
        return present(column)
    return present(cast(column, source, wanted))


def _always(source: Type, wanted: Target) -> bool:
    """Whether each value of the source type has a counterpart, so that only NULL cannot be cast."""
    if wanted.type is Type.BOOLEAN or wanted.native in (*_BITS, "FLOAT", "DOUBLE"):
        return source is Type.BOOLEAN or source.is_number or source in (Type.TIMESTAMP, Type.TIMESTAMP_TZ)
    if wanted.type in (Type.DATE, Type.TIMESTAMP):
        exact = source in (Type.INTEGER, Type.DECIMAL, Type.BOOLEAN) and wanted.type is Type.TIMESTAMP
        return source.is_temporal or exact
    return False


def cast(value: exp.Expr, source: Type, wanted: Target) -> exp.Expr:
    """The value in another type, NULL where Spark gives NULL, also for casts that Spark refuses to plan."""
    if source is Type.OTHER:
        value, source = to(value, "VARCHAR"), Type.STRING
    if source is Type.TIMESTAMP_TZ:
        value, source = fn("timezone", text("UTC"), value), Type.TIMESTAMP
    if (source, wanted.type) not in _CASTS:
        return exp.cast(exp.null(), wanted.native)
    return _call(value, source, wanted)


CAST = "DQ_CAST"
"""The call that a cast is until an engine spells it: value, type, the wanted type by DuckDB's name, perhaps today."""


def _call(value: exp.Expr, source: Type, wanted: Target, today: date | None = None) -> exp.Expr:
    if source is Type.STRING and wanted.type.is_temporal and _is_plain(value):
        return spelled(value, source, wanted)
    day = [text(today.isoformat())] if today else []
    return fn(CAST, value, text(source.name), text(wanted.native), *day)


def parts_of(arguments: Sequence[exp.Expr]) -> tuple[exp.Expr, Type, Target, date | None]:
    """Of the call that a cast is: the value, its type, the wanted one, and the day of a bare time of day, if known."""
    value, source, native, *day = arguments
    wanted = _BY_NATIVE.get(native.name) or target(native.name)
    return value, Type[source.name], wanted, date.fromisoformat(day[0].name) if day else None


def spelled(value: exp.Expr, source: Type, wanted: Target, today: date | None = None) -> exp.Expr:
    """A cast in DuckDB's SQL."""
    if (source, wanted.type) == (Type.STRING, Type.TIMESTAMP):
        return _text_to_timestamp(value, wanted, today)
    return _CASTS[source, wanted.type](value, wanted)


def to_date(value: exp.Expr, source: Type) -> exp.Expr:
    """The day of a value: text is parsed as Spark's `to_date` does, what is no date is NULL."""
    return cast(value, source, TARGETS["date"])


def to_timestamp(value: exp.Expr, source: Type, today: date | None = None) -> exp.Expr:
    """The instant of a value in UTC, NULL for what is none; a bare time of day is `today`'s, or the query's."""
    if source is Type.STRING:
        return _call(value, source, TARGETS["timestamp"], today)
    return cast(value, source, TARGETS["timestamp"])


def length(value: exp.Expr) -> exp.Expr:
    """The number of Unicode code points of a text; NULL for NULL."""
    return fn("length", value)


def trim_blanks(value: exp.Expr) -> exp.Expr:
    """A text without the blanks (U+0020, nothing else) at its ends, as Spark's `trim`."""
    return fn("trim", value, text(" "))


def date_of_format(value: exp.Expr, pattern: str) -> exp.Expr:
    """The date that a text spells in one of `DATE_FORMATS`, exactly and without blanks around it; else NULL."""
    widths = {"yyyy": "([0-9]{4})", "MM": "([0-9]{2})", "dd": "([0-9]{2})"}
    parts = re.findall("yyyy|MM|dd", pattern)
    sign = next((each for each in pattern if each in "-/"), "")
    regex = rf"\A{sign.join(widths[each] for each in parts)}\z"

    def part(name: str, default: str) -> str:
        return rf"\{parts.index(name) + 1}" if name in parts else default

    iso = f"{part('yyyy', '2000')}-{part('MM', '01')}-{part('dd', '01')}"
    return case(
        (fn("regexp_matches", value, text(regex)), try_to(fn("regexp_replace", value, text(regex), text(iso)), "DATE")),
    )


# How each cast is written ------------------------------------------------------------------------------------------


def _text_to_boolean(value: exp.Expr, _wanted: Target) -> exp.Expr:
    bare = fn("lower", _bare(value))
    return case(
        (isin(bare, "t", "true", "y", "yes", "1"), exp.true()),
        (isin(bare, "f", "false", "n", "no", "0"), exp.false()),
    )


def _text_to_integer(value: exp.Expr, wanted: Target) -> exp.Expr:
    whole = fn("regexp_extract", value, text(rf"\A{SPACE}([+-]?[0-9]+)(?:\.[0-9]*)?{SPACE}\z"), number(1))
    only_fraction = fn("regexp_matches", value, text(rf"\A{SPACE}[+-]?\.[0-9]*{SPACE}\z"))
    return case(
        (exp.EQ(this=to(try_to(value, "BIGINT"), "VARCHAR"), expression=value.copy()), try_to(value, wanted.native)),
        (only_fraction, exp.cast(number(0), wanted.native)),
        default=try_to(whole, wanted.native),
    )


def _text_to_float(value: exp.Expr, wanted: Target) -> exp.Expr:
    plain = try_to(value, wanted.native)
    special = r"\A[\x00-\x20]*(?:([+-]?(?i:inf(?:inity)?))|((?i:nan)|[+-]NaN))[\x00-\x20]*\z"
    digits = fn("regexp_extract", value, text(rf"\A[\x00-\x20]*({_SIGNED})[dDfF]?[\x00-\x20]*\z"), number(1))
    infinite = fn("regexp_extract", value, text(special), number(1))
    return case(
        (exp.and_(fn("isfinite", plain), exp.not_(fn("contains", value, text("_")))), plain),
        (
            fn("regexp_matches", value, text(special)),
            try_to(case((equal(infinite, text("")), text("nan")), default=infinite), wanted.native),
        ),
        default=try_to(digits, wanted.native),
    )


def _text_to_decimal(value: exp.Expr, wanted: Target) -> exp.Expr:
    spelled = fn("regexp_extract", value, text(rf"\A[\x00-\x20]*({_SIGNED})[\x00-\x20]*\z"), number(1))
    plain = try_to(value, wanted.native)
    # Exponents go through a double: 2.0 refuses 1000E-1 as DECIMAL(5,2), and 1.5 reads 5E-10 as 0.01.
    return case(
        (fn("contains", fn("lower", value), text("e")), try_to(try_to(spelled, "DOUBLE"), wanted.native)),
        (exp.and_(present(plain), exp.not_(fn("contains", value, text("_")))), plain),
        default=try_to(spelled, wanted.native),
    )


def _text_to_date(value: exp.Expr, wanted: Target) -> exp.Expr:
    if _is_plain(value):
        return to(text(value.name[:10]), wanted.native)
    day = fn(
        "regexp_extract",
        value,
        text(rf"(?s)\A{SPACE}\+?(-?[0-9]{{4,7}}-[0-9]{{1,2}}-[0-9]{{1,2}})(?:[ T].*)?{SPACE}\z"),
        number(1),
    )
    month = fn("regexp_extract", value, text(rf"\A{SPACE}\+?(-?[0-9]{{4,7}}-[0-9]{{1,2}}){SPACE}\z"), number(1))
    year = fn("regexp_extract", value, text(rf"\A{SPACE}\+?(-?[0-9]{{4,7}}){SPACE}\z"), number(1))
    return case(
        (_round_trip(value, "DATE", 10), try_to(value, "DATE")),
        (exp.NEQ(this=day, expression=text("")), try_to(day, "DATE")),
        (exp.NEQ(this=month, expression=text("")), try_to(join(month, text("-1")), "DATE")),
        (exp.NEQ(this=year, expression=text("")), try_to(join(year, text("-1-1")), "DATE")),
    )


def _text_to_timestamp(value: exp.Expr, wanted: Target, today: date | None = None) -> exp.Expr:
    if _is_plain(value):
        return to(value, wanted.native)
    this_day = text(today.isoformat()) if today else to(exp.CurrentDate(), "VARCHAR")

    def dated(part: _Parts) -> exp.Expr:
        day = join(part("y"), text("-"), _or(part("mo"), "1"), text("-"), _or(part("d"), "1"))
        return _instant(day, _or(part("h"), "0"), part)

    def timed(part: _Parts) -> exp.Expr:
        return _instant(this_day, case((equal(part("t"), text("")), part("h")), default=part("t")), part)

    calendar = _of_match(value, _INSTANT, ("y", "mo", "d", "h", "mi", "s", "f", "z"), dated)
    clock = _of_match(value, _CLOCK, ("t", "h", "mi", "s", "f", "z"), timed)
    return case(
        (_round_trip(value, "TIMESTAMP", 19), try_to(value, "TIMESTAMP")),
        (fn("regexp_matches", value, text(_INSTANT)), calendar),
        (fn("regexp_matches", value, text(_CLOCK)), clock),
    )


def _instant(day: exp.Expr, hour: exp.Expr, part: _Parts) -> exp.Expr:
    """The instant of a day and a clock; the zone behind it may be empty, an offset or a region."""
    local = join(
        day, text(" "), hour, text(":"), _or(part("mi"), "0"), text(":"), _or(part("s"), "0"), text("."),
        fn("substring", join(part("f"), text("0")), number(1), number(6)),
    )  # fmt: skip
    zone = fn("trim", part("z"), text(" "))
    zoned = case(
        (isin(zone, "Z", "UTC", "GMT", "UT"), text("+00")),
        (
            fn("regexp_matches", zone, text(rf"\A{_OFFSET}\z")),
            _of_match(zone, rf"\A{_OFFSET}\z", ("oh", "om", "os"), _offset),
        ),
        (fn("regexp_matches", zone, text(rf"\A{_REGION}\z")), join(text(" "), zone)),
    )
    return case(
        (equal(part("z"), text("")), try_to(local, "TIMESTAMP")),
        default=fn("timezone", text("UTC"), try_to(join(local, zoned), "TIMESTAMPTZ")),
    )


def _offset(part: _Parts) -> exp.Expr:
    """An offset as DuckDB reads it: `+02:00:00`."""
    return join(
        fn("substring", part("oh"), number(1), number(1)),
        fn("lpad", fn("substring", part("oh"), number(2)), number(2), text("0")),
        text(":"), fn("lpad", _or(part("om"), "0"), number(2), text("0")), text(":"), _or(part("os"), "00"),
    )  # fmt: skip


def _number_to_integer(value: exp.Expr, wanted: Target) -> exp.Expr:
    """Integers wrap like machine words, as on the JVM."""
    size = 2 ** _BITS[wanted.native]
    wide = exp.cast(value.copy(), "HUGEINT")
    shifted = exp.paren(wide + number(size // 2))
    positive = exp.paren(exp.paren(shifted % number(size)) + number(size))
    wrapped = exp.paren(positive % number(size)) - number(size // 2)
    return fn("coalesce", try_to(value, wanted.native), exp.cast(exp.paren(wrapped), wanted.native))


def _decimal_to_integer(value: exp.Expr, wanted: Target) -> exp.Expr:
    return _number_to_integer(fn("trunc", value), wanted)


def _float_to_integer(value: exp.Expr, wanted: Target) -> exp.Expr:
    """A fraction is cut off, NaN is 0, what is too large becomes the largest: the JVM's conversion."""
    # The JVM narrows to int first and cuts that into a byte or a short.
    if wanted.native in ("TINYINT", "SMALLINT"):
        return _number_to_integer(_float_to_integer(value, TARGETS["int"]), wanted)
    most = 2 ** (_BITS[wanted.native] - 1)
    return case(
        (fn("isnan", value), exp.cast(number(0), wanted.native)),
        (
            exp.GTE(this=value.copy(), expression=exp.cast(number(most), "DOUBLE")),
            exp.cast(number(most - 1), wanted.native),
        ),
        (
            exp.LT(this=value.copy(), expression=exp.cast(number(-most), "DOUBLE")),
            exp.cast(number(-most), wanted.native),
        ),
        default=try_to(fn("trunc", value), wanted.native),
    )


def _float_to_decimal(value: exp.Expr, wanted: Target) -> exp.Expr:
    """By way of the shortest digits that spell the double, as Java's BigDecimal.valueOf: 1.005 rounds up."""
    return try_to(to(value, "VARCHAR"), wanted.native)


def _number_to_boolean(value: exp.Expr, _wanted: Target) -> exp.Expr:
    return exp.NEQ(this=value.copy(), expression=number(0))


def _plainly(value: exp.Expr, wanted: Target) -> exp.Expr:
    return try_to(value, wanted.native)


def _seconds_to_timestamp(value: exp.Expr, _wanted: Target) -> exp.Expr:
    # Wide enough that the multiplication cannot overflow; what no instant can be is NULL.
    return _from_seconds(try_to(value, "DECIMAL(30,6)"))


def _float_to_timestamp(value: exp.Expr, wanted: Target) -> exp.Expr:
    return case((fn("isfinite", value), _from_seconds(value)))


def _from_seconds(seconds: exp.Expr) -> exp.Expr:
    microseconds = fn("trunc", exp.paren(seconds.copy()) * number(1_000_000))
    return fn("make_timestamp", try_to(microseconds, "BIGINT"))


def _timestamp_to_number(value: exp.Expr, wanted: Target) -> exp.Expr:
    seconds = fn("epoch", value)
    if wanted.type is Type.FLOAT:
        return to(seconds, wanted.native)
    if wanted.type is Type.DECIMAL:
        return try_to(
            exp.Div(
                this=fn("epoch_us", value),
                expression=exp.cast(number(1_000_000), "DECIMAL(20,6)"),
                typed=False,
                safe=False,
            ),
            wanted.native,
        )
    return _number_to_integer(fn("floor", seconds), wanted)


def _boolean_to_timestamp(value: exp.Expr, _wanted: Target) -> exp.Expr:
    return fn("make_timestamp", to(value, "BIGINT"))


def _timestamp_to_boolean(value: exp.Expr, _wanted: Target) -> exp.Expr:
    return exp.NEQ(this=fn("epoch_us", value), expression=number(0))


def _float_to_text(value: exp.Expr, _wanted: Target) -> exp.Expr:
    """As Java prints it: plain digits from 0.001 up to 10 million, else `1.0E10`."""
    plain = to(value, "VARCHAR")
    mantissa = fn("regexp_extract", plain, text(r"\A(-?[0-9]+(?:\.[0-9]+)?)e"), number(1))
    exponent = to(try_to(fn("regexp_extract", plain, text(r"e([+-][0-9]+)\z"), number(1)), "INTEGER"), "VARCHAR")
    pointed = case((fn("contains", mantissa, text(".")), mantissa), default=join(mantissa, text(".0")))
    head = fn("regexp_extract", plain, text(r"\A(-?[0-9])"), number(1))
    digits = fn("replace", fn("regexp_replace", plain, text(r"\A-?0*\.?0*"), text("")), text("."), text(""))
    tail = fn("rtrim", fn("substring", digits, number(2)), text("0"))
    first = fn("substring", digits, number(1), number(1))
    size = fn("abs", value)
    sign = case((exp.LT(this=value.copy(), expression=number(0)), text("-")), default=text(""))
    whole = to(
        exp.paren(fn("length", fn("split_part", fn("ltrim", plain, text("-")), text("."), number(1))) - number(1)),
        "VARCHAR",
    )
    large = join(head, text("."), _or(tail, "0"), text("E"), whole)
    small = join(sign, first, text("."), _or(tail, "0"), text("E-4"))
    return case(
        (fn("isnan", value), text("NaN")),
        (fn("isinf", value), join(sign, text("Infinity"))),
        (
            exp.or_(
                equal(value, number(0)),
                exp.and_(
                    exp.GTE(this=size, expression=number("0.001")),
                    exp.LT(this=size.copy(), expression=number(10_000_000)),
                ),
            ),
            plain,
        ),
        (fn("contains", plain, text("e")), join(pointed, text("E"), exponent)),
        (exp.LT(this=size.copy(), expression=number(1)), small),
        default=large,
    )


def _bytes_to_text(value: exp.Expr, wanted: Target) -> exp.Expr:
    """Bytes are read as UTF-8; those that are none stay as DuckDB spells them."""
    return fn("coalesce", fn("try", fn("decode", value)), _plainly(value, wanted))


_CASTS: dict[tuple[Type, Type], Callable[[exp.Expr, Target], exp.Expr]] = {
    (Type.STRING, Type.BOOLEAN): _text_to_boolean,
    (Type.STRING, Type.INTEGER): _text_to_integer,
    (Type.STRING, Type.FLOAT): _text_to_float,
    (Type.STRING, Type.DECIMAL): _text_to_decimal,
    (Type.STRING, Type.DATE): _text_to_date,
    (Type.STRING, Type.TIMESTAMP): _text_to_timestamp,
    (Type.INTEGER, Type.INTEGER): _number_to_integer,
    (Type.DECIMAL, Type.INTEGER): _decimal_to_integer,
    (Type.FLOAT, Type.INTEGER): _float_to_integer,
    (Type.FLOAT, Type.DECIMAL): _float_to_decimal,
    (Type.FLOAT, Type.STRING): _float_to_text,
    (Type.FLOAT, Type.TIMESTAMP): _float_to_timestamp,
    (Type.INTEGER, Type.TIMESTAMP): _seconds_to_timestamp,
    (Type.DECIMAL, Type.TIMESTAMP): _seconds_to_timestamp,
    (Type.BOOLEAN, Type.TIMESTAMP): _boolean_to_timestamp,
    (Type.TIMESTAMP, Type.BOOLEAN): _timestamp_to_boolean,
    **{(each, Type.BOOLEAN): _number_to_boolean for each in (Type.INTEGER, Type.FLOAT, Type.DECIMAL)},
    **{(Type.TIMESTAMP, each): _timestamp_to_number for each in (Type.INTEGER, Type.FLOAT, Type.DECIMAL)},
    **{(Type.BOOLEAN, each): _plainly for each in (Type.BOOLEAN, Type.INTEGER, Type.FLOAT, Type.DECIMAL, Type.STRING)},
    **{(Type.INTEGER, each): _plainly for each in (Type.FLOAT, Type.DECIMAL, Type.STRING)},
    **{(Type.DECIMAL, each): _plainly for each in (Type.FLOAT, Type.DECIMAL, Type.STRING)},
    **{(Type.DATE, each): _plainly for each in (Type.DATE, Type.TIMESTAMP, Type.STRING)},
    **{(Type.TIMESTAMP, each): _plainly for each in (Type.DATE, Type.TIMESTAMP, Type.STRING)},
    (Type.FLOAT, Type.FLOAT): _plainly,
    (Type.STRING, Type.STRING): _plainly,
    (Type.BINARY, Type.STRING): _bytes_to_text,
    (Type.TIME, Type.STRING): _plainly,
}
"""How to cast from one type to another; a pair that is not here is NULL in Spark or refused by it."""


# Small words for building expressions ------------------------------------------------------------------------------


def fn(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A call of a DuckDB function, written as it stands; the arguments are copied."""
    return exp.Anonymous(this=name, expressions=[each.copy() for each in arguments])


def text(value: str) -> exp.Literal:
    """A text literal."""
    return exp.Literal.string(value)


def number(value: int | str) -> exp.Expr:
    """A number literal."""
    spelled = str(value)
    return exp.Neg(this=exp.Literal.number(spelled[1:])) if spelled.startswith("-") else exp.Literal.number(spelled)


def to(value: exp.Expr, native: str) -> exp.Cast:
    """A cast that cannot fail."""
    return exp.Cast(this=value.copy(), to=exp.DataType.build(native, dialect="duckdb"))


def try_to(value: exp.Expr, native: str) -> exp.TryCast:
    """DuckDB's own cast, NULL where it fails."""
    return exp.TryCast(this=value.copy(), to=exp.DataType.build(native, dialect="duckdb"))


def case(*branches: tuple[exp.Expr, exp.Expr], default: exp.Expr | None = None) -> exp.Case:
    """The value behind the first condition that is true."""
    ifs = [exp.If(this=condition.copy(), true=value.copy()) for condition, value in branches]
    return exp.Case(ifs=ifs, default=default.copy() if default is not None else None)


def join(*parts: exp.Expr) -> exp.Expr:
    """Texts side by side; NULL if one is NULL."""
    joined = parts[0].copy()
    for part in parts[1:]:
        joined = exp.DPipe(this=joined, expression=part.copy(), safe=True)
    return exp.paren(joined, copy=False)


def equal(left: exp.Expr, right: exp.Expr) -> exp.EQ:
    """Whether two values are equal."""
    return exp.EQ(this=left.copy(), expression=right.copy())


def isin(value: exp.Expr, *members: str) -> exp.In:
    """Whether a text is one of some."""
    return exp.In(this=value.copy(), expressions=[text(each) for each in members])


def present(value: exp.Expr) -> exp.Expr:
    """Whether a value is not NULL."""
    return exp.paren(value.copy()).is_(exp.null()).not_()


def _bare(value: exp.Expr) -> exp.Expr:
    """A text without the blanks and control characters at its ends."""
    return fn("regexp_extract", value, text(rf"(?s)\A{SPACE}(.*?){SPACE}\z"), number(1))


def _or(value: exp.Expr, default: str) -> exp.Expr:
    """A text, or another where it is empty."""
    return case((equal(value, text("")), text(default)), default=value)


def _is_plain(value: exp.Expr) -> bool:
    """Whether an expression is a literal of a day or an instant, whose cast needs no reading of its parts."""
    if not value.is_string or not _PLAIN.fullmatch(value.name):
        return False
    try:
        date.fromisoformat(value.name[:10])
    except ValueError:
        return False
    return True


def _round_trip(value: exp.Expr, native: str, size: int) -> exp.Expr:
    """Whether a text of this many bytes is spelled exactly as DuckDB would spell the value: the usual case, cheaply."""
    return exp.and_(
        equal(fn("strlen", value), number(size)),
        equal(to(try_to(value, native), "VARCHAR"), value),
    )


_Parts = Callable[[str], exp.Expr]
"""The text of a named group."""


def _of_match(value: exp.Expr, regex: str, names: tuple[str, ...], build: Callable[[_Parts], exp.Expr]) -> exp.Expr:
    """What is built of the groups of a match, empty where one took no part; the match stands there once.

    SQL has no name for a value in an expression but the variable of a lambda: the list has one member.
    """
    found = exp.to_identifier(f"match_{names[0]}", quoted=True)
    groups = exp.Array(expressions=[text(each) for each in names])
    matches = exp.Array(expressions=[fn("regexp_extract", value, text(regex), groups)])
    built = build(lambda name: fn("struct_extract", found, text(name)))
    each = exp.Lambda(this=built, expressions=[found.copy()], colon=True)
    return fn("list_extract", fn("list_transform", matches, each), number(1))
