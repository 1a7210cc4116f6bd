"""Part a scan's painted eyes from its lids, so that the lids can close over them, and measure how
far a face stretches when it moves."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import KDTree

from avatar.geometry.coloured import ColouredMesh, joined
from avatar.geometry.edges import pieces
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import MM, Bools, Floats, Ints
from avatar.heads import Head, eyeball, fit_units
from avatar.retarget.scan_cut import refine, split_edges, zero_line
from avatar.rigging.binding import triangle_frames

POSES = (
    {"jawOpen": 0.9, "eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"mouthPucker": 1.0},
    {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "jawOpen": 0.4},
)
MOST = 4.0
NEIGHBOURS = 4


def template_stretch(head: Head) -> Floats:
    """[S] >= 1: the greatest stretch of the triangles around each vertex of anny-head."""
    units, skin = fit_units(head, head.vertices), head.faces[head.group_faces("body")]
    worst = torch.ones(len(head.vertices))
    for pose in POSES:
        weights = torch.zeros(len(units))
        for name, weight in pose.items():
            weights[head.unit_names.index(name)] = weight
        moved = head.vertices + torch.einsum("e,evx->vx", weights, units)
        # how much longer each triangle [M] gets in the direction in which it grows most
        before, after = (_in_plane(shape, skin) for shape in (head.vertices, moved))
        growth = torch.linalg.matrix_norm(after @ torch.linalg.pinv(before), ord=2)
        for corner in range(3):
            worst = worst.scatter_reduce(0, skin[:, corner], growth, "amax")
    return worst.clamp(max=MOST).numpy()


def _in_plane(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[M, 2, 2] both edges from the first corner, as columns in the triangle's plane."""
    frames = triangle_frames(vertices, faces)
    edges = vertices[faces[:, 1:]] - vertices[faces[:, :1]]  # [M, 2, 3]
    return (edges @ frames.R_world_tri)[..., [0, 2]].transpose(-1, -2)


@dataclass(frozen=True)
class Stretch:
    """How far the skin of a fitted face stretches."""

    tree: KDTree  # of the fitted skin
    values: Floats  # of its vertices, >= 1

    def at(self, points: Floats) -> Floats:
        """[N] at points [N, 3] on the face or near it."""
        distance, near = self.tree.query(points, NEIGHBOURS)
        weights = 1 / (np.asarray(distance) + 1e-4)
        return (weights * self.values[near]).sum(1) / weights.sum(1)


def stretch_of(head: Head, fitted: Floats) -> Stretch:
    """The stretch of a template [S, 3] registered to a face."""
    skin = head.group_vertices("body").numpy()
    return Stretch(KDTree(fitted[skin]), template_stretch(head)[skin])


EDGE = 1.6 * MM  # greatest length of an edge of the lids where they are stretched most
AROUND = 7 * MM  # of the lids' rim, within which edges are made short
ROOT = 2.8 * MM  # from the eyeball: here lashes grow, on the rim of the lids
UNDER = 1.6 * MM  # how far the eye goes on under the lids
BEHIND = 0.9 * MM  # how far it is set back, so that closed lids pass in front of it
WHOLE = 0.9  # of a turn that the rim of the lids must make on the scan
OWN_EYEBALL = 1.6  # radii of the eye: a piece of the scan no larger is an eyeball


