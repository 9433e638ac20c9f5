"""Links between the pages lead somewhere, and the index knows every page."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pages
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(pages.DOCS.glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda each: each.name)
def test_its_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_the_index_knows_every_page() -> None:
    index = pages.read("index.md")
    assert [each.name for each in PAGES[2:] if f"({each.name})" not in index and each.name != "index.md"] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda each: each.name)
def test_no_table_has_a_row_twice(page: Path) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
        rows = table.splitlines()[2:]
        subjects = [row for row in rows if not row.startswith("| `-")] + [
            row.split(" | ")[0]
            for row in rows
            if row.startswith("| `-")  # an option stands once
        ]
        assert sorted({each for each in subjects if subjects.count(each) > 1}) == []


def test_the_page_about_installing_knows_every_extra() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    rows = [row.split(" | ")[0] for row in pages.read("install.md").splitlines() if row.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(declared)
