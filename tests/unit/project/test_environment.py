from __future__ import annotations

import pytest

from dq.project.environment import UnsetError, expand, is_malformed, literal, uses


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("${A}", "one"),
        ("x-${A}-${A}", "x-one-one"),
        ("${NO:-two}", "two"),
        ("${NO:-}", ""),
        ("${EMPTY:-two}", "two"),
        ("${EMPTY}", ""),
        ("${A:-two}", "one"),
        ("$${A}", "${A}"),
        ("$A {A}", "$A {A}"),
    ],
)
def test_variables_are_replaced(text: str, expanded: str) -> None:
    assert expand(text, {"A": "one", "EMPTY": ""}) == expanded
    assert not is_malformed(text)


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(UnsetError, match="NO"):
        expand("a${NO}b", {})


def test_what_a_text_says_by_itself() -> None:
    assert (literal("a${B}c"), uses("a${B}c"), uses("$${B}"), is_malformed("${1}")) == ("ac", True, False, True)
