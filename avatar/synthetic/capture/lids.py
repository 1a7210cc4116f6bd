"""Where the lids end: the rim of the opening between them."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation

from avatar.mesh.vectors import MM, Bools, Floats, Ints
from avatar.mesh.zbuffer import project_parallel, rasterize
from avatar.synthetic.shared.sitter import Sitter

HALF_WIDTH, PIXEL = 22 * MM, 0.15 * MM  # of the picture in which the opening is found
SHUTS = 0.35  # share of the lid's longest way that a point of the upper lid goes down in a blink


@dataclass(frozen=True)
class Rim:
    """Points close together round the opening of one eye at rest."""

    points: Floats  # [n, 3]
    triangles: Ints  # [n] of the head's mesh, on the lid
    upper: Bools  # [n] on the upper lid


def lid_rim(sitter: Sitter, side: str) -> Rim:
    """The rim of one eye, l or r: where lid meets eyeball, seen straight from the front."""
    centre, _ = sitter.eye(f"{side}-eye")
    triangles = np.concatenate([sitter.part(f"{side}-eye"), sitter.skin])
    faces = sitter.faces[triangles]
    size = round(2 * HALF_WIDTH / PIXEL)
    projected = project_parallel(np.eye(3), sitter.rest.vertices - centre, size * PIXEL / 2, size)
    drawn = rasterize(projected, faces, size, size, -np.inf)
    ball = (drawn.faces >= 0) & (drawn.faces < len(sitter.part(f"{side}-eye")))
    rows, columns = np.nonzero(np.asarray(binary_dilation(ball), bool) & ~ball & (drawn.faces >= 0))
    seen = triangles[drawn.faces[rows, columns]]
    places = (np.stack([columns, rows], axis=1) + 0.5 - size / 2) * PIXEL
    points = centre + np.column_stack([places, drawn.nearness[rows, columns]])
    blink = sitter.head.unit("eyeBlinkLeft" if side == "l" else "eyeBlinkRight").numpy()
    down = -blink[sitter.faces[seen], 1].mean(1)
    return Rim(points, seen, down > SHUTS * down.max())
