from __future__ import annotations

from pathlib import Path

import pytest

from dq.diagnostics import DqError
from dq.language.formatting import WIDTH, format_text

A, B, C = '"' + "a" * 30 + '"', '"' + "b" * 30 + '"', '"' + "c" * 30 + '"'

CASES = {
    "one_line": "Rules=[RowCount>0,IsComplete $id] Analyzers=[RowCount]".replace("$id", '"id"'),
    "sections": (
        'Metadata={"Version":"1"}DataSources={"Primary":"a","AdditionalDataSources":["b","c"]}\n'
        'x="a" y=["b","c"]\n\n\nz="d"\nDefaultLabels=["team"="sales"]Rules=[]Analyzers=[RowCount]'
    ),
    "operators": (
        "Rules=[RowCount>-  5,RowCount ! = 5,RowCount between 1 AND -2,RowCount in[1,-2,null],"
        'RowCount>avg(last(10))*2-1,RowCount>(1+2)*3,RowCount>5,ColumnValues "a" = empty,'
        'ColumnValues "d">(now()-3 days),ColumnValues "x">0 with THRESHOLD>0.5,FileSize<10 MB]'
    ),
    "connectors": 'Rules=[Completeness of "a">0.5,IsUnique "a" AND "b" and c OF d]',
    "composites": """Rules=[(IsComplete "a")AND(IsUnique "b")OR(ColumnExists "c"),RowCount>5 and RowCount<10,(((RowCount>0)))]""",
    "long_clauses": f'Rules=[Completeness {A}>0.5 where {B} labels=[{C}="v"]]',
    "long_composite": f"Rules=[(IsComplete {A})and(IsComplete {B})and(IsComplete {C})]",
    "long_nested": f'Rules=[(IsComplete {A})and((Completeness {B}>0.5 where {C} labels=[{A}="v"])or(IsUnique {C}))or(RowCount>0)]',
    "long_list": f'Rules=[ColumnValues "x" in[{A},{B},{C},{A}] with threshold>0.5,RowCount>0]',
    "long_parameters_with_more": f'Rules=[(IsUnique {A} and {B} of {C} {A} $v where "a")and(RowCount>0)]'.replace(
        "Rules", 'v="x"\nRules', 1
    ),
    "long_variable": f'x=[{A},{B},{C},{A}]\nRules=[ColumnValues "x" in $x]',
    "long_labels": f"DefaultLabels=[{A}={B},{C}={A},{B}={C}]Rules=[RowCount>0]",
    "long_parameters": f"Rules=[IsUnique {A} {B} {C} {A}]",
    "multi_line_strings": 'Rules=[CustomSql "select\n     1" = 1,\n  CustomSql "select\n'
    + "x" * 120
    + '\n from y" between 1 and 2]',
    "blank_lines": "\n\n# head\n\n\n# more\nRules = [\n\n\n  RowCount > 0,\n\n\n  RowCount > 1,\n  RowCount > 2\n\n]\n\n\n\n",
    "comments": (
        "#head\nRules = [ # opens\n# before\nRowCount > 0, # behind\n\n# two\n# lines\nRowCount > 1 # no comma\n,\n"
        "RowCount > 2\n# before the comma\n, # behind the comma\nRowCount > 3 # a\n, # b\nRowCount > 4\n# last\n] # closed\n# tail"
    ),
    "comments_within": (
        'Rules = [\n Completeness # name\n\n # own\n "email" > 0.8 # condition\n where "a" # where\n, (IsComplete "a" # left\n) and # joint\n'
        ' (IsComplete "b"\n # inside\n)\n, ColumnValues "x" in [ # opens\n "a", # home\n # next\n "b"\n # last\n ] # closed\n]'
    ),
    "comments_everywhere": (
        'Metadata # a\n= # b\n{ # c\n"Version" # d\n: # e\n"1" # f\n} # g\nx # h\n= # i\n[ # j\n"a" # k\n, # l\n"b" # m\n] # n\n'
        "Rules # o\n= # p\n[ # q\n] # r\nAnalyzers = [ # s\n# t\nRowCount # u\n]"
    ),
    "only_comments_in_rules": "Rules = [\n# none yet\n]\nAnalyzers = [RowCount]",
    "line_ends": "\ufeff# a\r\nRules = [\r\n\r\n  RowCount > 0 # b\r\n]\r\n",
    "width": 'Rules=[Completeness "' + "x" * (WIDTH - 26) + '">0.5,RowCount>0]',
}


@pytest.mark.parametrize("name", CASES)
def test_the_layout_is_as_the_golden_file_shows(name: str, golden) -> None:
    text = format_text(CASES[name])
    golden(f"formatting/{name}.dqdl", text)
    assert format_text(text) == text


@pytest.mark.parametrize("spare", [0, 1])
@pytest.mark.parametrize("comma", [False, True])
def test_a_rule_breaks_when_its_line_with_the_comma_passes_the_width(spare: int, comma: bool) -> None:
    frame = f'    IsComplete "" where "a"{"," if comma else ""}'
    column = "x" * (WIDTH - len(frame) + spare)
    text = format_text(f'Rules=[IsComplete "{column}" where "a"{",RowCount>0" if comma else ""}]')
    assert ('" where' in text) is (spare == 0)


def test_depth_has_no_limit() -> None:
    deep = 5_000
    for text in (
        "Rules=[" + "(" * deep + "RowCount>0" + ")" * deep + "]",
        "Rules=[" + "(" * deep + "RowCount>0" + " and RowCount>5)" * deep + "]",
        "Rules=[" + "(RowCount>5 or " * deep + "RowCount>0" + ")" * deep + "]",
    ):
        once = format_text(text)
        assert format_text(once) == once
        assert max(map(len, once.split("\n"))) <= 2 * deep + WIDTH


def test_a_ruleset_with_errors_is_refused_with_all_of_them() -> None:
    with pytest.raises(DqError) as caught:
        format_text("Rules = [\n  Foo > 1,\n  Bar > 1\n]", name="a.dqdl")
    assert [each.source.name for each in caught.value.diagnostics] == ["a.dqdl", "a.dqdl"]


def test_the_glue_dialect_refuses_what_glue_refuses() -> None:
    text = 'Rules = [Kurtosis "x" > 1]'
    assert format_text(text) == 'Rules = [\n    Kurtosis "x" > 1\n]\n'
    with pytest.raises(DqError):
        format_text(text, dialect="glue")


def test_the_example_of_the_documentation_is_in_shape() -> None:
    page = (Path(__file__).parents[3] / "docs" / "formatting.md").read_text(encoding="utf-8")
    lines = [line for line in page.split("\n- ")[0].split("\n")[3:] if line.startswith("    ") or not line]
    example = "\n".join(line[4:] for line in lines).strip() + "\n"
    assert example.startswith("# Orders")
    assert format_text(example) == example


@pytest.mark.parametrize(
    "ignored",
    ["foo", "] } )", "// x", "'x' # c", "((\n# a\n\n\n# b", "Rules=[ RowCount >", '"abc @ [', "Analyzers Rules = ["],
)
def test_what_glue_ignores_behind_a_document_stays_as_it_is(ignored: str) -> None:
    text = f"Analyzers=[RowCount]  # c\n {ignored}  \n"
    once = format_text(text, dialect="glue")
    assert once == f"Analyzers = [\n    RowCount\n]  # c\n\n{ignored}\n"
    assert format_text(once, dialect="glue") == once
