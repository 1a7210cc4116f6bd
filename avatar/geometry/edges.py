"""The edges of triangles: which are shared or open, what they connect, the smoothest modes of a
mesh's graph Laplacian, and welding of seams where a file repeats vertices for its texture."""

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse import diags
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh
from torch import Tensor

from avatar.geometry.vectors import Bools, Floats, Ints


def directed_edges(faces: Ints) -> Ints:
    """Edges [3 M, 2] in the direction in which triangles [M, 3] run them: every triangle's first,
    then every second, then every third."""
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def edges_of(faces: Ints) -> tuple[Ints, Ints]:
    """Unique edges [E, 2], lower index first, and how many triangles share each [E]."""
    keys, counts = np.unique(_keys(directed_edges(faces), _size(faces)), return_counts=True)
    return np.stack(np.divmod(keys, _size(faces)), axis=1), counts


def edge_numbers(edges: Ints, pairs: Ints) -> Ints:
    """The row in `edges` [E, 2] (each once) of vertex pairs [..., 2] in either order, or -1."""
    if len(edges) == 0:
        return np.full(pairs.shape[:-1], -1)
    size = max(_size(edges), _size(pairs))
    keys, wanted = _keys(edges, size), _keys(pairs, size)
    order = np.argsort(keys)
    found = np.searchsorted(keys[order], wanted).clip(max=len(keys) - 1)
    return np.where(keys[order][found] == wanted, order[found], -1)


def shared_edges(faces: Ints) -> tuple[Ints, Ints]:
    """Edges [E, 2], lower index first, each with two triangles that share it [E, 2]."""
    keys = _keys(directed_edges(faces), _size(faces))
    order = np.argsort(keys, kind="stable")
    same = np.flatnonzero(np.diff(keys[order]) == 0)
    owners = order % len(faces)
    edges = np.stack(np.divmod(keys[order][same], _size(faces)), axis=1)
    return edges, np.stack([owners[same], owners[same + 1]], axis=1)


def open_edges(faces: Ints) -> Ints:
    """Directed edges [E, 2] that no other triangle runs through the other way."""
    edges = directed_edges(faces).astype(np.int64)
    there, back = edges @ [_size(faces), 1], edges @ [1, _size(faces)]
    return edges[~np.isin(there, back)]


def pieces(links: Ints, count: int) -> Ints:
    """The number of the connected piece that each of `count` things belongs to, by links [L, 2]."""
    graph = sp.coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), (count, count))
    return connected_components(graph, directed=False)[1]


def adjacency(faces: Ints, count: int) -> sp.csr_array:
    """Symmetric [V, V] matrix of ones where two vertices share an edge."""
    edges, _ = edges_of(faces)
    ones = np.ones(len(edges))
    half = sp.coo_array((ones, (edges[:, 0], edges[:, 1])), (count, count))
    return (half + half.T).tocsr()


def boundary_vertices(faces: Ints, count: int) -> Bools:
    """[V] true for the vertices of edges that only one triangle has."""
    edges, counts = edges_of(faces)
    mask = np.zeros(count, bool)
    mask[edges[counts == 1]] = True
    return mask


def _size(indices: Ints) -> int:
    return int(indices.max(initial=0)) + 1


def _keys(pairs: Ints, size: int) -> Ints:
    """One number for each of pairs [..., 2] of indices below `size`, whatever their order."""
    return np.sort(pairs, axis=-1) @ np.array([size, 1], np.int64)


def smooth_modes(faces: Tensor, count: int, vertices: int) -> Tensor:  # [V, B]
    """The lowest eigenvectors of a mesh's graph Laplacian, each with a mean square of 1.

    Among them are the shifts of every connected part: teeth, tongue and eyes move on their own.
    """
    linked = adjacency(faces.cpu().numpy(), vertices)
    degree = diags(linked.sum(1) + 1e-6)
    start = np.random.default_rng(0).standard_normal(vertices)
    count = min(count, vertices - 2)
    _, modes = eigsh((degree - linked).tocsc(), k=count, sigma=-1e-3, v0=start)
    return torch.from_numpy(modes * vertices**0.5).float()


def welded(vertices: Floats, faces: Ints) -> tuple[Floats, Ints, Ints]:
    """Join triangles whose open edges coincide.

    vertices [V, 3]; faces [M, 3]. Only open edges that run against each other through the same two
    positions are joined, so that lips that touch without being one surface stay apart. Returns the
    vertices in use [v, 3], faces [m, 3] without those that lost a corner, and the index of each
    kept triangle [m].
    """
    same = _coinciding(vertices, faces)
    label = pieces(same, len(vertices))
    sewn = label[faces]
    kept = np.flatnonzero((sewn != np.roll(sewn, 1, axis=1)).all(1))
    used, renumbered = np.unique(sewn[kept], return_inverse=True)
    first = np.zeros(label.max() + 1, np.int64)
    first[label[::-1]] = np.arange(len(vertices))[::-1]
    return vertices[first[used]], renumbered.reshape(-1, 3), kept


def _coinciding(vertices: Floats, faces: Ints) -> Ints:
    """Pairs of vertices [P, 2] to make one."""
    edges = open_edges(faces)
    if len(edges) == 0:
        return np.empty((0, 2), np.int64)
    corners, index = np.unique(edges, return_inverse=True)
    _, position = np.unique(vertices[corners], axis=0, return_inverse=True)
    ends = position.reshape(-1)[index.reshape(-1, 2)]  # [E, 2] numbers of positions
    size = int(ends.max()) + 1
    there, back = ends @ [size, 1], ends @ [1, size]
    order = np.argsort(there, kind="stable")
    first = np.searchsorted(there[order], back, side="left")
    past = np.searchsorted(there[order], back, side="right")
    _, number, times = np.unique(there, return_inverse=True, return_counts=True)
    alone = (past - first == 1) & (times[number] == 1)
    partner = edges[order[first[alone]]]
    return np.concatenate([edges[alone][:, [0]], partner[:, [1]]], axis=1)
