"""The arrows between the folders, checked from the imports themselves."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("common", "splat", "audio2mesh", "avatar", "configs", "research", "scripts")
UNSHIPPED = ("research", "scripts")
MAY_IMPORT = {
    "audio2mesh": "audio2mesh.model audio2mesh.sound common",
    "audio2mesh.data": "audio2mesh.model audio2mesh.sound common",
    "audio2mesh.lipreading": "audio2mesh.data audio2mesh.model common",
    "audio2mesh.model": "audio2mesh.prosody audio2mesh.sound common",
    "audio2mesh.pose_vae": (
        "audio2mesh.data audio2mesh.model audio2mesh.prosody audio2mesh.sound audio2mesh.training "
        "common"
    ),
    "audio2mesh.prosody": "audio2mesh.sound common",
    "audio2mesh.sound": "common",
    "audio2mesh.sync": (
        "audio2mesh.data audio2mesh.model audio2mesh.sound audio2mesh.training common"
    ),
    "audio2mesh.training": "audio2mesh.data audio2mesh.model audio2mesh.sound common",
    "avatar": "common",
    "avatar.avatar_io": "avatar.geometry avatar.heads avatar.retarget avatar.rigging common splat",
    "avatar.batch": (
        "audio2mesh audio2mesh.data audio2mesh.model avatar.avatar_io avatar.behaviour "
        "avatar.drive avatar.trust common splat"
    ),
    "avatar.behaviour": (
        "audio2mesh.model audio2mesh.pose_vae audio2mesh.prosody audio2mesh.sound avatar.geometry "
        "avatar.heads avatar.retarget common"
    ),
    "avatar.drive": (
        "audio2mesh audio2mesh.pose_vae audio2mesh.prosody avatar.avatar_io avatar.behaviour "
        "avatar.geometry avatar.heads avatar.lighting avatar.page avatar.reconstruct "
        "avatar.retarget avatar.rigging avatar.tracking avatar.trust avatar.video common splat"
    ),
    "avatar.geometry": "common splat",
    "avatar.heads": "avatar.geometry common",
    "avatar.lighting": "avatar.geometry avatar.heads avatar.rigging common splat splat.scene",
    "avatar.lipreading": (
        "audio2mesh audio2mesh.data audio2mesh.model audio2mesh.sound audio2mesh.sync avatar.heads "
        "avatar.video"
    ),
    "avatar.live": (
        "audio2mesh audio2mesh.model audio2mesh.sound avatar.avatar_io avatar.behaviour "
        "avatar.drive avatar.geometry avatar.heads avatar.lighting avatar.page avatar.retarget "
        "avatar.rigging avatar.video common splat"
    ),
    "avatar.page": "avatar.geometry avatar.heads avatar.rigging splat.scene",
    "avatar.people": (
        "avatar.geometry avatar.heads avatar.lighting avatar.rigging common splat splat.scene"
    ),
    "avatar.photo": (
        "avatar.geometry avatar.heads avatar.lighting avatar.people avatar.reconstruct "
        "avatar.retarget avatar.rigging avatar.tracking avatar.vision common splat"
    ),
    "avatar.reconstruct": (
        "avatar.avatar_io avatar.geometry avatar.heads avatar.lighting avatar.retarget "
        "avatar.rigging common splat"
    ),
    "avatar.retarget": "avatar.geometry avatar.heads avatar.rigging common splat",
    "avatar.rigging": "avatar.geometry avatar.heads common splat",
    "avatar.studio": (
        "audio2mesh avatar.geometry avatar.live avatar.page avatar.trust avatar.video common"
    ),
    "avatar.tracking": (
        "avatar.avatar_io avatar.geometry avatar.heads avatar.lipreading avatar.people "
        "avatar.reconstruct avatar.retarget avatar.rigging avatar.video avatar.vision common splat"
    ),
    "avatar.trust": "avatar.avatar_io avatar.geometry avatar.video common",
    "avatar.video": "audio2mesh.sound avatar.geometry avatar.rigging common splat",
    "avatar.vision": "avatar.heads common",
    "configs": "audio2mesh.data audio2mesh.training avatar.trust common",
    "configs.commands": (
        "audio2mesh.data audio2mesh.model audio2mesh.pose_vae audio2mesh.sound audio2mesh.sync "
        "audio2mesh.training avatar.avatar_io avatar.batch avatar.drive avatar.heads "
        "avatar.lipreading avatar.live avatar.photo avatar.reconstruct avatar.rigging "
        "avatar.studio avatar.tracking avatar.trust common configs configs.doctor "
        "research.captures research.lipreading splat"
    ),
    "configs.doctor": (
        "audio2mesh audio2mesh.data audio2mesh.model audio2mesh.sound audio2mesh.training "
        "avatar.batch avatar.drive avatar.heads avatar.lipreading avatar.reconstruct common "
        "configs research.bench research.captures splat"
    ),
    "research.bench": (
        "audio2mesh audio2mesh.model audio2mesh.sound avatar.drive avatar.heads avatar.lipreading "
        "avatar.live common splat.cpu splat.scene"
    ),
    "research.captures": (
        "audio2mesh audio2mesh.prosody avatar.behaviour avatar.geometry avatar.heads "
        "avatar.lighting avatar.people avatar.reconstruct avatar.rigging avatar.video common "
        "research.people splat"
    ),
    "research.commands": (
        "audio2mesh.lipreading audio2mesh.sync audio2mesh.training avatar.heads avatar.lipreading "
        "common research.bench research.captures research.corpus research.evaluation "
        "research.evaluation.avatar research.evaluation.emotion research.evaluation.film "
        "research.evaluation.head research.evaluation.photo research.evaluation.speech "
        "research.evaluation.tracking research.evaluation.voices research.lipreading"
    ),
    "research.corpus": (
        "audio2mesh.data audio2mesh.model audio2mesh.sound audio2mesh.training avatar.heads common"
    ),
    "research.emotion_set": (
        "audio2mesh audio2mesh.data audio2mesh.model audio2mesh.sound avatar.avatar_io "
        "avatar.behaviour avatar.drive avatar.geometry avatar.heads avatar.lipreading "
        "avatar.retarget common research.evaluation research.evaluation.speech"
    ),
    "research.evaluation": "audio2mesh.data avatar.behaviour avatar.geometry common",
    "research.evaluation.avatar": (
        "avatar.avatar_io avatar.geometry avatar.heads avatar.photo avatar.reconstruct "
        "avatar.retarget avatar.rigging avatar.vision common research.evaluation splat"
    ),
    "research.evaluation.emotion": (
        "audio2mesh audio2mesh.data audio2mesh.model audio2mesh.sync avatar.avatar_io "
        "avatar.behaviour avatar.drive avatar.geometry avatar.heads avatar.lipreading "
        "avatar.retarget avatar.rigging avatar.vision common research.evaluation "
        "research.evaluation.speech splat"
    ),
    "research.evaluation.film": (
        "audio2mesh.data audio2mesh.prosody audio2mesh.sound avatar.geometry avatar.heads "
        "avatar.tracking avatar.video avatar.vision common research.evaluation "
        "research.evaluation.head research.evaluation.speech research.lipreading"
    ),
    "research.evaluation.head": (
        "audio2mesh.pose_vae audio2mesh.prosody avatar.avatar_io avatar.behaviour avatar.geometry "
        "avatar.heads common research.evaluation"
    ),
    "research.evaluation.photo": (
        "avatar.drive avatar.geometry avatar.heads avatar.photo avatar.reconstruct avatar.rigging "
        "avatar.tracking avatar.video avatar.vision common research.evaluation "
        "research.evaluation.avatar research.evaluation.tracking splat"
    ),
    "research.evaluation.speech": (
        "audio2mesh.data audio2mesh.model audio2mesh.sound audio2mesh.sync common "
        "research.evaluation"
    ),
    "research.evaluation.tracking": (
        "avatar.avatar_io avatar.behaviour avatar.geometry avatar.heads avatar.reconstruct "
        "avatar.retarget common research.evaluation research.evaluation.avatar "
        "research.evaluation.speech"
    ),
    "research.evaluation.voices": (
        "audio2mesh audio2mesh.data audio2mesh.model audio2mesh.sound audio2mesh.sync "
        "avatar.avatar_io avatar.drive avatar.geometry avatar.heads avatar.retarget common "
        "research.evaluation research.evaluation.emotion research.evaluation.speech"
    ),
    "research.lipreading": (
        "audio2mesh.data audio2mesh.lipreading audio2mesh.model audio2mesh.training "
        "avatar.geometry avatar.heads avatar.lighting avatar.lipreading avatar.people "
        "avatar.rigging avatar.video avatar.vision common configs research.corpus "
        "research.evaluation.speech splat"
    ),
    "research.people": "avatar.geometry avatar.lighting avatar.people avatar.rigging",
    "research.upkeep": (
        "audio2mesh.data audio2mesh.sound avatar.geometry avatar.heads avatar.lighting "
        "avatar.people avatar.photo avatar.rigging common"
    ),
    "splat": "common splat.cpu splat.scene",
    "splat.cpu": "common splat.scene",
    "splat.scene": "common",
}
"""Each folder of code: the folders whose modules it uses, and no others."""

USE_AUDIO2MESH = {
    "avatar.batch",
    "avatar.behaviour",
    "avatar.drive",
    "avatar.lipreading",
    "avatar.live",
    "avatar.studio",
    "avatar.video",
}
"""The only folders of avatar/ that know audio2mesh: driving, once and many times; heads, eyes and
brows that move with a voice; the sound of a film, and the delay of the lips in it; live speech; the
studio, which asks whether a file is a voice."""

ONLY_IN = {
    "ai_edge_litert": "avatar/vision/network.py",
    "PIL": (
        "avatar/geometry/picture_file.py avatar/people/library.py "
        "avatar/video/layers.py avatar/video/writer.py research/evaluation/sheet.py "
        "research/upkeep/people_library.py"
    ),
    "c2pa": "avatar/trust/signer.py",
    "cryptography": "avatar/trust/signer.py",
    "av": (
        "audio2mesh/sound/waveform.py avatar/lighting/environment_files.py "
        "avatar/live/lip_sync.py avatar/live/video_call.py "
        "avatar/video/output.py avatar/video/reader.py "
        "avatar/video/sound.py avatar/video/writer.py configs/doctor/checks.py"
    ),
    "fsspec": "common/uris.py",
    "gsplat": "splat/cuda.py",
    "pxr": "avatar/avatar_io/splat_formats.py",
    "plyfile": "splat/scene/ply.py",
    "ray": "common/workers.py",
    "torchmetrics": "research/evaluation/avatar/scores.py",
    "trimesh": "avatar/geometry/mesh_file.py",
    "transformers": "audio2mesh/model/pretrained.py",
    "aiortc": "avatar/live/video_call.py",
    "websockets": "avatar/live/server.py avatar/studio/host.py research/bench/live.py",
    "tyro": "configs/command.py configs/options.py",
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


def test_no_files_import_in_a_circle():
    """Not even inside functions, where Python would allow it."""
    uses: dict[Path, set[Path]] = {
        path: {f for name in imported(path) if (f := file_of(name)) and f.suffix == ".py"} - {path}
        for package in PACKAGES[:-1]
        for path in sources(package)
    }
    while leaves := [path for path, used in uses.items() if not used & uses.keys()]:
        for path in leaves:
            del uses[path]
    assert not uses, f"these files import each other: {sorted(map(str, uses))}"


def test_where_things_are_is_true():
    """Every task of the table in docs/conventions.md names a file that exists."""
    page = (ROOT / "docs" / "conventions.md").read_text()
    rows = re.findall(
        r"^\| ([^|]+) \| `([^`]+)` \|$", page.partition("## Where things are")[2], re.M
    )
    assert len(rows) == 12
    assert [file for _, file in rows if not (ROOT / file).is_file()] == []


def test_only_few_folders_of_avatar_use_audio2mesh():
    def uses(folder: str, leaf: str) -> bool:
        return any(used.split(".")[0] == leaf for used in arrows().get(folder, ()))

    heads = {folder for folder in arrows() if folder.split(".")[0] == "avatar"}
    assert {folder for folder in heads if uses(folder, "audio2mesh")} == USE_AUDIO2MESH
    assert not any(uses(f, "splat") for f in arrows() if f.split(".")[0] == "audio2mesh")


@pytest.mark.parametrize("package", ["audio2mesh", "avatar"])
def test_every_module_lies_in_a_subfolder(package: str):
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
    found = {
        folder_name(path)
        for p in PACKAGES
        if p not in UNSHIPPED
        for path in (ROOT / p).rglob("__init__.py")
    }
    assert declared == found | files
