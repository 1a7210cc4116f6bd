"""Units carried from a mesh that moves as anny-head does are anny-head's own again."""

from pathlib import Path

import numpy as np
import pytest
import torch
from head_meshes import whole_head

from avatar.geometry.triangle_mesh import face_normals
from avatar.geometry.vectors import MM, Floats
from avatar.heads import load_head
from avatar.heads.head import own_head
from avatar.retarget.template import template_of
from common.errors import InputError
from research.upkeep.carry_units import (
    MIX,
    carried_units,
    mirror_image,
    packed_units,
    swapped,
    without_side,
)

HEAD = own_head()
TEMPLATE = template_of(HEAD)
MIXED = [name for name in HEAD.unit_names if without_side(name) in MIX]


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """A person who is not anny-head, in ICT-FaceKit's layout: what has two sides is named so."""
    known = whole_head(HEAD.identities["woman"])
    shapes = {}
    for name in MIXED:
        moved = known.motion(HEAD.unit(name)).numpy()
        if name in ("browInnerUp", "cheekPuff"):
            shapes |= {name + "_L": moved / 2, name + "_R": moved / 2}
        else:
            sided = name if name in MIX else name.replace("Left", "_L").replace("Right", "_R")
            shapes[sided] = moved
    mesh = known.mesh
    return {
        "neutral": mesh.vertices.numpy(),
        "faces": mesh.faces.numpy(),
        "names": np.array(list(shapes)),
        "deltas": np.stack(list(shapes.values())),
    }


def saved(folder: Path, arrays: dict[str, np.ndarray]) -> Path:
    path = folder / "shapes.npz"
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType] names vary
    return path


@pytest.fixture(scope="module")
def units(arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory):
    return carried_units(HEAD, saved(tmp_path_factory.mktemp("shapes"), arrays))


def test_they_are_the_shares_of_their_own_again(units: dict[str, Floats]):
    assert list(units) == MIXED
    far = TEMPLATE.outer.copy()
    far[HEAD.regions["lips"].numpy()] = False
    for name in ("browDownLeft", "browInnerUp", "mouthLeft", "mouthFunnel", "mouthStretchRight"):
        wanted = sum(MIX[without_side(name)]) * HEAD.unit(name).double().numpy()[far]
        off = np.linalg.norm(units[name][far] - wanted, axis=1)
        length = np.linalg.norm(wanted, axis=1)
        moved = length > MM
        assert np.median(off[moved]) < 0.35 * np.median(length[moved]), name
        assert np.median(off[~moved]) < 0.05 * MM, name


def test_sides_mirror_each_other_and_parts_of_bone_stay(units: dict[str, Floats]):
    mirror = mirror_image(HEAD)
    for name, unit in units.items():
        np.testing.assert_allclose(unit, units[swapped(name)][mirror] * [-1, 1, 1], atol=1e-4)
        if MIX[without_side(name)][0] == 0:
            assert not unit[HEAD.regions["teeth"]].any() and not unit[HEAD.regions["eyes"]].any()


def test_packed_units_are_whole_steps(units: dict[str, Floats]):
    packed = packed_units(units)
    off = packed["units"] * packed["step"] - np.stack(list(units.values()))
    assert packed["units"].dtype == np.int16 and np.abs(off).max() <= packed["step"] / 2 + 1e-12


def test_shapes_that_are_missing_are_named(arrays: dict[str, np.ndarray], tmp_path: Path):
    fewer = saved(tmp_path, {**arrays, "names": arrays["names"][1:]})
    with pytest.raises(InputError, match="'deltas' holds 30 shapes, 'names' 29"):
        carried_units(HEAD, fewer)
    few = {**arrays, "names": arrays["names"][1:], "deltas": arrays["deltas"][1:]}
    with pytest.raises(InputError, match=r"shapes.npz: 'names' has no shape for browDownLeft"):
        carried_units(HEAD, saved(tmp_path, few))


def test_what_ships_was_made_by_this(units: dict[str, Floats]):
    head = load_head()
    changed = [n for n in HEAD.unit_names if not torch.equal(head.unit(n), HEAD.unit(n))]
    assert changed == list(units)


def turned_over(unit: Floats) -> int:
    faces = TEMPLATE.skin_faces[TEMPLATE.outer[TEMPLATE.skin_faces].all(1)]
    before = face_normals(TEMPLATE.vertices, faces)
    return int(((face_normals(TEMPLATE.vertices + unit, faces) * before).sum(1) < 0).sum())


def test_fewer_triangles_are_turned_over_than_in_its_own_units():
    def worst(head) -> list[int]:
        return [turned_over(head.unit(name).double().numpy()) for name in MIXED]

    assert max(worst(load_head())) <= 2
    assert sum(worst(load_head())) < sum(worst(HEAD)) / 1.5
