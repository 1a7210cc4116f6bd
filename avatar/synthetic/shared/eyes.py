"""The colours of an eyeball: white, veins, iris, pupil, and the red of the inner corner."""

import numpy as np

from avatar.mesh.vectors import MM, Floats, bell, mix, normalised, smoothstep
from avatar.synthetic.shared.colour import linear
from avatar.synthetic.shared.look import Look
from avatar.synthetic.shared.noise import fractal_noise, value_noise

IRIS = 5.95 * MM
PUPIL = 0.36  # of the iris
CARUNCLE = linear((206, 128, 118))  # the red of the inner corner
SIDES = (("l-eye", 1.0), ("r-eye", -1.0))
"""Each eyeball's part of the head, and the sign of x on its outer side."""


def gaze_of(outward: float) -> Floats:
    """The direction [3] in which an eye looks that looks straight ahead."""
    return normalised(np.array([outward * 0.035, 0.0, 1.0]))


def from_pupil(normals: Floats, gaze: Floats, radius: float) -> Floats:
    """Distance [N] of places on an eyeball from its pupil, along the ball, in metres."""
    return np.arccos(np.clip(normals @ gaze, -1, 1)) * radius


def redder_corner(albedo: Floats, normals: Floats, outward: float) -> Floats:
    """Reflectance [N, 3] of an eyeball with the caruncle at its inner corner."""
    return mix(albedo, CARUNCLE, 0.8 * smoothstep(0.62, 0.80, -outward * normals[:, 0]))


def eye_albedo(points: Floats, normals: Floats, gaze: Floats, ring: Floats, look: Look) -> Floats:
    """Reflectance [N, 3]; `ring` is the distance from the pupil's centre in iris radii."""
    white = np.tile(linear((232, 227, 222)), (len(points), 1))
    sideways = np.clip(np.abs(normals[:, 0]), 0, 1)
    white = mix(white, linear((222, 170, 160)), 0.34 * smoothstep(0.35, 0.75, sideways))
    veins = np.clip(fractal_noise(points * [1, 2.2, 1], 280, 3, 40), 0, 1)
    white = mix(white, linear((200, 120, 110)), 0.30 * veins * smoothstep(1.25, 1.8, ring))
    around = normals - gaze * (normals @ gaze)[:, None]
    turn = np.arctan2(around[:, 1], around[:, 0])
    spokes = np.stack([np.cos(turn), np.sin(turn), ring * 0.22], 1)
    streaks = fractal_noise(spokes, 11, 3, 50) + 0.6 * value_noise(spokes, 26, 55)
    iris = _iris(ring, streaks, turn, look)
    albedo = mix(white, iris, 1 - smoothstep(0.96, 1.06, ring))
    albedo *= (1 - 0.35 * bell(ring - 1.08, 0.09))[:, None]
    pupil = 1 - smoothstep(PUPIL - 0.03, PUPIL + 0.04, ring + 0.02 * streaks)
    return mix(albedo, linear((9, 8, 8)), pupil)


def _iris(ring: Floats, streaks: Floats, turn: Floats, look: Look) -> Floats:
    inner, outer, middle = (linear(colour) for colour in look.iris)
    iris = np.tile(inner, (len(ring), 1))
    iris = mix(iris, outer, smoothstep(0.45, 0.85, ring + 0.12 * streaks))
    iris = mix(iris, middle, 0.7 * bell(ring - 0.47, 0.10))
    dark_rim = 1 - 0.72 * smoothstep(0.80, 1.0, ring)
    lit_below = 1.1 + 0.55 * np.clip(-np.sin(turn), -1, 1) * smoothstep(0.3, 0.7, ring)
    return iris * ((1 + 0.34 * streaks) * dark_rim * lit_below)[:, None]
