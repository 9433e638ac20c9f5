"""The page of Glue jobs and the transform tell of the same options."""

from __future__ import annotations

import pages

from dq.glue.options import ADDITIONAL, PUBLISHING


def test_the_page_tells_of_every_option() -> None:
    page = pages.read("glue.md")
    assert {row[0].partition("`,")[0].strip("`") for row in pages.tables(page, "publishing option")} == set(PUBLISHING)
    told = {name.strip("` ") for row in pages.tables(page, "additional option") for name in row[0].split(",")}
    assert told == {name.replace(".stopJobOnFailureTiming", "") for name in ADDITIONAL}
