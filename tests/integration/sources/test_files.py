"""Files of every kind become tables."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from dq.diagnostics import DataError, DqError
from dq.schema import Type
from dq.sources.options import ReadOptions
from dq.sources.tables import Tables

ROWS = [(1, "a"), (2, "b")]
CSV = "id,name\n1,a\n2,b\n"


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(tables: Tables, sql: str = 'FROM "primary" ORDER BY ALL') -> list[tuple[Any, ...]]:
    return tables.connection.execute(sql).fetchall()


def rows_of(data: Any, **options: Any) -> list[tuple[Any, ...]]:
    with Tables(data, options=ReadOptions(**options)) as tables:
        return rows(tables)


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def arrow_stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def parquet_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def arrow_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    feather.write_feather(table, sink)
    return sink.getvalue().to_pybytes()


TABLE = pa.table({"id": [1, 2], "name": ["a", "b"]})
JSON_LINES = b'{"id":1,"name":"a"}\n{"id":2,"name":"b"}\n'
SAME_TABLE = {
    "t.csv": CSV.encode(),
    "t.CSV": CSV.encode(),
    "t.tsv": CSV.replace(",", "\t").encode(),
    "semicolons.csv": CSV.replace(",", ";").encode(),
    "windows.csv": CSV.replace("\n", "\r\n").encode(),
    "bom.csv": b"\xef\xbb\xbf" + CSV.encode(),
    "utf16.csv": CSV.encode("utf-16"),
    "mixed_line_ends.csv": CSV.replace("\n", "\r\n", 2).encode(),
    "t.csv.gz": gzip.compress(CSV.encode()),
    "gzip_without_suffix.csv": gzip.compress(CSV.encode()),
    "t.csv.zst": zstd(CSV.encode()),
    "no_last_line_end.csv": CSV.strip().encode(),
    "t.jsonl": JSON_LINES,
    "t.ndjson": JSON_LINES,
    "array.json": b'[{"id":1,"name":"a"},\n {"id":2,"name":"b"}]',
    "t.json.gz": gzip.compress(JSON_LINES),
    "t.json.zst": zstd(JSON_LINES),
    "t.parquet": parquet_bytes(TABLE),
    "t.pq": parquet_bytes(TABLE),
    "parquet_without_suffix": parquet_bytes(TABLE),
    "json.txt": JSON_LINES,
    "t.arrow": arrow_bytes(TABLE),
    "t.feather": arrow_bytes(TABLE),
    "t.arrows": arrow_stream(TABLE),
    "stream.arrow": arrow_stream(TABLE),
    "it's [odd] *?.csv": CSV.encode(),
    "ünïcode 表.parquet": parquet_bytes(TABLE),
}


@pytest.mark.parametrize("name", SAME_TABLE)
def test_every_kind_of_file_is_the_same_table(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, SAME_TABLE[name])
    # neighbours that a careless glob would catch
    write(tmp_path / "it's o *x.csv", "x,y\n1,2\n")
    write(tmp_path / "it's [odd] ab.csv", "x,y\n1,2\n")
    for given in (path, str(path), path.as_uri(), [path]):
        with Tables(given) as tables:
            assert rows(tables) == ROWS
            schema = tables.schemas["primary"]
            assert [(c.name, c.type) for c in schema] == [("id", Type.INTEGER), ("name", Type.STRING)]
            assert tables.read("primary").columns == 2


def test_a_relative_path_and_a_home_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "t.csv", CSV)
    monkeypatch.chdir(tmp_path)
    assert rows_of("t.csv") == ROWS
    monkeypatch.setenv("HOME", str(tmp_path))
    assert rows_of("~/t.csv") == ROWS


def test_a_parquet_table_knows_its_row_count(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", parquet_bytes(TABLE))
    with Tables(path) as tables:
        read = tables.read("primary")
    assert (read.alias, read.description, read.columns, read.rows, read.notes) == ("primary", str(path), 2, 2, ())


@pytest.mark.parametrize(
    "alias", ["orders", "Weird \"name\" with; -- 'quotes'", "select", "primary", "duckdb_tables", "é 表", "a.b"]
)
def test_an_alias_is_the_exact_name_of_a_table(tmp_path: Path, alias: str) -> None:
    path = write(tmp_path / "t.csv", CSV)
    quoted = '"' + alias.replace('"', '""') + '"'
    for data in (path, TABLE):
        with Tables({alias: data, "other": path}) as tables:
            assert rows(tables, f"SELECT * FROM {quoted} ORDER BY 1") == ROWS
            assert set(tables.schemas) == {alias, "other"}


# -- folders, globs, partitions ------------------------------------------------------------------------------------


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    for year in (2023, 2024):
        for part in range(2):
            content = parquet_bytes(pa.table({"id": [year * 10 + part]}))
            write(tmp_path / "env=prod" / "lake" / f"y={year}" / f"part-{part}.snappy.parquet", content)
    write(tmp_path / "env=prod" / "lake" / "_SUCCESS", "")
    write(tmp_path / "env=prod" / "lake" / "y=2023" / ".part-0.crc", "x")
    return tmp_path / "env=prod" / "lake"


@pytest.mark.parametrize("pattern", ["", "**/*.parquet", "y=*", "*/*.parquet", "**"])
def test_folders_named_key_value_are_columns(lake: Path, pattern: str) -> None:
    with Tables(f"{lake}/{pattern}") as tables:
        assert [c.name for c in tables.schemas["primary"]] == ["id", "y"]
        assert rows(tables) == [(20230, 2023), (20231, 2023), (20240, 2024), (20241, 2024)]
        assert tables.read("primary").rows == 4
        assert "4 files" in tables.read("primary").description


def test_partitions_can_be_switched_off_and_forced(lake: Path) -> None:
    file = lake / "y=2023" / "part-0.snappy.parquet"
    assert rows_of(lake, hive_partitioning=False) == [(20230,), (20231,), (20240,), (20241,)]
    assert rows_of(file) == [(20230,)]
    with Tables(file, options=ReadOptions(hive_partitioning=True)) as tables:
        assert [c.name for c in tables.schemas["primary"]] == ["id", "env", "y"]


@pytest.mark.parametrize(("suffix", "content"), [("csv", b"id\n1\n"), ("json", b'{"id":1}'), ("arrow", None)])
def test_partitions_of_other_formats(tmp_path: Path, suffix: str, content: bytes | None) -> None:
    for key in ("a%20b", "__HIVE_DEFAULT_PARTITION__"):
        write(tmp_path / "x=0" / "t" / f"k={key}" / f"f.{suffix}", content or arrow_bytes(pa.table({"id": [1]})))
    assert rows_of(tmp_path / "x=0" / "t") == [(1, "a b"), (1, None)]


def test_hive_files_without_a_suffix_are_found(tmp_path: Path) -> None:
    write(tmp_path / "000000_0", parquet_bytes(TABLE))
    assert rows_of(tmp_path) == ROWS


def test_left_out_files_are_noted(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", CSV)
    write(tmp_path / "README.md", "hello")
    write(tmp_path / "empty.csv", "")
    with Tables(tmp_path) as tables:
        assert rows(tables) == ROWS
        notes = " ".join(tables.read("primary").notes)
    assert "README.md" in notes
    assert "empty.csv" in notes


def test_a_list_of_paths_globs_and_folders(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a" / "1.csv", "id\n1\n"), write(tmp_path / "b" / "2.csv", "id\n2\n")
    write(tmp_path / "c" / "3.csv", "id\n3\n")
    assert rows_of([first, str(second), tmp_path / "c"]) == [(1,), (2,), (3,)]
    assert rows_of([str(tmp_path / "?" / "*.csv")]) == [(1,), (2,), (3,)]


DIFFERENT = {
    "csv": (b"a,b\n1,x\n", b"b,c\ny,2.5\n"),
    "json": (b'{"a":1,"b":"x"}', b'{"b":"y","c":2.5}'),
    "parquet": (
        parquet_bytes(pa.table({"a": [1], "b": ["x"]})),
        parquet_bytes(pa.table({"b": ["y"], "c": [2.5]})),
    ),
    "arrow": (arrow_bytes(pa.table({"a": [1], "b": ["x"]})), arrow_bytes(pa.table({"b": ["y"], "c": [2.5]}))),
    "arrows": (arrow_stream(pa.table({"a": [1], "b": ["x"]})), arrow_stream(pa.table({"b": ["y"], "c": [2.5]}))),
}


@pytest.mark.parametrize("suffix", DIFFERENT)
def test_files_with_different_columns_are_united_by_name(tmp_path: Path, suffix: str) -> None:
    for i, content in enumerate(DIFFERENT[suffix]):
        write(tmp_path / f"{i}.{suffix}", content)
    with Tables(tmp_path) as tables:
        assert rows(tables, 'SELECT a, b, c FROM "primary" ORDER BY b') == [(1, "x", None), (None, "y", 2.5)]
        if suffix != "json":  # keys that an object lacks are the nature of JSON
            assert "same columns" in " ".join(tables.read("primary").notes)


def test_files_with_columns_in_another_order_do_not_swap_values(tmp_path: Path) -> None:
    write(tmp_path / "1.csv", "a,b\n1,2\n")
    write(tmp_path / "2.csv", "b,a\n2,1\n")
    assert rows_of(tmp_path) == [(1, 2), (1, 2)]
    for name, columns in (("3", ("a", "b")), ("4", ("b", "a"))):
        write(tmp_path / "p" / f"{name}.parquet", parquet_bytes(pa.table({c: [1 if c == "a" else 2] for c in columns})))
    assert rows_of(tmp_path / "p") == [(1, 2), (1, 2)]


def test_types_of_all_files_count(tmp_path: Path) -> None:
    write(tmp_path / "1.csv", "a,b,c\n1,,2024-01-01\n")
    write(tmp_path / "2.csv", "a,b,c\n1.5,3,x\n")
    assert rows_of(tmp_path) == [(1.0, None, "2024-01-01"), (1.5, 3, "x")]


def test_ten_thousand_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "wide.parquet", parquet_bytes(pa.table({f"c{i}": [i] for i in range(10_000)})))
    with Tables(path) as tables:
        assert len(tables.schemas["primary"]) == 10_000
        assert rows(tables, 'SELECT c9999 FROM "primary"') == [(9999,)]


@pytest.mark.slow
def test_ten_thousand_columns_of_csv(tmp_path: Path) -> None:
    header = ",".join(f"c{i}" for i in range(10_000))
    path = write(tmp_path / "wide.csv", f"{header}\n{','.join(map(str, range(10_000)))}\n")
    with Tables(path) as tables:
        assert len(tables.schemas["primary"]) == 10_000


# -- bad input -----------------------------------------------------------------------------------------------------


def refused(data: Any, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        Tables(data, options=ReadOptions(**options))
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_a_missing_file_suggests_the_nearest_name(tmp_path: Path) -> None:
    write(tmp_path / "orders.csv", CSV)
    message = refused(tmp_path / "order.csv")
    assert "no file" in message
    assert "did you mean" in message
    assert "orders.csv" in message
    assert "there is no folder" in refused(tmp_path / "nowhere" / "x.csv")


def test_a_folder_without_data_files(tmp_path: Path) -> None:
    write(tmp_path / "notes.md", "x")
    assert "holds no data files" in refused(tmp_path)


def test_a_glob_without_match(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", CSV)
    message = refused(f"{tmp_path}/*.parquet")
    assert "no file matches" in message
    assert "a.csv" in message


BAD_FILES = {
    "zero.csv": (b"", "is empty"),
    "zero.parquet": (b"", "is empty"),
    "zero.json": (b"", "is empty"),
    "zero.arrow": (b"", "is empty"),
    "blank.csv": (b"\n \n", "is empty"),
    "text.parquet": (CSV.encode(), "is not a Parquet file: its first bytes are text"),
    "json.arrow": (JSON_LINES, "is not a file of Arrow data"),
    "truncated.parquet": (parquet_bytes(TABLE)[:-20], "truncated"),
    "parquet.csv": (parquet_bytes(TABLE), "it is a Parquet file"),
    "parquet.json": (parquet_bytes(TABLE), "it is a Parquet file"),
    "book.csv": (b"PK\x03\x04 rest", "Excel"),
    "book.xlsx": (b"PK\x03\x04 rest", "Excel"),
    "data.db": (b"SQLite format 3\x00....", "SQLite"),
    "unknown.txt": (CSV.encode(), "format"),
    "binary.csv": (b"a,b\n1,\x00\x01\x02\n", "line 2 holds a NUL byte"),
    "big_endian.csv": (b"\xfe\xff" + CSV.encode("utf-16-be"), "big endian"),
    "encrypted.parquet": (b"PARE" + b"x" * 50 + b"PARE", "encrypted"),
    "latin.csv": ("id,name\n1,a\n2,caf\xe9\n".encode("latin-1"), "line 3 is not UTF-8"),
    "ragged.csv": (b"a,b,c\n1,2,3\n4,5\n6,7,8\n", "line 3 has 2 fields where 3 are expected"),
    "ragged_more.csv": (b"a,b\n1,2\n4,5,6\n6,7\n", "line 3 has 3 fields where 2 are expected"),
    "broken.json": (b'{"a":1}\n{"a":\n', "Malformed JSON"),
    "scalars.json": (b"[1, 2]", "no JSON objects"),
    "nothing.json": (b"[]", "no JSON objects"),
    "bad.csv.gz": (gzip.compress(CSV.encode() * 100)[:20] + b"\xff" * 50, "is damaged"),
    "cut.csv.gz": (gzip.compress(os.urandom(300).hex().encode())[:-30], "is damaged"),
    "cut_long.csv.gz": (gzip.compress(b"a,b\n" + b"1,2\n" * 100_000)[:-200], "is damaged"),
    "flipped.csv.gz": (gzip.compress(CSV.encode())[:-6] + b"xxxxxx", "is damaged"),
    "cut.csv.zst": (zstd(b"a\n" * 500_000)[:-8], "is damaged"),
    "bad.arrow": (b"ARROW1\0\0 nonsense", "cannot be read as Arrow data"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_named_with_its_fault(tmp_path: Path, name: str) -> None:
    content, expected = BAD_FILES[name]
    message = refused(write(tmp_path / name, content))
    assert expected in message
    assert name in message
    assert "Traceback" not in message


def test_a_wrong_format_option(tmp_path: Path) -> None:
    assert "is not a Parquet file" in refused(write(tmp_path / "t.csv", CSV), format="parquet")
    assert rows_of(write(tmp_path / "t.txt", CSV), format="csv") == ROWS
    assert rows_of(write(tmp_path / "t.csv", JSON_LINES), format="json") == ROWS


def test_mixed_formats_in_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", CSV)
    write(tmp_path / "b.json", JSON_LINES)
    assert "cannot mix formats" in refused(tmp_path)


def test_a_damaged_page_is_told_when_it_is_read(tmp_path: Path) -> None:
    content = bytearray(parquet_bytes(pa.table({"a": [str(i * 7919) for i in range(100_000)]})))
    content[len(content) // 3 : len(content) // 3 + 20_000] = b"\xff" * 20_000
    path = write(tmp_path / "damaged.parquet", bytes(content))
    with Tables(path) as tables:
        with pytest.raises(Exception) as caught:  # noqa: PT011 -- DuckDB's type depends on what is damaged
            rows(tables, 'SELECT sum(length(a)) FROM "primary"')
        assert not tables.recover(caught.value)
        explained = tables.explain_error(caught.value)
    assert isinstance(explained, DataError)
    assert "damaged.parquet" in str(explained)
    assert "is damaged" in str(explained)
    assert explained.__cause__ is caught.value


def test_an_encrypted_parquet_file(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "secret.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET force_mbedtls_unsafe = 'true'")
        connection.execute("PRAGMA add_parquet_key('k', '0123456789112345')")
        connection.execute(f"COPY (SELECT 1 AS a) TO '{path}' (ENCRYPTION_CONFIG {{footer_key: 'k'}})")
    assert "encrypted" in refused(path)


def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", CSV)
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        for folder in (tmp_path, *tmp_path.parents[:-2]):
            folder.chmod(0o755)
        os.seteuid(65534)
    try:
        message = refused(path)
    finally:
        os.seteuid(user)
    assert "no permission" in message


def test_a_parquet_file_without_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", parquet_bytes(pa.table({})))
    assert "t.parquet" in refused(path)


def test_aliases(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", CSV)
    with pytest.raises(DataError, match="differ in letter case only"):
        Tables({"Orders": path, "orders": path})
    for data in ({}, {"": path}, {"a\0b": path}, {1: path}):
        with pytest.raises(DqError) as caught:
            Tables(data)
        assert caught.value.exit_code == 2
    with pytest.raises(DqError, match="options are given for `b`"):
        Tables({"a": path}, options={"b": ReadOptions()})


def test_options_per_alias(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", CSV)
    with Tables({"a": path, "b": path}, options={"b": ReadOptions(all_text=True)}) as tables:
        assert tables.schemas["a"].columns[0].type is Type.INTEGER
        assert tables.schemas["b"].columns[0].type is Type.STRING


@pytest.mark.parametrize("limits", [{"memory_limit": "lots"}, {"threads": 0}, {"threads": -1}])
def test_wrong_limits(tmp_path: Path, limits: dict[str, Any]) -> None:
    with pytest.raises(DqError) as caught:
        Tables(write(tmp_path / "t.csv", CSV), **limits)
    assert caught.value.exit_code == 2


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", CSV)
    spill = tmp_path / "spill"
    spill.mkdir()
    with Tables(path, temp_directory=spill, memory_limit="100MB", threads=1) as tables:
        (private,) = spill.iterdir()
        assert private.stat().st_mode & 0o077 == 0
        assert rows(tables) == ROWS
    assert list(spill.iterdir()) == []
    with pytest.raises(DataError):
        Tables(write(tmp_path / "bad.csv", b"a,b\n1,\x00\n"), temp_directory=spill)
    assert list(spill.iterdir()) == []
    tables.close()
