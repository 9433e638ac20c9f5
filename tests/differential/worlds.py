"""Tables and rulesets that Hypothesis makes: every measured rule type, with operands drawn from the data and near it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
from differential.oracle import (
    CASTS,
    FLOATS,
    INTEGERS,
    NUMBERS,
    STATISTICS,
    TEMPORAL,
    Aggregates,
    Ago,
    Answer,
    Composite,
    Condition,
    Duration,
    Keyword,
    Partner,
    Returned,
    Row,
    Rule,
    Table,
    Where,
    Words,
    World,
    leaves,
    order,
    outcome,
    quoted,
)
from hypothesis import strategies as st

# -- tables -----------------------------------------------------------------------------------------------------------

TEXTS = [
    "", " ", "  ", "\t", "a", "A", "a ", "ab", "é", "e\u0301", "🙂", "it's", 'say "x"', "back\\slash", "NULL", "%", "a\nb",
    "0", "1", "-5", "1.5", "007", " 3 ", "2024", "3000000000", "1e3", "NaN", "true", "no",
    "2024-01-05", "2024-02", "2024-02-30", "x" * 80, "x" * 80 + "y", "\U0010ffff" * 20,
]  # fmt: skip
KINDS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "i8": (pa.int8(), [-128, -1, 0, 1, 2, 127]),
    "u8": (pa.uint8(), [0, 1, 2, 255]),
    "i32": (pa.int32(), [-5, 0, 1, 2, 3, 100]),
    "i64": (pa.int64(), [-5, 0, 1, 2, 2**53 + 1, 2**63 - 1]),
    "u64": (pa.uint64(), [0, 1, 2, 2**63, 2**64 - 1]),
    "f64": (pa.float64(), [-0.0, 0.0, 0.1, 1.0, 2.5, -3.25, 1e6, math.inf, -math.inf, math.nan]),
    "f32": (pa.float32(), [-0.0, 0.0, 0.5, 1.0, 2.5, -3.25, math.inf, math.nan]),  # those that a double holds too
    "dec": (pa.decimal128(9, 2), [Decimal("-0.01"), Decimal("0.00"), Decimal("1.00"), Decimal("2.50"), Decimal("99.99")]),
    "dec38": (pa.decimal128(38, 4), [Decimal("-0.0001"), Decimal("1.0000"), Decimal("99999999999999999999.5000")]),
    "text": (pa.string(), TEXTS),
    "date": (pa.date32(), [dt.date(1969, 12, 31), dt.date(2024, 1, 5), dt.date(2024, 2, 29), dt.date(2024, 3, 1)]),
    "ts": (
        pa.timestamp("us"),
        [dt.datetime(1969, 12, 31, 23, 59, 59), dt.datetime(2024, 1, 5), dt.datetime(2024, 2, 29, 23, 59, 59),
         dt.datetime(2024, 3, 1, 9, 30), dt.datetime(2024, 3, 1, 12, 30)],
    ),
    "tz": (
        pa.timestamp("us", "UTC"),
        [dt.datetime(2024, 1, 5, tzinfo=dt.UTC), dt.datetime(2024, 2, 29, 23, tzinfo=dt.UTC),
         dt.datetime(2024, 3, 1, 9, 30, tzinfo=dt.UTC), dt.datetime(2024, 3, 2, tzinfo=dt.UTC)],
    ),
    "bool": (pa.bool_(), [False, True]),
}  # fmt: skip
NAMES = ["a", "b", "c", "Group", "order id", "x.y", "naïve"]
SIZES = st.sampled_from([1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 14, 0])
MANY = st.sampled_from([1] * 24 + [300])
"""How often the rows are repeated: now and then beyond one vector of the engine."""


def arrow(table: Table) -> pa.Table:
    columns = {name: pa.array([row[name] for row in table.rows], KINDS[kind][0]) for name, kind in table.kinds.items()}
    return pa.table(columns)


@st.composite
def columns(draw: st.DrawFn, kind: str, rows: int) -> list[Any]:
    """Values of which some recur, some are NULL; sometimes none is, sometimes all are."""
    held = draw(st.lists(st.sampled_from(KINDS[kind][1]), min_size=1, max_size=4))
    gaps = draw(st.sampled_from([[None], [], [None, None], [None]]))
    if draw(st.integers(0, 14)) == 7:
        held = [None]
    return draw(st.lists(st.sampled_from([*held, *gaps]), min_size=rows, max_size=rows))


@st.composite
def tables(draw: st.DrawFn, names: Sequence[str], kinds: Sequence[str], *, numbered: bool) -> Table:
    """Rows of these columns, with their number as the first column if wanted."""
    rows = draw(SIZES)
    cells = {name: draw(columns(kind, rows)) for name, kind in zip(names, kinds, strict=True)}
    drawn = [dict(zip(cells, each, strict=True)) for each in zip(*cells.values(), strict=True)] * draw(MANY)
    if numbered:
        drawn = [{"id": at, **row} for at, row in enumerate(drawn)]
    return Table({**({"id": "i32"} if numbered else {}), **dict(zip(names, kinds, strict=True))}, tuple(drawn))


@st.composite
def worlds(draw: st.DrawFn, names: Sequence[str] = NAMES) -> World:
    """A primary and a reference; their columns at the same place can be compared."""
    names = draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))
    kinds = [draw(st.sampled_from([*KINDS, "text", "text", "f64", "i32"])) for _ in names]
    others = [
        draw(st.sampled_from(sorted(NUMBERS))) if kind in NUMBERS and draw(st.booleans()) else kind for kind in kinds
    ]
    theirs = [name.upper() if draw(st.booleans()) else name for name in names]
    numbered = draw(st.integers(0, 3)) > 0
    primary = draw(tables(names, kinds, numbered=numbered))
    copied = kinds == others and draw(st.booleans())
    return World(
        primary,
        draw(copies(primary, theirs) if copied else tables(theirs, others, numbered=numbered)),
        by_row=draw(st.booleans()),
        skip_filtered=draw(st.booleans()),
        fail_empty_scope=draw(st.integers(0, 3)) == 3,
    )


@st.composite
def copies(draw: st.DrawFn, table: Table, names: Sequence[str]) -> Table:
    """The same rows under other names, all but a few, some with another value."""
    new = dict(zip(table.kinds, [*(["id"] if "id" in table.kinds else []), *names], strict=True))
    lost = draw(st.integers(0, 2))
    rows = [dict(row) for row in table.rows[lost:]]
    if rows and draw(st.booleans()):
        column = draw(st.sampled_from(sorted(table.kinds)))
        rows[0][column] = draw(st.sampled_from(KINDS[table.kinds[column]][1]))
    kinds = {new[name]: kind for name, kind in table.kinds.items()}
    return Table(kinds, tuple({new[name]: value for name, value in row.items()} for row in rows))


# -- where: a small grammar, with a three-valued reading of its own ----------------------------------------------------

Truth = Callable[[Row], bool | None]


def sql_literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    if isinstance(value, dt.datetime):
        return f"timestamp '{value.replace(tzinfo=None)}'"
    if isinstance(value, dt.date):
        return f"date '{value}'"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value)


def comparable(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


FORMS = (
    "is null",
    "is not null",
    "compare",
    "compare",
    "in",
    "not in",
    "between",
    "<=>",
    "known",
    "column",
    "function",
)


@st.composite
def atoms(draw: st.DrawFn, table: Table) -> Where:
    """A condition on one column; NULL for a NULL, unless it asks for one."""
    column = draw(st.sampled_from(sorted(table.kinds)))
    kind, name = table.kinds[column], quoted(column)
    form = draw(st.sampled_from(FORMS))
    if form == "is null":
        return Where(f"{name} is null", lambda row: row[column] is None)
    if form == "is not null":
        return Where(f"{name} is not null", lambda row: row[column] is not None)
    if form == "known" or kind == "bool":
        if kind == "bool":
            return Where(name, lambda row: row[column])
        known = draw(st.sampled_from([("true", True), ("false", False), ("null = 1", None), ("1 = 1", True)]))
        return Where(known[0], lambda row: known[1])
    if form == "column":
        other = draw(st.sampled_from([each for each in table.kinds if table.kinds[each] == kind]))
        return Where(f"{name} <= {quoted(other)}", both_of(column, other))
    if form == "function" and kind == "text":
        size = draw(st.integers(0, 2))
        return Where(f"length({name}) > {size}", known_of(column, lambda value: len(value) > size))
    if form == "function" and kind in FLOATS:
        return Where(f"isnan({name})", lambda row: row[column] is not None and math.isnan(row[column]))
    held = [each for each in KINDS[kind][1] if comparable(each)]
    some = draw(st.lists(st.sampled_from(held), min_size=2, max_size=2))
    if form == "<=>":
        return Where(
            f"{name} <=> {sql_literal(some[0])}", lambda row: row[column] is not None and row[column] == some[0]
        )
    if form == "between":
        return Where(
            f"{name} between {sql_literal(some[0])} and {sql_literal(some[1])}",
            known_of(column, lambda value: order(some[0]) <= order(value) <= order(some[1])),
        )
    if form.endswith("in"):
        inside = form == "in"
        listed = ", ".join(map(sql_literal, some))
        if draw(st.integers(0, 2)) == 2:  # what is not among the others may still be the NULL
            found = known_of(column, lambda value: inside if value in some else None)
            return Where(f"{name} {form} ({listed}, null)", found)
        return Where(f"{name} {form} ({listed})", known_of(column, lambda value: (value in some) == inside))
    operator = draw(st.sampled_from(["=", "<>", ">", ">=", "<", "<="]))
    test: Callable[[Any], bool] = {
        "=": lambda value: value == some[0],
        "<>": lambda value: value != some[0],
        ">": lambda value: order(value) > order(some[0]),
        ">=": lambda value: order(value) >= order(some[0]),
        "<": lambda value: order(value) < order(some[0]),
        "<=": lambda value: order(value) <= order(some[0]),
    }[operator]
    return Where(f"{name} {operator} {sql_literal(some[0])}", known_of(column, test))


def known_of(column: str, test: Callable[[Any], bool | None]) -> Truth:
    return lambda row: None if row[column] is None else test(row[column])


def both_of(left: str, right: str) -> Truth:
    """`left <= right`."""
    return lambda row: None if None in (row[left], row[right]) else order(row[left]) <= order(row[right])


def negated(where: Where) -> Where:
    def truth(row: Row) -> bool | None:
        found = where.truth(row)
        return None if found is None else not found

    return Where(f"not ({where.sql})", truth)


def joined(operator: str, parts: Sequence[Where]) -> Where:
    def truth(row: Row) -> bool | None:
        found = [part.truth(row) for part in parts]
        deciding = operator == "or"
        return deciding if deciding in found else None if None in found else not deciding

    return Where(f" {operator} ".join(f"({part.sql})" for part in parts), truth)


def wheres(table: Table) -> st.SearchStrategy[Where]:
    pairs = st.lists(atoms(table), min_size=2, max_size=3)
    return st.one_of(
        atoms(table),
        atoms(table),
        atoms(table).map(negated),
        st.builds(joined, st.sampled_from(["and", "or"]), pairs),
        st.builds(joined, st.sampled_from(["and", "or"]), pairs).map(negated),
    )


def scopes(table: Table) -> st.SearchStrategy[Where | None]:
    return st.none() | st.none() | wheres(table)


# -- conditions -------------------------------------------------------------------------------------------------------

ORDERED = ("=", "!=", ">", ">=", "<", "<=", "between", "not between", "in", "not in")
PLAIN = ("=", "!=", "in", "not in")


@st.composite
def conditions(
    draw: st.DrawFn, operands: Sequence[Any], operators: Sequence[str] = ORDERED, keywords: Sequence[Keyword] = ()
) -> Condition:
    """A condition with operands among these; keywords where they have a meaning."""
    operator = draw(st.sampled_from(operators))
    members = [*operands, *(keywords if operator in PLAIN else ())]
    size = 2 if operator.endswith("between") else draw(st.integers(1, 3)) if operator.endswith("in") else 1
    return Condition(operator, tuple(draw(st.lists(st.sampled_from(members), min_size=size, max_size=size))))


def as_operand(value: float) -> list[Decimal]:
    """The number as a ruleset can write it, and what is next to it."""
    if not math.isfinite(value) or abs(value) > 1e15:
        return []
    found = Decimal(repr(float(value)))
    return [found, found + 1, found - 1]


def near(rule: Rule, world: World) -> list[Decimal]:
    """Operands at and beside the numbers that the rule measures."""
    found = outcome(replace(rule, condition=Condition(">", (Decimal(0),)), threshold=None), world).metrics
    return [
        *(Decimal(each) for each in ("0", "1", "0.5", "-1")),
        *(operand for values in found.values() for value in values for operand in as_operand(value)),
    ]


def measured(rule: Rule, world: World) -> st.SearchStrategy[Rule]:
    """The rule with a condition on its metric."""
    return conditions(near(rule, world)).map(lambda condition: replace(rule, condition=condition))


@st.composite
def maybe_threshold(draw: st.DrawFn, rule: Rule, world: World) -> Rule:
    """The rule, sometimes with a threshold at or beside its share."""
    if draw(st.integers(0, 2)):
        return rule
    metrics = outcome(rule, world).metrics
    shares = [value for name, values in metrics.items() if name.endswith("Compliance") for value in values]
    pool = [Decimal("0"), Decimal("1"), Decimal("0.5"), Decimal("0.9"), *(Decimal(repr(each)) for each in shares)]
    return replace(rule, threshold=draw(conditions(pool)))


# -- rules ------------------------------------------------------------------------------------------------------------


def pick(draw: st.DrawFn, table: Table, kinds: Sequence[str] | set[str], *, size: int = 1) -> tuple[str, ...]:
    """Columns of these kinds; now and then of another, or one that is not there, so that the rule is an ERROR."""
    fitting = [name for name, kind in table.kinds.items() if kind in kinds]
    if not fitting or draw(st.integers(0, 19)) == 13:
        fitting = [*table.kinds, "missing"]
    return tuple(draw(st.sampled_from(fitting)) for _ in range(size))


@st.composite
def value_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    table = world.primary
    (column,) = pick(draw, table, set(KINDS))
    rule = Rule(name, (column,), where=draw(scopes(table)))
    condition = draw(value_conditions(table.kinds.get(column, "i32")))
    return draw(maybe_threshold(replace(rule, condition=condition), world))


NUMBER_OPERANDS = [
    Decimal(each) for each in ("0", "1", "-5", "0.1", "2.5", "127", "9007199254740993", "18446744073709551615")
]
DAYS = [
    dt.date(2024, 1, 5),
    dt.date(2024, 2, 29),
    dt.date(2024, 3, 1),
    Ago(Duration(1, "days")),
    Ago(Duration(3, "hours")),
]
WRITABLE = [each for each in TEXTS if each not in ("2024-01-05", "2024-02-30")]
"""Texts that a ruleset can write: what looks like a date is one."""


def value_conditions(kind: str) -> st.SearchStrategy[Condition]:
    if kind in NUMBERS:
        numbers = conditions(NUMBER_OPERANDS, keywords=[Keyword.NULL])
        return numbers if kind not in INTEGERS else numbers | conditions(["0", "1", "-5", "01"], PLAIN, [Keyword.NULL])
    if kind == "text":
        return st.one_of(
            conditions(WRITABLE, PLAIN, list(Keyword)),
            conditions(WRITABLE, PLAIN, list(Keyword)),
            conditions(["a", "[a-z]*", ".*", "a|é", "[0-9]+", "..", "\\S+"], ("matches", "not matches")),
            conditions(DAYS, keywords=[Keyword.NULL]),
            conditions(NUMBER_OPERANDS[:2], ("=", ">", "between")),
        )
    if kind == "bool":
        return conditions(["true", "false", "1"], PLAIN, [Keyword.NULL])
    days = conditions(DAYS, keywords=[Keyword.NULL])
    return days if kind == "date" else days | conditions(INSTANTS, PLAIN, [Keyword.NULL])


INSTANTS = ["2024-01-05 00:00:00", "2024-03-01 09:30:00", "2024-03-01 09:30:00+00", "1969-12-31 23:59:59"]
"""Instants as texts, those of Spark and one of another spelling; a day without a time would be a date."""


@st.composite
def group_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    table, where = world.primary, draw(scopes(world.primary))
    several = name in ("Uniqueness", "IsUnique", "IsPrimaryKey", "DuplicateRowCount")
    size = draw(st.integers(0 if name == "DuplicateRowCount" else 1, 3)) if several else 1
    rule = Rule(name, tuple(dict.fromkeys(pick(draw, table, set(KINDS), size=size))), where=where)
    return rule if name in ("IsUnique", "IsPrimaryKey") else draw(measured(rule, world))


@st.composite
def statistic_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    several = 2 if name == "ColumnCorrelation" else 1
    rule = Rule(name, pick(draw, world.primary, NUMBERS, size=several), where=draw(scopes(world.primary)))
    return draw(measured(rule, world))


@st.composite
def row_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    """Completeness, lengths, casts, ages."""
    table, where = world.primary, draw(scopes(world.primary))
    if name == "Completeness":
        return draw(measured(Rule(name, pick(draw, table, set(KINDS)), where=where), world))
    if name == "IsComplete":
        return Rule(name, pick(draw, table, set(KINDS)), where=where)
    if name == "ColumnLength":
        lengths = conditions([Decimal(each) for each in ("0", "1", "2", "3", "1.5", "10")])
        rule = Rule(name, pick(draw, table, {"text"}), draw(lengths), where)
        return draw(maybe_threshold(rule, world))
    if name == "DataFreshness":
        ages = [Duration(*each) for each in ((0, "hours"), (1, "days"), (3, "hours"), (181, "minutes"), (56, "days"))]
        return Rule(name, pick(draw, table, TEMPORAL), draw(conditions(ages)), where)
    columns = pick(draw, table, set(KINDS))
    types = TYPES_OF.get(table.kinds.get(columns[0], "text"), TYPES_OF["text"])
    rule = Rule(name, columns, draw(conditions(types, ("=", "!="))), where)
    return draw(maybe_threshold(rule, world))


TYPES_OF: dict[str, list[str]] = {
    "text": list(CASTS),
    "bool": ["Boolean", "Integer", "Double"],
    **{kind: ["Double", "Float", "Boolean"] for kind in NUMBERS},
    "date": ["Date", "Timestamp"],
    "ts": ["Date", "Timestamp"],
    "tz": ["Date", "Timestamp"],
}


@st.composite
def table_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    table = world.primary
    if name == "ColumnExists":
        return Rule(name, about=Words((draw(st.sampled_from([*table.kinds, "A", "missing"])),)))
    if name == "ColumnNamesMatchPattern":
        return Rule(name, about=Words((draw(st.sampled_from(["[a-z]+", ".*", "a|b|c|id", "[A-Za-z. ]+"])),)))
    if name == "SchemaMatch":
        return draw(measured(Rule(name, about=Words(("ref",))), world))
    where = draw(scopes(table)) if name == "RowCount" else None
    return draw(measured(Rule(name, where=where), world))


@st.composite
def sql_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    table, keep = world.primary, draw(wheres(world.primary))
    if draw(st.booleans()):
        returned = draw(st.lists(st.sampled_from(sorted(table.kinds)), min_size=1, max_size=2, unique=True))
        rule = Rule("CustomSql", about=Returned(tuple(returned), keep))
        return draw(maybe_threshold(rule, world))
    column = draw(st.sampled_from(sorted(table.kinds)))
    aggregates = ["count", *(["min", "max"] if table.kinds[column] in NUMBERS else [])]
    return draw(measured(Rule("CustomSql", about=Answer(draw(st.sampled_from(aggregates)), column, keep)), world))


@st.composite
def reference_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    paired = list(zip(world.primary.kinds, world.ref.kinds, strict=True))
    if name == "RowCountMatch":
        return draw(measured(Rule(name, about=Words(("ref",))), world))
    if name == "AggregateMatch":
        columns = draw(st.sampled_from([pair for pair in paired if world.primary.kinds[pair[0]] in NUMBERS]))
        theirs = draw(st.booleans())
        about = Aggregates(
            (draw(st.sampled_from(["sum", "avg"])), False), (draw(st.sampled_from(["sum", "avg"])), theirs)
        )
        return draw(measured(Rule(name, (columns[0], columns[1 if theirs else 0]), about=about), world))
    chosen = draw(st.lists(st.sampled_from(paired), min_size=1, max_size=3, unique=True))
    if name == "DatasetMatch" and paired[0] == ("id", "id") and draw(st.integers(0, 3)):
        chosen = [paired[0], *(pair for pair in chosen if pair != paired[0])]
    if len(chosen) < 2:
        name = "ReferentialIntegrity"  # a DatasetMatch needs a key and something beside it
    keys = draw(st.integers(1, len(chosen) - 1)) if name == "DatasetMatch" else 0
    about = Partner(tuple(theirs for _, theirs in chosen), keys)
    return draw(measured(Rule(name, tuple(ours for ours, _ in chosen), about=about), world))


FAMILIES: dict[str, Callable[[World, str], st.SearchStrategy[Rule]]] = {
    "ColumnValues": value_rules,
    **dict.fromkeys(("Uniqueness", "IsUnique", "IsPrimaryKey", "UniqueValueRatio", "DuplicateRowCount"), group_rules),
    **dict.fromkeys(("DistinctValuesCount", "Entropy"), group_rules),
    **dict.fromkeys((*STATISTICS, "ColumnCorrelation"), statistic_rules),
    **dict.fromkeys(("Completeness", "IsComplete", "ColumnLength", "ColumnDataType", "DataFreshness"), row_rules),
    **dict.fromkeys(("RowCount", "ColumnCount", "ColumnExists", "ColumnNamesMatchPattern", "SchemaMatch"), table_rules),
    "CustomSql": sql_rules,
    **dict.fromkeys(("ReferentialIntegrity", "DatasetMatch", "RowCountMatch", "AggregateMatch"), reference_rules),
}
NEEDED = {
    **dict.fromkeys((*STATISTICS, "ColumnCorrelation", "AggregateMatch"), NUMBERS),
    "ColumnLength": {"text"},
    "DataFreshness": TEMPORAL,
}
OFTEN = ["ColumnValues"] * 7 + ["CustomSql", "DatasetMatch", "IsUnique", "Uniqueness"]


@st.composite
def rules(draw: st.DrawFn, world: World) -> Rule:
    """A rule of any type that some column is fit for."""
    there = set(world.primary.kinds.values())
    name = draw(st.sampled_from([each for each in (*FAMILIES, *OFTEN) if NEEDED.get(each, there) & there]))
    return draw(FAMILIES[name](world, name))


def composites(world: World) -> st.SearchStrategy[Composite]:
    def of(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Composite]:
        return st.builds(Composite, st.sampled_from(["and", "or"]), st.lists(parts, min_size=2, max_size=3).map(tuple))

    plain = of(rules(world))
    by_row = of(st.one_of(value_rules(world, "ColumnValues").map(without_threshold), rules(world)))
    return st.one_of(plain, by_row, by_row, of(st.one_of(rules(world), by_row)))


def without_threshold(rule: Rule) -> Rule:
    return replace(rule, threshold=None)


@st.composite
def rulesets(draw: st.DrawFn, world: World) -> list[Rule | Composite]:
    """Several rules: their scans are fused, and rules of a grouped column are judged on its groups."""
    any_rule = st.one_of(rules(world), rules(world), rules(world), rules(world), composites(world))
    return [draw(any_rule) for _ in range(draw(st.sampled_from([1, 4, 6, 8, 10, 12])))]


def written(ruleset: Sequence[Rule | Composite]) -> str:
    return "Rules = [\n" + ",\n".join(map(str, ruleset)) + "\n]"


def count(ruleset: Sequence[Rule | Composite]) -> int:
    """Rules, those inside of composites counted."""
    return sum(len(leaves(each)) for each in ruleset)
