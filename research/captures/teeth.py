"""Painted teeth and gums: which tooth a point belongs to, where gums begin, and their colours."""

import numpy as np
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Floats, Ints, smoothstep
from avatar.people.shading import linear
from avatar.people.subject import Subject

# The dental arch from the middle to the left, on the mean head: x and z in millimetres.
_ARCH = np.array(
    [[0, 94], [8, 93.5], [17, 88], [22, 81], [25, 72], [28, 62], [30, 55], [31, 49], [31, 41]]
)
# Where one tooth ends and the next begins, along the arch from the middle (mm).
_UPPER_BORDERS = np.array([-1, 0, 8.5, 15.2, 23.0, 30.2, 37.5, 47.5, 60.0])
_LOWER_BORDERS = np.array([-1, 0, 5.5, 11.5, 18.5, 25.8, 33.2, 43.5, 56.0])
# Length of the crowns (mm) at 0, 20 and 45 mm along the arch.
CROWN = {"upper-teeth": (10.8, 9.5, 7.0), "lower-teeth": (9.0, 8.5, 6.5)}
ENAMEL, ENAMEL_NECK, GUM = linear((236, 227, 208)), linear((224, 204, 170)), linear((196, 112, 108))
TONGUE = linear((196, 108, 104))


def tooth_position(mm: Floats, group: str) -> tuple[Floats, Ints, Floats, Floats]:
    """Of each point [N]: distance along the arch (mm), number of its tooth, position across that
    tooth in [-1, 1], and distance to the next gap (mm)."""
    along = _along_arch(mm)
    borders = _UPPER_BORDERS if group == "upper-teeth" else _LOWER_BORDERS
    tooth = np.clip(np.searchsorted(borders, along) - 1, 1, len(borders) - 2)
    left, right = borders[tooth], borders[tooth + 1]
    across = (along - left) / (right - left) * 2 - 1
    return along, tooth, across, np.minimum(along - left, right - along)


def _along_arch(mm: Floats) -> Floats:
    """Distance [N] of points from the middle along the arch, in millimetres."""
    steps = np.linalg.norm(np.diff(_ARCH, axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    fine = np.linspace(0, length[-1], 400)
    curve = np.stack([np.interp(fine, length, _ARCH[:, axis]) for axis in (0, 1)], 1)
    return fine[KDTree(curve).query(np.stack([np.abs(mm[:, 0]), mm[:, 2]], 1))[1]]


def gum_line(
    subject: Subject, mm: Floats, along: Floats, across: Floats, group: str
) -> tuple[Floats, Floats]:
    """Share of gum [N] and distance from the teeth's tips [N] in lengths of a crown."""
    sign, tips = _tips(subject, group)
    crown = np.interp(along, [0, 20, 45], CROWN[group])
    from_tip = sign * (mm[:, 1] - np.interp(along, *tips))
    return smoothstep(-0.4, 0.8, from_tip - crown + 1.8 * across**2), from_tip / crown


def _tips(subject: Subject, group: str) -> tuple[float, tuple[Floats, Floats]]:
    """Which way the gums lie (1 up, -1 down), and the height of the biting edge along the arch."""
    sign = 1.0 if group == "upper-teeth" else -1.0
    mm = subject.painted.vertices[np.unique(subject.faces[subject.part(group)])] / MM
    along = _along_arch(mm)
    samples = np.linspace(0, along.max(), 12)
    near = np.abs(along[None] - samples[:, None]) < 5
    heights = [sign * (sign * mm[row, 1]).min() if row.any() else np.nan for row in near]
    known = np.isfinite(heights)
    return sign, (samples[known], np.array(heights)[known])
