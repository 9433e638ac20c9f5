"""Golden files: what is rendered is compared with a file, which a person reads as a diff."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a file of this folder; `--update-golden` or `UPDATE_GOLDEN=1` writes it instead."""
    update = request.config.getoption("--update-golden", default=False) or "UPDATE_GOLDEN" in os.environ

    def compare(name: str, text: str) -> None:
        path = FOLDER / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.exists(), f"{path.name} is not there; write it with --update-golden and read it"
        assert text == path.read_text(encoding="utf-8")

    return compare
