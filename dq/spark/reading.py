"""What users name as a table, as a DataFrame: a DataFrame, a table of the session by its name, or files."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import Any

from dq.catalog.base import NamedTable
from dq.catalog.files import PathTable
from dq.diagnostics import DataError, DqError
from dq.sources.files import format_of_name, is_remote, listed
from dq.sources.options import ReadOptions

_NAME = re.compile(r"[^\s/\\*?:]+")


def is_frame(value: Any) -> bool:
    """Whether something is a DataFrame of Spark, classic or of Spark Connect."""
    return any(
        kind.__module__.partition(".")[0] == "pyspark" and kind.__name__ == "DataFrame" for kind in type(value).__mro__
    )


def frame_of(alias: str, value: Any, session: Any, options: ReadOptions) -> tuple[Any, str]:
    """A DataFrame, and what it is read from in words.

    Raises:
        DqError: Spark cannot read such a thing.
        DataError: the files or the table are not there, or cannot be read.
    """
    if is_frame(value):
        if value.isStreaming:
            raise DqError(f"`{alias}` is a stream, which has no end", help="evaluate its batches in foreachBatch")
        return value, "Spark DataFrame"
    if isinstance(value, str | os.PathLike):
        word = os.fspath(value)
        named = isinstance(value, str) and _is_name(word)
        return (_table(word, session), f"table {word}") if named else (_files(word, session, options), word)
    if isinstance(value, NamedTable):
        return _named(value, session, options), f"table {value.name}"
    raise DqError(
        f"`{alias}`: Spark cannot read a {type(value).__name__}",
        help="give a Spark DataFrame, a path, or the name of a table of the session",
    )


def require_files(value: Any) -> None:
    """Look for the files that a path of this machine means, which tells more than Spark, and needs no session.

    Raises:
        DataError: nothing is there.
    """
    paths = value.table.paths if isinstance(value, NamedTable) and isinstance(value.table, PathTable) else (value,)
    for path in paths:
        named = isinstance(path, str) and path is value and _is_name(path)
        if isinstance(path, str | os.PathLike) and not is_remote(path) and not named:
            listed(path)


def _named(value: NamedTable, session: Any, options: ReadOptions) -> Any:
    """A table of dq.toml that is files; Spark reads those of catalogs by the names that its session gives them."""
    table = value.table
    if not isinstance(table, PathTable) or value.selection:
        raise DqError(
            f"Spark cannot read `{value.name}` of dq.toml",
            help="configure the catalog in Spark, and give the name that the session knows, or a DataFrame",
        )
    frames = [_files(os.fspath(path), session, table.options or options) for path in table.paths]
    return functools.reduce(lambda one, two: one.unionByName(two), frames)


def _is_name(word: str) -> bool:
    """Whether a word is the name of a table: it has no sign of a path, and no file of this machine is called so."""
    return bool(_NAME.fullmatch(word)) and not format_of_name(word) and not Path(word).exists()


def _table(word: str, session: Any) -> Any:
    from pyspark.errors import AnalysisException

    try:
        frame = session.table(word)
        assert frame.schema is not None  # Spark Connect looks only now
        return frame
    except AnalysisException as error:
        raise DataError(
            f"there is no table `{word}`: {first_line(error)}", help="a path has a `/` or a suffix such as .parquet"
        ) from error


def _files(word: str, session: Any, options: ReadOptions) -> Any:
    from pyspark.errors import PySparkException

    kind = options.format or format_of_name(word) or _format_below(word)
    if kind not in _READERS:
        raise DqError(f"Spark does not read `{word}`", help="say --input-format parquet, csv or json")
    settings = _READERS[kind](options)
    try:
        return session.read.format(kind).options(**settings).load(_place(word))
    except PySparkException as error:
        raise DataError(f"`{word}` cannot be read: {first_line(error)}") from error


def _place(word: str) -> str:
    """A path of this machine with its folder, since Spark may have another default file system."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", word):
        return re.sub(r"^s3://", "s3a://", word)
    return Path(word).resolve().as_uri() if not re.search(r"[*?\[{]", word) else f"file://{Path.cwd() / word}"


def _format_below(word: str) -> str | None:
    """The format of the files of a folder, by the first name that tells it."""
    folder = Path(word)
    names = (each.name for each in sorted(folder.rglob("*"))) if folder.is_dir() else ()
    return next((kind for name in names if not name.startswith((".", "_")) and (kind := format_of_name(name))), None)


def _parquet(options: ReadOptions) -> dict[str, Any]:
    return {}


def _csv(options: ReadOptions) -> dict[str, Any]:
    given = (options.skip, options.names, options.types, options.date_format, options.timestamp_format)
    if any(given) or len(options.nulls) > 2:
        raise DqError(
            "Spark finds the types of a CSV file, and reads one header line, one text for NULL and its formats of days",
            help="read it with `spark.read`, and give the DataFrame",
        )
    told = {
        "sep": options.delimiter, "quote": options.quote, "escape": options.escape or '"',
        "encoding": options.encoding, "nullValue": options.nulls[1] if len(options.nulls) > 1 else None,
    }  # fmt: skip
    header = options.header is not False
    return {
        "header": header,
        "inferSchema": not options.all_text,
        "enforceSchema": False,
        "mode": "FAILFAST",
        **{key: value for key, value in told.items() if value is not None},
    }


def _json(options: ReadOptions) -> dict[str, Any]:
    if options.types:
        raise DqError("Spark finds the types of a JSON file", help="read it with `spark.read`, and give the DataFrame")
    return {"mode": "FAILFAST", "primitivesAsString": options.all_text}


_READERS = {"parquet": _parquet, "csv": _csv, "json": _json}
"""The options with which Spark reads the files of a format."""


def first_line(error: BaseException) -> str:
    """What an exception of Spark says first, without the names of its classes."""
    message = str(error)
    conditions = _CONDITION.search(message)
    if conditions is not None:
        said = conditions[1]
    else:
        lines = [line.strip() for line in message.splitlines() if line.strip()]
        said = next((line for line in lines if not line.startswith("An error occurred while calling")), "")
        said = re.sub(r"^: ([a-z]\w*\.)+\w+: ", "", said) or type(error).__name__
    return re.sub(r" SQLSTATE: \w+$", "", said).rstrip(".")[:300]


_CONDITION = re.compile(r"\[[A-Z][A-Z0-9_.]+\] ([^\n]*)")
"""An error condition of Spark and its message."""
