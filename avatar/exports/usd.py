"""OpenUSD with ParticleField3DGaussianSplat; needs the extra `usd`."""

from pathlib import Path

import numpy as np

from avatar.exports.convention import unit_quaternions
from splat import Gaussians


def write_usd(path: Path, gaussians: Gaussians) -> None:
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
    stage.GetRootLayer().Save()
