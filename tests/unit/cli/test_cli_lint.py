from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

CLEAN = "Rules = [\n    RowCount > 0\n]\n"
WRONG = 'Rules = [\n    Completness "email" > 0.95\n]\n'
DOUBTFUL = "Rules = [\n    RowCount between 5 and 1\n]\n"
"""A range whose ends are reversed: legal, and never true."""


@pytest.mark.parametrize(
    ("text", "flags", "code"),
    [
        (CLEAN, [], 0),
        (CLEAN, ["--strict"], 0),
        (DOUBTFUL, [], 0),
        (DOUBTFUL, ["--strict"], 1),
        (WRONG, [], 2),
        (WRONG, ["--strict"], 2),
        ("", [], 2),
    ],
)
def test_the_exit_code_tells_errors_from_warnings(
    tmp_path: Path, text: str, flags: list[str], code: int, dq, write
) -> None:
    write(a=text)
    assert dq("lint", *flags, "a.dqdl", cwd=tmp_path).returncode == code
    assert dq("lint", *flags, "-", cwd=tmp_path, input=text).returncode == code


def test_problems_go_to_stdout_and_talk_to_stderr(tmp_path: Path, dq, write) -> None:
    write(a=WRONG)
    shown = dq("lint", "a.dqdl", cwd=tmp_path)
    assert re.search(r"^error\[DQ\d+\]: ", shown.stdout)
    assert "  --> a.dqdl:2:5\n" in shown.stdout
    assert '    Completness "email" > 0.95\n   |     ^^^^^^^^^^^' in shown.stdout
    assert shown.stdout.endswith("1 error in 1 file\n")
    assert shown.stderr == ""


def test_clean_rulesets_leave_stdout_empty(tmp_path: Path, dq, write) -> None:
    write(a=CLEAN, b=CLEAN)
    shown = dq("lint", ".", cwd=tmp_path)
    assert (shown.stdout, shown.stderr) == ("", "no problems in 2 files\n")
    assert dq("lint", "--quiet", ".", cwd=tmp_path).stderr == ""


def test_quiet_leaves_the_count_out(tmp_path: Path, dq, write) -> None:
    write(a=WRONG)
    shown = dq("lint", "--quiet", "a.dqdl", cwd=tmp_path)
    assert "error[" in shown.stdout
    assert "1 error" not in shown.stdout


def test_folders_are_searched_and_no_path_is_the_current_one(tmp_path: Path, dq, write) -> None:
    for folder in ("a/b", ".git", ".venv", "env"):
        (tmp_path / folder).mkdir(parents=True)
        write(tmp_path / folder, x=WRONG)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / "a" / "notes.txt").write_text("not a ruleset")
    write(top=WRONG)
    expected = [str(Path("a/b/x.dqdl")), "top.dqdl"]
    for arguments in ([], ["."], [".", "a", "top.dqdl"]):
        shown = dq("lint", "--format", "json", *arguments, cwd=tmp_path)
        assert sorted({each["file"] for each in json.loads(shown.stdout)}) == expected
        assert len(json.loads(shown.stdout)) == 2


def test_a_file_named_otherwise_is_linted_when_named(tmp_path: Path, dq) -> None:
    (tmp_path / "rules.txt").write_text(WRONG)
    assert "rules.txt:2:5" in dq("lint", "rules.txt", cwd=tmp_path).stdout


def test_problems_stand_in_the_order_of_the_text(tmp_path: Path, dq, write) -> None:
    write(a="Rules = [\n    Foo > 1,\n    Bar > 1,\n    RowCount > 0\n]\n")
    shown = dq("lint", "--format", "json", "a.dqdl", cwd=tmp_path)
    assert [each["line"] for each in json.loads(shown.stdout)] == [2, 3]


def test_standard_input_has_a_name(tmp_path: Path, dq) -> None:
    assert "  --> <stdin>:2:5\n" in dq("lint", "-", cwd=tmp_path, input=WRONG).stdout


