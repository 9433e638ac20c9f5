"""Tables that live in Python memory."""

from __future__ import annotations

import datetime as dt
import decimal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from dq.diagnostics import DataError, DqError
from dq.schema import Type
from dq.sources.options import ReadOptions
from dq.sources.tables import Tables

COLUMNS = {"id": [1, 2, None], "name": ["a", "", None]}
ROWS = [(1, "a"), (2, ""), (None, None)]


def rows(tables: Tables, sql: str = 'FROM "primary"') -> list[tuple[Any, ...]]:
    return tables.connection.execute(sql).fetchall()


def column(values: Any) -> tuple[list[Any], Type, tuple[str, ...]]:
    """The values, type and notes of the only column of a table."""
    with Tables(values) as tables:
        arrow = tables.connection.execute('SELECT * FROM "primary"').fetchall()
        return [row[0] for row in arrow], tables.schemas["primary"].columns[0].type, tables.read("primary").notes


KINDS: dict[str, Any] = {
    "pandas DataFrame": lambda: pd.DataFrame({"id": pd.array([1, 2, None], "Int64"), "name": ["a", "", None]}),
    "Polars DataFrame": lambda: pl.DataFrame(COLUMNS),
    "Polars LazyFrame": lambda: pl.DataFrame(COLUMNS).lazy(),
    "Arrow table": lambda: pa.table(COLUMNS),
    "Arrow record batch": lambda: pa.RecordBatch.from_pydict(COLUMNS),
    "Arrow record batch reader": lambda: pa.table(COLUMNS).to_reader(),
    "Arrow dataset": lambda: ds.dataset(pa.table(COLUMNS)),
    "DuckDB relation": lambda: duckdb.connect().sql(
        "FROM (VALUES (1::BIGINT, 'a'), (2, ''), (NULL, NULL)) t(id, name)"
    ),
    "list of dicts": lambda: [{"id": 1, "name": "a"}, {"id": 2, "name": ""}, {}],
    "dict of columns": lambda: COLUMNS,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_is_the_same(kind: str) -> None:
    for data in (KINDS[kind](), {"primary": KINDS[kind]()}):
        with Tables(data) as tables:
            # twice: nothing is used up by the first query
            assert rows(tables) == ROWS
            assert rows(tables) == ROWS
            assert [(c.name, c.type) for c in tables.schemas["primary"]] == [
                ("id", Type.INTEGER),
                ("name", Type.STRING),
            ]
            read = tables.read("primary")
            assert read.description == kind
            assert read.rows in (3, None)


def test_several_tables() -> None:
    data = {"primary": pd.DataFrame({"a": [1]}), "Ref": pl.DataFrame({"a": [1]}), "more": [{"a": 1}], "c": {"a": [1]}}
    with Tables(data) as tables:
        assert rows(
            tables, 'SELECT count(*) FROM "primary" JOIN "Ref" USING (a) JOIN more USING (a) JOIN c USING (a)'
        ) == [(1,)]


PARIS = dt.timezone(dt.timedelta(hours=1))
VALUES: dict[str, tuple[Any, list[Any], Type, str]] = {
    "pandas: NaN is missing": (pd.DataFrame({"a": [1.5, float("nan")]}), [1.5, None], Type.FLOAT, ""),
    "pandas: integers with NaN": (pd.DataFrame({"a": [1, None]}), [1.0, None], Type.FLOAT, ""),
    "pandas: NaT is missing": (
        pd.DataFrame({"a": pd.to_datetime(["2024-01-01", None])}),
        [dt.datetime(2024, 1, 1), None],
        Type.TIMESTAMP,
        "",
    ),
    "pandas: categories": (pd.DataFrame({"a": pd.Categorical(["x", None, "x"])}), ["x", None, "x"], Type.STRING, ""),
    "pandas: nullable": (pd.DataFrame({"a": pd.array([True, None], "boolean")}), [True, None], Type.BOOLEAN, ""),
    "pandas: objects of one type": (
        pd.DataFrame({"a": [decimal.Decimal("1.20"), None]}),
        [decimal.Decimal("1.20"), None],
        Type.DECIMAL,
        "",
    ),
    "pandas: objects of several types": (
        pd.DataFrame({"a": [1, "x", None, float("nan"), dt.date(2024, 1, 1)]}, dtype=object),
        ["1", "x", None, None, "2024-01-01"],
        Type.STRING,
        'column "a" is read as text: its values are of several types',
    ),
    "pandas: sparse": (pd.DataFrame({"a": pd.arrays.SparseArray([1, 0])}), [1, 0], Type.INTEGER, ""),
    "pandas: periods": (
        pd.DataFrame({"a": pd.period_range("2024-01", periods=1, freq="M")}),
        ["2024-01"],
        Type.STRING,
        "period[M]",
    ),
    "pandas: complex": (pd.DataFrame({"a": [1 + 2j]}), ["(1+2j)"], Type.STRING, "complex128"),
    "pandas: lists": (pd.DataFrame({"a": [[1, 2], None]}), [[1, 2], None], Type.NESTED, ""),
    "pandas: named index": (
        pd.DataFrame({"a": [1]}, index=pd.Index([7], name="key")),
        [1],
        Type.INTEGER,
        "the index (key) is left out",
    ),
    "Polars: NaN is a number": (pl.DataFrame({"a": [1.5, None]}), [1.5, None], Type.FLOAT, ""),
    "Polars: categories": (
        pl.DataFrame({"a": pl.Series(["x", None], dtype=pl.Categorical)}),
        ["x", None],
        Type.STRING,
        "",
    ),
    "Arrow: half float": (pa.table({"a": pa.array([np.float16(1.5)])}), [1.5], Type.FLOAT, ""),
    "Arrow: wide decimal": (
        pa.table({"a": pa.array([decimal.Decimal("1.25")], pa.decimal256(50, 2))}),
        [decimal.Decimal("1.25")],
        Type.DECIMAL,
        "",
    ),
    "Arrow: nothing but null": (pa.table({"a": pa.nulls(2)}), [None, None], Type.STRING, ""),
    "Arrow: dictionary": (pa.table({"a": pa.array(["x", None]).dictionary_encode()}), ["x", None], Type.STRING, ""),
    "Arrow: unsigned": (pa.table({"a": pa.array([2**63 + 1], pa.uint64())}), [2**63 + 1], Type.INTEGER, ""),
    "Arrow: binary": (pa.table({"a": [b"\x00\xff"]}), [b"\x00\xff"], Type.BINARY, ""),
    "Arrow: time": (pa.table({"a": [dt.time(1, 2)]}), [dt.time(1, 2)], Type.TIME, ""),
    "Arrow: duration": (pa.table({"a": [dt.timedelta(1)]}), [dt.timedelta(1)], Type.OTHER, ""),
    "Arrow: no rows": (pa.table({"a": pa.array([], pa.int32())}), [], Type.INTEGER, ""),
    "rows: several types": ([{"a": 1}, {"a": "x"}, {"a": None}], ["1", "x", None], Type.STRING, "several types"),
    "rows: too large for Arrow": ([{"a": 10**40}], [str(10**40)], Type.STRING, "several types"),
    "columns: numpy": ({"a": np.array([1, 2])}, [1, 2], Type.INTEGER, ""),
    "columns: a date": ({"a": [dt.date(2024, 1, 1)]}, [dt.date(2024, 1, 1)], Type.DATE, ""),
}


@pytest.mark.parametrize("case", VALUES)
def test_values(case: str) -> None:
    data, expected, kind, note = VALUES[case]
    values, type_, notes = column({"primary": data})
    assert values == expected
    assert type_ is kind
    assert note in " | ".join(notes)
    assert notes or not note


def test_a_nan_that_is_not_pandas_stays_a_number() -> None:
    for data in (pl.DataFrame({"a": [float("nan")]}), pa.table({"a": [float("nan")]}), [{"a": float("nan")}]):
        with Tables(data) as tables:
            assert rows(tables, 'SELECT isnan(a), a IS NULL FROM "primary"') == [(True, False)]


def test_a_time_zone_means_the_moment() -> None:
    frame = pd.DataFrame({"a": pd.to_datetime(["2024-07-01 12:00"]).tz_localize("Europe/Paris")})
    for data in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        with Tables(data) as tables:
            assert tables.schemas["primary"].columns[0].type is Type.TIMESTAMP_TZ
            assert rows(tables, "SELECT strftime(a::TIMESTAMP, '%Y-%m-%d %H:%M') FROM \"primary\"") == [
                ("2024-07-01 10:00",)
            ]


@pytest.mark.parametrize(
    "make",
    [
        lambda: pa.Table.from_arrays(
            [pa.array([1]), pa.array([2]), pa.array([3]), pa.array([4])], names=["a", "a", "A", ""]
        ),
        lambda: pd.DataFrame([[1, 2, 3, 4]], columns=["a", "a", "A", ""]),
    ],
)
def test_names_given_twice_are_told_apart(make: Any) -> None:
    with Tables(make()) as tables:
        assert tables.schemas["primary"].names == ("a", "a_1", "A_2", "column3")
        assert rows(tables) == [(1, 2, 3, 4)]
        assert "renamed" in tables.read("primary").notes[0]


def test_pandas_names_that_are_not_text() -> None:
    with Tables(pd.DataFrame({1: [1], ("x", "y"): [2]})) as tables:
        assert tables.schemas["primary"].names == ("1", "x.y")


@pytest.mark.parametrize(
    "data",
    [
        42,
        None,
        b"x",
        object(),
        [1, 2],
        [None],
        pd.Series([1]),
        pl.Series([1]),
        pa.array([1]),
        np.array([1]),
        {1, 2},
        {"primary": 42},
        {"a": pa.table({"a": [1]}), "b": 7},
    ],
    ids=lambda data: type(data).__name__,
)
def test_an_object_that_is_no_table_tells_what_is(data: Any) -> None:
    with pytest.raises(DqError, match=r"cannot be read|not a table|not a list") as caught:
        Tables(data)
    assert caught.value.exit_code == 2
    assert "pandas or Polars DataFrame" in str(caught.value)


@pytest.mark.parametrize("data", [pa.table({}), pd.DataFrame(), pl.DataFrame(), [], [{}], {"primary": {}}])
def test_a_table_without_columns_is_refused(data: Any) -> None:
    with pytest.raises(DataError, match=r"no columns|is empty"):
        Tables(data)


def test_columns_of_different_length() -> None:
    with pytest.raises(DataError, match="differ in length: `a` 2, `b` 1"):
        Tables({"a": [1, 2], "b": [1]})


def test_files_do_not_import_arrow_or_data_frames(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    program = (
        f"import sys\nfrom dq.sources.tables import Tables\n"
        f"with Tables({str(path)!r}) as t: t.connection.execute('FROM \"primary\"').fetchall()\n"
        "print(sorted({'pyarrow', 'pandas', 'polars', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_options_do_not_import_a_database() -> None:
    program = "import sys, dq.sources.options\nprint('duckdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_table_in_memory_ignores_file_options() -> None:
    with Tables(pa.table({"a": [1]}), options=ReadOptions(delimiter=";")) as tables:
        assert rows(tables) == [(1,)]


def test_arrow_is_scanned_in_place() -> None:
    table = pa.table({"a": np.arange(2_000_000)})
    before = pa.total_allocated_bytes()
    with Tables(table) as tables:
        assert rows(tables, 'SELECT count(a) FROM "primary"') == [(2_000_000,)]
        assert pa.total_allocated_bytes() - before < 1_000_000
