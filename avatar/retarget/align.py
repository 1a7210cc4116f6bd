"""Find where the face of a scan is: the similarity that brings it into head space.

A search from many starts, thinned out by coarse ICP, gives candidates of where the head is and how
it is turned. The one most like a face is refined by ICP on the surface itself until it converges,
so that the result does not depend on the start.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from scipy.spatial.transform import Rotation
from torch import Tensor

from avatar.geometry.closest import FaceTree, closest, face_tree
from avatar.geometry.similarity import IDENTITY, Similarity, fit_similarity
from avatar.geometry.triangle_mesh import Mesh, point_normals
from avatar.geometry.vectors import Floats, Ints, normalised
from avatar.geometry.zbuffer import seen_faces
from avatar.heads import load_head
from avatar.retarget.icp import (
    AGREE,
    Poses,
    Scan,
    TemplatePoints,
    Volume,
    mean_distance,
    refine,
    refine_all,
    sample_scan,
    smoothed,
    step,
    template_points,
)
from avatar.retarget.landmarks import check_landmarks, how_to_write, landmark_points
from avatar.retarget.likeness import likeness
from avatar.retarget.template import MOUTH, Template, template_of
from common.errors import InputError

ROUNDS = 2  # the triangles that are seen are found anew in each
MOST_STEPS = 60
CONVERGED = 1e-9  # metres: a step that moves no point farther is the last
REACH = 0.008  # metres at which a pair counts a quarter


def icp_refined(
    vertices: Floats, faces: Ints, to_head: Similarity, head: TemplatePoints
) -> tuple[Similarity, Ints]:
    """The similarity from a mesh's space to head space next to one that is nearly right, and the
    triangles [m, 3] that it was found by.

    Point-to-plane ICP like refine, but to the closest points of the triangles [M, 3] seen from
    around and above: it depends neither on samples nor on the pose of the mesh in its own space.
    """
    outside = faces
    for _ in range(ROUNDS):
        moved = to_head.apply(vertices)
        outside = faces[seen_faces(moved, faces)]
        to_head = to_head.then(_converged(face_tree(moved, outside), head))
    return to_head, outside


def _converged(surface: FaceTree, head: TemplatePoints) -> Similarity:
    """The similarity that brings a surface that is nearly in head space onto the template."""
    normals = point_normals(surface.vertices, surface.faces)
    current = IDENTITY
    for _ in range(MOST_STEPS):
        points, facing = current.inverse().apply(head.points), head.normals @ current.rotation
        hit = closest(surface, points, facing, AGREE)
        found = hit.faces >= 0
        corners = surface.faces[hit.faces[found]]
        weights = hit.weights[found]
        on = normalised(np.einsum("pc,pcx->px", weights, normals[corners])) @ current.rotation.T
        reached = current.apply(np.einsum("pc,pcx->px", weights, surface.vertices[corners]))
        away = reached - head.points[found]
        share = (1 / (1 + (away**2).sum(1) / REACH**2)) ** 2
        before, current = current, step(current, reached, on, away, share)
        if np.abs(current.apply(points) - before.apply(points)).max() < CONVERGED:
            break
    return current


YAWS = 12  # turns about each direction that may be up
SPANS = (0.16, 0.19, 0.22, 0.26, 0.31, 0.37, 0.45, 0.6, 0.85, 1.2, 1.75)
"""Metres: how much of a person a scan may show, from the face alone to all of the body."""
CROWN, BROW = np.array([0.0, 0.139, 0.005]), np.array([0.0, 0.078, 0.03])
START_POINTS = 600  # of the scan, to find its top by
HEAD_SEARCH_ROUNDS = (
    (None, 150, (0.05, 0.04)),
    (1000, 250, (0.03, 0.03, 0.02)),
    (200, 400, (0.02, 0.02, 0.015, 0.015)),
)
"""How many of the starts go on, by how many points of anny-head they are judged, and the reach in
metres of each ICP step they take."""
MOST = 6  # candidates
APART = 0.04  # metres in head space between the mouths, crowns or cheeks of two candidates
MARKS = np.stack([MOUTH, CROWN, np.array([0.07, 0.0, 0.03])])


def candidates(template: Template, scan: Scan) -> list[Similarity]:
    """Poses of a scan from its space to head space, whatever side is up and whatever the unit, the
    best first by the distance between the surfaces."""
    scan = smoothed(scan)
    volume = Volume.of(scan.points)
    poses, order = starts(scan.points), np.arange(0)
    for count, size, reaches in HEAD_SEARCH_ROUNDS:
        head = template_points(template, size)
        poses, distances = refine_all(
            scan, volume, poses if count is None else poses.at(order[:count]), head, reaches
        )
        order = np.argsort(distances, kind="stable")
    return list(_distinct([poses[int(index)] for index in order]))


def _distinct(poses: list[Similarity]) -> Iterator[Similarity]:
    """The first of the poses that are alike, MOST of them."""
    kept: list[Similarity] = []
    for pose in poses:
        marks = pose.inverse().apply(MARKS)
        ways = [np.linalg.norm(other.apply(marks) - MARKS, axis=1).max() for other in kept]
        if min(ways, default=np.inf) > APART:
            kept.append(pose)
            yield pose
        if len(kept) == MOST:
            return


def starts(points: Floats) -> Poses:
    """Every turn and span: the top of a scan [Q, 3] is the crown, or the upper end of a face."""
    some, ways = points[:: max(1, len(points) // START_POINTS)], turns()
    turned = some @ ways.swapaxes(1, 2)  # [R, Q, 3]
    order = np.argsort(-turned[..., 1], axis=1)
    turned = np.take_along_axis(turned, order[..., None], axis=1)  # from the top down
    heights = turned[..., 1]
    scale = np.array(SPANS) / np.ptp(heights, axis=1)[:, None]  # [R, K]
    ends = heights[:, :1] - 0.15 / scale
    last = (heights[:, None] > ends[..., None]).sum(2, keepdims=True) - 1  # of each slab
    reach = np.maximum.accumulate(turned, axis=1) + np.minimum.accumulate(turned, axis=1)
    middle = np.take_along_axis(reach, last, axis=1) / 2  # [R, K, 3]
    middle[..., 1] = heights[:, :1]
    shifts = np.stack([CROWN, BROW]) - (scale[..., None] * middle)[:, :, None]  # [R, K, 2, 3]
    each = shifts.shape[1] * shifts.shape[2]
    return Poses(np.repeat(scale.ravel(), 2), np.repeat(ways, each, axis=0), shifts.reshape(-1, 3))


def turns() -> Floats:
    """Rotations [R, 3, 3] that bring each direction up, in YAWS ways: those of the axes, and others
    so that none is farther than 21 degrees from one."""
    group = Rotation.create_group("I")  # of the icosahedron
    golden = (1 + 5**0.5) / 2
    corner = np.array([0, 1, golden]) / np.hypot(1, golden)
    ups = np.concatenate([group.apply([0.0, 0, 1]), group.apply(corner)])
    ups = np.unique(ups.round(9), axis=0)
    yaws = Rotation.from_rotvec(np.outer(2 * np.pi * np.arange(YAWS) / YAWS, [0.0, 1, 0]))
    uprights = [Rotation.align_vectors([[0.0, 1, 0]], [up])[0] for up in ups]
    return np.concatenate([(yaws * upright).as_matrix() for upright in uprights])


SCAN_POINTS, HEAD_POINTS = 6000, 1500
REACHES = (0.015, 0.012, 0.01, 0.008) * 3  # metres, of each step
FARTHEST = 0.011  # metres: a mean distance of the face above this is not a face
UPRIGHT, ALONG = np.cos(np.radians([20, 10]))  # of a head, and for a direction to have a name
LIKE_A_FACE = 0.3  # likeness below which nothing can be one, whatever is bent


def align(mesh: Mesh, landmarks: Mapping[str, Tensor] | None = None) -> tuple[Similarity, Ints]:
    """The similarity that takes a mesh's own space into head space (metres, +y up, +z out), and the
    triangles [m, 3] of the mesh that are then seen from around and above.

    The mesh's unit, position and rotation may be anything, and neck, shoulders, hair or the back of
    the head may be there or missing: of all poses, it is the one in which its surface is most like
    a face. landmarks: points [3] by name, in the mesh's own space, to be used instead. Raises
    InputError where there is no face.
    """
    template = template_of(load_head())
    vertices, faces = mesh.vertices.double().numpy(), mesh.faces.numpy()
    outside = faces[seen_faces(vertices, faces, lowest=-1.0)]
    if len(outside) == 0:
        raise InputError("the mesh has no triangles that can be seen from outside")
    scan = sample_scan(vertices, outside, SCAN_POINTS)
    if landmarks:
        to_head = _by_landmarks(template, scan, landmarks)
        return to_head, faces[seen_faces(to_head.apply(vertices), faces)]
    return _by_face(template, scan, vertices, faces, outside)


def turned(to_head: Similarity) -> str | None:
    """What to say of a mesh that was not upright (+y up); None where it was, within 20 degrees."""
    up = to_head.rotation[1]
    if up[1] > UPRIGHT:
        return None
    axis = int(np.abs(up).argmax())
    name = f"{'+' if up[axis] > 0 else '-'}{'xyz'[axis]}"
    if abs(up[axis]) < ALONG:
        name = "({:.1f}, {:.1f}, {:.1f})".format(*up.round(1) + 0.0)  # no minus before a zero
    return f"the head was turned: its up is {name}"


def unlike_a_face(share: float, needed: float) -> InputError:
    """What to say of a mesh on which no face was found for certain."""
    return InputError(
        f"no face was found in the mesh for certain: what comes nearest is like one by {share:.0%},"
        f" where {needed:.0%} are asked for; if it is a head, {how_to_write()}"
    )


def _by_landmarks(template: Template, scan: Scan, landmarks: Mapping[str, Tensor]) -> Similarity:
    check_landmarks(landmarks)
    index, on_mesh = landmark_points(landmarks)
    to_head = _refined(template, scan, fit_similarity(on_mesh, template.vertices[index]))
    distance = mean_distance(scan, to_head, template_points(template, HEAD_POINTS))
    if distance > FARTHEST:
        raise InputError(
            f"no face was found in the mesh: at best anny-head's face lies "
            f"{1000 * distance:.1f} mm from it; {how_to_write()}"
        )
    return to_head


def _by_face(
    template: Template, scan: Scan, vertices: Floats, faces: Ints, outside: Ints
) -> tuple[Similarity, Ints]:
    """The candidate whose surface is most like a face, refined."""
    poses = [_refined(template, scan, start) for start in candidates(template, scan)]
    shares = [
        likeness(template, pose.apply(vertices), outside, template.vertices) for pose in poses
    ]
    best = int(np.argmax(shares))
    if shares[best] < LIKE_A_FACE:
        raise unlike_a_face(max(shares[best], 0.0), LIKE_A_FACE)
    return icp_refined(vertices, faces, poses[best], template_points(template, HEAD_POINTS))


def _refined(template: Template, scan: Scan, start: Similarity) -> Similarity:
    return refine(scan, start, template_points(template, HEAD_POINTS), REACHES)
