"""Conditions in Spark: three-valued logic, comparisons, lists, and rows that stand in other queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dq.lazy import exp
from dq.spark.casting import compared, converted
from dq.spark.translating import Spelling, Translation, derived
from dq.spark.types import BOOLEAN, TEXT
from dq.spark.values import (
    RefusedError,
    Value,
    case,
    cast,
    fn,
    is_null,
    is_present,
    name,
    negated,
    number,
    text,
    within,
)


def condition(translation: Translation, node: exp.Expr) -> exp.Expr:
    """An expression that is true, false or NULL."""
    value = translation.value(node)
    return converted(value, BOOLEAN).node


def connected(kind: type[exp.Expr]) -> Spelling:
    """`AND` and `OR`, whose chains may be long: a balanced tree."""

    def build(translation: Translation, node: Any) -> Value:
        parts = [within(condition(translation, each)) for each in _chain(node, kind)]
        return Value(_balanced(parts, kind), BOOLEAN)

    return build


def _chain(node: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    """The operands of a chain of one operator, without recursion."""
    found, waiting = [], [node]
    while waiting:
        bare = waiting.pop().unnest()
        if isinstance(bare, kind):
            waiting += [bare.args["expression"], bare.args["this"]]
        else:
            found.append(bare)
    return found


def _balanced(parts: list[exp.Expr], kind: Any) -> exp.Expr:
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    sides = [_balanced(parts[:half], kind), _balanced(parts[half:], kind)]
    tree: exp.Expr = kind(this=within(sides[0]), expression=within(sides[1]))
    return tree


def negation(translation: Translation, node: exp.Not) -> Value:
    """`NOT`."""
    return Value(exp.Not(this=within(condition(translation, node.this))), BOOLEAN)


def is_(translation: Translation, node: exp.Is) -> Value:
    """`IS NULL`, `IS TRUE`, `IS FALSE`."""
    value = translation.value(node.this)
    if isinstance(node.expression, exp.Boolean):
        same = exp.NullSafeEQ(this=within(value.node), expression=node.expression.copy())
        return Value(exp.Paren(this=same), BOOLEAN)
    return Value(is_null(value.node), BOOLEAN)


def comparison(kind: type[exp.Expr]) -> Spelling:
    """A comparison of two values."""

    def build(translation: Translation, node: Any) -> Value:
        left, right = compared([translation.value(node.this), translation.value(node.expression)])
        return Value(kind(this=within(left), expression=within(right)), BOOLEAN)

    return build


def unlike(translation: Translation, node: Any) -> Value:
    """`IS DISTINCT FROM`."""
    return Value(negated(comparison(exp.NullSafeEQ)(translation, node).node), BOOLEAN)


def like(translation: Translation, node: exp.Escape | exp.Like) -> Value:
    """`LIKE`, whose escape is the backslash unless another is said."""
    escape = str(node.expression.this) if isinstance(node, exp.Escape) else "\\"
    body = node.this if isinstance(node, exp.Escape) else node
    if not isinstance(body, exp.Like):
        raise RefusedError("ESCAPE without LIKE")
    value, pattern = (converted(translation.value(each), TEXT).node for each in (body.this, body.expression))
    found = exp.Like(this=within(value), expression=within(pattern))
    return Value(exp.Paren(this=exp.Escape(this=found, expression=text(escape))), BOOLEAN)


def listed(translation: Translation, node: exp.In) -> Value:
    """`IN` a list, or the values of a query."""
    if node.args.get("query"):
        return _listed_by_query(translation, node)
    value, *others = compared([translation.value(each) for each in (node.this, *node.expressions)])
    return Value(exp.In(this=within(value), expressions=others), BOOLEAN)


def _listed_by_query(translation: Translation, node: exp.In) -> Value:
    """By a join: Spark takes NULL for false where `IN` stands in no WHERE, and compares each row with each."""
    bare = node.this.unnest()
    values = [translation.value(each) for each in (bare.expressions if isinstance(bare, exp.Tuple) else [bare])]
    query = node.args["query"]
    select, columns = translation.query(query.this if isinstance(query, exp.Subquery) else query)
    pairs = [
        compared([value, Value(name(column), native)])
        for value, (column, native) in zip(values, columns.items(), strict=True)
    ]
    held = _keys(select, [right for _, right in pairs])
    alias = translation.join(
        held,
        lambda alias: exp.and_(*(
            exp.EQ(this=within(left), expression=name(f"k{at}", alias)) for at, (left, _) in enumerate(pairs)
        )),
    )  # fmt: skip
    found = is_present(name("k0", alias))
    if only_truth_matters(node):
        return Value(found, BOOLEAN)
    if len(pairs) > 1:
        raise RefusedError("a list of several columns where NULL and false differ")
    gaps = fn("count_if", is_null(name("k0")))
    summed = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n"), exp.alias_(gaps, "gaps"))
    sizes = translation.join(summed.from_(derived(held.copy(), "listed")), lambda alias: exp.true())
    empty = exp.EQ(this=name("n", sizes), expression=number(0))
    unknown = exp.or_(is_null(pairs[0][0]), exp.GT(this=name("gaps", sizes), expression=number(0)))
    truth = case((found, exp.true()), (empty, exp.false()), (unknown, cast(exp.Null(), BOOLEAN)), default=exp.false())
    return Value(truth, BOOLEAN)


def _keys(select: exp.Expr, keys: Sequence[exp.Expr]) -> exp.Select:
    """The different keys of a query, as `k0`, `k1` and so on."""
    named = [exp.alias_(each.copy(), f"k{at}", quoted=True) for at, each in enumerate(keys)]
    return exp.select(*named).from_(derived(select, "listed")).distinct()


def only_truth_matters(node: exp.Expr) -> bool:
    """Whether a condition stands where NULL is as good as false."""
    around = node.parent
    if isinstance(around, exp.Paren | exp.And | exp.Or):
        return only_truth_matters(around)
    if isinstance(around, exp.Coalesce):
        return bool(around.expressions == [exp.false()])
    return isinstance(around, exp.Where | exp.If)


def exists(translation: Translation, node: exp.Exists) -> Value:
    """Whether a query has a row; one whose rows are compared with the row around it becomes a join."""
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


def _joined(translation: Translation, read: exp.Subquery, pairs: Sequence[tuple[str, exp.Expr]]) -> Value:
    select, columns = translation.query(read.this)
    folded = {each.casefold(): each for each in columns}
    sides = []
    for column, other in pairs:
        exact = column if column in columns else folded[column.casefold()]
        sides.append(compared([Value(name(exact), columns[exact]), translation.value(other)]))
    held = _keys(select, [left for left, _ in sides])
    rows = exp.select("*", exp.alias_(exp.true(), "found", quoted=True)).from_(derived(held, "listed"))
    alias = translation.join(
        rows,
        lambda alias: exp.and_(*(
            exp.NullSafeEQ(this=name(f"k{at}", alias), expression=within(right)) for at, (_, right) in enumerate(sides)
        )),
    )  # fmt: skip
    return Value(is_present(name("found", alias)), BOOLEAN)
