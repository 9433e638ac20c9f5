"""MySQL catalogs over the wire, against MariaDB: types, transactions, and each way in which a server can fail."""

from __future__ import annotations

import itertools
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from servers.mariadb import PASSWORD, Server, shared

import dq
from dq.catalog import mysql
from dq.catalog.base import Catalog, NamedTable
from dq.catalog.kinds import connect
from dq.catalog.selection import Selection, selection
from dq.diagnostics import DataError, DqError
from dq.render import html, json, text
from dq.sources.options import ReadOptions

EVERYTHING = Selection()
SECRET = "hunter2"
NUMBERS = itertools.count()


class Shop:
    """A database of its own on the server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = f"shop{next(NUMBERS)}"
        server.run(f"CREATE DATABASE {self.name}")
        self.catalogs: list[Catalog] = []

    def run(self, *statements: str) -> None:
        self.server.run("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'", *statements, database=self.name)

    def catalog(self, url: str = "", **settings: Any) -> Catalog:
        settings = {"url": url or self.server.url(self.name), **settings}
        self.catalogs.append(connect("mysql", "shop", settings, self.server.folder))
        return self.catalogs[-1]

    def open(self, table: str, chosen: Selection = EVERYTHING, **settings: Any) -> Any:
        return self.catalog(**settings).table((table,)).open(chosen, ReadOptions())

    def rows(self, table: str, chosen: Selection = EVERYTHING) -> list[dict[str, Any]]:
        source = self.open(table, chosen)
        with source.read(source.schema.names) as reader:
            return list(reader.read_all().to_pylist())

    def evaluate(self, rules: str, table: str, **settings: Any) -> dq.Evaluation:
        return dq.evaluate(f"Rules = [ {rules} ]", NamedTable(table, self.catalog(**settings).table((table,))))

    def queries(self) -> list[str]:
        """What runs on the server, but for ourselves."""
        with self.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT info FROM information_schema.processlist WHERE id <> connection_id()")
            return [info for (info,) in cursor.fetchall() if info]

    def close(self) -> None:
        for each in self.catalogs:
            each.close()
        self.server.run(f"DROP DATABASE {self.name}")


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop(shared())
    yield made
    made.close()


COLUMNS: tuple[tuple[str, str, str, Any], ...] = (
    ("TINYINT(1)", "5", "int16", 5),
    ("TINYINT UNSIGNED", "255", "int16", 255),
    ("SMALLINT UNSIGNED", "65535", "int32", 65535),
    ("MEDIUMINT", "-8388608", "int32", -8388608),
    ("INT UNSIGNED", "4294967295", "int64", 4294967295),
    ("BIGINT", "-9223372036854775808", "int64", -(2**63)),
    ("BIGINT UNSIGNED", "18446744073709551615", "decimal128(20, 0)", Decimal(2**64 - 1)),
    ("DECIMAL(10,2)", "-1.10", "decimal128(10, 2)", Decimal("-1.10")),
    ("DECIMAL(38,0)", "12345678901234567890123456789012345678", "decimal128(38, 0)", Decimal("12345678901234567890123456789012345678")),
    ("DECIMAL(65,30)", "1.5", "string", "1.500000000000000000000000000000"),
    ("FLOAT", "0.1", "float", 0.10000000149011612),
    ("DOUBLE", "0.1e0 + 0.2e0", "double", 0.30000000000000004),
    ("BIT(1)", "b'1'", "bool", True),
    ("BIT(9)", "b'101'", "int64", 5),
    ("BIT(64)", "~0", "decimal128(20, 0)", Decimal(2**64 - 1)),
    ("YEAR", "2024", "int16", 2024),
    ("DATE", "'2024-02-29'", "date32[day]", date(2024, 2, 29)),
    ("DATE", "'0000-00-00'", "string", "0000-00-00"),
    ("DATE", "'2024-02-31'", "string", "2024-02-31"),
    ("DATETIME", "'2024-00-01 10:00:00'", "string", "2024-00-01 10:00:00"),
    ("DATETIME", "'9999-12-31 23:59:59'", "timestamp[us]", datetime(9999, 12, 31, 23, 59, 59)),
    ("DATETIME(6)", "'2024-01-05 10:00:00.000001'", "timestamp[us]", datetime(2024, 1, 5, 10, 0, 0, 1)),
    ("TIMESTAMP NULL", "'2024-01-05 10:00:00'", "timestamp[us, tz=UTC]", datetime(2024, 1, 5, 8, tzinfo=UTC)),
    ("TIME", "'-100:00:01'", "string", "-100:00:01"),
    ("CHAR(4)", "'a '", "string", "a"),
    ("VARCHAR(9) CHARACTER SET latin1", "'ünï '", "string", "ünï "),
    ("VARCHAR(9) COLLATE utf8mb4_general_ci", "'日本 🙂'", "string", "日本 🙂"),
    ("ENUM('x','y')", "'y'", "string", "y"),
    ("SET('p','q')", "'q,p'", "string", "p,q"),
    ("JSON", "'{\"a\": 1}'", "string", '{"a": 1}'),
    ("BINARY(3)", "'a'", "binary", b"a\0\0"),
    ("BLOB", "x'00ff27'", "binary", b"\x00\xff'"),
    ("POINT", "POINT(1, 2)", "string", "POINT(1 2)"),
    ("UUID", "'5d3e9ebf-e888-11f1-b4e0-02fc00000001'", "string", "5d3e9ebf-e888-11f1-b4e0-02fc00000001"),
    ("INT AS (1 + 1)", "DEFAULT", "int32", 2),
)  # fmt: skip


def test_every_type_arrives_as_it_is(shop: Shop) -> None:
    declared = ", ".join(f"c{at} {kind}" for at, (kind, *_) in enumerate(COLUMNS))
    shop.run(
        "SET time_zone = '+02:00'",
        f"CREATE TABLE t ({declared})",
        f"INSERT INTO t VALUES ({', '.join(value for _, value, *_ in COLUMNS)})",
        "INSERT INTO t () VALUES ()",
    )
    source = shop.open("t")
    first, second = shop.rows("t")
    for at, (kind, value, arrow, read) in enumerate(COLUMNS):
        assert str(source.schema.field(f"c{at}").type) == arrow, (kind, value)
        assert first[f"c{at}"] == read, (kind, value)
        assert second[f"c{at}"] is None or "AS (" in kind, (kind, value)
    assert [note.split('"')[1] for note in source.notes] == ["c9", "c17", "c18", "c19"]
    assert "1 of its values are days that no calendar has" in source.notes[1]


def test_zero_dates_are_values_and_not_null(shop: Shop) -> None:
    shop.run("CREATE TABLE t (d DATE)", "INSERT INTO t VALUES ('2024-01-05'), ('0000-00-00'), (NULL)")
    result = shop.evaluate('Completeness "d" between 0.6 and 0.7, ColumnValues "d" in ["2024-01-05"]', "t")
    assert [str(each.verdict) for each in result.outcomes] == ["PASSED", "FAILED"]
    assert "days that no calendar has" in result.tables[0].notes[0]


def test_tables_views_and_what_is_known_of_them(shop: Shop) -> None:
    shop.run(
        "CREATE TABLE `odd ``table` (`a ``b` INT, `select` TEXT, `é` INT, hidden INT INVISIBLE DEFAULT 1)",
        "INSERT INTO `odd ``table` VALUES (1, 'x', 2)",
        "CREATE VIEW seen AS SELECT `a ``b` + 1 AS more FROM `odd ``table`",
        "CREATE TABLE parted (d INT, v INT) PARTITION BY RANGE (d) "
        "(PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN (20))",
        "CREATE TABLE old (x INT) ENGINE=Aria",
        "INSERT INTO old VALUES (1), (2)",
        "CREATE SEQUENCE counter",
    )
    catalog = shop.catalog()
    assert [each.name for each in catalog.children(())] == ["odd `table", "old", "parted", "seen"]
    assert shop.rows("odd `table") == [{"a `b": 1, "select": "x", "é": 2}]
    assert shop.rows("SEEN") == [{"more": 2}]
    parted = catalog.table(("parted",)).describe()
    assert (parted.kind, parted.partitions, parted.parts) == ("MariaDB table", ("d",), 2)
    assert parted.schema.names == ("d", "v")
    assert parted.location == f"mysql://127.0.0.1:{shop.server.port}/{shop.name}"
    assert catalog.table(("old",)).describe().rows == 2
    assert catalog.table(("seen",)).describe().kind == "MariaDB view"
    assert "no transactions" in shop.open("old").notes[0]
    assert shop.open("odd `table").notes == ("invisible columns, and left out: hidden",)
    with pytest.raises(DataError, match="has no table `sene`") as raised:
        catalog.table(("sene",))
    assert raised.value.help == "did you mean `seen`?"


def test_without_a_database_in_the_url_names_have_two_parts(shop: Shop) -> None:
    shop.run("CREATE TABLE t (x INT)")
    catalog = shop.catalog(shop.server.url())
    assert shop.name in [each.name for each in catalog.children(()) if not each.is_table]
    assert "mysql" not in [each.name for each in catalog.children(())]
    assert [each.name for each in catalog.children((shop.name,))] == ["t"]
    assert catalog.table((shop.name, "t")).describe().schema.names == ("x",)
    with pytest.raises(DataError, match="no database `shap"):
        catalog.children(("shap",))
    with pytest.raises(DataError, match="names no table"):
        catalog.table(("t",))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("day=2024-01-06", [2]),
        ("day=latest", [3, 4]),
        ("day!=2024-01-05", [2, 3, 4]),
        ("id=2..3", [2, 3]),
        ("name=a,b", [1, 2]),
        ("name=latest", [3]),
        ("at<2024-01-05T10:00:00.25", [1]),
        ("zoned=2024-01-05T12:00:00+02:00", [1]),
        ("price=0.1", [1]),
        ("single=0.1", [1]),
        ("flag=true", [1]),
        ("many=18446744073709551615", [1]),
    ],
)
def test_rows_are_chosen_by_values_of_the_type_of_the_column(shop: Shop, text: str, ids: list[int]) -> None:
    shop.run(
        "SET time_zone = '+00:00'",
        """CREATE TABLE t (id INT, day DATE, name VARCHAR(9) COLLATE utf8mb4_general_ci, at DATETIME(6),
           zoned TIMESTAMP NULL, price DECIMAL(9,2), single FLOAT, flag BIT(1), many BIGINT UNSIGNED)""",
        """INSERT INTO t VALUES
           (1, '2024-01-05', 'a', '2024-01-05', '2024-01-05 10:00:00', 0.1, 0.1, b'1', 18446744073709551615),
           (2, '2024-01-06', 'b', '2024-01-05T10:00:00.5', NULL, 1, 1, b'0', 1)""",
        "INSERT INTO t (id, day, name) VALUES (3, '2024-01-07', 'c'), (4, '2024-01-07', 'B')",
    )
    assert [row["id"] for row in shop.rows("t", selection([text]))] == ids


def test_no_row_at_all_is_an_error(shop: Shop) -> None:
    shop.run("CREATE TABLE t (name VARCHAR(9))")
    shop.run("INSERT INTO t VALUES ('a')")
    with pytest.raises(DataError, match=r"no row of .* meets name=b'\\"):
        shop.open("t", selection(["name=b'\\"]))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (selection(["day=yesterday"]), "`yesterday` is no value of the column `day`"),
        (selection(["dya=2024-01-01"]), "no column `dya`"),
        (selection(["raw=1"]), "rows cannot be chosen by the column `raw`"),
        (selection(snapshot="1"), "tables of MariaDB have one version"),
    ],
)
def test_what_cannot_be_chosen_is_said(shop: Shop, chosen: Selection, words: str) -> None:
    shop.run("CREATE TABLE t (day DATE, raw BLOB)")
    with pytest.raises(DqError, match=words):
        shop.open("t", chosen)


# -- transactions --------------------------------------------------------------------------------------


def test_the_tables_of_a_run_are_read_as_they_were_together(shop: Shop) -> None:
    shop.run("CREATE TABLE a (x INT)", "CREATE TABLE b (x INT)", "INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (1)")
    catalog = shop.catalog()
    first = catalog.table(("a",)).open(EVERYTHING, ReadOptions())
    shop.run("INSERT INTO a VALUES (2)", "INSERT INTO b VALUES (2)")
    second = catalog.table(("b",)).open(EVERYTHING, ReadOptions())
    for each in (first, second):
        with each.read(["x"]) as reader:
            assert reader.read_all().to_pylist() == [{"x": 1}]


def test_what_was_changed_since_it_was_opened_is_not_read_again(shop: Shop) -> None:
    shop.run("CREATE TABLE a (x INT)")
    source = shop.open("a")
    source.close()
    with source.read(["x"]) as reader:
        assert reader.read_all().num_rows == 0
    source.close()
    shop.run("INSERT INTO a VALUES (1)")
    with pytest.raises(DataError, match="has been changed since it was opened"), source.read(["x"]):
        pass


def test_nothing_can_be_written_and_no_setting_of_the_server_changes_an_answer(shop: Shop) -> None:
    shop.run("CREATE TABLE a (x INT)", "INSERT INTO a VALUES (1), (2), (3)")
    session = shop.open("a").session
    with pytest.raises(DataError, match="READ ONLY"):
        session.rows(f"INSERT INTO {shop.name}.a VALUES (4)")
    assert session.rows("SELECT @@time_zone, @@autocommit, @@sql_select_limit") == [("+00:00", "0", str(2**64 - 1))]


# -- faults --------------------------------------------------------------------------------------------


@contextmanager
def said(*words: str) -> Iterator[None]:
    """An error with these words, in which no password stands."""
    with pytest.raises(DataError) as raised:
        yield
    shown = "".join(traceback.format_exception(raised.value))
    assert PASSWORD not in shown
    assert SECRET not in shown
    for each in words:
        assert each in str(raised.value)


def test_a_server_that_is_down(shop: Shop) -> None:
    with said("Can't connect to MySQL server", "is it running"):
        shop.catalog(f"mysql://dq:{SECRET}@127.0.0.1:1/shop").children(())


def test_a_wrong_password_is_tried_once_and_shown_nowhere(shop: Shop) -> None:
    with said("Access denied", "the user or the password is wrong"):
        shop.catalog(shop.server.url(shop.name, password=SECRET)).table(("t",))


def test_a_database_that_is_not_there(shop: Shop) -> None:
    with said("Unknown database"):
        shop.catalog(shop.server.url("nowhere")).children(())


def test_no_password_in_anything_that_is_shown(shop: Shop) -> None:
    shop.run("CREATE TABLE t (x INT)", "INSERT INTO t VALUES (1)")
    result = shop.evaluate('IsComplete "x", RowCount > 5, Sum "y" > 1', "t")
    shown = [text.render(result), json.render(result), html.render(result)]
    catalog = shop.catalogs[-1]
    table = catalog.table(("t",))
    opened = table.open(EVERYTHING, ReadOptions())
    shown += [repr(each) for each in (result, catalog, table, opened, table.describe(), vars(catalog))]
    assert not [each for each in shown if PASSWORD in each]


def test_permissions(shop: Shop) -> None:
    user = f"{shop.name}_user"
    shop.run(
        "CREATE TABLE t (id INT, secret INT)",
        "CREATE TABLE other (id INT)",
        "INSERT INTO t VALUES (1, 2)",
        f"CREATE USER '{user}'@'%' IDENTIFIED BY '{SECRET}'",
        f"GRANT SELECT (id), INSERT ON {shop.name}.t TO '{user}'@'%'",
    )
    catalog = shop.catalog(shop.server.url(shop.name, user=user, password=SECRET))
    source = catalog.table(("t",)).open(EVERYTHING, ReadOptions())
    assert source.notes == ("columns that the user may not read, and left out: secret",)
    with source.read(["id"]) as reader:
        assert reader.read_all().to_pylist() == [{"id": 1}]
    with said("has no table `other`"):
        catalog.table(("other",))
    shop.run(f"REVOKE SELECT (id) ON {shop.name}.t FROM '{user}'@'%'")
    with said("no column that the user may read", "SELECT"):
        catalog.table(("t",)).open(EVERYTHING, ReadOptions())
    shop.run(f"DROP USER '{user}'@'%'")


BIG = "INSERT INTO t SELECT seq, repeat('x', 200) FROM seq_1_to_100000"


def test_a_connection_that_is_killed_in_the_middle_makes_errors(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.run("CREATE TABLE t (id INT, s VARCHAR(200))", BIG)
    original = mysql.as_reader

    def killing(fields: Any, batches: Any) -> Any:
        def some() -> Iterator[Any]:
            yield next(batches)
            (connection,) = [each._session._connection for each in shop.catalogs if each._session._connection]
            shop.server.run(f"KILL {connection.thread_id()}")
            yield from batches

        return original(fields, some())

    monkeypatch.setattr(mysql, "as_reader", killing)
    result = shop.evaluate('IsComplete "s", RowCount > 0', "t", pushdown=False)
    assert {str(each.verdict) for each in result.outcomes} == {"ERROR"}
    assert all("Lost connection" in each.reason for each in result.outcomes)
    assert result.exit_code == 3


def test_a_statement_that_takes_too_long(shop: Shop) -> None:
    shop.run("CREATE VIEW v AS SELECT seq, sleep(1) AS s FROM seq_1_to_100")
    source = shop.open("v", timeout=0.5)
    with said("max_statement_time", "raise the setting `timeout`"), source.read(["s"]) as reader:
        reader.read_all()


def test_a_table_that_somebody_has_locked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql, "LOCKED", 1)
    shop.run("CREATE TABLE t (id INT)")
    source = shop.open("t")
    source.close()
    with shop.server.connect(shop.name) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLES t WRITE")
        with said("Lock wait timeout exceeded", "somebody has locked the table"), source.read(["id"]) as reader:
            reader.read_all()


def test_rows_that_nobody_wants_any_more_end_the_query(shop: Shop) -> None:
    shop.run("CREATE TABLE t (id INT, s VARCHAR(200))", BIG, BIG)
    source = shop.open("t")
    with source.read(["s"]) as reader:
        next(reader)
    deadline = time.monotonic() + 5
    while any("`s`" in each for each in shop.queries()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_ctrl_c_ends_the_query_on_the_server(shop: Shop) -> None:
    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    shop.run("CREATE TABLE t (id INT)")
    session = shop.open("t").session
    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            session.rows("SELECT sleep(20)")
    finally:
        signal.signal(signal.SIGALRM, before)
    deadline = time.monotonic() + 5
    while any("sleep(20)" in each for each in shop.queries()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_limit_of_rows_that_the_administrator_set_cuts_nothing_off(shop: Shop) -> None:
    shop.run("CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1), (2), (3)", "SET GLOBAL sql_select_limit = 1")
    try:
        assert len(shop.rows("t")) == 3
    finally:
        shop.run("SET GLOBAL sql_select_limit = DEFAULT")


# -- addresses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "cipher"),
    [("?ssl_mode=required", True), ("?ssl_ca=certificate.pem", True), ("?ssl-mode=disabled", False)],
)
def test_tls(shop: Shop, query: str, cipher: bool) -> None:
    if not (shop.server.folder / "certificate.pem").exists():
        pytest.skip("NOT TESTED: there is no openssl here; Debian's package is `openssl`")
    catalog = shop.catalog(shop.server.url(shop.name, query=query))
    catalog.children(())
    ((_, name),) = catalog._session.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")  # type: ignore[attr-defined]
    assert bool(name) == cipher


def test_a_certificate_that_nobody_vouches_for(shop: Shop) -> None:
    if not (shop.server.folder / "certificate.pem").exists():
        pytest.skip("NOT TESTED: there is no openssl here; Debian's package is `openssl`")
    with said("CERTIFICATE_VERIFY_FAILED", "ssl_ca"):
        shop.catalog(shop.server.url(shop.name, query="?ssl_mode=verify_ca")).children(())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://dq:hunter2@host/db", "begins with `postgresql:`"),
        ("mysql:///db", "names no host"),
        ("mysql://dq:hunter2@host:x/db", "cannot be read"),
        ("mysql://dq:hunter2@host/db?sslmode=on", "unknown parameter `sslmode`"),
        ("mysql://dq:hunter2@host/db?ssl_mode=on", "`on` is no ssl_mode"),
        ("mysql://dq:hunter2@host/db?ssl_ca=none.pem", "certificates of the URL cannot be read"),
    ],
)
def test_a_wrong_url_is_a_mistake_of_the_user(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(DqError, match=words) as raised:
        connect("mysql", "shop", {"url": url}, tmp_path)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_user_and_password_may_stand_beside_the_url(tmp_path: Path) -> None:
    settings = {"url": "mysql://somebody:x@host/db", "user": "me", "password": SECRET}
    found = mysql.address(settings, tmp_path)
    assert (found.options["user"], found.options["password"], str(found)) == (
        "me",
        SECRET.encode(),
        "mysql://host:3306/db",
    )
    assert SECRET not in repr(found)
