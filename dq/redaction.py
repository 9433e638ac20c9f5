"""The shape of values, for reports that must not hold the values themselves."""

from __future__ import annotations

from typing import Any

NINE, SMALL, GREAT = "9", "a", "A"


def shape_of(value: Any) -> Any:
    """A value with every digit shown as 9 and every letter as a or A; NULL and truth values as they are.

    Lengths, signs and punctuation stay, since they are often the fault: `John-7 ` becomes `Aaaa-9 `.
    """
    if value is None or isinstance(value, bool):
        return value
    return "".join(map(_sign, str(value)))


def _sign(character: str) -> str:
    if character.isnumeric():
        return NINE
    if character.isalpha():
        return GREAT if character.isupper() else SMALL
    return character
