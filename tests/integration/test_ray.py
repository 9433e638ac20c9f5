"""Ray on a cluster of three machines: what DuckDB says of the same data, whatever it is and whatever happens."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rays
from documentation.pages import blocks, read
from servers import s3

import dq
from dq.engines import cluster as clusters
from dq.engines import ray as engine
from dq.engines.parts import Asked, Piece, Setting, measure
from dq.files.stores import Store
from dq.outcomes import Distribution
from dq.sources import remote

pytestmark = pytest.mark.ray

DQ = str(Path(sys.executable).with_name("dq"))
NODES = 3
ROWS = 3000
NOW = datetime(2026, 1, 31, tzinfo=UTC)

RULES = """
Rules = [
    RowCount = 3000, RowCountMatch "ref" > 100, ColumnCount > 3,
    IsComplete "id", Completeness "name" > 0.5, IsUnique "id", IsPrimaryKey "id" "day", Uniqueness "name" > 0.1,
    UniqueValueRatio "name" >= 0, DistinctValuesCount "name" = 8, DuplicateRowCount "name" "qty" > 3, Entropy "name" > 1,
    Mean "qty" > 3, Sum "qty" > 0, Sum "price" > 0, StandardDeviation "qty" < 2, Variance "price" > 0, Range "qty" = 6,
    InterquartileRange "qty" > 1, InterquartileRange "price" > 1 where "qty > 2", Skewness "price" < 1,
    Kurtosis "price" < 1, ZerosCount "qty" > 1, ColumnCorrelation "qty" "price" > 0.5,
    ColumnValues "name" in ["n0", "n1"] with threshold > 0.1, ColumnValues "price" between 0 and 90,
    ColumnLength "name" = 2, ColumnValues "day" > "2025-01-01", IsComplete "name" where "qty > 2",
    ReferentialIntegrity "qty" "ref.k" > 0.5, DatasetMatch "ref" "qty->k" "name->name" > 0.1,
    AggregateMatch "sum(qty)" "sum(ref.k)" > 1,
    CustomSql "select count(*) from primary where qty > 3" > 10, CustomSql "select id from primary where qty < 6",
    (IsComplete "name") and (IsUnique "id")
]
Analyzers = [ AllStatistics "AllColumns", Distribution "qty" with bins = 4, Distribution "price", Distribution "name" ]
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Three machines of a CPU each, as Ray sees it, and no other Ray in this process."""
    import ray
    from ray.cluster_utils import Cluster

    rays.ended()
    settings = {"num_cpus": 1, "object_store_memory": 100 << 20, "include_dashboard": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = Cluster(initialize_head=True, head_node_args=settings)
        for _ in range(NODES - 1):
            made.add_node(**{key: value for key, value in settings.items() if key != "include_dashboard"})
        ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    rays.quieten()
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture(autouse=True)
def small_parts(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many parts of little data, and piles that are added up in a tree."""
    monkeypatch.setattr(engine, "PART_BYTES", 8_000)
    monkeypatch.setattr(engine, "BLOCK_BYTES", 0)
    monkeypatch.setattr(engine, "FAN_IN", 3)
    monkeypatch.setattr(engine, "MOST_PILES", 3)


ORDERS = f"""
    SELECT i AS id, CASE WHEN i % 9 > 0 THEN 'n' || i % 8 END AS name, i % 7 AS qty, (i * 37 % 1000) / 10.0 AS price,
        DATE '2026-01-01' + INTERVAL (i % 40) DAY AS day, '0' || i % 3 AS region FROM range({ROWS}) t(i)
"""


def written(folder: Path, form: str) -> str:
    """The orders as files of a form."""
    with duckdb.connect() as connection:
        if form == "large":
            connection.execute(f"COPY ({ORDERS}) TO '{folder}/all.parquet' (ROW_GROUP_SIZE 300)")
        elif form == "hive":
            connection.execute(f"COPY ({ORDERS}) TO '{folder}/all' (PARTITION_BY region)")
        elif form == "unlike":
            for at, columns in enumerate(("*", "* EXCLUDE (region)", "* REPLACE (qty::SMALLINT AS qty)")):
                rows = f"SELECT {columns} FROM ({ORDERS}) WHERE id % 3 = {at} ORDER BY id"
                connection.execute(f"COPY ({rows}) TO '{folder}/{at}.parquet'")
        else:
            for at in range(5):
                rows = f"SELECT * FROM ({ORDERS}) WHERE id // 600 = {at} ORDER BY id"
                connection.execute(f"COPY ({rows}) TO '{folder}/{at}.{form}'")
    return str(folder)


