r"""Java regular expressions as RE2 ones that mean the same.

DQDL's dialect is Java's; DuckDB searches with RE2, which reads many constructs differently (`.`, `$`, `\s`,
`(?i)`) and lacks others (lookaround, back references). What can be said in RE2 is rewritten, everything else
is refused by name: a pattern never quietly means something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from dq.diagnostics import DqError

MAX_DEPTH = 60
"""How deep groups and classes may nest."""

MAX_REPEAT = 1000
"""The largest repetition RE2 builds, counted over nested repetitions."""

MAX_LENGTH = 20_000
"""The longest pattern that is read, in characters."""

_LAST = 0x10FFFF
_NOTHING = "a{0}"
"""The empty text, in the one spelling that RE2 reads rightly behind the beginning."""
Ranges = tuple[tuple[int, int], ...]


class RegexError(DqError):
    """A pattern that is no Java regular expression, or that RE2 cannot express.

    `position` is the offset of the construct in the pattern, counted from 0.
    """

    def __init__(self, message: str, position: int, *, help: str = "") -> None:
        super().__init__(f"regular expression: {message} (at character {position + 1})", help=help)
        self.position = position


BEYOND_ASCII = r"[^\x00-\x7F]"
"""An RE2 pattern for a text in which `\b` could mean something else than in Java."""

_BOUNDARY = re.compile(r"(?<!\\)(?:\\\\)*\\[bB]")


def has_boundary(translated: str) -> bool:
    """Whether a translated pattern asks for word boundaries: RE2 knows letters of ASCII only, Java all of them."""
    return _BOUNDARY.search(translated) is not None


def java_regex(pattern: str, *, whole: bool = True) -> str:
    """An RE2 pattern that matches the same texts as a Java one.

    Args:
        pattern: Java's syntax, without delimiters.
        whole: the pattern must match the whole value (`matches()`, for `regexp_full_match`); otherwise it may
            match anywhere (`find()`, for `regexp_matches`). The two differ in what `$` means.

    Raises:
        RegexError: the pattern is wrong, or means something that RE2 cannot say.
    """
    if len(pattern) > MAX_LENGTH:
        raise RegexError(f"longer than {MAX_LENGTH} characters", MAX_LENGTH)
    for at, char in enumerate(pattern):
        if 0xD800 <= ord(char) <= 0xDFFF:
            raise RegexError("half of a surrogate pair", at)
    parser = _Parser(pattern, whole)
    tree = parser.alternatives(_Flags(), 0)
    if not parser.done:
        raise RegexError("`)` closes nothing", parser.at, help=r"write `\)` for a parenthesis")
    return tree.render(tail=True)


def java_replacement(replacement: str, groups: int) -> str:
    r"""A Java replacement (`$1`, `\$`) in RE2's spelling (`\1`).

    Raises:
        RegexError: a group that the pattern does not have, or a trailing backslash.
    """
    out, at = [], 0
    while at < len(replacement):
        char = replacement[at]
        at += 1
        if char == "\\":
            if at == len(replacement):
                raise RegexError("the replacement ends with a backslash", at - 1)
            char = replacement[at]
            at += 1
            out.append("\\\\" if char == "\\" else char)
        elif char == "$":
            if not replacement[at : at + 1].isascii() or not replacement[at : at + 1].isdigit():
                raise RegexError("`$` in a replacement names a group by its number", at - 1, help=r"write `\$`")
            group = int(replacement[at])
            at += 1
            if group > groups:
                raise RegexError(f"the pattern has no group {group}", at - 1)
            if replacement[at : at + 1].isdigit() and int(f"{group}{replacement[at]}") <= groups:
                raise RegexError("RE2 has no replacement group beyond 9", at)
            out.append(f"\\{group}")
        else:
            out.append(char)
    return "".join(out)


def group_count(pattern: str) -> int:
    """How many capturing groups a Java pattern has.

    Raises:
        RegexError: as `java_regex`.
    """
    parser = _Parser(pattern, whole=False)
    parser.alternatives(_Flags(), 0)
    return parser.groups


# What a pattern is made of -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Flags:
    insensitive: bool = False
    dotall: bool = False
    multiline: bool = False
    extended: bool = False
    unix: bool = False


@dataclass(frozen=True, slots=True)
class _Atom:
    """A piece that needs no knowledge of what follows; `repeats` counts nested repetitions."""

    text: str
    repeats: int = 1
    empty: bool = False

    def render(self, *, tail: bool) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class _End:
    r"""`$` or `\Z`: the end, or before a last line terminator; sayable only where nothing follows."""

    position: int
    unix: bool
    whole: bool
    name: str
    repeats: int = 1
    empty: bool = True

    def render(self, *, tail: bool) -> str:
        if not tail:
            raise RegexError(
                f"`{self.name}` with something behind it looks ahead, which RE2 cannot", self.position,
                help=r"put it last, or write `\z` for the very end",
            )  # fmt: skip
        if self.whole:
            return r"\z"
        return r"(?:\n)?\z" if self.unix else r"(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?\z"


@dataclass(frozen=True, slots=True)
class _Sequence:
    items: tuple[_Node, ...]

    @property
    def repeats(self) -> int:
        return max((item.repeats for item in self.items), default=1)

    @property
    def empty(self) -> bool:
        return all(item.empty for item in self.items)

    def render(self, *, tail: bool) -> str:
        parts, last = [], tail
        for item in reversed(self.items):
            parts.append(item.render(tail=last))
            last = last and item.empty
        return "".join(reversed(parts))


@dataclass(frozen=True, slots=True)
class _Choice:
    items: tuple[_Sequence, ...]

    @property
    def repeats(self) -> int:
        return max(item.repeats for item in self.items)

    @property
    def empty(self) -> bool:
        return all(item.empty for item in self.items)

    def render(self, *, tail: bool) -> str:
        return "|".join(item.render(tail=tail) for item in self.items)


@dataclass(frozen=True, slots=True)
class _Group:
    opening: str
    inner: _Choice
    empty: bool = False

    @property
    def repeats(self) -> int:
        return self.inner.repeats

    def render(self, *, tail: bool) -> str:
        inner = self.inner.render(tail=tail)
        return f"{self.opening}{inner or _NOTHING})"


@dataclass(frozen=True, slots=True)
class _Repeat:
    item: _Node
    suffix: str
    most: int
    empty: bool = False

    @property
    def repeats(self) -> int:
        return self.item.repeats * max(self.most, 1)

    def render(self, *, tail: bool) -> str:
        body = self.item.render(tail=tail and self.suffix in ("?", "??"))
        # RE2 refuses to repeat an assertion as such, and `a{2}{3}` is not to arise.
        return f"(?:{body}){self.suffix}" if self.item.empty or isinstance(self.item, _Repeat) else body + self.suffix


_Node = _Atom | _End | _Sequence | _Choice | _Group | _Repeat


@dataclass(slots=True)
class _Class:
    """A set of characters: ranges, and Unicode properties that only RE2 can spell out."""

    ranges: list[tuple[int, int]] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)

    def add(self, other: _Class) -> None:
        self.ranges += other.ranges
        self.properties += other.properties

    def render(self) -> str:
        ranges = _normal(self.ranges)
        if not self.properties and not ranges:
            return r"[^\x00-\x{10FFFF}]"
        return "[" + "".join(_span(low, high) for low, high in ranges) + "".join(self.properties) + "]"


def _normal(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same set, in order and without overlaps."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def _complement(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out, start = [], 0
    for low, high in _normal(ranges):
        if low > start:
            out.append((start, low - 1))
        start = high + 1
    if start <= _LAST:
        out.append((start, _LAST))
    return out


def _intersect(one: list[tuple[int, int]], two: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return _complement(_complement(one) + _complement(two))


def _fold(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """With the other case of every ASCII letter, as Java's CASE_INSENSITIVE without UNICODE_CASE."""
    folded = list(ranges)
    for low, high in ranges:
        for first, last, shift in ((65, 90, 32), (97, 122, -32)):
            if low <= last and high >= first:
                folded.append((max(low, first) + shift, min(high, last) + shift))
    return folded


