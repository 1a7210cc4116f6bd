"""A scan finer than can be shown talks at the price of one that is not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from coloured_scans import grown_together, picture_of, write_scan
from head_meshes import sealed_scan, subdivided

from avatar.mesh.decimate import MOST
from avatar.rig.draw import avatar_rig
from avatar.scans.build import avatar_of_scan
from splat import orbit, render


@pytest.mark.slow
def test_a_fine_scan_is_decimated_and_looks_as_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    scan = grown_together(subdivided(subdivided(subdivided(sealed_scan()))))
    assert len(scan.faces) > MOST
    avatar = avatar_of_scan(write_scan(tmp_path / "fine.ply", scan))
    said = capsys.readouterr().err
    assert f"{len(scan.faces):,} triangles decimated to" in said and "lips were parted" in said
    assert len(avatar.binding) < 1.3 * MOST and len(avatar.faces) < 1.2 * MOST
    camera = orbit(torch.tensor([0.0, 0.0, 0.0]), 1.2, 0.0, 0.0, 10.0, 256, 256)
    expected, shown = picture_of(scan, camera)
    with torch.no_grad():
        world = avatar_rig(avatar, torch.device("cpu"))(avatar.vertices)
        drawn = render(world, camera).color.clamp(0, 1).numpy()
    apart = np.abs(drawn - expected)[shown > 0.999]
    assert apart.mean() < 0.03