def reference() -> pa.Table:
    return pa.table({"k": [0, 1, 2, 3, 3], "name": ["n0", "n1", "n2", None, "n3"]})


def told(evaluation: dq.Evaluation) -> list[Any]:
    """What an evaluation says, but for its numbers and who measured them."""
    outcomes = [
        (str(each.rule), each.verdict, each.failing and (each.failing.count, each.failing.total))
        for each in evaluation.outcomes
    ]
    spreads = [each.value for each in evaluation.statistics if isinstance(each.value, Distribution)]
    return [*outcomes, *((each.counts, each.others, each.beyond) for each in spreads)]


def numbers(evaluation: dq.Evaluation) -> dict[str, float]:
    """Every metric by its rule and name; NaN for none."""
    found = {f"{each.rule} {name}": value for each in evaluation.outcomes for name, value in each.metrics.items()}
    found |= {each.name: each.value for each in evaluation.statistics if not isinstance(each.value, Distribution)}
    return {name: math.nan if value is None else value for name, value in found.items()}


def assert_same(found: dq.Evaluation, wanted: dq.Evaluation) -> None:
    assert told(found) == told(wanted)
    assert numbers(found) == pytest.approx(numbers(wanted), rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("form", ["parquet", "large", "hive", "unlike", "csv", "json"])
def test_files_are_judged_as_by_duckdb(form: str, tmp_path: Path) -> None:
    data = {"primary": written(tmp_path, form), "ref": reference()}
    options = dq.Options(now=NOW, composites="row")
    wanted = dq.evaluate(RULES, data, engine="duckdb", options=options)
    found = dq.evaluate(RULES, data, engine="ray", options=options)
    assert_same(found, wanted)
    assert not [each.reason for each in found.outcomes if each.verdict is dq.Verdict.ERROR]
    assert found.engine == "ray"
    by = {str(each.rule): each.evidence for each in found.outcomes}
    assert by['IsUnique "id"'] == by['Mean "qty" > 3'] == by['InterquartileRange "qty" > 1'] == ("ray",)
    assert by['ReferentialIntegrity "qty" "ref.k" > 0.5'] == ("ray",)
    assert by['CustomSql "select count(*) from primary where qty > 3" > 10'] == ("duckdb",)
    assert found.tables == wanted.tables


def test_a_dataset_is_judged_as_its_table(tmp_path: Path) -> None:
    import ray.data

    with duckdb.connect() as connection:
        table = connection.sql(ORDERS).to_arrow_table()
    blocks = ray.data.from_arrow([table.slice(at, 400) for at in range(0, ROWS, 400)])
    data = {"primary": blocks.map_batches(lambda batch: batch, batch_format="pyarrow"), "ref": reference()}
    found = dq.evaluate(RULES, data, options=dq.Options(now=NOW))
    assert_same(found, dq.evaluate(RULES, {"primary": table, "ref": reference()}, options=dq.Options(now=NOW)))
    assert found.engine == "ray"


# -- machines that are lost ----------------------------------------------------------------------------


def test_a_machine_that_is_lost_in_the_middle_changes_nothing(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = {"primary": written(tmp_path, "parquet"), "ref": reference()}
    node = cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
    monkeypatch.setattr(engine, "PART_BYTES", 2_000)
    each, lost = clusters.Cluster.each, []

    def losing(self: clusters.Cluster, *arguments: Any, **options: Any) -> Iterator[Any]:
        for at, answer in enumerate(each(self, *arguments, **options)):
            if at == 2 and not lost:
                lost.append(node)
                cluster.remove_node(node, allow_graceful=False)
            yield answer

    monkeypatch.setattr(clusters.Cluster, "each", losing)
    found = dq.evaluate(RULES, data, engine="ray", options=dq.Options(now=NOW))
    assert lost
    assert_same(found, dq.evaluate(RULES, data, engine="duckdb", options=dq.Options(now=NOW)))


def test_a_machine_of_another_version_is_told() -> None:
    setting = Setting(versions=("0.0.1", "0.9.2"))
    (answer,) = measure(setting, Piece(), Asked(("SELECT 1",)))
    assert "where dq-rules 0.0.1 and duckdb 0.9.2 asks" in str(answer)


# -- types that are found late -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "rules"),
    [
        ("abc", 'Rules = [ColumnValues "v" = "abc" with threshold > 0, DistinctValuesCount "v" = 3, IsComplete "v"]'),
        ("1.5", 'Rules = [Sum "v" > 3.4, DistinctValuesCount "v" = 3, ColumnValues "v" > 0]'),
        ('""', 'Rules = [Completeness "v" < 1, Sum "v" > 2]'),
    ],
)
def test_a_value_in_the_middle_of_a_csv_file_gives_its_type_to_all_parts(late: str, rules: str, tmp_path: Path) -> None:
    lines = ["v,w", *["1,x"] * 30_000, f"{late},y", *["02,z"] * 10]
    for at in range(4):
        (tmp_path / f"{at}.csv").write_text("\n".join(lines if at == 2 else ["v,w", *["1,x"] * 50]))
    found = dq.evaluate(rules, tmp_path, engine="ray")
    wanted = dq.evaluate(rules, tmp_path, engine="duckdb")
    assert_same(found, wanted)
    assert found.tables == wanted.tables
    assert found.rows().read_all().sort_by("v").equals(wanted.rows().read_all().sort_by("v"))
    assert {each.evidence for each in found.outcomes} == {("ray",)}


def test_keys_of_folders_have_the_type_that_all_of_them_have(tmp_path: Path) -> None:
    for key in ("007", "8", "x"):
        (tmp_path / f"k={key}").mkdir()
        (tmp_path / f"k={key}" / "a.csv").write_text("v\n1\n2\n")
    rules = 'Rules = [ColumnValues "k" in ["007", "8", "x"], DistinctValuesCount "k" = 3]'
    assert_same(dq.evaluate(rules, tmp_path, engine="ray"), dq.evaluate(rules, tmp_path, engine="duckdb"))
    assert [each.verdict.value for each in dq.evaluate(rules, tmp_path, engine="ray").outcomes] == ["PASSED"] * 2


BLOCKS = {
    "NULL comes first": [pa.table({"v": pa.nulls(2), "w": [1, 2]}), pa.table({"v": [3, 4], "w": [3, 4]})],
    "a wider number": [pa.table({"v": [1, 2]}), pa.table({"v": [2.5, None]})],
    "a column that others lack": [pa.table({"v": [1, 2]}), pa.table({"v": [3], "w": ["x"]}), pa.table({"w": ["y"]})],
    "in another order": [pa.table({"v": [1], "w": [2.0]}), pa.table({"w": [1.5], "v": [2]})],
}


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_blocks_that_differ_are_one_table(blocks: list[pa.Table]) -> None:
    import ray.data

    rules = 'Rules = [Sum "v" > 0, Completeness "v" > 0.1, DistinctValuesCount "v" > 1, RowCount > 1]'
    whole = pa.concat_tables(blocks, promote_options="permissive")
    found = dq.evaluate(rules, ray.data.from_arrow(blocks))
    assert_same(found, dq.evaluate(rules, whole))
    assert found.rows().read_all().num_rows == whole.num_rows


@pytest.mark.parametrize("name", ["ray", "duckdb"])
def test_a_block_that_is_wider_than_the_first_is_found_while_it_is_measured(name: str) -> None:
    import ray.data

    def wider(batch: pa.Table) -> pa.Table:
        return batch if batch["v"][0].as_py() < 2 else pa.table({"v": [2.5], "w": ["x"]})

    blocks = ray.data.from_arrow([pa.table({"v": [1]}), pa.table({"v": [2]})])
    rules = 'Rules = [Sum "v" = 3.5, CustomSql "select sum(v) from primary" = 3.5, ColumnCount = 2]'
    found = dq.evaluate(rules, blocks.map_batches(wider, batch_format="pyarrow"), engine=name)
    assert [each.verdict.value for each in found.outcomes] == ["PASSED"] * 3, [each.reason for each in found.outcomes]
    assert found.rows().read_all()["w"].to_pylist() == [None, "x"]


def test_blocks_that_are_no_one_table_are_an_error() -> None:
    import ray.data

    def as_text_from_two(batch: pa.Table) -> pa.Table:
        return batch if batch["v"][0].as_py() < 2 else pa.table({"v": ["x"]})

    blocks = ray.data.from_arrow([pa.table({"v": [1]}), pa.table({"v": [2]})])
    strange = blocks.map_batches(as_text_from_two, batch_format="pyarrow")
    (outcome,) = dq.evaluate('Rules = [IsComplete "v"]', strange).outcomes
    assert outcome.verdict is dq.Verdict.ERROR
    assert "the blocks of the Ray Dataset do not have the same columns" in outcome.reason
    with pytest.raises(dq.DataError, match="the Ray Dataset cannot be read"):
        dq.evaluate('Rules = [IsComplete "v"]', ray.data.from_arrow([pa.table({"v": [1]}), pa.table({"v": ["x"]})]))


def test_a_step_of_a_dataset_that_fails_is_an_error() -> None:
    import ray.data

    def fails_from_two(batch: pa.Table) -> pa.Table:
        if batch["v"][0].as_py() < 2:
            return batch
        raise ValueError("this step fails")

    steps = ray.data.from_arrow([pa.table({"v": [1]}), pa.table({"v": [2]})]).map_batches(
        fails_from_two, batch_format="pyarrow"
    )
    (outcome,) = dq.evaluate('Rules = [IsComplete "v"]', steps).outcomes
    assert outcome.verdict is dq.Verdict.ERROR
    assert outcome.reason == "the Ray Dataset cannot be read: ValueError: this step fails"


def test_blocks_of_pandas_and_no_block_at_all() -> None:
    import pandas as pd
    import ray.data

    frames = [pd.DataFrame({"v": [1.0, None], "s": ["a", None]}), pd.DataFrame({"v": [2.0, 2.0], "s": ["b", "b"]})]
    found = dq.evaluate(
        'Rules = [Completeness "v" = 0.75, Completeness "s" = 0.75, Sum "v" = 5]', ray.data.from_pandas(frames)
    )
    assert [each.verdict.value for each in found.outcomes] == ["PASSED"] * 3, [each.reason for each in found.outcomes]
    empty = dq.evaluate(
        'Rules = [RowCount = 0, IsComplete "v"]', ray.data.from_arrow(pa.table({"v": pa.array([], pa.int64())}))
    )
    assert [each.verdict.value for each in empty.outcomes] == ["PASSED", "FAILED"]
    with pytest.raises(dq.DataError, match="no columns"):
        dq.evaluate("Rules = [RowCount = 0]", ray.data.from_items([]))


# -- rows ----------------------------------------------------------------------------------------------

BY_ROW = 'Rules = [ColumnValues "qty" < 6, IsComplete "name" where "qty > 2", ReferentialIntegrity "qty" "ref.k" = 1]'


@pytest.mark.parametrize("rules", [BY_ROW, 'Rules = [IsUnique "name", ColumnValues "qty" < 6]'])
@pytest.mark.parametrize("form", ["parquet", "large", "csv", "json", "unlike"])
def test_rows_are_labelled_in_the_order_of_the_table(form: str, rules: str, tmp_path: Path) -> None:
    data = {"primary": written(tmp_path, form), "ref": reference()}
    found, wanted = (dq.evaluate(rules, data, engine=each) for each in ("ray", "duckdb"))
    ours, theirs = found.rows().read_all(), wanted.rows().read_all().sort_by("id")
    assert ours.sort_by("id").equals(theirs)
    assert rules is not BY_ROW or form == "unlike" or ours["id"].to_pylist() == list(range(ROWS))
    good, bad = found.split()
    assert good.read_all().num_rows + bad.read_all().num_rows == ROWS


def test_failing_rows_are_found_in_whatever_part_they_are(tmp_path: Path) -> None:
    found = dq.evaluate('Rules = [ColumnValues "id" < 2998]', written(tmp_path, "parquet"), engine="ray")
    failing = found.outcomes[0].failing
    assert failing is not None
    assert [row[failing.columns.index("id")] for row in failing.sample] == [2998, 2999]


# -- what goes wrong -----------------------------------------------------------------------------------


def test_an_expression_that_fails_leaves_its_neighbours_alone(tmp_path: Path) -> None:
    rules = 'Rules = [IsComplete "id", ColumnValues "qty" = 1 where "cast(name as int) > 1", Mean "qty" > 0]'
    found = dq.evaluate(rules, written(tmp_path, "parquet"), engine="ray")
    wanted = dq.evaluate(rules, tmp_path, engine="duckdb")
    assert [each.verdict for each in found.outcomes] == [each.verdict for each in wanted.outcomes]
    assert [each.reason for each in found.outcomes] == [each.reason for each in wanted.outcomes]


def test_a_scan_that_takes_too_long_is_an_error(tmp_path: Path) -> None:
    slow = (
        'Rules = [IsComplete "id" where "(select sum(a.range * b.range) from range(100000) a, range(100000) b) > id"]'
    )
    path = written(tmp_path, "parquet")
    (outcome,) = dq.evaluate(slow, path, engine="duckdb", time_limit=0.5).outcomes
    (found,) = dq.evaluate(slow, path, engine="ray", time_limit=0.5).outcomes
    assert (found.verdict, found.reason) == (outcome.verdict, outcome.reason)


def test_a_table_that_is_one_part_needs_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_begin", lambda *given: pytest.fail("Ray was begun"))
    monkeypatch.setattr(clusters.Cluster, "_ray", property(lambda self: pytest.fail("Ray was asked")))
    found = dq.evaluate('Rules = [IsComplete "v"]', pa.table({"v": [1]}), engine="ray")
    assert (found.engine, found.outcomes[0].evidence) == ("ray", ("duckdb",))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters.importlib, "util", SimpleNamespace(find_spec=lambda name: None))
    with pytest.raises(dq.DqError) as raised:
        dq.evaluate('Rules = [IsComplete "v"]', pa.table({"v": [1]}), engine="ray")
    assert raised.value.help == 'pip install "dq-rules[ray]"'


