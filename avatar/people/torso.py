"""The body below the head: throat, shoulders and chest as rings that continue the neck contour."""

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from avatar.geometry.edges import directed_edges
from avatar.geometry.vectors import MM, Floats, Ints, smoothstep

RINGS, COLUMNS = 28, 64
TILT = 0.12  # the neck is cut along a plane that falls by this towards the front
MARGIN = 2 * MM  # of that plane above the ragged rim of the head's mesh
SLOPE_HEIGHT = 6 * MM  # over which the neck's slope is measured
OVERLAP = 4 * MM  # of the first ring over the head's skin
NECKLINE = 42 * MM  # below the cut of the neck: here the pullover begins
FADED = 48 * MM  # below the cut, where the neck's own shape has faded into the profile
# Downward from the middle of the cut (mm): height, half width beyond the neck's, front and back
# half depth beyond the neck's, how much lower the front lies than the middle, shift forward.
_PROFILE = np.array(
    [
        [0, 0, 0, 0, 4, 0],
        [-12, 0, -1, 1, 4, -2],
        [-24, 2, -1, 4, 6, -4],
        [-38, 8, 0, 8, 12, -5],
        [-48, 22, 4, 13, 15, -5],
        [-55, 44, 9, 18, 15, -4],
        [-63, 74, 16, 24, 12, -2],
        [-76, 102, 26, 29, 8, 0],
        [-96, 122, 36, 34, 4, 1],
        [-130, 133, 43, 38, 0, 2],
    ]
)


def above_cut(points: Floats, rim: Floats) -> Floats:
    """Height [N] in metres of points over the plane that cuts the neck just above its rim."""
    lowest = (rim[:, 1] + TILT * rim[:, 2]).max() + MARGIN
    return points[:, 1] + TILT * points[:, 2] - lowest


def torso_vertices(vertices: Floats, skin: Ints, rim: Floats) -> Floats:
    """Rings [RINGS, COLUMNS, 3] from a little above the neck's cut down to the chest.

    vertices [V, 3] of the head; skin [m, 3] its triangles; rim [B, 3] the mesh's lower edge.
    """
    height = above_cut(vertices, rim)
    cut = _contour(vertices, skin, height)
    slope = (cut - _contour(vertices, skin, height - SLOPE_HEIGHT)) / SLOPE_HEIGHT
    middle = (cut.max(0) + cut.min(0)) / 2
    half_width, half_depth = ((cut.max(0) - cut.min(0)) / 2)[[0, 2]]
    rings = []
    for depth, row in zip(ring_depths(), _profile_rows(ring_depths()), strict=True):
        faded = smoothstep(0, FADED, depth)
        own = cut + slope * min(depth, FADED)
        rings.append(own + (_ring(row, half_width, half_depth) + middle - own) * faded)
    return np.stack(rings)


def ring_depths() -> Floats:
    """How far [RINGS] each ring lies below the cut, along the profile, in metres."""
    return np.linspace(-OVERLAP, _profile_length()[-1] * MM, RINGS)


def loft(first: int) -> Ints:
    """Triangles between the rings, whose vertices are numbered from `first`; they face outwards."""
    ring = first + np.arange(RINGS * COLUMNS).reshape(RINGS, COLUMNS)
    upper, lower = ring[:-1], ring[1:]
    next_upper, next_lower = np.roll(upper, -1, axis=1), np.roll(lower, -1, axis=1)
    one = np.stack([upper, next_upper, lower], axis=-1).reshape(-1, 3)
    two = np.stack([lower, next_upper, next_lower], axis=-1).reshape(-1, 3)
    return np.concatenate([one, two])


def _angles() -> Floats:
    return np.arange(COLUMNS) / COLUMNS * 2 * np.pi


def _contour(vertices: Floats, faces: Ints, height: Floats) -> Floats:
    """Where height [V] passes zero on a mesh, resampled at even angles [COLUMNS, 3]."""
    edges = directed_edges(faces)
    ends = height[edges]
    edges, ends = edges[ends.prod(1) < 0], ends[ends.prod(1) < 0]
    share = ends[:, :1] / (ends[:, :1] - ends[:, 1:])
    points = vertices[edges[:, 0]] * (1 - share) + vertices[edges[:, 1]] * share
    middle = (points.max(0) + points.min(0)) / 2
    offset = points - middle
    angle = np.arctan2(offset[:, 2], offset[:, 0]) % (2 * np.pi)
    radius = np.hypot(offset[:, 0], offset[:, 2])
    order = np.argsort(angle, kind="stable")
    sampled = [
        np.interp(_angles(), angle[order], values[order], period=2 * np.pi)
        for values in (radius, offset[:, 1])
    ]
    radius, rise = (gaussian_filter1d(values, 1.0, mode="wrap") for values in sampled)
    x, z = np.cos(_angles()) * radius, np.sin(_angles()) * radius
    return middle + np.stack([x, rise, z], axis=1)


def _profile_length() -> Floats:
    steps = np.linalg.norm(np.diff(_PROFILE[:, :2] * [1, 0.7], axis=0), axis=1)
    return np.concatenate([[0], np.cumsum(steps)])


def _profile_rows(depths: Floats) -> Floats:
    """The profile at depths [R] along it, in metres."""
    return PchipInterpolator(_profile_length() * MM, _PROFILE)(np.maximum(depths, 0)) * MM


def _ring(row: Floats, half_width: float, half_depth: float) -> Floats:
    height, wider, front, back, tilt, forward = row
    x, z = np.cos(_angles()), np.sin(_angles())
    depth = np.where(z > 0, front, back) + half_depth
    width = half_width + wider
    return np.stack([x * width, height - tilt * z, z * depth + forward], axis=1)
