"""What painters of skin have to know of places on it."""

from dataclasses import dataclass

import numpy as np

from avatar.geometry.vectors import MM, Bools, Floats, smoothstep
from avatar.lighting.occlusion import Shadows
from avatar.people import masks
from avatar.people.subject import Subject
from avatar.people.surface import Spots, at_spots, smooth_points

DARK = 0.10  # share of the sky: what sees less with the mouth shut lies inside it


@dataclass(frozen=True)
class Skin:
    """Samples of the skin."""

    spots: Spots
    points: Floats  # [N, 3] resting
    normals: Floats  # [N, 3]
    mm: Floats  # [N, 3] on the mean head, millimetres
    sizes: Floats  # [N] metres to the neighbours
    scalp: Floats  # [N] masks in [0, 1] from here on
    lips: Floats  # [N]
    ears: Floats  # [N]
    lids: Floats  # [N]
    inner_mouth: Floats  # [N]


def described(sitter: Subject, spots: Spots, inner: Bools) -> Skin:
    """The skin at spots [N]; inner [V]: vertices inside the mouth."""
    points, normals = smooth_points(sitter.rest, spots)
    mm = sitter.millimetres(spots)
    inside = at_spots(inner.astype(float), sitter.faces, spots)
    return Skin(
        spots=spots,
        points=points,
        normals=normals,
        mm=mm,
        sizes=spots.spacing,
        scalp=masks.scalp_mask(mm) * (1 - smoothstep(0.2, 0.6, inside)),
        lips=masks.lip_mask(mm) * (1 - smoothstep(0.3, 0.8, inside)),
        ears=masks.ear_mask(mm),
        lids=np.clip(at_spots(sitter.blink, sitter.faces, spots) / (9 * MM), 0, 1),
        inner_mouth=inside,
    )


def inside_mouth(sitter: Subject, at_rest: Shadows) -> Bools:
    """Vertices [V] behind the lips that see next to no sky while the mouth is shut."""
    inner = np.zeros(len(sitter.rest.vertices), bool)
    region = sitter.head.regions["inner_mouth"].numpy()
    inner[region] = at_rest.visible(sitter.rest.vertices[region], 2 * MM).mean(1) < DARK
    return inner
