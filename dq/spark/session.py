"""The session that answers: the user's own, or one that is started for the run; and the jobs that run in it."""

from __future__ import annotations

import os
import re
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from dq.diagnostics import DqError
from dq.engines.base import TimeLimitError


def running_session() -> Any:
    """The session of this thread; None where there is none."""
    from pyspark.sql import SparkSession

    return SparkSession.getActiveSession()


def start(master: str | None = None) -> Any:
    """A session on a master such as `local[4]`, `yarn`, or `sc://host:15002` for Spark Connect.

    Without one, the environment and `spark-submit` say which. Where neither says anything of a cluster, Spark runs in
    this machine alone: it listens on the loopback address only, without its web page, and keeps its log and its
    progress bar to itself.

    Raises:
        DqError: it cannot be started or reached.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("dq")
    if master is not None:
        builder = builder.remote(master) if master.startswith("sc://") else builder.master(master)
    if _is_ours(master):
        for name, value in _OURS.items():
            builder = builder.config(name, value)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
            return builder.getOrCreate()
    except (PySparkException, RuntimeError, ImportError, OSError) as error:
        first = str(error).strip().partition("\n")[0]
        raise DqError(
            f"Spark cannot be started: {first}",
            help="Spark needs Java 17, and Spark Connect `pip install 'pyspark[connect]'`",
        ) from error


_TOLD = (
    "SPARK_HOME",
    "SPARK_CONF_DIR",
    "SPARK_REMOTE",
    "SPARK_MASTER",
    "MASTER",
    "PYSPARK_SUBMIT_ARGS",
    "PYSPARK_GATEWAY_PORT",
)
"""Variables of the environment by which users and `spark-submit` say how Spark runs."""

_QUIET = Path(__file__).with_name("quiet.properties")
_OURS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={_QUIET.as_uri()}",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""The settings of a session that is ours alone."""


def _is_ours(master: str | None) -> bool:
    here = master is None or re.fullmatch(r"local(\[.*\])?", master)
    return bool(here) and not any(os.environ.get(name) for name in _TOLD)


def is_connect(session: Any) -> bool:
    """Whether a session speaks to a server by Spark Connect, which looks at a query only when it runs."""
    return type(session).__module__.startswith("pyspark.sql.connect")


def share_done(session: Any) -> float:
    """How much of the stages that run now is done, in [0, 1]; 0 where it cannot be told."""
    if is_connect(session):
        return 0.0
    tracker = session.sparkContext.statusTracker()
    stages = [stage for each in tracker.getActiveStageIds() if (stage := tracker.getStageInfo(each)) is not None]
    tasks = sum(each.numTasks for each in stages)
    return sum(each.numCompletedTasks for each in stages) / tasks if tasks else 0.0


_AGAIN = 0.1
"""Seconds between two tries to cancel."""


@contextmanager
def limited(session: Any, seconds: float | None) -> Iterator[None]:
    """Cancel the jobs that are started inside when they take too long; those of others go on.

    Raises:
        TimeLimitError: they took too long.
    """
    if seconds is None:
        yield
        return
    over, ended = Event(), Event()
    with _cancellable(session) as cancel:

        def stop() -> None:
            if ended.wait(seconds):
                return
            over.set()
            while not ended.wait(_AGAIN):  # a job that has not begun yet cannot be cancelled
                with suppress(Exception):
                    cancel()

        Thread(target=stop, daemon=True).start()
        try:
            yield
        except Exception as error:
            if over.is_set():
                raise TimeLimitError(f"the scan took longer than {seconds:g} s, the limit") from error
            raise
        finally:
            ended.set()


@contextmanager
def _cancellable(session: Any) -> Iterator[Any]:
    """What cancels the jobs that are started inside."""
    name = f"dq-{uuid.uuid4().hex}"
    if is_connect(session):
        session.addTag(name)
        try:
            yield lambda: session.interruptTag(name)
        finally:
            with suppress(Exception):  # a session that has gone away has no tags
                session.removeTag(name)
        return
    context = session.sparkContext  # a tag of the session would not do: classic Spark finds no job by it
    context.addJobTag(name)
    try:
        yield lambda: context.cancelJobsWithTag(name)
    finally:
        context.removeJobTag(name)
