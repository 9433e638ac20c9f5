"""What Spark SQL means, said in DuckDB: types, implicit casts, operators and functions.

The tables here are the allow-list of the language: a function that has no row does not exist. Every row
builds a DuckDB expression with Spark's meaning (3.5, ANSI mode off, UTC): `/` divides as double, division by
zero is NULL, text next to a number is read as that number. Expressions are built anew, never edited, so that
nothing of a user's tree reaches the database but columns, literals and these shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dq.casts import (
    BOUNDARY,
    STOPPED,
    TARGETS,
    case,
    cast,
    equal,
    fn,
    join,
    number,
    text,
    to,
    to_date,
    to_timestamp,
    try_to,
)
from dq.diagnostics import DqError
from dq.lazy import exp
from dq.regex import BEYOND_ASCII, group_count, has_boundary, java_regex, java_replacement
from dq.schema import Type


class Value(NamedTuple):
    """An expression and what it holds; OTHER when that is not known.

    `digits` are the precision and the scale that Spark gives an integer or a decimal, where they are known. On a
    double they say that Spark holds a decimal, which `settled` rounds to its scale.
    """

    node: exp.Expr
    type: Type
    digits: tuple[int, int] | None = None


class LoweringError(DqError):
    """A construct that has no equal in DuckDB, with the reason."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of Spark SQL: how many arguments it takes and how DuckDB says it."""

    build: Callable[..., Value]
    least: int
    most: int | None
    aggregate: bool = False
    window: bool = False


def coerce(value: Value, wanted: Type) -> exp.Expr:
    """The value as Spark casts it implicitly; OTHER is left to the database."""
    if value.type is wanted or wanted is Type.OTHER or value.type is Type.OTHER or _is_null(value.node):
        return value.node.copy()
    if wanted is Type.FLOAT and value.type in (Type.INTEGER, Type.DECIMAL):
        return to(value.node, "DOUBLE")
    if wanted is Type.INTEGER and value.type is Type.STRING:
        return cast(value.node, value.type, TARGETS["bigint"])
    refuse_special_day(value, wanted)
    target = _IMPLICIT.get(wanted)
    if target is None or value.type in (Type.NESTED, Type.BINARY):
        raise LoweringError(f"a value of type {value.type.value} where {wanted.value} is needed")
    return cast(value.node, value.type, TARGETS[target])


_IMPLICIT = {
    Type.STRING: "string",
    Type.INTEGER: "bigint",
    Type.FLOAT: "double",
    Type.BOOLEAN: "boolean",
    Type.DATE: "date",
    Type.TIMESTAMP: "timestamp",
}


_SPECIAL_DAYS = ("epoch", "now", "today", "tomorrow", "yesterday")


def refuse_special_day(value: Value, wanted: Type) -> None:
    """Spark reads some words as days where they are written as literals, and only there."""
    literal = value.node.this if isinstance(value.node, exp.Literal) and value.node.is_string else ""
    if wanted.is_temporal and literal.strip().lower() in _SPECIAL_DAYS:
        raise LoweringError(f"'{literal}' as a day", help="use current_date or current_timestamp")


def _is_null(node: exp.Expr) -> bool:
    return isinstance(node, exp.Null)


def digits_in(spelled: str) -> tuple[int, int]:
    """Precision and scale of a number as it is written: 0.5 has one digit, behind the point."""
    whole, _, fraction = spelled.partition(".")
    return max(len(whole.lstrip("0")) + len(fraction), len(fraction), 1), len(fraction)


def settled(value: Value) -> Value:
    """A double that Spark holds as a decimal, rounded to that decimal's scale as far as a double has digits."""
    if value.type is not Type.FLOAT or value.digits is None:
        return value
    scale = value.digits[1]
    return Value(fn("round", value.node, number(scale)) if scale <= _EXACT else value.node, Type.FLOAT)


_EXACT = 15
"""So many decimal digits does a double hold."""


def _bounded(precision: int, scale: int) -> tuple[int, int]:
    """Precision and scale within 38 digits; those behind the point give way, down to 6 of them."""
    if precision <= 38:
        return precision, scale
    return 38, max(38 - (precision - scale), min(scale, 6))


def plain(value: Value) -> Value:
    """An instant with a zone as the naive instant in UTC; everything else as it is."""
    if value.type is Type.TIMESTAMP_TZ:
        return Value(fn("timezone", text("UTC"), value.node), Type.TIMESTAMP)
    return value


# Pairs of types ----------------------------------------------------------------------------------------------------

_NUMBERS = (Type.INTEGER, Type.DECIMAL, Type.FLOAT)


def compared(left: Value, right: Value) -> tuple[exp.Expr, exp.Expr]:
    """Both sides of a comparison in the type in which Spark compares them."""
    if left.type is Type.TIMESTAMP_TZ and right.type is Type.TIMESTAMP_TZ:
        return left.node.copy(), right.node.copy()
    left, right = plain(left), plain(right)
    if {left.type, right.type} == {Type.FLOAT, Type.DECIMAL}:
        return to(left.node, "DOUBLE"), to(right.node, "DOUBLE")
    common = _comparison_type(left.type, right.type)
    return _compared_as(left, common), _compared_as(right, common)


def _comparison_type(left: Type, right: Type) -> Type:
    kinds = {left, right}
    if Type.OTHER in kinds or len(kinds) == 1 or kinds <= set(_NUMBERS):
        return Type.OTHER
    if Type.STRING in kinds:
        other = right if left is Type.STRING else left
        return Type.FLOAT if other is Type.DECIMAL else other
    if kinds == {Type.DATE, Type.TIMESTAMP}:
        return Type.TIMESTAMP
    if Type.BOOLEAN in kinds and kinds & set(_NUMBERS):
        return next(iter(kinds - {Type.BOOLEAN}))
    raise LoweringError(f"a {left.value} cannot be compared with a {right.value}")


def _compared_as(value: Value, common: Type) -> exp.Expr:
    if value.type is Type.BOOLEAN and common is Type.DECIMAL:
        return to(value.node, "INTEGER")
    if value.type in _NUMBERS and common in (Type.INTEGER, Type.DECIMAL):
        return value.node.copy()
    return coerce(value, common)


