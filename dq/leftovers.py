"""What must not be left behind when the process ends, however suddenly: spilled data, drafts of files."""

from __future__ import annotations

import atexit
import shutil
from pathlib import Path

_unsettled: set[Path] = set()


def watch(path: Path) -> None:
    """Remove a file or a folder when the process ends, unless it is settled by then."""
    _unsettled.add(path)


def settle(path: Path) -> None:
    """Forget a path: it has been removed, or has got its final name."""
    _unsettled.discard(path)


@atexit.register
def remove() -> None:
    """Remove everything that is not settled."""
    for path in list(_unsettled):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        settle(path)
