"""`dq init`: a first dq.toml, from what lies around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dq.cli import files
from dq.cli.catalog import settings_of
from dq.diagnostics import DqError
from dq.project.crawling import NO_DATA

if TYPE_CHECKING:
    from dq.project.crawling import Crawled

DEEPEST = 4
"""Folders below this one in which data is looked for."""

_DATABASES = (("duckdb", 8, b"DUCK"), ("sqlite", 0, b"SQLite format 3\0"))
"""The kinds of catalogs that are a file: what stands in it, and where."""

_SUFFIXES = (".duckdb", ".ddb", ".db", ".sqlite", ".sqlite3")

_EXAMPLE = """\
# [table.orders]                     # a table by name: files, or from = "lake.sales.orders"
# path = "data/orders.parquet"
#
# [check.orders]                     # what `dq evaluate` runs
# ruleset = "orders.dqdl"
# table = "orders"
"""


@dataclass(frozen=True, slots=True)
class Around:
    """What lies around: rulesets, tables of files, database files by the name that they get."""

    rulesets: tuple[Path, ...]
    crawled: Crawled
    databases: Mapping[str, tuple[str, str]]


@click.command("init")
@click.option("--force", is_flag=True, help="Write over a dq.toml that is there.")
def command(force: bool) -> int:
    """Look around for rulesets, data files and databases, and write a first dq.toml.

    Rulesets become checks of the table whose name is theirs.

    Exit codes: 0 written, 2 there is a project file already, or it cannot be written.
    """
    from dq.project.project import locate
    from dq.project.reading import FILE, read

    here = Path.cwd()
    there = locate(here)
    if there is not None and there.parent == here and (there.name != FILE or not force):
        raise DqError(f"there is a project file: `{there.name}`", help="--force writes over a dq.toml; or edit it")
    around = look(here)
    text = first(around, here)
    if (document := read(text, FILE, here)).errors:
        raise AssertionError(f"a first dq.toml has errors: {document.diagnostics}")
    files.replace(FILE, text.encode())
    _tell(around, list(document.checks))
    return 0


def look(here: Path) -> Around:
    """What lies in a folder and below it."""
    from dq.project.crawling import crawl

    databases: dict[str, tuple[str, str]] = {}
    for path in sorted(each for each in here.iterdir() if each.suffix.lower() in _SUFFIXES):
        if kind := _database(path):
            name = path.stem if path.stem not in databases else path.name.replace(".", "_")
            databases[name] = (kind, path.name)
    found = [Path(each.path) for each in files.rulesets(["."]) if not isinstance(each, DqError)]
    return Around(tuple(found), crawl(str(here), databases, deepest=DEEPEST), databases)


def _database(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            head = file.read(32)
    except OSError:
        return None
    return next((kind for kind, at, magic in _DATABASES if head[at : at + len(magic)] == magic), None)


def first(around: Around, here: Path) -> str:
    """The text of a first dq.toml."""
    from dq.project.editing import section
    from dq.project.schema import ADDRESS

    parts = [f"#:schema {ADDRESS}\n# Written by `dq init`. Paths are meant from this folder.\n"]
    parts += [
        section(("catalog", name), {"kind": kind, "path": path}, f"its tables are {name}.NAME")
        for name, (kind, path) in around.databases.items()
    ]
    parts += [section(("table", each.name), settings_of(each, here), each.about) for each in around.crawled.tables]
    named = {each.name.casefold(): each.name for each in around.crawled.tables}
    used: set[str] = set()
    parts += [_check(ruleset, named, used) for ruleset in around.rulesets]
    if not (around.crawled.tables or around.rulesets or around.databases):
        parts.append(_EXAMPLE)
    return "\n".join(parts)


def _check(ruleset: Path, tables: Mapping[str, str], used: set[str]) -> str:
    from dq.project.editing import section

    name = ruleset.stem if ruleset.stem.casefold() not in used else "_".join(ruleset.with_suffix("").parts)
    used.add(name.casefold())
    values: dict[str, Any] = {"ruleset": ruleset.as_posix()}
    table = tables.get(ruleset.stem.casefold())
    if table is not None:
        return section(("check", name), values | {"table": table})
    if _says_its_table(ruleset):
        return section(("check", name), values)
    written = section(("check", name), values | {"table": "…"}, "which table is it for?")
    return "".join(f"# {line}\n" for line in written.splitlines())


def _says_its_table(ruleset: Path) -> bool:
    from dq.evaluation import load
    from dq.project.resolving import said

    try:
        return said(load(ruleset))[0] is not None
    except DqError:
        return False


def _tell(around: Around, checks: Sequence[str]) -> None:
    for name, (kind, path) in around.databases.items():
        click.echo(f"database  {name}  {path} ({kind})")
    for each in around.crawled.tables:
        click.echo(f"table     {each.name}  {each.about}")
    for ruleset in around.rulesets:
        click.echo(f"ruleset   {ruleset}")
    here = f"{Path.cwd()}/"
    for path, reason in around.crawled.skipped:
        if not reason.endswith(NO_DATA):
            click.echo(f"left out  {path.removeprefix(here)}: {reason.replace(here, '')}")
    click.echo("wrote dq.toml")
    click.echo(f"next: {_next(around, checks)}")


def _next(around: Around, checks: Sequence[str]) -> str:
    if checks:
        return "dq evaluate"
    if around.rulesets:
        return "say in dq.toml which table each ruleset is for, and then: dq evaluate"
    if around.crawled.tables:
        name = around.crawled.tables[0].name
        return f"write a ruleset, and then: dq evaluate RULESET --table {name}"
    if around.databases:
        return "dq catalog ls"
    return "write a ruleset, declare a table in dq.toml, and then: dq evaluate"
