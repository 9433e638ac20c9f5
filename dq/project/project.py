"""The project: what dq.toml declares, tables by name, and the catalogs that hold them, opened when they are used."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from dq.catalog import names
from dq.catalog.base import NamedTable
from dq.catalog.kinds import KINDS, connect
from dq.catalog.selection import EVERYTHING, Selection, selection
from dq.diagnostics import Diagnostic, DqError, Severity
from dq.language.findings import nearest
from dq.project import environment, settings
from dq.project.environment import UnsetError
from dq.project.places import KeyPath
from dq.project.reading import FILE, PYPROJECT, Declared, Document, read, rulesets

if TYPE_CHECKING:
    from dq.catalog.base import Catalog
    from dq.sources.options import ReadOptions


@dataclass(frozen=True, slots=True)
class Check:
    """A check that is ready to run: what it says itself, else what `[defaults]` say, variables expanded.

    `rulesets` are the files that it names, by name; `settings` are the others as dq.toml has them, paths absolute.
    """

    name: str
    rulesets: tuple[Path, ...]
    table: str | None
    references: Mapping[str, str]
    selection: Selection
    settings: Mapping[str, Any]

    @property
    def fail_on(self) -> str:
        """`failed`, `error` or `never`."""
        return str(self.settings.get("fail_on", "failed"))


@dataclass(frozen=True)
class Project:
    """A project file and what it declares. `root` is its folder, from which its paths are meant.

    Catalogs are opened when a table of theirs is asked for, once, and closed together.
    """

    path: Path
    document: Document
    _opened: dict[str, Catalog] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Project:
        """The project that a file declares.

        Raises:
            DqError: it cannot be read, or has errors: the error carries all diagnostics, warnings too.
        """
        path = Path(path)
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            raise DqError(f"there is no project file `{path}`", help="`dq init` writes one") from None
        except OSError as error:
            raise DqError(f"the project file `{path}` cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise DqError(f"the project file `{path}` is not UTF-8: see byte {error.start}") from None
        root = Path(os.path.abspath(path)).parent  # noqa: PTH100 -- links keep the names that the user knows
        document = read(text, shown(path), root)
        if document.errors:
            words = "1 error" if document.errors == 1 else f"{document.errors} errors"
            raise DqError(f"the project file `{path}` has {words}", document.diagnostics)
        return cls(root / path.name, document)

    @classmethod
    def find(cls, folder: str | os.PathLike[str] = ".") -> Project:
        """The project of a folder: that of `locate`.

        Raises:
            DqError: there is none, or it has errors.
        """
        path = locate(folder)
        if path is None:
            raise DqError(
                f"there is no project file: neither `{FILE}` nor `[tool.dq]` in {PYPROJECT}, here or above",
                help="`dq init` writes one",
            )
        return cls.load(path)

    @property
    def root(self) -> Path:
        """The folder of the file."""
        return self.path.parent

    @property
    def catalogs(self) -> Mapping[str, Declared]:
        """The catalogs by name, in their order."""
        return self.document.catalogs

    @property
    def tables(self) -> Mapping[str, Declared]:
        """The tables that have names of their own, in their order."""
        return self.document.tables

    @property
    def checks(self) -> Mapping[str, Declared]:
        """The checks by name, in their order."""
        return self.document.checks

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalogs that were opened. Harmless when repeated; they open again when they are used."""
        while self._opened:
            self._opened.popitem()[1].close()

    # -- tables by name --------------------------------------------------------------------------------------

    def knows(self, name: str) -> bool:
        """Whether a name means a declared table or begins with a catalog. Whether the catalog has it is not asked."""
        try:
            return self._declared_table(name) is not None or bool(self._catalog_name(names.split(name)[0]))
        except DqError:
            return False

    def table(self, name: str, selected: Selection = EVERYTHING) -> NamedTable:
        """A table by its name: of `[table.NAME]`, or `catalog.namespace.table`.

        What is selected comes before what the declaration selects: its version, and its filters on the same columns.

        Raises:
            DqError: the name is malformed or unknown, or a variable that it needs is not set.
            DataError: the catalog has no such table, or cannot be reached.
        """
        declared = self._declared_table(name)
        if declared is None:
            return self._of_catalog(name, selected)
        held = self.expanded(declared)
        wanted = narrowed(_selection(held), selected)
        options = _read_options(held)
        from dq.catalog.files import PathTable

        if origin := held.get("from"):
            found = self._of_catalog(origin, wanted)
            if isinstance(found.table, PathTable):
                found = replace(found, table=replace(found.table, options=options))
            return replace(found, name=declared.name, options=options)
        return NamedTable(declared.name, PathTable(tuple(held["path"]), options), wanted, options)

    def catalog(self, name: str) -> Catalog:
        """A catalog by its name, opened once.

        Raises:
            DqError: there is none, its library is not installed, or a variable that it needs is not set.
        """
        known = self._catalog_name(name)
        if known is None:
            near = nearest(name, self.catalogs)
            raise DqError(
                f"there is no catalog `{name}` in {self.document.source.name}",
                help=f"did you mean `{near}`?" if near else "declare it: [catalog.NAME]",
            )
        if known not in self._opened:
            held = dict(self.expanded(self.catalogs[known]))
            self._opened[known] = connect(held.pop("kind"), known, held, self.root)
        return self._opened[known]

    def _of_catalog(self, name: str, selected: Selection) -> NamedTable:
        first, *path = names.split(name)
        if self._catalog_name(first) is not None and not path:
            raise DqError(f"`{name}` is a catalog, not a table", help=f"`dq catalog ls {name}` shows its tables")
        if self._catalog_name(first) is None:
            near = nearest(name, [*self.tables, *self.catalogs])
            raise DqError(
                f"there is no table `{name}` in {self.document.source.name}",
                help=f"did you mean `{near}`?" if near else "`dq catalog ls` shows all tables",
            )
        return NamedTable(name, self.catalog(first).table(tuple(path)), selected)

    def _declared_table(self, name: str) -> Declared | None:
        return _folded(self.tables, name)

    def _catalog_name(self, name: str) -> str | None:
        found = _folded(self.catalogs, name)
        return found.name if found else None

    # -- checks ----------------------------------------------------------------------------------------------

    def check(self, name: str) -> Check:
        """A check by its name, ready to run.

        Raises:
            DqError: there is none, a variable that it needs is not set, or its rulesets are not there.
        """
        if name not in self.checks:
            near = nearest(name, self.checks)
            raise DqError(
                f"there is no check `{name}` in {self.document.source.name}",
                help=f"did you mean `{near}`?" if near else f"checks are {', '.join(self.checks) or 'still to write'}",
            )
        declared = self.checks[name]
        held = {**self._expanded(("defaults",), self.document.defaults), **self.expanded(declared)}
        pattern = held.pop("ruleset")
        found = tuple(Path(shown(each)) for each in rulesets(pattern, self.root))
        if not found:
            raise DqError(f"the check `{name}` has no ruleset: nothing is at `{pattern}`")
        selected = _selection(held)
        used = ("table", "references", "partition", "snapshot", "as_of")
        rest = {key: value for key, value in held.items() if key not in used}
        return Check(name, found, held.get("table"), held.get("references", {}), selected, rest)

    def checks_of(self, ruleset: Path) -> list[Check]:
        """The checks that judge by a ruleset and name a table, ready to run."""
        return [self.check(name) for name in self.judging(ruleset) if "table" in self.checks[name].settings]

    def judging(self, ruleset: Path) -> list[str]:
        """The names of the checks that judge by a ruleset."""
        return [
            name
            for name, declared in self.checks.items()
            if any(_same(each, ruleset) for each in rulesets(declared.settings["ruleset"], self.root))
        ]

    def expanded(self, declared: Declared) -> dict[str, Any]:
        """The settings of a declaration, variables expanded, paths absolute, single texts of lists as lists.

        Raises:
            DqError: a variable that is not set.
        """
        return self._expanded((declared.section, declared.name), declared.settings)

    def _expanded(self, path: KeyPath, held: Mapping[str, Any]) -> dict[str, Any]:
        section = str(path[0])
        known = settings.of_kind(KINDS[held["kind"]]) if section == "catalog" else settings.SECTIONS[section]
        types = {each.name: each.type for each in known}
        found: dict[str, Any] = {}
        for key, value in held.items():
            given = self._value((*path, key), value)
            if types.get(key) in ("texts", "paths") and isinstance(given, str):
                given = [given]
            if path[0] != "catalog" and types.get(key) == "path" and key != "ruleset":
                given = self._absolute(given)
            if types.get(key) == "paths":
                given = [self._absolute(each) for each in given]
            found[key] = given
        return found

    def _value(self, path: KeyPath, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value((*path, at), each) for at, each in enumerate(value)]
        if isinstance(value, dict):
            return {key: self._value((*path, key), each) for key, each in value.items()}
        if not isinstance(value, str):
            return value
        try:
            return environment.expand(value, os.environ)
        except UnsetError as error:
            raise self._unset(path, error.name) from None

    def _unset(self, path: KeyPath, name: str) -> DqError:
        message = f"the environment has no variable `{name}`"
        span = self.document.place(path).value
        help = f"set it, or give a default: ${{{name}:-…}}"
        source = self.document.source
        place = f"{source.name}:{source.position(span.start)[0]}"
        diagnostic = Diagnostic("DQ413", Severity.ERROR, message, source, span, "it is needed here", help)
        return DqError(f"{message}, which {place} needs", [diagnostic])

    def _absolute(self, path: str) -> str:
        if "://" in path:
            return path
        # Not absolute(), which keeps `..`, nor resolve(), which would follow links.
        return os.path.abspath(self.root / Path(path).expanduser())  # noqa: PTH100


