"""Options and words that several commands take, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from dq.cli.headings import option

DATA, CSV, JUDGING, REPORT, HISTORY = "Data", "CSV", "Judging", "Report", "History"

INPUT_FORMAT = option(
    "--input-format",
    type=click.Choice(["parquet", "csv", "json", "arrow"]),
    heading=DATA,
    help="The format of the files, where name and content do not tell.",
)
DELIMITER = option(
    "--delimiter",
    metavar="CHAR",
    heading=CSV,
    callback=lambda context, parameter, given: "\t" if given == "\\t" else given,
    help="What separates the fields; \\t is a tab.",
)
MEMORY_LIMIT = option(
    "--memory-limit",
    metavar="SIZE",
    heading=JUDGING,
    help="How much memory the engine may use, such as 2GB; what needs more goes to temporary files.",
)
THREADS = option(
    "--threads", type=click.IntRange(min=1), metavar="N", heading=JUDGING, help="How many threads it may use."
)
SAMPLES = option(
    "--samples",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="N",
    heading=REPORT,
    help="How many failing rows of each rule the reports hold; 0 for none.",
)
REDACT = option(
    "--redact", is_flag=True, heading=REPORT, help="Show the shape of values in samples, Aaa-99, not the values."
)
IN_HISTORY = (
    option(
        "--history",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        heading=HISTORY,
        help="What earlier runs measured, and where this one leaves its metrics; made if it is not there.",
    ),
    option(
        "--context",
        default="default_context",
        show_default=True,
        metavar="NAME",
        heading=HISTORY,
        help="The name of this evaluation, which keeps its history apart.",
    ),
    option(
        "--dataset",
        metavar="NAME",
        heading=HISTORY,
        help="What the history calls the table under test.  [default: its path]",
    ),
    option(
        "--fail-cold-start",
        is_flag=True,
        heading=HISTORY,
        help="Fail rules that find too little history, instead of passing with a note.",
    ),
)


def together(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Options as one decorator; help shows them in their order."""

    def decorated(command: Any) -> Any:
        for each in reversed(options):
            command = each(command)
        return command

    return decorated


def column_type(word: str) -> tuple[str, str]:
    """The two halves of COLUMN=TYPE.

    Raises:
        UsageError: there is no equals sign.
    """
    name, equals, kind = word.rpartition("=")
    if not equals:
        raise click.UsageError(f"--type wants COLUMN=TYPE, and `{word}` has no equals sign")
    return name, kind
