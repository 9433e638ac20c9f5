"""Labelled rows as a DataFrame: the original columns, and Glue's four outcome columns."""

from __future__ import annotations

from collections.abc import Sequence

from dq.lazy import exp
from dq.rows.labels import FAIL, FAILED, PASS, PASSED, RESULT, SKIP
from dq.spark.values import case, cast, fn, is_null, name, negated, number, text

Tree = exp.Expr


def labelled(rows: Tree, columns: Sequence[str], rules: Sequence[str], outcomes: str) -> exp.Select:
    """A query over one whose column `outcomes` holds a list of as many booleans as there are rules.

    The texts of the rules stand once in a list, and a row picks from it: the query grows with the number of rules, not
    with that of rules times columns.
    """
    judged = name(outcomes)
    texts = fn("array", *map(text, rules)) if rules else cast(fn("array"), "VARCHAR[]")
    numbers = fn("sequence", number(1), number(len(rules))) if rules else cast(fn("array"), "INTEGER[]")
    rule = exp.to_identifier("rule", quoted=True)

    def those(condition: Tree) -> Tree:
        kept = exp.Anonymous(
            this="filter", expressions=[numbers.copy(), exp.Lambda(this=condition, expressions=[rule.copy()])]
        )
        told = exp.Lambda(this=fn("element_at", texts, name("rule")), expressions=[rule.copy()])
        return exp.Anonymous(this="transform", expressions=[kept, told])

    said = fn("element_at", judged, name("rule"))
    failing = fn("coalesce", fn("array_contains", judged, exp.false()), exp.false())
    added = {
        PASS: those(fn("coalesce", said, exp.false())),
        FAIL: those(fn("coalesce", negated(said), exp.false())),
        SKIP: those(is_null(said)),
        RESULT: case((failing, text(FAILED)), default=text(PASSED)),
    }
    select = exp.select(*map(name, columns), *(exp.alias_(each, key, quoted=True) for key, each in added.items()))
    alias = exp.TableAlias(this=exp.to_identifier("judged", quoted=True))
    return select.from_(exp.Subquery(this=rows.copy(), alias=alias))
