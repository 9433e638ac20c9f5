"""`dq fmt`: a ruleset in one layout, its comments kept, its meaning proven unchanged.

The tokens of a valid ruleset are read once to see where lines may break, and written once. Both passes are
loops: rules may be nested as deep as they like. `docs/formatting.md` tells the layout.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from dq.diagnostics import DqError
from dq.language import Dialect, parse
from dq.language.findings import Findings
from dq.language.lexer import COMMENT, tokenize
from dq.language.reading import Reader
from dq.spans import UNNAMED, Source

WIDTH = 100
"""The most columns of a line of code, comments behind it aside."""

INDENT = 4
DEEPEST = 40
"""Nested rules are indented no further than this, so that depth costs no width."""

BODIES = ("Rules", "Analyzers")
SECTIONS = ("Metadata", "DataSources", "DefaultLabels", *BODIES)
AND_WORDS = ("and", "AND")
CONNECTORS = ("of", "OF", *AND_WORDS)
JOINTS = (*AND_WORDS, "or", "OR")
CLAUSES = ("where", "with", "labels")
NULL_WORDS = frozenset(case for word in ("null", "empty", "whitespaces_only") for case in (word, word.upper()))
OPERATOR_WORDS = ("between", "in", "not", "matches")
NOT_FUNCTIONS = frozenset((*JOINTS, *CLAUSES, *OPERATOR_WORDS))
OPENING = {"(": ")", "[": "]", "{": "}"}
CLOSING = frozenset(OPENING.values())


class FormatError(DqError):
    """The formatter would have changed what a ruleset means: a bug of ours, told instead of done."""

    exit_code = 4


def format_text(text: str, *, dialect: Dialect = "dq", name: str = UNNAMED) -> str:
    """The ruleset in the layout of `dq fmt`; formatting that again changes nothing.

    Every comment stays: on its own line before what it precedes, or behind what it follows. Line ends become
    line feeds and a byte order mark is dropped, outside of quotes.

    In the dialect of Glue, what follows the document and is ignored stays as it is written, on lines of its own.

    Raises:
        DqError: the ruleset has errors; carries them.
        FormatError: the result would not mean the same.
    """
    before = parse(text, dialect=dialect, name=name)
    end = _document_end(text, dialect)
    pieces = _pieces(text[:end])
    laid_out = _Layout(pieces).text()
    ignored = text[end:].strip()
    result = f"{laid_out}\n{ignored}\n" if ignored else laid_out
    try:
        same = before == parse(result, dialect=dialect, name=name) and _comments(pieces) == _comments(_pieces(laid_out))
    except DqError:
        same = False
    if not same:
        raise FormatError(
            f"`{name}` is left as it is: formatting would change what it means, which is a bug in dq",
            help="please report it with the ruleset, or the part of it that shows it",
        )
    return result


def _document_end(text: str, dialect: Dialect) -> int:
    """The offset at which what Glue ignores begins; the end of the text if nothing is ignored."""
    if dialect != "glue":
        return len(text)
    ignored = Reader(Findings(Source(text), dialect), ()).ignored_by_glue()
    return ignored.start if ignored else len(text)


class _Comment(NamedTuple):
    """A comment, and whether a blank line stands before it."""

    text: str
    blank: bool


@dataclass(slots=True)
class _Piece:
    """A token with what surrounds it.

    `own` are the comments on lines of their own before it, `blank` whether a blank line stands directly
    before it, `after` the comment behind it on its line. The last piece is the end of the text: empty.
    """

    text: str
    own: list[_Comment] = field(default_factory=list)
    blank: bool = False
    after: str = ""


def _pieces(text: str) -> list[_Piece]:
    """The tokens of a text, each comment with the token it belongs to."""
    pieces: list[_Piece] = []
    end = 0
    for start, stop in [*_spans(text), (len(text), len(text))]:
        piece = _Piece(text[start:stop])
        first, *lines = text[end:start].split("\n")
        if pieces:
            pieces[-1].after = _comment(first)
        else:
            lines.insert(0, first.removeprefix("\ufeff"))
        _read_gap(lines, piece)
        pieces.append(piece)
        end = stop
    _settle_commas(pieces)
    return pieces


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the tokens are, comments left out."""
    for token in tokenize(text):
        if token.kind != COMMENT:
            yield token.start, token.end


