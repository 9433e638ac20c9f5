"""What the pages show: tables of examples, fenced blocks and files, so that tests can try them."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def tables(page: str, *heads: str) -> list[list[str]]:
    """The rows of all tables whose first columns have these heads; cells without the code marks around them."""
    rows: list[list[str]] = []
    is_wanted = False
    for line in page.splitlines():
        if not line.startswith("|"):
            is_wanted = False
            continue
        cells = [cell(each) for each in re.split(r"(?<!\\)\|", line)[1:-1]]
        if is_wanted and not set(line) <= set("|-"):
            rows.append(cells)
        is_wanted = is_wanted or tuple(cells[: len(heads)]) == heads
    return rows


def cell(text: str) -> str:
    text = text.strip().replace("\\|", "|")
    return text[1:-1] if text.startswith("`") and text.endswith("`") and "`" not in text[1:-1] else text


def write_files(page: str, folder: Path) -> None:
    """The files that a page shows."""
    for name, text in re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", page, re.DOTALL):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
