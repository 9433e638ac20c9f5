"""Whatever SQL says, DuckDB reaches the declared files and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dq.engines.connection import connect, identifier, literal, one_select
from dq.sources.tables import Tables

python_variable = [{"a": 1}]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A declared table beside files that nobody declared."""
    with duckdb.connect() as connection:
        for name in ("declared", "other"):
            for suffix in ("csv", "parquet", "json"):
                connection.execute(f"COPY (SELECT 7 AS a) TO '{tmp_path / name}.{suffix}'")
        connection.execute(f"ATTACH '{tmp_path}/other.db' AS o; CREATE TABLE o.t AS SELECT 1 AS a")
    (tmp_path / "extension.duckdb_extension").write_bytes(b"x")
    return tmp_path


@pytest.fixture
def tables(world: Path) -> Iterator[Tables]:
    data = {name: world / f"declared.{name}" for name in ("csv", "parquet", "json")}
    with Tables(data, temp_directory=world) as tables:
        yield tables


ESCAPES = [
    "FROM read_csv('/etc/passwd')",
    "FROM read_text('/etc/passwd')",
    "FROM read_blob('/etc/passwd')",
    "FROM '/etc/passwd'",
    "FROM read_csv('{world}/other.csv')",
    "FROM read_csv_auto('{world}/other.csv')",
    "FROM read_parquet('{world}/other.parquet')",
    "FROM parquet_scan('{world}/other.parquet')",
    "FROM '{world}/other.parquet'",
    '"FROM {world}/other.parquet"',
    "FROM '{world}/*.parquet'",
    "FROM read_csv(['{world}/declared.csv', '{world}/other.csv'])",
    "FROM read_csv('{world}/x/../other.csv')",
    "FROM read_csv('file://{world}/other.csv')",
    "FROM read_csv('{world}/declared.csv/../other.csv')",
    "FROM read_json('{world}/other.json')",
    "FROM read_json_objects('{world}/other.json')",
    "FROM read_ndjson('{world}/other.json')",
    "FROM sniff_csv('{world}/other.csv')",
    "FROM parquet_metadata('{world}/other.parquet')",
    "FROM parquet_schema('{world}/other.parquet')",
    "FROM parquet_file_metadata('{world}/other.parquet')",
    "FROM parquet_kv_metadata('{world}/other.parquet')",
    "FROM parquet_bloom_probe('{world}/other.parquet', 'a', 1)",
    "FROM glob('{world}/*')",
    "FROM glob('/etc/*')",
    "SELECT * FROM query('FROM read_text(''/etc/passwd'')')",
    "SELECT * FROM query_table('{world}/other.parquet')",
    "FROM 'https://example.com/x.parquet'",
    "FROM read_csv('http://localhost:9/x.csv')",
    "FROM 's3://bucket/key.parquet'",
    "COPY (SELECT 1) TO '{world}/new.csv'",
    "COPY (SELECT 1) TO '/tmp/dq-escaped.csv'",
    "COPY csv TO '{world}/other.csv' (USE_TMP_FILE false)",
    "COPY csv TO '{world}/declared.csv'",
    "COPY csv TO '{world}/folder' (FORMAT parquet, PER_THREAD_OUTPUT)",
    "CREATE TABLE t (a VARCHAR); COPY t FROM '/etc/passwd'",
    "EXPORT DATABASE '{world}/export'",
    "IMPORT DATABASE '{world}'",
    "ATTACH '{world}/other.db' AS o",
    "ATTACH '{world}/other.db' AS o (READ_ONLY)",
    "ATTACH '{world}/new.db' AS n",
    "ATTACH 'https://example.com/x.db' AS n",
    "INSTALL httpfs",
    "INSTALL spatial FROM community",
    "LOAD httpfs",
    "LOAD '{world}/extension.duckdb_extension'",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET allowed_directories = ['/']",
    "SET threads = 1",
    "SET memory_limit = '1TB'",
    "SET temp_directory = '/tmp'",
    "SET python_enable_replacements = true",
    "SET TimeZone = 'Asia/Tokyo'",
    "SET GLOBAL threads = 1",
    "RESET threads",
    "RESET lock_configuration",
    "PRAGMA threads = 1",
    "PRAGMA profiling_output = '{world}/profile.json'",
    "SELECT getenv('HOME')",
    "SELECT read_text('/etc/passwd')",
    "FROM python_variable",
    "CREATE PERSISTENT SECRET s (TYPE http)",
    "CREATE SECRET s (TYPE s3, KEY_ID 'x')",
    "UPDATE EXTENSIONS",
]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("sql", ESCAPES)
def test_no_sql_gets_out(world: Path, tables: Tables, sql: str) -> None:
    before = _contents(world)
    with pytest.raises(duckdb.Error):
        tables.connection.execute(sql.replace("{world}", str(world))).fetchall()
    assert _contents(world) == before
    assert not Path("/tmp/dq-escaped.csv").exists()
    for alias in ("csv", "parquet", "json"):
        assert tables.connection.execute(f"FROM {alias}").fetchall() == [(7,)]


