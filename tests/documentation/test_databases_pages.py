"""What the pages of databases say is answered is what the translation has on its list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dq.databases.postgres import POSTGRES
from dq.databases.translating import Dialect

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"catalog-postgres.md": POSTGRES}


def answered(dialect: Dialect) -> Iterator[str]:
    yield "| answered by the database |"
    yield "|---|"
    for about in dict.fromkeys(each.about for each in dialect.constructs.values()):
        yield f"| {about} |"


def refused(dialect: Dialect) -> Iterator[str]:
    yield "| construct | why not |"
    yield "|---|---|"
    reasons: dict[str, list[str]] = {}
    for key, reason in dialect.reasons.items():
        reasons.setdefault(reason, []).append(key if isinstance(key, str) else key.__name__)
    for reason, keys in reasons.items():
        yield f"| {', '.join(f'`{each}`' for each in keys)} | {reason} |"


@pytest.mark.parametrize("name", PAGES)
def test_the_tables_are_the_list(name: str, request: pytest.FixtureRequest) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    wanted = page
    for title, made in (("answered", answered), ("refused", refused)):
        before, mark, rest = wanted.partition(f"<!-- {title} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        wanted = "".join((before, mark, "\n".join(made(PAGES[name])), "\n", end, after))
    if request.config.getoption("--update-golden"):
        (DOCS / name).write_text(wanted, encoding="utf-8")
    assert page == wanted or request.config.getoption("--update-golden")


def test_nothing_that_is_answered_is_said_to_be_refused() -> None:
    for dialect in PAGES.values():
        both: Mapping[Any, Any] = {key: why for key, why in dialect.reasons.items() if key in dialect.constructs}
        assert not both
