from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "dq"]


@pytest.fixture
def command() -> list[str]:
    """How to start `dq` as a process of its own."""
    return COMMAND


@pytest.fixture
def dq() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `dq` as a process of its own and wait for it."""

    def run(*arguments: str, env: dict[str, str] | None = None, **more: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100", **(env or {})},
            **more,  # type: ignore[call-overload]
        )

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """Write rulesets `name=text` into a folder, the temporary one unless another is given."""

    def files(folder: Path = tmp_path, **texts: str) -> None:
        for name, text in texts.items():
            (folder / f"{name}.dqdl").write_text(text, encoding="utf-8")

    return files
