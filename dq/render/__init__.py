"""From an evaluation to something a person or a program reads: one module per format.

`words` says how values are put into words, `facts` derives what several formats show. Everything heavy
(jinja2, rich, pandas) is imported when a format is asked for.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["resource"]


@cache
def resource(name: str) -> str:
    """The text of a data file of `dq.reports`, such as `evaluation.schema.json` or `templates/page.html`."""
    return files("dq.reports").joinpath(*name.split("/")).read_text(encoding="utf-8")
