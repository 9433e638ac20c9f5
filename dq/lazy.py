"""Heavy modules that wait until they are used.

`dq lint` must not pay for SQL or a database. Everything that builds SQL takes `exp` from here, and the rule types
take from here what they need only to measure: importing a name costs nothing, its first attribute read imports it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlglot
    from sqlglot import expressions as exp

    from dq import casts, equality, regex, sql, sqltext
    from dq import metrics as dq_metrics
    from dq.files import filters as file_filters
else:

    class _Lazy:
        def __init__(self, name: str) -> None:
            self.__name = name

        def __getattr__(self, attribute: str) -> Any:
            value = getattr(import_module(self.__name), attribute)
            setattr(self, attribute, value)
            return value

    exp = _Lazy("sqlglot.expressions")
    sqlglot = _Lazy("sqlglot")
    casts = _Lazy("dq.casts")
    dq_metrics = _Lazy("dq.metrics")
    equality = _Lazy("dq.equality")
    file_filters = _Lazy("dq.files.filters")
    regex = _Lazy("dq.regex")
    sql = _Lazy("dq.sql")
    sqltext = _Lazy("dq.sqltext")

__all__ = ["casts", "dq_metrics", "equality", "exp", "file_filters", "regex", "sql", "sqlglot", "sqltext"]
