"""Every format of Gaussians: what is written is read by a reader of its specification."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from foreign_splats import (
    read_gaussian_glb,
    read_spz,
    read_usd,
    read_world_ply,
)
from splat_scenes import make_camera, make_gaussians
from torch import Tensor

from avatar.avatar_io.options import EXTRA, UPWARD, Up
from avatar.avatar_io.splat_formats import upside_down, write_gaussians
from avatar.geometry.rotations import quaternion_to_matrix
from splat import Gaussians, render


@dataclass(frozen=True)
class Format:
    """A reader, and how much a format may round off."""

    read: Callable[[Path], Gaussians]
    means: float = 1e-6  # metres
    scales: float = 1e-5  # of a scale
    turns: float = 1e-5  # of a rotation matrix
    opacities: float = 1e-5
    dc: float = 1e-6
    sh: float = 1e-6
    farthest: float = float("inf")  # of coefficients above degree 0
    picture: float = 80.0  # dB against the Gaussians that were written


HALF = 0.5 / 255  # half a step of a byte
FORMATS = {
    ".ply": Format(read_world_ply),
    ".spz": Format(
        *(read_spz, 2**-17 + 1e-7, 0.032, 0.01, HALF + 1e-6, HALF / 0.15 + 1e-4, 1 / 128, 1.0),
        picture=34,
    ),
    ".glb": Format(read_gaussian_glb),
    ".usdc": Format(read_usd),
    ".usda": Format(read_usd),
}


@pytest.fixture(autouse=True)
def library(request: pytest.FixtureRequest) -> None:
    """Skips a format whose library is not installed."""
    suffix = getattr(request.node, "callspec", None) and request.node.callspec.params.get("suffix")
    if suffix in EXTRA:
        pytest.importorskip(EXTRA[suffix])


def read_back(path: Path, gaussians: Gaussians) -> Gaussians:
    """What a file of head-space Gaussians holds, in head space."""
    write_gaussians(path, gaussians)
    read = FORMATS[path.suffix].read(path)
    read = upside_down(read) if UPWARD[path.suffix] == "-y" else read
    return read


def test_every_format_is_tested():
    assert set(FORMATS) == set(UPWARD)


@pytest.mark.parametrize("degree", range(4))
@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_written_is_read(tmp_path: Path, suffix: str, degree: int):
    form, given = FORMATS[suffix], make_gaussians(500, degree, degree)
    read = read_back(tmp_path / f"head{suffix}", given)
    kept = (degree + 1) ** 2
    assert read.sh.shape == (500, kept, 3)
    assert apart(read.means, given.means) <= form.means
    assert apart(read.scales / given.scales, torch.ones(1)) <= form.scales
    assert apart(turns(read), turns(given)) <= form.turns
    assert apart(read.opacities, given.opacities) <= form.opacities
    assert apart(read.sh[:, 0], given.sh[:, 0]) <= form.dc
    higher = given.sh[:, 1:kept].clamp(-form.farthest, form.farthest)
    assert kept == 1 or apart(read.sh[:, 1:], higher) <= form.sh


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_read_looks_as_what_was_written(tmp_path: Path, suffix: str):
    form = FORMATS[suffix]
    given = make_gaussians(800, 3, 7)
    read = read_back(tmp_path / f"head{suffix}", given)
    for eye in ((0, 0, 1.5), (1.2, 0.4, 0.5)):
        seen, meant = (render(g, make_camera(eye), backend="cpu").color for g in (read, given))
        noise = (seen.clamp(0, 1) - meant.clamp(0, 1)).square().mean()
        assert -10 * noise.log10() > form.picture
        assert meant.std() > 0.05


@pytest.mark.parametrize("suffix", FORMATS)
def test_equal_gaussians_make_equal_bytes(tmp_path: Path, suffix: str):
    for name in "ab":
        write_gaussians(tmp_path / f"{name}{suffix}", make_gaussians(40, 1, 0))
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(("up", "sign"), [("y", 1), ("-y", -1)])
@pytest.mark.parametrize("suffix", FORMATS)
def test_up_can_be_chosen(tmp_path: Path, suffix: str, up: Up, sign: int):
    given = make_gaussians(40, 1, 0)
    write_gaussians(tmp_path / f"head{suffix}", given, up=up)
    read = FORMATS[suffix].read(tmp_path / f"head{suffix}")
    turned = upside_down(read) if sign < 0 else read
    assert apart(turned.means, given.means) <= FORMATS[suffix].means


def test_degree_3_gives_the_62_properties(tmp_path: Path):
    write_gaussians(tmp_path / "head.ply", make_gaussians(40, 0, 0), degree=3)
    header = (tmp_path / "head.ply").read_bytes().partition(b"end_header")[0]
    assert header.count(b"property float ") == 62


def turns(gaussians: Gaussians) -> Tensor:
    """Rotation matrices, which tell nothing of a quaternion's sign."""
    return quaternion_to_matrix(gaussians.quats)


def apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())