def common(values: Sequence[Value]) -> tuple[list[exp.Expr], Type]:
    """Alternatives of one expression (CASE, coalesce, IN) in their common type: text wins over numbers and days."""
    values = [plain(each) for each in values]
    kinds = {each.type for each in values if not _is_null(each.node)}
    if len(kinds) <= 1 or Type.OTHER in kinds:
        return [each.node.copy() for each in values], kinds.pop() if len(kinds) == 1 else Type.OTHER
    if kinds <= set(_NUMBERS):
        wanted = max(kinds, key=_NUMBERS.index)
        if {Type.FLOAT, Type.DECIMAL} <= kinds:
            return [to(each.node, "DOUBLE") for each in values], wanted
        return [each.node.copy() for each in values], wanted
    if kinds == {Type.DATE, Type.TIMESTAMP}:
        return [coerce(each, Type.TIMESTAMP) for each in values], Type.TIMESTAMP
    if Type.STRING in kinds and not kinds & {Type.BOOLEAN, Type.BINARY, Type.NESTED}:
        return [coerce(each, Type.STRING) for each in values], Type.STRING
    listed = " and ".join(sorted(each.value for each in kinds))
    raise LoweringError(f"{listed} have no common type")


def common_digits(values: Sequence[Value]) -> tuple[int, int] | None:
    """Precision and scale that hold every alternative; None where one of them has none."""
    digits = [each.digits for each in values if not _is_null(each.node)]
    if not digits or any(each.type is Type.FLOAT for each in values):
        return None
    known = [each for each in digits if each is not None]
    if len(known) < len(digits):
        return None
    scale = max(each[1] for each in known)
    return _bounded(max(each[0] - each[1] for each in known) + scale, scale)


# Operators ---------------------------------------------------------------------------------------------------------


def _numeric(value: Value) -> Value:
    if value.type is Type.STRING:
        return Value(coerce(value, Type.FLOAT), Type.FLOAT)
    if value.type in (*_NUMBERS, Type.OTHER) or _is_null(value.node):
        return value
    raise LoweringError(f"arithmetic on a {value.type.value}", help="cast it to a number first")


def _wider(left: Value, right: Value) -> Type:
    if Type.OTHER in (left.type, right.type):
        return Type.OTHER
    return max(left.type, right.type, key=_NUMBERS.index)


def add(left: Value, right: Value) -> Value:
    """`+`: numbers, or a day and a number of days."""
    if left.type is Type.DATE and right.type is Type.INTEGER:
        return _shift_days(left, right, 1)
    if right.type is Type.DATE and left.type is Type.INTEGER:
        return _shift_days(right, left, 1)
    return _arithmetic(exp.Add, left, right)


def subtract(left: Value, right: Value) -> Value:
    """`-`: numbers, or a day and a number of days."""
    if left.type is Type.DATE and right.type is Type.INTEGER:
        return _shift_days(left, right, -1)
    if left.type.is_temporal and right.type.is_temporal:
        raise LoweringError("the difference of two days or instants is an interval", help="use datediff(end, start)")
    return _arithmetic(exp.Sub, left, right)


def multiply(left: Value, right: Value) -> Value:
    """`*` of numbers."""
    return _arithmetic(exp.Mul, left, right)


def _arithmetic(kind: type[exp.Binary], left: Value, right: Value) -> Value:
    left, right = _numeric(left), _numeric(right)
    digits = _result_digits(kind, left, right)
    nodes = [_operand(each, {left.type, right.type}, digits) for each in (left, right)]
    return Value(exp.paren(kind(this=nodes[0], expression=nodes[1])), _wider(left, right), digits)


def _operand(value: Value, kinds: set[Type], digits: tuple[int, int] | None) -> exp.Expr:
    """An operand in the type in which Spark calculates; DuckDB's own is at times a narrower one.

    A whole number as written is no byte beside a column of bytes, a decimal makes a 32-bit float a double, and
    a product of two decimals has the digits of both.
    """
    if kinds == {Type.FLOAT, Type.DECIMAL}:
        return to(value.node, "DOUBLE")
    if kinds == {Type.INTEGER} and isinstance(value.node, exp.Literal):
        return to(value.node, "INTEGER" if int(str(value.node.this)) < 2**31 else "BIGINT")
    if Type.DECIMAL in kinds and digits is not None and digits[0] > 18 and value.digits is not None:
        return to(value.node, f"DECIMAL(38,{value.digits[1]})")
    return value.node.copy()


def _result_digits(kind: type[exp.Binary], left: Value, right: Value) -> tuple[int, int] | None:
    """Precision and scale that Spark gives the result of an operation on integers and decimals."""
    if left.digits is None or right.digits is None or Type.FLOAT in (left.type, right.type):
        return None
    (p1, s1), (p2, s2) = left.digits, right.digits
    if left.type is right.type is Type.INTEGER:
        return (20 if max(p1, p2) > 10 else 10), 0
    if kind is exp.Mul:
        return _bounded(p1 + p2 + 1, s1 + s2)
    if kind is exp.Div:
        scale = max(6, s1 + p2 + 1)
        return _bounded(p1 - s1 + s2 + scale, scale)
    scale = max(s1, s2)
    return _bounded(max(p1 - s1, p2 - s2) + scale + 1, scale)


def divide(left: Value, right: Value) -> Value:
    """`/`: a double, of decimals rounded to the digits that Spark keeps; NULL for a zero divisor."""
    left, right = _numeric(left), _numeric(right)
    divisor = fn("nullif", coerce(right, Type.FLOAT), number(0))
    quotient = exp.paren(exp.Div(this=coerce(left, Type.FLOAT), expression=divisor, typed=False, safe=False))
    of_integers = left.type is right.type is Type.INTEGER
    return settled(Value(quotient, Type.FLOAT, None if of_integers else _result_digits(exp.Div, left, right)))


def whole_divide(left: Value, right: Value) -> Value:
    """`div`: the quotient without its fraction, NULL for a zero divisor."""
    left, right = _numeric(left), _numeric(right)
    if {Type.FLOAT, Type.DECIMAL} & {left.type, right.type}:
        quotient = fn("trunc", divide(left._replace(digits=None), right).node)
        return Value(try_to(quotient, "BIGINT"), Type.INTEGER)
    divisor = fn("nullif", right.node, number(0))
    return Value(fn("divide", to(left.node, "BIGINT"), to(divisor, "BIGINT")), Type.INTEGER)


def remainder(left: Value, right: Value) -> Value:
    """`%`: the sign is the dividend's, NULL for a zero divisor."""
    left, right = _numeric(left), _numeric(right)
    kinds = {left.type, right.type}
    one, two = (_operand(each, kinds, None) for each in (left, right))
    return Value(fn("mod", one, fn("nullif", two, number(0))), _wider(left, right))


