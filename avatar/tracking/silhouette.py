"""Visibility of the face in a frame, and residuals of its occluding contour and of ears against the
masks.

Points of the occluding contour are on the edges along which the cosine to the view changes its sign
(Hertzmann and Zorin 2000). They slide over the skin as the head turns, but to first order only
along the line of sight, so that each constrains one direction: across the outline.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import normalize

from avatar.geometry.edges import edges_of
from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.zbuffer import NOTHING, Fragments, rasterize
from avatar.retarget.template import template_of
from avatar.tracking.model import FaceModel, FrameState, Person, PointModel
from avatar.tracking.pyramid import sample
from avatar.tracking.residuals import Equations, Placed, Residuals, normal_equations, place

DEPTH_PIXELS = 192  # width of the z-buffer
NEAREST = 0.05  # metres before the camera


def at_rest(model: FaceModel, person: Person) -> tuple[FaceModel, Person]:
    """The same person and camera in a model without modes, whose mean is the face at rest."""
    still = replace(model, mean=model.rest(person.shape), modes=model.modes[:0])
    return still, replace(person, shape=person.shape[:0])


def camera_vertices(model: FaceModel, person: Person, state: FrameState) -> Tensor:
    """[V, 3] in camera space."""
    rest = model.rest(person.shape) + model.offsets(state.weights)
    return rest @ state.rotation.float().T + state.translation.float()


def seen_coarsely(
    model: FaceModel, person: Person, vertices: Tensor, positions: Tensor, size: tuple[float, float]
) -> tuple[Fragments, tuple[Tensor, Tensor]]:
    """The fragments of vertices [V, 3] in a small z-buffer, and the row [P] and column [P] in it of
    positions [P, 2]; size: rows and columns of the picture."""
    shrink = DEPTH_PIXELS / max(size)
    height, width = (max(1, round(side * shrink)) for side in size)
    depth = vertices[:, 2].clamp(min=NEAREST)
    pixels = person.focal * vertices[:, :2] / depth[:, None] + torch.tensor(person.centre)
    projected = torch.cat([pixels * shrink, 1 / depth[:, None]], 1).double().numpy()
    columns, rows = (positions * shrink).long().unbind(1)
    cells = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    return rasterize(projected, model.head.faces.numpy(), height, width), cells


REACH, STEP = 12.0, 0.5  # pixels to either side in which the mask's edge is looked for
BEYOND = 4.0  # pixels outside the outline where nothing of the head may be
BESIDE = 4.0  # pixels to either side of the edge where there may be no hair
NO_HAIR = 0.2  # of the mask
WHOLE = 0.95  # pose weight from which the skin moves with the head
SPREAD, HUBER = 2.0, 2.0  # pixels; standard deviations
SHARED = 20.0  # points with correlated errors that count as one


@dataclass(frozen=True)
class OutlineModel:
    """The skin that may be on the outline."""

    points: PointModel  # of all vertices [V]
    edges: Tensor  # [E, 2] vertices


@dataclass(frozen=True)
class Contour:
    """The outline that is visible in a frame."""

    points: PointModel  # [P] on edges
    across: Tensor  # [P, 2] unit directions out of the head, in the picture
    edge: Tensor  # [P, 2] pixels: where the mask ends, across from where the points were


def outline_model(model: FaceModel) -> OutlineModel:
    """All of the outer skin that is not the neck's."""
    directions = torch.cat([model.units, model.modes])  # [K, V, 3]
    points = PointModel(model.mean, directions.permute(1, 2, 0).contiguous(), len(model.units))
    head = model.head
    outer = torch.from_numpy(template_of(head).outer) & (head.pose_weights > WHOLE)
    edges = torch.from_numpy(edges_of(head.faces[head.group_faces("body")].numpy())[0])
    return OutlineModel(points, edges[outer[edges].all(1)])


