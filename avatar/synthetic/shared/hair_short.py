"""Short hair: thousands of small strands combed to one side, close at the temples."""

from dataclasses import dataclass

import numpy as np

from avatar.mesh.vectors import MM, Floats, bell, dot, normalised, smoothstep
from avatar.synthetic.shared.masks import above_hairline
from avatar.synthetic.shared.noise import value_noise, vector_noise
from avatar.synthetic.shared.skin import Skin
from avatar.synthetic.shared.strands import Scalp, Strands, scalp

PIECES = 4
CROWN = 34 * MM  # x from which the hair is combed to both sides


@dataclass(frozen=True)
class Kind:
    """One sort of strand."""

    count: int
    width: float  # metres
    brightness: float
    lift: float


KINDS = (
    Kind(1100, 2.0 * MM, 0.72, 0.50),
    Kind(2000, 1.05 * MM, 0.95, 0.80),
    Kind(1400, 0.60 * MM, 1.10, 0.95),
)


def short_strands(skin: Skin, rng: np.random.Generator) -> list[Strands]:
    """All strands of short hair, one group per kind."""
    on = scalp(skin, (skin.scalp > 0.02) & (np.abs(skin.mm[:, 0]) < 80))
    rooted = np.flatnonzero(skin.scalp > 0.35)
    return [_grow(kind, number, skin, on, rooted, rng) for number, kind in enumerate(KINDS, 1)]


def _grow(
    kind: Kind,
    seed: int,
    skin: Skin,
    on: Scalp,
    rooted: np.ndarray,
    rng: np.random.Generator,
) -> Strands:
    weight = skin.sizes[rooted] ** 2 * (1 + 1.2 * bell(above_hairline(skin.mm[rooted]) - 4, 6))
    chosen = rooted[rng.choice(len(rooted), kind.count, p=weight / weight.sum())]
    roots, mm = skin.points[chosen], skin.mm[chosen]
    top = smoothstep(30, 102, mm[:, 1])
    edge = smoothstep(0, 14, above_hairline(mm) + 16 * top)
    length = (10 + 20 * top) * (0.35 + 0.65 * edge) * rng.uniform(0.75, 1.2, len(roots)) * MM
    lift = (0.10 + 0.30 * top) * kind.lift
    wish = _comb(roots, top, seed, rng)
    points, normals = _paths(roots, wish, length, lift, on)
    share = np.arange(1, PIECES + 1) / PIECES
    tints = 0.12 * rng.normal(size=len(roots)) + 0.22 * value_noise(roots, 90, 90)
    width = kind.width * np.clip(length / (16 * MM), 0.3, 1)
    return Strands(
        points=points,
        normals=normals,
        widths=width[:, None] * (1 - 0.35 * share),
        tints=tints,
        brightness=np.broadcast_to(kind.brightness * (0.8 + 0.2 * share), normals.shape[:2]),
        opacities=np.broadcast_to(0.90 - 0.25 * share, normals.shape[:2]),
    )


def _comb(roots: Floats, top: Floats, seed: int, rng: np.random.Generator) -> Floats:
    """Directions [N, 3]: aside and back on the top, down at the sides, a little unruly."""
    side = np.tanh((roots[:, 0] - CROWN) / (10 * MM))
    down, back = -((1 - top) ** 1.5), -0.75 * top - 0.45 * (1 - top)
    unruly = 0.28 * vector_noise(roots, 70, 300 + seed) + 0.09 * rng.normal(size=roots.shape)
    return np.stack([side * 0.70 * top, down, back], 1) + unruly


def _paths(
    roots: Floats, wish: Floats, length: Floats, lift: Floats, on: Scalp
) -> tuple[Floats, Floats]:
    """Points [N, PIECES + 1, 3] of arcs over the scalp, and its normals [N, PIECES, 3]."""
    place = roots
    points, normals = [roots], []
    for piece in range(1, PIECES + 1):
        height, normal = on.above(place)
        ahead = normalised(wish - normal * dot(wish, normal))
        place = place - normal * height[:, None] + ahead * (length / PIECES)[:, None]
        height, normal = on.above(place)
        share = piece / PIECES
        wanted = lift * length * (share - 0.38 * share**2) + 0.4 * MM
        points.append(place + normal * (wanted - height)[:, None])
        normals.append(normal)
    return np.stack(points, 1), np.stack(normals, 1)
