"""Connecting to the files of other machines, listing and reading them.

S3 and Google Cloud Storage come through Arrow, everything else through fsspec. Who may read what is decided elsewhere.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from dq.diagnostics import DqError
from dq.files.names import hidden
from dq.files.places import FilesError, Glob, Place

CONNECT_SECONDS, REQUEST_SECONDS = 10, 30
ATTEMPTS = 4
"""How often a request is made before its failure counts; between them the wait doubles."""

CHUNK = 8 << 20
"""Bytes that one request asks for when a whole file is read."""

Answer = TypeVar("Answer")
Told = Callable[[int], None]
"""Told how many files have been listed."""


@dataclass(frozen=True, slots=True)
class Store:
    """How a store of objects is reached; what is left empty is as the environment says.

    Attributes:
        endpoint: the address of an S3-compatible server, such as `http://127.0.0.1:9000`; AWS_ENDPOINT_URL_S3,
            AWS_ENDPOINT_URL.
        region: AWS_REGION, AWS_DEFAULT_REGION, else where the bucket says it is.
        profile: a profile of the AWS configuration files, which needs the extra `aws`; AWS_PROFILE.
        access_key: with `secret_key` and `session_token`, credentials in place of the usual chain.
        anonymous: read without credentials; AWS_NO_SIGN_REQUEST for S3, GS_NO_SIGN_REQUEST for Google.
    """

    endpoint: str = ""
    region: str = ""
    profile: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    anonymous: bool = False

    def of_s3(self) -> Store:
        """The same with what the environment and the profile say of S3. What is empty yet is left to its library.

        Raises:
            FilesError: the profile is not there, has no credentials, or boto3, which reads it, is not installed.
        """
        given = os.environ.get
        endpoint = self.endpoint or given("AWS_ENDPOINT_URL_S3") or given("AWS_ENDPOINT_URL") or ""
        region = self.region or given("AWS_REGION") or given("AWS_DEFAULT_REGION") or ""
        store = replace(self, endpoint=endpoint, region=region, anonymous=self.is_anonymous("AWS_NO_SIGN_REQUEST"))
        if store.profile and not store.access_key:
            store = _with_profile(store)
        return replace(store, region=store.region or ("us-east-1" if endpoint else ""))

    def is_anonymous(self, variable: str) -> bool:
        """Whether nothing is signed, as the store says, or a variable of the environment if it has no keys."""
        return self.anonymous or (
            not self.access_key and os.environ.get(variable, "").lower() in ("1", "true", "yes", "on")
        )


def _with_profile(store: Store) -> Store:
    """The keys of its profile, and the region if it has none."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise FilesError(
            "AWS profiles need boto3, which is not installed", help='pip install "dq-rules[aws]"'
        ) from None
    try:
        session = boto3.session.Session(profile_name=store.profile)
        found = session.get_credentials()
    except BotoCoreError as error:
        raise FilesError(f"the profile `{store.profile}` cannot be used: {error}") from None
    region = store.region or session.region_name or ""
    if store.anonymous:
        return replace(store, region=region)
    if found is None:
        raise FilesError(f"the profile `{store.profile}` of the AWS configuration has no credentials")
    keys = found.get_frozen_credentials()
    return replace(
        store, region=region, access_key=keys.access_key, secret_key=keys.secret_key, session_token=keys.token or ""
    )


STORE_SETTINGS = tuple(each.name for each in fields(Store))
"""The settings of a catalog that say how its store is reached."""


def store_of(settings: Mapping[str, Any]) -> Store:
    """A store as the settings of a catalog say; what they leave out is as the environment says."""
    return Store(**{name: settings[name] for name in STORE_SETTINGS if settings.get(name)})


ENVIRONMENT = Store()
"""A store that is reached as the environment says."""


