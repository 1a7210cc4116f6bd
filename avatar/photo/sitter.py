"""The person of the photos as a sitter whom our painters can paint."""

from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from avatar.light.fog import Fog
from avatar.mesh.closest import closest, face_tree
from avatar.mesh.vectors import Floats, Ints
from avatar.photo.eyes import iris_colours
from avatar.photo.fit import Fitted
from avatar.photo.project import View, view_of
from avatar.synthetic.portrait.lighting import Lighting, Studio, head_shadows
from avatar.synthetic.shared.look import Look
from avatar.synthetic.shared.sitter import Sitter, seat
from avatar.synthetic.shared.surface import Mesh, Spots, mesh

NAME = "photo"  # of the person among the head's identities


@dataclass(frozen=True)
class Scene:
    """The sitter, and how each photo shows them."""

    studio: Studio
    views: list[View]

    @property
    def sitter(self) -> Sitter:
        return self.studio.sitter


def scene_of(fitted: Fitted, rng: np.random.Generator) -> Scene:
    """Seat the person of the photos."""
    head = fitted.model.head
    own = replace(head, identities={NAME: fitted.rest - head.vertices})
    look = Look(identity=NAME, hair_style="short", iris=iris_colours(fitted.photos[0].seen))
    sitter = seat(own, look)
    rest, stretched = (head_shadows(sitter, shape) for shape in (sitter.rest, sitter.stretched))
    no_fog = Fog(np.zeros((2, 2, 2), np.float32), np.zeros(3))
    studio = Studio(sitter, look, Lighting(rest, stretched, no_fog), rng)
    opaque = _opaque(sitter)
    shapes = [_posed(sitter, head) for head in fitted.posed(sitter.units)]
    views = [
        view_of(photo, shape, opaque) for photo, shape in zip(fitted.photos, shapes, strict=True)
    ]
    return Scene(studio, views)


def _posed(sitter: Sitter, head: Tensor) -> Mesh:
    """The sitter's whole mesh with a head [V, 3] as a photo shows it, in the world."""
    torso = sitter.rest.vertices[len(head) :]
    return mesh(np.concatenate([head.double().numpy(), torso]), sitter.faces)


def _opaque(sitter: Sitter) -> Ints:
    """Triangles [m] that hide what is behind them: all but lashes and the neck's ragged end."""
    lashes = [name for name in sitter.head.group_names if "eyelashes" in name]
    others = [name for name in sitter.head.group_names if name not in (*lashes, "body")]
    return np.concatenate([sitter.skin, sitter.part(*others), sitter.torso])


def mirrored_spots(sitter: Sitter, spots: Spots, triangles: Ints) -> Spots:
    """The same places on the other side of the body, on one of some triangles [m]."""
    there = sitter.painted.vertices[sitter.faces[spots.triangles]]
    points = np.einsum("nc,ncx->nx", spots.weights, there) * [-1.0, 1.0, 1.0]
    hit = closest(face_tree(sitter.painted.vertices, sitter.faces[triangles]), points)
    return Spots(triangles[hit.faces], hit.weights, spots.spacing)


def world_normals(view: View, spots: Spots) -> Floats:
    """Normals [N, 3] of spots as a photo shows them."""
    corners = view.shape.faces[spots.triangles]
    normals = np.einsum("nc,ncx->nx", spots.weights, view.shape.normals[corners])
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
