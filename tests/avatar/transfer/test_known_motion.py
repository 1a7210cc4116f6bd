"""Transfer onto heads of other topologies whose true motion is known."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from head_meshes import (
    HEAD,
    KnownMesh,
    decimated,
    holed,
    moved,
    noisy,
    remeshed,
    sealed_scan,
    subdivided,
    whole_head,
)
from head_speech import telling_frames
from torch import Tensor

from avatar.transfer import register, transfer_from, transfer_to

CLEAN, ROUGH = 0.03, 0.08  # of the motion's own amplitude
SLIVER = 0.0003  # metres: the direction of a triangle thinner than the noise means nothing
CREASE = 0.0015  # metres from where grown-together lips meet, where either lip's motion is right

MESHES: dict[str, tuple[Callable[[], KnownMesh], float]] = {
    "the same": (whole_head, CLEAN),
    "re-meshed": (lambda: remeshed(whole_head()), CLEAN),
    "decimated": (lambda: decimated(whole_head(), 0.3), ROUGH),
    "subdivided": (lambda: subdivided(whole_head()), ROUGH),
    "turned": (lambda: moved(remeshed(whole_head()), 1000.0, 130.0, (-300.0, 20.0, 10.0)), ROUGH),
    "noisy": (lambda: noisy(remeshed(whole_head()), 0.0003), ROUGH),
    "holed at the lips": (lambda: holed(remeshed(whole_head()), seed=8), ROUGH),
    "holed": (lambda: holed(remeshed(whole_head()), seed=2), ROUGH),
    "scan": (lambda: remeshed(sealed_scan(), opened=False), ROUGH),
    "noisy scan": (lambda: noisy(sealed_scan(), 0.0003), ROUGH),
}


def lip_vertices(known: KnownMesh) -> Tensor:
    """Lip vertices away from the crease of lips that are grown together."""
    lips = known.within("lips")
    if len(known.within("tongue")):
        return lips
    line = HEAD.vertices[HEAD.regions["lip_inner_upper"]].double().numpy()
    at = known.weights[lips.numpy()] @ HEAD.vertices.double().numpy()
    height = np.abs(at[:, 1] - np.interp(at[:, 0], line[:, 0], line[:, 1]))
    return lips[torch.from_numpy(height > CREASE)]


def flipped(known: KnownMesh, offsets: Tensor) -> Tensor:
    """[B, M] triangles, slivers aside, that offsets [B, V, 3] turn by more than a right angle."""

    def corners(vertices: Tensor) -> tuple[Tensor, ...]:
        return tuple(vertices[..., known.mesh.faces[:, k], :].double() for k in range(3))

    def normals(vertices: Tensor) -> Tensor:
        v0, v1, v2 = corners(vertices)
        return torch.linalg.cross(v1 - v0, v2 - v0)

    rest = known.mesh.vertices
    v0, v1, v2 = corners(rest)
    longest = torch.stack([(v1 - v0), (v2 - v1), (v0 - v2)]).norm(dim=-1).amax(0)
    size = float(np.linalg.det(known.turn)) ** (1 / 3)
    thick = normals(rest).norm(dim=-1) > SLIVER * size * longest
    return ((normals(rest) * normals(rest + offsets)).sum(-1) < 0) & thick


OFTEN = ("re-meshed", "decimated", "noisy", "holed")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in OFTEN else pytest.mark.slow) for n in MESHES],
)
def test_lips_move_as_they_truly_do(name: str):
    make, tolerance = MESHES[name]
    known = make()
    fitted = register(HEAD, known.mesh).fitted
    frames = telling_frames()
    got = transfer_to(HEAD, known.mesh, fitted).offsets(frames)
    true = torch.stack([known.motion(frame) for frame in frames])
    lips = lip_vertices(known)
    assert len(lips) > 60
    error = (got - true).norm(dim=-1)[:, lips].mean() / true.norm(dim=-1)[:, lips].mean()
    assert error < tolerance

    around = torch.isin(known.mesh.faces, lips).all(1)
    assert not (flipped(known, got) & ~flipped(known, true))[:, around].any()

    if not len(known.within("tongue")):
        return  # nothing moves a mesh whose lips are grown together
    back = transfer_from(HEAD, known.mesh, fitted).offsets(true)
    region = HEAD.regions["lips"]
    outer = region[HEAD.vertices[region, 2] > 0.095]
    error = (back - frames).norm(dim=-1)[:, outer].mean() / frames.norm(dim=-1)[:, outer].mean()
    assert error < 2 * tolerance