@dataclass(frozen=True, slots=True)
class Object:
    """A file of another machine as its server told it.

    Attributes:
        url: what to open. It may hold a signature: show `shown`.
        name: its path below the place that was looked at.
        size: in bytes; None where the server does not say.
        modified: aware; None where the server does not say.
        tag: what changes with its content, an ETag; empty where the server does not say.
        is_folder: that it is no file; the rest is empty then.
    """

    url: str = field(repr=False)
    name: str = ""
    size: int | None = None
    modified: datetime | None = None
    tag: str = ""
    is_folder: bool = False

    @property
    def shown(self) -> str:
        """The address for a message."""
        return Place(self.url, self.url.partition(":")[0]).shown

    def is_same(self, other: Object | None) -> bool:
        """Whether nothing tells it from what it was: size, tag, and the time where there is no tag."""
        if other is None or self.size != other.size:
            return False
        if self.tag and other.tag:
            return self.tag == other.tag
        return self.modified == other.modified or None in (self.modified, other.modified)


class Handle(Protocol):
    """An open file. Any thread may read it at any time."""

    object: Object

    def read(self, offset: int, length: int, /) -> bytes:
        """Bytes of it; fewer only at its end."""


class System(Protocol):
    """One kind of store. All of it may raise what its library raises: see `told`."""

    def look(self, url: str, /) -> Object | None:
        """The file or the folder at an address; None if there is nothing."""

    def below(self, folder: Place, wanted: Glob, listed: Told, /) -> Iterator[Object]:
        """The wanted files below a folder, in no promised order, as their listing arrives."""

    def inside(self, folder: Place, begins: str = "", /) -> Iterator[Object]:
        """The files and folders in a folder whose names begin so, as their listing arrives; nothing deeper."""

    def open(self, found: Object, /) -> Handle:
        """A file for reading in parts; its server is asked what it is now."""

    def stream(self, found: Object, /) -> AbstractContextManager[BinaryIO]:
        """The bytes of a file, from its beginning."""


def system(scheme: str, store: Store = ENVIRONMENT) -> System:
    """The store of a URL scheme.

    Raises:
        FilesError: its library is not installed.
    """
    if scheme == "s3":
        return S3Files(store)
    return ArrowFiles(partial(_gcs, store)) if scheme == "gs" else FsspecFiles(scheme)


def put(url: str, data: bytes, store: Store = ENVIRONMENT) -> None:
    """Write an object of a store whole: whoever reads meanwhile finds what was there before.

    Raises:
        FilesError: it cannot be written.
    """
    scheme = url.partition("://")[0]
    with told(Place(url, scheme).shown, "written"):
        if scheme in _CONNECT:
            with _CONNECT[scheme](store, _key(url).partition("/")[0]).open_output_stream(_key(url)) as out:
                out.write(data)
        else:
            import fsspec

            with fsspec.open(url, "wb") as out:
                out.write(data)


@contextmanager
def told(shown: str, done: str = "read") -> Iterator[None]:
    """Turn what a library raises into an error that names the place, what was not `done`, and no credential.

    What it raised is not kept as the cause: a traceback would show its addresses.
    """
    try:
        yield
    except DqError:
        raise
    except Exception as error:  # noqa: BLE001 -- file systems of fsspec raise exceptions of their own libraries
        said = hidden(_said(error)).rstrip(" :.") or type(error).__name__
        advice = next((help for sign, help in _ADVICE.items() if sign in said), "")
        raise FilesError(f"`{shown}` cannot be {done}: {said}", help=advice) from None


def _said(error: Exception) -> str:
    """The words of an exception; those of a web client come with the address that was asked for."""
    status, message = getattr(error, "status", None), getattr(error, "message", None)
    return f"HTTP status {status} {message}" if status and message is not None else str(error)


_ADVICE = {
    "ACCESS_DENIED": "check the credentials; a public bucket is read with AWS_NO_SIGN_REQUEST=true",
    "ExpiredToken": "the credentials have expired: renew them",
    "EXPIRED_TOKEN": "the credentials have expired: renew them",
    "HTTP status 400": "are the credentials expired, or of another region?",
    "HTTP status 503": "the server asks for fewer requests: try again later",
    "SERVICE_UNAVAILABLE": "the server asks for fewer requests: try again later",
    "SLOW_DOWN": "the server asks for fewer requests: try again later",
    "SlowDown": "the server asks for fewer requests: try again later",
    "Unable to locate credentials": "give credentials; a public bucket is read with AWS_NO_SIGN_REQUEST=true",
}


