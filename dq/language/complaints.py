"""Why a token cannot stand where it stands, in words for the person who wrote it.

The grammar only knows that a token is unexpected and what would do. The causes are a list of small questions
about the tokens around the place, asked in order; the first that knows the cause answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from dq.language.findings import Findings, shortened
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
    wanted = _wanted(place.expected)
    message = f"unexpected {place.found}" if place.token() else "this ends too early"
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
    if before and before.kind == "IDENT" and before.text.casefold() == "is":
        return Complaint(
            "DQ013",
            before.span,
            f"unknown operator `{before.text}`",
            "DQDL compares with NULL like with any value",
            "write `= NULL` or `!= NULL`",
        )
    return None


def _wrong_case(place: Place) -> Complaint | None:
    for step in (0, -1, -2, -3):
        token = place.token(step)
        if token is None or token.kind != "IDENT" or place.at + step == place.start:
            continue
        keyword = keyword_in_another_case(token.text)
        if keyword:
            return Complaint(
                "DQ012",
                token.span,
                f"`{token.text}` is not a keyword",
                f"keywords are case-sensitive: this is read as a name, not as `{keyword}`",
                f"write `{keyword}`",
            )
    return None


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
    if before and token and place.expected <= {"COMMA", "RSQB", "RBRACE"} and token.kind not in ("COMMA", "$END"):
        return Complaint(
            "DQ006",
            token.span,
            f"missing comma before `{shortened(token.text)}`",
            "the elements of a list are separated by commas",
            "add a comma",
        )
    return None


def _clause_order(place: Place) -> Complaint | None:
    token = place.token()
    if token is None or token.kind not in _OPERATORS:
        return None
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
    if token and token.kind in ("INT", "DECIMAL") and place.at == place.start:
        return Complaint(
            "DQ015",
            token.span,
            f"a rule cannot begin with `{shortened(token.text)}`",
            "a rule begins with its type",
            "numbers have no thousands separators, and ranges are written `between 1 and 5`",
        )
    return None


_NUMBER_LIKE = re.compile(r"[0-9.]+[eE]?[0-9]*|[0-9]+(?:days?|hours?|minutes?|[KMGT]?B)", re.IGNORECASE)


def malformed_number(word: str, span: Span) -> Complaint | None:
    """What is wrong with a word that looks like a number; None if it does not."""
    if not any(each.isdigit() for each in word) or not _NUMBER_LIKE.fullmatch(word):
        return None
    if word[-1] in "sSbByYrReE" and word.rstrip("eE")[-1:].isalpha():
        help = "put a blank between the number and its unit"
    elif "e" in word.casefold():
        help = "write the number without an exponent"
    else:
        help = "write digits on both sides of one decimal point"
    shown = shortened(word)
    return Complaint("DQ015", span, f"`{shown}` is not a number", "numbers are written `12` or `0.5`", help)


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
    if token.kind == "NOT":
        return Complaint(
            "DQ018",
            token.span,
            "`not` in front of a rule",
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
    _keyword_as_name,
    _malformed_number,
    _clause_order,
    _no_rule_type,
    _element_comma,
)