def positive_remainder(left: Value, right: Value) -> Value:
    """`pmod`: the remainder, not negative for a positive divisor."""
    once = remainder(left, right)
    shifted = Value(exp.paren(once.node + _numeric(right).node.copy()), once.type)
    return Value(
        case((exp.LT(this=once.node, expression=number(0)), remainder(shifted, right).node), default=once.node),
        once.type,
    )


def _shift_days(day: Value, days: Value, sign: int) -> Value:
    count = to(coerce(days, Type.INTEGER), "INTEGER")
    shift = fn("to_days", count if sign > 0 else exp.Neg(this=exp.paren(count)))
    moved = exp.Add(this=coerce(day, Type.DATE), expression=shift)
    return Value(to(exp.paren(moved), "DATE"), Type.DATE)


def like(value: Value, pattern: Value, escape: str = "\\") -> Value:
    """`LIKE`, whose escape is the backslash unless another is given."""
    if isinstance(pattern.node, exp.Literal):
        _check_like(pattern.node.this, escape)
    body = exp.Like(this=coerce(value, Type.STRING), expression=coerce(pattern, Type.STRING))
    return Value(exp.paren(exp.Escape(this=body, expression=text(escape))), Type.BOOLEAN)


def _check_like(pattern: str, escape: str) -> None:
    at = 0
    while at < len(pattern):
        if pattern[at] == escape:
            following = pattern[at + 1 : at + 2]
            if following not in ("%", "_", escape) or not following:
                raise LoweringError(
                    f"the LIKE pattern '{pattern}': `{escape}` stands before `%`, `_` or itself only",
                    help=f"double it to mean the character: {escape}{escape}",
                )
            at += 1
        at += 1


def rlike(value: Value, pattern: Value) -> Value:
    """`RLIKE`: whether Java's regular expression is found anywhere in the text."""
    subject, searched = coerce(value, Type.STRING), _searched(pattern)
    return Value(_bounded_by(searched, subject, fn("regexp_matches", subject, searched)), Type.BOOLEAN)


def _searched(pattern: Value) -> exp.Literal:
    """A literal pattern, translated for a search."""
    return text(java_regex(constant(pattern, "a pattern"), whole=False))


def _bounded_by(searched: exp.Literal, subject: exp.Expr, answer: exp.Expr) -> exp.Expr:
    """An answer, but an error where the pattern's word boundaries could differ from Java's."""
    if not has_boundary(str(searched.this)):
        return answer
    return case((fn("regexp_matches", subject, text(BEYOND_ASCII)), _stop(BOUNDARY)), default=answer)


def concat(*values: Value) -> Value:
    """Texts side by side; NULL if one is NULL."""
    if any(each.type is Type.NESTED for each in values):
        raise LoweringError("concat of lists")
    return Value(join(*(coerce(plain(each), Type.STRING) for each in values)), Type.STRING)


def constant(value: Value, what: str) -> str:
    """The text of a literal argument."""
    if isinstance(value.node, exp.Literal) and value.node.is_string:
        return str(value.node.this)
    raise LoweringError(f"{what} must be a text literal")


def constant_number(value: Value, what: str) -> int:
    """The whole number of a literal argument."""
    node = value.node
    sign = -1 if isinstance(node, exp.Neg) else 1
    literal = node.this if isinstance(node, exp.Neg) else node
    if isinstance(literal, exp.Literal) and not literal.is_string and str(literal.this).isdigit():
        return sign * int(literal.this)
    raise LoweringError(f"{what} must be a whole number")


# Functions ---------------------------------------------------------------------------------------------------------

_LETTERS = {
    "s": Type.STRING, "i": Type.INTEGER, "f": Type.FLOAT, "b": Type.BOOLEAN,
    "d": Type.DATE, "t": Type.TIMESTAMP, "*": Type.OTHER,
}  # fmt: skip


def _direct(name: str, signature: str, result: str, *more: exp.Expr) -> Function:
    """A function that DuckDB has under `name`: a letter per argument and one for the result."""
    wanted = [_LETTERS[each] for each in signature]

    def build(*values: Value) -> Value:
        arguments = [coerce(plain(value), kind) for value, kind in zip(values, wanted, strict=True)]
        return Value(fn(name, *arguments, *more), _LETTERS[result])

    return Function(build, len(wanted), len(wanted))


def _cast_to(name: str) -> Function:
    wanted = TARGETS[name]
    return Function(lambda value: Value(cast(value.node, value.type, wanted), wanted.type), 1, 1)


def _part(name: str, kind: str = "t", offset: int = 0, modulo: int = 0) -> Function:
    def build(value: Value) -> Value:
        node: exp.Expr = fn(name, coerce(plain(value), _LETTERS[kind]))
        if offset:
            node = exp.paren(node + number(offset))
        return Value(node, Type.INTEGER)

    return Function(build, 1, 1)


def _same(values: Sequence[Value], name: str) -> Value:
    nodes, kind = common(values)
    return Value(fn(name, *nodes), kind, common_digits(values))


def _if(condition: Value, yes: Value, no: Value) -> Value:
    (left, right), kind = common([yes, no])
    return Value(case((coerce(condition, Type.BOOLEAN), left), default=right), kind, common_digits([yes, no]))


def _nvl2(value: Value, yes: Value, no: Value) -> Value:
    return _if(Value(is_null(value).node.not_(), Type.BOOLEAN), yes, no)


def is_null(value: Value) -> Value:
    """Whether a value is missing."""
    return Value(exp.paren(exp.Is(this=exp.paren(value.node.copy()), expression=exp.null())), Type.BOOLEAN)


def _is_not_null(value: Value) -> Value:
    return Value(exp.paren(exp.Not(this=is_null(value).node)), Type.BOOLEAN)


def _nullif(left: Value, right: Value) -> Value:
    one, two = compared(left, right)
    return left._replace(node=case((exp.EQ(this=one, expression=two), exp.null()), default=left.node))


def _isnan(value: Value) -> Value:
    return Value(fn("coalesce", fn("isnan", coerce(value, Type.FLOAT)), exp.false()), Type.BOOLEAN)


def _nanvl(value: Value, other: Value) -> Value:
    node = coerce(value, Type.FLOAT)
    return Value(case((fn("isnan", node), coerce(other, Type.FLOAT)), default=node), Type.FLOAT)


