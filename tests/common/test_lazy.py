"""Packages that import what they offer once it is asked for."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from support import ROOT

LAZY = sorted(
    path.parent for path in ROOT.glob("*/**/__init__.py") if "lazy_names(" in path.read_text()
)


def offered(package: Path) -> list[str]:
    tree = ast.parse((package / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return [a.name for node in block.body if isinstance(node, ast.ImportFrom) for a in node.names]


def dotted(package: Path) -> str:
    return ".".join(package.relative_to(ROOT).parts)


@pytest.mark.parametrize("package", LAZY, ids=dotted)
def test_every_name_is_there_and_is_no_module(package: Path):
    """A module would take the place of the name as soon as anybody imports it."""
    modules = {path.stem for path in package.iterdir()}
    for name in offered(package):
        assert name not in modules
        assert getattr(import_module(dotted(package)), name) is not None


def test_a_name_that_is_not_offered():
    with pytest.raises(ImportError, match="nothing"):
        from splat import nothing  # noqa: F401, PLC0415  # pyright: ignore


def test_a_package_imports_nothing_by_itself():
    asked = "import sys, splat, audio2mesh, avatar.heads; print('torch' in sys.modules)"
    command = [sys.executable, "-c", asked]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False\n"