def locate(folder: str | os.PathLike[str] = ".") -> Path | None:
    """The project file of a folder: dq.toml, else a pyproject.toml with `[tool.dq]`, in it or in the folders above it.

    The search ends with the folder that holds `.git`, or the root.
    """
    here = Path(os.path.abspath(folder))  # noqa: PTH100
    for each in (here, *here.parents):
        if (each / FILE).is_file():
            return each / FILE
        if (each / PYPROJECT).is_file() and _has_section(each / PYPROJECT):
            return each / PYPROJECT
        if (each / ".git").exists():
            return None
    return None


def _has_section(path: Path) -> bool:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    if "dq" not in text:
        return False
    import tomllib

    try:
        return "dq" in tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError:
        return "[tool.dq" in text


_current: dict[Path, tuple[tuple[int, int], Project]] = {}


def current(file: str | os.PathLike[str] | None = None) -> Project | None:
    """The project of a file, else that of the working directory; None without one.

    It is opened once in a process, read again when its file has changed, and closed at the end.

    Raises:
        DqError: it cannot be read, or has errors.
    """
    path = Path(os.path.abspath(file)) if file else locate()  # noqa: PTH100
    if path is None:
        return None
    if not path.is_file():
        return Project.load(file or path)
    state = path.stat()
    stamp = (state.st_mtime_ns, state.st_size)
    held = _current.get(path)
    if held is None or held[0] != stamp:
        if held is None and not _current:
            atexit.register(_close)
        if held is not None:
            held[1].close()
        _current[path] = (stamp, Project.load(path))
    return _current[path][1]


