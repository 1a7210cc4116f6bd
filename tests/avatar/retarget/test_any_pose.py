"""Heads that do not stand upright, and shapes that are no heads."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import trimesh
from head_meshes import HEAD, decimated, noisy, sealed_scan, transfer_to, turned_mesh
from scipy.spatial.transform import Rotation

from avatar.geometry.similarity import Similarity
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats
from avatar.retarget.align import align, turned
from avatar.retarget.registration import register
from avatar.retarget.template import template_of
from common.errors import InputError

MAN = HEAD.identities["man"]
SHIFT = (5.0, -80.0, 7.0)
TURNS: dict[str, tuple[float, Floats, str | None]] = {
    "z up, in mm": (1e3, Rotation.from_euler("x", 90, degrees=True).as_matrix(), "+z"),
    "x forward, in cm": (1e2, np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]), "+z"),
    "upside down": (1.0, np.diag([-1.0, -1, 1]), "-y"),
    "tilted": (0.3, Rotation.from_euler("z", -30, degrees=True).as_matrix(), "(0.5, 0.9, 0.0)"),
}


@pytest.mark.parametrize("name", TURNS)
def test_the_mouth_is_laid_on_the_mouth_whatever_side_is_up(name: str):
    scale, turn, up = TURNS[name]
    known = sealed_scan(MAN)
    found = register(HEAD, turned_mesh(known.mesh, scale * turn, SHIFT))
    lips = HEAD.regions["lips"]
    true = (HEAD.vertices + MAN)[lips].double().numpy() @ (scale * turn).T + SHIFT
    apart = np.linalg.norm(found.fitted[lips].numpy() - true, axis=1) / scale
    assert apart.mean() < 0.0017 and apart.max() < 0.005  # metres, across the lips' red too
    assert turned(found.to_head) == f"the head was turned: its up is {up}"


def test_every_side_may_be_up():
    """All that a program may take for up and front, and whatever lies between."""
    known = noisy(decimated(sealed_scan(HEAD.identities["woman"]), 0.5, opened=False), 0.0003)
    template = template_of(HEAD)
    face = template.vertices[template.outer & (template.weight > 0.5)]
    upright, _ = align(known.mesh)
    some = Rotation.from_quat(np.random.default_rng(3).normal(size=(2, 4)))
    for turn in (*Rotation.create_group("O")[5::8].as_matrix(), *some.as_matrix()):
        to_head, _ = align(turned_mesh(known.mesh, 1e3 * turn, SHIFT))
        there = upright.inverse().apply(face) @ (1e3 * turn).T + SHIFT
        assert np.linalg.norm(to_head.apply(there) - face, axis=1).max() < 1e-4  # metres


def test_motion_goes_back_into_the_mesh_as_it_lies():
    """What opens the mouth of a turned mesh is what opens it upright, turned."""
    known, turn = decimated(sealed_scan(), 0.4, opened=False), TURNS["z up, in mm"][1]
    opened = HEAD.express({"jawOpen": 0.6})
    moves = []
    for mesh in (known.mesh, turned_mesh(known.mesh, 1e3 * turn, SHIFT)):
        moves.append(transfer_to(HEAD, mesh, register(HEAD, mesh).fitted).offsets(opened).numpy())
    expected = 1e3 * moves[0] @ turn.T
    apart = np.linalg.norm(moves[1] - expected, axis=1)
    jumped = apart > 1  # mm: a vertex right on the line of the lips may go with either
    assert jumped.sum() <= 1
    assert np.linalg.norm(apart[~jumped]) < 0.02 * np.linalg.norm(expected)


def test_only_what_does_not_stand_upright_is_said_to_be_turned():
    def said(turn: Floats) -> str | None:
        return turned(Similarity(2.0, turn, np.zeros(3)))

    about_y, about_x = (
        [Rotation.from_euler(axis, k, degrees=True).as_matrix() for k in range(-180, 180, 5)]
        for axis in "yx"
    )
    assert not any(map(said, about_y))
    kept = [k for k, turn in zip(range(-180, 180, 5), about_x, strict=True) if not said(turn)]
    assert kept == [-15, -10, -5, 0, 5, 10, 15]
    assert said(np.array([[0.0, 0, -1], [-1, 0, 0], [0, 1, 0]])) == (
        "the head was turned: its up is -x"
    )


def solid(shape: trimesh.Trimesh, halvings: int = 0) -> Mesh:
    for _ in range(halvings):
        shape = shape.subdivide()
    vertices = torch.from_numpy(np.array(shape.vertices)).float()
    return Mesh(vertices, torch.from_numpy(np.array(shape.faces, np.int64)))


def chair() -> Mesh:
    legs = [((0.05, 0.45, 0.05), (x, 0.22, z)) for x in (-0.2, 0.2) for z in (-0.2, 0.2)]
    boxes = [((0.5, 0.05, 0.5), (0, 0.45, 0)), ((0.5, 0.6, 0.05), (0, 0.75, -0.22)), *legs]
    parts = [trimesh.creation.box(size).apply_translation(place) for size, place in boxes]
    return solid(trimesh.util.concatenate(parts), 3)  # type: ignore[arg-type]


def skull() -> Mesh:
    """An egg of a head's measures."""
    egg = trimesh.creation.icosphere(5)
    return solid(egg.apply_scale([0.075, 0.11, 0.095]))


def back_of_a_head() -> Mesh:
    mesh = sealed_scan().mesh
    kept = (mesh.vertices[:, 2] < 0.02)[mesh.faces].all(1)
    return Mesh(mesh.vertices, mesh.faces[kept])


NO_HEADS: dict[str, Callable[[], Mesh]] = {
    "sphere": lambda: solid(trimesh.creation.icosphere(4)),
    "cube": lambda: solid(trimesh.creation.box(), 5),
    "torus": lambda: solid(trimesh.creation.torus(1.0, 0.35, 64, 48)),
    "chair": chair,
    "egg": skull,
    "back of a head": back_of_a_head,
}


@pytest.mark.parametrize("shape", NO_HEADS)
def test_what_is_no_head_is_refused(shape: str):
    with pytest.raises(InputError, match=r"no face was found.* by -?\d+%, .*--landmarks"):
        register(HEAD, NO_HEADS[shape]())
