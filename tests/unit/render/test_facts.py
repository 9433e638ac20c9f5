from evaluations import FAILED, evaluation, said

from dq.language import parse_rule
from dq.outcomes import FailingRows, Outcome
from dq.render import facts, html, text

ROWS = FailingRows(9, 10, ("id", "name", "Email"), ((1, "a", None), (2, "b", "")))


def outcome(rule: str) -> Outcome:
    return Outcome(parse_rule(rule).rules[0], FAILED, failing=ROWS)


def test_the_columns_that_a_rule_names_come_first() -> None:
    rows, named = facts.arranged(outcome('ColumnCorrelation "email" "name" > 0'))
    assert rows is not None
    assert (rows.columns, named) == (("Email", "name", "id"), 2)
    assert rows.sample == ((None, "a", 1), ("", "b", 2))
    assert (rows.count, rows.total) == (9, 10)


def test_a_rule_that_names_no_column_keeps_the_order_of_the_table() -> None:
    assert facts.arranged(outcome('CustomSql "select * from primary"')) == (ROWS, 0)
    assert facts.arranged(Outcome(said("RowCount > 0"), FAILED)) == (None, 0)


def test_a_sample_begins_with_the_column_of_its_rule() -> None:
    wide = tuple(f"a_column_of_some_length_{at}" for at in range(40))
    rule = parse_rule('IsComplete "last"').rules[0]
    found = evaluation([Outcome(rule, FAILED, failing=FailingRows(1, 1, (*wide, "last"), ((*range(40), None),)))])
    shown = text.render(found, verbose=True, width=60)
    assert "last  a_column_of_some_length_0" in shown
    page = html.render(found)
    assert page.index('<th scope="col" class="named">last</th>') < page.index('<th scope="col">a_column_of')
    assert "33 more columns on the screen" in page
