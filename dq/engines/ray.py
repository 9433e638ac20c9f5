"""Ray: the parts of a table are measured by tasks all over a cluster, each by DuckDB, and their states are merged.

Files, by groups or by ranges of a large Parquet file, and the blocks of a Ray Dataset are parts. All parts are asked
for everything at once, so that each is read once. Frequency tables are piled by a hash of their keys; every pile is
added up by a task of its own, so that no machine holds all keys. What has no meaning on a part, such as the user's own
SQL, and tables that are not in parts are measured by DuckDB in this process, over all of the data.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from dq.diagnostics import DataError
from dq.distributions import NumberBins
from dq.engines import parts
from dq.engines.base import Answerer, Engine, EngineError, SourceError, TimeLimitError
from dq.engines.cluster import AT_ONCE, Cluster
from dq.engines.connection import identifier
from dq.engines.duckdb import DuckDBEngine
from dq.engines.opening import Opened, Request
from dq.engines.parts import INCOMING, Answer, Asked, Piece, Setting, in_memory
from dq.engines.quantiles import MARKS, Marks, ranked
from dq.lazy import exp
from dq.metrics import Extremes, Frequencies, Groups, InterquartileRange, Measured, Metric, Quartiles, Rows
from dq.names import PRIMARY
from dq.planning import Scan
from dq.powers import PowersOf, PowersOfPairs, in_parts
from dq.schema import Column, Schema, Type
from dq.sources.files import File
from dq.sources.ray_data import Block, RayDataset
from dq.sources.remote import ServedPart
from dq.sources.tables import ARROW_HIDES_NAN, Tables, with_nan
from dq.sql import Query, columns_read, compile_scan, frequency_table, with_outcomes

if TYPE_CHECKING:
    import pyarrow as pa

    from dq.outcomes import TableRead

PART_BYTES = 256 << 20
"""How large a part of a table is at most, in bytes on disk, or of blocks; a file of text is a part as a whole."""

BLOCK_BYTES = 16 << 20
"""How large blocks of a Ray Dataset are together, at least, that make a part."""

MOST_PILES = 128
"""How many piles the keys of a table go to at most."""

FAN_IN = 32
"""How many piles of the same keys a task adds up at most."""

UNLIKE = frozenset({Type.NESTED, Type.OTHER})
UNLIKE_NATIVES = frozenset({"HUGEINT", "UHUGEINT", "TIME WITH TIME ZONE"})
"""Types whose values do not come out of Arrow as they went in."""

S = TypeVar("S")


class RayEngine:
    """Measures the scans of tables that are in parts on Ray, and all others by DuckDB in this process."""

    name = "ray"

    def __init__(self, tables: Tables, cluster: Cluster, time_limit: float | None = None) -> None:
        """Measure `tables`; a scan may take `time_limit` seconds, or as long as it takes."""
        self.tables = tables
        self.local = DuckDBEngine(tables, time_limit)
        self.cluster = cluster
        self.time_limit = time_limit
        self._expected: list[Scan] = []
        self._found: dict[Scan, Mapping[Metric, Measured] | Exception] = {}
        self._by_ray: set[Metric] = set()
        self._split: dict[str, tuple[Piece, ...]] = {}
        self._held: dict[tuple[str, tuple[str, ...]], tuple[pa.Schema, Any]] = {}
        self._done, self._total = 0, 0

    # -- what needs no part ---------------------------------------------------------------------------------

    def schemas(self) -> Mapping[str, Schema]:
        """The columns of every table by its alias."""
        return self.local.schemas()

    def read(self, alias: str, /) -> TableRead:
        """What is known of a table that was read."""
        return self.local.read(alias)

    def sql(self, scan: Scan, /) -> str:
        """The text of the query that is put to every part, or to the whole."""
        return self.local.sql(scan)

    def outdated(self) -> Mapping[Metric, str]:
        """What was measured on files that have changed, by what happened to them."""
        return self.local.outdated()

    def frequencies(self, groups: Groups, /) -> Frequencies:
        """The frequency table of a grain as an Arrow table."""
        return self.local.frequencies(groups)

    def evidence(self, metric: Metric, /) -> str:
        """What answered a metric: Ray, or what measures in this process."""
        return self.name if metric in self._by_ray else self.local.evidence(metric)

    def answerer(self, scan: Scan, /) -> Answerer:
        """Ray, or who else and why."""
        if self._apart(scan)[0]:
            return Answerer(self.name, "duckdb")
        by = self.local.answerer(scan)
        return by if by.name != self.local.name or by.refusal else replace(by, refusal=f"ray: {self._refusal(scan)}")

    def share_done(self) -> float:
        """How many of the parts are done."""
        return self._done / self._total if self._total else self.local.share_done()

    # -- which scans are measured in parts ------------------------------------------------------------------

    def _refusal(self, scan: Scan) -> str:
        """Why nothing of a scan is measured in parts; empty if something is."""
        if not isinstance(scan.grain, Rows | Groups):
            return "the user's own SQL has no meaning on a part of a table"
        if refusal := self._whole(scan.grain.table):
            return refusal
        if isinstance(scan.grain, Groups) and (refusal := self._unlike(scan.grain)):
            return refusal
        reasons = [self._one_by_one(metric, scan.grain) for metric in scan.metrics]
        return reasons[0] if all(reasons) else ""

    def _whole(self, alias: str) -> str:
        """Why a table is not in parts; empty if it is."""
        if isinstance(self.tables.stored.get(alias), RayDataset):
            return ""
        if self.tables.splittable(alias) is None:
            return "its table is no file that all machines can read, and no Ray Dataset"
        return "" if len(self._pieces_of_files(alias)) > 1 else "its table is one part"

    def _unlike(self, groups: Groups) -> str:
        """Why the groups of columns cannot be sent from machine to machine; empty if they can."""
        strange = [column for column in groups.columns if _is_unlike(column)]
        return f"column `{strange[0].name}` is {strange[0].native}, whose groups cannot be sent" if strange else ""

    def _one_by_one(self, metric: Metric, grain: Rows | Groups) -> str:
        """Why a metric is not measured in parts, beside others that are; empty if it is."""
        if isinstance(metric, InterquartileRange) and (refusal := self._unlike(metric.frequencies)):
            return refusal
        asked = in_parts(metric)
        if isinstance(asked, PowersOf | PowersOfPairs | InterquartileRange | NumberBins):
            # what they read of their own table is meant of the part
            read = [asked.scope.predicate] if not isinstance(asked, NumberBins) and asked.scope.predicate else []
        else:
            read = list(asked.aggregates())
        return "" if all(self._is_alone(grain.table, each) for each in read) else "it looks at all rows of its table"

    def _is_alone(self, alias: str, tree: exp.Expr) -> bool:
        """Whether an expression over rows reads its own table in no subquery, and no table that cannot be sent."""
        read = {each.name for each in tree.find_all(exp.Table)}
        return alias not in read and all(self._can_be_sent(other) for other in read & self.schemas().keys())

    def _can_be_sent(self, alias: str) -> bool:
        """Whether every task can read a table as a whole."""
        return self.tables.splittable(alias) is not None or not any(map(_is_unlike, self.schemas()[alias]))

    def _apart(self, scan: Scan) -> tuple[tuple[Scan, ...], Scan | None]:
        """The scans by which a scan is measured in parts, and what of it is measured here.

        Quartiles come from the groups of their column, and bins of numbers wait for their ends.
        """
        if self._refusal(scan):
            return (), scan
        assert isinstance(scan.grain, Rows | Groups)
        far = [metric for metric in scan.metrics if not self._one_by_one(metric, scan.grain)]
        near = tuple(metric for metric in scan.metrics if metric not in far)
        quartiles = [metric for metric in far if isinstance(metric, InterquartileRange)]
        others = tuple(
            dict.fromkeys(
                metric.ends() if isinstance(metric, NumberBins) and metric.low is None else metric
                for metric in far
                if metric not in quartiles
            )
        )
        scans = [replace(scan, metrics=others)] if others else []
        scans += [Scan(metric.frequencies, (metric,)) for metric in quartiles]
        return tuple(scans), replace(scan, metrics=near) if near else None

    # -- measuring ------------------------------------------------------------------------------------------

    def expect(self, scans: Sequence[Scan], /) -> None:
        """Every part is asked for all of these when it is asked for the first."""
        self._found.clear()
        self._held.clear()
        both = [self._apart(scan) for scan in scans]
        self._expected = [scan for far, _ in both for scan in far]
        self.local.expect([near for _, near in both if near is not None])

    def measure(self, scan: Scan, /) -> Mapping[Metric, Measured]:
        """What the scan answers."""
        far, near = self._apart(scan)
        found: dict[Metric, Measured] = {}
        for each in far:
            found |= self._measured(each)
        bins = [each for each in scan.metrics if isinstance(each, NumberBins) and each.low is None]
        if bins := [each for each in bins if each.ends() in found]:
            placed = [
                replace(each, low=low or 0.0, high=high or 0.0)
                for each in bins
                for low, high in [_ends(found[each.ends()])]
            ]
            measured = self._measured(replace(scan, metrics=tuple(placed)))
            found |= {each: measured[other] for each, other in zip(bins, placed, strict=True)}
        found = {metric: found[metric] for metric in scan.metrics if metric in found}
        if found:
            self._by_ray |= found.keys()
            self.local.scans.append(replace(scan, metrics=tuple(found)))
        if near is not None:
            found |= self.local.measure(near)
        return found

    def _measured(self, scan: Scan) -> Mapping[Metric, Measured]:
        if scan not in self._found:
            alias = _table(scan)
            together = [scan]
            if self.time_limit is None:  # a limit is for one scan
                together = [each for each in self._expected if _table(each) == alias and each not in self._found]
                together = list(dict.fromkeys([*together, scan]))
            try:
                self._found.update(self._measure_together(alias, together))
            except DataError as error:
                raise SourceError(error.message, help=error.help) from error
        answer = self._found[scan]
        if isinstance(answer, Exception):
            raise self._translated(answer) from answer
        return answer

    def _translated(self, error: Exception) -> EngineError:
        if isinstance(error, EngineError):
            return error
        if isinstance(error, duckdb.InterruptException) and self.time_limit is not None:
            return TimeLimitError(f"the scan took longer than {self.time_limit:g} s, the limit")
        if isinstance(error, DataError):
            return SourceError(error.message, help=error.help)
        if isinstance(error, duckdb.IOException) and not self.tables.changes():
            return SourceError(
                f"a machine of the cluster cannot read the data: {str(error).partition(chr(10))[0]}",
                help="the files must be found under the same paths on all machines",
            )
        return self.local.translated(error)

    def recover(self, error: Exception) -> bool:
        """As that of the tables, which are cut anew."""
        self._split.clear()
        return self.tables.recover(error)

    def _measure_together(self, alias: str, scans: Sequence[Scan]) -> dict[Scan, Mapping[Metric, Measured] | Exception]:
        in_rows = [(scan, compile_scan(_in_parts(scan))) for scan in scans if isinstance(scan.grain, Rows)]
        grains = list(dict.fromkeys(scan.grain for scan in scans if isinstance(scan.grain, Groups)))
        piles = self._piles(alias) if grains else 0
        tables = [frequency_table(grain) for grain in grains]
        asked = Asked(
            tuple(self.local.text(query.tree) for _, query in in_rows),
            tuple(_piled(self.local.text(each), grain, piles) for grain, each in zip(grains, tables, strict=True)),
            piles,
        )
        answers: list[list[Answer]] = []
        piled: list[list[Any]] = []
        trees = [*(query.tree for _, query in in_rows), *tables]
        for answer, refs in self._over(alias, trees, parts.measure, asked, returns=1 + piles):
            answers.append(answer)
            piled.append(refs)
        of_parts = list(zip(*answers, strict=True))
        found: dict[Scan, Mapping[Metric, Measured] | Exception] = {}
        for (scan, query), each in zip(in_rows, of_parts, strict=False):
            found[scan] = _first_error(each) or _merged(scan, query, each)
        errors = {
            grain: error
            for grain, each in zip(grains, of_parts[len(in_rows) :], strict=True)
            if (error := _first_error(each))
        }
        in_groups = [scan for scan in scans if isinstance(scan.grain, Groups)]
        found |= {scan: errors[scan.grain] for scan in in_groups if scan.grain in errors}
        if left := [scan for scan in in_groups if scan.grain not in errors]:
            with self.cluster.starting():
                shelf = _Shelf(self, tuple(grains), frozenset(errors), piled)
                found |= shelf.measure(left)
        return found

    def _piles(self, alias: str) -> int:
        if alias in self.tables.stored:
            return min(MOST_PILES, 2 * self.cluster.cpus)
        return max(1, min(MOST_PILES, len(self._pieces_of_files(alias))))

    # -- asking all parts -----------------------------------------------------------------------------------

    def _over(
        self,
        alias: str,
        trees: Sequence[exp.Expr],
        function: Callable[..., Any],
        *arguments: Any,
        returns: int = 1,
        at_once: int = AT_ONCE,
    ) -> Generator[tuple[Any, list[Any]], None, None]:
        """What a function gives of each part of a table, in their order; `trees` are the queries behind it."""
        setting, beside = self._setting(alias, trees), self._beside(alias, trees)
        names, sent = tuple((other, None) for other in beside), tuple(beside.values())

        def calls() -> Iterator[tuple[Any, ...]]:
            for piece, blocks in self._pieces(alias):
                whole = replace(piece, blocks=(*piece.blocks, *names))
                yield setting, whole, *arguments, *blocks, *sent

        self._done, self._total = 0, len(self._split.get(alias, ()))
        spread = self.tables.splittable(alias) is not None
        given = self.cluster.each(function, calls(), returns, spread=spread, seconds=self.time_limit, at_once=at_once)
        try:
            with closing(given):
                for each in given:
                    self._done += 1
                    yield each
        finally:
            self._done, self._total = 0, 0

    def _setting(self, alias: str = "", trees: Sequence[exp.Expr] = ()) -> Setting:
        """What the tasks over a table need: the tables that they read beside it, too."""
        views: dict[str, str] = {}
        files: list[str] = []
        served: list[ServedPart] = []
        schemas: dict[str, pa.Schema] = {}
        dataset = self.tables.stored.get(alias)
        if isinstance(dataset, RayDataset):
            schemas[alias] = dataset.held
        for other, columns in self._read_beside(alias, trees).items():
            if (found := self.tables.splittable(other)) is not None:
                views[other] = self.tables.query_of(other, found.files)
                files += _allowed(found.files)
                served += [part] if (part := self.tables.served(other, found.files)) else []
            else:
                schemas[other], _ = self._sent(other, columns)
                views[other] = _of_blocks(
                    other, Schema(tuple(each for each in self.schemas()[other] if each.name in columns))
                )
        limits = self.cluster.memory_limit, self.time_limit
        return Setting(schemas, views, tuple(files), tuple(served), *limits)

    def _read_beside(self, alias: str, trees: Sequence[exp.Expr]) -> dict[str, tuple[str, ...]]:
        """The columns of other tables that queries read."""
        read: dict[str, dict[str, None]] = {}
        for tree in trees:
            for other, columns in columns_read(tree, self.schemas()).items():
                if other != alias:
                    read.setdefault(other, {}).update(dict.fromkeys(columns))
        return {other: tuple(columns) or self.schemas()[other].names[:1] for other, columns in read.items()}

    def _beside(self, alias: str, trees: Sequence[exp.Expr]) -> dict[str, Any]:
        """The tables that are sent to the tasks, since they cannot be read there."""
        return {
            other: self._sent(other, columns)[1]
            for other, columns in self._read_beside(alias, trees).items()
            if self.tables.splittable(other) is None
        }

    def _sent(self, alias: str, columns: tuple[str, ...]) -> tuple[pa.Schema, Any]:
        """Columns of a table that every task can have: their schema, and a reference to them."""
        if (alias, columns) not in self._held:
            query = exp.select(*(exp.column(exp.to_identifier(name, quoted=True)) for name in columns))
            query = query.from_(exp.table_(exp.to_identifier(alias, quoted=True)))
            self.tables.bring(query)
            table = self.tables.connection.sql(self.local.text(query)).to_arrow_table()
            self._held[alias, columns] = table.schema, self.cluster.put(table)
        return self._held[alias, columns]

    # -- parts ----------------------------------------------------------------------------------------------

    def _pieces(self, alias: str) -> Iterator[tuple[Piece, tuple[Any, ...]]]:
        """The parts of a table, each with its blocks."""
        dataset = self.tables.stored.get(alias)
        if not isinstance(dataset, RayDataset):
            yield from ((piece, ()) for piece in self._pieces_of_files(alias))
            return
        view = _of_blocks(alias, self.schemas()[alias])
        some: list[Block] = []
        made = 0

        def piece() -> tuple[Piece, tuple[Any, ...]]:
            return Piece(alias, view, (), None, tuple((alias, each.rows) for each in some)), tuple(
                each.ref for each in some
            )

        for block in dataset.blocks():
            some.append(block)
            if sum(each.size for each in some) >= BLOCK_BYTES:
                yield piece()
                some, made = [], made + 1
        if some or not made:
            yield piece()

    def _pieces_of_files(self, alias: str) -> tuple[Piece, ...]:
        if alias not in self._split:
            files = self.tables.splittable(alias)
            assert files is not None
            sizes = [self.tables.size(alias, file) for file in files.files]
            in_ranges = files.format == "parquet" and "file_row_number" not in self.schemas()[alias].names
            shares = _shares(files.files, sizes, self.cluster.cpus, self.tables if in_ranges else None)
            self._split[alias] = tuple(
                Piece(
                    alias,
                    self.tables.query_of(alias, some, rows),
                    tuple(_allowed(some)),
                    self.tables.served(alias, some),
                )
                for some, rows in shares
            )
        return self._split[alias]

    # -- rows -----------------------------------------------------------------------------------------------

    def sample(self, alias: str, condition: exp.Expr, limit: int, /) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Column names and up to `limit` rows that meet a condition: the first ones, part by part."""
        query = self.local.sampling(alias, condition, limit)
        if self._whole(alias) or not self._is_alone(alias, condition):
            return self.local.sample(alias, condition, limit)
        found: list[tuple[Any, ...]] = []
        asked = Asked((self.local.text(query),))
        over = self._over(alias, [query], parts.measure, asked, at_once=1)
        with closing(over):
            for (answer,), _ in over:
                if isinstance(answer, Exception):
                    raise self._translated(answer) from answer
                found += answer[: limit - len(found)]
                if len(found) == limit:
                    break
        return self.schemas()[alias].names, found

    def rows(self, alias: str, outcomes: Sequence[exp.Expr | None], batch: int, /) -> pa.RecordBatchReader:
        """A stream, part by part, in the order of the table."""
        import pyarrow as pa

        if self._whole(alias) or not all(each is None or self._is_alone(alias, each) for each in outcomes):
            return self.local.rows(alias, outcomes, batch)
        stream = self._streamed(alias, with_outcomes(alias, self.schemas()[alias], outcomes), batch)
        schema: pa.Schema = next(stream)
        return pa.RecordBatchReader.from_batches(schema, stream)

    def _streamed(self, alias: str, query: exp.Expr, batch: int) -> Iterator[Any]:
        """The schema of what a query gives, then its rows."""
        self.local.demand_same()
        text, schema = self.local.text(query), None
        for table, _ in self._over(alias, [query], parts.stream, text):
            if isinstance(table, Exception):
                raise self._translated(table) from table
            if schema is None:
                schema = table.schema
                yield schema
            yield from table.cast(schema).to_batches(max_chunksize=batch)
        self.local.demand_same()


