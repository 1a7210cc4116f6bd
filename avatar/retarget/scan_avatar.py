"""A coloured mesh of a head becomes an avatar that talks, without training.

Its painted eyes are parted from its lids, so that the lids can close over them, and Gaussians are
drawn larger by how far a face stretches when it moves.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.coloured import ColouredMesh, joined
from avatar.geometry.decimate import decimated
from avatar.geometry.edges import pieces
from avatar.geometry.mesh_file import read_mesh
from avatar.geometry.records import concatenated
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import MM, Bools, Floats, Ints
from avatar.heads import Head, eyeball, fit_units, load_head
from avatar.heads.head import ANY_MESH
from avatar.retarget.align import turned
from avatar.retarget.landmarks import read_landmarks
from avatar.retarget.registration import registered
from avatar.retarget.scan_cut import (
    has_inner_mouth,
    mouth_line,
    part_lips,
    refine,
    split_edges,
    zero_line,
)
from avatar.retarget.scan_inner_mouth import lining_mesh, painted_parts, parts_mesh
from avatar.retarget.scan_surface import Cover, cover, is_grey, is_plain, shaded
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import triangle_frames
from common.errors import naming

POSES = (
    {"jawOpen": 0.9, "eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    {"mouthPucker": 1.0},
    {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0, "jawOpen": 0.4},
)
MOST = 4.0
NEIGHBOURS = 4


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
    """The greatest stretch of the triangles around each vertex of the skin of a template [S, 3]
    registered to a face."""
    units, skin = fit_units(head, head.vertices), head.faces[head.group_faces("body")]
    worst = torch.ones(len(head.vertices))
    for pose in POSES:
        moved = head.vertices.clone()
        for name, weight in pose.items():
            moved += weight * units[head.unit_names.index(name)]
        # how much longer each triangle [M] gets in the direction in which it grows most
        before, after = (_in_plane(shape, skin) for shape in (head.vertices, moved))
        growth = torch.linalg.matrix_norm(after @ torch.linalg.pinv(before), ord=2)
        for corner in range(3):
            worst = worst.scatter_reduce(0, skin[:, corner], growth, "amax")
    body = head.group_vertices("body").numpy()
    return Stretch(KDTree(fitted[body]), worst.clamp(max=MOST).numpy()[body])


def _in_plane(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """[M, 2, 2] both edges from the first corner, as columns in the triangle's plane."""
    frames = triangle_frames(vertices, faces)
    edges = vertices[faces[:, 1:]] - vertices[faces[:, :1]]  # [M, 2, 3]
    return (edges @ frames.R_world_tri)[..., [0, 2]].transpose(-1, -2)


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


@dataclass(frozen=True)
class Made:
    """An avatar and what was done to the scan for it."""

    avatar: Avatar
    cut: float  # length of the cut between the lips, as a share of the mouth's width
    eyes: int  # how many painted eyes were parted from their lids
    inner_mouth: bool  # whether teeth, tongue and lining were added


def avatar_of_scan(
    path: Path, landmarks: Path | None = None, texture: Path | None = None, bare: bool = False
) -> Avatar:
    """Make a coloured mesh (.obj, .ply, .glb) talk: Gaussians on its surface, lips that part, and
    an inner mouth where it has none, whatever side of it is up. Standard error says what was done.

    landmarks: a file of named points (see read_landmarks), where the face is not found without;
    texture: a picture for its texture coordinates. A mesh without colours is shaded as
    plaster, unless it shall be bare, to be lit later.
    Raises FileNotFoundError, OSError or InputError, in one sentence.
    """
    scan = read_mesh(path, texture)
    plain, grey = is_plain(scan.paint), is_grey(scan.paint)
    if (coarse := decimated(scan)) is not scan:
        counts = f"{len(scan.faces):,} triangles decimated to {len(coarse.faces):,}"
        print(f"{path.name}: {counts}", file=sys.stderr)
    scan = coarse
    named = None if landmarks is None else read_landmarks(landmarks)
    with naming(path):
        registration = registered(scan.mesh, named)
    to_head = registration.to_head
    vertices = to_head.apply(scan.mesh.vertices.numpy().astype(np.float64))
    mesh = Mesh(torch.from_numpy(vertices).float(), scan.mesh.faces)
    fitted = to_head.apply(registration.fitted.numpy().astype(np.float64))
    aligned = ColouredMesh(mesh, scan.paint)
    daylit = plain and not bare
    made = make_avatar(load_head(), shaded(aligned) if daylit else aligned, fitted)
    avatar = replace(made.avatar, unlit=not daylit)
    if said := turned(to_head):
        print(f"{path.name}: {said}", file=sys.stderr)
    print(_summary(path, scan, made, registration.residual_mm), file=sys.stderr)
    return without_hue(avatar) if grey else avatar


def make_avatar(head: Head, scan: ColouredMesh, fitted: Floats) -> Made:
    """An avatar of a scan in head space onto which anny-head was fitted [S, 3]."""
    line = mouth_line(head, fitted)
    stretch = stretch_of(head, fitted)
    scan, eyes = part_eyes(scan, head, fitted, stretch)
    if has_inner_mouth(scan, head, fitted, line):
        gaussians = _covered(scan, len(scan.faces), stretch)
        return Made(_avatar(scan, gaussians, fitted), 0.0, eyes, False)
    scan, cut = part_lips(scan, line)
    skin = joined(scan, lining_mesh(head, fitted, line, scan))
    parts, numbers = parts_mesh(head, fitted, scan)
    whole = joined(skin, parts)
    painted = painted_parts()
    number = torch.full((len(head.faces),), -1)
    number[torch.from_numpy(numbers)] = len(skin.faces) + torch.arange(len(numbers))
    inside = Cover(painted.gaussians, number[painted.binding])
    outside = _covered(whole, len(skin.faces), stretch)
    return Made(_avatar(whole, concatenated([outside, inside]), fitted), cut, eyes, True)


def without_hue(avatar: Avatar) -> Avatar:
    """The avatar in grey: a mouth of flesh and blood does not belong in plaster."""
    sh = avatar.gaussians.sh.mean(-1, keepdim=True).expand_as(avatar.gaussians.sh)
    return replace(avatar, gaussians=replace(avatar.gaussians, sh=sh.contiguous()))


def _covered(scan: ColouredMesh, first: int, stretch: Stretch) -> Cover:
    """Gaussians on the first triangles of a scan."""
    middles = scan.vertices[scan.faces].mean(1)
    return cover(scan, np.arange(first), stretch.at(middles))


def _avatar(scan: ColouredMesh, gaussians: Cover, fitted: Floats) -> Avatar:
    template: Tensor = torch.from_numpy(fitted).float()
    mesh = (scan.mesh.vertices, scan.mesh.faces)
    return Avatar(gaussians.gaussians, gaussians.binding, *mesh, ANY_MESH, template)


def _summary(path: Path, scan: ColouredMesh, made: Made, residual_mm: float) -> str:
    lips = "its lips were parted" if made.cut else "its lips were left as they are"
    mouth = "teeth and tongue added" if made.inner_mouth else "its own inner mouth kept"
    eyes = f", {made.eyes} eyes set behind their lids" if made.eyes else ""
    return (
        f"{path.name}: {len(scan.vertices):,} vertices, fitted to {residual_mm:.2f} mm; {lips}, "
        f"{mouth}{eyes}; {len(made.avatar.binding):,} Gaussians"
    )
