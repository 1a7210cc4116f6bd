"""A scan finer than can be shown talks at the price of one that is not."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from coloured_scans import grown_together, picture_of, write_scan
from head_meshes import sealed_scan, subdivided

from avatar.geometry.decimate import decimated
from avatar.retarget import scan_avatar as build
from avatar.rigging.draw import avatar_rig
from splat import orbit, render

MOST = 60_000  # triangles, instead of the limit in use, to be quick


@pytest.mark.slow
def test_a_fine_scan_is_decimated_and_looks_as_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(build, "decimated", partial(decimated, most=MOST))
    scan = grown_together(subdivided(subdivided(sealed_scan())))
    assert len(scan.faces) > MOST
    avatar = build.avatar_of_scan(write_scan(tmp_path / "fine.ply", scan))
    said = capsys.readouterr().err
    assert f"{len(scan.faces):,} triangles decimated to" in said and "lips were parted" in said
    assert len(avatar.faces) < 1.5 * MOST
    camera = orbit(torch.zeros(3), 1.2, 0.0, 0.0, 10.0, 256, 256)
    expected, shown = picture_of(scan, camera)
    with torch.no_grad():
        world = avatar_rig(avatar, torch.device("cpu"))(avatar.vertices)
        drawn = render(world, camera).color.clamp(0, 1).numpy()
    assert np.abs(drawn - expected)[shown > 0.999].mean() < 0.02
