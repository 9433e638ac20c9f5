"""docs/project.md: its settings are those of the table, its file has no problems."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pages
import pytest

from dq.catalog.kinds import KINDS
from dq.project.reading import check
from dq.project.settings import ABOUT, KIND, SECTIONS, Setting, of_kind

BEGIN, END = "<!-- settings -->\n", "<!-- end of settings -->"
WORDS = {"paths": "path, or several", "texts": "text, or several", "instant": "time", "whole": "whole number"}


def settings() -> str:
    lines: list[str] = []
    for section in ("check", "defaults", "table", "catalog"):
        name = f"[{section}]" if section == "defaults" else f"[{section}.NAME]"
        lines += [f"### `{name}`", "", ABOUT[section]]
        if section == "catalog":
            lines += ["", "| setting | type | means |", "|---|---|---|", row(KIND)]
            for kind, declared in KINDS.items():
                lines += ["", f"#### `{kind}`", "", declared.about]
                if declared.extra:
                    lines[-1] += f' Needs `pip install "dq-rules[{declared.extra}]"`.'
                if declared.open_settings:
                    lines[-1] += " Other settings are handed to the library as they are."
                lines += ["", *table(of_kind(declared)[1:])]
        elif section == "defaults":
            names = ", ".join(f"`{each.name}`" for each in SECTIONS["defaults"])
            lines[-1] += f" Its settings are those of a check that do not belong to one: {names}."
        else:
            lines += ["", *table(SECTIONS[section])]
        lines.append("")
    return "\n".join(lines)


def table(listed: Sequence[Setting]) -> list[str]:
    return ["| setting | type | means |", "|---|---|---|", *map(row, listed)]


def row(setting: Setting) -> str:
    about = setting.about.replace("  [default:", " [default:").replace("|", "\\|")
    more = f" One of {', '.join(f'`{each}`' for each in setting.choices)}." if setting.choices else ""
    more += f" [default: {setting.default}]" if setting.default else ""
    more += " **Required.**" if setting.required else ""
    more += " A secret." if setting.secret else ""
    return f"| `{setting.name}` | {WORDS.get(setting.type, setting.type)} | {about}{more} |"


def test_its_settings_are_those_of_the_table(request: pytest.FixtureRequest) -> None:
    page = pages.read("project.md")
    head, _, rest = page.partition(BEGIN)
    shown, _, tail = rest.partition(END)
    if request.config.getoption("--update-golden"):
        (pages.DOCS / "project.md").write_text(f"{head}{BEGIN}\n{settings()}\n{END}{tail}", encoding="utf-8")
        shown = f"\n{settings()}\n"
    assert shown == f"\n{settings()}\n"


def test_its_file_has_no_problems(tmp_path: Path) -> None:
    page = pages.read("project.md")
    pages.write_files(page, tmp_path)
    assert check((tmp_path / "dq.toml").read_text(), "dq.toml", tmp_path) == []
