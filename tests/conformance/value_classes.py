"""Which values the cases of a rule type should meet, and what each case really meets: told by the data of its table.

The demand is a product: rule type × operator × class of values × clause. It is asked for in full where the operator
looks at values, and in its pairs elsewhere; `DEPTHS` says of which rule type, and why.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
from own_cases import OF_ANALYZERS, Case, CaseFile, Table, tables_of

import dq
import dq.rules
from dq.rules.base import Parameters, Signature
from dq.syntax import Composite, Kind, Operator, Rule, RuleExpression

# -- classes of values ---------------------------------------------------------------------------------

NUMBERS = frozenset({"int", "bigint", "float", "double", "decimal"})
TEXT = frozenset({"string"})
INSTANTS = frozenset({"date", "timestamp", "timestamp with time zone"})
FLAT = NUMBERS | TEXT | INSTANTS | {"boolean", "binary", "time"}
ALL = FLAT | {"list", "struct"}


class Class(NamedTuple):
    """A class of values: the types of column that can hold it, and whether some values of a column are of it."""

    types: frozenset[str]
    held: Callable[[Sequence[Any]], bool]


def present(values: Sequence[Any]) -> list[Any]:
    return [each for each in values if each is not None]


def some(types: frozenset[str], test: Callable[[Any], bool]) -> Class:
    return Class(types, lambda values: any(test(each) for each in present(values)))


def alone(infinite: float) -> Class:
    """One infinity beside numbers: together with the other, or with a NaN, all sums are NaN."""
    others = {"nan", "inf", "-inf"} - {str(infinite)}
    return Class(
        frozenset({"double", "float"}),
        lambda values: infinite in values and not others & {str(each) for each in present(values)},
    )


COLUMN_CLASSES: Mapping[str, Class] = {
    "NULL": Class(ALL, lambda values: 0 < len(present(values)) < len(values)),
    "nothing but NULL": Class(ALL, lambda values: bool(values) and not present(values)),
    "empty string": some(TEXT, lambda value: value == ""),
    "whitespace": some(TEXT, lambda value: value != "" and not value.strip(" ")),
    "unicode": some(TEXT, lambda value: not value.isascii()),
    "NaN": some(frozenset({"double", "float"}), lambda value: value != value),
    "+inf": alone(float("inf")),
    "-inf": alone(float("-inf")),
    "decimal": some(frozenset({"decimal"}), lambda value: Fraction(value).denominator > 1),
    "big integer": some(frozenset({"bigint", "decimal"}), lambda value: abs(Fraction(value)) > 2**53),
    "duplicate": Class(ALL, lambda values: len({repr(each) for each in present(values)}) < len(present(values))),
    **{name: some(frozenset({name}), lambda _: True) for name in ("boolean", *INSTANTS, "binary", "time")},
    **{name: some(frozenset({name}), lambda _: True) for name in ("list", "struct")},
}
TABLE_CLASSES: Mapping[str, Callable[[Table], bool]] = {
    "empty table": lambda table: not table.rows,
    "one row": lambda table: len(table.rows) == 1,
}
CLASSES: Mapping[str, frozenset[str]] = {
    **{name: each.types for name, each in COLUMN_CLASSES.items()},
    **dict.fromkeys(TABLE_CLASSES, ALL),
}
"""Every class with the types of column that it can be met in."""

# -- what makes sense ----------------------------------------------------------------------------------

COMPARING = frozenset(Operator) - {Operator.MATCHES, Operator.NOT_MATCHES}
OPERATORS = {
    Kind.TEXT: frozenset(
        {Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN, Operator.MATCHES, Operator.NOT_MATCHES}
    ),
    **dict.fromkeys((Kind.NUMBER, Kind.DATE, Kind.DURATION, Kind.SIZE), COMPARING),
}
"""What may stand between a rule and its operands, by the kind of the condition (the language, A.3)."""


class Depth(Enum):
    """How deep the product goes."""

    VALUES = "the operator looks at each value: operator × class × clause, in full"
    METRIC = (
        "the operator looks at one number that can be NaN, infinite or missing, by the class: operator × class and "
        "class × clause; a clause changes which rows are looked at, and not how the operator reads the number"
    )
    SHARE = (
        "the operator looks at a finite number in which the class has long been counted: class × clause, and "
        "operator × those classes that leave no number or the numbers 0 and 1"
    )
    SCHEMA = "the rule looks at names and types, and at no value: each class once, and once in a composite"
    HISTORY = "the rule looks at a number and its past; it takes no operator and no clause: class × composite"
    FILES = "the rule looks at files as such, which hold no values"


STATISTICS = ("Mean", "Sum", "StandardDeviation", "Variance", "Range", "InterquartileRange", "Skewness", "Kurtosis")
DEPTHS: Mapping[str, Depth] = {
    **dict.fromkeys(("ColumnValues", "ColumnLength", "ColumnDataType", "DataFreshness"), Depth.VALUES),
    **dict.fromkeys((*STATISTICS, "ColumnCorrelation", "AggregateMatch", "CustomSql"), Depth.METRIC),
    **dict.fromkeys(("ColumnCount", "ColumnExists", "ColumnNamesMatchPattern", "SchemaMatch"), Depth.SCHEMA),
    **dict.fromkeys(("FileFreshness", "FileMatch", "FileSize", "FileUniqueness"), Depth.FILES),
    "DetectAnomalies": Depth.HISTORY,
}
"""How deep the product goes by rule type; SHARE for all others."""

DECISIVE = ("NULL", "nothing but NULL", "duplicate", "empty table", "one row")
"""The classes that decide about a share or a count: they leave no number, or the numbers 0 and 1."""


def depth(signature: Signature, types: frozenset[str] = ALL) -> Depth:
    """How deep the product goes for a rule type, and for a class of values of some types of column."""
    if signature.name == "DataFreshness" and types == TEXT:
        # A text is cast to an instant, whose age is judged as that of a date or timestamp, which meet the full product.
        return Depth.METRIC
    return DEPTHS.get(signature.name, Depth.SHARE)


NUMBERS_ONLY = {
    Operator.EQ, Operator.GT, Operator.GE, Operator.LT, Operator.LE, Operator.BETWEEN,
}  # fmt: skip
"""What ColumnValues asks of number columns alone: the other operators take any type and cast (B.0.5)."""


def readable(signature: Signature, kind: Kind | None = None, operator: Operator | None = None) -> frozenset[str]:
    """The types of column that a rule type can judge; of any other it is an ERROR (B.0.5)."""
    name = signature.name
    if name in (*STATISTICS, "ZerosCount", "ColumnCorrelation"):
        return NUMBERS
    if name == "AggregateMatch":
        return NUMBERS | TEXT
    if name == "ColumnLength":
        return TEXT
    if name == "DataFreshness" or (name == "ColumnValues" and kind is Kind.DATE):
        return INSTANTS | TEXT
    if name == "ColumnDataType":
        return FLAT if operator in (Operator.EQ, Operator.NE, None) else frozenset()
    if name == "ColumnValues" and operator in (Operator.MATCHES, Operator.NOT_MATCHES):
        return TEXT
    if name == "ColumnValues" and kind is Kind.NUMBER and operator in NUMBERS_ONLY:
        return NUMBERS
    return FLAT if {slot.kind for slot in signature.slots} & LOOKED_AT else ALL


LOOKED_AT = {Parameters.COLUMN, Parameters.COLUMN_LIST, Parameters.MAPPING, Parameters.METRIC}
"""Parameters that name columns whose values are looked at, which lists and structs are not made for."""


def analyzable(signature: Signature) -> frozenset[str]:
    """The types of column of which an analyzer gathers a statistic; none where the rule type has none (E.1)."""
    if signature.name == "ColumnValues":
        return NUMBERS
    if signature.name in ("AllStatistics", "Distribution"):
        return FLAT
    return readable(signature) if signature.kinds == {Kind.NUMBER} else frozenset()


class Need(NamedTuple):
    """Cases of this operator, class of values and clause; `any` where it does not matter which."""

    operator: str
    values: str
    clause: str
    judged: bool = True

    def __str__(self) -> str:
        return f"{self.operator} on {self.values}, {self.clause}" + ("" if self.judged else ": an ERROR")


ANY = "any operator"
PLAIN, WHERE, THRESHOLD, COMPOSITE, MEASURED = "by itself", "where", "threshold", "composite", "analyzer"


def clauses(signature: Signature) -> list[str]:
    """The clauses that a rule type takes; a composite is one of them."""
    taken = {WHERE: signature.where, THRESHOLD: signature.threshold}
    return [*(name for name, takes in taken.items() if takes), COMPOSITE]


def spelled(kind: Kind, operator: Operator) -> str:
    return f"{kind.value} {operator.value}"


def wanted(signature: Signature) -> Iterator[Need]:
    """What the cases of a rule type must hold."""
    if depth(signature) is Depth.FILES:
        return
    if signature.analyzer and analyzable(signature):
        # An analyzer asks for the metric of its rule: only what it says of NaN, and without a number, is its own.
        asked = CLASSES if signature.name == "AllStatistics" else (*DECISIVE, "NaN")
        yield from (Need(ANY, each, MEASURED) for each in asked if CLASSES[each] & analyzable(signature))
    if not signature.rule:
        return
    conditions = [(kind, each) for kind in signature.kinds for each in OPERATORS[kind]]
    every = [PLAIN, *clauses(signature)]
    for values, types in CLASSES.items():
        deep = depth(signature, types)
        readers = [(kind, each) for kind, each in conditions if types & readable(signature, kind, each)]
        if not types & readable(signature) and not readers:
            yield Need(ANY, values, PLAIN, judged=False)
        elif deep is Depth.VALUES:
            yield from (Need(spelled(*each), values, clause) for each, clause in itertools.product(readers, every))
            yield from (
                Need(spelled(*each), values, PLAIN, judged=False)
                for each in conditions
                if each not in readers and readable(signature, *each)
            )
        else:
            yield from (Need(ANY, values, clause) for clause in every)
            if deep is Depth.METRIC or (values in DECISIVE and deep is Depth.SHARE):
                yield from (Need(spelled(*each), values, PLAIN) for each in readers)


# -- what a case meets ---------------------------------------------------------------------------------


class Used(NamedTuple):
    """A rule of a case, by itself or as a part of it, or its analyzer, with the tables it is judged on."""

    rule: Rule
    case: Case
    composite: bool
    tables: dict[str, Table]

    @property
    def primary(self) -> Table | None:
        return self.tables.get("primary")


def leaves(rule: RuleExpression) -> Iterator[Rule]:
    if isinstance(rule, Composite):
        for operand in rule.operands:
            yield from leaves(operand)
    else:
        yield rule


def uses(file: CaseFile) -> Iterator[Used]:
    """The uses of a file's rule type in its cases that get as far as the data."""
    for group in file.groups:
        tables = tables_of(file, group)
        for case in group.cases:
            if case.verdict in OF_ANALYZERS:
                (analyzer,) = dq.parse(f"Analyzers = [ {case.rule} ]").analyzers
                yield Used(Rule(analyzer.name, analyzer.parameters), case, False, tables)
            elif case.judged:
                (whole,) = dq.parse(f"Rules = [ {case.rule} ]").rules
                for rule in leaves(whole):
                    if rule.name == file.rule_type:
                        yield Used(rule, case, isinstance(whole, Composite), tables)


