"""`${NAME}` and `${NAME:-default}` in the texts of dq.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<wrong>\$\{)")


class UnsetError(Exception):
    """A variable that is not set and has no default."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def uses(text: str) -> bool:
    """Whether a text asks the environment for something."""
    return any(found["name"] for found in _VARIABLE.finditer(text))


def is_malformed(text: str) -> bool:
    """Whether a `${` begins nothing that can be expanded; `$${` stands for itself."""
    return any(found["wrong"] for found in _VARIABLE.finditer(text))


def literal(text: str) -> str:
    """What a text says by itself, without the environment."""
    return _VARIABLE.sub("", text)


def expand(text: str, environment: Mapping[str, str]) -> str:
    """A text with its variables replaced; one that is set to the empty text takes its default, as in a shell.

    Raises:
        UnsetError: a variable that is not set and has no default.
    """

    def value(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None:
            return "${"
        default = found["default"]
        if default is not None:
            return environment.get(name) or default
        if name not in environment:
            raise UnsetError(name)
        return environment[name]

    return _VARIABLE.sub(value, text)