WRITES = [
    "COPY (SELECT 1) TO '{world}/declared.csv' (USE_TMP_FILE false)",
    "WITH w AS (COPY (SELECT 1) TO '{world}/declared.csv' (USE_TMP_FILE false)) SELECT 1",
    "WITH w AS (COPY (SELECT 1) TO '{world}/declared.csv' (USE_TMP_FILE false)) FROM w",
    "SELECT * FROM (WITH w AS (COPY (SELECT 1) TO '{world}/declared.csv' (USE_TMP_FILE false)) FROM w)",
    "WITH w AS (INSERT INTO own VALUES (1) RETURNING a) FROM w",
    "WITH w AS (DELETE FROM own RETURNING a) FROM w",
    "SELECT 1; COPY (SELECT 1) TO '{world}/declared.csv' (USE_TMP_FILE false)",
    "SELECT 1) ; DROP VIEW csv; --",
    "SELECT 1') ; DROP VIEW csv; --",
    "ATTACH '{world}/declared.parquet' AS p",
    "ATTACH ':memory:' AS p",
    "DROP VIEW csv",
    "CREATE OR REPLACE VIEW csv AS SELECT 8 AS a",
    "CREATE TABLE t AS SELECT 1",
    "DELETE FROM own",
    "CALL enable_logging('QueryLog')",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{world}/declared.csv' (USE_TMP_FILE false)",
    "PREPARE p AS COPY (SELECT 1) TO '{world}/declared.csv' (USE_TMP_FILE false)",
    "EXECUTE p",
    "SET VARIABLE x = 1",
    "SET search_path = 'main'",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "USE memory",
    "CHECKPOINT",
    "BEGIN",
    "DETACH memory",
    "",
    ";",
    "-- nothing",
]


@pytest.mark.parametrize("sql", WRITES)
def test_one_select_does_not_write(world: Path, tables: Tables, sql: str) -> None:
    tables.connection.execute("CREATE TABLE own AS SELECT 5 AS a").fetchall()
    before = _contents(world)
    with pytest.raises(duckdb.Error):
        tables.connection.execute(one_select(sql.replace("{world}", str(world)))).fetchall()
    assert _contents(world) == before
    for alias, value in (("csv", 7), ("parquet", 7), ("json", 7), ("own", 5)):
        assert tables.connection.execute(f"FROM {alias}").fetchall() == [(value,)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM csv",
        "FROM csv",
        "SELECT a FROM csv -- it's the end",
        "WITH w AS (SELECT a FROM csv) SELECT a FROM w ORDER BY a LIMIT 1",
        "SELECT a FROM csv UNION SELECT a FROM json",
        "SELECT 7 AS a WHERE 'it''s' = 'it''s'",
    ],
)
def test_one_select_selects(tables: Tables, sql: str) -> None:
    assert tables.connection.execute(one_select(sql)).fetchall() == [(7,)]
    assert tables.connection.execute(f"SELECT count(*) FROM ({one_select(sql)}) AS q").fetchall() == [(1,)]


def test_a_link_inside_a_declared_folder_is_part_of_it(world: Path) -> None:
    """Who owns the folder decides what lies in it: a link declares the file that it names, and no neighbour."""
    (world / "folder").mkdir()
    (world / "folder" / "link.csv").symlink_to(world / "other.csv")
    with Tables(world / "folder") as tables:
        assert tables.connection.execute('FROM "primary"').fetchall() == [(7,)]
        with pytest.raises(duckdb.PermissionException):
            tables.connection.execute(f"FROM read_csv('{world}/declared.csv')").fetchall()


def test_a_file_that_joins_the_folder_later_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.csv").write_text("a\n7\n")
    with Tables(folder) as tables:
        (folder / "b.csv").write_text("a\n8\n")
        assert tables.connection.execute('FROM "primary"').fetchall() == [(7,)]


def test_a_query_that_tried_to_get_out_is_explained(tables: Tables) -> None:
    with pytest.raises(duckdb.Error) as caught:
        tables.connection.execute("FROM read_text('/etc/passwd')").fetchall()
    assert "which rules may not" in str(tables.explain_error(caught.value))


def test_the_session_is_in_utc_and_limited(tmp_path: Path) -> None:
    with connect(spill_to=tmp_path, memory_limit="123MB", threads=1) as connection:
        settings = dict(connection.execute("SELECT name, value FROM duckdb_settings()").fetchall())
    assert settings["TimeZone"] == "UTC"
    assert settings["threads"] == "1"
    assert settings["memory_limit"].startswith("117")
    assert settings["enable_progress_bar_print"] in ("false", "False")


def test_a_query_beyond_the_memory_limit_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    with Tables(path, memory_limit="100MB", threads=1) as tables, pytest.raises(duckdb.Error) as caught:
        tables.connection.execute("SELECT list(range) FROM range(50_000_000)").fetchall()
    assert "memory limit is too small" in str(tables.explain_error(caught.value))


def test_it_spills_to_its_folder(tmp_path: Path) -> None:
    with connect(spill_to=tmp_path / "spill", memory_limit="60MB", threads=1) as connection:
        query = "SELECT count(*) FROM (SELECT DISTINCT range * 7 || 'some text' AS a FROM range(1_500_000))"
        assert connection.execute(query).fetchall() == [(1_500_000,)]


def test_quoting() -> None:
    text = 'it\'s "odd"; --'
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {literal(text)}").fetchall() == [(text,)]
        described = connection.execute(f"SELECT 1 AS {identifier(text)}").description
    assert described is not None
    assert described[0][0] == text


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
