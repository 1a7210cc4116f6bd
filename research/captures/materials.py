"""How every vertex of the body takes light."""

from dataclasses import dataclass, replace

import numpy as np

from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import MM, Bools, Floats, Ints, smoothstep
from avatar.lighting.occlusion import Fog, Shadows
from avatar.people.masks import ear_mask, lip_mask, nose_mask
from research.captures.body import Body
from research.captures.light import BIAS, USUAL, CaptureLight, RayShadows, cavities, diffuse
from research.captures.paint import inner_parts

HARD = 0.3  # softness of all that is not skin
EYE_BIAS = 0.2 * MM  # eyeballs throw no shade, so that lids may shade them closely
DEEPEST = 0.25  # share of its light that the deepest fold keeps
OFF_SKIN = 0.5 * MM  # where light is gathered
UNDER_HAIR = 2 * MM  # within which hair does not shade skin


@dataclass(frozen=True)
class Matter:
    """What does not change from timestep to timestep."""

    light: CaptureLight  # that falls on it
    through: Floats  # [B, D] share of each direction's light that hair and deep folds let through
    open: Floats  # [B] what deep folds keep of their light
    softness: Floats  # [B] how far light wraps into the shadow
    bias: Floats  # [B] metres in front of a vertex that do not shade it

    def lit(
        self, shadows: Shadows | RayShadows, vertices: Floats, normals: Floats
    ) -> tuple[Floats, Floats]:
        """Diffuse light [B, 3] and share of each lamp [B, L] at vertices [B, 3]."""
        visible = shadows.visible(vertices + OFF_SKIN * normals, self.bias) * self.through
        return diffuse(self.light, normals, visible, self.softness), visible @ self.light.lobes

    def under(self, light: CaptureLight, body: Body, fog: Fog) -> "Matter":
        """The same under another light."""
        through = fog.transmitted(body.vertices, UNDER_HAIR, light.directions).astype(float)
        return replace(self, light=light, through=through * self.open[:, None])


def matter_of(body: Body, inner: Bools, solid: Ints, fog: Fog) -> Matter:
    """The matter of a body under its hair; inner [B]: inside the mouth; solid [m, 3] triangles."""
    subject = body.subject
    opened = _open_folds(body, inner, solid)
    through = fog.transmitted(body.vertices, UNDER_HAIR, USUAL.directions).astype(float)
    return Matter(
        light=USUAL,
        through=through * opened[:, None],
        open=opened,
        softness=_by_part(body, 1.0, HARD, inner_parts(subject), body.cloth, body.band),
        bias=_by_part(body, BIAS, EYE_BIAS, subject.part("l-eye", "r-eye")),
    )


def _by_part(body: Body, usual: float, special: float, *parts: Ints) -> Floats:
    """Values [B] of vertices: the special one on the triangles of some parts."""
    values = np.full(len(body.vertices), usual)
    values[np.unique(body.faces[np.concatenate(parts)])] = special
    return values


def _open_folds(body: Body, inner: Bools, solid: Ints) -> Floats:
    """What nostrils and the folds of the ears keep of their light [B]; all else keeps all."""
    subject = body.subject
    normals = point_normals(body.vertices, body.faces)
    openness = cavities(body.vertices, normals, solid)
    kept = DEEPEST + (1 - DEEPEST) * smoothstep(0.1, 0.75, openness)
    count = len(subject.head.vertices)
    painted = subject.painted.vertices[:count] / MM
    still = ear_mask(painted) > 0.2
    still |= (nose_mask(painted) > 0.05) & (lip_mask(painted) < 0.02) & ~inner[:count]
    still[np.unique(body.faces[inner_parts(subject)])] = False
    return np.where(np.pad(still, (0, len(kept) - count)), kept, 1.0)