def _substring(value: Value, start: Value, size: Value | None = None) -> Value:
    """From the `start`-th character, 0 meaning the first, a negative one counted from the end."""
    subject = coerce(value, Type.STRING)
    position = coerce(start, Type.INTEGER)
    first = case(
        (exp.GT(this=position, expression=number(0)), exp.paren(position - number(1))),
        (exp.LT(this=position, expression=number(0)), exp.paren(fn("length", subject) + position.copy())),
        default=number(0),
    )
    begin = exp.paren(fn("greatest", first, number(0)) + number(1))
    if size is None:
        node: exp.Expr = fn("substring", subject, begin)
    else:
        end = exp.paren(first + coerce(size, Type.INTEGER))
        width = fn("greatest", exp.paren(end - fn("greatest", first, number(0))), number(0))
        # greatest() leaves NULL out, so a NULL argument has to be kept by hand.
        node = case(
            (is_null(Value(end, Type.INTEGER)).node, exp.null()), default=fn("substring", subject, begin, width)
        )
        return Value(node, Type.STRING)
    return Value(case((is_null(Value(position, Type.INTEGER)).node, exp.null()), default=node), Type.STRING)


def _edge(name: str) -> Function:
    def build(value: Value, size: Value) -> Value:
        count = coerce(size, Type.INTEGER)
        subject = coerce(value, Type.STRING)
        empty = exp.LTE(this=count, expression=number(0))
        return Value(
            case((empty, exp.paren(fn("substring", subject, number(1), number(0)))), default=fn(name, subject, count)),
            Type.STRING,
        )

    return Function(build, 2, 2)


def _trim(name: str) -> Function:
    def build(first: Value, second: Value | None = None) -> Value:
        if second is None:
            return Value(fn(name, coerce(first, Type.STRING), text(" ")), Type.STRING)
        return Value(fn(name, coerce(second, Type.STRING), coerce(first, Type.STRING)), Type.STRING)

    return Function(build, 1, 2)


def trim_of(value: Value, characters: Value | None, side: str) -> Value:
    """`trim([BOTH | LEADING | TRAILING] characters FROM value)`."""
    name = {"": "trim", "BOTH": "trim", "LEADING": "ltrim", "TRAILING": "rtrim"}[side.upper()]
    removed = coerce(characters, Type.STRING) if characters else text(" ")
    return Value(fn(name, coerce(value, Type.STRING), removed), Type.STRING)


MAX_TEXT = 10_000_000
"""The longest text that a function may make, in bytes: a rule shall not fill the memory."""


def _within(size: exp.Expr, value: exp.Expr, name: str) -> exp.Expr:
    """A value, but an error where a size is beyond what a function may make."""
    stop = _stop(f"{name}() makes a text of more than {MAX_TEXT:,} bytes")
    return case((exp.GT(this=size, expression=number(MAX_TEXT)), stop), default=value)


def _repeat(value: Value, times: Value) -> Value:
    subject = coerce(value, Type.STRING)
    count = coerce(times, Type.INTEGER)
    size = exp.paren(to(fn("strlen", subject), "DOUBLE") * to(count, "DOUBLE"))
    return Value(fn("repeat", subject, _within(size, count, "repeat")), Type.STRING)


def _pad(name: str) -> Function:
    def build(value: Value, size: Value, pad: Value | None = None) -> Value:
        wanted = coerce(size, Type.INTEGER)
        width = to(_within(wanted, fn("greatest", wanted, number(0)), name), "INTEGER")
        filler = coerce(pad, Type.STRING) if pad else text(" ")
        subject = coerce(value, Type.STRING)
        # DuckDB refuses to fill with an empty text; Spark then only cuts.
        cut = fn("substring", subject, number(1), width)
        return Value(
            case((exp.EQ(this=filler, expression=text("")), cut), default=fn(name, subject, width, filler)), Type.STRING
        )

    return Function(build, 2, 3)


def locate(part: Value, value: Value) -> Value:
    """The position of a text in another, from 1; 0 when it is not there."""
    return Value(fn("instr", coerce(value, Type.STRING), coerce(part, Type.STRING)), Type.INTEGER)


def _replace(value: Value, old: Value, new: Value | None = None) -> Value:
    return Value(
        fn(
            "replace",
            coerce(value, Type.STRING),
            coerce(old, Type.STRING),
            coerce(new, Type.STRING) if new else text(""),
        ),
        Type.STRING,
    )


def _stop(reason: str) -> exp.Expr:
    """What ends the query with a reason when it is reached."""
    return fn("error", text(STOPPED + reason))


def _concat_ws(separator: Value, *values: Value) -> Value:
    """Texts side by side with a separator between them; NULLs are left out."""
    if any(each.type is Type.NESTED for each in values):
        raise LoweringError("concat_ws of lists")
    parts = [coerce(plain(each), Type.STRING) for each in values]
    return Value(fn("concat_ws", coerce(separator, Type.STRING), *parts), Type.STRING)


def _levenshtein(left: Value, right: Value) -> Value:
    """DuckDB counts bytes where Spark counts characters: text beyond ASCII stops the query."""
    one, two = coerce(left, Type.STRING), coerce(right, Type.STRING)
    beyond = [exp.NEQ(this=fn("strlen", each), expression=fn("length", each)) for each in (one, two)]
    stop = _stop("levenshtein() of text beyond ASCII is not supported")
    return Value(case((exp.or_(*beyond), stop), default=fn("levenshtein", one, two)), Type.INTEGER)


def _regexp_replace(value: Value, pattern: Value, replacement: Value) -> Value:
    java = constant(pattern, "a pattern")
    spelled = java_replacement(constant(replacement, "a replacement"), group_count(java))
    subject, searched = coerce(value, Type.STRING), _searched(pattern)
    replaced = fn("regexp_replace", subject, searched, text(spelled), text("g"))
    return Value(_bounded_by(searched, subject, replaced), Type.STRING)


def _regexp_extract(value: Value, pattern: Value, group: Value | None = None) -> Value:
    java = constant(pattern, "a pattern")
    wanted = constant_number(group, "a group") if group else 1
    if not 0 <= wanted <= group_count(java):
        raise LoweringError(
            f"the pattern has no group {wanted}",
            help="groups are the parentheses, counted from 1; 0 is the whole match",
        )
    subject, searched = coerce(value, Type.STRING), _searched(pattern)
    return Value(_bounded_by(searched, subject, fn("regexp_extract", subject, searched, number(wanted))), Type.STRING)


