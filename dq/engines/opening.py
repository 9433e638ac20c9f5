"""Which engine measures, and how it is opened: a row for each engine."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from dq.diagnostics import DqError
from dq.engines.base import Engine
from dq.options import Progress, silent

if TYPE_CHECKING:
    from dq.files.remote import FoundFiles
    from dq.sources.options import ReadOptions

ENGINES: Mapping[str, str] = {
    "duckdb": "dq.engines.duckdb",
    "spark": "dq.engines.spark",
    "ray": "dq.engines.ray",
}
"""The module of each engine by its name: its `opened` takes a Request and gives a context of an Opened."""

DEFAULT = "duckdb"

HANDED: Mapping[str, str] = {"pyspark": "spark", "ray": "ray"}
"""The engine that measures what users hand over, by the package of its class; the default measures everything else."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run asks of an engine.

    Attributes:
        data: a table, or a mapping from alias to tables, as users give them.
        read: how files are read, for all or by alias.
        memory_limit: how much memory the engine may use, such as `2GB`.
        threads: how many threads it may use.
        time_limit: how many seconds a scan may take.
        progress: told what is being done.
    """

    data: Any
    read: ReadOptions | Mapping[str, ReadOptions] | None = None
    memory_limit: str | None = None
    threads: int | None = None
    time_limit: float | None = None
    progress: Progress = silent


@dataclass(frozen=True, slots=True)
class Opened:
    """An engine that holds the tables of a run, and what else is known of them.

    Attributes:
        engine: what measures.
        again: opens the same data once more, as it was judged, when rows are asked for later.
        recover: asked when a scan fails; True means that the tables have changed so that it is worth another try.
        folders: where the files of tables lie on this machine.
        paths: the files that the primary is read from; None for none.
    """

    engine: Engine
    again: Callable[[], AbstractContextManager[Engine]]
    recover: Callable[[Exception], bool] = lambda error: False
    folders: Iterable[str] = ()
    paths: tuple[str, ...] | FoundFiles | None = None


class _Module(Protocol):
    def opened(self, request: Request, /) -> AbstractContextManager[Opened]: ...


def opened(engine: str | None, request: Request) -> AbstractContextManager[Opened]:
    """The engine that is asked for by its name, or else the one for the data.

    Raises:
        DqError: no such engine, or a limit that is none.
    """
    name = engine or engine_of(request.data)
    if name not in ENGINES:
        raise DqError(
            f"engine `{name}` is not known", help=f"this version has {', '.join(map('`{}`'.format, ENGINES))}"
        )
    if request.time_limit is not None and not request.time_limit > 0:
        raise DqError(f"`time_limit` cannot be {request.time_limit!r}", help="give a number of seconds above 0")
    return cast("_Module", importlib.import_module(ENGINES[name])).opened(request)


def engine_of(data: Any) -> str:
    """The engine for what is handed over: that of the first table which has one of its own."""
    tables = data.values() if isinstance(data, Mapping) else (data,)
    packages = (kind.__module__.partition(".")[0] for table in tables for kind in type(table).__mro__)
    return next((HANDED[package] for package in packages if package in HANDED), DEFAULT)
