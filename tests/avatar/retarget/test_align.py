"""Finding the face of a scan."""

import numpy as np
import pytest
import torch
from head_meshes import HEAD, moved, sealed_scan, turned_mesh, whole_head

from avatar.geometry.triangle_mesh import Mesh
from avatar.retarget.align import align
from avatar.retarget.landmarks import LANDMARKS
from avatar.retarget.registration import register
from avatar.retarget.template import template_of

FACE = torch.from_numpy(template_of(HEAD).outer & (template_of(HEAD).weight > 0.5))


def with_shoulders(mesh: Mesh) -> Mesh:
    """A head on a rounded body that is wider and heavier than the head."""
    rings, sectors = 40, 60
    polar, around = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, sectors))
    ball = [np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)]
    points = np.stack(ball, -1).reshape(-1, 3) * [0.22, 0.18, 0.11] + [0.0, -0.27, -0.03]
    i, j = (part.ravel() for part in np.mgrid[: sectors - 1, : rings - 1])
    a, b, c, d = (x * rings + y for x, y in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)))
    faces = np.concatenate([np.stack([a, c, b], 1), np.stack([a, d, c], 1)])
    count = len(mesh.vertices)
    return Mesh(
        torch.cat([mesh.vertices, torch.from_numpy(points).float()]),
        torch.cat([mesh.faces, torch.from_numpy(faces) + count]),
    )


def only(mesh: Mesh, keep: torch.Tensor) -> Mesh:
    return Mesh(mesh.vertices, mesh.faces[keep[mesh.faces].all(1)])


def distance_mm(to_head, turn: np.ndarray, shift: tuple[float, ...]) -> float:
    """How far from its place in head space a known face is brought."""
    face = HEAD.vertices[FACE].double().numpy()
    back = to_head.apply(face @ turn.T + shift)
    return 1000 * float(np.linalg.norm(back - face, axis=1).mean())


@pytest.mark.parametrize(
    ("shown", "yaw"), [("head", 190.0), ("shoulders", 100.0), ("no neck", 275.0), ("face", 20.0)]
)
def test_upright_scans_are_found_whatever_scale_yaw_and_place(shown: str, yaw: float):
    scale, shift = 37.0 + yaw, (5.0, -80.0, 7.0)
    known = moved(sealed_scan(), scale, yaw, shift)
    x, y, z = (sealed_scan().mesh.vertices[:, k] for k in range(3))
    mesh = {
        "head": lambda: known.mesh,
        "shoulders": lambda: turned_mesh(with_shoulders(sealed_scan().mesh), known.turn, shift),
        "no neck": lambda: only(known.mesh, y > -0.07 - 0.1 * z),
        "face": lambda: only(known.mesh, (z > 0.0) & (y < 0.08) & (x.abs() < 0.07)),
    }[shown]()
    assert distance_mm(align(mesh)[0], known.turn, shift) < 1.0


def test_landmarks_find_a_head_that_lies_on_its_side():
    turn = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]) * 12.0
    mesh = turned_mesh(whole_head().mesh, turn, (1.0, 2.0, 3.0))
    points = HEAD.vertices.double().numpy() @ turn.T + [1.0, 2.0, 3.0]
    names = ("nose_tip", "chin", "left_eye_outer", "right_eye_outer", "left_mouth_corner")
    landmarks = {name: torch.from_numpy(points[LANDMARKS[name]]).float() for name in names}
    assert distance_mm(align(mesh, landmarks)[0], turn, (1.0, 2.0, 3.0)) < 1.0


def test_what_is_no_head_is_refused_with_what_to_do():
    rng = np.random.default_rng(0)
    mesh = with_shoulders(only(whole_head().mesh, torch.zeros(5000, dtype=torch.bool)))
    bumpy = mesh.vertices + torch.from_numpy(rng.normal(scale=0.002, size=mesh.vertices.shape))
    with pytest.raises(ValueError, match=r"no face .*--landmarks"):
        register(HEAD, Mesh(bumpy.float(), mesh.faces))
