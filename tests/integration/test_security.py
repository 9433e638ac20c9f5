"""A ruleset is untrusted: it reads the tables and files it was given and nothing else, whatever its words are.

`tests/unit/test_sqltext.py` has what SQL may say, `tests/integration/test_connection.py` what the database may do, and
`tests/unit/files/test_places.py` what a path may name. Here whole rulesets are evaluated, with hostile words in every
place where a name or a value can stand.
"""

from __future__ import annotations

import csv
import hashlib
import json
import socket
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dq

PASSED, ERROR = dq.Verdict.PASSED, dq.Verdict.ERROR
CANARY = "canary-5f1d"

DATE = "2024-01-01"
"""No text where a condition compares (A.5 of the language), but a name like any other."""

HOSTILE = [
    '"; drop table primary; --',
    "' or 1=1 --",
    "') or 1=1; copy primary to 'out.csv'; --",
    "*/ union select 1 /*",
    "`",
    '"',
    '""',
    "''",
    "\\",
    'back\\"slash',
    "select",
    "primary",
    "*",
    "a b",
    " lead",
    "trail ",
    "dot.ted",
    "primary.c",
    "a->b",
    "a,b",
    "{c}",
    "sum(c)",
    "$x",
    "${x}",
    "?",
    ":x",
    "%s",
    "{0}",
    "$tag$",
    "secret.csv",
    "read_csv('secret.csv')",
    "k0",
    "label",
    "outcomes",
    "again",
    DATE,
    "<script>alert(1)</script>",
    "x\ny",
    "x\r\ty",
    "\x1b[31mred",
    "ünïcödé 日本 🙂",
    "e\u0301",
    "\u202ereversed",
    "\ufeffmark",
    "a" * 3000,
]
"""Words that would break out of a quote, be a keyword, a file, a format or a name of our own, were they pasted."""

SPLIT = {
    "a->b",
    "a,b",
    "{c}",
    "sum(c)",
    "dot.ted",
    "primary.c",
    "secret.csv",
    "read_csv('secret.csv')",
    " lead",
    "trail ",
}
"""Those of them that a list, a mapping, a reference or an aggregate takes apart, so that they cannot be names there."""


def in_dqdl(word: str) -> str:
    """A word inside the quotes of DQDL."""
    return word.replace("\\", "\\\\").replace('"', '\\"')


def in_sql(word: str) -> str:
    """A text literal of Spark SQL, to stand inside the quotes of DQDL."""
    return in_dqdl("'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'")


def as_name(word: str) -> str:
    """A name of Spark SQL, to stand inside the quotes of DQDL."""
    return in_dqdl("`" + word.replace("`", "``") + "`")


