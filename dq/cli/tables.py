"""The tables that a command line names: paths, names of the project, and which part of them is meant."""

from __future__ import annotations

import glob
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from dq.cli.files import talk
from dq.cli.headings import option
from dq.diagnostics import DqError
from dq.names import PRIMARY
from dq.sources.files import format_of_name
from dq.sources.options import NO_DATA

if TYPE_CHECKING:
    from dq.catalog.selection import Selection
    from dq.project.project import Project
    from dq.syntax import Ruleset

NAMES = "Tables by name, of dq.toml"
LOCAL_KINDS = ("files", "duckdb")
"""The kinds of catalogs whose tables are completed: those that are asked without a network."""


# -- completion ------------------------------------------------------------------------------------------------


def _project_of(ctx: click.Context) -> Project | None:
    """The project that completion may use; a broken one completes nothing."""
    from dq.project.project import current

    try:
        return current(ctx.params.get("project_file"))
    except DqError:
        return None


def complete_table(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of tables that begin so, and those below a local catalog."""
    project = _project_of(ctx)
    if project is None:
        return []
    alias, equals, begun = incomplete.rpartition("=")
    above = begun.rpartition(".")[0]
    found = [*project.tables, *(f"{name}." for name in project.catalogs)]
    with suppress(DqError):
        found += _below(project, above) if above else []
    return [
        CompletionItem(f"{alias}{equals}{each}") for each in found if each.startswith(begun) and each != f"{above}."
    ]


def _below(project: Project, above: str) -> list[str]:
    from dq.catalog import names

    first, *path = names.split(above)
    if first not in project.catalogs or project.catalogs[first].settings["kind"] not in LOCAL_KINDS:
        return []
    with project:
        entries = project.catalog(first).children(tuple(path))
    return [names.join((first, *path, each.name)) + ("" if each.is_table else ".") for each in entries]


def complete_check(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of checks that begin so."""
    project = _project_of(ctx)
    return [CompletionItem(name) for name in (project.checks if project else ()) if name.startswith(incomplete)]


def complete_tag(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The tags of checks that begin so."""
    project = _project_of(ctx)
    tags: dict[str, None] = {}
    for each in (project.checks if project else {}).values():
        held = each.settings.get("tags", [])
        tags |= dict.fromkeys([held] if isinstance(held, str) else held)
    return [CompletionItem(tag) for tag in tags if tag.startswith(incomplete)]


# -- options ---------------------------------------------------------------------------------------------------

PROJECT_OPTION = option(
    "--project",
    "project_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    heading=NAMES,
    help="The project file.  [default: dq.toml or [tool.dq] in pyproject.toml, here or above]",
)

OPTIONS = (
    option(
        "--table",
        "-t",
        metavar="NAME",
        heading=NAMES,
        shell_complete=complete_table,
        help="The table under test, by name: catalog.namespace.table, or that of a [table.NAME].",
    ),
    option(
        "--partition",
        multiple=True,
        metavar="[ALIAS.]FILTER",
        heading=NAMES,
        help="The partitions to read, such as dt=2026-11-01, 'dt>=2026-11-01', dt=latest. May be repeated.",
    ),
    option("--snapshot", metavar="ID", heading=NAMES, help="The snapshot, version, tag or branch of the table."),
    option("--as-of", metavar="TIME", heading=NAMES, help="The instant whose version of the table is meant, ISO 8601."),
    PROJECT_OPTION,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says of tables by name."""

    table: str | None
    partition: Sequence[str]
    snapshot: str | None
    as_of: str | None
    project_file: str | None
    engine: str | None = None

    @classmethod
    def of(cls, reading: dict[str, Any]) -> Wanted:
        """Taken out of the options of a command."""
        names = ("table", "partition", "snapshot", "as_of", "project_file")
        return cls(**{name: reading.pop(name) for name in names}, engine=reading.get("engine"))

    def project(self) -> Project | None:
        """The project that is named, else that of the working directory; None if there is none.

        Raises:
            DqError: it cannot be read or has errors.
        """
        from dq.project.project import current

        return current(self.project_file)

    def selections(self, aliases: Collection[str] = ()) -> dict[str, Selection]:
        """What is selected, by alias; only aliases of which something is selected.

        Raises:
            DqError: a malformed filter or instant.
        """
        from dq.catalog.selection import selection

        filters: dict[str, list[str]] = {}
        for each in self.partition:
            alias, dot, rest = each.partition(".")
            of_alias = dot and alias in aliases
            filters.setdefault(alias if of_alias else PRIMARY, []).append(rest if of_alias else each)
        found = {alias: selection(texts) for alias, texts in filters.items()}
        version = selection(snapshot=self.snapshot, as_of=self.as_of)
        if version:
            found[PRIMARY] = replace(version, partitions=found[PRIMARY].partitions if PRIMARY in found else ())
        return found


def resolve(ruleset: Any, words: Mapping[str, str], wanted: Wanted) -> tuple[Any, Any]:
    """The ruleset, read if its tables depend on it, and the tables by alias or NO_DATA.

    A word that is a path is that path; else it may be a name of the project. Without any word the ruleset says which
    tables it is for.

    Raises:
        DqError: a name is unknown, or something is selected of no table.
    """
    if wanted.table is not None:
        if PRIMARY in words:
            raise click.UsageError(f"the table under test is `{words[PRIMARY]}` or `{wanted.table}`, not both")
        words = {PRIMARY: wanted.table, **words}
    selections = wanted.selections(words)
    if not words:
        return _said_by(ruleset, wanted, selections)
    if missing := [alias for alias in selections if alias not in words]:
        raise click.UsageError(f"something is selected of `{missing[0]}`, of which no data is given")
    tables: dict[str, Any] = {}
    for alias, word in words.items():
        named = alias == PRIMARY and wanted.table is not None
        tables[alias] = _table(word, wanted, selections.get(alias), named=named)
    return ruleset, tables


def _said_by(ruleset: Any, wanted: Wanted, selections: Mapping[str, Selection]) -> tuple[Ruleset, Any]:
    from dq.catalog.selection import EVERYTHING
    from dq.evaluation import load
    from dq.project.resolving import tables_of

    parsed = load(ruleset)
    tables = tables_of(parsed, wanted.project(), selections.get(PRIMARY, EVERYTHING))
    if selections and not tables:
        raise click.UsageError("something is selected, and no data is given")
    return parsed, tables or NO_DATA


def _table(word: str, wanted: Wanted, selected: Selection | None, *, named: bool) -> Any:
    from dq.catalog.base import NamedTable
    from dq.catalog.files import PathTable
    from dq.catalog.selection import EVERYTHING

    is_path = not named and (_is_path(word) or not may_be_name(word))
    if named or (not is_path and (project := wanted.project()) is not None):
        project = wanted.project()
        if project is None:
            from dq.project.project import Project

            project = Project.find()  # raises, and says what to do
        if not named and wanted.engine == "spark" and not project.knows(word):
            return word  # the session may have a table of this name
        return project.table(word, selected or EVERYTHING)
    if is_path and may_be_name(word) and (project := _quiet(wanted)) is not None and project.knows(word):
        talk(f"`{word}` is a path here; the table of this name is meant by --table {word}")
    return NamedTable(word, PathTable((word,)), selected) if selected else word


def _quiet(wanted: Wanted) -> Project | None:
    try:
        return wanted.project()
    except DqError:
        return None


def _is_path(word: str) -> bool:
    return Path(word).exists() or glob.has_magic(word) or bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", word))


def may_be_name(word: str) -> bool:
    """Whether a word can be the name of a table: it has no sign of a path, and does not end like a file of data."""
    return not re.search(r"[/\\*?]", word) and not format_of_name(word)
