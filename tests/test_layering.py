"""The arrows between the packages, checked from the imports themselves."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("audio2mesh", "splat", "avatar", "configs", "scripts")
MAY_IMPORT = {
    "audio2mesh": set(),
    "splat": set(),
    "avatar": {"audio2mesh", "splat"},
    "configs": {"audio2mesh", "splat", "avatar"},
    "scripts": {"audio2mesh", "splat", "avatar", "configs"},
}
ONLY_IN = {
    "PIL": (
        "audio2mesh/evaluation/plots.py",
        "avatar/capture/pictures.py",
        "avatar/evaluation/sheet.py",
    ),
    "av": ("audio2mesh/sound/waveform.py", "avatar/film/video.py", "avatar/film/video_reader.py"),
    "gsplat": ("splat/cuda.py", "splat/backend.py"),
    "plyfile": ("splat/ply.py",),
    "tensorboardX": ("avatar/reconstruct/logs.py",),
    "torchmetrics": ("avatar/evaluation/metrics.py",),
    "trimesh": ("avatar/mesh/mesh_file.py",),
    "pytorch3d": ("avatar/lipreading/mesh_render.py",),
    "pocketsphinx": ("audio2mesh/corpus/align.py",),
    "transformers": ("audio2mesh/model/encoder.py",),
    "tyro": ("configs/command.py",),
}


def imported(path: Path) -> set[str]:
    """Top-level names of everything that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: write imports in full"
            names.add(node.module.split(".")[0])
    return names


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package: str):
    assert sources(package)
    for path in sources(package):
        ours = imported(path) & (set(PACKAGES) - {package})
        assert ours <= MAY_IMPORT[package], f"{path} imports {ours - MAY_IMPORT[package]}"


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_in_its_own_place(library: str):
    users = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in sources(package)
        if library in imported(path)
    }
    assert users <= set(ONLY_IN[library])


def test_every_package_is_shipped():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = project["tool"]["setuptools"]["packages"]
    found = {
        str(path.parent.relative_to(ROOT)).replace("/", ".")
        for package in PACKAGES[:-1]
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert set(declared) == found
