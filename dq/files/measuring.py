"""Scans of files: each path is listed once, each file is read once per algorithm, whichever rules ask."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dq.engines.base import Engine
from dq.files.base import Files, Listing
from dq.files.filters import keep
from dq.files.local import LocalFiles
from dq.files.names import hidden
from dq.files.places import FilesError, Place, Roots, place
from dq.files.remote import FoundFiles, remote
from dq.metrics import Digests, FileFound, FilesBelow, Measured, Metric, Names, NamesMatching
from dq.metrics import Files as FilesMetric
from dq.planning import Scan

CHUNK = 1 << 20
"""Bytes that are read at a time."""

NAMES_AT_ONCE = 2_000
"""URIs that one query compares with a regular expression."""

HASHING = "hashing files (MiB)"

Progress = Callable[[str, float, int], None]


class FileScans:
    """Measures scans whose grain is `FilesBelow`.

    Args:
        roots: where a ruleset may look.
        primary: the files that the primary was read from, paths where they lie on this machine; None for a table in
            memory, or none at all.
        engine: searches URIs, so that a regular expression means the same everywhere.
        progress: told what is being done; the numbers are MiB.
    """

    def __init__(
        self,
        roots: Roots,
        primary: Sequence[str] | FoundFiles | None,
        engine: Engine,
        progress: Progress = lambda *step: None,
    ) -> None:
        self._roots = roots
        self._primary = primary
        self._engine = engine
        self._progress = progress
        self._systems: dict[str, Files] = {}
        self._listings: dict[Place | None, Listing | FilesError] = {}
        self._digests: dict[tuple[str, str], str] = {}

    def measure(self, scan: Scan, /) -> Mapping[Metric, Measured]:
        """What the scan answers. Raises FilesError."""
        found: dict[Metric, Measured] = {}
        for metric in scan.metrics:
            assert isinstance(metric, FilesMetric)
            listing = self._listing(metric.path)
            files = keep(listing.files, metric.filter, self._search)
            if metric.digests:
                system = self._system(None if metric.path is None else place(metric.path))
                files = self._with_digests(files, metric.digests, system)
            found[metric] = metric.state(
                (tuple(files), len(listing.files), listing.single, listing.missing, listing.notes)
            )
        return found

    # -- listing -----------------------------------------------------------------------------------------

    def _listing(self, path: str | None) -> Listing:
        """The files at a path, looked up once: a server that does not answer is not asked again either."""
        where = None if path is None else place(path)
        if where not in self._listings:
            self._progress("listing files", 0, 0)
            try:
                self._listings[where] = self._of_primary() if where is None else self._system(where).find(where)
            except FilesError as error:
                self._listings[where] = error
        found = self._listings[where]
        if isinstance(found, FilesError):
            raise found
        return found

    def _of_primary(self) -> Listing:
        if self._primary is None:
            raise FilesError(
                "the rule names no path, and the data was not read from files",
                help='write the path behind the rule type, such as FileSize "data/" > 0 B',
            )
        if isinstance(self._primary, FoundFiles):
            return self._primary.find()
        return LocalFiles(self._roots).named(self._primary)

    def _system(self, where: Place | None) -> Files:
        if where is None and isinstance(self._primary, FoundFiles):
            return self._primary
        scheme = where.scheme if where else ""
        if scheme not in self._systems:
            if where:
                self._roots.admit(where)  # before a library is asked for
            self._systems[scheme] = remote(scheme, self._roots, self._progress) if scheme else LocalFiles(self._roots)
        return self._systems[scheme]

    def _search(self, pattern: str, texts: Sequence[str]) -> frozenset[str]:
        found: set[str] = set()
        for at in range(0, len(texts), NAMES_AT_ONCE):
            metric = NamesMatching(pattern, pattern, tuple(texts[at : at + NAMES_AT_ONCE]))
            names = self._engine.measure(Scan(metric.grain, (metric,)))[metric]
            assert isinstance(names, Names)
            found.update(names.partly)
        return frozenset(found)

    # -- hashing -----------------------------------------------------------------------------------------

    def _with_digests(self, files: Sequence[FileFound], wanted: Digests, system: Files) -> list[FileFound]:
        """The files with their digests; those behind the one at which hashing ends are left without."""
        needed = _needed(files, wanted)
        total = sum(file.size or 0 for file in needed)
        done = 0
        digests: dict[str, str] = {}
        for file in needed:
            self._progress(HASHING, done >> 20, total >> 20)
            digests[file.uri] = self._digest(file, wanted.algorithm, system, done, total)
            done += file.size or 0
            if wanted.until and digests[file.uri] not in wanted.until:
                break
        return [replace(file, digest=digests.get(file.uri, "")) for file in files]

    def _digest(self, file: FileFound, algorithm: str, system: Files, done: int, total: int) -> str:
        key = (file.target, algorithm)
        if key not in self._digests:
            try:
                self._digests[key] = self._read(file, algorithm, system, done, total)
            except OSError as error:
                why = error.strerror or hidden(str(error))
                raise FilesError(f"`{file.uri}` cannot be read: {why}") from error
        return self._digests[key]

    def _read(self, file: FileFound, algorithm: str, system: Files, done: int, total: int) -> str:
        digest = hashlib.new(_HASHES[algorithm], usedforsecurity=False)
        read = 0
        with system.open(file) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                read += len(chunk)
                self._progress(HASHING, (done + read) >> 20, total >> 20)
        if file.size is not None and read != file.size:
            raise FilesError(
                f"`{file.uri}` changed while it was read: {read:,} bytes, and {file.size:,} before", help="run again"
            )
        return digest.hexdigest()


_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256"}


def _needed(files: Sequence[FileFound], wanted: Digests) -> list[FileFound]:
    if not wanted.repeated_sizes:
        return list(files)
    sizes = Counter(file.size for file in files)
    return [file for file in files if file.size is None or None in sizes or sizes[file.size] > 1]


def describe(scan: Scan) -> str:
    """What a scan of files does, in a few words."""
    assert isinstance(scan.grain, FilesBelow)
    where = "the files of primary" if scan.grain.path is None else f"files below {_shown(scan.grain.path)}"
    algorithms = dict.fromkeys(
        metric.digests.algorithm for metric in scan.metrics if isinstance(metric, FilesMetric) and metric.digests
    )
    return f"list {where}, hash them with {' and '.join(algorithms)}" if algorithms else f"list {where}"


def _shown(path: str) -> str:
    try:
        return place(path).shown if "://" in path else path
    except FilesError:
        return "a path that is refused"
