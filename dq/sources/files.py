"""Which files a path means, and what they hold.

Globs and folders are resolved here, not by DuckDB, so that the list of files that may be read is known
before the database opens, and stays the same for every query.
"""

from __future__ import annotations

import glob
import os
import re
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from dq.catalog.selection import PartitionFilter, chosen
from dq.diagnostics import DataError, DqError, NoFilesError
from dq.files.names import path_of_url
from dq.sources.options import FORMATS, how

if TYPE_CHECKING:
    from dq.sources.declared import Declared

HEAD = 64 * 1024

FORMAT_OF_SUFFIX = {
    ".parquet": "parquet",
    ".parq": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".psv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
COMPRESSION_SUFFIXES = (".gz", ".zst")

# First bytes → format; those that map to None are known and not supported.
_MAGIC: tuple[tuple[bytes, str | None, str], ...] = (
    (b"PAR1", "parquet", "a Parquet file"),
    (b"PARE", None, "an encrypted Parquet file"),
    (b"ARROW1", "arrow", "an Arrow file"),
    (b"\xff\xff\xff\xff", "arrow", "an Arrow stream"),
    (b"FEA1", None, "a Feather file of the old version 1"),
    (b"Obj\x01", None, "an Avro file"),
    (b"ORC", None, "an ORC file"),
    (b"PK\x03\x04", None, "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", None, "an old Excel workbook"),
    (b"SQLite format 3\x00", None, "a SQLite database"),
    (b"BZh", None, "compressed by bzip2"),
    (b"\xfd7zXZ\x00", None, "compressed by xz"),
    (b"%PDF", None, "a PDF document"),
)
_COMPRESSIONS = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))


SERVED = "served://"
"""What the paths begin with by which DuckDB asks this process for files of other machines."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells a file of this machine from the one that it was: its size, its time and its place on the disk."""

    size: int
    modified: int
    place: int


@dataclass(frozen=True, slots=True)
class File:
    """A file that will be read.

    Attributes:
        path: its absolute path on this machine, or the name under which it is served to DuckDB.
        compression: `gzip`, `zstd` or `none`.
        head: its first bytes, decompressed; `whole` when they are all.
        address: its URL for people, where it is of another machine.
        end: its last four bytes.
        mark: what it was when it was found; None where it cannot change behind our back.
    """

    path: str
    compression: str
    head: bytes
    whole: bool
    address: str = ""
    end: bytes = b""
    mark: Mark | None = None

    @property
    def pattern(self) -> str:
        """The path as DuckDB must be told it: characters that mean something in a glob stand for themselves."""
        if self.is_served:
            return self.path
        return "".join(f"[{c}]" if c in "*?[" else c for c in self.path)

    @property
    def is_served(self) -> bool:
        """Whether DuckDB asks this process for it."""
        return self.path.startswith(SERVED)

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.address or self.path

    @property
    def name(self) -> str:
        """The last part of its path or URL."""
        return self.address.rpartition("/")[2] or Path(self.path).name

    @property
    def has_changed(self) -> bool:
        """Whether the file is gone, or another than it was when it was found."""
        return self.mark is not None and mark(self.path) != self.mark


def mark(path: str) -> Mark | None:
    """What tells a file; None if it is gone."""
    try:
        facts = Path(path).stat()
    except OSError:
        return None
    return Mark(facts.st_size, facts.st_mtime_ns, facts.st_ino)