def _round(value: Value, digits: Value | None = None) -> Value:
    """Half away from zero; a double by its decimal digits, as Java's BigDecimal."""
    value = _numeric(value)
    places = constant_number(digits, "the number of digits") if digits else 0
    if value.type is not Type.FLOAT:
        return Value(fn("round", value.node, number(places)), value.type)
    if not 0 <= places <= 18:
        # DuckDB 1.5 rounds an infinity to 0.
        rounded = case((fn("isfinite", value.node), fn("round", value.node, number(places))), default=value.node)
        return Value(rounded, Type.FLOAT)
    exact = to(try_to(to(value.node, "VARCHAR"), f"DECIMAL(38,{places})"), "DOUBLE")
    return Value(fn("coalesce", exact, value.node), Type.FLOAT)


def _whole(name: str) -> Function:
    def build(value: Value) -> Value:
        value = _numeric(value)
        if value.type is Type.INTEGER:
            return value
        return Value(cast(fn(name, value.node), value.type, TARGETS["bigint"]), Type.INTEGER)

    return Function(build, 1, 1)


def _logarithm(name: str) -> Function:
    def build(value: Value) -> Value:
        node = coerce(value, Type.FLOAT)
        return Value(case((exp.GT(this=node, expression=number(0)), fn(name, node))), Type.FLOAT)

    return Function(build, 1, 1)


def _log(first: Value, second: Value | None = None) -> Value:
    natural = FUNCTIONS["ln"].build
    return natural(first) if second is None else divide(natural(second), natural(first))


def _sqrt(value: Value) -> Value:
    node = coerce(value, Type.FLOAT)
    return Value(
        case((exp.LT(this=node, expression=number(0)), to(text("nan"), "DOUBLE")), default=fn("sqrt", node)), Type.FLOAT
    )


def _keep(name: str) -> Function:
    """A function of one number whose result has its type."""

    def build(value: Value) -> Value:
        value = _numeric(value)
        return Value(fn(name, value.node), value.type, value.digits)

    return Function(build, 1, 1)


def _sign(value: Value) -> Value:
    node = coerce(value, Type.FLOAT)
    return Value(case((fn("isnan", node), node), default=to(fn("sign", node), "DOUBLE")), Type.FLOAT)


def _date_shift(sign: int) -> Function:
    return Function(lambda day, days: _shift_days(Value(coerce(plain(day), Type.DATE), Type.DATE), days, sign), 2, 2)


def _datediff(end: Value, start: Value) -> Value:
    return Value(
        fn("date_diff", text("day"), coerce(plain(start), Type.DATE), coerce(plain(end), Type.DATE)), Type.INTEGER
    )


def _add_months(day: Value, months: Value) -> Value:
    moved = exp.Add(
        this=coerce(plain(day), Type.DATE), expression=fn("to_months", to(coerce(months, Type.INTEGER), "INTEGER"))
    )
    return Value(to(exp.paren(moved), "DATE"), Type.DATE)


def _day_of_week(value: Value) -> Value:
    return Value(exp.paren(fn("dayofweek", coerce(plain(value), Type.DATE)) + number(1)), Type.INTEGER)


def _weekday(value: Value) -> Value:
    return Value(exp.paren(fn("isodow", coerce(plain(value), Type.DATE)) - number(1)), Type.INTEGER)


_UNITS = {
    "year": "year", "yyyy": "year", "yy": "year", "quarter": "quarter", "month": "month", "mon": "month", "mm": "month",
    "week": "week", "day": "day", "dd": "day", "hour": "hour", "minute": "minute", "second": "second",
}  # fmt: skip
_PARTS = {
    "year": "year", "years": "year", "y": "year", "quarter": "quarter", "month": "month", "months": "month",
    "week": "weekofyear",
    "day": "day", "days": "day", "d": "day", "doy": "dayofyear", "dow": "dayofweek", "dayofweek": "dayofweek",
    "hour": "hour", "hours": "hour", "minute": "minute", "minutes": "minute", "second": "second", "seconds": "second",
}  # fmt: skip


def _date_trunc(unit: Value, value: Value) -> Value:
    name = _UNITS.get(constant(unit, "the unit").lower())
    if name is None:
        raise LoweringError(f"date_trunc has no unit '{constant(unit, 'the unit')}'")
    return Value(to(fn("date_trunc", text(name), coerce(plain(value), Type.TIMESTAMP)), "TIMESTAMP"), Type.TIMESTAMP)


def _trunc(value: Value, unit: Value) -> Value:
    name = _UNITS.get(constant(unit, "the unit").lower())
    if name not in ("year", "quarter", "month", "week"):
        raise LoweringError("trunc cuts a day to its year, quarter, month or week")
    return Value(to(fn("date_trunc", text(name), coerce(plain(value), Type.DATE)), "DATE"), Type.DATE)


def extract(part: str, value: Value) -> Value:
    """`extract(part FROM value)`."""
    name = _PARTS.get(part.lower())
    if name is None:
        raise LoweringError(f"extract has no part `{part}`", help="one of " + ", ".join(sorted(_PARTS)))
    return _seconds(value) if name == "second" else FUNCTIONS[name].build(value)


def _seconds(value: Value) -> Value:
    """The seconds of a minute with their fraction; `second()` leaves it out."""
    microseconds = to(fn("microsecond", coerce(plain(value), Type.TIMESTAMP)), "DECIMAL(8,0)")
    return Value(to(exp.paren(microseconds * number("0.000001")), "DECIMAL(8,6)"), Type.DECIMAL, (8, 6))


_FORMATS = {
    "yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "a": "%p",
    "EEEE": "%A", "EEE": "%a", "E": "%a", "MMMM": "%B", "MMM": "%b", "DDD": "%j", "SSS": "%g", "SSSSSS": "%f",
    "M": "%-m", "d": "%-d", "H": "%-H", "h": "%-I", "m": "%-M", "s": "%-S", "y": "%Y",
}  # fmt: skip


def _format(pattern: str) -> str:
    """A date pattern of Spark as one of strftime."""
    out, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        end = at
        while end < len(pattern) and pattern[end] == char:
            end += 1
        if char == "'":
            close = pattern.find("'", at + 1)
            if close < 0:
                raise LoweringError(f"the date pattern `{pattern}` has an open quote")
            out.append((pattern[at + 1 : close] or "'").replace("%", "%%"))
            at = close + 1
            continue
        if char.isalpha():
            if pattern[at:end] not in _FORMATS:
                raise LoweringError(
                    f"the letters `{pattern[at:end]}` of the date pattern have no equal",
                    help="one of " + ", ".join(_FORMATS),
                )
            out.append(_FORMATS[pattern[at:end]])
        else:
            out.append(pattern[at:end].replace("%", "%%"))
        at = end
    return "".join(out)


