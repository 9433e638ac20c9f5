"""Keys and values are found where they stand, however TOML lets them be written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from dq.project.places import KeyPath, places

DOCUMENTS = [
    "a = 1\n",
    '[table.orders]\npath = "x"  # a comment = "y"\nskip = 3\n',
    "[ table . 'odd name' ]\n\"quoted\\u0020key\" = 'x'\n",
    "a.b.c = true\na.d = 1979-05-27T07:32:00Z\n",
    'a = [ "x", # one\n  "y",\n ["z"], ]\n',
    'a = { b = "x", c = { d = [1, 2] } }\n',
    'a = """\none "quoted" word\\\n  more""""\nb = \'\'\'it\'s\'\'\'\n',
    'a = "an escaped \\" quote"\r\nb = "] } ="\r\n',
    "[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3\n",
    "[a]\n[a.b]\nc = -1.5e3\n[d]\n",
    "# nothing\n",
    "a = {}\nb = []\nc = inf",
]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_every_value_is_found_where_it_stands(text: str) -> None:
    data = tomllib.loads(text)
    found = places(text)
    for path, value in leaves(data, ()):
        key, span = found[path]
        assert tomllib.loads(f"v = {text[span.start : span.end]}")["v"] == value
        if isinstance(path[-1], str):
            assert next(iter(tomllib.loads(f"{text[key.start : key.end]} = 1"))) == path[-1]


def leaves(value: Any, path: KeyPath) -> list[tuple[KeyPath, Any]]:
    if isinstance(value, dict):
        return [each for key, inner in value.items() for each in leaves(inner, (*path, key))]
    if isinstance(value, list):
        return [each for at, inner in enumerate(value) for each in leaves(inner, (*path, at))]
    return [(path, value)]


def test_a_table_is_found_at_its_header() -> None:
    text = '[catalog.lake.types]\nx = "y"\n[catalog.lake]\nkind = "files"\n'
    key, header = places(text)["catalog", "lake"]
    assert (text[key.start : key.end], text[header.start : header.end]) == ("lake", "[catalog.lake]")