@dataclass(frozen=True, slots=True)
class Files:
    """Files of one format that make one table.

    `partitions` are the keys of folders named `key=value` below the place the user named, `outer` those of
    folders above it, which are not part of the table. `declared` are the columns as a catalog has them. `key_types` are
    the SQL types of the partitions where they must be those of more files than these.
    """

    files: tuple[File, ...]
    format: str
    description: str
    partitions: tuple[str, ...] = ()
    outer: tuple[str, ...] = ()
    root: str = ""
    notes: tuple[str, ...] = ()
    declared: Declared | None = None
    key_types: tuple[tuple[str, str], ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The absolute paths."""
        return tuple(file.path for file in self.files)


def find(
    source: str | os.PathLike[str] | Sequence[Any],
    wanted: str | None,
    hive: bool | None,
    filters: Sequence[PartitionFilter] = (),
    only: Container[str] | None = None,
) -> Files:
    """The files that a path, glob, folder, `file://` URL or list of these means.

    Of the filters nothing is read but the paths: a file in a folder `key=value` that does not meet them is left out
    before it is opened. `only` are the absolute paths of those that count, at least one.

    Raises:
        DataError: nothing there, nothing that meets the filters, not readable, no known format, or several formats.
        DqError: a filter on what is no key of the folders.
    """
    given = [source] if isinstance(source, (str, os.PathLike)) else list(source)
    if not given:
        raise DataError("the list of paths is empty")
    notes: list[str] = []
    found: list[tuple[str, str]] = []
    for item in given:
        found.extend(_expand(os.fspath(item), notes))
    description = os.fspath(given[0]) if len(given) == 1 else f"{len(given)} paths"
    if only is not None:
        found = [each for each in found if each[0] in only]
    if filters:
        found = [found[at] for at in chosen_files([partition_of(*each) for each in found], filters, hive, description)]
    if len(found) > 1:
        description += f" ({len(found):,} files)"
    several = len(found) > 1 or found[0][1] != ""
    files, kind = look((peek(path) for path, _ in found), wanted, notes, several=several)
    root = found[0][1]
    partitions, outer = partitions_of([Path(file.path).relative_to(root or "/") for file in files], root, hive)
    return Files(files, kind, description, partitions, outer, root, tuple(notes))


def listed(source: str | os.PathLike[str]) -> tuple[str, ...]:
    """The absolute paths of the data files that a path, glob, folder or `file://` URL means; none of them is opened.

    Raises:
        DataError: nothing is there.
    """
    return tuple(path for path, _ in _expand(os.fspath(source), []))


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


def is_remote(path: str | os.PathLike[str]) -> bool:
    """Whether a path is the URL of something that is not a file of this machine."""
    match = _SCHEME.match(os.fspath(path))
    return match is not None and match[1].lower() != "file"


# -- from a path to files ----------------------------------------------------------------------------------------


def _expand(text: str, notes: list[str]) -> list[tuple[str, str]]:
    """Pairs of an absolute path and the folder in which it was looked for ("" for a path given in full)."""
    text = _local(text)
    # Not resolve(), which would name a link's target instead of what the user knows, nor absolute(), which keeps `..`.
    path = os.path.abspath(Path(text).expanduser())  # noqa: PTH100
    if Path(path).is_file():
        return [(path, "")]
    if Path(path).is_dir():
        return _walk(path, notes)
    if Path(path).exists():
        raise DataError(
            f"`{text}` is neither a file nor a folder", help="a file is read more than once: save a stream to one first"
        )
    if glob.has_magic(text):
        return _glob(text, path, notes)
    raise _missing(text, path)


def _local(text: str) -> str:
    if not text:
        raise DataError("the path is empty")
    if "\0" in text:
        raise DataError(f"the path {text!r} holds a NUL character")
    if not _SCHEME.match(text):
        return text
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost"):
        raise DataError(f"`{text}` names a file of another machine, `{parts.netloc}`", help="use file:///path")
    return path_of_url(parts.path)


def _walk(folder: str, notes: list[str]) -> list[tuple[str, str]]:
    """The data files of a folder, in order; names that begin with `_` or `.` are never data (Spark, Hive)."""
    paths: list[str] = []
    for directory, folders, names in os.walk(folder):
        refuse_lake(folders, directory)
        folders[:] = sorted(name for name in folders if is_visible(name))
        paths.extend(str(Path(directory, name)) for name in sorted(names) if is_visible(name))
    known = [path for path in paths if format_of_name(path)]
    data = known or [path for path in paths if _recognized(path)]
    if not data:
        raise NoFilesError(f"the folder `{folder}` holds no data files", help=SUPPORTED)
    if left := [Path(path).name for path in paths if path not in set(data)]:
        notes.append(left_out(left))
    return [(path, folder) for path in data]


def _glob(text: str, pattern: str, notes: list[str]) -> list[tuple[str, str]]:
    root = pattern
    while glob.has_magic(root):
        root = str(Path(root).parent)
    found: list[tuple[str, str]] = []
    for path in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 -- Path.glob takes no absolute pattern
        if not all(is_visible(part) for part in Path(path).relative_to(root).parts):
            continue
        if Path(path).is_file():
            found.append((path, root))
        elif not pattern.endswith("**") and Path(path).is_dir():
            found.extend((inner, root) for inner, _ in _walk(path, notes))
    if not found:
        raise NoFilesError(f"no file matches `{text}`", help=_hint(Path(root)))
    return list(dict.fromkeys(found))


LOGS = {"_delta_log": "Delta", ".hoodie": "Hudi"}
"""The folders in which lakes keep which of the files beside them are rows of a table, by its kind."""


def refuse_lake(names: Iterable[str], folder: str) -> None:
    """Refuse a folder with these names in it if it is the table of a lake.

    Raises:
        DataError: it is. Files that were replaced and rows that were deleted would be read.
    """
    kind = next((LOGS[name] for name in names if name in LOGS), "")
    if kind:
        help = "name it through a catalog of the kind `delta`" if kind == "Delta" else "export it to Parquet"
        raise DataError(f"`{folder}` is a {kind} table, of which not all files are rows", help=help)


def is_visible(name: str) -> bool:
    """Whether a file or a folder of this name can be data."""
    return not name.startswith(("_", ".")) or "=" in name


def _recognized(path: str) -> bool:
    """Whether a file without a telling name holds a binary format, as Hive writes `000000_0`."""
    try:
        with Path(path).open("rb") as file:
            return format_of_head(file.read(16))[0] is not None
    except OSError:
        return False


def _missing(text: str, path: str) -> DataError:
    folder = Path(path).parent
    if not folder.is_dir():
        return DataError(f"no file `{text}`: there is no folder `{folder}`", help=_hint(folder))
    if near := get_close_matches(Path(path).name, _names(folder), n=1):
        return DataError(f"no file `{text}`", help=f"did you mean `{Path(text).parent / near[0]}`?")
    return DataError(f"no file `{text}`", help=_hint(folder))


def _hint(folder: Path) -> str:
    while not folder.is_dir():
        folder = folder.parent
    names = _names(folder)
    return f"`{folder}` holds {some(names)}" if names else f"`{folder}` is empty"


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if is_visible(path.name))
    except OSError:
        return []


def left_out(names: Sequence[str]) -> str:
    """The note on files of a folder that are not read."""
    return f"left out {some(names)}: not a data file by name"


def some(names: Sequence[str]) -> str:
    """The first names."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5:,} more"


# -- what a file holds -------------------------------------------------------------------------------------------


def format_of_name(path: str) -> str | None:
    """The format that a file name promises, looking past `.gz` and `.zst`."""
    named = Path(path.lower())
    suffix = Path(named.stem).suffix if named.suffix in COMPRESSION_SUFFIXES else named.suffix
    return FORMAT_OF_SUFFIX.get(suffix)


def look(found: Iterable[File], wanted: str | None, notes: list[str], *, several: bool) -> tuple[tuple[File, ...], str]:
    """The files that make a table, and their format. `several`: an empty one among them is left out, with a note.

    Raises:
        DataError: no file, no known format, several formats, or a content that is not what a name says.
    """
    files: list[File] = []
    empty: list[File] = []
    formats: dict[str, str] = {}
    for file in found:
        kind = wanted or _format(file)
        if not file.head.strip() and kind in ("csv", "json"):
            if not several:
                raise DataError(
                    f"`{file.shown}` is empty ({_bytes(file)})", help="even a table without rows needs a header"
                )
            notes.append(f"left out {file.name}: it is empty")
            empty.append(file)
            continue
        _check(file, kind)
        formats.setdefault(kind, file.shown)
        files.append(file)
    if not files:
        raise DataError(f"all {len(empty):,} files are empty, such as `{empty[0].shown}`")
    demand_one_format(formats)
    return tuple(files), next(iter(formats))


def demand_one_format(formats: Mapping[str, str]) -> None:
    """Refuse files of several formats, given with an example of each.

    Raises:
        DataError: there are several.
    """
    if len(formats) > 1:
        listed = " and ".join(f"{name} (`{path}`)" for name, path in formats.items())
        raise DataError(f"one table cannot mix formats: {listed}", help="name the files with a glob such as *.csv")


def _bytes(file: File) -> str:
    size = file.mark.size if file.mark else len(file.head)
    return "0 bytes" if size == 0 else f"{size:,} bytes of white space"


def peek(path: str, address: str = "") -> File:
    """What the first and last bytes of a file of this machine tell; `address` is what people call it, if not its path.

    Raises:
        DataError: it cannot be read.
    """
    shown = address or path
    try:
        path.encode()
    except UnicodeEncodeError:
        raise DataError(f"the file name {path!r} is not valid text", help="rename the file") from None
    try:
        with Path(path).open("rb") as stream:
            facts = os.fstat(stream.fileno())
            raw = stream.read(HEAD + 1)
            stream.seek(max(0, facts.st_size - 4))
            end = stream.read(4)
    except PermissionError:
        raise DataError(f"no permission to read `{shown}`", help="check the owner and mode of the file") from None
    except OSError as error:
        raise DataError(f"`{shown}` cannot be read: {error.strerror}") from error
    compression = next((name for magic, name in _COMPRESSIONS if raw.startswith(magic)), "none")
    head = _decompress(path, shown, raw, compression)
    whole = len(raw) <= HEAD and len(head) <= HEAD
    found = Mark(facts.st_size, facts.st_mtime_ns, facts.st_ino)
    return File(path, compression, head[:HEAD], whole, address, end, found)


def _decompress(path: str, shown: str, raw: bytes, compression: str) -> bytes:
    if compression == "none":
        return raw
    try:
        if compression == "gzip":
            return zlib.decompressobj(wbits=31).decompress(raw, HEAD + 1)
        with open_binary(path, compression) as stream:
            return stream.read(HEAD + 1)
    except (zlib.error, OSError) as error:
        raise DataError(f"`{shown}` is damaged: its {compression} compression cannot be undone ({error})") from error


@contextmanager
def open_binary(path: str, compression: str) -> Iterator[BinaryIO]:
    """The decompressed bytes of a file."""
    if compression == "gzip":
        import gzip

        with gzip.open(path, "rb") as stream:
            yield cast("BinaryIO", stream)
    elif compression == "zstd":
        import pyarrow

        with pyarrow.CompressedInputStream(path, "zstd") as stream:
            yield stream
    else:
        with Path(path).open("rb") as stream:
            yield stream


def verify(file: File) -> None:
    """Refuse a compressed file that is cut or damaged, by reading it once.

    DuckDB 1.5 takes a cut gzip file for a shorter table, and 2.0 does not compare the checksum: rows would be
    missing or wrong without a word.
    """
    if file.compression == "none":
        return
    try:
        with open_binary(file.path, file.compression) as stream:
            while stream.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"`{file.shown}` is damaged: its {file.compression} compression cannot be undone ({error})",
            help="compress or copy the file again",
        ) from error


