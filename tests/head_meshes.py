"""Heads of other topologies made from anny-head, each with the motion it truly has.

Every vertex of theirs is a mean of anny-head's vertices, so that whatever moves anny-head has a
known counterpart. `whole_head` keeps the inside of the mouth, teeth and eyeballs; `sealed_scan` is
what a scanner sees: one surface, its lips grown together and the eyes part of the skin.
"""

from dataclasses import dataclass, replace

import fast_simplification
import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from scipy.spatial import Delaunay
from torch import Tensor

from avatar.geometry.closest import closest, face_tree
from avatar.geometry.edges import edges_of
from avatar.geometry.triangle_mesh import Mesh, point_normals
from avatar.heads import Head, load_head
from avatar.retarget.operator import Transfer, match_vertices, transfer_onto
from avatar.retarget.registered_pair import registered_pair
from avatar.retarget.template import template_of

Floats = NDArray[np.floating]
Indices = NDArray[np.integer]
HEAD = load_head()
OPEN = HEAD.express({"jawOpen": 0.8, "eyeBlinkLeft": -0.2, "eyeBlinkRight": -0.2}).double().numpy()


@dataclass(frozen=True)
class KnownMesh:
    """A mesh whose vertices are turn · (weights · anny-head's) + shift, and a little noise."""

    mesh: Mesh  # [V, 3], [M, 3]
    weights: sp.csr_array  # [V, S]
    turn: Floats  # [3, 3] rotation times scale

    def motion(self, offsets: Tensor) -> Tensor:
        """True offsets [V, 3] where anny-head's are [S, 3]."""
        moved = self.weights @ offsets.double().numpy() @ self.turn.T
        return torch.from_numpy(moved).to(self.mesh.vertices.dtype)

    def within(self, region: str) -> Tensor:
        """Indices of the vertices that lie in a region of anny-head."""
        inside = np.zeros(len(HEAD.vertices))
        inside[HEAD.regions[region]] = 1
        return torch.from_numpy(np.flatnonzero(self.weights @ inside > 0.5))


def whole_head(identity: Tensor | None = None) -> KnownMesh:
    """anny-head itself without lashes; identity [S, 3] offsets of another face."""
    groups = [name for name in HEAD.group_names if "lashes" not in name]
    return _from_faces(HEAD.faces[HEAD.group_faces(*groups)].numpy(), identity)


def sealed_scan(identity: Tensor | None = None) -> KnownMesh:
    """What a scanner sees of anny-head: the outer skin, lips grown together, eyes in the skin."""
    vertices = HEAD.vertices.double().numpy()
    template = template_of(HEAD)
    body = HEAD.faces[HEAD.group_faces("body")].numpy()
    low = vertices[:, 1] < -0.085
    skin = _largest(body[(template.outer | low)[body].all(1)])
    mouth, *eyes = _slits(vertices, skin)
    filled = [_zip(vertices, mouth)]
    filled += [_eye_surface(vertices, loop) for loop in eyes]
    return _from_faces(np.concatenate([skin, *filled]), identity)


def subdivided(known: KnownMesh) -> KnownMesh:
    """Every triangle in four."""
    faces = known.mesh.faces.numpy()
    edges, _ = edges_of(faces)
    count = len(known.mesh.vertices)
    number = sp.coo_array(
        (np.arange(len(edges)) + count, (edges[:, 0], edges[:, 1])), (count, count)
    ).tocsr()
    a, b, c = faces.T
    ab, bc, ca = (number[np.minimum(p, q), np.maximum(p, q)] for p, q in ((a, b), (b, c), (c, a)))
    ab, bc, ca = (np.asarray(part).ravel() for part in (ab, bc, ca))
    corners = ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))
    finer = np.concatenate([np.stack(part, 1) for part in corners])
    halves = np.full(2 * len(edges), 0.5)
    rows = np.repeat(np.arange(len(edges)), 2)
    middle = sp.coo_array((halves, (rows, edges.ravel())), (len(edges), count)).tocsr()
    return _with(known, sp.csr_array(sp.vstack([sp.eye_array(count), middle])), finer)


