"""DuckDB's exceptions in words for the person who owns the data."""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from dq.casts import STOPPED
from dq.diagnostics import DataError
from dq.sources.files import File, open_binary
from dq.sources.options import how

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_FIELDS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_PREFIX = re.compile(r"^[A-Z][A-Za-z ]* Error: ")


def explain(error: BaseException, files: Sequence[File]) -> DataError:
    """What went wrong while reading, the file first; `error` is the cause of what is returned."""
    if isinstance(error, DataError):
        return error
    explained = _explain(error, files)
    explained.__cause__ = error
    return explained


def _explain(error: BaseException, files: Sequence[File]) -> DataError:
    message = str(error)
    if isinstance(error, duckdb.OutOfMemoryException):
        return DataError(
            "the memory limit is too small for this ruleset",
            help=f"raise {how('memory_limit')}, or free space for temporary files",
        )
    if isinstance(error, duckdb.PermissionException):
        return DataError(
            "a query tried to reach a file, a setting or the network, which rules may not",
            help=_PREFIX.sub("", message),
        )
    if STOPPED in message:
        return DataError(_sentence(message[message.index(STOPPED) :]))
    calculated = isinstance(error, duckdb.OutOfRangeException) or "to type DECIMAL" in message
    if calculated and "CSV" not in message and not any(file.path in message for file in files):
        return DataError(
            f"a calculation does not fit its type: {_sentence(message)}", help="cast to a wider type first"
        )
    named = [file for file in files if file.path in message or file.pattern in message]
    for file in named:
        message = message.replace(file.path, file.shown)
    suspects = named or list(files)
    name = f"`{suspects[0].shown}`" if len(suspects) == 1 or named else "the data"
    csv_line = _LINE.search(message)
    not_text = "not utf-8" in message or "unicode" in message or "UTF-8" in message
    if not_text or isinstance(error, (duckdb.InternalException, duckdb.FatalException)):
        for file in suspects:
            if fault := _not_utf8(file):
                return fault
    if csv_line:
        return _csv_fault(name, int(csv_line[1]), message)
    if "Need at least one non-root column" in message:
        return DataError(f"{name} has no columns", help="a table has at least one column")
    if name.endswith(".parquet`") or any(file.head.startswith(b"PAR1") for file in named):
        return DataError(f"{name} is damaged: {_sentence(message)}", help="write or copy the file again")
    return DataError(f"{name} cannot be read: {_sentence(message)}")


def _csv_fault(name: str, line: int, message: str) -> DataError:
    where = f"{name}: line {line:,}"
    if fields := _FIELDS.search(message):
        wanted, found = int(fields[1]), int(fields[2])
        return DataError(
            f"{where} has {found} {_plural(found)} where {wanted} are expected",
            help=f"correct the line, or say {how('delimiter')}, {how('quote')} and {how('skip')}"
            " if they were not recognized",
        )
    if "unterminated quote" in message:
        return DataError(
            f"{where} opens a quote that is never closed",
            help=f"close or double the quote, or say {how('quote', '')} if quotes mean nothing in this file",
        )
    if "quote" in message.partition("Possible")[0]:
        return DataError(f"{where} has text next to a quoted value", help="double the quotes inside of the value")
    if "Maximum line size" in message:
        return DataError(f"{where} is longer than a line may be (2 MB)", help="is a quote not closed?")
    return DataError(f"{where} cannot be read: {_sentence(message.partition('Line: ')[2].partition(chr(10))[2])}")


def _plural(count: int) -> str:
    return "field" if count == 1 else "fields"


def _sentence(message: str) -> str:
    return _PREFIX.sub("", message).strip().partition("\n")[0].strip().rstrip(".")[:300]


def _not_utf8(file: File) -> DataError | None:
    """The first line that is not UTF-8, if any. Reads the file again, which only an error is worth."""
    if file.head.startswith((b"PAR1", b"\xff\xfe")):
        return None
    with open_binary(file.path, file.compression) as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return DataError(
                    f"`{file.shown}`: line {number:,} is not UTF-8: byte 0x{line[error.start]:02x}",
                    help=f"say {how('encoding', 'latin-1')} or utf-16, or convert the file: iconv -f OLD -t UTF-8",
                )
    return None
