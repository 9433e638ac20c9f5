"""How each construct of our queries is said in Spark: the allow-list of `dq.spark.translating`.

Everything here means the same with ANSI mode on and off: casts that may fail are TRY_CAST, numbers that overflow end
the query, divisors are never 0, and instants do not pass through the time zone of the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dq.casts import CAST
from dq.lazy import exp
from dq.spark import aggregates as agg
from dq.spark import conditions as cond
from dq.spark import functions as fun
from dq.spark.casting import microseconds, microseconds_of_minute, naive
from dq.spark.functions import called, function, part
from dq.spark.translating import Spelling
from dq.spark.types import BIGINT, BLOB, BOOLEAN, DATE, DOUBLE, INTEGER, NULL, TEXT, TIMESTAMP
from dq.spark.values import Value, cast, fn, minus, number, plus

_DOUBLES = (
    "sqrt", "cbrt", "exp", "ln", "log10", "log2", "sin", "cos", "tan", "atan", "degrees", "radians",
)  # fmt: skip
_MOMENTS = ("stddev_samp", "stddev_pop", "var_samp", "var_pop")
_RANKS = ("row_number", "rank", "dense_rank")

SPELLINGS: Mapping[Any, Spelling] = {
    # values
    exp.Column: lambda translation, node: translation.column(node),
    exp.Identifier: lambda translation, node: translation.column(exp.column(node.name, quoted=True)),
    exp.Literal: fun.literal,
    exp.Boolean: lambda _, node: Value(node.copy(), BOOLEAN),
    exp.Null: lambda *_: Value(exp.Null(), NULL),
    exp.Neg: fun.negative,
    exp.Paren: fun.parentheses,
    **dict.fromkeys((exp.Cast, exp.TryCast), fun.casted),
    CAST: fun.leniently,
    exp.CurrentDate: fun.today,
    exp.Subquery: fun.scalar,
    # conditions
    exp.And: cond.connected(exp.And),
    exp.Or: cond.connected(exp.Or),
    exp.Not: cond.negation,
    exp.Is: cond.is_,
    **{each: cond.comparison(each) for each in (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ)},
    exp.NullSafeNEQ: cond.unlike,
    **dict.fromkeys((exp.Like, exp.Escape), cond.like),
    exp.In: cond.listed,
    exp.Exists: cond.exists,
    # choice
    exp.Case: fun.chosen,
    **dict.fromkeys((exp.Coalesce, "coalesce"), fun.alternatives("coalesce")),
    **dict.fromkeys((exp.Greatest, "greatest"), fun.alternatives("greatest")),
    **dict.fromkeys((exp.Least, "least"), fun.alternatives("least")),
    **dict.fromkeys((exp.Nullif, "nullif"), fun.unless_equal),
    **dict.fromkeys(("DQ_STOP", "error"), fun.stopped),
    # numbers
    exp.Add: fun.arithmetic(exp.Add, "try_add"),
    exp.Sub: fun.arithmetic(exp.Sub, "try_subtract"),
    exp.Mul: fun.arithmetic(exp.Mul, "try_multiply"),
    exp.Div: fun.quotient,
    "divide": fun.whole_quotient,
    **dict.fromkeys((exp.Mod, "mod"), fun.remainder),
    exp.BitwiseAnd: fun.bitwise(exp.BitwiseAnd),
    exp.BitwiseOr: fun.bitwise(exp.BitwiseOr),
    "xor": fun.bitwise(exp.BitwiseXor),
    exp.BitwiseNot: fun.bitwise_not,
    **dict.fromkeys((exp.IsNan, "isnan"), fun.is_nan),
    **dict.fromkeys(("DQ_IS_FINITE", "isfinite"), called(fun.is_finite, (DOUBLE,), BOOLEAN)),
    "isinf": called(fun.is_infinite, (DOUBLE,), BOOLEAN),
    "DQ_SIGN_BIT": called(fun.sign_bit, (DOUBLE,), BOOLEAN),
    **dict.fromkeys((exp.Round, "round"), fun.rounded),
    **dict.fromkeys((exp.Floor, "floor"), fun.floor),
    **dict.fromkeys((exp.Ceil, "ceil"), fun.ceiling),
    "trunc": fun.truncated,
    "abs": fun.size_of,
    "sign": function("signum", (DOUBLE,), DOUBLE),
    **{each: function(each, (DOUBLE,), DOUBLE) for each in _DOUBLES},
    **{each: function(each, (DOUBLE, DOUBLE), DOUBLE) for each in ("pow", "atan2")},
    "pi": function("pi", (), DOUBLE),
    # texts
    **dict.fromkeys(("DQ_LENGTH", "length"), called(lambda v: cast(fn("char_length", v), BIGINT), (TEXT,), BIGINT)),
    **dict.fromkeys(("DQ_BYTES", "strlen"), called(lambda v: cast(fn("octet_length", v), BIGINT), (TEXT,), BIGINT)),
    **dict.fromkeys(("DQ_FULL_MATCH", "regexp_full_match"), fun.matches(entirely=True)),
    **dict.fromkeys(("DQ_FIND", "regexp_matches"), fun.matches(entirely=False)),
    "regexp_extract": fun.extracted,
    "regexp_replace": fun.substituted,
    "string_split_regex": fun.split,
    **dict.fromkeys(("DQ_TRIM_BLANKS", "trim"), fun.trimmed("BOTH")),
    "ltrim": fun.trimmed("LEADING"),
    "rtrim": fun.trimmed("TRAILING"),
    **dict.fromkeys((exp.Lower, "lower"), function("lower", (TEXT,), TEXT)),
    **dict.fromkeys((exp.Upper, "upper"), function("upper", (TEXT,), TEXT)),
    "reverse": function("reverse", (TEXT,), TEXT),
    "contains": function("contains", (TEXT, TEXT), BOOLEAN),
    "starts_with": function("startswith", (TEXT, TEXT), BOOLEAN),
    "ends_with": function("endswith", (TEXT, TEXT), BOOLEAN),
    "instr": called(lambda v, part: cast(fn("instr", v, part), BIGINT), (TEXT, TEXT), BIGINT),
    "replace": function("replace", (TEXT, TEXT, TEXT), TEXT),
    "translate": function("translate", (TEXT, TEXT, TEXT), TEXT),
    "levenshtein": called(lambda a, b: cast(fn("levenshtein", a, b), BIGINT), (TEXT, TEXT), BIGINT),
    "md5": called(lambda v: fn("md5", cast(v, BLOB)), (TEXT,), TEXT),
    "repeat": function("repeat", (TEXT, INTEGER), TEXT),
    **{each: function(each, (TEXT, INTEGER, TEXT), TEXT) for each in ("lpad", "rpad")},
    **{each: function(each, (TEXT, INTEGER), TEXT) for each in ("left", "right")},
    "substring": lambda translation, node: function(
        "substring", (TEXT, INTEGER, INTEGER)[: len(node.expressions)], TEXT
    )(translation, node),
    "split_part": function("split_part", (TEXT, TEXT, INTEGER), TEXT),
    exp.DPipe: fun.joined,
    "concat_ws": fun.joined_with,
    "try": fun.read_bytes,
    # days and instants
    "timezone": fun.zoned,
    "DQ_EPOCH": fun.whole_epoch,
    "epoch": fun.epoch,
    "epoch_us": called(microseconds, (TIMESTAMP,), BIGINT),
    "make_timestamp": called(naive, (BIGINT,), TIMESTAMP),
    **{each: part(each) for each in ("hour", "minute", "second")},
    "microsecond": called(microseconds_of_minute, (TIMESTAMP,), BIGINT),
    **{each: part(each, DATE) for each in ("year", "quarter", "month", "day", "dayofyear")},
    "week": part("weekofyear", DATE),
    "dayofweek": part("dayofweek", DATE, lambda day: minus(day, number(1))),
    "isodow": part("weekday", DATE, lambda day: plus(day, number(1))),
    "date_diff": lambda translation, node: called(
        lambda start, end: cast(fn("datediff", end, start), BIGINT), (DATE, DATE), BIGINT
    )(translation, exp.Anonymous(this="date_diff", expressions=node.expressions[1:])),
    "last_day": function("last_day", (DATE,), DATE),
    "date_trunc": fun.cut_to,
    "strftime": fun.formatted,
    "try_strptime": fun.parsed,
    "to_years": fun.of_months(12),
    "to_quarters": fun.of_months(3),
    "to_months": fun.of_months(1),
    "to_weeks": fun.of_days(days=7),
    "to_days": fun.of_days(days=1),
    "to_hours": fun.of_days(hours=1),
    "to_minutes": fun.of_days(minutes=1),
    "to_seconds": fun.of_days(seconds=1),
    # lists and structs
    **dict.fromkeys((exp.Array, "list_value"), fun.array),
    "row": fun.struct,
    "struct_extract": fun.field,
    "list_extract": fun.element,
    "list_transform": fun.each_member("transform"),
    "list_filter": fun.each_member("filter"),
    "len": fun.of_list(lambda value: cast(fn("array_size", value), BIGINT), BIGINT),
    "list_max": fun.of_list(lambda value: fn("array_max", value)),
    "list_min": fun.of_list(lambda value: fn("array_min", value)),
    "list_aggregate": fun.gathered_members,
    "list_contains": fun.held_in,
    "list_position": fun.place_in,
    # aggregates
    **dict.fromkeys((exp.Count, "count"), agg.count),
    **dict.fromkeys((exp.Sum, "sum"), agg.total),
    **dict.fromkeys((exp.Avg, "avg"), agg.mean),
    **dict.fromkeys((exp.Min, "min"), agg.of_any("min")),
    **dict.fromkeys((exp.Max, "max"), agg.of_any("max")),
    exp.VariancePop: agg.of_doubles("var_pop"),
    **{each: agg.of_doubles(each) for each in (*_MOMENTS, "corr", "covar_pop", "covar_samp")},
    "CORR": agg.of_doubles("corr"),
    **{each: agg.of_doubles(each.lower()) for each in ("REGR_AVGX", "REGR_AVGY", "REGR_SXX", "REGR_SYY", "REGR_SXY")},
    "REGR_COUNT": agg.of_doubles("regr_count", BIGINT),
    "median": lambda translation, node: agg.quantile(
        translation, exp.Anonymous(this="median", expressions=[*node.expressions, exp.Literal.number("0.5")])
    ),
    **dict.fromkeys((exp.PercentileCont, "quantile_cont"), agg.quantile),
    **dict.fromkeys(("quantile_disc", "QUANTILE_DISC"), agg.quantile_of_values),
    "FSUM": agg.of_doubles("sum"),  # rounds where DuckDB keeps what it loses
    **{each: agg.of_any(each) for each in ("first", "last", "first_value", "last_value", "max_by", "min_by")},
    **{each: agg.of_any(each, BOOLEAN) for each in ("bool_and", "bool_or")},
    "list": agg.gathered,
    exp.Filter: agg.filtered,
    # windows
    exp.Window: agg.windowed,
    **{each: lambda _, node: Value(node.copy(), BIGINT) for each in _RANKS},
    **{each: lambda _, node: Value(node.copy(), DOUBLE) for each in ("percent_rank", "cume_dist")},
    "ntile": agg.of_any("ntile", BIGINT),
    **{each: agg.of_any(each) for each in ("lag", "lead", "nth_value")},
    # the table of groups
    "DQ_HISTOGRAM": agg.histogram,
    "DQ_TOP_KEYS": agg.top_keys,
    "DQ_TOP_VALUES": agg.top_values,
}
"""How each construct is said, by the class of a node, or by the name of a function."""
