"""Dense alignment: every point of the face has one colour for the whole film, under one light.

Colours are albedo · (1 + spherical harmonics of the normal, the second to the ninth) · gain of the
frame (Ramamoorthi and Hanrahan 2001). Normals are in camera axes: the light is fixed, the head
turns. There is no renderer: pictures are sampled at projected points.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from avatar.retarget.template import template_of
from avatar.tracking.model import FaceModel, FrameState, Person, PointModel, points_of
from avatar.tracking.pyramid import sample
from avatar.tracking.residuals import Placed, Residuals, placed_in
from avatar.tracking.silhouette import camera_vertices, seen_coarsely

SPACING = 0.0022  # metres between samples
ON_FACE = 0.4  # weight of a vertex from which the skin counts
GRAZING = 0.15  # cosine between normal and view below which a sample does not count
BEHIND = 0.006  # metres behind the first surface up to which a sample is seen
SPREAD, HUBER = 0.04, 0.05  # of colours in [0, 1]
SHARED = 20.0  # samples with correlated errors that count as one
OFTEN = 3  # frames in which a sample must be visible
RIDGE = 1.0  # of the light
GAIN_SPREAD = 0.03  # of a frame's exposure
ROUNDS = 3  # of albedo and light


@dataclass(frozen=True)
class Samples:
    """Points spread evenly over the skin, the centres of triangles."""

    points: PointModel
    corners: Tensor  # [P, 3] vertices of their triangles


@dataclass(frozen=True)
class Observed:
    """The samples as observed in a frame."""

    placed: Placed
    normals: Tensor  # [P, 3] camera axes
    share: Tensor  # [P] 0 where a sample is hidden, else the cosine to the view
    colours: Tensor  # [P, 3]
    slopes: Tensor  # [P, 3, 2] of the colours by pixel


@dataclass(frozen=True)
class Paint:
    """The colours of a person, and the light of the film."""

    albedo: Tensor  # [P, 3]
    light: Tensor  # [8, 3]
    known: Tensor  # [P] which samples were seen often enough


def face_samples(model: FaceModel) -> Samples:
    """Samples over the face, about SPACING apart."""
    template = template_of(model.head)
    skin = model.head.faces[model.head.group_faces("body")]
    wide = torch.from_numpy(np.minimum.reduce(template.weight[skin.numpy()], axis=1) > ON_FACE)
    outer = torch.from_numpy(template.outer[skin.numpy()].all(1))
    corners = skin[wide & outer]
    centres = model.mean[corners].mean(1).numpy()
    return samples_on(model, corners[torch.from_numpy(_thinned(centres))])


def samples_on(model: FaceModel, corners: Tensor) -> Samples:
    """Samples on triangles [P, 3]."""
    return Samples(points_of(model, corners, torch.full((len(corners), 3), 1 / 3)), corners)


def _thinned(points: np.ndarray) -> np.ndarray:
    """Indices of points [P, 3] no two of which are nearer than SPACING."""
    near = KDTree(points).query_ball_point(points, SPACING)
    removed, kept = np.zeros(len(points), bool), []
    for index in np.random.default_rng(0).permutation(len(points)):
        if not removed[index]:
            kept.append(index)
            removed[near[index]] = True
    return np.array(kept)


def observe(
    model: FaceModel,
    person: Person,
    state: FrameState,
    samples: Samples,
    picture: Tensor,
    scale: int,
) -> Observed:
    """Sample a frame at the projected samples.

    model: of one person (`at_rest`); picture [h, w, 4]: a level of a pyramid, `scale` pixels of the
    film to one of its own, with a mask of the skin as its last channel.
    """
    vertices = camera_vertices(model, person, state)
    corners = vertices[samples.corners]  # [P, 3, 3]
    placed = placed_in(corners.mean(1), person, state)
    a, b, c = corners.unbind(1)
    normals = torch.nn.functional.normalize(torch.linalg.cross(b - a, c - a), dim=1)
    facing = -(normals * torch.nn.functional.normalize(placed.camera, dim=1)).sum(1)
    size = (picture.shape[0] * scale, picture.shape[1] * scale)
    hidden = _hidden(model, person, vertices, placed, size)
    values, slopes = sample(picture, placed.pixels, scale)
    inside = (values[:, 3] > 0.99) & ~hidden & (facing > GRAZING)
    share = facing.clamp(0, 1) * inside
    return Observed(placed, normals, share, values[:, :3], slopes[:, :3])


def _hidden(
    model: FaceModel, person: Person, vertices: Tensor, placed: Placed, size: tuple[float, float]
) -> Tensor:
    """[P] true for points behind another part of the head."""
    seen, spots = seen_coarsely(model, person, vertices, placed.pixels, size)
    first = torch.from_numpy(seen.nearness)[spots]
    return placed.camera[:, 2] > 1 / first.clamp(min=1e-6) + BEHIND


def bands(normals: Tensor) -> Tensor:
    """The second to the ninth spherical harmonic [..., 8], not normalised."""
    x, y, z = normals.unbind(-1)
    return torch.stack([x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], -1)


def mix_paint(observed: Sequence[Observed], gains: Tensor) -> tuple[Paint, Tensor]:
    """The colours, the light and the gains [F, 3] that explain all frames best, robustly."""
    colours = torch.stack([one.colours for one in observed]) / gains[:, None]
    share = torch.stack([one.share for one in observed])  # [F, P]
    harmonics = bands(torch.stack([one.normals for one in observed]))  # [F, P, 8]
    known = (share > 0.2).sum(0) >= OFTEN
    share = share * known
    masked = torch.where(share[..., None] > 0.2, colours, torch.nan)
    albedo = masked.nanmedian(0).values.nan_to_num(0.5)
    light = torch.zeros(8, 3)
    for _ in range(ROUNDS):
        light = _light(colours, share, harmonics, albedo)
        shade = 1 + harmonics @ light
        off = (colours - albedo * shade).abs().amax(-1)
        weight = (share * HUBER / off.clamp(min=HUBER))[..., None]
        albedo = (weight * colours * shade).sum(0) / (weight * shade**2).sum(0).clamp(min=1e-6)
    predicted = albedo * (1 + harmonics @ light)
    return Paint(albedo, light, known), gains * _gain(colours, predicted, share)


def _light(colours: Tensor, share: Tensor, harmonics: Tensor, albedo: Tensor) -> Tensor:
    """Ridge regression of the light [8, 3], each channel on its own."""
    found = []
    for channel in range(3):
        rows = albedo[:, channel, None] * harmonics * share[..., None].sqrt()  # [F, P, 8]
        right = (colours[..., channel] - albedo[:, channel]) * share.sqrt()
        rows, right = rows.flatten(0, 1), right.flatten()
        found.append(torch.linalg.solve(rows.T @ rows + RIDGE * torch.eye(8), rows.T @ right))
    return torch.stack(found, 1)


def _gain(colours: Tensor, predicted: Tensor, share: Tensor) -> Tensor:
    """The exposure gain [..., 3], near 1, from predicted colours [..., P, 3] to the frame's."""
    off = (colours - predicted).abs().amax(-1)
    weight = (share * HUBER / off.clamp(min=HUBER))[..., None] / SPREAD**2 / SHARED
    prior = GAIN_SPREAD**-2.0
    top = (weight * colours * predicted).sum(-2) + prior
    return top / ((weight * predicted**2).sum(-2) + prior)


def unexposed(observed: Observed, paint: Paint) -> Tensor:
    """The colours [P, 3] of the samples of a frame whose exposure is 1."""
    return paint.albedo * (1 + bands(observed.normals) @ paint.light)


def exposure(observed: Observed, paint: Paint, predicted: Tensor) -> Tensor:
    """The gain [3] of a frame whose colours would be the predicted ones [P, 3] without it."""
    return _gain(observed.colours, predicted, observed.share * paint.known)


def colour_residuals(observed: Observed, paint: Paint, predicted: Tensor) -> Residuals:
    """Residuals of the colours of a frame's samples; predicted [P, 3]."""
    off = observed.colours - predicted  # [P, 3]
    size = off.abs().amax(1)
    weight = observed.share * paint.known * (HUBER / size.clamp(min=HUBER)) / SPREAD**2 / SHARED
    slopes = observed.slopes
    weighted = weight[:, None, None] * slopes  # [P, 3, 2]
    information = torch.stack([(weighted * slopes[..., k, None]).sum(1) for k in (0, 1)], 1)
    return Residuals(information, (weighted * off[..., None]).sum(1))
