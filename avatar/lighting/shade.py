"""Colours of Gaussians under light from DIRECTIONS, in one compiled pass over all of them.

The diffuse part is Lambert's law, with an energy-conserving wrap past the terminator in skin,
widest in red; strands of hair follow Kajiya and Kay (1989). Light bounced by the face itself is
strongest where half of the sky is visible. The specular part is an environment map, prefiltered by
roughness and weighted by Schlick's Fresnel term (1994) and by visibility. Gaussians that the
viewer's side cannot see get the mean light of the sky. Environment maps are octahedral (Engelhardt
and Dachsbacher 2008), which are looked up without trigonometry.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from avatar.geometry.vectors import Floats, normalised
from avatar.lighting.environment import Environment, pixel_directions, solid_angles
from avatar.lighting.integrate import (
    COUNT,
    STEEP,
    Mirror,
    arriving,
    fresnel,
    inlined,
    looked_up,
    nearest_direction,
    on_matt,
    on_strand,
    reflection,
    row3,
    times,
    unpack_row,
)
from avatar.lighting.materials import MATERIALS, ROUGHNESS, Surfaces
from avatar.lighting.occlusion import DirectionBins, shares_at
from common.kernels import cached_njit
from splat.scene.conventions import SH_C0

PER_ROOT = 1024  # entries of the tone table per square root of radiance
HIDDEN = -0.2  # cosine to the viewer from where nothing is seen
BLOCK, MIXED = 128, 7919  # Gaussians taken together; a prime, so that threads get equal shares


class ShadedFrame(NamedTuple):
    """What changes from frame to frame."""

    quats_world: Floats  # [N, 4] float32 wxyz
    means_world: Floats  # [N, 3] float32
    R_world_head: Floats  # [3, 3] float32
    eye_world: Floats  # [3] float32: the viewer
    opening: Floats  # [3] float32 of jaw, lids and the rest, from 0 at rest to 1 as opened
    energy: Floats  # [3, D] float32 energy of the light in each bin of DIRECTIONS, head space
    towards: Floats  # [3, D] float32 mean direction of the light in each bin
    ambient: Floats  # [3] float32 mean radiance of the sky, for what the viewer does not see
    bounce: Floats  # [3] float32 light of the face itself on half-visible Gaussians


@inlined
def row4(values, i):  # pragma: no cover (compiled)
    """Row i of values [N, 4] as plain numbers."""
    return values[i, 0], values[i, 1], values[i, 2], values[i, 3]


@inlined
def rotated(q, v):  # pragma: no cover (compiled)
    """v [3] rotated by a quaternion [4] of any length."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    scale = np.float32(2) / (w * w + x * x + y * y + z * z)
    tx, ty, tz = y * v[2] - z * v[1], z * v[0] - x * v[2], x * v[1] - y * v[0]
    ux, uy, uz = w * tx + y * tz - z * ty, w * ty + z * tx - x * tz, w * tz + x * ty - y * tx
    return v[0] + scale * ux, v[1] + scale * uy, v[2] + scale * uz


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def shade(surfaces, seen_from, frame, mirror, materials, curve):  # pragma: no cover (compiled)
    """Coefficients [N, 1, 3] of the colours of Gaussians, toned.

    seen_from [N, D / 8]: see `sides_of`; materials [K, 7]: widths of the wrap for red, green, blue;
    whether a strand; reflectance at normal incidence and at grazing angles, and the environment map
    by roughness, -1 for diffuse materials, which are visible from behind as well; curve [C]: see
    `tone_table`.
    """
    count = len(surfaces.material)
    colours = np.empty((count, 1, 3), np.float32)
    blocks = (count + BLOCK - 1) // BLOCK
    for number in prange(blocks):
        first = number * MIXED % blocks * BLOCK
        rows = first, min(first + BLOCK, count)
        _shade_block(rows, surfaces, seen_from, frame, mirror, materials, curve, colours)
    return colours


