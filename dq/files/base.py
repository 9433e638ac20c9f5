"""What a file system must be able to do for the File rules: list with sizes and times, and open."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from dq.files.places import Place
from dq.metrics import FileFound


@dataclass(frozen=True, slots=True)
class Listing:
    """The files at or below a place, ordered by their URIs.

    `single` says that the place is one file; `missing` that there is nothing; `notes` what was left out.
    """

    files: Sequence[FileFound] = ()
    single: bool = False
    missing: bool = False
    notes: tuple[str, ...] = field(default=())


class Files(Protocol):
    """One kind of file system."""

    def find(self, place: Place, /) -> Listing:
        """The files at or below a place; folders are searched in full depth. Raises FilesError."""

    def open(self, file: FileFound, /) -> AbstractContextManager[BinaryIO]:
        """The bytes of a file that `find` found, from its beginning. May raise OSError."""
