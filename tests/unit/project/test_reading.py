"""Problems of dq.toml: all of them, each at its place; secrets stay out of what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from dq.project.reading import check, read
from dq.render.diagnostics import render_text

BROKEN = """\
[defaults]
fail_on = "sometimes"
samples = -1

[catalog.lake]
kind = "filez"

[catalog.shop]
kind = "postgres"
pasword = "swordfish"

[catalog.other]
kind = "postgres"
url = "postgresql://me:swordfish@db/shop"

[catalog]
path = "data"

[table.orders]
path = "orders.csv"
from = "lakes.sales.orders"
partition = ["dt=2026-11-01", "yesterday"]
snapshot = "1"
types = { zip = 5 }

[table.sales.items]
path = "items.csv"

[table.Orders]
path = 'data/${/x.csv'

[check.orders]
ruleset = "oders.dqdl"
table = "ordres"
references = { customers = "customers", a = "lake" }
tag = "daily"

[checks.more]
"""


def test_all_problems_are_told_with_their_places(tmp_path: Path, golden) -> None:
    (tmp_path / "orders.dqdl").touch()
    golden("project/broken.txt", render_text(check(BROKEN, "dq.toml", tmp_path)))


@pytest.mark.parametrize(
    "text",
    [
        '[catalog.shop]\nkind = "postgres"\nurl = "postgresql://me:swordfish@db/shop"\n',
        '[catalog.shop]\nkind = "postgres"\nurl = "${U}"\npassword = "swordfish"\ntimeout = "1"\n',
        '[catalog.shop]\nkind = "postgres"\nurl = "${U:-postgresql://me:swordfish@db/shop}"\ntimeout = "1"\n',
        '[catalog.shop]\nkind = "postgres"\npaswrod = "swordfish"\n',
        '[catalog.lake]\nkind = "iceberg"\n"s3.secret-access-key" = "swordfish"\ntype = 5\n',
        '[catalog.lake]\nkind = "glue"\nsecret_key = ["swordfish"]\n',
        '[table.x]\npath = "https://me:swordfish@host/x.csv"\nfrom = "x.y"\n',
        '[catalog.shop]\nkind = "postgres"\nurl = "${U}"\npassword = 0xc0ffee\nuser = 5\n',
        '[catalog.shop]\npassword = "swordfish\n',
        "[catalog.shop]\npassword = swordfish\n",
        '[catalog.shop]\nurl = "postgresql://me:swordfish@db/shop" oops\n',
    ],
)
def test_a_secret_is_never_shown(text: str) -> None:
    document = read(text, "dq.toml")
    assert document.diagnostics
    assert "swordfish" not in render_text(document.diagnostics)
    assert not {"c0ffee", str(0xC0FFEE)} & set(render_text(document.diagnostics).split())
    assert "swordfish" not in document.source.text


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", []),
        ("[catalog]\n", []),
        ("catalog = 1\n", ["DQ404"]),
        ("table = []\n", ["DQ404"]),
        ("[defaults]\nengine = 'abacus'\n", ["DQ405"]),
        ("[defaults]\nengine = '${ENGINE}'\n", []),
        ("[table.'a.b']\npath = 'x'\n[catalog.A]\nkind = 'files'\npath = 'x'\n", ["DQ409"]),
        ("[table.'a.b']\npath = 'x'\n[table.a]\npath = 'x'\n", []),
        ("[table.' ']\npath = 'x'\n", ["DQ411"]),
        ("[table.x]\npath = ['a', 5]\n", ["DQ404"]),
        ("[table.x]\npath = '$${a}'\n", []),
        ("[table.x]\npath = 'a'\nas_of = 2026-11-01\n", ["DQ410"]),
        ("[catalog.l]\nkind = 'files'\npath = 'x'\n[table.x]\nfrom = 'l.y'\nas_of = 2026-11-01\n", []),
        ("[catalog.l]\nkind = 'files'\npath = 'x'\n[table.x]\nfrom = 'l.y'\nas_of = 'today'\n", ["DQ411"]),
        ("[catalog.l]\nkind = 'files'\npath = 'x'\n[table.x]\nfrom = 'l..y'\n", ["DQ411"]),
        ("[catalog.l]\nkind = 'iceberg'\n'any.thing' = 'goes'\n", []),
        ("[catalog.s]\nkind = 'postgres'\nurl = 'postgresql://db/shop'\n", []),
        ("[catalog.s]\nkind = 'postgres'\nurl = 'postgresql://me:${PW}@db/shop'\n", []),
        ("[table.x]\npath = 'a'\n[table.x]\npath = 'b'\n", ["DQ401"]),
        ("[table.x\n", ["DQ401"]),
        ('a = "\n', ["DQ401"]),
    ],
)
def test_a_file_has_these_problems(text: str, codes: list[str]) -> None:
    found = check(text)
    assert [each.code for each in found] == codes
    render_text(found)


def test_only_its_section_of_pyproject_counts() -> None:
    text = '[project]\nname = "x"\n[tool.dq.table.orders]\npath = "orders.csv"\nskipp = 1\n'
    (found,) = check(text, "somewhere/pyproject.toml")
    assert (found.code, found.source.position(found.span.start)[0]) == ("DQ403", 5)
