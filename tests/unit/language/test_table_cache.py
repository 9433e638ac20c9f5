"""The parser's tables are kept between runs, only where nobody else can write, and never stand in the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def parse(cache: Path, **more: str) -> None:
    """Parse in a process of its own, whose cache folder is this one."""
    script = (
        "import dq; assert str(dq.parse('Rules = [ (RowCount > 1) or (IsComplete \"a\") ]').rules[0]).count('OR') == 1"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), **more}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def tables(cache: Path) -> list[Path]:
    return list(cache.glob("dq/tables-*.pickle"))


def test_tables_are_kept_and_read_again(tmp_path: Path) -> None:
    parse(tmp_path)
    (kept,) = tables(tmp_path)
    before = kept.stat().st_mtime_ns
    parse(tmp_path)
    assert kept.stat().st_mtime_ns == before
    assert (tmp_path / "dq").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"", b"not a pickle", b"\x80\x04N."])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    parse(tmp_path)
    tables(tmp_path)[0].write_bytes(damage)
    parse(tmp_path)


def test_a_folder_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "dq").mkdir()
    (tmp_path / "dq").chmod(0o777)
    parse(tmp_path)
    assert tables(tmp_path) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "dq").symlink_to(tmp_path / "elsewhere")
    parse(tmp_path)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_no_folder_and_no_wish_mean_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    parse(tmp_path / "file" / "below")
    parse(tmp_path, DQ_CACHE="off")
    assert tables(tmp_path) == []
