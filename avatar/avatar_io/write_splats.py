"""World Gaussians written in the format that a suffix names.

In glTF 2.0 with KHR_gaussian_splatting they are points with further attributes: programs that do
not know the extension show coloured points. OpenUSD with ParticleField3DGaussianSplat needs the
extra `usd`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from avatar.avatar_io.animated_glb import VERTEX_DATA, GltfFile, linear_light
from avatar.avatar_io.formats import UPWARD, Up
from avatar.avatar_io.sog import sog
from avatar.avatar_io.splat_formats import (
    dot_splat,
    of_degree,
    spz,
    stored,
    to_bytes,
    unit_quaternions,
    upside_down,
)
from common.atomic import write_beside
from splat import Gaussians, SplatPly, sh_to_color, write_ply

EXTENSION = "KHR_gaussian_splatting"
POINTS = 0  # a primitive's mode
AS_TRAINED = {
    "kernel": "ellipse",
    "colorSpace": "srgb_rec709_display",
    "projection": "perspective",
    "sortingMethod": "cameraDistance",
}


def gaussian_gltf(gaussians: Gaussians) -> GltfFile:
    """A scene with the Gaussians alone; +y is up, as in all of glTF."""
    file, count = GltfFile(), len(gaussians.means)
    attributes = {"POSITION": file.add(gaussians.means, target=VERTEX_DATA)}
    rgb = sh_to_color(gaussians.sh[:, :1], gaussians.means).clamp(max=1).numpy()
    rgba = np.concatenate([linear_light(rgb), gaussians.opacities.numpy()[:, None]], 1)
    attributes["COLOR_0"] = file.add(to_bytes(255 * rgba), "|u1", VERTEX_DATA, normalised=True)
    quats_xyzw = unit_quaternions(gaussians.quats).roll(-1, 1)
    named = {"ROTATION": quats_xyzw, "SCALE": gaussians.scales, "OPACITY": gaussians.opacities}
    named |= {name: gaussians.sh[:, k] for k, name in enumerate(_names(gaussians.sh.shape[1]))}
    for name, values in named.items():
        attributes[f"{EXTENSION}:{name}"] = file.add(values.reshape(count, -1), target=VERTEX_DATA)
    primitive = {"attributes": attributes, "mode": POINTS, "extensions": {EXTENSION: AS_TRAINED}}
    file.content |= {
        "extensionsUsed": [EXTENSION],
        "meshes": [{"primitives": [primitive], "name": "head"}],
        "nodes": [{"mesh": 0, "name": "head"}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    }
    return file


def _names(count: int) -> list[str]:
    """The names of the first 1, 4, 9 or 16 coefficients of spherical harmonics."""
    numbers = ((degree, n) for degree in range(4) for n in range(2 * degree + 1))
    return [f"SH_DEGREE_{degree}_COEF_{n}" for degree, n in numbers][:count]


def write_usd(path: Path, gaussians: Gaussians, said: tuple[str, ...] = ()) -> None:
    """A stage with the Gaussians alone: metres, +y up."""
    from pxr import (  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
        Usd,
        UsdGeom,
        UsdVol,
        Vt,
    )

    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    head = UsdVol.ParticleField3DGaussianSplat.Define(stage, "/head")
    stage.SetDefaultPrim(head.GetPrim())
    w, x, y, z = unit_quaternions(gaussians.quats).numpy().T
    means, count = gaussians.means.numpy(), gaussians.sh.shape[1]
    vectors, numbers = Vt.Vec3fArray.FromNumpy, Vt.FloatArray.FromNumpy
    head.CreatePositionsAttr(vectors(means))
    head.CreateOrientationsAttr(Vt.QuatfArray.FromNumpy(np.stack([x, y, z, w], 1)))
    head.CreateScalesAttr(vectors(gaussians.scales.numpy()))
    head.CreateOpacitiesAttr(numbers(gaussians.opacities.numpy()))
    head.CreateRadianceSphericalHarmonicsDegreeAttr(int(count**0.5) - 1)
    coefficients = np.ascontiguousarray(gaussians.sh.reshape(-1, 3).numpy())
    head.CreateRadianceSphericalHarmonicsCoefficientsAttr(vectors(coefficients))
    low, high = means.min(0), means.max(0)
    reach = 3 * float(gaussians.scales.max())  # what a Gaussian covers, at most
    head.CreateExtentAttr(vectors(np.stack([low - reach, high + reach])))
    stage.GetRootLayer().comment = "; ".join(said)
    stage.GetRootLayer().Save()


def write_gaussians(
    path: Path,
    gaussians: Gaussians,
    degree: int | None = None,
    up: Up | None = None,
    said: tuple[str, ...] = (),
) -> None:
    """Write Gaussians of head space, +y up; the file appears whole or not at all.

    degree: of the spherical harmonics, by default as they are; up: the axis that shall point up,
    by default the format's own; said: comments, which .ply, glTF and USD can hold. Raises OSError.
    """
    suffix = path.suffix.lower()
    if degree is not None:
        gaussians = of_degree(gaussians, degree)
    if (up or UPWARD[suffix]) == "-y":
        gaussians = upside_down(gaussians)
    with write_beside(path) as partial:
        WRITERS[suffix](partial, gaussians, said)


WRITERS: dict[str, Callable[[Path, Gaussians, tuple[str, ...]], object]] = {
    ".ply": lambda path, gaussians, said: write_ply(
        path, SplatPly(stored(gaussians), comments=said)
    ),
    ".splat": lambda path, gaussians, said: path.write_bytes(dot_splat(gaussians)),
    ".spz": lambda path, gaussians, said: path.write_bytes(spz(gaussians)),
    ".sog": lambda path, gaussians, said: path.write_bytes(sog(gaussians)),
    ".glb": lambda path, gaussians, said: gaussian_gltf(gaussians).write(path, said),
    ".gltf": lambda path, gaussians, said: gaussian_gltf(gaussians).write(path, said),
    ".usdc": write_usd,
    ".usda": write_usd,
}
