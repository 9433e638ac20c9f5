"""`awsglue` and `awsgluedq` are Glue's own where that is installed, and ours elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def said(program: str, *path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path += {[str(each) for each in path]!r}; {program}"],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["awsglue", "awsgluedq"])
def test_the_other_one_wins_wherever_it_stands(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("mine = 'no'\nversion = 'the real one'\n")
    (tmp_path / name / "transforms.py").write_text("from . import version\nEvaluateDataQuality = version\n")
    program = f"from {name}.transforms import EvaluateDataQuality as e; import {name}; print(e, {name}.version)"
    assert said(program, tmp_path) == "the real one the real one"


def test_ours_is_there_without_it() -> None:
    program = "from awsgluedq.transforms import EvaluateDataQuality as e; print(e.__module__)"
    assert said(program) == "dq.glue.transform"


def test_a_transform_that_is_not_here_says_so() -> None:
    program = "import awsglue.transforms as t\ntry:\n    t.Relationalize\nexcept Exception as e:\n    print(e)"
    assert "`awsglue.transforms.Relationalize` is not part of dq" in said(program)
