"""File rules on files of this machine: the examples of the reference, and everything that files can be."""

from __future__ import annotations

import hashlib
import os
import socket
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from report_schema import assert_valid_report

import dq
from dq.files import local, measuring
from dq.sources.options import NO_DATA

NOW = datetime(2024, 6, 10, 12, 30, 45, tzinfo=UTC)
DAY, MB = timedelta(days=1), 1024 * 1024


def write(path: Path, content: str | int = "x", age: timedelta = DAY) -> Path:
    """A file of this content, or of so many bytes, modified so long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, int):
        path.touch()
        os.truncate(path, content)
    else:
        path.write_text(content)
    then = (NOW - age).timestamp()
    os.utime(path, (then, then))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path / "ages/one.csv", "1", DAY)
    write(tmp_path / "ages/sub/two.csv", "2", 2 * DAY)
    write(tmp_path / "ages/sub/old.txt", "3", 30 * DAY)
    for size in (1, 5, 20):
        write(tmp_path / f"sizes/{size}.bin", size * MB)
    for name, content in {"a": "same", "b": "same", "c": "1234", "d": "other"}.items():
        write(tmp_path / f"four/{name}.csv", content)
    write(tmp_path / "x/a.csv", "a")
    write(tmp_path / "x/sub/b.csv", "b")
    write(tmp_path / "copy-of-x/deep/a.csv", "a")
    write(tmp_path / "copy-of-x/b.csv", "b")
    write(tmp_path / "renamed/1.csv", "a")
    write(tmp_path / "renamed/2.csv", "b")
    write(tmp_path / "renamed/3.csv", "b")
    write(tmp_path / "twice/1/a.csv", "one")
    write(tmp_path / "twice/2/a.csv", "two")
    write(tmp_path / "zero/empty.csv", "")
    (tmp_path / "empty").mkdir()
    (tmp_path / "nothing-but-folders/deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def judge(rule: str, data: Any = NO_DATA, **options: Any) -> dq.Outcome:
    evaluation = dq.evaluate(f"Rules = [ {rule} ]", data, options=dq.Options(now=NOW, **options))
    assert_valid_report(evaluation.to_dict())
    evaluation.to_text()
    evaluation.to_html()
    return evaluation.outcomes[0]


def digest(text: str, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, text.encode()).hexdigest()


P, F, E = dq.Verdict.PASSED, dq.Verdict.FAILED, dq.Verdict.ERROR
AGES = 'FileFreshness "ages/"'

CASES = [
    # the reference, B.29 to B.32
    (f"{AGES} > (now() - 3 days)", F, 2 / 3, "1 of 3 files fails, expected > (now() - 3 days): `sub/old.txt` (2024-05-11"),
    (f"{AGES} > (now() - 3 days) with threshold > 0.6", P, 2 / 3, ""),
    (f"{AGES} > (now() - 3 days) with recentFiles = 2", P, 1.0, ""),
    (f'FileMatch "x/a.csv" in ["{digest("a")}"]', P, None, ""),
    (f'FileMatch "x/a.csv" in ["{digest("a", "md5")}"] with hashAlgorithm = "MD5"', P, None, ""),
    ('FileMatch "x/" "copy-of-x/"', P, None, ""),
    ('FileUniqueness "four/" = 1.0', F, 0.5, "2 of 4 files are not unique: `b.csv` (equal to a.csv)"),
    ('FileUniqueness "four/" >= 0.5', P, 0.5, ""),
    ('FileSize "sizes/" < 10 MB', F, 2 / 3, "1 of 3 files fails, expected < 10 MB: `20.bin` (20,971,520 B)"),
    ('FileSize "sizes/" < 10 MB with threshold >= 0.6', P, 2 / 3, ""),
    # freshness: instants, days, times
    (f"{AGES} > (now() - 3 days) with threshold > 0.7", F, 2 / 3, "is 0.666667, expected > 0.7 (1 of 3 files fails: "),
    (f"{AGES} < now()", P, 1.0, ""),
    (f"{AGES} > now()", F, 0.0, "3 of 3 files fail"),
    (f"{AGES} < (now() + 5 minutes)", P, 1.0, ""),
    (f'{AGES} > "2024-06-09"', F, 1 / 3, "`sub/two.csv` (2024-06-08 12:30:45 UTC)"),
    (f'{AGES} between "2024-06-08" and now() with recentFiles = 2', P, 1.0, ""),
    (f'{AGES} not between "2024-06-01" and "2024-06-10" with threshold < 0.4', P, 1 / 3, ""),
    ('FileFreshness "ages/one.csv" = "2024-06-09"', P, 1.0, ""),
    ('FileFreshness "ages/one.csv" != "2024-06-09"', F, 0.0, "1 of 1 file fails"),
    (f'{AGES} in ["2024-06-09", "2024-06-08"] with recentFiles = 2', P, 1.0, ""),
    (f'{AGES} not in ["2024-05-11"]', F, 2 / 3, "old.txt"),
    ('FileFreshness "ages/one.csv" >= (now() - 24 hours)', P, 1.0, ""),
    ('FileFreshness "ages/one.csv" > (now() - 1440 minutes)', P, 1.0, ""),
    ('FileFreshness "ages/one.csv" > (now() - 23 hours)', F, 0.0, "one.csv"),
    (f'{AGES} < "12:00 AM"', P, 1.0, ""),
    (f'{AGES} > "00:00"', F, 0.0, "3 of 3"),
    (f'{AGES} in ["2024-01-01", NULL]', E, None, "does not compare with a date"),
    (f"{AGES} > (now() - 99999999 days)", E, None, "outside of the calendar"),
    (f'{AGES} != "9999-12-31"', P, 1.0, ""),
    (f"{AGES} > (now() - 999999999 days)", E, None, "outside of the calendar"),
    # sizes
    ('FileSize "sizes/" >= 1 MB', P, 1.0, ""),
    ('FileSize "sizes/" > 1 MB', F, 2 / 3, "1.bin"),
    ('FileSize "sizes/1.bin" = 1048576', P, 1.0, ""),
    ('FileSize "sizes/1.bin" in [1 KB, 1024 KB]', P, 1.0, ""),
    ('FileSize "sizes/" between 0 B and 1 TB', P, 1.0, ""),
    ('FileSize "sizes/" not between 2 MB and 6 MB with threshold between 0.6 and 0.7', P, 2 / 3, ""),
    ('FileSize "zero/" > 0 B', F, 0.0, "`empty.csv` (0 B)"),
    # uniqueness
    ('FileUniqueness "zero/" = 1.0', P, 1.0, ""),
    ('FileUniqueness "twice/" = 1.0', P, 1.0, ""),
    ('FileUniqueness "twice/" = 1.0 with matchFileName = "true"', F, 0.0, "`2/a.csv` (same name as 1/a.csv)"),
    ('FileUniqueness "four/" >= 0.5 with failFast = "true"', F, None, "failFast stops there"),
    ('FileUniqueness "four/" = 1.0 with hashAlgorithm = "sha-1" with uriRegex = "[acd]\\.csv$"', P, 1.0, ""),
    ('FileUniqueness "four/" > 0.5 with hashAlgorithm = "SHA-1"', F, 0.5, "2 of 4 files"),
    # matches
    (f'FileMatch "x/" in ["{digest("a")}", "{digest("b").upper()}"]', P, None, ""),
    (f'FileMatch "x/" in ["{digest("a")}"]', F, None, "1 of 2 files does not match: `sub/b.csv` (SHA-256 3e23e816"),
    (f'FileMatch "x/" = "{digest("a")}" with failFast = "true"', F, None, "failFast stops there"),
    (f'FileMatch "x/a.csv" in ["{digest("a", "md5")}"]', F, None, "the 64 digits of SHA-256, see hashAlgorithm"),
    (f'FileMatch "x/a.csv" in ["{digest("a", "sha1")}"] with hashAlgorithm = "SHA-1"', P, None, ""),
    (f'FileMatch "x/a.csv" not in ["{digest("a")}"]', E, None, "takes `in` or `=`"),
    ('FileMatch "x/a.csv" matches "a.*"', E, None, "takes `in` or `=`"),
    ('FileMatch "x/" "renamed/"', P, None, ""),
    ('FileMatch "x/" "renamed/" with matchFileName = "true"', F, None, "`a.csv` (only in the first path)"),
    ('FileMatch "x/" "copy-of-x/" with matchFileName = "true"', P, None, ""),
    ('FileMatch "x/" "four/"', F, None, "differ in 5 files"),
    ('FileMatch "x/" "four/" with failFast = "true"', F, None, "(only in the first path); failFast"),
    ('FileMatch "x/a.csv" "copy-of-x/deep/a.csv"', P, None, ""),
    ('FileMatch "x/a.csv" "renamed/1.csv" with matchFileName = "true"', F, None, "names differ"),
    ('FileMatch "x/a.csv" "x/sub/b.csv"', F, None, "contents differ: `a.csv` (SHA-256 ca97"),
    ('FileMatch "x/a.csv" "x/"', F, None, "the first path is a file, and the second is none"),
    ('FileMatch "x/" "empty/"', F, None, "no files: `empty/` holds none"),
    ('FileMatch "empty/" "empty/"', F, None, "no files"),
    (f'FileMatch "twice/" in ["{digest("one")}", "{digest("two")}"] with matchFileName = "true"', F, None, "comes twice"),
    # filters
    (f'{AGES} > "2000-01-01" with uriRegex = "\\.csv$" with recentFiles = 1', P, 1.0, ""),
    (f'{AGES} > "2000-01-01" with uriRegex = "\\.txt$" with recentFiles = 1', F, None, "the filters keep none of the 3 files"),
    (
        f'{AGES} < "2024-06-01" with uriRegex = "\\.txt$" with recentFiles = 1 with filterOrder = ["uriRegex","recentFiles"]',
        P,
        1.0,
        "",
    ),
    (f'{AGES} > (now() - 3 days) with uriRegex = "(?!.*\\.txt$).*"', P, 1.0, ""),
    (f"{AGES} > now() with recentFiles = 0", F, None, "the filters keep none"),
    (f'{AGES} > now() with filterOrder = ["uriRegex"]', E, None, "filterOrder names `uriRegex`"),
    (f'{AGES} > now() with uriRegex = "a(?=b)"', E, None, "regular expression"),
    (f'{AGES} > now() with recentFiles = "²"', E, None, "whole number"),
    # failFast
    ('FileSize "sizes/" < 10 MB with threshold > 0.5 with failFast = "true"', F, None, "`20.bin` (20,971,520 B) fails"),
    ('FileSize "sizes/" < 10 MB with threshold > 0.5 with failFast = "false"', P, 2 / 3, ""),
    ('FileSize "sizes/" < 1 GB with threshold > 0.5 with failFast = "true"', P, 1.0, ""),
    ('FileSize "sizes/" < 1 GB with threshold < 0.5 with failFast = "true"', F, 1.0, "is 1, expected < 0.5 (0 of 3 files fail)"),
    # paths
    ('FileSize "sizes/*.bin" < 1 GB', P, 1.0, ""),
    ('FileSize "s*/[15].bin" < 6 MB', P, 1.0, ""),
    ('FileSize "**/old.txt" = 1 B', P, 1.0, ""),
    ('FileSize "ages/*" = 1 B', P, 1.0, ""),
    ('FileSize "sizes/*.csv" < 1 GB', F, None, "no files: `sizes/*.csv` holds none"),
    ('FileSize "missing/" < 1 GB', F, None, "no files: there is nothing at `missing/`; check the path, which is meant from the working directory, and whether"),
    ('FileSize "missing/*.csv" < 1 GB', F, None, "no files: there is nothing at"),
    ('FileSize "empty/" < 1 GB', F, None, "no files: `empty/` holds none"),
    ('FileSize "nothing-but-folders" < 1 GB', F, None, "no files"),
    ('FileSize "" < 1 GB', E, None, "the path is empty"),
    (f'FileSize "{"n" * 5000}" < 1 GB', F, None, "there is nothing"),
    ('FileSize "sizes/1.bin/2.bin" < 1 GB', F, None, "there is nothing"),
    ('FileSize "memory://x" < 1 GB', E, None, "may not read `memory://x`"),
    ('FileSize "nosuch://x/y" < 1 GB', E, None, "--allow-path nosuch://x"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "verdict", "value", "words"), CASES, ids=[case[0][:80] for case in CASES])
def test_rules_without_data(folder: Path, rule: str, verdict: dq.Verdict, value: float | None, words: str) -> None:
    outcome = judge(rule)
    assert outcome.verdict is verdict, outcome.reason
    assert words in outcome.reason
    assert bool(outcome.reason) == (verdict is not P)
    share = [number for name, number in outcome.metrics.items() if name.endswith(("Compliance", "Ratio"))]
    assert share == ([] if value is None else [pytest.approx(value)])


@pytest.mark.parametrize(
    ("zone", "passes"), [("UTC", False), ("Asia/Tokyo", True), ("+09:00", True), ("UTC-5", False), ("Z", False)]
)
def test_a_time_of_day_is_one_of_the_time_zone(folder: Path, zone: str, passes: bool) -> None:
    write(folder / "late.csv", "x", timedelta(hours=1))  # 11:30:45 UTC, 20:30 in Tokyo
    outcome = judge(f'FileFreshness "late.csv" > "20:00" with timeZone = "{zone}"')
    assert outcome.passed is passes


def test_an_offset_of_more_than_a_day_is_an_error(folder: Path) -> None:
    outcome = judge('FileFreshness "x/" > "20:00" with timeZone = "+99:00"')
    assert outcome.verdict is E
    assert "there is no time zone `+99:00`" in outcome.reason


def test_metrics_have_the_names_of_glue(folder: Path) -> None:
    assert judge('FileSize "sizes/" < 10 MB').metrics == {
        "Dataset.*.FileSize.Compliance": pytest.approx(2 / 3),
        "Dataset.*.FileCount": 3,
        "Dataset.*.MinimumFileSize": MB,
        "Dataset.*.MaximumFileSize": 20 * MB,
    }
    assert judge(f"{AGES} < now()").metrics == {"Dataset.*.FileFreshness.Compliance": 1, "Dataset.*.FileCount": 3}
    assert judge('FileUniqueness "four" = 1.0').metrics == {
        "Dataset.*.FileUniquenessRatio": 0.5,
        "Dataset.*.FileCount": 4,
    }
    assert judge('FileMatch "x" "copy-of-x"').metrics == {"Dataset.*.FileCount": 4}
    assert judge('FileSize "empty" < 1 B').metrics == {"Dataset.*.FileCount": 0}


def test_a_ruleset_that_was_only_read_as_glue_s_is_checked_too(folder: Path) -> None:
    """Glue's parser takes any value of a tag."""
    rules = ['FileUniqueness "x" = 1.0 with hashAlgorithm = "MD4"', 'FileSize "x" > 0 B with recentFiles = "many"']
    evaluation = dq.evaluate(dq.parse(f"Rules = [ {', '.join(rules)} ]", dialect="glue"))
    assert [outcome.verdict for outcome in evaluation.outcomes] == [E, E]
    assert "MD5, SHA-1, SHA-256" in evaluation.outcomes[0].reason
    assert "whole number" in evaluation.outcomes[1].reason


