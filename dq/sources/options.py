"""How to read a file when looking at it is not enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from dq.diagnostics import DqError


class NoData(Enum):
    """That no data is given, which rules about files can do without. None is not it: that is a mistake."""

    NO_DATA = "no data"


NO_DATA = NoData.NO_DATA

FORMATS = ("parquet", "csv", "json", "arrow")

# DuckDB reads these three without an extension; utf-16 is little endian.
ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16",
    "utf16": "utf-16",
    "utf-16-le": "utf-16",
    "utf-16le": "utf-16",
    "latin-1": "latin-1",
    "latin1": "latin-1",
    "iso-8859-1": "latin-1",
    "iso8859-1": "latin-1",
}

FLAGS = {
    "format": "--input-format",
    "delimiter": "--delimiter",
    "quote": "--quote",
    "encoding": "--encoding",
    "skip": "--skip",
    "memory_limit": "--memory-limit",
}


def how(option: str, value: str = "") -> str:
    """How a user says an option, on the command line and in Python: for advice that serves both."""
    if not value and option != "quote":
        return f"`{FLAGS[option]}` (in Python `{option}`)"
    return f"`{FLAGS[option]} {value or repr(value)}` (in Python `{option}={value!r}`)"


@dataclass(frozen=True)
class ReadOptions:
    """What to assume about files; None means: look at the data. Tables in memory need none of it.

    format: one of `parquet`, `csv`, `json`, `arrow`, whatever the file is called.
    types: column → SQL type, for CSV and JSON; the other columns keep the type that was found.
    hive_partitioning: whether folders named `key=value` are columns; None: those below the given folder are.

    The rest is for CSV. `names`: what the columns are called in the order of the file, where no header tells it.
    `header`: whether the first line holds the column names. `skip`: how many lines stand before it; None: those that
    do not look like the table and hold no delimiter. `nullstr`: the text, or the texts, that stand for a missing
    value besides nothing at all. `quote` may be empty: no quotes. `date_format` and
    `timestamp_format` are strptime formats. `all_text` leaves every column text.

    Raises:
        DqError: an unknown format or encoding, or a delimiter, quote or escape that is too long.
    """

    format: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    hive_partitioning: bool | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    names: Sequence[str] = ()
    header: bool | None = None
    skip: int | None = None
    nullstr: str | Sequence[str] | None = None
    encoding: str | None = None
    date_format: str | None = None
    timestamp_format: str | None = None
    all_text: bool = False

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise DqError(f"there is no format `{self.format}`", help=f"formats are {', '.join(FORMATS)}")
        if self.encoding is not None and self.encoding.lower().replace("_", "-") not in ENCODINGS:
            raise DqError(
                f"the encoding `{self.encoding}` is not supported",
                help="use utf-8, utf-16 or latin-1, or convert the file: iconv -f OLD -t UTF-8",
            )
        if self.skip is not None and self.skip < 0:
            raise DqError(f"{self.skip} lines cannot be skipped", help="give a number from 0 up")
        if self.delimiter is not None and not 1 <= len(self.delimiter.encode()) <= 4:
            raise DqError(f"the delimiter `{self.delimiter}` does not have 1 to 4 bytes")
        for name, value in (("quote", self.quote), ("escape", self.escape)):
            if value is not None and len(value.encode()) > 1:
                raise DqError(f"the {name} `{value}` is not one character")

    @property
    def nulls(self) -> tuple[str, ...]:
        """The texts that mean NULL; nothing at all is the first."""
        given = (self.nullstr,) if isinstance(self.nullstr, str) else self.nullstr or ()
        return tuple(dict.fromkeys(("", *given)))

    @property
    def duckdb_encoding(self) -> str | None:
        """DuckDB's name of the encoding."""
        return None if self.encoding is None else ENCODINGS[self.encoding.lower().replace("_", "-")]