def _date_format(value: Value, pattern: Value) -> Value:
    # DuckDB formats seconds as nanoseconds, which reach back to the year 1677 only.
    instant = to(coerce(plain(value), Type.TIMESTAMP), "TIMESTAMP")
    return Value(fn("strftime", instant, text(_format(constant(pattern, "a date pattern")))), Type.STRING)


def _parsed(value: Value, pattern: Value, kind: Type) -> Value:
    """A text read by a pattern of fixed widths, exactly; NULL where it does not fit."""
    spelled = constant(pattern, "a date pattern")
    if value.type is not Type.STRING:
        return Value(coerce(plain(value), kind), kind)
    spec = _format(spelled)
    if any(each in spec for each in ("%A", "%a", "%B", "%b", "%p", "%y", "%-", "%g", "%j")):
        raise LoweringError(
            f"the date pattern `{spelled}` cannot be read back exactly", help="use yyyy, MM, dd, HH, mm and ss"
        )
    parsed = fn("try_strptime", value.node, text(spec))
    # strptime forgives missing zeros and blanks; printing the result again shows whether the text was exact.
    exact = exp.EQ(this=fn("strftime", parsed, text(spec)), expression=value.node.copy())
    return Value(case((exact, to(parsed, "DATE" if kind is Type.DATE else "TIMESTAMP"))), kind)


def _to_date(value: Value, pattern: Value | None = None) -> Value:
    if pattern is not None:
        return _parsed(value, pattern, Type.DATE)
    return Value(to_date(value.node, value.type), Type.DATE)


def _to_timestamp(value: Value, pattern: Value | None = None) -> Value:
    if pattern is not None:
        return _parsed(value, pattern, Type.TIMESTAMP)
    return Value(to_timestamp(value.node, value.type), Type.TIMESTAMP)


def _unix_timestamp(value: Value) -> Value:
    if value.type is Type.STRING:
        parsed = _parsed(value, Value(text("yyyy-MM-dd HH:mm:ss"), Type.STRING), Type.TIMESTAMP)
        return Value(cast(parsed.node, Type.TIMESTAMP, TARGETS["bigint"]), Type.INTEGER)
    return Value(to(fn("trunc", fn("epoch", coerce(plain(value), Type.TIMESTAMP))), "BIGINT"), Type.INTEGER)


def _make_date(year: Value, month: Value, day: Value) -> Value:
    parts = [coerce(each, Type.INTEGER) for each in (year, month, day)]
    spelled = join(to(parts[0], "VARCHAR"), text("-"), to(parts[1], "VARCHAR"), text("-"), to(parts[2], "VARCHAR"))
    return Value(try_to(spelled, "DATE"), Type.DATE)


def _size(value: Value) -> Value:
    """The number of elements, -1 for NULL, as Spark without ANSI mode."""
    return Value(fn("coalesce", fn("len", _list(value)), number(-1)), Type.INTEGER)


def _list(value: Value) -> exp.Expr:
    if value.type not in (Type.NESTED, Type.OTHER):
        raise LoweringError(f"a list is needed here, not a {value.type.value}")
    return value.node.copy()


def _of_list(name: str, result: str = "*") -> Function:
    return Function(
        lambda value: Value(fn(name, _list(value)), Type.NESTED if result == "l" else _LETTERS[result]), 1, 1
    )


def _array_contains(value: Value, member: Value) -> Value:
    """Whether a member is there; NULL when it is not and one of the members is NULL."""
    members = _list(value)
    gap = exp.LT(this=fn("list_aggregate", members, text("count")), expression=fn("len", members))
    found = fn("list_contains", members, member.node)
    return Value(case((found, exp.true()), (gap, exp.null()), default=found), Type.BOOLEAN)


def _array_distinct(value: Value) -> Value:
    """Each member once, where it comes first; a NULL is a member."""
    members = _list(value)
    first = exp.EQ(this=fn("list_position", members, exp.column("member")), expression=exp.column("place"))
    names = [exp.to_identifier("member"), exp.to_identifier("place")]
    return Value(fn("list_filter", members, exp.Lambda(this=first, expressions=names, colon=True)), Type.NESTED)


def _array(*values: Value) -> Value:
    nodes, _ = common(values) if values else ([], Type.OTHER)
    return Value(fn("list_value", *nodes), Type.NESTED)


def _element_at(value: Value, position: Value) -> Value:
    if constant_number(position, "the position") == 0:
        raise LoweringError("element_at counts from 1")
    return Value(fn("list_extract", _list(value), position.node), Type.OTHER)


def _split(value: Value, pattern: Value) -> Value:
    subject, searched = coerce(value, Type.STRING), _searched(pattern)
    return Value(_bounded_by(searched, subject, fn("string_split_regex", subject, searched)), Type.NESTED)


def _tests(value: Value, condition: Value) -> exp.Expr:
    """What a condition says of each member of a list."""
    return fn("list_transform", _list(value), condition.node)


def _any_of(value: Value, condition: Value) -> Value:
    """Whether the condition is true of a member; of none it is false, or NULL if it is NULL of one."""
    tests = _tests(value, condition)
    return Value(case((equal(fn("len", tests), number(0)), exp.false()), default=_joined("or", tests)), Type.BOOLEAN)


def _all_of(value: Value, condition: Value) -> Value:
    """Whether the condition is true of each member; if false of none it may be NULL."""
    tests = _tests(value, condition)
    return Value(case((equal(fn("len", tests), number(0)), exp.true()), default=_joined("and", tests)), Type.BOOLEAN)


def _joined(connector: str, tests: exp.Expr) -> exp.Expr:
    """Truth values joined by SQL's three-valued logic."""
    deciding = exp.true() if connector == "or" else exp.false()
    gap = exp.LT(this=fn("list_aggregate", tests, text("count")), expression=fn("len", tests))
    unknown = exp.or_(gap, fn("len", tests).is_(exp.null()))
    otherwise = exp.false() if connector == "or" else exp.true()
    return case((fn("list_contains", tests, deciding), deciding), (unknown, exp.null()), default=otherwise)


# Aggregates --------------------------------------------------------------------------------------------------------


def _aggregate(name: str, signature: str, result: str) -> Function:
    direct = _direct(name, signature, result)
    return Function(direct.build, direct.least, direct.most, aggregate=True, window=True)


def _extreme(name: str) -> Function:
    return Function(
        lambda value: Value(fn(name, value.node), value.type, value.digits), 1, 1, aggregate=True, window=True
    )


def _total(value: Value) -> Value:
    value = _numeric(value)
    digits = value.digits and (
        (20, 0) if value.type is Type.INTEGER else _bounded(value.digits[0] + 10, value.digits[1])
    )
    return Value(fn("sum", value.node), value.type, digits)


