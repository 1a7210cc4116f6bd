"""Give the vertices of a head the numbers under which FLAME has their like."""

from collections.abc import Mapping, Sequence

import numpy as np

from avatar.heads import Head
from avatar.heads import flame_model as indices
from avatar.retarget.landmarks import LANDMARKS

GAP = (3546, 3504)  # the vertices between which the field measures the opening of the lips
Points = Mapping[int, np.ndarray]


def place(head: Head, points: Points, mouth: Sequence[int]) -> dict[int, int]:
    """FLAME's number of every vertex of `points`; `mouth` is the rim within the lips."""
    placed = _rim(points, mouth)
    pairs = _pairs(head, points)
    for flame, vertices in zip(indices.LIP_PAIRS, pairs, strict=True):
        placed |= dict(zip(vertices, flame, strict=True))
    for number, target in _targets(head).items():
        vertex = _nearest(points, target, placed)
        placed[vertex] = number
    free = sorted(set(range(indices.LEFT_EYEBALL.start)) - set(placed.values()))
    rest = [vertex for vertex in points if vertex not in placed]
    return placed | dict(zip(rest, free, strict=True))


def _rim(points: Points, mouth: Sequence[int]) -> dict[int, int]:
    """The rim from the left corner over the upper lip, right corner, lower lip back."""
    start = int(np.argmax([points[v][0] for v in mouth]))
    loop = [*mouth[start:], *mouth[:start]]
    if points[loop[8]][1] < points[loop[-8]][1]:
        loop = [loop[0], *loop[:0:-1]]
    left, right = indices.LIP_RIM_CORNERS
    numbers = [left, *indices.LIP_RIM_UPPER, right, *indices.LIP_RIM_LOWER[::-1]]
    return dict(zip(loop, numbers, strict=True))


def _pairs(head: Head, points: Points) -> list[tuple[int, int]]:
    """Fifteen pairs along the line of the lips, right to left: anny-head's eleven and four of the
    pairs of vertices beside them that are the closest."""
    upper, lower = (head.regions[f"lip_inner_{side}"].tolist() for side in ("upper", "lower"))
    pairs = list(zip(upper, lower, strict=True))
    taken = {vertex for pair in pairs for vertex in pair}
    near = _sides(head, points, upper, lower)
    found = sorted(
        (float(np.linalg.norm(points[u] - points[v])), u, v) for u in near[0] for v in near[1]
    )
    for _, u, v in found:
        if len(pairs) < len(indices.LIP_PAIRS) and not taken & {u, v}:
            pairs.append((u, v))
            taken |= {u, v}
    return sorted(pairs, key=lambda pair: float(points[pair[0]][0]))


def _sides(
    head: Head, points: Points, upper: Sequence[int], lower: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Vertices near the line of the lips that move with the upper lip, and with the lower."""
    drop = -head.unit("jawOpen")[:, 1].numpy()
    line = np.array([points[v] for v in (*upper, *lower)])
    near = [
        v
        for v, point in points.items()
        if v < len(drop) and np.linalg.norm(line - point, axis=1).min() < 2.5e-3
    ]
    deep = max(drop[list(lower)])
    return [v for v in near if drop[v] < 0.2 * deep], [v for v in near if drop[v] > 0.6 * deep]


def _targets(head: Head) -> dict[int, np.ndarray]:
    """Where the named vertices lie on the face."""
    upper = head.vertices[head.regions["lip_inner_upper"]].double().numpy()
    width = upper[:, 0].max()
    targets: dict[int, np.ndarray] = {}
    rings = (
        (indices.LIP_OUTER_UPPER, 0.0043, 0.004),
        (indices.LIP_OUTER_LOWER, -0.0047, 0.0023),
    )
    for ring, height, forward in rings:
        for k in np.argsort(np.abs(np.arange(15) - 7)):
            x = width * np.cos(np.pi * (k + 0.5) / 15)
            bulge = np.sqrt(1 - (x / width) ** 2)
            y, z = (np.interp(x, upper[:, 0], upper[:, axis]) for axis in (1, 2))
            targets[ring[k]] = np.array([x, y + height * bulge, z + forward * bulge])
    targets[GAP[0]], targets[GAP[1]] = (
        np.array([0, -0.0473, 0.1023]),
        np.array([0, -0.0508, 0.1007]),
    )
    return targets | _landmarks(head)


def _landmarks(head: Head) -> dict[int, np.ndarray]:
    vertices = head.vertices.double().numpy()
    return {
        number: vertices[LANDMARKS[name]]
        for name, number in indices.LANDMARKS.items()
        if "lip" not in name
    }


def _nearest(points: Points, target: np.ndarray, taken: Mapping[int, int]) -> int:
    free = [vertex for vertex in points if vertex not in taken]
    return min(free, key=lambda vertex: float(np.linalg.norm(points[vertex] - target)))
