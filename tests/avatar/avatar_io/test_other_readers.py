"""What other programs' own readers make of our files; run where NODE_PATH names their packages.

npm install three@0.187 @playcanvas/splat-transform@3; export NODE_PATH=$PWD/node_modules
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from splat_scenes import make_gaussians
from support import ROOT

from avatar.avatar_io.options import UPWARD
from avatar.avatar_io.splat_formats import stored, upside_down, write_gaussians
from avatar.geometry.rotations import quaternion_to_matrix
from splat import Gaussians

pytestmark = pytest.mark.slow
Read = Callable[..., dict[str, Any]]
THREE = (".ply", ".spz", ".glb")
SPLAT_TRANSFORM = (".ply", ".spz")
ROUNDED = {".spz": 0.06}
"""How far a format's covariances may be off, of their mean size."""


def reader(package: str, tmp_path: Path) -> Read:
    """A function from files to what a program makes of them; skips where it is not there."""
    packages = Path(os.environ.get("NODE_PATH", "nowhere"))
    if shutil.which("node") is None or not (packages / package).is_dir():
        pytest.skip(f"NODE_PATH names no folder with node's package {package}")
    script = shutil.copy(Path(__file__).with_name("read_with_others.mjs"), tmp_path)
    (tmp_path / "node_modules").symlink_to(packages)

    def read(*files: Path) -> dict[str, dict[str, list[float]]]:
        words = ["node", script, package, str(tmp_path / "found.json"), *map(str, files)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads((tmp_path / "found.json").read_text())

    return read


@pytest.fixture
def three(tmp_path: Path) -> Read:
    return reader("three", tmp_path)


@pytest.fixture
def splat_transform(tmp_path: Path) -> Read:
    return reader("@playcanvas/splat-transform", tmp_path)


def in_the_file(suffix: str, gaussians: Gaussians) -> Gaussians:
    return upside_down(gaussians) if UPWARD[suffix] == "-y" else gaussians


def covariances(quats: torch.Tensor, scales: torch.Tensor) -> np.ndarray:  # [N, 3, 3]
    half = quaternion_to_matrix(quats) * scales[:, None]
    return (half @ half.transpose(1, 2)).numpy()


@pytest.mark.parametrize("suffix", THREE)
def test_three_reads_what_we_write(three: Read, tmp_path: Path, suffix: str):
    given, path = make_gaussians(300, 2, 6), tmp_path / f"head{suffix}"
    write_gaussians(path, given)
    check_three(three(path)[str(path)], in_the_file(suffix, given), ROUNDED.get(suffix, 1e-5))


@pytest.mark.parametrize("suffix", SPLAT_TRANSFORM)
def test_splat_transform_reads_what_we_write(splat_transform: Read, tmp_path: Path, suffix: str):
    given, path = make_gaussians(300, 2, 6), tmp_path / f"head{suffix}"
    write_gaussians(path, given)
    found = splat_transform(path)[str(path)]
    turn = np.array([1.0, -1.0, -1.0] if suffix == ".spz" else [1.0, 1.0, 1.0])
    check_splat_transform(found, in_the_file(suffix, given), ROUNDED.get(suffix, 1e-5), turn)


def check_three(found: dict[str, list[float]], expected: Gaussians, rounded: float) -> None:
    places = np.reshape(found["position"], (-1, 3))
    assert np.abs(places - expected.means.numpy()).max() < 2e-5
    meant = covariances(expected.quats, expected.scales)
    upper = meant[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]]
    off = np.abs(np.reshape(found["covariance"], (-1, 6)) - upper)
    assert off.mean() < rounded * np.abs(upper).mean()
    shown = np.reshape(found["color"], (len(places), 4)) / 255
    rgb = (0.5 + 0.28209479 * expected.sh[:, 0]).clamp(0, 1).numpy()
    assert np.abs(shown[:, :3] - rgb).max() < 0.02
    assert np.abs(shown[:, 3] - expected.opacities.numpy()).max() < 0.005


def check_splat_transform(
    found: dict[str, list[float]], expected: Gaussians, rounded: float, turn: np.ndarray
) -> None:
    """turn [3]: by which signs the program moves the axes of the format to its own, y down."""

    def columns(*names: str) -> np.ndarray:
        return np.stack([found[name] for name in names], 1)

    places, meant = turn * columns("x", "y", "z"), expected.means.numpy()
    order = np.abs(places[:, None] - meant).max(2).argmin(0)
    assert np.abs(places[order] - meant).max() < 1e-4
    raw = stored(expected)
    quats = torch.tensor(columns("rot_0", "rot_1", "rot_2", "rot_3")[order])
    scales = torch.tensor(np.exp(columns("scale_0", "scale_1", "scale_2")[order]))
    true = covariances(expected.quats, expected.scales)
    off = np.abs(turn[:, None] * covariances(quats, scales) * turn - true)
    assert off.mean() < rounded * np.abs(true).mean()
    assert np.abs(columns("f_dc_0", "f_dc_1", "f_dc_2")[order] - raw.sh[:, 0].numpy()).max() < 0.03
    if "f_rest_0" in found:
        for channel in range(3):
            names = [f"f_rest_{channel * 8 + k}" for k in range(8)]
            higher = raw.sh[:, 1:, channel].numpy()
            off = np.abs(np.abs(columns(*names)[order]) - np.abs(higher))  # signs turn as well
            assert off.max() < 0.05 + max(0.0, float(np.abs(higher).max()) - 1)


def test_the_avatar_itself_opens_in_supersplat_s_reader(splat_transform: Read):
    demo = ROOT / "assets" / "demo_avatar.ply"
    found = splat_transform(demo)[str(demo)]
    assert len(found["binding_0"]) == len(found["f_dc_0"]) == 57_464