def _average(value: Value) -> Value:
    """A double; of decimals one that is to be `settled` with four digits more than they have."""
    digits = value.digits if value.type is Type.DECIMAL else None
    node = fn("avg", coerce(value, Type.FLOAT))
    return Value(node, Type.FLOAT, digits and _bounded(digits[0] + 4, digits[1] + 4))


def _percentile(value: Value, share: Value) -> Value:
    return Value(fn("quantile_cont", coerce(value, Type.FLOAT), share.node), Type.FLOAT)


def _percentile_approx(value: Value, share: Value, _accuracy: Value | None = None) -> Value:
    value = _numeric(value)
    return Value(fn("quantile_disc", value.node, share.node), value.type)


def _collect(distinct: bool) -> Function:
    def build(value: Value) -> Value:
        member: exp.Expr = exp.Distinct(expressions=[value.node.copy()]) if distinct else value.node.copy()
        gathered = exp.Filter(
            this=exp.Anonymous(this="list", expressions=[member]),
            expression=exp.Where(this=exp.Not(this=is_null(value).node)),
        )
        return Value(fn("coalesce", gathered, fn("list_value")), Type.NESTED)

    return Function(build, 1, 1, aggregate=True)


def _count(*values: Value) -> Value:
    """Rows in which no argument is NULL."""
    if len(values) == 1:
        return Value(fn("count", values[0].node), Type.INTEGER, (20, 0))
    missing = exp.or_(*(is_null(each).node for each in values))
    return Value(fn("count", case((missing, exp.null()), default=number(1))), Type.INTEGER)


def count_distinct(values: Sequence[Value]) -> Value:
    """Different combinations of values among the rows in which none is NULL."""
    if len(values) == 1:
        member = values[0].node.copy()
    else:
        missing = exp.or_(*(is_null(each).node for each in values))
        member = case((missing, exp.null()), default=fn("row", *(each.node for each in values)))
    return Value(exp.Anonymous(this="count", expressions=[exp.Distinct(expressions=[member])]), Type.INTEGER)


def _count_if(value: Value) -> Value:
    return Value(fn("count", case((coerce(value, Type.BOOLEAN), number(1)))), Type.INTEGER)


def _window_only(name: str, result: str, least: int = 0, most: int = 0) -> Function:
    def build(*values: Value) -> Value:
        kind = values[0].type if result == "=" else _LETTERS[result]
        return Value(fn(name, *(each.node for each in values)), kind)

    return Function(build, least, most, window=True)


