"""Heavy modules that wait until they are used.

`dq lint` must not pay for SQL or a database. Everything that builds SQL takes `exp` from here: importing it
costs nothing, the first attribute read imports sqlglot.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlglot
    from sqlglot import expressions as exp
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

__all__ = ["exp", "sqlglot"]