def format_of_head(head: bytes) -> tuple[str | None, str]:
    """The format that the first bytes of a file tell, and what they are in words; None and "" if they do not."""
    if head[8:12] == b"DUCK":
        return None, "a DuckDB database"
    return next(((kind, words) for magic, kind, words in _MAGIC if head.startswith(magic)), (None, ""))


def _format(file: File) -> str:
    if named := format_of_name(file.name):
        return named
    kind, words = format_of_head(file.head)
    if kind:
        return kind
    if words:
        raise DataError(f"`{file.shown}` is {words}: this is not supported", help=SUPPORTED)
    if file.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return "json"
    if not file.head:
        raise DataError(f"`{file.shown}` is empty (0 bytes)")
    raise DataError(
        f"the format of `{file.shown}` cannot be told from its name or content",
        help=f"say {how('format', 'csv')} or what it is: {', '.join(FORMATS)}; or rename the file",
    )


SUPPORTED = "Parquet, CSV, JSON and Arrow files are read"


def _check(file: File, kind: str) -> None:
    """Refuse a file whose content is plainly not what its name or the user says."""
    found, words = format_of_head(file.head)
    if not file.head:
        raise DataError(f"`{file.shown}` is empty (0 bytes)", help=f"a {_NAMES[kind]} has at least a header")
    if found == kind and file.compression == "none":
        if kind == "parquet":
            _check_parquet(file)
        return
    if found == kind:
        raise DataError(f"`{file.shown}` is a {_NAMES[kind]} inside of {file.compression}", help="decompress it first")
    if words:
        advice = f"say {how('format', found)} or rename it" if found and file.compression == "none" else SUPPORTED
        raise DataError(f"`{file.shown}` is not a {_NAMES[kind]}: by its first bytes it is {words}", help=advice)
    if kind in ("parquet", "arrow"):
        looks = "text" if _is_text(file.head) else "something else"
        advice = f"say {how('format', 'csv')} or json if it is; {SUPPORTED}" if looks == "text" else SUPPORTED
        raise DataError(f"`{file.shown}` is not a {_NAMES[kind]}: its first bytes are {looks}", help=advice)


