"""Colours of Gaussians under light from DIRECTIONS: one pass over all of them, compiled.

Matt matter sends back albedo/π times the light that reaches it by its cosine; in skin the light
wraps past the terminator, red most, and none is made (Lambert's law where the widths are 0). A
strand of hair takes light by the sine to it (Kajiya and Kay 1989). What comes back from the face
itself grows where a place is half open. A mirror image of the sky, blurred by the matter's
roughness, lies over all by Schlick's Fresnel term (1994), where it is not hidden.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from avatar.light.matters import MATTERS
from avatar.light.surfaces import TOWARDS, Surfaces, in_halves
from avatar.mesh.vectors import Floats, Ints
from common.kernels import cached_njit
from splat.scene.conventions import SH_C0

PER_ROOT = 1024  # entries of the tone table per square root of radiance
STRAND = 1.25 * 4 / np.pi**2  # light of a strand that light from everywhere falls on: about 1
STRAND_WRAP = 0.25
STEEP, HIDDEN = 0.05, -0.2  # least cosine to the viewer that counts; from where nothing is seen


inlined = cached_njit(fastmath=True, error_model="numpy", forceinline=True)


class Moment(NamedTuple):
    """What changes from frame to frame."""

    quats_world: Floats  # [N, 4] float32 wxyz
    means_world: Floats  # [N, 3] float32
    R_world_head: Floats  # [3, 3] float32: how the head stands
    eye_world: Floats  # [3] float32: the viewer
    opening: Floats  # [2] float32 of jaw and lids, from 0 at rest to 1 as in `opened`
    cells: Floats  # [2, 3, D / 2] float32 energy of the light from DIRECTIONS, head space
    even: Floats  # [3] float32 the mean radiance of the sky, for what faces away from the viewer
    bounce: Floats  # [3] float32 light of the face itself where a place is half open


class Mirror(NamedTuple):
    """Blurred pictures of the sky, and where in DIRECTIONS a reflection lies."""

    pictures: Floats  # [L, S, S, 3] float32 by roughness, octahedral, in the space of the light
    R_light_world: Floats  # [3, 3] float32
    nearest: Ints  # [S, S, 3] uint8 of DIRECTIONS around each pixel, head space
    shares: Floats  # [S, S, 3] float32 of these


@inlined
def rotated(q, v):  # pragma: no cover (compiled)
    """v [3] turned by a quaternion [4] of any length."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    scale = np.float32(2) / (w * w + x * x + y * y + z * z)
    tx, ty, tz = y * v[2] - z * v[1], z * v[0] - x * v[2], x * v[1] - y * v[0]
    ux, uy, uz = w * tx + y * tz - z * ty, w * ty + z * tx - x * tz, w * tz + x * ty - y * tx
    return v[0] + scale * ux, v[1] + scale * uy, v[2] + scale * uz


@inlined
def times(m, v):  # pragma: no cover (compiled)
    """A matrix [3, 3] times v [3]."""
    return (
        m[0, 0] * v[0] + m[0, 1] * v[1] + m[0, 2] * v[2],
        m[1, 0] * v[0] + m[1, 1] * v[1] + m[1, 2] * v[2],
        m[2, 0] * v[0] + m[2, 1] * v[1] + m[2, 2] * v[2],
    )


@cached_njit(parallel=True, fastmath=True, error_model="numpy")
def shade(surfaces, moment, mirror, matters, towards, curve):  # pragma: no cover (compiled)
    """Coefficients [N, 1, 3] of the colours of Gaussians, toned.

    matters [K, 7]: widths of the wrap for red, green, blue; whether a strand; reflectance at
    normal incidence, the most at grazing, and the picture of the sky that it mirrors,
    -1 for what is seen from behind as well; towards
    [2, 3, D / 2]; curve [C]: see `tone_table`.
    """
    colours = np.empty((len(surfaces.matter), 1, 3), np.float32)
    r_world_head = np.ascontiguousarray(moment.R_world_head.T)
    for i in prange(len(surfaces.matter)):
        m = matters[surfaces.matter[i]]
        radiance = _radiance(i, surfaces, moment, mirror, m, r_world_head, towards)
        for channel in range(3):
            colours[i, 0, channel] = _toned(radiance[channel], curve)
    return colours


