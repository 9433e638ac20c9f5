"""What the script `dq` and `python -m dq` run."""

from __future__ import annotations

import sys
from typing import NoReturn

from dq import stopping


def main() -> NoReturn:
    """Run the command of this process and exit with its code; a signal ends it soon and clean, also while it starts."""
    stopping.watch()
    try:
        from dq.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(stopping.exit_code())


if __name__ == "__main__":
    main()
