"""Part the lips of a scan along the line where they meet."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from avatar.geometry.coloured import ColouredMesh
from avatar.geometry.vectors import MM, Floats, normalised
from avatar.heads import Head
from avatar.retarget.scan_cut import Line, cut_open, refine, zero_line

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
    found, height = _line_on(fine, line)
    if len(found.edges) == 0:
        return fine, 0.0
    ends = fine.vertices[found.edges]
    passed = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * found.shares[:, None]
    share = float(np.ptp(line.local(passed)[0])) / line.width
    return (cut_open(fine, found, height), share) if share > SHORTEST else (fine, 0.0)


def _line_on(scan: ColouredMesh, line: MouthLine) -> tuple[Line, Floats]:
    along, height, _ = line.local(scan.vertices)
    inside = (along > line.points[0, 0]) & (along < line.points[-1, 0])
    allowed = inside & _around(scan.vertices, line, NEAR)
    return zero_line(scan.faces, height, allowed), height


def _around(points: Floats, line: MouthLine, reach: float) -> np.ndarray:
    along, height, front = line.local(points)
    beyond = np.maximum(line.points[0, 0] - along, along - line.points[-1, 0])
    near = (np.abs(height) < reach) & (np.abs(front) < reach)
    return near & (beyond < reach)
