"""Types are found on a sample and pinned; what does not fit later is data to report, never a crash."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dq.diagnostics import DataError, DqError
from dq.schema import Type
from dq.sources.options import ReadOptions
from dq.sources.tables import Tables

MANY = 25_000


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def run(tables: Tables, sql: str) -> list[tuple[Any, ...]]:
    """As an engine runs a query: again after each recovery."""
    while True:
        try:
            return tables.connection.execute(sql).fetchall()
        except duckdb.Error as error:
            if not tables.recover(error):
                raise tables.explain_error(error) from error


def everything(path: Path, **options: Any) -> tuple[list[tuple[Any, ...]], list[str], tuple[str, ...]]:
    with Tables(path, options=ReadOptions(**options)) as tables:
        rows = run(tables, 'FROM "primary"')
        schema = tables.schemas["primary"]
        return rows, [f"{c.name}:{c.native}" for c in schema], tables.read("primary").notes


CSV_CASES: dict[str, tuple[str | bytes, dict[str, Any], list[tuple[Any, ...]], list[str], str]] = {
    "types are found": (
        "i,f,b,d,ts,t,s\n1,1.5,true,2024-01-02,2024-01-02 03:04:05,10:00:00,x\n",
        {},
        [(1, 1.5, True, dt.date(2024, 1, 2), dt.datetime(2024, 1, 2, 3, 4, 5), dt.time(10), "x")],
        ["i:BIGINT", "f:DOUBLE", "b:BOOLEAN", "d:DATE", "ts:TIMESTAMP", "t:TIME", "s:VARCHAR"],
        "",
    ),
    "a header alone is a table without rows": ("a,b\n", {}, [], ["a:VARCHAR", "b:VARCHAR"], ""),
    "a header alone without line end": ("a,b", {}, [], ["a:VARCHAR", "b:VARCHAR"], ""),
    "one column": ("name\nx\ny\n", {}, [("x",), ("y",)], ["name:VARCHAR"], ""),
    "leading zeros are text": ("zip\n01234\n", {}, [("01234",)], ["zip:VARCHAR"], ""),
    "empty is NULL, quoted empty is not": (
        'a,b\n"",1\n,2\nx,3\n',
        {},
        [("", 1), (None, 2), ("x", 3)],
        ["a:VARCHAR", "b:BIGINT"],
        "",
    ),
    "a quoted empty number makes all quoted empties NULL": (
        '"a","b"\n"1",""\n"","x"\n',
        {},
        [(1, None), (None, "x")],
        ["a:BIGINT", "b:VARCHAR"],
        'a quoted empty value is read as NULL: column "a"',
    ),
    "all text": ("a,b\n01,2\n", {"all_text": True}, [("01", "2")], ["a:VARCHAR", "b:VARCHAR"], ""),
    "types can be said": ("A,b\n01,2\n", {"types": {"a": "VARCHAR"}}, [("01", 2)], ["A:VARCHAR", "b:BIGINT"], ""),
    "a said type that does not fit is text": (
        "a\nx\n",
        {"types": {"a": "INTEGER"}},
        [("x",)],
        ["a:VARCHAR"],
        'column "a" is read as text: line 2 holds "x", not INTEGER',
    ),
    "text for missing": ("a\n1\nNA\n", {"nullstr": "NA"}, [(1,), (None,)], ["a:BIGINT"], ""),
    "no header": ("1,x\n2,y\n", {}, [(1, "x"), (2, "y")], ["column0:BIGINT", "column1:VARCHAR"], "no header line"),
    "header said": ("1,2\n3,4\n", {"header": True}, [(3, 4)], ["1:BIGINT", "2:BIGINT"], ""),
    "header denied": (
        "a,b\nc,d\n",
        {"header": False},
        [("a", "b"), ("c", "d")],
        ["column0:VARCHAR", "column1:VARCHAR"],
        "",
    ),
    "delimiter said": ("a;b,c\n1;2\n", {"delimiter": ";"}, [(1, 2)], ["a:BIGINT", "b,c:BIGINT"], ""),
    "long delimiter": ("a||b\n1||2\n", {"delimiter": "||"}, [(1, 2)], ["a:BIGINT", "b:BIGINT"], ""),
    "pipe found": ("a|b\n1|2\n", {}, [(1, 2)], ["a:BIGINT", "b:BIGINT"], ""),
    "quote and escape said": (
        "a,b\n'x\\'y',1\n",
        {"quote": "'", "escape": "\\"},
        [("x'y", 1)],
        ["a:VARCHAR", "b:BIGINT"],
        "",
    ),
    "quotes switched off": ('a,b\n"x,1\ny",2\n', {"quote": ""}, [('"x', 1), ('y"', 2)], ["a:VARCHAR", "b:BIGINT"], ""),
    "line end inside of quotes": ('a,b\n1,"x\ny"\n', {}, [(1, "x\ny")], ["a:BIGINT", "b:VARCHAR"], ""),
    "latin-1": ("a\ncaf\xe9\n".encode("latin-1"), {"encoding": "latin-1"}, [("café",)], ["a:VARCHAR"], ""),
    "ISO name of latin-1": (
        "a\ncaf\xe9\n".encode("latin-1"),
        {"encoding": "ISO-8859-1"},
        [("café",)],
        ["a:VARCHAR"],
        "",
    ),
    "utf-16 said": ("a\ncafé\n".encode("utf-16-le"), {"encoding": "utf-16"}, [("café",)], ["a:VARCHAR"], ""),
    "utf-16 by its first bytes": ("a\ncafé\n".encode("utf-16"), {}, [("café",)], ["a:VARCHAR"], "read as utf-16"),
    "a date format is told": ("d\n31/12/2024\n", {}, [(dt.date(2024, 12, 31),)], ["d:DATE"], "read as %d/%m/%Y"),
    "a date format is said": (
        "d\n01/02/2024\n",
        {"date_format": "%m/%d/%Y"},
        [(dt.date(2024, 1, 2),)],
        ["d:DATE"],
        "",
    ),
    "names given twice": (
        "a,a,,A\n1,2,3,4\n",
        {},
        [(1, 2, 3, 4)],
        ["a:BIGINT", "a_1:BIGINT", "column2:BIGINT", "A_2:BIGINT"],
        'renamed in t.csv: "a" to "a_1", "" to "column2", "A" to "A_2"',
    ),
    "a hash does not hide a row": ("a,b\n#1,2\n3,4\n", {}, [("#1", 2), ("3", 4)], ["a:VARCHAR", "b:BIGINT"], ""),
    "lines above the table": (
        "made by x\n\na,b\n1,2\n3,4\n",
        {},
        [(1, 2), (3, 4)],
        ["a:BIGINT", "b:BIGINT"],
        "skipped",
    ),
    "spaces around": ("a, b\n1, x\n", {}, [(1, " x")], ["a:BIGINT", "b:VARCHAR"], ""),
    "an integer of 23 digits": (
        "n\n12345678901234567890123\n",
        {"types": {"n": "HUGEINT"}},
        [(12345678901234567890123,)],
        ["n:HUGEINT"],
        "",
    ),
}


@pytest.mark.parametrize("case", CSV_CASES)
def test_csv(tmp_path: Path, case: str) -> None:
    content, options, rows, columns, note = CSV_CASES[case]
    found, schema, notes = everything(write(tmp_path / "t.csv", content), **options)
    assert found == rows
    assert schema == columns
    assert note in " | ".join(notes)
    assert notes or not note


# -- deep in the file -------------------------------------------------------------------------------------------------


def test_a_deep_value_that_does_not_fit_makes_its_column_text(tmp_path: Path) -> None:
    lines = [f"{i},{i:05d},{i}.5,2024-01-01" for i in range(MANY)] + ["007 or so,x,1,soon", "00012,,,"]
    path = write(tmp_path / "deep.csv", "\n".join(["id,code,price,day", *lines]) + "\n")
    with Tables(path) as tables:
        before = tables.schemas["primary"]
        assert [c.type for c in before] == [Type.INTEGER, Type.STRING, Type.FLOAT, Type.DATE]
        assert run(tables, 'SELECT sum(price) FROM "primary"') == [(sum(i + 0.5 for i in range(MANY)) + 1,)]
        assert tables.schemas["primary"] == before
        query = 'SELECT id, code, price, day FROM "primary" OFFSET 24999'
        assert run(tables, query) == [
            ("24999", "24999", 24999.5, "2024-01-01"),
            ("007 or so", "x", 1.0, "soon"),
            ("00012", None, None, None),
        ]
        assert [c.type for c in tables.schemas["primary"]] == [Type.STRING, Type.STRING, Type.FLOAT, Type.STRING]
        notes = tables.read("primary").notes
    assert 'column "id" is read as text: line 25,002 holds "007 or so", not BIGINT' in notes
    assert 'column "day" is read as text: line 25,002 holds "soon", not DATE' in notes


def test_a_deep_fraction_keeps_its_column_a_number(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a\n" + "1\n" * MANY + "2.5\n99999999999999999999\n")
    with Tables(path) as tables:
        assert run(tables, 'SELECT count(a), min(a) FROM "primary"') == [(MANY + 2, 1.0)]
        assert tables.schemas["primary"].columns[0].type is Type.FLOAT
        assert "is read as DOUBLE" in tables.read("primary").notes[0]


def test_a_long_odd_value_is_shortened_in_the_note(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a\n" + "1\n" * MANY + "x" * 500 + "\n")
    with Tables(path) as tables:
        run(tables, 'SELECT max(a) FROM "primary"')
        (note,) = tables.read("primary").notes
    assert len(note) < 150
    assert "…" in note


def test_quotes_that_come_late_are_understood(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,b\n" + "1,x\n" * MANY + '2,"p, ""q"""\n3,""\n')
    with Tables(path) as tables:
        assert run(tables, 'SELECT a, b FROM "primary" WHERE a > 1') == [(2, 'p, "q"'), (3, "")]


