"""Evaluations to render, built by hand: every kind of outcome that a report must show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from dq.outcomes import (
    Distribution,
    Evaluation,
    FailingRows,
    Outcome,
    Remembered,
    Statistic,
    TableRead,
    Verdict,
)
from dq.spans import Source, Span
from dq.syntax import NOWHERE, Analyzer, Composite, Parameter, Rule, RuleExpression, Ruleset

PASSED, FAILED, ERROR = Verdict.PASSED, Verdict.FAILED, Verdict.ERROR


@dataclass(frozen=True, slots=True)
class Said(Rule):
    """A rule that is only its text: reports read no more of it."""

    text: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class SaidComposite(Composite):
    """A composite that is only its operator and its text."""

    text: str = ""

    def __str__(self) -> str:
        return self.text


def said(text: str, span: Span = NOWHERE) -> Said:
    return Said(name=text.split(" ")[0], text=text, span=span)


def joined(operator: str, rules: Sequence[RuleExpression], span: Span = NOWHERE) -> SaidComposite:
    text = f" {operator.upper()} ".join(f"({rule})" for rule in rules)
    return SaidComposite(operator=operator, operands=tuple(rules), text=text, span=span)


def evaluation(
    outcomes: Sequence[Outcome],
    *,
    text: str = "",
    name: str = "orders.dqdl",
    tables: tuple[TableRead, ...] = (TableRead("primary", "orders.csv", 4, 6),),
    notes: tuple[str, ...] = (),
) -> Evaluation:
    ruleset = Ruleset(tuple(outcome.rule for outcome in outcomes), source=Source(text, name))
    started = datetime(2026, 3, 9, 8, 30, 12, tzinfo=UTC)
    return Evaluation(ruleset, tuple(outcomes), tables, started, 0.0421, 2, "duckdb", name, notes)


def written(evaluation: Evaluation) -> Evaluation:
    """The same with a ruleset text that holds the rules one a line, and with their spans."""
    lines = ["Rules = ["]
    outcomes = []
    for outcome in evaluation.outcomes:
        start = sum(len(line) + 1 for line in lines) + 4
        text = str(outcome.rule)
        rule = replace(outcome.rule, span=Span(start, start + len(text)))
        line = "\n".join(lines).count("\n") + 2
        outcomes.append(replace(outcome, rule=rule, line=line))
        lines.append(f"    {text},")
    lines[-1] = lines[-1].rstrip(",")
    source = Source("\n".join([*lines, "]", ""]), evaluation.ruleset_name)
    ruleset = replace(evaluation.ruleset, rules=tuple(each.rule for each in outcomes), source=source)
    return replace(evaluation, ruleset=ruleset, outcomes=tuple(outcomes))


def orders() -> Evaluation:
    """A day of orders: passes, failures with rows, an error, composites, labels, notes."""
    complete, unique = said('IsComplete "order_id"'), said('IsUnique "order_id"')
    priced, refunded = said('ColumnValues "amount" > 0'), said('ColumnValues "status" = "REFUND"')
    outcomes = (
        Outcome(
            said("RowCount > 0"), PASSED, measured="1204310", expected="> 0", metrics={"Dataset.*.RowCount": 1204310}
        ),
        Outcome(
            joined("and", (complete, unique)),
            PASSED,
            metrics={"Column.order_id.Completeness": 1.0, "Column.order_id.Uniqueness": 1.0},
            parts=(
                Outcome(complete, PASSED, measured="1", expected="= 1", failing=FailingRows(0, 1204310)),
                Outcome(unique, PASSED, measured="1", expected="= 1", failing=FailingRows(0, 1204310)),
            ),
        ),
        Outcome(
            said('Completeness "email" > 0.95'),
            FAILED,
            'Completeness "email" is 0.9499999, expected > 0.95 (60,216 of 1,204,310 rows lack a value)',
            measured="0.9499999",
            expected="> 0.95",
            metrics={"Column.email.Completeness": 0.9499999},
            labels={"team": "crm", "severity": "high"},
            failing=FailingRows(
                60216,
                1204310,
                ("order_id", "email", "amount", "placed_at", "country"),
                (
                    (100017, None, Decimal("49.90"), datetime(2026, 3, 8, 23, 59, 4), "DE"),
                    (100132, None, Decimal("5.00"), datetime(2026, 3, 8, 12, 1, 0), "FR"),
                    (100291, None, Decimal("1249.00"), datetime(2026, 3, 8, 7, 30, 41), ""),
                ),
            ),
        ),
        Outcome(
            said(
                'ColumnValues "country" in ["AT","BE","CH","CZ","DE","DK","ES","FI","FR","IE","IT","LU","NL","NO",'
                '"PL","PT","SE","UK"] where "amount > 0 and status <> \'CANCELLED\'" with threshold > 0.999'
            ),
            PASSED,
            measured="0.999871",
            expected="> 0.999",
            metrics={"Column.country.ColumnValues.Compliance": 0.999871},
            failing=FailingRows(155, 1201002, ("order_id", "country"), ((100291, ""), (100388, " de"), (100401, None))),
            notes=("3,308 rows are outside of where",),
        ),
        Outcome(
            said('Uniqueness "invoice_no" = 1.0'),
            FAILED,
            'Uniqueness "invoice_no" is 0.999998, expected = 1 (2 of 1,204,310 rows share a value)',
            measured="0.999998339",
            expected="= 1.0",
            metrics={"Column.invoice_no.Uniqueness": 0.999998339},
            failing=FailingRows(
                2, 1204310, ("order_id", "invoice_no"), ((100731, "R-2026-0044"), (101809, "R-2026-0044"))
            ),
        ),
        Outcome(
            joined("or", (priced, joined("and", (refunded, said('ColumnValues "amount" < 0'))))),
            FAILED,
            'ColumnValues "amount" > 0: 14 of 1,204,310 rows do not comply\n'
            'ColumnValues "status" = "REFUND": 1,204,299 of 1,204,310 rows do not comply',
            metrics={"Column.amount.ColumnValues.Compliance": 0.9999883},
            parts=(
                Outcome(
                    priced,
                    FAILED,
                    "14 of 1,204,310 rows do not comply",
                    measured="0.9999883",
                    expected="= 1",
                    failing=FailingRows(14, 1204310),
                ),
                Outcome(
                    joined("and", (refunded, said('ColumnValues "amount" < 0'))),
                    FAILED,
                    parts=(
                        Outcome(
                            refunded,
                            FAILED,
                            measured="0.0000091",
                            expected="= 1",
                            failing=FailingRows(1204299, 1204310),
                        ),
                        Outcome(said('ColumnValues "amount" < 0'), FAILED, measured="0.0000116", expected="= 1"),
                    ),
                ),
            ),
        ),
        Outcome(
            said('ColumnLength "zip_code" = 5'),
            ERROR,
            'there is no column "zip_code" in primary; the nearest name is "zipcode"',
            expected="= 5",
        ),
        Outcome(
            said('ReferentialIntegrity "customer_id" "customers.id" >= 0.99'),
            PASSED,
            measured="0.9987",
            expected=">= 0.99",
            metrics={"Column.customer_id.ReferentialIntegrity": 0.9987},
            failing=FailingRows(1566, 1204310),
        ),
        Outcome(
            said('Mean "amount" between 40 and 60'),
            PASSED,
            measured="52.318844102",
            expected="between 40 and 60",
            metrics={"Column.amount.Mean": 52.318844102},
        ),
        Outcome(
            said('DataFreshness "placed_at" <= 24 hours'),
            PASSED,
            "no rows in scope",
            expected="<= 24 hours",
        ),
    )
    tables = (
        TableRead(
            "primary",
            "data/orders/2026-03-08/*.csv",
            14,
            1204310,
            ('the column "zipcode" is read as text: row 88,102 holds "n/a"',),
        ),
        TableRead("customers", "lake.crm.customers (Iceberg, snapshot 8841)", 9, 310442),
        TableRead("regions", "regions.parquet", 3),
    )
    return written(
        evaluation(
            outcomes, name="rulesets/orders.dqdl", tables=tables, notes=("samples of failing rows hold 3 rows at most",)
        )
    )


def small() -> Evaluation:
    """Six rows, all rules pass."""
    return written(
        evaluation(
            (
                Outcome(said("RowCount = 6"), PASSED, measured="6", expected="= 6"),
                Outcome(said('IsComplete "id"'), PASSED, measured="1", expected="= 1", failing=FailingRows(0, 6)),
            )
        )
    )


def statistic(
    name: str, value: float | Distribution | None, reason: str = "", notes: tuple[str, ...] = ()
) -> Statistic:
    """A statistic of a column; without a name it could not be measured."""
    _, column, kind = name.split(".") if name else ("", "emial", "Mean")
    analyzer = Analyzer(kind, (Parameter(column, column),) if column != "*" else ())
    columns = (column,) if column != "*" else ()
    return Statistic(name, analyzer, value, columns, reason, error=not name, notes=notes, line=9)


def history() -> Evaluation:
    """Rules that compare with earlier runs, one of them without any, and what analyzers gathered."""
    rows = Remembered("Dataset.*.RowCount", 10, True)
    bounds = Remembered("Dataset.*.RowCount", 10, True, 1200.0, 1150.5, 1249.5)
    outcomes = (
        Outcome(
            said("RowCount > avg(last(10)) * 0.8"),
            PASSED,
            measured="1204",
            expected="> 960.0",
            metrics={"Dataset.*.RowCount": 1204.0},
            evaluated=said("RowCount > 960.0"),
            history=(rows,),
        ),
        Outcome(
            said('Completeness "email" >= last()'),
            PASSED,
            measured="0.94",
            expected=">= 0.0",
            notes=("no history: no earlier run has measured Column.email.Completeness, so its functions count as 0",),
            evaluated=said('Completeness "email" >= 0.0'),
            history=(Remembered("Column.email.Completeness", 0, False),),
        ),
        Outcome(
            said('DetectAnomalies "RowCount"'),
            FAILED,
            "Dataset.*.RowCount is 1,260, expected 1150.5 to 1249.5: its 10 earlier values predict 1200",
            measured="1260",
            expected="1150.5 to 1249.5",
            history=(bounds,),
        ),
    )
    statistics = (
        statistic("Dataset.*.RowCount", 1204.0, notes=("off its history: 1204, expected 10 to 20, predicted 15",)),
        statistic("Column.amount.Mean", 52.318844102),
        statistic("Column.amount.Distribution", Distribution("number", ("0", "2.5", "5"), (1203, 1), 2)),
        statistic("Column.country.Distribution", Distribution("string", ("DE", "", "FR", "AT"), (900, 200, 80, 20), 4)),
        statistic("Column.refund.Mean", None, "no value to measure"),
        statistic("", None, "column `emial` does not exist; did you mean `email`?"),
    )
    note = "cold start: 1 rule found too little history to compare with; the notes of each tell"
    return replace(written(evaluation(outcomes, notes=(note,))), statistics=statistics)


def many(rules: int) -> Evaluation:
    """A ruleset of so many rules; every hundredth fails."""
    outcomes = [
        Outcome(
            said(f'Completeness "column_{number}" > 0.9'),
            PASSED if number % 100 else FAILED,
            "" if number % 100 else f'Completeness "column_{number}" is 0.5, expected > 0.9',
            measured="0.95" if number % 100 else "0.5",
            expected="> 0.9",
            metrics={f"Column.column_{number}.Completeness": 0.95 if number % 100 else 0.5},
        )
        for number in range(rules)
    ]
    return written(evaluation(outcomes, name="wide.dqdl"))


def nested(depth: int) -> Evaluation:
    """One composite, nested so deep; the innermost rule fails."""
    rule: RuleExpression = said('IsComplete "id"')
    outcome = Outcome(rule, FAILED, "1 of 6 rows lacks a value", measured="0.8333333333", expected="= 1")
    for level in range(depth):
        operator = ("and", "or")[level % 2]
        composite = SaidComposite(operator=operator, operands=(rule,), text="(nested)")
        outcome = Outcome(composite, FAILED, parts=(outcome, Outcome(said("RowCount > 9"), FAILED)))
        rule = composite
    return evaluation([outcome])


HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "]]><!-- --><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)' autofocus='",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;&amp;&#x27;",
    "\x1b[31mred\x1b[0m\x07\x00\x9b2J",
    "two\nlines\r\nand\ta tab",
    "right\u202eto left\u2066\u200b",
    "half a pair \udc80",
    "[bold red]markup[/] :smile:",
    "日本語の列 – ünïcödé 🙂",
)
"""Names and values that would break out of a page or a terminal."""


def hostile(text: str) -> Evaluation:
    """An evaluation in which a text stands wherever text can stand."""
    part = Outcome(said(text), FAILED, text, measured=text, expected=text)
    outcome = Outcome(
        joined("and", (said(text), said("RowCount > 0"))),
        FAILED,
        text,
        measured=text,
        expected=text,
        metrics={text: 0.5},
        labels={text: text},
        notes=(text,),
        failing=FailingRows(1, 6, (text, "id"), ((text, 1), (text.encode("utf-8", "surrogatepass"), date(2026, 1, 2)))),
        parts=(part,),
        evaluated=said(text),
        history=(Remembered(text, 1, True, 1.0, float("-inf"), float("nan")),),
    )
    spread = Distribution(text, (text, "x"), (2, 1), 1)
    statistics = (
        Statistic(f"Column.{text}.Distribution", Analyzer("Mean"), spread, (text,), notes=(text,)),
        Statistic("", Analyzer("Mean", (Parameter(text, text),)), reason=text, error=True),
    )
    tables = (TableRead(text, text, 1, 6, (text,)),)
    return written(
        replace(evaluation([outcome], name=text, tables=tables, notes=(text,)), engine=text, statistics=statistics)
    )


EVALUATIONS = {
    "orders": orders,
    "small": small,
    "history": history,
    "empty": lambda: evaluation([], text="Rules = [ ]"),
    "many": lambda: many(300),
    "nested": lambda: nested(10_000),
}
