"""Java's regular expressions against their translation, in DuckDB. Java's own answers are recorded beside this file."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

from dq.regex import RegexError, java_regex

HERE = Path(__file__).parent
RECORDED = HERE / "data" / "java_regex.jsonl"
Pair = tuple[str, str]
Answer = list[bool] | None

PATTERNS = [
    "", "a", "abc", "a|b", "a|", "|b", "(a|b)c", "a.c", ".", ".*", ".+", "a?", "a*", "a+", "a??", "a*?", "a+?", "a{2}", "a{2,}",
    "a{1,2}", "a{0}", "(ab)+", "(?:ab)*", "(?<x>a)b", "()", "(|a)b", "^a", "a$", "^a$", "a$|b", "(a$|b$)", "^$", "$", r"a\z", r"a\Z",
    r"\Aa", r"a\b", r"\bb\b", r"\Ba", r"\d+", r"\D", r"\w+", r"\W", r"\s", r"\S+", r"\h", r"\H", r"\v", r"\V", r"\R", r"a\Rb",
    r"\t", r"\n", r"\x41", r"\x{1F642}", "\\u0041", "\\uD83D\\uDE42", r"\0101", r"\07", r"\cA", r"\e", r"\a", r"\.", r"\-", r"\Qa.b\E",
    r"\Qa.b\E+", r"\Qa*", r"x\Q\Ey", "[abc]", "[^abc]", "[a-c]", "[a-cx-z]", "[a-]", "[-a]", "[a^]", r"[\d\s]", r"[\w-]", r"[^\d]", r"[\]]",
    "[a[bc]]", "[a-z&&[aeiou]]", "[a-z&&[^aeiou]]", "[a-z&&b-d]", "[[ab]&&[bc]]", r"[\Q^]\E]", "[.]", "[$]", "[(*+?)]", "[{}]", "[|]",
    r"[\x41-\x43]", r"[\n\r]", "(?i)abc", "(?i)[a-c]", "(?i)[Z-a]", "(?i)é", "a(?i)b", "(?i:a)b", "(?i)a(?-i)b", "((?i)a)b", "(?s).", "(?s)a.c",
    "(?d).", "(?d)a$", "(?x) a b # c\n c", "(?x)[a b]", "(?is)A.C", r"\p{Alpha}", r"\p{Lower}+", r"\p{Upper}", r"\p{Digit}", r"\p{Alnum}+",
    r"\p{Punct}", r"\p{Graph}", r"\p{Print}", r"\p{Blank}", r"\p{Cntrl}", r"\p{XDigit}+", r"\p{Space}", r"\p{ASCII}", r"\P{Alpha}", r"\p{L}+",
    r"\pL", r"\p{Lu}", r"\p{IsL}", r"\p{Nd}", r"\P{Nd}", r"[\p{L}0-9]+", r"[^\p{L}]", r"[^\p{L}0]", r"\p{IsLatin}+", r"\p{IsHan}+",
    r"\p{script=Greek}", r"\p{IsDigit}", r"\p{IsPunctuation}", r"\p{javaLetter}", r"\p{javaWhitespace}", r"\p{IsWhite_Space}", r"\p{L1}",
    r"\p{Sc}", r"\p{gc=Lu}", r"\p{LC}", "]", "}", "a]", "a}", "-", ",", "#", "a b", "日本", "[日-本]", "🙂", "[🙂a]", "🙂+", "é", "(((a)))", "(a(b)?)+c",
    "a{2}{3}", "a**", "*a", "+", "?", "{", "a{,3}", "{2}", "a{2", "a{2,1}", "a{x}", "(", ")", "(?", "(?)", "[", "[]", "[]a]", "[^]", "[b-a]", "\\",
    r"\q", r"\y", r"\1", r"(a)\1", r"\k<x>", "(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "(?>a)", "a++", "a*+", "a?+", r"\G", r"\X", "a$b", "a$\n",
    "(?m)^a$", "(?u)é", "(?U)é", r"\p{Foo}", r"\p{IsAlphabetic}", r"\p{javaLowerCase}", r"\p{InGreek}", r"(?i)\p{Lower}", "[a&&]", "[&&a]", "[a&&&&b]", "[a&&&[bc]]",
    "[^a[b]]", "[a-z&&[^b]&&[^c]]", "[a&b]", r"[\b]", r"\E", r"\Q", "(?<1>a)", "(?<a>x)(?<a>y)", "(a", "a)", "a|*", "^*", "$?", r"\b+", "(?:)", "(?:)+",
    "[a-\\d]", "[\\d-z]", r"\x{110000}", r"\xZ", "\\u12", r"\08", r"\c", "x{1001}", "(x{100}){100}", r"[^\P{L}]", r"[\P{L}a]", "[[^a]b]", "[a[^b]]",
    r"(?x)a\ b", "(?x)a{2} b", "(?x)a {2}", "(?x)[#]", r"(?i)\x41", r"(?i)[\x41]", r"(?i)\Qab\E", "(?i)k", "(?i)s", "(?s)$", "a\\z$", "(a|b$)", "(a$)?",
]  # fmt: skip
INPUTS = [
    "", "a", "b", "c", "ab", "abc", "aa", "aaa", "A", "ABC", "aBc", "a\n", "a\r\n", "a\r", "\n", "\r\n", "a\nc", "a\rc", "a\u0085c", "a\u2028c", "a\u2028", "a b",
    " ", "\t", "\x0b", "\x0c", "\u00a0", "\u3000", "\u2003", "0", "12", "٣", "é", "É", "naïve", "日本", "🙂", "🙂🙂", "_", "-", ".", "a.b", "a.bb", "^", "$", "]", "[", "}",
    "{", "(", ")", "|", "\\", "&", "#", "'", '"', "x", "xy", "z", "Z", "k", "\u212a", "ſ", "S", "α", "\x07", "\x01", "\x1b", "\x00", "€", "b a", "ab\n", "e",
]  # fmt: skip
WELL_KNOWN = {"a$b", "a$\n", "(?m)^a$"}


def pairs() -> list[Pair]:
    """Every listed pattern on every input, then random patterns made of their pieces."""
    made = [(pattern, value) for pattern in PATTERNS for value in INPUTS]
    random_ = random.Random(20240229)
    pieces = ["a", "b", ".", "|", "(", ")", "[", "]", "[^", "-", "^", "$", "*", "+", "?", "{2}", "{1,3}", r"\d", r"\s", r"\w", r"\W", r"\.", "(?:", "(?i)", "&&",
              "A", "é", "1", " ", r"\n", "\n", "#", "(?s)", "(?x)", r"\p{L}", r"\R", r"\z", r"\Q", r"\E", ",", "}", "🙂"]  # fmt: skip
    for _ in range(4000):
        pattern = "".join(random_.choice(pieces) for _ in range(random_.randint(1, 7)))
        made += [(pattern, random_.choice(INPUTS)) for _ in range(4)]
    grown = random.Random(20260101)
    for _ in range(400):
        pattern = alternatives(grown)
        made += [(pattern, grown.choice(INPUTS + MORE_INPUTS)) for _ in range(6)]
    return made


ATOMS = ["a", "b", "A", "é", "🙂", "1", "_", " ", "-", ".", r"\.", r"\d", r"\D", r"\s", r"\S", r"\w", r"\W", r"\h", r"\v", r"\R", r"\n",
         r"\x41", "\\u0041", r"\x{1F642}", r"\p{L}", r"\p{Lu}", r"\P{L}", r"\p{Alpha}", r"\p{Punct}", r"\p{IsLatin}", r"\Qa.b\E", "^", "$",
         r"\A", r"\z", r"\Z", "\n", "#", "k", "s", "ſ", r"\e", r"\cA", r"\07", r"\1", r"\b", r"\X"]  # fmt: skip
MEMBERS = ["a", "b", "a-c", "A-Z", "0-9", r"\d", r"\w", r"\s", r"\W", r"\S", r"\p{L}", "é", "🙂", "-", "^", "&", "&&", "[bc]", "[^b]", "&&[^b]",
           "&&[a-c]", r"\]", r"\n", ".", "$", r"\x41-\x43", r"\h", "_", "k", " ", "#", "|"]  # fmt: skip
REPEATS = ["*", "+", "?", "{2}", "{1,3}", "{0,}", "*?", "+?", "??", "*+", "?+", "{3}{2}"]
OPENINGS = ["(", "(?:", "(?i:", "(?s:", "(?i)(", "(?x)(", "(?<n>", "(?=", "(?!", "(?<=", "(?>"]
MORE_INPUTS = [
    "ab1",
    "AB",
    "éa",
    "a🙂b",
    "aa\n",
    "a\n\n",
    "\na",
    "a\u2029",
    "ka",
    "K",
    "sS",
    "a\x85",
    "b\r",
    "1_",
    "ß",
    "ı",
    "μ",
    "a\u0301",
]


def alternatives(chosen: random.Random, depth: int = 0) -> str:
    """A pattern grown from the grammar: sequences of repeated atoms, classes and groups."""
    ways = chosen.choice([1, 1, 1, 2])
    return "|".join("".join(term(chosen, depth) for _ in range(chosen.randint(1, 3))) for _ in range(ways))


def term(chosen: random.Random, depth: int) -> str:
    kind = chosen.random()
    if kind < 0.6 or depth > 3:
        grown = chosen.choice(ATOMS)
    elif kind < 0.8:
        members = "".join(chosen.choice(MEMBERS) for _ in range(chosen.randint(1, 4)))
        grown = f"[{chosen.choice(['', '^'])}{members}]"
    else:
        grown = chosen.choice(OPENINGS) + alternatives(chosen, depth + 1) + ")"
    return grown + chosen.choice(REPEATS) if chosen.random() < 0.3 else grown


def java(directory: Path, asked: Iterable[Pair]) -> list[Answer]:
    """Java's answers: whether each pattern matches the whole text and whether it is found; None for a wrong pattern."""
    subprocess.run(["javac", "-d", str(directory), str(HERE / "JavaRegex.java")], check=True)
    lines = "\n".join(f"x{p.encode().hex()} x{v.encode().hex()}" for p, v in asked)
    ran = subprocess.run(
        ["java", "-cp", str(directory), "JavaRegex"], input=lines, text=True, capture_output=True, check=True
    )
    return [None if line == "E" else [each == "1" for each in line.split()] for line in ran.stdout.splitlines()]


