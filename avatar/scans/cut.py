"""Cut a coloured mesh open along a line on its surface."""

from dataclasses import dataclass

import numpy as np
import torch

from avatar.mesh import Mesh
from avatar.mesh.coloured import ColouredMesh
from avatar.mesh.edges import edge_numbers, edges_of, pieces
from avatar.mesh.vectors import Floats, Ints
from avatar.scans.split import split_edges

MARGIN = 0.05  # of an edge: a line that passes a vertex closer moves away, or slivers have no area


@dataclass(frozen=True)
class Line:
    """Edges of a mesh that a line on its surface passes."""

    edges: Ints  # [E, 2] lower index first
    shares: Floats  # [E] in (0, 1): where along each edge
    inner: np.ndarray  # [E] bool: the line goes on to both sides


def zero_line(faces: Ints, level: Floats, allowed: np.ndarray) -> Line:
    """The longest connected line on which a level [V] passes zero, among allowed vertices [V]."""
    level = _off_zero(level)
    faces = faces[allowed[faces].sum(1) >= 2]
    edges, _ = edges_of(faces)
    passed = (level[edges[:, 0]] > 0) != (level[edges[:, 1]] > 0)
    edges = edges[passed & allowed[edges].all(1)]
    corners = np.stack([faces[:, [k, (k + 1) % 3]] for k in range(3)], axis=1)  # [M, 3, 2]
    numbers = edge_numbers(edges, corners)
    both = (numbers >= 0).sum(1) == 2
    links = np.sort(numbers[both], axis=1)[:, 1:]  # [L, 2]
    if len(edges) == 0:
        return Line(edges, np.empty(0), np.empty(0, bool))
    label = pieces(links, len(edges))
    chosen = label == np.bincount(label).argmax()
    ends = level[edges[chosen]]
    shares = ends[:, 0] / (ends[:, 0] - ends[:, 1])
    neighbours = np.bincount(links.ravel(), minlength=len(edges))[chosen]
    return Line(edges[chosen], shares.clip(MARGIN, 1 - MARGIN), neighbours >= 2)


def cut_open(scan: ColouredMesh, line: Line, level: Floats) -> ColouredMesh:
    """Split the triangles along a line and part what lies above it (level > 0) from below.

    The two ends of an open line stay whole. New vertices follow the old ones: the line's, above,
    then the copies of its inner ones, below.
    """
    first, split = len(scan.vertices), split_edges(scan, line.edges, line.shares)
    faces, vertices = split.faces.copy(), split.vertices
    heights = np.concatenate([_off_zero(level), np.zeros(len(line.edges))])
    below = heights[faces].sum(1) < 0
    seam = first + np.flatnonzero(line.inner)
    copies = np.arange(len(vertices))
    copies[seam] = len(vertices) + np.arange(len(seam))
    faces[below] = copies[faces[below]]
    mesh = Mesh(
        torch.from_numpy(np.concatenate([vertices, vertices[seam]])), torch.from_numpy(faces)
    )
    return ColouredMesh(mesh, split.paint)


def _off_zero(level: Floats) -> Floats:
    return np.where(level == 0, 1e-9, level)
