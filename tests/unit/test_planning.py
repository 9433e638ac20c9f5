"""Which scans answer which metrics: as few as possible, in the order of first use."""

from __future__ import annotations

import pytest

from dq.lazy import exp
from dq.metrics import Compliance, GroupCounts, Metric, Query, Size, Sum
from dq.planning import Scan, one_scan_each, plan
from dq.schema import Column, Type
from dq.scope import Scope
from dq.tree import column, is_present, literal

A, B, F = Column("a", Type.STRING), Column("b", Type.STRING), Column("f", Type.FLOAT)


def positive(name: str) -> Scope:
    return Scope(exp.GT(this=column(name), expression=literal(0)))


def present(name: str, scope: Scope | None = None) -> Compliance:
    return Compliance(is_present(column(name)), scope or Scope())


A_GROUPED, B_GROUPED = GroupCounts((A,)), GroupCounts((B,))
ROWS = Size().grain
PLANS: dict[str, tuple[list[Metric], list[Scan]]] = {
    "no metric, no scan": ([], []),
    "equal metrics are measured once": ([Size(), present("a"), Size()], [Scan(ROWS, (Size(), present("a")))]),
    "rows share a scan whatever their scope": (
        [present("a"), present("b", positive("a"))],
        [Scan(ROWS, (present("a"), present("b", positive("a"))))],
    ),
    "scans run in the order of first use": (
        [B_GROUPED, Size(), A_GROUPED],
        [Scan(B_GROUPED.grain, (B_GROUPED,)), Scan(ROWS, (Size(),)), Scan(A_GROUPED.grain, (A_GROUPED,))],
    ),
    "the rows of another table are another scan": (
        [Size(), Size(table="ref")],
        [Scan(ROWS, (Size(),)), Scan(Size(table="ref").grain, (Size(table="ref"),))],
    ),
    "a metric of a grouped column is judged on its groups": (
        [Size(), present("a"), A_GROUPED],
        [Scan(ROWS, (Size(),)), Scan(A_GROUPED.grain, (present("a"), A_GROUPED))],
    ),
    "a scan that is left without metrics is none": (
        [present("a"), A_GROUPED],
        [Scan(A_GROUPED.grain, (present("a"), A_GROUPED))],
    ),
    "each column has its own groups": (
        [present("a"), present("b"), A_GROUPED, B_GROUPED],
        [Scan(A_GROUPED.grain, (present("a"), A_GROUPED)), Scan(B_GROUPED.grain, (present("b"), B_GROUPED))],
    ),
    "its scope may read that column too": (
        [present("a", positive("a")), A_GROUPED],
        [Scan(A_GROUPED.grain, (present("a", positive("a")), A_GROUPED))],
    ),
    "a scope on another column keeps it with the rows": (
        [present("a", positive("b")), A_GROUPED],
        [Scan(ROWS, (present("a", positive("b")),)), Scan(A_GROUPED.grain, (A_GROUPED,))],
    ),
    "an aggregate that groups cannot tell stays with the rows": (
        [Sum(A), A_GROUPED],
        [Scan(ROWS, (Sum(A),)), Scan(A_GROUPED.grain, (A_GROUPED,))],
    ),
    "floats stay with the rows, since both zeros are one group": (
        [present("f"), GroupCounts((F,))],
        [Scan(ROWS, (present("f"),)), Scan(GroupCounts((F,)).grain, (GroupCounts((F,)),))],
    ),
    "groups within a scope leave rows out": (
        [present("a"), GroupCounts((A,), positive("a"))],
        [
            Scan(ROWS, (present("a"),)),
            Scan(GroupCounts((A,), positive("a")).grain, (GroupCounts((A,), positive("a")),)),
        ],
    ),
    "groups of two columns hold no column by itself": (
        [present("a"), GroupCounts((A, B))],
        [Scan(ROWS, (present("a"),)), Scan(GroupCounts((A, B)).grain, (GroupCounts((A, B)),))],
    ),
    "groups of a reference say nothing of the primary": (
        [present("a"), GroupCounts((A,), table="ref")],
        [Scan(ROWS, (present("a"),)), Scan(GroupCounts((A,), table="ref").grain, (GroupCounts((A,), table="ref"),))],
    ),
    "the user's own statement is a scan by itself": (
        [Size(), Query(exp.select("1"), ()), A_GROUPED],
        [
            Scan(ROWS, (Size(),)),
            Scan(Query(exp.select("1"), ()).grain, (Query(exp.select("1"), ()),)),
            Scan(A_GROUPED.grain, (A_GROUPED,)),
        ],
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_the_scans_of_some_metrics(name: str) -> None:
    metrics, scans = PLANS[name]
    assert list(plan(metrics).scans) == scans


def test_the_plain_plan_is_a_scan_for_each_metric() -> None:
    assert [scan.metrics for scan in one_scan_each([Size(), present("a"), Size()]).scans] == [
        (Size(),),
        (present("a"),),
    ]
