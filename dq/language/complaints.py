"""Why a token cannot stand where it stands, in words for the person who wrote it.

The grammar only knows that a token is unexpected and what would do. The causes are a list of small questions
about the tokens around the place, asked in order; the first that knows the cause answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from dq.language.findings import Findings, nearest, shortened
from dq.language.lexer import Token, fixed_tokens
from dq.language.outline import begins_rule
from dq.spans import Span

_NAMES = {
    "IDENT": "a name",
    "STRING": "a quoted text",
    "DATE": "a quoted text",
    "TIME": "a quoted text",
    "INT": "a number",
    "DECIMAL": "a number",
    "NOW": "`now()`",
    "DOLLAR": "a variable",
    "UNIT": "a unit",
    "CONNECTOR": "`and`",
    "COMMA_TAG": "`,`",
    "$END": "the end",
}
_OPERATORS = ("EQUAL", "BANG", "GT", "GE", "LT", "LE", "NOT", "BETWEEN", "IN", "MATCHES")
_NUMBERS = ("INT", "DECIMAL")
_CLOSING = {"LPAR": ")", "LSQB": "]", "RPAR": "(", "RSQB": "[", "LBRACE": "}", "RBRACE": "{"}


@dataclass(frozen=True)
class Place:
    """Tokens `start` to `end` of a list, and the index of the one that does not fit: `end` if it ends too early."""

    tokens: Sequence[Token]
    start: int
    end: int
    at: int
    expected: frozenset[str]
    partner: Sequence[int]
    rule_types: Collection[str]

    def token(self, step: int = 0) -> Token | None:
        """The token some steps from the place; None outside of the piece."""
        index = self.at + step
        return self.tokens[index] if self.start <= index < self.end else None

    def kind(self, step: int = 0) -> str:
        """The kind of the token some steps from the place; empty outside of the piece."""
        token = self.token(step)
        return token.kind if token else ""

    @property
    def span(self) -> Span:
        """Where the unexpected token stands; the last character of the piece if it ends too early."""
        token = self.token()
        if token:
            return token.span
        if self.end > self.start:
            last = self.tokens[self.end - 1]
            return Span(last.end - 1, last.end)
        index = min(self.at, len(self.tokens) - 1)
        return Span(self.tokens[index].start, self.tokens[index].end) if self.tokens else Span(0, 0)

    @property
    def found(self) -> str:
        """The unexpected token as the message names it."""
        token = self.token()
        return f"`{shortened(token.text)}`" if token else "the end"


@dataclass(frozen=True)
class Complaint:
    """A diagnostic of the syntax; `resume` is where a new piece begins, if the parser knows."""

    code: str
    span: Span
    message: str
    label: str
    help: str
    resume: int | None = None

    def report(self, findings: Findings) -> None:
        """Put it among the findings."""
        findings.report(self.code, self.span, self.message, self.label, self.help)


def explain(place: Place) -> Complaint:
    """The most likely cause."""
    for cause in _CAUSES:
        complaint = cause(place)
        if complaint:
            return complaint
    message = f"unexpected {place.found}" if place.token() else "this ends too early"
    if {"COMMA", "AND", "OR"} <= place.expected and place.token():
        label, help = "this does not continue the rule", "remove it, or add a comma in front of a new rule"
        return Complaint("DQ003", place.span, message, label, help)
    wanted = _wanted(place.expected)
    return Complaint("DQ003", place.span, message, f"expected {wanted}", f"write {wanted} here")


def _wanted(expected: Collection[str]) -> str:
    """What may stand at a place, in words."""
    if "INT" in expected and "STRING" in expected:
        expected = {"a value"} | (set(expected) & {"LSQB"})
    signs = {kind: f"`{text}`" for text, kind in reversed(fixed_tokens().items())}
    words = sorted({_NAMES.get(kind) or signs.get(kind, kind) for kind in expected})
    if set(_OPERATORS) <= set(expected):
        operators = {signs[kind] for kind in _OPERATORS}
        words = ["a condition", *(word for word in words if word not in operators)]
    if len(words) > 6:
        words = [*words[:5], "another continuation"]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or "nothing more"


# -- causes --------------------------------------------------------------------------------------------


def _unclosed_bracket(place: Place) -> Complaint | None:
    for index in range(place.start, min(place.at + 1, place.end)):
        token = place.tokens[index]
        if token.kind in ("LPAR", "LSQB", "LBRACE") and place.partner[index] < 0:
            closing = _CLOSING[token.kind]
            return Complaint(
                "DQ004",
                token.span,
                f"`{token.text}` without `{closing}`",
                "this bracket is never closed",
                f"add the missing `{closing}`",
            )
    return None


def _unopened_bracket(place: Place) -> Complaint | None:
    token = place.token()
    if token and token.kind in ("RPAR", "RSQB", "RBRACE") and place.partner[place.at] < 0:
        message = f"`{token.text}` without `{_CLOSING[token.kind]}`"
        return Complaint("DQ005", token.span, message, "no bracket is open here", f"remove this `{token.text}`")
    return None


def _foreign_comment(place: Place) -> Complaint | None:
    first, second = place.token(-2), place.token(-1)
    if first and second and first.text + second.text == "--" and first.end == second.start:
        span = first.span.to(second.span)
        return Complaint("DQ014", span, "`--` does not start a comment", "read as two minus signs", "write `#` instead")
    return None


_FOREIGN_OPERATORS = {
    "==": "=",
    "<>": "!=",
    "=>": ">=",
    "=<": "<=",
    "!==": "!=",
    "=!": "!=",
    "><": "!=",
    ">>": ">",
    "<<": "<",
}


def _foreign_operator(place: Place) -> Complaint | None:
    before, token = place.token(-1), place.token()
    if before and token and before.end == token.start:
        written = before.text + token.text
        if written in _FOREIGN_OPERATORS:
            span = before.span.to(token.span)
            meant = _FOREIGN_OPERATORS[written]
            return Complaint(
                "DQ013", span, f"unknown operator `{written}`", "DQDL has no such operator", f"write `{meant}`"
            )
    if before and before.kind == "BANG":
        return Complaint(
            "DQ013", before.span, "unknown operator `!`", "`!` belongs to `!=`", "write `not` or `!=` instead"
        )
    return _sql_is(place)


def _sql_is(place: Place) -> Complaint | None:
    """`is`, `is not` and `not` in front of a value."""
    token, before, first = place.token(), place.token(-1), place.token(-2)
    if not (token and before):
        return None
    has_is = before.kind == "NOT" and first is not None and first.text.casefold() == "is"
    if before.kind == "NOT" and (has_is or token.kind in ("NULL", "EMPTY", "WHITESPACES_ONLY")):
        operator, span = "!=", first.span.to(before.span) if has_is and first else before.span
    elif before.kind == "IDENT" and before.text.casefold() == "is" and token.kind != "EQUAL":
        operator, span = "=", before.span
    else:
        return None
    written = f"{first.text} {before.text}" if has_is and first else before.text
    label = "NULL is compared with like any value" if token.kind == "NULL" else "DQDL has no such operator"
    help = f"write `{operator} {shortened(token.text)}`"
    return Complaint("DQ013", span, f"unknown operator `{written}`", label, help)


def _wrong_case(place: Place) -> Complaint | None:
    for step in (0, -1, -2, -3):
        last = _keyword_at(place, step)
        if last is None:
            continue
        first = _keyword_at(place, step - 1) or last
        span = first.span.to(last.span)
        words = [first.text] if first is last else [first.text, last.text]
        written = " ".join(words)
        meant = " ".join(keyword_in_another_case(word) or word for word in words)
        label = f"keywords are case-sensitive: this is read as a name, not as `{meant}`"
        return Complaint("DQ012", span, f"`{written}` is not a keyword", label, f"write `{meant}`")
    return None


def _keyword_at(place: Place, step: int) -> Token | None:
    """The token some steps from the place if it is a keyword in another letter case."""
    token = place.token(step)
    if token is None or token.kind != "IDENT" or place.at + step == place.start:
        return None
    return token if keyword_in_another_case(token.text) else None


def keyword_in_another_case(word: str) -> str | None:
    """The keyword that a word would be in another letter case; None for a keyword itself and for other words."""
    words = fixed_tokens()
    if word in words or len(word) < 2:
        return None
    return next((each for each in words if len(each) == len(word) and each.casefold() == word.casefold()), None)


def _singular_unit(place: Place) -> Complaint | None:
    token = place.token()
    if token and token.kind == "IDENT" and place.kind(-1) == "INT":
        plural = token.text.casefold() + "s"
        if plural in ("days", "hours", "minutes"):
            return Complaint(
                "DQ003", token.span, f"unknown unit `{token.text}`", "units are plural", f"write `{plural}`"
            )
        if token.text.upper() in ("KB", "MB", "GB", "TB", "B"):
            unit = token.text.upper()
            return Complaint(
                "DQ012", token.span, f"unknown unit `{token.text}`", "units are capital", f"write `{unit}`"
            )
        ends = place.kind(1) in ("", "RPAR", "RSQB", "COMMA", "AND", "OR")
        if ends and not keyword_in_another_case(token.text):
            label, help = "no unit has this name", "the units are days, hours, minutes, B, KB, MB, GB and TB"
            return Complaint("DQ003", token.span, f"unknown unit `{shortened(token.text)}`", label, help)
    return None


def _missing_comma(place: Place) -> Complaint | None:
    token = place.token()
    before = place.token(-1)
    if (
        token
        and before
        and begins_rule(place.tokens, place.at, place.rule_types)
        and before.kind not in (*_OPERATORS, "NOT", "WHERE", "WITH", "LPAR", "AND", "OR", "CONNECTOR", "LSQB")
    ):
        return Complaint(
            "DQ006",
            Span(before.end - 1, before.end),
            f"missing comma before `{token.text}`",
            "a new rule begins behind this",
            "add a comma between the rules, or join them with `and` or `or`",
            resume=place.at,
        )
    return None


def _comma(place: Place) -> Complaint | None:
    token = place.token()
    if token is None or token.kind != "COMMA":
        return None
    follows, before = place.token(1), place.token(-1)
    if follows and begins_rule(place.tokens, place.at + 1, place.rule_types):
        return Complaint(
            "DQ007",
            token.span,
            "comma between the parts of a composite rule",
            "a comma ends a rule, and the parenthesis is still open",
            "join the parts with `and` or `or`",
        )
    if follows and follows.kind in ("RSQB", "RBRACE", "RPAR"):
        return Complaint("DQ007", token.span, "comma behind the last element", "nothing follows it", "remove the comma")
    if before and before.kind in ("LSQB", "COMMA", "LBRACE"):
        return Complaint(
            "DQ007", token.span, "comma without an element", "nothing stands before it", "remove the comma"
        )
    return None


def _comma_gap(place: Place) -> Complaint | None:
    before, token = place.token(-1), place.token()
    if before and before.kind == "COMMA" and (token is None or token.kind in ("RSQB", "RBRACE", "RPAR")):
        return Complaint(
            "DQ007", before.span, "comma behind the last element", "nothing follows it", "remove the comma"
        )
    return None


def _element_comma(place: Place) -> Complaint | None:
    before, token = place.token(-1), place.token()
    is_list = place.expected <= {"COMMA", "RSQB", "RBRACE"} or (
        "COMMA" in place.expected and "RSQB" in place.expected and _is_in_list(place)
    )
    if before and token and is_list and token.kind not in ("COMMA", "$END", "RSQB", "RBRACE", "RPAR"):
        return Complaint(
            "DQ006",
            token.span,
            f"missing comma before `{shortened(token.text)}`",
            "the elements of a list are separated by commas",
            "add a comma",
        )
    return None


def _is_in_list(place: Place) -> bool:
    """Whether the innermost open bracket before the place is a square one of this piece."""
    index = place.at - 1
    while index >= place.start:
        kind = place.tokens[index].kind
        if kind in ("RPAR", "RSQB", "RBRACE") and place.partner[index] >= 0:
            index = place.partner[index]
        elif kind in ("LPAR", "LSQB", "LBRACE"):
            return kind == "LSQB"
        index -= 1
    return False


def _clause_order(place: Place) -> Complaint | None:
    token = place.token()
    if token is None or token.kind not in _OPERATORS:
        return None
    if "COLON" in place.expected:
        return Complaint("DQ003", token.span, f"`{token.text}` in a dictionary", "a key ends with a colon", "write `:`")
    for index in range(place.at - 1, place.start, -1):
        kind = place.tokens[index].kind
        if kind in ("WHERE", "LABELS", "WITH"):
            word = place.tokens[index].text
            return Complaint(
                "DQ016",
                token.span,
                f"a condition behind `{word}`",
                "the order is: parameters, condition, where, labels, with",
                f"move the condition in front of `{word}`",
            )
        if kind in _OPERATORS and place.kind(-1) not in _OPERATORS:
            return Complaint(
                "DQ016",
                token.span,
                "a second condition",
                "a rule has one condition",
                "use `between`, or join two rules with `and`",
            )
    return None


def _malformed_number(place: Place) -> Complaint | None:
    token, before = place.token(), place.token(-1)
    if token and token.kind == "PLUS" and "INT" in place.expected:
        return Complaint(
            "DQ015", token.span, "plus sign in front of a number", "a number has no plus sign", "remove it"
        )
    if before and before.kind == "MINUS" and token and token.kind in ("IDENT", "LPAR", "NOW", "MINUS"):
        return Complaint(
            "DQ015",
            before.span,
            f"minus sign in front of {place.found}",
            "a minus sign belongs to a literal number",
            "write `0 - …` instead",
        )
    if token and before and token.kind == "IDENT" and before.kind in ("INT", "DECIMAL") and before.end == token.start:
        return malformed_number(before.text + token.text, before.span.to(token.span))
    if token and before and token.kind in _NUMBERS and before.kind == "INT" and before.end < token.start:
        written = f"{before.text} {token.text}"
        label = "a blank ends a number"
        return Complaint("DQ015", before.span.to(token.span), f"`{written}` is not a number", label, "remove the blank")
    if before and before.kind == "IDENT" and not place.expected.isdisjoint({"AND", "RPAR", "RSQB"}):
        number = malformed_number(before.text, before.span)
        if number:
            return number
    if token and token.kind in ("INT", "DECIMAL") and place.at == place.start:
        return Complaint(
            "DQ015",
            token.span,
            f"a rule cannot begin with `{shortened(token.text)}`",
            "a rule begins with its type",
            "numbers have no thousands separators, and ranges are written `between 1 and 5`",
        )
    return None


_NUMBER_LIKE = r"[0-9.]+(?:[eE][0-9]*)?|[0-9][0-9_]*|[0-9.]+[A-Za-z]+"


def malformed_number(word: str, span: Span) -> Complaint | None:
    """What is wrong with a word that looks like a number; None if it does not."""
    if not any(each.isdigit() for each in word) or not re.fullmatch(_NUMBER_LIKE, word):
        return None
    if re.fullmatch(r"[0-9.]+[eE][0-9]*", word):
        help = "write the number without an exponent"
    elif "_" in word:
        help = f"write `{shortened(word.replace('_', ''))}`"
    elif word[-1].isalpha():
        help = "put a blank between the number and its unit: days, hours, minutes, B, KB, MB, GB or TB"
    elif ".." in word:
        help = "write a range as `between 1 and 5`"
    else:
        help = "write digits on both sides of one decimal point"
    shown = shortened(word)
    return Complaint("DQ015", span, f"`{shown}` is not a number", "numbers are written `12` or `0.5`", help)


def _missing_operator(place: Place) -> Complaint | None:
    token = place.token()
    if token and token.kind in _NUMBERS and "GT" in place.expected:
        label, help = "a comparison is missing here", f"write `> {shortened(token.text)}`, or another comparison"
        return Complaint("DQ003", token.span, f"`{shortened(token.text)}` without an operator", label, help)
    return None


def _end_of_range(place: Place) -> Complaint | None:
    """Another word than `and` between the ends of a range."""
    if "AND" not in place.expected or not _is_in_range(place):
        return None
    message = f"unexpected {place.found}" if place.token() else "a range without its second end"
    return Complaint("DQ003", place.span, message, "the ends of a range are joined by `and`", "write `and` here")


def _is_in_range(place: Place) -> bool:
    """Whether a `between` stands before the place, and no `and` since."""
    for index in range(place.at - 1, place.start, -1):
        kind = place.tokens[index].kind
        if kind in ("AND", "BETWEEN"):
            return kind == "BETWEEN"
    return False


_FOREIGN_WORDS = {
    **dict.fromkeys(["like", "ilike", "rlike", "regexp", "regex", "match", "contains"], "matches"),
    **dict.fromkeys(["not_in", "notin", "nin"], "not in"),
    **dict.fromkeys(["equals", "equal", "eq", "is"], "="),
    **dict.fromkeys(["ne", "neq"], "!="),
    **dict.fromkeys(["gt", "greater", "above", "over"], ">"),
    **dict.fromkeys(["ge", "gte"], ">="),
    **dict.fromkeys(["lt", "less", "below", "under"], "<"),
    **dict.fromkeys(["le", "lte"], "<="),
    **dict.fromkeys(["when", "if", "filter"], "where"),
    **dict.fromkeys(["label", "tags"], "labels"),
    "range": "between",
    "using": "with",
}
"""Words of other languages, and what does the same here."""


def meant_word(word: str) -> str | None:
    """The word of the language that a word of another one stands for, or that is spelled nearly like it."""
    known = [each for each in fixed_tokens() if each.islower() and len(each) > 2]
    return _FOREIGN_WORDS.get(word.casefold()) or nearest(word, known)


def _foreign_word(place: Place) -> Complaint | None:
    """A word that is nearly one of the language, or one of another language."""
    for step in (0, -1, -2):
        token = place.token(step)
        if token is None or token.kind != "IDENT" or place.at + step == place.start:
            continue
        meant = meant_word(token.text)
        if meant and meant != token.text:
            message = f"unexpected `{shortened(token.text)}`"
            return Complaint(
                "DQ003", token.span, message, "this is no word of the language", f"did you mean `{meant}`?"
            )
    return None


def _wrong_bracket(place: Place) -> Complaint | None:
    token, before = place.token(), place.token(-1)
    if not (token and before):
        return None
    if token.kind in ("LBRACE", "LPAR") and "LSQB" in place.expected:
        label = "a list has square brackets"
        return Complaint("DQ003", token.span, f"`{token.text}` in front of a list", label, "write `[ … ]`")
    if token.kind == "LSQB" and before.kind == "IDENT" and before.text in place.rule_types:
        label, help = "parameters are no list", "write the parameters one behind the other, without brackets"
        return Complaint("DQ003", token.span, f"a list behind `{before.text}`", label, help)
    if token.kind == "LPAR" and before.kind == "RPAR" and "AND" in place.expected:
        label, help = "nothing joins the two rules", "write `and` or `or` between them, or a comma"
        return Complaint("DQ003", token.span, "a second parenthesis", label, help)
    return None


def _function_without_parentheses(place: Place) -> Complaint | None:
    before = place.token(-1)
    if before and before.kind == "IDENT" and place.kind() == "IDENT" and place.kind(1) == "LPAR":
        help = f"a function takes its argument in parentheses: `{before.text}( … )`"
        return Complaint("DQ003", place.span, f"unexpected {place.found}", f"`{before.text}` is read as a name", help)
    return None


def _keyword_as_name(place: Place) -> Complaint | None:
    token, before = place.token(), place.token(-1)
    words = ("UNIT", "NULL", "EMPTY", "WHITESPACES_ONLY", "RULES", "ANALYZERS", "METADATA", "DATA_SOURCES")
    kinds = (*words, "DEFAULT_LABELS", "IN", "BETWEEN", "MATCHES", "NOT", "WHERE", "WITH", "LABELS", "AND", "OF", "OR")
    for candidate, previous in ((token, before), (before, place.token(-2))):
        if (
            candidate
            and previous
            and candidate.kind in kinds
            and previous.kind in ("IDENT", "CONNECTOR", "WITH")
            and (candidate is before or "STRING" in place.expected or "IDENT" in place.expected)
            and (candidate.kind in words or token is None or candidate is token)
        ):
            return Complaint(
                "DQ017",
                candidate.span,
                f"keyword `{candidate.text}` as a name",
                "a keyword cannot be an unquoted name",
                f'put it in quotes: `"{candidate.text}"`',
            )
    return None


def _fraction_of_unit(place: Place) -> Complaint | None:
    token, before = place.token(), place.token(-1)
    if token and before and token.kind == "UNIT" and before.kind == "DECIMAL":
        written = f"{before.text} {token.text}"
        return Complaint(
            "DQ015",
            before.span.to(token.span),
            f"`{written}` is not a whole amount",
            "durations and sizes are whole numbers",
            "write a whole number of a smaller unit",
        )
    return None


def _list_in_brackets(place: Place) -> Complaint | None:
    """A range in brackets, a list without a value, a list where there is none."""
    token, before = place.token(), place.token(-1)
    if not (token and before):
        return None
    if token.kind == "LSQB" and before.kind == "BETWEEN":
        return Complaint("DQ003", token.span, "a list behind `between`", "a range has two ends", "write `1 and 10`")
    if (token.kind, before.kind) in (("RSQB", "LSQB"), ("RBRACE", "LBRACE")):
        what = "list" if token.kind == "RSQB" else "dictionary"
        span = before.span.to(token.span)
        return Complaint("DQ003", span, f"empty {what}", "at least one value is needed", "add a value, or remove it")
    return None


def _unquoted_text(place: Place) -> Complaint | None:
    """A bare word or something else where only a quoted text may stand."""
    token, before = place.token(), place.token(-1)
    if not (token and before and "STRING" in place.expected and "INT" not in place.expected):
        return None
    what = {"WHERE": "the condition of `where`", "MATCHES": "a regular expression"}.get(before.kind)
    if what and token.kind == "DOLLAR":
        label = f"{what} is written out"
        return Complaint("DQ003", token.span, f"a variable behind `{before.text}`", label, "write it out in quotes")
    if what:
        shown = shortened(token.text)
        label = f"{what} stands in quotes"
        return Complaint("DQ003", token.span, f"`{shown}` without quotes", label, "put it in quotes")
    if token.kind in ("IDENT", "INT", "DECIMAL") and place.expected.isdisjoint({"IDENT", "EQUAL"}):
        shown = shortened(token.text)
        label = "only a quoted text may stand here"
        return Complaint("DQ003", token.span, f"`{shown}` without quotes", label, f'write `"{shown}"`')
    return None


def _dash_in_name(place: Place) -> Complaint | None:
    before, token, behind = place.token(-1), place.token(), place.token(1)
    if not (before and token and behind and token.kind == "MINUS" and before.kind == "IDENT"):
        return None
    if before.end != token.start or token.end != behind.start or place.at - 1 == place.start:
        return None
    name = before.text + token.text + behind.text
    label = "an unquoted name has letters, digits, `_` and `.` only"
    span = before.span.to(behind.span)
    return Complaint("DQ017", span, f"`{shortened(name)}` as a name", label, f'put it in quotes: `"{shortened(name)}"`')


def _brackets_as_call(place: Place) -> Complaint | None:
    token = place.token()
    if token and token.kind == "LPAR" and place.kind(-1) == "IDENT":
        before = place.token(-1)
        if before and before.text in place.rule_types:
            return Complaint(
                "DQ003",
                token.span,
                f"parenthesis behind `{before.text}`",
                "a rule type is no function",
                f'write the parameters without parentheses: `{before.text} "column"`',
            )
    if token and token.kind == "LPAR" and place.kind(-1) == "IN":
        return Complaint("DQ003", token.span, "parenthesis behind `in`", "a list has square brackets", "write `[ … ]`")
    return None


def _no_rule_type(place: Place) -> Complaint | None:
    token = place.token()
    if token is None or place.at != place.start:
        before = place.token(-1)
        if before and before.kind in ("AND", "OR") and "IDENT" in place.expected and "INT" not in place.expected:
            follows = token is not None and token.kind == "NOT"
            help = "there is no negation: write the opposite condition" if follows else "add a rule, or remove the word"
            return Complaint(
                "DQ018",
                token.span if token else before.span,
                f"no rule behind `{before.text}`",
                "a rule is missing",
                help,
            )
        return None
    if token.kind in ("STRING", "DATE", "TIME"):
        name = token.text[1:-1]
        if name in place.rule_types:
            return Complaint(
                "DQ018",
                token.span,
                "rule type in quotes",
                "a rule begins with its type, without quotes",
                f"write `{name}`",
            )
        return Complaint(
            "DQ018",
            token.span,
            f"`{shortened(token.text)}` is no rule type",
            "the comma in front of this ended the rule before",
            "separate parameters by blanks, without commas",
        )
    if token.kind in ("NOT", "BANG"):
        return Complaint(
            "DQ018",
            token.span,
            f"`{token.text}` in front of a rule",
            "rules cannot be negated",
            "write the opposite condition",
        )
    return Complaint(
        "DQ018",
        token.span,
        f"`{shortened(token.text)}` is no rule type",
        "a rule begins with the name of its type",
        "write a rule type, such as `Completeness`",
    )


def _no_rule_in_parentheses(place: Place) -> Complaint | None:
    token = place.token()
    if token and token.kind == "RPAR" and place.kind(-1) == "LPAR":
        return Complaint(
            "DQ018", token.span, "empty parentheses", "a rule or a value is missing", "fill or remove them"
        )
    return None


def _threshold_without_with(place: Place) -> Complaint | None:
    token = place.token()
    if token and token.kind == "IDENT" and token.text.casefold() == "threshold":
        return Complaint(
            "DQ003", token.span, "`threshold` without `with`", "read as a new word", f"write `with {token.text}`"
        )
    return None


def _composite_clause(place: Place) -> Complaint | None:
    token = place.token()
    if token and token.kind in ("WITH", "WHERE") and place.kind(-1) == "RPAR":
        return Complaint(
            "DQ016",
            token.span,
            f"`{token.text}` behind parentheses",
            "only labels may stand behind a composite rule",
            f"write `{token.text}` inside, behind the rule it belongs to",
        )
    return None


def _analyzer_clause(place: Place) -> Complaint | None:
    token = place.token()
    is_analyzer = "WHERE" not in place.expected and {"WITH", "STRING", "$END"} <= place.expected
    if token and is_analyzer and token.kind in (*_OPERATORS, "WHERE", "LABELS", "AND", "OR"):
        return Complaint(
            "DQ105",
            token.span,
            f"`{token.text}` in an analyzer",
            "an analyzer is a rule type and its parameters only",
            "remove this, or move it to `Rules`",
        )
    return None


def _shifted_literal(place: Place) -> Complaint | None:
    token, before = place.token(), place.token(-1)
    if token and before and token.kind == "LPAR" and before.text == "now":
        span = Span(before.start, token.end)
        return Complaint("DQ003", span, "`now ()` with a blank", "`now()` is one word", "write `now()`")
    return None


_CAUSES: tuple[Callable[[Place], Complaint | None], ...] = (
    _unclosed_bracket,
    _unopened_bracket,
    _no_rule_in_parentheses,
    _foreign_comment,
    _foreign_operator,
    _comma_gap,
    _comma,
    _threshold_without_with,
    _singular_unit,
    _composite_clause,
    _analyzer_clause,
    _wrong_case,
    _missing_comma,
    _brackets_as_call,
    _shifted_literal,
    _fraction_of_unit,
    _list_in_brackets,
    _wrong_bracket,
    _dash_in_name,
    _keyword_as_name,
    _missing_operator,
    _malformed_number,
    _end_of_range,
    _clause_order,
    _no_rule_type,
    _unquoted_text,
    _element_comma,
    _function_without_parentheses,
    _foreign_word,
)
