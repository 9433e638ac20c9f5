"""Our own conformance cases: `cases/<RuleType>.yaml`, read strictly.

A file holds the cases of one rule type, in groups that share a table and the paragraph that decides:

    rule_type: Completeness
    groups:
    - about: what counts as a value
      source: "B.6: rows with a value over rows in scope; NULL is the only missing value"
      data: orders
      metric: Column.email.Completeness
      cases:
      - {rule: 'Completeness "email" > 0.8', verdict: PASSED, value: 5/6, fails: [3]}

Row numbers count from 1. What a case leaves out is asserted too: without `fails` no row fails, without `skips` none
is skipped, and the metrics are the given ones and no others. `rows: none` in the head of a file says that the rule
type has nothing to say of single rows, so that each of its cases skips all of them; so does every ERROR. `REFUSED`
is the verdict on a ruleset that does not get as far as the data. Tables stand in `tables.yaml`, or in the file that
needs them alone.

`rule` may be an analyzer too, with a verdict of its own kind: MEASURED, or UNMEASURED where that is an error. A metric
without a value is null, `edges` and `counts` are those of a distribution. A group with a `history` has the earlier
values of its metrics, the newest first.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import yaml

FOLDER = Path(__file__).parent / "cases"
SHARED = FOLDER / "tables.yaml"
OTHER_SUBJECTS = ("Composites",)
"""Files that are about no single rule type."""

SOURCE = re.compile(r"([A-K][0-9.]*(, [A-K][0-9.]*)*|docs/[a-z]+\.md): \S")
"""`B.21.1: a NULL fails every condition but != and not in`: paragraphs of the reference, and what they say."""

OF_ANALYZERS = ("MEASURED", "UNMEASURED")
VERDICTS = ("PASSED", "FAILED", "ERROR", "REFUSED", *OF_ANALYZERS)
REASONED = ("ERROR", "REFUSED", "UNMEASURED")
"""Verdicts of which a case must tell some words of the reason."""


class CaseError(Exception):
    """A case file that is wrong."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A rule, or an analyzer, and what is expected of it.

    `value` is that of the group's metric; it and the `metrics` are numbers or `5/6`.
    """

    rule: str
    verdict: str
    value: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    fails: tuple[int, ...] = ()
    skips: tuple[int, ...] | str = ()
    reason: str = ""
    edges: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    source: str = ""
    xfail: str = ""

    @property
    def judged(self) -> bool:
        """Whether it is about a rule that gets as far as the data."""
        return self.verdict not in ("REFUSED", *OF_ANALYZERS)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Cases on the same data. `data` names a table, or a table for each alias."""

    about: str
    source: str
    cases: tuple[Case, ...]
    data: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    metric: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A small table: its columns with their types, and its rows. Equal is the same one."""

    columns: Mapping[str, str]
    rows: tuple[tuple[Any, ...], ...]

    def arrow(self) -> pa.Table:
        columns = list(zip(*self.rows, strict=True)) or [()] * len(self.columns)
        arrays = {
            name: pa.array([cell(each, kind) for each in column], arrow_type(kind))
            for (name, kind), column in zip(self.columns.items(), columns, strict=True)
        }
        return pa.table(arrays)


@dataclass(frozen=True, kw_only=True)
class Content:
    """A file: what it holds, as text or as so many bytes, and when it was modified."""

    text: str = ""
    size: int = 0
    modified: Any = None


@dataclass(frozen=True, kw_only=True)
class CaseFile:
    """The cases of a rule type."""

    rule_type: str
    groups: tuple[Group, ...]
    rows: str = "judged"
    tables: Mapping[str, Table] = field(default_factory=dict)
    folders: Mapping[str, Mapping[str, Content]] = field(default_factory=dict)


TYPES = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "binary": pa.binary(),
    "time": pa.time64("us"),
    "list": pa.list_(pa.int32()),
    "struct": pa.struct([("a", pa.int32())]),
}


def arrow_type(kind: str) -> pa.DataType:
    if found := re.fullmatch(r"decimal\((\d+),(\d+)\)", kind):
        return pa.decimal128(int(found[1]), int(found[2]))
    return TYPES[kind]


def cell(value: Any, kind: str) -> Any:
    """A value of YAML as one of this type: decimals, bytes and times of day are written as texts."""
    if value is None:
        return None
    if kind.startswith("decimal"):
        return Decimal(str(value))
    if kind == "binary":
        return value.encode()
    return dt.time.fromisoformat(value) if kind == "time" else value


# -- reading -------------------------------------------------------------------------------------------


class _Loader(yaml.CSafeLoader):
    """Plain YAML in which no key stands twice."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    if twice := {str(key) for key in keys if keys.count(key) > 1}:
        raise CaseError(f"line {node.start_mark.line + 1}: {', '.join(sorted(twice))} stands twice")
    return dict(zip(keys, (loader.construct_object(value, deep=True) for _, value in node.value), strict=True))


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
T = TypeVar("T")


