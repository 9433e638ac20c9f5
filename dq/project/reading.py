"""dq.toml: text to declarations, with every problem at its place."""

from __future__ import annotations

import glob
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dq.catalog import names
from dq.catalog.kinds import KINDS, Kind
from dq.catalog.selection import partition_filter, selection
from dq.diagnostics import Diagnostic, DqError, Note, Severity
from dq.language.codes import CODES
from dq.language.findings import nearest
from dq.project import environment, settings
from dq.project.places import KeyPath, Place, places
from dq.project.settings import SECTIONS, Setting
from dq.spans import Source, Span

FILE = "dq.toml"
PYPROJECT = "pyproject.toml"
TOOL: KeyPath = ("tool", "dq")

_CREDENTIAL = re.compile(r"://[^/@\s\"']*@")
_SECRET_LINE = re.compile(
    r"^[ \t]*[\w.\"'-]*(?:pass|pwd|secret|token|key|credential|url|uri)[\w.\"'-]*[ \t]*=[ \t]*(.+)$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Declared:
    """A catalog, table or check as the file declares it: nothing is expanded, defaults are not in it."""

    section: str
    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Document:
    """A project file: its text with secrets blotted out, its declarations in their order, and its problems."""

    source: Source
    places: Mapping[KeyPath, Place]
    base: KeyPath
    catalogs: Mapping[str, Declared] = field(default_factory=dict)
    tables: Mapping[str, Declared] = field(default_factory=dict)
    checks: Mapping[str, Declared] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def errors(self) -> int:
        """How many problems refuse the file."""
        return sum(each.severity is Severity.ERROR for each in self.diagnostics)

    def place(self, path: KeyPath) -> Place:
        """Where something below the base stands; what it is part of, if it has no place of its own."""
        while path:
            if (*self.base, *path) in self.places:
                return self.places[(*self.base, *path)]
            path = path[:-1]
        return self.places.get(self.base, Place(Span(0, 0), Span(0, 0)))


def check(text: str, name: str = FILE, root: Path | None = None) -> list[Diagnostic]:
    """All problems of a project file, by place. `root` is the folder that its paths are meant from."""
    return list(read(text, name, root).diagnostics)


def read(text: str, name: str = FILE, root: Path | None = None) -> Document:
    """A project file, with what is declared in it and what is wrong with it. Nothing is expanded or opened.

    In a file that is called pyproject.toml only `[tool.dq]` counts.
    """
    base = TOOL if Path(name).name == PYPROJECT else ()
    try:
        data: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _malformed(text, name, base, error)
    found = places(text)
    for key in base:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    reader = _Reader(Document(Source(_blotted(text, found, base, data), name), found, base), root)
    return reader.document(data)


def _malformed(text: str, name: str, base: KeyPath, error: tomllib.TOMLDecodeError) -> Document:
    source = Source(_without_secret_lines(text), name)
    message, _, where = str(error).rpartition(" (at ")
    if found := re.match(r"line (\d+), column (\d+)", where):
        start = source.line_starts[int(found[1]) - 1] + int(found[2]) - 1
    else:
        start = len(text.rstrip())
    span = Span(max(0, min(start, len(text) - 1)), max(1, min(start + 1, len(text))))
    told = f"this is no TOML: {message[:1].lower()}{message[1:]}"
    help = "texts stand in double quotes, and a section is written as [check.orders]"
    if "twice" in message or "Cannot overwrite" in message:
        help = "every name and every setting is declared once"
    diagnostic = Diagnostic("DQ401", Severity.ERROR, told, source, span, "reading stops here", help)
    return Document(source, {}, base, diagnostics=(diagnostic,))


# -- secrets ---------------------------------------------------------------------------------------------------


def _blotted(text: str, found: Mapping[KeyPath, Place], base: KeyPath, data: Any) -> str:
    """The text as messages may show it: what may be a secret is asterisks, all else stands where it stood."""
    spans = [Span(*match.span()) for match in _CREDENTIAL.finditer(text) if not environment.uses(match[0])]
    catalogs = data.get("catalog") if isinstance(data, dict) else None
    for name, declared in (catalogs if isinstance(catalogs, dict) else {}).items():
        for key, value in (declared if isinstance(declared, dict) else {}).items():
            path = (*base, "catalog", name, key)
            if path in found and _may_be_secret(declared.get("kind"), key) and not _is_outside(value):
                spans.append(found[path].value)
    for span in spans:
        held = text[span.start : span.end]
        text = text[: span.start] + re.sub(r"[^\s\"']", "*", held) + text[span.end :]
    return text


def _may_be_secret(kind: Any, key: str) -> bool:
    known = {each.name: each for each in settings.of_kind(KINDS[kind])} if kind in tuple(KINDS) else {}
    return known[key].secret if key in known else key != "kind"


def _is_outside(value: Any) -> bool:
    """Whether a value says nothing by itself, since all of it comes from the environment."""
    return isinstance(value, str) and not environment.literal(value) and ":-" not in value


def _without_secret_lines(text: str) -> str:
    """For a text that cannot be read: what stands behind a key that sounds like a secret is blotted out."""
    text = _CREDENTIAL.sub(lambda found: "*" * len(found[0]), text)
    return _SECRET_LINE.sub(lambda found: found[0][: found.start(1) - found.start()] + "*" * len(found[1]), text)


# -- declarations ----------------------------------------------------------------------------------------------


class _Reader:
    """Gathers declarations and problems; one that is wrong does not hide the next."""

    def __init__(self, document: Document, root: Path | None) -> None:
        self.empty = document
        self.root = root
        self.found: list[Diagnostic] = []

    def document(self, data: Any) -> Document:
        if not isinstance(data, dict):
            self._report("DQ404", (), "`tool.dq` is not a table", "a value", "write [tool.dq.check.orders]")
            data = {}
        for key in data:
            if key not in SECTIONS:
                near = nearest(key, SECTIONS)
                help = f"did you mean `{near}`?" if near else f"sections are {', '.join(SECTIONS)}"
                self._report("DQ402", (key,), f"there is no section `{key}`", "unknown section", help)
        defaults = data.get("defaults", {})
        self._settings(("defaults",), defaults, SECTIONS["defaults"])
        declared = {section: self._section(section, data.get(section, {})) for section in ("catalog", "table", "check")}
        self._told_apart(declared["catalog"], declared["table"])
        known = _Known(declared["catalog"], declared["table"])
        for table in declared["table"].values():
            self._table(table, known)
        for each in declared["check"].values():
            self._check(each, known)
        document = self.empty
        return Document(
            document.source,
            document.places,
            document.base,
            declared["catalog"],
            declared["table"],
            declared["check"],
            defaults if isinstance(defaults, dict) else {},
            tuple(sorted(self.found, key=lambda each: (each.span, each.code))),
        )

    def _section(self, section: str, data: Any) -> dict[str, Declared]:
        if not isinstance(data, dict):
            self._report("DQ404", (section,), f"`{section}` is not a table", "a value", f"write [{section}.NAME]")
            return {}
        declared: dict[str, Declared] = {}
        for name, held in data.items():
            path = (section, name)
            if not isinstance(held, dict):
                message = f"`{name}` stands in `{section}` itself, not in one that has a name"
                self._report("DQ404", path, message, "a name is missing", f"write [{section}.NAME] above it")
                continue
            if not name.strip() or not name.isprintable():
                self._report("DQ411", path, f"a {section} needs a name", "no name", f"write [{section}.NAME]")
            if section == "catalog":
                self._catalog(path, held)
            else:
                self._settings(path, held, SECTIONS[section])
            declared[name] = Declared(section, name, held)
        return declared

    def _catalog(self, path: KeyPath, held: Mapping[str, Any]) -> None:
        kind = held.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            self._settings(path, {key: value for key, value in held.items() if key == "kind"}, (settings.KIND,))
            return
        self._settings(path, held, settings.of_kind(KINDS[kind]), KINDS[kind])

    # -- settings ------------------------------------------------------------------------------------------

    def _settings(self, path: KeyPath, held: Any, known: Sequence[Setting], kind: Kind | None = None) -> None:
        if not isinstance(held, dict):
            self._report("DQ404", path, f"`{path[-1]}` is not a table", "a value", f"write [{path[-1]}]")
            return
        by_name = {each.name: each for each in known}
        for key, value in held.items():
            if key in by_name:
                self._value((*path, key), by_name[key], value)
            elif kind is None or not kind.open_settings:
                self._unknown((*path, key), key, value, by_name)
        for each in known:
            if each.required and each.name not in held:
                message = f"the {path[0]} `{path[1]}` needs `{each.name}`"
                self._report("DQ406", path, message, f"`{each.name}` is missing", f"add {_example(each)}")

    def _unknown(self, path: KeyPath, key: str, value: Any, known: Collection[str]) -> None:
        what = "the defaults have" if path[0] == "defaults" else f"a {path[0]} has"
        if path[0] in ("table", "check") and isinstance(value, dict):
            help = f'a name that holds a dot stands in quotes: [{path[0]}."{path[1]}.{key}"]'
        else:
            near = nearest(key, known)
            help = f"did you mean `{near}`?" if near else f"settings are {', '.join(known)}"
        self._report("DQ403", path, f"{what} no setting `{key}`", "unknown setting", help)

    def _value(self, path: KeyPath, setting: Setting, value: Any) -> None:
        if not _FITS[setting.type](value):
            found = "something else" if setting.secret else _kind_of(value)
            message = f"`{setting.name}` is {_WORDS[setting.type]}, not {found}"
            self._report("DQ404", path, message, "of another type", f"write {_example(setting)}", at_value=True)
            return
        for key, held in value.items() if setting.type == "table" and path[0] != "catalog" else ():
            if not isinstance(held, str):
                message = f"`{key}` of `{setting.name}` is a text, not {_kind_of(held)}"
                self._report("DQ404", (*path, key), message, "of another type", f'write {key} = "…"', at_value=True)
        for inner, text in _texts(value, path):
            if environment.is_malformed(text):
                message = "`${` begins no variable"
                help = "write ${NAME} or ${NAME:-default}, and $${ for the characters themselves"
                self._report("DQ411", inner, message, "a name is wanted", help, at_value=True)
        if setting.choices and not environment.uses(value) and value not in setting.choices:
            near = nearest(value, setting.choices)
            what = "there is no kind of catalog" if setting is settings.KIND else f"`{setting.name}` cannot be"
            help = f"did you mean `{near}`?" if near else f"choose among {', '.join(setting.choices)}"
            self._report("DQ405", path, f"{what} `{value}`", "not a choice", help, at_value=True)
        if setting.secret and isinstance(value, str):
            self._secret(path, setting, value)

    def _secret(self, path: KeyPath, setting: Setting, value: str) -> None:
        found = re.search(r"://[^/@]*:([^/@]+)@", value) if "://" in value else None
        told = environment.literal(found[1] if found else "" if "://" in value else value)
        if told:
            variable = re.sub(r"\W+", "_", f"{path[1]}_{setting.name}").upper()
            message = f"`{setting.name}` holds a secret: whoever reads the file has it"
            help = f'take it from the environment: "${{{variable}}}"'
            self._report("DQ412", path, message, "a literal secret", help, at_value=True)

    # -- what belongs together ------------------------------------------------------------------------------

    def _told_apart(self, catalogs: Mapping[str, Declared], tables: Mapping[str, Declared]) -> None:
        seen = {each.name.casefold(): each for each in reversed(list(catalogs.values()))}
        for each in (*catalogs.values(), *tables.values()):
            first, dot, _ = each.name.casefold().partition(".")
            other = seen.setdefault(each.name.casefold(), each)
            if dot and other is each and each.section == "table":
                other = next(
                    (named for key, named in seen.items() if key == first and named.section == "catalog"), each
                )
            if other is each:
                continue
            place = self.empty.place((other.section, other.name))
            note = Note(place.key, f"the {other.section} of this name")
            message = f"the {each.section} `{each.name}` cannot be told from the {other.section} `{other.name}`"
            help = "catalogs and tables share their names, whatever the letter case: rename one"
            self._report("DQ409", (each.section, each.name), message, "the same name", help, notes=(note,))

    def _table(self, table: Declared, known: _Known) -> None:
        held, path = table.settings, (table.section, table.name)
        if "path" in held and "from" in held:
            self._exclude(path, "from", "path", "a table is files or a table of a catalog")
        if "path" not in held and "from" not in held:
            message = f"the table `{table.name}` needs `path` or `from`"
            help = 'add path = "data/orders.parquet", or from = "lake.sales.orders"'
            self._report("DQ406", path, message, "where it is, is missing", help)
        for version in ("snapshot", "as_of"):
            if "path" in held and version in held:
                self._exclude(path, version, "path", "files have no versions; a table of a catalog may have them")
        self._selection(path, held)
        if isinstance(origin := held.get("from"), str):
            self._name((*path, "from"), origin, _Known(known.catalogs, {}))

    def _check(self, declared: Declared, known: _Known) -> None:
        held, path = declared.settings, (declared.section, declared.name)
        self._selection(path, held)
        if isinstance(table := held.get("table"), str):
            self._name((*path, "table"), table, known)
        references = held.get("references")
        for alias, name in (references if isinstance(references, dict) else {}).items():
            if isinstance(name, str):
                self._name((*path, "references", alias), name, known)
        if isinstance(pattern := held.get("ruleset"), str) and self.root and not environment.uses(pattern):
            self._ruleset((*path, "ruleset"), pattern, self.root)

    def _selection(self, path: KeyPath, held: Mapping[str, Any]) -> None:
        if "snapshot" in held and "as_of" in held:
            self._exclude(path, "as_of", "snapshot", "a table has one version at a time")
        listed = held.get("partition", [])
        for inner, text in _texts(listed, (*path, "partition")):
            self._written(inner, text, partition_filter)
        if isinstance(instant := held.get("as_of"), str):
            self._written((*path, "as_of"), instant, lambda text: selection(as_of=text))

    def _written(self, path: KeyPath, text: str, parse: Callable[[str], object]) -> None:
        if environment.uses(text):
            return
        try:
            parse(text)
        except DqError as error:
            self._report("DQ411", path, error.message, "cannot be read", error.help, at_value=True)

    def _exclude(self, path: KeyPath, one: str, other: str, why: str) -> None:
        note = Note(self.empty.place((*path, other)).key, f"`{other}` is given here")
        message = f"`{one}` and `{other}` exclude each other"
        self._report("DQ410", (*path, one), message, f"beside `{other}`", f"keep one: {why}", notes=(note,))

    def _name(self, path: KeyPath, name: str, known: _Known) -> None:
        if environment.uses(name):
            return
        try:
            problem = known.problem(name)
        except DqError as error:
            self._report("DQ411", path, error.message, "cannot be read", error.help, at_value=True)
            return
        if problem:
            self._report("DQ407", path, *problem, at_value=True)

    def _ruleset(self, path: KeyPath, pattern: str, root: Path) -> None:
        if rulesets(pattern, root):
            return
        folder = (root / pattern).parent
        there = [] if glob.has_magic(str(folder)) or not folder.is_dir() else folder.iterdir()
        suffixes = {".dqdl", Path(pattern).suffix.lower()} & {".dqdl", ".json"}  # a table may be JSON too
        listed = sorted(each.name for each in there if each.suffix in suffixes)
        near = nearest(Path(pattern).name, listed)
        written = (Path(pattern).parent / near).as_posix() if near else ""
        what = "no ruleset matches" if glob.has_magic(pattern) else "there is no ruleset"
        help = f"did you mean `{written}`?" if near else f"paths are meant from the folder of {self.empty.source.name}"
        self._report("DQ408", path, f"{what} `{pattern}`", "not there", help, at_value=True)

    def _report(
        self,
        code: str,
        path: KeyPath,
        message: str,
        label: str,
        help: str,
        *,
        at_value: bool = False,
        notes: tuple[Note, ...] = (),
    ) -> None:
        place = self.empty.place(path)
        span = place.value if at_value else place.key
        self.found.append(Diagnostic(code, CODES[code][0], message, self.empty.source, span, label, help, notes))


def rulesets(pattern: str, root: Path) -> list[Path]:
    """The rulesets that a path or a glob means, by name."""
    path = root / Path(pattern).expanduser()
    if path.is_file():
        return [path]
    if not glob.has_magic(pattern):
        return []
    found = glob.glob(str(path), recursive=True)  # noqa: PTH207 -- Path.glob takes no absolute pattern
    return [each for each in map(Path, sorted(found)) if each.is_file()]


@dataclass(frozen=True, slots=True)
class _Known:
    """The names that a file declares."""

    catalogs: Mapping[str, Declared]
    tables: Mapping[str, Declared]

    def problem(self, name: str) -> tuple[str, str, str] | None:
        """What is wrong with a name: message, label and help. Whether a catalog has a table is not asked.

        Raises:
            DqError: it is malformed.
        """
        if _meant(name, self.tables):
            return None
        first, *rest = names.split(name)
        catalog = _meant(first, self.catalogs)
        if catalog and not rest:
            return f"`{name}` is a catalog, not a table", "a table is missing", f"write {catalog}.NAME"
        if catalog or (not rest and _meant(first, self.tables)):
            return None
        known = [*self.tables, *self.catalogs]
        what, advice = (
            ("catalog", "[catalog.NAME]") if rest else ("table", '[table.NAME] with path = "data/orders.parquet"')
        )
        near = nearest(name, self.tables) or nearest(first, known)
        help = f"did you mean `{near}`?" if near else f"declare it: {advice}"
        return f"there is no {what} `{first if rest else name}`", f"no {what} has this name", help


def _meant(name: str, names: Iterable[str]) -> str | None:
    """The declared name that is meant, whatever its letter case: no two differ in that only."""
    return {each.casefold(): each for each in names}.get(name.casefold())


# -- types -----------------------------------------------------------------------------------------------------


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(map(_is_text, value)))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_FITS: dict[str, Callable[[Any], bool]] = {
    "text": _is_text,
    "path": _is_text,
    "texts": _is_texts,
    "paths": _is_texts,
    "whole": _is_whole,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value > 0,
    "flag": lambda value: isinstance(value, bool),
    "instant": lambda value: isinstance(value, str | date | datetime),
    "table": lambda value: isinstance(value, dict),
}
_WORDS = {
    "text": "a text",
    "path": "a path",
    "texts": "a list of texts",
    "paths": "a path or a list of paths",
    "whole": "a whole number from 0 up",
    "number": "a number above 0",
    "flag": "true or false",
    "instant": "a time",
    "table": "a table",
}
_EXAMPLES = {
    "text": '"…"',
    "path": '"…"',
    "texts": '["…"]',
    "paths": '"…"',
    "whole": "5",
    "number": "60",
    "flag": "true",
    "instant": "2026-11-01T00:00:00Z",
    "table": '{ … = "…" }',
}


def _kind_of(value: Any) -> str:
    kinds = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value}"
    return kinds.get(type(value), "a time")


def _example(setting: Setting) -> str:
    if setting.choices:
        return f'{setting.name} = "{setting.choices[0]}"'
    return f"{setting.name} = {_EXAMPLES[setting.type]}"


def _texts(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """The texts within a value, each with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _texts(each, (*path, at))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, (*path, key))
