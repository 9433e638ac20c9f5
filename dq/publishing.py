"""Write–audit–publish: rows are written to a branch of an Iceberg table, and main follows when they pass."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar, Unpack
from uuid import uuid4

from dq.catalog.base import NamedTable
from dq.catalog.kinds import need
from dq.catalog.lakes import said
from dq.catalog.selection import Selection
from dq.diagnostics import DataError, DqError
from dq.evaluation import evaluate, load
from dq.gating import How, QualityError, demanded, refuse_unknown
from dq.names import PRIMARY
from dq.outcomes import Evaluation, FailOn

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from dq.syntax import Ruleset

T = TypeVar("T")

MAIN = "main"

TRIES = 5
"""How often a change is tried while other writers commit to other branches, or to none."""


class ConflictError(DqError):
    """Rows that passed and were not published: the table is no longer what they were written on. Write them again.

    `evaluation` is the result of the audit.
    """

    exit_code = 3

    def __init__(self, message: str, evaluation: Evaluation, *, help: str = "") -> None:
        super().__init__(message, help=help)
        self.evaluation = evaluation


class Branch:
    """A branch of an Iceberg table: what is written to it is seen on main when it has passed.

    Attributes:
        name: its name, for other writers: `table.append(rows, branch=branch.name)`, or Spark's `branch_NAME`.
        evaluation: what the audit found; None before it.
        published: whether main has what was written.
    """

    def __init__(self, table: Table, name: str) -> None:
        self.name = name
        self.evaluation: Evaluation | None = None
        self.published = False
        self._table = table

    def append(self, rows: Any, **options: Any) -> None:
        """Add rows: pyiceberg's `append`."""
        self._table.append(rows, branch=self.name, **options)

    def overwrite(self, rows: Any, **options: Any) -> None:
        """Replace all rows, or those that a filter keeps: pyiceberg's `overwrite`."""
        self._table.overwrite(rows, branch=self.name, **options)

    def dynamic_partition_overwrite(self, rows: Any, **options: Any) -> None:
        """Replace the partitions that the rows are in: pyiceberg's `dynamic_partition_overwrite`."""
        self._table.dynamic_partition_overwrite(rows, branch=self.name, **options)

    def upsert(self, rows: Any, **options: Any) -> Any:
        """Update rows by their key and add the others: pyiceberg's `upsert`, and its counts."""
        return self._table.upsert(rows, branch=self.name, **options)

    def delete(self, delete_filter: Any, **options: Any) -> None:
        """Delete rows: pyiceberg's `delete`."""
        self._table.delete(delete_filter, branch=self.name, **options)

    def add_files(self, paths: list[str], **options: Any) -> None:
        """Add Parquet files where they lie: pyiceberg's `add_files`."""
        self._table.add_files(paths, branch=self.name, **options)


@contextmanager
def write_audit_publish(
    table: Table,
    ruleset: Ruleset | str | os.PathLike[str],
    *,
    references: Mapping[str, Any] | None = None,
    branch: str | None = None,
    keep: bool = True,
    fail_on: FailOn = "failed",
    **how: Unpack[How],
) -> Iterator[Branch]:
    """Write to a branch of an Iceberg table; at the end the branch is evaluated, and published if it passes.

        with dq.write_audit_publish(table, "orders.dqdl") as branch:
            branch.append(rows)

    The whole table is judged as it would be, not what was written alone. To publish sets main to the snapshot that was
    judged and drops the branch, in one commit, and only while main is where it was when the branch was made: what
    another writer has committed since is never lost. A table without a snapshot gets an empty one on main, since a
    branch needs one.

    Args:
        table: a pyiceberg table of a catalog that may be written. It is refreshed when the rows are published.
        ruleset: as for `dq.evaluate`; read before anything is written.
        references: the other tables of the ruleset, by alias.
        branch: the name of the branch, which must not be there; by default one of its own.
        keep: whether the branch stays where it is not published, for a look at it, or is dropped.
        fail_on: as for `dq.gate`.
        how: what else `dq.evaluate` takes.

    Raises:
        QualityError: the branch does not pass. Main is untouched, as in all other cases here, and the error says
            what became of the branch.
        ConflictError: it passes, but main or the branch has moved meanwhile.
        DqError: no such table, a branch that is there, a wrong ruleset; `DataError`: the catalog failed.
    """
    refuse_unknown(fail_on)
    need("iceberg")
    parsed = load(ruleset)
    name = branch or f"audit_{uuid4().hex[:8]}"
    base = _branched(table, name)
    own = _loaded(table)
    made = Branch(own, name)
    try:
        yield made
        audited = _loaded(own)
        head = _snapshot(audited, name)
        if head is None:
            raise DqError(f"the branch `{name}` of {_called(own)} is gone: somebody has dropped it")
        made.evaluation = evaluate(parsed, {PRIMARY: _named(audited, name), **(references or {})}, **how)
        demanded(made.evaluation, fail_on)
        _publish(own, name, base, head, made.evaluation)
    except _UnknownError:
        raise
    except BaseException as error:
        _tell(error, f"main is untouched, and {_left(own, name, keep=keep)}")
        raise
    made.published = True
    table.refresh()


