"""Hair as ribbons: strips of triangles along strands, streaked as if of single hairs."""

from dataclasses import dataclass

import numpy as np

from avatar.mesh.vectors import MM, Bools, Floats, Ints, normalised
from avatar.synthetic.capture.texture import Texture, painted, texel_places
from avatar.synthetic.shared.noise import value_noise

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
