"""The abstract syntax of DQDL: frozen nodes, each with its span.

Two nodes are equal when they mean the same text: spans do not take part. `str(node)` is the canonical text
under which a rule appears in results (REFERENCE A.8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from dq.spans import Source, Span

NOWHERE = Span(0, 0)


def _span() -> Span:
    return field(default=NOWHERE, compare=False, repr=False, kw_only=True)  # type: ignore[no-any-return]


# -- operands ------------------------------------------------------------------------------------------


class Keyword(Enum):
    """A word that stands for a kind of value. See REFERENCE B.21.1."""

    NULL = "NULL"
    EMPTY = "EMPTY"
    WHITESPACES_ONLY = "WHITESPACES_ONLY"


@dataclass(frozen=True, slots=True)
class Number:
    """A literal as written, its minus sign included and put beside it: `-5`, `0.10`."""

    text: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the history: `avg(last(10))`. The parser takes any name."""

    name: str
    arguments: tuple[NumberOperand, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A chain `a + b * c`, flat: all operators have one precedence and associate to the left (A.3)."""

    operands: tuple[NumberOperand, ...]
    operators: tuple[str, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Group:
    """Parentheses around a number that the canonical text keeps."""

    inner: NumberOperand
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Null:
    """NULL, EMPTY or WHITESPACES_ONLY as an operand."""

    keyword: Keyword
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Text:
    r"""A quoted text. `raw` is what stands between the quotes, `value` has `\"` and `\\` decoded."""

    raw: str
    value: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Date:
    """A quoted date, `"2024-01-31"`: midnight of that day. `text` is without the quotes."""

    text: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Time:
    """A quoted time of day, `"9:30 AM"` or `"21:30"`: today at that time in the rule's time zone."""

    text: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Duration:
    """A whole amount of `days`, `hours` or `minutes`."""

    amount: int
    unit: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Now:
    """`now()`, or `(now() - 3 days)` where `sign` is `+` or `-` and `offset` the duration."""

    text: str
    sign: str = ""
    offset: Duration | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Size:
    """A file size in bytes: an amount in units of 1024. A bare number has the unit `B`."""

    amount: int
    unit: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Variable:
    """A use of a variable, `$name`; `values` is what it stands for, `is_list` how it was declared."""

    name: str
    values: tuple[Text | Null, ...] = field(default=(), compare=False)
    is_list: bool = field(default=False, compare=False)
    span: Span = _span()


NumberOperand: TypeAlias = Number | Call | Arithmetic | Group | Null
TextOperand: TypeAlias = Text | Null | Variable
DateOperand: TypeAlias = Date | Time | Now | Null
Operand: TypeAlias = NumberOperand | TextOperand | DateOperand | Duration | Size


# -- conditions ----------------------------------------------------------------------------------------


class Kind(Enum):
    """What a condition compares. The kinds are tried in this order, so `= NULL` is a number condition."""

    NUMBER = "number"
    TEXT = "string"
    DATE = "date"
    DURATION = "duration"
    SIZE = "size"


class Operator(Enum):
    """How a condition compares. `between` leaves both ends out, `not between` takes them in (A.3)."""

    EQ = "="
    NE = "!="
    GT = ">"
    GE = ">="
    LT = "<"
    LE = "<="
    BETWEEN = "between"
    NOT_BETWEEN = "not between"
    IN = "in"
    NOT_IN = "not in"
    MATCHES = "matches"
    NOT_MATCHES = "not matches"


@dataclass(frozen=True, slots=True)
class Condition:
    """An operator and its operands: two for `between`, one or more for `in`, one for every other.

    A list that is a variable (`in $x`) is one `Variable` operand.
    """

    kind: Kind
    operator: Operator
    operands: tuple[Operand, ...]
    span: Span = _span()


# -- rules ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a rule: quoted text, a bare name, or a variable (`name` is then its name).

    `value` is what the parameter says: escapes decoded, the variable resolved. `raw` is as written, without
    the quotes or the `$`. `connector` is the word in front of it (`of`, `and`), which has no meaning.
    """

    raw: str
    value: str
    quoted: bool = True
    variable: bool = False
    connector: str = ""
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Where:
    """The filter of a rule: a boolean SQL expression as text."""

    raw: str
    value: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Tag:
    """`with name = value`; the name is kept as written, `threshold` in lower case."""

    name: str
    condition: Condition
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Label:
    """`"key"="value"`, raw as written between the quotes."""

    key: str
    value: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Rule:
    """One use of a rule type."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    condition: Condition | None = None
    where: Where | None = None
    tags: tuple[Tag, ...] = ()
    labels: tuple[Label, ...] = ()
    span: Span = _span()
    name_span: Span = _span()

    @property
    def threshold(self) -> Condition | None:
        """The condition on the share of rows that comply, if one is given."""
        return next((tag.condition for tag in self.tags if tag.name == "threshold"), None)


@dataclass(frozen=True, slots=True)
class Composite:
    """Rules joined by one operator, `and` or `or`; a chain of one operator is flat."""

    operator: str
    operands: tuple[RuleExpression, ...]
    labels: tuple[Label, ...] = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Analyzer:
    """A statistic to gather without judging it."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    span: Span = _span()
    name_span: Span = _span()


RuleExpression: TypeAlias = Rule | Composite


# -- the document --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pair:
    """An entry of a dictionary; `values` holds one text, or those of a list."""

    key: str
    values: tuple[str, ...]
    is_list: bool = False
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class VariableDeclaration:
    """`name = "text"` or `name = ["a", "b"]`."""

    name: str
    values: tuple[Text | Null, ...]
    is_list: bool = False
    span: Span = _span()


@dataclass(frozen=True)
class Ruleset:
    """A parsed document. Rules and analyzers are in source order."""

    rules: tuple[RuleExpression, ...] = ()
    analyzers: tuple[Analyzer, ...] = ()
    metadata: tuple[Pair, ...] = ()
    sources: tuple[Pair, ...] = ()
    variables: tuple[VariableDeclaration, ...] = ()
    default_labels: tuple[Label, ...] = ()
    source: Source = field(default=Source(""), compare=False, repr=False)
    dialect: str = field(default="dq", compare=False)