def test_a_deep_value_in_one_of_many_files(tmp_path: Path) -> None:
    for i in range(12):
        write(tmp_path / f"{i:02}.csv", "a,b\n" + "1,2\n" * (MANY if i == 11 else 3) + ("x,3\n" if i == 11 else ""))
    with Tables(tmp_path) as tables:
        assert run(tables, 'SELECT count(a), sum(b) FROM "primary"') == [(MANY + 34, 2 * (MANY + 33) + 3)]
        assert "11.csv" in tables.read("primary").notes[0]


def test_two_tables_of_one_file_and_other_errors(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a\n" + "1\n" * MANY + "x\n")
    other = write(tmp_path / "o.csv", "a\n1\n")
    with Tables({"p": path, "q": path, "o": other}) as tables:
        assert run(tables, "SELECT (SELECT max(a) FROM p), (SELECT max(a) FROM q)") == [("x", "x")]
        assert tables.schemas["o"].columns[0].type is Type.INTEGER
        for sql in ("SELECT CAST('x' AS INTEGER)", "SELECT nope FROM o", "SELEC"):
            with pytest.raises(duckdb.Error) as caught:
                tables.connection.execute(sql).fetchall()
            assert not tables.recover(caught.value)
        assert not tables.recover(ValueError("CSV Error on Line: 2"))


DEEP_FAULTS = {
    "too many fields": ("4,5,6\n", "line 25,002 has 3 fields where 2 are expected"),
    "too few fields": ("4\n", "line 25,002 has 1 field where 2 are expected"),
    "open quote": ('4,"open\n1,2\n', "line 25,002 opens a quote that is never closed"),
    "not UTF-8": (b"4,caf\xe9\n", "line 25,002 is not UTF-8: byte 0xe9"),
}


@pytest.mark.parametrize("fault", DEEP_FAULTS)
def test_a_deep_fault_names_its_line(tmp_path: Path, fault: str) -> None:
    line, expected = DEEP_FAULTS[fault]
    raw = line.encode() if isinstance(line, str) else line
    path = write(tmp_path / "t.csv", b"a,b\n" + b'1,"x"\n' * MANY + raw)
    with Tables(path) as tables, pytest.raises(DataError) as caught:
        run(tables, 'SELECT count(a), max(b) FROM "primary"')
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)
    assert "help:" in str(caught.value)


