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
    """Draw with samples² samples to a pixel; gain [3] multiplies the light before the tone curve."""
    projected = project(camera, surface.vertices, samples)
    height, width = camera.height * samples, camera.width * samples
    seen = rasterize(projected, surface.faces, height, width).faces
    viewmat = camera.viewmat.double().numpy()
    eye = -viewmat[:3, :3].T @ viewmat[:3, 3]
    colour = np.zeros((camera.height, camera.width, 3), np.uint8)
    mask = np.zeros((camera.height, camera.width), np.uint8)
    regions = np.zeros((camera.height, camera.width), np.uint8)
    texture = surface.texture
    _shade(
        seen,
        projected,
        eye,
        surface.vertices,
        surface.normals,
        surface.fibres,
        surface.light,
        surface.lamps,
        surface.faces,
        surface.owners,
        surface.corners,
        surface.labels,
        (texture.resolution, texture.first, texture.texels),
        (LAMP_DIRECTIONS, LAMP_COLOURS, gain),
        samples,
        (colour, mask, regions),
    )
    return Picture(colour, mask, regions)


@njit(nogil=True, cache=True)
def _shade(
    seen,
    projected,
    eye,
    vertices,
    normals,
    fibres,
    light,
    lamps,
    faces,
    owners,
    corners,
    labels,
    texture,
    lighting,
    samples,
    out,
):  # pragma: no cover (compiled)
    colour, mask, regions = out
    total, rgb = np.zeros(3), np.zeros(3)
    votes = np.zeros(LABELS, np.int64)
    for row in range(colour.shape[0]):
        for column in range(colour.shape[1]):
            total[:] = 0.0
            votes[:] = 0
            for j in range(row * samples, (row + 1) * samples):
                for i in range(column * samples, (column + 1) * samples):
                    f = seen[j, i]
                    if f < 0:
                        votes[0] += 1
                        continue
                    votes[labels[f]] += 1
                    a, b, c = corner_weights(projected, faces[f], i + 0.5, j + 0.5)
                    _sample_light(
                        rgb,
                        faces[f],
                        (a, b, c),
                        eye,
                        vertices,
                        normals,
                        fibres,
                        light,
                        lamps,
                        owners[f],
                        corners[f],
                        texture,
                        lighting,
                    )
                    for channel in range(3):
                        total[channel] += _tone(rgb[channel])
            covered = samples * samples - votes[0]
            if covered:
                for channel in range(3):
                    colour[row, column, channel] = int(total[channel] / covered * 255 + 0.5)
                mask[row, column] = int(covered / (samples * samples) * 255 + 0.5)
            regions[row, column] = np.argmax(votes)


@njit(nogil=True, cache=True, inline="always")
def _mixed(values, face, weights, channel):  # pragma: no cover (compiled)
    a, b, c = weights
    return (
        a * values[face[0], channel] + b * values[face[1], channel] + c * values[face[2], channel]
    )


@njit(nogil=True, cache=True)
def _sample_light(
    rgb,
    face,
    weights,
    eye,
    vertices,
    normals,
    fibres,
    light,
    lamps,
    owner,
    corners,
    texture,
    lighting,
):  # pragma: no cover (compiled)
    resolution, first, texels = texture
    towards, colours, gain = lighting
    a, b, c = weights
    to_b = a * corners[0, 1] + b * corners[1, 1] + c * corners[2, 1]
    to_c = a * corners[0, 2] + b * corners[1, 2] + c * corners[2, 2]
    r, start = resolution[owner], first[owner]
    for channel in range(3):
        albedo = texel(texels, r, start, to_b, to_c, channel)
        rgb[channel] = albedo * _mixed(light, face, weights, channel)
    gloss = texel(texels, r, start, to_b, to_c, 3)
    if gloss > 0.0:
        exponent = texel(texels, r, start, to_b, to_c, 4)
        vx = eye[0] - _mixed(vertices, face, weights, 0)
        vy = eye[1] - _mixed(vertices, face, weights, 1)
        vz = eye[2] - _mixed(vertices, face, weights, 2)
        length = math.sqrt(vx * vx + vy * vy + vz * vz)
        vx, vy, vz = vx / length, vy / length, vz / length
        hair = fibres[face[0], 0] != 0.0 or fibres[face[0], 1] != 0.0
        directions = fibres if hair else normals
        nx = _mixed(directions, face, weights, 0)
        ny = _mixed(directions, face, weights, 1)
        nz = _mixed(directions, face, weights, 2)
        length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
        nx, ny, nz = nx / length, ny / length, nz / length
        for k in range(len(towards)):
            lx, ly, lz = towards[k]
            hx, hy, hz = lx + vx, ly + vy, lz + vz
            length = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-12
            along = (nx * hx + ny * hy + nz * hz) / length
            if hair:
                lobe = max(0.0, 1 - along * along) ** (exponent / 2)
            else:
                facing = nx * lx + ny * ly + nz * lz
                if along <= 0.0 or facing <= 0.0:
                    continue
                edge = 1 - (hx * vx + hy * vy + hz * vz) / length
                fresnel = min(GRAZING, 1 + 24 * edge**5 * 4)
                lobe = along**exponent * (exponent + 8) / 8 * facing * fresnel
            strength = gloss * lobe * _mixed(lamps, face, weights, k)
            for channel in range(3):
                rgb[channel] += strength * colours[k, channel]
    for channel in range(3):
        rgb[channel] *= gain[channel]


@njit(nogil=True, cache=True, inline="always")
def _tone(radiance):  # pragma: no cover (compiled)
    """sRGB in [0, 1]: straight to the KNEE, a soft shoulder above, then gamma 2.2."""
    if radiance > KNEE:
        over = (radiance - KNEE) / (1 - KNEE)
        radiance = KNEE + (1 - KNEE) * (1 - math.exp(-over))
    return radiance ** (1 / 2.2)
