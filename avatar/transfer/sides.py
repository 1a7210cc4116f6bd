"""To which lip the vertices along a mouth belong, told by how the mesh hangs together."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

from avatar.transfer.surface import edges_of
from avatar.transfer.template import Template

Floats = NDArray[np.floating]
Indices = NDArray[np.integer]

BAND = 0.004  # metres from the line of the lips: nearness alone cannot tell the lips apart here
REACH = 0.012  # metres: the surface around the band, where it can
STEPS = 8  # points to each piece of the line


def near_lips(
    template: Template, vertices: Floats, faces: Indices, fitted: Floats, nearest: Indices
) -> tuple[Indices, Indices]:
    """The vertices [B] in the band, and for each the vertex outside it that is nearest along the
    surface [B], or -1; where lips are parted, no way leads from one to the other.

    nearest [V]: any labels; a vertex without one (below 0) leads nowhere.
    """
    from_line = KDTree(_line(template, fitted)).query(vertices)[0]
    band = from_line < BAND
    sources = np.flatnonzero(~band & (from_line < REACH) & (nearest >= 0))
    edges, _ = edges_of(faces[(from_line[faces] < REACH).all(1)])
    if not band.any() or len(sources) == 0 or len(edges) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    lengths = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1) + 1e-9
    shape = (len(vertices), len(vertices))
    graph = sp.coo_array((lengths, (edges[:, 0], edges[:, 1])), shape).tocsr()
    _, _, source = dijkstra(
        graph, directed=False, indices=sources, return_predecessors=True, min_only=True
    )
    return np.flatnonzero(band), np.maximum(source[band], -1)


def _line(template: Template, fitted: Floats) -> Floats:
    """Points [L, 3] along the line where the lips meet."""
    pairs = (fitted[template.lips_upper] + fitted[template.lips_lower]) / 2
    shares = np.arange(STEPS)[:, None, None] / STEPS
    between = pairs[:-1] + (pairs[1:] - pairs[:-1]) * shares
    return np.concatenate([between.reshape(-1, 3), pairs[-1:]])
