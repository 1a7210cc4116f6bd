"""All that stands in the light of the portrait: the head in two shapes, and its hair."""

from dataclasses import dataclass

import numpy as np

from avatar.light.fog import Fog
from avatar.light.shadows import Shadows, cast_shadows
from avatar.mesh.vectors import MM, Floats
from avatar.synthetic.shared.look import Look
from avatar.synthetic.shared.sitter import Sitter
from avatar.synthetic.shared.surface import Mesh


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
    """Who is painted, in what light, and the chance that painters draw on, one after the other."""

    sitter: Sitter
    look: Look
    light: Lighting
    rng: np.random.Generator


def head_shadows(sitter: Sitter, shape: Mesh) -> Shadows:
    """Shadows of all that is solid: head, mouth, eyes and torso, not lashes or the neck's seam."""
    lashes = [name for name in sitter.head.group_names if "eyelashes" in name]
    body = sitter.part("body")
    neck_end = body[sitter.above_cut[sitter.faces[body]].min(1) < 0]
    overlap = sitter.torso[sitter.down[sitter.faces[sitter.torso]].min(1) < 2 * MM]
    thin = np.concatenate([sitter.part(*lashes), neck_end, overlap])
    return cast_shadows(shape.vertices, np.delete(sitter.faces, thin, axis=0))
