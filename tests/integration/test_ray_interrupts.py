"""An interrupt of an evaluation on Ray, as by Ctrl-C in a notebook, leaves no task running."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import rays

import dq
from dq.engines import parts
from dq.engines import ray as engine

pytestmark = pytest.mark.ray

TABLE = pa.table({"id": list(range(40)), "name": ["a", "b"] * 20})
RULES = 'Rules = [ RowCount = 40, IsUnique "id" ]'


@pytest.fixture
def dataset(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A table of ten parts, whose piles are added up in a tree."""
    monkeypatch.setattr(engine, "FAN_IN", 2)
    monkeypatch.setattr(engine, "MOST_PILES", 2)
    return rays.in_blocks(TABLE, 10)


@pytest.fixture(scope="module", autouse=True)
def own_ray() -> Iterator[None]:
    """A Ray of this module's own: what is under way in it is ours."""
    rays.ended()
    yield
    rays.ended()


def slowly(function: Callable[..., Any], begun: Path) -> Callable[..., Any]:
    """A task that says that it has begun, and then takes minutes."""

    def slow(*arguments: Any) -> Any:
        import time
        import uuid

        (begun / uuid.uuid4().hex).touch()
        for _ in range(6000):
            time.sleep(0.1)
        return function(*arguments)

    return slow


def interrupted(begun: Callable[[], bool], run: Callable[[], object]) -> None:
    """Run, and interrupt the main thread once something has begun."""
    over = threading.Event()

    def interrupt() -> None:
        deadline = time.monotonic() + 60
        while not begun() and not over.is_set() and time.monotonic() < deadline:
            time.sleep(0.05)
        if not over.is_set():
            _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run()
    finally:
        over.set()
        thread.join()


def busy() -> float:
    """How many CPUs run a task."""
    import ray

    return float(ray.cluster_resources()["CPU"] - ray.available_resources().get("CPU", 0.0))


def assert_idle() -> None:
    deadline = time.monotonic() + 20
    while busy():
        assert time.monotonic() < deadline, "a task is still running"
        time.sleep(0.1)
    for _ in range(10):  # nor does one begin that has waited
        assert not busy()
        time.sleep(0.1)


@pytest.mark.parametrize("step", ["measure", "add", "sum_up"])
def test_no_task_is_left_whichever_step_is_interrupted(
    step: str, dataset: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(parts, step, slowly(getattr(parts, step), tmp_path))
        interrupted(lambda: any(tmp_path.iterdir()), lambda: dq.evaluate(RULES, dataset, engine="ray"))
    assert_idle()
    assert dq.evaluate(RULES, dataset, engine="ray").passed, "the process and its Ray go on"


def test_a_query_of_the_engine_is_ended(dataset: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def endless(*arguments: Any) -> None:
        import duckdb

        with duckdb.connect() as connection:
            (tmp_path / "begun").touch()
            connection.execute("SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = -1")

    monkeypatch.setattr(parts, "measure", endless)
    interrupted(lambda: any(tmp_path.iterdir()), lambda: dq.evaluate(RULES, dataset, engine="ray"))
    assert_idle()


def test_rows_that_nobody_asks_for_any_more_are_not_read(
    dataset: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    evaluation = dq.evaluate('Rules = [ IsComplete "id" ]', dataset, engine="ray")
    with monkeypatch.context() as patch:
        patch.setattr(parts, "stream", slowly(parts.stream, tmp_path))
        interrupted(lambda: any(tmp_path.iterdir()), lambda: list(evaluation.rows()))
    assert_idle()
