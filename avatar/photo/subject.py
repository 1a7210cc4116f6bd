"""The person of the photos as a subject that `avatar.people` can paint, with the colour of the
irises and the light of the eyes."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import binary_erosion
from torch import Tensor

from avatar.geometry.closest import closest, face_tree
from avatar.geometry.vectors import Bools, Floats, Ints
from avatar.lighting.occlusion import Fog
from avatar.people.shading import Lighting, PaintedStudio, head_shadows
from avatar.people.subject import Colour, Look, Subject, make_subject
from avatar.people.surface import Mesh, Spots, mesh
from avatar.photo.fit import Fitted
from avatar.photo.photograph import SeenPhoto
from avatar.photo.project import LIDS, View, polygon, view_of

IRISES = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
"""Landmarks of each iris: its middle, then four on its rim."""
RING = (0.45, 0.9)  # of an iris's radius: between pupil and rim
WHITE = 0.80  # quantile of brightness in an eye's opening that its white has
PAINTED_WHITE = 0.62  # sRGB of the painted white, between the lids
LEAST, MOST = 0.55, 1.25  # of the painted light
FEWEST = 6  # pixels to take a colour from
BROWN = (70, 50, 36)


def iris_colours(seen: SeenPhoto) -> tuple[Colour, Colour, Colour]:
    """The look's colours near the pupil, at the rim and between, from both eyes of a photo."""
    pixels = np.concatenate([_iris_pixels(seen, *pair) for pair in zip(IRISES, LIDS, strict=True)])
    if len(pixels) < FEWEST:
        middle = np.array(BROWN, float)
    else:
        bright = pixels.sum(1)
        inliers = (bright > np.quantile(bright, 0.2)) & (bright < np.quantile(bright, 0.8))
        middle = np.median(pixels[inliers], axis=0) * 255
    return _colour(middle * 1.05), _colour(middle * 0.8), _colour(middle * 1.3)


def eye_light(seen: SeenPhoto) -> float:
    """How bright the whites of the eyes are, where the painted ones have 1 (linear light)."""
    inside = np.asarray(binary_erosion(polygon(seen, LIDS[0]) | polygon(seen, LIDS[1])), bool)
    if inside.sum() < FEWEST:
        return 1.0
    white = float(np.quantile(seen.picture[inside].mean(1), WHITE))
    return float(np.clip((white / PAINTED_WHITE) ** 2.2, LEAST, MOST))


def _iris_pixels(seen: SeenPhoto, iris: tuple[int, ...], lids: tuple[int, ...]) -> Floats:
    """Colours [P, 3] between the pupil and the rim, where the lids leave them free."""
    middle, *rim = seen.points[list(iris)].double().numpy()
    radius = float(np.linalg.norm(np.array(rim) - middle, axis=1).mean())
    rows, columns = np.indices(seen.person.shape)
    away = np.hypot(columns + 0.5 - middle[0], rows + 0.5 - middle[1]) / radius
    ring: Bools = (away > RING[0]) & (away < RING[1]) & polygon(seen, lids)
    return seen.picture[ring]


def _colour(levels: Floats) -> Colour:
    red, green, blue = np.clip(levels, 4, 250).round().astype(int).tolist()
    return red, green, blue


NAME = "photo"  # of the person among the head's identities


@dataclass(frozen=True)
class Scene:
    """The subject, and how each photo shows them."""

    studio: PaintedStudio
    views: list[View]

    @property
    def subject(self) -> Subject:
        return self.studio.subject


def subject_scene(fitted: Fitted, rng: np.random.Generator) -> Scene:
    """Seat the person of the photos."""
    head = fitted.model.head
    own = replace(head, identities={NAME: fitted.rest - head.vertices})
    look = Look(identity=NAME, hair_style="short", iris=iris_colours(fitted.photos[0].seen))
    subject = make_subject(own, look)
    rest, stretched = (head_shadows(subject, shape) for shape in (subject.rest, subject.stretched))
    no_fog = Fog(np.zeros((2, 2, 2), np.float32), np.zeros(3))
    studio = PaintedStudio(subject, Lighting(rest, stretched, no_fog), rng, look)
    opaque = _opaque(subject)
    shapes = [_posed(subject, head) for head in fitted.posed(subject.units)]
    views = [
        view_of(photo, shape, opaque) for photo, shape in zip(fitted.photos, shapes, strict=True)
    ]
    return Scene(studio, views)


def _posed(subject: Subject, head: Tensor) -> Mesh:
    """The subject's whole mesh with a head [V, 3] as a photo shows it, in the world."""
    torso = subject.rest.vertices[len(head) :]
    return mesh(np.concatenate([head.double().numpy(), torso]), subject.faces)


def _opaque(subject: Subject) -> Ints:
    """Triangles [m] that hide what is behind them: all but lashes and the neck's ragged end."""
    lashes = [name for name in subject.head.group_names if "eyelashes" in name]
    others = [name for name in subject.head.group_names if name not in (*lashes, "body")]
    return np.concatenate([subject.skin, subject.part(*others), subject.torso])


def mirrored_spots(subject: Subject, spots: Spots, triangles: Ints) -> Spots:
    """The spots mirrored to the other side of the body, on some triangles [m]."""
    there = subject.painted.vertices[subject.faces[spots.triangles]]
    points = np.einsum("nc,ncx->nx", spots.weights, there) * [-1.0, 1.0, 1.0]
    hit = closest(face_tree(subject.painted.vertices, subject.faces[triangles]), points)
    return Spots(triangles[hit.faces], hit.weights, spots.spacing)


def world_normals(view: View, spots: Spots) -> Floats:
    """Normals [N, 3] of spots as a photo shows them."""
    corners = view.shape.faces[spots.triangles]
    normals = np.einsum("nc,ncx->nx", spots.weights, view.shape.normals[corners])
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
