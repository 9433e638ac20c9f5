"""Tokens to raw rules: the grammar, run by Lark, with a function for each of its rules.

What comes out is what was written: names are not looked up, and a condition has no kind yet. Operands are
nodes of the syntax tree already, because they mean the same wherever they stand.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from lark import Lark
from lark import __version__ as lark_version
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer

from dq.language.lexer import Token, grammar_text
from dq.spans import Span
from dq.syntax import (
    Arithmetic,
    Call,
    Date,
    Group,
    Keyword,
    Node,
    Now,
    Null,
    Number,
    Operator,
    Text,
    Time,
    Variable,
)

STARTS = ("document", "metadata", "data_sources", "variable", "default_labels", "rule_expression", "analyzer")


# -- what was written ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Word(Node):
    """A bare word where an operand is expected: `5.`, `true`. It never is one, except as the value of a tag."""

    text: str
    span: Span

    def _parts(self) -> tuple[str | Node, ...]:
        return (self.text,)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Quantity(Node):
    """A whole number and a unit, before the number is known to be of a sensible size."""

    amount: str
    unit: str
    span: Span

    def _parts(self) -> tuple[str | Node, ...]:
        return (f"{self.amount} {self.unit}",)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shifted(Node):
    """`(now() - 3 days)`."""

    sign: str
    offset: Quantity
    span: Span

    def _parts(self) -> tuple[str | Node, ...]:
        return (f"(now() {self.sign} ", self.offset, ")")


RawOperand: TypeAlias = Any
"""An operand of the syntax tree, or one of the three above."""


class RawCondition(NamedTuple):
    """An operator and its operands; `bracketed` when they stand in square brackets."""

    operator: Operator
    operands: tuple[RawOperand, ...]
    bracketed: bool
    span: Span


class RawParameter(NamedTuple):
    """A word behind a rule type, with the connector or the `$` in front of it."""

    connector: Token | None
    dollar: Token | None
    word: Token

    @property
    def span(self) -> Span:
        """The parameter without its connector."""
        return Span((self.dollar or self.word).start, self.word.end)


class RawWhere(NamedTuple):
    """A where clause."""

    span: Span
    text: Token


class RawLabel(NamedTuple):
    """A label."""

    key: Token
    value: Token


class RawLabels(NamedTuple):
    """A list of labels."""

    span: Span
    labels: tuple[RawLabel, ...]


class RawTag(NamedTuple):
    """A tag."""

    span: Span
    name: Token
    condition: RawCondition


RawClause: TypeAlias = RawWhere | RawLabels | RawTag


class RawRule(NamedTuple):
    """A rule, its clauses in the order in which they were written."""

    name: Token
    parameters: tuple[RawParameter, ...]
    condition: RawCondition | None
    clauses: tuple[RawClause, ...]
    span: Span


@dataclass(slots=True)
class RawComposite:
    """Rules joined by one operator. Mutable while it grows: a chain of n rules must not cost n squared."""

    operator: str
    operands: deque[RawExpression]
    span: Span
    labels: RawLabels | None = None


@dataclass(slots=True)
class RawLabelled:
    """A rule with labels behind its parentheses."""

    inner: RawRule | RawLabelled
    labels: RawLabels
    span: Span


RawExpression: TypeAlias = RawRule | RawComposite | RawLabelled


class RawAnalyzer(NamedTuple):
    """An analyzer."""

    name: Token
    parameters: tuple[RawParameter, ...]
    tags: tuple[RawTag, ...]
    span: Span


class RawPair(NamedTuple):
    """An entry of a dictionary."""

    key: Token
    values: tuple[Token, ...]
    is_list: bool
    span: Span


class RawVariable(NamedTuple):
    """A declaration of a variable."""

    name: Token
    values: tuple[RawOperand, ...]
    is_list: bool
    span: Span


class RawDocument(NamedTuple):
    """A document. A section that is not there is empty."""

    metadata: tuple[RawPair, ...] = ()
    sources: tuple[RawPair, ...] = ()
    variables: tuple[RawVariable, ...] = ()
    default_labels: RawLabels | None = None
    rules: tuple[RawExpression, ...] = ()
    analyzers: tuple[RawAnalyzer, ...] = ()


# -- from the grammar's rules --------------------------------------------------------------------------


def decoded(raw: str) -> str:
    r"""What a text between quotes says: `\"` and `\\` stand for one character, other backslashes for themselves."""
    if "\\" not in raw:
        return raw
    parts = raw.split("\\\\")
    return "\\".join(part.replace('\\"', '"') for part in parts)


def _merged(operator: str, items: Sequence[RawExpression]) -> RawExpression:
    """Rules joined by an operator; chains of the same operator become one, whatever their parentheses."""
    if len(items) == 1:
        return items[0]
    chain: deque[RawExpression] = deque()
    for item in items:
        if isinstance(item, RawComposite) and item.operator == operator and item.labels is None:
            # The shorter chain moves, so that deep nesting on either side costs n log n at most.
            if len(item.operands) > len(chain):
                item.operands.extendleft(reversed(chain))
                chain = item.operands
            else:
                chain.extend(item.operands)
        else:
            chain.append(item)
    return RawComposite(operator, chain, items[0].span.to(items[-1].span))


_COMPARISONS = {each.value: each for each in Operator}
_NEGATED = {
    Operator.BETWEEN: Operator.NOT_BETWEEN,
    Operator.IN: Operator.NOT_IN,
    Operator.MATCHES: Operator.NOT_MATCHES,
}

Children: TypeAlias = list[Any]


class _Builder:
    """A function for each rule of the grammar, named like it. Brackets and commas are among the children."""

    def document(self, children: Children) -> RawDocument:
        fields: dict[str, Any] = {}
        variables = []
        for child in children:
            if isinstance(child, RawVariable):
                variables.append(child)
            else:
                fields.update(child)
        return RawDocument(variables=tuple(variables), **fields)

    def body(self, children: Children) -> dict[str, Any]:
        return {name: value for child in children for name, value in child.items()}

    def metadata(self, children: Children) -> dict[str, Any]:
        return {"metadata": children[2]}

    def data_sources(self, children: Children) -> dict[str, Any]:
        return {"sources": children[2]}

    def default_labels(self, children: Children) -> dict[str, Any]:
        return {"default_labels": children[2]}

    def rules(self, children: Children) -> dict[str, Any]:
        return {"rules": tuple(children[3:-1:2])}

    def analyzers(self, children: Children) -> dict[str, Any]:
        return {"analyzers": tuple(children[3:-1:2])}

    def dictionary(self, children: Children) -> tuple[RawPair, ...]:
        return tuple(children[1:-1:2])

    def pair(self, children: Children) -> RawPair:
        key, _, value = children
        return RawPair(key, (value,), False, Span(key.start, value.end))

    def list_pair(self, children: Children) -> RawPair:
        key, _, (values, end) = children
        return RawPair(key, values, True, Span(key.start, end))

    def string_list(self, children: Children) -> tuple[tuple[Token, ...], int]:
        return tuple(children[1:-1:2]), children[-1].end

    def text_variable(self, children: Children) -> RawVariable:
        name, _, value = children
        return RawVariable(name, (value,), False, Span(name.start, value.span.end))

    def list_variable(self, children: Children) -> RawVariable:
        name, _, (values, end) = children
        return RawVariable(name, values, True, Span(name.start, end))

    def value_list(self, children: Children) -> tuple[tuple[RawOperand, ...], int]:
        return tuple(children[1:-1:2]), children[-1].end

    def label_list(self, children: Children) -> RawLabels:
        return RawLabels(Span(children[0].start, children[-1].end), tuple(children[1:-1:2]))

    def label(self, children: Children) -> RawLabel:
        return RawLabel(children[0], children[2])

    def disjunction(self, children: Children) -> RawExpression:
        return children[0] if len(children) == 1 else _merged("or", children[::2])

    def conjunction(self, children: Children) -> RawExpression:
        return children[0] if len(children) == 1 else _merged("and", children[::2])

    def group(self, children: Children) -> RawExpression:
        return children[1]  # type: ignore[no-any-return]

    def labelled_group(self, children: Children) -> RawExpression:
        opening, inner, _, labels = children
        span = Span(opening.start, labels.span.end)
        if isinstance(inner, RawComposite) and inner.labels is None:
            inner.labels, inner.span = labels, span
            return inner
        if isinstance(inner, RawComposite):
            return RawComposite(inner.operator, deque([inner]), span, labels)
        return RawLabelled(inner, labels, span)

    def rule(self, children: Children) -> RawRule:
        name = children[0]
        parameters = tuple(each for each in children if type(each) is RawParameter)
        at = 1 + len(parameters)
        condition = children[at] if at < len(children) and type(children[at]) is RawCondition else None
        clauses = tuple(children[at + (condition is not None) :])
        return RawRule(name, parameters, condition, clauses, Span(name.start, children[-1].span.end))

    def analyzer(self, children: Children) -> RawAnalyzer:
        parameters = tuple(each for each in children if type(each) is RawParameter)
        tags = tuple(children[1 + len(parameters) :])
        return RawAnalyzer(children[0], parameters, tags, Span(children[0].start, children[-1].span.end))

    def quoted_parameter(self, children: Children) -> RawParameter:
        return RawParameter(children[0] if len(children) > 1 else None, None, children[-1])

    bare_parameter = quoted_parameter

    def variable_parameter(self, children: Children) -> RawParameter:
        return RawParameter(children[0] if len(children) > 2 else None, children[-2], children[-1])

    def where(self, children: Children) -> RawWhere:
        return RawWhere(Span(children[0].start, children[1].end), children[1])

    def labels(self, children: Children) -> RawLabels:
        return RawLabels(Span(children[0].start, children[2].span.end), children[2].labels)

    def tag(self, children: Children) -> RawTag:
        word, name, condition = children
        start = name.start if word.kind == "COMMA_TAG" else word.start
        return RawTag(Span(start, condition.span.end), name, condition)

    def compare(self, children: Children) -> RawCondition:
        (operator, start), operand = children
        return RawCondition(operator, (operand,), False, Span(start, operand.span.end))

    def compare_list(self, children: Children) -> RawCondition:
        sign, (operands, end) = children
        return RawCondition(Operator.EQ, operands, True, Span(sign.start, end))

    def comparison(self, children: Children) -> tuple[Operator, int]:
        return _COMPARISONS["".join(each.text for each in children)], children[0].start

    def between(self, children: Children) -> RawCondition:
        operator = Operator.BETWEEN if len(children) == 4 else Operator.NOT_BETWEEN
        low, _, high = children[-3:]
        return RawCondition(operator, (low, high), False, Span(children[0].start, high.span.end))

    def membership(self, children: Children) -> RawCondition:
        operands, end = children[-1]
        return RawCondition(_word_operator(Operator.IN, children), operands, True, Span(children[0].start, end))

    def variable_membership(self, children: Children) -> RawCondition:
        return _word_condition(Operator.IN, children)

    def matches(self, children: Children) -> RawCondition:
        return _word_condition(Operator.MATCHES, children)

    def operand_list(self, children: Children) -> tuple[tuple[RawOperand, ...], int]:
        return tuple(children[1:-1:2]), children[-1].end

    def arithmetic(self, children: Children) -> RawOperand:
        if len(children) == 1:
            return children[0]
        operators = tuple(each.text for each in children[1::2])
        return Arithmetic(tuple(children[::2]), operators, span=children[0].span.to(children[-1].span))

    def operator(self, children: Children) -> Token:
        return children[0]  # type: ignore[no-any-return]

    def number(self, children: Children) -> Number:
        if len(children) == 1:
            return Number(children[0].text, span=children[0].span)
        sign, digits = children
        return Number("-" + digits.text, span=Span(sign.start, digits.end))

    def quantity(self, children: Children) -> Quantity:
        number, unit = children
        return Quantity(number.text, unit.text, Span(number.start, unit.end))

    def call(self, children: Children) -> Call:
        name = children[0]
        return Call(name.text, tuple(children[2:-1:2]), span=Span(name.start, children[-1].end))

    def parenthesised(self, children: Children) -> RawOperand:
        opening, inner, closing = children
        span = Span(opening.start, closing.end)
        if isinstance(inner, Arithmetic) and _is_shifted(inner):
            return Shifted(inner.operators[0], inner.operands[1], span)  # type: ignore[arg-type]
        # The published canonical text drops parentheses around anything but a calculation.
        if isinstance(inner, (Number, Call, Group)):
            return inner
        return Group(inner, span=span)

    def now(self, children: Children) -> Now:
        return Now(children[0].text, span=children[0].span)

    def word(self, children: Children) -> Word:
        return Word(children[0].text, children[0].span)

    def keyword(self, children: Children) -> Null:
        return Null(Keyword[children[0].kind], span=children[0].span)

    def variable_operand(self, children: Children) -> Variable:
        return Variable(children[1].text, span=Span(children[0].start, children[1].end))

    def text(self, children: Children) -> Text:
        raw = children[0].text[1:-1]
        return Text(raw, decoded(raw), span=children[0].span)

    def date(self, children: Children) -> Date:
        return Date(children[0].text[1:-1], span=children[0].span)

    def time(self, children: Children) -> Time:
        return Time(children[0].text[1:-1], span=children[0].span)

    def string(self, children: Children) -> Token:
        return children[0]  # type: ignore[no-any-return]


def _is_shifted(inner: Arithmetic) -> bool:
    return (
        len(inner.operands) == 2
        and isinstance(inner.operands[0], Now)
        and isinstance(inner.operands[1], Quantity)
        and inner.operators[0] in "+-"
    )


def _word_operator(operator: Operator, children: Children) -> Operator:
    return _NEGATED[operator] if children[0].kind == "NOT" else operator


def _word_condition(operator: Operator, children: Children) -> RawCondition:
    span = Span(children[0].start, children[-1].span.end)
    return RawCondition(_word_operator(operator, children), (children[-1],), False, span)


# -- running it ----------------------------------------------------------------------------------------


class _NoLexer(Lexer):
    """Lark's place for a lexer: the tokens are fed to the parser one by one instead."""

    def __init__(self, _conf: Any) -> None:
        pass

    def lex(self, *_: Any) -> Iterator[Any]:
        return iter(())