def test_a_nul_byte_deep_in_a_file_is_data(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", b"a,b\n" + b"1,x\n" * MANY + b"2,p\x00q\n")
    with Tables(path) as tables:
        assert run(tables, 'SELECT b FROM "primary" WHERE a = 2') == [("p\0q",)]


def test_wrong_options(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "amount\n1\n")
    for options, expected in (
        ({"types": {"amuont": "INTEGER"}}, "did you mean `amount`"),
        ({"types": {"amount": "INTEGER); DROP TABLE x"}}, "no SQL type"),
        ({"types": {"amount": "NUMBERISH"}}, "NUMBERISH"),
    ):
        with pytest.raises(DqError, match=r"amount|NUMBERISH") as caught:
            Tables(path, options=ReadOptions(**options))
        assert expected in str(caught.value)
    for options in ({"format": "excel"}, {"encoding": "cp1252"}, {"quote": "ab"}, {"delimiter": ""}):
        with pytest.raises(DqError) as caught:
            ReadOptions(**options)
        assert caught.value.exit_code == 2
    with pytest.raises(DqError, match="types"):
        Tables(write(tmp_path / "t.arrow", _arrow()), options=ReadOptions(types={"a": "INTEGER"}))


def _arrow() -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, pa.schema([("a", pa.int64())])):
        pass
    return sink.getvalue().to_pybytes()