def met(signature: Signature, used: Used) -> Iterator[Need]:
    """What a use of a rule is a case of."""
    if used.primary is None:
        return
    condition = used.rule.condition
    kind, operator = (condition.kind, condition.operator) if condition else (None, None)
    words = [ANY, spelled(kind, operator)] if kind and operator else [ANY]
    analyzes = used.case.verdict in OF_ANALYZERS
    reads = analyzable(signature) if analyzes else readable(signature, kind, operator)
    judged = used.case.verdict not in ("ERROR", "UNMEASURED")
    for values, of_type in held(signature, used, in_scope=judged):
        if judged == (of_type in reads):
            for word, clause in itertools.product(words, [MEASURED] if analyzes else taken(used)):
                yield Need(word, values, clause, judged)


def taken(used: Used) -> list[str]:
    """The clauses of a rule. A where counts when it leaves out a row, if there is more than one."""
    assert used.primary is not None
    rows, where = len(used.primary.rows), used.rule.where
    narrow = where is not None and (
        rows < 2 or used.case.verdict == "ERROR" or len(kept(used.primary, where.value)) < rows
    )
    found = {WHERE: narrow, THRESHOLD: used.rule.threshold is not None, COMPOSITE: used.composite}
    return [name for name, there in found.items() if there] or ([PLAIN] if where is None else [])