def decimated(known: KnownMesh, share: float, opened: bool = True) -> KnownMesh:
    """About this share of the triangles, on new vertices; lips are told apart by opening them."""
    faces = known.mesh.faces.numpy()
    pose = known.mesh.vertices.double().numpy()
    if opened:
        pose = pose + known.weights @ OPEN @ known.turn.T
    shape = np.asarray(pose, np.float64), np.asarray(faces, np.int32)
    points, coarser, *_ = fast_simplification.simplify(*shape, 1 - share, agg=3)
    points, coarser = points.astype(float), coarser.astype(np.int64)
    normals = point_normals(points, coarser)
    tree = face_tree(pose, faces)
    hit = closest(tree, points, normals, 0.2)
    lost = hit.faces < 0
    anyhow = closest(tree, points)
    face = np.where(lost, anyhow.faces, hit.faces)
    weights = np.where(lost[:, None], anyhow.weights, hit.weights)
    rows = np.repeat(np.arange(len(points)), 3)
    entries = (weights.ravel(), (rows, faces[face].ravel()))
    on_known = sp.coo_array(entries, (len(points), len(pose))).tocsr()
    return _with(known, on_known, coarser)


def remeshed(known: KnownMesh, opened: bool = True) -> KnownMesh:
    """About as many triangles, none of them an old one."""
    return decimated(subdivided(known), 0.27, opened)


def moved(known: KnownMesh, scale: float, degrees: float, shift: tuple[float, ...]) -> KnownMesh:
    """Scaled, turned about the upright and shifted."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = scale * np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return replace(known, mesh=turned_mesh(known.mesh, turn, shift), turn=turn @ known.turn)


def turned_mesh(mesh: Mesh, turn: Floats, shift: tuple[float, ...]) -> Mesh:
    """A mesh moved by a rotation times scale [3, 3] and a shift."""
    vertices = mesh.vertices.double().numpy() @ turn.T + shift
    return Mesh(torch.from_numpy(vertices).to(mesh.vertices.dtype), mesh.faces)


def noisy(known: KnownMesh, metres: float, seed: int = 0) -> KnownMesh:
    """Each coordinate off by Gaussian noise of this deviation."""
    noise = np.random.default_rng(seed).normal(scale=metres, size=known.mesh.vertices.shape)
    vertices = known.mesh.vertices + torch.from_numpy(noise).to(known.mesh.vertices.dtype)
    return replace(known, mesh=Mesh(vertices, known.mesh.faces))


def holed(known: KnownMesh, holes: int = 12, metres: float = 0.008, seed: int = 0) -> KnownMesh:
    """Round holes of this radius at random places of the surface."""
    vertices, faces = known.mesh.vertices.double().numpy(), known.mesh.faces.numpy()
    centres = vertices[np.random.default_rng(seed).choice(len(vertices), holes, replace=False)]
    middle = vertices[faces].mean(1)
    near = (np.linalg.norm(middle[:, None] - centres[None], axis=2) < metres).any(1)
    return _only(known, faces[~near])


def _from_faces(faces: Indices, identity: Tensor | None) -> KnownMesh:
    rest = HEAD.vertices if identity is None else HEAD.vertices + identity
    used, faces = _compact(faces)
    pick = sp.eye_array(len(rest)).tocsr()[used]
    return KnownMesh(Mesh(rest[used], torch.from_numpy(faces)), pick, np.eye(3))


def _with(known: KnownMesh, means: sp.csr_array, faces: Indices) -> KnownMesh:
    """The mesh whose vertices are means [W, V] of a mesh's."""
    vertices = torch.from_numpy(means @ known.mesh.vertices.double().numpy())
    mesh = Mesh(vertices.to(known.mesh.vertices.dtype), torch.from_numpy(faces))
    return replace(known, mesh=mesh, weights=sp.csr_array(means @ known.weights))


def _only(known: KnownMesh, faces: Indices) -> KnownMesh:
    used, faces = _compact(faces)
    mesh = Mesh(known.mesh.vertices[used], torch.from_numpy(faces))
    return replace(known, mesh=mesh, weights=known.weights[used])


def _compact(faces: Indices) -> tuple[Indices, Indices]:
    used, flat = np.unique(faces, return_inverse=True)
    return used, flat.reshape(-1, 3)


