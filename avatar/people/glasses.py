"""Glasses: two rims, the bridge between them, and temples that rest on the ears."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.spatial import KDTree

from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import MM, Floats, axes, dot, normalised
from avatar.heads import Head, eyeball
from avatar.people.layer import Layer, layer
from avatar.people.subject import Subject, still_triangles


@dataclass(frozen=True)
class Glasses:
    """The form of a pair, in metres."""

    half_width: float
    """of a lens"""
    half_height: float
    """of a lens"""
    squareness: float
    """exponent of a rim's superellipse: 2 is round"""
    bridge: float
    """between the rims"""
    drop: float
    """of the lenses' centres below those of the eyes"""
    aside: float
    """by which they sit to the left"""
    roll: float
    """radians by which the left side is higher"""
    wire: float
    """radius of the frame"""


FORMS = {
    "half_width": (25 * MM, 3 * MM),
    "half_height": (18 * MM, 3.5 * MM),
    "squareness": (2.7, 0.6),
    "bridge": (17 * MM, 2.5 * MM),
    "drop": (2.5 * MM, 2.5 * MM),
    "aside": (0.0, 1.5 * MM),
    "roll": (0.0, 0.03),
}
"""Means and deviations of what pairs differ in."""


def glasses_of(deviations: Floats, wire: float = 1.0 * MM) -> Glasses:
    """The form so many deviations [7] away from the mean, in the order of FORMS."""
    named = zip(FORMS.items(), deviations, strict=True)
    form = {name: mean + spread * float(value) for (name, (mean, spread)), value in named}
    return Glasses(**form, wire=wire)


RIM, ARC, TEMPLE = 120, 24, 60  # points of one rim, of the bridge and of one temple
AHEAD = 13 * MM  # of the cornea (vertex distance)
LEANING = 0.14  # by which the lower edge is nearer to the face, of the height
WRAPPED = 1.2  # 1 / m: curvature around the face
HINGE = 0.45  # of a lens's half height, above its centre
BRIDGE_HEIGHT, BRIDGE_RISE = 0.35, 2.5 * MM  # of the half height; by which its middle is higher
EAR = np.array([74.0, 31.0, -2.0])  # millimetres on the mean head: on top of the left ear's root
BEHIND_EAR = np.array([1.0, -26.0, -17.0]) * MM  # from there to the end
CLEAR = 1.5 * MM  # of temples from the skin
ALONG, ACROSS = 0.62, 0.52  # standard deviations of a Gaussian, of its length and of the wire
LENGTH = 1.2  # of a Gaussian, in radii of the wire


class Front(NamedTuple):
    """The middle of the frame's wire, in head space."""

    rims: Floats  # [2, RIM, 3] the left first, both closed
    bridge: Floats  # [ARC, 3]
    hinges: Floats  # [2, 3]


def front_of(glasses: Glasses, eyes: Floats, radius: float) -> Front:
    """The front of glasses before eyeballs [2, 3], the left first, of a radius in metres."""
    turned = np.linspace(0, 2 * np.pi, RIM, endpoint=False)
    power = 2 / glasses.squareness
    x, y = (np.sign(t) * np.abs(t) ** power for t in (np.cos(turned), np.sin(turned)))
    width, height = glasses.half_width, glasses.half_height
    left = np.column_stack([glasses.bridge / 2 + width * (1 + x), height * y])
    share = np.linspace(-1, 1, ARC)
    rise = BRIDGE_HEIGHT * height + BRIDGE_RISE * (1 - share**2)
    arc = np.column_stack([share * glasses.bridge / 2, rise])
    hinge = np.array([[2 * width + glasses.bridge / 2, HINGE * height]])
    flat = np.concatenate([left, left * [-1, 1], arc, hinge, hinge * [-1, 1]])
    cos, sin = np.cos(glasses.roll), np.sin(glasses.roll)
    x, y = (flat @ [[cos, sin], [-sin, cos]]).T
    depth = radius + AHEAD + LEANING * y - WRAPPED * x**2
    bent = np.column_stack([x + glasses.aside, y - glasses.drop, depth]) + eyes.mean(0)
    rims, bridge, hinges = np.split(bent, [2 * RIM, 2 * RIM + ARC])
    return Front(rims.reshape(2, RIM, 3), bridge, hinges)


