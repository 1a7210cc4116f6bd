"""The look of a portrait, and its subject: a head with a torso, in the shapes from which it is
painted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.edges import boundary_loop
from avatar.geometry.vectors import MM, Bools, Floats, Ints
from avatar.heads import Head, eyeball, fit_units
from avatar.heads.head import seal_lips
from avatar.people.masks import ear_mask
from avatar.people.surface import Mesh, Spots, at_spots, mesh
from avatar.people.torso import COLUMNS, above_cut, loft, ring_depths, torso_vertices

HairStyle = Literal["bob", "short"]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Look:
    """Everything in which portraits differ. Colours are sRGB from 0 to 255."""

    identity: str
    """name of the head's identity: the shape of skull and face"""
    mood: Mapping[str, float] = field(default_factory=dict)
    """weights of expression units that belong to the resting face"""
    skin: Colour = (214, 168, 146)
    """mean colour of the skin"""
    blush: float = 1.0
    """how red cheeks, nose, chin and ears are; 1 is average"""
    freckles: float = 1.0
    """density of freckles; 0 has none"""
    beard: float = 0.0
    """strength of the beard's shadow; 0 has none"""
    lips: Colour = (178, 88, 88)
    """colour of the lips"""
    lip_cover: float = 0.76
    """share of the lips' own colour over the skin's"""
    iris: tuple[Colour, Colour, Colour] = ((100, 74, 48), (88, 88, 68), (132, 96, 54))
    """colours of the iris near the pupil, at the rim, and of the ring between"""
    hair: Colour = (92, 60, 40)
    """colour of hair and brows"""
    hair_style: HairStyle = "bob"
    """`bob` falls to the jaw and covers the ears; `short` leaves them free"""
    brow_weight: float = 1.0
    """thickness and opacity of the brows; 1 is average"""
    lash_weight: float = 1.0
    """number of lashes; 1 is average"""
    cloth: Colour = (64, 84, 96)
    """colour of the pullover"""


