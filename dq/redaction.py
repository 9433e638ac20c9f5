"""The shape of values, for reports that must not hold the values themselves."""

from __future__ import annotations

import re
from typing import Any

NINE, SMALL, GREAT = "9", "a", "A"

_TOLD = re.compile(r"""(?<=\bholds )"[^"]*"|(?<=\breturned )(["']).*?\1|(?<=\bstring )'[^']*'""")
"""Values of the data in sentences: what a CSV column holds, what a query returned, what could not be converted."""


def shape_of(value: Any) -> Any:
    """A value with every digit shown as 9 and every letter as a or A; NULL and truth values as they are.

    Lengths, signs and punctuation stay, since they are often the fault: `John-7 ` becomes `Aaaa-9 `.
    """
    if value is None or isinstance(value, bool):
        return value
    return "".join(map(_sign, str(value)))


def in_sentence(text: str) -> str:
    """A note or a reason with the shape of the values of the data that it tells."""
    return _TOLD.sub(lambda value: shape_of(value[0]), text)


def _sign(character: str) -> str:
    if character.isnumeric():
        return NINE
    if character.isalpha():
        return GREAT if character.isupper() else SMALL
    return character
