"""What a Hive metastore says of tables, in our terms."""

from __future__ import annotations

from datetime import datetime

import duckdb
import pytest

from dq.catalog.hive import Partition, expression, projected, sql_type, storage
from dq.catalog.selection import partition_filter
from dq.diagnostics import DataError

NOW = datetime(2026, 3, 31, 12)


@pytest.mark.parametrize(
    ("hive", "sql"),
    [
        ("string", "VARCHAR"),
        ("varchar(20)", "VARCHAR"),
        ("char(3)", "VARCHAR"),
        ("bigint", "BIGINT"),
        ("INT", "INTEGER"),
        ("decimal", "DECIMAL(10, 0)"),
        ("decimal(18,2)", "DECIMAL(18, 2)"),
        ("decimal( 18 , 2 )", "DECIMAL(18, 2)"),
        ("timestamp", "TIMESTAMP"),
        ("binary", "BLOB"),
        ("array<string>", "VARCHAR[]"),
        ("array<array<int>>", "INTEGER[][]"),
        ("map<string,double>", "MAP(VARCHAR, DOUBLE)"),
        ("struct<a:int,b c:array<decimal(4,1)>>", 'STRUCT("a" INTEGER, "b c" DECIMAL(4, 1)[])'),
        ('struct<q"x:string>', 'STRUCT("q""x" VARCHAR)'),
    ],
)
def test_types_have_an_equal_that_duckdb_knows(hive: str, sql: str) -> None:
    assert sql_type(hive) == sql
    with duckdb.connect() as connection:
        connection.execute(f"SELECT NULL::{sql}")


@pytest.mark.parametrize(
    "hive", ["", "geometry", "array<", "array<int", "struct<a>", "map<int>", "int)", "uniontype<int,string>"]
)
def test_a_type_that_is_not_known_is_told(hive: str) -> None:
    with pytest.raises(DataError, match="is not known"):
        sql_type(hive)


def entry(serde: str = "", serde_parameters: dict[str, str] | None = None, **parameters: str) -> dict[str, object]:
    info = {"SerializationLibrary": serde, "Parameters": serde_parameters or {}}
    return {"Parameters": parameters, "StorageDescriptor": {"SerdeInfo": info}}


def test_formats_come_from_the_serde_or_the_classification() -> None:
    assert storage(entry("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"), "t").format == "parquet"
    assert storage(entry("org.openx.data.jsonserde.JsonSerDe"), "t").format == "json"
    assert storage(entry(classification="parquet"), "t").format == "parquet"


def test_the_defaults_of_hive_text_files() -> None:
    options = storage(entry("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"), "t").options
    assert (options.delimiter, options.quote, options.nulls, options.header) == ("\x01", "", ("", "\\N"), False)


def test_csv_settings_are_those_of_the_serde() -> None:
    lazy = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
    options = storage(entry(lazy, {"field.delim": ";"}, **{"skip.header.line.count": "1"}), "t").options
    assert (options.delimiter, options.skip) == (";", 1)
    options = storage(entry("org.apache.hadoop.hive.serde2.OpenCSVSerde", {"separatorChar": "|"}), "t").options
    assert (options.delimiter, options.quote, options.escape) == ("|", '"', "\\")


@pytest.mark.parametrize(
    "serde", ["org.apache.hadoop.hive.ql.io.orc.OrcSerde", "com.amazonaws.glue.serde.GrokSerDe", "x.Odd", ""]
)
def test_a_format_that_is_not_read_is_told(serde: str) -> None:
    with pytest.raises(DataError, match="this is not supported"):
        storage(entry(serde), "t")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["dt=2026-01-01"], "dt = '2026-01-01'"),
        (["Y>=2020"], "y >= 2020"),
        (["dt=a..b", "y=1,2"], "dt BETWEEN 'a' AND 'b' AND y IN (1, 2)"),
        (["dt=it's"], "dt = 'it''s'"),
        (["dt!=x"], "dt <> 'x'"),
        (["dt=latest"], ""),
    ],
)
def test_filters_as_the_catalog_takes_them(filters: list[str], expected: str) -> None:
    assert expression([partition_filter(each) for each in filters], {"dt": "string", "y": "int"}) == expected


def made(keys: list[str], filters: tuple[str, ...] = (), **parameters: str) -> list[Partition]:
    settings = {f"projection.{name.replace('__', '.')}": value for name, value in parameters.items()}
    template = settings.pop("projection.template", None)
    if template:
        settings["storage.location.template"] = template
    return list(
        projected(
            dict.fromkeys(keys, "string"), settings, "s3://b/t/", [partition_filter(each) for each in filters], NOW
        )
    )


def test_partitions_are_projected() -> None:
    found = made(["c", "n"], c__type="enum", c__values="de, fr", n__type="integer", n__range="9,11", n__digits="2")
    assert [each.values["n"] for each in found] == ["09", "10", "11"] * 2
    assert found[0] == Partition({"c": "de", "n": "09"}, "s3://b/t/c=de/n=09")


def test_projected_dates_know_now_and_units() -> None:
    days = made(["dt"], dt__type="date", dt__format="yyyy/MM/dd", dt__range="NOW-2DAYS,NOW", template="s3://b/x/${dt}/")
    assert [each.location for each in days] == ["s3://b/x/2026/03/29/", "s3://b/x/2026/03/30/", "s3://b/x/2026/03/31/"]
    months = made(["m"], m__type="date", m__format="yyyy-MM", m__range="2025-12,2026-02")
    assert [each.values["m"] for each in months] == ["2025-12", "2026-01", "2026-02"]
    hours = made(
        ["h"], h__type="date", h__format="yyyy-MM-dd-HH", h__range="2026-01-01-22,2026-01-02-01", h__interval="2"
    )
    assert [each.values["h"] for each in hours] == ["2026-01-01-22", "2026-01-02-00"]
    clipped = made(["m"], m__type="date", m__format="yyyy-MM-dd", m__range="NOW-1MONTH,NOW-1MONTH")
    assert [each.values["m"] for each in clipped] == ["2026-02-28"]


def test_an_injected_key_takes_its_values_from_the_filters() -> None:
    assert [each.values["u"] for each in made(["u"], ("u=a,b",), u__type="injected")] == ["a", "b"]
    with pytest.raises(DataError, match="only a filter says"):
        made(["u"], u__type="injected")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"k__type": "odd"}, "has the type `odd`"),
        ({}, "has the type ``"),
        ({"k__type": "integer"}, "has no range"),
        ({"k__type": "integer", "k__range": "1,99000000000"}, "makes more than 100,000 values"),
        ({"k__type": "date", "k__range": "soon,NOW"}, "the date `soon`"),
        ({"k__type": "date", "k__range": "NOW,NOW", "k__format": "EEE"}, "writes dates as `EEE`"),
    ],
)
def test_a_projection_that_cannot_be_computed_is_told(parameters: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        made(["k"], **parameters)
