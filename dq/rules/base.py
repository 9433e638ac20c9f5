"""What a rule type is: one frozen class whose fields say everything that others need to know of it.

    @rule_type
    class Completeness(RowRule):
        column: Column
        condition: NumberCondition
        where: Where = ALWAYS

The field types carry the signature: how many parameters there are and of what kind, which conditions are
allowed, whether `where` and `threshold` are. `Signature` is derived from them for the checker, the binder,
the documentation and completion.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from types import MappingProxyType
from typing import Annotated, Any, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from dq.schema import Column
from dq.syntax import Condition, Kind, Where


class Parameters(Enum):
    """What the words after a rule type's name stand for."""

    COLUMN = "column"
    COLUMN_NAME = "column name"
    REGEX = "regular expression"
    SQL = "SQL statement"
    ALIAS = "reference alias"
    COLUMN_LIST = "list of columns"
    REFERENCE = "reference columns"
    MAPPING = "column mapping"
    AGGREGATE = "aggregate"
    PATH = "path"
    METRIC = "rule type"


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter of a rule type: its field, its kind, and how many words it takes (`most` None: any number)."""

    name: str
    kind: Parameters
    least: int = 1
    most: int | None = 1


@dataclass(frozen=True, slots=True)
class _Words:
    kind: Parameters
    least: int = 1
    most: int | None = 1


@dataclass(frozen=True, slots=True)
class _Kinds:
    kinds: frozenset[Kind]


Columns: TypeAlias = Annotated[tuple[Column, ...], _Words(Parameters.COLUMN, 1, None)]
AnyColumns: TypeAlias = Annotated[tuple[Column, ...], _Words(Parameters.COLUMN, 0, None)]
OneColumn: TypeAlias = Annotated[Column, _Words(Parameters.COLUMN)]
ColumnName: TypeAlias = Annotated[str, _Words(Parameters.COLUMN_NAME)]
Regex: TypeAlias = Annotated[str, _Words(Parameters.REGEX)]
Sql: TypeAlias = Annotated[str, _Words(Parameters.SQL)]
Alias: TypeAlias = Annotated[str, _Words(Parameters.ALIAS)]
ColumnList: TypeAlias = Annotated[str, _Words(Parameters.COLUMN_LIST)]
Reference: TypeAlias = Annotated[str, _Words(Parameters.REFERENCE)]
Mapped: TypeAlias = Annotated[str, _Words(Parameters.MAPPING)]
MaybeMapped: TypeAlias = Annotated[str, _Words(Parameters.MAPPING, 0, 1)]
Aggregate: TypeAlias = Annotated[str, _Words(Parameters.AGGREGATE)]
MaybePaths: TypeAlias = Annotated[tuple[str, ...], _Words(Parameters.PATH, 0, 2)]
MaybePath: TypeAlias = Annotated[str, _Words(Parameters.PATH, 0, 1)]
MetricName: TypeAlias = Annotated[str, _Words(Parameters.METRIC)]
MetricColumns: TypeAlias = Annotated[tuple[str, ...], _Words(Parameters.COLUMN_NAME, 0, None)]

NumberCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.NUMBER}))]
TextCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.TEXT}))]
DateCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.DATE}))]
DurationCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.DURATION}))]
SizeCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.SIZE}))]
ValuesCondition: TypeAlias = Annotated[Condition, _Kinds(frozenset({Kind.NUMBER, Kind.TEXT, Kind.DATE}))]


class TagValue(Enum):
    """What a tag other than `threshold` takes behind its equals sign."""

    TEXT = "text"
    NUMBER = "whole number"
    BOOLEAN = "true or false"
    ZONE = "IANA time zone"
    NAMES = "list of tag names"
    ALGORITHM = "MD5, SHA-1 or SHA-256"


@dataclass(frozen=True, slots=True)
class Signature:
    """How a rule type may be written. Source: REFERENCE A.7, A.4 and B.

    Attributes:
        name: the rule type.
        slots: its parameters in order; only the last may take a varying number of words.
        kinds: the conditions it accepts; empty when it takes none.
        condition_required: whether the condition must be there.
        where: whether it takes a `where` clause.
        threshold: whether it takes `with threshold`.
        portable_threshold: whether the published parser takes that threshold too.
        tags: its other tags.
        rule: whether it may stand among the rules.
        analyzer: whether it may stand among the analyzers.
        published: whether the published Glue parser knows it; the rest is [dq].
        row_excluded: whether ROW evaluation of composites leaves it out.
        unconditional_with: the number of parameters with which it takes no condition after all.
        summary: the first line of its documentation.
    """

    name: str
    slots: tuple[Slot, ...] = ()
    kinds: frozenset[Kind] = frozenset()
    condition_required: bool = False
    where: bool = False
    threshold: bool = False
    portable_threshold: bool = True
    tags: Mapping[str, TagValue] = field(default_factory=dict)
    rule: bool = True
    analyzer: bool = False
    published: bool = True
    row_excluded: bool = False
    unconditional_with: int | None = None
    summary: str = ""

    @property
    def least(self) -> int:
        """The fewest parameters."""
        return sum(slot.least for slot in self.slots)

    @property
    def most(self) -> int | None:
        """The most parameters; None: any number."""
        return None if any(slot.most is None for slot in self.slots) else sum(slot.most or 0 for slot in self.slots)

    def takes(self, parameters: int) -> bool:
        """Whether this many parameters fit."""
        return self.least <= parameters and (self.most is None or parameters <= self.most)

    def kinds_for(self, parameters: int) -> frozenset[Kind]:
        """The conditions accepted with this many parameters: FileMatch of two paths takes none."""
        return frozenset() if parameters == self.unconditional_with else self.kinds


RULE_TYPES: dict[str, type[Any]] = {}
"""Every rule type by its name, in the order of declaration. Filled by importing `dq.rules`."""

SIGNATURES: dict[str, Signature] = {}
"""The signature of every rule type by its name."""

T = TypeVar("T")


def rule_type(
    *,
    analyzer: bool = False,
    rule: bool = True,
    published: bool = True,
    row_excluded: bool = False,
    unconditional_with: int | None = None,
    portable_threshold: bool = True,
    tags: Mapping[str, TagValue] | None = None,
) -> Any:
    """Freeze a class into a dataclass and register it, and the signature its fields tell, under its name."""

    def register(cls: type[T]) -> type[T]:
        frozen = dataclass(frozen=True, slots=True)(cls)
        slots, kinds, required = _fields(frozen)
        names = {each.name for each in fields(frozen)}
        RULE_TYPES[cls.__name__] = frozen
        SIGNATURES[cls.__name__] = Signature(
            cls.__name__,
            slots,
            kinds,
            required,
            where="where" in names,
            threshold="threshold" in names,
            portable_threshold=portable_threshold,
            tags=MappingProxyType(dict(tags or {})),
            rule=rule,
            analyzer=analyzer,
            published=published,
            row_excluded=row_excluded,
            unconditional_with=unconditional_with,
            summary=(cls.__doc__ or "").strip().partition("\n")[0],
        )
        return frozen

    return register


def _fields(cls: type[Any]) -> tuple[tuple[Slot, ...], frozenset[Kind], bool]:
    """The parameters, the kinds of the condition, and whether it must be given."""
    hints = get_type_hints(cls, vars(sys.modules[cls.__module__]), include_extras=True)
    slots: list[Slot] = []
    kinds: frozenset[Kind] = frozenset()
    required = False
    for each in fields(cls):
        for mark in _marks(hints[each.name]):
            if isinstance(mark, _Words):
                slots.append(Slot(each.name, mark.kind, mark.least, mark.most))
            elif isinstance(mark, _Kinds) and each.name == "condition":
                kinds, required = mark.kinds, each.default is MISSING
    return tuple(slots), kinds, required


def _marks(hint: Any) -> list[Any]:
    """The marks of an annotation, those inside `X | None` too."""
    if get_origin(hint) is Annotated:
        return list(hint.__metadata__)
    return [mark for arm in get_args(hint) for mark in _marks(arm)]