def test_github_commands(tmp_path: Path, dq, write) -> None:
    write(a=WRONG)
    shown = dq("lint", "--format", "github", "a.dqdl", cwd=tmp_path)
    assert re.match(r"::error file=a\.dqdl,line=2,col=5,endLine=2,endColumn=16,title=DQ\d+::", shown.stdout)
    assert shown.stderr == "1 error in 1 file\n"


@pytest.mark.parametrize(("form", "empty"), [("text", ""), ("json", "[]\n"), ("github", "")])
def test_the_output_can_be_a_file(tmp_path: Path, form: str, empty: str, dq, write) -> None:
    write(a=WRONG, b=CLEAN)
    out = tmp_path / "out"
    shown = dq("lint", "--format", form, "-o", "out", "a.dqdl", cwd=tmp_path, env={"FORCE_COLOR": "1"})
    assert (shown.returncode, shown.stdout, shown.stderr) == (2, "", "1 error in 1 file\n")
    assert "Completness" in out.read_text()
    assert "\x1b" not in out.read_text()
    assert dq("lint", "--format", form, "-o", "out", "b.dqdl", cwd=tmp_path).returncode == 0
    assert out.read_text() == empty
    shown = dq("lint", "-o", "nowhere/out", "a.dqdl", cwd=tmp_path)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "cannot write `nowhere/out`: No such file" in shown.stderr


@pytest.mark.parametrize("command", ["lint", "fmt"])
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere.dqdl", "cannot read `nowhere.dqdl`: there is no such file or folder"),
        ("empty", "there is no ruleset in `empty`"),
        ("latin.dqdl", "cannot read `latin.dqdl`: it is not UTF-8, see the byte 0xe9 at offset 12 (line 2)"),
        ("utf16.dqdl", "cannot read `utf16.dqdl`: it is not UTF-8, see the byte 0xff at offset 0 (line 1)"),
        ("loop.dqdl", "cannot read `loop.dqdl`: Too many levels of symbolic links"),
    ],
)
def test_a_path_that_cannot_be_read_is_told_and_the_others_are_done(
    tmp_path: Path, command: str, path: str, told: str, dq, write
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.dqdl").write_bytes("Rules = [\n# é\n]".encode("latin-1"))
    (tmp_path / "utf16.dqdl").write_bytes(CLEAN.encode("utf-16"))
    (tmp_path / "loop.dqdl").symlink_to("loop.dqdl")
    write(good=CLEAN.replace("    ", ""))
    shown = dq(command, path, "good.dqdl", cwd=tmp_path)
    assert shown.returncode == 2
    assert told in shown.stderr
    if command == "lint":
        assert "no problems in 1 file" in shown.stderr
    else:
        assert (tmp_path / "good.dqdl").read_text() == CLEAN


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_told(tmp_path: Path, dq, write) -> None:
    write(a=CLEAN)
    (tmp_path / "a.dqdl").chmod(0)
    shown = dq("lint", "a.dqdl", cwd=tmp_path)
    assert shown.returncode == 2
    assert "cannot read `a.dqdl`: Permission denied" in shown.stderr


def test_the_glue_dialect_is_stricter(tmp_path: Path, dq) -> None:
    text = 'Rules = [\n    Kurtosis "x" > 1\n]\n'
    assert dq("lint", "-", input=text, cwd=tmp_path).returncode == 0
    assert dq("lint", "--dialect", "glue", "-", input=text, cwd=tmp_path).returncode == 2


def test_lint_imports_nothing_heavy(tmp_path: Path, dq, write) -> None:
    write(a=WRONG)
    heavy = {"duckdb", "sqlglot", "pyarrow", "pandas", "rich", "jinja2"}
    shown = dq("lint", "a.dqdl", cwd=tmp_path, env={"PYTHONPROFILEIMPORTTIME": "1"})
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in shown.stderr.splitlines()}
    assert "lark" in imported or "click" in imported
    assert imported & heavy == set()
