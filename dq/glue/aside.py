"""A package of ours that has the name of another: where the other one is installed, it is the other one."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


def stand_aside(ours: ModuleType) -> bool:
    """Make a package that is being imported the one of its name elsewhere on the path, if there is one."""
    spec = _other(ours)
    if spec is None or spec.loader is None or spec.submodule_search_locations is None:
        return False
    ours.__path__ = list(spec.submodule_search_locations)
    ours.__file__ = spec.origin
    ours.__spec__ = spec
    spec.loader.exec_module(ours)
    return True


def _other(ours: ModuleType) -> ModuleSpec | None:
    own = {str(path) for path in ours.__path__}
    for entry in sys.path:
        spec = PathFinder.find_spec(ours.__name__, [entry])
        if spec is not None and spec.origin is not None and not own & set(spec.submodule_search_locations or ()):
            return spec
    return None
