"""The outline of a document: its sections and the pieces of each, found without the grammar.

Sections begin with their keyword, pieces end at the commas between them. Brackets are paired first, with care
for those that somebody forgot, so that a broken rule never hides the next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from dq.language.lexer import Token
from dq.spans import Span

SECTIONS = {
    "METADATA": "metadata",
    "DATA_SOURCES": "data_sources",
    "DEFAULT_LABELS": "default_labels",
    "RULES": "rules",
    "ANALYZERS": "analyzers",
}
"""The rule of the grammar by the kind of the token that begins a section."""

ORDER = ("metadata", "data_sources", "variable", "default_labels", "rules", "analyzers")

_CLOSING = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_OPENING = {closing: opening for opening, closing in _CLOSING.items()}
_PARAMETER = {"STRING", "DATE", "TIME", "IDENT"}


@dataclass
class Section:
    """A section of a document as ranges of token indices, the ends excluded.

    `opening` and `closing` are the indices of its brackets; None if it has none or they are not there.
    `name` is a rule of the grammar, or `stray` for what belongs to no section.
    """

    name: str
    start: int
    end: int
    opening: int | None = None
    closing: int | None = None
    pieces: list[tuple[int, int]] = field(default_factory=list)


def connected(tokens: Sequence[Token]) -> list[Token]:
    """The tokens with every `and`, `of` and comma that has another meaning given its own kind.

    An `and` behind a rule type or a parameter is a connector if another parameter follows; anywhere else it
    joins rules or the ends of a range (REFERENCE A.2). A comma between the tags of an analyzer is no end of it.
    """
    result = list(tokens)
    in_parameters = in_analyzers = tagged = False
    last = len(result) - 1
    for at, token in enumerate(result):
        kind = token.kind
        if kind == "IDENT":
            before = result[at - 1].kind if at else ""
            in_parameters = in_parameters or before in ("LSQB", "COMMA", "LPAR", "AND", "OR", "")
        elif kind in ("AND", "OF"):
            follows = result[at + 1].kind if at < last else ""
            if in_parameters and (follows in _PARAMETER or follows == "DOLLAR"):
                result[at] = token._replace(kind="CONNECTOR")
            else:
                in_parameters = False
        elif kind not in ("STRING", "DOLLAR", "DATE", "TIME"):
            in_parameters = False
            if kind == "WITH":
                tagged = True
            elif kind == "COMMA":
                names_tag = at + 2 <= last and result[at + 1].kind == "IDENT" and result[at + 2].kind == "EQUAL"
                if in_analyzers and tagged and names_tag:
                    result[at] = token._replace(kind="COMMA_TAG")
                else:
                    tagged = False
            elif kind in SECTIONS:
                in_analyzers, tagged = kind == "ANALYZERS", False
    return result


def partners(tokens: Sequence[Token], rule_types: Collection[str]) -> list[int]:
    """For each bracket the index of its partner, -1 for one without and for any other token.

    A section ends every bracket before it. A square bracket inside a list of rules ends at a comma that a
    rule type follows: lists hold values only, so somebody forgot to close it.
    """
    result = [-1] * len(tokens)
    open_brackets: list[int] = []
    counts = dict.fromkeys(_CLOSING, 0)

    def drop() -> int:
        at = open_brackets.pop()
        counts[tokens[at].kind] -= 1
        return at

    last = len(tokens) - 1
    for at, token in enumerate(tokens):
        kind = token.kind
        if kind in _CLOSING:
            open_brackets.append(at)
            counts[kind] += 1
        elif kind in _OPENING and counts[_OPENING[kind]]:
            while True:
                opening = drop()
                if tokens[opening].kind == _OPENING[kind]:
                    break
            result[at], result[opening] = opening, at
        elif kind in SECTIONS and at < last and tokens[at + 1].kind == "EQUAL":
            while open_brackets:
                drop()
        elif kind == "COMMA" and counts["LSQB"] > 1 and begins_rule(tokens, at + 1, rule_types):
            while counts["LSQB"] > 1:
                drop()
    return result


def begins_rule(tokens: Sequence[Token], at: int, rule_types: Collection[str]) -> bool:
    """Whether a known rule type stands at an index, and not the call of a function."""
    if at >= len(tokens) or tokens[at].kind != "IDENT" or tokens[at].text not in rule_types:
        return False
    return at + 1 >= len(tokens) or tokens[at + 1].kind != "LPAR"


def outline(tokens: Sequence[Token], partner: Sequence[int], meant: Callable[[str], str | None]) -> list[Section]:
    """The sections in order. `meant` knows which one begins with a word that is nearly its keyword."""
    sections: list[Section] = []
    at = 0
    while at < len(tokens):
        section = _section(tokens, partner, at, meant)
        if section.name == "stray" and sections and sections[-1].name == "stray":
            sections[-1].end = section.end
        else:
            sections.append(section)
        at = section.end
    return sections


def _section(tokens: Sequence[Token], partner: Sequence[int], at: int, meant: Callable[[str], str | None]) -> Section:
    """The section that begins at an index; one stray token if none does."""
    token = tokens[at]
    follows = tokens[at + 1].kind if at + 1 < len(tokens) else ""
    if token.kind in SECTIONS:
        return _bracketed(SECTIONS[token.kind], tokens, partner, at)
    if token.kind == "IDENT" and follows in ("EQUAL", "COLON"):
        name = meant(token.text)
        if name and not _is_variable(tokens, at):
            return _bracketed(name, tokens, partner, at)
        return _variable(tokens, partner, at)
    if token.kind in _CLOSING and partner[at] > at:
        return Section("stray", at, partner[at] + 1)
    return Section("stray", at, at + 1)


def _is_variable(tokens: Sequence[Token], at: int) -> bool:
    """Whether a list of texts follows: `analyzers = ["RowCount"]` declares a variable."""
    behind = tokens[at + 2].kind if at + 2 < len(tokens) else ""
    inside = tokens[at + 3].kind if at + 3 < len(tokens) else ""
    return behind == "STRING" or (behind == "LSQB" and inside in ("STRING", "DATE", "TIME", "NULL", "EMPTY"))


def _variable(tokens: Sequence[Token], partner: Sequence[int], at: int) -> Section:
    value = at + 2
    end = min(value + 1, len(tokens))
    if value < len(tokens):
        if tokens[value].kind in _CLOSING:
            end = partner[value] + 1 if partner[value] > value else _next_section(tokens, value)
        elif tokens[value].kind in SECTIONS:
            end = value
        elif tokens[value].kind == "DOLLAR" or tokens[value].kind == "MINUS":
            end = min(value + 2, len(tokens))
    return Section("variable", at, end)


def _next_section(tokens: Sequence[Token], at: int) -> int:
    """The index of the next token that begins a section."""
    for index in range(at, len(tokens)):
        if tokens[index].kind in SECTIONS:
            return index
    return len(tokens)


def _bracketed(name: str, tokens: Sequence[Token], partner: Sequence[int], at: int) -> Section:
    """A section in brackets, with its pieces if it is a list."""
    opening = at + 1
    while opening < len(tokens) and tokens[opening].kind in ("EQUAL", "COLON"):
        opening += 1
    if opening >= len(tokens) or tokens[opening].kind not in _CLOSING:
        return Section(name, at, opening)
    closing = partner[opening] if partner[opening] > opening else None
    end = closing + 1 if closing is not None else _next_section(tokens, opening)
    inside_end = closing if closing is not None else end
    pieces = _pieces(tokens, partner, opening + 1, inside_end) if name in ("rules", "analyzers") else []
    return Section(name, at, end, opening, closing, pieces)


def _pieces(tokens: Sequence[Token], partner: Sequence[int], start: int, end: int) -> list[tuple[int, int]]:
    """The ranges between the commas of a list, whatever stands in brackets left aside."""
    if start >= end:
        return []
    pieces = []
    at = begin = start
    while at < end:
        if partner[at] > at:
            at = partner[at]
        elif tokens[at].kind == "COMMA":
            pieces.append((begin, at))
            begin = at + 1
        at += 1
    return [*pieces, (begin, end)]


def span_of(tokens: Sequence[Token], start: int, end: int) -> Span:
    """From the first of some tokens to the last."""
    return Span(tokens[start].start, tokens[end - 1].end)
