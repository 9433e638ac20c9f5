from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CLEAN = "Rules = [\n    RowCount > 0\n]\n"
WRONG = 'Rules = [\n    Completness "email" > 0.95\n]\n'
LOOSE = "Rules=[RowCount>0 # rows\n]"
TIDY = "Rules = [\n    RowCount > 0  # rows\n]\n"


def test_files_are_rewritten_in_place(tmp_path: Path, dq, write) -> None:
    write(loose=LOOSE, tidy=TIDY)
    shown = dq("fmt", ".", cwd=tmp_path)
    assert (shown.returncode, shown.stdout) == (0, "")
    assert shown.stderr == "reformatted loose.dqdl\n1 file reformatted, 1 file already in shape\n"
    assert (tmp_path / "loose.dqdl").read_text() == TIDY
    assert dq("fmt", ".", cwd=tmp_path).stderr == "2 files already in shape\n"
    assert dq("fmt", "--quiet", ".", cwd=tmp_path).stderr == ""


def test_a_file_in_shape_is_not_touched(tmp_path: Path, dq, write) -> None:
    write(tidy=TIDY)
    before = (tmp_path / "tidy.dqdl").stat()
    dq("fmt", "tidy.dqdl", cwd=tmp_path)
    after = (tmp_path / "tidy.dqdl").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_the_mode_stays_and_a_link_is_followed(tmp_path: Path, dq, write) -> None:
    (tmp_path / "real").mkdir()
    write(tmp_path / "real", loose=LOOSE)
    real, link = tmp_path / "real" / "loose.dqdl", tmp_path / "link.dqdl"
    real.chmod(0o640)
    link.symlink_to(real)
    assert dq("fmt", "link.dqdl", cwd=tmp_path).returncode == 0
    assert link.is_symlink()
    assert real.read_text() == TIDY
    assert real.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in real.parent.iterdir()] == ["loose.dqdl"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write every file")
def test_a_file_that_must_not_be_written_stays(tmp_path: Path, dq, write) -> None:
    write(loose=LOOSE)
    (tmp_path / "loose.dqdl").chmod(0o444)
    shown = dq("fmt", "loose.dqdl", cwd=tmp_path)
    assert shown.returncode == 2
    assert "cannot write `loose.dqdl`: Permission denied" in shown.stderr
    assert (tmp_path / "loose.dqdl").read_text() == LOOSE


def test_check_names_what_would_change_and_writes_nothing(tmp_path: Path, dq, write) -> None:
    write(loose=LOOSE, tidy=TIDY)
    shown = dq("fmt", "--check", ".", cwd=tmp_path)
    assert (shown.returncode, shown.stdout) == (1, "would reformat loose.dqdl\n")
    assert shown.stderr == "1 file would change, 1 file already in shape\n"
    assert (tmp_path / "loose.dqdl").read_text() == LOOSE
    assert dq("fmt", "--check", "tidy.dqdl", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("text", [LOOSE, LOOSE + "\n", TIDY[:-1], TIDY.replace("\n", "\r\n"), "\ufeff" + TIDY])
def test_diff_is_a_patch_that_makes_the_change(tmp_path: Path, text: str, command) -> None:
    (tmp_path / "loose.dqdl").write_bytes(text.encode())
    shown = subprocess.run([*command, "fmt", "--diff", "loose.dqdl"], cwd=tmp_path, capture_output=True, check=False)
    assert shown.returncode == 1
    assert shown.stdout.startswith(b"--- loose.dqdl\n+++ loose.dqdl\n@@ ")
    assert (tmp_path / "loose.dqdl").read_bytes() == text.encode()
    git = shutil.which("git")
    assert git is not None
    subprocess.run([git, "apply", "-p0", "-"], cwd=tmp_path, input=shown.stdout, check=True)
    assert (tmp_path / "loose.dqdl").read_bytes() == TIDY.encode()


def test_diff_of_files_in_shape_is_empty(tmp_path: Path, dq, write) -> None:
    write(tidy=TIDY)
    shown = dq("fmt", "--diff", "tidy.dqdl", cwd=tmp_path)
    assert (shown.returncode, shown.stdout) == (0, "")


def test_diff_is_coloured_for_those_who_ask(tmp_path: Path, dq, write) -> None:
    write(loose=LOOSE)
    shown = dq("fmt", "--diff", "loose.dqdl", cwd=tmp_path, env={"FORCE_COLOR": "1", "NO_COLOR": ""})
    assert "\x1b[32m+    RowCount > 0  # rows\x1b[0m" in shown.stdout


@pytest.mark.parametrize(
    ("flags", "code", "out"),
    [([], 0, TIDY), (["--check"], 1, "would reformat <stdin>\n"), (["--diff"], 1, None)],
)
def test_standard_input_goes_to_standard_output(flags: list[str], code: int, out: str | None, dq) -> None:
    shown = dq("fmt", *flags, "-", input=LOOSE)
    assert shown.returncode == code
    assert out is None or shown.stdout == out
    if not flags:
        assert shown.stderr == ""


def test_a_ruleset_with_errors_is_left_alone_and_its_errors_shown(tmp_path: Path, dq, write) -> None:
    write(a=WRONG, b=LOOSE)
    shown = dq("fmt", ".", cwd=tmp_path)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "  --> a.dqdl:2:5\n" in shown.stderr
    assert shown.stderr.endswith("reformatted b.dqdl\n1 file reformatted, 1 file left alone\n")
    assert (tmp_path / "a.dqdl").read_text() == WRONG
    assert (tmp_path / "b.dqdl").read_text() == TIDY


def test_warnings_do_not_keep_a_ruleset_from_the_layout(tmp_path: Path, dq, write) -> None:
    write(a="Rules = [ RowCount between 5 and 1 ]")
    assert dq("fmt", "a.dqdl", cwd=tmp_path).returncode == 0
    assert (tmp_path / "a.dqdl").read_text() == CLEAN.replace("> 0", "between 5 and 1")
