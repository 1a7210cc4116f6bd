"""Split the edges of a coloured mesh, which changes neither shape nor colours, and cut it open on a
line: the one where the lips of a scan meet."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import KDTree

from avatar.geometry.coloured import ColouredMesh
from avatar.geometry.edges import edge_numbers, edges_of, pieces
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import MM, Bools, Floats, Ints, normalised
from avatar.heads import Head

ROUNDS = 12  # of halving
# Which edges of a triangle are split (bits: 0→1, 1→2, 2→0) → its pieces, where 0 1 2 are its
# corners and 3 4 5 the points on those edges.
_PIECES = {
    0b000: [(0, 1, 2)],
    0b001: [(0, 3, 2), (3, 1, 2)],
    0b010: [(0, 1, 4), (0, 4, 2)],
    0b100: [(0, 1, 5), (5, 1, 2)],
    0b011: [(3, 1, 4), (0, 3, 4), (0, 4, 2)],
    0b110: [(4, 2, 5), (0, 1, 4), (0, 4, 5)],
    0b101: [(0, 3, 5), (3, 1, 2), (3, 2, 5)],
    0b111: [(0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)],
}


def split_edges(scan: ColouredMesh, edges: Ints, shares: Floats) -> ColouredMesh:
    """Put a new vertex on each of the given edges, in their order after the old vertices.

    edges [E, 2] vertex pairs, lower index first, each once; shares [E] in (0, 1): how far along.
    """
    vertices, faces = scan.vertices, scan.faces
    start, end = vertices[edges[:, 0]], vertices[edges[:, 1]]
    added = start + (end - start) * shares[:, None]
    at_end = np.zeros(len(vertices), bool)
    at_end[edges] = True
    touched = at_end[faces].sum(1) >= 2
    whole, broken = np.flatnonzero(~touched), np.flatnonzero(touched)
    points, weights, pattern = _six_points(faces[broken], len(vertices), edges, shares)
    parts = []
    for bits, triangles in _PIECES.items():
        rows = np.flatnonzero(pattern == bits)
        for corners in triangles:
            parts.append((broken[rows], points[rows][:, corners], weights[rows][:, corners]))
    parents, pieces, inside = (np.concatenate(part) for part in zip(*parts, strict=True))
    mesh = Mesh(
        torch.from_numpy(np.concatenate([vertices, added]).astype(vertices.dtype)),
        torch.from_numpy(np.concatenate([faces[whole], pieces])),
    )
    pieced = scan.paint.of_pieces(parents, inside)
    return ColouredMesh(mesh, scan.paint.of(whole).followed_by(pieced))


def refine(
    scan: ColouredMesh, near: Callable[[Floats], Bools], longest: Callable[[Floats], Floats | float]
) -> ColouredMesh:
    """Halve edges until none is longer than wanted.

    near: points [N, 3] → which [N] are where edges shall be short; longest: points there [N, 3] →
    greatest length in metres of an edge with its middle there, one [N] for each or for all.
    """
    for _ in range(ROUNDS):
        edges, _ = edges_of(scan.faces[near(scan.vertices)[scan.faces].any(1)])
        start, end = scan.vertices[edges[:, 0]], scan.vertices[edges[:, 1]]
        middles = (start + end) / 2
        longer = near(middles)
        longer[longer] = np.linalg.norm(end - start, axis=1)[longer] > longest(middles[longer])
        if not longer.any():
            break
        scan = split_edges(scan, edges[longer], np.full(int(longer.sum()), 0.5))
    return scan


def _six_points(
    faces: Ints, vertex_count: int, edges: Ints, shares: Floats
) -> tuple[Ints, Floats, Ints]:
    """Of each triangle: corners and points on its edges [M, 6], their barycentric coordinates
    [M, 6, 3], and which of its edges are split [M] as bits."""
    points = np.concatenate([faces, faces], axis=1)
    weights = np.tile(np.concatenate([np.eye(3), np.eye(3)]), (len(faces), 1, 1))
    pattern = np.zeros(len(faces), np.int64)
    for k in range(3):
        pair = faces[:, [k, (k + 1) % 3]]
        number = edge_numbers(edges, pair)
        rows = np.flatnonzero(number >= 0)
        share = shares[number[rows]]
        share = np.where(pair[rows, 0] < pair[rows, 1], share, 1 - share)
        points[rows, 3 + k] = vertex_count + number[rows]
        weights[rows, 3 + k] = np.outer(1 - share, np.eye(3)[k])
        weights[rows, 3 + k] += np.outer(share, np.eye(3)[(k + 1) % 3])
        pattern[rows] += 1 << k
    return points, weights, pattern


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
    """Split the triangles along a line and part what is above it (level > 0) from below.

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