_NAMES = {"parquet": "Parquet file", "csv": "CSV file", "json": "JSON file", "arrow": "file of Arrow data"}


def _check_parquet(file: File) -> None:
    if file.end == b"PARE":
        raise DataError(f"`{file.shown}` is an encrypted Parquet file: this is not supported", help="decrypt it first")
    if file.end != b"PAR1":
        raise DataError(
            f"`{file.shown}` is a truncated Parquet file: its end is missing",
            help="it was not written or copied completely: write or copy it again",
        )


def _is_text(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4
    return b"\0" not in head


# -- folders named key=value ---------------------------------------------------------------------------------------


NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"
"""What a folder of a partition without a value is called."""


def partition_of(path: str, root: str) -> dict[str, str]:
    """The keys and values of the folders `key=value` between a root and a file; NULL is left as it is called."""
    folders = Path(path).relative_to(root or "/").parent.parts if root else ()
    pairs = (part.partition("=") for part in folders if "=" in part)
    return {key: unquote(value) for key, _, value in pairs}


def chosen_files(
    parts: Sequence[Mapping[str, str]], filters: Sequence[PartitionFilter], hive: bool | None, description: str
) -> list[int]:
    """The positions of the files whose folders meet the filters; `parts` are the keys and values of their folders.

    Raises:
        DqError: a filter on what is no key of the folders, or the folders mean nothing.
        DataError: nothing is left.
    """
    if hive is False:
        raise DqError(
            "partitions are chosen by folders named key=value, which are switched off",
            help="leave out the partition or the switch",
        )
    wanted = {each.column.casefold() for each in filters}
    known = [
        at
        for at, keys in enumerate(parts)
        if not any(key.casefold() in wanted and value == NULL_FOLDER for key, value in keys.items())
    ]
    kept = [known[at] for at in chosen([parts[at] for at in known], filters)]
    if not kept:
        names = dict.fromkeys("/".join(f"{key}={value}" for key, value in keys.items()) for keys in parts)
        raise DataError(
            f"no partition of `{description}` meets {', '.join(map(str, filters))}",
            help=f"its partitions are {some(list(names))}",
        )
    return kept


def partitions_of(names: Sequence[PurePath], root: str, hive: bool | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys of the folders that files lie in, and those of the folders above `root`.

    `names` are the paths of the files below it, whole paths where there is none.

    Raises:
        DataError: the files do not all lie in folders of the same keys, and `hive` says that they do.
    """
    if hive is False:
        return (), ()
    inner = [_keys(name.parent) for name in names]
    if hive is None and not (root and inner[0] and all(keys == inner[0] for keys in inner)):
        return (), ()
    if any(keys != inner[0] for keys in inner):
        raise DataError("the files do not all lie in folders of the same keys `key=value`", help=f"first: {inner[0]}")
    outer = _keys(PurePath(root)) if root else ()
    return inner[0], tuple(key for key in outer if key not in inner[0])


def _keys(folder: PurePath) -> tuple[str, ...]:
    return tuple(part.partition("=")[0] for part in folder.parts if "=" in part)