def _char(code: int) -> str:
    if code < 128 and chr(code).isalnum():
        return chr(code)
    return f"\\x{{{code:X}}}"


def _span(low: int, high: int) -> str:
    return _char(low) if low == high else f"{_char(low)}-{_char(high)}"


def _ranges(chars: str) -> Ranges:
    return tuple((ord(each), ord(each)) for each in chars)


_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 13), (32, 32))
_HORIZONTAL: Ranges = (
    *_ranges(" \t\xa0\u1680\u180e\u202f\u205f\u3000"), (0x2000, 0x200A),
)  # fmt: skip
_VERTICAL: Ranges = ((10, 13), (0x85, 0x85), (0x2028, 0x2029))
_NOT_DOT: Ranges = _ranges("\n\r\x85\u2028\u2029")
_SHORTHANDS = {"d": _DIGIT, "w": _WORD, "s": _SPACE, "h": _HORIZONTAL, "v": _VERTICAL}
_CONTROLS = {"t": 9, "n": 10, "r": 13, "f": 12, "a": 7, "e": 27}
_PUNCT: Ranges = ((33, 47), (58, 64), (91, 96), (123, 126))
_ASCII_NAMES: dict[str, Ranges] = {
    "Lower": ((97, 122),),
    "Upper": ((65, 90),),
    "ASCII": ((0, 127),),
    "Alpha": ((65, 90), (97, 122)),
    "Digit": _DIGIT,
    "Alnum": ((48, 57), (65, 90), (97, 122)),
    "Punct": _PUNCT,
    "Graph": ((33, 126),),
    "Print": ((32, 126),),
    "Blank": ((9, 9), (32, 32)),
    "Cntrl": ((0, 31), (127, 127)),
    "XDigit": ((48, 57), (65, 70), (97, 102)),
    "Space": _SPACE,
    "L1": ((0, 255),),
    "IsWhite_Space": ((9, 13), *_ranges(" \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"), (0x2000, 0x200A)),
    "IsWhiteSpace": ((9, 13), *_ranges(" \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"), (0x2000, 0x200A)),
    "javaWhitespace": (
        (9, 13), (28, 32), *_ranges("\u1680\u2028\u2029\u205f\u3000"), (0x2000, 0x2006), (0x2008, 0x200A),
    ),
}  # fmt: skip
_CATEGORIES = frozenset(
    [
        "L",
        "Lu",
        "Ll",
        "Lt",
        "Lm",
        "Lo",
        "M",
        "Mn",
        "Mc",
        "Me",
        "N",
        "Nd",
        "Nl",
        "No",
        "P",
        "Pc",
        "Pd",
        "Ps",
        "Pe",
        "Pi",
        "Pf",
        "Po",
        "S",
        "Sm",
        "Sc",
        "Sk",
        "So",
        "Z",
        "Zs",
        "Zl",
        "Zp",
        "C",
        "Cc",
        "Cf",
        "Co",
    ]
)
_PROPERTY_NAMES: dict[str, tuple[str, ...]] = {
    "LC": ("Lu", "Ll", "Lt"),
    "LD": ("L", "Nd"),
    "IsLetter": ("L",),
    "IsDigit": ("Nd",),
    "IsPunctuation": ("P",),
    "IsControl": ("Cc",),
    "javaLetter": ("L",),
    "javaDigit": ("Nd",),
    "javaLetterOrDigit": ("L", "Nd"),
    "javaTitleCase": ("Lt",),
    "javaSpaceChar": ("Z",),
    "javaISOControl": ("Cc",),
}
_SCRIPTS = frozenset(
    [
        "Latin",
        "Greek",
        "Cyrillic",
        "Armenian",
        "Hebrew",
        "Arabic",
        "Syriac",
        "Thaana",
        "Devanagari",
        "Bengali",
        "Gurmukhi",
        "Gujarati",
        "Oriya",
        "Tamil",
        "Telugu",
        "Kannada",
        "Malayalam",
        "Sinhala",
        "Thai",
        "Lao",
        "Tibetan",
        "Myanmar",
        "Georgian",
        "Hangul",
        "Ethiopic",
        "Cherokee",
        "Khmer",
        "Mongolian",
        "Hiragana",
        "Katakana",
        "Bopomofo",
        "Han",
        "Gothic",
        "Common",
        "Inherited",
    ]
)
_CASED = frozenset({"Lower", "Upper", "Lu", "Ll", "Lt", "LC", "javaTitleCase"})
_REFUSED_GROUPS = {
    "=": "lookahead `(?=…)`",
    "!": "negative lookahead `(?!…)`",
    "<=": "lookbehind `(?<=…)`",
    "<!": "negative lookbehind `(?<!…)`",
    ">": "the atomic group `(?>…)`",
}
_FLAG_FIELDS = {"i": "insensitive", "s": "dotall", "m": "multiline", "x": "extended", "d": "unix"}


