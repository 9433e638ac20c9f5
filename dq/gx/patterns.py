r"""Patterns of GX as DQDL's: GX searches a text, DQDL wants the whole of it to match.

`^` and `$` at the ends of an alternative say so themselves and go; an end without them becomes `[\s\S]*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dq.diagnostics import DqError
from dq.gx.reports import Lost
from dq.lazy import regex

ANYTHING = r"[\s\S]*"

_FLAGS = re.compile(r"\(\?([a-zA-Z]+)\)")
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]|[()|]|[^\\\[()|]+|.", re.DOTALL)


def whole(pattern: str) -> str:
    """A pattern that matches the whole of the texts in which GX finds this one.

    Raises:
        Lost: the engine cannot say it.
    """
    flags = _FLAGS.match(pattern)
    letters = flags[1] if flags else ""
    if not set(letters) <= set("is"):
        raise Lost(f"the flags `(?{letters})` of the regular expression have no counterpart")
    java = pattern[flags.end() if flags else 0 :].replace("(?P<", "(?<")
    found = (flags[0] if flags else "") + "|".join(_whole(each) for each in _alternatives(java))
    try:
        regex.java_regex(found)
    except DqError as error:
        raise Lost(error.message) from None
    return found


def any_of(patterns: list[str]) -> str:
    """A pattern that matches what one of them matches; each is a whole pattern."""
    return "|".join(f"(?:{each})" for each in patterns) if len(patterns) > 1 else patterns[0]


def like(pattern: str) -> str:
    """A LIKE pattern as a regular expression: `%` is any text, `_` one character."""
    signs = {"%": ANYTHING, "_": r"[\s\S]"}
    return "".join(signs.get(char) or re.escape(char) for char in pattern)


def anchored(pattern: str) -> str:
    """The other way: a pattern that, searched for, is found only where this one matches the whole text."""
    return f"^(?:{pattern})$"


def _whole(alternative: str) -> str:
    begins, ends = alternative.startswith("^"), _ends(alternative)
    inner = alternative[begins : len(alternative) - ends]
    return f"{'' if begins else ANYTHING}{inner}{'' if ends else ANYTHING}"


def _ends(alternative: str) -> bool:
    """Whether it ends in a `$` that is no escaped one."""
    backslashes = len(alternative) - 1 - len(alternative[:-1].rstrip("\\"))
    return alternative.endswith("$") and backslashes % 2 == 0


def _alternatives(pattern: str) -> Iterator[str]:
    """The parts between the `|` that stand in no group."""
    part, depth = "", 0
    for token in _TOKEN.findall(pattern):
        depth += (token == "(") - (token == ")")
        if token == "|" and depth == 0:
            yield part
            part = ""
        else:
            part += token
    yield part
