"""The abstract syntax of DQDL: frozen nodes, each with its span.

Two nodes are equal when the same text would write them: spans do not take part. `str(node)` is the canonical
text under which a rule appears in results (REFERENCE A.8). In the dialect `dq` the two texts are one; that of
Glue loses some of what was written. Rules nest without a bound, so nothing here recurses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from dq.spans import Source, Span

NOWHERE = Span(0, 0)


class Node:
    """A part of the tree: what printing, equality and hashing have in common."""

    __slots__ = ()

    def _parts(self) -> tuple[str | Node, ...]:
        """What a text that parses to this node consists of, in order: text, and the nodes to print in place."""
        raise NotImplementedError

    def _canonical_parts(self) -> tuple[str | Node, ...]:
        """The same of the canonical text, where that leaves something out."""
        return self._parts()

    def _whole(self) -> str:
        """A text with nothing left out: what equality and hashing compare."""
        return _printed(self, canonical=False)

    def __str__(self) -> str:
        return _printed(self, canonical=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._whole() == other._whole()

    def __hash__(self) -> int:
        return hash(self._whole())


def _printed(node: Node, *, canonical: bool) -> str:
    """The text of a node."""
    written: list[str] = []
    pending: list[str | Node] = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            written.append(part)
        else:
            pending.extend(reversed(part._canonical_parts() if canonical else part._parts()))
    return "".join(written)


def _separated(nodes: Sequence[Node], separator: str) -> tuple[str | Node, ...]:
    """The nodes with the separator between them."""
    return tuple(part for node in nodes for part in (separator, node))[1:]


# -- operands ------------------------------------------------------------------------------------------


class Keyword(Enum):
    """A word that stands for a kind of value. See REFERENCE B.21.1."""

    NULL = "NULL"
    EMPTY = "EMPTY"
    WHITESPACES_ONLY = "WHITESPACES_ONLY"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Number(Node):
    """A literal as written, its minus sign included and put beside it: `-5`, `0.10`."""

    text: str
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (self.text,)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call(Node):
    """A function of the history: `avg(last(10))`. The parser takes any name."""

    name: str
    arguments: tuple[NumberOperand, ...]
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (self.name, "(", *_separated(self.arguments, ","), ")")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Arithmetic(Node):
    """A chain `a + b * c`, flat: all operators have one precedence and associate to the left (A.3)."""

    operands: tuple[NumberOperand, ...]
    operators: tuple[str, ...]
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        pairs = zip(self.operators, self.operands[1:], strict=True)
        return (self.operands[0], *(part for sign, operand in pairs for part in (f" {sign} ", operand)))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Group(Node):
    """Parentheses around a number that the canonical text keeps."""

    inner: NumberOperand
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return ("(", self.inner, ")")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Null(Node):
    """NULL, EMPTY or WHITESPACES_ONLY as an operand."""

    keyword: Keyword
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (self.keyword.value,)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Text(Node):
    r"""A quoted text. `raw` is what stands between the quotes, `value` has `\"` and `\\` decoded.

    `shown` is what Glue's canonical text has between the quotes instead of `raw`, if it differs.
    """

    raw: str
    value: str
    shown: str | None = None
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (f'"{self.raw}"',)

    def _canonical_parts(self) -> tuple[str | Node, ...]:
        return self._parts() if self.shown is None else (f'"{self.shown}"',)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Date(Node):
    """A quoted date, `"2024-01-31"`: midnight of that day. `text` is without the quotes."""

    text: str
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (f'"{self.text}"',)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Time(Node):
    """A quoted time of day, `"9:30 AM"` or `"21:30"`: today at that time in the rule's time zone."""

    text: str
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (f'"{self.text}"',)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Duration(Node):
    """A whole amount of `days`, `hours` or `minutes`."""

    amount: int
    unit: str
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (f"{self.amount} {self.unit}",)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Now(Node):
    """`now()`, or `(now() - 3 days)` where `sign` is `+` or `-` and `offset` the duration."""

    text: str
    sign: str = ""
    offset: Duration | None = None
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (self.text,) if self.offset is None else (f"({self.text} {self.sign} ", self.offset, ")")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Size(Node):
    """A file size in bytes: an amount in units of 1024. A bare number has the unit `B`."""

    amount: int
    unit: str
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (f"{self.amount} {self.unit}",)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Variable(Node):
    """A use of a variable, `$name`; `values` is what it stands for, `is_list` how it was declared."""

    name: str
    values: tuple[Text | Null, ...] = ()
    is_list: bool = False
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (f"${self.name}",)


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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Condition(Node):
    """An operator and its operands: two for `between`, one or more for `in`, one for every other.

    `in $x` has one `Variable` operand and no brackets: `is_list` tells it from `in [$x]`. A tag may have a list
    behind its equals sign too: `filterOrder = ["uriRegex","recentFiles"]`.
    """

    kind: Kind
    operator: Operator
    operands: tuple[Operand, ...]
    is_list: bool = False
    span: Span = field(default=NOWHERE, kw_only=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self.kind is other.kind and self._whole() == other._whole()

    def __hash__(self) -> int:
        return hash(self._whole())

    def _parts(self) -> tuple[str | Node, ...]:
        first, *rest = self.operands
        word = self.operator.value
        if self.operator in (Operator.BETWEEN, Operator.NOT_BETWEEN):
            return (f"{word} ", first, " and ", *rest)
        if self.is_list:
            return (f"{word} [", *_separated(self.operands, ","), "]")
        return (f"{word} ", first)


def _spaced(nodes: Sequence[Node]) -> tuple[str | Node, ...]:
    """The nodes with a blank in front of each."""
    return tuple(part for node in nodes for part in (" ", node))


def _labels(labels: Sequence[Label]) -> tuple[str | Node, ...]:
    """Labels as they end a rule; nothing when there are none."""
    return (" labels=[", *_separated(labels, ", "), "]") if labels else ()


# -- rules ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Parameter(Node):
    """A parameter of a rule: quoted text, a bare name, or a variable (`name` is then its name).

    `value` is what the parameter says: escapes decoded, the variable resolved. `raw` is as written, without
    the quotes or the `$`. `connector` is the word in front of it (`of`, `and`), which has no meaning.
    """

    raw: str
    value: str
    quoted: bool = True
    variable: bool = False
    connector: str = ""
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        word = f"${self.raw}" if self.variable else f'"{self.raw}"' if self.quoted else self.raw
        return (f"{self.connector} {word}" if self.connector else word,)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Where(Node):
    """The filter of a rule: a boolean SQL expression as text."""

    raw: str
    value: str
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (f'where "{self.raw}"',)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tag(Node):
    """`with name = value`; the name is kept as written, `threshold` in lower case."""

    name: str
    condition: Condition
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (f"with {self.name} ", self.condition)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Label(Node):
    """`"key"="value"`, raw as written between the quotes."""

    key: str
    value: str
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (f'"{self.key}"="{self.value}"',)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rule(Node):
    """One use of a rule type."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    condition: Condition | None = None
    where: Where | None = None
    tags: tuple[Tag, ...] = ()
    labels: tuple[Label, ...] = ()
    span: Span = field(default=NOWHERE, kw_only=True)
    name_span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (*self._head(), *_labels(self.labels), *self._tags())

    def _canonical_parts(self) -> tuple[str | Node, ...]:
        """The canonical text has the labels behind the tags, which Glue would not read again (A.8)."""
        return (*self._head(), *self._tags(), *_labels(self.labels))

    def _head(self) -> tuple[str | Node, ...]:
        clauses = [each for each in (self.condition, self.where) if each is not None]
        return (self.name, *_spaced([*self.parameters, *clauses]))

    def _tags(self) -> tuple[str | Node, ...]:
        """The threshold in front of other tags."""
        thresholds = [tag for tag in self.tags if tag.name == "threshold"]
        return _spaced([*thresholds, *(tag for tag in self.tags if tag.name != "threshold")])

    @property
    def threshold(self) -> Condition | None:
        """The condition on the share of rows that comply, if one is given."""
        return next((tag.condition for tag in self.tags if tag.name == "threshold"), None)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Composite(Node):
    """Rules joined by one operator, `and` or `or`; a chain of one operator is flat.

    `shows_labels` is false in the dialect of Glue, whose canonical text leaves these labels out.
    """

    operator: str
    operands: tuple[RuleExpression, ...]
    labels: tuple[Label, ...] = ()
    shows_labels: bool = True
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return ("(", *self._joined(), ")", *_labels(self.labels)) if self.labels else self._joined()

    def _canonical_parts(self) -> tuple[str | Node, ...]:
        return self._parts() if self.shows_labels else self._joined()

    def _joined(self) -> tuple[str | Node, ...]:
        return ("(", *_separated(self.operands, f") {self.operator.upper()} ("), ")")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Analyzer(Node):
    """A statistic to gather without judging it."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    tags: tuple[Tag, ...] = ()
    span: Span = field(default=NOWHERE, kw_only=True)
    name_span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        return (self.name, *_spaced((*self.parameters, *self.tags)))


RuleExpression: TypeAlias = Rule | Composite


# -- the document --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pair(Node):
    """An entry of a dictionary; `values` holds one text, or those of a list."""

    key: str
    values: tuple[str, ...]
    is_list: bool = False
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        texts = [f'"{value}"' for value in self.values]
        return (f'"{self.key}": [ {", ".join(texts)} ]' if self.is_list else f'"{self.key}": {texts[0]}',)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VariableDeclaration(Node):
    """`name = "text"` or `name = ["a", "b"]`."""

    name: str
    values: tuple[Text | Null, ...]
    is_list: bool = False
    span: Span = field(default=NOWHERE, kw_only=True)

    def _parts(self) -> tuple[str | Node, ...]:
        if self.is_list:
            return (f"{self.name} = [", *_separated(self.values, ","), "]")
        return (f"{self.name} = ", *self.values)


@dataclass(frozen=True, eq=False, repr=False)
class Ruleset(Node):
    """A parsed document. Rules and analyzers are in source order."""

    rules: tuple[RuleExpression, ...] = ()
    analyzers: tuple[Analyzer, ...] = ()
    metadata: tuple[Pair, ...] = ()
    sources: tuple[Pair, ...] = ()
    variables: tuple[VariableDeclaration, ...] = ()
    default_labels: tuple[Label, ...] = ()
    source: Source = field(default_factory=lambda: Source(""))
    dialect: str = "dq"

    def _parts(self) -> tuple[str | Node, ...]:
        return _sections(
            _section("Metadata = {", self.metadata, "}"),
            _section("DataSources = {", self.sources, "}"),
            _separated(self.variables, "\n"),
            _section("DefaultLabels = [", self.default_labels, "]"),
            *self._bodies(),
        )

    def _canonical_parts(self) -> tuple[str | Node, ...]:
        """The canonical text leaves out variables and default labels, as Glue's does (A.8)."""
        return _sections(
            _section("Metadata = {", self.metadata, "}"),
            _section("DataSources = {", self.sources, "}"),
            *self._bodies(),
        )

    def _bodies(self) -> Sequence[tuple[str | Node, ...]]:
        return _section("Rules = [", self.rules, "]"), _section("Analyzers = [", self.analyzers, "]")

    def document(self) -> str:
        """The whole document: unlike the canonical text it parses to an equal ruleset, whatever it uses."""
        return self._whole()


def _sections(*sections: tuple[str | Node, ...]) -> tuple[str | Node, ...]:
    """The sections that are there, an empty line between them."""
    return tuple(part for section in sections if section for part in ("\n\n", *section))[1:]


def _section(opening: str, entries: Sequence[Node], closing: str) -> tuple[str | Node, ...]:
    """A section with an entry to a line; nothing when there are no entries."""
    return (f"{opening}\n    ", *_separated(entries, ",\n    "), f"\n{closing}") if entries else ()
