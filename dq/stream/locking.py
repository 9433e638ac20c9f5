"""One process at a time: a lock that the system frees when its holder ends, however suddenly."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from dq.diagnostics import DataError


def alone(state: Path) -> Callable[[], None]:
    """Keep every other watcher from a state, until the function that this gives is called, or the process ends.

    The lock is one of the system on a file beside the state, which stays there: to remove it would let two processes
    lock two files of one name. Where the system or the file system knows no such locks, nothing is kept apart.

    Raises:
        DataError: a watcher has the state, here or in another process; or the file beside it cannot be made.
    """
    path = state.with_name(f".{state.name}.lock")
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    except OSError as error:
        raise DataError(f"`{state}` cannot be locked: {path}: {error.strerror}") from error
    try:
        _lock(file)
    except BlockingIOError:
        holder = os.read(file, 32).decode("ascii", "replace").strip()
        os.close(file)
        raise DataError(
            f"`{state}` is in use: {f'process {holder}' if holder else 'another watcher'} keeps its state there",
            help="end that one first, or give each watcher a state of its own",
        ) from None
    os.truncate(file, 0)
    os.write(file, f"{os.getpid()}\n".encode())
    return lambda: os.close(file)


def _lock(file: int) -> None:
    """Raises BlockingIOError where the file is locked already."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return
