"""What the Hive metastore says of a table, as the Glue Data Catalog does: types, storage, partitions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from dq.catalog.selection import LATEST, PartitionFilter
from dq.diagnostics import DataError
from dq.sources.options import ReadOptions

# -- types ---------------------------------------------------------------------------------------------

_SIMPLE = {
    "string": "VARCHAR",
    "char": "VARCHAR",
    "varchar": "VARCHAR",
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "long": "BIGINT",
    "float": "FLOAT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "decimal": "DECIMAL(10, 0)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamp with local time zone": "TIMESTAMPTZ",
    "binary": "BLOB",
    "void": "VARCHAR",
}


def sql_type(hive: str) -> str:
    """A type of Hive in DuckDB's words, such as `struct<a:int,b:array<string>>`.

    Raises:
        DataError: a type that has no equal.
    """
    kind, rest = _type(hive.strip())
    if rest:
        raise _unknown(hive)
    return kind


def _type(text: str) -> tuple[str, str]:
    """The type that a text begins with, and what follows it."""
    name = re.match(r"[a-z][a-z ]*[a-z]|[a-z]", text, re.IGNORECASE)
    if not name:
        raise _unknown(text)
    word, rest = name[0].strip().lower(), text[name.end() :].lstrip()
    if rest.startswith("<") and word in ("array", "map", "struct"):
        return _nested(word, rest[1:])
    digits = re.match(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", rest)
    if digits:
        rest = rest[digits.end() :].lstrip()
        if word in ("decimal", "numeric"):
            return f"DECIMAL({digits[1]}, {digits[2] or 0})", rest
    if word not in _SIMPLE:
        raise _unknown(text)
    return _SIMPLE[word], rest


def _nested(word: str, text: str) -> tuple[str, str]:
    inner: list[str] = []
    while True:
        field_name = ""
        if word == "struct":
            named = re.match(r"\s*([^:<>,]+):", text)
            if not named:
                raise _unknown(text)
            field_name, text = '"{}" '.format(named[1].strip().replace('"', '""')), text[named.end() :]
        kind, text = _type(text.lstrip())
        inner.append(field_name + kind)
        if text.startswith(","):
            text = text[1:].lstrip()
            continue
        if not text.startswith(">"):
            raise _unknown(text)
        text = text[1:].lstrip()
        break
    if word == "array" and len(inner) == 1:
        return f"{inner[0]}[]", text
    if word == "map" and len(inner) == 2:
        return f"MAP({inner[0]}, {inner[1]})", text
    if word == "struct":
        return f"STRUCT({', '.join(inner)})", text
    raise _unknown(word)


def _unknown(hive: str) -> DataError:
    return DataError(f"the catalog gives a column the type `{hive}`, which is not known")


# -- storage -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Storage:
    """How the files of a table are written: their format, and for CSV and JSON how they are read.

    CSV columns stand in the order of the catalog, whatever a header says.
    """

    format: str
    options: ReadOptions = field(default_factory=ReadOptions)


_FORMATS = {
    "ParquetHiveSerDe": "parquet",
    "LazySimpleSerDe": "csv",
    "OpenCSVSerde": "csv",
    "JsonSerDe": "json",
    "OrcSerde": "ORC",
    "AvroSerDe": "Avro",
    "GrokSerDe": "log lines that a grok pattern reads",
    "RegexSerDe": "lines that a regular expression reads",
    "XmlSerDe": "XML",
    "IonHiveSerDe": "Ion",
    "CloudTrailSerde": "CloudTrail records",
    "LazyBinaryColumnarSerDe": "RCFile",
}
_READ = ("parquet", "csv", "json")


def storage(table: Mapping[str, Any], name: str) -> Storage:
    """How the files of a table are written, as its storage descriptor says.

    Raises:
        DataError: a format that is not read, or a table without files.
    """
    descriptor = table.get("StorageDescriptor", {})
    parameters = {**table.get("Parameters", {}), **descriptor.get("Parameters", {})}
    serde = descriptor.get("SerdeInfo", {})
    library = serde.get("SerializationLibrary", "").rpartition(".")[2]
    kind = _FORMATS.get(library) or parameters.get("classification", "").lower()
    if kind not in _READ:
        written = kind or library or "a format that its catalog entry does not name"
        raise DataError(
            f"`{name}` is written as {written}: this is not supported", help="Parquet, CSV and JSON are read"
        )
    if kind != "csv":
        return Storage(kind, ReadOptions(format=kind))
    settings = {**parameters, **serde.get("Parameters", {})}
    return Storage("csv", _csv(library, settings))


def _csv(library: str, settings: Mapping[str, str]) -> ReadOptions:
    skip = int(settings.get("skip.header.line.count") or 0)
    if library == "OpenCSVSerde":
        return ReadOptions(
            format="csv",
            delimiter=settings.get("separatorChar", ","),
            quote=settings.get("quoteChar", '"'),
            escape=settings.get("escapeChar", "\\"),
            header=False,
            skip=skip,
        )
    delimiter = settings.get("field.delim") or settings.get("delimiter") or settings.get("serialization.format")
    return ReadOptions(
        format="csv",
        delimiter="\x01" if delimiter in (None, "", "1") else delimiter,
        quote=settings.get("quote.delim", ""),
        escape=settings.get("escape.delim"),
        nullstr=settings.get("serialization.null.format", "\\N"),
        header=False,
        skip=skip,
    )


# -- partitions ----------------------------------------------------------------------------------------

NUMBERS = ("tinyint", "smallint", "int", "integer", "bigint", "long", "decimal", "float", "double")


def expression(filters: Sequence[PartitionFilter], keys: Mapping[str, str]) -> str:
    """Filters as the catalog takes them, so that it sends the partitions that can be meant and no others.

    `keys` are the types of the partition keys by name, in lower case. `latest` does not stand in it.
    """
    return " AND ".join(_condition(each, keys) for each in filters if each.operator != LATEST)


def _condition(wanted: PartitionFilter, keys: Mapping[str, str]) -> str:
    column = wanted.column.lower()
    plain = keys.get(column, "string").partition("(")[0] in NUMBERS
    values = [value if plain else "'{}'".format(value.replace("'", "''")) for value in wanted.values]
    if wanted.operator == "between":
        return f"{column} BETWEEN {values[0]} AND {values[1]}"
    if wanted.operator == "in":
        return f"{column} IN ({', '.join(values)})"
    return f"{column} {'<>' if wanted.operator == '!=' else wanted.operator} {values[0]}"


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition: the texts of its keys, in their order, and where its files lie."""

    values: Mapping[str, str]
    location: str