# -- the files of the data -----------------------------------------------------------------------------


@pytest.fixture
def orders(folder: Path) -> Path:
    write(folder / "orders/2024/a.csv", "id\n1\n", DAY)
    write(folder / "orders/2024/b.csv", "id\n1\n", 40 * DAY)
    write(folder / "orders/_SUCCESS", "", DAY)
    return folder / "orders"


@pytest.mark.parametrize(
    ("rule", "verdict", "files"),
    [
        ("FileSize > 0 B", P, 2),
        ("FileUniqueness = 1.0", F, 2),
        ("FileFreshness > (now() - 3 days) with threshold >= 0.5", P, 2),
        (f'FileMatch in ["{digest("id" + chr(10) + "1" + chr(10))}"]', P, 2),
        ('FileSize > 0 B with uriRegex = "/a\\.csv$"', P, 1),
        ('FileSize "orders" >= 0 B', P, 3),
    ],
)
@pytest.mark.parametrize("data", ["orders", "orders/*/*.csv", ["orders/2024/a.csv"] * 2 + ["orders/2024/b.csv"]])
def test_without_a_path_the_files_of_the_primary_are_judged(
    orders: Path, rule: str, verdict: dq.Verdict, files: int, data: Any
) -> None:
    outcome = judge(rule, data)
    assert (outcome.verdict, outcome.metrics["Dataset.*.FileCount"]) == (verdict, files)


