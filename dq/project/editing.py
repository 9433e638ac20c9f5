"""dq.toml as text: sections are appended, and what stands there stays as it is."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dq.diagnostics import DqError
from dq.project import reading
from dq.project.reading import FILE, PYPROJECT, TOOL


def section(path: Sequence[str], values: Mapping[str, Any], comment: str = "") -> str:
    """The text of a section, a comment in its first line behind the head."""
    comment = "".join(each if each.isprintable() else "?" for each in comment)
    head = f"[{'.'.join(map(_key, path))}]"
    lines = [f"{head}  # {comment}" if comment else head]
    return "\n".join([*lines, *(f"{_key(name)} = {_value(value)}" for name, value in values.items())]) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(each)}' for key, each in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)


def added(
    text: str, path: Path, sections: Sequence[tuple[tuple[str, str], Mapping[str, Any], str]]
) -> tuple[str, reading.Document]:
    """The text of a project file with sections behind it, and what is declared then.

    Each section is its kind and its name, its settings, and a comment. All of the old text is in the new one.

    Raises:
        DqError: a name is declared already, or the file would have errors: the error carries its diagnostics.
    """
    before = reading.read(text, str(path), path.parent)
    for (kind, wanted), _, _ in sections:
        if wanted in {"catalog": before.catalogs, "table": before.tables}.get(kind, {}):
            raise DqError(f"the {kind} `{wanted}` is declared already in `{path}`", help="edit it there")
    name = path.name if path.name in (FILE, PYPROJECT) else FILE
    base = tuple(map(str, TOOL)) if name == PYPROJECT else ()
    new = text if not text or text.endswith("\n") else text + "\n"
    for head, values, comment in sections:
        written = section((*base, *head), values, comment)
        new += ("\n" if new else "") + written
    if "\r\n" in text:
        new = text + new[len(text) :].replace("\n", "\r\n")
    document = reading.read(new, str(path), path.parent)
    if document.errors > before.errors:
        raise DqError(f"it cannot be added to `{path}`", document.diagnostics)
    _check(text, new, base, sections)
    return new, document


def _check(
    text: str, new: str, base: Sequence[str], sections: Sequence[tuple[tuple[str, str], Mapping[str, Any], str]]
) -> None:
    """That the new text says what the old one says, and the sections, and nothing else."""
    wanted = tomllib.loads(text)
    below = wanted
    for key in base:
        below = below.setdefault(key, {})
    for (kind, name), values, _ in sections:
        below.setdefault(kind, {})[name] = dict(values)
    if tomllib.loads(new) != wanted:
        raise DqError("the project file cannot be extended", help="write the section by hand")