# -- Arrow -------------------------------------------------------------------------------------------------


def s3_system(store: Store, bucket: str) -> Any:
    """Arrow's file system for a bucket of S3."""
    from pyarrow import fs

    store = store.of_s3()
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "request_timeout": REQUEST_SECONDS,
        "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        "anonymous": store.anonymous,
    }
    if not store.anonymous:
        keys = {name: getattr(store, name) for name in ("access_key", "secret_key", "session_token")}
        options |= {name: value for name, value in keys.items() if value}
    if store.endpoint:
        parts = urlsplit(store.endpoint)
        options |= {"endpoint_override": parts.netloc + parts.path.rstrip("/"), "scheme": parts.scheme or "https"}
    return fs.S3FileSystem(region=store.region or fs.resolve_s3_region(bucket), **options)


def _gcs(store: Store, bucket: str) -> Any:
    """Google Cloud Storage as the environment says: its credentials, or the emulator of STORAGE_EMULATOR_HOST."""
    from datetime import timedelta

    from pyarrow import fs

    options: dict[str, Any] = {"retry_time_limit": timedelta(seconds=REQUEST_SECONDS)}
    if emulator := store.endpoint or os.environ.get("STORAGE_EMULATOR_HOST"):
        parts = urlsplit(emulator if "://" in emulator else f"http://{emulator}")
        options |= {"endpoint_override": parts.netloc, "scheme": parts.scheme, "anonymous": True}
    elif store.is_anonymous("GS_NO_SIGN_REQUEST"):
        options["anonymous"] = True
    return fs.GcsFileSystem(**options)


_CONNECT: Mapping[str, Callable[[Store, str], Any]] = {"s3": s3_system, "gs": _gcs}
"""How a bucket is reached natively, by the scheme of URLs."""


class ArrowFiles:
    """Objects of a store that Arrow reads natively. An empty object whose key ends in a slash is a folder."""

    def __init__(self, connect: Callable[[str], Any]) -> None:
        self._connect = connect
        self._systems: dict[str, Any] = {}

    def look(self, url: str, /) -> Object | None:
        """The object, or the prefix."""
        from pyarrow.fs import FileType

        (info,) = self._system(url).get_file_info([_key(url)])
        if info.type == FileType.NotFound:
            return None
        if info.type == FileType.Directory:
            return Object(url, is_folder=True)
        return Object(url, url.rpartition("/")[2], info.size, info.mtime)

    def below(self, folder: Place, wanted: Glob, listed: Told, /) -> Iterator[Object]:
        """The wanted objects below a prefix; Arrow lists all of it first."""
        from pyarrow.fs import FileSelector, FileType

        base = _key(folder.path)
        selector = FileSelector(base, recursive=True, allow_not_found=True)
        infos = self._system(folder.path).get_file_info(selector)
        listed(len(infos))
        for info in infos:
            name = info.path[len(base) :].lstrip("/")
            if info.type == FileType.File and wanted.matches(name):
                yield Object(f"{folder.path}/{name}", name, info.size, info.mtime)

    def inside(self, folder: Place, begins: str = "", /) -> Iterator[Object]:
        """The objects and prefixes in a prefix."""
        from pyarrow.fs import FileSelector, FileType

        for info in self._system(folder.path).get_file_info(FileSelector(_key(folder.path), allow_not_found=True)):
            if info.base_name.startswith(begins):
                url = f"{folder.path}/{info.base_name}"
                yield Object(url, info.base_name, info.size, info.mtime, is_folder=info.type == FileType.Directory)

    def open(self, found: Object, /) -> Handle:
        """An object for reading in parts."""
        return _ArrowHandle(found, self._system(found.url).open_input_file(_key(found.url)))

    def stream(self, found: Object, /) -> AbstractContextManager[BinaryIO]:
        """The bytes of an object."""
        return cast(
            "AbstractContextManager[BinaryIO]",
            self._system(found.url).open_input_stream(_key(found.url), compression=None),
        )

    def _system(self, url: str) -> Any:
        bucket = _key(url).partition("/")[0]
        if not bucket:
            raise FilesError(f"`{url}` names no bucket")
        if bucket not in self._systems:
            self._systems[bucket] = self._connect(bucket)
        return self._systems[bucket]


