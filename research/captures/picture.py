"""A lit surface and a camera become a picture, its mask and its regions."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatar.geometry.vectors import Bools, Floats, Ints
from avatar.geometry.zbuffer import camera_centre, corner_weights, project_samples, rasterize
from avatar.lighting.materials import tone
from common.kernels import cached_njit
from research.captures.light import CaptureLight
from research.captures.texture import Texture, texel_corners
from splat import Camera

Bytes = NDArray[np.uint8]

SAMPLES = 4  # per pixel and axis
LABELS = 5
LIGHT, LAMPS = 6, 9  # columns of a vertex's place, direction, light and lamps
GRAZING = 6.0  # highlights grow up to so many times at grazing angles


@dataclass(frozen=True)
class Triangles:
    """What is known of triangles at every timestep."""

    faces: Ints  # [Q, 3] of the surface's vertices
    owners: Ints  # [Q] triangle of the texture
    corners: Floats  # [Q, 3, 3] where on that triangle the corners lie
    labels: Bytes  # [Q] region
    fibrous: Bools  # [Q] hair
    texture: Texture  # red, green, blue (linear albedo), gloss, exponent


@dataclass(frozen=True)
class Surface:
    """Everything that a camera sees of one timestep, in world space."""

    vertices: Floats  # [P, 3]
    directions: Floats  # [P, 3] unit: the normal, or that of the hair
    light: Floats  # [P, 3] diffuse light per unit of albedo
    lamps: Floats  # [P, L] share of each lamp that arrives
    source: CaptureLight
    triangles: Triangles


@dataclass(frozen=True)
class Picture:
    """What a camera captures. Colours are straight: not multiplied by the mask."""

    colour: Bytes  # [H, W, 3] sRGB
    mask: Bytes  # [H, W] how much of the pixel the subject covers
    regions: Bytes  # [H, W] the label that most of the pixel has


def draw(surface: Surface, camera: Camera, gain: Floats, samples: int = SAMPLES) -> Picture:
    """Draw with samples² samples to a pixel; gain [3] multiplies the light before the tone curve.

    Edges are as smooth as there are samples; within a pixel each triangle is lit once.
    """
    projected = project_samples(camera, surface.vertices, samples)
    height, width = camera.height * samples, camera.width * samples
    triangles = surface.triangles
    seen = rasterize(projected, triangles.faces, height, width).faces
    eye = camera_centre(camera).double().numpy()
    colour = np.zeros((camera.height, camera.width, 3), np.uint8)
    mask, regions = colour[..., 0].copy(), colour[..., 0].copy()
    texture = triangles.texture
    mesh = (projected, triangles.faces, triangles.owners, triangles.corners, triangles.fibrous)
    parts = (surface.vertices, surface.directions, surface.light, surface.lamps)
    fields = np.concatenate(parts, axis=1, dtype=np.float32)
    texels = (texture.resolution, texture.first, texture.texels)
    lighting = (eye, surface.source.lamps, surface.source.colours, gain, _TONES)
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
    """A pixel is lit once for each triangle in it, in the middle of the samples that see it."""
    colour, mask, regions = out
    total, rgb = np.zeros(3), np.zeros(3)
    votes = np.zeros(LABELS, np.int64)
    group = np.zeros((samples * samples, 4), np.int64)
    for row in range(colour.shape[0]):
        for column in range(colour.shape[1]):
            groups = _gather(seen, row * samples, column * samples, samples, group)
            if groups == 0:
                continue
            total[:] = 0.0
            votes[:] = 0
            covered = 0
            for g in range(groups):
                f, count = group[g, 0], group[g, 1]
                x, y = group[g, 2] / count + 0.5, group[g, 3] / count + 0.5
                _add_light(total, rgb, count, f, x, y, mesh, fields, texels, lighting)
                votes[labels[f]] += count
                covered += count
            votes[0] = samples * samples - covered
            for channel in range(3):
                colour[row, column, channel] = int(total[channel] / covered * 255 + 0.5)
            mask[row, column] = int(covered / (samples * samples) * 255 + 0.5)
            regions[row, column] = np.argmax(votes)


@cached_njit()
def _gather(seen, first_row, first_column, samples, group):  # pragma: no cover (compiled)
    """Put the triangles of a pixel into group [n, 4]: triangle, samples, their sums of x and y."""
    groups = 0
    for j in range(first_row, first_row + samples):
        for i in range(first_column, first_column + samples):
            f = seen[j, i]
            if f < 0:
                continue
            g = groups - 1
            while g >= 0 and group[g, 0] != f:
                g -= 1
            if g < 0:
                g = groups
                groups += 1
                group[g, 0], group[g, 1], group[g, 2], group[g, 3] = f, 0, 0, 0
            group[g, 1] += 1
            group[g, 2] += i
            group[g, 3] += j
    return groups


@cached_njit()
def _add_light(
    total, rgb, weight, f, x, y, mesh, fields, texels, lighting
):  # pragma: no cover (compiled)
    """Add `weight` times the sRGB colour of triangle f at a place of the picture to total [3]."""
    projected, faces, owners, corners, fibrous = mesh
    resolution, first, values = texels
    gain, tones = lighting[3], lighting[4]
    p, q, r = faces[f, 0], faces[f, 1], faces[f, 2]
    a, b, c = corner_weights(projected, p, q, r, x, y)
    to_b = a * corners[f, 0, 1] + b * corners[f, 1, 1] + c * corners[f, 2, 1]
    to_c = a * corners[f, 0, 2] + b * corners[f, 1, 2] + c * corners[f, 2, 2]
    owner = owners[f]
    i, j, k, s, t, u = texel_corners(resolution[owner], first[owner], to_b, to_c)
    for channel in range(3):
        albedo = s * values[i, channel] + t * values[j, channel] + u * values[k, channel]
        at = LIGHT + channel
        rgb[channel] = albedo * (a * fields[p, at] + b * fields[q, at] + c * fields[r, at])
    gloss = s * values[i, 3] + t * values[j, 3] + u * values[k, 3]
    exponent = s * values[i, 4] + t * values[j, 4] + u * values[k, 4]
    corner = (p, q, r, a, b, c)
    _add_highlight(rgb, gloss, exponent, fibrous[f], corner, fields, lighting)
    for channel in range(3):
        place = math.sqrt(min(rgb[channel] * gain[channel] / _BRIGHTEST, 1.0)) * _STEPS
        total[channel] += weight * tones[int(place + 0.5)]


@cached_njit()
def _add_highlight(
    rgb, gloss, exponent, fibrous, corner, fields, lighting
):  # pragma: no cover (compiled)
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
            at = LAMPS + k
            arrives = a * fields[p, at] + b * fields[q, at] + c * fields[r, at]
            for channel in range(3):
                rgb[channel] += gloss * lobe * arrives * colours[k, channel]


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
