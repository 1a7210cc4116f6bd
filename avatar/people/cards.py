"""Strands on textured cards: hair, brows and lashes as the library has them.

A strand's direction is that of the lines in the texture, by its structure tensor (Bigün and
Granlund 1987); strands are spread by dart throwing with ellipses as distances.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from avatar.geometry.edges import edge_numbers, edges_of
from avatar.geometry.triangle_mesh import face_areas, point_normals
from avatar.geometry.vectors import Bools, Floats, Ints, dot, normalised
from avatar.people.library import texels_at
from avatar.people.surface import barycentric, rounded_points, thin_out

SCALES = ((1, 0.3), (4, 1.0), (12, 1.0))
"""Widths of the structure tensor in units of the finest, and their shares: the fine one leads
where it is sure, the wide ones carry it over places without contrast."""
ALONG = (-0.4, -0.2, 0.0, 0.2, 0.4)  # of a strand's length: where its colour is looked up
EDGE_STEP = 1e-3  # metres between points that stand for a card's edge


@dataclass(frozen=True)
class Cards:
    """A textured mesh of cards."""

    vertices: Floats  # [V, 3] metres
    faces: Ints  # [M, 3]
    uv: Floats  # [M, 3, 2]
    texels: Floats  # [H, W, 4]
    sigma: float = 4.0  # of the finest scale of its lines, in texels

    @cached_property
    def flow(self) -> Floats:
        """The texture's, see `texture_flow`."""
        return texture_flow(self.texels, self.sigma)


@dataclass(frozen=True)
class CardStrands:
    """Short straight strands on cards."""

    points: Floats  # [N, 3] metres
    normals: Floats  # [N, 3] of the card, at right angles to the tangents
    tangents: Floats  # [N, 3]
    colours: Floats  # [N, 3] sRGB in [0, 1]
    alphas: Floats  # [N]
    from_edge: Floats  # [N] metres to the nearest edge of a card

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, chosen: Bools | Ints) -> "CardStrands":
        return CardStrands(**{name: array[chosen] for name, array in vars(self).items()})


def rounded(cards: Cards) -> Cards:
    """The same cards with four triangles for each, on their rounded surface: neither strands nor
    outlines have corners where coarse triangles meet."""
    edges, _ = edges_of(cards.faces)
    side = edge_numbers(edges, cards.faces[:, [[0, 1], [1, 2], [2, 0]]])  # [M, 3]
    normals = point_normals(cards.vertices, cards.faces)
    half = np.tile([0.5, 0.5, 0.0], (len(edges), 1))
    middles, _ = rounded_points(cards.vertices, normals, edges[:, [0, 1, 1]], half)
    faces = np.column_stack([cards.faces, len(cards.vertices) + side])
    uv = np.concatenate([cards.uv, (cards.uv + np.roll(cards.uv, -1, axis=1)) / 2], axis=1)
    split = np.array([[0, 3, 5], [3, 1, 4], [5, 4, 2], [3, 4, 5]])
    vertices = np.concatenate([cards.vertices, middles])
    return replace(
        cards,
        vertices=vertices,
        faces=faces[:, split].reshape(-1, 3),
        uv=uv[:, split].reshape(-1, 3, 2),
    )


def texture_flow(texels: Floats, sigma: float) -> Floats:
    """Direction [H, W, 2] of the lines in a texture [H, W, 4] as cosine and sine of twice their
    angle, rows pointing down; sigma: of the finest scale, in texels."""
    grey = gaussian_filter(texels[..., :3].mean(2) * texels[..., 3], 0.7)
    down, across = np.gradient(grey)
    tensor = [
        sum(share * gaussian_filter(product, scale * sigma) for scale, share in SCALES)
        for product in (across * across, across * down, down * down)
    ]
    twice = np.arctan2(2 * tensor[1], tensor[0] - tensor[2]) + np.pi
    return np.stack([np.cos(twice), np.sin(twice)], -1)


