"""Files of heads without colours, and pictures to paint them with."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from head_meshes import decimated, sealed_scan

from avatar.geometry.vectors import Floats
from avatar.retarget.scan_avatar import avatar_of_scan
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from splat import orbit, render

MESH = decimated(sealed_scan(), 0.5, opened=False).mesh
RED, BLUE = (200, 40, 40), (40, 40, 200)


def write_obj(path: Path, mapped: bool, library: str | None = None) -> Path:
    """The head as a bare .obj; mapped: with its front as its texture coordinates."""
    lines = [f"mtllib {library}", "usemtl skin"] if library else []
    lines += [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in MESH.vertices.tolist()]
    if mapped:
        lines += [f"vt {0.5 + 4 * x:.6g} {0.5 + 3 * y:.6g}" for x, y, _ in MESH.vertices.tolist()]
    corner = "{0}/{0}" if mapped else "{0}"
    lines += ["f " + " ".join(corner.format(v + 1) for v in f) for f in MESH.faces.tolist()]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_halves(path: Path) -> Path:
    """A picture whose left half is red and whose right half is blue."""
    picture = np.zeros((8, 64, 3), np.uint8)
    picture[:, :32], picture[:, 32:] = RED, BLUE
    iio.imwrite(path, picture)
    return path


def front(avatar: Avatar) -> Floats:
    """The face from the front, [200, 200, 3], 0.14 m wide."""
    camera = orbit(torch.tensor([0.0, 0.0, 0.05]), 1.2, 0.0, 0.0, np.degrees(0.14 / 1.2), 200, 200)
    with torch.no_grad():
        gaussians = avatar_rig(avatar, torch.device("cpu"))(avatar.vertices)
        return render(gaussians, camera).color.clamp(0, 1).numpy()


@pytest.mark.parametrize("mapped", [False, True])
def test_a_head_without_colours_is_drawn_as_a_shaded_grey_one(tmp_path: Path, mapped: bool):
    avatar = avatar_of_scan(write_obj(tmp_path / "head.obj", mapped))
    assert torch.equal(avatar.gaussians.sh[..., 0], avatar.gaussians.sh[..., 2])  # its mouth too
    face = front(avatar)
    assert np.ptp(face, axis=-1).max() < 0.02  # grey
    grey = face[..., 0]
    assert grey[:50].mean() > 1.08 * grey[-40:, 60:140].mean()  # forehead, chin
    middle = grey[30:170, 50:150]
    assert middle.std() > 0.05 and 0.35 < middle.mean() < 0.85
    nose = grey[95:135, 80:120]
    assert nose.std() > 0.03  # a nose is there to be seen


def test_a_picture_is_laid_on_texture_coordinates_without_light_of_its_own(tmp_path: Path):
    """Also where the material that the file names is not there."""
    obj = write_obj(tmp_path / "head.obj", True, "lost.mtl")
    face = front(avatar_of_scan(obj, texture=write_halves(tmp_path / "skin.png")))
    for colour, half in ((RED, face[30:90, 60:85]), (BLUE, face[30:90, 115:140])):
        assert np.abs(half - np.array(colour) / 255).max() < 0.03


def test_a_picture_that_cannot_be_laid_is_refused_in_one_sentence(tmp_path: Path):
    bare, picture = write_obj(tmp_path / "bare.obj", False), write_halves(tmp_path / "skin.png")
    with pytest.raises(ValueError, match=r"^--texture: .*bare\.obj has no texture coordinates"):
        avatar_of_scan(bare, texture=picture)
    text = tmp_path / "notes.png"
    text.write_text("no picture")
    mapped = write_obj(tmp_path / "mapped.obj", True)
    with pytest.raises(ValueError, match=r"notes\.png: is not a picture"):
        avatar_of_scan(mapped, texture=text)
    with pytest.raises(FileNotFoundError, match=r"lost\.png: there is no such picture"):
        avatar_of_scan(mapped, texture=tmp_path / "lost.png")