@pytest.mark.parametrize("data", [pa.table({"id": [1]}), {"primary": [{"id": 1}], "ref": "orders"}, NO_DATA])
def test_a_table_in_memory_has_no_files(orders: Path, data: Any) -> None:
    outcome = judge("FileSize > 0 B", data)
    assert outcome.verdict is E
    assert "names no path, and the data was not read from files; write the path" in outcome.reason


def test_files_of_the_primary_that_vanish_are_an_error(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = local.LocalFiles.named

    def named(self: local.LocalFiles, paths: Any) -> Any:
        (orders / "2024/a.csv").unlink()
        return original(self, paths)

    monkeypatch.setattr(local.LocalFiles, "named", named)
    outcome = judge("FileSize > 0 B", "orders")
    assert (outcome.verdict, "vanished" in outcome.reason) == (E, True)


def test_other_rules_still_need_data(folder: Path) -> None:
    with pytest.raises(dq.DqError, match="no data: only rules about files can do without") as caught:
        dq.evaluate('Rules = [ FileSize "x/" > 0 B, (FileSize "x/" > 0 B) and (RowCount > 0) ]')
    assert caught.value.exit_code == 2
    with pytest.raises(dq.DqError, match="no data"):
        dq.evaluate("Analyzers = [ RowCount ]")


def test_one_path_may_be_allowed_as_it_is(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = write(tmp_path_factory.mktemp("other") / "a.csv")
    for allowed in (str(other.parent), other.parent, [other.parent]):
        assert judge(f'FileSize "{other}" > 0 B', allow_paths=allowed).passed


def test_composites_and_rules_about_rows_stand_beside(orders: Path) -> None:
    text = 'Rules = [ (FileSize > 0 B) and (RowCount = 2), (FileSize "/etc" > 0 B) or (IsComplete "id") ]'
    evaluation = dq.evaluate(text, "orders")
    assert [outcome.verdict for outcome in evaluation.outcomes] == [P, P]
    assert evaluation.outcomes[0].metrics["Dataset.*.FileCount"] == 2
    (failed,) = dq.evaluate("Rules = [ (FileSize > 1 KB) and (RowCount = 2) ]", "orders").outcomes
    assert failed.verdict is F
    assert "2 of 2 files fail" in failed.reason


# -- what files can be ---------------------------------------------------------------------------------


def test_names_of_every_kind(folder: Path) -> None:
    names = ["a b.csv", "ünï 日本.csv", "two\nlines.csv", "[x].csv", "*.csv", "$(x);'\"", "-rf", b"\xff.csv"]
    (folder / "names").mkdir()
    for name in names:
        path = os.path.join(os.fsencode(folder / "names"), os.fsencode(name))  # noqa: PTH118
        Path(os.fsdecode(path)).write_text("same")
    outcome = judge('FileUniqueness "names" = 1.0')
    assert outcome.metrics == {"Dataset.*.FileUniquenessRatio": 0.0, "Dataset.*.FileCount": len(names)}
    assert "\n" not in outcome.reason
    assert judge('FileSize "names" = 4 B with uriRegex = "lines\\.csv$"').metrics["Dataset.*.FileCount"] == 1
    assert judge('FileSize "names" = 4 B with uriRegex = "\\x{FFFD}"').metrics["Dataset.*.FileCount"] == 1
    assert judge('FileSize "names/[x].csv" = 4 B').metrics["Dataset.*.FileCount"] == 1, "a name before a glob"
    failed = judge('FileSize "names" = 5 B with uriRegex = "two"')
    assert "`two\\nlines.csv` (4 B)" in failed.reason


def test_links_to_files_count_and_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "x/link.csv").symlink_to(folder / "four/a.csv")
    (folder / "x/loop").symlink_to(folder / "x")
    (folder / "x/sub/up").symlink_to("..")
    (folder / "x/out").symlink_to("/etc")
    outcome = judge('FileSize "x" > 0 B')
    assert outcome.metrics["Dataset.*.FileCount"] == 3
    assert outcome.notes == ("not followed: 3 links to folders",)
    assert judge('FileSize "x/*/b.csv" > 0 B').notes == ("not followed: 2 links to folders",)
    assert judge('FileSize "x/loop" > 0 B').passed, "a link that the rule names itself is followed"


def test_a_link_that_leads_nowhere_is_an_error(folder: Path) -> None:
    (folder / "x/gone.csv").symlink_to(folder / "gone")
    outcome = judge('FileSize "x" > 0 B')
    assert (outcome.verdict, "is a link that leads nowhere" in outcome.reason) == (E, True)


def test_a_link_that_leads_out_is_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = write(tmp_path_factory.mktemp("secret") / "key")
    (folder / "x/key").symlink_to(secret)
    outcome = judge('FileSize "x" > 0 B')
    assert outcome.verdict is E
    assert f"which is `{secret}`" in outcome.reason
    assert "--allow-path" in outcome.reason
    assert judge('FileSize "x" > 0 B', allow_paths=[secret.parent]).passed
    assert judge('FileSize "x/*.csv" > 0 B').passed, "what the glob does not want is not looked at"


def test_pipes_and_sockets_are_no_files(folder: Path) -> None:
    os.mkfifo(folder / "x/pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("x/socket")
        outcome = judge('FileUniqueness "x" = 1.0')
    assert outcome.passed
    assert outcome.notes == ("left out: 2 that are no files",)
    assert "neither a file nor a folder" in judge('FileUniqueness "x/pipe" = 1.0').reason


def test_a_folder_of_great_depth(folder: Path) -> None:
    path = folder / "deep"
    for _ in range(300):
        path /= "d"
    path.mkdir(parents=True)
    write(path / "a.csv")
    assert judge('FileSize "deep/**/a.csv" = 1 B').passed


@pytest.mark.parametrize(
    ("error", "words"),
    [(PermissionError(13, "Permission denied"), "cannot be read: Permission denied"), (FileNotFoundError(2, "No such file"), "No such file")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_an_error_of_the_rules_that_read_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    def refuse(self: Any, file: Any) -> Any:
        raise error

    monkeypatch.setattr(local.LocalFiles, "open", refuse)
    rules = f'Rules = [ FileUniqueness "four" = 1.0, FileSize "four" > 0 B, FileMatch "four" in ["{digest("a")}"] ]'
    evaluation = dq.evaluate(rules)
    assert [outcome.verdict for outcome in evaluation.outcomes] == [E, P, E]
    assert words in evaluation.outcomes[0].reason
    assert "four/a.csv" in evaluation.outcomes[0].reason


def test_a_folder_that_cannot_be_listed_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(local.os, "scandir", scandir)
    outcome = judge('FileSize "x" > 0 B')
    assert (outcome.verdict, "x/sub` cannot be listed: Permission denied" in outcome.reason) == (E, True)


def test_a_file_that_changes_while_it_is_read_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = local.LocalFiles.open

    def open_(self: local.LocalFiles, file: Any) -> Any:
        write(Path(file.target), "longer than it was")
        return opened(self, file)

    monkeypatch.setattr(local.LocalFiles, "open", open_)
    outcome = judge('FileMatch "x/a.csv" "copy-of-x/b.csv"')
    assert (outcome.verdict, "changed while it was read" in outcome.reason) == (E, True)


# -- how often, and what is told -----------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counted: Counter[str] = Counter()
    find, opened = local.LocalFiles.find, local.LocalFiles.open

    def count_find(self: Any, place: Any) -> Any:
        counted[f"find {Path(place.path).name}"] += 1
        return find(self, place)

    def count_open(self: Any, file: Any) -> Any:
        counted[f"open {file.name}"] += 1
        return opened(self, file)

    monkeypatch.setattr(local.LocalFiles, "find", count_find)
    monkeypatch.setattr(local.LocalFiles, "open", count_open)
    return counted


def test_a_path_is_listed_once_and_a_file_read_once_per_algorithm(folder: Path, calls: Counter[str]) -> None:
    checksums = f'in ["{digest("a")}", "{digest("b")}"]'
    rules = [
        'FileSize "x/" > 0 B',
        'FileSize "./x" > 0 B',
        f'FileMatch "x/" {checksums}',
        f'FileMatch "x/" {checksums} with recentFiles = 5',
        'FileMatch "x/" "copy-of-x/"',
        f'FileMatch "x/a.csv" {checksums}',
        'FileMatch "x/" "x/" with hashAlgorithm = "MD5"',
    ]
    evaluation = dq.evaluate(f"Rules = [ {', '.join(rules)} ]")
    assert evaluation.passed, evaluation.to_text()
    assert calls["find x"] == calls["find copy-of-x"] == 1
    assert calls["open a.csv"] == calls["open sub/b.csv"] == 2, "SHA-256 and MD5"


def test_uniqueness_reads_only_files_of_equal_size(folder: Path, calls: Counter[str]) -> None:
    assert judge('FileUniqueness "four" = 0.5').passed
    assert [name for name in calls if name.startswith("open")] == ["open a.csv", "open b.csv", "open c.csv"]


def test_fail_fast_stops_reading(folder: Path, calls: Counter[str]) -> None:
    assert not judge('FileMatch "four" in ["00"] with failFast = "true"').passed
    assert [name for name in calls if name.startswith("open")] == ["open a.csv"]


def test_progress_is_told_in_mebibytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "CHUNK", 4 * MB)
    told: list[tuple[str, int, int]] = []
    judge('FileMatch "sizes" "sizes/20.bin"', progress=lambda *step: told.append(step))
    hashing = [step for step in told if step[0] == "hashing files (MiB)"]
    assert hashing[0][1:] == (0, 26)
    assert (26, 26) in [step[1:] for step in hashing]
    assert ("listing files", 0, 0) in told


def test_the_plan_lists_each_path_once(folder: Path) -> None:
    plan = dq.explain(
        'Rules = [ FileSize "x/" > 0 B, FileMatch "x/" "four/", FileSize > 0 B, FileSize "https://h/a?token=1" > 0 B ]'
    )
    assert [(step.kind, len(step.rules)) for step in plan.steps] == [
        ("list files below x/, hash them with SHA-256", 2),
        ("list files below four/, hash them with SHA-256", 1),
        ("list the files of primary", 1),
        ("list files below https://h/a", 1),
    ]
