"""What a path of a ruleset names, and whether a ruleset may name it.

A ruleset is untrusted: it may learn of files only below the roots that the person who runs it has given.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dq.diagnostics import DqError
from dq.engines.base import EngineError
from dq.files.names import path_of_url, visible, without_query

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")
_MAGIC = re.compile(r"[*?\[]")
_SAME_SCHEME = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "local": "file"}
_WEB = ("http", "https")


class FilesError(EngineError):
    """Files that cannot be listed or read, and places that a ruleset may not name."""

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(visible(message), help=visible(help))


class NoneFoundError(FilesError):
    """A place that can be looked at, and in which there is no such file."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file, a folder or a glob of them.

    `path` is the absolute local path when there is no scheme, else the whole URL without a slash at its end.
    """

    path: str
    scheme: str = ""

    @property
    def shown(self) -> str:
        """The path for a message: without the query of a web address, which may hold a signature."""
        return without_query(self.path)

    @property
    def glob(self) -> tuple[Place, Glob] | None:
        """The folder above the first wildcard, and what is wanted below it; None without a wildcard."""
        if self.scheme in _WEB or not _MAGIC.search(self.path):
            return None
        start = len(self.scheme) + 3 if self.scheme else 0
        parts = self.path[start:].split("/")
        first = next(at for at, part in enumerate(parts) if _MAGIC.search(part))
        folder = "/".join(parts[:first])
        root = f"{self.scheme}://{folder}" if self.scheme else folder or "/"
        return Place(root, self.scheme), Glob(tuple(part for part in parts[first:] if part))


def place(text: str) -> Place:
    """The place that a text names.

    Raises:
        FilesError: it is empty, holds a NUL or a password, chains file systems, or climbs with `..` in a URL.
    """
    if not text:
        raise FilesError("the path is empty", help="write a path, or leave it out to mean the files of the primary")
    if "\0" in text:
        raise FilesError("the path holds a NUL character")
    match = _SCHEME.match(text)
    if not match:
        return Place(_absolute(text))
    if "::" in text:
        raise FilesError("the path chains file systems with `::`, which a rule may not", help="name one place")
    scheme = match[1].lower()
    scheme = _SAME_SCHEME.get(scheme, scheme)
    if scheme == "file":
        return Place(_absolute(_local_path(text)))
    rest = text[match.end() :].removeprefix("/").rstrip("/")
    authority = rest.partition("/")[0]
    user, at, _ = authority.rpartition("@")
    if at and (":" in user or scheme in _WEB):  # `abfs://container@account/…` is no user
        raise FilesError(
            f"the `{scheme}://` address holds a user name or a password",
            help="take them out: credentials come from the environment",
        )
    if _climbs(rest):
        raise FilesError(f"the `{scheme}://` address climbs with `..`", help="write the address in full")
    if scheme in _WEB:
        rest = authority.lower() + rest[len(authority) :]
    return Place(f"{scheme}://{rest}", scheme)


def _absolute(path: str) -> str:
    # Not resolve(), which would name a link's target instead of what the user knows, nor absolute(), which keeps `..`.
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 -- a user without a home is no crash


def _local_path(url: str) -> str:
    if url.lower().startswith("local:"):
        return url.split("://", 1)[-1]
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise FilesError(f"`file://{parts.hostname}` names a file of another machine", help="use file:///path")
    return path_of_url(parts.path)


def _climbs(path: str) -> bool:
    """Whether `..` is a part of the path, however it is encoded."""
    decoded = path
    while (plain := unquote(decoded)) != decoded:
        decoded = plain
    return bool({".", ".."} & set(re.split(r"[/\\]", decoded)))


# -- globs -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Glob:
    """A path with wildcards, part by part: `*`, `?`, `[…]` within a name, `**` for any number of folders.

    It is walked along with the folders: `start`, then `step` from name to name. A folder that it names stands
    for everything below.
    """

    parts: tuple[str, ...]

    @property
    def start(self) -> frozenset[int]:
        """What may come first."""
        return self._closure({0})

    def step(self, positions: frozenset[int], name: str) -> frozenset[int]:
        """What may come behind a name; empty when nothing below can be wanted."""
        behind: set[int] = set()
        for at in positions:
            if at == len(self.parts) or self.parts[at] == "**":
                behind.add(at)
            elif fnmatchcase(name, self.parts[at]):
                behind.add(at + 1)
        return self._closure(behind)

    def wants(self, positions: frozenset[int]) -> bool:
        """Whether a file that ends here is wanted."""
        return len(self.parts) in positions

    @property
    def literal(self) -> str:
        """What the path of every wanted file begins with."""
        match = _MAGIC.search(whole := "/".join(self.parts))
        return whole[: match.start()] if match else whole

    def names(self, name: str) -> bool:
        """Whether a wanted file is named itself, and not only by a folder above it."""
        *folders, last = name.split("/")
        positions = self.start
        for part in folders:
            positions = self.step(positions - {len(self.parts)}, part)
        return self.wants(self.step(positions - {len(self.parts)}, last))

    def matches(self, name: str) -> bool:
        """Whether a file of this path below the folder is wanted."""
        positions = self.start
        for part in name.split("/"):
            positions = self.step(positions, part)
        return self.wants(positions)

    def _closure(self, positions: Iterable[int]) -> frozenset[int]:
        reached = set(positions)
        for at, part in enumerate(self.parts):
            if at in reached and part == "**":
                reached.add(at + 1)
        return frozenset(reached)


EVERYTHING_BELOW = Glob(("**",))


# -- roots -----------------------------------------------------------------------------------------------


class Roots:
    """The folders and addresses below which a ruleset may name files.

    `folders` are those of the data; `allowed` is what the user allows beside them, local paths or URLs. The
    working directory is one too, unless it is the root of the file system or the home directory: too much
    lies below those.

    Raises:
        DqError: an allowed path that is none.
    """

    def __init__(self, folders: Iterable[str] = (), allowed: Iterable[str] = ()) -> None:
        local = [os.path.realpath(folder) for folder in folders]
        working = os.path.realpath(Path.cwd())
        if working not in (os.path.realpath(_absolute("~")), os.path.sep):
            local.append(working)
        self._urls: list[str] = []
        for each in allowed:
            try:
                root = place(each)
            except FilesError as error:
                raise DqError(f"a path to allow: {error.message}", help=error.help) from None
            if root.scheme:
                self._urls.append(root.path)
            else:
                local.append(os.path.realpath(root.path))
        self._local = tuple(dict.fromkeys(local))

    def admit(self, place: Place) -> str:
        """What to open for a place: the path with links and `..` resolved, or the URL as it is.

        Raises:
            FilesError: it lies below no root.
        """
        if place.scheme:
            if not any(self._is_below(place.path, root) for root in self._urls):
                raise FilesError(
                    f"the ruleset may not read `{place.shown}`: it lies below no allowed path",
                    help=f"if it may, allow it: --allow-path {_prefix(place)}",
                )
            return place.path
        real = os.path.realpath(place.path)
        if not self._holds(real):
            leads_out = self._holds(place.path)  # where a link elsewhere leads is not for the ruleset to know
            target = f", which is `{real}`" if leads_out else ""
            raise FilesError(
                f"the ruleset may not read `{place.path}`{target}: it lies outside of the data's folders, "
                "the working directory and the allowed paths",
                help=f"if it may, allow it: --allow-path {Path(real if leads_out else place.path).parent}",
            )
        return real

    def _holds(self, path: str) -> bool:
        return any(Path(path).is_relative_to(root) for root in self._local)

    @staticmethod
    def _is_below(url: str, root: str) -> bool:
        return url == root or url.startswith(root if root.endswith("://") else f"{root}/")


def _prefix(place: Place) -> str:
    """The bucket or host of an address."""
    start = len(place.scheme) + 3
    return place.path[:start] + re.split(r"[/?#]", place.path[start:])[0]