def outline_of(front: Front) -> tuple[Floats, Floats]:
    """Points [2 RIM + ARC, 3] of rims and bridge, and steps [2 RIM + ARC, 3] from one to the
    next."""
    around = [(np.roll(rim, -1, axis=0) - np.roll(rim, 1, axis=0)) / 2 for rim in front.rims]
    steps = [*around, np.gradient(front.bridge, axis=0)]
    return np.concatenate([*front.rims, front.bridge]), np.concatenate(steps)


def eyes_of(head: Head, vertices: Floats) -> tuple[Floats, float]:
    """Centres [2, 3] of the eyeballs of a head's vertices [V, 3], the left first; their radius."""
    there = torch.from_numpy(vertices)
    found = [eyeball(head, there, group) for group in ("l-eye", "r-eye")]
    return np.stack([centre.numpy() for centre, _ in found]), float(found[0][1])


def lines_of(glasses: Glasses, head: Head, vertices: Floats) -> list[Floats]:
    """Points [P, 3] along the middle of the frame's wire on a head's vertices [V, 3] at rest: both
    rims, which end where they begin, the bridge, and the temples."""
    front = front_of(glasses, *eyes_of(head, vertices))
    closed = [np.concatenate([rim, rim[:1]]) for rim in front.rims]
    normals = point_normals(vertices, head.faces.numpy())
    sides = zip(front.hinges, (1, -1), strict=True)
    temples = [_temple(head, vertices, normals, hinge, side) for hinge, side in sides]
    return [*closed, front.bridge, *temples]


def _temple(head: Head, vertices: Floats, normals: Floats, hinge: Floats, side: int) -> Floats:
    """Points [TEMPLE, 3] from a hinge to behind the ear, outside of the skin."""
    mean = head.vertices.double().numpy()
    ear = vertices[int(np.linalg.norm(mean - EAR * [side, 1, 1] * MM, axis=1).argmin())]
    corners = np.stack([hinge, ear, ear + BEHIND_EAR * [side, 1, 1]])
    lengths = np.append(0, np.linalg.norm(np.diff(corners, axis=0), axis=1).cumsum())
    at = np.linspace(0, lengths[-1], TEMPLE)
    points = np.column_stack([np.interp(at, lengths, corner) for corner in corners.T])
    nearest = KDTree(vertices).query(points)[1]
    above = dot(points - vertices[nearest], normals[nearest])  # [TEMPLE, 1]
    return points + normals[nearest] * np.maximum(CLEAR - above, 0)


class Wire(NamedTuple):
    """Even samples of the frame."""

    points: Floats  # [N, 3]
    tangents: Floats  # [N, 3]
    lengths: Floats  # [N] metres to the next
    temple: Floats  # [N] 1 on temples


def wire_of(glasses: Glasses, subject: Subject) -> Wire:
    """Samples of the whole frame as a subject wears it."""
    vertices = subject.rest.vertices[: len(subject.head.vertices)]
    lines = lines_of(glasses, subject.head, vertices)
    pieces = [_even(line, LENGTH * glasses.wire) for line in lines]
    points, tangents, lengths = (np.concatenate(part) for part in zip(*pieces, strict=True))
    aside = [np.full(len(piece[0]), float(number >= 3)) for number, piece in enumerate(pieces)]
    return Wire(points, tangents, lengths, np.concatenate(aside))


def _even(line: Floats, step: float) -> tuple[Floats, Floats, Floats]:
    """Even points [N, 3] on a line [P, 3], its directions there, and their distance [N]."""
    lengths = np.append(0, np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum())
    count = max(2, round(lengths[-1] / step))
    at = (np.arange(count) + 0.5) * lengths[-1] / count
    points = np.column_stack([np.interp(at, lengths, part) for part in line.T])
    return points, normalised(np.gradient(points, axis=0)), np.full(count, lengths[-1] / count)


def glasses_layer(
    subject: Subject, wire: Wire, radius: float, radiance: Floats, opacities: ArrayLike = 0.97
) -> Layer:
    """The frame's Gaussians, of some radiance [N, 3]; they follow the skull."""
    outward = wire.points - subject.rest.vertices.mean(0)
    thick = ACROSS * radius
    return layer(
        means=wire.points,
        axes=axes(wire.tangents, outward),
        scales=(ALONG * wire.lengths, thick, thick),
        radiance=radiance,
        opacities=opacities,
        triangles=subject.nearest(still_triangles(subject), wire.points),
    )