def _read_gap(lines: list[str], piece: _Piece) -> None:
    """Take the comments and blank lines in front of a piece from the lines before it."""
    blank = False
    for number, line in enumerate(lines):
        if comment := _comment(line):
            piece.own.append(_Comment(comment, blank))
            blank = False
        elif number < len(lines) - 1:  # the last line is the one that the piece stands on
            blank = True
    piece.blank = blank


def _comment(line: str) -> str:
    at = line.find("#")
    return line[at:].rstrip() if at >= 0 else ""


def _settle_commas(pieces: list[_Piece]) -> None:
    """Move comments in front of a comma behind it: a comma stands directly behind its item."""
    for before, comma, behind in zip(pieces, pieces[1:], pieces[2:], strict=False):
        if comma.text != "," or not (before.after or comma.own):
            continue
        moved = [_Comment(before.after, blank=False)] if before.after else []
        moved += comma.own
        if comma.after:
            moved.append(_Comment(comma.after, blank=False))
        comma.after, rest = (moved[0].text, moved[1:]) if before.after else ("", moved)
        before.after = ""
        comma.own = []
        behind.own[:0] = rest


def _comments(pieces: list[_Piece]) -> list[str]:
    """Every comment in the order of the text."""
    return [text for piece in pieces for text in (*(each.text for each in piece.own), piece.after) if text]


# -- grammar: where a rule may break -------------------------------------------------------------------


class _Structure:
    """What the tokens of one rule are: joints of composites, clauses, operands and groups of rules.

    Attributes:
        joints: `and` and `or` between rules; those of `between` and connector words are not.
        clauses: the words that open a clause.
        operands: where each operand of a composite begins → where it ends.
        groups: each parenthesis around rules → the one that closes it.
        joined: the starts of the composites that hold a joint themselves.
        claused: the starts of the operands that hold a clause themselves.
        ands: the `and` of each `between`.
        words: where each parameter begins, its connector included → where it ends.
    """

    def __init__(self, pieces: list[_Piece], start: int, end: int) -> None:
        self.joints: set[int] = set()
        self.clauses: set[int] = set()
        self.operands: dict[int, int] = {}
        self.groups: dict[int, int] = {}
        self.joined: set[int] = set()
        self.claused: set[int] = set()
        self.ands: set[int] = set()
        self.words: dict[int, int] = {}
        self._read(pieces, start, end)

    def _read(self, pieces: list[_Piece], start: int, end: int) -> None:
        begins = [start]  # of the open composites
        opened: list[int] = []  # operands that are parentheses still open
        operand = start
        fresh, naming, bounds, depth = True, False, False, 0
        for at in range(start, end):
            text = pieces[at].text
            if depth:
                depth += (text in OPENING) - (text in CLOSING)
            elif fresh:
                operand = at
                if text == "(":
                    opened.append(at)
                    begins.append(at + 1)
                else:
                    fresh, naming = False, True
            elif text == ")" and opened:
                self.operands[operand] = at
                operand = opened.pop()
                self.groups[operand] = at
                begins.pop()
                naming = False
            elif text in OPENING:
                depth, naming = 1, False
            elif text in AND_WORDS and bounds:
                self.ands.add(at)
                bounds = False
            elif text in JOINTS and not (naming and text in AND_WORDS and _is_parameter(pieces[at + 1].text)):
                self.joints.add(at)
                self.joined.add(begins[-1])
                self.operands[operand] = at
                fresh, naming = True, False
            elif text in CLAUSES:
                self.clauses.add(at)
                self.claused.add(operand)
                naming = False
            elif naming and (text in CONNECTORS or _is_parameter(text)):
                if pieces[at - 1].text not in (*CONNECTORS, "$"):
                    self.words[at] = self._word_end(pieces, at)
            else:
                naming, bounds = False, bounds or text == "between"
        self.operands[operand] = end

    def _word_end(self, pieces: list[_Piece], at: int) -> int:
        at += pieces[at].text in CONNECTORS
        return at + 1 + (pieces[at].text == "$")


