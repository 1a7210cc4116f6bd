"""The subject as one mesh: head, neck and shoulders, and a pullover over them."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Floats, Ints, smoothstep
from avatar.people.subject import Subject
from avatar.people.torso import COLUMNS, NECKLINE, at_depth, loft, ring_depths

SINK = 1.0 * MM  # of the neck's ragged end beneath those
SEAM = 0.6 * MM  # by which the shoulders begin beneath the skin of the neck
CLOTH_OFFSET = 2.2 * MM
UNDER_BAND = 9 * MM  # below the neckline, where the pullover itself begins
# The neckband's cross-section: height over the skin and way down from the neckline (mm).
_BAND = np.array([[-0.6, 9], [0.6, 2], [1.8, -0.8], [3.4, -1.2], [4.7, 0.6], [5.0, 5]])
_BAND = np.vstack([_BAND, [[4.8, 10], [4.2, 16], [1.6, 18.5]]])


@dataclass(frozen=True)
class Body:
    """The subject's head mesh, followed by everything that stands still below it."""

    subject: Subject
    vertices: Floats  # [B, 3] metres at rest; the first V are the head's
    faces: Ints  # [M, 3]; the first are the subject's
    skin: Ints  # triangles of each part: head and neck
    shoulders: Ints
    cloth: Ints
    band: Ints
    sink: Floats  # [V, 3] metres by which the ragged end of the neck is drawn beneath the shoulders

    @property
    def still(self) -> Floats:
        """The vertices [B - V, 3] that never move."""
        return self.vertices[len(self.subject.head.vertices) :]


def dress(subject: Subject) -> Body:
    """The body of a subject."""
    head = len(subject.head.vertices)
    rings, normals = subject.rings(subject.rest.vertices), subject.rings(subject.rest.normals)
    depths = ring_depths()
    sunk = rings - normals * (SEAM * smoothstep(4 * MM, -1 * MM, depths))[:, None, None]
    covered = depths > NECKLINE + UNDER_BAND
    cloth = rings[covered] + normals[covered] * CLOTH_OFFSET
    band = np.stack(
        [
            at_depth(rings, NECKLINE + down * MM) + at_depth(normals, NECKLINE + down * MM) * h
            for h, down in _BAND * [MM, 1]
        ]
    )
    still = np.concatenate([part.reshape(-1, 3) for part in (sunk, cloth, band)])
    first = head + sunk.size // 3
    cloth_faces = loft(first, len(cloth))
    band_faces = loft(first + cloth.size // 3, len(band))
    count = len(subject.faces)
    bare = subject.down[subject.faces[subject.torso]].min(1) < NECKLINE + UNDER_BAND
    return Body(
        subject=subject,
        vertices=np.concatenate([subject.rest.vertices[:head], still]),
        faces=np.concatenate([subject.faces, cloth_faces, band_faces]),
        skin=subject.skin,
        shoulders=subject.torso[bare],
        cloth=count + np.arange(len(cloth_faces)),
        sink=_sink(subject),
        band=count + len(cloth_faces) + np.arange(len(band_faces)),
    )


def turn_of(faces: Ints, first: int) -> Floats:
    """Angles [m, 3] round the neck in radians at the corners of lofted triangles [m, 3]."""
    column = (faces - first) % COLUMNS
    behind = column < column.max(1, keepdims=True) - COLUMNS // 2  # across the seam
    return (column + COLUMNS * behind) * (2 * np.pi / COLUMNS)


def _sink(subject: Subject) -> Floats:
    """Offsets [V, 3] that take what lies below the cut of the neck under the first rings."""
    head = len(subject.head.vertices)
    still, normals = subject.rest.vertices[head:], subject.rest.normals[head:]
    vertices, height = subject.rest.vertices[:head], subject.above_cut[:head]
    near = KDTree(still).query(vertices)[1]
    over = ((vertices - still[near]) * normals[near]).sum(1) + SEAM + SINK
    depth = np.clip(over, 0, None) * smoothstep(0.5 * MM, -2.5 * MM, height)
    return -normals[near] * depth[:, None]