class _Shelf:
    """The piles of the frequency tables of some grains, where they lie in the cluster."""

    def __init__(
        self, engine: RayEngine, grains: tuple[Groups, ...], broken: frozenset[Groups], piled: Sequence[Sequence[Any]]
    ) -> None:
        """`piled` are references to the piles of each part; no part has any of a grain that is `broken`."""
        self._engine = engine
        self._grains = grains
        self._adding = tuple("" if grain in broken else _adding(grain) for grain in grains)
        self._setting = Setting(memory_limit=engine.cluster.memory_limit, seconds=engine.time_limit)
        self._piles: list[list[Any]] = [list(each) for each in zip(*piled, strict=True)]
        while max(map(len, self._piles)) > FAN_IN:
            calls = [(self._setting, self._adding, *some) for pile in self._piles for some in chunks(pile, FAN_IN)]
            added = iter(engine.cluster.start(parts.add, calls))
            self._piles = [[next(added) for _ in chunks(pile, FAN_IN)] for pile in self._piles]

    def measure(self, scans: Sequence[Scan]) -> dict[Scan, Mapping[Metric, Measured] | Exception]:
        """What scans ask of the whole frequency tables."""
        compiled = {scan: compile_scan(scan) for scan in scans if not _is_of_ranks(scan)}
        texts = {scan: self._engine.local.text(_of_groups(query.tree)) for scan, query in compiled.items()}
        answers = self._ask([(scan.grain, texts.get(scan, MARKS)) for scan in scans])
        found: dict[Scan, Mapping[Metric, Measured] | Exception] = {}
        for scan, of_piles in zip(scans, answers, strict=True):
            if error := _first_error(of_piles):
                found[scan] = error
            elif scan in compiled:
                found[scan] = _merged(scan, compiled[scan], of_piles)
            else:
                found[scan] = self._quartiles(scan, Marks(of_piles))
        return found

    def _quartiles(self, scan: Scan, marks: Marks) -> Mapping[Metric, Measured] | Exception:
        if not marks.total:
            return dict.fromkeys(scan.metrics, Quartiles())
        places = [q * (marks.total - 1) for q in (0.25, 0.75)]
        ranks = list(dict.fromkeys(rank for place in places for rank in (math.floor(place), math.ceil(place))))
        answers = self._ask([(scan.grain, query) for rank in ranks for query in marks.around(rank).queries])
        if error := _first_error(each for of_piles in answers for each in of_piles):
            return error
        values = {}
        for rank, below, between in zip(ranks, answers[::2], answers[1::2], strict=True):
            values[rank] = ranked(rank, sum(n for ((n,),) in below), [pair for pile in between for pair in pile])
        found = [self._between(values[math.floor(place)], values[math.ceil(place)], place % 1) for place in places]
        return dict.fromkeys(scan.metrics, Quartiles(*found))

    def _between(self, low: float, high: float, share: float) -> float:
        """What lies between two values, interpolated as DuckDB does it."""
        query = "SELECT quantile_cont(v, ?) FROM (VALUES (?::DOUBLE), (?::DOUBLE)) t(v)"
        ((value,),) = self._engine.tables.connection.execute(query, [share, low, high]).fetchall()
        return float(value)

    def _ask(self, queries: Sequence[tuple[Any, str]]) -> list[list[Any]]:
        """The answers of all piles to queries over the groups `g` of a grain: query by query."""
        asked = tuple(tuple(text for grain, text in queries if grain == each) for each in self._grains)
        calls = [(self._setting, self._adding, asked, *pile) for pile in self._piles]
        cluster, seconds = self._engine.cluster, self._engine.time_limit
        of_piles = [answer for answer, _ in cluster.each(parts.sum_up, calls, seconds=seconds)]
        nexts = {grain: itertools.count() for grain in self._grains}
        places = [(self._grains.index(grain), next(nexts[grain])) for grain, _ in queries]
        return [[pile[at][number] for pile in of_piles] for at, number in places]