def known(of: type[T], given: Mapping[str, Any], where: str) -> T:
    """An instance of a dataclass from a mapping that holds its keys, and no others."""
    names = {each.name: each for each in fields(of)}  # type: ignore[arg-type]
    if unknown := set(given) - set(names):
        raise CaseError(f"{where}: unknown key {', '.join(sorted(unknown))}")
    needed = {name for name, each in names.items() if each.default is MISSING and each.default_factory is MISSING}
    if missing := needed - set(given):
        raise CaseError(f"{where}: missing key {', '.join(sorted(missing))}")
    return of(**given)


def number(value: Any) -> float:
    return float(Fraction(value)) if isinstance(value, str) else float(value)


def read_case(given: Mapping[str, Any], where: str) -> Case:
    case = dict(given)
    if "value" in case:
        case["value"] = number(case["value"])
    case["metrics"] = {
        name: None if value is None else number(value) for name, value in case.get("metrics", {}).items()
    }
    case["fails"] = tuple(case.get("fails", ()))
    case["skips"] = case["skips"] if case.get("skips") == "all" else tuple(case.get("skips", ()))
    case["edges"], case["counts"] = tuple(case.get("edges", ())), tuple(case.get("counts", ()))
    found = known(Case, case, f"{where}, {case.get('rule')}")
    if found.verdict not in VERDICTS:
        raise CaseError(f"{where}, {found.rule}: no verdict {found.verdict}")
    if found.verdict in REASONED and not found.reason:
        raise CaseError(f"{where}, {found.rule}: {found.verdict} needs some words of its reason")
    return found


def read_group(given: Mapping[str, Any], where: str) -> Group:
    group = dict(given)
    where = f"{where}, {group.get('about')}"
    if isinstance(group.get("data"), str):
        group["data"] = {"primary": group["data"]}
    group["cases"] = tuple(read_case(each, where) for each in group.get("cases", ()))
    found = known(Group, group, where)
    if not SOURCE.match(found.source):
        raise CaseError(f"{where}: the source names no paragraph, or does not say what stands there")
    return found


def read_tables(given: Mapping[str, Any], where: str) -> dict[str, Table]:
    return {
        name: known(Table, {**table, "rows": tuple(tuple(row) for row in table.get("rows", ()))}, f"{where}, {name}")
        for name, table in given.items()
    }


def read_file(text: str, where: str) -> CaseFile:
    """A case file from its text; what it does not know is an error."""
    given = dict(yaml.load(text, _Loader))
    given["groups"] = tuple(read_group(each, where) for each in given.get("groups", ()))
    given["tables"] = read_tables(given.get("tables", {}), where)
    given["folders"] = {
        name: {path: known(Content, content, f"{where}, {path}") for path, content in files.items()}
        for name, files in given.get("folders", {}).items()
    }
    found = known(CaseFile, given, where)
    if found.rule_type != Path(where).stem or found.rows not in ("judged", "none"):
        raise CaseError(f"{where}: a wrong head")
    return found


@cache
def shared_tables() -> dict[str, Table]:
    return read_tables(yaml.load(SHARED.read_text(encoding="utf-8"), _Loader), SHARED.name)


@cache
def case_files() -> dict[str, CaseFile]:
    """Every case file by its subject."""
    paths = sorted(path for path in FOLDER.glob("*.yaml") if path != SHARED)
    return {path.stem: read_file(path.read_text(encoding="utf-8"), path.name) for path in paths}


def tables_of(file: CaseFile, group: Group) -> dict[str, Table]:
    """The tables of a group by their aliases."""
    return {alias: {**shared_tables(), **file.tables}[name] for alias, name in group.data.items()}