def ruleset(rules: Sequence[str]) -> str:
    return "Rules = [\n" + ",\n".join(rules) + "\n]"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with one table, beside secrets that nobody gave, and no way to the network."""

    def refused(*_: object) -> None:
        raise AssertionError("the network was asked")

    work = tmp_path / "work"
    work.mkdir()
    (work / "data").mkdir()
    (work / "data/orders.csv").write_text("id,s\n1,a\n2,b\n")
    (tmp_path / "secret.csv").write_text(f"id,s\n1,{CANARY}\n")
    (work / "link.csv").symlink_to(tmp_path / "secret.csv")
    with duckdb.connect(str(tmp_path / "secret.db")) as connection:
        connection.execute(f"create table t as select 1 as id, '{CANARY}' as s")
    monkeypatch.setenv("DQ_CANARY", CANARY)
    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.chdir(work)
    return tmp_path


def everything(evaluation: dq.Evaluation, *, rows: bool = True) -> str:
    """All that an evaluation tells, in every form."""
    told = [evaluation.to_json(), evaluation.to_html(), evaluation.to_text()]
    if rows:
        told += [str(row) for row in evaluation.rows().read_all().to_pylist()]
    return "\n".join(told)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# -- names ---------------------------------------------------------------------------------------------

ON_COLUMNS = [
    'Completeness "{n}" > 0.5',
    'IsComplete "{n}" where "{nq} is not null"',
    'Uniqueness "{n}" "{s}" > 0.5',
    'IsUnique "{n}" where "{nq} > 0"',
    'IsPrimaryKey "{n}" "{s}"',
    'UniqueValueRatio "{n}" > 0.9',
    'DistinctValuesCount "{s}" = 3 where "{sq} != \'x\'"',
    'DuplicateRowCount "{n}" = 0',
    'Entropy "{s}" > 9',
    'ColumnValues "{n}" > 1',
    'ColumnValues "{n}" in [1, 2, NULL] where "{nq} in (1, 2)"',
    'ColumnValues "{s}" matches "[a-z]"',
    'ColumnValues "{s}" = "a" with threshold > 0.2',
    'ColumnValues "{s}" != EMPTY',
    'ColumnLength "{s}" = 1',
    'ColumnDataType "{s}" = "Integer"',
    'DataFreshness "{s}" < 1 days',
    'Mean "{n}" = 2.25',
    'Sum "{n}" = 9 where "{nq} < 100"',
    'StandardDeviation "{n}" > 1',
    'Variance "{n}" > 1',
    'Range "{n}" = 3',
    'InterquartileRange "{n}" > 0',
    'Skewness "{n}" > 0',
    'Kurtosis "{n}" > 0',
    'ZerosCount "{n}" = 0',
    'ColumnCorrelation "{n}" "o" > 0',
    'ColumnExists "{n}"',
    'CustomSql "select max({nq}) from primary" = 4',
    'CustomSql "select {nq}, {sq} from primary where {nq} > 1"',
    '(IsComplete "{n}") or (IsUnique "{s}")',
]
N, S = [1, 2, 2, 4, None], ["a", "b", "", "a", None]


@pytest.mark.slow
@pytest.mark.parametrize("word", HOSTILE, ids=lambda word: ascii(word[:20]))
def test_a_column_of_any_name_is_judged_like_another(word: str) -> None:
    """Names are only names: every rule says the same of a column whatever it is called, of its rows too."""
    assert outcomes(word, word + "s") == outcomes("plain", "plains")


@cache
def outcomes(n: str, s: str) -> list[tuple[Any, ...]]:
    names = {"n": in_dqdl(n), "s": in_dqdl(s), "nq": as_name(n), "sq": as_name(s)}
    data = pa.table({n: pa.array(N, pa.int32()), "o": [1, 2, 3, 4, 5], s: S})
    options = dq.Options(key=(n,), samples=9)
    evaluation = dq.evaluate(ruleset([rule.format(**names) for rule in ON_COLUMNS]), data, options=options)
    everything(evaluation, rows=False)
    rows = evaluation.rows().read_all().to_pylist()
    failing = [[str(outcome.rule) in row["DataQualityRulesFail"] for row in rows] for outcome in evaluation.outcomes]
    return [
        (rule, outcome.verdict, list(outcome.metrics.values()), outcome.failing and outcome.failing.count, fails)
        for rule, outcome, fails in zip(ON_COLUMNS, evaluation.outcomes, failing, strict=True)
    ]


@pytest.mark.parametrize("word", [word for word in HOSTILE if word not in SPLIT], ids=lambda word: ascii(word[:20]))
def test_a_reference_of_any_name_is_read_like_another(word: str) -> None:
    """An alias and its columns are only names, in mappings, in aggregates and in SQL too."""
    w, q = in_dqdl(word), as_name(word)
    data = {
        "primary": pa.table({word: [1, 2, 3], "o": [1, 2, 3]}),
        (word if word != "primary" else "primary2"): pa.table({word: [1, 2, 9], "o": [1, 5, 3]}),
    }
    a, aq = (w, q) if word != "primary" else ("primary2", "primary2")
    rules = [
        f'ReferentialIntegrity "{w}" "{a}.{{{w}}}" > 0.6',
        f'ReferentialIntegrity "{w},o" "{a}.{{{w},o}}" < 0.4',
        f'DatasetMatch "{a}" "{w}" "o" < 0.4',
        f'DatasetMatch "{a}" "{w}->o" "o->{w}" < 0.4',
        f'SchemaMatch "{a}" = 1.0',
        f'RowCountMatch "{a}" = 1.0',
        f'AggregateMatch "sum({w})" "sum({a}.{w})" = 0.5',
        f'CustomSql "select count(*) from {aq}" = 3',
        f'CustomSql "select sum(r.{q}) from {aq} r join primary p on r.{q} = p.{q}" = 3',
    ]
    evaluation = dq.evaluate(ruleset(rules), data)
    assert [(str(each.rule), each.reason) for each in evaluation.outcomes if not each.passed] == []
    everything(evaluation)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('DatasetMatch "r" "a->b" = 1', "column `a` does not exist"),
        ('DatasetMatch "r" "id" "a->b" = 1', "column `a` does not exist"),
        ('DatasetMatch "r" "id->id->id" = 1', "is no mapping"),
        ('DatasetMatch "r" "->" = 1', "is no mapping"),
        ('DatasetMatch "r" "id,," = 1', "empty name"),
        ('ReferentialIntegrity "x,y" "r.{x,y}" = 1', "column `x` does not exist"),
        ('ReferentialIntegrity "id" "r.{id} union select 1" = 1', "does not exist in `r`"),
        ('AggregateMatch "sum(id) + 1" "sum(id)" = 1', "is no aggregate"),
        ('AggregateMatch "sum(id); drop table r" "sum(id)" = 1', "is no aggregate"),
        ('AggregateMatch "sum(distinct id)" "sum(id)" = 1', "column `distinct id` does not exist"),
        ('AggregateMatch "sum(case when 1 then 1 end)" "sum(id)" = 1', "does not exist"),
        ('AggregateMatch "getenv(DQ_CANARY)" "sum(id)" = 1', "is neither"),
        ('AggregateMatch "sum(primary.id)" "sum(r.id) filter (where true)" = 1', "does not exist in `r`"),
        ('AggregateMatch "sum(information_schema.tables.x)" "sum(id)" = 1', "no data was given for the reference"),
    ],
)
def test_what_looks_like_an_expression_is_taken_apart_as_written_or_refused(rule: str, words: str) -> None:
    """Columns that are called so do not make a mapping or an aggregate mean something else."""
    columns = {name: [1, 2] for name in ("id", "a->b", "x,y", "sum(id)", "id->id->id")}
    (outcome,) = dq.evaluate(ruleset([rule]), {"primary": pa.table(columns), "r": pa.table(columns)}).outcomes
    assert outcome.verdict is ERROR
    assert words in outcome.reason


# -- values --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [word for word in HOSTILE if word != DATE], ids=lambda word: ascii(word[:20]))
def test_a_value_of_any_text_is_only_a_value(word: str) -> None:
    """It equals itself and nothing else: one row of three, in operands, in where and in SQL."""
    w, literal = in_dqdl(word), in_sql(word)
    data = pa.table({"s": [word, word + "x", "other"], "id": [1, 2, 3]})
    third = "with threshold between 0.3 and 0.4"
    most = "with threshold between 0.6 and 0.7"
    rules = [
        f'ColumnValues "s" in ["{w}", "nothing"] {third}',
        f'ColumnValues "s" not in ["{w}", "nothing"] {most}',
        f'RowCount = 1 where "s = {literal}"',
        f'RowCount = 2 where "s != {literal}"',
        f"RowCount = 1 where \"s in ({literal}, 'nothing')\"",
        f'CustomSql "select count(*) from primary where s = {literal}" = 1',
        f'CustomSql "select id from primary where s = {literal}" {third}',
        f'ColumnValues "id" = 1 where "s = {literal}"',
        f'ColumnValues "s" = "{w}" {third}',
        f'ColumnValues "s" != "{w}" {most}',
    ]
    evaluation = dq.evaluate(ruleset(rules), data)
    assert [(str(each.rule), each.reason) for each in evaluation.outcomes if not each.passed] == []
    assert "<script>alert(1)" not in evaluation.to_html()
    assert "\x1b[31m" not in evaluation.to_text()


@pytest.mark.parametrize("word", HOSTILE, ids=lambda word: ascii(word[:20]))
def test_words_that_are_no_values_are_refused_or_only_words(word: str, world: Path) -> None:
    """In tags, labels, patterns, formats and data sources: a verdict or a diagnostic, and nothing is read or written."""
    w = in_dqdl(word)
    before = contents(world)
    rules = (
        f'ColumnValues "s" matches "{w}"',
        f'ColumnDataType "s" = "{w}"',
        f'ColumnDataType "s" = "Date" with format = "{w}"',
        f'ColumnValues "s" = "a" with ignoreCase = "{w}"',
        f'ColumnValues "s" > "10:30" with timeZone = "{w}"',
        f'ColumnNamesMatchPattern "{w}"',
        f'FileSize "data/" > 0 B with uriRegex = "{w}"',
        f'FileMatch "data/orders.csv" in ["{w}"] with hashAlgorithm = "{w}"',
        f'IsComplete "s" labels=["{w[:100]}x"="{w[:100]}x"]',
        f'RowCount > 0 where "{w}"',
        f'CustomSql "{w}"',
        f'CustomSql "{w}" > 0',
    )
    accepted = [
        rule for rule in rules if all(each.severity is not dq.Severity.ERROR for each in dq.check(ruleset([rule])))
    ]
    assert CANARY not in everything(dq.evaluate(ruleset(accepted), "data/orders.csv"))
    assert contents(world) == before


# -- what was not given --------------------------------------------------------------------------------

PLACES = ["../secret.csv", "{world}/secret.csv", "file://{world}/secret.csv", "link.csv", "data/../../secret.csv"]
"""Ways to name a file that exists and was not given."""

READS = [
    'RowCountMatch "{place}" > 0',
    'SchemaMatch "{place}" > 0',
    'DatasetMatch "{place}" "id" >= 0',
    'ReferentialIntegrity "id" "{place}.id" >= 0',
    'ReferentialIntegrity "s" "{place}.{{s}}" >= 0',
    'AggregateMatch "sum({place}.id)" "sum(id)" > 0',
    "CustomSql \"select s from '{place}'\" > 0",
    'CustomSql "select s from `{place}`" > 0',
    "CustomSql \"select s from read_csv('{place}')\" > 0",
    'CustomSql "select s from csv.`{place}`"',
    "CustomSql \"select id, s from primary union select id, s from '{place}'\"",
    "CustomSql \"with primary as (select * from '{place}') select count(*) from primary\" > 0",
    "RowCount > 0 where \"s in (select s from '{place}')\"",
    'IsComplete "s" where "exists (select 1 from read_csv(\'{place}\'))"',
    'ColumnValues "s" = "a" where "read_text(\'{place}\') is not null"',
    'FileSize "{place}" > 0 B',
    'FileFreshness "{place}" > "1999-01-01"',
    'FileUniqueness "{place}" = 1.0',
    'FileMatch "{place}" in ["{digest}"]',
    'FileMatch "{place}" "data/orders.csv"',
    'FileMatch "data/orders.csv" "{place}"',
]


@pytest.mark.parametrize("place", PLACES)
def test_a_file_that_was_not_given_is_not_read(world: Path, place: str) -> None:
    before = contents(world)
    digest = hashlib.sha256((world / "secret.csv").read_bytes()).hexdigest()
    place = place.format(world=world)
    evaluation = dq.evaluate(ruleset([rule.format(place=place, digest=digest) for rule in READS]), "data/orders.csv")
    assert [str(each.rule) for each in evaluation.outcomes if each.verdict is not ERROR or each.metrics] == []
    assert CANARY not in everything(evaluation)
    assert contents(world) == before


def test_whether_such_a_file_exists_is_not_told(world: Path) -> None:
    """A ruleset cannot ask for what is there: a file and none give the same answers."""

    def answers(name: str) -> list[tuple[str, str, tuple[str, ...]]]:
        rules = [rule.format(place=f"{world}/{name}", digest="0" * 64) for rule in READS]
        outcomes = dq.evaluate(ruleset(rules), "data/orders.csv").outcomes
        return [(each.verdict, each.reason.replace(name, "NAME"), each.notes) for each in outcomes]

    assert answers("secret.csv") == answers("absent.csv")


@pytest.mark.parametrize(
    "head",
    [
        'DataSources = {{ "Primary": "{world}/secret.csv" }}',
        'DataSources = {{ "Primary": "p", "AdditionalDataSources": [ "{world}/secret.csv", "secret" ] }}',
        'Metadata = {{ "Version": "{world}/secret.csv" }}',
    ],
)
def test_what_a_document_says_of_its_sources_opens_nothing(world: Path, head: str) -> None:
    rules = ['ColumnValues "s" in ["a", "b"]', 'RowCountMatch "secret" > 0', f'RowCountMatch "{world}/secret.csv" > 0']
    evaluation = dq.evaluate(head.format(world=world) + "\n" + ruleset(rules), "data/orders.csv")
    assert [each.verdict for each in evaluation.outcomes] == [PASSED, ERROR, ERROR]
    assert CANARY not in everything(evaluation)


URLS = [
    "http://127.0.0.1:9/x.csv",
    "https://example.com/x.csv",
    "s3://bucket/x.csv",
    "gs://bucket/x.csv",
    "az://container/x.csv",
    "ftp://host/x",
    "sftp://host/x",
    "memory://x",
    "data:text/csv,a",
    "zip://*::file:///etc/x.zip",
    "filecache::s3://bucket/x",
    "//host/share/x.csv",
]


@pytest.mark.parametrize("url", URLS)
def test_no_address_is_asked_that_was_not_allowed(world: Path, url: str) -> None:
    """`world` fails the test when a connection is tried."""
    rules = [rule.format(place=url, digest="0" * 64) for rule in READS]
    outcomes = dq.evaluate(ruleset(rules), "data/orders.csv").outcomes
    answered = [each for each in outcomes if each.verdict is not ERROR and "there is nothing at" not in each.reason]
    assert [(str(each.rule), each.reason) for each in answered] == []


@pytest.mark.parametrize(
    "sql",
    [
        "select getenv('DQ_CANARY')",
        "select current_setting('home_directory')",
        "select * from duckdb_settings()",
        "select table_name from information_schema.tables",
        "select sql from duckdb_views()",
        "attach '{world}/secret.db' as o",
        "select s from o.t",
        "copy primary to '{world}/out.csv'",
        "export database '{world}/out'",
        "install httpfs",
        "set enable_external_access = true",
        "create table primary as select 1",
        "select 1; copy primary to '{world}/out.csv'",
        "select s from primary -- '\n; copy primary to '{world}/out.csv'",
    ],
)
def test_sql_reads_no_environment_and_writes_nothing(world: Path, sql: str) -> None:
    before = contents(world)
    text = in_dqdl(sql.format(world=world))
    rules = [f'CustomSql "{text}"', f'CustomSql "{text}" != 0', f'RowCount > 0 where "({text}) is not null"']
    evaluation = dq.evaluate(ruleset(rules), "data/orders.csv")
    assert [(str(each.rule), each.reason) for each in evaluation.outcomes if each.verdict is not ERROR] == []
    assert CANARY not in everything(evaluation)
    assert contents(world) == before


# -- rows ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_of_any_rule_and_value_are_written_where_the_user_said(world: Path, suffix: str) -> None:
    """Rule texts, names and values stand in the file as they are, and name no other file."""
    words = [word for word in HOSTILE if len(word) < 100]
    data = pa.table({"s": words, words[0]: list(range(len(words)))})
    rules = [f'ColumnValues "s" in ["{in_dqdl(word)}"]' for word in words] + ["RowCount > 0 where \"s != '../x'\""]
    before = contents(world)
    evaluation = dq.evaluate(ruleset(rules), data)
    target = world / "work" / f"rows.{suffix}"
    assert evaluation.write_rows(rows=target) == {str(target): len(words)}
    assert set(contents(world)) - set(before) == {str(target)}
    if suffix == "csv":
        with target.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        passed = [json.loads(row["DataQualityRulesPass"]) for row in rows]
    else:
        rows = pq.read_table(target).to_pylist()
        passed = [row["DataQualityRulesPass"] for row in rows]
    assert [row["s"] for row in rows] == words
    assert passed == [[str(outcome.rule)] for outcome in evaluation.outcomes[: len(words)]]