def _is_of_ranks(scan: Scan) -> bool:
    return isinstance(scan.metrics[0], InterquartileRange)


def _ends(measured: Measured) -> tuple[float | None, float | None]:
    assert isinstance(measured, Extremes)
    return measured.low, measured.high


def _table(scan: Scan) -> str:
    assert isinstance(scan.grain, Rows | Groups)
    return scan.grain.table


def _is_unlike(column: Column) -> bool:
    return column.type in UNLIKE or column.native in UNLIKE_NATIVES


def _in_parts(scan: Scan) -> Scan:
    """The scan as a part is asked: for metrics whose states merge."""
    return replace(scan, metrics=tuple(in_parts(metric) for metric in scan.metrics))


def _first_error(answers: Iterable[Answer]) -> Exception | None:
    return next((each for each in answers if isinstance(each, Exception)), None)


def _merged(scan: Scan, query: Query, answers: Sequence[Any]) -> Mapping[Metric, Measured]:
    """What a scan measures, from the one row that each part, or each pile of groups, answers."""
    found: dict[Metric, Measured] = {}
    for metric, cells in zip(scan.metrics, query.cells, strict=True):
        asked: Any = in_parts(metric)
        of_parts = [[row[at] for at in cells] for ((*row,),) in answers]
        if hasattr(asked, "joined"):
            found[metric] = asked.joined(of_parts)
            continue
        whole = in_tree(lambda left, right: left.merge(right), [asked.state(each) for each in of_parts])
        found[metric] = asked.finished(whole) if isinstance(asked, PowersOf | PowersOfPairs) else whole
    return found