@inlined
def _radiance(i, surfaces, moment, mirror, m, r_world_head, towards):  # pragma: no cover (compiled)
    """Linear light [3] that Gaussian i sends to the viewer."""
    opening, one = moment.opening[surfaces.follows[i]], np.float32(1)
    gloss, seen = np.float32(0), (np.float32(0), np.float32(0), np.float32(0))
    normal_world = rotated(moment.quats_world[i], surfaces.normals[i])
    n = times(r_world_head, normal_world)
    view, facing = _viewed(moment.means_world[i], normal_world, moment.eye_world)
    access = surfaces.access[i, 0]
    access += opening * (surfaces.access[i, 1] - access)
    if m[3] > 0:
        t = times(r_world_head, rotated(moment.quats_world[i], surfaces.tangents[i]))
        light = _on_strand(n, t, surfaces.rest[i], moment.cells, towards)
    elif m[6] >= 0 and facing < np.float32(HIDDEN):
        light = moment.even[0] * access, moment.even[1] * access, moment.even[2] * access
    else:
        tables = surfaces.rest[i], surfaces.opened[i]
        light = _on_matt(n, *tables, opening, m, moment.cells, towards)
        if m[5] > 0:
            gloss, seen = _mirrored(
                i, view, normal_world, facing, surfaces, opening, mirror, m, r_world_head
            )
    again = access * (one - access)
    albedo, bounce, matt = surfaces.albedo[i], moment.bounce, one - gloss
    return (
        albedo[0] * (light[0] + again * bounce[0]) * matt + seen[0],
        albedo[1] * (light[1] + again * bounce[1]) * matt + seen[1],
        albedo[2] * (light[2] + again * bounce[2]) * matt + seen[2],
    )


@inlined
def _viewed(mean, n, eye):  # pragma: no cover (compiled)
    """The way [3] from a Gaussian to the viewer, and its cosine to a normal [3]."""
    x, y, z = eye[0] - mean[0], eye[1] - mean[1], eye[2] - mean[2]
    length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-12)
    x, y, z = x / length, y / length, z / length
    return (x, y, z), x * n[0] + y * n[1] + z * n[2]


def matt_light(
    surfaces: Surfaces, quats: Floats, cells: Floats, jaw: float, lids: float = 0.0
) -> Floats:
    """Light [N, 3] that Gaussians send back if they are white and mirror nothing, without bounces.

    quats [N, 4] float32: as they are turned in head space; cells [D, 3]: see `into_cells`;
    jaw, lids: see `Moment`.
    """
    kinds = surfaces.normals, surfaces.tangents, surfaces.matter, surfaces.rest, surfaces.opened
    opening = np.array([jaw, lids], np.float32)[surfaces.follows]
    light = in_halves(cells)
    return _matt_light(*kinds, quats, opening, MATTERS, light, TOWARDS)


@cached_njit(parallel=True, fastmath=True)
def _matt_light(
    normals, tangents, matter, rest, opened, quats, opening, matters, cells, towards
):  # pragma: no cover (compiled)
    light = np.empty_like(normals)
    for i in prange(len(normals)):
        m, n = matters[matter[i]], rotated(quats[i], normals[i])
        if m[3] > 0:
            t = rotated(quats[i], tangents[i])
            light[i, 0], light[i, 1], light[i, 2] = _on_strand(n, t, rest[i], cells, towards)
        else:
            light[i, 0], light[i, 1], light[i, 2] = _on_matt(
                n, rest[i], opened[i], opening[i], m, cells, towards
            )
    return light


@inlined
def _toned(radiance, curve):  # pragma: no cover (compiled)
    """The coefficient of a colour's constant harmonic."""
    place = np.sqrt(max(radiance, np.float32(0))) * np.float32(PER_ROOT)
    place = min(place, np.float32(len(curve) - 2))
    left = int(place)
    value = curve[left] + (curve[left + 1] - curve[left]) * (place - left)
    return (value - np.float32(0.5)) / np.float32(SH_C0)


@inlined
def _on_matt(n, rest, opened, opening, m, cells, towards):  # pragma: no cover (compiled)
    """Light [3] that a matt surface sends back."""
    by_open = opening * np.float32(1 / 15)
    by_rest = np.float32(1 / 15) - by_open
    dark = np.float32(0)
    red, green, blue = dark, dark, dark
    sixteenth, sixteen = np.float32(1 / 16), np.float32(16)
    for k in range(len(rest)):
        both, both_open = np.float32(rest[k]), np.float32(opened[k])
        upper, upper_open = np.floor(both * sixteenth), np.floor(both_open * sixteenth)
        low = by_rest * (both - sixteen * upper) + by_open * (both_open - sixteen * upper_open)
        high = by_rest * upper + by_open * upper_open
        a = n[0] * towards[0, 0, k] + n[1] * towards[0, 1, k] + n[2] * towards[0, 2, k]
        b = n[0] * towards[1, 0, k] + n[1] * towards[1, 1, k] + n[2] * towards[1, 2, k]
        red += low * max(a + m[0], dark) * cells[0, 0, k]
        green += low * max(a + m[1], dark) * cells[0, 1, k]
        blue += low * max(a + m[2], dark) * cells[0, 2, k]
        red += high * max(b + m[0], dark) * cells[1, 0, k]
        green += high * max(b + m[1], dark) * cells[1, 1, k]
        blue += high * max(b + m[2], dark) * cells[1, 2, k]
    by_pi, one = np.float32(1 / np.pi), np.float32(1)
    return (
        red * by_pi / ((one + m[0]) * (one + m[0])),
        green * by_pi / ((one + m[1]) * (one + m[1])),
        blue * by_pi / ((one + m[2]) * (one + m[2])),
    )