@cached_njit(fastmath=True, error_model="numpy")
def _shade_block(
    rows, surfaces, seen_from, frame, mirror, materials, curve, colours
):  # pragma: no cover (compiled)
    """Fill in rows [first, last) of the colours. Tuples are unpacked before the loop, as access
    counts references, which costs more than the sums."""
    normals, tangents, material, albedo, rest, opened, follows, access = surfaces
    quats, means, R_world_head, eye, openings, energy, towards, ambient, bounce = frame
    pictures, R_light_world, nearest, shares = mirror
    r_world_head = np.ascontiguousarray(R_world_head.T)
    visible = np.empty(COUNT, np.float32)
    one = np.float32(1)
    for i in range(rows[0], rows[1]):
        m, opening = material[i], openings[follows[i]]
        strand, picture = materials[m, 3] > 0, materials[m, 6]
        turned = row4(quats, i)
        normal_world = rotated(turned, row3(normals, i))
        view, facing = _viewed(row3(means, i), normal_world, eye)
        open_share = access[i, 0] + opening * (access[i, 1] - access[i, 0])
        side = nearest_direction(times(r_world_head, view), nearest)
        behind = picture >= 0 and facing < np.float32(HIDDEN)
        matt, r, g, b = one, np.float32(0), np.float32(0), np.float32(0)
        if behind or not (seen_from[i, side >> 3] >> (side & 7)) & 1:
            light = open_share * ambient[0], open_share * ambient[1], open_share * ambient[2]
        elif strand:
            unpack_row(i, rest, opened, np.float32(0), visible)
            n = times(r_world_head, normal_world)
            t = times(r_world_head, rotated(turned, row3(tangents, i)))
            light = on_strand(n, t, visible, energy, towards)
        else:
            unpack_row(i, rest, opened, opening, visible)
            n = times(r_world_head, normal_world)
            light = on_matt(n, visible, row3(materials, m), energy, towards)
            if picture >= 0:
                facing = max(facing, np.float32(STEEP))
                gloss = fresnel(facing, materials[m, 4], materials[m, 5])
                q = reflection(view, normal_world, facing)
                share = gloss * arriving(times(r_world_head, q), visible, nearest, shares)
                r, g, b = looked_up(pictures, int(picture), times(R_light_world, q))
                matt, r, g, b = one - gloss, share * r, share * g, share * b
        multiple = open_share * (one - open_share)
        r += albedo[i, 0] * (light[0] + multiple * bounce[0]) * matt
        g += albedo[i, 1] * (light[1] + multiple * bounce[1]) * matt
        b += albedo[i, 2] * (light[2] + multiple * bounce[2]) * matt
        colours[i, 0, 0], colours[i, 0, 1] = _toned(r, curve), _toned(g, curve)
        colours[i, 0, 2] = _toned(b, curve)


@inlined
def _viewed(mean, n, eye):  # pragma: no cover (compiled)
    """The direction [3] from a Gaussian to the viewer, and its cosine to a normal [3]."""
    x, y, z = eye[0] - mean[0], eye[1] - mean[1], eye[2] - mean[2]
    length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-12)
    x, y, z = x / length, y / length, z / length
    return (x, y, z), x * n[0] + y * n[1] + z * n[2]


def matt_light(
    surfaces: Surfaces, quats: Floats, bins: DirectionBins, jaw: float, lids: float = 0.0
) -> Floats:
    """Diffuse light [N, 3] that white Gaussians reflect, without bounces.

    quats [N, 4] float32: their rotations in head space; jaw, lids: see `ShadedFrame`.
    """
    kinds = surfaces.normals, surfaces.tangents, surfaces.material, surfaces.rest, surfaces.opened
    opening = np.array([jaw, lids], np.float32)[surfaces.follows]
    light = (np.ascontiguousarray(part.T) for part in bins)
    return _matt_light((*kinds, quats, opening), MATERIALS, *light)


