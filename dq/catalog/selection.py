"""Which part of a table is meant, and which version of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dq.diagnostics import DqError

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class PartitionFilter:
    """A condition on a partition column: `dt=2026-11-01`, `dt>=2026-11-01`, `dt=2026-11-01..2026-11-07`, `dt=latest`.

    `operator` is one of `=`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `between` (both ends included) and `latest`, which has
    no values and means the greatest value of the column among the partitions that meet the other filters.
    """

    column: str
    operator: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.operator == LATEST:
            return f"{self.column}={LATEST}"
        if self.operator == "between":
            return f"{self.column}={self.values[0]}..{self.values[1]}"
        return f"{self.column}{'=' if self.operator == 'in' else self.operator}{','.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of a table is meant, and which version.

    All partition filters must hold. `snapshot` is a snapshot, version, tag or branch as the table calls it; `as_of` the
    instant whose version is meant, aware. At most one of the two is given.
    """

    partitions: tuple[PartitionFilter, ...] = ()
    snapshot: str | None = None
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        if self.snapshot is not None and self.as_of is not None:
            raise DqError("a snapshot and an instant are given: a table has one version at a time", help="give one")

    def __bool__(self) -> bool:
        return bool(self.partitions) or self.snapshot is not None or self.as_of is not None

    def __str__(self) -> str:
        words = [str(each) for each in self.partitions]
        if self.snapshot is not None:
            words.append(f"snapshot {self.snapshot}")
        if self.as_of is not None:
            words.append(f"as of {self.as_of.isoformat()}")
        return ", ".join(words)


EVERYTHING = Selection()
"""The whole table as it is now."""


def selection(
    partitions: Iterable[str] = (), *, snapshot: str | None = None, as_of: str | datetime | None = None
) -> Selection:
    """A selection as a user writes it.

    Args:
        partitions: texts such as `dt=2026-11-01`, `dt>=2026-11-01`, `dt=2026-11-01..2026-11-07`, `dt=latest` or
            `country=DE,FR`.
        snapshot: a snapshot, version, tag or branch as the table calls it.
        as_of: an instant, ISO 8601; in UTC without a zone.

    Raises:
        DqError: a text of another form, or both a snapshot and an instant.
    """
    return Selection(tuple(map(partition_filter, partitions)), snapshot, _instant(as_of))


def partition_filter(text: str) -> PartitionFilter:
    """A filter from its text.

    Raises:
        DqError: a text of another form.
    """
    read = re.fullmatch(r"([^<>!=]+)(<=|>=|!=|=|<|>)(.*)", text, re.DOTALL)
    column, operator, value = (part.strip() for part in read.groups()) if read else ("", "", "")
    if not column or not value:
        raise DqError(
            f"`{text}` is no partition filter",
            help="write `dt=2026-11-01`, `dt>=2026-11-01`, `dt=2026-11-01..2026-11-07`, `country=DE,FR` or `dt=latest`",
        )
    if operator != "=":
        return PartitionFilter(column, operator, (value,))
    if value == LATEST:
        return PartitionFilter(column, LATEST)
    first, dots, last = value.partition("..")
    if dots and first and last:
        return PartitionFilter(column, "between", (first.strip(), last.strip()))
    listed = tuple(each.strip() for each in value.split(","))
    return PartitionFilter(column, "in" if len(listed) > 1 else "=", listed)


def _instant(value: str | datetime | None) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise DqError(
                f"`{value}` is no instant", help="write ISO 8601, such as 2026-11-01 or 2026-11-01T12:00:00Z"
            ) from None
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


# -- partitions that are known by the texts of their keys ----------------------------------------------


def chosen(partitions: Iterable[Mapping[str, str]], filters: Iterable[PartitionFilter]) -> list[int]:
    """The positions of the partitions that meet all filters, in order; keys are texts, as in folders `key=value`.

    Two texts that are both numbers compare as numbers, all others as texts. Columns are found by name in letters of
    any case.

    Raises:
        DqError: a filter on a column that is no partition column.
    """
    listed = [{name.casefold(): value for name, value in each.items()} for each in partitions]
    kept = list(range(len(listed)))
    ordered = sorted(filters, key=lambda each: each.operator == LATEST)
    for each in ordered:
        name = each.column.casefold()
        if listed and any(name not in keys for keys in listed):
            keys = ", ".join(f"`{key}`" for key in listed[0]) or "none"
            raise DqError(f"`{each.column}` is no partition column", help=f"partition columns: {keys}")
        if each.operator == LATEST:
            newest = max((_key(listed[at][name]) for at in kept), default=None)
            kept = [at for at in kept if _key(listed[at][name]) == newest]
        else:
            kept = [at for at in kept if _meets(listed[at][name], each)]
    return kept


def _key(text: str) -> tuple[int, float, str]:
    """Numbers before texts, each in its own order."""
    try:
        return (0, float(text), "")
    except ValueError:
        return (1, 0.0, text)


def _meets(text: str, wanted: PartitionFilter) -> bool:
    match wanted.operator:
        case "between":
            low, high = wanted.values
            return _order(text, low) >= 0 and _order(text, high) <= 0
        case "=" | "in":
            return any(_order(text, value) == 0 for value in wanted.values)
        case "!=":
            return all(_order(text, value) != 0 for value in wanted.values)
        case "<":
            return _order(text, wanted.values[0]) < 0
        case "<=":
            return _order(text, wanted.values[0]) <= 0
        case ">":
            return _order(text, wanted.values[0]) > 0
        case _:
            return _order(text, wanted.values[0]) >= 0


def _order(text: str, value: str) -> int:
    """Negative, 0 or positive as a text is below, equal to or above a value: as numbers if both are, else as texts."""
    one, other = _key(text), _key(value)
    if one[0] != other[0]:
        return (text > value) - (text < value)
    return (one > other) - (one < other)
