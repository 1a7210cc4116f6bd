"""Speech on heads of FLAME's format and another shape."""

import pytest
import torch
from flame_geometry import flame_arrays
from head_meshes import HEAD, transfer_to
from head_speech import lip_gap, spoken

from avatar.geometry.triangle_mesh import Mesh
from avatar.heads.flame_model import LIP_PAIRS
from avatar.heads.flame_regions import flame_landmarks
from avatar.retarget.backward import transfer_from
from avatar.retarget.registration import register

UPPER, LOWER = (torch.tensor(side) for side in zip(*LIP_PAIRS, strict=True))


def flame_mesh(seed: int) -> Mesh:
    arrays = flame_arrays(seed)
    return Mesh(
        torch.from_numpy(arrays["v_template"]).float(), torch.from_numpy(arrays["f"].astype(int))
    )


@pytest.mark.parametrize(("seed", "known"), [(1, True), (3, False)])
def test_lips_close_when_the_sources_close(seed: int, known: bool):
    mesh = flame_mesh(seed)
    fitted = register(HEAD, mesh, flame_landmarks(mesh.vertices) if known else None).fitted
    transfer = transfer_to(HEAD, mesh, fitted)
    source = lip_gap(spoken())
    moved = mesh.vertices + transfer.offsets(spoken())
    gap = (moved[:, UPPER] - moved[:, LOWER]).norm(dim=-1).mean(-1)
    opened = gap[source.argmax()]
    closed = source < 0.03 * source.max()
    assert opened > 0.7 * source.max()
    assert closed.sum() > 3
    assert gap[closed].max() < 0.1 * opened

    back = transfer_from(HEAD, mesh, fitted).offsets(transfer.offsets(spoken()[::10]))
    lips = HEAD.regions["lips"]
    apart = (back - spoken()[::10])[:, lips].norm(dim=-1).mean()
    assert apart < 0.15 * spoken()[::10][:, lips].norm(dim=-1).mean()
