"""recentFiles, uriRegex and filterOrder against plain Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import duckdb
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from dq.diagnostics import DqError
from dq.files.filters import Search, keep, matching, pattern_of
from dq.metrics import FileFilter, FileFound

PATTERNS = ["a", "b", "^/a", "[ab]b", "(?!/a).*", "x"]
FILES = st.lists(
    st.tuples(st.text("ab", min_size=1, max_size=3), st.integers(0, 3)), max_size=8, unique_by=lambda pair: pair[0]
).map(lambda pairs: [FileFound(f"/{uri}", uri, 1, datetime(2024, 1, 1 + day, tzinfo=UTC)) for uri, day in pairs])


@pytest.fixture(scope="module")
def search() -> Iterator[Search]:
    """The engine's own search."""
    with duckdb.connect() as connection:
        query = "SELECT text FROM (SELECT unnest($1::VARCHAR[]) AS text) WHERE regexp_matches(text, $2)"

        def search(pattern: str, texts: Sequence[str]) -> frozenset[str]:
            return frozenset(row[0] for row in connection.execute(query, [list(texts), pattern]).fetchall())

        yield search


@given(FILES, st.integers(0, 9), st.sampled_from(PATTERNS), st.sampled_from(["recent", "regex", "both", "turned"]))
@settings(max_examples=examples(300))
def test_filters_are_what_plain_python_says(
    search: Search, files: list[FileFound], number: int, pattern: str, order: str
) -> None:
    def newest(given: list[FileFound]) -> list[FileFound]:
        ranked = sorted(given, key=lambda file: (-file.modified.timestamp(), file.uri))  # type: ignore[union-attr]
        return ranked[:number]

    def by_name(given: list[FileFound]) -> list[FileFound]:
        # the guide's lookahead looks at the beginning of the URI, everything else at any place
        look = re.match if pattern.startswith("(?!") else re.search
        return [file for file in given if look(pattern, file.uri)]

    steps, expected = {
        "recent": ((number,), newest(files)),
        "regex": ((pattern,), by_name(files)),
        "both": ((number, pattern), by_name(newest(files))),
        "turned": ((pattern, number), newest(by_name(files))),
    }[order]
    assert keep(files, FileFilter(steps), search) == sorted(expected, key=lambda file: file.uri)


@pytest.mark.parametrize(
    "regex", ["(?!a", "(?!a)(b).*", "(?!a)(?:b).*", "(?=a).*", "a(?!b)", "(?<!a)b", "(?!(?!a).*).*", "(a"]
)
def test_other_lookaheads_are_refused_by_name(regex: str) -> None:
    with pytest.raises(DqError, match="regular expression"):
        pattern_of(regex)


@pytest.mark.parametrize("regex", [r"(?!.*\.tmp$).*", r"^(?!.*\.tmp$).*", r"^(?!.*\.tmp$).*$"])
def test_the_guide_s_way_to_leave_files_out(search: Search, regex: str) -> None:
    files = [FileFound(uri, uri, 1, None) for uri in ("/a.tmp", "/a.tmp.csv", "/b")]
    assert [file.uri for file in matching(files, regex, search)] == ["/a.tmp.csv", "/b"]
