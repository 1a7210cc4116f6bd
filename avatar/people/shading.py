"""The studio's lamps, how skin, hair and cloth reflect their light, and what shadows them: the bust
in two shapes, and its hair. All light is linear."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from avatar.geometry.vectors import Floats, normalised
from avatar.lighting.occlusion import DIRECTIONS, Fog, Shadows, cast_shadows
from avatar.people.masks import value_noise
from avatar.people.subject import Subject
from avatar.people.surface import Mesh


def linear(rgb: ArrayLike) -> Floats:
    """Linear reflectance of a colour given as 0 to 255 with gamma 2.2."""
    return (np.asarray(rgb, float) / 255) ** 2.2


def wrapped(facing: Floats, width: Floats | float) -> Floats:
    """Wrapped diffuse reflection at a cosine `facing` to the normal; `width`: by how much light
    wraps into the shadow."""
    return np.clip((facing + width) / (1 + width), 0, None) / (1 + width / 2)


VIEW = np.array([0.0, 0.05, 1.0])  # highlights are baked for a viewer in front
_PER_DIRECTION = 4 / len(DIRECTIONS) / 2.2
_HALFWAY = normalised(DIRECTIONS + normalised(VIEW))
WRAP = (0.38, 0.16, 0.08)  # how far red, green and blue pass the terminator in skin
RED_LEAK = 0.12  # share of shadowed light that skin carries in red


def studio() -> Floats:
    """Radiance [D, 3] of each direction: key upper right of the picture's left, fill, rims, sky."""

    def lamp(towards: tuple[float, float, float], focus: float) -> Floats:
        return focus * np.exp(focus * (DIRECTIONS @ normalised(np.array(towards)) - 1))

    height = DIRECTIONS[:, 1]
    return (
        np.outer(lamp((-0.55, 0.50, 0.80), 9), [1.0, 0.955, 0.89]) * 1.24
        + np.outer(lamp((0.80, 0.10, 0.70), 2.5), [0.82, 0.91, 1.0]) * 0.44
        + np.outer(lamp((0.75, 0.45, -0.75), 9), [1.0, 0.98, 0.95]) * 0.95
        + np.outer(lamp((-0.8, 0.3, -0.7), 7), [0.75, 0.87, 1.0]) * 0.40
        + np.outer(0.55 + 0.38 * height, [0.94, 0.97, 1.0]) * 0.46
        + np.outer(np.clip(-height, 0, 1), [1.0, 0.8, 0.65]) * 0.26
    )


STUDIO = studio()


def lit_skin(
    normals: Floats,
    visible: Floats,
    albedo: Floats,
    softness: float = 1.0,
    sheen: Floats | float = 0.0,
    gloss: Floats | float = 22.0,
) -> Floats:
    """Radiance [N, 3] of skin and other soft matter.

    visible [N, D]; albedo [N, 3]; softness in [0, 1]: light that wraps into the shadow, red most;
    sheen [N] strength and gloss [N] exponent of a Blinn highlight (0.045 times sheen at most).
    """
    facing = normals @ DIRECTIONS.T  # [N, D]
    sky = np.minimum(1, 3 * visible.mean(1, keepdims=True))
    radiance = np.empty_like(albedo)
    for channel, width in enumerate(WRAP):
        wrap = width * softness
        leak = RED_LEAK * softness * (1 - visible) * sky if channel == 0 else 0.0
        radiance[:, channel] = (wrapped(facing, wrap) * (visible + leak)) @ STUDIO[:, channel]
    radiance *= albedo * _PER_DIRECTION
    if np.any(np.asarray(sheen) > 0):
        strength = np.broadcast_to(sheen, len(normals))[:, None] * 0.045
        radiance += strength * _highlight(normals, facing, visible, gloss)
    return radiance


def _highlight(normals: Floats, facing: Floats, visible: Floats, gloss: Floats | float) -> Floats:
    exponent = np.broadcast_to(gloss, len(normals))[:, None]
    lobe = np.clip(normals @ _HALFWAY.T, 0, 1) ** exponent * (exponent + 8) / 8
    return (lobe * np.clip(facing, 0, None) * visible) @ STUDIO * _PER_DIRECTION


WHITE = np.array([1.0, 0.90, 0.78])  # colour of the lobe that takes no colour from the hair


def lit_hair(
    points: Floats,
    tangents: Floats,
    normals: Floats,
    visible: Floats,
    albedo: Floats,
    lobes: tuple[float, float],
) -> Floats:
    """Radiance [N, 3] of hair after Kajiya and Kay (1989), with Marschner's two shifted lobes.

    lobes: strengths of the white one and of that in the hair's own colour.
    """
    along = np.clip(tangents @ DIRECTIONS.T, -1, 1)
    outward = np.clip((normals @ DIRECTIONS.T + 0.25) / 1.25, 0, None) * visible
    diffuse = (np.sqrt(1 - along**2) * outward) @ STUDIO
    shift = 0.10 * value_noise(points, 400.0, 77)[:, None] + 0.05
    tilted = tangents @ _HALFWAY.T + shift * (normals @ _HALFWAY.T)
    white = _lobe(tilted, 70) * outward
    tinted = _lobe(tilted + 0.16, 28) * outward
    bright = 0.5 + 0.5 * np.minimum(1.0, albedo[:, :1] / linear(92))
    highlight = (white @ STUDIO) * lobes[0] * WHITE * bright + (tinted @ STUDIO) * lobes[1] * albedo
    return (diffuse * albedo + highlight) * _PER_DIRECTION


def _lobe(cosine: Floats, exponent: float) -> Floats:
    return np.clip(1 - np.clip(cosine, -1, 1) ** 2, 0, 1) ** (exponent / 2)


@dataclass(frozen=True)
class Lighting:
    """Shadows of the resting and the stretched head, and the hair's fog over both."""

    rest: Shadows
    stretched: Shadows
    fog: Fog

    def at_rest(self, points: Floats, bias: float, skip: float = 0.0) -> Floats:
        """Light that reaches points [N, 3] from each direction [N, D], mouth shut and eyes open."""
        return self.rest.visible(points, bias) * self.fog.transmitted(points, skip)

    def when_stretched(self, points: Floats, bias: float) -> Floats:
        """The same with the jaw open and the eyes shut."""
        return self.stretched.visible(points, bias) * self.fog.transmitted(points, 0.0)


@dataclass(frozen=True)
class Studio:
    """The subject, its light, and the random numbers that all layers share in turn."""

    subject: Subject
    light: Lighting
    rng: np.random.Generator


def bust_shadows(subject: Subject, shape: Mesh) -> Shadows:
    """Shadows of all that is solid: head, mouth, eyes, bust and clothes, not lashes."""
    lashes = [name for name in subject.head.group_names if "eyelashes" in name]
    return cast_shadows(shape.vertices, np.delete(shape.faces, subject.part(*lashes), axis=0))
