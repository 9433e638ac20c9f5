"""`row_condition` as SQL: GX's condition objects, its old little language, and what it hands to pandas or Spark."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dq.gx.reports import Lost
from dq.gx.words import literal, missing, present
from dq.lazy import exp, sqlglot
from dq.tree import column, comply, conjunction, disjunction, negation

if TYPE_CHECKING:
    from dq.tree import Tree

NULLS_DIFFER = (
    "`{}` in row_condition: GX keeps rows with NULL on pandas, and drops them on SQL and Spark; the rule drops them"
)

_COMPARISONS: dict[str, Callable[[], type[exp.Binary]]] = {
    "==": lambda: exp.EQ,
    "!=": lambda: exp.NEQ,
    "<": lambda: exp.LT,
    "<=": lambda: exp.LTE,
    ">": lambda: exp.GT,
    ">=": lambda: exp.GTE,
}
_LITTLE = re.compile(
    r"""\s*col\((["'])(?P<column>.*?)\1\)\s*(?:\.(?P<null>notnull)\(\)|(?P<op>==|!=|<=|>=|<|>)\s*"""
    r"""(?:(?P<number>-?\d+(?:\.\d+)?)|(["'])(?P<text>.*?)\6))\s*""",
    re.IGNORECASE,
)
_LITTLE_PARSERS = ("great_expectations", "great_expectations__experimental__")


def row_condition(found: Any, parser: Any, skipped: frozenset[str], approximate: Callable[[str], None]) -> Tree | None:
    """The rows in scope as a condition; None for all rows.

    Args:
        found: the kwarg `row_condition`.
        parser: the kwarg `condition_parser`, which says what a text is.
        skipped: columns whose NULLs take no part anyway.
        approximate: is told where the meaning depends on the engine of GX.

    Raises:
        Lost: a condition that cannot be read.
    """
    if found is None or found == "":
        return None
    if isinstance(found, Mapping):
        return _object(found, skipped, approximate)
    if not isinstance(found, str):
        raise Lost("row_condition is neither a text nor a condition object")
    if parser in _LITTLE_PARSERS:
        return _little(found, skipped, approximate)
    return _spark(found) if parser == "spark" else _passed_through(found)


def _object(found: Mapping[str, Any], skipped: frozenset[str], approximate: Callable[[str], None]) -> Tree:
    kind = found.get("type")
    if kind == "pass_through":
        return _passed_through(str(found.get("pass_through_filter")))
    if kind in ("and", "or"):
        parts = found.get("conditions")
        if not isinstance(parts, list) or not parts or not all(isinstance(each, Mapping) for each in parts):
            raise Lost("row_condition has a group without conditions")
        if kind == "or":
            return disjunction(*(_object(each, skipped, approximate) for each in parts))
        known = skipped | {_column(each) for each in parts if each.get("type") == "nullity" and not each.get("is_null")}
        met = conjunction(*(_object(each, known, approximate) for each in parts))
        assert met is not None
        return met
    name = _column(found)
    if kind == "nullity":
        return missing(name) if found.get("is_null") else _present(name)
    if kind != "comparison":
        raise Lost(f"row_condition has a condition of type `{kind}`")
    return _comparison(name, str(found.get("operator")), found.get("parameter"), skipped, approximate)


def _column(found: Mapping[str, Any]) -> str:
    name = found.get("column")
    name = name.get("name") if isinstance(name, Mapping) else name
    if not isinstance(name, str):
        raise Lost("row_condition has a condition without a column")
    return name


def _present(name: str) -> Tree:
    tree = present(name)
    assert tree is not None
    return tree


def _comparison(name: str, operator: str, to: Any, skipped: frozenset[str], approximate: Callable[[str], None]) -> Tree:
    if operator in ("!=", "NOT_IN") and name not in skipped:
        approximate(NULLS_DIFFER.format(operator))
    if operator in ("IN", "NOT_IN"):
        if not isinstance(to, list) or not to:
            raise Lost(f"row_condition has `{operator}` without values")
        listed = exp.In(this=column(name), expressions=[literal(each) for each in to])
        return listed if operator == "IN" else negation(listed)
    if operator not in _COMPARISONS:
        raise Lost(f"row_condition has the operator `{operator}`")
    return _COMPARISONS[operator]()(this=column(name), expression=literal(to))


def _little(text: str, skipped: frozenset[str], approximate: Callable[[str], None]) -> Tree:
    """GX's own language of one comparison: `col("age") > 18`, `col("email").notNull()`."""
    found = _LITTLE.fullmatch(text)
    if not found:
        raise Lost(f"row_condition `{text}` cannot be read")
    if found["null"]:
        return _present(found["column"])
    digits = found["number"]
    to: Any = found["text"] if digits is None else float(digits) if "." in digits else int(digits)
    return _comparison(found["column"], found["op"], to, skipped, approximate)


def _spark(text: str) -> Tree:
    try:
        tree = sqlglot.parse_one(text, dialect="spark", into=exp.Condition)
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise Lost(f"row_condition `{text}` is no condition of Spark SQL") from error
    return tree


# -- what pandas' DataFrame.query reads ----------------------------------------------------------------


def _passed_through(text: str) -> Tree:
    """A text that GX hands on, to pandas unless it says otherwise: read as `DataFrame.query`, else as SQL."""
    names: dict[str, str] = {}

    def renamed(match: re.Match[str]) -> str:
        names[alias := f"__column_{len(names)}"] = match[1]
        return alias

    try:
        parsed = ast.parse(re.sub(r"`([^`]*)`", renamed, text).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _spark(text)
    return _of_pandas(parsed, names, text)


def _of_pandas(node: ast.expr, names: Mapping[str, str], text: str) -> Tree:
    """What is true for a row: pandas has no unknown, so a negation is true where SQL's would be NULL."""
    if isinstance(node, ast.BoolOp | ast.BinOp):
        parts = node.values if isinstance(node, ast.BoolOp) else [node.left, node.right]
        if isinstance(node.op, ast.And | ast.BitAnd):
            met = conjunction(*(_of_pandas(each, names, text) for each in parts))
            assert met is not None
            return met
        if isinstance(node.op, ast.Or | ast.BitOr):
            return disjunction(*(_of_pandas(each, names, text) for each in parts))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
        return negation(comply(_of_pandas(node.operand, names, text)))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
        name = _pandas_name(node.func.value, names, text)
        if node.func.attr in ("isnull", "isna"):
            return missing(name)
        if node.func.attr in ("notnull", "notna"):
            return _present(name)
    if isinstance(node, ast.Compare):
        return _chain(node, names, text)
    raise Lost(f"row_condition `{text}` is no comparison of columns with values")


def _chain(node: ast.Compare, names: Mapping[str, str], text: str) -> Tree:
    sides = [node.left, *node.comparators]
    links = [
        _link(left, operator, right, names, text)
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False)
    ]
    met = conjunction(*links)
    assert met is not None
    return met


_PANDAS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _link(left: ast.expr, operator: ast.cmpop, right: ast.expr, names: Mapping[str, str], text: str) -> Tree:
    if isinstance(operator, ast.In | ast.NotIn):
        values = _pandas_value(right, text)
        name = _pandas_name(left, names, text)
        inside = _comparison(name, "IN", values, frozenset(), lambda reason: None)
        return negation(comply(inside)) if isinstance(operator, ast.NotIn) else inside
    sign = _PANDAS.get(type(operator), "")
    if isinstance(left, ast.Name) and isinstance(right, ast.Name):
        return _signed(_pandas_name(left, names, text), sign, column(_pandas_name(right, names, text)))
    if not isinstance(left, ast.Name):
        left, right, sign = right, left, _MIRRORED.get(sign, sign)
    return _signed(_pandas_name(left, names, text), sign, literal(_pandas_value(right, text)))


def _signed(name: str, sign: str, other: Tree) -> Tree:
    if sign not in _COMPARISONS:
        raise Lost("row_condition has an operator that is no comparison")
    if sign == "!=":
        return negation(comply(exp.EQ(this=column(name), expression=other)))
    return _COMPARISONS[sign]()(this=column(name), expression=other)


def _pandas_name(node: ast.expr, names: Mapping[str, str], text: str) -> str:
    if not isinstance(node, ast.Name):
        raise Lost(f"row_condition `{text}` is no comparison of columns with values")
    return names.get(node.id, node.id)


def _pandas_value(node: ast.expr, text: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, RecursionError):
        raise Lost(f"row_condition `{text}` compares with something that is no value") from None
