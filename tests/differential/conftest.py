"""Fixtures of the differential tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tables are written; one for all examples."""
    return tmp_path_factory.mktemp("tables")