@cached_njit(parallel=True, fastmath=True)
def _matt_light(surfaces, materials, energy, towards):  # pragma: no cover (compiled)
    count = len(surfaces[0])
    light = np.empty((count, 3), np.float32)
    blocks = (count + BLOCK - 1) // BLOCK
    for number in prange(blocks):
        rows = number * BLOCK, min(number * BLOCK + BLOCK, count)
        _matt_block(rows, surfaces, materials, energy, towards, light)
    return light


@cached_njit(fastmath=True)
def _matt_block(rows, surfaces, materials, energy, towards, light):  # pragma: no cover (compiled)
    normals, tangents, material, rest, opened, quats, opening = surfaces
    visible = np.empty(COUNT, np.float32)
    for i in range(rows[0], rows[1]):
        m, turned = material[i], row4(quats, i)
        n = rotated(turned, row3(normals, i))
        if materials[m, 3] > 0:
            unpack_row(i, rest, opened, np.float32(0), visible)
            t = rotated(turned, row3(tangents, i))
            light[i, 0], light[i, 1], light[i, 2] = on_strand(n, t, visible, energy, towards)
        else:
            unpack_row(i, rest, opened, opening[i], visible)
            wrap = row3(materials, m)
            light[i, 0], light[i, 1], light[i, 2] = on_matt(n, visible, wrap, energy, towards)


@inlined
def _toned(radiance, curve):  # pragma: no cover (compiled)
    """The coefficient of a colour's constant harmonic."""
    position = np.sqrt(max(radiance, np.float32(0))) * np.float32(PER_ROOT)
    position = min(position, np.float32(len(curve) - 2))
    left = int(position)
    value = curve[left] + (curve[left + 1] - curve[left]) * (position - left)
    return (value - np.float32(0.5)) / np.float32(SH_C0)


SIZE = 64  # pixels across an environment map


def mirror_of(light: Environment) -> Mirror:
    """The prefiltered environment maps of a sky, one per roughness, in the space of the light."""
    directions = octahedral_directions(SIZE).reshape(-1, 3)
    pictures = np.stack([blurred(light, directions, sharpness) for sharpness in ROUGHNESS])
    nearest, shares = shares_at(directions)
    order = np.argsort(-shares, axis=1)
    nearest = np.take_along_axis(nearest, order, axis=1)
    shares = np.take_along_axis(shares, order, axis=1)
    size = (SIZE, SIZE, 3)
    return Mirror(
        pictures.reshape(-1, *size).astype(np.float32),
        np.eye(3, dtype=np.float32),
        nearest.astype(np.uint8).reshape(size),
        shares.reshape(size),
    )


def octahedral_directions(size: int) -> Floats:
    """Unit vectors [S, S, 3] to the middles of an octahedral picture's pixels; +z in its middle,
    -z in its corners."""
    across = (np.arange(size) + 0.5) * 2 / size - 1
    y, x = np.meshgrid(across, across, indexing="ij")
    z = 1 - np.abs(x) - np.abs(y)
    folded_x, folded_y = np.copysign(1 - np.abs(y), x), np.copysign(1 - np.abs(x), y)
    return normalised(np.stack([np.where(z < 0, folded_x, x), np.where(z < 0, folded_y, y), z], -1))


def blurred(light: Environment, directions: Floats, sharpness: float) -> Floats:
    """Mean radiance [P, 3] under a spherical Gaussian around each of directions [P, 3]."""
    height, width = light.radiance.shape[:2]
    sky = pixel_directions(height, width).reshape(-1, 3).astype(np.float32)
    angles = np.broadcast_to(solid_angles(height, width), (height, width)).reshape(-1, 1)
    energy = light.radiance.reshape(-1, 3) * angles
    weighed = np.concatenate([energy, angles], axis=1).astype(np.float32)  # [H W, 4]
    parts = np.array_split(directions.astype(np.float32), max(len(directions) // 128, 1))
    total = np.concatenate([np.exp(sharpness * (p @ sky.T - 1)) @ weighed for p in parts])
    return total[:, :3] / total[:, 3:]
