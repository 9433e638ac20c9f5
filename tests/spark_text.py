"""What Spark reads in a text (3.5, ANSI mode off), said plainly: None where it reads no value."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext

BLANKS = "".join(map(chr, range(33))) + "\x7f"


def whole(value: str, bits: int) -> int | None:
    found = re.fullmatch(r"([+-]?)([0-9]*)(?:\.[0-9]*)?", value.strip(BLANKS), re.ASCII)
    if not found or not found[0].lstrip("+-"):
        return None
    number = int(found[1] + (found[2] or "0"))
    return number if -(2 ** (bits - 1)) <= number < 2 ** (bits - 1) else None


def real(value: str) -> float | None:
    bare = value.strip("".join(map(chr, range(33))))
    if bare.lower() in ("inf", "+inf", "infinity", "+infinity"):
        return float("inf")
    if bare.lower() in ("-inf", "-infinity"):
        return float("-inf")
    if bare.lower() == "nan" or bare in ("+NaN", "-NaN"):
        return float("nan")
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[dDfF]?", bare):
        return float(bare.rstrip("dDfF"))
    return None


def decimal_of(value: str, precision: int, scale: int) -> Decimal | None:
    bare = value.strip("".join(map(chr, range(33))))
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", bare):
        return None
    try:
        with localcontext(prec=2000):
            rounded = Decimal(bare).quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
    except InvalidOperation:
        return None
    return rounded if abs(rounded) < 10 ** (precision - scale) else None


def truth(value: str) -> bool | None:
    bare = value.strip(BLANKS).lower()
    return True if bare in ("t", "true", "y", "yes", "1") else False if bare in ("f", "false", "n", "no", "0") else None


def day(value: str) -> date | None:
    found = re.fullmatch(
        r"(?s)\+?([0-9]{4,7})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[ T].*)?)?)?", value.strip(BLANKS), re.ASCII
    )
    try:
        return date(int(found[1]), int(found[2] or 1), int(found[3] or 1)) if found else None
    except ValueError:
        return None


def instant(value: str, today: date | None = None) -> datetime | None:
    """In UTC; of zones offsets and `Z` only, and a bare time of day where it is told which day it is."""
    bare = value.strip(BLANKS)
    if today and re.match(r"T?[0-9]{1,2}:", bare):
        bare = f"{today} {bare.lstrip('T')}"
    zoned = re.fullmatch(r"(.*:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]*)?) ?(?:Z|([+-][0-9]{2}):([0-9]{2}))", bare)
    found = re.fullmatch(
        r"\+?([0-9]{4,6})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[ T]([0-9]{1,2})(?::([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]*))?)?)?)?)?)?",
        zoned[1] if zoned else bare, re.ASCII,
    )  # fmt: skip
    if not found:
        return None
    parts = [int(found[at] or least) for at, least in enumerate((1, 1, 1, 0, 0, 0), 1)]
    ahead = timedelta(hours=int(zoned[2]), minutes=int(zoned[2][0] + zoned[3])) if zoned and zoned[2] else timedelta()
    try:
        return datetime(*parts, int(f"{found[7] or ''}000000"[:6])) - ahead  # type: ignore[arg-type, misc]
    except (ValueError, OverflowError):
        return None
