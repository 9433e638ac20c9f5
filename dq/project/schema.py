"""The JSON Schema of dq.toml for editors, and its page of settings: both from the table of settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dq.catalog.kinds import KINDS
from dq.project.settings import ABOUT, SECTIONS, Setting, of_kind

ID = "urn:dq:schema:project:1.0"
ADDRESS = "https://raw.githubusercontent.com/dq-rules/dq/main/reports/project.schema.json"
"""Where editors find it."""

_TEXT = {"type": "string"}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_TYPES: dict[str, dict[str, Any]] = {
    "text": _TEXT,
    "path": _TEXT,
    "texts": _TEXTS,
    "paths": _TEXTS,
    "whole": {"type": "integer", "minimum": 0},
    "number": {"type": "number", "exclusiveMinimum": 0},
    "flag": {"type": "boolean"},
    "instant": _TEXT,
    "table": {"type": "object"},
}


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of dq.toml."""
    sections = {
        name: _by_name(ABOUT[name], _object(SECTIONS[name])) for name in SECTIONS if name not in ("catalog", "defaults")
    }
    one_of = [_catalog(name) for name in KINDS]
    properties = {
        "catalog": _by_name(ABOUT["catalog"], {"required": ["kind"], "oneOf": one_of}),
        **sections,
        "defaults": {"description": ABOUT["defaults"], **_object(SECTIONS["defaults"])},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "dq.toml",
        "description": "The project file of dq: catalogs, tables by name, and checks.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _by_name(about: str, each: dict[str, Any]) -> dict[str, Any]:
    return {"description": about, "type": "object", "additionalProperties": each}


def _catalog(name: str) -> dict[str, Any]:
    kind = KINDS[name]
    held = _object(of_kind(kind))
    held["properties"]["kind"] = {"description": kind.about, "const": name}
    return {"title": name, "description": kind.about, **held, "additionalProperties": kind.open_settings}


def _object(settings: Sequence[Setting]) -> dict[str, Any]:
    required = [each.name for each in settings if each.required]
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        "properties": {each.name: _setting(each) for each in settings},
    }


def _setting(setting: Setting) -> dict[str, Any]:
    held = {"description": setting.about, **_TYPES[setting.type]}
    if setting.choices:
        held |= {"anyOf": [{"enum": list(setting.choices)}, {"pattern": r"\$\{"}]}
    return held
