"""The subject of a portrait: a head with a torso, in the shapes from which it is painted."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree
from torch import Tensor

from avatar.geometry.vectors import MM, Bools, Floats, Ints
from avatar.heads import Head, eyeball
from avatar.people.masks import ear_mask
from avatar.people.surface import Mesh, Spots, at_spots

Colour = tuple[int, int, int]


STRETCH = {"jawOpen": 0.9, "eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
FLATTENED_EAR = 0.35  # ears under hair keep this share of what stands off the skull
SKULL_SIDE = 66 * MM
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
    bare: Ints  # [m] triangles of the skin below
    torso: Ints  # [m] these and those of clothes
    owners: Ints  # [M] the head's triangle that Gaussians on each triangle follow
    ears_covered: bool  # by hair
    blink: Floats  # [V] metres that both blink units move each vertex

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