@dataclass(frozen=True)
class Opening:
    """The opening between the lids of one eye in head space, as seen from the front."""

    centre: Floats  # [3] of the eyeball
    radius: float  # of the eyeball
    angles: Floats  # [P] ascending, radians from +x towards +y
    radii: Floats  # [P] metres from the centre to the lids' rim

    def local(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """Of points [N, 3]: angle, metres outside the rim, and in front of the centre [N]."""
        across, up, out = (points - self.centre).T
        angle = np.arctan2(up, across)
        rim = np.interp(angle, self.angles, self.radii, period=2 * np.pi)
        return angle, np.hypot(across, up) - rim, out

    def near(self, points: Floats, reach: float) -> Bools:
        """Which points [N] on the front are near the opening or in it."""
        _, outside, out = self.local(points)
        ahead = (out > 0.2 * self.radius) & (out < 2 * self.radius)
        return ahead & (outside < reach)


def eye_opening(head: Head, fitted: Floats, side: str) -> Opening:
    """The opening of the eye on one side (l or r) of a template [S, 3] registered to a face."""
    rest_centre, rest_radius = eyeball(head, head.vertices, f"{side}-eye")
    lashes = head.group_vertices(f"{side}-eyelashes-1", f"{side}-eyelashes-2")
    roots = lashes[(head.vertices[lashes] - rest_centre).norm(dim=1) < rest_radius + ROOT]
    centre, radius = eyeball(head, torch.from_numpy(fitted), f"{side}-eye")
    across, up, _ = (fitted[roots] - centre.numpy()).T
    angle, distance = np.arctan2(up, across), np.hypot(across, up)
    order = np.argsort(angle)
    return Opening(centre.numpy(), float(radius), angle[order], distance[order])


def part_eyes(
    scan: ColouredMesh, head: Head, fitted: Floats, stretch: Stretch
) -> tuple[ColouredMesh, int]:
    """Set the eyes of a scan behind its lids, as surfaces of their own.

    Returns the scan and how many eyes were parted; an eye that is an eyeball already, or whose lids
    the scan does not show, stays as it is.
    """
    parted = 0
    for side in ("l", "r"):
        changed = _part_eye(scan, eye_opening(head, fitted, side), stretch)
        if changed is not None:
            scan, parted = changed, parted + 1
    return scan, parted


def _part_eye(scan: ColouredMesh, opening: Opening, stretch: Stretch) -> ColouredMesh | None:
    if _has_eyeball(scan, opening):
        return None

    def near(points: Floats) -> Bools:
        return opening.near(points, AROUND)

    fine = refine(scan, near, lambda points: EDGE / stretch.at(points))
    _, outside, _ = opening.local(fine.vertices)
    rim = zero_line(fine.faces, outside, near(fine.vertices))
    if len(rim.edges) == 0 or not rim.inner.all():
        return None
    on_rim = fine.vertices[rim.edges].mean(1)
    turned = len(np.unique(np.floor(opening.local(on_rim)[0] / (2 * np.pi) * 40))) / 40
    if turned < WHOLE:
        return None
    fine = split_edges(fine, rim.edges, rim.shares)
    return _set_back(fine, np.concatenate([outside, np.zeros(len(rim.edges))]), opening)


def _set_back(scan: ColouredMesh, outside: Floats, opening: Opening) -> ColouredMesh:
    """The scan with what is inside the rim, and a little more, on a surface behind the lids.

    outside [V]: metres outside the rim, 0 for the vertices on it.
    """
    near = opening.near(scan.vertices, AROUND)[scan.faces].all(1)
    inside = near & (outside[scan.faces].sum(1) < 0)
    under = near & ~inside & (outside[scan.faces] < UNDER).all(1)
    eye = part_of(scan, np.flatnonzero(inside | under))
    moved = eye.mesh.vertices - torch.tensor([0.0, 0.0, BEHIND])
    eye = ColouredMesh(Mesh(moved, eye.mesh.faces), eye.paint)
    return joined(part_of(scan, np.flatnonzero(~inside)), eye)


def part_of(scan: ColouredMesh, triangles: Ints) -> ColouredMesh:
    """Some triangles [m] of a mesh, with the vertices that they use."""
    used, faces = np.unique(scan.faces[triangles], return_inverse=True)
    mesh = Mesh(scan.mesh.vertices[used], torch.from_numpy(faces.reshape(-1, 3)))
    return ColouredMesh(mesh, scan.paint.of(triangles))


def _has_eyeball(scan: ColouredMesh, opening: Opening) -> bool:
    """Whether a piece of the scan by itself is the eyeball."""
    faces, vertices = scan.faces, scan.vertices
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    piece = pieces(edges, len(vertices))
    distance = np.linalg.norm(vertices - opening.centre, axis=1)
    farthest = np.zeros(piece.max() + 1)
    np.maximum.at(farthest, piece, distance)
    return bool((farthest < OWN_EYEBALL * opening.radius).any())
