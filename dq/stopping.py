"""How the process of a command ends when Ctrl-C or SIGTERM asks it to: within a second, and with nothing left behind.

A signal raises KeyboardInterrupt in the main thread, as Python does. That is not enough: native code may be slow to
notice, and some of it swallows the exception. So a thread waits for a moment and then ends the process itself.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

GRACE = 0.6
"""Seconds in which the process may end by itself."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_UNTOUCHED = (signal.default_int_handler, signal.SIG_DFL)

_received = 0


def watch() -> None:
    """Handle the signals of this process, but none that whoever started it has switched off, as `nohup` does."""
    for each in _SIGNALS:
        if signal.getsignal(each) in _UNTOUCHED:
            signal.signal(each, _stop)


def received() -> bool:
    """Whether a signal has come: whatever is raised after it is its consequence."""
    return bool(_received)


def exit_code() -> int:
    """128 + the number of the signal, as a shell says it: 130 after Ctrl-C."""
    return 128 + (_received or signal.SIGINT)


def _stop(number: int, frame: FrameType | None) -> None:
    from threading import Timer

    global _received
    if not _received:
        _received = number
        timer = Timer(GRACE, _end)
        timer.daemon = True
        timer.start()
    raise KeyboardInterrupt


def _end() -> None:
    if leftovers := sys.modules.get("dq.leftovers"):
        leftovers.remove()
    with suppress(Exception):
        if sys.stderr.isatty():
            os.write(2, b"\r\x1b[2K\x1b[?25h")  # the progress bar goes, the cursor comes back
    os._exit(exit_code())