STRETCH = {"jawOpen": 0.9, "eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
FLATTENED_EAR = 0.35  # ears under hair keep this share of what stands off the skull
SKULL_SIDE = 66 * MM
SKIN_BELOW_CUT = 2 * MM  # of the neck's ragged end that is kept under the torso's first rings
UNPOSED = 0.005  # share of the head's pose that a vertex at the end of the neck may follow
STILL = 0.05 * MM  # hair and clothes are bound to what no expression moves further


@dataclass(frozen=True)
class Subject:
    """One mesh (head, then torso) in three shapes, with its parts."""

    head: Head
    units: Tensor  # [E, V, 3] fitted to this identity
    painted: Mesh  # the mean head, in whose coordinates all masks are written
    rest: Mesh
    stretched: Mesh  # jaw open and eyes shut: the pose that shows most skin
    skin: Ints  # [m] triangles of the head's skin
    torso: Ints  # [m] triangles below the cut of the neck
    owners: Ints  # [M] the head's triangle that Gaussians on each triangle follow
    ears_covered: bool  # by hair
    blink: Floats  # [V] metres that both blink units move each vertex
    above_cut: Floats  # [V] metres above the plane that cuts the neck; inf on the torso
    down: Floats  # [V] metres below the cut of the neck along the torso; -inf on the head

    @property
    def faces(self) -> Ints:
        return self.rest.faces

    def part(self, *names: str) -> Ints:
        """Triangles [m] of the head's named groups."""
        return self.head.group_faces(*names).numpy()

    def nearest(self, triangles: Ints, points: Floats) -> Ints:
        """The one of some triangles [m] whose centre at rest is nearest to each point [N, 3]."""
        centres = self.rest.vertices[self.faces[triangles]].mean(1)
        return triangles[KDTree(centres).query(points)[1]]

    def millimetres(self, spots: Spots) -> Floats:
        """Positions [N, 3] of spots on the mean head in millimetres, the coordinates of masks."""
        return at_spots(self.painted.vertices, self.faces, spots) / MM

    def eye(self, group: str) -> tuple[Floats, float]:
        """Centre [3] and radius of an eyeball of the resting face."""
        vertices = self.head.vertices.new_tensor(self.rest.vertices)
        centre, radius = eyeball(self.head, vertices[: len(self.head.vertices)], group)
        return centre.numpy().astype(float), float(radius)


def make_subject(head: Head, look: Look) -> Subject:
    """The subject of a look: identity and mood applied, torso added."""
    plain = head.vertices + head.identities[look.identity]
    units = fit_units(head, plain)
    resting = sealed(head, plain + weighted(head, units, look.mood))
    stretched = (resting + weighted(head, units, STRETCH)).numpy().astype(float)
    neutral, rest = head.vertices.numpy().astype(float), resting.numpy().astype(float)
    ears_covered = look.hair_style == "bob"
    if ears_covered:
        rest, stretched = (flattened_ears(shape, neutral) for shape in (rest, stretched))
    body = head.group_faces("body").numpy()
    head_faces = head.faces.numpy()
    rim = boundary_loop(head_faces[body])
    torso = torso_vertices(rest, head_faces[body], rest[rim]).reshape(-1, 3)
    faces = np.concatenate([head_faces, loft(len(rest))])
    height = above_cut(rest, rest[rim])
    kept = height[head_faces[body]].max(1) > -SKIN_BELOW_CUT
    torso_triangles = np.arange(len(head_faces), len(faces))

    def whole(shape: Floats) -> Mesh:
        return mesh(np.concatenate([shape, torso]), faces)

    blink = head.unit("eyeBlinkLeft") + head.unit("eyeBlinkRight")
    return Subject(
        head=head,
        units=units,
        painted=whole(neutral),
        rest=whole(rest),
        stretched=whole(stretched),
        skin=body[kept],
        torso=torso_triangles,
        owners=followed(head, whole(rest), body, torso_triangles),
        ears_covered=ears_covered,
        blink=np.pad(blink.norm(dim=1).numpy().astype(float), (0, len(torso))),
        above_cut=np.pad(height, (0, len(torso)), constant_values=np.inf),
        down=np.concatenate([np.full(len(rest), -np.inf), np.repeat(ring_depths(), COLUMNS)]),
    )


def weighted(head: Head, units: Tensor, weights: Mapping[str, float]) -> Tensor:
    """Offsets [V, 3] of a weighted sum of units [E, V, 3] by name."""
    total = head.vertices.new_zeros(head.vertices.shape)
    for name, weight in weights.items():
        total = total + weight * units[head.unit_names.index(name)]
    return total


def sealed(head: Head, vertices: Tensor) -> Tensor:
    """Vertices with the lips closed again after a change of mood."""
    upper, lower = (head.regions[f"lip_inner_{side}"].numpy() for side in ("upper", "lower"))
    jaw_drop = -head.unit("jawOpen")[:, 1].numpy()
    return torch.from_numpy(seal_lips(vertices.numpy(), jaw_drop, upper, lower)).float()


def flattened_ears(vertices: Floats, neutral: Floats) -> Floats:
    """Vertices with the ears close to the skull, for hair to fall over."""
    out = np.maximum(np.abs(vertices[:, 0]) - SKULL_SIDE, 0) * ear_mask(neutral / MM)
    flat = vertices.copy()
    flat[:, 0] -= np.sign(vertices[:, 0]) * out * (1 - FLATTENED_EAR)
    return flat


def still_vertices(head: Head) -> Bools:
    """Vertices [V] of the head that no expression moves."""
    return (head.units.norm(dim=-1).amax(0) < STILL).numpy()


def followed(head: Head, rest: Mesh, skin: Ints, torso: Ints) -> Ints:
    """The head's triangle that Gaussians on each triangle [M] follow: its own on the head, on the
    torso the nearest one of the skin that nothing ever moves."""
    centres = rest.vertices[rest.faces].mean(1)
    owners = np.arange(len(rest.faces))
    rim = still_neck(head, skin)
    owners[torso] = rim[KDTree(centres[rim]).query(centres[torso])[1]]
    return owners


def still_neck(head: Head, skin: Ints) -> Ints:
    """Triangles of the head's skin that neither expressions nor the head's pose move."""
    unmoved = still_vertices(head) & (head.pose_weights.numpy() < UNPOSED)
    return skin[unmoved[head.faces.numpy()[skin]].all(1)]


def still_triangles(subject: Subject) -> Ints:
    """Triangles of the skin that only the head's pose moves, and that follow it wholly."""
    follows = subject.head.pose_weights.numpy() > 0.999
    still = still_vertices(subject.head) & follows
    return subject.skin[still[subject.faces[subject.skin]].all(1)]
