"""Options under headings: a command with twenty of them is not read as one list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

LAST = "Options"


class Option(click.Option):
    """An option that `-h` shows under its heading."""

    def __init__(self, *arguments: Any, heading: str, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.heading = heading


class Command(click.Command):
    """A command that shows its options by heading, in the order in which they are declared."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One section per heading; what has none comes last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for each in self.get_params(ctx):
            if isinstance(each, click.Option) and (record := each.get_help_record(ctx)):
                sections.setdefault(getattr(each, "heading", LAST), []).append(record)
        for heading, records in sorted(sections.items(), key=lambda section: section[0] == LAST):
            with formatter.section(heading):
                formatter.write_dl(records)


def option(*names: str, heading: str, **more: Any) -> Callable[[Decorated], Decorated]:
    """`click.option` under a heading."""
    return click.option(*names, cls=Option, heading=heading, **more)
