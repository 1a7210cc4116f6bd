"""The arrows between the folders, checked from the imports themselves."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("common", "splat", "audio2mesh", "avatar", "configs", "scripts")
MAY_IMPORT = {
    "audio2mesh": "audio2mesh.model audio2mesh.sound common",
    "audio2mesh.corpus": (
        "audio2mesh.data audio2mesh.model audio2mesh.sound audio2mesh.training common"
    ),
    "audio2mesh.data": "audio2mesh.model audio2mesh.sound common",
    "audio2mesh.evaluation": "audio2mesh.data audio2mesh.model audio2mesh.sound common",
    "audio2mesh.head": (
        "audio2mesh.data audio2mesh.model audio2mesh.prosody audio2mesh.sound "
        "audio2mesh.training common"
    ),
    "audio2mesh.lipreading": "audio2mesh.data audio2mesh.model audio2mesh.training common",
    "audio2mesh.model": "audio2mesh.prosody audio2mesh.sound common",
    "audio2mesh.prosody": "audio2mesh.sound common",
    "audio2mesh.sound": "common",
    "audio2mesh.sync": (
        "audio2mesh.data audio2mesh.evaluation audio2mesh.model audio2mesh.sound "
        "audio2mesh.training common"
    ),
    "audio2mesh.training": (
        "audio2mesh.data audio2mesh.evaluation audio2mesh.model audio2mesh.sound common"
    ),
    "avatar": "common",
    "avatar.arkit": "avatar.heads avatar.mesh common",
    "avatar.batch": (
        "audio2mesh audio2mesh.data audio2mesh.model audio2mesh.sound avatar.drive avatar.face "
        "avatar.files common splat"
    ),
    "avatar.capture": "avatar.flame avatar.heads avatar.mesh avatar.rig common splat",
    "avatar.drive": (
        "audio2mesh audio2mesh.data audio2mesh.evaluation audio2mesh.head audio2mesh.model "
        "audio2mesh.prosody audio2mesh.sound avatar.arkit avatar.capture avatar.exports "
        "avatar.face avatar.face.emotion avatar.files avatar.film avatar.flame avatar.heads "
        "avatar.light avatar.lipreading avatar.mesh avatar.page avatar.rig avatar.tracking "
        "avatar.transfer common splat"
    ),
    "avatar.evaluation": (
        "avatar.capture avatar.files avatar.heads avatar.light avatar.mesh avatar.rig "
        "avatar.transfer avatar.vision common splat"
    ),
    "avatar.evaluation.emotion": (
        "audio2mesh audio2mesh.data audio2mesh.evaluation audio2mesh.model audio2mesh.sync "
        "avatar.drive avatar.evaluation.photo avatar.face.emotion avatar.files avatar.flame "
        "avatar.heads avatar.lipreading avatar.mesh avatar.rig avatar.transfer avatar.vision "
        "common splat"
    ),
    "avatar.evaluation.head": (
        "audio2mesh audio2mesh.head audio2mesh.prosody avatar.arkit avatar.face avatar.files "
        "avatar.heads avatar.mesh common"
    ),
    "avatar.evaluation.photo": (
        "avatar.capture avatar.drive avatar.evaluation avatar.evaluation.tracking avatar.film "
        "avatar.heads avatar.mesh avatar.photo avatar.rig avatar.tracking avatar.vision common "
        "splat"
    ),
    "avatar.evaluation.reenactment": (
        "avatar.arkit avatar.drive avatar.evaluation avatar.evaluation.tracking avatar.heads "
        "avatar.mesh avatar.tracking common"
    ),
    "avatar.evaluation.tracking": (
        "avatar.capture avatar.evaluation avatar.face avatar.files avatar.heads avatar.mesh "
        "avatar.transfer common splat"
    ),
    "avatar.evaluation.voices": (
        "audio2mesh audio2mesh.data audio2mesh.evaluation audio2mesh.model audio2mesh.sound "
        "audio2mesh.sync avatar.drive avatar.evaluation.emotion avatar.files avatar.heads "
        "avatar.mesh avatar.transfer common"
    ),
    "avatar.exports": "avatar.mesh common splat",
    "avatar.face": (
        "audio2mesh.head audio2mesh.model audio2mesh.prosody audio2mesh.sound avatar.arkit "
        "avatar.mesh avatar.transfer common"
    ),
    "avatar.face.emotion": "avatar.arkit avatar.heads avatar.transfer common",
    "avatar.files": "avatar.flame avatar.heads avatar.mesh avatar.rig avatar.scans common splat",
    "avatar.film": "audio2mesh.sound avatar.rig common splat",
    "avatar.flame": "avatar.heads avatar.mesh common",
    "avatar.heads": "avatar.mesh common",
    "avatar.light": "avatar.heads avatar.mesh avatar.rig common splat splat.scene",
    "avatar.lipreading": (
        "audio2mesh audio2mesh.corpus audio2mesh.data audio2mesh.evaluation "
        "audio2mesh.lipreading audio2mesh.model audio2mesh.sound audio2mesh.sync "
        "audio2mesh.training avatar.arkit avatar.film avatar.heads avatar.light avatar.mesh "
        "avatar.rig avatar.synthetic.shared common splat"
    ),
    "avatar.live": (
        "audio2mesh audio2mesh.model audio2mesh.sound avatar.drive avatar.face "
        "avatar.face.emotion avatar.files avatar.film avatar.heads avatar.light avatar.mesh "
        "avatar.page avatar.rig avatar.transfer common"
    ),
    "avatar.mesh": "common splat",
    "avatar.page": "avatar.heads avatar.mesh avatar.rig common splat.scene",
    "avatar.photo": (
        "avatar.heads avatar.light avatar.mesh avatar.rig avatar.synthetic.portrait "
        "avatar.synthetic.shared avatar.tracking avatar.vision common splat"
    ),
    "avatar.reconstruct": (
        "avatar.capture avatar.files avatar.heads avatar.light avatar.mesh avatar.rig "
        "avatar.scans avatar.transfer common splat"
    ),
    "avatar.rig": "avatar.heads avatar.mesh common splat",
    "avatar.scans": "avatar.heads avatar.mesh avatar.rig avatar.transfer common splat",
    "avatar.synthetic.capture": (
        "audio2mesh audio2mesh.prosody avatar.capture avatar.face avatar.heads avatar.light "
        "avatar.mesh avatar.rig avatar.synthetic.shared common splat"
    ),
    "avatar.synthetic.film": (
        "avatar.arkit avatar.capture avatar.face avatar.film avatar.heads avatar.light "
        "avatar.mesh avatar.rig avatar.synthetic.capture avatar.synthetic.shared common splat"
    ),
    "avatar.synthetic.landmarks": (
        "avatar.heads avatar.mesh avatar.rig avatar.synthetic.capture avatar.synthetic.film "
        "avatar.tracking avatar.vision common splat"
    ),
    "avatar.synthetic.portrait": (
        "avatar.heads avatar.light avatar.mesh avatar.rig avatar.synthetic.shared common splat"
    ),
    "avatar.synthetic.shared": "avatar.heads avatar.light avatar.mesh avatar.rig common",
    "avatar.tracking": (
        "avatar.arkit avatar.capture avatar.files avatar.film avatar.flame avatar.heads "
        "avatar.lipreading avatar.mesh avatar.rig avatar.synthetic.shared avatar.transfer "
        "avatar.vision common splat"
    ),
    "avatar.transfer": "avatar.flame avatar.heads avatar.mesh common",
    "avatar.vision": "common",
    "configs": (
        "audio2mesh.data audio2mesh.lipreading audio2mesh.sync audio2mesh.training "
        "avatar.heads avatar.lipreading avatar.synthetic.shared common splat"
    ),
    "configs.commands": (
        "audio2mesh.corpus audio2mesh.data audio2mesh.evaluation audio2mesh.head "
        "audio2mesh.lipreading audio2mesh.model audio2mesh.prosody audio2mesh.sound "
        "audio2mesh.sync audio2mesh.training avatar.batch avatar.drive avatar.evaluation "
        "avatar.evaluation.emotion avatar.evaluation.head avatar.evaluation.photo "
        "avatar.evaluation.reenactment avatar.evaluation.tracking avatar.evaluation.voices "
        "avatar.files avatar.heads avatar.lipreading avatar.live avatar.page avatar.photo "
        "avatar.reconstruct avatar.rig avatar.synthetic.capture avatar.synthetic.film "
        "avatar.tracking avatar.vision common configs splat"
    ),
    "splat": "common splat.cpu splat.scene",
    "splat.cpu": "common splat.scene",
    "splat.scene": "common",
}
"""Each folder of code: the folders whose modules it uses, and no others."""

JOIN_THE_LEAVES = {
    "avatar.batch",
    "avatar.drive",
    "avatar.evaluation.emotion",
    "avatar.evaluation.head",
    "avatar.evaluation.voices",
    "avatar.face",
    "avatar.film",
    "avatar.lipreading",
    "avatar.live",
    "avatar.synthetic.capture",
}
"""The only rooms that know both leaves: driving, once and many times; heads, eyes and brows that
move with a voice, and how well they do; speech measured under feelings, or on avatars that speak
with any voice; the sound of a film; a lip reader that watches rendered mouths; people whose made-up
captures speak; conversations, in which speech that is still going on moves a face."""

ONLY_IN = {
    "ai_edge_litert": "avatar/vision/network.py",
    "PIL": (
        "audio2mesh/evaluation/plots.py avatar/capture/pictures.py "
        "avatar/evaluation/head/plots.py avatar/evaluation/photo/sheet.py "
        "avatar/evaluation/sheet.py avatar/exports/sog.py avatar/film/picture_folder.py "
        "avatar/mesh/picture_file.py"
    ),
    "av": (
        "audio2mesh/sound/waveform.py avatar/film/gif.py avatar/film/nvenc.py "
        "avatar/film/sound_file.py avatar/film/video.py avatar/film/video_reader.py "
        "avatar/live/lip_sync.py avatar/live/video_call.py"
    ),
    "fsspec": "common/places.py",
    "gsplat": "splat/cuda.py",
    "pxr": "avatar/exports/usd.py",
    "plyfile": "splat/scene/ply.py",
    "ray": "common/ray_workers.py",
    "tensorboardX": "avatar/reconstruct/logs.py",
    "torchmetrics": "avatar/evaluation/metrics.py",
    "trimesh": "avatar/mesh/mesh_file.py",
    "transformers": "audio2mesh/model/pretrained.py",
    "aiortc": "avatar/live/video_call.py",
    "websockets": "avatar/live/benchmark.py avatar/live/server.py",
    "tyro": ("configs/command.py configs/help_text.py configs/options.py configs/usage_errors.py"),
}
"""Each library: the files that import it, and no others."""


@cache
def imported(path: Path) -> frozenset[str]:
    """Every module that a file imports, wherever in it; `from a import b` counts as a.b if it is
    one."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: write imports in full"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if file_of(name) else node.module for name in names}
    return frozenset(found)


