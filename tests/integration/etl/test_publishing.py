# ruff: noqa: PT012, SIM117 -- what raises is the end of a context, whose body the tests are about
"""Write–audit–publish: main never sees what has not passed, and no commit of another writer is lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import icebergs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from pyiceberg.expressions import EqualTo
from pyiceberg.table import Table, Transaction
from servers import iceberg_rest

import dq

RULES = 'Rules = [ IsPrimaryKey "id", IsComplete "email" ]'
SCHEMA = pa.schema([("id", pa.int64()), ("email", pa.string())])


def rows(*ids: int, email: str | None = "a@x.io") -> pa.Table:
    return pa.table({"id": list(ids), "email": [email] * len(ids)}, schema=SCHEMA)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    catalog = icebergs.catalog(tmp_path)
    catalog.create_namespace("sales")
    made = catalog.create_table("sales.orders", SCHEMA)
    made.append(rows(1, 2))
    return made


def now(table: Table) -> Table:
    return table.catalog.load_table(table.name())


def ids(table: Table, branch: str = "main") -> list[int]:
    return sorted(now(table).scan().use_ref(branch).to_arrow()["id"].to_pylist())


def branches(table: Table) -> list[str]:
    return [name for name in now(table).metadata.refs if name != "main"]


def test_what_passes_is_published_in_one_commit(table: Table) -> None:
    with dq.write_audit_publish(table, RULES) as branch:
        branch.append(rows(3))
        branch.append(rows(4))
        assert ids(table) == [1, 2]
        assert ids(table, branch.name) == [1, 2, 3, 4]
        assert not branch.published
    assert branch.published
    assert branch.evaluation is not None
    assert branch.evaluation.passed
    assert ids(table) == [1, 2, 3, 4]
    assert branches(table) == []
    assert table.scan().to_arrow().num_rows == 4, "the caller's table is refreshed"
    assert len(now(table).metadata.snapshots) == 3


def test_the_table_is_judged_as_it_would_be(table: Table) -> None:
    with pytest.raises(dq.QualityError, match="IsPrimaryKey"), dq.write_audit_publish(table, RULES) as branch:
        branch.append(rows(2))


@pytest.mark.parametrize("keep", [True, False])
def test_what_fails_leaves_main_as_it_was(table: Table, keep: bool) -> None:
    before = now(table).metadata.current_snapshot_id
    with (
        pytest.raises(dq.QualityError) as caught,
        dq.write_audit_publish(table, RULES, branch="b", keep=keep) as branch,
    ):
        branch.append(rows(3, email=None))
    assert now(table).metadata.current_snapshot_id == before
    assert branches(table) == (["b"] if keep else [])
    became = "kept" if keep else "dropped"
    assert str(caught.value).endswith(f"help: main is untouched, and the branch `b` is {became}")
    assert "IsComplete" in str(caught.value)
    assert not branch.published
    _, bad = caught.value.evaluation.split()
    assert bad.read_all()["id"].to_pylist() == [3]


def test_what_could_not_be_measured_is_not_published(table: Table) -> None:
    with pytest.raises(dq.QualityError, match="phone"):
        with dq.write_audit_publish(table, 'Rules = [ IsComplete "phone" ]', fail_on="error") as branch:
            branch.append(rows(3))
    assert ids(table) == [1, 2]


def test_what_does_not_count_is_published(table: Table) -> None:
    with dq.write_audit_publish(table, "Rules = [ RowCount > 9 ]", fail_on="error") as branch:
        branch.append(rows(3))
    assert ids(table) == [1, 2, 3]


@pytest.mark.parametrize("keep", [True, False])
def test_a_job_that_breaks_publishes_nothing(table: Table, keep: bool) -> None:
    with (
        pytest.raises(ZeroDivisionError) as caught,
        dq.write_audit_publish(table, RULES, branch="b", keep=keep) as branch,
    ):
        branch.append(rows(3))
        raise ZeroDivisionError
    assert ids(table) == [1, 2]
    assert branches(table) == (["b"] if keep else [])
    assert caught.value.__notes__ == [f"main is untouched, and the branch `b` is {'kept' if keep else 'dropped'}"]


@pytest.mark.parametrize("keep", [True, False])
def test_a_commit_of_another_writer_is_not_lost(table: Table, keep: bool) -> None:
    with pytest.raises(dq.ConflictError, match="another writer has committed to main") as caught:
        with dq.write_audit_publish(table, RULES, branch="b", keep=keep) as branch:
            branch.append(rows(3))
            now(table).append(rows(7))
    assert ids(table) == [1, 2, 7]
    assert branches(table) == (["b"] if keep else [])
    assert caught.value.evaluation.passed
    assert "main is untouched" in str(caught.value)


def commits_before(monkeypatch: pytest.MonkeyPatch, when: int, act: Any) -> None:
    """Something that happens after the table was looked at, right before the commit of that number."""
    original = Transaction.commit_transaction
    made = []

    def commit(transaction: Transaction) -> Table:
        made.append(transaction)
        if len(made) == when:
            act()
        return original(transaction)

    monkeypatch.setattr(Transaction, "commit_transaction", commit)


def test_a_commit_right_before_main_is_set_is_not_lost(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(dq.ConflictError, match="another writer has committed to main"):
        with dq.write_audit_publish(table, RULES) as branch:
            branch.append(rows(3))
            other = now(table)
            commits_before(monkeypatch, 1, lambda: other.append(rows(7)))
    assert ids(table) == [1, 2, 7]


def test_a_commit_to_another_branch_is_no_conflict(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    table.manage_snapshots().create_branch(table.metadata.current_snapshot_id, "other").commit()
    with dq.write_audit_publish(table, RULES) as branch:
        branch.append(rows(3))
        commits_before(monkeypatch, 1, lambda: now(table).append(rows(4), branch="other"))
    assert ids(table) == [1, 2, 3]
    assert ids(table, "other") == [1, 2, 4]


def test_writers_that_always_come_first(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(transaction: Transaction) -> Table:
        raise CommitFailedException("Table has been updated by another process")

    with pytest.raises(dq.DataError, match="other writers have come first 5 times"):
        with dq.write_audit_publish(table, RULES) as branch:
            branch.append(rows(3))
            monkeypatch.setattr(Transaction, "commit_transaction", refused)
            monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert ids(table) == [1, 2]


def test_a_write_to_the_branch_during_the_audit_is_not_published(table: Table) -> None:
    class Late:
        def __call__(self, step: str, done: float, total: int) -> None:
            if not written:
                written.append(now(table).append(rows(9, email=None), branch="b"))

    written: list[Any] = []
    with pytest.raises(dq.ConflictError, match="the branch has moved since it was judged"):
        with dq.write_audit_publish(table, RULES, branch="b", options=dq.Options(progress=Late())) as branch:
            branch.append(rows(3))
    assert ids(table) == [1, 2]


def test_when_nobody_knows_nothing_is_said_of_main(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(transaction: Transaction) -> Table:
        raise CommitStateUnknownException("the answer was lost")

    with pytest.raises(dq.DataError, match="nobody knows whether") as caught:
        with dq.write_audit_publish(table, RULES, branch="b", keep=False) as branch:
            branch.append(rows(3))
            monkeypatch.setattr(Transaction, "commit_transaction", lost)
    assert "untouched" not in str(caught.value)
    assert branches(table) == ["b"]


def test_a_table_without_a_snapshot(tmp_path: Path) -> None:
    catalog = icebergs.catalog(tmp_path)
    catalog.create_namespace("sales")
    made = catalog.create_table("sales.orders", SCHEMA)
    with pytest.raises(dq.QualityError), dq.write_audit_publish(made, RULES) as branch:
        branch.append(rows(1, email=None))
    assert ids(made) == []
    with dq.write_audit_publish(made, RULES) as branch:
        branch.append(rows(1))
    assert ids(made) == [1]


def test_nothing_written_is_judged_and_leaves_no_branch(table: Table) -> None:
    with dq.write_audit_publish(table, RULES) as branch:
        pass
    assert branch.published
    assert branches(table) == []
    with pytest.raises(dq.QualityError), dq.write_audit_publish(table, "Rules = [ RowCount > 9 ]"):
        pass


WRITES = {
    "overwrite": (lambda branch: branch.overwrite(rows(5)), [5]),
    "delete": (lambda branch: branch.delete(EqualTo("id", 1)), [2]),
    "upsert": (lambda branch: branch.upsert(rows(2, 3), join_cols=["id"]), [1, 2, 3]),
}


@pytest.mark.parametrize(("write", "expected"), WRITES.values(), ids=WRITES)
def test_every_way_to_write(table: Table, write: Any, expected: list[int]) -> None:
    with dq.write_audit_publish(table, RULES) as branch:
        write(branch)
        assert ids(table) == [1, 2]
    assert ids(table) == expected


def test_files_that_are_there(table: Table, tmp_path: Path) -> None:
    pq.write_table(rows(3), tmp_path / "new.parquet")
    with dq.write_audit_publish(table, RULES) as branch:
        branch.add_files([f"file://{tmp_path}/new.parquet"])
    assert ids(table) == [1, 2, 3]


def test_partitions_are_replaced(table: Table) -> None:
    with table.update_spec() as spec:
        spec.add_identity("id")
    table.overwrite(rows(1, 2))
    with dq.write_audit_publish(table, RULES) as branch:
        branch.dynamic_partition_overwrite(rows(2, email="new@x.io"))
        assert sorted(now(table).scan().to_arrow()["email"].to_pylist()) == ["a@x.io", "a@x.io"]
    assert sorted(now(table).scan().to_arrow()["email"].to_pylist()) == ["a@x.io", "new@x.io"]


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyiceberg", None)
    with pytest.raises(dq.DqError, match=r"dq-rules\[iceberg\]"), dq.write_audit_publish(None, RULES):  # type: ignore[arg-type]
        pass


def test_references(table: Table) -> None:
    rules = 'Rules = [ ReferentialIntegrity "id" "known.id" = 1.0 ]'
    with pytest.raises(dq.QualityError), dq.write_audit_publish(table, rules, references={"known": {"id": [1]}}):
        pass


def test_a_branch_that_is_there_is_left_alone(table: Table) -> None:
    table.manage_snapshots().create_branch(table.metadata.current_snapshot_id, "b").commit()
    with pytest.raises(dq.DqError, match="has a branch `b` already"), dq.write_audit_publish(table, RULES, branch="b"):
        pass
    assert branches(table) == ["b"]


def test_a_wrong_ruleset_writes_nothing(table: Table) -> None:
    with pytest.raises(dq.DqError, match="does not exist"), dq.write_audit_publish(table, "nowhere.dqdl"):
        raise AssertionError
    assert branches(table) == []


@pytest.mark.parametrize("other", [None, "sales.orders", pa.table({"id": [1]})])
def test_what_cannot_be_written_to(other: Any) -> None:
    with pytest.raises(dq.DqError, match="cannot be written to"), dq.write_audit_publish(other, RULES):
        pass


# -- a catalog of another machine ----------------------------------------------------------------------


@pytest.fixture
def rest(table: Table) -> Iterator[tuple[iceberg_rest.Rest, Table]]:
    """A server over the catalog of the table, and the table as it gives it."""
    catalog = table.catalog
    assert isinstance(catalog, SqlCatalog)
    with iceberg_rest.serving(catalog) as server:
        yield server, RestCatalog("lake", uri=server.uri, token=iceberg_rest.TOKEN).load_table("sales.orders")


def test_a_rest_catalog_publishes(rest: tuple[iceberg_rest.Rest, Table], table: Table) -> None:
    with dq.write_audit_publish(rest[1], RULES) as branch:
        branch.append(rows(3))
    assert ids(table) == [1, 2, 3]
    assert branches(table) == []


def test_a_rest_catalog_refuses_to_lose_a_commit(
    rest: tuple[iceberg_rest.Rest, Table], table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(dq.ConflictError, match="another writer has committed to main"):
        with dq.write_audit_publish(rest[1], RULES) as branch:
            branch.append(rows(3))
            commits_before(monkeypatch, 1, lambda: now(table).append(rows(7)))
    assert ids(table) == [1, 2, 7]


def test_a_connection_that_breaks_after_the_commit(rest: tuple[iceberg_rest.Rest, Table], table: Table) -> None:
    server, remote = rest
    with pytest.raises(dq.DataError, match="nobody knows whether") as caught:
        with dq.write_audit_publish(remote, RULES, keep=False) as branch:
            branch.append(rows(3))
            server.breaking = True
    assert iceberg_rest.TOKEN not in str(caught.value)
    assert ids(table) == [1, 2, 3], "the server had done it"
