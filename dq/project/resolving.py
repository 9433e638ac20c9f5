"""Which tables a ruleset is for, when nobody says: its front comment, its DataSources, or the checks of the project."""

from __future__ import annotations

import re
from pathlib import Path

from dq.catalog.base import NamedTable
from dq.catalog.selection import EVERYTHING, Selection
from dq.diagnostics import DqError
from dq.names import PRIMARY
from dq.project.project import Check, Project, current, narrowed
from dq.syntax import Ruleset

_COMMENT = re.compile(r"[ \t]*#[ \t]*dq:[ \t]*(.*?)[ \t\r]*$")
_TABLE = re.compile(r"table[ \t]*=[ \t]*(\S.*)")


def tables_of(
    ruleset: Ruleset, project: Project | None = None, selected: Selection = EVERYTHING
) -> dict[str, NamedTable]:
    """The tables that a ruleset is for, by alias; empty if nothing says it, or there is no project to say where.

    The first that speaks decides: a front comment `# dq: table = NAME`, `DataSources`, the checks that judge by it.
    Tables that DataSources adds go by their names as aliases.

    Raises:
        DqError: a name is unknown, a comment is malformed, or checks disagree.
        DataError: a table cannot be found.
    """
    primary, others = said(ruleset)
    named = "\n" not in ruleset.source.name and ruleset.source.name.endswith(".dqdl")
    if primary is None and not others and not named:
        return {}
    project = project or current()
    if project is None:
        if primary is not None and _front_table(ruleset.source.text) is not None:
            raise DqError(
                f"`{ruleset.source.name}` is for the table `{primary}`, and there is no project file that declares it",
                help="`dq init` writes one; or give the data",
            )
        return {}
    if primary is None and named:
        return _of_checks(project, Path(ruleset.source.name), others, selected)
    tables = {PRIMARY: project.table(primary, selected)} if primary is not None else {}
    return tables | {name: project.table(name) for name in others}


def said(ruleset: Ruleset) -> tuple[str | None, tuple[str, ...]]:
    """The name of the table under test and those of the others, as the ruleset itself has them.

    Raises:
        DqError: a comment is malformed.
    """
    held = {pair.key: pair.values for pair in ruleset.sources}
    primary = _front_table(ruleset.source.text)
    if primary is None and "Primary" in held:
        primary = held["Primary"][0]
    return primary, held.get("AdditionalDataSources", ())


def _front_table(text: str) -> str | None:
    """The table that a comment before the first word of a ruleset names."""
    for line in text.removeprefix("\ufeff").split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            return None
        if comment := _COMMENT.match(line):
            if found := _TABLE.fullmatch(comment[1]):
                return found[1]
            raise DqError(f"`# dq: {comment[1]}` says nothing that is known", help="write `# dq: table = NAME`")
    return None


def _of_checks(project: Project, ruleset: Path, others: tuple[str, ...], selected: Selection) -> dict[str, NamedTable]:
    checks = project.checks_of(ruleset)
    if not checks:
        return {name: project.table(name) for name in others}
    first = checks[0]
    if any(
        (each.table, each.references, each.selection) != (first.table, first.references, first.selection)
        for each in checks
    ):
        listed = ", ".join(f"`{each.name}`" for each in checks)
        raise DqError(
            f"the checks {listed} judge different tables by `{ruleset}`",
            help="say which: `dq evaluate --check NAME`, or give the table",
        )
    return tables_of_check(project, first, selected)


def tables_of_check(project: Project, check: Check, selected: Selection = EVERYTHING) -> dict[str, NamedTable]:
    """The tables of a check, by alias; the primary is not in it when the check leaves it to its ruleset."""
    tables: dict[str, NamedTable] = {}
    if check.table is not None:
        tables[PRIMARY] = project.table(check.table, narrowed(check.selection, selected))
    return tables | {alias: project.table(name) for alias, name in check.references.items()}