MOST_PROJECTED = 100_000
"""How many partitions a projection may make; Athena stops at a million."""


def is_projected(parameters: Mapping[str, str]) -> bool:
    """Whether the partitions of a table are computed instead of listed."""
    return parameters.get("projection.enabled", "").lower() == "true"


def projected(
    keys: Mapping[str, str],
    parameters: Mapping[str, str],
    location: str,
    filters: Sequence[PartitionFilter],
    now: datetime,
) -> Iterator[Partition]:
    """The partitions that a projection makes, in order, before filters; where nothing lies, nothing is read.

    Ranges of dates may say NOW. A key of type `injected` takes the values of a filter `=` or `in` on it.

    Source: "Partition projection" in the user guide of Amazon Athena.

    Raises:
        DataError: a projection that cannot be computed, or that makes too many partitions.
    """
    values = [list(_projected_values(key, parameters, filters, now)) for key in keys]
    total = 1
    for each in values:
        total *= len(each)
    if total > MOST_PROJECTED:
        raise DataError(
            f"the partition projection makes {total:,} partitions",
            help=f"filter them: at most {MOST_PROJECTED:,} are read",
        )
    template = parameters.get("storage.location.template")
    for combination in itertools.product(*values):
        named = dict(zip(keys, combination, strict=True))
        yield Partition(named, _place(template, location, named))


def _place(template: str | None, location: str, values: Mapping[str, str]) -> str:
    if template is None:
        return "/".join([location.rstrip("/"), *(f"{name}={value}" for name, value in values.items())])
    return re.sub(r"\$\{([^}]+)\}", lambda found: values.get(found[1].lower(), found[0]), template)


