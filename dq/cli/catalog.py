"""`dq catalog`: which tables there are, what they are, and how dq.toml comes to know them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dq.cli import HELP, WRONG
from dq.cli.files import replace, talk, tell
from dq.cli.tables import Wanted, complete_table
from dq.diagnostics import DqError
from dq.files.names import without_query
from dq.render.words import visible
from dq.sources.files import is_remote

if TYPE_CHECKING:
    from dq.catalog.base import Catalog, Description, Entry
    from dq.project.crawling import Crawled, Found
    from dq.project.project import Project
    from dq.project.reading import Declared
    from dq.project.settings import Setting

DEPTH = 3
UNREACHED = 3

project_option = click.option(
    "--project",
    "project_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The project file.  [default: dq.toml or [tool.dq] in pyproject.toml, here or above]",
)
format_option = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.group("catalog", context_settings=HELP)
def command() -> None:
    """See which tables there are by name, and declare more of them.

    \b
    dq catalog ls                        the tables of all catalogs
    dq catalog show lake.sales.orders    columns, partitions, versions of a table
    dq catalog crawl data/               find tables in a folder or bucket and declare them
    dq catalog add lake kind=files path=data
    """  # noqa: D301 - click reads the backspace


def _project(file: str | None) -> Project:
    from dq.project.project import Project

    return Wanted(None, (), None, None, file).project() or Project.find()


# -- ls --------------------------------------------------------------------------------------------------------


@command.command("ls")
@click.argument("name", required=False, shell_complete=complete_table)
@click.option("--depth", type=click.IntRange(min=1), default=DEPTH, show_default=True, help="How deep to look.")
@format_option
@project_option
def ls(name: str | None, depth: int, form: str, project_file: str | None) -> int:
    """List catalogs, namespaces and tables as a tree: all, or those below NAME, which may be a folder or a URL.

    Exit codes: 0, 2 a wrong name or project file, 3 a catalog cannot be reached.
    """
    with _project(project_file) as project:
        trees = _trees(project, name, depth)
        tables = [] if name else [_declared(each) for each in project.tables.values()]
    if form == "json":
        click.echo(json.dumps({"catalogs": trees, "tables": tables}, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join([*_lines(trees), *(_table_lines(tables))]) or "nothing is declared yet: `dq catalog add`")
    return UNREACHED if any(_has_error(each) for each in trees) else 0


def _trees(project: Project, name: str | None, depth: int) -> list[dict[str, Any]]:
    from dq.catalog import names
    from dq.catalog.files import FolderCatalog

    if name is None:
        return [_tree(names.join((each,)), partial(project.catalog, each), (), depth) for each in project.catalogs]
    if is_remote(name) or ("/" in name and Path(name).is_dir()):
        folder = name.rstrip("/")
        return [_tree(without_query(name), lambda: FolderCatalog(folder, folder), (), depth)]
    first, *path = names.split(name)
    project.catalog(first)  # raises, with the nearest name
    return [_tree(names.join((first, *path)), partial(project.catalog, first), tuple(path), depth)]


def _tree(name: str, catalog: Callable[[], Catalog], path: tuple[str, ...], depth: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"name": name, "kind": "", "error": None, "children": []}
    try:
        opened = catalog()
        tree["kind"] = opened.kind
        tree["children"] = _children(opened, path, depth)
    except DqError as error:
        tree["error"] = error.message
    return tree


def _children(catalog: Catalog, path: tuple[str, ...], depth: int) -> list[dict[str, Any]]:
    return [_child(catalog, (*path, each.name), each, depth) for each in catalog.children(path)]


def _child(catalog: Catalog, path: tuple[str, ...], entry: Entry, depth: int) -> dict[str, Any]:
    """`children` of a namespace that is too deep to be looked into is None."""
    held: dict[str, Any] = {"name": entry.name, "is_table": entry.is_table}
    if not entry.is_table:
        held["children"] = _children(catalog, path, depth - 1) if depth > 1 else None
    return held


def _declared(table: Declared) -> dict[str, Any]:
    return {"name": table.name, **{key: table.settings[key] for key in ("path", "from") if key in table.settings}}


def _has_error(tree: Mapping[str, Any]) -> bool:
    return tree["error"] is not None


def _lines(trees: Sequence[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for tree in trees:
        lines.append(f"{visible(tree['name'])}  ({tree['kind']})" if tree["kind"] else visible(tree["name"]))
        if tree["error"]:
            lines.append(f"    ! {visible(tree['error'])}")
        lines += _below(tree["children"], "")
        if not tree["error"] and not tree["children"]:
            lines.append("    it is empty")
    return lines


def _below(children: Sequence[Mapping[str, Any]], indent: str) -> list[str]:
    lines: list[str] = []
    for at, each in enumerate(children):
        is_last = at == len(children) - 1
        more = "/" if not each["is_table"] else ""
        unknown = " …" if not each["is_table"] and each["children"] is None else ""
        lines.append(f"{indent}{'└─ ' if is_last else '├─ '}{visible(each['name'])}{more}{unknown}")
        lines += _below(each.get("children") or [], indent + ("   " if is_last else "│  "))
    return lines


def _table_lines(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    if not tables:
        return []
    width = max(len(each["name"]) for each in tables)
    shown = [each.get("from") or each["path"] for each in tables]
    places = [", ".join(each) if isinstance(each, list) else str(each) for each in shown]
    lines = [f"{each['name']:<{width}}  {place}" for each, place in zip(tables, places, strict=True)]
    return ["tables of the project", *_below([{"name": line, "is_table": True} for line in lines], "")]


# -- show ------------------------------------------------------------------------------------------------------


@command.command("show")
@click.argument("name", shell_complete=complete_table)
@format_option
@project_option
def show(name: str, form: str, project_file: str | None) -> int:
    """Show what is known of a table without reading its rows. NAME may be a path too."""
    from dq.catalog.files import PathTable

    if is_remote(name) or Path(name).exists():
        description = PathTable((name,)).describe()
    else:
        with _project(project_file) as project:
            description = project.table(name).describe()
    click.echo(_as_json(name, description) if form == "json" else _as_text(name, description))
    return 0


def _facts(description: Description) -> dict[str, Any]:
    return {
        "kind": description.kind,
        "location": description.location,
        "rows": description.rows,
        "bytes": description.bytes,
        "partitions": list(description.partitions),
        "parts": description.parts,
        "versions": [{"version": version, "made": made} for version, made in description.versions],
        "properties": dict(description.properties),
    }


def _as_json(name: str, description: Description) -> str:
    columns = [{"name": each.name, "type": each.native or each.type.value} for each in description.schema]
    return json.dumps({"name": name, **_facts(description), "columns": columns}, indent=2, ensure_ascii=False)


def _as_text(name: str, description: Description) -> str:
    facts = {
        "kind": description.kind,
        "location": description.location,
        "rows": f"{description.rows:,}" if description.rows is not None else "only a scan would tell",
        "size": f"{description.bytes:,} bytes" if description.bytes is not None else "",
        "partitioned by": ", ".join(description.partitions),
        "parts": f"{description.parts:,}" if description.parts is not None else "",
        **description.properties,
    }
    told = {key: value for key, value in facts.items() if value}
    width = max(map(len, told))
    lines = [visible(name), *(f"  {key:<{width}}  {visible(value)}" for key, value in told.items())]
    longest = max((len(visible(each.name)) for each in description.schema), default=0)
    lines += ["", f"columns ({len(description.schema):,})"]
    lines += [f"  {visible(each.name):<{longest}}  {each.native or each.type.value}" for each in description.schema]
    if description.versions:
        lines += ["", "versions", *(f"  {visible(version)}  {made}" for version, made in description.versions)]
    return "\n".join(lines)


# -- add and crawl -----------------------------------------------------------------------------------------------


@command.command("add")
@click.argument("name")
@click.argument("settings", nargs=-1, required=True, metavar="PATH | SETTING=VALUE…")
@project_option
def add(name: str, settings: Sequence[str], project_file: str | None) -> int:
    """Declare a catalog or a table in dq.toml; what stands there stays as it is.

    With kind=… it is a catalog, else a table. A setting may be given several times where it takes several values.
    Quote ${VARIABLES}, so that they reach the file and not their values.

    \b
    dq catalog add lake kind=files path=data
    dq catalog add shop kind=postgres 'url=${SHOP_URL}'
    dq catalog add orders data/orders.csv 'delimiter=;' types.zip=VARCHAR
    dq catalog add today from=lake.sales.orders partition=dt=latest
    """  # noqa: D301 - click reads the backspace
    kind, values = _given(name, settings)
    path, text = _file(project_file)
    if "path" in values:
        moved = [_from_root(each, path.parent) for each in _listed(values["path"])]
        values["path"] = moved if isinstance(values["path"], list) else moved[0]
    _write(path, text, [((kind, name), values, "")])
    return 0


def _given(name: str, words: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Whether a catalog or a table is meant, and its settings with the types that they take."""
    from dq.catalog.kinds import KINDS
    from dq.project.settings import SECTIONS, of_kind

    pairs = [(key, text) if equals else ("path", key) for key, equals, text in (each.partition("=") for each in words)]
    kind = dict(pairs).get("kind")
    known = SECTIONS["table"] if kind is None else of_kind(KINDS[kind]) if kind in KINDS else ()
    by_name = {each.name: each for each in known}
    values: dict[str, Any] = {}
    for key, text in pairs:
        outer, dot, inner = key.partition(".")
        if dot and outer in by_name and by_name[outer].type == "table":
            values.setdefault(outer, {})[inner] = text
        else:
            value = _typed(by_name.get(key), text)
            values[key] = [*_listed(values[key]), value] if key in values else value
    return ("catalog" if kind is not None else "table"), values


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _typed(setting: Setting | None, text: str) -> Any:
    """A value as its setting takes it; one that does not fit stays a text, which is then told."""
    if setting is None:
        return text
    if setting.type == "flag" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if setting.type in ("number", "whole"):
        try:
            return int(text)
        except ValueError:
            try:
                return float(text) if setting.type == "number" else text
            except ValueError:
                return text
    return text


