"""Where in a scan a head may be and how it is turned: many starts, thinned out by coarse ICP."""

from collections.abc import Iterator

import numpy as np
from scipy.spatial.transform import Rotation

from avatar.mesh.similarity import Similarity
from avatar.mesh.vectors import Floats
from avatar.transfer.coarse_icp import Volume, refine_all
from avatar.transfer.icp import Poses, Scan, smoothed, template_points
from avatar.transfer.template import MOUTH, Template

YAWS = 12  # turns about each direction that may be up
SPANS = (0.16, 0.19, 0.22, 0.26, 0.31, 0.37, 0.45, 0.6, 0.85, 1.2, 1.75)
"""Metres: how much of a person a scan may show, from the face alone to all of the body."""
CROWN, BROW = np.array([0.0, 0.139, 0.005]), np.array([0.0, 0.078, 0.03])
START_POINTS = 600  # of the scan, that tell where its top is
ROUNDS = (
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
    """From a scan's space to head space: how anny-head may lie in it, whatever side is up and
    whatever the unit, the best first by the distance between the surfaces."""
    scan = smoothed(scan)
    volume = Volume.of(scan.points)
    poses, order = starts(scan.points), np.arange(0)
    for count, size, reaches in ROUNDS:
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
