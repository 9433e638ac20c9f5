"""The SQL inside a ruleset: `where` clauses and CustomSql, read, checked and said in DuckDB.

The text is parsed as Spark SQL, and as DuckDB's only when Spark's grammar refuses it. The tree is then walked
once and built anew from a closed list of shapes: columns of the given tables, literals, known operators and
the functions of `dq.engines.lowering`. Whatever is not on the list is refused by name, so a rule can read the
tables it was given and nothing else, whatever a database may learn to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn

from dq import casts
from dq.casts import case, fn, number, text
from dq.diagnostics import DqError
from dq.engines import lowering
from dq.engines.functions import DUCKDB, lower
from dq.engines.lowering import FUNCTIONS, REASONS, Value, coerce, common, compared
from dq.lazy import exp, sqlglot
from dq.schema import Schema, Type, meant

if TYPE_CHECKING:
    from sqlglot.tokens import Token  # type: ignore[attr-defined]

MAX_LENGTH = 100_000
"""The longest text that is read, in characters."""

MAX_DEPTH = 50
"""How deep brackets, CASE and prefix operators may nest."""

MAX_TOKENS = 30_000
"""The most words and signs a text may have: room for a long IN list."""


class SqlError(DqError):
    """SQL in a ruleset that is wrong, or not allowed there; the message says what and where."""


class _RefusalError(SqlError):
    """SQL that is refused in every dialect: it is not tried in the next one."""


@dataclass(frozen=True, slots=True)
class Select:
    """A checked query in DuckDB's dialect. Treat the tree as read-only: copy it before placing it.

    Attributes:
        tree: the query; tables appear as quoted identifiers, exactly as they were named in `tables`.
        tables: the tables that it reads.
        columns: the names of its result columns, or None where a name cannot be known.
    """

    tree: exp.Expr
    tables: frozenset[str]
    columns: tuple[str | None, ...]

    def sql(self) -> str:
        """The query as DuckDB text."""
        return lower(self.tree, DUCKDB).sql(dialect="duckdb")


def parse_where(clause: str, schema: Schema, *, now: datetime | None = None) -> exp.Expr:
    """A `where` clause as a DuckDB condition over quoted column names.

    Args:
        clause: one boolean expression; columns may be qualified by `primary`.
        schema: the columns it may name, in any letter case.
        now: the instant that `current_timestamp` and `current_date` mean, in UTC; default: this moment.

    Raises:
        SqlError: no such expression, an unknown column, or something a rule may not use.
    """
    tree = _read(clause, "where", lambda parser, tokens: parser.parse_into(exp.Condition, tokens, clause))
    scope = _Scope([_Source("primary", _columns(schema), bare=True, digits=_digits(schema))])
    condition: exp.Expr = _guarded("where", lambda: _Builder(now, {}, one_row=True).condition(tree, scope))
    return condition


def parse_select(statement: str, tables: Mapping[str, Schema], *, now: datetime | None = None) -> Select:
    """A query over the given tables and nothing else, in DuckDB's dialect.

    Args:
        statement: one SELECT, which may begin with WITH; a semicolon may end it.
        tables: what it may read, by alias.
        now: as for `parse_where`.

    Raises:
        SqlError: another statement, a table that was not given, or something a rule may not use.
    """
    tree = _read(statement, "SQL", lambda parser, tokens: parser.parse(tokens, statement))
    builder = _Builder(now, tables, one_row=False)
    query, columns = _guarded("SQL", lambda: builder.query(tree, None))
    return Select(query, frozenset(builder.read), tuple(name for name, _ in columns))


# Reading -----------------------------------------------------------------------------------------------------------


def _read(sql: str, what: str, parse: Callable[[Any, list[Token]], list[Any]]) -> exp.Expr:
    """The one tree of a text, in Spark's grammar or else in DuckDB's."""
    if not sql.strip():
        raise SqlError(f"{what}: the text is empty")
    if len(sql) > MAX_LENGTH:
        raise SqlError(f"{what}: longer than {MAX_LENGTH:,} characters")
    if "\x00" in sql:
        raise SqlError(f"{what}: it holds a NUL character")
    first: SqlError | None = None
    for name in ("spark", "duckdb"):
        try:
            return _parsed(sql, what, name, parse)
        except _RefusalError:
            raise
        except SqlError as error:
            first = first or error
    raise first or SqlError(f"{what}: not understood")


def _parsed(sql: str, what: str, name: str, parse: Callable[[Any, list[Token]], list[Any]]) -> exp.Expr:
    from sqlglot.errors import ParseError, TokenError

    dialect = sqlglot.Dialect.get_or_raise(name)
    try:
        tokens = list(dialect.tokenize(sql))
        trees = parse(dialect.parser(), _prepared(tokens, what))
    except ParseError as error:
        raise SqlError(_syntax(error, sql, what)) from error
    except TokenError as error:
        raise SqlError(f"{what}: a quote or comment is not closed") from error
    except (RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError, AssertionError) as error:
        raise SqlError(f"{what}: the text cannot be read as SQL") from error
    found = [tree for tree in trees if tree is not None]
    if len(found) != 1:
        raise SqlError(
            f"{what}: exactly one {'query' if what == 'SQL' else 'expression'} is allowed, here are {len(found)}"
        )
    tree: exp.Expr = found[0]
    return tree


def _syntax(error: Any, sql: str, what: str) -> str:
    for each in [error, error.__cause__, *(getattr(error, "errors", []))]:
        details = each if isinstance(each, dict) else next(iter(getattr(each, "errors", []) or []), None)
        if isinstance(details, dict) and details.get("line"):
            found = str(details.get("description", "")).rstrip(". ")
            near = str(details.get("highlight") or "")
            if found.startswith("Required keyword"):
                found = "an operand is missing"
            near = f" near `{near}`" if near and near not in found else ""
            return f"{what}: {found or 'syntax error'}{near} (line {details['line']}, column {details['col']})"
    return f"{what}: syntax error"


_PREFIX = "call "
"""Marks a call whose name the SQL parser shall not interpret; a blank cannot be part of a bare name."""


def _prepared(tokens: list[Token], what: str) -> list[Token]:
    """The tokens with known calls marked, so that the parser leaves every function as it is written.

    Raises:
        _RefusalError: too many or too deeply nested for a parser that recurses, or several statements.
    """
    from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

    if len(tokens) > MAX_TOKENS:
        raise _RefusalError(f"{what}: more than {MAX_TOKENS:,} words and signs")
    opening = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
    closing = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
    prefix = {TokenType.NOT, TokenType.DASH, TokenType.TILDE, TokenType.PLUS, TokenType.INTERVAL}
    nested = {TokenType.ARRAY, TokenType.MAP, TokenType.STRUCT, TokenType.LIST, TokenType.NESTED}
    depth = run = types = 0
    out: list[Token] = []
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON and what == "SQL":
        tokens.pop()
    if what == "SQL" and tokens and tokens[0].token_type not in _beginnings():
        # Told by the first word: sqlglot writes a warning of its own about statements that it does not parse.
        raise _RefusalError(f"{what}: only a SELECT is allowed, this is {tokens[0].text.upper()[:40]}")
    for at, token in enumerate(tokens):
        kind = token.token_type
        if kind is TokenType.SEMICOLON:
            raise _RefusalError(
                f"{what}: a semicolon (line {token.line}, column {token.col}): only one statement is allowed"
            )
        if kind is TokenType.HINT:
            raise _RefusalError(f"{what}: a hint (line {token.line}, column {token.col}) is not allowed")
        if (
            kind is TokenType.STRING
            and at
            and tokens[at - 1].token_type is kind
            and tokens[at - 1].end + 1 == token.start
        ):
            raise _RefusalError(
                f"{what}: a doubled quote (line {token.line}, column {token.col}) differs between Spark 3 and 4",
                help=r"write \' for a quote inside a text",
            )
        depth += (kind in opening) - (kind in closing)
        run = run + 1 if kind in prefix else 0
        following = tokens[at + 1].token_type if at + 1 < len(tokens) else None
        types += kind in nested and following is TokenType.LT
        if depth > MAX_DEPTH or run > MAX_DEPTH or types > 3:
            raise _RefusalError(f"{what}: nested too deeply (line {token.line}, column {token.col})")
        if following is TokenType.L_PAREN and _is_call(tokens, at):
            token = Token(TokenType.VAR, _PREFIX + token.text.lower(), token.line, token.col, token.start, token.end)
        out.append(token)
    return out


def _beginnings() -> tuple[Any, ...]:
    """The words with which a query begins."""
    from sqlglot.tokens import TokenType  # type: ignore[attr-defined]

    return TokenType.SELECT, TokenType.WITH, TokenType.FROM, TokenType.L_PAREN


def _is_call(tokens: list[Token], at: int) -> bool:
    """Whether a word before a parenthesis calls a known function in the ordinary way."""
    from sqlglot.tokens import TokenType  # type: ignore[attr-defined]

    token = tokens[at]
    name = token.text.lower()
    if name not in FUNCTIONS or token.token_type in (TokenType.STRING, TokenType.IDENTIFIER, TokenType.NUMBER):
        return False
    before = tokens[at - 1].token_type if at else None
    if before in (
        TokenType.R_PAREN,
        TokenType.ALIAS,
        TokenType.DOT,
        TokenType.DCOLON,
        TokenType.LIKE,
        TokenType.ILIKE,
        TokenType.RLIKE,
    ):
        return False
    inside = tokens[at + 2] if at + 2 < len(tokens) else None
    if name in ("exists", "any", "some") and inside and inside.token_type in (TokenType.SELECT, TokenType.WITH):
        return False
    if name in ("trim", "position", "substring", "substr"):
        return not _holds(tokens, at + 1, {TokenType.FROM, TokenType.IN})
    return True


def _holds(tokens: list[Token], opening: int, wanted: set[Any]) -> bool:
    """Whether one of these words stands directly inside a parenthesis."""
    from sqlglot.tokens import TokenType  # type: ignore[attr-defined]

    depth = 0
    for token in tokens[opening:]:
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth == 0:
            return False
        if depth == 1 and token.token_type in wanted:
            return True
    return False


def _guarded(what: str, build: Callable[[], Any]) -> Any:
    """Run a builder; its complaints become complaints about this text."""
    try:
        return build()
    except SqlError as error:
        raise SqlError(f"{what}: {error.message}", help=error.help) from error.__cause__
    except DqError as error:
        raise SqlError(f"{what}: {error.message}", help=error.help) from error
    except RecursionError as error:
        raise SqlError(f"{what}: nested too deeply", help="split it into several rules") from error


# Names -------------------------------------------------------------------------------------------------------------

_Columns = list[tuple[str | None, Type]]


def _columns(schema: Schema) -> _Columns:
    return [(column.name, column.type) for column in schema]


def _digits(schema: Schema) -> dict[str, tuple[int, int]]:
    """Precision and scale of the columns that have them."""
    return {column.name: digits for column in schema if (digits := casts.digits_of(column.native))}


@dataclass(frozen=True, slots=True)
class _Source:
    """A table as a query sees it; `bare` when columns stand without its name."""

    name: str
    columns: _Columns
    bare: bool = False
    digits: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def find(self, name: str) -> list[tuple[str, Type]]:
        known = [(each, kind) for each, kind in self.columns if each is not None]
        exact = [each for each in known if each[0] == name]
        if exact:
            return exact
        alike = [each for each, _ in known if each.lower() == name.lower()]
        wanted = meant(name, alike, {each for each, _ in known})
        return [each for each in known if each[0] in wanted]


@dataclass(slots=True)
class _Scope:
    """What names mean at a place: tables in sight, variables of lambdas, names given in the SELECT list."""

    sources: list[_Source]
    parent: _Scope | None = None
    variables: frozenset[str] = frozenset()
    named: dict[str, Value] = field(default_factory=dict)
    merged: frozenset[str] = frozenset()
    row_only: bool = False

    def within(self, variables: Sequence[str]) -> _Scope:
        """The scope inside of a lambda."""
        return _Scope(
            self.sources, self.parent, self.variables | set(variables), self.named, self.merged, self.row_only
        )

    def everywhere(self) -> Iterator[_Scope]:
        scope: _Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def names(self) -> list[str]:
        return [name for scope in self.everywhere() for source in scope.sources for name, _ in source.columns if name]


def _identifier(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=True)


def _column(name: str, table: str | None = None) -> exp.Column:
    return exp.Column(this=_identifier(name), table=_identifier(table) if table is not None else None)


def _refuse(message: str, help: str = "") -> NoReturn:
    raise SqlError(message, help=help)


def _only(node: exp.Expr, *allowed: str) -> None:
    """Refuse a node that carries anything beyond these parts."""
    extra = [key for key, value in node.args.items() if value not in (None, False, [], "") and key not in allowed]
    if extra:
        words = {
            "into": "INTO",
            "locks": "FOR UPDATE",
            "sample": "TABLESAMPLE",
            "laterals": "LATERAL VIEW",
            "db": "a qualified table name",
        }
        _refuse(f"{words.get(extra[0], extra[0].rstrip('_').replace('_', ' ').upper())} is not allowed")


# Building ----------------------------------------------------------------------------------------------------------

_CAST_NAMES = {
    "BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INT": "int", "BIGINT": "bigint",
    "FLOAT": "float", "DOUBLE": "double", "TEXT": "string", "VARCHAR": "string", "CHAR": "string", "NVARCHAR": "string",
    "DATE": "date", "TIMESTAMP": "timestamp", "TIMESTAMPTZ": "timestamp", "TIMESTAMPLTZ": "timestamp",
    "TIMESTAMPNTZ": "timestamp", "DATETIME": "timestamp",
}  # fmt: skip
_INTERVAL_UNITS = {
    "YEAR": "to_years", "QUARTER": "to_quarters", "MONTH": "to_months", "WEEK": "to_weeks", "DAY": "to_days",
    "HOUR": "to_hours", "MINUTE": "to_minutes", "SECOND": "to_seconds",
}  # fmt: skip
_WHOLE_DAYS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY")
_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ARITHMETIC = {
    "add": lowering.add, "sub": lowering.subtract, "mul": lowering.multiply, "div": lowering.divide,
    "mod": lowering.remainder, "intdiv": lowering.whole_divide,
}  # fmt: skip
_COMPARISONS = ("eq", "neq", "gt", "gte", "lt", "lte", "nullsafeeq", "nullsafeneq")
_BITWISE = ("bitwiseand", "bitwiseor", "bitwisexor", "bitwisenot")
_STATEMENTS = ("select", "union", "intersect", "except", "subquery")


class _Builder:
    """Walks a tree once and builds DuckDB's; a kind of node without a method is refused."""

    def __init__(self, now: datetime | None, tables: Mapping[str, Schema], *, one_row: bool) -> None:
        instant = now or datetime.now(UTC)
        self.now = instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant
        self.tables = tables
        self.one_row = one_row
        self.read: set[str] = set()
        self.unnamed = count(1)
        self.expressions: dict[str, Callable[[Any, _Scope], Value]] = {
            name.removeprefix("on_"): getattr(self, name) for name in dir(self) if name.startswith("on_")
        }
        self.expressions |= dict.fromkeys(_ARITHMETIC, self.arithmetic)
        self.expressions |= dict.fromkeys(_COMPARISONS, self.comparison)
        self.expressions |= dict.fromkeys(_BITWISE, self.bitwise)
        self.expressions |= dict.fromkeys(("and", "or"), self.connector)
        self.expressions |= dict.fromkeys(("cast", "trycast"), self.cast)

    # Values

    def value(self, node: exp.Expr, scope: _Scope) -> Value:
        """An expression and its type."""
        build = self.expressions.get(node.key)
        if build is None:
            self.refuse(node)
        return build(node, scope)

    def refuse(self, node: exp.Expr) -> NoReturn:
        """Say what a node is, and that it may not stand here."""
        if node.key in ("placeholder", "parameter", "sessionparameter"):
            _refuse("parameters and variables are not allowed in a rule's SQL")
        if node.key in _STATEMENTS:
            _refuse("a subquery is not allowed in `where`", "use CustomSql")
        if isinstance(node, exp.Func):
            named = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
            self.unknown_function(str(named))
        if node.key == "star":
            _refuse("`*` stands only in a SELECT list or in count(*)")
        _refuse(f"{type(node).__name__} is not allowed")

    def unknown_function(self, name: str) -> NoReturn:
        shown = name.removeprefix(_PREFIX).lower()
        near = [] if shown in REASONS else get_close_matches(shown, FUNCTIONS, n=1)
        reason = f": {REASONS[shown]}" if shown in REASONS else ""
        _refuse(
            f"the function `{shown}` is not allowed{reason}",
            f"did you mean `{near[0]}`?" if near else "docs/sql.md lists the functions a rule may call",
        )

    def condition(self, node: exp.Expr, scope: _Scope) -> exp.Expr:
        """A boolean expression."""
        value = self.value(node, scope)
        if value.type not in (Type.BOOLEAN, Type.OTHER) and not isinstance(value.node, exp.Null):
            _refuse(f"a condition is needed, this is a {value.type.value}", "compare it with something")
        return value.node if value.type is Type.BOOLEAN else casts.to(value.node, "BOOLEAN")

    def on_paren(self, node: exp.Paren, scope: _Scope) -> Value:
        _only(node, "this")
        inner = self.value(node.this, scope)
        return inner._replace(node=exp.paren(inner.node))

    def on_literal(self, node: exp.Literal, scope: _Scope) -> Value:
        if node.is_string:
            if "\x00" in node.this:
                _refuse("a text holds a NUL character")
            return Value(text(node.this), Type.STRING)
        spelled = str(node.this)
        if not _NUMBER.fullmatch(spelled) or len(spelled) > 400:
            _refuse(f"`{spelled[:40]}` is no number")
        kind = Type.FLOAT if "e" in spelled.lower() else Type.DECIMAL if "." in spelled else Type.INTEGER
        if sum(each.isdigit() for each in spelled) > 38 and kind is not Type.FLOAT:
            _refuse("a number has more than 38 digits")
        if kind is Type.FLOAT:
            return Value(number(spelled), kind)
        size, scale = lowering.digits_in(spelled)
        return Value(number(spelled), kind, (size, scale))

    def on_rawstring(self, node: exp.Expr, scope: _Scope) -> Value:
        return Value(text(node.this), Type.STRING)

    def on_null(self, node: exp.Null, scope: _Scope) -> Value:
        return Value(exp.null(), Type.OTHER)

    def on_boolean(self, node: exp.Boolean, scope: _Scope) -> Value:
        return Value(exp.true() if node.this else exp.false(), Type.BOOLEAN)

    def on_neg(self, node: exp.Neg, scope: _Scope) -> Value:
        value = self.value(node.this, scope)
        if isinstance(value.node, exp.Literal) and not value.node.is_string:
            return value._replace(node=exp.Neg(this=value.node))
        return FUNCTIONS["negative"].build(value)

    def on_not(self, node: exp.Not, scope: _Scope) -> Value:
        return Value(exp.Not(this=exp.paren(coerce(self.value(node.this, scope), Type.BOOLEAN))), Type.BOOLEAN)

    def connector(self, node: exp.Expr, scope: _Scope) -> Value:
        """AND and OR, whose chains may be long: built as a balanced tree."""
        kind = type(node)
        parts = [coerce(self.value(each, scope), Type.BOOLEAN) for each in _chain(node, kind)]
        return Value(exp.paren(_balanced(parts, kind)), Type.BOOLEAN)

    def arithmetic(self, node: exp.Binary, scope: _Scope) -> Value:
        if node.key in ("add", "sub"):
            for this, other in ((node.left, node.right), (node.right, node.left)):
                if isinstance(other.unnest(), exp.Interval) and (node.key == "add" or other is node.right):
                    return self.shifted(self.value(this, scope), other.unnest(), node.key == "sub", scope)
        return _ARITHMETIC[node.key](self.value(node.left, scope), self.value(node.right, scope))

    def shifted(self, value: Value, interval: exp.Expr, back: bool, scope: _Scope) -> Value:
        """A day or an instant moved by an interval."""
        unit = str(interval.args.get("unit") or "").upper().rstrip("S")
        amount = interval.this
        if unit not in _INTERVAL_UNITS or not isinstance(amount, (exp.Literal, exp.Neg)):
            _refuse("this interval is not understood", "write it as INTERVAL 3 DAYS")
        literal = amount.this if isinstance(amount, exp.Neg) else amount
        spelled = str(literal.this).strip()
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", spelled):
            _refuse(f"`{spelled[:40]}` is no whole amount of an interval")
        count = int(spelled) * (-1 if isinstance(amount, exp.Neg) else 1) * (-1 if back else 1)
        value = lowering.plain(value)
        if value.type is Type.STRING:
            value = Value(coerce(value, Type.TIMESTAMP), Type.TIMESTAMP)
        if not value.type.is_temporal and value.type is not Type.OTHER:
            _refuse(f"an interval is added to a {value.type.value}")
        moved = exp.paren(exp.Add(this=value.node, expression=fn(_INTERVAL_UNITS[unit], number(count))))
        if value.type is Type.DATE and unit in _WHOLE_DAYS:
            return Value(casts.to(moved, "DATE"), Type.DATE)
        return Value(moved, Type.TIMESTAMP)

    def bitwise(self, node: exp.Expr, scope: _Scope) -> Value:
        parts = [
            coerce(self.value(each, scope), Type.INTEGER)
            for each in (node.this, node.args.get("expression"))
            if each is not None
        ]
        name = {"bitwiseand": exp.BitwiseAnd, "bitwiseor": exp.BitwiseOr}.get(node.key)
        if node.key == "bitwisexor":
            return Value(fn("xor", *parts), Type.INTEGER)
        if name is None:
            return Value(exp.paren(exp.BitwiseNot(this=parts[0])), Type.INTEGER)
        return Value(exp.paren(name(this=parts[0], expression=parts[1])), Type.INTEGER)

    def comparison(self, node: exp.Binary, scope: _Scope) -> Value:
        left, right = compared(self.value(node.left, scope), self.value(node.right, scope))
        return Value(exp.paren(type(node)(this=left, expression=right)), Type.BOOLEAN)

    def on_between(self, node: exp.Between, scope: _Scope) -> Value:
        _only(node, "this", "low", "high")
        value = self.value(node.this, scope)
        low, high = (self.value(node.args[each], scope) for each in ("low", "high"))
        above, below = compared(value, low), compared(value, high)
        both = exp.And(
            this=exp.GTE(this=above[0], expression=above[1]), expression=exp.LTE(this=below[0], expression=below[1])
        )
        return Value(exp.paren(both), Type.BOOLEAN)

    def on_in(self, node: exp.In, scope: _Scope) -> Value:
        _only(node, "this", "expressions", "query")
        value = self.value(node.this, scope)
        if node.args.get("query") is not None:
            return self.in_query(value, node.args["query"], scope)
        if not node.expressions:
            _refuse("IN () is empty")
        nodes, _ = common([value, *(self.value(each, scope) for each in node.expressions)])
        return Value(exp.paren(exp.In(this=nodes[0], expressions=nodes[1:])), Type.BOOLEAN)

    def in_query(self, value: Value, node: exp.Expr, scope: _Scope) -> Value:
        query, columns = self.subquery(node, scope)
        if len(columns) != 1:
            _refuse("the query behind IN returns more than one column")
        kinds = {value.type, columns[0][1]}
        if Type.OTHER not in kinds and len(kinds) > 1 and not all(each.is_number for each in kinds):
            first, second = sorted(each.value for each in kinds)
            _refuse(f"IN compares a {first} with a {second}", "cast one side")
        return Value(exp.paren(exp.In(this=value.node.copy(), query=exp.Subquery(this=query))), Type.BOOLEAN)

    def on_is(self, node: exp.Is, scope: _Scope) -> Value:
        _only(node, "this", "expression")
        value = self.value(node.this, scope)
        if isinstance(node.expression, exp.Null):
            return lowering.is_null(value)
        if isinstance(node.expression, exp.Boolean):
            truth = exp.true() if node.expression.this else exp.false()
            return Value(exp.paren(exp.Is(this=exp.paren(coerce(value, Type.BOOLEAN)), expression=truth)), Type.BOOLEAN)
        _refuse("IS compares with NULL, TRUE or FALSE only")

    def on_like(self, node: exp.Like, scope: _Scope, escape: str = "\\") -> Value:
        _only(node, "this", "expression", "negate")
        found = lowering.like(self.value(node.this, scope), self.value(node.expression, scope), escape)
        return Value(exp.Not(this=found.node), Type.BOOLEAN) if node.args.get("negate") else found

    def on_ilike(self, node: exp.ILike, scope: _Scope, escape: str = "\\") -> Value:
        _only(node, "this", "expression", "negate")
        lower = FUNCTIONS["lower"].build
        pattern = self.value(node.expression, scope)
        lowered = (
            Value(text(pattern.node.this.lower()), Type.STRING)
            if isinstance(pattern.node, exp.Literal)
            else lower(pattern)
        )
        found = lowering.like(lower(self.value(node.this, scope)), lowered, escape)
        return Value(exp.Not(this=found.node), Type.BOOLEAN) if node.args.get("negate") else found

    def on_escape(self, node: exp.Escape, scope: _Scope) -> Value:
        escape = node.expression
        if (
            not isinstance(escape, exp.Literal)
            or len(str(escape.this)) != 1
            or not isinstance(node.this, (exp.Like, exp.ILike))
        ):
            _refuse("ESCAPE takes one character")
        if isinstance(node.this, exp.Like):
            return self.on_like(node.this, scope, str(escape.this))
        return self.on_ilike(node.this, scope, str(escape.this))

    def on_regexplike(self, node: exp.Expr, scope: _Scope) -> Value:
        _only(node, "this", "expression")
        return lowering.rlike(self.value(node.this, scope), self.value(node.expression, scope))

    def on_dpipe(self, node: exp.Expr, scope: _Scope) -> Value:
        return lowering.concat(*(self.value(each, scope) for each in _chain(node, exp.DPipe)))

    def on_pow(self, node: exp.Expr, scope: _Scope) -> Value:
        return FUNCTIONS["pow"].build(self.value(node.this, scope), self.value(node.expression, scope))

    def on_array(self, node: exp.Expr, scope: _Scope) -> Value:
        """A list as DuckDB writes it: `[1, 2]`."""
        return FUNCTIONS["array"].build(*(self.value(each, scope) for each in node.expressions))

    def on_concat(self, node: exp.Expr, scope: _Scope) -> Value:
        """Text literals side by side."""
        if not all(isinstance(each, exp.Literal) and each.is_string for each in node.expressions):
            self.unknown_function("concat")
        return Value(text("".join(each.this for each in node.expressions)), Type.STRING)

    def on_case(self, node: exp.Case, scope: _Scope) -> Value:
        _only(node, "this", "ifs", "default")
        subject = self.value(node.this, scope) if node.this is not None else None
        tests = [self.branch(each, subject, scope) for each in node.args["ifs"]]
        results = [self.value(each.args["true"], scope) for each in node.args["ifs"]]
        default = node.args.get("default")
        last = [self.value(default, scope)] if default is not None else []
        nodes, kind = common(results + last)
        branches = list(zip(tests, nodes[: len(tests)], strict=True))
        digits = lowering.common_digits(results + last)
        return Value(case(*branches, default=nodes[-1] if last else None), kind, digits)

    def branch(self, node: exp.Expr, subject: Value | None, scope: _Scope) -> exp.Expr:
        if subject is None:
            return self.condition(node.this, scope)
        left, right = compared(subject, self.value(node.this, scope))
        return exp.EQ(this=left, expression=right)

    def cast(self, node: exp.Cast, scope: _Scope) -> Value:
        _only(node, "this", "to", "safe")
        wanted = self.target(node.args["to"])
        value = self.value(node.this, scope)
        lowering.refuse_special_day(value, wanted.type)
        digits = casts.digits_of(wanted.native)
        if isinstance(value.node, exp.Literal) and value.type is Type.FLOAT and wanted.type is Type.DECIMAL:
            return Value(casts.try_to(value.node, wanted.native), wanted.type, digits)
        if wanted.type is Type.TIMESTAMP:
            return Value(casts.to_timestamp(value.node, value.type, self.now.date()), wanted.type)
        return Value(casts.cast(value.node, value.type, wanted), wanted.type, digits)

    def target(self, kind: exp.Expr) -> casts.Target:
        name = str(getattr(kind.this, "value", kind.this)).upper()
        if name == "DECIMAL":
            sizes = [str(each.name) for each in kind.expressions]
            return casts.target(f"decimal({','.join(sizes)})" if sizes else "decimal")
        if name not in _CAST_NAMES:
            _refuse(f"a cast to {name} is not allowed")
        return casts.TARGETS[_CAST_NAMES[name]]

    def on_extract(self, node: exp.Expr, scope: _Scope) -> Value:
        return lowering.extract(str(node.this.name), self.value(node.expression, scope))

    def on_trim(self, node: exp.Expr, scope: _Scope) -> Value:
        _only(node, "this", "expression", "position")
        characters = self.value(node.expression, scope) if node.args.get("expression") is not None else None
        return lowering.trim_of(self.value(node.this, scope), characters, str(node.args.get("position") or ""))

    def on_strposition(self, node: exp.Expr, scope: _Scope) -> Value:
        _only(node, "this", "substr")
        return lowering.locate(self.value(node.args["substr"], scope), self.value(node.this, scope))

    def on_substring(self, node: exp.Expr, scope: _Scope) -> Value:
        parts = [node.args.get(each) for each in ("this", "start", "length")]
        return FUNCTIONS["substring"].build(*(self.value(each, scope) for each in parts if each is not None))

    def on_currentdate(self, node: exp.Expr, scope: _Scope) -> Value:
        return Value(casts.to(text(self.now.date().isoformat()), "DATE"), Type.DATE)

    def on_currenttimestamp(self, node: exp.Expr, scope: _Scope) -> Value:
        return Value(casts.to(text(self.now.isoformat(sep=" ")), "TIMESTAMP"), Type.TIMESTAMP)

    def on_bracket(self, node: exp.Expr, scope: _Scope) -> Value:
        """An element of a list, counted from 0 as in Spark."""
        index = node.expressions[0] if len(node.expressions) == 1 else None
        if (
            node.args.get("offset")
            or not isinstance(index, exp.Literal)
            or index.is_string
            or not str(index.this).isdigit()
        ):
            _refuse("only `list[number]` may be taken from a list")
        value = self.value(node.this, scope)
        return Value(fn("list_extract", lowering._list(value), number(int(index.this) + 1)), Type.OTHER)

    def on_dot(self, node: exp.Expr, scope: _Scope) -> Value:
        if not isinstance(node.expression, exp.Identifier):
            _refuse("a qualified function is not allowed")
        return Value(fn("struct_extract", self.value(node.this, scope).node, text(node.expression.name)), Type.OTHER)

    # Columns

    def on_identifier(self, node: exp.Expr, scope: _Scope) -> Value:
        return self.resolve([node.name], scope)

    def on_column(self, node: exp.Column, scope: _Scope) -> Value:
        if isinstance(node.this, exp.Star):
            _refuse("`*` stands only in a SELECT list or in count(*)")
        return self.resolve([part.name for part in node.parts], scope)

    def resolve(self, parts: list[str], scope: _Scope) -> Value:
        """A name with its qualifiers, as Spark looks it up: columns, then aliases, then names of today."""
        for level in scope.everywhere():
            if len(parts) == 1 and parts[0] in level.variables:
                return Value(_column(parts[0]), Type.OTHER)
            found = self.column(parts, level)
            if found is not None:
                return found
            if len(parts) == 1 and parts[0].casefold() in level.named:
                return level.named[parts[0].casefold()]
        today = {
            "current_date": self.on_currentdate,
            "current_timestamp": self.on_currenttimestamp,
            "now": self.on_currenttimestamp,
        }
        if len(parts) == 1 and parts[0].lower() in today:
            return today[parts[0].lower()](exp.null(), scope)
        folded = {name.casefold(): name for name in scope.names()}
        near = [folded[each] for each in get_close_matches(parts[-1].casefold(), folded, n=1, cutoff=0.5)]
        known = ", ".join(dict.fromkeys(scope.names()))
        _refuse(
            f"there is no column `{'.'.join(parts)}`",
            f"did you mean `{near[0]}`?" if near else f"the columns are {known[:300] or 'none'}",
        )

    def column(self, parts: list[str], scope: _Scope) -> Value | None:
        """A column of this level, perhaps with a qualifier before it and fields behind it."""
        if len(parts) > 1:
            for source in scope.sources:
                if source.name.casefold() == parts[0].casefold() and source.find(parts[1]):
                    return self.fields(self.pick([source], parts[1], scope, qualified=True), parts[2:])
        owners = [source for source in scope.sources if source.find(parts[0])]
        return self.fields(self.pick(owners, parts[0], scope), parts[1:]) if owners else None

    def pick(self, owners: list[_Source], name: str, scope: _Scope, *, qualified: bool = False) -> Value:
        found = [(source, each) for source in owners for each in source.find(name)]
        if name.casefold() in scope.merged and not qualified:
            return Value(_column(found[0][1][0]), found[0][1][1])
        if len(found) > 1:
            names = ", ".join(f"`{source.name}`.`{each[0]}`" for source, each in found)
            _refuse(f"`{name}` is ambiguous: {names}", "qualify it, or write its exact letters")
        source, (exact, kind) = found[0]
        return Value(_column(exact, None if source.bare else source.name), kind, source.digits.get(exact))

    def fields(self, value: Value, names: list[str]) -> Value:
        if names and value.type not in (Type.NESTED, Type.OTHER):
            _refuse(f"a {value.type.value} column has no field `{names[0]}`")
        for name in names:
            value = Value(fn("struct_extract", value.node, text(name)), Type.OTHER)
        return value

    # Calls

    def on_anonymous(self, node: exp.Anonymous, scope: _Scope) -> Value:
        name = str(node.this)
        if not name.startswith(_PREFIX):
            special = {
                "current_date": self.on_currentdate,
                "current_timestamp": self.on_currenttimestamp,
                "now": self.on_currenttimestamp,
            }
            if name.lower() in special and not node.expressions:
                return special[name.lower()](node, scope)
            self.unknown_function(name)
        return lowering.settled(self.call(node, scope, windowed=False))

    def call(self, node: exp.Anonymous, scope: _Scope, *, windowed: bool) -> Value:
        name = str(node.this).removeprefix(_PREFIX)
        function = FUNCTIONS.get(name)
        if function is None:
            self.unknown_function(name)
        if function.aggregate and (self.one_row or scope.row_only) and not windowed:
            _refuse(f"the aggregate `{name}` is not allowed in a condition on rows", "use CustomSql")
        if function.window and not function.aggregate and not windowed:
            _refuse(f"`{name}` needs OVER (…)")
        inner = (
            _Scope(scope.sources, scope.parent, scope.variables, scope.named, scope.merged, row_only=True)
            if function.aggregate and not windowed
            else scope
        )
        return self.applied(name, node.expressions, inner)

    def applied(self, name: str, arguments: list[Any], scope: _Scope) -> Value:
        function = FUNCTIONS[name]
        if name == "count" and len(arguments) == 1 and isinstance(arguments[0], exp.Star):
            _only(arguments[0])
            return Value(exp.Anonymous(this="count", expressions=[exp.Star()]), Type.INTEGER, (20, 0))
        if arguments and isinstance(arguments[0], exp.Distinct):
            return self.distinct(name, arguments, scope)
        values = [self.argument(each, scope) for each in arguments]
        if len(values) < function.least or (function.most is not None and len(values) > function.most):
            most = (
                "or more" if function.most is None else f"to {function.most}" if function.most != function.least else ""
            )
            _refuse(f"`{name}` takes {f'{function.least} {most}'.strip()} arguments, not {len(values)}")
        return function.build(*values)

    def distinct(self, name: str, arguments: list[Any], scope: _Scope) -> Value:
        members = [self.value(each, scope) for each in arguments[0].expressions]
        if len(arguments) != 1 or not FUNCTIONS[name].aggregate or not members:
            _refuse(f"DISTINCT in `{name}` is not allowed")
        if name == "count":
            return lowering.count_distinct(members)
        if name in ("min", "max", "collect_set", "bool_and", "bool_or", "every", "some", "any"):
            return FUNCTIONS[name].build(*members)
        if name not in ("sum", "avg", "mean", "stddev", "variance") or len(members) != 1:
            _refuse(f"DISTINCT in `{name}` is not allowed")
        built = FUNCTIONS[name].build(*members)
        call = exp.Anonymous(
            this=built.node.this,
            expressions=[exp.Distinct(expressions=[each.copy() for each in built.node.expressions])],
        )
        return built._replace(node=call)

    def argument(self, node: exp.Expr, scope: _Scope) -> Value:
        if not isinstance(node, exp.Lambda):
            return self.value(node, scope)
        names = [each.name for each in node.expressions]
        if len(names) != 1:
            _refuse("a lambda takes one variable here")
        body = self.value(node.this, scope.within(names))
        # DuckDB 2 refuses `x -> …`; both versions read `lambda x: …`.
        return Value(exp.Lambda(this=body.node, expressions=[_identifier(names[0])], colon=True), body.type)

    def on_ignorenulls(self, node: exp.Expr, scope: _Scope) -> Value:
        _refuse("IGNORE NULLS is not allowed", "filter the NULLs out in a WHERE")

    def on_filter(self, node: exp.Filter, scope: _Scope) -> Value:
        known = isinstance(node.this, exp.Anonymous) and str(node.this.this).startswith(_PREFIX)
        value = self.call(node.this, scope, windowed=False) if known else self.value(node.this, scope)
        if not isinstance(value.node, exp.Anonymous):
            _refuse("FILTER is not allowed on this function")
        inner = _Scope(scope.sources, scope.parent, scope.variables, row_only=True, merged=scope.merged)
        where = exp.Where(this=self.condition(node.expression.this, inner))
        return lowering.settled(value._replace(node=exp.Filter(this=value.node, expression=where)))

    def on_withingroup(self, node: exp.Expr, scope: _Scope) -> Value:
        _refuse("WITHIN GROUP is not allowed", "use percentile(column, share)")

    def on_window(self, node: exp.Window, scope: _Scope) -> Value:
        if self.one_row or scope.row_only:
            _refuse("a window function is not allowed in a condition on rows", "use CustomSql")
        _only(node, "this", "partition_by", "order", "spec", "over")
        if not isinstance(node.this, exp.Anonymous):
            self.refuse(node.this) if isinstance(node.this, exp.Func) else _refuse(
                "only a plain function may stand before OVER"
            )
        name = str(node.this.this).removeprefix(_PREFIX)
        if not (str(node.this.this).startswith(_PREFIX) and name in FUNCTIONS and FUNCTIONS[name].window):
            _refuse(f"`{name}` cannot stand before OVER")
        call = self.call(node.this, scope, windowed=True)
        window = exp.Window(
            this=call.node,
            partition_by=[self.value(each, scope).node for each in node.args.get("partition_by") or []],
            order=self.order(node.args.get("order"), scope),
            spec=self.frame(node.args.get("spec")),
            over="OVER",
        )
        return lowering.settled(call._replace(node=window))

    def frame(self, spec: exp.Expr | None) -> exp.Expr | None:
        if spec is None:
            return None
        _only(spec, "kind", "start", "start_side", "end", "end_side")
        for each in ("start", "end"):
            bound = spec.args.get(each)
            if isinstance(bound, exp.Expr) and not (isinstance(bound, exp.Literal) and str(bound.this).isdigit()):
                _refuse("a window's frame is bounded by whole numbers")
        return spec.copy()

    # Queries

    def query(
        self, node: exp.Expr, outer: _Scope | None, ctes: Mapping[str, _Source] | None = None
    ) -> tuple[exp.Expr, _Columns]:
        """A SELECT or a combination of several, and its result columns."""
        known = dict(ctes or {})
        if node.key not in _STATEMENTS:
            _refuse(f"only a SELECT is allowed, this is {type(node).__name__.upper()}")
        with_ = self.with_(node.args.get("with_"), outer, known)
        if node.key == "select":
            built, columns = self.select(node, outer, known)  # type: ignore[arg-type]
        elif node.key == "subquery":
            _only(node, "this", "with_")
            built, columns = self.query(node.this, outer, known)
            built = exp.Subquery(this=built)
        else:
            built, columns = self.combined(node, outer, known)
        if with_ is not None:
            built.set("with_", with_)
        return built, columns

    def with_(self, node: exp.Expr | None, outer: _Scope | None, known: dict[str, _Source]) -> exp.Expr | None:
        if node is None:
            return None
        _only(node, "expressions")
        built = []
        for each in node.expressions:
            _only(each, "this", "alias")
            query, columns = self.query(each.this, outer, known)
            columns = self.renamed(columns, each.args["alias"])
            known[each.alias.casefold()] = _Source(each.alias, columns)
            built.append(exp.CTE(this=query, alias=self.table_alias(each.args["alias"])))
        return exp.With(expressions=built)

    def renamed(self, columns: _Columns, alias: exp.Expr | None) -> _Columns:
        names = [each.name for each in (alias.args.get("columns") or [])] if alias is not None else []
        if len(names) > len(columns):
            _refuse("an alias names more columns than there are")
        return [(names[at] if at < len(names) else name, kind) for at, (name, kind) in enumerate(columns)]

    def table_alias(self, alias: exp.Expr) -> exp.Expr:
        _only(alias, "this", "columns")
        return exp.TableAlias(
            this=_identifier(alias.name), columns=[_identifier(each.name) for each in alias.args.get("columns") or []]
        )

    def combined(self, node: exp.Expr, outer: _Scope | None, known: dict[str, _Source]) -> tuple[exp.Expr, _Columns]:
        _only(node, "this", "expression", "distinct", "with_", "order", "limit", "offset")
        left, columns = self.query(node.this, outer, known)
        right, others = self.query(node.expression, outer, known)
        if len(columns) != len(others):
            _refuse("the two queries have different numbers of columns")
        built = type(node)(this=left, expression=right, distinct=bool(node.args.get("distinct")))
        scope = _Scope([], outer, named={name.casefold(): Value(_column(name), kind) for name, kind in columns if name})
        self.tail(node, built, scope)
        kinds = [one if one is two else Type.OTHER for (_, one), (_, two) in zip(columns, others, strict=True)]
        return built, [(name, kind) for (name, _), kind in zip(columns, kinds, strict=True)]

    def select(self, node: exp.Select, outer: _Scope | None, known: dict[str, _Source]) -> tuple[exp.Expr, _Columns]:
        _only(
            node,
            "expressions",
            "from_",
            "joins",
            "where",
            "group",
            "having",
            "order",
            "limit",
            "offset",
            "distinct",
            "with_",
            "qualify",
        )
        scope = _Scope([], outer)
        self.ctes = known
        built = exp.Select()
        if node.args.get("from_") is not None:
            table, source = self.table(node.args["from_"].this, outer, known)
            scope.sources.append(source)
            built.set("from_", exp.From(this=table))
        built.set("joins", [self.join(each, scope, known) for each in node.args.get("joins") or []])
        if len({each.name.casefold() for each in scope.sources}) < len(scope.sources):
            _refuse("two tables have the same name", "give each its own alias")
        if node.args.get("where") is not None:
            rows = _Scope(scope.sources, outer, row_only=True, merged=scope.merged)
            built.set(
                "where", exp.Where(this=self.within(known, lambda: self.condition(node.args["where"].this, rows)))
            )
        built.set("distinct", self.distinct_rows(node))
        columns = self.within(known, lambda: self.projection(node, built, scope))
        self.within(known, lambda: self.grouping(node, built, scope))
        self.within(known, lambda: self.tail(node, built, scope))
        return built, columns

    def within(self, known: dict[str, _Source], build: Callable[[], Any]) -> Any:
        """Build with these common table expressions in sight of subqueries."""
        before, self.ctes = getattr(self, "ctes", {}), known
        try:
            return build()
        finally:
            self.ctes = before

    def distinct_rows(self, node: exp.Select) -> exp.Expr | None:
        distinct = node.args.get("distinct")
        if distinct is None:
            return None
        _only(distinct)
        return exp.Distinct()

    def projection(self, node: exp.Select, built: exp.Select, scope: _Scope) -> _Columns:
        columns: _Columns = []
        for each in node.expressions:
            star = (
                each
                if isinstance(each, exp.Star)
                else each.this
                if isinstance(each, exp.Column) and isinstance(each.this, exp.Star)
                else None
            )
            if star is not None:
                _only(star)
                table = each.table if isinstance(each, exp.Column) else ""
                item, added = self.star(table, scope)
                columns += added
            else:
                item, column = self.item(each, scope)
                columns.append(column)
            built.append("expressions", item)
        if not columns and not node.expressions:
            _refuse("the SELECT list is empty")
        return columns

    def star(self, table: str, scope: _Scope) -> tuple[exp.Expr, _Columns]:
        sources = [each for each in scope.sources if not table or each.name.casefold() == table.casefold()]
        if not sources:
            _refuse(f"there is no table `{table}` here" if table else "`*` without a FROM")
        if table:
            return exp.Column(this=exp.Star(), table=_identifier(sources[0].name)), list(sources[0].columns)
        seen: set[str] = set()
        columns: _Columns = []
        for name, kind in (each for source in sources for each in source.columns):
            if name is None or name.casefold() not in scope.merged or name.casefold() not in seen:
                columns.append((name, kind))
            seen.add((name or "").casefold())
        return exp.Star(), columns

    def item(self, node: exp.Expr, scope: _Scope) -> tuple[exp.Expr, tuple[str | None, Type]]:
        if isinstance(node, exp.Alias):
            _only(node, "this", "alias")
            value = self.value(node.this, scope)
            scope.named.setdefault(node.alias.casefold(), Value(_column(node.alias), value.type))
            return exp.Alias(this=value.node, alias=_identifier(node.alias)), (node.alias, value.type)
        value = self.value(node, scope)
        name = value.node.name if isinstance(value.node, exp.Column) else None
        return value.node, (name, value.type)

    def table(self, node: exp.Expr, outer: _Scope | None, known: dict[str, _Source]) -> tuple[exp.Expr, _Source]:
        if isinstance(node, exp.Subquery):
            _only(node, "this", "alias")
            query, columns = self.query(node.this, outer, known)
            alias = node.args.get("alias") or exp.TableAlias(this=_identifier(f"query {next(self.unnamed)}"))
            built = exp.Subquery(this=query, alias=self.table_alias(alias))
            return built, _Source(alias.name, self.renamed(columns, alias))
        if not isinstance(node, exp.Table):
            _refuse(f"{type(node).__name__} is not allowed in FROM", "only the given tables can be read")
        if not isinstance(node.this, exp.Identifier):
            named = (
                node.this.sql_name().lower()
                if isinstance(node.this, exp.Func) and not isinstance(node.this, exp.Anonymous)
                else node.this.name
            )
            _refuse(
                f"the table function `{str(named).removeprefix(_PREFIX)}` is not allowed",
                "only the given tables can be read",
            )
        if node.args.get("db") is not None or node.args.get("catalog") is not None:
            _refuse(
                f"`{'.'.join(part.name for part in node.parts)}` is a table of a catalog",
                "only the given tables can be read: " + ", ".join(self.tables),
            )
        _only(node, "this", "alias")
        return self.named_table(node, known)

    def named_table(self, node: exp.Table, known: dict[str, _Source]) -> tuple[exp.Expr, _Source]:
        source = known.get(node.name.casefold())
        if source is None:
            exact = [each for each in self.tables if each == node.name]
            found = exact or [each for each in self.tables if each.casefold() == node.name.casefold()]
            if len(found) != 1:
                given = ", ".join(f"`{each}`" for each in self.tables) or "none"
                _refuse(
                    f"there is no table `{node.name}`" if not found else f"the table name `{node.name}` is ambiguous",
                    f"the tables are {given}",
                )
            self.read.add(found[0])
            source = _Source(found[0], _columns(self.tables[found[0]]), digits=_digits(self.tables[found[0]]))
        alias = node.args.get("alias")
        built = exp.Table(this=_identifier(source.name), alias=self.table_alias(alias) if alias is not None else None)
        columns = self.renamed(source.columns, alias)
        digits = source.digits if columns == source.columns else {}
        return built, _Source(node.alias or source.name, columns, digits=digits)

    def join(self, node: exp.Join, scope: _Scope, known: dict[str, _Source]) -> exp.Expr:
        _only(node, "this", "on", "using", "side", "kind", "method")
        side, kind, method = (str(node.args.get(each) or "").upper() for each in ("side", "kind", "method"))
        if (
            (side not in ("", "LEFT", "RIGHT", "FULL"))
            or kind not in ("", "INNER", "OUTER", "CROSS", "SEMI", "ANTI")
            or method not in ("", "NATURAL")
        ):
            _refuse(f"the join {' '.join(each for each in (method, side, kind) if each)} is not allowed")
        table, source = self.table(node.this, scope.parent, known)
        using = [each.name for each in node.args.get("using") or []]
        left = [name for each in scope.sources for name, _ in each.columns if name]
        if method == "NATURAL":
            scope.merged |= {
                name.casefold()
                for name, _ in source.columns
                if name and name.casefold() in {each.casefold() for each in left}
            }
        scope.merged |= {name.casefold() for name in using}
        both = _Scope([*scope.sources, source], scope.parent, row_only=True, merged=scope.merged)
        for name in using:
            if not source.find(name) or not any(each.find(name) for each in scope.sources):
                _refuse(f"USING ({name}): both tables must have this column")
        built = exp.Join(
            this=table,
            on=None
            if node.args.get("on") is None
            else self.within(known, lambda: self.condition(node.args["on"], both)),
            using=[_identifier(source.find(each)[0][0]) for each in using],
            side="" if kind in ("SEMI", "ANTI") else side, kind=kind, method=method,
        )  # fmt: skip
        if kind not in ("SEMI", "ANTI"):
            scope.sources.append(source)
        return built

    def grouping(self, node: exp.Select, built: exp.Select, scope: _Scope) -> None:
        group = node.args.get("group")
        if group is not None:
            _only(group, "expressions", "all")
            built.set(
                "group",
                exp.Group(
                    expressions=[self.value(each, scope).node for each in group.expressions], all=group.args.get("all")
                ),
            )
        for each in ("having", "qualify"):
            if node.args.get(each) is not None:
                kind = exp.Having if each == "having" else exp.Qualify
                built.set(each, kind(this=self.condition(node.args[each].this, scope)))

    def tail(self, node: exp.Expr, built: exp.Expr, scope: _Scope) -> None:
        """ORDER BY, LIMIT and OFFSET."""
        built.set("order", self.order(node.args.get("order"), scope, of_result=True))
        for each, kind in (("limit", exp.Limit), ("offset", exp.Offset)):
            part = node.args.get(each)
            if part is not None:
                _only(part, "expression")
                if not isinstance(part.expression, exp.Literal) or not str(part.expression.this).isdigit():
                    _refuse(f"{each.upper()} takes a whole number")
                built.set(each, kind(expression=number(str(part.expression.this))))

    def order(self, node: exp.Expr | None, scope: _Scope, *, of_result: bool = False) -> exp.Expr | None:
        if node is None:
            return None
        _only(node, "expressions", "siblings")
        return exp.Order(expressions=[self.ordered(each, scope, of_result) for each in node.expressions])

    def ordered(self, node: exp.Expr, scope: _Scope, of_result: bool) -> exp.Expr:
        """NULL comes first going up and last going down, as in Spark, unless the text says otherwise.

        A name in the ORDER BY of a query is a name of its SELECT list, and only then one of a table.
        """
        _only(node, "this", "desc", "nulls_first")
        named = scope.named.get(node.this.name.casefold()) if of_result and _is_bare(node.this) else None
        return exp.Ordered(
            this=(named or self.value(node.this, scope)).node,
            desc=bool(node.args.get("desc")),
            nulls_first=bool(node.args.get("nulls_first")),
        )

    # Subqueries

    def subquery(self, node: exp.Expr, scope: _Scope) -> tuple[exp.Expr, _Columns]:
        if self.one_row:
            _refuse("a subquery is not allowed in `where`", "use CustomSql")
        inner = node.this if isinstance(node, exp.Subquery) else node
        if isinstance(node, exp.Subquery):
            _only(node, "this")
        return self.query(inner, scope, getattr(self, "ctes", {}))

    def on_subquery(self, node: exp.Subquery, scope: _Scope) -> Value:
        query, columns = self.subquery(node, scope)
        if len(columns) != 1:
            _refuse("a query used as a value returns more than one column")
        return Value(exp.Subquery(this=query), columns[0][1])

    def on_exists(self, node: exp.Expr, scope: _Scope) -> Value:
        _only(node, "this")
        query, _ = self.subquery(node.this, scope)
        return Value(exp.Exists(this=query), Type.BOOLEAN)


def _is_bare(node: exp.Expr) -> bool:
    """Whether this is a name without a table before it."""
    return isinstance(node, exp.Column) and len(node.parts) == 1


def _chain(node: exp.Expr, kind: type) -> list[exp.Expr]:
    """The operands of a chain of one operator, without recursion: chains are long and lean to the left."""
    out: list[exp.Expr] = []
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, kind):
            waiting += [each.args["this"], each.args["expression"]]
        else:
            out.append(each)
    return out[::-1]


def _balanced(parts: list[exp.Expr], kind: Any) -> exp.Expr:
    """A chain as a tree of small depth."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    sides = [_balanced(parts[:half], kind), _balanced(parts[half:], kind)]
    tree: exp.Expr = kind(this=exp.paren(sides[0], copy=False), expression=exp.paren(sides[1], copy=False))
    return tree