def _from_root(path: str, root: Path) -> str:
    """A path that was typed in the working directory, as the file means it: from its own folder."""
    if "://" in path or "${" in path or Path(path).expanduser().is_absolute():
        return path
    return Path(os.path.relpath(path, root)).as_posix()


def _file(project_file: str | None) -> tuple[Path, str]:
    """The project file and its text; a new dq.toml in the working directory where there is none."""
    from dq.project.project import locate, shown
    from dq.project.reading import FILE

    found = locate()
    path = Path(project_file) if project_file else Path(shown(found) if found else FILE)
    try:
        return path, path.read_bytes().decode("utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise DqError(f"the project file `{path}` cannot be read: {error}") from None


def _write(path: Path, text: str, sections: Sequence[tuple[tuple[str, str], Mapping[str, Any], str]]) -> None:
    from dq.project.editing import added

    new, document = added(text, path, sections)
    replace(str(path), new.encode())
    if document.diagnostics:
        tell(DqError("", document.diagnostics))
    for (kind, name), _, _ in sections:
        talk(f"declared the {kind} `{name}` in {path}")


@command.command("crawl")
@click.argument("path", type=click.Path())
@click.option("--dry-run", is_flag=True, help="Show what was found, and declare nothing.")
@format_option
@project_option
def crawl(path: str, dry_run: bool, form: str, project_file: str | None) -> int:
    """Find the tables in a folder, or below a URL such as s3://bucket/prefix, and declare them in dq.toml.

    A table is a folder of files of one format with the same columns; folders key=value are its partitions. Files that
    differ are tables of their own. Tables that are declared already are not declared again.
    """
    from dq.project import crawling, reading

    file, text = _file(project_file)
    declared = reading.read(text, str(file), file.parent)
    if declared.errors:
        raise DqError(f"the project file `{file}` has errors", declared.diagnostics)
    found = crawling.crawl(path, [*declared.catalogs, *declared.tables])
    root = file.absolute().parent
    found.tables = [_named_as_declared(each, declared.tables, root) for each in found.tables]
    new = [each for each in found.tables if each.name not in declared.tables]
    if form == "json":
        click.echo(_crawled_as_json(found, new))
    else:
        _tell_crawled(found, new)
    if new and not dry_run:
        _write(file, text, [(("table", each.name), settings_of(each, root), each.about) for each in new])
    return 0 if found.tables else WRONG


def settings_of(found: Found, root: Path) -> dict[str, Any]:
    """What dq.toml says of a table that was found."""
    paths = [_relative(each, root) for each in found.paths]
    return {"path": paths[0] if len(paths) == 1 else paths, "format": found.format}


def _relative(path: str, root: Path) -> str:
    if is_remote(path):
        return path.replace("${", "$${")
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 -- links keep the names that users know
    shown = absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else str(absolute)
    return shown.replace("${", "$${")


def _named_as_declared(found: Found, tables: Mapping[str, Declared], root: Path) -> Found:
    """A table under the name by which the project knows it already, if it does."""
    paths = _listed(settings_of(found, root)["path"])
    known = (name for name, each in tables.items() if _listed(each.settings.get("path")) == paths)
    return dataclasses.replace(found, name=next(known, found.name))


def _crawled_as_json(found: Crawled, new: Sequence[Found]) -> str:
    tables = [
        {
            "name": each.name,
            "paths": list(each.paths),
            "format": each.format,
            "is_new": each in new,
            "partitions": list(each.description.partitions),
            "rows": each.description.rows,
            "columns": [{"name": column.name, "type": column.native} for column in each.description.schema],
        }
        for each in found.tables
    ]
    skipped = [{"path": path, "reason": reason} for path, reason in found.skipped]
    return json.dumps({"tables": tables, "skipped": skipped}, indent=2, ensure_ascii=False)


def _tell_crawled(found: Crawled, new: Sequence[Found]) -> None:
    for each in found.tables:
        known = "" if each in new else "  (declared already)"
        where = each.paths[0] if len(each.paths) == 1 else f"{each.paths[0]} and {len(each.paths) - 1:,} more"
        click.echo(f"{visible(each.name)}  {visible(where)}{known}\n    {visible(each.about)}")
    for path, reason in found.skipped:
        click.echo(f"left out {visible(path)}: {visible(reason)}")
    if not found.tables:
        click.echo("there is no table: Parquet, CSV, JSON and Arrow files are read")