# -- JSON ------------------------------------------------------------------------------------------

JSON_CASES: dict[str, tuple[str, list[tuple[Any, ...]], list[str], str]] = {
    "keys may be missing and come late": (
        '{"a":1}\n{"b":"x"}\n',
        [(1, None), (None, "x")],
        ["a:BIGINT", "b:VARCHAR"],
        "",
    ),
    "null is NULL": ('[{"a":null,"b":1},{"a":"","b":2}]', [(None, 1), ("", 2)], ["a:VARCHAR", "b:BIGINT"], ""),
    "all null is text": ('{"a":null}', [(None,)], ["a:VARCHAR"], ""),
    "mixed types are text": (
        '{"a":1}\n{"a":"x"}\n{"a":{"k":1}}\n',
        [("1",), ("x",), ('{"k":1}',)],
        ["a:VARCHAR"],
        "several types",
    ),
    "nested": ('{"a":{"b":1},"c":[1,2]}', [({"b": 1}, [1, 2])], ["a:STRUCT(b BIGINT)", "c:BIGINT[]"], ""),
    "numbers in strings stay text": ('{"a":"007"}', [("007",)], ["a:VARCHAR"], ""),
    "dates are found": ('{"a":"2024-01-02"}', [(dt.date(2024, 1, 2),)], ["a:DATE"], ""),
    "pretty printed": ('[\n  {\n    "a": 1\n  }\n]\n', [(1,)], ["a:BIGINT"], ""),
}


@pytest.mark.parametrize("case", JSON_CASES)
def test_json(tmp_path: Path, case: str) -> None:
    content, rows, columns, note = JSON_CASES[case]
    found, schema, notes = everything(write(tmp_path / "t.json", content))
    assert found == rows
    assert schema == columns
    assert note in " | ".join(notes)


def test_json_with_many_rare_keys_keeps_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", "\n".join(json.dumps({f"k{i}": i}) for i in range(500)))
    with Tables(path) as tables:
        assert len(tables.schemas["primary"]) == 500


def test_a_json_value_that_does_not_fit_makes_its_column_text(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", '{"a":1,"b":2,"c":[1]}\n{"a":"zz","b":null,"c":{"d":1}}\n')
    with Tables(path, options=ReadOptions(types={"a": "BIGINT", "b": "BIGINT", "c": "BIGINT[]"})) as tables:
        assert run(tables, 'FROM "primary"') == [("1", 2, "[1]"), ("zz", None, '{"d":1}')]
        assert [c.type for c in tables.schemas["primary"]] == [Type.STRING, Type.INTEGER, Type.STRING]
        assert 'column "a" is read as text' in " ".join(tables.read("primary").notes)


def test_a_json_fault_names_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", '{"a":1}\n' * 10 + '{"a":1,"a":2}\n')
    with Tables(path) as tables, pytest.raises(DataError, match="duplicate key") as caught:
        run(tables, 'FROM "primary"')
    assert "line 11" in str(caught.value)


# -- laws ------------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.lists(st.tuples(texts, texts), min_size=1, max_size=8))
def test_quoted_text_comes_back_exactly(tmp_path: Path, table: list[tuple[str, str]]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace('"', '""') + '"'

    lines = ["first,second", *(",".join(map(quoted, row)) for row in table)]
    path = write(tmp_path / "t.csv", "\n".join(lines) + "\n")
    options = ReadOptions(all_text=True, header=True, delimiter=",", quote='"', escape='"')
    with Tables(path, options=options) as tables:
        assert run(tables, 'FROM "primary"') == table


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    column=st.lists(
        st.sampled_from(["", "1", "007", "-2", "1.5", "x", "2024-01-01", "true", "NaN", "1e3", "10:00:00"]),
        min_size=1,
        max_size=6,
    )
)
def test_no_column_of_values_stops_a_scan(tmp_path: Path, column: list[str]) -> None:
    path = write(tmp_path / "t.csv", "k,v\n" + "0,1\n" * 30 + "".join(f"1,{value}\n" for value in column))
    with Tables(path, options=ReadOptions(types={"v": "BIGINT"})) as tables:
        read = run(tables, 'SELECT v FROM "primary" WHERE k = 1')
        if tables.schemas["primary"].columns[1].type is Type.STRING:
            assert [v for (v,) in read] == [value or None for value in column]
        assert sum(v is None for (v,) in read) == column.count("")
