"""A lit surface and a camera become a picture, its mask and its regions."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatar.geometry.vectors import Floats
from avatar.geometry.zbuffer import (
    camera_centre,
    corner_weights,
    project_samples,
    rasterize,
    texel_at,
)
from avatar.lighting.materials import tone
from common.kernels import cached_njit
from research.captures.light import COLOURS, LAMPS
from research.captures.pose import Surface
from splat import Camera

Bytes = NDArray[np.uint8]

SAMPLES = 4  # per pixel and axis
LABELS = 5
LIGHT, HIGHLIGHTS = 6, 9  # columns of a vertex's place, direction, light and lamps
GRAZING = 6.0  # highlights grow up to so many times at grazing angles


@dataclass(frozen=True)
class Picture:
    """What a camera captures. Colours are straight: not multiplied by the mask."""

    colour: Bytes  # [H, W, 3] sRGB
    mask: Bytes  # [H, W] how much of the pixel the subject covers
    regions: Bytes  # [H, W] the label that most of the pixel has


def draw(surface: Surface, camera: Camera, gain: Floats, samples: int = SAMPLES) -> Picture:
    """Draw with samples² samples to a pixel.

    gain [3] multiplies the light before the tone curve.
    """
    scene, triangles = surface.scene, surface.scene.triangles
    projected = project_samples(camera, surface.vertices, samples)
    height, width = camera.height * samples, camera.width * samples
    cut = triangles.cut(scene.texture)
    seen = rasterize(projected, triangles.faces, height, width, cut=cut).faces
    eye = camera_centre(camera).double().numpy()
    colour = np.zeros((camera.height, camera.width, 3), np.uint8)
    mask, regions = colour[..., 0].copy(), colour[..., 0].copy()
    mesh = (projected, triangles.faces, triangles.exponent, triangles.fibrous)
    parts = (surface.vertices, surface.directions, surface.light, surface.lamps)
    fields = np.concatenate(parts, axis=1, dtype=np.float32)
    texels = (cut.uv, cut.sizes, scene.texture.albedo)
    lighting = (eye, LAMPS, COLOURS, gain, _TONES)
    out = (colour, mask, regions)
    _shade(seen, triangles.labels, mesh, fields, texels, lighting, samples, out)
    return Picture(colour, mask, regions)


# Tones by the square root of the radiance, which spreads the dark ones.
_BRIGHTEST, _STEPS = 6.0, 4096
_TONES = tone((np.arange(_STEPS + 1) / _STEPS) ** 2 * _BRIGHTEST)


@cached_njit()
def _shade(
    seen, labels, mesh, fields, texels, lighting, samples, out
):  # pragma: no cover (compiled)
    """A pixel is the mean of the samples that see the subject."""
    colour, mask, regions = out
    total, rgb = np.zeros(3), np.zeros(3)
    votes = np.zeros(LABELS, np.int64)
    for row in range(colour.shape[0]):
        for column in range(colour.shape[1]):
            total[:] = 0.0
            votes[:] = 0
            covered = 0
            for j in range(row * samples, (row + 1) * samples):
                for i in range(column * samples, (column + 1) * samples):
                    f = seen[j, i]
                    if f >= 0:
                        _add_light(total, rgb, f, i + 0.5, j + 0.5, mesh, fields, texels, lighting)
                        votes[labels[f]] += 1
                        covered += 1
            if covered == 0:
                continue
            votes[0] += samples * samples - covered
            for channel in range(3):
                colour[row, column, channel] = int(total[channel] / covered * 255 + 0.5)
            mask[row, column] = int(covered / (samples * samples) * 255 + 0.5)
            regions[row, column] = np.argmax(votes)


@cached_njit()
def _add_light(total, rgb, f, x, y, mesh, fields, texels, lighting):  # pragma: no cover (compiled)
    """Add the sRGB colour of triangle f at a place of the picture to total [3]."""
    projected, faces, exponent, fibrous = mesh
    uv, sizes, albedo = texels
    gain, tones = lighting[3], lighting[4]
    p, q, r = faces[f, 0], faces[f, 1], faces[f, 2]
    a, b, c = corner_weights(projected, p, q, r, x, y)
    texel = texel_at(uv[f], sizes[f], b, c)
    for channel in range(3):
        at = LIGHT + channel
        light = a * fields[p, at] + b * fields[q, at] + c * fields[r, at]
        rgb[channel] = albedo[texel, channel] * light
    corner = (p, q, r, a, b, c)
    _add_highlight(rgb, exponent[f], fibrous[f], corner, fields, lighting)
    for channel in range(3):
        place = math.sqrt(min(rgb[channel] * gain[channel] / _BRIGHTEST, 1.0)) * _STEPS
        total[channel] += tones[int(place + 0.5)]


@cached_njit()
def _add_highlight(rgb, exponent, fibrous, corner, fields, lighting):  # pragma: no cover (compiled)
    """Blinn's highlight of every lamp, or for hair Kajiya and Kay's (1989)."""
    eye, towards, colours, _, _ = lighting
    p, q, r, a, b, c = corner
    vx, vy, vz = _unit(
        eye[0] - (a * fields[p, 0] + b * fields[q, 0] + c * fields[r, 0]),
        eye[1] - (a * fields[p, 1] + b * fields[q, 1] + c * fields[r, 1]),
        eye[2] - (a * fields[p, 2] + b * fields[q, 2] + c * fields[r, 2]),
    )
    nx, ny, nz = _unit(
        a * fields[p, 3] + b * fields[q, 3] + c * fields[r, 3],
        a * fields[p, 4] + b * fields[q, 4] + c * fields[r, 4],
        a * fields[p, 5] + b * fields[q, 5] + c * fields[r, 5],
    )
    for k in range(len(towards)):
        lx, ly, lz = towards[k, 0], towards[k, 1], towards[k, 2]
        facing = nx * lx + ny * ly + nz * lz
        if facing <= 0.0 and not fibrous:
            continue
        hx, hy, hz = _unit(lx + vx, ly + vy, lz + vz)
        along = nx * hx + ny * hy + nz * hz
        if fibrous:
            lobe = _power(1 - along * along, exponent / 2)
        else:
            edge = 1 - (hx * vx + hy * vy + hz * vz)
            fresnel = min(GRAZING, 1 + 96 * edge * edge * edge * edge * edge)
            lobe = _power(along, exponent) * (exponent + 8) / 8 * facing * fresnel
        if lobe > 0.0:
            at = HIGHLIGHTS + k
            arrives = a * fields[p, at] + b * fields[q, at] + c * fields[r, at]
            for channel in range(3):
                rgb[channel] += lobe * arrives * colours[k, channel]


@cached_njit(inline="always")
def _unit(x, y, z):  # pragma: no cover (compiled)
    length = math.sqrt(x * x + y * y + z * z) + 1e-12
    return x / length, y / length, z / length


@cached_njit(inline="always")
def _power(base, exponent):  # pragma: no cover (compiled)
    """base ** exponent for a base up to 1, 0 where that is below a thousandth."""
    if base <= 0.0 or exponent * (1 - base) > 7.0:
        return 0.0
    return base**exponent
