"""A document to raw rules, with every problem of its syntax.

The grammar reads the whole document first. Only if it refuses, the outline is read piece by piece, so that
one broken rule costs that rule and no other.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from itertools import zip_longest
from typing import Any

from dq.language.complaints import Place, explain
from dq.language.findings import Findings, nearest, shortened
from dq.language.lexer import COMMENT, UNKNOWN, Token, fixed_tokens, tokenize
from dq.language.outline import ORDER, SECTIONS, Section, begins_rule, connected, outline, partners, span_of
from dq.language.parser import RawDocument, RawVariable, Unexpected, run
from dq.spans import Span

_KEYWORDS = {SECTIONS[kind]: word for word, kind in fixed_tokens().items() if kind in SECTIONS}
"""The keyword of a section by its rule of the grammar."""

_KINDS = {name: kind for kind, name in SECTIONS.items()}

_RULES = {word: name for name, word in _KEYWORDS.items()}


def _meant_section(word: str) -> str | None:
    """The section that a word begins in another spelling; None if it is no such word."""
    meant = nearest(word, _RULES)
    return _RULES[meant] if meant else None


_HINTS = {
    "\r": "end lines with LF or CR LF",
    "\u00a0": "replace the no-break space by a blank",
    "\ufeff": "a byte order mark may stand at the very beginning only",
    ";": "separate rules by commas",
    "%": "write a share as a number: `0.5` for 50 %",
    "&": "join rules with `and`",
    "|": "join rules with `or`",
    "\u2265": "write `>=`",
    "\u2264": "write `<=`",
    "\u2260": "write `!=`",
    "\u2013": "write `-`",
    "\u2014": "write `-`",
    "\u2212": "write `-`",
    "~": "write `matches` for a regular expression, `!=` for unequal",
    "\\": "a backslash may stand inside quotes only",
}

_QUOTES = "'`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
"""Quotes that begin or end no text here."""

_NO_BEGINNING = ("STRING", "DATE", "TIME", "DOLLAR", "INT", "DECIMAL", "MINUS")
"""The kinds of tokens with which no rule begins."""

_FOREIGN_TEXT = f'[{_QUOTES}]([^"\\n{_QUOTES}]*)[{_QUOTES}]'


class Reader:
    """Reads one document; what is wrong goes to the findings."""

    def __init__(self, findings: Findings, rule_types: Collection[str]) -> None:
        self.findings = findings
        self.rule_types = rule_types
        self.text = findings.source.text
        everything = tokenize(self.text)
        self.unknown: list[Token] = []
        self._know_unknown([token for token in everything if token.kind == UNKNOWN])
        self.comment_at_end = (
            bool(everything) and everything[-1].kind == COMMENT and everything[-1].end == len(self.text)
        )
        self.everything = everything
        self.foreign_comments: list[Span] = []
        readable = [token for token in everything if token.kind != COMMENT and token.kind != UNKNOWN]
        self.tokens = connected(self._without_foreign_comments(readable))
        self._partner: list[int] | None = None

    def _know_unknown(self, unknown: list[Token]) -> None:
        """Take these for the runs of characters that belong to no token."""
        self.unknown = unknown
        self.findings.unreadable = [token.start for token in unknown]

    @property
    def partner(self) -> list[int]:
        """The partner of every bracket."""
        if self._partner is None:
            self._partner = partners(self.tokens, self.rule_types)
        return self._partner

    # -- the two ways in -------------------------------------------------------------------------------

    def document(self) -> RawDocument:
        """The sections of the document; those parts that could not be read are missing."""
        ignored = self.ignored_by_glue() if self.findings.is_glue else None
        self._characters(ignored)
        if ignored:
            self._report_ignored(ignored)
            self.tokens = [token for token in self.tokens if token.start < ignored.start]
            self._know_unknown([token for token in self.unknown if token.start < ignored.start])
            self._partner = None
        try:
            whole: RawDocument = run("document", self.tokens)
        except Unexpected as unexpected:
            return self._recovered(unexpected)
        if not (whole.rules or whole.analyzers) and not self.findings.has_errors:
            self._nothing_to_check()
        return whole

    def rule(self) -> RawDocument:
        """A rule without a section around it."""
        self._characters(None)
        if not self.tokens:
            self.findings.report("DQ010", Span(0, 0), "no rule", "the text is empty", "write one rule")
            return RawDocument()
        read = self._piece("rule_expression", 0, len(self.tokens))
        return RawDocument(rules=tuple(read))

    # -- characters ------------------------------------------------------------------------------------

    def _characters(self, first_ignored: Token | None) -> None:
        """Report characters that belong to no token, up to the first token that Glue ignores."""
        limit = first_ignored.start if first_ignored else len(self.text)
        reported = 0
        for token in self.unknown:
            if reported <= token.start < limit:
                reported = self._unknown_character(token)
        for comment in self.foreign_comments:
            if comment.start < limit:
                self._foreign_comment(comment)
        if self.text.startswith("\ufeff"):
            message = "the text begins with a byte order mark"
            self.findings.not_in_glue("DQ302", Span(0, 1), message, "save it as UTF-8 without a byte order mark")
        if "\r\n" in self.text:
            self._carriage_returns(limit)
        if self.comment_at_end and not first_ignored:
            message = "the last line is a comment without a line end"
            self.findings.not_in_glue("DQ303", self.everything[-1].span, message, "add a line end behind it")

    def _carriage_returns(self, limit: int) -> None:
        end = 0
        for token in (*self.everything, Token(COMMENT, len(self.text), len(self.text), "")):
            at = self.text.find("\r", end, token.start)
            if 0 <= at < limit:
                message = "lines end with CR LF"
                self.findings.not_in_glue("DQ302", Span(at, at + 1), message, "save the text with LF line ends")
                return
            end = token.end

    def _unknown_character(self, token: Token) -> int:
        """Report a run of characters; returns the offset up to which all is told."""
        if token.text.startswith('"'):
            self._unclosed_text(token)
            return token.end
        first = token.text[0]
        if first in _QUOTES:
            return self._foreign_quotes(token)
        shown = f"`{shortened(token.text)}`" if token.text.isprintable() else ascii(token.text[:8])
        hint = _HINTS.get(first) or "remove it, or put it in quotes"
        message = f"unknown character {shown}" if len(token.text) == 1 else f"unknown characters {shown}"
        self.findings.report("DQ001", token.span, message, "this belongs to no word of the language", hint)
        return token.end

    def _foreign_quotes(self, token: Token) -> int:
        """Report a text in quotes of another kind, both of them at once if they stand on one line."""
        closing = re.compile(_FOREIGN_TEXT).match(self.text, token.start)
        span = Span(token.start, closing.end()) if closing else token.span
        message = f"`{shortened(self.text[span.start : span.end])}` is no text"
        label = "this kind of quote belongs to no word of the language"
        help = f'write `"{shortened(closing[1])}"`' if closing else 'write straight double quotes: `"`'
        self.findings.report("DQ001", span, message, label, help)
        return span.end

    def _unclosed_text(self, token: Token) -> None:
        """A quote without a partner; a text over several lines before it may hold the real mistake."""
        suspect = next((each for each in self.everything if each.kind == "STRING" and "\n" in each.text), None)
        if suspect and suspect.end <= token.start:
            line_end = self.text.index("\n", suspect.start)
            span, label = Span(suspect.start, line_end), "this text runs over the line end: is its quote missing?"
        else:
            span, label = token.span, "this text is never closed"
        self.findings.report("DQ002", span, "text without a closing quote", label, 'add the missing `"`')

    def _without_foreign_comments(self, tokens: list[Token]) -> list[Token]:
        """The tokens without comments of the C kind."""
        if "//" not in self.text and "/*" not in self.text:
            return tokens
        kept: list[Token] = []
        until = -1
        for token, follows in zip_longest(tokens, tokens[1:]):
            if token.start < until:
                continue
            if follows and token.kind == "SLASH" and follows.kind in ("SLASH", "STAR") and follows.start == token.end:
                ending = "\n" if follows.kind == "SLASH" else "*/"
                end = self.text.find(ending, follows.end)
                until = len(self.text) if end < 0 else end + len(ending)
                self.foreign_comments.append(Span(token.start, until))
            else:
                kept.append(token)
        self._know_unknown([token for token in self.unknown if not self._is_in_foreign_comment(token)])
        return kept

    def _is_in_foreign_comment(self, token: Token) -> bool:
        at = bisect_right(self.foreign_comments, token.start, key=lambda comment: comment.start)
        return at > 0 and token.start < self.foreign_comments[at - 1].end

    def _foreign_comment(self, comment: Span) -> None:
        sign = Span(comment.start, comment.start + 2)
        message = f"`{self.text[sign.start : sign.end]}` does not start a comment"
        self.findings.report("DQ014", sign, message, "comments start with `#`", "write `#` on each line")

    # -- what Glue ignores -----------------------------------------------------------------------------

    def ignored_by_glue(self) -> Token | None:
        """The first token behind the document; the published parser reads no further."""
        for section in outline(self.tokens, self.partner, lambda _: None):
            if section.closing is None or section.name not in ("rules", "analyzers"):
                continue
            at_end = section.end >= len(self.tokens)
            if section.name == "rules" and not at_end and self.tokens[section.end].kind == "ANALYZERS":
                continue
            end = self.tokens[section.closing].end
            behind = self.everything[bisect_left(self.everything, end, key=lambda token: token.start) :]
            return next((token for token in behind if _is_glue_token(token)), None)
        return None

    def _report_ignored(self, first: Token) -> None:
        last = self.everything[-2 if self.comment_at_end else -1]
        self.findings.report(
            "DQ211",
            first.span.to(last.span),
            "text behind the document",
            "Glue ignores everything from here on",
            "remove it, or move it in front",
        )

    # -- recovery --------------------------------------------------------------------------------------

    def _recovered(self, unexpected: Unexpected) -> RawDocument:
        """What can be read of a document that the grammar refuses."""
        fields: dict[str, Any] = {"metadata": (), "sources": (), "variables": [], "rules": [], "analyzers": []}
        seen: dict[str, Section] = {}
        previous: Section | None = None
        for section in outline(self.tokens, self.partner, _meant_section):
            name = section.name
            if name == "stray":
                if previous is None or previous.opening is not None or previous.name == "variable":
                    self._stray(section)
                continue
            if self._header(section, seen):
                self._contents(section, fields)
            seen.setdefault(name, section)
            previous = section
        self._sections_missing(seen)
        if not self.findings.has_errors:  # whatever was overlooked, a refused text is never taken
            place = Place(
                self.tokens, 0, len(self.tokens), unexpected.at, unexpected.expected, self.partner, self.rule_types
            )
            explain(place).report(self.findings)
        lists: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
        }
        return RawDocument(**lists)

    def _sections_missing(self, seen: Mapping[str, Section]) -> None:
        if "rules" in seen or "analyzers" in seen or self.findings.has_errors:
            return
        last = self.tokens[-1].end if self.tokens else 0
        message = "the document has no rules and no analyzers"
        span = Span(max(last - 1, 0), last)
        self.findings.report("DQ010", span, message, "the document ends here", "add `Rules = [ … ]`")

    def _nothing_to_check(self) -> None:
        """Report that the lists of a document are all empty."""
        at = next(index for index, token in enumerate(self.tokens) if token.kind in ("RULES", "ANALYZERS"))
        span = span_of(self.tokens, at, len(self.tokens))
        message = "the document has no rules and no analyzers"
        self.findings.report("DQ010", span, message, "nothing is listed here", "add a rule to `Rules`")

    def _stray(self, section: Section) -> None:
        tokens = self.tokens
        first = tokens[section.start]
        span = span_of(tokens, section.start, section.end)
        if first.kind in ("RSQB", "RPAR", "RBRACE") and self.partner[section.start] < 0:
            message = f"`{first.text}` without an opening bracket"
            help = f"remove this `{first.text}`"
            self.findings.report("DQ005", first.span, message, "no bracket is open here", help)
            return
        if any(
            begins_rule(tokens, at, self.rule_types)
            for at in range(section.start, min(section.end, section.start + 20))
        ):
            label, help = "rules stand inside of a section", "write `Rules = [ … ]` around the rules"
        else:
            keyword = first.kind == "IDENT" and nearest(first.text, _KEYWORDS.values())
            label = "this belongs to no section"
            help = f"did you mean `{keyword} = …`?" if keyword else "remove it"
        self.findings.report(
            "DQ008", span, f"unexpected `{shortened(first.text)}` outside of the sections", label, help
        )

    def _header(self, section: Section, seen: Mapping[str, Section]) -> bool:
        """Report what is wrong with the beginning and the place of a section; false if it cannot be read.

        `seen` holds the first section of each name before this one, in the order of the text.
        """
        tokens, name = self.tokens, section.name
        first = tokens[section.start]
        self._place(section, seen)
        if name == "variable":
            behind = tokens[section.start + 2 : section.start + 3]
            if first.text in self.rule_types and behind and behind[0].kind in ("INT", "DECIMAL", "MINUS"):
                label, help = "rules stand inside of a section", "write `Rules = [ … ]` around the rules"
                message = f"rule `{first.text}` outside of the sections"
                self.findings.report("DQ008", span_of(tokens, section.start, section.end), message, label, help)
                return False
            return True
        keyword = _KEYWORDS[name]
        if first.text != keyword:
            message = f"`{first.text}` is no section"
            label = f"this is read as a variable, not as `{keyword}`"
            if first.text.casefold() == keyword.casefold():
                label = f"the names of sections are case-sensitive: {label}"
            self.findings.report("DQ012", first.span, message, label, f"write `{keyword}`")
            self.tokens[section.start] = first._replace(kind=_KINDS[name])
        bracket = "{" if name in ("metadata", "data_sources") else "["
        help = f"write `{keyword} = {bracket} … {'}' if bracket == '{' else ']'}`"
        opening = section.opening
        if opening is None or tokens[opening].text != bracket or opening != section.start + 2:
            wrong = tokens[section.start + 1 : (opening or section.start + 1) + 1] or [first]
            message = f"`{keyword}` without `= {bracket}`"
            label = f"`{keyword}` takes an equals sign and `{bracket}`"
            self.findings.report("DQ011", wrong[0].span.to(wrong[-1].span), message, label, help)
            return opening is not None and name in ("rules", "analyzers")
        if section.closing is None:
            closing = {"{": "}", "[": "]"}[bracket]
            if self._closed_by_another(section, bracket, closing):
                return name in ("rules", "analyzers")
            if not self._unclosed_text_inside(section):
                self.findings.report(
                    "DQ004",
                    tokens[opening].span,
                    f"`{bracket}` without `{closing}`",
                    f"the list of `{keyword}` is never closed",
                    f"add `{closing}` behind its last element",
                )
            return name in ("rules", "analyzers")
        return True

    def _closed_by_another(self, section: Section, bracket: str, closing: str) -> bool:
        """Report a section that ends with the wrong closing bracket, which is then no part of its last piece."""
        at = section.end - 1
        last = self.tokens[at]
        if last.kind not in ("RPAR", "RSQB", "RBRACE") or self.partner[at] >= 0:
            return False
        message, label = f"`{last.text}` for `{closing}`", f"`{bracket}` opened this list"
        self.findings.report("DQ005", last.span, message, label, f"write `{closing}`")
        if section.pieces:
            start, _ = section.pieces.pop()
            section.pieces += [(start, at)] if start < at else []
        return True

    def _unclosed_text_inside(self, section: Section) -> bool:
        start = self.tokens[section.start].start
        return any(token.text.startswith('"') and token.start > start for token in self.unknown)

    def _place(self, section: Section, seen: Mapping[str, Section]) -> None:
        """Report a section that stands behind one that it must precede, or that is there already."""
        rank = ORDER.index(section.name)
        later = next((each for name, each in seen.items() if ORDER.index(name) > rank), None)
        twin = section.name != "variable" and section.name in seen
        if not (later or twin):
            return
        first = self.tokens[section.start]
        if twin:
            message, help = f"a second section `{first.text}`", "put everything into one section"
            label = "this section is there already"
        else:
            other = self.tokens[later.start].text if later else ""
            message, help = f"`{first.text}` behind `{other}`", f"move it in front of `{other}`"
            label = "the order is: Metadata, DataSources, variables, DefaultLabels, Rules, Analyzers"
        self.findings.report("DQ009", first.span, message, label, help)

    def _contents(self, section: Section, fields: dict[str, Any]) -> None:
        """Read a section into the fields of the document."""
        name = section.name
        if name in ("rules", "analyzers"):
            rule = "rule_expression" if name == "rules" else "analyzer"
            for at, (start, end) in enumerate(section.pieces):
                if start == end:
                    self._empty_piece(section, at)
                elif at and self._continues(start):
                    if not self._leaves_open(section.pieces[at - 1]):
                        self._comma_inside(section.pieces[at - 1][0], start)
                elif at + 1 < len(section.pieces) and self._continues(section.pieces[at + 1][0]):
                    if self._leaves_open((start, end)):
                        fields[name].extend(self._piece(rule, start, end))
                    # else the rule goes on behind the comma, which is the news
                else:
                    fields[name].extend(self._piece(rule, start, end))
            return
        first = self.tokens[section.start]
        if name == "variable":
            broken = RawVariable(first, (), False, first.span)
            fields["variables"] += self._piece(name, section.start, section.end) or [broken]
            return
        for read in self._piece(name, section.start, section.end):
            if read:
                for field, value in read.items():
                    fields[field] = (*(fields.get(field) or ()), *value) if type(value) is tuple else value

    def _continues(self, start: int) -> bool:
        """Whether what stands behind a comma begins no rule, and so goes on with the one before it."""
        if start >= len(self.tokens) or self.tokens[start - 1].kind != "COMMA":
            return False
        token = self.tokens[start]
        return token.kind in _NO_BEGINNING and token.text[1:-1] not in self.rule_types

    def _leaves_open(self, piece: tuple[int, int]) -> bool:
        """Whether a bracket that is never closed stands in a piece: what follows may belong inside."""
        return any(self.partner[at] < 0 and self.tokens[at].kind in ("LPAR", "LSQB", "LBRACE") for at in range(*piece))

    def _comma_inside(self, before: int, start: int) -> None:
        """Report a comma that cuts the rule which begins at the first index."""
        left, comma, right = self.tokens[start - 2 : start + 1]
        kinds = [token.kind for token in self.tokens[before:start]]
        if left.kind == "INT" and right.kind == "INT" and left.end + 1 == right.start:
            number = f"{left.text},{right.text}"
            label, help = "a comma ends a rule", "write the number without a comma, a decimal point as `.`"
            span = left.span.to(right.span)
            self.findings.report("DQ015", span, f"`{shortened(number)}` is not a number", label, help)
            return
        message, help = "comma between parameters", "separate parameters by blanks"
        if "BETWEEN" in kinds:
            message, help = "comma between the ends of a range", "write `and` instead"
        elif "IN" in kinds:
            message, help = "comma between values without brackets", "write `in [ … ]`"
        label = f"a comma ends a rule, and `{shortened(right.text)}` begins none"
        self.findings.report("DQ007", comma.span, message, label, help)

    def _empty_piece(self, section: Section, at: int) -> None:
        is_last = at == len(section.pieces) - 1
        comma = self.tokens[section.pieces[at][0] - 1 if is_last else section.pieces[at][1]]
        label = "nothing follows it" if is_last else "nothing stands before it"
        self.findings.report("DQ007", comma.span, "comma without a rule", label, "remove the comma")

    def _piece(self, rule: str, start: int, end: int) -> list[Any]:
        """What the tokens of a piece say; nothing, and diagnostics, if they do not follow the grammar."""
        read: list[Any] = []
        while start < end:
            try:
                read.append(run(rule, self._between(start, end)))
                break
            except Unexpected as unexpected:
                at, wanted = start + unexpected.at, unexpected.expected
            place = Place(self.tokens, start, end, at, wanted, self.partner, self.rule_types)
            complaint = explain(place)
            if not self._is_consequence(start, end):
                complaint.report(self.findings)
            if complaint.resume is None:
                break
            with suppress(Unexpected):  # the piece in front of the missing comma is incomplete; the comma is the news
                read.append(run(rule, self._between(start, complaint.resume)))
            start = complaint.resume
        return read

    def _between(self, start: int, end: int) -> Iterator[Token]:
        """The tokens of a range, one by one: copying what follows every missing comma would be quadratic."""
        return map(self.tokens.__getitem__, range(start, end))

    def _is_consequence(self, start: int, end: int) -> bool:
        """Whether unknown characters in or right behind a piece are reported already."""
        first = self.tokens[start].start
        last = self.tokens[end].end if end < len(self.tokens) else len(self.text)
        at = bisect_left(self.unknown, first, key=lambda token: token.start)
        return at < len(self.unknown) and self.unknown[at].start <= last


def _is_glue_token(token: Token) -> bool:
    """Whether the published lexer makes a token of this; to it a quote by itself is one too."""
    return token.kind != COMMENT and (token.kind != UNKNOWN or token.text[0] in "\"'")
