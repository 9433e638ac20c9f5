"""What a path of a ruleset names, and what a ruleset may not name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from dq.diagnostics import DqError
from dq.files.names import hidden, visible
from dq.files.places import FilesError, Glob, Place, Roots, place


@pytest.mark.parametrize(
    ("text", "path", "scheme"),
    [
        ("/a/b/../c/", "/a/c", ""),
        ("file:///a/b%20c", "/a/b c", ""),
        ("FILE:/a", "/a", ""),
        ("local:///a/../b", "/b", ""),
        ("s3://bucket/a b/", "s3://bucket/a b", "s3"),
        ("S3A://bucket//x", "s3://bucket//x", "s3"),
        ("gcs://bucket", "gs://bucket", "gs"),
        ("https://Host.Example/X", "https://host.example/X", "https"),
        ("memory:///", "memory://", "memory"),
        ("abfs://container@account.example/x", "abfs://container@account.example/x", "abfs"),
    ],
)
def test_a_path_names_a_place(text: str, path: str, scheme: str) -> None:
    assert place(text) == Place(path, scheme)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the path is empty"),
        ("a\0b", "NUL"),
        ("file://host/share", "another machine"),
        ("s3://bucket/a::file:///etc", "`::`"),
        ("zip://*::file:///etc/x.zip", "`::`"),
        ("https://me:secret@host/a", "user name or a password"),
        ("s3://key:secret@bucket/a", "user name or a password"),
        ("https://secret@host/a", "user name or a password"),
        ("s3://bucket/../other/a", "climbs"),
        ("https://host/a/%2e%2e/b", "climbs"),
        ("https://host/a/%252E%252e/b", "climbs"),
        ("https://host/a\\..\\b", "climbs"),
        ("https://host/a%5c..%2fb", "climbs"),
    ],
)
def test_what_cannot_be_a_place_is_told(text: str, words: str) -> None:
    with pytest.raises(FilesError) as caught:
        place(text)
    assert words in caught.value.message
    assert "secret" not in str(caught.value)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory beside a secret, with links that lead there and back."""
    work, secret = tmp_path / "work", tmp_path / "secret"
    (work / "data").mkdir(parents=True)
    secret.mkdir()
    (secret / "key").write_text("s")
    (work / "data" / "a.csv").write_text("a")
    (work / "out").symlink_to(secret)
    (work / "inside").symlink_to(work / "data")
    monkeypatch.chdir(work)
    return tmp_path


@pytest.mark.parametrize("path", ["data", "data/a.csv", ".", "inside/a.csv", "data/../data/none", "file:data/a.csv"])
def test_what_lies_below_the_working_directory_may_be_read(folder: Path, path: str) -> None:
    Roots().admit(place(path))


@pytest.mark.parametrize(
    "path",
    ["..", "../secret/key", "data/../../secret/key", "out", "out/key", "/etc/passwd", "~/x", "/", "../work2", "//etc"],
)
def test_what_lies_elsewhere_is_refused_with_advice(folder: Path, path: str) -> None:
    with pytest.raises(FilesError) as caught:
        Roots(["data"]).admit(place(path))
    assert "may not read" in caught.value.message
    assert "--allow-path" in caught.value.help


def test_where_a_link_leads_is_told_for_links_below_a_root_only(folder: Path) -> None:
    (folder / "secret" / "hint").symlink_to("/nowhere/hidden")
    for path, words in {"out/key": "which is", "../secret/hint": "may not read"}.items():
        with pytest.raises(FilesError, match=words) as caught:
            Roots().admit(place(path))
        assert "nowhere" not in str(caught.value)


