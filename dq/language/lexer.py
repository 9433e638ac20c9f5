"""Text to tokens: one pass of one regular expression made from the terminals of `grammar/dqdl.lark`.

The lexer of the published parser knows no context: the longest match wins, and a keyword wins over a name of
the same length. So does ours. Comments and characters that belong to no token come out as tokens too, so
that the texts of the tokens and the white space between them give the document back.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from dq.spans import Span

COMMENT = "COMMENT"
UNKNOWN = "UNKNOWN"
"""The kind of a run of characters that begin no token, or of a quote that is never closed and the rest of its line."""


class Token(NamedTuple):
    """A piece of the text: its kind, its half-open range of offsets, and its characters.

    The kinds are the terminals of the grammar, `COMMENT` and `UNKNOWN`.
    """

    kind: str
    start: int
    end: int
    text: str

    @property
    def span(self) -> Span:
        """Where the token stands."""
        return Span(self.start, self.end)


def grammar_text() -> str:
    """The grammar, which is data of the package."""
    return files("dq.grammar").joinpath("dqdl.lark").read_text(encoding="utf-8")


def fixed_tokens() -> dict[str, str]:
    """The kind of every keyword and every sign."""
    return _terminals()[0]


def tokenize(text: str) -> list[Token]:
    """The tokens of a text in order. White space is blank, tab, line feed, CR LF, a byte order mark at the start."""
    words, pattern = _terminals()
    tokens: list[Token] = []
    append, new = tokens.append, tuple.__new__
    at = 1 if text.startswith("\ufeff") else 0
    while at < len(text):
        for match in pattern.finditer(text, at):
            kind = match.lastgroup
            word = match.group()
            start, at = match.span()
            if kind == "IDENT" or kind == "SIGN":
                kind = words.get(word, "IDENT")
            elif kind == "QUOTE":
                kind, at = _unclosed(text, start)
                append(Token(kind, start, at, text[start:at]))
                break
            # `Token(...)` would pass through a Python function: half of the time of this loop.
            append(new(Token, (kind, start, at, word)))
        else:
            break
    return tokens


def _unclosed(text: str, start: int) -> tuple[str, int]:
    r"""The kind and the end of a token that begins with a quote which no other quote closes.

    If an escaped quote follows, the last one closes the text after all: `"C:\"` ends a document. Otherwise the
    quote and the rest of its line are no token. Either way no quote follows, so this happens once in a text.
    """
    last = text.rfind('"', start + 1)
    if last > start:
        return "STRING", last + 1
    end = text.find("\n", start)
    if end < 0:
        return UNKNOWN, len(text)
    return UNKNOWN, end - 1 if text[end - 1] == "\r" else end


@cache
def _terminals() -> tuple[dict[str, str], re.Pattern[str]]:
    """The kinds of the fixed texts, and the pattern that finds the next token."""
    fixed: dict[str, str] = {}
    patterns: dict[str, str] = {}
    for name, definition in re.findall(r"^([A-Z_]+): (.+)$", grammar_text(), re.MULTILINE):
        if definition.startswith("/"):
            patterns[name] = definition[1:-1]
        else:
            fixed.update(dict.fromkeys(re.findall(r'"([^"]+)"', definition), name))
    words = patterns.pop("IDENT")
    signs = [each for each in fixed if not re.fullmatch(words, each)]
    alternatives = [f"(?P<{name}>{pattern})" for name, pattern in patterns.items()]
    alternatives += [f"(?P<IDENT>{words})", f"(?P<SIGN>{'|'.join(map(re.escape, signs))})", '(?P<QUOTE>")']
    begins = re.escape("".join(sorted({sign[0] for sign in signs})))
    # The look-ahead keeps the CR of a line end, which is white space, out of the run.
    alternatives.append(rf'(?P<{UNKNOWN}>(?:(?!\r\n)[^ \t\n"#A-Za-z0-9_.{begins}])+)')
    return fixed, re.compile("|".join(alternatives))


# Lark reads the kind of a token under this name.
Token.type = Token.kind  # type: ignore[attr-defined]
