"""`dq watch`: files judged as they arrive, on this machine and on S3, and what a restart remembers."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers import s3

import dq
from dq.stream import Settings, Watcher, watch

DQ = Path(sys.executable).parent / "dq"
RULES = """Rules = [
    RowCount > 1,
    IsUnique "id",
    ColumnValues "amount" < 10
]
"""
GOOD, MORE, BAD = "id,amount\n1,5\n2,6\n", "id,amount\n2,7\n3,8\n", "id,amount\n4,11\n5,12\n"
AT_ONCE = Settings(settled=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.dqdl").write_text(RULES)
    (tmp_path / "landing").mkdir()
    return tmp_path


def run(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    done = subprocess.run(
        [DQ, "watch", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


ONCE = ("rules.dqdl", "landing", "--once", "--settled", "0", "--state", "orders.state")


def test_each_file_counts_once_over_restarts(folder: Path) -> None:
    arrive(folder, "a.csv", GOOD)
    code, out, _ = run(*ONCE)
    assert code == 0
    assert "a.csv  2 rows  3 of 3 rules passed" in out
    assert run(*ONCE) == (0, "", "")
    arrive(folder, "b.csv", MORE)
    code, out, _ = run(*ONCE)
    assert code == 1
    assert "batch 2" in out
    assert "all 2  4 rows  2 of 3 rules passed" in out
    assert re.search(r'FAILED  IsUnique "id"\n.*2 of 4 rows fail', out)


def arrive(folder: Path, name: str, text: str) -> Path:
    """A file that appears whole, as files should."""
    draft, path = folder / f".{name}", folder / "landing" / name
    draft.write_text(text)
    draft.replace(path)
    return path


def test_new_files_are_one_batch_or_one_each(folder: Path) -> None:
    for at, text in enumerate((GOOD, MORE, BAD)):
        arrive(folder, f"{at}.csv", text)
    (together,) = watch("rules.dqdl", "landing", AT_ONCE, once=True)
    assert len(together.files) == 3
    assert together.evaluation is not None
    assert together.evaluation.tables[0].rows == 6
    singly = list(watch("rules.dqdl", "landing", Settings(settled=0, singly=True), once=True))
    assert [Path(each.files[0]).name for each in singly] == ["0.csv", "1.csv", "2.csv"]
    total = singly[-1].total
    assert total is not None
    assert [each.verdict for each in total.outcomes] == [each.verdict for each in together.evaluation.outcomes]


def test_a_file_that_is_still_written_is_left_for_later(folder: Path) -> None:
    path = arrive(folder, "a.csv", GOOD)
    watcher = Watcher("rules.dqdl", "landing", Settings(settled=3600))
    assert list(watcher.look()) == []
    os.utime(path, (time.time() - 7200,) * 2)
    assert len(list(watcher.look())) == 1


def test_a_file_that_cannot_be_read_counts_for_nothing_and_is_tried_again_when_it_changes(folder: Path) -> None:
    arrive(folder, "a.parquet", "PAR1 and nothing else")
    arrive(folder, "b.parquet", "")
    pq.write_table(pa.table({"id": [1, 2], "amount": [1, 2]}), folder / "landing" / "c.parquet")
    watcher = Watcher("rules.dqdl", "landing", AT_ONCE, state="s.state")
    found = {Path(each.files[0]).name: each for each in watcher.look()}
    assert found["a.parquet"].error is not None
    assert found["a.parquet"].exit_code == 3
    assert "a.parquet" in found["a.parquet"].error.message
    assert found["c.parquet"].exit_code == 0
    assert list(watcher.look()) == [], "it is not told again"
    pq.write_table(pa.table({"id": [3, 4], "amount": [1, 2]}), folder / "landing" / "a.parquet")
    (again,) = watcher.look()
    assert again.total is not None
    assert again.total.tables[0].rows == 4


def test_a_command_tells_of_a_file_that_cannot_be_read(folder: Path) -> None:
    arrive(folder, "a.parquet", "PAR1 and nothing else")
    code, out, err = run(*ONCE)
    assert (code, out) == (3, "")
    assert "a.parquet" in err


def test_a_judged_file_that_changes_ends_it(folder: Path) -> None:
    arrive(folder, "a.csv", GOOD)
    run(*ONCE)
    arrive(folder, "a.csv", GOOD + "3,4\n")
    code, out, err = run(*ONCE)
    assert (code, out) == (3, "")
    assert "has changed after it was judged" in err


def test_the_state_of_other_rules_is_refused(folder: Path) -> None:
    arrive(folder, "a.csv", GOOD)
    run(*ONCE)
    (folder / "rules.dqdl").write_text("Rules = [ RowCount > 0 ]")
    code, _, err = run(*ONCE)
    assert code == 2
    assert "the state of another ruleset" in err


MISTAKES = {
    "no folder": (("rules.dqdl", "nowhere", "--once"), 3, "no file `nowhere`"),
    "no ruleset": (("none.dqdl", "landing", "--once"), 2, "does not exist"),
    "a state that is none": (("rules.dqdl", "landing", "--once", "--state", "rules.dqdl"), 3, "state of a stream"),
    "a reference without a name": (("rules.dqdl", "landing", "-d", "x.csv"), 2, "ALIAS=PATH"),
    "a type without a column": (("rules.dqdl", "landing", "--type", "DOUBLE"), 2, "COLUMN=TYPE"),
}


@pytest.mark.parametrize(("arguments", "code", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told(folder: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert words in err


def test_an_empty_place_is_no_mistake(folder: Path) -> None:
    assert run(*ONCE) == (0, "", "")
    assert run("rules.dqdl", "landing/*.csv", "--once") == (0, "", "")


def test_a_line_of_json_holds_both_reports(folder: Path) -> None:
    arrive(folder, "a.csv", GOOD)
    arrive(folder, "b.csv", BAD)
    code, out, _ = run(*ONCE, "--singly", "--format", "json", "--samples", "1")
    first, second = map(json.loads, out.splitlines())
    assert code == 1
    assert first["batch"] == 1
    assert first["evaluation"]["passed"]
    assert [each["verdict"] for each in second["evaluation"]["outcomes"]] == ["PASSED", "PASSED", "FAILED"]
    assert second["total"]["outcomes"][2]["failing"]["count"] == 2


def test_partitions_and_references_are_part_of_a_batch(folder: Path) -> None:
    (folder / "rules.dqdl").write_text('Rules = [ ColumnValues "day" > 0, ReferentialIntegrity "id" "known.id" = 1.0 ]')
    (folder / "known.csv").write_text("id\n1\n2\n3\n")
    for day in (1, 2):
        (folder / "landing" / f"day={day}").mkdir()
        (folder / "landing" / f"day={day}" / "a.csv").write_text(GOOD)
    code, out, _ = run(*ONCE, "--singly", "-d", "known=known.csv")
    assert (code, out.count("2 of 2 rules passed")) == (0, 3), out


# -- while it runs ---------------------------------------------------------------------------------------------


@pytest.fixture
def started(folder: Path) -> Iterator[Any]:
    running: list[subprocess.Popen[str]] = []

    def start(*more: str) -> subprocess.Popen[str]:
        command = [
            DQ,
            "watch",
            "rules.dqdl",
            "landing",
            "--every",
            "0.05",
            "--settled",
            "0",
            "--state",
            "s.state",
            *more,
        ]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"))
        return running[-1]

    yield start
    for each in running:
        each.kill()
        each.wait()
        for stream in (each.stdout, each.stderr):
            assert stream is not None
            stream.close()


def line_with(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"the run ended without {words!r}")


def test_files_are_judged_as_they_come_and_counted_once_though_it_is_killed(folder: Path, started: Any) -> None:
    first = started()
    arrive(folder, "a.csv", GOOD)
    line_with(first, "batch 1")
    first.send_signal(signal.SIGKILL)
    first.wait(timeout=10)
    arrive(folder, "b.csv", MORE)
    second = started()
    assert "4 rows" in line_with(second, "all 2")
    arrive(folder, "c.csv", BAD)
    assert "6 rows" in line_with(second, "all 3")
    second.send_signal(signal.SIGINT)
    assert second.wait(timeout=10) == 130
    assert {each.name for each in folder.iterdir()} == {"rules.dqdl", "landing", "s.state", ".s.state.lock"}


def test_it_ends_where_it_is_asked_to(folder: Path, started: Any) -> None:
    arrive(folder, "a.csv", GOOD)
    assert started("--until", "1").wait(timeout=30) == 0
    arrive(folder, "b.csv", BAD)
    assert started("--stop-on-fail").wait(timeout=30) == 1


def test_metrics_are_served_to_this_machine(folder: Path, started: Any) -> None:
    process = started("--metrics", "0")
    address = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stderr.readline())[0]
    assert "dq_batches_total 0" in fetched(address)
    arrive(folder, "a.csv", GOOD)
    line_with(process, "batch 1")
    arrive(folder, "b.csv", BAD)
    line_with(process, "all 2")
    deadline = time.monotonic() + 10
    while "dq_batches_total 2" not in (text := fetched(address)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert 'dq_rule_passed{of="batch",rule="ColumnValues \\"amount\\" < 10"} 0.0' in text
    assert 'dq_metric{of="all",name="Dataset.*.RowCount"} 4' in text
    with pytest.raises(urllib.error.HTTPError):
        fetched(address.replace("/metrics", "/"))


def fetched(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        found: str = answer.read().decode()
        return found


def test_two_watchers_of_one_state_are_kept_apart(folder: Path, started: Any) -> None:
    arrive(folder, "a.csv", GOOD)
    first = started()
    line_with(first, "batch 1")
    arrive(folder, "b.csv", MORE)
    line_with(first, "all 2")
    code, out, err = run(*ONCE[:-1], "s.state")
    assert (code, out) == (3, "")
    assert f"`s.state` is in use: process {first.pid} keeps its state there" in err
    assert "give each watcher a state of its own" in err
    assert run(*ONCE)[0] == 1, "another state is another watcher's"
    first.send_signal(signal.SIGKILL)
    first.wait(timeout=10)
    arrive(folder, "c.csv", BAD)
    code, out, _ = run(*ONCE[:-1], "s.state")
    assert (code, "all 3  6 rows" in out) == (1, True)


def test_a_state_is_free_again_when_its_watcher_is_closed_or_was_not_made(folder: Path) -> None:
    arrive(folder, "a.csv", GOOD)
    with Watcher("rules.dqdl", "landing", AT_ONCE, state="s.state") as watcher:
        assert len(list(watcher.look())) == 1
        with pytest.raises(dq.DataError, match="is in use"):
            Watcher("rules.dqdl", "landing", AT_ONCE, state="s.state")
    with pytest.raises(dq.DqError, match="closed"):
        list(watcher.look())
    with pytest.raises(dq.DqError, match="state of another ruleset"):
        Watcher("Rules = [ RowCount > 0 ]", "landing", AT_ONCE, state="s.state")
    with Watcher("rules.dqdl", "landing", AT_ONCE, state="s.state") as watcher:
        assert watcher.batches == 1


def test_a_state_in_a_folder_that_is_not_there_is_told(folder: Path) -> None:
    code, _, err = run(*ONCE[:-1], "nowhere/s.state")
    assert (code, "`nowhere/s.state` cannot be locked" in err) == (3, True)


# -- history ---------------------------------------------------------------------------------------------------


def test_a_batch_is_compared_with_earlier_batches_and_all_with_what_had_come(folder: Path) -> None:
    (folder / "rules.dqdl").write_text("Rules = [ RowCount <= max(last(5)) ]")
    history = ("--history", "metrics.jsonl")
    arrive(folder, "a.csv", GOOD)
    code, out, _ = run(*ONCE, *history, "--format", "json")
    (first,) = map(json.loads, out.splitlines())
    assert code == 1, "there is no history yet, so its functions are 0"
    arrive(folder, "b.csv", MORE)
    arrive(folder, "c.csv", BAD + "6,1\n")
    code, out, _ = run(*ONCE, *history, "--format", "json", "--singly")
    second, third = map(json.loads, out.splitlines())
    batches = [each["evaluation"]["outcomes"][0] for each in (first, second, third)]
    totals = [each["total"]["outcomes"][0] for each in (first, second, third)]
    assert [each["verdict"] for each in batches] == ["FAILED", "PASSED", "FAILED"], "2, 2 and 3 rows"
    assert [each["evaluated"] for each in totals] == [f"RowCount <= {n}" for n in (0.0, 2.0, 4.0)], "2, 4 and 7 rows"
    kept = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert {each["dataset"] for each in kept} == {"landing"}
    numbers: dict[str, list[float]] = {}
    for each in kept:
        numbers.setdefault(each["context"], []).append(each["values"][0]["value"])
    assert numbers == {"default_context": [2, 2, 3], "default_context, all batches": [2, 4, 7]}


def test_a_history_has_the_names_that_are_given(folder: Path) -> None:
    arrive(folder, "a.csv", GOOD)
    (folder / "rules.dqdl").write_text("Rules = [ RowCount > last(1) ]")
    named = ("--history", "m.jsonl", "--context", "night", "--dataset", "orders")
    code, out, _ = run(*ONCE, *named, "--fail-cold-start")
    assert code == 1
    assert "no history" in out
    places = {
        (each["dataset"], each["context"]) for each in map(json.loads, (folder / "m.jsonl").read_text().splitlines())
    }
    assert places == {("orders", "night"), ("orders", "night, all batches")}


# -- on another machine ----------------------------------------------------------------------------------------


def test_objects_of_a_bucket_are_judged_as_they_come(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3.moto() as server:
        for name, value in {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL": server, "AWS_REGION": "us-east-1"}.items():
            monkeypatch.setenv(name, value)
        s3.put(server, "watched", {"orders/a.parquet": parquet([1, 2])})
        with Watcher("rules.dqdl", "s3://watched/orders/*.parquet", AT_ONCE, state="s.state") as watcher:
            assert [each.exit_code for each in watcher.look()] == [0]
        s3.put(server, "watched", {"orders/b.parquet": parquet([2, 3])})
        (batch,) = Watcher("rules.dqdl", "s3://watched/orders/*.parquet", AT_ONCE, state="s.state").look()
        assert batch.files == ("s3://watched/orders/b.parquet",)
        assert batch.total is not None
        assert batch.total.tables[0].rows == 4
        assert batch.exit_code == 1
        assert list(Watcher("rules.dqdl", "s3://watched/none/*.parquet", AT_ONCE).look()) == []


def parquet(ids: list[int]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"id": ids, "amount": ids}), out)
    return out.getvalue()


def test_a_rule_that_passes_for_want_of_history_says_so(folder: Path) -> None:
    arrive(folder, "a.csv", GOOD)
    (folder / "rules.dqdl").write_text('Rules = [ RowCount >= avg(last(3)) ] Analyzers = [ Mean "nowhere" ]')
    code, out, _ = run(*ONCE)
    assert code == 3, "an analyzer that is not measured is no success"
    assert "  PASSED  RowCount >= avg(last(3))\n    note: " in out
    assert "no history" in out
    assert '  ERROR  Mean "nowhere"\n    ' in out