class _UnknownError(DataError):
    """Nobody knows whether main was set, so nothing may be said of it, nor dropped."""


def _branched(table: Table, name: str) -> int:
    """Make a branch, and give the snapshot of main that it starts from."""

    def make(now: Table) -> int:
        if name in now.metadata.refs:
            raise DqError(
                f"{_called(table)} has a {now.metadata.refs[name].snapshot_ref_type} `{name}` already",
                help="give another name, or drop it: table.manage_snapshots().remove_branch(…).commit()",
            )
        if _snapshot(now, MAIN) is None:
            now.append(now.schema().as_arrow().empty_table())
        base = _snapshot(now, MAIN)
        assert base is not None
        now.manage_snapshots().create_branch(base, name).commit()
        return base

    return _committed(table, make)


def _publish(table: Table, name: str, base: int, head: int, evaluation: Evaluation) -> None:
    from pyiceberg import exceptions

    # All else, such as a connection that breaks, may come after the catalog has done it.
    refusals = (
        exceptions.BadRequestError,
        exceptions.CommitFailedException,
        exceptions.ForbiddenError,
        exceptions.UnauthorizedError,
        exceptions.ValidationException,
    )

    def set_main(now: Table) -> None:
        moved = "another writer has committed to main since the branch was made"
        for ref, expected, what in ((MAIN, base, moved), (name, head, "the branch has moved since it was judged")):
            if _snapshot(now, ref) != expected:
                raise ConflictError(f"{_called(table)} is not published: {what}", evaluation)
        try:
            now.manage_snapshots().set_current_snapshot(snapshot_id=head).remove_branch(name).commit()
        except refusals:
            raise
        except Exception as error:  # noqa: BLE001 - libraries of libraries
            raise _UnknownError(
                f"nobody knows whether {_called(table)} was published: {said(error)}",
                help=f"see whether main is at the snapshot {head}; the branch `{name}` is gone then",
            ) from None

    _committed(table, set_main)


def _left(table: Table, name: str, *, keep: bool) -> str:
    """What became of a branch that was not published; it is dropped unless it is kept."""
    if keep:
        return f"the branch `{name}` is kept"

    def drop(now: Table) -> None:
        if name in now.metadata.refs:
            now.manage_snapshots().remove_branch(name).commit()

    try:
        _committed(table, drop)
    except DqError as error:
        return f"the branch `{name}` could not be dropped: {error.message}"
    return f"the branch `{name}` is dropped"


def _tell(error: BaseException, words: str) -> None:
    if isinstance(error, QualityError | DqError):
        error.help = f"{error.help}; {words}" if error.help else words
    else:
        error.add_note(words)


# -- tables --------------------------------------------------------------------------------------------


def _loaded(table: Table) -> Table:
    """The table as its catalog has it now, apart from the one that the caller holds."""
    from pyiceberg.table import StaticTable
    from pyiceberg.table import Table as NativeTable

    if not isinstance(table, NativeTable) or isinstance(table, StaticTable):
        raise DqError(
            f"a `{type(table).__name__}` cannot be written to",
            help="give a pyiceberg table of a catalog: catalog.load_table(…)",
        )
    with _told(table):
        return table.catalog.load_table(table.name())


def _committed(table: Table, change: Callable[[Table], T]) -> T:
    """Change the table as it is now; where another commit comes first, again, as the table is then."""
    from pyiceberg.exceptions import CommitFailedException

    for attempt in range(TRIES):
        with _told(table), suppress(CommitFailedException):
            return change(_loaded(table))
        time.sleep(0.05 * 2**attempt)
    raise DataError(f"{_called(table)} could not be changed: other writers have come first {TRIES} times")


@contextmanager
def _told(table: Table) -> Iterator[None]:
    """Turn whatever a catalog raises into an error of ours."""
    try:
        yield
    except DqError:
        raise
    except Exception as error:  # noqa: BLE001 - libraries of libraries; what they say may hold a credential, so no cause
        raise DataError(f"the catalog of {_called(table)} failed: {said(error)}") from None


def _called(table: Table) -> str:
    return f"the Iceberg table `{'.'.join(table.name())}`"


def _snapshot(table: Table, ref: str) -> int | None:
    found = table.metadata.refs.get(ref)
    return found.snapshot_id if found else None


def _named(table: Table, branch: str) -> NamedTable:
    from dq.catalog.iceberg_tables import IcebergTable

    name = ".".join(table.name())
    return NamedTable(name, IcebergTable(name, lambda: table), Selection(snapshot=branch))
