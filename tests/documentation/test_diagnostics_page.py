"""docs/diagnostics.md has a section for every code, and its examples give the code that they stand for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import dq
from dq.diagnostics import Severity
from dq.language import Dialect
from dq.language.codes import CODES
from dq.project.project import Project
from dq.project.reading import read

PAGE = (Path(__file__).parents[2] / "docs" / "diagnostics.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (DQ\d+)\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE))


def test_every_code_has_a_section_in_order() -> None:
    assert re.findall(r"^### (.*)", PAGE, re.MULTILINE) == list(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_section_tells_severity_title_and_meaning(code: str) -> None:
    severity, title = CODES[code]
    head, meaning, *_ = SECTIONS[code].strip().split("\n\n")
    assert head == f"{severity.value}: {title}"
    assert meaning.endswith(".")


@pytest.mark.parametrize("code", CODES)
def test_the_first_example_gives_the_code_and_the_second_nothing(code: str, tmp_path: Path) -> None:
    if code.startswith("DQ4"):
        (tmp_path / "orders.dqdl").touch()
        wrong, right = re.findall(r"```toml\n(.*?)```", SECTIONS[code], re.DOTALL)
        assert [problems_of(text, tmp_path) for text in (wrong, right)] == [{code}, set()]
        return
    dialect: Dialect = "glue" if "<!-- dialect: glue -->" in SECTIONS[code] else "dq"
    wrong, right = (text(*each) for each in re.findall(r"```(\w+)\n(.*?)```", SECTIONS[code], re.DOTALL))
    assert {each.code for each in dq.check(wrong, dialect=dialect)} == {code}
    assert dq.check(right, dialect=dialect) == []


@pytest.mark.parametrize("code", [each for each in CODES if each.startswith("DQ3")])
def test_what_glue_refuses_is_an_error_in_its_dialect(code: str) -> None:
    wrong, right = (text(*each) for each in re.findall(r"```(\w+)\n(.*?)```", SECTIONS[code], re.DOTALL))
    assert Severity.ERROR in {each.severity for each in dq.check(wrong, dialect="glue")}
    assert dq.check(right, dialect="glue") == []


def problems_of(text: str, folder: Path) -> set[str]:
    """The codes of what is wrong with a project file, and with what its tables need."""
    document = read(text, "dq.toml", folder)
    if document.diagnostics:
        return {each.code for each in document.diagnostics}
    project = Project(folder / "dq.toml", document)
    try:
        for name in project.tables:
            project.table(name)
    except dq.DqError as error:
        return {each.code for each in error.diagnostics}
    return set()


def text(language: str, written: str) -> str:
    """A ruleset as it stands, or as a Python literal where it holds what a page cannot show."""
    return str(ast.literal_eval(written)) if language == "python" else written