FUNCTIONS: Mapping[str, Function] = {
    # choice
    "coalesce": Function(lambda *values: _same(values, "coalesce"), 1, None),
    "nvl": Function(lambda *values: _same(values, "coalesce"), 2, 2),
    "ifnull": Function(lambda *values: _same(values, "coalesce"), 2, 2),
    "greatest": Function(lambda *values: _same(values, "greatest"), 2, None),
    "least": Function(lambda *values: _same(values, "least"), 2, None),
    "nullif": Function(_nullif, 2, 2),
    "nvl2": Function(_nvl2, 3, 3),
    "if": Function(_if, 3, 3),
    "iff": Function(_if, 3, 3),
    "isnull": Function(is_null, 1, 1),
    "isnotnull": Function(_is_not_null, 1, 1),
    "isnan": Function(_isnan, 1, 1),
    "nanvl": Function(_nanvl, 2, 2),
    # text
    "upper": _direct("upper", "s", "s"),
    "ucase": _direct("upper", "s", "s"),
    "lower": _direct("lower", "s", "s"),
    "lcase": _direct("lower", "s", "s"),
    "length": _direct("length", "s", "i"),
    "len": _direct("length", "s", "i"),
    "char_length": _direct("length", "s", "i"),
    "character_length": _direct("length", "s", "i"),
    "octet_length": _direct("strlen", "s", "i"),
    "reverse": _direct("reverse", "s", "s"),
    "trim": _trim("trim"),
    "btrim": Function(lambda value, characters=None: trim_of(value, characters, ""), 1, 2),
    "ltrim": _trim("ltrim"),
    "rtrim": _trim("rtrim"),
    "substring": Function(_substring, 2, 3),
    "substr": Function(_substring, 2, 3),
    "mid": Function(_substring, 3, 3),
    "left": _edge("left"),
    "right": _edge("right"),
    "concat": Function(concat, 1, None),
    "concat_ws": Function(_concat_ws, 2, None),
    "lpad": _pad("lpad"),
    "rpad": _pad("rpad"),
    "instr": Function(lambda value, part: locate(part, value), 2, 2),
    "locate": Function(locate, 2, 2),
    "position": Function(locate, 2, 2),
    "replace": Function(_replace, 2, 3),
    "repeat": Function(_repeat, 2, 2),
    "translate": _direct("translate", "sss", "s"),
    "startswith": _direct("starts_with", "ss", "b"),
    "endswith": _direct("ends_with", "ss", "b"),
    "contains": _direct("contains", "ss", "b"),
    "levenshtein": Function(_levenshtein, 2, 2),
    "md5": _direct("md5", "s", "s"),
    "regexp": Function(rlike, 2, 2),
    "rlike": Function(rlike, 2, 2),
    "regexp_like": Function(rlike, 2, 2),
    "regexp_replace": Function(_regexp_replace, 3, 3),
    "regexp_extract": Function(_regexp_extract, 2, 3),
    "split": Function(_split, 2, 2),
    # numbers
    "abs": _keep("abs"),
    "negative": Function(
        lambda value: _numeric(value)._replace(node=exp.paren(exp.Neg(this=exp.paren(_numeric(value).node.copy())))),
        1,
        1,
    ),
    "positive": Function(_numeric, 1, 1),
    "ceil": _whole("ceil"),
    "ceiling": _whole("ceil"),
    "floor": _whole("floor"),
    "round": Function(_round, 1, 2),
    "sqrt": Function(_sqrt, 1, 1),
    "cbrt": _direct("cbrt", "f", "f"),
    "exp": _direct("exp", "f", "f"),
    "ln": _logarithm("ln"),
    "log": Function(_log, 1, 2),
    "log10": _logarithm("log10"),
    "log2": _logarithm("log2"),
    "pow": _direct("pow", "ff", "f"),
    "power": _direct("pow", "ff", "f"),
    "sign": Function(_sign, 1, 1),
    "signum": Function(_sign, 1, 1),
    "mod": Function(remainder, 2, 2),
    "pmod": Function(positive_remainder, 2, 2),
    "sin": _direct("sin", "f", "f"),
    "cos": _direct("cos", "f", "f"),
    "tan": _direct("tan", "f", "f"),
    "atan": _direct("atan", "f", "f"),
    "atan2": _direct("atan2", "ff", "f"),
    "degrees": _direct("degrees", "f", "f"),
    "radians": _direct("radians", "f", "f"),
    "pi": _direct("pi", "", "f"),
    # days and instants
    "year": _part("year", "d"),
    "quarter": _part("quarter", "d"),
    "month": _part("month", "d"),
    "day": _part("day", "d"),
    "dayofmonth": _part("day", "d"),
    "dayofyear": _part("dayofyear", "d"),
    "weekofyear": _part("week", "d"),
    "dayofweek": Function(_day_of_week, 1, 1),
    "weekday": Function(_weekday, 1, 1),
    "hour": _part("hour"),
    "minute": _part("minute"),
    "second": _part("second"),
    "to_date": Function(_to_date, 1, 2),
    "to_timestamp": Function(_to_timestamp, 1, 2),
    "date_add": _date_shift(1),
    "dateadd": _date_shift(1),
    "date_sub": _date_shift(-1),
    "datediff": Function(_datediff, 2, 2),
    "date_diff": Function(_datediff, 2, 2),
    "add_months": Function(_add_months, 2, 2),
    "last_day": _direct("last_day", "d", "d"),
    "date_trunc": Function(_date_trunc, 2, 2),
    "trunc": Function(_trunc, 2, 2),
    "date_format": Function(_date_format, 2, 2),
    "date_part": Function(lambda part, value: extract(constant(part, "the part"), value), 2, 2),
    "unix_timestamp": Function(_unix_timestamp, 1, 1),
    "make_date": Function(_make_date, 3, 3),
    # casts as functions
    **{
        name: _cast_to(name)
        for name in (
            "boolean",
            "tinyint",
            "smallint",
            "int",
            "bigint",
            "float",
            "double",
            "string",
            "date",
            "timestamp",
        )
    },
    # lists
    "size": Function(_size, 1, 1),
    "cardinality": Function(_size, 1, 1),
    "array_size": _of_list("len", "i"),
    "array": Function(_array, 0, None),
    "array_contains": Function(_array_contains, 2, 2),
    "array_max": _of_list("list_max"),
    "array_min": _of_list("list_min"),
    "array_distinct": Function(_array_distinct, 1, 1),
    "element_at": Function(_element_at, 2, 2),
    "exists": Function(_any_of, 2, 2),
    "forall": Function(_all_of, 2, 2),
    "filter": Function(
        lambda value, condition: Value(fn("list_filter", _list(value), condition.node), Type.NESTED), 2, 2
    ),
    "transform": Function(lambda value, body: Value(fn("list_transform", _list(value), body.node), Type.NESTED), 2, 2),
    # aggregates
    "count": Function(_count, 1, None, aggregate=True, window=True),
    "sum": Function(_total, 1, 1, aggregate=True, window=True),
    "avg": Function(_average, 1, 1, aggregate=True, window=True),
    "mean": Function(_average, 1, 1, aggregate=True, window=True),
    "min": _extreme("min"),
    "max": _extreme("max"),
    "stddev": _aggregate("stddev_samp", "f", "f"),
    "std": _aggregate("stddev_samp", "f", "f"),
    "stddev_samp": _aggregate("stddev_samp", "f", "f"),
    "stddev_pop": _aggregate("stddev_pop", "f", "f"),
    "variance": _aggregate("var_samp", "f", "f"),
    "var_samp": _aggregate("var_samp", "f", "f"),
    "var_pop": _aggregate("var_pop", "f", "f"),
    "corr": _aggregate("corr", "ff", "f"),
    "covar_pop": _aggregate("covar_pop", "ff", "f"),
    "covar_samp": _aggregate("covar_samp", "ff", "f"),
    "median": _aggregate("median", "f", "f"),
    "percentile": Function(_percentile, 2, 2, aggregate=True, window=True),
    "percentile_approx": Function(_percentile_approx, 2, 3, aggregate=True),
    "approx_percentile": Function(_percentile_approx, 2, 3, aggregate=True),
    "approx_count_distinct": Function(lambda value: count_distinct([value]), 1, 1, aggregate=True),
    "count_if": Function(_count_if, 1, 1, aggregate=True, window=True),
    "bool_and": _aggregate("bool_and", "b", "b"),
    "every": _aggregate("bool_and", "b", "b"),
    "bool_or": _aggregate("bool_or", "b", "b"),
    "some": _aggregate("bool_or", "b", "b"),
    "any": _aggregate("bool_or", "b", "b"),
    "collect_list": _collect(distinct=False),
    "array_agg": _collect(distinct=False),
    "collect_set": _collect(distinct=True),
    "first": _extreme("first"),
    "first_value": Function(lambda value: Value(fn("first_value", value.node), value.type), 1, 1, window=True),
    "any_value": _extreme("first"),
    "last": _extreme("last"),
    "last_value": Function(lambda value: Value(fn("last_value", value.node), value.type), 1, 1, window=True),
    "max_by": Function(lambda value, by: Value(fn("max_by", value.node, by.node), value.type), 2, 2, aggregate=True),
    "min_by": Function(lambda value, by: Value(fn("min_by", value.node, by.node), value.type), 2, 2, aggregate=True),
    # windows
    "row_number": _window_only("row_number", "i"),
    "rank": _window_only("rank", "i"),
    "dense_rank": _window_only("dense_rank", "i"),
    "percent_rank": _window_only("percent_rank", "f"),
    "cume_dist": _window_only("cume_dist", "f"),
    "ntile": _window_only("ntile", "i", 1, 1),
    "lag": _window_only("lag", "=", 1, 3),
    "lead": _window_only("lead", "=", 1, 3),
    "nth_value": _window_only("nth_value", "=", 2, 2),
}
"""Every function a rule may call, by its name in Spark; nothing else can be called."""

REASONS = {
    "skewness": "DuckDB corrects it for small samples, Spark does not",
    "kurtosis": "DuckDB corrects it for small samples, Spark does not",
    "rand": "the answer would change from run to run",
    "random": "the answer would change from run to run",
    "uuid": "the answer would change from run to run",
    "initcap": "DuckDB has no equal",
    "explode": "a rule's SQL cannot multiply rows out of lists",
}
"""Why some functions that people expect are missing."""
