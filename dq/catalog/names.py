"""Names of tables: their parts as a user writes them, and the one that is meant among those there are."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dq.diagnostics import DataError, DqError

_PART = re.compile(r'"(?:[^"]|"")*"|[^."]+')


def split(name: str) -> tuple[str, ...]:
    """The parts of a name: dots part them, and a part that holds a dot or a quote stands in double quotes.

    Raises:
        DqError: an empty part, or a quote that is not closed.
    """
    parts: list[str] = []
    at = 0
    while found := _PART.match(name, at):
        part = found[0]
        parts.append(part[1:-1].replace('""', '"') if part.startswith('"') else part)
        at = found.end()
        if at == len(name) and all(parts):
            return tuple(parts)
        if name[at : at + 1] != ".":
            break
        at += 1
    raise DqError(
        f"`{name}` is no name of a table", help='write catalog.namespace.table; a part with a dot as in lake."a.b"'
    )


def join(parts: Iterable[str]) -> str:
    """A name from its parts, quoted where `split` needs it."""
    return ".".join(f'"{part.replace(chr(34), chr(34) * 2)}"' if re.search(r'[."]', part) else part for part in parts)


def find(wanted: str, names: Iterable[str], what: str, place: str) -> str:
    """The name that is meant: letters exactly so, else the only one that differs in letter case.

    `what` and `place` are words for the message: "`lake.sales` has no table `orders`".

    Raises:
        DataError: there is none, with the nearest names; or several that differ in letter case only.
    """
    listed = list(names)
    if wanted in listed:
        return wanted
    alike = [each for each in listed if each.casefold() == wanted.casefold()]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise DataError(
            f"`{wanted}` may be {' or '.join(f'`{each}`' for each in alike)} of {place}", help="write its exact letters"
        )
    raise DataError(f"{place} has no {what} `{wanted}`", help=nearest_of(wanted, listed) or f"it has no {what} at all")


def nearest_of(wanted: str, names: Iterable[str], most: int = 10) -> str:
    """Advice: the nearest name, else the names there are; empty without any."""
    from difflib import get_close_matches

    listed = sorted(names)
    folded = {each.casefold(): each for each in listed}
    if near := get_close_matches(wanted.casefold(), folded, n=1, cutoff=0.6):
        return f"did you mean `{folded[near[0]]}`?"
    shown = ", ".join(f"`{each}`" for each in listed[:most])
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return f"there {'is' if len(listed) == 1 else 'are'} {shown}{more}" if listed else ""
