"""The hair on the head: ribbons that lie on the skull and follow it as one stiff piece."""

from dataclasses import dataclass, replace

import numpy as np

from avatar.light.fog import Fog
from avatar.light.shadows import Shadows
from avatar.mesh.records import concatenated, stacked
from avatar.mesh.vectors import MM, Bools, Floats, Ints, normalised, smoothstep
from avatar.synthetic.capture.light import USUAL, StageLight
from avatar.synthetic.capture.ribbons import Ribbons, ribbons, streaked
from avatar.synthetic.capture.texture import Texture
from avatar.synthetic.shared.colour import linear
from avatar.synthetic.shared.hair import grown
from avatar.synthetic.shared.look import Look
from avatar.synthetic.shared.masks import scalp_mask
from avatar.synthetic.shared.noise import value_noise
from avatar.synthetic.shared.sampling import even_spots
from avatar.synthetic.shared.sitter import Sitter
from avatar.synthetic.shared.skin import described
from avatar.synthetic.shared.strands import Strands, tinted

WIDTH = 2.3  # of a ribbon, in the standard deviations that strands are described with
THIN = 0.7 * MM  # standard deviation of the width beyond which a strand is split
FLYAWAY = 0.4 * MM  # and up to which strands are left out: they would be single specks
AMBIENT = 0.25  # light that scatters between hairs and never dies
CONTRAST = 0.5
SHINE = (0.05, 50.0)
SELF_SHADE = 4 * MM  # distance within which hair does not shade itself


@dataclass(frozen=True)
class Spine:
    """The middles of ribbons; each is two of their vertices."""

    points: Floats  # [H, 3]
    tangents: Floats  # [H, 3] unit
    normals: Floats  # [H, 3] unit
    brightness: Floats  # [H] how much of its light each keeps


@dataclass(frozen=True)
class Hair:
    """Lit ribbons at rest."""

    vertices: Floats  # [P, 3]
    fibres: Floats  # [P, 3] unit directions of the hairs
    faces: Ints  # [Q, 3]
    light: Floats  # [P, 3]
    lamps: Floats  # [P, L]
    texture: Texture
    spine: Spine

    def under(self, light: StageLight, shadows: Shadows, fog: Fog) -> "Hair":
        """The same under another light, whose directions the shadows have."""
        sent, lamps = _light(self.spine, light, shadows, fog)
        return replace(self, light=np.repeat(sent, 2, axis=0), lamps=np.repeat(lamps, 2, axis=0))


def grow(sitter: Sitter, look: Look, inner: Bools, rng: np.random.Generator) -> list[Strands]:
    """Strands of the sitter's hair; inner [V]: vertices inside the mouth."""
    mm = sitter.painted.vertices / MM
    spacing = np.where(scalp_mask(mm) > 0.95, 4.0 * MM, 2.3 * MM)
    skin = described(sitter, even_spots(sitter.rest, sitter.skin, spacing, rng), inner)
    strands = grown(skin, look, rng)
    return [_split(group, rng) for group in strands if group.widths.max() > FLYAWAY]


def _split(strands: Strands, rng: np.random.Generator) -> Strands:
    """Each strand as several thinner ones that part towards the tip."""
    count = int(np.clip(np.ceil(strands.widths.max() / THIN), 1, 4))
    tangents = np.diff(strands.points, axis=1, append=strands.points[:, -1:])
    tangents[:, -1] = tangents[:, -2]
    normals = np.concatenate([strands.normals[:, :1], strands.normals], axis=1)
    sideways = normalised(np.cross(tangents, normals))
    width = np.concatenate([strands.widths[:, :1], strands.widths], axis=1)[..., None]
    spread = np.linspace(0.8, 1.3, width.shape[1])[:, None]
    places = (np.arange(count) + 0.5) / count * 2 - 1
    parts = []
    for place in places:
        own = place + rng.normal(size=(len(width), 1, 1)) * 0.5 / count
        lift = rng.uniform(-0.15, 0.25, (len(width), 1, 1)) * width * normals
        points = strands.points + own * width * spread * sideways + lift * (count > 1)
        tints = strands.tints + 0.12 * rng.normal(size=len(width))
        parts.append(
            replace(strands, points=points, tints=tints, widths=strands.widths * 1.3 / count)
        )
    return concatenated(parts)


def lit_hair(strands: list[Strands], look: Look, shadows: Shadows, fog: Fog) -> Hair:
    """Ribbons of all strands, lit as they are at rest."""
    parts = [_lit(group, look, shadows, fog) for group in strands]
    faces = stacked([part.faces for part in parts], [len(part.vertices) for part in parts])
    return replace(concatenated(parts), faces=faces)


def _lit(strands: Strands, look: Look, shadows: Shadows, fog: Fog) -> Hair:
    band, normals, brightness = _ribbons(strands)
    points = band.vertices.mean(2).reshape(-1, 3)
    spine = Spine(points, band.tangents.reshape(-1, 3), normals, brightness)
    light, lamps = _light(spine, USUAL, shadows, fog)
    shift = 0.10 * value_noise(points, 300.0, 77)[:, None] + 0.05
    fibres = normalised(spine.tangents + shift * normals)
    colours = tinted(linear(look.hair), strands.tints)
    return Hair(
        vertices=band.vertices.reshape(-1, 3),
        fibres=np.repeat(fibres, 2, axis=0),
        faces=band.faces,
        light=np.repeat(light, 2, axis=0),
        lamps=np.repeat(lamps, 2, axis=0),
        texture=streaked(band, colours, CONTRAST, SHINE),
        spine=spine,
    )


def _light(spine: Spine, light: StageLight, shadows: Shadows, fog: Fog) -> tuple[Floats, Floats]:
    """Diffuse light [H, 3] and share of each lamp [H, L] along a spine."""
    through = fog.transmitted(spine.points, SELF_SHADE, light.directions)
    visible = shadows.visible(spine.points, 10 * MM) * through
    along = np.clip(spine.tangents @ light.directions.T, -1, 1)
    outward = np.clip((spine.normals @ light.directions.T + 0.25) / 1.25, 0, None)
    diffuse = (np.sqrt(1 - along**2) * outward * visible) @ light.radiance
    sent = (diffuse + AMBIENT * light.radiance.sum(0) / 4) * spine.brightness[:, None]
    return sent, (visible * np.sqrt(outward)) @ light.lobes * spine.brightness[:, None]


def _ribbons(strands: Strands) -> tuple[Ribbons, Floats, Floats]:
    """Ribbons, and normals [S * (K + 1), 3] and brightness [S * (K + 1)] of the strands' points."""

    def at_points(values: Floats) -> Floats:
        ends = np.concatenate([values[:, :1], values, values[:, -1:]], axis=1)
        return (ends[:, 1:] + ends[:, :-1]) / 2

    normals = normalised(at_points(strands.normals))
    widths = WIDTH * at_points(strands.widths * np.sqrt(strands.opacities))
    share = np.linspace(0, 1, widths.shape[1])
    last = (strands.opacities > 0).sum(1, keepdims=True)  # pieces that a strand has
    to_end = np.clip((last - np.arange(widths.shape[1])) / 1.5, 0.08, 1)
    widths = widths * to_end * smoothstep(-0.04, 0.12, share)
    band = ribbons(strands.points, normals, widths, strands.opacities > 0.03)
    return band, normals.reshape(-1, 3), at_points(strands.brightness).ravel()
