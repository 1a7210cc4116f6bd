"""Strands of hair as Gaussians."""

import numpy as np

from avatar.mesh.vectors import MM, Floats, Ints, axes, normalised
from avatar.synthetic.portrait.layer import Layer, layer
from avatar.synthetic.portrait.lighting import Studio
from avatar.synthetic.portrait.shading import lit_hair
from avatar.synthetic.shared.colour import linear
from avatar.synthetic.shared.sitter import Sitter, still_vertices
from avatar.synthetic.shared.strands import Strands, tinted

AMBIENT = 0.10  # light that scatters between hairs and never dies
OVERLAP = 0.52  # standard deviation along a piece, of its length
FLATNESS = 0.5  # of a strand's thickness against its width


def strand_layer(studio: Studio, strands: Strands) -> Layer:
    """The Gaussians of strands; a strand follows the still triangle nearest its root."""
    pieces = np.diff(strands.points, axis=1)  # [S, K, 3]
    alive = (strands.opacities > 0.03).ravel()

    def flat(values: Floats) -> Floats:
        return values.reshape(alive.size, *values.shape[2:])[alive]

    middles = flat((strands.points[:, 1:] + strands.points[:, :-1]) / 2)
    along, normals = flat(pieces), flat(strands.normals)
    length = np.linalg.norm(along, axis=1)
    tints = np.repeat(strands.tints, pieces.shape[1])[alive]
    albedo = tinted(linear(studio.look.hair), tints)
    visible = studio.light.at_rest(middles, 10 * MM, skip=4 * MM)
    tangents = normalised(along)
    radiance = lit_hair(middles, tangents, normals, visible, albedo) + AMBIENT * albedo
    flicker = np.clip(1 + 0.10 * studio.rng.normal(size=len(middles)), 0.5, 1.6)
    radiance *= (flat(strands.brightness) * flicker)[:, None]
    width = flat(strands.widths)
    owners = studio.sitter.nearest(still_triangles(studio.sitter), strands.points[:, 0])
    return layer(
        means=middles,
        axes=axes(tangents, normals),
        scales=(length * OVERLAP, width * FLATNESS, width),
        radiance=radiance,
        opacities=flat(strands.opacities),
        triangles=np.repeat(owners, pieces.shape[1])[alive],
    )


def still_triangles(sitter: Sitter) -> Ints:
    """Triangles of the skin that only the head's pose moves, and that follow it wholly."""
    follows = sitter.head.pose_weights.numpy() > 0.999
    still = still_vertices(sitter.head) & follows
    return sitter.skin[still[sitter.faces[sitter.skin]].all(1)]