@inlined
def _on_strand(n, t, rest, cells, towards):  # pragma: no cover (compiled)
    """Light [3] that a strand along t [3] sends back on its side n [3]."""
    dark, one, wrap = np.float32(0), np.float32(1), np.float32(STRAND_WRAP)
    red, green, blue = dark, dark, dark
    for k in range(len(rest)):
        both = np.float32(rest[k])
        upper = np.floor(both * np.float32(1 / 16))
        facing = n[0] * towards[0, 0, k] + n[1] * towards[0, 1, k] + n[2] * towards[0, 2, k]
        along = t[0] * towards[0, 0, k] + t[1] * towards[0, 1, k] + t[2] * towards[0, 2, k]
        low = np.sqrt(max(one - along * along, dark)) * max(facing + wrap, dark)
        low *= both - np.float32(16) * upper
        facing = n[0] * towards[1, 0, k] + n[1] * towards[1, 1, k] + n[2] * towards[1, 2, k]
        along = t[0] * towards[1, 0, k] + t[1] * towards[1, 1, k] + t[2] * towards[1, 2, k]
        high = np.sqrt(max(one - along * along, dark)) * max(facing + wrap, dark) * upper
        red += low * cells[0, 0, k] + high * cells[1, 0, k]
        green += low * cells[0, 1, k] + high * cells[1, 1, k]
        blue += low * cells[0, 2, k] + high * cells[1, 2, k]
    share = np.float32(STRAND / 15 / np.pi / (1 + STRAND_WRAP))
    return red * share, green * share, blue * share


@inlined
def _mirrored(
    i, view, n, facing, surfaces, opening, mirror, m, r_world_head
):  # pragma: no cover (compiled)
    """The share of light that Gaussian i mirrors, and what is seen in it times that share."""
    facing = max(facing, np.float32(STEEP))
    twice = np.float32(2) * facing
    q = (twice * n[0] - view[0], twice * n[1] - view[1], twice * n[2] - view[2])
    open_share = _visible(times(r_world_head, q), i, surfaces, opening, mirror)
    grazing = np.float32(1) - facing
    square = grazing * grazing
    gloss = m[4] + (m[5] - m[4]) * square * square * grazing
    share = gloss * open_share
    r, g, b = _looked_up(mirror.pictures[int(m[6])], times(mirror.R_light_world, q))
    return gloss, (share * r, share * g, share * b)


@inlined
def _visible(q, i, surfaces, opening, mirror):  # pragma: no cover (compiled)
    """Share of the sky around a direction q [3] of head space that reaches Gaussian i."""
    place = _place(q, len(mirror.nearest))
    row, column = int(place[0] + np.float32(0.5)), int(place[1] + np.float32(0.5))
    half = surfaces.rest.shape[1]
    total = np.float32(0)
    for corner in range(3):
        d = int(mirror.nearest[row, column, corner])
        byte, other = surfaces.rest[i, d % half], surfaces.opened[i, d % half]
        shift = 4 if d >= half else 0
        closed = np.float32((byte >> shift) & 15)
        wide = np.float32((other >> shift) & 15)
        share = mirror.shares[row, column, corner]
        total += share * (closed + opening * (wide - closed))
    return total * np.float32(1 / 15)


@inlined
def _place(q, size):  # pragma: no cover (compiled)
    """Row and column, with fractions, of a direction [3] in an octahedral picture of size²."""
    one, zero = np.float32(1), np.float32(0)
    length = abs(q[0]) + abs(q[1]) + abs(q[2])
    x, y = q[0] / length, q[1] / length
    if q[2] < zero:
        folded_x = one - abs(y)
        folded_y = one - abs(x)
        x, y = folded_x if x >= zero else -folded_x, folded_y if y >= zero else -folded_y
    half, last = np.float32(0.5 * size), np.float32(size - 1.01)
    row, column = (y + one) * half - np.float32(0.5), (x + one) * half - np.float32(0.5)
    return min(max(row, zero), last), min(max(column, zero), last)


@inlined
def _looked_up(picture, q):  # pragma: no cover (compiled)
    """The colour of an octahedral picture [S, S, 3] towards q [3], between its pixels."""
    row, column = _place(q, len(picture))
    top, left = int(row), int(column)
    down, right = row - top, column - left
    r, g, b = np.float32(0), np.float32(0), np.float32(0)
    for y in range(2):
        for x in range(2):
            weight = down if y else np.float32(1) - down
            weight *= right if x else np.float32(1) - right
            pixel = picture[top + y, left + x]
            r, g, b = r + weight * pixel[0], g + weight * pixel[1], b + weight * pixel[2]
    return r, g, b