class _Parser:
    """Reads a pattern once from left to right."""

    def __init__(self, pattern: str, whole: bool) -> None:
        self.pattern = pattern
        self.whole = whole
        self.at = 0
        self.groups = 0
        self.names: set[str] = set()

    @property
    def done(self) -> bool:
        return self.at >= len(self.pattern)

    def looking(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def take(self, what: str = "more of the pattern") -> str:
        if self.done:
            raise RegexError(f"ends where {what} should follow", len(self.pattern))
        self.at += 1
        return self.pattern[self.at - 1]

    def take_if(self, text: str) -> bool:
        if self.looking(text):
            self.at += len(text)
            return True
        return False

    def skip_comments(self, flags: _Flags) -> None:
        while flags.extended and not self.done:
            char = self.pattern[self.at]
            if char == "#":
                terminators = "\n" if flags.unix else "\n\r\x85\u2028\u2029"
                while not self.done and self.pattern[self.at] not in terminators:
                    self.at += 1
            elif char in " \t\n\x0b\f\r":
                self.at += 1
            else:
                return

    def alternatives(self, flags: _Flags, depth: int) -> _Choice:
        if depth > MAX_DEPTH:
            raise RegexError(f"nested deeper than {MAX_DEPTH} groups", self.at)
        branches: list[_Sequence] = []
        while True:
            items: list[_Node] = []
            while True:
                self.skip_comments(flags)
                if self.done or self.pattern[self.at] in "|)":
                    break
                if self.looking("(?") and (changed := self.inline_flags(flags)) is not None:
                    flags = changed
                    continue
                items.append(self.repeated(self.atom(flags, depth), flags))
            branches.append(_Sequence(tuple(items)))
            if not self.take_if("|"):
                return _Choice(tuple(branches))

    def inline_flags(self, flags: _Flags) -> _Flags | None:
        """The flags behind `(?i)`, if this is such a piece; a group `(?i:` is left alone."""
        end = self.at + 2
        while end < len(self.pattern) and self.pattern[end] in "idmsuxU-":
            end += 1
        if end == len(self.pattern) or self.pattern[end] != ")":
            return None
        if end == self.at + 2:
            raise RegexError("`(?)` sets no flag", self.at)
        changed = self.flags(self.pattern[self.at + 2 : end], flags)
        self.at = end + 1
        return changed

    def flags(self, letters: str, flags: _Flags) -> _Flags:
        on, _, off = letters.partition("-")
        for letter in on + off:
            if letter not in _FLAG_FIELDS:
                what = {"u": "Unicode case folding", "U": "Unicode character classes"}.get(letter, "this flag")
                raise RegexError(
                    f"flag `{letter}`: RE2 has no equal of {what}", self.at, help="list the characters meant"
                )
        return replace(
            flags, **{_FLAG_FIELDS[each]: True for each in on}, **{_FLAG_FIELDS[each]: False for each in off}
        )

    def repeated(self, item: _Node, flags: _Flags) -> _Node:
        self.skip_comments(flags)
        start = self.at
        if self.done or self.pattern[self.at] not in "*+?{":
            return item
        char = self.take()
        most, suffix = 1, char
        if char == "{":
            low, high = self.bounds(start)
            if high is not None and high < low:
                raise RegexError(f"repetition {{{low},{high}}} ends below its start", start)
            most = high if high is not None else low
            suffix = f"{{{low}}}" if high == low else f"{{{low},{'' if high is None else high}}}"
        if self.looking("+"):
            raise RegexError(f"possessive quantifier `{suffix}+`: RE2 never backtracks, so it cannot say this", start)
        lazy = self.take_if("?")
        repeated = _Repeat(item, suffix + ("?" if lazy else ""), most)
        if repeated.repeats > MAX_REPEAT:
            raise RegexError(f"repeats more than {MAX_REPEAT} times, which RE2 does not build", start)
        self.skip_comments(flags)
        if not self.done and self.pattern[self.at] in "*+?{":
            raise RegexError(
                f"`{self.pattern[self.at]}` repeats a repetition", self.at, help="put the inner part into (?:…)"
            )
        return repeated

    def bounds(self, start: int) -> tuple[int, int | None]:
        end = self.pattern.find("}", self.at)
        inside = self.pattern[self.at : end] if end >= 0 else ""
        low, comma, high = inside.partition(",")
        if not (low.isascii() and low.isdigit() and (not high or (high.isascii() and high.isdigit()))):
            raise RegexError("`{` begins no repetition", start, help=r"write `\{` for a brace, `{0,n}` for at most n")
        if len(low) > 4 or len(high) > 4:
            raise RegexError(f"repeats more than {MAX_REPEAT} times, which RE2 does not build", start)
        self.at = end + 1
        return int(low), int(high) if high else (None if comma else int(low))

    def atom(self, flags: _Flags, depth: int) -> _Node:
        start = self.at
        char = self.take()
        if char == "(":
            return self.group(flags, depth, start)
        if char == "[":
            return _Atom(self.character_class(flags, start, depth).render())
        if char == ".":
            return _Atom(self.dot(flags))
        if char == "^":
            if flags.multiline:
                raise RegexError(
                    "`^` under (?m) stands after any of Java's line ends, RE2 knows only line feeds", start
                )
            return self.beginning(start)
        if char == "$":
            if flags.multiline:
                raise RegexError(
                    "`$` under (?m) stands before any of Java's line ends, RE2 knows only line feeds", start
                )
            return _End(start, flags.unix, self.whole, "$")
        if char in "*+?":
            raise RegexError(f"`{char}` has nothing to repeat", start, help=f"write `\\{char}` for the character")
        if char == "{":
            raise RegexError("`{` begins no repetition", start, help=r"write `\{` for a brace")
        if char == "\\":
            return self.escape(flags, start)
        return _Atom(self.literal(ord(char), flags))

    def beginning(self, start: int) -> _Atom:
        r"""`^` and `\A`: RE2 takes a second one, or an empty group behind it, for a full match."""
        return _Atom(r"\A" if start == 0 else rf"(?:{_NOTHING}\A)", empty=True)

    def dot(self, flags: _Flags) -> str:
        if flags.dotall:
            return r"[\x00-\x{10FFFF}]"
        return r"[^\n]" if flags.unix else r"[^\n\r\x{85}\x{2028}\x{2029}]"

    def literal(self, code: int, flags: _Flags) -> str:
        if flags.insensitive and code < 128 and chr(code).isalpha():
            return f"[{chr(code).upper()}{chr(code).lower()}]"
        return _char(code)

    def group(self, flags: _Flags, depth: int, start: int) -> _Node:
        opening = "("
        if self.take_if("?"):
            opening, flags = self.group_head(flags, start)
        else:
            self.groups += 1
        inner = self.alternatives(flags, depth + 1)
        if not self.take_if(")"):
            raise RegexError("`(` is never closed", start, help=r"write `\(` for a parenthesis")
        return _Group(opening, inner, empty=inner.empty)

    def group_head(self, flags: _Flags, start: int) -> tuple[str, _Flags]:
        if self.take_if(":"):
            return "(?:", flags
        for mark in ("<=", "<!", "=", "!", ">"):
            if self.looking(mark):
                raise RegexError(
                    f"{_REFUSED_GROUPS[mark]} cannot be said in RE2", start,
                    help="split the rule in two: ColumnValues … matches and ColumnValues … not matches",
                )  # fmt: skip
        if self.take_if("<"):
            end = self.pattern.find(">", self.at)
            name = self.pattern[self.at : end] if end >= 0 else ""
            if not (name.isascii() and name.isalnum() and name[0].isalpha()):
                raise RegexError("a group's name is made of ASCII letters and digits", start)
            if name in self.names:
                raise RegexError(f"two groups are named `{name}`", start)
            self.names.add(name)
            self.groups += 1
            self.at = end + 1
            return "(", flags
        end = self.at
        while end < len(self.pattern) and self.pattern[end] in "idmsuxU-":
            end += 1
        if end == self.at or not self.pattern.startswith(":", end):
            raise RegexError("unknown group `(?…)`", start)
        flags = self.flags(self.pattern[self.at : end], flags)
        self.at = end + 1
        return "(?:", flags

    def escape(self, flags: _Flags, start: int) -> _Node:
        char = self.take("an escaped character")
        if char == "Q":
            end = self.pattern.find("\\E", self.at)
            quoted = self.pattern[self.at : end if end >= 0 else len(self.pattern)]
            self.at = end + 2 if end >= 0 else len(self.pattern)
            return self.quoted(quoted, flags)
        if char == "E":
            raise RegexError(r"`\E` closes no `\Q`", start)
        if char in "bB":
            if self.looking("{"):
                raise RegexError(r"`\b{…}` has no equal in RE2", start)
            return _Atom(rf"\{char}", empty=True)
        if char == "A":
            return self.beginning(start)
        if char == "z":
            return _Atom(r"\z", empty=True)
        if char == "Z":
            return _End(start, flags.unix, self.whole, r"\Z")
        if char == "R":
            return _Atom(r"(?:\r\n|[\x{A}-\x{D}\x{85}\x{2028}\x{2029}])")
        refused = {
            "G": "the end of the previous match",
            "X": "a grapheme cluster",
            "N": "a character by its name",
            "k": "a back reference",
        }
        if char in refused or char in "123456789":
            raise RegexError(f"`\\{char}`, {refused.get(char, 'a back reference')}, cannot be said in RE2", start)
        found = self.character_set(char, flags, start)
        if found is not None:
            return _Atom(found.render())
        return _Atom(self.literal(self.character(char, start), flags))

    def quoted(self, quoted: str, flags: _Flags) -> _Node:
        """The literal text; a quantifier behind it takes its last character only."""
        if not quoted:
            return _Atom(_NOTHING, empty=True)
        *head, last = (_Atom(self.literal(ord(each), flags)) for each in quoted)
        return _Sequence((*head, self.repeated(last, flags)))

    def character_set(self, char: str, flags: _Flags, start: int) -> _Class | None:
        r"""The set that `\d`, `\W`, `\p{…}` stands for, if it is one."""
        if char in "pP":
            found = self.property(flags, start)
            return found if char == "p" else self.negated(found, start)
        shorthand = _SHORTHANDS.get(char.lower()) if char.isalpha() else None
        if shorthand is None:
            return None
        return _Class(list(shorthand) if char.islower() else _complement(list(shorthand)))

    def negated(self, found: _Class, start: int) -> _Class:
        if not found.properties:
            return _Class(_complement(found.ranges))
        if len(found.properties) == 1 and not found.ranges:
            name = found.properties[0]
            return _Class([], [("\\P" if name[1] == "p" else "\\p") + name[2:]])
        raise RegexError("the complement of several Unicode properties", start, help="list the characters meant")

    def property(self, flags: _Flags, start: int) -> _Class:
        if self.take_if("{"):
            end = self.pattern.find("}", self.at)
            if end < 0:
                raise RegexError(r"`\p{` is never closed", start)
            name = self.pattern[self.at : end]
            self.at = end + 1
        else:
            name = self.take("the name of a property")
        if flags.insensitive and name.removeprefix("Is") in _CASED:
            raise RegexError(f"`\\p{{{name}}}` under (?i) means different things in different Javas", start)
        if name in _ASCII_NAMES:
            return _Class(list(_ASCII_NAMES[name]))
        if name in _PROPERTY_NAMES:
            return _Class([], [f"\\p{{{each}}}" for each in _PROPERTY_NAMES[name]])
        for prefix in ("", "Is", "gc=", "general_category="):
            if name.startswith(prefix) and name.removeprefix(prefix) in _CATEGORIES:
                return _Class([], [f"\\p{{{name.removeprefix(prefix)}}}"])
        for prefix in ("Is", "script=", "sc="):
            if name.startswith(prefix) and name.removeprefix(prefix).capitalize() in _SCRIPTS:
                return _Class([], [f"\\p{{{name.removeprefix(prefix).capitalize()}}}"])
        raise RegexError(
            f"the property `\\p{{{name}}}` has no equal in RE2", start,
            help=r"use a general category such as \p{L}, \p{Nd}, or list the characters meant",
        )  # fmt: skip

    def character(self, char: str, start: int) -> int:
        """The code point of an escape that stands for one character."""
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "c":
            return ord(self.take("a control character")) ^ 64
        if char == "0":
            return self.octal(start)
        if char == "x":
            if self.take_if("{"):
                end = self.pattern.find("}", self.at)
                digits = self.pattern[self.at : end] if end >= 0 else ""
                self.at = end + 1
                return self.hexadecimal(digits, start)
            return self.hexadecimal(self.some(2), start)
        if char == "u":
            return self.utf16(start)
        if char.isascii() and char.isalpha():
            raise RegexError(f"`\\{char}` is no escape of Java", start, help=f"write `{char}` for the letter")
        return ord(char)

    def some(self, count: int) -> str:
        self.at += count
        return self.pattern[self.at - count : self.at]

    def hexadecimal(self, digits: str, start: int, size: int = 0) -> int:
        if (
            not digits
            or len(digits) > 8
            or len(digits) < size
            or any(each not in "0123456789abcdefABCDEF" for each in digits)
        ):
            raise RegexError("no hexadecimal code behind the escape", start)
        code = int(digits, 16)
        if code > _LAST:
            raise RegexError(f"no character has the code {digits}", start)
        if not size and 0xD800 <= code <= 0xDFFF:
            raise RegexError("half of a surrogate pair", start)
        return code

    def utf16(self, start: int) -> int:
        high = self.hexadecimal(self.some(4), start, 4)
        if 0xD800 <= high <= 0xDBFF and self.take_if("\\u"):
            low = self.hexadecimal(self.some(4), start, 4)
            if 0xDC00 <= low <= 0xDFFF:
                return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
        if 0xD800 <= high <= 0xDFFF:
            raise RegexError("half of a surrogate pair", start)
        return high

    def octal(self, start: int) -> int:
        digits = ""
        while not self.done and self.pattern[self.at] in "01234567" and len(digits) < 3:
            if len(digits) == 2 and digits[0] > "3":
                break
            digits += self.take()
        if not digits:
            raise RegexError(r"no octal code behind `\0`", start)
        return int(digits, 8)

    def character_class(self, flags: _Flags, start: int, depth: int) -> _Class:
        """A class behind its `[`, with unions flattened and intersections worked out."""
        if depth > MAX_DEPTH:
            raise RegexError(f"nested deeper than {MAX_DEPTH} classes", start)
        negative = self.take_if("^")
        operands, mixed = [_Class()], False
        fresh = True
        while True:
            self.skip_comments(flags)
            if self.done:
                raise RegexError("`[` is never closed", start, help=r"write `\[` for a bracket")
            if self.looking("]"):
                if fresh and len(operands) == 1:
                    raise RegexError("`]` is the first character of a class", self.at, help=r"write `\]`")
                self.at += 1
                break
            if self.looking("&&"):
                if fresh:
                    raise RegexError("`&&` without a left side", self.at)
                self.at += 2
                if self.looking("&"):
                    raise RegexError("`&` behind `&&`", self.at, help=r"write `\&` for the sign")
                operands.append(_Class())
                mixed = True
                fresh = True
                continue
            if self.take_if("["):
                inner = self.character_class(flags, self.at - 1, depth + 1)
                if isinstance(inner, _Negative):
                    raise RegexError("a negated Unicode property beside others in a nested class", start)
                operands[-1].add(inner)
                mixed = True
            else:
                operands[-1].add(self.class_item(flags))
            fresh = False
        if fresh:
            raise RegexError("`&&` without a right side", self.at - 1)
        if negative and mixed:
            raise RegexError("`[^…]` around a nested class or `&&` means different things in different Javas", start)
        found = self.intersection(operands, start)
        return self.complement(found, start) if negative else found

    def intersection(self, operands: list[_Class], start: int) -> _Class:
        if len(operands) > 1 and any(each.properties for each in operands):
            raise RegexError("`&&` with a Unicode property", start, help="list the characters meant")
        found = operands[0]
        for other in operands[1:]:
            found = _Class(_intersect(found.ranges, other.ranges))
        return found

    def complement(self, found: _Class, start: int) -> _Class:
        if not found.properties:
            return _Class(_complement(found.ranges))
        if not found.ranges and len(found.properties) == 1:
            return self.negated(found, start)
        # RE2 negates a whole class itself; as the only member of a class it can be kept as text.
        return _Negative(found)

    def class_item(self, flags: _Flags) -> _Class:
        start = self.at
        char = self.take()
        if char == "\\":
            escaped = self.take("an escaped character")
            if escaped == "Q":
                return self.quoted_members(flags)
            found = self.character_set(escaped, flags, start)
            if found is not None:
                return found
            if escaped in "bBAzZGRXNkE123456789":
                raise RegexError(f"`\\{escaped}` cannot stand in a class", start)
            low = self.character(escaped, start)
        else:
            low = ord(char)
        high = self.range_end(flags, low, start)
        ranges = [(low, high)]
        return _Class(_fold(ranges) if flags.insensitive else ranges)

    def quoted_members(self, flags: _Flags) -> _Class:
        end = self.pattern.find("\\E", self.at)
        quoted = self.pattern[self.at : end if end >= 0 else len(self.pattern)]
        self.at = end + 2 if end >= 0 else len(self.pattern)
        ranges = [(ord(each), ord(each)) for each in quoted]
        return _Class(_fold(ranges) if flags.insensitive else ranges)

    def range_end(self, flags: _Flags, low: int, start: int) -> int:
        self.skip_comments(flags)
        if not self.looking("-") or self.pattern[self.at + 1 : self.at + 2] in ("]", "["):
            return low
        if self.pattern.startswith("&&", self.at + 1):
            return low
        self.at += 1
        self.skip_comments(flags)
        char = self.take("the end of a range")
        if char == "\\":
            escaped = self.take("an escaped character")
            if escaped in "pPdDwWsShHvVQE":
                raise RegexError("a range ends with a class", start)
            high = self.character(escaped, start)
        else:
            high = ord(char)
        if high < low:
            raise RegexError("a range ends before it begins", start)
        return high


class _Negative(_Class):
    """The complement of a class with Unicode properties, which only RE2 can work out."""

    def __init__(self, inner: _Class) -> None:
        super().__init__([], [])
        self.inner = inner

    def render(self) -> str:
        return "[^" + self.inner.render()[1:]
