"""What the stream that we write to can show."""

from __future__ import annotations

import os
from typing import TextIO


def wants_color(stream: TextIO | None) -> bool:
    """Whether to colour what goes to a stream: on a terminal, unless NO_COLOR; anywhere, if FORCE_COLOR.

    Both count when they are set to anything but the empty text; NO_COLOR wins.
    """
    if stream is None or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
