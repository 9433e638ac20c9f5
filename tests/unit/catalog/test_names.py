from __future__ import annotations

import pytest

from dq.catalog.names import find, join, split
from dq.diagnostics import DataError, DqError


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("orders", ("orders",)),
        ("lake.sales.orders", ("lake", "sales", "orders")),
        ('lake."a.b".c', ("lake", "a.b", "c")),
        ('"say ""hi""".x', ('say "hi"', "x")),
        ("lake.my table-1", ("lake", "my table-1")),
    ],
)
def test_a_name_has_parts_and_the_parts_make_the_name(name: str, parts: tuple[str, ...]) -> None:
    assert split(name) == parts
    assert join(parts) == name


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", '"a', 'a"b', '"a"b', '""', 'a.""'])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(DqError, match="no name of a table"):
        split(name)


def test_letters_are_exact_or_differ_in_case_only() -> None:
    assert find("Orders", ["orders", "Orders"], "table", "`x`") == "Orders"
    assert find("ORDERS", ["orders", "items"], "table", "`x`") == "orders"
    with pytest.raises(DataError, match="may be `orders` or `Orders`"):
        find("ORDERS", ["orders", "Orders"], "table", "`x`")
    with pytest.raises(DataError) as error:
        find("ordres", ["orders", "items"], "table", "`x`")
    assert error.value.help == "did you mean `orders`?"
