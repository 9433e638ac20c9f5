"""The page of the command line and the commands tell of the same options."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

from dq.cli import COMMANDS

PAGE = Path(__file__).parents[3] / "docs" / "command-line.md"
SECTIONS = dict(
    re.findall(r"^## dq (\S+)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
)


def test_every_command_has_a_section() -> None:
    assert set(SECTIONS) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_tells_every_option_and_no_other(name: str) -> None:
    command: click.Command = import_module(COMMANDS[name].module).command
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    options = [option for each in commands for option in each.params if isinstance(option, click.Option)]
    known = {flag for each in options for flag in (*each.opts, *each.secondary_opts)}
    told = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(re.findall(r"`([^`\n]+)`", SECTIONS[name]))))
    assert told == known, (told - known, known - told)