def test_an_allowed_path_and_the_folders_of_the_data_are_roots(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = str(folder / "secret")
    assert Roots(allowed=[secret]).admit(place("out/key")) == f"{secret}/key"
    assert Roots([secret]).admit(place("../secret/key")) == f"{secret}/key"
    assert Roots(allowed=[f"file://{secret}/"]).admit(place("out")) == secret
    assert Roots(allowed=[str(folder / "work" / "out")]).admit(place(f"{secret}/key")) == f"{secret}/key"


@pytest.mark.parametrize("home", [True, False])
def test_the_home_directory_and_the_root_are_no_roots(
    folder: Path, monkeypatch: pytest.MonkeyPatch, home: bool
) -> None:
    if home:
        monkeypatch.setenv("HOME", str(folder / "work"))
    else:
        monkeypatch.chdir("/")
    with pytest.raises(FilesError, match="may not read"):
        Roots().admit(place(str(folder / "work" / "data")))


@pytest.mark.parametrize(
    ("allowed", "url", "may"),
    [
        ("s3://bucket/data", "s3://bucket/data/x/y", True),
        ("s3://bucket/data/", "s3://bucket/data", True),
        ("s3://bucket/data", "s3://bucket/data2/x", False),
        ("s3://bucket/data", "s3://bucket", False),
        ("s3://bucket", "s3://bucket2/x", False),
        ("s3://", "s3://any/x", True),
        ("s3a://bucket", "s3://bucket/x", True),
        ("s3://bucket", "gs://bucket/x", False),
        ("https://host/a", "https://HOST/a/b?token=1", True),
        ("https://host/a", "http://host/a/b", False),
        ("https://host", "https://host.evil.example/a", False),
        ("/", "s3://bucket/x", False),
        ("s3://bucket", "/bucket/x", False),
    ],
)
def test_addresses_need_their_prefix_to_be_allowed(folder: Path, allowed: str, url: str, may: bool) -> None:
    roots = Roots(allowed=[allowed])
    if may:
        roots.admit(place(url))
        return
    with pytest.raises(FilesError, match="may not read") as caught:
        roots.admit(place(url))
    assert "token" not in str(caught.value)


def test_a_wrong_path_to_allow_is_a_mistake_of_the_command() -> None:
    with pytest.raises(DqError) as caught:
        Roots(allowed=["s3://a/../b"])
    assert caught.value.exit_code == 2


# -- globs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "root", "wanted"),
    [
        ("/d/*.csv", "/d", ("*.csv",)),
        ("/d/**/x?/a", "/d", ("**", "x?", "a")),
        ("/[ab]/c", "/", ("[ab]", "c")),
        ("s3://b/d/*/x", "s3://b/d", ("*", "x")),
        ("s3://b/*", "s3://b", ("*",)),
    ],
)
def test_a_glob_has_a_folder_and_what_is_wanted_below(text: str, root: str, wanted: tuple[str, ...]) -> None:
    found = place(text).glob
    assert found is not None
    assert (found[0].path, found[1].parts) == (root, wanted)


@pytest.mark.parametrize("text", ["/d/x.csv", "https://host/a?b=1"])
def test_without_a_wildcard_there_is_no_glob(text: str) -> None:
    assert place(text).glob is None


NAMES = st.lists(st.sampled_from(["a", "b", "ab", "c.csv"]), min_size=1, max_size=5)
PATTERNS = st.lists(st.sampled_from(["a", "*", "**", "?", "a*", "*.csv", "[ab]"]), min_size=1, max_size=5)


@given(NAMES, PATTERNS)
@settings(max_examples=examples(300))
def test_globs_match_as_their_regular_expression(names: list[str], parts: list[str]) -> None:
    part = {"*": "[^/]*/", "**": "(?:[^/]*/)*", "?": "[^/]/", "a*": "a[^/]*/", "*.csv": r"[^/]*\.csv/", "[ab]": "[ab]/"}
    pattern = "".join(part.get(each, f"{each}/") for each in parts)
    path = "".join(f"{name}/" for name in names)
    assert Glob(tuple(parts)).matches("/".join(names)) == bool(re.match(pattern, path)), "a folder stands for its files"


# -- words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://host/a?X-Amz-Signature=abc failed", "GET https://host/a failed"),
        ("s3://user:pass@bucket refused", "s3://bucket refused"),
        ("aws_secret_access_key=abc, region=x", "aws_secret_access_key=…, region=x"),
        ("two\nlines", "two lines"),
        ("connect to me:pass@host:80 failed", "connect to host:80 failed"),
        ("x" * 400, "x" * 300 + "…"),
    ],
)
def test_messages_of_libraries_hold_no_credentials(text: str, shown: str) -> None:
    assert hidden(text) == shown


def test_a_file_name_fits_a_line() -> None:
    assert visible("a b ü") == "a b ü"
    assert visible("a\nb\udcff\x1b") == "a\\nb\\udcff\\x1b"