def chunks(values: Sequence[S], size: int) -> Iterator[Sequence[S]]:
    """The values, so many at a time."""
    return (values[at : at + size] for at in range(0, len(values), size))


def in_tree(join: Callable[[S, S], S], values: Sequence[S]) -> S:
    """All values joined, neighbours first: always in the same order, and rounded as little as can be."""
    while len(values) > 1:
        values = [reduce(join, pair) for pair in chunks(values, 2)]
    return values[0]


def _piled(query: str, grain: Groups, piles: int) -> str:
    """A frequency table that says to which pile each key belongs."""
    keys = ", ".join(f"k{at}" for at in range(len(grain.columns)))
    return f"SELECT *, (hash({keys}) % {piles})::INTEGER AS pile FROM ({query})"


def _of_groups(query: exp.Expr) -> exp.Expr:
    """A query over a frequency table, which is called `g`."""
    assert isinstance(query, exp.Select)
    return query.from_(exp.to_table("g"))


def _adding(grain: Groups) -> str:
    """Frequency tables that came from several parts, as one."""
    keys = [f"k{at}" for at in range(len(grain.columns))]
    typed = ", ".join(f"k{at}::{column.native} AS k{at}" for at, column in enumerate(grain.columns))
    return (
        f"SELECT {', '.join(keys)}, sum(n)::BIGINT AS n FROM (SELECT {typed}, n FROM {INCOMING})"
        f" GROUP BY {', '.join(keys)}"
    )


