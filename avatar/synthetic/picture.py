"""A lit surface and a camera become a picture, its mask and its regions."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatar.synthetic.light import LAMP_COLOURS, LAMP_DIRECTIONS
from avatar.synthetic.rasterizer import corner_weights, project, rasterize
from avatar.synthetic.texture import Texture, texel
from splat import Camera

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Bytes = NDArray[np.uint8]

SAMPLES = 4  # per pixel and axis
LABELS = 5
KNEE = 0.55  # where the tone curve begins to bend
GRAZING = 6.0  # highlights grow up to so many times at grazing angles


@dataclass(frozen=True)
class Surface:
    """Everything that a camera sees of one moment, in world space."""

    vertices: Floats  # [P, 3]
    normals: Floats  # [P, 3] unit
    fibres: Floats  # [P, 3] unit direction of hair, 0 where there is none
    light: Floats  # [P, 3] diffuse light per unit of albedo
    lamps: Floats  # [P, L] share of each lamp that arrives
    faces: Ints  # [Q, 3]
    owners: Ints  # [Q] triangle of the texture
    corners: Floats  # [Q, 3, 3] where on that triangle the corners lie
    labels: Bytes  # [Q] region of each triangle
    texture: Texture  # red, green, blue (linear albedo), gloss, exponent


@dataclass(frozen=True)
class Picture:
    """What a camera captures. Colours are straight: not multiplied by the mask."""

    colour: Bytes  # [H, W, 3] sRGB
    mask: Bytes  # [H, W] how much of the pixel the subject covers
    regions: Bytes  # [H, W] the label that most of the pixel has


def draw(surface: Surface, camera: Camera, gain: Floats, samples: int = SAMPLES) -> Picture:
    """Draw with samples² samples to a pixel, an even number to a side.

    gain [3] multiplies the light before the tone curve.
    """
    assert samples % 2 == 0, samples
    projected = project(camera, surface.vertices, samples)
    height, width = camera.height * samples, camera.width * samples
    seen = rasterize(projected, surface.faces, height, width).faces
    viewmat = camera.viewmat.double().numpy()
    eye = -viewmat[:3, :3].T @ viewmat[:3, 3]
    colour = np.zeros((camera.height, camera.width, 3), np.uint8)
    mask, regions = colour[..., 0].copy(), colour[..., 0].copy()
    texture = surface.texture
    mesh = (projected, surface.faces, surface.owners, surface.corners)
    fields = (surface.vertices, surface.normals, surface.fibres, surface.light, surface.lamps)
    texels = (texture.resolution, texture.first, texture.texels)
    lighting = (eye, LAMP_DIRECTIONS, LAMP_COLOURS, gain, _TONES)
    out = (colour, mask, regions)
    _shade(seen, surface.labels, mesh, fields, texels, lighting, samples, out)
    return Picture(colour, mask, regions)


def tone(radiance: Floats) -> Floats:
    """sRGB in [0, 1]: straight to the KNEE, a soft shoulder above, then gamma 2.2."""
    over = (radiance - KNEE) / (1 - KNEE)
    bent = np.where(radiance < KNEE, radiance, KNEE + (1 - KNEE) * (1 - np.exp(-over)))
    return bent ** (1 / 2.2)


# Tones by the square root of the radiance, which spreads the dark ones.
_BRIGHTEST, _STEPS = 6.0, 4096
_TONES = tone((np.arange(_STEPS + 1) / _STEPS) ** 2 * _BRIGHTEST)


@njit(nogil=True, cache=True)
def _shade(
    seen, labels, mesh, fields, texels, lighting, samples, out
):  # pragma: no cover (compiled)
    """Every block of 2 x 2 samples is lit once where one triangle fills it, else each sample."""
    colour, mask, regions = out
    total, rgb = np.zeros(3), np.zeros(3)
    votes = np.zeros(LABELS, np.int64)
    for row in range(colour.shape[0]):
        for column in range(colour.shape[1]):
            total[:] = 0.0
            votes[:] = 0
            for j in range(row * samples, (row + 1) * samples, 2):
                for i in range(column * samples, (column + 1) * samples, 2):
                    f = seen[j, i]
                    if f == seen[j, i + 1] and f == seen[j + 1, i] and f == seen[j + 1, i + 1]:
                        votes[labels[f] if f >= 0 else 0] += 4
                        if f >= 0:
                            _add_light(
                                total, rgb, 4.0, f, i + 1.0, j + 1.0, mesh, fields, texels, lighting
                            )
                        continue
                    for k in range(4):
                        y, x = j + k // 2, i + k % 2
                        f = seen[y, x]
                        votes[labels[f] if f >= 0 else 0] += 1
                        if f >= 0:
                            _add_light(
                                total, rgb, 1.0, f, x + 0.5, y + 0.5, mesh, fields, texels, lighting
                            )
            covered = samples * samples - votes[0]
            if covered:
                for channel in range(3):
                    colour[row, column, channel] = int(total[channel] / covered * 255 + 0.5)
                mask[row, column] = int(covered / (samples * samples) * 255 + 0.5)
            regions[row, column] = np.argmax(votes)


@njit(nogil=True, cache=True)
def _add_light(
    total, rgb, weight, f, x, y, mesh, fields, texels, lighting
):  # pragma: no cover (compiled)
    """Add `weight` times the sRGB colour of triangle f at a place of the picture to total [3]."""
    projected, faces, owners, corners = mesh
    resolution, first, texel_values = texels
    gain, tones = lighting[3], lighting[4]
    face = faces[f]
    weights = corner_weights(projected, face, x, y)
    to_b, to_c = (
        _mixed(corners[f], (0, 1, 2), weights, 1),
        _mixed(corners[f], (0, 1, 2), weights, 2),
    )
    r, start = resolution[owners[f]], first[owners[f]]
    for channel in range(3):
        albedo = texel(texel_values, r, start, to_b, to_c, channel)
        rgb[channel] = albedo * _mixed(fields[3], face, weights, channel)
    gloss = texel(texel_values, r, start, to_b, to_c, 3)
    if gloss > 0.0:
        exponent = texel(texel_values, r, start, to_b, to_c, 4)
        _add_highlight(rgb, gloss, exponent, face, weights, fields, lighting)
    for channel in range(3):
        place = math.sqrt(min(rgb[channel] * gain[channel] / _BRIGHTEST, 1.0)) * _STEPS
        total[channel] += weight * tones[int(place + 0.5)]


@njit(nogil=True, cache=True)
def _add_highlight(
    rgb, gloss, exponent, face, weights, fields, lighting
):  # pragma: no cover (compiled)
    """Blinn's highlight of every lamp, or for hair Kajiya and Kay's (1989)."""
    vertices, normals, fibres, _, lamps = fields
    eye, towards, colours, _, _ = lighting
    vx, vy, vz = _unit(
        eye[0] - _mixed(vertices, face, weights, 0),
        eye[1] - _mixed(vertices, face, weights, 1),
        eye[2] - _mixed(vertices, face, weights, 2),
    )
    hair = fibres[face[0], 0] != 0.0 or fibres[face[0], 1] != 0.0
    directions = fibres if hair else normals
    nx, ny, nz = _unit(
        _mixed(directions, face, weights, 0),
        _mixed(directions, face, weights, 1),
        _mixed(directions, face, weights, 2),
    )
    for k in range(len(towards)):
        lx, ly, lz = towards[k]
        hx, hy, hz = _unit(lx + vx, ly + vy, lz + vz)
        along = nx * hx + ny * hy + nz * hz
        if hair:
            lobe = _power(1 - along * along, exponent / 2)
        else:
            facing = nx * lx + ny * ly + nz * lz
            if along <= 0.0 or facing <= 0.0:
                continue
            edge = 1 - (hx * vx + hy * vy + hz * vz)
            fresnel = min(GRAZING, 1 + 96 * edge * edge * edge * edge * edge)
            lobe = _power(along, exponent) * (exponent + 8) / 8 * facing * fresnel
        if lobe > 0.0:
            strength = gloss * lobe * _mixed(lamps, face, weights, k)
            for channel in range(3):
                rgb[channel] += strength * colours[k, channel]


@njit(nogil=True, cache=True, inline="always")
def _mixed(values, face, weights, channel):  # pragma: no cover (compiled)
    a, b, c = weights
    return (
        a * values[face[0], channel] + b * values[face[1], channel] + c * values[face[2], channel]
    )


@njit(nogil=True, cache=True, inline="always")
def _unit(x, y, z):  # pragma: no cover (compiled)
    length = math.sqrt(x * x + y * y + z * z) + 1e-12
    return x / length, y / length, z / length


@njit(nogil=True, cache=True, inline="always")
def _power(base, exponent):  # pragma: no cover (compiled)
    """base ** exponent for a base up to 1, 0 where that is below a thousandth."""
    if base <= 0.0 or exponent * (1 - base) > 7.0:
        return 0.0
    return base**exponent
