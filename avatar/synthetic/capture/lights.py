"""The lights of a capture that is taken under several in turn, in the words of --light."""

import numpy as np

from avatar.light.environment import Environment, Lobe, lamps, towards
from avatar.light.words import parse_light
from avatar.mesh.vectors import Floats, normalised, sphere_directions
from avatar.synthetic.capture.light import LAMP_LIGHT, StageLight, lobes_of

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


def stage_light(words: str) -> StageLight:
    """The light that words name, on the stage."""
    lobes = parse_light(words)
    directions, energy = _places(lamps(lobes))
    mirrored = [lobe for lobe in lobes if lobe.sharpness >= MIRRORED] or lobes[:1]
    middles = np.stack([towards(lobe.azimuth, lobe.elevation) for lobe in mirrored])
    shares = lobes_of(directions, middles, np.array([lobe.sharpness for lobe in mirrored]))
    colours = np.stack([_colour(lobe) for lobe in mirrored])
    return StageLight(directions, energy / np.pi, shares, middles, colours)


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