def held(signature: Signature, used: Used, *, in_scope: bool) -> set[tuple[str, str]]:
    """The classes that a rule meets, each with the type of the column that it stands in."""
    table = used.primary
    assert table is not None
    where = used.rule.where if in_scope else None
    rows = tuple(range(len(table.rows))) if where is None else kept(table, where.value)
    return {
        (name, type_of(table, column)) for column in columns(signature, used) for name in classes(table, column, rows)
    }


def columns(signature: Signature, used: Used) -> list[str]:
    """The columns that a rule names, in whatever kind of parameter; all columns where it names none."""
    assert used.primary is not None
    names = list(used.primary.columns)
    if not {slot.kind for slot in signature.slots} & NAMING or not used.rule.parameters:
        return names
    words = " ".join(parameter.value for parameter in used.rule.parameters).lower()
    return [name for name in names if re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", words)]


NAMING = {
    Parameters.COLUMN,
    Parameters.COLUMN_NAME,
    Parameters.COLUMN_LIST,
    Parameters.MAPPING,
    Parameters.AGGREGATE,
    Parameters.SQL,
}


def type_of(table: Table, column: str) -> str:
    """The type of a column without its parameters."""
    return table.columns[column].partition("(")[0]


@cache
def classes(table: Table, column: str, rows: tuple[int, ...]) -> frozenset[str]:
    """The classes of values that some rows of a column hold, and those of its table."""
    at, kind = list(table.columns).index(column), type_of(table, column)
    values = [table.rows[row][at] for row in rows]
    of_column = {name for name, each in COLUMN_CLASSES.items() if kind in each.types and each.held(values)}
    return frozenset(of_column | {name for name, holds in TABLE_CLASSES.items() if holds(table)})


@cache
def kept(table: Table, where: str) -> tuple[int, ...]:
    """The rows that a clause keeps, counted from 0; the cases keep to what Spark and DuckDB write alike."""
    data = table.arrow().append_column("dq_row", pa.array(range(len(table.rows)), pa.int32()))
    connection = database()
    connection.register("data", data)
    query = f"select dq_row from data where {where} order by 1"
    try:
        return tuple(at for (at,) in connection.execute(query).fetchall())
    except duckdb.Error:
        return ()  # a part of a composite that is an ERROR by itself, or a clause that Spark alone can read


@cache
def database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()