def _largest(faces: Indices) -> Indices:
    """The triangles of the largest component that edges connect."""
    pairs = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]], axis=2).reshape(-1, 2)
    _, owner = np.unique(pairs, axis=0, return_inverse=True)
    triangle = np.repeat(np.arange(len(faces)), 3)
    shares = sp.coo_array((np.ones(len(owner)), (triangle, owner.ravel()))).tocsr()
    _, label = sp.csgraph.connected_components(shares @ shares.T)
    return faces[label == np.bincount(label).argmax()]


def _slits(vertices: Floats, faces: Indices) -> list[Indices]:
    """The closed loops of open edges: the mouth's, then the eyes', each in order."""
    loops = [loop for loop in _loops(faces) if vertices[loop, 2].mean() > 0.05]
    mouth = [loop for loop in loops if abs(vertices[loop, 0].mean()) < 0.005 and len(loop) > 8]
    eyes = [loop for loop in loops if abs(vertices[loop, 0].mean()) > 0.02 and len(loop) > 8]
    assert len(mouth) == 1 and len(eyes) == 2, [len(loop) for loop in loops]
    return [*mouth, *eyes]


def _loops(faces: Indices) -> list[Indices]:
    directed = {(int(a), int(b)) for f in faces for a, b in zip(f, np.roll(f, -1), strict=True)}
    after = {b: a for a, b in directed if (b, a) not in directed}
    loops = []
    while after:
        first = current = next(iter(after))
        loop = []
        while current in after:
            loop.append(current)
            current = after.pop(current)
        if current == first:
            loops.append(np.array(loop))
    return loops


def _zip(vertices: Floats, loop: Indices) -> Indices:
    """Triangles that close a slit, from corner to corner."""
    x = vertices[loop, 0]
    loop = np.roll(loop, -int(x.argmin()))
    turn = int(vertices[loop, 0].argmax())
    one, other = loop[: turn + 1], np.r_[loop[:1], loop[: turn - 1 : -1]]
    i, j, faces = 0, 0, []
    while i < len(one) - 1 or j < len(other) - 1:
        ahead = j == len(other) - 1 or (
            i < len(one) - 1 and vertices[one[i + 1], 0] <= vertices[other[j + 1], 0]
        )
        step = one[i + 1] if ahead else other[j + 1]
        if len({one[i], other[j], step}) == 3:
            faces.append([one[i], step, other[j]])
        i, j = (i + 1, j) if ahead else (i, j + 1)
    return np.array(faces)


def _eye_surface(vertices: Floats, loop: Indices) -> Indices:
    """Triangles between the rim of the lids and the vertices of the eyeball that show."""
    side = "l-eye" if vertices[loop, 0].mean() > 0 else "r-eye"
    ball = HEAD.group_vertices(side).numpy()
    ball = ball[vertices[ball, 2] > 0.07]
    inside = ball[[_depth(vertices[i, :2], vertices[loop, :2]) > 0.0015 for i in ball]]
    points = np.r_[loop, inside]
    triangles = points[Delaunay(vertices[points, :2]).simplices]
    middles = vertices[triangles].mean(1)[:, :2]
    triangles = triangles[[_depth(m, vertices[loop, :2]) > 0 for m in middles]]
    a, b, c = (vertices[triangles[:, k], :2] for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    return np.where(area[:, None] > 0, triangles, triangles[:, ::-1])


def _depth(point: Floats, polygon: Floats) -> float:
    """How far inside a polygon [P, 2] a point is; negative outside."""
    nearer, farther = polygon, np.roll(polygon, -1, axis=0)
    along = farther - nearer
    t = ((point - nearer) * along).sum(1) / (along**2).sum(1)
    rim = np.linalg.norm(nearer + np.clip(t, 0, 1)[:, None] * along - point, axis=1).min()
    crosses = (nearer[:, 1] > point[1]) != (farther[:, 1] > point[1])
    slope = along[:, 0] / np.where(along[:, 1] == 0, 1e-30, along[:, 1])
    right = point[0] < nearer[:, 0] + slope * (point[1] - nearer[:, 1])
    return float(rim if (crosses & right).sum() % 2 else -rim)


def transfer_to(head: Head, mesh: Mesh, fitted: Tensor) -> Transfer:
    """What turns offsets of anny-head into offsets of a mesh that it was fitted to [S, 3]."""
    pair = registered_pair(head, mesh, fitted)
    return transfer_onto(pair, match_vertices(pair))
