"""Estimate of the light in an avatar's colours, and the albedo without it.

The colours of the skin are fitted by a few broad lamps all around, of strengths that are not
negative. The mean albedo of the skin cannot be estimated: it is given, or assumed so that a white
surface that looks ahead would look white.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.optimize import nnls

from avatar.geometry.coloured import to_srgb
from avatar.geometry.vectors import Floats, sphere_directions
from avatar.lighting.environment import Environment, Lobe, irradiance, lamps
from avatar.lighting.materials import SKIN, Surfaces
from avatar.lighting.occlusion import DirectionBins, into_bins
from avatar.lighting.shade import matt_light

LAMPS, SHARPNESS = 32, 5.0
SAMPLES = 4000  # of the skin's Gaussians, at most
ROUNDS = 4  # of robust reweighting
DARKEST = 0.12  # of the mean light: what is darker is noise
WHITEST = 0.92  # largest albedo


@dataclass(frozen=True)
class Estimate:
    """The light and skin behind an avatar's colours."""

    light: Environment
    skin: Floats  # [3] linear mean albedo of the skin, given or assumed
    given: bool  # whether the skin's albedo was
    explained: float  # share of the skin's differences of brightness that the light explains


def estimate(
    surfaces: Surfaces, quats: Floats, radiance: Floats, skin: Floats | None = None
) -> Estimate:
    """The light in the radiance [N, 3] of an avatar's Gaussians at rest.

    quats [N, 4] float32: their rotations then; skin [3]: its mean albedo, linear; by default
    such that white before the face would be white.
    """
    rows = np.flatnonzero(surfaces.material == SKIN)
    rows = rows if len(rows) else np.arange(len(radiance))
    rows = rows[:: max(len(rows) // SAMPLES, 1)]
    lobes, each = _broad_lamps()
    chosen = surfaces.of(rows)
    response = np.stack([matt_light(chosen, quats[rows], bins, 0.0) for bins in each], axis=1)
    seen = radiance[rows]
    strengths = np.stack([_explained(response[..., c], seen[:, c]) for c in range(3)], axis=1)
    found = _together(lobes, strengths)
    white = irradiance(found, np.array([[0.0, 0.0, 1.0]]))[0]
    albedo = np.maximum(white if skin is None else skin, 1e-3)
    light = _together(lobes, strengths / albedo)
    model = np.einsum("rlc,lc->rc", response, strengths).mean(1)
    misfit = np.abs(seen.mean(1) - model).mean() / np.abs(seen.mean(1) - seen.mean()).mean()
    return Estimate(light, albedo, skin is not None, float(max(1 - misfit, 0)))


def albedo_of(surfaces: Surfaces, quats: Floats, radiance: Floats, light: Environment) -> Floats:
    """Albedo [N, 3] float32 of Gaussians of this radiance under a light, in whichever pose they
    get more of it."""
    bins = into_bins(light.directions, light.energy)
    under = [matt_light(surfaces, quats, bins, moved, moved) for moved in (0.0, 1.0)]
    received = np.maximum(*under)
    least = DARKEST * received[surfaces.material == SKIN].mean(0)
    return np.clip(radiance / np.maximum(received, least), 0, WHITEST).astype(np.float32)


def assumed(found: Estimate | None) -> str:
    """One line: the assumptions under which light was removed from an avatar's colours."""
    if found is None:
        return "the colours of the avatar are taken to hold no light"
    azimuth, elevation = _angles(found.light.directions[found.light.energy.mean(1).argmax()])
    red, green, blue = np.round(255 * to_srgb(found.skin)).astype(int)
    source = "as --light-skin says" if found.given else "so that white before the face is white"
    return (
        "the colours of the avatar hold light, which was estimated and taken out: brightest from "
        f"azimuth {azimuth:.0f}, elevation {elevation:.0f} degrees; it explains "
        f"{found.explained:.0%} of what differs over the skin; the skin itself is taken to be "
        f"#{red:02x}{green:02x}{blue:02x}, {source}"
    )


def _angles(direction: Floats) -> tuple[float, float]:
    """Azimuth and elevation in degrees of a direction [3]."""
    x, y, z = direction
    return float(np.degrees(np.arctan2(x, z))), float(np.degrees(np.arcsin(y)))


def _together(lobes: list[Lobe], strengths: Floats) -> Environment:
    """The light of lamps with strengths [L, 3]."""
    pairs = zip(lobes, strengths, strict=True)
    return lamps([replace(lobe, colour=tuple(strength)) for lobe, strength in pairs])


@cache
def _broad_lamps() -> tuple[list[Lobe], list[DirectionBins]]:
    """Lamps all around, and the light of each."""
    lobes = [Lobe(*_angles(d), 1.0, SHARPNESS) for d in sphere_directions(LAMPS)]
    alone = (lamps([lobe]) for lobe in lobes)
    return lobes, [into_bins(light.directions, light.energy) for light in alone]


def _explained(response: Floats, seen: Floats) -> Floats:
    """Strengths [L] >= 0 of lamps whose response [R, L] fits what is seen [R] best; outliers,
    as moles and make-up, count little."""
    weight = np.ones(len(seen))
    strengths = np.zeros(response.shape[1])
    for _ in range(ROUNDS):
        root = np.sqrt(weight)
        strengths = nnls(response * root[:, None], seen * root)[0]
        apart = np.abs(response @ strengths - seen)
        weight = 1 / (1 + (apart / (2 * np.median(apart) + 1e-6)) ** 2)
    return strengths
