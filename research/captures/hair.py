"""Hair as ribbons: strips of triangles along strands, with the texture of single hairs, that follow
the skull rigidly."""

from dataclasses import dataclass, replace

import numpy as np

from avatar.geometry.records import concatenated, stacked
from avatar.geometry.vectors import MM, Bools, Floats, Ints, normalised, smoothstep
from avatar.lighting.occlusion import Fog, Shadows
from avatar.people.hair_styles import grow_strands
from avatar.people.masks import scalp_mask, value_noise
from avatar.people.shading import linear
from avatar.people.skin import described
from avatar.people.strands import Strands, tinted
from avatar.people.subject import Look, Subject
from avatar.people.surface import even_spots
from research.captures.light import USUAL, CaptureLight
from research.captures.texture import Texture, painted, texel_places

STREAK, STREAK_LENGTH = 0.45 * MM, 45 * MM  # across and along a ribbon
LARGEST_RESOLUTION = 8


@dataclass(frozen=True)
class Ribbons:
    """Ribbons of S strands with K pieces each; each point of a strand is two vertices."""

    vertices: Floats  # [S, K + 1, 2, 3] metres
    tangents: Floats  # [S, K + 1, 3] unit
    faces: Ints  # [Q, 3] of the flattened vertices
    strands: Ints  # [Q] strand of each triangle
    places: Floats  # [Q, 3, 2] metres across and along the ribbon, at the corners


def ribbons(points: Floats, normals: Floats, widths: Floats, kept: Bools) -> Ribbons:
    """Ribbons along points [S, K + 1, 3] that lie flat against normals [S, K + 1, 3].

    widths [S, K + 1] metres; kept [S, K]: pieces that exist.
    """
    strands, count = points.shape[:2]
    tangents = normalised(np.gradient(points, axis=1))
    sideways = normalised(np.cross(tangents, normals)) * widths[..., None] / 2
    vertices = np.stack([points - sideways, points + sideways], axis=2)
    left = np.arange(strands * count).reshape(strands, count) * 2
    one = np.stack([left[:, :-1], left[:, :-1] + 1, left[:, 1:]], axis=-1)
    two = np.stack([left[:, 1:] + 1, left[:, 1:], left[:, :-1] + 1], axis=-1)
    faces = np.concatenate([one[kept], two[kept]])
    along = np.concatenate(
        [np.zeros((strands, 1)), np.linalg.norm(np.diff(points, axis=1), axis=2).cumsum(1)], axis=1
    )
    across = np.stack([-widths / 2, widths / 2], axis=-1)
    place = np.stack([across, np.repeat(along[..., None], 2, axis=-1)], axis=-1)
    return Ribbons(
        vertices, tangents, faces, faces[:, 0] // (2 * count), place.reshape(-1, 2)[faces]
    )


def streaked(
    ribbon: Ribbons, colours: Floats, contrast: float, shine: tuple[float, float]
) -> Texture:
    """Texels of ribbons with linear colours [S, 3] and the logarithmic contrast of their hairs.

    shine: gloss and exponent of the highlight.
    """
    width = np.abs(np.diff(ribbon.places[..., 0], axis=1)).max(1)
    resolution = np.clip(np.ceil(width / STREAK), 1, LARGEST_RESOLUTION).astype(np.int64)
    triangles, weights = texel_places(resolution)
    place = np.einsum("xc,xcd->xd", weights, ribbon.places[triangles])
    strand = ribbon.strands[triangles]
    at = np.column_stack([place[:, 0] / STREAK, place[:, 1] / STREAK_LENGTH, strand * 3.7])
    tint = contrast * value_noise(at, 1.0, 91)
    albedo = colours[strand] * np.exp(tint)[:, None]
    return painted(resolution, np.column_stack([albedo, np.tile(shine, (len(albedo), 1))]))


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

    def under(self, light: CaptureLight, shadows: Shadows, fog: Fog) -> "Hair":
        """The same under another light, whose directions the shadows have."""
        sent, lamps = _light(self.spine, light, shadows, fog)
        return replace(self, light=np.repeat(sent, 2, axis=0), lamps=np.repeat(lamps, 2, axis=0))


def grow(subject: Subject, look: Look, inner: Bools, rng: np.random.Generator) -> list[Strands]:
    """Strands of the subject's hair; inner [V]: vertices inside the mouth."""
    mm = subject.painted.vertices / MM
    spacing = np.where(scalp_mask(mm) > 0.95, 4.0 * MM, 2.3 * MM)
    skin = described(subject, even_spots(subject.rest, subject.skin, spacing, rng), inner)
    strands = grow_strands(skin, look.hair_style, rng)
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


def _light(spine: Spine, light: CaptureLight, shadows: Shadows, fog: Fog) -> tuple[Floats, Floats]:
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
