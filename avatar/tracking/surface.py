"""The whole face of a frame before the camera, and what of it is seen."""

from dataclasses import replace

import torch
from torch import Tensor

from avatar.mesh.zbuffer import Fragments, rasterize
from avatar.tracking.model import FaceModel
from avatar.tracking.state import Moment, Person

DEPTH_PIXELS = 192  # width of the z-buffer
NEAREST = 0.05  # metres before the camera


def at_rest(model: FaceModel, person: Person) -> tuple[FaceModel, Person]:
    """The same person before the same camera, told by a model without modes: its mean is their face
    at rest."""
    still = replace(model, mean=model.rest(person.shape), modes=model.modes[:0])
    return still, replace(person, shape=person.shape[:0])


def camera_vertices(model: FaceModel, person: Person, moment: Moment) -> Tensor:
    """[V, 3] in camera space."""
    offsets = torch.einsum("e,evx->vx", moment.weights.float(), model.units)
    rest = model.rest(person.shape) + offsets
    return rest @ moment.rotation.float().T + moment.translation.float()


def seen_coarsely(
    model: FaceModel, person: Person, vertices: Tensor, places: Tensor, size: tuple[float, float]
) -> tuple[Fragments, tuple[Tensor, Tensor]]:
    """What of the vertices [V, 3] a small z-buffer shows, and the row [P] and column [P] there of
    places [P, 2]; size: rows and columns of the picture."""
    shrink = DEPTH_PIXELS / max(size)
    height, width = (max(1, round(side * shrink)) for side in size)
    depth = vertices[:, 2].clamp(min=NEAREST)
    pixels = person.focal * vertices[:, :2] / depth[:, None] + torch.tensor(person.centre)
    projected = torch.cat([pixels * shrink, 1 / depth[:, None]], 1).double().numpy()
    columns, rows = (places * shrink).long().unbind(1)
    spots = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    return rasterize(projected, model.head.faces.numpy(), height, width), spots