def find_contour(
    model: FaceModel, person: Person, state: FrameState, outline: OutlineModel, masks: Tensor
) -> Contour:
    """The outline of a frame where its masks [H, W, 2] of the person and of hair show its edge."""
    vertices = camera_vertices(model, person, state)
    ends, share, normals = _crossings(model, outline, vertices)
    first, second = vertices[ends].unbind(1)
    middle = first + share * (second - first)
    pixels = person.focal * middle[:, :2] / middle[:, 2:] + torch.tensor(person.centre)
    across = normalize(normals[:, :2], dim=1)
    away, edged = _from_edge(masks, pixels, across)
    beyond = pixels + BEYOND * across
    size = (masks.shape[0], masks.shape[1])
    seen, cells = seen_coarsely(model, person, vertices, beyond, size)
    valid = edged & (torch.from_numpy(seen.faces)[cells] == NOTHING)
    a, b = ends[valid].unbind(1)
    t = share[valid]
    points = outline.points
    mean = points.mean[a] + t * (points.mean[b] - points.mean[a])
    basis = points.basis[a] + t[..., None] * (points.basis[b] - points.basis[a])
    edge = (pixels - away[:, None] * across)[valid]
    return Contour(PointModel(mean, basis, points.units), across[valid], edge)


def _crossings(
    model: FaceModel, outline: OutlineModel, vertices: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Where the surface of vertices [V, 3] in camera space turns away: edges [P, 2], how far along
    them [P, 1], and the normals there [P, 3]."""
    skin = model.head.faces[model.head.group_faces("body")].numpy()
    normals = torch.from_numpy(point_normals(vertices.numpy(), skin)).to(vertices)
    facing = (normals * normalize(vertices, dim=1)).sum(1)
    ends = outline.edges[facing[outline.edges].prod(1) < 0]
    first, second = facing[ends].unbind(1)
    share = (first / (first - second))[:, None]
    between = normals[ends[:, 0]] + share * (normals[ends[:, 1]] - normals[ends[:, 0]])
    return ends, share, between


def beyond_edge(contour: Contour, placed: Placed) -> Tensor:
    """How far [P] the points are outside the edge of the person, in pixels."""
    return ((placed.pixels - contour.edge) * contour.across).sum(1)


def silhouette_residuals(contour: Contour, placed: Placed) -> Residuals:
    """Residuals of the outline's points against the masks of a frame."""
    away, across = beyond_edge(contour, placed), contour.across
    far = away.abs() / SPREAD
    weight = (HUBER / far.clamp(min=HUBER)) / SPREAD**2 / SHARED  # [P]
    information = weight[:, None, None] * across[:, :, None] * across[:, None]
    return Residuals(information, (weight * away)[:, None] * across)


@dataclass(frozen=True)
class SeenEar:
    """The middle of an ear, and how high a picture shows it."""

    point: PointModel  # one point
    pixels: Tensor  # [2]
    up: Tensor  # [2] unit, in the picture
    spread: float  # pixels


def ear_equations(ear: SeenEar, person: Person, state: FrameState) -> Equations:
    """The normal equations of how high an ear is."""
    placed = place(ear.point, person, state)
    up = ear.up.to(placed.pixels) / ear.spread
    away = (placed.pixels[0] - ear.pixels.to(up)) @ up
    residuals = Residuals(torch.outer(up, up)[None], (away * up)[None])
    return normal_equations(ear.point, person, state, placed, residuals)


def _from_edge(masks: Tensor, pixels: Tensor, across: Tensor) -> tuple[Tensor, Tensor]:
    """How far outside the edge of the person points [P, 2] are, and where there is one edge."""
    steps = torch.arange(-REACH, REACH + STEP, STEP)
    positions = pixels[:, None] + steps[None, :, None] * across[:, None]
    values = sample(masks, positions.flatten(0, 1), 1.0)[0].unflatten(0, positions.shape[:2])
    person = values[..., 0]  # [P, S]
    falls = (person[:, :-1] > 0.5) & (person[:, 1:] <= 0.5)
    rises = (person[:, :-1] <= 0.5) & (person[:, 1:] > 0.5)
    index = falls.float().argmax(1)
    before, after = (person.gather(1, (index + k)[:, None])[:, 0] for k in (0, 1))
    part = (before - 0.5) / (before - after).clamp(min=1e-6)
    edge = steps[index] + STEP * part
    near = ((steps[None] - edge[:, None]).abs() <= BESIDE).float()
    hair = (values[..., 1] * near).amax(1)
    height, width = masks.shape[:2]
    low, high = positions.amin(1), positions.amax(1)
    inside = (low > 1).all(1) & (high[:, 0] < width - 1) & (high[:, 1] < height - 1)
    return -edge, (falls.sum(1) == 1) & (rises.sum(1) == 0) & (hair < NO_HAIR) & inside