def _is_parameter(text: str) -> bool:
    """Whether a token may begin a parameter: a quoted text, a variable or a bare name."""
    return text[:1] in ('"', "$") or (_is_word(text) and text not in NOT_FUNCTIONS)


def _is_word(text: str) -> bool:
    return text[:1].isalnum() or text[:1] in ("_", ".")


def _is_value(text: str) -> bool:
    """Whether a token ends a number, so that a minus sign behind it subtracts."""
    return text[-1:] == ")" or (_is_word(text) and text not in NOT_FUNCTIONS)


# -- layout --------------------------------------------------------------------------------------------


class _Frame(NamedTuple):
    """A composite or an operand that is being written, up to but without `end`: on one line or broken.

    `indent` is where its continuation lines begin.
    """

    end: int
    broken: bool
    indent: int


class _Layout:
    """The pieces of a document, measured once and then written from the first to the last."""

    def __init__(self, pieces: list[_Piece]) -> None:
        self.pieces = pieces
        self.match = _matches(pieces)
        self.sections = _sections(pieces, self.match)
        self.structures = self._structures()
        self.gaps = [" " if self._has_blank(at) else "" for at in range(len(pieces))]
        # Offsets as if all stood on one line, to know the width of any part at once.
        widths = (len(gap) + len(piece.text) for gap, piece in zip(self.gaps, pieces, strict=True))
        self.ends = list(accumulate(widths))
        self.tall = [at for at, piece in enumerate(pieces) if "\n" in piece.text]
        breaks = (bool(piece.own or (at and pieces[at - 1].after)) for at, piece in enumerate(pieces))
        self.breaks = [0, *accumulate(breaks)]
        self.written: list[str] = []
        self.column = 0
        self.indent = 0
        self.commented = False
        self.only_closers = False
        self.stop = len(pieces)
        """Where the item that is being written ends, its comma included."""

    def text(self) -> str:
        """The document as it should stand."""
        before = ""
        for start, end in self.sections:
            word = self.pieces[start].text
            kind = word if word in SECTIONS else "variable"
            self._start(start, 0, apart=bool(before) and not kind == before == "variable")
            self._section(start, end)
            before = kind
        self._start(len(self.pieces) - 1, 0)
        return "".join(self.written).strip("\n") + "\n"

    # what stands where

    def _structures(self) -> dict[int, _Structure]:
        """The structure of each rule by its first token. Writes words that have two spellings in one of them."""
        found = {}
        for start, _ in self.sections:
            body = start + 2
            if self.pieces[start].text not in BODIES or body not in self.match:
                continue
            for first, end in self._items(body):
                found[first] = structure = _Structure(self.pieces, first, end)
                self._normalize(structure, first, end)
        return found

    def _normalize(self, structure: _Structure, first: int, end: int) -> None:
        for at in (*structure.joints, *structure.ands):
            self.pieces[at].text = self.pieces[at].text.lower()
        for at in range(first, end):
            text = self.pieces[at].text
            if text in NULL_WORDS:
                self.pieces[at].text = text.upper()
            elif text.lower() == "threshold" and self.pieces[at - 1].text == "with":
                self.pieces[at].text = "threshold"

    def _items(self, opening: int) -> Iterator[tuple[int, int]]:
        """The parts between the commas of a bracket; the comma of an item is at its end."""
        start = at = opening + 1
        close = self.match[opening]
        while at < close:
            if self.pieces[at].text == ",":
                yield start, at
                start = at + 1
            at = self.match.get(at, at) + 1
        if start < close:
            yield start, close

    def _has_blank(self, at: int) -> bool:
        """Whether a blank stands before a piece when both are on one line."""
        text = self.pieces[at].text
        before = self.pieces[at - 1].text if at else ""
        if not before or not text or text in ")],:}" or before in "([{$!":
            return False
        if text == "(":
            # `now ()` is a function of the history, `now()` is the clock.
            return not _is_word(before) or before in NOT_FUNCTIONS or before == "now"
        return before != "-" or _is_value(self.pieces[at - 2].text)

    def _fits(self, start: int, end: int, column: int) -> bool:
        """Whether a part fits on one line from a column, with the brackets and the comma behind it."""
        if self.breaks[end] > self.breaks[start + 1]:
            return False
        behind = end
        while behind < self.stop and self.pieces[behind].text in (")", "]", ",") and behind - end < WIDTH:
            behind += 1
        offset = self.ends[start] - len(self.pieces[start].text)
        for at in self.tall[bisect_left(self.tall, start) : bisect_left(self.tall, end)]:
            first, *_, last = self.pieces[at].text.split("\n")
            if column + self.ends[at] - len(self.pieces[at].text) + len(first) - offset > WIDTH:
                return False
            offset, column = self.ends[at] - len(last), 0
        return column + self.ends[behind - 1] - offset <= WIDTH

    # lines

    def _start(
        self,
        at: int,
        indent: int,
        *,
        own: int | None = None,
        apart: bool = False,
        first_blank: bool = True,
        last_blank: bool = True,
    ) -> None:
        """Write a piece on a new line, the comments that belong to it on lines before it.

        The blank lines of the source stay, one at a place, except that `first_blank` and `last_blank` can
        deny them; `apart` puts one in front. `own` is the indent of the comments if it is not that of the piece.
        """
        piece = self.pieces[at]
        blanks = [*(each.blank for each in piece.own), piece.blank]
        blanks[0] = apart or (first_blank and blanks[0])
        blanks[-1] = blanks[-1] and last_blank
        for comment, blank in zip(piece.own, blanks, strict=False):
            self._line(comment.text, indent if own is None else own, blank)
        self._line(piece.text, indent, blanks[-1])
        self.only_closers = piece.text in CLOSING
        self._after(piece)

    def _put(self, at: int, indent: int) -> None:
        """Write a piece behind the one before it; comments between them force a new line at `indent`."""
        piece = self.pieces[at]
        if piece.own or self.commented:
            for comment in piece.own:
                self._line(comment.text, indent, blank=False)
            self._line(piece.text, indent, blank=False)
            self.only_closers = piece.text in CLOSING
        else:
            self._write(self.gaps[at] + piece.text)
            self.only_closers = self.only_closers and piece.text in CLOSING
        self._after(piece)

    def _after(self, piece: _Piece) -> None:
        self.commented = bool(piece.after)
        if piece.after:
            self.written.append(f"  {piece.after}")

    def _line(self, text: str, indent: int, blank: bool) -> None:
        self._write(("\n\n" if blank else "\n") + " " * indent + text)
        self.indent = indent

    def _write(self, text: str) -> None:
        self.written.append(text)
        feed = text.rfind("\n")
        self.column = len(text) - feed - 1 if feed >= 0 else self.column + len(text)

    # sections, brackets, rules

    def _section(self, start: int, end: int) -> None:
        """Write the rest of a section."""
        self.stop = end
        at = start + 1
        while at < end:
            text = self.pieces[at].text
            if text not in ("[", "{"):
                self._put(at, INDENT)
                at += 1
            elif self.pieces[start].text in BODIES:
                at = self._bracket(at, self._rule, broken=True)
            else:
                at = self._bracket(at, self._inline, broken=text == "{")

    def _bracket(self, opening: int, item: Item, *, broken: bool = False) -> int:
        """Write a bracket, on one line if it may and fits there, else one item a line; gives the place behind it."""
        close = self.match[opening]
        hangs = self.pieces[opening].own or self.commented
        column = self.indent if hangs else self.column + len(self.gaps[opening])
        self._put(opening, self.indent)
        outer, inner = self.indent, self.indent + INDENT
        if self._fits(opening, close + 1, column) and (not broken or close == opening + 1):
            for at in range(opening + 1, close + 1):
                self._put(at, outer)
            return close + 1
        stop = self.stop
        for start, end in self._items(opening):
            self.stop = min(end + 1, close)
            self._start(start, inner, first_blank=start > opening + 1)
            item(start, end, inner)
            if end < close:
                self._put(end, inner)
        self.stop = stop
        self._start(close, outer, own=inner, first_blank=close > opening + 1, last_blank=False)
        return close + 1

    def _inline(self, start: int, end: int, indent: int) -> None:
        """Write the rest of an item that only its lists and its comments can break."""
        at = start + 1
        while at < end:
            if self.pieces[at].text == "[":
                at = self._bracket(at, self._inline)
            else:
                self._put(at, indent + INDENT)
                at += 1

    def _rule(self, start: int, end: int, indent: int) -> None:
        """Write the rest of a rule: on one line if all of it fits, else broken where it has joints and clauses."""
        structure = self.structures[start]
        frames = [_Frame(end, not self._fits(start, end, indent), indent)]
        self._open(frames, structure, start, indent)
        at = start + 1
        while at < end:
            while frames[-1].end <= at:
                frames.pop()
            at = self._step(frames, structure, at)

    def _step(self, frames: list[_Frame], structure: _Structure, at: int) -> int:
        """Write the next piece of a rule, or the list that begins there; gives the place behind it."""
        frame = frames[-1]
        base = frames[0].indent
        hanging = frame.indent if frame.indent > base else base + INDENT
        hangs = bool(self.pieces[at].own) or self.commented
        breaks = (
            at in structure.joints
            or (at in structure.clauses and not self.only_closers)
            or (at in structure.words and not self._fits(at, structure.words[at], self.column + 1))
        )
        if frame.broken and breaks and not hangs:
            self._line(self.pieces[at].text, frame.indent if at not in structure.words else hanging, blank=False)
            self.only_closers = False
            self._after(self.pieces[at])
            return at + 1
        if self.pieces[at].text == "[" and not hangs:
            return self._bracket(at, self._inline)
        column = hanging if hangs else self.column + len(self.gaps[at])
        self._open(frames, structure, at, column)
        self._put(at, hanging)
        return at + 1

    def _open(self, frames: list[_Frame], structure: _Structure, at: int, column: int) -> None:
        """Open the composite and the operand that begin at a piece, if any do."""
        if at in structure.joined:
            self._push(frames, at, structure.groups.get(at - 1, frames[0].end), column, breaks=True)
        if at in structure.operands:
            self._push(frames, at, structure.operands[at], column, breaks=at in structure.claused)

    def _push(self, frames: list[_Frame], at: int, end: int, column: int, *, breaks: bool) -> None:
        outer = frames[-1]
        broken = outer.broken and not self._fits(at, end, column)
        indent = outer.indent
        if broken and breaks:
            indent = min(indent + INDENT, DEEPEST)
        frames.append(_Frame(end, broken, indent))


Item: TypeAlias = Callable[[int, int, int], None]
"""Writes the rest of the item from one piece up to another, at an indent."""


def _matches(pieces: list[_Piece]) -> dict[int, int]:
    """Each opening bracket → the one that closes it."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for at, piece in enumerate(pieces):
        if piece.text in OPENING:
            opened.append(at)
        elif piece.text in CLOSING and opened:
            found[opened.pop()] = at
    return found


def _sections(pieces: list[_Piece], match: dict[int, int]) -> list[tuple[int, int]]:
    """The sections and variables: each begins with a name before an equals sign outside of all brackets."""
    starts: list[int] = []
    at = 0
    while at < len(pieces) - 1:
        if pieces[at + 1].text == "=":
            starts.append(at)
        at = match.get(at, at) + 1
    return list(zip(starts, [*starts[1:], len(pieces) - 1], strict=True))
