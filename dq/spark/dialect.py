"""The last line: a tree of Spark as Spark's text, whatever the settings of the session are."""

from __future__ import annotations

from dq.lazy import exp

ESCAPED = "spark.sql.parser.escapedStringLiterals"
"""The setting under which a backslash in a text is a backslash, and raw texts are not read."""


def text(tree: exp.Expr, *, escaped: bool = False) -> str:
    """The text of a tree that `dq.spark.translating` has built, for a session with that setting or without."""
    if escaped:
        tree = tree.copy()
        for each in tree.find_all(exp.Var):
            each.set("this", str(each.this).removeprefix("r") if str(each.this).startswith("r'") else each.this)
    # sqlglot's `spark` writes no TRY_CAST; `databricks` differs in nothing else that we say.
    return tree.sql(dialect="databricks")


def cast(node: exp.Expr, kind: str, *, safe: bool = False) -> exp.Expr:
    """A cast to a type by Spark's name; a safe one is NULL where it fails, in ANSI mode too."""
    to = exp.DataType(this=exp.DataType.Type.USERDEFINED, kind=kind)
    return exp.TryCast(this=node, to=to) if safe else exp.Cast(this=node, to=to)


def quoted(value: str) -> exp.Expr:
    """A text without an escape, a doubled quote or a variable: those mean other things by other settings."""
    if value.isprintable() and "'" not in value and "${" not in value:
        return exp.Var(this=f"r'{value}'" if "\\" in value else f"'{value}'")
    return exp.Var(this=f"decode(X'{value.encode('utf-8', 'surrogatepass').hex()}', 'utf-8')")