def _close() -> None:
    for _, project in _current.values():
        project.close()


def table(
    name: str,
    *,
    partition: str | Iterable[str] = (),
    snapshot: str | None = None,
    as_of: str | datetime | None = None,
) -> NamedTable:
    """A table of the project of the working directory, by its name; `dq.evaluate` takes it wherever data can be given.

    Args:
        name: `catalog.namespace.table`, or that of a `[table.NAME]`.
        partition: filters such as `dt=2026-11-01`, `dt=latest`; all must hold.
        snapshot: a snapshot, version, tag or branch as the table calls it.
        as_of: the instant whose version is meant, ISO 8601; in UTC without a zone.

    Raises:
        DqError: there is no project, it has errors, or the name or a filter is wrong.
        DataError: there is no such table, or its catalog cannot be reached.
    """
    project = current() or Project.find()
    filters = [partition] if isinstance(partition, str) else partition
    return project.table(name, selection(filters, snapshot=snapshot, as_of=as_of))


def _folded(declared: Mapping[str, Declared], name: str) -> Declared | None:
    """The declaration of a name, whatever its letter case: no two differ in that only."""
    return declared.get(name) or {key.casefold(): each for key, each in declared.items()}.get(name.casefold())


def _selection(held: Mapping[str, Any]) -> Selection:
    return selection(held.get("partition", ()), snapshot=held.get("snapshot"), as_of=_instant(held.get("as_of")))


def _instant(value: Any) -> Any:
    """A date stands for its first moment, which `selection` means in UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


def narrowed(declared: Selection, given: Selection) -> Selection:
    """What is declared, but a version that is given, and filters that are given on the same columns, come before it."""
    columns = {each.column.casefold() for each in given.partitions}
    kept = tuple(each for each in declared.partitions if each.column.casefold() not in columns)
    version = given if given.snapshot is not None or given.as_of is not None else declared
    return Selection((*kept, *given.partitions), version.snapshot, version.as_of)


def _read_options(held: Mapping[str, Any]) -> ReadOptions | None:
    from dq.sources.options import ReadOptions

    renamed = {"hive": "hive_partitioning", "null": "nullstr"}
    given = {renamed.get(each.name, each.name): held[each.name] for each in settings.READING if each.name in held}
    return ReadOptions(**given) if given else None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def shown(path: Path) -> str:
    """A path as people read it: from the working directory where it lies below."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(path)
