"""Rulesets named on a command line: files, folders and standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import click

from dq.cli.terminal import wants_color
from dq.diagnostics import DqError
from dq.render.diagnostics import render_message, render_text

STDIN = "-"
SUFFIX = ".dqdl"


class File(NamedTuple):
    """A ruleset to read: `path` is `-` for standard input."""

    path: str

    @property
    def name(self) -> str:
        """The name that messages give it."""
        return "<stdin>" if self.path == STDIN else self.path

    def read(self) -> str:
        """Its text, line ends as they are.

        Raises:
            DqError: it cannot be read, or is not UTF-8.
        """
        return decode(self.read_bytes(), self.name)

    def read_bytes(self) -> bytes:
        """What it holds.

        Raises:
            DqError: it cannot be read.
        """
        try:
            return sys.stdin.buffer.read() if self.path == STDIN else Path(self.path).read_bytes()
        except FileNotFoundError:
            raise DqError(f"cannot read `{self.name}`: there is no such file or folder") from None
        except OSError as error:
            raise DqError(f"cannot read `{self.name}`: {error.strerror}") from error


def decode(data: bytes, name: str) -> str:
    """The text of a ruleset.

    Raises:
        DqError: it is not UTF-8; says where.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        byte, offset = data[error.start], error.start
        line = data.count(b"\n", 0, offset) + 1
        raise DqError(
            f"cannot read `{name}`: it is not UTF-8, see the byte 0x{byte:02x} at offset {offset} (line {line})",
            help="save the file as UTF-8",
        ) from None


def rulesets(paths: Iterable[str]) -> Iterator[File | DqError]:
    """The files that paths name, each once, in the order given; a path that names none gives its error.

    A folder stands for the `*.dqdl` files in it and below it, sorted by name. Folders whose name begins
    with a dot and virtual environments are not entered, links to folders neither.
    """
    seen: set[str] = set()
    for path in paths:
        found: list[str] | DqError = _below(path) if path != STDIN and Path(path).is_dir() else [path]
        if isinstance(found, DqError):
            yield found
            continue
        for each in found:
            key = each if each == STDIN else os.path.realpath(each)
            if key not in seen:
                seen.add(key)
                yield File(each)


def _below(folder: str) -> list[str] | DqError:
    found: list[str] = []
    problems: list[OSError] = []
    for here, folders, files in os.walk(folder, onerror=problems.append):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and not _is_environment(here, each))
        found += [str(Path(here, each)) for each in sorted(files) if each.endswith(SUFFIX)]
    if problems:
        return DqError(f"cannot read `{problems[0].filename}`: {problems[0].strerror}")
    if not found:
        return DqError(
            f"there is no ruleset in `{folder}`: no file in it or below it is named *{SUFFIX}",
            help="name a file, whatever its suffix, or another folder",
        )
    return found


def _is_environment(here: str, folder: str) -> bool:
    return Path(here, folder, "pyvenv.cfg").exists()


def tell(error: DqError) -> None:
    """Say on standard error what is wrong with a file, its diagnostics if it has any."""
    color = wants_color(sys.stderr)
    if error.diagnostics:
        click.echo(render_text(error.diagnostics, color=color, summary=False), err=True, color=color)
    else:
        click.echo(render_message(error.message, help=error.help, color=color), err=True, nl=False, color=color)


def talk(text: str, *, quiet: bool = False) -> None:
    """Say something to the person at the terminal, on standard error."""
    if not quiet:
        click.echo(text, err=True)


def replace(path: str, data: bytes) -> None:
    """Write a file whole or not at all: a reader sees the old bytes or the new ones, never a part.

    A link is followed, and the mode of a file that exists is kept.

    Raises:
        DqError: it cannot be written.
    """
    target = os.path.realpath(path)
    try:
        _replace(Path(target), data)
    except OSError as error:
        raise DqError(f"cannot write `{path}`: {error.strerror}") from error


def _replace(target: Path, data: bytes) -> None:
    if target.exists():
        if not target.is_file():  # a device or a pipe is written to, not replaced
            target.write_bytes(data)
            return
        with target.open("r+b"):
            mode = target.stat().st_mode  # opened first: a file that must not be written is not replaced either
    else:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(data)
        draft.chmod(mode & 0o7777)
        draft.replace(target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
