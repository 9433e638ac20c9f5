"""What parsing a large ruleset costs: CPU time of `dq.parse` beside Lark's own parse of the same text.

    python benchmarks/parse_speed.py [--rules N] [--runs N]

Each run is a process of its own, in turns; the time is that of the call alone, the imports aside. `lark` is the
plain tree that Lark builds by our grammar from our tokens, with nothing looked up, checked or typed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

AIM = 1.0
"""CPU seconds for 5,000 rules."""

KINDS = (
    "RowCount > 0",
    'IsComplete "column_{0}"',
    'Completeness "column_{0}" > 0.95 where "status = \'open\' and region = {0}"',
    'ColumnValues "column_{0}" in ["open", "paid", "void"] with threshold > 0.9',
    'IsUnique "column_{0}" and "order_id"',
    '(IsComplete "column_{0}") and ((ColumnLength "column_{0}" between 1 and 10) or (RowCount < 5))',
    "RowCount between avg(last(10)) * 0.8 and avg(last(10)) * 1.2",
    'ColumnValues "placed_{0}" >= (now() - {0} days)',
    'Mean "column_{0}" > 1.5 labels=["team"="sales", "severity"="high"]',
    'CustomSql "select count(*) from primary where column_{0} < 0" = 0  # no debts',
    'ColumnValues "column_{0}" matches "[A-Z]{{2}}-[0-9]+"',
    'DataFreshness "placed_{0}" <= 24 hours',
)


def document(count: int) -> str:
    """A ruleset of so many rules, of all kinds by turns."""
    rules = (KINDS[at % len(KINDS)].format(at % 97) for at in range(count))
    lines = (f"    {rule},\n" if "#" not in rule else "    {},  #{}\n".format(*rule.split("  #")) for rule in rules)
    return "Rules = [\n" + "".join(lines) + "    ColumnCount > 0\n]\n"


def parse_ours(text: str) -> None:
    """The whole of `dq.parse`."""
    import dq

    run = cpu(dq.parse)
    print(run(text))


def parse_lark(text: str) -> None:
    """Lark's parse to a plain tree by the same grammar."""
    from lark import Lark
    from lark import Token as LarkToken
    from lark.lexer import Lexer

    from dq.language.lexer import COMMENT, grammar_text, tokenize
    from dq.language.outline import connected

    class Ours(Lexer):
        def __init__(self, _conf: object) -> None:
            pass

        def lex(self, text: str, *_: object):  # type: ignore[no-untyped-def]
            for token in connected([each for each in tokenize(text) if each.kind != COMMENT]):
                yield LarkToken(token.kind, token.text, token.start)

    parser = Lark(grammar_text(), parser="lalr", lexer=Ours, start="document")
    run = cpu(parser.parse)
    print(run(text))


def cpu(call):  # type: ignore[no-untyped-def]
    """The function, giving the CPU seconds that a call takes."""
    import time

    def timed(text: str) -> float:
        before = time.process_time()
        call(text)
        return time.process_time() - before

    return timed


PARSERS = {"lark": parse_lark, "dq.parse": parse_ours}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rules", type=int, default=5_000)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--one", choices=list(PARSERS), help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.one:
        PARSERS[given.one](document(given.rules))
        return
    times: dict[str, list[float]] = {name: [] for name in PARSERS}
    for _ in range(given.runs):
        for name, results in times.items():
            command = [sys.executable, __file__, "--one", name, "--rules", str(given.rules)]
            results.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    for name, results in times.items():
        median = statistics.median(results)
        print(f"{name:<10}{median:.3f} s CPU (median of {given.runs}, least {min(results):.3f})")
    print(f"{'rules':<10}{given.rules:,} (aim: under {AIM} s for 5,000)")


if __name__ == "__main__":
    main()
