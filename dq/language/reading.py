"""A document to raw rules, with every problem of its syntax.

The grammar reads the whole document first. Only if it refuses, the outline is read piece by piece, so that
one broken rule costs that rule and no other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any

from dq.language.complaints import Place, explain
from dq.language.findings import Findings, nearest, shortened
from dq.language.lexer import COMMENT, UNKNOWN, Token, fixed_tokens, tokenize
from dq.language.outline import ORDER, SECTIONS, Section, begins_rule, connected, outline, partners, span_of
from dq.language.parser import RawDocument, Unexpected, run
from dq.spans import Span

_KEYWORDS = {SECTIONS[kind]: word for word, kind in fixed_tokens().items() if kind in SECTIONS}
"""The keyword of a section by its rule of the grammar."""

_FOLDED = {word.casefold(): name for name, word in _KEYWORDS.items()}

_HINTS = {
    "\r": "end lines with LF or CR LF",
    "\u00a0": "replace the no-break space by a blank",
    "\ufeff": "a byte order mark may stand at the very beginning only",
    "\u201c": 'write straight double quotes: `"`',
    "\u201d": 'write straight double quotes: `"`',
    "\u201e": 'write straight double quotes: `"`',
    "\u2018": 'write straight double quotes: `"`',
    "\u2019": 'write straight double quotes: `"`',
    "'": "texts stand in double quotes",
    "`": "texts stand in double quotes",
    ";": "separate rules by commas",
    "%": "write a share as a number: `0.5` for 50 %",
    "&": "join rules with `and`",
    "|": "join rules with `or`",
    "\\": "a backslash may stand inside quotes only",
}


class Reader:
    """Reads one document; what is wrong goes to the findings."""

    def __init__(self, findings: Findings, rule_types: Collection[str]) -> None:
        self.findings = findings
        self.rule_types = rule_types
        self.text = findings.source.text
        everything = tokenize(self.text)
        self.unknown = [token for token in everything if token.kind == UNKNOWN]
        self.comment_at_end = (
            bool(everything) and everything[-1].kind == COMMENT and everything[-1].end == len(self.text)
        )
        self.everything = everything
        self.foreign_comments: list[Span] = []
        readable = [token for token in everything if token.kind != COMMENT and token.kind != UNKNOWN]
        self.tokens = connected(self._without_foreign_comments(readable))
        self._partner: list[int] | None = None

    @property
    def partner(self) -> list[int]:
        """The partner of every bracket."""
        if self._partner is None:
            self._partner = partners(self.tokens, self.rule_types)
        return self._partner

    # -- the two ways in -------------------------------------------------------------------------------

    def document(self) -> RawDocument:
        """The sections of the document; those parts that could not be read are missing."""
        ignored = self._ignored_by_glue() if self.findings.is_glue else None
        self._characters(ignored)
        if ignored:
            self._report_ignored(ignored)
            self.tokens = [token for token in self.tokens if token.start < ignored.start]
            self._partner = None
        try:
            whole = run("document", self.tokens)
        except Unexpected as unexpected:
            return self._recovered(unexpected)
        return whole if isinstance(whole, RawDocument) else RawDocument()

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
        for token in self.unknown:
            if token.start < limit:
                self._unknown_character(token)
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

    def _unknown_character(self, token: Token) -> None:
        if token.text.startswith('"'):
            self._unclosed_text(token)
            return
        first = token.text[0]
        shown = f"`{shortened(token.text)}`" if token.text.isprintable() else ascii(token.text[:8])
        hint = _HINTS.get(first) or "remove it, or put it in quotes"
        message = f"unknown character {shown}" if len(token.text) == 1 else f"unknown characters {shown}"
        self.findings.report("DQ001", token.span, message, "this belongs to no word of the language", hint)

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
        self.unknown = [token for token in self.unknown if not self._is_in_foreign_comment(token)]
        return kept

    def _is_in_foreign_comment(self, token: Token) -> bool:
        at = bisect_right(self.foreign_comments, token.start, key=lambda comment: comment.start)
        return at > 0 and token.start < self.foreign_comments[at - 1].end

    def _foreign_comment(self, comment: Span) -> None:
        sign = Span(comment.start, comment.start + 2)
        message = f"`{self.text[sign.start : sign.end]}` does not start a comment"
        self.findings.report("DQ014", sign, message, "comments start with `#`", "write `#` on each line")

    # -- what Glue ignores -----------------------------------------------------------------------------

    def _ignored_by_glue(self) -> Token | None:
        """The first token behind the document; the published parser reads no further."""
        for section in outline(self.tokens, self.partner, ()):
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
        before = len(self.findings.diagnostics)
        fields: dict[str, Any] = {"metadata": (), "sources": (), "variables": [], "rules": [], "analyzers": []}
        seen: list[Section] = []
        for section in outline(self.tokens, self.partner, _FOLDED):
            name = _FOLDED.get(section.name, section.name)
            section.name = name
            if name == "stray":
                self._stray(section)
            elif self._header(section, seen):
                self._contents(section, fields)
            if name != "stray":
                seen.append(section)
        self._sections_missing(seen)
        if len(self.findings.diagnostics) == before and not self.unknown:
            place = Place(
                self.tokens, 0, len(self.tokens), unexpected.at, unexpected.expected, self.partner, self.rule_types
            )
            explain(place).report(self.findings)
        lists: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
        }
        return RawDocument(**lists)

    def _sections_missing(self, seen: Sequence[Section]) -> None:
        if any(section.name in ("rules", "analyzers") for section in seen) or self.findings.has_errors:
            return
        end = len(self.text)
        message = "the document has no rules and no analyzers"
        self.findings.report("DQ010", Span(end, end), message, "the document ends here", "add `Rules = [ … ]`")

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

    def _header(self, section: Section, seen: Sequence[Section]) -> bool:
        """Report what is wrong with the beginning and the place of a section; false if it cannot be read."""
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
            label = f"the names of sections are case-sensitive: this is read as a variable, not as `{keyword}`"
            self.findings.report("DQ012", first.span, message, label, f"write `{keyword}`")
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

    def _unclosed_text_inside(self, section: Section) -> bool:
        start = self.tokens[section.start].start
        return any(token.text.startswith('"') and token.start > start for token in self.unknown)

    def _place(self, section: Section, seen: Sequence[Section]) -> None:
        """Report a section that stands behind one that it must precede, or that is there already."""
        rank = ORDER.index(section.name)
        later = next((each for each in seen if ORDER.index(each.name) > rank), None)
        twin = section.name != "variable" and any(each.name == section.name for each in seen)
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
                else:
                    fields[name].extend(self._piece(rule, start, end))
            return
        for read in self._piece(name, section.start, section.end):
            if name == "variable":
                fields["variables"].append(read)
            else:
                for field, value in read.items():
                    fields[field] = (*(fields.get(field) or ()), *value) if type(value) is tuple else value

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
                read.append(run(rule, self.tokens[start:end]))
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
                read.append(run(rule, self.tokens[start : complaint.resume]))
            start = complaint.resume
        return read

    def _is_consequence(self, start: int, end: int) -> bool:
        """Whether unknown characters in or right behind a piece are reported already."""
        first = self.tokens[start].start
        last = self.tokens[end].end if end < len(self.tokens) else len(self.text)
        return any(first <= token.start <= last for token in self.unknown)


def _is_glue_token(token: Token) -> bool:
    """Whether the published lexer makes a token of this; to it a quote by itself is one too."""
    return token.kind != COMMENT and (token.kind != UNKNOWN or token.text[0] in "\"'")
