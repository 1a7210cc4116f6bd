"""World Gaussians written in the format that a suffix names."""

from collections.abc import Callable
from pathlib import Path

from avatar.exports.convention import of_degree, stored, upside_down
from avatar.exports.dot_splat import dot_splat
from avatar.exports.formats import UPWARD, Up
from avatar.exports.gaussian_gltf import gaussian_gltf
from avatar.exports.sog import sog
from avatar.exports.spz import spz
from avatar.exports.usd import write_usd
from common.atomic import write_beside
from splat import Gaussians, SplatPly, write_ply


def write_gaussians(
    path: Path, gaussians: Gaussians, degree: int | None = None, up: Up | None = None
) -> None:
    """Write Gaussians of head space, +y up; the file appears whole or not at all.

    degree: of the spherical harmonics, by default as they are; up: the axis that shall point up,
    by default the format's own. Raises OSError.
    """
    suffix = path.suffix.lower()
    if degree is not None:
        gaussians = of_degree(gaussians, degree)
    if (up or UPWARD[suffix]) == "-y":
        gaussians = upside_down(gaussians)
    with write_beside(path) as partial:
        WRITERS[suffix](partial, gaussians)


def _ply(path: Path, gaussians: Gaussians) -> None:
    """The .ply of 3D Gaussian Splatting, with no other element than `vertex`."""
    write_ply(path, SplatPly(stored(gaussians)))


def _gltf(path: Path, gaussians: Gaussians) -> None:
    gaussian_gltf(gaussians).write(path)


WRITERS: dict[str, Callable[[Path, Gaussians], object]] = {
    ".ply": _ply,
    ".splat": lambda path, gaussians: path.write_bytes(dot_splat(gaussians)),
    ".spz": lambda path, gaussians: path.write_bytes(spz(gaussians)),
    ".sog": lambda path, gaussians: path.write_bytes(sog(gaussians)),
    ".glb": _gltf,
    ".gltf": _gltf,
    ".usdc": write_usd,
    ".usda": write_usd,
}
