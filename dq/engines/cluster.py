"""Ray as this process uses it: begun when the first task is given, and tasks that never swamp it."""

from __future__ import annotations

import atexit
import importlib.util
import itertools
import os
import shutil
import socket
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from dq import leftovers
from dq.diagnostics import DqError
from dq.engines.base import SourceError, TimeLimitError

OBJECTS = 1 << 30
"""Bytes that a Ray of our own may keep in shared memory; what is more goes to disk."""

AT_ONCE = 4
"""Tasks under way for each CPU."""

RETRIES = 3
"""How often a task is begun again after its machine was lost."""

CONNECT_SECONDS = 10

PATIENCE = 2.0
"""Seconds in which a cancelled task may end by itself; then its process is ended."""

SETTLED = 0.5
"""Seconds after which a task has been handed over: Ray 2.60 may abort the process that cancels one sooner."""

SHARE = 0.7
"""How much of the memory that a CPU has its share of DuckDB may use; Arrow and Python need the rest."""


class Cluster:
    """The cluster of this process: the one it is connected to, else that of RAY_ADDRESS, else one of its own here.

    Raises:
        DqError: Ray is not installed.
    """

    def __init__(self, threads: int | None = None, memory_limit: str | None = None) -> None:
        """`threads` is how many CPUs a Ray of our own has, `memory_limit` how much memory a task may use."""
        if importlib.util.find_spec("ray") is None:
            raise DqError("the engine `ray` needs Ray, which is not installed", help='pip install "dq-rules[ray]"')
        self._threads = threads
        self._memory_limit = memory_limit
        self._remote: dict[Callable[..., Any], Any] = {}
        self._started: list[list[Any]] = []
        self._latest = -SETTLED

    @cached_property
    def _ray(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        if not ray.is_initialized():
            _begin(ray, self._threads or os.cpu_count() or 1)
        return ray

    @cached_property
    def cpus(self) -> int:
        """How many tasks can run at a time. A Ray of our own is not begun to tell."""
        if _address() is None and not _is_begun():
            return self._threads or os.cpu_count() or 1
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    @cached_property
    def memory_limit(self) -> str:
        """How much memory DuckDB may use in a task, as it is told."""
        if self._memory_limit is not None:
            return self._memory_limit
        held = (node["Resources"] for node in self._ray.nodes() if node["Alive"])
        shares = [each["memory"] / each["CPU"] for each in held if each.get("CPU") and each.get("memory")]
        return f"{int(min(shares, default=2 << 30) * SHARE) >> 20}MiB"

    def put(self, value: Any) -> Any:
        """A reference to a value that tasks can have."""
        return self._ray.put(value)

    @contextmanager
    def starting(self) -> Iterator[None]:
        """What is started in the context is wanted until it ends; an exception that ends it cancels what still runs."""
        try:
            yield
        except BaseException:
            for refs in reversed(self._started):  # the later ones may wait for the earlier ones
                self._cancel(refs)
            raise
        finally:
            self._started.clear()

    def start(self, function: Callable[..., Any], calls: Iterable[Sequence[Any]]) -> list[Any]:
        """References to what tasks will give; `starting` is the context in which they are wanted."""
        task = self._task(function, 1, spread=False)
        refs: list[Any] = []
        self._started.append(refs)
        refs.extend(map(self._given, itertools.repeat(task), calls))  # one by one: an interrupt finds them
        return refs

    def each(
        self,
        function: Callable[..., Any],
        calls: Iterable[Sequence[Any]],
        returns: int = 1,
        *,
        spread: bool = False,
        seconds: float | None = None,
        at_once: int = AT_ONCE,
    ) -> Generator[tuple[Any, list[Any]], None, None]:
        """What tasks give, in the order of the calls: the first value of each, and references to the others.

        `at_once` is how many of them are under way for each CPU. An exception, such as an interrupt, cancels those that
        are under way. Those that nobody asks for any more are cancelled too, unless they have only just been given:
        then they run to their end.

        Raises:
            TimeLimitError: all of it took longer than so many seconds.
            SourceError: the cluster failed.
        """
        task = self._task(function, returns, spread=spread)
        end = None if seconds is None else monotonic() + seconds
        under_way: deque[list[Any]] = deque()

        def first() -> tuple[Any, list[Any]]:
            value, *others = under_way[0]
            found = self._ray.get(value, timeout=None if end is None else max(0.0, end - monotonic()))
            under_way.popleft()
            return found, others

        try:
            with _told(seconds):
                for call in calls:
                    refs = self._given(task, call)
                    under_way.append([refs] if returns == 1 else list(refs))
                    if len(under_way) >= at_once * self.cpus:
                        yield first()
                while under_way:
                    yield first()
        except GeneratorExit:
            if self._unsettled() <= 0:
                self._cancel([refs[0] for refs in under_way])
            raise
        except BaseException:
            self._cancel([refs[0] for refs in under_way])
            raise

    def _given(self, task: Any, call: Sequence[Any]) -> Any:
        """References to what a task will give."""
        self._latest = monotonic()
        return task.remote(*call)

    def _unsettled(self) -> float:
        """For how many seconds a task may still be on its way to Ray."""
        return self._latest + SETTLED - monotonic()

    def _cancel(self, refs: Sequence[Any]) -> None:
        """End tasks that nobody waits for any more: neither a caller nor, since Ray 2.60 may abort, another task."""
        if not refs:
            return
        from ray.exceptions import RayError

        sleep(max(0.0, self._unsettled()))
        running = list(refs)
        with suppress(RayError):  # a cluster that has failed has no tasks
            for force in (False, True):
                for ref in running:
                    self._ray.cancel(ref, force=force)
                _, running = self._ray.wait(running, num_returns=len(running), timeout=PATIENCE, fetch_local=False)
                if not running:
                    return

    def _task(self, function: Callable[..., Any], returns: int, *, spread: bool) -> Any:
        if function not in self._remote:
            self._remote[function] = self._ray.remote(num_cpus=1, max_retries=RETRIES)(function)
        spreading = {"scheduling_strategy": "SPREAD"} if spread else {}
        return self._remote[function].options(num_returns=returns, **spreading)


@contextmanager
def _told(seconds: float | None) -> Iterator[None]:
    """Raises what Ray raises as ours."""
    from ray.exceptions import GetTimeoutError, RayError

    try:
        yield
    except GetTimeoutError as error:
        raise TimeLimitError(f"the scan took longer than {seconds:g} s, the limit") from error
    except RayError as error:
        raise SourceError(f"the Ray cluster failed: {_said(error)}") from error


def _address() -> str | None:
    """Where the cluster is; None for one of our own."""
    address = os.environ.get("RAY_ADDRESS", "")
    return None if address in ("", "local") else address


def _knock(address: str) -> None:
    """Find out whether anybody listens at an address; Ray would try for minutes. Raises OSError."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()


def _is_begun() -> bool:
    """Whether this process is connected to a cluster."""
    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())


def _begin(ray: Any, cpus: int) -> None:
    """Connect to the cluster of RAY_ADDRESS, or begin one here that ends with this process.

    Raises:
        DqError: it cannot be reached, or cannot begin.
    """
    address = _address()
    own: dict[str, Any] = {}
    if address is None:
        folder = Path(tempfile.mkdtemp(prefix="dq-ray-"))
        leftovers.watch(folder)
        atexit.register(_end, ray, folder)
        own = {
            "num_cpus": cpus,
            "include_dashboard": False,
            "object_store_memory": OBJECTS,
            "_temp_dir": str(folder),
        }
    try:
        if address is not None:
            _knock(address)
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        where = f"the Ray cluster at `{address}` cannot be reached" if address else "Ray cannot be begun here"
        raise DqError(f"{where}: {_said(error)}", help="RAY_ADDRESS says which cluster is meant") from error


def _end(ray: Any, folder: Path) -> None:
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
    leftovers.settle(folder)


def _said(error: BaseException) -> str:
    said = getattr(error, "strerror", None) or str(getattr(error, "cause", None) or error)
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__
