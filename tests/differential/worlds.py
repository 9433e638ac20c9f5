"""Tables and rulesets that Hypothesis makes: every measured rule type, with operands drawn from the data and near it."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import spark_text
from differential.oracle import (
    CASTS,
    FLOATS,
    FORMATS,
    INTEGERS,
    NESTED,
    NOW,
    NUMBERS,
    STATISTICS,
    TEMPORAL,
    TIMED,
    Aggregates,
    Ago,
    Answer,
    Clock,
    Composite,
    Condition,
    Duration,
    Keyword,
    Partner,
    Returned,
    Row,
    Rule,
    Sum,
    Table,
    Where,
    Words,
    World,
    as_day,
    as_instant,
    leaves,
    order,
    outcome,
    quoted,
    same,
    spelled,
)
from hypothesis import strategies as st

# -- tables -----------------------------------------------------------------------------------------------------------

TEXTS = [
    "", " ", "  ", "\t", "\r\n", "\u00a0", "\u3000", "\u200b", "a", "A", "a ", "ab", "é", "e\u0301", "ß", "🙂", "it's", 'say "x"',
    "back\\slash", "NULL", "%", "a_b", "a\nb", "$x", "0", "1", "-0", "-5", "+5", "1.", ".5", "1.0", "1.5", "007", " 3 ", "1_0", "1d",
    "2024", "3000000000", "9223372036854775808", "1e3", "1e400", "NaN", "-Infinity", "0x1F", "\u0661", "true", " NO ", "no",
    "2024-01-05", "2024-02", "2024-02-30", "2024-1-5", "2024-01-05 10:00:00", "2024-02-29T23:30:00-05:00", "2024-03-01T12:00:00Z",
    "2024-03-01 09:30", "12:15", "24:00", "05-01-2024", "01/05/2024", "31-02", "29-02", "02/2024",
    "x" * 80, "x" * 80 + "y", "\U0010ffff" * 20,
]  # fmt: skip


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type, misc]


INSTANTS = [
    dt.datetime(1969, 12, 31, 23, 59, 59), dt.datetime(2024, 1, 5), dt.datetime(2024, 2, 29, 23, 59, 59), dt.datetime(2024, 3, 1, 9, 30),
    dt.datetime(2024, 3, 1, 12, 30), dt.datetime(2024, 3, 1, 14, 30), dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59),
]  # fmt: skip
ZONED = [utc(2024, 1, 5), utc(2024, 2, 29, 23), utc(2024, 3, 1, 9, 30), utc(2024, 3, 2), utc(1969, 12, 31, 23, 30)]
KINDS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "i8": (pa.int8(), [-128, -1, 0, 1, 2, 127]),
    "u8": (pa.uint8(), [0, 1, 2, 255]),
    "i16": (pa.int16(), [-(2**15), -1, 0, 1, 2**15 - 1]),
    "u16": (pa.uint16(), [0, 1, 2**16 - 1]),
    "i32": (pa.int32(), [-5, 0, 1, 2, 3, 100]),
    "u32": (pa.uint32(), [0, 1, 2, 2**32 - 1]),
    "i64": (pa.int64(), [-(2**63), -5, 0, 1, 2, 2**53 + 1, 2**63 - 1]),
    "u64": (pa.uint64(), [0, 1, 2, 2**63, 2**64 - 1]),
    "f64": (pa.float64(), [-0.0, 0.0, 0.1, 1.0, 2.5, -3.25, 1e6, 1e9, 1e9 + 1, math.inf, -math.inf, math.nan]),
    "f32": (pa.float32(), [-0.0, 0.0, 0.5, 1.0, 2.5, -3.25, math.inf, -math.inf, math.nan]),  # those that a double holds too
    "dec": (pa.decimal128(9, 2), [Decimal("-0.01"), Decimal("0.00"), Decimal("1.00"), Decimal("2.50"), Decimal("99.99")]),
    "dec38": (
        pa.decimal128(38, 4),
        [Decimal("-0.0001"), Decimal("1.0000"), Decimal("99999999999999999999.5000"), Decimal("-12345678901234567890.1234")],
    ),
    "text": (pa.string(), TEXTS),
    "date": (
        pa.date32(),
        [dt.date(1969, 12, 31), dt.date(2024, 1, 5), dt.date(2024, 2, 29), dt.date(2024, 3, 1), dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    ),
    "ts": (pa.timestamp("us"), INSTANTS),
    "ts_s": (pa.timestamp("s"), INSTANTS),
    "ts_ms": (pa.timestamp("ms"), INSTANTS),
    "tz": (pa.timestamp("us", "UTC"), ZONED),
    "paris": (pa.timestamp("us", "Europe/Paris"), ZONED),
    "bool": (pa.bool_(), [False, True]),
    "bin": (pa.binary(), [b"", b" ", b"a", b"A", b"\x00\xff"]),
    "time": (pa.time64("us"), [dt.time(), dt.time(9, 30), dt.time(23, 59, 59, 999999)]),
    "list": (pa.list_(pa.int32()), [[], [1], [None], [1, 2]]),
    "struct": (pa.struct([("x", pa.int32()), ("y", pa.string())]), [{"x": 1, "y": "a"}, {"x": None, "y": ""}]),
}  # fmt: skip
SCALAR = set(KINDS) - NESTED
NAMES = ["a", "b", "c", "Group", "order id", "x.y", "naïve", "select", "it's", "a-b", "日本", "1"]
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
    "function",
    "case",
    "today",
)


DAYS = [
    dt.date(2024, 1, 5),
    dt.date(2024, 2, 29),
    dt.date(2024, 3, 1),
    Ago(Duration(1, "days")),
    Ago(Duration(3, "hours")),
]
MOMENTS = [
    *DAYS,
    Ago(None),
    Ago(Duration(2, "hours"), "+"),
    Ago(Duration(30, "minutes")),
    Clock(9, 30),
    Clock(0, 0),
    dt.date(1, 1, 1),
    dt.date(9999, 12, 31),
]
"""What a date can be compared with."""


def starts(text: str) -> Callable[[str], bool]:
    return lambda value: value.startswith(text)


FUNCTIONS: dict[str, list[tuple[Any, ...]]] = {
    "text": [
        ("length({}) > 1", lambda value: len(value) > 1),
        ("{} like 'a%'", starts("a")),
        ("{} not like '_'", lambda value: len(value) != 1),
        ("{} rlike '^[0-9]'", lambda value: re.match("[0-9]", value) is not None),
        ("upper({}) = 'A'", lambda value: value.upper() == "A"),
        ("trim({}) = ''", lambda value: value.strip(" ") == ""),
        ("concat({}, '1') in ('1', 'a1')", lambda value: value in ("", "a")),
        ("substring({}, 2) = 'b'", lambda value: value[1:] == "b"),
        ("cast({} as int) > 0", lambda value: above(spark_text.whole(value, 32), 0)),
        ("cast({} as double) >= 1", lambda value: above(spark_text.real(value), 0.99)),
        ("cast({} as boolean)", spark_text.truth),
        ("cast({} as date) > date '2024-01-31'", lambda value: above(spark_text.day(value), dt.date(2024, 1, 31))),
        ("cast({} as timestamp) <= timestamp '2024-01-31 00:00:00'", lambda value: early(spark_text.instant(value, NOW.date()))),
    ],
    "integer": [
        ("{} % 2 = 0", lambda value: value % 2 == 0),
        ("abs(cast({} as double)) > 1.0", lambda value: abs(float(value)) > 1),
        ("{} / 2 >= 1", lambda value: value / 2 >= 1),
        ("coalesce({}, 1) <= 0", lambda value: value <= 0, False),
        ("greatest({}, 0) = 0", lambda value: value <= 0, True),
        ("cast({} as string) like '%1'", lambda value: str(value).endswith("1")),
    ],
    "decimal": [
        ("{} * 2 > 2", lambda value: value * 2 > 2),
        ("cast({} as string) like '-%'", lambda value: value < 0),
    ],
    "float": [
        ("isnan({})", math.isnan, False),
        ("not isnan({})", lambda value: not math.isnan(value), True),
        ("nanvl({}, 0) >= 1", lambda value: not math.isnan(value) and value >= 1),
        ("-{} < 0", lambda value: not math.isnan(value) and value > 0),
    ],
    "date": [
        ("year({}) = 2024", lambda value: as_day(value).year == 2024),
        ("{} in (date '2024-01-05', date '2024-03-01')", lambda value: as_instant(value) in (as_instant(each) for each in DAYS[:3:2])),
        ("cast({} as date) > date '2024-01-31'", lambda value: as_day(value) > dt.date(2024, 1, 31)),
        ("date_format({}, 'yyyy-MM') = '2024-02'", lambda value: f"{as_day(value)}"[:7] == "2024-02"),
    ],
    "bool": [
        ("{}", bool),
        ("not {}", lambda value: not value),
        ("{} = true", bool),
        ("{} and true", bool),
        ("{0} is true", bool, False),
        ("{0} is not false", bool, True),
        ("if({}, 1, 0) = 1", bool, False),
        ("cast({} as int) = 0", lambda value: not value),
    ],
    "any": [
        ("{0} = {0}", lambda value: True),
        ("coalesce({}, null) is not null", lambda value: True, False),
        ("nullif({0}, {0}) is null", lambda value: True, True),
    ],
}  # fmt: skip
"""Conditions on a column `{}` of some kinds, what they say of a value that is there, and of a NULL where they say it."""

FUNCTIONS_OF = {
    "text": "text", "bool": "bool", **dict.fromkeys(INTEGERS, "integer"), **dict.fromkeys(("dec", "dec38"), "decimal"),
    **dict.fromkeys(FLOATS, "float"), **dict.fromkeys(TEMPORAL, "date"),
}  # fmt: skip


def above(found: Any, least: Any) -> bool | None:
    return None if found is None else bool(order(found) > order(least))


def early(found: dt.datetime | None) -> bool | None:
    return None if found is None else found <= dt.datetime(2024, 1, 31)


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
    if form == "known":
        known = draw(st.sampled_from([("true", True), ("false", False), ("null = 1", None), ("1 = 1", True)]))
        return Where(known[0], lambda row: known[1])
    if form == "case" or kind in NESTED:
        return Where(f"case when {name} is null then false else true end", lambda row: row[column] is not None)
    if form == "column":
        other = draw(st.sampled_from([each for each in table.kinds if table.kinds[each] == kind]))
        return Where(f"{name} <= {quoted(other)}", both_of(column, other))
    if form == "today" and kind in TIMED | {"date"}:
        return Where(
            f"{name} <= current_timestamp", known_of(column, lambda value: as_instant(value) <= as_instant(NOW))
        )
    if form == "function" or kind in ("bool", "bin", "time"):
        sql, test, *of_null = draw(st.sampled_from(FUNCTIONS[FUNCTIONS_OF.get(kind, "any")]))
        return Where(sql.format(name), known_of(column, test, *of_null))
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
    return Where(
        f"{name} {draw(st.sampled_from(SPELLINGS.get(operator, [operator])))} {sql_literal(some[0])}",
        known_of(column, test),
    )


SPELLINGS = {"=": ["=", "=="], "<>": ["<>", "!="]}


def known_of(column: str, test: Callable[[Any], bool | None], of_null: bool | None = None) -> Truth:
    return lambda row: of_null if row[column] is None else test(row[column])


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
def respelled(draw: st.DrawFn, rule: Rule, table: Table) -> Rule:
    """The rule, now and then with its columns in other letters: names match in any (B.0.5)."""
    spelled = tuple(each.swapcase() for each in rule.columns)
    clear = all(sum(name.lower() == each.lower() for name in table.kinds) <= 1 for each in rule.columns)
    return replace(rule, spelling=spelled) if spelled and clear and draw(st.integers(0, 9)) == 7 else rule


@st.composite
def value_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    table = world.primary
    (column,) = pick(draw, table, SCALAR)
    rule = Rule(name, (column,), where=draw(scopes(table)))
    condition = draw(value_conditions(table.kinds.get(column, "i32")))
    return draw(maybe_threshold(replace(rule, condition=condition), world))


NUMBER_OPERANDS = [
    *(Decimal(each) for each in ("0", "1", "-5", "0.1", "2.5", "127", "9007199254740993", "18446744073709551615")),
    *(Sum(each) for each in (0, 1, -5)),
]
WRITABLE = [each for each in TEXTS if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}:[0-9]{2}", each)]
"""Texts that a ruleset can write: what looks like a date or a time of day is one."""


def value_conditions(kind: str) -> st.SearchStrategy[Condition]:
    fitting = CONDITIONS_OF.get(kind, ("plain",))
    return st.sampled_from([*fitting * 6, *CONDITIONS]).flatmap(CONDITIONS.__getitem__)


CONDITIONS: dict[str, st.SearchStrategy[Condition]] = {
    "numbers": conditions(NUMBER_OPERANDS, keywords=[Keyword.NULL]),
    "number texts": conditions(
        ["0", "1", "-5", "01", "0.0", "1.0", "1.00", "2.5", "NaN", "1.0E9"], PLAIN, [Keyword.NULL]
    ),
    "texts": conditions(WRITABLE, PLAIN, list(Keyword)),
    "plain": conditions(["true", "false", "1", "a", ""], PLAIN, list(Keyword)),
    "patterns": conditions(
        ["a", "[a-z]*", ".*", "a|é", "[0-9]+", "..", "\\S+", "(?i)a.?", "[^a]", "\\d{4}-\\d\\d"],
        ("matches", "not matches"),
    ),
    "dates": conditions(MOMENTS, keywords=[Keyword.NULL]),
    "instants": conditions(
        ["2024-01-05 00:00:00", "2024-03-01 09:30:00", "2024-03-01 09:30:00+00", "1969-12-31 23:59:59"],
        PLAIN,
        [Keyword.NULL],
    ),
    "few numbers": conditions([*NUMBER_OPERANDS[:5], Sum(1)], keywords=[Keyword.NULL]),
}
CONDITIONS_OF: dict[str, tuple[str, ...]] = {
    "text": ("texts", "texts", "patterns", "dates", "few numbers"),
    **dict.fromkeys(NUMBERS, ("numbers", "numbers", "numbers", "number texts")),
    **dict.fromkeys(TEMPORAL, ("dates", "dates", "instants")),
    "date": ("dates",),
    "bool": ("plain", "plain", "few numbers"),
}
"""Conditions that fit a kind; now and then another is drawn."""


@st.composite
def group_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    table, where = world.primary, draw(scopes(world.primary))
    several = name in ("Uniqueness", "IsUnique", "IsPrimaryKey", "DuplicateRowCount")
    size = draw(st.integers(0 if name == "DuplicateRowCount" else 1, 3)) if several else 1
    rule = Rule(name, tuple(dict.fromkeys(pick(draw, table, SCALAR, size=size))), where=where)
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
        return draw(measured(Rule(name, pick(draw, table, SCALAR), where=where), world))
    if name == "IsComplete":
        return Rule(name, pick(draw, table, SCALAR), where=where)
    if name == "ColumnLength":
        lengths = conditions([Decimal(each) for each in ("0", "1", "2", "3", "1.5", "10")])
        rule = Rule(name, pick(draw, table, {"text"}), draw(lengths), where)
        return draw(maybe_threshold(rule, world))
    if name == "DataFreshness":
        ages = [Duration(*each) for each in ((0, "hours"), (1, "days"), (3, "hours"), (181, "minutes"), (56, "days"))]
        return Rule(name, pick(draw, table, {*TEMPORAL, "text"}), draw(conditions(ages)), where)
    columns = pick(draw, table, SCALAR)
    kind = table.kinds.get(columns[0], "text")
    types = [each for each in CASTS if each != "DECIMAL(5,2)" or kind == "text" or kind in INTEGERS]
    rule = Rule(name, columns, draw(conditions(types, ("=", "!="))), where)
    if rule.condition and rule.condition.operands == ("Date",) and draw(st.booleans()):
        return replace(rule, tag=f'format = "{draw(st.sampled_from([*sorted(FORMATS), "yyyy"]))}"')
    return draw(maybe_threshold(rule, world))


@st.composite
def table_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    table = world.primary
    if name == "ColumnExists":
        return Rule(name, about=Words((draw(st.sampled_from([*table.kinds, "A", "missing"])),)))
    if name == "ColumnNamesMatchPattern":
        return Rule(name, about=Words((draw(st.sampled_from(["[a-z]+", ".*", "a|b|c|id", "[A-Za-z. ]+"])),)))
    if name == "SchemaMatch":
        return draw(measured(Rule(name, about=Words((draw(ALIASES),))), world))
    where = draw(scopes(table)) if name == "RowCount" else None
    return draw(measured(Rule(name, where=where), world))


ALIASES = st.sampled_from(["ref"] * 19 + ["nowhere"])


@st.composite
def found_in_ref(draw: st.DrawFn, world: World) -> Where | None:
    """`a in (select A from ref)` over columns of one kind: NULL where the value is, or where a NULL is among the others."""
    pairs = [
        (ours, theirs)
        for ours, theirs in zip(world.primary.kinds, world.ref.kinds, strict=True)
        if world.primary.kinds[ours] == world.ref.kinds[theirs] and world.primary.kinds[ours] not in NESTED
    ]
    if not pairs:
        return None
    ours, theirs = draw(st.sampled_from(pairs))
    held = [row[theirs] for row in world.ref.rows]

    def truth(row: Row) -> bool | None:
        if not held:
            return False
        if row[ours] is None:
            return None
        found = any(each is not None and same(row[ours], each) for each in held)
        return found or (None if None in held else False)

    where = Where(f"{quoted(ours)} in (select {quoted(theirs)} from ref)", truth)
    return negated(where) if draw(st.booleans()) else where


@st.composite
def sql_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    table, keep = world.primary, draw(wheres(world.primary))
    if draw(st.integers(0, 3)) == 3:
        keep = draw(found_in_ref(world)) or keep
    if draw(st.booleans()):
        plain = sorted(each for each, kind in table.kinds.items() if kind not in NESTED) or ["missing"]
        returned = draw(st.lists(st.sampled_from(plain), min_size=1, max_size=2, unique=True))
        rule = Rule("CustomSql", about=Returned(tuple(returned), keep))
        return draw(maybe_threshold(rule, world))
    column = draw(st.sampled_from(sorted(table.kinds)))
    kind = table.kinds[column]
    fitting = {"count(distinct": SCALAR, "min": NUMBERS, "max": NUMBERS, "sum": SUMMED, "avg": SUMMED}
    aggregates = ["count", *(each for each, kinds in fitting.items() if kind in kinds)]
    return draw(measured(Rule("CustomSql", about=Answer(draw(st.sampled_from(aggregates)), column, keep)), world))


SUMMED = {"i8", "u8", "i16", "u16", "i32", "f64"}
"""Kinds to add up: sums of wider integers wrap in Spark, and averages of decimals are rounded."""


@st.composite
def reference_rules(draw: st.DrawFn, world: World, name: str) -> Rule:
    paired = list(zip(world.primary.kinds, world.ref.kinds, strict=True))
    if name == "RowCountMatch":
        return draw(measured(Rule(name, about=Words((draw(ALIASES),))), world))
    if name == "AggregateMatch":
        columns = draw(st.sampled_from([pair for pair in paired if world.primary.kinds[pair[0]] in NUMBERS]))
        theirs = draw(st.booleans())
        about = Aggregates(
            (draw(st.sampled_from(["sum", "avg"])), False), (draw(st.sampled_from(["sum", "avg"])), theirs)
        )
        return draw(measured(Rule(name, (columns[0], columns[1 if theirs else 0]), about=about), world))
    plain = [pair for pair in paired if world.primary.kinds[pair[0]] not in NESTED] or paired
    chosen = draw(st.lists(st.sampled_from(plain), min_size=1, max_size=3, unique=True))
    if draw(st.integers(0, 19)) == 13:
        chosen.append(("missing", "missing"))
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
    "DataFreshness": {*TEMPORAL, "text"},
}
OFTEN = ["ColumnValues"] * 7 + ["CustomSql", "DatasetMatch", "IsUnique", "Uniqueness"]


@st.composite
def rules(draw: st.DrawFn, world: World) -> Rule:
    """A rule of any type that some column is fit for."""
    there = set(world.primary.kinds.values())
    name = draw(st.sampled_from([each for each in (*FAMILIES, *OFTEN) if NEEDED.get(each, there) & there]))
    rule = draw(FAMILIES[name](world, name))
    return rule if rule.about else draw(respelled(rule, world.primary))


def composites(world: World) -> st.SearchStrategy[Composite]:
    def of(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Composite]:
        return st.builds(Composite, st.sampled_from(["and", "or"]), st.lists(parts, min_size=2, max_size=3).map(tuple))

    plain = of(rules(world))
    by_row = of(st.one_of(value_rules(world, "ColumnValues").map(without_threshold), rules(world)))
    return st.one_of(plain, by_row, by_row, of(st.one_of(rules(world), by_row)))


def without_threshold(rule: Rule) -> Rule:
    return replace(rule, threshold=None)


def hoisted(rule: Rule | Composite, name: str) -> Rule | Composite:
    """The rule with a variable for the texts of its condition, the first rule of a composite where it has some."""
    if isinstance(rule, Composite):
        return replace(rule, parts=(hoisted(rule.parts[0], name), *rule.parts[1:]))
    condition = rule.condition
    if condition and condition.operator in PLAIN and all(isinstance(each, str) for each in condition.operands):
        return rule if rule.name != "ColumnValues" else replace(rule, condition=replace(condition, variable=name))
    return rule


@st.composite
def rulesets(draw: st.DrawFn, world: World) -> list[Rule | Composite]:
    """Several rules: their scans are fused, and rules of a grouped column are judged on its groups."""
    any_rule = st.one_of(rules(world), rules(world), rules(world), rules(world), composites(world))
    drawn = [draw(any_rule) for _ in range(draw(st.sampled_from([1, 4, 6, 8, 10, 12])))]
    return [hoisted(each, f"v{at}") if draw(st.integers(0, 3)) == 3 else each for at, each in enumerate(drawn)]


ANALYZED = (
    "RowCount", "ColumnCount", "Completeness", "Uniqueness", "UniqueValueRatio", "DistinctValuesCount", "Entropy", "ColumnValues",
    "ColumnLength", "ColumnCorrelation", "DuplicateRowCount", *STATISTICS,
)  # fmt: skip


@st.composite
def analyzers(draw: st.DrawFn, world: World) -> list[Rule]:
    """Rules without anything to judge by."""
    there = set(world.primary.kinds.values())
    names = st.sampled_from([each for each in ANALYZED if NEEDED.get(each, there) & there])
    drawn = [draw(FAMILIES[name](world, name)) for name in draw(st.lists(names, max_size=4))]
    bare = [replace(each, condition=None, where=None, threshold=None) for each in drawn]
    return list({str(each): each for each in bare}.values())


def written(ruleset: Sequence[Rule | Composite], analyzers: Sequence[Rule] = ()) -> str:
    listed = {"Rules": ruleset, "Analyzers": analyzers}
    sections = (f"{name} = [\n" + ",\n".join(map(str, each)) + "\n]\n" for name, each in listed.items() if each)
    return "".join([*declarations(ruleset), *sections])


def declarations(ruleset: Sequence[Rule | Composite]) -> Iterator[str]:
    """The variables of its rules: a text behind `=` and `!=`, a list behind `in`."""
    for condition in (leaf.condition for rule in ruleset for leaf in leaves(rule)):
        if condition and condition.variable:
            words = ", ".join(map(spelled, condition.operands))
            yield f"{condition.variable} = {f'[{words}]' if condition.operator.endswith('in') else words}\n"
