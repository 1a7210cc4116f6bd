"""Lights of a synthetic capture, and how much of each reaches every point of the subject.

Light comes from a set of directions, each with a depth map; a point receives the directions that
nothing nearer occludes. Captures under several known lights describe them as --light does.
"""

import math
from dataclasses import dataclass

import numpy as np

from avatar.geometry.vectors import Floats, Ints, normalised, sphere_directions
from avatar.lighting.environment import Environment, Lobe, lamps, towards
from avatar.lighting.occlusion import Shadows, cast_shadows
from avatar.lighting.presets import parse_light
from avatar.people.shading import wrapped

DIRECTIONS = sphere_directions(96)  # towards the light
RESOLUTION = 224
HALF_WIDTH = 0.21  # metres of the square that a map covers
BIAS = 0.0016  # metres in front that do not shade yet
SCATTERED = 0.05  # share of a lit surface's light that reaches even the darkest fold
WRAP = (0.34, 0.16, 0.09)  # how far red, green and blue pass the terminator in skin
_PER_DIRECTION = 4 / len(DIRECTIONS)

# Towards each lamp, how focused it is, its colour times its strength.
_LAMPS = (
    ((-0.55, 0.45, 0.85), 5.0, (0.66, 0.63, 0.60)),
    ((0.70, 0.20, 0.75), 4.0, (0.41, 0.43, 0.45)),
    ((0.10, -0.45, 0.90), 4.0, (0.13, 0.125, 0.12)),
    ((0.55, 0.55, -0.70), 6.0, (0.30, 0.305, 0.32)),
    ((-0.70, 0.35, -0.60), 6.0, (0.20, 0.205, 0.215)),
)
SKY, SKY_TILT = 0.25, 0.45
LAMP_LIGHT = math.pi / 2.2  # that a white surface which faces a lamp of colour 1 sends back


@dataclass(frozen=True)
class CaptureLight:
    """Light on the stage: from where it comes, and the lamps that are mirrored."""

    directions: Floats  # [D, 3] unit, towards the light
    radiance: Floats  # [D, 3] what white that faces each direction sends back of its light
    lobes: Floats  # [D, L] share of each lamp that comes from each direction, adding up to 1
    lamps: Floats  # [L, 3] unit, towards the middle of each lamp
    colours: Floats  # [L, 3] of the lamps' highlights


def lobes_of(directions: Floats, lamps: Floats, focus: Floats) -> Floats:
    """Shares [D, L] of lamps [L, 3], focused by [L], among directions [D, 3]."""
    lobes = np.exp(focus * (directions @ lamps.T - 1))
    return lobes / lobes.sum(0)


def _usual() -> CaptureLight:
    lamps = normalised(np.array([lamp[0] for lamp in _LAMPS]))
    colours = np.array([lamp[2] for lamp in _LAMPS])
    lobes = lobes_of(DIRECTIONS, lamps, np.array([lamp[1] for lamp in _LAMPS]))
    sky = np.outer(1 + SKY_TILT * DIRECTIONS[:, 1], [0.97, 0.99, 1.0]) * SKY * _PER_DIRECTION
    return CaptureLight(DIRECTIONS, lobes @ colours * LAMP_LIGHT + sky, lobes, lamps, colours)


USUAL = _usual()
"""The light of a stage that is not asked for another."""


def cast(
    vertices: Floats, faces: Ints, resolution: int = RESOLUTION, directions: Floats = DIRECTIONS
) -> Shadows:
    """What triangles [M, 3] of vertices [V, 3] take away from each direction [D, 3]."""
    return cast_shadows(vertices, faces, directions, resolution, HALF_WIDTH)


def diffuse(light: CaptureLight, normals: Floats, visible: Floats, softness: Floats) -> Floats:
    """Light [N, 3] that soft matter sends back per unit of its albedo.

    normals [N, 3]; visible [N, D]; softness [N] in [0, 1]: how far light wraps into the shadow.
    """
    facing = normals @ light.directions.T  # [N, D]
    sent = np.empty((len(normals), 3))
    for channel, width in enumerate(WRAP):
        received = wrapped(facing, (width * softness)[:, None])
        sent[:, channel] = (received * visible) @ light.radiance[:, channel]
    return sent + SCATTERED * light.radiance.sum(0) / 2


HELD_OUT = ("studio", "window", "golden-hour", "stage")
"""Lights that nothing is learned from."""
BRIGHT = 4.0  # times the mean radiance: places of the sky that keep a direction of their own
REST = sphere_directions(256)  # which share what is left
DARK = 1e-6  # of the light: directions that give less are left out
MIRRORED = 3.0  # sharpness of a lamp from which its highlight is seen
KEYS = ("key", "window", "key", "spot")
COLOURS = ("#fff4e8", "#ffe0bc", "#dfe9ff", "#ffffff", "#c9dcff", "#ffd0a0")
WIDEST, LOWEST, HIGHEST = 150.0, -20.0, 60.0  # degrees of the brightest lamps


def training_lights(count: int, seed: int) -> list[str]:
    """Words of so many lights: a lamp from everywhere in turn, a weak one opposite, some sky."""
    rng = np.random.default_rng([seed, 17])
    places = (rng.permutation(count) + 0.5) / count * 2 - 1
    return [_words(WIDEST * place, KEYS[k % len(KEYS)], rng) for k, place in enumerate(places)]


def _words(azimuth: float, key: str, rng: np.random.Generator) -> str:
    elevation, strength = rng.uniform(LOWEST, HIGHEST), rng.uniform(0.6, 1.0)
    opposite = azimuth + rng.uniform(90, 200)
    first, second = rng.choice(COLOURS, 2)
    return (
        f"{key} {azimuth:.0f} {elevation:.0f} {strength:.2f} {first}, "
        f"fill {opposite:.0f} {rng.uniform(-20, 30):.0f} {rng.uniform(0.1, 0.3):.2f} {second}, "
        f"sky 0 90 {rng.uniform(0.08, 0.2):.2f}, ambient 0 0 {rng.uniform(0.03, 0.08):.2f}"
    )


def capture_light(words: str) -> CaptureLight:
    """The light that words name, on the stage."""
    lobes = parse_light(words)
    directions, energy = _places(lamps(lobes))
    mirrored = [lobe for lobe in lobes if lobe.sharpness >= MIRRORED] or lobes[:1]
    middles = np.stack([towards(lobe.azimuth, lobe.elevation) for lobe in mirrored])
    shares = lobes_of(directions, middles, np.array([lobe.sharpness for lobe in mirrored]))
    colours = np.stack([_colour(lobe) for lobe in mirrored])
    return CaptureLight(directions, energy / np.pi, shares, middles, colours)


def _colour(lobe: Lobe) -> Floats:
    return lobe.strength * np.array(lobe.colour) / LAMP_LIGHT


def _places(light: Environment) -> tuple[Floats, Floats]:
    """Directions [D, 3] and energy [D, 3] of a light: bright places as they are, the others
    gathered, at the middle of what each direction gathers."""
    white = light.energy.mean(1)
    bright = white > BRIGHT * white.mean()
    nearest = (light.directions[~bright] @ REST.T).argmax(1)
    energy, middles = np.zeros_like(REST), np.zeros_like(REST)
    np.add.at(energy, nearest, light.energy[~bright])
    np.add.at(middles, nearest, white[~bright, None] * light.directions[~bright])
    directions = np.concatenate([light.directions[bright], middles])
    energies = np.concatenate([light.energy[bright], energy])
    seen = energies.mean(1) > DARK * white.sum()
    return normalised(directions[seen]), energies[seen]