def _projected_values(
    key: str, parameters: Mapping[str, str], filters: Sequence[PartitionFilter], now: datetime
) -> Iterator[str]:
    settings = {
        name.removeprefix(f"projection.{key}."): value
        for name, value in parameters.items()
        if name.startswith(f"projection.{key}.")
    }
    kind = settings.get("type", "").lower()
    if kind == "enum":
        yield from (value.strip() for value in settings.get("values", "").split(","))
    elif kind == "integer":
        first, last = _range(key, settings)
        width = int(settings.get("digits") or 0)
        numbers = range(int(first), int(last) + 1, int(settings.get("interval") or 1))
        if len(numbers) > MOST_PROJECTED:
            raise _too_many(key)
        yield from (f"{number:0{width}d}" for number in numbers)
    elif kind == "date":
        yield from _dates(key, settings, now)
    elif kind == "injected":
        given = [each for each in filters if each.column.lower() == key and each.operator in ("=", "in")]
        if not given:
            raise DataError(
                f"the partitions of `{key}` are injected: only a filter says which there are", help=f"{key}=…"
            )
        yield from given[0].values
    else:
        raise DataError(f"the partition projection of `{key}` has the type `{kind}`, which is not known")


def _too_many(key: str) -> DataError:
    return DataError(f"the partition projection of `{key}` makes more than {MOST_PROJECTED:,} values")


def _range(key: str, settings: Mapping[str, str]) -> tuple[str, str]:
    first, comma, last = settings.get("range", "").partition(",")
    if not comma:
        raise DataError(f"the partition projection of `{key}` has no range")
    return first.strip(), last.strip()


_LETTERS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_UNITS = {"seconds": "seconds", "minutes": "minutes", "hours": "hours", "days": "days", "weeks": "weeks"}


def _dates(key: str, settings: Mapping[str, str], now: datetime) -> Iterator[str]:
    written = settings.get("format", "yyyy-MM-dd")
    pattern = re.sub(r"'([^']*)'|[A-Za-z]+", lambda found: _letters(key, found), written)
    first, last = (_instant(key, each, pattern, now) for each in _range(key, settings))
    unit = settings.get("interval.unit", "").lower() or _smallest_unit(pattern)
    step = int(settings.get("interval") or 1)
    made = 0
    while first <= last:
        yield first.strftime(pattern)
        first = _later(key, first, unit, step)
        made += 1
        if made > MOST_PROJECTED:
            raise _too_many(key)


def _letters(key: str, found: re.Match[str]) -> str:
    if found[1] is not None:
        return found[1].replace("%", "%%")
    if found[0] not in _LETTERS:
        raise DataError(f"the partition projection of `{key}` writes dates as `{found[0]}`, which is not known")
    return _LETTERS[found[0]]


def _smallest_unit(pattern: str) -> str:
    units = (("%S", "seconds"), ("%M", "minutes"), ("%H", "hours"), ("%d", "days"), ("%m", "months"))
    return next((unit for letters, unit in units if letters in pattern), "years")


def _instant(key: str, text: str, pattern: str, now: datetime) -> datetime:
    relative = re.fullmatch(r"NOW\s*(?:([+-])\s*(\d+)\s*([A-Z]+?)S?)?", text, re.IGNORECASE)
    if relative:
        if not relative[1]:
            return now
        amount = int(relative[2]) * (1 if relative[1] == "+" else -1)
        return _later(key, now, f"{relative[3].lower()}s", amount)
    try:
        return datetime.strptime(text, pattern)
    except ValueError:
        raise DataError(
            f"the partition projection of `{key}` has the date `{text}`, which is not of its format"
        ) from None


def _later(key: str, instant: datetime, unit: str, amount: int) -> datetime:
    if unit in _UNITS:
        return instant + timedelta(**{_UNITS[unit]: amount})
    months = {"months": 1, "years": 12}.get(unit)
    if months is None:
        raise DataError(f"the partition projection of `{key}` counts in `{unit}`, which is not known")
    at = instant.year * 12 + instant.month - 1 + amount * months
    year, month = divmod(at, 12)
    day = min(instant.day, (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day)
    return instant.replace(year=year, month=month + 1, day=day)
