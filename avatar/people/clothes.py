"""A knitted pullover with a round ribbed neckband."""

import numpy as np

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import MM, Floats, Ints, axes, normalised, smoothstep
from avatar.people.layer import Layer, discs, layer
from avatar.people.masks import fractal_noise, vector_noise
from avatar.people.shading import Studio, linear, lit_skin
from avatar.people.subject import Subject
from avatar.people.surface import at_spots, even_spots, smooth_points
from avatar.people.torso import NECKLINE, at_depth

BAND_WIDTH = 17 * MM
CLOTH_OFFSET = 2.2 * MM
STITCH = 1.8 * MM
RIBS = 90
# The neckband's cross-section: height over the skin and way down from the neckline (mm).
_BAND = np.array([[-0.5, 7], [0.6, 2], [1.8, -0.8], [3.6, -1.0], [5.0, 1.4], [4.9, 8], [4.2, 16]])


def clothes_layer(studio: Studio) -> Layer:
    """The pullover: body, a lining that closes it, and the neckband."""
    return concatenated([_body(studio), _lining(studio), _band(studio)])


def _covered(subject: Subject, beyond: float) -> Ints:
    below = subject.down[subject.faces[subject.torso]].min(1)
    return subject.torso[below > beyond]


def _body(studio: Studio) -> Layer:
    subject, rng = studio.subject, studio.rng
    near = subject.down < NECKLINE + BAND_WIDTH + 20 * MM
    spacing = np.where(near, 4.2 * MM, 6.2 * MM)
    spots = even_spots(subject.rest, _covered(subject, NECKLINE + 6 * MM), spacing, rng)
    points, normals = smooth_points(subject.rest, spots)
    points = points + normals * CLOTH_OFFSET
    folds = 0.22 * vector_noise(points * [1, 0.4, 1], 22, 85)
    down = at_spots(subject.down, subject.faces, spots)
    tint = 1 + 0.05 * rng.normal(size=len(points)) + 0.05 * fractal_noise(points, 60, 2, 80)
    albedo = linear(studio.look.cloth) * tint[:, None]
    visible = studio.light.at_rest(points, 3 * MM)
    radiance = lit_skin(normalised(normals + folds), visible, albedo, 0.2, 0.15, 8.0)
    seam = smoothstep(0, 7 * MM, down - NECKLINE - BAND_WIDTH)
    radiance *= (0.55 + 0.45 * seam)[:, None]
    owners = subject.owners[spots.triangles]
    return discs(points, normals, spots.spacing * 0.72, 0.18, radiance, 0.97, owners)


def _lining(studio: Studio) -> Layer:
    """Large dark discs under the cloth."""
    subject = studio.subject
    spots = even_spots(subject.rest, _covered(subject, NECKLINE + 10 * MM), 8 * MM, studio.rng)
    points, normals = smooth_points(subject.rest, spots)
    radiance = np.tile(linear(studio.look.cloth) * 0.45, (len(points), 1))
    owners = subject.owners[spots.triangles]
    beneath = points - normals * 1.5 * MM
    return discs(beneath, normals, spots.spacing * 0.8, 0.18, radiance, 0.98, owners)


def _band(studio: Studio) -> Layer:
    subject, rng = studio.subject, studio.rng
    steps = np.linalg.norm(np.diff(_BAND, axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    section = np.arange(0, length[-1], 1.6)
    height, below = (np.interp(section, length, _BAND[:, axis]) * MM for axis in (0, 1))
    rows = [
        _band_row(subject, h, NECKLINE + d, number % 2 / 2)
        for number, (h, d) in enumerate(zip(height, below, strict=True))
    ]
    points, around, turn = (np.concatenate(part) for part in zip(*rows, strict=True))
    stitches = [len(row) for row, _, _ in rows]
    inside = np.repeat(section < length[2], stitches)
    upright = np.repeat(np.gradient(height, below + 1e-9), stitches)
    outward = normalised(np.cross(around, [0.0, 1.0, 0.0]))
    outward *= np.sign((outward * (points - points.mean(0))).sum(1, keepdims=True))
    normals = normalised(outward + [0.0, 1.0, 0.0] * np.clip(upright, -1, 2)[:, None] * 0.3 + 0)
    rib = np.sin(turn * RIBS)
    knit = normalised(normals + around * (0.45 * rib)[:, None])
    tint = 1 + 0.16 * rib + 0.06 * rng.normal(size=len(points))
    albedo = linear(studio.look.cloth) * tint[:, None]
    radiance = lit_skin(knit, studio.light.at_rest(points, 3 * MM), albedo, 0.2, 0.15, 8.0)
    radiance *= np.where(inside, 0.45, 1.0)[:, None]
    owners = subject.owners[subject.nearest(subject.torso, points)]
    scales = (1.35 * MM, 0.35 * MM, 1.35 * MM)
    return layer(points, axes(around, normals), scales, radiance, 0.97, owners)


def _band_row(
    subject: Subject, height: float, down: float, phase: float
) -> tuple[Floats, Floats, Floats]:
    """Points of one stitch row round the neck, the direction along it, and the turn in radians."""
    loop = at_depth(subject.rings(subject.rest.vertices), down)
    loop = loop + at_depth(subject.rings(subject.rest.normals), down) * height
    closed = np.concatenate([loop, loop[:1]])
    steps = np.linalg.norm(np.diff(closed, axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    stitches = (np.arange(int(length[-1] / STITCH)) + phase) * STITCH
    points = np.stack([np.interp(stitches, length, closed[:, axis]) for axis in range(3)], 1)
    around = normalised(np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0))
    return points, around, stitches / length[-1] * 2 * np.pi
