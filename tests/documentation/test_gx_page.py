"""docs/gx.md: its tables are what the converters do, and its program runs in a project of Great Expectations."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pages
import pytest

import dq
from dq import gx
from dq.gx import expectations, rules
from dq.gx.suites import Expectation

PAGE = pages.DOCS / "gx.md"
PROGRAMS = {
    "great_expectations": ['PASSED IsUnique "id" '],
    "checkpoint": ["columns True 0", "orders rules False 1"],
}
"""The programs of the page, and how their output begins."""


def expectation_rows() -> Iterable[list[str]]:
    yield ["expectation", "with", "rule", "", ""]
    for kind, row in expectations.ROWS.items():
        if row.build is None:
            yield [f"`{kind}`", "", "", "lost", row.lost]
            continue
        made = expectations.convert(Expectation(kind, row.example))
        kwargs = ", ".join(f"{key}={json.dumps(value)}" for key, value in row.example.items())
        yield [f"`{kind}`", code(kwargs), code(made.rule), made.fidelity.value, made.reason]


def rule_rows() -> Iterable[list[str]]:
    yield ["rule", "expectations", "", ""]
    for row in rules.ROWS.values():
        (line,) = gx.to_suite(dq.parse(f"Rules = [ {row.example} ]")).report.conversions
        yield [code(row.example), "; ".join(map(code, line.targets)), line.fidelity.value, line.reason]


def code(text: str) -> str:
    """A text as code in a cell of a table."""
    shown = text.replace("|", "\\|")
    return f"`` {shown} ``" if "`" in text else f"`{shown}`"


def table(rows: Iterable[list[str]]) -> str:
    head, *rest = rows
    lines = [head, ["---"] * len(head), *rest]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def test_the_tables_are_what_the_converters_do(request: pytest.FixtureRequest) -> None:
    page = PAGE.read_text(encoding="utf-8")
    written = page
    for name, rows in (("expectations", expectation_rows()), ("rules", rule_rows())):
        block = f"<!-- {name} -->\n{table(rows)}<!-- end -->"
        written = re.sub(rf"<!-- {name} -->\n.*?<!-- end -->", lambda _, block=block: block, written, flags=re.DOTALL)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(written, encoding="utf-8")
    else:
        assert page == written


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_its_programs_run_in_a_gx_project(name: str, tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    pages.write_files(page, tmp_path)
    (program,) = re.findall(rf"<!-- run: {name} -->\n```python\n(.*?)```", page, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "GX_ANALYTICS_ENABLED": "false"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    assert done.stdout.splitlines()[: len(PROGRAMS[name])] == PROGRAMS[name]


def test_the_loss_report_that_it_shows_is_the_one_of_its_suite(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    pages.write_files(page, tmp_path)
    report = str(gx.from_suite(tmp_path / "suite.json").report)
    assert "".join(f"    {line}\n" for line in report.splitlines()) in page