def strands_on(
    cards: Cards,
    length: float,
    width: float,
    rng: np.random.Generator,
    cut: float = 0.3,
    density: int = 6,
) -> CardStrands:
    """Strands spread over cards where they are opaque.

    length, width: metres between neighbours along and across the strands; cut: least opacity;
    density: darts for each place.
    """
    areas = face_areas(cards.vertices, cards.faces)
    pick, weights, uv = _darts(cards, int(areas.sum() / (length * width) * density), rng, cut)
    corners = cards.faces[pick]
    points = np.einsum("nc,ncx->nx", weights, cards.vertices[corners])
    normals = point_normals(cards.vertices, cards.faces)
    facing = normalised(np.einsum("nc,ncx->nx", weights, normals[corners]))
    along = along_lines(cards, pick, uv, cards.flow)
    tangents = normalised(along[:, :3])
    every = np.ones(len(points))
    kept = thin_out(points, tangents, length * every, width * every, -np.inf)
    steps = along[kept, 3:] / np.maximum(np.linalg.norm(along[kept, :3], axis=1), 1e-9)[:, None]
    colours, alphas = _looked_up(cards.texels, uv[kept], steps * length)
    points, tangents, facing = points[kept], tangents[kept], facing[kept]
    across = facing - tangents * dot(facing, tangents)
    return CardStrands(points, normalised(across), tangents, colours, alphas, _edge(cards, points))


def opaque_points(cards: Cards, count: int, rng: np.random.Generator) -> Floats:
    """Points [N, 3] spread over cards where they are opaque; count: with those where not."""
    pick, weights, _ = _darts(cards, count, rng, 0.5)
    return np.einsum("nc,ncx->nx", weights, cards.vertices[cards.faces[pick]])


def _darts(
    cards: Cards, count: int, rng: np.random.Generator, cut: float
) -> tuple[Ints, Floats, Floats]:
    """Triangles [N], barycentric weights [N, 3] and uv [N, 2] of random points of some opacity."""
    areas = face_areas(cards.vertices, cards.faces)
    pick = rng.choice(len(areas), count, p=areas / areas.sum())
    weights = barycentric(count, rng)
    uv = np.einsum("nc,ncx->nx", weights, cards.uv[pick])
    opaque = texels_at(cards.texels[..., 3:], uv)[:, 0] >= cut
    return pick[opaque], weights[opaque], uv[opaque]


def along_lines(cards: Cards, pick: Ints, uv: Floats, flow: Floats) -> Floats:
    """Steps along the texture's lines at uv [N, 2] of triangles [N]: in space and in uv [N, 5]."""
    height, width = flow.shape[:2]
    a, b, c = (cards.vertices[cards.faces[pick, k]] for k in range(3))
    first, second = (cards.uv[pick, k] - cards.uv[pick, 0] for k in (1, 2))
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    area = np.where(np.abs(area) < 1e-12, 1e-12, area)[:, None]
    by_u = ((b - a) * second[:, 1:] - (c - a) * first[:, 1:]) / area
    by_v = ((c - a) * first[:, :1] - (b - a) * second[:, :1]) / area
    cosine, sine = texels_at(flow, uv).T
    angle = np.arctan2(sine, cosine) / 2
    u, v = np.cos(angle) / width, -np.sin(angle) / height
    return np.column_stack([by_u * u[:, None] + by_v * v[:, None], u, v])


def _looked_up(texels: Floats, uv: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """Mean colour [N, 3], weighted by opacity, and mean opacity [N] along strands."""
    found = np.stack([texels_at(texels, uv + share * steps) for share in ALONG])
    alphas = found[..., 3:]
    colours = (found[..., :3] * alphas).sum(0) / np.maximum(alphas.sum(0), 1e-6)
    return colours, alphas[..., 0].mean(0)


def _edge(cards: Cards, points: Floats) -> Floats:
    """Metres [N] from points [N, 3] to the nearest open edge of the cards."""
    welded, same = np.unique(cards.vertices.round(6), axis=0, return_inverse=True)
    edges, counts = edges_of(same.reshape(-1)[cards.faces])
    ends = welded[edges[counts == 1]]  # [E, 2, 3]
    if len(ends) == 0:
        return np.full(len(points), np.inf)
    steps = int(np.ceil(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1).max() / EDGE_STEP)) + 1
    share = np.linspace(0, 1, min(steps, 16))[:, None, None]
    samples = ends[:, 0] + share * (ends[:, 1] - ends[:, 0])
    return KDTree(samples.reshape(-1, 3)).query(points)[0]
