"""Files of other machines: S3 and Google Cloud Storage through Arrow, everything else through fsspec."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from dq.files.base import Files, Listing
from dq.files.names import hidden
from dq.files.places import EVERYTHING_BELOW, FilesError, Glob, Place, Roots
from dq.metrics import FileFound

CONNECT_SECONDS, REQUEST_SECONDS = 10, 30


def remote(scheme: str, roots: Roots) -> Files:
    """The file system of a URL scheme."""
    opener = _ARROW.get(scheme)
    return ArrowFiles(opener, roots) if opener else FsspecFiles(scheme, roots)


@contextmanager
def _told(place: Place) -> Iterator[None]:
    """Turns what a library raises into an error that names the place and no credential."""
    try:
        yield
    except FilesError:
        raise
    except ImportError as error:
        raise FilesError(f"`{place.shown}` cannot be read: {hidden(str(error))}") from error
    except Exception as error:  # file systems of fsspec raise exceptions of their own libraries
        raise FilesError(f"`{place.shown}` cannot be read: {hidden(str(error)) or type(error).__name__}") from error


# -- Arrow -------------------------------------------------------------------------------------------------


def _s3(bucket: str) -> Any:
    """S3 as the environment says: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, and the usual credentials."""
    from pyarrow import fs

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "request_timeout": REQUEST_SECONDS}
    if endpoint:
        parts = urlsplit(endpoint)
        options |= {"endpoint_override": parts.netloc + parts.path.rstrip("/"), "scheme": parts.scheme or "https"}
        region = region or "us-east-1"
    return fs.S3FileSystem(region=region or fs.resolve_s3_region(bucket), **options)


def _gcs(bucket: str) -> Any:
    """Google Cloud Storage as the environment says: its credentials, or the emulator of STORAGE_EMULATOR_HOST."""
    from datetime import timedelta

    from pyarrow import fs

    options: dict[str, Any] = {"retry_time_limit": timedelta(seconds=REQUEST_SECONDS)}
    if emulator := os.environ.get("STORAGE_EMULATOR_HOST"):
        parts = urlsplit(emulator if "://" in emulator else f"http://{emulator}")
        options |= {"endpoint_override": parts.netloc, "scheme": parts.scheme, "anonymous": True}
    return fs.GcsFileSystem(**options)


_ARROW: dict[str, Callable[[str], Any]] = {"s3": _s3, "gs": _gcs}


class ArrowFiles:
    """Objects of a store that Arrow reads natively. An empty object whose key ends in a slash is a folder."""

    def __init__(self, connect: Callable[[str], Any], roots: Roots) -> None:
        self.roots = roots
        self._connect = connect
        self._systems: dict[str, Any] = {}

    def find(self, place: Place, /) -> Listing:
        """The object, or the objects below the prefix or glob."""
        self.roots.admit(place)
        with _told(place):
            return self._find(place)

    def _find(self, place: Place) -> Listing:
        from pyarrow.fs import FileType

        (info,) = self._system(place.path).get_file_info([_key(place.path)])
        if info.type == FileType.File:
            return Listing((_object(place.path, place.path.rpartition("/")[2], info),), single=True)
        if info.type == FileType.Directory:
            return self._below(place, EVERYTHING_BELOW)
        if glob := place.glob:
            self.roots.admit(glob[0])
            return self._below(*glob)
        return Listing(missing=True)

    def _below(self, place: Place, wanted: Glob) -> Listing:
        from pyarrow.fs import FileSelector, FileType

        base = _key(place.path)
        selector = FileSelector(base, recursive=True, allow_not_found=True)
        found = []
        for info in self._system(place.path).get_file_info(selector):
            name = info.path[len(base) :].lstrip("/")
            if info.type == FileType.File and wanted.matches(name):
                found.append(_object(f"{place.path}/{name}", name, info))
        return Listing(sorted(found, key=lambda file: file.uri), missing=not found)

    @contextmanager
    def open(self, file: FileFound, /) -> Iterator[BinaryIO]:
        """The bytes of an object."""
        with (
            _told(Place(file.uri, file.uri.partition(":")[0])),
            self._system(file.target).open_input_stream(_key(file.target)) as stream,
        ):
            yield stream

    def _system(self, url: str) -> Any:
        bucket = _key(url).partition("/")[0]
        if not bucket:
            raise FilesError(f"`{url}` names no bucket")
        if bucket not in self._systems:
            self._systems[bucket] = self._connect(bucket)
        return self._systems[bucket]


def _key(url: str) -> str:
    """Bucket and key, as Arrow writes them."""
    return url.partition("://")[2]


def _object(uri: str, name: str, info: Any) -> FileFound:
    return FileFound(uri, name, info.size, info.mtime, target=uri)


# -- fsspec ------------------------------------------------------------------------------------------------

_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified")


class FsspecFiles:
    """Files of any file system that fsspec knows; needs the extra `fsspec`, and the driver of the scheme."""

    def __init__(self, scheme: str, roots: Roots) -> None:
        self.roots = roots
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise FilesError(
                f"`{scheme}://` needs fsspec, which is not installed", help='pip install "dq-rules[fsspec]"'
            ) from None
        self._open: Callable[[str], tuple[Any, str]] = url_to_fs

    def find(self, place: Place, /) -> Listing:
        """The file, or the files below the folder or glob."""
        self.roots.admit(place)
        with _told(place):
            return self._find(place)

    def _find(self, place: Place) -> Listing:
        system, path = self._open(place.path)
        system.invalidate_cache()
        try:
            info = system.info(path)
        except FileNotFoundError:
            if glob := place.glob:
                self.roots.admit(glob[0])
                return self._below(*glob)
            return Listing(missing=True)
        if info["type"] == "directory":
            return self._below(place, EVERYTHING_BELOW)
        name = place.shown.rpartition("/")[2]
        return Listing((_file(system, place.shown, name, info, place.path),), single=True)

    def _below(self, place: Place, wanted: Glob) -> Listing:
        system, path = self._open(place.path)
        base = path.rstrip("/")
        found = []
        for each, info in system.find(path, detail=True).items():
            name = each.removeprefix(base).lstrip("/")
            if wanted.matches(name):
                uri = f"{place.path.rstrip('/')}/{name}"
                found.append(_file(system, uri, name, info, uri))
        return Listing(sorted(found, key=lambda file: file.uri), missing=not found)

    def open(self, file: FileFound, /) -> AbstractContextManager[BinaryIO]:
        """The bytes of a file."""
        return self._stream(file)

    @contextmanager
    def _stream(self, file: FileFound) -> Iterator[BinaryIO]:
        with _told(Place(file.uri, file.uri.partition(":")[0])):
            system, path = self._open(file.target)
            with system.open(path, "rb") as stream:
                yield stream


def _file(system: Any, uri: str, name: str, info: Mapping[str, Any], target: str) -> FileFound:
    return FileFound(uri, name, info.get("size"), _modified(system, info), target=target)


def _modified(system: Any, info: Mapping[str, Any]) -> datetime | None:
    """When a file was last modified; None where the file system does not say."""
    value = next((info[key] for key in _TIMES if info.get(key) is not None), None)
    if value is None:
        try:
            value = system.modified(info["name"])
        except NotImplementedError:
            return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    assert isinstance(value, datetime)
    return value if value.tzinfo else value.replace(tzinfo=UTC)
