"""The recorded row-level outcomes, how ours compare with them, and why some differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from recorded import cases, evaluation
from sparks import dictionaries

COLUMNS = {"DataQualityRulesPass": "pass", "DataQualityRulesFail": "fail", "DataQualityRulesSkip": "skip"}


class Reason(NamedTuple):
    """Why rows of some rules differ on purpose: the rules and cases it covers, by how they begin."""

    rule: str
    case: str
    why: str


REASONS = (
    Reason("ColumnDataType", "", "J20: the guide gives it rows"),
    Reason("DataFreshness", "", "J20: the guide gives it rows"),
    Reason("ReferentialIntegrity", "", "J20: the guide gives it rows"),
    Reason("DatasetMatch", "", "J20: the guide gives it rows"),
    Reason("ColumnLength", "ColumnLength-10", "B.0.5: the column is no text, so the rule is an ERROR and skips rows"),
    Reason("ColumnLength", "", "J3, J4: a NULL has length 0, and every row is judged by its own length"),
    Reason("Uniqueness", "Uniqueness-04", "B.8: rows without a value are skipped; F.5: rows outside of where pass"),
    Reason("UniqueValueRatio", "UniqueValueRatio-03", "F.5: a row for which where is NULL is out of scope; B.8"),
    Reason("Uniqueness", "", "B.8: a row whose columns are all NULL is skipped, as the share leaves it out"),
    Reason("IsUnique", "", "B.8: a row whose columns are all NULL is skipped, as the share leaves it out"),
    Reason("UniqueValueRatio", "", "B.8: a row whose columns are all NULL is skipped, as the share leaves it out"),
    Reason("DuplicateRowCount", "", "B.8: a row whose columns are all NULL is skipped, as the count leaves it out"),
    Reason("IsPrimaryKey", "", "J5: every column of the key must be complete"),
    Reason("ColumnValues", "ColumnValues.num-05", "B.0.3: a NaN is above every number"),
    Reason("ColumnValues", "ColumnValues.str-02", "J2: a NULL passes `!=` and `not in`, and fails the others"),
    Reason("ColumnValues", "ColumnValues.str-03", "J2: a NULL passes `!=` and `not in`, and fails the others"),
    Reason("ColumnValues", "ColumnValues.str-04", "A.5: quotes in values are values"),
    Reason("ColumnValues", "ColumnValues.str-06", "A.5: backslashes in values mean the same everywhere"),
    Reason(
        "ColumnValues", "ColumnValues.str-08", "J9, J10: the whole value matches, and `not matches` is the negation"
    ),
    Reason("ColumnValues", "ColumnValues.str-10", "J10: `not matches` is the negation of `matches`"),
    Reason(
        "ColumnValues", "ColumnValues.str-14", "B.0.5: the column is no text, so the rule is an ERROR and skips rows"
    ),
    Reason("ColumnValues", "ColumnValues.str-25", "A.5: quotes in values are values"),
    Reason("ColumnValues", "ColumnValues.str-26", "A.5: backslashes in values mean the same everywhere"),
    Reason("ColumnValues", "ColumnValues.date-01", "J8: a NULL is not outside of anything"),
    Reason("ColumnValues", "ColumnValues.date-18", "B.21.4: a text that is no date fails every comparison"),
    Reason("CustomSql", "CustomSql.row-04", "B.23: a query that returns other columns is an ERROR and skips rows"),
    Reason("CustomSql", "CustomSql.row-08", "B.0.5: names match without regard to letter case"),
    Reason("CustomSql", "CustomSql.row-11", "A.5: quotes in values are decoded"),
)


def reason(rule: str, case: str) -> str | None:
    """Why a rule of a case may differ: the first reason that covers it."""
    return next((each.why for each in REASONS if rule.startswith(each.rule) and case.startswith(each.case)), None)


def plain(text: str) -> str:
    """A rule's text without what the published printer loses or reorders: escapes, blanks, labels."""
    return text.replace("\\", "").replace(" ", "").split("labels=")[0]


def as_key(value: Any) -> Any:
    """A value as the recorded keys write it."""
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, datetime):
        return {"timestamp": str(value)}
    return {"date": str(value)} if isinstance(value, date) else value


def with_rows() -> list[dict[str, Any]]:
    return [case for case in cases() if case.get("rows")]


class Compared(NamedTuple):
    """One rule of a case: how many rows were compared, and those that differ as (key, recorded, ours)."""

    rule: str
    rows: int
    different: tuple[tuple[str, str, str], ...]


@cache
def evaluated(case_id: str, engine: str = "duckdb") -> list[dict[str, Any]]:
    return dictionaries(evaluation(next(case for case in cases() if case["id"] == case_id), engine).rows())


def compared(case: dict[str, Any], engine: str = "duckdb") -> Iterator[Compared]:
    """How the rows of each rule compare; rows that the recording multiplied are looked up by their key."""
    ours = evaluated(case["id"], engine)
    names = list(case["rows"][0]["key"])
    for number, expected in enumerate(case["expected"]):
        text = plain(expected["rule"])
        recorded = {
            json.dumps(row["key"], sort_keys=True): next(kind for kind in COLUMNS.values() if number in row[kind])
            for row in case["rows"]
            if any(number in row[kind] for kind in COLUMNS.values())
        }
        different = []
        for row in ours:
            key = json.dumps({name: as_key(row[name]) for name in names}, sort_keys=True)
            kind = next(kind for column, kind in COLUMNS.items() if text in map(plain, row[column]))
            if key in recorded and recorded[key] != kind:
                different.append((key, recorded[key], kind))
        yield Compared(expected["rule"], len(ours), tuple(different))