def file_of(module: str) -> Path | None:
    """The file or folder of a module of ours."""
    path = ROOT.joinpath(*module.split("."))
    return path if path.is_dir() else next(iter(path.parent.glob(f"{path.name}.py")), None)


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def folder_name(path: Path) -> str:
    """The dotted name of the folder that a file lies in, or of a folder itself."""
    return ".".join((path if path.is_dir() else path.parent).relative_to(ROOT).parts)


@cache
def arrows() -> dict[str, set[str]]:
    """Folder → the other folders whose modules its own modules import."""
    found: dict[str, set[str]] = {}
    for package in PACKAGES[:-1]:
        for path in sources(package):
            ours = (file_of(name) for name in imported(path) if name.split(".")[0] in PACKAGES)
            used = {folder_name(file) for file in ours if file is not None}
            found.setdefault(folder_name(path), set()).update(used - {folder_name(path)})
    return {folder: used for folder, used in found.items() if used}


def test_folders_import_what_the_table_allows_and_all_of_it():
    assert arrows() == {folder: set(used.split()) for folder, used in MAY_IMPORT.items()}


def test_no_folders_import_in_a_circle():
    def reached(folder: str, on_the_way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        for other in arrows().get(folder, ()):
            assert other not in on_the_way, f"a circle: {(*on_the_way, folder, other)}"
            yield from reached(other, (*on_the_way, folder))

    for folder in arrows():
        assert not list(reached(folder))


def test_only_few_rooms_join_the_leaves():
    def uses(folder: str, leaf: str) -> bool:
        return any(used.split(".")[0] == leaf for used in arrows().get(folder, ()))

    heads = {folder for folder in arrows() if folder.split(".")[0] == "avatar"}
    assert {folder for folder in heads if uses(folder, "audio2mesh")} == JOIN_THE_LEAVES
    assert not any(uses(f, "splat") for f in arrows() if f.split(".")[0] == "audio2mesh")


@pytest.mark.parametrize("package", ["audio2mesh", "avatar"])
def test_every_module_has_a_room(package: str):
    assert [path.name for path in (ROOT / package).glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_in_its_own_place(library: str):
    users = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in sources(package)
        if library in {name.split(".")[0] for name in imported(path)}
    }
    assert users == set(ONLY_IN[library].split())


def test_every_package_is_shipped():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = set(project["tool"]["setuptools"]["packages"])
    files = set(project["tool"]["setuptools"]["package-dir"])
    found = {folder_name(path) for p in PACKAGES[:-1] for path in (ROOT / p).rglob("__init__.py")}
    assert declared == found | files
