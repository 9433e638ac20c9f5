"""The filters of the File rules: the newest files, and files by a regular expression on their URI."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from dq.files.places import FilesError
from dq.metrics import FileFilter, FileFound
from dq.regex import RegexError, java_regex

_ALL_BUT = re.compile(r"\^?\(\?!(.*)\)\.\*\$?", re.DOTALL)

Search: TypeAlias = Callable[[str, Sequence[str]], frozenset[str]]
"""The texts in which an RE2 pattern occurs."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What `uriRegex` asks of a URI: that an RE2 pattern occurs in it, or that it does not."""

    pattern: str
    negated: bool = False


def pattern_of(regex: str) -> Pattern:
    r"""The pattern of a Java regular expression, which may match anywhere in the URI, as Glue's `\.csv$` does.

    `(?!…).*` is the one lookahead that is understood: the guide's way to leave out files that match from the
    beginning of the URI on.

    Raises:
        RegexError: it is no Java regular expression, or has another lookahead.
    """
    if all_but := _ALL_BUT.fullmatch(regex):
        try:
            java_regex(all_but[1], whole=False)  # alone, since `a)(b` would close the group that it is put into
            return Pattern(java_regex(rf"\A(?:{all_but[1]})", whole=False), negated=True)
        except RegexError:
            pass  # told below, for the expression as it is written
    return Pattern(java_regex(regex, whole=False))


def keep(files: Sequence[FileFound], wanted: FileFilter, search: Search) -> list[FileFound]:
    """The files that pass the filters, ordered by their URIs.

    Raises:
        FilesError: the newest are asked for, and a file has no time.
        RegexError: as `pattern_of`.
    """
    kept = list(files)
    for step in wanted.steps:
        kept = newest(kept, step) if isinstance(step, int) else matching(kept, step, search)
    return sorted(kept, key=lambda file: file.uri)


def newest(files: Sequence[FileFound], number: int) -> list[FileFound]:
    """So many of the files that were modified last."""
    by_uri = sorted(files, key=lambda file: file.uri)
    return sorted(by_uri, key=modified, reverse=True)[:number]


def modified(file: FileFound) -> datetime:
    """When a file was last modified.

    Raises:
        FilesError: its file system does not say.
    """
    if file.modified is None:
        raise FilesError(f"`{file.uri}`: its server does not say when it was modified")
    return file.modified


def matching(files: Sequence[FileFound], regex: str, search: Search) -> list[FileFound]:
    """The files whose URI matches; bytes that are no UTF-8 count as the replacement character."""
    pattern = pattern_of(regex)
    texts = {file.uri: file.uri.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for file in files}
    found = search(pattern.pattern, list(texts.values()))
    return [file for file in files if (texts[file.uri] in found) is not pattern.negated]
