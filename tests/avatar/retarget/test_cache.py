"""Registrations that are kept: what decides one, and how many stay."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from head_meshes import HEAD

from avatar.geometry.similarity import Similarity
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import Head
from avatar.retarget import registration as cache
from avatar.retarget.registration import Registration, registered

MESH = Mesh(HEAD.vertices, HEAD.faces)
SAME = Similarity(1.0, np.eye(3), np.zeros(3))


@pytest.fixture(autouse=True)
def fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Mesh]:
    """The meshes that were registered, by a registration that takes no time; a cache of its own."""
    made: list[Mesh] = []

    def register(head: Head, mesh: Mesh, landmarks: object) -> Registration:
        made.append(mesh)
        return Registration(head.vertices + len(made), 0.5, SAME)

    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "register", register)
    return made


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "registrations").glob("*.npz"))


def test_the_same_mesh_is_registered_once(fits: list[Mesh]):
    first, again = registered(MESH), registered(MESH)
    assert len(fits) == 1
    assert torch.equal(first.fitted, again.fitted)
    assert again.residual_mm == 0.5


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", None], ids=["empty", "torn", "cut"])
def test_a_damaged_entry_is_made_again(fits: list[Mesh], tmp_path: Path, damage: bytes | None):
    registered(MESH)
    (path,) = kept(tmp_path)
    path.write_bytes(path.read_bytes()[:5000] if damage is None else damage)
    assert torch.equal(registered(MESH).fitted, HEAD.vertices + 2)
    assert torch.equal(registered(MESH).fitted, HEAD.vertices + 2)
    assert len(fits) == 2


CHANGES: dict[str, Callable[[Head], Head]] = {
    "vertices": lambda head: replace(head, vertices=head.vertices + 1e-6),
    "faces": lambda head: replace(head, faces=head.faces.flip(0)),
    "units": lambda head: replace(head, units=head.units * 1.001),
    "unit names": lambda head: replace(head, unit_names=head.unit_names[::-1]),
    "a region": lambda head: replace(
        head,
        regions={**head.regions, "lip_inner_upper": head.regions["lip_inner_upper"].flip(0)},
    ),
    "groups": lambda head: replace(head, face_groups=head.face_groups.roll(1)),
    "group names": lambda head: replace(head, group_names=head.group_names[::-1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_the_template_is_made_of_decides(
    fits: list[Mesh], monkeypatch: pytest.MonkeyPatch, change: str
):
    registered(MESH)
    other = CHANGES[change](HEAD)
    monkeypatch.setattr(cache, "load_head", lambda: other)
    registered(MESH)
    assert len(fits) == 2


def test_the_mesh_and_the_landmarks_decide(fits: list[Mesh]):
    points = {"chin": torch.zeros(3), "nose_tip": torch.ones(3)}
    swapped = {"chin": torch.ones(3), "nose_tip": torch.zeros(3)}
    for mesh in (MESH, Mesh(MESH.vertices * 2, MESH.faces), Mesh(MESH.vertices, MESH.faces[1:])):
        for landmarks in (None, points, swapped):
            registered(mesh, landmarks)
    assert len(fits) == 9


@pytest.mark.parametrize("room", ["retarget", "geometry", "heads"])
def test_the_code_of_every_room_that_decides_counts(
    fits: list[Mesh], monkeypatch: pytest.MonkeyPatch, room: str
):
    registered(MESH)
    whole = Path.read_bytes

    def edited(path: Path) -> bytes:
        return whole(path) + (b"# edited" if path.parent.name == room else b"")

    monkeypatch.setattr(Path, "read_bytes", edited)
    registered(MESH)
    assert len(fits) == 2


def test_only_those_used_last_are_kept(
    fits: list[Mesh], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(cache, "KEPT", 3)
    meshes = [Mesh(MESH.vertices * k, MESH.faces) for k in range(1, 6)]
    for age, mesh in enumerate(meshes[:3]):
        registered(mesh)
        newest = max(kept(tmp_path), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (1000 + age, 1000 + age))
    registered(meshes[0])  # read again: now the last used
    registered(meshes[3])
    assert len(kept(tmp_path)) == 3 and len(fits) == 4
    for mesh in (meshes[0], meshes[2], meshes[3]):
        registered(mesh)
    assert len(fits) == 4
    registered(meshes[1])
    assert len(fits) == 5 and len(kept(tmp_path)) == 3


def test_a_full_disk_costs_only_the_keeping(
    fits: list[Mesh], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("common.cache.write_arrays", full)
    assert registered(MESH).residual_mm == 0.5
    assert "could not be kept: No space left" in capsys.readouterr().err


def test_the_key_covers_folders_that_exist():
    code = Path(cache.__file__).parents[1]
    assert all((code / name / "__init__.py").is_file() for name in cache.CODE_FOLDERS)
