"""Where each key and value of a TOML document stands, which `tomllib` does not tell."""

from __future__ import annotations

import re
import tomllib
from typing import NamedTuple, TypeAlias

from dq.spans import Span

KeyPath: TypeAlias = tuple[str | int, ...]
"""The keys from the top of a document to a value; members of arrays by their number."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\"]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^\\"\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]*")


class Place(NamedTuple):
    """Where a key stands, and its value; for a table with a header that is the header."""

    key: Span
    value: Span


def places(text: str) -> dict[KeyPath, Place]:
    """The place of every key, table and member of an array of a document that `tomllib` has accepted."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


class _Scanner:
    """Walks over a document that is known to be valid: it decides nothing, it only remembers where it is."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[KeyPath, Place] = {}
        self._members: dict[KeyPath, int] = {}

    def document(self) -> None:
        here: KeyPath = ()
        self._blank()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                here = self._header()
            else:
                self._pair(here)
            self._blank()

    def _blank(self) -> None:
        self._take(_BLANK)

    def _take(self, pattern: re.Pattern[str]) -> Span:
        found = pattern.match(self.text, self.at)
        start, self.at = self.at, found.end() if found else self.at
        return Span(start, self.at)

    def _skip(self, characters: str) -> bool:
        """Whether one of the characters comes next; it is passed then."""
        self._blank()
        if self.at < len(self.text) and self.text[self.at] in characters:
            self.at += 1
            return True
        return False

    def _header(self) -> KeyPath:
        start = self.at
        is_array = self.text.startswith("[[", self.at)
        self.at += 1 + is_array
        keys = self._keys()
        self._blank()
        self.at += 1 + is_array
        header = Span(start, self.at)
        here: KeyPath = ()
        for name, span in keys:
            here = (*here, name)
            self.found.setdefault(here, Place(span, header))
            if here in self._members and not (is_array and name is keys[-1][0]):
                here = (*here, self._members[here])
        if is_array:
            self._members[here] = self._members.get(here, -1) + 1
            here = (*here, self._members[here])
        self.found[here] = Place(keys[-1][1], header)
        return here

    def _keys(self) -> list[tuple[str, Span]]:
        keys = [self._key()]
        while self._skip("."):
            keys.append(self._key())
        return keys

    def _key(self) -> tuple[str, Span]:
        self._blank()
        if self.text[self.at] in "\"'":
            span = self._take(_STRING)
            return tomllib.loads(f"key = {self.text[span.start : span.end]}")["key"], span
        span = self._take(_BARE_KEY)
        return self.text[span.start : span.end], span

    def _pair(self, here: KeyPath) -> None:
        keys = self._keys()
        self._skip("=")
        path = (*here, *(name for name, _ in keys))
        value = self._value(path)
        for depth, (_, span) in enumerate(keys[:-1], len(here) + 1):
            self.found.setdefault(path[:depth], Place(span, span.to(value)))
        self.found[path] = Place(keys[-1][1], value)

    def _value(self, path: KeyPath) -> Span:
        self._blank()
        start = self.at
        if self._skip("["):
            number = 0
            while not self._skip("]"):
                span = self._value((*path, number))
                self.found[(*path, number)] = Place(span, span)
                number += 1
                self._skip(",")
        elif self._skip("{"):
            while not self._skip("}"):
                self._pair(path)
                self._skip(",")
        elif self.text[start] in "\"'":
            self._take(_STRING)
        else:
            plain = self._take(_PLAIN)
            self.at = start + len(self.text[plain.start : plain.end].rstrip())
        return Span(start, self.at)