def _of_blocks(alias: str, schema: Schema) -> str:
    """The view of a table that comes as blocks."""
    typed = ", ".join(f"{identifier(each.name)}::{each.native} AS {identifier(each.name)}" for each in schema)
    query = f"SELECT {typed} FROM {identifier(in_memory(alias))}"
    return with_nan(query, schema) if ARROW_HIDES_NAN else query


def _allowed(files: Iterable[File]) -> list[str]:
    return [path for file in files for path in dict.fromkeys((file.path, file.pattern))]


def _shares(
    files: Sequence[File], sizes: Sequence[int], cpus: int, tables: Tables | None
) -> list[tuple[list[File], range | None]]:
    """Files in groups, enough of them that all CPUs have work; with `tables`, large ones in ranges of their rows."""
    wanted = max(1, min(PART_BYTES, -(-sum(sizes) // cpus)))
    found: list[tuple[list[File], range | None]] = []
    group: list[File] = []
    held = 0
    for file, size in zip(files, sizes, strict=True):
        if tables is not None and size > 1.5 * wanted:
            found += [*([(group, None)] if group else [])]
            found += [([file], rows) for rows in _row_ranges(tables, file, round(size / wanted))]
            group, held = [], 0
            continue
        group.append(file)
        held += size
        if held >= wanted:
            found.append((group, None))
            group, held = [], 0
    return [*found, (group, None)] if group else found


def _row_ranges(tables: Tables, file: File, wanted: int) -> list[range | None]:
    """About so many ranges of the rows of a file, whole row groups each; None alone for all rows."""
    from dq.engines.connection import literal

    query = (
        "SELECT any_value(row_group_num_rows) FROM parquet_metadata"
        f"({literal(file.pattern)}) GROUP BY row_group_id ORDER BY row_group_id"
    )
    groups = [int(row[0]) for row in tables.connection.execute(query).fetchall()]
    step = -(-sum(groups) // max(1, wanted))
    ranges: list[range] = []
    start = stop = 0
    for rows in groups:
        stop += rows
        if stop - start >= step:
            ranges.append(range(start, stop))
            start = stop
    if stop > start:
        ranges.append(range(start, stop))
    return [*ranges] if len(ranges) > 1 else [None]


@contextmanager
def opened(request: Request, /) -> Iterator[Opened]:
    """The tables of a run, measured on Ray, until the context ends. Ray itself ends with the process."""
    cluster = Cluster(request.threads, request.memory_limit)
    with Tables(
        request.data,
        options=request.read,
        memory_limit=request.memory_limit,
        threads=request.threads,
        progress=request.progress,
    ) as tables:

        @contextmanager
        def again() -> Iterator[Engine]:
            with tables.reopened() as reopened:
                reopened.settle(PRIMARY)
                yield RayEngine(reopened, cluster)

        engine = RayEngine(tables, cluster, request.time_limit)
        yield Opened(engine, again, engine.recover, tables.folders, tables.paths(PRIMARY))