EDGE = 1.1 * MM  # greatest length of an edge around the mouth
REACH = 9 * MM  # around the line, within which edges are made short
NEAR = 6 * MM  # of the line, within which the scan's own lips must meet
SHORTEST = 0.6  # of the mouth's width: a shorter line is no line of closed lips
DEEP = 9 * MM  # behind the lips: what is there belongs to the inner mouth
PRESENT = 4 * MM  # from the template's inner mouth to a scan that has one
HAS_ONE = 0.4  # share of the inner mouth that must be there


@dataclass(frozen=True)
class MouthLine:
    """The line where the lips meet, from the subject's right to the left, in its own axes."""

    axes: Floats  # [3, 3] rows: along the mouth, up, out of the face
    points: Floats  # [P, 3] along these axes, first component ascending

    def local(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """Of points [N, 3] in head space: position along the mouth, height above the line, and
        distance in front of it [N]; beyond the corners the line goes on level."""
        along, up, out = (points @ self.axes.T).T
        heights, depths = (np.interp(along, self.points[:, 0], self.points[:, k]) for k in (1, 2))
        return along, up - heights, out - depths

    @property
    def width(self) -> float:
        """Metres from corner to corner, straight."""
        return float(self.points[-1, 0] - self.points[0, 0])


def mouth_line(head: Head, fitted: Floats) -> MouthLine:
    """The line of closed lips of a template [S, 3] registered to a face."""
    upper, lower = (fitted[head.regions[f"lip_inner_{side}"]] for side in ("upper", "lower"))
    line = (upper + lower) / 2
    x = normalised(line[-1] - line[0])
    lips = fitted[head.regions["lips"]].mean(0)
    out = lips - fitted[head.regions["tongue"]].mean(0)
    up = normalised(np.cross(out, x))
    axes = np.stack([x, up, np.cross(x, up)])
    points = line @ axes.T
    return MouthLine(axes, points[np.argsort(points[:, 0])])


def has_inner_mouth(scan: ColouredMesh, head: Head, fitted: Floats, line: MouthLine) -> bool:
    """Whether the scan has a surface of its own where teeth, tongue and palate would be."""
    inside = fitted[np.concatenate([head.regions[n] for n in ("inner_mouth", "teeth", "tongue")])]
    deep = inside[line.local(inside)[2] < -DEEP]
    distance = np.asarray(KDTree(_dense(scan, fitted)).query(deep)[0])
    return float((distance < PRESENT).mean()) > HAS_ONE


def _dense(scan: ColouredMesh, fitted: Floats) -> Floats:
    """Corners and centres of the triangles around the fitted face."""
    points = np.concatenate([scan.vertices, scan.vertices[scan.faces].mean(1)])
    low, high = fitted.min(0) - REACH, fitted.max(0) + REACH
    return points[((points > low) & (points < high)).all(1)]


def part_lips(scan: ColouredMesh, line: MouthLine) -> tuple[ColouredMesh, float]:
    """Cut a scan open where its lips meet.

    Returns the scan, with short edges around the mouth, and the length of the cut as a share of the
    mouth's width; 0 where there is no line to cut, as in a mouth that is open already.
    """
    fine = refine(scan, lambda points: _around(points, line, REACH), lambda _: EDGE)
    along, height, _ = line.local(fine.vertices)
    inside = (along > line.points[0, 0]) & (along < line.points[-1, 0])
    found = zero_line(fine.faces, height, inside & _around(fine.vertices, line, NEAR))
    if len(found.edges) == 0:
        return fine, 0.0
    ends = fine.vertices[found.edges]
    passed = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * found.shares[:, None]
    share = float(np.ptp(line.local(passed)[0])) / line.width
    return (cut_open(fine, found, height), share) if share > SHORTEST else (fine, 0.0)


def _around(points: Floats, line: MouthLine, reach: float) -> np.ndarray:
    along, height, front = line.local(points)
    beyond = np.maximum(line.points[0, 0] - along, along - line.points[-1, 0])
    near = (np.abs(height) < reach) & (np.abs(front) < reach)
    return near & (beyond < reach)