class _ArrowHandle:
    def __init__(self, found: Object, file: Any) -> None:
        tag = {key.lower(): value for key, value in (file.metadata() or {}).items()}.get("etag", "")
        tag = tag.decode() if isinstance(tag, bytes) else tag
        self.object = Object(found.url, found.name, file.size(), found.modified, tag)
        self._file = file

    def read(self, offset: int, length: int, /) -> bytes:
        return cast(bytes, self._file.read_at(length, offset))


def _key(url: str) -> str:
    """Bucket and key, as Arrow writes them."""
    return url.partition("://")[2]


class S3Files(ArrowFiles):
    """Objects of S3, listed page by page where boto3 is installed: Arrow holds a whole listing in memory."""

    def __init__(self, store: Store) -> None:
        super().__init__(partial(s3_system, store))
        self._store = store

    def below(self, folder: Place, wanted: Glob, listed: Told, /) -> Iterator[Object]:
        """The wanted objects below a prefix."""
        pages = self._pages(folder, wanted.literal)
        if pages is None:
            yield from super().below(folder, wanted, listed)
            return
        count = 0
        for page in pages:
            found = page.get("Contents", ())
            count += len(found)
            listed(count)
            yield from (each for each in _objects(folder, found) if wanted.matches(each.name))

    def inside(self, folder: Place, begins: str = "", /) -> Iterator[Object]:
        """The objects and prefixes in a prefix."""
        pages = self._pages(folder, begins, Delimiter="/")
        if pages is None:
            yield from super().inside(folder, begins)
            return
        for page in pages:
            for each in page.get("CommonPrefixes", ()):
                name = each["Prefix"].removesuffix("/").rpartition("/")[2]
                yield Object(f"{folder.path}/{name}", name, is_folder=True)
            yield from _objects(folder, page.get("Contents", ()))

    def _pages(self, folder: Place, begins: str, **options: str) -> Iterator[Any] | None:
        """The pages of a listing, nothing for a bucket that is not there; None where boto3 is not installed."""
        try:
            client = _client(self._store)
        except ImportError:
            return None
        bucket, _, key = _key(folder.path).partition("/")
        prefix = f"{key}/{begins}" if key else begins

        def pages() -> Iterator[Any]:
            with suppress(client.exceptions.NoSuchBucket):
                yield from client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **options)

        return pages()


def _objects(folder: Place, found: Iterable[Mapping[str, Any]]) -> Iterator[Object]:
    """The objects of a page; an empty one whose key ends in a slash is a folder, and none of them."""
    above = len(_key(folder.path).partition("/")[2])
    for each in found:
        name = each["Key"][above + 1 if above else 0 :]
        if name and not name.endswith("/"):
            yield Object(f"{folder.path}/{name}", name, each["Size"], each["LastModified"], each.get("ETag", ""))


