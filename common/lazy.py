"""Packages that import what they offer once it is asked for (PEP 562)."""

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def lazy_names(init: str) -> Callable[[str], object]:
    """The `__getattr__` of a package whose file `init` (`__file__`) says under `if TYPE_CHECKING:`
    which names it takes from which of its modules."""
    tree = ast.parse(Path(init).read_text(encoding="utf-8"))
    places = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }

    def get(name: str) -> object:
        if name not in places:
            raise AttributeError(f"{init} offers no {name!r}")
        return getattr(import_module(places[name]), name)

    return get