@cache
def _lark() -> Lark:
    return Lark(
        grammar_text(),
        parser="lalr",
        lexer=_NoLexer,
        start=list(STARTS),
        transformer=_Builder(),
        keep_all_tokens=True,
        maybe_placeholders=False,
        cache=table_cache() or False,
    )


def table_cache() -> str | None:
    """Where Lark keeps the parser's tables between runs, which halves the cost of a small `dq lint`.

    They are pickled, so the folder must be the user's own and nobody else's to write; otherwise, and with
    `DQ_CACHE=off`, there is none. Lark's file name has the grammar's, Lark's and Python's version in it.
    """
    if os.environ.get("DQ_CACHE") == "off" or not hasattr(os, "geteuid"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - pathlib costs more
    folder = os.path.join(base, "dq")  # noqa: PTH118
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
        state = os.lstat(folder)
    except OSError:
        return None
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o022:
        return None
    return os.path.join(folder, f"tables-{_fingerprint()}.pickle")  # noqa: PTH118


def _fingerprint() -> str:
    """Names the tables: other grammar, other Lark, other Python, other file."""
    parts = (grammar_text(), lark_version, sys.version, __file__)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


class Unexpected(Exception):  # noqa: N818 - it is caught and turned into a diagnostic
    """A token that the grammar does not allow where it stands; `at` is its index, or the number of tokens."""

    def __init__(self, at: int, expected: frozenset[str]) -> None:
        super().__init__(at)
        self.at = at
        self.expected = expected


def run(start: str, tokens: Iterable[Token]) -> Any:
    """What the tokens say according to a rule of the grammar.

    Raises:
        Unexpected: if they do not follow it.
    """
    parser = _lark().parse_interactive(start=start)
    feed = parser.parser_state.feed_token
    at = 0
    try:
        for at, token in enumerate(tokens):  # noqa: B007
            feed(token)  # type: ignore[arg-type]
        at += 1
        return parser.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedToken as error:
        raise Unexpected(at, frozenset(error.expected)) from None
