from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from dq.cli.rules import command, find
from dq.diagnostics import DqError
from dq.rules import RULE_TYPES, SIGNATURES
from dq.rules.base import BoundRule
from dq.rules.unjudged import AnalyzerOnly


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_table_has_every_rule_type_once() -> None:
    names = [line.split()[0] for line in shown().splitlines()]
    assert names == ["NAME", *SIGNATURES]


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_page_holds_the_documentation_in_full(name: str) -> None:
    page = shown(name)
    assert page.startswith(name + "\n")
    assert SIGNATURES[name].summary in page


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (
            "ColumnValues",
            ["ColumnValues <column> <number|string|date> [where] [threshold]", "timeZone (IANA time zone)"],
        ),
        ("IsComplete", ["Condition:   none", "where:       yes", "threshold:   no"]),
        ("AllStatistics", ["Stands in:   Analyzers"]),
        ("Mean", ["Functions:   yes"]),
        ("ColumnDataType", ["Functions:   in the threshold"]),
        ("ColumnValues", ["Functions:   no"]),
        ("FileMatch", ["FileMatch [<path>] [<path>] <string>", "none with 2 parameters"]),
        ("Kurtosis", ["an extension of dq: AWS Glue refuses it"]),
        ("CustomSql", ["[<number>]", "optional"]),
        ("IsUnique", ["<column>…", "1 or more"]),
    ],
)
def test_a_page_tells_how_the_rule_type_is_written(name: str, parts: list[str]) -> None:
    page = shown(name)
    assert [part for part in parts if part not in page] == []


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_page_tells_when_a_rule_type_cannot_be_measured(name: str) -> None:
    is_measured = json.loads(shown(name, "--format", "json"))["measured"]
    assert is_measured == ("Measured:" not in shown(name)) == issubclass(RULE_TYPES[name], BoundRule | AnalyzerOnly)


def test_json_has_the_same_facts() -> None:
    everything = json.loads(shown("--format", "json"))
    assert [each["name"] for each in everything] == list(SIGNATURES)
    one = json.loads(shown("CustomSql", "--format", "json"))
    assert one in everything
    assert one["conditions"] == ["number"]
    assert one["condition_required"] is False


@pytest.mark.parametrize(
    ("name", "near"),
    [("Completness", "Completeness"), ("columnvalues", "ColumnValues"), ("zzzzz", "lists them all")],
)
def test_an_unknown_name_comes_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(DqError) as caught:
        find(name)
    assert near in caught.value.help
    assert caught.value.exit_code == 2
