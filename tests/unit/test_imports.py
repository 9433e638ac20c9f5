"""What a command imports is what its users wait for: heavy libraries wait until they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LATE = {
    "import dq; dq.check('Rules = [ RowCount > 0 ]')": {"duckdb", "sqlglot", "pyarrow", "pandas", "rich", "jinja2"},
    "import dq; dq.evaluate('Rules = [ IsComplete \"x\" ]', 'data.csv').to_text()": {
        "pyarrow",
        "numpy",
        "pandas",
        "polars",
        "jinja2",
        "http",
        "fsspec",
    },
}


@pytest.mark.parametrize(("program", "late"), LATE.items(), ids=["check", "evaluate"])
def test_heavy_libraries_wait(program: str, late: set[str], tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x\n1\n")
    script = f"import sys; {program}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    assert set(done.stdout.split()) & late == set()
