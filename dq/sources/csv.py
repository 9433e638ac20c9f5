"""Text tables: the dialect and the types are found once, on a sample, and pinned in the view.

DuckDB would look at the sample again for each query. Pinned, a query starts in a millisecond, every query
sees the same types, and one column can become text while the others stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from dq.diagnostics import DataError, DqError
from dq.engines.connection import literal
from dq.sources.files import File, Files
from dq.sources.options import ReadOptions, how
from dq.sources.scan import arguments, check_declared, columns_of, declared, hive, patterns, plain, struct

_MISFIT = re.compile(
    r'CSV Error on Line: (\d+)\n.*Error when converting column "(.*?)"\. Could not convert string "(.*?)" to \'',
    re.DOTALL,
)
_FILE = re.compile(r"^\s*file = (.*)$", re.MULTILINE)
_DELIMITERS = (",", ";", "\t", "|")
_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


@dataclass(frozen=True, slots=True)
class Group:
    """Files with the same header line, hence the same columns: one `read_csv`.

    `dialect` is option → SQL text; `columns` is name → type, in the order of the file.
    """

    files: tuple[File, ...]
    dialect: dict[str, str]
    columns: dict[str, str]

    def scan(self, files: Files, *, quoted_nulls: bool, limit: int = 0) -> str:
        """The query that reads the group."""
        options = self.dialect | {
            "auto_detect": "false",
            "columns": struct(self.columns),
            "allow_quoted_nulls": str(quoted_nulls).lower(),
            **hive(files),
        }
        query = f"SELECT {columns_of(files)} FROM read_csv({patterns(self.files)}, {arguments(options)})"
        return f"{query} LIMIT {limit}" if limit else query


class CsvTable:
    """A table of CSV files.

    A quoted empty value is an empty string and an unquoted one NULL, unless a column of numbers, dates or
    the like turns out to hold a quoted empty value: then both are NULL in the whole table, with a note.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, files: Files, options: ReadOptions) -> None:
        self.files = files
        self.notes = list(files.notes)
        self.rows: int | None = None
        self._quoted_nulls = False
        _check_formats(connection, options)
        self._groups = self._sniff(connection, options)
        self._settle_types()
        self._note_partitions()
        self._note_unused_formats(options)

    hides_nan = False

    def view(self) -> str:
        """The query behind the table."""
        scans = [group.scan(self.files, quoted_nulls=self._quoted_nulls) for group in self._groups]
        return " UNION ALL BY NAME ".join(f"({scan})" for scan in scans) if len(scans) > 1 else scans[0]

    def on(self, connection: duckdb.DuckDBPyConnection, files: Files) -> CsvTable:
        """The same table for another connection, read from `files`, which hold the same."""
        moved = dict(zip(self.files.files, files.files, strict=True))
        again = copy(self)
        again.files = files
        again._groups = [replace(group, files=tuple(moved[file] for file in group.files)) for group in self._groups]
        return again

    def of(self, files: Files) -> CsvTable:
        """Some of the files, read as all of them are."""
        part = copy(self)
        part.files = files
        wanted = set(files.paths)
        groups = [replace(g, files=tuple(file for file in g.files if file.path in wanted)) for g in self._groups]
        part._groups = [group for group in groups if group.files]
        return part

    def recover(self, message: str) -> bool:
        """Make room for the value that a scan could not convert; False if the message is about something else."""
        found = _MISFIT.search(message)
        if not found:
            return False
        line, column, value = int(found[1]), found[2], found[3]
        file = _FILE.search(message)
        if file and file[1].strip() not in self.files.paths:
            return False
        native = next((g.columns[column] for g in self._groups if g.columns.get(column, "VARCHAR") != "VARCHAR"), None)
        if native is None:
            return False
        where = f"line {line:,}" + (f" of {_base(file[1].strip())}" if file and len(self.files.files) > 1 else "")
        if value == "" and not self._quoted_nulls:
            self._quoted_nulls = True
            self.notes.append(
                f'a quoted empty value is read as NULL: column "{column}" ({native}) holds one at {where}'
            )
            return True
        wider = "DOUBLE" if native in _WHOLE and _NUMBER.fullmatch(value) else "VARCHAR"
        self._retype(column, wider)
        kind = "text" if wider == "VARCHAR" else wider
        self.notes.append(f'column "{column}" is read as {kind}: {where} holds {_shorten(value)}, not {native}')
        return True

    def _retype(self, column: str, native: str) -> None:
        self._groups = [
            replace(g, columns=g.columns | {column: native}) if column in g.columns else g for g in self._groups
        ]

    # -- finding out ----------------------------------------------------------------------------------------------

    def _sniff(self, connection: duckdb.DuckDBPyConnection, options: ReadOptions) -> list[Group]:
        rest = list(self.files.files)
        groups: list[Group] = []
        while rest:
            dialect, columns = self._dialect(connection, rest[0], options)
            same = [f for f in rest if f.compression == rest[0].compression]
            if dialect["header"] == "true":
                skip = int(dialect["skip"])
                same = [f for f in same if _line(f.head, skip) == _line(rest[0].head, skip)]
            group = Group(tuple(same), dialect, columns)
            groups.append(self._declare(self._unify(connection, group, options), options))
            taken = set(same)
            rest = [f for f in rest if f not in taken]
        check_declared(connection, options.types, [name for group in groups for name in group.columns])
        if len({tuple(g.columns) for g in groups}) > 1:
            self._note_differences(groups)
        return groups

    def _dialect(
        self, connection: duckdb.DuckDBPyConnection, file: File, options: ReadOptions
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The dialect of a file as SQL options, and its columns."""
        fixed = _fixed(file, options, self.notes)
        row = self._sniff_one(connection, file, fixed)
        delimiter, quote, escape, skip, header = row[0], row[1], row[2], int(row[5]), bool(row[6])
        columns = {c["name"]: plain(c["type"]) for c in row[7]}
        if len(columns) == 1 and "delim" not in fixed and (guess := _guess_delimiter(file, skip)):
            raise self._ragged(connection, file, fixed, guess)
        if "skip" not in fixed and any(delimiter.encode() in _line(file.head, at) for at in range(skip)):
            raise self._ragged(connection, file, fixed, delimiter)  # what the sniffer would leave out may be rows
        if quote == "(empty)" and "quote" not in fixed and _opens_quotes(file, delimiter):
            problem = self._ragged(connection, file, fixed, delimiter)
            if isinstance(problem, duckdb.Error):
                raise problem
            self.notes.append(f"quotes in {file.name} are part of the values: they do not enclose any")
        dialect = {
            "delim": literal(delimiter),
            "quote": literal(_character(quote)),
            "escape": literal(_character(escape)),
            "skip": str(skip),
            "header": str(header).lower(),
        } | fixed
        # A sample without quotes says nothing about the rest of the file, and a doubled quote may come late.
        if "quote" not in fixed and quote == "(empty)" and b'"' not in file.head:
            dialect["quote"] = literal('"')
        if "escape" not in fixed and escape == "(empty)":
            dialect["escape"] = dialect["quote"]
        if options.names:
            columns = _named(file, columns, options.names)
        self._note_dialect(file, skip, header, row[8], row[9], dialect, columns, options)
        return dialect, columns

    def _sniff_one(self, connection: duckdb.DuckDBPyConnection, file: File, fixed: dict[str, str]) -> tuple[Any, ...]:
        options = arguments(fixed)
        try:
            rows = connection.execute(f"FROM sniff_csv({literal(file.pattern)}, {options})").fetchall()
        except duckdb.Error as error:
            if "delim" not in fixed and (guess := _guess_delimiter(file, 0)):
                raise self._ragged(connection, file, fixed, guess) from error
            if "delim" in fixed:
                raise self._ragged(connection, file, fixed, fixed["delim"][1:-1]) from error
            raise
        return rows[0]

    def _ragged(
        self, connection: duckdb.DuckDBPyConnection, file: File, fixed: dict[str, str], delimiter: str
    ) -> Exception:
        """The error that reading with the header's delimiter and number of fields gives, which names a line."""
        count = _line(file.head, 0).count(delimiter.encode()) + 1
        dialect = {"delim": literal(delimiter), "quote": "'\"'", "escape": "'\"'", "header": "true"} | fixed
        group = Group((file,), dialect, {f"column{i}": "VARCHAR" for i in range(count)})
        try:
            connection.execute(
                f"SELECT count(COLUMNS(*)) FROM ({group.scan(replace(self.files, partitions=()), quoted_nulls=False)})"
            ).fetchall()
        except duckdb.Error as error:
            return error
        return DataError(
            f"`{file.shown}`: the layout of this CSV file cannot be made out",
            help=f"say {how('delimiter')} and {how('quote')}",
        )

    def _unify(self, connection: duckdb.DuckDBPyConnection, group: Group, options: ReadOptions) -> Group:
        """The types that fit the samples of all files of a group."""
        if options.all_text:
            return replace(group, columns=dict.fromkeys(group.columns, "VARCHAR"))
        if len(group.files) == 1:
            return group
        described = connection.execute(
            f"DESCRIBE FROM read_csv({patterns(group.files)}, {arguments(group.dialect)}, hive_partitioning=false)"
        ).fetchall()
        if len(described) != len(group.columns):
            return group
        return replace(group, columns={name: plain(row[1]) for name, row in zip(group.columns, described, strict=True)})

    def _declare(self, group: Group, options: ReadOptions) -> Group:
        return replace(group, columns=group.columns | declared(options.types, group.columns))

    def _settle_types(self) -> None:
        """A column whose type differs between groups is a number if it is one everywhere, else text."""
        seen: dict[str, set[str]] = {}
        for group in self._groups:
            for name, native in group.columns.items():
                seen.setdefault(name, set()).add(native)
        for name, natives in seen.items():
            if len(natives) > 1:
                self._retype(name, "DOUBLE" if natives <= _WHOLE | {"DOUBLE"} else "VARCHAR")

    # -- notes ------------------------------------------------------------------------------------------------------

    def _note_dialect(
        self,
        file: File,
        skip: int,
        header: bool,
        date_format: object,
        timestamp_format: object,
        dialect: dict[str, str],
        columns: dict[str, str],
        options: ReadOptions,
    ) -> None:
        if skip and options.skip is None:
            self.notes.append(f"the first {skip} lines of {file.name} are skipped: they do not look like the table")
        if not header and options.header is None and not options.names:
            self.notes.append(f"{file.name} has no header line: its columns are called column0, column1, …")
        for option, kind, found in (
            ("dateformat", "DATE", date_format),
            ("timestampformat", "TIMESTAMP", timestamp_format),
        ):
            if found and option not in dialect:
                dialect[option] = literal(str(found))
                names = ", ".join(f'"{n}"' for n, t in columns.items() if t == kind)
                if names and not options.all_text:
                    self.notes.append(f"{names}: read as {found}")
        if header and (renamed := _renamed(file, skip, dialect, columns)):
            self.notes.append(f"renamed in {file.name}: {renamed}")

    def _note_differences(self, groups: Sequence[Group]) -> None:
        everything = list(dict.fromkeys(name for group in groups for name in group.columns))
        missing = {name: sum(len(group.files) for group in groups if name not in group.columns) for name in everything}
        listed = ", ".join(f'"{name}" (not in {count} files)' for name, count in missing.items() if count)
        self.notes.append(
            f"the files do not have the same columns, missing ones are NULL: {listed}"
            if listed
            else "the files have the same columns in different order"
        )

    def _note_unused_formats(self, options: ReadOptions) -> None:
        natives = {native for group in self._groups for native in group.columns.values()}
        for kind, wanted in _formats(options):
            if not any(native.startswith(kind) for native in natives):
                self.notes.append(f"no column holds a {kind} written {wanted}")

    def _note_partitions(self) -> None:
        held = {name.casefold() for group in self._groups for name in group.columns}
        for key in self.files.partitions:
            if key.casefold() in held:
                self.notes.append(f'column "{key}" comes from the folder names, not from the files')


def _named(file: File, columns: dict[str, str], names: Sequence[str]) -> dict[str, str]:
    """The columns of a file under the names that they are given in their order."""
    if len(names) != len(columns):
        raise DataError(
            f"`{file.shown}` has {len(columns)} columns, and {len(names)} are named",
            help=f"say {how('delimiter')} if it was not recognized",
        )
    return dict(zip(names, columns.values(), strict=True))


def _formats(options: ReadOptions) -> list[tuple[str, str]]:
    """The type and the format of what is written in a format that the user gave."""
    given = (("DATE", options.date_format), ("TIMESTAMP", options.timestamp_format))
    return [(kind, wanted) for kind, wanted in given if wanted is not None]


def _check_formats(connection: duckdb.DuckDBPyConnection, options: ReadOptions) -> None:
    for kind, wanted in _formats(options):
        try:
            connection.execute(f"SELECT strptime('', {literal(wanted)})")
        except duckdb.InvalidInputException as error:
            if "Could not parse string" in str(error):  # the format is good, and nothing is not written in it
                continue
            raise DqError(
                f"`{wanted}` is no format of a {kind}", help="formats are as for strptime, such as %d/%m/%Y %H:%M:%S"
            ) from error


def _fixed(file: File, options: ReadOptions, notes: list[str]) -> dict[str, str]:
    """What is not left to the sniffer, as SQL options."""
    encoding = options.duckdb_encoding
    if file.head.startswith(b"\xfe\xff"):
        raise DataError(
            f"`{file.shown}` is UTF-16 big endian: this is not supported", help="convert it: iconv -f UTF-16 -t UTF-8"
        )
    if encoding is None and file.head.startswith(b"\xff\xfe"):
        encoding = "utf-16"
        notes.append(f"{file.name} is read as utf-16, as its first bytes say")
    if encoding is None and b"\0" in file.head:
        line = file.head[: file.head.index(b"\0")].count(b"\n") + 1
        raise DataError(
            f"`{file.shown}`: line {line} holds a NUL byte: the file is binary or in another encoding",
            help=f"if it is text in UTF-16, say {how('encoding', 'utf-16')}",
        )
    given: dict[str, str | None] = {
        "delim": options.delimiter,
        "quote": options.quote,
        "escape": options.escape,
        "encoding": encoding,
        "dateformat": options.date_format,
        "timestampformat": options.timestamp_format,
    }
    fixed = {name: literal(value) for name, value in given.items() if value is not None}
    if options.skip is not None:
        fixed["skip"] = str(options.skip)
    if options.header is not None:
        fixed["header"] = str(options.header).lower()
    # Lines that begin with `#` are rows: leaving rows out must be asked for.
    fixed["comment"] = "''"
    fixed["compression"] = literal(file.compression)
    fixed["nullstr"] = f"[{', '.join(map(literal, options.nulls))}]"
    if _mixed_line_ends(file.head):
        fixed["strict_mode"] = "false"
        notes.append(f"{file.name} mixes line ends (CR LF and LF)")
    return fixed


def _mixed_line_ends(head: bytes) -> bool:
    windows = head.count(b"\r\n")
    return 0 < windows < head.count(b"\n") and b'"' not in head


def _renamed(file: File, skip: int, dialect: dict[str, str], columns: dict[str, str]) -> str:
    import csv

    quote = dialect["quote"][1:-1].replace("''", "'")
    text = _line(file.head, skip).decode(_python_encoding(dialect), errors="replace")
    delimiter = dialect["delim"][1:-1]
    if len(delimiter) != 1:
        return ""
    reader = csv.reader([text], delimiter=delimiter, quotechar=quote or None, quoting=0 if quote else 3)
    written = next(reader, [])
    if len(written) != len(columns):
        return ""
    pairs = [(old, new) for old, new in zip(written, columns, strict=True) if old.strip() != new.strip()]
    shown = ", ".join(f'{_shorten(old)} to "{new}"' for old, new in pairs[:5])
    return f"{shown} and {len(pairs) - 5} more" if len(pairs) > 5 else shown


def _python_encoding(dialect: dict[str, str]) -> str:
    return dialect.get("encoding", "'utf-8'")[1:-1]


def _line(head: bytes, number: int) -> bytes:
    """A line of the head, counted from 0, without its end and the byte order mark."""
    lines = head.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").splitlines()
    return lines[number] if number < len(lines) else b""


def _guess_delimiter(file: File, skip: int) -> str | None:
    line = _line(file.head, skip)
    counts = {delimiter: line.count(delimiter.encode()) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=counts.__getitem__)
    return best if counts[best] else None


def _opens_quotes(file: File, delimiter: str) -> bool:
    """Whether a field begins with a quote."""
    return re.search(rb"(?:^|[\r\n]|" + re.escape(delimiter.encode()) + rb')"', file.head) is not None


def _character(sniffed: object) -> str:
    return "" if sniffed == "(empty)" else str(sniffed)


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _shorten(value: str) -> str:
    return f'"{value}"' if len(value) <= 40 else f'"{value[:39]}…"'
