"""Eyeballs: white with veins, iris, pupil, the red inner corner and the lamps' reflections."""

from collections.abc import Callable

import numpy as np

from avatar.geometry.records import concatenated
from avatar.geometry.vectors import MM, Floats, axes, disc_axes, mix, normalised, smoothstep
from avatar.people.layer import Layer, discs, layer
from avatar.people.shading import Studio, linear, lit_skin
from avatar.people.subject import Subject
from avatar.people.surface import Spots, at_spots, even_spots

IRIS = 5.95 * MM
CARUNCLE = linear((206, 128, 118))  # the red of the inner corner
SIDES = (("l-eye", 1.0), ("r-eye", -1.0))
"""Each eyeball's part of the head, and the sign of x on its outer side."""


def gaze_of(outward: float) -> Floats:
    """The direction [3] in which an eye looks that looks straight ahead."""
    return normalised(np.array([outward * 0.035, 0.0, 1.0]))


def from_pupil(normals: Floats, gaze: Floats, radius: float) -> Floats:
    """Distance [N] in metres from the pupil, along the ball, of points with normals [N, 3]."""
    return np.arccos(np.clip(normals @ gaze, -1, 1)) * radius


def redder_corner(albedo: Floats, normals: Floats, outward: float) -> Floats:
    """Reflectance [N, 3] of an eyeball with the caruncle at its inner corner."""
    return mix(albedo, CARUNCLE, 0.8 * smoothstep(0.62, 0.80, -outward * normals[:, 0]))


BALL = 0.965  # of the mesh's radius, or the eyeball shows through shut lids
# Reflections on the cornea: offset right and up (mm), radius (mm), brightness, opacity.
CATCH_LIGHTS = (
    ((-2.1, 2.6), 1.15, 1.4, 0.96),
    ((-0.7, 3.0), 0.65, 1.2, 0.60),
    ((2.4, -2.2), 1.30, 0.9, 0.13),
)


Albedo = Callable[[Floats, Floats, Floats, Floats], Floats]
"""Points [N, 3], normals [N, 3], the direction of the gaze [3] and the distance from the pupil in
radii of the iris [N] → reflectance [N, 3]"""


def eyes_of(studio: Studio, albedo_of: Albedo) -> Layer:
    """Both eyes, looking straight ahead."""
    return concatenated([part for side in SIDES for part in _eye(studio, albedo_of, *side)])


def _eye(
    studio: Studio, albedo_of: Albedo, group: str, outward: float
) -> tuple[Layer, Layer, Layer]:
    subject = studio.subject
    centre, radius = subject.eye(group)
    gaze = gaze_of(outward)
    spots = _front_spots(studio, group, gaze)
    flat = at_spots(subject.rest.vertices, subject.faces, spots)
    normals = normalised(flat - centre)
    away = from_pupil(normals, gaze, radius)
    bulge = 0.3 * MM * smoothstep(7.5 * MM, 0, away)
    points = centre + normals * (radius * BALL + bulge)[:, None]
    albedo = albedo_of(points, normals, gaze, away / IRIS)
    albedo = redder_corner(albedo, normals, outward)
    # The white keeps half of its light everywhere, as eyes turn what lids hide into the open.
    visible = 0.5 + 0.5 * studio.light.at_rest(points, 1.2 * MM)
    radiance = _eye_light(normals, gaze, away / IRIS, albedo, visible)
    radiance *= _lid_shade((points - centre) / radius)[:, None]
    ball = discs(points, normals, spots.spacing * 0.88, 0.2, radiance, 0.97, spots.triangles)
    corner = _inner_corner(subject, centre, radius, outward)
    return ball, _catch_lights(centre, radius, gaze, ball), corner


def _inner_corner(subject: Subject, centre: Floats, radius: float, outward: float) -> Layer:
    """Flesh between eyeball and nose, where the lids' inner side is left out."""
    up = np.linspace(-3, 3, 7) * MM
    middle = centre + radius * np.array([-1.02 * outward, 0.06, 0.50])
    points = middle + np.stack([0 * up, up, 0 * up], 1)
    owners = subject.nearest(subject.skin, points)
    upright = disc_axes(np.tile([0.0, 0.0, 1.0], (len(up), 1)))
    size = 1.3 * MM
    radiance = np.tile(CARUNCLE * 0.45, (len(up), 1))
    return layer(points, upright, (size, size, size), radiance, 0.97, owners)


def _front_spots(studio: Studio, group: str, gaze: Floats) -> Spots:
    """Spots on the half that can be seen, closest on the iris."""
    subject = studio.subject
    centre, radius = subject.eye(group)
    ahead = normalised(subject.rest.vertices - centre) @ gaze
    spacing = np.where(ahead > 0.35, 0.64 * MM, 2 * MM)
    spacing = np.where(ahead > 0.78, 0.40 * MM, spacing)
    triangles = subject.part(group)
    middles = subject.rest.vertices[subject.faces[triangles]].mean(1)
    front = triangles[(middles - centre) @ gaze > -0.05 * radius]
    return even_spots(subject.rest, front, spacing, studio.rng)


def _eye_light(
    normals: Floats, gaze: Floats, ring: Floats, albedo: Floats, visible: Floats
) -> Floats:
    """The iris lies flat behind the cornea, whatever the ball's normals there."""
    in_iris = 1 - smoothstep(0.95, 1.05, ring)
    facing = normalised(mix(normals, gaze, 0.75 * in_iris))
    return lit_skin(facing, visible, albedo, 0.35) * 1.06


def _lid_shade(unit: Floats) -> Floats:
    """The shadow of the lids [N] at points of the unit ball [N, 3]."""
    side, up, _ = unit.T
    above, below = smoothstep(0.13, 0.47, up), smoothstep(0.18, 0.5, -up)
    corners = 1 - 0.14 * smoothstep(0.45, 0.8, np.abs(side))
    return (1 - 0.56 * above - 0.20 * below) * corners


def _catch_lights(centre: Floats, radius: float, gaze: Floats, ball: Layer) -> Layer:
    """Small bright discs on the cornea, nine to a lamp."""
    index = np.arange(9)
    sunflower = np.stack([np.cos(index * 2.4), np.sin(index * 2.4)], 1)
    sunflower *= np.sqrt((index + 0.3) / len(index))[:, None]
    parts = []
    for (right, up), size, brightness, opacity in CATCH_LIGHTS:
        normal = normalised(gaze + np.array([right, up, 0.0]) * MM / radius)
        across = normalised(np.cross([0.0, 1.0, 0.0], normal))
        plane = np.stack([across, np.cross(normal, across)])
        points = centre + normal * (radius * BALL + 0.65 * MM)
        points = points + sunflower @ plane * size * 0.75 * MM
        nearest = np.linalg.norm(ball.means[:, None] - points[None], axis=-1).argmin(0)
        sigma = size * 0.36 * MM
        turns = axes(np.tile(across, (9, 1)), np.tile(normal, (9, 1)))
        light = np.full((9, 3), brightness)
        owners = ball.triangles[nearest]
        parts.append(layer(points, turns, (sigma, 0.08 * MM, sigma), light, opacity, owners))
    return concatenated(parts)
