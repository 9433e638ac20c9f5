"""What a user installs: the wheel, alone in an empty environment, run from another folder."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    done = subprocess.run(
        [str(each) for each in command], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel and what it needs."""
    place = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", place, ROOT, cwd=place)
    (wheel,) = place.glob("dq_rules-*.whl")
    venv.create(place / "env", with_pip=True)
    binaries = place / "env" / "bin"
    constraints = ROOT / "requirements" / "constraints.txt"
    run(binaries / "python", "-m", "pip", "install", "-q", "-c", constraints, wheel, cwd=place)
    return binaries


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_text("id,email\n1,a@x.io\n2,\n")
    (tmp_path / "orders.dqdl").write_text('Rules = [ RowCount = 2, IsComplete "email" ]\n')
    return tmp_path


def test_the_wheel_evaluates_from_another_folder(installed: Path, folder: Path) -> None:
    out = run(installed / "dq", "evaluate", "orders.dqdl", "orders.csv", "--format", "json", cwd=folder, code=1)
    assert [outcome["verdict"] for outcome in json.loads(out)["outcomes"]] == ["PASSED", "FAILED"]


def test_the_wheel_renders_html_and_formats_rulesets(installed: Path, folder: Path) -> None:
    run(installed / "dq", "evaluate", "orders.dqdl", "orders.csv", "-o", "report.html", cwd=folder, code=1)
    assert "IsComplete" in (folder / "report.html").read_text()
    run(installed / "dq", "fmt", "orders.dqdl", cwd=folder)
    run(installed / "dq", "lint", "orders.dqdl", cwd=folder)


def test_the_base_install_is_light(installed: Path, folder: Path) -> None:
    listed = run(installed / "python", "-m", "pip", "list", "--format", "json", cwd=folder)
    names = {each["name"].lower() for each in json.loads(listed)}
    beyond = names - {"dq-rules", "duckdb", "pyarrow", "pip", "setuptools"}
    assert len(beyond) <= 11, sorted(beyond)


def test_a_missing_extra_is_named(installed: Path, folder: Path) -> None:
    script = "import dq; dq.evaluate('orders.dqdl', 'orders.csv').to_pandas()"
    done = subprocess.run(
        [installed / "python", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert 'pip install "dq-rules[pandas]"' in done.stderr
