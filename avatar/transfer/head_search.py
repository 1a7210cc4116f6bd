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
    some = points[:: max(1, len(points) // START_POINTS)]
    found = []
    for turn in turns():
        turned = some @ turn.T
        heights = turned[:, 1]
        for span in SPANS:
            scale = span / np.ptp(heights)
            slab = turned[heights > heights.max() - 0.15 / scale]
            middle = (slab.max(0) + slab.min(0)) / 2
            middle[1] = heights.max()
            found += [Similarity(scale, turn, mark - scale * middle) for mark in (CROWN, BROW)]
    return Poses.of(found)


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
