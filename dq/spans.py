"""Where text came from: a named source and half-open spans of it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


class Span(NamedTuple):
    """A half-open range of character offsets, `start <= offset < end`, counted from 0."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The smallest span that covers both."""
        return Span(min(self.start, other.start), max(self.end, other.end))


UNNAMED = "<string>"
"""The name of a text that was given as it is."""


@dataclass(frozen=True)
class Source:
    """A ruleset's text and the name that messages give it: a path, `<stdin>` or `UNNAMED`."""

    text: str
    name: str = UNNAMED

    @cached_property
    def line_starts(self) -> list[int]:
        """The offset at which each line begins; a line ends with a line feed."""
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1, the column in characters."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its line end."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")