def test_the_command_line(cluster: Any, tmp_path: Path) -> None:
    data = written(tmp_path, "parquet")
    rule = ["--rule", 'ColumnValues "qty" < 6', data, "--engine", "ray"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        there = {**os.environ, "RAY_ADDRESS": cluster.address}
        return subprocess.run(
            [DQ, *arguments], capture_output=True, encoding="utf-8", timeout=120, check=False, env=there
        )

    done = run("evaluate", *rule, "--failed", str(tmp_path / "bad.parquet"))
    assert done.returncode == 1, done.stderr
    assert "· ray" in done.stdout
    with duckdb.connect() as connection:
        counted = connection.sql(f"select count(*) from '{tmp_path}/bad.parquet' where qty = 6").fetchall()
    assert counted == [(428,)]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("program", blocks(read("ray.md"), "python"))
def test_the_page_does_what_it_shows(program: str) -> None:
    exec(compile(program, "docs/ray.md", "exec"), {})


# -- files of other machines ---------------------------------------------------------------------------


def test_files_of_a_store_are_read_by_every_machine(tmp_path: Path) -> None:
    written(tmp_path, "parquet")
    with s3.moto() as server:
        s3.put(server, "lake", {f"orders/{path.name}": path.read_bytes() for path in tmp_path.iterdir()})
        s3.put(server, "refs", {"ref.parquet": as_parquet(reference())})
        store = Store(endpoint=server, region="us-east-1", access_key="x", secret_key="y")
        lake, ref = (remote.find(url, store=store) for url in ("s3://lake/orders/", "s3://refs/ref.parquet"))
        found = dq.evaluate(RULES, {"primary": lake, "ref": ref}, engine="ray", options=dq.Options(now=NOW))
        here = {"primary": str(tmp_path), "ref": reference()}
        assert_same(found, dq.evaluate(RULES, here, engine="duckdb", options=dq.Options(now=NOW)))
        by = {str(each.rule): each.evidence for each in found.outcomes}
        assert by['IsUnique "id"'] == by['ReferentialIntegrity "qty" "ref.k" > 0.5'] == ("ray",)
        assert sorted(found.rows().read_all()["id"].to_pylist()) == list(range(ROWS))
        s3.put(server, "lake", {"orders/1.parquet": as_parquet(pa.table({"id": [1]}))})
        with pytest.raises(dq.DataError, match=r"1\.parquet` changed while it was read"):
            dq.evaluate('Rules = [IsComplete "id"]', lake, engine="ray")


def as_parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()