def translated(con: duckdb.DuckDBPyConnection, asked: list[Pair]) -> list[Answer]:
    """Ours, None for a refused pattern."""
    by_pattern: dict[str, list[int]] = {}
    for at, (pattern, _) in enumerate(asked):
        by_pattern.setdefault(pattern, []).append(at)
    answers: list[Answer] = [None] * len(asked)
    for pattern, places in by_pattern.items():
        try:
            whole, part = java_regex(pattern), java_regex(pattern, whole=False)
        except RegexError:
            continue
        values = [asked[at][1] for at in places]
        found = con.execute(
            "select regexp_full_match(v, ?), regexp_matches(v, ?) from (select unnest(?::varchar[]) v)",
            [whole, part, values],
        ).fetchall()
        for at, row in zip(places, found, strict=True):
            answers[at] = list(row)
    return answers


@pytest.fixture(scope="module")
def asked() -> list[Pair]:
    return [(pattern, value) for pattern, value in pairs() if not ("\\b" in pattern.lower() and not value.isascii())]


@pytest.fixture(scope="module")
def answers(asked: list[Pair], tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    """From the Java of this machine, or else as recorded."""
    if shutil.which("javac"):
        return java(tmp_path_factory.mktemp("java"), asked)
    recorded = {(row[0], row[1]): row[2] for row in map(json.loads, RECORDED.read_text("utf-8").splitlines())}
    return [recorded[pair] for pair in asked]


def test_what_is_translated_means_what_it_means_in_java(asked: list[Pair], answers: list[Answer]) -> None:
    ours = translated(duckdb.connect(), asked)
    wrong = [
        (pair, was, is_) for pair, was, is_ in zip(asked, answers, ours, strict=True) if is_ is not None and is_ != was
    ]
    assert wrong == []


def test_most_of_what_java_accepts_is_translated(asked: list[Pair], answers: list[Answer]) -> None:
    ours = translated(duckdb.connect(), asked)
    accepted = {
        pattern for (pattern, _), was in zip(asked, answers, strict=True) if was is not None and pattern in PATTERNS
    }
    refused = {pattern for (pattern, _), is_ in zip(asked, ours, strict=True) if is_ is None} & accepted
    assert len(refused) < len(accepted) / 6, sorted(refused)