def _client(store: Store) -> Any:
    """A client of S3 for listing. Raises ImportError where boto3 is not installed."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    store = store.of_s3()
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=REQUEST_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        signature_version=UNSIGNED if store.anonymous else None,
        s3={"addressing_style": "path"} if store.endpoint else None,
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=store.endpoint or None,
        region_name=store.region or None,
        aws_access_key_id=store.access_key or None,
        aws_secret_access_key=store.secret_key or None,
        aws_session_token=store.session_token or None,
        config=config,
    )


# -- fsspec ------------------------------------------------------------------------------------------------

_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified")
_TAGS = ("ETag", "etag", "md5Hash", "generation", "Last-Modified")


class FsspecFiles:
    """Files of any file system that fsspec knows; needs the extra `fsspec`, and the driver of the scheme."""

    def __init__(self, scheme: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise FilesError(
                f"`{scheme}://` needs fsspec, which is not installed", help='pip install "dq-rules[fsspec]"'
            ) from None
        self._connect: Callable[..., tuple[Any, str]] = url_to_fs

    def look(self, url: str, /) -> Object | None:
        """The file or the folder."""
        system, path = self._open(url)
        system.invalidate_cache()
        try:
            info = _again(lambda: system.info(path))
        except FileNotFoundError:
            return None
        if info["type"] == "directory":
            return Object(url, is_folder=True)
        shown = Place(url, url.partition(":")[0]).shown
        return _object(system, url, shown.rpartition("/")[2], info)

    def below(self, folder: Place, wanted: Glob, listed: Told, /) -> Iterator[Object]:
        """The wanted files below a folder; fsspec lists all of it first."""
        system, path = self._open(folder.path)
        base = path.rstrip("/")
        infos = _again(lambda: system.find(path, detail=True))
        listed(len(infos))
        for each, info in infos.items():
            name = each.removeprefix(base).lstrip("/")
            if wanted.matches(name):
                yield _object(system, f"{folder.path.rstrip('/')}/{name}", name, info)

    def inside(self, folder: Place, begins: str = "", /) -> Iterator[Object]:
        """The files and folders in a folder; fsspec lists all of it first."""
        system, path = self._open(folder.path)
        for info in _again(lambda: system.ls(path, detail=True)):
            name = info["name"].rstrip("/").rpartition("/")[2]
            if name and name.startswith(begins):
                yield Object(f"{folder.path.rstrip('/')}/{name}", name, is_folder=info["type"] == "directory")

    def open(self, found: Object, /) -> Handle:
        """A file for reading in parts."""
        system, path = self._open(found.url)
        info = _again(lambda: system.info(path))
        return _FsspecHandle(_object(system, found.url, found.name, info), system, path)

    def stream(self, found: Object, /) -> AbstractContextManager[BinaryIO]:
        """The bytes of a file."""
        system, path = self._open(found.url)
        whole = {"block_size": 0} if _is_web(found.url) else {}  # in blocks, a server must know ranges
        return cast("AbstractContextManager[BinaryIO]", _again(lambda: system.open(path, "rb", **whole)))

    def _open(self, url: str) -> tuple[Any, str]:
        if _is_web(url):
            import aiohttp

            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=REQUEST_SECONDS)
            return self._connect(url, client_kwargs={"timeout": timeout})
        return self._connect(url)


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


class _FsspecHandle:
    def __init__(self, found: Object, system: Any, path: str) -> None:
        self.object = found
        self._system = system
        self._path = path

    def read(self, offset: int, length: int, /) -> bytes:
        return cast(bytes, _again(lambda: self._system.cat_file(self._path, start=offset, end=offset + length)))


def _again(ask: Callable[[], Answer]) -> Answer:
    """What a request answers, made again while its server fails; what is not there or not allowed is no failure."""
    attempt = 1
    while True:
        try:
            return ask()
        except (PermissionError, NotImplementedError, KeyError):
            raise
        except Exception as error:  # drivers raise exceptions of their own libraries
            fault = (
                error.__cause__ if isinstance(error, FileNotFoundError) else error
            )  # of the web: whatever went wrong
            status = getattr(fault, "status", None)
            if fault is None or status == 404:
                raise
            if attempt == ATTEMPTS or (isinstance(status, int) and status < 500 and status != 429):
                raise fault from None
        time.sleep(0.25 * 2**attempt)
        attempt += 1


def _object(system: Any, url: str, name: str, info: Mapping[str, Any]) -> Object:
    tag = next((str(info[key]) for key in _TAGS if info.get(key)), "")
    return Object(url, name, info.get("size"), _modified(system, info), tag)


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
